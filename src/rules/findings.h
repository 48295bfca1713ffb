/*
 * findings.h - findings of other tools, and our own of an earlier run, as plain data.
 *
 * "The scanning core found this": joined to the rules by NSG id (without case) and rule name; where ours disagrees both
 * are shown. Texts live as those of nsg.h. Read from nsgflow.scan/1, CloudSploit JSON, Checkov JSON and SARIF (any
 * SARIF whose results name an NSG check), Prowler OCSF.
 */
#ifndef NSF_FINDINGS_H
#define NSF_FINDINGS_H

#include "core/arena.h"
#include "rules/nsg.h"

enum nsf_peer_verdict {
    NSF_PEER_VERDICT_OPEN,    /* exposed, FAIL, failed */
    NSF_PEER_VERDICT_PARTIAL, /* only our own */
    NSF_PEER_VERDICT_CLOSED,  /* OK, PASS, passed, restricted, closed */
    NSF_PEER_VERDICT_UNKNOWN, /* UNKNOWN, skipped, suppressed, MANUAL */
};

struct nsf_peer_finding {
    struct nsf_slice tool;  /* "CloudSploit", "Checkov", "Prowler", "nsgflow", or the SARIF driver's name */
    struct nsf_slice check; /* openSMTP, CKV_AZURE_..., ... as the tool spells it */
    struct nsf_slice nsg;   /* id, or what names it best (a Terraform address, say) */
    struct nsf_slice rule;  /* name, or absent: the tool judges the whole NSG */
    enum nsf_peer_verdict verdict;
    struct nsf_slice verdict_text; /* as the tool spells it */
    struct nsf_slice message;
    uint32_t priority;         /* 0: not said */
    struct nsf_slices sources; /* where the finding says so */
    bool is_id;                /* `nsg` is a full resource id */
    bool is_smtp;              /* the check speaks of TCP 25 (others speak of "all ports", or of a port of their own) */
    struct nsf_place place;    /* in the findings file */
    struct nsf_place target;   /* the file and line the finding points at, or absent */
};

/* All findings of a run, to be looked up by NSG. */
struct nsf_peer_findings {
    struct nsf_arena arena;
    struct nsf_peer_finding *items; /* once finished: by NSG without case, rule, tool, check, place */
    size_t n;
    size_t capacity;
};

void nsf_peer_findings_init(struct nsf_peer_findings *list);
void nsf_peer_findings_release(struct nsf_peer_findings *list);
/* Copies all texts but those of places. */
void nsf_peer_findings_add(struct nsf_peer_findings *list, const struct nsf_peer_finding *finding);
/* Sorts. What one tool says twice in the same words stands once. */
void nsf_peer_findings_finish(struct nsf_peer_findings *list);

const char *nsf_peer_verdict_name(enum nsf_peer_verdict verdict); /* "open", "partial", "closed", "unknown" */

#endif
