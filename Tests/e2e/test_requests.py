"""What two readers could read differently is refused, and every limit holds at its bound: both listeners, RFC 9112.

No handler has a part in it, so one server does."""

import socket
import time

import pytest

from server import Server
from tokens import token
from waiting import wait_for

HEAD, TARGET, FIELDS = 16 * 1024, 8 * 1024, 100
PUBLIC_BODY, MANAGEMENT_BODY = 64 * 1024, 128 * 1024
LISTENERS = ["public", "management"]
# Answered with a 200 if the bytes before it are ever read as another request than they are.
NEXT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("requests")) as server:
        yield server


def port(server, listener: str) -> int:
    return server.port if listener == "public" else int(server.management.rpartition(":")[2])


def exchange(server, listener: str, *parts: bytes) -> bytes:
    """Everything the listener answers until it ends the connection."""
    with socket.create_connection(("127.0.0.1", port(server, listener)), 5) as connection:
        connection.settimeout(8)
        answer = b""
        try:
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                answer += chunk
        except (ConnectionResetError, BrokenPipeError):
            assert answer, "reset before an answer"
        return answer


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def post(*fields: str, body: bytes = b"", version: str = "1.1") -> bytes:
    return "\r\n".join([f"POST /healthz HTTP/{version}", "Host: x", *fields]).encode("latin-1") + b"\r\n\r\n" + body


def get(line: str, *fields: str) -> bytes:
    return "\r\n".join([line, *fields]).encode("latin-1") + b"\r\n\r\n"


LINE = "GET / HTTP/1.1"
CHUNKED = "Transfer-Encoding: chunked"
REFUSED = {
    # Two readers, two ends of one body.
    "two lengths": (post("Content-Length: 3", "Content-Length: 4", body=b"abcd"), 400),
    "the same length twice": (post("Content-Length: 3", "Content-Length: 3", body=b"abc"), 400),
    "a list of lengths": (post("Content-Length: 3, 3", body=b"abc"), 400),
    "a length and chunks": (post("Content-Length: 3", CHUNKED, body=b"0\r\n\r\n"), 400),
    "chunks and a length": (post(CHUNKED, "Content-Length: 3", body=b"0\r\n\r\n"), 400),
    "a length with a sign": (post("Content-Length: +3", body=b"abc"), 400),
    "a negative length": (post("Content-Length: -1"), 400),
    "a hexadecimal length": (post("Content-Length: 0x3", body=b"abc"), 400),
    "a length with a blank in it": (post("Content-Length: 1 0", body=b"abcdefghij"), 400),
    "an empty length": (post("Content-Length:"), 400),
    "a length past 64 bits": (post("Content-Length: 18446744073709551619", body=b"abc"), 413),
    "chunked and identity": (post("Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"), 400),
    "identity": (post("Transfer-Encoding: identity", body=b"0\r\n\r\n"), 400),
    "gzip and chunked": (post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 400),
    "chunked twice": (post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"), 400),
    "chunked after a vertical tab": (post("Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), 400),
    "chunked in quotes": (post('Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"), 400),
    "chunked on HTTP/1.0": (post(CHUNKED, body=b"0\r\n\r\n", version="1.0"), 400),
    "a chunk size past 64 bits": (post(CHUNKED, body=b"10000000000000001\r\na\r\n0\r\n\r\n"), 400),
    "a chunk size with a sign": (post(CHUNKED, body=b"+1\r\na\r\n0\r\n\r\n"), 400),
    "a negative chunk size": (post(CHUNKED, body=b"-1\r\na\r\n0\r\n\r\n"), 400),
    "a chunk size with 0x": (post(CHUNKED, body=b"0x1\r\na\r\n0\r\n\r\n"), 400),
    "a chunk size ended by LF": (post(CHUNKED, body=b"1\na\r\n0\r\n\r\n"), 400),
    "a chunk without its CRLF": (post(CHUNKED, body=b"1\r\nab\r\n0\r\n\r\n"), 400),
    "a chunk extension with a CR": (post(CHUNKED, body=b"1;a\rb\r\na\r\n0\r\n\r\n"), 400),
    "a folded trailer": (post(CHUNKED, body=b"0\r\nA: b\r\n c\r\n\r\n"), 400),
    # Two readers, two ends of one field or line.
    "a folded field": (get(LINE, "Host: x", "A: b", " c"), 400),
    "a field folded with a tab": (get(LINE, "Host: x", "A: b", "\tc"), 400),
    "a first field after a blank": (get(LINE, " Host: x"), 400),
    "a blank before the colon": (get(LINE, "Host: x", "Content-Length : 3"), 400),
    "no colon": (get(LINE, "Host: x", "A"), 400),
    "no name": (get(LINE, "Host: x", ": a"), 400),
    "a name with a bracket": (get(LINE, "Host: x", "A(: b"), 400),
    "lines ended by LF": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "a field ended by LF": (b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400),
    "a head ended by LF": (b"GET / HTTP/1.1\r\nHost: x\r\n\n", 400),
    "a CR in a value": (get(LINE, "Host: x", "A: b\rContent-Length: 3"), 400),
    "a NUL in a value": (get(LINE, "Host: x", "A: b\0"), 400),
    "a NUL in a name": (get(LINE, "Host: x", "A\0: b"), 400),
    "a NUL in the target": (get("GET /\0 HTTP/1.1", "Host: x"), 400),
    # Two readers, two targets.
    "a blank in the target": (get("GET /a b HTTP/1.1", "Host: x"), 400),
    "a tab in the target": (get("GET /a\tb HTTP/1.1", "Host: x"), 400),
    "two blanks": (get("GET  / HTTP/1.1", "Host: x"), 400),
    "a tab for a blank": (get("GET\t/ HTTP/1.1", "Host: x"), 400),
    "a blank at the end of the line": (get("GET / HTTP/1.1 ", "Host: x"), 400),
    "the absolute form": (get("GET http://other/ HTTP/1.1", "Host: x"), 400),
    "the authority form": (get("CONNECT other:80 HTTP/1.1", "Host: x"), 400),
    "bytes beyond ASCII in the target": (get("GET /\xe9 HTTP/1.1", "Host: x"), 400),
    "no host": (get(LINE), 400),
    "two hosts": (get(LINE, "Host: x", "Host: x"), 400),
    "two hosts in one": (get(LINE, "Host: x, y"), 400),
    "a host with a user": (get(LINE, "Host: u@x"), 400),
    # Other protocols and versions.
    "HTTP/0.9": (b"GET /\r\n", 400),
    "HTTP/1.2": (get("GET / HTTP/1.2", "Host: x"), 505),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a version of letters": (get("GET / HTTP/1.x", "Host: x"), 400),
    "a version in lower case": (get("GET / http/1.1", "Host: x"), 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("name", REFUSED)
def test_an_ambiguous_request_is_refused_and_ends_the_connection(server, listener, name):
    text, status = REFUSED[name]
    answer = exchange(server, listener, text + NEXT)
    assert statuses(answer) == [status], answer
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("name", ["two lengths", "a length and chunks", "lines ended by LF", "a NUL in a value", "the absolute form"])
def test_it_is_refused_just_so_a_byte_at_a_time(server, name):
    text, status = REFUSED[name]
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for byte in text:
                connection.sendall(bytes([byte]))
        except (ConnectionResetError, BrokenPipeError):
            pass  # It was refused before its end.
        assert connection.recv(65536).startswith(b"HTTP/1.1 %d " % status)


def padded(size: int) -> bytes:
    """A head of this many bytes."""
    bare = get("GET /healthz HTTP/1.1", "Host: x", "Connection: close", "A: ")
    return bare[:-4] + b"v" * (size - len(bare)) + b"\r\n\r\n"


def target(size: int) -> bytes:
    return get(f"GET /healthz?{'q' * (size - 9)} HTTP/1.1", "Host: x", "Connection: close")


def fields(count: int) -> bytes:
    return get("GET /healthz HTTP/1.1", "Host: x", "Connection: close", *(f"A{number}: b" for number in range(count - 2)))


def chunks(*sizes: int) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for size in sizes) + b"0\r\n\r\n"


BOUNDS = {
    "target": (target(TARGET), 200, target(TARGET + 1), 414),
    "head": (padded(HEAD), 200, padded(HEAD + 1), 431),
    "fields": (fields(FIELDS), 200, fields(FIELDS + 1), 431),
    "method": (get(f"{'M' * 32} /healthz HTTP/1.1", "Host: x"), 405, get(f"{'M' * 33} /healthz HTTP/1.1", "Host: x"), 400),
    "trailers": (
        post(CHUNKED, body=b"0\r\n" + b"".join(b"A: b\r\n" for _ in range(FIELDS)) + b"\r\n"), 405,
        post(CHUNKED, body=b"0\r\n" + b"".join(b"A: b\r\n" for _ in range(FIELDS + 1)) + b"\r\n"), 431),
    "chunk line": (
        post(CHUNKED, body=b"1;" + b"e" * 254 + b"\r\na\r\n0\r\n\r\n"), 405,
        post(CHUNKED, body=b"1;" + b"e" * 255 + b"\r\na\r\n0\r\n\r\n"), 400),
}


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("name", BOUNDS)
def test_a_limit_of_the_head_holds_at_its_bound_and_refuses_one_past_it(server, listener, name):
    within, answered, past, refused = BOUNDS[name]
    assert statuses(exchange(server, listener, within)) == [answered]
    assert statuses(exchange(server, listener, past + NEXT)) == [refused]


@pytest.mark.parametrize("listener, limit", [("public", PUBLIC_BODY), ("management", MANAGEMENT_BODY)])
def test_a_body_of_the_limit_is_read_and_a_longer_one_refused_before_it_came(server, listener, limit):
    for body in (post(f"Content-Length: {limit}", body=b"x" * limit), post(CHUNKED, body=chunks(limit - 1000, 1000))):
        assert statuses(exchange(server, listener, body + NEXT)) == [405, 200]
    assert statuses(exchange(server, listener, post(f"Content-Length: {limit + 1}"))) == [413]
    assert statuses(exchange(server, listener, post(CHUNKED, body=b"%x\r\n" % (limit + 1)))) == [413]
    assert statuses(exchange(server, listener, post(CHUNKED, body=chunks(limit)[:-5] + b"1\r\n"))) == [413]
    # Nobody who asks first is told to go on.
    assert statuses(exchange(server, listener, post(f"Content-Length: {limit + 1}", "Expect: 100-continue"))) == [413]


def test_a_line_without_end_is_refused_at_its_limit(server):
    """The answer comes while the client still sends: nothing is kept until a line end that never comes."""
    for start, status in [(b"GET /", 414), (b"GET / HTTP/1.1\r\nHost: x\r\nA: ", 431), (b"G", 414)]:
        with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
            connection.sendall(start + b"a" * 20_000)
            assert connection.recv(65536).startswith(b"HTTP/1.1 %d " % status)


UPGRADE = [
    "Host: x", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]


@pytest.mark.parametrize("framing", ["Content-Length: 6", CHUNKED, "Content-Length: 6\r\nTransfer-Encoding: chunked"])
def test_a_handshake_with_a_body_is_refused(server, tenant, framing):
    """Its bytes would be a body to one reader and frames to another."""
    head = get(f"GET /?token={token('alice', tenant)} HTTP/1.1", *UPGRADE, *framing.split("\r\n"))
    assert statuses(exchange(server, "public", head + b"\x81\x80\0\0\0\0" + NEXT)) == [400]
    assert server.online(tenant)["count"] == 0


def test_a_handshake_that_is_refused_hides_no_request_behind_it(server):
    for head in (get("GET /?token=none HTTP/1.1", *UPGRADE), get("GET / HTTP/1.1", *UPGRADE[:3])):
        assert len(statuses(exchange(server, "public", head + NEXT + NEXT))) == 1


def test_what_comes_before_the_101_is_read_as_frames_and_never_as_a_request(server, tenant):
    head = get(f"GET /?token={token('alice', tenant)} HTTP/1.1", *UPGRADE)
    answer = exchange(server, "public", head + NEXT)
    assert statuses(answer) == [101] and answer.rpartition(b"\r\n\r\n")[2][:4] == b"\x88" + answer.rpartition(b"\r\n\r\n")[2][1:2] + b"\x03\xea"
    wait_for(lambda: server.online(tenant)["count"] == 0)


def test_a_client_that_pipelines_and_never_reads_costs_no_memory(server):
    before = resident(server)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.settimeout(2)
        sent, deadline = 0, time.monotonic() + 10
        try:
            while sent < 64 << 20 and time.monotonic() < deadline:
                sent += connection.send(NEXT * 1000)
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass  # It was cut off, or is not read from any more.
        assert resident(server) - before < 8 << 20, f"{resident(server) - before} bytes more after {sent}"


def test_many_pipelined_requests_are_all_answered_to_whoever_reads(server):
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(NEXT * 3000)
        answer = b""
        while answer.count(b"HTTP/1.1 200 OK") < 3000:
            chunk = connection.recv(1 << 20)
            assert chunk, answer.count(b"HTTP/1.1 200 OK")
            answer += chunk


def resident(server) -> int:
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096
