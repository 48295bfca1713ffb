#!/usr/bin/env python3
"""Two revisions side by side: processor time, instructions and memory of the same reviews, and whether they say the same.

usage: compare.py REVISION [--bytes N] [--rounds N] [KIND...]

REVISION is built in build/compare/; it is held against the program that NSGFLOW names. The runs alternate; medians.
Instructions are counted by callgrind on a tenth of the log. Set NSGFLOW_BUILD too: it has the generator.
"""
import argparse
import os
import re
import shutil
import subprocess
import tempfile

from measure import Command, die, is_busy, machine, side_by_side, table

COLLECTED = re.compile(rb"Collected : (\d+)")


def build(revision):
    """The program of another revision; its sources are taken out of git, so that no work tree is touched."""
    done = subprocess.run(["git", "rev-parse", "--verify", "--short=12", revision + "^{commit}"], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        die("compare: git knows no %s" % revision)
    folder = os.path.join("build", "compare", done.stdout.decode().strip())
    program = os.path.abspath(os.path.join(folder, "build", "nsgflow"))
    if not os.path.exists(program):
        os.makedirs(folder, exist_ok=True)
        archive = subprocess.Popen(["git", "archive", revision], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", folder], stdin=archive.stdout, check=True)
        archive.wait()
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        subprocess.run(["make", "-s", "-C", folder, "-j2", "DEVELOPER=", "all"], check=True, env=environment)
    return program


def instructions(program, rules, log):
    if not shutil.which("valgrind"):
        return None
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "review", "--quiet", "--format",
                           "json", "-o", "/dev/null", "--rules", rules, "--jobs", "1", log], stderr=subprocess.PIPE,
                          env=dict(os.environ, NSGFLOW_VARIANT="avx2"))
    found = COLLECTED.search(done.stderr)
    return int(found.group(1)) if done.returncode == 0 and found else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("revision")
    parser.add_argument("--bytes", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("kinds", nargs="*")
    options = parser.parse_args()
    programs = {options.revision: build(options.revision), "here": os.environ["NSGFLOW"]}
    gen = os.path.join(os.environ["NSGFLOW_BUILD"], "bench", "gen_logs")
    print(machine() + ("\n\nOthers use this machine: trust instructions more than seconds." if is_busy() else "") + "\n")
    work = tempfile.mkdtemp(prefix="nsgflow-compare-")
    rows = []
    try:
        rules = os.path.join(work, "nsgs.json")
        subprocess.run([gen, "rules", rules], check=True)
        for kind in options.kinds or ["typical", "vnet", "flood", "small"]:
            log, few = os.path.join(work, kind), os.path.join(work, kind + "-few")
            for path, n_bytes in ((log, options.bytes), (few, options.bytes // 10)):
                more = ["--blobs", str(max(1, n_bytes // 10000))] if kind == "small" else []
                subprocess.run([gen, kind, "--bytes", str(n_bytes)] + more + [path], check=True)
            outs = {name: os.path.join(work, "out-%d.json" % i) for i, name in enumerate(programs)}
            commands = {name: Command(name, [program, "review", "--quiet", "--format", "json", "-o", outs[name], "--rules", rules, "--jobs",
                                             "1", log], environment={"SOURCE_DATE_EPOCH": "1767225600"})
                        for name, program in programs.items()}
            for _, reason in side_by_side(list(commands.values()), options.rounds):
                die("compare: " + reason)
            then, now = (commands[name] for name in programs)
            counts = [instructions(program, rules, few) for program in programs.values()]
            is_same = subprocess.run(["cmp", "-s"] + list(outs.values())).returncode == 0
            change = 100 * now.seconds("cpu") / then.seconds("cpu") - 100
            rows.append([kind, "%.4f" % then.seconds("cpu"), "%.4f" % now.seconds("cpu"), "%+.1f %%" % change,
                         "%+.1f %%" % (100 * counts[1] / counts[0] - 100) if None not in counts else "not counted",
                         "%.1f" % (then.max_rss_kb / 1024), "%.1f" % (now.max_rss_kb / 1024), "yes" if is_same else "no"])
    finally:
        shutil.rmtree(work)
    table(["log", "s, " + options.revision, "s, here", "change", "instructions", "MiB, " + options.revision, "MiB, here", "same report"], rows)


if __name__ == "__main__":
    main()
