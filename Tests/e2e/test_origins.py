"""Pages: which may connect, and what they cannot do to the listeners of this machine. Contract sections 1, 2 and 5."""

import socket

import pytest
from websockets.exceptions import InvalidStatus

from client import open_socket
from server import Server, muster
from test_commands import one_line
from tokens import token

ORIGINS = "https://chat.example, https://*.example.com,http://localhost:3000"
ALLOWED = ["https://chat.example", "https://a.example.com", "https://a.b-c.example.com", "http://localhost:3000"]
REFUSED = [
    None, "https://example.com", "https://evil-example.com", "https://a.example.com.evil.org", "https://x@a.example.com", "http://a.example.com",
    "https://a.example.com:8443", "https://.example.com", "https://A.example.com", "null", "", "https://chat.example/", "http://localhost",
    "https://evil.org/.example.com"]


def status(server, origin: str | None, jwt: str | None) -> int:
    try:
        open_socket(server, jwt, **({} if origin is None else {"additional_headers": {"Origin": origin}})).close()
    except InvalidStatus as error:
        return error.response.status_code
    return 101


def test_pages_of_listed_origins_come_in_and_no_others(servers, mode):
    server, jwt = servers(mode, "--allowed-origins", ORIGINS), token("alice", "acme")
    assert {origin: status(server, origin, jwt) for origin in ALLOWED} == dict.fromkeys(ALLOWED, 101)
    assert {origin: status(server, origin, jwt) for origin in REFUSED} == dict.fromkeys(REFUSED, 403)
    # Who is from elsewhere is not told whether the token was good.
    assert (status(server, "https://evil.example", None), status(server, ALLOWED[0], None)) == (403, 401)
    log = server.log()
    assert "origin not allowed" in log and "evil-example" not in log


def test_without_a_list_every_page_may_connect(server, tenant):
    for origin in (None, "null", "https://anywhere.example"):
        assert status(server, origin, token("alice", tenant)) == 101


@pytest.mark.parametrize("entry", ["*", "https://*", "https://*.*.example.com", "https://example.com/", "chat.example.com", "https://Example.com", ","])
def test_an_entry_that_matches_nothing_is_refused_at_the_start(entry, tmp_path):
    line = one_line(muster("serve", "--allowed-origins", f"https://chat.example,{entry}" if entry != "," else entry, "--data", str(tmp_path / "d")), 64)
    assert line.startswith("muster: --allowed-origins ") and "allow all" in line
    assert not (tmp_path / "d").exists()


def request(server, *fields: str, method="POST", path="/tenants/acme/messages", body='{"everyone":true,"senderId":"x","body":"hi"}') -> int:
    """The status of a raw request to the management listener."""
    port = int(server.management.rpartition(":")[2])
    head = [f"{method} {path} HTTP/1.1", "Connection: close", f"Content-Length: {len(body)}", *(field.replace("PORT", str(port)) for field in fields)]
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(("\r\n".join(head) + "\r\n\r\n" + body).encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_a_page_in_a_browser_of_this_machine_cannot_speak_through_the_management_listener(server):
    assert request(server, "Host: 127.0.0.1:PORT") == request(server, "Host: localhost:PORT") == request(server, "Host: [::1]:PORT") == 200
    assert request(server, "Host: localhost:PORT", "Origin: http://localhost:PORT") == 200
    for host in ("evil.example:PORT", "127.0.0.1.evil.example", "127.evil.example", "0.0.0.0:PORT"):
        assert request(server, f"Host: {host}") == 403
    for origin in ("https://evil.example", "null", "http://localhost:1", "http://127.0.0.1:PORT"):
        assert request(server, "Host: localhost:PORT", f"Origin: {origin}") == 403
    assert request(server, "Host: evil.example", "Origin: http://evil.example", method="DELETE", path="/local/@connections/x") == 403


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "0:0", "[::ffff:0.0.0.0]:0"])
def test_a_management_listener_that_others_reach_wants_a_token(address, tmp_path):
    line = one_line(muster("serve", "--port", "0", "--management", address, "--data", str(tmp_path / "d")), 64)
    assert line.startswith("muster: --management ") and "--management-token" in line and "127.0.0.1" in line
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("address", ["[]:0", ":0", "127.0.0.1", "127.evil.invalid:0"])
def test_a_management_address_that_is_none_is_refused(address, tmp_path):
    result = muster("serve", "--port", "0", "--management", address, "--data", str(tmp_path / "d"), timeout=30)
    one_line(result, 1 if "invalid" in address else 64)


@pytest.mark.parametrize("address", ["localhost:0", "127.0.0.5:0", "[::1]:0", "[::ffff:127.0.0.1]:0"])
@pytest.mark.parametrize("mode", ["in-process", "children"])
def test_any_loopback_address_manages_without_one(servers, clients, mode, address):
    server = servers(mode, "--management", address, start=False)
    server.launch()
    line = server.process.stdout.readline().decode()
    assert line.startswith("muster: listening on ws://127.0.0.1:"), server.log()
    server.url = line.split()[3]
    alice, bob = clients(server, "alice", "acme"), clients(server, "bob", "acme")
    alice.join("lobby"), bob.join("lobby"), alice.event("presence")
    bob.say("lobby", "hi")
    alice.message(body="hi")


@pytest.mark.parametrize("value", ["x" * 1025, "a token with blanks", "sixteen-bytes-é", "line\nbreak-in-a-token"])
def test_a_management_token_that_nobody_can_send_is_refused(value, tmp_path):
    for given in (["--management-token", value], []):
        line = one_line(muster("serve", *given, "--data", str(tmp_path / "d"), **({} if given else {"MUSTER_MANAGEMENT_TOKEN": value})), 64)
        assert value not in line and ("--management-token" if given else "MUSTER_MANAGEMENT_TOKEN") in line


@pytest.mark.parametrize("token,warns", [("x" * 15, True), ("x" * 16, False)])
def test_a_management_token_that_is_easy_to_guess_is_warned_of(servers, token, warns):
    server = servers("in-process", MUSTER_MANAGEMENT_TOKEN=token)
    assert ("the management token is easy to guess" in server.log()) == warns
    assert token not in server.log()
