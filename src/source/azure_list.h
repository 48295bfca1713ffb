/*
 * azure_list.h - one page of a listing of blobs, from its XML. The only place that sees expat.
 *
 * Names come from whoever may write to the container: they can hold anything but NUL. Documents with a DOCTYPE are
 * refused, since storage sends none and entities are an attack. One thread at a time.
 */
#ifndef NSF_AZURE_LIST_H
#define NSF_AZURE_LIST_H

#include "core/arena.h"
#include "core/err.h"

struct nsf_azure_entry {
    struct nsf_slice name; /* unescaped; NUL-ended behind its length */
    bool is_prefix;        /* a common prefix instead of a blob: only its name is known */
    uint64_t size_bytes;   /* NSF_SIZE_UNKNOWN when it is not said */
    struct nsf_slice etag; /* without quotes; absent when it is none that can be sent back */
    int64_t created_ms;    /* NSF_TS_NONE when it is not said */
    bool is_gzip;          /* by its Content-Encoding */
};

/* Texts live until the next reset. */
struct nsf_azure_page {
    struct nsf_arena arena;
    struct nsf_azure_entry *entries;
    size_t n;
    size_t capacity;
    struct nsf_slice next_marker; /* empty: this is the last page */
};

struct nsf_azure_list;

/* Fills *page, which is borrowed until free. */
struct nsf_azure_list *nsf_azure_list_new(struct nsf_azure_page *page);
void nsf_azure_list_free(struct nsf_azure_list *list);
/* Forgets what was read, the page too. */
void nsf_azure_list_reset(struct nsf_azure_list *list);
/* Takes a piece of the document. Fails with NSF_E_SHAPE or NSF_E_LIMIT and then again until reset. */
nsf_result nsf_azure_list_write(struct nsf_azure_list *list, const char *ptr, size_t len,
                                struct nsf_err *err) NSF_CHECKED;
/* The end of the document: fails when it is not whole, or no listing. */
nsf_result nsf_azure_list_finish(struct nsf_azure_list *list, struct nsf_err *err) NSF_CHECKED;

void nsf_azure_page_init(struct nsf_azure_page *page);
void nsf_azure_page_release(struct nsf_azure_page *page);

/* Whether it can stand in a header: visible ASCII, no quote, at most 128 bytes. */
bool nsf_azure_is_etag(struct nsf_slice etag);

#endif
