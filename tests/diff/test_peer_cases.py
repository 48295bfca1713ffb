#!/usr/bin/env python3
"""Scans every NSG of the public scanners' own test cases and compares the verdict with theirs, where it is not ambiguous.

NSGFLOW names the program, NSGFLOW_CASES the folder with peer_cases.json; without it the test says it was skipped.
Each case becomes an NSG as `az network nsg list` writes it: all in one file, and each alone.
"""
import json
import os
import subprocess
import sys
import tempfile

NSG_ID = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/" \
    "networkSecurityGroups/case-%03d"


def read_cases(folder):
    with open(os.path.join(folder, "peer_cases.json"), encoding="utf-8") as file:
        cases = json.load(file)
    return [case for case in cases if case.get("nsg_opensmtp_expected") in ("pass", "fail")]


def scan(path):
    """The document that the program prints for the file, checked for its exit status."""
    done = subprocess.run([os.environ["NSGFLOW"], "scan", "--format", "json", path], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit("scan %s: exit status %d" % (path, done.returncode))
    return json.loads(done.stdout)


def answer(row):
    """pass or fail, as the other scanners say it."""
    return "fail" if row["verdict"] in ("exposed", "partial") else "pass"


def main():
    folder = os.environ.get("NSGFLOW_CASES")
    if not folder:
        print("skipped: NSGFLOW_CASES is not set")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    cases = read_cases(folder if os.path.isdir(folder) else os.path.dirname(folder))
    n_failed = 0
    with tempfile.TemporaryDirectory() as temp:
        path = os.path.join(temp, "nsgs.json")
        nsgs = [{"id": NSG_ID % number, "name": "case-%03d" % number, "securityRules": case["nsg_rules_port25"]}
                for number, case in enumerate(cases)]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(nsgs, file)
        rows = {row["nsg"]: row for row in scan(path)["nsgs"]}
        for nsg, case in zip(nsgs, cases):
            got = rows.get(nsg["id"], {"verdict": "not scanned"})
            if answer(got) != case["nsg_opensmtp_expected"] or got["verdict"] == "not scanned":
                n_failed += 1
                print("%s: %s, %s: expected %s, got %s" % (nsg["name"], case["peer"], case["case"],
                                                           case["nsg_opensmtp_expected"], got["verdict"]))
        for number, nsg in list(enumerate(nsgs))[::10]:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(nsg, file)
            if scan(path)["nsgs"] != [dict(rows[nsg["id"]], place=scan(path)["nsgs"][0]["place"])]:
                n_failed += 1
                print("case %d alone gives another row" % number)
    print("%d passed, %d failed" % (len(cases) - n_failed, n_failed))
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
