/*
 * shapes.h - one loader a shape. Each takes a value that shape.h said is of its kind and gives what it holds.
 *
 * Internal to rules/.
 */
#ifndef NSF_SHAPES_H
#define NSF_SHAPES_H

#include "rules/loader.h"

/* read_nsg.c: az, ARM REST, Resource Graph, PowerShell */
void nsf_load_nsg(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_new_nsg(struct nsf_loader *loader, const struct nsf_json *value);

/* rule_row.c */
void nsf_load_rule(struct nsf_loader *loader, const struct nsf_json *value);

/* terraform.c */
void nsf_load_terraform_plan(struct nsf_loader *loader, const struct nsf_json *plan);
void nsf_load_terraform_state(struct nsf_loader *loader, const struct nsf_json *state);
void nsf_load_terraform_raw(struct nsf_loader *loader, const struct nsf_json *state);

/* azapi.c: the values of an azapi_resource. Of an NSG (of no interest: nothing is given); its id, which is a name only
 * while the real one is not known; of a rule, which is given with the id of its NSG. */
void nsf_load_azapi_nsg(struct nsf_loader *loader, const struct nsf_json *values, struct nsf_slice address);
struct nsf_slice nsf_azapi_nsg_id(struct nsf_loader *loader, const struct nsf_json *values, struct nsf_slice address,
                                  bool *is_guessed);
bool nsf_azapi_is_rule(const struct nsf_json *values);
void nsf_load_azapi_rule(struct nsf_loader *loader, const struct nsf_json *values, struct nsf_slice address,
                         struct nsf_slice nsg_id, bool is_guessed);

/* effective.c: one element, which leaves what belongs to the pair in loader->pair; then, at the end of what is
 * known of one interface, that interface */
void nsf_load_effective(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_effective_list(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_finish_effective(struct nsf_loader *loader);
void nsf_load_security_view(struct nsf_loader *loader, const struct nsf_json *value);

/* network.c */
void nsf_load_nic(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_public_ip(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_vnet(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_subnet(struct nsf_loader *loader, const struct nsf_json *value);

/* admin.c */
void nsf_load_admin_rule(struct nsf_loader *loader, const struct nsf_json *value);
/* The rules that a network manager has on an interface, out of its effective rules. */
void nsf_load_effective_admin_rules(struct nsf_loader *loader, const struct nsf_json *rules);

/* template.c */
void nsf_load_template(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_template_wrapper(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_what_if(struct nsf_loader *loader, const struct nsf_json *value);

/* findings.c */
void nsf_load_scan(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_cloudsploit(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_checkov(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_sarif(struct nsf_loader *loader, const struct nsf_json *value);
void nsf_load_ocsf(struct nsf_loader *loader, const struct nsf_json *value);

#endif
