#include "core/nsf_common.h"

#include "rules/shapes.h"

/* Findings of other tools: nsgflow.scan/1, CloudSploit JSON, Checkov JSON, SARIF, OCSF as Prowler writes it. What does
 * not speak of network security groups is passed over. */

const char *nsf_peer_verdict_name(enum nsf_peer_verdict verdict)
{
    switch (verdict) {
    case NSF_PEER_VERDICT_OPEN:
        return "open";
    case NSF_PEER_VERDICT_PARTIAL:
        return "partial";
    case NSF_PEER_VERDICT_CLOSED:
        return "closed";
    case NSF_PEER_VERDICT_UNKNOWN:
        return "unknown";
    }
    NSF_BUG("unknown verdict of a peer");
}

static enum nsf_peer_verdict verdict_of(struct nsf_slice text)
{
    static const struct {
        const char *word;
        enum nsf_peer_verdict verdict;
    } words[] = {
        {"exposed", NSF_PEER_VERDICT_OPEN},    {"FAIL", NSF_PEER_VERDICT_OPEN},
        {"FAILED", NSF_PEER_VERDICT_OPEN},     {"WARN", NSF_PEER_VERDICT_OPEN},
        {"partial", NSF_PEER_VERDICT_PARTIAL}, {"restricted", NSF_PEER_VERDICT_CLOSED},
        {"closed", NSF_PEER_VERDICT_CLOSED},   {"OK", NSF_PEER_VERDICT_CLOSED},
        {"PASS", NSF_PEER_VERDICT_CLOSED},     {"PASSED", NSF_PEER_VERDICT_CLOSED},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(words); i++)
        if (nsf_slice_eq_nocase(text, nsf_slice_str(words[i].word)))
            return words[i].verdict;
    return NSF_PEER_VERDICT_UNKNOWN;
}

/* --- Words in texts -------------------------------------------------------------------------------------------- */

/* Index behind `word`, or SIZE_MAX. */
static size_t find_behind(struct nsf_slice text, const char *word, size_t from)
{
    struct nsf_slice wanted = nsf_slice_str(word);
    for (size_t i = from; i + wanted.len <= text.len; i++)
        if (nsf_slice_eq_nocase(nsf_slice(text.ptr + i, wanted.len), wanted))
            return i + wanted.len;
    return SIZE_MAX;
}

static bool has_word(struct nsf_slice text, const char *word)
{
    return find_behind(text, word, 0) != SIZE_MAX;
}

/* "port 25", "TCP:25", but not "port 2525". */
static bool has_port_25(struct nsf_slice text)
{
    static const char *const forms[] = {"port 25", "ports 25", "tcp:25", "tcp/25", "tcp 25"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(forms); i++)
        for (size_t at = find_behind(text, forms[i], 0); at != SIZE_MAX; at = find_behind(text, forms[i], at))
            if (at == text.len || text.ptr[at] < '0' || text.ptr[at] > '9')
                return true;
    return false;
}

static bool is_about_smtp(struct nsf_slice text)
{
    return has_word(text, "smtp") || has_port_25(text);
}

static bool is_about_nsgs(struct nsf_slice text)
{
    return has_word(text, "networkSecurityGroups") || has_word(text, "network_security_") ||
           has_word(text, "network security group") || is_about_smtp(text);
}

/* A full NSG id somewhere in a text: up to a blank, quote or bracket, and without what stands behind the name. */
static struct nsf_slice find_id(struct nsf_slice text)
{
    size_t from = find_behind(text, "/subscriptions/", 0);
    if (from == SIZE_MAX)
        return (struct nsf_slice){0};
    from -= sizeof("/subscriptions/") - 1;
    size_t end = from;
    while (end < text.len && strchr(" \t\r\n\"'`()[]<>,;", text.ptr[end]) == NULL)
        end++;
    struct nsf_slice id = nsf_slice(text.ptr + from, end - from);
    size_t name = find_behind(id, "/networkSecurityGroups/", 0);
    if (name == SIZE_MAX)
        return (struct nsf_slice){0};
    return nsf_slice(id.ptr, name + nsf_slice_find(nsf_slice_from(id, name), '/'));
}

/* --- Giving ---------------------------------------------------------------------------------------------------- */

static void give(struct nsf_loader *loader, struct nsf_peer_finding *finding, const struct nsf_json *at)
{
    finding->place = nsf_loader_place(loader, at);
    finding->is_id = find_id(finding->nsg).len == finding->nsg.len && finding->nsg.len > 0;
    nsf_loader_give_finding(loader, finding);
}

/* Terraform addresses and ARM types in Checkov's words: azurerm_network_security_rule.x is a rule, and so is
 * Microsoft.Network/networkSecurityGroups/securityRules.nsg/x. */
static struct nsf_slice rule_of_resource(struct nsf_slice resource)
{
    static const char *const kinds[] = {"azurerm_network_security_rule.", "networkSecurityGroups/securityRules."};
    for (size_t i = 0; i < NSF_ARRAY_LEN(kinds); i++) {
        size_t at = find_behind(resource, kinds[i], 0);
        if (at != SIZE_MAX)
            return nsf_id_last_segment(nsf_slice_from(resource, at));
    }
    struct nsf_slice rule = nsf_id_segment(resource, "securityRules");
    return rule;
}

/* --- nsgflow.scan/1 -------------------------------------------------------------------------------------------- */

static void load_scan_rows(struct nsf_loader *loader, const struct nsf_json *rows)
{
    for (size_t i = 0; i < nsf_json_len(rows); i++) {
        const struct nsf_json *row = nsf_json_item(rows, i);
        struct nsf_peer_finding finding = {.tool = NSF_SLICE_LIT("nsgflow"), .check = NSF_SLICE_LIT("scan")};
        uint64_t priority = 0;
        finding.nsg = nsf_json_get_string(row, "nsg");
        finding.rule = nsf_json_get_string(row, "rule");
        finding.verdict_text = nsf_json_get_string(row, "verdict");
        finding.verdict = verdict_of(finding.verdict_text);
        finding.message = nsf_json_get_string(row, "note");
        if (nsf_json_to_u64(nsf_json_get_nocase(row, "priority"), UINT16_MAX, &priority))
            finding.priority = (uint32_t)priority;
        finding.sources = nsf_loader_ids(loader, nsf_json_get_nocase(row, "sources"));
        finding.is_smtp = true;
        if (finding.nsg.len > 0)
            give(loader, &finding, row);
    }
}

void nsf_load_scan(struct nsf_loader *loader, const struct nsf_json *value)
{
    load_scan_rows(loader, nsf_json_get_nocase(value, "nsgs"));
    load_scan_rows(loader, nsf_json_get_nocase(value, "findings"));
}

/* --- CloudSploit ----------------------------------------------------------------------------------------------- */

/* "... open to *": the word behind it, in the part of the message that speaks of one rule. */
static struct nsf_slice open_to(struct nsf_slice text)
{
    size_t end = find_behind(text, "Security Rule \"", 0), at = find_behind(text, " open to ", 0);
    if (at == SIZE_MAX || at > end)
        return (struct nsf_slice){0};
    struct nsf_slice word = nsf_slice_from(text, at);
    return nsf_slice(word.ptr, nsf_slice_find(word, ' '));
}

/* One finding for each rule that the message names: ... Security Rule "smtp": TCP port 25 open to * and Security ... */
void nsf_load_cloudsploit(struct nsf_loader *loader, const struct nsf_json *value)
{
    struct nsf_peer_finding finding = {.tool = NSF_SLICE_LIT("CloudSploit"),
                                       .check = nsf_json_get_string(value, "plugin")};
    struct nsf_slice title = nsf_json_get_string(value, "title");
    finding.nsg = nsf_json_get_string(value, "resource");
    finding.message = nsf_json_get_string(value, "message");
    finding.verdict_text = nsf_json_get_string(value, "status");
    finding.verdict = verdict_of(finding.verdict_text);
    finding.is_smtp = is_about_smtp(finding.check) || is_about_smtp(title);
    if (!has_word(nsf_json_get_string(value, "category"), "network security") && !is_about_nsgs(finding.nsg))
        return;
    static const char *const marker = "Security Rule \"";
    size_t n = 0;
    for (size_t at = find_behind(finding.message, marker, 0); at != SIZE_MAX;
         at = find_behind(finding.message, marker, at)) {
        struct nsf_slice rest = nsf_slice_from(finding.message, at);
        finding.rule = nsf_slice(rest.ptr, nsf_slice_find(rest, '"'));
        struct nsf_slice source = open_to(rest);
        finding.sources = (struct nsf_slices){&source, source.len > 0};
        give(loader, &finding, value);
        n++;
    }
    if (n == 0)
        give(loader, &finding, value);
}

/* --- Checkov --------------------------------------------------------------------------------------------------- */

static struct nsf_place target_of(struct nsf_slice file, const struct nsf_json *line)
{
    uint64_t number = 0;
    struct nsf_place place = {.file = file};
    if (nsf_json_to_u64(line, UINT32_MAX, &number))
        place.line = (uint32_t)number;
    return place;
}

static void load_checks(struct nsf_loader *loader, const struct nsf_json *checks)
{
    for (size_t i = 0; i < nsf_json_len(checks); i++) {
        const struct nsf_json *check = nsf_json_item(checks, i);
        struct nsf_peer_finding finding = {.tool = NSF_SLICE_LIT("Checkov"),
                                           .check = nsf_json_get_string(check, "check_id")};
        finding.nsg = nsf_json_get_string(check, "resource");
        finding.rule = rule_of_resource(finding.nsg);
        finding.message = nsf_json_get_string(check, "check_name");
        finding.verdict_text = nsf_json_string(nsf_json_path(check, "check_result.result"));
        finding.verdict = verdict_of(finding.verdict_text);
        finding.is_smtp = is_about_smtp(finding.message);
        finding.target = target_of(nsf_json_get_string(check, "file_path"),
                                   nsf_json_item(nsf_json_get_nocase(check, "file_line_range"), 0));
        if (is_about_nsgs(finding.nsg) || finding.is_smtp)
            give(loader, &finding, check);
    }
}

void nsf_load_checkov(struct nsf_loader *loader, const struct nsf_json *value)
{
    static const char *const lists[] = {"passed_checks", "failed_checks", "skipped_checks"};
    const struct nsf_json *results = nsf_json_get_nocase(value, "results");
    for (size_t i = 0; i < NSF_ARRAY_LEN(lists); i++)
        load_checks(loader, nsf_json_get_nocase(results, lists[i]));
}

/* --- SARIF ----------------------------------------------------------------------------------------------------- */

struct sarif_run {
    struct nsf_loader *loader;
    struct nsf_slice tool;
    const struct nsf_json *rules;
};

static const struct nsf_json *find_sarif_rule(const struct sarif_run *run, const struct nsf_json *result)
{
    struct nsf_slice id = nsf_json_get_string(result, "ruleId");
    uint64_t idx = 0;
    if (nsf_json_to_u64(nsf_json_get_nocase(result, "ruleIndex"), UINT32_MAX, &idx) && idx < nsf_json_len(run->rules))
        return nsf_json_item(run->rules, (size_t)idx);
    for (size_t i = 0; i < nsf_json_len(run->rules); i++)
        if (nsf_slice_eq(nsf_json_get_string(nsf_json_item(run->rules, i), "id"), id))
            return nsf_json_item(run->rules, i);
    return NULL;
}

/* Checkov writes "Resource: azurerm_network_security_rule.ssh" behind the help of a rule. */
static struct nsf_slice resource_in_help(struct nsf_slice help)
{
    size_t at = find_behind(help, "Resource: ", 0);
    if (at == SIZE_MAX)
        return (struct nsf_slice){0};
    struct nsf_slice rest = nsf_slice_from(help, at);
    return nsf_slice_trim(nsf_slice(rest.ptr, nsf_slice_find(rest, '\n')));
}

static struct nsf_slice logical_name(const struct nsf_json *location)
{
    const struct nsf_json *first = nsf_json_item(nsf_json_get_nocase(location, "logicalLocations"), 0);
    struct nsf_slice name = nsf_json_get_string(first, "fullyQualifiedName");
    return name.len > 0 ? name : nsf_json_get_string(first, "name");
}

static enum nsf_peer_verdict sarif_verdict(const struct nsf_json *result, struct nsf_slice *text)
{
    *text = nsf_json_get_string(result, "kind");
    if (nsf_json_len(nsf_json_get_nocase(result, "suppressions")) > 0) {
        *text = NSF_SLICE_LIT("suppressed");
        return NSF_PEER_VERDICT_UNKNOWN;
    }
    if (text->len == 0 || nsf_slice_eq_nocase(*text, NSF_SLICE_LIT("fail"))) {
        struct nsf_slice level = nsf_json_get_string(result, "level");
        *text = level.len > 0 ? level : NSF_SLICE_LIT("fail");
        return nsf_slice_eq_nocase(level, NSF_SLICE_LIT("none")) ? NSF_PEER_VERDICT_UNKNOWN : NSF_PEER_VERDICT_OPEN;
    }
    return verdict_of(*text);
}

static void load_sarif_result(const struct sarif_run *run, const struct nsf_json *result)
{
    const struct nsf_json *rule = find_sarif_rule(run, result);
    const struct nsf_json *location = nsf_json_item(nsf_json_get_nocase(result, "locations"), 0);
    struct nsf_peer_finding finding = {.tool = run->tool, .check = nsf_json_get_string(result, "ruleId")};
    struct nsf_slice help = nsf_json_string(nsf_json_path(rule, "help.text")), name = nsf_json_get_string(rule, "name");
    struct nsf_slice snippet = nsf_json_string(nsf_json_path(location, "physicalLocation.region.snippet.text"));
    struct nsf_slice where = logical_name(location);
    finding.message = nsf_json_string(nsf_json_path(result, "message.text"));
    finding.verdict = sarif_verdict(result, &finding.verdict_text);
    finding.is_smtp = is_about_smtp(finding.message) || is_about_smtp(name) || is_about_smtp(finding.check);
    finding.nsg = find_id(where);
    if (finding.nsg.len == 0)
        finding.nsg = find_id(finding.message);
    if (finding.nsg.len == 0)
        finding.nsg = where.len > 0 ? where : resource_in_help(help);
    finding.rule = rule_of_resource(where.len > 0 ? where : finding.nsg);
    finding.target = target_of(nsf_json_string(nsf_json_path(location, "physicalLocation.artifactLocation.uri")),
                               nsf_json_path(location, "physicalLocation.region.startLine"));
    if (finding.is_smtp || is_about_nsgs(finding.nsg) || is_about_nsgs(finding.message) || is_about_nsgs(help) ||
        is_about_nsgs(snippet))
        give(run->loader, &finding, result);
}

void nsf_load_sarif(struct nsf_loader *loader, const struct nsf_json *value)
{
    const struct nsf_json *runs = nsf_json_get_nocase(value, "runs");
    for (size_t r = 0; r < nsf_json_len(runs); r++) {
        const struct nsf_json *driver = nsf_json_path(nsf_json_item(runs, r), "tool.driver");
        struct sarif_run run = {.loader = loader, .tool = nsf_json_get_string(driver, "name")};
        run.rules = nsf_json_get_nocase(driver, "rules");
        const struct nsf_json *results = nsf_json_get_nocase(nsf_json_item(runs, r), "results");
        for (size_t i = 0; i < nsf_json_len(results); i++)
            load_sarif_result(&run, nsf_json_item(results, i));
    }
}

/* --- OCSF ------------------------------------------------------------------------------------------------------ */

void nsf_load_ocsf(struct nsf_loader *loader, const struct nsf_json *value)
{
    struct nsf_peer_finding finding = {.tool = nsf_json_string(nsf_json_path(value, "metadata.product.name"))};
    struct nsf_slice title = nsf_json_string(nsf_json_path(value, "finding_info.title"));
    finding.check = nsf_json_string(nsf_json_path(value, "metadata.event_code"));
    finding.verdict_text = nsf_json_get_string(value, "status_code");
    finding.verdict = verdict_of(finding.verdict_text);
    finding.message = nsf_json_get_string(value, "status_detail");
    if (finding.message.len == 0)
        finding.message = nsf_json_get_string(value, "message");
    finding.is_smtp = is_about_smtp(finding.check) || is_about_smtp(title);
    const struct nsf_json *resources = nsf_json_get_nocase(value, "resources");
    for (size_t i = 0; i < nsf_json_len(resources); i++) {
        const struct nsf_json *resource = nsf_json_item(resources, i);
        struct nsf_slice uid = nsf_json_get_string(resource, "uid");
        struct nsf_slice id = find_id(uid);
        finding.nsg = id.len > 0 ? id : uid.len > 0 ? uid : nsf_json_get_string(resource, "name");
        finding.rule = rule_of_resource(uid);
        bool is_of_nsg = is_about_nsgs(uid) || is_about_nsgs(nsf_json_get_string(resource, "type"));
        if (is_of_nsg || finding.is_smtp)
            give(loader, &finding, value);
    }
}
