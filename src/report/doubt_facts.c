#include "core/nsf_common.h"

#include "report/review_facts.h"

#include "report/text_out.h"
#include "report/words.h"

/* ---- what stays in doubt ---------------------------------------------------------------------------------------- */

static void counters_doubt(struct nsf_facts *facts, const struct nsf_review_rule *rule)
{
    char text[NSF_NUMBER_TEXT_BYTES];
    const struct nsf_traffic *traffic = &rule->traffic;
    if (!rule->coverage.is_logged && rule->doubts.n == 0)
        nsf_facts_sentence(facts, "", "Nothing was logged for this NSG. Switch a flow log on and run again.");
    else if (traffic->connections > 0 && rule->coverage.counters == NSF_COUNTERS_ABSENT)
        nsf_facts_sentence(facts, "",
                           "Without counters mail cannot be told from probes by size: verdicts are proposals. The end "
                           "of this report says how to get counters.");
    else if (traffic->connections > 0 && rule->coverage.counters == NSF_COUNTERS_MIXED) {
        nsf_facts_begin(facts);
        nsf_facts_addf(facts, "Only %s of the connections have counters.",
                       nsf_share_text(traffic->with_counters, traffic->connections, text));
        nsf_facts_end(facts, "");
    }
}

static void missing_hours_doubt(struct nsf_facts *facts, const struct nsf_coverage *coverage)
{
    if (!coverage->is_logged || coverage->hours_seen >= coverage->hours_expected)
        return;
    nsf_facts_begin(facts);
    nsf_facts_add_number(facts, coverage->hours_expected - coverage->hours_seen, "hour");
    nsf_facts_addf(facts, " of logs missing: what came then is not in these numbers.");
    nsf_facts_end(facts, "");
}

void nsf_facts_of_doubts(struct nsf_facts *facts, const struct nsf_review *review, size_t rule_idx)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    size_t n_before = facts->n;
    for (size_t i = 0; i < rule->doubts.n; i++)
        nsf_facts_text(facts, rule->doubts.items[i]);
    counters_doubt(facts, rule);
    missing_hours_doubt(facts, &rule->coverage);
    if (rule->traffic.classes[NSF_CLASS_AMBIGUOUS] > 0)
        nsf_facts_sentence(facts, "", "Ambiguous connections can be small mail over TLS.");
    if (!nsf_facts_is_judged(rule))
        nsf_facts_sentence(facts, "",
                           "Sources were counted, not judged, and outbound mail was not examined: the verdict rests on "
                           "the counts alone.");
    if (review->is_smtp_only)
        nsf_facts_sentence(facts, "", "Other ports and denials were not read (--smtp-only).");
    if (facts->n > n_before)
        facts->items[n_before].label = "In doubt";
}

/* ---- what the logs cannot show ---------------------------------------------------------------------------------- */

static bool has_rule_with(const struct nsf_review *review, bool (*test)(const struct nsf_review_rule *rule))
{
    for (size_t i = 0; i < review->n_rules; i++)
        if (test(&review->rules[i]))
            return true;
    return false;
}

static bool lacks_counters(const struct nsf_review_rule *rule)
{
    return rule->coverage.is_logged && rule->coverage.counters != NSF_COUNTERS_PRESENT;
}

static bool lacks_log(const struct nsf_review_rule *rule)
{
    return !rule->coverage.is_logged;
}

static bool is_filtered(const struct nsf_review_rule *rule)
{
    for (unsigned lack = 0; lack < NSF_LACKS; lack++)
        if (rule->coverage.lacks[lack])
            return true;
    return false;
}

static void limits_of_layouts(struct nsf_facts *facts, const struct nsf_review *review)
{
    const uint64_t *records = review->inputs.by_layout;
    if (records[NSF_LAYOUT_NSG1] + records[NSF_LAYOUT_NSG2] > 0) {
        nsf_facts_sentence(
            facts, "Two NSGs on one path",
            "Where a subnet and a network interface both have an NSG, an allowed connection is logged by the "
            "last one only. No hits on the other prove nothing.");
        nsf_facts_sentence(facts, "NSG flow logs end",
                           "Azure retires NSG flow logs on 2027-09-30; virtual network flow logs "
                           "replace them.");
    }
    if (has_rule_with(review, is_filtered))
        nsf_facts_sentence(facts, "Filtered flow logs",
                           "A log above lacks what such a log should hold. Virtual network flow logs can be filtered "
                           "where they are made (states, ports, actions): az network watcher flow-log show --location "
                           "LOCATION --name NAME prints enabledFilteringCriteria and recordTypes. Lift the filter and "
                           "run again after two weeks.");
    else if (records[NSF_LAYOUT_VNET4] > 0 && review->inputs.smtp_denied == 0)
        nsf_facts_sentence(
            facts, "Filtered flow logs",
            "No denied connection to port 25 is in these logs. Virtual network flow logs can be filtered where "
            "they are made (states, ports, actions); refused senders are then invisible.");
}

void nsf_facts_of_limits(struct nsf_facts *facts, const struct nsf_review *review)
{
    if (has_rule_with(review, lacks_log))
        nsf_facts_sentence(
            facts, "No flow log",
            "An NSG above is in no flow log. Switch one on for its virtual network: az network watcher flow-log "
            "create --location LOCATION --resource-group GROUP --name NAME --vnet VNET --storage-account ACCOUNT");
    if (has_rule_with(review, lacks_counters))
        nsf_facts_sentence(
            facts, "No counters",
            "NSG flow logs carry no bytes of inbound connections unless the virtual network has a flow timeout "
            "(FlowTimeoutInMinutes, 4 to 30): az network vnet update --resource-group GROUP --name VNET "
            "--flowtimeout 10. Virtual network flow logs carry them always. Then run again after 28 days.");
    limits_of_layouts(facts, review);
    if (review->inputs.smtp_allowed > 0) {
        nsf_facts_sentence(facts, "A message",
                           "means that bytes were carried. Spam, and mail refused after its body, look the same.");
        nsf_facts_sentence(
            facts, "Hidden sources",
            "Behind a firewall or proxy all sources look like its own address; load balancer probes come from "
            "168.63.129.16.");
    }
    if (review->inputs.pruned > 0)
        nsf_facts_sentence(facts, "Left out", "Blobs were left out on request: denials seen only there are missing.");
}
