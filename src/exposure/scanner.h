/*
 * scanner.h - NSGs in, one at a time; a struct nsf_scan out.
 *
 * Each NSG is evaluated when it comes and only its row, findings and shadowed rules are kept, so that memory is bounded
 * by one NSG and what is found. The order of arrival does not matter. One thread.
 */
#ifndef NSF_SCANNER_H
#define NSF_SCANNER_H

#include "exposure/exposure.h"
#include "rules/findings.h"

struct nsf_scanner;

struct nsf_scanner *nsf_scanner_new(const struct nsf_exposure_settings *settings);
/* NULL is fine. */
void nsf_scanner_free(struct nsf_scanner *scanner);
/* Interfaces, subnets and admin rules; all before the first NSG. Copied. */
void nsf_scanner_attach(struct nsf_scanner *scanner, const struct nsf_attachment *attachment);
/* What another tool found. Copied; order does not matter. */
void nsf_scanner_add_peer(struct nsf_scanner *scanner, const struct nsf_peer_finding *finding);
/* Borrows nsg. Each NSG comes once: the loaders merge. */
void nsf_scanner_add(struct nsf_scanner *scanner, const struct nsf_nsg *nsg);
/* Sorts and joins. With rules in `only` (names, without case) just their findings and shadowed rows are kept, which is
 * not for a scan with a rule table; NULL or an empty list keeps all. Lends the scan until nsf_scanner_free; nothing is
 * added after it. */
const struct nsf_scan *nsf_scanner_finish(struct nsf_scanner *scanner, uint64_t n_files, const struct nsf_slices *only);

#endif
