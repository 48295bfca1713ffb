#include "core/nsf_common.h"

#include "core/real_path.h"

#include "support/nsf_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/nsf-real-path-XXXXXX";

static int enter_folder(void **state)
{
    if (mkdtemp(folder) == NULL || chdir(folder) != 0 || mkdir("a", 0700) != 0 || mkdir("a/b", 0700) != 0)
        return -1;
    static const char *const files[] = {"a/b/log", "a/b/log (deleted)", "a/line\nend \xff"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(files); i++) {
        int fd = open(files[i], O_CREAT | O_WRONLY, 0600);
        if (fd < 0 || close(fd) != 0)
            return -1;
    }
    return symlink("a/b", "to_folder") | symlink("../b/log", "a/b/to_log") | symlink("nowhere", "to_nothing") |
           symlink("round", "round") | mkfifo("a/pipe", 0600) | link("a/b/log", "a/other_name");
}

static int leave_folder(void **state)
{
    static const char *const names[] = {
        "a/b/log", "a/b/log (deleted)", "a/line\nend \xff", "to_folder", "a/b/to_log", "to_nothing", "round",
        "a/pipe",  "a/other_name"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(names); i++)
        unlink(names[i]);
    return rmdir("a/b") | rmdir("a") | chdir("/") | rmdir(folder);
}

/* What realpath says, whatever the path is like. */
static void check(const char *path)
{
    char ours[PATH_MAX], theirs[PATH_MAX];
    errno = 0;
    bool is_there = realpath(path, theirs) != NULL;
    int why = errno;
    errno = 0;
    if (nsf_real_path(path, ours) != is_there)
        fail_msg("%s", path);
    if (is_there)
        assert_string_equal(ours, theirs);
    else
        assert_int_equal(errno, why);
}

static void test_as_realpath(void **state)
{
    static const char *const paths[] = {
        ".",
        "a",
        "a/b/log",
        "./a//b/../b/./log",
        "to_folder/log",
        "a/b/to_log",
        "to_folder/to_log",
        "a/pipe",
        "a/b/log (deleted)",
        "a/line\nend \xff",
        "a/other_name",
        "to_nothing",
        "round",
        "a/b/log/under",
        "nowhere",
        "",
        "/",
        "/dev/null",
        "a/b/",
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(paths); i++)
        check(paths[i]);
}

/* A name that would be cut off. */
static void test_too_long(void **state)
{
    static char path[2 * PATH_MAX];
    for (size_t i = 0; i + 2 < sizeof(path); i += 2)
        memcpy(path + i, "./", 2);
    check(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_realpath),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
