#include "core/nsf_common.h"

#include "source/azure_list.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"
#include "source/http.h"
#include "source/source.h"

#include <expat.h>

#define DEPTH_MAX 32
#define ENTRIES_MAX 100000
#define PAGE_MAX_BYTES ((uint64_t)256 << 20)
#define ETAG_MAX_BYTES 128
#define MARKER_MAX_BYTES ((size_t)16 << 10)

enum element {
    ELEMENT_OTHER,
    ELEMENT_ROOT, /* EnumerationResults */
    ELEMENT_BLOB,
    ELEMENT_PREFIX, /* BlobPrefix */
    ELEMENT_NAME,
    ELEMENT_ETAG,
    ELEMENT_LENGTH,
    ELEMENT_CREATED,
    ELEMENT_ENCODING,
    ELEMENT_RESOURCE,
    ELEMENT_MARKER,
};

struct nsf_azure_list {
    XML_Parser parser;
    struct nsf_azure_page *page;
    enum element path[DEPTH_MAX];
    unsigned depth;
    struct nsf_buf text; /* of the innermost element that matters */
    bool is_name_escaped;
    bool is_directory;
    uint64_t n_bytes;
    struct nsf_azure_entry entry;
    struct nsf_err err;
};

static const struct {
    const char *name;
    enum element parent; /* the nearest element of the table, or ELEMENT_OTHER for the document */
    enum element element;
} elements[] = {
    {"EnumerationResults", ELEMENT_OTHER, ELEMENT_ROOT},
    {"Blob", ELEMENT_ROOT, ELEMENT_BLOB},
    {"BlobPrefix", ELEMENT_ROOT, ELEMENT_PREFIX},
    {"NextMarker", ELEMENT_ROOT, ELEMENT_MARKER},
    {"Name", ELEMENT_BLOB, ELEMENT_NAME},
    {"Name", ELEMENT_PREFIX, ELEMENT_NAME},
    {"Etag", ELEMENT_BLOB, ELEMENT_ETAG},
    {"Content-Length", ELEMENT_BLOB, ELEMENT_LENGTH},
    {"Creation-Time", ELEMENT_BLOB, ELEMENT_CREATED},
    {"Content-Encoding", ELEMENT_BLOB, ELEMENT_ENCODING},
    {"ResourceType", ELEMENT_BLOB, ELEMENT_RESOURCE},
};

static enum element nearest_known(const struct nsf_azure_list *list)
{
    for (unsigned i = list->depth; i-- > 0;)
        if (list->path[i] != ELEMENT_OTHER)
            return list->path[i];
    return ELEMENT_OTHER;
}

static void stop(struct nsf_azure_list *list, enum nsf_code code, const char *why)
{
    if (NSF_FAIL(&list->err, code, (uint64_t)XML_GetCurrentByteIndex(list->parser), "%s", why).failed)
        XML_StopParser(list->parser, XML_FALSE);
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct nsf_azure_list *list = ctx;
    if (list->depth == DEPTH_MAX) {
        stop(list, NSF_E_LIMIT, "the listing is nested deeper than 32 elements");
        return;
    }
    const enum element parent = nearest_known(list);
    enum element element = ELEMENT_OTHER;
    for (size_t i = 0; i < NSF_ARRAY_LEN(elements); i++)
        if (elements[i].parent == parent && strcmp(elements[i].name, name) == 0 &&
            (parent != ELEMENT_OTHER || list->depth == 0))
            element = elements[i].element;
    /* Metadata that a user named "Name" is no name. */
    if (element == ELEMENT_NAME && list->path[list->depth - 1] != parent)
        element = ELEMENT_OTHER;
    if (list->depth == 0 && element != ELEMENT_ROOT) {
        stop(list, NSF_E_SHAPE, "not a listing of blobs");
        return;
    }
    list->path[list->depth++] = element;
    nsf_buf_reset(&list->text);
    if (element == ELEMENT_BLOB || element == ELEMENT_PREFIX) {
        list->entry = (struct nsf_azure_entry){
            .is_prefix = element == ELEMENT_PREFIX, .size_bytes = NSF_SIZE_UNKNOWN, .created_ms = NSF_TS_NONE};
        list->is_directory = false;
    }
    if (element != ELEMENT_NAME)
        return;
    list->is_name_escaped = false;
    for (size_t i = 0; attributes[i] != NULL; i += 2)
        if (strcmp(attributes[i], "Encoded") == 0 && strcmp(attributes[i + 1], "true") == 0)
            list->is_name_escaped = true;
}

static void on_text(void *ctx, const XML_Char *text, int len)
{
    struct nsf_azure_list *list = ctx;
    if (list->depth == 0 || list->path[list->depth - 1] < ELEMENT_NAME)
        return;
    if (!nsf_buf_append(&list->text, text, (size_t)len))
        stop(list, NSF_E_LIMIT, "the listing holds a name or marker of more than 16 KiB");
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = nsf_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; what is no escape stays. */
static size_t unescape(char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        const bool is_escape = text[i] == '%' && len - i >= 3 && hex_of(text[i + 1]) >= 0 && hex_of(text[i + 2]) >= 0;
        text[n++] = is_escape ? (char)(hex_of(text[i + 1]) * 16 + hex_of(text[i + 2])) : text[i];
        i += is_escape ? 2 : 0;
    }
    return n;
}

static void take_name(struct nsf_azure_list *list)
{
    struct nsf_buf *text = &list->text;
    if (list->is_name_escaped)
        text->len = unescape(text->ptr, text->len);
    if (text->len > NSF_PATH_MAX_BYTES || (text->len > 0 && memchr(text->ptr, '\0', text->len) != NULL))
        stop(list, NSF_E_LIMIT, "the listing holds a name of more than 8 KiB, or with a NUL");
    else
        list->entry.name = nsf_arena_copy(&list->page->arena, nsf_buf_slice(text));
}

bool nsf_azure_is_etag(struct nsf_slice etag)
{
    for (size_t i = 0; i < etag.len; i++)
        if (etag.ptr[i] <= ' ' || etag.ptr[i] > '~' || etag.ptr[i] == '"')
            return false;
    return etag.len > 0 && etag.len <= ETAG_MAX_BYTES;
}

static void take_etag(struct nsf_azure_list *list)
{
    struct nsf_slice etag = nsf_slice_trim(nsf_buf_slice(&list->text));
    if (etag.len >= 2 && etag.ptr[0] == '"' && etag.ptr[etag.len - 1] == '"')
        etag = nsf_slice(etag.ptr + 1, etag.len - 2);
    if (nsf_azure_is_etag(etag))
        list->entry.etag = nsf_arena_copy(&list->page->arena, etag);
}

static void end_entry(struct nsf_azure_list *list)
{
    struct nsf_azure_page *page = list->page;
    if (list->entry.name.len == 0 || list->is_directory)
        return;
    if (page->n == ENTRIES_MAX) {
        stop(list, NSF_E_LIMIT, "one page of the listing holds more than 100,000 blobs");
        return;
    }
    NSF_GROW(page->entries, page->capacity, page->n + 1);
    page->entries[page->n++] = list->entry;
}

static void on_end(void *ctx, const XML_Char *name)
{
    (void)name;
    struct nsf_azure_list *list = ctx;
    /* Expat still ends an empty element whose start stopped it. */
    if (list->err.code != NSF_E_NONE)
        return;
    const enum element element = list->path[--list->depth];
    const struct nsf_slice text = nsf_slice_trim(nsf_buf_slice(&list->text));
    switch (element) {
    case ELEMENT_OTHER:
    case ELEMENT_ROOT:
        break;
    case ELEMENT_BLOB:
    case ELEMENT_PREFIX:
        end_entry(list);
        break;
    case ELEMENT_NAME:
        take_name(list);
        break;
    case ELEMENT_ETAG:
        take_etag(list);
        break;
    case ELEMENT_LENGTH:
        if (!nsf_slice_to_u64(text, UINT64_MAX - 1, &list->entry.size_bytes))
            stop(list, NSF_E_SHAPE, "the listing holds a size that is no number");
        break;
    case ELEMENT_CREATED:
        list->entry.created_ms = nsf_http_parse_date(text);
        break;
    case ELEMENT_ENCODING:
        list->entry.is_gzip =
            nsf_slice_eq_nocase(text, NSF_SLICE_LIT("gzip")) || nsf_slice_eq_nocase(text, NSF_SLICE_LIT("x-gzip"));
        break;
    case ELEMENT_RESOURCE:
        list->is_directory = nsf_slice_eq_nocase(text, NSF_SLICE_LIT("directory"));
        break;
    case ELEMENT_MARKER:
        if (text.len > 0)
            list->page->next_marker = nsf_arena_copy(&list->page->arena, nsf_buf_slice(&list->text));
        break;
    }
    nsf_buf_reset(&list->text);
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
                       int has_internal)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal;
    stop(ctx, NSF_E_SHAPE, "the listing has a DOCTYPE: storage sends none");
}

static void on_entity(void *ctx, const XML_Char *name, int is_parameter, const XML_Char *value, int value_len,
                      const XML_Char *base, const XML_Char *system_id, const XML_Char *public_id,
                      const XML_Char *notation)
{
    (void)name, (void)is_parameter, (void)value, (void)value_len, (void)base, (void)system_id, (void)public_id;
    (void)notation;
    stop(ctx, NSF_E_SHAPE, "the listing declares an entity: storage declares none");
}

static void set_up(struct nsf_azure_list *list)
{
    XML_SetUserData(list->parser, list);
    XML_SetElementHandler(list->parser, on_start, on_end);
    XML_SetCharacterDataHandler(list->parser, on_text);
    XML_SetStartDoctypeDeclHandler(list->parser, on_doctype);
    XML_SetEntityDeclHandler(list->parser, on_entity);
    list->depth = 0;
    list->n_bytes = 0;
    nsf_buf_reset(&list->text);
    nsf_err_reset(&list->err);
    list->page->n = 0;
    list->page->next_marker = nsf_slice("", 0);
    nsf_arena_reset(&list->page->arena);
}

struct nsf_azure_list *nsf_azure_list_new(struct nsf_azure_page *page)
{
    static const XML_Memory_Handling_Suite memory = {nsf_malloc, nsf_realloc, nsf_free};
    struct nsf_azure_list *list = nsf_calloc(1, sizeof(*list));
    list->page = page;
    list->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (list->parser == NULL)
        NSF_BUG("expat gives no parser");
    nsf_buf_init(&list->text, MARKER_MAX_BYTES);
    set_up(list);
    return list;
}

void nsf_azure_list_free(struct nsf_azure_list *list)
{
    if (list == NULL)
        return;
    XML_ParserFree(list->parser);
    nsf_buf_release(&list->text);
    nsf_free(list);
}

void nsf_azure_list_reset(struct nsf_azure_list *list)
{
    XML_ParserReset(list->parser, NULL);
    set_up(list);
}

static nsf_result parse(struct nsf_azure_list *list, const char *ptr, size_t len, bool is_last, struct nsf_err *err)
{
    if (list->err.code == NSF_E_NONE && XML_Parse(list->parser, ptr, (int)len, is_last) != XML_STATUS_OK)
        (void)NSF_FAIL(&list->err, NSF_E_SHAPE, (uint64_t)XML_GetCurrentByteIndex(list->parser), "%s",
                       XML_ErrorString(XML_GetErrorCode(list->parser)));
    if (list->err.code == NSF_E_NONE)
        return nsf_ok();
    return NSF_FAIL(err, list->err.code, list->err.offset, "%s", list->err.text);
}

nsf_result nsf_azure_list_write(struct nsf_azure_list *list, const char *ptr, size_t len, struct nsf_err *err)
{
    list->n_bytes += len;
    if (list->n_bytes > PAGE_MAX_BYTES)
        return NSF_FAIL(err, NSF_E_LIMIT, PAGE_MAX_BYTES, "one page of the listing is longer than 256 MiB");
    return parse(list, ptr, len, false, err);
}

nsf_result nsf_azure_list_finish(struct nsf_azure_list *list, struct nsf_err *err)
{
    return parse(list, "", 0, true, err);
}

void nsf_azure_page_init(struct nsf_azure_page *page)
{
    *page = (struct nsf_azure_page){.next_marker = nsf_slice("", 0)};
    nsf_arena_init(&page->arena);
}

void nsf_azure_page_release(struct nsf_azure_page *page)
{
    nsf_arena_release(&page->arena);
    nsf_free(page->entries);
    *page = (struct nsf_azure_page){.n = 0};
}
