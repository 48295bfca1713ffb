/*
 * json_string.h - text of any origin as a JSON string, written at a place that has room for it.
 *
 * Bytes that are not UTF-8 become U+FFFD; control characters, `<`, `>`, `&` and what can change how the text around it
 * is shown are escaped, so that the string can stand inside HTML and on a terminal. Any thread.
 */
#ifndef NSF_JSON_STRING_H
#define NSF_JSON_STRING_H

#include "core/slice.h"

/* The most that a byte of text becomes. */
#define NSF_JSON_ESCAPE_BYTES 6
/* Room for a string of len bytes with its quotes. */
#define NSF_JSON_STRING_ROOM(len) (NSF_JSON_ESCAPE_BYTES * (len) + 2)

/* With its quotes; returns its end. */
char *nsf_put_json_string(char *at, struct nsf_slice text);
/* Without them: what is between the quotes of a longer string. Text must not be cut inside a character. */
char *nsf_put_json_text(char *at, struct nsf_slice text);

#endif
