#include "core/nsf_common.h"

#include "rules/raw_text.h"

#include "core/err.h"

static enum nsf_raw_text next_between(char c)
{
    return c == '"' ? NSF_RAW_TEXT_STRING : c == '/' ? NSF_RAW_TEXT_SLASH : NSF_RAW_TEXT_BETWEEN;
}

static enum nsf_raw_text next_in_string(char c)
{
    return c == '"' ? NSF_RAW_TEXT_BETWEEN : c == '\\' ? NSF_RAW_TEXT_ESCAPE : NSF_RAW_TEXT_STRING;
}

static enum nsf_raw_text next(enum nsf_raw_text state, char c)
{
    switch (state) {
    case NSF_RAW_TEXT_BETWEEN:
        return next_between(c);
    case NSF_RAW_TEXT_STRING:
        return next_in_string(c);
    case NSF_RAW_TEXT_ESCAPE:
        return NSF_RAW_TEXT_STRING;
    case NSF_RAW_TEXT_SLASH:
        return c == '*' ? NSF_RAW_TEXT_BLOCK_COMMENT : c == '/' ? NSF_RAW_TEXT_LINE_COMMENT : next_between(c);
    case NSF_RAW_TEXT_LINE_COMMENT:
        return c == '\n' ? NSF_RAW_TEXT_BETWEEN : NSF_RAW_TEXT_LINE_COMMENT;
    case NSF_RAW_TEXT_BLOCK_COMMENT:
        return c == '*' ? NSF_RAW_TEXT_STAR : NSF_RAW_TEXT_BLOCK_COMMENT;
    case NSF_RAW_TEXT_STAR:
        return c == '/' ? NSF_RAW_TEXT_BETWEEN : c == '*' ? NSF_RAW_TEXT_STAR : NSF_RAW_TEXT_BLOCK_COMMENT;
    }
    NSF_BUG("unknown state of a text");
}

/* Passes over what changes nothing in the two states that nearly all bytes are in. */
static size_t skip_plain(enum nsf_raw_text state, const char *text, size_t i, size_t n)
{
    if (state == NSF_RAW_TEXT_STRING)
        while (i < n && (unsigned char)text[i] >= ' ' && text[i] != '"' && text[i] != '\\')
            i++;
    else if (state == NSF_RAW_TEXT_BETWEEN)
        while (i < n && text[i] != '"' && text[i] != '/')
            i++;
    return i;
}

enum nsf_raw_text nsf_raw_text_mend(enum nsf_raw_text state, char *text, size_t n)
{
    for (size_t i = skip_plain(state, text, 0, n); i < n; i = skip_plain(state, text, i + 1, n)) {
        char c = text[i];
        if (state == NSF_RAW_TEXT_STRING && (c == '\n' || c == '\r' || c == '\t'))
            text[i] = ' ';
        state = next(state, c);
    }
    return state;
}
