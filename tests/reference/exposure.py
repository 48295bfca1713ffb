#!/usr/bin/env python3
"""A slow evaluator of which NSG rules let the internet reach TCP 25, asking point by point.

    exposure.py NSGS.json...

All prefixes of an NSG cut IPv4 and IPv6 into elementary intervals; inside one, every rule says the same of every
address, so one question per interval and rule is enough. Names that are no addresses (service tags, security groups)
are points of their own. Prints `nsgflow.scan/1` as far as it is defined exactly. Read are lists of NSGs as the az CLI
and the ARM REST interface write them.

Choices, where the contract leaves room:
- A rule is unreadable for the entries that cannot be read, not for the others: a readable prefix of an Allow opens, and
  an unresolved tag is a point that `*`, `Internet` and the same tag take. But a Deny with a malformed entry takes
  nothing.
- A `/0` behind something that is no address (`/0`, `0/0`) means `*`.
- Unset sources (without a security group), unset destination ports and an unset protocol are unreadable.
- Every tag but VirtualNetwork, AzureLoadBalancer and the platform's own counts as public when `Internet` takes it.
- Destination sets are sets over both families: 0.0.0.0/0 does not contain `*`.
- `reduced_by` names the rules that took something from what was left of the Allow, and, with part, those that would
  have but for their narrow ports or destinations. `still_open_via` names each other Allow that would open any of the
  same public sources if the rule were gone.
- An Allow is a finding `unknown` when an entry of it that could not be read is left after the earlier rules and it does
  not itself open the limit; in an NSG that is `unknown` no other rule is a finding.
- Rules of equal priority: Denies last, else by name.
"""
import ipaddress
import json
import re
import sys

import rules as definitions

PORT = 25
PRIORITY_MAX = 4096                 # of custom rules; the default ones lie above
V4_ALL, V6_ALL = (0, (1 << 32) - 1), (0, (1 << 128) - 1)
SPECIAL_V4 = ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
              "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
              "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"]
PUBLIC_V4_COUNT = 3702258431
PUBLIC_V6 = (0x2000 << 112, (0x4000 << 112) - 1)
PUBLIC_V6_COUNT = 1 << 125
LIMIT_V4, LIMIT_V6 = 1 << 24, 1 << 112
EXPOSED_SLACK = 1 << 24
INNER_TAGS = {"virtualnetwork", "azureloadbalancer", "azureplatformdns", "azureplatformimds", "azureplatformlkm"}
TCP_WORDS = {"tcp", "*", "any", "all", "6"}
OTHER_WORDS = {"udp", "icmp", "icmpv6", "esp", "ah"}
TAG = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)?")
DEFAULT_ALLOWS = [
    {"name": "AllowVnetInBound", "priority": 65000, "direction": "Inbound", "access": "Allow", "protocol": "*",
     "sourceAddressPrefix": "VirtualNetwork", "destinationAddressPrefix": "VirtualNetwork", "destinationPortRange": "*"},
    {"name": "AllowAzureLoadBalancerInBound", "priority": 65001, "direction": "Inbound", "access": "Allow",
     "protocol": "*", "sourceAddressPrefix": "AzureLoadBalancer", "destinationPortRange": "*"}]


class Unreadable(Exception):
    """An entry of a rule that says nothing."""


def public_v4():
    """The public IPv4 space as sorted intervals."""
    taken = sorted((int(net[0]), int(net[-1])) for net in map(ipaddress.ip_network, SPECIAL_V4))
    found, at = [], 0
    for first, last in taken:
        if first > at:
            found.append((at, first - 1))
        at = max(at, last + 1)
    return found + ([(at, V4_ALL[1])] if at <= V4_ALL[1] else [])


PUBLIC_V4 = public_v4()


def read_address(text):
    """One address prefix or range -> (family, first, last). Raises Unreadable."""
    try:
        if "-" in text:
            first, last = (ipaddress.ip_address(part.strip()) for part in text.split("-", 1))
            if first.version != last.version or first > last:
                raise Unreadable(text)
            return (first.version, int(first), int(last))
        if "%" in text or not re.fullmatch(r"[0-9A-Fa-f:.]+(/[0-9]{1,3})?", text):
            raise Unreadable(text)
        net = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Unreadable(text) from None
    return (net.version, int(net[0]), int(net[-1]))


def is_address(text):
    try:
        read_address(text)
        return True
    except Unreadable:
        return False


class Space:
    """A set of addresses and named points, from the entries of a rule."""

    def __init__(self):
        self.ranges = []            # (family, first, last, entry)
        self.points = {}            # name -> entry
        self.everything = []        # the entries that are `*`
        self.internet = None        # the entry that is `Internet`
        self.malformed = []

    def is_all(self):
        """`*`, or all of both families."""
        return bool(self.everything) or (is_covered((4, *V4_ALL), [part[:3] for part in self.ranges])
                                         and is_covered((6, *V6_ALL), [part[:3] for part in self.ranges]))

    def has_range(self, family, address):
        return self.everything or any(f == family and first <= address <= last for f, first, last, _ in self.ranges)

    def has_point(self, name):
        if name in self.points or self.is_all():
            return True
        return bool(self.internet) and name.startswith("tag:") and name[4:] not in INNER_TAGS


def read_sources(entries, groups):
    space = Space()
    for entry in entries:
        word = entry.strip().lower()
        if word in ("*", "any"):
            space.everything.append(entry)
        elif word == "internet":
            space.internet = entry
            space.ranges += [(4, first, last, entry) for first, last in PUBLIC_V4]
            space.ranges.append((6, *PUBLIC_V6, entry))
        else:
            try:
                space.ranges.append((*read_address(entry.strip()), entry))
            except Unreadable:
                if word.endswith("/0"):
                    space.everything.append(entry)
                elif TAG.fullmatch(word):
                    space.points["tag:" + word] = entry
                else:
                    space.malformed.append(entry)
                    space.points["bad:" + entry] = entry
    for group in groups:
        space.points["asg:" + group.lower()] = group
    if not entries and not groups:
        space.malformed.append("")
        space.points["bad:"] = ""
    return space


def read_ports(entries):
    """Port entries -> a number with one bit per port, and whether an entry could not be read."""
    mask, bad = 0, False
    for entry in entries:
        for part in str(entry).split(","):
            part = part.strip()
            if part in ("*", "Any", "any"):
                part = "0-65535"
            match = re.fullmatch(r"([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?", part)
            if not match:
                bad = True
                continue
            first, last = int(match.group(1)), int(match.group(2) or match.group(1))
            if first > last or last > 65535:
                bad = True
                continue
            mask |= ((1 << (last - first + 1)) - 1) << first
    return mask, bad


ALL_PORTS = read_ports(["1-65535"])[0]


def as_list(*members):
    found = []
    for value in members:
        for item in value if isinstance(value, list) else [value]:
            if item not in (None, ""):
                found.append(str(item) if not isinstance(item, dict) else item.get("id", ""))
    return found


class Rule:
    def __init__(self, raw):
        def get(name):
            return definitions.member(raw, name)
        self.name = raw["name"]
        self.priority = int(get("priority"))
        self.inbound = str(get("direction") or "").lower() == "inbound"
        self.access = str(get("access") or "").lower()
        self.source_entries = as_list(get("sourceAddressPrefix"), get("sourceAddressPrefixes"))
        self.sources = read_sources(self.source_entries, as_list(get("sourceApplicationSecurityGroups")))
        self.port_entries = as_list(get("destinationPortRange"), get("destinationPortRanges"))
        ports, self.bad_ports = read_ports(self.port_entries)
        self.bad_ports = self.bad_ports or not self.port_entries
        self.has_port = bool(ports >> PORT & 1)
        self.opens_other_ports = bool((ports & ALL_PORTS) & ~(1 << PORT))
        source_ports = as_list(get("sourcePortRange"), get("sourcePortRanges"))
        self.source_ports, self.bad_source_ports = read_ports(source_ports or ["*"])
        self.read_destinations(as_list(get("destinationAddressPrefix"), get("destinationAddressPrefixes")),
                               as_list(get("destinationApplicationSecurityGroups")))
        protocol = str(get("protocol") or "").lower()
        self.is_tcp = protocol in TCP_WORDS
        self.bad_protocol = not self.is_tcp and protocol not in OTHER_WORDS and not protocol.isdigit()

    def read_destinations(self, entries, groups):
        self.all_targets = not entries and not groups
        self.target_ranges, self.target_points, self.bad_targets = [], {g.lower() for g in groups}, False
        for entry in entries:
            word = entry.strip().lower()
            if word in ("*", "any", "virtualnetwork") or (word.endswith("/0") and not is_address(word)):
                self.all_targets = True
                continue
            try:
                self.target_ranges.append(read_address(entry.strip()))
            except Unreadable:
                self.target_points.add("tag:" + word)
                self.bad_targets = self.bad_targets or not TAG.fullmatch(word)
        self.all_targets = self.all_targets or (is_covered((4, *V4_ALL), self.target_ranges)
                                                and is_covered((6, *V6_ALL), self.target_ranges))

    def is_unreadable(self):
        """Not even known whether it matches TCP 25 at all."""
        if self.access not in ("allow", "deny") or self.bad_protocol:
            return True
        could_match = self.is_tcp and (self.has_port or self.bad_ports)
        return could_match and (self.bad_ports and not self.has_port)

    def matches_port(self):
        return self.is_tcp and self.has_port and not self.is_unreadable()

    def takes_from(self, allow):
        """Wide enough in source ports and destinations to take its sources from `allow`."""
        if self.all_targets and not ALL_PORTS & ~self.source_ports:
            return True
        if self.bad_source_ports or self.bad_targets or allow.bad_source_ports or allow.bad_targets:
            return False
        if allow.source_ports & ~self.source_ports & ALL_PORTS:
            return False
        if self.all_targets:
            return True
        if allow.all_targets or not allow.target_points <= self.target_points:
            return False
        return all(is_covered(part, self.target_ranges) for part in allow.target_ranges)

    def may_take(self):
        """A Deny with a malformed entry takes nothing."""
        return self.matches_port() and (self.access == "allow" or not self.sources.malformed)


def is_covered(part, ranges):
    family, at, last = part
    for _, first, end in sorted(r for r in ranges if r[0] == family):
        if first <= at <= end:
            at = end + 1
    return at > last


class Nsg:
    """One NSG with everything that can be asked of it."""

    def __init__(self, item):
        self.id, self.name = item["id"], item.get("name")
        self.guid = definitions.member(item, "resourceGuid")
        attachments = [definitions.member(item, name) for name in ("subnets", "networkInterfaces")]
        known = [value for value in attachments if value is not None]
        self.attached_to = sorted({entry["id"] for value in known for entry in value})
        self.latent = bool(known) and not self.attached_to
        found = [Rule(raw) for raw in (definitions.member(item, "securityRules") or []) + DEFAULT_ALLOWS]
        self.rules = sorted((rule for rule in found if rule.inbound),
                            key=lambda rule: (rule.priority, rule.access == "deny", rule.name.lower()))
        self.allows = [rule for rule in self.rules if rule.access == "allow" and rule.matches_port()]
        self.dark = [rule for rule in self.rules if rule.is_unreadable() and rule.access != "deny"]
        self.intervals = self.cut()
        self.names = sorted({name for rule in self.rules for name in rule.sources.points})

    def cut(self):
        """Elementary intervals: (family, first, count, is public)."""
        cuts = {4: {0, V4_ALL[1] + 1}, 6: {0, V6_ALL[1] + 1}}
        everything = [(4, *part) for part in PUBLIC_V4] + [(6, *PUBLIC_V6)]
        for rule in self.rules:
            everything += [part[:3] for part in rule.sources.ranges]
        for family, first, last in everything:
            cuts[family] |= {first, last + 1}
        found = []
        for family, points in cuts.items():
            edges = sorted(points)
            for first, behind in zip(edges, edges[1:]):
                public = any(f == family and a <= first <= b for f, a, b in
                             [(4, *part) for part in PUBLIC_V4] + [(6, *PUBLIC_V6)])
                found.append((family, first, behind - first, public))
        return found

    def walk(self, allow, gone=None):
        """What is left of an Allow, and who stood before it -> Left."""
        left = Left(allow)
        earlier = [rule for rule in self.rules[:self.rules.index(allow)] if rule is not gone and rule.may_take()]
        for interval in self.intervals:
            if allow.sources.has_range(interval[0], interval[1]):
                left.ask(earlier, interval, lambda rule, i=interval: rule.sources.has_range(i[0], i[1]))
        for name in sorted(allow.sources.points):
            left.ask(earlier, name, lambda rule, n=name: rule.sources.has_point(n))
        return left

    def lets_in(self, allow, name, gone):
        """A point that the Allow names, or covers with `*` or `Internet`, and that no earlier rule takes."""
        earlier = [rule for rule in self.rules[:self.rules.index(allow)] if rule is not gone and rule.may_take()]
        return allow.sources.has_point(name) and not any(
            rule.sources.has_point(name) and rule.takes_from(allow) for rule in earlier)


class Left:
    """What earlier rules leave of an Allow."""

    def __init__(self, allow):
        self.allow = allow
        self.intervals, self.points = [], []
        self.takers, self.narrow = [], []       # rules, in order of priority
        self.deny_took_v4 = False

    def ask(self, earlier, place, holds):
        narrow = []
        for rule in earlier:
            if not holds(rule):
                continue
            if rule.takes_from(self.allow):
                self.note(self.takers, [rule])
                self.note(self.narrow, narrow)
                if rule.access == "deny" and isinstance(place, tuple) and place[0] == 4:
                    self.deny_took_v4 = True
                return
            narrow.append(rule)
        self.note(self.narrow, narrow)
        (self.intervals if isinstance(place, tuple) else self.points).append(place)

    @staticmethod
    def note(where, found):
        where += [rule for rule in found if rule not in where]

    def public(self, family):
        return sum(count for f, _, count, public in self.intervals if public and f == family)

    def is_empty(self):
        return not self.intervals and not self.points

    def clouds(self):
        return [name for name in self.points if re.fullmatch(r"tag:azurecloud(\..*)?", name)]

    def unknown_points(self):
        """Entries left that could not be read and that the rule's own wide entries do not cover."""
        if self.allow.sources.is_all():
            return []
        if self.allow.sources.internet:
            return [name for name in self.points if name.startswith("bad:")]
        return [name for name in self.points if name.startswith("bad:") or (
            name.startswith("tag:") and name[4:] not in INNER_TAGS and name not in self.clouds())]

    def open_clouds(self):
        covered = self.allow.sources.is_all() or self.allow.sources.internet
        return [] if covered else self.clouds()

    def opens_public(self):
        return bool(self.public(4) or self.public(6) or self.open_clouds())

    def opens_limit(self):
        return self.public(4) >= LIMIT_V4 or self.public(6) >= LIMIT_V6 or bool(self.open_clouds())


def verdict_of(lefts):
    """The verdict that these Allows make together, as if nothing else were unreadable."""
    public = {(f, first): count for left in lefts for f, first, count, is_public in left.intervals if is_public}
    v4 = sum(count for (family, _), count in public.items() if family == 4)
    v6 = sum(count for (family, _), count in public.items() if family == 6)
    if v4 >= PUBLIC_V4_COUNT - EXPOSED_SLACK:
        return "exposed"
    if v6 == PUBLIC_V6_COUNT and v4 == 0 and not any(left.deny_took_v4 for left in lefts if left.public(6)):
        return "exposed"
    if v4 >= LIMIT_V4 or v6 >= LIMIT_V6 or any(left.open_clouds() for left in lefts):
        return "partial"
    return "restricted" if v4 or v6 else "closed"


def v6_word(count):
    return "full" if count == PUBLIC_V6_COUNT else "part" if count else "none"


def union_counts(lefts):
    public = {(f, first): count for left in lefts for f, first, count, is_public in left.intervals if is_public}
    return [sum(count for (f, _), count in public.items() if f == family) for family in (4, 6)]


def responsible(left):
    """The entries of the rule that still let public sources, or something unreadable, in."""
    sources = left.allow.sources
    found = set()
    for family, first, _, public in left.intervals:
        if public:
            found |= {entry for f, a, b, entry in sources.ranges if f == family and a <= first <= b}
            found |= set(sources.everything)
    found |= {sources.points[name] for name in left.open_clouds() + left.unknown_points() if name in sources.points}
    return sorted(found)


def still_open(nsg, left):
    """Other Allows that would let the same public sources in if the rule were gone."""
    lost = {(f, first) for f, first, _, public in left.intervals if public}
    found = []
    for other in nsg.allows:
        if other is left.allow:
            continue
        then = nsg.walk(other, gone=left.allow)
        same = any((f, first) in lost for f, first, _, _ in then.intervals)
        if same or any(nsg.lets_in(other, name, left.allow) for name in left.open_clouds()):
            found.append(other.name)
    return sorted(found)


def scan_nsg(nsg):
    """-> (row of `nsgs`, findings, shadowed)."""
    lefts = [nsg.walk(allow) for allow in nsg.allows]
    alive = [left for left in lefts if not left.is_empty()]
    shadowed = [{"nsg": nsg.id, "rule": left.allow.name, "priority": left.allow.priority,
                 "by": sorted(rule.name for rule in left.takers)}
                for left in lefts if left.is_empty() and left.allow.priority <= PRIORITY_MAX]
    dark = [left for left in (nsg.walk(rule) for rule in nsg.dark) if not left.is_empty()]
    verdict = verdict_of(alive)
    unknown = [left for left in alive if left.unknown_points() and not left.opens_limit()] + dark
    blind = [left for left in alive if left.unknown_points()] + dark
    if blind and verdict not in ("exposed", "partial"):
        verdict = "unknown"
    wide = [left for left in alive if left.opens_limit()]
    chosen = []
    if verdict in ("exposed", "partial"):
        chosen = wide if verdict_of(wide) == verdict else [left for left in alive if left.opens_public()]
    findings = []
    for left in chosen + [left for left in unknown if left not in chosen]:
        is_dark = left in dark
        findings.append(finding_row(nsg, left, "unknown" if left in unknown else verdict, is_dark))
    v4, v6 = union_counts(alive)
    row = {"nsg": nsg.id, "name": nsg.name, "guid": nsg.guid, "verdict": verdict, "latent": nsg.latent,
           "public_ipv4": v4, "public_ipv6": v6_word(v6), "attached_to": nsg.attached_to}
    return row, findings, shadowed


def finding_row(nsg, left, verdict, is_dark):
    allow = left.allow
    return {"nsg": nsg.id, "rule": allow.name, "priority": allow.priority, "verdict": verdict, "latent": nsg.latent,
            "sources": sorted(allow.source_entries) if is_dark else responsible(left),
            "ports": sorted({part.strip() for entry in allow.port_entries for part in entry.split(",")
                             if read_ports([part])[0] >> PORT & 1}),
            "opens_other_ports": allow.opens_other_ports,
            "public_ipv4": 0 if is_dark else left.public(4),
            "public_ipv6": "none" if is_dark else v6_word(left.public(6)),
            "reduced_by": [{"rule": rule.name, "part": rule not in left.takers} for rule in
                           sorted({*left.takers, *left.narrow}, key=lambda rule: rule.name)],
            "still_open_via": [] if is_dark else still_open(nsg, left)}


def read_nsgs(paths):
    found = {}
    for path in paths:
        with open(path, encoding="utf-8-sig") as handle:
            raw = json.load(handle)
        if isinstance(raw, dict):
            raw = raw.get("value", raw.get("NewNSG", raw))
        for item in raw if isinstance(raw, list) else [raw]:
            found[definitions.lower(item["id"])] = item
    return [Nsg(found[key]) for key in sorted(found)]


def covered_defaults(paths):
    """Default Allows that earlier rules cover today: (id, rule), both in lower case."""
    return {(definitions.lower(nsg.id), definitions.lower(allow.name)) for nsg in read_nsgs(paths)
            for allow in nsg.allows if allow.priority > PRIORITY_MAX and nsg.walk(allow).is_empty()}


def scan_files(paths):
    nsgs, findings, shadowed = [], [], []
    for nsg in read_nsgs(paths):
        row, own, covered = scan_nsg(nsg)
        nsgs.append(row)
        findings += own
        shadowed += covered
    for rows in (findings, shadowed):
        rows.sort(key=lambda row: (definitions.lower(row["nsg"]), row["priority"], row["rule"]))
    return {"schema": "nsgflow.scan/1", "nsgs": nsgs, "findings": findings, "shadowed": shadowed}


if __name__ == "__main__":
    json.dump(scan_files(sys.argv[1:]), sys.stdout, indent=1)
    print()
