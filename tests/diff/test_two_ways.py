#!/usr/bin/env python3
"""The fast way of reading and the plain one give the same report, byte for byte.

The plain way (--parser yajl) is the measure. Each variant of the tuple reader that runs here, with one worker and with
three, as a whole run, with --strict and with --smtp-only, must give its bytes, its messages and its exit status: on all
generated kinds of logs, on damaged copies of them, on the logs of the fixtures, on the inputs of all fuzz targets, and on
public samples where NSGFLOW_SAMPLES names them.
"""
import glob
import os
import random
import shutil
import subprocess
import sys
import tempfile

LABEL = os.environ.get("NSGFLOW_LABEL", "default")
VARIANTS = ("portable", "avx2", "avx512", "avx512vbmi")
MODES = ([], ["--strict"], ["--smtp-only"])
NSG = "/SUBSCRIPTIONS/4C1D0B5E-7D1A-4B7C-9E55-2F0A6C3B8D10/RESOURCEGROUPS/EDGE-RG/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/MAIL-EDGE-NSG"
RULES = ('[{"id":"%s","name":"mail-edge-nsg","resourceGroup":"edge-rg","securityRules":[{"name":"allow-smtp","priority":200,'
         '"direction":"Inbound","access":"Allow","protocol":"*","sourceAddressPrefix":"*","sourcePortRange":"*",'
         '"destinationAddressPrefix":"*","destinationPortRange":"25"}]}]' % NSG)
# Around the inside of a tuple array, in each layout.
WRAPPERS = [
    '{"records":[{"time":"2026-01-01T00:01:03.1234567Z","macAddress":"000D3A2B0000","category":"NetworkSecurityGroupFlowEvent",'
    '"resourceId":"%s","properties":{"Version":%d,"flows":[{"rule":"UserRule_allow-smtp","flows":[{"mac":"000D3A2B0000",'
    '"flowTuples":[%%s]}]}]}}]}' % (NSG, version) for version in (1, 2)] + [
    '{"records":[{"time":"2026-01-01T00:01:03.1234567Z","macAddress":"000D3A2B0000","category":"FlowLogFlowEvent",'
    '"flowLogVersion":4,"flowRecords":{"flows":[{"aclID":"%s","flowGroups":[{"rule":"UserRule_allow-smtp",'
    '"flowTuples":[%%s]}]}]}}]}' % NSG]
# What is put into damaged copies: what ends a string or an array, escapes, bytes that no tuple has, digits that make it another.
POKES = (b'"', b"]", b"[", b"\\", b"\\u002c", b",", b",,", b" ", b"\n", b"\x01", b"\x80", b"{", b"}", b"25", b"9", b"I", b"", b":",
         b"-", b"0", b"\\\\", b'""', b"99999999999999999999")


def review(rules, path, more, variant=None):
    """Exit status, standard error and report of one run."""
    environment = dict(os.environ, SOURCE_DATE_EPOCH="1767225600")
    if variant:
        environment["NSGFLOW_VARIANT"] = variant
    done = subprocess.run([os.environ["NSGFLOW"], "review", "--format", "json", "--progress", "never", "--rules", rules] + more + [path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=300)
    return done.returncode, done.stderr, done.stdout


def variants():
    """Those that this processor runs; an unknown one would silently be the best one."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            flags = info.read().split()
    except OSError:
        flags = []
    needs = {"portable": None, "avx2": "avx2", "avx512": "avx512bw", "avx512vbmi": "avx512_vbmi2"}
    return [name for name in VARIANTS if needs[name] is None or needs[name] in flags]


class Comparison:
    def __init__(self, ways):
        self.ways, self.passed, self.failed = ways, 0, 0

    def check(self, what, rules, path, modes=MODES, keep=None):
        """All ways over one input; a difference is one failed test."""
        for mode in modes:
            plain = review(rules, path, mode + ["--parser", "yajl", "--jobs", "1"])
            if plain[0] not in (0, 3, 4):
                self.fail(what, mode, "the plain way left with status %d: %s" % (plain[0], plain[1][-300:]))
                continue
            different = [(variant, jobs) for variant, jobs in self.ways
                         if review(rules, path, mode + ["--jobs", jobs], variant) != plain]
            if different:
                kept = shutil.copy(path, keep) if keep else path
                self.fail(what, mode, "%s differ from the plain way on %s" % (", ".join("%s with %s" % way for way in different), kept))
            else:
                self.passed += 1

    def fail(self, what, mode, why):
        self.failed += 1
        print("FAIL %s %s: %s" % (what, " ".join(mode), why))


def generated(folder, gen):
    """Logs of every kind: (kind, path)."""
    for kind in ("typical", "vnet", "nsg1", "flood", "gz", "small"):
        for seed in ("1", "2"):
            path = os.path.join(folder, "%s-%s" % (kind, seed) + (".gz" if kind == "gz" else ""))
            more = ["--blobs", "40"] if kind == "small" else ["--busy", "400", "--sources", "3000"]
            subprocess.run([gen, kind, "--bytes", "500000", "--seed", seed] + more + [path], check=True)
            yield "%s, seed %s" % (kind, seed), path


def damaged(folder, gen, n):
    """Copies of small logs with up to six bytes of damage."""
    rng = random.Random(25)
    logs = []
    for kind in ("typical", "vnet", "nsg1"):
        path = os.path.join(folder, "whole")
        subprocess.run([gen, kind, "--bytes", "40000", "--busy", "60", "--nics", "4", "--sources", "200", path], check=True)
        with open(path, "rb") as file:
            logs.append(file.read())
    for i in range(n):
        data = bytearray(logs[i % len(logs)])
        for _ in range(rng.randrange(1, 7)):
            at = rng.randrange(len(data))
            data[at:at + rng.randrange(0, 3)] = rng.choice(POKES)
        if rng.randrange(8) == 0:
            del data[rng.randrange(len(data)):]
        path = os.path.join(folder, "damaged-%d.json" % i)
        with open(path, "wb") as out:
            out.write(data)
        yield "damage %d" % i, path
        os.remove(path)


def fuzz_inputs(folder):
    """What the fuzz targets keep, as logs: the first byte is an option of the target's own."""
    for path in sorted(glob.glob("fixtures/corpus/envelope/*") + glob.glob("fixtures/corpus/gzip/*")):
        with open(path, "rb") as file:
            data = file.read()
        for name, text in ((path, data), (path + " without its first byte", data[1:])):
            copy = os.path.join(folder, "input.json")
            with open(copy, "wb") as out:
                out.write(text)
            yield name, copy
    for path in sorted(glob.glob("fixtures/corpus/tuple/*")):
        with open(path, "rb") as file:
            inside = file.read()[1:]
        for i, wrapper in enumerate(WRAPPERS):
            copy = os.path.join(folder, "input.json")
            with open(copy, "wb") as out:
                head, tail = wrapper.split("%s")
                out.write(head.encode() + inside + tail.encode())
            yield "%s as layout %d" % (path, i), copy


def other_inputs():
    """What the other fuzz targets keep, read as if it were a log: documents of other shapes, texts, damaged bytes."""
    for path in sorted(glob.glob("fixtures/corpus/*/*")):
        if os.path.basename(os.path.dirname(path)) not in ("envelope", "gzip"):
            yield path


def main():
    here = variants()
    # Sanitizers look at memory: one run each way is enough for them, and they have no generator.
    is_whole = LABEL == "default"
    ways = [(variant, jobs) for variant in here for jobs in ("1", "3")] if is_whole else [(here[-1], "1")]
    few = [(variant, "1") for variant in here]
    folder = tempfile.mkdtemp(prefix="nsgflow-ways-")
    rules = os.path.join(folder, "nsgs.json")
    with open(rules, "w", encoding="utf-8") as out:
        out.write(RULES)
    full, brief = Comparison(ways), Comparison(few if is_whole else ways)
    full.check("the demonstration", "fixtures/demo/nsgs.json", "fixtures/demo/logs")
    full.check("logs of the golden cases", "fixtures/review/nsgs.json", "fixtures/review/logs")
    for what, path in fuzz_inputs(folder):
        brief.check(what, rules, path, MODES if is_whole else MODES[:1])
    for path in other_inputs():
        brief.check(path, rules, path, MODES[:1])
    samples = os.environ.get("NSGFLOW_SAMPLES")
    for path in sorted(glob.glob(os.path.join(samples, "flowlogs", "*", "*"))) if samples else []:
        brief.check("sample " + os.path.basename(path), rules, path)
    gen = os.path.join(os.environ["NSGFLOW_BUILD"], "bench", "gen_logs")
    if is_whole:
        subprocess.run([gen, "rules", rules], check=True)
        for what, path in generated(folder, gen):
            full.check(what, rules, path)
        for what, path in damaged(folder, gen, int(os.environ.get("NSGFLOW_DAMAGED", "60"))):
            brief.check(what, rules, path, MODES[:2], keep=tempfile.gettempdir() + "/nsgflow-two-ways.json")
    shutil.rmtree(folder)
    if full.passed < 4 or brief.passed < 20:
        print("FAIL too little was compared")
        full.failed += 1
    print("tuple readers compared with the plain way: %s" % ", ".join(here))
    print("%d passed, %d failed" % (full.passed + brief.passed, full.failed + brief.failed))
    return 1 if full.failed + brief.failed else 0


if __name__ == "__main__":
    sys.exit(main())
