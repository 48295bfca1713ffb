/*
 * limits.h - every bound of the program, in one list.
 *
 * A bound protects memory or time against hostile input. Where a user can raise one, the option stands beside it.
 */
#ifndef NSF_LIMITS_H
#define NSF_LIMITS_H

/* JSON. Real flow logs nest 7 deep, Terraform plans with modules about 30. */
#define NSF_JSON_DEPTH_MAX 128
/* One JSON token. The longest real one is a rule description of 140 characters; a portal export carries whole
 * `properties` objects as one string. */
#define NSF_JSON_TOKEN_MAX_BYTES ((size_t)1 << 20)
/* A rules document that has to be held whole (templates, Terraform). Streamed shapes have no such bound. */
#define NSF_RULES_DOCUMENT_MAX_BYTES ((uint64_t)1 << 30)

/* Flow logs. A record is held until its end, since its rule and version can come behind its tuples. Azure cuts NSG
 * records at about 32 KB. */
#define NSF_RECORD_MAX_BYTES ((size_t)16 << 20)
/* One read from a file, and the piece in which inflated bytes are handed on. */
#define NSF_CHUNK_BYTES ((size_t)128 << 10)
/* Inflated bytes per compressed byte, over the whole member. DEFLATE cannot exceed 1032:1. */
#define NSF_GZIP_RATIO_MAX 1100
/* Names of rules, NSGs, flow logs. Azure allows 80 for a rule and about 400 for a resource id. */
#define NSF_NAME_MAX_BYTES 2048
#define NSF_PATH_MAX_BYTES 8192

/* One list of networks. The largest published one, Azure's service tags, has 5 MB. */
#define NSF_LIST_MAX_BYTES ((size_t)256 << 20)

/* Reports. */
#define NSF_PROBLEMS_MAX 1000
#define NSF_FOREIGN_MAX 64
#define NSF_UNMATCHED_MAX 10000
#define NSF_OTHER_PORTS_MAX 100
#define NSF_DESTINATIONS_MAX 32
/* Distinct counts behind evidence are exact up to this and "or more" past it. */
#define NSF_DISTINCT_EXACT_MAX 16

/* --max-sources: sources kept with a row of their own. */
#define NSF_SOURCES_MAX_DEFAULT 10000000u
/* --max-other: addresses kept that were only denied or only seen on other ports. */
#define NSF_OTHER_ADDRESSES_MAX_DEFAULT 4000000u

/* --jobs. */
#define NSF_JOBS_MAX 256

#endif
