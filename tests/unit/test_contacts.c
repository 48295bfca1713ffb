#include "core/nsf_common.h"

#include "evidence/contacts.h"

#include "core/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define N_SOURCES 60u
#define N_TUPLES 6000u
#define N_TARGETS 3u

struct tuple {
    struct nsf_wide_contact contact;
    uint32_t target;
    bool is_mail; /* denied on TCP 25 */
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Some sources do one thing, others many; some are IPv6. */
static struct nsf_ip source_of(uint32_t number)
{
    if (number % 7 == 6)
        return (struct nsf_ip){UINT64_C(0x20010db800000000), number};
    return nsf_ip_from_v4(0xc6336400 + number);
}

static void make_tuples(struct tuple *tuples, uint32_t seed)
{
    for (uint32_t i = 0; i < N_TUPLES; i++) {
        uint32_t number = next_random(&seed) % N_SOURCES, variety = number % 5 == 0 ? 1 : number % 3 == 0 ? 3 : 40;
        struct tuple *tuple = &tuples[i];
        *tuple = (struct tuple){.target = next_random(&seed) % (N_TARGETS + 1)};
        if (tuple->target == N_TARGETS || variety == 1)
            tuple->target = NSF_INDEX_NONE;
        tuple->is_mail = variety > 1 && next_random(&seed) % 5 == 0;
        tuple->contact = (struct nsf_wide_contact){
            .src = source_of(number),
            .dst = nsf_ip_from_v4(0x0a000000 + next_random(&seed) % variety),
            .dst_port = (uint16_t)(next_random(&seed) % variety * 3 + (variety == 40 ? 0 : 22)),
            .protocol = (uint8_t)(variety == 1 || next_random(&seed) % 4 > 0 ? 6
                                  : next_random(&seed) % 2 == 0              ? 17
                                                                             : 1),
            .is_denied = tuple->is_mail || number % 2 == 0 || (variety > 1 && next_random(&seed) % 2 == 0),
        };
        if (tuple->is_mail) {
            tuple->contact.dst_port = 25;
            tuple->contact.protocol = 6;
        } else if (tuple->contact.dst_port == 25) {
            tuple->contact.dst_port = 26;
        }
    }
}

static void add(struct nsf_contacts_table *table, const struct tuple *tuple)
{
    const struct nsf_wide_contact *contact = &tuple->contact;
    if (tuple->is_mail)
        nsf_contacts_add_denied_mail(
            table, &(struct nsf_mail_event){.src = contact->src, .dst = contact->dst, .dst_port = 25});
    else
        nsf_contacts_add_other(table, contact, tuple->target);
}

enum what {
    DENIED_ADDRESS,
    DENIED_PORT,
    DENIED_MAIL_ADDRESS,
    OTHER_PORT,
    TARGET_PORT
};

static bool does(const struct tuple *tuple, enum what what)
{
    switch (what) {
    case DENIED_ADDRESS:
    case DENIED_PORT:
        return tuple->contact.is_denied;
    case DENIED_MAIL_ADDRESS:
        return tuple->is_mail;
    case OTHER_PORT:
        return !tuple->contact.is_denied;
    case TARGET_PORT:
        return !tuple->contact.is_denied && tuple->target != NSF_INDEX_NONE;
    }
    return false;
}

static bool is_same(const struct tuple *a, const struct tuple *b, enum what what)
{
    if (what == DENIED_ADDRESS || what == DENIED_MAIL_ADDRESS)
        return nsf_ip_eq(a->contact.dst, b->contact.dst);
    return a->contact.protocol == b->contact.protocol && a->contact.dst_port == b->contact.dst_port &&
           (what != TARGET_PORT || a->target == b->target);
}

/* The slow way: every tuple of the source against every other. */
static uint32_t distinct(const struct tuple *tuples, struct nsf_ip src, enum what what)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < N_TUPLES; i++) {
        bool is_new = nsf_ip_eq(tuples[i].contact.src, src) && does(&tuples[i], what);
        for (uint32_t k = 0; k < i && is_new; k++)
            is_new = !(nsf_ip_eq(tuples[k].contact.src, src) && does(&tuples[k], what) &&
                       is_same(&tuples[i], &tuples[k], what));
        n += is_new;
    }
    return n < NSF_DISTINCT_EXACT_MAX ? n : NSF_DISTINCT_EXACT_MAX;
}

static void check_source(const struct nsf_contacts_table *table, const struct tuple *tuples, struct nsf_ip src)
{
    struct nsf_contact_summary summary;
    uint32_t n_denied = 0, n_other = 0;
    bool is_refused = false, is_beside_mail = false;
    for (uint32_t i = 0; i < N_TUPLES; i++) {
        if (!nsf_ip_eq(tuples[i].contact.src, src))
            continue;
        n_denied += tuples[i].contact.is_denied;
        n_other += !tuples[i].contact.is_denied;
        is_refused = is_refused || tuples[i].is_mail;
        is_beside_mail = is_beside_mail || !tuples[i].is_mail;
    }
    assert_true(nsf_contacts_find(table, src, &summary));
    assert_true(nsf_ip_eq(summary.src, src));
    assert_int_equal(summary.denied_tuples, n_denied);
    assert_int_equal(summary.other_contacts, n_other);
    assert_int_equal(summary.denied_addresses, distinct(tuples, src, DENIED_ADDRESS));
    assert_int_equal(summary.denied_ports, distinct(tuples, src, DENIED_PORT));
    assert_int_equal(summary.denied_mail_addresses, distinct(tuples, src, DENIED_MAIL_ADDRESS));
    assert_int_equal(summary.other_ports, distinct(tuples, src, OTHER_PORT));
    assert_int_equal((summary.flags & NSF_CONTACT_DENIED_MAIL) != 0, is_refused);
    assert_int_equal((summary.flags & NSF_CONTACT_NOT_MAIL_PORT) != 0, is_beside_mail);
}

static bool is_kept(const struct nsf_contacts_table *table, struct nsf_ip src)
{
    struct nsf_contact_summary summary;
    return nsf_contacts_find(table, src, &summary);
}

/* Sources of a port row, one by one. */
static void check_port(const struct nsf_contacts_table *table, const struct tuple *tuples, uint32_t idx)
{
    const struct nsf_target_port *port = &table->ports[idx];
    struct tuple wanted = {.contact = {.dst_port = port->port, .protocol = port->protocol}, .target = port->target};
    uint64_t n_tuples = 0, n_sources = 0;
    for (uint32_t number = 0; number < N_SOURCES; number++) {
        uint64_t n = 0;
        for (uint32_t i = 0; i < N_TUPLES; i++)
            n += nsf_ip_eq(tuples[i].contact.src, source_of(number)) && does(&tuples[i], TARGET_PORT) &&
                 is_same(&tuples[i], &wanted, TARGET_PORT);
        n_tuples += n;
        n_sources += n > 0 && is_kept(table, source_of(number));
    }
    assert_int_equal(port->tuples, n_tuples);
    assert_int_equal(port->sources, n_sources);
}

static void check_users(const struct nsf_contacts_table *table, const struct tuple *tuples)
{
    bool *is_wanted = nsf_calloc(table->n_ports, sizeof(*is_wanted));
    uint64_t n_users = 0;
    for (uint32_t i = 0; i < table->n_ports; i++)
        is_wanted[i] = table->ports[i].port % 4 == 0;
    for (uint32_t number = 0; number < N_SOURCES; number++) {
        bool is_user = false;
        for (uint32_t i = 0; i < N_TUPLES; i++)
            is_user = is_user || (nsf_ip_eq(tuples[i].contact.src, source_of(number)) &&
                                  does(&tuples[i], TARGET_PORT) && tuples[i].contact.dst_port % 4 == 0);
        n_users += is_user && is_kept(table, source_of(number));
    }
    assert_int_equal(nsf_contacts_count_users(table, is_wanted), n_users);
    nsf_free(is_wanted);
}

static void count_one(void *ctx, const struct nsf_contact_summary *summary)
{
    (void)summary;
    (*(uint32_t *)ctx)++;
}

static void test_against_the_slow_way(void **state)
{
    (void)state;
    struct tuple *tuples = nsf_calloc(N_TUPLES, sizeof(*tuples));
    for (uint32_t seed = 1; seed <= 3; seed++) {
        struct nsf_contacts_table table;
        uint32_t n = 0;
        make_tuples(tuples, seed);
        nsf_contacts_init(&table, seed * 77);
        for (uint32_t i = 0; i < N_TUPLES; i++)
            add(&table, &tuples[i]);
        nsf_contacts_finish(&table);
        for (uint32_t number = 0; number < N_SOURCES; number++)
            check_source(&table, tuples, source_of(number));
        assert_true(table.n_ports > 20);
        for (uint32_t i = 0; i < table.n_ports; i++)
            check_port(&table, tuples, i);
        check_users(&table, tuples);
        nsf_contacts_each(&table, count_one, &n);
        assert_int_equal(n, N_SOURCES);
        assert_int_equal(table.n_not_kept, 0);
        nsf_contacts_release(&table);
    }
    nsf_free(tuples);
}

/* Forwards, backwards, with another seed: the same are kept, with all that they did. */
static void test_bound(void **state)
{
    (void)state;
    const uint32_t max = 20;
    struct tuple *tuples = nsf_calloc(N_TUPLES, sizeof(*tuples));
    struct nsf_contacts_table tables[2];
    make_tuples(tuples, 9);
    for (unsigned t = 0; t < 2; t++) {
        nsf_contacts_init(&tables[t], t);
        tables[t].max_addresses = max;
        for (uint32_t i = 0; i < N_TUPLES; i++)
            add(&tables[t], &tuples[t == 0 ? i : N_TUPLES - 1 - i]);
        nsf_contacts_finish(&tables[t]);
    }
    uint32_t n_kept = 0;
    uint64_t n_not_kept = 0;
    for (uint32_t number = 0; number < N_SOURCES; number++) {
        bool is_one = is_kept(&tables[0], source_of(number));
        assert_int_equal(is_one, is_kept(&tables[1], source_of(number)));
        n_kept += is_one;
        for (unsigned t = 0; t < 2 && is_one; t++)
            check_source(&tables[t], tuples, source_of(number));
        for (uint32_t i = 0; i < N_TUPLES && !is_one; i++)
            n_not_kept += nsf_ip_eq(tuples[i].contact.src, source_of(number));
    }
    assert_int_equal(n_kept, max);
    for (unsigned t = 0; t < 2; t++) {
        assert_int_equal(tables[t].n_not_kept, n_not_kept);
        for (uint32_t i = 0; i < tables[t].n_ports; i++)
            check_port(&tables[t], tuples, i);
        check_users(&tables[t], tuples);
        nsf_contacts_release(&tables[t]);
    }
    nsf_free(tuples);
}

/* Who did one thing only costs a slot; the bound holds while addresses come. */
static void test_many_addresses(void **state)
{
    (void)state;
    struct nsf_contacts_table table;
    struct nsf_wide_contact contact = {
        .dst = nsf_ip_from_v4(0x0a000004), .dst_port = 22, .protocol = 6, .is_denied = true};
    nsf_contacts_init(&table, 5);
    for (uint32_t i = 0; i < 300000; i++) {
        contact.src = nsf_ip_from_v4(i * 2654435761u);
        nsf_contacts_add_other(&table, &contact, NSF_INDEX_NONE);
    }
    assert_int_equal(table.n_rows, 0);
    assert_true(table.n_slots <= 300000 / 3 * 4 + 64);
    nsf_contacts_release(&table);
    nsf_contacts_init(&table, 5);
    table.max_addresses = 1000;
    for (uint32_t i = 0; i < 100000; i++) {
        contact.src = nsf_ip_from_v4(i * 2654435761u);
        nsf_contacts_add_other(&table, &contact, NSF_INDEX_NONE);
        assert_true(table.n_slots < 2400);
    }
    uint32_t n = 0;
    nsf_contacts_finish(&table);
    nsf_contacts_each(&table, count_one, &n);
    assert_int_equal(n, 1000);
    assert_int_equal(table.n_not_kept, 99000);
    nsf_contacts_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_slow_way),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_many_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
