"""No token, secret or body in anything that is printed, logged, measured or answered, however badly things go.

Every run has words of its own as secret, tokens and bodies; whatever comes out of it is searched for them and for pieces of
them. What has to hold them is left out: the database, the generated secret, and the frames that carry a body to its readers.
"""

import base64
import json
import os
import re
import secrets
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import jwt as pyjwt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from client import open_socket
from functions import FakeAWS, Function
from server import BINARY, ROOT, muster
from waiting import wait_for

SETTLED = 0.2
EVENTS = ROOT / "schema/events"


class Words:
    """What must not be found: made for one run, and noted as it is made."""

    def __init__(self):
        self.pieces: dict[str, str] = {}
        self.secret = self.note("the secret", secrets.token_urlsafe(40))
        self.management = self.note("the management token", secrets.token_urlsafe(40))

    def note(self, what: str, text: str) -> str:
        """Notes a text, its beginning and its end, and how it looks in base64 and percent-encoded, from any offset."""
        for piece in (text[:16], text[-16:]):
            self.pieces[piece] = what
            for offset in range(3):
                inner = base64.b64encode(b"\0" * offset + piece.encode()).decode()[4:-4]
                self.pieces[inner] = f"{what} in base64"
                self.pieces[inner.replace("+", "-").replace("/", "_")] = f"{what} in base64url"
        return text

    def body(self) -> str:
        return self.note("a body", f"body-{secrets.token_hex(16)}")

    def token(self, user: str = "alice", *, kind: str = "a good token", secret: str | None = None, **claims) -> str:
        """A token of which payload and signature are looked for; its header is everybody's."""
        everything = {"sub": user, "tenantId": "acme", "exp": int(time.time()) + 600, "jti": secrets.token_hex(16), "roles": ["admin"]} | claims
        token = pyjwt.encode(everything, secret or self.secret, "HS256")
        _, payload, signature = token.split(".")
        self.note(f"{kind}'s signature", signature)
        # Its beginning says who it is, which may be known; what it says later is its own.
        self.pieces[payload[-24:]] = self.pieces[payload[24:48]] = f"{kind}'s payload"
        return token

    def bad_tokens(self) -> list[str]:
        good = self.token(kind="a token of which something is changed")
        header, payload, signature = good.split(".")
        return [
            self.token(kind="an expired token", exp=int(time.time()) - 5),
            self.token(kind="another's token", secret="another secret that is long enough too"),
            self.token(kind="a token of no tenant", tenantId="a#b"),
            f"{header}.{payload}", f"{good}=", f"{good}.x", f"{header}.{payload}.{signature[:-2]}", f"eyJhbGciOiJub25lIn0.{payload}.",
            f"eyJhbGciOiJSUzI1NiJ9.{payload}.{signature}", f"{good} {good}", good.replace("e", "%65") + "%"]

    def find(self, text: str) -> dict[str, str]:
        """What is found, with the words before it."""
        return {what: text[max(0, text.index(piece) - 120):text.index(piece) + 8] for piece, what in self.pieces.items() if piece in text}


class Output:
    """All that came out of a run, by where it came from."""

    def __init__(self, words: Words):
        self.words = words
        self.texts: list[tuple[str, str]] = []

    def add(self, source: str, text):
        self.texts.append((source, text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)))

    def check(self):
        found = {source: self.words.find(text) for source, text in self.texts}
        assert not any(found.values()), {source: what for source, what in found.items() if what}


def raw(server, request: bytes, output: Output, management: bool = False):
    """Sends bytes and notes what is answered until the server closes or says no more."""
    port = int(server.management.rpartition(":")[2]) if management else server.port
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.settimeout(SETTLED)
        answer = b""
        try:
            connection.sendall(request)
            while data := connection.recv(65536):
                answer += data
        except OSError:
            pass
    output.add("an answer", answer)


def handshake(target: str = "/", *fields: str, version: str = "HTTP/1.1", websocket: str = "13") -> bytes:
    lines = [
        f"GET {target} {version}", "Host: h", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        f"Sec-WebSocket-Version: {websocket}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def come_in(server, words: Words, output: Output):
    """Tokens in all three places, good and bad."""
    for token in [words.token(), *words.bad_tokens()]:
        for target, field in [(f"/?token={token}", "A: b"), ("/", f"Authorization: Bearer {token}"), ("/", f"Sec-WebSocket-Protocol: muster.v1, bearer.{token}")]:
            raw(server, handshake(target, field), output)
        try:
            open_socket(server, token).close()
        except (InvalidHandshake, ConnectionClosed) as error:
            output.add("a refusal", error)


def ask_badly(server, words: Words, output: Output):
    """Requests with a token in them of which something is wrong."""
    token = words.token(kind="a token in a malformed request")
    query = f"/?token={token}"
    for request in [
        handshake(query, version="HTTP/9.9"), handshake(query, websocket="8"), handshake(query + "%zz"), handshake(f"/{token}"),
        handshake(query, f"Authorization {token}"), handshake(query, f"Authorization : Bearer {token}"), handshake(query, f" {token}"),
        handshake(query + "&x=" + token * 60), handshake("/", *[f"Cookie: {token}"] * 120), handshake(query, f"Content-Length: {token}"),
        handshake(query, f"Transfer-Encoding: {token}"), handshake(query, "Host: i"), handshake(query, f"Sec-WebSocket-Key: {token}"),
        handshake(f"http://h{query}"), handshake(query, f"Sec-WebSocket-Protocol: bearer.{token},,"), handshake(query, "Content-Length: 5") + b"hello",
        handshake(query, f"X: {token}\r\n {token}"), handshake(query, f"X: \x01{token}"), f"{token}\r\n\r\n".encode(),
        f"POST {query} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(token)}\r\n\r\n{token}".encode(), f"GET {query} HTTP/1.1\r\nHost: h\r\n\r\n".encode(),
        handshake(query)[:-20], b"\x16\x03\x01" + token.encode(),
    ]:
        raw(server, request, output)
        raw(server, request, output, management=True)


def chat(server, words: Words, output: Output):
    """Frames, good and bad, with bodies and tokens in them."""
    alice, bob = open_socket(server, words.token()), open_socket(server, words.token("bob"))

    def say(frame, to=alice):
        """Every reply is an answer to it, or a fan-out frame, which may carry bodies."""
        to.send(frame if isinstance(frame, (str, bytes)) else json.dumps(frame))
        for reply in replies(to):
            if json.loads(reply).get("type") not in ("message", "history", "joined"):
                output.add("a reply", reply)

    body = words.body()
    for each in (alice, bob):
        say({"action": "joinRoom", "roomId": "lobby", "since": 0}, each)
    for frame in [
        {"action": "sendMessage", "roomId": "lobby", "body": body, "clientMessageId": "1"}, {"action": "sendMessage", "roomId": "nowhere", "body": body},
        {"action": "sendMessage", "destinationUserId": "bob", "body": body}, {"action": "sendMessage", "everyone": True, "body": body},
        {"action": "sendMessage", "roomId": "lobby", "body": body * 500}, {"action": "sendMessage", "roomId": "lobby", "body": [body]},
        {"action": "sendMessage", "roomId": "lobby", "destinationUserId": "bob", "body": body}, {"action": "sendMessage", "body": body, "clientMessageId": 7},
        {"action": "say", "body": body}, {"body": body}, [body], json.dumps({"action": "sendMessage", "body": body})[:-1], body, f'{{"body":"{body}\x01"}}',
        {"action": "history", "roomId": "lobby"}, {"action": "online", "next": body}, {"action": "heartbeat", "rooms": body}, {"action": "online", "token": body},
        *({"action": "refreshToken", "token": token} for token in [words.token(), words.token("bob", kind="another user's token"), *words.bad_tokens()]),
        {"action": "refreshToken", "token": [words.token()]}, {"action": "refreshToken"},
    ]:
        say(frame)
    for fault in [body.encode(), b"\xff" + body.encode()]:
        closes = open_socket(server, words.token())
        try:
            if fault[0] == 0xFF:
                closes.socket.sendall(bytes([0x81, 0x80 | len(fault), 0, 0, 0, 0]) + fault)
            else:
                closes.send(fault)
            closes.recv(5)
        except (ConnectionClosed, TimeoutError) as error:
            output.add("a close", error)
    return alice, bob


def replies(socket_):
    """What has come when a ping is answered."""
    socket_.ping().wait(5)
    time.sleep(0.01)
    try:
        while True:
            yield socket_.recv(0.05)
    except (TimeoutError, ConnectionClosed):
        return


def manage(server, words: Words, output: Output, connection: str):
    """The management listener with its token, another and none."""
    path = f"/local/@connections/{connection.replace('=', '%3D')}"
    wrong = words.note("a wrong management token", secrets.token_urlsafe(40))
    body = words.body()
    event = {"roomId": "lobby", "senderId": "robot", "body": body}
    for bearer in [words.management, wrong, words.management[:-1], None]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        for method, place, data in [
            ("GET", "/healthz", None), ("GET", "/metrics", None), ("GET", "/dashboard", None), ("GET", f"/metrics?token={wrong}", None), ("GET", path, None),
            ("POST", path, json.dumps({"mine": body}).encode()), ("POST", path, b"\xff" + body.encode()), ("POST", "/local/@connections/gone", body.encode()),
            ("POST", "/tenants/acme/messages", event), ("POST", "/tenants/acme/messages", event | {"body": body * 500}),
            ("POST", "/tenants/acme/messages", event | {"tenantId": "other"}), ("POST", "/tenants/acme/messages", body.encode()),
            ("POST", "/tenants/a%23b/messages", event), ("GET", "/tenants/acme/online", None), ("DELETE", path + f"?code={wrong}", None),
        ]:
            status, fields, answer = server.http(place, method, data, headers=headers)
            output.add(f"{method} {place.partition('?')[0]}", f"{status} {fields} {answer.decode('utf-8', 'replace')}")


def finish(server, output: Output):
    """Notes all that is left of a server that has ended: what it printed, and its files but those that hold what they hold."""
    output.add("stdout", server.process.stdout.read())
    output.add("stderr", server.log())
    for path in server.data.rglob("*"):
        if path.is_file() and not path.name.startswith("chat.sqlite") and path.name != "dev-secret":
            output.add(path.name, path.read_bytes())


def crash(process) -> int:
    """Lets a process crash with whatever it holds. Swift's backtrace takes some seconds, and goes on if nothing is broken."""
    for _ in range(4):
        process.send_signal(signal.SIGABRT)
        try:
            return process.wait(15)
        except subprocess.TimeoutExpired:
            pass
    raise AssertionError("it does not crash")


@pytest.fixture
def words():
    return Words()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_nothing_that_comes_out_has_a_secret_a_token_or_a_body(servers, words, mode, log_format):
    server = servers(
        mode, "--log-format", log_format, "--rate-limit", "0", secret=words.secret, MUSTER_MANAGEMENT_TOKEN=words.management,
        MUSTER_MAX_CONNECTIONS_PER_USER="200", SWIFT_BACKTRACE="enable=yes,color=no,interactive=no,threads=all,sanitize=no", start=False)
    server.command[server.command.index("debug")] = "trace"
    server.start()
    output = Output(words)
    come_in(server, words, output)
    ask_badly(server, words, output)
    alice, bob = chat(server, words, output)
    alice.send('{"action":"heartbeat"}')
    connection = next(json.loads(reply)["connectionId"] for reply in replies(alice) if "heartbeat" in reply)
    manage(server, words, output, connection)
    pids = [server.process.pid, *server.children()]
    for pid in pids:
        output.add("a command line", Path(f"/proc/{pid}/cmdline").read_bytes())
    assert len(pids) > 1 or mode == "in-process"
    for pid in pids[1:3]:
        os.kill(pid, signal.SIGABRT)
    bob.send(json.dumps({"action": "sendMessage", "roomId": "lobby", "body": words.body()}))
    list(replies(bob))
    assert crash(server.process) == -signal.SIGABRT
    assert "Fatal" in server.log() or "Crash" in server.log() or "crash" in server.log(), "no backtrace: is it still asked for?"
    finish(server, output)
    log = server.log()
    for wanted in ["wrong signature", "expired", "malformed request", "connection opened"]:
        assert wanted in log, f"{wanted!r} is not in the log: did it happen?"
    output.check()


def test_what_is_looked_for_is_found(words):
    token, body = words.token(), words.body()
    for text in [
        words.secret, f"x{words.secret[:20]}", token, token[:-10], token.split(".")[1], token.split(".")[2][:20], body, f"y{body[-20:]}",
        base64.b64encode(f'{{"body":"{body}"}}'.encode()).decode(), base64.urlsafe_b64encode(f"a{words.management}".encode()).decode()]:
        assert words.find(f"some {text} more"), text
    assert not words.find(token.split(".")[0])


def lambda_event(name: str, **changes):
    return json.loads((EVENTS / f"{name}.json").read_text()) | changes


def stored(operation: str, count: int):
    """A table in which the connection of schema/events is live; every fourth write fails, in words that repeat what was sent."""
    now = int(time.time())
    item = {
        "PK": {"S": "CONN#L0SM9cOFvHcCIhw="}, "SK": {"S": "META"}, "v": {"N": "1"}, "connectionId": {"S": "L0SM9cOFvHcCIhw="}, "tenantId": {"S": "acme"},
        "userId": {"S": "alice"}, "connectedAt": {"N": str(now * 1000)}, "lastSeen": {"N": str(now * 1000)}, "expiresAt": {"N": str(now + 600)},
        "tokenExpiresAt": {"N": str(now + 3600)}, "wheelMinute": {"N": str(now // 60 + 10)}, "rooms": {"SS": ["lobby"]}, "roles": {"SS": ["admin"]}}
    if operation == "BatchGetItem":
        return 200, {"Responses": {"muster": [item]}, "UnprocessedKeys": {}}, {}
    if operation == "GetItem":
        return 200, {"Item": item}, {}
    if count % 4 == 3:
        return 400, {"__type": "com.amazonaws.dynamodb.v20120810#ValidationException", "message": "no"}, {}
    return 200, {}, {}


@pytest.mark.timeout(240)
def test_a_function_logs_none_of_them(words):
    output = Output(words)
    body = words.body()
    tokens = [words.token(), *words.bad_tokens()]
    shard = json.dumps({"v": 1, "frame": base64.b64encode(json.dumps({"body": body}).encode()).decode(), "connections": ["L0SM9cOFvHcCIhw="]})
    record = lambda_event("fanout")["Records"][0]
    headers = lambda name, value: {"headers": {name: value}, "multiValueHeaders": {name: [value]}, "queryStringParameters": None, "multiValueQueryStringParameters": None}
    connects = [
        changes for token in tokens for changes in (
            {"queryStringParameters": {"token": token}, "multiValueQueryStringParameters": {"token": ["x", token]}}, headers("Authorization", f"Bearer {token}"),
            headers("Sec-WebSocket-Protocol", f"muster.v1, bearer.{token}"))]
    frame = lambda **fields: {"body": json.dumps(fields)}
    invocations = {
        "Connect": [lambda_event("connect", **changes) for changes in connects],
        "Authorizer": [lambda_event("authorizer", **changes) for changes in connects],
        "SendMessage": [lambda_event("send-message-room", **frame(action="sendMessage", roomId="lobby", body=said)) for said in (body, [body], body * 500, body)]
        + [lambda_event("send-message-room", body=body), lambda_event("send-message-room", body=body, isBase64Encoded=True), {"body": body}, [body]],
        "Default": [lambda_event("refresh-token", **frame(action="refreshToken", token=token)) for token in tokens],
        "Publish": [lambda_event("publish", body=said) for said in (body, [body], body * 500, body)] + [body],
        "Fanout": [{"Records": [record | {"body": said}]} for said in (shard, shard[:-3], body)],
        "Cleanup": [{"Records": [{"eventID": body, "dynamodb": {"SequenceNumber": "1", "OldImage": {"body": {"S": body}}}, "eventName": "REMOVE"}]}, body],
    }
    for handler, events in invocations.items():
        with FakeAWS(stored) as aws, Function(
                handler, AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint, AWS_ENDPOINT_URL_SQS=aws.endpoint, WEBSOCKET_ENDPOINT=aws.endpoint + "/live",
                FANOUT_QUEUE_URL=aws.endpoint + "/000000000000/queue", MUSTER_JWT_SECRET=words.secret, MUSTER_LOG_LEVEL="trace") as function:
            answered = [function.invoke(event) for event in events]
            for kind, answer in answered:
                frame_type = json.loads((answer or {}).get("body") or "{}").get("type") if isinstance(answer, dict) and handler != "Authorizer" else None
                if frame_type not in ("message", "history"):
                    output.add(f"{handler}'s {kind}", json.dumps(answer))
            crash(function.process)
            printed = function.end()
            output.add(f"{handler}'s log", printed)
        assert printed or handler == "Fanout", f"{handler} printed nothing"
    output.check()


USAGE = {
    "a flag that there is none of": ["serve", "--jwt-secre", "SECRET"],
    "a secret that is too short": ["serve", "--jwt-secret", "SHORT"],
    "a secret where none belongs": ["serve", "SECRET"],
    "a flag with its value": ["serve", "--jwt-secrets=SECRET"],
    "a token's secret that is too short": ["token", "--user", "u", "--tenant", "t", "--jwt-secret", "SHORT"],
    "a load with a token that is none": ["load", "--rooms", "1", "--members", "1", "--rate", "1", "--duration", "1", "--url", "ws://127.0.0.1:9/", "--token", "SECRET"],
}


@pytest.mark.parametrize("case", USAGE)
def test_a_wrong_command_does_not_repeat_its_secret(words, case, tmp_path):
    short = words.note("a short secret", secrets.token_urlsafe(15))
    done = muster(*[{"SECRET": words.secret, "SHORT": short}.get(word, word) for word in USAGE[case]], MUSTER_DATA=str(tmp_path / "data"), timeout=60)
    assert done.returncode != 0
    output = Output(words)
    output.add(case, done.stdout + done.stderr)
    output.check()


def test_a_setting_that_is_wrong_is_not_repeated_if_it_is_secret(words, tmp_path):
    short = words.note("a short secret", secrets.token_urlsafe(15))
    for variables in [{"MUSTER_JWT_SECRET": short}, {"MUSTER_JWT_SECRET": words.secret, "MUSTER_PORT": "no"}, {"MUSTER_JWT_SECRET": words.secret, "MUSTER_DATA": "/dev/null/x"}]:
        done = muster("serve", **{"MUSTER_DATA": str(tmp_path / "data")} | variables)
        assert done.returncode in (1, 64) and done.stderr
        assert not words.find(done.stdout + done.stderr), variables


@pytest.mark.parametrize("prefix", [("sh", "-c", 'umask 000; exec "$@"', "sh"), ()])
def test_the_data_folder_is_its_owners_alone(servers, mode, prefix):
    """Whatever the umask, and also what SQLite makes beside the database."""
    server = servers(mode, secret=None, prefix=prefix)
    from client import Client

    secret = (server.data / "dev-secret").read_text().strip()
    client = Client(server, "alice", "acme", secret=secret)
    client.join("lobby")
    client.say("lobby", "hello")
    names = {path.name for path in server.data.iterdir()}
    assert {"chat.sqlite", "chat.sqlite-wal", "chat.sqlite-shm", "dev-secret"} <= names
    check_modes(server.data)
    assert secret not in server.log()
    client.close()
    server.kill()
    assert muster("online", "acme", "--data", str(server.data)).returncode == 0
    check_modes(server.data)
    server.start()
    check_modes(server.data)


def test_a_secret_is_not_written_into_a_file_that_was_laid_out_for_it(servers, tmp_path):
    """Somebody who may write to the folder makes the file first, to read it afterwards."""
    server = servers(secret=None, start=False)
    server.data.mkdir(mode=0o777)
    planted = server.data / "dev-secret.new"
    planted.touch(0o666)
    planted.chmod(0o666)
    with planted.open() as kept:
        server.start()
        assert kept.read() == ""
    assert stat.S_IMODE((server.data / "dev-secret").stat().st_mode) == 0o600


def check_modes(folder: Path):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    wrong = {name: oct(mode) for name, mode in modes.items() if mode != (0o700 if name == folder.name else 0o600)}
    assert not wrong


ON_A_COMMAND_LINE = re.compile(r"""--(?:jwt-secret|management-token)(?:=|\s+)["']?[\w$<{]""")
A_TOKEN = re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}")


def examples() -> list[Path]:
    places = [ROOT / "README.md", ROOT / "Makefile", *(ROOT / "deploy").iterdir(), *(ROOT / "schema").glob("*.md"), *(ROOT / ".ci").iterdir()]
    return [path for path in places if path.is_file()]


def test_no_example_has_a_secret_on_a_command_line():
    commands = [[], *([name] for name in ("serve", "token", "online", "load", "echo"))]
    texts = {" ".join(["muster", *command]): muster(*command, "--help").stdout for command in commands}
    texts |= {str(path.relative_to(ROOT)): path.read_text("utf-8", "replace") for path in examples()}
    assert len(texts) > 10 and all(texts.values())
    # The usage of a flag names its value in capitals; that is no value.
    usage = {name: re.sub(r"--([a-z-]+) [A-Z]+\b", r"--\1", text) for name, text in texts.items()}
    found = {name: pattern.findall(text) for name, text in usage.items() for pattern in (ON_A_COMMAND_LINE, A_TOKEN)}
    assert not any(found.values()), found


def test_a_command_line_with_a_secret_would_be_found():
    for line in ["muster serve --jwt-secret abc", "--management-token=$TOKEN", '--jwt-secret "x"']:
        assert ON_A_COMMAND_LINE.search(line), line
    assert not ON_A_COMMAND_LINE.search("`--token` or `--jwt-secret` tests")
    assert A_TOKEN.search(pyjwt.encode({"sub": "alice"}, "s" * 32, "HS256"))
