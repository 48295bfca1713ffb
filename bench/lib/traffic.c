#include "lib/traffic.h"

#include "lib/seeded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
/* An open connection is logged again after so long. */
#define CONTINUE_MS INT64_C(300000)
#define AZURE_PROBE UINT32_C(0xa83f8110) /* 168.63.129.16: probes of load balancers, and the resolver */
#define ABUSERS UINT32_C(0x09400000)     /* 9.64.0.0/16 */
#define SHARE_MAIL 30u                   /* per mille of all lines: SMTP allowed in */
#define SHARE_DENIED 300u

enum pool {
    POOL_NOISE,   /* scanners and lost packets: a heavy head and a long tail */
    POOL_CLIENTS, /* who visits a web server */
    POOL_SENDERS, /* who comes to port 25 */
    POOL_CLOUD,   /* whom a server asks: few */
    POOL_ABUSERS, /* a network that a rule denies */
    POOL_OWN,     /* the private network */
    POOL_PROBE,
    N_POOLS,
};

enum ports {
    PORTS_MAIL,
    PORTS_DENIED,
    PORTS_HTTPS,
    PORTS_HTTP,
    PORTS_ANY, /* what a rule for everything lets in; SMTP among it */
    PORTS_INTERNAL,
    PORTS_OUT,
    PORTS_OUT_MAIL, /* the same from a mail server */
    PORTS_PROBE,
    PORTS_NAMES,
};

/* What one rule sees. Shares are per mille of the lines that are neither SMTP nor denied, or of the denied ones. */
struct stream {
    const char *rule;
    enum pool pool;
    enum ports ports;
    unsigned share;
    bool is_outbound, is_denied;
    bool is_stateless; /* NSG logs show only the beginning: no FlowTimeoutInMinutes */
    bool is_platform;  /* in virtual network logs only */
    bool has_mail;     /* the SMTP of this NSG comes through it */
};

enum role {
    ROLE_MAIL,
    ROLE_WEB,
    ROLE_LEGACY,
    ROLE_APP,
};

struct role_streams {
    const char *nsg;
    size_t n;
    struct stream streams[TRAFFIC_GROUPS_MAX];
};

#define LETS_IN(name, from, to, part)                                                                                  \
    {                                                                                                                  \
        .rule = (name), .pool = (from), .ports = (to), .share = (part)                                                 \
    }
#define LETS_MAIL_IN(name)                                                                                             \
    {                                                                                                                  \
        .rule = (name), .pool = POOL_SENDERS, .ports = PORTS_MAIL, .has_mail = true                                    \
    }
#define LETS_ANY_IN(name, part)                                                                                        \
    {                                                                                                                  \
        .rule = (name), .pool = POOL_CLIENTS, .ports = PORTS_ANY, .share = (part), .is_stateless = true,               \
        .has_mail = true                                                                                               \
    }
#define LETS_OUT(name, to, port, part)                                                                                 \
    {                                                                                                                  \
        .rule = (name), .pool = (to), .ports = (port), .share = (part), .is_outbound = true                            \
    }
#define DENIES(name, from, part)                                                                                       \
    {                                                                                                                  \
        .rule = (name), .pool = (from), .ports = PORTS_DENIED, .share = (part), .is_denied = true                      \
    }
#define PLATFORM(part)                                                                                                 \
    {                                                                                                                  \
        .rule = "PlatformRule", .pool = POOL_PROBE, .ports = PORTS_NAMES, .share = (part), .is_outbound = true,        \
        .is_platform = true                                                                                            \
    }

/* As NSG logs order them: by the name. */
static const struct role_streams roles[TRAFFIC_NSGS] = {
    [ROLE_MAIL] = {"mail-edge-nsg",
                   9,
                   {
                       PLATFORM(15),
                       LETS_IN("DefaultRule_AllowAzureLoadBalancerInBound", POOL_PROBE, PORTS_PROBE, 40),
                       LETS_OUT("DefaultRule_AllowInternetOutBound", POOL_CLOUD, PORTS_OUT_MAIL, 470),
                       LETS_IN("DefaultRule_AllowVnetInBound", POOL_OWN, PORTS_INTERNAL, 140),
                       LETS_OUT("DefaultRule_AllowVnetOutBound", POOL_OWN, PORTS_INTERNAL, 150),
                       DENIES("DefaultRule_DenyAllInBound", POOL_NOISE, 900),
                       LETS_IN("UserRule_allow-https", POOL_CLIENTS, PORTS_HTTPS, 200),
                       LETS_MAIL_IN("UserRule_allow-smtp"),
                       DENIES("UserRule_deny-abusers", POOL_ABUSERS, 100),
                   }},
    [ROLE_WEB] = {"web-nsg",
                  9,
                  {
                      PLATFORM(15),
                      LETS_IN("DefaultRule_AllowAzureLoadBalancerInBound", POOL_PROBE, PORTS_PROBE, 30),
                      LETS_OUT("DefaultRule_AllowInternetOutBound", POOL_CLOUD, PORTS_OUT, 280),
                      LETS_OUT("DefaultRule_AllowVnetOutBound", POOL_OWN, PORTS_INTERNAL, 120),
                      DENIES("DefaultRule_DenyAllInBound", POOL_NOISE, 900),
                      LETS_IN("UserRule_allow-http", POOL_CLIENTS, PORTS_HTTP, 115),
                      LETS_IN("UserRule_allow-https", POOL_CLIENTS, PORTS_HTTPS, 450),
                      LETS_IN("UserRule_allow-ssh-admin", POOL_OWN, PORTS_INTERNAL, 5),
                      DENIES("UserRule_deny-abusers", POOL_ABUSERS, 100),
                  }},
    [ROLE_LEGACY] = {"legacy-nsg",
                     5,
                     {
                         PLATFORM(15),
                         LETS_OUT("DefaultRule_AllowInternetOutBound", POOL_CLOUD, PORTS_OUT, 385),
                         LETS_IN("DefaultRule_AllowVnetInBound", POOL_OWN, PORTS_INTERNAL, 200),
                         DENIES("DefaultRule_DenyAllInBound", POOL_NOISE, 1000),
                         LETS_ANY_IN("UserRule_temp-allow-any", 415),
                     }},
    [ROLE_APP] = {"app-nsg",
                  5,
                  {
                      PLATFORM(15),
                      LETS_OUT("DefaultRule_AllowInternetOutBound", POOL_CLOUD, PORTS_OUT, 300),
                      LETS_IN("DefaultRule_AllowVnetInBound", POOL_OWN, PORTS_INTERNAL, 450),
                      LETS_OUT("DefaultRule_AllowVnetOutBound", POOL_OWN, PORTS_INTERNAL, 250),
                      DENIES("DefaultRule_DenyAllInBound", POOL_NOISE, 1000),
                  }},
};

static const struct stream flood_stream = LETS_MAIL_IN("UserRule_allow-smtp");

/* Of a connection that will be logged again. */
struct open_connection {
    int64_t next_ms, end_ms;
    unsigned stream;
    struct traffic_line line;
};

struct nic {
    unsigned role;
    uint32_t own;
    uint32_t n_tuples; /* a minute */
    size_t n_open, capacity;
    struct open_connection *open;
};

struct lines {
    size_t n, capacity;
    struct traffic_line *items;
};

struct traffic {
    struct traffic_options options;
    struct seeded seeded;
    uint32_t pool_sizes[N_POOLS];
    struct seeded_ranks ranks[N_POOLS];
    unsigned mail_per_mille[TRAFFIC_NSGS]; /* of the lines of a NIC in this role */
    struct nic *nics;
    struct lines lines[TRAFFIC_GROUPS_MAX];
    struct traffic_minute minute;
};

static void *grow(void *items, size_t *capacity, size_t item_bytes)
{
    *capacity = *capacity == 0 ? 256 : 2 * *capacity;
    items = realloc(items, *capacity * item_bytes);
    if (items == NULL) {
        fprintf(stderr, "gen_logs: out of memory\n");
        exit(1);
    }
    return items;
}

/* The share of SMTP in each role, so that it is SHARE_MAIL of everything: five sixths of it at the mail servers. */
static void share_mail(struct traffic *t)
{
    uint64_t weights[TRAFFIC_NSGS] = {0}, sum = 0;
    for (uint32_t k = 0; k < t->options.n_nics; k++) {
        weights[t->nics[k].role] += t->nics[k].n_tuples;
        sum += t->nics[k].n_tuples;
    }
    unsigned at_mail = weights[ROLE_LEGACY] == 0 ? 6 : 5;
    t->mail_per_mille[ROLE_MAIL] = (unsigned)(SHARE_MAIL * sum * at_mail / 6 / weights[ROLE_MAIL]);
    if (weights[ROLE_LEGACY] > 0)
        t->mail_per_mille[ROLE_LEGACY] = (unsigned)(SHARE_MAIL * sum / 6 / weights[ROLE_LEGACY]);
}

static void init_pools(struct traffic *t)
{
    uint32_t n = t->options.n_sources;
    /* Half of the sources are noise, most of the others visit web servers; a world of nothing but mail has senders. */
    t->pool_sizes[POOL_NOISE] = n / 2 + 1;
    t->pool_sizes[POOL_SENDERS] = t->options.is_flood ? n : n * 3 / 40 + 1;
    t->pool_sizes[POOL_CLIENTS] = n - n / 2 - n * 3 / 40 + 1;
    t->pool_sizes[POOL_CLOUD] = 400;
    t->pool_sizes[POOL_ABUSERS] = 200;
    t->pool_sizes[POOL_OWN] = 60;
    t->pool_sizes[POOL_PROBE] = 1;
    for (unsigned i = 0; i < N_POOLS; i++)
        if (!t->options.is_flood)
            seeded_ranks_init(&t->ranks[i], t->pool_sizes[i]);
}

struct traffic *traffic_new(const struct traffic_options *options)
{
    struct traffic *t = calloc(1, sizeof(*t));
    struct nic *nics = calloc(options->n_nics, sizeof(*nics));
    if (t == NULL || nics == NULL) {
        fprintf(stderr, "gen_logs: out of memory\n");
        exit(1);
    }
    t->options = *options;
    t->nics = nics;
    seeded_init(&t->seeded, options->seed);
    for (uint32_t k = 0; k < options->n_nics; k++) {
        uint32_t n_tuples = options->busy_tuples / (k + 1);
        nics[k].role = options->is_flood ? ROLE_MAIL : k % TRAFFIC_NSGS;
        nics[k].own = UINT32_C(0x0a010000) + (k / 250 << 8) + 4 + k % 250;
        nics[k].n_tuples = n_tuples < options->quiet_tuples ? options->quiet_tuples : n_tuples;
    }
    init_pools(t);
    share_mail(t);
    return t;
}

void traffic_free(struct traffic *t)
{
    if (t == NULL)
        return;
    for (uint32_t k = 0; k < t->options.n_nics; k++)
        free(t->nics[k].open);
    for (unsigned i = 0; i < N_POOLS; i++)
        seeded_ranks_release(&t->ranks[i]);
    for (unsigned i = 0; i < TRAFFIC_GROUPS_MAX; i++)
        free(t->lines[i].items);
    free(t->nics);
    free(t);
}

/*
 * The public address of a rank, never that of another rank or pool. Two neighbours in rank share a /24, as many as the
 * denied sources of real logs do. First octets 11 to 98 are public throughout.
 */
static uint32_t public_address(enum pool pool, uint32_t rank)
{
    const uint32_t n_networks = UINT32_C(88) << 16, step = 2654435761u % n_networks; /* no divisor in common */
    uint32_t number = (rank / 2) * 4 + (uint32_t)pool;                               /* four pools are public */
    uint32_t network = (uint32_t)((uint64_t)number * step % n_networks);
    /* Past n_networks a network has a second pair, elsewhere in it, and so on: enough for 11 million a pool. */
    uint32_t host = 1 + number / n_networks % 4 * 60 + number % 29 * 2 + (rank & 1);
    return ((UINT32_C(11) << 16) + network) << 8 | host;
}

static uint32_t pick_peer(struct traffic *t, enum pool pool)
{
    uint32_t rank =
        t->options.is_flood ? seeded_below(&t->seeded, t->pool_sizes[pool]) : seeded_rank(&t->seeded, &t->ranks[pool]);
    if (pool == POOL_PROBE)
        return AZURE_PROBE;
    if (pool == POOL_ABUSERS)
        return ABUSERS + 1 + rank;
    if (pool == POOL_OWN)
        return UINT32_C(0x0a020000) + 4 + rank;
    return public_address(pool, rank);
}

/* What the rules of a role allow in from anywhere is never denied. */
static bool is_allowed_in(unsigned role, uint16_t port)
{
    switch ((enum role)role) {
    case ROLE_MAIL:
        return port == 25 || port == 443;
    case ROLE_WEB:
        return port == 80 || port == 443;
    case ROLE_LEGACY:
        return port >= 20 && port <= 9999;
    case ROLE_APP:
        return false;
    }
    return false;
}

static uint16_t pick_denied_port(struct seeded *seeded, unsigned role)
{
    static const uint16_t often[] = {22, 23, 80, 443, 445, 1433, 2222, 3389, 5060, 5900, 6379, 8080, 8443, 8728};
    uint32_t pick = seeded_below(seeded, 100);
    uint16_t port;
    if (pick < 2)
        port = 25;
    else if (pick < 25)
        port = often[seeded_below(seeded, sizeof(often) / sizeof(*often))];
    else
        port = (uint16_t)(1 + seeded_below(seeded, 65535));
    while (is_allowed_in(role, port))
        port = (uint16_t)(1 + seeded_below(seeded, 65535));
    return port;
}

/* Port and protocol; whether it is SMTP of a rule for everything was decided before. */
static void pick_port(struct traffic *t, unsigned role, enum ports ports, struct traffic_line *line)
{
    static const uint16_t internal[] = {443, 1433, 5432, 6379, 389, 88, 22, 8080};
    static const uint16_t any[] = {80, 443, 8080, 3389, 22, 587, 993, 143};
    struct seeded *seeded = &t->seeded;
    switch (ports) {
    case PORTS_MAIL:
        line->own_port = 25;
        break;
    case PORTS_DENIED:
        line->own_port = pick_denied_port(seeded, role);
        line->is_udp = line->own_port != 25 && seeded_per_mille(seeded, 80);
        break;
    case PORTS_HTTPS:
        line->own_port = 443;
        line->is_udp = seeded_per_mille(seeded, 100);
        break;
    case PORTS_HTTP:
        line->own_port = 80;
        break;
    case PORTS_ANY:
        line->own_port = any[seeded_below(seeded, 8)];
        break;
    case PORTS_INTERNAL:
        line->own_port = internal[seeded_below(seeded, 8)];
        break;
    case PORTS_OUT_MAIL:
    case PORTS_OUT:
        line->own_port = 443;
        if (seeded_per_mille(seeded, 100)) {
            line->is_udp = true;
            line->own_port = 123;
        } else if (ports == PORTS_OUT_MAIL && seeded_per_mille(seeded, 250)) {
            line->own_port = 25;
        }
        break;
    case PORTS_PROBE:
        line->own_port = 443;
        break;
    case PORTS_NAMES:
        line->own_port = 53;
        line->is_udp = true;
        break;
    }
}

/* Counters of a connection: most SMTP carries a message, some only looks; the rest is web-like. */
static void fill_counters(struct traffic *t, struct traffic_line *line)
{
    struct seeded *seeded = &t->seeded;
    uint32_t packets = 5 + seeded_below(seeded, 40), back = 4 + seeded_below(seeded, 40);
    uint32_t size = 60 + seeded_below(seeded, 500), size_back = 60 + seeded_below(seeded, 900);
    if (line->own_port == 25) {
        bool is_look = seeded_per_mille(seeded, 350);
        packets = is_look ? 3 + seeded_below(seeded, 6) : 12 + seeded_below(seeded, 60);
        back = is_look ? 2 + seeded_below(seeded, 5) : 12 + seeded_below(seeded, 20);
        size = is_look ? 54 + seeded_below(seeded, 20) : 200 + seeded_below(seeded, 1200);
        size_back = 70 + seeded_below(seeded, 60);
    }
    line->counters[0] = packets;
    line->counters[1] = packets * size;
    line->counters[2] = back;
    line->counters[3] = back * size_back;
}

/* How long a connection stays open: most seconds, some past the minute, a few past the next log of it. */
static int64_t pick_duration(struct seeded *seeded)
{
    uint32_t pick = seeded_below(seeded, 100);
    if (pick < 70)
        return 50 + seeded_below(seeded, 5000);
    if (pick < 96)
        return 5000 + seeded_below(seeded, 55000);
    return 60000 + seeded_below(seeded, 20 * 60000);
}

static void add_line(struct traffic *t, unsigned stream, const struct traffic_line *line)
{
    struct lines *lines = &t->lines[stream];
    if (lines->n == lines->capacity)
        lines->items = grow(lines->items, &lines->capacity, sizeof(*lines->items));
    lines->items[lines->n] = *line;
    lines->items[lines->n].order = (uint32_t)lines->n;
    lines->n++;
}

static void keep_open(struct nic *nic, unsigned stream, const struct traffic_line *line, int64_t end_ms)
{
    if (nic->n_open == nic->capacity)
        nic->open = grow(nic->open, &nic->capacity, sizeof(*nic->open));
    int64_t next_ms = line->at_ms + CONTINUE_MS;
    nic->open[nic->n_open++] = (struct open_connection){
        .next_ms = next_ms < end_ms ? next_ms : end_ms, .end_ms = end_ms, .stream = stream, .line = *line};
}

static void begin_connection(struct traffic *t, struct nic *nic, unsigned stream, const struct stream *s,
                             unsigned mail_per_mille, int64_t start_ms)
{
    struct traffic_line line = {.state = s->is_denied ? 'D' : 'B'};
    bool is_mail = s->ports == PORTS_ANY && seeded_per_mille(&t->seeded, mail_per_mille);
    line.at_ms = start_ms + seeded_below(&t->seeded, MINUTE_MS);
    line.peer = pick_peer(t, is_mail ? POOL_SENDERS : s->pool);
    line.peer_port = (uint16_t)(1024 + seeded_below(&t->seeded, 64512));
    pick_port(t, nic->role, is_mail ? PORTS_MAIL : s->ports, &line);
    add_line(t, stream, &line);
    if (s->is_denied || (s->is_stateless && t->options.layout != TRAFFIC_VNET4) || t->options.layout == TRAFFIC_NSG1)
        return;
    int64_t end_ms = line.at_ms + pick_duration(&t->seeded);
    if (end_ms >= start_ms + MINUTE_MS) {
        keep_open(nic, stream, &line, end_ms);
        return;
    }
    line.at_ms = end_ms;
    line.state = 'E';
    fill_counters(t, &line);
    add_line(t, stream, &line);
}

/* Lines of connections that began before this minute. */
static void go_on(struct traffic *t, struct nic *nic, int64_t start_ms)
{
    for (size_t i = 0; i < nic->n_open;) {
        struct open_connection *open = &nic->open[i];
        if (open->next_ms >= start_ms + MINUTE_MS) {
            i++;
            continue;
        }
        bool is_end = open->next_ms >= open->end_ms;
        /* Blobs of other hours come between: what was due then is logged now. */
        open->line.at_ms = open->next_ms < start_ms ? start_ms : open->next_ms;
        open->line.state = is_end ? 'E' : 'C';
        fill_counters(t, &open->line);
        add_line(t, open->stream, &open->line);
        open->next_ms = open->line.at_ms + CONTINUE_MS < open->end_ms ? open->line.at_ms + CONTINUE_MS : open->end_ms;
        if (is_end)
            nic->open[i] = nic->open[--nic->n_open];
        else
            i++;
    }
}

static int cmp_line(const void *left, const void *right)
{
    const struct traffic_line *a = left, *b = right;
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* How many lines a stream has this minute: n lines of the NIC times its share, rounded up as often as is fair. */
static size_t stream_target(struct traffic *t, const struct stream *s, uint32_t n, unsigned mail)
{
    uint64_t share; /* of a million */
    if (s->is_platform && t->options.layout != TRAFFIC_VNET4)
        return 0;
    if (s->is_denied)
        share = (uint64_t)SHARE_DENIED * s->share;
    else
        share = (uint64_t)(1000 - SHARE_DENIED - mail) * s->share + (s->has_mail ? mail * UINT64_C(1000) : 0);
    uint64_t millionths = share * n;
    return (size_t)(millionths / 1000000) + (seeded_below(&t->seeded, 1000000) < millionths % 1000000);
}

/* Of the lines of a rule for everything, so many in a thousand are mail. */
static unsigned mail_within(const struct stream *s, unsigned mail)
{
    unsigned others = (1000 - SHARE_DENIED - mail) * s->share / 1000;
    return s->has_mail && mail > 0 ? mail * 1000 / (others + mail) : 0;
}

static void add_group(struct traffic *t, unsigned stream, const struct stream *s)
{
    struct lines *lines = &t->lines[stream];
    if (lines->n == 0)
        return;
    qsort(lines->items, lines->n, sizeof(*lines->items), cmp_line);
    t->minute.groups[t->minute.n_groups++] = (struct traffic_group){.rule = s->rule,
                                                                    .is_outbound = s->is_outbound,
                                                                    .is_platform = s->is_platform,
                                                                    .n = lines->n,
                                                                    .lines = lines->items};
}

const struct traffic_minute *traffic_next_minute(struct traffic *t, uint32_t nic_number, int64_t start_ms)
{
    struct nic *nic = &t->nics[nic_number];
    const struct stream *streams = t->options.is_flood ? &flood_stream : roles[nic->role].streams;
    unsigned n_streams = t->options.is_flood ? 1 : (unsigned)roles[nic->role].n;
    unsigned mail = t->mail_per_mille[nic->role];
    /* A quarter more or less than usual. */
    uint32_t n = nic->n_tuples - nic->n_tuples / 4 + seeded_below(&t->seeded, nic->n_tuples / 2 + 1);
    t->minute = (struct traffic_minute){.nsg = nic->role, .own = nic->own};
    for (unsigned i = 0; i < n_streams; i++)
        t->lines[i].n = 0;
    go_on(t, nic, start_ms);
    for (unsigned i = 0; i < n_streams; i++) {
        const struct stream *s = &streams[i];
        size_t target = t->options.is_flood ? n : stream_target(t, s, n, mail);
        while (t->lines[i].n < target)
            begin_connection(t, nic, i, s, mail_within(s, mail), start_ms);
        add_group(t, i, s);
    }
    return &t->minute;
}

const char *traffic_nsg_name(unsigned nsg)
{
    return roles[nsg].nsg;
}

#define NSG_HEAD(name)                                                                                                 \
    "{\"id\":\"" TRAFFIC_SUB_LOWER "edge-rg/providers/Microsoft.Network/networkSecurityGroups/" name                   \
    "\",\"name\":\"" name "\",\"resourceGroup\":\"edge-rg\",\"location\":\"westeurope\","                              \
    "\"type\":\"Microsoft.Network/networkSecurityGroups\",\"subnets\":[{\"id\":\"" TRAFFIC_SUB_LOWER                   \
    "edge-rg/providers/Microsoft.Network/virtualNetworks/edge-vnet/subnets/" name "\"}],\"securityRules\":["
#define RULE(name, priority, access, source, ports)                                                                    \
    "{\"name\":\"" name "\",\"priority\":" priority ",\"direction\":\"Inbound\",\"access\":\"" access                  \
    "\",\"protocol\":\"*\",\"sourceAddressPrefix\":\"" source "\",\"sourcePortRange\":\"*\","                          \
    "\"destinationAddressPrefix\":\"*\",\"destinationPortRange\":\"" ports "\"}"

const char *traffic_definitions(void)
{
    return "[" NSG_HEAD("mail-edge-nsg") RULE("deny-abusers", "100", "Deny", "9.64.0.0/16", "*") "," RULE(
        "allow-smtp", "200", "Allow", "Internet", "25") "," RULE("allow-https", "210", "Allow", "*",
                                                                 "443") "]},\n" NSG_HEAD("web-nsg")
        RULE("deny-abusers", "100", "Deny", "9.64.0.0/16",
             "*") "," RULE("allow-https", "200", "Allow", "*",
                           "443") "," RULE("allow-http", "210", "Allow", "Internet",
                                           "80") "," RULE("allow-ssh-admin", "300", "Allow", "10.2.0.0/16",
                                                          "22") "]},\n" NSG_HEAD("legacy-nsg")
            RULE("temp-allow-any", "4000", "Allow", "*", "20-9999") "]},\n" NSG_HEAD("app-nsg") "]}]\n";
}
