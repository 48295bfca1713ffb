#include "core/nsf_common.h"

#include "lists/exceptions.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/json_dom.h"
#include "core/limits.h"
#include "core/mem.h"

#include <errno.h>

#define EXCEPTIONS_MAX_BYTES ((size_t)64 << 20)
#define DATE_COLUMNS 10 /* 2026-12-31 */

struct entry {
    struct nsf_slice nsg; /* absent: every NSG */
    struct nsf_slice rule;
    struct nsf_exception exception;
};

struct nsf_exceptions {
    struct nsf_arena arena;
    struct entry *entries;
    size_t n;
    size_t capacity;
    int64_t now_ms;
};

struct nsf_exceptions *nsf_exceptions_new(int64_t now_ms)
{
    struct nsf_exceptions *exceptions = nsf_calloc(1, sizeof(*exceptions));
    nsf_arena_init(&exceptions->arena);
    exceptions->now_ms = now_ms;
    return exceptions;
}

void nsf_exceptions_free(struct nsf_exceptions *exceptions)
{
    if (exceptions == NULL)
        return;
    nsf_arena_release(&exceptions->arena);
    nsf_free(exceptions->entries);
    nsf_free(exceptions);
}

static void add_problem(struct nsf_problems *problems, struct nsf_slice path, const struct nsf_json *at,
                        const char *detail)
{
    struct nsf_problem problem = {.path = path, .offset = at->offset, .code = NSF_E_LIST};
    problem.detail = nsf_slice_str(detail);
    nsf_problems_add(problems, &problem);
}

/* A date alone holds to its end. */
static bool read_end(const struct nsf_json *map, const char *key, int64_t *end_ms)
{
    struct nsf_slice text = nsf_json_get_string(map, key);
    *end_ms = NSF_TS_NONE;
    if (nsf_json_is_unset(nsf_json_get_nocase(map, key)))
        return true;
    if (!nsf_time_parse(text, end_ms))
        return false;
    if (text.len == DATE_COLUMNS)
        *end_ms += NSF_MS_PER_DAY;
    return true;
}

static bool is_over(const struct nsf_exceptions *exceptions, int64_t end_ms)
{
    return end_ms != NSF_TS_NONE && end_ms <= exceptions->now_ms;
}

static struct nsf_slice copy(struct nsf_exceptions *exceptions, struct nsf_slice text)
{
    return text.ptr == NULL ? text : nsf_arena_copy(&exceptions->arena, text);
}

static void read_entry(struct nsf_exceptions *exceptions, const struct nsf_json *map, struct nsf_slice path,
                       struct nsf_problems *problems)
{
    struct entry entry = {.nsg = nsf_json_get_string(map, "nsg"), .rule = nsf_json_get_string(map, "rule")};
    struct nsf_exception *exception = &entry.exception;
    if (entry.rule.len == 0) {
        add_problem(problems, path, map, "an exception without the name of a rule");
        return;
    }
    if (!read_end(map, "expires", &exception->expires_ms)) {
        add_problem(problems, path, map, "an exception whose expiry is no date: it does not hold");
        return;
    }
    if (!read_end(map, "deadline", &exception->deadline_ms))
        add_problem(problems, path, map, "an exception whose deadline is no date: it counts without one");
    entry.nsg = entry.nsg.len == 0 ? nsf_slice(NULL, 0) : copy(exceptions, entry.nsg);
    entry.rule = copy(exceptions, entry.rule);
    exception->owner = copy(exceptions, nsf_json_get_string(map, "owner"));
    exception->reason = copy(exceptions, nsf_json_get_string(map, "reason"));
    exception->is_expired = is_over(exceptions, exception->expires_ms);
    exception->is_past_deadline = is_over(exceptions, exception->deadline_ms);
    NSF_GROW(exceptions->entries, exceptions->capacity, exceptions->n + 1);
    exceptions->entries[exceptions->n++] = entry;
}

nsf_result nsf_exceptions_read(struct nsf_exceptions *exceptions, struct nsf_slice text, struct nsf_slice path,
                               struct nsf_problems *problems, struct nsf_err *err)
{
    struct nsf_arena tree;
    nsf_arena_init(&tree);
    nsf_result r = nsf_ok();
    const struct nsf_json *root = nsf_json_parse(&tree, text, 0, 1, err);
    const struct nsf_json *list = nsf_json_is(root, NSF_JSON_MAP) ? nsf_json_get_nocase(root, "exceptions") : root;
    if (root == NULL)
        r = (nsf_result){.failed = true};
    else if (!nsf_json_is(list, NSF_JSON_ARRAY))
        r = NSF_FAIL(err, NSF_E_LIST, 0,
                     "no list of exceptions: [{\"nsg\":..., \"rule\":..., \"owner\":..., "
                     "\"reason\":..., \"expires\":...}]");
    for (size_t i = 0; !nsf_failed(r) && i < nsf_json_len(list); i++)
        read_entry(exceptions, nsf_json_item(list, i), path, problems);
    nsf_arena_release(&tree);
    return r;
}

nsf_result nsf_exceptions_load(struct nsf_exceptions *exceptions, const char *path, struct nsf_problems *problems,
                               struct nsf_err *err)
{
    struct nsf_buf text;
    nsf_result r = nsf_ok();
    FILE *file = fopen(path, "rbe");
    nsf_buf_init(&text, EXCEPTIONS_MAX_BYTES);
    if (file == NULL)
        r = NSF_FAIL(err, NSF_E_LIST, NSF_OFFSET_NONE, "cannot be opened: %s", strerror(errno));
    for (size_t n = 1; n > 0 && !nsf_failed(r);) {
        char *room = nsf_buf_reserve(&text, NSF_CHUNK_BYTES);
        n = room == NULL ? 0 : fread(room, 1, NSF_CHUNK_BYTES, file);
        text.len += n;
        if (room == NULL)
            r = NSF_FAIL(err, NSF_E_LIMIT, text.len, "exceptions may have at most %zu bytes", EXCEPTIONS_MAX_BYTES);
        else if (ferror(file))
            r = NSF_FAIL(err, NSF_E_LIST, text.len, "cannot be read: %s", strerror(errno));
    }
    if (!nsf_failed(r))
        r = nsf_exceptions_read(exceptions, nsf_buf_slice(&text), nsf_slice_str(path), problems, err);
    if (file != NULL)
        fclose(file);
    nsf_buf_release(&text);
    return r;
}

static bool fits(const struct entry *entry, struct nsf_slice nsg_id, struct nsf_slice nsg_name, struct nsf_slice rule)
{
    bool is_nsg =
        entry->nsg.ptr == NULL || nsf_slice_eq_nocase(entry->nsg, nsg_id) || nsf_slice_eq_nocase(entry->nsg, nsg_name);
    return is_nsg && nsf_slice_eq_nocase(entry->rule, rule);
}

/* Without an end, then the later end, then by text: the order of entries does not matter. */
static bool holds_longer(const struct nsf_exception *a, const struct nsf_exception *b)
{
    bool a_ends = a->expires_ms != NSF_TS_NONE, b_ends = b->expires_ms != NSF_TS_NONE;
    if (a_ends != b_ends)
        return b_ends;
    if (a->expires_ms != b->expires_ms)
        return a->expires_ms > b->expires_ms;
    int order = nsf_slice_cmp(a->owner, b->owner);
    if (order == 0)
        order = nsf_slice_cmp(a->reason, b->reason);
    return order != 0 ? order < 0 : a->deadline_ms < b->deadline_ms;
}

const struct nsf_exception *nsf_exceptions_find(const struct nsf_exceptions *exceptions, struct nsf_slice nsg_id,
                                                struct nsf_slice nsg_name, struct nsf_slice rule)
{
    const struct nsf_exception *best = NULL;
    for (size_t i = 0; i < exceptions->n; i++) {
        const struct entry *entry = &exceptions->entries[i];
        if (fits(entry, nsg_id, nsg_name, rule) && (best == NULL || holds_longer(&entry->exception, best)))
            best = &entry->exception;
    }
    return best;
}
