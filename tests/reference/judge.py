"""What a review makes of its counts, slowly: scores and verdicts of sources, coverage, relay evidence, verdicts of
rules, risk, break-risk, the queue and the advice.

It stands on the connections that read_logs.py counts and was written from the rules of the judgement alone.

Choices, where the contract leaves room:
- Confidence takes the window as it was asked for, to the millisecond. C wants counters in one connection of ten (else they
  are absent) over 7 days, or none over 14 days; half of the hours in both cases.
- Outbound mail is judged NIC by NIC, the worst one is the rule's: relay, spam, ordinary, fixed, none. "Days without it
  have less than half": on the mean of all days of the window without a message of the source. Only public networks count.
- Fan-out above its own baseline: 20 public networks on a day, and three times the median of the NIC's other days.
- SOURCE_MASKED leaves health probes out; a VNet with public addresses is the /16 or /48 around the destination.
- "Without counters" of a rule: no connection has any. No connection, but mail by another NSG: INSUFFICIENT_EVIDENCE.
- Sender networks are those with a message of somebody who is not hostile, a spam source or a probe; without counters those
  of likely and possible senders. N and N1 count their messages.
- The first 70 % of days are whole UTC days of the window, rounded down.
- Risk: an opening of IPv6 alone counts as 20; "more than mail ports" are ports other than 25, 465, 587.
- Questions are asked network by network, about the single address where a listed scanner lives in the network; spam and
  conflicting sources are asked about though a list names them. Private sources and probes go on in the what-if.
- Senders that another NSG on the way let in, or a rule whose place the finding has taken (one that is gone, that is no
  Allow today, or that stands behind a finding that decides all), keep it from CLOSE_* and RESTRICT_TO_RELAYS and are asked
  about.
- Where a second Allow stands behind the rule, or nothing is advised to change, everything stays open and is kept.
"""
import fractions
import ipaddress
import json
import math

import envelope
import exposure
import read_logs
import rules
from cross import DAY_MS, HOUR_MS, Lists, Reader, day_of, messages_of, net_of, start_of
from senders import HOSTILE, PROBE_ADDRESS, Sources

WEEK_MS = 7 * DAY_MS
SENDERS = {"KNOWN_SENDER", "LIKELY_SENDER"}
EXACT_UP_TO = 16


PRIVATE = [ipaddress.ip_network(text) for text in (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10")]


def is_private(address):
    return any(address in network for network in PRIVATE if network.version == address.version)


def is_inside(one):
    """From a private address, or from beside a public address of our own."""
    if is_private(one.source):
        return True
    around = ipaddress.ip_network((one.target, 16 if one.target.version == 4 else 48), strict=False)
    return not is_private(one.target) and one.source.version == one.target.version and one.source in around


def share_at_least(part, whole, percent):
    return 100 * part >= percent * whole


def confidence_of(coverage, entries, window_ms, is_v4):
    """A to D by length of the window, share of hours and of connections with counters."""
    expected, seen = coverage["hours_expected"], coverage["hours_seen"]
    counted, whole = sum(one.has_counters for one in entries), len(entries)

    def holds(days, percent):
        return window_ms >= days * DAY_MS and expected > 0 and share_at_least(seen, expected, percent)

    def has_counters(percent):
        return share_at_least(counted, whole, percent) if whole else is_v4

    if holds(28, 95) and has_counters(90):
        return "A"
    if holds(14, 90) and has_counters(50):
        return "B"
    if (holds(7, 50) and has_counters(10)) or holds(14, 50):
        return "C"
    return "D"


# -- outbound mail, NIC by NIC

RELAY_ORDER = ["OPEN_RELAY_LIKELY", "SPAM_BLOCKED", "SENDS_AND_RECEIVES", "RELAY_TO_FIXED", "NO_OUTBOUND"]


def relay_state(sources, nics, entries, window_ms):
    """-> (the worst state of the rule's NICs, whether one of them fans out far above its own baseline)."""
    if not nics:
        return "NOT_EXAMINED", False
    found, fans_out = ["NO_OUTBOUND"], False
    for nic in nics:
        sent = [one for one in sources.sent if one.nic == nic and one.port == 25]
        if not sent:
            continue
        public = [one for one in sent if not is_private(one.target) and one.target != PROBE_ADDRESS]
        by_day = {}
        for one in public:
            by_day.setdefault(day_of(one), []).append(one)
        if is_open_relay(sources, public, by_day, [one for one in entries if one.nic == nic], window_ms):
            found.append("OPEN_RELAY_LIKELY")
        if any(count_nets(day) >= 20 and share_at_least(sum(one.kind() == "no_reply" for one in day), len(day), 80)
               for day in by_day.values()):
            found.append("SPAM_BLOCKED")
        found.append("RELAY_TO_FIXED" if len({one.target for one in sent}) <= 5 else "SENDS_AND_RECEIVES")
        counts = sorted(count_nets(day) for day in by_day.values())
        others = counts[(len(counts) - 1) // 2] if len(counts) > 1 else 0
        fans_out = fans_out or bool(counts and counts[-1] >= 20 and counts[-1] >= 3 * others)
    return min(found, key=RELAY_ORDER.index), fans_out


def count_nets(sent):
    return len({net_of(one.target) for one in sent})


def is_open_relay(sources, sent, by_day, entries, window_ms):
    for address in {one.source for one in entries}:
        own = [one for one in messages_of(entries) if one.source == address]
        if own and sources.by_address[address].verdict not in SENDERS and is_relayed(own, sent, by_day, window_ms):
            return True
    return False


def is_relayed(own, sent, by_day, window_ms):
    """Mail goes out to many networks behind these messages, to few an hour later, and to few on a day without them."""
    def behind(shift):
        return count_nets(one for one in messages_of(sent)
                          if any(0 <= start_of(one) - start_of(mail) - shift <= 300 * 1000 for mail in own))
    if behind(0) < 20 or behind(0) < 3 * behind(HOUR_MS):
        return False
    with_it = {day_of(mail) for mail in own}
    n_without = window_ms // DAY_MS - len(with_it)
    with_sum = sum(count_nets(found) for day, found in by_day.items() if day in with_it)
    without_sum = sum(count_nets(found) for day, found in by_day.items() if day not in with_it)
    return n_without <= 0 or 2 * without_sum * len(with_it) < with_sum * n_without


# -- mail through the rule, by network

class RuleMail:
    """Who mails through a rule: not who is hostile, a spam source or a probe. Without counters connections of those who
    are thought to send stand for messages."""

    def __init__(self, sources, entries):
        self.days, self.messages = {}, {}       # by network
        for address in {one.source for one in entries}:
            source = sources.by_address[address]
            own = [one for one in entries if one.source == address]
            mail = messages_of(own)
            shown = mail or [one for one in own if one.kind() == "unknown"]
            thought = bool(mail) or source.verdict in SENDERS | {"POSSIBLE_SENDER"}
            if source.verdict in HOSTILE | {"SPAM_SOURCE", "HEALTH_PROBE"} or not shown or not thought:
                continue
            self.days.setdefault(source.key, set()).update(day_of(one) for one in shown)
            self.messages.setdefault(source.key, []).extend(mail)

    def busiest_week(self):
        """The most networks in any seven days."""
        return max((sum(any(day <= other < day + 7 for other in days) for days in self.days.values())
                    for day in {day for days in self.days.values() for day in days}), default=0)

    def new_senders(self):
        """(networks with one message, messages)."""
        return sum(len(mail) == 1 for mail in self.messages.values()), sum(map(len, self.messages.values()))

    def break_risk(self, window):
        single, whole = self.new_senders()
        if whole < 30:
            return None
        first_day, end_day = window[0] // 24, -(-window[1] // 24)
        border = first_day + (end_day - first_day) * 7 // 10
        lost = held = 0
        for mail in self.messages.values():
            late = sum(day_of(one) >= border for one in mail)
            held += late
            lost += late if late == len(mail) else 0
        loss = wilson_upper(lost, held) if held else 0
        return math.floor(1000 * max(loss, single / whole) + 0.5) / 1000


def wilson_upper(part, whole):
    z = 1.959963984540054
    share = part / whole
    middle = share + z * z / (2 * whole)
    spread = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return min(1.0, (middle + spread) / (1 + z * z / whole))


DOUBTS = {"POSSIBLE_SENDER", "UNDECIDED", "RETRYING_SENDER", "CONFLICT", "SPAM_SOURCE"}
OPEN_ENTRIES = {"*", "any", "0.0.0.0/0"}


# -- mail that concerns a rule though it was logged under another one

class Elsewhere:
    """Sources let in by another NSG on the way, or by a rule whose place the finding has taken."""

    def __init__(self, reader, sources, rules_paths):
        self.reader, self.sources = reader, sources
        self.defined = {}                       # (NSG, rule) -> inbound rule
        for path in rules_paths:
            with open(path, encoding="utf-8-sig") as handle:
                raw = json.load(handle)
            for nsg in raw.get("value", [raw]) if isinstance(raw, dict) else raw:
                for one in map(exposure.Rule, rules.member(nsg, "securityRules") or []):
                    if one.inbound:
                        self.defined[rules.lower(nsg["id"]), rules.lower(one.name)] = one

    def find(self, finding, nics):
        """-> (has another NSG on these NICs let mail in, senders or who may be one that came in elsewhere)."""
        own, found, by_path = set(), set(), False
        nsg = rules.lower(finding["nsg"])
        for evidence in self.reader.evidence.values():
            joined = evidence.joined
            here = joined.reason is None and joined.key[:2] == (nsg, rules.lower(finding["rule"]))
            entries = [one for one, _ in evidence.connections()]
            if here:
                own |= {one.source for one in entries}
                continue
            is_on_path = joined.key[0] != nsg and joined.reason not in ("platform", "unspecified") \
                and any(one.nic in nics for one in entries)
            by_path = by_path or is_on_path
            if is_on_path or (joined.key[0] == nsg and self.is_followed(finding, evidence)):
                found |= {one.source for one in entries}
        return by_path, {address for address in found - own if not is_private(address) and address != PROBE_ADDRESS
                         and self.sources.by_address[address].verdict not in HOSTILE}

    def is_followed(self, finding, evidence):
        """The finding would decide today what was let in under this rule."""
        joined = evidence.joined
        if joined.reason == "unknown_rule":
            return True
        if joined.reason not in (None, "shadowed", "not_exposing") or joined.rule is None:
            return False
        other = self.defined.get((joined.key[0], rules.lower(joined.rule)))
        if other is None or all(rules.lower(name).startswith("defaultrule_") for name in evidence.spellings):
            return False
        if other.access != "allow" or not other.matches_port():
            return True
        first = self.defined[rules.lower(finding["nsg"]), rules.lower(finding["rule"])]
        is_wide = first.all_targets and not exposure.ALL_PORTS & ~first.source_ports
        decides_all = finding["public_ipv4"] == exposure.PUBLIC_V4_COUNT and not finding["reduced_by"] and is_wide
        return decides_all and other.priority > finding["priority"]


def rule_verdict(sources, finding, entries, coverage, confidence, relay, elsewhere, mail):
    verdicts = {sources.by_address[one.source].verdict for one in entries}
    counted = sum(one.has_counters for one in entries)
    if finding["latent"] and not entries:
        return "NOT_EFFECTIVE"
    if relay in ("OPEN_RELAY_LIKELY", "SPAM_BLOCKED"):
        return "INVESTIGATE_ABUSE"
    is_open = any(entry.lower() in OPEN_ENTRIES for entry in finding["definition"]["sources"])
    real = [one for one in entries if one.source != PROBE_ADDRESS]
    if real and is_open and share_at_least(sum(is_inside(one) for one in real), len(real), 95):
        return "SOURCE_MASKED"
    if confidence == "D" and not messages_of(entries):
        return "INSUFFICIENT_EVIDENCE"
    if entries and not counted and "UNDECIDED" in verdicts and not verdicts & HOSTILE:
        return "INSUFFICIENT_EVIDENCE"
    if not entries:
        return "INSUFFICIENT_EVIDENCE" if elsewhere[0] or elsewhere[1] else "CLOSE_UNUSED"
    if verdicts <= HOSTILE | {"HEALTH_PROBE"} and not elsewhere[1]:
        return "CLOSE_PROBES_ONLY"
    single, whole = mail.new_senders()
    if mail.busiest_week() > 50 or (len(messages_of(entries)) >= 30 and len(mail.days) > 20 and 20 * single > whole):
        return "PUBLIC_MX"
    if {sources.by_address[one.source].verdict for one in messages_of(entries)} <= SENDERS \
            and len(mail.days) <= 50 and not verdicts & DOUBTS and not elsewhere[1]:
        return "RESTRICT_TO_RELAYS"
    return "RESTRICT_WITH_REVIEW"


def risk(sources, finding, nsg, entries, window_ms, relay, fans_out):
    found = {one.source for one in entries}
    hostile = {address for address in found if sources.by_address[address].verdict in HOSTILE}
    weeks = window_ms / WEEK_MS
    exposure = 20 * math.log2(finding["public_ipv4"]) / 32 if finding["public_ipv4"] else 0
    if not finding["public_ipv4"] and finding["public_ipv6"] != "none":
        exposure = 20
    exposure += 5 if any(port not in ("25", "465", "587") for port in finding["definition"]["ports"]) else 0
    exposure += 10 if entries else 0
    if finding["latent"] and not entries:
        exposure = min(5, exposure)
    probing = min(10, 5 * math.log10(1 + len(hostile) / weeks)) if weeks else 0
    probing += 5 if any(one.kind() == "guessing" for one in entries) else 0
    probing += 5 if any(sources.by_address[address].drop for address in found) else 0
    probing += 5 if 2 * sum(one.source in hostile for one in entries) > len(entries) else 0
    spam = any(sources.by_address[one.source].verdict == "SPAM_SOURCE" for one in messages_of(entries))
    abuse = max({"OPEN_RELAY_LIKELY": 30, "SPAM_BLOCKED": 25}.get(relay, 0), 15 if fans_out else 0, 10 if spam else 0)
    governance = (0 if nsg["owner"] else 4) + (0 if finding["definition"]["description"] else 3)
    return min(100, math.floor(exposure + probing + abuse + governance + 0.5))


def advice(sources, finding, verdict, entries, elsewhere):
    """The allow-list, the questions, and what the change would keep and refuse."""
    found = sorted({one.source for one in entries}, key=read_logs.address_order)
    allow, ask = set(), set()
    for address in found + sorted(elsewhere[1], key=read_logs.address_order):
        source = sources.by_address[address]
        is_quiet = source.verdict in HOSTILE and not messages_of(one for one in entries if one.source == address)
        if is_private(address) or is_quiet or source.verdict in HOSTILE | {"HEALTH_PROBE"}:
            continue
        is_trusted = source.verdict not in ("SPAM_SOURCE", "CONFLICT")
        if is_trusted and source.partner:
            own = source.partner[0]
            allow.add(own if own.subnet_of(net_of(address)) else net_of(address))
        elif is_trusted and source.provider:
            allow |= set(source.provider[1])
        else:
            ask.add(question(sources.lists, address))
    changes = verdict.startswith(("CLOSE", "RESTRICT", "INVESTIGATE"))
    narrows = verdict.startswith(("RESTRICT", "INVESTIGATE"))
    allow = merged(allow, sources.lists.scanners) if narrows else []
    is_open_still = not changes or bool(finding["still_open_via"])
    mail = messages_of(entries)
    kept = [one for one in mail if is_open_still or is_private(one.source) or one.source == PROBE_ADDRESS
            or any(one.source in network for network in allow if network.version == one.source.version)]
    refused = {one.source for one in mail} - {one.source for one in kept}
    return {"allow": [str(network) for network in allow], "ask_owner": [str(network) for network in outermost(ask)],
            "addresses_open_before": finding["public_ipv4"],
            "addresses_open_after": finding["public_ipv4"] if is_open_still else sum(
                network.num_addresses for network in allow if network.version == 4),
            "messages_kept": len(kept), "messages_refused": len(mail) - len(kept),
            "senders_refused": [str(address) for address in found if address in refused]}


def question(lists, address):
    """The network to ask about, or the address alone where a known scanner lives beside it."""
    network = net_of(address)
    beside = any(other.version == network.version and other.overlaps(network) for other, _ in lists.scanners.entries)
    return ipaddress.ip_network(address) if beside else network


def outermost(networks):
    """Those that lie in no other one, in order."""
    found = [one for one in networks if not any(
        other != one and other.version == one.version and one.subnet_of(other) for other in networks)]
    return sorted(found, key=lambda network: (network.version, network))


def merged(networks, scanners):
    """Two halves become their whole where no known scanner lies in it."""
    found = outermost(networks)
    for one in found:
        whole = one.supernet() if one.prefixlen else one
        halves = set(whole.subnets()) if whole != one else {None}
        if halves <= set(found) and not any(
                other.version == whole.version and other.overlaps(whole) for other, _ in scanners.entries):
            return merged((set(found) - halves) | {whole}, scanners)
    return found


def tenths(points):
    return fractions.Fraction(points, 10)


def source_row(source):
    def bounded(found):
        return min(EXACT_UP_TO, len(found))
    cross = source.cross
    return {"network": str(source.prefix), "verdict": source.verdict,
            "score": float(tenths(source.score())),
            "evidence": [{"code": code, "points": float(tenths(points))} for code, points in source.lines],
            "elsewhere": {"denied_tuples": cross.denied_tuples, "denied_addresses": bounded(cross.denied_addresses),
                          "denied_ports": bounded(cross.denied_ports),
                          "denied_mail_addresses": bounded(cross.denied_mail_addresses),
                          "other_contacts": cross.other_contacts, "other_ports": bounded(cross.other_ports)}}


CONFIDENCE_WEIGHT = {"A": 10, "B": 9, "C": 7, "D": 4}


def queue_place(row):
    break_risk_ = 2 if row["break_risk"] is None else row["break_risk"]
    return (row["verdict"] != "INVESTIGATE_ABUSE", -row["risk"] * CONFIDENCE_WEIGHT[row["confidence"]], break_risk_,
            rules.lower(row["nsg"]), rules.lower(row["rule"]))


def review(rules_paths, scan, logs, lists, since=None, until=None):
    """The judged part of a review: rules in the order of the queue, and the senders that are refused and retry."""
    join = rules.Join(rules.load(rules_paths), scan, exposure.covered_defaults(rules_paths))
    reader = Reader(join, since, until, False)
    for blob in envelope.read_blobs(logs, since, until):
        reader.take_blob(blob)
    reader.settle()
    sources = Sources(reader, lists)
    others = Elsewhere(reader, sources, rules_paths)
    window = read_logs.window_of(reader) or (0, 0)
    window_ms = (window[1] * HOUR_MS if until is None else until) - (window[0] * HOUR_MS if since is None else since)
    by_finding = {(e.joined.key[0], e.joined.key[1]): e for e in reader.evidence.values() if e.joined.reason is None}
    nsgs = {rules.lower(nsg["nsg"]): nsg for nsg in scan["nsgs"]}
    seen_nsgs = {nsg_key for (nsg_key, _), evidence in by_finding.items() if any(evidence.connections())}
    rows = []
    for finding in scan["findings"]:
        nsg_key = rules.lower(finding["nsg"])
        if nsg_key in seen_nsgs:        # it is attached somewhere, whatever the definitions show
            finding = dict(finding, latent=False)
        evidence = by_finding.get((nsg_key, rules.lower(finding["rule"])))
        entries = [one for one, _ in evidence.connections()] if evidence else []
        coverage = read_logs.coverage_of(reader, nsg_key, evidence)
        nics = set(coverage["nics"])
        is_v4 = any(log in reader.v4_logs for log, _ in reader.nsg_nics.get(nsg_key, ()))
        confidence = confidence_of(coverage, entries, window_ms, is_v4)
        relay, fans_out = relay_state(sources, nics, entries, window_ms)
        elsewhere = others.find(finding, nics)
        mail = RuleMail(sources, entries)
        verdict = rule_verdict(sources, finding, entries, coverage, confidence, relay, elsewhere, mail)
        rows.append({"nsg": finding["nsg"], "rule": finding["rule"], "verdict": verdict,
                     "latent": finding["latent"] and not entries, "confidence": confidence,
                     "risk": risk(sources, finding, nsgs[nsg_key], entries, window_ms, relay, fans_out),
                     "break_risk": mail.break_risk(window), "relay": relay, "coverage": coverage,
                     "recommendation": advice(sources, finding, verdict, entries, elsewhere),
                     "sources": {str(address): source_row(sources.by_address[address])
                                 for address in {one.source for one in entries}}})
    return {"rules": sorted(rows, key=queue_place), "retrying_senders": sources.refused_senders()}
