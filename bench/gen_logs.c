/*
 * Writes flow logs as Azure writes them, for benchmarks: compact JSON on one line, NSG records cut at 32 KB. The same
 * kind, size and seed give the same bytes.
 *
 *   gen_logs KIND BYTES SEED OUT       KIND: typical vnet flood gz small rules
 *
 * typical  NSG version 2: 3 % SMTP under an exposing rule, 30 % denied noise, the rest web and outbound
 * vnet     the same as virtual network flow logs (version 4)
 * flood    every tuple is allowed SMTP, from 60,000 sources
 * gz       typical, gzipped
 * small    a folder OUT of blobs of about 10 KB in the layout of Azure; BYTES in all
 * rules    the definitions (az network nsg list) that the logs belong to; BYTES is not used
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <zlib.h>

#define RECORD_BYTES 32000
#define SMALL_BLOB_BYTES 10000
#define FLOOD_SOURCES 60000u
#define START_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
#define NSG_UPPER                                                                                                      \
    "/SUBSCRIPTIONS/00000000-0000-0000-0000-00000000000A/RESOURCEGROUPS/MAIL-RG/PROVIDERS/MICROSOFT.NETWORK/"          \
    "NETWORKSECURITYGROUPS/MAIL-NSG"
#define NSG_MIXED                                                                                                      \
    "/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/mail-rg/providers/Microsoft.Network/"          \
    "networkSecurityGroups/mail-nsg"
#define FLOW_LOG                                                                                                       \
    "/SUBSCRIPTIONS/00000000-0000-0000-0000-00000000000A/RESOURCEGROUPS/NETWORKWATCHERRG/PROVIDERS/MICROSOFT.NETWORK/" \
    "NETWORKWATCHERS/NETWORKWATCHER_WESTEUROPE/FLOWLOGS/MAIL-VNET-FLOWLOG"

enum group {
    GROUP_SMTP,
    GROUP_DENIED,
    GROUP_WEB,
    GROUP_OUTBOUND,
    N_GROUPS,
};

static const char *const rule_names[N_GROUPS] = {
    [GROUP_SMTP] = "UserRule_allow-smtp",
    [GROUP_DENIED] = "DefaultRule_DenyAllInBound",
    [GROUP_WEB] = "UserRule_allow-web",
    [GROUP_OUTBOUND] = "DefaultRule_AllowInternetOutBound",
};
/* Per mille of the tuples of a typical record. */
static const unsigned shares[N_GROUPS] = {30, 300, 270, 400};

struct generator {
    uint64_t random;
    bool is_vnet;
    bool is_flood;
    bool is_gzip;
    FILE *file;
    gzFile gz;
    uint64_t n_bytes;
    int64_t now_s; /* of the record being written */
    unsigned nic;
    char record[2 * RECORD_BYTES + 4096];
    size_t len;
};

static uint64_t next_random(struct generator *g)
{
    g->random ^= g->random >> 12;
    g->random ^= g->random << 25;
    g->random ^= g->random >> 27;
    return g->random * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(struct generator *g, unsigned n)
{
    return (unsigned)((next_random(g) >> 32) * n >> 32);
}

static void put(struct generator *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct generator *g, const char *fmt, ...)
{
    __builtin_va_list args;
    __builtin_va_start(args, fmt);
    int n = vsnprintf(g->record + g->len, sizeof(g->record) - g->len, fmt, args);
    __builtin_va_end(args);
    if (n < 0 || (size_t)n >= sizeof(g->record) - g->len) {
        fprintf(stderr, "gen_logs: a record is too long\n");
        exit(1);
    }
    g->len += (size_t)n;
}

static void flush_record(struct generator *g)
{
    bool is_written = g->is_gzip ? gzwrite(g->gz, g->record, (unsigned)g->len) == (int)g->len
                                 : fwrite(g->record, 1, g->len, g->file) == g->len;
    if (!is_written) {
        fprintf(stderr, "gen_logs: cannot write\n");
        exit(1);
    }
    g->n_bytes += g->len;
    g->len = 0;
}

static void put_address(struct generator *g, uint32_t v4)
{
    put(g, "%u.%u.%u.%u,", v4 >> 24, v4 >> 16 & 255, v4 >> 8 & 255, v4 & 255);
}

/* A public address out of `n` that are the same each time. */
static uint32_t public_address(struct generator *g, unsigned n)
{
    uint32_t x = below(g, n) * UINT32_C(2654435761) + 12345;
    uint32_t first = 11 + (x >> 24) % 110;
    return first << 24 | (x & 0xffffff);
}

static void put_counters(struct generator *g)
{
    unsigned packets = 5 + below(g, 60), back = 4 + below(g, 50);
    put(g, "%u,%u,%u,%u", packets, packets * (60 + below(g, 900)), back, back * (60 + below(g, 900)));
}

/* State letter and counters: half of the connections only begin, as NSG logs show custom inbound rules. */
static void put_state(struct generator *g, bool is_denied)
{
    static const char letters[] = "BBBBECEE";
    char letter = letters[below(g, 8)];
    if (g->is_vnet) {
        put(g, "%c,NX,", is_denied ? 'D' : letter);
        if (is_denied || letter == 'B')
            put(g, "0,0,0,0");
        else
            put_counters(g);
        return;
    }
    put(g, "%c,%c,", is_denied ? 'D' : 'A', is_denied ? 'B' : letter);
    if (is_denied || letter == 'B')
        put(g, ",,,");
    else
        put_counters(g);
}

static unsigned denied_port(struct generator *g)
{
    static const unsigned ports[] = {22, 23, 445, 3389, 5060, 8080, 1433, 6379, 25, 5900};
    unsigned pick = below(g, 20);
    return pick < 10 ? ports[pick] : 1 + below(g, 65535);
}

static void put_tuple(struct generator *g, enum group group)
{
    uint32_t own = UINT32_C(0x0a000000) | (g->nic + 4);
    bool is_outbound = group == GROUP_OUTBOUND;
    bool is_udp = below(g, 12) == 0 && group != GROUP_SMTP;
    unsigned port = group == GROUP_SMTP ? 25 : group == GROUP_WEB ? (below(g, 8) == 0 ? 80 : 443) : 443;
    if (group == GROUP_DENIED)
        port = denied_port(g);
    if (is_outbound)
        port = below(g, 50) == 0 ? 25 : is_udp ? 53 : 443;
    uint32_t peer = public_address(g, g->is_flood ? FLOOD_SOURCES : group == GROUP_SMTP ? 3000 : 40000);
    int64_t stamp = g->now_s - 60 + below(g, 60);
    if (g->is_vnet)
        put(g, "\"%" PRId64 "%03u,", stamp, below(g, 1000));
    else
        put(g, "\"%" PRId64 ",", stamp);
    put_address(g, is_outbound ? own : peer);
    put_address(g, is_outbound ? peer : own);
    const char *protocol = g->is_vnet ? (is_udp ? "17" : "6") : (is_udp ? "U" : "T");
    put(g, "%u,%u,%s,%c,", 1024 + below(g, 64000), port, protocol, is_outbound ? 'O' : 'I');
    put_state(g, group == GROUP_DENIED);
    put(g, "\"");
}

static void put_head(struct generator *g)
{
    time_t now = (time_t)g->now_s;
    struct tm tm;
    char stamp[64];
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    if (g->is_vnet)
        put(g,
            "{\"time\":\"%s.%07uZ\",\"flowLogVersion\":4,\"flowLogGUID\":\"6a7e2a0e-0000-4000-8000-000000000001\","
            "\"macAddress\":\"000D3A%06X\",\"category\":\"FlowLogFlowEvent\",\"flowLogResourceID\":\"" FLOW_LOG
            "\",\"targetResourceID\":\"/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/mail-rg/"
            "providers/Microsoft.Network/virtualNetworks/mail-vnet\",\"operationName\":\"FlowLogFlowEvent\","
            "\"flowRecords\":{\"flows\":[{\"aclID\":\"" NSG_MIXED "\",\"flowGroups\":[",
            stamp, below(g, 10000000), g->nic + 1);
    else
        put(g,
            "{\"time\":\"%s.%07uZ\",\"systemId\":\"66aa66aa-bb77-cc88-dd99-00ee00ee00ee\",\"macAddress\":\"000D3A%"
            "06X\","
            "\"category\":\"NetworkSecurityGroupFlowEvent\",\"resourceId\":\"" NSG_UPPER
            "\",\"operationName\":\"NetworkSecurityGroupFlowEvents\",\"properties\":{\"Version\":2,\"flows\":[",
            stamp, below(g, 10000000), g->nic + 1);
}

static void put_group(struct generator *g, enum group group, size_t n_bytes, bool is_first)
{
    if (g->is_vnet)
        put(g, "%s{\"rule\":\"%s\",\"flowTuples\":[", is_first ? "" : ",", rule_names[group]);
    else
        put(g, "%s{\"rule\":\"%s\",\"flows\":[{\"mac\":\"000D3A%06X\",\"flowTuples\":[", is_first ? "" : ",",
            rule_names[group], g->nic + 1);
    size_t end = g->len + n_bytes;
    for (bool is_more = false; g->len < end; is_more = true) {
        if (is_more)
            put(g, ",");
        put_tuple(g, group);
    }
    put(g, g->is_vnet ? "]}" : "]}]}");
}

static void put_record(struct generator *g, size_t n_bytes)
{
    put_head(g);
    if (g->is_flood)
        put_group(g, GROUP_SMTP, n_bytes, true);
    for (unsigned i = 0; i < N_GROUPS && !g->is_flood; i++)
        put_group(g, (enum group)i, n_bytes * shares[i] / 1000, i == 0);
    put(g, g->is_vnet ? "]}]}}" : "]}}");
}

/* Records of at most 32 KB; a minute of a busy NIC is some MB of them. */
static void write_blob(struct generator *g, uint64_t n_bytes)
{
    const unsigned records_a_minute = 32;
    g->n_bytes = 0;
    put(g, "{\"records\":[");
    for (unsigned n = 0; g->n_bytes < n_bytes; n++) {
        uint64_t left = n_bytes - g->n_bytes;
        if (n > 0)
            put(g, ",");
        if (n % records_a_minute == records_a_minute - 1)
            g->now_s += 60;
        put_record(g, left < RECORD_BYTES ? (size_t)left : RECORD_BYTES);
        flush_record(g);
    }
    put(g, "]}");
    flush_record(g);
}

static void open_out(struct generator *g, const char *path)
{
    g->file = g->is_gzip ? NULL : fopen(path, "wb");
    g->gz = g->is_gzip ? gzopen(path, "wb6") : NULL;
    if (g->file == NULL && g->gz == NULL) {
        perror(path);
        exit(1);
    }
}

static void close_out(struct generator *g)
{
    int status = g->is_gzip ? gzclose(g->gz) : fclose(g->file);
    if (status != 0) {
        fprintf(stderr, "gen_logs: cannot write\n");
        exit(1);
    }
}

static void make_folders(char *path)
{
    for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(path, 0777);
        *p = '/';
    }
}

/* 50 NICs, hour after hour. */
static void write_small(struct generator *g, uint64_t n_bytes, const char *folder)
{
    uint64_t n_written = 0;
    for (unsigned n = 0; n_written < n_bytes; n++) {
        char path[4096];
        g->nic = n % 50;
        time_t hour = (time_t)(START_S + (int64_t)(n / 50) * 3600);
        struct tm tm;
        char when[64];
        gmtime_r(&hour, &tm);
        strftime(when, sizeof(when), "y=%Y/m=%m/d=%d/h=%H/m=00", &tm);
        snprintf(path, sizeof(path), "%s/resourceId=" NSG_UPPER "/%s/macAddress=000D3A%06X/PT1H.json", folder, when,
                 g->nic + 1);
        make_folders(path);
        g->now_s = (int64_t)hour + 120;
        open_out(g, path);
        write_blob(g, SMALL_BLOB_BYTES);
        close_out(g);
        n_written += g->n_bytes;
    }
}

static void write_rules(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    fputs(
        "[{\"id\":\"" NSG_MIXED "\",\"name\":\"mail-nsg\",\"resourceGroup\":\"mail-rg\",\"location\":\"westeurope\","
        "\"type\":\"Microsoft.Network/networkSecurityGroups\",\"subnets\":[{\"id\":\"/subscriptions/s/subnets/mail\"}],"
        "\"securityRules\":["
        "{\"name\":\"allow-smtp\",\"priority\":100,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\","
        "\"sourceAddressPrefix\":\"Internet\",\"sourcePortRange\":\"*\",\"destinationAddressPrefix\":\"*\","
        "\"destinationPortRange\":\"25\"},"
        "{\"name\":\"allow-web\",\"priority\":110,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\","
        "\"sourceAddressPrefix\":\"*\",\"sourcePortRange\":\"*\",\"destinationAddressPrefix\":\"*\","
        "\"destinationPortRanges\":[\"80\",\"443\"]}]}]\n",
        file);
    if (fclose(file) != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: gen_logs typical|vnet|flood|gz|small|rules BYTES SEED OUT\n");
        return 2;
    }
    struct generator *g = calloc(1, sizeof(*g));
    if (g == NULL)
        return 1;
    const char *kind = argv[1];
    uint64_t n_bytes = strtoull(argv[2], NULL, 10);
    g->random = strtoull(argv[3], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    g->is_vnet = strcmp(kind, "vnet") == 0;
    g->is_flood = strcmp(kind, "flood") == 0;
    g->is_gzip = strcmp(kind, "gz") == 0;
    g->now_s = START_S + 60;
    bool is_blob = g->is_vnet || g->is_flood || g->is_gzip || strcmp(kind, "typical") == 0;
    if (strcmp(kind, "rules") == 0) {
        write_rules(argv[4]);
    } else if (strcmp(kind, "small") == 0) {
        write_small(g, n_bytes, argv[4]);
    } else if (is_blob) {
        open_out(g, argv[4]);
        write_blob(g, n_bytes);
        close_out(g);
    } else {
        fprintf(stderr, "gen_logs: no kind is called %s\n", kind);
        free(g);
        return 2;
    }
    free(g);
    return 0;
}
