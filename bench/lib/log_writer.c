#include "lib/log_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#define NSG_TYPE_UPPER "/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/"
#define NSG_TYPE "/providers/Microsoft.Network/networkSecurityGroups/"
/* The longest line of a log and the brackets that close a record. */
#define LINE_BYTES_MAX 192
/* The head of a group with one line. */
#define GROUP_BYTES_MAX 512
/* What stands around the lines of a record with a dozen groups. */
#define FRAME_BYTES_MAX 8192

struct log_writer {
    enum traffic_layout layout;
    uint64_t record_bytes;
    bool has_record; /* in this log */
    FILE *file;
    gzFile gz;
    uint64_t n_bytes;
    size_t len;
    char *record;
};

static void fail(const char *what)
{
    fprintf(stderr, "gen_logs: %s\n", what);
    exit(1);
}

struct log_writer *log_writer_new(enum traffic_layout layout, uint64_t record_bytes)
{
    struct log_writer *w = calloc(1, sizeof(*w));
    char *record = malloc(record_bytes + FRAME_BYTES_MAX + LINE_BYTES_MAX);
    if (w == NULL || record == NULL)
        fail("out of memory");
    w->layout = layout;
    w->record_bytes = record_bytes;
    w->record = record;
    return w;
}

void log_writer_free(struct log_writer *w)
{
    free(w->record);
    free(w);
}

static void flush_record(struct log_writer *w)
{
    bool is_written = w->gz != NULL ? gzwrite(w->gz, w->record, (unsigned)w->len) == (int)w->len
                                    : fwrite(w->record, 1, w->len, w->file) == w->len;
    if (!is_written)
        fail("cannot write");
    w->n_bytes += w->len;
    w->len = 0;
}

static void put_bytes(struct log_writer *w, const char *text, size_t n)
{
    memcpy(w->record + w->len, text, n);
    w->len += n;
}

static void put(struct log_writer *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

static void put_number(struct log_writer *w, uint64_t number)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0)
        w->record[w->len++] = digits[--n];
}

static void put_field(struct log_writer *w, uint64_t number)
{
    put_number(w, number);
    w->record[w->len++] = ',';
}

static void put_address(struct log_writer *w, uint32_t v4)
{
    put_number(w, v4 >> 24);
    w->record[w->len++] = '.';
    put_number(w, v4 >> 16 & 255);
    w->record[w->len++] = '.';
    put_number(w, v4 >> 8 & 255);
    w->record[w->len++] = '.';
    put_field(w, v4 & 255);
}

static void put_mac(struct log_writer *w, uint32_t nic)
{
    char mac[16];
    put_bytes(w, mac, (size_t)snprintf(mac, sizeof(mac), "000D3A%06X", (nic + 0x2b0000) & 0xffffff));
}

static void put_time(struct log_writer *w, int64_t time_ms, uint32_t nic)
{
    char text[64];
    struct tm tm;
    time_t seconds = (time_t)(time_ms / 1000);
    gmtime_r(&seconds, &tm);
    size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    put_bytes(w, text, n);
    put_bytes(w, text,
              (size_t)snprintf(text, sizeof(text), ".%03u%04uZ", (unsigned)(time_ms % 1000), nic * 37 % 10000));
}

static void put_counters(struct log_writer *w, const struct traffic_line *line)
{
    bool is_known = line->state == 'C' || line->state == 'E';
    if (!is_known) {
        put(w, w->layout == TRAFFIC_VNET4 ? "0,0,0,0" : ",,,");
        return;
    }
    put_field(w, line->counters[0]);
    put_field(w, line->counters[1]);
    put_field(w, line->counters[2]);
    put_number(w, line->counters[3]);
}

static void put_line(struct log_writer *w, const struct traffic_line *line, uint32_t own, bool is_outbound)
{
    bool is_vnet = w->layout == TRAFFIC_VNET4, is_denied = line->state == 'D';
    w->record[w->len++] = '"';
    put_field(w, (uint64_t)(is_vnet ? line->at_ms : line->at_ms / 1000));
    put_address(w, is_outbound ? own : line->peer);
    put_address(w, is_outbound ? line->peer : own);
    put_field(w, line->peer_port);
    put_field(w, line->own_port);
    put(w, is_vnet ? (line->is_udp ? "17," : "6,") : (line->is_udp ? "U," : "T,"));
    put(w, is_outbound ? "O," : "I,");
    if (is_vnet) {
        w->record[w->len++] = line->state;
        put(w, ",NX,");
        put_counters(w, line);
    } else {
        put(w, is_denied ? "D" : "A");
        if (w->layout == TRAFFIC_NSG2) {
            char state[] = {',', is_denied ? 'B' : line->state, ',', '\0'};
            put(w, state);
            put_counters(w, line);
        }
    }
    w->record[w->len++] = '"';
}

static void put_nsg_head(struct log_writer *w, const struct traffic_minute *minute, uint32_t nic)
{
    char name[64];
    put(w, "\",\"systemId\":\"7b900133-9802-46f5-a0cd-8c01a74d9106\",\"macAddress\":\"");
    put_mac(w, nic);
    put(w, "\",\"category\":\"NetworkSecurityGroupFlowEvent\",\"resourceId\":\"" TRAFFIC_SUB_UPPER
           "EDGE-RG" NSG_TYPE_UPPER);
    const char *nsg = traffic_nsg_name(minute->nsg);
    size_t n = 0;
    for (; nsg[n] != '\0' && n < sizeof(name); n++)
        name[n] = (char)(nsg[n] >= 'a' && nsg[n] <= 'z' ? nsg[n] - 'a' + 'A' : nsg[n]);
    put_bytes(w, name, n);
    put(w, "\",\"operationName\":\"NetworkSecurityGroupFlowEvents\",\"properties\":{\"Version\":");
    put(w, w->layout == TRAFFIC_NSG2 ? "2" : "1");
    put(w, ",\"flows\":[");
}

static void put_vnet_head(struct log_writer *w, uint32_t nic)
{
    put(w, "\",\"flowLogGUID\":\"1e98aac7-0e3a-4365-8d28-a15797fcb58b\",\"macAddress\":\"");
    put_mac(w, nic);
    put(w, "\",\"category\":\"FlowLogFlowEvent\",\"flowLogResourceID\":\"" TRAFFIC_SUB_UPPER
           "NETWORKWATCHERRG/PROVIDERS/MICROSOFT.NETWORK/NETWORKWATCHERS/NETWORKWATCHER_WESTEUROPE/FLOWLOGS/"
           "EDGE-VNET-EDGE-RG-FLOWLOG\",\"targetResourceID\":\"" TRAFFIC_SUB_LOWER
           "edge-rg/providers/Microsoft.Network/virtualNetworks/edge-vnet\",\"flowLogVersion\":4,"
           "\"operationName\":\"FlowLogFlowEvent\",\"flowRecords\":{\"flows\":[");
}

static void begin_record(struct log_writer *w, const struct traffic_minute *minute, uint32_t nic, int64_t time_ms)
{
    put(w, w->has_record ? ",{\"time\":\"" : "{\"time\":\"");
    w->has_record = true;
    put_time(w, time_ms, nic);
    if (w->layout == TRAFFIC_VNET4)
        put_vnet_head(w, nic);
    else
        put_nsg_head(w, minute, nic);
}

static void end_record(struct log_writer *w)
{
    put(w, "]}}");
    flush_record(w);
}

/* Each rule stands in a `flows` of its own, also when the NSG is the same: so do those of real virtual network logs. */
static void begin_group(struct log_writer *w, const struct traffic_minute *minute, const struct traffic_group *group,
                        uint32_t nic, bool is_first)
{
    if (!is_first)
        put(w, ",");
    if (w->layout == TRAFFIC_VNET4) {
        put(w, "{\"aclID\":\"");
        if (group->is_platform) {
            put(w, "00000000-0000-0000-0000-000000000000");
        } else {
            put(w, TRAFFIC_SUB_LOWER "edge-rg" NSG_TYPE);
            put(w, traffic_nsg_name(minute->nsg));
        }
        put(w, "\",\"flowGroups\":[{\"rule\":\"");
        put(w, group->rule);
        put(w, "\",\"flowTuples\":[");
        return;
    }
    put(w, "{\"rule\":\"");
    put(w, group->rule);
    put(w, "\",\"flows\":[{\"mac\":\"");
    put_mac(w, nic);
    put(w, "\",\"flowTuples\":[");
}

void log_writer_minute(struct log_writer *w, const struct traffic_minute *minute, uint32_t nic, int64_t time_ms)
{
    if (minute->n_groups == 0)
        return;
    begin_record(w, minute, nic, time_ms);
    bool is_first = true;
    for (size_t i = 0; i < minute->n_groups; i++) {
        const struct traffic_group *group = &minute->groups[i];
        if (w->len + GROUP_BYTES_MAX > w->record_bytes && !is_first) {
            end_record(w);
            begin_record(w, minute, nic, time_ms);
            is_first = true;
        }
        begin_group(w, minute, group, nic, is_first);
        is_first = false;
        for (size_t k = 0; k < group->n; k++) {
            if (w->len + LINE_BYTES_MAX > w->record_bytes && k > 0) {
                put(w, "]}]}");
                end_record(w);
                begin_record(w, minute, nic, time_ms);
                begin_group(w, minute, group, nic, true);
            } else if (k > 0) {
                put(w, ",");
            }
            put_line(w, &group->lines[k], minute->own, group->is_outbound);
        }
        put(w, "]}]}");
    }
    end_record(w);
}

void log_writer_open(struct log_writer *w, const char *path, bool is_gzip)
{
    bool is_stdout = strcmp(path, "-") == 0;
    w->n_bytes = 0;
    w->has_record = false;
    w->file = is_gzip ? NULL : is_stdout ? stdout : fopen(path, "wb");
    w->gz = !is_gzip ? NULL : is_stdout ? gzdopen(1, "wb6") : gzopen(path, "wb6");
    if (w->file == NULL && w->gz == NULL) {
        perror(path);
        exit(1);
    }
    put(w, "{\"records\":[");
    flush_record(w);
}

uint64_t log_writer_bytes(const struct log_writer *w)
{
    return w->n_bytes;
}

void log_writer_close(struct log_writer *w)
{
    put(w, "]}");
    flush_record(w);
    int status = w->gz != NULL ? gzclose(w->gz) : fclose(w->file);
    if (status != 0)
        fail("cannot write");
    w->gz = NULL;
    w->file = NULL;
}

void log_writer_path(const struct traffic_minute *minute, uint32_t nic, int64_t time_ms, char *path, size_t capacity)
{
    char when[64], name[64];
    struct tm tm;
    time_t seconds = (time_t)(time_ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(when, sizeof(when), "y=%Y/m=%m/d=%d/h=%H/m=00", &tm);
    snprintf(name, sizeof(name), "%s", traffic_nsg_name(minute->nsg));
    for (char *p = name; *p != '\0'; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    snprintf(path, capacity, "resourceId=%sEDGE-RG%s%s/%s/macAddress=000D3A%06X/PT1H.json", TRAFFIC_SUB_UPPER,
             NSG_TYPE_UPPER, name, when, (nic + 0x2b0000) & 0xffffff);
}
