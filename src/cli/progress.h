/*
 * progress.h - how far a run is, on standard error: one line that is rewritten, a few times a second.
 *
 * Blobs, bytes, rate, time left. Only on a terminal unless --progress always says otherwise. One thread at a time.
 */
#ifndef NSF_PROGRESS_H
#define NSF_PROGRESS_H

#include "cli/options.h"
#include "run/pipeline.h"

struct nsf_progress {
    bool is_on;
    bool has_line; /* something stands on the terminal's line */
    int64_t began_ms;
    int64_t shown_ms;
    uint64_t n_blobs;
    uint64_t n_bytes; /* of all blobs as listed, 0: not known */
};

void nsf_progress_init(struct nsf_progress *progress, const struct nsf_options *options);
void nsf_progress_expect(struct nsf_progress *progress, const struct nsf_listing *listing);
/* An nsf_pipeline_options.on_progress with the struct as its context. */
void nsf_progress_show(void *ctx, const struct nsf_pipeline_progress *now);
/* Wipes the line. */
void nsf_progress_end(struct nsf_progress *progress);

#endif
