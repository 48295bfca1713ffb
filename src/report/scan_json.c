#include "core/nsf_common.h"

#include "report/scan_json.h"

#include "report/finding_json.h"

/* One row of an array a line. */
#define LINE_DEPTH 2

static void write_shadowed(struct nsf_json_out *json, const struct nsf_scan *scan, const struct nsf_shadowed *shadowed)
{
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "nsg", scan->nsgs[shadowed->nsg_idx].id);
    nsf_json_out_key_slice(json, "rule", shadowed->rule);
    nsf_json_out_key_u64(json, "priority", shadowed->priority);
    nsf_json_key_slices(json, "by", shadowed->by);
    nsf_json_out_end_map(json);
}

static void write_peer(struct nsf_json_out *json, const struct nsf_peer_row *peer)
{
    nsf_json_out_begin_map(json);
    nsf_json_key_text(json, "tool", peer->tool);
    nsf_json_key_text(json, "check", peer->check);
    nsf_json_key_text(json, "nsg", peer->nsg);
    nsf_json_key_text(json, "rule", peer->rule);
    nsf_json_key_text(json, "theirs", peer->theirs);
    nsf_json_out_key_str(json, "ours", peer->has_ours ? nsf_exposure_name(peer->ours) : NULL);
    nsf_json_out_key_bool(json, "agree", peer->is_agreed);
    nsf_json_key_text(json, "reason", peer->reason);
    nsf_json_out_end_map(json);
}

void nsf_scan_write_json(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_out *out)
{
    struct nsf_json_out json;
    nsf_json_out_init(&json, out, LINE_DEPTH);
    nsf_json_out_begin_map(&json);
    nsf_json_out_key_str(&json, "schema", "nsgflow.scan/1");
    nsf_json_tool(&json);
    nsf_json_out_key_u64(&json, "port", scan->port);
    nsf_json_out_key(&json, "nsgs");
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < scan->n_nsgs; i++)
        nsf_json_nsg(&json, &scan->nsgs[i]);
    nsf_json_out_end_array(&json);
    nsf_json_out_key(&json, "findings");
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < scan->n_findings; i++)
        nsf_json_finding(&json, scan, &scan->findings[i]);
    nsf_json_out_end_array(&json);
    nsf_json_out_key(&json, "shadowed");
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < scan->n_shadowed; i++)
        write_shadowed(&json, scan, &scan->shadowed[i]);
    nsf_json_out_end_array(&json);
    nsf_json_out_key(&json, "peers");
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < scan->n_peers; i++)
        write_peer(&json, &scan->peers[i]);
    nsf_json_out_end_array(&json);
    nsf_json_out_key(&json, "inputs");
    nsf_json_out_begin_map(&json);
    nsf_json_out_key_u64(&json, "files", scan->n_files);
    nsf_json_problems(&json, problems);
    nsf_json_out_end_map(&json);
    nsf_json_out_end_map(&json);
}
