#!/usr/bin/env python3
"""Reviews with a store against reviews without: logs arrive in pieces, grow, are replaced, in any order.

    NSGFLOW=build/nsgflow tests/diff/test_store.py [--seeds FIRST-LAST] [--steps N] [--keep]

After every step the review from the store is the same, byte for byte, as one run over everything there is, whatever
the number of jobs; so is the report of the store, and that of merged stores. The last line says `N passed, N failed`.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import sqlite3
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, os.pardir, "reference"))

import compare      # noqa: E402
import gen_logs     # noqa: E402
import jsonschema   # noqa: E402
from compare import Failure, demand_same, run  # noqa: E402

seen = {"new": 0, "grown": 0, "replaced": 0}
TREND_SCHEMA = os.path.join(HERE, os.pardir, os.pardir, "fixtures", "schema", "trend.schema.json")
OPENING = b'{"records":['


def record_ends(blob):
    """Where the records of a compact blob end; none when it is no such blob."""
    if not blob.startswith(OPENING) or not blob.endswith(b"]}"):
        return []
    try:
        text = blob.decode("ascii")
    except UnicodeDecodeError:
        return []
    decoder, ends, at = json.JSONDecoder(), [], len(OPENING)
    try:
        while True:
            _, at = decoder.raw_decode(text, at)
            ends.append(at)
            if text[at] != ",":
                return ends if text[at:] == "]}" else []
            at += 1
    except (ValueError, IndexError):
        return []


class Live:
    """A folder of logs that fills up."""

    def __init__(self, rng, world, folder, replaces=True):
        self.rng, self.folder, self.replaces = rng, folder, replaces
        self.blobs = {}
        for at, _, names in os.walk(os.path.join(world, "logs")):
            for name in names:
                path = os.path.join(at, name)
                with open(path, "rb") as file:
                    self.blobs[os.path.relpath(path, world)] = file.read()
        self.here = {}

    def versions(self, name):
        """What the blob looked like before it was whole."""
        whole = self.blobs[name]
        ends = record_ends(whole)
        earlier = [whole[:end] + b"]}" for end in ends[:-1]] + [OPENING + b"]}"] if ends else []
        if not ends and len(whole) > 10 and not name.endswith(".gz"):
            earlier.append(whole[:self.rng.randrange(1, len(whole))])
        if self.replaces and self.rng.random() < 0.1:
            earlier.append(self.rng.choice(sorted(self.blobs.values())))
        return earlier

    def put(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if self.rng.random() < 0.5 or not os.path.exists(path):
            with open(path, "wb") as file:
                file.write(content)
        else:
            with open(path + ".new", "wb") as file:
                file.write(content)
            os.replace(path + ".new", path)
        self.here[name] = content

    def step(self, is_last):
        for name in sorted(self.blobs):
            if is_last:
                if self.here.get(name) != self.blobs[name]:
                    self.put(name, self.blobs[name])
            elif self.rng.random() < 0.4:
                earlier = self.versions(name)
                if earlier and self.rng.random() < 0.8:
                    longer = [one for one in earlier if len(one) > len(self.here.get(name, b""))]
                    self.put(name, self.rng.choice(longer or earlier))
                else:
                    self.put(name, self.blobs[name])


def demand_equal(expected, found, when):
    """Byte for byte; a difference is shown by its place in the JSON."""
    if expected == found:
        return
    try:
        demand_same(json.loads(found), json.loads(expected))
    except Failure as failure:
        raise Failure("  %s:\n%s" % (when, failure)) from None
    raise Failure("  %s: the same JSON in other bytes" % when)


def review(rules, logs, *options):
    return run(["review", "--rules", rules, "--format", "json", *options, *logs])


def check_listing(rules, logs, store):
    """Nothing would be read any more; without the store everything; and a listing makes no store."""
    listing = ["review", "--rules", rules, "--list", *logs]
    with_store = run([*listing, "--store", store]).decode().splitlines()
    if len(with_store) != 1 or " in 0 blobs" not in with_store[0]:
        raise Failure("  would be read again: %s" % with_store)
    absent = store + ".absent"
    if run([*listing, "--store", absent]) != run(listing) or os.path.exists(absent):
        raise Failure("  a listing with a store that is not there is not the listing without one")


def check_beside_logs(rules, folder, expected):
    """A store in the folder of the logs is no log, in the run that makes it and in the next."""
    store = os.path.join(folder, "logs", "evidence.db")
    for when in ("first", "next"):
        found = review(rules, [os.path.join(folder, "logs")], "--store", store)
        demand_equal(expected, found, "%s run with a store beside the logs" % when)


def check_key_figures(store):
    """The document keeps to its schema and agrees with itself."""
    document = json.loads(run(["report", "--kpi", "--format", "json", store]))
    jsonschema.validate(document, json.loads(pathlib.Path(TREND_SCHEMA).read_text(encoding="ascii")))
    open_now = sum(row["closed"] is None for row in document["findings"])
    if (open_now, open_now) != (document["now"]["findings"], document["remediation"]["open"]):
        raise Failure("  the key figures disagree: %s" % document)


def count_readings(store):
    """What the runs say of themselves; the last one had nothing new."""
    with contextlib.closing(sqlite3.connect(store)) as database:
        rows = database.execute("SELECT n_new, n_grown, n_replaced, n_unchanged, bytes FROM runs "
                                "ORDER BY rowid").fetchall()
    for kind, count in zip(("new", "grown", "replaced"), map(sum, zip(*rows))):
        seen[kind] += count
    if any(rows[-1][:3]) or rows[-1][4] or not rows[-1][3]:
        raise Failure("  a run with nothing new read something: %s" % (rows[-1],))


def check_all_kinds():
    """The schedules tested what they are for."""
    if not (seen["new"] and seen["grown"] and seen["replaced"]):
        raise Failure("  not every kind of change came up: %s" % seen)


def check_merge(seed, keep):
    """Several machines, each with a part of the logs at some moment; merged in any order, twice, in any grouping."""
    folder = tempfile.mkdtemp(prefix="nsgflow-merge-")
    rng = random.Random(seed)
    world, live_folder = os.path.join(folder, "world"), os.path.join(folder, "live")
    gen_logs.World(seed, None, rng.choice([1, 2]), None).write(world)
    rules = os.path.join(world, "nsgs.json")
    live = Live(rng, world, live_folder, replaces=False)
    stores = [os.path.join(folder, "%d.db" % i) for i in range(4)]
    try:
        for i, store in enumerate(stores):
            live.step(i + 1 == len(stores))
            names = sorted(live.here)
            part = names if i + 1 == len(stores) else rng.sample(names, rng.randrange(1, len(names) + 1)) if names else []
            if part:
                review(rules, [os.path.join(live_folder, name) for name in part], "--store", store)
        stores = [store for store in stores if os.path.exists(store)]
        expected = review(rules, [os.path.join(live_folder, name) for name in sorted(live.here)])
        merged = [os.path.join(folder, "m%d.db" % i) for i in range(4)]
        shuffled = stores + [rng.choice(stores)]
        rng.shuffle(shuffled)
        run(["merge", "-o", merged[0], *stores])
        run(["merge", "-o", merged[1], *shuffled])
        cut = rng.randrange(1, len(stores) + 1)
        run(["merge", "-o", merged[2], *stores[:cut]])
        run(["merge", "-o", merged[3], merged[2], *stores[cut:]])
        run(["merge", "-o", merged[0], merged[0], merged[1]])
        for i in (0, 1, 3):
            demand_equal(expected, run(["report", "--format", "json", merged[i]]), "merged store %d" % i)
        logs = [os.path.join(live_folder, name) for name in sorted(live.here)]
        demand_equal(expected, review(rules, logs, "--store", merged[1]), "a run on a merged store")
        left = [name for name in os.listdir(folder) if name.endswith((".tmp", "-wal"))]
        if left:
            raise Failure("  left behind: %s" % left)
    except Failure:
        if keep:
            print("kept: " + folder)
            folder = None
        raise
    finally:
        if folder:
            shutil.rmtree(folder)


def check_schedule(seed, steps, keep):
    folder = tempfile.mkdtemp(prefix="nsgflow-store-")
    rng = random.Random(seed)
    world, live_folder = os.path.join(folder, "world"), os.path.join(folder, "live")
    gen_logs.World(seed, None, rng.choice([1, 2, 4]), None).write(world)
    rules, store = os.path.join(world, "nsgs.json"), os.path.join(folder, "evidence.db")
    live = Live(rng, world, live_folder)
    logs = [os.path.join(live_folder, "logs")]
    expected = b""
    try:
        for step in range(steps):
            live.step(step + 1 == steps)
            if not live.here:
                continue
            expected = review(rules, logs)
            found = review(rules, logs, "--store", store, "--jobs", str(rng.choice([1, 2, 3])))
            demand_equal(expected, found, "step %d" % step)
            demand_equal(expected, run(["report", "--format", "json", store]), "report of step %d" % step)
        demand_equal(expected, review(rules, logs, "--store", store), "a run with nothing new")
        count_readings(store)
        check_listing(rules, logs, store)
        check_beside_logs(rules, live_folder, expected)
        check_key_figures(store)
    except Failure:
        if keep:
            print("kept: " + folder)
            folder = None
        raise
    finally:
        if folder:
            shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", default="1-12")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split("-"))
    compare.main([("seed %d" % seed, lambda seed=seed: check_schedule(seed, options.steps, options.keep))
                  for seed in range(first, last + 1)] + [("kinds of change", check_all_kinds)]
                 + [("merge %d" % seed, lambda seed=seed: check_merge(seed, options.keep))
                    for seed in range(first, last + 1)])


if __name__ == "__main__":
    main()
