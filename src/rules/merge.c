#include "core/nsf_common.h"

#include "rules/merge.h"

#include "core/err.h"
#include "core/hash.h"
#include "core/mem.h"

/* Contradictions named in the notes of one NSG; the rest is counted. */
#define CONTRADICTIONS_NAMED_MAX 5

void nsf_merge_init(struct nsf_merge *merge, size_t held_max_bytes)
{
    *merge = (struct nsf_merge){.held_max_bytes = held_max_bytes};
    nsf_arena_init(&merge->arena);
    nsf_intern_init(&merge->keys, nsf_hash_random_seed());
}

void nsf_merge_release(struct nsf_merge *merge)
{
    nsf_arena_release(&merge->arena);
    nsf_intern_release(&merge->keys);
    nsf_free(merge->entries);
    nsf_free(merge->held);
    *merge = (struct nsf_merge){0};
}

/* --- Adding ---------------------------------------------------------------------------------------------------- */

static char *fold(struct nsf_slice id)
{
    char *folded = nsf_malloc(id.len + 1);
    for (size_t i = 0; i < id.len; i++)
        folded[i] = nsf_ascii_lower(id.ptr[i]);
    return folded;
}

bool nsf_merge_has(const struct nsf_merge *merge, struct nsf_slice id)
{
    char *folded = fold(id);
    bool is_known = nsf_intern_find(&merge->keys, nsf_slice(folded, id.len)) != NSF_INTERN_NONE;
    nsf_free(folded);
    return is_known;
}

/* What is only guessed to be this NSG's id (a name in a template) says nothing about another file's NSG of that name:
 * parts of NSGs find each other across files, whole ones do not. */
static uint32_t find_key(struct nsf_merge *merge, const struct nsf_nsg *nsg)
{
    char *folded = fold(nsg->id);
    uint32_t key = nsf_intern_add(&merge->keys, nsf_slice(folded, nsg->id.len));
    nsf_free(folded);
    size_t known = merge->entries_capacity;
    NSF_GROW(merge->entries, merge->entries_capacity, (size_t)key + 1);
    if (merge->entries_capacity > known)
        memset(merge->entries + known, 0, (merge->entries_capacity - known) * sizeof(*merge->entries));
    return key;
}

static void hold(struct nsf_merge *merge, uint32_t key, const struct nsf_nsg *nsg)
{
    NSF_GROW(merge->held, merge->held_capacity, merge->n_held + 1);
    struct nsf_merge_held *held = &merge->held[merge->n_held++];
    held->nsg = nsf_nsg_copy(&merge->arena, nsg);
    held->key = key;
    held->next = merge->entries[key].first;
    merge->entries[key].first = (uint32_t)merge->n_held;
}

static bool is_complete(const struct nsf_nsg *nsg)
{
    return !nsg->is_partial && !nsg->is_effective;
}

enum nsf_merge_answer nsf_merge_add(struct nsf_merge *merge, const struct nsf_nsg *nsg)
{
    uint32_t key = find_key(merge, nsg);
    bool may_count = is_complete(nsg) && !nsg->is_id_guessed;
    merge->entries[key].n_complete += is_complete(nsg);
    merge->is_full |= merge->arena.total_bytes > merge->held_max_bytes;
    if (may_count && merge->is_full)
        return NSF_MERGE_COUNTED;
    hold(merge, key, nsg);
    return NSF_MERGE_HELD;
}

enum nsf_merge_answer nsf_merge_add_again(struct nsf_merge *merge, const struct nsf_nsg *nsg)
{
    uint32_t key = find_key(merge, nsg);
    if (merge->entries[key].n_complete <= 1 && merge->entries[key].first == 0)
        return NSF_MERGE_UNIQUE;
    hold(merge, key, nsg);
    return NSF_MERGE_HELD;
}

/* --- Merging the definitions of one NSG ------------------------------------------------------------------------ */

struct definition {
    const struct nsf_nsg *nsg;
};

struct merger {
    struct nsf_arena *arena;
    struct definition *items; /* of one NSG, by file and offset */
    size_t n;
    size_t n_complete;
    struct nsf_nsg out;
    struct nsf_slice *notes;
    size_t n_notes, notes_capacity;
    size_t n_contradictions;
};

static void add_note(struct merger *m, struct nsf_slice note)
{
    for (size_t i = 0; i < m->n_notes; i++)
        if (nsf_slice_eq(m->notes[i], note))
            return;
    NSF_GROW(m->notes, m->notes_capacity, m->n_notes + 1);
    m->notes[m->n_notes++] = note;
}

static void contradict(struct merger *m, const char *text)
{
    if (m->n_contradictions++ < CONTRADICTIONS_NAMED_MAX)
        add_note(m, nsf_slice_str(text));
}

/* Where inputs spell a text differently, the bytewise smallest stands for all. */
static void take_text(struct nsf_slice *out, struct nsf_slice candidate)
{
    if (candidate.len > 0 && (out->len == 0 || nsf_slice_cmp(candidate, *out) < 0))
        *out = candidate;
}

static int cmp_slice_nocase(const void *a, const void *b)
{
    int order = nsf_slice_cmp_nocase(*(const struct nsf_slice *)a, *(const struct nsf_slice *)b);
    return order != 0 ? order : nsf_slice_cmp(*(const struct nsf_slice *)a, *(const struct nsf_slice *)b);
}

static struct nsf_slices union_of(struct nsf_arena *arena, struct nsf_slices a, struct nsf_slices b)
{
    if (b.n == 0)
        return a;
    struct nsf_slices out = {nsf_arena_alloc(arena, (a.n + b.n) * sizeof(*out.items)), 0};
    if (a.n > 0)
        memcpy(out.items, a.items, a.n * sizeof(*a.items));
    memcpy(out.items + a.n, b.items, b.n * sizeof(*b.items));
    size_t n_all = a.n + b.n;
    qsort(out.items, n_all, sizeof(*out.items), cmp_slice_nocase);
    for (size_t i = 0; i < n_all; i++)
        if (out.n == 0 || !nsf_slice_eq_nocase(out.items[out.n - 1], out.items[i]))
            out.items[out.n++] = out.items[i];
    return out;
}

static void take_guid(struct merger *m, const struct nsf_nsg *nsg)
{
    bool differs = m->out.guid.len > 0 && nsg->guid.len > 0 && !nsf_slice_eq_nocase(m->out.guid, nsg->guid);
    if (differs)
        contradict(m, "two inputs give this NSG different resource GUIDs: it was made anew between the exports");
    take_text(&m->out.guid, nsg->guid);
}

static void take_heads(struct merger *m)
{
    struct nsf_nsg *out = &m->out;
    *out = (struct nsf_nsg){
        .place = m->items[0].nsg->place, .is_partial = true, .is_effective = true, .is_id_guessed = true};
    for (size_t i = 0; i < m->n; i++) {
        const struct nsf_nsg *nsg = m->items[i].nsg;
        take_text(&out->id, nsg->id);
        take_text(&out->name, nsg->name);
        take_guid(m, nsg);
        take_text(&out->location, nsg->location);
        take_text(&out->owner, nsg->owner);
        out->subnets = union_of(m->arena, out->subnets, nsg->subnets);
        out->nics = union_of(m->arena, out->nics, nsg->nics);
        out->nic_macs = union_of(m->arena, out->nic_macs, nsg->nic_macs);
        out->has_subnets |= nsg->has_subnets;
        out->has_nics |= nsg->has_nics;
        out->is_id_guessed &= nsg->is_id_guessed;
        out->is_partial &= nsg->is_partial;
        out->is_effective &= nsg->is_effective;
        out->may_have_more_rules |= nsg->may_have_more_rules;
        out->has_flush_connection |= nsg->has_flush_connection;
        out->flush_connection |= nsg->flush_connection;
        for (size_t n = 0; n < nsg->notes.n; n++)
            add_note(m, nsg->notes.items[n]);
        if (is_complete(nsg) && m->n_complete++ == 0)
            out->place = nsg->place;
    }
}

/* One rule of one definition. */
struct candidate {
    const struct nsf_rule *rule;
    uint32_t from; /* index of its definition */
};

static int cmp_candidate(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = nsf_slice_cmp_nocase(x->rule->name, y->rule->name);
    if (order == 0)
        order = (x->from > y->from) - (x->from < y->from);
    return order != 0
               ? order
               : (x->rule->place.offset > y->rule->place.offset) - (x->rule->place.offset < y->rule->place.offset);
}

/* The rule's place for a sentence: "FILE" or "FILE line N". */
static const char *place_text(struct nsf_arena *arena, const struct nsf_rule *rule)
{
    if (rule->place.line == 0)
        return nsf_arena_printf(arena, "%.*s", NSF_SLICE_ARG(rule->place.file));
    return nsf_arena_printf(arena, "%.*s line %u", NSF_SLICE_ARG(rule->place.file), rule->place.line);
}

/* A Deny that one definition has and another has not, or has differently, closes nothing for sure; an Allow opens what
 * the more open reading says. */
static void distrust(struct merger *m, struct nsf_rule *rule)
{
    if (rule->access == NSF_ACCESS_ALLOW)
        return;
    rule->unreadable_parts = NSF_RULE_PART_ALL;
    rule->unreadable = nsf_slice_str(nsf_arena_printf(m->arena, "the inputs contradict each other about this rule"));
}

/* Effective rules spell things in the platform's words; they add what tags expand to, and count by themselves only
 * where there is no definition. */
static void take_expansion(struct merger *m, struct nsf_rule *rule, const struct candidate *group, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rule->expanded_sources = union_of(m->arena, rule->expanded_sources, group[i].rule->expanded_sources);
}

/* Effective rules lend their spelling only where nothing else is known. */
static struct nsf_slice name_of_group(const struct merger *m, const struct candidate *group, size_t n,
                                      bool has_definition)
{
    struct nsf_slice name = {NULL, 0};
    for (size_t i = 0; i < n; i++)
        if (!has_definition || !m->items[group[i].from].nsg->is_effective)
            take_text(&name, group[i].rule->name);
    return name;
}

/* How many complete definitions hold a rule of this group. */
static size_t count_complete(const struct merger *m, const struct candidate *group, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += is_complete(m->items[group[i].from].nsg) && (i == 0 || group[i].from != group[i - 1].from);
    return count;
}

/* Rules of one name: those that say something new become rules of the result. */
static size_t take_group(struct merger *m, const struct candidate *group, size_t n, struct nsf_rule *out)
{
    bool has_definition = false;
    for (size_t i = 0; i < n; i++)
        has_definition |= !m->items[group[i].from].nsg->is_effective;
    struct nsf_slice name = name_of_group(m, group, n, has_definition);
    size_t n_out = 0, first = 0;
    for (size_t i = 0; i < n; i++) {
        if (has_definition && m->items[group[i].from].nsg->is_effective)
            continue;
        bool is_new = true;
        for (size_t k = 0; k < n_out && is_new; k++)
            is_new = !nsf_rule_says_same(&out[k], group[i].rule);
        if (!is_new)
            continue;
        if (n_out == 0)
            first = i;
        else
            contradict(
                m, nsf_arena_printf(m->arena,
                                    "rule \"%.*s\" is defined differently in %s and %s: the most open reading counts",
                                    NSF_SLICE_ARG(name), place_text(m->arena, group[first].rule),
                                    place_text(m->arena, group[i].rule)));
        out[n_out] = *group[i].rule;
        out[n_out++].name = name;
    }
    bool is_missing = !group[first].rule->is_default && count_complete(m, group, n) > 0 &&
                      count_complete(m, group, n) < m->n_complete;
    if (is_missing)
        contradict(m,
                   nsf_arena_printf(m->arena, "rule \"%.*s\" stands in %s but not in every input that defines this NSG",
                                    NSF_SLICE_ARG(name), place_text(m->arena, group[first].rule)));
    for (size_t k = 0; k < n_out; k++) {
        take_expansion(m, &out[k], group, n);
        if (is_missing || n_out > 1)
            distrust(m, &out[k]);
    }
    return n_out;
}

static void take_rules(struct merger *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->items[i].nsg->n_rules;
    struct candidate *all = nsf_malloc(nsf_mul_size(n, sizeof(*all)) + 1);
    size_t at = 0;
    for (size_t i = 0; i < m->n; i++)
        for (size_t r = 0; r < m->items[i].nsg->n_rules; r++)
            all[at++] = (struct candidate){&m->items[i].nsg->rules[r], (uint32_t)i};
    if (n > 1)
        qsort(all, n, sizeof(*all), cmp_candidate);
    m->out.rules = nsf_arena_alloc(m->arena, nsf_mul_size(n, sizeof(*m->out.rules)));
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && nsf_slice_eq_nocase(all[from].rule->name, all[to].rule->name); to++)
            continue;
        m->out.n_rules += take_group(m, all + from, to - from, m->out.rules + m->out.n_rules);
    }
    nsf_free(all);
}

static int cmp_definition(const void *a, const void *b)
{
    const struct nsf_nsg *x = ((const struct definition *)a)->nsg, *y = ((const struct definition *)b)->nsg;
    int order = nsf_slice_cmp(x->place.file, y->place.file);
    return order != 0 ? order : (x->place.offset > y->place.offset) - (x->place.offset < y->place.offset);
}

static void give_merged(struct nsf_arena *arena, struct definition *items, size_t n,
                        void (*give)(void *ctx, const struct nsf_nsg *nsg), void *ctx)
{
    if (n == 1 && !items[0].nsg->is_partial) {
        give(ctx, items[0].nsg);
        return;
    }
    struct merger m = {.arena = arena, .items = items, .n = n};
    qsort(items, n, sizeof(*items), cmp_definition);
    take_heads(&m);
    take_rules(&m);
    if (m.n_contradictions > CONTRADICTIONS_NAMED_MAX)
        add_note(&m, nsf_slice_str(nsf_arena_printf(arena, "%zu more contradictions between the inputs",
                                                    m.n_contradictions - CONTRADICTIONS_NAMED_MAX)));
    m.out.notes = (struct nsf_slices){m.notes, m.n_notes};
    give(ctx, &m.out);
    nsf_free(m.notes);
}

/* --- Giving ---------------------------------------------------------------------------------------------------- */

/* Whole NSGs of one guessed id in several files are different NSGs: each gets its file into its id. Returns true when
 * that was the case and they were given. */
static bool give_namesakes(struct nsf_arena *arena, struct definition *items, size_t n,
                           void (*give)(void *ctx, const struct nsf_nsg *nsg), void *ctx)
{
    size_t n_files = 0;
    const struct nsf_slice *last = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!items[i].nsg->is_id_guessed)
            return false;
        if (!is_complete(items[i].nsg))
            continue;
        n_files += last == NULL || !nsf_slice_eq(*last, items[i].nsg->place.file);
        last = &items[i].nsg->place.file;
    }
    if (n_files < 2)
        return false;
    for (size_t from = 0, to; from < n; from = to) {
        struct nsf_slice file = items[from].nsg->place.file;
        for (to = from; to < n && nsf_slice_eq(items[to].nsg->place.file, file); to++) {
            struct nsf_nsg *renamed = nsf_arena_alloc(arena, sizeof(*renamed));
            *renamed = *items[to].nsg;
            renamed->id = nsf_slice_str(
                nsf_arena_printf(arena, "%.*s (%.*s)", NSF_SLICE_ARG(items[to].nsg->id), NSF_SLICE_ARG(file)));
            items[to].nsg = renamed;
        }
        give_merged(arena, items + from, to - from, give, ctx);
    }
    return true;
}

struct keyed {
    struct nsf_slice id;
    uint32_t key;
};

static int cmp_keyed(const void *a, const void *b)
{
    return nsf_slice_cmp(((const struct keyed *)a)->id, ((const struct keyed *)b)->id);
}

static void give_key(struct nsf_merge *merge, uint32_t key, struct nsf_arena *arena,
                     void (*give)(void *ctx, const struct nsf_nsg *nsg), void *ctx)
{
    size_t n = 0;
    for (uint32_t i = merge->entries[key].first; i != 0; i = merge->held[i - 1].next)
        n++;
    struct definition *items = nsf_arena_alloc(arena, nsf_mul_size(n, sizeof(*items)));
    size_t at = 0;
    for (uint32_t i = merge->entries[key].first; i != 0; i = merge->held[i - 1].next)
        items[at++].nsg = &merge->held[i - 1].nsg;
    qsort(items, n, sizeof(*items), cmp_definition);
    if (!give_namesakes(arena, items, n, give, ctx))
        give_merged(arena, items, n, give, ctx);
}

void nsf_merge_finish(struct nsf_merge *merge, void (*give)(void *ctx, const struct nsf_nsg *nsg), void *ctx)
{
    struct keyed *order = nsf_malloc(nsf_mul_size(merge->keys.n, sizeof(*order)) + 1);
    size_t n = 0;
    for (uint32_t key = 0; key < merge->keys.n; key++)
        if (merge->entries[key].first != 0)
            order[n++] = (struct keyed){nsf_intern_get(&merge->keys, key), key};
    if (n > 1)
        qsort(order, n, sizeof(*order), cmp_keyed);
    struct nsf_arena scratch;
    nsf_arena_init(&scratch);
    for (size_t i = 0; i < n; i++) {
        give_key(merge, order[i].key, &scratch, give, ctx);
        nsf_arena_reset(&scratch);
    }
    nsf_arena_release(&scratch);
    nsf_free(order);
}
