/*
 * range_server - serves the files of a folder like a container of Azure storage, from memory, as fast as sockets take
 * it.
 *
 * usage: range_server FOLDER [no-md5]
 *
 * Prints "port N", then serves http://127.0.0.1:N/devstoreaccount1/logs until it is killed or its standard input ends.
 * Knows the listing, GET of a blob or of a range of it, and the MD5 of a range (computed once, before the first answer
 * that needs it is timed: the first round of a measurement is thrown away). Checks no signature: it stands in for
 * storage where only the speed of the reader is asked.
 */
#include "core/nsf_common.h"

#include "core/buf.h"
#include "core/mem.h"
#include "core/thread.h"
#include "source/sign.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 20000
#define PART_BYTES ((size_t)4 << 20)
#define REQUEST_MAX_BYTES 16384

struct file {
    char name[256];
    const char *bytes;
    size_t len;
    char (*md5)[NSF_SIGN_MD5_TEXT_BYTES]; /* of each part, "" until asked for */
};

static struct file files[FILES_MAX];
static size_t n_files;
static struct nsf_mutex *lock;
static bool knows_md5 = true;

static void load(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && n_files < FILES_MAX && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
            struct file *file = &files[n_files++];
            snprintf(file->name, sizeof(file->name), "%.255s", entry->d_name);
            file->len = (size_t)st.st_size;
            file->bytes = mmap(NULL, file->len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
            file->md5 = nsf_calloc(file->len / PART_BYTES + 1, sizeof(*file->md5));
            if (file->bytes == MAP_FAILED)
                exit(1);
        }
        if (fd >= 0)
            close(fd);
    }
    if (dir != NULL)
        closedir(dir);
}

static bool send_all(int fd, const char *ptr, size_t len, int flags)
{
    while (len > 0) {
        ssize_t n = send(fd, ptr, len, flags | MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        ptr += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_listing(int fd)
{
    struct nsf_buf xml;
    nsf_buf_init(&xml, (size_t)64 << 20);
    nsf_buf_add_str(&xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>");
    for (size_t i = 0; i < n_files; i++) {
        char item[1024];
        snprintf(item, sizeof(item),
                 "<Blob><Name>%.255s</Name><Properties><Creation-Time>Sat, 21 Nov 2026 10:00:00 GMT</Creation-Time>"
                 "<Etag>0x8D%08zX</Etag><Content-Length>%zu</Content-Length></Properties></Blob>",
                 files[i].name, i, files[i].len);
        nsf_buf_add_str(&xml, item);
    }
    nsf_buf_add_str(&xml, "</Blobs><NextMarker/></EnumerationResults>");
    char head[256];
    int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", xml.len);
    bool is_sent = send_all(fd, head, (size_t)n, MSG_MORE) && send_all(fd, xml.ptr, xml.len, 0);
    nsf_buf_release(&xml);
    return is_sent;
}

static const char *md5_of(struct file *file, size_t from, size_t end)
{
    static char none[1];
    bool is_part = knows_md5 && from % PART_BYTES == 0 && (end == from + PART_BYTES || end == file->len) &&
                   end - from <= PART_BYTES;
    if (!is_part)
        return none;
    char *md5 = file->md5[from / PART_BYTES];
    nsf_mutex_lock(lock);
    if (md5[0] == '\0')
        nsf_sign_md5(nsf_slice(file->bytes + from, end - from), md5);
    nsf_mutex_unlock(lock);
    return md5;
}

static bool send_file(int fd, const char *request, size_t idx)
{
    struct file *file = &files[idx];
    size_t from = 0, end = file->len;
    const char *range = strcasestr(request, "\r\nx-ms-range: bytes=");
    if (range == NULL)
        range = strcasestr(request, "\r\nrange: bytes=");
    if (range != NULL) {
        char *rest;
        from = strtoull(strchr(range, '=') + 1, &rest, 10);
        size_t last = *rest == '-' ? strtoull(rest + 1, NULL, 10) : file->len - 1;
        if (from >= file->len || last < from)
            return false;
        end = last + 1 < file->len ? last + 1 : file->len;
    }
    char head[1024], part[128] = "";
    const char *md5 = "";
    if (range != NULL && strcasestr(request, "\r\nx-ms-range-get-content-md5: true") != NULL)
        md5 = md5_of(file, from, end);
    if (range != NULL)
        snprintf(part, sizeof(part), "Content-Range: bytes %zu-%zu/%zu\r\n", from, end - 1, file->len);
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s%s%.24s%sETag: \"0x8D%08zX\"\r\n"
                     "x-ms-creation-time: Sat, 21 Nov 2026 10:00:00 GMT\r\n\r\n",
                     range == NULL ? "200 OK" : "206 Partial Content", end - from, part,
                     md5[0] == '\0' ? "" : "Content-MD5: ", md5, md5[0] == '\0' ? "" : "\r\n", idx);
    return send_all(fd, head, (size_t)n, MSG_MORE) && send_all(fd, file->bytes + from, end - from, 0);
}

static bool answer(int fd, const char *request)
{
    static const char missing[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const char *path = strstr(request, "/devstoreaccount1/logs");
    const char *line_end = strstr(request, "\r\n");
    if (path == NULL || path > line_end)
        return send_all(fd, missing, sizeof(missing) - 1, 0);
    path += strlen("/devstoreaccount1/logs");
    const char *query = strstr(path, "comp=list");
    if (query != NULL && query < line_end)
        return send_listing(fd);
    size_t len = strcspn(path, "? ");
    for (size_t i = 0; len > 1 && i < n_files; i++)
        if (strlen(files[i].name) == len - 1 && memcmp(files[i].name, path + 1, len - 1) == 0)
            return send_file(fd, request, i);
    return send_all(fd, missing, sizeof(missing) - 1, 0);
}

static void serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char request[REQUEST_MAX_BYTES];
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, request + n, sizeof(request) - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        request[n] = '\0';
        if (strstr(request, "\r\n\r\n") == NULL)
            continue;
        if (!answer(fd, request))
            break;
        n = 0;
    }
    close(fd);
}

static void end_with_input(void *arg)
{
    (void)arg;
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    knows_md5 = argc == 2;
    load(argv[1]);
    lock = nsf_mutex_new();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        return 1;
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    if (nsf_thread_start(end_with_input, NULL) == NULL)
        return 1;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (nsf_thread_start(serve, (void *)(intptr_t)fd) == NULL)
            close(fd);
    }
}
