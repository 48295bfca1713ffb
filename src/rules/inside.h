/*
 * inside.h - network security groups inside JSON of no known form: what scripts, inventories, recorded answers and
 * other tools put around them.
 *
 * Internal to rules/.
 */
#ifndef NSF_INSIDE_H
#define NSF_INSIDE_H

#include "rules/shape.h"

typedef void nsf_inside_fn(struct nsf_loader *loader, const struct nsf_json *value, enum nsf_kind kind);

/* Calls `load` for every group, rule with an id, effective list, template and Terraform document below the value, in
 * the order of the text, and not for what lies inside those. `is_root`: the value is the whole document. Returns how
 * many. */
size_t nsf_find_inside(struct nsf_loader *loader, const struct nsf_json *value, bool is_root, nsf_inside_fn *load);

#endif
