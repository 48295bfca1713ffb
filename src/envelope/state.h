/*
 * state.h - the inside of an envelope: shared by its parts, the events of the JSON parser (events.c), the same events of
 * objects read without it (direct.c) and the text around them (envelope.c), and by nobody else.
 */
#ifndef NSF_ENVELOPE_STATE_H
#define NSF_ENVELOPE_STATE_H

#include "core/json_in.h"
#include "core/limits.h"
#include "envelope/envelope.h"
#include "envelope/keys.h"
#include "envelope/record.h"
#include "envelope/window.h"

enum nsf_level_role {
    ROLE_RECORD,          /* a map: a record, or not yet known to be none */
    ROLE_RECORDS,         /* an array of records inside a record */
    ROLE_INSIDE,          /* a map or array inside a record */
    ROLE_TUPLES,          /* a flowTuples array */
    ROLE_CONTAINER_MAP,   /* inside an object that looks like no record so far */
    ROLE_CONTAINER_ARRAY, /* the same; an object in it makes it an array of records */
    ROLE_IGNORED,
};

struct nsf_level {
    enum nsf_level_role role;
    bool is_map;
    bool is_properties; /* the map that holds the version of NSG flow logs */
    enum nsf_key key;   /* the one read last, of a map */
    size_t first_group;
    struct nsf_group_names names;
};

enum nsf_envelope_state {
    STATE_BETWEEN, /* records */
    STATE_OBJECT,
    STATE_SKIM,    /* in a flowTuples array that the parser has not seen */
    STATE_RECOVER, /* behind damage, looking for a record */
};

struct nsf_envelope {
    struct nsf_json_in *json;
    struct nsf_window window;
    struct nsf_records records;
    struct nsf_batch *batch; /* of the present call */
    enum nsf_envelope_state state;
    uint64_t begin; /* offset of the first byte of the blob or piece */
    uint64_t pos;   /* everything before it is read */
    bool is_at_blob_start;
    bool is_finishing;
    bool is_parser_usable; /* it stands between two values */
    bool is_plain;
    bool is_streaming; /* the outermost record is past its bound */
    uint64_t next_part;
    /* the object being read */
    struct nsf_level levels[NSF_JSON_DEPTH_MAX + 1];
    unsigned n_levels;
    unsigned n_maps;
    uint64_t object_start;
    bool is_tail;          /* the object is what follows the records in an object around them */
    uint64_t token_end;    /* behind the last token of the parser */
    uint64_t element_from; /* behind the last element of the open flowTuples array, or its `[` */
    uint64_t key_at;       /* the first `"flowTuples"` of [key_searched_from, key_searched_to), or NSF_OFFSET_NONE */
    uint64_t key_searched_from;
    uint64_t key_searched_to;
    uint64_t skim_from;
    size_t skim_at;
    /* direct.h */
    bool is_direct;         /* the events are not the parser's */
    uint64_t direct_at;     /* where the present one ends */
    uint64_t direct_from;   /* the object that begins here ... */
    uint64_t direct_missed; /* ... does not end before */
    /* brackets around the records */
    char brackets[NSF_JSON_DEPTH_MAX];
    unsigned n_brackets;
    /* damage */
    bool is_recovering; /* no whole record was seen since */
    struct nsf_err damage;
    uint64_t damage_from;
    uint64_t damage_lost;
    uint64_t again_bytes; /* read twice so far */
    uint64_t last_end;    /* behind the last record that went to a batch */
    char tail[2];         /* the last two bytes passed over, blanks aside */
};

extern const struct nsf_json_events nsf_envelope_events;

static inline struct nsf_level *nsf_envelope_top(struct nsf_envelope *env)
{
    return &env->levels[env->n_levels - 1];
}

/* Behind the token of the present event. */
static inline uint64_t nsf_envelope_offset(const struct nsf_envelope *env)
{
    return env->is_direct ? env->direct_at : nsf_json_in_offset(env->json);
}

/* Reading goes on at `start`: now it is known how much was passed over behind damage. */
void nsf_envelope_settle_damage(struct nsf_envelope *env, uint64_t start);

#endif
