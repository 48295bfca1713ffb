/*
 * document.h - the bytes of one rules document as UTF-8, from a file, a pipe or standard input, as often as needed.
 *
 * Byte order marks are passed over; UTF-16, which PowerShell's `>` writes, becomes UTF-8 (offsets then count in that).
 * Strings over several lines, which ARM templates may have, are made one line.
 * What cannot be read twice (a pipe) is kept in an unlinked temporary file. Internal to rules/; one thread.
 */
#ifndef NSF_DOCUMENT_H
#define NSF_DOCUMENT_H

#include "core/err.h"
#include "core/slice.h"
#include "rules/raw_text.h"

enum nsf_text_encoding {
    NSF_TEXT_ENCODING_UTF8,
    NSF_TEXT_ENCODING_UTF16LE,
    NSF_TEXT_ENCODING_UTF16BE,
};

struct nsf_document {
    int fd;
    bool owns_fd;
    bool is_copy; /* of a pipe, whose bytes cannot be had again */
    enum nsf_text_encoding encoding;
    uint64_t start; /* bytes of the byte order mark */
    char *raw;      /* read buffers, freed by close */
    char *text;
    size_t n_left; /* undecoded bytes at the front of raw */
    uint32_t high; /* UTF-16: a high surrogate that waits for its other half */
    enum nsf_raw_text raw_text;
};

/* path "-" is standard input; fd >= 0 is borrowed. */
nsf_result nsf_document_open(struct nsf_document *doc, const char *path, int fd, struct nsf_err *err) NSF_CHECKED;
void nsf_document_close(struct nsf_document *doc);
/* Back to the first character. */
nsf_result nsf_document_rewind(struct nsf_document *doc, struct nsf_err *err) NSF_CHECKED;
/* The next piece; empty at the end. Lends until the next call. */
nsf_result nsf_document_read(struct nsf_document *doc, struct nsf_slice *piece, struct nsf_err *err) NSF_CHECKED;

#endif
