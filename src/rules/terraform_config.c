#include "core/nsf_common.h"

#include "rules/terraform_config.h"

#include "core/arena.h"

#define MODULE_DEPTH_MAX 32
#define MODULE_NAME_MAX_BYTES 256

static const struct nsf_slice module_word = {"module.", 7};

/* The bytes of `module.name` or `module.name["key"]` that the address begins with, and the name; 0: of none. A key may
 * hold dots and brackets. */
static size_t module_step(struct nsf_slice address, struct nsf_slice *name)
{
    if (!nsf_slice_has_prefix(address, module_word))
        return 0;
    size_t i = module_word.len;
    while (i < address.len && address.ptr[i] != '.' && address.ptr[i] != '[')
        i++;
    *name = nsf_slice(address.ptr + module_word.len, i - module_word.len);
    bool is_quoted = false;
    for (; i < address.len && (is_quoted || address.ptr[i] != '.'); i++) {
        is_quoted ^= address.ptr[i] == '"';
        i += is_quoted && address.ptr[i] == '\\';
    }
    return i < address.len ? i : 0;
}

/* The bytes of all the modules before the resource, with the dot behind them. */
static size_t modules_of(struct nsf_slice address)
{
    struct nsf_slice name;
    size_t n = 0;
    for (size_t step; (step = module_step(nsf_slice_from(address, n), &name)) > 0;)
        n += step + 1;
    return n;
}

struct nsf_slice nsf_tf_instance_key(struct nsf_slice address)
{
    struct nsf_slice own = nsf_slice_from(address, modules_of(address));
    size_t bracket = nsf_slice_find(own, '[');
    return bracket == own.len ? (struct nsf_slice){0} : nsf_slice_from(own, bracket);
}

const struct nsf_json *nsf_tf_configuration(const struct nsf_json *configuration, struct nsf_slice address)
{
    const struct nsf_json *module = nsf_json_get(configuration, "root_module");
    struct nsf_slice name;
    unsigned depth = 0;
    for (size_t step; (step = module_step(address, &name)) > 0; address = nsf_slice_from(address, step + 1)) {
        char text[MODULE_NAME_MAX_BYTES];
        snprintf(text, sizeof(text), "%.*s", NSF_SLICE_ARG(name));
        module = nsf_json_get(nsf_json_get(nsf_json_get(module, "module_calls"), text), "module");
        if (module == NULL || depth++ > MODULE_DEPTH_MAX)
            return NULL;
    }
    struct nsf_slice plain = nsf_slice(address.ptr, nsf_slice_find(address, '['));
    const struct nsf_json *resources = nsf_json_get(module, "resources");
    for (size_t i = 0; i < nsf_json_len(resources); i++) {
        const struct nsf_json *resource = nsf_json_item(resources, i);
        if (nsf_slice_eq(nsf_json_get_string(resource, "address"), plain))
            return resource;
    }
    return NULL;
}

/* "type.name" of "type.name.attribute", "type.name[0].id"; absent when the reference is to something else. */
static struct nsf_slice resource_of(struct nsf_slice reference, struct nsf_slice type)
{
    if (!nsf_slice_has_prefix(reference, type) || reference.len <= type.len + 1 || reference.ptr[type.len] != '.')
        return (struct nsf_slice){0};
    size_t i = type.len + 1;
    while (i < reference.len && reference.ptr[i] != '.' && reference.ptr[i] != '[')
        i++;
    return nsf_slice(reference.ptr, i);
}

struct nsf_slice nsf_tf_reference(struct nsf_arena *arena, const struct nsf_json *configuration,
                                  struct nsf_slice address, const char *argument, struct nsf_slice type)
{
    const struct nsf_json *resource = nsf_tf_configuration(configuration, address);
    const struct nsf_json *expression = nsf_json_get(nsf_json_get(resource, "expressions"), argument);
    const struct nsf_json *references = nsf_json_get(expression, "references");
    struct nsf_slice modules = nsf_slice(address.ptr, modules_of(address));
    for (size_t i = 0; i < nsf_json_len(references); i++) {
        struct nsf_slice found = resource_of(nsf_json_string(nsf_json_item(references, i)), type);
        if (found.len > 0)
            return nsf_slice_str(nsf_arena_printf(arena, "%.*s%.*s", NSF_SLICE_ARG(modules), NSF_SLICE_ARG(found)));
    }
    return (struct nsf_slice){0};
}
