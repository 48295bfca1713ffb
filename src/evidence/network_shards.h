/*
 * network_shards.h - the mail of all networks, in shards by the networks' ids, so that several threads can collect it.
 */
#ifndef NSF_NETWORK_SHARDS_H
#define NSF_NETWORK_SHARDS_H

#include "evidence/dossier.h"
#include "evidence/network_mails.h"

#define NSF_NETWORK_SHARDS_MAX 16u

struct nsf_network_shards {
    const struct nsf_evidence *evidence; /* borrowed */
    struct nsf_dossier_ask ask;
    unsigned n; /* of the shards that are used */
    struct nsf_network_mails shards[NSF_NETWORK_SHARDS_MAX];
    struct nsf_network_rows *rows; /* by partition; until ready */
};

/* Borrows the finished evidence. There are as many shards as jobs: each goes through the rows of all partitions, so
 * fewer are quicker. */
void nsf_network_shards_begin(struct nsf_network_shards *networks, const struct nsf_evidence *evidence,
                              const struct nsf_dossier_ask *ask, unsigned jobs);
/* Collects shard `i` < n; each by one thread, once. */
void nsf_network_shards_collect(struct nsf_network_shards *networks, unsigned i);
/* All are collected; from here on any thread may ask. */
void nsf_network_shards_finish(struct nsf_network_shards *networks);
void nsf_network_shards_release(struct nsf_network_shards *networks);
/* As those of nsf_network_mails. */
void nsf_network_shards_expect(const struct nsf_network_shards *networks, uint64_t id);
void nsf_network_shards_expect_entry(const struct nsf_network_shards *networks, uint64_t id);
void nsf_network_shards_expect_lists(const struct nsf_network_shards *networks, uint64_t id);
void nsf_network_shards_find(const struct nsf_network_shards *networks, uint64_t id, struct nsf_u32_view *runs,
                             struct nsf_u32_view *days);

#endif
