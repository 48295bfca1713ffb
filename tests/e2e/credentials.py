"""Which credential is used, where it goes, and what is said when it does not do."""
import os
import re
import tempfile
import time
import urllib.parse

from client import Client, sas
from servers import (ACCOUNT, KEY, Answer, Azurite, Fault, FaultProxy, TokenServer, early, make_certificate, make_token,
                     status)
from world import SECRETS, Run


def test_credentials_of_the_environment(world):
    name = world.container()
    world.client.put(name + "/a", b"a")
    token = sas("c", "rl", name)
    SECRETS.append(urllib.parse.parse_qs(token)["sig"][0])
    SECRETS.append(urllib.parse.quote(SECRETS[-1], safe=""))
    connection = "AccountName=%s;AccountKey=%s;BlobEndpoint=%s;" % (ACCOUNT, KEY, world.proxy.url)
    for env, label in (
            ({"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": KEY}, "the key in AZURE_STORAGE_KEY"),
            ({"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_SAS_TOKEN": "?" + token}, "the SAS in AZURE_STORAGE_SAS_TOKEN"),
            ({"AZURE_STORAGE_CONNECTION_STRING": connection}, "the key in AZURE_STORAGE_CONNECTION_STRING"),
            ({"AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=%s;SharedAccessSignature=%s" % (world.proxy.url, token)},
             "the SAS in AZURE_STORAGE_CONNECTION_STRING")):
        world.run(name, env=env).says("using " + label).has("a", b"a")
    world.run(name + "?" + token, env={}).says("using the SAS of the address").has("a", b"a")
    Run(world, ["az://%s" % name], {"AZURE_STORAGE_CONNECTION_STRING": connection}).has("a", b"a")
    Run(world, ["--endpoint", world.proxy.url, "azure://%s/" % name], None).has("a", b"a")


def test_no_key_goes_to_a_stranger(world):
    name = world.container()
    for env in ({"AZURE_STORAGE_ACCOUNT": "other", "AZURE_STORAGE_KEY": KEY}, {"AZURE_STORAGE_KEY": KEY},
                {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=other;AccountKey=%s" % KEY}):
        world.proxy.reset()
        world.run(name, env=env, expect=4).says("no credential was found")
        assert not any("authorization" in {k.lower() for k in h} for _, h in world.proxy.log), world.proxy.log


def test_public_container(world):
    name = world.container(public=True)
    world.client.put(name + "/a", b"open")
    world.run(name, env={}).says("using no credential").has("a", b"open")


def test_errors_name_the_remedy(world):
    name = world.container()
    world.client.put(name + "/a", b"a")
    world.run(name + "?" + sas("c", "r", name), env={}, expect=4).says("this SAS cannot list")
    world.run(name + "?" + sas("c", "l", name), env={}, expect=3).says("this SAS cannot read")
    world.run(name + "?" + sas("c", "rl", name, minutes=-5), env={}, expect=4).says("the SAS has ended")
    world.run(name, env={}, expect=4).says("no credential was found, and the container is not public")
    world.run("nothere", expect=4).says("ContainerNotFound", "there is no such container")
    for text, remedy in ((b"AuthorizationFailure", "firewall"), (b"AuthorizationPermissionMismatch", "Storage Blob Data Reader"),
                         (b"KeyBasedAuthenticationNotPermitted", "does not accept keys")):
        world.proxy.reset(Fault("comp=list", status(403, [("x-ms-error-code", text.decode())], b"<Error>" + text + b"</Error>")))
        run = world.run(name, expect=4).says(remedy)
        assert run.requests == 1, "403 is not tried again"
    world.proxy.reset(Fault("comp=list", status(403, [("x-ms-error-code", "AuthenticationFailed"), ("Date", "Sat, 21 Nov 2020 10:00:00 GMT")])))
    world.run(name, expect=4).says("the clock of this machine is", "ahead")
    world.proxy.reset(Fault("comp=list", status(409, [("x-ms-error-code", "PublicAccessNotPermitted")])))
    world.run(name, env={}, expect=4).says("no credential was found")
    world.proxy.reset(Fault("comp=list", status(403, [("x-ms-error-code", "Evil\x1b[2J<x>")])))
    assert "\x1b" not in world.run(name, expect=4).out
    Run(world, ["http://storage.example/a/b"], {}, 2).says("plain http is only for this machine itself")
    Run(world, [world.proxy.url + "/c?sv=2021"], {}, 2).says("in quotes")


def test_a_redirect_is_not_followed(world):
    name = world.container()
    world.client.put(name + "/a.json", b"a")
    seen = FaultProxy(world.azurite.port)
    try:
        for pattern in ("comp=list", r"a\.json"):
            for code in (301, 302, 307, 308):
                world.proxy.reset(Fault(pattern, status(code, [("Location", seen.url + "/" + name + "/a.json")])))
                world.run(name, expect=4 if pattern == "comp=list" else 3).says("no redirect is followed")
        assert seen.log == [], "somebody followed: %s" % seen.log
    finally:
        seen.stop()


# ---- Entra and its relatives ----

def with_tokens(check):
    """Runs with an Azurite that speaks https and takes bearer tokens, and a token server over https."""
    def test(world):
        folder = tempfile.mkdtemp(dir=world.folder)
        ca, cert, key = make_certificate(folder)
        secure = Azurite(folder, (cert, key))
        tokens = TokenServer((cert, key))
        plain = TokenServer()
        client = Client(secure, ca)
        try:
            client.make_container("logs")
            client.put("logs/a", b"over https")
            check(world, secure, tokens, plain, ca, folder)
        finally:
            secure.stop()
            tokens.stop()
            plain.stop()
    test.__name__ = check.__name__
    test.__doc__ = check.__doc__
    return test


SECRETS.append("hush-hush")
SECRETS.append("secret-token-signature")


@with_tokens
def test_client_secret(world, secure, tokens, plain, ca, folder):
    env = {"AZURE_TENANT_ID": "tenant/1", "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "hush-hush&x=1",
           "AZURE_AUTHORITY_HOST": tokens.url, "SSL_CERT_FILE": ca}
    run = Run(world, [secure.url + "/logs"], env).says("with its secret")
    run.has("a", b"over https")
    (method, path, _, body), = tokens.log
    assert (method, path) == ("POST", "/tenant%2F1/oauth2/v2.0/token"), path
    form = urllib.parse.parse_qs(body)
    assert form == {"grant_type": ["client_credentials"], "client_id": ["app"], "client_secret": ["hush-hush&x=1"],
                    "scope": ["https://storage.azure.com/.default"]}, form
    wrong = dict(env, AZURE_CLIENT_SECRET="wrong")
    run = Run(world, [secure.url + "/logs"], wrong, 4).says("invalid_client", "AADSTS7000215")
    # As long as the system lets a variable be, and three times that once it is escaped.
    tokens.log.clear()
    Run(world, [secure.url + "/logs"], dict(env, AZURE_CLIENT_SECRET="&" * 130000)).has("a", b"over https")
    assert urllib.parse.parse_qs(tokens.log[0][3])["client_secret"] == ["&" * 130000]
    # The certificate is checked: without the authority nothing is sent.
    tokens.log.clear()
    del env["SSL_CERT_FILE"]
    Run(world, [secure.url + "/logs"], env, 4)
    assert tokens.log == []
    Run(world, ["--ca-file", ca, secure.url + "/logs"], env).has("a", b"over https")


@with_tokens
def test_federated_token(world, secure, tokens, plain, ca, folder):
    path = os.path.join(folder, "assertion")
    with open(path, "w") as file:
        file.write("header.claims.hush-hush\n")
    env = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "app", "AZURE_FEDERATED_TOKEN_FILE": path,
           "AZURE_AUTHORITY_HOST": tokens.url + "/", "SSL_CERT_FILE": ca}
    Run(world, [secure.url + "/logs"], env).says("federated").has("a", b"over https")
    form = urllib.parse.parse_qs(tokens.log[0][3])
    assert form["client_assertion"] == ["header.claims.hush-hush"], form
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    env["AZURE_FEDERATED_TOKEN_FILE"] = path + ".gone"
    Run(world, [secure.url + "/logs"], env, 4).says("AZURE_FEDERATED_TOKEN_FILE")


@with_tokens
def test_managed_identity(world, secure, tokens, plain, ca, folder):
    env = {"IDENTITY_ENDPOINT": plain.url + "/msi/token", "IDENTITY_HEADER": "hush-hush", "SSL_CERT_FILE": ca,
           "http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    Run(world, [secure.url + "/logs"], env).says("managed identity at IDENTITY_ENDPOINT").has("a", b"over https")
    _, path, headers, _ = plain.log.pop()
    assert path == "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com%2F", path
    assert {k.lower(): v for k, v in headers.items()}["x-identity-header"] == "hush-hush"
    env = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": plain.url, "AZURE_CLIENT_ID": "app", "SSL_CERT_FILE": ca}
    for code in (404, 410):
        plain.fail_first, plain.fail_status, plain.log = 2, code, []
        Run(world, [secure.url + "/logs"], env).says("managed identity of this machine").has("a", b"over https")
        assert len(plain.log) == 3
    _, path, headers, _ = plain.log[-1]
    assert path == ("/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F"
                    "&client_id=app"), path
    assert {k.lower(): v for k, v in headers.items()}["metadata"] == "true"


@with_tokens
def test_az_command_line(world, secure, tokens, plain, ca, folder):
    shown = os.path.join(folder, "words")
    with open(os.path.join(folder, "az"), "w") as file:
        file.write('#!/bin/sh\nprintf "%%s\\n" "$@" >%s\necho noise-on-stderr >&2\n'
                   'echo \'{"accessToken":"%s","expires_on":%d,"tokenType":"Bearer"}\'\n' % (shown, make_token(3600), time.time() + 3600))
    os.chmod(os.path.join(folder, "az"), 0o755)
    env = {"PATH": folder + ":/usr/bin:/bin", "SSL_CERT_FILE": ca}
    run = Run(world, [secure.url + "/logs"], env).says("the user signed in to the az command line")
    run.has("a", b"over https")
    assert "noise" not in run.err
    with open(shown) as file:
        assert file.read().split() == ["account", "get-access-token", "--output", "json", "--scope",
                                       "https://storage.azure.com/.default"]
    with open(os.path.join(folder, "az"), "w") as file:
        file.write("#!/bin/sh\necho 'Please run az login' >&2\nexit 1\n")
    Run(world, [secure.url + "/logs"], env, 4).says("sign in with az login")


@with_tokens
def test_tokens_are_renewed(world, secure, tokens, plain, ca, folder):
    """One that ends within two minutes is replaced before each use; one that is refused is replaced once."""
    env = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "hush-hush",
           "AZURE_AUTHORITY_HOST": tokens.url, "SSL_CERT_FILE": ca}
    tokens.life_s = 100
    Run(world, [secure.url + "/logs"], env).has("a", b"over https")
    assert len(tokens.log) == 3, len(tokens.log)  # first, list, get
    tokens.life_s, tokens.log = 3600, []
    Run(world, [secure.url + "/logs"], env).has("a", b"over https")
    assert len(tokens.log) == 1, len(tokens.log)


def test_a_refused_token_is_replaced_once(world):
    plain = TokenServer()
    name = world.container()
    world.client.put(name + "/a", b"a")
    try:
        bearer = []

        def stand_in(handler, _):
            """Storage that takes the second token only: Azurite takes none over plain http."""
            bearer.append(handler.headers["Authorization"])
            if len(set(bearer)) < 2:
                Answer(401, [("x-ms-error-code", "InvalidAuthenticationInfo")], b"").send(handler)
                return
            path = urllib.parse.urlsplit(handler.path)
            query = urllib.parse.parse_qsl(path.query)
            headers = {k: v for k, v in handler.headers.items() if k.lower() in ("x-ms-range", "if-match", "x-ms-range-get-content-md5")}
            code, got, body = world.client.request("GET", urllib.parse.unquote(path.path.split("/", 2)[2]), query, headers=headers)
            Answer(code, [(k, v) for k, v in got.items() if k not in ("content-length", "transfer-encoding", "connection", "keep-alive")], body).send(handler)

        world.proxy.reset(Fault(".", early(stand_in), times=100))
        run = world.run(name, env={"AZURE_POD_IDENTITY_AUTHORITY_HOST": plain.url})
        run.has("a", b"a")
        assert len(set(bearer)) == 2 and len(bearer) == 3 and run.retries == 1, (len(bearer), run.out)
    finally:
        plain.stop()
