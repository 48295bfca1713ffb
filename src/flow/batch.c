#include "core/nsf_common.h"

#include "flow/batch.h"

#include "core/limits.h"
#include "core/mem.h"

_Static_assert(NSF_PARTITIONS == 16, "nsf_partition_of takes the top four bits");
_Static_assert(sizeof(struct nsf_contact) == 16, "four contacts are a cache line");

struct nsf_batch *nsf_batch_new(void)
{
    struct nsf_batch *batch = nsf_calloc(1, sizeof(*batch));
    nsf_problems_init(&batch->problems);
    nsf_arena_init(&batch->arena);
    return batch;
}

void nsf_batch_free(struct nsf_batch *batch)
{
    if (batch == NULL)
        return;
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        nsf_free(batch->mail[p].items);
        nsf_free(batch->contacts[p].items);
        nsf_free(batch->contacts[p].stamps_ms);
        nsf_free(batch->wide_contacts[p].items);
    }
    nsf_free(batch->outbound.items);
    nsf_free(batch->tuple_groups.items);
    nsf_free(batch->tuple_groups.targets);
    nsf_free(batch->groups.ids);
    nsf_pairset_release(&batch->groups.known);
    nsf_free(batch->records);
    nsf_free(batch->bad);
    nsf_free(batch->foreign);
    nsf_problems_release(&batch->problems);
    nsf_arena_release(&batch->arena);
    nsf_free(batch);
}

void nsf_batch_reset(struct nsf_batch *batch)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        batch->mail[p].n = 0;
        batch->contacts[p].n = 0;
        batch->wide_contacts[p].n = 0;
    }
    batch->outbound.n = 0;
    batch->tuple_groups.n = 0;
    batch->groups.n = 0;
    nsf_pairset_reset(&batch->groups.known);
    batch->n_records = 0;
    batch->n_bad = 0;
    batch->n_foreign = 0;
    nsf_problems_release(&batch->problems);
    nsf_arena_reset(&batch->arena);
}

struct nsf_record *nsf_batch_add_record(struct nsf_batch *batch)
{
    NSF_GROW(batch->records, batch->records_capacity, batch->n_records + 1);
    struct nsf_record *record = &batch->records[batch->n_records++];
    *record = (struct nsf_record){0};
    return record;
}

uint32_t nsf_batch_enter_group(struct nsf_batch *batch, struct nsf_tuple_group group)
{
    struct nsf_tuple_groups *groups = &batch->tuple_groups;
    const struct nsf_tuple_group *last = groups->n == 0 ? NULL : &groups->items[groups->n - 1];
    if (last == NULL || last->scope_id != group.scope_id || last->record_idx != group.record_idx) {
        NSF_GROW(groups->items, groups->capacity, groups->n + 1);
        groups->items[groups->n++] = group;
    }
    return (uint32_t)(groups->n - 1);
}

void nsf_batch_add_contact(struct nsf_batch *batch, const struct nsf_wide_contact *contact)
{
    if (nsf_ip_is_v4(contact->src) && nsf_ip_is_v4(contact->dst)) {
        nsf_batch_add_v4_contact(batch, contact);
        return;
    }
    struct nsf_wide_contacts *contacts = &batch->wide_contacts[nsf_partition_of(contact->src)];
    NSF_GROW(contacts->items, contacts->capacity, contacts->n + 1);
    contacts->items[contacts->n++] = *contact;
}

void nsf_batch_note_group(struct nsf_batch *batch, uint32_t scope_id)
{
    struct nsf_group_scopes *groups = &batch->groups;
    if ((groups->n > 0 && groups->ids[groups->n - 1] == scope_id) || !nsf_pairset_add(&groups->known, scope_id))
        return;
    NSF_GROW(groups->ids, groups->capacity, groups->n + 1);
    groups->ids[groups->n++] = scope_id;
}

void nsf_batch_add_foreign(struct nsf_batch *batch, struct nsf_slice category, uint64_t count)
{
    for (size_t i = 0; i < batch->n_foreign; i++)
        if (nsf_slice_eq(batch->foreign[i].category, category)) {
            batch->foreign[i].count += count;
            return;
        }
    NSF_GROW(batch->foreign, batch->foreign_capacity, batch->n_foreign + 1);
    struct nsf_foreign *foreign = &batch->foreign[batch->n_foreign++];
    foreign->category = nsf_arena_copy(&batch->arena, category);
    foreign->count = count;
}

size_t nsf_batch_bytes(const struct nsf_batch *batch)
{
    size_t n_bytes = batch->outbound.n * sizeof(struct nsf_mail_event) + batch->n_records * sizeof(struct nsf_record) +
                     batch->tuple_groups.n * sizeof(struct nsf_tuple_group);
    size_t contact_bytes = sizeof(struct nsf_contact) + (batch->has_stamps ? sizeof(int64_t) : 0);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        n_bytes += batch->mail[p].n * sizeof(struct nsf_mail_event) + batch->contacts[p].n * contact_bytes +
                   batch->wide_contacts[p].n * sizeof(struct nsf_wide_contact);
    return n_bytes;
}

size_t nsf_batch_capacity_bytes(const struct nsf_batch *batch)
{
    size_t n_bytes = sizeof(*batch) + batch->outbound.capacity * sizeof(struct nsf_mail_event) +
                     batch->records_capacity * sizeof(struct nsf_record) +
                     batch->tuple_groups.capacity * sizeof(struct nsf_tuple_group) +
                     batch->tuple_groups.targets_capacity * sizeof(uint32_t);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        n_bytes += batch->mail[p].capacity * sizeof(struct nsf_mail_event) +
                   batch->contacts[p].capacity * sizeof(struct nsf_contact) +
                   batch->contacts[p].stamps_capacity * sizeof(int64_t) +
                   batch->wide_contacts[p].capacity * sizeof(struct nsf_wide_contact);
    return n_bytes;
}
