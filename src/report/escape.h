/*
 * escape.h - text of foreign origin inside the syntax of a format.
 *
 * In all of them, characters that control a terminal or the order of text, and bytes that are not UTF-8, become visible
 * as \xNN or \u{...} first. Nothing here can end the quoting that it writes into.
 */
#ifndef NSF_REPORT_ESCAPE_H
#define NSF_REPORT_ESCAPE_H

#include "core/out.h"

/* One CSV cell, quoted where it has to be. */
void nsf_escape_csv(struct nsf_out *out, struct nsf_slice raw);
/* Text or a quoted attribute value of XML and HTML. */
void nsf_escape_xml(struct nsf_out *out, struct nsf_slice raw);
/* Running text of Markdown: no markup, no link, no HTML of its own. */
void nsf_escape_markdown(struct nsf_out *out, struct nsf_slice raw);
/* A Markdown code span; of nothing a dash. In a table a bar needs another escape than outside. */
void nsf_escape_markdown_code(struct nsf_out *out, struct nsf_slice raw, bool is_in_table);
/* A path as a URI reference: relative as it is, an absolute one as file:///, a URL stays one. */
void nsf_escape_uri(struct nsf_out *out, struct nsf_slice path);
bool nsf_escape_uri_is_relative(struct nsf_slice path);

#endif
