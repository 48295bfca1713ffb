/*
 * Flow-log text. First byte: how it is cut into pieces, and options.
 *
 * Asked: the fast way gives the batch of the plain way, whatever the pieces.
 */
#include "core/nsf_common.h"

#include "core/err.h"
#include "envelope/envelope.h"

#include <inttypes.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct nsf_envelope *env, struct nsf_slice bytes, size_t piece, struct nsf_batch *batch)
{
    nsf_batch_reset(batch);
    nsf_envelope_begin(env, 0, NSF_PLACE_START);
    while (bytes.len > 0) {
        size_t capacity, n = bytes.len < piece ? bytes.len : piece;
        char *room = nsf_envelope_room(env, &capacity);
        n = n < capacity ? n : capacity;
        memcpy(room, bytes.ptr, n);
        nsf_envelope_commit(env, n, batch);
        bytes = nsf_slice_from(bytes, n);
    }
    nsf_envelope_finish(env, batch);
}

static void differ(const char *what, size_t a, size_t b)
{
    fprintf(stderr, "%s: %zu plain, %zu fast\n", what, a, b);
    nsf_bug("fuzz_envelope", "the two ways differ");
}

#define SAME(what, x, y)                                                                                               \
    do {                                                                                                               \
        if ((x) != (y))                                                                                                \
            differ((what), (size_t)(x), (size_t)(y));                                                                  \
    } while (0)

/* Rows are compared up to their last member: behind it is padding. */
static void compare_rows(const char *what, const void *a, size_t n_a, const void *b, size_t n_b, size_t row_bytes,
                         size_t used_bytes)
{
    SAME(what, n_a, n_b);
    for (size_t i = 0; i < n_a; i++)
        SAME(what, memcmp((const char *)a + i * row_bytes, (const char *)b + i * row_bytes, used_bytes), 0);
}

#define MAIL_BYTES (offsetof(struct nsf_mail_event, has_counters) + 1)
#define WIDE_CONTACT_BYTES (offsetof(struct nsf_wide_contact, is_denied) + 1)

static void compare_problems(const struct nsf_problems *a, const struct nsf_problems *b)
{
    SAME("problems", a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        SAME("problem code", a->items[i].code, b->items[i].code);
        SAME("problem offset", a->items[i].offset, b->items[i].offset);
        SAME("problem skipped", a->items[i].skipped_bytes, b->items[i].skipped_bytes);
        SAME("problem lost", a->items[i].tuples_lost, b->items[i].tuples_lost);
        SAME("problem detail", nsf_slice_cmp(a->items[i].detail, b->items[i].detail), 0);
    }
}

static void compare_bad(const struct nsf_batch *a, const struct nsf_batch *b)
{
    SAME("bad", a->n_bad, b->n_bad);
    for (size_t i = 0; i < a->n_bad; i++) {
        SAME("bad record", a->bad[i].record_idx, b->bad[i].record_idx);
        SAME("bad fault", a->bad[i].fault, b->bad[i].fault);
        SAME("bad count", a->bad[i].count, b->bad[i].count);
        SAME("bad offset", a->bad[i].offset, b->bad[i].offset);
        SAME("bad sample", nsf_slice_cmp(a->bad[i].sample, b->bad[i].sample), 0);
    }
}

static void compare(const struct nsf_batch *a, const struct nsf_batch *b)
{
    SAME("records", a->n_records, b->n_records);
    for (size_t i = 0; i < a->n_records; i++) {
        const struct nsf_record *x = &a->records[i], *y = &b->records[i];
        SAME("record offset", x->offset, y->offset);
        SAME("record time", x->time_ms, y->time_ms);
        SAME("record print", x->fingerprint.hi, y->fingerprint.hi);
        SAME("record print", x->fingerprint.lo, y->fingerprint.lo);
        SAME("record scope", x->scope_id, y->scope_id);
        SAME("record tuples", x->n_tuples, y->n_tuples);
        SAME("record bad", x->n_bad, y->n_bad);
        SAME("record layout", x->layout, y->layout);
        SAME("record flags", x->has_fingerprint, y->has_fingerprint);
    }
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        compare_rows("mail", a->mail[p].items, a->mail[p].n, b->mail[p].items, b->mail[p].n, sizeof(*a->mail[p].items),
                     MAIL_BYTES);
        compare_rows("contacts", a->contacts[p].items, a->contacts[p].n, b->contacts[p].items, b->contacts[p].n,
                     sizeof(struct nsf_contact), sizeof(struct nsf_contact));
        compare_rows("wide contacts", a->wide_contacts[p].items, a->wide_contacts[p].n, b->wide_contacts[p].items,
                     b->wide_contacts[p].n, sizeof(struct nsf_wide_contact), WIDE_CONTACT_BYTES);
        compare_rows("stamps", a->contacts[p].stamps_ms, a->has_stamps ? a->contacts[p].n : 0, b->contacts[p].stamps_ms,
                     b->has_stamps ? b->contacts[p].n : 0, sizeof(int64_t), sizeof(int64_t));
    }
    compare_rows("tuple groups", a->tuple_groups.items, a->tuple_groups.n, b->tuple_groups.items, b->tuple_groups.n,
                 sizeof(struct nsf_tuple_group), sizeof(struct nsf_tuple_group));
    compare_rows("outbound", a->outbound.items, a->outbound.n, b->outbound.items, b->outbound.n,
                 sizeof(*a->outbound.items), MAIL_BYTES);
    compare_bad(a, b);
    SAME("foreign", a->n_foreign, b->n_foreign);
    for (size_t i = 0; i < a->n_foreign; i++) {
        SAME("foreign name", nsf_slice_cmp(a->foreign[i].category, b->foreign[i].category), 0);
        SAME("foreign count", a->foreign[i].count, b->foreign[i].count);
    }
    compare_problems(&a->problems, &b->problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nsf_scopes *scopes;
    static struct nsf_envelope *plain[2], *fast[2];
    static struct nsf_batch *one, *other;
    if (scopes == NULL) {
        scopes = nsf_scopes_new();
        for (int strict = 0; strict < 2; strict++) {
            struct nsf_envelope_options options = {.scopes = scopes, .seed = 3, .is_strict = strict == 1};
            fast[strict] = nsf_envelope_new(&options);
            options.is_plain = true;
            plain[strict] = nsf_envelope_new(&options);
        }
        one = nsf_batch_new();
        other = nsf_batch_new();
    }
    if (size < 1)
        return 0;
    struct nsf_slice bytes = nsf_slice((const char *)data + 1, size - 1);
    int strict = data[0] >> 7;
    size_t piece = data[0] & 127;
    read_all(plain[strict], bytes, bytes.len + 1, one);
    read_all(fast[strict], bytes, bytes.len + 1, other);
    compare(one, other);
    read_all(fast[strict], bytes, piece + 1, other);
    compare(one, other);
    read_all(plain[strict], bytes, 2 * piece + 1, other);
    compare(one, other);
    return 0;
}
