#include "core/nsf_common.h"

#include "report/report.h"

#include "report/formats.h"
#include "report/review_json.h"
#include "report/review_text.h"
#include "report/scan_json.h"
#include "report/scan_text.h"

void nsf_report_review(const struct nsf_review *review, enum nsf_report_format format,
                       const struct nsf_report_options *options, struct nsf_out *out)
{
    switch (format) {
    case NSF_REPORT_TEXT:
        nsf_review_write_text(review, options, out);
        return;
    case NSF_REPORT_JSON:
        nsf_review_write_json(review, options, out);
        return;
    case NSF_REPORT_CSV:
        nsf_review_write_csv(review, options, out);
        return;
    case NSF_REPORT_MARKDOWN:
        nsf_review_write_markdown(review, options, out);
        return;
    case NSF_REPORT_HTML:
        nsf_review_write_html(review, options, out);
        return;
    case NSF_REPORT_SARIF:
        nsf_review_write_sarif(review, out);
        return;
    case NSF_REPORT_JUNIT:
        nsf_review_write_junit(review, out);
        return;
    case NSF_REPORT_OCSF:
        nsf_review_write_ocsf(review, options, out);
        return;
    }
}

void nsf_report_scan(const struct nsf_scan *scan, const struct nsf_problems *problems, enum nsf_report_format format,
                     const struct nsf_report_options *options, struct nsf_out *out)
{
    switch (format) {
    case NSF_REPORT_TEXT:
        nsf_scan_write_text(scan, problems, options, out);
        return;
    case NSF_REPORT_JSON:
        nsf_scan_write_json(scan, problems, out);
        return;
    case NSF_REPORT_CSV:
        nsf_scan_write_csv(scan, out);
        return;
    case NSF_REPORT_MARKDOWN:
        nsf_scan_write_markdown(scan, problems, out);
        return;
    case NSF_REPORT_HTML:
        nsf_scan_write_html(scan, problems, out);
        return;
    case NSF_REPORT_SARIF:
        nsf_scan_write_sarif(scan, problems, out);
        return;
    case NSF_REPORT_JUNIT:
        nsf_scan_write_junit(scan, out);
        return;
    case NSF_REPORT_OCSF:
        nsf_scan_write_ocsf(scan, options->generated_ms, out);
        return;
    }
}
