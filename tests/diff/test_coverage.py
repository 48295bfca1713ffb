#!/usr/bin/env python3
"""What the logs do not show: hand-made logs in which something is missing, hidden, filtered or changed, and what the
review has to say of it. A verdict is the truth or "cannot tell"; nothing is called unused that was only not seen.

    NSGFLOW=build/nsgflow tests/diff/test_coverage.py [--only NAME]
"""
import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(os.environ.get("NSGFLOW", "build/nsgflow"))
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-0000000000c5"
T0 = 1767225600000                  # 2026-01-01T00:00:00Z
SECOND, MINUTE, HOUR, DAY = 1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000
MAIL, SYN, BANNER = (12, 4300, 11, 980), (1, 60, 0, 0), (5, 268, 4, 300)
NIC = "000D3A000001"
CASES = []


def case(function):
    CASES.append(function)
    return function


def nsg_id(name):
    return SUBSCRIPTION + "/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/" + name


def rule(name, priority=200, port="25", source="*", access="Allow", **more):
    return dict({"name": name, "priority": priority, "direction": "Inbound", "access": access, "protocol": "Tcp",
                 "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*",
                 "destinationPortRange": port}, **more)


def nsg(name, *rules, **more):
    return dict({"id": nsg_id(name), "name": name, "securityRules": list(rules)}, **more)


def when(ms):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + ".%03dZ" % (ms % 1000)


class Logs:
    """Tuples by flow log, NIC and minute; every hour of [0, days) has a record of every NIC that is `alive`."""

    def __init__(self, days=28, layout="vnet4"):
        self.days, self.layout = days, layout
        self.records = {}
        self.port = 30000

    def add(self, at, tuple_text, name="edge", of="UserRule_smtp", nic=NIC, log="flow"):
        minute = (T0 + at) // MINUTE
        self.records.setdefault((log, nic), {}).setdefault((minute, name), {}).setdefault(of, []).append(tuple_text)

    def flow(self, at, source, counters=MAIL, target="10.0.0.4", target_port=25, states="BE", outbound=False, **place):
        """One connection, begun `at` ms behind the start."""
        self.port = 30000 + (self.port - 29999) % 30000
        for step, state in enumerate(states):
            stamp = T0 + at + step * 5000
            way = "O" if outbound else "I"
            head = "%s,%s,%d,%d" % (source, target, self.port, target_port)
            if self.layout == "vnet4":
                numbers = counters if state in "CE" else (0, 0, 0, 0)
                text = "%d,%s,6,%s,%s,NX,%s" % (stamp, head, way, state, ",".join(map(str, numbers)))
            else:
                decision, state = ("D", "B") if state == "D" else ("A", state)
                numbers = counters if state in "CE" and counters else ("", "", "", "")
                text = "%d,%s,T,%s,%s,%s,%s" % (stamp // 1000, head, way, decision, state, ",".join(map(str, numbers)))
            self.add(at + step * 5000, text, **place)

    def denied(self, at, source, target_port=25, of="DefaultRule_DenyAllInBound", **place):
        self.flow(at, source, target_port=target_port, states="D", of=of, **place)

    def alive(self, nic=NIC, name="edge", log="flow", but=(), hours=None):
        """A record without tuples in every hour, save those in `but`; a denied probe on port 22 names the NSG."""
        for hour in hours if hours is not None else range(self.days * 24):
            if hour not in but:
                self.denied(hour * HOUR + 30 * MINUTE, "10.9.9.9", target_port=22, name=name, nic=nic, log=log)

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        for number, ((log, nic), minutes) in enumerate(sorted(self.records.items())):
            records = [self.record(log, nic, minute, name, rules) for (minute, name), rules in sorted(minutes.items())]
            with open(os.path.join(folder, "%03d.json" % number), "w", encoding="utf-8") as handle:
                json.dump({"records": records}, handle, separators=(",", ":"))

    def record(self, log, nic, minute, name, rules):
        time = when((minute + 1) * MINUTE - 1)
        if self.layout == "vnet4":
            groups = [{"rule": key, "flowTuples": texts} for key, texts in rules.items()]
            return {"time": time, "flowLogVersion": 4, "macAddress": nic, "category": "FlowLogFlowEvent",
                    "flowLogResourceID": SUBSCRIPTION + "/FLOWLOGS/" + log,
                    "flowRecords": {"flows": [{"aclID": nsg_id(name), "flowGroups": groups}]}}
        flows = [{"rule": key, "flows": [{"mac": nic, "flowTuples": texts}]} for key, texts in rules.items()]
        return {"time": time, "macAddress": nic, "category": "NetworkSecurityGroupFlowEvent",
                "resourceId": nsg_id(name).upper(), "properties": {"Version": 2, "flows": flows}}


class Failed(Exception):
    pass


def expect(what, got, wanted=True):
    if got != wanted:
        raise Failed("%s: %s, expected %s" % (what, json.dumps(got), json.dumps(wanted)))


def run(nsgs, logs, *more, files=None, text=False, shows_all=False):
    """The first rule of the review, or what it prints as text."""
    with tempfile.TemporaryDirectory(prefix="nsgflow-coverage-") as folder:
        for name, content in dict(files or {}, **{"nsgs.json": nsgs}).items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as handle:
                json.dump(content, handle)
        logs.write(os.path.join(folder, "logs"))
        command = [PROGRAM, "review", "--rules", "nsgs.json", *more, "logs"]
        command += [] if text else ["--format", "json"]
        environment = dict(os.environ, SOURCE_DATE_EPOCH="1772323200", COLUMNS="80", NO_COLOR="1")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise Failed("status %d: %s" % (done.returncode, done.stderr))
    if text:
        return done.stdout
    document = json.loads(done.stdout)
    return document if shows_all else document["rules"][0]


SUBNET = SUBSCRIPTION + "/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s"


def nic_of(name, nsg_name=None, mac=NIC, public=False):
    address = {"id": SUBSCRIPTION + "/publicIPAddresses/p"} if public else None
    return {"id": SUBSCRIPTION + "/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/" + name,
            "name": name, "macAddress": "-".join(mac[at:at + 2] for at in range(0, 12, 2)),
            "type": "Microsoft.Network/networkInterfaces",
            "networkSecurityGroup": {"id": nsg_id(nsg_name)} if nsg_name else None,
            "ipConfigurations": [{"name": "a", "privateIPAddress": "10.0.0.4", "publicIPAddress": address,
                                  "subnet": {"id": SUBNET}}]}


def rules_of(nsgs, logs, *nics):
    more = ["--rules", "nics.json"] if nics else []
    document = run(nsgs, logs, *more, files={"nics.json": list(nics)}, shows_all=True)
    return {row["nsg"].rsplit("/", 1)[1]: row for row in document["rules"]}


def doubt(found, part):
    return any(part in text for text in found["doubts"])


def senders(logs, days=None, sources=("198.100.1.9", "198.100.2.9"), **more):
    """A mail of each source every day."""
    for day in days if days is not None else range(logs.days):
        for number, source in enumerate(sources):
            logs.flow(day * DAY + (9 + number) * HOUR, source, **more)


# ---- hours, gaps, interfaces

@case
def gaps_are_ranges_of_interfaces():
    logs = Logs()
    logs.alive(but=set(range(100, 130)) | {200})
    found = run([nsg("edge", rule("smtp"))], logs)["coverage"]
    expect("hours", (found["hours_expected"], found["hours_seen"]), (28 * 24, 28 * 24 - 31))
    expect("gaps", [(gap["from"][5:16], gap["to"][5:16]) for gap in found["gaps"]],
           [("01-05T04:00", "01-06T10:00"), ("01-09T08:00", "01-09T09:00")])


@case
def no_traffic_writes_no_file():
    logs = Logs()
    logs.alive(but=set(range(100, 110)))
    logs.alive(nic="000D3A000002", name="other")
    found = run([nsg("edge", rule("smtp"))], logs)["coverage"]
    expect("another interface shows that the log ran", (found["hours_seen"], found["gaps"]), (28 * 24, []))
    logs = Logs()
    logs.alive(but=set(range(100, 130)))
    logs.alive(nic="000D3A000002", name="other")
    found = run([nsg("edge", rule("smtp"))], logs)["coverage"]
    expect("but not for longer than a day on one side", found["hours_seen"], 28 * 24 - 12)
    logs = Logs()
    logs.alive(but=set(range(100, 110)))
    logs.alive(nic="000D3A000002", name="other", log="another")
    found = run([nsg("edge", rule("smtp"))], logs)["coverage"]
    expect("nor by another flow log", found["hours_seen"], 28 * 24 - 10)


@case
def hits_show_that_an_nsg_is_attached():
    two = nsg("edge", rule("smtp", source="0.0.0.0/0"), rule("later", 300), subnets=[], networkInterfaces=[])
    logs = Logs()
    logs.alive()
    found = run([two], logs, shows_all=True)["rules"]
    expect("without hits", {row["verdict"] for row in found}, {"NOT_EFFECTIVE"})
    senders(logs)
    found = {row["rule"]: row for row in run([two], logs, shows_all=True)["rules"]}
    expect("latent", (found["smtp"]["finding"]["latent"], found["later"]["finding"]["latent"]), (False, False))
    expect("the other rule works too", found["later"]["verdict"], "CLOSE_UNUSED")


@case
def an_attached_interface_that_is_never_logged():
    logs = Logs()
    logs.alive()
    found = rules_of([nsg("edge", rule("smtp"))], logs, nic_of("a", "edge"), nic_of("b", "edge", mac="000D3A0000FF"))
    coverage = found["edge"]["coverage"]
    expect("nics", coverage["nics"], [NIC, "000D3A0000FF"])
    expect("hours", (coverage["hours_expected"], coverage["hours_seen"]), (2 * 28 * 24, 28 * 24))
    expect("its gap is the window", coverage["gaps"],
           [{"nic": "000D3A0000FF", "from": "2026-01-01T00:00:00.000Z", "to": "2026-01-29T00:00:00.000Z"}])
    expect("half of it is no A", (found["edge"]["verdict"], found["edge"]["confidence"]), ("INSUFFICIENT_EVIDENCE", "C"))
    expect("reason", "1 attached interface is in no flow log" in found["edge"]["reason"])


@case
def no_flow_log():
    logs = Logs()
    logs.alive(name="other")
    nsgs = [nsg("edge", rule("smtp"), subnets=[{"id": SUBNET}])]
    found = run(nsgs, logs)
    expect("verdict", (found["verdict"], found["confidence"]), ("INSUFFICIENT_EVIDENCE", "D"))
    expect("logged", (found["coverage"]["logged"], found["coverage"]["hours_expected"]), (False, 0))
    expect("command", doubt(found, "az network watcher flow-log create --location LOCATION --name NAME "
                                   "--storage-account ACCOUNT --vnet '" + SUBNET.rsplit("/subnets/")[0] + "'"))
    evil = [nsg("edge", rule("smtp"), subnets=[{"id": "/x/virtualNetworks/v'; rm -rf ~;'/subnets/s"}])]
    expect("no name that a shell would obey", doubt(run(evil, logs), "--vnet VNET"))
    logs.alive()
    expect("said apart from no hits", run(nsgs, logs)["verdict"], "CLOSE_UNUSED")


@case
def text_fits_eighty_columns():
    logs = Logs()
    logs.alive(but=range(40, 60))
    senders(logs, days=range(0, 20), of="UserRule_smtp-old", sources=("198.100.1.9", "198.100.2.9", "2a00:1:2:3::25"))
    senders(logs, days=range(21, 28), sources=("198.100.1.9",), target="51.10.7.7")
    logs.alive(name="inner", nic="000D3A0000FF")
    text = run(PAIR, logs, "--rules", "nics.json", files={"nics.json": [nic_of("n", "inner")]}, text=True)
    expect("width", max(len(line) for line in text.split("\n")) <= 80)
    for part in ("Changed       smtp-old let port 25 in until 2026-01-20", "speak only since", "reached 51.10.7.7"):
        expect(part, part in text)
    behind = text[text.index("Changed  "):]
    expect("the change stands with the coverage", behind.index("Outbound") < behind.index("In doubt"))


@case
def counters_and_grades():
    for with_counters, wanted in ((100, ("present", "A")), (91, ("present", "A")), (90, ("mixed", "A")),
                                  (89, ("mixed", "B")), (50, ("mixed", "B")), (49, ("mixed", "C")),
                                  (10, ("mixed", "C")), (9, ("absent", "C")), (0, ("absent", "C"))):
        logs = Logs()
        logs.alive()
        for number in range(100):
            logs.flow(number * 6 * HOUR, "198.100.1.9", states="BE" if number < with_counters else "B")
        found = run([nsg("edge", rule("smtp"))], logs)
        expect("%d of 100" % with_counters, (found["coverage"]["counters"], found["confidence"]), wanted)
    for days, layout, wanted in ((28, "vnet4", "A"), (27, "vnet4", "B"), (14, "vnet4", "B"), (13, "vnet4", "C"),
                                 (7, "vnet4", "C"), (6, "vnet4", "D"), (28, "nsg2", "C"), (14, "nsg2", "C"),
                                 (13, "nsg2", "D")):
        logs = Logs(days=days, layout=layout)
        logs.alive()
        found = run([nsg("edge", rule("smtp"))], logs)
        expect("%d days of %s" % (days, layout), found["confidence"], wanted)


@case
def the_window_is_what_was_asked_for():
    logs = Logs()
    logs.alive()
    senders(logs)
    found = run([nsg("edge", rule("smtp"))], logs, "--since", "2026-01-10T00:00:00Z", "--until", "2026-01-20T00:00:00Z")
    expect("hours", (found["coverage"]["hours_expected"], found["coverage"]["hours_seen"]), (240, 240))
    expect("mail", found["traffic"]["connections"], 20)
    expect("confidence", found["confidence"], "C")
    found = run([nsg("edge", rule("smtp"))], logs, "--since", "2025-12-22T00:00:00Z", "--until", "2026-01-20T00:00:00Z")
    expect("what was asked for and not logged is missing", found["coverage"]["gaps"],
           [{"nic": NIC, "from": "2025-12-22T00:00:00.000Z", "to": "2026-01-01T00:00:00.000Z"}])
    expect("confidence of 19 in 29 days", found["confidence"], "C")


# ---- hidden sources and odd destinations

@case
def a_firewall_hides_the_sources():
    logs = Logs()
    logs.alive()
    for day in range(28):
        for source in ("10.0.9.4", "10.0.9.5"):
            logs.flow(day * DAY + 9 * HOUR, source)
    logs.flow(3 * DAY, "198.100.1.9")
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("verdict", found["verdict"], "SOURCE_MASKED")
    expect("the firewall is named", doubt(found, "10.0.9.4, 10.0.9.5"))
    found = run([nsg("edge", rule("smtp", source="10.0.0.0/8,0.0.0.0/1,128.0.0.0/1"))], logs)
    expect("a rule that names sources", found["verdict"] != "SOURCE_MASKED")
    expect("its doubt", doubt(found, "More than half of the connections come from inside (10.0.9.4, 10.0.9.5)"))


@case
def probes_of_the_load_balancer_are_no_hidden_sources():
    logs = Logs()
    logs.alive()
    for hour in range(28 * 24):
        logs.flow(hour * HOUR, "168.63.129.16", (3, 164, 2, 112))
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("verdict of probes alone", found["verdict"], "CLOSE_PROBES_ONLY")
    senders(logs, sources=("10.0.9.4",))
    expect("beside probes", run([nsg("edge", rule("smtp"))], logs)["verdict"], "SOURCE_MASKED")


@case
def a_network_of_public_addresses():
    logs = Logs()
    logs.alive()
    senders(logs, sources=("51.10.3.4",), target="51.10.7.7")
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("verdict", found["verdict"], "SOURCE_MASKED")
    expect("its destination is said", doubt(found, "reached 51.10.7.7, which no interface has by itself"))


@case
def floating_ip():
    logs = Logs()
    logs.alive()
    senders(logs, target="51.10.7.7")
    senders(logs, sources=("198.100.3.9",))
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("counted", found["traffic"]["classes"]["message"], 84)
    expect("said", doubt(found, "2 of 3 sources reached 51.10.7.7, which no interface has by itself"))
    expect("senders as without it", sorted(row["verdict"] for row in found["sources"]), ["LIKELY_SENDER"] * 3)


@case
def a_machine_that_forwards():
    logs = Logs()
    logs.alive()
    senders(logs)
    senders(logs, sources=("198.100.3.9",), target="10.0.5.9")
    nsgs = [nsg("edge", rule("smtp"))]
    expect("nobody knows", doubt(run(nsgs, logs), "by itself"), False)
    found = rules_of(nsgs, logs, nic_of("n", "edge", public=True))["edge"]
    expect("known", doubt(found, "1 of 3 sources reached 10.0.5.9, which no interface in the input has by itself"))
    expect("counted", found["traffic"]["connections"], 84)
    other = nic_of("m", "edge", mac="000D3A0000EE")
    other["ipConfigurations"][0]["privateIPAddress"] = "10.0.5.9"
    found = rules_of(nsgs, logs, nic_of("n", "edge", public=True), other)["edge"]
    expect("the address of another interface of the NSG", doubt(found, "by itself"), False)


@case
def no_way_in_but_hits():
    logs = Logs()
    logs.alive()
    senders(logs)
    nsgs = [nsg("edge", rule("smtp"))]
    expect("said", doubt(rules_of(nsgs, logs, nic_of("n", "edge"))["edge"], "no public address and no load balancer"))
    found = rules_of(nsgs, logs, nic_of("n", "edge", public=True))["edge"]
    expect("nothing to say", doubt(found, "no public address"), False)


# ---- rules that changed while the logs were written

def changes(found):
    return [(row["code"], row["rule"], row["last"][:10], row["count"]) for row in found["changes"]]


@case
def a_rule_that_was_a_deny():
    logs = Logs()
    logs.alive()
    for day in range(10):
        for number in range(3):
            logs.denied(day * DAY + number * HOUR, "198.100.%d.9" % number, of="UserRule_smtp")
    senders(logs, days=range(12, 28))
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("changes", changes(found), [("denied_by_rule", "smtp", "2026-01-10", 30)])
    expect("since", found["coverage"]["evidence_from"], "2026-01-10T03:00:00.000Z")
    expect("18 days are no 28", found["confidence"], "B")
    expect("hours are those of the window", found["coverage"]["hours_expected"], 28 * 24)


@case
def refused_until_the_rule_came():
    logs = Logs()
    logs.alive()
    for day in range(20):
        logs.denied(day * DAY + 5 * HOUR, "198.100.77.%d" % day)
    senders(logs, days=range(21, 28))
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("changes", changes(found), [("denied_before", "DenyAllInBound", "2026-01-20", 20)])
    expect("confidence", found["confidence"], "C")
    for day in range(21, 28):       # still refused: another address, say
        logs.denied(day * DAY + 5 * HOUR, "198.100.77.%d" % day)
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("no change", (changes(found), found["confidence"]), ([], "A"))


@case
def refused_all_the_time_though_the_rule_lets_everybody_in():
    logs = Logs()
    logs.alive()
    for day in range(28):
        logs.denied(day * DAY + 5 * HOUR, "198.100.77.%d" % day)
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("verdict", found["verdict"], "INSUFFICIENT_EVIDENCE")
    expect("reason", "only since 2026-01-28" in found["reason"])
    managed = Logs()
    managed.alive()
    for day in range(28):
        managed.denied(day * DAY + 5 * HOUR, "198.100.77.%d" % day, of="BlockHighRiskTCPPortsFromInternet")
    found = run([nsg("edge", rule("smtp"))], managed)
    expect("a network manager comes before the NSG", (changes(found), found["verdict"]), ([], "CLOSE_UNUSED"))
    found = run([nsg("edge", rule("smtp"), rule("no", 150, source="198.100.0.0/16", access="Deny"))], logs)
    expect("a Deny before it explains it", found["verdict"], "CLOSE_UNUSED")
    found = run([nsg("edge", rule("smtp", destinationAddressPrefix="10.0.0.9"))], logs)
    expect("a narrow destination too", found["verdict"], "CLOSE_UNUSED")


@case
def a_rule_that_is_gone():
    logs = Logs()
    logs.alive()
    senders(logs, days=range(0, 14), of="UserRule_smtp-old")
    senders(logs, days=range(15, 28), sources=("198.100.1.9",))
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("changes", changes(found), [("gone_rule", "smtp-old", "2026-01-14", 28)])
    expect("since", found["coverage"]["evidence_from"], "2026-01-14T11:00:00.000Z")
    expect("14 days", found["confidence"], "B")
    expect("a sender of before is asked about", found["recommendation"]["ask_owner"],
           ["198.100.1.0/24", "198.100.2.0/24"])
    expect("verdict", found["verdict"], "RESTRICT_WITH_REVIEW")
    expect("counts are of the rule itself", found["traffic"]["connections"], 13)


@case
def a_rule_that_is_gone_and_nobody_since():
    for last, verdict, confidence in ((26, "INSUFFICIENT_EVIDENCE", "D"), (10, "CLOSE_UNUSED", "B")):
        logs = Logs()
        logs.alive()
        senders(logs, days=range(0, last), of="UserRule_smtp-old")
        found = run([nsg("edge", rule("smtp"))], logs)
        expect("verdict", (found["verdict"], found["confidence"]), (verdict, confidence))
    logs = Logs()
    logs.alive()
    logs.flow(DAY, "198.100.1.9", of="UserRule_smtp-old")
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("one mail is no habit, but no reason to close", found["verdict"], "INSUFFICIENT_EVIDENCE")


@case
def both_at_a_time():
    logs = Logs()
    logs.alive()
    senders(logs, of="UserRule_smtp-old", sources=("198.100.1.9",))
    senders(logs, sources=("198.100.2.9",))
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("said", changes(found), [("gone_rule", "smtp-old", "2026-01-28", 28)])
    expect("but the rule was there all along", found["confidence"], "A")
    expect("verdict", found["verdict"], "RESTRICT_WITH_REVIEW")


@case
def a_rule_that_does_not_let_in_by_its_definition():
    logs = Logs()
    logs.alive()
    senders(logs, days=range(0, 14), of="UserRule_smtp-old")
    senders(logs, days=range(15, 28))
    old = [rule("smtp-old", 150, access="Deny", source="9.9.9.9"), rule("smtp-old", 150, port="443"),
           rule("smtp-old", 300, source="198.100.0.0/16"), rule("smtp-old", 150, source="198.100.0.0/16")]
    for number, one in enumerate(old):
        found = run([nsg("edge", rule("smtp"), one)], logs)
        wanted = [] if number == 3 else [("other_rule", "smtp-old", "2026-01-14", 28)]
        expect("definition %d" % number, changes(found), wanted)


@case
def a_rule_that_was_wider():
    logs = Logs()
    logs.alive()
    senders(logs, days=range(0, 14))
    senders(logs, days=range(0, 28), sources=("9.1.1.1",))
    logs.flow(DAY, "168.63.129.16", (3, 164, 2, 112))
    for source, wanted in (("0.0.0.0/1", [("wider", "smtp", "2026-01-14", 28)]), ("*", []), ("Internet", []),
                           ("0.0.0.0-127.255.255.255, 198.100.1.9", [("wider", "smtp", "2026-01-14", 14)]),
                           ("0.0.0.0/1,AzureCloud", []), ("0.0.0.0/1,198.100.0.0/16", [])):
        found = run([nsg("edge", rule("smtp", source=source))], logs)
        expect(source, changes(found), wanted)
        expect(source + " is said", doubt({"doubts": [row["text"] for row in found["changes"]]}, "does not name"), wanted != [])


@case
def a_name_without_end():
    name = "r\u00e4\x1b[31m\u202e" * 300
    logs = Logs()
    logs.alive()
    senders(logs, days=range(0, 3), of="UserRule_" + name)
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("said to its end", found["changes"][0]["text"].endswith("not in the definitions any more."))
    text = run([nsg("edge", rule("smtp"))], logs, text=True)
    expect("nothing reaches the terminal", "\x1b" not in text and "\u202e" not in text)


@case
def just_in_time_rules_come_and_go():
    logs = Logs()
    logs.alive()
    jit = "UserRule_MicrosoftDefenderForCloud-JITRule_-1234567_0123456789ABCDEF0123456789ABCDEF"
    senders(logs, days=range(0, 20), of=jit, sources=("198.100.9.9",))
    senders(logs, days=range(21, 28))
    found = run([nsg("edge", rule("smtp"))], logs)
    expect("no change", (changes(found), found["confidence"]), ([], "A"))
    expect("but its senders are asked about", "198.100.9.0/24" in found["recommendation"]["ask_owner"])


@case
def a_rule_that_is_new():
    for unlogged, wanted in (((), ["new"]), (range(1, 13 * 24), [])):
        logs = Logs()
        logs.alive(but=unlogged)
        for day in range(14, 28):
            for number in range(10):
                logs.flow(day * DAY + number * HOUR, "198.100.%d.9" % number)
        found = run([nsg("edge", rule("smtp"))], logs)
        expect("changes", [row["code"] for row in found["changes"]], wanted)
        expect("confidence", (found["confidence"], found["coverage"]["evidence_from"]), ("A" if wanted else "C", None))
    few = Logs()
    few.alive()
    for day in (14, 20, 27):
        few.flow(day * DAY, "198.100.1.9")
    found = run([nsg("edge", rule("smtp"))], few)
    expect("a few late mails are nothing new", (found["changes"], found["confidence"]), ([], "A"))


# ---- two NSGs on one path

PAIR = [nsg("edge", rule("smtp"), subnets=[{"id": SUBNET}]), nsg("inner", rule("smtp"))]


@case
def the_other_nsg_on_the_path_is_in_no_log():
    logs = Logs(layout="nsg2")
    logs.alive()
    found = rules_of(PAIR, logs, nic_of("n", "inner"))
    expect("verdicts", (found["edge"]["verdict"], found["inner"]["verdict"]), ("INSUFFICIENT_EVIDENCE",) * 2)
    expect("reason", "another NSG stands on the same path" in found["edge"]["reason"])
    expect("named", doubt(found["edge"], "inner stands on the same path"))
    expect("the other one has no log", "No flow log" in found["inner"]["reason"])
    logs.alive(name="inner", log="flow2")
    found = rules_of(PAIR, logs, nic_of("n", "inner"))
    expect("both are logged", {row["verdict"] for row in found.values()}, {"CLOSE_UNUSED"})


@case
def a_log_of_the_network_shows_both():
    logs = Logs()
    logs.alive(name="inner")
    found = rules_of(PAIR, logs, nic_of("n", "inner"))
    expect("both are covered", {row["verdict"] for row in found.values()}, {"CLOSE_UNUSED"})
    expect("hours of both", {row["coverage"]["hours_seen"] for row in found.values()}, {28 * 24})
    senders(logs, name="inner")
    found = rules_of(PAIR, logs, nic_of("n", "inner"))
    expect("mail is logged by the last", found["edge"]["verdict"], "INSUFFICIENT_EVIDENCE")
    expect("said", doubt(found["edge"], "inner let port 25 in at the same interfaces"))
    expect("the last itself", found["inner"]["traffic"]["classes"]["message"], 56)


@case
def mail_that_the_other_nsg_logged():
    logs = Logs()
    logs.alive()
    senders(logs, sources=("198.100.1.9",))
    senders(logs, sources=("198.100.2.9",), name="inner")
    found = rules_of(PAIR, logs, nic_of("n", "inner"))
    for name in ("edge", "inner"):
        expect(name, found[name]["verdict"], "RESTRICT_WITH_REVIEW")
        expect(name + " asks about both", found[name]["recommendation"]["ask_owner"],
               ["198.100.1.0/24", "198.100.2.0/24"])
    for day in range(28):       # scanners alone on one side must not close it
        logs.flow(day * DAY, "5.5.5.%d" % day, BANNER, name="third", nic="000D3A000003")
        for target in range(4, 9):
            logs.denied(day * DAY, "5.5.5.%d" % day, target_port=22, name="third", nic="000D3A000003",
                        target="10.0.0.%d" % target)
    logs.alive(nic="000D3A000003", name="third")
    third = nsg("third", rule("smtp"))
    expect("scanners alone", rules_of([third], logs)["third"]["verdict"], "CLOSE_PROBES_ONLY")
    senders(logs, sources=("198.100.3.9",), name="inner", nic="000D3A000003")
    found = rules_of([third, PAIR[1]], logs)
    expect("and mail beside", found["third"]["verdict"], "RESTRICT_WITH_REVIEW")


# ---- flow logs that were filtered where they were made

def web_traffic(logs, denied=True, count=2500, sources=400):
    """People on port 443, and scanners that are refused on others."""
    for number in range(count):
        at = number * 28 * DAY // count
        source = "77.%d.%d.9" % (number % sources // 200, number % sources % 200 + 1)
        if denied and number % 3 == 0:
            logs.denied(at, source, target_port=(22, 3389, 8080)[number % 9 // 3])
        else:
            logs.flow(at, source, target_port=443, of="UserRule_web", states="BE")


EDGE = [nsg("edge", rule("smtp"), rule("web", 300, port="443"))]


def lacks(logs, nsgs=None):
    found = run(nsgs or EDGE, logs)
    return found["coverage"]["lacks"], found["verdict"]


@case
def a_log_without_port_25():
    logs = Logs()
    logs.alive()
    web_traffic(logs)
    expect("filtered", lacks(logs), (["port_25"], "INSUFFICIENT_EVIDENCE"))
    found = run(EDGE, logs)
    expect("reason", "holds no port 25 at all" in found["reason"])
    expect("nothing to trust", found["confidence"], "D")
    expect("in the queue", " filtered " in run(EDGE, logs, text=True))
    expect("how to see it", doubt(found, "az network watcher flow-log show"))
    logs.flow(DAY, "10.0.0.4", target="77.7.7.7", outbound=True, of="DefaultRule_AllowInternetOutBound")
    expect("one outbound mail proves that it is not", lacks(logs), ([], "CLOSE_UNUSED"))


@case
def a_quiet_machine_is_not_filtered():
    for count, sources in ((550, 400), (5000, 150)):
        logs = Logs()
        logs.alive(hours=range(0, 28 * 24, 20))
        web_traffic(logs, count=count, sources=sources)
        expect("%d flows of %d" % (count, sources), lacks(logs)[0], [])
    logs = Logs(layout="nsg2")
    logs.alive()
    web_traffic(logs)
    expect("NSG flow logs cannot be filtered", lacks(logs), ([], "CLOSE_UNUSED"))


@case
def another_log_of_the_same_interface_is_not_filtered():
    logs = Logs()
    logs.alive()
    web_traffic(logs)
    logs.alive(log="other")
    expect("two logs", lacks(logs)[0], [])


@case
def a_log_without_refusals():
    logs = Logs()
    web_traffic(logs, denied=False)
    senders(logs)
    found = run(EDGE, logs)
    expect("lacks", found["coverage"]["lacks"], ["denied"])
    expect("said", doubt(found, "nothing that was refused"))


@case
def a_log_of_refusals_only():
    logs = Logs()
    for number in range(2500):
        logs.denied(number * 28 * DAY // 2500, "77.%d.%d.9" % (number // 200 % 2, number % 200 + 1), target_port=22)
    expect("port 25 is not there either", lacks(logs), (["allowed", "port_25"], "INSUFFICIENT_EVIDENCE"))
    logs.denied(DAY, "10.9.9.9")
    expect("nothing let in", lacks(logs), (["allowed"], "INSUFFICIENT_EVIDENCE"))
    logs.flow(DAY, "77.1.1.9", target_port=443, of="UserRule_web")
    expect("one that was", lacks(logs), ([], "CLOSE_UNUSED"))


@case
def states_that_are_left_out():
    for states, wanted, counters in (("E", ["begin"], "present"), ("B", ["counters"], "absent"), ("BE", [], "present")):
        logs = Logs()
        logs.alive()
        senders(logs, states=states)
        found = run(EDGE, logs)
        expect(states, (found["coverage"]["lacks"], found["coverage"]["counters"]), (wanted, counters))
    logs = Logs()
    logs.alive()
    for hour in range(40):      # begins of outbound mail show it as well, where no mail came in
        logs.flow(hour * HOUR, "10.0.0.4", target="77.7.7.7", outbound=True, states="B",
                  of="DefaultRule_AllowInternetOutBound")
    found = run(EDGE, logs)
    expect("no mail in", (found["coverage"]["lacks"], found["coverage"]["counters"], found["confidence"]),
           (["counters"], "absent", "C"))


# ---- what a risk is made of

@case
def governance():
    logs = Logs()
    logs.alive()

    def risk(*entries, **more):
        entries = [dict({"rule": "smtp"}, **entry) for entry in entries]
        files = {"e.json": entries}
        return run([nsg("edge", rule("smtp"), **more)], logs, "--exceptions", "e.json", files=files)["risk"]

    base = risk()
    holds, over = {"reason": "r", "owner": "o", "expires": "2026-12-31"}, {"reason": "r", "owner": "o", "expires": "2026-01-31"}
    expect("owner and reason", risk(holds), base - 7)
    expect("a reason alone", risk({"reason": "r"}), base - 3)
    expect("expired", risk(over), base)
    expect("an owner of the NSG beside it", risk(over, tags={"owner": "x"}), base - 4)
    expect("past its deadline", risk(dict(holds, deadline="2026-02-01")), base - 4)
    expect("before its deadline", risk(dict(holds, deadline="2026-12-01")), base - 7)


@case
def reachable_now():
    logs = Logs()
    logs.alive()
    hidden, public = (rules_of([nsg("edge", rule("smtp"))], logs, nic_of("n", "edge", public=public))["edge"]["risk"]
                      for public in (False, True))
    expect("a public path", public, hidden + 10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    failed = 0
    chosen = [one for one in CASES if options.only in one.__name__]
    for one in chosen:
        try:
            one()
        except Failed as why:
            failed += 1
            print("failed: %s: %s" % (one.__name__, why))
    print("%d passed, %d failed" % (len(chosen) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
