#include "core/nsf_common.h"

#include "evidence/connection.h"

#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A log line: letter V (v1 line), B, C, E; stamp in ms; packets out (the rest of the counters follow from it). */
struct line {
    char letter;
    int64_t ts_ms;
    bool has_counters;
    struct nsf_counters counters;
};

/* What a sequence of lines makes of one key: connections, and the attempts and packets of the last one. */
struct sequence {
    const char *name;
    struct line lines[8];
    unsigned n_connections;
    uint32_t attempts;
    struct nsf_counters total;
    bool has_counters;
};

#define MINUTES(n) ((int64_t)(n)*60000)
#define NONE       false, {0, 0, 0, 0}
#define FOUR(a, b, c, d) true, {a, b, c, d}

static const struct sequence sequences[] = {
    {"v1 lines are one connection", {{'V', 1000, NONE}, {'V', 2000, NONE}}, 1, 1, {0, 0, 0, 0}, false},
    {"v1 lines past the idle time are two", {{'V', 0, NONE}, {'V', MINUTES(30) + 1, NONE}}, 2, 1, {0, 0, 0, 0}, false},
    {"v1 lines just within it are one", {{'V', 0, NONE}, {'V', MINUTES(30), NONE}}, 1, 1, {0, 0, 0, 0}, false},
    {"a plain session", {{'B', 0, NONE}, {'E', 9000, FOUR(9, 900, 8, 800)}}, 1, 1, {9, 900, 8, 800}, true},
    {"continuations add up",
     {{'B', 0, NONE}, {'C', 300000, FOUR(1, 10, 2, 20)}, {'C', 600000, FOUR(3, 30, 4, 40)}, {'E', 610000, FOUR(5, 50, 6, 60)}},
     1, 1, {9, 90, 12, 120}, true},
    {"a begin in an open connection is an attempt", {{'B', 0, NONE}, {'B', 1000, NONE}}, 1, 2, {0, 0, 0, 0}, false},
    {"SYN retries: silent ends, short gaps",
     {{'B', 0, NONE}, {'E', 0, FOUR(1, 60, 0, 0)}, {'B', 1000, NONE}, {'E', 1000, FOUR(1, 60, 0, 0)}, {'B', 3000, NONE}, {'E', 3000, FOUR(1, 60, 0, 0)}},
     1, 3, {3, 180, 0, 0}, true},
    {"a retry after 130 s is the last one", {{'B', 0, NONE}, {'E', 0, FOUR(1, 60, 0, 0)}, {'B', 130000, NONE}}, 1, 2, {1, 60, 0, 0}, true},
    {"behind it comes another connection", {{'B', 0, NONE}, {'E', 0, FOUR(1, 60, 0, 0)}, {'B', 130001, NONE}}, 2, 1, {0, 0, 0, 0}, false},
    {"an end without counters is silent", {{'B', 0, NONE}, {'E', 10, NONE}, {'B', 20, NONE}}, 1, 2, {0, 0, 0, 0}, false},
    {"split at birth: the second end includes the first",
     {{'B', 0, NONE}, {'E', 100, FOUR(2, 120, 1, 60)}, {'B', 100, NONE}, {'E', 5000, FOUR(9, 900, 8, 800)}},
     1, 1, {9, 900, 8, 800}, true},
    {"split at birth: a continuation takes the carry, the end adds",
     {{'B', 0, NONE}, {'E', 100, FOUR(2, 120, 1, 60)}, {'B', 100, NONE}, {'C', 200, FOUR(5, 500, 4, 400)}, {'E', 300, FOUR(2, 120, 1, 60)}},
     1, 1, {7, 620, 5, 460}, true},
    {"split at birth: smaller counters cannot include the first",
     {{'B', 0, NONE}, {'E', 100, FOUR(2, 120, 1, 60)}, {'B', 100, NONE}, {'E', 5000, FOUR(9, 900, 0, 0)}},
     1, 1, {11, 1020, 1, 60}, true},
    {"answered and begun again later: two", {{'B', 0, NONE}, {'E', 100, FOUR(2, 120, 1, 60)}, {'B', 101, NONE}}, 2, 1, {0, 0, 0, 0}, false},
    {"a repeated end is ignored", {{'B', 0, NONE}, {'E', 100, FOUR(2, 120, 1, 60)}, {'E', 100, FOUR(2, 120, 1, 60)}}, 1, 1, {2, 120, 1, 60}, true},
    {"also without counters", {{'B', 0, NONE}, {'E', 100, NONE}, {'E', 100, NONE}}, 1, 1, {0, 0, 0, 0}, false},
    {"another end is another connection", {{'B', 0, NONE}, {'E', 100, FOUR(2, 120, 1, 60)}, {'E', 100, FOUR(2, 120, 1, 61)}}, 2, 0, {2, 120, 1, 61}, true},
    {"a continuation behind an end begins one", {{'E', 0, FOUR(1, 1, 1, 1)}, {'C', 0, FOUR(2, 2, 2, 2)}}, 2, 0, {2, 2, 2, 2}, true},
    {"zeros on an end are counters", {{'B', 0, NONE}, {'E', 1, FOUR(0, 0, 0, 0)}}, 1, 1, {0, 0, 0, 0}, true},
    {"an end in the dark is a connection without attempt", {{'E', 7, NONE}}, 1, 0, {0, 0, 0, 0}, false},
    {"an open one is closed by the idle time", {{'B', 0, NONE}, {'E', MINUTES(31), FOUR(1, 1, 1, 1)}}, 2, 0, {1, 1, 1, 1}, true},
    {"counters saturate",
     {{'C', 0, FOUR(UINT64_MAX, 1, 1, 1)}, {'C', 1, FOUR(1, 1, 1, 1)}}, 1, 0, {UINT64_MAX, 2, 2, 2}, true},
};

static struct nsf_mail_event event_of(const struct line *line)
{
    const char *at = strchr("VBCE", line->letter);
    static const enum nsf_flow_event events[] = {NSF_FLOW_LINE, NSF_FLOW_BEGIN, NSF_FLOW_CONTINUE, NSF_FLOW_END};
    return (struct nsf_mail_event){
        .ts_ms = line->ts_ms,
        .packets_in = line->counters.packets_in,
        .bytes_in = line->counters.bytes_in,
        .packets_out = line->counters.packets_out,
        .bytes_out = line->counters.bytes_out,
        .event = (uint8_t)events[at - "VBCE"],
        .has_counters = line->has_counters,
    };
}

static void test_sequences(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSF_ARRAY_LEN(sequences); i++) {
        const struct sequence *sequence = &sequences[i];
        struct nsf_connection connection = {0};
        unsigned n = 0;
        for (size_t l = 0; l < NSF_ARRAY_LEN(sequence->lines) && sequence->lines[l].letter != '\0'; l++) {
            struct nsf_mail_event event = event_of(&sequence->lines[l]);
            if (n > 0 && nsf_connection_take(&connection, &event, event.ts_ms, NSF_IDLE_MS_DEFAULT) == NSF_STEP_SAME)
                continue;
            nsf_connection_begin(&connection, &event, event.ts_ms);
            n++;
        }
        if (n != sequence->n_connections || connection.attempts != sequence->attempts ||
            connection.has_counters != sequence->has_counters ||
            memcmp(&connection.total, &sequence->total, sizeof(connection.total)) != 0)
            fail_msg("%s: %u connections, %u attempts, %llu/%llu/%llu/%llu", sequence->name, n, connection.attempts,
                     (unsigned long long)connection.total.packets_in, (unsigned long long)connection.total.bytes_in,
                     (unsigned long long)connection.total.packets_out, (unsigned long long)connection.total.bytes_out);
    }
}

static void test_counted_stamps(void **state)
{
    (void)state;
    struct nsf_mail_event begin = {.event = NSF_FLOW_BEGIN};
    struct nsf_connection connection;
    nsf_connection_begin(&connection, &begin, 5);
    assert_int_equal(connection.tuples, 0);
    assert_true(connection.counted_from_ms == NSF_TS_NONE);
    nsf_connection_count(&connection, 7);
    nsf_connection_count(&connection, 9);
    assert_int_equal(connection.tuples, 2);
    assert_true(connection.first_ms == 5 && connection.counted_from_ms == 7 && connection.counted_to_ms == 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_counted_stamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
