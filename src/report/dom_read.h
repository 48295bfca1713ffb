/*
 * dom_read.h - members of a JSON map as C values: absent and null are the empty value, a wrong type is an error.
 *
 * The first error is kept in the reader and the rest of the reading goes on with empty values, so that callers check
 * once, at the end. Texts point into the tree.
 */
#ifndef NSF_REPORT_DOM_READ_H
#define NSF_REPORT_DOM_READ_H

#include "core/ipaddr.h"
#include "core/json_dom.h"
#include "rules/nsg.h"

struct nsf_dom_reader {
    struct nsf_arena *arena; /* borrowed */
    struct nsf_err *err;     /* borrowed */
    bool has_failed;
};

/* Keeps "<key> in line N is not <what>" unless something was wrong before. */
NSF_COLD void nsf_dom_fail(struct nsf_dom_reader *reader, const struct nsf_json *at, const char *key, const char *what);

uint64_t nsf_dom_u64(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key, uint64_t max);
bool nsf_dom_bool(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key);
/* value * 10^n_digits; `absent` where there is none. */
int64_t nsf_dom_decimal(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key, unsigned n_digits,
                        int64_t absent);
struct nsf_slice nsf_dom_text(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key);
struct nsf_slices nsf_dom_texts(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key);
/* NSF_TS_NONE where there is none. */
int64_t nsf_dom_time(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key);
/* All zeros where there is none. */
struct nsf_ip nsf_dom_ip(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key);
struct nsf_prefix nsf_dom_prefix(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key);
/* NULL where there is none. */
const struct nsf_json *nsf_dom_map(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key);
const struct nsf_json *nsf_dom_array(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key);
/* The number of the word among names 0 .. n - 1; `absent` where there is none. */
typedef const char *nsf_dom_name_fn(unsigned value);
unsigned nsf_dom_word(struct nsf_dom_reader *reader, const struct nsf_json *map, const char *key, nsf_dom_name_fn *name,
                      unsigned n, unsigned absent);

#endif
