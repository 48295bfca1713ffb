/*
 * words.h - what the words of a rule mean: source prefixes, tags, ports, protocols.
 *
 * Pure functions over slices, any thread.
 */
#ifndef NSF_WORDS_H
#define NSF_WORDS_H

#include "core/slice.h"
#include "exposure/ipset.h"

enum nsf_word_kind {
    NSF_WORD_ALL,      /* `*`, Any, and a /0 behind something that is no address: both families */
    NSF_WORD_INTERNET, /* public space, Azure's own included */
    NSF_WORD_RANGE,    /* CIDR, address, a-b */
    NSF_WORD_INNER,    /* VirtualNetwork, AzureLoadBalancer and the platform's tags: not public */
    NSF_WORD_CLOUD,    /* AzureCloud and its regions: every Azure customer */
    NSF_WORD_TAG,      /* another service tag, by its spelling */
    NSF_WORD_BAD,      /* none of these */
};

struct nsf_word {
    enum nsf_word_kind kind;
    bool is_vnet; /* of NSF_WORD_INNER: VirtualNetwork */
    enum nsf_family family;
    struct nsf_range range; /* of NSF_WORD_RANGE */
};

/* Blanks around the word do not matter. */
struct nsf_word nsf_word_parse(struct nsf_slice text);

/* The next item of a comma list, trimmed; false at its end. *rest begins as the whole text. */
bool nsf_word_next(struct nsf_slice *rest, struct nsf_slice *item);

/* `25`, `20-30`, `*`; no commas. False: cannot be read. */
bool nsf_port_parse(struct nsf_slice text, struct nsf_range *range) NSF_CHECKED;

enum nsf_protocol_match {
    NSF_PROTOCOL_NO,
    NSF_PROTOCOL_YES,
    NSF_PROTOCOL_BAD,
};
/* Whether a rule of this protocol speaks of TCP. */
enum nsf_protocol_match nsf_protocol_is_tcp(struct nsf_slice text);

#endif
