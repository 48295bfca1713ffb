/*
 * scan_pack.h - the result of a scan as bytes that the store keeps, so that a report can be made without the rules.
 *
 * Every member of struct nsf_scan makes the trip: whoever adds one adds it here, and raises NSF_SCAN_PACK_VERSION.
 * Pure functions.
 */
#ifndef NSF_SCAN_PACK_H
#define NSF_SCAN_PACK_H

#include "core/buf.h"
#include "core/problem.h"
#include "exposure/scan.h"

#define NSF_SCAN_PACK_VERSION 5
#define NSF_SCAN_PACK_MAX_BYTES ((size_t)1 << 30)

/* Appends to *buf, whose max is at least NSF_SCAN_PACK_MAX_BYTES. `problems`: of loading the rules, or NULL. */
void nsf_scan_pack(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_buf *buf);
/* *scan owns copies of all texts in its arena, also when it fails (NSF_E_STORE); the caller releases that. Problems
 * are added to *problems. */
nsf_result nsf_scan_unpack(struct nsf_slice packed, struct nsf_scan *scan, struct nsf_problems *problems,
                           struct nsf_err *err) NSF_CHECKED;

#endif
