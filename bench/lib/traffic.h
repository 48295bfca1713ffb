/*
 * traffic.h - the traffic of a small network minute by minute, as its flow logs see it.
 *
 * A world has NSGs of four roles and NICs behind them. traffic_minute gives what one NIC logs in one minute: for each
 * rule the log lines in order of time. Connections are whole: a line that goes on or ends belongs to one that began,
 * with its ports and counters, also when the minutes between them are many. What is assumed, and from which real log a
 * figure comes, stands in bench/README.md.
 *
 * The same options give the same lines. Out of memory ends the process.
 */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum traffic_layout {
    TRAFFIC_NSG1,
    TRAFFIC_NSG2,
    TRAFFIC_VNET4,
};

struct traffic_options {
    enum traffic_layout layout;
    bool is_flood; /* every line is SMTP that an exposing rule allows */
    uint64_t seed;
    uint32_t n_sources; /* addresses of the internet that come, in all */
    uint32_t n_nics;
    uint32_t busy_tuples;  /* a minute of the busiest NIC; the k-th has 1/k of it */
    uint32_t quiet_tuples; /* a minute of a NIC never has less */
};

/* One line of a log. */
struct traffic_line {
    int64_t at_ms;
    uint32_t order; /* of lines of one millisecond */
    uint32_t peer;  /* IPv4, the other side's */
    uint16_t peer_port, own_port;
    bool is_udp;
    char state;           /* B C E; D when denied */
    uint32_t counters[4]; /* packets and bytes from the initiator, then to it; with C and E */
};

/* The lines of one rule, in order of time. */
struct traffic_group {
    const char *rule; /* as the log names it */
    bool is_outbound;
    bool is_platform; /* not a decision of an NSG */
    size_t n;
    struct traffic_line *lines;
};

#define TRAFFIC_GROUPS_MAX 12

struct traffic_minute {
    unsigned nsg; /* 0 to TRAFFIC_NSGS - 1 */
    uint32_t own; /* IPv4 of the NIC */
    size_t n_groups;
    struct traffic_group groups[TRAFFIC_GROUPS_MAX]; /* in the order of the log; none is empty */
};

#define TRAFFIC_NSGS 4

struct traffic;

struct traffic *traffic_new(const struct traffic_options *options);
void traffic_free(struct traffic *traffic);
/* What NIC number nic logged in the 60 seconds from start_ms. Lends until the next call. */
const struct traffic_minute *traffic_next_minute(struct traffic *traffic, uint32_t nic, int64_t start_ms);
const char *traffic_nsg_name(unsigned nsg);
/* The definitions of the NSGs, as `az network nsg list` prints them: a static text. */
const char *traffic_definitions(void);

/* NSG ids and what stands around them: upper case in NSG logs, mixed in the others. */
#define TRAFFIC_SUB_UPPER "/SUBSCRIPTIONS/4C1D0B5E-7D1A-4B7C-9E55-2F0A6C3B8D10/RESOURCEGROUPS/"
#define TRAFFIC_SUB_LOWER "/subscriptions/4c1d0b5e-7d1a-4b7c-9e55-2f0a6c3b8d10/resourceGroups/"

#endif
