#include "core/nsf_common.h"

#include "evidence/join.h"

#include "core/buf.h"
#include "core/hash.h"
#include "core/index.h"
#include "core/limits.h"

/* NSG flow logs were seen to cut rule names to 65 characters; names may have 80. */
#define JOIN_CUT_NAME_CHARS 65

struct nsf_join {
    const struct nsf_scan *scan;
    uint64_t seed;
    struct nsf_index by_id;
    struct nsf_index by_guid;
};

const char *nsf_join_reason_name(enum nsf_join_reason reason)
{
    static const char *const names[] = {
        "finding",     "platform",     "unspecified", "bare_rule",    "admin_rule",
        "unknown_nsg", "unknown_rule", "shadowed",    "not_exposing",
    };
    return names[reason];
}

/* FNV-1a over folded bytes: ids are short and folding while hashing needs no copy. */
static uint32_t hash_nocase(struct nsf_slice s, uint64_t seed)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)nsf_ascii_lower(s.ptr[i])) * UINT64_C(0x100000001b3);
    return (uint32_t)nsf_hash_mix(h, seed);
}

struct nsf_join *nsf_join_new(const struct nsf_scan *scan)
{
    struct nsf_join *join = nsf_calloc(1, sizeof(*join));
    join->scan = scan;
    join->seed = nsf_hash_random_seed();
    for (uint32_t i = 0; i < scan->n_nsgs; i++) {
        const struct nsf_scan_nsg *nsg = &scan->nsgs[i];
        nsf_index_add(&join->by_id, hash_nocase(nsg->id, join->seed), i);
        if (nsg->guid.len > 0)
            nsf_index_add(&join->by_guid, hash_nocase(nsg->guid, join->seed), i);
    }
    return join;
}

void nsf_join_free(struct nsf_join *join)
{
    if (join == NULL)
        return;
    nsf_index_release(&join->by_id);
    nsf_index_release(&join->by_guid);
    nsf_free(join);
}

static uint32_t find_nsg(const struct nsf_join *join, struct nsf_slice id)
{
    uint32_t hash = hash_nocase(id, join->seed), probe = hash, idx;
    while ((idx = nsf_index_next(&join->by_id, hash, &probe)) != NSF_INDEX_NONE)
        if (nsf_slice_eq_nocase(join->scan->nsgs[idx].id, id))
            return idx;
    probe = hash;
    while ((idx = nsf_index_next(&join->by_guid, hash, &probe)) != NSF_INDEX_NONE)
        if (nsf_slice_eq_nocase(join->scan->nsgs[idx].guid, id))
            return idx;
    return NSF_JOIN_NONE;
}

/* First rule of the NSG, in its order by name without case, that is not before `name`. */
static size_t lower_bound(const struct nsf_scan_nsg *nsg, struct nsf_slice name)
{
    size_t from = 0, to = nsg->n_rules;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (nsf_slice_cmp_nocase(nsg->rules[mid].name, name) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static uint32_t find_rule(const struct nsf_scan_nsg *nsg, struct nsf_slice name, bool is_default, bool may_be_cut)
{
    size_t at = lower_bound(nsg, name);
    for (size_t i = at; i < nsg->n_rules && nsf_slice_eq_nocase(nsg->rules[i].name, name); i++)
        if (nsg->rules[i].is_default == is_default)
            return (uint32_t)i;
    if (!may_be_cut || name.len < JOIN_CUT_NAME_CHARS)
        return NSF_JOIN_NONE;
    uint32_t only = NSF_JOIN_NONE;
    for (size_t i = at; i < nsg->n_rules && nsf_slice_has_prefix_nocase(nsg->rules[i].name, name); i++) {
        if (nsg->rules[i].is_default != is_default)
            continue;
        if (only != NSF_JOIN_NONE)
            return NSF_JOIN_NONE;
        only = (uint32_t)i;
    }
    return only;
}

static bool is_platform_default(struct nsf_slice name)
{
    static const char *const names[] = {
        "AllowVnetInBound",  "AllowAzureLoadBalancerInBound", "DenyAllInBound",
        "AllowVnetOutBound", "AllowInternetOutBound",         "DenyAllOutBound",
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(names); i++)
        if (nsf_slice_eq_nocase(name, nsf_slice_str(names[i])))
            return true;
    return false;
}

static bool is_word(struct nsf_slice s, const char *word)
{
    return nsf_slice_eq_nocase(s, nsf_slice_str(word));
}

/* All zeros, with or without dashes: what the platform writes where no NSG decided. */
static bool is_zero_id(struct nsf_slice id)
{
    bool has_zero = false;
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] != '0' && id.ptr[i] != '-')
            return false;
        has_zero |= id.ptr[i] == '0';
    }
    return has_zero;
}

static enum nsf_join_reason reason_of_rule(const struct nsf_scan_nsg *nsg, uint32_t rule_idx, bool is_default,
                                           struct nsf_slice name)
{
    if (rule_idx == NSF_JOIN_NONE)
        return is_default && is_platform_default(name) ? NSF_JOIN_NOT_EXPOSING : NSF_JOIN_UNKNOWN_RULE;
    switch (nsg->rules[rule_idx].role) {
    case NSF_RULE_ROLE_FINDING:
        return NSF_JOIN_FINDING;
    case NSF_RULE_ROLE_SHADOWED:
        return NSF_JOIN_SHADOWED;
    case NSF_RULE_ROLE_OTHER:
        return NSF_JOIN_NOT_EXPOSING;
    }
    NSF_BUG("unknown role of a rule");
}

struct nsf_joined nsf_join_resolve(const struct nsf_join *join, const struct nsf_scope *scope)
{
    static const struct nsf_slice user_prefix = {"UserRule_", 9}, default_prefix = {"DefaultRule_", 12};
    struct nsf_joined joined = {.nsg_idx = NSF_JOIN_NONE, .rule_idx = NSF_JOIN_NONE, .finding_idx = NSF_JOIN_NONE};
    struct nsf_slice rule = scope->rule;
    joined.nsg_idx = find_nsg(join, scope->nsg);
    if (is_word(rule, "PlatformRule") || is_zero_id(scope->nsg)) {
        joined.reason = NSF_JOIN_PLATFORM;
        return joined;
    }
    if (is_word(rule, "unspecified") || is_word(scope->nsg, "unspecified")) {
        joined.reason = NSF_JOIN_UNSPECIFIED;
        return joined;
    }
    if (rule.len == 0 || is_word(rule, "UserRule") || is_word(rule, "DefaultRule")) {
        joined.reason = NSF_JOIN_BARE_RULE;
        return joined;
    }
    bool is_user = nsf_slice_has_prefix_nocase(rule, user_prefix);
    bool is_default = !is_user && nsf_slice_has_prefix_nocase(rule, default_prefix);
    if (!is_user && !is_default) {
        joined.reason = NSF_JOIN_ADMIN_RULE;
        return joined;
    }
    if (joined.nsg_idx == NSF_JOIN_NONE) {
        joined.reason = NSF_JOIN_UNKNOWN_NSG;
        return joined;
    }
    const struct nsf_scan_nsg *nsg = &join->scan->nsgs[joined.nsg_idx];
    struct nsf_slice name = nsf_slice_from(rule, is_user ? user_prefix.len : default_prefix.len);
    joined.rule_idx = find_rule(nsg, name, is_default, scope->layout != NSF_LAYOUT_VNET4);
    joined.reason = reason_of_rule(nsg, joined.rule_idx, is_default, name);
    if (joined.reason == NSF_JOIN_FINDING)
        joined.finding_idx = nsg->rules[joined.rule_idx].finding_idx;
    return joined;
}

uint32_t nsf_join_nsg(const struct nsf_join *join, struct nsf_slice nsg)
{
    return nsg.len == 0 ? NSF_JOIN_NONE : find_nsg(join, nsg);
}
