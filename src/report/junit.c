#include "core/nsf_common.h"

#include "report/formats.h"

#include "core/clock.h"
#include "report/escape.h"
#include "report/words.h"

/* What one test case says. */
struct junit_case {
    const struct nsf_scan_nsg *nsg;
    const struct nsf_finding *finding; /* NULL: a passed one */
    const char *type;                  /* of the failure */
    struct nsf_slice message;
    struct nsf_slice advice; /* may be absent */
};

static void attribute(struct nsf_out *out, const char *name, struct nsf_slice value)
{
    nsf_out_printf(out, " %s=\"", name);
    nsf_escape_xml(out, value);
    nsf_out_char(out, '"');
}

static void line(struct nsf_out *out, const char *label, struct nsf_slice value)
{
    nsf_out_printf(out, "%s: ", label);
    nsf_escape_xml(out, value);
    nsf_out_char(out, '\n');
}

static void write_failure(struct nsf_out *out, const struct junit_case *test)
{
    const struct nsf_finding *finding = test->finding;
    nsf_out_str(out, "   <failure");
    attribute(out, "type", nsf_slice_str(test->type));
    attribute(out, "message", test->message);
    nsf_out_str(out, ">");
    line(out, "NSG", test->nsg->id);
    line(out, "Rule", finding->rule);
    nsf_out_printf(out, "Priority: %u\n", (unsigned)finding->priority);
    line(out, "Exposure", finding->note);
    if (test->advice.len > 0)
        line(out, "What to do", test->advice);
    nsf_out_str(out, "</failure>\n");
}

static void write_case(struct nsf_out *out, const struct junit_case *test)
{
    nsf_out_str(out, "  <testcase");
    attribute(out, "classname", test->nsg->id);
    attribute(out, "name", test->finding == NULL ? NSF_SLICE_LIT("no rule opens the port") : test->finding->rule);
    if (test->finding != NULL && test->finding->place.file.ptr != NULL)
        attribute(out, "file", test->finding->place.file);
    if (test->finding != NULL && test->finding->place.line > 0)
        nsf_out_printf(out, " line=\"%u\"", (unsigned)test->finding->place.line);
    nsf_out_str(out, " time=\"0\"");
    if (test->finding == NULL) {
        nsf_out_str(out, "/>\n");
        return;
    }
    nsf_out_str(out, ">\n");
    write_failure(out, test);
    nsf_out_str(out, "  </testcase>\n");
}

/* Nothing public gets in, or named ranges only. The findings of other NSGs may have been left out of the report. */
static bool is_passed(const struct nsf_scan_nsg *nsg)
{
    return nsg->verdict == NSF_EXPOSURE_CLOSED || nsg->verdict == NSF_EXPOSURE_RESTRICTED;
}

static size_t count_passed(const struct nsf_scan *scan)
{
    size_t n = 0;
    for (size_t i = 0; i < scan->n_nsgs; i++)
        n += is_passed(&scan->nsgs[i]);
    return n;
}

static void begin_suite(struct nsf_out *out, const char *name, size_t n_tests, size_t n_failures)
{
    nsf_out_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    nsf_out_printf(out, "<testsuites name=\"nsgflow\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\">\n",
                   n_tests, n_failures);
    nsf_out_printf(out,
                   " <testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\" time=\"0\">\n",
                   name, n_tests, n_failures);
}

static void end_suite(struct nsf_out *out)
{
    nsf_out_str(out, " </testsuite>\n</testsuites>\n");
}

static void write_passed(struct nsf_out *out, const struct nsf_scan *scan)
{
    for (size_t i = 0; i < scan->n_nsgs; i++)
        if (is_passed(&scan->nsgs[i]))
            write_case(out, &(struct junit_case){.nsg = &scan->nsgs[i]});
}

void nsf_review_write_junit(const struct nsf_review *review, struct nsf_out *out)
{
    const struct nsf_scan *scan = review->scan;
    begin_suite(out, "nsgflow review", review->n_rules + count_passed(scan), review->n_rules);
    for (size_t i = 0; i < review->n_rules; i++) {
        const struct nsf_review_rule *rule = &review->rules[i];
        const struct nsf_finding *finding = &scan->findings[rule->finding_idx];
        struct junit_case test = {.nsg = &scan->nsgs[finding->nsg_idx], .finding = finding};
        test.type = nsf_rule_verdict_name(rule->verdict);
        test.message = rule->reason;
        test.advice = rule->recommendation.action.ptr != NULL ? rule->recommendation.action
                                                              : nsf_slice_str(nsf_rule_verdict_meaning(rule->verdict));
        write_case(out, &test);
    }
    write_passed(out, scan);
    end_suite(out);
}

void nsf_scan_write_junit(const struct nsf_scan *scan, struct nsf_out *out)
{
    begin_suite(out, "nsgflow scan", scan->n_findings + count_passed(scan), scan->n_findings);
    for (size_t i = 0; i < scan->n_findings; i++) {
        const struct nsf_finding *finding = &scan->findings[i];
        struct junit_case test = {.nsg = &scan->nsgs[finding->nsg_idx], .finding = finding};
        test.type = nsf_exposure_name(finding->verdict);
        test.message = finding->note;
        write_case(out, &test);
    }
    write_passed(out, scan);
    end_suite(out);
}
