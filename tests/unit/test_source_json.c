#include "core/nsf_common.h"

#include "report/source_json.h"

#include "core/clock.h"
#include "core/mem.h"
#include "support/nsf_test.h"

static const struct nsf_source_json rows = {.before = "\n    ", .before_len = 5, .has_cross = true};

static void check_row(const struct nsf_source_json *json, uint64_t row_idx, const struct nsf_mail_source *source,
                      const char *expected)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, 1 << 20);
    struct nsf_out *memory = nsf_out_new_buf(&buf);
    nsf_source_json_write(json, memory, row_idx, source);
    assert_false(nsf_failed(nsf_out_close(memory, NULL)));
    assert_string_equal(nsf_buf_str(&buf), expected);
    nsf_buf_release(&buf);
}

static void test_a_source(void **state)
{
    const struct nsf_evidence_line evidence[] = {
        {"start", -50, S("where every unknown address starts")},
        {"message", 74, S("2 messages \"on\" 1 day")},
    };
    struct nsf_mail_source source = {
        .address = nsf_ip_from_v4(0xcb007109),
        .n_merged = 1,
        .connections = 3,
        .attempts = 4,
        .tuples = 12,
        .classes[NSF_CLASS_MESSAGE] = 2,
        .classes[NSF_CLASS_DIALOG] = 1,
        .has_counters = true,
        .counters = {1, 123456789, 99, 18446744073709551615u},
        .first_ms = INT64_C(1767236645678),
        .last_ms = INT64_C(1767236645679),
        .days = 1,
        .destinations = {nsf_ip_from_v4(0x0a000004), {UINT64_C(0x20010db800000000), 1}},
        .n_destinations = 2,
        .destinations_more = 5,
        .cross = {.denied_tuples = 1, .other_ports = 2},
        .network = nsf_prefix_around(nsf_ip_from_v4(0xcb007109), 120),
        .name = S("a <name>"),
        .verdict = NSF_SOURCE_RETRYING_SENDER,
        .score_tenths = 24,
        .evidence = evidence,
        .n_evidence = 2,
    };
#define HEAD                                                                                                           \
    "{\"address\":\"203.0.113.9\",\"network\":\"203.0.113.0/24\",\"name\":\"a \\u003cname\\u003e\","                   \
    "\"verdict\":\"RETRYING_SENDER\",\"score\":2.4,\"evidence\":[{\"code\":\"start\",\"points\":-5,\"text\":"          \
    "\"where every unknown address starts\"},{\"code\":\"message\",\"points\":7.4,\"text\":"                           \
    "\"2 messages \\\"on\\\" 1 day\"}],\"connections\":3,\"attempts\":4,\"tuples\":12,"                                \
    "\"classes\":{\"message\":2,\"dialog\":1},\"packets_in\":1,\"bytes_in\":123456789,\"packets_out\":99,"             \
    "\"bytes_out\":18446744073709551615,\"first\":\"2026-01-01T03:04:05.678Z\","                                       \
    "\"last\":\"2026-01-01T03:04:05.679Z\",\"days\":1,\"destinations\":[\"10.0.0.4\",\"2001:db8::1\"],"                \
    "\"destinations_more\":5,\"elsewhere\":"
    const char *with_cross = ",\n    " HEAD "{\"denied_tuples\":1,\"denied_addresses\":0,\"denied_ports\":0,"
                             "\"denied_mail_addresses\":0,\"other_contacts\":0,\"other_ports\":2}}";
    check_row(&rows, 1, &source, with_cross);
    check_row(&rows, 0, &source, with_cross + 1);
    check_row(&(struct nsf_source_json){.before = ""}, 7, &source, "," HEAD "null}");
}

static void test_the_rest(void **state)
{
    struct nsf_mail_source rest = {.is_rest = true,
                                   .n_merged = 70,
                                   .connections = 100,
                                   .attempts = 101,
                                   .tuples = 102,
                                   .first_ms = NSF_TS_NONE,
                                   .last_ms = 0};
    check_row(
        &rows, 0, &rest,
        "\n    {\"address\":null,\"network\":null,\"name\":null,\"verdict\":null,\"score\":null,\"evidence\":[],"
        "\"connections\":100,\"attempts\":101,\"tuples\":102,\"classes\":{},\"packets_in\":null,\"bytes_in\":null,"
        "\"packets_out\":null,\"bytes_out\":null,\"first\":null,\"last\":\"1970-01-01T00:00:00.000Z\",\"days\":"
        "null,\"destinations\":[],\"destinations_more\":0,\"elsewhere\":null,\"merged\":70}");
}

static void test_nothing_elsewhere(void **state)
{
    struct nsf_buf buf;
    struct nsf_mail_source source = {.verdict = NSF_SOURCE_PROBE};
    nsf_buf_init(&buf, 10000);
    struct nsf_out *out = nsf_out_new_buf(&buf);
    nsf_source_json_write(&rows, out, 0, &source);
    assert_false(nsf_failed(nsf_out_close(out, NULL)));
    assert_non_null(strstr(nsf_buf_str(&buf),
                           "\"elsewhere\":{\"denied_tuples\":0,\"denied_addresses\":0,\"denied_ports\":0,"
                           "\"denied_mail_addresses\":0,\"other_contacts\":0,\"other_ports\":0}}"));
    nsf_buf_release(&buf);
}

/* Every number at its longest, text that grows most; long and short, so that the room is that of the out, of the stack
 * and of the heap. ASan sees a byte too many. */
static void test_room(void **state)
{
    static const size_t lengths[] = {0, 200, 1200, 70000};
    char *text = nsf_malloc(70000);
    memset(text, '\x01', 70000);
    for (size_t i = 0; i < NSF_ARRAY_LEN(lengths); i++) {
        struct nsf_slice hostile = {text, lengths[i]};
        struct nsf_evidence_line evidence[8];
        struct nsf_mail_source source;
        memset(&source, 0xff, sizeof(source));
        source.is_rest = source.has_counters = true;
        source.name = hostile;
        source.verdict = NSF_SOURCE_RETRYING_SENDER;
        source.n_destinations = NSF_DESTINATIONS_MAX;
        source.evidence = evidence;
        source.n_evidence = NSF_ARRAY_LEN(evidence);
        for (size_t e = 0; e < NSF_ARRAY_LEN(evidence); e++)
            evidence[e] = (struct nsf_evidence_line){"retried_within_hours", INT32_MIN, hostile};
        for (int is_rest = 0; is_rest < 2; is_rest++) {
            struct nsf_buf buf;
            nsf_buf_init(&buf, 16 << 20);
            source.is_rest = is_rest;
            struct nsf_out *memory = nsf_out_new_buf(&buf), *piece = nsf_out_new_piece();
            nsf_source_json_write(&rows, piece, 1, &source);
            nsf_out_move(piece, memory);
            nsf_source_json_write(&rows, memory, 1, &source);
            assert_false(nsf_failed(nsf_out_close(memory, NULL)));
            nsf_out_abandon(piece);
            assert_true(buf.len % 2 == 0 && memcmp(buf.ptr, buf.ptr + buf.len / 2, buf.len / 2) == 0);
            assert_true(buf.ptr[buf.len - 1] == '}');
            nsf_buf_release(&buf);
        }
    }
    nsf_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_source),
        cmocka_unit_test(test_the_rest),
        cmocka_unit_test(test_nothing_elsewhere),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
