#include "core/nsf_common.h"

#include "core/json_out.h"

#include "core/clock.h"
#include "core/digits.h"
#include "core/err.h"
#include "core/utf8.h"

void nsf_json_out_init(struct nsf_json_out *json, struct nsf_out *out, unsigned line_depth)
{
    if (line_depth > NSF_JSON_LINE_DEPTH_MAX)
        NSF_BUG("lines deeper than a JSON document has them");
    *json = (struct nsf_json_out){.out = out, .line_depth = line_depth};
}

/* A comma, a line and its blanks: the most that stands before a value. */
#define BEFORE_BYTES (2 + NSF_JSON_LINE_DEPTH_MAX)
#define PLAIN_KEY_MAX 64

static char *put_line(char *at, unsigned depth)
{
    *at++ = '\n';
    memset(at, ' ', depth);
    return at + depth;
}

static char *put_before(struct nsf_json_out *json, char *at)
{
    if (!json->is_after_key) {
        if (json->needs_comma)
            *at++ = ',';
        if (json->depth <= json->line_depth && json->depth > 0)
            at = put_line(at, json->depth);
    }
    json->is_after_key = false;
    json->needs_comma = true;
    return at;
}

static void before_value(struct nsf_json_out *json)
{
    char spare[BEFORE_BYTES], *at = nsf_out_room(json->out, sizeof(spare), spare);
    nsf_out_put(json->out, at, put_before(json, at));
}

static void begin(struct nsf_json_out *json, char bracket)
{
    before_value(json);
    nsf_out_char(json->out, bracket);
    json->depth++;
    json->needs_comma = false;
}

static void end(struct nsf_json_out *json, char bracket)
{
    json->depth--;
    if (json->needs_comma && json->depth < json->line_depth) {
        char spare[BEFORE_BYTES], *at = nsf_out_room(json->out, sizeof(spare), spare);
        nsf_out_put(json->out, at, put_line(at, json->depth));
    }
    nsf_out_char(json->out, bracket);
    json->needs_comma = true;
    if (json->depth == 0)
        nsf_out_char(json->out, '\n');
}

void nsf_json_out_begin_map(struct nsf_json_out *json)
{
    begin(json, '{');
}

void nsf_json_out_end_map(struct nsf_json_out *json)
{
    end(json, '}');
}

void nsf_json_out_begin_array(struct nsf_json_out *json)
{
    begin(json, '[');
}

void nsf_json_out_end_array(struct nsf_json_out *json)
{
    end(json, ']');
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* The high bit of each byte that is zero; bytes behind the first one may be wrong. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* Eight bytes of which none needs an escape; false says nothing for sure. `<` and `>` differ in one bit. */
static bool are_plain(const char *ptr)
{
    uint64_t word;
    memcpy(&word, ptr, sizeof(word));
    uint64_t odd = (word | (word + EACH_BYTE(1))) & EACH_BYTE(0x80); /* from 0x7F up */
    odd |= (word - EACH_BYTE(0x20)) & EACH_BYTE(0x80);               /* below 0x20 */
    odd |= zero_bytes(word ^ EACH_BYTE('"')) | zero_bytes(word ^ EACH_BYTE('\\')) | zero_bytes(word ^ EACH_BYTE('&'));
    odd |= zero_bytes((word & ~EACH_BYTE('<' ^ '>')) ^ EACH_BYTE('<' & '>'));
    return odd == 0;
}

static size_t n_plain(struct nsf_slice text)
{
    size_t n = 0;
    while (text.len - n >= sizeof(uint64_t) && are_plain(text.ptr + n))
        n += sizeof(uint64_t);
    while (n < text.len && is_plain((unsigned char)text.ptr[n]))
        n++;
    return n;
}

static void write_special(struct nsf_json_out *json, uint32_t c, struct nsf_slice bytes)
{
    if (c == '"' || c == '\\')
        nsf_out_printf(json->out, "\\%c", (int)c);
    else if (c == '\n')
        nsf_out_str(json->out, "\\n");
    else if (c == '\t')
        nsf_out_str(json->out, "\\t");
    else if (c >= 0x80 && !nsf_utf8_is_unsafe(c))
        nsf_out_slice(json->out, bytes);
    else if (c < 0x10000)
        nsf_out_printf(json->out, "\\u%04x", (unsigned)c);
    else
        nsf_out_printf(json->out, "\\u%04x\\u%04x", 0xD7C0u + (unsigned)(c >> 10), 0xDC00u + (unsigned)(c & 0x3FF));
}

static void write_string(struct nsf_json_out *json, struct nsf_slice text)
{
    nsf_out_char(json->out, '"');
    while (text.len > 0) {
        size_t n = n_plain(text);
        nsf_out_write(json->out, text.ptr, n);
        text = nsf_slice_from(text, n);
        if (text.len == 0)
            break;
        uint32_t c;
        n = nsf_utf8_decode(text, &c);
        if (n == 0) {
            nsf_out_str(json->out, "\\ufffd");
            n = 1;
        } else {
            write_special(json, c, nsf_slice(text.ptr, n));
        }
        text = nsf_slice_from(text, n);
    }
    nsf_out_char(json->out, '"');
}

void nsf_json_out_plain_key(struct nsf_json_out *json, const char *key, size_t len)
{
    char spare[BEFORE_BYTES + PLAIN_KEY_MAX + 3];
    if (len > PLAIN_KEY_MAX) {
        nsf_json_out_foreign_key(json, nsf_slice(key, len));
        return;
    }
    char *place = nsf_out_room(json->out, sizeof(spare), spare), *at = put_before(json, place);
    *at++ = '"';
    memcpy(at, key, len);
    at += len;
    *at++ = '"';
    *at++ = ':';
    nsf_out_put(json->out, place, at);
    json->is_after_key = true;
}

void nsf_json_out_foreign_key(struct nsf_json_out *json, struct nsf_slice key)
{
    before_value(json);
    write_string(json, key);
    nsf_out_char(json->out, ':');
    json->is_after_key = true;
}

void nsf_json_out_null(struct nsf_json_out *json)
{
    before_value(json);
    nsf_out_str(json->out, "null");
}

void nsf_json_out_bool(struct nsf_json_out *json, bool value)
{
    before_value(json);
    nsf_out_str(json->out, value ? "true" : "false");
}

/* A review of ten million sources holds two hundred million numbers: they are written in place. */
void nsf_json_out_u64(struct nsf_json_out *json, uint64_t value)
{
    char spare[BEFORE_BYTES + NSF_DIGITS_MAX], *place = nsf_out_room(json->out, sizeof(spare), spare);
    nsf_out_put(json->out, place, nsf_put_u64(put_before(json, place), value));
}

void nsf_json_out_i64(struct nsf_json_out *json, int64_t value)
{
    char spare[BEFORE_BYTES + NSF_DIGITS_MAX], *place = nsf_out_room(json->out, sizeof(spare), spare);
    nsf_out_put(json->out, place, nsf_put_i64(put_before(json, place), value));
}

void nsf_json_out_decimal(struct nsf_json_out *json, int64_t value, unsigned n_digits)
{
    char spare[BEFORE_BYTES + NSF_DIGITS_MAX + 1], *place = nsf_out_room(json->out, sizeof(spare), spare);
    nsf_out_put(json->out, place, nsf_put_decimal(put_before(json, place), value, n_digits));
}

void nsf_json_out_slice(struct nsf_json_out *json, struct nsf_slice text)
{
    before_value(json);
    write_string(json, text);
}

void nsf_json_out_str(struct nsf_json_out *json, const char *text)
{
    if (text == NULL)
        nsf_json_out_null(json);
    else
        nsf_json_out_slice(json, nsf_slice_str(text));
}

void nsf_json_out_time(struct nsf_json_out *json, int64_t ts_ms)
{
    char spare[BEFORE_BYTES + 2 + NSF_TIME_TEXT_BYTES];
    if (ts_ms == NSF_TS_NONE) {
        nsf_json_out_null(json);
        return;
    }
    char *place = nsf_out_room(json->out, sizeof(spare), spare), *at = put_before(json, place);
    *at++ = '"';
    at = nsf_put_time(at, ts_ms);
    *at++ = '"';
    nsf_out_put(json->out, place, at);
}

void nsf_json_out_ip(struct nsf_json_out *json, struct nsf_ip ip)
{
    char spare[BEFORE_BYTES + 2 + NSF_IP_TEXT_BYTES];
    char *place = nsf_out_room(json->out, sizeof(spare), spare), *at = put_before(json, place);
    *at++ = '"';
    at = nsf_put_ip(at, ip);
    *at++ = '"';
    nsf_out_put(json->out, place, at);
}

void nsf_json_out_prefix(struct nsf_json_out *json, struct nsf_prefix prefix)
{
    char spare[BEFORE_BYTES + 2 + NSF_IP_TEXT_BYTES];
    char *place = nsf_out_room(json->out, sizeof(spare), spare), *at = put_before(json, place);
    *at++ = '"';
    at = nsf_put_prefix(at, prefix);
    *at++ = '"';
    nsf_out_put(json->out, place, at);
}
