/*
 * A review document that anybody may have written: it is refused, or read and written in every format, and what was
 * written as JSON is read back to the same bytes.
 */
#include "core/nsf_common.h"

#include "report/report.h"
#include "report/review_read.h"

#define OUTPUT_MAX_BYTES ((size_t)256 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_document(struct nsf_review_document *document, struct nsf_slice text)
{
    struct nsf_err err = NSF_ERR_INIT;
    nsf_review_document_init(document);
    bool is_read = !nsf_failed(nsf_review_document_read(document, text, &err));
    if (!is_read && err.code == NSF_E_NONE)
        NSF_BUG("a document was refused without a reason");
    return is_read;
}

static void write_document(const struct nsf_review *review, enum nsf_report_format format, uint64_t top,
                           struct nsf_buf *buf)
{
    struct nsf_report_options options = {.width = 80, .is_colour = true, .top = top};
    nsf_buf_init(buf, OUTPUT_MAX_BYTES);
    struct nsf_out *out = nsf_out_new_buf(buf);
    nsf_report_review(review, format, &options, out);
    nsf_out_abandon(out);
}

static void check_again(struct nsf_slice written)
{
    struct nsf_review_document document;
    struct nsf_buf again;
    if (!read_document(&document, written))
        NSF_BUG("what was written cannot be read");
    write_document(&document.review, NSF_REPORT_JSON, 0, &again);
    if (!nsf_slice_eq(nsf_buf_slice(&again), written))
        NSF_BUG("a second round gives other bytes");
    nsf_buf_release(&again);
    nsf_review_document_release(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nsf_review_document document;
    struct nsf_buf buf;
    if (read_document(&document, nsf_slice((const char *)data, size))) {
        for (unsigned format = 0; format < NSF_REPORT_FORMATS; format++) {
            write_document(&document.review, (enum nsf_report_format)format, 1, &buf);
            nsf_buf_release(&buf);
        }
        write_document(&document.review, NSF_REPORT_JSON, 0, &buf);
        check_again(nsf_buf_slice(&buf));
        nsf_buf_release(&buf);
    }
    nsf_review_document_release(&document);
    return 0;
}
