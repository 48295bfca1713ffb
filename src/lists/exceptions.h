/*
 * exceptions.h - rules that somebody has accepted as they are: owner, reason, expiry.
 *
 * A JSON array of objects (or one under "exceptions"):
 *   {"nsg": "name or id", "rule": "name", "owner": "who", "reason": "why", "expires": "2026-12-31",
 *    "deadline": "2026-10-31"}
 * `rule` is needed; without `nsg` it is meant in every NSG. `expires` ends the acceptance, `deadline` is the day by
 * which the rule was to be closed or narrowed. A date holds to its end (UTC). Texts are copied; read-only
 * once loaded, any thread may ask then.
 */
#ifndef NSF_EXCEPTIONS_H
#define NSF_EXCEPTIONS_H

#include "core/problem.h"
#include "exposure/scan.h"

struct nsf_exceptions;

/* What is over is judged at `now_ms`. */
struct nsf_exceptions *nsf_exceptions_new(int64_t now_ms);
/* NULL is fine. */
void nsf_exceptions_free(struct nsf_exceptions *exceptions);
/* Adds the entries of one text. An entry that cannot be read is a problem; fails when nothing is one. */
nsf_result nsf_exceptions_read(struct nsf_exceptions *exceptions, struct nsf_slice text, struct nsf_slice path,
                               struct nsf_problems *problems, struct nsf_err *err) NSF_CHECKED;
/* The same for a file. */
nsf_result nsf_exceptions_load(struct nsf_exceptions *exceptions, const char *path, struct nsf_problems *problems,
                               struct nsf_err *err) NSF_CHECKED;
/* Of several that fit, the one that holds longest. NULL: none. Lends until free. */
const struct nsf_exception *nsf_exceptions_find(const struct nsf_exceptions *exceptions, struct nsf_slice nsg_id,
                                                struct nsf_slice nsg_name, struct nsf_slice rule);

#endif
