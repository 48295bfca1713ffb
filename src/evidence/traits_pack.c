#include "core/nsf_common.h"

#include "evidence/traits_pack.h"

#include "core/mem.h"

/* The words in front: which lists there are and which of them stand in full, ports seen on three days, the NIC of the
 * mail, how many items the lists have. */
#define HEAD_WORDS 4
/* Above the lists that there are, and above those that stand in full. */
#define EXCUSED_BIT NSF_TRAIT_LISTS
#define SHIFT_BIT NSF_TRAIT_LISTS
#define SHIFT_MASK 31u

_Static_assert(EXCUSED_BIT < 16 && SHIFT_BIT + 5 <= 16, "what stands above the lists has room in its word");

/* How the items of a list get by with 16 bits each. */
enum form {
    FORM_GAPS,  /* times: the first one, then the gaps */
    FORM_PORTS, /* one day, then the ranks */
    FORM_DAYS,  /* as they are */
    FORM_SAME,  /* all are the first one */
    FORM_FULL,  /* they do not */
};

/* When not what is hoped for: always possible. */
static enum form full_form_of(enum nsf_trait_list list)
{
    return list == NSF_TRAIT_MARKS ? FORM_DAYS : FORM_FULL;
}

static enum form form_of(enum nsf_trait_list list)
{
    switch (list) {
    case NSF_TRAIT_RUNS:
    case NSF_TRAIT_TIMES:
    case NSF_TRAIT_NEGATIVES:
        return FORM_GAPS;
    case NSF_TRAIT_PORTS:
        return FORM_PORTS;
    case NSF_TRAIT_AMBIGUOUS_DAYS:
    case NSF_TRAIT_DIALOG_DAYS:
        return FORM_DAYS;
    case NSF_TRAIT_MARKS:
        return FORM_SAME;
    case NSF_TRAIT_NIC_DAYS:
    case NSF_TRAIT_MESSAGE_DAYS:
    case NSF_TRAIT_GUESS_DAYS:
    case NSF_TRAIT_BUSY:
        break;
    }
    return FORM_FULL;
}

/* ---- pack ---- */

static bool does_fit(enum form form, struct nsf_u32_view view)
{
    uint32_t most = 0;
    switch (form) {
    case FORM_GAPS:
        for (uint32_t i = 1; i < view.n; i++)
            most |= view.items[i] - view.items[i - 1];
        return most <= UINT16_MAX;
    case FORM_PORTS:
        for (uint32_t i = 1; i < view.n; i++)
            most |= (view.items[i] ^ view.items[0]) & UINT16_MAX;
        return most == 0;
    case FORM_DAYS:
        return true;
    case FORM_SAME:
        for (uint32_t i = 1; i < view.n; i++)
            most |= view.items[i] ^ view.items[0];
        return most == 0;
    case FORM_FULL:
        break;
    }
    return false;
}

static uint16_t *put_full(uint16_t *at, const uint32_t *items, uint32_t n)
{
    memcpy(at, items, n * sizeof(*items));
    return at + n * 2;
}

static uint16_t *put_items(uint16_t *at, enum form form, struct nsf_u32_view view)
{
    switch (form) {
    case FORM_GAPS:
        at = put_full(at, view.items, 1);
        for (uint32_t i = 1; i < view.n; i++)
            *at++ = (uint16_t)(view.items[i] - view.items[i - 1]);
        return at;
    case FORM_PORTS:
        *at++ = (uint16_t)view.items[0];
        for (uint32_t i = 0; i < view.n; i++)
            *at++ = (uint16_t)(view.items[i] >> 16);
        return at;
    case FORM_DAYS:
        for (uint32_t i = 0; i < view.n; i++)
            *at++ = (uint16_t)view.items[i];
        return at;
    case FORM_SAME:
        *at++ = (uint16_t)view.items[0];
        return at;
    case FORM_FULL:
        break;
    }
    return put_full(at, view.items, view.n);
}

size_t nsf_traits_pack_max(const struct nsf_traits *traits)
{
    size_t n = HEAD_WORDS + NSF_TRAIT_LISTS;
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++)
        n += 1 + (size_t)traits->n[i] * 2;
    return n;
}

size_t nsf_traits_pack(const struct nsf_traits *traits, uint16_t *words)
{
    unsigned lists = 0, full = 0;
    uint16_t *at = words + HEAD_WORDS;
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++) {
        lists |= (unsigned)(traits->n[i] > 0) << i;
        if (traits->n[i] > 0)
            *at++ = traits->n[i];
    }
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++) {
        struct nsf_u32_view view = nsf_traits_list(traits, (enum nsf_trait_list)i);
        enum form form = form_of((enum nsf_trait_list)i);
        if (view.n == 0)
            continue;
        if (!does_fit(form, view)) {
            full |= 1u << i;
            form = full_form_of((enum nsf_trait_list)i);
        }
        at = put_items(at, form, view);
    }
    words[0] = (uint16_t)(lists | (unsigned)traits->has_excused << EXCUSED_BIT);
    words[1] = (uint16_t)(full | (unsigned)traits->shift << SHIFT_BIT);
    words[2] = traits->fixed_ports;
    words[3] = traits->mail_nic;
    return (size_t)(at - words);
}

/* ---- unpack ---- */

static const uint16_t *take_full(const uint16_t *at, uint32_t *items, uint32_t n)
{
    memcpy(items, at, n * sizeof(*items));
    return at + n * 2;
}

static const uint16_t *take_items(const uint16_t *at, enum form form, uint32_t *items, uint32_t n)
{
    uint32_t day;
    switch (form) {
    case FORM_GAPS:
        at = take_full(at, items, 1);
        for (uint32_t i = 1; i < n; i++)
            items[i] = items[i - 1] + *at++;
        return at;
    case FORM_PORTS:
        day = *at++;
        for (uint32_t i = 0; i < n; i++)
            items[i] = (uint32_t)*at++ << 16 | day;
        return at;
    case FORM_DAYS:
        for (uint32_t i = 0; i < n; i++)
            items[i] = *at++;
        return at;
    case FORM_SAME:
        for (uint32_t i = 0; i < n; i++)
            items[i] = *at;
        return at + 1;
    case FORM_FULL:
        break;
    }
    return take_full(at, items, n);
}

void nsf_traits_unpack(const uint16_t *words, unsigned end, struct nsf_traits **traits)
{
    unsigned lists = words[0], full = words[1];
    const uint16_t *n = words + HEAD_WORDS;
    const uint16_t *at = n + __builtin_popcount(lists & ((1u << NSF_TRAIT_LISTS) - 1));
    nsf_traits_reset(*traits);
    for (unsigned i = 0; i < end; i++) {
        if ((lists >> i & 1) == 0)
            continue;
        enum nsf_trait_list list = (enum nsf_trait_list)i;
        nsf_traits_make_room(traits, list, *n);
        (*traits)->n[i] = *n;
        enum form form = (full >> i & 1) != 0 ? full_form_of(list) : form_of(list);
        at = take_items(at, form, &(*traits)->items[(*traits)->from[i]], *n++);
    }
    nsf_traits_make_room(traits, NSF_TRAIT_RUNS, 0);
    (*traits)->has_excused = (lists >> EXCUSED_BIT & 1) != 0;
    (*traits)->shift = (uint8_t)(full >> SHIFT_BIT & SHIFT_MASK);
    (*traits)->fixed_ports = words[2];
    (*traits)->mail_nic = words[3];
}
