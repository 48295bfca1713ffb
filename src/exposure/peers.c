#include "core/nsf_common.h"

#include "exposure/peers.h"

static struct nsf_slice keep_text(struct nsf_arena *keep, struct nsf_slice text)
{
    return text.ptr == NULL ? text : nsf_arena_copy(keep, text);
}

bool nsf_peer_row_make(const struct nsf_peer_finding *finding, struct nsf_arena *keep, struct nsf_peer_row *row)
{
    if (!finding->is_smtp)
        return false;
    *row = (struct nsf_peer_row){.place = finding->place};
    row->tool = keep_text(keep, finding->tool);
    row->check = keep_text(keep, finding->check);
    row->nsg = keep_text(keep, finding->nsg);
    row->rule = keep_text(keep, finding->rule);
    row->theirs = keep_text(keep, finding->verdict_text);
    row->is_theirs_open = finding->verdict == NSF_PEER_VERDICT_OPEN || finding->verdict == NSF_PEER_VERDICT_PARTIAL;
    row->is_theirs_known = finding->verdict != NSF_PEER_VERDICT_UNKNOWN;
    return true;
}

static int cmp_row(const void *left, const void *right)
{
    const struct nsf_peer_row *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->nsg, b->nsg);
    if (order == 0)
        order = nsf_slice_cmp(a->nsg, b->nsg);
    if (order == 0)
        order = nsf_slice_cmp(a->tool, b->tool);
    if (order == 0)
        order = nsf_slice_cmp(a->check, b->check);
    if (order == 0)
        order = nsf_slice_cmp(a->rule, b->rule);
    return order != 0 ? order : nsf_slice_cmp(a->theirs, b->theirs);
}

static const struct nsf_scan_nsg *find_nsg(const struct nsf_scan *scan, struct nsf_slice id, uint32_t *idx)
{
    size_t low = 0, high = scan->n_nsgs;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (nsf_slice_cmp_nocase(scan->nsgs[mid].id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *idx = (uint32_t)low;
    bool is_there = low < scan->n_nsgs && nsf_slice_eq_nocase(scan->nsgs[low].id, id);
    return is_there ? &scan->nsgs[low] : NULL;
}

static const struct nsf_finding *find_finding(const struct nsf_scan *scan, uint32_t nsg_idx, struct nsf_slice rule)
{
    for (size_t i = 0; i < scan->n_findings; i++)
        if (scan->findings[i].nsg_idx == nsg_idx &&
            (rule.len == 0 || nsf_slice_eq_nocase(scan->findings[i].rule, rule)))
            return &scan->findings[i];
    return NULL;
}

static bool is_shadowed(const struct nsf_scan *scan, uint32_t nsg_idx, struct nsf_slice rule)
{
    for (size_t i = 0; i < scan->n_shadowed; i++)
        if (scan->shadowed[i].nsg_idx == nsg_idx && nsf_slice_eq_nocase(scan->shadowed[i].rule, rule))
            return true;
    return false;
}

/* Why ours is not open where theirs is. */
static const char *why_not_open(const struct nsf_scan *scan, const struct nsf_peer_row *row,
                                const struct nsf_scan_nsg *nsg, uint32_t nsg_idx)
{
    if (row->rule.len > 0 && is_shadowed(scan, nsg_idx, row->rule))
        return "Earlier rules take all sources of this rule.";
    if (nsg->verdict == NSF_EXPOSURE_RESTRICTED)
        return "What gets in is below the limit: named public ranges, not the internet.";
    if (nsg->verdict == NSF_EXPOSURE_UNKNOWN)
        return "Not all rules are known here, and the rest does not settle it.";
    if (nsg->verdict == NSF_EXPOSURE_CLOSED)
        return "After priorities and Denies no public address gets in by these rules.";
    return "The NSG is open, but not by this rule.";
}

static void judge(struct nsf_scan *scan, struct nsf_peer_row *row)
{
    uint32_t nsg_idx;
    const struct nsf_scan_nsg *nsg = find_nsg(scan, row->nsg, &nsg_idx);
    row->has_ours = nsg != NULL;
    if (nsg == NULL) {
        row->reason = NSF_SLICE_LIT("The input has no rules of this NSG: what the other tool says stands alone.");
        return;
    }
    row->ours = nsg->verdict;
    const struct nsf_finding *finding = find_finding(scan, nsg_idx, row->rule);
    bool is_ours_known = nsg->verdict != NSF_EXPOSURE_UNKNOWN;
    bool is_ours_open = finding != NULL && finding->verdict != NSF_EXPOSURE_UNKNOWN;
    if (row->rule.len == 0)
        is_ours_open = nsg->verdict == NSF_EXPOSURE_EXPOSED || nsg->verdict == NSF_EXPOSURE_PARTIAL;
    row->is_agreed = row->is_theirs_known && is_ours_known && row->is_theirs_open == is_ours_open;
    if (row->is_agreed)
        return;
    if (!row->is_theirs_known)
        row->reason = NSF_SLICE_LIT("The other tool gave no verdict.");
    else if (is_ours_open && finding != NULL)
        row->reason = finding->note;
    else
        row->reason = nsf_slice_str(why_not_open(scan, row, nsg, nsg_idx));
}

void nsf_peer_rows_judge(struct nsf_scan *scan)
{
    if (scan->n_peers > 1)
        qsort(scan->peers, scan->n_peers, sizeof(*scan->peers), cmp_row);
    for (size_t i = 0; i < scan->n_peers; i++)
        judge(scan, &scan->peers[i]);
}
