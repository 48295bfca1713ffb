#include "core/nsf_common.h"

#include "core/json_in.h"

#include "core/buf.h"
#include "core/limits.h"

#include "support/nsf_test.h"

/* Writes every event with its offset into a text, so that two runs can be compared. */
struct recorder {
    struct nsf_json_in *in;
    struct nsf_buf text;
    unsigned stop_after; /* events until one says stop; 0 is never */
};

static bool note(struct recorder *rec, const char *word, struct nsf_slice text)
{
    nsf_buf_add_str(&rec->text, word);
    nsf_buf_add(&rec->text, text);
    nsf_buf_printf(&rec->text, "@%llu/%u ", (unsigned long long)nsf_json_in_offset(rec->in),
                   nsf_json_in_depth(rec->in));
    return rec->stop_after == 0 || --rec->stop_after > 0;
}

static bool on_null(void *ctx)
{
    return note(ctx, "null", S(""));
}

static bool on_boolean(void *ctx, bool value)
{
    return note(ctx, value ? "true" : "false", S(""));
}

static bool on_number(void *ctx, struct nsf_slice text)
{
    return note(ctx, "#", text);
}

static bool on_string(void *ctx, struct nsf_slice text)
{
    return note(ctx, "$", text);
}

static bool on_start_map(void *ctx)
{
    return note(ctx, "{", S(""));
}

static bool on_map_key(void *ctx, struct nsf_slice key)
{
    return note(ctx, ":", key);
}

static bool on_end_map(void *ctx)
{
    return note(ctx, "}", S(""));
}

static bool on_start_array(void *ctx)
{
    return note(ctx, "[", S(""));
}

static bool on_end_array(void *ctx)
{
    return note(ctx, "]", S(""));
}

static const struct nsf_json_events all_events = {
    .null = on_null,
    .boolean = on_boolean,
    .number = on_number,
    .string = on_string,
    .start_map = on_start_map,
    .map_key = on_map_key,
    .end_map = on_end_map,
    .start_array = on_start_array,
    .end_array = on_end_array,
};

struct answer {
    enum nsf_json_in_state state;
    struct nsf_err err;
    uint64_t offset;
};

/* Parses text in pieces of `piece` bytes, each in a heap block of exactly its size. */
static struct answer parse(struct recorder *rec, struct nsf_slice text, size_t piece, uint64_t from,
                           enum nsf_json_in_flags flags)
{
    struct answer answer = {.state = NSF_JSON_IN_MORE, .err = NSF_ERR_INIT};
    nsf_buf_reset(&rec->text);
    rec->in = nsf_json_in_new(&all_events, rec, flags);
    nsf_json_in_reset(rec->in, from);
    for (size_t at = 0; at < text.len && answer.state == NSF_JSON_IN_MORE; at += piece) {
        size_t len = text.len - at < piece ? text.len - at : piece;
        char *exact = malloc(len);
        assert_non_null(exact);
        memcpy(exact, text.ptr + at, len);
        answer.state = nsf_json_in_write(rec->in, nsf_slice(exact, len), &answer.err);
        free(exact);
    }
    if (answer.state == NSF_JSON_IN_MORE)
        answer.state = nsf_json_in_finish(rec->in, &answer.err);
    answer.offset = nsf_json_in_offset(rec->in);
    nsf_json_in_free(rec->in);
    return answer;
}

static const char document[] =
    "{\"records\":[{\"time\":\"2026-11-21T10:00:00Z\",\"n\":-12.5e3,\"u\":\"\\u00e4\\n\",\"b\":true,"
    "\"c\":false,\"z\":null,\"e\":[],\"m\":{}}, \t\r\n 7 ]}";

static void test_events_and_offsets(void **state)
{
    struct recorder rec = {.stop_after = 0};
    nsf_buf_init(&rec.text, 1 << 16);
    struct answer answer = parse(&rec, S("{\"a\":[1,\"x\"]} "), 64, 100, NSF_JSON_IN_ONE_VALUE);
    assert_int_equal(answer.state, NSF_JSON_IN_MORE);
    assert_string_equal(nsf_buf_str(&rec.text), "{@101/1 :a@104/1 [@106/2 #1@107/2 $x@111/2 ]@112/1 }@113/0 ");
    assert_int_equal(answer.offset, 114);
    nsf_buf_release(&rec.text);
}

static void test_every_piece_size_gives_the_same_events(void **state)
{
    struct recorder whole = {.stop_after = 0}, cut = {.stop_after = 0};
    nsf_buf_init(&whole.text, 1 << 16);
    nsf_buf_init(&cut.text, 1 << 16);
    assert_int_equal(parse(&whole, S(document), sizeof(document), 0, NSF_JSON_IN_ONE_VALUE).state, NSF_JSON_IN_MORE);
    assert_true(whole.text.len > 100);
    for (size_t piece = 1; piece < sizeof(document); piece++) {
        assert_int_equal(parse(&cut, S(document), piece, 0, NSF_JSON_IN_ONE_VALUE).state, NSF_JSON_IN_MORE);
        assert_string_equal(nsf_buf_str(&cut.text), nsf_buf_str(&whole.text));
    }
    nsf_buf_release(&whole.text);
    nsf_buf_release(&cut.text);
}

static void test_every_truncation_is_truncated(void **state)
{
    struct recorder rec = {.stop_after = 0};
    nsf_buf_init(&rec.text, 1 << 16);
    for (size_t len = 0; len < sizeof(document) - 1; len++)
        for (size_t piece = 1; piece < 4; piece++) {
            struct answer answer = parse(&rec, nsf_slice(document, len), piece, 5, NSF_JSON_IN_ONE_VALUE);
            assert_int_equal(answer.state, NSF_JSON_IN_ERROR);
            assert_int_equal(answer.err.code, NSF_E_TRUNCATED);
            assert_int_equal(answer.err.offset, 5 + len);
        }
    nsf_buf_release(&rec.text);
}

static void test_errors_say_where(void **state)
{
    /* The caret's place is the second member: the byte that cannot be. */
    static const struct {
        const char *text;
        size_t lowest, highest;
    } cases[] = {
        {"{\"a\" 1}", 5, 6}, {"[1,]", 3, 4},     {"{\"a\":01}", 6, 7},  {"nul ", 3, 4},         {"[1 2]", 3, 4},
        {"{1:2}", 1, 2},     {"\"\xff\"", 1, 2}, {"\"\n\"", 1, 2},      {"\"\\x\"", 2, 3},      {"]", 0, 1},
        {"{} {}", 3, 4},     {"[1}", 2, 3},      {"\"\\u12g4\"", 5, 7}, {"[\"a\xC3(\"]", 3, 5}, {"-", 1, 1},
    };
    struct recorder rec = {.stop_after = 0};
    nsf_buf_init(&rec.text, 1 << 16);
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++)
        for (size_t piece = 1; piece < 9; piece++) {
            struct answer answer = parse(&rec, S(cases[i].text), piece, 0, NSF_JSON_IN_ONE_VALUE);
            assert_int_equal(answer.state, NSF_JSON_IN_ERROR);
            if (answer.err.code == NSF_E_TRUNCATED)
                assert_int_equal(answer.err.offset, strlen(cases[i].text));
            else if (answer.err.code != NSF_E_JSON || answer.err.offset < cases[i].lowest ||
                     answer.err.offset > cases[i].highest)
                fail_msg("'%s' in pieces of %zu: %s at %llu", cases[i].text, piece, nsf_code_name(answer.err.code),
                         (unsigned long long)answer.err.offset);
            assert_true(answer.err.text[0] != '\0');
        }
    nsf_buf_release(&rec.text);
}

static void test_many_values(void **state)
{
    struct recorder rec = {.stop_after = 0};
    nsf_buf_init(&rec.text, 1 << 16);
    for (size_t piece = 1; piece < 12; piece++) {
        assert_int_equal(parse(&rec, S("{}\n{} [1]\n"), piece, 0, NSF_JSON_IN_MANY_VALUES).state, NSF_JSON_IN_MORE);
        assert_string_equal(nsf_buf_str(&rec.text), "{@1/1 }@2/0 {@4/1 }@5/0 [@7/1 #1@8/1 ]@9/0 ");
    }
    nsf_buf_release(&rec.text);
}

static void test_depth_is_bounded(void **state)
{
    char text[2 * NSF_JSON_DEPTH_MAX + 3];
    struct recorder rec = {.stop_after = 0};
    nsf_buf_init(&rec.text, 1 << 16);
    for (size_t depth = NSF_JSON_DEPTH_MAX; depth <= NSF_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        for (size_t piece = 1; piece < 300; piece += 41) {
            struct answer answer = parse(&rec, nsf_slice(text, 2 * depth), piece, 0, NSF_JSON_IN_ONE_VALUE);
            bool is_good = depth == NSF_JSON_DEPTH_MAX;
            assert_int_equal(answer.state, is_good ? NSF_JSON_IN_MORE : NSF_JSON_IN_ERROR);
            assert_int_equal(answer.err.code, is_good ? NSF_E_NONE : NSF_E_LIMIT);
        }
    }
    nsf_buf_release(&rec.text);
}

/* The bound of a token holds for every way to cut the text, or a hostile file would be read in one and not in another.
 */
static void test_token_is_bounded_whatever_the_pieces(void **state)
{
    size_t room = NSF_JSON_TOKEN_MAX_BYTES + 64;
    char *text = malloc(room);
    assert_non_null(text);
    static const size_t pieces[] = {4096, 65536, 262144, (size_t)4 << 20};
    struct recorder rec = {.stop_after = 0};
    nsf_buf_init(&rec.text, 4 * NSF_JSON_TOKEN_MAX_BYTES);
    for (size_t extra = 0; extra < 2; extra++) {
        size_t len = NSF_JSON_TOKEN_MAX_BYTES + extra;
        memset(text, 'a', len);
        text[0] = text[len - 1] = '"';
        for (size_t i = 0; i < NSF_ARRAY_LEN(pieces); i++) {
            struct answer answer = parse(&rec, nsf_slice(text, len), pieces[i], 0, NSF_JSON_IN_ONE_VALUE);
            if (answer.state != (extra == 0 ? NSF_JSON_IN_MORE : NSF_JSON_IN_ERROR) ||
                answer.err.code != (extra == 0 ? NSF_E_NONE : NSF_E_LIMIT))
                fail_msg("%zu bytes in pieces of %zu: %s", len, pieces[i], nsf_code_name(answer.err.code));
        }
    }
    nsf_buf_release(&rec.text);
    free(text);
}

static void test_stop_says_where(void **state)
{
    struct recorder rec = {.stop_after = 0};
    nsf_buf_init(&rec.text, 1 << 16);
    for (size_t piece = 1; piece < 12; piece++) {
        rec.stop_after = 3;
        struct answer answer = parse(&rec, S("{\"a\":[1,\"x\"]}"), piece, 10, NSF_JSON_IN_ONE_VALUE);
        assert_int_equal(answer.state, NSF_JSON_IN_STOPPED);
        assert_int_equal(answer.err.code, NSF_E_NONE);
        assert_int_equal(answer.offset, 16);
    }
    nsf_buf_release(&rec.text);
}

static void test_skip_counts_in_offsets(void **state)
{
    struct recorder rec = {.stop_after = 0};
    struct nsf_err err = NSF_ERR_INIT;
    nsf_buf_init(&rec.text, 1 << 16);
    rec.in = nsf_json_in_new(&all_events, &rec, NSF_JSON_IN_ONE_VALUE);
    assert_int_equal(nsf_json_in_write(rec.in, S("{\"a\":["), &err), NSF_JSON_IN_MORE);
    nsf_json_in_skip(rec.in, 3 * NSF_JSON_TOKEN_MAX_BYTES);
    nsf_buf_reset(&rec.text);
    assert_int_equal(nsf_json_in_write(rec.in, S("]}"), &err), NSF_JSON_IN_MORE);
    assert_int_equal(nsf_json_in_finish(rec.in, &err), NSF_JSON_IN_MORE);
    char expected[64];
    unsigned long long at = 6 + 3 * (unsigned long long)NSF_JSON_TOKEN_MAX_BYTES;
    snprintf(expected, sizeof(expected), "]@%llu/1 }@%llu/0 ", at + 1, at + 2);
    assert_string_equal(nsf_buf_str(&rec.text), expected);
    nsf_json_in_free(rec.in);
    nsf_json_in_free(NULL);
    nsf_buf_release(&rec.text);
}

static void test_events_may_be_absent_and_a_parser_reused(void **state)
{
    static const struct nsf_json_events none = {.null = NULL};
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_json_in *in = nsf_json_in_new(&none, NULL, NSF_JSON_IN_ONE_VALUE);
    assert_int_equal(nsf_json_in_write(in, S("[1,"), &err), NSF_JSON_IN_MORE);
    assert_int_equal(nsf_json_in_write(in, S(""), &err), NSF_JSON_IN_MORE);
    assert_int_equal(nsf_json_in_depth(in), 1);
    nsf_json_in_reset(in, 0);
    assert_int_equal(nsf_json_in_depth(in), 0);
    assert_int_equal(nsf_json_in_write(in, S(document), &err), NSF_JSON_IN_MORE);
    assert_int_equal(nsf_json_in_finish(in, &err), NSF_JSON_IN_MORE);
    assert_int_equal(err.code, NSF_E_NONE);
    nsf_json_in_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_and_offsets),
        cmocka_unit_test(test_every_piece_size_gives_the_same_events),
        cmocka_unit_test(test_every_truncation_is_truncated),
        cmocka_unit_test(test_errors_say_where),
        cmocka_unit_test(test_many_values),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_token_is_bounded_whatever_the_pieces),
        cmocka_unit_test(test_stop_says_where),
        cmocka_unit_test(test_skip_counts_in_offsets),
        cmocka_unit_test(test_events_may_be_absent_and_a_parser_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
