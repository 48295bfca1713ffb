"""What the tests that compare JSON documents share: running the program, finding differences, counting."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NSGFLOW = os.path.abspath(os.environ.get("NSGFLOW", os.path.join(HERE, "..", "..", "build", "nsgflow")))
SHOWN_DIFFERENCES = 12
QUIET_EXITS = (0, 3)                # done, and done with bad input


class Failure(Exception):
    """A test that ends early; the text says why."""


def run(arguments, stdin=None):
    """Runs the program -> the bytes of its output."""
    done = subprocess.run([NSGFLOW] + arguments, input=stdin, capture_output=True, timeout=120,
                          env={**os.environ, "SOURCE_DATE_EPOCH": "1767225600", "TZ": "UTC"})
    if done.returncode not in QUIET_EXITS:
        raise Failure("  exit %d of: nsgflow %s\n%s" % (
            done.returncode, " ".join(arguments), done.stderr.decode(errors="replace")[-2000:]))
    return done.stdout


def pick(row, names):
    return {name: row.get(name, "(absent)") for name in names}


def tidy_classes(row):
    """Classes without a connection may be left out or given as 0."""
    if isinstance(row.get("classes"), dict):
        row["classes"] = {name: count for name, count in row["classes"].items() if count}
    return row


def differences(ours, reference, place="$", other="the reference has"):
    """All places where two JSON values differ, as lines."""
    if isinstance(ours, dict) and isinstance(reference, dict):
        return [line for name in sorted(set(ours) | set(reference)) for line in differences(
            ours.get(name, "(absent)"), reference.get(name, "(absent)"), "%s.%s" % (place, name), other)]
    if isinstance(ours, list) and isinstance(reference, list):
        if len(ours) != len(reference):
            only = [item for item in ours if item not in reference], [item for item in reference if item not in ours]
            return ["%s: %d items, %s %d; only here: %.300s; only there: %.300s" % (
                place, len(ours), other, len(reference), json.dumps(only[0]), json.dumps(only[1]))]
        return [line for index, pair in enumerate(zip(ours, reference))
                for line in differences(*pair, "%s[%d]" % (place, index), other)]
    if ours == reference and type(ours) is type(reference):
        return []
    return ["%s: %s, %s %s" % (place, json.dumps(ours), other, json.dumps(reference))]


def demand_same(ours, reference):
    found = differences(ours, reference)
    if found:
        more = ["... and %d more" % (len(found) - SHOWN_DIFFERENCES)] if len(found) > SHOWN_DIFFERENCES else []
        raise Failure("\n".join("  " + line for line in found[:SHOWN_DIFFERENCES] + more))


def main(tests, n_skipped=0):
    """Runs (name, function) pairs and ends the program."""
    passed = failed = 0
    for name, test in tests:
        try:
            test()
            passed += 1
        except (Failure, OSError, ValueError, KeyError, TypeError, IndexError, subprocess.TimeoutExpired) as failure:
            failed += 1
            print("FAIL %s\n%s" % (name, failure if isinstance(failure, Failure) else repr(failure)), flush=True)
    print("%d passed, %d failed%s" % (passed, failed, ", %d skipped" % n_skipped if n_skipped else ""))
    sys.exit(1 if failed else 0)
