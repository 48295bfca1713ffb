"""A small storage client for the tests: signs by itself, so that the program's signatures are not its own judge."""
import base64
import datetime
import email.utils
import hashlib
import hmac
import http.client
import ssl
import urllib.parse

from servers import ACCOUNT, KEY

VERSION = "2021-12-02"


def sign(text):
    return base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()


class Client:
    def __init__(self, server, ca_file=None):
        self.server, self.ca_file = server, ca_file

    def request(self, method, path, query=(), body=b"", headers=()):
        """PATH is the container or container/blob, unescaped. Returns (status, headers, body)."""
        url_path = "/%s/%s" % (ACCOUNT, urllib.parse.quote(path, safe="/"))
        sent = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": VERSION,
                "Content-Length": str(len(body)), **dict(headers)}
        lower = {k.lower(): v for k, v in sent.items()}
        standard = ["content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
                    "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"]
        values = [lower.get(name, "") for name in standard]
        values[2] = "" if values[2] == "0" else values[2]
        canonical = "".join("%s:%s\n" % (k, lower[k]) for k in sorted(lower) if k.startswith("x-ms-"))
        resource = "/%s%s" % (ACCOUNT, url_path) + "".join("\n%s:%s" % (k.lower(), v) for k, v in sorted(query))
        sent["Authorization"] = "SharedKey %s:%s" % (ACCOUNT, sign("\n".join([method] + values) + "\n" + canonical + resource))
        if self.server.scheme == "https":
            link = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=60,
                                               context=ssl.create_default_context(cafile=self.ca_file))
        else:
            link = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        link.request(method, url_path + ("?" + urllib.parse.urlencode(query) if query else ""), body, sent)
        answer = link.getresponse()
        got = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        link.close()
        if got[0] >= 300:
            raise RuntimeError("%s %s: %d %s" % (method, path, got[0], got[2][:300]))
        return got

    def make_container(self, name, public=False):
        headers = {"x-ms-blob-public-access": "container"} if public else {}
        self.request("PUT", name, [("restype", "container")], headers=headers)

    def put(self, path, body, encoding=None):
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream"}
        if encoding:
            headers["x-ms-blob-content-encoding"] = encoding
        return self.request("PUT", path, body=body, headers=headers)[1]["etag"].strip('"')

    def delete(self, path):
        self.request("DELETE", path)


class GrowingBlob:
    """A blob as Azure writes flow logs: a first block, blocks put in behind it, and a last block that moves."""

    def __init__(self, client, path, head=b'{"records":[', tail=b"]}"):
        self.client, self.path, self.blocks, self.parts, self.tail = client, path, [], [], tail
        self.put_block(tail, "tail")
        self.grow(head)

    def put_block(self, body, name):
        ident = base64.b64encode(("%-8s" % name).encode()).decode()
        self.client.request("PUT", self.path, [("blockid", ident), ("comp", "block")], body)
        return ident

    def grow(self, body):
        name = "b%05d" % len(self.blocks)
        self.blocks.append(self.put_block(body, name))
        self.parts.append(body)
        tail = base64.b64encode(b"tail    ").decode()
        xml = "<?xml version='1.0' encoding='utf-8'?><BlockList>%s<Latest>%s</Latest></BlockList>" % (
            "".join("<Latest>%s</Latest>" % b for b in self.blocks), tail)
        self.client.request("PUT", self.path, [("comp", "blocklist")], xml.encode(), {"Content-Type": "application/xml"})

    def content(self):
        return b"".join(self.parts) + self.tail


def sas(resource, permissions, container, blob=None, minutes=60, **more):
    """A service SAS of that account, by the published recipe for its version."""
    version = "2020-12-06"
    expiry = (datetime.datetime.utcnow() + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = "/blob/%s/%s" % (ACCOUNT, container) + ("/" + blob if blob else "")
    fields = [permissions, "", expiry, path, "", "", more.get("protocol", ""), version, resource, "", "", "", "", "", "", ""]
    query = {"sv": version, "se": expiry, "sr": resource, "sp": permissions, "sig": sign("\n".join(fields))}
    if "protocol" in more:
        query["spr"] = more["protocol"]
    return urllib.parse.urlencode(query)
