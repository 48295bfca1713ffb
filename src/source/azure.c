#include "core/nsf_common.h"

#include "source/azure.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/thread.h"
#include "source/azure_call.h"
#include "source/azure_list.h"
#include "source/azure_plan.h"
#include "source/azure_stream.h"
#include "source/layout.h"
#include "source/sign.h"

#include <sys/prctl.h>

#define QUERY_MAX_BYTES ((size_t)128 << 10)
/* Storage may send pages without blobs; it does not send them for ever. */
#define EMPTY_PAGES_MAX 10000
#define BLOBS_MAX 20000000

struct nsf_azure {
    struct nsf_azure_options options;
    struct nsf_mutex *lock;
    int64_t next_us; /* when the next request may go out, monotonic; under the lock */
};

struct azure_source {
    struct nsf_source base;
    struct nsf_arena arena;
    struct nsf_azure_account account;
    struct nsf_azure_streams *streams;
};

struct nsf_azure_options nsf_azure_options_default(void)
{
    return (struct nsf_azure_options){
        .user_agent = "nsgflow",
        .retry = NSF_RETRY_INIT,
        .connect_wait_ms = 15000,
        .stall_wait_s = 30,
        .range_bytes = NSF_AZURE_RANGE_BYTES,
        .env = nsf_env_process(),
    };
}

nsf_result nsf_azure_new(const struct nsf_azure_options *options, struct nsf_azure **result, struct nsf_err *err)
{
    nsf_result r = nsf_http_start(err);
    if (!nsf_failed(r))
        r = nsf_sign_start(err);
    if (nsf_failed(r))
        return r;
    struct nsf_azure *azure = nsf_calloc(1, sizeof(*azure));
    azure->options = *options;
    azure->lock = nsf_mutex_new();
    *result = azure;
    return r;
}

void nsf_azure_free(struct nsf_azure *azure)
{
    if (azure == NULL)
        return;
    nsf_mutex_free(azure->lock);
    nsf_free(azure);
}

bool nsf_azure_is_location(struct nsf_slice location)
{
    return nsf_address_is_url(location);
}

bool nsf_azure_wait_for_rate(struct nsf_azure *azure, const atomic_bool *is_cancelled)
{
    int64_t wait_us = 0;
    if (azure->options.max_requests_per_second > 0) {
        const int64_t now_us = nsf_clock_monotonic_ms() * 1000;
        nsf_mutex_lock(azure->lock);
        if (azure->next_us < now_us)
            azure->next_us = now_us;
        wait_us = azure->next_us - now_us;
        azure->next_us += 1000000 / azure->options.max_requests_per_second;
        nsf_mutex_unlock(azure->lock);
    }
    return nsf_retry_sleep((wait_us + 999) / 1000, azure->options.is_stopped, is_cancelled);
}

/* ---- listing ---- */

struct walk {
    struct azure_source *source;
    const struct nsf_list_filter *filter;
    struct nsf_listing *listing;
    struct nsf_azure_link link;
    struct nsf_azure_page page;
    struct nsf_azure_list *parser;
    struct nsf_err parse_err;
    struct nsf_buf shown; /* scratch */
    /* Folders still to look at, each a NUL-ended text of its own. */
    char **folders;
    size_t n_folders;
    size_t folders_capacity;
};

static bool on_page_body(void *ctx, const struct nsf_http_response *response, const char *ptr, size_t len)
{
    struct walk *walk = ctx;
    atomic_fetch_add(&walk->source->account.n_bytes, len);
    if (response->status != 200)
        return true;
    return !nsf_failed(nsf_azure_list_write(walk->parser, ptr, len, &walk->parse_err));
}

/* Fills walk->page with one page, tried until it is whole. */
static nsf_result get_page(struct walk *walk, const char *query, struct nsf_err *err)
{
    const struct nsf_azure_call call = {.query = query, .on_body = on_page_body, .ctx = walk};
    for (unsigned n_failed = 0;;) {
        nsf_azure_list_reset(walk->parser);
        nsf_err_reset(&walk->parse_err);
        enum nsf_http_outcome outcome = NSF_HTTP_BROKEN;
        if (!nsf_azure_call(&walk->link, &call, &outcome, err))
            return (nsf_result){.failed = true};
        const bool is_answer = outcome == NSF_HTTP_DONE && walk->link.response.status == 200;
        if (is_answer && !nsf_failed(nsf_azure_list_finish(walk->parser, &walk->parse_err)))
            return nsf_ok();
        const bool is_garbage = walk->parse_err.code != NSF_E_NONE;
        const char *garbage = is_garbage ? walk->parse_err.text : NULL;
        if (!nsf_azure_wait_to_retry(&walk->link, &n_failed, outcome, is_garbage, garbage))
            return nsf_azure_report(&walk->link, NSF_AZURE_LIST,
                                    nsf_azure_is_stopped(&walk->link) ? NSF_HTTP_STOPPED : outcome, garbage, err);
    }
}

static void add_blob(struct walk *walk, const struct nsf_azure_entry *entry)
{
    int64_t hour;
    switch (nsf_layout_is_wanted(entry->name, walk->filter, &hour)) {
    case NSF_WANTED:
        break;
    case NSF_WANTED_OUTSIDE:
        walk->listing->n_outside++;
        return;
    case NSF_WANTED_PRUNED:
        walk->listing->n_pruned++;
        return;
    }
    nsf_buf_reset(&walk->shown);
    nsf_address_add_shown(&walk->source->account.address, entry->name, &walk->shown);
    const struct nsf_blob blob = {
        .name = nsf_buf_slice(&walk->shown),
        .order = entry->name,
        .size_bytes = entry->size_bytes,
        .hour = hour,
        .etag = entry->etag,
        .created_ms = entry->created_ms,
        .is_gzip = entry->is_gzip || nsf_slice_has_suffix_nocase(entry->name, NSF_SLICE_LIT(".gz")),
        .is_remote = true,
        .source = &walk->source->base,
    };
    nsf_listing_add(walk->listing, &blob);
}

static void add_folder(struct walk *walk, struct nsf_slice name)
{
    NSF_GROW(walk->folders, walk->folders_capacity, walk->n_folders + 1);
    walk->folders[walk->n_folders++] = nsf_strdup_n(name.ptr, name.len);
}

static void make_query(struct nsf_buf *query, struct nsf_slice prefix, bool is_by_folder, struct nsf_slice marker)
{
    nsf_buf_reset(query);
    nsf_buf_add_str(query, "restype=container&comp=list&maxresults=5000");
    if (is_by_folder)
        nsf_buf_add_str(query, "&delimiter=%2F");
    if (prefix.len > 0) {
        nsf_buf_add_str(query, "&prefix=");
        nsf_address_escape(query, prefix, false);
    }
    if (marker.len > 0) {
        nsf_buf_add_str(query, "&marker=");
        nsf_address_escape(query, marker, false);
    }
}

/* All pages below a prefix; by folder: only what lies directly in it, and the folders there for later. */
static nsf_result list_prefix(struct walk *walk, struct nsf_slice prefix, bool is_by_folder, struct nsf_err *err)
{
    struct nsf_buf query, marker;
    nsf_buf_init(&query, QUERY_MAX_BYTES);
    nsf_buf_init(&marker, QUERY_MAX_BYTES);
    nsf_result r = nsf_ok();
    unsigned n_empty = 0;
    do {
        make_query(&query, prefix, is_by_folder, nsf_buf_slice(&marker));
        r = get_page(walk, nsf_buf_str(&query), err);
        if (nsf_failed(r))
            break;
        for (size_t i = 0; i < walk->page.n; i++)
            if (!walk->page.entries[i].is_prefix)
                add_blob(walk, &walk->page.entries[i]);
            else if (is_by_folder)
                add_folder(walk, walk->page.entries[i].name);
        n_empty = walk->page.n > 0 ? 0 : n_empty + 1;
        if (marker.len > 0 && nsf_slice_eq(walk->page.next_marker, nsf_buf_slice(&marker)))
            r = NSF_FAIL(err, NSF_E_HTTP, NSF_OFFSET_NONE, "the listing leads from a page to the same page again");
        else if (n_empty > EMPTY_PAGES_MAX || walk->listing->n > BLOBS_MAX)
            r = NSF_FAIL(err, NSF_E_HTTP, NSF_OFFSET_NONE, "the listing does not come to an end (%zu blobs so far)",
                         walk->listing->n);
        nsf_buf_reset(&marker);
        nsf_buf_add(&marker, walk->page.next_marker);
    } while (!nsf_failed(r) && marker.len > 0);
    nsf_buf_release(&query);
    nsf_buf_release(&marker);
    return r;
}

/* "...y=2026/": the hours of the window in that year, each period by a prefix of its own. */
static nsf_result list_year(struct walk *walk, struct nsf_slice folder, int year, struct nsf_err *err)
{
    struct nsf_azure_hours hours;
    if (!nsf_azure_hours_of_year(year, walk->filter->since_ms, walk->filter->until_ms, &hours))
        return nsf_ok();
    struct nsf_buf prefix;
    nsf_buf_init(&prefix, QUERY_MAX_BYTES);
    char period[NSF_AZURE_PERIOD_BYTES];
    nsf_result r = nsf_ok();
    while (!nsf_failed(r) && nsf_azure_next_period(&hours, period)) {
        nsf_buf_reset(&prefix);
        nsf_buf_add(&prefix, nsf_slice(folder.ptr, folder.len - (sizeof("y=2026/") - 1)));
        nsf_buf_add_str(&prefix, period);
        r = list_prefix(walk, nsf_buf_slice(&prefix), false, err);
    }
    nsf_buf_release(&prefix);
    return r;
}

static nsf_result list_by_folder(struct walk *walk, struct nsf_slice prefix, struct nsf_err *err)
{
    nsf_result r = list_prefix(walk, prefix, true, err);
    for (size_t i = 0; i < walk->n_folders && !nsf_failed(r); i++) {
        const struct nsf_slice folder = nsf_slice_str(walk->folders[i]);
        int year = 0;
        switch (nsf_azure_step_of(folder, &year)) {
        case NSF_AZURE_STEP_DESCEND:
            r = list_prefix(walk, folder, true, err);
            break;
        case NSF_AZURE_STEP_YEAR:
            r = list_year(walk, folder, year, err);
            break;
        case NSF_AZURE_STEP_FLAT:
            r = list_prefix(walk, folder, false, err);
            break;
        }
    }
    return r;
}

/* A prefix that names a period already is as narrow as the user wants it. */
static bool names_a_period(struct nsf_slice prefix)
{
    for (size_t at = 0; at + 2 <= prefix.len; at++)
        if ((at == 0 || prefix.ptr[at - 1] == '/') && prefix.ptr[at] == 'y' && prefix.ptr[at + 1] == '=')
            return true;
    return false;
}

static nsf_result list_container(struct azure_source *source, const struct nsf_list_filter *filter,
                                 struct nsf_listing *listing, struct nsf_err *err)
{
    struct walk walk = {.source = source, .filter = filter, .listing = listing};
    nsf_azure_link_init(&walk.link, &source->account, NULL);
    nsf_azure_page_init(&walk.page);
    walk.parser = nsf_azure_list_new(&walk.page);
    nsf_buf_init(&walk.shown, QUERY_MAX_BYTES);
    const struct nsf_slice prefix = nsf_slice_str(source->account.address.path);
    const bool has_window = filter->since_ms != NSF_TS_NONE || filter->until_ms != NSF_TS_NONE;
    const nsf_result r = has_window && !names_a_period(prefix) ? list_by_folder(&walk, prefix, err)
                                                               : list_prefix(&walk, prefix, false, err);
    for (size_t i = 0; i < walk.n_folders; i++)
        nsf_free(walk.folders[i]);
    nsf_free(walk.folders);
    nsf_buf_release(&walk.shown);
    nsf_azure_list_free(walk.parser);
    nsf_azure_page_release(&walk.page);
    nsf_azure_link_release(&walk.link);
    return r;
}

static void list_one_blob(struct azure_source *source, struct nsf_listing *listing)
{
    const struct nsf_address *address = &source->account.address;
    const struct nsf_slice path = nsf_slice_str(address->path);
    struct nsf_buf shown;
    nsf_buf_init(&shown, QUERY_MAX_BYTES);
    nsf_address_add_shown(address, path, &shown);
    const struct nsf_blob blob = {
        .name = nsf_buf_slice(&shown),
        .order = path,
        .size_bytes = NSF_SIZE_UNKNOWN,
        .hour = nsf_layout_parse(path).hour,
        .etag = nsf_slice(NULL, 0),
        .created_ms = NSF_TS_NONE,
        .is_gzip = nsf_slice_has_suffix_nocase(path, NSF_SLICE_LIT(".gz")),
        .is_remote = true,
        .source = &source->base,
    };
    nsf_listing_add(listing, &blob);
    nsf_buf_release(&shown);
}

static nsf_result source_list(struct nsf_source *base, const struct nsf_list_filter *filter,
                              struct nsf_listing *listing, struct nsf_err *err)
{
    struct azure_source *source = (struct azure_source *)base;
    struct nsf_azure_account *account = &source->account;
    const struct nsf_azure_options *options = account->options;
    const struct nsf_credential_needs needs = {
        .address = &account->address,
        .env = options->env,
        .http = account->http,
        .retry = options->retry,
        .say = options->say,
        .say_ctx = options->say_ctx,
    };
    nsf_result r = nsf_ok();
    if (account->credential == NULL)
        r = nsf_credential_new(&needs, &account->credential, err);
    if (nsf_failed(r))
        return r;
    if (!account->address.is_blob)
        return list_container(source, filter, listing, err);
    list_one_blob(source, listing);
    return r;
}

/* ---- the source ---- */

static struct nsf_slice name_of(const struct azure_source *source, const struct nsf_blob *blob)
{
    return source->account.address.trust == NSF_HOST_FOREIGN ? nsf_slice(NULL, 0) : blob->order;
}

static void source_expect(struct nsf_source *base, const struct nsf_blob *blob)
{
    struct azure_source *source = (struct azure_source *)base;
    nsf_azure_stream_expect(source->streams, name_of(source, blob), blob);
}

static nsf_result source_open(struct nsf_source *base, const struct nsf_blob *blob, const struct nsf_open *how,
                              struct nsf_stream **stream, struct nsf_err *err)
{
    struct azure_source *source = (struct azure_source *)base;
    return nsf_azure_stream_open(source->streams, name_of(source, blob), blob, how, stream, err);
}

static struct nsf_transfer source_transfer(const struct nsf_source *base)
{
    const struct nsf_azure_account *account = &((const struct azure_source *)base)->account;
    return (struct nsf_transfer){
        .requests = atomic_load(&account->n_requests),
        .retries = atomic_load(&account->n_retries),
        .bytes = atomic_load(&account->n_bytes),
    };
}

static void source_free(struct nsf_source *base)
{
    struct azure_source *source = (struct azure_source *)base;
    nsf_azure_streams_free(source->streams);
    nsf_credential_free(source->account.credential);
    nsf_arena_release(&source->arena);
    nsf_free(source);
}

static const struct nsf_source_ops source_ops = {.list = source_list,
                                                 .open = source_open,
                                                 .expect = source_expect,
                                                 .transfer = source_transfer,
                                                 .free = source_free};

static const char *ca_file_of(const struct nsf_azure_options *options)
{
    if (options->ca_file != NULL)
        return options->ca_file;
    const char *file = nsf_env_get(&options->env, "CURL_CA_BUNDLE");
    return file != NULL ? file : nsf_env_get(&options->env, "SSL_CERT_FILE");
}

nsf_result nsf_azure_source_new(struct nsf_azure *azure, struct nsf_slice location, struct nsf_source **result,
                                struct nsf_err *err)
{
    struct azure_source *source = nsf_calloc(1, sizeof(*source));
    struct nsf_azure_account *account = &source->account;
    const struct nsf_azure_options *options = &azure->options;
    source->base.ops = &source_ops;
    nsf_arena_init(&source->arena);
    account->azure = azure;
    account->options = options;
    account->http = (struct nsf_http_options){
        .user_agent = options->user_agent,
        .ca_file = ca_file_of(options),
        .connect_wait_ms = options->connect_wait_ms,
        .stall_wait_s = options->stall_wait_s,
        .is_stopped = options->is_stopped,
    };
    struct nsf_address_defaults defaults = {.endpoint = options->endpoint};
    nsf_result r = nsf_credential_defaults(&options->env, &source->arena, &defaults, err);
    if (!nsf_failed(r))
        r = nsf_address_parse(location, &defaults, &source->arena, &account->address, err);
    if (nsf_failed(r)) {
        source_free(&source->base);
        return r;
    }
    /* From here on this process holds secrets: none of them goes into a core dump. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    source->streams = nsf_azure_streams_new(account);
    *result = &source->base;
    return r;
}
