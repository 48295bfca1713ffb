/* Listings of blobs from a server that means harm. The first byte says in what pieces they come. */
#include "core/nsf_common.h"

#include "source/azure_list.h"

#include "core/limits.h"
#include "source/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_page(const struct nsf_azure_page *page)
{
    for (size_t i = 0; i < page->n; i++) {
        const struct nsf_azure_entry *entry = &page->entries[i];
        if (entry->name.len == 0 || entry->name.len > NSF_PATH_MAX_BYTES || strlen(entry->name.ptr) != entry->name.len)
            abort();
        if (entry->etag.ptr != NULL && !nsf_azure_is_etag(entry->etag))
            abort();
        (void)nsf_layout_parse(entry->name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const size_t piece = data[0] == 0 ? 1 : data[0];
    struct nsf_azure_page page;
    struct nsf_err err = NSF_ERR_INIT;
    nsf_azure_page_init(&page);
    struct nsf_azure_list *list = nsf_azure_list_new(&page);
    bool is_ok = true;
    for (size_t at = 1; at < size && is_ok; at += piece)
        is_ok = !nsf_failed(
            nsf_azure_list_write(list, (const char *)data + at, size - at < piece ? size - at : piece, &err));
    is_ok = is_ok && !nsf_failed(nsf_azure_list_finish(list, &err));
    if (!is_ok && err.code == NSF_E_NONE)
        abort();
    check_page(&page);
    nsf_azure_list_reset(list);
    if (page.n != 0)
        abort();
    nsf_azure_list_free(list);
    nsf_azure_page_release(&page);
    return 0;
}
