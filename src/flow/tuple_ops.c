#include "core/nsf_common.h"

#include "flow/tuple_ops.h"

#include "core/mem.h"
#include "flow/tuple_vector.h"

static const struct nsf_tuple_ops portable = {
    .name = "portable",
    .skim = nsf_skim,
    .take_array = nsf_tuple_take_array,
};

static bool can_run(const struct nsf_tuple_ops *ops)
{
#ifdef NSF_TUPLE_X86
    bool has_bits = __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (ops == &nsf_tuple_ops_avx2)
        return has_bits && __builtin_cpu_supports("avx2");
    bool has_avx512 = has_bits && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    if (ops == &nsf_tuple_ops_avx512)
        return has_avx512;
    if (ops == &nsf_tuple_ops_avx512vbmi)
        return has_avx512 && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
               __builtin_cpu_supports("avx512vnni");
#endif
#ifdef NSF_TUPLE_NEON
    if (ops == &nsf_tuple_ops_neon)
        return true; /* every such processor has it */
#endif
    return ops == &portable;
}

/* The best first. */
static const struct nsf_tuple_ops *const variants[] = {
#ifdef NSF_TUPLE_X86
    &nsf_tuple_ops_avx512vbmi,
    &nsf_tuple_ops_avx512,
    &nsf_tuple_ops_avx2,
#endif
#ifdef NSF_TUPLE_NEON
    &nsf_tuple_ops_neon,
#endif
    &portable,
};

const struct nsf_tuple_ops *nsf_tuple_ops_named(const char *name)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(variants); i++)
        if (strcmp(variants[i]->name, name) == 0)
            return can_run(variants[i]) ? variants[i] : NULL;
    return NULL;
}

const struct nsf_tuple_ops *nsf_tuple_ops_best(void)
{
    const char *wanted = getenv("NSGFLOW_VARIANT");
    const struct nsf_tuple_ops *named = wanted == NULL ? NULL : nsf_tuple_ops_named(wanted);
    for (size_t i = 0; i < NSF_ARRAY_LEN(variants) && named == NULL; i++)
        if (can_run(variants[i]))
            named = variants[i];
    return named;
}

void nsf_tuple_marks_release(struct nsf_tuple_marks *marks)
{
    nsf_free(marks->at);
    nsf_free(marks->are);
    *marks = (struct nsf_tuple_marks){0};
}
