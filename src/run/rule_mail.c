#include "core/nsf_common.h"

#include "run/rule_mail.h"

#include "core/mem.h"
#include "judge/sender_score.h"

#define COUNT_OF(on_day) ((on_day)&0xffffu)
#define DAY_OF(on_day) ((on_day) >> 16)
#define MESSAGES_A_DAY_MAX UINT16_MAX
#define DAYS_A_SPAN 7

void nsf_rule_mail_release(struct nsf_rule_mail *mail)
{
    nsf_free(mail->items);
    *mail = (struct nsf_rule_mail){0};
}

static void count_messages(struct nsf_rule_mail *mail, uint64_t messages, enum nsf_source_verdict verdict)
{
    if (nsf_source_is_sender(verdict))
        mail->sender_messages += messages;
    else if (verdict == NSF_SOURCE_SPAM_SOURCE)
        mail->spam_messages += messages;
    else if (!nsf_source_is_hostile(verdict))
        mail->other_messages += messages;
}

/* Without a message a source is a sender network only where it is thought to send. */
static bool may_send(const struct nsf_sent *sent, enum nsf_source_verdict verdict)
{
    if (nsf_source_is_hostile(verdict) || verdict == NSF_SOURCE_SPAM_SOURCE || verdict == NSF_SOURCE_HEALTH_PROBE)
        return false;
    return sent->messages > 0 || nsf_source_is_sender(verdict) || verdict == NSF_SOURCE_POSSIBLE_SENDER;
}

void nsf_rule_mail_add(struct nsf_rule_mail *mail, const struct nsf_sent *sent, enum nsf_source_verdict verdict)
{
    count_messages(mail, sent->messages, verdict);
    if (!may_send(sent, verdict))
        return;
    uint32_t messages = sent->messages > UINT32_MAX ? UINT32_MAX : (uint32_t)sent->messages;
    NSF_GROW(mail->items, mail->capacity, mail->n_items + sent->days.n + 1);
    for (uint32_t i = 0; i < sent->days.n || i == 0; i++) {
        uint32_t on_day = i < sent->days.n ? sent->days.items[i] : 0;
        mail->items[mail->n_items++] = (struct nsf_keyed){sent->network.id, NSF_MAIL_ITEM(on_day, messages)};
        messages = 0;
    }
}

void nsf_rule_mail_join(struct nsf_rule_mail *mail, struct nsf_rule_mail *other)
{
    NSF_GROW(mail->items, mail->capacity, mail->n_items + other->n_items);
    if (other->n_items > 0)
        memcpy(mail->items + mail->n_items, other->items, other->n_items * sizeof(*mail->items));
    mail->n_items += other->n_items;
    mail->sender_messages += other->sender_messages;
    mail->spam_messages += other->spam_messages;
    mail->other_messages += other->other_messages;
    nsf_rule_mail_release(other);
}

static uint32_t add_up_to(uint32_t a, uint32_t b, uint32_t most)
{
    return a > most - b ? most : a + b;
}

/* The items of one network, ascending, go behind what is done. */
static void join_network(struct nsf_rule_mail *mail, uint64_t id, const uint64_t *items, size_t n)
{
    size_t first = mail->n_items;
    uint32_t messages = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t on_day = NSF_MAIL_ITEM_ON_DAY(items[i]);
        uint32_t before = mail->n_items > first ? NSF_MAIL_ITEM_ON_DAY(mail->items[mail->n_items - 1].ref) : 0;
        messages = add_up_to(messages, NSF_MAIL_ITEM_MESSAGES(items[i]), UINT32_MAX);
        if (mail->n_items > first && DAY_OF(before) == DAY_OF(on_day)) {
            on_day = DAY_OF(on_day) << 16 | add_up_to(COUNT_OF(before), COUNT_OF(on_day), MESSAGES_A_DAY_MAX);
            mail->items[mail->n_items - 1].ref = NSF_MAIL_ITEM(on_day, 0);
        } else {
            mail->items[mail->n_items++] = (struct nsf_keyed){id, NSF_MAIL_ITEM(on_day, 0)};
        }
    }
    mail->items[first].ref |= messages;
    mail->n_networks++;
}

/* Index behind the last item of the network that begins at `from`. */
static size_t end_of_network(const struct nsf_rule_mail *mail, size_t from, size_t n_items)
{
    size_t to = from + 1;
    while (to < n_items && mail->items[to].key == mail->items[from].key)
        to++;
    return to;
}

void nsf_rule_mail_finish(struct nsf_rule_mail *mail)
{
    uint64_t *own = NULL;
    size_t n_items = mail->n_items, capacity = 0;
    nsf_radix_sort_keyed_tight(mail->items, n_items);
    mail->n_items = 0;
    for (size_t from = 0, to; from < n_items; from = to) {
        to = end_of_network(mail, from, n_items);
        NSF_GROW(own, capacity, to - from);
        for (size_t i = from; i < to; i++)
            own[i - from] = mail->items[i].ref;
        nsf_radix_sort_u64(own, to - from, NULL);
        join_network(mail, mail->items[from].key, own, to - from);
    }
    nsf_free(own);
}

/* ---- any seven days ---- */

/* First and last day with mail; false: there is none. */
static bool span_of(const struct nsf_rule_mail *mail, uint32_t *first, uint32_t *last)
{
    *first = UINT32_MAX;
    *last = 0;
    for (size_t i = 0; i < mail->n_items; i++) {
        uint32_t on_day = NSF_MAIL_ITEM_ON_DAY(mail->items[i].ref);
        if (COUNT_OF(on_day) == 0)
            continue;
        *first = DAY_OF(on_day) < *first ? DAY_OF(on_day) : *first;
        *last = DAY_OF(on_day) > *last ? DAY_OF(on_day) : *last;
    }
    return *first <= *last;
}

/* A network is in each span of seven days that ends on one of its days or up to six days later: `turns` says by day how
 * many more there are than the day before. */
static void count_turns(const struct nsf_rule_mail *mail, uint32_t first_day, int64_t *turns)
{
    bool is_within = false;
    for (size_t i = 0; i < mail->n_items; i++) {
        uint32_t on_day = NSF_MAIL_ITEM_ON_DAY(mail->items[i].ref), day = DAY_OF(on_day);
        if (COUNT_OF(on_day) == 0)
            continue;
        turns[day - first_day] += !is_within;
        const struct nsf_keyed *next = i + 1 < mail->n_items ? &mail->items[i + 1] : NULL;
        is_within = next != NULL && next->key == mail->items[i].key &&
                    DAY_OF(NSF_MAIL_ITEM_ON_DAY(next->ref)) - day <= DAYS_A_SPAN;
        turns[day - first_day + DAYS_A_SPAN] -= !is_within;
    }
}

uint64_t nsf_rule_mail_networks_in_7_days(const struct nsf_rule_mail *mail)
{
    uint32_t first, last;
    int64_t now = 0, most = 0;
    if (!span_of(mail, &first, &last))
        return 0;
    size_t n_days = last - first + DAYS_A_SPAN + 1;
    int64_t *turns = nsf_calloc(n_days, sizeof(*turns));
    count_turns(mail, first, turns);
    for (size_t i = 0; i < n_days; i++) {
        now += turns[i];
        most = now > most ? now : most;
    }
    nsf_free(turns);
    return (uint64_t)most;
}

/* ---- break-risk ---- */

void nsf_rule_mail_break_risk(const struct nsf_rule_mail *mail, int64_t from_day, int64_t to_day,
                              struct nsf_break_risk_facts *facts)
{
    int64_t learned_until = from_day + (to_day - from_day) * 7 / 10;
    for (size_t from = 0, to; from < mail->n_items; from = to) {
        uint32_t messages = NSF_MAIL_ITEM_MESSAGES(mail->items[from].ref);
        uint64_t learned = 0, held_out = 0;
        to = end_of_network(mail, from, mail->n_items);
        if (messages == 0)
            continue;
        for (size_t i = from; i < to; i++) {
            uint32_t on_day = NSF_MAIL_ITEM_ON_DAY(mail->items[i].ref);
            *(DAY_OF(on_day) < learned_until ? &learned : &held_out) += COUNT_OF(on_day);
        }
        facts->messages += messages;
        facts->single_networks += messages == 1;
        facts->held_out += held_out;
        facts->held_out_lost += learned == 0 ? held_out : 0;
    }
}
