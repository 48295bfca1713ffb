#include "core/nsf_common.h"

#include "evidence/contacts.h"

#include "core/mem.h"
#include "evidence/contacts_state.h"

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

/* So many addresses and ports are what a source chooses from. */
static const uint32_t varieties[] = {1, 40, 5, 3, 7, 5, 13, 40, 3, 2, 9};

static void make_tuples(struct tuple *tuples, uint32_t seed)
{
    for (uint32_t i = 0; i < N_TUPLES; i++) {
        uint32_t number = next_random(&seed) % N_SOURCES, variety = varieties[number % NSF_ARRAY_LEN(varieties)];
        struct tuple *tuple = &tuples[i];
        *tuple = (struct tuple){.target = next_random(&seed) % (N_TARGETS + 1)};
        if (tuple->target == N_TARGETS || variety == 1)
            tuple->target = NSF_INDEX_NONE;
        tuple->is_mail = variety > 1 && next_random(&seed) % 5 == 0;
        tuple->contact = (struct nsf_wide_contact){
            .src = source_of(number),
            .dst = nsf_ip_from_v4(0x0a000000 + next_random(&seed) % variety),
            .dst_port = (uint16_t)(next_random(&seed) % variety * 3 + (variety < 5 ? 22 : 0)),
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

static bool has_v4(const struct tuple *tuple)
{
    return nsf_ip_is_v4(tuple->contact.src);
}

static struct nsf_contact compact(const struct nsf_wide_contact *contact)
{
    return (struct nsf_contact){
        .src = nsf_ip_to_v4(contact->src),
        .dst = nsf_ip_to_v4(contact->dst),
        .dst_port = contact->dst_port,
        .protocol = contact->protocol,
        .is_denied = contact->is_denied,
    };
}

static void add(struct nsf_contacts_table *table, const struct tuple *tuple)
{
    const struct nsf_wide_contact *contact = &tuple->contact;
    if (tuple->is_mail)
        nsf_contacts_add_denied_mail(
            table, &(struct nsf_mail_event){.src = contact->src, .dst = contact->dst, .dst_port = 25});
    else
        nsf_contacts_add_wide(table, contact, tuple->target);
}

static void add_in_order(struct nsf_contacts_table *table, const struct tuple *tuples)
{
    for (uint32_t i = 0; i < N_TUPLES; i++)
        add(table, &tuples[i]);
}

/* From the last to the first, those that can in blocks, with what else there is between them. */
static void add_in_blocks(struct nsf_contacts_table *table, const struct tuple *tuples)
{
    struct nsf_contact_block block = {.n = 0};
    struct nsf_contact *contacts = nsf_calloc(N_TUPLES, sizeof(*contacts));
    for (uint32_t i = N_TUPLES; i-- > 0;) {
        contacts[i] = compact(&tuples[i].contact);
        if (has_v4(&tuples[i]) && !tuples[i].is_mail)
            nsf_contacts_put(table, &block, &contacts[i], tuples[i].target);
        if (i % 1000 != 0)
            continue;
        nsf_contacts_empty_block(table, &block);
        assert_int_equal(block.n, 0);
        for (uint32_t k = i; k < N_TUPLES && k < i + 1000; k++)
            if (!has_v4(&tuples[k]) || tuples[k].is_mail)
                add(table, &tuples[k]);
    }
    nsf_free(contacts);
}

static void put_all(struct nsf_contacts_table *table, const struct nsf_contact *contacts, size_t n, uint32_t target)
{
    struct nsf_contact_block block = {.n = 0};
    for (size_t i = 0; i < n; i++)
        nsf_contacts_put(table, &block, &contacts[i], target);
    nsf_contacts_empty_block(table, &block);
}

typedef void add_all_fn(struct nsf_contacts_table *table, const struct tuple *tuples);
static add_all_fn *const ways[] = {add_in_order, add_in_blocks};

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

#define N_GROUPS 3u

/* Ports by their last digit: some belong together, some to nobody. */
static uint32_t group_of_port(uint16_t port)
{
    return port % 10 < 4 ? NSF_INDEX_NONE : port % N_GROUPS;
}

static void check_users(const struct nsf_contacts_table *table, const struct tuple *tuples)
{
    uint32_t *group_of = nsf_malloc((table->n_ports + 1) * sizeof(*group_of));
    uint64_t n_users[N_GROUPS] = {0}, n_expected[N_GROUPS] = {0};
    for (uint32_t i = 0; i < table->n_ports; i++)
        group_of[i] = group_of_port(table->ports[i].port);
    for (uint32_t number = 0; number < N_SOURCES; number++)
        for (uint32_t group = 0; group < N_GROUPS; group++) {
            bool is_user = false;
            for (uint32_t i = 0; i < N_TUPLES; i++)
                is_user =
                    is_user || (nsf_ip_eq(tuples[i].contact.src, source_of(number)) && does(&tuples[i], TARGET_PORT) &&
                                group_of_port(tuples[i].contact.dst_port) == group);
            n_expected[group] += is_user && is_kept(table, source_of(number));
        }
    nsf_contacts_count_users(table, group_of, n_users);
    for (uint32_t group = 0; group < N_GROUPS; group++)
        assert_int_equal(n_users[group], n_expected[group]);
    nsf_free(group_of);
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
    for (uint32_t seed = 1; seed <= 4; seed++) {
        struct nsf_contacts_table table;
        uint32_t n = 0;
        make_tuples(tuples, seed);
        nsf_contacts_init(&table, seed * 77);
        ways[seed % 2](&table, tuples);
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

/* Forwards, backwards in blocks, with another seed: the same are kept, with all that they did. */
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
        ways[t](&tables[t], tuples);
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

/* The flags of one tuple. */
static void test_flags(void **state)
{
    (void)state;
    static const struct {
        uint8_t protocol;
        uint16_t port;
        unsigned flags;
    } cases[] = {
        {6, 25, 0},
        {6, 465, 0},
        {6, 587, 0},
        {17, 25, NSF_CONTACT_NOT_MAIL_PORT},
        {6, 53, NSF_CONTACT_NOT_MAIL_PORT},
        {17, 53, NSF_CONTACT_NOT_MAIL_PORT},
        {6, 80, NSF_CONTACT_NOT_MAIL_PORT},
        {6, 113, NSF_CONTACT_NOT_MAIL_PORT},
        {6, 443, NSF_CONTACT_NOT_MAIL_PORT},
        {17, 443, NSF_CONTACT_NOT_MAIL_PORT},
        {17, 587, NSF_CONTACT_NOT_MAIL_PORT},
        {1, 0, NSF_CONTACT_NOT_MAIL_PORT},
        {6, 0, NSF_CONTACT_NOT_MAIL_PORT | NSF_CONTACT_STRANGE_PORT},
        {6, 26, NSF_CONTACT_NOT_MAIL_PORT | NSF_CONTACT_STRANGE_PORT},
        {17, 3389, NSF_CONTACT_NOT_MAIL_PORT | NSF_CONTACT_STRANGE_PORT},
        {6, 65535, NSF_CONTACT_NOT_MAIL_PORT | NSF_CONTACT_STRANGE_PORT},
    };
    struct nsf_contacts_table table;
    struct nsf_contact_summary summary;
    nsf_contacts_init(&table, 3);
    for (unsigned i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_wide_contact contact = {
            .src = nsf_ip_from_v4(i), .dst_port = cases[i].port, .protocol = cases[i].protocol};
        nsf_contacts_add_wide(&table, &contact, NSF_INDEX_NONE);
        assert_true(nsf_contacts_find(&table, contact.src, &summary));
        assert_int_equal(summary.flags, cases[i].flags);
    }
    nsf_contacts_release(&table);
}

/* Whose flags are not complete when its ports are counted no further still gets those that come. */
static void test_flags_behind_the_last_count(void **state)
{
    (void)state;
    struct nsf_contacts_table table;
    struct nsf_contact contacts[40];
    struct nsf_contact_summary summary;
    nsf_contacts_init(&table, 3);
    for (uint32_t i = 0; i < 40; i++)
        contacts[i] = (struct nsf_contact){
            .src = 7, .dst = i, .dst_port = (uint16_t)i, .protocol = i < 39 ? 1 : 6, .is_denied = true};
    put_all(&table, contacts, 39, NSF_INDEX_NONE);
    assert_true(nsf_contacts_find(&table, nsf_ip_from_v4(7), &summary));
    assert_int_equal(summary.denied_ports, NSF_DISTINCT_EXACT_MAX);
    assert_int_equal(summary.flags, NSF_CONTACT_NOT_MAIL_PORT);
    put_all(&table, &contacts[39], 1, NSF_INDEX_NONE);
    assert_true(nsf_contacts_find(&table, nsf_ip_from_v4(7), &summary));
    assert_int_equal(summary.flags, NSF_CONTACT_NOT_MAIL_PORT | NSF_CONTACT_STRANGE_PORT);
    assert_int_equal(summary.denied_tuples, 40);
    nsf_contacts_release(&table);
}

/* Port 0 is a port like others, though a lane without a port is 0 too; so is the last one. */
static void test_port_0(void **state)
{
    (void)state;
    struct nsf_contacts_table table;
    struct nsf_contact_summary summary;
    struct nsf_contact contacts[12];
    nsf_contacts_init(&table, 3);
    for (uint32_t i = 0; i < 12; i++)
        contacts[i] = (struct nsf_contact){.src = 0,
                                           .dst = i % 3 / 2,
                                           .dst_port = (uint16_t)(i % 3 == 0   ? 22
                                                                  : i % 3 == 1 ? 0
                                                                               : 65535),
                                           .protocol = i < 9 ? 6 : 17,
                                           .is_denied = true};
    for (unsigned n = 1; n <= 12; n++) {
        put_all(&table, &contacts[n - 1], 1, NSF_INDEX_NONE);
        assert_true(nsf_contacts_find(&table, nsf_ip_from_v4(0), &summary));
        assert_int_equal(summary.denied_tuples, n);
        assert_int_equal(summary.denied_ports, n <= 3 ? n : n <= 9 ? 3 : n - 6);
        assert_int_equal(summary.denied_addresses, n <= 2 ? 1 : 2);
    }
    nsf_contacts_release(&table);
}

/* Own addresses, UDP ports and ports under findings that came when all short numbers were given away. */
static void test_more_than_codes(void **state)
{
    (void)state;
    enum {
        N = 70000,
        LAST = 5
    };
    struct nsf_contacts_table table;
    struct nsf_contact_summary summary;
    struct nsf_contact *contacts = nsf_calloc(N, sizeof(*contacts));
    nsf_contacts_init(&table, 3);
    for (uint32_t i = 0; i < N; i++)
        contacts[i] = (struct nsf_contact){
            .src = 7, .dst = i / 2, .dst_port = (uint16_t)i, .protocol = 17, .is_denied = i % 2 == 0};
    put_all(&table, contacts, N, 3);
    for (uint32_t i = N - 2 * LAST; i < N; i++)
        contacts[i].src = 8;
    for (unsigned again = 0; again < 3; again++)
        put_all(&table, &contacts[N - 2 * LAST], (size_t)2 * LAST, 3);
    assert_true(nsf_contacts_find(&table, nsf_ip_from_v4(8), &summary));
    assert_int_equal(summary.denied_addresses, LAST);
    assert_int_equal(summary.denied_ports, LAST);
    assert_int_equal(summary.other_ports, LAST);
    assert_int_equal(summary.denied_tuples, 3 * LAST);
    assert_true(nsf_contacts_find(&table, nsf_ip_from_v4(7), &summary));
    assert_int_equal(summary.denied_tuples, N / 2);
    assert_int_equal(table.n_ports, 32768);
    assert_int_equal(table.ports[0].sources, 1);
    assert_int_equal(table.ports[0].tuples, 2);
    nsf_contacts_release(&table);
    nsf_free(contacts);
}

/* Who did one thing only costs a slot; the bound holds while addresses come. */
static void test_many_addresses(void **state)
{
    (void)state;
    struct nsf_contacts_table table;
    struct nsf_contact_block block = {.n = 0};
    nsf_contacts_init(&table, 5);
    for (uint32_t i = 0; i < 300000; i++) {
        struct nsf_contact contact = {.src = i * 2654435761u, .dst_port = 22, .protocol = 6, .is_denied = true};
        nsf_contacts_put(&table, &block, &contact, NSF_INDEX_NONE);
        nsf_contacts_empty_block(&table, &block);
        assert_true(i < 50000 || table.slots.n_buckets * sizeof(struct nsf_contact_bucket) <= (uint64_t)(i + 1) * 16);
    }
    assert_int_equal(table.n_rows, 0);
    nsf_contacts_release(&table);
    struct nsf_wide_contact contact = {.dst_port = 22, .protocol = 6, .is_denied = true};
    nsf_contacts_init(&table, 5);
    table.max_addresses = 1000;
    for (uint32_t i = 0; i < 100000; i++) {
        contact.src = nsf_ip_from_v4(i * 2654435761u);
        nsf_contacts_add_wide(&table, &contact, NSF_INDEX_NONE);
        assert_true(nsf_contact_slots_n(&table.slots) < 1200 && table.slots.n_buckets < 600);
    }
    uint32_t n = 0;
    nsf_contacts_finish(&table);
    nsf_contacts_each(&table, count_one, &n);
    assert_int_equal(n, 1000);
    assert_int_equal(table.n_not_kept, 99000);
    nsf_contacts_release(&table);
}

/* ---- more tuples than 32 bits count ---- */

#define MANY_V4 0x09080706u

/* Denied on so many ports of so many of our addresses, then allowed on one. */
static void make_row(struct nsf_contacts_table *table, uint32_t src, uint32_t n)
{
    struct nsf_contact contacts[40];
    for (uint32_t i = 0; i <= n; i++)
        contacts[i] = (struct nsf_contact){
            .src = src, .dst = 0x0a000000 + i, .dst_port = (uint16_t)(7000 + i), .protocol = 6, .is_denied = i < n};
    put_all(table, contacts, n + 1, NSF_INDEX_NONE);
    put_all(table, contacts, n + 1, NSF_INDEX_NONE); /* what is denied now may be nothing new */
}

static struct nsf_contact_row *row_of(const struct nsf_contacts_table *table, uint32_t src)
{
    const struct nsf_contact_slot *slot = nsf_contact_slots_find(&table->slots, nsf_ip_from_v4(src));
    assert_true(slot != NULL && (slot->state & NSF_SLOT_HAS_ROW) != 0);
    return &table->rows[nsf_slot_row(slot->state)];
}

/* As if so many had been counted. */
static void count_nearly_all(struct nsf_contacts_table *table, uint32_t src)
{
    row_of(table, src)->tuples[false] = row_of(table, src)->tuples[true] = UINT32_MAX - 3;
}

static void put_some(struct nsf_contacts_table *table, uint32_t src, uint32_t n, bool is_denied)
{
    struct nsf_contact contact = {
        .src = src, .dst = 0x0a000000, .dst_port = is_denied ? 7000 : 443, .protocol = 6, .is_denied = is_denied};
    for (uint32_t i = 0; i < n; i++)
        put_all(table, &contact, 1, NSF_INDEX_NONE);
}

static void assert_tuples(const struct nsf_contacts_table *table, uint32_t src, uint64_t n_denied, uint64_t n_allowed)
{
    struct nsf_contact_summary summary;
    assert_true(nsf_contacts_find(table, nsf_ip_from_v4(src), &summary));
    assert_true(summary.denied_tuples == n_denied && summary.other_contacts == n_allowed);
}

/* Sources that still tell something new, and those that only count; beside another one, which stays as it is. */
static void test_more_tuples_than_32_bits(void **state)
{
    (void)state;
    static const uint32_t n_ports[] = {2, 12, 14, 30};
    for (size_t i = 0; i < NSF_ARRAY_LEN(n_ports); i++) {
        struct nsf_contacts_table table;
        nsf_contacts_init(&table, i);
        make_row(&table, MANY_V4, n_ports[i]);
        make_row(&table, MANY_V4 + 1, n_ports[i]);
        assert_tuples(&table, MANY_V4, 2 * n_ports[i], 2);
        count_nearly_all(&table, MANY_V4);
        put_some(&table, MANY_V4, 10, true);
        put_some(&table, MANY_V4, 5, false);
        assert_tuples(&table, MANY_V4, (uint64_t)UINT32_MAX - 3 + 10, (uint64_t)UINT32_MAX - 3 + 5);
        count_nearly_all(&table, MANY_V4);
        put_some(&table, MANY_V4, 10, true);
        assert_tuples(&table, MANY_V4, 2 * (uint64_t)UINT32_MAX + 1 - 3 + 10, 2 * (uint64_t)UINT32_MAX + 1 - 3);
        assert_tuples(&table, MANY_V4 + 1, 2 * n_ports[i], 2);
        nsf_contacts_release(&table);
    }
}

/* A source of one fact gets a row before its slot cannot count it any more. */
static void test_more_tuples_than_a_slot_counts(void **state)
{
    (void)state;
    struct nsf_contacts_table table;
    nsf_contacts_init(&table, 3);
    put_some(&table, MANY_V4, 1, true);
    nsf_contact_slots_find(&table.slots, nsf_ip_from_v4(MANY_V4))->state = NSF_SLOT_HAS_ROW - 3;
    put_some(&table, MANY_V4, 7, true);
    assert_tuples(&table, MANY_V4, (uint64_t)NSF_SLOT_HAS_ROW - 3 + 7, 0);
    nsf_contacts_release(&table);
}

/* Of two sources one is kept, and its tuples with it; those of the other are all counted as not kept. */
static void test_more_tuples_than_32_bits_are_kept(void **state)
{
    (void)state;
    const uint64_t all = (uint64_t)UINT32_MAX - 3 + 10;
    struct nsf_contacts_table table;
    nsf_contacts_init(&table, 3);
    table.max_addresses = 1;
    for (uint32_t i = 0; i < 2; i++) {
        make_row(&table, MANY_V4 + i, 20);
        count_nearly_all(&table, MANY_V4 + i);
        put_some(&table, MANY_V4 + i, 10, true);
        row_of(&table, MANY_V4 + i)->tuples[false] = 0;
    }
    nsf_contacts_finish(&table);
    struct nsf_contact_summary summary;
    bool is_first = nsf_contacts_find(&table, nsf_ip_from_v4(MANY_V4), &summary);
    assert_true(is_first != nsf_contacts_find(&table, nsf_ip_from_v4(MANY_V4 + 1), &summary));
    assert_tuples(&table, MANY_V4 + !is_first, all, 0);
    assert_true(table.n_not_kept == all && table.n_carries == 1);
    nsf_contacts_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_slow_way),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_flags_behind_the_last_count),
        cmocka_unit_test(test_port_0),
        cmocka_unit_test(test_more_than_codes),
        cmocka_unit_test(test_many_addresses),
        cmocka_unit_test(test_more_tuples_than_32_bits),
        cmocka_unit_test(test_more_tuples_than_a_slot_counts),
        cmocka_unit_test(test_more_tuples_than_32_bits_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
