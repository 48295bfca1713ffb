/*
 * outbound.h - the mail that our own NICs send: connections to TCP 25 and 587, kept one by one for the questions that a
 * relay raises.
 *
 * Of very many connections a fixed share is kept, chosen by a hash, so that the order of the input does not matter. One
 * thread at a time.
 */
#ifndef NSF_OUTBOUND_H
#define NSF_OUTBOUND_H

#include "evidence/live.h"
#include "evidence/partition.h"

/* Of 20 bytes each. */
#define NSF_OUTBOUND_ROWS_MAX (UINT32_C(1) << 18)

struct nsf_outbound_row {
    uint32_t second; /* of its first stamp */
    uint32_t nic_id;
    uint32_t network;     /* /24, or a hash of the /48 */
    uint32_t destination; /* address, or a hash of it */
    bool is_message;
    bool is_unanswered; /* nothing came back, or an NSG denied it */
    bool is_public;     /* the destination */
    bool is_port_25;
};

struct nsf_outbound {
    const struct nsf_shared *shared; /* borrowed */
    struct nsf_lives lives;          /* by where they go */
    struct nsf_addresses own;
    uint32_t sweep_at;
    int64_t clock_ms; /* newest stamp of all */
    struct nsf_outbound_row *rows;
    size_t rows_capacity;
    uint32_t n_rows;
    unsigned level; /* of the share that is kept: 0 is all */
};

void nsf_outbound_init(struct nsf_outbound *outbound, const struct nsf_shared *shared, uint64_t seed);
void nsf_outbound_release(struct nsf_outbound *outbound);
/* Takes the outbound events of the batch, whose duplicates are marked. Batches in order. */
void nsf_outbound_take(struct nsf_outbound *outbound, const struct nsf_batch *batch);
/* Closes what is open and sorts the rows by NIC, then time. */
void nsf_outbound_finish(struct nsf_outbound *outbound);

#endif
