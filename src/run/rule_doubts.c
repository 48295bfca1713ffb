#include "core/nsf_common.h"

#include "run/rule_doubts.h"

#include "core/mem.h"
#include "evidence/elsewhere.h"
#include "judge/sender_score.h"

#include <stdarg.h>

#define DOUBTS_MAX 12
#define MASKED_PERCENT 95
/* Where that many connections come from inside, something in front may hide a part of the sources. */
#define PARTLY_MASKED_PERCENT 50
/* The usual size of a virtual network: a /16, and a /48 of IPv6. */
#define VNET_BITS_V4 112
#define VNET_BITS_V6 48
#define VNET_ID_MAX 512

/* ---- what is met ------------------------------------------------------------------------------------------------ */

static void sight(struct nsf_sighted *sighted, struct nsf_ip ip)
{
    uint32_t at = 0;
    while (at < sighted->n && nsf_ip_cmp(sighted->items[at], ip) < 0)
        at++;
    if (at < sighted->n && nsf_ip_eq(sighted->items[at], ip))
        return;
    sighted->has_more |= sighted->n == NSF_SIGHTED_ADDRESSES;
    if (at == NSF_SIGHTED_ADDRESSES)
        return;
    sighted->n += sighted->n < NSF_SIGHTED_ADDRESSES;
    for (uint32_t i = sighted->n - 1; i > at; i--)
        sighted->items[i] = sighted->items[i - 1];
    sighted->items[at] = ip;
}

static struct nsf_prefix vnet_around(struct nsf_ip ip)
{
    return nsf_prefix_around(ip, nsf_ip_is_v4(ip) ? VNET_BITS_V4 : VNET_BITS_V6);
}

/* A network may use public ranges: then its own addresses are those beside the destination. */
static bool is_beside_destination(const struct nsf_mail_source *source)
{
    for (uint32_t i = 0; i < source->n_destinations; i++)
        if (!nsf_ip_is_private(source->destinations[i]) &&
            nsf_prefix_contains(vnet_around(source->destinations[i]), source->address))
            return true;
    return false;
}

static int cmp_ips(const void *left, const void *right)
{
    return nsf_ip_cmp(*(const struct nsf_ip *)left, *(const struct nsf_ip *)right);
}

void nsf_rule_sightings_init(struct nsf_rule_sightings *sightings, const struct nsf_scan_nsg *nsg)
{
    *sightings = (struct nsf_rule_sightings){.own = nsf_calloc(nsg->nic_addresses.n + 1, sizeof(struct nsf_ip))};
    for (size_t i = 0; i < nsg->nic_addresses.n; i++)
        sightings->n_own += nsf_ip_parse(nsg->nic_addresses.items[i], &sightings->own[sightings->n_own]);
    if (sightings->n_own > 1)
        qsort(sightings->own, sightings->n_own, sizeof(*sightings->own), cmp_ips);
}

void nsf_rule_sightings_release(struct nsf_rule_sightings *sightings)
{
    nsf_free(sightings->own);
    *sightings = (struct nsf_rule_sightings){0};
}

/* Where nobody knows them, private addresses are taken for those of the interfaces. */
static bool is_own_address(const struct nsf_rule_sightings *sightings, struct nsf_ip ip)
{
    if (sightings->n_own == 0)
        return nsf_ip_is_private(ip);
    return bsearch(&ip, sightings->own, sightings->n_own, sizeof(ip), cmp_ips) != NULL;
}

static void sight_destinations(struct nsf_rule_sightings *sightings, const struct nsf_mail_source *source)
{
    bool is_other = false;
    for (uint32_t i = 0; i < source->n_destinations; i++)
        if (!is_own_address(sightings, source->destinations[i])) {
            is_other = true;
            sight(&sightings->other_destinations, source->destinations[i]);
        }
    sightings->sources_to_others += is_other;
}

void nsf_rule_sight(struct nsf_rule_sightings *sightings, const struct nsf_mail_source *source)
{
    sightings->sources++;
    sight_destinations(sightings, source);
    if (nsf_ip_is_health_probe(source->address)) {
        sightings->probe_connections += source->connections;
    } else if (nsf_ip_is_private(source->address) || is_beside_destination(source)) {
        sightings->inside_connections += source->connections;
        sight(&sightings->inside, source->address);
    } else {
        sightings->sources_outside++;
    }
}

static bool is_inside_share(const struct nsf_rule_sightings *sightings, uint64_t connections, uint64_t percent)
{
    uint64_t real = connections - sightings->probe_connections;
    return real > 0 && sightings->inside_connections * 100 >= real * percent;
}

bool nsf_rule_is_masked(const struct nsf_rule_sightings *sightings, uint64_t connections)
{
    return is_inside_share(sightings, connections, MASKED_PERCENT);
}

/* ---- the path --------------------------------------------------------------------------------------------------- */

static const struct nsf_scan_nsg *find_nsg(const struct nsf_scan *scan, struct nsf_slice id)
{
    size_t from = 0, to = scan->n_nsgs;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (nsf_slice_cmp_nocase(scan->nsgs[mid].id, id) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from < scan->n_nsgs && nsf_slice_eq_nocase(scan->nsgs[from].id, id) ? &scan->nsgs[from] : NULL;
}

void nsf_rule_path_read(const struct nsf_evidence *evidence, const struct nsf_scan *scan,
                        const struct nsf_finding *finding, const struct nsf_coverage *coverage,
                        struct nsf_rule_path *path)
{
    uint32_t nsgs[NSF_PATH_NSGS];
    *path = (struct nsf_rule_path){.n_open = nsf_elsewhere_nsgs(evidence, finding->nsg_idx, nsgs, NSF_PATH_NSGS)};
    for (size_t i = 0; i < path->n_open; i++)
        path->open[i] = &scan->nsgs[nsgs[i]];
    /* A virtual network flow log names whichever NSG of the path decided. */
    for (size_t i = 0; i < finding->n_gates && path->dark == NULL && !coverage->has_vnet4; i++) {
        const struct nsf_gate *gate = &finding->gates[i];
        const struct nsf_scan_nsg *nsg = gate->nsg.len > 0 && gate->is_open ? find_nsg(scan, gate->nsg) : NULL;
        if (nsg != NULL && !nsf_evidence_is_logged(evidence, (uint32_t)(nsg - scan->nsgs)))
            path->dark = nsg;
    }
}

/* ---- sentences -------------------------------------------------------------------------------------------------- */

struct sentences {
    struct nsf_arena *arena;
    struct nsf_slice *items;
    size_t n;
};

static void doubt(struct sentences *sentences, const char *fmt, ...) NSF_PRINTF(2, 3);

static void doubt(struct sentences *sentences, const char *fmt, ...)
{
    va_list args, again;
    if (sentences->n == DOUBTS_MAX)
        return;
    va_start(args, fmt);
    va_copy(again, args);
    size_t len = (size_t)vsnprintf(NULL, 0, fmt, args);
    char *text = nsf_arena_alloc(sentences->arena, len + 1);
    vsnprintf(text, len + 1, fmt, again);
    va_end(again);
    va_end(args);
    sentences->items[sentences->n++] = nsf_slice(text, len);
}

#define SIGHTED_TEXT_BYTES ((NSF_SIGHTED_ADDRESSES + 1) * NSF_IP_TEXT_BYTES)

static const char *sighted_text(const struct nsf_sighted *sighted, char text[SIGHTED_TEXT_BYTES])
{
    char address[NSF_IP_TEXT_BYTES];
    size_t len = 0;
    for (uint32_t i = 0; i < sighted->n; i++)
        len += (size_t)snprintf(text + len, SIGHTED_TEXT_BYTES - len, "%s%s", i > 0 ? ", " : "",
                                nsf_ip_format(sighted->items[i], address));
    if (sighted->has_more)
        snprintf(text + len, SIGHTED_TEXT_BYTES - len, " and others");
    return text;
}

static void doubt_sources(const struct nsf_rule_sightings *sightings, const struct nsf_scan_nsg *nsg,
                          const struct nsf_review_rule *rule, struct sentences *sentences)
{
    char text[SIGHTED_TEXT_BYTES];
    if (rule->verdict == NSF_VERDICT_SOURCE_MASKED)
        doubt(
            sentences,
            "The sources are %s: a firewall, gateway or address translation of your own. Its logs hold the real ones.",
            sighted_text(&sightings->inside, text));
    else if (is_inside_share(sightings, rule->traffic.connections, PARTLY_MASKED_PERCENT))
        doubt(sentences,
              "More than half of the connections come from inside (%s): if one of these is a firewall or gateway, it "
              "hides the real sources.",
              sighted_text(&sightings->inside, text));
    if (nsg->is_public_path_known && !nsg->has_public_path && sightings->sources_outside > 0)
        doubt(sentences,
              "The input shows no public address and no load balancer in front of this NSG, yet public sources are "
              "logged: the list is out of date, or these are traces of outbound address translation.");
}

static void doubt_summed(const struct nsf_review_rule *rule, struct sentences *sentences)
{
    if (rule->n_summed > 0)
        doubt(sentences, "%s%llu source%s past --max-sources stand%s in one summed row and %s not judged.",
              rule->is_summed_at_least ? "At least " : "", (unsigned long long)rule->n_summed,
              rule->n_summed == 1 ? "" : "s", rule->n_summed == 1 ? "s" : "", rule->n_summed == 1 ? "is" : "are");
    if (rule->n_late_senders > 0)
        doubt(sentences,
              "%llu source%s sent a first message after having been summed: what %s did before is in the summed row.",
              (unsigned long long)rule->n_late_senders, rule->n_late_senders == 1 ? "" : "s",
              rule->n_late_senders == 1 ? "it" : "they");
}

static void doubt_destinations(const struct nsf_rule_sightings *sightings, struct sentences *sentences)
{
    char text[SIGHTED_TEXT_BYTES];
    if (sightings->sources_to_others == 0)
        return;
    doubt(sentences,
          "%llu of %llu source%s reached %s, which no interface %s by itself: a load balancer with floating IP, a "
          "machine "
          "that forwards, or %s. A rule that names destinations has to name it.",
          (unsigned long long)sightings->sources_to_others, (unsigned long long)sightings->sources,
          sightings->sources == 1 ? "" : "s", sighted_text(&sightings->other_destinations, text),
          sightings->n_own > 0 ? "in the input has" : "has",
          sightings->n_own > 0 ? "an interface that the input lacks" : "a network with public addresses");
}

static bool is_quotable(struct nsf_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_word && strchr("/._-()", c) == NULL)
            return false;
    }
    return text.len > 0 && text.len < VNET_ID_MAX;
}

/* The virtual network of a subnet the NSG stands at; absent where the input shows none that a shell can be given. */
static struct nsf_slice vnet_of(const struct nsf_scan_nsg *nsg)
{
    static const char mark[] = "/subnets/";
    for (size_t i = 0; i < nsg->attached_to.n; i++) {
        struct nsf_slice id = nsg->attached_to.items[i];
        for (size_t at = 0; at + sizeof(mark) - 1 <= id.len; at++)
            if (nsf_slice_has_prefix_nocase(nsf_slice_from(id, at), NSF_SLICE_LIT(mark)) &&
                is_quotable(nsf_slice(id.ptr, at)))
                return nsf_slice(id.ptr, at);
    }
    return nsf_slice(NULL, 0);
}

static void doubt_no_log(const struct nsf_scan_nsg *nsg, const struct nsf_coverage *coverage,
                         struct sentences *sentences)
{
    struct nsf_slice vnet = vnet_of(nsg);
    if (coverage->is_logged)
        return;
    doubt(sentences,
          "No flow log that was read covers this NSG. If there is none, this switches one on: az network watcher "
          "flow-log create --location LOCATION --name NAME --storage-account ACCOUNT --vnet %s%.*s%s",
          vnet.len > 0 ? "'" : "", NSF_SLICE_ARG(vnet.len > 0 ? vnet : NSF_SLICE_LIT("VNET")), vnet.len > 0 ? "'" : "");
}

static void doubt_path(const struct nsf_rule_path *path, const struct nsf_review_rule *rule,
                       struct sentences *sentences)
{
    for (size_t i = 0; i < path->n_open; i++)
        doubt(sentences,
              "%.*s let port 25 in at the same interfaces. An allowed connection is logged by the last NSG of its path "
              "alone, so what came this way is partly counted there: judge both together.",
              NSF_SLICE_ARG(path->open[i]->name));
    if (path->dark != NULL && rule->coverage.is_logged)
        doubt(sentences,
              "%.*s stands on the same path and no log of it was read: what it logged as the last NSG, and what it "
              "refused, is not in these numbers.",
              NSF_SLICE_ARG(path->dark->name));
}

#define SHOW_FILTER "its enabledFilteringCriteria and recordTypes (az network watcher flow-log show) say so."

static void doubt_lacks(const struct nsf_coverage *coverage, struct sentences *sentences)
{
    static const char *const texts[NSF_LACKS] = {
        [NSF_LACK_ALLOWED] = "The flow log holds nothing that was let in. If it is filtered, " SHOW_FILTER,
        [NSF_LACK_BEGIN] = "The flow log holds no begin of a connection (state B): attempts are counted too low. If it "
                           "is filtered, " SHOW_FILTER,
        [NSF_LACK_COUNTERS] = "The flow log holds begins of connections only (no state C or E), and with these the "
                              "counters are missing. If it is filtered, " SHOW_FILTER,
        [NSF_LACK_DENIED] = "The flow log holds nothing that was refused, beside plenty of other traffic: refused "
                            "senders do not show, and scanners less than they might. If it is filtered, " SHOW_FILTER,
        [NSF_LACK_PORT_25] =
            "The flow log holds no port 25 at all, in or out, beside plenty of other traffic. If it is "
            "filtered, " SHOW_FILTER,
    };
    for (unsigned lack = 0; lack < NSF_LACKS; lack++)
        if (coverage->lacks[lack])
            doubt(sentences, "%s", texts[lack]);
}

void nsf_rule_doubts(const struct nsf_rule_sightings *sightings, const struct nsf_rule_path *path,
                     const struct nsf_scan_nsg *nsg, struct nsf_arena *arena, struct nsf_review_rule *rule)
{
    struct sentences sentences = {.arena = arena,
                                  .items = nsf_arena_zalloc(arena, DOUBTS_MAX, sizeof(struct nsf_slice))};
    doubt_no_log(nsg, &rule->coverage, &sentences);
    doubt_sources(sightings, nsg, rule, &sentences);
    doubt_destinations(sightings, &sentences);
    doubt_path(path, rule, &sentences);
    doubt_lacks(&rule->coverage, &sentences);
    doubt_summed(rule, &sentences);
    rule->doubts = (struct nsf_slices){sentences.items, sentences.n};
}
