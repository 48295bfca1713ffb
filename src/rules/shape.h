/*
 * shape.h - what kind of document or list element a JSON value is. Internal to rules/; pure functions.
 */
#ifndef NSF_SHAPE_H
#define NSF_SHAPE_H

#include "rules/loader.h"
#include "rules/rules.h"

/* kind, the shape it belongs to, what it is called when it is refused or unexpected */
#define NSF_KIND_TABLE(X)                                                                                              \
    X(UNKNOWN, AUTO, "JSON of no kind that is known here")                                                             \
    X(EMPTY, AUTO, "an empty list")                                                                                    \
    X(OTHER_RESOURCE, AUTO, "a resource that is no network security group")                                            \
    X(NSG, AZ, "a network security group")                                                                             \
    X(NEW_NSG, AZ, "the answer of az network nsg create")                                                              \
    X(RULE, AZ, "a security rule")                                                                                     \
    X(TEMPLATE, TEMPLATE, "an ARM template")                                                                           \
    X(TEMPLATE_WRAPPER, TEMPLATE, "a deployment or Blueprint artifact")                                                \
    X(WHAT_IF, WHAT_IF, "a what-if result")                                                                            \
    X(GRAPH_TABLE, GRAPH, "a Resource Graph table")                                                                    \
    X(TF_PLAN, TERRAFORM, "a Terraform plan")                                                                          \
    X(TF_STATE, TERRAFORM, "a Terraform state of `terraform show -json`")                                              \
    X(TF_RAW, TERRAFORM, "a terraform.tfstate")                                                                        \
    X(EFFECTIVE_LIST, EFFECTIVE, "effective security rules")                                                           \
    X(EFFECTIVE_NSG, EFFECTIVE, "effective security rules")                                                            \
    X(SECURITY_VIEW, EFFECTIVE, "a security group view")                                                               \
    X(NIC, NETWORK, "a network interface")                                                                             \
    X(PUBLIC_IP, NETWORK, "a public address")                                                                          \
    X(VNET, NETWORK, "a virtual network")                                                                              \
    X(SUBNET, NETWORK, "a subnet")                                                                                     \
    X(ADMIN_RULE, ADMIN, "a security admin rule")                                                                      \
    X(SCAN, FINDINGS, "findings of nsgflow")                                                                           \
    X(CLOUDSPLOIT, FINDINGS, "a CloudSploit result")                                                                   \
    X(CHECKOV, FINDINGS, "a Checkov report")                                                                           \
    X(SARIF, FINDINGS, "a SARIF log")                                                                                  \
    X(OCSF, FINDINGS, "an OCSF finding")                                                                               \
    X(FLOW_LOG, AUTO, "a flow log")                                                                                    \
    X(SERVICE_TAGS, AUTO, "a list of service tags")                                                                    \
    X(TF_FIXTURE, AUTO, "a pytest-terraform fixture")                                                                  \
    X(TF_OLD_STATE, AUTO, "a Terraform state of a version before 0.12")                                                \
    X(TF_SOURCE, AUTO, "Terraform source in JSON")                                                                     \
    X(PARAMETERS, AUTO, "a parameters file of a deployment")                                                           \
    X(REVIEW, AUTO, "a review of nsgflow")                                                                             \
    X(SOURCE_TEXT, AUTO, "not JSON")

enum nsf_kind {
#define NSF_KIND_ENUM(kind, shape, text) NSF_KIND_##kind,
    NSF_KIND_TABLE(NSF_KIND_ENUM)
#undef NSF_KIND_ENUM
    NSF_KIND_N,
};

enum nsf_kind nsf_kind_of(struct nsf_loader *loader, const struct nsf_json *value);
const char *nsf_kind_text(enum nsf_kind kind);
enum nsf_input_shape nsf_kind_shape(enum nsf_kind kind);
/* The sentence with which a file is refused whose parts are of this kind; NULL when it is one that can be read. */
const char *nsf_kind_refusal(enum nsf_kind kind);
/* The kind that a value is taken for when --input-shape says so and it is of no kind of that shape by itself. */
enum nsf_kind nsf_kind_forced(enum nsf_input_shape shape);

/* A text that does not begin like JSON: the sentence with which it is refused, or NULL. `name` is its path. */
const char *nsf_text_refusal(struct nsf_slice name, struct nsf_slice head);

#endif
