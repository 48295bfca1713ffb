/* Flow-log text of every shape, whole, cut and damaged, in pieces of any size, read both ways. */
#include "core/nsf_common.h"

#include "envelope/envelope.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"

#include "support/batch_text.h"
#include "support/log_text.h"
#include "support/nsf_test.h"

#define TEXT_MAX ((size_t)1 << 30)

/* Two envelopes over one table of scopes: the fast way and the plain one. */
struct readers {
    struct nsf_scopes *scopes;
    struct nsf_envelope *fast;
    struct nsf_envelope *plain;
    struct nsf_batch *batch;
    struct nsf_buf text;
    struct nsf_buf other;
};

static int set_up(void **state)
{
    struct readers *r = nsf_calloc(1, sizeof(*r));
    r->scopes = nsf_scopes_new();
    struct nsf_envelope_options options = {.scopes = r->scopes, .seed = 11};
    r->fast = nsf_envelope_new(&options);
    options.is_plain = true;
    r->plain = nsf_envelope_new(&options);
    r->batch = nsf_batch_new();
    nsf_buf_init(&r->text, TEXT_MAX);
    nsf_buf_init(&r->other, TEXT_MAX);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct readers *r = *state;
    nsf_envelope_free(r->fast);
    nsf_envelope_free(r->plain);
    nsf_scopes_free(r->scopes);
    nsf_batch_free(r->batch);
    nsf_buf_release(&r->text);
    nsf_buf_release(&r->other);
    nsf_free(r);
    return 0;
}

static void read_text(struct readers *r, struct nsf_envelope *env, struct cutting cutting, struct nsf_slice bytes,
                      struct nsf_buf *text)
{
    nsf_batch_reset(r->batch);
    nsf_buf_reset(text);
    read_bytes(env, cutting, bytes, r->batch);
    batch_text(r->batch, r->scopes, text);
}

static void assert_same_text(struct readers *r, const char *what, size_t n)
{
    if (strcmp(nsf_buf_str(&r->text), nsf_buf_str(&r->other)) == 0)
        return;
    print_error("%s %zu:\n--- one\n%s--- other\n%s", what, n, nsf_buf_str(&r->text), nsf_buf_str(&r->other));
    fail();
}

/* Both ways, and both in one piece and cut in two, give the same; the batch of the fast way stays in r->batch. */
static void read_both(struct readers *r, struct nsf_slice bytes, size_t n)
{
    read_text(r, r->plain, (struct cutting){0}, bytes, &r->other);
    read_text(r, r->fast, (struct cutting){0}, bytes, &r->text);
    assert_same_text(r, "plain and fast", n);
}

struct sums {
    size_t n_records, n_mail, n_contacts, n_outbound, n_problems, n_foreign;
    size_t n_tuples, n_bad;
};

static struct sums sums_of(const struct nsf_batch *batch)
{
    struct sums sums = {.n_records = batch->n_records, .n_outbound = batch->outbound.n};
    sums.n_problems = batch->problems.n;
    for (size_t i = 0; i < batch->n_foreign; i++)
        sums.n_foreign += batch->foreign[i].count;
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        sums.n_mail += batch->mail[p].n;
        sums.n_contacts += batch->contacts[p].n + batch->wide_contacts[p].n;
    }
    for (size_t i = 0; i < batch->n_records; i++) {
        sums.n_tuples += batch->records[i].n_tuples;
        sums.n_bad += batch->records[i].n_bad;
    }
    return sums;
}

static const struct shape {
    const char *name;
    const char *text;
    size_t n_records, n_tuples, n_problems, n_foreign, n_bad;
} shapes[] = {
    {"nothing", "", 0, 0, 0, 0, 0},
    {"blanks", " \r\n\t ", 0, 0, 0, 0, 0},
    {"no records", WRAP(""), 0, 0, 0, 0, 0},
    {"version 1", WRAP(RECORD_1), 1, 4, 0, 0, 0},
    {"version 2", WRAP(RECORD_2), 1, 4, 0, 0, 0},
    {"version 4", WRAP(RECORD_4), 1, 4, 0, 0, 0},
    {"sorted keys", WRAP(RECORD_4_SORTED), 1, 4, 0, 0, 0},
    {"mixed versions", WRAP(RECORD_2 "," RECORD_1 "," RECORD_4), 3, 12, 0, 0, 0},
    {"without macAddress", WRAP(RECORD_1_NO_MAC), 1, 4, 0, 0, 0},
    {"bare record", RECORD_2, 1, 4, 0, 0, 0},
    {"bare array", "[" RECORD_2 "," RECORD_1 "]", 2, 8, 0, 0, 0},
    {"lines", RECORD_2 "\n" RECORD_4 "\r\n" RECORD_1 "\n", 3, 12, 0, 0, 0},
    {"nothing between", RECORD_2 RECORD_1, 2, 8, 0, 0, 0},
    {"byte order mark", "\xef\xbb\xbf" WRAP(RECORD_2), 1, 4, 0, 0, 0},
    {"fragment", "," RECORD_2 "," RECORD_1, 2, 8, 0, 0, 0},
    {"fragment with an end", "\xef\xbb\xbf," RECORD_2 "]}", 1, 4, 0, 0, 0},
    {"cut behind a record", "{\"records\":[" RECORD_2, 1, 4, 1, 0, 0},
    {"cut behind a comma", "{\"records\":[" RECORD_2 ",", 1, 4, 1, 0, 0},
    {"cut behind the array", "{\"records\":[" RECORD_2 "]", 1, 4, 1, 0, 0},
    {"two blobs", WRAP(RECORD_2) WRAP(RECORD_1), 2, 8, 0, 0, 0},
    {"records in records", WRAP(RECORD_2 "," WRAP(RECORD_1 "," RECORD_2)), 3, 12, 0, 0, 0},
    {"another name of the wrapper", "{\"value\":[" RECORD_2 "],\"nextLink\":null}", 1, 4, 0, 0, 0},
    {"wrapper with members around",
     "{\"count\":1,\"x\":{\"y\":[1]},\"records\":[" RECORD_2 "],\"z\":[2],\"more\":[" RECORD_1 "]}", 2, 8, 0, 0, 0},
    {"wrapped twice", "{\"data\":{\"records\":[" RECORD_2 "]},\"x\":1}", 1, 4, 0, 0, 0},
    {"records inside a record",
     WRAP("{\"time\":\"" TIME "\",\"category\":\"NetworkSecurityGroupFlowEvent\",\"resourceId\":\"" NSG_ID
          "\",\"records\":[" RECORD_1 "],\"properties\":{\"Version\":1,\"flows\":[" GROUP("r", TUPLES_1) "]}}"),
     2, 8, 0, 0, 0},
    {"white space",
     "{\r\n  \"records\": \r\n  [\r\n    {\r\n \"time\" : \"" TIME
     "\" , \"category\" : \"NetworkSecurityGroupFlowEvent\","
     "\"resourceId\":\"" NSG_ID "\", \"properties\" : { \"Version\" : 1 , \"flows\" : [ { \"rule\" : \"r\" , \"flows\" "
     ": [ { \"mac\" : \"m\" , \"flowTuples\" : [ \r\n" TUPLES_1 "\r\n ] } ] } ] } }\r\n,\r\n" RECORD_1 "\r\n]\r\n}\r\n",
     2, 8, 0, 0, 0},
    {"empty flows", WRAP(HEAD(TIME, "2") "]}}"), 1, 0, 0, 0, 0},
    {"version as text", WRAP(HEAD(TIME, "\"2\"") GROUP("r", TUPLES_2) "]}}"), 1, 4, 0, 0, 0},
    {"version with a point", WRAP(HEAD(TIME, "2.0") GROUP("r", TUPLES_2) "]}}"), 1, 4, 0, 0, 0},
    {"version 3",
     WRAP(HEAD(TIME, "3") GROUP("r", TUPLES_2) "]}}"
                                               "," RECORD_2),
     1, 4, 0, 1, 0},
    {"the other version behind", WRAP(HEAD(TIME, "2") GROUP("r", TUPLES_2) "]},\"flowLogVersion\":4}"), 1, 4, 0, 0, 0},
    {"the other version before",
     WRAP("{\"flowLogVersion\":4,\"category\":\"NetworkSecurityGroupFlowEvent\",\"properties\":{"
          "\"Version\":2,\"flows\":[" GROUP("r", TUPLES_2) "]}}"),
     1, 4, 0, 0, 0},
    {"version 2.5", WRAP(HEAD(TIME, "2.5") GROUP("r", TUPLES_2) "]}}"), 0, 0, 0, 1, 0},
    {"version 12", WRAP(HEAD(TIME, "12") GROUP("r", TUPLES_2) "]}}"), 0, 0, 0, 1, 0},
    {"no version", WRAP("{\"category\":\"FlowLogFlowEvent\"}"), 0, 0, 0, 1, 0},
    {"foreign", WRAP(RECORD_FOREIGN "," RECORD_2 "," RECORD_FOREIGN), 1, 4, 0, 2, 0},
    {"escapes", WRAP(HEAD(TIME, "2") GROUP("r\\u0041", "\"15421\\u003110377,1.2.3.4,5.6.7.8,1,25,T,I,A,B,,,,\"") "]}}"),
     1, 1, 0, 0, 0},
    {"key in a value", WRAP(HEAD(TIME, "2") "{\"rule\":\"flowTuples\",\"x\":\"\\\"flowTuples\\\":[\",\"flows\":[]}]}}"),
     1, 0, 0, 0, 0},
    {"tuples that are none", WRAP(HEAD(TIME, "1") GROUP("r", "1,null,{\"a\":[]},[\"x\"],\"\"," TUPLES_1) "]}}"), 1, 5,
     0, 0, 1},
    {"flowTuples without an array", WRAP(HEAD(TIME, "1") "{\"rule\":\"r\",\"flows\":[{\"flowTuples\":\"x\"}]}]}}"), 1,
     0, 1, 0, 0},
    {"flowTuples in an object", WRAP(HEAD(TIME, "1") "{\"rule\":\"r\",\"flows\":[{\"flowTuples\":{\"x\":1}}]}]}}"), 1,
     0, 1, 0, 0},
    {"flowTuples that are null", WRAP(HEAD(TIME, "1") "{\"rule\":\"r\",\"flows\":[{\"flowTuples\":null}]}]}}"), 1, 0, 0,
     0, 0},
    {"flows without an array", WRAP(HEAD(TIME, "1") "{\"rule\":\"r\",\"flows\":7}]}}," RECORD_2), 2, 4, 1, 0, 0},
    {"another service's flows",
     WRAP("{\"time\":\"" TIME "\",\"category\":\"AuditEvent\",\"properties\":\"x\",\"flows\":7}"), 0, 0, 0, 1, 0},
    {"bad tuples", WRAP(HEAD(TIME, "1") GROUP("r", "\"x\",\"y\"," TUPLES_1) "]}}"), 1, 6, 0, 0, 2},
    {"no category", WRAP("{\"time\":\"" TIME "\"}," RECORD_2), 1, 4, 1, 0, 0},
    {"something else", "hello", 0, 0, 1, 0, 0},
    {"something else before", "hello " RECORD_2, 1, 4, 1, 0, 0},
    {"rules", "[{\"name\":\"nsg\",\"properties\":{\"securityRules\":[]}}]", 0, 0, 1, 0, 0},
    {"comma before a bracket", WRAP(HEAD(TIME, "1") GROUP("r", TUPLES_1 ",") "]}}," RECORD_2), 1, 4, 1, 0, 0},
    {"comma missing", WRAP(HEAD(TIME, "1") GROUP("r", TUPLES_1 " " TUPLES_1) "]}}," RECORD_2), 1, 4, 1, 0, 0},
    {"brackets that differ", "{\"records\":[" RECORD_2 "}]", 1, 4, 2, 0, 0},
    {"value missing", WRAP("{\"time\":\"" TIME "\",\"x\":}," RECORD_2), 1, 4, 1, 0, 0},
    {"value missing behind a comma", WRAP(HEAD(TIME, "1") GROUP("r", TUPLES_1) ",]}}," RECORD_2), 1, 4, 1, 0, 0},
    {"member missing", WRAP("{\"time\":\"" TIME "\",}," RECORD_2), 1, 4, 1, 0, 0},
    {"member missing at first", WRAP("{,\"time\":\"" TIME "\"}," RECORD_2), 1, 4, 1, 0, 0},
    {"colon missing", WRAP("{\"time\"\"" TIME "\"}," RECORD_2), 1, 4, 1, 0, 0},
    {"a map closed as an array", WRAP("{\"time\":\"" TIME "\",\"x\":{\"y\":1]}," RECORD_2), 1, 4, 1, 0, 0},
    {"a zero too many", WRAP(HEAD(TIME, "02") "]}}," RECORD_2), 1, 4, 1, 0, 0},
    {"empty maps and arrays, long numbers",
     WRAP("{\"time\":\"" TIME "\",\"a\":{},\"b\":[],\"c\":[{},[]],\"d\":12345678901234567890,"
          "\"category\":\"NetworkSecurityGroupFlowEvent\",\"properties\":{\"Version\":1,\"flows\":[" GROUP(
              "r", TUPLES_1) "]}}"),
     1, 4, 0, 0, 0},
    {"nested deeply",
     WRAP("{\"time\":\"" TIME "\",\"a\":[[[[[[[[[[[[[[1]]]]]]]]]]]]]],\"category\":\"NetworkSecurityGroupFlowEvent\","
          "\"properties\":{\"Version\":1,\"flows\":[" GROUP("r", TUPLES_1) "]}}"),
     1, 4, 0, 0, 0},
    {"a record that is not closed", WRAP(HEAD(TIME, "1") GROUP("r", TUPLES_1) "," RECORD_2 "," RECORD_1), 2, 8, 1, 0,
     0},
};

static void test_shapes(void **state)
{
    struct readers *r = *state;
    for (size_t i = 0; i < NSF_ARRAY_LEN(shapes); i++) {
        const struct shape *shape = &shapes[i];
        read_both(r, S(shape->text), i);
        struct sums sums = sums_of(r->batch);
        if (sums.n_records != shape->n_records || sums.n_tuples != shape->n_tuples ||
            sums.n_problems != shape->n_problems || sums.n_foreign != shape->n_foreign || sums.n_bad != shape->n_bad) {
            print_error("%s:\n%s", shape->name, nsf_buf_str(&r->text));
            fail();
        }
    }
}

/* Wherever the text is cut into pieces, both ways. */
static void test_every_split(void **state)
{
    struct readers *r = *state;
    for (size_t i = 0; i < NSF_ARRAY_LEN(shapes); i++) {
        struct nsf_slice bytes = S(shapes[i].text);
        read_text(r, r->plain, (struct cutting){0}, bytes, &r->text);
        for (size_t cut = 1; cut < bytes.len; cut++) {
            read_text(r, r->fast, (struct cutting){.cut_at = cut}, bytes, &r->other);
            assert_same_text(r, shapes[i].name, cut);
        }
        for (size_t piece = 1; piece < 40; piece++) {
            read_text(r, piece % 2 == 0 ? r->plain : r->fast, (struct cutting){.piece = piece}, bytes, &r->other);
            assert_same_text(r, shapes[i].name, piece);
        }
    }
}

static const char *const blobs[] = {
    WRAP(RECORD_2 "," RECORD_1 "," RECORD_4),
    WRAP(RECORD_4_SORTED "," RECORD_2),
    RECORD_2 "\n" RECORD_4 "\n" RECORD_1 "\n",
    "\xef\xbb\xbf," RECORD_2 "," RECORD_FOREIGN "," RECORD_4,
};

struct span {
    uint64_t from, to;
    struct nsf_fingerprint fingerprint;
};

/* Where the records of an undamaged blob lie. Ends are found by reading ever longer beginnings of it. */
static size_t find_spans(struct readers *r, struct nsf_slice bytes, struct span *spans)
{
    size_t n = 0;
    for (size_t len = 1; len <= bytes.len; len++) {
        nsf_batch_reset(r->batch);
        read_bytes(r->plain, (struct cutting){0}, nsf_slice(bytes.ptr, len), r->batch);
        if (r->batch->n_records > n) {
            const struct nsf_record *record = &r->batch->records[n];
            spans[n++] = (struct span){record->offset, len, record->fingerprint};
        }
    }
    return n;
}

static bool has_record(const struct nsf_batch *batch, struct nsf_fingerprint fingerprint)
{
    for (size_t i = 0; i < batch->n_records; i++)
        if (batch->records[i].fingerprint.hi == fingerprint.hi && batch->records[i].fingerprint.lo == fingerprint.lo)
            return true;
    return false;
}

/* Cut anywhere: the whole records are counted, and a cut record or an open array is said. */
static void test_every_truncation(void **state)
{
    struct readers *r = *state;
    for (size_t i = 0; i < NSF_ARRAY_LEN(blobs); i++) {
        struct nsf_slice bytes = S(blobs[i]);
        struct span spans[8];
        size_t n_spans = find_spans(r, bytes, spans);
        assert_int_equal(n_spans, i == 0 || i == 2 ? 3 : 2);
        for (size_t len = 0; len < bytes.len; len++) {
            read_both(r, nsf_slice(bytes.ptr, len), len);
            size_t n_whole = 0;
            bool is_inside = false;
            for (size_t s = 0; s < n_spans; s++) {
                n_whole += spans[s].to <= len;
                is_inside = is_inside || (spans[s].from < len && len < spans[s].to);
            }
            assert_int_equal(r->batch->n_records, n_whole);
            bool is_open = i < 2 && len > 0;
            if (is_inside || is_open) {
                assert_int_equal(r->batch->problems.n, 1);
                assert_int_equal(r->batch->problems.items[0].code, NSF_E_TRUNCATED);
                assert_int_equal(r->batch->problems.items[0].offset, len);
            }
        }
    }
}

/* Each bit of each byte turned: every record that does not hold the byte is there. */
static void test_every_flip(void **state)
{
    struct readers *r = *state;
    for (size_t i = 0; i < NSF_ARRAY_LEN(blobs); i++) {
        struct nsf_slice bytes = S(blobs[i]);
        struct span spans[8];
        size_t n_spans = find_spans(r, bytes, spans);
        char *copy = nsf_strdup_n(bytes.ptr, bytes.len);
        for (size_t at = 0; at < bytes.len; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                copy[at] = (char)(bytes.ptr[at] ^ (char)(1u << bit));
                read_both(r, nsf_slice(copy, bytes.len), at);
                for (size_t s = 0; s < n_spans; s++)
                    if ((at < spans[s].from || at >= spans[s].to) && !has_record(r->batch, spans[s].fingerprint)) {
                        print_error("blob %zu byte %zu '%c' record %zu\n%s", i, at, copy[at], s, nsf_buf_str(&r->text));
                        fail();
                    }
                assert_true(r->batch->n_records <= n_spans);
                copy[at] = bytes.ptr[at];
            }
        nsf_free(copy);
    }
}

static struct nsf_scope scope_of_mail(struct readers *r)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        if (r->batch->mail[p].n > 0)
            return nsf_scopes_get(r->scopes, r->batch->mail[p].items[0].scope_id);
    fail();
    return (struct nsf_scope){0};
}

static void test_scopes(void **state)
{
    struct readers *r = *state;
    read_both(r, S(WRAP(RECORD_2)), 0);
    struct nsf_scope scope = scope_of_mail(r);
    assert_int_equal(scope.layout, NSF_LAYOUT_NSG2);
    assert_slice_equal(scope.flow_log, NSG_ID);
    assert_slice_equal(scope.nsg, NSG_ID);
    assert_slice_equal(scope.mac, "000D3AF87856");
    assert_slice_equal(scope.rule, "UserRule_smtp");
    scope = nsf_scopes_get(r->scopes, r->batch->records[0].scope_id);
    assert_null(scope.rule.ptr);
    assert_slice_equal(scope.mac, "000D3AF87856");

    const char *const vnet[] = {WRAP(RECORD_4), WRAP(RECORD_4_SORTED)};
    for (size_t i = 0; i < NSF_ARRAY_LEN(vnet); i++) {
        read_both(r, S(vnet[i]), i);
        scope = scope_of_mail(r);
        assert_int_equal(scope.layout, NSF_LAYOUT_VNET4);
        assert_slice_equal(scope.flow_log, VNET_LOG);
        assert_slice_equal(scope.nsg, ACL);
        assert_slice_equal(scope.mac, "00224871C205");
        assert_slice_equal(scope.rule, "UserRule_smtp");
        assert_int_equal(r->batch->records[0].time_ms, INT64_C(1663146052562));
    }
    read_both(r, S(WRAP(RECORD_1_NO_MAC)), 0);
    assert_slice_equal(scope_of_mail(r).mac, "000D3AF87856");
    assert_slice_equal(nsf_scopes_get(r->scopes, r->batch->records[0].scope_id).mac, "000D3AF87856");
}

static void test_foreign_names(void **state)
{
    struct readers *r = *state;
    read_both(r, S(WRAP(RECORD_FOREIGN "," HEAD(TIME, "3") "]}}," RECORD_FOREIGN)), 0);
    assert_int_equal(r->batch->n_foreign, 2);
    assert_slice_equal(r->batch->foreign[0].category, "AuditEvent");
    assert_int_equal(r->batch->foreign[0].count, 2);
    assert_slice_equal(r->batch->foreign[1].category, "NetworkSecurityGroupFlowEvent/3");
}

static void test_damage_is_named(void **state)
{
    struct readers *r = *state;
    const char *text = WRAP(RECORD_2 "," HEAD(TIME, "2") GROUP("r", TUPLES_2 ",") "]}}," RECORD_1);
    const char *bad = strstr(text, ",]}]}]}},");
    read_both(r, S(text), 0);
    assert_int_equal(r->batch->n_records, 2);
    assert_int_equal(r->batch->problems.n, 1);
    const struct nsf_problem *problem = &r->batch->problems.items[0];
    assert_int_equal(problem->code, NSF_E_JSON);
    assert_int_equal(problem->offset, bad + 1 - text); /* the bracket that should be a string */
    assert_int_equal(problem->tuples_lost, 4);
    assert_int_equal(problem->skipped_bytes, strlen(HEAD(TIME, "2") GROUP("r", TUPLES_2 ",") "]}},"));

    text = WRAP(RECORD_2 "," HEAD(TIME, "2") GROUP("r", TUPLES_2));
    size_t len = strlen(text) - strlen("]}]}]}");
    read_both(r, nsf_slice(text, len), 0);
    assert_int_equal(r->batch->problems.n, 1);
    assert_int_equal(r->batch->problems.items[0].code, NSF_E_TRUNCATED);
    assert_int_equal(r->batch->problems.items[0].tuples_lost, 4);
}

/* Text made to be slow to read: what is read again stays within a fixed share. */
static void test_hostile_text_is_linear(void **state)
{
    struct readers *r = *state;
    static const char *const pieces[] = {"{\"a\":", "{\"a\":[", "{\"time\":{\"x\":", "[", "{\"records\":[",
                                         "{{",      "\"{"};
    size_t len = (size_t)3 << 20;
    char *text = nsf_malloc(len);
    for (size_t i = 0; i < NSF_ARRAY_LEN(pieces); i++) {
        size_t n = strlen(pieces[i]);
        for (size_t at = 0; at < len; at++)
            text[at] = pieces[i][at % n];
        nsf_batch_reset(r->batch);
        read_bytes(r->fast, (struct cutting){0}, nsf_slice(text, len), r->batch);
        assert_int_equal(r->batch->n_records, 0);
        assert_true(r->batch->problems.n > 0);
    }
    nsf_free(text);
}

/* ---- endless records */

static struct nsf_buf long_record(size_t n_bytes, const char *end, size_t *n_groups)
{
    struct nsf_buf text;
    nsf_buf_init(&text, TEXT_MAX);
    nsf_buf_add_str(&text, "{\"records\":[" HEAD(TIME, "2"));
    *n_groups = 2; /* those at the end */
    while (text.len < n_bytes) {
        *n_groups += 2;
        nsf_buf_add_str(&text, GROUP("UserRule_smtp", TUPLES_2) ",");
        nsf_buf_add_str(&text, "{\"flows\":[{\"flowTuples\":[" TUPLES_2 "],\"mac\":\"m\"}],\"rule\":\"behind\"},");
    }
    nsf_buf_add_str(&text, GROUP("last", TUPLES_2) "]}}," RECORD_1);
    nsf_buf_add_str(&text, end);
    return text;
}

static void test_record_past_the_bound(void **state)
{
    struct readers *r = *state;
    size_t n_groups;
    struct nsf_buf text = long_record(NSF_RECORD_MAX_BYTES + ((size_t)5 << 20), "]}", &n_groups);
    read_both(r, nsf_buf_slice(&text), 0);
    struct sums sums = sums_of(r->batch);
    assert_int_equal(sums.n_records, 2);
    assert_int_equal(sums.n_tuples, 4 * n_groups);
    assert_int_equal(sums.n_mail, n_groups);
    assert_int_equal(sums.n_problems, 1);
    assert_int_equal(r->batch->problems.items[0].code, NSF_E_LIMIT);
    assert_false(r->batch->records[0].has_fingerprint);
    assert_true(r->batch->records[1].has_fingerprint);
    read_text(r, r->fast, (struct cutting){.piece = 100003}, nsf_buf_slice(&text), &r->other);
    assert_same_text(r, "a long record in pieces", 0);
    nsf_buf_release(&text);
}

static void test_record_below_the_bound(void **state)
{
    struct readers *r = *state;
    size_t n_groups;
    struct nsf_buf text = long_record(NSF_RECORD_MAX_BYTES - ((size_t)1 << 20), "]}", &n_groups);
    read_both(r, nsf_buf_slice(&text), 0);
    assert_int_equal(r->batch->n_records, 2);
    assert_int_equal(r->batch->problems.n, 0);
    assert_true(r->batch->records[0].has_fingerprint);
    nsf_buf_release(&text);
}

/* One array without an end: it is handed on in parts too. */
static void test_endless_array(void **state)
{
    struct readers *r = *state;
    struct nsf_buf text;
    size_t n = 0;
    nsf_buf_init(&text, TEXT_MAX);
    nsf_buf_add_str(&text, WRAP(RECORD_2));
    nsf_buf_add_str(&text, HEAD(TIME, "2") "{\"rule\":\"r\",\"flows\":[{\"flowTuples\":[");
    for (; text.len < NSF_RECORD_MAX_BYTES * 3 / 2; n++)
        nsf_buf_add_str(&text, n == 0 ? TUPLES_2 : "," TUPLES_2);
    nsf_buf_add_str(&text, "]}]}]}}");
    read_both(r, nsf_buf_slice(&text), 0);
    struct sums sums = sums_of(r->batch);
    assert_int_equal(sums.n_records, 2);
    assert_int_equal(sums.n_mail, n + 1);
    assert_int_equal(sums.n_tuples, 4 * n + 4);
    read_text(r, r->plain, (struct cutting){.piece = 65537}, nsf_buf_slice(&text), &r->other);
    assert_same_text(r, "an endless array in pieces", 0);
    nsf_buf_release(&text);
}

/* A batch at each call: the parts after the first are no records of their own. */
static void test_parts_in_many_batches(void **state)
{
    struct readers *r = *state;
    size_t n_groups;
    struct nsf_buf text = long_record(NSF_RECORD_MAX_BYTES + ((size_t)5 << 20), "]}", &n_groups);
    read_both(r, nsf_buf_slice(&text), 0);
    struct sums whole = sums_of(r->batch), parts = {0};
    size_t at = 0, n_parts = 0;
    nsf_envelope_begin(r->fast, 0, NSF_PLACE_START);
    while (at < text.len) {
        size_t capacity;
        char *room = nsf_envelope_room(r->fast, &capacity);
        size_t n = capacity < 70000 ? capacity : 70000;
        n = n < text.len - at ? n : text.len - at;
        memcpy(room, text.ptr + at, n);
        at += n;
        nsf_batch_reset(r->batch);
        nsf_envelope_commit(r->fast, n, r->batch);
        struct sums sums = sums_of(r->batch);
        for (size_t i = 0; i < r->batch->n_records; i++)
            n_parts += r->batch->records[i].is_part;
        parts.n_mail += sums.n_mail;
        parts.n_tuples += sums.n_tuples;
        parts.n_records += sums.n_records;
    }
    assert_true(n_parts > 0);
    assert_int_equal(parts.n_records - n_parts, whole.n_records);
    assert_int_equal(parts.n_mail, whole.n_mail);
    assert_int_equal(parts.n_tuples, whole.n_tuples);
    nsf_buf_release(&text);
}

/* ---- pieces of one blob */

static void read_piece(struct nsf_envelope *env, struct nsf_slice bytes, struct nsf_batch *batch)
{
    for (size_t at = 0; at < bytes.len;) {
        size_t capacity;
        char *room = nsf_envelope_room(env, &capacity);
        size_t n = capacity < bytes.len - at ? capacity : bytes.len - at;
        memcpy(room, bytes.ptr + at, n);
        nsf_envelope_commit(env, n, batch);
        at += n;
    }
}

/* Cut at each place that looks like a record: where the first half ends at a border, the second goes on alone. */
static void test_borders(void **state)
{
    struct readers *r = *state;
    for (size_t i = 0; i < NSF_ARRAY_LEN(blobs); i++) {
        struct nsf_slice bytes = S(blobs[i]);
        read_text(r, r->fast, (struct cutting){0}, bytes, &r->text);
        size_t n_borders = 0;
        for (size_t at = 1; at < bytes.len; at++) {
            at += nsf_envelope_find_border(nsf_slice_from(bytes, at));
            if (at == bytes.len)
                break;
            nsf_batch_reset(r->batch);
            nsf_envelope_begin(r->fast, 0, NSF_PLACE_START);
            read_piece(r->fast, nsf_slice(bytes.ptr, at), r->batch);
            enum nsf_envelope_place place = nsf_envelope_place(r->fast);
            if (place == NSF_PLACE_ELSEWHERE)
                continue;
            n_borders++;
            assert_int_equal(place, i < 2 ? NSF_PLACE_IN_RECORDS : NSF_PLACE_IN_LINES);
            nsf_envelope_begin(r->plain, at, place);
            read_piece(r->plain, nsf_slice_from(bytes, at), r->batch);
            nsf_envelope_finish(r->plain, r->batch);
            nsf_buf_reset(&r->other);
            batch_text(r->batch, r->scopes, &r->other);
            assert_same_text(r, "a blob in two pieces", at);
        }
        /* Not at the start of a blob, nor where it is not known yet that the records are wrapped. */
        assert_int_equal(n_borders, i == 1 ? 1 : i == 3 ? 3 : 2);
    }
}

static void test_place(void **state)
{
    struct readers *r = *state;
    nsf_envelope_begin(r->fast, 0, NSF_PLACE_START);
    assert_int_equal(nsf_envelope_place(r->fast), NSF_PLACE_START);
    nsf_batch_reset(r->batch);
    read_piece(r->fast, S("{\"records\":"), r->batch);
    assert_int_equal(nsf_envelope_place(r->fast), NSF_PLACE_ELSEWHERE);
    read_piece(r->fast, S("[" RECORD_1 ","), r->batch);
    assert_int_equal(nsf_envelope_place(r->fast), NSF_PLACE_IN_RECORDS);
    read_piece(r->fast, S("]}"), r->batch);
    assert_int_equal(nsf_envelope_place(r->fast), NSF_PLACE_IN_LINES);
    read_piece(r->fast, S("junk"), r->batch);
    assert_int_equal(nsf_envelope_place(r->fast), NSF_PLACE_ELSEWHERE);
}

static void test_first_time(void **state)
{
    struct readers *r = *state;
    read_both(r, S(WRAP("{\"category\":\"x\",\"time\":\"soon\"}," RECORD_4 "," RECORD_2)), 0);
    assert_int_equal(nsf_envelope_first_time(r->fast), INT64_C(1663146052562));
    read_both(r, S(""), 0);
    assert_true(nsf_envelope_first_time(r->fast) == NSF_TS_NONE);
}

static void test_strict_and_smtp_only(void **state)
{
    struct readers *r = *state;
    struct nsf_batch *batch = nsf_batch_new();
    const char *text = WRAP(HEAD(TIME, "1") GROUP("r", "\"x,x,x,x,443,T,O,A\"," TUPLES_1) "]}}");
    for (unsigned i = 0; i < 4; i++) {
        struct nsf_envelope_options options = {.scopes = r->scopes, .is_plain = i >= 2};
        options.is_strict = i % 2 == 0;
        options.is_smtp_only = i % 2 == 1;
        struct nsf_envelope *env = nsf_envelope_new(&options);
        nsf_batch_reset(batch);
        read_bytes(env, (struct cutting){0}, S(text), batch);
        struct sums sums = sums_of(batch);
        assert_int_equal(sums.n_bad, options.is_strict ? 1 : 0);
        assert_int_equal(sums.n_contacts, options.is_strict ? 1 : 0);
        assert_int_equal(sums.n_mail, 1);
        nsf_envelope_free(env);
    }
    nsf_batch_free(batch);
}

/* ---- public samples */

static void test_samples(void **state)
{
    static const struct {
        const char *name;
        size_t n_records, n_tuples, n_problems, n_foreign, n_bad;
    } samples[] = {
        {"microsoft-connector/AzureNSGFlowLogsv1.json", 0, 0, 1, 0, 0},
        {"microsoft-connector/sampleJsonInput.json", 3, 38, 0, 0, 0},
        {"microsoft-connector/sampleOfInputV1.json", 24, 1187, 0, 0, 0},
        {"microsoft-connector/sampleStage3Input.txt", 1, 85, 0, 0, 0},
        {"microsoft-connector/sampleCefV1Output.txt", 0, 0, 1, 0, 0},
        {"microsoft-connector/sampleOutputOfConvertToSplunk.json", 0, 0, 0, 1, 0},
        {"msdocs/nsg-flow-logs-overview_v1_nested-records.json", 5, 21, 0, 0, 0},
        {"msdocs/nsg-flow-logs-overview_v2.json", 2, 11, 0, 0, 0},
        {"msdocs/vnet-flow-logs-overview_v4.json", 1, 19, 0, 0, 0},
        {"msdocs/flow-logs-read_v1_empty-flows.json", 1, 12, 0, 0, 0},
        {"msdocs/flow-logs-read_v4_bare-record.json", 1, 10, 0, 0, 0},
        {"msdocs/2017_blob_whitespace_excerpt.txt", 1, 5, 1, 0, 0},
        {"msdocs/bandwidth_example_tuples.txt", 0, 0, 1, 0, 0},
        {"sumologic/blob_fixtures.json", 8, 153, 0, 0, 0},
        {"sumologic/blob_fixtures_networkinterfaceflowlogs.json", 4, 61, 0, 0, 0},
        {"sumologic/blob_fixtures_subnetflowlogs.json", 4, 68, 0, 0, 0},
        {"sumologic/blob_fixtures_vnetflowlogs.json", 8, 166, 0, 0, 0},
    };
    struct readers *r = *state;
    const char *folder = getenv("NSGFLOW_SAMPLES");
    if (folder == NULL)
        skip();
    for (size_t i = 0; i < NSF_ARRAY_LEN(samples); i++) {
        char name[256];
        size_t len;
        snprintf(name, sizeof(name), "flowlogs/%s", samples[i].name);
        char *text = nsf_test_read_file(nsf_test_path(folder, name), &len);
        read_both(r, nsf_slice(text, len), i);
        struct sums sums = sums_of(r->batch);
        if (sums.n_records != samples[i].n_records || sums.n_tuples != samples[i].n_tuples)
            print_error("%s: %zu records, %zu tuples\n", samples[i].name, sums.n_records, sums.n_tuples);
        assert_int_equal(sums.n_records, samples[i].n_records);
        assert_int_equal(sums.n_tuples, samples[i].n_tuples);
        assert_int_equal(sums.n_problems, samples[i].n_problems);
        assert_int_equal(sums.n_foreign, samples[i].n_foreign);
        assert_int_equal(sums.n_bad, samples[i].n_bad);
        for (size_t piece = 1; piece < 5000; piece = piece * 3 + 1) {
            read_text(r, r->fast, (struct cutting){.piece = piece}, nsf_slice(text, len), &r->other);
            assert_same_text(r, samples[i].name, piece);
        }
        free(text);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_shapes),
        TEST(test_every_split),
        TEST(test_every_truncation),
        TEST(test_every_flip),
        TEST(test_scopes),
        TEST(test_foreign_names),
        TEST(test_damage_is_named),
        TEST(test_hostile_text_is_linear),
        TEST(test_record_past_the_bound),
        TEST(test_record_below_the_bound),
        TEST(test_endless_array),
        TEST(test_parts_in_many_batches),
        TEST(test_borders),
        TEST(test_place),
        TEST(test_first_time),
        TEST(test_strict_and_smtp_only),
        TEST(test_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
