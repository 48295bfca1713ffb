"""Slow, clear reading of flow-log blobs: bytes in, whole records with their exact bytes out.

Independent of the C program on purpose: every blob is held whole in memory, JSON is read by a small parser of our own
that knows byte offsets, and damage is handled by trying every later `{` until one starts a whole record.

Choices, where the format leaves room:
- A record is an object with a string member `category`. An object without one is a container: records are looked for
  in everything inside it, whatever its member is called, so that damage in the word `records` loses nothing.
- Between records any mix of white space, commas and closing brackets is accepted: fragments, cut blobs, several
  documents in one file and one record per line all come down to that.
- Bytes in strings follow yajl's check: well-formed UTF-8 lead and continuation bytes (overlong forms and surrogates
  pass), no byte below 0x20. Anything else is damage.
- A member that occurs twice: the last one holds, but no flow tuples are lost by it.
"""
import datetime
import os
import re
import sys
import zlib

WHITE = re.compile(rb"[ \t\r\n]*")
BETWEEN = re.compile(rb"[ \t\r\n,\]}\[]*")
STRING = re.compile(
    rb'"((?:[\x20\x21\x23-\x5b\x5d-\x7f]|[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}'
    rb'|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"')
NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
ESCAPE = re.compile(rb'\\(?:u([0-9a-fA-F]{4})|(.))', re.S)
SHORT_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|\+00:00)")
PATH_HOUR = re.compile(r"(?:^|/)y=(\d{4})/m=(\d\d)/d=(\d\d)/h=(\d\d)/")
HOUR_MS = 3600 * 1000


class Damage(Exception):
    """The bytes stop being JSON at `offset`; `at_end` when they just end too early."""

    def __init__(self, offset, at_end=False):
        super().__init__(offset)
        self.offset = offset
        self.at_end = at_end


class Object(dict):
    """A JSON object that knows where its `{` and the byte behind its `}` are."""
    start = end = 0

    def __init__(self):
        super().__init__()
        self.members = []           # (name, value) in their order, repeated ones included


class Number(str):
    """A JSON number, kept as its text."""


def unescape(raw):
    """The text of a JSON string's inside; lone surrogates become U+FFFD."""
    def one(match):
        if match.group(1):
            return chr(int(match.group(1), 16)).encode("utf-16-le", "surrogatepass").decode(
                "utf-16-le", "replace").encode()
        return SHORT_ESCAPES.get(match.group(2), match.group(2))
    if b"\\" in raw:
        raw = ESCAPE.sub(one, raw)
    return raw.decode("utf-8", "replace")


def parse_value(data, pos):
    """One JSON value at `pos` -> (value, position behind it). Raises Damage."""
    if pos >= len(data):
        raise Damage(pos, True)
    first = data[pos:pos + 1]
    if first == b'"':
        return parse_string(data, pos)
    if first == b"{":
        return parse_object(data, pos)
    if first == b"[":
        return parse_array(data, pos)
    for word, value in ((b"true", True), (b"false", False), (b"null", None)):
        if data.startswith(word, pos):
            return value, pos + len(word)
    match = NUMBER.match(data, pos)
    if not match:
        raise Damage(pos)
    return Number(match.group().decode()), match.end()


def parse_string(data, pos):
    match = STRING.match(data, pos)
    if not match:
        raise Damage(pos, b'"' not in data[pos + 1:])
    return unescape(match.group(1)), match.end()


def parse_array(data, pos):
    items = []
    pos = WHITE.match(data, pos + 1).end()
    if data[pos:pos + 1] == b"]":
        return items, pos + 1
    while True:
        value, pos = parse_value(data, pos)
        items.append(value)
        pos = WHITE.match(data, pos).end()
        mark = data[pos:pos + 1]
        if mark == b"]":
            return items, pos + 1
        if mark != b",":
            raise Damage(pos, mark == b"")
        pos = WHITE.match(data, pos + 1).end()


def parse_object(data, pos, outermost=False):
    found = Object()
    found.start = pos
    pos = WHITE.match(data, pos + 1).end()
    if data[pos:pos + 1] == b"}":
        found.end = pos + 1
        return found, pos + 1
    while True:
        if data[pos:pos + 1] != b'"':
            raise Damage(pos, pos >= len(data))
        key, pos = parse_string(data, pos)
        pos = WHITE.match(data, pos).end()
        if data[pos:pos + 1] != b":":
            raise Damage(pos, pos >= len(data))
        pos = WHITE.match(data, pos + 1).end()
        if outermost and key == "records" and "category" not in found and data[pos:pos + 1] == b"[":
            raise Wrapper(pos + 1)
        value, pos = parse_value(data, pos)
        found[key] = value
        found.members.append((key, value))
        pos = WHITE.match(data, pos).end()
        mark = data[pos:pos + 1]
        if mark == b"}":
            found.end = pos + 1
            return found, pos + 1
        if mark != b",":
            raise Damage(pos, mark == b"")
        pos = WHITE.match(data, pos + 1).end()


class Wrapper(Exception):
    """Not damage: an object turned out to hold `"records":[`; its records start at `inside`."""

    def __init__(self, inside):
        super().__init__(inside)
        self.inside = inside


def is_record(value):
    return isinstance(value, Object) and isinstance(value.get("category"), str)


def records_within(value):
    """The records of a value in the order of their bytes: itself, or those somewhere inside it."""
    if is_record(value):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [record for child in inner for record in records_within(child)]


def next_record(data, pos):
    """The first whole record that starts at or behind `pos` -> (record or None, position to go on from)."""
    while True:
        pos = data.find(b"{", pos)
        if pos < 0:
            return None, len(data)
        try:
            value, end = parse_object(data, pos, True)
            if is_record(value):
                return value, end
        except Wrapper as wrapper:
            return None, wrapper.inside
        except (Damage, RecursionError):
            pass
        pos += 1


def read_records(data):
    """All whole records of an inflated blob -> (list of Object, list of (offset, code))."""
    records, problems = [], []
    pos = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    while True:
        pos = BETWEEN.match(data, pos).end()
        if pos >= len(data):
            return records, problems
        start = pos
        try:
            if data[pos:pos + 1] == b'"':               # a member of a wrapper, behind or before its records
                key, pos = parse_string(data, pos)
                pos = WHITE.match(data, pos).end()
                if data[pos:pos + 1] != b":":
                    raise Damage(pos, pos >= len(data))
                pos = WHITE.match(data, pos + 1).end()
                if key == "records" and data[pos:pos + 1] == b"[":
                    continue
            value, pos = (parse_object(data, pos, True) if data[pos:pos + 1] == b"{" else parse_value(data, pos))
            if not isinstance(value, (Object, list)):
                continue
            found = records_within(value)
            if not found and value:
                problems.append((start, "json"))
            records += found
        except Wrapper as wrapper:
            pos = wrapper.inside
        except (Damage, RecursionError) as damage:
            problems.append((getattr(damage, "offset", start),
                             "truncated" if getattr(damage, "at_end", False) else "json"))
            record, pos = next_record(data, start + 1)
            if record is not None:
                records.append(record)


def inflate(data):
    """A gzip file of one or more members -> (bytes that could be had, list of (offset, code))."""
    out, pos, problems = [], 0, []
    while pos < len(data):
        if data[pos:pos + 2] != b"\x1f\x8b":
            if data[pos:].strip(b"\0"):
                problems.append((pos, "gzip"))
            break
        member = zlib.decompressobj(31)
        for at in range(pos, len(data), 512):           # in small pieces: what came before an error is kept
            try:
                out.append(member.decompress(data[at:at + 512]))
            except zlib.error:
                return b"".join(out), problems + [(pos, "gzip")]
            if member.eof:
                break
        out.append(member.flush())
        if not member.eof:
            problems.append((pos, "gzip"))
            break
        pos = min(at + 512, len(data)) - len(member.unused_data)
    return b"".join(out), problems


def parse_time(text):
    """A record's `time` in ms since 1970 (finer digits cut off), or None."""
    match = TIME.fullmatch(text) if isinstance(text, str) else None
    if not match:
        return None
    try:
        when = datetime.datetime(*(int(part) for part in match.groups()[:6]), tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
    return int(when.timestamp()) * 1000 + int(((match.group(7) or "") + "000")[:3])


def path_hour(path):
    """The hour an Azure blob path names, in ms, or None."""
    matches = PATH_HOUR.findall(path)
    if not matches:
        return None
    try:
        when = datetime.datetime(*(int(part) for part in matches[-1]), tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
    return int(when.timestamp()) * 1000


class Blob:
    """One file, read whole: `records` are (Object, its exact bytes)."""

    def __init__(self, path, raw):
        self.path = path
        self.size = len(raw)
        self.problems = []
        data = raw
        if raw[:2] == b"\x1f\x8b":
            data, self.problems = inflate(raw)
        found, problems = read_records(data)
        self.records = [(record, data[record.start:record.end]) for record in found]
        self.problems = self.problems + problems
        self.hour = path_hour(path)
        if self.hour is None:
            times = [t for t in (parse_time(record.get("time")) for record in found) if t is not None]
            self.hour = times[0] // HOUR_MS * HOUR_MS if times else 0

    def order(self):
        return (self.hour, os.fsencode(self.path))


def is_outside(path, since, until):
    """The hour in its path, with an hour more on both sides, lies outside the window."""
    hour = path_hour(path)
    return hour is not None and ((since is not None and hour + 2 * HOUR_MS <= since) or
                                 (until is not None and hour >= until + HOUR_MS))


def list_paths(arguments, since, until):
    """Files as given, and what of the folders is not outside the window, each once."""
    paths = []
    for argument in arguments:
        if os.path.isdir(argument):
            found = [os.path.join(at, name) for at, _, names in os.walk(argument) for name in names]
            paths += [path for path in found if not is_outside(path, since, until)]
        else:
            paths.append(argument)
    once = {}
    for path in paths:
        once.setdefault("-" if path == "-" else os.path.normpath(path), path)
    return list(once.values())


def read_blobs(arguments, since=None, until=None):
    """All blobs in the order of evidence."""
    blobs = []
    for path in list_paths(arguments, since, until):
        if path == "-":
            raw = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as handle:
                raw = handle.read()
        blobs.append(Blob(path, raw))
    return sorted(blobs, key=Blob.order)
