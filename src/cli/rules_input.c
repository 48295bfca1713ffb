#include "core/nsf_common.h"

#include "cli/rules_input.h"

#include "cli/cli.h"
#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"

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

static void add_texts(struct nsf_slices *slices, const struct nsf_text_list *list)
{
    slices->items = nsf_realloc_array(slices->items, slices->n + list->n, sizeof(*slices->items));
    for (size_t i = 0; i < list->n; i++)
        slices->items[slices->n++] = nsf_slice_str(list->items[i]);
}

struct inputs {
    struct nsf_rules_input *items;
    size_t n;
    size_t capacity;
};

static void add_input(struct inputs *inputs, const char *path, int fd)
{
    NSF_GROW(inputs->items, inputs->capacity, inputs->n + 1);
    inputs->items[inputs->n++] = (struct nsf_rules_input){.path = path, .fd = fd};
}

/* Blobs are fetched whole first: loaders may read a document twice. */
static nsf_result add_location(struct inputs *inputs, struct nsf_locations *locations, const char *location,
                               struct nsf_err *err)
{
    if (!nsf_locations_is_remote(location)) {
        add_input(inputs, location, -1);
        return nsf_ok();
    }
    const struct nsf_fetched *files;
    size_t n_files;
    nsf_result r = nsf_locations_fetch(locations, location, NSF_RULES_DOCUMENT_MAX_BYTES, &files, &n_files, err);
    for (size_t i = 0; i < n_files && !nsf_failed(r); i++)
        add_input(inputs, files[i].name, files[i].fd);
    return r;
}

static nsf_result read_inputs(const struct nsf_options *options, struct nsf_locations *locations,
                              struct nsf_rules_options *rules, struct nsf_err *err)
{
    size_t n_operands = options->command == NSF_COMMAND_SCAN ? options->operands.n : 0;
    struct inputs inputs = {0};
    nsf_result r = nsf_ok();
    for (size_t i = 0; i < options->rules.n + n_operands && !nsf_failed(r); i++) {
        bool is_operand = i >= options->rules.n;
        r = add_location(&inputs, locations,
                         is_operand ? options->operands.items[i - options->rules.n] : options->rules.items[i], err);
    }
    rules->inputs = inputs.items;
    rules->n_inputs = inputs.n;
    return r;
}

nsf_result nsf_cli_rules_request(const struct nsf_options *options, struct nsf_locations *locations,
                                 struct nsf_rules_scan_request *request, struct nsf_err *err)
{
    *request = (struct nsf_rules_scan_request){.exposure = NSF_EXPOSURE_SETTINGS_INIT};
    /* A review joins logs against all NSGs: what is narrowed there is the logs. */
    if (options->command != NSF_COMMAND_REVIEW)
        add_texts(&request->only_nsgs, &options->nsg);
    if (options->command == NSF_COMMAND_EXPLAIN)
        add_texts(&request->only_nsgs, &options->operands);
    if (options->command == NSF_COMMAND_SCAN)
        add_texts(&request->only_rules, &options->rule);
    request->service_tags = options->service_tags.items;
    request->n_service_tags = options->service_tags.n;
    request->exceptions = options->exceptions.items;
    request->n_exceptions = options->exceptions.n;
    request->exposure.partial_ipv4 = options->partial_ipv4;
    request->exposure.partial_ipv6_bits = (unsigned)options->partial_ipv6_bits;
    request->exposure.port = options->ports[0];
    request->more_ports = options->ports + 1;
    request->n_more_ports = options->n_ports - 1;
    nsf_result r = read_shape(options, &request->rules.shape, err);
    return nsf_failed(r) ? r : read_inputs(options, locations, &request->rules, err);
}

void nsf_cli_rules_request_release(struct nsf_rules_scan_request *request)
{
    nsf_free((void *)(uintptr_t)request->rules.inputs); /* const for those who read it, ours to free */
    nsf_free(request->only_nsgs.items);
    nsf_free(request->only_rules.items);
    *request = (struct nsf_rules_scan_request){0};
}

static bool is_known(const struct nsf_scan *scan, struct nsf_slice name)
{
    for (size_t i = 0; i < scan->n_nsgs; i++)
        if (nsf_slice_eq_nocase(scan->nsgs[i].name, name) || nsf_slice_eq_nocase(scan->nsgs[i].id, name))
            return true;
    return false;
}

void nsf_cli_say_unknown_nsgs(const struct nsf_options *options, const struct nsf_scan *scan)
{
    for (size_t i = 0; i < options->nsg.n && !options->is_quiet; i++)
        if (!is_known(scan, nsf_slice_str(options->nsg.items[i])))
            nsf_cli_say("--nsg %s: no network security group of that name or id", options->nsg.items[i]);
}
