#include "core/nsf_common.h"

#include "exposure/tags.h"

#include "core/mem.h"

#define TAG_MAX_BYTES 128

void nsf_tags_init(struct nsf_tags *tags, struct nsf_tag_lookup lookup)
{
    *tags = (struct nsf_tags){.lookup = lookup};
    nsf_intern_init(&tags->names, 0); /* the names come from the user's own definitions and show in no order */
}

void nsf_tags_release(struct nsf_tags *tags)
{
    for (uint32_t i = 0; i < tags->names.n; i++)
        nsf_ipset_release(&tags->sets[i]);
    nsf_intern_release(&tags->names);
    nsf_free(tags->sets);
    nsf_free(tags->is_known);
}

static void look_up(struct nsf_tags *tags, uint32_t id, struct nsf_slice tag)
{
    const struct nsf_prefix *prefixes;
    size_t n;
    NSF_GROW(tags->sets, tags->capacity, (size_t)id + 1);
    NSF_GROW(tags->is_known, tags->known_capacity, (size_t)id + 1);
    tags->sets[id] = (struct nsf_ipset){0};
    tags->is_known[id] = tags->lookup.find(tags->lookup.ctx, tag, &prefixes, &n);
    if (!tags->is_known[id])
        return;
    for (size_t i = 0; i < n; i++)
        nsf_ipset_add_prefix(&tags->sets[id], prefixes[i]);
    nsf_ipset_normalize(&tags->sets[id]);
}

const struct nsf_ipset *nsf_tags_find(struct nsf_tags *tags, struct nsf_slice tag)
{
    char lower[TAG_MAX_BYTES];
    if (tags->lookup.find == NULL || tag.len > sizeof(lower))
        return NULL;
    for (size_t i = 0; i < tag.len; i++)
        lower[i] = nsf_ascii_lower(tag.ptr[i]);
    uint32_t n_before = tags->names.n;
    uint32_t id = nsf_intern_add(&tags->names, nsf_slice(lower, tag.len));
    if (id == n_before)
        look_up(tags, id, tag);
    return tags->is_known[id] ? &tags->sets[id] : NULL;
}
