"""The servers that the end-to-end tests run against, all on loopback: Azurite, a proxy in front of it that breaks
things when told to, and a server that hands out tokens."""
import base64
import http.client
import http.server
import json
import os
import re
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def make_certificate(folder):
    """A certificate authority and a certificate for 127.0.0.1, made for this run."""
    ca_key, ca, key, request, cert = (os.path.join(folder, n) for n in ("ca.key", "ca.pem", "key.pem", "req.pem", "cert.pem"))
    extensions = os.path.join(folder, "ext.cnf")
    with open(extensions, "w") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    fast = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True)
    run("req", "-x509", *fast, "-nodes", "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=nsgflow test CA")
    run("req", *fast, "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1")
    run("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", cert, "-days", "2",
        "-extfile", extensions)
    return ca, cert, key


class Azurite:
    """The blob server, in memory, on a port that the system chose. It ends with the process that started it."""

    def __init__(self, folder, certificate=None):
        words = ["setpriv", "--pdeathsig", "TERM", "node",
                 os.path.join(HERE, "node_modules", "azurite", "dist", "src", "blob", "main.js"),
                 "--disableTelemetry", "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", "0"]
        if certificate:
            words += ["--oauth", "basic", "--cert", certificate[0], "--key", certificate[1]]
        self.scheme = "https" if certificate else "http"
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, cwd=folder)
        said = b""
        for line in self.process.stdout:
            said += line
            match = re.search(rb"successfully listens on https?://[0-9.]+:(\d+)", line)
            if match:
                break
        else:
            self.stop()
            raise RuntimeError("Azurite does not start: %s" % said.decode("utf-8", "replace"))
        self.port = int(match.group(1))
        self.url = "%s://127.0.0.1:%d/%s" % (self.scheme, self.port, ACCOUNT)
        # It logs each request there, and would wait for a reader.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Connections that break are what is tested."""


class Fault:
    """One thing that goes wrong: for requests whose path and query match, the SKIP+1st to the SKIP+TIMESth of them."""

    def __init__(self, pattern, act, times=1, skip=0):
        self.pattern, self.act, self.times, self.skip = re.compile(pattern), act, times, skip
        self.n_done = 0


class FaultProxy:
    """Forwards to one server and does to the answers what the faults say. `log` keeps the requests as (path, headers)."""

    def __init__(self, target_port):
        proxy = self
        self.target_port, self.faults, self.log, self.lock = target_port, [], [], threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes: else each answer waits 40 ms

            def do_GET(self):
                proxy.handle(self)

            do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

            def log_message(self, *args):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d/%s" % (self.port, ACCOUNT)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def reset(self, *faults):
        with self.lock:
            self.faults, self.log = list(faults), []

    def pick(self, path):
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.pattern.search(path):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    fault.n_done += 1
                    return fault.act
        return None

    def handle(self, handler):
        with self.lock:
            self.log.append((handler.path, dict(handler.headers.items())))
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        act = self.pick(handler.path)
        if act and getattr(act, "is_early", False):
            act(handler, None)
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.target_port, timeout=60)
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in ("connection",)}
        # The signature covers the path and not the host, so that it holds behind another port as well.
        upstream.request(handler.command, handler.path, body or None, headers)
        answer = upstream.getresponse()
        got = Answer(answer.status, [(k, v) for k, v in answer.getheaders()
                                     if k.lower() not in ("transfer-encoding", "connection", "keep-alive", "content-length")],
                     answer.read())
        upstream.close()
        if act:
            act(handler, got)
        else:
            got.send(handler)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def set(self, name, value):
        self.headers = [(k, v) for k, v in self.headers if k.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))

    def get(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def send_head(self, handler, length):
        handler.send_response_only(self.status)
        for name, value in self.headers:
            handler.send_header(name, value)
        if length is not None:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()

    def send(self, handler):
        self.send_head(handler, len(self.body))
        handler.wfile.write(self.body)


def early(act):
    act.is_early = True
    return act


def status(code, headers=(), body=b"<Error><Code>ServerBusy</Code><Message>secret-in-the-body</Message></Error>"):
    return early(lambda handler, _: Answer(code, list(headers), body).send(handler))


def reset():
    """The connection ends with a RST before a byte is answered."""
    def act(handler, _):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.close_connection = True
    return early(act)


def cut(n_bytes, with_length=True):
    """The body ends after n_bytes."""
    def act(handler, answer):
        if not with_length:
            answer.set("Connection", "close")
        answer.send_head(handler, len(answer.body) if with_length else None)
        handler.wfile.write(answer.body[:n_bytes])
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
    return act


def stall(n_bytes, seconds, every=0.0):
    """After n_bytes nothing comes, or one byte now and then."""
    def act(handler, answer):
        answer.send_head(handler, len(answer.body))
        handler.wfile.write(answer.body[:n_bytes])
        handler.wfile.flush()
        until = time.monotonic() + seconds
        at = n_bytes
        while time.monotonic() < until:
            time.sleep(every or 0.1)
            if every and at < len(answer.body):
                handler.wfile.write(answer.body[at:at + 1])
                at += 1
        handler.close_connection = True
    return act


def change(edit):
    """edit(answer) alters the answer."""
    def act(handler, answer):
        edit(answer)
        answer.send(handler)
    return act


def flip_byte(at):
    def edit(answer):
        body = bytearray(answer.body)
        body[at] ^= 0x20
        answer.body = bytes(body)
    return change(edit)


class TokenServer:
    """Answers like Entra, App Service and the metadata service of a machine. `log` keeps (method, path, headers, body)."""

    def __init__(self, certificate=None):
        tokens = self
        self.log, self.life_s, self.fail_first, self.fail_status = [], 3600, 0, 404
        self.lock, self.n_given = threading.Lock(), 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes: else each answer waits 40 ms

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                with tokens.lock:
                    tokens.log.append((self.command, self.path, dict(self.headers.items()), body))
                    is_failing = tokens.fail_first > 0
                    tokens.fail_first -= is_failing
                code, answer = (tokens.fail_status, {"error": "busy"}) if is_failing else tokens.answer(self.path, body)
                raw = json.dumps(answer).encode()
                self.send_response_only(code)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_POST = do_GET

            def log_message(self, *args):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = "%s://127.0.0.1:%d" % ("https" if certificate else "http", self.port)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path, body):
        if "client_secret=wrong" in body:
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
        with self.lock:
            self.n_given += 1
        return 200, {"token_type": "Bearer", "expires_in": self.life_s, "access_token": make_token(self.life_s, self.n_given)}


def make_token(life_s, serial=0):
    """What Azurite believes: it reads the claims and does not check the signature."""
    now = int(time.time())
    claims = {"aud": "https://storage.azure.com", "iss": "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/",
              "iat": now - 10, "nbf": now - 10, "exp": now + life_s, "serial": serial}
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    return "%s.%s.%s" % (part({"alg": "RS256", "typ": "JWT"}), part(claims), "secret-token-signature")
