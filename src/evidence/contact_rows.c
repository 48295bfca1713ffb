#include "core/nsf_common.h"

#include "evidence/contacts_state.h"

/* Ports behind the last one are neither plain nor mail, like port 0. */
const uint8_t nsf_port_uses[NSF_PORT_USES] = {
    [25] = NSF_PORT_PLAIN | NSF_PORT_MAIL,
    [53] = NSF_PORT_PLAIN,
    [80] = NSF_PORT_PLAIN,
    [113] = NSF_PORT_PLAIN,
    [443] = NSF_PORT_PLAIN,
    [465] = NSF_PORT_PLAIN | NSF_PORT_MAIL,
    [587] = NSF_PORT_PLAIN | NSF_PORT_MAIL,
};

unsigned nsf_deed_flags(const struct nsf_deed *deed)
{
    return (nsf_deed_is_denied_mail(deed) ? NSF_CONTACT_DENIED_MAIL : 0u) | nsf_port_flags(deed->protocol, deed->port);
}

/* ---- places ---- */

uint32_t nsf_contact_rows_add(struct nsf_contacts_table *table)
{
    if (table->n_rows > NSF_SLOT_ROW_MAX)
        nsf_mul_size(SIZE_MAX, 2); /* as when memory ends */
    nsf_lines_reserve(&table->row_lines, (size_t)table->n_rows + 1);
    table->rows = table->row_lines.first;
    table->rows[table->n_rows] = (struct nsf_contact_row){.more = 0};
    return table->n_rows++;
}

struct nsf_contact_more *nsf_contact_rows_add_more(struct nsf_contacts_table *table, struct nsf_contact_row *row)
{
    nsf_lines_reserve(&table->more_lines, (size_t)table->n_more + 1);
    table->more = table->more_lines.first;
    table->more[table->n_more] = (struct nsf_contact_more){{0}};
    row->more = ++table->n_more;
    return &table->more[row->more - 1];
}

/* Four items at a time. */
typedef uint32_t further __attribute__((vector_size(16)));
_Static_assert(NSF_MORE_ITEMS % 4 == 0, "vectors hold them all");

/* Whether the item is among the further ones of a row, and how many there are. All are looked at, since where to stop
 * cannot be guessed. */
static bool has_further(const struct nsf_contact_more *more, uint32_t item, uint32_t *n)
{
    further found = {0}, used = {0};
    for (unsigned i = 0; i < NSF_MORE_ITEMS; i += 4) {
        further items;
        memcpy(&items, &more->items[i], sizeof(items));
        found |= (further)(items == item);
        used -= (further)(items != 0);
    }
    *n = used[0] + used[1] + used[2] + used[3];
    nsf_lane_words words = (nsf_lane_words)found;
    return (words[0] | words[1]) != 0;
}

/* An item that has no lane. True when it is new. */
static bool note_further(struct nsf_contacts_table *table, struct nsf_contact_row *row, uint32_t item)
{
    struct nsf_contact_more *more =
        row->more == 0 ? nsf_contact_rows_add_more(table, row) : &table->more[row->more - 1];
    uint32_t n;
    if (has_further(more, item, &n))
        return false;
    if (n == NSF_MORE_ITEMS)
        return nsf_pairset_add(&table->distinct, nsf_pair((uint32_t)(row - table->rows), item));
    more->items[n] = item;
    return true;
}

/* True when the source of the row does this for the first time. `code` is the item's. */
static bool note_item(struct nsf_contacts_table *table, struct nsf_contact_row *row, uint32_t item, uint16_t code)
{
    unsigned n = nsf_row_used(row, NSF_ROW_CODES_USED);
    if (code != NSF_CODE_NONE && nsf_has_lane(row->codes, code) != 0)
        return false;
    if (code == NSF_CODE_NONE || n == NSF_ROW_LANES)
        return note_further(table, row, item);
    row->codes[n] = code;
    row->bits += UINT32_C(1) << NSF_ROW_CODES_USED;
    return true;
}

/* Once the lanes of ports are full, ports get no other lane: nobody would look for them there. */
static bool note_denied_port(struct nsf_contacts_table *table, struct nsf_contact_row *row, const struct nsf_deed *deed)
{
    uint32_t item = nsf_contact_item(NSF_ITEM_DENIED_PORT, nsf_port_item_value(deed->protocol, deed->port));
    unsigned n = nsf_row_used(row, NSF_ROW_TCP_PORTS_USED);
    if (!nsf_deed_has_tcp_port(deed))
        return note_item(table, row, item, nsf_contact_codes_port(&table->codes, item));
    if (nsf_has_lane(row->tcp_ports, deed->port) != 0)
        return false;
    if (n == NSF_ROW_LANES)
        return note_further(table, row, item);
    row->tcp_ports[n] = deed->port;
    row->bits += UINT32_C(1) << NSF_ROW_TCP_PORTS_USED;
    return true;
}

/* ---- deeds ---- */

/* 1 or 0. */
static unsigned has_stopped(const struct nsf_contact_row *row, enum nsf_row_bits count)
{
    return (row->bits & NSF_ROW_STOPPED(count)) != 0;
}

/* A distinct count that has not stopped. */
static void add_to(struct nsf_contact_row *row, enum nsf_row_bits count, bool is_new)
{
    row->bits += (uint32_t)is_new << count;
}

static void count_other_port(struct nsf_contacts_table *table, struct nsf_contact_row *row, const struct nsf_deed *deed,
                             uint16_t code)
{
    uint32_t item = nsf_contact_item(NSF_ITEM_OTHER_PORT, nsf_port_item_value(deed->protocol, deed->port));
    if (has_stopped(row, NSF_ROW_OTHER_PORTS) == 0)
        add_to(row, NSF_ROW_OTHER_PORTS, note_item(table, row, item, code));
}

static void note_allowed(struct nsf_contacts_table *table, struct nsf_contact_row *row, const struct nsf_deed *deed)
{
    if (deed->id == NSF_INDEX_NONE) {
        count_other_port(table, row, deed, deed->code);
        return;
    }
    /* Who used the port under this target used the port. */
    if (!note_item(table, row, nsf_contact_item(NSF_ITEM_TARGET_PORT, deed->id), deed->code))
        return;
    table->ports[deed->id].sources++;
    count_other_port(table, row, deed, table->ports[deed->id].port_code);
}

static void note_denied(struct nsf_contacts_table *table, struct nsf_contact_row *row, const struct nsf_deed *deed)
{
    if (!nsf_row_note_denied(row, deed->code, deed->protocol, deed->port)) {
        if (has_stopped(row, NSF_ROW_DENIED_ADDRESSES) == 0)
            add_to(row, NSF_ROW_DENIED_ADDRESSES,
                   note_item(table, row, nsf_contact_item(NSF_ITEM_DENIED_ADDRESS, deed->id), deed->code));
        if (has_stopped(row, NSF_ROW_DENIED_PORTS) == 0)
            add_to(row, NSF_ROW_DENIED_PORTS, note_denied_port(table, row, deed));
    }
    if (nsf_deed_is_denied_mail(deed) && has_stopped(row, NSF_ROW_DENIED_MAIL_ADDRESSES) == 0)
        add_to(row, NSF_ROW_DENIED_MAIL_ADDRESSES,
               note_item(table, row, nsf_contact_item(NSF_ITEM_DENIED_MAIL_ADDRESS, deed->id),
                         nsf_contact_code(NSF_CODES_MAIL_ADDRESSES, deed->id)));
}

void nsf_contact_rows_carry(struct nsf_contacts_table *table, uint32_t row_idx, bool is_denied)
{
    NSF_GROW(table->carries, table->carries_capacity, (size_t)table->n_carries + 1);
    table->carries[table->n_carries++] = (struct nsf_contact_carry){row_idx, is_denied};
}

uint64_t nsf_contact_rows_tuples(const struct nsf_contacts_table *table, uint32_t row_idx, bool is_denied)
{
    uint64_t n = table->rows[row_idx].tuples[is_denied];
    for (uint32_t i = 0; i < table->n_carries; i++)
        if (table->carries[i].row_idx == row_idx && table->carries[i].is_denied == is_denied)
            n += UINT64_C(1) << 32;
    return n;
}

void nsf_contact_rows_note(struct nsf_contacts_table *table, uint32_t row_idx, const struct nsf_deed *deed, uint32_t n)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    row->bits |= (uint32_t)nsf_deed_flags(deed) << NSF_ROW_FLAGS;
    nsf_contact_rows_count(table, row_idx, deed->is_denied, n);
    if (deed->is_denied)
        note_denied(table, row, deed);
    else
        note_allowed(table, row, deed);
}
