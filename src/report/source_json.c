#include "core/nsf_common.h"

#include "report/source_json.h"

#include "core/clock.h"
#include "core/digits.h"
#include "core/json_string.h"
#include "core/mem.h"

/* A row without its texts and destinations: some 600 bytes of keys, 24 numbers of up to 20 digits, two times. */
#define ROW_BYTES ((size_t)2048)
#define EVIDENCE_BYTES ((size_t)64 + NSF_DIGITS_MAX)
#define DESTINATION_BYTES ((size_t)NSF_IP_TEXT_BYTES + 3)
#define SPARE_BYTES ((size_t)8192)

/* Text of which the compiler knows the length: a few moves. */
#define PUT(at, text) ((char *)memcpy((at), (text), sizeof(text) - 1) + (sizeof(text) - 1))
#define PUT_U64(at, key, value) nsf_put_u64(PUT(at, key), value)

/* A word in quotes, moved as a whole and then taken at its length. */
struct word {
    char text[23];
    uint8_t len;
};

#define WORD(text)                                                                                                     \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static inline char *put_word(char *at, const struct word *word)
{
    memcpy(at, word->text, sizeof(word->text));
    return at + word->len;
}

static char *put_quoted_ip(char *at, struct nsf_ip ip)
{
    *at++ = '"';
    at = nsf_put_ip(at, ip);
    *at++ = '"';
    return at;
}

static char *put_time(char *at, int64_t ts_ms)
{
    if (ts_ms == NSF_TS_NONE)
        return PUT(at, "null");
    *at++ = '"';
    at = nsf_put_time(at, ts_ms);
    *at++ = '"';
    return at;
}

static char *put_evidence(char *at, const struct nsf_mail_source *source)
{
    at = PUT(at, ",\"evidence\":[");
    for (size_t i = 0; i < source->n_evidence; i++) {
        const struct nsf_evidence_line *line = &source->evidence[i];
        if (i > 0)
            *at++ = ',';
        at = nsf_put_json_string(PUT(at, "{\"code\":"), nsf_slice_str(line->code));
        at = nsf_put_decimal(PUT(at, ",\"points\":"), line->points_tenths, 1);
        at = nsf_put_json_string(PUT(at, ",\"text\":"), line->text);
        *at++ = '}';
    }
    *at++ = ']';
    return at;
}

static char *put_verdict(char *at, enum nsf_source_verdict verdict)
{
    static const struct word words[] = {
#define VERDICT_WORD(name) WORD("\"" #name "\""),
        NSF_SOURCE_VERDICT_TABLE(VERDICT_WORD)
#undef VERDICT_WORD
    };
    return put_word(at, &words[verdict]);
}

static char *put_head(char *at, const struct nsf_mail_source *source)
{
    if (source->is_rest)
        return PUT(at, "{\"address\":null,\"network\":null,\"name\":null,\"verdict\":null,\"score\":null");
    at = put_quoted_ip(PUT(at, "{\"address\":"), source->address);
    at = nsf_put_prefix(PUT(at, ",\"network\":\""), source->network);
    at = PUT(at, "\",\"name\":");
    at = source->name.ptr == NULL ? PUT(at, "null") : nsf_put_json_string(at, source->name);
    at = put_verdict(PUT(at, ",\"verdict\":"), source->verdict);
    return nsf_put_decimal(PUT(at, ",\"score\":"), source->score_tenths, 1);
}

static char *put_classes(char *at, const uint64_t classes[NSF_CLASSES])
{
    static const struct word keys[] = {
#define CLASS_KEY(name, text) WORD(",\"" text "\":"),
        NSF_CLASS_TABLE(CLASS_KEY)
#undef CLASS_KEY
    };
    at = PUT(at, ",\"classes\":");
    char *brace = at;
    for (size_t i = 0; i < NSF_CLASSES; i++)
        if (classes[i] > 0)
            at = nsf_put_u64(put_word(at, &keys[i]), classes[i]);
    if (at == brace)
        *at++ = '{';
    *brace = '{'; /* over the first comma */
    *at++ = '}';
    return at;
}

static char *put_counters(char *at, const struct nsf_mail_source *source)
{
    if (!source->has_counters)
        return PUT(at, ",\"packets_in\":null,\"bytes_in\":null,\"packets_out\":null,\"bytes_out\":null");
    at = PUT_U64(at, ",\"packets_in\":", source->counters.packets_in);
    at = PUT_U64(at, ",\"bytes_in\":", source->counters.bytes_in);
    at = PUT_U64(at, ",\"packets_out\":", source->counters.packets_out);
    return PUT_U64(at, ",\"bytes_out\":", source->counters.bytes_out);
}

static char *put_destinations(char *at, const struct nsf_mail_source *source)
{
    at = PUT(at, ",\"destinations\":[");
    for (uint32_t i = 0; i < source->n_destinations; i++) {
        if (i > 0)
            *at++ = ',';
        at = put_quoted_ip(at, source->destinations[i]);
    }
    return PUT_U64(at, "],\"destinations_more\":", source->destinations_more);
}

/* Nearly every sender did nothing elsewhere. */
static char *put_cross(char *at, const struct nsf_source_cross *cross)
{
    if ((cross->denied_tuples | cross->denied_addresses | cross->denied_ports | cross->denied_mail_addresses |
         cross->other_contacts | cross->other_ports) == 0)
        return PUT(at, ",\"elsewhere\":{\"denied_tuples\":0,\"denied_addresses\":0,\"denied_ports\":0,"
                       "\"denied_mail_addresses\":0,\"other_contacts\":0,\"other_ports\":0}");
    at = PUT_U64(at, ",\"elsewhere\":{\"denied_tuples\":", cross->denied_tuples);
    at = PUT_U64(at, ",\"denied_addresses\":", cross->denied_addresses);
    at = PUT_U64(at, ",\"denied_ports\":", cross->denied_ports);
    at = PUT_U64(at, ",\"denied_mail_addresses\":", cross->denied_mail_addresses);
    at = PUT_U64(at, ",\"other_contacts\":", cross->other_contacts);
    at = PUT_U64(at, ",\"other_ports\":", cross->other_ports);
    *at++ = '}';
    return at;
}

static char *put_source(char *at, const struct nsf_mail_source *source, bool has_cross)
{
    at = put_evidence(put_head(at, source), source);
    at = PUT_U64(at, ",\"connections\":", source->connections);
    at = PUT_U64(at, ",\"attempts\":", source->attempts);
    at = PUT_U64(at, ",\"tuples\":", source->tuples);
    at = put_counters(put_classes(at, source->classes), source);
    at = put_time(PUT(at, ",\"first\":"), source->first_ms);
    at = put_time(PUT(at, ",\"last\":"), source->last_ms);
    at = source->is_rest ? PUT(at, ",\"days\":null") : PUT_U64(at, ",\"days\":", source->days);
    at = put_destinations(at, source);
    if (has_cross && !source->is_rest)
        at = put_cross(at, &source->cross);
    else
        at = PUT(at, ",\"elsewhere\":null");
    if (source->is_rest)
        at = PUT_U64(at, ",\"merged\":", source->n_merged);
    *at++ = '}';
    return at;
}

/* Never less than put_source writes. */
static size_t row_room(const struct nsf_mail_source *source)
{
    size_t n_bytes = nsf_add_size(ROW_BYTES, source->n_destinations * DESTINATION_BYTES);
    size_t n_text = source->name.len;
    for (size_t i = 0; i < source->n_evidence; i++)
        n_text = nsf_add_size(n_text, nsf_add_size(strlen(source->evidence[i].code), source->evidence[i].text.len));
    n_bytes = nsf_add_size(n_bytes, nsf_mul_size(source->n_evidence, EVIDENCE_BYTES));
    return nsf_add_size(n_bytes, nsf_mul_size(n_text, NSF_JSON_ESCAPE_BYTES));
}

void nsf_source_json_write(const struct nsf_source_json *json, struct nsf_out *out, uint64_t row_idx,
                           const struct nsf_mail_source *source)
{
    char spare[SPARE_BYTES];
    size_t room = nsf_add_size(row_room(source), json->before_len);
    char *large = room > sizeof(spare) ? nsf_malloc(room) : NULL;
    char *place = nsf_out_room(out, room, large != NULL ? large : spare), *at = place;
    if (row_idx > 0)
        *at++ = ',';
    memcpy(at, json->before, json->before_len);
    at = put_source(at + json->before_len, source, json->has_cross);
    nsf_out_put(out, place, at);
    nsf_free(large);
}
