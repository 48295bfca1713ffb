#include "core/nsf_common.h"

#include "core/json_out.h"

#include "core/clock.h"
#include "core/utf8.h"

void nsf_json_out_init(struct nsf_json_out *json, struct nsf_out *out, unsigned line_depth)
{
    *json = (struct nsf_json_out){.out = out, .line_depth = line_depth};
}

static void new_line(struct nsf_json_out *json)
{
    if (json->depth == 0 || json->depth > json->line_depth)
        return;
    nsf_out_char(json->out, '\n');
    for (unsigned i = 0; i < json->depth; i++)
        nsf_out_char(json->out, ' ');
}

static void before_value(struct nsf_json_out *json)
{
    if (!json->is_after_key) {
        if (json->needs_comma)
            nsf_out_char(json->out, ',');
        new_line(json);
    }
    json->is_after_key = false;
    json->needs_comma = true;
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
        nsf_out_char(json->out, '\n');
        for (unsigned i = 0; i < json->depth; i++)
            nsf_out_char(json->out, ' ');
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

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
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
        size_t n = 0;
        while (n < text.len && is_plain((unsigned char)text.ptr[n]))
            n++;
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

void nsf_json_out_key(struct nsf_json_out *json, const char *key)
{
    nsf_json_out_foreign_key(json, nsf_slice_str(key));
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

void nsf_json_out_u64(struct nsf_json_out *json, uint64_t value)
{
    /* A review of ten million sources holds two hundred million numbers. */
    char digits[20];
    size_t at = sizeof(digits);
    before_value(json);
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    nsf_out_write(json->out, digits + at, sizeof(digits) - at);
}

void nsf_json_out_i64(struct nsf_json_out *json, int64_t value)
{
    before_value(json);
    nsf_out_printf(json->out, "%lld", (long long)value);
}

void nsf_json_out_decimal(struct nsf_json_out *json, int64_t value, unsigned n_digits)
{
    before_value(json);
    uint64_t scale = 1;
    for (unsigned i = 0; i < n_digits; i++)
        scale *= 10;
    uint64_t size = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    uint64_t fraction = size % scale;
    nsf_out_printf(json->out, "%s%llu", value < 0 ? "-" : "", (unsigned long long)(size / scale));
    for (; n_digits > 0 && fraction % 10 == 0; n_digits--)
        fraction /= 10;
    if (n_digits > 0)
        nsf_out_printf(json->out, ".%0*llu", (int)n_digits, (unsigned long long)fraction);
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
    char text[NSF_TIME_TEXT_BYTES];
    nsf_json_out_str(json, ts_ms == NSF_TS_NONE ? NULL : nsf_time_format(ts_ms, text));
}

void nsf_json_out_key_u64(struct nsf_json_out *json, const char *key, uint64_t value)
{
    nsf_json_out_key(json, key);
    nsf_json_out_u64(json, value);
}

void nsf_json_out_key_bool(struct nsf_json_out *json, const char *key, bool value)
{
    nsf_json_out_key(json, key);
    nsf_json_out_bool(json, value);
}

void nsf_json_out_key_str(struct nsf_json_out *json, const char *key, const char *text)
{
    nsf_json_out_key(json, key);
    nsf_json_out_str(json, text);
}

void nsf_json_out_key_slice(struct nsf_json_out *json, const char *key, struct nsf_slice text)
{
    nsf_json_out_key(json, key);
    nsf_json_out_slice(json, text);
}

void nsf_json_out_key_time(struct nsf_json_out *json, const char *key, int64_t ts_ms)
{
    nsf_json_out_key(json, key);
    nsf_json_out_time(json, ts_ms);
}
