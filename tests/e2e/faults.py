"""What goes wrong on the way, and blobs that change while they are read."""
import re
import threading
import time

from client import GrowingBlob
from servers import ACCOUNT, KEY, Answer, Fault, FaultProxy, change, cut, flip_byte, reset, stall, status
from world import RANGE, Run, wait_for_next_second


def read_with(world, name, data, faults, *words, retries=None, expect=0, blob="x.json"):
    world.proxy.reset(*faults)
    run = world.run(name, *words, expect=expect)
    if expect == 0:
        run.has(blob, data)
        assert all(f.n_done > 0 for f in faults), "a fault was not used"
        n = sum(f.n_done for f in faults) if retries is None else retries
        assert run.retries == n, "%d retries counted, not %d\n%s" % (run.retries, n, run.err)
    return run


def test_busy_and_its_hints(world):
    name = world.container()
    data = world.big[:50000]
    world.client.put(name + "/x.json", data)
    for pattern in ("comp=list", r"x\.json"):
        for code in (408, 429, 500, 502, 503, 504):
            read_with(world, name, data, [Fault(pattern, status(code), times=2)])
        run = read_with(world, name, data, [Fault(pattern, status(503, [("Retry-After", "1")]))])
        assert run.took_s >= 1, run.took_s
        for header, value in (("retry-after-ms", "700"), ("x-ms-retry-after-ms", "700")):
            run = read_with(world, name, data, [Fault(pattern, status(429, [(header, value), ("Retry-After", "30")]))])
            assert 0.7 <= run.took_s < 20, run.took_s
        read_with(world, name, data, [Fault(pattern, status(503, [("Retry-After", "0")]), times=7)])
        run = read_with(world, name, data, [Fault(pattern, status(503, [("Retry-After", "0")]), times=8)],
                        expect=4 if pattern == "comp=list" else 3)
        assert run.retries == 7, run.out
        run.says("503", "after all tries")


def test_cuts_and_resets(world):
    name = world.container()
    data = world.big[:3000000]
    world.client.put(name + "/x.json", data)
    for n_bytes in (0, 1, 1000, 2999999):
        read_with(world, name, data, [Fault(r"x\.json", cut(n_bytes))])
        read_with(world, name, data, [Fault(r"x\.json", cut(n_bytes, with_length=False))])
    # It goes on where it broke off: the second request asks for the rest alone.
    read_with(world, name, data, [Fault(r"x\.json", cut(2000000))])
    froms = [int(re.match(r"bytes=(\d+)-2999999$", h["x-ms-range"]).group(1)) for p, h in world.proxy.log if "comp" not in p]
    assert froms[0] == 0 and froms[1] > 1000000, froms
    read_with(world, name, data, [Fault(r"x\.json", cut(450000), times=20)], retries=6)  # progress each time
    read_with(world, name, data, [Fault("comp=list", cut(300)), Fault(r"x\.json", reset(), times=3)])
    read_with(world, name, data, [Fault("comp=list", cut(200, with_length=False))])
    read_with(world, name, data, [Fault("comp=list", reset(), times=2)])
    read_with(world, name, data, [Fault(r"x\.json", reset(), times=8)], expect=3).says("after all tries")


def test_stalls(world):
    name = world.container()
    data = world.big[:200000]
    world.client.put(name + "/x.json", data)
    for act in (stall(0, 20), stall(100000, 20), stall(1000, 20, every=0.2)):
        run = read_with(world, name, data, [Fault(r"x\.json", act)], "--stall-s", "1")
        assert run.took_s < 15, run.took_s
    run = read_with(world, name, data, [Fault("comp=list", stall(100, 20))], "--stall-s", "1")
    assert run.took_s < 15, run.took_s


def test_lies(world):
    """Answers that libcurl takes for good ones."""
    name = world.container()
    data = world.big[:RANGE + 1000]
    world.client.put(name + "/x.json", data)

    def whole_blob(answer):
        answer.status, answer.body = 200, data
        answer.set("Content-Range", None)
        answer.set("Content-MD5", None)

    def other_part(answer):
        answer.set("Content-Range", "bytes 5-%d/%d" % (len(answer.body) + 4, len(data)))

    def other_total(answer):
        first = answer.get("Content-Range").split("/")[0]
        answer.set("Content-Range", "%s/%d" % (first, len(data) + 5))

    def other_version(answer):
        answer.set("ETag", '"0xDEADBEEF"')

    def shorter(answer):
        answer.body = answer.body[:-10]

    def longer(answer):
        answer.body += b"more"

    def no_range(answer):
        answer.set("Content-Range", None)

    def junk(answer):
        answer.body = b"<html>login</html>"

    def empty(answer):
        answer.body = b""

    def not_modified(answer):
        answer.status, answer.body = 304, b""

    def precondition(answer):
        answer.status, answer.body = 416, b""

    for edit in (whole_blob, other_part, other_total, other_version, shorter, longer, no_range, junk, empty, not_modified):
        for skip in (0, 1):
            read_with(world, name, data, [Fault(r"x\.json", change(edit), skip=skip)])
    for at in (0, 777, 999):
        read_with(world, name, data, [Fault(r"x\.json", flip_byte(at))])
        read_with(world, name, data, [Fault(r"x\.json", flip_byte(at), skip=1)])
    read_with(world, name, data, [Fault(r"x\.json", change(precondition))])
    run = read_with(world, name, data, [Fault(r"x\.json", flip_byte(1), times=8)], expect=3)
    run.says("keeps answering what cannot be right", "checksum")
    # A lie in the middle of a range that is gone on with.
    read_with(world, name, data, [Fault(r"x\.json", cut(3000000)), Fault(r"x\.json", flip_byte(3))])
    read_with(world, name, data, [Fault(r"x\.json", cut(3000000)), Fault(r"x\.json", change(whole_blob))])


def test_lying_listings(world):
    name = world.container()
    world.client.put(name + "/x.json", b"x")
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><EnumerationResults>&b;</EnumerationResults>'
    for body in (b"", b"junk", b"<html/>", bomb, b"<EnumerationResults><Blobs>"):
        read_with(world, name, b"x", [Fault("comp=list", change(lambda a, body=body: setattr(a, "body", body)))])
        run = read_with(world, name, b"x", [Fault("comp=list", change(lambda a, body=body: setattr(a, "body", body)), times=8)], expect=4)
        run.says("keeps answering what cannot be right")


def test_a_blob_that_grows(world):
    """Blocks are put in before the tail while it is read: the reader ends with the newest content."""
    for grow_at in range(5):
        name = world.container()
        blob = GrowingBlob(world.client, name + "/PT1H.json")
        for i in range(8):
            blob.grow(b"%d" % i * 300000)
        before = blob.content()

        def grow(handler, answer, blob=blob):
            """The blob grows behind an answer: the next If-Match fails."""
            blob.grow(b"new" * 100000)
            answer.send(handler)

        world.proxy.reset(Fault(r"PT1H\.json|comp=list", grow, skip=grow_at))
        run = world.run(name, "--range", "500000", "--chunk", "50000")
        after = blob.content()
        assert len(after) > len(before)
        last = grow_at >= 5
        run.has("PT1H.json", before if last else after)
        assert run.retries == (0 if last else 1), run.out


def test_a_blob_that_grows_all_the_time(world):
    name = world.container()
    blob = GrowingBlob(world.client, name + "/PT1H.json")
    for i in range(20):
        blob.grow(b"%d" % (i % 10) * 100000)
    is_over = threading.Event()

    def write():
        for i in range(30):
            if is_over.is_set():
                return
            blob.grow(b"%d" % (i % 10) * 50000)
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    world.proxy.reset()
    writer.start()
    run = world.run(name, "--range", "100000", "--wait-ms", "20")
    is_over.set()
    writer.join()
    size = int(run.blobs["PT1H.json"][1])
    after = blob.content()
    assert 2000000 <= size <= len(after)
    # What was read is one committed version: all of it but the tail is the beginning of the last one.
    run = world.run(name, "--range", "100000")
    run.has("PT1H.json", after)


def test_a_grown_tail_is_read_from_where_it_ended(world):
    name = world.container()
    blob = GrowingBlob(world.client, name + "/PT1H.json")
    blob.grow(b"one" * 1000)
    first = world.run(name + "/PT1H.json")
    first.has("PT1H.json", blob.content())
    rest = first.blobs["PT1H.json"][3]
    etag, created = re.search(r"etag=(\S+) created=(\d+)", rest).groups()
    kept = len(blob.content()) - 2
    known = ["--from", str(kept), "--etag", etag, "--created", created]
    for path in (name, name + "/PT1H.json"):
        world.proxy.reset()
        run = world.run(path, *known)
        run.has("PT1H.json", b"", "unchanged")
    assert len(world.proxy.log) == 1 and "If-None-Match" in world.proxy.log[0][1]
    blob.grow(b"two" * 1000)
    for path in (name, name + "/PT1H.json"):
        run = world.run(path, *known)
        run.has("PT1H.json", blob.content()[kept:])
    # Made anew: all of it, and the reader is told.
    wait_for_next_second()
    world.client.delete(name + "/PT1H.json")
    other = GrowingBlob(world.client, name + "/PT1H.json")
    other.grow(b"other" * 2000)
    for path in (name, name + "/PT1H.json"):
        run = world.run(path, *known)
        run.has("PT1H.json", other.content(), "replaced")
    world.client.put(name + "/PT1H.json", b"{}")
    for path in (name, name + "/PT1H.json"):
        world.run(path, *known).has("PT1H.json", b"{}", "replaced")


def test_a_blob_made_anew_while_it_is_read(world):
    for content in (b"new" * 1000000, b"shorter", b""):
        name = world.container()
        data = world.big[:2000000]
        world.client.put(name + "/x.json", data)
        wait_for_next_second()

        def replace(handler, answer):
            world.client.put(name + "/x.json", content)
            answer.send(handler)

        world.proxy.reset(Fault(r"x\.json", replace, skip=1))
        run = world.run(name, "--range", "500000", "--wait-ms", "5")
        run.has("x.json", content, "replaced")
        # Before the first byte was read nothing has to be taken back.
        world.client.put(name + "/x.json", data)
        wait_for_next_second()
        world.proxy.reset(Fault("comp=list", replace))
        run = world.run(name, "--range", "500000")
        run.has("x.json", content, "whole")


def test_a_blob_that_goes_away(world):
    name = world.container()
    world.client.put(name + "/x.json", world.big[:1000000])
    world.client.put(name + "/y.json", b"stays")

    def remove(handler, answer):
        world.client.delete(name + "/x.json")
        answer.send(handler)

    world.proxy.reset(Fault(r"x\.json", remove, skip=1))
    run = world.run(name, "--range", "100000", expect=3).says("BlobNotFound")
    run.has("y.json", b"stays")


def test_nobody_answers(world):
    run = Run(world, ["http://127.0.0.1:1/%s/c" % ACCOUNT], None, 4).says("no answer from 127.0.0.1 after all tries")
    assert run.requests == 8 and run.retries == 7, run.out


def test_interruption(world):
    name = world.container()
    world.client.put(name + "/x.json", world.big)
    for pattern, act in (("comp=list", stall(10, 8)), (r"x\.json", stall(1000, 8)),
                         (r"x\.json", status(503, [("Retry-After", "30")]))):
        world.proxy.reset(Fault(pattern, act, times=9))
        run = world.run(name, expect=130 if pattern == "comp=list" else 3, interrupt_at=pattern).says("interrupted")
        assert run.took_s < 7, run.took_s


def test_rate_of_requests(world):
    name = world.container()
    for i in range(20):
        world.client.put("%s/%d" % (name, i), b"%d" % i)
    world.proxy.reset()
    run = world.run(name, "--rps", "20", "--threads", "4")
    assert len(run.blobs) == 20 and run.requests == 21 and run.took_s >= 0.95, run.took_s


def test_many_streams_at_a_time(world):
    name = world.container()
    data = [world.big[i * 1000:i * 1000 + 300000 + i] for i in range(40)]
    for i, body in enumerate(data):
        world.client.put("%s/%02d.json" % (name, i), body)
    for words in ([], ["--ahead", "3"], ["--ahead", "30"]):
        world.proxy.reset(Fault(r"\d\.json", status(503, [("Retry-After", "0")]), times=5, skip=10),
                          Fault(r"\d\.json", cut(1000), times=5, skip=5), Fault(r"\d\.json", reset(), times=5, skip=20))
        run = world.run(name, "--threads", "8", "--range", "100000", *words)
        for i, body in enumerate(data):
            run.has("%02d.json" % i, body)
        assert run.retries == 15, run.out
    world.proxy.reset()
    run = world.run(name, "--threads", "2", "--ahead", "20", "--wait-ms", "30", expect=3, interrupt_at=r"05\.json")
    run.says("interrupted")


def test_https_goes_through_the_proxy_of_the_environment(world):
    """Only a CONNECT is seen there, and plain http on this machine never goes there."""
    log = []

    def connect(handler, _):
        log.append((handler.command, handler.path, dict(handler.headers.items())))
        Answer(403, [], b"").send(handler)

    proxy = FaultProxy(world.azurite.port)
    proxy.server.RequestHandlerClass.do_CONNECT = lambda handler: connect(handler, None)
    try:
        address = "http://127.0.0.1:%d" % proxy.port
        env = {"AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": KEY, "HTTPS_PROXY": address, "https_proxy": address,
               "http_proxy": address, "ALL_PROXY": address}
        Run(world, ["https://acct.blob.core.windows.net/c"], env, 4)
        assert {(c, p) for c, p, _ in log} == {("CONNECT", "acct.blob.core.windows.net:443")}, log
        assert not any(k.lower() in ("authorization", "x-ms-version") for _, _, h in log for k in h), log
        name = world.container()
        world.client.put(name + "/a", b"a")
        world.run(name, env=dict(env, AZURE_STORAGE_ACCOUNT=ACCOUNT)).has("a", b"a")
        assert proxy.log == []
    finally:
        proxy.stop()
