#include "core/nsf_common.h"

#include "evidence/contacts_state.h"

/* ---- ports ---- */

enum port_use {
    PORT_PLAIN = 1, /* what a mail server or its owner's browser touches: mail, ident, DNS, the web */
    PORT_MAIL = 2,
};

/* Ports behind the last one are neither, like port 0. */
static const uint8_t port_uses[] = {
    [25] = PORT_PLAIN | PORT_MAIL,
    [53] = PORT_PLAIN,
    [80] = PORT_PLAIN,
    [113] = PORT_PLAIN,
    [443] = PORT_PLAIN,
    [465] = PORT_PLAIN | PORT_MAIL,
    [587] = PORT_PLAIN | PORT_MAIL,
};

static inline unsigned flags_of(const struct nsf_deed *deed)
{
    bool is_tcp = deed->protocol == NSF_PROTOCOL_TCP, has_ports = is_tcp | (deed->protocol == NSF_PROTOCOL_UDP);
    unsigned use = port_uses[deed->port < NSF_ARRAY_LEN(port_uses) ? deed->port : 0];
    bool is_strange = has_ports & !(use & PORT_PLAIN), is_mail = is_tcp & ((use & PORT_MAIL) != 0);
    return (nsf_deed_is_denied_mail(deed) ? NSF_CONTACT_DENIED_MAIL : 0u) |
           (is_strange ? NSF_CONTACT_STRANGE_PORT : 0u) | (is_mail ? 0u : NSF_CONTACT_NOT_MAIL_PORT);
}

unsigned nsf_deed_flags(const struct nsf_deed *deed)
{
    return flags_of(deed);
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

/* One that is new comes behind the others; else the lane there stays as it is. */
static void put_in_lane(uint16_t lanes[NSF_ROW_LANES], unsigned n_used, uint16_t value, bool is_new)
{
    unsigned at = n_used < NSF_ROW_LANES ? n_used : NSF_ROW_LANES - 1;
    lanes[at] = is_new ? value : lanes[at];
}

/* Denied on a TCP port, with lanes left for what is new: what most have to learn, and without a branch on which of them
 * it is. False: it is something else, and nothing was noted. */
static bool note_denied_in_lanes(struct nsf_contact_row *row, const struct nsf_deed *deed)
{
    unsigned n_ports = nsf_row_used(row, NSF_ROW_TCP_PORTS_USED), n_codes = nsf_row_used(row, NSF_ROW_CODES_USED);
    unsigned is_own_old = has_stopped(row, NSF_ROW_DENIED_ADDRESSES) | nsf_has_lane(row->codes, deed->code);
    unsigned is_port_old = has_stopped(row, NSF_ROW_DENIED_PORTS) | nsf_has_lane(row->tcp_ports, deed->port);
    bool is_own_new = is_own_old == 0, is_port_new = is_port_old == 0;
    if (!nsf_deed_has_tcp_port(deed) || deed->code == NSF_CODE_NONE)
        return false;
    if ((is_own_new & (n_codes == NSF_ROW_LANES)) | (is_port_new & (n_ports == NSF_ROW_LANES)))
        return false;
    put_in_lane(row->codes, n_codes, deed->code, is_own_new);
    put_in_lane(row->tcp_ports, n_ports, deed->port, is_port_new);
    row->bits += is_own_new * (UINT32_C(1) << NSF_ROW_DENIED_ADDRESSES | UINT32_C(1) << NSF_ROW_CODES_USED) +
                 is_port_new * (UINT32_C(1) << NSF_ROW_DENIED_PORTS | UINT32_C(1) << NSF_ROW_TCP_PORTS_USED);
    return true;
}

static void note_denied(struct nsf_contacts_table *table, struct nsf_contact_row *row, const struct nsf_deed *deed)
{
    if (!note_denied_in_lanes(row, deed)) {
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

void nsf_contact_rows_note(struct nsf_contacts_table *table, uint32_t row_idx, const struct nsf_deed *deed, uint32_t n)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    row->bits |= (uint32_t)flags_of(deed) << NSF_ROW_FLAGS;
    row->tuples[deed->is_denied] += n;
    if (deed->is_denied)
        note_denied(table, row, deed);
    else
        note_allowed(table, row, deed);
}
