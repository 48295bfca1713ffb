#!/usr/bin/env python3
"""Reads the symbol tables of the objects.

usage: check_symbols.py symbols|banned LIBRARY.a [--src DIR]

symbols: every global symbol that the library defines begins with nsf_; memory is asked for in core/mem.c only;
         no variable outlives a call, but those listed with their reason.
banned:  no object calls a function of the list below, and no line of src/ names one as a call.
"""
import os
import re
import subprocess
import sys

BANNED = {
    "strcpy": "nothing bounds it: use struct nsf_buf or memcpy",
    "strcat": "nothing bounds it: use struct nsf_buf",
    "strncpy": "does not end its string: use memcpy",
    "strncat": "its bound is not the size: use struct nsf_buf",
    "stpcpy": "nothing bounds it",
    "sprintf": "nothing bounds it: use snprintf",
    "vsprintf": "nothing bounds it: use vsnprintf",
    "gets": "nothing bounds it",
    "strtok": "keeps hidden state: use struct nsf_slice",
    "strtok_r": "writes into its input: use struct nsf_slice",
    "atoi": "hides errors: parse with a bound",
    "atol": "hides errors: parse with a bound",
    "atoll": "hides errors: parse with a bound",
    "atof": "hides errors: parse with a bound",
    "scanf": "numbers overflow silently",
    "sscanf": "numbers overflow silently",
    "fscanf": "numbers overflow silently",
    "localtime": "shared result, local time zone",
    "gmtime": "shared result",
    "ctime": "shared result",
    "asctime": "shared result",
    "mktime": "local time zone",
    "rand": "not seeded by us",
    "srand": "global state",
    "system": "a shell",
    "popen": "a shell",
    "tmpnam": "a race",
    "tempnam": "a race",
    "mktemp": "a race",
    "alloca": "no bound on the stack",
    "setenv": "not safe with threads",
    "putenv": "not safe with threads",
}
ALLOCATORS = {"malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup", "asprintf", "vasprintf",
              "aligned_alloc", "posix_memalign", "memalign", "getline", "getdelim"}
# Objects that may allocate by themselves, with the reason.
MAY_ALLOCATE = {
    "mem.o": "is the allocator",
}
# Variables that outlive a call, "object:name" with the reason each is no trap for a second thread or run.
MAY_KEEP_STATE = {
    "mem.o:exhaustion_handler": "set once by main, before threads",
    "mem.o:fail_countdown": "tests only: the allocation that fails",
    "out.o:unfinished": "what an end of the process has to remove",
    "review.o:is_stopped": "what a signal asked for; signals have no other argument",
    "review.o:is_transfer_stopped": "what a signal asked for; signals have no other argument",
    "http.o:curl": "functions of a library that is loaded once",
    "http.o:curl_library": "whether that library was loaded",
    "sign.o:crypto": "functions of a library that is loaded once",
    "sign.o:crypto_library": "whether that library was loaded",
    "thread.o:once_lock": "the lock of what is done once",
    "json_in.o:funcs": "never written: yajl takes its allocation functions by a pointer to non-const",
}


def symbols_of(library):
    """Yields (object, type, name) of each symbol in an archive."""
    text = subprocess.run(["nm", "-A", "-P", library], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        match = re.match(r"^.*\[([^\]]+)\]: (\S+) (\S)", line)
        if match:
            yield match.group(1), match.group(3), match.group(2)


def plain(name):
    """The function meant by a fortified, versioned or C99 spelling."""
    name = name.split("@")[0]
    for pattern in (r"^__(\w+)_chk$", r"^__isoc99_(\w+)$"):
        match = re.match(pattern, name)
        if match:
            return match.group(1)
    return name


def variables_of(library):
    """Yields "object:name" of each variable that can be written."""
    text = subprocess.run(["objdump", "-t", library], check=True, capture_output=True, text=True).stdout
    where = ""
    for line in text.splitlines():
        match = re.match(r"^(\S+\.o):\s+file format", line)
        if match:
            where = match.group(1)
        # Address, binding, O for object, section, size, name; the compiler numbers the names of local statics.
        match = re.match(r"^[0-9a-f]+ .{6}O (\.(?:t?bss|t?data)\S*)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
        # The counters of a coverage build and what the compiler adds for itself begin with two underscores.
        if match and ".rel.ro" not in match.group(1) and not match.group(2).startswith("__"):
            yield "%s:%s" % (where, re.sub(r"\.\d+$", "", match.group(2)).split(".")[-1])


def check_symbols(library):
    for variable in sorted(set(variables_of(library))):
        if variable not in MAY_KEEP_STATE:
            yield "%s: a variable that outlives a call: pass it, make it const, " \
                  "or list it with its reason in tests/tools/check_symbols.py" % variable
    for where, kind, name in symbols_of(library):
        if kind in "TDBRCVWGS" and not name.startswith(("nsf_", "_nsf_", "__odr_asan", "__asan", "__gcov", "__llvm", "__start", "__stop")):
            yield "%s: global %s does not begin with nsf_" % (where, name)
        if kind == "U" and plain(name) in ALLOCATORS and where not in MAY_ALLOCATE:
            yield "%s: calls %s; memory comes from core/mem.h" % (where, plain(name))


def without_comments_and_strings(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check_banned(library, src):
    for where, kind, name in symbols_of(library):
        if kind == "U" and plain(name) in BANNED:
            yield "%s: calls %s: %s" % (where, plain(name), BANNED[plain(name)])
    call = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED))
    for root, _, names in os.walk(src):
        for name in sorted(names):
            path = os.path.join(root, name)
            if not name.endswith((".c", ".h")) or name == "banned.h":
                continue
            with open(path, encoding="utf-8") as file:
                text = without_comments_and_strings(file.read())
            for number, line in enumerate(text.splitlines(), 1):
                match = call.search(line)
                if match:
                    yield "%s:%d: %s: %s" % (path, number, match.group(1), BANNED[match.group(1)])


def main():
    what, library = sys.argv[1], sys.argv[2]
    src = sys.argv[sys.argv.index("--src") + 1] if "--src" in sys.argv else "src"
    problems = list(check_symbols(library) if what == "symbols" else check_banned(library, src))
    for text in problems:
        print(text)
    if problems:
        print("check-%s: %d wrong" % (what, len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
