#include "core/nsf_common.h"

#include "exposure/estate.h"

#include "core/mem.h"

void nsf_estate_init(struct nsf_estate *estate)
{
    *estate = (struct nsf_estate){0};
    nsf_arena_init(&estate->arena);
}

void nsf_estate_release(struct nsf_estate *estate)
{
    nsf_arena_release(&estate->arena);
    nsf_free(estate->nics);
    nsf_free(estate->subnets);
    nsf_free(estate->admin_rules);
    nsf_free(estate->by_nsg.items);
    nsf_free(estate->by_subnet.items);
    *estate = (struct nsf_estate){0};
}

/* ---- copies --------------------------------------------------------------------------------------------- */

static struct nsf_slice copy(struct nsf_arena *arena, struct nsf_slice text)
{
    return text.ptr == NULL ? text : nsf_arena_copy(arena, text);
}

static struct nsf_slices copy_list(struct nsf_arena *arena, struct nsf_slices list)
{
    struct nsf_slices own = {nsf_arena_zalloc(arena, list.n, sizeof(*own.items)), list.n};
    for (size_t i = 0; i < list.n; i++)
        own.items[i] = nsf_arena_copy(arena, list.items[i]);
    return own;
}

static struct nsf_rule copy_rule(struct nsf_arena *arena, const struct nsf_rule *rule)
{
    struct nsf_rule own = *rule;
    own.name = copy(arena, rule->name);
    own.id = copy(arena, rule->id);
    own.description = copy(arena, rule->description);
    own.protocol = copy(arena, rule->protocol);
    own.unreadable = copy(arena, rule->unreadable);
    own.sources = copy_list(arena, rule->sources);
    own.source_ports = copy_list(arena, rule->source_ports);
    own.destinations = copy_list(arena, rule->destinations);
    own.destination_ports = copy_list(arena, rule->destination_ports);
    own.source_asgs = copy_list(arena, rule->source_asgs);
    own.destination_asgs = copy_list(arena, rule->destination_asgs);
    own.expanded_sources = copy_list(arena, rule->expanded_sources);
    return own;
}

static void add_nic(struct nsf_estate *estate, const struct nsf_nic *nic)
{
    NSF_GROW(estate->nics, estate->nics_capacity, estate->n_nics + 1);
    struct nsf_estate_nic *own = &estate->nics[estate->n_nics++];
    *own = (struct nsf_estate_nic){.has_nsg = nic->has_nsg, .has_public_ips = nic->has_public_ips};
    own->id = copy(&estate->arena, nic->id);
    own->mac = copy(&estate->arena, nic->mac);
    own->nsg = copy(&estate->arena, nic->nsg);
    own->subnets = copy_list(&estate->arena, nic->subnets);
    own->addresses = copy_list(&estate->arena, nic->private_ips);
    own->is_public = nic->public_ips.n > 0 || nic->is_load_balanced;
}

static void add_admin_rule(struct nsf_estate *estate, const struct nsf_admin_rule *rule)
{
    if (rule->rule.direction == NSF_DIRECTION_OUTBOUND)
        return;
    NSF_GROW(estate->admin_rules, estate->admin_capacity, estate->n_admin_rules + 1);
    struct nsf_admin_rule *own = &estate->admin_rules[estate->n_admin_rules++];
    *own = *rule;
    own->rule = copy_rule(&estate->arena, &rule->rule);
    own->collection = copy(&estate->arena, rule->collection);
    own->region = copy(&estate->arena, rule->region);
    own->vnets = copy_list(&estate->arena, rule->vnets);
}

void nsf_estate_add(struct nsf_estate *estate, const struct nsf_attachment *attachment)
{
    switch (attachment->kind) {
    case NSF_ATTACHMENT_NIC:
        add_nic(estate, &attachment->u.nic);
        break;
    case NSF_ATTACHMENT_SUBNET:
        NSF_GROW(estate->subnets, estate->subnets_capacity, estate->n_subnets + 1);
        estate->subnets[estate->n_subnets++] = (struct nsf_subnet){copy(&estate->arena, attachment->u.subnet.id),
                                                                   copy(&estate->arena, attachment->u.subnet.nsg)};
        break;
    case NSF_ATTACHMENT_PUBLIC_IP: /* the interface names its public addresses itself */
        break;
    case NSF_ATTACHMENT_ADMIN_RULE:
        add_admin_rule(estate, &attachment->u.admin_rule);
        break;
    }
}

/* ---- finishing -------------------------------------------------------------------------------------------- */

static int cmp_id(struct nsf_slice a, struct nsf_slice b)
{
    int order = nsf_slice_cmp_nocase(a, b);
    return order != 0 ? order : nsf_slice_cmp(a, b);
}

/* What says more comes first, so that the order of the input does not matter. */
static int cmp_nic(const void *left, const void *right)
{
    const struct nsf_estate_nic *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->id, b->id);
    if (order == 0)
        order = (int)b->has_nsg - (int)a->has_nsg;
    if (order == 0)
        order = (a->subnets.n < b->subnets.n) - (a->subnets.n > b->subnets.n);
    if (order == 0)
        order = cmp_id(a->nsg, b->nsg);
    return order != 0 ? order : nsf_slice_cmp(a->id, b->id);
}

static int cmp_subnet(const void *left, const void *right)
{
    const struct nsf_subnet *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->id, b->id);
    if (order == 0)
        order = (a->nsg.len == 0) - (b->nsg.len == 0);
    if (order == 0)
        order = cmp_id(a->nsg, b->nsg);
    return order != 0 ? order : nsf_slice_cmp(a->id, b->id);
}

static int cmp_admin_rule(const void *left, const void *right)
{
    const struct nsf_admin_rule *a = left, *b = right;
    if (a->rule.priority != b->rule.priority)
        return a->rule.priority < b->rule.priority ? -1 : 1;
    int order = cmp_id(a->rule.name, b->rule.name);
    return order != 0 ? order : cmp_id(a->collection, b->collection);
}

static void join_nics(struct nsf_estate *estate)
{
    size_t n = 0;
    for (size_t i = 0; i < estate->n_nics; i++) {
        struct nsf_estate_nic *nic = &estate->nics[i], *same = n > 0 ? &estate->nics[n - 1] : NULL;
        if (same == NULL || !nsf_slice_eq_nocase(same->id, nic->id)) {
            estate->nics[n++] = *nic;
            continue;
        }
        if (same->mac.len == 0)
            same->mac = nic->mac;
        if (same->subnets.n == 0)
            same->subnets = nic->subnets;
        if (same->addresses.n < nic->addresses.n)
            same->addresses = nic->addresses;
        same->has_public_ips |= nic->has_public_ips;
        same->is_public |= nic->is_public;
    }
    estate->n_nics = n;
}

static int cmp_key(const void *left, const void *right)
{
    const struct nsf_estate_key *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->id, b->id);
    return order != 0 ? order : (a->nic_idx > b->nic_idx) - (a->nic_idx < b->nic_idx);
}

static void add_key(struct nsf_estate_index *index, struct nsf_slice id, size_t nic_idx)
{
    NSF_GROW(index->items, index->capacity, index->n + 1);
    index->items[index->n++] = (struct nsf_estate_key){id, (uint32_t)nic_idx};
}

static void make_indexes(struct nsf_estate *estate)
{
    for (size_t i = 0; i < estate->n_nics; i++) {
        if (estate->nics[i].nsg.len > 0)
            add_key(&estate->by_nsg, estate->nics[i].nsg, i);
        for (size_t s = 0; s < estate->nics[i].subnets.n; s++)
            add_key(&estate->by_subnet, estate->nics[i].subnets.items[s], i);
    }
    if (estate->by_nsg.n > 1)
        qsort(estate->by_nsg.items, estate->by_nsg.n, sizeof(*estate->by_nsg.items), cmp_key);
    if (estate->by_subnet.n > 1)
        qsort(estate->by_subnet.items, estate->by_subnet.n, sizeof(*estate->by_subnet.items), cmp_key);
}

/* The first key of this id; index->n when there is none. */
static size_t seek_key(const struct nsf_estate_index *index, struct nsf_slice id)
{
    size_t low = 0, high = index->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (nsf_slice_cmp_nocase(index->items[mid].id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < index->n && nsf_slice_eq_nocase(index->items[low].id, id) ? low : index->n;
}

bool nsf_estate_has_subnet(const struct nsf_estate *estate, struct nsf_slice subnet)
{
    return seek_key(&estate->by_subnet, subnet) < estate->by_subnet.n;
}

void nsf_estate_finish(struct nsf_estate *estate)
{
    if (estate->is_finished)
        return;
    estate->is_finished = true;
    if (estate->n_nics > 1)
        qsort(estate->nics, estate->n_nics, sizeof(*estate->nics), cmp_nic);
    join_nics(estate);
    make_indexes(estate);
    if (estate->n_subnets > 1)
        qsort(estate->subnets, estate->n_subnets, sizeof(*estate->subnets), cmp_subnet);
    size_t n = 0;
    for (size_t i = 0; i < estate->n_subnets; i++)
        if (n == 0 || !nsf_slice_eq_nocase(estate->subnets[n - 1].id, estate->subnets[i].id))
            estate->subnets[n++] = estate->subnets[i];
    estate->n_subnets = n;
    if (estate->n_admin_rules > 1)
        qsort(estate->admin_rules, estate->n_admin_rules, sizeof(*estate->admin_rules), cmp_admin_rule);
}

const struct nsf_estate_nic *nsf_estate_nic(const struct nsf_estate *estate, struct nsf_slice id)
{
    size_t low = 0, high = estate->n_nics;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (nsf_slice_cmp_nocase(estate->nics[mid].id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    bool is_there = low < estate->n_nics && nsf_slice_eq_nocase(estate->nics[low].id, id);
    return is_there ? &estate->nics[low] : NULL;
}

/* ---- one NSG -------------------------------------------------------------------------------------------------- */

/* Of two spellings the bytewise smaller one stays. */
static void put_id(struct nsf_slices *list, struct nsf_slice id)
{
    for (size_t i = 0; i < list->n; i++)
        if (nsf_slice_eq_nocase(list->items[i], id)) {
            if (nsf_slice_cmp(id, list->items[i]) < 0)
                list->items[i] = id;
            return;
        }
    list->items[list->n++] = id;
}

static struct nsf_slices widen(const struct nsf_slices *list, size_t n_more, struct nsf_arena *scratch)
{
    struct nsf_slices own = {nsf_arena_zalloc(scratch, list->n + n_more, sizeof(*own.items)), 0};
    for (size_t i = 0; i < list->n; i++)
        put_id(&own, list->items[i]);
    return own;
}

/* What is gathered about the interfaces behind an NSG. */
struct behind {
    const struct nsf_estate *estate;
    struct nsf_nsg *nsg;
    size_t n;
    bool is_shown;
    bool is_public;
    bool has_addresses; /* of all of them */
};

static void see_nic(struct behind *behind, const struct nsf_estate_nic *nic)
{
    behind->n++;
    behind->is_shown &= nic->has_public_ips;
    behind->is_public |= nic->is_public;
    if (nic->mac.len > 0)
        put_id(&behind->nsg->nic_macs, nic->mac);
    behind->has_addresses &= nic->addresses.n > 0;
    for (size_t i = 0; i < nic->addresses.n; i++)
        put_id(&behind->nsg->nic_addresses, nic->addresses.items[i]);
}

static size_t count_keys(const struct nsf_estate_index *index, struct nsf_slice id)
{
    size_t first = seek_key(index, id), n = 0;
    while (first + n < index->n && nsf_slice_eq_nocase(index->items[first + n].id, id))
        n++;
    return n;
}

/* At most. */
static size_t count_addresses(const struct nsf_estate *estate, const struct nsf_nsg *nsg)
{
    size_t n = 0;
    for (size_t i = 0; i < nsg->subnets.n; i++) {
        const struct nsf_estate_index *index = &estate->by_subnet;
        struct nsf_slice id = nsg->subnets.items[i];
        for (size_t k = seek_key(index, id); k < index->n && nsf_slice_eq_nocase(index->items[k].id, id); k++)
            n += estate->nics[index->items[k].nic_idx].addresses.n;
    }
    for (size_t i = 0; i < nsg->nics.n; i++) {
        const struct nsf_estate_nic *nic = nsf_estate_nic(estate, nsg->nics.items[i]);
        n += nic == NULL ? 0 : nic->addresses.n;
    }
    return n;
}

static void see_subnets(struct behind *behind)
{
    const struct nsf_estate_index *index = &behind->estate->by_subnet;
    for (size_t i = 0; i < behind->nsg->subnets.n; i++) {
        struct nsf_slice id = behind->nsg->subnets.items[i];
        for (size_t k = seek_key(index, id); k < index->n && nsf_slice_eq_nocase(index->items[k].id, id); k++)
            see_nic(behind, &behind->estate->nics[index->items[k].nic_idx]);
    }
}

void nsf_estate_attach(const struct nsf_estate *estate, struct nsf_nsg *nsg, struct nsf_arena *scratch, bool *is_known,
                       bool *has_public_path)
{
    struct behind behind = {estate, nsg, 0, true, false, true};
    *is_known = *has_public_path = false;
    if (estate->n_nics == 0 && estate->n_subnets == 0)
        return;
    nsg->subnets = widen(&nsg->subnets, estate->n_subnets, scratch);
    for (size_t i = 0; i < estate->n_subnets; i++)
        if (nsf_slice_eq_nocase(estate->subnets[i].nsg, nsg->id))
            put_id(&nsg->subnets, estate->subnets[i].id);
    nsg->nics = widen(&nsg->nics, count_keys(&estate->by_nsg, nsg->id), scratch);
    for (size_t k = seek_key(&estate->by_nsg, nsg->id);
         k < estate->by_nsg.n && nsf_slice_eq_nocase(estate->by_nsg.items[k].id, nsg->id); k++)
        put_id(&nsg->nics, estate->nics[estate->by_nsg.items[k].nic_idx].id);
    size_t n_macs = nsg->nics.n;
    for (size_t i = 0; i < nsg->subnets.n; i++)
        n_macs += count_keys(&estate->by_subnet, nsg->subnets.items[i]);
    nsg->nic_macs = widen(&nsg->nic_macs, n_macs, scratch);
    nsg->nic_addresses = widen(&nsg->nic_addresses, count_addresses(estate, nsg), scratch);
    see_subnets(&behind);
    for (size_t i = 0; i < nsg->nics.n; i++) {
        const struct nsf_estate_nic *nic = nsf_estate_nic(estate, nsg->nics.items[i]);
        if (nic != NULL)
            see_nic(&behind, nic);
        else
            behind.is_shown = behind.has_addresses = false;
    }
    if (!behind.has_addresses)
        nsg->nic_addresses.n = 0;
    *is_known = behind.n > 0 && behind.is_shown;
    *has_public_path = behind.is_public;
    nsg->has_subnets |= nsg->subnets.n > 0;
    nsg->has_nics |= nsg->nics.n > 0;
}

/* ---- networks of an admin rule ----------------------------------------------------------------------------------- */

static bool is_in_vnet(struct nsf_slice subnet, struct nsf_slice vnet)
{
    return subnet.len > vnet.len && subnet.ptr[vnet.len] == '/' && nsf_slice_has_prefix_nocase(subnet, vnet);
}

static bool is_in_some_vnet(struct nsf_slice subnet, const struct nsf_slices *vnets)
{
    for (size_t i = 0; i < vnets->n; i++)
        if (is_in_vnet(subnet, vnets->items[i]))
            return true;
    return false;
}

/* "West Europe" and "westeurope" are one region. */
static bool is_same_region(struct nsf_slice a, struct nsf_slice b)
{
    size_t i = 0, j = 0;
    for (;; i++, j++) {
        while (i < a.len && a.ptr[i] == ' ')
            i++;
        while (j < b.len && b.ptr[j] == ' ')
            j++;
        if (i == a.len || j == b.len)
            return i == a.len && j == b.len;
        if (nsf_ascii_lower(a.ptr[i]) != nsf_ascii_lower(b.ptr[j]))
            return false;
    }
}

static void count_places(const struct nsf_slices *subnets, const struct nsf_slices *vnets, size_t *n_places,
                         size_t *n_inside)
{
    for (size_t i = 0; i < subnets->n; i++) {
        (*n_places)++;
        *n_inside += is_in_some_vnet(subnets->items[i], vnets);
    }
}

bool nsf_estate_rule_reaches(const struct nsf_estate *estate, const struct nsf_admin_rule *rule,
                             const struct nsf_nsg *nsg, bool *is_whole)
{
    size_t n_places = 0, n_inside = 0;
    *is_whole = true;
    if (rule->vnets.n == 0)
        return rule->region.len == 0 || nsg->location.len == 0 || is_same_region(rule->region, nsg->location);
    count_places(&nsg->subnets, &rule->vnets, &n_places, &n_inside);
    for (size_t i = 0; i < nsg->nics.n; i++) {
        const struct nsf_estate_nic *nic = nsf_estate_nic(estate, nsg->nics.items[i]);
        if (nic != NULL && nic->subnets.n > 0)
            count_places(&nic->subnets, &rule->vnets, &n_places, &n_inside);
        else
            n_places++; /* nobody knows where this one stands */
    }
    *is_whole = n_inside > 0 && n_inside == n_places;
    return n_inside > 0 || n_places == 0;
}
