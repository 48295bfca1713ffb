#include "core/nsf_common.h"

#include "evidence/traits_few.h"

#include "core/mem.h"
#include "support/nsf_test.h"
#include "support/traits_same.h"

/* Traits made in one go are those that adding one by one makes, in whatever order. */

#define START_S (20000u * 86400u)

struct world {
    uint32_t span_s;
    uint32_t n_ports;
    uint32_t n_classes; /* 1: one class for all */
    uint32_t n_nics;
};

static struct nsf_trait_note any_note(const struct world *world, uint32_t first_class)
{
    return (struct nsf_trait_note){
        .seconds = START_S + (uint32_t)rand() % world->span_s,
        .nic = (uint16_t)(rand() % (int)world->n_nics),
        .src_port = (uint16_t)(1024 + (uint32_t)rand() % world->n_ports),
        .class_ = (enum nsf_connection_class)((first_class + (uint32_t)rand() % world->n_classes) % NSF_CLASSES),
    };
}

static int cmp_notes(const void *left, const void *right)
{
    const struct nsf_trait_note *a = left, *b = right;
    if (a->seconds != b->seconds)
        return a->seconds < b->seconds ? -1 : 1;
    return a->nic != b->nic ? (int)a->nic - (int)b->nic : (int)a->class_ - (int)b->class_;
}

static void shuffle(struct nsf_trait_note *notes, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t other = (uint32_t)rand() % i;
        struct nsf_trait_note moved = notes[i - 1];
        notes[i - 1] = notes[other];
        notes[other] = moved;
    }
}

static void check(struct nsf_traits **few, enum nsf_traits_part part, const struct world *world)
{
    struct nsf_trait_note notes[NSF_TRAITS_FEW];
    struct nsf_traits *one_by_one = NULL;
    uint32_t n = 1 + (uint32_t)rand() % NSF_TRAITS_FEW, first_class = (uint32_t)rand();
    for (uint32_t i = 0; i < n; i++)
        notes[i] = any_note(world, first_class);
    shuffle(notes, n);
    for (uint32_t i = 0; i < n; i++)
        nsf_traits_add_part(&one_by_one, part, &notes[i]);
    qsort(notes, n, sizeof(*notes), cmp_notes);
    nsf_traits_reset(*few);
    nsf_traits_of_few(few, part, notes, n);
    assert_same_traits(*few, one_by_one);
    nsf_free(one_by_one);
}

static void test_is_what_adding_one_by_one_makes(void **state)
{
    (void)state;
    static const struct world worlds[] = {
        {60, 50000, NSF_CLASSES, 1},    {8, 2, NSF_CLASSES, 3},
        {30 * 3600, 4, NSF_CLASSES, 2}, {40 * 86400, 50000, NSF_CLASSES, 9},
        {6 * 86400, 2, NSF_CLASSES, 2}, {3, 50000, 1, NSF_TRAIT_NICS},
        {40 * 86400, 1, 1, 2},          {2 * 86400, 3, 2, 2},
    };
    struct nsf_traits *few = NULL;
    srand(7);
    for (uint32_t round = 0; round < 20000; round++) {
        const struct world *world = &worlds[round % NSF_ARRAY_LEN(worlds)];
        check(&few, NSF_TRAITS_ALL, world);
        check(&few, NSF_TRAITS_OF_MAIL, world);
        check(&few, NSF_TRAITS_OF_NETWORKS, world);
    }
    nsf_free(few);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_what_adding_one_by_one_makes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
