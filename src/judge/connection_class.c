#include "core/nsf_common.h"

#include "judge/connection_class.h"

/*
 * The limits were measured against a Postfix-like server, in IP bytes. Payload both ways is estimated by taking off
 * what headers cost: 60 bytes a packet from the client (its SYN carries options, its ACKs are bare), 52 from the
 * server. The ratio of the two payloads is at most 0.60 in every session without mail and 0.93 to 27 with one.
 */
enum {
    CLIENT_HEADER_BYTES = 60,
    SERVER_HEADER_BYTES = 52,
    TOUCH_PACKETS_OUT_MAX = 1,
    SAID_SOMETHING_BYTES = 20, /* a banner is longer */
    MESSAGE_PACKETS_OUT_MIN = 6,
    MESSAGE_ANSWER_BYTES_MIN = 100,
    MESSAGE_BYTES_MIN = 1400,      /* with a payload of at least 4/5 of the answer */
    MESSAGE_BULK_BYTES_MIN = 8000, /* with full packets, whatever was answered */
    MESSAGE_BULK_PACKET_BYTES = 150,
    GUESSING_PACKETS_MIN = 20,
    GUESSING_PACKET_BYTES = 115,
    DIALOG_BYTES = 1000,
};

static uint64_t payload(uint64_t bytes, uint64_t packets, uint64_t header_bytes)
{
    return packets > bytes / header_bytes ? 0 : bytes - packets * header_bytes;
}

/* said >= 0.8 * answered, without a product that could overflow */
static bool is_mostly_said(uint64_t said, uint64_t answered)
{
    return said >= answered || answered - said <= said / 4;
}

static bool is_message(const struct nsf_counters *c, uint64_t said, uint64_t answered)
{
    if (c->packets_out < MESSAGE_PACKETS_OUT_MIN || answered < MESSAGE_ANSWER_BYTES_MIN)
        return false;
    if (said >= MESSAGE_BYTES_MIN && is_mostly_said(said, answered))
        return true;
    return said >= MESSAGE_BULK_BYTES_MIN && c->packets_in <= c->bytes_in / MESSAGE_BULK_PACKET_BYTES;
}

enum nsf_connection_class nsf_connection_class_of(const struct nsf_counters *counters, bool has_counters)
{
    if (!has_counters)
        return NSF_CLASS_UNKNOWN;
    const struct nsf_counters *c = counters;
    uint64_t said = payload(c->bytes_in, c->packets_in, CLIENT_HEADER_BYTES);
    uint64_t answered = payload(c->bytes_out, c->packets_out, SERVER_HEADER_BYTES);
    if (c->packets_out == 0)
        return NSF_CLASS_NO_REPLY;
    if (c->packets_out <= TOUCH_PACKETS_OUT_MAX || answered < SAID_SOMETHING_BYTES)
        return NSF_CLASS_TOUCH;
    if (is_message(c, said, answered))
        return NSF_CLASS_MESSAGE;
    if (c->packets_in >= GUESSING_PACKETS_MIN && c->packets_in > c->bytes_in / GUESSING_PACKET_BYTES)
        return NSF_CLASS_GUESSING;
    return c->bytes_in < DIALOG_BYTES ? NSF_CLASS_DIALOG : NSF_CLASS_AMBIGUOUS;
}
