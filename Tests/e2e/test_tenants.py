"""Two tenants on one server, whose ids are made to be taken for one another: nothing of one reaches the other."""

import base64

import pytest

from waiting import wait_for

PAIRS = [("acme", "acme.x"), ("T", "t"), ("1", "10"), ("ROOMS", "META")]
USERS = ["a#b", "a%23b", "e\u0301", "\u00e9", "K", "\u212a"]
ROOM = "META"


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_a_tenant_hears_and_counts_only_its_own(server, clients, tenant, pair):
    one, two = (f"{tenant}{name}" for name in pair)
    ours = [clients(server, user, one, roles=["admin"]) for user in USERS]
    theirs = [clients(server, user, two, roles=["admin"]) for user in USERS]
    for group in (ours, theirs):
        for number, client in enumerate(group):
            joined = client.join(ROOM)
            assert joined["memberCount"] == number + 1 and joined["seq"] == 0
            for before in group[:number]:
                before.event("presence", event="join", userId=client.user)
    # The same names for everything, and what one side said is on the other neither a duplicate nor a next message.
    for group, body in ((ours, "ours"), (theirs, "theirs")):
        ack = group[0].say(ROOM, body, clientMessageId="#")
        assert ack["seq"] == 1 and "duplicate" not in ack
        direct = group[0].whisper(USERS[1], body, clientMessageId="#")
        assert (direct["seq"], direct["delivered"]) == (1, 1) and "duplicate" not in direct
        group[0].ask("sendMessage", everyone=True, body=body)
        for client in group[1:]:
            assert {message["body"] for message in client.collect(3 if client is group[1] else 2)} == {body}
        assert group[2].bodies(roomId=ROOM) == [body] and group[0].bodies(destinationUserId=USERS[1]) == [body]
    assert ours[0].join(ROOM, since=0, epoch=theirs[0].join(ROOM)["epoch"])["recovered"] is False
    expected = sorted(USERS, key=str.encode)
    for client in (ours[0], theirs[0]):
        wait_for(lambda client=client: [user["userId"] for user in client.ask("online")["users"]] == expected)
        assert all(user["connections"] == 1 for user in client.ask("online")["users"])
    # A cursor of one is in the other a position among its own, and what is none is refused.
    cursor = ours[0].ask("online", limit=2)["next"]
    assert [user["userId"] for user in theirs[0].ask("online", next=cursor)["users"]] == expected[2:]
    for broken in (cursor + "=", cursor[:-1] + "!", base64.b64encode(b"\xff\xff").decode().rstrip("="), "#", ""):
        theirs[0].error("bad_request", {"action": "online", "next": broken})
    assert server.online(one)["count"] == server.online(two)["count"] == len(USERS)
    # One side leaves, and the other hears nothing of it: the fixture looks for frames that are left over.
    for number, client in enumerate(ours):
        client.close()
        for other in ours[number + 1:]:
            other.event("presence", event="leave", userId=client.user, reason="disconnected")
    wait_for(lambda: server.online(one)["count"] == 0)
    assert server.online(two)["count"] == len(USERS)


def test_one_tenants_connection_is_no_user_and_no_room_of_another(server, clients, tenant):
    alice, eve = clients(server, "alice", tenant), clients(server, "eve", f"{tenant}.x")
    alice.join("lobby")
    eve.join("lobby")
    for target in (alice.id, f"CONN#{alice.id}", f"{tenant}#alice", "alice"):
        assert eve.whisper(target, "psst")["delivered"] == 0
    for room in (f"{tenant}#lobby", f"ROOM#{tenant}#lobby", "%23", "lobby#META", alice.id + "#"):
        eve.error("bad_request", {"action": "joinRoom", "roomId": room})
    from tokens import token

    eve.error("unauthorized", {"action": "refreshToken", "token": token("eve", tenant)})
    assert [user["userId"] for user in alice.ask("online")["users"]] == ["alice"]
