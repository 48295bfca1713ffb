/*
 * finding_json.h - the parts that the JSON documents share, so that a finding of a review is that of the scan, byte for
 * byte. Texts are borrowed until return; one thread at a time per `json`.
 */
#ifndef NSF_REPORT_FINDING_JSON_H
#define NSF_REPORT_FINDING_JSON_H

#include "core/json_out.h"
#include "core/problem.h"
#include "exposure/scan.h"

/* The member "tool". */
void nsf_json_tool(struct nsf_json_out *json);
/* An object: one row of "nsgs". */
void nsf_json_nsg(struct nsf_json_out *json, const struct nsf_scan_nsg *nsg);
/* An object: one row of "findings", or the member "finding" of a reviewed rule. */
void nsf_json_finding(struct nsf_json_out *json, const struct nsf_scan *scan, const struct nsf_finding *finding);
/* The member "problems". The list is finished; what it dropped stands in a last row without a path. */
void nsf_json_problems(struct nsf_json_out *json, const struct nsf_problems *problems);

/* key and value in one call */
void nsf_json_key_slices(struct nsf_json_out *json, const char *key, struct nsf_slices texts);
/* An absent slice is null. */
void nsf_json_key_text(struct nsf_json_out *json, const char *key, struct nsf_slice text);

#endif
