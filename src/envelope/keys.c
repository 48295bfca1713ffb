#include "core/nsf_common.h"

#include "envelope/keys.h"

/* From the `{` of a record to the end of its first member's name: more than any indentation. */
#define BORDER_LOOK_MAX_BYTES 512

/* For a name as long as the text is. */
#define IS(name, text) (memcmp((name).ptr, (text), sizeof(text) - 1) == 0)

/* By the length, which leaves two or three. */
enum nsf_key nsf_key_of(struct nsf_slice name)
{
    switch (name.len) {
    case 3:
        return IS(name, "mac") ? NSF_KEY_MAC : NSF_KEY_OTHER;
    case 4:
        return IS(name, "rule") ? NSF_KEY_RULE : IS(name, "time") ? NSF_KEY_TIME : NSF_KEY_OTHER;
    case 5:
        return IS(name, "flows") ? NSF_KEY_FLOWS : IS(name, "aclID") ? NSF_KEY_ACL_ID : NSF_KEY_OTHER;
    case 7:
        return IS(name, "Version") ? NSF_KEY_VERSION : IS(name, "records") ? NSF_KEY_RECORDS : NSF_KEY_OTHER;
    case 8:
        return IS(name, "category") ? NSF_KEY_CATEGORY : IS(name, "systemId") ? NSF_KEY_OF_RECORD : NSF_KEY_OTHER;
    case 10:
        return IS(name, "flowTuples")   ? NSF_KEY_FLOW_TUPLES
               : IS(name, "flowGroups") ? NSF_KEY_FLOW_GROUPS
               : IS(name, "macAddress") ? NSF_KEY_MAC_ADDRESS
               : IS(name, "resourceId") ? NSF_KEY_RESOURCE_ID
               : IS(name, "properties") ? NSF_KEY_PROPERTIES
                                        : NSF_KEY_OTHER;
    case 11:
        return IS(name, "flowRecords")   ? NSF_KEY_FLOW_RECORDS
               : IS(name, "flowLogGUID") ? NSF_KEY_OF_RECORD
                                         : NSF_KEY_OTHER;
    case 13:
        return IS(name, "operationName") ? NSF_KEY_OF_RECORD : NSF_KEY_OTHER;
    case 14:
        return IS(name, "flowLogVersion") ? NSF_KEY_FLOW_LOG_VERSION : NSF_KEY_OTHER;
    case 16:
        return IS(name, "targetResourceID") ? NSF_KEY_OF_RECORD : NSF_KEY_OTHER;
    case 17:
        return IS(name, "flowLogResourceID") ? NSF_KEY_FLOW_LOG_ID : NSF_KEY_OTHER;
    default:
        return NSF_KEY_OTHER;
    }
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
