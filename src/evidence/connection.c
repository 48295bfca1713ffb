#include "core/nsf_common.h"

#include "evidence/connection.h"

#include "core/clock.h"

uint64_t nsf_add_saturated(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void nsf_counters_add(struct nsf_counters *sum, const struct nsf_counters *more)
{
    sum->packets_in = nsf_add_saturated(sum->packets_in, more->packets_in);
    sum->bytes_in = nsf_add_saturated(sum->bytes_in, more->bytes_in);
    sum->packets_out = nsf_add_saturated(sum->packets_out, more->packets_out);
    sum->bytes_out = nsf_add_saturated(sum->bytes_out, more->bytes_out);
}

static struct nsf_counters counters_of(const struct nsf_mail_event *event)
{
    return (struct nsf_counters){event->packets_in, event->bytes_in, event->packets_out, event->bytes_out};
}

static bool all_at_least(const struct nsf_counters *a, const struct nsf_counters *b)
{
    return a->packets_in >= b->packets_in && a->bytes_in >= b->bytes_in && a->packets_out >= b->packets_out &&
           a->bytes_out >= b->bytes_out;
}

static bool are_equal(const struct nsf_counters *a, const struct nsf_counters *b)
{
    return all_at_least(a, b) && all_at_least(b, a);
}

static void subtract(struct nsf_counters *sum, const struct nsf_counters *less)
{
    sum->packets_in -= less->packets_in;
    sum->bytes_in -= less->bytes_in;
    sum->packets_out -= less->packets_out;
    sum->bytes_out -= less->bytes_out;
}

/* The counters of a C or E: deltas, but that the first one behind a split at birth repeats the carried ones. */
static void add_counters(struct nsf_connection *connection, const struct nsf_mail_event *event)
{
    bool has_carry = connection->has_carry;
    connection->has_carry = false;
    if (!event->has_counters)
        return;
    struct nsf_counters more = counters_of(event);
    if (has_carry && all_at_least(&more, &connection->last_end) && all_at_least(&connection->total, &connection->last_end))
        subtract(&connection->total, &connection->last_end);
    nsf_counters_add(&connection->total, &more);
    connection->has_counters = true;
}

static void end(struct nsf_connection *connection, const struct nsf_mail_event *event, int64_t ts_ms)
{
    add_counters(connection, event);
    connection->is_ended = true;
    connection->last_end = counters_of(event);
    connection->last_end_has_counters = event->has_counters;
    connection->last_end_ms = ts_ms;
}


void nsf_connection_begin(struct nsf_connection *connection, const struct nsf_mail_event *event, int64_t ts_ms)
{
    *connection = (struct nsf_connection){
        .first_ms = ts_ms,
        .last_ms = ts_ms,
        .counted_from_ms = NSF_TS_NONE,
        .counted_to_ms = NSF_TS_NONE,
    };
    switch ((enum nsf_flow_event)event->event) {
    case NSF_FLOW_LINE:
    case NSF_FLOW_BEGIN:
        connection->attempts = 1;
        break;
    case NSF_FLOW_CONTINUE:
        add_counters(connection, event);
        break;
    case NSF_FLOW_END:
        end(connection, event, ts_ms);
        break;
    case NSF_FLOW_DENIED:
        break;
    }
}

/* A begin behind an end: a retry of a silent attempt, the second half of a flow that was split at birth, or new. */
static enum nsf_connection_step reopen(struct nsf_connection *connection, int64_t ts_ms)
{
    bool is_silent = !connection->has_counters || connection->total.packets_out == 0;
    if (is_silent && ts_ms - connection->last_ms <= NSF_RETRY_GAP_MS) {
        connection->attempts++;
        connection->is_ended = false;
        connection->has_carry = false;
        connection->last_ms = ts_ms;
        return NSF_STEP_SAME;
    }
    if (!is_silent && connection->last_end_has_counters && ts_ms == connection->last_end_ms) {
        connection->is_ended = false;
        connection->has_carry = true;
        connection->last_ms = ts_ms;
        return NSF_STEP_SAME;
    }
    return NSF_STEP_NEW;
}

static enum nsf_connection_step take_when_ended(struct nsf_connection *connection, const struct nsf_mail_event *event,
                                                int64_t ts_ms)
{
    struct nsf_counters counters = counters_of(event);
    switch ((enum nsf_flow_event)event->event) {
    case NSF_FLOW_BEGIN:
        return reopen(connection, ts_ms);
    case NSF_FLOW_END: {
        bool is_repeated = ts_ms == connection->last_end_ms && event->has_counters == connection->last_end_has_counters &&
                           (!event->has_counters || are_equal(&counters, &connection->last_end));
        return is_repeated ? NSF_STEP_SAME : NSF_STEP_NEW;
    }
    case NSF_FLOW_LINE:
    case NSF_FLOW_CONTINUE:
    case NSF_FLOW_DENIED:
        return NSF_STEP_NEW;
    }
    return NSF_STEP_NEW;
}

enum nsf_connection_step nsf_connection_take(struct nsf_connection *connection, const struct nsf_mail_event *event,
                                             int64_t ts_ms, int64_t idle_ms)
{
    if (connection->is_ended)
        return take_when_ended(connection, event, ts_ms);
    if (ts_ms - connection->last_ms > idle_ms)
        return NSF_STEP_NEW;
    connection->last_ms = ts_ms;
    switch ((enum nsf_flow_event)event->event) {
    case NSF_FLOW_BEGIN:
        connection->attempts++;
        break;
    case NSF_FLOW_CONTINUE:
        add_counters(connection, event);
        break;
    case NSF_FLOW_END:
        end(connection, event, ts_ms);
        break;
    case NSF_FLOW_LINE:
    case NSF_FLOW_DENIED:
        break;
    }
    return NSF_STEP_SAME;
}

void nsf_connection_count(struct nsf_connection *connection, int64_t ts_ms)
{
    connection->tuples++;
    if (connection->counted_from_ms == NSF_TS_NONE)
        connection->counted_from_ms = ts_ms;
    connection->counted_to_ms = ts_ms;
}
