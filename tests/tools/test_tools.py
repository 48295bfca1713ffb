#!/usr/bin/env python3
"""The test tools find what they are made to find: each test plants a fault and asks for the report of it.

Ends with "N passed, N failed".
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(TOOLS))
sys.path.insert(0, TOOLS)

import check_json  # noqa: E402
import check_layers  # noqa: E402
import check_text  # noqa: E402
import run_tests  # noqa: E402

COMMON = '#ifndef NSF_COMMON_H\n#define NSF_COMMON_H\n#include <stddef.h>\n#endif\n'
PASSING_UNIT = """#include "core/nsf_common.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
static void test_good(void **state)
{
    assert_true(1);
}
static void test_planted(void **state)
{
    %s
}
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
"""


class Scratch(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="nsgflow-tools-")

    def tearDown(self):
        shutil.rmtree(self.root)

    def put(self, name, text, mode=0o644):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def tool(self, name, *arguments, **env):
        done = subprocess.run([sys.executable, os.path.join(TOOLS, name)] + list(arguments), cwd=self.root,
                              env=dict(os.environ, **env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def last_line(self, text):
        return text.rstrip("\n").split("\n")[-1]


class Counting(unittest.TestCase):
    """How the runner reads what a test program says."""

    def counts(self, status, text):
        outcome = run_tests.count("x", status, text)
        return outcome.passed, outcome.failed, outcome.skipped

    def test_cmocka_all_passed(self):
        self.assertEqual(self.counts(0, "[==========] Running 1 test(s).\n[ RUN      ] a\n[       OK ] a\n"), (1, 0, 0))

    def test_cmocka_failed_is_counted_once(self):
        text = "[ RUN      ] a\n[  ERROR   ] --- no\n[  FAILED  ] a\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] a\n"
        self.assertEqual(self.counts(1, text), (0, 1, 0))

    def test_cmocka_crash_fails_the_running_test(self):
        self.assertEqual(self.counts(-11, "[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n"), (1, 1, 0))

    def test_cmocka_skipped(self):
        text = "[ RUN      ] a\n[  SKIPPED ] a\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] a\n"
        self.assertEqual(self.counts(0, text), (0, 0, 1))

    def test_leak_after_all_passed_is_a_failure(self):
        text = "[ RUN      ] a\n[       OK ] a\nLeakSanitizer: detected memory leaks\n"
        self.assertEqual(self.counts(23, text), (1, 1, 0))

    def test_sum_line(self):
        self.assertEqual(self.counts(1, "noise\n3 passed, 2 failed\n"), (3, 2, 0))
        self.assertEqual(self.counts(0, "3 passed, 0 failed, 1 skipped\n"), (3, 0, 1))

    def test_sum_line_that_hides_a_crash(self):
        self.assertEqual(self.counts(139, "3 passed, 0 failed\n"), (3, 1, 0))

    def test_nothing_ran(self):
        self.assertEqual(self.counts(0, "0 passed, 0 failed\n"), (0, 1, 0))

    def test_plain_status(self):
        self.assertEqual(self.counts(0, "fine\n"), (1, 0, 0))
        self.assertEqual(self.counts(3, ""), (0, 1, 0))
        self.assertEqual(self.counts(77, ""), (0, 0, 1))


class Runner(Scratch):
    def run_plan(self, plan, *arguments):
        self.put("build/plans/default.plan", "build build/1\n" + plan)
        return self.tool("run_tests.py", *arguments, "default:unit,diff")

    def test_sums_over_programs(self):
        self.put("a.sh", "echo '2 passed, 0 failed'\n")
        self.put("b.py", "print('3 passed, 0 failed')\n")
        status, text = self.run_plan("unit a.sh\nunit b.py\n")
        self.assertEqual((status, self.last_line(text)), (0, "5 passed, 0 failed"))

    def test_failing_program_fails_the_run_and_is_shown(self):
        self.put("a.sh", "echo the reason; exit 1\n")
        status, text = self.run_plan("unit a.sh\n")
        self.assertEqual((status, self.last_line(text)), (1, "0 passed, 1 failed"))
        self.assertIn("the reason", text)

    def test_program_that_was_not_built(self):
        status, text = self.run_plan("unit build/1/tests/unit/test_none\n")
        self.assertEqual((status, self.last_line(text)), (1, "0 passed, 1 failed"))

    def test_broken_build_counts(self):
        self.put("a.sh", "exit 0\n")
        status, text = self.run_plan("unit a.sh\n", "--broken", "programs")
        self.assertEqual((status, self.last_line(text)), (1, "1 passed, 1 failed"))

    def test_no_plan(self):
        status, text = self.tool("run_tests.py", "default:unit")
        self.assertEqual((status, self.last_line(text)), (1, "0 passed, 1 failed"))

    def test_no_test(self):
        status, _ = self.run_plan("")
        self.assertEqual(status, 1)

    def test_unknown_layer_is_not_lost(self):
        self.put("a.sh", "exit 1\n")
        status, text = self.run_plan("elsewhere a.sh\n")
        self.assertEqual((status, self.last_line(text)), (1, "0 passed, 1 failed"))


SCHEMA = """{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",%s
 "required":["schema"],"properties":{"schema":{"const":"nsgflow.x/1"},"n":{"type":"integer"}}}"""
CLOSED = '"additionalProperties":false,'


class Golden(Scratch):
    """golden.py over a program that is a shell script."""

    def setUp(self):
        super().setUp()
        self.program = self.put("program", "#!/bin/sh\n"
                                "case $1 in\n"
                                "hello) echo hello; echo warn >&2; exit 3;;\n"
                                "json) printf '%s' \"$4\";;\n"
                                "file) echo text >\"$2\";;\n"
                                "cat) cat;;\n"
                                "esac\n", 0o755)
        self.put("fixtures/schema/x.schema.json", SCHEMA % CLOSED)

    def case(self, **files):
        for name, text in files.items():
            self.put("fixtures/cases/one/" + name, text)

    def golden(self, *arguments):
        return self.tool("golden.py", *arguments, NSGFLOW=self.program)

    def assert_sum(self, answer, passed, failed):
        self.assertEqual((answer[0], self.last_line(answer[1])),
                         (1 if failed else 0, "%d passed, %d failed" % (passed, failed)), answer[1])

    def test_right(self):
        self.case(args="hello\n", stdout="hello\n", stderr="warn\n", exit="3\n")
        self.assert_sum(self.golden(), 1, 0)

    def test_wrong_stdout(self):
        self.case(args="hello\n", stdout="hullo\n", stderr="warn\n", exit="3\n")
        answer = self.golden()
        self.assert_sum(answer, 0, 1)
        self.assertIn("-hullo", answer[1])

    def test_wrong_stderr(self):
        self.case(args="hello\n", stdout="hello\n", exit="3\n")
        self.assert_sum(self.golden(), 0, 1)

    def test_wrong_exit(self):
        self.case(args="hello\n", stdout="hello\n", stderr="warn\n")
        self.assert_sum(self.golden(), 0, 1)

    def test_line_end_only(self):
        self.case(args="hello\n", stdout="hello", stderr="warn\n", exit="3\n")
        self.assert_sum(self.golden(), 0, 1)

    def test_no_args(self):
        self.case(stdout="hello\n")
        self.assert_sum(self.golden(), 0, 1)

    def test_stdin(self):
        self.case(args="cat\n", stdin="in\n", stdout="in\n")
        self.assert_sum(self.golden(), 1, 0)

    def test_written_file(self):
        self.case(args="file {tmp}/out.txt\n")
        self.assert_sum(self.golden(), 0, 1)
        self.put("fixtures/cases/one/files/out.txt", "text\n")
        self.assert_sum(self.golden(), 1, 0)

    def test_update_writes_what_was_done(self):
        self.case(args="hello\n", stdout="old\n")
        self.golden("--update")
        self.assert_sum(self.golden(), 1, 0)

    def test_json_by_schema(self):
        good = '{"schema":"nsgflow.x/1","n":1}'
        self.case(args="json --format json '%s'\n" % good, stdout=good)
        self.assert_sum(self.golden(), 1, 0)

    def test_json_with_unknown_member(self):
        bad = '{"schema":"nsgflow.x/1","m":1}'
        self.case(args="json --format json '%s'\n" % bad, stdout=bad)
        self.assert_sum(self.golden(), 0, 1)

    def test_json_without_schema(self):
        bad = '{"schema":"nsgflow.y/1"}'
        self.case(args="json --format json '%s'\n" % bad, stdout=bad)
        self.assert_sum(self.golden(), 0, 1)

    def test_open_schema(self):
        good = '{"schema":"nsgflow.x/1","n":1}'
        self.put("fixtures/schema/x.schema.json", SCHEMA % "")
        self.case(args="json --format json '%s'\n" % good, stdout=good)
        self.assert_sum(self.golden(), 1, 1)

    def test_json_with_a_member_twice(self):
        self.put("fixtures/schema/x.schema.json", SCHEMA % CLOSED)
        schemas = check_json.Schemas(os.path.join(self.root, "fixtures/schema"))
        self.assertEqual(schemas.problems_of(b'{"schema":"nsgflow.x/1","n":1}', True), [])
        self.assertNotEqual(schemas.problems_of(b'{"schema":"nsgflow.x/1","n":1,"n":1}', True), [])
        self.assertNotEqual(schemas.problems_of(b'{"schema":"nsgflow.x/1","n":NaN}', True), [])
        self.assertNotEqual(schemas.problems_of(b'{"schema":"nsgflow.x/1"', True), [])


RULES = """layer 2 cli
layer 3 run
layer 4 source envelope flow rules
layer 5 core
shared flow/flow.h rows
library yajl/ core/json_in.c
library openssl/ 1 file
"""


class Layers(Scratch):
    """Rules of the test's own: those of the project change with it."""

    def setUp(self):
        super().setUp()
        self.rules = self.put("rules.txt", RULES)
        self.put("src/core/nsf_common.h", COMMON)
        self.put("src/core/low.h", "")
        self.put("src/flow/flow.h", '#include "core/low.h"\n')
        self.put("src/flow/tuple.h", "")
        self.put("src/run/run.h", "")

    def problems(self):
        return check_layers.check(self.root, check_layers.Rules(self.rules))

    def source(self, name, *includes):
        self.put("src/" + name, '#include "core/nsf_common.h"\n' + "".join("#include %s\n" % i for i in includes))

    def assert_finds(self, text):
        problems = self.problems()
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(text, problems[0])

    def test_right_arrows(self):
        self.source("envelope/envelope.c", '"flow/flow.h"', '"core/low.h"', "<stdio.h>")
        self.source("core/json_in.c", "<yajl/yajl_parse.h>")
        self.source("cli/scan.c", '"run/run.h"', '"flow/tuple.h"')
        self.assertEqual(self.problems(), [])

    def test_up(self):
        self.source("core/low.c", '"core/low.h"', '"flow/flow.h"')
        self.assert_finds("points up")

    def test_sibling(self):
        self.source("envelope/envelope.c", '"flow/tuple.h"')
        self.assert_finds("siblings")

    def test_sibling_from_a_header(self):
        self.put("src/envelope/envelope.h", '#include "flow/tuple.h"\n')
        self.assert_finds("siblings")

    def test_unknown_folder(self):
        self.put("src/other/x.h", '#include "core/low.h"\n')
        self.assert_finds("in no layer")

    def test_library_elsewhere(self):
        self.source("rules/az.c", "<yajl/yajl_parse.h>")
        self.assert_finds("belongs to core/json_in.c")

    def test_library_in_two_files(self):
        self.source("source/a.c", "<openssl/evp.h>")
        self.source("source/b.c", "<openssl/evp.h>")
        self.assert_finds("already seen by")

    def test_common_is_first(self):
        self.put("src/core/low.c", '#include "core/low.h"\n#include "core/nsf_common.h"\n')
        self.assertTrue(any("first include" in text for text in self.problems()))

    def test_own_header_is_second(self):
        self.put("src/core/b.h", "")
        self.source("core/low.c", '"core/b.h"', '"core/low.h"')
        self.assert_finds("second include")

    def test_system_header_before_project(self):
        self.source("core/c.c", "<stdio.h>", '"core/low.h"')
        self.assert_finds("after a system header")

    def test_missing_header(self):
        self.source("core/c.c", '"core/gone.h"')
        self.assert_finds("not there")

    def test_included_source(self):
        self.source("core/a.c")
        self.source("core/c.c", '"core/a.c"')
        self.assert_finds("never included")

    def test_circle(self):
        self.put("src/core/a.h", '#include "core/b.h"\n')
        self.put("src/core/b.h", '#include "core/a.h"\n')
        self.assert_finds("include each other")


class Symbols(Scratch):
    def library(self, code, name="thing"):
        self.put(name + ".c", code)
        subprocess.run([os.environ.get("CC", "gcc"), "-w", "-O0", "-c", name + ".c"], cwd=self.root, check=True)
        subprocess.run(["ar", "rcs", "lib.a", name + ".o"], cwd=self.root, check=True)

    def check(self, what):
        os.makedirs(os.path.join(self.root, "src"), exist_ok=True)
        return self.tool("check_symbols.py", what, "lib.a")

    def test_right(self):
        self.library("int nsf_x(void); int nsf_x(void) { return 1; }")
        self.assertEqual(self.check("symbols"), (0, ""))
        self.assertEqual(self.check("banned"), (0, ""))

    def test_foreign_function(self):
        self.library("int helper(void) { return 1; }")
        self.assertIn("global helper", self.check("symbols")[1])

    def test_foreign_variable(self):
        self.library("int counter = 3;")
        self.assertEqual(self.check("symbols")[0], 1)

    def test_state(self):
        self.library("static int n; int nsf_x(void); int nsf_x(void) { return ++n; }")
        self.assertIn("thing.o:n: a variable", self.check("symbols")[1])
        self.library("int nsf_x(void); int nsf_x(void) { static int n = 3; return ++n; }")
        self.assertIn("thing.o:n: a variable", self.check("symbols")[1])
        self.library("static const char *const n[] = {\"a\"}; const char *nsf_x(int i) { return n[i]; }")
        self.assertEqual(self.check("symbols"), (0, ""))

    def test_allocation(self):
        code = "#include <stdlib.h>\nvoid *nsf_x(void) { return malloc(3); }"
        self.library(code)
        self.assertIn("calls malloc", self.check("symbols")[1])
        self.library(code, "mem")
        os.unlink(os.path.join(self.root, "lib.a"))
        self.library(code, "mem")
        self.assertEqual(self.check("symbols")[0], 0)

    def test_banned_call(self):
        self.library("#include <string.h>\nvoid nsf_x(char *a, const char *b) { strcat(a, b); }")
        self.assertIn("calls strcat", self.check("banned")[1])

    def test_banned_word(self):
        self.library("int nsf_x(void) { return 1; }")
        self.put("src/a.h", "/* strcpy(a, b) */\nstatic inline int f(const char *s) { return atoi(s); }\n")
        status, text = self.check("banned")
        self.assertEqual(status, 1)
        self.assertIn("src/a.h:2: atoi", text)
        self.assertNotIn("strcpy", text)


class Text(Scratch):
    def problems(self, name, text):
        self.put(name, text)
        return list(check_text.check(self.root))

    def test_right(self):
        self.assertEqual(self.problems("src/a.c", "int a;\n"), [])

    def test_faults(self):
        for text in ("/* /wo" + "rk/x */\n", "/* TO" + "DO */\n", "int a; \n", "int a;", "int a;\r\n", "int a;\n" * 900):
            self.assertEqual(len(self.problems("src/a.c", text)), 1, text[:20])

    def test_machine_path_in_data(self):
        self.assertEqual(len(self.problems("fixtures/x.json", '"/ho' + 'me/someone"')), 1)

    def test_unknown_top_level(self):
        self.assertEqual(len(self.problems("notes/a.md", "x\n")), 1)


class Make(Scratch):
    """The real Makefile over a project of one function."""

    def setUp(self):
        super().setUp()
        shutil.copy(os.path.join(ROOT, "Makefile"), self.root)
        shutil.copytree(TOOLS, os.path.join(self.root, "tests/tools"), ignore=shutil.ignore_patterns("test_*", "__pycache__"))
        shutil.copytree(os.path.join(ROOT, "tests/fuzz"), os.path.join(self.root, "tests/fuzz"),
                        ignore=shutil.ignore_patterns("fuzz_*"))
        self.put("src/core/nsf_common.h", COMMON)
        self.put("src/core/one.h", "#ifndef ONE_H\n#define ONE_H\nint nsf_one(void);\n#endif\n")
        self.put("src/core/one.c", '#include "core/nsf_common.h"\n#include "core/one.h"\nint nsf_one(void)\n{\n    return 1;\n}\n')
        self.put("src/main.c", '#include "core/nsf_common.h"\nint main(void)\n{\n    return 0;\n}\n')

    def make(self, *arguments):
        env = {name: value for name, value in os.environ.items()
               if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "SANITIZE", "DEVELOPER", "T", "CC")}
        done = subprocess.run(["make", "-s"] + list(arguments), cwd=self.root, env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def sums(self, text):
        return [line for line in text.splitlines() if run_tests.SUM_LINE.match(line)]

    def test_passing_unit_test(self):
        self.put("tests/unit/test_it.c", PASSING_UNIT % "assert_true(1);")
        status, text = self.make("test-unit")
        self.assertEqual((status, self.sums(text)), (0, ["2 passed, 0 failed"]), text)

    def test_failing_unit_test(self):
        self.put("tests/unit/test_it.c", PASSING_UNIT % "assert_true(0);")
        status, text = self.make("test-unit")
        self.assertNotEqual(status, 0)
        self.assertEqual(self.sums(text), ["1 passed, 1 failed"], text)

    def test_crashing_unit_test(self):
        self.put("tests/unit/test_it.c", PASSING_UNIT % "abort();")
        status, text = self.make("test-quick")
        self.assertNotEqual(status, 0)
        self.assertIn(", 1 failed", self.sums(text)[-1])

    def test_unit_test_that_does_not_compile(self):
        self.put("tests/unit/test_it.c", "this is no C\n")
        status, text = self.make("test-quick")
        self.assertNotEqual(status, 0)
        self.assertNotIn(" 0 failed", self.sums(text)[-1])

    def test_header_that_needs_another(self):
        self.put("src/core/two.h", "#ifndef TWO_H\n#define TWO_H\nsize_t nsf_two(void);\n#endif\n")
        self.assertNotEqual(self.make("check-headers")[0], 0)

    def test_header_without_guard(self):
        self.put("src/core/two.h", "struct nsf_two {\n    int a;\n};\n")
        self.assertNotEqual(self.make("check-headers")[0], 0)

    def test_warning_is_an_error_for_developers(self):
        self.put("src/core/two.c", '#include "core/nsf_common.h"\nstatic int unused;\n')
        self.assertEqual(self.make("all", "DEVELOPER=0")[0], 0)
        self.assertNotEqual(self.make("all", "DEVELOPER=1")[0], 0)

    def test_deleted_source_leaves_the_library(self):
        self.put("src/core/two.c", '#include "core/nsf_common.h"\nint helper;\n')
        self.assertNotEqual(self.make("check-symbols")[0], 0)
        os.unlink(os.path.join(self.root, "src/core/two.c"))
        self.assertEqual(self.make("check-symbols")[0], 0)

    def test_replay_names_the_input_that_crashes(self):
        self.put("tests/fuzz/fuzz_it.c", """#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 3 && data[0] == 'b')
        abort();
    return 0;
}
""")
        status, text = self.make("fuzz-replay")
        self.assertNotEqual(status, 0, "a target without a corpus must fail")
        self.put("fixtures/corpus/it/good", "aaaa")
        status, text = self.make("fuzz-replay")
        self.assertEqual((status, self.sums(text)), (0, ["1 passed, 0 failed"]), text)
        self.put("fixtures/corpus/it/cut", "bbbb")
        status, text = self.make("fuzz-replay")
        self.assertNotEqual(status, 0)
        self.assertIn("corpus/it/cut, the first 3 of 4 bytes", text)

    def test_replay_sees_one_byte_too_far(self):
        self.put("fixtures/corpus/it/good", "aaaa")
        self.put("tests/fuzz/fuzz_it.c", """#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    volatile uint8_t sink = size > 2 ? data[size] : 0;
    (void)sink;
    return 0;
}
""")
        status, text = self.make("fuzz-replay", "SANITIZE=address,undefined")
        self.assertNotEqual(status, 0)
        self.assertIn("heap-buffer-overflow", text)


def main():
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed" % (result.testsRun - failed - len(result.skipped), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
