#include "core/nsf_common.h"

#include "evidence/contacts_state.h"

/* ---- ports ---- */

/* Mail, its submission ports, ident, DNS and the web: what a mail server or its owner's browser touches. */
static const uint16_t plain_ports[NSF_ROW_LANES] = {25, 53, 80, 113, 443, 465, 587, 25, 25, 25, 25, 25};
static const uint16_t mail_ports[NSF_ROW_LANES] = {25, 465, 587, 25, 25, 25, 25, 25, 25, 25, 25, 25};

unsigned nsf_deed_flags(const struct nsf_deed *deed)
{
    bool is_tcp = deed->protocol == NSF_PROTOCOL_TCP;
    bool has_ports = is_tcp | (deed->protocol == NSF_PROTOCOL_UDP);
    bool is_strange = has_ports & !nsf_has_lane(plain_ports, deed->port);
    bool is_mail = is_tcp & nsf_has_lane(mail_ports, deed->port);
    return (nsf_deed_is_denied_mail(deed) ? NSF_CONTACT_DENIED_MAIL : 0u) |
           (is_strange ? NSF_CONTACT_STRANGE_PORT : 0u) | (is_mail ? 0u : NSF_CONTACT_NOT_MAIL_PORT);
}

/* ---- places ---- */

uint32_t nsf_contact_rows_add(struct nsf_contacts_table *table)
{
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

/* The place of the item among the further ones of a row, or the one where it belongs; NULL: they are full. */
static uint32_t *place_in_more(struct nsf_contact_more *more, uint32_t item)
{
    for (unsigned i = 0; i < NSF_MORE_ITEMS; i++)
        if (more->items[i] == item || more->items[i] == 0)
            return &more->items[i];
    return NULL;
}

/* An item that has no lane. True when it is new. */
static bool note_further(struct nsf_contacts_table *table, struct nsf_contact_row *row, uint32_t item)
{
    struct nsf_contact_more *more =
        row->more == 0 ? nsf_contact_rows_add_more(table, row) : &table->more[row->more - 1];
    uint32_t *place = place_in_more(more, item);
    if (place == NULL)
        return nsf_pairset_add(&table->distinct, nsf_pair((uint32_t)(row - table->rows), item));
    bool is_new = *place == 0;
    *place = item;
    return is_new;
}

/* True when the source of the row does this for the first time. `code` is the item's. */
static bool note_item(struct nsf_contacts_table *table, struct nsf_contact_row *row, uint32_t item, uint16_t code)
{
    unsigned n = nsf_row_used(row, NSF_ROW_CODES_USED);
    if (code != NSF_CODE_NONE && nsf_has_lane(row->codes, code))
        return false;
    if (code == NSF_CODE_NONE || n == NSF_ROW_LANES)
        return note_further(table, row, item);
    row->codes[n] = code;
    row->bits += UINT32_C(1) << NSF_ROW_CODES_USED;
    return true;
}

/* Once the lanes of ports are full, ports get no other lane: nobody would look for them there. */
static bool note_denied_port(struct nsf_contacts_table *table, struct nsf_contact_row *row,
                             const struct nsf_deed *deed)
{
    uint32_t item = nsf_contact_item(NSF_ITEM_DENIED_PORT, nsf_port_item_value(deed->protocol, deed->port));
    unsigned n = nsf_row_used(row, NSF_ROW_TCP_PORTS_USED);
    if (deed->protocol != NSF_PROTOCOL_TCP || deed->port == 0)
        return note_item(table, row, item, nsf_contact_codes_port(&table->codes, item));
    if (nsf_has_lane(row->tcp_ports, deed->port))
        return false;
    if (n == NSF_ROW_LANES)
        return note_further(table, row, item);
    row->tcp_ports[n] = deed->port;
    row->bits += UINT32_C(1) << NSF_ROW_TCP_PORTS_USED;
    return true;
}

/* ---- deeds ---- */

static bool has_stopped(const struct nsf_contact_row *row, enum nsf_row_bits count)
{
    return (row->bits & NSF_ROW_STOPPED(count)) != 0;
}

/* A distinct count that has not stopped. */
static void add_to(struct nsf_contact_row *row, enum nsf_row_bits count, bool is_new)
{
    row->bits += (uint32_t)is_new << count;
}

static void count_other_port(struct nsf_contacts_table *table, struct nsf_contact_row *row,
                             const struct nsf_deed *deed, uint16_t code)
{
    uint32_t item = nsf_contact_item(NSF_ITEM_OTHER_PORT, nsf_port_item_value(deed->protocol, deed->port));
    if (!has_stopped(row, NSF_ROW_OTHER_PORTS))
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
    if (!has_stopped(row, NSF_ROW_DENIED_ADDRESSES))
        add_to(row, NSF_ROW_DENIED_ADDRESSES,
               note_item(table, row, nsf_contact_item(NSF_ITEM_DENIED_ADDRESS, deed->id), deed->code));
    if (!has_stopped(row, NSF_ROW_DENIED_PORTS))
        add_to(row, NSF_ROW_DENIED_PORTS, note_denied_port(table, row, deed));
    if (nsf_deed_is_denied_mail(deed) && !has_stopped(row, NSF_ROW_DENIED_MAIL_ADDRESSES))
        add_to(row, NSF_ROW_DENIED_MAIL_ADDRESSES,
               note_item(table, row, nsf_contact_item(NSF_ITEM_DENIED_MAIL_ADDRESS, deed->id),
                         nsf_contact_code(NSF_CODES_MAIL_ADDRESSES, deed->id)));
}

void nsf_contact_rows_note(struct nsf_contacts_table *table, uint32_t row_idx, const struct nsf_deed *deed, uint32_t n)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    row->bits |= (uint32_t)nsf_deed_flags(deed) << NSF_ROW_FLAGS;
    row->tuples[deed->is_denied] += n;
    if (deed->is_denied)
        note_denied(table, row, deed);
    else
        note_allowed(table, row, deed);
}
