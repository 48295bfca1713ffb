/*
 * Tuples and arrays of them. First byte: layout and strictness; the rest is a tuple, and the inside of an array.
 *
 * Asked: an array that is skimmed as plain gives what its strings give one by one; a good tuple is good in every way.
 */
#include "core/nsf_common.h"

#include "core/err.h"
#include "flow/tuple_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
    if (!holds)
        nsf_bug("fuzz_tuple", what);
}

/* Rows are compared up to their last member: behind it is padding. */
static bool is_same_mail(const struct nsf_mail_events *a, const struct nsf_mail_events *b)
{
    bool is_same = a->n == b->n;
    for (size_t i = 0; i < a->n && is_same; i++)
        is_same = memcmp(&a->items[i], &b->items[i], offsetof(struct nsf_mail_event, has_counters) + 1) == 0;
    return is_same;
}

static bool is_same_contacts(const struct nsf_batch *a, const struct nsf_batch *b, unsigned p)
{
    const struct nsf_contacts *one = &a->contacts[p], *other = &b->contacts[p];
    const struct nsf_wide_contacts *wide = &a->wide_contacts[p], *other_wide = &b->wide_contacts[p];
    bool is_same = one->n == other->n && wide->n == other_wide->n;
    for (size_t i = 0; i < one->n && is_same; i++)
        is_same = memcmp(&one->items[i], &other->items[i], sizeof(one->items[i])) == 0 &&
                  (!a->has_stamps || one->stamps_ms[i] == other->stamps_ms[i]);
    for (size_t i = 0; i < wide->n && is_same; i++)
        is_same = memcmp(&wide->items[i], &other_wide->items[i], offsetof(struct nsf_wide_contact, is_denied) + 1) == 0;
    return is_same;
}

static bool is_same_batch(const struct nsf_batch *a, const struct nsf_batch *b)
{
    bool is_same = is_same_mail(&a->outbound, &b->outbound) && a->n_bad == b->n_bad;
    for (unsigned p = 0; p < NSF_PARTITIONS && is_same; p++)
        is_same = is_same_mail(&a->mail[p], &b->mail[p]) && is_same_contacts(a, b, p);
    for (size_t i = 0; i < a->n_bad && is_same; i++)
        is_same = a->bad[i].fault == b->bad[i].fault && a->bad[i].count == b->bad[i].count &&
                  a->bad[i].offset == b->bad[i].offset && nsf_slice_eq(a->bad[i].sample, b->bad[i].sample);
    return is_same;
}

/* The strings of a plain array, one by one. */
static void take_one_by_one(struct nsf_tuple_target *target, struct nsf_slice inside)
{
    size_t from = 0;
    bool is_inside = false;
    for (size_t i = 0; i < inside.len; i++) {
        if (inside.ptr[i] != '"')
            continue;
        if (is_inside)
            nsf_tuple_take(target, nsf_slice(inside.ptr + from, i - from), from);
        is_inside = !is_inside;
        from = i + 1;
    }
}

static struct nsf_tuple_target target_like(const struct nsf_tuple_target *like, struct nsf_batch *batch)
{
    struct nsf_tuple_target target;
    nsf_tuple_target_init(&target, batch, like->layout);
    target.is_strict = like->is_strict;
    target.is_smtp_only = like->is_smtp_only;
    batch->has_stamps = like->batch->has_stamps;
    nsf_tuple_target_enter(&target, 0);
    return target;
}

/* A plain array, taken in the portable way and by the variant: by the rows that it saw ahead, if there are some. */
static void compare_variant(const struct nsf_tuple_ops *ops, const struct nsf_tuple_target *like,
                            struct nsf_slice inside, const struct nsf_tuple_marks *marks,
                            const struct nsf_tuple_rows *rows)
{
    struct nsf_batch *one = nsf_batch_new(), *other = nsf_batch_new();
    struct nsf_tuple_target a = target_like(like, one), b = target_like(like, other);
    nsf_tuple_take_array(&a, inside, 0);
    if (rows != NULL)
        ops->take_rows(&b, inside, 0, marks, rows);
    else
        ops->take_array(&b, inside, 0);
    must(a.n_tuples == b.n_tuples && a.n_bad == b.n_bad, "a variant counts other tuples");
    must(is_same_batch(one, other), "a variant gives another batch");
    nsf_batch_free(one);
    nsf_batch_free(other);
}

/* Every variant that this processor has, against the portable one. */
static void compare_variants(const struct nsf_tuple_target *like, struct nsf_slice text)
{
    static const char *const names[] = {"avx2", "avx512", "avx512vbmi", "neon"};
    size_t at = 0;
    enum nsf_skim found = nsf_skim(text, &at);
    for (size_t i = 0; i < NSF_ARRAY_LEN(names); i++) {
        const struct nsf_tuple_ops *ops = nsf_tuple_ops_named(names[i]);
        struct nsf_tuple_marks marks = {0};
        struct nsf_tuple_rows rows;
        size_t other_at = 0;
        if (ops == NULL)
            continue;
        must(ops->skim(text, &other_at) == found, "a variant skims otherwise");
        must(found != NSF_SKIM_FOUND || other_at == at, "a variant finds another bracket");
        if (ops->look_ahead != NULL && ops->look_ahead(text, like->layout, &marks, &rows)) {
            must(found == NSF_SKIM_FOUND && rows.n_bytes == at, "a variant sees another end ahead");
            compare_variant(ops, like, nsf_slice(text.ptr, at), &marks, &rows);
        }
        if (found == NSF_SKIM_FOUND)
            compare_variant(ops, like, nsf_slice(text.ptr, at), NULL, NULL);
        nsf_tuple_marks_release(&marks);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct nsf_slice text = nsf_slice((const char *)data + 1, size - 1);
    enum nsf_layout layout = (enum nsf_layout)(data[0] % NSF_LAYOUTS);
    struct nsf_batch *one = nsf_batch_new(), *other = nsf_batch_new();
    struct nsf_tuple_target a, b;
    struct nsf_tuple tuple;

    nsf_tuple_target_init(&a, one, layout);
    a.is_strict = (data[0] & 16) != 0;
    a.is_smtp_only = (data[0] & 32) != 0;
    b = a;
    b.batch = other;
    one->has_stamps = other->has_stamps = (data[0] & 64) != 0;
    nsf_tuple_target_enter(&a, 0);
    nsf_tuple_target_enter(&b, 0);
    nsf_tuple_take(&a, text, 0);
    if (nsf_tuple_parse(text, layout, &tuple) == NSF_TUPLE_NONE && a.is_strict)
        must(a.n_bad == 0, "a good tuple is counted as bad");

    nsf_batch_reset(one);
    nsf_tuple_target_init(&a, one, layout);
    a.is_strict = b.is_strict;
    a.is_smtp_only = b.is_smtp_only;
    nsf_tuple_target_enter(&a, 0);
    size_t at = 0;
    if (nsf_skim(text, &at) == NSF_SKIM_FOUND) {
        struct nsf_slice inside = nsf_slice(text.ptr, at);
        nsf_tuple_take_array(&a, inside, 0);
        take_one_by_one(&b, inside);
        must(a.n_tuples == b.n_tuples && a.n_bad == b.n_bad, "an array has other tuples than its strings");
        must(is_same_batch(one, other), "an array gives another batch than its strings");
    }
    compare_variants(&b, text);
    nsf_batch_free(one);
    nsf_batch_free(other);
    return 0;
}
