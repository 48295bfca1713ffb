/*
 * nsf_test.h - what unit tests share: cmocka with the headers it wants, short forms, a folder of one's own.
 */
#ifndef NSF_TEST_H
#define NSF_TEST_H

#include "core/nsf_common.h"

#include "core/slice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A slice of a literal, or of any NUL-ended text. */
#define S(text) nsf_slice_str(text)

#define assert_slice_equal(slice, text)                                                                                \
    do {                                                                                                               \
        struct nsf_slice nsf_test_slice = (slice);                                                                     \
        assert_int_equal(nsf_test_slice.len, strlen(text));                                                            \
        assert_memory_equal(nsf_test_slice.ptr, (text), strlen(text));                                                 \
    } while (0)

/* A new folder, and its removal with all that is in it; the path is the caller's to free with free(). */
char *nsf_test_folder_new(void);
void nsf_test_folder_free(char *path);
/* "folder/name" in a buffer that the next call overwrites. */
const char *nsf_test_path(const char *folder, const char *name);
void nsf_test_write_file(const char *path, const void *ptr, size_t len);
/* The whole file, NUL-ended, to be freed with free(); *len may be NULL. */
char *nsf_test_read_file(const char *path, size_t *len);
/* How many entries a folder has, but . and .. */
size_t nsf_test_count_files(const char *folder);

/* Runs fn(arg) in a child process and returns its exit status, or 128 + the signal that ended it. Its stderr goes
 * nowhere. */
int nsf_test_status_of(void (*fn)(void *arg), void *arg);

/* xorshift64*, for tables of random cases that are the same each run. */
uint64_t nsf_test_random(uint64_t *state);

#endif
