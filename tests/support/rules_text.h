/* Loads rules from texts and shows what came out, one line a thing, so that tests compare text. */
#ifndef NSF_TEST_RULES_TEXT_H
#define NSF_TEST_RULES_TEXT_H

#include "core/buf.h"
#include "rules/rules.h"

struct nsf_rules_text {
    struct nsf_buf out; /* in the order given; NSGs in the order of the loader */
    struct nsf_rules_summary summary;
    enum nsf_code code; /* of the whole load */
    struct nsf_err err;
};

struct nsf_rules_text_options {
    enum nsf_input_shape shape;
    size_t held_max_bytes;
    bool no_rules;   /* leaves the rules out: "N rules" */
    bool no_default; /* leaves default rules out */
};

/* One document a text; they are called a.json, b.json, ... Release result->out. */
void nsf_rules_text_load(const char *const *texts, size_t n, const struct nsf_rules_text_options *options,
                         struct nsf_rules_text *result);
/* From a path. */
void nsf_rules_text_load_path(const char *path, const struct nsf_rules_text_options *options,
                              struct nsf_rules_text *result);
/* Loads one text and compares; the failure shows both. */
void nsf_rules_text_check(const char *text, const char *expected);

#endif
