"""What judging needs of lists and logs beside the counts: who is listed where, and what sources do but for allowed mail.

Choices, where the contract leaves room:
- The list that the user gives is asked for a sender before the ranges that the program carries; in one list the longest
  prefix counts. Entries of one name, without case, are one provider and so one network; an entry without a name is one
  by itself. Partners have the network of everybody: their /24 or /48.
- Ports count with their protocol. Only TCP and UDP have ports that a mail server has no reason to touch.
- Outbound are TCP 25 and 587; a denied outbound tuple is a connection that nothing came back for.
"""
import datetime
import ipaddress
import os
import re

import connections
import read_logs
import rules
import tuples

HOUR_MS, DAY_MS = 3600 * 1000, 24 * 3600 * 1000
HERE = os.path.dirname(os.path.abspath(__file__))
PROVIDERS_FILE = os.path.join(HERE, "..", "..", "src", "lists", "providers.c")
UDP = 17
SENDER_PORTS = {25, 465, 587, 113, 53, 80, 443}
MAIL_PORTS = {25, 465, 587}


def net_of(address):
    """The /24 or /48 around it."""
    return ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)


# ---- lists

class Networks:
    """Prefixes with names; the longest that holds an address counts."""

    def __init__(self, paths=(), more=()):
        self.entries = list(more)               # (network, name)
        for path in paths:
            with open(path, encoding="utf-8") as handle:
                for line in handle:
                    words = re.split(r"[ \t;]+", line.split("#")[0].strip(), maxsplit=1)
                    if words[0]:
                        self.entries.append((ipaddress.ip_network(words[0]), words[1].strip() if len(words) > 1 else ""))

    def find(self, address):
        fitting = [entry for entry in self.entries if entry[0].version == address.version and address in entry[0]]
        return max(fitting, key=lambda entry: entry[0].prefixlen) if fitting else None

    def named(self, name):
        return [network for network, other in self.entries if other.lower() == name.lower()]


def built_in_providers():
    """The ranges that the program carries as data."""
    with open(PROVIDERS_FILE, encoding="utf-8") as handle:
        text = handle.read()
    found = []
    for name, prefixes in re.findall(r'\{\s*"([^"]+)",\s*"[^"]*",\s*"[^"]*",\s*\{([^}]*)\}', text):
        found += [(ipaddress.ip_network(prefix), name) for prefix in re.findall(r'"([^"]+)"', prefixes)]
    return found


class Lists:
    """The owner's own list of senders is asked before the one that the program carries."""

    def __init__(self, senders=(), partners=(), scanners=(), drop=()):
        self.senders, self.built_in = Networks(senders), Networks((), built_in_providers())
        self.partners, self.scanners, self.drop = Networks(partners), Networks(scanners), Networks(drop)

    def provider(self, address):
        """-> (listed prefix, all prefixes of that provider, what tells it from others), or None."""
        for number, table in enumerate((self.senders, self.built_in)):
            found = table.find(address)
            if found:
                network, name = found
                return network, table.named(name) if name else [network], (number, name.lower() or str(network))
        return None

    def network(self, address):
        """-> (key that tells networks apart, prefix as printed)."""
        provider = self.provider(address)
        if provider:
            return ("listed", provider[2]), provider[0]
        return ("own", str(net_of(address))), net_of(address)


# ---- reading what the counts leave out

class Cross:
    """What one address did but for its allowed mail."""

    def __init__(self):
        self.denied_tuples = 0
        self.denied_addresses, self.denied_ports, self.denied_mail_addresses = set(), set(), set()
        self.other_contacts = 0
        self.other_ports = set()
        self.has_odd_port = self.has_no_mail_port = False
        self.refused = []                       # (stamp, own address) of denied mail


class Reader(read_logs.Reader):
    def __init__(self, *options):
        super().__init__(*options)
        self.cross = {}
        self.outbound = {}

    def take_tuple(self, record, nic, nsg, rule, one):
        super().take_tuple(record, nic, nsg, rule, one)
        try:
            flow = tuples.parse(one, record.layout, True)
        except tuples.Bad:
            return
        if self.until is not None and flow.stamp >= self.until:
            return
        if not flow.inbound:
            if flow.protocol == tuples.TCP and flow.target_port in (25, 587):
                self.take_outbound(record, nic, nsg, rule, flow)
        elif self.in_window(flow.stamp):
            self.take_contact(flow)

    def take_contact(self, flow):
        cross = self.cross.setdefault(flow.source, Cross())
        port = flow.target_port or 0
        if flow.protocol in (tuples.TCP, UDP) and port not in SENDER_PORTS:
            cross.has_odd_port = True
        if flow.protocol != tuples.TCP or port not in MAIL_PORTS:
            cross.has_no_mail_port = True
        if flow.denied:
            cross.denied_tuples += 1
            cross.denied_addresses.add(flow.target)
            cross.denied_ports.add((flow.protocol, port))
            if tuples.is_smtp(flow):
                cross.denied_mail_addresses.add(flow.target)
                cross.refused.append((flow.stamp, flow.target))
        elif not tuples.is_smtp(flow):
            cross.other_contacts += 1
            cross.other_ports.add((flow.protocol, port))

    def take_outbound(self, record, nic, nsg, rule, flow):
        pair = (nic, rules.lower(nsg), rules.lower(rule), flow.source, flow.source_port, flow.target, flow.target_port)
        name = (record.flow_log,) + pair
        if flow.denied:                         # each one is an attempt of its own that nothing came back for
            name += (len(self.outbound),)
            flow.state, flow.counters = "E", (1, 60, 0, 0)
        key = self.outbound.setdefault(name, connections.Key())
        key.flow_log, key.pair, key.is_v4 = record.flow_log, pair, record.layout == "vnet4"
        key.newest = max(flow.stamp, key.newest or 0)
        key.take(key.newest, flow.state, flow.counters, self.in_window(key.newest))

    def settle(self):
        for key in self.keys.values():
            for one in key.connections:
                one.nic, one.source, one.source_port, one.target = key.pair[0], key.pair[2], key.pair[3], key.pair[4]
        return super().settle()

    def sent(self):
        """The outbound connections of the window, as Sent rows."""
        found = [(key.flow_log, key.is_v4, key.pair, one) for key in self.outbound.values() for one in key.connections
                 if one.stamps]
        dropped = connections.drop_seen_twice(found)
        rows = []
        for _, _, pair, one in found:
            if id(one) not in dropped:
                one.nic, one.target, one.port = pair[0], pair[5], pair[6]
                rows.append(one)
        return rows


def start_of(one):
    return min(one.stamps)


def day_of(one):
    return start_of(one) // DAY_MS


def week_of(one):
    return iso_week(day_of(one))


def iso_week(day):
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isocalendar()[:2]


def is_message(one):
    return one.kind() == "message"


def messages_of(found):
    return [one for one in found if is_message(one)]
