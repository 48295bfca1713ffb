/*
 * json_dom.h - JSON as a read-only tree, or as a stream of such trees out of one large document.
 *
 * For inputs that are looked at from several sides (rules, lists, findings), not for logs. Every value knows where it
 * stands. Memory is an arena's. Strings are checked to be UTF-8 without overlong forms. Of a key that occurs twice in
 * one map the last one counts, as in most parsers; lookups without case prefer the exact spelling. Comments of C may
 * stand between tokens, as they do in ARM templates. One thread at a time.
 */
#ifndef NSF_JSON_DOM_H
#define NSF_JSON_DOM_H

#include "core/arena.h"
#include "core/err.h"

enum nsf_json_type {
    NSF_JSON_NULL,
    NSF_JSON_BOOL,
    NSF_JSON_NUMBER,
    NSF_JSON_STRING,
    NSF_JSON_ARRAY,
    NSF_JSON_MAP,
    NSF_JSON_EXPRESSION, /* never parsed: readers that rewrite trees mark with it what they could not evaluate */
};

struct nsf_json_member;

struct nsf_json {
    enum nsf_json_type type;
    uint32_t line;   /* from 1, of the first byte */
    uint64_t offset; /* of the first byte, in the stream */
    union {
        bool boolean;
        struct nsf_slice text; /* number, string, expression; NUL-ended */
        struct {
            const struct nsf_json *items;
            size_t n;
        } array;
        struct {
            const struct nsf_json_member *members;
            size_t n;
        } map;
    } u;
};

struct nsf_json_member {
    struct nsf_slice key;
    struct nsf_json value;
};

/* All lookups take NULL and values of another type, and return NULL when there is nothing. */
const struct nsf_json *nsf_json_get(const struct nsf_json *map, const char *key);
const struct nsf_json *nsf_json_get_nocase(const struct nsf_json *map, const char *key);
/* a.b.c, without case */
const struct nsf_json *nsf_json_path(const struct nsf_json *map, const char *dotted);
size_t nsf_json_len(const struct nsf_json *array); /* 0 for all else */
const struct nsf_json *nsf_json_item(const struct nsf_json *array, size_t idx);

bool nsf_json_is(const struct nsf_json *value, enum nsf_json_type type);
/* Absent, null, "", [] and {}. */
bool nsf_json_is_unset(const struct nsf_json *value);
/* Of a string (absent slice for all else). */
struct nsf_slice nsf_json_string(const struct nsf_json *value);
/* Of a string, a number or an expression. */
struct nsf_slice nsf_json_text(const struct nsf_json *value);
/* The string under a key, without case. */
struct nsf_slice nsf_json_get_string(const struct nsf_json *map, const char *key);
/* A number or a string that holds one: 25, "25", 25.0. */
bool nsf_json_to_u64(const struct nsf_json *value, uint64_t max, uint64_t *out) NSF_CHECKED;

/* One whole text. NULL: *err says what and where, counted from `offset`. The tree lives in the arena. */
const struct nsf_json *nsf_json_parse(struct nsf_arena *arena, struct nsf_slice text, uint64_t offset, uint32_t line,
                                      struct nsf_err *err) NSF_CHECKED;

/* --- Streams --------------------------------------------------------------------------------------------------- */

enum nsf_json_stream_kind {
    /* An element of a streamed array. */
    NSF_JSON_STREAM_ITEM,
    /* A top-level value has ended; its streamed arrays are empty in it. Also comes for an array all of whose elements
     * went before. */
    NSF_JSON_STREAM_ROOT,
};

struct nsf_json_stream_events {
    /* Top-level maps: names (without case) of members whose arrays are streamed; NULL-ended. A top-level array always
     * is. */
    const char *const *streamed;
    /* The value lives until the event returns. `key` is the streamed member's name, absent for a top-level array and
     * for a root; `idx` counts the elements of that array, or the roots. False stops. */
    bool (*value)(void *ctx, enum nsf_json_stream_kind kind, struct nsf_slice key, size_t idx,
                  const struct nsf_json *value);
};

enum nsf_json_stream_state {
    NSF_JSON_STREAM_MORE,
    NSF_JSON_STREAM_STOPPED,
    NSF_JSON_STREAM_ERROR, /* *err says what and where; takes nothing more */
};

struct nsf_json_stream;

/* Values that hold more than max_bytes in memory are refused with NSF_E_LIMIT. Several top-level values after each
 * other are read as several roots. The first byte has offset `offset`. */
struct nsf_json_stream *nsf_json_stream_new(const struct nsf_json_stream_events *events, void *ctx, uint64_t max_bytes,
                                            uint64_t offset);
void nsf_json_stream_free(struct nsf_json_stream *stream);
enum nsf_json_stream_state nsf_json_stream_write(struct nsf_json_stream *stream, struct nsf_slice bytes,
                                                 struct nsf_err *err) NSF_CHECKED;
enum nsf_json_stream_state nsf_json_stream_finish(struct nsf_json_stream *stream, struct nsf_err *err) NSF_CHECKED;
/* During an event: the arena of the value, for what lives as long as it does. */
struct nsf_arena *nsf_json_stream_arena(struct nsf_json_stream *stream);

#endif
