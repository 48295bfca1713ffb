#include "core/nsf_common.h"

#include "flow/scope.h"

#include "core/buf.h"
#include "core/hash.h"
#include "core/intern.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/thread.h"

/* A scope is interned by its texts, one after the other with their lengths in front, so that no two differ only in
 * where one text ends. */
struct nsf_scopes {
    struct nsf_mutex *mutex;
    struct nsf_intern keys;
    struct nsf_scope *scopes;
    size_t capacity;
    struct nsf_buf key;
};

struct nsf_scopes *nsf_scopes_new(void)
{
    struct nsf_scopes *scopes = nsf_calloc(1, sizeof(*scopes));
    scopes->mutex = nsf_mutex_new();
    nsf_intern_init(&scopes->keys, nsf_hash_random_seed());
    nsf_buf_init(&scopes->key, 4 * (NSF_JSON_TOKEN_MAX_BYTES + sizeof(size_t)) + 1);
    return scopes;
}

void nsf_scopes_free(struct nsf_scopes *scopes)
{
    if (scopes == NULL)
        return;
    nsf_intern_release(&scopes->keys);
    nsf_buf_release(&scopes->key);
    nsf_free(scopes->scopes);
    nsf_mutex_free(scopes->mutex);
    nsf_free(scopes);
}

static void add_part(struct nsf_buf *key, struct nsf_slice part)
{
    /* An absent text is not the empty one. */
    size_t len = part.ptr == NULL ? SIZE_MAX : part.len;
    nsf_buf_add(key, nsf_slice((const char *)&len, sizeof(len)));
    nsf_buf_add(key, part);
}

static struct nsf_slice take_part(struct nsf_slice *key)
{
    size_t len;
    memcpy(&len, key->ptr, sizeof(len));
    *key = nsf_slice_from(*key, sizeof(len));
    if (len == SIZE_MAX)
        return (struct nsf_slice){NULL, 0};
    struct nsf_slice part = nsf_slice(key->ptr, len);
    *key = nsf_slice_from(*key, len);
    return part;
}

/* The texts of the new scope are those inside its interned key. */
static struct nsf_scope scope_of_key(struct nsf_slice key)
{
    struct nsf_scope scope;
    scope.layout = (enum nsf_layout)key.ptr[0];
    key = nsf_slice_from(key, 1);
    scope.flow_log = take_part(&key);
    scope.mac = take_part(&key);
    scope.nsg = take_part(&key);
    scope.rule = take_part(&key);
    return scope;
}

uint32_t nsf_scopes_add(struct nsf_scopes *scopes, const struct nsf_scope *scope)
{
    nsf_mutex_lock(scopes->mutex);
    nsf_buf_reset(&scopes->key);
    nsf_buf_add_char(&scopes->key, (char)scope->layout);
    add_part(&scopes->key, scope->flow_log);
    add_part(&scopes->key, scope->mac);
    add_part(&scopes->key, scope->nsg);
    add_part(&scopes->key, scope->rule);
    uint32_t before = scopes->keys.n;
    uint32_t id = nsf_intern_add(&scopes->keys, nsf_buf_slice(&scopes->key));
    if (id == before) {
        NSF_GROW(scopes->scopes, scopes->capacity, (size_t)id + 1);
        scopes->scopes[id] = scope_of_key(nsf_intern_get(&scopes->keys, id));
    }
    nsf_mutex_unlock(scopes->mutex);
    return id;
}

struct nsf_scope nsf_scopes_get(struct nsf_scopes *scopes, uint32_t scope_id)
{
    nsf_mutex_lock(scopes->mutex);
    struct nsf_scope scope = scopes->scopes[scope_id];
    nsf_mutex_unlock(scopes->mutex);
    return scope;
}

uint32_t nsf_scopes_count(struct nsf_scopes *scopes)
{
    nsf_mutex_lock(scopes->mutex);
    uint32_t n = scopes->keys.n;
    nsf_mutex_unlock(scopes->mutex);
    return n;
}
