#include "core/nsf_common.h"

#include "report/report.h"

#include "report/review_json.h"
#include "report/review_text.h"

void nsf_report_review(const struct nsf_review *review, enum nsf_report_format format,
                       const struct nsf_report_options *options, struct nsf_out *out)
{
    switch (format) {
    case NSF_REPORT_TEXT:
        nsf_review_write_text(review, options, out);
        return;
    case NSF_REPORT_JSON:
    case NSF_REPORT_CSV:
    case NSF_REPORT_MARKDOWN:
    case NSF_REPORT_HTML:
    case NSF_REPORT_SARIF:
    case NSF_REPORT_JUNIT:
    case NSF_REPORT_OCSF:
        nsf_review_write_json(review, options, out);
        return;
    }
}
