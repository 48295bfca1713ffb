#include "core/nsf_common.h"

#include "core/json_out.h"

#include "core/clock.h"
#include "core/digits.h"
#include "core/err.h"
#include "core/json_string.h"

void nsf_json_out_init(struct nsf_json_out *json, struct nsf_out *out, unsigned line_depth)
{
    if (line_depth > NSF_JSON_LINE_DEPTH_MAX)
        NSF_BUG("lines deeper than a JSON document has them");
    *json = (struct nsf_json_out){.out = out, .line_depth = line_depth};
}

/* A comma, a line and its blanks: the most that stands before a value. */
#define BEFORE_BYTES (1 + NSF_JSON_LINE_BYTES)
#define PLAIN_KEY_MAX 64
#define PIECE_BYTES ((size_t)256)
#define UTF8_REST_MAX 3 /* bytes of a character behind its first one */

static char *put_line(char *at, unsigned depth)
{
    *at++ = '\n';
    memset(at, ' ', depth);
    return at + depth;
}

size_t nsf_json_out_line(const struct nsf_json_out *json, char line[NSF_JSON_LINE_BYTES])
{
    bool has_line = json->depth <= json->line_depth && json->depth > 0;
    return has_line ? (size_t)(put_line(line, json->depth) - line) : 0;
}

static char *put_before(struct nsf_json_out *json, char *at)
{
    if (!json->is_after_key) {
        if (json->needs_comma)
            *at++ = ',';
        at += nsf_json_out_line(json, at);
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

/* Long text goes out in pieces that end where a character does. Of one that the cut would go through, the first byte is
 * among the three before it; where it is not, the bytes there belong to no character. */
static size_t piece_len(struct nsf_slice text)
{
    if (text.len <= PIECE_BYTES)
        return text.len;
    for (size_t len = PIECE_BYTES; len >= PIECE_BYTES - UTF8_REST_MAX; len--)
        if (((unsigned char)text.ptr[len] & 0xC0) != 0x80)
            return len;
    return PIECE_BYTES;
}

static void write_string(struct nsf_json_out *json, struct nsf_slice text)
{
    char spare[BEFORE_BYTES + NSF_JSON_STRING_ROOM(PIECE_BYTES)];
    char *place = nsf_out_room(json->out, sizeof(spare), spare), *at = put_before(json, place);
    *at++ = '"';
    for (;;) {
        size_t len = piece_len(text);
        at = nsf_put_json_text(at, nsf_slice(text.ptr, len));
        text = nsf_slice_from(text, len);
        if (text.len == 0)
            break;
        nsf_out_put(json->out, place, at);
        at = place = nsf_out_room(json->out, sizeof(spare), spare);
    }
    *at++ = '"';
    nsf_out_put(json->out, place, at);
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
