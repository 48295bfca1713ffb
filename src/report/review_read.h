/*
 * review_read.h - a review back from its document nsgflow.review/1 (review_json.h writes it).
 *
 * The document is untrusted: a member of the wrong type or an unknown word is an error with its line, members that are
 * absent are taken as empty, members nobody knows are passed over. init/release; one thread at a time.
 */
#ifndef NSF_REPORT_REVIEW_READ_H
#define NSF_REPORT_REVIEW_READ_H

#include "core/json_dom.h"
#include "evidence/review.h"

struct nsf_review_document {
    struct nsf_arena arena;
    struct nsf_scan scan; /* NSGs as in the document, findings in the order of the queue */
    struct nsf_review review;
    /* the source read last */
    struct nsf_arena scratch;
    struct nsf_evidence_line *lines;
    size_t lines_capacity;
};

void nsf_review_document_init(struct nsf_review_document *document);
void nsf_review_document_release(struct nsf_review_document *document);
/* `text` is borrowed. Afterwards document->review is whole, or *err says where the document is no such review. */
nsf_result nsf_review_document_read(struct nsf_review_document *document, struct nsf_slice text,
                                    struct nsf_err *err) NSF_CHECKED;
/* Drops the rules that `keep` does not want; the order of the others stays. */
typedef bool nsf_review_keep_fn(const void *ctx, const struct nsf_scan_nsg *nsg, const struct nsf_finding *finding);
void nsf_review_document_narrow(struct nsf_review_document *document, nsf_review_keep_fn *keep, const void *ctx);

#endif
