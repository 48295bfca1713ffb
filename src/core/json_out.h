/*
 * json_out.h - writes JSON: commas, escapes, numbers; the caller keeps the nesting right.
 *
 * Compact; with `line_depth` > 0 every value at that depth or above starts a line of its own, so that large documents
 * stay diffable. Strings of foreign origin are safe: bytes that are not UTF-8 become U+FFFD, control characters are
 * escaped, and `<`, `>`, `&`, U+2028, U+2029 too, so that the text can stand inside HTML. One thread at a time.
 */
#ifndef NSF_JSON_OUT_H
#define NSF_JSON_OUT_H

#include "core/ipaddr.h"
#include "core/out.h"

#define NSF_JSON_LINE_DEPTH_MAX 15

struct nsf_json_out {
    struct nsf_out *out; /* borrowed */
    unsigned depth;
    unsigned line_depth;
    bool needs_comma;
    bool is_after_key;
};

/* line_depth up to NSF_JSON_LINE_DEPTH_MAX. */
void nsf_json_out_init(struct nsf_json_out *json, struct nsf_out *out, unsigned line_depth);

void nsf_json_out_begin_map(struct nsf_json_out *json);
void nsf_json_out_end_map(struct nsf_json_out *json);
void nsf_json_out_begin_array(struct nsf_json_out *json);
void nsf_json_out_end_array(struct nsf_json_out *json);
/* A key of the program's own: letters, digits and what needs no escape. Its length is known when this is compiled. */
void nsf_json_out_plain_key(struct nsf_json_out *json, const char *key, size_t len);
static inline void nsf_json_out_key(struct nsf_json_out *json, const char *key)
{
    nsf_json_out_plain_key(json, key, strlen(key));
}
/* A key that came from the input; the caller sees to it that none occurs twice. */
void nsf_json_out_foreign_key(struct nsf_json_out *json, struct nsf_slice key);

void nsf_json_out_null(struct nsf_json_out *json);
void nsf_json_out_bool(struct nsf_json_out *json, bool value);
void nsf_json_out_u64(struct nsf_json_out *json, uint64_t value);
void nsf_json_out_i64(struct nsf_json_out *json, int64_t value);
/* value / 10^n_digits, exactly, without trailing zeros: (82, 1) is 8.2, (80, 1) is 8. */
void nsf_json_out_decimal(struct nsf_json_out *json, int64_t value, unsigned n_digits);
void nsf_json_out_slice(struct nsf_json_out *json, struct nsf_slice text);
/* NULL writes null. */
void nsf_json_out_str(struct nsf_json_out *json, const char *text);
/* The UTC form with milliseconds; NSF_TS_NONE writes null. */
void nsf_json_out_time(struct nsf_json_out *json, int64_t ts_ms);

void nsf_json_out_ip(struct nsf_json_out *json, struct nsf_ip ip);
void nsf_json_out_prefix(struct nsf_json_out *json, struct nsf_prefix prefix);

/* For rows that are written without this writer: what it puts before a value of the list that is open, but the comma.
 * Returns its length. */
#define NSF_JSON_LINE_BYTES (1 + NSF_JSON_LINE_DEPTH_MAX)
size_t nsf_json_out_line(const struct nsf_json_out *json, char line[NSF_JSON_LINE_BYTES]);

/* key and value in one call */
static inline void nsf_json_out_key_u64(struct nsf_json_out *json, const char *key, uint64_t value)
{
    nsf_json_out_key(json, key);
    nsf_json_out_u64(json, value);
}

static inline void nsf_json_out_key_bool(struct nsf_json_out *json, const char *key, bool value)
{
    nsf_json_out_key(json, key);
    nsf_json_out_bool(json, value);
}

static inline void nsf_json_out_key_str(struct nsf_json_out *json, const char *key, const char *text)
{
    nsf_json_out_key(json, key);
    nsf_json_out_str(json, text);
}

static inline void nsf_json_out_key_slice(struct nsf_json_out *json, const char *key, struct nsf_slice text)
{
    nsf_json_out_key(json, key);
    nsf_json_out_slice(json, text);
}

static inline void nsf_json_out_key_time(struct nsf_json_out *json, const char *key, int64_t ts_ms)
{
    nsf_json_out_key(json, key);
    nsf_json_out_time(json, ts_ms);
}

#endif
