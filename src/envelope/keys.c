#include "core/nsf_common.h"

#include "envelope/keys.h"

/* From the `{` of a record to the end of its first member's name: more than any indentation. */
#define BORDER_LOOK_MAX_BYTES 512

static const struct {
    struct nsf_slice name;
    enum nsf_key key;
} keys[] = {
#define KEY(name, key)                                                                                                 \
    {                                                                                                                  \
        {name, sizeof(name) - 1}, NSF_KEY_##key                                                                        \
    }
    KEY("rule", RULE),
    KEY("flowTuples", FLOW_TUPLES),
    KEY("flows", FLOWS),
    KEY("mac", MAC),
    KEY("flowGroups", FLOW_GROUPS),
    KEY("aclID", ACL_ID),
    KEY("time", TIME),
    KEY("category", CATEGORY),
    KEY("macAddress", MAC_ADDRESS),
    KEY("resourceId", RESOURCE_ID),
    KEY("flowLogResourceID", FLOW_LOG_ID),
    KEY("flowLogVersion", FLOW_LOG_VERSION),
    KEY("flowRecords", FLOW_RECORDS),
    KEY("properties", PROPERTIES),
    KEY("Version", VERSION),
    KEY("records", RECORDS),
    KEY("systemId", OF_RECORD),
    KEY("operationName", OF_RECORD),
    KEY("flowLogGUID", OF_RECORD),
    KEY("targetResourceID", OF_RECORD),
#undef KEY
};

enum nsf_key nsf_key_of(struct nsf_slice name)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(keys); i++)
        if (nsf_slice_eq(keys[i].name, name))
            return keys[i].key;
    return NSF_KEY_OTHER;
}

static size_t after_blanks(struct nsf_slice bytes, size_t at)
{
    while (at < bytes.len &&
           (bytes.ptr[at] == ' ' || bytes.ptr[at] == '\t' || bytes.ptr[at] == '\r' || bytes.ptr[at] == '\n'))
        at++;
    return at;
}

/* Whether the `{` at index 0 begins something like a record. */
static enum nsf_border judge(struct nsf_slice bytes)
{
    enum nsf_border cut = bytes.len < BORDER_LOOK_MAX_BYTES ? NSF_BORDER_MORE : NSF_BORDER_NONE;
    if (bytes.len > BORDER_LOOK_MAX_BYTES)
        bytes.len = BORDER_LOOK_MAX_BYTES;
    size_t from = after_blanks(bytes, 1);
    if (from == bytes.len)
        return cut;
    if (bytes.ptr[from] != '"')
        return NSF_BORDER_NONE;
    struct nsf_slice rest = nsf_slice_from(bytes, from + 1);
    size_t len = nsf_slice_find(rest, '"');
    if (len == rest.len)
        return cut;
    size_t colon = after_blanks(rest, len + 1);
    if (colon == rest.len)
        return cut;
    bool is_record = rest.ptr[colon] == ':' && !nsf_key_is_inner(nsf_key_of(nsf_slice(rest.ptr, len)));
    return is_record ? NSF_BORDER_FOUND : NSF_BORDER_NONE;
}

enum nsf_border nsf_border_find(struct nsf_slice bytes, size_t *at)
{
    for (;; (*at)++) {
        *at += nsf_slice_find(nsf_slice_from(bytes, *at), '{');
        if (*at == bytes.len)
            return NSF_BORDER_NONE;
        enum nsf_border border = judge(nsf_slice_from(bytes, *at));
        if (border != NSF_BORDER_NONE)
            return border;
    }
}
