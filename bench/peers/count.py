#!/usr/bin/env python3
"""Counts what a flow log allowed in on TCP port 25, as a script does: json, then split. Prints tuples and bytes."""
import json
import sys


def main():
    with open(sys.argv[1], "rb") as log:
        records = json.load(log)["records"]
    n_tuples = n_bytes = 0
    for record in records:
        for flow in (record.get("properties") or record["flowRecords"])["flows"]:
            for group in flow.get("flows") or flow["flowGroups"]:
                for line in group["flowTuples"]:
                    fields = line.split(",")
                    if fields[4] == "25" and fields[5] in ("T", "6") and fields[6] == "I" and fields[7] != "D":
                        n_tuples += 1
                        if len(fields) == 13:
                            n_bytes += int(fields[10] or 0) + int(fields[12] or 0)
    print(n_tuples, n_bytes)


main()
