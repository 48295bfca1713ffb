/*
 * retry.h - when to try again, and how long to wait before it.
 *
 * Waits double from `base_ms`, are spread by a factor of 0.8 to 1.3 so that many clients do not come back together, and
 * end at `cap_ms`. What the server asks for wins over all of that. Pure functions but nsf_retry_sleep, any thread.
 */
#ifndef NSF_RETRY_H
#define NSF_RETRY_H

#include "source/http.h"

struct nsf_retry {
    unsigned n_tries; /* the first one included */
    int64_t base_ms;
    int64_t cap_ms;
};

#define NSF_RETRY_INIT                                                                                                 \
    {                                                                                                                  \
        .n_tries = 8, .base_ms = 800, .cap_ms = 60000                                                                  \
    }

#define NSF_RETRY_NO_HINT (-1)
/* The longest wait that a server is granted. */
#define NSF_RETRY_HINT_MAX_MS INT64_C(300000)

/* The wait behind the n_failed-th failure (from 1); hint_ms from nsf_retry_hint_ms. */
int64_t nsf_retry_wait_ms(const struct nsf_retry *policy, unsigned n_failed, int64_t hint_ms, uint64_t random);
/* 408, 429, 500, 502, 503, 504. */
bool nsf_retry_is_status(long status);
/* retry-after-ms, x-ms-retry-after-ms, Retry-After (seconds or a date), or NSF_RETRY_NO_HINT. */
int64_t nsf_retry_hint_ms(const struct nsf_http_response *response, int64_t now_ms);
/* False: one of the two (may be NULL) was set meanwhile. */
bool nsf_retry_sleep(int64_t wait_ms, const atomic_bool *is_stopped, const atomic_bool *is_stopped_too) NSF_CHECKED;

#endif
