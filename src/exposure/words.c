#include "core/nsf_common.h"

#include "exposure/words.h"

static bool is_any_of(struct nsf_slice text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (nsf_slice_eq_nocase(text, nsf_slice_str(*words)))
            return true;
    return false;
}

static nsf_u128 prefix_number(struct nsf_ip ip, bool is_v4)
{
    return is_v4 ? (nsf_u128)nsf_ip_to_v4(ip) : (nsf_u128)ip.hi << 64 | ip.lo;
}

static bool parse_prefix(struct nsf_slice text, struct nsf_word *word)
{
    struct nsf_prefix prefix;
    if (!nsf_prefix_parse(text, &prefix))
        return false;
    bool is_v4 = prefix.bits >= 96 && nsf_ip_is_v4(prefix.ip);
    word->family = is_v4 ? NSF_FAMILY_V4 : NSF_FAMILY_V6;
    word->range.first = prefix_number(nsf_prefix_first(prefix), is_v4);
    word->range.last = prefix_number(nsf_prefix_last(prefix), is_v4);
    return true;
}

static bool parse_span(struct nsf_slice text, struct nsf_word *word)
{
    size_t dash = nsf_slice_find(text, '-');
    struct nsf_ip first, last;
    if (dash == text.len || !nsf_ip_parse(nsf_slice_trim(nsf_slice(text.ptr, dash)), &first) ||
        !nsf_ip_parse(nsf_slice_trim(nsf_slice_from(text, dash + 1)), &last))
        return false;
    word->family = nsf_ip_family(first);
    word->range = (struct nsf_range){nsf_ip_number(first), nsf_ip_number(last)};
    return word->family == nsf_ip_family(last) && word->range.first <= word->range.last;
}

/* A letter, then letters, digits and `_`, `-`, with one dot for a region or a part at most. */
static bool looks_like_tag(struct nsf_slice text)
{
    size_t n_dots = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = nsf_ascii_lower(text.ptr[i]);
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_inside = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
        n_dots += c == '.';
        if (!is_letter && (i == 0 || !is_inside))
            return false;
    }
    return text.len > 0 && n_dots <= 1 && text.ptr[text.len - 1] != '.';
}

static enum nsf_word_kind kind_of_name(struct nsf_slice text, bool *is_vnet)
{
    static const char *const all[] = {"*", "Any", NULL};
    /* Classic deployments spell the three oldest tags in capitals with underscores. */
    static const char *const vnet[] = {"VirtualNetwork", "VIRTUAL_NETWORK", NULL};
    static const char *const inner[] = {"AzureLoadBalancer", "AZURE_LOADBALANCER", "AzurePlatformDNS",
                                        "AzurePlatformIMDS", "AzurePlatformLKM",   NULL};
    *is_vnet = is_any_of(text, vnet);
    if (is_any_of(text, all))
        return NSF_WORD_ALL;
    if (nsf_slice_eq_nocase(text, NSF_SLICE_LIT("Internet")))
        return NSF_WORD_INTERNET;
    if (*is_vnet || is_any_of(text, inner))
        return NSF_WORD_INNER;
    if (!looks_like_tag(text))
        return NSF_WORD_BAD;
    bool is_cloud = nsf_slice_has_prefix_nocase(text, NSF_SLICE_LIT("AzureCloud")) &&
                    (text.len == sizeof("AzureCloud") - 1 || text.ptr[sizeof("AzureCloud") - 1] == '.');
    return is_cloud ? NSF_WORD_CLOUD : NSF_WORD_TAG;
}

struct nsf_word nsf_word_parse(struct nsf_slice text)
{
    struct nsf_word word = {.kind = NSF_WORD_RANGE};
    text = nsf_slice_trim(text);
    if (parse_prefix(text, &word) || parse_span(text, &word))
        return word;
    word.kind = kind_of_name(text, &word.is_vnet);
    /* "/0", "0/0", "<network>/0": no address, but nobody means anything else by it. */
    if (word.kind == NSF_WORD_BAD && nsf_slice_has_suffix_nocase(text, NSF_SLICE_LIT("/0")))
        word.kind = NSF_WORD_ALL;
    return word;
}

bool nsf_word_next(struct nsf_slice *rest, struct nsf_slice *item)
{
    if (rest->ptr == NULL)
        return false;
    /* A template expression that nobody evaluated has commas of its own. */
    bool is_expression = rest->len > 0 && rest->ptr[0] == '[';
    size_t comma = is_expression ? rest->len : nsf_slice_find(*rest, ',');
    *item = nsf_slice_trim(nsf_slice(rest->ptr, comma));
    *rest = comma < rest->len ? nsf_slice_from(*rest, comma + 1) : nsf_slice(NULL, 0);
    return true;
}

bool nsf_port_parse(struct nsf_slice text, struct nsf_range *range)
{
    static const char *const all[] = {"*", "Any", NULL};
    uint64_t first, last;
    text = nsf_slice_trim(text);
    if (is_any_of(text, all)) {
        *range = (struct nsf_range){0, UINT16_MAX};
        return true;
    }
    size_t dash = nsf_slice_find(text, '-');
    if (!nsf_slice_to_u64(nsf_slice_trim(nsf_slice(text.ptr, dash)), UINT16_MAX, &first))
        return false;
    last = first;
    if (dash < text.len && !nsf_slice_to_u64(nsf_slice_trim(nsf_slice_from(text, dash + 1)), UINT16_MAX, &last))
        return false;
    *range = (struct nsf_range){first, last};
    return first <= last;
}

enum nsf_protocol_match nsf_protocol_is_tcp(struct nsf_slice text)
{
    static const char *const tcp[] = {"Tcp", "*", "Any", "All", "6", NULL};
    static const char *const others[] = {"Udp", "Icmp", "IcmpV4", "IcmpV6", "Esp", "Ah", NULL};
    uint64_t number;
    text = nsf_slice_trim(text);
    if (is_any_of(text, tcp))
        return NSF_PROTOCOL_YES;
    if (is_any_of(text, others) || nsf_slice_to_u64(text, 255, &number))
        return NSF_PROTOCOL_NO;
    return NSF_PROTOCOL_BAD;
}
