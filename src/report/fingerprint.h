/*
 * fingerprint.h - a name for a finding that stays the same from run to run and from version to version.
 *
 * 64-bit FNV-1a over the NSG id and the rule name, both in lower case (ASCII), and the port, each ended by a line feed;
 * as 16 hex digits. Where in which file the rule stands plays no part. Pure function, any thread.
 */
#ifndef NSF_REPORT_FINGERPRINT_H
#define NSF_REPORT_FINGERPRINT_H

#include "core/slice.h"

#define NSF_FINDING_FINGERPRINT_BYTES 17

const char *nsf_finding_fingerprint(struct nsf_slice nsg_id, struct nsf_slice rule, uint16_t port,
                                    char buf[NSF_FINDING_FINGERPRINT_BYTES]);

#endif
