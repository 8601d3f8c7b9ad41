"""heartbeat, online, history and recovery: contract section 3 in both modes."""

from datetime import datetime, timedelta, timezone

import pytest


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def test_a_heartbeat_tells_when_the_next_is_due(enter):
    alice = enter("alice", expires=7200)
    beat = alice.ask("heartbeat")
    assert set(beat) == {"type", "connectionId", "at", "expiresAt", "interval", "reconnectBy"}
    at = instant(beat["at"])
    assert abs(at - datetime.now(timezone.utc)) < timedelta(seconds=5)
    # Kept in whole seconds.
    assert timedelta(minutes=7.5) <= instant(beat["expiresAt"]) - at < timedelta(minutes=10, seconds=1)
    assert beat["interval"] == 300
    assert timedelta(0) < instant(beat["reconnectBy"]) - at < timedelta(hours=2)


def test_a_lease_does_not_outlive_the_token(enter):
    beat = enter("alice", expires=90).ask("heartbeat")
    assert instant(beat["expiresAt"]) - instant(beat["at"]) <= timedelta(seconds=90)


def test_a_heartbeat_lists_the_rooms_and_their_newest_seq_if_asked(enter):
    alice = enter("alice")
    assert alice.ask("heartbeat", rooms=True)["rooms"] == {}
    alice.join("lobby"), alice.join("den")
    alice.say("lobby", "1"), alice.say("lobby", "2")
    assert alice.ask("heartbeat", rooms=True)["rooms"] == {"lobby": 2, "den": 0}
    assert "rooms" not in alice.ask("heartbeat", rooms=False)


def test_online_counts_the_connections_of_each_user(enter):
    alice, _, bob = enter("alice"), enter("alice"), enter("bob")
    reply = alice.ask("online")
    assert [(user["userId"], user["connections"]) for user in reply["users"]] == [("alice", 2), ("bob", 1)]
    assert reply["count"] == 2 and "next" not in reply
    assert all(abs(instant(user["lastSeen"]) - datetime.now(timezone.utc)) < timedelta(minutes=1) for user in reply["users"])
    alice.error("not_joined", {"action": "online", "roomId": "lobby"})
    alice.join("lobby")
    in_room = alice.ask("online", roomId="lobby")
    assert [(user["userId"], user["connections"]) for user in in_room["users"]] == [("alice", 1)]
    bob.join("lobby")
    alice.event("presence", userId="bob")
    assert alice.ask("online", roomId="lobby")["count"] == 2


@pytest.mark.parametrize("limit", [1, 3, 4, 10])
def test_online_pages_through_every_user_once_in_the_order_of_their_bytes(enter, limit):
    names = ["a", "B", "b", "é", "e\u0301", "zz", "z", "😀", "a#", "a%23"]
    opened = [enter(name) for name in names]
    for index, client in enumerate(opened):
        client.join("lobby")
        for earlier in opened[:index]:
            earlier.event("presence", userId=client.user)
    for scope in [{}, {"roomId": "lobby"}]:
        seen, fields = [], {}
        while True:
            page = opened[0].ask("online", limit=limit, **scope, **fields)
            assert page["count"] == len(page["users"]) <= limit
            seen += [user["userId"] for user in page["users"]]
            if "next" not in page:
                break
            assert len(page["users"]) == limit
            fields = {"next": page["next"]}
        assert seen == sorted(names, key=lambda name: name.encode())


def fill(client, room: str, count: int):
    for number in range(1, count + 1):
        assert client.say(room, f"{number}")["seq"] == number


def seqs(reply) -> list[int]:
    assert all(message["body"] == f"{message['seq']}" for message in reply["messages"])
    return [message["seq"] for message in reply["messages"]]


@pytest.mark.parametrize(
    "fields, expected, more",
    [
        ({}, range(1, 21), False),
        ({"limit": 20}, range(1, 21), False),
        ({"limit": 5}, range(16, 21), True),
        ({"before": 6}, range(1, 6), False),
        ({"before": 6, "limit": 5}, range(1, 6), False),
        ({"before": 6, "limit": 4}, range(2, 6), True),
        ({"before": 1}, [], False),
        ({"before": 21, "limit": 2}, range(19, 21), True),
        ({"before": 9223372036854775807, "limit": 1}, [20], True),
        ({"after": 0, "limit": 3}, range(1, 4), True),
        ({"after": 17}, range(18, 21), False),
        ({"after": 17, "limit": 3}, range(18, 21), False),
        ({"after": 20}, [], False),
        ({"after": 9223372036854775807}, [], False),
    ],
)
def test_history_pages(enter, fields, expected, more):
    alice = enter("alice")
    alice.join("lobby")
    fill(alice, "lobby", 20)
    reply = alice.ask("history", roomId="lobby", **fields)
    assert (seqs(reply), reply["more"], reply["roomId"]) == (list(expected), more, "lobby")


def test_history_needs_membership(enter):
    alice, bob = enter("alice"), enter("bob")
    alice.join("lobby"), alice.say("lobby", "secret")
    bob.error("not_joined", {"action": "history", "roomId": "lobby"})
    assert bob.bodies(destinationUserId="alice") == []


def test_history_stops_short_of_a_frame_of_128_kb(enter):
    alice = enter("alice")
    alice.join("lobby")
    for number in range(12):
        alice.say("lobby", chr(97 + number) * 16384)
    newest = alice.ask("history", roomId="lobby")
    got = [message["seq"] for message in newest["messages"]]
    assert newest["more"] and got == list(range(got[0], 13)) and len(got) >= 6 and len(alice.raw.encode()) <= 131072
    rest = alice.ask("history", roomId="lobby", before=got[0])
    assert [message["seq"] for message in rest["messages"]] == list(range(1, got[0])) and not rest["more"]
    oldest = alice.ask("joinRoom", roomId="lobby", since=0)
    got = [message["seq"] for message in oldest["missed"]]
    assert not oldest["recovered"] and got == list(range(1, len(got) + 1)) and 6 <= len(got) < 12


def test_what_was_missed_is_recovered(enter):
    alice, bob = enter("alice"), enter("bob")
    epoch = alice.join("lobby")["epoch"]
    fill(alice, "lobby", 10)
    for fields, missed, recovered in [
        ({"since": 0}, range(1, 11), True), ({"since": 7}, range(8, 11), True), ({"since": 7, "epoch": epoch}, range(8, 11), True),
        ({"since": 10}, [], True), ({"since": 10, "epoch": epoch}, [], True), ({"since": 11}, [], False),
        ({"since": 9223372036854775807}, [], False), ({"since": 10, "epoch": "other"}, [], False),
    ]:
        joined = bob.join("lobby", **fields)
        assert ([message["seq"] for message in joined["missed"]], joined["recovered"], joined["seq"]) == (list(missed), recovered, 10), fields
    assert not bob.join("lobby", since=3, epoch="other")["recovered"]
    assert "missed" not in bob.join("lobby", epoch=epoch)
    alice.event("presence", userId="bob")


def test_an_empty_room_is_recovered_from_0(enter):
    joined = enter("alice").join("new", since=0)
    assert (joined["missed"], joined["recovered"], joined["seq"]) == ([], True, 0)


def test_a_gap_of_more_than_300_gives_its_oldest_part(server, servers, tenant, clients):
    unlimited = servers(server.mode, "--rate-limit", "0")
    alice = clients(unlimited, "alice", tenant)
    alice.join("lobby")
    fill(alice, "lobby", 302)
    for since, missed, recovered in [(0, range(1, 301), False), (1, range(2, 302), False), (2, range(3, 303), True)]:
        joined = alice.join("lobby", since=since)
        assert ([message["seq"] for message in joined["missed"]], joined["recovered"]) == (list(missed), recovered)
    page = alice.ask("history", roomId="lobby", limit=300)
    assert (seqs(page), page["more"]) == (list(range(3, 303)), True)
    assert seqs(alice.ask("history", roomId="lobby")) == list(range(253, 303))
