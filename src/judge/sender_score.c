#include "core/nsf_common.h"

#include "judge/sender_score.h"

#include "core/digits.h"

/*
 * The table: code, points in tenths, the most it can give (0: its points once), where the figure comes from. All values
 * are starting points; they move only with the table of `make eval` beside the change.
 */
#define SCORE_TABLE(X)                                                                                                 \
    /* At one public MX, 220 of 42,000 connecting addresses delivered mail in a week: ln(220 / 41780) = -5.2 */        \
    X(START, "start", -50, 0)                                                                                          \
    /* Without counters a probe cannot be told from a mail, so less is held against an unknown address. */             \
    X(START_NO_COUNTERS, "start", -30, 0)                                                                              \
    X(LISTED_SENDER, "listed_sender", 50, 0)                                                                           \
    /* In the trials 40 of 41 message-shaped connections were mail: ln(40) = 3.7 */                                    \
    X(MESSAGE, "message", 37, 110)                                                                                     \
    X(MESSAGE_DAYS, "message_days", 20, 0)                                                                             \
    X(MESSAGE_WEEKS, "message_weeks", 10, 0)                                                                           \
    X(NO_MAIL, "no_mail", -16, -60)                                                                                    \
    X(GUESSING, "guessing", -50, -100)                                                                                 \
    X(OTHER_PORTS, "other_ports", -40, 0)                                                                              \
    X(FAN_OUT, "fan_out", -30, 0)                                                                                      \
    X(SOURCE_PORT, "source_port", -30, 0)                                                                              \
    X(SCANNER_LIST, "scanner_list", -80, 0)                                                                            \
    X(DROP_LIST, "drop_list", -60, 0)                                                                                  \
    /* Logs without counters only. */                                                                                  \
    X(RECURRENCE, "recurrence", 20, 0)                                                                                 \
    X(ONLY_MAIL_PORTS, "only_mail_ports", 10, 0)                                                                       \
    X(SENT_ON, "sent_on", 30, 0)                                                                                       \
    X(SINGLE_CONNECTION, "single_connection", -10, 0)

enum score_item {
#define SCORE_ENUM(name, code, points, most) SCORE_##name,
    SCORE_TABLE(SCORE_ENUM)
#undef SCORE_ENUM
};

static const struct {
    const char *code;
    int32_t points;
    int32_t most;
} score_table[] = {
#define SCORE_ROW(name, code, points, most) {code, points, most},
    SCORE_TABLE(SCORE_ROW)
#undef SCORE_ROW
};

enum {
    LIKELY_TENTHS = 30,   /* at or above: likely */
    HOSTILE_TENTHS = -30, /* at or below: hostile */
    MESSAGES_A_DAY_MAX = 2,
    MESSAGE_DAYS_MIN = 3,
    WEEKS_MIN = 2,
    FAN_OUT_MIN = 3,
    GUESSING_A_DAY_HOSTILE = 3, /* fewer look like a list mail to many recipients */
    DOUBT_DAYS_MIN = 3,
    CONFLICT_MESSAGES_MIN = 2,
    RECURRENCE_DAYS_MIN = 4,
    ONLY_MAIL_CONNECTIONS_MIN = 5,
    SENT_ON_PAIRS_MIN = 5,
    SENT_ON_TIMES_CHANCE = 3,
};

static void add_line(struct nsf_judgement *j, enum score_item item, int32_t points, struct nsf_slice text)
{
    j->lines[j->n_lines++] = (struct nsf_evidence_line){score_table[item].code, points, text};
    j->score_tenths += points;
}

/* ---- words ---- */

/* The text of the next line. Sources are many and each has a few lines, so no format is read for them. */
struct words {
    char *from;
    char *at;
    char *end; /* like `at` where nobody reads the words */
};

static struct words words_of(struct nsf_judgement *j)
{
    char *from = j->texts[j->n_lines];
    return (struct words){from, from, j->is_brief ? from : from + NSF_JUDGEMENT_TEXT_BYTES};
}

static void put(struct words *words, const char *text, size_t len)
{
    size_t room = (size_t)(words->end - words->at);
    if (len > room)
        len = room;
    if (len > 0)
        memcpy(words->at, text, len);
    words->at += len;
}

#define PUT(words, literal) put(words, literal, sizeof(literal) - 1)

static void put_number(struct words *words, uint64_t number)
{
    if (words->end - words->at >= NSF_DIGITS_MAX)
        words->at = nsf_put_u64(words->at, number);
}

/* "2 messages"; `things` in the plural */
static void put_count(struct words *words, uint64_t n, const char *things, size_t len)
{
    put_number(words, n);
    put(words, things, n == 1 ? len - 1 : len);
}

#define PUT_COUNT(words, n, things) put_count(words, n, things, sizeof(things) - 1)

/* "16 or more" where counting stopped there. */
static void put_distinct(struct words *words, uint32_t n)
{
    put_number(words, n);
    if (n >= NSF_DISTINCT_EXACT_MAX)
        PUT(words, " or more");
}

static void add_words(struct nsf_judgement *j, enum score_item item, int32_t points, const struct words *words)
{
    add_line(j, item, points, nsf_slice(words->from, (size_t)(words->at - words->from)));
}

#define ADD_LITERAL(j, item, literal) add_line(j, item, points_of(item), NSF_SLICE_LIT(literal))

static int32_t points_of(enum score_item item)
{
    return score_table[item].points;
}

/* n times the item's points, up to its cap. */
static int32_t points_times(enum score_item item, uint64_t n)
{
    int32_t points = score_table[item].points, most = score_table[item].most;
    uint64_t n_max = (uint64_t)(most / points) + 1;
    int32_t sum = points * (int32_t)(n < n_max ? n : n_max);
    return points > 0 ? (sum > most ? most : sum) : (sum < most ? most : sum);
}

/* At most two a day count, and past the third the cap is reached: the days up to there say enough. */
static uint64_t counted_messages(const struct nsf_sender_facts *facts)
{
    uint64_t messages = facts->classes[NSF_CLASS_MESSAGE];
    return facts->message_days <= 1 && messages > MESSAGES_A_DAY_MAX ? MESSAGES_A_DAY_MAX : messages;
}

#define MENTION_NAME_BYTES 60

static void put_mentioned(struct words *words, struct nsf_slice text)
{
    put(words, text.ptr, text.len < MENTION_NAME_BYTES ? text.len : MENTION_NAME_BYTES);
}

static void add_mention(struct nsf_judgement *j, enum score_item item, struct nsf_slice what,
                        const struct nsf_mention *mention)
{
    struct words words = words_of(j);
    put(&words, what.ptr, what.len);
    if (mention->name.len > 0)
        PUT(&words, " as ");
    put_mentioned(&words, mention->name);
    PUT(&words, " (");
    put_mentioned(&words, mention->list);
    if (mention->date.len > 0)
        PUT(&words, ", ");
    put_mentioned(&words, mention->date);
    PUT(&words, ")");
    add_words(j, item, points_of(item), &words);
}

/* ---- what speaks for a sender ---- */

static void add_messages(const struct nsf_sender_facts *facts, struct nsf_judgement *j)
{
    uint64_t messages = facts->classes[NSF_CLASS_MESSAGE];
    if (messages > 0) {
        struct words words = words_of(j);
        PUT_COUNT(&words, messages, " messages");
        PUT(&words, " on ");
        put_distinct(&words, facts->message_days);
        put(&words, " days", facts->message_days == 1 ? 4 : 5);
        add_words(j, SCORE_MESSAGE, points_times(SCORE_MESSAGE, counted_messages(facts)), &words);
    }
    if (facts->network_message_days >= MESSAGE_DAYS_MIN) {
        struct words words = words_of(j);
        PUT(&words, "its network sent messages on ");
        put_distinct(&words, facts->network_message_days);
        PUT(&words, " days");
        add_words(j, SCORE_MESSAGE_DAYS, points_of(SCORE_MESSAGE_DAYS), &words);
    }
    if (facts->network_message_weeks >= WEEKS_MIN)
        ADD_LITERAL(j, SCORE_MESSAGE_WEEKS, "its network sent messages in at least 2 calendar weeks");
}

/* Guessing and a newsletter look alike in logs without counters: many connections on one of a few days. */
static bool is_bulk(const struct nsf_sender_facts *facts)
{
    return facts->days < RECURRENCE_DAYS_MIN && facts->busiest_day >= ONLY_MAIL_CONNECTIONS_MIN;
}

static bool is_sent_on(const struct nsf_sender_facts *facts)
{
    return facts->relayed_pairs >= SENT_ON_PAIRS_MIN &&
           facts->relayed_pairs * 10 >= facts->relayed_by_chance_tenths * SENT_ON_TIMES_CHANCE;
}

static void add_sent_on(const struct nsf_sender_facts *facts, struct nsf_judgement *j)
{
    struct words words = words_of(j);
    put_number(&words, facts->relayed_pairs);
    PUT(&words, " times mail was sent on within 120 s, by chance ");
    put_number(&words, facts->relayed_by_chance_tenths / 10);
    PUT(&words, ".");
    put_number(&words, facts->relayed_by_chance_tenths % 10);
    PUT(&words, " would be expected");
    add_words(j, SCORE_SENT_ON, points_of(SCORE_SENT_ON), &words);
}

static void add_without_counters(const struct nsf_sender_facts *facts, struct nsf_judgement *j)
{
    if (facts->days >= RECURRENCE_DAYS_MIN && facts->weeks >= WEEKS_MIN) {
        struct words words = words_of(j);
        PUT(&words, "came on ");
        put_distinct(&words, facts->days);
        PUT(&words, " days in at least 2 calendar weeks");
        add_words(j, SCORE_RECURRENCE, points_of(SCORE_RECURRENCE), &words);
    }
    if (facts->has_only_mail_ports && facts->connections >= ONLY_MAIL_CONNECTIONS_MIN && !is_bulk(facts)) {
        struct words words = words_of(j);
        PUT(&words, "only mail ports in ");
        put_number(&words, facts->connections);
        PUT(&words, " connections");
        add_words(j, SCORE_ONLY_MAIL_PORTS, points_of(SCORE_ONLY_MAIL_PORTS), &words);
    }
    if (is_sent_on(facts))
        add_sent_on(facts, j);
    if (facts->connections == 1)
        ADD_LITERAL(j, SCORE_SINGLE_CONNECTION, "a single connection");
}

/* ---- what speaks against ---- */

static void add_lonely(const struct nsf_sender_facts *facts, struct nsf_judgement *j)
{
    struct words words = words_of(j);
    put_number(&words, facts->lonely);
    if (facts->lonely >= 4)
        PUT(&words, " or more");
    put(&words, " connections", facts->lonely == 1 ? 11 : 12);
    PUT(&words, " without mail, and no message of its network within 6 h");
    add_words(j, SCORE_NO_MAIL, points_times(SCORE_NO_MAIL, facts->lonely), &words);
}

static void add_guessing(uint64_t guessing, struct nsf_judgement *j)
{
    struct words words = words_of(j);
    PUT_COUNT(&words, guessing, " connections");
    PUT(&words, " with many small commands");
    add_words(j, SCORE_GUESSING, points_times(SCORE_GUESSING, guessing), &words);
}

static void add_fan_out(const struct nsf_sender_facts *facts, struct nsf_judgement *j)
{
    struct words words = words_of(j);
    if (facts->silent_addresses >= FAN_OUT_MIN) {
        PUT(&words, "tried port 25 at ");
        put_distinct(&words, facts->silent_addresses);
        PUT(&words, " of our addresses that carry no SMTP");
    } else {
        PUT(&words, "was denied on port 25 at ");
        put_distinct(&words, facts->denied_mail_addresses);
        PUT(&words, " of our addresses");
    }
    add_words(j, SCORE_FAN_OUT, points_of(SCORE_FAN_OUT), &words);
}

static void add_against(const struct nsf_sender_facts *facts, struct nsf_judgement *j)
{
    if (facts->lonely > 0)
        add_lonely(facts, j);
    if (facts->classes[NSF_CLASS_GUESSING] > 0)
        add_guessing(facts->classes[NSF_CLASS_GUESSING], j);
    if (facts->has_strange_ports)
        ADD_LITERAL(j, SCORE_OTHER_PORTS, "tried ports that a mail server does not need");
    if (facts->silent_addresses >= FAN_OUT_MIN || facts->denied_mail_addresses >= FAN_OUT_MIN)
        add_fan_out(facts, j);
    if (facts->has_fixed_port)
        ADD_LITERAL(j, SCORE_SOURCE_PORT, "used one source port on 3 or more days");
    if (facts->scanner.is_listed)
        add_mention(j, SCORE_SCANNER_LIST, NSF_SLICE_LIT("on a list of scanners"), &facts->scanner);
    if (facts->drop.is_listed)
        add_mention(j, SCORE_DROP_LIST, NSF_SLICE_LIT("on a drop list"), &facts->drop);
}

/* Guessing is hostile where it cannot be a mail to many recipients. */
static bool is_guessing_hostile(const struct nsf_sender_facts *facts)
{
    return facts->classes[NSF_CLASS_GUESSING] > 0 &&
           (facts->has_strange_ports || facts->guessing_a_day >= GUESSING_A_DAY_HOSTILE);
}

static bool has_hostile_evidence(const struct nsf_sender_facts *facts)
{
    return is_guessing_hostile(facts) || facts->has_strange_ports || facts->silent_addresses >= FAN_OUT_MIN ||
           facts->denied_mail_addresses >= FAN_OUT_MIN || facts->has_fixed_port || facts->scanner.is_listed ||
           facts->drop.is_listed;
}

/* ---- the verdict ---- */

/* A score of hostility may be believed: there is hostile evidence, or nothing at all that a sender would leave. */
static bool may_be_called_hostile(const struct nsf_sender_facts *facts, const struct nsf_judgement *j)
{
    if (facts->sender.is_listed)
        return false;
    if (j->has_hostile_evidence)
        return true;
    if (j->is_without_counters || facts->is_retrying)
        return false;
    if (facts->classes[NSF_CLASS_MESSAGE] > 0 || facts->classes[NSF_CLASS_GUESSING] > 0)
        return false;
    if (facts->ambiguous_days >= DOUBT_DAYS_MIN || facts->dialog_days >= DOUBT_DAYS_MIN)
        return false;
    /* A greylisted try beside the delivery by its neighbour. */
    return !(facts->has_excused && facts->lonely == 0);
}

static enum nsf_source_verdict hostile_verdict(const struct nsf_sender_facts *facts)
{
    if (facts->scanner.is_listed)
        return NSF_SOURCE_PUBLIC_SCANNER;
    return facts->classes[NSF_CLASS_GUESSING] > 0 ? NSF_SOURCE_GUESSER : NSF_SOURCE_PROBE;
}

static bool is_at_least_possible(const struct nsf_sender_facts *facts, const struct nsf_judgement *j)
{
    if (j->score_tenths > HOSTILE_TENTHS || facts->sender.is_listed)
        return true;
    return !j->has_hostile_evidence && facts->ambiguous_days >= DOUBT_DAYS_MIN;
}

static enum nsf_source_verdict verdict_of(const struct nsf_sender_facts *facts, const struct nsf_judgement *j)
{
    uint64_t messages = facts->classes[NSF_CLASS_MESSAGE];
    if (facts->partner.is_listed)
        return NSF_SOURCE_KNOWN_SENDER;
    if (nsf_ip_is_health_probe(facts->address))
        return NSF_SOURCE_HEALTH_PROBE;
    if (facts->drop.is_listed && messages > 0)
        return NSF_SOURCE_SPAM_SOURCE;
    if (facts->scanner.is_listed && messages >= CONFLICT_MESSAGES_MIN)
        return NSF_SOURCE_CONFLICT;
    if (j->score_tenths <= HOSTILE_TENTHS && may_be_called_hostile(facts, j))
        return hostile_verdict(facts);
    if (j->score_tenths >= LIKELY_TENTHS)
        return NSF_SOURCE_LIKELY_SENDER;
    if (facts->is_retrying && !j->has_hostile_evidence)
        return NSF_SOURCE_RETRYING_SENDER;
    return is_at_least_possible(facts, j) ? NSF_SOURCE_POSSIBLE_SENDER : NSF_SOURCE_UNDECIDED;
}

void nsf_judge_sender(const struct nsf_sender_facts *facts, struct nsf_judgement *judgement)
{
    struct nsf_judgement *j = judgement;
    j->score_tenths = 0;
    j->n_lines = 0;
    j->is_without_counters = facts->connections > 0 && !facts->has_counters;
    j->has_hostile_evidence = has_hostile_evidence(facts);
    if (j->is_without_counters)
        ADD_LITERAL(j, SCORE_START_NO_COUNTERS, "where an unknown address starts without counters");
    else
        ADD_LITERAL(j, SCORE_START, "where every unknown address starts");
    if (facts->sender.is_listed)
        add_mention(j, SCORE_LISTED_SENDER, NSF_SLICE_LIT("belongs to a listed mail provider"), &facts->sender);
    if (j->is_without_counters)
        add_without_counters(facts, j);
    else
        add_messages(facts, j);
    add_against(facts, j);
    j->verdict = verdict_of(facts, j);
}

bool nsf_source_is_hostile(enum nsf_source_verdict verdict)
{
    return verdict == NSF_SOURCE_PROBE || verdict == NSF_SOURCE_GUESSER || verdict == NSF_SOURCE_PUBLIC_SCANNER;
}

bool nsf_source_is_sender(enum nsf_source_verdict verdict)
{
    return verdict == NSF_SOURCE_KNOWN_SENDER || verdict == NSF_SOURCE_LIKELY_SENDER;
}

bool nsf_source_is_in_doubt(enum nsf_source_verdict verdict)
{
    return !nsf_source_is_hostile(verdict) && !nsf_source_is_sender(verdict) && verdict != NSF_SOURCE_HEALTH_PROBE;
}

bool nsf_ip_is_health_probe(struct nsf_ip ip)
{
    return nsf_ip_eq(ip, nsf_ip_from_v4(UINT32_C(168) << 24 | UINT32_C(63) << 16 | UINT32_C(129) << 8 | 16));
}
