/*
 * azure_fetch.h - one range of one blob after the other, each checked before it counts.
 *
 * The part of a stream that talks to storage: plans ranges, goes on in the middle of one that broke off, takes the new
 * version of a blob that grew, says so when a blob was made anew. One thread at a time; blocks.
 */
#ifndef NSF_AZURE_FETCH_H
#define NSF_AZURE_FETCH_H

#include "source/azure_call.h"

#define NSF_AZURE_ETAG_BYTES 136

/* Bytes of one range. The buffer grows to what is needed and is kept. */
struct nsf_azure_slot {
    char *ptr;
    size_t capacity;
    size_t len;
};

struct nsf_azure_version {
    char etag[NSF_AZURE_ETAG_BYTES]; /* without quotes, "" when it is not known */
    uint64_t size_bytes;             /* NSF_SIZE_UNKNOWN */
    int64_t created_ms;              /* NSF_TS_NONE */
    bool is_gzip;
};

struct nsf_azure_fetch {
    struct nsf_azure_link link;
    struct nsf_slice name; /* borrowed */
    struct nsf_azure_version version;
    char known_etag[NSF_AZURE_ETAG_BYTES]; /* asked whether it is still this one; "" once that is settled */
    uint64_t next;                         /* offset of the next range */
    bool has_given;                        /* bytes before `next` are out of our hands */
    bool is_unchanged;                     /* settled without asking: it is the known version */
    bool is_replaced;                      /* settled without asking: it is another blob */
    unsigned n_replaced;
    size_t range_bytes;           /* of one request */
    struct nsf_sign_md5_sum *sum; /* of the range that comes */
};

void nsf_azure_fetch_init(struct nsf_azure_fetch *fetch, struct nsf_azure_account *account,
                          const atomic_bool *is_cancelled);
void nsf_azure_fetch_release(struct nsf_azure_fetch *fetch);

/* Begins with a blob; `name` and blob are borrowed until the next begin. */
void nsf_azure_fetch_begin(struct nsf_azure_fetch *fetch, struct nsf_slice name, const struct nsf_blob *blob,
                           const struct nsf_open *how);

/* Fills the slot with the next range: NSF_READ_BYTES; else as in source.h, with nothing in the slot. After
 * NSF_READ_REPLACED the next call gives the new version from its start. */
enum nsf_read nsf_azure_fetch_next(struct nsf_azure_fetch *fetch, struct nsf_azure_slot *slot,
                                   struct nsf_err *err) NSF_CHECKED;

/* "bytes FIRST-LAST/TOTAL": all three, first <= last < total. */
bool nsf_azure_parse_content_range(struct nsf_slice text, uint64_t *first, uint64_t *last, uint64_t *total) NSF_CHECKED;

#endif
