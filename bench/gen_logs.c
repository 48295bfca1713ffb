/*
 * Writes flow logs as Azure writes them, for benchmarks. The same arguments give the same bytes.
 *
 *   gen_logs KIND [--bytes N] [--seed N] [--sources N] [--nics N] [--busy N] [--record-bytes N] [--blobs N] OUT
 *
 * typical  NSG version 2: 3 % SMTP under exposing rules, 30 % denied noise, the rest web and outbound
 * vnet     the same as virtual network flow logs (version 4)
 * nsg1     the same in version 1
 * flood    NSG version 2, every tuple is SMTP that an exposing rule allows
 * gz       typical, gzipped
 * small    typical as a folder OUT of --blobs blobs in the layout of Azure, --bytes in all
 * rules    the definitions (az network nsg list) that all of them belong to
 *
 * OUT may be "-" for standard output. --sources: addresses of the internet that come (40,000; flood 60,000). --nics:
 * network interfaces (50; flood 2), the busiest of which logs --busy tuples a minute (7,700), the k-th 1/k of it. What
 * the figures rest on stands in bench/README.md.
 */
#include "lib/log_writer.h"
#include "lib/traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define START_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
/* A record is written some seconds after its minute: tuples of real logs are 3 to 63 s older than their record. */
#define LATE_MS INT64_C(3000)

struct arguments {
    const char *kind, *out;
    uint64_t n_bytes, n_blobs, record_bytes;
    struct traffic_options traffic;
};

static void usage(void)
{
    fprintf(stderr,
            "usage: gen_logs typical|vnet|nsg1|flood|gz|small|rules [--bytes N] [--seed N] [--sources N] [--nics N]\n"
            "                [--busy N] [--record-bytes N] [--blobs N] OUT\n");
    exit(2);
}

static uint64_t number_of(const char *text, uint64_t min, uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < min || value > max) {
        fprintf(stderr, "gen_logs: %s is no number from %llu to %llu\n", text, (unsigned long long)min,
                (unsigned long long)max);
        exit(2);
    }
    return value;
}

static void read_option(struct arguments *a, const char *name, const char *value)
{
    if (strcmp(name, "--bytes") == 0)
        a->n_bytes = number_of(value, 1, UINT64_MAX / 2);
    else if (strcmp(name, "--seed") == 0)
        a->traffic.seed = number_of(value, 0, UINT64_MAX / 2);
    else if (strcmp(name, "--sources") == 0)
        a->traffic.n_sources = (uint32_t)number_of(value, 2, 10000000);
    else if (strcmp(name, "--nics") == 0)
        a->traffic.n_nics = (uint32_t)number_of(value, 1, 60000);
    else if (strcmp(name, "--busy") == 0)
        a->traffic.busy_tuples = (uint32_t)number_of(value, 1, 1000000);
    else if (strcmp(name, "--record-bytes") == 0)
        a->record_bytes = number_of(value, 4096, 1 << 26);
    else if (strcmp(name, "--blobs") == 0)
        a->n_blobs = number_of(value, 1, 10000000);
    else
        usage();
}

static struct arguments read_arguments(int argc, char **argv)
{
    if (argc < 3 || argc % 2 == 0)
        usage();
    struct arguments a = {.kind = argv[1], .out = argv[argc - 1], .n_blobs = 20000, .record_bytes = 32768};
    bool is_flood = strcmp(a.kind, "flood") == 0, is_small = strcmp(a.kind, "small") == 0;
    a.n_bytes = is_small ? 200000000 : 100000000;
    a.traffic = (struct traffic_options){.layout = TRAFFIC_NSG2,
                                         .is_flood = is_flood,
                                         .seed = 1,
                                         .n_sources = is_flood ? 60000 : 40000,
                                         .n_nics = is_flood ? 2 : 50,
                                         .busy_tuples = 7700,
                                         .quiet_tuples = 19};
    if (strcmp(a.kind, "vnet") == 0)
        a.traffic.layout = TRAFFIC_VNET4;
    if (strcmp(a.kind, "nsg1") == 0)
        a.traffic.layout = TRAFFIC_NSG1;
    for (int i = 2; i + 1 < argc; i += 2)
        read_option(&a, argv[i], argv[i + 1]);
    return a;
}

/* All NICs minute by minute, as their logs would be when they are put into one in order of time. */
static void write_log(const struct arguments *a, struct traffic *traffic, struct log_writer *writer)
{
    log_writer_open(writer, a->out, strcmp(a->kind, "gz") == 0);
    for (int64_t start_ms = START_MS; log_writer_bytes(writer) < a->n_bytes; start_ms += MINUTE_MS)
        for (uint32_t nic = 0; nic < a->traffic.n_nics && log_writer_bytes(writer) < a->n_bytes; nic++)
            log_writer_minute(writer, traffic_next_minute(traffic, nic, start_ms), nic,
                              start_ms + MINUTE_MS + LATE_MS + nic * 113 % 1000);
    log_writer_close(writer);
}

static void make_folders(char *path)
{
    for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(path, 0777);
        *p = '/';
    }
}

/* One blob a NIC and hour: the first minutes of the hour, until the blob has its size. */
static void write_small(const struct arguments *a, struct traffic *traffic, struct log_writer *writer)
{
    uint64_t blob_bytes = a->n_bytes / a->n_blobs;
    for (uint64_t n = 0; n < a->n_blobs; n++) {
        char path[4096], name[2048];
        uint32_t nic = (uint32_t)(n % a->traffic.n_nics);
        int64_t hour_ms = START_MS + (int64_t)(n / a->traffic.n_nics) * HOUR_MS, start_ms = hour_ms;
        const struct traffic_minute *minute = traffic_next_minute(traffic, nic, start_ms);
        log_writer_path(minute, nic, hour_ms, name, sizeof(name));
        if (snprintf(path, sizeof(path), "%s/%s", a->out, name) >= (int)sizeof(path)) {
            fprintf(stderr, "gen_logs: the path of OUT is too long\n");
            exit(1);
        }
        make_folders(path);
        log_writer_open(writer, path, false);
        for (;;) {
            start_ms += MINUTE_MS;
            log_writer_minute(writer, minute, nic, start_ms + LATE_MS + nic * 113 % 1000);
            if (log_writer_bytes(writer) >= blob_bytes)
                break;
            minute = traffic_next_minute(traffic, nic, start_ms);
        }
        log_writer_close(writer);
    }
}

static void write_rules(const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    fputs(traffic_definitions(), file);
    if (fclose(file) != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"typical", "vnet", "nsg1", "flood", "gz"};
    struct arguments a = read_arguments(argc, argv);
    if (strcmp(a.kind, "rules") == 0) {
        write_rules(a.out);
        return 0;
    }
    bool is_small = strcmp(a.kind, "small") == 0, is_log = false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        is_log = is_log || strcmp(a.kind, kinds[i]) == 0;
    if (!is_log && !is_small)
        usage();
    /* A small blob is that of a quiet NIC. */
    if (is_small)
        a.traffic.busy_tuples = a.traffic.quiet_tuples;
    struct traffic *traffic = traffic_new(&a.traffic);
    struct log_writer *writer = log_writer_new(a.traffic.layout, a.record_bytes);
    if (is_small)
        write_small(&a, traffic, writer);
    else
        write_log(&a, traffic, writer);
    log_writer_free(writer);
    traffic_free(traffic);
    return 0;
}
