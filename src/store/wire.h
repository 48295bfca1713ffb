/*
 * wire.h - numbers and texts to bytes and back, the same on every processor.
 *
 * Numbers are base-128, low part first; differences are zigzag, modulo 2^64, so that every int64_t makes the trip. The
 * reader never goes past its end: a failure sticks, and everything read behind it is zero. Pure functions.
 */
#ifndef NSF_WIRE_H
#define NSF_WIRE_H

#include "core/buf.h"
#include "core/ipaddr.h"

/* ---- writing ---- */

void nsf_wire_put_u64(struct nsf_buf *buf, uint64_t value);
static inline void nsf_wire_put_u8(struct nsf_buf *buf, uint8_t value)
{
    nsf_buf_add_char(buf, (char)value);
}
/* value - before, which is short when the two are close. */
static inline void nsf_wire_put_step(struct nsf_buf *buf, uint64_t value, uint64_t before)
{
    uint64_t step = value - before;
    nsf_wire_put_u64(buf, step << 1 ^ (step >> 63 == 0 ? 0 : UINT64_MAX));
}
/* Little-endian, n_bytes of it. */
void nsf_wire_put_fixed(struct nsf_buf *buf, uint64_t value, unsigned n_bytes);
/* An absent text is not the empty one. */
void nsf_wire_put_text(struct nsf_buf *buf, struct nsf_slice text);
/* 4 bytes for IPv4, else 16; the reader has to know which. */
void nsf_wire_put_ip(struct nsf_buf *buf, struct nsf_ip ip);

/* ---- reading ---- */

struct nsf_wire {
    const char *at;
    const char *end;
    bool has_failed; /* went past the end, or met what no writer writes */
};

static inline struct nsf_wire nsf_wire_of(struct nsf_slice bytes)
{
    return (struct nsf_wire){.at = bytes.ptr, .end = bytes.ptr == NULL ? NULL : bytes.ptr + bytes.len};
}

static inline size_t nsf_wire_left(const struct nsf_wire *wire)
{
    return wire->at == NULL ? 0 : (size_t)(wire->end - wire->at);
}

uint64_t nsf_wire_u64(struct nsf_wire *wire);
/* At most max, else the reader fails. */
uint64_t nsf_wire_u64_max(struct nsf_wire *wire, uint64_t max);
/* How many things follow, each at least n_bytes_each long: more than the bytes that are left can hold fails. */
size_t nsf_wire_count(struct nsf_wire *wire, size_t n_bytes_each);
uint8_t nsf_wire_u8(struct nsf_wire *wire);
uint64_t nsf_wire_step(struct nsf_wire *wire, uint64_t before);
uint64_t nsf_wire_fixed(struct nsf_wire *wire, unsigned n_bytes);
/* Lends a part of the bytes that are read. */
struct nsf_slice nsf_wire_text(struct nsf_wire *wire);
struct nsf_ip nsf_wire_ip(struct nsf_wire *wire, bool is_v4);

#endif
