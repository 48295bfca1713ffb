"""Small worlds whose traffic sits on the limits of the judgement: one below, on and one above.

    for world in gen_limits.worlds(): world.write(folder)

A world has NSGs, sessions and lists. Sources of one world have networks of their own, so that each is a case by itself.
Sessions are written as virtual network flow logs, or as NSG flow logs of version 2 without counters for inbound flows.
"""
import datetime
import json
import os

SECOND, MINUTE, HOUR, DAY = 1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000
START = 1767571200000               # Monday 2026-01-05
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-0000000000aa"
MX, NIC = "10.0.0.4", "0022480000A1"

# packets and bytes from the client, packets and bytes back
MESSAGE, SMALL = (12, 4300, 11, 980), (11, 2232, 10, 930)
GUESS, DIALOG = (36, 2260, 30, 2700), (9, 601, 8, 760)
TOUCH, NO_REPLY, AMBIGUOUS = (3, 164, 2, 112), (1, 60, 0, 0), (14, 1830, 12, 3260)


def nsg_id(name):
    return "%s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/%s" % (SUBSCRIPTION, name)


def rule(name="smtp", priority=200, source="*", ports="25", access="Allow", protocol="Tcp", description="why"):
    return {"name": name, "priority": priority, "direction": "Inbound", "access": access, "protocol": protocol,
            "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": ports, "description": description}


class World:
    def __init__(self, name, days=28, layout="vnet4", nsgs=None, nics=(NIC,)):
        self.name, self.days, self.layout = name, days, layout
        self.nsgs = nsgs or {"mail": [rule()]}
        self.attached = True
        self.tags = {"owner": "post"}
        self.lists = {}             # senders, partners, scanners, drop -> lines
        self.lines = []             # (stamp, nic, nsg, rule, text)
        self.nics = {nic: "mail" for nic in nics}     # -> the NSG that its empty records name
        self.holes = set()          # (nic, hour from the start) without a record
        self.options = []           # of the program
        self.since = self.until = None
        self.copies = 1             # flow logs that say the same
        self.networks = 0
        self.port = 20000

    def source(self, last=9):
        """An address in a network of its own."""
        self.networks += 1
        return "%d.%d.%d.%d" % (45 + self.networks // 60000, self.networks // 250 % 240, self.networks % 250, last)

    # ---- flows; `at` counts from the start

    def add(self, at, source, target, port, target_port, state, counters=None, way="I", protocol=6, nic=NIC, nsg="mail",
            name=None):
        if name is None:
            name = "UserRule_smtp" if way == "I" and state != "D" else (
                "DefaultRule_DenyAllInBound" if way == "I" else "DefaultRule_AllowInternetOutBound")
        stamp = START + at
        if self.layout == "vnet4":
            numbers = ",".join(map(str, counters or (0, 0, 0, 0)))
            text = "%d,%s,%s,%d,%d,%d,%s,%s,NX,%s" % (stamp, source, target, port, target_port, protocol, way, state, numbers)
        else:
            numbers = ",".join(map(str, counters)) if counters else ",,,"
            text = "%d,%s,%s,%d,%d,%s,%s,%s,%s,%s" % (
                stamp // 1000, source, target, port, target_port, "T" if protocol == 6 else "U", way,
                "D" if state == "D" else "A", "B" if state == "D" else state, numbers)
        self.lines.append((stamp, nic, nsg, name, text))

    def mail(self, at, source, counters=MESSAGE, target=MX, port=None, nic=NIC, nsg="mail", name=None, took=900):
        """One session; without counters where the layout has none for inbound flows."""
        if port is None:
            self.port = port = 20000 + (self.port - 19999) % 40000
        self.add(at, source, target, port, 25, "B", nic=nic, nsg=nsg, name=name)
        if self.layout == "vnet4" and counters:
            self.add(at + took, source, target, port, 25, "E", counters, nic=nic, nsg=nsg, name=name)

    def denied(self, at, source, target=MX, target_port=25, nic=NIC, nsg="mail", protocol=6, port=41000):
        self.add(at, source, target, port, target_port, "D", nic=nic, nsg=nsg, protocol=protocol)

    def send(self, at, target, counters=MESSAGE, nic=NIC, own=MX, target_port=25, nsg="mail"):
        self.port = 20000 + (self.port - 19999) % 40000
        self.add(at, own, target, self.port, target_port, "B", way="O", nic=nic, nsg=nsg)
        self.add(at + 900, own, target, self.port, target_port, "E", counters, way="O", nic=nic, nsg=nsg)

    # ---- files

    def definitions(self):
        found = []
        for name, rules in self.nsgs.items():
            nsg = {"id": nsg_id(name), "name": name, "resourceGroup": "rg", "tags": self.tags, "securityRules": rules,
                   "networkInterfaces": [{"id": SUBSCRIPTION + "/nic-" + name}] if self.attached else [], "subnets": []}
            found.append(nsg)
        return found

    def write(self, folder):
        os.makedirs(os.path.join(folder, "logs"), exist_ok=True)
        dump(os.path.join(folder, "nsgs.json"), self.definitions())
        for name, lines in self.lists.items():
            with open(os.path.join(folder, name + ".txt"), "w", encoding="utf-8") as handle:
                handle.write("".join(line + "\n" for line in lines))
        blobs = {}                  # (nic, hour) -> {(minute, nsg): {rule: [text]}}
        for stamp, nic, nsg, name, text in sorted(self.lines, key=lambda line: line[0]):
            minute = stamp // MINUTE
            group = blobs.setdefault((nic, minute // 60), {}).setdefault((minute, nsg), {})
            group.setdefault(name, []).append(text)
        for nic, nsg in self.nics.items():
            for hour in range(self.days * 24):
                if (nic, hour) not in self.holes:
                    at = START // HOUR + hour
                    blobs.setdefault((nic, at), {}).setdefault((at * 60, nsg), {})
        by_day = {}                 # a file a day and NIC: what counts is the time of the records
        for (nic, hour), groups in sorted(blobs.items()):
            by_day.setdefault((nic, hour // 24), []).extend(self.records(nic, groups))
        for (nic, day), records in by_day.items():
            for copy in range(self.copies):
                if copy:
                    records = [{**record, "flowLogResourceID": record["flowLogResourceID"] + str(copy)} for record in records]
                dump(os.path.join(folder, "logs", "%s-%d-%d.json" % (nic, day, copy)), {"records": records})

    def records(self, nic, groups):
        for (minute, nsg), names in sorted(groups.items()):
            time = time_text(minute * MINUTE + 59 * SECOND)
            if self.layout == "vnet4":
                flows = [{"aclID": nsg_id(nsg), "flowGroups": [
                    {"rule": name, "flowTuples": texts} for name, texts in names.items()]}] if nsg else []
                yield {"time": time, "flowLogVersion": 4, "macAddress": nic, "category": "FlowLogFlowEvent",
                       "flowLogResourceID": SUBSCRIPTION + "/FLOWLOGS/LIMITS", "flowRecords": {"flows": flows}}
            else:
                flows = [{"rule": name, "flows": [{"mac": nic, "flowTuples": texts}]} for name, texts in names.items()]
                yield {"time": time, "macAddress": nic, "category": "NetworkSecurityGroupFlowEvent",
                       "resourceId": nsg_id(nsg).upper(), "properties": {"Version": 2, "flows": flows}}


def time_text(ms):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


def dump(path, value):
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(value, handle, separators=(",", ":"))


# ---- sources with counters

def scores():
    world = World("scores")
    for counts in ((1,), (2,), (3,), (9,), (1, 1), (2, 1), (1, 2), (5, 5), (1, 1, 1), (1, 0, 0, 0, 0, 0, 0, 1)):
        source = world.source()
        for day, count in enumerate(counts):
            for number in range(count):
                world.mail(day * DAY + number * HOUR, source)
    for day in (5, 6, 7):                           # Saturday, Sunday, Monday: two weeks from the last on
        source = world.source()
        world.mail(4 * DAY, source)
        world.mail(day * DAY, source)
    source = world.source()                         # over midnight: the day of its first stamp counts
    for day in (0, 1, 2):
        world.mail(day * DAY + DAY - 400, source)
    for others in (1, 2, 3):                        # a network of several addresses
        source = world.source()
        for number in range(others):
            world.mail(number * 4 * DAY, source[:source.rindex(".")] + ".%d" % (20 + number))
        world.mail(2 * DAY, source, AMBIGUOUS)
        world.mail(20 * DAY, source, TOUCH)
    for kind in (TOUCH, NO_REPLY, DIALOG):
        for number in (1, 3, 4, 5, 33, 40):
            source = world.source()
            for at in range(number):
                world.mail(at * 5 * HOUR, source, kind)
    return world


def near_mail():
    """Connections without mail six hours beside a message of their network."""
    world = World("near mail")
    for gap in (0, 5 * HOUR, 6 * HOUR - SECOND, 6 * HOUR, 6 * HOUR + SECOND, 6 * HOUR + 9 * SECOND, 7 * HOUR):
        for sign in (-1, 1):
            for count in (1, 2, 5):
                source = world.source()
                world.mail(3 * DAY, source[:source.rindex(".")] + ".77")
                for number in range(count):
                    world.mail(3 * DAY + sign * (gap + number * SECOND), source, TOUCH)
    for apart in (12 * HOUR, 12 * HOUR + 2 * SECOND):           # between two messages
        source = world.source()
        for at in (0, apart):
            world.mail(3 * DAY + at, source)
        world.mail(3 * DAY + apart // 2, source, DIALOG)
    for number in (20, 31, 32, 33, 34, 60):                     # many, most of them near
        source = world.source()
        world.mail(2 * DAY, source)
        for at in range(number):
            world.mail(2 * DAY + at * 11 * MINUTE, source, DIALOG)
        for at in range(number % 4):
            world.mail(10 * DAY + at * DAY, source, TOUCH)
    return world


def hostile():
    world = World("hostile")
    for days in (1, 2):
        for a_day in (1, 2, 3):
            for strange in (None, 22, 443, 110):
                for mail in (0, 1, 8):
                    source = world.source()
                    for number in range(a_day):
                        world.mail(days * DAY + number * HOUR, source, GUESS)
                    if days == 2:
                        world.mail(9 * DAY, source, GUESS)
                    for number in range(mail):
                        world.mail((12 + number) * DAY, source)
                    if strange:
                        world.denied(3 * DAY, source, target_port=strange)
    for port in (25, 465, 587, 113, 53, 80, 443, 22, 0, 1, 65535, 2525):
        for way in "denied", "allowed":
            for protocol in (6, 17):
                if port == 25 and (way == "allowed" or protocol == 17):
                    continue
                source = world.source()
                world.mail(DAY, source)
                if way == "denied":
                    world.denied(2 * DAY, source, target_port=port, protocol=protocol)
                else:
                    world.add(2 * DAY, source, MX, 50000, port, "B", protocol=protocol)
    for number in (1, 2, 3, 15, 16, 17):            # closed addresses; counts are exact up to 16
        for kind in ("25", "ports", "addresses"):
            source = world.source()
            world.mail(DAY, source)
            for at in range(number):
                target = "10.0.9.%d" % at if kind != "ports" else MX
                world.denied(2 * DAY + at * 7 * MINUTE, source, target, 25 if kind != "addresses" else 443) \
                    if kind != "ports" else world.denied(2 * DAY + at * HOUR, source, target, 1000 + at)
    for number in (2, 3, 4, 16, 17):                # addresses that carry no SMTP
        source = world.source()
        for at in range(number):
            world.mail(DAY + at * MINUTE, source, NO_REPLY if at % 2 else TOUCH, target="10.0.8.%d" % at)
    source = world.source()
    for at in range(4):                             # addresses that do, for somebody
        world.mail(DAY + at * MINUTE, source, TOUCH, target="10.0.7.%d" % at)
        world.mail(2 * DAY, world.source(), target="10.0.7.%d" % at)
    return world


def source_ports():
    world = World("source ports")
    for days in (1, 2, 3):
        for others in (0, 3, 4, 5, 8, 14, 15):
            for first in (True, False):
                source = world.source()
                port = 1024 + world.networks * 1511
                fixed = [(day * DAY, port) for day in range(days)] + [(HOUR, port)]
                rest = [(4 * DAY + at * HOUR, port + 1 + 701 * at) for at in range(others)]
                for at, port in fixed + rest if first else rest + [(at + 6 * DAY, port) for at, port in fixed]:
                    world.mail(at, source, MESSAGE, port=port)
    return world


def doubts():
    """Sources without a message that may be senders all the same."""
    world = World("doubts")
    for kind in (AMBIGUOUS, DIALOG, None):
        for days in (1, 2, 3, 4):
            for more in ("", "22", "guess", "scanner"):
                source = world.source()
                for day in range(days):
                    world.mail(day * 2 * DAY, source, kind)
                    if day == 0 and kind:
                        world.mail(HOUR, source, kind)
                if more == "22":
                    world.denied(0, source, target_port=22)
                if more == "guess":
                    world.mail(20 * DAY, source, GUESS)
                if more == "scanner":
                    world.lists.setdefault("scanners", []).append(source)
    return world


def lists():
    world = World("lists")
    senders = world.lists.setdefault("senders", ["# Date: 2026-01-01"])
    partners, scanners, drop = (world.lists.setdefault(name, []) for name in ("partners", "scanners", "drop"))
    for messages in (0, 1, 2, 8):
        for named in ("", "sender", "partner", "scanner", "drop", "sender partner", "sender scanner", "sender drop",
                      "scanner drop", "partner scanner drop", "nameless"):
            source = world.source()
            network = source[:source.rindex(".")] + ".0/24"
            for day in range(messages):
                world.mail(day * DAY, source)
            world.mail(20 * DAY, source, DIALOG)
            world.denied(21 * DAY, source, target_port=22) if messages == 8 else None
            if "sender" in named:
                senders.append("%s Provider %d" % (network, world.networks))
            if named == "nameless":
                senders.append(network)
            if "partner" in named:
                partners.append(source + "/32 Partner" if messages else network + " Partner")
            if "scanner" in named:
                scanners.append(source + " ; Scanner")
            if "drop" in named:
                drop.append(network + " ; SBL1")
    # a provider of several prefixes, one inside another's, next to a scanner and beside an unlisted neighbour
    senders += ["77.1.0.0/23 Pool", "77.1.2.0/24 pool", "77.1.3.0/24 Other", "77.2.0.0/16 Pool", "77.2.8.0/24 Inner",
                "2001:db8:7::/48 Pool"]
    scanners += ["77.1.3.200 ; inside"]
    for address in ("77.1.0.4", "77.1.2.4", "77.1.3.4", "77.2.1.1", "77.2.8.1", "77.9.9.9"):
        world.mail(5 * DAY, address)
        world.mail(6 * DAY, address, TOUCH)
    # neighbours that partners are, up to a whole block
    partners += ["78.0.%d.0/24 Halves" % last for last in (0, 1, 2, 3, 5)] + ["78.1.0.0/16 Wide", "78.2.0.64/26 Narrow"]
    for last in (0, 1, 2, 3, 5):
        world.mail(5 * DAY, "78.0.%d.9" % last)
    world.mail(5 * DAY, "78.1.7.7")
    world.mail(5 * DAY, "78.2.0.70")
    return world


# ---- sources without counters

def visits():
    world = World("visits", layout="nsg2")
    for days in ((0,), (0, 1, 2), (0, 1, 2, 3), (0, 1, 2, 7), (0, 6, 7), (3, 4, 5, 6), (0, 7, 14, 21)):
        for a_day in (1, 2, 5):
            for more in ("", "22", "443", "587", "web"):
                source = world.source()
                for day in days:
                    for number in range(a_day):
                        world.mail(day * DAY + number * HOUR, source)
                if more.isdigit():
                    world.denied(0, source, target_port=int(more))
                if more == "web":
                    world.add(HOUR, source, MX, 50000, 443, "B")
    for count in (4, 5, 6):
        source = world.source()
        for day in range(count):
            world.mail(day * DAY, source)
    for a_day in (4, 5):
        source = world.source()
        for number in range(a_day):
            world.mail(number * HOUR, source)
        world.mail(2 * DAY, source)
        world.mail(3 * DAY, source)
    return world


def sent_on():
    """After an inbound connection the server sends mail on."""
    world = World("sent on", layout="nsg2")
    server = "60.1.1.1"
    for pairs in (4, 5, 6):
        for beside in (0, 1, 6, 7, 20):             # of moments an hour before or after that mail goes out as well
            source = world.source()
            for number in range(7):
                at = (number % 5) * 5 * DAY + (world.networks * 7 + number) * 97 * SECOND + 8 * HOUR
                world.mail(at, source)
                if number < pairs:
                    world.send(at + (120 if number % 2 else 7) * SECOND, server)
                if number < beside:
                    world.send(at + HOUR + 20 * SECOND, server)
                if number + 7 < beside:
                    world.send(at - HOUR + 20 * SECOND, server)
    return world


def sent_on_border():
    found = []
    here, there = "0022480000A1", "0022480000A2"
    for number_there in range(8):                   # of seven connections those to the server that sends mail on
        world = World("sent on by one of two servers, %d of 7" % number_there, 14, "nsg2", nics=(here, there))
        source = world.source()
        for day in range(7):
            world.mail(day * DAY + 9 * HOUR, source, nic=there if day < number_there else here)
            world.send(day * DAY + 9 * HOUR + 7 * SECOND, "60.1.1.1", nic=there)
        found.append(world)
    for late in (0, 1, 120, 121):
        for shape in (MESSAGE, DIALOG):
            for port in (25, 587):
                world = World("sent on after %d s, %s, %d" % (late, "mail" if shape == MESSAGE else "no mail", port), 14,
                              "nsg2")
                source = world.source()
                for day in range(6):
                    world.mail(day * DAY + 9 * HOUR, source)
                    world.send(day * DAY + 9 * HOUR + late * SECOND, "60.1.1.1", shape, target_port=port)
                found.append(world)
    return found


# ---- refused mail

def retries():
    world = World("retries")

    def attempts(times, lines=(0,), own="10.0.0.5", unanswered=False, neighbours=1, extra=None):
        source = world.source()
        for number, time in enumerate(times):
            one = source[:source.rindex(".")] + ".%d" % (9 + number % neighbours)
            for line in lines:
                if unanswered:
                    world.mail(int(time + line), one, NO_REPLY, port=30000 + number, target=own)
                else:
                    world.denied(int(time + line), one, own, port=30000 + number)
        if extra:
            extra(source)
    for span in (2 * HOUR - SECOND, 2 * HOUR, 2 * HOUR + SECOND):
        attempts([0, HOUR, span])
        attempts([0, span])
        attempts([0, 6 * MINUTE, 12 * MINUTE, 20 * MINUTE, span])
    for gap in (5 * MINUTE - SECOND, 5 * MINUTE, 5 * MINUTE + SECOND):
        attempts([number * gap for number in range(30)])
    for gap in (4.5 * HOUR - SECOND, 4.5 * HOUR, 4.5 * HOUR + SECOND):
        attempts([number * gap for number in range(4)])
        attempts([number * gap for number in range(5)])
    for span in (5 * DAY - SECOND, 5 * DAY, 5 * DAY + SECOND):
        attempts([number * 4 * HOUR for number in range(30)] + [span])
    for gap in (129, 130, 131):
        attempts([number * gap * SECOND for number in range(60)] + [3 * HOUR])
        attempts([0, HOUR, 2 * HOUR - 60 * SECOND], (0, gap * SECOND))
    syn = [second * SECOND for second in (0, 1, 3, 7, 15, 31, 63)]
    for gap in (15 * MINUTE, 30 * MINUTE, HOUR):
        attempts([number * gap for number in range(int(6 * HOUR // gap))], syn)
    attempts([number * 15 * MINUTE for number in range(40)], syn[:5])
    attempts([0, 7 * MINUTE, 9 * MINUTE, HOUR, 3 * HOUR], unanswered=True)
    attempts([0, 2 * HOUR, 4 * HOUR], neighbours=3)
    attempts([0, 2 * HOUR, 4 * HOUR], neighbours=3, own="10.0.0.6")
    for port in (443, 587, 22):
        attempts([0, 2 * HOUR, 4 * HOUR], extra=lambda source, port=port: world.denied(DAY, source, target_port=port))
    attempts([0, 2 * HOUR, 4 * HOUR], extra=lambda source: world.denied(
        DAY, source[:source.rindex(".")] + ".200", target_port=22))
    for own in (1, 2, 3):                           # retried at several of our addresses
        attempts([0, 2 * HOUR, 4 * HOUR], extra=lambda source, own=own: [
            world.denied(number * 2 * HOUR, source, "10.0.0.%d" % (50 + other))
            for number in range(4) for other in range(own)])
    for shape in (MESSAGE, DIALOG, AMBIGUOUS, GUESS):
        attempts([0, 2 * HOUR, 4 * HOUR], extra=lambda source, shape=shape: world.mail(3 * DAY, source, shape))
    attempts([0, HOUR, 2 * HOUR + MINUTE] + [9 * DAY, 9 * DAY + HOUR, 9 * DAY + 3 * HOUR])       # two mails
    attempts([0, 60 * HOUR, 61 * HOUR, 62 * HOUR])
    attempts([0, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 27 * HOUR])
    attempts([at + 333 for at in (0, HOUR, 2 * HOUR + 500)])
    return world


# ---- rules

def relays():
    """Mail that goes out behind the messages of a source that is no sender."""
    found = []

    def one(name, networks=20, last=300, shifted=0, other_days=0, days=7, nics=1, tries=MESSAGE, per_day=None):
        world = World("relay " + name, days, nics=["0022480000A%d" % number for number in range(1, nics + 1)])
        source = world.source()
        world.mail(DAY + HOUR, source)
        macs = list(world.nics)
        for number in range(networks):
            world.send(DAY + HOUR + last * SECOND * number // max(1, networks - 1), "60.%d.1.1" % number, tries,
                       nic=macs[number % nics])
        for number in range(shifted):
            world.send(DAY + 2 * HOUR + number * SECOND, "61.%d.1.1" % number)
        for day in range(2, 2 + other_days):
            for number in range(per_day or networks // 2):
                world.send(day * DAY + 5 * HOUR + number * MINUTE, "62.%d.%d.1" % (day, number))
        found.append(world)
    for networks in (19, 20, 21):
        one("%d networks" % networks, networks)
    for last in (299, 300, 301):
        one("until %d s" % last, last=last)
    for shifted in (6, 7):
        one("%d an hour later" % shifted, 20, shifted=shifted)
    for per_day in (9, 10, 11):
        one("%d on every other day" % per_day, 20, other_days=5, per_day=per_day)
    one("one day", days=2)
    one("two NICs", 20, nics=2)
    one("two NICs, enough on one", 42, nics=2)
    one("no messages", 25, tries=DIALOG)
    # of two sources the one with most mail behind it is an ordinary one, the other is not
    one("behind one of two", 20)
    other = found[-1].source()
    found[-1].mail(4 * DAY, other)
    for number in range(30):
        for hours in (0, 1):
            found[-1].send(4 * DAY + hours * HOUR + number * SECOND, "63.%d.1.1" % number)
    return found + relays_beside()


def relays_beside():
    """Mail to one server says nothing of what another one sends, though one rule lets in mail to both."""
    found = []
    here, there = "0022480000A1", "0022480000A2"

    def one(name, mails, days=7):
        """mails: (day, hour, to whom)."""
        world = World("relay " + name, days, nics=(here, there))
        source = world.source()
        for day, hour, nic in mails:
            world.mail(day * DAY + hour * HOUR, source, nic=nic)
        for number in range(25):
            world.send(DAY + HOUR + number * SECOND, "60.%d.1.1" % number, nic=there)
        found.append(world)
        return world
    one("of mail to the server beside", [(1, 1, here)])
    one("of mail to itself", [(1, 1, there)])
    one("of mail to both, later to itself", [(1, 1, here), (1, 3, there)])
    one("of mail to both, later to the one beside", [(1, 1, there), (1, 3, here)])
    one("of mail to both at once", [(1, 1, there), (1, 1, here)])
    one("of mail to both, an hour before to the one beside", [(1, 0, here), (1, 1, there)])
    for last, limits in ((2, (24, 25, 26)), (3, (18, 19, 20))):    # days with mail to the one beside are days without
        for per_day in limits:
            world = one("of mail to itself on one day, %d networks on others up to day %d" % (per_day, last),
                        [(1, 1, there), (2, 1, here)], last + 1)
            for day in range(2, last + 1):
                for number in range(per_day):
                    world.send(day * DAY + 5 * HOUR + number * MINUTE, "62.%d.%d.1" % (day, number), nic=there)
    return found


def blocked():
    found = []

    def one(name, networks, silent, nics=1, days=1, same=False):
        world = World("blocked " + name, 7, nics=["0022480000A%d" % number for number in range(1, nics + 1)])
        world.mail(DAY, world.source())
        macs = list(world.nics)
        for number in range(networks):
            world.send(DAY * (1 + number % days) + HOUR + number * MINUTE, "60.%d.1.%d" % (0 if same else number, number + 1),
                       NO_REPLY if number < silent else MESSAGE, nic=macs[number % nics])
        found.append(world)
    for networks in (19, 20, 25):
        one("%d of %d" % (networks, networks), networks, networks)
    for silent in (19, 20, 21):
        one("%d of 25" % silent, 25, silent)
    one("over two days", 38, 38, days=2)
    one("over two NICs", 38, 38, nics=2)
    one("one network", 30, 30, same=True)
    one("beside a busy server", 21, 21)
    busy = found[-1]
    busy.nics["0022480000A9"] = "mail"
    for number in range(60):
        busy.send(DAY + number * MINUTE, "62.1.%d.1" % (number % 3), nic="0022480000A9", own="10.0.0.9")
    for targets in (0, 1, 5, 6):
        world = World("fixed %d" % targets, 7)
        world.mail(DAY, world.source())
        for number in range(targets * 3):
            world.send(DAY + number * HOUR, "60.1.1.%d" % (number % targets + 1))
        found.append(world)
    return found


def masked():
    found = []
    for inner in (94, 95):
        for source, kind in (("*", "10.1.1.1"), ("*", "168.63.129.16"), ("*", "100.64.0.1"), ("Internet", "10.1.1.1"),
                             ("0.0.0.0/0", "10.1.1.1"), ("0.0.0.0/0", "168.63.129.16")):
            world = World("masked %d %% %s of %s" % (inner, kind, source), 7, nsgs={"mail": [rule(source=source)]})
            for number in range(100):
                world.mail(number * HOUR, kind if number < inner else world.source(), TOUCH)
            found.append(world)
    return found


def coverage():
    """Length of the window, hours without a record, and connections with counters."""
    found = []
    for days, hours in ((6, 0), (7, 0), (7, -1), (13, 0), (14, 0), (14, -1), (27, 0), (28, 0), (28, -1)):
        for layout in ("vnet4", "nsg2"):
            world = World("window of %d days %+d h, %s" % (days, hours, layout), days, layout)
            world.holes = {(NIC, 24 * days + hour) for hour in range(hours, 0)}
            world.mail(DAY, world.source())
            found.append(world)
    for days, missing in ((28, 33), (28, 34), (14, 33), (14, 34), (28, 67), (28, 68), (7, 84), (7, 85), (14, 168), (14, 169)):
        for layout in ("vnet4", "nsg2"):
            world = World("%d of %d days' hours missing, %s" % (missing, days, layout), days, layout)
            world.holes = {(NIC, hour) for hour in range(24, 24 + missing)}
            found.append(world)
    for days, shares in ((7, (0, 1, 9, 10, 11, 49, 50)), (14, (9, 10, 49, 50, 51)), (28, (49, 50, 89, 90, 91, 100))):
        for share in shares:
            world = World("%d %% with counters, %d days" % (share, days), days)
            for number in range(100):
                world.mail(number * 90 * MINUTE, world.source(), MESSAGE if number < share else None)
            found.append(world)
    for gap in (23, 24, 25, 47):                    # an hour without a record that another NIC fills
        world = World("gap of %d hours" % gap, 7, nics=(NIC, "0022480000B2"))
        world.holes = {(NIC, hour) for hour in range(30, 30 + gap)}
        world.holes |= {("0022480000B2", hour) for hour in range(40, 43)}
        found.append(world)
    return found


def networks():
    """How many networks send, in how many days, and how often a new one."""
    found = []
    for count in (50, 51):
        for apart in (0, 5, 6, 7):
            world = World("%d networks, %d days apart" % (count, apart), 28)
            for number in range(count):
                source = world.source()
                for day in (3, 3 + apart) if number % 2 else (3 + apart, 17):
                    world.mail(day * DAY + number * MINUTE, source)
            found.append(world)
    for senders in (20, 21):
        for single in (1, 2, 3):
            for more in (29, 30, 60):
                world = World("%d networks, %d with one message, %d messages" % (senders, single, more), 28)
                sources = [world.source() for _ in range(senders)]
                order = sources[:single] + [sources[single:][at % (senders - single)] for at in range(more - single)]
                for at, source in enumerate(order):
                    world.mail((at * 28 * DAY) // more, source)
                found.append(world)
    for lost in (0, 1, 5):                          # of the last 30 % of days
        for days in (10, 27, 28):
            world = World("held out %d of %d days" % (lost, days), days)
            known = world.source()
            for at in range(40):
                world.mail(at * days * DAY // 40, known)
            for at in range(lost):
                source = world.source()
                for number in (0, 1):
                    world.mail((days * 7 // 10) * DAY + at * HOUR + number * MINUTE, source)
                world.mail((days * 7 // 10) * DAY - HOUR, world.source())
            found.append(world)
    return found


def verdicts():
    """Two rules of one network, rules behind rules, other ports, what is attached to nothing."""
    found = []
    for kind in (None, TOUCH, GUESS, MESSAGE, AMBIGUOUS):
        for layout, shapes in (("vnet4", ("plain", "other ports", "mail ports", "second allow", "no owner", "detached",
                                          "half", "deny")), ("nsg2", ("plain", "detached"))):
            for shape in shapes:
                world = World("%s %s %s" % (shape, kind, layout), 7 if layout == "vnet4" else 14, layout)
                rules = {"other ports": [rule(ports="20-30")], "mail ports": [rule(ports="25,465,587")],
                         "second allow": [rule(), rule("any", 300, ports="*", protocol="*", description=None)],
                         "half": [rule(source="0.0.0.0/1")],
                         "deny": [rule("close", 100, "1.0.0.0/8", access="Deny"), rule(source="0.0.0.0/0")]}
                world.nsgs = {"mail": rules.get(shape, [rule(description=None if shape == "no owner" else "why")])}
                world.tags = {} if shape == "no owner" else world.tags
                world.attached = shape != "detached"
                if kind:
                    for number in range(3):
                        world.mail(number * DAY, world.source(), kind)
                    world.mail(4 * DAY, "168.63.129.16", TOUCH)
                found.append(world)
    for kind in (None, TOUCH, MESSAGE):             # the second NSG on the path logs it
        world = World("two NSGs, %s" % (kind,), 14, nsgs={"mail": [rule()], "subnet": [rule("outer", 200)]})
        world.add(0, "9.9.9.9", MX, 5000, 443, "D", nsg="subnet")
        if kind:
            world.mail(DAY, world.source(), kind, nsg="subnet", name="UserRule_outer")
        found.append(world)
    world = World("queue", 14, nsgs={"mail": [rule()], "b": [rule()], "a": [rule()], "spam": [rule(source="0.0.0.0/2")]},
                  nics=())
    for number, name in enumerate(world.nsgs):
        world.nics["0022480000C%d" % number] = name
        for at in range(40):
            world.mail(at * 8 * HOUR, "49.%d.%d.9" % (number, at % (2 + number)), nic="0022480000C%d" % number, nsg=name,
                       target="10.0.%d.4" % (20 + number))
    for number in range(25):
        world.send(DAY + number * MINUTE, "60.%d.1.1" % number, NO_REPLY, nic="0022480000C3", nsg="spam", own="10.0.23.4")
    found.append(world)
    return found


def mixtures():
    """One source under several rules and kinds of log, IPv6, and days past what is counted exactly."""
    world = World("several rules", nsgs={"mail": [rule(), rule("second", 300, "0.0.0.0/0")]})
    for number in range(12):
        source = world.source()
        for at in range(number + 1):
            world.mail(at * DAY + number * MINUTE, source, (MESSAGE, DIALOG, TOUCH, GUESS, AMBIGUOUS)[at * number % 5],
                       name=("UserRule_smtp", "UserRule_second", "Internet_admin")[(at + number) % 3])
    for days in (15, 16, 17, 25):
        source = world.source()
        for day in range(days):
            world.mail(day * DAY, source)
    found = [world]
    world = World("IPv6")
    world.lists["senders"] = ["2a01:111:7::/48 Six", "2a01:111:8:100::/56 Six"]
    world.lists["scanners"] = ["2a05:1::5"]
    for number in range(6):
        for last in range(3):
            source = "2a00:%d:0:%d::%d" % (number, last, number + 1)      # one /48
            world.mail((number + last) * DAY, source, MESSAGE if last == 0 else DIALOG, target="fd00::4")
            if number == 5:
                world.denied(DAY, source, "fd00::5", 22)
    for source in ("2a01:111:7:5::1", "2a01:111:8:1ff::1", "2a01:111:8:200::1", "2a05:1::5", "2a05:1::6", "fd00::99"):
        for day in range(2):
            world.mail(day * 8 * DAY, source, target="fd00::4")
    found.append(world)
    world = World("two flow logs", 14)                                      # over one NIC, with the same connections
    for number in range(9):
        source = world.source()
        for day in range(number):
            world.mail(day * DAY + HOUR, source, MESSAGE if number % 2 else TOUCH)
    for number in range(22):
        world.send(DAY + HOUR + number * 7 * SECOND, "60.%d.1.1" % number, NO_REPLY if number % 3 else MESSAGE)
    world.copies = 2
    found.append(world)
    world = World("silent at first")                # hours without a hit are hours of log like any other
    for day in range(10, 28):
        for number in range(12):
            world.mail(day * DAY + number * HOUR, "49.1.%d.9" % number)
    found.append(world)
    world = World("over midnight", layout="nsg2")   # weeks and days of many connections go by their first stamp
    for sunday in (6, 5):
        source = world.source()
        for day in (2, 3, 4):
            world.mail(day * DAY, source)
        world.mail(sunday * DAY + DAY - 10 * SECOND, source, port=25001)
        world.mail(sunday * DAY + DAY + 5 * SECOND, source, port=25001)
    found.append(world)
    world = World("with and without counters", 14)
    for number in range(8):
        source = world.source()
        for at in range(8):
            world.mail(at * DAY, source, MESSAGE if at < number else None)
    found.append(world)
    return found


def windows():
    """--since and --until cut connections, contacts and outbound mail."""
    found = []
    for since, until in ((2 * DAY, None), (None, 5 * DAY), (2 * DAY + 500, 9 * DAY + 1)):
        world = World("window %s to %s" % (since, until), 14)
        world.since = None if since is None else START + since
        world.until = None if until is None else START + until
        for day in range(14):
            source = "58.%d.1.9" % (day % 5)
            world.mail(day * DAY - 300 if day else 0, source)
            world.mail(day * DAY + HOUR, "58.%d.2.9" % (day % 4), GUESS)
            world.denied(day * DAY + 2 * HOUR, source, target_port=22 if day == 1 else 443)
            world.send(day * DAY - 200 if day else 0, "60.%d.1.1" % day)
        found.append(world)
    return found


def worlds():
    found = [scores(), near_mail(), hostile(), source_ports(), doubts(), lists(), visits(), sent_on(), retries()]
    for make in (sent_on_border, relays, blocked, masked, coverage, networks, verdicts, mixtures, windows):
        found += make()
    return found
