#!/usr/bin/env python3
"""Writes NSGs as `az network nsg list` does, for the cost of the scan: gen_nsgs.py NSGS RULES PREFIXES > FILE

Every tenth rule concerns port 25; the sources of a rule are PREFIXES networks of its own. Seeded: the same bytes each time.
"""
import json
import random
import sys


def main():
    n_nsgs, n_rules, n_prefixes = map(int, sys.argv[1:4])
    rng = random.Random(25)
    out = sys.stdout
    out.write("[")
    for n in range(n_nsgs):
        nsg = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg-%05d" % n
        rules = [{"name": "rule-%04d" % r, "priority": 100 + r, "direction": "Inbound",
                  "access": rng.choice(("Allow", "Allow", "Deny")), "protocol": "Tcp", "sourcePortRange": "*",
                  "destinationAddressPrefix": "*", "destinationPortRange": "25" if r % 10 == 0 else str(1000 + r),
                  "sourceAddressPrefixes": ["%d.%d.%d.0/%d" % (rng.randrange(1, 223), rng.randrange(256), rng.randrange(256),
                                                              rng.randrange(9, 25)) for _ in range(n_prefixes)]}
                 for r in range(n_rules)]
        out.write((",\n" if n else "") + json.dumps({"id": nsg, "name": "nsg-%05d" % n, "securityRules": rules}))
    out.write("]\n")


if __name__ == "__main__":
    main()
