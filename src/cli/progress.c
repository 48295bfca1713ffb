#include "core/nsf_common.h"

#include "cli/progress.h"

#include "core/clock.h"

#include <unistd.h>

#define PROGRESS_EVERY_MS INT64_C(200)
/* A time left from a shorter run is a guess. */
#define PROGRESS_ESTIMATE_AFTER_MS INT64_C(2000)

void nsf_progress_init(struct nsf_progress *progress, const struct nsf_options *options)
{
    *progress = (struct nsf_progress){.began_ms = nsf_clock_monotonic_ms()};
    bool wants = options->progress == NSF_WHEN_ALWAYS || (options->progress == NSF_WHEN_AUTO && isatty(STDERR_FILENO) == 1);
    progress->is_on = wants && !options->is_quiet;
}

void nsf_progress_expect(struct nsf_progress *progress, const struct nsf_listing *listing)
{
    progress->n_blobs = listing->n;
    progress->n_bytes = 0;
    for (size_t i = 0; i < listing->n; i++) {
        if (listing->items[i].size_bytes == NSF_SIZE_UNKNOWN) {
            progress->n_bytes = 0;
            return;
        }
        progress->n_bytes += listing->items[i].size_bytes;
    }
}

static void format_bytes(double n, char *buf, size_t size)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    for (; n >= 1000 && unit + 1 < NSF_ARRAY_LEN(units); unit++)
        n /= 1000;
    snprintf(buf, size, unit == 0 ? "%.0f %s" : "%.1f %s", n, units[unit]);
}

void nsf_progress_show(void *ctx, const struct nsf_pipeline_progress *now)
{
    struct nsf_progress *progress = ctx;
    int64_t now_ms = progress->is_on ? nsf_clock_monotonic_ms() : 0;
    if (!progress->is_on || now_ms - progress->shown_ms < PROGRESS_EVERY_MS)
        return;
    progress->shown_ms = now_ms;
    progress->has_line = true;
    int64_t took_ms = now_ms - progress->began_ms;
    double rate = took_ms > 0 ? (double)now->bytes * 1000.0 / (double)took_ms : 0;
    char bytes[32], per_second[32], left[48] = "";
    format_bytes((double)now->bytes, bytes, sizeof(bytes));
    format_bytes(rate, per_second, sizeof(per_second));
    if (rate > 0 && progress->n_bytes > now->bytes && took_ms > PROGRESS_ESTIMATE_AFTER_MS)
        snprintf(left, sizeof(left), ", %.0f s left", (double)(progress->n_bytes - now->bytes) / rate);
    fprintf(stderr, "\r%llu of %llu blobs, %s, %s/s%s\033[K", (unsigned long long)now->blobs,
            (unsigned long long)progress->n_blobs, bytes, per_second, left);
    fflush(stderr);
}

void nsf_progress_end(struct nsf_progress *progress)
{
    if (!progress->has_line)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->has_line = false;
}
