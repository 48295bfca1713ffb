#include "core/nsf_common.h"

#include "report/review_read.h"

#include "core/clock.h"
#include "core/intern.h"
#include "core/mem.h"
#include "report/dom_read.h"
#include "report/review_json.h"
#include "report/words.h"

/* What is read while the document is turned into a review. */
struct loader {
    struct nsf_dom_reader reader;
    struct nsf_review_document *document;
    struct nsf_intern nsg_ids;       /* ids count as the NSGs of the scan do */
    const struct nsf_json **sources; /* one list a rule */
};

void nsf_review_document_init(struct nsf_review_document *document)
{
    *document = (struct nsf_review_document){.lines = NULL};
    nsf_arena_init(&document->arena);
    nsf_arena_init(&document->scratch);
    nsf_problems_init(&document->review.inputs.problems);
}

void nsf_review_document_release(struct nsf_review_document *document)
{
    nsf_problems_release(&document->review.inputs.problems);
    nsf_free(document->lines);
    nsf_arena_release(&document->scratch);
    nsf_arena_release(&document->arena);
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

static const char *exposure_name(unsigned value)
{
    return nsf_exposure_name((enum nsf_exposure)value);
}

static const char *extent_name(unsigned value)
{
    return nsf_v6_extent_name((enum nsf_v6_extent)value);
}

static const char *code_name(unsigned value)
{
    return nsf_code_name((enum nsf_code)value);
}

static const char *class_name(unsigned value)
{
    return nsf_connection_class_name((enum nsf_connection_class)value);
}

static const char *source_verdict_name(unsigned value)
{
    return nsf_source_verdict_name((enum nsf_source_verdict)value);
}

static const char *rule_verdict_name(unsigned value)
{
    return nsf_rule_verdict_name((enum nsf_rule_verdict)value);
}

static const char *relay_name(unsigned value)
{
    return nsf_relay_state_name((enum nsf_relay_state)value);
}

static const char *counters_name(unsigned value)
{
    return nsf_counters_name((enum nsf_counters_seen)value);
}

static const char *change_name(unsigned value)
{
    return nsf_change_name((enum nsf_change_code)value);
}

static const char *confidence_name(unsigned value)
{
    static const char *const names[] = {"A", "B", "C", "D"};
    return names[value];
}

/* ---- parts shared with the scan --------------------------------------------------------------------------------- */

static void *zalloc(struct loader *loader, size_t n, size_t size_bytes)
{
    return nsf_arena_zalloc(&loader->document->arena, n, size_bytes);
}

/* Text that is never absent. */
static struct nsf_slice text_of(struct loader *loader, const struct nsf_json *map, const char *key)
{
    struct nsf_slice text = nsf_dom_text(&loader->reader, map, key);
    return text.ptr == NULL ? NSF_SLICE_LIT("") : text;
}

static uint64_t count_of(struct loader *loader, const struct nsf_json *map, const char *key)
{
    return nsf_dom_u64(&loader->reader, map, key, UINT64_MAX);
}

static uint32_t small_count_of(struct loader *loader, const struct nsf_json *map, const char *key)
{
    return (uint32_t)nsf_dom_u64(&loader->reader, map, key, UINT32_MAX);
}

/* The elements of a list are objects; another one is an error and read as an empty object. */
static const struct nsf_json *item_of(struct loader *loader, const struct nsf_json *array, const char *key, size_t idx)
{
    const struct nsf_json *item = nsf_json_item(array, idx);
    if (item->type == NSF_JSON_MAP)
        return item;
    nsf_dom_fail(&loader->reader, item, key, "a list of objects");
    return NULL;
}

static struct nsf_place place_of(struct loader *loader, const struct nsf_json *map)
{
    const struct nsf_json *place = nsf_dom_map(&loader->reader, map, "place");
    return (struct nsf_place){.file = nsf_dom_text(&loader->reader, place, "file"),
                              .line = small_count_of(loader, place, "line"),
                              .offset = count_of(loader, place, "offset")};
}

static enum nsf_exposure exposure_of(struct loader *loader, const struct nsf_json *map)
{
    return (enum nsf_exposure)nsf_dom_word(&loader->reader, map, "verdict", exposure_name, NSF_EXPOSURE_EXPOSED + 1,
                                           NSF_EXPOSURE_UNKNOWN);
}

static enum nsf_v6_extent extent_of(struct loader *loader, const struct nsf_json *map)
{
    return (enum nsf_v6_extent)nsf_dom_word(&loader->reader, map, "public_ipv6", extent_name, NSF_V6_FULL + 1,
                                            NSF_V6_NONE);
}

static void read_nsg(struct loader *loader, const struct nsf_json *map)
{
    struct nsf_scan *scan = &loader->document->scan;
    struct nsf_slice id = text_of(loader, map, "nsg");
    if (nsf_intern_add(&loader->nsg_ids, id) != scan->n_nsgs)
        return;
    struct nsf_scan_nsg *nsg = &scan->nsgs[scan->n_nsgs++];
    nsg->id = id;
    nsg->name = text_of(loader, map, "name");
    nsg->guid = nsf_dom_text(&loader->reader, map, "guid");
    nsg->owner = nsf_dom_text(&loader->reader, map, "owner");
    nsg->verdict = exposure_of(loader, map);
    nsg->is_latent = nsf_dom_bool(&loader->reader, map, "latent");
    nsg->has_attachment = nsf_dom_bool(&loader->reader, map, "attachment_known");
    nsg->public_ipv4 = count_of(loader, map, "public_ipv4");
    nsg->public_ipv6 = extent_of(loader, map);
    nsg->attached_to = nsf_dom_texts(&loader->reader, map, "attached_to");
    nsg->notes = nsf_dom_texts(&loader->reader, map, "notes");
    nsg->place = place_of(loader, map);
}

/* A finding of an NSG that is not listed gives it a row with what is known. */
static uint32_t nsg_of(struct loader *loader, struct nsf_slice id)
{
    struct nsf_scan *scan = &loader->document->scan;
    uint32_t idx = nsf_intern_add(&loader->nsg_ids, id);
    if (idx == scan->n_nsgs) {
        size_t last = id.len;
        while (last > 0 && id.ptr[last - 1] != '/')
            last--;
        scan->nsgs[scan->n_nsgs++] =
            (struct nsf_scan_nsg){.id = id, .name = nsf_slice_from(id, last), .verdict = NSF_EXPOSURE_UNKNOWN};
    }
    return idx;
}

static void read_reduced_by(struct loader *loader, const struct nsf_json *map, struct nsf_finding *finding)
{
    const struct nsf_json *array = nsf_dom_array(&loader->reader, map, "reduced_by");
    finding->n_reduced_by = nsf_json_len(array);
    finding->reduced_by = zalloc(loader, finding->n_reduced_by, sizeof(*finding->reduced_by));
    for (size_t i = 0; i < finding->n_reduced_by; i++) {
        const struct nsf_json *item = item_of(loader, array, "reduced_by", i);
        finding->reduced_by[i].rule = text_of(loader, item, "rule");
        finding->reduced_by[i].is_part = nsf_dom_bool(&loader->reader, item, "part");
    }
}

static const char *gate_name(unsigned value)
{
    return nsf_gate_kind_name((enum nsf_gate_kind)value);
}

static void read_gates(struct loader *loader, const struct nsf_json *map, struct nsf_finding *finding)
{
    const struct nsf_json *array = nsf_dom_array(&loader->reader, map, "gates");
    finding->n_gates = nsf_json_len(array);
    finding->gates = zalloc(loader, finding->n_gates, sizeof(*finding->gates));
    for (size_t i = 0; i < finding->n_gates; i++) {
        const struct nsf_json *item = item_of(loader, array, "gates", i);
        struct nsf_gate *gate = &finding->gates[i];
        gate->kind = (enum nsf_gate_kind)nsf_dom_word(&loader->reader, item, "kind", gate_name,
                                                      NSF_GATE_ADMIN_RULES + 1, NSF_GATE_SUBNET_NSG);
        gate->nsg = nsf_dom_text(&loader->reader, item, "nsg");
        gate->rules = nsf_dom_texts(&loader->reader, item, "rules");
        gate->is_open = nsf_dom_bool(&loader->reader, item, "open");
        gate->public_ipv4 = count_of(loader, item, "public_ipv4");
        gate->public_ipv6 = extent_of(loader, item);
        gate->n_nics = count_of(loader, item, "nics");
    }
    finding->is_blocked = nsf_dom_bool(&loader->reader, map, "blocked");
    finding->is_admin_rule = nsf_dom_bool(&loader->reader, map, "admin_rule");
}

static void read_exception(struct loader *loader, const struct nsf_json *map, struct nsf_finding *finding)
{
    const struct nsf_json *item = nsf_dom_map(&loader->reader, map, "exception");
    if (item == NULL)
        return;
    struct nsf_exception *exception = zalloc(loader, 1, sizeof(*exception));
    exception->owner = nsf_dom_text(&loader->reader, item, "owner");
    exception->reason = nsf_dom_text(&loader->reader, item, "reason");
    exception->expires_ms = nsf_dom_time(&loader->reader, item, "expires");
    exception->is_expired = nsf_dom_bool(&loader->reader, item, "expired");
    exception->deadline_ms = nsf_dom_time(&loader->reader, item, "deadline");
    exception->is_past_deadline = nsf_dom_bool(&loader->reader, item, "past_deadline");
    finding->exception = exception;
}

static void read_finding(struct loader *loader, const struct nsf_json *map, struct nsf_finding *finding)
{
    struct nsf_dom_reader *reader = &loader->reader;
    const struct nsf_json *definition = nsf_dom_map(reader, map, "definition");
    finding->nsg_idx = nsg_of(loader, text_of(loader, map, "nsg"));
    finding->rule = text_of(loader, map, "rule");
    finding->priority = small_count_of(loader, map, "priority");
    finding->verdict = exposure_of(loader, map);
    finding->is_latent = nsf_dom_bool(reader, map, "latent");
    finding->sources = nsf_dom_texts(reader, map, "sources");
    finding->ports = nsf_dom_texts(reader, map, "ports");
    finding->opens_other_ports = nsf_dom_bool(reader, map, "opens_other_ports");
    finding->public_ipv4 = count_of(loader, map, "public_ipv4");
    finding->public_ipv6 = extent_of(loader, map);
    read_reduced_by(loader, map, finding);
    finding->still_open_via = nsf_dom_texts(reader, map, "still_open_via");
    read_gates(loader, map, finding);
    read_exception(loader, map, finding);
    finding->note = text_of(loader, map, "note");
    finding->description = nsf_dom_text(reader, definition, "description");
    finding->protocol = nsf_dom_text(reader, definition, "protocol");
    finding->all_sources = nsf_dom_texts(reader, definition, "sources");
    finding->all_ports = nsf_dom_texts(reader, definition, "ports");
    finding->destinations = nsf_dom_texts(reader, definition, "destinations");
    finding->place = place_of(loader, map);
}

/* ---- inputs ----------------------------------------------------------------------------------------------------- */

static void read_foreign(struct loader *loader, const struct nsf_json *map, struct nsf_review_inputs *inputs)
{
    const struct nsf_json *foreign = nsf_dom_map(&loader->reader, map, "records_foreign");
    size_t n = foreign == NULL ? 0 : foreign->u.map.n;
    inputs->foreign = zalloc(loader, n, sizeof(*inputs->foreign));
    for (size_t i = 0; i < n; i++) {
        const struct nsf_json_member *member = &foreign->u.map.members[i];
        struct nsf_foreign_row *row = &inputs->foreign[inputs->n_foreign++];
        row->category = member->key;
        row->is_rest = nsf_slice_eq(member->key, NSF_SLICE_LIT(NSF_FOREIGN_REST));
        if (member->value.type != NSF_JSON_NUMBER || !nsf_json_to_u64(&member->value, UINT64_MAX, &row->count))
            nsf_dom_fail(&loader->reader, &member->value, "records_foreign", "numbers by category");
    }
}

static void read_problems(struct loader *loader, const struct nsf_json *map, struct nsf_problems *problems)
{
    struct nsf_dom_reader *reader = &loader->reader;
    const struct nsf_json *array = nsf_dom_array(reader, map, "problems");
    for (size_t i = 0; i < nsf_json_len(array); i++) {
        const struct nsf_json *item = item_of(loader, array, "problems", i);
        const struct nsf_json *offset = nsf_json_get(item, "offset");
        struct nsf_problem problem = {.path = nsf_dom_text(reader, item, "path"),
                                      .detail = text_of(loader, item, "detail")};
        problem.offset =
            offset == NULL || nsf_json_is(offset, NSF_JSON_NULL) ? NSF_OFFSET_NONE : count_of(loader, item, "offset");
        problem.code = (enum nsf_code)nsf_dom_word(reader, item, "code", code_name, NSF_E_INTERRUPTED + 1, NSF_E_IO);
        problem.count = count_of(loader, item, "count");
        problem.skipped_bytes = count_of(loader, item, "skipped");
        problem.tuples_lost = count_of(loader, item, "tuples_lost");
        if (problem.path.ptr == NULL)
            problems->n_dropped += problem.count;
        else
            nsf_problems_add(problems, &problem);
    }
    nsf_problems_finish(problems);
}

static void read_inputs(struct loader *loader, const struct nsf_json *root)
{
    struct nsf_review *review = &loader->document->review;
    struct nsf_review_inputs *inputs = &review->inputs;
    const struct nsf_json *map = nsf_dom_map(&loader->reader, root, "inputs");
    const struct nsf_json *bad_by = nsf_dom_map(&loader->reader, map, "tuples_bad_by");
    const struct nsf_json *transfer = nsf_dom_map(&loader->reader, map, "transfer");
    const struct nsf_json *by_layout = nsf_dom_map(&loader->reader, map, "by_layout");
    const struct nsf_json *smtp = nsf_dom_map(&loader->reader, map, "smtp_inbound");
    inputs->blobs = count_of(loader, map, "blobs");
    inputs->bytes = count_of(loader, map, "bytes");
    inputs->records = count_of(loader, map, "records");
    inputs->records_duplicate = count_of(loader, map, "records_duplicate");
    read_foreign(loader, map, inputs);
    inputs->tuples = count_of(loader, map, "tuples");
    inputs->tuples_bad = count_of(loader, map, "tuples_bad");
    for (size_t i = NSF_TUPLE_NONE + 1; i < NSF_TUPLE_FAULTS; i++)
        inputs->bad_by_fault[i] = count_of(loader, bad_by, nsf_tuple_fault_key((enum nsf_tuple_fault)i));
    inputs->tuples_duplicate = count_of(loader, map, "tuples_duplicate");
    inputs->tuples_late = count_of(loader, map, "tuples_late");
    inputs->pruned = count_of(loader, map, "pruned");
    inputs->transfer.requests = count_of(loader, transfer, "requests");
    inputs->transfer.retries = count_of(loader, transfer, "retries");
    for (size_t i = 0; i < NSF_LAYOUTS; i++)
        inputs->by_layout[i] = count_of(loader, by_layout, nsf_layout_name((enum nsf_layout)i));
    inputs->smtp_allowed = count_of(loader, smtp, "allowed");
    inputs->smtp_denied = count_of(loader, smtp, "denied");
    review->is_smtp_only = nsf_dom_bool(&loader->reader, map, "smtp_only");
    read_problems(loader, map, &inputs->problems);
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

static void read_coverage(struct loader *loader, const struct nsf_json *rule, struct nsf_coverage *coverage)
{
    struct nsf_dom_reader *reader = &loader->reader;
    const struct nsf_json *map = nsf_dom_map(reader, rule, "coverage");
    const struct nsf_json *gaps = nsf_dom_array(reader, map, "gaps");
    coverage->nics = nsf_dom_texts(reader, map, "nics");
    coverage->hours_expected = count_of(loader, map, "hours_expected");
    coverage->hours_seen = count_of(loader, map, "hours_seen");
    coverage->counters = (enum nsf_counters_seen)nsf_dom_word(reader, map, "counters", counters_name,
                                                              NSF_COUNTERS_PRESENT + 1, NSF_COUNTERS_ABSENT);
    coverage->n_gaps = nsf_json_len(gaps);
    coverage->gaps = zalloc(loader, coverage->n_gaps, sizeof(*coverage->gaps));
    for (size_t i = 0; i < coverage->n_gaps; i++) {
        const struct nsf_json *gap = item_of(loader, gaps, "gaps", i);
        coverage->gaps[i].nic = text_of(loader, gap, "nic");
        coverage->gaps[i].from_ms = nsf_dom_time(reader, gap, "from");
        coverage->gaps[i].to_ms = nsf_dom_time(reader, gap, "to");
    }
    coverage->is_logged = nsf_dom_bool(reader, map, "logged");
    coverage->has_vnet4 = nsf_dom_bool(reader, map, "vnet4");
    struct nsf_slices lacks = nsf_dom_texts(reader, map, "lacks");
    for (size_t i = 0; i < lacks.n; i++)
        for (unsigned lack = 0; lack < NSF_LACKS; lack++)
            coverage->lacks[lack] |= nsf_slice_eq(lacks.items[i], nsf_slice_str(nsf_lack_name((enum nsf_lack)lack)));
    coverage->evidence_from_ms = nsf_dom_time(reader, map, "evidence_from");
}

static void read_changes(struct loader *loader, const struct nsf_json *map, struct nsf_review_rule *rule)
{
    struct nsf_dom_reader *reader = &loader->reader;
    const struct nsf_json *array = nsf_dom_array(reader, map, "changes");
    rule->n_changes = nsf_json_len(array);
    rule->changes = zalloc(loader, rule->n_changes, sizeof(*rule->changes));
    for (size_t i = 0; i < rule->n_changes; i++) {
        const struct nsf_json *item = item_of(loader, array, "changes", i);
        struct nsf_change *change = &rule->changes[i];
        change->code = (enum nsf_change_code)nsf_dom_word(reader, item, "code", change_name, NSF_CHANGE_NEW + 1,
                                                          NSF_CHANGE_NEW);
        change->rule = text_of(loader, item, "rule");
        change->first_ms = nsf_dom_time(reader, item, "first");
        change->last_ms = nsf_dom_time(reader, item, "last");
        change->count = count_of(loader, item, "count");
        change->text = text_of(loader, item, "text");
    }
}

static void read_classes(struct nsf_dom_reader *reader, const struct nsf_json *map, uint64_t classes[NSF_CLASSES])
{
    const struct nsf_json *by_class = nsf_dom_map(reader, map, "classes");
    for (unsigned i = 0; i < NSF_CLASSES; i++)
        classes[i] = nsf_dom_u64(reader, by_class, class_name(i), UINT64_MAX);
}

/* Returns whether there are any: null is not zero. */
static bool read_counters(struct nsf_dom_reader *reader, const struct nsf_json *map, struct nsf_counters *counters)
{
    const struct nsf_json *first = nsf_json_get(map, "packets_in");
    counters->packets_in = nsf_dom_u64(reader, map, "packets_in", UINT64_MAX);
    counters->bytes_in = nsf_dom_u64(reader, map, "bytes_in", UINT64_MAX);
    counters->packets_out = nsf_dom_u64(reader, map, "packets_out", UINT64_MAX);
    counters->bytes_out = nsf_dom_u64(reader, map, "bytes_out", UINT64_MAX);
    return nsf_json_is(first, NSF_JSON_NUMBER);
}

static void read_by_day(struct loader *loader, const struct nsf_json *map, struct nsf_traffic *traffic)
{
    const struct nsf_json *days = nsf_dom_array(&loader->reader, map, "by_day");
    traffic->n_by_day = nsf_json_len(days);
    traffic->by_day = zalloc(loader, traffic->n_by_day, sizeof(*traffic->by_day));
    for (size_t i = 0; i < traffic->n_by_day; i++) {
        const struct nsf_json *row = item_of(loader, days, "by_day", i);
        int64_t day_ms = nsf_dom_time(&loader->reader, row, "day");
        traffic->by_day[i].day = day_ms == NSF_TS_NONE ? 0 : nsf_time_day(day_ms);
        traffic->by_day[i].connections = count_of(loader, row, "connections");
        traffic->by_day[i].messages = count_of(loader, row, "messages");
    }
}

static void read_traffic(struct loader *loader, const struct nsf_json *rule, struct nsf_traffic *traffic)
{
    const struct nsf_json *map = nsf_dom_map(&loader->reader, rule, "traffic");
    traffic->connections = count_of(loader, map, "connections");
    traffic->attempts = count_of(loader, map, "attempts");
    traffic->tuples = count_of(loader, map, "tuples");
    traffic->sources = count_of(loader, map, "sources");
    read_classes(&loader->reader, map, traffic->classes);
    traffic->with_counters = count_of(loader, map, "with_counters");
    traffic->has_counters = read_counters(&loader->reader, map, &traffic->counters);
    traffic->first_ms = nsf_dom_time(&loader->reader, map, "first");
    traffic->last_ms = nsf_dom_time(&loader->reader, map, "last");
    traffic->days = small_count_of(loader, map, "days");
    read_by_day(loader, map, traffic);
}

static void read_other_ports(struct loader *loader, const struct nsf_json *map, struct nsf_review_rule *rule)
{
    const struct nsf_json *array = nsf_dom_array(&loader->reader, map, "other_ports");
    rule->n_other_ports = nsf_json_len(array);
    rule->other_ports = zalloc(loader, rule->n_other_ports, sizeof(*rule->other_ports));
    for (size_t i = 0; i < rule->n_other_ports; i++) {
        const struct nsf_json *item = item_of(loader, array, "other_ports", i);
        struct nsf_other_port *row = &rule->other_ports[i];
        struct nsf_slice protocol = nsf_dom_text(&loader->reader, item, "protocol");
        row->is_rest = protocol.ptr == NULL;
        if (!row->is_rest && !nsf_protocol_parse(protocol, &row->protocol))
            nsf_dom_fail(&loader->reader, item, "protocol", "a protocol");
        row->port = (uint16_t)nsf_dom_u64(&loader->reader, item, "port", UINT16_MAX);
        row->tuples = count_of(loader, item, "tuples");
        row->sources = count_of(loader, item, "sources");
    }
}

static void read_recommendation(struct loader *loader, const struct nsf_json *rule, struct nsf_recommendation *advice)
{
    struct nsf_dom_reader *reader = &loader->reader;
    const struct nsf_json *map = nsf_dom_map(reader, rule, "recommendation");
    advice->action = nsf_dom_text(reader, map, "action");
    advice->allow = nsf_dom_texts(reader, map, "allow");
    advice->addresses_open_before = count_of(loader, map, "addresses_open_before");
    advice->addresses_open_after = count_of(loader, map, "addresses_open_after");
    advice->messages_kept = count_of(loader, map, "messages_kept");
    advice->messages_refused = count_of(loader, map, "messages_refused");
    advice->senders_refused = nsf_dom_texts(reader, map, "senders_refused");
    advice->senders_refused_total = count_of(loader, map, "senders_refused_total");
    if (advice->senders_refused_total < advice->senders_refused.n) /* of an older document */
        advice->senders_refused_total = advice->senders_refused.n;
    advice->ask_owner = nsf_dom_texts(reader, map, "ask_owner");
    advice->notes = nsf_dom_texts(reader, map, "notes");
}

static void read_rule(struct loader *loader, const struct nsf_json *map, size_t rule_idx)
{
    struct nsf_dom_reader *reader = &loader->reader;
    struct nsf_review_rule *rule = &loader->document->review.rules[rule_idx];
    const struct nsf_json *relay = nsf_dom_map(reader, map, "relay");
    const struct nsf_json *finding = nsf_dom_map(reader, map, "finding");
    rule->finding_idx = (uint32_t)rule_idx;
    read_finding(loader, finding != NULL ? finding : map, &loader->document->scan.findings[rule_idx]);
    rule->verdict =
        (enum nsf_rule_verdict)nsf_dom_word(reader, map, "verdict", rule_verdict_name,
                                            NSF_VERDICT_RESTRICT_WITH_REVIEW + 1, NSF_VERDICT_INSUFFICIENT_EVIDENCE);
    rule->reason = text_of(loader, map, "reason");
    rule->confidence = (char)('A' + nsf_dom_word(reader, map, "confidence", confidence_name, 4, 3));
    rule->risk = (uint32_t)nsf_dom_u64(reader, map, "risk", 100);
    rule->break_risk_permille = (int32_t)nsf_dom_decimal(reader, map, "break_risk", 3, -1);
    read_coverage(loader, map, &rule->coverage);
    read_traffic(loader, map, &rule->traffic);
    loader->sources[rule_idx] = nsf_dom_array(reader, map, "sources");
    rule->n_sources = nsf_json_len(loader->sources[rule_idx]);
    read_other_ports(loader, map, rule);
    rule->relay = (enum nsf_relay_state)nsf_dom_word(reader, relay, "state", relay_name,
                                                     NSF_RELAY_OPEN_RELAY_LIKELY + 1, NSF_RELAY_NOT_EXAMINED);
    rule->relay_evidence = nsf_dom_texts(reader, relay, "evidence");
    read_changes(loader, map, rule);
    rule->doubts = nsf_dom_texts(reader, map, "doubts");
    read_recommendation(loader, map, &rule->recommendation);
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

static void read_source_evidence(struct nsf_dom_reader *reader, const struct nsf_json *map,
                                 struct nsf_review_document *document, struct nsf_mail_source *source)
{
    const struct nsf_json *array = nsf_dom_array(reader, map, "evidence");
    source->n_evidence = nsf_json_len(array);
    NSF_GROW(document->lines, document->lines_capacity, source->n_evidence);
    for (size_t i = 0; i < source->n_evidence; i++) {
        const struct nsf_json *item = nsf_json_item(array, i);
        if (item->type != NSF_JSON_MAP)
            nsf_dom_fail(reader, item, "evidence", "a list of objects");
        struct nsf_evidence_line *line = &document->lines[i];
        struct nsf_slice code = nsf_dom_text(reader, item, "code");
        line->code = code.ptr == NULL ? "" : code.ptr;
        line->points_tenths = (int32_t)nsf_dom_decimal(reader, item, "points", 1, 0);
        line->text = nsf_dom_text(reader, item, "text");
    }
    source->evidence = document->lines;
}

static void read_destinations(struct nsf_dom_reader *reader, const struct nsf_json *map, struct nsf_mail_source *source)
{
    struct nsf_slices texts = nsf_dom_texts(reader, map, "destinations");
    for (size_t i = 0; i < texts.n; i++)
        if (i >= NSF_DESTINATIONS_MAX ||
            !nsf_ip_parse(texts.items[i], &source->destinations[source->n_destinations++])) {
            nsf_dom_fail(reader, nsf_json_get(map, "destinations"), "destinations", "a list of at most 32 addresses");
            return;
        }
    source->destinations_more = nsf_dom_u64(reader, map, "destinations_more", UINT64_MAX);
}

static void read_elsewhere(struct nsf_dom_reader *reader, const struct nsf_json *map, struct nsf_source_cross *cross)
{
    const struct nsf_json *elsewhere = nsf_dom_map(reader, map, "elsewhere");
    cross->denied_tuples = nsf_dom_u64(reader, elsewhere, "denied_tuples", UINT64_MAX);
    cross->denied_addresses = (uint32_t)nsf_dom_u64(reader, elsewhere, "denied_addresses", UINT32_MAX);
    cross->denied_ports = (uint32_t)nsf_dom_u64(reader, elsewhere, "denied_ports", UINT32_MAX);
    cross->denied_mail_addresses = (uint32_t)nsf_dom_u64(reader, elsewhere, "denied_mail_addresses", UINT32_MAX);
    cross->other_contacts = nsf_dom_u64(reader, elsewhere, "other_contacts", UINT64_MAX);
    cross->other_ports = (uint32_t)nsf_dom_u64(reader, elsewhere, "other_ports", UINT32_MAX);
}

static void read_source(struct nsf_dom_reader *reader, const struct nsf_json *map, struct nsf_review_document *document,
                        struct nsf_mail_source *source)
{
    *source = (struct nsf_mail_source){.n_merged = 1};
    source->is_rest = nsf_dom_text(reader, map, "address").ptr == NULL;
    source->address = nsf_dom_ip(reader, map, "address");
    source->network = nsf_dom_prefix(reader, map, "network");
    source->name = nsf_dom_text(reader, map, "name");
    source->verdict = (enum nsf_source_verdict)nsf_dom_word(reader, map, "verdict", source_verdict_name,
                                                            NSF_SOURCE_UNDECIDED + 1, NSF_SOURCE_UNDECIDED);
    source->score_tenths = (int32_t)nsf_dom_decimal(reader, map, "score", 1, 0);
    read_source_evidence(reader, map, document, source);
    source->connections = nsf_dom_u64(reader, map, "connections", UINT64_MAX);
    source->attempts = nsf_dom_u64(reader, map, "attempts", UINT64_MAX);
    source->tuples = nsf_dom_u64(reader, map, "tuples", UINT64_MAX);
    read_classes(reader, map, source->classes);
    source->has_counters = read_counters(reader, map, &source->counters);
    source->first_ms = nsf_dom_time(reader, map, "first");
    source->last_ms = nsf_dom_time(reader, map, "last");
    source->days = (uint32_t)nsf_dom_u64(reader, map, "days", UINT32_MAX);
    read_destinations(reader, map, source);
    read_elsewhere(reader, map, &source->cross);
    if (source->is_rest)
        source->n_merged = nsf_dom_u64(reader, map, "merged", UINT64_MAX);
}

/* What the review calls; read_sources has seen every source before, so nothing can be wrong with it now. */
static void source_of_document(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                               struct nsf_mail_source *source)
{
    struct nsf_review_document *document = ((struct loader *)review->rows)->document;
    const struct nsf_json *array = ((struct loader *)review->rows)->sources[rule_idx];
    struct nsf_dom_reader reader = {.arena = &document->scratch};
    nsf_arena_reset(&document->scratch);
    read_source(&reader, nsf_json_item(array, source_idx), document, source);
}

static void check_sources(struct loader *loader)
{
    const struct nsf_review *review = &loader->document->review;
    struct nsf_mail_source source;
    struct nsf_dom_reader reader = loader->reader;
    reader.arena = &loader->document->scratch;
    for (size_t i = 0; i < review->n_rules; i++)
        for (size_t j = 0; j < nsf_json_len(loader->sources[i]); j++) {
            if (reader.has_failed)
                break;
            nsf_arena_reset(reader.arena);
            read_source(&reader, item_of(loader, loader->sources[i], "sources", j), loader->document, &source);
        }
    loader->reader.has_failed |= reader.has_failed;
}

/* ---- the rest --------------------------------------------------------------------------------------------------- */

static void read_unmatched(struct loader *loader, const struct nsf_json *root)
{
    struct nsf_review *review = &loader->document->review;
    const struct nsf_json *array = nsf_dom_array(&loader->reader, root, "unmatched");
    review->n_unmatched = nsf_json_len(array);
    review->unmatched = zalloc(loader, review->n_unmatched, sizeof(*review->unmatched));
    for (size_t i = 0; i < review->n_unmatched; i++) {
        const struct nsf_json *item = item_of(loader, array, "unmatched", i);
        struct nsf_unmatched *row = &review->unmatched[i];
        struct nsf_slice reason = nsf_dom_text(&loader->reader, item, "reason");
        row->nsg = nsf_dom_text(&loader->reader, item, "nsg");
        row->rule = nsf_dom_text(&loader->reader, item, "rule");
        row->is_rest = reason.ptr == NULL;
        row->reason = row->is_rest ? "" : nsf_unmatched_reason(reason);
        if (row->reason == NULL)
            nsf_dom_fail(&loader->reader, item, "reason", "a word of this document");
        row->connections = count_of(loader, item, "connections");
        row->tuples = count_of(loader, item, "tuples");
        row->sources = count_of(loader, item, "sources");
    }
}

static void read_denied(struct loader *loader, const struct nsf_json *root)
{
    struct nsf_dom_reader *reader = &loader->reader;
    struct nsf_denied *denied = &loader->document->review.denied;
    const struct nsf_json *map = nsf_dom_map(reader, root, "denied");
    const struct nsf_json *array = nsf_dom_array(reader, map, "retrying_senders");
    denied->sources = count_of(loader, map, "sources");
    denied->tuples = count_of(loader, map, "tuples");
    denied->n_retrying = nsf_json_len(array);
    denied->retrying = zalloc(loader, denied->n_retrying, sizeof(*denied->retrying));
    for (size_t i = 0; i < denied->n_retrying; i++) {
        const struct nsf_json *item = item_of(loader, array, "retrying_senders", i);
        struct nsf_retrying_sender *sender = &denied->retrying[i];
        sender->address = nsf_dom_ip(reader, item, "address");
        sender->network = nsf_dom_prefix(reader, item, "network");
        sender->destination = nsf_dom_ip(reader, item, "destination");
        sender->attempts = count_of(loader, item, "attempts");
        sender->first_ms = nsf_dom_time(reader, item, "first");
        sender->last_ms = nsf_dom_time(reader, item, "last");
        sender->median_gap_ms = (int64_t)nsf_dom_u64(reader, item, "median_gap_ms", INT64_MAX);
    }
}

static void read_rules(struct loader *loader, const struct nsf_json *root)
{
    struct nsf_review_document *document = loader->document;
    const struct nsf_json *nsgs = nsf_dom_array(&loader->reader, root, "nsgs");
    const struct nsf_json *rules = nsf_dom_array(&loader->reader, root, "rules");
    size_t n = nsf_json_len(rules);
    document->scan.nsgs = zalloc(loader, nsf_json_len(nsgs) + n, sizeof(*document->scan.nsgs));
    document->scan.findings = zalloc(loader, n, sizeof(*document->scan.findings));
    document->scan.n_findings = n;
    document->scan.port = 25;
    document->review.rules = zalloc(loader, n, sizeof(*document->review.rules));
    document->review.n_rules = n;
    loader->sources = zalloc(loader, n, sizeof(const struct nsf_json *));
    for (size_t i = 0; i < nsf_json_len(nsgs); i++)
        read_nsg(loader, item_of(loader, nsgs, "nsgs", i));
    for (size_t i = 0; i < n; i++)
        read_rule(loader, item_of(loader, rules, "rules", i), i);
    check_sources(loader);
}

static nsf_result read_root(struct loader *loader, const struct nsf_json *root, struct nsf_err *err)
{
    struct nsf_review *review = &loader->document->review;
    struct nsf_slice schema = nsf_json_string(nsf_json_get(root, "schema"));
    if (!nsf_slice_eq(schema, NSF_SLICE_LIT(NSF_REVIEW_SCHEMA)))
        return NSF_FAIL(err, NSF_E_SHAPE, NSF_OFFSET_NONE,
                        "not a document %s, as `nsgflow review --format json` writes it", NSF_REVIEW_SCHEMA);
    const struct nsf_json *window = nsf_dom_map(&loader->reader, root, "window");
    review->scan = &loader->document->scan;
    review->rows = loader;
    review->read_source = source_of_document;
    review->generated_ms = nsf_dom_time(&loader->reader, root, "generated");
    review->window_from_ms = nsf_dom_time(&loader->reader, window, "from");
    review->window_to_ms = nsf_dom_time(&loader->reader, window, "to");
    read_inputs(loader, root);
    read_rules(loader, root);
    read_unmatched(loader, root);
    read_denied(loader, root);
    return loader->reader.has_failed ? (nsf_result){.failed = true} : nsf_ok();
}

nsf_result nsf_review_document_read(struct nsf_review_document *document, struct nsf_slice text, struct nsf_err *err)
{
    const struct nsf_json *root = nsf_json_parse(&document->arena, text, 0, 1, err);
    if (root == NULL)
        return (nsf_result){.failed = true};
    struct loader *loader = nsf_arena_zalloc(&document->arena, 1, sizeof(*loader));
    loader->reader = (struct nsf_dom_reader){.arena = &document->arena, .err = err};
    loader->document = document;
    nsf_intern_init(&loader->nsg_ids, 0);
    nsf_result r = read_root(loader, root, err);
    nsf_intern_release(&loader->nsg_ids);
    return r;
}

void nsf_review_document_narrow(struct nsf_review_document *document, nsf_review_keep_fn *keep, const void *ctx)
{
    struct nsf_review *review = &document->review;
    struct loader *loader = review->rows;
    size_t n = 0;
    for (size_t i = 0; i < review->n_rules; i++) {
        const struct nsf_finding *finding = &document->scan.findings[review->rules[i].finding_idx];
        if (!keep(ctx, &document->scan.nsgs[finding->nsg_idx], finding))
            continue;
        review->rules[n] = review->rules[i];
        loader->sources[n] = loader->sources[i];
        n++;
    }
    review->n_rules = n;
}
