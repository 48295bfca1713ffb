/*
 * inflater.h - one gzip member through one of the inflating libraries. Known to codec.c and the engines only.
 *
 * One thread at a time.
 */
#ifndef NSF_INFLATER_H
#define NSF_INFLATER_H

#include "core/nsf_common.h"

enum nsf_inflated {
    NSF_INFLATED_MORE, /* input is used up, or output is full */
    NSF_INFLATED_END,  /* the member is whole and its check sum is right */
    NSF_INFLATED_BAD,
};

/* What goes in and what comes out; moved on by run. */
struct nsf_inflate_io {
    const unsigned char *in;
    size_t n_in;
    unsigned char *out;
    size_t n_out; /* room */
};

struct nsf_inflater {
    const struct nsf_inflater_ops *ops;
};

struct nsf_inflater_ops {
    struct nsf_inflater *(*new_inflater)(void);
    /* Ready for the header of a member. */
    void (*reset)(struct nsf_inflater *inflater);
    /* *why is set with BAD, a text that lives as long as the program. Everything that could be inflated is in out. */
    enum nsf_inflated (*run)(struct nsf_inflater *inflater, struct nsf_inflate_io *io, const char **why);
    void (*free)(struct nsf_inflater *inflater);
};

extern const struct nsf_inflater_ops nsf_inflater_zlib;
#if defined(HAVE_ISAL) && HAVE_ISAL
extern const struct nsf_inflater_ops nsf_inflater_isal;
#endif

#endif
