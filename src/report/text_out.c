#include "core/nsf_common.h"

#include "report/text_out.h"

#include "core/limits.h"
#include "core/utf8.h"

#include <stdarg.h>

/* A paragraph holds a handful of names, each escaped to at most 8 bytes a byte. */
#define PARA_MAX_BYTES ((size_t)16 << 20)
#define ELLIPSIS "\xe2\x80\xa6"

void nsf_text_init(struct nsf_text *text, struct nsf_out *out, unsigned width, bool is_colour)
{
    *text = (struct nsf_text){.out = out, .width = width, .is_colour = is_colour};
    nsf_buf_init(&text->line, PARA_MAX_BYTES);
}

void nsf_text_release(struct nsf_text *text)
{
    nsf_buf_release(&text->line);
}

static void style_begin(struct nsf_text *text, enum nsf_style style)
{
    static const char *const codes[] = {"", "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m"};
    if (text->is_colour)
        nsf_out_str(text->out, codes[style]);
}

static void style_end(struct nsf_text *text, enum nsf_style style)
{
    if (text->is_colour && style != NSF_STYLE_PLAIN)
        nsf_out_str(text->out, "\x1b[0m");
}

/* ---- measuring -------------------------------------------------------------------------------------------------- */

/* Columns of one character: the blocks that terminals draw twice as wide, and marks that stand on the one before. */
static size_t char_columns(uint32_t c)
{
    if ((c >= 0x300 && c <= 0x36F) || (c >= 0xFE00 && c <= 0xFE0F))
        return 0;
    bool is_wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                   (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                   (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
    return is_wide ? 2 : 1;
}

/* Columns of a text that is safe already. */
static size_t safe_columns(struct nsf_slice safe)
{
    size_t columns = 0;
    while (safe.len > 0) {
        uint32_t c = 0;
        size_t n = nsf_utf8_decode(safe, &c);
        columns += char_columns(c);
        safe = nsf_slice_from(safe, n == 0 ? 1 : n);
    }
    return columns;
}

/* The longest start of `safe` that fits into `columns`, at least one character. */
static struct nsf_slice safe_start(struct nsf_slice safe, size_t columns)
{
    size_t used = 0, len = 0;
    while (len < safe.len) {
        uint32_t c = 0;
        size_t n = nsf_utf8_decode(nsf_slice_from(safe, len), &c);
        used += char_columns(c);
        if (used > columns && len > 0)
            break;
        len += n == 0 ? 1 : n;
    }
    return nsf_slice(safe.ptr, len);
}

static struct nsf_slice safe_end(struct nsf_slice safe, size_t columns)
{
    while (safe_columns(safe) > columns)
        safe = nsf_slice_from(safe, safe_start(safe, 1).len);
    return safe;
}

/* Appends raw to buf as it may be shown. */
static void add_visible(struct nsf_buf *buf, struct nsf_slice raw)
{
    struct nsf_out *out = nsf_out_new_buf(buf);
    nsf_out_visible(out, raw);
    nsf_out_abandon(out);
}

size_t nsf_text_columns(struct nsf_slice raw)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, PARA_MAX_BYTES);
    add_visible(&buf, raw);
    size_t columns = safe_columns(nsf_buf_slice(&buf));
    nsf_buf_release(&buf);
    return columns;
}

/* ---- lines and paragraphs --------------------------------------------------------------------------------------- */

static void pad(struct nsf_text *text, size_t columns)
{
    for (size_t i = 0; i < columns; i++)
        nsf_out_char(text->out, ' ');
}

void nsf_text_heading(struct nsf_text *text, enum nsf_style style, const char *fmt, ...)
{
    char line[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    style_begin(text, style);
    nsf_out_visible(text->out, nsf_slice_str(line));
    style_end(text, style);
    nsf_out_char(text->out, '\n');
}

void nsf_text_rule(struct nsf_text *text)
{
    style_begin(text, NSF_STYLE_FAINT);
    for (unsigned i = 0; i < text->width; i++)
        nsf_out_char(text->out, '-');
    style_end(text, NSF_STYLE_FAINT);
    nsf_out_char(text->out, '\n');
}

void nsf_text_newline(struct nsf_text *text)
{
    nsf_out_char(text->out, '\n');
}

void nsf_text_para_begin(struct nsf_text *text)
{
    nsf_buf_reset(&text->line);
}

void nsf_text_para_add(struct nsf_text *text, struct nsf_slice raw)
{
    add_visible(&text->line, raw);
}

static NSF_PRINTF(2, 0) void add_formatted(struct nsf_text *text, const char *fmt, va_list args)
{
    char words[1024];
    vsnprintf(words, sizeof(words), fmt, args);
    add_visible(&text->line, nsf_slice_str(words));
}

void nsf_text_para_addf(struct nsf_text *text, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_formatted(text, fmt, args);
    va_end(args);
}

/* A piece of a word that is longer than a line: up to its last slash, if that stands in the second half. */
static struct nsf_slice cut_word(struct nsf_slice line)
{
    for (size_t end = line.len; end > line.len / 2; end--)
        if (line.ptr[end - 1] == '/')
            return nsf_slice(line.ptr, end);
    return line;
}

/* What goes on one line of `columns`: as many words as fit, or a piece of one that does not. */
static struct nsf_slice next_line(struct nsf_slice left, size_t columns)
{
    struct nsf_slice line = safe_start(left, columns);
    if (line.len == left.len || left.ptr[line.len] == ' ')
        return line;
    size_t end = line.len;
    while (end > 0 && line.ptr[end - 1] != ' ')
        end--;
    return end == 0 ? cut_word(line) : nsf_slice(line.ptr, end);
}

static struct nsf_slice without_blanks(struct nsf_slice line)
{
    while (line.len > 0 && line.ptr[line.len - 1] == ' ')
        line.len--;
    return line;
}

void nsf_text_para_end(struct nsf_text *text, const char *label, size_t hang, enum nsf_style label_style)
{
    struct nsf_slice left = nsf_buf_slice(&text->line);
    size_t used = strlen(label);
    size_t columns = text->width > hang + 20 ? text->width - hang : 20;
    bool is_first = true;
    style_begin(text, label_style);
    nsf_out_str(text->out, label);
    style_end(text, label_style);
    if (used > 0 && used >= hang && left.len > 0) {
        nsf_out_char(text->out, '\n');
        used = 0;
    }
    while (left.len > 0) {
        struct nsf_slice line = next_line(left, columns);
        pad(text, is_first ? hang - used : hang);
        nsf_out_slice(text->out, without_blanks(line));
        nsf_out_char(text->out, '\n');
        left = nsf_slice_from(left, line.len);
        while (left.len > 0 && left.ptr[0] == ' ')
            left = nsf_slice_from(left, 1);
        is_first = false;
    }
    if (is_first)
        nsf_out_char(text->out, '\n');
}

void nsf_text_para(struct nsf_text *text, const char *label, size_t hang, struct nsf_slice raw)
{
    nsf_text_para_begin(text);
    nsf_text_para_add(text, raw);
    nsf_text_para_end(text, label, hang, NSF_STYLE_PLAIN);
}

void nsf_text_paraf(struct nsf_text *text, const char *label, size_t hang, const char *fmt, ...)
{
    va_list args;
    nsf_text_para_begin(text);
    va_start(args, fmt);
    add_formatted(text, fmt, args);
    va_end(args);
    nsf_text_para_end(text, label, hang, NSF_STYLE_PLAIN);
}

/* ---- cells ------------------------------------------------------------------------------------------------------ */

static void write_styled(struct nsf_text *text, struct nsf_slice safe, enum nsf_style style)
{
    style_begin(text, style);
    nsf_out_slice(text->out, safe);
    style_end(text, style);
}

void nsf_text_cell(struct nsf_text *text, struct nsf_slice raw, int columns, enum nsf_style style)
{
    nsf_buf_reset(&text->line);
    add_visible(&text->line, raw);
    struct nsf_slice safe = nsf_buf_slice(&text->line);
    size_t room = (size_t)(columns < 0 ? -columns : columns);
    size_t used = safe_columns(safe);
    if (columns < 0 && used < room)
        pad(text, room - used);
    write_styled(text, safe, style);
    if (columns > 0 && used < room)
        pad(text, room - used);
}

void nsf_text_cell_cut(struct nsf_text *text, struct nsf_slice raw, size_t columns, bool is_padded,
                       enum nsf_style style)
{
    nsf_buf_reset(&text->line);
    add_visible(&text->line, raw);
    struct nsf_slice safe = nsf_buf_slice(&text->line);
    size_t used = safe_columns(safe);
    if (used <= columns) {
        write_styled(text, safe, style);
    } else {
        struct nsf_slice head = safe_start(safe, (columns - 1) / 2);
        struct nsf_slice tail = safe_end(safe, columns - 1 - safe_columns(head));
        style_begin(text, style);
        nsf_out_slice(text->out, head);
        nsf_out_str(text->out, ELLIPSIS);
        nsf_out_slice(text->out, tail);
        style_end(text, style);
        used = safe_columns(head) + 1 + safe_columns(tail);
    }
    if (is_padded && used < columns)
        pad(text, columns - used);
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

const char *nsf_number_text(uint64_t number, char buf[NSF_NUMBER_TEXT_BYTES])
{
    char digits[NSF_NUMBER_TEXT_BYTES];
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = '\0';
    return buf;
}

const char *nsf_bytes_text(uint64_t bytes, char buf[NSF_NUMBER_TEXT_BYTES])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    uint64_t unit = 1000;
    size_t i = 0;
    if (bytes < 1000) {
        snprintf(buf, NSF_NUMBER_TEXT_BYTES, "%llu B", (unsigned long long)bytes);
        return buf;
    }
    for (; i + 1 < NSF_ARRAY_LEN(units) && bytes / unit >= 1000; i++)
        unit *= 1000;
    uint64_t tenths = bytes / (unit / 10);
    snprintf(buf, NSF_NUMBER_TEXT_BYTES, "%llu.%llu %s", (unsigned long long)(tenths / 10),
             (unsigned long long)(tenths % 10), units[i]);
    return buf;
}

const char *nsf_count_text(uint64_t number, const char *word, char buf[64])
{
    char digits[NSF_NUMBER_TEXT_BYTES];
    snprintf(buf, 64, "%s %s%s", nsf_number_text(number, digits), word, number == 1 ? "" : "s");
    return buf;
}

const char *nsf_share_text(uint64_t part, uint64_t whole, char buf[NSF_NUMBER_TEXT_BYTES])
{
    if (whole == 0)
        return "-";
    unsigned permille = part >= whole ? 1000 : (unsigned)((double)part / (double)whole * 1000);
    if (permille == 1000)
        return "100 %";
    snprintf(buf, NSF_NUMBER_TEXT_BYTES, "%u.%u %%", permille / 10, permille % 10);
    return buf;
}
