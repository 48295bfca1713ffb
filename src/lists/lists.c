#include "core/nsf_common.h"

#include "lists/lists.h"

#include "lists/providers.h"

#define HOME_BITS_V4 120 /* a /24, counted in 128 bits */
#define HOME_BITS_V6 48

void nsf_lists_init(struct nsf_lists *lists, bool has_starter)
{
    for (size_t i = 0; i < NSF_LIST_KINDS; i++)
        lists->of[i] = nsf_networks_new();
    if (has_starter)
        nsf_providers_add(lists->of[NSF_LIST_STARTER]);
}

void nsf_lists_release(struct nsf_lists *lists)
{
    for (size_t i = 0; i < NSF_LIST_KINDS; i++) {
        nsf_networks_free(lists->of[i]);
        lists->of[i] = NULL;
    }
}

nsf_result nsf_lists_load(struct nsf_lists *lists, enum nsf_list_kind kind, const char *path,
                          struct nsf_problems *problems, struct nsf_err *err)
{
    return nsf_networks_load(lists->of[kind], path, problems, err);
}

void nsf_lists_finish(struct nsf_lists *lists)
{
    for (size_t i = 0; i < NSF_LIST_KINDS; i++)
        nsf_networks_finish(lists->of[i]);
}

const struct nsf_listed *nsf_lists_sender(const struct nsf_lists *lists, struct nsf_ip ip,
                                          const struct nsf_networks **table)
{
    static const enum nsf_list_kind kinds[] = {NSF_LIST_SENDERS, NSF_LIST_STARTER};
    for (size_t i = 0; i < NSF_ARRAY_LEN(kinds); i++) {
        const struct nsf_listed *listed = nsf_networks_find(lists->of[kinds[i]], ip);
        if (listed == NULL)
            continue;
        *table = lists->of[kinds[i]];
        return listed;
    }
    return NULL;
}

/* Providers, /24s and /48s keep apart by the two highest bits; a /48 has 48 others. */
uint64_t nsf_lists_network(const struct nsf_lists *lists, struct nsf_ip ip, struct nsf_prefix *prefix)
{
    const struct nsf_networks *table;
    const struct nsf_listed *listed = nsf_lists_sender(lists, ip, &table);
    if (listed != NULL) {
        *prefix = listed->prefix;
        return UINT64_C(1) << 62 | (uint64_t)(table == lists->of[NSF_LIST_STARTER]) << 32 | listed->name_id;
    }
    *prefix = nsf_prefix_around(ip, nsf_ip_is_v4(ip) ? HOME_BITS_V4 : HOME_BITS_V6);
    return nsf_ip_is_v4(ip) ? nsf_ip_to_v4(ip) >> 8 : UINT64_C(1) << 63 | prefix->ip.hi >> 16;
}
