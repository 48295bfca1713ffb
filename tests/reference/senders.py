"""Scores and verdicts of sources, and mail that is refused today. Points are integer tenths.

Choices, where the contract leaves room:
- A source is judged by all its allowed connections, under whatever rule, also where that rule is no finding.
- Counters: a source with one connection that has them is judged with counters.
- "Its network counts" holds for the three days and for the two weeks, and also for a source without a message of its own.
- "Contact" and "only mail ports" mean the source's own; mail ports are TCP 25, 465 and 587. Of refused mail nobody in the
  network may have touched another port.
- Addresses "that carry no SMTP" are those that the source was let in to on 25 and where nobody ever got more than a
  handshake.
- The public scanner needs the scanner list; guessing decides as soon as there is some.
- Mail is sent on one to 120 whole seconds later. Chance: the mean of the same pairs with the connections moved by one and two hours, both ways.
- Not hostile either, without hostile evidence: a network that retries, and who left nothing but tries with mail of its
  network near. RETRYING_SENDER comes before PROBE then.
- Lines of refused mail no more than 130 s apart are one attempt. All attempts on one address are asked first; if they show
  no pattern, those of the first mail that does, a new mail beginning after more than a day.
"""
import fractions
import ipaddress

import connections
import read_logs
from cross import DAY_MS, HOUR_MS, Cross, day_of, is_message, messages_of, start_of, week_of

MINUTE_MS = 60 * 1000
PROBE_ADDRESS = ipaddress.ip_address("168.63.129.16")
HOSTILE = {"PROBE", "GUESSER", "PUBLIC_SCANNER"}
NO_MAIL = {"no_reply", "touch", "dialog"}
HOSTILE_CODES = {"other_ports", "fan_out", "source_port", "scanner_list", "drop_list"}


class Source:
    """One address with allowed mail connections somewhere, and all that is known of it."""

    def __init__(self, address, lists, cross):
        self.address, self.cross = address, cross
        self.connections = []
        self.key, self.prefix = lists.network(address)
        self.provider = lists.provider(address)
        self.partner = lists.partners.find(address)
        self.scanner = lists.scanners.find(address)
        self.drop = lists.drop.find(address)
        self.lines, self.verdict = [], None

    def score(self):
        return sum(points for _, points in self.lines)

    def give(self, code, points):
        self.lines.append((code, points))

    def has(self, code):
        return any(code == other for other, _ in self.lines)


class Sources:
    def __init__(self, reader, lists):
        self.reader, self.lists = reader, lists
        self.sent = reader.sent()
        self.by_address, self.by_network = {}, {}
        for evidence in reader.evidence.values():
            for address, entries in evidence.sources.items():
                source = self.by_address.get(address)
                if source is None:
                    source = Source(address, lists, reader.cross.get(address, Cross()))
                    self.by_address[address] = source
                    self.by_network.setdefault(source.key, []).append(source)
                source.connections += [one for one, _ in entries]
        self.speaking = {one.target for source in self.by_address.values() for one in source.connections
                         if one.kind() not in ("no_reply", "touch")}
        self.retries = self.find_retries()
        for source in self.by_address.values():
            self.judge(source)

    def of_network(self, key):
        return [one for source in self.by_network.get(key, []) for one in source.connections]

    # -- the score

    def judge(self, source):
        has_counters = any(one.has_counters for one in source.connections)
        if has_counters:
            source.give("start", -50)
        else:
            source.give("start", -30)
        if source.provider:
            source.give("listed_sender", 50)
        if has_counters:
            self.message_terms(source)
        else:
            self.visit_terms(source)
        self.hostile_terms(source)
        source.verdict = self.verdict(source, has_counters)

    def message_terms(self, source):
        own = messages_of(source.connections)
        by_day = {}
        for one in own:
            by_day[day_of(one)] = by_day.get(day_of(one), 0) + 1
        if own:
            source.give("message", min(110, 37 * sum(min(2, count) for count in by_day.values())))
        of_network = messages_of(self.of_network(source.key))
        if len({day_of(one) for one in of_network}) >= 3:
            source.give("message_days", 20)
        if len({week_of(one) for one in of_network}) >= 2:
            source.give("message_weeks", 10)
        times = [start_of(one) for one in of_network]
        no_mail = [one for one in source.connections if one.kind() in NO_MAIL
                   and not any(abs(start_of(one) - time) <= 6 * HOUR_MS for time in times)]
        if no_mail:
            source.give("no_mail", -min(60, 16 * len(no_mail)))

    def visit_terms(self, source):
        found = source.connections
        days = {stamp // DAY_MS for one in found for stamp in one.stamps}
        weeks = {week_of(one) for one in found}
        if len(days) >= 4 and len(weeks) >= 2:
            source.give("recurrence", 20)
        if len(found) >= 5 and not source.cross.has_no_mail_port and not self.is_burst(source):
            source.give("only_mail_ports", 10)
        if self.is_followed(source):
            source.give("sent_on", 30)
        if len(found) == 1:
            source.give("single_connection", -10)

    def is_burst(self, source):
        """Five or more connections on one day, of few days."""
        per_day = {}
        for one in source.connections:
            per_day[day_of(one)] = per_day.get(day_of(one), 0) + 1
        days = {stamp // DAY_MS for one in source.connections for stamp in one.stamps}
        return len(days) < 4 and max(per_day.values()) >= 5

    def is_followed(self, source):
        """Mail goes out of the NIC within two minutes, and less often around moments an hour or two beside them."""
        mail = messages_of(self.sent)

        def pairs(shift):
            return sum(any(one.nic == sent.nic and 0 < start_of(sent) // 1000 - (start_of(one) + shift) // 1000 <= 120
                           for sent in mail) for one in source.connections)
        by_chance = fractions.Fraction(sum(pairs(hours * HOUR_MS) for hours in (-2, -1, 1, 2)), 4)
        return pairs(0) >= 5 and pairs(0) >= 3 * by_chance

    def hostile_terms(self, source):
        cross, found = source.cross, source.connections
        guesses = sum(one.kind() == "guessing" for one in found)
        if guesses:
            source.give("guessing", -min(100, 50 * guesses))
        if cross.has_odd_port:
            source.give("other_ports", -40)
        silent = {one.target for one in found} - self.speaking
        if len(silent) >= 3 or len(cross.denied_mail_addresses) >= 3:
            source.give("fan_out", -30)
        days_of_port = {}
        for one in found:
            days_of_port.setdefault(one.source_port, set()).add(day_of(one))
        if any(len(days) >= 3 for days in days_of_port.values()):
            source.give("source_port", -30)
        if source.scanner:
            source.give("scanner_list", -80)
        if source.drop:
            source.give("drop_list", -60)

    # -- the verdict

    def has_soft_guesses(self, source):
        """Guessing that a list mail could be: under three on every day, and no other ports."""
        per_day = {}
        for one in source.connections:
            if one.kind() == "guessing":
                per_day[day_of(one)] = per_day.get(day_of(one), 0) + 1
        return bool(per_day) and max(per_day.values()) < 3 and not source.cross.has_odd_port

    def is_hostile(self, source):
        """There is hostile evidence."""
        return any(source.has(code) for code in HOSTILE_CODES) or (
            source.has("guessing") and not self.has_soft_guesses(source))

    def verdict(self, source, has_counters):
        n_messages = len(messages_of(source.connections))
        if source.partner:
            return "KNOWN_SENDER"
        if source.address == PROBE_ADDRESS:
            return "HEALTH_PROBE"
        if source.drop and n_messages:
            return "SPAM_SOURCE"
        if source.scanner and n_messages >= 2:
            return "CONFLICT"
        hostile = self.is_hostile(source)
        retries = source.key in {row["key"] for row in self.retries} and not hostile
        if source.score() <= -30 and not self.is_spared(source, has_counters, hostile, retries):
            if source.scanner:
                return "PUBLIC_SCANNER"
            return "GUESSER" if source.has("guessing") else "PROBE"
        if source.score() >= 30:
            return "LIKELY_SENDER"
        if retries:
            return "RETRYING_SENDER"
        if source.score() > -30 or source.provider:
            return "POSSIBLE_SENDER"
        return "POSSIBLE_SENDER" if not hostile and self.days_of(source, "ambiguous") >= 3 else "UNDECIDED"

    @staticmethod
    def days_of(source, kind):
        return len({day_of(one) for one in source.connections if one.kind() == kind})

    def is_spared(self, source, has_counters, hostile, retries):
        """Whoever may be a sender is not called hostile without hostile evidence."""
        if source.provider:
            return True
        if hostile:
            return False
        kinds = {one.kind() for one in source.connections}
        only_excused = kinds & NO_MAIL and not source.has("no_mail")
        return bool(not has_counters or retries or kinds & {"message", "guessing"} or only_excused
                    or self.days_of(source, "ambiguous") >= 3 or self.days_of(source, "dialog") >= 3)

    # -- mail that is refused today

    def find_retries(self):
        """Networks that retry on one of our addresses like mail servers, and touch nothing but mail ports."""
        tries = {}                              # (network, own address) -> [(stamp, source)]
        busy = set()
        for address, cross in self.reader.cross.items():
            key = self.lists.network(address)
            for stamp, target in cross.refused:
                tries.setdefault((key, target), []).append((stamp, address))
            if cross.has_no_mail_port:
                busy.add(key[0])
        for source in self.by_address.values():
            for one in source.connections:
                if one.kind() == "no_reply":
                    tries.setdefault((self.lists.network(source.address), one.target), []).append(
                        (start_of(one), source.address))
        groups = {}                             # of a listed provider the prefixes are one network
        for (key, target), seen in tries.items():
            groups.setdefault((key[0], target), []).extend((*one, key[1]) for one in seen)
        found = []
        for (key, target), seen in groups.items():
            row = retry_row(sorted(stamp for stamp, _, _ in seen))
            if row and key not in busy:
                address = min((one[1] for one in seen), key=read_logs.address_order)
                found.append({"key": key, "address": address, "network": self.lists.network(address)[1],
                              "destination": target, **row})
        return found

    def refused_senders(self):
        """Those of the retrying networks that nothing hostile is known of."""
        found = []
        for row in sorted(self.retries, key=lambda row: (read_logs.address_order(row["address"]),
                                                         read_logs.address_order(row["destination"]))):
            source = self.by_address.get(row["address"]) or Source(
                row["address"], self.lists, self.reader.cross.get(row["address"], Cross()))
            if not source.lines:
                self.hostile_terms(source)
            if not self.is_hostile(source) and row["address"] != PROBE_ADDRESS:
                found.append({"address": str(row["address"]), "network": str(row["network"]),
                              "destination": str(row["destination"]), "attempts": row["attempts"],
                              "first": read_logs.when(row["first"]), "last": read_logs.when(row["last"]),
                              "median_gap_ms": row["median_gap_ms"]})
        return found


def retry_row(stamps):
    """Lines within 130 s are one attempt and its retries; all attempts, or else those of the first mail, no more than a
    day apart, that show the pattern."""
    starts, last = [], None
    for stamp in stamps:
        if last is None or stamp - last > connections.RETRY_MS:
            starts.append(stamp)
        last = stamp
    mails = [[starts[0]]]
    for stamp in starts[1:]:
        if stamp - mails[-1][-1] > DAY_MS:
            mails.append([])
        mails[-1].append(stamp)
    for mail in [starts] + mails:
        gaps = sorted(later - earlier for earlier, later in zip(mail, mail[1:]))
        if len(mail) >= 3 and 2 * HOUR_MS <= mail[-1] - mail[0] <= 5 * DAY_MS:
            median = (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) // 2
            if 5 * MINUTE_MS <= median <= 270 * MINUTE_MS:
                return {"attempts": len(mail), "first": mail[0], "last": mail[-1], "median_gap_ms": median}
    return None
