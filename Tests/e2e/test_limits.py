"""Every limit of README's table that no other test holds at its bound and one past it, on a real server."""

import json
import socket
from contextlib import ExitStack

import pytest
from websockets.exceptions import InvalidStatus

from client import open_socket
from server import Server
from tokens import token
from waiting import wait_for

BODY, ROOMS, DEPTH, TOKEN, ITEMS, SUBPROTOCOLS = 16 * 1024, 100, 32, 8 * 1024, 32, 16
ID, CLIENT_ID, USER = 128, 128, 256


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("limits"), "in-process", "--rate-limit", "0") as server:
        yield server


def send(**fields) -> dict:
    return {"action": "sendMessage", "roomId": "lobby", "body": "hi"} | fields


def nested(depth: int) -> str:
    """A frame whose arrays and objects are so deep, itself counted."""
    return '{"action":"heartbeat","x":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


FRAMES = {
    "body": (send(body="x" * BODY), "ack", send(body="x" * (BODY + 1)), "too_large"),
    "body of two bytes a sign": (send(body="é" * (BODY // 2)), "ack", send(body="é" * (BODY // 2) + "x"), "too_large"),
    "body at its least": (send(body="x"), "ack", send(body=""), "bad_request"),
    "depth": (nested(DEPTH), "heartbeat", nested(DEPTH + 1), "bad_request"),
    "requestId": ({"action": "heartbeat", "requestId": "x" * ID}, "heartbeat", {"action": "heartbeat", "requestId": "x" * (ID + 1)}, "bad_request"),
    "clientMessageId": (send(clientMessageId="x" * CLIENT_ID), "ack", send(clientMessageId="x" * (CLIENT_ID + 1)), "bad_request"),
    "room": ({"action": "leaveRoom", "roomId": "r" * ID}, "left", {"action": "leaveRoom", "roomId": "r" * (ID + 1)}, "bad_request"),
    "user": (send(destinationUserId="u" * USER, roomId=None), "ack", send(destinationUserId="u" * (USER + 1), roomId=None), "bad_request"),
    "history page": (
        {"action": "history", "roomId": "lobby", "limit": 300}, "history", {"action": "history", "roomId": "lobby", "limit": 301}, "bad_request"),
    "online page": ({"action": "online", "limit": 1000}, "online", {"action": "online", "limit": 1001}, "bad_request"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_limit_of_a_frame_holds_at_its_bound_and_refuses_one_past_it(server, tenant, clients, name):
    within, answered, past, refused = FRAMES[name]
    alice = clients(server, "alice", tenant)
    alice.join("lobby")
    assert alice.try_(within)["type"] == answered
    alice.error(refused, past)
    assert alice.try_(within)["type"] == answered, "it closes nothing"


def test_a_connection_is_in_a_hundred_rooms_and_no_more(server, tenant, clients):
    alice = clients(server, "alice", tenant)
    for number in range(ROOMS):
        alice.join(f"room-{number}")
    assert alice.error("limit_exceeded", {"action": "joinRoom", "roomId": "one-more"})["status"] == 429
    alice.join("room-0")
    alice.ask("leaveRoom", roomId="room-1")
    alice.join("one-more")


def status(server, path: str = "/", **options) -> int:
    try:
        open_socket(server, None, path, **options).close()
    except InvalidStatus as error:
        return error.response.status_code
    return 101


def items(jwt: str, count: int) -> str:
    return "/?" + "&".join([*(f"a{number}=b" for number in range(count - 1)), f"token={jwt}"])


def padded(tenant: str, size: int) -> str:
    """A good token of this many bytes."""
    jwt = token("alice", tenant, pad="")
    # Four signs for three bytes, and the last of them for none is left out: every fourth length is none.
    start = max(0, (size - len(jwt)) * 3 // 4 - 4)
    return next(jwt for extra in range(start, size) if len(jwt := token("alice", tenant, pad="x" * extra)) >= size)


def test_a_query_has_so_many_items(server, tenant):
    jwt = token("alice", tenant)
    assert status(server, items(jwt, ITEMS)) == 101
    assert status(server, items(jwt, ITEMS + 1)) == 400


def test_a_client_offers_so_many_subprotocols(server, tenant):
    path = f"/?token={token('alice', tenant)}"
    assert status(server, path, subprotocols=[f"p{number}" for number in range(SUBPROTOCOLS)]) == 101
    assert status(server, path, subprotocols=[f"p{number}" for number in range(SUBPROTOCOLS + 1)]) == 400


def test_a_token_is_so_long(server, tenant):
    assert len(jwt := padded(tenant, TOKEN)) == TOKEN
    assert status(server, additional_headers={"Authorization": f"Bearer {jwt}"}) == 101
    assert len(jwt := padded(tenant, TOKEN + 1)) == TOKEN + 1
    assert status(server, additional_headers={"Authorization": f"Bearer {jwt}"}) == 401


def test_a_target_has_so_many_bytes_its_query_included(server, tenant):
    jwt = token("alice", tenant)
    start = f"/?token={jwt}&x="
    assert status(server, start + "y" * (8 * 1024 - len(start))) == 101
    assert status(server, start + "y" * (8 * 1024 - len(start) + 1)) == 414


def test_an_address_has_so_many_connections(servers, mode):
    server = servers(mode, "--max-connections-per-ip", "3", "--threads", "2")
    with ExitStack() as stack:
        for user in ("alice", "bob", "carol"):
            stack.enter_context(open_socket(server, token(user, "acme")))
        with pytest.raises(InvalidStatus) as caught:
            open_socket(server, token("dan", "acme"))
        assert caught.value.response.status_code == 429
        # Not counted: who was refused, and who does not upgrade.
        assert server.http("/healthz", public=True)[0] == 200
        assert server.online("acme")["count"] == 3
    wait_for(lambda: status(server, f"/?token={token('dan', 'acme')}") == 101)
    # A place is not lost to a client that is refused, or goes without a word.
    for _ in range(10):
        wait_for(lambda: status(server) == 401)
        socket.create_connection(("127.0.0.1", server.port)).close()
    with ExitStack() as stack:
        opened = wait_for(lambda: three(server))
        for each in opened:
            stack.enter_context(each)


def three(server):
    opened = []
    try:
        for user in ("alice", "bob", "carol"):
            opened.append(open_socket(server, token(user, "acme")))
        return opened
    except InvalidStatus:
        for each in opened:
            each.close()
        return None


def test_a_rate_is_given_in_messages_per_second_and_bursts_of_twice_that(servers, mode, clients):
    server = servers(mode, MUSTER_RATE_LIMIT="1")
    alice = clients(server, "alice", "acme")
    for number in range(6):
        alice.send({"action": "heartbeat", "requestId": number})
    replies = [alice.reply() for _ in range(6)]
    assert [reply["type"] for reply in replies[:2]] == ["heartbeat"] * 2
    errors = [reply for reply in replies if reply["type"] == "error"]
    assert len(errors) >= 3 and {error["code"] for error in errors} == {"rate_limited"}


def test_the_security_fields_are_on_what_a_client_sees_first(server):
    for public in (True, False):
        for path in ("/healthz", "/nothing", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd"):
            code, fields, body = server.http(path, public=public)
            assert code == (200 if path == "/healthz" else 404) and b"root:" not in body
            assert fields["X-Content-Type-Options"] == "nosniff" and fields["Referrer-Policy"] == "no-referrer"
            assert fields["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'" and fields["Cache-Control"] == "no-store"
            assert "Server" not in fields
    assert json.loads(server.http("/healthz", public=True)[2]) == {"status": "ok"}
