#include "core/nsf_common.h"

#include "cli/rules_input.h"

#include "core/buf.h"
#include "core/mem.h"

void nsf_rules_run_init(struct nsf_rules_run *run)
{
    *run = (struct nsf_rules_run){0};
    nsf_arena_init(&run->files);
    nsf_problems_init(&run->problems);
}

void nsf_rules_run_release(struct nsf_rules_run *run)
{
    nsf_networks_free(run->service_tags);
    nsf_problems_release(&run->problems);
    nsf_arena_release(&run->files);
}

static bool find_tag(void *ctx, struct nsf_slice tag, const struct nsf_prefix **prefixes, size_t *n)
{
    *n = nsf_networks_named(ctx, tag, prefixes);
    return *n > 0;
}

nsf_result nsf_rules_run_settings(struct nsf_rules_run *run, const struct nsf_options *options,
                                  struct nsf_exposure_settings *settings, struct nsf_err *err)
{
    settings->partial_ipv4 = options->partial_ipv4;
    settings->partial_ipv6_bits = (unsigned)options->partial_ipv6_bits;
    if (options->service_tags.n == 0)
        return nsf_ok();
    run->service_tags = nsf_networks_new();
    for (size_t i = 0; i < options->service_tags.n; i++) {
        nsf_result r = nsf_networks_load(run->service_tags, options->service_tags.items[i], &run->problems, err);
        if (nsf_failed(r)) {
            nsf_err_set_subject(err, options->service_tags.items[i]);
            return r;
        }
    }
    nsf_networks_finish(run->service_tags);
    settings->tags = (struct nsf_tag_lookup){run->service_tags, find_tag};
    return nsf_ok();
}

static nsf_result read_shape(const struct nsf_options *options, enum nsf_input_shape *shape, struct nsf_err *err)
{
    *shape = NSF_INPUT_SHAPE_AUTO;
    if (options->input_shape == NULL || nsf_input_shape_parse(nsf_slice_str(options->input_shape), shape))
        return nsf_ok();
    struct nsf_buf names;
    nsf_buf_init(&names, 4096);
    for (int i = 0; i < NSF_INPUT_SHAPE_N; i++) {
        nsf_buf_add_str(&names, i > 0 ? ", " : "");
        nsf_buf_add_str(&names, nsf_input_shape_name((enum nsf_input_shape)i));
    }
    nsf_result r = NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--input-shape: unknown word %s; it takes %s",
                            options->input_shape, nsf_buf_str(&names));
    nsf_buf_release(&names);
    return r;
}

nsf_result nsf_rules_run_load(struct nsf_rules_run *run, const struct nsf_options *options,
                              const struct nsf_rules_sinks *sinks, struct nsf_err *err)
{
    size_t n_operands = options->command == NSF_COMMAND_SCAN ? options->operands.n : 0;
    size_t n = options->rules.n + n_operands;
    struct nsf_rules_input *inputs = nsf_calloc(n, sizeof(*inputs));
    struct nsf_rules_options how = {.inputs = inputs, .n_inputs = n};
    for (size_t i = 0; i < n; i++) {
        bool is_operand = i >= options->rules.n;
        inputs[i].path = is_operand ? options->operands.items[i - options->rules.n] : options->rules.items[i];
        inputs[i].fd = -1;
    }
    nsf_result r = read_shape(options, &how.shape, err);
    if (!nsf_failed(r))
        r = nsf_rules_load(&how, sinks, &run->files, &run->problems, &run->summary, err);
    nsf_problems_finish(&run->problems);
    nsf_free(inputs);
    return r;
}

bool nsf_options_wants_nsg(const struct nsf_options *options, struct nsf_slice id, struct nsf_slice name)
{
    for (size_t i = 0; i < options->nsg.n; i++) {
        struct nsf_slice wanted = nsf_slice_str(options->nsg.items[i]);
        if (nsf_slice_eq_nocase(wanted, id) || nsf_slice_eq_nocase(wanted, name))
            return true;
    }
    return options->nsg.n == 0;
}

struct nsf_slices nsf_options_slices(const struct nsf_text_list *list)
{
    struct nsf_slices slices = {nsf_calloc(list->n, sizeof(*slices.items)), list->n};
    for (size_t i = 0; i < list->n; i++)
        slices.items[i] = nsf_slice_str(list->items[i]);
    return slices;
}
