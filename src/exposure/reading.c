#include "core/nsf_common.h"

#include "exposure/reading.h"

#include "core/mem.h"
#include "exposure/words.h"

void nsf_reading_release(struct nsf_reading *reading)
{
    nsf_ipset_release(&reading->sources);
    nsf_ipset_release(&reading->clouds);
    nsf_free(reading->tokens.items);
    nsf_ranges_release(&reading->narrowing.ports);
    nsf_ipset_release(&reading->narrowing.targets);
    nsf_free(reading->narrowing.target_names.items);
    *reading = (struct nsf_reading){0};
}

/* Everything but the memory. */
static void reset(struct nsf_reading *reading, const struct nsf_rule *rule)
{
    struct nsf_reading fresh = {.rule = rule};
    nsf_ipset_reset(&reading->sources);
    nsf_ipset_reset(&reading->clouds);
    reading->tokens.n = 0;
    nsf_ranges_reset(&reading->narrowing.ports);
    nsf_ipset_reset(&reading->narrowing.targets);
    reading->narrowing.target_names.n = 0;
    fresh.sources = reading->sources;
    fresh.clouds = reading->clouds;
    fresh.tokens = reading->tokens;
    fresh.narrowing.ports = reading->narrowing.ports;
    fresh.narrowing.targets = reading->narrowing.targets;
    fresh.narrowing.target_names = reading->narrowing.target_names;
    *reading = fresh;
}

bool nsf_token_eq(struct nsf_token a, struct nsf_token b)
{
    return a.kind == b.kind && nsf_slice_eq_nocase(a.text, b.text);
}

int nsf_token_cmp(struct nsf_token a, struct nsf_token b)
{
    return a.kind != b.kind ? (int)a.kind - (int)b.kind : nsf_slice_cmp_nocase(a.text, b.text);
}

bool nsf_tokens_have(const struct nsf_tokens *tokens, struct nsf_token token)
{
    for (size_t i = 0; i < tokens->n; i++)
        if (nsf_token_eq(tokens->items[i], token))
            return true;
    return false;
}

static void add_token(struct nsf_tokens *tokens, enum nsf_token_kind kind, struct nsf_slice text)
{
    NSF_GROW(tokens->items, tokens->capacity, tokens->n + 1);
    tokens->items[tokens->n++] = (struct nsf_token){kind, text};
}

/* The first part that cannot be read is the reason. */
static void blame(struct nsf_reading *reading, const char *part, struct nsf_slice text)
{
    if (reading->reason_part != NULL)
        return;
    reading->reason_part = part;
    reading->reason = text;
}

static void add_range(struct nsf_ipset *set, const struct nsf_word *word)
{
    nsf_ranges_add(&set->of[word->family], word->range.first, word->range.last);
}

static void add_set(struct nsf_ipset *to, const struct nsf_ipset *from)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        for (size_t i = 0; i < from->of[family].n; i++)
            nsf_ranges_add(&to->of[family], from->of[family].items[i].first, from->of[family].items[i].last);
}

static void read_source(struct nsf_reading *reading, struct nsf_slice text, struct nsf_tags *tags)
{
    struct nsf_word word = nsf_word_parse(text);
    const struct nsf_ipset *expanded = NULL;
    switch (word.kind) {
    case NSF_WORD_ALL:
        reading->is_all = true;
        nsf_ipset_add_all(&reading->sources, NSF_FAMILY_V4);
        nsf_ipset_add_all(&reading->sources, NSF_FAMILY_V6);
        break;
    case NSF_WORD_INTERNET:
        reading->has_internet = true;
        nsf_ipset_add_public(&reading->sources);
        break;
    case NSF_WORD_RANGE:
        add_range(&reading->sources, &word);
        break;
    case NSF_WORD_INNER:
        reading->has_vnet |= word.is_vnet;
        add_token(&reading->tokens, NSF_TOKEN_INNER, text);
        break;
    case NSF_WORD_CLOUD:
        expanded = nsf_tags_find(tags, text);
        if (expanded == NULL)
            add_token(&reading->tokens, NSF_TOKEN_CLOUD, text);
        else
            add_set(&reading->clouds, expanded);
        break;
    case NSF_WORD_TAG:
        expanded = nsf_tags_find(tags, text);
        if (expanded == NULL)
            add_token(&reading->tokens, NSF_TOKEN_TAG, text);
        break;
    case NSF_WORD_BAD:
        reading->has_bad_source = true;
        add_token(&reading->tokens, NSF_TOKEN_BAD, text);
        blame(reading, "source", text);
        break;
    }
    if (expanded != NULL)
        add_set(&reading->sources, expanded);
}

/* Effective rules say what the platform made of a tag. It stands for VirtualNetwork and for tags that nothing else
 * expands; Internet is public space by definition, and AzureCloud is every customer whatever it holds today. */
static void read_expanded(struct nsf_reading *reading)
{
    bool has_unexpanded = reading->has_vnet;
    size_t n = 0;
    if (reading->rule->expanded_sources.n == 0)
        return;
    for (size_t i = 0; i < reading->tokens.n; i++) {
        has_unexpanded |= reading->tokens.items[i].kind == NSF_TOKEN_TAG;
        if (reading->tokens.items[i].kind != NSF_TOKEN_TAG)
            reading->tokens.items[n++] = reading->tokens.items[i];
    }
    reading->tokens.n = n;
    if (!has_unexpanded)
        return;
    for (size_t i = 0; i < reading->rule->expanded_sources.n; i++) {
        struct nsf_slice text = nsf_slice_trim(reading->rule->expanded_sources.items[i]);
        struct nsf_word word = nsf_word_parse(text);
        if (word.kind == NSF_WORD_RANGE)
            add_range(&reading->sources, &word);
        else
            blame(reading, "expanded source", text);
    }
    reading->is_vnet_expanded = reading->has_vnet;
}

static void read_sources(struct nsf_reading *reading, struct nsf_tags *tags)
{
    const struct nsf_rule *rule = reading->rule;
    struct nsf_slice rest, item;
    bool is_unset = rule->source_asgs.n == 0;
    for (size_t i = 0; i < rule->sources.n; i++)
        for (rest = rule->sources.items[i]; nsf_word_next(&rest, &item);)
            if (item.len > 0) {
                read_source(reading, item, tags);
                is_unset = false;
            }
    for (size_t i = 0; i < rule->source_asgs.n; i++)
        add_token(&reading->tokens, NSF_TOKEN_ASG, rule->source_asgs.items[i]);
    read_expanded(reading);
    if ((rule->unreadable_parts & NSF_RULE_PART_SOURCES) != 0 && !reading->has_bad_source)
        is_unset = true;
    if (is_unset) {
        reading->has_bad_source = true;
        add_token(&reading->tokens, NSF_TOKEN_BAD, nsf_slice("", 0));
        blame(reading, "source", nsf_slice("", 0));
    }
    nsf_ipset_normalize(&reading->sources);
    nsf_ipset_normalize(&reading->clouds);
    reading->is_all |=
        nsf_ipset_is_all(&reading->sources, NSF_FAMILY_V4) && nsf_ipset_is_all(&reading->sources, NSF_FAMILY_V6);
}

/* Port entries to ranges; false: one cannot be read (the others are there all the same). */
static bool read_ports(const struct nsf_slices *entries, struct nsf_ranges *ranges, struct nsf_slice *bad)
{
    struct nsf_slice rest, item;
    struct nsf_range range;
    bool is_good = true;
    for (size_t i = 0; i < entries->n; i++)
        for (rest = entries->items[i]; nsf_word_next(&rest, &item);) {
            if (item.len == 0)
                continue;
            if (nsf_port_parse(item, &range)) {
                nsf_ranges_add(ranges, range.first, range.last);
            } else {
                is_good = false;
                *bad = item;
            }
        }
    nsf_ranges_normalize(ranges);
    return is_good;
}

static bool covers_all_ports(const struct nsf_ranges *ports)
{
    return ports->n == 1 && ports->items[0].first <= 1 && ports->items[0].last == UINT16_MAX;
}

static void read_targets(struct nsf_reading *reading)
{
    const struct nsf_rule *rule = reading->rule;
    struct nsf_narrowing *narrowing = &reading->narrowing;
    struct nsf_slice rest, item;
    bool is_unset = rule->destination_asgs.n == 0;
    for (size_t i = 0; i < rule->destinations.n; i++)
        for (rest = rule->destinations.items[i]; nsf_word_next(&rest, &item);) {
            if (item.len == 0)
                continue;
            struct nsf_word word = nsf_word_parse(item);
            is_unset = false;
            if (word.kind == NSF_WORD_ALL || word.is_vnet) {
                narrowing->is_all_targets = true;
            } else if (word.kind == NSF_WORD_RANGE) {
                add_range(&narrowing->targets, &word);
            } else {
                add_token(&narrowing->target_names, NSF_TOKEN_TAG, item);
                narrowing->is_bad |= word.kind == NSF_WORD_BAD;
                if (word.kind == NSF_WORD_BAD)
                    blame(reading, "destination", item);
            }
        }
    for (size_t i = 0; i < rule->destination_asgs.n; i++)
        add_token(&narrowing->target_names, NSF_TOKEN_ASG, rule->destination_asgs.items[i]);
    nsf_ipset_normalize(&narrowing->targets);
    narrowing->is_all_targets |= is_unset || (nsf_ipset_is_all(&narrowing->targets, NSF_FAMILY_V4) &&
                                              nsf_ipset_is_all(&narrowing->targets, NSF_FAMILY_V6));
}

static void read_narrowing(struct nsf_reading *reading)
{
    struct nsf_narrowing *narrowing = &reading->narrowing;
    struct nsf_slice bad;
    if (!read_ports(&reading->rule->source_ports, &narrowing->ports, &bad)) {
        narrowing->is_bad = true;
        blame(reading, "source port", bad);
    }
    narrowing->is_all_ports = reading->rule->source_ports.n == 0 || covers_all_ports(&narrowing->ports);
    read_targets(reading);
    narrowing->is_bad |=
        (reading->rule->unreadable_parts & (NSF_RULE_PART_SOURCE_PORTS | NSF_RULE_PART_DESTINATIONS)) != 0;
    /* An unreadable entry beside ones that hold everything changes nothing. */
    if (narrowing->is_all_ports && narrowing->is_all_targets)
        narrowing->is_bad = false;
}

static enum nsf_match match_ports(struct nsf_reading *reading, uint16_t port)
{
    struct nsf_slice bad = {"", 0};
    /* The ranges are needed only here; the narrowing is read afterwards and starts anew. */
    struct nsf_ranges *ports = &reading->narrowing.ports;
    bool is_good = read_ports(&reading->rule->destination_ports, ports, &bad);
    bool has_port = nsf_ranges_has(ports, port);
    is_good &= (reading->rule->unreadable_parts & NSF_RULE_PART_DESTINATION_PORTS) == 0;
    bool is_unset = is_good && ports->n == 0;
    nsf_ranges_reset(ports);
    if (has_port)
        return NSF_MATCH_YES;
    if (is_good && !is_unset)
        return NSF_MATCH_NO;
    blame(reading, "destination port", bad);
    return NSF_MATCH_UNREADABLE;
}

static enum nsf_match match_rule(struct nsf_reading *reading, uint16_t port)
{
    const struct nsf_rule *rule = reading->rule;
    enum nsf_protocol_match protocol = nsf_protocol_is_tcp(rule->protocol);
    if (rule->direction == NSF_DIRECTION_OUTBOUND || protocol == NSF_PROTOCOL_NO)
        return NSF_MATCH_NO;
    enum nsf_match match = match_ports(reading, port);
    if (match == NSF_MATCH_NO)
        return match;
    bool is_contradicted = (rule->unreadable_parts & NSF_RULE_PART_ALL) == NSF_RULE_PART_ALL;
    if (is_contradicted)
        blame(reading, "definition", nsf_slice("", 0));
    else if (protocol == NSF_PROTOCOL_BAD)
        blame(reading, "protocol", rule->protocol);
    else if (rule->direction == NSF_DIRECTION_UNREADABLE)
        blame(reading, "direction", nsf_slice("", 0));
    else if (rule->access == NSF_ACCESS_UNREADABLE)
        blame(reading, "access", nsf_slice("", 0));
    else if (rule->priority == 0)
        blame(reading, "priority", nsf_slice("", 0));
    bool is_whole = reading->reason_part == NULL;
    return is_whole ? match : NSF_MATCH_UNREADABLE;
}

void nsf_reading_read(struct nsf_reading *reading, const struct nsf_rule *rule, uint16_t port, struct nsf_tags *tags)
{
    reset(reading, rule);
    reading->is_allow = rule->access != NSF_ACCESS_DENY;
    reading->match = match_rule(reading, port);
    if (reading->match == NSF_MATCH_NO)
        return;
    read_sources(reading, tags);
    read_narrowing(reading);
}

bool nsf_reading_may_take(const struct nsf_reading *reading)
{
    return reading->match == NSF_MATCH_YES && (reading->is_allow || !reading->has_bad_source);
}

bool nsf_narrowing_is_universal(const struct nsf_narrowing *narrowing)
{
    return narrowing->is_all_ports && narrowing->is_all_targets;
}

static bool names_contain(const struct nsf_tokens *a, const struct nsf_tokens *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (!nsf_tokens_have(a, b->items[i]))
            return false;
    return true;
}

bool nsf_narrowing_contains(const struct nsf_narrowing *a, const struct nsf_narrowing *b)
{
    if (nsf_narrowing_is_universal(a))
        return true;
    if (a->is_bad || b->is_bad)
        return false;
    if (!a->is_all_ports && (b->is_all_ports || !nsf_ranges_contain(&a->ports, &b->ports)))
        return false;
    if (a->is_all_targets)
        return true;
    return !b->is_all_targets && nsf_ipset_contain(&a->targets, &b->targets) &&
           names_contain(&a->target_names, &b->target_names);
}

bool nsf_narrowing_eq(const struct nsf_narrowing *a, const struct nsf_narrowing *b)
{
    return nsf_narrowing_contains(a, b) && nsf_narrowing_contains(b, a);
}

bool nsf_reading_entry(const struct nsf_reading *reading, struct nsf_slice entry, struct nsf_tags *tags,
                       struct nsf_ipset *set, bool *is_cloud)
{
    struct nsf_rule one = {.sources = {&entry, 1}, .expanded_sources = reading->rule->expanded_sources};
    struct nsf_reading part = {.sources = *set};
    reset(&part, &one);
    read_sources(&part, tags);
    *is_cloud = part.clouds.of[NSF_FAMILY_V4].n > 0 || part.clouds.of[NSF_FAMILY_V6].n > 0;
    for (size_t i = 0; i < part.tokens.n; i++)
        *is_cloud |= part.tokens.items[i].kind == NSF_TOKEN_CLOUD;
    *set = part.sources;
    part.sources = (struct nsf_ipset){0};
    nsf_reading_release(&part);
    return !nsf_ipset_is_empty(set);
}

bool nsf_port_entry_covers(struct nsf_slice entry, uint16_t port)
{
    struct nsf_slice item;
    struct nsf_range range;
    while (nsf_word_next(&entry, &item))
        if (item.len > 0 && nsf_port_parse(item, &range) && range.first <= port && port <= range.last)
            return true;
    return false;
}

bool nsf_reading_opens_other_ports(const struct nsf_rule *rule, uint16_t port)
{
    struct nsf_slice rest, item;
    struct nsf_range range;
    for (size_t i = 0; i < rule->destination_ports.n; i++)
        for (rest = rule->destination_ports.items[i]; nsf_word_next(&rest, &item);)
            if (item.len > 0 && nsf_port_parse(item, &range) && (range.first != port || range.last != port))
                return true;
    return false;
}
