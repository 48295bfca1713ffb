"""From the tuples of one key to connections, and the class of a connection.

A key is (flow log, NIC, NSG, rule, client address, client port, server address, server port). Its tuples come in the
order of evidence; each is (stamp in ms, state, counters or None), the state None for a version 1 line.
"""
IDLE_MS = 30 * 60 * 1000
RETRY_MS = 130 * 1000
SAME_SESSION_MS = 2 * 1000
CLASSES = ["unknown", "no_reply", "touch", "message", "guessing", "dialog", "ambiguous"]


class Connection:
    def __init__(self, stamp, attempts):
        self.attempts = attempts
        self.totals = (0, 0, 0, 0)
        self.has_counters = False
        self.first = self.last = stamp
        self.ended = False
        self.end_stamp = None           # of the last E
        self.end_counters = None
        self.carry = None
        self.stamps = []                # of its counted tuples

    def add(self, counters):
        """The counters of a C or E."""
        carry, self.carry = self.carry, None
        if counters is None:
            return
        self.has_counters = True
        if carry and all(new >= old for new, old in zip(counters, carry)):
            self.totals = tuple(total - old for total, old in zip(self.totals, carry))
        self.totals = tuple(total + new for total, new in zip(self.totals, counters))

    def end(self, stamp, counters):
        self.add(counters)
        self.ended = True
        self.end_stamp, self.end_counters = stamp, counters

    def kind(self):
        if not self.has_counters:
            return "unknown"
        return classify(*self.totals)


def classify(packets_in, bytes_in, packets_out, bytes_out):
    said = max(0, bytes_in - 60 * packets_in)
    answered = max(0, bytes_out - 52 * packets_out)
    if packets_out == 0:
        return "no_reply"
    if packets_out <= 1 or answered < 20:
        return "touch"
    if packets_out >= 6 and answered >= 100 and (
            (said >= 1400 and 10 * said >= 8 * answered) or (said >= 8000 and bytes_in >= 150 * packets_in)):
        return "message"
    if packets_in >= 20 and bytes_in < 115 * packets_in:
        return "guessing"
    return "dialog" if bytes_in < 1000 else "ambiguous"


class Key:
    """All connections of one key, built tuple by tuple."""

    def __init__(self):
        self.newest = None
        self.connections = []

    def take(self, stamp, state, counters, is_counted):
        """One tuple; a stamp behind the newest one was replaced by it before. Returns nothing."""
        current = self.connections[-1] if self.connections else None
        if current and not current.ended and stamp - current.last > IDLE_MS:
            current = None
        current = self.step(current, stamp, state, counters)
        current.last = stamp
        if is_counted:
            current.stamps.append(stamp)

    def new(self, stamp, attempts):
        self.connections.append(Connection(stamp, attempts))
        return self.connections[-1]

    def step(self, current, stamp, state, counters):
        """The connection the tuple belongs to, with the tuple taken in."""
        if state is None:
            return current if current and not current.ended else self.new(stamp, 1)
        if state == "B":
            return self.begin(current, stamp)
        if state == "E" and current and current.ended and (stamp, counters) == (
                current.end_stamp, current.end_counters):
            return current
        if current is None or current.ended:
            current = self.new(stamp, 0)
        if state == "C":
            current.add(counters)
        else:
            current.end(stamp, counters)
        return current

    def begin(self, current, stamp):
        if current is None:
            return self.new(stamp, 1)
        if not current.ended:
            current.attempts += 1
            return current
        came_back = current.totals[2] > 0
        if not came_back and stamp - current.last <= RETRY_MS:
            current.ended = False
            current.attempts += 1
            return current
        if came_back and current.end_counters is not None and stamp == current.end_stamp:
            current.ended = False
            current.carry = current.end_counters
            return current
        return self.new(stamp, 1)


def drop_seen_twice(found):
    """Connections of several flow logs over one NIC -> the set of those (by id) that another flow log shows better.

    `found` are (flow log, is version 4, pair key, connection); the pair key says NIC, NSG, rule and both ends.
    """
    def rank(entry):
        flow_log, is_v4, _, connection = entry
        return (not connection.has_counters, not is_v4, flow_log, connection.first)

    by_pair = {}
    for entry in found:
        by_pair.setdefault(entry[2], []).append(entry)
    dropped = set()
    for entries in by_pair.values():
        kept = []
        for entry in sorted(entries, key=rank):
            one = entry[3]
            if any(other[0] != entry[0]
                   and one.first - SAME_SESSION_MS <= other[3].last + SAME_SESSION_MS
                   and other[3].first - SAME_SESSION_MS <= one.last + SAME_SESSION_MS for other in kept):
                dropped.add(id(one))
            else:
                kept.append(entry)
    return dropped
