/*
 * report.h - the documents of the program, in every format they are written in.
 *
 * A writer is a function of the document and of the options alone: it asks no clock, no environment and no terminal, so
 * that a review and the same review read back from its JSON give the same bytes in every format. Everything is
 * borrowed. Texts that came from the input are escaped as the format needs it. One thread at a time per document.
 */
#ifndef NSF_REPORT_H
#define NSF_REPORT_H

#include "core/out.h"
#include "evidence/review.h"

enum nsf_report_format {
    NSF_REPORT_TEXT,
    NSF_REPORT_JSON,
    NSF_REPORT_CSV,
    NSF_REPORT_MARKDOWN,
    NSF_REPORT_HTML,
    NSF_REPORT_SARIF,
    NSF_REPORT_JUNIT,
    NSF_REPORT_OCSF,
};
#define NSF_REPORT_FORMATS (NSF_REPORT_OCSF + 1)

/* The narrowest text report; a narrower terminal gets this width. */
#define NSF_REPORT_WIDTH_MIN 80u

struct nsf_report_options {
    unsigned width; /* columns, text only */
    bool is_colour; /* text only */
    /* Sources a rule: json and csv hold all of them, or the first `top` and a sum of the rest. The formats for reading
     * show the first few of each kind, or the first `top`. */
    uint64_t top;
    unsigned jobs; /* threads that write the sources of json and csv, 0 is one; the bytes do not depend on it */
    int64_t generated_ms; /* of a scan, which has no time of its own; a review brings its own */
};

/* Does not fail for what the document holds; write errors stick in `out` and are told by nsf_out_close. */
void nsf_report_review(const struct nsf_review *review, enum nsf_report_format format,
                       const struct nsf_report_options *options, struct nsf_out *out);
/* `problems` (finished): what was wrong with the rules. */
void nsf_report_scan(const struct nsf_scan *scan, const struct nsf_problems *problems, enum nsf_report_format format,
                     const struct nsf_report_options *options, struct nsf_out *out);

#endif
