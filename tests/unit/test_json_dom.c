/* The JSON tree: what it holds, where values stand, what lookups find; the stream gives the same for every way of
 * cutting the text into pieces. */
#include "core/nsf_common.h"

#include "core/buf.h"
#include "core/json_dom.h"
#include "core/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* --- A tree as text -------------------------------------------------------------------------------------------- */

static void show(struct nsf_buf *buf, const struct nsf_json *value)
{
    nsf_buf_printf(buf, "@%u:%u ", (unsigned)value->offset, value->line);
    switch (value->type) {
    case NSF_JSON_NULL:
        nsf_buf_add_str(buf, "null");
        break;
    case NSF_JSON_BOOL:
        nsf_buf_add_str(buf, value->u.boolean ? "true" : "false");
        break;
    case NSF_JSON_NUMBER:
    case NSF_JSON_STRING:
    case NSF_JSON_EXPRESSION:
        nsf_buf_printf(buf, "%c%.*s", "ns"[value->type == NSF_JSON_STRING], NSF_SLICE_ARG(value->u.text));
        break;
    case NSF_JSON_ARRAY:
        nsf_buf_add_str(buf, "[");
        for (size_t i = 0; i < value->u.array.n; i++)
            show(buf, &value->u.array.items[i]);
        nsf_buf_add_str(buf, "]");
        break;
    case NSF_JSON_MAP:
        nsf_buf_add_str(buf, "{");
        for (size_t i = 0; i < value->u.map.n; i++) {
            nsf_buf_printf(buf, "%.*s=", NSF_SLICE_ARG(value->u.map.members[i].key));
            show(buf, &value->u.map.members[i].value);
        }
        nsf_buf_add_str(buf, "}");
        break;
    }
    nsf_buf_add_str(buf, " ");
}

static bool show_event(void *ctx, enum nsf_json_stream_kind kind, struct nsf_slice key, size_t idx,
                       const struct nsf_json *value)
{
    struct nsf_buf *buf = ctx;
    nsf_buf_printf(buf, "%s %.*s %zu: ", kind == NSF_JSON_STREAM_ITEM ? "item" : "root", NSF_SLICE_ARG(key), idx);
    show(buf, value);
    nsf_buf_add_str(buf, "\n");
    return true;
}

static const char *const streamed[] = {"value", "data", NULL};
static const struct nsf_json_stream_events events = {.streamed = streamed, .value = show_event};

/* Each piece in a heap block of its own, so that reading a byte too far is seen. */
static void write_piece(struct nsf_json_stream *stream, const char *text, size_t len, struct nsf_buf *out,
                        struct nsf_err *err)
{
    if (err->code != NSF_E_NONE)
        return;
    char *copy = nsf_malloc(len);
    memcpy(copy, text, len);
    if (nsf_json_stream_write(stream, nsf_slice(copy, len), err) != NSF_JSON_STREAM_MORE)
        nsf_buf_printf(out, "error %s at %u\n", nsf_code_name(err->code), (unsigned)err->offset);
    nsf_free(copy);
}

static void read_pieces(const char *text, size_t len, size_t cut, size_t step, struct nsf_buf *out)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_json_stream *stream = nsf_json_stream_new(&events, out, 1 << 20, 0);
    if (cut > 0)
        write_piece(stream, text, cut, out, &err);
    for (size_t at = cut; at < len; at += step)
        write_piece(stream, text + at, len - at < step ? len - at : step, out, &err);
    if (err.code == NSF_E_NONE && nsf_json_stream_finish(stream, &err) != NSF_JSON_STREAM_MORE)
        nsf_buf_printf(out, "error %s at %u\n", nsf_code_name(err.code), (unsigned)err.offset);
    nsf_json_stream_free(stream);
}

static const char *const texts[] = {
    "{\"a\":1}",
    " [ 1 , 2.5 ,\n\"x\\n\\u00e9\", null,true , false, [], {} ]\n",
    "{\"value\":[{\"n\":1},{\"n\":2}],\n \"nextLink\":\"u\" , \"data\" : [ 3 ]}",
    "{\"outer\":{\"value\":[1,2]},\"VALUE\":[[7]],\"value\":4}",
    "{\"a\":1}\n{\"a\":2}\n\n{\"a\":3}",
    "17",
    "{\"a\":{\"b\":{\"c\":[{\"d\":\"e\"},-1e3]}}}",
    "[1,2,{\"a\":}]",
    "{\"value\":[{\"n\":1},{\"n\":",
    "[1,\"\xc0\xaf\"]",
    "// a \"line\"\n[ /* b\n * c **/ 1 , // d\r\n 2/**/,\"/* no */\" /*e*/]/*f\n*/ // g",
    "[1,/*",
    "[1/2]",
};

static void test_every_split(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(texts); i++) {
        size_t len = strlen(texts[i]);
        struct nsf_buf whole, pieces;
        nsf_buf_init(&whole, 1 << 16);
        nsf_buf_init(&pieces, 1 << 16);
        read_pieces(texts[i], len, 0, len, &whole);
        for (size_t cut = 1; cut < len; cut++) {
            nsf_buf_reset(&pieces);
            read_pieces(texts[i], len, cut, len, &pieces);
            assert_string_equal(nsf_buf_str(&pieces), nsf_buf_str(&whole));
        }
        for (size_t step = 1; step < 5; step++) {
            nsf_buf_reset(&pieces);
            read_pieces(texts[i], len, 0, step, &pieces);
            assert_string_equal(nsf_buf_str(&pieces), nsf_buf_str(&whole));
        }
        nsf_buf_release(&whole);
        nsf_buf_release(&pieces);
    }
}

static void check_stream(const char *text, const char *expected)
{
    struct nsf_buf out;
    nsf_buf_init(&out, 1 << 16);
    read_pieces(text, strlen(text), 0, strlen(text), &out);
    assert_string_equal(nsf_buf_str(&out), expected);
    nsf_buf_release(&out);
}

static void test_events(void **state)
{
    check_stream("{\"a\":1}", "root  0: @0:1 {a=@5:1 n1 } \n");
    check_stream("[ 1 ,\n\"x\"]", "item  0: @2:1 n1 \nitem  1: @6:2 sx \nroot  0: @0:1 [] \n");
    check_stream("{\"value\":[{\"n\":1}],\"b\":2}", "item value 0: @10:1 {n=@15:1 n1 } \n"
                                                    "root  0: @0:1 {value=@9:1 [] b=@23:1 n2 } \n");
    check_stream("/*\n*/[1,// x\n/**/2]", "item  0: @6:2 n1 \nitem  1: @17:3 n2 \nroot  0: @5:2 [] \n");
    check_stream("1\n2", "root  0: @0:1 n1 \nroot  1: @2:2 n2 \n");
    check_stream("{\"value\":{\"value\":[1]}}", "root  0: @0:1 {value=@9:1 {value=@18:1 [@19:1 n1 ] } } \n");
}

static void test_damage_keeps_what_came_before(void **state)
{
    check_stream("[1,2,", "item  0: @1:1 n1 \nitem  1: @3:1 n2 \nerror truncated at 5\n");
    check_stream("[1,]", "item  0: @1:1 n1 \nerror json at 4\n");
    check_stream("[\"\xff\"]", "error json at 3\n");
    check_stream("[7,\"\xc0\xaf\"]", "item  0: @1:1 n7 \nerror json at 3\n");
}

/* --- Whole texts and lookups ----------------------------------------------------------------------------------- */

static const struct nsf_json *parse(struct nsf_arena *arena, const char *text, struct nsf_err *err)
{
    return nsf_json_parse(arena, nsf_slice_str(text), 0, 1, err);
}

static void test_lookups(void **state)
{
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    struct nsf_err err = NSF_ERR_INIT;
    const struct nsf_json *map = parse(&arena,
                                       "{\"a\":1,\"A\":2,\"a\":3,\"Props\":{\"Deep\":[\"x\"]},\"s\":\"\",\"n\":null,"
                                       "\"f\":25.0,\"t\":\"25\",\"h\":25.5,\"neg\":-1,\"e\":[],\"m\":{}}",
                                       &err);
    assert_non_null(map);
    uint64_t number = 0;
    assert_true(nsf_json_to_u64(nsf_json_get(map, "a"), 9, &number) && number == 3);
    assert_true(nsf_json_to_u64(nsf_json_get_nocase(map, "A"), 9, &number) && number == 2);
    assert_null(nsf_json_get(map, "PROPS"));
    assert_string_equal(nsf_json_text(nsf_json_item(nsf_json_path(map, "props.deep"), 0)).ptr, "x");
    assert_null(nsf_json_path(map, "props.deep.no"));
    assert_null(nsf_json_path(map, "no.deep"));
    assert_true(nsf_json_to_u64(nsf_json_get(map, "f"), 100, &number) && number == 25);
    assert_true(nsf_json_to_u64(nsf_json_get(map, "t"), 100, &number) && number == 25);
    assert_false(nsf_json_to_u64(nsf_json_get(map, "t"), 24, &number));
    assert_false(nsf_json_to_u64(nsf_json_get(map, "h"), 100, &number));
    assert_false(nsf_json_to_u64(nsf_json_get(map, "neg"), 100, &number));
    assert_false(nsf_json_to_u64(nsf_json_get(map, "absent"), 100, &number));
    const char *const unset[] = {"s", "n", "e", "m", "absent"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(unset); i++)
        assert_true(nsf_json_is_unset(nsf_json_get(map, unset[i])));
    assert_false(nsf_json_is_unset(nsf_json_get(map, "f")));
    assert_int_equal(nsf_json_len(NULL), 0);
    assert_null(nsf_json_item(nsf_json_get(map, "e"), 0));
    assert_null(nsf_json_get(nsf_json_get(map, "e"), "a"));
    nsf_arena_release(&arena);
}

static void check_parse_error(const char *text, enum nsf_code code, uint64_t offset)
{
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    struct nsf_err err = NSF_ERR_INIT;
    assert_null(nsf_json_parse(&arena, nsf_slice_str(text), 100, 1, &err));
    assert_int_equal(err.code, code);
    assert_int_equal(err.offset, offset);
    nsf_arena_release(&arena);
}

static void test_whole_texts(void **state)
{
    check_parse_error("", NSF_E_TRUNCATED, 100);
    check_parse_error("{\"a\":", NSF_E_TRUNCATED, 105);
    check_parse_error("{} {}", NSF_E_JSON, 103);
    check_parse_error("{} x", NSF_E_JSON, 104);
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    struct nsf_err err = NSF_ERR_INIT;
    const struct nsf_json *value = nsf_json_parse(&arena, nsf_slice_str("\n[\"a\"]"), 10, 5, &err);
    assert_non_null(value);
    assert_int_equal(nsf_json_item(value, 0)->offset, 12);
    assert_int_equal(nsf_json_item(value, 0)->line, 6);
    nsf_arena_release(&arena);
}

static bool count_items(void *ctx, enum nsf_json_stream_kind kind, struct nsf_slice key, size_t idx,
                        const struct nsf_json *value)
{
    size_t *n = ctx;
    *n += kind == NSF_JSON_STREAM_ITEM;
    return idx < 1000;
}

/* Elements count one by one against the bound; one that outgrows it is refused. */
static void test_memory_is_bounded(void **state)
{
    const struct nsf_json_stream_events counting = {.value = count_items};
    char text[64];
    size_t n = 0;
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_json_stream *stream = nsf_json_stream_new(&counting, &n, 4096, 0);
    enum nsf_json_stream_state got = nsf_json_stream_write(stream, nsf_slice_str("["), &err);
    for (unsigned i = 0; i < 2000 && got == NSF_JSON_STREAM_MORE; i++) {
        snprintf(text, sizeof(text), "{\"name\":\"element number %u\"},", i);
        got = nsf_json_stream_write(stream, nsf_slice_str(text), &err);
    }
    assert_int_equal(got, NSF_JSON_STREAM_STOPPED);
    assert_int_equal(n, 1001);
    nsf_json_stream_free(stream);

    const char *const fillers[] = {"\"element\",", "null,", "{},"};
    for (size_t f = 0; f < NSF_ARRAY_LEN(fillers); f++) {
        nsf_err_reset(&err);
        stream = nsf_json_stream_new(&counting, &n, 4096, 0);
        got = nsf_json_stream_write(stream, nsf_slice_str("[["), &err);
        for (unsigned i = 0; i < 2000 && got == NSF_JSON_STREAM_MORE; i++)
            got = nsf_json_stream_write(stream, nsf_slice_str(fillers[f]), &err);
        assert_int_equal(got, NSF_JSON_STREAM_ERROR);
        assert_int_equal(err.code, NSF_E_LIMIT);
        nsf_json_stream_free(stream);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_damage_keeps_what_came_before),
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_whole_texts),
        cmocka_unit_test(test_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
