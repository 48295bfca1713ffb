"""What the end-to-end tests share: the servers, the data in them, and runs of the test program."""
import base64
import hashlib
import os
import re
import signal
import subprocess
import time

from client import Client
from servers import ACCOUNT, KEY, Azurite, FaultProxy

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CAT = os.environ.get("STORAGE_CAT", "")
RANGE = 4 << 20
SECRETS = []  # nothing that the program writes may hold one of these


def wait_for_next_second():
    """Storage tells two blobs of one name apart by the time they were made, in whole seconds."""
    now = time.time()
    time.sleep(int(now) + 1.01 - now)


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


class Run:
    """One run of storage_cat and what it said."""

    def __init__(self, world, words, env=None, expect=0, timeout=60, interrupt_when=None):
        base = {"PATH": "/nonexistent", "LC_ALL": "C.UTF-8", "TMPDIR": world.folder}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                base[name] = os.environ[name]
        base.update({"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": KEY} if env is None else env)
        process = subprocess.Popen([*world.cat, "--verbose", "--retry-ms", "5", *words], env=base,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            while interrupt_when and not interrupt_when() and process.poll() is None:
                time.sleep(0.01)
            began = time.monotonic()
            if interrupt_when:
                process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=timeout)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.took_s = time.monotonic() - began  # from the interruption where there is one
        self.code, self.raw = process.returncode, out
        self.out, self.err = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        for secret in SECRETS + [KEY]:
            assert secret not in self.out + self.err, "a secret was shown: " + secret
        assert self.code == expect, "status %d, not %d\n%s%s" % (self.code, expect, self.out, self.err)
        self.blobs = {}
        for line in self.out.splitlines():
            match = re.match(r"blob \S+/%s/[^/]+/(\S*) hour=(-?\d+) (\d+) (\S+) (.*)$" % ACCOUNT, line)
            if match:
                self.blobs[match.group(1)] = match.groups()[1:]
        match = re.search(r"^requests (\d+) retries (\d+) bytes (\d+)$", self.out, re.M)
        self.requests, self.retries, self.bytes = map(int, match.groups()) if match else (0, 0, 0)

    def has(self, name, data, story="whole"):
        assert name in self.blobs, "%s is not in\n%s%s" % (name, self.out, self.err)
        _, size, checksum, rest = self.blobs[name]
        assert (int(size), checksum) == (len(data), md5(data)), "%s differs: %s %s, not %d\n%s" % (
            name, size, rest, len(data), self.err)
        assert rest.startswith(story), "%s: %s, not %s" % (name, rest, story)

    def says(self, *texts):
        for text in texts:
            assert text in self.out + self.err, "nobody says \"%s\":\n%s%s" % (text, self.out, self.err)
        return self


class World:
    """The servers and the data that the tests of one process share. Each process has containers and a proxy of its
    own; they may share the blob server."""

    def __init__(self, folder, azurite=None, name="logs"):
        self.folder, self.cat, self.name = folder, [CAT], name
        self.owned = None if azurite else Azurite(folder)
        self.azurite = azurite or self.owned
        self.client = Client(self.azurite)
        self.proxy = FaultProxy(self.azurite.port)
        self.n_containers = 0
        self.big = bytes((i * 7 + i // 251) & 0xff for i in range(3 * RANGE + 12345))

    def stop(self):
        self.proxy.stop()
        if self.owned:
            self.owned.stop()

    def container(self, public=False):
        self.n_containers += 1
        name = "%s%d" % (self.name, self.n_containers)
        self.client.make_container(name, public)
        return name

    def run(self, path, *words, env=None, expect=0, via=None, interrupt_at=None):
        """PATH is container[/prefix][?sas], through the proxy unless told otherwise. Interrupted when the proxy was asked
        for something that matches INTERRUPT_AT."""
        asked = lambda: any(re.search(interrupt_at, p) for p, _ in self.proxy.log)
        return Run(self, [*words, "%s/%s" % ((via or self.proxy).url, path)], env, expect,
                   interrupt_when=asked if interrupt_at else None)
