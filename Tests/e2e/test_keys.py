"""Where the keys of tokens come from: MUSTER_JWKS, a file or a URL. Contract section 2, in both modes."""

import base64
import hmac
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.exceptions import InvalidStatus

from client import open_socket
from clock import Clock
from functions import FakeAWS, Function
from issuer import File, Issuer, Key, document
from proxies import certificate
from server import ROOT, SECRET, muster
from test_cloud_faults import event
from tokens import token

pytestmark = pytest.mark.timeout(60)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


# Where the machine that tests says itself whom it trusts.
AUTHORITIES = ["CURL_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE"]
NONE = dict.fromkeys(AUTHORITIES, "")
SHARED_SECRET = "a secret of at least 32 bytes, shared in a file"
SHARED = {"kty": "oct", "kid": "shared", "k": encoded(SHARED_SECRET.encode())}


def status(server, jwt: str) -> int:
    """Of one handshake."""
    try:
        open_socket(server, jwt).close()
        return 101
    except InvalidStatus as refusal:
        return refusal.response.status_code


def warnings(server, what: str) -> list[str]:
    return [line for line in server.log().splitlines() if what in line]


@pytest.fixture
def start(servers):
    """A server whose keys are a set's, unless it is given a secret too."""
    # Each child has keys of its own: with one the tests know what it has.
    return lambda mode, place, *flags, **settings: servers(
        mode, "--handler-concurrency", "1", *flags, MUSTER_JWKS=str(place), **{"secret": None} | settings)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["file", "http", "https"])
def published(request, tmp_path, tls):
    """A key set by each way there is, with one key, and the settings that a server needs for it."""
    first = Key("first")
    if request.param == "file":
        place = File(tmp_path / "jwks.json", first)
        yield place, first, place.path, {}
    elif request.param == "http":
        with Issuer(first) as issuer:
            yield issuer, first, issuer.url, {}
    else:
        with Issuer(first, tls=tls[1]) as issuer:
            yield issuer, first, issuer.url, {"MUSTER_CA": str(tls[0])}


def test_a_new_key_counts_at_once_and_a_removed_one_no_more_after_ten_minutes(start, mode, tmp_path, published):
    place, first, where, settings = published
    clock = Clock(tmp_path)
    handlers = ["--handlers", str(clock.handlers())] if mode == "children" else []
    server = start("in-process", where, *handlers, **settings, **clock.environment)
    assert status(server, first.token("alice")) == 101
    second, third = Key("second", "RS256"), Key("third", "EdDSA")
    assert status(server, third.token("alice", kid=None)) == 401

    place.publish(first, second)
    assert status(server, second.token("alice")) == 101
    place.publish(second, third)
    # A minute has not gone by, and the set is no ten minutes old.
    assert status(server, third.token("alice")) == 401 and status(server, first.token("alice")) == 101
    clock.advance(61)
    assert status(server, third.token("alice")) == 101 and status(server, first.token("alice")) == 401
    place.publish(third)
    clock.advance(601)
    assert status(server, second.token("alice")) == 401 and status(server, third.token("alice")) == 101


def test_only_who_an_authority_vouches_for_is_believed(start, mode, tls):
    authority, context = tls
    key = Key("one")
    with Issuer(key, tls=context) as issuer:
        assert status(start(mode, issuer.url, "--ca", str(authority)), key.token("alice")) == 101
        for name in AUTHORITIES:
            assert status(start(mode, issuer.url, **NONE | {name: str(authority)}), key.token("alice")) == 101
        asked = len(issuer.asked)
        server = start(mode, issuer.url, **NONE)
        assert status(server, key.token("alice")) == 500 and len(issuer.asked) == asked
        assert any("certificate" in line for line in warnings(server, "key set not fetched"))
        # The certificate is for localhost and for no address.
        other = start(mode, issuer.url.replace("localhost", "127.0.0.1"), MUSTER_CA=str(authority))
        assert status(other, key.token("alice")) == 500 and len(issuer.asked) == asked


def test_the_last_good_set_stays_while_the_issuer_is_down(start, mode):
    key = Key("one")
    with Issuer(key) as issuer:
        server = start(mode, issuer.url)
        assert status(server, key.token("alice")) == 101
        issuer.respond(503)
        for _ in range(5):
            assert status(server, Key("other").token("alice")) == 401
            assert status(server, key.token("alice")) == 101
        # One at the start, one by the child, one for the key that nobody has.
        assert len(issuer.asked) == (3 if mode == "children" else 2)
    assert status(server, key.token("alice")) == 101
    assert len(warnings(server, "key set not fetched")) == 1


WRONG = {
    "a status": ((503, b"{}"), "status 503"),
    "no key set": ((200, b'{"error":"none"}'), "not a JSON Web Key Set"),
    "a megabyte": ((200, b" " * (1 << 20)), "more than 262144 bytes"),
    "a megabyte, in chunks": ((200, (b"10000\r\n" + b" " * 65536 + b"\r\n") * 16 + b"0\r\n\r\n"), "more than 262144 bytes"),
    "a redirect": ((302, b""), "status 302"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_answer_that_is_none_is_no_reason_to_refuse_a_token(start, case):
    (code, body), said = WRONG[case]
    key = Key("one")
    with Issuer(key) as other, Issuer() as issuer:
        fields = {"Location": other.url} if "redirect" in case else {"Transfer-Encoding": "chunked"} if "chunks" in case else {}
        issuer.respond(code, body, **fields)
        server = start("in-process", issuer.url)
        assert status(server, key.token("alice")) == 500 and other.asked == []
        assert status(server, "no.token.this") == 401
        assert len(warnings(server, "key set not fetched")) == 1 and said in warnings(server, "key set not fetched")[0]
        assert said in warnings(server, "connect failed")[0]


def test_an_issuer_that_comes_later_is_found(start, mode):
    key = Key("one")
    with Issuer() as issuer:
        issuer.respond(503)
        server = start(mode, issuer.url)
        issuer.publish(key)
        assert status(server, key.token("alice")) == 101


def test_many_at_once_are_one_question(start):
    key = Key("one")
    with Issuer() as issuer:
        issuer.respond(503)
        server = start("in-process", issuer.url)
        issuer.publish(key)
        jwts = [key.token(f"user-{number}") for number in range(40)]
        with ThreadPoolExecutor(20) as pool:
            assert set(pool.map(lambda each: status(server, each), jwts)) == {101}
        assert len(issuer.asked) == 2


def test_a_connection_goes_on_with_a_token_of_a_new_key(start, mode, clients):
    first, second = Key("first"), Key("second")
    with Issuer(first) as issuer:
        server = start(mode, issuer.url)
        alice = clients(server, "alice", "acme", jwt=first.token("alice", expires=60))
        issuer.publish(second)
        later = second.token("alice", expires=3600)
        assert alice.ask("refreshToken", token=later)["type"] == "refreshed"
        assert alice.try_({"action": "refreshToken", "token": Key("third").token("alice")})["code"] == "unauthorized"


def test_the_set_and_the_secret_each_count_for_their_algorithms(start, mode, tmp_path):
    key = Key("one", "RS256")
    weak = {"kty": "RSA", "kid": "weak", "n": encoded(b"\xb5" * 128), "e": "AQAB"}
    file = File(tmp_path / "jwks.json", key, weak, SHARED)
    server = start(mode, file.path, secret=SECRET)
    assert status(server, token("alice", "acme")) == 101
    assert status(server, key.token("alice")) == 101
    assert status(server, token("bob", "acme", secret=SHARED_SECRET)) == 101
    # The public key is no secret, in whatever form.
    for form in (Encoding.PEM, Encoding.DER):
        public = key.private.public_key().public_bytes(form, PublicFormat.SubjectPublicKeyInfo)
        header = encoded(b'{"alg":"HS256","kid":"one"}')
        text = f"{header}.{key.token('mallory').split('.')[1]}"
        signature = hmac.digest(public, text.encode(), "sha256")
        assert status(server, f"{text}.{encoded(signature)}") == 401
    ignored = warnings(server, "key ignored")
    assert ignored and all("kid=weak" in line and "RSA with 1024 bits" in line for line in ignored)
    assert weak["n"][:20] not in server.log() and SHARED["k"] not in server.log()


def test_secrets_at_a_url_are_none(start):
    with Issuer(SHARED) as issuer:
        server = start("in-process", issuer.url)
        assert status(server, token("bob", "acme", secret=SHARED_SECRET)) == 401
        assert "only a file may hold" in warnings(server, "key ignored")[0] and SHARED["k"] not in server.log()


def test_with_a_key_set_no_secret_is_made_and_nobody_invited(start, mode, tmp_path):
    server = start(mode, File(tmp_path / "jwks.json", Key("one")).path, MUSTER_LOG_LEVEL="info")
    assert not (server.data / "dev-secret").exists()
    server.process.terminate()
    assert server.process.stdout.read() == b""
    said = muster("token", "--user", "alice", "--tenant", "acme", "--data", str(server.data))
    assert said.returncode == 1 and "no secret" in said.stderr


UNUSABLE = {
    "missing": (None, "No such file or directory"), "no JSON": (b"keys", "not a JSON Web Key Set"),
    "another JSON": (b"[]", "not a JSON Web Key Set"), "too long": (b" " * (1 << 20), "more than 262144 bytes"),
    "too many": (document(*[{}] * 101), "101 keys"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_file_that_is_no_key_set_keeps_a_server_from_starting(servers, tmp_path, case):
    content, said = UNUSABLE[case]
    path = tmp_path / "jwks.json"
    if content is not None:
        path.write_bytes(content)
    line = servers(start=False, secret=None, MUSTER_JWKS=str(path)).refused()
    assert line.startswith(f"muster: cannot use the key set {path}: ") and said in line and line.endswith("correct it, or --jwks (MUSTER_JWKS)")


@pytest.mark.parametrize("url", ["http://issuer.example/keys", "ftp://issuer.example/keys", "https://user:password@issuer.example/"])
def test_a_url_that_could_be_answered_by_anybody_is_wrong_usage(url, tmp_path):
    for given, name in ((["--jwks", url], "--jwks"), ([], "MUSTER_JWKS")):
        done = muster("serve", "--data", str(tmp_path / "data"), *given, **({} if given else {"MUSTER_JWKS": url}))
        assert done.returncode == 64 and done.stderr.startswith(f"muster: {name} is no URL of a key set"), done.stderr
        assert "password" not in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_relative_path_means_the_same_to_children(servers, mode, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    key = Key("one")
    File(tmp_path / "jwks.json", key)
    server = servers(mode, secret=None, MUSTER_JWKS="jwks.json")
    assert status(server, key.token("alice")) == 101


# The functions, as Lambda runs them


def authorization(jwt: str) -> dict:
    given = json.loads((ROOT / "schema/events/authorizer.json").read_text())
    given["queryStringParameters"] = {"token": jwt}
    given["multiValueQueryStringParameters"] = None
    given["headers"] = given["multiValueHeaders"] = None
    return given


def test_the_authorizer_judges_by_the_same_keys(tls):
    authority, context = tls
    first, second = Key("first", "PS512"), Key("second", "ES384")
    with Issuer(first, tls=context) as issuer, \
            Function("Authorizer", MUSTER_JWKS=issuer.url, MUSTER_JWT_SECRET="", **NONE | {"AWS_CA_BUNDLE": str(authority)}) as function:
        kind, answer = function.invoke(authorization(first.token("alice")))
        assert (kind, answer["principalId"]) == ("response", "acme/alice")
        issuer.publish(second)
        kind, answer = function.invoke(authorization(second.token("bob")))
        assert (kind, answer["principalId"]) == ("response", "acme/bob")
        for _ in range(5):
            kind, failure = function.invoke(authorization(Key("third").token("eve")))
            assert (kind, failure["errorMessage"]) == ("error", "Unauthorized")
        assert len(issuer.asked) == 2


def test_a_function_without_keys_fails_and_does_not_refuse():
    with Issuer() as issuer, FakeAWS(lambda *_: (500, {}, {})) as aws:
        issuer.respond(503)
        with Function("Authorizer", MUSTER_JWKS=issuer.url, MUSTER_JWT_SECRET="") as function:
            kind, failure = function.invoke(authorization(Key("one").token("alice")))
            assert kind == "error" and failure["errorMessage"] != "Unauthorized"
            kind, failure = function.invoke(authorization("no.token.this"))
            assert (kind, failure["errorMessage"]) == ("error", "Unauthorized")
            assert any("status 503" in json.dumps(line) for line in function.lines())
        connect = event("connect")
        connect["multiValueQueryStringParameters"] = connect["multiValueHeaders"] = connect["headers"] = None
        connect["queryStringParameters"] = {"token": Key("one").token("alice")}
        with Function("Connect", MUSTER_JWKS=issuer.url, MUSTER_JWT_SECRET="", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint) as function:
            assert function.invoke(connect)[1]["statusCode"] == 500
            failed = [line for line in function.lines() if line.get("event") == "connect failed"]
            assert failed and failed[0]["error"] == "no key set: status 503" and aws.calls == []
