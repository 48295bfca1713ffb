/* Arrays of tuples: each variant of this processor against the portable one. */
#include "core/nsf_common.h"

#include "flow/tuple_ops.h"

#include "core/mem.h"

#include "support/batch_text.h"
#include "support/log_text.h"
#include "support/nsf_test.h"

#include <sys/mman.h>
#include <unistd.h>

static const char *const variant_names[] = {"avx2", "avx512", "avx512vbmi", "neon"};

/* A page that nobody may touch stands behind `bytes`, which are copied right before it. */
struct guarded {
    char *pages;
    size_t n_bytes;
    size_t page_bytes;
};

static struct guarded guarded_new(size_t n_bytes)
{
    struct guarded g = {.page_bytes = (size_t)sysconf(_SC_PAGESIZE)};
    g.n_bytes = (n_bytes + g.page_bytes - 1) / g.page_bytes * g.page_bytes;
    g.pages = mmap(NULL, g.n_bytes + 2 * g.page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.pages != MAP_FAILED);
    assert_int_equal(mprotect(g.pages, g.page_bytes, PROT_NONE), 0);
    assert_int_equal(mprotect(g.pages + g.page_bytes + g.n_bytes, g.page_bytes, PROT_NONE), 0);
    return g;
}

static struct nsf_slice put_at_end(const struct guarded *g, struct nsf_slice bytes)
{
    char *at = g->pages + g->page_bytes + g->n_bytes - bytes.len;
    memcpy(at, bytes.ptr, bytes.len);
    return nsf_slice(at, bytes.len);
}

static struct nsf_slice put_at_start(const struct guarded *g, struct nsf_slice bytes)
{
    memcpy(g->pages + g->page_bytes, bytes.ptr, bytes.len);
    return nsf_slice(g->pages + g->page_bytes, bytes.len);
}

static void guarded_free(struct guarded *g)
{
    munmap(g->pages, g->n_bytes + 2 * g->page_bytes);
}

struct comparison {
    const struct nsf_tuple_ops *ops;
    struct nsf_scopes *scopes;
    struct nsf_batch *batch;
    struct nsf_buf text;
    struct nsf_buf other;
    struct nsf_tuple_marks marks;
    unsigned n_ahead; /* arrays that were looked at ahead */
};

static void enter_target(struct comparison *c, struct nsf_tuple_target *target, enum nsf_layout layout,
                         unsigned options)
{
    nsf_batch_reset(c->batch);
    nsf_tuple_target_init(target, c->batch, layout);
    target->is_strict = (options & 1) != 0;
    target->is_smtp_only = (options & 2) != 0;
    c->batch->has_stamps = (options & 4) != 0;
    nsf_tuple_target_enter(target, 0);
}

static void write_target(struct comparison *c, const struct nsf_tuple_target *target, struct nsf_buf *text)
{
    nsf_buf_reset(text);
    nsf_buf_printf(text, "tuples %u bad %u\n", target->n_tuples, target->n_bad);
    batch_text(c->batch, c->scopes, text);
}

static void take_as_text(struct comparison *c, const struct nsf_tuple_ops *ops, struct nsf_slice inside,
                         enum nsf_layout layout, unsigned options, struct nsf_buf *text)
{
    struct nsf_tuple_target target;
    enter_target(c, &target, layout, options);
    if (ops == NULL)
        nsf_tuple_take_array(&target, inside, 1000);
    else
        ops->take_array(&target, inside, 1000);
    write_target(c, &target, text);
}

static void say_difference(struct comparison *c, struct nsf_slice inside, unsigned layout)
{
    print_error("%s, layout %u: %.*s\n--- portable\n%s--- %s\n%s", c->ops->name, layout, NSF_SLICE_ARG(inside),
                nsf_buf_str(&c->text), c->ops->name, nsf_buf_str(&c->other));
    fail();
}

/* An array whose end is found by a look at its tuples, behind another one: as the portable way finds and takes it. */
static void compare_ahead(struct comparison *c, struct nsf_slice bytes, enum nsf_layout layout, unsigned seed)
{
    struct nsf_tuple_rows rows;
    size_t at = 0;
    if (c->ops->look_ahead == NULL || !c->ops->look_ahead(bytes, layout, &c->marks, &rows))
        return;
    assert_int_equal(nsf_skim(bytes, &at), NSF_SKIM_FOUND);
    assert_int_equal(rows.n_bytes, at);
    assert_int_equal(rows.layout, layout);
    c->n_ahead++;
    struct nsf_slice inside = nsf_slice(bytes.ptr, at);
    struct nsf_tuple_target target;
    take_as_text(c, NULL, inside, layout, seed, &c->text);
    enter_target(c, &target, layout, seed);
    c->ops->take_rows(&target, inside, 1000, &c->marks, &rows);
    assert_true(target.n_tuples >= rows.n);
    write_target(c, &target, &c->other);
    if (strcmp(nsf_buf_str(&c->text), nsf_buf_str(&c->other)) != 0)
        say_difference(c, inside, layout);
    if (c->marks.n > 100000)
        c->marks.n = 0;
}

/* With what stands behind an array: its end is not looked for among the last bytes. */
static void compare_all_ahead(struct comparison *c, struct nsf_slice bytes, unsigned seed)
{
    static const char behind[] = "}]},{\"rule\":\"DefaultRule_DenyAllInBound\",\"flows\":[{\"mac\":\"000D3A2B0000\",";
    size_t len = bytes.len + sizeof(behind) - 1;
    char *copy = nsf_malloc(len);
    memcpy(copy, bytes.ptr, bytes.len);
    memcpy(copy + bytes.len, behind, sizeof(behind) - 1);
    for (unsigned layout = 0; layout < NSF_LAYOUTS; layout++)
        compare_ahead(c, nsf_slice(copy, len), (enum nsf_layout)layout, seed);
    nsf_free(copy);
}

static void compare_one(struct comparison *c, struct nsf_slice bytes, unsigned seed)
{
    compare_all_ahead(c, bytes, seed);
    size_t at = 0, other_at = 0;
    enum nsf_skim found = nsf_skim(bytes, &at);
    assert_int_equal(c->ops->skim(bytes, &other_at), found);
    if (found == NSF_SKIM_FOUND)
        assert_int_equal(other_at, at);
    /* Again from where a shorter piece left off. */
    size_t half_at = 0;
    if (c->ops->skim(nsf_slice(bytes.ptr, bytes.len / 2), &half_at) == NSF_SKIM_MORE) {
        assert_int_equal(c->ops->skim(bytes, &half_at), found);
        if (found == NSF_SKIM_FOUND)
            assert_int_equal(half_at, at);
    }
    if (found != NSF_SKIM_FOUND)
        return;
    for (unsigned layout = 0; layout < NSF_LAYOUTS; layout++) {
        struct nsf_slice inside = nsf_slice(bytes.ptr, at);
        take_as_text(c, NULL, inside, (enum nsf_layout)layout, seed, &c->text);
        take_as_text(c, c->ops, inside, (enum nsf_layout)layout, seed, &c->other);
        if (strcmp(nsf_buf_str(&c->text), nsf_buf_str(&c->other)) != 0)
            say_difference(c, inside, layout);
    }
}

/* One or a few bytes turned into others that mean something in an array of tuples. */
static void mutate(char *bytes, size_t len, uint64_t *random)
{
    static const char marks[] = "\",.]:0129IODAT25 \\\x01\x80-x";
    unsigned n = (unsigned)(nsf_test_random(random) % 4);
    for (unsigned i = 0; i < n; i++)
        bytes[nsf_test_random(random) % len] = marks[nsf_test_random(random) % (sizeof(marks) - 1)];
}

static void compare_variant(const struct nsf_tuple_ops *ops)
{
    static const char *const arrays[] = {
        "]",
        TUPLES_1 "]",
        TUPLES_2 "]",
        TUPLES_4 "]",
        TUPLES_2 "," TUPLES_2 "," TUPLES_2 "] and more",
        TUPLES_4 ",\"\"," TUPLES_4 "]",
        "\"1542110377,255.255.255.255,0.0.0.0,65535,25,T,I,A,E,99999999,12345678,00000000,1\"]",
        "\"1542110377,1.22.133.4,10.200.30.40,1,25,T,O,A,B,,,,\",\"1542110377,1.2.3.4,5.6.7.8,9,587,T,O,A,B,,,,\"]",
        ("\"1542110377123,1.22.133.4,10.200.30.40,1,25,6,I,D,NX_HW_NOT_SUPPORTED,0,0,0,0\","
         "\"1542110377123,1.22.133.4,10.200.30.40,1,443,255,I,C,NX,1,2,3,18446744073709551615\"]"),
    };
    struct comparison c = {.ops = ops, .scopes = nsf_scopes_new(), .batch = nsf_batch_new()};
    struct guarded g = guarded_new(4096);
    struct nsf_scope scope = {.layout = NSF_LAYOUT_NSG1};
    uint64_t random = 99;
    nsf_scopes_add(c.scopes, &scope); /* targets name scope 0 */
    nsf_buf_init(&c.text, (size_t)1 << 20);
    nsf_buf_init(&c.other, (size_t)1 << 20);
    for (size_t i = 0; i < NSF_ARRAY_LEN(arrays); i++) {
        size_t len = strlen(arrays[i]);
        char *copy = nsf_strdup_n(arrays[i], len);
        for (unsigned round = 0; round < 3000; round++) {
            memcpy(copy, arrays[i], len);
            if (round > 0)
                mutate(copy, len, &random);
            struct nsf_slice bytes = nsf_slice(copy, len);
            compare_one(&c, round % 2 == 0 ? put_at_end(&g, bytes) : put_at_start(&g, bytes), round / 2);
        }
        for (size_t cut = 0; cut < len; cut++)
            compare_one(&c, put_at_end(&g, nsf_slice(arrays[i], cut)), 0);
        nsf_free(copy);
    }
    guarded_free(&g);
    nsf_buf_release(&c.text);
    nsf_buf_release(&c.other);
    nsf_tuple_marks_release(&c.marks);
    nsf_batch_free(c.batch);
    nsf_scopes_free(c.scopes);
}

/* One of the texts, the first half of the time. */
#define PICK(random, ...) pick(random, (const char *const[]){__VA_ARGS__, NULL})

static const char *pick(uint64_t *random, const char *const *texts)
{
    uint64_t n = 0, x = nsf_test_random(random);
    while (texts[n] != NULL)
        n++;
    return texts[x % 2 == 0 ? 0 : x / 2 % n];
}

static void put_address(struct nsf_buf *text, uint64_t *random)
{
    uint64_t x = nsf_test_random(random);
    if (x % 16 == 0)
        nsf_buf_add(text, S(PICK(random, "2001:db8::1", "1.2.3", "1.02.3.4", "1.2.3.256", "0.0.0.0", "1.2.3.4.5", "")));
    else
        nsf_buf_printf(text, "%u.%u.%u.%u", (unsigned)(x >> 8 & 255), (unsigned)(x >> 16 & 255) / 3,
                       (unsigned)(x >> 24 & 255) / 26, (unsigned)(x >> 32 & 255));
}

/* Nearly always a good one of the layout; what is rare in it is not rare here. */
static void put_random_tuple(struct nsf_buf *text, enum nsf_layout layout, uint64_t *random)
{
    bool is_vnet = layout == NSF_LAYOUT_VNET4;
    nsf_buf_printf(text, "\"%s,",
                   PICK(random, "1542110377", "1663146003606", "99999999999", "0001542110377", "12", "1x"));
    put_address(text, random);
    nsf_buf_add_char(text, ',');
    put_address(text, random);
    nsf_buf_printf(text, ",%s", PICK(random, "40000", "1", "65535", "65536", "00080", "", "100000"));
    nsf_buf_printf(text, ",%s", PICK(random, "25", "443", "587", "025", "5870", "65535", "65536", "0", "2x"));
    nsf_buf_printf(text, ",%s",
                   is_vnet ? PICK(random, "6", "17", "1", "255", "256", "06", "") : PICK(random, "T", "U", "TT", "6"));
    nsf_buf_printf(text, ",%s", PICK(random, "I", "O", "I", "O", "X", "II", "1", "O?", "O"));
    nsf_buf_printf(text, ",%s",
                   is_vnet ? PICK(random, "B", "C", "E", "D", "A", "", "B?") : PICK(random, "A", "D", "A", "D", "B"));
    if (layout != NSF_LAYOUT_NSG1) {
        static const char *const words[] = {"NX", "X", "NX_HW_NOT_SUPPORTED", "NX_FALLBACK", "", "N", "NX1", "N{", "N.",
                                            "nx", NULL};
        nsf_buf_printf(text, ",%s", is_vnet ? pick(random, words) : PICK(random, "B", "C", "E", "D", "BB", ""));
        nsf_buf_printf(text, ",%s",
                       PICK(random, ",,,", "1,52,0,0", "12345678,9,87654321,1234", "1,2,3,123456789", "0,0,0,0", ",1,,",
                            "1,2,3,18446744073709551615", "1,2,3,18446744073709551616", "1,2,3", "1,-2,3,4"));
    }
    nsf_buf_add_char(text, '"');
}

/* Longer than what is looked at together, with others between those that Azure writes. */
static void compare_long_arrays(const struct nsf_tuple_ops *ops)
{
    struct comparison c = {.ops = ops, .scopes = nsf_scopes_new(), .batch = nsf_batch_new()};
    struct guarded g = guarded_new((size_t)64 << 10);
    struct nsf_scope scope = {.layout = NSF_LAYOUT_NSG1};
    struct nsf_buf array;
    uint64_t random = 7;
    nsf_scopes_add(c.scopes, &scope);
    nsf_buf_init(&array, g.n_bytes);
    nsf_buf_init(&c.text, (size_t)1 << 20);
    nsf_buf_init(&c.other, (size_t)1 << 20);
    for (unsigned round = 0; round < 300; round++) {
        unsigned n = 1 + (unsigned)(nsf_test_random(&random) % (round % 10 == 0 ? 400 : 40));
        nsf_buf_reset(&array);
        for (unsigned i = 0; i < n; i++) {
            uint64_t x = nsf_test_random(&random) % 64;
            nsf_buf_add(&array, S(i == 0 ? "" : x == 2 ? " , " : x == 3 ? ", " : ","));
            if (x == 0)
                for (unsigned k = 0; k < 40; k++)
                    nsf_buf_add(&array, S(k == 0 ? "\"\"" : ",\"\""));
            else if (x == 1)
                nsf_buf_printf(&array, "\"%0*d\"", (int)(nsf_test_random(&random) % 5000), 1);
            else
                put_random_tuple(&array, (enum nsf_layout)(round % NSF_LAYOUTS), &random);
        }
        nsf_buf_add_char(&array, ']');
        compare_one(&c, put_at_end(&g, nsf_buf_slice(&array)), round);
    }
    guarded_free(&g);
    nsf_buf_release(&array);
    nsf_buf_release(&c.text);
    nsf_buf_release(&c.other);
    nsf_tuple_marks_release(&c.marks);
    nsf_batch_free(c.batch);
    nsf_scopes_free(c.scopes);
}

static void test_variants(void **state)
{
    unsigned n_run = 0;
    for (size_t i = 0; i < NSF_ARRAY_LEN(variant_names); i++) {
        const struct nsf_tuple_ops *ops = nsf_tuple_ops_named(variant_names[i]);
        print_message("variant %s: %s\n", variant_names[i], ops == NULL ? "not here" : "compared");
        if (ops == NULL)
            continue;
        n_run++;
        compare_variant(ops);
        compare_long_arrays(ops);
    }
    if (n_run == 0)
        skip();
}

/* One as Azure writes it, of any length. */
static void put_good_tuple(struct nsf_buf *text, enum nsf_layout layout, uint64_t *random)
{
    uint64_t x = nsf_test_random(random);
    bool is_vnet = layout == NSF_LAYOUT_VNET4;
    nsf_buf_printf(text, "\"%s,%u.%u.%u.%u,10.1.%u.4,%u,%u,", is_vnet ? "1663146003606" : "1542110377",
                   (unsigned)(x & 255), (unsigned)(x >> 8 & 255), (unsigned)(x >> 16 & 7), (unsigned)(x >> 24 & 255),
                   (unsigned)(x >> 32 & 15), (unsigned)(x >> 36 & 65535),
                   x >> 60 < 4 ? 25U : (unsigned)(x >> 52 & 1023));
    nsf_buf_printf(text, "%s,%s", is_vnet ? PICK(random, "6", "17", "255") : PICK(random, "T", "U"),
                   PICK(random, "I", "O"));
    nsf_buf_printf(text, ",%s", is_vnet ? PICK(random, "B", "C", "E", "D") : PICK(random, "A", "D"));
    if (layout != NSF_LAYOUT_NSG1)
        nsf_buf_printf(text, ",%s,%s",
                       is_vnet ? PICK(random, "NX", "X", "NX_HW_NOT_SUPPORTED") : PICK(random, "B", "C", "E"),
                       PICK(random, ",,,", "1,52,0,0", "12345678,9,87654321,1234", "1,2,3,123456789"));
    nsf_buf_add_char(text, '"');
}

/* Arrays of good tuples are seen to be such; with a few other bytes they are taken for what they are. */
static void compare_good_arrays(struct comparison *c, struct nsf_buf *array, enum nsf_layout layout, uint64_t *random)
{
    static const unsigned counts[] = {1, 2, 3, 4, 5, 7, 8, 9, 31, 200, 500};
    for (unsigned round = 0; round < 220; round++) {
        unsigned n = counts[round % NSF_ARRAY_LEN(counts)], n_before = c->n_ahead;
        nsf_buf_reset(array);
        for (unsigned i = 0; i < n; i++) {
            nsf_buf_add(array, S(i == 0 ? "" : ","));
            put_good_tuple(array, layout, random);
        }
        nsf_buf_add_char(array, ']');
        compare_all_ahead(c, nsf_buf_slice(array), round);
        assert_int_equal(c->n_ahead, n_before + 1);
        for (unsigned i = 0; i < 20; i++) {
            char *copy = nsf_strdup_n(array->ptr, array->len);
            mutate(copy, array->len, random);
            compare_all_ahead(c, nsf_slice(copy, array->len), round + i);
            nsf_free(copy);
        }
    }
}

static void test_look_ahead(void **state)
{
    struct comparison c = {.scopes = nsf_scopes_new(), .batch = nsf_batch_new()};
    struct nsf_scope scope = {.layout = NSF_LAYOUT_NSG1};
    struct nsf_buf array;
    uint64_t random = 11;
    nsf_scopes_add(c.scopes, &scope); /* targets name scope 0 */
    nsf_buf_init(&array, (size_t)1 << 20);
    nsf_buf_init(&c.text, (size_t)1 << 20);
    nsf_buf_init(&c.other, (size_t)1 << 20);
    for (size_t v = 0; v < NSF_ARRAY_LEN(variant_names); v++) {
        c.ops = nsf_tuple_ops_named(variant_names[v]);
        for (unsigned layout = 0; c.ops != NULL && c.ops->look_ahead != NULL && layout < NSF_LAYOUTS; layout++)
            compare_good_arrays(&c, &array, (enum nsf_layout)layout, &random);
    }
    nsf_buf_release(&array);
    nsf_buf_release(&c.text);
    nsf_buf_release(&c.other);
    nsf_tuple_marks_release(&c.marks);
    nsf_batch_free(c.batch);
    nsf_scopes_free(c.scopes);
}

/* A letter behind those that a tuple has may be no byte of a tuple. Every place gets it in turn. */
static void test_odd_letters(void **state)
{
    static const char *const tuples[] = {"1735636253344,10.1.0.4,20.242.181.1,56346,443,6,O,B,NX,10,200,30,400",
                                         "1735636253344,10.1.0.4,20.242.181.1,56346,443,6,O,D,X,0,0,0,0",
                                         "1735636253344,10.1.0.4,20.242.181.1,56346,587,6,O,E,NX,1,52,0,0",
                                         "1735636253,10.1.0.4,20.242.181.1,56346,443,T,O,A,C,1,2,3,4",
                                         "1735636253,10.1.0.4,20.242.181.1,56346,443,T,O,D"};
    struct comparison c = {.scopes = nsf_scopes_new(), .batch = nsf_batch_new()};
    struct nsf_scope scope = {.layout = NSF_LAYOUT_NSG1};
    struct nsf_buf array;
    nsf_scopes_add(c.scopes, &scope); /* targets name scope 0 */
    nsf_buf_init(&array, (size_t)1 << 12);
    nsf_buf_init(&c.text, (size_t)1 << 20);
    nsf_buf_init(&c.other, (size_t)1 << 20);
    for (size_t v = 0; v < NSF_ARRAY_LEN(variant_names); v++) {
        c.ops = nsf_tuple_ops_named(variant_names[v]);
        for (size_t i = 0; c.ops != NULL && i < NSF_ARRAY_LEN(tuples); i++)
            for (size_t at = 0; at <= strlen(tuples[i]); at++)
                for (const char *odd = ":;<?@Zz[`~\x7f_-"; *odd != '\0'; odd++) {
                    nsf_buf_reset(&array);
                    nsf_buf_printf(&array, "\"%.*s%c%s\"]", (int)at, tuples[i], *odd, tuples[i] + at);
                    compare_one(&c, nsf_slice_str(nsf_buf_str(&array)), (unsigned)at + (unsigned char)*odd);
                }
    }
    nsf_buf_release(&array);
    nsf_buf_release(&c.text);
    nsf_buf_release(&c.other);
    nsf_tuple_marks_release(&c.marks);
    nsf_batch_free(c.batch);
    nsf_scopes_free(c.scopes);
}

/* A number or a word that is 256 bytes longer than a good one, at every place of a block: who looks at places by their
 * lowest bits alone takes it for one. */
static void compare_long_field(struct comparison *c, struct nsf_buf *array, const char *tuple, size_t at, char filler)
{
    for (unsigned shift = 0; shift < 64; shift += 7) {
        nsf_buf_reset(array);
        nsf_buf_printf(array, "\"%0*d\",\"%s\",\"%.*s", (int)shift, 1, tuple, (int)at, tuple);
        for (unsigned i = 0; i < 256; i++)
            nsf_buf_add_char(array, filler);
        nsf_buf_printf(array, "%s\",\"%s\"]", tuple + at, tuple);
        compare_one(c, nsf_slice_str(nsf_buf_str(array)), shift);
    }
}

static void test_long_fields(void **state)
{
    static const char *const tuples[] = {"1735636253344,10.1.0.4,20.242.181.1,56346,443,6,I,B,NX,10,200,30,400",
                                         "1735636253,10.1.0.4,20.242.181.1,56346,25,T,I,A,C,1,2,3,4",
                                         "1735636253,10.1.0.4,20.242.181.1,56346,443,T,I,D"};
    struct comparison c = {.scopes = nsf_scopes_new(), .batch = nsf_batch_new()};
    struct nsf_scope scope = {.layout = NSF_LAYOUT_NSG1};
    struct nsf_buf array;
    nsf_scopes_add(c.scopes, &scope); /* targets name scope 0 */
    nsf_buf_init(&array, (size_t)1 << 12);
    nsf_buf_init(&c.text, (size_t)1 << 20);
    nsf_buf_init(&c.other, (size_t)1 << 20);
    for (size_t v = 0; v < NSF_ARRAY_LEN(variant_names); v++) {
        c.ops = nsf_tuple_ops_named(variant_names[v]);
        for (size_t i = 0; c.ops != NULL && i < NSF_ARRAY_LEN(tuples); i++)
            for (size_t at = 0; at <= strlen(tuples[i]); at++) {
                compare_long_field(&c, &array, tuples[i], at, '0');
                compare_long_field(&c, &array, tuples[i], at, 'X');
            }
    }
    nsf_buf_release(&array);
    nsf_buf_release(&c.text);
    nsf_buf_release(&c.other);
    nsf_tuple_marks_release(&c.marks);
    nsf_batch_free(c.batch);
    nsf_scopes_free(c.scopes);
}

/* A quote too many, at every place of a block and with whatever behind it. */
static void test_quotes_side_by_side(void **state)
{
    struct comparison c = {.scopes = nsf_scopes_new(), .batch = nsf_batch_new()};
    struct nsf_scope scope = {.layout = NSF_LAYOUT_NSG1};
    struct nsf_buf array;
    nsf_scopes_add(c.scopes, &scope); /* targets name scope 0 */
    nsf_buf_init(&array, (size_t)1 << 12);
    nsf_buf_init(&c.text, (size_t)1 << 20);
    nsf_buf_init(&c.other, (size_t)1 << 20);
    for (size_t v = 0; v < NSF_ARRAY_LEN(variant_names); v++) {
        c.ops = nsf_tuple_ops_named(variant_names[v]);
        for (int shift = 1; c.ops != NULL && shift < 140; shift++)
            for (unsigned n = 0; n < 40; n++) {
                nsf_buf_reset(&array);
                nsf_buf_printf(&array, "\"%0*d\",\"1\"\"", shift, 1);
                for (unsigned i = 0; i < n; i++)
                    nsf_buf_add(&array, S(",\"12\""));
                nsf_buf_add_char(&array, ']');
                compare_one(&c, nsf_buf_slice(&array), n);
            }
    }
    nsf_buf_release(&array);
    nsf_buf_release(&c.text);
    nsf_buf_release(&c.other);
    nsf_tuple_marks_release(&c.marks);
    nsf_batch_free(c.batch);
    nsf_scopes_free(c.scopes);
}

static void test_choice_of_variant(void **state)
{
    assert_string_equal(nsf_tuple_ops_named("portable")->name, "portable");
    assert_null(nsf_tuple_ops_named("none"));
    assert_int_equal(setenv("NSGFLOW_VARIANT", "portable", 1), 0);
    assert_string_equal(nsf_tuple_ops_best()->name, "portable");
    assert_int_equal(unsetenv("NSGFLOW_VARIANT"), 0);
    assert_non_null(nsf_tuple_ops_best());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_look_ahead),
        cmocka_unit_test(test_odd_letters),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_quotes_side_by_side),
        cmocka_unit_test(test_choice_of_variant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
