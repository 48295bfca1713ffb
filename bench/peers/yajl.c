/*
 * What yajl alone costs: every event has a callback, and the callback does nothing.
 *
 *   yajl FILE
 *
 * Prints how many bytes were parsed; fails on what is no JSON.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <fcntl.h>
#include <yajl/yajl_parse.h>

static unsigned char buf[256 << 10];

static int on_nothing(void *ctx)
{
    (void)ctx;
    return 1;
}

static int on_boolean(void *ctx, int value)
{
    (void)ctx;
    (void)value;
    return 1;
}

static int on_number(void *ctx, const char *text, size_t n)
{
    (void)ctx;
    (void)text;
    (void)n;
    return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t n)
{
    (void)ctx;
    (void)text;
    (void)n;
    return 1;
}

int main(int argc, char **argv)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = on_nothing,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_nothing,
        .yajl_map_key = on_string,
        .yajl_end_map = on_nothing,
        .yajl_start_array = on_nothing,
        .yajl_end_array = on_nothing,
    };
    uint64_t n_bytes = 0;
    ssize_t n;
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        fprintf(stderr, "usage: yajl FILE\n");
        return 2;
    }
    yajl_handle parser = yajl_alloc(&callbacks, NULL, NULL);
    yajl_status status = yajl_status_ok;
    while (status == yajl_status_ok && (n = read(fd, buf, sizeof(buf))) > 0) {
        status = yajl_parse(parser, buf, (size_t)n);
        n_bytes += (uint64_t)n;
    }
    if (status != yajl_status_ok || yajl_complete_parse(parser) != yajl_status_ok) {
        fprintf(stderr, "yajl: not JSON\n");
        return 1;
    }
    yajl_free(parser);
    close(fd);
    printf("%" PRIu64 "\n", n_bytes);
    return 0;
}
