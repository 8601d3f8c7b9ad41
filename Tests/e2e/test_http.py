"""Both listeners over HTTP, and boto3's own client against the management listener. Contract section 5 in both modes."""

import json
import socket
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from client import open_socket
from tokens import token
from validate import check, validate_server_frame
from waiting import wait_for

UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}


def test_healthz_is_on_both_listeners(server):
    for public in (True, False):
        for method in ("GET", "HEAD"):
            assert server.http("/healthz", method, public=public)[0] == 200
        assert server.http("/healthz", "POST", b"", public=public)[0] == 405


@pytest.mark.parametrize("path", ["/nothing", "/healthz/", "/metrics", "/local/@connections/x", "/tenants/acme/online", "/..//etc/passwd"])
def test_the_public_listener_answers_404_to_anything_else(server, path):
    assert server.http(path, public=True)[0] == 404


@pytest.mark.parametrize("path", ["/nothing", "/tenants", "/tenants/acme", "/tenants/acme/else", "/local/@connectionz/x", "/x/y/@connections/z"])
def test_the_management_listener_answers_404_to_anything_else(server, path):
    assert server.http(path)[0] == 404


def raw(server, text: bytes) -> bytes:
    """The whole answer to bytes sent to the public listener."""
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(text)
        connection.settimeout(7)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if b"\r\n\r\n" in answer and b"101 " not in answer[:20]:
                connection.shutdown(socket.SHUT_WR)
        return answer


def request(**changes) -> bytes:
    fields = {"Host": "x", **UPGRADE, **{name.replace("_", "-"): value for name, value in changes.items()}}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return ("GET /?token=x HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@pytest.mark.parametrize("version", ["8", "0", "14", "x", None])
def test_another_websocket_version_is_told_which_is_spoken(server, version):
    answer = raw(server, request(Sec_WebSocket_Version=version))
    assert answer.startswith(b"HTTP/1.1 426 ") and b"sec-websocket-version: 13\r\n" in answer.lower()


MALFORMED = {
    "no HTTP": b"hello\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a folded field": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "a NUL in a field": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "both lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a short key": request(Sec_WebSocket_Key="c2hvcnQ="),
    "no key": request(Sec_WebSocket_Key=None),
    "a broken escape": request().replace(b"token=x", b"token=%zz"),
    "fields without end": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"b" * 100_000,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_refused_before_authentication(server, name):
    answer = raw(server, MALFORMED[name])
    assert answer == b"" or answer.split(b" ", 2)[1] in (b"400", b"426", b"431", b"505"), answer[:200]
    assert server.http("/healthz", public=True)[0] == 200


def test_an_upgrade_needs_a_token_on_every_path(server):
    for path in ["/", "/ws", "/healthz", "/local/@connections/x"]:
        with pytest.raises(Exception, match="401"):
            open_socket(server, None, path)


def test_online_over_http_is_what_the_command_prints(server, enter, tenant):
    alice, _ = enter("alice"), enter("bob")
    alice.join("lobby")
    report = check("online-report.json", server.online(tenant))
    assert [user["userId"] for user in report["users"]] == ["alice", "bob"] and report["tenantId"] == tenant
    assert server.online(tenant, "lobby")["count"] == 1 and server.online(tenant, "den")["count"] == 0
    assert server.online("nobody-there") == {"tenantId": "nobody-there", "count": 0, "users": []}
    for path, status in [("/tenants/a%20b/online", 400), ("/tenants//online", 400), (f"/tenants/{tenant}/online?room=a%20b", 400)]:
        code, _, body = server.http(path)
        assert code == status and validate_server_frame(body)["code"] == "bad_request"
    assert server.http(f"/tenants/{tenant}/online", "DELETE")[0] == 405
    assert server.http(f"/tenants/{tenant}/messages")[0] == 405


def test_a_backend_speaks_to_a_room_a_user_and_everyone(server, enter, tenant):
    alice, bob = enter("alice"), enter("bob")
    alice.join("lobby")
    status, ack = server.publish(tenant, roomId="lobby", senderId="bot", body="to the room", clientMessageId="c")
    assert status == 200 and (ack["type"], ack["roomId"], ack["seq"]) == ("ack", "lobby", 1)
    alice.message(roomId="lobby", senderId="bot", body="to the room", seq=1, messageId=ack["messageId"])
    assert server.publish(tenant, roomId="lobby", senderId="bot", body="x", clientMessageId="c") == (200, {**ack, "duplicate": True})
    status, ack = server.publish(tenant, tenantId=tenant, destinationUserId="bob", senderId="bot", body="to bob")
    assert (status, ack["delivered"], ack["seq"]) == (200, 1, 1)
    bob.message(destinationUserId="bob", senderId="bot", body="to bob")
    status, ack = server.publish(tenant, everyone=True, senderId="bot", body="to all")
    assert status == 200 and "seq" not in ack
    alice.message(everyone=True, body="to all"), bob.message(everyone=True, body="to all")
    assert alice.bodies(roomId="lobby") == ["to the room"] and bob.bodies(destinationUserId="bot") == ["to bob"]


BAD_EVENTS = {
    "no addressee": {"roomId": None}, "two addressees": {"destinationUserId": "bob"}, "no sender": {"senderId": None},
    "sender a number": {"senderId": 5}, "no body": {"body": None}, "body empty": {"body": ""}, "body a list": {"body": []},
    "room malformed": {"roomId": "a b"}, "another tenant": {"tenantId": "other"}, "tenant malformed": {"tenantId": "a b"},
    "clientMessageId empty": {"clientMessageId": ""}, "everyone a word": {"everyone": "yes"}, "body too large": {"body": "x" * 16385},
}


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_a_bad_event_of_a_backend_is_refused_and_changes_nothing(server, enter, tenant, name):
    alice = enter("alice")
    alice.join("lobby")
    status, error = server.publish(tenant, **{"roomId": "lobby", "senderId": "bot", "body": "hi"} | BAD_EVENTS[name])
    expected = ("too_large", 413) if name == "body too large" else ("bad_request", 400)
    assert (error["code"], error["status"], status) == (*expected, expected[1])
    validate_server_frame(json.dumps(error))
    assert alice.bodies(roomId="lobby") == []
    assert alice.say("lobby", "first")["seq"] == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"null"])
def test_a_backends_event_that_is_no_object_is_refused(server, tenant, body):
    status, _, answer = server.http(f"/tenants/{tenant}/messages", "POST", body)
    assert status == 400 and validate_server_frame(answer)["code"] == "bad_request"


def management(server, stage: str = "local"):
    return boto3.client(
        "apigatewaymanagementapi", endpoint_url=f"{server.management}/{stage}", region_name="local",
        aws_access_key_id="any", aws_secret_access_key="any", config=Config(retries={"max_attempts": 1}, proxies={}))


def code_of(call, **arguments) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_boto3_posts_describes_and_deletes(server, enter):
    alice, api = enter("alice"), management(server)
    id = alice.id
    assert len(id) == 16 and id.endswith("=")
    frame = {"type": "presence", "event": "join", "roomId": "lobby", "userId": "é", "version": 1, "at": "2026-11-21T13:37:20.123Z"}
    api.post_to_connection(ConnectionId=id, Data=json.dumps(frame).encode())
    assert alice.event("presence") == frame
    info = api.get_connection(ConnectionId=id)
    assert info["ConnectedAt"] <= info["LastActiveAt"] and info["Identity"]["SourceIp"] == "127.0.0.1"
    assert "websockets" in info["Identity"]["UserAgent"]
    api.delete_connection(ConnectionId=id)
    assert alice.closed() == 1000
    for call, more in [(api.post_to_connection, {"Data": b"{}"}), (api.get_connection, {}), (api.delete_connection, {})]:
        assert code_of(call, ConnectionId=id, **more) == "GoneException"


def test_boto3_knows_every_error_by_its_name(server, enter, tenant):
    alice, api = enter("alice"), management(server)
    id = alice.id
    with pytest.raises(api.exceptions.PayloadTooLargeException):
        api.post_to_connection(ConnectionId=id, Data=b"x" * (128 * 1024 + 1))
    with pytest.raises(api.exceptions.GoneException):
        api.post_to_connection(ConnectionId="AAAAAAAAAAAAAAA=", Data=b"{}")
    for stage in ("prod", "LOCAL"):
        other = management(server, stage)
        for call, more in [(other.post_to_connection, {"Data": b"{}"}), (other.get_connection, {}), (other.delete_connection, {})]:
            assert "Forbidden" in code_of(call, ConnectionId=id, **more)
    assert alice.ask("heartbeat")["connectionId"] == id
    assert server.online(tenant)["count"] == 1


def test_the_largest_post_arrives_whole(server, enter, tenant):
    alice = enter("alice")
    with open_socket(server, None, additional_headers={"Authorization": f"Bearer {token('bob', tenant)}"}) as bob:
        bob.send('{"action":"heartbeat"}')
        id = validate_server_frame(bob.recv(5))["connectionId"]
        data = json.dumps({"x": "y" * (128 * 1024 - 9)}).encode()
        assert len(data) == 128 * 1024
        management(server).post_to_connection(ConnectionId=id, Data=data)
        assert bob.recv(5).encode() == data
    assert alice.ask("heartbeat")["type"] == "heartbeat"


@pytest.mark.parametrize("code, closed", [("", 1000), ("?code=1001", 1001), ("?code=4401", 4401), ("?code=4403", 4403)])
def test_a_connection_is_deleted_with_a_code(server, enter, tenant, code, closed):
    bob, alice = enter("bob"), enter("alice")
    bob.join("lobby"), alice.join("lobby")
    bob.event("presence", userId="alice")
    assert server.http(f"/local/@connections/{quote(alice.id)}?code=5", "DELETE")[0] == 400
    assert server.http(f"/@connections/{quote(alice.id)}{code}", "DELETE")[0] == 204
    assert alice.closed() == closed
    bob.event("presence", event="leave", userId="alice")
    wait_for(lambda: server.online(tenant)["count"] == 1)


def test_the_management_listener_off_loopback_wants_its_token(servers, mode, clients):
    server = servers(mode, "--management", "0.0.0.0:0", "--management-token", "open-sesame-and-close-it")
    right = {"Authorization": "Bearer open-sesame-and-close-it"}
    alice, bob = clients(server, "alice", "acme"), clients(server, "bob", "acme")
    alice.join("lobby"), bob.join("lobby"), alice.event("presence", userId="bob")
    path = f"/local/@connections/{quote(alice.id)}"
    for headers in [{}, {"Authorization": "Bearer open-sesame-and-close-i"}, {"Authorization": "Bearer open-sesame-and-close-It"}, {"Authorization": "open-sesame-and-close-it"}]:
        for method, target in [("GET", path), ("DELETE", path), ("POST", path), ("GET", "/tenants/acme/online"), ("POST", "/tenants/acme/messages")]:
            assert server.http(target, method, b"{}" if method == "POST" else None, headers=headers)[0] == 401
    assert server.http("/healthz")[0] == 200
    assert server.http(path, headers=right)[0] == 200
    # The handlers know the token too, wherever they run.
    bob.say("lobby", "hi")
    alice.message(body="hi")


def test_compression_is_refused_and_the_connection_made_without(server, tenant):
    with open_socket(server, token("alice", tenant), compression="deflate") as socket:
        assert "Sec-WebSocket-Extensions" not in socket.response.headers
        socket.send('{"action":"heartbeat"}')
        assert validate_server_frame(socket.recv(5))["type"] == "heartbeat"
