#include "core/nsf_common.h"

#include "envelope/direct.h"

#include <endian.h>

/* The object around a group's tuples lies six deep. */
#define DIRECT_LEVELS_MAX 12u
#define DIRECT_STRING_MAX_BYTES ((size_t)1024)
#define DIRECT_NUMBER_MAX_BYTES 9u

enum place {
    BEHIND_VALUE, /* or where only the closing bracket stands */
    AT_FIRST,     /* value of an array, or its bracket */
    AT_VALUE,
};

struct direct {
    struct nsf_envelope *env;
    uint64_t start;
    struct nsf_slice bytes; /* from the start on */
    size_t at;
    enum place place;
};

/* Where the next event ends. */
static void tell(struct direct *direct)
{
    direct->env->direct_at = direct->start + direct->at;
}

/* Whether a byte ends a plain string, rightly or not: a quote, below 0x20, from 0x80 up, a backslash. */
static bool is_special(char c)
{
    return c == '"' || c < ' ' || c == '\\' || (unsigned char)c >= 0x80;
}

/* The top bit of each such byte of eight, the first byte lowest. Above a right mark there may be wrong ones. */
static uint64_t mark_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    const uint64_t quote = word ^ ('"' * ones), backslash = word ^ ('\\' * ones);
    return (word | (word - ' ' * ones) | (quote - ones) | (backslash - ones)) & tops;
}

/* Index of the first special byte, or text.len. */
static size_t find_special(struct nsf_slice text)
{
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= text.len; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text.ptr + at, sizeof(word));
        const uint64_t marks = mark_special(le64toh(word));
        if (marks != 0)
            return at + (size_t)__builtin_ctzll(marks) / 8;
    }
    while (at < text.len && !is_special(text.ptr[at]))
        at++;
    return at;
}

/* The string whose opening quote is the next byte; left behind its closing one. */
static enum nsf_direct take_text(struct direct *direct, struct nsf_slice *text)
{
    struct nsf_slice rest = nsf_slice_from(direct->bytes, direct->at + 1);
    if (rest.len > DIRECT_STRING_MAX_BYTES)
        rest.len = DIRECT_STRING_MAX_BYTES;
    const size_t len = find_special(rest);
    if (len == rest.len)
        return len < DIRECT_STRING_MAX_BYTES ? NSF_DIRECT_MORE : NSF_DIRECT_ODD;
    if (rest.ptr[len] != '"')
        return NSF_DIRECT_ODD;
    *text = nsf_slice(rest.ptr, len);
    direct->at += len + 2;
    tell(direct);
    return NSF_DIRECT_DONE;
}

static enum nsf_direct take_string(struct direct *direct)
{
    struct nsf_slice text;
    enum nsf_direct taken = take_text(direct, &text);
    if (taken == NSF_DIRECT_DONE)
        (void)nsf_envelope_events.string(direct->env, text);
    return taken;
}

static enum nsf_direct take_number(struct direct *direct)
{
    struct nsf_slice rest = nsf_slice_from(direct->bytes, direct->at);
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] >= '0' && rest.ptr[len] <= '9')
        len++;
    if (len == rest.len)
        return NSF_DIRECT_MORE;
    if (len == 0 || len > DIRECT_NUMBER_MAX_BYTES || (len > 1 && rest.ptr[0] == '0'))
        return NSF_DIRECT_ODD;
    direct->at += len;
    tell(direct);
    (void)nsf_envelope_events.number(direct->env, nsf_slice(rest.ptr, len));
    return NSF_DIRECT_DONE;
}

/* A key and its colon; the next byte is to be its opening quote. */
static enum nsf_direct take_key(struct direct *direct)
{
    struct nsf_slice key;
    if (direct->at == direct->bytes.len)
        return NSF_DIRECT_MORE;
    if (direct->bytes.ptr[direct->at] != '"')
        return NSF_DIRECT_ODD;
    enum nsf_direct taken = take_text(direct, &key);
    if (taken != NSF_DIRECT_DONE)
        return taken;
    if (direct->at == direct->bytes.len)
        return NSF_DIRECT_MORE;
    if (direct->bytes.ptr[direct->at++] != ':')
        return NSF_DIRECT_ODD;
    (void)nsf_envelope_events.map_key(direct->env, key);
    return NSF_DIRECT_DONE;
}

static enum nsf_direct open_map(struct direct *direct)
{
    struct nsf_envelope *env = direct->env;
    direct->at++;
    tell(direct);
    if (env->n_levels == DIRECT_LEVELS_MAX)
        return NSF_DIRECT_ODD;
    if (!nsf_envelope_events.start_map(env))
        return NSF_DIRECT_STOPPED;
    /* A record inside a record would go to the batch before its outer one is known to be well. */
    if (env->n_levels > 1 && nsf_envelope_top(env)->role == ROLE_RECORD)
        return NSF_DIRECT_ODD;
    if (direct->at == direct->bytes.len)
        return NSF_DIRECT_MORE;
    if (direct->bytes.ptr[direct->at] == '}')
        return NSF_DIRECT_DONE;
    direct->place = AT_VALUE;
    return take_key(direct);
}

static enum nsf_direct open_array(struct direct *direct)
{
    struct nsf_envelope *env = direct->env;
    size_t at = 0;
    direct->at++;
    tell(direct);
    if (env->n_levels == DIRECT_LEVELS_MAX)
        return NSF_DIRECT_ODD;
    (void)nsf_envelope_events.start_array(env);
    if (nsf_envelope_top(env)->role != ROLE_TUPLES) {
        direct->place = AT_FIRST;
        return NSF_DIRECT_DONE;
    }
    enum nsf_skim found = nsf_records_skim(&env->records, nsf_slice_from(direct->bytes, direct->at), &at);
    if (found != NSF_SKIM_FOUND)
        return found == NSF_SKIM_MORE ? NSF_DIRECT_MORE : NSF_DIRECT_ODD;
    direct->at += at;
    tell(direct);
    nsf_records_skimmed(&env->records, env->direct_at);
    return NSF_DIRECT_DONE;
}

/* Whatever a value begins with; left where it ends, or inside the map or array that it opens. */
static enum nsf_direct take_value(struct direct *direct)
{
    direct->place = BEHIND_VALUE;
    switch (direct->bytes.ptr[direct->at]) {
    case '"':
        return take_string(direct);
    case '{':
        return open_map(direct);
    case '[':
        return open_array(direct);
    default:
        return take_number(direct);
    }
}

static enum nsf_direct close_level(struct direct *direct, char bracket)
{
    struct nsf_envelope *env = direct->env;
    bool is_map = nsf_envelope_top(env)->is_map;
    if (bracket != (is_map ? '}' : ']'))
        return NSF_DIRECT_ODD;
    direct->at++;
    tell(direct);
    (void)(is_map ? nsf_envelope_events.end_map(env) : nsf_envelope_events.end_array(env));
    return NSF_DIRECT_DONE;
}

/* Inside a map or array: one step. */
static enum nsf_direct take_next(struct direct *direct)
{
    if (direct->at == direct->bytes.len)
        return NSF_DIRECT_MORE;
    char next = direct->bytes.ptr[direct->at];
    if (direct->place == AT_VALUE || (direct->place == AT_FIRST && next != ']'))
        return take_value(direct);
    direct->place = BEHIND_VALUE;
    if (next == '}' || next == ']')
        return close_level(direct, next);
    if (next != ',')
        return NSF_DIRECT_ODD;
    direct->at++;
    direct->place = AT_VALUE;
    return nsf_envelope_top(direct->env)->is_map ? take_key(direct) : NSF_DIRECT_DONE;
}

enum nsf_direct nsf_direct_object(struct nsf_envelope *env, uint64_t start)
{
    struct direct direct = {.env = env, .start = start};
    direct.bytes = nsf_window_slice(&env->window, start, nsf_window_end(&env->window));
    env->object_start = start;
    env->is_tail = false;
    env->is_direct = true;
    enum nsf_direct taken = open_map(&direct);
    while (taken == NSF_DIRECT_DONE && env->n_levels > 0)
        taken = take_next(&direct);
    env->is_direct = false;
    if (taken == NSF_DIRECT_MORE || taken == NSF_DIRECT_ODD) {
        nsf_records_drop(&env->records);
        env->n_levels = 0;
        env->n_maps = 0;
    }
    return taken;
}
