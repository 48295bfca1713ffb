#!/usr/bin/env python3
"""Runs the program on scenes of which the truth is known and prints what it says of the rule, per scene and layout.

    rule_verdicts.py [--seeds N] [--table] [--only NAME]

Ends with status 1 when a verdict is neither the truth nor "cannot tell". --table prints the rows of tests/README.md.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scenes  # noqa: E402
import world  # noqa: E402


def review(program, folder, more):
    command = [program, "review", "--format", "json", "--rules", "nsgs.json", "--senders", "senders.txt", "--drop", "drop.txt"]
    for name in more:
        command += ["--rules", name]
    done = subprocess.run(command + ["logs"], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("rule_verdicts: %s ended with %d: %s" % (program, done.returncode, done.stderr))
    rules = json.loads(done.stdout)["rules"]
    return next(rule for rule in rules if rule["nsg"].endswith("/nsg-mail"))


def play(program, scene, seed, layout):
    made = scene(seed)
    with tempfile.TemporaryDirectory(prefix="nsgflow-eval-") as folder:
        made.write(folder, layout)
        more = made.rules_files()
        for name, content in more.items():
            world.dump(os.path.join(folder, name), content)
        return review(program, folder, more)


def cell(outcomes):
    words = ("right", "cannot tell", "wrong")
    found = [word for word in words if outcomes.count(word) > 0]
    return found[0] if len(found) == 1 else ", ".join("%d %s" % (outcomes.count(word), word) for word in found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--table", action="store_true", help="only the summary, as rows of Markdown")
    parser.add_argument("--program", default=os.environ.get("NSGFLOW", "build/nsgflow"))
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    rows, wrong = [], []
    for scene in scenes.ALL:
        if options.only not in scene.__name__:
            continue
        cells = []
        for layout in world.LAYOUTS:
            if layout not in scenes.layouts_of(scene):
                cells.append("")
                continue
            outcomes = []
            for seed in range(1, options.seeds + 1):
                rule = play(program, scene, seed, layout)
                outcomes.append(scenes.judge(scene, layout, rule["verdict"]))
                if not options.table:
                    print("%-20s %-6s %-22s %s  %s" % (scene.__name__, layout, rule["verdict"], rule["confidence"],
                                                       outcomes[-1]))
                if outcomes[-1] == "wrong":
                    wrong.append("%s, %s, seed %d: %s: %s" % (scene.__name__, layout, seed, rule["verdict"], rule["reason"]))
            cells.append(cell(outcomes))
        rows.append("| %s | %s |" % (scene.__doc__.strip().rstrip("."), " | ".join(cells)))
    print("| scene | " + " | ".join(world.LAYOUTS) + " |")
    print("|---|" + "---|" * len(world.LAYOUTS))
    print("\n".join(rows))
    for line in wrong:
        print("wrong: " + line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
