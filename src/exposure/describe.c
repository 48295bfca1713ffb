#include "core/nsf_common.h"

#include "core/buf.h"
#include "core/mem.h"
#include "exposure/evaluate.h"
#include "exposure/words.h"

#define NOTE_MAX_BYTES ((size_t)64 << 10)
/* Tags and prefixes named in one sentence; the rest is counted. */
#define NOTE_NAMES_MAX 8

/* ---- lists of texts ---------------------------------------------------------------------------------- */

void nsf_names_add(struct nsf_evaluator *evaluator, struct nsf_slice name)
{
    NSF_GROW(evaluator->names, evaluator->names_capacity, evaluator->n_names + 1);
    evaluator->names[evaluator->n_names++] = name;
}

static int cmp_name(const void *left, const void *right)
{
    return nsf_slice_cmp(*(const struct nsf_slice *)left, *(const struct nsf_slice *)right);
}

struct nsf_slices nsf_names_take(struct nsf_evaluator *evaluator, struct nsf_arena *keep)
{
    struct nsf_slices list = {NULL, 0};
    if (evaluator->n_names > 1)
        qsort(evaluator->names, evaluator->n_names, sizeof(*evaluator->names), cmp_name);
    if (evaluator->n_names > 0)
        list.items = nsf_arena_alloc(keep, nsf_mul_size(evaluator->n_names, sizeof(*list.items)));
    for (size_t i = 0; i < evaluator->n_names; i++)
        if (i == 0 || !nsf_slice_eq(evaluator->names[i], evaluator->names[i - 1]))
            list.items[list.n++] = nsf_arena_copy(keep, evaluator->names[i]);
    evaluator->n_names = 0;
    return list;
}

static struct nsf_slices copy_list(struct nsf_evaluator *evaluator, const struct nsf_slices *list,
                                   struct nsf_arena *keep)
{
    for (size_t i = 0; i < list->n; i++)
        nsf_names_add(evaluator, list->items[i]);
    return nsf_names_take(evaluator, keep);
}

static struct nsf_slice keep_text(struct nsf_arena *keep, struct nsf_slice text)
{
    return text.ptr == NULL ? text : nsf_arena_copy(keep, text);
}

static struct nsf_slice name_of(const struct nsf_evaluator *evaluator, uint32_t rank)
{
    return evaluator->candidates[rank].reading->rule->name;
}

/* ---- who stood before a rule --------------------------------------------------------------------------- */

typedef void segment_fn(struct nsf_evaluator *evaluator, uint32_t rank, const struct nsf_segment *segment, void *ctx);

/* Calls fn for each segment of the rule's class that holds addresses of *set. */
static void each_segment(struct nsf_evaluator *evaluator, uint32_t rank, uint32_t class_idx,
                         const struct nsf_ipset *set, segment_fn *fn, void *ctx)
{
    for (int family = 0; family < NSF_FAMILY_N; family++) {
        const struct nsf_segments *segments = &evaluator->classes[class_idx].segments[family];
        const struct nsf_ranges *ranges = &set->of[family];
        for (size_t i = 0; i < ranges->n; i++)
            for (size_t s = nsf_segments_seek(segments, ranges->items[i].first);
                 s < segments->n && segments->items[s].range.first <= ranges->items[i].last; s++)
                fn(evaluator, rank, &segments->items[s], ctx);
    }
}

static void mark(bool *marks, uint32_t rank)
{
    if (rank != NSF_RANK_NONE)
        marks[rank] = true;
}

static void mark_taker(struct nsf_evaluator *evaluator, uint32_t rank, const struct nsf_segment *segment, void *ctx)
{
    (void)evaluator;
    if (segment->first < rank)
        mark(ctx, segment->first);
}

/* The earlier rules that took something of this Allow's sources, private ones too. */
static void mark_takers(struct nsf_evaluator *evaluator, uint32_t rank, bool *marks)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    each_segment(evaluator, rank, candidate->class_idx, &candidate->reading->sources, mark_taker, marks);
    for (size_t i = 0; i < candidate->reading->tokens.n; i++)
        mark(marks, nsf_token_taker(evaluator, rank, candidate->reading->tokens.items[i], NSF_RANK_NONE));
}

struct reach {
    uint32_t narrow_rank;
    bool has_left;
};

static void see_left(struct nsf_evaluator *evaluator, uint32_t rank, const struct nsf_segment *segment, void *ctx)
{
    struct reach *reach = ctx;
    (void)evaluator, (void)rank;
    reach->has_left |= segment->first > reach->narrow_rank;
}

/* Whether the rule `narrow` would take something that rules before it left, if only it were wide enough. */
static bool would_take(struct nsf_evaluator *evaluator, uint32_t rank, uint32_t narrow)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    const struct nsf_reading *before = evaluator->candidates[narrow].reading;
    struct reach reach = {narrow, false};
    nsf_ipset_intersect(&evaluator->scratch[1], &candidate->reading->sources, &before->sources);
    each_segment(evaluator, rank, candidate->class_idx, &evaluator->scratch[1], see_left, &reach);
    for (size_t i = 0; i < candidate->reading->tokens.n && !reach.has_left; i++) {
        struct nsf_token token = candidate->reading->tokens.items[i];
        bool holds = nsf_token_is_covered(before, token) || nsf_tokens_have(&before->tokens, token);
        reach.has_left = holds && nsf_token_taker(evaluator, rank, token, NSF_RANK_NONE) > narrow;
    }
    return reach.has_left;
}

static int cmp_reduced_by(const void *left, const void *right)
{
    const struct nsf_reduced_by *a = left, *b = right;
    int order = nsf_slice_cmp(a->rule, b->rule);
    return order != 0 ? order : (int)a->is_part - (int)b->is_part;
}

static void describe_reduced_by(struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_arena *keep,
                                struct nsf_finding *finding)
{
    bool *marks = nsf_calloc(rank, sizeof(*marks));
    bool *narrow = nsf_calloc(rank, sizeof(*narrow));
    const struct nsf_class *class = &evaluator->classes[evaluator->candidates[rank].class_idx];
    size_t n = 0, taker = 0;
    mark_takers(evaluator, rank, marks);
    for (uint32_t i = 0; i < rank; i++) {
        while (taker < class->n_takers && class->takers[taker] < i)
            taker++;
        bool is_taker = taker < class->n_takers && class->takers[taker] == i;
        narrow[i] = !is_taker && evaluator->candidates[i].may_take && would_take(evaluator, rank, i);
        n += marks[i] || narrow[i];
    }
    finding->reduced_by = nsf_arena_zalloc(keep, n, sizeof(*finding->reduced_by));
    for (uint32_t i = 0; i < rank; i++)
        if (marks[i] || narrow[i])
            finding->reduced_by[finding->n_reduced_by++] =
                (struct nsf_reduced_by){nsf_arena_copy(keep, name_of(evaluator, i)), !marks[i]};
    if (n > 1)
        qsort(finding->reduced_by, n, sizeof(*finding->reduced_by), cmp_reduced_by);
    nsf_free(narrow);
    nsf_free(marks);
}

/* ---- who would let the same sources in ------------------------------------------------------------------ */

struct next_in_line {
    bool *marks;
    uint32_t gone;
    uint32_t class_idx;
};

static void mark_next(struct nsf_evaluator *evaluator, uint32_t rank, const struct nsf_segment *segment, void *ctx)
{
    struct next_in_line *line = ctx;
    (void)rank;
    uint32_t next = segment->first == line->gone ? segment->second : segment->first;
    if (next == NSF_RANK_NONE)
        return;
    const struct nsf_candidate *candidate = &evaluator->candidates[next];
    if (candidate->is_allow && candidate->class_idx == line->class_idx)
        line->marks[next] = true;
}

/* AzureCloud has no addresses here: who else lets the name in. */
static bool lets_cloud_in(const struct nsf_evaluator *evaluator, uint32_t rank, uint32_t gone)
{
    const struct nsf_reading *from = evaluator->candidates[gone].reading;
    const struct nsf_reading *other = evaluator->candidates[rank].reading;
    for (size_t i = 0; i < from->tokens.n; i++) {
        struct nsf_token token = from->tokens.items[i];
        bool is_open = token.kind == NSF_TOKEN_CLOUD && !nsf_token_is_covered(from, token) &&
                       nsf_token_taker(evaluator, gone, token, NSF_RANK_NONE) == NSF_RANK_NONE;
        bool holds = nsf_token_is_covered(other, token) || nsf_tokens_have(&other->tokens, token);
        if (is_open && holds && nsf_token_taker(evaluator, rank, token, gone) == NSF_RANK_NONE)
            return true;
    }
    return false;
}

static void describe_still_open(struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_arena *keep,
                                struct nsf_finding *finding)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    struct next_in_line line = {nsf_calloc(evaluator->n_candidates, sizeof(bool)), rank, 0};
    for (; line.class_idx < evaluator->n_classes; line.class_idx++)
        each_segment(evaluator, rank, line.class_idx, &candidate->open_public, mark_next, &line);
    for (uint32_t i = 0; i < evaluator->n_candidates; i++) {
        bool is_other = i != rank && evaluator->candidates[i].is_allow;
        if (is_other && (line.marks[i] || (candidate->has_cloud && lets_cloud_in(evaluator, i, rank))))
            nsf_names_add(evaluator, name_of(evaluator, i));
    }
    finding->still_open_via = nsf_names_take(evaluator, keep);
    nsf_free(line.marks);
}

/* ---- which words are responsible -------------------------------------------------------------------------- */

static bool is_responsible(struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_slice item)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    const struct nsf_reading *reading = candidate->reading;
    struct nsf_ipset *set = &evaluator->scratch[1];
    bool is_cloud;
    nsf_reading_entry(reading, item, &evaluator->tags, set, &is_cloud);
    if (nsf_ipset_overlap(set, &candidate->open_public))
        return true;
    for (size_t i = 0; i < reading->tokens.n; i++) {
        struct nsf_token token = reading->tokens.items[i];
        bool counts = token.kind == NSF_TOKEN_TAG || token.kind == NSF_TOKEN_BAD || token.kind == NSF_TOKEN_CLOUD;
        if (counts && nsf_slice_eq(token.text, item) && !nsf_token_is_covered(reading, token) &&
            nsf_token_taker(evaluator, rank, token, NSF_RANK_NONE) == NSF_RANK_NONE)
            return true;
    }
    return false;
}

static struct nsf_slices describe_sources(struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_arena *keep)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    const struct nsf_slices *sources = &candidate->reading->rule->sources;
    struct nsf_slice rest, item;
    for (size_t i = 0; i < sources->n; i++)
        for (rest = sources->items[i]; nsf_word_next(&rest, &item);)
            if (item.len > 0 && (candidate->is_dark || is_responsible(evaluator, rank, item)))
                nsf_names_add(evaluator, item);
    return nsf_names_take(evaluator, keep);
}

static struct nsf_slices describe_ports(struct nsf_evaluator *evaluator, const struct nsf_rule *rule,
                                        struct nsf_arena *keep)
{
    for (size_t i = 0; i < rule->destination_ports.n; i++)
        if (nsf_port_entry_covers(rule->destination_ports.items[i], evaluator->settings.port))
            nsf_names_add(evaluator, rule->destination_ports.items[i]);
    return nsf_names_take(evaluator, keep);
}

static struct nsf_slices describe_destinations(struct nsf_evaluator *evaluator, const struct nsf_rule *rule,
                                               struct nsf_arena *keep)
{
    for (size_t i = 0; i < rule->destinations.n; i++)
        nsf_names_add(evaluator, rule->destinations.items[i]);
    for (size_t i = 0; i < rule->destination_asgs.n; i++)
        nsf_names_add(evaluator, rule->destination_asgs.items[i]);
    return nsf_names_take(evaluator, keep);
}

/* ---- the sentence -------------------------------------------------------------------------------------------- */

static void say_count(struct nsf_buf *note, uint64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            nsf_buf_add_char(note, ',');
        nsf_buf_add_char(note, digits[i]);
    }
}

/* Texts of the input are cut: they may be a megabyte long. */
static void say_quoted(struct nsf_buf *note, struct nsf_slice text)
{
    bool is_long = text.len > 160;
    nsf_buf_add_char(note, '"');
    nsf_buf_add(note, nsf_slice(text.ptr, is_long ? 160 : text.len));
    nsf_buf_add_str(note, is_long ? "...\"" : "\"");
}

static void say_extent(const struct nsf_evaluator *evaluator, const struct nsf_candidate *candidate,
                       struct nsf_buf *note)
{
    enum nsf_v6_extent v6 = nsf_v6_extent_of(candidate->n_ipv6);
    char port[64];
    snprintf(port, sizeof(port), " reach TCP %u", (unsigned)evaluator->settings.port);
    nsf_buf_add_str(note, "Lets ");
    if (candidate->n_ipv4 == NSF_PUBLIC_IPV4) {
        nsf_buf_add_str(note, v6 == NSF_V6_FULL ? "the whole internet, IPv4 and IPv6," : "all of public IPv4");
    } else if (candidate->n_ipv4 > 0) {
        say_count(note, candidate->n_ipv4);
        nsf_buf_add_str(note, candidate->n_ipv4 == 1 ? " public IPv4 address" : " public IPv4 addresses");
    }
    if (v6 != NSF_V6_NONE && !(candidate->n_ipv4 == NSF_PUBLIC_IPV4 && v6 == NSF_V6_FULL)) {
        nsf_buf_add_str(note, candidate->n_ipv4 > 0 ? " and " : "");
        nsf_buf_add_str(note, v6 == NSF_V6_FULL ? "all of public IPv6" : "a part of public IPv6");
    }
    if (candidate->n_ipv4 == 0 && v6 == NSF_V6_NONE)
        nsf_buf_add_str(note, "every Azure customer");
    nsf_buf_add_str(note, port);
    if (candidate->has_cloud && (candidate->n_ipv4 > 0 || v6 != NSF_V6_NONE))
        nsf_buf_add_str(note, "; AzureCloud is every Azure customer");
}

static void say_unknown(const struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_buf *note)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    const struct nsf_reading *reading = candidate->reading;
    nsf_buf_add_str(note, "What it opens is unknown: ");
    if (reading->rule->unreadable.len > 0) {
        nsf_buf_add(note, nsf_slice(reading->rule->unreadable.ptr,
                                    reading->rule->unreadable.len > 400 ? 400 : reading->rule->unreadable.len));
        return;
    }
    if (reading->reason_part != NULL) {
        nsf_buf_add_str(note, reading->reason.len == 0 ? "it has no readable " : "the ");
        nsf_buf_add_str(note, reading->reason_part);
        if (reading->reason.len > 0) {
            nsf_buf_add_char(note, ' ');
            say_quoted(note, reading->reason);
            nsf_buf_add_str(note, " cannot be read");
        }
        return;
    }
    nsf_buf_add_str(note, "a service tag among its sources is not expanded, and no table of service tags has it");
}

static bool has_vnet_open(struct nsf_evaluator *evaluator, const struct nsf_candidate *candidate)
{
    struct nsf_slice vnet = NSF_SLICE_LIT("VirtualNetwork");
    bool is_cloud;
    if (!candidate->reading->is_vnet_expanded)
        return false;
    nsf_reading_entry(candidate->reading, vnet, &evaluator->tags, &evaluator->scratch[1], &is_cloud);
    return nsf_ipset_overlap(&evaluator->scratch[1], &candidate->open_public);
}

static struct nsf_slice describe_note(struct nsf_evaluator *evaluator, uint32_t rank, bool is_together,
                                      struct nsf_arena *keep)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    const struct nsf_narrowing *narrowing = &candidate->reading->narrowing;
    bool opens = candidate->n_ipv4 > 0 || candidate->n_ipv6 > 0 || candidate->has_cloud;
    struct nsf_buf note;
    nsf_buf_init(&note, NOTE_MAX_BYTES);
    if (opens && !candidate->is_dark)
        say_extent(evaluator, candidate, &note);
    if (candidate->has_unknown) {
        nsf_buf_add_str(&note, note.len > 0 ? "; what else it opens is unknown: " : "");
        if (note.len == 0)
            say_unknown(evaluator, rank, &note);
        else
            nsf_buf_add_str(&note, "a source cannot be read or expanded");
    }
    if (!candidate->is_dark && !narrowing->is_all_targets)
        nsf_buf_add_str(&note, "; only at some destinations");
    if (!candidate->is_dark && !narrowing->is_all_ports)
        nsf_buf_add_str(&note, "; only from some source ports, which a client chooses freely");
    if (candidate->n_ipv4 == 0 && candidate->n_ipv6 > 0 && nsf_candidate_lost_ipv4(evaluator, rank))
        nsf_buf_add_str(&note, "; earlier rules close IPv4 alone, which leaves dual-stack networks open");
    if (has_vnet_open(evaluator, candidate))
        nsf_buf_add_str(&note,
                        "; this rests on what the VirtualNetwork tag holds here: public ranges of the network or "
                        "user-defined routes");
    if (candidate->is_admin)
        nsf_buf_add_str(&note, "; an AlwaysAllow of a network manager comes before the NSG");
    if (is_together && opens)
        nsf_buf_add_str(&note, "; it takes other rules to make the verdict");
    nsf_buf_add_char(&note, '.');
    struct nsf_slice text = nsf_arena_copy(keep, nsf_buf_slice(&note));
    nsf_buf_release(&note);
    return text;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void describe_admin(struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_arena *keep,
                           struct nsf_finding *finding)
{
    struct nsf_gate gate;
    finding->is_admin_rule = evaluator->candidates[rank].is_admin;
    if (finding->is_admin_rule || !nsf_admin_gate(evaluator, rank, keep, &gate))
        return;
    finding->gates = nsf_arena_alloc(keep, sizeof(gate));
    finding->gates[0] = gate;
    finding->n_gates = 1;
    finding->is_blocked = !gate.is_open;
}

void nsf_describe_finding(struct nsf_evaluator *evaluator, uint32_t rank, enum nsf_exposure nsg_verdict,
                          bool is_together, struct nsf_arena *keep, struct nsf_finding *finding)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    const struct nsf_rule *rule = candidate->reading->rule;
    bool opens = candidate->opens_limit || (is_together && (candidate->n_ipv4 > 0 || candidate->n_ipv6 > 0));
    *finding = (struct nsf_finding){0};
    finding->rule = nsf_arena_copy(keep, rule->name);
    finding->priority = rule->priority;
    finding->verdict = candidate->has_unknown && !opens ? NSF_EXPOSURE_UNKNOWN : nsg_verdict;
    finding->sources = describe_sources(evaluator, rank, keep);
    finding->ports = describe_ports(evaluator, rule, keep);
    finding->all_ports = copy_list(evaluator, &rule->destination_ports, keep);
    finding->all_sources = copy_list(evaluator, &rule->sources, keep);
    finding->destinations = describe_destinations(evaluator, rule, keep);
    finding->protocol = keep_text(keep, rule->protocol);
    finding->description = keep_text(keep, rule->description);
    finding->opens_other_ports = nsf_reading_opens_other_ports(rule, evaluator->settings.port);
    finding->place = rule->place;
    if (!candidate->is_dark) {
        finding->public_ipv4 = candidate->n_ipv4;
        finding->public_ipv6 = nsf_v6_extent_of(candidate->n_ipv6);
        describe_still_open(evaluator, rank, keep, finding);
    }
    describe_reduced_by(evaluator, rank, keep, finding);
    describe_admin(evaluator, rank, keep, finding);
    finding->decides_all = !candidate->is_dark && candidate->n_ipv4 == NSF_PUBLIC_IPV4 && finding->n_reduced_by == 0 &&
                           candidate->reading->narrowing.is_all_ports && candidate->reading->narrowing.is_all_targets;
    finding->note = describe_note(evaluator, rank, is_together && opens, keep);
}

void nsf_describe_shadowed(struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_arena *keep,
                           struct nsf_shadowed *shadowed)
{
    const struct nsf_rule *rule = evaluator->candidates[rank].reading->rule;
    bool *marks = nsf_calloc(rank, sizeof(*marks));
    mark_takers(evaluator, rank, marks);
    *shadowed = (struct nsf_shadowed){.rule = nsf_arena_copy(keep, rule->name), .priority = rule->priority};
    for (uint32_t i = 0; i < rank; i++)
        if (marks[i])
            nsf_names_add(evaluator, name_of(evaluator, i));
    shadowed->by = nsf_names_take(evaluator, keep);
    nsf_free(marks);
}

/* ---- notes of the NSG ----------------------------------------------------------------------------------------------
 */

static void add_note(struct nsf_evaluator *evaluator, struct nsf_buf *note, struct nsf_arena *keep)
{
    nsf_names_add(evaluator, nsf_arena_copy(keep, nsf_buf_slice(note)));
    nsf_buf_reset(note);
}

static void note_rule(struct nsf_evaluator *evaluator, const struct nsf_reading *reading, struct nsf_buf *note,
                      struct nsf_arena *keep)
{
    const struct nsf_rule *rule = reading->rule;
    if (reading->match == NSF_MATCH_NO || (reading->reason_part == NULL && rule->unreadable.len == 0))
        return;
    nsf_buf_add_str(note, "Rule ");
    say_quoted(note, rule->name);
    nsf_buf_add_str(note, ": ");
    if (rule->unreadable.len > 0) {
        nsf_buf_add(note, nsf_slice(rule->unreadable.ptr, rule->unreadable.len > 400 ? 400 : rule->unreadable.len));
    } else {
        nsf_buf_add_str(note, reading->reason.len == 0 ? "no readable " : "");
        nsf_buf_add_str(note, reading->reason_part);
        if (reading->reason.len > 0) {
            nsf_buf_add_char(note, ' ');
            say_quoted(note, reading->reason);
            nsf_buf_add_str(note, " cannot be read");
        }
    }
    bool is_closing = !reading->is_allow && (reading->match == NSF_MATCH_UNREADABLE || reading->has_bad_source);
    nsf_buf_add_str(note, is_closing ? "; a Deny that cannot be read closes nothing." : ".");
    add_note(evaluator, note, keep);
}

/* "2 service tags are not expanded (Sql, Storage); ..." */
static void note_tags(struct nsf_evaluator *evaluator, size_t n_before, struct nsf_buf *note, struct nsf_arena *keep)
{
    size_t n_tags = 0;
    struct nsf_slice *tags = evaluator->names + n_before;
    if (evaluator->n_names > n_before + 1)
        qsort(tags, evaluator->n_names - n_before, sizeof(*tags), cmp_name);
    for (size_t i = 0; i < evaluator->n_names - n_before; i++)
        if (i == 0 || !nsf_slice_eq(tags[i], tags[n_tags - 1]))
            tags[n_tags++] = tags[i];
    evaluator->n_names = n_before;
    if (n_tags == 0)
        return;
    say_count(note, n_tags);
    nsf_buf_add_str(note, n_tags == 1 ? " service tag is not expanded (" : " service tags are not expanded (");
    for (size_t i = 0; i < n_tags && i < NOTE_NAMES_MAX; i++) {
        nsf_buf_add_str(note, i == 0 ? "" : ", ");
        nsf_buf_add(note, nsf_slice(tags[i].ptr, tags[i].len > 160 ? 160 : tags[i].len));
    }
    nsf_buf_add_str(note, n_tags > NOTE_NAMES_MAX ? ", ...)." : ").");
    add_note(evaluator, note, keep);
}

void nsf_describe_notes(struct nsf_evaluator *evaluator, const struct nsf_nsg *nsg, struct nsf_arena *keep)
{
    struct nsf_buf note;
    nsf_buf_init(&note, NOTE_MAX_BYTES);
    for (size_t i = 0; i < nsg->notes.n; i++)
        nsf_names_add(evaluator, nsg->notes.items[i]);
    if (nsg->may_have_more_rules)
        nsf_names_add(evaluator, NSF_SLICE_LIT("It may have rules that the input does not show."));
    for (size_t i = 0; i < nsg->n_rules; i++)
        note_rule(evaluator, &evaluator->readings[i], &note, keep);
    size_t n_before = evaluator->n_names;
    for (size_t i = 0; i < evaluator->n_candidates; i++) {
        const struct nsf_tokens *tokens = &evaluator->candidates[i].reading->tokens;
        for (size_t t = 0; t < tokens->n; t++)
            if (tokens->items[t].kind == NSF_TOKEN_TAG || tokens->items[t].kind == NSF_TOKEN_CLOUD)
                nsf_names_add(evaluator, tokens->items[t].text);
    }
    note_tags(evaluator, n_before, &note, keep);
    nsf_buf_release(&note);
}
