"""One flow tuple: text in, its fields or the reason why it is bad out.

Choices, where the format leaves room:
- Numbers may have leading zeros; only addresses may not.
- A protocol without ports may leave both ports empty or give numbers 0..65535.
- A denied tuple still needs a known state letter in version 2.
- Stamps must stay below the year 10000, since nothing could print them.
"""
import ipaddress
import re
from dataclasses import dataclass
from typing import Optional

PLAIN = re.compile(r"[0-9A-Za-z.:_,-]*")
DIGITS = re.compile(r"[0-9]+")
U64_MAX = (1 << 64) - 1
STAMP_MAX_MS = 253402300799999
MS_FROM = 10 ** 11
FIELDS = {"nsg1": 8, "nsg2": 13, "vnet4": 13}
TCP = 6


class Bad(Exception):
    """A tuple that is counted and otherwise left out; the text is the reason."""


@dataclass
class Flow:
    stamp: int                      # ms
    source: ipaddress._BaseAddress
    target: ipaddress._BaseAddress
    source_port: Optional[int]
    target_port: Optional[int]
    protocol: int
    inbound: bool
    denied: bool
    state: Optional[str]            # None in version 1, where lines have no state
    counters: Optional[tuple]       # packets in, bytes in, packets out, bytes out


def number(text, largest, reason):
    if not DIGITS.fullmatch(text) or int(text) > largest:
        raise Bad(reason)
    return int(text)


def address(text):
    """An address as a number with its family; an IPv4-mapped one is the IPv4 address."""
    if "%" in text or "/" in text:
        raise Bad("address")
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise Bad("address") from None
    return getattr(found, "ipv4_mapped", None) or found


def port(text, protocol):
    if text == "" and protocol not in (6, 17):
        return None
    return number(text, 65535, "port")


def letter(text, allowed, reason):
    if len(text) != 1 or text not in allowed:
        raise Bad(reason)
    return text


def parse(text, layout, strict=False):
    """-> Flow, or None for a tuple that cannot matter and was only looked at; raises Bad."""
    fields = text.split(",")
    if len(fields) != FIELDS[layout]:
        raise Bad("fields")
    if not strict and fields[6] != "I" and fields[4] != "25":
        if not PLAIN.fullmatch(text):
            raise Bad("bytes")
        return None
    stamp = number(fields[0], U64_MAX, "stamp")
    if stamp < MS_FROM:
        stamp *= 1000
    if stamp > STAMP_MAX_MS:
        raise Bad("stamp")
    source, target = address(fields[1]), address(fields[2])
    if layout == "vnet4":
        protocol = number(fields[5], 255, "protocol")
    else:
        protocol = {"T": 6, "U": 17}[letter(fields[5], "TU", "protocol")]
    ports = port(fields[3], protocol), port(fields[4], protocol)
    direction = letter(fields[6], "IO", "direction")
    if layout == "vnet4":
        state = letter(fields[7], "BCED", "state")
        denied = state == "D"
    else:
        denied = letter(fields[7], "AD", "decision") == "D"
        state = letter(fields[8], "BCE", "state") if layout == "nsg2" else None
    counters = None
    if layout != "nsg1" and any(fields[9:]):
        counters = tuple(number(field, U64_MAX, "counter") for field in fields[9:])
    return Flow(stamp, source, target, *ports, protocol, direction == "I", denied, state, counters)


def is_smtp(flow):
    return flow.inbound and flow.protocol == TCP and flow.target_port == 25
