#include "core/nsf_common.h"

#include "report/finding_json.h"

#include "core/version.h"

void nsf_json_tool(struct nsf_json_out *json)
{
    nsf_json_out_key(json, "tool");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "name", "nsgflow");
    nsf_json_out_key_str(json, "version", NSF_VERSION);
    nsf_json_out_end_map(json);
}

void nsf_json_key_slices(struct nsf_json_out *json, const char *key, struct nsf_slices texts)
{
    nsf_json_out_key(json, key);
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < texts.n; i++)
        nsf_json_out_slice(json, texts.items[i]);
    nsf_json_out_end_array(json);
}

void nsf_json_key_text(struct nsf_json_out *json, const char *key, struct nsf_slice text)
{
    nsf_json_out_key(json, key);
    if (text.ptr == NULL)
        nsf_json_out_null(json);
    else
        nsf_json_out_slice(json, text);
}

/* Where the definition stands in the input; null where nobody knows. */
static void write_place(struct nsf_json_out *json, const struct nsf_place *place)
{
    nsf_json_out_key(json, "place");
    if (place->file.ptr == NULL) {
        nsf_json_out_null(json);
        return;
    }
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "file", place->file);
    nsf_json_out_key(json, "line");
    if (place->line == 0)
        nsf_json_out_null(json);
    else
        nsf_json_out_u64(json, place->line);
    nsf_json_out_key_u64(json, "offset", place->offset);
    nsf_json_out_end_map(json);
}

void nsf_json_nsg(struct nsf_json_out *json, const struct nsf_scan_nsg *nsg)
{
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "nsg", nsg->id);
    nsf_json_out_key_slice(json, "name", nsg->name);
    nsf_json_key_text(json, "guid", nsg->guid);
    nsf_json_out_key_str(json, "verdict", nsf_exposure_name(nsg->verdict));
    nsf_json_out_key_bool(json, "latent", nsg->is_latent);
    nsf_json_out_key_u64(json, "public_ipv4", nsg->public_ipv4);
    nsf_json_out_key_str(json, "public_ipv6", nsf_v6_extent_name(nsg->public_ipv6));
    nsf_json_key_slices(json, "attached_to", nsg->attached_to);
    nsf_json_out_key_bool(json, "attachment_known", nsg->has_attachment);
    nsf_json_key_text(json, "owner", nsg->owner);
    nsf_json_key_slices(json, "notes", nsg->notes);
    write_place(json, &nsg->place);
    nsf_json_out_end_map(json);
}

static void write_reduced_by(struct nsf_json_out *json, const struct nsf_finding *finding)
{
    nsf_json_out_key(json, "reduced_by");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < finding->n_reduced_by; i++) {
        nsf_json_out_begin_map(json);
        nsf_json_out_key_slice(json, "rule", finding->reduced_by[i].rule);
        nsf_json_out_key_bool(json, "part", finding->reduced_by[i].is_part);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
}

static void write_gates(struct nsf_json_out *json, const struct nsf_finding *finding)
{
    nsf_json_out_key(json, "gates");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < finding->n_gates; i++) {
        const struct nsf_gate *gate = &finding->gates[i];
        nsf_json_out_begin_map(json);
        nsf_json_out_key_str(json, "kind", nsf_gate_kind_name(gate->kind));
        nsf_json_key_text(json, "nsg", gate->nsg);
        nsf_json_key_slices(json, "rules", gate->rules);
        nsf_json_out_key_bool(json, "open", gate->is_open);
        nsf_json_out_key_u64(json, "public_ipv4", gate->public_ipv4);
        nsf_json_out_key_str(json, "public_ipv6", nsf_v6_extent_name(gate->public_ipv6));
        nsf_json_out_key_u64(json, "nics", gate->n_nics);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
    nsf_json_out_key_bool(json, "blocked", finding->is_blocked);
    nsf_json_out_key_bool(json, "admin_rule", finding->is_admin_rule);
}

static void write_exception(struct nsf_json_out *json, const struct nsf_exception *exception)
{
    nsf_json_out_key(json, "exception");
    if (exception == NULL) {
        nsf_json_out_null(json);
        return;
    }
    nsf_json_out_begin_map(json);
    nsf_json_key_text(json, "owner", exception->owner);
    nsf_json_key_text(json, "reason", exception->reason);
    nsf_json_out_key_time(json, "expires", exception->expires_ms);
    nsf_json_out_key_bool(json, "expired", exception->is_expired);
    nsf_json_out_key_time(json, "deadline", exception->deadline_ms);
    nsf_json_out_key_bool(json, "past_deadline", exception->is_past_deadline);
    nsf_json_out_end_map(json);
}

/* The rule as it stands, so that a change and its way back can be made from the document alone. */
static void write_definition(struct nsf_json_out *json, const struct nsf_finding *finding)
{
    nsf_json_out_key(json, "definition");
    nsf_json_out_begin_map(json);
    nsf_json_key_text(json, "description", finding->description);
    nsf_json_key_text(json, "protocol", finding->protocol);
    nsf_json_key_slices(json, "sources", finding->all_sources);
    nsf_json_key_slices(json, "ports", finding->all_ports);
    nsf_json_key_slices(json, "destinations", finding->destinations);
    nsf_json_out_end_map(json);
}

void nsf_json_finding(struct nsf_json_out *json, const struct nsf_scan *scan, const struct nsf_finding *finding)
{
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "nsg", scan->nsgs[finding->nsg_idx].id);
    nsf_json_out_key_slice(json, "rule", finding->rule);
    nsf_json_out_key_u64(json, "priority", finding->priority);
    nsf_json_out_key_str(json, "verdict", nsf_exposure_name(finding->verdict));
    nsf_json_out_key_bool(json, "latent", finding->is_latent);
    nsf_json_key_slices(json, "sources", finding->sources);
    nsf_json_key_slices(json, "ports", finding->ports);
    nsf_json_out_key_bool(json, "opens_other_ports", finding->opens_other_ports);
    nsf_json_out_key_u64(json, "public_ipv4", finding->public_ipv4);
    nsf_json_out_key_str(json, "public_ipv6", nsf_v6_extent_name(finding->public_ipv6));
    write_reduced_by(json, finding);
    nsf_json_key_slices(json, "still_open_via", finding->still_open_via);
    write_gates(json, finding);
    write_exception(json, finding->exception);
    nsf_json_out_key_slice(json, "note", finding->note);
    write_definition(json, finding);
    write_place(json, &finding->place);
    nsf_json_out_end_map(json);
}

static void write_problem(struct nsf_json_out *json, const struct nsf_problem *problem)
{
    nsf_json_out_begin_map(json);
    nsf_json_key_text(json, "path", problem->path);
    nsf_json_out_key(json, "offset");
    if (problem->offset == NSF_OFFSET_NONE)
        nsf_json_out_null(json);
    else
        nsf_json_out_u64(json, problem->offset);
    nsf_json_out_key_str(json, "code", nsf_code_name(problem->code));
    nsf_json_out_key_slice(json, "detail", problem->detail);
    nsf_json_out_key_u64(json, "count", problem->count);
    nsf_json_out_key_u64(json, "skipped", problem->skipped_bytes);
    nsf_json_out_key_u64(json, "tuples_lost", problem->tuples_lost);
    nsf_json_out_end_map(json);
}

void nsf_json_problems(struct nsf_json_out *json, const struct nsf_problems *problems)
{
    nsf_json_out_key(json, "problems");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < problems->n; i++)
        write_problem(json, &problems->items[i]);
    if (problems->n_dropped > 0) {
        struct nsf_problem rest = {.offset = NSF_OFFSET_NONE, .code = NSF_E_LIMIT, .count = problems->n_dropped};
        rest.detail = NSF_SLICE_LIT("further problems, not listed one by one");
        write_problem(json, &rest);
    }
    nsf_json_out_end_array(json);
}
