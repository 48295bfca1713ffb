#!/usr/bin/env python3
"""A slow, clear reader of Azure flow logs that the program is compared with.

    read_logs.py --rules NSGS.json [--rules ...] [--scan SCAN.json] [--since T] [--until T] [--strict] LOGS...

Prints the part of `nsgflow.review/1` that is defined exactly: counts, connections, sources, coverage. It was written
from the rules of the format alone. Findings are taken from the output of `nsgflow scan --format json` (--scan), or,
without it, from the slow evaluator beside this file.

Choices, where the contract leaves room:
- Without --since and --until every tuple counts; the window then only describes coverage. A tuple at or behind --until
  is left out of everything but `tuples` and `tuples_bad`. One before --since feeds its connection (state, attempts,
  counters) and is counted nowhere; a connection counts when it has a counted tuple, at the first of them.
- A late tuple takes the newest stamp of its key in everything, also in the test against --since, and is counted
  as late where it is counted at all.
- A connection without a counted tuple takes no part in the comparison of flow logs.
- Foreign records are not looked at for duplicates. The memory for duplicates has no end here.
- A flowTuples array belongs to the rule, aclID and mac named nearest around it, whatever the members between are called.
- A record's NICs are its `macAddress`, or else the `mac` of its groups. A NIC belongs to an NSG under which a group of
  it stands, tuples or not; its hours are those of all its flow logs.
- A window that does not start or end on a whole hour covers the hours it touches.
- `counters` of a rule without connections: `present` where its NIC's flow logs are version 4, else `absent`.
- The protocol of an `other_ports` row is tcp, udp or its number, and rows are in the order of that text; the row of the
  rest has null for protocol and port. Of ports with equally many tuples the smallest have a row.
- Blobs of a folder are left out by path when their hour ends an hour or more before --since or starts an hour or more
  after --until; `pruned` does not count them.
- A protocol without ports counts under port 0.
"""
import argparse
import datetime
import json
import re
import sys

import connections
import envelope
import exposure
import rules
import tuples

HOUR_MS = envelope.HOUR_MS
DAY_MS = 24 * HOUR_MS
FILL_HOURS = 24
DESTINATIONS_SHOWN = 32
OTHER_PORTS_SHOWN = 100
NSG_CATEGORY, VNET_CATEGORY = "NetworkSecurityGroupFlowEvent", "FlowLogFlowEvent"
PROTOCOLS = {6: "tcp", 17: "udp"}


def when(stamp):
    """ms -> text, as the program prints times."""
    if stamp is None:
        return None
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=stamp)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (stamp % 1000)


def address_order(address):
    return (address.version, int(address))


class Record:
    """A record of a known layout: who wrote it, when, and its groups of tuples."""

    def __init__(self, raw, layout):
        self.layout = layout
        self.time = envelope.parse_time(raw.get("time"))
        self.groups = []            # (nic, logged nsg, logged rule, [tuple text])
        record_nic, resource_id = mac_of(text(raw, "macAddress")), text(raw, "resourceId")
        self.flow_log = rules.lower(text(raw, "flowLogResourceID") if layout == "vnet4" else resource_id)
        for names, tuple_texts in groups_within([value for _, value in raw.members], {}):
            nsg = names.get("aclID", "") if layout == "vnet4" else resource_id
            nic = record_nic or mac_of(names.get("mac", ""))
            self.groups.append((nic, nsg, names.get("rule", ""), tuple_texts))
        self.nsgs = {(nic, nsg) for nic, nsg, _, _ in self.groups}
        self.nics = {nic for nic, _ in self.nsgs} | ({record_nic} if record_nic or not self.groups else set())
        if layout != "vnet4":       # the record itself names its NSG, with groups or without
            self.nsgs |= {(nic, resource_id) for nic in self.nics}


def text(raw, name):
    value = raw.get(name)
    return value if isinstance(value, str) and not isinstance(value, envelope.Number) else ""


def mac_of(text_of_mac):
    """MACs come in both cases, with and without separators."""
    return re.sub("[:-]", "", text_of_mac).upper()


def groups_within(value, names):
    """All flowTuples arrays of a record -> [(names, strings)], the names being those of the nearest object around."""
    if isinstance(value, list):
        return [group for item in value for group in groups_within(item, names)]
    if not isinstance(value, dict):
        return []
    own = {name: text(value, name) for name in ("rule", "mac", "aclID") if text(value, name)}
    names = {**names, **own}
    found = []
    for name, child in value.members:
        if name == "flowTuples" and isinstance(child, list):
            strings = [item for item in child if isinstance(item, str) and not isinstance(item, envelope.Number)]
            found.append((names, strings))
        else:
            found += groups_within(child, names)
    return found


def layout_of(raw):
    """-> (layout, None) or (None, name to count a foreign record under)."""
    category = raw["category"]
    if category == NSG_CATEGORY:
        properties = raw.get("properties")
        version = properties.get("Version") if isinstance(properties, dict) else None
        known = {1: "nsg1", 2: "nsg2"}
    elif category == VNET_CATEGORY:
        version = raw.get("flowLogVersion")
        known = {4: "vnet4"}
    else:
        return None, category
    try:
        return known[float(version)], None
    except (TypeError, ValueError, KeyError):
        return None, "%s/%s" % (category, version if isinstance(version, str) else "")


class Evidence:
    """What is counted of one (NSG, rule, reason): a rule of the review or a row of `unmatched`."""

    def __init__(self, joined):
        self.joined = joined
        self.spellings = set()
        self.sources = {}           # address -> list of (connection, target, is v4)
        self.other_ports = {}       # (protocol, port) -> [tuples, set of addresses]

    def connections(self):
        return [entry for entries in self.sources.values() for entry in entries]


class Reader:
    def __init__(self, join, since, until, strict):
        self.join, self.since, self.until, self.strict = join, since, until, strict
        self.joined = {}            # (logged nsg, logged rule, may be cut) -> Joined
        self.seen_records = set()
        self.counts = dict.fromkeys(("records", "records_duplicate", "tuples", "tuples_bad", "tuples_late"), 0)
        self.foreign = {}
        self.by_layout = {"nsg1": 0, "nsg2": 0, "vnet4": 0}
        self.allowed = self.denied = 0
        self.denied_sources = set()
        self.bad_reasons = {}
        self.keys = {}              # connection key -> connections.Key, in order of first sight
        self.evidence = {}          # (joined key, reason) -> Evidence
        self.hours = {}             # (flow log, nic) -> hours with a record
        self.nsg_nics = {}          # joined nsg id -> set of (flow log, nic)
        self.v4_logs = set()

    def take_blob(self, blob):
        for raw, data in blob.records:
            layout, foreign = layout_of(raw)
            if layout is None:
                self.foreign[foreign] = self.foreign.get(foreign, 0) + 1
                continue
            if data in self.seen_records:
                self.counts["records_duplicate"] += 1
                continue
            self.seen_records.add(data)
            self.counts["records"] += 1
            self.by_layout[layout] += 1
            self.take_record(Record(raw, layout))

    def take_record(self, record):
        if record.layout == "vnet4":
            self.v4_logs.add(record.flow_log)
        for nic in record.nics:
            if record.time is not None:
                self.hours.setdefault((record.flow_log, nic), set()).add(record.time // HOUR_MS)
        for nic, logged_nsg in record.nsgs:
            known = self.join.nsg(logged_nsg)
            if known:
                self.nsg_nics.setdefault(rules.lower(known.id), set()).add((record.flow_log, nic))
        for nic, nsg, rule, texts in record.groups:
            for one in texts:
                self.take_tuple(record, nic, nsg, rule, one)

    def take_tuple(self, record, nic, nsg, rule, one):
        self.counts["tuples"] += 1
        try:
            flow = tuples.parse(one, record.layout, self.strict)
        except tuples.Bad as bad:
            self.counts["tuples_bad"] += 1
            self.bad_reasons[str(bad)] = self.bad_reasons.get(str(bad), 0) + 1
            return
        if flow is None or not flow.inbound or (self.until is not None and flow.stamp >= self.until):
            return
        if flow.denied:
            if tuples.is_smtp(flow) and self.in_window(flow.stamp):
                self.denied += 1
                self.denied_sources.add(flow.source)
            return
        evidence = self.evidence_for(nsg, rule, record.layout != "vnet4")
        if tuples.is_smtp(flow):
            evidence[0].spellings.add(rule)
            self.take_smtp(record, nic, evidence, flow)
        elif self.in_window(flow.stamp):
            row = evidence[0].other_ports.setdefault((flow.protocol, flow.target_port or 0), [0, set()])
            row[0] += 1
            row[1].add(flow.source)

    def in_window(self, stamp):
        return self.since is None or stamp >= self.since

    def evidence_for(self, nsg, rule, may_be_cut):
        logged = (nsg, rule, may_be_cut)
        if logged not in self.joined:
            self.joined[logged] = self.join.find(*logged)
        joined = self.joined[logged]
        # rows without an NSG are one row whatever id was logged with the rule
        key = joined.key if joined.nsg is not None else (None,) + joined.key[1:]
        return self.evidence.setdefault((key, joined.reason), Evidence(joined)), joined

    def take_smtp(self, record, nic, evidence, flow):
        evidence, joined = evidence
        pair = (nic, joined.key, flow.source, flow.source_port, flow.target, flow.target_port)
        key = self.keys.setdefault((record.flow_log,) + pair, connections.Key())
        key.flow_log, key.pair, key.evidence = record.flow_log, pair, evidence
        key.is_v4 = record.layout == "vnet4"
        is_late = key.newest is not None and flow.stamp < key.newest
        key.newest = key.newest if is_late else flow.stamp
        is_counted = self.in_window(key.newest)
        self.allowed += is_counted
        self.counts["tuples_late"] += is_late and is_counted
        key.take(key.newest, flow.state, flow.counters, is_counted)

    def settle(self):
        """Connections to their rules and sources -> tuples of connections that another flow log shows better."""
        found = [(key.flow_log, key.is_v4, key.pair, one) for key in self.keys.values() for one in key.connections
                 if one.stamps]
        dropped = connections.drop_seen_twice(found)
        duplicate = 0
        for key in self.keys.values():
            for one in key.connections:
                if id(one) in dropped:
                    duplicate += len(one.stamps)
                elif one.stamps:            # outside the window it is nobody's copy either
                    source, target = key.pair[2], key.pair[4]
                    key.evidence.sources.setdefault(source, []).append((one, target))
        return duplicate


def totals(entries):
    """Numbers that a rule and a source both have, of [(connection, target)]."""
    counted = [one for one, _ in entries if one.has_counters]
    stamps = [stamp for one, _ in entries for stamp in one.stamps]
    classes = dict.fromkeys(connections.CLASSES, 0)
    for one, _ in entries:
        classes[one.kind()] += 1
    row = {"connections": len(entries), "attempts": sum(one.attempts for one, _ in entries),
           "classes": {name: count for name, count in classes.items() if count},
           "first": when(min(stamps, default=None)), "last": when(max(stamps, default=None)),
           "days": len({stamp // DAY_MS for stamp in stamps})}
    for place, name in enumerate(("packets_in", "bytes_in", "packets_out", "bytes_out")):
        row[name] = min(tuples.U64_MAX, sum(one.totals[place] for one in counted)) if counted else None
    return row


def source_row(address, entries):
    targets = sorted({target for _, target in entries}, key=address_order)
    row = {"address": str(address), **totals(entries)}
    row["destinations"] = [str(target) for target in targets[:DESTINATIONS_SHOWN]]
    row["destinations_more"] = max(0, len(targets) - DESTINATIONS_SHOWN)
    return row


def traffic_of(evidence):
    entries = evidence.connections()
    by_day = {}
    for one, _ in entries:
        day = by_day.setdefault(when(min(one.stamps))[:10], {"connections": 0, "messages": 0})
        day["connections"] += 1
        day["messages"] += one.kind() == "message"
    return {**totals(entries), "tuples": sum(len(one.stamps) for one, _ in entries), "sources": len(evidence.sources),
            "by_day": [{"day": day, **by_day[day]} for day in sorted(by_day)]}


def other_ports_of(evidence):
    def as_printed(item):
        return (str(PROTOCOLS.get(item[0][0], item[0][0])), item[0][1])

    ranked = sorted(evidence.other_ports.items(), key=lambda item: (-item[1][0], as_printed(item)))
    shown = sorted(ranked[:OTHER_PORTS_SHOWN], key=as_printed)
    rows = [{"protocol": str(PROTOCOLS.get(protocol, protocol)), "port": port, "tuples": count, "sources": len(seen)}
            for (protocol, port), (count, seen) in shown]
    rest = ranked[OTHER_PORTS_SHOWN:]
    if rest:
        rows.append({"protocol": None, "port": None, "tuples": sum(row[0] for _, row in rest),
                     "sources": len(set().union(*(row[1] for _, row in rest)))})
    return rows


def window_of(reader):
    """The hours that coverage is about: [from, to) in whole hours, or None."""
    hours = [hour for seen in reader.hours.values() for hour in seen]
    if not hours and (reader.since is None or reader.until is None):
        return None
    start = min(hours) if reader.since is None else reader.since // HOUR_MS
    end = max(hours) + 1 if reader.until is None else -(-reader.until // HOUR_MS)
    return start, max(start, end)


def hours_of(reader, nic, start, end):
    """Hours of [start, end) that count as seen for the NIC."""
    own = {hour for (_, other), hours in reader.hours.items() if other == nic for hour in hours}
    logs = {log for log, other in reader.hours if other == nic}
    peers = {hour for (log, other), hours in reader.hours.items() if log in logs and other != nic for hour in hours}

    def is_seen(hour):
        """A record in the hour; or records near it on both sides, and other NICs of the log have some in it."""
        return hour in own or (hour in peers and any(hour - FILL_HOURS <= other < hour for other in own)
                               and any(hour < other <= hour + FILL_HOURS for other in own))
    return {hour for hour in range(start, end) if is_seen(hour)}


def coverage_of(reader, nsg, evidence):
    logs = reader.nsg_nics.get(rules.lower(nsg), set())
    nics = sorted({nic for _, nic in logs})
    start, end = window_of(reader) or (0, 0)
    seen, gaps = 0, []
    for nic in nics:
        own = hours_of(reader, nic, start, end)
        seen += len(own)
        for hour in sorted(set(range(start, end)) - own):
            if gaps and gaps[-1]["nic"] == nic and gaps[-1]["end"] == hour:
                gaps[-1]["end"] = hour + 1
            else:
                gaps.append({"nic": nic, "start": hour, "end": hour + 1})
    found = [one for one, _ in evidence.connections()] if evidence else []
    share = sum(one.has_counters for one in found)
    is_v4 = any(log in reader.v4_logs for log, _ in logs)
    counters = "present" if 10 * share > 9 * len(found) else "absent" if 10 * share < len(found) else "mixed"
    if not found:
        counters = "present" if is_v4 else "absent"
    return {"nics": nics, "hours_expected": (end - start) * len(nics), "hours_seen": seen, "counters": counters,
            "gaps": [{"nic": gap["nic"], "from": when(gap["start"] * HOUR_MS), "to": when(gap["end"] * HOUR_MS)}
                     for gap in gaps]}


def review(rules_paths, scan, logs, since=None, until=None, strict=False):
    """The exactly defined part of a review, as a dictionary."""
    join = rules.Join(rules.load(rules_paths), scan, exposure.covered_defaults(rules_paths))
    reader = Reader(join, since, until, strict)
    blobs = envelope.read_blobs(logs, since, until)
    for blob in blobs:
        reader.take_blob(blob)
    duplicate = reader.settle()
    by_finding = {(e.joined.key[0], e.joined.key[1]): e for e in reader.evidence.values() if e.joined.reason is None}
    rows = []
    for finding in scan["findings"]:
        pair = (rules.lower(finding["nsg"]), rules.lower(finding["rule"]))
        evidence = by_finding.get(pair)
        empty = Evidence(None) if evidence is None else evidence
        sources = [source_row(address, entries) for address, entries in
                   sorted(empty.sources.items(), key=lambda item: source_order(*item))]
        rows.append({"nsg": finding["nsg"], "rule": finding["rule"], "coverage": coverage_of(reader, pair[0], evidence),
                     "traffic": traffic_of(empty), "sources": sources, "other_ports": other_ports_of(empty)})
    window = window_of(reader)
    return {
        "window": {"from": when(window[0] * HOUR_MS) if since is None else when(since),
                   "to": when(window[1] * HOUR_MS) if until is None else when(until)} if window else None,
        "inputs": {**reader.counts, "blobs": len(blobs), "bytes": sum(blob.size for blob in blobs), "pruned": 0,
                   "records_foreign": reader.foreign, "tuples_duplicate": duplicate, "by_layout": reader.by_layout,
                   "smtp_inbound": {"allowed": reader.allowed, "denied": reader.denied},
                   "bad_reasons": reader.bad_reasons,
                   "problems": [{"path": blob.path, "offset": offset, "code": code}
                                for blob in blobs for offset, code in blob.problems]},
        "rules": sorted(rows, key=lambda row: (rules.lower(row["nsg"]), rules.lower(row["rule"]))),
        "unmatched": unmatched_rows(reader),
        "denied": {"sources": len(reader.denied_sources), "tuples": reader.denied}}


def source_order(address, entries):
    messages = sum(one.kind() == "message" for one, _ in entries)
    return (-messages, -len(entries), address_order(address))


def unmatched_rows(reader):
    rows = []
    for evidence in reader.evidence.values():
        if evidence.joined.reason is None or not evidence.sources:
            continue
        entries = evidence.connections()
        rows.append({"nsg": evidence.joined.nsg, "rule": min(evidence.spellings, key=lambda name: name.encode()),
                     "reason": evidence.joined.reason, "connections": len(entries),
                     "tuples": sum(len(one.stamps) for one, _ in entries), "sources": len(evidence.sources)})
    return sorted(rows, key=lambda row: (rules.lower(row["nsg"] or ""), rules.lower(row["rule"]), row["reason"]))


def parse_when(value):
    if value is None:
        return None
    if len(value) == 10:
        value += "T00:00:00Z"
    return int(datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() * 1000)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rules", action="append", required=True)
    parser.add_argument("--scan", help="findings, as `nsgflow scan --format json` prints them")
    parser.add_argument("--since")
    parser.add_argument("--until")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("logs", nargs="+")
    options = parser.parse_args()
    if options.scan:
        with open(options.scan, encoding="utf-8") as handle:
            scan = json.load(handle)
    else:
        scan = exposure.scan_files(options.rules)
    found = review(options.rules, scan, options.logs, parse_when(options.since), parse_when(options.until),
                   options.strict)
    json.dump(found, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
