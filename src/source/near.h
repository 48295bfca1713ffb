/*
 * near.h - files are opened from the folder of those opened before: the folders around most are many, and the same.
 *
 * Paths may be longer than the system takes at once; they are walked in steps then. init/release; one thread at a time.
 */
#ifndef NSF_NEAR_H
#define NSF_NEAR_H

#include "core/buf.h"

struct nsf_near {
    int folder;            /* stays open; -1: none */
    struct nsf_buf prefix; /* what its path is in front of those of its files, with the slash */
    struct nsf_buf last;   /* path opened last */
    unsigned n_elsewhere;  /* so many in a row had another folder in common with the one before */
};

void nsf_near_init(struct nsf_near *near);
void nsf_near_release(struct nsf_near *near);
/* To be read; -1: errno says why. `near` may be NULL. */
int nsf_near_open(struct nsf_near *near, struct nsf_slice path);

#endif
