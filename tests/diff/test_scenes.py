#!/usr/bin/env python3
"""Scenes of which the truth is known (tests/eval/scenes.py), one world of each: the verdict of the rule is the truth or
"cannot tell". `make eval` plays more of them and prints the table.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "eval"))
import rule_verdicts  # noqa: E402
import scenes  # noqa: E402

PROGRAM = os.path.abspath(os.environ.get("NSGFLOW", "build/nsgflow"))


def main():
    passed = failed = 0
    for number, scene in enumerate(scenes.ALL):
        layouts = scenes.layouts_of(scene)
        for layout in {layouts[number % len(layouts)], layouts[-1]}:
            rule = rule_verdicts.play(PROGRAM, scene, 11, layout)
            if scenes.judge(scene, layout, rule["verdict"]) == "wrong":
                failed += 1
                print("failed: %s in %s: %s: %s" % (scene.__name__, layout, rule["verdict"], rule["reason"]))
            else:
                passed += 1
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
