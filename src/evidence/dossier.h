/*
 * dossier.h - everything known of one source, over all rules and logs, and of its network: the facts that a judge asks
 * for. Made when the evidence is finished; reads it and holds little of its own.
 *
 * What networks are is the asker's business: a listed provider is one network, every other source belongs to its /24 or
 * /48. Read-only once made: any thread may ask, each with a reader of its own.
 */
#ifndef NSF_DOSSIER_H
#define NSF_DOSSIER_H

#include "evidence/evidence.h"
#include "evidence/outbound.h"
#include "evidence/retries.h"
#include "evidence/row_finder.h"
#include "judge/facts.h"

struct nsf_network {
    struct nsf_prefix prefix; /* the part of it that holds the source */
    uint64_t id;              /* equal for addresses of one network */
};

struct nsf_dossier_ask {
    struct nsf_network (*network_of)(const void *ctx, struct nsf_ip ip);
    const void *ctx;
};

struct nsf_dossier;

/* Borrows the finished evidence and *ask until free. */
struct nsf_dossier *nsf_dossier_new(struct nsf_evidence *evidence, const struct nsf_dossier_ask *ask);
/* NULL is fine. */
void nsf_dossier_free(struct nsf_dossier *dossier);

/* The counts of connections alone, of the source that the row belongs to, over all its rules; the rest of *facts is
 * zero. */
void nsf_dossier_counts(const struct nsf_dossier *dossier, struct nsf_row_ref row, struct nsf_sender_facts *facts);

/* What one thread needs to read a dossier. */
struct nsf_dossier_reader {
    const struct nsf_dossier *dossier;
    struct nsf_traits *one;    /* of a row with one connection */
    struct nsf_traits *joined; /* of several rows */
    struct nsf_u32s days;
};
void nsf_dossier_reader_init(struct nsf_dossier_reader *reader, const struct nsf_dossier *dossier);
void nsf_dossier_reader_release(struct nsf_dossier_reader *reader);

/* The steps, from 0, that bring what is known of a network into the cache, each some time before the next one or the
 * asking. */
#define NSF_DOSSIER_STEPS 3
void nsf_dossier_expect(const struct nsf_dossier *dossier, unsigned step, uint64_t network_id);

/* All of *facts but what lists say. Any address, also one that was only denied or never seen; `network_id` is what
 * network_of would answer, `row` one of its rows or NULL. */
void nsf_dossier_read(struct nsf_dossier_reader *reader, struct nsf_ip src, uint64_t network_id,
                      const struct nsf_row_ref *row, struct nsf_sender_facts *facts);

/* Give memory back that grows with the number of sources. Nothing may be read by nsf_dossier_read after either, nor be
 * told by nsf_dossier_each_sent after the second. */
void nsf_dossier_forget_networks(struct nsf_dossier *dossier);
void nsf_dossier_forget_connections(struct nsf_dossier *dossier);

/* Lends. */
const struct nsf_row_finder *nsf_dossier_rows(const struct nsf_dossier *dossier);

/* The messages of one source under one finding. */
struct nsf_sent {
    struct nsf_ip address;
    struct nsf_row_ref row;
    struct nsf_network network;
    uint64_t messages;
    struct nsf_u32_view days;        /* day << 16 | messages, ascending */
    const struct nsf_traits *traits; /* NSF_TRAITS_OF_MAIL: when they came, and to which NIC */
};
typedef void nsf_sent_fn(void *ctx, const struct nsf_sent *sent);
/* Every source under the finding with a message, or with connections without counters (messages is 0 then, and days
 * holds the connections), of these partitions; by partition, then row; *sent lives for the call. */
void nsf_dossier_each_sent(const struct nsf_dossier *dossier, uint32_t finding_idx, struct nsf_partition_range range,
                           nsf_sent_fn *fn, void *ctx);

/* Networks that retry one of our addresses as mail servers do and touch nothing but mail ports; in no order that may
 * show. */
size_t nsf_dossier_retrying(const struct nsf_dossier *dossier, const struct nsf_retrying_sender **senders);

#endif
