#include "core/nsf_common.h"

#include "codec/inflater.h"

#if defined(HAVE_ISAL) && HAVE_ISAL

#include "core/err.h"
#include "core/mem.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

/* The header of a member is read here: the library loses count of a header's own check sum when it comes in pieces. */
#define FLAG_HEADER_CHECK 2
#define FLAG_EXTRA 4
#define FLAG_NAME 8
#define FLAG_COMMENT 16
#define FLAGS_RESERVED 0xe0
#define METHOD_DEFLATE 8

enum header_part {
    PART_FIXED, /* ten bytes */
    PART_EXTRA_LEN,
    PART_EXTRA,
    PART_NAME,
    PART_COMMENT,
    PART_CHECK,
    PART_BODY,
};

struct isal_inflater {
    struct nsf_inflater base;
    enum header_part part;
    unsigned part_at; /* bytes of the part that were seen */
    unsigned flags;
    unsigned extra_len;
    uint32_t check; /* of the header */
    uint32_t logged_check;
    struct inflate_state state;
};

static void isal_reset(struct nsf_inflater *base)
{
    struct isal_inflater *inflater = (struct isal_inflater *)base;
    isal_inflate_reset(&inflater->state);
    inflater->state.avail_in = 0;
    inflater->state.crc_flag = ISAL_GZIP_NO_HDR_VER;
    inflater->part = PART_FIXED;
    inflater->part_at = 0;
    inflater->check = 0;
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

/* Parts that the flags say are not there are passed. */
static void next_part(struct isal_inflater *inflater)
{
    static const unsigned flag_of[] = {
        [PART_EXTRA_LEN] = FLAG_EXTRA, [PART_EXTRA] = FLAG_EXTRA,        [PART_NAME] = FLAG_NAME,
        [PART_COMMENT] = FLAG_COMMENT, [PART_CHECK] = FLAG_HEADER_CHECK,
    };
    inflater->part_at = 0;
    do {
        inflater->part++;
    } while (inflater->part < PART_BODY && (inflater->flags & flag_of[inflater->part]) == 0);
    if (inflater->part == PART_EXTRA && inflater->extra_len == 0)
        next_part(inflater);
}

/* Of the ten fixed bytes; NULL when it is right. The first two were seen before. */
static const char *take_fixed(struct isal_inflater *inflater, unsigned char byte)
{
    if (inflater->part_at == 2 && byte != METHOD_DEFLATE)
        return "unknown compression method";
    if (inflater->part_at == 3 && (byte & FLAGS_RESERVED) != 0)
        return "unknown header flags set";
    if (inflater->part_at == 3)
        inflater->flags = byte;
    if (++inflater->part_at == 10)
        next_part(inflater);
    return NULL;
}

/* One byte of the header; NULL when it is right. */
static const char *take_header(struct isal_inflater *inflater, unsigned char byte)
{
    if (inflater->part != PART_CHECK)
        inflater->check = crc32_gzip_refl(inflater->check, &byte, 1);
    unsigned at = inflater->part_at;
    switch (inflater->part) {
    case PART_FIXED:
        return take_fixed(inflater, byte);
    case PART_EXTRA_LEN:
        inflater->extra_len = at == 0 ? byte : inflater->extra_len | (unsigned)byte << 8;
        inflater->part_at++;
        if (at == 1)
            next_part(inflater);
        return NULL;
    case PART_EXTRA:
        if (++inflater->part_at == inflater->extra_len)
            next_part(inflater);
        return NULL;
    case PART_NAME:
    case PART_COMMENT:
        if (byte == 0)
            next_part(inflater);
        return NULL;
    case PART_CHECK:
        inflater->logged_check = at == 0 ? byte : inflater->logged_check | (uint32_t)byte << 8;
        inflater->part_at++;
        if (at == 0)
            return NULL;
        next_part(inflater);
        return inflater->logged_check == (inflater->check & 0xffff) ? NULL : "header crc mismatch";
    case PART_BODY:
        break;
    }
    NSF_BUG("a gzip header without a part");
}

static uint32_t at_most_u32(size_t n)
{
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static enum nsf_inflated isal_run(struct nsf_inflater *base, struct nsf_inflate_io *io, const char **why)
{
    struct isal_inflater *inflater = (struct isal_inflater *)base;
    struct inflate_state *state = &inflater->state;
    for (; inflater->part != PART_BODY && io->n_in > 0; io->in++, io->n_in--) {
        *why = take_header(inflater, *io->in);
        if (*why != NULL)
            return NSF_INFLATED_BAD;
    }
    if (inflater->part != PART_BODY)
        return NSF_INFLATED_MORE;
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
