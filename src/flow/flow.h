/*
 * flow.h - one flow tuple as the stages behind the scanner see it. Plain data, no pointers.
 *
 * All times are UTC milliseconds, whatever the log wrote. Absent counters are not zero: `has_counters` tells.
 */
#ifndef NSF_FLOW_H
#define NSF_FLOW_H

#include "core/ipaddr.h"

enum nsf_layout {
    NSF_LAYOUT_NSG1,
    NSF_LAYOUT_NSG2,
    NSF_LAYOUT_VNET4,
};
#define NSF_LAYOUTS 3

/* Protocol numbers of IANA. */
#define NSF_PROTOCOL_TCP 6
#define NSF_PROTOCOL_UDP 17

/* What happened to the flow. Decision D wins over the state; a v1 line has no state. */
enum nsf_flow_event {
    NSF_FLOW_LINE,     /* v1: allowed, nothing more known */
    NSF_FLOW_BEGIN,    /* B */
    NSF_FLOW_CONTINUE, /* C */
    NSF_FLOW_END,      /* E */
    NSF_FLOW_DENIED,   /* D */
};

/* A TCP tuple with destination port 25 (inbound), or outbound with destination port 25 or 587. */
struct nsf_mail_event {
    int64_t ts_ms;
    struct nsf_ip src;
    struct nsf_ip dst;
    uint64_t packets_in; /* client (src) to server */
    uint64_t bytes_in;
    uint64_t packets_out;
    uint64_t bytes_out;
    uint32_t scope_id;   /* flow/scope.h */
    uint32_t record_idx; /* in its batch */
    uint16_t src_port;
    uint16_t dst_port;
    uint8_t event; /* enum nsf_flow_event */
    bool has_counters;
};

/* Any other inbound tuple, allowed or denied: what a source does besides mail. Between two IPv4 addresses, which nearly
 * all are: there are more of these than of everything else. */
struct nsf_contact {
    uint32_t src;
    uint32_t dst;
    uint32_t group_idx; /* of its batch: struct nsf_tuple_group */
    uint16_t dst_port;  /* 0 where the protocol has none */
    uint8_t protocol;   /* IANA number */
    bool is_denied;
};

/* The same with whatever addresses, and its stamp. */
struct nsf_wide_contact {
    int64_t ts_ms; /* NSF_TS_NONE: not kept */
    struct nsf_ip src;
    struct nsf_ip dst;
    uint32_t group_idx;
    uint16_t dst_port;
    uint8_t protocol;
    bool is_denied;
};

/* Why a tuple is bad. The text is what people read. */
#define NSF_TUPLE_FAULT_TABLE(X)                                                                                       \
    X(NONE, "good")                                                                                                    \
    X(FIELDS, "wrong number of fields")                                                                                \
    X(TIME, "time stamp is not a number of seconds or milliseconds")                                                   \
    X(ADDRESS, "address that cannot be read")                                                                          \
    X(PORT, "port that is not 0 to 65535")                                                                             \
    X(PROTOCOL, "unknown protocol")                                                                                    \
    X(DIRECTION, "unknown direction")                                                                                  \
    X(DECISION, "unknown decision")                                                                                    \
    X(STATE, "unknown flow state")                                                                                     \
    X(COUNTER, "counter with a sign, a letter or too many digits")                                                     \
    X(COUNTERS, "only some of the four counters are there")                                                            \
    X(BYTES, "bytes that no tuple holds")                                                                              \
    X(TYPE, "tuple that is not a string")

enum nsf_tuple_fault {
#define NSF_TUPLE_FAULT_ENUM(name, text) NSF_TUPLE_##name,
    NSF_TUPLE_FAULT_TABLE(NSF_TUPLE_FAULT_ENUM)
#undef NSF_TUPLE_FAULT_ENUM
};
#define NSF_TUPLE_FAULTS (NSF_TUPLE_TYPE + 1)

#endif
