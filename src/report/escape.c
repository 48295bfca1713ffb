#include "core/nsf_common.h"

#include "report/escape.h"

#include "core/utf8.h"

/* Escapes of one name or sentence. */
#define ESCAPED_MAX_BYTES ((size_t)64 << 20)

static void visible(struct nsf_buf *buf, struct nsf_slice raw)
{
    nsf_buf_init(buf, ESCAPED_MAX_BYTES);
    struct nsf_out *out = nsf_out_new_buf(buf);
    nsf_out_visible(out, raw);
    nsf_out_abandon(out);
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Most cells: nothing to escape, nothing to quote. */
static bool is_plain_cell(struct nsf_slice raw)
{
    for (size_t i = 0; i < raw.len; i++)
        if (raw.ptr[i] < ' ' || raw.ptr[i] > '~' || raw.ptr[i] == ',' || raw.ptr[i] == '"')
            return false;
    return raw.len == 0 || (!is_one_of(raw.ptr[0], "=+-@ ") && raw.ptr[raw.len - 1] != ' ');
}

void nsf_escape_csv(struct nsf_out *out, struct nsf_slice raw)
{
    struct nsf_buf buf;
    if (is_plain_cell(raw)) {
        nsf_out_slice(out, raw);
        return;
    }
    visible(&buf, raw);
    /* Escaped control characters begin with a backslash, so a tab or a line end at the start is gone already. */
    bool is_formula = buf.len > 0 && is_one_of(buf.ptr[0], "=+-@");
    bool is_quoted = is_formula || memchr(buf.ptr, ',', buf.len) != NULL || memchr(buf.ptr, '"', buf.len) != NULL ||
                     (buf.len > 0 && (buf.ptr[0] == ' ' || buf.ptr[buf.len - 1] == ' '));
    if (is_quoted)
        nsf_out_char(out, '"');
    if (is_formula)
        nsf_out_char(out, '\'');
    for (size_t i = 0; i < buf.len; i++) {
        if (buf.ptr[i] == '"')
            nsf_out_char(out, '"');
        nsf_out_char(out, buf.ptr[i]);
    }
    if (is_quoted)
        nsf_out_char(out, '"');
    nsf_buf_release(&buf);
}

static void xml_char(struct nsf_out *out, struct nsf_slice bytes, uint32_t c)
{
    if (c == '&')
        nsf_out_str(out, "&amp;");
    else if (c == '<')
        nsf_out_str(out, "&lt;");
    else if (c == '>')
        nsf_out_str(out, "&gt;");
    else if (c == '"')
        nsf_out_str(out, "&quot;");
    else if (c == '\'')
        nsf_out_str(out, "&#39;");
    else if ((c & 0xFFFE) == 0xFFFE) /* no character of XML */
        nsf_out_printf(out, "\\u{%X}", (unsigned)c);
    else
        nsf_out_slice(out, bytes);
}

void nsf_escape_xml(struct nsf_out *out, struct nsf_slice raw)
{
    struct nsf_buf buf;
    visible(&buf, raw);
    struct nsf_slice left = nsf_buf_slice(&buf);
    while (left.len > 0) {
        uint32_t c = 0;
        size_t n = nsf_utf8_decode(left, &c);
        n = n == 0 ? 1 : n;
        xml_char(out, nsf_slice(left.ptr, n), c);
        left = nsf_slice_from(left, n);
    }
    nsf_buf_release(&buf);
}

/* Whether the character would make a link of plain text: "://", "mailto:", "xmpp:", "www.". */
static bool makes_link(struct nsf_slice text, size_t at)
{
    char before = at > 0 ? nsf_ascii_lower(text.ptr[at - 1]) : '\0';
    if (text.ptr[at] == ':')
        return is_one_of(before, "op") || nsf_slice_has_prefix(nsf_slice_from(text, at + 1), NSF_SLICE_LIT("//"));
    return text.ptr[at] == '.' && before == 'w';
}

void nsf_escape_markdown(struct nsf_out *out, struct nsf_slice raw)
{
    struct nsf_buf buf;
    visible(&buf, raw);
    for (size_t i = 0; i < buf.len; i++) {
        char c = buf.ptr[i];
        bool starts_list = i == 0 && is_one_of(c, "-+");
        if (starts_list || is_one_of(c, "\\`*_{}[]<>|~&#!$@") || makes_link(nsf_buf_slice(&buf), i))
            nsf_out_char(out, '\\');
        nsf_out_char(out, c);
    }
    nsf_buf_release(&buf);
}

static size_t longest_run(const struct nsf_buf *buf, char c)
{
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < buf->len; i++) {
        run = buf->ptr[i] == c ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

void nsf_escape_markdown_code(struct nsf_out *out, struct nsf_slice raw, bool is_in_table)
{
    struct nsf_buf buf;
    visible(&buf, raw);
    size_t fence = longest_run(&buf, '`') + 1;
    if (buf.len == 0) {
        nsf_out_char(out, '-');
        nsf_buf_release(&buf);
        return;
    }
    /* A blank inside each end keeps backticks and blanks of the text its own. */
    bool is_padded = fence > 1 || buf.ptr[0] == ' ' || buf.ptr[buf.len - 1] == ' ';
    for (size_t i = 0; i < fence; i++)
        nsf_out_char(out, '`');
    nsf_out_str(out, is_padded ? " " : "");
    for (size_t i = 0; i < buf.len; i++) {
        if (is_in_table && buf.ptr[i] == '|')
            nsf_out_char(out, '\\');
        nsf_out_char(out, buf.ptr[i]);
    }
    nsf_out_str(out, is_padded ? " " : "");
    for (size_t i = 0; i < fence; i++)
        nsf_out_char(out, '`');
    nsf_buf_release(&buf);
}

/* Bytes of the scheme that stays as it is. */
static size_t scheme_len(struct nsf_slice path)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(schemes); i++)
        if (nsf_slice_has_prefix_nocase(path, nsf_slice_str(schemes[i])))
            return strlen(schemes[i]);
    return 0;
}

void nsf_escape_uri(struct nsf_out *out, struct nsf_slice path)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    size_t n_scheme = scheme_len(path);
    if (path.len > 0 && path.ptr[0] == '/')
        nsf_out_str(out, "file://");
    nsf_out_slice(out, nsf_slice(path.ptr, n_scheme));
    for (size_t i = n_scheme; i < path.len; i++) {
        if (is_one_of(path.ptr[i], unreserved))
            nsf_out_char(out, path.ptr[i]);
        else
            nsf_out_printf(out, "%%%02X", (unsigned)(unsigned char)path.ptr[i]);
    }
}

bool nsf_escape_uri_is_relative(struct nsf_slice path)
{
    return scheme_len(path) == 0 && (path.len == 0 || path.ptr[0] != '/');
}
