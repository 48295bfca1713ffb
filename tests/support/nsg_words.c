#include "core/nsf_common.h"

#include "support/nsg_words.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct nsf_slices make_list(struct nsf_arena *arena, struct nsf_slice text)
{
    struct nsf_slices list = {nsf_arena_zalloc(arena, text.len + 1, sizeof(*list.items)), 0};
    if (nsf_slice_eq(text, NSF_SLICE_LIT("-")))
        return list;
    for (;;) {
        size_t plus = nsf_slice_find(text, '+');
        list.items[list.n++] = nsf_slice(text.ptr, plus);
        if (plus == text.len)
            return list;
        text = nsf_slice_from(text, plus + 1);
    }
}

static void set_member(struct nsf_nsg_words *world, struct nsf_rule *rule, struct nsf_slice word)
{
    size_t equals = nsf_slice_find(word, '=');
    struct nsf_slice name = nsf_slice(word.ptr, equals);
    struct nsf_slice value = equals < word.len ? nsf_slice_from(word, equals + 1) : nsf_slice("", 0);
    if (nsf_slice_eq(name, NSF_SLICE_LIT("proto")))
        rule->protocol = value;
    else if (nsf_slice_eq(name, NSF_SLICE_LIT("sport")))
        rule->source_ports = make_list(&world->arena, value);
    else if (nsf_slice_eq(name, NSF_SLICE_LIT("dst")))
        rule->destinations = make_list(&world->arena, value);
    else if (nsf_slice_eq(name, NSF_SLICE_LIT("dasg")))
        rule->destination_asgs = make_list(&world->arena, value);
    else if (nsf_slice_eq(name, NSF_SLICE_LIT("sasg")))
        rule->source_asgs = make_list(&world->arena, value);
    else if (nsf_slice_eq(name, NSF_SLICE_LIT("exp")))
        rule->expanded_sources = make_list(&world->arena, value);
    else if (nsf_slice_eq(name, NSF_SLICE_LIT("out")))
        rule->direction = NSF_DIRECTION_OUTBOUND;
    else
        fail_msg("what is %.*s?", NSF_SLICE_ARG(word));
}

static struct nsf_slice next_word(struct nsf_slice *rest)
{
    *rest = nsf_slice_trim(*rest);
    size_t len = nsf_slice_find(*rest, ' ');
    struct nsf_slice word = nsf_slice(rest->ptr, len);
    *rest = nsf_slice_from(*rest, len);
    return word;
}

static void make_rule(struct nsf_nsg_words *world, struct nsf_rule *rule, struct nsf_slice text)
{
    uint64_t priority = 0;
    *rule = (struct nsf_rule){.direction = NSF_DIRECTION_INBOUND, .protocol = NSF_SLICE_LIT("Tcp")};
    rule->name = next_word(&text);
    assert_true(nsf_slice_to_u64(next_word(&text), 65535, &priority));
    rule->priority = (uint32_t)priority;
    struct nsf_slice access = next_word(&text);
    rule->access = access.ptr[0] == 'a'   ? NSF_ACCESS_ALLOW
                   : access.ptr[0] == 'd' ? NSF_ACCESS_DENY
                                          : NSF_ACCESS_UNREADABLE;
    rule->sources = make_list(&world->arena, next_word(&text));
    rule->destination_ports = make_list(&world->arena, next_word(&text));
    for (struct nsf_slice word = next_word(&text); word.len > 0; word = next_word(&text))
        set_member(world, rule, word);
}

void nsf_nsg_words_read(struct nsf_nsg_words *world, const char *text)
{
    struct nsf_slice rest = nsf_slice_str(text);
    *world = (struct nsf_nsg_words){0};
    nsf_arena_init(&world->arena);
    world->nsg.id = NSF_SLICE_LIT("/subscriptions/s/nsg");
    world->nsg.rules = world->rules;
    while (nsf_slice_trim(rest).len > 0) {
        size_t len = nsf_slice_find(rest, ';');
        assert_true(world->nsg.n_rules < NSF_NSG_WORDS_RULES_MAX);
        make_rule(world, &world->rules[world->nsg.n_rules++], nsf_slice(rest.ptr, len));
        rest = nsf_slice_from(rest, len < rest.len ? len + 1 : len);
    }
}
