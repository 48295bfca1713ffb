"""Seeded worlds of mail traffic with known truth, written as Azure would log them.

A world has one company's network: a mail server behind an NSG that lets everybody in, a few machines without mail behind
another, and actors whose nature is known. Actors make sessions; a session becomes flow tuples in one of four layouts:

    nsg1    version 1: a line a connection, nothing more
    nsg2    version 2 without counters for inbound flows, as NSG flow logs nearly always are
    nsg2t   version 2 of a network with FlowTimeoutInMinutes: with counters
    vnet4   virtual network flow logs

Nothing here knows how the program judges. The counters of a session are those measured against a Postfix-like server,
with some noise.
"""
import datetime
import json
import os
import random

LAYOUTS = ["nsg1", "nsg2", "nsg2t", "vnet4"]
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-00000000c0de"
START_MS = 1767571200000            # Monday 2026-01-05
MINUTE_MS, HOUR_MS, DAY_MS = 60000, 3600000, 86400000
MX, IDLE = "10.0.0.4", ["10.0.1.%d" % last for last in range(4, 12)]
SECOND_MX = "10.0.0.5"              # closed: port 25 is denied there
PROVIDER = "Example Relay"
PROVIDER_PREFIXES = ["198.18.0.0/17", "2001:db8:4000::/36"]

# packets and bytes from the client, packets and bytes back
SHAPES = {
    "syn": (1, 60, 0, 0),
    "connect": (3, 164, 2, 112),
    "banner": (5, 268, 4, 300),
    "ehlo": (6, 352, 5, 520),
    "certificate": (10, 1189, 9, 2742),
    "relay_test": (9, 601, 8, 760),
    "guess": (36, 2260, 30, 2700),
    "greylisted": (8, 540, 7, 690),
    "alert_tls": (14, 1830, 12, 3260),
    "mail": (12, 4300, 11, 980),
    "mail_small": (11, 2232, 10, 930),
    "mail_tls": (19, 6100, 16, 3700),
    "mail_big": (40, 48000, 30, 2100),
    "list_short": (64, 5180, 58, 6300),    # fifty recipients and a short text: looks like guessing
}
MAILS = ["mail", "mail_small", "mail_tls", "mail_big"]


class Session:
    def __init__(self, stamp, source, port, target, target_port, shape, rule, denied=False, outbound=False):
        self.stamp, self.source, self.port = int(stamp), source, port
        self.target, self.target_port, self.shape = target, target_port, shape
        self.rule, self.denied, self.outbound = rule, denied, outbound


class World:
    hours_per_blob = 1

    def __init__(self, seed, days=28, relay="none"):
        self.rng = random.Random(seed)
        self.days = days
        self.sessions = []
        self.truth = {}             # address -> kind
        self.relay = relay
        self.used = set()
        self.fill()

    # ---- time and addresses

    def at(self, day, hour=None):
        """A moment of the day, in ms."""
        hour = self.rng.random() * 24 if hour is None else hour + self.rng.random() * 0.5
        return START_MS + day * DAY_MS + int(hour * HOUR_MS)

    def address(self, kind, network=None):
        rng = self.rng
        while True:
            if network:
                found = "%s.%d" % (network, rng.randint(1, 254))
            else:
                found = "%d.%d.%d.%d" % (rng.choice([5, 23, 31, 45, 62, 77, 80, 91, 109, 141, 176, 185, 193, 212]),
                                         rng.randint(0, 255), rng.randint(0, 255), rng.randint(1, 254))
            if found not in self.used:
                self.used.add(found)
                self.truth[found] = kind
                return found

    def port(self):
        return self.rng.randint(32768, 60999)

    # ---- sessions

    def smtp(self, stamp, source, shape, target=MX, port=None, rule="allow-smtp", denied=False):
        self.sessions.append(Session(stamp, source, port or self.port(), target, 25, shape, rule, denied))

    def other(self, stamp, source, target, target_port, denied):
        self.sessions.append(Session(stamp, source, self.port(), target, target_port, "syn" if denied else "connect",
                                     "DenyAllInBound" if denied else "allow-web", denied))

    # ---- actors: senders

    def small_sender(self, ipv6=False):
        if ipv6:
            source = "2a00:1%03x:%x::25" % (self.rng.randrange(4096), self.rng.randrange(65536))
            self.truth[source] = "recurring"
        else:
            source = self.address("recurring")
        for day in sorted(self.rng.sample(range(self.days), self.rng.randint(6, self.days))):
            for _ in range(self.rng.randint(1, 4)):
                self.smtp(self.at(day, self.rng.randint(7, 18)), source, self.rng.choice(MAILS))
                if self.rng.random() < 0.1:
                    self.smtp(self.at(day), source, "ehlo")

    def provider(self):
        """A rotating pool: the address of the day is another one nearly always."""
        for day in range(self.days):
            for _ in range(self.rng.randint(4, 12)):
                source = "198.18.%d.%d" % (self.rng.randint(0, 120), self.rng.randint(1, 254))
                self.truth[source] = "listed"
                self.smtp(self.at(day), source, self.rng.choice(MAILS + ["greylisted", "banner"]))

    def greylisted(self):
        """The first try is refused, the next one is taken, from the same network."""
        network = "%d.%d.%d" % (self.rng.choice([85, 87, 89]), self.rng.randint(0, 255), self.rng.randint(0, 255))
        pool = [self.address("recurring", network) for _ in range(3)]
        for day in sorted(self.rng.sample(range(self.days), 8)):
            stamp = self.at(day)
            self.smtp(stamp, pool[0], "greylisted")
            self.smtp(stamp + self.rng.randint(6, 40) * MINUTE_MS, self.rng.choice(pool[1:]), self.rng.choice(MAILS))

    def month_end(self):
        source = self.address("rare")
        for _ in range(self.rng.randint(1, 2)):
            self.smtp(self.at(self.days - 1, 8), source, self.rng.choice(MAILS))

    def nightly_alert(self):
        source = self.address("recurring_small")
        for day in range(self.days):
            self.smtp(self.at(day, 2), source, "alert_tls")

    def newsletter(self):
        source = self.address("list_mail")
        for day in range(self.rng.randint(0, 6), self.days, 7):
            for _ in range(2):
                self.smtp(self.at(day, 10), source, "list_short")

    def curious_sender(self):
        """A good sender that also tries our web server and the closed second MX."""
        source = self.address("recurring")
        for day in sorted(self.rng.sample(range(self.days), 12)):
            stamp = self.at(day)
            self.smtp(stamp - MINUTE_MS, source, "syn", target=SECOND_MX, rule="DenyAllInBound", denied=True)
            self.smtp(stamp, source, self.rng.choice(MAILS))
            if self.rng.random() < 0.3:
                self.other(stamp + HOUR_MS, source, MX, 443, False)

    def refused_sender(self):
        """Mail that is refused today at the closed second MX, and retried as mail servers do."""
        source = self.address("refused")
        stamp = self.at(self.rng.randint(0, self.days - 6))
        for minutes in (0, 5, 15, 35, 75, 141, 207, 273, 339, 405):
            for second in (0, 1, 3, 7):
                self.smtp(stamp + minutes * MINUTE_MS + second * 1000, source, "syn", target=SECOND_MX,
                          rule="DenyAllInBound", denied=True)
        self.smtp(stamp + 3 * DAY_MS, source, "mail")

    # ---- actors: hostile

    def wide_scanner(self):
        source = self.address("scanner")
        port = self.port() if self.rng.random() < 0.4 else None
        for day in self.rng.sample(range(self.days), self.rng.randint(1, 6)):
            self.smtp(self.at(day), source, self.rng.choice(["syn", "connect", "banner", "ehlo", "certificate"]), port=port)
            for _ in range(self.rng.randint(2, 6)):
                self.other(self.at(day), source, self.rng.choice(IDLE + [MX]),
                           self.rng.choice([22, 23, 3389, 445, 8080, 8443, 3306, 6379]), True)

    def mail_scanner(self):
        """Mail ports only, but all over our addresses."""
        source = self.address("scanner")
        for _ in range(self.rng.randint(1, 3)):
            stamp = self.at(self.rng.randrange(self.days))
            self.smtp(stamp, source, self.rng.choice(["connect", "banner", "ehlo", "relay_test"]))
            for target in self.rng.sample(IDLE, self.rng.randint(4, 8)):
                self.smtp(stamp + self.rng.randint(1, 600) * 1000, source, "syn", target=target, rule="DenyAllInBound",
                          denied=True)

    def narrow_scanner(self):
        source = self.address("scanner_narrow")
        for _ in range(self.rng.randint(1, 3)):
            self.smtp(self.at(self.rng.randrange(self.days)), source,
                      self.rng.choice(["connect", "banner", "ehlo", "relay_test"]))

    def guesser(self, network=None):
        source = self.address("guesser", network)
        is_loud = self.rng.random() < 0.7
        for day in self.rng.sample(range(self.days), self.rng.randint(1, 5)):
            for _ in range(self.rng.randint(3, 12)):
                self.smtp(self.at(day), source, "guess")
            if is_loud:
                self.other(self.at(day), source, MX, self.rng.choice([22, 3389, 110]), True)

    def spam_source(self):
        """On the drop list, and delivers."""
        source = self.address("spam", "192.0.2")
        for day in self.rng.sample(range(self.days), 3):
            self.smtp(self.at(day), source, "mail_small")
            self.other(self.at(day), source, MX, 22, True)

    # ---- other

    def health_probe(self):
        self.truth["168.63.129.16"] = "probe"
        for day in range(self.days):
            for hour in range(0, 24, 6):
                self.smtp(self.at(day, hour), "168.63.129.16", "connect")

    def send(self, stamp, target, shape):
        self.sessions.append(Session(stamp, MX, self.port(), target, 25, shape, "AllowInternetOutBound", outbound=True))

    def two_way_server(self):
        for day in range(self.days):
            for _ in range(self.rng.randint(10, 20)):
                self.send(self.at(day), "%d.%d.%d.25" % (self.rng.randint(60, 95), self.rng.randint(0, 255),
                                                         self.rng.randint(0, 255)), "mail")

    def open_relay(self):
        source = self.address("relayed")
        week = self.rng.randrange(self.days // 7)
        for day in (7 * week + 1, 7 * week + 3):    # longer, and nothing but its outbound mail tells it from a sender
            stamp = self.at(day, 12)
            self.smtp(stamp, source, "mail_big")
            for number in range(self.rng.randint(40, 60)):
                self.send(stamp + 2000 + number * 3000, "%d.%d.%d.25" % (self.rng.randint(60, 95), self.rng.randint(0, 255),
                                                                         self.rng.randint(0, 255)), "mail_big")

    def fill(self):
        rng = self.rng
        for _ in range(rng.randint(5, 8)):
            self.small_sender()
        self.small_sender(ipv6=True)
        self.provider()
        for actor in (self.greylisted, self.greylisted, self.month_end, self.month_end, self.nightly_alert, self.newsletter,
                      self.curious_sender, self.curious_sender, self.refused_sender, self.refused_sender, self.spam_source,
                      self.health_probe):
            actor()
        for _ in range(60):
            self.wide_scanner()
        for _ in range(25):
            self.mail_scanner()
        for _ in range(6):
            self.narrow_scanner()
        senders = [address for address, kind in self.truth.items() if kind == "recurring" and "." in address]
        for number in range(12):
            self.guesser(rng.choice(senders).rsplit(".", 1)[0] if number % 3 == 0 else None)
        if self.relay == "honest":
            self.two_way_server()
        elif self.relay == "open":
            self.open_relay()

    # ---- as Azure writes it

    def write(self, folder, layout):
        os.makedirs(folder, exist_ok=True)
        dump(os.path.join(folder, "nsgs.json"), self.definitions())
        with open(os.path.join(folder, "senders.txt"), "w", encoding="utf-8") as handle:
            handle.write("# Date: 2026-01-01\n" + "".join("%s %s\n" % (prefix, PROVIDER) for prefix in PROVIDER_PREFIXES))
        with open(os.path.join(folder, "drop.txt"), "w", encoding="utf-8") as handle:
            handle.write("192.0.2.0/24 ; SBL000001\n")
        holes = self.holes()
        by_blob = {}
        for session in sorted(self.sessions, key=lambda s: (s.stamp, s.source, s.port)):
            nic = nic_of(session.source if session.outbound else session.target)
            for stamp, nsg, rule, text in self.tuples(session, layout):
                if not 0 <= stamp - START_MS < self.days * DAY_MS:
                    continue
                minute = stamp // MINUTE_MS
                day, hour = divmod((minute - START_MS // MINUTE_MS) // 60, 24)
                logged = self.logged(session, nic, nsg, rule, text)
                if (day, hour) not in holes and logged:
                    nic_, nsg, rule, text = logged
                    by_blob.setdefault((nic_, self.blob_of(minute)), {}).setdefault((minute, nsg), {}).setdefault(rule, []).append(text)
        self.heartbeat(by_blob, holes)
        for (nic, hour), groups in by_blob.items():
            write_blob(folder, layout, nic, hour, groups)

    # ---- what a scene may want otherwise

    def definitions(self):
        return definitions()

    def holes(self):
        """Hours without any log, as (day, hour): two outages, each of some hours."""
        return {(self.rng.randrange(self.days), hour) for _ in range(2) for hour in range(3, 3 + self.rng.randint(2, 5))}

    def logged(self, session, nic, nsg, rule, text):
        """Where a line is logged, and how; None: nowhere."""
        return nic, nsg, rule, text

    def blob_of(self, minute):
        return minute // (60 * self.hours_per_blob) * self.hours_per_blob

    def nics(self):
        return {nic_of(MX): "mail", nic_of(IDLE[0]): "web"}

    def heartbeat(self, by_blob, holes):
        """Every NIC has some record in every hour that was logged."""
        for day in range(self.days):
            for hour in range(24):
                if (day, hour) in holes:
                    continue
                for nic, nsg in self.nics().items():
                    at = START_MS // HOUR_MS + day * 24 + hour
                    by_blob.setdefault((nic, self.blob_of(at * 60)), {}).setdefault((at * 60, nsg), {})

    def tuples(self, session, layout):
        """[(stamp, NSG, rule, text)] of one session, with what real logs add: SYN retries, splits at birth."""
        rng = self.rng
        nsg = "web" if session.target in IDLE or session.source in IDLE else "mail"
        rule = ("DefaultRule_" if session.rule[:1] in "DA" else "UserRule_") + session.rule
        lines = []
        if session.denied:
            lines = [(session.stamp, "D", None)]
        else:
            counters = self.noisy(SHAPES[session.shape])
            end = session.stamp + rng.randint(300, 20000)
            if counters[2] == 0:
                for retry in (0, 1000, 3000, 7000)[:rng.randint(1, 4)]:
                    lines += [(session.stamp + retry, "B", None), (session.stamp + retry + 200, "E", counters)]
            elif rng.random() < 0.2:
                part = tuple(value // 2 for value in counters)
                lines = [(session.stamp, "B", None), (end, "E", part), (end, "B", None), (end + 400, "E", counters)]
            else:
                lines = [(session.stamp, "B", None), (end, "E", counters)]
        for stamp, state, counters in lines:
            text = tuple_text(layout, session, stamp, state, counters)
            if text:
                yield stamp, nsg, rule, text

    def noisy(self, shape):
        packets_in, bytes_in, packets_out, bytes_out = shape
        if packets_out == 0:
            return shape
        more = self.rng.randint(0, 1)
        return (packets_in + more, bytes_in + 40 * more + self.rng.randint(0, 12), packets_out,
                bytes_out + self.rng.randint(0, 12))


def nic_of(address):
    return "000D3A0000%02X" % (1 if address in (MX, SECOND_MX) else 2)


def tuple_text(layout, session, stamp, state, counters):
    head = [session.source, session.target, str(session.port), str(session.target_port)]
    way = "O" if session.outbound else "I"
    has_counters = layout in ("nsg2t", "vnet4") or session.outbound
    if layout == "vnet4":
        numbers = list(counters or (0, 0, 0, 0))
        return ",".join([str(stamp)] + head + ["6", way, state, "NX"] + [str(number) for number in numbers])
    decision = "D" if state == "D" else "A"
    if layout == "nsg1":
        return ",".join([str(stamp // 1000)] + head + ["T", way, decision]) if state != "E" else None
    if state == "E" and not has_counters:
        return None                 # stateless: inbound flows under a custom rule are logged at their begin only
    numbers = [str(number) for number in counters] if counters and has_counters else ["", "", "", ""]
    return ",".join([str(stamp // 1000)] + head + ["T", way, decision, "E" if state == "E" else "B"] + numbers)


def nsg_id(name):
    return "%s/resourceGroups/rg-eval/providers/Microsoft.Network/networkSecurityGroups/nsg-%s" % (SUBSCRIPTION, name)


def definitions():
    def rule(name, priority, port):
        return {"name": name, "priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
                "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
                "destinationPortRange": port, "description": "for the evaluation"}
    return [{"id": nsg_id("mail"), "name": "nsg-mail", "resourceGroup": "rg-eval", "tags": {"owner": "post"},
             "networkInterfaces": [{"id": SUBSCRIPTION + "/nic-mail"}], "subnets": [],
             "securityRules": [rule("allow-smtp", 200, "25"), rule("allow-web", 300, "443")]},
            {"id": nsg_id("web"), "name": "nsg-web", "resourceGroup": "rg-eval",
             "networkInterfaces": [{"id": SUBSCRIPTION + "/nic-web"}], "subnets": [],
             "securityRules": [rule("allow-web", 300, "443")]}]


def write_blob(folder, layout, nic, hour, groups):
    records = []
    for (minute, nsg), rules in sorted(groups.items()):
        time = stamp_text((minute + 1) * MINUTE_MS)
        if layout == "vnet4":
            flow_log = SUBSCRIPTION.upper() + "/RESOURCEGROUPS/NETWORKWATCHERRG/PROVIDERS/X/FLOWLOGS/EVAL"
            groups_ = [{"rule": rule, "flowTuples": texts} for rule, texts in rules.items()]
            flows = [{"aclID": nsg_id(nsg), "flowGroups": groups_}] if groups_ else []
            records.append({"time": time, "flowLogVersion": 4, "flowLogGUID": "0", "macAddress": nic,
                            "category": "FlowLogFlowEvent", "flowLogResourceID": flow_log,
                            "targetResourceID": SUBSCRIPTION + "/vnet", "operationName": "FlowLogFlowEvent",
                            "flowRecords": {"flows": flows}})
            continue
        flows = [{"rule": rule, "flows": [{"mac": nic, "flowTuples": texts}]} for rule, texts in rules.items()]
        records.append({"time": time, "systemId": "0", "macAddress": nic, "category": "NetworkSecurityGroupFlowEvent",
                        "resourceId": nsg_id(nsg).upper(), "operationName": "NetworkSecurityGroupFlowEvents",
                        "properties": {"Version": 1 if layout == "nsg1" else 2, "flows": flows}})
    dump(os.path.join(folder, "logs", "%s-%d.json" % (nic, hour)), {"records": records})


def stamp_text(ms):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


def dump(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(value, handle, separators=(",", ":"))
