#include "core/nsf_common.h"

#include "lists/networks.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/json_in.h"
#include "core/limits.h"
#include "core/mem.h"

#include <errno.h>

/* One bad line explains itself, a thousand say that it is the wrong file. */
#define BAD_SHOWN_MAX 20
#define BAD_SHOWN_BYTES 60

/* A member of a list that was read; it gets its name when the JSON object around it ends. */
struct item {
    struct nsf_ip first;
    struct nsf_ip last;
    struct nsf_slice name;
    bool is_mail;  /* its object names TCP 25 */
    bool is_other; /* its object names other ports only */
};

/* An open map or array of the document. */
struct frame {
    struct nsf_slice name;
    int name_rank;
    size_t first_item;  /* items read since it was opened */
    bool is_collecting; /* an array of addresses */
    bool has_ports;
    bool has_mail_port;
};

struct reader {
    struct nsf_slice bytes;
    struct nsf_slice path;
    struct nsf_problems *problems;
    struct nsf_arena arena;
    struct item *items;
    size_t n_items;
    size_t items_capacity;
    uint64_t n_bad;
    struct nsf_slice date;
    /* JSON only */
    struct nsf_json_in *json;
    struct frame frames[NSF_JSON_DEPTH_MAX + 1];
    unsigned depth;
    struct nsf_slice key;
    char key_bytes[64];
    bool is_known_shape;
};

/* ---- what both forms share ---- */

static uint64_t line_of(struct nsf_slice bytes, uint64_t offset)
{
    uint64_t line = 1;
    for (uint64_t i = 0; i < offset && i < bytes.len; i++)
        line += bytes.ptr[i] == '\n';
    return line;
}

static void report_bad(struct reader *r, uint64_t offset, const char *why, struct nsf_slice text)
{
    r->n_bad++;
    if (r->n_bad > BAD_SHOWN_MAX)
        return;
    if (text.len > BAD_SHOWN_BYTES)
        text.len = BAD_SHOWN_BYTES;
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result res = NSF_FAIL(&err, NSF_E_LIST, offset, "line %llu: \"%.*s\" %s",
                              (unsigned long long)line_of(r->bytes, offset), NSF_SLICE_ARG(text), why);
    (void)res;
    nsf_problems_add_err(r->problems, r->path, &err);
}

static bool is_one_of(struct nsf_slice word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (nsf_slice_eq_nocase(word, nsf_slice_str(words[i])))
            return true;
    return false;
}

static bool is_address_key(struct nsf_slice key)
{
    static const char *const keys[] = {"cidr",       "prefix",     "ip",        "address",     "network",  "range",
                                       "ipv4Prefix", "ipv6Prefix", "ip_prefix", "ipv6_prefix", "ipAddress"};
    return is_one_of(key, keys, NSF_ARRAY_LEN(keys));
}

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || c == ';' || c == ',';
}

static bool parse_range(struct nsf_slice text, struct item *item)
{
    struct nsf_prefix prefix;
    if (nsf_prefix_parse(text, &prefix)) {
        item->first = nsf_prefix_first(prefix);
        item->last = nsf_prefix_last(prefix);
        return true;
    }
    size_t dash = nsf_slice_find(text, '-');
    if (dash == text.len)
        return false;
    if (!nsf_ip_parse(nsf_slice_trim(nsf_slice(text.ptr, dash)), &item->first) ||
        !nsf_ip_parse(nsf_slice_trim(nsf_slice_from(text, dash + 1)), &item->last))
        return false;
    return nsf_ip_is_v4(item->first) == nsf_ip_is_v4(item->last) && nsf_ip_cmp(item->first, item->last) <= 0;
}

static bool is_everything(const struct item *item)
{
    if (nsf_ip_is_v4(item->first))
        return nsf_ip_to_v4(item->first) == 0 && nsf_ip_to_v4(item->last) == UINT32_MAX;
    return item->first.hi == 0 && item->last.hi == UINT64_MAX;
}

/* Where the address part of an entry ends: at the first separator, but blanks around the dash of a range are part of
 * it. */
static size_t address_end(struct nsf_slice text)
{
    size_t end = 0;
    while (end < text.len && !is_separator(text.ptr[end]))
        end++;
    struct nsf_slice rest = nsf_slice_trim(nsf_slice_from(text, end));
    bool ends_open = end > 0 && text.ptr[end - 1] == '-';
    if (!ends_open && !(rest.len > 1 && rest.ptr[0] == '-'))
        return end;
    size_t at = (size_t)(rest.ptr - text.ptr) + (ends_open ? 0 : 1);
    while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
        at++;
    while (at < text.len && !is_separator(text.ptr[at]))
        at++;
    return at;
}

/* As tables are exported. */
static struct nsf_slice without_quotes(struct nsf_slice text)
{
    bool is_quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    return is_quoted ? nsf_slice(text.ptr + 1, text.len - 2) : text;
}

/* `address[ ;]name`; the name is copied. */
static void take_entry(struct reader *r, struct nsf_slice text, uint64_t offset)
{
    struct item item = {.name = {NULL, 0}};
    size_t end = address_end(text);
    if (!parse_range(nsf_slice(text.ptr, end), &item)) {
        report_bad(r, offset, "is no network, address or range", text);
        return;
    }
    if (is_everything(&item)) {
        report_bad(r, offset, "covers every address and says nothing", text);
        return;
    }
    struct nsf_slice name = nsf_slice_from(text, end);
    while (name.len > 0 && is_separator(name.ptr[0]))
        name = nsf_slice_from(name, 1);
    name = without_quotes(nsf_slice_trim(name));
    if (name.len > NSF_NAME_MAX_BYTES)
        name.len = NSF_NAME_MAX_BYTES;
    if (name.len > 0)
        item.name = nsf_arena_copy(&r->arena, name);
    NSF_GROW(r->items, r->items_capacity, r->n_items + 1);
    r->items[r->n_items++] = item;
}

/* ---- text ---- */

static void take_comment(struct reader *r, struct nsf_slice text)
{
    static const char *const words[] = {"Last-Modified:", "Date:"};
    text = nsf_slice_trim(text);
    for (size_t i = 0; i < NSF_ARRAY_LEN(words); i++)
        if (r->date.ptr == NULL && nsf_slice_has_prefix_nocase(text, nsf_slice_str(words[i])))
            r->date = nsf_slice_trim(nsf_slice_from(text, strlen(words[i])));
}

/* The line over a table: "ip,ptr". */
static bool is_heading(const struct reader *r, struct nsf_slice line)
{
    size_t comma = nsf_slice_find(line, ',');
    struct nsf_slice first = without_quotes(nsf_slice_trim(nsf_slice(line.ptr, comma)));
    return comma < line.len && r->n_items == 0 && r->n_bad == 0 && is_address_key(first);
}

static void take_line(struct reader *r, struct nsf_slice line)
{
    size_t hash = nsf_slice_find(line, '#');
    if (hash < line.len)
        take_comment(r, nsf_slice_from(line, hash + 1));
    line = nsf_slice_trim(nsf_slice(line.ptr, hash));
    if (line.len == 0)
        return;
    if (line.ptr[0] == ';')
        take_comment(r, nsf_slice_from(line, 1));
    else if (!is_heading(r, line))
        take_entry(r, line, (uint64_t)(line.ptr - r->bytes.ptr));
}

static void read_text(struct reader *r)
{
    struct nsf_slice rest = r->bytes;
    r->is_known_shape = true; /* no line at all is an empty list */
    while (rest.len > 0) {
        size_t end = nsf_slice_find(rest, '\n');
        take_line(r, nsf_slice(rest.ptr, end));
        rest = nsf_slice_from(rest, end < rest.len ? end + 1 : end);
    }
}

/* ---- JSON ---- */

static bool is_list_key(struct nsf_slice key)
{
    static const char *const keys[] = {"list",     "ips",   "addressPrefixes", "prefixes",  "ranges",
                                       "networks", "cidrs", "addresses",       "ip_ranges", "ipRanges",
                                       "ipv4",     "ipv6",  "ip_list",         "values"};
    return is_one_of(key, keys, NSF_ARRAY_LEN(keys));
}

/* How well a member names the networks beside it; 0: not at all. */
static int name_rank(struct nsf_slice key)
{
    static const struct {
        const char *key;
        int rank;
    } ranks[] = {{"serviceAreaDisplayName", 5},
                 {"name", 4},
                 {"provider", 3},
                 {"sblid", 3},
                 {"serviceArea", 3},
                 {"service", 2},
                 {"owner", 2},
                 {"id", 1}};
    for (size_t i = 0; i < NSF_ARRAY_LEN(ranks); i++)
        if (nsf_slice_eq(key, nsf_slice_str(ranks[i].key)))
            return ranks[i].rank;
    return 0;
}

static struct frame *top(struct reader *r)
{
    return &r->frames[r->depth];
}

static void open_frame(struct reader *r, bool is_collecting)
{
    r->depth++;
    *top(r) = (struct frame){.first_item = r->n_items, .is_collecting = is_collecting};
    r->key = nsf_slice("", 0);
}

static bool on_start_map(void *ctx)
{
    open_frame(ctx, false);
    return true;
}

static bool on_start_array(void *ctx)
{
    struct reader *r = ctx;
    bool is_list = r->depth == 0 || is_list_key(r->key);
    if (is_list)
        r->is_known_shape = true;
    open_frame(r, is_list);
    return true;
}

static bool on_end(void *ctx)
{
    struct reader *r = ctx;
    const struct frame *frame = top(r);
    for (size_t i = frame->first_item; i < r->n_items; i++) {
        struct item *item = &r->items[i];
        if (item->name.len == 0)
            item->name = frame->name;
        item->is_mail |= frame->has_mail_port;
        item->is_other |= frame->has_ports && !frame->has_mail_port;
    }
    r->depth--;
    r->key = nsf_slice("", 0);
    return true;
}

static bool on_key(void *ctx, struct nsf_slice key)
{
    struct reader *r = ctx;
    size_t len = key.len < sizeof(r->key_bytes) ? key.len : 0; /* no key of interest is that long */
    memcpy(r->key_bytes, key.ptr, len);
    r->key = nsf_slice(r->key_bytes, len);
    return true;
}

static bool names_port_25(struct nsf_slice ports)
{
    while (ports.len > 0) {
        size_t end = nsf_slice_find(ports, ',');
        if (nsf_slice_eq(nsf_slice_trim(nsf_slice(ports.ptr, end)), NSF_SLICE_LIT("25")))
            return true;
        ports = nsf_slice_from(ports, end < ports.len ? end + 1 : end);
    }
    return false;
}

static void take_name(struct reader *r, struct nsf_slice text)
{
    int rank = name_rank(r->key);
    text = nsf_slice_trim(text);
    if (rank <= top(r)->name_rank || text.len == 0 || text.len > NSF_NAME_MAX_BYTES)
        return;
    top(r)->name_rank = rank;
    top(r)->name = nsf_arena_copy(&r->arena, text);
}

static bool on_string(void *ctx, struct nsf_slice text)
{
    struct reader *r = ctx;
    struct frame *frame = top(r);
    uint64_t end = nsf_json_in_offset(r->json);
    uint64_t offset = end > text.len + 1 ? end - text.len - 1 : 0; /* of its first character, if it holds no escape */
    if (frame->is_collecting) {
        take_entry(r, nsf_slice_trim(text), offset);
        return true;
    }
    if (is_address_key(r->key)) {
        r->is_known_shape = true;
        take_entry(r, nsf_slice_trim(text), offset);
    } else if (nsf_slice_eq(r->key, NSF_SLICE_LIT("tcpPorts"))) {
        frame->has_ports = true;
        frame->has_mail_port = names_port_25(text);
    } else if (nsf_slice_eq(r->key, NSF_SLICE_LIT("creationTime")) ||
               nsf_slice_eq(r->key, NSF_SLICE_LIT("createDate"))) {
        r->date = nsf_arena_copy(&r->arena, text);
    } else {
        take_name(r, text);
    }
    return true;
}

/* The version of MISP and Azure lists, the time stamp of Spamhaus. */
static bool on_number(void *ctx, struct nsf_slice text)
{
    struct reader *r = ctx;
    uint64_t value;
    if (top(r)->is_collecting) {
        report_bad(r, nsf_json_in_offset(r->json) - text.len, "is no network, address or range", text);
        return true;
    }
    if (r->depth != 1 || !nsf_slice_to_u64(text, UINT32_MAX, &value))
        return true;
    if (nsf_slice_eq(r->key, NSF_SLICE_LIT("timestamp"))) {
        char day[NSF_TIME_TEXT_BYTES];
        r->date = nsf_arena_copy(&r->arena, nsf_slice_str(nsf_time_format_day((int64_t)value / 86400, day)));
        r->is_known_shape = true; /* the line behind a Spamhaus list */
    } else if (nsf_slice_eq(r->key, NSF_SLICE_LIT("version")) || nsf_slice_eq(r->key, NSF_SLICE_LIT("changeNumber"))) {
        r->date = nsf_slice_str(nsf_arena_printf(&r->arena, "version %llu", (unsigned long long)value));
    }
    return true;
}

static const struct nsf_json_events events = {
    .number = on_number,
    .string = on_string,
    .start_map = on_start_map,
    .map_key = on_key,
    .end_map = on_end,
    .start_array = on_start_array,
    .end_array = on_end,
};

/* The next line that begins a value of its own, as in NDJSON; bytes.len: none. */
static size_t next_value(struct nsf_slice bytes, size_t from)
{
    for (size_t i = from; i + 1 < bytes.len; i++)
        if (bytes.ptr[i] == '\n' && bytes.ptr[i + 1] == '{')
            return i + 1;
    return bytes.len;
}

static void add_json_problem(struct reader *r, const struct nsf_err *err)
{
    r->n_bad++;
    if (r->n_bad <= BAD_SHOWN_MAX)
        nsf_problems_add_err(r->problems, r->path, err);
}

static void read_json(struct reader *r)
{
    r->json = nsf_json_in_new(&events, r, NSF_JSON_IN_MANY_VALUES);
    size_t at = 0;
    while (at < r->bytes.len) {
        struct nsf_err err = NSF_ERR_INIT;
        if (nsf_json_in_write(r->json, nsf_slice_from(r->bytes, at), &err) == NSF_JSON_IN_MORE &&
            nsf_json_in_finish(r->json, &err) == NSF_JSON_IN_MORE)
            break;
        add_json_problem(r, &err);
        at = next_value(r->bytes, err.offset < r->bytes.len ? (size_t)err.offset : r->bytes.len);
        r->depth = 0;
        *top(r) = (struct frame){.first_item = r->n_items};
        nsf_json_in_reset(r->json, at);
    }
    nsf_json_in_free(r->json);
}

/* ---- one list ---- */

static void hand_over(struct reader *r, struct nsf_networks *networks)
{
    bool has_mail = false;
    for (size_t i = 0; i < r->n_items && !has_mail; i++)
        has_mail = r->items[i].is_mail;
    uint32_t origin_idx = nsf_networks_add_origin(networks, r->path, r->date);
    for (size_t i = 0; i < r->n_items; i++) {
        const struct item *item = &r->items[i];
        if (!(has_mail && item->is_other))
            nsf_networks_add_range(networks, item->first, item->last, item->name, origin_idx);
    }
}

static void report_hidden(struct reader *r)
{
    if (r->n_bad <= BAD_SHOWN_MAX)
        return;
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result res = NSF_FAIL(&err, NSF_E_LIST, NSF_OFFSET_NONE, "%llu more entries cannot be read",
                              (unsigned long long)(r->n_bad - BAD_SHOWN_MAX));
    (void)res;
    nsf_problems_add_err(r->problems, r->path, &err);
}

static struct nsf_slice without_bom(struct nsf_slice bytes)
{
    return nsf_slice_has_prefix(bytes, NSF_SLICE_LIT("\xef\xbb\xbf")) ? nsf_slice_from(bytes, 3) : bytes;
}

nsf_result nsf_networks_read(struct nsf_networks *networks, struct nsf_slice bytes, struct nsf_slice path,
                             struct nsf_problems *problems, struct nsf_err *err)
{
    struct reader *r = nsf_calloc(1, sizeof(*r));
    r->bytes = without_bom(bytes);
    r->path = path;
    r->problems = problems;
    nsf_arena_init(&r->arena);
    struct nsf_slice start = nsf_slice_trim(r->bytes);
    if (start.len > 0 && (start.ptr[0] == '{' || start.ptr[0] == '['))
        read_json(r);
    else
        read_text(r);
    report_hidden(r);
    hand_over(r, networks);
    nsf_result res = nsf_ok();
    if (r->n_items == 0 && (r->n_bad > 0 || !r->is_known_shape))
        res = NSF_FAIL(err, NSF_E_LIST, 0, "it holds no network, address or range that can be read");
    nsf_free(r->items);
    nsf_arena_release(&r->arena);
    nsf_free(r);
    return res;
}

nsf_result nsf_networks_load(struct nsf_networks *networks, const char *path, struct nsf_problems *problems,
                             struct nsf_err *err)
{
    FILE *file = fopen(path, "rbe");
    struct nsf_buf buf;
    nsf_buf_init(&buf, NSF_LIST_MAX_BYTES);
    nsf_result res = nsf_ok();
    if (file == NULL) {
        res = NSF_FAIL(err, NSF_E_LIST, NSF_OFFSET_NONE, "cannot be opened: %s", strerror(errno));
        goto out;
    }
    for (size_t n = 1; n > 0;) {
        char *room = nsf_buf_reserve(&buf, NSF_CHUNK_BYTES);
        if (room == NULL) {
            res = NSF_FAIL(err, NSF_E_LIMIT, buf.len, "a list may have at most %zu bytes", NSF_LIST_MAX_BYTES);
            goto out;
        }
        n = fread(room, 1, NSF_CHUNK_BYTES, file);
        buf.len += n;
    }
    if (ferror(file)) {
        res = NSF_FAIL(err, NSF_E_LIST, buf.len, "cannot be read: %s", strerror(errno));
        goto out;
    }
    res = nsf_networks_read(networks, nsf_buf_slice(&buf), nsf_slice_str(path), problems, err);
out:
    if (nsf_failed(res))
        nsf_err_set_subject(err, path);
    if (file != NULL)
        fclose(file);
    nsf_buf_release(&buf);
    return res;
}
