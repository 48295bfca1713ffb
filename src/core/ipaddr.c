#include "core/nsf_common.h"

#include "core/ipaddr.h"

#include "core/digits.h"

#define V4_BITS_BASE 96

static bool parse_v4(struct nsf_slice text, uint32_t *v4)
{
    uint32_t sum = 0;
    for (int part = 0; part < 4; part++) {
        size_t len = nsf_slice_find(text, '.');
        uint64_t value;
        bool has_leading_zero = len > 1 && text.ptr[0] == '0';
        if (len > 3 || has_leading_zero || !nsf_slice_to_u64(nsf_slice(text.ptr, len), 255, &value))
            return false;
        sum = sum << 8 | (uint32_t)value;
        if ((part < 3) != (len < text.len))
            return false;
        text = nsf_slice_from(text, part < 3 ? len + 1 : len);
    }
    *v4 = sum;
    return text.len == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = nsf_ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One group of 1 to 4 hex digits; the number of characters taken, 0 for none. */
static size_t parse_group(struct nsf_slice text, uint16_t *group)
{
    uint32_t value = 0;
    size_t n = 0;
    for (; n < text.len && n < 5 && hex_digit(text.ptr[n]) >= 0; n++)
        value = value << 4 | (uint32_t)hex_digit(text.ptr[n]);
    *group = (uint16_t)value;
    return n > 4 ? 0 : n;
}

static bool parse_v6(struct nsf_slice text, struct nsf_ip *ip)
{
    uint16_t groups[8] = {0};
    int n = 0, gap = -1;
    if (text.len >= 2 && text.ptr[0] == ':' && text.ptr[1] == ':') {
        gap = 0;
        text = nsf_slice_from(text, 2);
    }
    while (text.len > 0) {
        uint32_t v4;
        if (n <= 6 && nsf_slice_find(text, '.') < text.len && nsf_slice_find(text, ':') == text.len) {
            if (!parse_v4(text, &v4))
                return false;
            groups[n++] = (uint16_t)(v4 >> 16);
            groups[n++] = (uint16_t)v4;
            break;
        }
        size_t len = n < 8 ? parse_group(text, &groups[n]) : 0;
        if (len == 0)
            return false;
        n++;
        text = nsf_slice_from(text, len);
        if (text.len == 0)
            break;
        if (text.ptr[0] != ':' || text.len == 1)
            return false;
        text = nsf_slice_from(text, 1);
        if (text.ptr[0] == ':') {
            if (gap >= 0)
                return false;
            gap = n;
            text = nsf_slice_from(text, 1);
        }
    }
    if (gap < 0 ? n != 8 : n > 7)
        return false;
    uint16_t full[8] = {0};
    int n_head = gap < 0 ? 8 : gap;
    for (int i = 0; i < n_head; i++)
        full[i] = groups[i];
    for (int i = n_head; i < n; i++)
        full[8 - n + i] = groups[i];
    *ip = (struct nsf_ip){0, 0};
    for (int i = 0; i < 4; i++) {
        ip->hi = ip->hi << 16 | full[i];
        ip->lo = ip->lo << 16 | full[i + 4];
    }
    return true;
}

bool nsf_ip_parse(struct nsf_slice text, struct nsf_ip *ip)
{
    uint32_t v4;
    if (text.len == 0 || text.len >= NSF_IP_TEXT_BYTES)
        return false;
    if (nsf_slice_find(text, ':') < text.len)
        return parse_v6(text, ip);
    if (!parse_v4(text, &v4))
        return false;
    *ip = nsf_ip_from_v4(v4);
    return true;
}

static uint16_t group_of(struct nsf_ip ip, int idx)
{
    uint64_t half = idx < 4 ? ip.hi : ip.lo;
    return (uint16_t)(half >> (48 - 16 * (idx & 3)));
}

/* The longest run of two or more zero groups, the first of equals. */
static void find_zero_run(struct nsf_ip ip, int *from, int *len)
{
    *from = -1;
    *len = 1;
    for (int i = 0; i < 8; i++) {
        int j = i;
        while (j < 8 && group_of(ip, j) == 0)
            j++;
        if (j - i > *len) {
            *from = i;
            *len = j - i;
        }
        i = j > i ? j : i;
    }
}

static char *put_v4(char *at, uint32_t v4)
{
    at = nsf_put_u8(at, v4 >> 24);
    *at++ = '.';
    at = nsf_put_u8(at, v4 >> 16 & 255);
    *at++ = '.';
    at = nsf_put_u8(at, v4 >> 8 & 255);
    *at++ = '.';
    return nsf_put_u8(at, v4 & 255);
}

static char *put_v6(char *at, struct nsf_ip ip)
{
    int from, len;
    find_zero_run(ip, &from, &len);
    for (int i = 0; i < 8; i++) {
        if (i == from) {
            *at++ = ':';
            *at++ = ':';
            i += len - 1;
            continue;
        }
        if (i > 0 && i != (from < 0 ? -1 : from + len))
            *at++ = ':';
        at = nsf_put_hex16(at, group_of(ip, i));
    }
    return at;
}

char *nsf_put_ip(char *at, struct nsf_ip ip)
{
    return nsf_ip_is_v4(ip) ? put_v4(at, nsf_ip_to_v4(ip)) : put_v6(at, ip);
}

const char *nsf_ip_format(struct nsf_ip ip, char buf[NSF_IP_TEXT_BYTES])
{
    *nsf_put_ip(buf, ip) = '\0';
    return buf;
}

static struct nsf_ip mask_of(uint8_t bits)
{
    struct nsf_ip mask;
    mask.hi = bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits);
    mask.lo = bits <= 64 ? 0 : bits >= 128 ? UINT64_MAX : UINT64_MAX << (128 - bits);
    return mask;
}

struct nsf_prefix nsf_prefix_around(struct nsf_ip ip, uint8_t bits)
{
    struct nsf_ip mask = mask_of(bits);
    return (struct nsf_prefix){{ip.hi & mask.hi, ip.lo & mask.lo}, bits};
}

bool nsf_prefix_parse(struct nsf_slice text, struct nsf_prefix *prefix)
{
    size_t slash = nsf_slice_find(text, '/');
    struct nsf_ip ip;
    if (!nsf_ip_parse(nsf_slice(text.ptr, slash), &ip))
        return false;
    bool is_v4_text = nsf_slice_find(nsf_slice(text.ptr, slash), ':') == slash;
    uint64_t len = is_v4_text ? 32 : 128;
    if (slash < text.len) {
        struct nsf_slice digits = nsf_slice_from(text, slash + 1);
        if ((digits.len > 1 && digits.ptr[0] == '0') || !nsf_slice_to_u64(digits, len, &len))
            return false;
    }
    *prefix = nsf_prefix_around(ip, (uint8_t)(is_v4_text ? len + V4_BITS_BASE : len));
    return true;
}

static bool is_v4_prefix(struct nsf_prefix prefix)
{
    return prefix.bits >= V4_BITS_BASE && nsf_ip_is_v4(prefix.ip);
}

char *nsf_put_prefix(char *at, struct nsf_prefix prefix)
{
    at = nsf_put_ip(at, prefix.ip);
    *at++ = '/';
    return nsf_put_u8(at, is_v4_prefix(prefix) ? prefix.bits - V4_BITS_BASE : prefix.bits);
}

const char *nsf_prefix_format(struct nsf_prefix prefix, char buf[NSF_IP_TEXT_BYTES])
{
    *nsf_put_prefix(buf, prefix) = '\0';
    return buf;
}

bool nsf_prefix_contains(struct nsf_prefix prefix, struct nsf_ip ip)
{
    struct nsf_ip mask = mask_of(prefix.bits);
    return (ip.hi & mask.hi) == prefix.ip.hi && (ip.lo & mask.lo) == prefix.ip.lo;
}

struct nsf_ip nsf_prefix_first(struct nsf_prefix prefix)
{
    return prefix.ip;
}

struct nsf_ip nsf_prefix_last(struct nsf_prefix prefix)
{
    struct nsf_ip mask = mask_of(prefix.bits);
    return (struct nsf_ip){prefix.ip.hi | ~mask.hi, prefix.ip.lo | ~mask.lo};
}

int nsf_prefix_cmp(struct nsf_prefix a, struct nsf_prefix b)
{
    int order = nsf_ip_cmp(a.ip, b.ip);
    return order != 0 ? order : (int)a.bits - (int)b.bits;
}

static bool is_behind(struct nsf_ip a, struct nsf_ip b)
{
    return a.hi != b.hi ? a.hi > b.hi : a.lo > b.lo;
}

struct nsf_prefix nsf_prefix_widest(struct nsf_ip first, struct nsf_ip last)
{
    struct nsf_prefix block = nsf_prefix_around(first, 128);
    uint8_t bits_min = nsf_ip_is_v4(first) ? V4_BITS_BASE : 0;
    while (block.bits > bits_min) {
        struct nsf_prefix wider = nsf_prefix_around(first, (uint8_t)(block.bits - 1));
        if (!nsf_ip_eq(wider.ip, first) || is_behind(nsf_prefix_last(wider), last))
            break;
        block = wider;
    }
    return block;
}
