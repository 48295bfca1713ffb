#!/usr/bin/env python3
"""Seeded generator of small worlds: NSGs, and the flow logs Azure would write for them, with what can go wrong.

    gen_logs.py --seed 7 --out DIR [--with NAME,NAME...] [--without NAME,...] [--hours N] [--sources N] [--list]

Writes DIR/nsgs.json and DIR/logs/... and prints what it used. Without --with every feature below is drawn by the seed.
The same seed and options give the same bytes. The shapes follow real blobs: compact JSON on one line, records of a
minute cut in several of equal time, one blob per flow log, NIC and hour.
"""
import argparse
import datetime
import gzip
import json
import os
import random
import re
from dataclasses import dataclass, field

import gen_shapes

MINUTE_MS, HOUR_MS = 60 * 1000, 3600 * 1000
START_MS = 1767225600000            # 2026-01-01T00:00:00Z
FEATURES = {
    "nsg1": "NSG logs of version 1",
    "nsg2": "NSG logs of version 2",
    "vnet4": "virtual network logs of version 4",
    "mixed": "versions 2 and 1 in one NSG blob",
    "overlap": "several flow logs over one NIC",
    "chaos": "random states, gaps and counters under one key",
    "late": "stamps that go back",
    "bad": "bad tuples of every reason",
    "odd_names": "cut, default, platform, bare, admin and unknown rules and ids",
    "guid": "aclID as a GUID",
    "ipv6": "IPv6 clients and IPv4-mapped spellings",
    "noise": "other ports, protocols, outbound and denied flows",
    "keys": "other orders of keys",
    "nested": "records inside records",
    "ndjson": "one record per line",
    "bare": "records without a wrapper",
    "bom": "UTF-8 byte order marks",
    "fragment": "blocks of a growing blob",
    "pretty": "white space and CRLF as in old blobs",
    "empty": "empty arrays",
    "foreign": "records of other services and versions",
    "twice": "records and whole blobs that come twice",
    "escapes": "escaped characters in tuples",
    "cut": "blobs cut anywhere",
    "gzip": "gzip files, several members",
    "azure_paths": "the folder layout of Azure",
    "holes": "hours without a blob",
    "long": "gaps of half an hour and more, days later",
    "ports": "hundreds of other ports, and protocols without any",
    "no_mac": "NSG records without macAddress",
}
# what a world drawn by its seed leaves out more often than not
RARE = {"cut", "mixed", "no_mac", "bare", "ndjson", "fragment", "nested", "holes", "long", "foreign",
        "ports"}


@dataclass
class Nic:
    mac: str
    address: str
    address6: str
    nsgs: list
    logs: list = field(default_factory=list)


@dataclass
class Log:
    """A flow log: of one NSG (versions 1, 2) or of a network (version 4)."""
    id: str
    layout: str
    nsg: object = None
    stateless: bool = False
    jitter_ms: int = 0


@dataclass
class Event:
    """One line of a flow, before a layout gives it its text."""
    stamp: int
    nsg: object
    rule: str
    source: str
    source_port: int
    target: str
    target_port: int
    protocol: int = 6
    inbound: bool = True
    denied: bool = False
    state: str = "B"
    counters: tuple = None


class World:
    def __init__(self, seed, use=None, hours=None, sources=None):
        self.rng = random.Random(seed)
        self.use = set(use) if use is not None else self.draw_features()
        if not self.use & {"nsg1", "nsg2", "vnet4"}:
            self.use.add("vnet4")
        self.hours = hours or self.rng.choice([1, 2, 3, 30 if "long" in self.use else 4])
        self.n_sources = sources or self.rng.randint(3, 25)
        self.nsgs = [gen_shapes.make_nsg(self.rng, number) for number in range(self.rng.randint(1, 4))]
        self.sources = [self.make_source() for _ in range(self.n_sources)]
        self.nics = [self.make_nic(number) for number in range(self.rng.randint(1, 4))]

    def draw_features(self):
        return {name for name in FEATURES if self.rng.random() < (0.2 if name in RARE else 0.6)}

    def chance(self, feature, share):
        return feature in self.use and self.rng.random() < share

    def make_source(self):
        rng = self.rng
        four = ".".join(str(rng.randint(1, 223 if place == 0 else 254)) for place in range(4))
        if self.chance("ipv6", 0.4):
            return rng.choice(["2a01:%x::%x" % (rng.randrange(1 << 16), rng.randrange(1, 1 << 16)),
                               "2A01:0DB8:0:0:%X:0:0:%X" % (rng.randrange(1 << 16), rng.randrange(1 << 16)),
                               "::ffff:" + four, "fd00::%x" % rng.randrange(1, 999)])
        return rng.choice([four, four, four, "10.0.%d.%d" % (rng.randrange(3), rng.randint(4, 99)), "168.63.129.16"])

    def make_nic(self, number):
        rng = self.rng
        nic = Nic("%012X" % rng.randrange(1 << 48), "10.1.%d.4" % number, "fd00:1::%d" % (number + 4),
                  rng.sample(self.nsgs, min(len(self.nsgs), rng.randint(1, 2))))
        names = [name for name in ("nsg1", "nsg2", "vnet4") if name in self.use]
        logs = rng.sample(names, rng.randint(1, len(names))) if "overlap" in self.use else [rng.choice(names)]
        for layout in logs:
            if layout == "vnet4":
                count = 2 if self.chance("overlap", 0.5) else 1
                nic.logs += [Log(gen_shapes.vnet_log_id(rng, which), layout, jitter_ms=rng.choice([0, 0, 700, 2500]))
                             for which in range(count)]
            else:
                nic.logs += [Log(nsg.id.upper(), layout, nsg, rng.random() < 0.4) for nsg in nic.nsgs]
        return nic

    # ---- what happens on the network

    def events_of(self, nic):
        """Everything that the NIC saw, in order of time."""
        rng = self.rng
        found = []
        for _ in range(rng.randint(3, 8) * self.n_sources // 2 + 2):
            found += self.session(nic)
        if "noise" in self.use:
            for _ in range(rng.randint(5, 60)):
                found.append(self.noise(nic))
        if "ports" in self.use:
            for _ in range(rng.randint(300, 600)):
                found.append(self.noise(nic, rng.choice([6, 17, 6, 17, 1, 47, 58, 0, 255]), rng.randint(1, 200)))
        last = START_MS + self.hours * HOUR_MS
        return sorted((event for event in found if event.stamp < last), key=lambda event: event.stamp)

    def session(self, nic):
        rng = self.rng
        nsg = rng.choice(nic.nsgs)
        source = rng.choice(self.sources)
        target = nic.address6 if ":" in source and "." not in source else nic.address
        start = START_MS + rng.randrange(self.hours * HOUR_MS)
        port = rng.choice([rng.randint(1024, 65535), 40000, 0])
        lines = self.chaos() if self.chance("chaos", 0.35) else self.lines()
        denied = rng.random() < 0.1
        rule = self.rule_name(nsg)
        return [Event(start + at, nsg, rule, source, port, target, 25, denied=denied,
                      state="B" if denied else state, counters=None if denied else counters)
                for at, state, counters in lines]

    def lines(self):
        """One session as Azure logs it: [(ms from its start, state, counters)]."""
        rng = self.rng
        kind = rng.choice(["retries", "split", "plain", "plain", "long", "open", "answered_late", "ended_only"])
        end = rng.randint(50, 20000)
        total = self.session_counters()
        if kind == "retries":
            lines, at = [], 0
            for step in range(rng.randint(1, 6)):
                lines += [(at, "B", None), (at + rng.randint(0, 900), "E", (1, 60, 0, 0))]
                at += 1000 * 2 ** step
            return lines + ([(at, "B", None), (at + end, "E", total)] if rng.random() < 0.3 else [])
        if kind == "split":
            part = tuple(rng.randint(0, value) for value in total)
            return [(0, "B", None), (end, "E", part), (end, "B", None), (end + rng.randint(0, 9000), "E", total)]
        if kind == "long":
            count = rng.randint(1, 4)
            lines = [(0, "B", None)] + [(300000 * (step + 1), "C", total) for step in range(count)]
            return lines + [(300000 * count + end, "E", total)] * rng.randint(0, 2)
        if kind == "open":
            return [(0, "B", None)]
        if kind == "answered_late":
            return [(0, "B", None), (end, "E", (2, 120, 0, 0)), (end + rng.choice([0, 130000, 130001]), "B", None),
                    (end + 140000, "E", total)]
        if kind == "ended_only":
            return [(0, rng.choice("CE"), total)]
        return [(0, "B", None), (end, "E", total)] + ([(end, "E", total)] if rng.random() < 0.2 else [])

    def session_counters(self):
        """Counters of every class of session, and of their borders."""
        rng = self.rng
        kind = rng.randrange(8)
        if kind == 0:
            return (0, 0, 0, 0)
        if kind == 1:
            return (rng.randint(1, 6), rng.randint(40, 400), rng.randint(0, 2), rng.randint(0, 150))
        if kind == 2:                                                   # many small commands
            packets = rng.randint(18, 60)
            return (packets, packets * rng.choice([60, 114, 115]), packets, packets * 90)
        packets, answers = rng.randint(4, 60), rng.randint(4, 40)
        if kind == 3:                                                   # at the borders of a message
            said = rng.choice([1399, 1400, 1401, 7999, 8000])
            answered = rng.choice([19, 20, 99, 100, said * 5 // 4, said * 5 // 4 + 1, said * 2])
            answers = rng.choice([5, 6, answers])
            return (packets, said + 60 * packets, answers, answered + 52 * answers)
        if kind == 4:
            return (packets, rng.choice([999, 1000, 1001]), answers, rng.randint(100, 5000) + 52 * answers)
        return (packets, rng.randint(400, 90000), answers, rng.randint(0, 9000) + 52 * answers)

    def chaos(self):
        rng = self.rng
        gaps = [0, 0, 0, 1, 1000, 60000, 129999, 130000, 130001, 1799999, 1800000, 1800001, 4 * HOUR_MS]
        counters = [None, (0, 0, 0, 0), (1, 60, 0, 0), (3, 180, 2, 200), (3, 180, 2, 200), (9, 5000, 8, 700),
                    (9, 5000, 1, 60), (1 << 40, 1 << 50, 7, 900)]
        lines, at = [], 0
        for _ in range(rng.randint(2, 14)):
            lines.append((at, rng.choice("BBBEEEC"), rng.choice(counters)))
            at += rng.choice(gaps)
        return lines

    def noise(self, nic, protocol=None, port=None):
        rng = self.rng
        nsg = rng.choice(nic.nsgs)
        inbound = rng.random() < 0.6
        protocol = protocol if protocol is not None else rng.choice([6, 6, 6, 17])
        port = port or rng.choice([443, 80, 22, 25, 53, 0, 65535, rng.randint(1, 65535)])
        ends = [rng.choice([s for s in self.sources if "." in s] or ["9.9.9.9"]), nic.address]
        denied = rng.random() < 0.4
        rule = ("DefaultRule_DenyAllInBound" if denied and rng.random() < 0.5 else self.rule_name(nsg)) if inbound \
            else "DefaultRule_AllowInternetOutBound"
        return Event(START_MS + rng.randrange(self.hours * HOUR_MS), nsg, rule, ends[not inbound],
                     rng.randint(1, 65535), ends[inbound], port, protocol, inbound, denied,
                     "B" if denied else rng.choice("BBE"), (1, 60, 1, 60) if rng.random() < 0.5 else None)

    def rule_name(self, nsg):
        rng = self.rng
        if self.chance("odd_names", 0.25):
            return gen_shapes.odd_rule_name(rng, nsg)
        name = "UserRule_" + rng.choice(nsg.rules)["name"]
        if self.chance("odd_names", 0.1):
            name = rng.choice([name.upper(), name.lower()])
        return name

    # ---- what Azure writes of it

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "nsgs.json"), "w", encoding="utf-8") as handle:
            json.dump(gen_shapes.definitions(self.rng, self.nsgs), handle, indent=1)
        for nic in self.nics:
            events = self.events_of(nic)
            for log in nic.logs:
                self.write_log(os.path.join(folder, "logs"), nic, log, events)

    def write_log(self, folder, nic, log, events):
        hours = {}
        for (hour, minute), group in sorted(self.by_minute(nic, log, events).items()):
            hours.setdefault(hour, []).extend(self.records_of_minute(nic, log, minute, group))
        for hour, records in sorted(hours.items()):
            if self.chance("holes", 0.3):
                continue
            self.write_blob(folder, nic, log, hour, records)

    def by_minute(self, nic, log, events):
        """{(hour, minute of the record): [(nsg, rule, state or None, tuple text)]}; tuples are up to a minute older."""
        found = {}
        for event in events:
            if log.nsg is not None and event.nsg is not log.nsg:
                continue
            if log.stateless and event.state != "B":
                continue
            layout = log.layout
            if self.chance("mixed", 0.5) and layout != "vnet4":
                layout = {"nsg1": "nsg2", "nsg2": "nsg1"}[layout]
            if layout == "nsg1" and event.state != "B" and self.rng.random() < 0.7:
                continue
            minute = event.stamp // MINUTE_MS + 1
            text = self.tuple_text(log, layout, event)
            found.setdefault((minute // 60, minute), []).append((event.nsg, event.rule, layout, text))
            if self.chance("bad", 0.08):
                found[(minute // 60, minute)].append(
                    (event.nsg, event.rule, layout, gen_shapes.spoil(self.rng, text)))
        return found

    def tuple_text(self, log, layout, event):
        stamp = event.stamp + (self.rng.randint(0, log.jitter_ms) if log.jitter_ms else 0)
        if self.chance("late", 0.1):
            stamp -= self.rng.randint(1, 90000)
        return gen_shapes.tuple_text(self.rng, layout, event, stamp)

    def records_of_minute(self, nic, log, minute, group):
        """The records of one minute: cut like Azure cuts them, all with the same time."""
        rng = self.rng
        when = minute * MINUTE_MS + rng.randrange(45000)
        records = []
        size = rng.choice([1, 4, 40])
        for layout in ("nsg2", "nsg1", "vnet4"):
            lines = [line for line in group if line[2] == layout]
            for at in range(0, len(lines), size):
                records.append(gen_shapes.record(rng, self, nic, log, layout, when, lines[at:at + size]))
        if self.chance("foreign", 0.2):
            records.insert(rng.randrange(len(records) + 1), gen_shapes.foreign_record(rng, when))
        if self.chance("twice", 0.1):
            records.append(rng.choice(records))
        return records

    def write_blob(self, folder, nic, log, hour, records):
        rng = self.rng
        data = gen_shapes.blob(rng, self.use, records)
        if self.chance("cut", 0.3):
            data = data[:rng.randrange(len(data))]
        name = self.blob_name(nic, log, hour)
        if self.chance("gzip", 0.4):
            at = rng.randrange(len(data) + 1)
            data = gzip.compress(data[:at], mtime=0) + gzip.compress(data[at:], mtime=0)
            name += ".gz"
        self.put(os.path.join(folder, name), data)
        if self.chance("twice", 0.1):
            self.put(os.path.join(folder, "copy", name), data)

    def put(self, path, data):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as handle:
            handle.write(data)

    def blob_name(self, nic, log, hour):
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(hours=hour)
        if "azure_paths" not in self.use:
            words = re.sub("[^A-Za-z0-9]+", "-", log.id[-40:])
            return "%s-%s-%s-%s.json" % (words, nic.mac, moment.strftime("%d%H"), log.layout)
        if log.layout == "vnet4":
            head = "flowLogResourceID=/%s_NETWORKWATCHERRG/NETWORKWATCHER_WESTEUROPE_%s" % (
                log.id.split("/")[2], log.id.split("/")[-1])
        else:
            head = "resourceId=" + log.id
        return "%s/%s/macAddress=%s/PT1H.json" % (head, moment.strftime("y=%Y/m=%m/d=%d/h=%H/m=00"), nic.mac)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", metavar="DIR")
    parser.add_argument("--with", dest="use", help="exactly these features, with commas")
    parser.add_argument("--without", default="", help="not these features")
    parser.add_argument("--hours", type=int)
    parser.add_argument("--sources", type=int)
    parser.add_argument("--list", action="store_true", help="print the features and end")
    options = parser.parse_args()
    if options.list:
        print("\n".join("%-12s %s" % item for item in FEATURES.items()))
        return
    if not options.out:
        parser.error("--out is missing")
    world = World(options.seed, options.use.split(",") if options.use else None, options.hours, options.sources)
    world.use -= set(options.without.split(","))
    world.write(options.out)
    print(json.dumps({"seed": options.seed, "features": sorted(world.use), "hours": world.hours,
                      "nics": len(world.nics), "nsgs": len(world.nsgs), "sources": world.n_sources}))


if __name__ == "__main__":
    main()
