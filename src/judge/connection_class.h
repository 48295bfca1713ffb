/*
 * connection_class.h - what one finished connection was, told from its packets and bytes alone. A pure function over
 * one table of limits, any thread.
 */
#ifndef NSF_CONNECTION_CLASS_H
#define NSF_CONNECTION_CLASS_H

#include "evidence/review.h"

/* The first class whose test holds; `counters` are void without has_counters. Right for every 64-bit value. */
enum nsf_connection_class nsf_connection_class_of(const struct nsf_counters *counters, bool has_counters);

#endif
