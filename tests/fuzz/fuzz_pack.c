#include "core/nsf_common.h"

#include "store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever unpacks, packs to bytes that unpack and pack to themselves. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nsf_scopes *scopes = nsf_scopes_new();
    struct nsf_batch *batch = nsf_batch_new(), *again = nsf_batch_new();
    struct nsf_buf first, second;
    nsf_buf_init(&first, NSF_PACK_MAX_BYTES);
    nsf_buf_init(&second, NSF_PACK_MAX_BYTES);
    if (!nsf_failed(nsf_unpack_batch(nsf_slice((const char *)data, size), scopes, batch, NULL))) {
        nsf_pack_batch(batch, scopes, &first);
        if (nsf_failed(nsf_unpack_batch(nsf_buf_slice(&first), scopes, again, NULL)))
            abort();
        nsf_pack_batch(again, scopes, &second);
        if (!nsf_slice_eq(nsf_buf_slice(&first), nsf_buf_slice(&second)))
            abort();
    }
    nsf_buf_release(&first);
    nsf_buf_release(&second);
    nsf_batch_free(batch);
    nsf_batch_free(again);
    nsf_scopes_free(scopes);
    return 0;
}
