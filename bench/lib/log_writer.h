/*
 * log_writer.h - the text of flow logs: compact JSON on one line, in the three layouts.
 *
 * Bytes go out in whole records. What cannot be written ends the process with a message.
 */
#ifndef BENCH_LOG_WRITER_H
#define BENCH_LOG_WRITER_H

#include "lib/traffic.h"

#include <stdbool.h>
#include <stdint.h>

struct log_writer;

/* A record is cut before it has more than record_bytes, and goes on in the next. */
struct log_writer *log_writer_new(enum traffic_layout layout, uint64_t record_bytes);
void log_writer_free(struct log_writer *writer);
/* "-" is standard output. */
void log_writer_open(struct log_writer *writer, const char *path, bool is_gzip);
/* What the NIC logged in the minute that ended at time_ms, as one record or more. */
void log_writer_minute(struct log_writer *writer, const struct traffic_minute *minute, uint32_t nic, int64_t time_ms);
/* Of the text of this log so far. */
uint64_t log_writer_bytes(const struct log_writer *writer);
void log_writer_close(struct log_writer *writer);
/* Where Azure puts the log of a NIC for the hour that time_ms is in, below a container. */
void log_writer_path(const struct traffic_minute *minute, uint32_t nic, int64_t time_ms, char *path, size_t capacity);

#endif
