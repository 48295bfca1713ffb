"""Listing and reading, when all goes well."""
import gzip
import os
import re
import subprocess
import urllib.parse

from client import sas
from servers import Answer, Fault, change, early
from world import HERE, RANGE


def test_data_of_another_client(world):
    """What Azure's own client put in is listed and read, with names and content as they are."""
    tree, name = os.path.join(world.folder, "tree"), world.container()
    files = {"a/b/PT1H.json": b"x" * 1000, "with blank/\u00e4.json": b"1", "y=2026/m=11/d=21/h=09/m=00/PT1H.json": b"{}",
             "odd;name,+&=@'().json": b"2", "percent%41.json": b"3"}
    for path, data in files.items():
        os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
        with open(os.path.join(tree, path), "wb") as file:
            file.write(data)
    with open(os.path.join(tree, "packed.json.gzenc"), "wb") as file:
        file.write(gzip.compress(b"packed" * 1000, mtime=0))
    subprocess.run(["node", os.path.join(HERE, "put.js"), world.azurite.url, name, tree], check=True, timeout=60)
    world.proxy.reset()
    run = world.run(name)
    assert len(run.blobs) == 6, run.out
    for path, data in files.items():
        run.has(urllib.parse.quote(path, safe="/=:@!$&'()*+,;"), data)
    run.has("packed.json", gzip.compress(b"packed" * 1000, mtime=0), "whole gzip")
    assert run.blobs["y=2026/m=11/d=21/h=09/m=00/PT1H.json"][0] == "498681", run.out  # 2026-11-21T09Z in hours
    assert run.retries == 0


def test_hostile_names(world):
    name = world.container()
    names = ["../up.json", "a/./b.json", "line\nend", "a?b#c", "<&>\"", " lead", "tail ", "..", "\u202egnp.json"]
    for i, blob in enumerate(names):
        world.client.put("%s/%s" % (name, blob), b"%d" % i)
    run = world.run(name)
    assert len(run.blobs) == len(names), run.out
    for i, blob in enumerate(names):
        quoted = "/".join(p.replace(".", "%2E") if p in (".", "..") else urllib.parse.quote(p, safe="=:@!$&'()*+,;")
                          for p in blob.split("/"))
        run.has(quoted, b"%d" % i)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", run.out), "control characters are shown"


def test_ranges_of_all_sizes(world):
    """However the blob is cut into ranges and reads, the bytes are the same."""
    name = world.container()
    data = world.big[:100000]
    world.client.put(name + "/x.json", data)
    world.client.put(name + "/empty.json", b"")
    world.client.put(name + "/one.json", b"x")
    for words in (["--range", "1000"], ["--range", "99999", "--chunk", "7"], ["--range", "99998"], ["--range", "100000"],
                  ["--range", "33333", "--chunk", "1000000"], ["--threads", "4"]):
        run = world.run(name, *words)
        run.has("x.json", data)
        run.has("empty.json", b"")
        run.has("one.json", b"x")


def test_a_large_blob_comes_in_signed_ranges(world):
    name = world.container()
    world.client.put(name + "/big.json", world.big)
    world.proxy.reset()
    run = world.run(name)
    run.has("big.json", world.big)
    gets = [h for p, h in world.proxy.log if "comp=list" not in p]
    assert len(gets) == 4 and run.requests == 5 and run.retries == 0, (len(gets), run.out)
    for headers in gets:
        low = {k.lower(): v for k, v in headers.items()}
        assert low["if-match"].startswith('"0x') and low["x-ms-version"] == "2021-12-02", low
        first, last = map(int, re.match(r"bytes=(\d+)-(\d+)$", low["x-ms-range"]).groups())
        assert last - first < RANGE and low["x-ms-range-get-content-md5"] == "true"
        assert re.match(r"[0-9a-f-]{36}$", low["x-ms-client-request-id"]) and low["user-agent"].startswith("storage_cat/")
    assert run.bytes > len(world.big)


def test_pages_markers_and_empty_pages(world):
    name = world.container()
    for i in range(25):
        world.client.put("%s/%03d" % (name, i), b"%d" % i)
    small = Fault("comp=list", None, times=100)

    def few(handler, _):
        """Asks for 10 a page, and sends an empty page with an opaque marker before each."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)
        marker = query.get("marker", [""])[0]
        if not marker.startswith("real "):
            text = "<EnumerationResults><Blobs/><NextMarker>real &lt;%s&gt; +/%%</NextMarker></EnumerationResults>" % marker
            Answer(200, [], text.encode()).send(handler)
            return
        inner = re.match(r"real <(.*)> \+/%$", marker).group(1)
        answer = world.client.request("GET", name, [("comp", "list"), ("maxresults", "10"), ("marker", inner), ("restype", "container")])
        Answer(200, [], answer[2]).send(handler)

    small.act = early(few)
    world.proxy.reset(small)
    run = world.run(name)
    assert len(run.blobs) == 25 and run.retries == 0, run.out
    for i in range(25):
        run.has("%03d" % i, b"%d" % i)
    assert sum("comp=list" in p for p, _ in world.proxy.log) == 6
    # A page that leads to itself.
    loop = change(lambda a: setattr(a, "body", b"<EnumerationResults><Blobs/><NextMarker>again</NextMarker></EnumerationResults>"))
    world.proxy.reset(Fault("comp=list", loop, times=100))
    run = world.run(name, expect=4).says("leads from a page to the same page again")
    assert run.requests == 2, run.out


def fill_layout(world, name):
    """Two NSGs, five days, every hour, one NIC; and one blob that is not in the layout."""
    paths = []
    for nsg in ("WEB", "MAIL"):
        for day in range(19, 24):
            for hour in range(0, 24, 3):
                paths.append("resourceId=/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/"
                             "%s/y=2026/m=11/d=%02d/h=%02d/m=00/macAddress=000D3AF87856/PT1H.json" % (nsg, day, hour))
    paths += ["other/PT1H.json", "top.json"]
    for path in paths:
        world.client.put("%s/%s" % (name, path), b"{}")
    return paths


def test_only_the_window_is_asked_for(world):
    name = world.container()
    paths = fill_layout(world, name)
    in_window = lambda p: "y=2026" not in p or re.search(r"d=21/|d=20/h=(23|24)|d=22/h=00", p)
    world.proxy.reset()
    run = world.run(name, "--since", "2026-11-21", "--until", "2026-11-22", "--list")
    listed = set(re.findall(r"^item \S+/%s/(\S+) " % name, run.out, re.M))
    assert listed == {p for p in paths if in_window(p)}, run.out
    prefixes = [urllib.parse.parse_qs(urllib.parse.urlsplit(p).query).get("prefix", [""])[0] for p, _ in world.proxy.log]
    assert sum(p.endswith("/y=2026/m=11/d=21/") for p in prefixes) == 2, prefixes
    assert not any("d=19" in p or "d=23" in p for p in prefixes), prefixes
    run.says("outside 0")
    # A prefix that names the day itself is taken as it is, and filtered.
    run = world.run(name + "/resourceId=/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.NETWORK/"
                    "NETWORKSECURITYGROUPS/WEB/y=2026/m=11/", "--since", "2026-11-21T10:00:00Z", "--until",
                    "2026-11-21T11:00:00Z", "--list")
    assert len(re.findall("^item", run.out, re.M)) == 1 and "h=09" in run.out, run.out


def test_one_blob_is_not_listed(world):
    name = world.container()
    world.client.put(name + "/a/PT1H.json", world.big)
    world.client.put(name + "/plain", b"plain")
    world.proxy.reset()
    world.run(name + "/a/PT1H.json").has("a/PT1H.json", world.big)
    world.run(name + "/plain?" + sas("b", "r", name, "plain"), env={}).has("plain", b"plain")
    assert not any("comp=list" in p for p, _ in world.proxy.log), world.proxy.log
    world.client.put(name + "/nothing.json", b"")
    world.run(name + "/nothing.json").has("nothing.json", b"")
    world.run(name + "/gone.json", expect=3).says("BlobNotFound", "there is no such blob")
