#include "core/nsf_common.h"

#include "core/json_out.h"

#include "core/clock.h"
#include "core/digits.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "support/nsf_test.h"

static uint64_t state_of_chance = 1;

/* Numbers of every length, ends included. */
static uint64_t any_u64(void)
{
    static const uint64_t ends[] = {0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, UINT32_MAX, INT64_MAX, UINT64_MAX};
    state_of_chance = nsf_hash_mix(state_of_chance, 99);
    if (state_of_chance % 8 == 0)
        return ends[(state_of_chance >> 8) % NSF_ARRAY_LEN(ends)];
    return nsf_hash_mix(state_of_chance, 7) >> (state_of_chance >> 32) % 64;
}

static void test_digits(void **state)
{
    char ours[64], theirs[64];
    for (int i = 0; i < 200000; i++) {
        uint64_t value = any_u64();
        *nsf_put_u64(ours, value) = '\0';
        snprintf(theirs, sizeof(theirs), "%llu", (unsigned long long)value);
        assert_string_equal(ours, theirs);
        *nsf_put_i64(ours, (int64_t)value) = '\0';
        snprintf(theirs, sizeof(theirs), "%lld", (long long)value);
        assert_string_equal(ours, theirs);
        *nsf_put_u8(ours, value & 255) = '\0';
        snprintf(theirs, sizeof(theirs), "%u", (unsigned)(value & 255));
        assert_string_equal(ours, theirs);
        *nsf_put_hex16(ours, value & 0xffff) = '\0';
        snprintf(theirs, sizeof(theirs), "%x", (unsigned)(value & 0xffff));
        assert_string_equal(ours, theirs);
    }
}

static void test_decimals(void **state)
{
    static const struct {
        int64_t value;
        unsigned n_digits;
        const char *text;
    } cases[] = {
        {0, 0, "0"},
        {0, 3, "0"},
        {82, 1, "8.2"},
        {80, 1, "8"},
        {-82, 1, "-8.2"},
        {-5, 1, "-0.5"},
        {12, 3, "0.012"},
        {1000, 3, "1"},
        {1010, 3, "1.01"},
        {7, 0, "7"},
        {-7, 0, "-7"},
        {INT64_MIN, 0, "-9223372036854775808"},
        {INT64_MIN, 1, "-922337203685477580.8"},
        {INT64_MAX, 18, "9.223372036854775807"},
        {1, 18, "0.000000000000000001"},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        char text[NSF_DIGITS_MAX + 2];
        *nsf_put_decimal(text, cases[i].value, cases[i].n_digits) = '\0';
        assert_string_equal(text, cases[i].text);
    }
}

/* The slow twins: what printf makes of the same value. */
static void test_times(void **state)
{
    char ours[NSF_TIME_TEXT_BYTES], theirs[NSF_TIME_TEXT_BYTES];
    for (int i = 0; i < 100000; i++) {
        int64_t ts_ms = (int64_t)(any_u64() % UINT64_C(315537897600000)) - INT64_C(62135596800000);
        time_t seconds = (time_t)((ts_ms - (ts_ms % 1000 + 1000) % 1000) / 1000);
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(theirs, sizeof(theirs), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)((ts_ms % 1000 + 1000) % 1000));
        assert_string_equal(nsf_time_format(ts_ms, ours), theirs);
        theirs[16] = '\0';
        theirs[10] = ' ';
        assert_string_equal(nsf_time_format_minute(ts_ms, ours), theirs);
    }
}

static void test_addresses(void **state)
{
    char ours[NSF_IP_TEXT_BYTES], theirs[NSF_IP_TEXT_BYTES];
    for (int i = 0; i < 100000; i++) {
        uint32_t v4 = (uint32_t)any_u64();
        snprintf(theirs, sizeof(theirs), "%u.%u.%u.%u", v4 >> 24, v4 >> 16 & 255, v4 >> 8 & 255, v4 & 255);
        assert_string_equal(nsf_ip_format(nsf_ip_from_v4(v4), ours), theirs);
        struct nsf_ip back, v6 = {any_u64() & any_u64(), any_u64() & any_u64()};
        nsf_ip_format(v6, ours);
        assert_true(nsf_ip_parse(nsf_slice_str(ours), &back));
        assert_true(nsf_ip_eq(v6, back));
        unsigned bits = (unsigned)(any_u64() % 33);
        size_t len = strlen(nsf_ip_format(nsf_prefix_around(nsf_ip_from_v4(v4), (uint8_t)(96 + bits)).ip, theirs));
        snprintf(theirs + len, sizeof(theirs) - len, "/%u", bits);
        assert_string_equal(nsf_prefix_format(nsf_prefix_around(nsf_ip_from_v4(v4), (uint8_t)(96 + bits)), ours),
                            theirs);
    }
}

/* One character at a time, by the book. */
static void add_escaped(struct nsf_buf *buf, struct nsf_slice text)
{
    nsf_buf_add_char(buf, '"');
    while (text.len > 0) {
        uint32_t c;
        size_t n = nsf_utf8_decode(text, &c);
        if (n == 0)
            nsf_buf_add_str(buf, "\\ufffd");
        else if (c == '"' || c == '\\')
            assert_true(nsf_buf_printf(buf, "\\%c", (int)c));
        else if (c == '\n' || c == '\t')
            nsf_buf_add_str(buf, c == '\n' ? "\\n" : "\\t");
        else if (c < 0x20 || c == 0x7F || c == '<' || c == '>' || c == '&' || (c >= 0x80 && nsf_utf8_is_unsafe(c)))
            assert_true(nsf_buf_printf(buf, "\\u%04x", (unsigned)c));
        else
            nsf_buf_add(buf, nsf_slice(text.ptr, n));
        text = nsf_slice_from(text, n == 0 ? 1 : n);
    }
    nsf_buf_add_char(buf, '"');
}

static void check_string(struct nsf_slice text)
{
    struct nsf_buf ours, theirs;
    struct nsf_json_out json;
    nsf_buf_init(&ours, 10000);
    nsf_buf_init(&theirs, 10000);
    struct nsf_out *out = nsf_out_new_buf(&ours);
    nsf_json_out_init(&json, out, 0);
    nsf_json_out_slice(&json, text);
    assert_false(nsf_failed(nsf_out_close(out, NULL)));
    add_escaped(&theirs, text);
    assert_string_equal(nsf_buf_str(&ours), nsf_buf_str(&theirs));
    nsf_buf_release(&ours);
    nsf_buf_release(&theirs);
}

/* Every byte at every place of a word, after every other one. */
static void test_strings(void **state)
{
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 0; at < 18; at++) {
            char text[18];
            memset(text, "aZ ~"[at % 4], sizeof(text));
            text[at] = (char)c;
            check_string(nsf_slice(text, sizeof(text)));
            check_string(nsf_slice(text, at + 1));
            if (at + 1 < sizeof(text))
                text[at + 1] = (char)(c * 7 + at);
            check_string(nsf_slice(text, sizeof(text)));
        }
    for (int i = 0; i < 20000; i++) {
        uint64_t words[4] = {any_u64(), any_u64(), any_u64(), any_u64()};
        for (size_t w = 0; w < 4; w++)
            words[w] = i % 2 == 0 ? words[w] : words[w] & UINT64_C(0x7f7f7f7f7f7f7f7f);
        check_string(nsf_slice((const char *)words, (size_t)(any_u64() % sizeof(words))));
    }
}

/* Longer than what is written at a time: characters of every length across every cut, and bytes that only look like
 * parts of one. */
static void test_long_strings(void **state)
{
    static const char *const parts[] = {"\xC3\xA9",
                                        "\xE2\x82\xAC",
                                        "\xF0\x9F\x98\x80",
                                        "\x80",
                                        "\xF0\x9F\x98\x80\x80",
                                        "\xE2\x82",
                                        "plain text that needs no escape",
                                        "<",
                                        "\xE2\x80\xAE"};
    char text[1100];
    for (size_t p = 0; p < NSF_ARRAY_LEN(parts); p++)
        for (size_t before = 0; before < 8; before++) {
            size_t len = strlen(parts[p]), n = before;
            memset(text, 'x', before);
            for (; n + len <= sizeof(text); n += len)
                memcpy(text + n, parts[p], len);
            for (size_t end = 250; end < 264; end++)
                check_string(nsf_slice(text, end));
            check_string(nsf_slice(text, n));
        }
}

static void write_document(struct nsf_json_out *json)
{
    nsf_json_out_begin_map(json);
    nsf_json_out_key(json, "list");
    nsf_json_out_begin_array(json);
    nsf_json_out_u64(json, 1);
    nsf_json_out_begin_map(json);
    nsf_json_out_key_bool(json, "yes", true);
    nsf_json_out_key_time(json, "none", NSF_TS_NONE);
    nsf_json_out_key_time(json, "zero", 0);
    nsf_json_out_key(json, "a_key_that_is_longer_than_any_key_of_this_program_has_ever_been_so_far");
    nsf_json_out_i64(json, -5);
    nsf_json_out_end_map(json);
    nsf_json_out_begin_array(json);
    nsf_json_out_end_array(json);
    nsf_json_out_ip(json, nsf_ip_from_v4(0x01020304));
    nsf_json_out_prefix(json, nsf_prefix_around(nsf_ip_from_v4(0x01020304), 120));
    nsf_json_out_end_array(json);
    nsf_json_out_key_str(json, "text", NULL);
    nsf_json_out_key_slice(json, "last", S("x"));
    nsf_json_out_end_map(json);
}

static const char compact[] =
    "{\"list\":[1,{\"yes\":true,\"none\":null,\"zero\":\"1970-01-01T00:00:00.000Z\","
    "\"a_key_that_is_longer_than_any_key_of_this_program_has_ever_been_so_far\":-5},[],\"1.2.3.4\",\"1.2.3.0/24\"],"
    "\"text\":null,\"last\":\"x\"}\n";
static const char lined[] =
    "{\n \"list\":[\n  1,\n  {\"yes\":true,\"none\":null,\"zero\":\"1970-01-01T00:00:00.000Z\","
    "\"a_key_that_is_longer_than_any_key_of_this_program_has_ever_been_so_far\":-5},\n  [],\n  \"1.2.3.4\",\n  "
    "\"1.2.3.0/24\"\n ],\n \"text\":null,\n \"last\":\"x\"\n}\n";

/* The same document into memory, into a piece that grows, and behind bytes that leave little room. */
static void test_documents(void **state)
{
    for (unsigned depth = 0; depth <= 2; depth += 2) {
        struct nsf_buf direct, moved, expected;
        struct nsf_json_out json;
        nsf_buf_init(&direct, 1 << 20);
        nsf_buf_init(&moved, 1 << 30);
        nsf_buf_init(&expected, 1 << 30);
        struct nsf_out *out = nsf_out_new_buf(&direct);
        nsf_json_out_init(&json, out, depth);
        write_document(&json);
        assert_false(nsf_failed(nsf_out_close(out, NULL)));
        assert_string_equal(nsf_buf_str(&direct), depth == 0 ? compact : lined);
        struct nsf_out *piece = nsf_out_new_piece();
        out = nsf_out_new_buf(&moved);
        for (unsigned round = 0; round < 3; round++) {
            for (unsigned i = 0; i < 2000; i++) {
                nsf_json_out_init(&json, piece, depth);
                write_document(&json);
                nsf_buf_add(&expected, nsf_buf_slice(&direct));
            }
            nsf_out_move(piece, out);
        }
        nsf_out_abandon(piece);
        assert_false(nsf_failed(nsf_out_close(out, NULL)));
        assert_int_equal(moved.len, expected.len);
        assert_memory_equal(moved.ptr, expected.ptr, moved.len);
        nsf_buf_release(&direct);
        nsf_buf_release(&moved);
        nsf_buf_release(&expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),    cmocka_unit_test(test_decimals), cmocka_unit_test(test_times),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_strings),  cmocka_unit_test(test_long_strings),
        cmocka_unit_test(test_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
