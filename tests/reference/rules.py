"""NSG definitions and the join of logged names to them.

Read are lists of NSGs as the az CLI and the ARM REST interface write them (also a single NSG), which is all that the
comparisons need.

Choices, where the format leaves room:
- Logged names are looked for among the inbound rules. An empty name counts as a bare one.
- A default rule is `shadowed` too where an earlier rule covers it for TCP 25 today: the tuple was not logged under that
  rule, so the definitions did change.
- Rows of `unmatched` for rules that join are one per defined rule; the logged spelling shown is the bytewise smallest.
"""
import json
import re

DEFAULT_RULES = ["AllowVnetInBound", "AllowAzureLoadBalancerInBound", "DenyAllInBound",
                 "AllowVnetOutBound", "AllowInternetOutBound", "DenyAllOutBound"]
ZERO_GUID = "00000000-0000-0000-0000-000000000000"
CUT_NAME_FROM = 65


def lower(text):
    """ASCII lower case: other letters stay as they are."""
    return re.sub("[A-Z]", lambda match: match.group().lower(), text)


class Nsg:
    def __init__(self, nsg_id):
        self.id = nsg_id
        self.guid = None
        self.custom = {}            # lower-case name -> name as defined
        self.default = {lower(name): name for name in DEFAULT_RULES}


def member(raw, name):
    """A member of an NSG or rule, flattened (az) or under `properties` (ARM)."""
    inner = raw.get("properties")
    value = raw.get(name)
    return inner.get(name) if value is None and isinstance(inner, dict) else value


def load(paths):
    """Rules files -> {lower-case id: Nsg}."""
    known = {}
    for path in paths:
        with open(path, encoding="utf-8-sig") as handle:
            raw = json.load(handle)
        if isinstance(raw, dict):
            raw = raw.get("value", raw.get("NewNSG", raw))
        for item in raw if isinstance(raw, list) else [raw]:
            add(known, item)
    return known


def add(known, item):
    nsg = known.setdefault(lower(item["id"]), Nsg(item["id"]))
    nsg.id = min(nsg.id, item["id"])
    nsg.guid = member(item, "resourceGuid") or nsg.guid
    for rule in member(item, "securityRules") or []:
        name = rule["name"]
        if str(member(rule, "direction")).lower() == "outbound":
            continue
        nsg.custom[lower(name)] = min(nsg.custom.get(lower(name), name), name)
    for rule in member(item, "defaultSecurityRules") or []:
        nsg.default.setdefault(lower(rule["name"]), rule["name"])


class Joined:
    """Where a logged NSG and rule belong. `key` is what connections and rows are told apart by."""

    def __init__(self, key, nsg, rule, reason):
        self.key = key              # (nsg, rule) without case
        self.nsg = nsg              # as printed; None for no NSG
        self.rule = rule            # name as defined, or None
        self.reason = reason        # why it is no finding; None for a finding


class Join:
    """Definitions and the result of a scan -> Joined for each logged pair.

    `covered_defaults` are the default Allows, as (id, rule) in lower case, that earlier rules cover today.
    """

    def __init__(self, known, scan, covered_defaults=()):
        self.known = known
        self.covered_defaults = covered_defaults
        self.by_guid = {lower(nsg.guid): nsg for nsg in known.values() if nsg.guid}
        self.findings = {(lower(f["nsg"]), lower(f["rule"])) for f in scan["findings"]}
        self.shadowed = {(lower(f["nsg"]), lower(f["rule"])) for f in scan["shadowed"]}

    def nsg(self, logged):
        return self.known.get(lower(logged)) or self.by_guid.get(lower(logged))

    def custom_rule(self, nsg, name, may_be_cut):
        """The defined custom rule a logged name stands for, or None."""
        if name in nsg.custom:
            return nsg.custom[name]
        if may_be_cut and len(name) >= CUT_NAME_FROM:
            fitting = [full for full in nsg.custom if full.startswith(name)]
            if len(fitting) == 1:
                return nsg.custom[fitting[0]]
        return None

    def find(self, logged_nsg, logged_rule, may_be_cut):
        """`may_be_cut`: the log is one of those that cut long names, NSG logs of versions 1 and 2."""
        nsg, rule = lower(logged_nsg), lower(logged_rule)
        known = self.nsg(logged_nsg)
        shown = known.id if known else nsg or None
        as_logged = (lower(known.id) if known else nsg, rule)
        if rule == "platformrule" or nsg == ZERO_GUID:
            return Joined(as_logged, None, None, "platform")
        if "unspecified" in (rule, nsg):
            return Joined(as_logged, None, None, "unspecified")
        if rule in ("", "userrule", "defaultrule"):
            return Joined(as_logged, shown, None, "bare_rule")
        if not rule.startswith(("userrule_", "defaultrule_")):
            return Joined(as_logged, shown, None, "admin_rule")
        if known is None:
            return Joined(as_logged, shown, None, "unknown_nsg")
        prefix, name = rule.split("_", 1)
        found = self.custom_rule(known, name, may_be_cut) if prefix == "userrule" else known.default.get(name)
        if found is None:
            return Joined(as_logged, shown, None, "unknown_rule")
        pair = (lower(known.id), lower(found))
        key = (pair[0], pair[1] if prefix == "userrule" else "defaultrule_" + pair[1], "defined")
        if pair in self.findings and prefix == "userrule":
            return Joined(key, shown, found, None)
        is_covered = pair in (self.shadowed if prefix == "userrule" else self.covered_defaults)
        reason = "shadowed" if is_covered else "not_exposing"
        return Joined(key, shown, found, reason)
