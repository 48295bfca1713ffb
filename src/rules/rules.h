/*
 * rules.h - reads NSG definitions from whatever export people have.
 *
 * Give it files, folders and `-`; it finds out the shape of every document, hands each NSG to a sink exactly once
 * (partial ones merged, the same NSG twice merged with its contradictions said), and the rest it learns (interfaces,
 * subnets, public addresses, admin rules, findings of other tools) to sinks of their own. What cannot be read becomes
 * a problem and the run goes on. An NSG that only findings of other tools speak of comes as an NSG with the rules they
 * name, and notes that say so.
 *
 * Memory: one NSG, a bounded budget for NSGs that are held to be merged, and 50 bytes or so for each NSG id seen.
 * Larger inputs are read twice. Templates and Terraform files are held whole. One thread at a time; sinks are called
 * on the caller's thread.
 */
#ifndef NSF_RULES_H
#define NSF_RULES_H

#include "core/problem.h"
#include "rules/attachment.h"
#include "rules/findings.h"
#include "rules/nsg.h"

/* enum, name for --input-shape and problems, what people call it */
#define NSF_INPUT_SHAPE_TABLE(X)                                                                                       \
    X(AUTO, "auto", "found out from the document")                                                                     \
    X(AZ, "az", "az network nsg list, show, rule list")                                                                \
    X(ARM, "arm", "ARM REST list")                                                                                     \
    X(TEMPLATE, "template", "ARM template, deployment, Blueprint artifact")                                            \
    X(WHAT_IF, "what-if", "what-if result of a deployment")                                                            \
    X(GRAPH, "graph", "Azure Resource Graph")                                                                          \
    X(TERRAFORM, "terraform", "terraform show -json of a plan or a state, terraform.tfstate")                          \
    X(POWERSHELL, "powershell", "Get-AzNetworkSecurityGroup | ConvertTo-Json")                                         \
    X(EFFECTIVE, "effective", "effective security rules of a network interface")                                       \
    X(NETWORK, "network", "network interfaces, public addresses, virtual networks")                                    \
    X(ADMIN, "admin", "security admin rules of a network manager")                                                     \
    X(FINDINGS, "findings", "findings of nsgflow, CloudSploit, Checkov, Prowler, SARIF")

enum nsf_input_shape {
#define NSF_INPUT_SHAPE_ENUM(shape, name, text) NSF_INPUT_SHAPE_##shape,
    NSF_INPUT_SHAPE_TABLE(NSF_INPUT_SHAPE_ENUM)
#undef NSF_INPUT_SHAPE_ENUM
    NSF_INPUT_SHAPE_N,
};

const char *nsf_input_shape_name(enum nsf_input_shape shape);
/* False: no such name. */
bool nsf_input_shape_parse(struct nsf_slice name, enum nsf_input_shape *shape) NSF_CHECKED;

/* What is given is valid until the sink returns, `place.file` until the sinks' owner is done with the run (it is
 * interned). NULL members are skipped. */
/* All attachments and findings come before the first NSG. */
struct nsf_rules_sinks {
    void *ctx;
    void (*nsg)(void *ctx, const struct nsf_nsg *nsg);
    void (*attachment)(void *ctx, const struct nsf_attachment *attachment);
    void (*finding)(void *ctx, const struct nsf_peer_finding *finding);
};

struct nsf_rules_input {
    const char *path; /* file, folder, or "-"; for people only when fd >= 0 */
    int fd;           /* -1: open path. Else borrowed and read from its start when it can seek, else from here on */
};

struct nsf_rules_options {
    const struct nsf_rules_input *inputs;
    size_t n_inputs;
    enum nsf_input_shape shape; /* AUTO, or what every document is said to be */
    size_t held_max_bytes;      /* NSGs held in memory before documents are read twice; 0: the default */
};

struct nsf_rules_summary {
    uint64_t n_files;      /* opened */
    uint64_t n_files_read; /* of a shape that is known, with something in it */
    uint64_t n_nsgs;       /* handed to the sink */
    uint64_t n_rules;
    uint64_t n_attachments;
    uint64_t n_findings;
};

/* Reads everything. What is wrong is in *problems, which is not sorted yet. Fails when nothing at all could be read
 * that a scan or review can start from (no NSG, no finding): NSF_E_IO, NSF_E_EMPTY or NSF_E_SHAPE, *err says why and
 * for which file; the problems say the same and more. Texts: `files` keeps the interned file names that the places
 * of the results borrow and must outlive them. */
nsf_result nsf_rules_load(const struct nsf_rules_options *options, const struct nsf_rules_sinks *sinks,
                          struct nsf_arena *files, struct nsf_problems *problems, struct nsf_rules_summary *summary,
                          struct nsf_err *err) NSF_CHECKED;

#endif
