#include "core/nsf_common.h"

#include "core/slice.h"

bool nsf_slice_eq_nocase(struct nsf_slice a, struct nsf_slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (nsf_ascii_lower(a.ptr[i]) != nsf_ascii_lower(b.ptr[i]))
            return false;
    return true;
}

bool nsf_slice_has_prefix(struct nsf_slice s, struct nsf_slice prefix)
{
    return s.len >= prefix.len && nsf_slice_eq(nsf_slice(s.ptr, prefix.len), prefix);
}

bool nsf_slice_has_prefix_nocase(struct nsf_slice s, struct nsf_slice prefix)
{
    return s.len >= prefix.len && nsf_slice_eq_nocase(nsf_slice(s.ptr, prefix.len), prefix);
}

bool nsf_slice_has_suffix_nocase(struct nsf_slice s, struct nsf_slice suffix)
{
    return s.len >= suffix.len && nsf_slice_eq_nocase(nsf_slice_from(s, s.len - suffix.len), suffix);
}

static int cmp_len(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

int nsf_slice_cmp(struct nsf_slice a, struct nsf_slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    return order != 0 ? order : cmp_len(a.len, b.len);
}

int nsf_slice_cmp_nocase(struct nsf_slice a, struct nsf_slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < common; i++) {
        int order = (unsigned char)nsf_ascii_lower(a.ptr[i]) - (unsigned char)nsf_ascii_lower(b.ptr[i]);
        if (order != 0)
            return order;
    }
    return cmp_len(a.len, b.len);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct nsf_slice nsf_slice_trim(struct nsf_slice s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = nsf_slice_from(s, 1);
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

size_t nsf_slice_find(struct nsf_slice s, char c)
{
    const char *hit = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);
    return hit == NULL ? s.len : (size_t)(hit - s.ptr);
}

bool nsf_slice_to_u64(struct nsf_slice s, uint64_t max, uint64_t *value)
{
    if (s.len == 0)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(sum, 10u, &sum) || __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    if (sum > max)
        return false;
    *value = sum;
    return true;
}
