/*
 * terraform_config.h - the `configuration` of a plan: what was written, where the planned values say only that
 * something is known after apply.
 *
 * Internal to rules/. Addresses as in planned values: module.m["k"].azurerm_network_security_group.n[0]
 */
#ifndef NSF_TERRAFORM_CONFIG_H
#define NSF_TERRAFORM_CONFIG_H

#include "core/json_dom.h"

/* What the configuration says of the resource; NULL when it has none. */
const struct nsf_json *nsf_tf_configuration(const struct nsf_json *configuration, struct nsf_slice address);
/* The address, in the module of `address` and without an instance key, of the first resource of this type that the
 * argument refers to; absent when it refers to none. In the arena. */
struct nsf_slice nsf_tf_reference(struct nsf_arena *arena, const struct nsf_json *configuration,
                                  struct nsf_slice address, const char *argument, struct nsf_slice type);
/* The instance key with its brackets, or absent. */
struct nsf_slice nsf_tf_instance_key(struct nsf_slice address);

#endif
