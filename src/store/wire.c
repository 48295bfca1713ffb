#include "core/nsf_common.h"

#include "store/wire.h"

void nsf_wire_put_u64(struct nsf_buf *buf, uint64_t value)
{
    char bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (char)(value | 0x80);
    bytes[n++] = (char)value;
    nsf_buf_add(buf, nsf_slice(bytes, n));
}

void nsf_wire_put_fixed(struct nsf_buf *buf, uint64_t value, unsigned n_bytes)
{
    char bytes[8];
    for (unsigned i = 0; i < n_bytes; i++)
        bytes[i] = (char)(value >> (8 * i));
    nsf_buf_add(buf, nsf_slice(bytes, n_bytes));
}

void nsf_wire_put_text(struct nsf_buf *buf, struct nsf_slice text)
{
    nsf_wire_put_u64(buf, text.ptr == NULL ? 0 : (uint64_t)text.len + 1);
    nsf_buf_add(buf, text);
}

void nsf_wire_put_ip(struct nsf_buf *buf, struct nsf_ip ip)
{
    if (nsf_ip_is_v4(ip)) {
        nsf_wire_put_fixed(buf, nsf_ip_to_v4(ip), 4);
        return;
    }
    nsf_wire_put_fixed(buf, ip.hi, 8);
    nsf_wire_put_fixed(buf, ip.lo, 8);
}

static void fail(struct nsf_wire *wire)
{
    wire->has_failed = true;
    wire->at = wire->end;
}

uint64_t nsf_wire_u64(struct nsf_wire *wire)
{
    uint64_t value = 0;
    for (unsigned shift = 0; wire->at != wire->end; shift += 7) {
        uint8_t byte = (uint8_t)*wire->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    fail(wire);
    return 0;
}

uint64_t nsf_wire_u64_max(struct nsf_wire *wire, uint64_t max)
{
    uint64_t value = nsf_wire_u64(wire);
    if (value <= max)
        return value;
    fail(wire);
    return 0;
}

size_t nsf_wire_count(struct nsf_wire *wire, size_t n_bytes_each)
{
    uint64_t n = nsf_wire_u64(wire);
    if (n <= nsf_wire_left(wire) / n_bytes_each)
        return (size_t)n;
    fail(wire);
    return 0;
}

uint8_t nsf_wire_u8(struct nsf_wire *wire)
{
    return (uint8_t)nsf_wire_fixed(wire, 1);
}

uint64_t nsf_wire_step(struct nsf_wire *wire, uint64_t before)
{
    uint64_t zigzag = nsf_wire_u64(wire);
    return before + (zigzag >> 1 ^ ((zigzag & 1) == 0 ? 0 : UINT64_MAX));
}

uint64_t nsf_wire_fixed(struct nsf_wire *wire, unsigned n_bytes)
{
    if (nsf_wire_left(wire) < n_bytes) {
        fail(wire);
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < n_bytes; i++)
        value |= (uint64_t)(uint8_t)*wire->at++ << (8 * i);
    return value;
}

struct nsf_slice nsf_wire_text(struct nsf_wire *wire)
{
    uint64_t n = nsf_wire_u64(wire);
    if (n == 0)
        return (struct nsf_slice){NULL, 0};
    if (n - 1 > nsf_wire_left(wire)) {
        fail(wire);
        return (struct nsf_slice){NULL, 0};
    }
    struct nsf_slice text = nsf_slice(wire->at, (size_t)(n - 1));
    wire->at += n - 1;
    return text;
}

struct nsf_ip nsf_wire_ip(struct nsf_wire *wire, bool is_v4)
{
    if (is_v4)
        return nsf_ip_from_v4((uint32_t)nsf_wire_fixed(wire, 4));
    uint64_t hi = nsf_wire_fixed(wire, 8), lo = nsf_wire_fixed(wire, 8);
    return (struct nsf_ip){hi, lo};
}
