#include "core/nsf_common.h"

#include "run/rule_mail.h"

#include "core/compare.h"
#include "core/mem.h"
#include "judge/sender_score.h"

#define COUNT_OF(item) ((item)&0xffffu)
#define DAY_OF(item) ((item) >> 16)

void nsf_rule_mail_release(struct nsf_rule_mail *mail)
{
    for (size_t i = 0; i < mail->n_networks; i++)
        nsf_free(mail->networks[i].traits);
    nsf_free(mail->networks);
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
    NSF_GROW(mail->networks, mail->capacity, mail->n_networks + 1);
    struct nsf_mail_network *network = &mail->networks[mail->n_networks++];
    *network = (struct nsf_mail_network){
        .id = sent->network.id,
        .messages = sent->messages > UINT32_MAX ? UINT32_MAX : (uint32_t)sent->messages,
        .is_sender = nsf_source_is_sender(verdict),
    };
    nsf_traits_merge_list(&network->traits, NSF_TRAIT_MESSAGE_DAYS, sent->days);
}

static struct nsf_u32_view days_of(const struct nsf_mail_network *network)
{
    return nsf_traits_list(network->traits, NSF_TRAIT_MESSAGE_DAYS);
}

static int cmp_networks(const void *left, const void *right)
{
    const struct nsf_mail_network *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

void nsf_rule_mail_finish(struct nsf_rule_mail *mail)
{
    size_t n = 0;
    if (mail->n_networks > 1)
        qsort(mail->networks, mail->n_networks, sizeof(*mail->networks), cmp_networks);
    for (size_t i = 0; i < mail->n_networks; i++) {
        struct nsf_mail_network *next = &mail->networks[i];
        if (n == 0 || mail->networks[n - 1].id != next->id) {
            mail->networks[n++] = *next;
            continue;
        }
        struct nsf_mail_network *into = &mail->networks[n - 1];
        into->messages = into->messages > UINT32_MAX - next->messages ? UINT32_MAX : into->messages + next->messages;
        into->is_sender |= next->is_sender;
        nsf_traits_merge_list(&into->traits, NSF_TRAIT_MESSAGE_DAYS, days_of(next));
        nsf_free(next->traits);
    }
    mail->n_networks = n;
}

/* ---- any seven days ---- */

/* A day on which a span of a network begins or, with the lowest bit, behind which one ends: those that begin come
 * first, since a day belongs to both. */
#define TURN_BEGIN(day) ((day) << 1)
#define TURN_END(day) ((day) << 1 | 1)

/* A network is in each span of seven days that ends on one of its days or up to six days later. */
uint64_t nsf_rule_mail_networks_in_7_days(const struct nsf_rule_mail *mail)
{
    uint32_t *turns = NULL;
    size_t n = 0, capacity = 0;
    for (size_t i = 0; i < mail->n_networks; i++) {
        struct nsf_u32_view days = days_of(&mail->networks[i]);
        for (uint32_t from = 0, to; from < days.n; from = to) {
            for (to = from + 1; to < days.n && DAY_OF(days.items[to]) - DAY_OF(days.items[to - 1]) <= 7;)
                to++;
            NSF_GROW(turns, capacity, n + 2);
            turns[n++] = TURN_BEGIN(DAY_OF(days.items[from]));
            turns[n++] = TURN_END(DAY_OF(days.items[to - 1]) + 6);
        }
    }
    if (n > 1)
        qsort(turns, n, sizeof(*turns), nsf_cmp_u32);
    uint64_t now = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        now = turns[i] & 1 ? now - 1 : now + 1;
        most = now > most ? now : most;
    }
    nsf_free(turns);
    return most;
}

/* ---- break-risk ---- */

void nsf_rule_mail_break_risk(const struct nsf_rule_mail *mail, int64_t from_day, int64_t to_day,
                              struct nsf_break_risk_facts *facts)
{
    int64_t learned_until = from_day + (to_day - from_day) * 7 / 10;
    for (size_t i = 0; i < mail->n_networks; i++) {
        const struct nsf_mail_network *network = &mail->networks[i];
        uint64_t learned = 0, held_out = 0;
        if (network->messages == 0)
            continue;
        struct nsf_u32_view days = days_of(network);
        for (uint32_t k = 0; k < days.n; k++)
            *(DAY_OF(days.items[k]) < learned_until ? &learned : &held_out) += COUNT_OF(days.items[k]);
        facts->messages += network->messages;
        facts->single_networks += network->messages == 1;
        facts->held_out += held_out;
        facts->held_out_lost += learned == 0 ? held_out : 0;
    }
}
