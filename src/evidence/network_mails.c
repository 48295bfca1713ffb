#include "core/nsf_common.h"

#include "evidence/network_mails.h"

#include "core/hash.h"
#include "core/mem.h"

#define MAILS_PER_BLOCK 4096u

static struct nsf_network_mail *mail_at(const struct nsf_network_mails *mails, uint32_t idx)
{
    return &mails->blocks[idx / MAILS_PER_BLOCK][idx % MAILS_PER_BLOCK];
}

void nsf_network_mails_release(struct nsf_network_mails *mails)
{
    for (uint32_t i = 0; i < mails->n && mails->n_lists > 0; i++)
        if (mail_at(mails, i)->has_lists)
            nsf_free(mail_at(mails, i)->u.lists);
    for (uint32_t i = 0; i < mails->n; i += MAILS_PER_BLOCK)
        nsf_free(mails->blocks[i / MAILS_PER_BLOCK]);
    nsf_free(mails->blocks);
    nsf_free(mails->scratch);
    nsf_slim_index_release(&mails->by_id);
    *mails = (struct nsf_network_mails){.n = 0};
}

static uint32_t hash_of(uint64_t id)
{
    return (uint32_t)nsf_hash_mix(id, UINT64_C(0x8f1bbcdc5be0cd19));
}

static struct nsf_network_mail *find(const struct nsf_network_mails *mails, uint64_t id)
{
    uint32_t hash = hash_of(id), probe = hash, idx;
    while ((idx = nsf_slim_index_next(&mails->by_id, hash, &probe)) != NSF_INDEX_NONE)
        if (mail_at(mails, idx)->id == id)
            return mail_at(mails, idx);
    return NULL;
}

static void rebuild_index(struct nsf_network_mails *mails)
{
    nsf_slim_index_rebuild(&mails->by_id, mails->n + 1, mails->n + 1);
    for (uint32_t i = 0; i < mails->n; i++)
        nsf_slim_index_add(&mails->by_id, hash_of(mail_at(mails, i)->id), i);
}

static struct nsf_network_mail *add(struct nsf_network_mails *mails, uint64_t id)
{
    uint32_t idx = mails->n;
    if (idx % MAILS_PER_BLOCK == 0) {
        NSF_GROW(mails->blocks, mails->blocks_capacity, (size_t)idx / MAILS_PER_BLOCK + 1);
        mails->blocks[idx / MAILS_PER_BLOCK] = nsf_malloc(MAILS_PER_BLOCK * sizeof(struct nsf_network_mail));
    }
    if (!nsf_slim_index_has_room(&mails->by_id, idx))
        rebuild_index(mails);
    nsf_slim_index_add(&mails->by_id, hash_of(id), idx);
    mails->n++;
    *mail_at(mails, idx) = (struct nsf_network_mail){.id = id};
    return mail_at(mails, idx);
}

static void lists_of(const struct nsf_network_mail *mail, struct nsf_u32_view *runs, struct nsf_u32_view *days)
{
    if (mail->has_lists) {
        *runs = nsf_traits_list(mail->u.lists, NSF_TRAIT_RUNS);
        *days = nsf_traits_list(mail->u.lists, NSF_TRAIT_MESSAGE_DAYS);
        return;
    }
    *runs = (struct nsf_u32_view){mail->u.run, 2};
    *days = (struct nsf_u32_view){&mail->day, 1};
}

static void join(struct nsf_traits **traits, struct nsf_u32_view runs, struct nsf_u32_view days)
{
    nsf_traits_merge_list(traits, NSF_TRAIT_RUNS, runs);
    nsf_traits_merge_list(traits, NSF_TRAIT_MESSAGE_DAYS, days);
}

/* Within the entry where it fits. */
static void put(struct nsf_network_mails *mails, struct nsf_network_mail *mail, struct nsf_u32_view runs,
                struct nsf_u32_view days)
{
    if (runs.n == 2 && days.n == 1) {
        mail->u.run[0] = runs.items[0];
        mail->u.run[1] = runs.items[1];
        mail->day = days.items[0];
        return;
    }
    mail->has_lists = true;
    mail->u.lists = NULL;
    join(&mail->u.lists, runs, days);
    mails->n_lists++;
}

void nsf_network_mails_add(struct nsf_network_mails *mails, uint64_t id, struct nsf_u32_view runs,
                           struct nsf_u32_view days)
{
    struct nsf_network_mail *mail = find(mails, id);
    struct nsf_u32_view old_runs, old_days;
    if (mail == NULL) {
        put(mails, add(mails, id), runs, days);
        return;
    }
    if (mail->has_lists) {
        join(&mail->u.lists, runs, days);
        return;
    }
    lists_of(mail, &old_runs, &old_days);
    nsf_traits_reset(mails->scratch);
    join(&mails->scratch, old_runs, old_days);
    join(&mails->scratch, runs, days);
    put(mails, mail, nsf_traits_list(mails->scratch, NSF_TRAIT_RUNS),
        nsf_traits_list(mails->scratch, NSF_TRAIT_MESSAGE_DAYS));
}

void nsf_network_mails_expect(const struct nsf_network_mails *mails, uint64_t id)
{
    nsf_slim_index_expect(&mails->by_id, hash_of(id));
}

void nsf_network_mails_expect_entry(const struct nsf_network_mails *mails, uint64_t id)
{
    uint32_t idx = nsf_slim_index_guess(&mails->by_id, hash_of(id));
    if (idx != NSF_INDEX_NONE)
        __builtin_prefetch(mail_at(mails, idx), 1);
}

void nsf_network_mails_expect_lists(const struct nsf_network_mails *mails, uint64_t id)
{
    const struct nsf_network_mail *mail = find(mails, id);
    if (mail == NULL || !mail->has_lists)
        return;
    __builtin_prefetch(mail->u.lists, 1);
    __builtin_prefetch((const char *)mail->u.lists + 64, 1);
}

void nsf_network_mails_find(const struct nsf_network_mails *mails, uint64_t id, struct nsf_u32_view *runs,
                            struct nsf_u32_view *days)
{
    const struct nsf_network_mail *mail = find(mails, id);
    *runs = *days = (struct nsf_u32_view){NULL, 0};
    if (mail != NULL)
        lists_of(mail, runs, days);
}
