/*
 * Runs a program and says what it took. Small itself: what a process has resident at most is also counted for the
 * program it turns into, so that a large one that starts others would be measured with them.
 *
 *   timed REPORT PROGRAM ARGUMENT...
 *
 * REPORT gets one line: wall nanoseconds, processor microseconds, most resident KiB, wait status.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t micros(struct timeval time)
{
    return time.tv_sec * INT64_C(1000000) + time.tv_usec;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    struct rusage usage;
    int status;
    int64_t began_ns = now_ns();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return 1;
    int64_t took_ns = now_ns() - began_ns;
    FILE *report = fopen(argv[1], "w");
    if (report == NULL)
        return 1;
    fprintf(report, "%" PRId64 " %" PRId64 " %ld %d\n", took_ns, micros(usage.ru_utime) + micros(usage.ru_stime),
            usage.ru_maxrss, status);
    return fclose(report) == 0 ? 0 : 1;
}
