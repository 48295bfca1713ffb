/* Files by the folder of those opened before: the same ones as by their paths, however these are alike and long. */
#include "core/nsf_common.h"

#include "source/near.h"

#include "core/limits.h"

#include "support/nsf_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEEP_LEVELS 20u
#define DEEP_NAME_BYTES 250u

static void write_text(int folder, const char *name, const char *text)
{
    const int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void assert_text(struct nsf_near *near, const char *path, const char *text)
{
    char got[64] = "";
    const int fd = nsf_near_open(near, nsf_slice_str(path));
    if (fd < 0)
        print_error("%s: %s\n", path, strerror(errno));
    assert_true(fd >= 0);
    assert_int_equal(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
    assert_string_equal(got, text);
    close(fd);
}

/* Every file of a tree, in orders that stay in a folder, leave it, come back, and go up and down. */
static void test_same_files(void **state)
{
    char *folder = nsf_test_folder_new();
    char path[PATH_MAX];
    const int top = open(folder, O_RDONLY | O_DIRECTORY);
    assert_true(top >= 0);
    for (unsigned i = 0; i < 27; i++) {
        snprintf(path, sizeof(path), "%u", i / 9);
        (void)mkdirat(top, path, 0700);
        snprintf(path, sizeof(path), "%u/%u", i / 9, i / 3 % 3);
        (void)mkdirat(top, path, 0700);
        snprintf(path, sizeof(path), "%u/%u/%u", i / 9, i / 3 % 3, i % 3);
        char text[8];
        snprintf(text, sizeof(text), "%u", i);
        write_text(top, path, text);
    }
    close(top);
    uint64_t random = 3;
    struct nsf_near near;
    nsf_near_init(&near);
    for (unsigned n = 0, at = 0; n < 3000; n++) {
        static const char *const joints[] = {"/", "//", "/./"};
        const bool is_near = nsf_test_random(&random) % 8 != 0;
        at = is_near ? at / 9 * 9 + (at + 1) % 9 : (unsigned)(nsf_test_random(&random) % 27);
        const char *joint = joints[nsf_test_random(&random) % 16 == 0 ? nsf_test_random(&random) % 3 : 0];
        snprintf(path, sizeof(path), "%s%s%u%s%u/%u", folder, joint, at / 9, joint, at / 3 % 3, at % 3);
        char text[8];
        snprintf(text, sizeof(text), "%u", at);
        assert_text(&near, path, text);
    }
    assert_true(near.folder >= 0);
    nsf_near_release(&near);
    nsf_test_folder_free(folder);
}

static void test_missing(void **state)
{
    char *folder = nsf_test_folder_new();
    struct nsf_near near;
    nsf_near_init(&near);
    for (unsigned i = 0; i < 8; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s/none/%u", folder, i);
        assert_int_equal(nsf_near_open(&near, nsf_slice_str(path)), -1);
        assert_int_equal(errno, ENOENT);
    }
    nsf_near_release(&near);
    nsf_test_folder_free(folder);
}

/* Longer than the system takes at once. */
static void test_long_path(void **state)
{
    static char path[NSF_PATH_MAX_BYTES + 64];
    char *folder = nsf_test_folder_new(), name[DEEP_NAME_BYTES + 1];
    int levels[DEEP_LEVELS + 1];
    size_t len = (size_t)snprintf(path, sizeof(path), "%s", folder);
    memset(name, 'x', DEEP_NAME_BYTES);
    name[DEEP_NAME_BYTES] = '\0';
    levels[0] = open(folder, O_RDONLY | O_DIRECTORY);
    for (unsigned i = 0; i < DEEP_LEVELS; i++) {
        assert_int_equal(mkdirat(levels[i], name, 0700), 0);
        levels[i + 1] = openat(levels[i], name, O_RDONLY | O_DIRECTORY);
        assert_true(levels[i + 1] >= 0);
        len += (size_t)snprintf(path + len, sizeof(path) - len, "/%s", name);
    }
    assert_true(len > PATH_MAX);
    struct nsf_near near;
    nsf_near_init(&near);
    for (unsigned i = 0; i < 6; i++) {
        char last[8];
        snprintf(last, sizeof(last), "%u", i);
        write_text(levels[DEEP_LEVELS], last, last);
        snprintf(path + len, sizeof(path) - len, "/%s", last);
        assert_text(NULL, path, last);
        assert_text(&near, path, last);
        assert_int_equal(unlinkat(levels[DEEP_LEVELS], last, 0), 0);
    }
    memset(path + len, 'y', NSF_PATH_MAX_BYTES + 1 - len);
    path[NSF_PATH_MAX_BYTES + 1] = '\0';
    assert_int_equal(nsf_near_open(&near, nsf_slice_str(path)), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    /* no slash to make a step at */
    memset(path, 'y', PATH_MAX + 100);
    assert_int_equal(nsf_near_open(NULL, nsf_slice(path, PATH_MAX + 100)), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    nsf_near_release(&near);
    for (unsigned i = DEEP_LEVELS; i-- > 0;) {
        close(levels[i + 1]);
        assert_int_equal(unlinkat(levels[i], name, AT_REMOVEDIR), 0);
    }
    close(levels[0]);
    nsf_test_folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_files),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_long_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
