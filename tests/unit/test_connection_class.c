#include "core/nsf_common.h"

#include "judge/connection_class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct class_case {
    const char *what;
    struct nsf_counters counters;
    bool has_counters;
    enum nsf_connection_class expected;
};

/* clang-format off */
static const struct class_case cases[] = {
    {"no counters", {9, 9000, 9, 900}, false, NSF_CLASS_UNKNOWN},
    {"nothing at all", {0, 0, 0, 0}, true, NSF_CLASS_NO_REPLY},
    {"three SYNs", {3, 180, 0, 0}, true, NSF_CLASS_NO_REPLY},
    {"much said, no answer", {99, 99000, 0, 0}, true, NSF_CLASS_NO_REPLY},
    {"a reset", {1, 60, 1, 40}, true, NSF_CLASS_TOUCH},
    {"one fat answer packet", {9, 9000, 1, 1500}, true, NSF_CLASS_TOUCH},
    {"answer of 19 bytes", {4, 260, 2, 2 * 52 + 19}, true, NSF_CLASS_TOUCH},
    {"answer of 20 bytes", {4, 260, 2, 2 * 52 + 20}, true, NSF_CLASS_DIALOG},
    /* as measured */
    {"banner grab", {5, 268, 4, 4 * 52 + 60}, true, NSF_CLASS_DIALOG},
    {"EHLO and QUIT", {6, 352, 5, 5 * 52 + 250}, true, NSF_CLASS_DIALOG},
    {"certificate grab", {10, 1189, 9, 2742}, true, NSF_CLASS_AMBIGUOUS},
    {"refused relay test", {9, 601, 8, 8 * 52 + 350}, true, NSF_CLASS_DIALOG},
    {"ten AUTH guesses", {36, 2260, 30, 30 * 52 + 900}, true, NSF_CLASS_GUESSING},
    {"a mail of 80 bytes", {10, 739, 9, 9 * 52 + 400}, true, NSF_CLASS_DIALOG},
    {"a mail of 1.5 KB", {11, 2232, 10, 10 * 52 + 400}, true, NSF_CLASS_MESSAGE},
    {"a mail of 1.5 KB over TLS", {17, 3312, 15, 3504}, true, NSF_CLASS_MESSAGE},
    {"a mail of 10 KB", {16, 11003, 14, 14 * 52 + 400}, true, NSF_CLASS_MESSAGE},
    /* at the limits of a message */
    {"said 1399", {10, 600 + 1399, 6, 6 * 52 + 100}, true, NSF_CLASS_AMBIGUOUS},
    {"said 1400", {10, 600 + 1400, 6, 6 * 52 + 100}, true, NSF_CLASS_MESSAGE},
    {"5 packets back", {10, 600 + 1400, 5, 5 * 52 + 100}, true, NSF_CLASS_AMBIGUOUS},
    {"answered 99", {10, 600 + 1400, 6, 6 * 52 + 99}, true, NSF_CLASS_AMBIGUOUS},
    {"said exactly 0.8 of the answer", {10, 600 + 1600, 6, 6 * 52 + 2000}, true, NSF_CLASS_MESSAGE},
    {"said a byte less than that", {10, 600 + 1599, 6, 6 * 52 + 2000}, true, NSF_CLASS_AMBIGUOUS},
    {"answered a byte more than that", {10, 600 + 1600, 6, 6 * 52 + 2001}, true, NSF_CLASS_AMBIGUOUS},
    {"bulk in full packets, long answers", {100, 15000, 300, 300 * 52 + 90000}, true, NSF_CLASS_MESSAGE},
    {"bulk in smaller packets", {100, 14999, 300, 300 * 52 + 90000}, true, NSF_CLASS_AMBIGUOUS},
    {"said 7999 with long answers", {20, 1200 + 7999, 300, 300 * 52 + 90000}, true, NSF_CLASS_AMBIGUOUS},
    {"said 8000 with long answers", {20, 1200 + 8000, 300, 300 * 52 + 90000}, true, NSF_CLASS_MESSAGE},
    {"said 8000 in small packets", {150, 9000 + 8000, 300, 300 * 52 + 90000}, true, NSF_CLASS_GUESSING},
    /* guessing and dialog */
    {"19 packets", {19, 19 * 114, 19, 19 * 90}, true, NSF_CLASS_AMBIGUOUS},
    {"20 packets", {20, 20 * 114, 20, 20 * 90}, true, NSF_CLASS_GUESSING},
    {"20 packets of 115", {20, 20 * 115, 20, 20 * 90}, true, NSF_CLASS_AMBIGUOUS},
    {"999 bytes", {10, 999, 9, 9 * 52 + 500}, true, NSF_CLASS_DIALOG},
    {"1000 bytes", {10, 1000, 9, 9 * 52 + 500}, true, NSF_CLASS_AMBIGUOUS},
    {"less bytes than headers", {15, 100, 15, 15 * 52 + 500}, true, NSF_CLASS_DIALOG},
    /* at the limits of the numbers */
    {"all at their largest", {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}, true, NSF_CLASS_TOUCH},
    {"packets at their largest", {UINT64_MAX, 4000, 9, 9 * 52 + 200}, true, NSF_CLASS_GUESSING},
    {"bytes at their largest", {1, UINT64_MAX, 9, UINT64_MAX}, true, NSF_CLASS_MESSAGE},
    {"answer at its largest", {10, 600 + 1400, 9, UINT64_MAX}, true, NSF_CLASS_AMBIGUOUS},
};
/* clang-format on */

static void first_test_that_holds(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        enum nsf_connection_class got = nsf_connection_class_of(&cases[i].counters, cases[i].has_counters);
        if (got != cases[i].expected)
            fail_msg("%s: got class %d, expected %d", cases[i].what, (int)got, (int)cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_test_that_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
