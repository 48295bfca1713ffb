#include "core/nsf_common.h"

#include "source/azure_fetch.h"

#include "core/mem.h"
#include "source/azure_list.h"
#include "source/sign.h"

/* Azure keeps the end of the document in a last block of two bytes, and puts new blocks before it. */
#define MOVING_TAIL_BYTES 2
/* A broken transfer that brought so much is no failure in a row: the next one begins to count anew. */
#define PROGRESS_BYTES ((size_t)256 << 10)
#define REPLACED_MAX 3
/* Where a glance will do. */
#define GLANCE_BYTES ((size_t)64 << 10)

/* One range while it is asked for, over all its tries. */
struct intake {
    struct nsf_azure_fetch *fetch;
    struct nsf_azure_slot *slot;
    uint64_t first;    /* of the range; slot->len bytes of it are there */
    uint64_t end;      /* behind its last byte; clipped once the size is known */
    bool is_checked;   /* the headers of this answer were looked at and are good */
    bool is_replanned; /* asked without a version, since the listed one is gone */
    bool is_other_blob;
    const char *garbage;               /* what is wrong with this answer */
    char md5[NSF_SIGN_MD5_TEXT_BYTES]; /* of the whole range, from the answer that began it; "" when not said */
};

static void copy_etag(char out[NSF_AZURE_ETAG_BYTES], struct nsf_slice etag)
{
    out[0] = '\0';
    if (etag.ptr != NULL && nsf_azure_is_etag(etag))
        snprintf(out, NSF_AZURE_ETAG_BYTES, "%.*s", NSF_SLICE_ARG(etag));
}

/* Of a header: quoted. A weak one (W/"...") names no bytes. */
static struct nsf_slice etag_of(const struct nsf_http_response *response)
{
    const struct nsf_slice value = nsf_http_header(response, "ETag");
    if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"')
        return nsf_slice("", 0);
    return nsf_slice(value.ptr + 1, value.len - 2);
}

static bool is_gzip_encoded(const struct nsf_http_response *response)
{
    const struct nsf_slice value = nsf_http_header(response, "Content-Encoding");
    return nsf_slice_eq_nocase(value, NSF_SLICE_LIT("gzip")) || nsf_slice_eq_nocase(value, NSF_SLICE_LIT("x-gzip"));
}

bool nsf_azure_parse_content_range(struct nsf_slice text, uint64_t *first, uint64_t *last, uint64_t *total)
{
    const struct nsf_slice unit = NSF_SLICE_LIT("bytes ");
    if (!nsf_slice_has_prefix_nocase(text, unit))
        return false;
    text = nsf_slice_from(text, unit.len);
    const size_t dash = nsf_slice_find(text, '-'), slash = nsf_slice_find(text, '/');
    if (dash >= slash || slash == text.len)
        return false;
    const uint64_t max = UINT64_MAX - 1;
    return nsf_slice_to_u64(nsf_slice(text.ptr, dash), max, first) &&
           nsf_slice_to_u64(nsf_slice(text.ptr + dash + 1, slash - dash - 1), max, last) &&
           nsf_slice_to_u64(nsf_slice_from(text, slash + 1), max, total) && *first <= *last && *last < *total;
}

static void forget_version(struct nsf_azure_fetch *fetch)
{
    fetch->version.etag[0] = '\0';
    fetch->version.size_bytes = NSF_SIZE_UNKNOWN;
    fetch->version.created_ms = NSF_TS_NONE;
    fetch->known_etag[0] = '\0';
    fetch->next = 0;
    fetch->has_given = false;
}

/* What earlier runs read is of another blob unless the listing shows that this one grew out of it. */
static void begin_where_it_ended(struct nsf_azure_fetch *fetch, const struct nsf_blob *blob, const struct nsf_open *how)
{
    const bool is_listed = blob->etag.len > 0 && blob->size_bytes != NSF_SIZE_UNKNOWN;
    fetch->next = how->from_offset;
    fetch->has_given = true;
    if (!is_listed) {
        copy_etag(fetch->known_etag, how->known_etag);
        fetch->version.created_ms = how->known_created_ms;
        return;
    }
    if (nsf_slice_eq(blob->etag, how->known_etag)) {
        fetch->is_unchanged = true;
        return;
    }
    const bool is_same_blob = blob->created_ms != NSF_TS_NONE && blob->created_ms == how->known_created_ms;
    if (is_same_blob && blob->size_bytes > how->from_offset)
        return;
    fetch->is_replaced = true;
    fetch->next = 0;
    fetch->has_given = false;
}

void nsf_azure_fetch_init(struct nsf_azure_fetch *fetch, struct nsf_azure_account *account,
                          const atomic_bool *is_cancelled)
{
    *fetch = (struct nsf_azure_fetch){.sum = nsf_sign_md5_sum_new()};
    nsf_azure_link_init(&fetch->link, account, is_cancelled);
}

void nsf_azure_fetch_release(struct nsf_azure_fetch *fetch)
{
    nsf_azure_link_release(&fetch->link);
    nsf_sign_md5_sum_free(fetch->sum);
}

void nsf_azure_fetch_begin(struct nsf_azure_fetch *fetch, struct nsf_slice name, const struct nsf_blob *blob,
                           const struct nsf_open *how)
{
    fetch->name = name;
    fetch->known_etag[0] = '\0';
    fetch->next = 0;
    fetch->has_given = fetch->is_unchanged = fetch->is_replaced = false;
    fetch->n_replaced = 0;
    fetch->range_bytes = fetch->link.account->options->range_bytes;
    if (how != NULL && how->is_glance && fetch->range_bytes > GLANCE_BYTES)
        fetch->range_bytes = GLANCE_BYTES;
    copy_etag(fetch->version.etag, blob->etag);
    fetch->version.size_bytes = blob->size_bytes;
    fetch->version.created_ms = blob->created_ms;
    fetch->version.is_gzip = blob->is_gzip;
    if (how != NULL && how->known_etag.len > 0)
        begin_where_it_ended(fetch, blob, how);
    else if (how != NULL)
        fetch->next = how->from_offset;
}

/* ---- one answer ---- */

/* Whether the blob that answers is the one read so far with bytes put in before its tail. */
static bool has_grown(const struct nsf_azure_fetch *fetch, uint64_t total, int64_t created_ms)
{
    const struct nsf_azure_version *old = &fetch->version;
    if (created_ms == NSF_TS_NONE || created_ms != old->created_ms)
        return false;
    if (old->size_bytes == NSF_SIZE_UNKNOWN)
        return total > fetch->next;
    return total > old->size_bytes && fetch->next + MOVING_TAIL_BYTES <= old->size_bytes;
}

/* The answer comes from a version other than the one known: settles which it is. False: another blob. */
static bool take_new_version(struct intake *intake, uint64_t total, struct nsf_slice etag, int64_t created_ms)
{
    struct nsf_azure_fetch *fetch = intake->fetch;
    if (fetch->has_given && !has_grown(fetch, total, created_ms)) {
        intake->is_other_blob = true;
        return false;
    }
    copy_etag(fetch->version.etag, etag);
    fetch->version.size_bytes = total;
    fetch->version.created_ms = created_ms;
    fetch->known_etag[0] = '\0';
    intake->is_replanned = false;
    return true;
}

static bool refuse(struct intake *intake, const char *why)
{
    intake->garbage = why;
    return false;
}

/* The headers of a 206, or of a 200 that brings all there is. */
static bool check_headers(struct intake *intake, const struct nsf_http_response *response)
{
    struct nsf_azure_fetch *fetch = intake->fetch;
    struct nsf_azure_version *version = &fetch->version;
    const uint64_t from = intake->first + intake->slot->len;
    uint64_t first = 0, last = 0, total = 0, length = 0;
    const struct nsf_slice length_text = nsf_http_header(response, "Content-Length");
    const bool has_length = nsf_slice_to_u64(length_text, UINT64_MAX - 1, &length);
    if (response->status == 200) {
        if (from != 0 || !has_length || length == 0 || length > intake->end)
            return refuse(intake, "the whole blob, where a part of it was asked for");
        total = length;
        last = length - 1;
    } else if (!nsf_azure_parse_content_range(nsf_http_header(response, "Content-Range"), &first, &last, &total)) {
        return refuse(intake, "a part without a Content-Range that says which");
    }
    const uint64_t end = intake->end < total ? intake->end : total;
    if (first != from || last + 1 != end || (has_length && length != end - from))
        return refuse(intake, "another part than the one asked for");
    const struct nsf_slice etag = etag_of(response);
    const int64_t created_ms = nsf_http_parse_date(nsf_http_header(response, "x-ms-creation-time"));
    const bool is_known_version = version->etag[0] != '\0'
                                      ? nsf_slice_eq(etag, nsf_slice_str(version->etag)) && total == version->size_bytes
                                      : version->size_bytes != NSF_SIZE_UNKNOWN && total == version->size_bytes;
    if (!is_known_version && version->etag[0] != '\0' && !intake->is_replanned)
        return refuse(intake, "another version than the one asked for");
    if (!is_known_version && intake->slot->len > 0)
        return refuse(intake, "another version than the part before");
    if (!is_known_version && !take_new_version(intake, total, etag, created_ms))
        return false;
    if (version->created_ms == NSF_TS_NONE)
        version->created_ms = created_ms;
    version->is_gzip = version->is_gzip || is_gzip_encoded(response);
    intake->end = end;
    if (intake->slot->len == 0 && response->status == 206) {
        const struct nsf_slice md5 = nsf_http_header(response, "Content-MD5");
        snprintf(intake->md5, sizeof(intake->md5), "%.*s", NSF_SLICE_ARG(md5));
    }
    return true;
}

static bool on_body(void *ctx, const struct nsf_http_response *response, const char *ptr, size_t len)
{
    struct intake *intake = ctx;
    struct nsf_azure_slot *slot = intake->slot;
    atomic_fetch_add(&intake->fetch->link.account->n_bytes, len);
    /* The text of an error, which may quote what was signed, is read past and never shown. */
    if (response->status != 206 && response->status != 200)
        return true;
    if (!intake->is_checked && !check_headers(intake, response))
        return false;
    intake->is_checked = true;
    if (len > intake->end - intake->first - slot->len)
        return refuse(intake, "more than was asked for");
    memcpy(slot->ptr + slot->len, ptr, len);
    /* While these bytes are in the cache and the next ones on their way. */
    if (intake->md5[0] != '\0' && slot->len == 0)
        nsf_sign_md5_sum_begin(intake->fetch->sum);
    if (intake->md5[0] != '\0')
        nsf_sign_md5_sum_add(intake->fetch->sum, ptr, len);
    slot->len += len;
    return true;
}

/* ---- one range ---- */

static void reserve(struct nsf_azure_slot *slot, size_t n_bytes)
{
    if (slot->capacity >= n_bytes)
        return;
    nsf_free(slot->ptr);
    slot->ptr = nsf_malloc(n_bytes);
    slot->capacity = n_bytes;
}

/* The last two bytes, which move, come together and at the end of a longer range: what was handed out stays good. */
static void plan(struct intake *intake)
{
    const struct nsf_azure_fetch *fetch = intake->fetch;
    const uint64_t range_bytes = fetch->range_bytes;
    const uint64_t size = fetch->version.size_bytes;
    intake->first = fetch->next;
    intake->end = fetch->next + range_bytes;
    if (size != NSF_SIZE_UNKNOWN && intake->end >= size && size > intake->first)
        intake->end = size;
    else if (size != NSF_SIZE_UNKNOWN && size > intake->end && size - intake->end <= MOVING_TAIL_BYTES &&
             range_bytes > 2 * MOVING_TAIL_BYTES)
        intake->end -= MOVING_TAIL_BYTES;
    intake->slot->len = 0;
    intake->md5[0] = '\0';
    reserve(intake->slot, (size_t)(intake->end - intake->first));
}

static bool has_checksum(struct intake *intake)
{
    char md5[NSF_SIGN_MD5_TEXT_BYTES];
    if (intake->md5[0] == '\0')
        return true;
    nsf_sign_md5_sum_finish(intake->fetch->sum, md5);
    if (md5[0] == '\0' || strcmp(md5, intake->md5) == 0)
        return true;
    intake->slot->len = 0;
    intake->md5[0] = '\0';
    return refuse(intake, "bytes that do not have the checksum sent with them");
}

/* What an answer means for the range. */
enum verdict {
    VERDICT_WHOLE, /* the range is there */
    VERDICT_AGAIN, /* ask again at once, with what is known now */
    VERDICT_TRY,   /* passing trouble, perhaps */
    VERDICT_END,   /* the blob is empty */
    VERDICT_UNCHANGED,
    VERDICT_REPLACED,
};

static enum verdict judge_412(struct intake *intake)
{
    if (intake->is_replanned || intake->fetch->version.etag[0] == '\0') {
        refuse(intake, "that a condition failed which was not set");
        return VERDICT_TRY;
    }
    intake->is_replanned = true;
    intake->slot->len = 0;
    intake->md5[0] = '\0';
    /* The range of a blob that grew may be longer now. */
    intake->end = intake->first + intake->fetch->range_bytes;
    reserve(intake->slot, (size_t)(intake->end - intake->first));
    return VERDICT_AGAIN;
}

/* Nothing at this offset: it is empty, or it shrank. */
static enum verdict judge_416(struct intake *intake)
{
    struct nsf_azure_fetch *fetch = intake->fetch;
    if (fetch->has_given)
        return VERDICT_REPLACED;
    if (intake->first == 0 && (intake->is_replanned || fetch->version.size_bytes == NSF_SIZE_UNKNOWN)) {
        fetch->version.size_bytes = 0;
        return VERDICT_END;
    }
    refuse(intake, "that there is nothing where the listing says there is");
    intake->is_replanned = true;
    return VERDICT_TRY;
}

static enum verdict judge(struct intake *intake, enum nsf_http_outcome outcome)
{
    struct nsf_azure_fetch *fetch = intake->fetch;
    const long status = fetch->link.response.status;
    if (intake->is_other_blob)
        return VERDICT_REPLACED;
    if (outcome != NSF_HTTP_DONE || intake->garbage != NULL)
        return VERDICT_TRY;
    switch (status) {
    case 200:
    case 206:
        if (!intake->is_checked || intake->slot->len < intake->end - intake->first) {
            refuse(intake, "less than it announced");
            return VERDICT_TRY;
        }
        return has_checksum(intake) ? VERDICT_WHOLE : VERDICT_TRY;
    case 304:
        if (fetch->known_etag[0] != '\0')
            return VERDICT_UNCHANGED;
        refuse(intake, "that nothing changed, which was not asked");
        return VERDICT_TRY;
    case 412:
        return judge_412(intake);
    case 416:
        return judge_416(intake);
    default:
        return VERDICT_TRY;
    }
}

static nsf_result fetch_range(struct intake *intake, enum verdict *verdict, struct nsf_err *err)
{
    struct nsf_azure_fetch *fetch = intake->fetch;
    struct nsf_azure_link *link = &fetch->link;
    unsigned n_failed = 0;
    for (;;) {
        const size_t had = intake->slot->len;
        const bool has_version = fetch->version.etag[0] != '\0' && !intake->is_replanned;
        const struct nsf_azure_call call = {
            .blob = fetch->name,
            .has_range = true,
            .from = intake->first + had,
            .to = intake->end - 1,
            .wants_md5 = true,
            .if_match = has_version ? nsf_slice_str(fetch->version.etag) : nsf_slice(NULL, 0),
            .if_none_match = fetch->known_etag[0] != '\0' ? nsf_slice_str(fetch->known_etag) : nsf_slice(NULL, 0),
            .on_body = on_body,
            .ctx = intake,
        };
        intake->garbage = NULL;
        intake->is_checked = false;
        enum nsf_http_outcome outcome = NSF_HTTP_BROKEN;
        if (!nsf_azure_call(link, &call, &outcome, err))
            return (nsf_result){.failed = true};
        *verdict = judge(intake, outcome);
        if (*verdict == VERDICT_AGAIN) {
            atomic_fetch_add(&link->account->n_retries, 1);
            continue;
        }
        if (*verdict != VERDICT_TRY)
            return nsf_ok();
        if (intake->slot->len >= had + PROGRESS_BYTES)
            n_failed = 0;
        if (!nsf_azure_wait_to_retry(link, &n_failed, outcome, intake->garbage != NULL, intake->garbage))
            return nsf_azure_report(link, NSF_AZURE_GET, nsf_azure_is_stopped(link) ? NSF_HTTP_STOPPED : outcome,
                                    intake->garbage, err);
    }
}

enum nsf_read nsf_azure_fetch_next(struct nsf_azure_fetch *fetch, struct nsf_azure_slot *slot, struct nsf_err *err)
{
    slot->len = 0;
    if (fetch->is_unchanged)
        return NSF_READ_UNCHANGED;
    if (fetch->is_replaced) {
        fetch->is_replaced = false;
        return NSF_READ_REPLACED;
    }
    if (fetch->next >= fetch->version.size_bytes)
        return NSF_READ_END;
    struct intake intake = {.fetch = fetch, .slot = slot};
    plan(&intake);
    enum verdict verdict = VERDICT_TRY;
    if (nsf_failed(fetch_range(&intake, &verdict, err))) {
        slot->len = 0;
        return NSF_READ_ERROR;
    }
    switch (verdict) {
    case VERDICT_WHOLE:
        fetch->next += slot->len;
        fetch->has_given = true;
        return NSF_READ_BYTES;
    case VERDICT_END:
        return NSF_READ_END;
    case VERDICT_UNCHANGED:
        fetch->is_unchanged = true;
        return NSF_READ_UNCHANGED;
    case VERDICT_REPLACED:
        slot->len = 0;
        forget_version(fetch);
        if (++fetch->n_replaced <= REPLACED_MAX)
            return NSF_READ_REPLACED;
        (void)NSF_FAIL(err, NSF_E_CHANGED, NSF_OFFSET_NONE, "made anew again and again while it was read");
        return NSF_READ_ERROR;
    case VERDICT_AGAIN:
    case VERDICT_TRY:
        break;
    }
    NSF_BUG("a range without a verdict");
}
