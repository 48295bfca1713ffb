/*
 * utf8.h - reading UTF-8 that may not be UTF-8. Pure functions, any thread.
 */
#ifndef NSF_UTF8_H
#define NSF_UTF8_H

#include "core/slice.h"

/* The first character of text and its length in bytes; 0 when it is not UTF-8 (overlong forms and surrogates
 * included) or text is empty. */
size_t nsf_utf8_decode(struct nsf_slice text, uint32_t *code);
bool nsf_utf8_is_valid(struct nsf_slice text);
/* Control characters, line and paragraph separators, bidirectional controls, zero-width characters and the BOM: what
 * can change how the text around it is shown. */
bool nsf_utf8_is_unsafe(uint32_t code);

#endif
