#include "core/nsf_common.h"

#include "lists/networks.h"

#include "core/hash.h"
#include "core/intern.h"
#include "core/mem.h"

#define V4_BLOCKS 256u

/* An interval of the address space and the narrowest entry around it: what a look-up finds by bisection. */
struct stretch {
    struct nsf_ip first;
    uint32_t entry; /* index + 1; 0: no entry */
};

struct nsf_networks {
    struct nsf_arena arena;
    struct nsf_intern names; /* in lower case */
    uint32_t n_nameless;     /* entries without a name get ids from UINT32_MAX down */
    struct nsf_listed *entries;
    size_t n_entries;
    size_t entries_capacity;
    struct nsf_list_origin *origins;
    size_t n_origins;
    size_t origins_capacity;
    bool is_finished;
    struct stretch *stretches;
    size_t n_stretches;
    uint32_t v4_from[V4_BLOCKS + 1]; /* the stretch that holds a.0.0.0, for each a, and 255.255.255.255 */
    struct nsf_prefix *by_name;      /* grouped by name id */
    size_t *name_from;               /* by_name index of each name id, and the end */
};

struct nsf_networks *nsf_networks_new(void)
{
    struct nsf_networks *networks = nsf_calloc(1, sizeof(*networks));
    nsf_arena_init(&networks->arena);
    nsf_intern_init(&networks->names, nsf_hash_random_seed());
    return networks;
}

void nsf_networks_free(struct nsf_networks *networks)
{
    if (networks == NULL)
        return;
    nsf_free(networks->name_from);
    nsf_free(networks->by_name);
    nsf_free(networks->stretches);
    nsf_free(networks->origins);
    nsf_free(networks->entries);
    nsf_intern_release(&networks->names);
    nsf_arena_release(&networks->arena);
    nsf_free(networks);
}

uint32_t nsf_networks_add_origin(struct nsf_networks *networks, struct nsf_slice path, struct nsf_slice date)
{
    NSF_GROW(networks->origins, networks->origins_capacity, networks->n_origins + 1);
    struct nsf_list_origin *origin = &networks->origins[networks->n_origins];
    origin->path = nsf_arena_copy(&networks->arena, path);
    origin->date = date.ptr == NULL ? date : nsf_arena_copy(&networks->arena, date);
    return (uint32_t)networks->n_origins++;
}

static struct nsf_slice lower_copy(struct nsf_arena *arena, struct nsf_slice text)
{
    char *copy = nsf_arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = nsf_ascii_lower(text.ptr[i]);
    copy[text.len] = '\0';
    return nsf_slice(copy, text.len);
}

void nsf_networks_add(struct nsf_networks *networks, struct nsf_prefix prefix, struct nsf_slice name,
                      uint32_t origin_idx)
{
    NSF_GROW(networks->entries, networks->entries_capacity, networks->n_entries + 1);
    struct nsf_listed *entry = &networks->entries[networks->n_entries++];
    *entry = (struct nsf_listed){.prefix = prefix, .origin_idx = origin_idx};
    if (name.len == 0) {
        entry->name_id = UINT32_MAX - networks->n_nameless++;
        return;
    }
    const struct nsf_listed *before = networks->n_entries < 2 ? NULL : entry - 1;
    if (before != NULL && nsf_slice_eq(before->name, name)) { /* lists name their entries in blocks */
        entry->name = before->name;
        entry->name_id = before->name_id;
        return;
    }
    struct nsf_arena scratch;
    nsf_arena_init(&scratch);
    entry->name = nsf_arena_copy(&networks->arena, name);
    entry->name_id = nsf_intern_add(&networks->names, lower_copy(&scratch, name));
    nsf_arena_release(&scratch);
}

/* ---- 128-bit numbers ---- */

static bool is_ip_last(struct nsf_ip ip)
{
    return ip.hi == UINT64_MAX && ip.lo == UINT64_MAX;
}

/* As 128-bit numbers; nsf_ip_cmp sorts IPv4 first. */
static int number_cmp(struct nsf_ip a, struct nsf_ip b)
{
    if (a.hi != b.hi)
        return a.hi < b.hi ? -1 : 1;
    return (a.lo > b.lo) - (a.lo < b.lo);
}

void nsf_networks_add_range(struct nsf_networks *networks, struct nsf_ip first, struct nsf_ip last,
                            struct nsf_slice name, uint32_t origin_idx)
{
    while (number_cmp(first, last) <= 0) {
        struct nsf_prefix block = nsf_prefix_widest(first, last);
        nsf_networks_add(networks, block, name, origin_idx);
        if (is_ip_last(nsf_prefix_last(block)))
            break;
        first = nsf_ip_next(nsf_prefix_last(block));
    }
}

/* ---- the finished table ---- */

/* By address as a number, the wider first, then name (none last), then origin: nothing depends on who came first. */
static int entry_cmp(const void *left, const void *right, void *ctx)
{
    const struct nsf_listed *a = left, *b = right;
    const struct nsf_list_origin *origins = ctx;
    int order = number_cmp(a->prefix.ip, b->prefix.ip);
    if (order != 0)
        return order;
    if (a->prefix.bits != b->prefix.bits)
        return a->prefix.bits < b->prefix.bits ? -1 : 1;
    if ((a->name.len == 0) != (b->name.len == 0))
        return a->name.len == 0 ? 1 : -1;
    order = nsf_slice_cmp(a->name, b->name);
    return order != 0 ? order : nsf_slice_cmp(origins[a->origin_idx].path, origins[b->origin_idx].path);
}

static void put_stretch(struct nsf_networks *networks, struct nsf_ip first, uint32_t entry)
{
    size_t n = networks->n_stretches;
    if (n > 0 && nsf_ip_eq(networks->stretches[n - 1].first, first)) {
        networks->stretches[n - 1].entry = entry;
        return;
    }
    networks->stretches[networks->n_stretches++] = (struct stretch){first, entry};
}

/* Walks the entries in order with a stack of those that are open; prefixes nest or are apart, never cross. */
static void make_stretches(struct nsf_networks *networks)
{
    networks->stretches =
        nsf_calloc(nsf_add_size(nsf_mul_size(networks->n_entries, 2), 1), sizeof(*networks->stretches));
    put_stretch(networks, (struct nsf_ip){0, 0}, 0);
    uint32_t open[129];
    size_t n_open = 0;
    for (size_t i = 0; i <= networks->n_entries; i++) {
        const struct nsf_listed *next = i < networks->n_entries ? &networks->entries[i] : NULL;
        while (n_open > 0) {
            struct nsf_ip last = nsf_prefix_last(networks->entries[open[n_open - 1] - 1].prefix);
            if (next != NULL && number_cmp(next->prefix.ip, last) <= 0)
                break;
            n_open--;
            if (!is_ip_last(last))
                put_stretch(networks, nsf_ip_next(last), n_open == 0 ? 0 : open[n_open - 1]);
        }
        if (next == NULL)
            break;
        if (n_open > 0 && nsf_prefix_cmp(networks->entries[open[n_open - 1] - 1].prefix, next->prefix) == 0)
            continue; /* the same prefix under a name that sorts behind */
        open[n_open++] = (uint32_t)i + 1;
        put_stretch(networks, next->prefix.ip, (uint32_t)i + 1);
    }
}

/* Index of the stretch that holds ip, which is among the n from `from` on. */
static size_t bisect(const struct nsf_networks *networks, size_t from, size_t n, struct nsf_ip ip)
{
    while (n > 1) {
        size_t half = n / 2;
        from += number_cmp(networks->stretches[from + half].first, ip) <= 0 ? half : 0;
        n -= half;
    }
    return from;
}

static void index_v4(struct nsf_networks *networks)
{
    for (uint32_t a = 0; a < V4_BLOCKS; a++)
        networks->v4_from[a] = (uint32_t)bisect(networks, 0, networks->n_stretches, nsf_ip_from_v4(a << 24));
    networks->v4_from[V4_BLOCKS] = (uint32_t)bisect(networks, 0, networks->n_stretches, nsf_ip_from_v4(UINT32_MAX));
}

static void group_by_name(struct nsf_networks *networks)
{
    size_t n_names = networks->names.n;
    networks->by_name = nsf_calloc(networks->n_entries + 1, sizeof(*networks->by_name));
    networks->name_from = nsf_calloc(n_names + 2, sizeof(*networks->name_from));
    size_t *fill = networks->name_from + 1; /* shifted by one while filling */
    for (size_t i = 0; i < networks->n_entries; i++)
        if (networks->entries[i].name_id < n_names)
            fill[networks->entries[i].name_id]++;
    for (size_t id = 1; id <= n_names; id++)
        fill[id] += fill[id - 1];
    size_t *next = nsf_calloc(n_names + 1, sizeof(*next));
    memcpy(next, networks->name_from, n_names * sizeof(*next));
    for (size_t i = 0; i < networks->n_entries; i++)
        if (networks->entries[i].name_id < n_names)
            networks->by_name[next[networks->entries[i].name_id]++] = networks->entries[i].prefix;
    nsf_free(next);
}

void nsf_networks_finish(struct nsf_networks *networks)
{
    if (networks->is_finished)
        return;
    networks->is_finished = true;
    if (networks->n_entries > 1)
        qsort_r(networks->entries, networks->n_entries, sizeof(*networks->entries), entry_cmp, networks->origins);
    make_stretches(networks);
    index_v4(networks);
    group_by_name(networks);
}

/* ---- questions ---- */

size_t nsf_networks_count(const struct nsf_networks *networks)
{
    return networks == NULL ? 0 : networks->n_entries;
}

/* Index of the stretch that holds ip; the first one begins at zero. */
static size_t stretch_of(const struct nsf_networks *networks, struct nsf_ip ip)
{
    if (!nsf_ip_is_v4(ip))
        return bisect(networks, 0, networks->n_stretches, ip);
    const uint32_t *from = networks->v4_from + (nsf_ip_to_v4(ip) >> 24);
    return bisect(networks, from[0], from[1] - from[0] + 1, ip);
}

const struct nsf_listed *nsf_networks_find(const struct nsf_networks *networks, struct nsf_ip ip)
{
    if (networks == NULL || networks->n_entries == 0)
        return NULL;
    uint32_t entry = networks->stretches[stretch_of(networks, ip)].entry;
    return entry == 0 ? NULL : &networks->entries[entry - 1];
}

bool nsf_networks_touches(const struct nsf_networks *networks, struct nsf_prefix prefix)
{
    if (networks == NULL || networks->n_entries == 0)
        return false;
    struct nsf_ip last = nsf_prefix_last(prefix);
    for (size_t i = stretch_of(networks, prefix.ip); i < networks->n_stretches; i++) {
        if (number_cmp(networks->stretches[i].first, last) > 0)
            return false;
        if (networks->stretches[i].entry != 0)
            return true;
    }
    return false;
}

size_t nsf_networks_of_name_id(const struct nsf_networks *networks, uint32_t name_id,
                               const struct nsf_prefix **prefixes)
{
    if (networks == NULL || name_id >= networks->names.n)
        return 0;
    *prefixes = networks->by_name + networks->name_from[name_id];
    return networks->name_from[name_id + 1] - networks->name_from[name_id];
}

size_t nsf_networks_named(const struct nsf_networks *networks, struct nsf_slice name,
                          const struct nsf_prefix **prefixes)
{
    if (networks == NULL)
        return 0;
    struct nsf_arena scratch;
    nsf_arena_init(&scratch);
    uint32_t id = nsf_intern_find(&networks->names, lower_copy(&scratch, name));
    nsf_arena_release(&scratch);
    return id == NSF_INTERN_NONE ? 0 : nsf_networks_of_name_id(networks, id, prefixes);
}

struct nsf_list_origin nsf_networks_origin(const struct nsf_networks *networks, uint32_t origin_idx)
{
    return networks->origins[origin_idx];
}
