#include "core/nsf_common.h"

#include "envelope/scope_cache.h"

#include "core/hash.h"

void nsf_scope_cache_init(struct nsf_scope_cache *cache, struct nsf_scopes *scopes, uint64_t seed)
{
    cache->scopes = scopes;
    cache->seed = seed;
}

static bool is_same_text(struct nsf_slice a, struct nsf_slice b)
{
    return a.ptr == NULL || b.ptr == NULL ? a.ptr == b.ptr : nsf_slice_eq(a, b);
}

/* The last bytes and the length: names of one kind differ there, if anywhere. */
static uint64_t mark_of(struct nsf_slice text)
{
    uint64_t word = 0;
    const size_t n = text.len < sizeof(word) ? text.len : sizeof(word);
    if (n > 0)
        memcpy(&word, text.ptr + text.len - n, n);
    return word ^ (uint64_t)text.len << 56;
}

static void remember(struct nsf_scope_cache_place *place, const struct nsf_cached_scope *found)
{
    memmove(place->ways + 1, place->ways, sizeof(place->ways) - sizeof(place->ways[0]));
    place->ways[0] = *found;
}

static uint32_t ask_table(struct nsf_scope_cache *cache, struct nsf_scope_cache_place *place, uint64_t hash,
                          uint32_t record_id, const struct nsf_scope *scope)
{
    struct nsf_cached_scope fresh = {.hash = hash, .record_id = record_id, .is_used = true};
    fresh.id = nsf_scopes_add(cache->scopes, scope);
    fresh.scope = nsf_scopes_get(cache->scopes, fresh.id);
    remember(place, &fresh);
    return fresh.id;
}

static bool is_same_record(const struct nsf_scope *a, const struct nsf_scope *b)
{
    return a->layout == b->layout && is_same_text(a->mac, b->mac) && is_same_text(a->flow_log, b->flow_log) &&
           is_same_text(a->nsg, b->nsg) && is_same_text(a->rule, b->rule);
}

uint32_t nsf_scope_cache_record(struct nsf_scope_cache *cache, const struct nsf_scope *scope)
{
    const uint64_t hash = nsf_hash_mix(mark_of(scope->flow_log), nsf_hash_mix(mark_of(scope->mac), cache->seed));
    struct nsf_scope_cache_place *place = &cache->records[hash % NSF_SCOPE_CACHE_RECORDS];
    for (unsigned i = 0; i < NSF_SCOPE_CACHE_WAYS && place->ways[i].is_used; i++)
        if (place->ways[i].hash == hash && is_same_record(&place->ways[i].scope, scope))
            return place->ways[i].id;
    return ask_table(cache, place, hash, NSF_SCOPE_CACHE_NO_RECORD, scope);
}

/* Only a virtual network's groups name their NSG: another one's is its flow log. */
static bool is_same_group(const struct nsf_scope *a, const struct nsf_scope *b)
{
    return is_same_text(a->rule, b->rule) && is_same_text(a->mac, b->mac) &&
           (b->layout != NSF_LAYOUT_VNET4 || is_same_text(a->nsg, b->nsg));
}

uint32_t nsf_scope_cache_group(struct nsf_scope_cache *cache, uint32_t record_id, const struct nsf_scope *scope)
{
    if (record_id == NSF_SCOPE_CACHE_NO_RECORD)
        return nsf_scopes_add(cache->scopes, scope);
    /* The end of a rule's name alone would be the same for all that end in "-inbound". */
    const struct nsf_slice front = nsf_slice(scope->rule.ptr, scope->rule.len > 16 ? 16 : scope->rule.len);
    uint64_t hash = nsf_hash_mix(mark_of(scope->rule) ^ mark_of(front) << 7, cache->seed ^ record_id);
    if (scope->layout == NSF_LAYOUT_VNET4)
        hash = nsf_hash_mix(mark_of(scope->nsg), hash);
    struct nsf_scope_cache_place *place = &cache->groups[hash % NSF_SCOPE_CACHE_GROUPS];
    for (unsigned i = 0; i < NSF_SCOPE_CACHE_WAYS && place->ways[i].is_used; i++)
        if (place->ways[i].hash == hash && place->ways[i].record_id == record_id &&
            is_same_group(&place->ways[i].scope, scope))
            return place->ways[i].id;
    return ask_table(cache, place, hash, record_id, scope);
}
