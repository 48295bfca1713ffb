#!/usr/bin/env python3
"""The logs that benchmarks run on are what bench/README.md says, and a peer's answer is the review's."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import xml.etree.ElementTree

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GEN = os.path.join(os.environ.get("NSGFLOW_BUILD", ""), "bench", "gen_logs")
sys.path.insert(0, os.path.join(TOP, "bench"))

import measure  # noqa: E402
import plot  # noqa: E402


def generate(kind, *more):
    return subprocess.run([GEN, kind, *more, "-"], stdout=subprocess.PIPE, check=True).stdout


def groups_of(text):
    """(record, rule, tuples) of every group."""
    for record in json.loads(text)["records"]:
        for flow in (record.get("properties") or record["flowRecords"])["flows"]:
            for group in flow.get("flows") or flow["flowGroups"]:
                yield record, flow.get("rule") or group["rule"], [line.split(",") for line in group["flowTuples"]]


class Logs(unittest.TestCase):
    def test_same_arguments_same_bytes(self):
        for kind in ("typical", "vnet", "nsg1", "flood", "gz", "rules"):
            self.assertEqual(generate(kind, "--bytes", "300000"), generate(kind, "--bytes", "300000"), kind)
        self.assertNotEqual(generate("typical", "--bytes", "300000"), generate("typical", "--bytes", "300000", "--seed", "2"))

    def test_shares(self):
        for kind in ("typical", "vnet", "nsg1"):
            n = n_mail = n_denied = 0
            for _, _, tuples in groups_of(generate(kind, "--bytes", "8000000")):
                for fields in tuples:
                    n += 1
                    is_denied = fields[7] == "D"
                    n_denied += is_denied
                    n_mail += fields[4] == "25" and fields[6] == "I" and not is_denied
            self.assertAlmostEqual(n_mail / n, 0.03, delta=0.003, msg=kind)
            self.assertAlmostEqual(n_denied / n, 0.30, delta=0.02, msg=kind)

    def test_records_are_cut_and_sorted(self):
        text = generate("typical", "--bytes", "3000000").decode()
        records = text[len('{"records":['):-2].split(',{"time":')
        self.assertLessEqual(max(map(len, records)), 32768)
        self.assertGreater(max(map(len, records)), 32000)
        last = None
        for record, rule, tuples in groups_of(text):
            stamps = [int(fields[0]) for fields in tuples]
            self.assertTrue(tuples)
            self.assertEqual(stamps, sorted(stamps))
            if last and last[0] is record:
                self.assertLess(last[1], rule)
            last = (record, rule)

    def test_connections_are_whole(self):
        begun, n_ends = set(), 0
        for _, _, tuples in groups_of(generate("vnet", "--bytes", "5000000", "--nics", "3")):
            for fields in tuples:
                connection = tuple(fields[1:6])
                if fields[7] == "B":
                    begun.add(connection)
                elif fields[7] in "CE":
                    n_ends += 1
                    self.assertIn(connection, begun)
        self.assertGreater(n_ends, 10000)

    def test_few_come_often_and_many_once(self):
        seen = {}
        for _, rule, tuples in groups_of(generate("typical", "--bytes", "8000000")):
            if rule == "DefaultRule_DenyAllInBound":
                for fields in tuples:
                    seen[fields[1]] = seen.get(fields[1], 0) + 1
        counts = sorted(seen.values(), reverse=True)
        self.assertGreater(counts[0], sum(counts) / 20)
        self.assertGreater(sum(n == 1 for n in counts), len(counts) / 3)

    def test_flood_has_as_many_sources_as_asked(self):
        sources = {fields[1] for _, _, tuples in groups_of(generate("flood", "--bytes", "3000000", "--sources", "500")) for fields in tuples}
        self.assertEqual(len(sources), 500)


class Peers(unittest.TestCase):
    def test_a_peer_counts_what_the_review_counts(self):
        with tempfile.TemporaryDirectory(prefix="nsgflow-bench-") as work:
            rules = os.path.join(work, "nsgs.json")
            subprocess.run([GEN, "rules", rules], check=True)
            for kind in ("typical", "vnet", "nsg1", "flood"):
                log = os.path.join(work, kind)
                subprocess.run([GEN, kind, "--bytes", "1000000", log], check=True)
                done = subprocess.run([os.environ["NSGFLOW"], "review", "--quiet", "--format", "json", "--rules", rules, log],
                                      stdout=subprocess.PIPE, check=True)
                review = json.loads(done.stdout)
                n_bytes = sum((row["traffic"]["bytes_in"] or 0) + (row["traffic"]["bytes_out"] or 0) for row in review["rules"])
                counted = subprocess.run([sys.executable, os.path.join(TOP, "bench", "peers", "count.py"), log], stdout=subprocess.PIPE, check=True)
                self.assertEqual(counted.stdout.split(), [b"%d" % review["inputs"]["smtp_inbound"]["allowed"], b"%d" % n_bytes], kind)
                self.assertGreater(review["inputs"]["smtp_inbound"]["allowed"], 100)


class Plot(unittest.TestCase):
    def test_use_of_processors_is_that_between_two_counts(self):
        with unittest.mock.patch("os.cpu_count", return_value=2):
            self.assertEqual(measure.processors_in_use((100, 900), (150, 950)), 1)
            self.assertEqual(measure.processors_in_use((100, 900), (100, 1100)), 0)
            self.assertEqual(measure.processors_in_use((100, 900), (100, 900)), 0)
        before = measure.processor_ticks()
        sum(range(20_000_000))
        self.assertGreater(measure.processors_in_use(before, measure.processor_ticks()), 0.1)

    def test_a_plot_is_xml_and_has_every_point_inside(self):
        panels = [plot.Panel("a < b", "x", "y", [(1, 5.0), (1000, 7.5), (1e7, 0.2)], is_log=is_log) for is_log in (False, True)]
        tree = xml.etree.ElementTree.fromstring(plot.svg("t & u", panels))
        circles = list(tree.iter("{http://www.w3.org/2000/svg}circle"))
        self.assertEqual(len(circles), 6)
        for circle in circles:
            self.assertTrue(0 < float(circle.get("cx")) < float(tree.get("width")))
            self.assertTrue(0 < float(circle.get("cy")) < float(tree.get("height")))


if __name__ == "__main__":
    outcome = unittest.main(exit=False, verbosity=1).result
    print("%d passed, %d failed" % (outcome.testsRun - len(outcome.failures) - len(outcome.errors), len(outcome.failures) + len(outcome.errors)))
    sys.exit(not outcome.wasSuccessful())
