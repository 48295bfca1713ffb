#include "core/nsf_common.h"

#include "source/retry.h"

#include "core/clock.h"

/* How late a sleeper may notice that it shall stop. */
#define SLEEP_STEP_MS 50

int64_t nsf_retry_wait_ms(const struct nsf_retry *policy, unsigned n_failed, int64_t hint_ms, uint64_t random)
{
    if (hint_ms >= 0)
        return hint_ms < NSF_RETRY_HINT_MAX_MS ? hint_ms : NSF_RETRY_HINT_MAX_MS;
    int64_t wait_ms = policy->base_ms;
    for (unsigned i = 1; i < n_failed && wait_ms < policy->cap_ms; i++)
        wait_ms *= 2;
    /* 0.8 to 1.3 in thousandths */
    wait_ms = wait_ms * (800 + (int64_t)(random % 501)) / 1000;
    return wait_ms < policy->cap_ms ? wait_ms : policy->cap_ms;
}

bool nsf_retry_is_status(long status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

int64_t nsf_retry_hint_ms(const struct nsf_http_response *response, int64_t now_ms)
{
    uint64_t number;
    struct nsf_slice value = nsf_http_header(response, "retry-after-ms");
    if (value.ptr == NULL)
        value = nsf_http_header(response, "x-ms-retry-after-ms");
    if (nsf_slice_to_u64(value, UINT32_MAX, &number))
        return (int64_t)number;
    value = nsf_http_header(response, "Retry-After");
    if (nsf_slice_to_u64(value, UINT32_MAX, &number))
        return (int64_t)number * NSF_MS_PER_SECOND;
    const int64_t date_ms = nsf_http_parse_date(value);
    if (date_ms == NSF_TS_NONE)
        return NSF_RETRY_NO_HINT;
    return date_ms > now_ms ? date_ms - now_ms : 0;
}

static bool is_set(const atomic_bool *flag)
{
    return flag != NULL && atomic_load_explicit(flag, memory_order_relaxed);
}

bool nsf_retry_sleep(int64_t wait_ms, const atomic_bool *is_stopped, const atomic_bool *is_stopped_too)
{
    const int64_t until = nsf_clock_monotonic_ms() + wait_ms;
    for (;;) {
        if (is_set(is_stopped) || is_set(is_stopped_too))
            return false;
        const int64_t left = until - nsf_clock_monotonic_ms();
        if (left <= 0)
            return true;
        const int64_t step = left < SLEEP_STEP_MS ? left : SLEEP_STEP_MS;
        nanosleep(&(struct timespec){.tv_nsec = step * 1000000}, NULL);
    }
}
