#!/usr/bin/env python3
"""Every format of every report opens in a parser that is not ours, and says what the JSON document says.

The documents are fixtures/report/*.json: an ordinary one, an empty one and one whose names attack every format.
"""
import base64
import copy
import csv
import hashlib
import html.parser
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unicodedata
import xml.etree.ElementTree

import jsonschema

import compare
import public_schemas

FIXTURES = os.path.join(compare.HERE, "..", "..", "fixtures")
FORMATS = ("text", "json", "csv", "markdown", "html", "sarif", "junit", "ocsf")
# What may move a cursor, turn the order of text around, or be no text at all.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
VOID_TAGS = {"meta", "br", "rect"}
TAGS = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "section", "div", "dl", "dt",
        "dd", "table", "thead", "tbody", "tr", "th", "td", "span", "a", "br", "ul", "li", "code", "svg", "rect", "text"}


class Failure(compare.Failure):
    pass


def check(is_right, text):
    if not is_right:
        raise Failure("  " + text)


def run(*words, stdin=None, status=(0,)):
    done = subprocess.run([compare.NSGFLOW, *words], cwd=FIXTURES, input=stdin, capture_output=True, timeout=120,
                          env={**os.environ, "SOURCE_DATE_EPOCH": "1767225600", "COLUMNS": "80", "NO_COLOR": "1"})
    check(done.returncode in status, "exit %d of nsgflow %s: %s" % (
        done.returncode, " ".join(words), done.stderr.decode(errors="replace")[-1500:]))
    return done.stdout


def columns(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def check_text(content):
    text = content.decode("utf-8")
    found = UNSAFE.search(text)
    check(found is None, "text: unescaped %r" % (found and found.group(0)))
    for line in text.split("\n"):
        check(columns(line) <= 80, "text: %d columns: %s" % (columns(line), line))
        check(line == line.rstrip(), "text: blanks at the end of %r" % line)


def check_csv(content):
    text = content.decode("utf-8")
    check(UNSAFE.search(text.replace("\r\n", "\n")) is None, "csv: unescaped control character")
    check(text.endswith("\r\n") and "\n" not in text.replace("\r\n", ""), "csv: a line does not end with CR LF")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    for row in rows:
        check(None not in row and None not in row.values(), "csv: a row has not the columns of the header")
        for name, cell in row.items():
            check(not cell.startswith(FORMULA), "csv: %s begins like a formula: %r" % (name, cell))
    return rows


def markdown_without_escapes(text):
    """Without code spans and escaped characters: what is left is markup."""
    lines = []
    for line in text.split("\n"):
        line = line.replace("\\|", "")
        line = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"(?<!`)\\`", "", line))
        lines.append(re.sub(r"\\[!-/:-@\[-`{-~]", "", line))
    return lines


def check_markdown(content):
    text = content.decode("utf-8")
    check(UNSAFE.search(text) is None, "markdown: unescaped control character")
    bars = None
    for line in markdown_without_escapes(text):
        check("<" not in line and "](" not in line and "![" not in line, "markdown: markup of the input: %s" % line)
        if not line.startswith("|"):
            bars = None
            continue
        check(bars is None or line.count("|") == bars, "markdown: another number of cells: %s" % line)
        bars = line.count("|")


class Page(html.parser.HTMLParser):
    """Finds what no report may hold."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.policy, self.style, self.texts, self.ids, self.targets = [], None, "", [], set(), set()

    def handle_starttag(self, tag, attributes):
        check(tag in TAGS, "html: <%s>" % tag)
        for name, value in attributes:
            check(not name.startswith("on") and name not in ("src", "style", "srcset", "action"), "html: %s=" % name)
            check(name != "href" or value.startswith("#rule-"), "html: link to %s" % value)
        values = dict(attributes)
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        self.ids |= {values["id"]} if "id" in values else set()
        self.targets |= {values["href"][1:]} if "href" in values else set()
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        check(tag in VOID_TAGS, "html: <%s/>" % tag)

    def handle_endtag(self, tag):
        check(self.open and self.open.pop() == tag, "html: </%s> closes nothing" % tag)

    def handle_comment(self, data):
        check(False, "html: a comment")

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        self.texts.append(data)


def check_html(content):
    text = content.decode("utf-8")
    check(UNSAFE.search(text) is None, "html: unescaped control character")
    page = Page()
    page.feed(text)
    page.close()
    check(not page.open, "html: left open: %s" % page.open)
    check(page.targets <= page.ids, "html: links to nowhere: %s" % (page.targets - page.ids))
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    check(page.policy == "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'" % digest,
          "html: the policy %r does not let the style %s pass" % (page.policy, digest))
    return " ".join(page.texts)


def check_schema(name, document, schema):
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    errors = ["%s: /%s: %s" % (name, "/".join(map(str, e.absolute_path)), e.message[:300])
              for e in validator.iter_errors(document)]
    check(not errors, "\n  ".join(errors[:5]))


def fingerprint(nsg, rule, port):
    """The published recipe: FNV-1a, 64 bits, over three lines."""
    def lower(text):
        return "".join(c.lower() if c.isascii() else c for c in text)
    value = 0xcbf29ce484222325
    for byte in ("%s\n%s\n%d\n" % (lower(nsg), lower(rule), port)).encode():
        value = (value ^ byte) * 0x100000001b3 % 2 ** 64
    return "%016x" % value


def check_sarif(content, findings, port=25):
    document = json.loads(content)
    check_schema("sarif", document, public_schemas.SARIF)
    sarif_run = document["runs"][0]
    rules = sarif_run["tool"]["driver"]["rules"]
    check(len(sarif_run["results"]) == len(findings), "sarif: not one result a finding")
    for result, finding in zip(sarif_run["results"], findings):
        check(rules[result["ruleIndex"]]["id"] == result["ruleId"], "sarif: ruleIndex of another rule")
        own = fingerprint(finding["nsg"], finding["rule"], port)
        check(set(result["partialFingerprints"].values()) == {own}, "sarif: fingerprint is not %s" % own)
        place = result["locations"][0].get("physicalLocation")
        if finding["place"] and finding["place"]["line"]:
            check(place["region"]["startLine"] == finding["place"]["line"], "sarif: another line")


def check_junit(content, n_failures, n_tests):
    check(UNSAFE.search(content.decode("utf-8")) is None, "junit: unescaped control character")
    root = xml.etree.ElementTree.fromstring(content)
    suites = list(root)
    cases = list(root.iter("testcase"))
    check(root.tag == "testsuites" and [s.tag for s in suites] == ["testsuite"], "junit: no suite")
    check(len(cases) == n_tests, "junit: %d cases, not %d" % (len(cases), n_tests))
    check(len(list(root.iter("failure"))) == n_failures, "junit: not %d failures" % n_failures)
    for element in [root] + suites:
        check((int(element.get("tests")), int(element.get("failures"))) == (n_tests, n_failures), "junit: counts")
    check(len({(case.get("classname"), case.get("name")) for case in cases}) == n_tests, "junit: a case twice")


def check_ocsf(content):
    document = json.loads(content)
    check_schema("ocsf", document, public_schemas.OCSF)
    for event in document:
        check(event["type_uid"] == event["class_uid"] * 100 + event["activity_id"], "ocsf: type_uid")
    return document


# ---- reviews --------------------------------------------------------------------------------------------------------

def read(name):
    with open(os.path.join(FIXTURES, "report", name), "rb") as file:
        return file.read()


def escaped(text):
    """How reports for people show a name: what they would not let pass stands as an escape."""
    def one(match):
        code = ord(match.group(0))
        return "\\x%02X" % code if code < 256 else "\\u{%X}" % code
    return re.sub("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", one, text)


def n_passed(document):
    return sum(nsg["verdict"] in ("closed", "restricted") for nsg in document["nsgs"])


def check_rows(rows, document):
    """The CSV says what the document says."""
    expected = []
    for place, rule in enumerate(document["rules"], 1):
        for source in rule["sources"] or [None]:
            expected.append((str(place), str(rule["priority"]), rule["verdict"],
                             source["address"] if source else "", str(source["connections"]) if source else "",
                             str(source["classes"].get("message", 0)) if source else "",
                             (source["first"] or "") if source else ""))
    found = [(row["place"], row["priority"], row["verdict"], row["source"], row["source_connections"], row["mail"],
              row["source_first"]) for row in rows]
    check(found == expected, "csv: rows differ from the document")


def check_review(name):
    document = json.loads(read(name))
    made = {form: run("report", "--format", form, "report/" + name) for form in FORMATS}
    check(made["json"] == read(name), "json: not the bytes that were read")
    check_text(made["text"])
    check_rows(check_csv(made["csv"]), document)
    check_markdown(made["markdown"])
    shown = check_html(made["html"])
    for rule in document["rules"]:
        check(escaped(rule["rule"]) in shown, "html: does not name %r" % rule["rule"])
        check(escaped(rule["reason"]) in shown, "html: does not give the reason %r" % rule["reason"])
    check_sarif(made["sarif"], [rule["finding"] for rule in document["rules"]])
    n = len(document["rules"])
    check_junit(made["junit"], n, n + n_passed(document))
    events = check_ocsf(made["ocsf"])
    check([event["message"] for event in events] == [rule["reason"] for rule in document["rules"]], "ocsf: reasons")


def test_ordinary_review():
    check_review("review.json")


def test_empty_review():
    check_review("empty.json")


def test_hostile_review():
    check_review("hostile.json")


def test_wide_text_uses_the_width():
    done = subprocess.run([compare.NSGFLOW, "report", "report/hostile.json"], cwd=FIXTURES, capture_output=True,
                          env={**os.environ, "COLUMNS": "132", "NO_COLOR": "1"}, timeout=120)
    widths = [columns(line) for line in done.stdout.decode().split("\n")]
    check(max(widths) in range(120, 133), "text: %d columns of 132" % max(widths))


def test_colour_only_when_asked():
    plain = run("report", "report/review.json")
    coloured = run("report", "--color", "always", "report/review.json")
    check(b"\x1b" not in plain and b"\x1b[" in coloured, "colour")
    check(re.sub(rb"\x1b\[[0-9]*m", b"", coloured) == plain, "colour changes the text")


def test_review_and_report_give_the_same_bytes():
    """A saved review loses nothing that any format shows, whole or narrowed."""
    words = ["--rules", "demo/nsgs.json", "demo/logs"]
    names = [rule["rule"] for rule in json.loads(run("review", "--format", "json", *words))["rules"]]
    check(len(names) > 2, "the demonstration has lost its rules")
    for more in ([], ["--top", "2"], ["--rule", names[1]]):
        saved = run("review", "--format", "json", *more, *words)
        for form in FORMATS:
            check(run("review", "--format", form, *more, *words) == run("report", "--format", form, *more, "-",
                                                                        stdin=saved), "%s %s" % (form, more))


def test_narrowed_report():
    whole = json.loads(read("review.json"))
    for rule in whole["rules"]:
        for words in (["--rule", rule["rule"].upper()], ["--nsg", rule["nsg"].lower()]):
            found = json.loads(run("report", "--format", "json", *words, "report/review.json"))
            check(found["rules"] == [rule], "%s gives %d rules" % (words, len(found["rules"])))
            found["rules"] = whole["rules"]
            check(found == whole, "%s changes more than the rules" % words)
    run("report", "--since", "2026-01-01", "report/review.json", status=(2,))


def test_explain_source():
    document = json.loads(read("review.json"))
    for source in document["rules"][0]["sources"]:
        text = run("report", "--explain-source", source["address"], "report/review.json").decode()
        check(source["verdict"] in text and source["network"] in text, "no verdict of " + source["address"])
        for line in source["evidence"]:
            check(line["text"] in " ".join(text.split()), "evidence is missing: " + line["text"])
        check_text(text.encode())
    check(b"retries" in run("report", "--explain-source", "192.0.2.199", "report/review.json"), "a refused sender")
    check(b"No exposing rule" in run("report", "--explain-source", "192.0.2.1", "report/review.json"), "a stranger")
    for source in json.loads(read("hostile.json"))["rules"][0]["sources"]:
        check_text(run("report", "--explain-source", source["address"], "report/hostile.json"))
    run("report", "--explain-source", "nobody", "report/review.json", status=(2,))
    run("report", "--explain-source", "192.0.2.1", "--format", "json", "report/review.json", status=(2,))


# ---- --top ----------------------------------------------------------------------------------------------------------

def test_top_sums_the_rest():
    whole = json.loads(read("review.json"))
    for top in (1, 2, 6, 7, 100):
        content = run("report", "--format", "json", "--top", str(top), "report/review.json")
        for rule, all_of_it in zip(json.loads(content)["rules"], whole["rules"]):
            sources, complete = rule["sources"], all_of_it["sources"]
            check(sources[:top] == complete[:top], "top %d: the first ones differ" % top)
            check(len(sources) == min(len(complete), top + 1), "top %d: %d rows" % (top, len(sources)))
            if len(complete) > top:
                check_rest(sources[top], complete[top:])
        again = run("report", "--format", "json", "--top", str(top), "-", stdin=content)
        check(again == content, "top %d: a second time changes it" % top)
        rows = check_csv(run("report", "--format", "csv", "--top", str(top), "report/review.json"))
        check(sum(int(row["source_connections"] or 0) for row in rows) ==
              sum(rule["traffic"]["connections"] for rule in whole["rules"]), "top %d: csv loses connections" % top)


def check_rest(rest, summed):
    check(rest["address"] is None and rest["merged"] == len(summed), "the rest is no sum of %d" % len(summed))
    for name in ("connections", "attempts", "tuples", "packets_in", "bytes_in", "packets_out", "bytes_out"):
        check(rest[name] == sum(row[name] for row in summed), "the rest sums %s wrongly" % name)
    for name in {name for row in summed for name in row["classes"]}:
        check(rest["classes"][name] == sum(row["classes"].get(name, 0) for row in summed), "rest: class " + name)
    check(rest["first"] == min(row["first"] for row in summed), "rest: first")
    check(rest["last"] == max(row["last"] for row in summed), "rest: last")


# ---- documents that are none ----------------------------------------------------------------------------------------

def places(value, path=()):
    """The path of every value, of lists the first element only."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places(member, path + (name,))
    elif isinstance(value, list) and value:
        yield from places(value[0], path + (0,))


def replaced(document, path, value):
    changed = copy.deepcopy(document)
    if not path:
        return value
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return changed


def refuses_or_reads(folder, content):
    path = os.path.join(folder, "document.json")
    with open(path, "wb") as file:
        file.write(content)
    done = subprocess.run([compare.NSGFLOW, "report", "--format", "json", path], capture_output=True, timeout=60)
    check(done.returncode in (0, 4), "exit %d: %s" % (done.returncode, done.stderr.decode(errors="replace")[-800:]))
    check((done.returncode == 0) == (done.stdout != b""), "a refused document gives output")
    check(done.returncode == 0 or done.stderr.startswith(b"nsgflow: "), "no message")
    return done.returncode


def test_wrong_types_are_refused():
    document = json.loads(read("review.json"))
    # the writer repeats these, the reader takes them from elsewhere
    unread = {("tool",), ("tool", "name"), ("tool", "version"), ("rules", 0, "nsg"), ("rules", 0, "rule"),
              ("rules", 0, "priority")}
    with tempfile.TemporaryDirectory(prefix="nsgflow-report-") as folder:
        n = 0
        for path in places(document):
            node = document
            for step in path:
                node = node[step]
            wrong = [] if isinstance(node, dict) else {"x": 1}
            status = refuses_or_reads(folder, json.dumps(replaced(document, path, wrong)).encode())
            check(status == (0 if path in unread else 4), "%s: exit %d" % (path, status))
            n += 1
        check(n > 150, "only %d places" % n)


def test_absent_members_are_empty():
    document = json.loads(read("review.json"))
    with tempfile.TemporaryDirectory(prefix="nsgflow-report-") as folder:
        for name in document:
            smaller = {key: value for key, value in document.items() if key != name}
            check(refuses_or_reads(folder, json.dumps(smaller).encode()) == (4 if name == "schema" else 0), name)
        for form in FORMATS:
            run("report", "--format", form, "-", stdin=b'{"schema":"nsgflow.review/1","rules":[{"nsg":"a","rule":"b"}]}')


def test_cut_documents_are_refused():
    content = read("review.json")
    with tempfile.TemporaryDirectory(prefix="nsgflow-report-") as folder:
        for end in range(0, len(content.rstrip()), 397):
            check(refuses_or_reads(folder, content[:end]) == 4, "cut at %d is read" % end)
        for content in (b"[]", b"{}", b"null", b'{"schema":"nsgflow.scan/1"}', b"\xff\xfe", b"[" * 1000):
            check(refuses_or_reads(folder, content) == 4, "%r is read" % content[:20])


# ---- scans ----------------------------------------------------------------------------------------------------------

def test_scan_formats():
    document = json.loads(run("scan", "--format", "json", "scan/nsgs.json"))
    made = {form: run("scan", "--format", form, "scan/nsgs.json") for form in FORMATS}
    findings = document["findings"]
    check(len(findings) > 5, "the fixture has lost its findings")
    check_text(made["text"])
    rows = check_csv(made["csv"])
    check([(row["nsg"], int(row["priority"]), row["exposure"], int(row["public_ipv4"])) for row in rows] ==
          [(f["nsg"], f["priority"], f["verdict"], f["public_ipv4"]) for f in findings], "csv: other findings")
    check_markdown(made["markdown"])
    shown = check_html(made["html"])
    check(all(escaped(finding["rule"]) in shown for finding in findings), "html: a rule is missing")
    check_sarif(made["sarif"], findings)
    n_closed = n_passed(document)
    check(n_closed > 1, "the fixture has lost its closed NSGs")
    check_junit(made["junit"], len(findings), len(findings) + n_closed)
    events = check_ocsf(made["ocsf"])
    check(len(events) == len(findings) + n_closed, "ocsf: not one event a finding and a closed NSG")
    check({event["time"] for event in events} == {1767225600000}, "ocsf: time")


def main():
    failed = passed = 0
    for name, test in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            passed += 1
        except compare.Failure as failure:
            failed += 1
            print("FAIL %s\n%s" % (name, failure))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
