#include "core/nsf_common.h"

#include "envelope/peek.h"

#include "core/limits.h"

/* NSG records are at most about 32 KB. */
#define PEEK_BYTES ((size_t)16 << 10)

int64_t nsf_peek_time(struct nsf_envelope *env, struct nsf_codec *codec, struct nsf_stream *stream)
{
    struct nsf_batch *batch = nsf_batch_new();
    enum nsf_read read = NSF_READ_BYTES;
    uint64_t n_bytes = 0;
    nsf_codec_open(codec, stream, 0);
    nsf_envelope_begin(env, 0, NSF_PLACE_START);
    while (nsf_envelope_first_time(env) == NSF_TS_NONE && n_bytes < NSF_RECORD_MAX_BYTES && read == NSF_READ_BYTES) {
        size_t capacity, n;
        char *room = nsf_envelope_room(env, &capacity);
        read = nsf_codec_read(codec, room, capacity < PEEK_BYTES ? capacity : PEEK_BYTES, &n, NULL);
        if (read == NSF_READ_BYTES) {
            nsf_envelope_commit(env, n, batch);
            n_bytes += n;
            nsf_batch_reset(batch);
        }
    }
    if (read == NSF_READ_END)
        nsf_envelope_finish(env, batch);
    nsf_batch_free(batch);
    return nsf_envelope_first_time(env);
}
