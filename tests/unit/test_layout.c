/* The path of a flow log says its hour and its NSG, and what it cannot say is never guessed. */
#include "core/nsf_common.h"

#include "source/layout.h"

#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NSG_PATH                                                                                                       \
    "resourceId=/SUBSCRIPTIONS/6f1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/WEB-NSG/"
#define HOUR_PATH "y=2026/m=11/d=21/h=09/m=00/macAddress=000D3AF87856/PT1H.json"

static int64_t hour_of(const char *text)
{
    int64_t ts_ms;
    assert_true(nsf_time_parse(nsf_slice_str(text), &ts_ms));
    return nsf_time_hour(ts_ms);
}

static void test_hour(void **state)
{
    static const struct {
        const char *path;
        const char *hour; /* NULL: none */
    } cases[] = {
        {NSG_PATH HOUR_PATH, "2026-11-21T09:00:00Z"},
        {HOUR_PATH, "2026-11-21T09:00:00Z"},
        {"logs/flowLogResourceID=/X_NETWORKWATCHERRG/NETWORKWATCHER_WEU_FL/y=2024/m=02/d=29/h=23/",
         "2024-02-29T23:00:00Z"},
        {"Y=2026/M=01/D=02/H=03/x", "2026-01-02T03:00:00Z"},
        {"y=2026/m=01/d=02/h=03/y=2026/m=01/d=02/h=04/x", "2026-01-02T04:00:00Z"},
        {"y=2026/m=01/d=02/h=03/y=2026/m=01/d=02/h=24/x", "2026-01-02T03:00:00Z"},
        {"y=2026/m=01/d=02/h=03", NULL},
        {"y=2026/m=02/d=29/h=03/x", NULL},
        {"y=2026/m=00/d=01/h=03/x", NULL},
        {"y=2026/m=13/d=01/h=03/x", NULL},
        {"y=2026/m=1/d=01/h=03/x", NULL},
        {"y=2026/m=01/d=01/x", NULL},
        {"xy=2026/m=01/d=01/h=03/x", NULL},
        {"y=+026/m=01/d=01/h=03/x", NULL},
        {"y=0000/m=01/d=01/h=03/x", NULL},
        {"", NULL},
        {"y", NULL},
        {"PT1H.json", NULL},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        const struct nsf_path_layout layout = nsf_layout_parse(nsf_slice_str(cases[i].path));
        const int64_t wanted = cases[i].hour == NULL ? NSF_HOUR_NONE : hour_of(cases[i].hour);
        if (layout.hour != wanted)
            fail_msg("%s: hour %lld, wanted %lld", cases[i].path, (long long)layout.hour, (long long)wanted);
    }
}

static void test_nsg(void **state)
{
    static const struct {
        const char *path;
        const char *nsg;
    } cases[] = {
        {NSG_PATH HOUR_PATH,
         "/SUBSCRIPTIONS/6f1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/WEB-NSG"},
        {"a/b/resourceid=/subscriptions/s/resourcegroups/r/providers/microsoft.network/networksecuritygroups/n/x",
         "/subscriptions/s/resourcegroups/r/providers/microsoft.network/networksecuritygroups/n"},
        {"flowLogResourceID=/X_NETWORKWATCHERRG/NETWORKWATCHER_WEU_FL/" HOUR_PATH, NULL},
        {"resourceId=/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/N", NULL},
        {"resourceId=/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS//x", NULL},
        {"xresourceId=/SUBSCRIPTIONS/S/NETWORKSECURITYGROUPS/N/x", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        const struct nsf_path_layout layout = nsf_layout_parse(nsf_slice_str(cases[i].path));
        if (!nsf_slice_eq(layout.nsg_id, nsf_slice_str(cases[i].nsg)) ||
            (layout.nsg_id.ptr == NULL) != (cases[i].nsg == NULL))
            fail_msg("%s: NSG %.*s", cases[i].path, NSF_SLICE_ARG(layout.nsg_id));
    }
}

static void test_window_has_an_hour_of_slack(void **state)
{
    const int64_t ten = hour_of("2026-11-21T10:00:00Z");
    const int64_t since = ten * NSF_MS_PER_HOUR, until = (ten + 2) * NSF_MS_PER_HOUR; /* 10:00 to 12:00 */
    assert_false(nsf_layout_is_in_window(ten - 2, since, until));
    assert_true(nsf_layout_is_in_window(ten - 1, since, until));
    assert_true(nsf_layout_is_in_window(ten + 1, since, until));
    assert_true(nsf_layout_is_in_window(ten + 2, since, until)); /* its first record holds flows of 11:59 */
    assert_false(nsf_layout_is_in_window(ten + 3, since, until));
    assert_true(nsf_layout_is_in_window(ten + 3, since, until + 1));
    assert_true(nsf_layout_is_in_window(ten + 1000, since, NSF_TS_NONE));
    assert_true(nsf_layout_is_in_window(ten - 1000, NSF_TS_NONE, until));
    assert_true(nsf_layout_is_in_window(NSF_HOUR_NONE, since, until));
}

static bool wants_none(void *ctx, struct nsf_slice nsg_id)
{
    (void)nsg_id;
    ++*(int *)ctx;
    return false;
}

static void test_what_is_left_out(void **state)
{
    int n_asked = 0;
    struct nsf_list_filter filter = NSF_LIST_FILTER_INIT;
    int64_t hour;
    assert_int_equal(nsf_layout_is_wanted(NSF_SLICE_LIT(NSG_PATH HOUR_PATH), &filter, &hour), NSF_WANTED);
    assert_int_equal(hour, hour_of("2026-11-21T09:00:00Z"));
    filter.wants_nsg = wants_none;
    filter.ctx = &n_asked;
    assert_int_equal(nsf_layout_is_wanted(NSF_SLICE_LIT(NSG_PATH HOUR_PATH), &filter, &hour), NSF_WANTED_PRUNED);
    assert_int_equal(nsf_layout_is_wanted(NSF_SLICE_LIT("vnet/" HOUR_PATH), &filter, &hour), NSF_WANTED);
    assert_int_equal(n_asked, 1);
    filter.since_ms = (hour + 2) * NSF_MS_PER_HOUR;
    assert_int_equal(nsf_layout_is_wanted(NSF_SLICE_LIT(NSG_PATH HOUR_PATH), &filter, &hour), NSF_WANTED_OUTSIDE);
    assert_int_equal(nsf_layout_is_wanted(NSF_SLICE_LIT("no/hour.json"), &filter, &hour), NSF_WANTED);
    assert_int_equal(n_asked, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hour),
        cmocka_unit_test(test_nsg),
        cmocka_unit_test(test_window_has_an_hour_of_slack),
        cmocka_unit_test(test_what_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
