/*
 * raw_text.h - JSON as ARM takes it, made JSON as the parser takes it: strings that go over several lines.
 *
 * Internal to rules/. One thread.
 */
#ifndef NSF_RAW_TEXT_H
#define NSF_RAW_TEXT_H

#include "core/nsf_common.h"

#include <stddef.h>

/* Where in the text the last byte stood. Zero: before the first one. */
enum nsf_raw_text {
    NSF_RAW_TEXT_BETWEEN,
    NSF_RAW_TEXT_STRING,
    NSF_RAW_TEXT_ESCAPE, /* a backslash in a string was seen */
    NSF_RAW_TEXT_SLASH,  /* a slash between values was seen */
    NSF_RAW_TEXT_LINE_COMMENT,
    NSF_RAW_TEXT_BLOCK_COMMENT,
    NSF_RAW_TEXT_STAR, /* a star in a block comment was seen */
};

/* Puts blanks in the place of line breaks and tabs inside strings, so that every offset stays. Takes the pieces of a
 * text in their order and returns the state for the next one. */
enum nsf_raw_text nsf_raw_text_mend(enum nsf_raw_text state, char *text, size_t n) NSF_CHECKED;

#endif
