#include "core/nsf_common.h"

#include "codec/inflater.h"

#if defined(HAVE_ISAL) && HAVE_ISAL

#include "core/mem.h"

#include <isa-l/igzip_lib.h>

struct isal_inflater {
    struct nsf_inflater base;
    struct inflate_state state;
};

static void isal_reset(struct nsf_inflater *base)
{
    struct isal_inflater *inflater = (struct isal_inflater *)base;
    isal_inflate_reset(&inflater->state);
    inflater->state.avail_in = 0;
    inflater->state.crc_flag = ISAL_GZIP;
}

static struct nsf_inflater *isal_new(void)
{
    struct isal_inflater *inflater = nsf_calloc(1, sizeof(*inflater));
    inflater->base.ops = &nsf_inflater_isal;
    isal_inflate_init(&inflater->state);
    isal_reset(&inflater->base);
    return &inflater->base;
}

static const char *reason(int status)
{
    switch (status) {
    case ISAL_INVALID_BLOCK:
        return "invalid block";
    case ISAL_INVALID_SYMBOL:
        return "invalid symbol";
    case ISAL_INVALID_LOOKBACK:
        return "invalid distance too far back";
    case ISAL_INVALID_WRAPPER:
        return "incorrect header check";
    case ISAL_UNSUPPORTED_METHOD:
        return "unknown compression method";
    case ISAL_INCORRECT_CHECKSUM:
        return "incorrect data check";
    case ISAL_NEED_DICT:
        return "it needs a dictionary";
    default:
        return "unknown reason";
    }
}

static uint32_t at_most_u32(size_t n)
{
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static enum nsf_inflated isal_run(struct nsf_inflater *base, struct nsf_inflate_io *io, const char **why)
{
    struct inflate_state *state = &((struct isal_inflater *)base)->state;
    const uint32_t n_in = at_most_u32(io->n_in), n_out = at_most_u32(io->n_out);
    memcpy(&state->next_in, &io->in, sizeof(io->in)); /* its pointer is not const, though it only reads */
    state->avail_in = n_in;
    state->next_out = io->out;
    state->avail_out = n_out;
    const int status = isal_inflate(state);
    io->in += n_in - state->avail_in;
    io->n_in -= n_in - state->avail_in;
    io->out += n_out - state->avail_out;
    io->n_out -= n_out - state->avail_out;
    if (status < 0 || status == ISAL_NEED_DICT) {
        *why = reason(status);
        return NSF_INFLATED_BAD;
    }
    return state->block_state == ISAL_BLOCK_FINISH ? NSF_INFLATED_END : NSF_INFLATED_MORE;
}

static void isal_free(struct nsf_inflater *base)
{
    nsf_free(base);
}

const struct nsf_inflater_ops nsf_inflater_isal = {
    .new_inflater = isal_new,
    .reset = isal_reset,
    .run = isal_run,
    .free = isal_free,
};

#else

/* An empty translation unit is no ISO C. */
extern const struct nsf_inflater_ops nsf_inflater_zlib;

#endif
