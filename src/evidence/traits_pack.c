#include "core/nsf_common.h"

#include "evidence/traits_pack.h"

#define VARINT_MAX_BYTES 5
/* Of what stands before the lists. */
#define HEAD_MAX_BYTES ((NSF_TRAIT_LISTS + 4) * VARINT_MAX_BYTES)
#define COUNT_BITS 16
#define COUNT_MASK 0xffffu

static unsigned char *put_varint(unsigned char *at, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (unsigned char)(value | 0x80);
    *at++ = (unsigned char)value;
    return at;
}

static const unsigned char *take_varint(const unsigned char *at, uint32_t *value)
{
    uint32_t byte = *at++;
    *value = byte & 0x7f;
    for (unsigned shift = 7; byte >= 0x80; shift += 7) {
        byte = *at++;
        *value |= (byte & 0x7f) << shift;
    }
    return at;
}

/* Differences in both directions, modulo 2^32: small ones come to small numbers. */
static uint32_t zigzag(uint32_t difference)
{
    return difference << 1 ^ (0u - (difference >> 31));
}

static uint32_t unzigzag(uint32_t value)
{
    return value >> 1 ^ (0u - (value & 1));
}

/* Upper and lower 16 bits of an item are a day and a count, or a rank and a day. */
static bool is_of_halves(enum nsf_trait_list list)
{
    return list == NSF_TRAIT_PORTS || list == NSF_TRAIT_MESSAGE_DAYS || list == NSF_TRAIT_GUESS_DAYS ||
           list == NSF_TRAIT_BUSY;
}

static bool is_of_days(enum nsf_trait_list list)
{
    return list == NSF_TRAIT_AMBIGUOUS_DAYS || list == NSF_TRAIT_DIALOG_DAYS;
}

/* What the first item of a list is near to: a list of times begins where another one does. */
struct bases {
    uint32_t seconds;
    uint32_t day;
};

static struct bases bases_before_any(void)
{
    return (struct bases){0, 0};
}

static uint32_t *base_of(struct bases *bases, enum nsf_trait_list list)
{
    return is_of_days(list) ? &bases->day : &bases->seconds;
}

/* ---- pack ---- */

static unsigned char *put_items(unsigned char *at, const uint32_t *items, uint32_t n, uint32_t *base)
{
    uint32_t before = *base;
    for (uint32_t i = 0; i < n; i++) {
        at = put_varint(at, i == 0 ? zigzag(items[0] - before) : items[i] - before);
        before = items[i];
    }
    *base = items[0];
    return at;
}

/* Ports have their rank rising and their day mostly the same; days have theirs rising and any count. */
static unsigned char *put_ports(unsigned char *at, const uint32_t *items, uint32_t n, struct bases *bases)
{
    uint32_t rank = 0, day = bases->day;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t next_rank = items[i] >> COUNT_BITS, next_day = items[i] & COUNT_MASK;
        at = put_varint(at, (next_rank - rank) << 1 | (next_day != day));
        if (next_day != day)
            at = put_varint(at, zigzag(next_day - day));
        rank = next_rank;
        day = next_day;
    }
    bases->day = day;
    return at;
}

static unsigned char *put_days(unsigned char *at, const uint32_t *items, uint32_t n, struct bases *bases)
{
    uint32_t day = bases->day;
    for (uint32_t i = 0; i < n; i++) {
        at = put_varint(at, zigzag((items[i] >> COUNT_BITS) - day));
        at = put_varint(at, items[i] & COUNT_MASK);
        day = items[i] >> COUNT_BITS;
    }
    return at;
}

static unsigned char *put_list(unsigned char *at, enum nsf_trait_list list, struct nsf_u32_view view,
                               struct bases *bases)
{
    if (list == NSF_TRAIT_PORTS)
        return put_ports(at, view.items, view.n, bases);
    if (is_of_halves(list))
        return put_days(at, view.items, view.n, bases);
    return put_items(at, view.items, view.n, base_of(bases, list));
}

size_t nsf_traits_pack_max(const struct nsf_traits *traits)
{
    size_t n = 0;
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++)
        n += traits->n[i];
    return HEAD_MAX_BYTES + n * 2 * VARINT_MAX_BYTES;
}

size_t nsf_traits_pack(const struct nsf_traits *traits, unsigned char *bytes)
{
    unsigned char *at = bytes;
    struct bases bases = bases_before_any();
    uint32_t lists = 0;
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++)
        lists |= (uint32_t)(traits->n[i] > 0) << i;
    at = put_varint(at, lists << 1 | traits->has_excused);
    at = put_varint(at, traits->shift);
    at = put_varint(at, traits->fixed_ports);
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++)
        if (traits->n[i] > 0)
            at = put_varint(at, traits->n[i]);
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++)
        if (traits->n[i] > 0)
            at = put_list(at, (enum nsf_trait_list)i, nsf_traits_list(traits, (enum nsf_trait_list)i), &bases);
    return (size_t)(at - bytes);
}

/* ---- unpack ---- */

static const unsigned char *take_items(const unsigned char *at, uint32_t *items, uint32_t n, uint32_t *base)
{
    uint32_t gap;
    at = take_varint(at, &gap);
    items[0] = *base + unzigzag(gap);
    for (uint32_t i = 1; i < n; i++) {
        at = take_varint(at, &gap);
        items[i] = items[i - 1] + gap;
    }
    *base = items[0];
    return at;
}

static const unsigned char *take_ports(const unsigned char *at, uint32_t *items, uint32_t n, struct bases *bases)
{
    uint32_t rank = 0, day = bases->day, gap, day_gap;
    for (uint32_t i = 0; i < n; i++) {
        at = take_varint(at, &gap);
        if ((gap & 1) != 0) {
            at = take_varint(at, &day_gap);
            day += unzigzag(day_gap);
        }
        rank += gap >> 1;
        items[i] = rank << COUNT_BITS | day;
    }
    bases->day = day;
    return at;
}

static const unsigned char *take_days(const unsigned char *at, uint32_t *items, uint32_t n, struct bases *bases)
{
    uint32_t day = bases->day, gap, count;
    for (uint32_t i = 0; i < n; i++) {
        at = take_varint(at, &gap);
        at = take_varint(at, &count);
        day += unzigzag(gap);
        items[i] = day << COUNT_BITS | count;
    }
    return at;
}

static const unsigned char *take_list(const unsigned char *at, enum nsf_trait_list list, uint32_t *items, uint32_t n,
                                      struct bases *bases)
{
    if (list == NSF_TRAIT_PORTS)
        return take_ports(at, items, n, bases);
    if (is_of_halves(list))
        return take_days(at, items, n, bases);
    return take_items(at, items, n, base_of(bases, list));
}

void nsf_traits_unpack(const unsigned char *bytes, struct nsf_traits **traits)
{
    struct bases bases = bases_before_any();
    uint32_t lists, value, n[NSF_TRAIT_LISTS] = {0}, n_items = 0;
    const unsigned char *at = take_varint(bytes, &lists);
    nsf_traits_reset(*traits);
    at = take_varint(at, &value);
    uint32_t shift = value;
    at = take_varint(at, &value);
    uint32_t fixed_ports = value;
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++) {
        if ((lists >> (i + 1) & 1) != 0)
            at = take_varint(at, &n[i]);
        n_items += n[i];
    }
    nsf_traits_make_room(traits, n_items);
    uint32_t *items = (*traits)->items;
    (*traits)->has_excused = (lists & 1) != 0;
    (*traits)->shift = (uint8_t)shift;
    (*traits)->fixed_ports = (uint16_t)fixed_ports;
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++) {
        if (n[i] == 0)
            continue;
        at = take_list(at, (enum nsf_trait_list)i, items, n[i], &bases);
        (*traits)->n[i] = (uint16_t)n[i];
        items += n[i];
    }
}
