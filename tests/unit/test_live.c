#include "core/nsf_common.h"

#include "evidence/live.h"

#include "core/clock.h"
#include "support/nsf_test.h"

#define KEYS 1000u
#define T0 INT64_C(1767225600000)

static uint64_t random_state;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(nsf_test_random(&random_state) % n);
}

static struct nsf_live_key key_of(uint32_t n)
{
    return (struct nsf_live_key){
        .src = n % 3 == 0 ? (struct nsf_ip){n, n} : nsf_ip_from_v4(n / 2),
        .dst_id = n % 2,
        .key_id = n % 5,
        .src_port = (uint16_t)n,
    };
}

static struct nsf_mail_event random_event(void)
{
    static const uint64_t sizes[] = {0, 1, 40, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
    struct nsf_mail_event event = {.event = (uint8_t)below(NSF_FLOW_DENIED), .has_counters = below(2) == 0};
    if (event.has_counters) {
        event.packets_in = sizes[below(NSF_ARRAY_LEN(sizes))];
        event.bytes_in = sizes[below(3)];
        event.packets_out = sizes[below(3)];
        event.bytes_out = sizes[below(NSF_ARRAY_LEN(sizes))];
    }
    return event;
}

/* What a connection can be asked: the last end is only asked for while it matters. */
static void assert_same(const struct nsf_connection *a, const struct nsf_connection *b)
{
    assert_true(a->first_ms == b->first_ms && a->last_ms == b->last_ms);
    assert_true(a->counted_from_ms == b->counted_from_ms && a->counted_to_ms == b->counted_to_ms);
    assert_memory_equal(&a->total, &b->total, sizeof(a->total));
    assert_true(a->attempts == b->attempts && a->tuples == b->tuples);
    assert_true(a->is_ended == b->is_ended && a->has_counters == b->has_counters && a->has_carry == b->has_carry);
    assert_true(a->last_end_has_counters == b->last_end_has_counters && a->is_vnet4 == b->is_vnet4);
    if (!a->is_ended && !a->has_carry)
        return;
    assert_true(a->last_end_ms == b->last_end_ms);
    assert_memory_equal(&a->last_end, &b->last_end, sizeof(a->last_end));
}

static void step(struct nsf_connection *connection, bool is_new, int64_t ts_ms, const struct nsf_mail_event *event,
                 bool is_counted)
{
    if (is_new || nsf_connection_take(connection, event, ts_ms, NSF_IDLE_MS_DEFAULT) == NSF_STEP_NEW)
        nsf_connection_begin(connection, event, ts_ms);
    if (is_counted)
        nsf_connection_count(connection, ts_ms);
}

/* Connections that come and go, beside an array that holds them whole. */
static void test_rows_hold_what_is_put(void **state)
{
    (void)state;
    struct nsf_lives lives;
    struct nsf_connection *whole = nsf_calloc(KEYS, sizeof(*whole)), packed;
    bool *is_live = nsf_calloc(KEYS, sizeof(*is_live));
    uint32_t n_live = 0;
    int64_t now_ms = T0;
    random_state = 1;
    nsf_lives_init(&lives, 7);
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t n = below(KEYS);
        struct nsf_live_key key = key_of(n);
        uint32_t hash = nsf_lives_hash(&lives, &key);
        struct nsf_live *live = nsf_lives_find(&lives, hash, &key);
        assert_int_equal(live != NULL, is_live[n]);
        assert_ptr_equal(nsf_lives_find_at(&lives, nsf_lives_expect_row(&lives, hash), hash, &key), live);
        uint32_t any_row = lives.n_rows == 0 ? NSF_INDEX_NONE : below(lives.n_rows); /* as if rows had changed */
        assert_ptr_equal(nsf_lives_find_at(&lives, any_row, hash, &key), live);
        if (live != NULL && below(3) == 0) {
            nsf_lives_drop_large(&lives, live);
            uint32_t row = 0;
            while (nsf_lives_row(&lives, row) != live)
                row++;
            nsf_lives_remove(&lives, row);
            is_live[n] = false;
            n_live--;
            continue;
        }
        struct nsf_mail_event event = random_event();
        bool is_counted = below(4) > 0 || (is_live[n] && whole[n].tuples > 0);
        now_ms += below(200) == 0 ? (int64_t)below(2) * INT64_C(5000000000) : (int64_t)below(20000);
        if (live != NULL) {
            nsf_live_connection(&lives, live, &packed);
            assert_same(&whole[n], &packed);
        } else {
            live = nsf_lives_add(&lives, hash, &key);
            n_live++;
        }
        step(&whole[n], !is_live[n], now_ms, &event, is_counted);
        is_live[n] = true;
        nsf_live_put(&lives, live, &whole[n]);
        assert_int_equal(nsf_live_tuples(&lives, live), whole[n].tuples);
        assert_true(nsf_live_last_ms(&lives, live) == whole[n].last_ms);
        assert_true(nsf_live_first_ms(&lives, live) == whole[n].first_ms);
        bool is_answered;
        assert_true(nsf_live_is_ended(&lives, live, &is_answered) == whole[n].is_ended);
        assert_true(is_answered == (whole[n].has_counters && whole[n].total.packets_out > 0));
        assert_int_equal(lives.n_live, n_live);
    }
    assert_true(lives.n_rows <= KEYS);  /* removed rows are used again */
    assert_true(lives.n_large <= KEYS); /* and states beside the table */
    assert_true(lives.n_large > 0);
    nsf_lives_release(&lives);
    nsf_free(whole);
    nsf_free(is_live);
}

static void test_common_connections_need_no_state_beside(void **state)
{
    (void)state;
    struct nsf_lives lives;
    struct nsf_connection connection;
    nsf_lives_init(&lives, 7);
    for (uint32_t n = 0; n < KEYS; n++) {
        struct nsf_live_key key = key_of(n);
        struct nsf_live *live = nsf_lives_add(&lives, nsf_lives_hash(&lives, &key), &key);
        nsf_connection_begin(&connection, &(struct nsf_mail_event){.event = NSF_FLOW_BEGIN}, T0);
        nsf_connection_count(&connection, T0);
        struct nsf_mail_event end = {.event = NSF_FLOW_END, .has_counters = true, .packets_in = n, .bytes_out = 1000};
        assert_int_equal(nsf_connection_take(&connection, &end, T0 + n, NSF_IDLE_MS_DEFAULT), NSF_STEP_SAME);
        nsf_connection_count(&connection, T0 + n);
        nsf_live_put(&lives, live, &connection);
    }
    assert_int_equal(lives.n_large, 0);
    nsf_lives_release(&lives);
}

/* Events come counted, in order or late, near and far apart; what the short step does is what the long one does. */
static void test_short_steps_are_the_long_ones(void **state)
{
    (void)state;
    struct nsf_lives lives;
    uint32_t n_short = 0, n_long = 0;
    nsf_lives_init(&lives, 9);
    random_state = 4;
    for (uint32_t round = 0; round < 20000; round++) {
        struct nsf_live_key key = key_of(round % KEYS);
        struct nsf_live *live = nsf_lives_add(&lives, nsf_lives_hash(&lives, &key), &key);
        struct nsf_connection connection, packed;
        struct nsf_mail_event event = random_event();
        int64_t ts_ms = T0;
        bool is_counted = below(8) != 0, is_vnet4 = below(2) == 0;
        event.ts_ms = ts_ms;
        nsf_connection_begin(&connection, &event, ts_ms);
        connection.is_vnet4 = is_vnet4;
        if (is_counted)
            nsf_connection_count(&connection, ts_ms);
        if (is_counted && (event.event == NSF_FLOW_BEGIN || event.event == NSF_FLOW_LINE))
            nsf_live_begin(live, ts_ms, is_vnet4);
        else
            nsf_live_put(&lives, live, &connection);
        for (uint32_t i = 0; i < 6; i++) {
            nsf_live_connection(&lives, live, &packed);
            assert_same(&packed, &connection);
            static const int64_t gaps[] = {-1000, 0, 5000, 300000, NSF_IDLE_MS_DEFAULT, NSF_IDLE_MS_DEFAULT + 1};
            event = random_event();
            event.ts_ms = connection.last_ms + gaps[below(NSF_ARRAY_LEN(gaps))];
            bool is_short = nsf_live_go_on(live, &event, NSF_IDLE_MS_DEFAULT, is_vnet4);
            ts_ms = event.ts_ms < connection.last_ms ? connection.last_ms : event.ts_ms;
            struct nsf_connection next = connection;
            if (nsf_connection_take(&next, &event, ts_ms, NSF_IDLE_MS_DEFAULT) == NSF_STEP_NEW) {
                assert_false(is_short);
                continue;
            }
            connection = next;
            connection.is_vnet4 = is_vnet4;
            nsf_connection_count(&connection, ts_ms);
            if (!is_short)
                nsf_live_put(&lives, live, &connection);
            n_short += is_short;
            n_long += !is_short;
        }
        nsf_lives_drop_large(&lives, live);
        nsf_live_forget(live);
        nsf_lives_remove(&lives, 0);
    }
    assert_true(n_short > 1000 && n_long > 1000);
    nsf_lives_release(&lives);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_hold_what_is_put),
        cmocka_unit_test(test_common_connections_need_no_state_beside),
        cmocka_unit_test(test_short_steps_are_the_long_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
