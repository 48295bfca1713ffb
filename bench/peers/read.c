/*
 * The least that reading costs: open, read(2) in blocks of 256 KiB, close.
 *
 *   read FILE... | read -@ LIST       LIST holds a path a line
 *
 * Prints how many bytes there were.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buf[256 << 10];

static uint64_t read_file(const char *path)
{
    uint64_t n_bytes = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        perror(path);
        exit(1);
    }
    while ((n = read(fd, buf, sizeof(buf))) != 0) {
        if (n < 0 && errno != EINTR) {
            perror(path);
            exit(1);
        }
        n_bytes += n > 0 ? (uint64_t)n : 0;
    }
    close(fd);
    return n_bytes;
}

static uint64_t read_list(const char *path)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    uint64_t n_bytes = 0;
    FILE *list = fopen(path, "r");
    if (list == NULL) {
        perror(path);
        exit(1);
    }
    while ((n = getline(&line, &capacity, list)) > 0) {
        line[n - 1] = '\0';
        n_bytes += read_file(line);
    }
    free(line);
    fclose(list);
    return n_bytes;
}

int main(int argc, char **argv)
{
    uint64_t n_bytes = 0;
    if (argc == 3 && strcmp(argv[1], "-@") == 0)
        n_bytes = read_list(argv[2]);
    else
        for (int i = 1; i < argc; i++)
            n_bytes += read_file(argv[i]);
    printf("%" PRIu64 "\n", n_bytes);
    return 0;
}
