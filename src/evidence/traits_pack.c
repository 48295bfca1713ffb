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
    FORM_FEW,   /* few are different: those, and for each which of them it is */
    FORM_FULL,  /* they do not */
};

/* Different items of FORM_FEW stand in 1, 2, 4 or 16 words, so that 0, 1, 2 or 4 bits tell which of them it is; their
 * number is above the first of them. */
#define FEW_MAX 16u
#define FEW_WIDTHS 4u
#define FEW_WIDTH_SHIFT 14
#define FEW_ITEM_MASK ((1u << FEW_WIDTH_SHIFT) - 1)
static const uint8_t few_bits[FEW_WIDTHS] = {0, 1, 2, 4};
_Static_assert(NSF_TRAIT_MARK(NSF_TRAIT_NICS - 1, 1) <= FEW_ITEM_MASK, "marks leave room for the width");

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
        return FORM_FEW;
    case NSF_TRAIT_NIC_DAYS:
    case NSF_TRAIT_MESSAGE_DAYS:
    case NSF_TRAIT_GUESS_DAYS:
    case NSF_TRAIT_BUSY:
        break;
    }
    return FORM_FULL;
}

static uint32_t words_of_few(unsigned width, uint32_t n_items)
{
    return (1u << few_bits[width]) + (n_items * few_bits[width] + 15) / 16;
}

/* ---- pack ---- */

/* The different items of a list, in the order in which they came up, and for each which of them it is. */
struct few {
    uint16_t items[FEW_MAX];
    uint32_t n;
    uint8_t place[NSF_TRAIT_MARKS_MAX];
};

/* Adds the item if it is none of them yet; FEW_MAX: it has no room. */
static uint32_t place_among(struct few *few, uint16_t item)
{
    for (uint32_t i = 0; i < few->n; i++)
        if (few->items[i] == item)
            return i;
    if (few->n == FEW_MAX)
        return FEW_MAX;
    few->items[few->n] = item;
    return few->n++;
}

/* False: they are many. */
static bool find_few(struct few *few, struct nsf_u32_view view)
{
    few->n = 0;
    if (view.n > NSF_ARRAY_LEN(few->place))
        return false;
    for (uint32_t i = 0; i < view.n; i++) {
        uint32_t place = place_among(few, (uint16_t)view.items[i]);
        if (place == FEW_MAX)
            return false;
        few->place[i] = (uint8_t)place;
    }
    return true;
}

/* NULL: nothing was put, since that would take more words than the items. */
static uint16_t *put_few(uint16_t *at, struct nsf_u32_view view)
{
    struct few few;
    unsigned width = 0;
    if (!find_few(&few, view))
        return NULL;
    while (1u << few_bits[width] < few.n)
        width++;
    uint32_t bits = few_bits[width], n_words = words_of_few(width, view.n);
    if (n_words > view.n)
        return NULL;
    memset(at, 0, n_words * sizeof(*at));
    memcpy(at, few.items, few.n * sizeof(*at));
    at[0] |= (uint16_t)(width << FEW_WIDTH_SHIFT);
    for (uint32_t i = 0; i < view.n && bits > 0; i++)
        at[(1u << bits) + i * bits / 16] |= (uint16_t)(few.place[i] << i * bits % 16);
    return at + n_words;
}

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
    case FORM_FEW: /* known when they are put */
        return true;
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

/* NULL: the form is not for them. */
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
    case FORM_FEW:
        return put_few(at, view);
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
        uint16_t *behind = does_fit(form, view) ? put_items(at, form, view) : NULL;
        if (behind == NULL) {
            full |= 1u << i;
            behind = put_items(at, full_form_of((enum nsf_trait_list)i), view);
        }
        at = behind;
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

static const uint16_t *take_few(const uint16_t *at, uint32_t *items, uint32_t n)
{
    unsigned width = at[0] >> FEW_WIDTH_SHIFT, bits = few_bits[width];
    const uint16_t *which = at + (1u << bits);
    for (uint32_t i = 0; i < n; i++) {
        unsigned place = bits == 0 ? 0 : (unsigned)which[i * bits / 16] >> i * bits % 16;
        items[i] = at[place & ((1u << bits) - 1)] & FEW_ITEM_MASK;
    }
    return at + words_of_few(width, n);
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
    case FORM_FEW:
        return take_few(at, items, n);
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
