#include "core/nsf_common.h"

#include "report/dom_read.h"

#include "core/clock.h"

void nsf_dom_fail(struct nsf_dom_reader *reader, const struct nsf_json *at, const char *key, const char *what)
{
    nsf_result r =
        NSF_FAIL(reader->err, NSF_E_SHAPE, at->offset, "\"%s\" in line %u is not %s", key, (unsigned)at->line, what);
    reader->has_failed = nsf_failed(r);
}

/* The member, unless it is absent or null. */
static const struct nsf_json *member(const struct nsf_json *map, const char *key)
{
    const struct nsf_json *value = nsf_json_get(map, key);
    return value == NULL || value->type == NSF_JSON_NULL ? NULL : value;
}

static const struct nsf_json *member_of_type(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key,
                                             enum nsf_json_type type, const char *what)
{
    const struct nsf_json *value = member(map, key);
    if (value == NULL || value->type == type)
        return value;
    nsf_dom_fail(reader, value, key, what);
    return NULL;
}

uint64_t nsf_dom_u64(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key, uint64_t max)
{
    uint64_t number = 0;
    const struct nsf_json *value = member_of_type(reader, map, key, NSF_JSON_NUMBER, "a number");
    if (value != NULL && !nsf_json_to_u64(value, max, &number))
        nsf_dom_fail(reader, value, key, "a whole number in its range");
    return number;
}

bool nsf_dom_bool(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key)
{
    const struct nsf_json *value = member_of_type(reader, map, key, NSF_JSON_BOOL, "true or false");
    return value != NULL && value->u.boolean;
}

/* Scores and shares are small. */
#define DECIMAL_MAX 1000000

/* "-8.25" with 1 digit is -82: what is behind the last digit kept is dropped. */
static bool decimal_parse(struct nsf_slice text, unsigned n_digits, int64_t *number)
{
    uint64_t whole = 0, fraction = 0;
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    if (is_negative)
        text = nsf_slice_from(text, 1);
    size_t point = nsf_slice_find(text, '.');
    if (!nsf_slice_to_u64(nsf_slice(text.ptr, point), DECIMAL_MAX, &whole))
        return false;
    for (size_t i = point + 1; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    for (unsigned i = 0; i < n_digits; i++) {
        size_t at = point + 1 + i;
        char digit = at < text.len ? text.ptr[at] : '0';
        whole *= 10;
        fraction = fraction * 10 + (uint64_t)(digit - '0');
    }
    *number = (int64_t)(whole + fraction);
    if (is_negative)
        *number = -*number;
    return true;
}

int64_t nsf_dom_decimal(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key, unsigned n_digits,
                        int64_t absent)
{
    int64_t number = absent;
    const struct nsf_json *value = member_of_type(reader, map, key, NSF_JSON_NUMBER, "a number");
    if (value != NULL && !decimal_parse(value->u.text, n_digits, &number))
        nsf_dom_fail(reader, value, key, "a decimal number");
    return number;
}

struct nsf_slice nsf_dom_text(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key)
{
    const struct nsf_json *value = member_of_type(reader, map, key, NSF_JSON_STRING, "a string");
    return value == NULL ? (struct nsf_slice){NULL, 0} : value->u.text;
}

struct nsf_slices nsf_dom_texts(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key)
{
    struct nsf_slices texts = {NULL, 0};
    const struct nsf_json *array = nsf_dom_array(reader, map, key);
    if (nsf_json_len(array) == 0)
        return texts;
    texts.items = nsf_arena_zalloc(reader->arena, nsf_json_len(array), sizeof(*texts.items));
    for (size_t i = 0; i < nsf_json_len(array); i++) {
        const struct nsf_json *value = nsf_json_item(array, i);
        if (value->type != NSF_JSON_STRING) {
            nsf_dom_fail(reader, value, key, "a list of strings");
            break;
        }
        texts.items[texts.n++] = value->u.text;
    }
    return texts;
}

int64_t nsf_dom_time(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key)
{
    int64_t ts_ms = NSF_TS_NONE;
    struct nsf_slice text = nsf_dom_text(reader, map, key);
    if (text.ptr != NULL && !nsf_time_parse(text, &ts_ms))
        nsf_dom_fail(reader, nsf_json_get(map, key), key, "a time");
    return ts_ms;
}

struct nsf_ip nsf_dom_ip(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key)
{
    struct nsf_ip ip = {0, 0};
    struct nsf_slice text = nsf_dom_text(reader, map, key);
    if (text.ptr != NULL && !nsf_ip_parse(text, &ip))
        nsf_dom_fail(reader, nsf_json_get(map, key), key, "an address");
    return ip;
}

struct nsf_prefix nsf_dom_prefix(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key)
{
    struct nsf_prefix prefix = {{0, 0}, 0};
    struct nsf_slice text = nsf_dom_text(reader, map, key);
    if (text.ptr != NULL && !nsf_prefix_parse(text, &prefix))
        nsf_dom_fail(reader, nsf_json_get(map, key), key, "a network");
    return prefix;
}

const struct nsf_json *nsf_dom_map(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key)
{
    return member_of_type(reader, map, key, NSF_JSON_MAP, "an object");
}

const struct nsf_json *nsf_dom_array(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key)
{
    return member_of_type(reader, map, key, NSF_JSON_ARRAY, "a list");
}

unsigned nsf_dom_word(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key, nsf_dom_name_fn *name,
                      unsigned n, unsigned absent)
{
    struct nsf_slice text = nsf_dom_text(reader, map, key);
    if (text.ptr == NULL)
        return absent;
    for (unsigned i = 0; i < n; i++)
        if (nsf_slice_eq(text, nsf_slice_str(name(i))))
            return i;
    nsf_dom_fail(reader, nsf_json_get(map, key), key, "a word of this document");
    return absent;
}
