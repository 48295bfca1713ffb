"""Running commands side by side: times, memory and what they printed. Used by the scripts beside it."""
import os
import statistics
import subprocess
import sys
import tempfile
import time


class Failed(Exception):
    """A command left with a status that is no answer; the text says which and what it printed."""


def timed():
    """The program that measures another."""
    return os.path.join(os.environ["NSGFLOW_BUILD"], "bench", "peers", "timed")


class Command:
    """A command to be timed. The answer is what it printed, as words.

    argv        program and arguments
    statuses    exit statuses that are fine
    stdin_of    another command whose output it reads (argv), or None
    environment what to add to the environment
    """

    def __init__(self, name, argv, statuses=(0,), stdin_of=None, environment=None, is_quiet=False):
        self.name, self.argv, self.statuses, self.stdin_of = name, argv, statuses, stdin_of
        self.environment = dict(os.environ, **(environment or {}))
        self.is_quiet = is_quiet  # its output is large and nobody asks for it
        self.wall_s, self.cpu_s, self.max_rss_kb, self.answer = [], [], 0, None

    def run(self):
        """Once. Times are those of the command itself, not of the one that feeds it."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.NamedTemporaryFile("r") as report:
            feeder = subprocess.Popen(self.stdin_of, stdout=subprocess.PIPE) if self.stdin_of else None
            subprocess.run([timed(), report.name] + self.argv, stdin=feeder.stdout if feeder else subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL if self.is_quiet else out, stderr=err, env=self.environment, check=True)
            if feeder:
                feeder.stdout.close()
                feeder.wait()
            wall_ns, cpu_us, rss_kb, status = map(int, report.read().split())
            status = os.waitstatus_to_exitcode(status)
            if status not in self.statuses:
                err.seek(0)
                raise Failed("%s: status %d: %s" % (self.name, status, err.read(300).decode("utf-8", "replace").strip()))
            self.wall_s.append(wall_ns / 1e9)
            self.cpu_s.append(cpu_us / 1e6)
            self.max_rss_kb = max(self.max_rss_kb, rss_kb)
            out.seek(0)
            self.answer = out.read(4096).decode("utf-8", "replace").split()

    def seconds(self, clock="wall"):
        return statistics.median(self.wall_s if clock == "wall" else self.cpu_s)


def side_by_side(commands, rounds):
    """Each command once, then each again, so that what disturbs the machine disturbs all of them.

    Gives (command, reason) for those that failed; they have no times.
    """
    failed = []
    for _ in range(rounds):
        for command in commands:
            if any(command is other for other, _ in failed):
                continue
            try:
                command.run()
            except (Failed, OSError) as error:
                failed.append((command, str(error)))
    return failed


def warm(path):
    """Reads the file once, so that the page cache holds it."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def processor_ticks():
    """-> (ticks in use, ticks at rest) of all processors since the machine started; what the host took is in use."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, idle, iowait, irq, softirq, steal = [int(word) for word in stat.readline().split()[1:9]]
    return user + nice + system + irq + softirq + steal, idle + iowait


def processors_in_use(before, after):
    """How many processors were in use between two counts of ticks."""
    used, rested = after[0] - before[0], after[1] - before[1]
    return (os.cpu_count() or 1) * used / max(used + rested, 1)


def is_busy():
    """Whether others use the machine: then times mean little. Asked while nothing of ours runs; the load average would
    still count what ran just before."""
    before = processor_ticks()
    time.sleep(1)
    return processors_in_use(before, processor_ticks()) > 0.15


def machine():
    """One line: processor, cores, vectors, memory."""
    model, flags = "unknown processor", ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            for line in info:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    model = value.strip()
                elif key.strip() == "flags":
                    flags = value.split()
    except OSError:
        pass
    vectors = "AVX-512" if "avx512bw" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return "%s, %d cores, %s, %.0f GiB, load %.2f" % (model, os.cpu_count() or 1, vectors, memory, os.getloadavg()[0])


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    print("\n".join(lines), flush=True)


def die(text):
    print(text, file=sys.stderr)
    sys.exit(1)
