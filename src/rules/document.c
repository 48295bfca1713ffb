#include "core/nsf_common.h"

#include "rules/document.h"

#include "core/limits.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A UTF-16 unit becomes three bytes of UTF-8 at most. */
#define TEXT_BYTES (NSF_CHUNK_BYTES / 2 * 3 + 4)

static ssize_t read_some(int fd, char *to, size_t n)
{
    ssize_t got;
    do {
        got = read(fd, to, n);
    } while (got < 0 && errno == EINTR);
    return got;
}

static bool write_all(int fd, const char *from, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, from, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        from += put;
        n -= (size_t)put;
    }
    return true;
}

/* Nobody else can open it, and it is gone with the process. */
static int open_temporary(void)
{
    const char *folder = getenv("TMPDIR");
    int fd = open(folder != NULL && folder[0] != '\0' ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : memfd_create("nsgflow-rules", MFD_CLOEXEC);
}

/* A pipe's bytes go to a temporary file, so that they can be read again. */
static nsf_result spool(struct nsf_document *doc, struct nsf_err *err)
{
    int copy = open_temporary();
    if (copy < 0)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot keep a copy of the input: %s", strerror(errno));
    ssize_t got;
    while ((got = read_some(doc->fd, doc->raw, NSF_CHUNK_BYTES)) > 0)
        if (!write_all(copy, doc->raw, (size_t)got)) {
            nsf_result r =
                NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot keep a copy of the input: %s", strerror(errno));
            close(copy);
            return r;
        }
    if (got < 0) {
        nsf_result r = NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot read: %s", strerror(errno));
        close(copy);
        return r;
    }
    if (doc->owns_fd)
        close(doc->fd);
    doc->fd = copy;
    doc->is_copy = true;
    doc->owns_fd = true;
    return nsf_ok();
}

/* Byte order marks; without one, a zero in the first two bytes gives UTF-16 away, since JSON begins with ASCII. */
static void find_encoding(struct nsf_document *doc, const unsigned char *head, size_t n)
{
    if (n >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0) {
        doc->start = 3;
    } else if (n >= 2 && head[0] == 0xff && head[1] == 0xfe) {
        doc->encoding = NSF_TEXT_ENCODING_UTF16LE;
        doc->start = 2;
    } else if (n >= 2 && head[0] == 0xfe && head[1] == 0xff) {
        doc->encoding = NSF_TEXT_ENCODING_UTF16BE;
        doc->start = 2;
    } else if (n >= 2 && head[0] != 0 && head[1] == 0) {
        doc->encoding = NSF_TEXT_ENCODING_UTF16LE;
    } else if (n >= 2 && head[0] == 0 && head[1] != 0) {
        doc->encoding = NSF_TEXT_ENCODING_UTF16BE;
    }
}

static nsf_result prepare(struct nsf_document *doc, struct nsf_err *err)
{
    struct stat status;
    if (fstat(doc->fd, &status) != 0)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot read: %s", strerror(errno));
    if (S_ISDIR(status.st_mode))
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot read: %s", strerror(EISDIR));
    if (!S_ISREG(status.st_mode)) {
        nsf_result r = spool(doc, err);
        if (nsf_failed(r))
            return r;
    }
    unsigned char head[3];
    ssize_t got;
    do {
        got = pread(doc->fd, head, sizeof(head), 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot read: %s", strerror(errno));
    find_encoding(doc, head, (size_t)got);
    if (doc->encoding != NSF_TEXT_ENCODING_UTF8)
        doc->text = nsf_malloc(TEXT_BYTES);
    return nsf_document_rewind(doc, err);
}

nsf_result nsf_document_open(struct nsf_document *doc, const char *path, int fd, struct nsf_err *err)
{
    *doc = (struct nsf_document){.fd = fd};
    if (fd < 0 && strcmp(path, "-") == 0) {
        doc->fd = STDIN_FILENO;
    } else if (fd < 0) {
        doc->fd = (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC));
        doc->owns_fd = true;
    }
    if (doc->fd < 0)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot open: %s", strerror(errno));
    doc->raw = nsf_malloc(NSF_CHUNK_BYTES);
    nsf_result r = prepare(doc, err);
    if (nsf_failed(r))
        nsf_document_close(doc);
    return r;
}

void nsf_document_close(struct nsf_document *doc)
{
    if (doc->owns_fd && doc->fd >= 0)
        close(doc->fd);
    nsf_free(doc->raw);
    nsf_free(doc->text);
    *doc = (struct nsf_document){.fd = -1};
}

nsf_result nsf_document_rewind(struct nsf_document *doc, struct nsf_err *err)
{
    doc->n_left = 0;
    doc->high = 0;
    doc->raw_text = NSF_RAW_TEXT_BETWEEN;
    if (lseek(doc->fd, (off_t)doc->start, SEEK_SET) < 0)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot read again: %s", strerror(errno));
    return nsf_ok();
}

/* --- UTF-16 ---------------------------------------------------------------------------------------------------- */

static size_t put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3f));
    to[0] = (char)(lead[n] | code);
    return n;
}

/* One unit; lone surrogates become U+FFFD. */
static size_t put_unit(struct nsf_document *doc, char *to, uint32_t unit)
{
    size_t n = 0;
    bool is_low = unit >= 0xdc00 && unit <= 0xdfff;
    if (doc->high != 0 && is_low) {
        n = put_utf8(to, 0x10000 + ((doc->high - 0xd800) << 10) + (unit - 0xdc00));
        doc->high = 0;
        return n;
    }
    if (doc->high != 0)
        n = put_utf8(to, 0xfffd);
    doc->high = unit >= 0xd800 && unit <= 0xdbff ? unit : 0;
    if (doc->high == 0)
        n += put_utf8(to + n, is_low ? 0xfffd : unit);
    return n;
}

/* The bytes of doc->text. */
static size_t decode(struct nsf_document *doc, size_t n_raw)
{
    const unsigned char *raw = (const unsigned char *)doc->raw;
    bool is_little = doc->encoding == NSF_TEXT_ENCODING_UTF16LE;
    size_t n = 0, at = 0;
    for (; at + 2 <= n_raw; at += 2) {
        uint32_t unit = is_little ? (uint32_t)(raw[at] | raw[at + 1] << 8) : (uint32_t)(raw[at] << 8 | raw[at + 1]);
        n += put_unit(doc, doc->text + n, unit);
    }
    doc->n_left = n_raw - at;
    if (doc->n_left > 0)
        doc->raw[0] = doc->raw[at];
    return n;
}

static struct nsf_slice mended(struct nsf_document *doc, char *text, size_t n)
{
    doc->raw_text = nsf_raw_text_mend(doc->raw_text, text, n);
    return nsf_slice(text, n);
}

nsf_result nsf_document_read(struct nsf_document *doc, struct nsf_slice *piece, struct nsf_err *err)
{
    ssize_t got = read_some(doc->fd, doc->raw + doc->n_left, NSF_CHUNK_BYTES - doc->n_left);
    if (got < 0)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot read: %s", strerror(errno));
    size_t n = doc->n_left + (size_t)got;
    if (doc->encoding == NSF_TEXT_ENCODING_UTF8) {
        *piece = mended(doc, doc->raw, n);
        return nsf_ok();
    }
    size_t n_text = got == 0 ? 0 : decode(doc, n);
    *piece = mended(doc, doc->text, n_text);
    /* A high surrogate or half a unit alone gives no text yet: that is not the end. */
    if (got > 0 && piece->len == 0)
        return nsf_document_read(doc, piece, err);
    return nsf_ok();
}
