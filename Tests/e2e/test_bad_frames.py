"""What a client may get wrong: every frame is answered by name, closes nothing and changes nothing. In both modes."""

import json
import os
import struct
import time

import pytest

GOOD = '{"action":"sendMessage","roomId":"lobby","body":"hi"}'


def send(**fields) -> dict:
    return {"action": "sendMessage", "roomId": "lobby", "body": "hi", **fields}


FRAMES = {
    # no JSON object
    "empty": ("", "bad_request"),
    "text": ("hello", "bad_request"),
    "array": ([], "bad_request"),
    "array of a frame": ([send()], "bad_request"),
    "string": ('"joinRoom"', "bad_request"),
    "number": ("42", "bad_request"),
    "null": ("null", "bad_request"),
    "cut off": (GOOD[:-1], "bad_request"),
    "two frames": (GOOD + GOOD, "bad_request"),
    "trailing text": (GOOD + "x", "bad_request"),
    "trailing comma": (GOOD[:-1] + ",}", "bad_request"),
    "single quotes": (GOOD.replace('"', "'"), "bad_request"),
    "NaN": ('{"action":"heartbeat","x":NaN}', "bad_request"),
    "lone surrogate": ('{"action":"sendMessage","roomId":"lobby","body":"\\ud800"}', "bad_request"),
    "raw control character": (GOOD.replace("hi", "h\x01i"), "bad_request"),
    "byte order mark": ("\ufeff" + GOOD, "bad_request"),
    "nested too deep": ('{"action":"heartbeat","x":' + "[" * 5000 + "]" * 5000 + "}", "bad_request"),
    # the action
    "no action": ({"roomId": "lobby"}, "unknown_action"),
    "empty object": ({}, "unknown_action"),
    "action a number": ({"action": 5}, "unknown_action"),
    "action null": ({"action": None}, "unknown_action"),
    "action a list": ({"action": ["joinRoom"]}, "unknown_action"),
    "unknown action": ({"action": "shout"}, "unknown_action"),
    "action in another case": ({"action": "JoinRoom", "roomId": "lobby"}, "unknown_action"),
    "action with a space": ({"action": "joinRoom ", "roomId": "lobby"}, "unknown_action"),
    "route of the gateway": ({"action": "$connect"}, "unknown_action"),
    "disconnect route": ({"action": "$disconnect"}, "unknown_action"),
    "default route": ({"action": "$default"}, "unknown_action"),
    "very long action": ({"action": "a" * 20000}, "unknown_action"),
    # requestId
    "requestId true": ({"action": "heartbeat", "requestId": True}, "bad_request"),
    "requestId a list": ({"action": "heartbeat", "requestId": []}, "bad_request"),
    "requestId an object": ({"action": "heartbeat", "requestId": {}}, "bad_request"),
    "requestId too long": ({"action": "heartbeat", "requestId": "é" * 65}, "bad_request"),
    # joinRoom, leaveRoom
    "join without room": ({"action": "joinRoom"}, "bad_request"),
    "join null": ({"action": "joinRoom", "roomId": None}, "bad_request"),
    "join a number": ({"action": "joinRoom", "roomId": 5}, "bad_request"),
    "join empty": ({"action": "joinRoom", "roomId": ""}, "bad_request"),
    "join too long": ({"action": "joinRoom", "roomId": "r" * 129}, "bad_request"),
    "join with a slash": ({"action": "joinRoom", "roomId": "a/b"}, "bad_request"),
    "join with a hash": ({"action": "joinRoom", "roomId": "a#b"}, "bad_request"),
    "join with a space": ({"action": "joinRoom", "roomId": "a b"}, "bad_request"),
    "join with a newline": ({"action": "joinRoom", "roomId": "lobby\n"}, "bad_request"),
    "join in letters beyond ASCII": ({"action": "joinRoom", "roomId": "lóbby"}, "bad_request"),
    "since negative": ({"action": "joinRoom", "roomId": "new", "since": -1}, "bad_request"),
    "since a fraction": ({"action": "joinRoom", "roomId": "new", "since": 1.5}, "bad_request"),
    "since a string": ({"action": "joinRoom", "roomId": "new", "since": "1"}, "bad_request"),
    "since too big": ({"action": "joinRoom", "roomId": "new", "since": 1 << 63}, "bad_request"),
    "epoch a number": ({"action": "joinRoom", "roomId": "new", "epoch": 1}, "bad_request"),
    "leave without room": ({"action": "leaveRoom"}, "bad_request"),
    "leave malformed": ({"action": "leaveRoom", "roomId": "a b"}, "bad_request"),
    # sendMessage
    "no body": ({"action": "sendMessage", "roomId": "lobby"}, "bad_request"),
    "body null": (send(body=None), "bad_request"),
    "body a number": (send(body=5), "bad_request"),
    "body an object": (send(body={}), "bad_request"),
    "body empty": (send(body=""), "bad_request"),
    "body one byte too long": (send(body="x" * 16385), "too_large"),
    "body too long in bytes, not in characters": (send(body="é" * 8193), "too_large"),
    "room unknown": (send(roomId="elsewhere"), "not_joined"),
    "room malformed": (send(roomId="a b"), "bad_request"),
    "room a number": (send(roomId=5), "bad_request"),
    "room of another tenant": (send(roomId="acme#lobby"), "bad_request"),
    "clientMessageId empty": (send(clientMessageId=""), "bad_request"),
    "clientMessageId too long": (send(clientMessageId="é" * 65), "bad_request"),
    "clientMessageId a number": (send(clientMessageId=1), "bad_request"),
    "destination a number": ({"action": "sendMessage", "destinationUserId": 5, "body": "x"}, "bad_request"),
    "destination empty": ({"action": "sendMessage", "destinationUserId": "", "body": "x"}, "bad_request"),
    "destination too long": ({"action": "sendMessage", "destinationUserId": "é" * 129, "body": "x"}, "bad_request"),
    "destination with a control character": ({"action": "sendMessage", "destinationUserId": "a\x7f", "body": "x"}, "bad_request"),
    "everyone a number": ({"action": "sendMessage", "everyone": 1, "body": "x"}, "bad_request"),
    "everyone without the role": ({"action": "sendMessage", "everyone": True, "body": "x"}, "forbidden"),
    # the others
    "heartbeat rooms a number": ({"action": "heartbeat", "rooms": 1}, "bad_request"),
    "online limit 0": ({"action": "online", "limit": 0}, "bad_request"),
    "online limit over": ({"action": "online", "limit": 1001}, "bad_request"),
    "online limit a string": ({"action": "online", "limit": "5"}, "bad_request"),
    "online next made up": ({"action": "online", "next": "!"}, "bad_request"),
    "online next a number": ({"action": "online", "next": 5}, "bad_request"),
    "online in a room not joined": ({"action": "online", "roomId": "elsewhere"}, "not_joined"),
    "history of nothing": ({"action": "history"}, "bad_request"),
    "history of both": ({"action": "history", "roomId": "lobby", "destinationUserId": "bob"}, "bad_request"),
    "history both ways": ({"action": "history", "roomId": "lobby", "before": 5, "after": 1}, "bad_request"),
    "history before 0": ({"action": "history", "roomId": "lobby", "before": 0}, "bad_request"),
    "history after -1": ({"action": "history", "roomId": "lobby", "after": -1}, "bad_request"),
    "history limit 0": ({"action": "history", "roomId": "lobby", "limit": 0}, "bad_request"),
    "history limit over": ({"action": "history", "roomId": "lobby", "limit": 301}, "bad_request"),
    "history limit a fraction": ({"action": "history", "roomId": "lobby", "limit": 1.5}, "bad_request"),
    "history of a room not joined": ({"action": "history", "roomId": "elsewhere"}, "not_joined"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_bad_frame_is_answered_and_changes_nothing(enter, server, tenant, name):
    frame, code = FRAMES[name]
    bob, alice = enter("bob"), enter("alice")
    bob.join("lobby"), alice.join("lobby")
    bob.event("presence", userId="alice")
    before = alice.ask("history", roomId="lobby"), alice.ask("heartbeat", rooms=True)["rooms"], server.online(tenant)["count"]
    error = alice.error(code, frame)
    action = frame.get("action") if isinstance(frame, dict) else None
    assert "action" not in error or error["action"] == action
    after = alice.ask("history", roomId="lobby"), alice.ask("heartbeat", rooms=True)["rooms"], server.online(tenant)["count"]
    assert before == after
    # The connection is as good as before, and nothing reached the other member.
    assert alice.say("lobby", "fine")["seq"] == 1
    bob.message(seq=1, body="fine")


def header(opcode: int, length: int, final: bool = True) -> bytes:
    """A masked frame's header and mask."""
    first = opcode | (0x80 if final else 0)
    if length < 126:
        size = struct.pack("!BB", first, 0x80 | length)
    elif length < 65536:
        size = struct.pack("!BBH", first, 0x80 | 126, length)
    else:
        size = struct.pack("!BBQ", first, 0x80 | 127, length)
    return size + bytes(4)


PROTOCOL_FAULTS = {
    "frame over 32 KB": (header(1, 32 * 1024 + 1) + b"x" * (32 * 1024 + 1), 1009),
    "frame over 32 KB, header only": (header(1, 32 * 1024 + 1), 1009),
    "frame of 2^62 bytes, header only": (header(1, 1 << 62), 1009),
    "message over 128 KB in fragments": (
        header(1, 32768, False) + b"x" * 32768 + (header(0, 32768, False) + b"x" * 32768) * 3 + header(0, 1) + b"x", 1009),
    "binary": (header(2, 3) + b"{}\n", 1003),
    "invalid UTF-8": (header(1, 3) + b"a\xffb", 1007),
    "UTF-8 cut off": (header(1, 2) + b"a\xc3", 1007),
    "a surrogate in UTF-8": (header(1, 3) + b"\xed\xa0\x80", 1007),
    "unmasked": (b"\x81\x02{}", 1002),
    "a reserved bit": (b"\xc1\x80" + bytes(4), 1002),
    "a reserved opcode": (header(3, 0), 1002),
    "a continuation of nothing": (header(0, 1) + b"x", 1002),
    "text within text": (header(1, 1, False) + b"x" + header(1, 1) + b"x", 1002),
    "a fragmented ping": (header(9, 0, False), 1002),
    "a ping of 126 bytes": (header(9, 126) + b"x" * 126, 1002),
    "a close frame of 1 byte": (header(8, 1) + b"x", 1002),
    "close code 1005": (header(8, 2) + struct.pack("!H", 1005), 1002),
    "a close reason not UTF-8": (header(8, 3) + struct.pack("!H", 1000) + b"\xff", 1007),
}


@pytest.mark.parametrize("name", PROTOCOL_FAULTS)
def test_a_protocol_fault_gets_its_close_frame(enter, name):
    raw, code = PROTOCOL_FAULTS[name]
    bob, alice = enter("bob"), enter("alice")
    bob.join("lobby"), alice.join("lobby")
    bob.event("presence", userId="alice")
    before = time.monotonic()
    alice.socket.socket.sendall(raw)
    assert alice.closed() == code
    assert time.monotonic() - before < 5
    bob.event("presence", event="leave", userId="alice", reason="disconnected")
    assert bob.bodies(roomId="lobby") == []


def test_the_largest_frames_are_taken(enter):
    alice = enter("alice")
    alice.join("lobby")
    frame = json.dumps(send())
    alice.send(frame[:-1] + " " * (32 * 1024 - len(frame)) + "}")
    assert alice.reply()["seq"] == 1
    # 128 KB in four fragments.
    alice.socket.socket.sendall(
        header(1, 32768, False) + (frame[:-1] + " " * (32769 - len(frame))).encode()
        + (header(0, 32768, False) + b" " * 32768) * 2 + header(0, 32768) + b" " * 32767 + b"}")
    assert alice.reply()["seq"] == 2


def test_a_flood_is_limited_by_name_and_kept_apart_from_others(enter):
    alice, bob = enter("alice"), enter("bob")
    bob.join("lobby"), alice.join("lobby")
    bob.event("presence", userId="alice")
    for number in range(80):
        alice.send(send(body=f"{number}", requestId=number))
    replies = [alice.reply() for _ in range(80)]
    acks = [reply for reply in replies if reply["type"] == "ack"]
    errors = [reply for reply in replies if reply["type"] == "error"]
    assert len(acks) + len(errors) == 80 and 39 <= len(acks) <= 60
    assert {(error["code"], error["status"], error["action"]) for error in errors} == {("rate_limited", 429, "sendMessage")}
    assert [ack["seq"] for ack in acks] == list(range(1, len(acks) + 1))
    assert sorted(reply["requestId"] for reply in replies) == list(range(80))
    assert [frame["body"] for frame in bob.collect(len(acks))] == [f"{ack['requestId']}" for ack in acks]
    assert bob.say("lobby", "I may")["seq"] == len(acks) + 1
    alice.message(body="I may")


def test_a_ping_is_answered_with_its_payload_and_is_not_counted(enter):
    alice = enter("alice")
    for number in range(100):
        alice.socket.ping(os.urandom(100) + bytes([number])).wait(5)
    assert alice.ask("heartbeat")["type"] == "heartbeat"
