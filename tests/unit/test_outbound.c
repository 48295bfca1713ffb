#include "core/nsf_common.h"

#include "evidence/outbound.h"
#include "judge/connection_class.h"

#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define START INT64_C(1767225600000)
#define SECOND INT64_C(1000)

static const struct nsf_place_of_scope *place(const struct nsf_shared *shared, uint32_t scope_id)
{
    static const struct nsf_place_of_scope places[] = {{.nic_id = 5}, {.nic_id = 6}};
    (void)shared;
    return &places[scope_id];
}

static const struct nsf_shared plain = {.since_ms = NSF_TS_NONE,
                                        .until_ms = NSF_TS_NONE,
                                        .idle_ms = NSF_IDLE_MS_DEFAULT,
                                        .classify = nsf_connection_class_of,
                                        .place = place};

/* Counters of a mail of 4 kB, of a refused try, of an answer without mail, and none. */
enum shape {
    MAIL,
    SILENT,
    TALK,
    NO_COUNTERS,
};

struct line {
    int64_t seconds; /* after START */
    char event;      /* b, c, e, d, l */
    enum shape shape;
    const char *to;
    uint16_t port;
    uint16_t src_port;
    uint32_t scope;
};

static void add_line(struct nsf_batch *batch, const struct line *line)
{
    static const struct {
        uint64_t packets_in, bytes_in, packets_out, bytes_out;
    } shapes[] = {{12, 4300, 11, 980}, {1, 60, 0, 0}, {6, 352, 5, 520}, {0, 0, 0, 0}};
    static const char letters[] = "lbced";
    struct nsf_mail_event *event = nsf_mail_events_add(&batch->outbound);
    *event = (struct nsf_mail_event){.ts_ms = START + line->seconds * SECOND,
                                     .src = nsf_ip_from_v4(0x0a000004),
                                     .src_port = line->src_port == 0 ? 40000 : line->src_port,
                                     .dst_port = line->port == 0 ? 25 : line->port,
                                     .scope_id = line->scope,
                                     .event = (uint8_t)(strchr(letters, line->event) - letters),
                                     .has_counters = line->shape != NO_COUNTERS && line->event != 'b',
                                     .packets_in = shapes[line->shape].packets_in,
                                     .bytes_in = shapes[line->shape].bytes_in,
                                     .packets_out = shapes[line->shape].packets_out,
                                     .bytes_out = shapes[line->shape].bytes_out};
    assert_true(nsf_ip_parse(nsf_slice_str(line->to), &event->dst));
}

static void print_rows(const struct nsf_outbound *outbound, char *text, size_t size)
{
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < outbound->n_rows; i++) {
        const struct nsf_outbound_row *row = &outbound->rows[i];
        len += (size_t)snprintf(text + len, size - len, "%s%u@%lld%s%s%s%s", i > 0 ? " " : "", row->nic_id,
                                (long long)row->second - START / SECOND, row->is_message ? " mail" : "",
                                row->is_unanswered ? " silent" : "", row->is_public ? "" : " inside",
                                row->is_port_25 ? "" : " 587");
    }
}

struct row_case {
    const char *what;
    struct line lines[6]; /* an event of 0 ends them */
    const char *expected;
};

#define A "8.8.8.8"
#define B "9.9.9.9"

/* clang-format off */
static const struct row_case cases[] = {
    {"nothing", {{0}}, ""},
    {"a mail", {{0, 'b', NO_COUNTERS, A, 0, 0, 0}, {9, 'e', MAIL, A, 0, 0, 0}}, "5@0 mail"},
    {"talk without mail", {{0, 'b', NO_COUNTERS, A, 0, 0, 0}, {9, 'e', TALK, A, 0, 0, 0}}, "5@0"},
    {"nobody answers", {{0, 'b', NO_COUNTERS, A, 0, 0, 0}, {1, 'e', SILENT, A, 0, 0, 0}}, "5@0 silent"},
    {"its retries are the same attempt", {{0, 'b', NO_COUNTERS, A, 0, 0, 0}, {1, 'e', SILENT, A, 0, 0, 0}, {3, 'b', NO_COUNTERS, A, 0, 0, 0}, {4, 'e', SILENT, A, 0, 0, 0}}, "5@0 silent"},
    {"denied by an NSG", {{0, 'd', NO_COUNTERS, A, 0, 0, 0}, {60, 'd', NO_COUNTERS, A, 0, 0, 0}}, "5@0 silent 5@60 silent"},
    {"denied beside allowed", {{0, 'b', NO_COUNTERS, A, 0, 0, 0}, {1, 'd', NO_COUNTERS, A, 0, 0, 0}, {9, 'e', MAIL, A, 0, 0, 0}}, "5@0 mail 5@1 silent"},
    {"no counters: neither mail nor silence is known", {{0, 'l', NO_COUNTERS, A, 0, 0, 0}}, "5@0"},
    {"a second mail over the same ports after the end", {{0, 'b', NO_COUNTERS, A, 0, 0, 0}, {9, 'e', MAIL, A, 0, 0, 0}, {500, 'b', NO_COUNTERS, A, 0, 0, 0}, {509, 'e', MAIL, A, 0, 0, 0}}, "5@0 mail 5@500 mail"},
    {"long ones go on", {{0, 'b', NO_COUNTERS, A, 0, 0, 0}, {300, 'c', TALK, A, 0, 0, 0}, {600, 'e', MAIL, A, 0, 0, 0}}, "5@0 mail"},
    {"never closed", {{0, 'b', NO_COUNTERS, A, 0, 0, 0}, {300, 'c', MAIL, A, 0, 0, 0}}, "5@0 mail"},
    {"inside is not public", {{0, 'b', NO_COUNTERS, "10.1.1.1", 0, 0, 0}, {9, 'e', MAIL, "10.1.1.1", 0, 0, 0}}, "5@0 mail inside"},
    {"submission", {{0, 'b', NO_COUNTERS, A, 587, 0, 0}, {9, 'e', MAIL, A, 587, 0, 0}}, "5@0 mail 587"},
    {"two ports of one server are two", {{0, 'b', NO_COUNTERS, A, 0, 0, 0}, {0, 'b', NO_COUNTERS, A, 587, 0, 0}, {9, 'e', MAIL, A, 587, 0, 0}, {9, 'e', TALK, A, 0, 0, 0}}, "5@0 5@0 mail 587"},
    {"two source ports are two", {{0, 'b', NO_COUNTERS, A, 0, 1, 0}, {0, 'b', NO_COUNTERS, A, 0, 2, 0}}, "5@0 5@0"},
    {"NICs apart, then by time", {{5, 'b', NO_COUNTERS, A, 0, 0, 1}, {6, 'b', NO_COUNTERS, B, 0, 0, 0}, {7, 'b', NO_COUNTERS, A, 0, 0, 0}}, "5@6 5@7 6@5"},
    {"a late line does not go back in time", {{9, 'b', NO_COUNTERS, A, 0, 0, 0}, {3, 'e', MAIL, A, 0, 0, 0}}, "5@9 mail"},
    {"IPv6", {{0, 'b', NO_COUNTERS, "2001:db8::1", 0, 0, 0}, {1, 'e', SILENT, "2001:db8::1", 0, 0, 0}}, "5@0 silent"},
};
/* clang-format on */

static void lines_to_rows(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_batch *batch = nsf_batch_new();
        struct nsf_outbound outbound;
        char text[512];
        nsf_outbound_init(&outbound, &plain, 7);
        nsf_batch_add_record(batch);
        for (size_t k = 0; k < 6 && cases[i].lines[k].event != 0; k++)
            add_line(batch, &cases[i].lines[k]);
        nsf_outbound_take(&outbound, batch);
        nsf_outbound_finish(&outbound);
        print_rows(&outbound, text, sizeof(text));
        if (strcmp(text, cases[i].expected) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].what, text, cases[i].expected);
        nsf_outbound_release(&outbound);
        nsf_batch_free(batch);
    }
}

static void records_twice_and_times_outside_do_not_count(void **state)
{
    struct nsf_shared shared = plain;
    struct nsf_batch *batch = nsf_batch_new();
    struct nsf_outbound outbound;
    shared.since_ms = START + 10 * SECOND;
    shared.until_ms = START + 20 * SECOND;
    nsf_outbound_init(&outbound, &shared, 7);
    nsf_batch_add_record(batch);
    nsf_batch_add_record(batch)->is_duplicate = true;
    for (int64_t at = 8; at < 23; at++)
        add_line(batch, &(struct line){at, 'l', NO_COUNTERS, A, 0, (uint16_t)at, 0});
    for (size_t i = 0; i < batch->outbound.n; i += 2)
        batch->outbound.items[i].record_idx = 1;
    nsf_outbound_take(&outbound, batch);
    nsf_outbound_finish(&outbound);
    assert_int_equal(outbound.n_rows, 5);
    assert_int_equal(outbound.rows[0].second, START / SECOND + 11);
    assert_int_equal(outbound.rows[4].second, START / SECOND + 19);
    nsf_outbound_release(&outbound);
    nsf_batch_free(batch);
}

static void networks_are_24s_and_48s(void **state)
{
    static const char *const to[] = {"8.8.8.8",      "8.8.8.9", "8.8.9.9", "2001:db8:1::1", "2001:db8:1:ffff::1",
                                     "2001:db8:2::1"};
    struct nsf_batch *batch = nsf_batch_new();
    struct nsf_outbound outbound;
    nsf_outbound_init(&outbound, &plain, 7);
    nsf_batch_add_record(batch);
    for (int i = 0; i < 6; i++)
        add_line(batch, &(struct line){i, 'l', NO_COUNTERS, to[i], 0, 0, 0});
    nsf_outbound_take(&outbound, batch);
    nsf_outbound_finish(&outbound);
    const struct nsf_outbound_row *rows = outbound.rows;
    assert_int_equal(outbound.n_rows, 6);
    for (int i = 0; i < 6; i += 3) {
        assert_true(rows[i].network == rows[i + 1].network && rows[i].network != rows[i + 2].network);
        assert_true(rows[i].destination != rows[i + 1].destination);
    }
    nsf_outbound_release(&outbound);
    nsf_batch_free(batch);
}

static void add_many(struct nsf_outbound *outbound, uint32_t from, uint32_t to)
{
    struct nsf_batch *batch = nsf_batch_new();
    nsf_batch_add_record(batch);
    for (uint32_t i = from; i < to; i++) {
        struct nsf_mail_event *event = nsf_mail_events_add(&batch->outbound);
        *event = (struct nsf_mail_event){.ts_ms = START + i * SECOND,
                                         .src = nsf_ip_from_v4(0x0a000004),
                                         .dst = nsf_ip_from_v4(0x08000000 + i * 7),
                                         .src_port = 1,
                                         .dst_port = 25,
                                         .event = NSF_FLOW_DENIED};
    }
    nsf_outbound_take(outbound, batch);
    nsf_batch_free(batch);
}

static void the_same_share_is_kept_in_any_order(void **state)
{
    const uint32_t n = NSF_OUTBOUND_ROWS_MAX + NSF_OUTBOUND_ROWS_MAX / 2;
    struct nsf_outbound forward, backward;
    nsf_outbound_init(&forward, &plain, 7);
    nsf_outbound_init(&backward, &plain, 7);
    add_many(&forward, 0, n);
    add_many(&backward, n / 2, n);
    add_many(&backward, 0, n / 2);
    nsf_outbound_finish(&forward);
    nsf_outbound_finish(&backward);
    assert_true(forward.n_rows <= NSF_OUTBOUND_ROWS_MAX && forward.n_rows > NSF_OUTBOUND_ROWS_MAX / 4);
    assert_int_equal(forward.n_rows, backward.n_rows);
    for (uint32_t i = 0; i < forward.n_rows; i++)
        assert_true(forward.rows[i].second == backward.rows[i].second &&
                    forward.rows[i].destination == backward.rows[i].destination);
    nsf_outbound_release(&forward);
    nsf_outbound_release(&backward);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_to_rows),
        cmocka_unit_test(records_twice_and_times_outside_do_not_count),
        cmocka_unit_test(networks_are_24s_and_48s),
        cmocka_unit_test(the_same_share_is_kept_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
