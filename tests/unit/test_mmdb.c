#include "core/nsf_common.h"

#include "lists/mmdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

/* A database of one node: addresses whose first bit is 0 have an entry. A field is a control byte (type in the upper
 * three bits, size in the lower five) and its bytes; maps have their number of pairs as size. */
#define MAP(n) (char)(7 << 5 | (n))

static size_t put(char *to, size_t at, const void *bytes, size_t len)
{
    memcpy(to + at, bytes, len);
    return at + len;
}

static size_t put_text(char *to, size_t at, const char *text)
{
    size_t len = strlen(text);
    to[at++] = (char)(2 << 5 | (len < 29 ? (int)len : 29));
    if (len >= 29) /* the size goes on in a byte of its own */
        to[at++] = (char)(len - 29);
    return put(to, at, text, len);
}

/* type 5 is a 16-bit number, 6 a 32-bit one */
static size_t put_number(char *to, size_t at, int type, uint32_t value)
{
    char bytes[5] = {(char)(type << 5 | 4), (char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value};
    if (type == 5) {
        char small[3] = {(char)(type << 5 | 2), (char)(value >> 8), (char)value};
        return put(to, at, small, sizeof(small));
    }
    return put(to, at, bytes, sizeof(bytes));
}

static size_t make_database(char *to)
{
    static const char tree[6] = {0, 0, 17, 0, 0, 1}; /* left: the data section's first byte; right: nothing */
    size_t at = put(to, 0, tree, sizeof(tree));
    memset(to + at, 0, 16);
    at += 16;
    to[at++] = MAP(3);
    at = put_text(to, at, "country");
    to[at++] = MAP(1);
    at = put_text(to, at, "iso_code");
    at = put_text(to, at, "DE");
    at = put_text(to, at, "autonomous_system_number");
    at = put_number(to, at, 6, 64500);
    at = put_text(to, at, "autonomous_system_organization");
    at = put_text(to, at, "Example Networks");
    at = put(to, at, "\xab\xcd\xefMaxMind.com", 14);
    to[at++] = MAP(9);
    at = put_text(to, at, "languages");
    at = put(to, at, "\x00\x04", 2); /* extended type 11: an empty array */
    at = put_text(to, at, "node_count");
    at = put_number(to, at, 6, 1);
    at = put_text(to, at, "record_size");
    at = put_number(to, at, 5, 24);
    at = put_text(to, at, "ip_version");
    at = put_number(to, at, 5, 4);
    at = put_text(to, at, "database_type");
    at = put_text(to, at, "Test");
    at = put_text(to, at, "binary_format_major_version");
    at = put_number(to, at, 5, 2);
    at = put_text(to, at, "binary_format_minor_version");
    at = put_number(to, at, 5, 0);
    at = put_text(to, at, "build_epoch");
    at = put(to, at, "\x08\x02\x00\x00\x00\x00\x60\x00\x00\x00", 10); /* extended type 9: a 64-bit number */
    at = put_text(to, at, "description");
    to[at++] = MAP(0);
    return at;
}

static char folder[] = "/tmp/nsgflow-mmdb-XXXXXX";

static struct nsf_mmdb *open_bytes(const char *bytes, size_t len, struct nsf_err *err)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/test.mmdb", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    struct nsf_mmdb *mmdb = nsf_mmdb_open(path, err);
    unlink(path);
    return mmdb;
}

static void tells_country_and_owner(void **state)
{
    char bytes[512];
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_mmdb *mmdb = open_bytes(bytes, make_database(bytes), &err);
    if (mmdb == NULL)
        fail_msg("%s", err.text);
    struct nsf_mmdb_entry entry = {.country = "", .owner = "", .as_number = 0};
    nsf_mmdb_find(mmdb, nsf_ip_from_v4(0x05060708), &entry);
    assert_string_equal(entry.country, "DE");
    assert_string_equal(entry.owner, "Example Networks");
    assert_int_equal(entry.as_number, 64500);
    struct nsf_mmdb_entry untouched = {.country = "FR", .owner = "x", .as_number = 1};
    nsf_mmdb_find(mmdb, nsf_ip_from_v4(0xc0000201), &untouched);
    nsf_mmdb_find(mmdb, (struct nsf_ip){UINT64_C(0x2a00) << 48, 1}, &untouched);
    assert_string_equal(untouched.country, "FR");
    assert_int_equal(untouched.as_number, 1);
    nsf_mmdb_close(mmdb);
    nsf_mmdb_close(NULL);
}

static void what_is_no_database_is_refused(void **state)
{
    struct nsf_err err = NSF_ERR_INIT;
    assert_null(nsf_mmdb_open("no/such/file.mmdb", &err));
    assert_int_equal(err.code, NSF_E_LIST);
    assert_string_equal(err.subject, "no/such/file.mmdb");
    err = (struct nsf_err)NSF_ERR_INIT;
    assert_null(open_bytes("203.0.113.0/24\n", 15, &err));
    assert_int_equal(err.code, NSF_E_LIST);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_country_and_owner),
        cmocka_unit_test(what_is_no_database_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
