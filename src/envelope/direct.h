/*
 * direct.h - objects as Azure writes them, read without the JSON parser.
 *
 * Takes an object that is whole in the window and made of objects, arrays, short plain strings and small whole numbers,
 * without a blank or an escape, and tells the same events as the parser would. Everything else is for the parser, which
 * then reads the object from its start: nothing has gone to the batch until the last brace.
 */
#ifndef NSF_ENVELOPE_DIRECT_H
#define NSF_ENVELOPE_DIRECT_H

#include "envelope/state.h"

enum nsf_direct {
    NSF_DIRECT_DONE,    /* nsf_envelope.direct_at is behind the object */
    NSF_DIRECT_STOPPED, /* records are wrapped in it: direct_at is behind the brace of the first one */
    NSF_DIRECT_MORE,    /* its end is not in the window */
    NSF_DIRECT_ODD,     /* for the parser */
};

/* The object whose `{` stands at stream offset `start`. Unless it is DONE or STOPPED nothing of it is left open. */
enum nsf_direct nsf_direct_object(struct nsf_envelope *env, uint64_t start);

#endif
