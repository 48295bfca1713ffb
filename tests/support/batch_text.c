#include "core/nsf_common.h"

#include "support/batch_text.h"

#include "flow/tuple.h"

#include <inttypes.h>

static void add_scope(struct nsf_buf *text, struct nsf_scopes *scopes, uint32_t scope_id)
{
    struct nsf_scope scope = nsf_scopes_get(scopes, scope_id);
    nsf_buf_printf(text, " [%d|%.*s|%.*s|%.*s|%.*s]", (int)scope.layout, NSF_SLICE_ARG(scope.flow_log),
                   NSF_SLICE_ARG(scope.mac), NSF_SLICE_ARG(scope.nsg), NSF_SLICE_ARG(scope.rule));
}

static void add_events(struct nsf_buf *text, struct nsf_scopes *scopes, const char *kind,
                       const struct nsf_mail_events *events)
{
    char src[NSF_IP_TEXT_BYTES], dst[NSF_IP_TEXT_BYTES];
    for (size_t i = 0; i < events->n; i++) {
        const struct nsf_mail_event *event = &events->items[i];
        nsf_buf_printf(text, "%s %u %" PRId64 " %s:%u %s:%u %u", kind, event->record_idx, event->ts_ms,
                       nsf_ip_format(event->src, src), event->src_port, nsf_ip_format(event->dst, dst), event->dst_port,
                       event->event);
        if (event->has_counters)
            nsf_buf_printf(text, " %" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, event->packets_in, event->bytes_in,
                           event->packets_out, event->bytes_out);
        add_scope(text, scopes, event->scope_id);
        nsf_buf_add_char(text, '\n');
    }
}

static void add_contact(struct nsf_buf *text, struct nsf_scopes *scopes, const struct nsf_batch *batch,
                        const struct nsf_wide_contact *contact)
{
    char src[NSF_IP_TEXT_BYTES], dst[NSF_IP_TEXT_BYTES];
    const struct nsf_tuple_group *group = &batch->tuple_groups.items[contact->group_idx];
    nsf_buf_printf(text, "contact %u %" PRId64 " %s %s:%u %u %d", group->record_idx, contact->ts_ms,
                   nsf_ip_format(contact->src, src), nsf_ip_format(contact->dst, dst), contact->dst_port,
                   contact->protocol, contact->is_denied);
    add_scope(text, scopes, group->scope_id);
    nsf_buf_add_char(text, '\n');
}

static void add_contacts(struct nsf_buf *text, struct nsf_scopes *scopes, const struct nsf_batch *batch, unsigned p)
{
    for (size_t i = 0; i < batch->contacts[p].n; i++) {
        struct nsf_wide_contact contact = nsf_batch_contact(batch, p, i);
        add_contact(text, scopes, batch, &contact);
    }
    for (size_t i = 0; i < batch->wide_contacts[p].n; i++)
        add_contact(text, scopes, batch, &batch->wide_contacts[p].items[i]);
}

static void add_records(struct nsf_buf *text, struct nsf_scopes *scopes, const struct nsf_batch *batch)
{
    for (size_t i = 0; i < batch->n_records; i++) {
        const struct nsf_record *record = &batch->records[i];
        nsf_buf_printf(text,
                       "record %zu at %" PRIu64 " time %" PRId64 " tuples %u bad %u print %016" PRIx64 "%016" PRIx64, i,
                       record->offset, record->time_ms, record->n_tuples, record->n_bad, record->fingerprint.hi,
                       record->fingerprint.lo);
        nsf_buf_printf(text, " %d%d", record->has_fingerprint, record->is_part);
        add_scope(text, scopes, record->scope_id);
        nsf_buf_add_char(text, '\n');
    }
}

static void add_rest(struct nsf_buf *text, const struct nsf_batch *batch)
{
    for (size_t i = 0; i < batch->n_bad; i++)
        nsf_buf_printf(text, "bad %u %s %u at %" PRIu64 " '%.*s'\n", batch->bad[i].record_idx,
                       nsf_tuple_fault_text(batch->bad[i].fault), batch->bad[i].count, batch->bad[i].offset,
                       NSF_SLICE_ARG(batch->bad[i].sample));
    for (size_t i = 0; i < batch->n_foreign; i++)
        nsf_buf_printf(text, "foreign '%.*s' %" PRIu64 "\n", NSF_SLICE_ARG(batch->foreign[i].category),
                       batch->foreign[i].count);
    for (size_t i = 0; i < batch->problems.n; i++) {
        const struct nsf_problem *problem = &batch->problems.items[i];
        nsf_buf_printf(text, "problem %s at %" PRIu64 " skipped %" PRIu64 " lost %" PRIu64 " %.*s\n",
                       nsf_code_name(problem->code), problem->offset, problem->skipped_bytes, problem->tuples_lost,
                       NSF_SLICE_ARG(problem->detail));
    }
}

void batch_text(const struct nsf_batch *batch, struct nsf_scopes *scopes, struct nsf_buf *text)
{
    add_records(text, scopes, batch);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        add_events(text, scopes, "mail", &batch->mail[p]);
    add_events(text, scopes, "out", &batch->outbound);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        add_contacts(text, scopes, batch, p);
    add_rest(text, batch);
}

static size_t next_piece(struct cutting cutting, size_t read, size_t left)
{
    size_t n = cutting.piece > 0 ? cutting.piece : left;
    if (cutting.piece == 0 && read < cutting.cut_at)
        n = cutting.cut_at - read;
    return n < left ? n : left;
}

void read_bytes(struct nsf_envelope *env, struct cutting cutting, struct nsf_slice bytes, struct nsf_batch *batch)
{
    size_t read = 0;
    nsf_envelope_begin(env, 0, NSF_PLACE_START);
    while (read < bytes.len) {
        size_t capacity;
        char *room = nsf_envelope_room(env, &capacity);
        size_t n = next_piece(cutting, read, bytes.len - read);
        n = n < capacity ? n : capacity;
        memcpy(room, bytes.ptr + read, n);
        nsf_envelope_commit(env, n, batch);
        read += n;
    }
    nsf_envelope_finish(env, batch);
}
