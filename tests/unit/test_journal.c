#include "core/nsf_common.h"

#include "evidence/journal.h"

#include "core/mem.h"
#include "evidence/traits_pack.h"
#include "support/nsf_test.h"
#include "support/traits_same.h"

/* What is noted of sources, packed or not, is what adding their connections one by one comes to. */

#define START_S (20000u * 86400u)
#define N_SOURCES 12u

/* Few ports and days, or many; classes of all kinds, or of one; also stamps that nobody can have meant. */
static struct nsf_trait_note any_note(uint32_t source)
{
    static const unsigned nics[] = {1, 2, 8, 20, NSF_TRAIT_NICS};
    struct nsf_trait_note note = {
        .seconds = START_S + (uint32_t)rand() % (source % 2 == 0 ? 40 * 86400 : 3600),
        .class_ = (enum nsf_connection_class)(source % 4 == 3 ? NSF_CLASS_TOUCH : rand() % NSF_CLASSES),
        .src_port = (uint16_t)(source % 3 == 0 ? rand() % 4 : rand()),
        .nic = NSF_TRAIT_NIC(source % 2 == 0 ? 8191u : (unsigned)rand() % nics[source % NSF_ARRAY_LEN(nics)]),
    };
    if (source == 5 && rand() % 10 == 0)
        note.seconds = rand() % 2 == 0 ? (uint32_t)rand() % 3 : UINT32_MAX - (uint32_t)rand() % 3;
    return note;
}

struct source {
    uint32_t number;
    uint32_t n;
    struct nsf_trait_note last;
    struct nsf_traits *traits;
};

static void add(struct nsf_journal *journal, struct source *source, const struct nsf_trait_note *note)
{
    nsf_journal_add(journal, &source->number, source->n++, &source->last, note);
    source->last = *note;
    nsf_traits_add(&source->traits, note);
}

static void forget(struct nsf_journal *journal, struct source *source)
{
    nsf_journal_drop(journal, source->number, source->n);
    nsf_free(source->traits);
    *source = (struct source){.n = 0};
}

static void assert_part_is_the_same(const struct nsf_journal *journal, const struct source *source,
                                    enum nsf_traits_part part, struct nsf_traits **read)
{
    nsf_traits_reset(*read);
    nsf_journal_read(journal, source->number, source->n, part, read);
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++) {
        struct nsf_u32_view list = nsf_traits_list(*read, (enum nsf_trait_list)i);
        struct nsf_u32_view whole = nsf_traits_list(source->traits, (enum nsf_trait_list)i);
        assert_int_equal(list.n, i < (unsigned)part ? whole.n : 0);
        for (uint32_t k = 0; k < list.n; k++)
            assert_int_equal(list.items[k], whole.items[k]);
    }
    if (part >= NSF_TRAITS_OF_MAIL)
        assert_int_equal((*read)->mail_nic, source->traits->mail_nic);
}

static void assert_parts_are_the_same(const struct nsf_journal *journal, const struct source *source,
                                      struct nsf_traits **read)
{
    assert_part_is_the_same(journal, source, NSF_TRAITS_OF_NETWORKS, read);
    assert_part_is_the_same(journal, source, NSF_TRAITS_OF_MAIL, read);
}

static void test_reads_what_was_added(void **state)
{
    (void)state;
    struct nsf_journal journal = {.beside = NULL};
    struct source sources[N_SOURCES] = {{.n = 0}};
    struct nsf_traits *read = NULL;
    srand(4);
    for (int i = 0; i < 20000; i++) {
        uint32_t idx = (uint32_t)rand() % N_SOURCES;
        struct source *source = &sources[idx];
        struct nsf_trait_note note = any_note(idx);
        if (rand() % (idx < 3 ? 300 : 20) == 0)
            forget(&journal, source);
        add(&journal, source, &note);
        nsf_journal_expect(&journal, source->number, source->n);
        if (source->n < 2 || (source->n > 40 && i % 7 != 0))
            continue;
        nsf_traits_reset(read);
        nsf_journal_read(&journal, source->number, source->n, NSF_TRAITS_ALL, &read);
        assert_same_traits(read, source->traits);
        assert_parts_are_the_same(&journal, source, &read);
    }
    for (uint32_t i = 0; i < N_SOURCES; i++)
        nsf_journal_settle(&journal, sources[i].number, sources[i].n);
    nsf_journal_finish(&journal);
    for (uint32_t i = 0; i < N_SOURCES; i++) {
        nsf_traits_reset(read);
        if (sources[i].n > 1) {
            nsf_journal_read(&journal, sources[i].number, sources[i].n, NSF_TRAITS_ALL, &read);
            assert_same_traits(read, sources[i].traits);
            assert_parts_are_the_same(&journal, &sources[i], &read);
        }
        nsf_free(sources[i].traits);
    }
    nsf_free(read);
    nsf_journal_release(&journal);
}

/* Lists are used again: sources that come and go take no more memory than those that are there at once. */
static void test_lists_are_used_again(void **state)
{
    (void)state;
    struct nsf_journal journal = {.beside = NULL};
    for (int round = 0; round < 500; round++) {
        struct source source = {.n = 0};
        struct nsf_trait_note note = any_note((uint32_t)round % N_SOURCES);
        for (int i = 0; i < round % 40 + 1; i++)
            add(&journal, &source, &note);
        forget(&journal, &source);
    }
    for (unsigned p = 0; p < NSF_JOURNAL_POOLS; p++)
        assert_true(journal.pools[p].n_blocks == 1 && journal.pools[p].blocks[0].notes == NULL);
    nsf_journal_release(&journal);
}

static void test_packs_without_loss(void **state)
{
    (void)state;
    struct nsf_traits *unpacked = NULL;
    size_t n_bytes = 0, n_items = 0;
    srand(5);
    for (uint32_t round = 0; round < 400; round++) {
        struct nsf_traits *traits = NULL;
        for (int i = rand() % (round % 5 == 0 ? 900 : 60); i >= 0; i--) {
            struct nsf_trait_note note = any_note(round % N_SOURCES);
            nsf_traits_add(&traits, &note);
        }
        size_t most = nsf_traits_pack_max(traits);
        uint16_t *bytes = nsf_malloc(most * sizeof(*bytes));
        size_t n = nsf_traits_pack(traits, bytes);
        assert_true(n <= most);
        bytes = nsf_realloc(bytes, n * sizeof(*bytes)); /* not one byte behind is read */
        nsf_traits_unpack(bytes, NSF_TRAIT_LISTS, &unpacked);
        assert_same_traits(unpacked, traits);
        n_bytes += n * sizeof(*bytes);
        for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++)
            n_items += traits->n[i];
        nsf_free(bytes);
        nsf_free(traits);
    }
    assert_true(n_bytes < n_items * sizeof(uint32_t));
    nsf_free(unpacked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_was_added),
        cmocka_unit_test(test_lists_are_used_again),
        cmocka_unit_test(test_packs_without_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
