"""The whole program: a review straight from storage says what a review of the same logs on disk says."""
import gzip
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from client import GrowingBlob, sas
from servers import ACCOUNT, KEY, Answer, Fault, change, cut, early, flip_byte, reset, stall, status
from world import SECRETS, TOP, wait_for_next_second

DEMO = os.path.join(TOP, "fixtures", "demo")
RULES = os.path.join(DEMO, "nsgs.json")
NSGFLOW = os.environ.get("NSGFLOW", os.path.join(TOP, "build", "nsgflow"))


class Logs:
    """The demonstration logs in the Azure layout, some of them plain, as a folder and as a container."""

    def __init__(self, world):
        self.folder = tempfile.mkdtemp(dir=world.folder)
        self.container = world.container()
        self.names = []
        for root, _, names in sorted(os.walk(os.path.join(DEMO, "logs"))):
            for name in sorted(names):
                day = re.match(r"(\d+)-(\d+)-(\d+)", name).groups()
                vm = os.path.basename(root)
                with open(os.path.join(root, name), "rb") as file:
                    raw = file.read()
                path = "flowLogResourceID=/S_NETWORKWATCHERRG/NETWORKWATCHER_WE_FL/y=%s/m=%s/d=%s/h=00/m=00/macAddress=%s/PT1H.json" % (
                    *day, vm)
                if vm == "dmz-old":
                    path += ".gz"
                elif vm == "mail-edge":
                    # What is compressed only on its way is plain on disk, and the container says how it is kept.
                    world.client.put("%s/%s" % (self.container, path), raw, "gzip")
                    raw = gzip.decompress(raw)
                else:
                    raw = gzip.decompress(raw)
                self.write(path, raw)
                if vm != "mail-edge":
                    world.client.put("%s/%s" % (self.container, path), raw)

        nsg = ("resourceId=/SUBSCRIPTIONS/3F2A7C10-5B1E-4C7E-9D43-0A1B2C3D4E5F/RESOURCEGROUPS/%s/PROVIDERS/MICROSOFT.NETWORK/"
               "NETWORKSECURITYGROUPS/%s/y=2026/m=10/d=%02d/h=00/m=00/macAddress=M/PT1H.json")
        for group, name in (("RG-BRANCH", "BRANCH-OFFICE"), ("RG-MAIL", "MAIL-EDGE")):
            for day in (1, 11):
                self.write(nsg % (group, name, day), b'{"records":[]}')
                world.client.put("%s/%s" % (self.container, nsg % (group, name, day)), b'{"records":[]}')

    def write(self, path, raw):
        self.names.append(path)
        os.makedirs(os.path.join(self.folder, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(self.folder, path), "wb") as file:
            file.write(raw)


def logs_of(world):
    if not hasattr(world, "logs"):
        world.logs = Logs(world)
    return world.logs


def environment(env=None):
    base = {"PATH": "/nonexistent", "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": "1790000000"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            base[name] = os.environ[name]
    base.update({"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": KEY} if env is None else env)
    return base


def run(*words, env=None, expect=0, timeout=100):
    done = subprocess.run([NSGFLOW, *words], env=environment(env), capture_output=True, timeout=timeout)
    out, err = done.stdout.decode(), done.stderr.decode()
    for secret in SECRETS + [KEY]:
        assert secret not in out + err, "a secret was shown: " + secret
    assert done.returncode == expect, "status %d, not %d\n%s\n%s" % (done.returncode, expect, out[-2000:], err)
    return out, err


def review(*words, **more):
    """The review as JSON, with what may differ between disk and storage taken out of it."""
    out, err = run("review", "--rules", RULES, "--format", "json", *words, **more)
    document = json.loads(out)
    transfer = document["inputs"].pop("transfer")
    document["inputs"].pop("bytes")
    for problem in document["inputs"]["problems"]:
        problem["path"] = re.sub(r"^.*?(flowLogResourceID)", r"\1", problem["path"])
    return json.dumps(document, indent=0, sort_keys=False), transfer, err


def test_storage_says_what_the_disk_says(world):
    logs = logs_of(world)
    wanted, transfer, _ = review(logs.folder)
    assert transfer == {"requests": 0, "retries": 0} and json.loads(wanted)["inputs"]["blobs"] == len(logs.names)
    url = "%s/%s" % (world.proxy.url, logs.container)
    world.proxy.reset()
    for jobs in ("1", "4"):
        got, transfer, err = review("--jobs", jobs, url)
        assert got == wanted, "jobs %s" % jobs
        assert transfer == {"requests": len(logs.names) + 1, "retries": 0}, transfer
    for words in (["--parser", "yajl"], ["--max-requests-per-second", "200"]):
        assert review(*words, url)[0] == wanted, words
    out, _ = run("review", "--rules", RULES, url)
    assert "mail-edge" in out
    assert review(url + "/" + urllib.parse.quote(os.path.dirname(os.path.dirname(logs.names[0])), safe="/="))[0] != wanted


def test_faults_change_nothing_but_the_count(world):
    logs = logs_of(world)
    wanted, _, _ = review(logs.folder)
    url = "%s/%s" % (world.proxy.url, logs.container)
    faults = lambda: [Fault("comp=list", status(503, [("Retry-After", "0")])), Fault("PT1H", status(429, [("x-ms-retry-after-ms", "5")]), times=5, skip=3),
                      Fault("PT1H", status(500), times=5, skip=60),
                      Fault("PT1H", reset(), times=2, skip=9), Fault("PT1H", cut(5), times=3, skip=20),
                      Fault("PT1H", flip_byte(7), times=2, skip=40), Fault("comp=list", cut(999))]
    for jobs in ("1", "3"):
        broken = faults()
        world.proxy.reset(*broken)
        got, transfer, err = review("--jobs", jobs, url)
        assert got == wanted, "jobs %s" % jobs
        n = sum(f.n_done for f in broken)
        assert n == 19 and transfer["retries"] == n, (n, transfer)


def test_what_is_gone_is_named(world):
    logs = logs_of(world)
    url = "%s/%s" % (world.proxy.url, logs.container)
    world.proxy.reset(Fault(re.escape(urllib.parse.quote(logs.names[30], safe="/")), status(404, [("x-ms-error-code", "BlobNotFound")])))
    got, _, err = review(url, expect=3)
    problem, = json.loads(got)["inputs"]["problems"]
    assert problem["path"] == logs.names[30] and problem["code"] == "http" and "there is no such blob" in problem["detail"], problem
    assert "1 problem" in err
    world.proxy.reset(Fault(".", status(403, [("x-ms-error-code", "AuthorizationFailure")]), times=1000))
    _, err = run("review", "--rules", RULES, url, expect=4)
    assert "firewall" in err
    # A single blob that is not there: no input could be opened, with a store and without; beside others it is a problem.
    world.proxy.reset()
    store = os.path.join(tempfile.mkdtemp(dir=world.folder), "gone.db")
    for words in ([], ["--store", store]):
        _, err = run("review", "--rules", RULES, *words, url + "/gone.json", expect=4)
        assert err.count("/gone.json: ") == 1 and "there is no such blob" in err, err
        got, _, _ = review(*words, url + "/gone.json", url + "/" + urllib.parse.quote(logs.names[0], safe="/="), expect=3)
        assert json.loads(got)["inputs"]["blobs"] == 1, got


def test_window_and_list(world):
    logs = logs_of(world)
    url = "%s/%s" % (world.proxy.url, logs.container)
    window = ["--since", "2026-10-10", "--until", "2026-10-12"]
    world.proxy.reset()
    assert review(*window, url)[0] == review(*window, logs.folder)[0]
    assert sum("PT1H" in p for p, _ in world.proxy.log) < len(logs.names) / 4, "more was read than the window holds"
    for words, pruned in ((["--only-exposed"], 2), (["--only-exposed", *window], 1)):
        got = review(*words, url)[0]
        assert got == review(*words, logs.folder)[0] and json.loads(got)["inputs"]["pruned"] == pruned, words
    out, _ = run("review", "--rules", RULES, "--list", *window, url)
    listed = [line.split()[-1] for line in out.splitlines()[:-1]]
    assert listed and all(re.search("d=(10|11|12)/", name) for name in listed), out


def test_a_log_that_grows_during_the_review(world):
    name = world.container()
    blob = GrowingBlob(world.client, name + "/PT1H.json")
    with gzip.open(os.path.join(DEMO, "logs", "mail-edge", "2026-10-01.json.gz")) as file:
        records = json.load(file)["records"]
    texts = [json.dumps(r, separators=(",", ":")).encode() for r in records]
    pad = b" " * 2500000  # white space between records, so that there is more than one range

    def grow_one():
        blob.grow((b"," if grown else b"") + texts[len(grown)] + pad)
        grown.append(1)

    grown = []
    half = max(2, min(3, len(texts) - 1))
    while len(grown) < half:
        grow_one()

    def grow(handler, answer):
        if len(grown) < len(texts) and len(grown) < half + 2:
            grow_one()
        answer.send(handler)

    for jobs in ("1", "3"):
        world.proxy.reset(Fault("PT1H", grow))
        got, transfer, _ = review("--jobs", jobs, "%s/%s" % (world.proxy.url, name))
        assert transfer["retries"] == 1, transfer
        path = os.path.join(world.folder, "grown.json")
        with open(path, "wb") as file:
            file.write(blob.content())
        assert got == review(path)[0], "jobs %s" % jobs


def test_a_log_made_anew_during_the_review(world):
    """Only what the new one says counts, whether or not evidence of the old one was handed on."""
    with gzip.open(os.path.join(DEMO, "logs", "mail-edge", "2026-10-01.json.gz")) as file:
        records = json.load(file)["records"]
    pad = b" " * 2500000
    texts = [json.dumps(r, separators=(",", ":")).encode() + pad for r in records]
    old = b'{"records":[' + b",".join(texts[:6]) + b"]}"
    other = json.dumps({"records": records[-2:]}).encode()
    hour = "flowLogResourceID=/S_NETWORKWATCHERRG/NETWORKWATCHER_WE_FL/y=2026/m=10/d=01/h=00/m=00/macAddress=%s/PT1H.json"
    for names, new in ((("a.json", "b.json"), texts[-1]), ((hour % "A", hour % "B"), texts[-1]),
                       ((hour % "A", hour % "B"), b",".join(texts[2:5])), (("a.json",), texts[-1])):
        new = b'{"records":[' + new + b"]}"
        name, folder = world.container(), tempfile.mkdtemp(dir=world.folder)
        for path, body in zip(names, (new, other)):
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            with open(os.path.join(folder, path), "wb") as file:
                file.write(body)
            world.client.put("%s/%s" % (name, path), old if body is new else other)
        wanted = review(folder)[0]
        for jobs in ("1", "3"):
            world.client.put("%s/%s" % (name, names[0]), old)
            wait_for_next_second()

            def replace(handler, answer):
                world.client.put("%s/%s" % (name, names[0]), new)
                answer.send(handler)

            # Looking for the hour of a blob without one in its path takes one small request.
            fault = Fault(re.escape(names[0][-11:]) + "$", replace, skip=2 if "/" not in names[0] and len(names) > 1 else 1)
            world.proxy.reset(fault)
            got, transfer, _ = review("--jobs", jobs, "%s/%s" % (world.proxy.url, name))
            assert fault.n_done == 1 and transfer["retries"] >= 1, transfer
            assert got == wanted, "%s, jobs %s" % (names, jobs)


def test_the_hour_of_a_blob_costs_one_small_request(world):
    """Where paths do not tell the hour, the first record does: a glance at each blob, and then the whole of it once."""
    logs, name = logs_of(world), world.container()
    with open(os.path.join(logs.folder, next(n for n in logs.names if n.endswith(".json"))), "rb") as file:
        body = file.read()
    for i in range(3):
        world.client.put("%s/%d.json" % (name, i), body[:-2] + b" " * (2 << 20) + b"]}")
    world.proxy.reset()
    review("%s/%s" % (world.proxy.url, name))
    for i in range(3):
        ranges = [h["x-ms-range"] for p, h in world.proxy.log if p.endswith("/%d.json" % i)]
        assert ranges == ["bytes=0-65535", "bytes=0-%d" % (len(body) + (2 << 20) - 1)], ranges


def test_gzip_in_all_its_states(world):
    """Several members, a cut one, one with a wrong checksum: the same from storage as from disk, whichever way it is
    said that a blob is gzip."""
    with gzip.open(os.path.join(DEMO, "logs", "mail-edge", "2026-10-01.json.gz")) as file:
        text = file.read()
    third = len(text) // 3
    members = [gzip.compress(part, mtime=0) for part in (text[:third], b"", text[third:2 * third], text[2 * third:])]
    whole = b"".join(members)
    wrong = bytearray(whole)
    wrong[len(members[0]) - 6] ^= 1  # in the checksum of the first member
    states = {"several": whole, "cut": whole[:-len(members[3]) // 2], "cut-at-member": b"".join(members[:3]),
              "in-trailer": whole[:-3], "wrong": bytes(wrong), "trailing": whole + b"junk behind it", "none": b"", "short": whole[:5]}
    # So long that a thread of its own inflates it, beside the reading.
    long_text = (text + b"\n") * ((3 << 20) // len(text) + 1)
    half = len(long_text) // 2
    long = gzip.compress(long_text[:half], mtime=0) + gzip.compress(long_text[half:], mtime=0)
    states.update({"long": long, "long-cut": long[:-len(long) // 8], "long-trailing": long + b"junk behind it"})
    for state, body in states.items():
        name, folder = world.container(), tempfile.mkdtemp(dir=world.folder)
        path = "y=2026/m=10/d=01/h=00/m=00/macAddress=A/PT1H.json"
        os.makedirs(os.path.join(folder, os.path.dirname(path)))
        with open(os.path.join(folder, path + ".gz"), "wb") as file:
            file.write(body)
        status = {"several": 0, "long": 0, "none": 0}.get(state, 3)
        wanted, _, _ = review(folder, expect=status)
        problems = [(p["offset"], p["code"], p["detail"]) for p in json.loads(wanted)["inputs"]["problems"]]
        assert bool(problems) == bool(status), (state, problems)
        for blob, encoding in ((path + ".gz", None), (path, "gzip"), (path + ".gz", "gzip")):
            world.client.put("%s/%s" % (name, blob), body, encoding)
            for words in ([], ["--store", os.path.join(folder, "store-%s.db" % os.path.basename(blob))]):
                got = json.loads(review(*words, "%s/%s" % (world.proxy.url, name), expect=status)[0])
                told = [(p["offset"], p["code"], p["detail"]) for p in got["inputs"]["problems"]]
                assert told == problems, (state, blob, encoding, told, problems)
                same = json.loads(wanted)
                del got["inputs"]["problems"], same["inputs"]["problems"]
                assert got == same, (state, blob, encoding, words)
            world.client.delete("%s/%s" % (name, blob))


def test_rules_from_a_blob(world):
    name = world.container()
    with open(RULES, "rb") as file:
        world.client.put(name + "/nsgs.json", file.read())
    token = sas("b", "r", name, "nsgs.json")
    SECRETS.append(urllib.parse.parse_qs(token)["sig"][0])
    url = "%s/%s/nsgs.json" % (world.proxy.url, name)
    wanted = run("scan", "--format", "json", RULES)[0].replace(RULES, url)
    assert run("scan", "--format", "json", "%s?%s" % (url, token), env={})[0] == wanted
    assert run("scan", "--format", "json", "%s/%s" % (world.proxy.url, name))[0] == wanted
    assert json.loads(run("review", "--rules", url, "--format", "json", os.path.join(DEMO, "logs"))[0])["rules"]
    _, err = run("scan", "%s/%s/none.json" % (world.proxy.url, name), expect=4)
    assert "there is no such blob" in err
    _, err = run("scan", "http://storage.example/a/b.json?sig=hush-hush", expect=2)
    assert "plain http" in err


def test_no_secret_is_left_anywhere(world):
    """Neither in what a faulted run writes in any format, nor in its store, nor in the list of processes."""
    logs = logs_of(world)
    token = sas("c", "rl", logs.container)
    signature = urllib.parse.parse_qs(token)["sig"][0]
    SECRETS.extend([signature, urllib.parse.quote(signature, safe="")])
    url = "%s/%s?%s" % (world.proxy.url, logs.container, token)
    folder = tempfile.mkdtemp(dir=world.folder)
    for form in ("text", "json", "csv", "markdown", "html", "sarif", "junit", "ocsf"):
        world.proxy.reset(Fault("PT1H", status(404), times=3, skip=5),
                          Fault("PT1H", status(503, [("Retry-After", "0")]), times=2))
        run("review", "--verbose", "--rules", RULES, "--format", form, "--store", os.path.join(folder, "store-" + form),
            "-o", os.path.join(folder, form), url, env={}, expect=3)
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        for secret in (signature, urllib.parse.quote(signature, safe=""), "sig=", KEY):
            assert secret.encode() not in content, "%s holds %s" % (name, secret)
    # Killed half-way, with what it wrote so far left behind.
    store = os.path.join(folder, "killed.db")
    for credential, address in (({}, url), ({"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": KEY}, url.split("?")[0])):
        world.proxy.reset(Fault("PT1H", stall(10, 20), times=9, skip=40))
        process = subprocess.Popen([NSGFLOW, "review", "--verbose", "--rules", RULES, "--store", store, address],
                                   env=environment(credential), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while len(world.proxy.log) < 42 and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        left = process.communicate()[0]
        for name in os.listdir(folder):
            if name.startswith("killed"):
                with open(os.path.join(folder, name), "rb") as file:
                    left += file.read()
        assert not any(secret.encode() in left for secret in (signature, "sig=", KEY)), left[:2000]
    world.proxy.reset(Fault("comp=list", stall(10, 6)))
    # A process that holds a key leaves no picture of its memory when it crashes.
    process = subprocess.Popen([NSGFLOW, "review", "--rules", RULES, url], env=environment({}), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, cwd=folder,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20)))
    try:
        until = time.monotonic() + 20
        while not world.proxy.log and time.monotonic() < until:
            time.sleep(0.02)
        with open("/proc/%d/cmdline" % process.pid, "rb") as file:
            words = file.read()
        assert logs.container.encode() in words and b"sig" not in words and b"sv=" not in words, words
        # Not SIGQUIT: what a shell runs in the background ignores it.
        process.send_signal(signal.SIGABRT)
        _, status_word = os.waitpid(process.pid, 0)
        assert os.WIFSIGNALED(status_word) and not os.WCOREDUMP(status_word), status_word
        process.returncode = -os.WTERMSIG(status_word)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_interrupted(world):
    logs = logs_of(world)
    url = "%s/%s" % (world.proxy.url, logs.container)
    out = os.path.join(world.folder, "interrupted")
    for pattern in ("comp=list", "PT1H"):
        world.proxy.reset(Fault(pattern, stall(10, 20), times=9))
        process = subprocess.Popen([NSGFLOW, "review", "--rules", RULES, "--format", "json", "-o", out, url], env=environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        until = time.monotonic() + 20
        while not any(re.search(pattern, p) for p, _ in world.proxy.log) and time.monotonic() < until:
            time.sleep(0.02)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, (process.returncode, err)
        assert time.monotonic() - began < 15  # the stall is longer
        assert not os.path.exists(out)


def test_the_store_asks_for_what_is_new(world):
    """Blobs arrive in three runs, one of them grows, one is made anew: the last report is that of one run."""
    source = logs_of(world)
    name, folder = world.container(), tempfile.mkdtemp(dir=world.folder)
    store = os.path.join(world.folder, "incremental.db")
    plain = [p for p in source.names if p.endswith(".json")][:60]
    contents = {}
    for path in plain:
        with open(os.path.join(source.folder, path), "rb") as file:
            contents[path] = file.read()
    url = "%s/%s" % (world.proxy.url, name)

    def put(path, raw):
        world.client.put("%s/%s" % (name, path), raw)
        os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(folder, path), "wb") as file:
            file.write(raw)

    grown = plain[0]
    records = [json.dumps(r, separators=(",", ":")).encode() for r in json.loads(contents[grown])["records"]]
    blob = GrowingBlob(world.client, "%s/%s" % (name, grown))
    blob.grow(records[0])

    def keep_grown():
        os.makedirs(os.path.join(folder, os.path.dirname(grown)), exist_ok=True)
        with open(os.path.join(folder, grown), "wb") as file:
            file.write(blob.content())

    keep_grown()
    for path in plain[1:20]:
        put(path, contents[path])
    world.proxy.reset()
    assert review("--store", store, url)[0] == review(folder)[0]
    first = len(world.proxy.log)
    assert first == 21, first
    world.proxy.reset()
    assert review("--store", store, url)[0] == review(folder)[0]
    assert len(world.proxy.log) == 1, "nothing is new, and yet: %s" % [p for p, _ in world.proxy.log]
    for record in records[1:]:
        blob.grow(b"," + record)
    keep_grown()
    for path in plain[20:40]:
        put(path, contents[path])
    world.proxy.reset()
    assert review("--store", store, url)[0] == review(folder)[0]
    assert len(world.proxy.log) == 22, len(world.proxy.log)
    ranges = [h["x-ms-range"] for p, h in world.proxy.log if grown in urllib.parse.unquote(p)]
    assert len(ranges) == 1 and not ranges[0].startswith("bytes=0-"), ranges
    wait_for_next_second()
    put(plain[5], contents[plain[45]])
    for path in plain[40:45]:
        put(path, contents[path])
    world.proxy.reset(Fault("PT1H", status(503, [("Retry-After", "0")]), times=3))
    assert review("--store", store, url)[0] == review(folder)[0]
    assert json.loads(run("report", "--format", "json", store)[0])["schema"] == "nsgflow.review/1"


def test_memory_stays_small(world):
    """A large blob passes through; the ranges in flight are what it costs."""
    name = world.container()
    with gzip.open(os.path.join(DEMO, "logs", "mail-edge", "2026-10-01.json.gz")) as file:
        text = file.read()
    body = text[:-2] + b" " * (160 << 20) + b"]}"
    blob = GrowingBlob(world.client, name + "/PT1H.json", head=text[:-2])
    for _ in range(10):
        blob.grow(b" " * (16 << 20))
    assert len(blob.content()) == len(body)
    # Through a small process: a child begins with the size of the one that starts it.
    meter = ("import resource, subprocess, sys; code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); "
             "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", meter, NSGFLOW, "review", "--rules", RULES, "--jobs", "1",
                           "%s/%s" % (world.azurite.url, name)], env=environment(), capture_output=True, timeout=100)
    code, kib = map(int, done.stdout.split())
    assert code == 0, done.stderr
    if os.environ.get("NSGFLOW_LABEL", "default") == "default":
        assert kib < 48 << 10, "%d KiB" % kib
