/*
 * text_out.h - plain text for people: measured in columns, wrapped, aligned, and safe to show on a terminal.
 *
 * Every text given here may be hostile: what could change the terminal or the order of the characters around it is
 * written as \xNN or \u{...} before it is measured. One thread at a time.
 */
#ifndef NSF_REPORT_TEXT_OUT_H
#define NSF_REPORT_TEXT_OUT_H

#include "core/out.h"

enum nsf_style {
    NSF_STYLE_PLAIN,
    NSF_STYLE_HEADING,
    NSF_STYLE_BAD,
    NSF_STYLE_WARN,
    NSF_STYLE_GOOD,
    NSF_STYLE_FAINT,
};

struct nsf_text {
    struct nsf_out *out; /* borrowed */
    unsigned width;
    bool is_colour;
    struct nsf_buf line; /* what is being put together */
};

void nsf_text_init(struct nsf_text *text, struct nsf_out *out, unsigned width, bool is_colour);
void nsf_text_release(struct nsf_text *text);

/* Columns that a text takes once it is made safe. */
size_t nsf_text_columns(struct nsf_slice raw);

/* A line of one style. */
void nsf_text_heading(struct nsf_text *text, enum nsf_style style, const char *fmt, ...) NSF_PRINTF(3, 4);
void nsf_text_rule(struct nsf_text *text);
void nsf_text_newline(struct nsf_text *text);

/* A paragraph: `label` at `indent`, the words behind it from column `hang` on, wrapped at blanks; what is longer than a
 * line is cut into pieces. Several calls of _add make one paragraph. */
void nsf_text_para_begin(struct nsf_text *text);
void nsf_text_para_add(struct nsf_text *text, struct nsf_slice raw);
void nsf_text_para_addf(struct nsf_text *text, const char *fmt, ...) NSF_PRINTF(2, 3);
void nsf_text_para_end(struct nsf_text *text, const char *label, size_t hang, enum nsf_style label_style);
/* All three in one. */
void nsf_text_para(struct nsf_text *text, const char *label, size_t hang, struct nsf_slice raw);
void nsf_text_paraf(struct nsf_text *text, const char *label, size_t hang, const char *fmt, ...) NSF_PRINTF(4, 5);

/* One cell of a line: padded to `columns`, to the right when `columns` is negative. A text that is too long is written
 * whole, unless it may be cut: then it loses its middle. */
void nsf_text_cell(struct nsf_text *text, struct nsf_slice raw, int columns, enum nsf_style style);
void nsf_text_cell_cut(struct nsf_text *text, struct nsf_slice raw, size_t columns, bool is_padded,
                       enum nsf_style style);

/* "3,702,258,431" */
#define NSF_NUMBER_TEXT_BYTES 32
const char *nsf_number_text(uint64_t number, char buf[NSF_NUMBER_TEXT_BYTES]);
/* "63.0 MB", powers of ten */
const char *nsf_bytes_text(uint64_t bytes, char buf[NSF_NUMBER_TEXT_BYTES]);
/* "1 message", "2 messages": `plural` adds an s. */
const char *nsf_count_text(uint64_t number, const char *word, char buf[64]);
/* "99.3 %", "100 %": rounded down, so that only all is 100 %; "-" of nothing. */
const char *nsf_share_text(uint64_t part, uint64_t whole, char buf[NSF_NUMBER_TEXT_BYTES]);

#endif
