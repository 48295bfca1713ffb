#include "core/nsf_common.h"

#include "rules/merge.h"

#include "core/ipaddr.h"
#include "core/mem.h"

/* --- Copies ---------------------------------------------------------------------------------------------------- */

static struct nsf_slice copy_text(struct nsf_arena *arena, struct nsf_slice s)
{
    return s.ptr == NULL ? s : nsf_arena_copy(arena, s);
}

struct nsf_slices nsf_slices_copy(struct nsf_arena *arena, struct nsf_slices list)
{
    struct nsf_slices copy = {nsf_arena_alloc(arena, nsf_mul_size(list.n, sizeof(*copy.items))), list.n};
    for (size_t i = 0; i < list.n; i++)
        copy.items[i] = copy_text(arena, list.items[i]);
    return copy;
}

struct nsf_rule nsf_rule_copy(struct nsf_arena *arena, const struct nsf_rule *rule)
{
    struct nsf_rule copy = *rule;
    copy.name = copy_text(arena, rule->name);
    copy.id = copy_text(arena, rule->id);
    copy.description = copy_text(arena, rule->description);
    copy.protocol = copy_text(arena, rule->protocol);
    copy.sources = nsf_slices_copy(arena, rule->sources);
    copy.source_ports = nsf_slices_copy(arena, rule->source_ports);
    copy.destinations = nsf_slices_copy(arena, rule->destinations);
    copy.destination_ports = nsf_slices_copy(arena, rule->destination_ports);
    copy.source_asgs = nsf_slices_copy(arena, rule->source_asgs);
    copy.destination_asgs = nsf_slices_copy(arena, rule->destination_asgs);
    copy.expanded_sources = nsf_slices_copy(arena, rule->expanded_sources);
    copy.unreadable = copy_text(arena, rule->unreadable);
    return copy;
}

struct nsf_nsg nsf_nsg_copy(struct nsf_arena *arena, const struct nsf_nsg *nsg)
{
    struct nsf_nsg copy = *nsg;
    copy.id = copy_text(arena, nsg->id);
    copy.name = copy_text(arena, nsg->name);
    copy.guid = copy_text(arena, nsg->guid);
    copy.location = copy_text(arena, nsg->location);
    copy.owner = copy_text(arena, nsg->owner);
    copy.rules = nsf_arena_alloc(arena, nsf_mul_size(nsg->n_rules, sizeof(*copy.rules)));
    for (size_t i = 0; i < nsg->n_rules; i++)
        copy.rules[i] = nsf_rule_copy(arena, &nsg->rules[i]);
    copy.subnets = nsf_slices_copy(arena, nsg->subnets);
    copy.nics = nsf_slices_copy(arena, nsg->nics);
    copy.nic_macs = nsf_slices_copy(arena, nsg->nic_macs);
    copy.notes = nsf_slices_copy(arena, nsg->notes);
    return copy;
}

/* --- Sameness -------------------------------------------------------------------------------------------------- */

#define WORD_BYTES 64

/* One entry of a list in the one spelling that all its spellings share. */
struct word {
    char text[WORD_BYTES];
    struct nsf_slice long_text; /* instead, when it does not fit */
};

static bool is_any(struct nsf_slice s)
{
    return nsf_slice_eq(s, NSF_SLICE_LIT("*")) || nsf_slice_eq_nocase(s, NSF_SLICE_LIT("any")) ||
           nsf_slice_eq(s, NSF_SLICE_LIT("0-65535"));
}

static void fold(struct nsf_slice s, struct word *word)
{
    *word = (struct word){0};
    struct nsf_prefix prefix;
    size_t dash = nsf_slice_find(s, '-');
    bool is_single = dash < s.len && nsf_slice_eq(nsf_slice(s.ptr, dash), nsf_slice_from(s, dash + 1));
    if (is_single)
        s = nsf_slice(s.ptr, dash);
    if (is_any(s)) {
        word->text[0] = '*';
    } else if (nsf_prefix_parse(s, &prefix)) {
        nsf_prefix_format(prefix, word->text);
    } else if (s.len < WORD_BYTES) {
        for (size_t i = 0; i < s.len; i++)
            word->text[i] = nsf_ascii_lower(s.ptr[i]);
    } else {
        word->long_text = s;
    }
}

static int cmp_word(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order != 0 ? order : nsf_slice_cmp_nocase(x->long_text, y->long_text);
}

/* Sorted, without doubles. */
static struct word *fold_list(struct nsf_slices list, size_t *n)
{
    struct word *words = nsf_malloc(nsf_mul_size(list.n + 1, sizeof(*words)));
    *n = 0;
    if (list.n == 0)
        fold(NSF_SLICE_LIT("*"), &words[(*n)++]);
    for (size_t i = 0; i < list.n; i++)
        fold(list.items[i], &words[i]);
    if (list.n > 1)
        qsort(words, list.n, sizeof(*words), cmp_word);
    for (size_t i = 0; i < list.n; i++)
        if (*n == 0 || cmp_word(&words[*n - 1], &words[i]) != 0)
            words[(*n)++] = words[i];
    return words;
}

static bool lists_say_same(struct nsf_slices a, struct nsf_slices b)
{
    size_t n_a, n_b;
    struct word *words_a = fold_list(a, &n_a), *words_b = fold_list(b, &n_b);
    bool is_same = n_a == n_b;
    for (size_t i = 0; is_same && i < n_a; i++)
        is_same = cmp_word(&words_a[i], &words_b[i]) == 0;
    nsf_free(words_a);
    nsf_free(words_b);
    return is_same;
}

static int protocol_number(struct nsf_slice s)
{
    static const struct {
        const char *name;
        int number;
    } names[] = {{"*", -1},   {"any", -1}, {"all", -1}, {"tcp", 6}, {"6", 6},   {"udp", 17}, {"17", 17},
                 {"icmp", 1}, {"1", 1},    {"esp", 50}, {"50", 50}, {"ah", 51}, {"51", 51}};
    for (size_t i = 0; i < NSF_ARRAY_LEN(names); i++)
        if (nsf_slice_eq_nocase(s, nsf_slice_str(names[i].name)))
            return names[i].number;
    return -2;
}

static bool protocols_say_same(struct nsf_slice a, struct nsf_slice b)
{
    return nsf_slice_eq_nocase(a, b) || (protocol_number(a) != -2 && protocol_number(a) == protocol_number(b));
}

bool nsf_rule_says_same(const struct nsf_rule *a, const struct nsf_rule *b)
{
    return a->priority == b->priority && a->direction == b->direction && a->access == b->access &&
           (a->unreadable.len > 0) == (b->unreadable.len > 0) && protocols_say_same(a->protocol, b->protocol) &&
           lists_say_same(a->destination_ports, b->destination_ports) && lists_say_same(a->sources, b->sources) &&
           lists_say_same(a->source_ports, b->source_ports) && lists_say_same(a->destinations, b->destinations) &&
           lists_say_same(a->source_asgs, b->source_asgs) && lists_say_same(a->destination_asgs, b->destination_asgs);
}
