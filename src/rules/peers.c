#include "core/nsf_common.h"

#include "rules/peers.h"

#include "core/mem.h"
#include "rules/loader.h"
#include "rules/merge.h"

/* --- The list -------------------------------------------------------------------------------------------------- */

void nsf_peer_findings_init(struct nsf_peer_findings *list)
{
    *list = (struct nsf_peer_findings){0};
    nsf_arena_init(&list->arena);
}

void nsf_peer_findings_release(struct nsf_peer_findings *list)
{
    nsf_arena_release(&list->arena);
    nsf_free(list->items);
    nsf_peer_findings_init(list);
}

void nsf_peer_findings_add(struct nsf_peer_findings *list, const struct nsf_peer_finding *finding)
{
    NSF_GROW(list->items, list->capacity, list->n + 1);
    struct nsf_peer_finding *own = &list->items[list->n++];
    *own = *finding;
    own->tool = nsf_arena_copy(&list->arena, finding->tool);
    own->check = nsf_arena_copy(&list->arena, finding->check);
    own->nsg = nsf_arena_copy(&list->arena, finding->nsg);
    own->rule = nsf_arena_copy(&list->arena, finding->rule);
    own->verdict_text = nsf_arena_copy(&list->arena, finding->verdict_text);
    own->message = nsf_arena_copy(&list->arena, finding->message);
    own->sources = nsf_slices_copy(&list->arena, finding->sources);
    own->target.file = nsf_arena_copy(&list->arena, finding->target.file);
}

/* All but the place: two findings that are equal in this say the same. */
static int cmp_words(const struct nsf_peer_finding *a, const struct nsf_peer_finding *b)
{
    int order = nsf_slice_cmp_nocase(a->nsg, b->nsg);
    order = order != 0 ? order : nsf_slice_cmp(a->nsg, b->nsg);
    order = order != 0 ? order : nsf_slice_cmp_nocase(a->rule, b->rule);
    order = order != 0 ? order : nsf_slice_cmp(a->tool, b->tool);
    order = order != 0 ? order : nsf_slice_cmp(a->check, b->check);
    order = order != 0 ? order : nsf_slice_cmp(a->verdict_text, b->verdict_text);
    return order != 0 ? order : nsf_slice_cmp(a->message, b->message);
}

static int cmp_finding(const void *left, const void *right)
{
    const struct nsf_peer_finding *a = left, *b = right;
    int order = cmp_words(a, b);
    order = order != 0 ? order : nsf_slice_cmp(a->place.file, b->place.file);
    return order != 0 ? order : (a->place.offset > b->place.offset) - (a->place.offset < b->place.offset);
}

void nsf_peer_findings_finish(struct nsf_peer_findings *list)
{
    size_t n = 0;
    if (list->n > 1)
        qsort(list->items, list->n, sizeof(*list->items), cmp_finding);
    for (size_t i = 0; i < list->n; i++)
        if (n == 0 || cmp_words(&list->items[n - 1], &list->items[i]) != 0)
            list->items[n++] = list->items[i];
    list->n = n;
}

/* --- NSGs without definitions ---------------------------------------------------------------------------------- */

struct builder {
    struct nsf_arena *arena;
    struct nsf_rule_list rules;
    struct nsf_slice_list notes;
    bool has_closed_by_us; /* our own scan says that the NSG opens nothing */
    bool has_other;        /* a tool names the NSG open, but no rule; or closed, which it cannot know */
};

static void add_note(struct builder *builder, const char *text)
{
    for (size_t i = 0; i < builder->notes.n; i++)
        if (nsf_slice_eq(builder->notes.items[i], nsf_slice_str(text)))
            return;
    nsf_slice_list_add(&builder->notes, builder->arena, nsf_slice_str(text));
}

static bool has_rule(const struct builder *builder, struct nsf_slice name)
{
    for (size_t i = 0; i < builder->rules.n; i++)
        if (nsf_slice_eq_nocase(builder->rules.items[i].name, name))
            return true;
    return false;
}

static struct nsf_slices one_word(struct builder *builder, const char *word)
{
    struct nsf_slice_list list = {0};
    nsf_slice_list_add(&list, builder->arena, nsf_slice_str(word));
    return nsf_slice_list_give(&list);
}

/* An Allow for TCP 25 with the sources that the tool names. */
static void add_rule(struct builder *builder, const struct nsf_peer_finding *finding)
{
    if (has_rule(builder, finding->rule))
        return;
    struct nsf_rule *rule = nsf_rule_list_add(&builder->rules, builder->arena);
    *rule = (struct nsf_rule){.name = finding->rule, .direction = NSF_DIRECTION_INBOUND, .access = NSF_ACCESS_ALLOW};
    rule->priority = finding->priority > 0 ? finding->priority : 4096;
    rule->protocol = NSF_SLICE_LIT("Tcp");
    rule->destination_ports = one_word(builder, "25");
    rule->sources = finding->sources.n > 0 ? finding->sources : one_word(builder, "*");
    rule->place = finding->place;
    if (finding->verdict == NSF_PEER_VERDICT_UNKNOWN)
        nsf_rule_set_unreadable(builder->arena, rule, NSF_RULE_PART_ALL, "%.*s says \"%.*s\" of it",
                                NSF_SLICE_ARG(finding->tool), NSF_SLICE_ARG(finding->verdict_text));
    if (finding->priority == 0)
        add_note(builder,
                 nsf_arena_printf(builder->arena, "%.*s does not say the priority of rule \"%.*s\": taken for 4096",
                                  NSF_SLICE_ARG(finding->tool), NSF_SLICE_ARG(finding->rule)));
    if (finding->sources.n == 0)
        add_note(builder, nsf_arena_printf(builder->arena,
                                           "%.*s does not say from where rule \"%.*s\" is open: taken for everywhere",
                                           NSF_SLICE_ARG(finding->tool), NSF_SLICE_ARG(finding->rule)));
}

static void add_finding(struct builder *builder, const struct nsf_peer_finding *finding)
{
    bool is_ours = nsf_slice_eq(finding->tool, NSF_SLICE_LIT("nsgflow"));
    bool is_closed = finding->verdict == NSF_PEER_VERDICT_CLOSED;
    add_note(builder, nsf_arena_printf(builder->arena, "known only from a finding of %.*s: its rules were not given",
                                       NSF_SLICE_ARG(finding->tool)));
    if (finding->rule.len > 0 && !is_closed) {
        add_rule(builder, finding);
        return;
    }
    if (is_ours) {
        builder->has_closed_by_us |= is_closed;
        return;
    }
    builder->has_other = true;
    if (finding->verdict == NSF_PEER_VERDICT_UNKNOWN)
        add_note(builder, nsf_arena_printf(builder->arena, "%.*s says \"%.*s\" of it", NSF_SLICE_ARG(finding->tool),
                                           NSF_SLICE_ARG(finding->verdict_text)));
    else
        add_note(builder,
                 nsf_arena_printf(builder->arena,
                                  is_closed ? "%.*s finds TCP 25 closed, which cannot be checked without the rules"
                                            : "%.*s finds TCP 25 open but names no rule",
                                  NSF_SLICE_ARG(finding->tool)));
}

static void give_group(const struct nsf_peer_finding *items, size_t n,
                       void (*give)(void *ctx, const struct nsf_nsg *nsg), void *ctx)
{
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    struct builder builder = {.arena = &arena};
    for (size_t i = 0; i < n; i++)
        if (items[i].is_smtp)
            add_finding(&builder, &items[i]);
    struct nsf_nsg nsg = {.id = items[0].nsg, .name = nsf_id_last_segment(items[0].nsg), .place = items[0].place};
    nsg.is_from_findings = true;
    nsg.rules = builder.rules.items;
    nsg.n_rules = builder.rules.n;
    nsg.notes = nsf_slice_list_give(&builder.notes);
    nsg.may_have_more_rules = builder.has_other || (builder.rules.n == 0 && !builder.has_closed_by_us);
    if (nsg.notes.n > 0)
        give(ctx, &nsg);
    nsf_arena_release(&arena);
}

void nsf_peers_give_nsgs(const struct nsf_peer_findings *list, bool (*is_known)(void *ctx, struct nsf_slice id),
                         void (*give)(void *ctx, const struct nsf_nsg *nsg), void *ctx)
{
    for (size_t from = 0, to; from < list->n; from = to) {
        struct nsf_slice id = list->items[from].nsg;
        for (to = from + 1; to < list->n && nsf_slice_eq_nocase(list->items[to].nsg, id); to++)
            continue;
        bool is_named = list->items[from].is_id || nsf_slice_eq(list->items[from].tool, NSF_SLICE_LIT("nsgflow"));
        if (is_named && !is_known(ctx, id))
            give_group(list->items + from, to - from, give, ctx);
    }
}
