#include "core/nsf_common.h"

#include "lists/mmdb.h"

#include "core/mem.h"

#include <arpa/inet.h>
#include <maxminddb.h>
#include <netinet/in.h>

struct nsf_mmdb {
    MMDB_s db;
};

struct nsf_mmdb *nsf_mmdb_open(const char *path, struct nsf_err *err)
{
    struct nsf_mmdb *mmdb = nsf_calloc(1, sizeof(*mmdb));
    int status = MMDB_open(path, MMDB_MODE_MMAP, &mmdb->db);
    if (status == MMDB_SUCCESS)
        return mmdb;
    nsf_result r = NSF_FAIL(err, NSF_E_LIST, NSF_OFFSET_NONE, "it cannot be used as a MaxMind database: %s",
                            MMDB_strerror(status));
    (void)r;
    nsf_err_set_subject(err, path);
    nsf_free(mmdb);
    return NULL;
}

void nsf_mmdb_close(struct nsf_mmdb *mmdb)
{
    if (mmdb == NULL)
        return;
    MMDB_close(&mmdb->db);
    nsf_free(mmdb);
}

static void put_be64(uint8_t *to, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (56 - 8 * i));
}

static MMDB_lookup_result_s look_up(const MMDB_s *db, struct nsf_ip ip)
{
    int error = MMDB_SUCCESS;
    MMDB_lookup_result_s none = {.found_entry = false}, found;
    if (nsf_ip_is_v4(ip)) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(nsf_ip_to_v4(ip))};
        found = MMDB_lookup_sockaddr(db, (const struct sockaddr *)(const void *)&v4, &error);
    } else {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        put_be64(v6.sin6_addr.s6_addr, ip.hi);
        put_be64(v6.sin6_addr.s6_addr + 8, ip.lo);
        found = MMDB_lookup_sockaddr(db, (const struct sockaddr *)(const void *)&v6, &error);
    }
    return error == MMDB_SUCCESS ? found : none;
}

/* Texts in the database are not NUL-ended. */
static void take_text(char *to, size_t size, const MMDB_entry_data_s *data)
{
    if (!data->has_data || data->type != MMDB_DATA_TYPE_UTF8_STRING)
        return;
    size_t len = data->data_size < size - 1 ? data->data_size : size - 1;
    memcpy(to, data->utf8_string, len);
    to[len] = '\0';
}

void nsf_mmdb_find(const struct nsf_mmdb *mmdb, struct nsf_ip ip, struct nsf_mmdb_entry *entry)
{
    static const char *const country[] = {"country", "iso_code", NULL};
    static const char *const owner[] = {"autonomous_system_organization", NULL};
    static const char *const number[] = {"autonomous_system_number", NULL};
    MMDB_lookup_result_s found = look_up(&mmdb->db, ip);
    MMDB_entry_data_s data;
    if (!found.found_entry)
        return;
    if (MMDB_aget_value(&found.entry, &data, country) == MMDB_SUCCESS)
        take_text(entry->country, sizeof(entry->country), &data);
    if (MMDB_aget_value(&found.entry, &data, owner) == MMDB_SUCCESS)
        take_text(entry->owner, sizeof(entry->owner), &data);
    if (MMDB_aget_value(&found.entry, &data, number) == MMDB_SUCCESS && data.has_data &&
        data.type == MMDB_DATA_TYPE_UINT32)
        entry->as_number = data.uint32;
}
