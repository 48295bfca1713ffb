#include "core/nsf_common.h"

#include "evidence/marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define LACK(name) (1u << NSF_LACK_##name)

static const struct {
    const char *what;
    unsigned expected;
    uint64_t tuples;
    struct nsf_log_marks marks;
} cases[] = {
    {"nothing", 0, 0, {.allowed = 0}},
    {"plenty and all of it", 0, 5000, {.allowed = 9, .denied = 9, .n_sources = 500, .has_port_25 = true}},
    {"no port 25", LACK(PORT_25), 5000, {.allowed = 9, .denied = 9, .n_sources = 500}},
    {"no port 25 in few tuples", 0, 1999, {.allowed = 9, .denied = 9, .n_sources = 500}},
    {"no port 25 of few sources", 0, 5000, {.allowed = 9, .denied = 9, .n_sources = 299}},
    {"just enough of both", LACK(PORT_25), 2000, {.allowed = 9, .denied = 9, .n_sources = 300}},
    {"nothing refused", LACK(DENIED), 5000, {.allowed = 9, .n_sources = 500, .has_port_25 = true}},
    {"nothing let in", LACK(ALLOWED), 5000, {.denied = 5000, .n_sources = 500, .has_port_25 = true}},
    {"other tuples may be let in", 0, 5001, {.denied = 5000, .n_sources = 500, .has_port_25 = true}},
    {"ends without begins", LACK(BEGIN), 20, {.allowed = 20, .follows = 20, .has_port_25 = true}},
    {"a few of them", 0, 19, {.allowed = 19, .follows = 19, .has_port_25 = true}},
    {"begins without ends", LACK(COUNTERS), 20, {.allowed = 20, .begins = 20, .has_port_25 = true}},
    {"and one end", 0, 21, {.allowed = 21, .begins = 20, .follows = 1, .has_port_25 = true}},
};

static void test_what_is_lacking(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        bool lacks[NSF_LACKS];
        unsigned got = 0;
        nsf_marks_judge(&cases[i].marks, cases[i].tuples, lacks);
        for (unsigned lack = 0; lack < NSF_LACKS; lack++)
            got |= lacks[lack] ? 1u << lack : 0u;
        if (got != cases[i].expected)
            fail_msg("%s: %x, expected %x", cases[i].what, got, cases[i].expected);
    }
}

static void test_marks_are_counted_by_flow_log(void **state)
{
    struct nsf_marks marks = {0};
    struct nsf_log_marks sum = {0};
    struct nsf_contact contacts[200];
    for (uint32_t i = 0; i < 200; i++)
        contacts[i] = (struct nsf_contact){.src = 0x4d000001u + i % 100, .dst_port = 443, .is_denied = i % 2};
    nsf_marks_contacts(&marks, 3, contacts, 50);
    nsf_marks_contacts(&marks, 3, &contacts[50], 150);
    struct nsf_wide_contact inside = {.src = nsf_ip_from_v4(0x0a000001u), .dst_port = 22, .is_denied = true};
    nsf_marks_wide_contact(&marks, 1, &inside);
    struct nsf_mail_event event = {.src = nsf_ip_from_v4(0x4d000001u), .dst_port = 587, .event = NSF_FLOW_END};
    nsf_marks_mail(&marks, 3, &event);
    nsf_marks_join(&marks, 3, &sum);
    assert_int_equal(sum.allowed, 101);
    assert_int_equal(sum.denied, 100);
    assert_int_equal(sum.n_sources, NSF_MARKED_SOURCES_MAX);
    assert_int_equal(sum.follows, 1);
    assert_false(sum.has_port_25);
    event.dst_port = 25;
    event.event = NSF_FLOW_DENIED;
    nsf_marks_mail(&marks, 3, &event);
    nsf_marks_join(&marks, 3, &sum);
    assert_true(sum.has_port_25);
    struct nsf_log_marks one = {0};
    nsf_marks_join(&marks, 1, &one);
    assert_int_equal(one.denied, 1);
    assert_int_equal(one.n_sources, 0);
    nsf_marks_join(&marks, 99, &one);
    assert_int_equal(one.denied, 1);
    nsf_marks_release(&marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_lacking),
        cmocka_unit_test(test_marks_are_counted_by_flow_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
