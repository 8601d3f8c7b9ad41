"""The schemas themselves: valid, true to the contract's examples, and strict."""

import copy
import json

import pytest
from jsonschema import Draft202012Validator

from validate import FRAMES, FrameError, check, schemas, validate_client_frame, validate_server_frame

AT = "2026-11-21T13:37:20.123Z"
ID = "01M7Z56RM08M3V7T2R9W6X0YZB"
CONNECTION = "L0SM9cOFvHcCIhw="

MESSAGE = {"type": "message", "roomId": "lobby", "messageId": ID, "seq": 42, "senderId": "alice", "body": "hi", "sentAt": AT}
DIRECT = {**{k: v for k, v in MESSAGE.items() if k != "roomId"}, "destinationUserId": "béa"}
EVERYONE = {"type": "message", "everyone": True, "messageId": ID, "senderId": "ops", "body": "hi", "sentAt": AT}
JOIN = {"type": "presence", "event": "join", "roomId": "lobby", "userId": "alice", "version": 7, "at": AT}
LEAVE = {**JOIN, "event": "leave", "version": 8, "reason": "disconnected"}
JOINED = {
    "type": "joined", "requestId": "r-1", "roomId": "lobby", "connectionId": CONNECTION, "seq": 42, "epoch": "1y2p0ij32e8e7",
    "memberCount": 1, "members": [{"userId": "alice", "joinedAt": AT, "version": 7}],
}
RECOVERED = {**JOINED, "missed": [MESSAGE], "recovered": True}
LARGE = {**JOINED, "memberCount": 1001, "presence": False}
LEFT = {"type": "left", "roomId": "lobby", "requestId": 12345678901234567890}
ACK = {"type": "ack", "roomId": "lobby", "messageId": ID, "seq": 42, "sentAt": AT}
DUPLICATE = {**ACK, "duplicate": True}
DIRECT_ACK = {"type": "ack", "destinationUserId": "béa", "messageId": ID, "seq": 1, "sentAt": AT, "delivered": 0}
EVERYONE_ACK = {"type": "ack", "messageId": ID, "sentAt": AT, "requestId": 1.50}
BEAT = {"type": "heartbeat", "connectionId": CONNECTION, "at": AT, "expiresAt": AT, "interval": 300, "reconnectBy": AT}
BEAT_ROOMS = {**BEAT, "rooms": {"lobby": 42, "new": 0}}
REFRESHED = {"type": "refreshed", "expiresAt": AT}
ONLINE = {"type": "online", "users": [{"userId": "alice", "connections": 2, "lastSeen": AT}], "count": 1, "next": "YWxpY2U"}
HISTORY = {"type": "history", "roomId": "lobby", "messages": [MESSAGE], "more": False}
DIRECT_HISTORY = {"type": "history", "destinationUserId": "béa", "messages": [DIRECT], "more": True}
ERROR = {"type": "error", "code": "not_joined", "status": 403, "message": "join the room first", "action": "sendMessage", "requestId": "r"}
GATEWAY_ERROR = {"message": "Internal server error", "connectionId": CONNECTION, "requestId": "UyHsgGvGliAEPmg="}

SERVER = [
    MESSAGE, DIRECT, EVERYONE, JOIN, LEAVE, JOINED, RECOVERED, LARGE, LEFT, ACK, DUPLICATE, DIRECT_ACK, EVERYONE_ACK,
    BEAT, BEAT_ROOMS, REFRESHED, ONLINE, HISTORY, DIRECT_HISTORY, ERROR, GATEWAY_ERROR,
]

CLIENT = [
    {"action": "joinRoom", "roomId": "lobby"},
    {"action": "joinRoom", "roomId": "a.b_c:d@e-f", "since": 0, "epoch": "x", "requestId": 7, "unknown": [1]},
    {"action": "joinRoom", "roomId": "lobby", "since": None, "epoch": None, "requestId": None},
    {"action": "leaveRoom", "roomId": "lobby"},
    {"action": "sendMessage", "body": "hi"},
    {"action": "sendMessage", "roomId": "lobby", "body": "é" * 8192, "clientMessageId": "c"},
    {"action": "sendMessage", "destinationUserId": "béa", "body": "hi", "everyone": False, "roomId": None},
    {"action": "sendMessage", "everyone": True, "body": "hi"},
    {"action": "heartbeat"},
    {"action": "heartbeat", "rooms": True},
    {"action": "refreshToken", "token": "a.b.c"},
    {"action": "online"},
    {"action": "online", "roomId": "lobby", "limit": 1000, "next": "YWxpY2U"},
    {"action": "history", "roomId": "lobby", "before": 1, "limit": 300},
    {"action": "history", "destinationUserId": "béa", "after": 0, "before": None},
]

WITHOUT = object()

WRONG_SERVER = [
    (MESSAGE, {"seq": 0}), (MESSAGE, {"seq": "42"}), (MESSAGE, {"seq": WITHOUT}), (MESSAGE, {"body": ""}),
    (MESSAGE, {"body": "é" * 8193}), (MESSAGE, {"roomId": "a/b"}), (MESSAGE, {"roomId": "a\n"}),
    (MESSAGE, {"roomId": "r" * 129}), (MESSAGE, {"messageId": ID.lower()}), (MESSAGE, {"messageId": "8" + ID[1:]}),
    (MESSAGE, {"sentAt": "2026-11-21T13:37:20Z"}), (MESSAGE, {"sentAt": "2026-13-21T13:37:20.123Z"}),
    (MESSAGE, {"destinationUserId": "béa"}), (MESSAGE, {"tenantId": "acme"}), (MESSAGE, {"senderId": "a\u0085"}),
    (MESSAGE, {"senderId": "é" * 129}), (EVERYONE, {"seq": 1}), (EVERYONE, {"everyone": False}),
    (JOIN, {"reason": "left"}), (LEAVE, {"reason": WITHOUT}), (LEAVE, {"reason": "kicked"}), (JOIN, {"version": 0}),
    (JOINED, {"presence": False}), (LARGE, {"presence": WITHOUT}), (LARGE, {"presence": True}),
    (RECOVERED, {"missed": WITHOUT}), (RECOVERED, {"recovered": WITHOUT}), (RECOVERED, {"missed": [DIRECT]}),
    (RECOVERED, {"missed": [MESSAGE] * 301}), (JOINED, {"members": JOINED["members"] * 201}), (JOINED, {"epoch": "A-1"}),
    (LEFT, {"requestId": None}), (LEFT, {"requestId": "é" * 65}), (LEFT, {"extra": 1}),
    (ACK, {"seq": WITHOUT}), (ACK, {"duplicate": False}), (ACK, {"delivered": 1}), (DIRECT_ACK, {"delivered": WITHOUT}),
    (EVERYONE_ACK, {"duplicate": True}), (BEAT, {"interval": 0}), (BEAT_ROOMS, {"rooms": {"a b": 1}}),
    (BEAT_ROOMS, {"rooms": {"lobby": -1}}), (BEAT_ROOMS, {"rooms": {f"r{n}": 1 for n in range(101)}}),
    (REFRESHED, {"expiresAt": 1795268240}), (ONLINE, {"next": ""}), (ONLINE, {"next": "a+b"}),
    (ONLINE, {"users": [{"userId": "a", "connections": 0, "lastSeen": AT}]}),
    (HISTORY, {"messages": [DIRECT]}), (DIRECT_HISTORY, {"messages": [MESSAGE]}), (HISTORY, {"more": WITHOUT}),
    (HISTORY, {"messages": [EVERYONE]}), (ERROR, {"status": 404}), (ERROR, {"code": "teapot"}), (ERROR, {"message": ""}),
    (GATEWAY_ERROR, {"message": "internal"}), (GATEWAY_ERROR, {"requestId": WITHOUT}), (MESSAGE, {"type": "shout"}),
    (MESSAGE, {"type": WITHOUT}), (MESSAGE, {"type": 5}),
]

WRONG_CLIENT = [
    {"action": "joinRoom"}, {"action": "joinRoom", "roomId": None}, {"action": "joinRoom", "roomId": 5},
    {"action": "joinRoom", "roomId": "lobby", "since": -1}, {"action": "joinRoom", "roomId": "lobby", "since": 1.5},
    {"action": "joinRoom", "roomId": "lobby", "requestId": True}, {"action": "leaveRoom", "roomId": ""},
    {"action": "sendMessage", "roomId": "a"}, {"action": "sendMessage", "roomId": "a", "body": ""},
    {"action": "sendMessage", "roomId": "a", "destinationUserId": "b", "body": "x"},
    {"action": "sendMessage", "roomId": "a", "everyone": True, "body": "x"},
    {"action": "sendMessage", "body": "x", "clientMessageId": ""},
    {"action": "sendMessage", "body": "x", "clientMessageId": "é" * 65},
    {"action": "heartbeat", "rooms": 1}, {"action": "refreshToken"}, {"action": "online", "limit": 0},
    {"action": "online", "limit": 1001}, {"action": "history"}, {"action": "history", "roomId": "a", "limit": 301},
    {"action": "history", "roomId": "a", "before": 0}, {"action": "history", "roomId": "a", "before": 5, "after": 1},
    {"action": "history", "roomId": "a", "destinationUserId": "b"}, {"action": "shout"}, {},
]

EVENTS = FRAMES.parent / "events"

PUBLISH = {"tenantId": "acme", "roomId": "lobby", "senderId": "bot", "body": "hi", "clientMessageId": "c"}
REPORT = {"tenantId": "acme", "count": 1, "users": ONLINE["users"]}
KICKED = {"tenantId": "acme", "userId": "béa", "connections": 0, "refusedUntil": AT}


def written(frame):
    return json.dumps(frame, ensure_ascii=False)


def changed(frame, changes):
    frame = copy.deepcopy(frame)
    for name, value in changes.items():
        if value is WITHOUT:
            del frame[name]
        else:
            frame[name] = value
    return frame


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_schema_is_valid_draft_2020_12(name):
    schema = schemas()[name]
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("frame", SERVER, ids=lambda frame: frame.get("type", "gateway"))
def test_a_server_frame_of_the_contract_passes(frame):
    assert validate_server_frame(written(frame)) == frame
    check("server.json", frame)


@pytest.mark.parametrize("frame", CLIENT, ids=lambda frame: frame["action"])
def test_a_client_frame_of_the_contract_passes(frame):
    assert validate_client_frame(written(frame)) == frame
    check("client.json", frame)


def test_every_schema_of_a_frame_has_an_example():
    shown = {f"server/{frame.get('type', 'gateway-error')}.json" for frame in SERVER}
    shown |= {f"client/{frame['action']}.json" for frame in CLIENT}
    assert shown == {name for name in schemas() if "/" in name}


@pytest.mark.parametrize("frame, changes", WRONG_SERVER)
def test_a_wrong_server_frame_is_refused(frame, changes):
    wrong = changed(frame, changes)
    with pytest.raises(FrameError):
        validate_server_frame(written(wrong))
    with pytest.raises(FrameError):
        check("server.json", wrong)


@pytest.mark.parametrize("frame", WRONG_CLIENT, ids=written)
def test_a_wrong_client_frame_is_refused(frame):
    with pytest.raises(FrameError):
        validate_client_frame(written(frame))
    with pytest.raises(FrameError):
        check("client.json", frame)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"type":"left","roomId":"a","roomId":"a"}', '{"type":NaN}', b"\xff"])
def test_what_is_no_frame_is_refused(text):
    with pytest.raises(FrameError):
        validate_server_frame(text)


def test_a_frame_over_the_size_limit_is_refused():
    frame = json.dumps({**HISTORY, "messages": [changed(MESSAGE, {"body": "x" * 16000})] * 9})
    with pytest.raises(FrameError, match="more than 131072"):
        validate_server_frame(frame)


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_sample_event_holds_a_good_frame(path):
    event = json.loads(path.read_text("utf-8"))
    if path.stem == "publish":
        check("publish.json", event)
    elif "body" in event and not path.stem.startswith("default-"):
        validate_client_frame(event["body"])


def test_a_publish_event_names_one_addressee():
    check("publish.json", PUBLISH)
    check("publish.json", changed(PUBLISH, {"roomId": None, "everyone": True}))
    for changes in [{"roomId": WITHOUT}, {"everyone": True}, {"destinationUserId": "b"}, {"senderId": WITHOUT}, {"tenantId": "a b"}]:
        with pytest.raises(FrameError):
            check("publish.json", changed(PUBLISH, changes))


def test_an_online_report_is_exact():
    check("online-report.json", REPORT)
    for changes in [{"next": "x"}, {"count": -1}, {"users": WITHOUT}, {"tenantId": ""}]:
        with pytest.raises(FrameError):
            check("online-report.json", changed(REPORT, changes))


def test_a_kick_report_is_exact():
    check("kick-report.json", KICKED)
    for changes in [{"next": "x"}, {"connections": -1}, {"userId": ""}, {"refusedUntil": 1795268240}, {"tenantId": WITHOUT}]:
        with pytest.raises(FrameError):
            check("kick-report.json", changed(KICKED, changes))
