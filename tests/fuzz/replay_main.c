/*
 * A main() for a fuzz target without libFuzzer: runs the corpus, so that old finds stay fixed, with any
 * compiler and sanitizer. usage: replay CORPUS_FOLDER_OR_FILE...
 *
 * Runs the empty input, each file, and each file cut short: small files at every byte, larger ones at evenly
 * spread places. Every input lies in a heap block of exactly its size, for AddressSanitizer to see a read one
 * byte too far. The input that ends the process is named on stderr. Ends with "N passed, N failed", counting
 * files; a corpus that is missing or empty is a failure, since nothing would be tested.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Present in sanitized builds only. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

#define CUT_EVERY_BYTE_MAX 1024 /* up to this size every truncation runs: n^2/2 bytes, half a megabyte */
#define CUTS_OF_LARGER 64       /* larger files: this many cuts */
#define CORPUS_FILE_MAX (8 * 1024 * 1024)

static char current_input[4096]; /* what runs now; the signal handler writes it */
static unsigned n_passed, n_failed;

static void say_current(void)
{
    /* Only write(2): this may run inside a signal handler. */
    ssize_t ignored = write(STDERR_FILENO, "replay: ended by ", 17);
    ignored = write(STDERR_FILENO, current_input, strlen(current_input));
    ignored = write(STDERR_FILENO, "\n", 1);
    (void)ignored;
}

static void on_signal(int number)
{
    say_current();
    signal(number, SIG_DFL);
    raise(number);
}

static void run_one(const char *name, const uint8_t *data, size_t size, size_t whole)
{
    snprintf(current_input, sizeof(current_input), "%s, the first %zu of %zu bytes", name, size, whole);
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) {
        fprintf(stderr, "replay: out of memory\n");
        exit(1);
    }
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(CORPUS_FILE_MAX);
    if (!file || !data) {
        fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
        n_failed++;
        goto out;
    }
    size_t size = fread(data, 1, CORPUS_FILE_MAX, file);
    if (ferror(file) || !feof(file)) {
        fprintf(stderr, "replay: %s: cannot be read, or is larger than %d bytes\n", path, CORPUS_FILE_MAX);
        n_failed++;
        goto out;
    }
    run_one(path, data, size, size);
    size_t n_cuts = size <= CUT_EVERY_BYTE_MAX ? size : CUTS_OF_LARGER;
    for (size_t cut_idx = 0; cut_idx < n_cuts; cut_idx++)
        run_one(path, data, size * cut_idx / n_cuts, size);
    n_passed++;
out:
    free(data);
    if (file)
        fclose(file);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
        n_failed++;
        return;
    }
    if (!S_ISDIR(status.st_mode)) {
        run_file(path);
        return;
    }
    struct dirent **entries = NULL;
    int n_entries = scandir(path, &entries, is_visible, alphasort);
    if (n_entries <= 0) {
        fprintf(stderr, "replay: %s: no corpus\n", path);
        n_failed++;
    }
    for (int i = 0; i < n_entries; i++) {
        char child[4096];
        snprintf(child, sizeof(child), "%s/%s", path, entries[i]->d_name);
        run_path(child);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(say_current);
    } else {
        signal(SIGSEGV, on_signal);
        signal(SIGBUS, on_signal);
        signal(SIGFPE, on_signal);
    }
    signal(SIGABRT, on_signal);
    if (argc < 2) {
        fprintf(stderr, "usage: replay CORPUS...\n");
        return 2;
    }
    run_one("the empty input", NULL, 0, 0);
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%u passed, %u failed\n", n_passed, n_failed);
    return n_failed ? 1 : 0;
}
