/*
 * json_in.h - JSON text, in pieces of any size, to events with byte offsets. The only place that sees yajl.
 *
 * What it adds to yajl: bounds on depth and on one token (a token cut over many pieces is otherwise buffered without
 * end), offsets that count from the start of the stream, and allocation that cannot fail. Strings are checked to be
 * UTF-8; duplicate keys, overlong forms and lone surrogates are the handler's business.
 *
 * One thread at a time. The slices given to events live until the event returns.
 */
#ifndef NSF_JSON_IN_H
#define NSF_JSON_IN_H

#include "core/err.h"
#include "core/slice.h"

/* Each returns false to stop; nsf_json_in_write then says NSF_JSON_IN_STOPPED. NULL members are skipped. */
struct nsf_json_events {
    bool (*null)(void *ctx);
    bool (*boolean)(void *ctx, bool value);
    bool (*number)(void *ctx, struct nsf_slice text);
    bool (*string)(void *ctx, struct nsf_slice text);
    bool (*start_map)(void *ctx);
    bool (*map_key)(void *ctx, struct nsf_slice key);
    bool (*end_map)(void *ctx);
    bool (*start_array)(void *ctx);
    bool (*end_array)(void *ctx);
};

enum nsf_json_in_flags {
    NSF_JSON_IN_ONE_VALUE = 0,
    /* Several values after each other, separated by blanks or nothing: NDJSON. */
    NSF_JSON_IN_MANY_VALUES = 1,
    /* Comments of C between tokens, which ARM templates may have. */
    NSF_JSON_IN_COMMENTS = 2,
};

enum nsf_json_in_state {
    NSF_JSON_IN_MORE,    /* all bytes were taken, more may come */
    NSF_JSON_IN_STOPPED, /* an event said so; nsf_json_in_offset is the byte behind its token */
    NSF_JSON_IN_ERROR,   /* *err says what and where; the parser takes nothing more until it is reset */
};

struct nsf_json_in;

/* flags: enum nsf_json_in_flags, or-ed. */
struct nsf_json_in *nsf_json_in_new(const struct nsf_json_events *events, void *ctx, unsigned flags);
void nsf_json_in_free(struct nsf_json_in *in);
/* Forgets everything; the next byte written has stream offset `offset`. */
void nsf_json_in_reset(struct nsf_json_in *in, uint64_t offset);

enum nsf_json_in_state nsf_json_in_write(struct nsf_json_in *in, struct nsf_slice bytes, struct nsf_err *err) NSF_CHECKED;
/* The end of input. NSF_JSON_IN_ERROR with NSF_E_TRUNCATED when a value is still open. */
enum nsf_json_in_state nsf_json_in_finish(struct nsf_json_in *in, struct nsf_err *err) NSF_CHECKED;

/* Between writes: n_bytes of the stream were read by someone else (the inside of an array that is then closed by the
 * next write); offsets count them. */
void nsf_json_in_skip(struct nsf_json_in *in, uint64_t n_bytes);

/* Inside an event: the stream offset just behind the token it reports. Outside: behind the last byte taken. */
uint64_t nsf_json_in_offset(const struct nsf_json_in *in);
/* Open maps and arrays. */
unsigned nsf_json_in_depth(const struct nsf_json_in *in);

#endif
