#include "core/nsf_common.h"

#include "store/scan_pack.h"

#include "store/wire.h"

/* ---- writing ---- */

static void put_texts(struct nsf_buf *buf, struct nsf_slices texts)
{
    nsf_wire_put_u64(buf, texts.n);
    for (size_t i = 0; i < texts.n; i++)
        nsf_wire_put_text(buf, texts.items[i]);
}

static void put_place(struct nsf_buf *buf, const struct nsf_place *place)
{
    nsf_wire_put_text(buf, place->file);
    nsf_wire_put_u64(buf, place->offset);
    nsf_wire_put_u64(buf, place->line);
}

static void put_number(struct nsf_buf *buf, nsf_u128 number)
{
    nsf_wire_put_u64(buf, (uint64_t)(number >> 64));
    nsf_wire_put_u64(buf, (uint64_t)number);
}

/* Each range by its distance to the one before and its length: short numbers. */
static void put_set(struct nsf_buf *buf, const struct nsf_ipset *set)
{
    for (int family = 0; family < NSF_FAMILY_N; family++) {
        const struct nsf_ranges *ranges = &set->of[family];
        nsf_u128 at = 0;
        nsf_wire_put_u64(buf, ranges->n);
        for (size_t i = 0; i < ranges->n; i++) {
            put_number(buf, ranges->items[i].first - at);
            put_number(buf, ranges->items[i].last - ranges->items[i].first);
            at = ranges->items[i].last;
        }
    }
}

static void put_inbound_rule(struct nsf_buf *buf, const struct nsf_inbound_rule *rule)
{
    nsf_wire_put_text(buf, rule->name);
    nsf_wire_put_u64(buf, rule->priority);
    nsf_wire_put_u8(buf, rule->is_admin);
    nsf_wire_put_u8(buf, rule->is_allow);
    nsf_wire_put_u8(buf, rule->is_unsure);
    put_set(buf, &rule->sources);
    nsf_wire_put_u8(buf, rule->has_internet);
    nsf_wire_put_u8(buf, rule->has_vnet);
    nsf_wire_put_u8(buf, rule->has_balancer);
    nsf_wire_put_u8(buf, rule->has_unknown);
    nsf_wire_put_u8(buf, rule->is_any_source_port);
    nsf_wire_put_u8(buf, rule->is_any_target);
    nsf_wire_put_u8(buf, rule->has_named_target);
    put_set(buf, &rule->targets);
}

static void put_inbound(struct nsf_buf *buf, const struct nsf_inbound *inbound)
{
    nsf_wire_put_u8(buf, inbound != NULL);
    if (inbound == NULL)
        return;
    nsf_wire_put_u64(buf, inbound->n_rules);
    for (size_t i = 0; i < inbound->n_rules; i++)
        put_inbound_rule(buf, &inbound->rules[i]);
    nsf_wire_put_u64(buf, inbound->n_priorities);
    for (size_t i = 0; i < inbound->n_priorities; i++)
        nsf_wire_put_u64(buf, inbound->priorities[i]);
    nsf_wire_put_u64(buf, inbound->n_custom_rules);
    nsf_wire_put_u64(buf, inbound->n_source_prefixes);
}

static void put_nsg(struct nsf_buf *buf, const struct nsf_scan_nsg *nsg)
{
    nsf_wire_put_text(buf, nsg->id);
    nsf_wire_put_text(buf, nsg->name);
    nsf_wire_put_text(buf, nsg->guid);
    nsf_wire_put_text(buf, nsg->owner);
    nsf_wire_put_u8(buf, (uint8_t)nsg->verdict);
    nsf_wire_put_u8(buf, nsg->is_latent);
    nsf_wire_put_u8(buf, nsg->has_attachment);
    nsf_wire_put_u64(buf, nsg->public_ipv4);
    nsf_wire_put_u8(buf, (uint8_t)nsg->public_ipv6);
    put_texts(buf, nsg->attached_to);
    put_texts(buf, nsg->nic_macs);
    put_texts(buf, nsg->nic_addresses);
    nsf_wire_put_u8(buf, nsg->is_public_path_known);
    nsf_wire_put_u8(buf, nsg->has_public_path);
    put_texts(buf, nsg->notes);
    put_place(buf, &nsg->place);
    nsf_wire_put_u64(buf, nsg->n_rules);
    for (size_t i = 0; i < nsg->n_rules; i++) {
        const struct nsf_scan_rule *rule = &nsg->rules[i];
        nsf_wire_put_text(buf, rule->name);
        nsf_wire_put_u8(buf, (uint8_t)rule->role);
        nsf_wire_put_u8(buf, rule->is_default);
        nsf_wire_put_u8(buf, rule->is_allow);
        nsf_wire_put_u64(buf, rule->priority);
        nsf_wire_put_u64(buf, rule->finding_idx);
    }
    put_inbound(buf, nsg->inbound);
}

static void put_gate(struct nsf_buf *buf, const struct nsf_gate *gate)
{
    nsf_wire_put_u8(buf, (uint8_t)gate->kind);
    nsf_wire_put_text(buf, gate->nsg);
    put_texts(buf, gate->rules);
    nsf_wire_put_u8(buf, gate->is_open);
    nsf_wire_put_u64(buf, gate->public_ipv4);
    nsf_wire_put_u8(buf, (uint8_t)gate->public_ipv6);
    nsf_wire_put_u64(buf, gate->n_nics);
}

static void put_exception(struct nsf_buf *buf, const struct nsf_exception *exception)
{
    nsf_wire_put_u8(buf, exception != NULL);
    if (exception == NULL)
        return;
    nsf_wire_put_text(buf, exception->owner);
    nsf_wire_put_text(buf, exception->reason);
    nsf_wire_put_u64(buf, (uint64_t)exception->expires_ms);
    nsf_wire_put_u8(buf, exception->is_expired);
    nsf_wire_put_u64(buf, (uint64_t)exception->deadline_ms);
    nsf_wire_put_u8(buf, exception->is_past_deadline);
}

static void put_peer(struct nsf_buf *buf, const struct nsf_peer_row *peer)
{
    nsf_wire_put_text(buf, peer->tool);
    nsf_wire_put_text(buf, peer->check);
    nsf_wire_put_text(buf, peer->nsg);
    nsf_wire_put_text(buf, peer->rule);
    nsf_wire_put_text(buf, peer->theirs);
    nsf_wire_put_u8(buf, peer->is_theirs_open);
    nsf_wire_put_u8(buf, peer->is_theirs_known);
    nsf_wire_put_u8(buf, peer->has_ours);
    nsf_wire_put_u8(buf, (uint8_t)peer->ours);
    nsf_wire_put_u8(buf, peer->is_agreed);
    nsf_wire_put_text(buf, peer->reason);
    put_place(buf, &peer->place);
}

static void put_finding(struct nsf_buf *buf, const struct nsf_finding *finding)
{
    nsf_wire_put_u64(buf, finding->nsg_idx);
    nsf_wire_put_text(buf, finding->rule);
    nsf_wire_put_u64(buf, finding->priority);
    nsf_wire_put_u8(buf, (uint8_t)finding->verdict);
    nsf_wire_put_u8(buf, finding->is_latent);
    put_texts(buf, finding->sources);
    put_texts(buf, finding->ports);
    put_texts(buf, finding->all_ports);
    put_texts(buf, finding->all_sources);
    put_texts(buf, finding->destinations);
    nsf_wire_put_text(buf, finding->protocol);
    nsf_wire_put_text(buf, finding->description);
    nsf_wire_put_u8(buf, finding->opens_other_ports);
    nsf_wire_put_u64(buf, finding->public_ipv4);
    nsf_wire_put_u8(buf, (uint8_t)finding->public_ipv6);
    nsf_wire_put_u64(buf, finding->n_reduced_by);
    for (size_t i = 0; i < finding->n_reduced_by; i++) {
        nsf_wire_put_text(buf, finding->reduced_by[i].rule);
        nsf_wire_put_u8(buf, finding->reduced_by[i].is_part);
    }
    put_texts(buf, finding->still_open_via);
    nsf_wire_put_u64(buf, finding->n_gates);
    for (size_t i = 0; i < finding->n_gates; i++)
        put_gate(buf, &finding->gates[i]);
    nsf_wire_put_u8(buf, finding->is_blocked);
    nsf_wire_put_u8(buf, finding->is_admin_rule);
    nsf_wire_put_u8(buf, finding->decides_all);
    put_exception(buf, finding->exception);
    nsf_wire_put_text(buf, finding->note);
    put_place(buf, &finding->place);
}

static void put_problems(struct nsf_buf *buf, const struct nsf_problems *problems)
{
    nsf_wire_put_u64(buf, problems == NULL ? 0 : problems->n);
    for (size_t i = 0; problems != NULL && i < problems->n; i++) {
        const struct nsf_problem *problem = &problems->items[i];
        nsf_wire_put_text(buf, problem->path);
        nsf_wire_put_text(buf, nsf_slice_str(nsf_code_name(problem->code)));
        nsf_wire_put_u64(buf, problem->offset);
        nsf_wire_put_text(buf, problem->detail);
        nsf_wire_put_u64(buf, problem->count);
    }
    nsf_wire_put_u64(buf, problems == NULL ? 0 : problems->n_dropped);
}

void nsf_scan_pack(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_buf *buf)
{
    nsf_wire_put_u8(buf, NSF_SCAN_PACK_VERSION);
    nsf_wire_put_u64(buf, scan->n_files);
    nsf_wire_put_u64(buf, scan->port);
    nsf_wire_put_u64(buf, scan->n_rules);
    nsf_wire_put_u64(buf, scan->n_rules_described);
    nsf_wire_put_u64(buf, scan->n_rules_owned);
    nsf_wire_put_u64(buf, scan->n_nsgs);
    for (size_t i = 0; i < scan->n_nsgs; i++)
        put_nsg(buf, &scan->nsgs[i]);
    nsf_wire_put_u64(buf, scan->n_findings);
    for (size_t i = 0; i < scan->n_findings; i++)
        put_finding(buf, &scan->findings[i]);
    nsf_wire_put_u64(buf, scan->n_shadowed);
    for (size_t i = 0; i < scan->n_shadowed; i++) {
        nsf_wire_put_u64(buf, scan->shadowed[i].nsg_idx);
        nsf_wire_put_text(buf, scan->shadowed[i].rule);
        nsf_wire_put_u64(buf, scan->shadowed[i].priority);
        put_texts(buf, scan->shadowed[i].by);
    }
    nsf_wire_put_u64(buf, scan->n_peers);
    for (size_t i = 0; i < scan->n_peers; i++)
        put_peer(buf, &scan->peers[i]);
    put_problems(buf, problems);
}

/* ---- and back: indices and words are held against what there is, the rest is free text ---- */

struct taking {
    struct nsf_wire wire;
    struct nsf_arena *arena;
};

static struct nsf_slice take_text(struct taking *taking)
{
    struct nsf_slice text = nsf_wire_text(&taking->wire);
    return text.ptr == NULL ? text : nsf_arena_copy(taking->arena, text);
}

static struct nsf_slices take_texts(struct taking *taking)
{
    struct nsf_slices texts = {.n = nsf_wire_count(&taking->wire, 1)};
    texts.items = nsf_arena_zalloc(taking->arena, texts.n, sizeof(*texts.items));
    for (size_t i = 0; i < texts.n; i++)
        texts.items[i] = take_text(taking);
    return texts;
}

static bool take_bool(struct taking *taking)
{
    return nsf_wire_u64_max(&taking->wire, 1) != 0;
}

static struct nsf_place take_place(struct taking *taking)
{
    struct nsf_place place = {.file = take_text(taking)};
    place.offset = nsf_wire_u64(&taking->wire);
    place.line = (uint32_t)nsf_wire_u64_max(&taking->wire, UINT32_MAX);
    return place;
}

static uint32_t take_u32(struct taking *taking)
{
    return (uint32_t)nsf_wire_u64_max(&taking->wire, UINT32_MAX);
}

static enum nsf_exposure take_exposure(struct taking *taking)
{
    return (enum nsf_exposure)nsf_wire_u64_max(&taking->wire, NSF_EXPOSURE_EXPOSED);
}

static enum nsf_v6_extent take_extent(struct taking *taking)
{
    return (enum nsf_v6_extent)nsf_wire_u64_max(&taking->wire, NSF_V6_FULL);
}

static nsf_u128 take_number(struct taking *taking)
{
    nsf_u128 high = nsf_wire_u64(&taking->wire);
    return high << 64 | nsf_wire_u64(&taking->wire);
}

/* Ranges that are no set of their family, sorted and apart, are none that was written. */
static struct nsf_ipset take_set(struct taking *taking)
{
    struct nsf_wire *wire = &taking->wire;
    struct nsf_ipset set = {0};
    for (int family = 0; family < NSF_FAMILY_N; family++) {
        struct nsf_ranges *ranges = &set.of[family];
        nsf_u128 left = nsf_family_last((enum nsf_family)family), at = 0;
        ranges->n = nsf_wire_count(wire, 4);
        ranges->items = nsf_arena_zalloc(taking->arena, ranges->n, sizeof(*ranges->items));
        for (size_t i = 0; i < ranges->n && !wire->has_failed; i++) {
            nsf_u128 gap = take_number(taking), length = take_number(taking);
            wire->has_failed |= gap > left || length > left - gap || (i > 0 && gap < 2);
            ranges->items[i] = (struct nsf_range){at + gap, at + gap + length};
            at += gap + length;
            left -= wire->has_failed ? left : gap + length;
        }
    }
    return set;
}

static void take_inbound_rule(struct taking *taking, struct nsf_inbound_rule *rule)
{
    rule->name = take_text(taking);
    rule->priority = (uint32_t)nsf_wire_u64_max(&taking->wire, UINT32_MAX);
    rule->is_admin = take_bool(taking);
    rule->is_allow = take_bool(taking);
    rule->is_unsure = take_bool(taking);
    rule->sources = take_set(taking);
    rule->has_internet = take_bool(taking);
    rule->has_vnet = take_bool(taking);
    rule->has_balancer = take_bool(taking);
    rule->has_unknown = take_bool(taking);
    rule->is_any_source_port = take_bool(taking);
    rule->is_any_target = take_bool(taking);
    rule->has_named_target = take_bool(taking);
    rule->targets = take_set(taking);
}

static const struct nsf_inbound *take_inbound(struct taking *taking)
{
    struct nsf_wire *wire = &taking->wire;
    if (!take_bool(taking))
        return NULL;
    struct nsf_inbound *inbound = nsf_arena_zalloc(taking->arena, 1, sizeof(*inbound));
    inbound->n_rules = nsf_wire_count(wire, 16);
    inbound->rules = nsf_arena_zalloc(taking->arena, inbound->n_rules, sizeof(*inbound->rules));
    for (size_t i = 0; i < inbound->n_rules; i++)
        take_inbound_rule(taking, &inbound->rules[i]);
    inbound->n_priorities = nsf_wire_count(wire, 1);
    inbound->priorities = nsf_arena_zalloc(taking->arena, inbound->n_priorities, sizeof(*inbound->priorities));
    for (size_t i = 0; i < inbound->n_priorities; i++)
        inbound->priorities[i] = (uint16_t)nsf_wire_u64_max(wire, UINT16_MAX);
    inbound->n_custom_rules = nsf_wire_u64(wire);
    inbound->n_source_prefixes = nsf_wire_u64(wire);
    return inbound;
}

static void take_nsg(struct taking *taking, struct nsf_scan_nsg *nsg)
{
    nsg->id = take_text(taking);
    nsg->name = take_text(taking);
    nsg->guid = take_text(taking);
    nsg->owner = take_text(taking);
    nsg->verdict = take_exposure(taking);
    nsg->is_latent = take_bool(taking);
    nsg->has_attachment = take_bool(taking);
    nsg->public_ipv4 = nsf_wire_u64(&taking->wire);
    nsg->public_ipv6 = take_extent(taking);
    nsg->attached_to = take_texts(taking);
    nsg->nic_macs = take_texts(taking);
    nsg->nic_addresses = take_texts(taking);
    nsg->is_public_path_known = take_bool(taking);
    nsg->has_public_path = take_bool(taking);
    nsg->notes = take_texts(taking);
    nsg->place = take_place(taking);
    nsg->n_rules = nsf_wire_count(&taking->wire, 6);
    nsg->rules = nsf_arena_zalloc(taking->arena, nsg->n_rules, sizeof(*nsg->rules));
    for (size_t i = 0; i < nsg->n_rules; i++) {
        nsg->rules[i].name = take_text(taking);
        nsg->rules[i].role = (enum nsf_rule_role)nsf_wire_u64_max(&taking->wire, NSF_RULE_ROLE_SHADOWED);
        nsg->rules[i].is_default = take_bool(taking);
        nsg->rules[i].is_allow = take_bool(taking);
        nsg->rules[i].priority = take_u32(taking);
        nsg->rules[i].finding_idx = take_u32(taking);
    }
    nsg->inbound = take_inbound(taking);
}

static void take_gate(struct taking *taking, struct nsf_gate *gate)
{
    gate->kind = (enum nsf_gate_kind)nsf_wire_u64_max(&taking->wire, NSF_GATE_ADMIN_RULES);
    gate->nsg = take_text(taking);
    gate->rules = take_texts(taking);
    gate->is_open = take_bool(taking);
    gate->public_ipv4 = nsf_wire_u64(&taking->wire);
    gate->public_ipv6 = take_extent(taking);
    gate->n_nics = nsf_wire_u64(&taking->wire);
}

static const struct nsf_exception *take_exception(struct taking *taking)
{
    if (!take_bool(taking))
        return NULL;
    struct nsf_exception *exception = nsf_arena_zalloc(taking->arena, 1, sizeof(*exception));
    exception->owner = take_text(taking);
    exception->reason = take_text(taking);
    exception->expires_ms = (int64_t)nsf_wire_u64(&taking->wire);
    exception->is_expired = take_bool(taking);
    exception->deadline_ms = (int64_t)nsf_wire_u64(&taking->wire);
    exception->is_past_deadline = take_bool(taking);
    return exception;
}

static void take_peer(struct taking *taking, struct nsf_peer_row *peer)
{
    peer->tool = take_text(taking);
    peer->check = take_text(taking);
    peer->nsg = take_text(taking);
    peer->rule = take_text(taking);
    peer->theirs = take_text(taking);
    peer->is_theirs_open = take_bool(taking);
    peer->is_theirs_known = take_bool(taking);
    peer->has_ours = take_bool(taking);
    peer->ours = take_exposure(taking);
    peer->is_agreed = take_bool(taking);
    peer->reason = take_text(taking);
    peer->place = take_place(taking);
}

static void take_finding(struct taking *taking, struct nsf_finding *finding)
{
    finding->nsg_idx = take_u32(taking);
    finding->rule = take_text(taking);
    finding->priority = take_u32(taking);
    finding->verdict = take_exposure(taking);
    finding->is_latent = take_bool(taking);
    finding->sources = take_texts(taking);
    finding->ports = take_texts(taking);
    finding->all_ports = take_texts(taking);
    finding->all_sources = take_texts(taking);
    finding->destinations = take_texts(taking);
    finding->protocol = take_text(taking);
    finding->description = take_text(taking);
    finding->opens_other_ports = take_bool(taking);
    finding->public_ipv4 = nsf_wire_u64(&taking->wire);
    finding->public_ipv6 = take_extent(taking);
    finding->n_reduced_by = nsf_wire_count(&taking->wire, 2);
    finding->reduced_by = nsf_arena_zalloc(taking->arena, finding->n_reduced_by, sizeof(*finding->reduced_by));
    for (size_t i = 0; i < finding->n_reduced_by; i++) {
        finding->reduced_by[i].rule = take_text(taking);
        finding->reduced_by[i].is_part = take_bool(taking);
    }
    finding->still_open_via = take_texts(taking);
    finding->n_gates = nsf_wire_count(&taking->wire, 7);
    finding->gates = nsf_arena_zalloc(taking->arena, finding->n_gates, sizeof(*finding->gates));
    for (size_t i = 0; i < finding->n_gates; i++)
        take_gate(taking, &finding->gates[i]);
    finding->is_blocked = take_bool(taking);
    finding->is_admin_rule = take_bool(taking);
    finding->decides_all = take_bool(taking);
    finding->exception = take_exception(taking);
    finding->note = take_text(taking);
    finding->place = take_place(taking);
}

static void take_shadowed(struct taking *taking, struct nsf_shadowed *shadowed)
{
    shadowed->nsg_idx = take_u32(taking);
    shadowed->rule = take_text(taking);
    shadowed->priority = take_u32(taking);
    shadowed->by = take_texts(taking);
}

static void take_problems(struct taking *taking, struct nsf_problems *problems)
{
    struct nsf_wire *wire = &taking->wire;
    size_t n = nsf_wire_count(wire, 5);
    for (size_t i = 0; i < n && !wire->has_failed; i++) {
        struct nsf_problem problem = {.path = nsf_wire_text(wire)};
        struct nsf_slice code = nsf_wire_text(wire);
        problem.offset = nsf_wire_u64(wire);
        problem.detail = nsf_wire_text(wire);
        problem.count = nsf_wire_u64(wire);
        wire->has_failed |= !nsf_code_find(code, &problem.code);
        if (!wire->has_failed)
            nsf_problems_add(problems, &problem);
    }
    problems->n_dropped += nsf_wire_u64(wire);
}

static bool has_good_indices(const struct nsf_scan *scan)
{
    for (size_t i = 0; i < scan->n_findings; i++)
        if (scan->findings[i].nsg_idx >= scan->n_nsgs)
            return false;
    for (size_t i = 0; i < scan->n_shadowed; i++)
        if (scan->shadowed[i].nsg_idx >= scan->n_nsgs)
            return false;
    for (size_t i = 0; i < scan->n_nsgs; i++)
        for (size_t r = 0; r < scan->nsgs[i].n_rules; r++)
            if (scan->nsgs[i].rules[r].role == NSF_RULE_ROLE_FINDING &&
                scan->nsgs[i].rules[r].finding_idx >= scan->n_findings)
                return false;
    return true;
}

nsf_result nsf_scan_unpack(struct nsf_slice packed, struct nsf_scan *scan, struct nsf_problems *problems,
                           struct nsf_err *err)
{
    *scan = (struct nsf_scan){0};
    nsf_arena_init(&scan->arena);
    struct taking taking = {.wire = nsf_wire_of(packed), .arena = &scan->arena};
    struct nsf_wire *wire = &taking.wire;
    uint8_t version = nsf_wire_u8(wire);
    if (!wire->has_failed && version != NSF_SCAN_PACK_VERSION)
        return NSF_FAIL(err, NSF_E_STORE, NSF_OFFSET_NONE,
                        "the rules in the evidence store were kept by another version "
                        "of nsgflow: give --rules");
    scan->n_files = nsf_wire_u64(wire);
    scan->port = (uint16_t)nsf_wire_u64_max(wire, UINT16_MAX);
    scan->n_rules = nsf_wire_u64(wire);
    scan->n_rules_described = nsf_wire_u64(wire);
    scan->n_rules_owned = nsf_wire_u64(wire);
    scan->n_nsgs = nsf_wire_count(wire, 16);
    scan->nsgs = nsf_arena_zalloc(&scan->arena, scan->n_nsgs, sizeof(*scan->nsgs));
    for (size_t i = 0; i < scan->n_nsgs; i++)
        take_nsg(&taking, &scan->nsgs[i]);
    scan->n_findings = nsf_wire_count(wire, 20);
    scan->findings = nsf_arena_zalloc(&scan->arena, scan->n_findings, sizeof(*scan->findings));
    for (size_t i = 0; i < scan->n_findings; i++)
        take_finding(&taking, &scan->findings[i]);
    scan->n_shadowed = nsf_wire_count(wire, 4);
    scan->shadowed = nsf_arena_zalloc(&scan->arena, scan->n_shadowed, sizeof(*scan->shadowed));
    for (size_t i = 0; i < scan->n_shadowed; i++)
        take_shadowed(&taking, &scan->shadowed[i]);
    scan->n_peers = nsf_wire_count(wire, 14);
    scan->peers = nsf_arena_zalloc(&scan->arena, scan->n_peers, sizeof(*scan->peers));
    for (size_t i = 0; i < scan->n_peers; i++)
        take_peer(&taking, &scan->peers[i]);
    take_problems(&taking, problems);
    if (wire->has_failed || nsf_wire_left(wire) > 0 || !has_good_indices(scan))
        return NSF_FAIL(err, NSF_E_STORE, NSF_OFFSET_NONE, "the rules in the evidence store are damaged: give --rules");
    return nsf_ok();
}
