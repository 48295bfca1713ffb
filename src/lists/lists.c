#include "core/nsf_common.h"

#include "lists/lists.h"

#include "lists/providers.h"

#define HOME_BITS_V4 120 /* a /24, counted in 128 bits */
#define HOME_BITS_V6 48

void nsf_lists_init(struct nsf_lists *lists, bool has_starter)
{
    lists->n_mmdb = 0;
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
    for (size_t i = 0; i < lists->n_mmdb; i++)
        nsf_mmdb_close(lists->mmdb[i]);
    lists->n_mmdb = 0;
}

nsf_result nsf_lists_open_mmdb(struct nsf_lists *lists, const char *path, struct nsf_err *err)
{
    if (lists->n_mmdb == NSF_LISTS_MMDB_MAX)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "at most %d MaxMind databases can be given",
                        NSF_LISTS_MMDB_MAX);
    struct nsf_mmdb *mmdb = nsf_mmdb_open(path, err);
    if (mmdb == NULL)
        return (nsf_result){.failed = true};
    lists->mmdb[lists->n_mmdb++] = mmdb;
    return nsf_ok();
}

const char *nsf_lists_owner(const struct nsf_lists *lists, struct nsf_ip ip, char buf[NSF_LISTS_OWNER_BYTES])
{
    struct nsf_mmdb_entry entry = {.country = "", .owner = "", .as_number = 0};
    char number[16] = "";
    for (size_t i = 0; i < lists->n_mmdb; i++)
        nsf_mmdb_find(lists->mmdb[i], ip, &entry);
    if (entry.as_number != 0)
        snprintf(number, sizeof(number), "AS%u", entry.as_number);
    bool has_network = number[0] != '\0' || entry.owner[0] != '\0';
    snprintf(buf, NSF_LISTS_OWNER_BYTES, "%s%s%s%s%s", number, number[0] != '\0' && entry.owner[0] != '\0' ? " " : "",
             entry.owner, has_network && entry.country[0] != '\0' ? ", " : "", entry.country);
    return buf[0] == '\0' ? NULL : buf;
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
struct nsf_lists_place nsf_lists_place_of(const struct nsf_lists *lists, struct nsf_ip ip)
{
    struct nsf_lists_place place = {.table = NULL};
    place.sender = nsf_lists_sender(lists, ip, &place.table);
    if (place.sender != NULL) {
        place.network = place.sender->prefix;
        place.network_id =
            UINT64_C(1) << 62 | (uint64_t)(place.table == lists->of[NSF_LIST_STARTER]) << 32 | place.sender->name_id;
        return place;
    }
    place.network = nsf_prefix_around(ip, nsf_ip_is_v4(ip) ? HOME_BITS_V4 : HOME_BITS_V6);
    place.network_id = nsf_ip_is_v4(ip) ? nsf_ip_to_v4(ip) >> 8 : UINT64_C(1) << 63 | place.network.ip.hi >> 16;
    return place;
}

uint64_t nsf_lists_network(const struct nsf_lists *lists, struct nsf_ip ip, struct nsf_prefix *prefix)
{
    struct nsf_lists_place place = nsf_lists_place_of(lists, ip);
    *prefix = place.network;
    return place.network_id;
}
