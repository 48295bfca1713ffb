#include "core/nsf_common.h"

#include "report/text_out.h"

#include "support/nsf_test.h"

#define ELLIPSIS "\xE2\x80\xA6"

struct sheet {
    struct nsf_buf buf;
    struct nsf_out *out;
    struct nsf_text text;
};

static void begin(struct sheet *sheet, unsigned width, bool is_colour)
{
    nsf_buf_init(&sheet->buf, 65536);
    sheet->out = nsf_out_new_buf(&sheet->buf);
    nsf_text_init(&sheet->text, sheet->out, width, is_colour);
}

static void assert_sheet(struct sheet *sheet, const char *expected)
{
    nsf_out_abandon(sheet->out);
    assert_string_equal(nsf_buf_str(&sheet->buf), expected);
    nsf_text_release(&sheet->text);
    nsf_buf_release(&sheet->buf);
}

static void assert_paragraph(unsigned width, const char *label, size_t hang, const char *raw, const char *expected)
{
    struct sheet sheet;
    begin(&sheet, width, false);
    nsf_text_para(&sheet.text, label, hang, nsf_slice_str(raw));
    assert_sheet(&sheet, expected);
}

static void test_wraps_at_blanks(void **state)
{
    assert_paragraph(24, "", 0, "one two three four five six", "one two three four five\nsix\n");
    assert_paragraph(26, "Label", 6, "one two three four five", "Label one two three four\n      five\n");
    assert_paragraph(80, "Label", 6, "", "Label\n");
    /* a line that is exactly full, and one column more */
    assert_paragraph(20, "", 0, "12345678901234567890 x", "12345678901234567890\nx\n");
    assert_paragraph(20, "", 0, "123456789 1234567890 x", "123456789 1234567890\nx\n");
    assert_paragraph(20, "", 0, "1234567890 1234567890", "1234567890\n1234567890\n");
}

static void test_label_too_long_for_its_place(void **state)
{
    assert_paragraph(40, "A long label", 4, "text", "A long label\n    text\n");
}

static void test_long_words_are_cut(void **state)
{
    assert_paragraph(20, "", 0, "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrst\nuvwxyz\n");
    /* behind a slash in the second half, if there is one */
    assert_paragraph(20, "", 0, "/first/second/third/fourth", "/first/second/third/\nfourth\n");
    assert_paragraph(20, "", 0, "/a/bcdefghijklmnopqrstuvw", "/a/bcdefghijklmnopqr\nstuvw\n");
}

static void test_hostile_text_is_measured_as_shown(void **state)
{
    assert_paragraph(20, "", 0, "\x1b[31m \x1b[0m aaaaaaaaa", "\\x1B[31m \\x1B[0m\naaaaaaaaa\n");
    assert_int_equal(nsf_text_columns(S("\x1b")), 4);
    assert_int_equal(nsf_text_columns(S("\xE6\xBC\xA2\xE5\xAD\x97")), 4); /* two characters, each two wide */
    assert_int_equal(nsf_text_columns(S("e\xCC\x81")), 1);                /* a letter and its accent */
    assert_int_equal(nsf_text_columns(S("\xE2\x80\xAE")), 8);             /* \u{202E} */
}

static void assert_cell(const char *raw, int columns, const char *expected)
{
    struct sheet sheet;
    begin(&sheet, 80, false);
    nsf_text_cell(&sheet.text, nsf_slice_str(raw), columns, NSF_STYLE_BAD);
    assert_sheet(&sheet, expected);
}

static void assert_cut(const char *raw, size_t columns, bool is_padded, const char *expected)
{
    struct sheet sheet;
    begin(&sheet, 80, false);
    nsf_text_cell_cut(&sheet.text, nsf_slice_str(raw), columns, is_padded, NSF_STYLE_PLAIN);
    assert_sheet(&sheet, expected);
}

static void test_cells(void **state)
{
    assert_cell("ab", 4, "ab  ");
    assert_cell("ab", -4, "  ab");
    assert_cell("abcdef", 4, "abcdef");
    assert_cut("abcdef", 6, true, "abcdef");
    assert_cut("abcdef", 5, true, "ab" ELLIPSIS "ef");
    assert_cut("abcdef", 4, true, "a" ELLIPSIS "ef");
    assert_cut("ab", 4, true, "ab  ");
    assert_cut("ab", 4, false, "ab");
    /* half a wide character is not shown: a blank takes its column */
    assert_cut("\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2", 4, true, "\xE6\xBC\xA2" ELLIPSIS " ");
}

static void test_colour(void **state)
{
    struct sheet sheet;
    begin(&sheet, 80, true);
    nsf_text_cell(&sheet.text, S("x"), 3, NSF_STYLE_BAD);
    nsf_text_cell(&sheet.text, S("y"), 0, NSF_STYLE_PLAIN);
    assert_sheet(&sheet, "\x1b[31mx\x1b[0m  y");
}

static void test_numbers(void **state)
{
    char text[64];
    assert_string_equal(nsf_number_text(0, text), "0");
    assert_string_equal(nsf_number_text(999, text), "999");
    assert_string_equal(nsf_number_text(1000, text), "1,000");
    assert_string_equal(nsf_number_text(3702258431, text), "3,702,258,431");
    assert_string_equal(nsf_number_text(UINT64_MAX, text), "18,446,744,073,709,551,615");
    assert_string_equal(nsf_bytes_text(999, text), "999 B");
    assert_string_equal(nsf_bytes_text(1000, text), "1.0 kB");
    assert_string_equal(nsf_bytes_text(999999, text), "999.9 kB");
    assert_string_equal(nsf_bytes_text(UINT64_MAX, text), "18.4 EB");
    assert_string_equal(nsf_count_text(1, "message", text), "1 message");
    assert_string_equal(nsf_count_text(0, "message", text), "0 messages");
    assert_string_equal(nsf_share_text(0, 0, text), "-");
    assert_string_equal(nsf_share_text(1439, 1440, text), "99.9 %");
    assert_string_equal(nsf_share_text(999999, 1000000, text), "99.9 %");
    assert_string_equal(nsf_share_text(7, 7, text), "100 %");
    assert_string_equal(nsf_share_text(UINT64_MAX, UINT64_MAX, text), "100 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wraps_at_blanks),
        cmocka_unit_test(test_label_too_long_for_its_place),
        cmocka_unit_test(test_long_words_are_cut),
        cmocka_unit_test(test_hostile_text_is_measured_as_shown),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
