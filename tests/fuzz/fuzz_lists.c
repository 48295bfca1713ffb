#include "core/nsf_common.h"

#include "lists/networks.h"

#include "core/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nsf_networks *table_of(struct nsf_slice bytes, struct nsf_problems *problems)
{
    struct nsf_networks *networks = nsf_networks_new();
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result r = nsf_networks_read(networks, bytes, NSF_SLICE_LIT("list"), problems, &err);
    if (nsf_failed(r) && (err.code == NSF_E_NONE || nsf_networks_count(networks) != 0))
        abort();
    nsf_networks_finish(networks);
    return networks;
}

/* What a list holds is found again at both ends of each prefix, by an entry at least as narrow. */
static void look_up(const struct nsf_networks *networks, struct nsf_ip ip)
{
    const struct nsf_listed *listed = nsf_networks_find(networks, ip);
    if (listed == NULL)
        return;
    const struct nsf_listed *first = nsf_networks_find(networks, nsf_prefix_first(listed->prefix));
    const struct nsf_listed *last = nsf_networks_find(networks, nsf_prefix_last(listed->prefix));
    if (!nsf_prefix_contains(listed->prefix, ip) || first == NULL || last == NULL)
        abort();
    if (first->prefix.bits < listed->prefix.bits || last->prefix.bits < listed->prefix.bits)
        abort();
    if (!nsf_networks_touches(networks, listed->prefix))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nsf_slice bytes = nsf_slice((const char *)data, size);
    struct nsf_problems problems;
    nsf_problems_init(&problems);
    struct nsf_networks *networks = table_of(bytes, &problems);
    for (size_t i = 0; i + 4 <= size; i += 4) {
        uint32_t v4 = (uint32_t)data[i] << 24 | (uint32_t)data[i + 1] << 16 | (uint32_t)data[i + 2] << 8 | data[i + 3];
        look_up(networks, nsf_ip_from_v4(v4));
        look_up(networks, (struct nsf_ip){(uint64_t)v4 << 32, v4});
    }
    nsf_networks_free(networks);
    nsf_problems_release(&problems);
    return 0;
}
