#!/usr/bin/env python3
"""A seeded world whose truth is known: who sends mail to an exposed server, who only scans it, and the logs of it all.

    world.py --seed 1 --layout vnet4|nsg2|nsg2b|nsg1 --out DIR [--days 35]

Writes DIR/nsgs.json, DIR/logs/..., the lists DIR/senders.txt, drop.txt, scanners.txt, and DIR/truth.json. Layouts:
vnet4 and nsg2 with counters, nsg2b as Azure logs inbound rules without a flow timeout (beginnings only, no counters),
nsg1.

Sizes of sessions follow those measured against a Postfix-like server (IP bytes): a banner grab 5 packets and 268 bytes
in, EHLO and QUIT 6 and 352, a refused relay test 9 and 601, ten guesses 36 and 2,260, mail of 1.5 KB 11 and 2,232, the
same over TLS 17 and 3,312 with 3,504 out, mail of 10 KB 16 and 11,003.
"""
import argparse
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "reference"))

import gen_shapes           # noqa: E402
from gen_logs import Event  # noqa: E402

SECOND, MINUTE, HOUR = 1000, 60 * 1000, 3600 * 1000
DAY = 24 * HOUR
START = 1767225600000       # 2026-01-01T00:00:00Z
LAYOUTS = {"vnet4": ("vnet4", False), "nsg2": ("nsg2", False), "nsg2b": ("nsg2", True), "nsg1": ("nsg1", True)}
MAIL_RULE, WEB_RULE = "UserRule_allow-smtp", "UserRule_allow-web"
DENY_RULE, OUT_RULE = "DefaultRule_DenyAllInBound", "DefaultRule_AllowInternetOutBound"
SCAN_PORTS = [22, 23, 3389, 445, 8080, 8443, 21, 3306, 5900, 6379, 25]
PROVIDERS = {"Outlook": ["40.92.0.0/15", "52.100.0.0/14"], "Googlemail": ["209.85.128.0/17", "74.125.0.0/16"],
             "Newsletters": ["149.72.0.0/16"]}


class Nic:
    def __init__(self, mac, address, nsg, log):
        self.mac, self.address, self.nsg, self.log = mac, address, nsg, log
        self.events = []


class Log:
    """What gen_shapes asks of a flow log."""

    def __init__(self, log_id, layout):
        self.id, self.layout = log_id, layout


class Plain:
    """What gen_shapes asks of a world: no odd features."""
    use = set()

    def chance(self, feature, share):
        return False


class World:
    def __init__(self, seed, layout, days, relay="honest"):
        self.relay = relay
        self.rng = random.Random(seed)
        self.layout, self.is_stateless = LAYOUTS[layout]
        self.days = days
        self.truth = {}
        self.used_networks = set()
        self.scanners, self.drop = [], []
        self.open_nsg = self.make_nsg("mail-nsg", [
            gen_shapes.make_rule("allow-smtp", 200, "Internet", "25"),
            gen_shapes.make_rule("allow-web", 300, "Internet", "443")])
        self.closed_nsg = self.make_nsg("web-nsg", [gen_shapes.make_rule("allow-web", 300, "Internet", "443")])
        self.mx = self.make_nic(0, self.open_nsg)
        self.second = self.make_nic(1, self.closed_nsg)     # a published MX whose port is closed
        self.others = [self.make_nic(number, self.closed_nsg) for number in range(2, 8)]
        self.nics = [self.mx, self.second] + self.others

    def make_nsg(self, name, rules):
        nsg_id = "/subscriptions/77770000-0000-0000-0000-000000000000/resourceGroups/mail/providers/" \
            "Microsoft.Network/networkSecurityGroups/" + name
        return gen_shapes.Nsg(nsg_id, "7777%04x-0000-4000-8000-000000000000" % self.rng.randrange(1 << 16), rules)

    def make_nic(self, number, nsg):
        log_id = gen_shapes.vnet_log_id(self.rng, 0) if self.layout == "vnet4" else nsg.id.upper()
        return Nic("000D3A0000%02X" % number, "10.2.0.%d" % (number + 4), nsg, Log(log_id, self.layout))

    # ---- addresses and truth

    def network(self):
        """A /24 nobody else uses, far from the providers' ranges."""
        while True:
            found = "%d.%d.%d." % (self.rng.choice([5, 31, 46, 62, 78, 81, 91, 109, 185, 193, 194, 195, 212, 217]),
                                   self.rng.randrange(256), self.rng.randrange(256))
            if found not in self.used_networks:
                self.used_networks.add(found)
                return found

    def address(self, network=None):
        while True:
            found = (network or self.network()) + str(self.rng.randint(1, 254))
            if found not in self.truth:
                return found

    def pool_address(self, prefix):
        head, length = prefix.split("/")
        octets = [int(part) for part in head.split(".")]
        base = octets[0] << 24 | octets[1] << 16 | octets[2] << 8
        # pools rotate over some hosts of some networks
        number = base + (self.rng.randrange(8) << 8) * (1 << max(0, 16 - int(length))) + self.rng.randint(10, 60)
        return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))

    def know(self, address, kind, side, is_recurring=False):
        """The truth about an address: side is sender, hostile or neither; recurring senders must be kept."""
        self.truth[address] = {"address": address, "kind": kind, "side": side, "recurring": is_recurring}
        return address

    # ---- sessions: packets and bytes in, packets and bytes out

    def mail(self, size=None, is_tls=None):
        rng = self.rng
        size = size or int(rng.lognormvariate(9, 1.2)) + 1500
        is_tls = rng.random() < 0.7 if is_tls is None else is_tls
        packets = 10 + size // 1400 + (6 if is_tls else 0) + rng.randint(0, 2)
        answers = 9 + size // 4000 + (4 if is_tls else 0) + rng.randint(0, 2)
        return (packets, 54 * packets + 260 + size + (900 if is_tls else 0) + rng.randint(0, 60),
                answers, 54 * answers + 420 + (2350 if is_tls else 0) + rng.randint(0, 80))

    def alert(self):
        """A tiny mail over TLS: cannot be told from STARTTLS without a message."""
        packets, answers = 15 + self.rng.randint(0, 2), 13
        return (packets, 54 * packets + 1500 + self.rng.randint(0, 300), answers, 54 * answers + 3100)

    def greylisted(self):
        return (8, 8 * 54 + self.rng.randint(120, 200), 8, 8 * 54 + self.rng.randint(300, 420))

    def grab(self):
        return self.rng.choice([(5, 268, 4, 300), (6, 352, 5, 480), (4, 216, 3, 230), (3, 164, 2, 160),
                                (10, 1189, 10, 2742), (9, 601, 8, 780)])

    def guess(self):
        tries = self.rng.randint(8, 40)
        packets = 6 + 3 * tries
        return (packets, 62 * packets + self.rng.randint(0, 200), packets - 2, 82 * packets)

    def list_mail(self):
        """One mail to fifty recipients, command by command."""
        return (70 + self.rng.randint(0, 5), 70 * 96 + self.rng.randint(0, 300), 62, 62 * 54 + 3900)

    # ---- events

    def session(self, source, stamp, counters, nic=None, rule=MAIL_RULE, port=25, source_port=None):
        """One TCP session as the platform logs it; some are split at birth, some try again first."""
        nic, rng = nic or self.mx, self.rng
        source_port = source_port or rng.randint(1024, 65535)
        lines = [(0, "B", None)]
        took = rng.randint(300, 8000) + counters[1] // 20
        if rng.random() < 0.04:
            lines = [(0, "B", None), (10, "E", (1, 60, 0, 0)), (1000, "B", None)]
            took += 1000
        elif rng.random() < 0.05:
            part = tuple(value // 3 for value in counters)
            lines += [(took, "E", part), (took, "B", None)]
            took += rng.randint(100, 4000)
        lines.append((took, "E", counters))
        for at, state, numbers in lines:
            self.add(nic, Event(stamp + at, nic.nsg, rule, source, source_port, nic.address, port, state=state,
                                counters=numbers))

    def denied(self, source, stamp, nic, port=25):
        self.add(nic, Event(stamp, nic.nsg, DENY_RULE, source, self.rng.randint(1024, 65535), nic.address, port,
                            denied=True))

    def outbound(self, stamp, target, counters, nic=None):
        nic = nic or self.mx
        port = self.rng.randint(32768, 60999)
        for at, state, numbers in ((0, "B", None), (2500, "E", counters)):
            self.add(nic, Event(stamp + at, nic.nsg, OUT_RULE, nic.address, port, target, 25, inbound=False,
                                state=state, counters=numbers))

    def add(self, nic, event):
        if START <= event.stamp < START + self.days * DAY:
            nic.events.append(event)

    def working_time(self, day):
        return START + day * DAY + int(self.rng.triangular(5, 22, 11) * HOUR)

    def any_time(self, day=None):
        day = self.rng.randrange(self.days) if day is None else day
        return START + day * DAY + self.rng.randrange(DAY)

    # ---- who is out there

    def populate(self):
        self.senders()
        self.odd_senders()
        self.hostile()
        self.neutral()
        self.outgoing()

    def senders(self):
        for name, prefixes in PROVIDERS.items():
            for day in range(self.days):
                for _ in range(self.rng.randint(2, 10)):
                    source = self.pool_address(self.rng.choice(prefixes))
                    self.know(source, "provider " + name, "sender", False)
                    self.session(source, self.working_time(day), self.mail())
        for _ in range(12):
            source = self.know(self.address(), "small sender", "sender", True)
            for day in self.days_of(0.25 + self.rng.random() * 0.6):
                for _ in range(self.rng.randint(1, 4)):
                    self.session(source, self.working_time(day), self.mail())
        for _ in range(6):
            source = self.know(self.address(), "greylisted sender", "sender", True)
            for day in self.days_of(0.4):
                stamp = self.working_time(day)
                self.session(source, stamp, self.greylisted())
                self.session(source, stamp + self.rng.randint(5, 30) * MINUTE, self.mail())
        for _ in range(6):
            source = self.know(self.address(), "month-end sender", "sender")
            for day in (29, 30)[:self.rng.randint(1, 2)]:
                self.session(source, self.working_time(min(day, self.days - 1)), self.mail())

    def odd_senders(self):
        rng = self.rng
        for _ in range(5):
            source = self.know(self.address(), "nightly alert over TLS", "sender", True)
            minute = rng.randrange(24 * 60)
            for day in self.days_of(0.95):
                self.session(source, START + day * DAY + minute * MINUTE + rng.randrange(20 * SECOND), self.alert())
        for _ in range(3):
            source = self.know(self.address(), "mailing list", "sender", True)
            for day in self.days_of(0.3):
                self.session(source, self.working_time(day), self.list_mail())
                if rng.random() < 0.7:
                    self.session(source, self.working_time(day), self.mail(size=20000))
        for _ in range(4):
            source = self.know(self.address(), "sender that visits our web site", "sender", True)
            for day in self.days_of(0.5):
                stamp = self.working_time(day)
                self.session(source, stamp, self.mail())
                self.session(source, stamp + HOUR, (20, 3000, 25, 30000), rng.choice(self.others), WEB_RULE, 443)
        for _ in range(4):
            source = self.know(self.address(), "sender that tries the closed second MX", "sender", True)
            for day in self.days_of(0.5):
                stamp = self.working_time(day)
                self.denied(source, stamp, self.second)
                self.session(source, stamp + 2 * SECOND, self.mail())
        for _ in range(3):
            source = self.know(self.address(), "refused sender that tries again", "sender")
            stamp = self.any_time(rng.randrange(self.days - 5))
            for gap in (0, 300, 900, 1800, 3600, 7200, 14400, 14400, 14400):
                stamp += gap * SECOND + rng.randrange(20 * SECOND)
                self.denied(source, stamp, self.second)

    def hostile(self):
        rng = self.rng
        for number in range(25):
            source = self.know(self.address(), "wide scanner", "hostile")
            if number < 5:
                self.scanners.append(source)
            for _ in range(rng.randint(1, 6)):
                stamp = self.any_time()
                for nic in rng.sample(self.nics, rng.randint(4, len(self.nics))):
                    for port in rng.sample(SCAN_PORTS, rng.randint(1, 5)):
                        if nic is self.mx and port == 25:
                            continue
                        self.denied(source, stamp + rng.randrange(HOUR), nic, port)
                self.session(source, stamp, self.grab())
        for _ in range(15):
            source = self.know(self.address(), "narrow scanner", "hostile")
            for _ in range(rng.randint(2, 5)):
                stamp = self.any_time()
                self.session(source, stamp, self.grab(), source_port=rng.choice([None, 54321]))
                self.denied(source, stamp + SECOND, self.mx, rng.choice([22, 3389, 8080]))
        for _ in range(15):
            source = self.know(self.address(), "scanner of mail ports", "hostile")
            for _ in range(rng.randint(3, 8)):
                stamp = self.any_time()
                self.session(source, stamp, self.grab())
                for nic in rng.sample(self.nics[1:], rng.randint(3, 5)):
                    self.denied(source, stamp + rng.randrange(MINUTE), nic, rng.choice([25, 25, 465, 587]))
        neighbour = self.network()
        self.know(neighbour + "10", "sender beside a guesser", "sender", True)
        for day in self.days_of(0.5):
            self.session(neighbour + "10", self.working_time(day), self.mail())
        for number in range(10):
            source = self.know(neighbour + "77" if number == 0 else self.address(), "guesser", "hostile")
            for day in self.days_of(0.3):
                for _ in range(rng.randint(3, 12)):
                    self.session(source, self.any_time(day), self.guess())
        for _ in range(4):
            source = self.know(self.address(), "spam source on a drop list", "hostile")
            self.drop.append(source)
            for day in self.days_of(0.3):
                self.session(source, self.any_time(day), self.mail())

    def neutral(self):
        self.know("168.63.129.16", "health probe", "neither")
        for day in range(0, self.days):
            for hour in range(0, 24, 2):
                self.session("168.63.129.16", START + day * DAY + hour * HOUR, (3, 144, 2, 112))
        for _ in range(20):
            source = self.know(self.address(), "one banner grab", "neither")
            self.session(source, self.any_time(), self.grab())

    def outgoing(self):
        """What the server itself sends: honest mail, someone else's, or attempts that the platform blocks."""
        rng = self.rng
        if self.relay != "none":
            for day in range(self.days):
                for _ in range(rng.randint(2, 8)):
                    self.outbound(self.working_time(day), self.network() + "25", self.mail())
        if self.relay == "open":
            source = self.know(self.address(), "abuser of an open relay", "hostile")
            for day in rng.sample(range(self.days), 4):
                stamp = self.any_time(day)
                for _ in range(6):
                    stamp += rng.randint(60, 400) * SECOND
                    self.session(source, stamp, self.mail(size=9000))
                    for _ in range(rng.randint(25, 40)):
                        self.outbound(stamp + rng.randint(5, 200) * SECOND, self.network() + "25", self.mail(size=9000))
        if self.relay == "blocked":
            for day in range(self.days):
                for _ in range(rng.randint(25, 40)):
                    self.outbound(self.any_time(day), self.network() + "25", (3, 180, 0, 0))

    def days_of(self, share):
        """Some of the days, at least four of them spread over the window."""
        found = {day for day in range(self.days) if self.rng.random() < share}
        return sorted(found | {int(self.days * place / 4) for place in range(4)})

    # ---- files

    def write(self, folder):
        self.populate()
        os.makedirs(folder, exist_ok=True)
        self.write_json(folder, "nsgs.json", gen_shapes.definitions(self.rng, [self.open_nsg, self.closed_nsg]))
        self.write_json(folder, "truth.json", {"layout": self.layout, "relay": self.relay,
                                               "has_counters": not self.is_stateless, "sources": sorted(
                                                   self.truth.values(), key=lambda row: row["address"])})
        self.write_list(folder, "senders.txt", ["%s %s" % (prefix, name) for name, prefixes in PROVIDERS.items()
                                                for prefix in prefixes])
        self.write_list(folder, "drop.txt", self.drop)
        self.write_list(folder, "scanners.txt", self.scanners)
        for nic in self.nics:
            self.write_nic(os.path.join(folder, "logs"), nic)

    @staticmethod
    def write_json(folder, name, value):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as handle:
            json.dump(value, handle, indent=1)

    @staticmethod
    def write_list(folder, name, lines):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as handle:
            handle.write("".join(line + "\n" for line in lines))

    def write_nic(self, folder, nic):
        minutes = {}
        for event in sorted(nic.events, key=lambda event: event.stamp):
            if self.is_stateless and (event.state != "B" or self.layout == "nsg1" and event.state != "B"):
                continue
            minutes.setdefault(event.stamp // MINUTE + 1, []).append(event)
        hours = {}
        for minute, events in sorted(minutes.items()):
            hours.setdefault(minute // 60, []).append(self.record(nic, minute, events))
        for hour, records in hours.items():
            if self.rng.random() < 0.01:                        # a gap in the logs
                continue
            place = os.path.join(folder, "%s-%06d.json" % (nic.mac, hour))
            os.makedirs(folder, exist_ok=True)
            with open(place, "wb") as handle:
                handle.write(gen_shapes.blob(self.rng, set(), records))

    def record(self, nic, minute, events):
        lines = [(event.nsg, event.rule, self.layout, gen_shapes.tuple_text(self.rng, self.layout, event, event.stamp))
                 for event in events]
        return gen_shapes.record(self.rng, Plain(), nic, nic.log, self.layout, minute * MINUTE + 7000, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layout", choices=sorted(LAYOUTS), default="vnet4")
    parser.add_argument("--days", type=int, default=35)
    parser.add_argument("--relay", choices=("none", "honest", "open", "blocked"), default="honest")
    parser.add_argument("--out", metavar="DIR", required=True)
    options = parser.parse_args()
    World(options.seed, options.layout, options.days, options.relay).write(options.out)


if __name__ == "__main__":
    main()
