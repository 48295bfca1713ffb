/*
 * keys.h - the member names of flow-log records, and what a record looks like from its first bytes.
 *
 * Pure functions, any thread.
 */
#ifndef NSF_ENVELOPE_KEYS_H
#define NSF_ENVELOPE_KEYS_H

#include "core/slice.h"

enum nsf_key {
    NSF_KEY_OTHER,
    NSF_KEY_RECORDS,
    /* members of a record */
    NSF_KEY_TIME,
    NSF_KEY_CATEGORY,
    NSF_KEY_RESOURCE_ID,
    NSF_KEY_FLOW_LOG_ID,
    NSF_KEY_FLOW_LOG_VERSION,
    NSF_KEY_MAC_ADDRESS,
    NSF_KEY_PROPERTIES,
    NSF_KEY_FLOW_RECORDS,
    NSF_KEY_OF_RECORD, /* another one that records have and nobody reads */
    /* members of the objects inside a record */
    NSF_KEY_VERSION,
    NSF_KEY_FLOWS,
    NSF_KEY_FLOW_GROUPS,
    NSF_KEY_FLOW_TUPLES,
    NSF_KEY_RULE,
    NSF_KEY_MAC,
    NSF_KEY_ACL_ID,
};

enum nsf_key nsf_key_of(struct nsf_slice name);

static inline bool nsf_key_is_inner(enum nsf_key key)
{
    return key >= NSF_KEY_VERSION;
}

/* Tuples stand in such a member, or in arrays and objects inside it. */
static inline bool nsf_key_holds_tuples(enum nsf_key key)
{
    return key == NSF_KEY_PROPERTIES || key == NSF_KEY_FLOW_RECORDS ||
           (key >= NSF_KEY_FLOWS && key <= NSF_KEY_FLOW_TUPLES);
}

/* An object with such a member is a record or a piece of one, not something wrapped around records. */
static inline bool nsf_key_marks_record(enum nsf_key key)
{
    return key > NSF_KEY_RECORDS;
}

enum nsf_border {
    NSF_BORDER_FOUND, /* *at is the index of a `{` that looks like the start of a record */
    NSF_BORDER_MORE,  /* *at is the index of a `{` that more bytes have to decide */
    NSF_BORDER_NONE,  /* none here; *at is bytes.len */
};

/* An object looks like a record when it begins with a member that no object inside a record has. A `{` followed by a
 * quote cannot stand inside a JSON string. Searches from *at on. */
enum nsf_border nsf_border_find(struct nsf_slice bytes, size_t *at);

#endif
