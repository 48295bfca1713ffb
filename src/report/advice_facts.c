#include "core/nsf_common.h"

#include "report/review_facts.h"

#include "core/mem.h"
#include "report/text_out.h"
#include "report/words.h"

#define LIST_MAX 8

static void end_detail(struct nsf_facts *facts, const char *label)
{
    nsf_facts_end(facts, label)->is_detail = true;
}

static const struct nsf_finding *finding_of(const struct nsf_review *review, const struct nsf_review_rule *rule)
{
    return &review->scan->findings[rule->finding_idx];
}

/* Without counters no message is known, and none is counted. */
static bool has_messages(const struct nsf_recommendation *advice)
{
    return advice->messages_kept + advice->messages_refused > 0;
}

/* Another rule goes on letting the same sources in, all of them. */
static bool is_held_open(const struct nsf_review_rule *rule, const struct nsf_finding *finding)
{
    return finding->still_open_via.n > 0 &&
           rule->recommendation.addresses_open_after >= rule->recommendation.addresses_open_before;
}

/* ---- in one line ------------------------------------------------------------------------------------------------ */

static const char *closing_step(const struct nsf_review_rule *rule, const struct nsf_finding *finding)
{
    bool is_unused = rule->verdict == NSF_VERDICT_CLOSE_UNUSED;
    if (is_held_open(rule, finding))
        return is_unused ? "Close it together with the rule behind it, which lets the same sources in: nobody used it."
                         : "Close it together with the rule behind it, which lets the same sources in: no mail came.";
    if (finding->opens_other_ports)
        return is_unused
                   ? "Close port 25 in it, the other ports stay: nobody used it in the window."
                   : "Close port 25 in it, the other ports stay: only scanners and guessers came, no mail would be "
                     "lost.";
    return nsf_rule_verdict_meaning(rule->verdict);
}

static void add_outcome(const struct nsf_recommendation *advice, char *buf, size_t size)
{
    char kept[NSF_NUMBER_TEXT_BYTES], all[NSF_NUMBER_TEXT_BYTES];
    size_t len = strlen(buf);
    if (!has_messages(advice))
        snprintf(buf + len, size - len, ".");
    else if (advice->messages_refused == 0)
        snprintf(buf + len, size - len, ": all %s messages seen are kept.",
                 nsf_number_text(advice->messages_kept, kept));
    else
        snprintf(buf + len, size - len, ": %s of %s messages seen are kept%s.",
                 nsf_number_text(advice->messages_kept, kept),
                 nsf_number_text(advice->messages_kept + advice->messages_refused, all),
                 advice->ask_owner.n > 0 ? " before anybody answers" : "");
}

static const char *restricting_step(const struct nsf_review_rule *rule, const struct nsf_finding *finding,
                                    char buf[NSF_NEXT_STEP_BYTES])
{
    const struct nsf_recommendation *advice = &rule->recommendation;
    char networks[64];
    const char *what = finding->opens_other_ports ? "narrow port 25 to those that may go on"
                                                  : "narrow its source to those that may go on";
    if (is_held_open(rule, finding))
        snprintf(buf, NSF_NEXT_STEP_BYTES,
                 "Narrow it together with the rule behind it, which lets the same sources in.");
    else if (advice->ask_owner.n > 0)
        snprintf(buf, NSF_NEXT_STEP_BYTES, "Ask the owner about %s, then %s",
                 nsf_count_text(advice->ask_owner.n, "network", networks), what);
    else
        snprintf(buf, NSF_NEXT_STEP_BYTES, "Narrow %s to the networks of its senders",
                 finding->opens_other_ports ? "port 25 in it" : "its source");
    if (!is_held_open(rule, finding))
        add_outcome(advice, buf, NSF_NEXT_STEP_BYTES);
    return buf;
}

const char *nsf_facts_next_step(const struct nsf_review *review, size_t rule_idx, char buf[NSF_NEXT_STEP_BYTES])
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    const struct nsf_finding *finding = finding_of(review, rule);
    bool is_restricting =
        rule->verdict == NSF_VERDICT_RESTRICT_TO_RELAYS || rule->verdict == NSF_VERDICT_RESTRICT_WITH_REVIEW;
    if (rule->recommendation.action.ptr != NULL && is_restricting)
        return restricting_step(rule, finding, buf);
    bool is_closing = rule->verdict == NSF_VERDICT_CLOSE_UNUSED || rule->verdict == NSF_VERDICT_CLOSE_PROBES_ONLY;
    snprintf(buf, NSF_NEXT_STEP_BYTES, "%s",
             is_closing ? closing_step(rule, finding) : nsf_rule_verdict_meaning(rule->verdict));
    return buf;
}

/* ---- what would happen ------------------------------------------------------------------------------------------ */

static void open_words(struct nsf_facts *facts, const struct nsf_recommendation *advice,
                       const struct nsf_finding *finding)
{
    char before[NSF_NUMBER_TEXT_BYTES], after[NSF_NUMBER_TEXT_BYTES];
    nsf_number_text(advice->addresses_open_before, before);
    bool closes_v6 = finding->public_ipv6 != NSF_V6_NONE && finding->still_open_via.n == 0 && advice->allow.n == 0;
    if (advice->addresses_open_after > 0)
        nsf_facts_addf(facts, "open to %s public IPv4 addresses instead of %s; ",
                       nsf_number_text(advice->addresses_open_after, after), before);
    else if (closes_v6)
        nsf_facts_addf(facts, "open to no public address any more (now %s of IPv4 and %s IPv6); ", before,
                       finding->public_ipv6 == NSF_V6_FULL ? "all of" : "a part of");
    else
        nsf_facts_addf(facts, "open to no public IPv4 address any more (now %s); ", before);
}

static void effect_fact(struct nsf_facts *facts, const struct nsf_review_rule *rule, const struct nsf_finding *finding)
{
    const struct nsf_recommendation *advice = &rule->recommendation;
    char kept[NSF_NUMBER_TEXT_BYTES], refused[NSF_NUMBER_TEXT_BYTES];
    if (advice->addresses_open_after >= advice->addresses_open_before && advice->messages_refused == 0)
        return; /* nothing is to be changed yet */
    nsf_facts_begin(facts);
    open_words(facts, advice, finding);
    if (has_messages(advice))
        nsf_facts_addf(facts, "of the messages seen it keeps %s and refuses %s%s",
                       nsf_number_text(advice->messages_kept, kept), nsf_number_text(advice->messages_refused, refused),
                       advice->messages_refused > 0 && advice->ask_owner.n > 0 ? " before anybody was asked" : "");
    else if (rule->traffic.connections > 0 && rule->coverage.counters == NSF_COUNTERS_ABSENT)
        nsf_facts_addf(facts, "without counters nobody knows which connections carried mail");
    else
        nsf_facts_addf(facts, "no message was seen that it could refuse");
    end_detail(facts, "effect");
}

static void list_fact(struct nsf_facts *facts, const char *label, struct nsf_slices texts, uint64_t total)
{
    if (texts.n == 0)
        return;
    nsf_facts_begin(facts);
    nsf_facts_add_part(facts, texts, LIST_MAX, total);
    end_detail(facts, label);
}

static void break_risk_fact(struct nsf_facts *facts, const struct nsf_review_rule *rule)
{
    nsf_facts_begin(facts);
    if (rule->break_risk_permille >= 0)
        nsf_facts_addf(facts, "up to %d.%d %% of the mail to come may be refused%s", rule->break_risk_permille / 10,
                       rule->break_risk_permille % 10,
                       rule->recommendation.ask_owner.n > 0 ? ", with the networks in question let in" : "");
    else
        nsf_facts_addf(facts, "cannot be told: that takes 30 messages, and logs with counters");
    end_detail(facts, "break-risk");
}

/* ---- whom to ask, and why --------------------------------------------------------------------------------------- */

struct question {
    struct nsf_slice text;
    struct nsf_prefix network;
    uint64_t messages; /* or connections, where no log has counters */
    uint64_t senders;
    struct nsf_ip first; /* the one with most messages */
};

static struct question *question_around(struct question *questions, size_t n, struct nsf_ip address)
{
    size_t from = 0, to = n;
    while (from < to) { /* the last one that begins at or before the address: they ascend and do not overlap */
        size_t half = from + (to - from) / 2;
        if (nsf_ip_cmp(questions[half].network.ip, address) <= 0)
            from = half + 1;
        else
            to = half;
    }
    return from > 0 && nsf_prefix_contains(questions[from - 1].network, address) ? &questions[from - 1] : NULL;
}

static bool has_no_counters(const struct nsf_review_rule *rule)
{
    return rule->coverage.counters == NSF_COUNTERS_ABSENT;
}

/* Where a part of the sources is a sum only, nobody knows who of them sent from where. */
static bool is_summed(const struct nsf_review *review, const struct nsf_review_rule *rule, uint64_t top)
{
    struct nsf_mail_source last;
    if (rule->n_sources == 0 || (top > 0 && rule->n_sources > top))
        return true;
    nsf_review_source_brief(review, (size_t)(rule - review->rules), rule->n_sources - 1, &last);
    return last.is_rest;
}

/* Sources with messages stand first. */
static void count_mail(const struct nsf_review *review, size_t rule_idx, struct question *questions, size_t n)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    struct nsf_mail_source source;
    for (uint64_t i = 0; i < rule->n_sources; i++) {
        nsf_review_source_brief(review, rule_idx, i, &source);
        if (source.is_rest)
            continue;
        uint64_t messages = has_no_counters(rule) ? source.connections : source.classes[NSF_CLASS_MESSAGE];
        if (messages == 0)
            return;
        struct question *question = question_around(questions, n, source.address);
        if (question == NULL)
            continue;
        if (question->senders++ == 0)
            question->first = source.address;
        question->messages += messages;
    }
}

static int cmp_network(const void *left, const void *right)
{
    const struct question *a = left, *b = right;
    return nsf_prefix_cmp(a->network, b->network);
}

static int cmp_mail(const void *left, const void *right)
{
    const struct question *a = left, *b = right;
    if (a->messages != b->messages)
        return a->messages > b->messages ? -1 : 1;
    return nsf_prefix_cmp(a->network, b->network);
}

static void question_fact(struct nsf_facts *facts, const struct question *question, const char *word)
{
    char messages[64], address[NSF_IP_TEXT_BYTES], more[NSF_NUMBER_TEXT_BYTES];
    nsf_facts_begin(facts);
    nsf_facts_add(facts, question->text);
    if (question->messages > 0)
        nsf_facts_addf(facts, ": %s from %s", nsf_count_text(question->messages, word, messages),
                       nsf_ip_format(question->first, address));
    if (question->senders > 1)
        nsf_facts_addf(facts, " and %s more", nsf_number_text(question->senders - 1, more));
    end_detail(facts, "");
}

/* Those with most mail first. A document that was read back may hold anything in the place of networks: it comes last.
 */
static size_t order_questions(const struct nsf_review *review, size_t rule_idx, uint64_t top,
                              struct question *questions)
{
    struct nsf_slices asked = review->rules[rule_idx].recommendation.ask_owner;
    size_t n = 0, n_others = 0;
    for (size_t i = 0; i < asked.n; i++) {
        questions[n] = (struct question){.text = asked.items[i]};
        n += nsf_prefix_parse(asked.items[i], &questions[n].network);
    }
    if (n > 1)
        qsort(questions, n, sizeof(*questions), cmp_network);
    if (n > 0 && !is_summed(review, &review->rules[rule_idx], top))
        count_mail(review, rule_idx, questions, n);
    if (n > 1)
        qsort(questions, n, sizeof(*questions), cmp_mail);
    for (size_t i = 0; i < asked.n; i++) {
        struct nsf_prefix network;
        if (!nsf_prefix_parse(asked.items[i], &network))
            questions[n + n_others++] = (struct question){.text = asked.items[i]};
    }
    return n + n_others;
}

static void question_facts(struct nsf_facts *facts, const struct nsf_review *review, size_t rule_idx, uint64_t top)
{
    struct nsf_slices asked = review->rules[rule_idx].recommendation.ask_owner;
    struct question *questions = nsf_calloc(asked.n + 1, sizeof(*questions));
    char number[NSF_NUMBER_TEXT_BYTES];
    size_t n = order_questions(review, rule_idx, top, questions);
    if (n > 0) {
        nsf_facts_sentence(facts, "ask first", "whose these networks are, and whether they shall go on sending:");
        facts->items[facts->n - 1].is_detail = true;
    }
    for (size_t i = 0; i < n && i < LIST_MAX; i++)
        question_fact(facts, &questions[i], has_no_counters(&review->rules[rule_idx]) ? "connection" : "message");
    if (n > LIST_MAX) {
        nsf_facts_begin(facts);
        nsf_facts_addf(facts, "and %s more", nsf_number_text(n - LIST_MAX, number));
        end_detail(facts, "");
    }
    nsf_free(questions);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

void nsf_facts_of_advice(struct nsf_facts *facts, const struct nsf_review *review, size_t rule_idx, uint64_t top)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    const struct nsf_recommendation *advice = &rule->recommendation;
    nsf_facts_begin(facts);
    if (advice->action.ptr != NULL)
        nsf_facts_add(facts, advice->action);
    else
        nsf_facts_add(facts, nsf_slice_str(nsf_rule_verdict_meaning(rule->verdict)));
    nsf_facts_end(facts, "What to do");
    if (advice->action.ptr != NULL) {
        list_fact(facts, "allow", advice->allow, advice->allow.n);
        effect_fact(facts, rule, finding_of(review, rule));
        list_fact(facts, "refused", advice->senders_refused, advice->senders_refused_total);
        if (rule->traffic.connections > 0)
            break_risk_fact(facts, rule);
    }
    question_facts(facts, review, rule_idx, top);
    for (size_t i = 0; i < advice->notes.n; i++) {
        nsf_facts_begin(facts);
        nsf_facts_add(facts, advice->notes.items[i]);
        end_detail(facts, i == 0 ? "mind" : "");
    }
}
