/*
 * arm_values.h - arguments and results of template functions, shared by the files that hold them. Internal to rules/.
 */
#ifndef NSF_ARM_VALUES_H
#define NSF_ARM_VALUES_H

#include "rules/arm_expr.h"

/* NULL: unresolved. */
typedef const struct nsf_json *nsf_arm_value;
typedef nsf_arm_value nsf_arm_function(const struct nsf_arm_call *call);

struct nsf_arm_function_entry {
    const char *name;
    nsf_arm_function *run;
};

/* Each ends with a NULL name. */
extern const struct nsf_arm_function_entry nsf_arm_text_functions[];
extern const struct nsf_arm_function_entry nsf_arm_list_functions[];

/* The forms that end in _arg evaluate an argument; false: it is unresolved or of another type. as_text takes texts,
 * numbers and booleans. */
nsf_arm_value nsf_arm_text_of(const struct nsf_arm_call *call, struct nsf_slice text);
nsf_arm_value nsf_arm_bool_of(const struct nsf_arm_call *call, bool boolean);
nsf_arm_value nsf_arm_int_of(const struct nsf_arm_call *call, int64_t number);
bool nsf_arm_as_text(nsf_arm_value v, struct nsf_slice *text);
bool nsf_arm_text_arg(const struct nsf_arm_call *call, size_t idx, struct nsf_slice *text);
bool nsf_arm_int_arg(const struct nsf_arm_call *call, size_t idx, int64_t *number);
bool nsf_arm_bool_arg(const struct nsf_arm_call *call, size_t idx, bool *boolean);
bool nsf_arm_are_equal(nsf_arm_value a, nsf_arm_value b);
nsf_arm_value nsf_arm_make_map(const struct nsf_arm_call *call, const struct nsf_json_member *members, size_t n);
struct nsf_json_member nsf_arm_text_member(const struct nsf_arm_call *call, const char *key, struct nsf_slice text);

#endif
