/* Tuples of all layouts: each field, each fault, and what reaches the batch. */
#include "core/nsf_common.h"

#include "flow/tuple_ops.h"

#include "core/mem.h"

#include "support/batch_text.h"
#include "support/log_text.h"
#include "support/nsf_test.h"

static struct nsf_tuple parse(const char *text, enum nsf_layout layout)
{
    struct nsf_tuple tuple;
    enum nsf_tuple_fault fault = nsf_tuple_parse(S(text), layout, &tuple);
    if (fault != NSF_TUPLE_NONE)
        print_error("%s: %s\n", text, nsf_tuple_fault_text(fault));
    assert_int_equal(fault, NSF_TUPLE_NONE);
    return tuple;
}

static void assert_ip(struct nsf_ip ip, const char *text)
{
    char buf[NSF_IP_TEXT_BYTES];
    assert_string_equal(nsf_ip_format(ip, buf), text);
}

static void test_layouts(void **state)
{
    struct nsf_tuple t = parse("1493763938,185.170.185.105,10.2.0.4,35370,23,T,I,D", NSF_LAYOUT_NSG1);
    assert_int_equal(t.ts_ms, INT64_C(1493763938000));
    assert_ip(t.src, "185.170.185.105");
    assert_ip(t.dst, "10.2.0.4");
    assert_int_equal(t.src_port, 35370);
    assert_int_equal(t.dst_port, 23);
    assert_int_equal(t.protocol, 6);
    assert_true(t.is_inbound);
    assert_int_equal(t.event, NSF_FLOW_DENIED);
    assert_false(t.has_counters);
    t = parse("1493763938,1.2.3.4,5.6.7.8,1,25,U,O,A", NSF_LAYOUT_NSG1);
    assert_int_equal(t.event, NSF_FLOW_LINE);
    assert_int_equal(t.protocol, 17);
    assert_false(t.is_inbound);

    t = parse("1542110424,10.5.16.4,203.0.113.118,59831,443,T,O,A,E,10,2112,12,8190", NSF_LAYOUT_NSG2);
    assert_int_equal(t.event, NSF_FLOW_END);
    assert_true(t.has_counters);
    assert_int_equal(t.counters[NSF_PACKETS_IN], 10);
    assert_int_equal(t.counters[NSF_BYTES_IN], 2112);
    assert_int_equal(t.counters[NSF_PACKETS_OUT], 12);
    assert_int_equal(t.counters[NSF_BYTES_OUT], 8190);
    t = parse("1542110377,10.5.16.4,203.0.113.118,59831,443,T,O,A,B,,,,", NSF_LAYOUT_NSG2);
    assert_int_equal(t.event, NSF_FLOW_BEGIN);
    assert_false(t.has_counters);
    t = parse("1542110377,10.5.16.4,203.0.113.118,59831,443,T,I,D,B,,,,", NSF_LAYOUT_NSG2);
    assert_int_equal(t.event, NSF_FLOW_DENIED);
    t = parse("1542110377,10.5.16.4,203.0.113.118,59831,443,T,I,D,E,1,2,3,4", NSF_LAYOUT_NSG2);
    assert_int_equal(t.event, NSF_FLOW_DENIED);
    assert_true(t.has_counters);

    t = parse("1663146003606,10.0.0.6,203.0.113.180,23956,443,6,O,C,NX,3,767,2,1580", NSF_LAYOUT_VNET4);
    assert_int_equal(t.ts_ms, INT64_C(1663146003606));
    assert_int_equal(t.event, NSF_FLOW_CONTINUE);
    assert_int_equal(t.counters[NSF_BYTES_OUT], 1580);
    t = parse("1733975966605,203.0.113.181,10.1.0.4,19795,2123,17,I,D,NX,0,0,0,0", NSF_LAYOUT_VNET4);
    assert_int_equal(t.event, NSF_FLOW_DENIED);
    assert_true(t.has_counters);
    t = parse("1733975966605,203.0.113.181,10.1.0.4,,,1,I,B,A WORD NOBODY KNOWS,,,,", NSF_LAYOUT_VNET4);
    assert_int_equal(t.protocol, 1);
    assert_int_equal(t.src_port, 0);
    assert_int_equal(t.dst_port, 0);
}

static void test_stamps(void **state)
{
    static const struct {
        const char *text;
        int64_t ts_ms;
    } cases[] = {
        {"0,", 0},
        {"99999999999,", INT64_C(99999999999000)},
        {"100000000000,", INT64_C(100000000000)},
        {"0001542110377,", INT64_C(1542110377000)},
        {"253402300799999,", INT64_C(253402300799999)},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        char text[160];
        snprintf(text, sizeof(text), "%s1.2.3.4,5.6.7.8,1,25,T,I,A", cases[i].text);
        assert_int_equal(parse(text, NSF_LAYOUT_NSG1).ts_ms, cases[i].ts_ms);
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        {"2001:DB8::1", "2001:db8::1"},
        {"::ffff:203.0.113.9", "203.0.113.9"},
        {"::FFFF:cb00:7109", "203.0.113.9"},
        {"::", "::"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        char text[160];
        snprintf(text, sizeof(text), "1542110377,%s,%s,1,25,T,I,A", cases[i].text, cases[i].text);
        struct nsf_tuple t = parse(text, NSF_LAYOUT_NSG1);
        assert_ip(t.src, cases[i].shown);
        assert_ip(t.dst, cases[i].shown);
    }
}

struct fault_case {
    const char *text;
    enum nsf_layout layout;
    enum nsf_tuple_fault fault;
};

static const struct fault_case fault_cases[] = {
    {"", NSF_LAYOUT_NSG1, NSF_TUPLE_FIELDS},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I", NSF_LAYOUT_NSG1, NSF_TUPLE_FIELDS},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,", NSF_LAYOUT_NSG1, NSF_TUPLE_FIELDS},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG2, NSF_TUPLE_FIELDS},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,B,,,", NSF_LAYOUT_NSG2, NSF_TUPLE_FIELDS},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,B,,,,,", NSF_LAYOUT_NSG2, NSF_TUPLE_FIELDS},
    {",1.2.3.4,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_TIME},
    {"-1,1.2.3.4,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_TIME},
    {"+1,1.2.3.4,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_TIME},
    {" 1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_TIME},
    {"1542110377.5,1.2.3.4,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_TIME},
    {"253402300800000,1.2.3.4,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_TIME},
    {"18446744073709551616,1.2.3.4,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_TIME},
    {"1542110377,,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_ADDRESS},
    {"1542110377,1.2.3,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_ADDRESS},
    {"1542110377,1.2.3.4.5,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_ADDRESS},
    {"1542110377,1.2.3.04,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_ADDRESS},
    {"1542110377,1.2.3.256,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_ADDRESS},
    {"1542110377,1.2.3.4,5.6.7.8/32,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_ADDRESS},
    {"1542110377,fe80::1%eth0,5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_ADDRESS},
    {"1542110377,[2001:db8::1],5.6.7.8,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_ADDRESS},
    {"1542110377,1.2.3.4,2001:db8:::1,1,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_ADDRESS},
    {"1542110377,1.2.3.4,5.6.7.8,65536,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_PORT},
    {"1542110377,1.2.3.4,5.6.7.8,,25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_PORT},
    {"1542110377,1.2.3.4,5.6.7.8,1,,U,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_PORT},
    {"1542110377,1.2.3.4,5.6.7.8,1,+25,T,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_PORT},
    {"1542110377,1.2.3.4,5.6.7.8,1,70000,1,I,B,NX,,,,", NSF_LAYOUT_VNET4, NSF_TUPLE_PORT},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,t,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_PROTOCOL},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,6,I,A", NSF_LAYOUT_NSG1, NSF_TUPLE_PROTOCOL},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,256,I,B,NX,,,,", NSF_LAYOUT_VNET4, NSF_TUPLE_PROTOCOL},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,B,NX,,,,", NSF_LAYOUT_VNET4, NSF_TUPLE_PROTOCOL},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,X,A", NSF_LAYOUT_NSG1, NSF_TUPLE_DIRECTION},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,II,A", NSF_LAYOUT_NSG1, NSF_TUPLE_DIRECTION},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,B", NSF_LAYOUT_NSG1, NSF_TUPLE_DECISION},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,", NSF_LAYOUT_NSG1, NSF_TUPLE_DECISION},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,C,B,,,,", NSF_LAYOUT_NSG2, NSF_TUPLE_DECISION},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,X,,,,", NSF_LAYOUT_NSG2, NSF_TUPLE_STATE},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,D,,,,,", NSF_LAYOUT_NSG2, NSF_TUPLE_STATE},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,6,I,A,NX,,,,", NSF_LAYOUT_VNET4, NSF_TUPLE_STATE},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,E,-1,2,3,4", NSF_LAYOUT_NSG2, NSF_TUPLE_COUNTER},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,E,1, 2,3,4", NSF_LAYOUT_NSG2, NSF_TUPLE_COUNTER},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,E,1,2,18446744073709551616,4", NSF_LAYOUT_NSG2, NSF_TUPLE_COUNTER},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,E,1,2,3,4x", NSF_LAYOUT_NSG2, NSF_TUPLE_COUNTER},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,E,1,,3,4", NSF_LAYOUT_NSG2, NSF_TUPLE_COUNTERS},
    {"1542110377,1.2.3.4,5.6.7.8,1,25,6,I,E,NX,,,,4", NSF_LAYOUT_VNET4, NSF_TUPLE_COUNTERS},
};

static void test_faults(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(fault_cases); i++) {
        struct nsf_tuple tuple;
        enum nsf_tuple_fault fault = nsf_tuple_parse(S(fault_cases[i].text), fault_cases[i].layout, &tuple);
        if (fault != fault_cases[i].fault)
            print_error("%s: %s\n", fault_cases[i].text, nsf_tuple_fault_text(fault));
        assert_int_equal(fault, fault_cases[i].fault);
    }
}

static void test_largest_counters(void **state)
{
    struct nsf_tuple t = parse(
        "1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,E,18446744073709551615,0,00,018446744073709551615", NSF_LAYOUT_NSG2);
    assert_true(t.counters[NSF_PACKETS_IN] == UINT64_MAX);
    assert_true(t.counters[NSF_BYTES_OUT] == UINT64_MAX);
}

/* ---- into a batch */

struct sums {
    size_t n_mail, n_contacts, n_outbound, n_bad_kinds;
    uint32_t n_tuples, n_bad;
};

static struct sums sums_of(const struct nsf_batch *batch, const struct nsf_tuple_target *target)
{
    struct sums sums = {.n_outbound = batch->outbound.n, .n_bad_kinds = batch->n_bad};
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        sums.n_mail += batch->mail[p].n;
        sums.n_contacts += batch->contacts[p].n + batch->wide_contacts[p].n;
    }
    sums.n_tuples = target->n_tuples;
    sums.n_bad = target->n_bad;
    return sums;
}

static struct sums take(const char *text, bool is_strict, bool is_smtp_only)
{
    struct nsf_batch *batch = nsf_batch_new();
    struct nsf_tuple_target target;
    nsf_tuple_target_init(&target, batch, NSF_LAYOUT_NSG2);
    target.is_strict = is_strict;
    target.is_smtp_only = is_smtp_only;
    nsf_tuple_target_enter(&target, 0);
    nsf_tuple_take(&target, S(text), 7);
    struct sums sums = sums_of(batch, &target);
    nsf_batch_free(batch);
    return sums;
}

static void test_where_tuples_go(void **state)
{
    static const struct {
        const char *text;
        bool is_strict, is_smtp_only;
        size_t n_mail, n_contacts, n_outbound;
        uint32_t n_bad;
    } cases[] = {
        {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A,B,,,,", false, false, 1, 0, 0, 0},
        {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,D,B,,,,", false, false, 1, 0, 0, 0},
        {"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,D,B,,,,", false, true, 0, 0, 0, 0},
        {"1542110377,1.2.3.4,5.6.7.8,1,25,U,I,A,B,,,,", false, false, 0, 1, 0, 0},
        {"1542110377,1.2.3.4,5.6.7.8,25,80,T,I,A,B,,,,", false, false, 0, 1, 0, 0},
        {"1542110377,1.2.3.4,5.6.7.8,25,80,T,I,A,B,,,,", false, true, 0, 0, 0, 0},
        {"1542110377,1.2.3.4,5.6.7.8,1,25,T,O,A,B,,,,", false, false, 0, 0, 1, 0},
        {"1542110377,1.2.3.4,5.6.7.8,1,25,U,O,A,B,,,,", false, false, 0, 0, 0, 0},
        {"1542110377,1.2.3.4,5.6.7.8,1,587,T,O,A,B,,,,", false, false, 0, 0, 1, 0},
        {"1542110377,1.2.3.4,5.6.7.8,1,587,T,O,A,B,,,,", true, false, 0, 0, 1, 0},
        {"1542110377,1.2.3.4,5.6.7.8,587,80,T,O,A,B,,,,", false, false, 0, 0, 0, 0},
        /* what cannot matter is looked at lightly, unless all is to be looked at */
        {"x,y,z,p,443,T,O,A,B,,,,", false, false, 0, 0, 0, 0},
        {"x,y,z,p,443,T,O,A,B,,,,", true, false, 0, 0, 0, 1},
        {"x,y,z,p,587,T,O,A,B,,,,", false, false, 0, 0, 0, 0},
        {"x,y,z,p,443,T,X,A,B,,,,", false, false, 0, 0, 0, 0},
        {"x,y z,z,p,443,T,O,A,B,,,,", false, false, 0, 0, 0, 1},
        {"x,y,z,p,443,T,O,A,B,,,", false, false, 0, 0, 0, 1},
        {"x,y,z,p,25,T,O,A,B,,,,", false, false, 0, 0, 0, 1},
        {"x,y,z,p,443,T,I,A,B,,,,", false, false, 0, 0, 0, 1},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct sums sums = take(cases[i].text, cases[i].is_strict, cases[i].is_smtp_only);
        assert_int_equal(sums.n_tuples, 1);
        if (sums.n_bad != cases[i].n_bad)
            print_error("%s\n", cases[i].text);
        assert_int_equal(sums.n_bad, cases[i].n_bad);
        assert_int_equal(sums.n_mail, cases[i].n_mail);
        assert_int_equal(sums.n_contacts, cases[i].n_contacts);
        assert_int_equal(sums.n_outbound, cases[i].n_outbound);
    }
}

static void test_bad_ones_by_reason(void **state)
{
    struct nsf_batch *batch = nsf_batch_new();
    struct nsf_tuple_target target;
    nsf_tuple_target_init(&target, batch, NSF_LAYOUT_NSG1);
    target.record_idx = 3;
    nsf_tuple_take(&target, S("a,1.2.3.4,5.6.7.8,1,25,T,I,A"), 100);
    nsf_tuple_take(&target, S("b,1.2.3.4,5.6.7.8,1,25,T,I,A"), 200);
    nsf_tuple_take(&target, S("1,2"), 300);
    nsf_tuple_take_other(&target, S("null"), 400);
    assert_int_equal(target.n_tuples, 3);
    assert_int_equal(target.n_bad, 3);
    assert_int_equal(batch->n_bad, 3);
    assert_int_equal(batch->bad[0].fault, NSF_TUPLE_TIME);
    assert_int_equal(batch->bad[0].count, 2);
    assert_int_equal(batch->bad[0].offset, 100);
    assert_int_equal(batch->bad[0].record_idx, 3);
    assert_slice_equal(batch->bad[0].sample, "a,1.2.3.4,5.6.7.8,1,25,T,I,A");
    assert_int_equal(batch->bad[1].fault, NSF_TUPLE_FIELDS);
    assert_int_equal(batch->bad[2].fault, NSF_TUPLE_TYPE);
    assert_int_equal(batch->bad[2].offset, 400);
    nsf_batch_free(batch);
}

static void test_long_sample_is_cut(void **state)
{
    char text[400];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct nsf_batch *batch = nsf_batch_new();
    struct nsf_tuple_target target;
    nsf_tuple_target_init(&target, batch, NSF_LAYOUT_NSG1);
    nsf_tuple_take(&target, S(text), 0);
    assert_int_equal(batch->bad[0].sample.len, 120);
    nsf_batch_free(batch);
}

static void test_array(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "\"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A\"",
        "\"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A\",\"1542110377,1.2.3.4,5.6.7.8,1,80,T,I,A\"",
        " \"1542110377,1.2.3.4,5.6.7.8,1,25,T,I,A\" , \"\" ",
    };
    static const unsigned n_tuples[] = {0, 0, 1, 2, 2}, n_bad[] = {0, 0, 0, 0, 1};
    for (size_t i = 0; i < NSF_ARRAY_LEN(texts); i++) {
        struct nsf_batch *batch = nsf_batch_new();
        struct nsf_tuple_target target;
        nsf_tuple_target_init(&target, batch, NSF_LAYOUT_NSG1);
        nsf_tuple_target_enter(&target, 0);
        nsf_tuple_take_array(&target, S(texts[i]), 1000);
        assert_int_equal(target.n_tuples, n_tuples[i]);
        assert_int_equal(target.n_bad, n_bad[i]);
        nsf_batch_free(batch);
    }
}

static void test_skim(void **state)
{
    static const struct {
        const char *text;
        enum nsf_skim found;
        size_t at;
    } cases[] = {
        {"]", NSF_SKIM_FOUND, 0},
        {"  ]", NSF_SKIM_FOUND, 2},
        {"\"a\"]", NSF_SKIM_FOUND, 3},
        {"\"a\",\"b\"]x", NSF_SKIM_FOUND, 7},
        {"\"a]\" , \"\" ]", NSF_SKIM_FOUND, 10},
        {"", NSF_SKIM_MORE, 0},
        {"\"a", NSF_SKIM_MORE, 0},
        {"\"a\",", NSF_SKIM_MORE, 0},
        {"\"a\",\"b", NSF_SKIM_MORE, 0},
        {",\"a\"]", NSF_SKIM_ODD, 0},
        {"\"a\",]", NSF_SKIM_ODD, 0},
        {"\"a\"\"b\"]", NSF_SKIM_ODD, 0},
        {"\"a\",,\"b\"]", NSF_SKIM_ODD, 0},
        {"\"a\\\"]", NSF_SKIM_ODD, 0},
        {"\"a\x1f\"]", NSF_SKIM_ODD, 0},
        {"\"a\x80\"]", NSF_SKIM_ODD, 0},
        {"\n\"a\"]", NSF_SKIM_ODD, 0},
        {"1]", NSF_SKIM_ODD, 0},
        {"\"a\",null]", NSF_SKIM_ODD, 0},
        {"\"a\"}", NSF_SKIM_ODD, 0},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        size_t at = 0;
        enum nsf_skim found = nsf_skim(S(cases[i].text), &at);
        if (found != cases[i].found)
            print_error("%s\n", cases[i].text);
        assert_int_equal(found, cases[i].found);
        if (found == NSF_SKIM_FOUND)
            assert_int_equal(at, cases[i].at);
        if (found != NSF_SKIM_FOUND)
            continue;
        /* The same in two pieces, wherever it is cut. */
        for (size_t cut = 0; cut <= strlen(cases[i].text); cut++) {
            size_t piece_at = 0;
            enum nsf_skim first = nsf_skim(nsf_slice(cases[i].text, cut), &piece_at);
            assert_int_not_equal(first, NSF_SKIM_ODD);
            if (first == NSF_SKIM_MORE)
                first = nsf_skim(S(cases[i].text), &piece_at);
            assert_int_equal(first, NSF_SKIM_FOUND);
            assert_int_equal(piece_at, cases[i].at);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_largest_counters),
        cmocka_unit_test(test_where_tuples_go),
        cmocka_unit_test(test_bad_ones_by_reason),
        cmocka_unit_test(test_long_sample_is_cut),
        cmocka_unit_test(test_array),
        cmocka_unit_test(test_skim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
