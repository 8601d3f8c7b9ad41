"""Joining, leaving, talking: contract section 3 in both modes."""


def test_a_join_describes_the_room_and_is_told_to_the_others(enter):
    alice, bob = enter("alice"), enter("bob")
    first = alice.join("lobby")
    assert (first["seq"], first["memberCount"], [member["userId"] for member in first["members"]]) == (0, 1, ["alice"])
    assert "missed" not in first and "recovered" not in first and first["connectionId"] == alice.id
    second = bob.join("lobby")
    assert (second["memberCount"], [member["userId"] for member in second["members"]]) == (2, ["alice", "bob"])
    assert second["epoch"] == first["epoch"] and second["connectionId"] != first["connectionId"]
    seen = alice.event("presence", event="join", roomId="lobby", userId="bob")
    assert "reason" not in seen and seen["version"] == second["members"][1]["version"]


def test_presence_is_per_user_across_devices(enter):
    watcher = enter("watcher")
    watcher.join("lobby")
    phone, laptop = enter("alice"), enter("alice")
    phone.join("lobby")
    came = watcher.event("presence", event="join", userId="alice")
    assert laptop.join("lobby")["memberCount"] == 2
    assert phone.ask("leaveRoom", roomId="lobby") == {"type": "left", "roomId": "lobby"}
    # Had the second device's join or the first one's leave been told, it would come before this.
    laptop.say("lobby", "still here")
    watcher.message(body="still here")
    laptop.ask("leaveRoom", roomId="lobby")
    went = watcher.event("presence", event="leave", userId="alice", reason="left")
    assert went["version"] > came["version"]


def test_a_closed_and_a_broken_connection_leave_as_disconnected(enter):
    watcher, polite, rude = enter("watcher"), enter("polite"), enter("rude")
    watcher.join("lobby")
    for client, end in [(polite, "close"), (rude, "vanish")]:
        client.join("lobby")
        watcher.event("presence", event="join", userId=client.user)
        client.left_over()
        getattr(client, end)()
        watcher.event("presence", event="leave", userId=client.user, reason="disconnected")


def test_a_user_who_comes_back_has_a_higher_version(enter):
    watcher, alice = enter("watcher"), enter("alice")
    watcher.join("lobby")
    versions = []
    for _ in range(3):
        alice.join("lobby")
        versions.append(watcher.event("presence", event="join", userId="alice")["version"])
        alice.ask("leaveRoom", roomId="lobby")
        versions.append(watcher.event("presence", event="leave", userId="alice", reason="left")["version"])
    assert versions == sorted(set(versions))


def test_joining_twice_is_one_membership_and_one_presence_event(enter):
    alice, bob = enter("alice"), enter("bob")
    alice.join("lobby")
    once, twice = bob.join("lobby"), bob.join("lobby")
    assert once == twice
    bob.say("lobby", "hi")
    alice.event("presence", event="join", userId="bob")
    alice.message(body="hi")
    bob.ask("leaveRoom", roomId="lobby")
    alice.event("presence", event="leave", userId="bob")
    bob.error("not_joined", {"action": "sendMessage", "roomId": "lobby", "body": "hi"})


def test_leaving_a_room_not_joined_is_left_without_an_event(enter):
    alice, bob = enter("alice"), enter("bob")
    alice.join("lobby")
    assert bob.ask("leaveRoom", roomId="lobby") == {"type": "left", "roomId": "lobby"}
    assert bob.ask("leaveRoom", roomId="never-made") == {"type": "left", "roomId": "never-made"}
    bob.join("lobby")
    alice.event("presence", event="join", userId="bob")


def test_a_message_is_numbered_from_1_and_reaches_everyone_but_its_own_connection(enter):
    phone, laptop, bob = enter("alice"), enter("alice"), enter("bob")
    for client in (phone, laptop, bob):
        client.join("lobby")
    for client in (phone, laptop):
        client.event("presence", event="join", userId="bob")
    for seq in range(1, 6):
        ack = phone.say("lobby", f"number {seq}")
        assert ack == {"type": "ack", "roomId": "lobby", "seq": seq, "messageId": ack["messageId"], "sentAt": ack["sentAt"]}
        expected = {name: ack[name] for name in ("roomId", "messageId", "seq", "sentAt")}
        for client in (laptop, bob):
            assert client.message() == {"type": "message", **expected, "senderId": "alice", "body": f"number {seq}"}
    assert bob.say("lobby", "and mine")["seq"] == 6
    for client in (phone, laptop):
        client.message(seq=6, senderId="bob")


def test_messages_of_one_sender_arrive_in_order_and_without_gaps(enter):
    alice, bob = enter("alice"), enter("bob")
    bob.join("lobby"), alice.join("lobby")
    bob.event("presence", userId="alice")
    for number in range(35):
        alice.send({"action": "sendMessage", "body": f"{number}", "requestId": number})
    acks = [alice.reply() for _ in range(35)]
    assert [(ack["type"], ack["requestId"], ack["seq"]) for ack in acks] == [("ack", n, n + 1) for n in range(35)]
    assert [(frame["seq"], frame["body"]) for frame in (bob.message() for _ in range(35))] == [(n + 1, f"{n}") for n in range(35)]


def test_concurrent_senders_share_one_gapless_sequence_that_everyone_sees_in_order(enter):
    senders = [enter(f"user{number}") for number in range(6)]
    for index, sender in enumerate(senders):
        sender.join("lobby")
        for earlier in senders[:index]:
            earlier.event("presence", event="join", userId=sender.user)
    for number in range(20):
        for sender in senders:
            sender.send({"action": "sendMessage", "roomId": "lobby", "body": f"{sender.user} {number}"})
    acked = {sender.user: [sender.reply()["seq"] for _ in range(20)] for sender in senders}
    assert sorted(seq for seqs in acked.values() for seq in seqs) == list(range(1, 121))
    for sender in senders:
        assert acked[sender.user] == sorted(acked[sender.user])
        others = [seq for seq in range(1, 121) if seq not in acked[sender.user]]
        assert [sender.message()["seq"] for _ in others] == others


def test_the_room_may_be_left_out_in_exactly_one_room(enter):
    alice = enter("alice")
    alice.error("not_joined", {"action": "sendMessage", "body": "hi"})
    alice.join("one")
    assert alice.ask("sendMessage", body="hi")["roomId"] == "one"
    alice.join("two")
    alice.error("bad_request", {"action": "sendMessage", "body": "hi"})
    alice.ask("leaveRoom", roomId="one")
    assert alice.ask("sendMessage", body="hi")["roomId"] == "two"


def test_rooms_and_their_sequences_are_apart(enter):
    alice, bob, carol = enter("alice"), enter("bob"), enter("carol")
    alice.join("one"), alice.join("two")
    bob.join("one"), carol.join("two")
    alice.event("presence", roomId="one", userId="bob"), alice.event("presence", roomId="two", userId="carol")
    assert [alice.say("one", "1")["seq"], alice.say("two", "2")["seq"], alice.say("one", "3")["seq"]] == [1, 1, 2]
    bob.message(seq=1, body="1"), bob.message(seq=2, body="3")
    carol.message(seq=1, body="2")


def test_room_names_that_differ_in_case_or_hold_every_sign_are_different_rooms(enter):
    alice = enter("alice")
    names = ["room", "Room", "a.b_c:d@e-f", "." , "..", "-", "1" * 128]
    for seq, name in enumerate(names):
        assert alice.join(name)["seq"] == 0
        assert alice.say(name, "x")["seq"] == 1
    assert alice.ask("heartbeat", rooms=True)["rooms"] == {name: 1 for name in names}


def test_a_clients_own_id_makes_a_message_once_per_user_and_room(enter):
    alice, other, bob = enter("alice"), enter("alice"), enter("bob")
    for client in (alice, other, bob):
        client.join("lobby")
    for client in (alice, other):
        client.event("presence", userId="bob")
    bob.join("den")
    first = alice.say("lobby", "once", clientMessageId="c-1")
    assert "duplicate" not in first
    again = alice.say("lobby", "once", clientMessageId="c-1")
    assert again == {**first, "duplicate": True}
    assert other.say("lobby", "another body", clientMessageId="c-1") == {**first, "duplicate": True}
    bobs = bob.say("lobby", "bob's", clientMessageId="c-1")
    assert bobs["seq"] == 2 and "duplicate" not in bobs
    den = bob.say("den", "elsewhere", clientMessageId="c-1")
    assert den["seq"] == 1 and "duplicate" not in den
    bob.message(seq=1, body="once"), other.message(seq=1, body="once")
    for client in (alice, other):
        client.message(seq=2, body="bob's")
    assert alice.bodies(roomId="lobby") == ["once", "bob's"]


def test_ids_of_clients_are_compared_byte_by_byte(enter):
    alice = enter("alice")
    alice.join("lobby")
    assert alice.say("lobby", "composed", clientMessageId="\u00e9")["seq"] == 1
    assert alice.say("lobby", "decomposed", clientMessageId="e\u0301")["seq"] == 2
    assert alice.say("lobby", "longest", clientMessageId="é" * 64)["seq"] == 3


def test_users_whose_names_only_look_the_same_are_two(enter):
    composed, decomposed = enter("\u00e9"), enter("e\u0301")
    composed.join("lobby")
    joined = decomposed.join("lobby")
    composed.event("presence", userId="e\u0301")
    # By UTF-8 bytes: e (0x65) before é (0xC3).
    assert [member["userId"] for member in joined["members"]] == ["e\u0301", "\u00e9"]


def test_text_of_every_script_arrives_as_it_was_sent(enter):
    alice, bob = enter("alice"), enter("bob")
    bob.join("lobby"), alice.join("lobby")
    bob.event("presence")
    for body in ["\"quoted\" \\ and /", "line\nbreak\ttab\r\u0000\u001f\u007f", "日本語 ไทย عربى", "👩‍👩‍👧‍👦 \U0010ffff", "\u2028\u2029 é e\u0301", " "]:
        alice.say("lobby", body)
        bob.message(body=body)
    for body in ["x" * 16384, "é" * 8192, "\u0000" * 2000]:
        alice.say("lobby", body)
        assert bob.message()["body"] == body


def test_a_connection_is_in_at_most_100_rooms(server, tenant, servers):
    from client import Client

    unlimited = servers(server.mode, "--rate-limit", "0")
    alice = Client(unlimited, "alice", tenant)
    for number in range(100):
        alice.join(f"room-{number}")
    assert alice.join("room-7")["memberCount"] == 1
    alice.error("limit_exceeded", {"action": "joinRoom", "roomId": "one-more"})
    assert len(alice.ask("heartbeat", rooms=True)["rooms"]) == 100
    alice.ask("leaveRoom", roomId="room-0")
    alice.join("one-more")
    alice.error("limit_exceeded", {"action": "joinRoom", "roomId": "room-0"})
    assert not alice.left_over()
    alice.close()


def test_a_numeric_request_id_is_echoed_as_the_text_received(enter):
    alice = enter("alice")
    for text in ["12345678901234567890", "1.50", "-0", "1e400", "0.1000000000000000055511151231257827"]:
        for frame in ['{"action":"heartbeat","requestId":%s}', '{"action":"nope","requestId":%s}']:
            alice.try_(frame % text)
            assert f'"requestId":{text}' in alice.raw, alice.raw


def test_unknown_fields_are_ignored_and_null_is_absent(enter):
    alice = enter("alice")
    joined = alice.try_({"action": "joinRoom", "roomId": "lobby", "since": None, "epoch": None, "requestId": None, "x": {"y": [1]}})
    assert joined["type"] == "joined" and "requestId" not in joined and "missed" not in joined
    ack = alice.try_({
        "action": "sendMessage", "roomId": None, "destinationUserId": None, "everyone": None, "clientMessageId": None,
        "body": "hi", "tenantId": "another", "senderId": "mallory", "seq": 99})
    assert (ack["type"], ack["roomId"], ack["seq"]) == ("ack", "lobby", 1)
    assert alice.ask("history", roomId="lobby")["messages"][0]["senderId"] == "alice"


def test_a_request_id_is_echoed_in_every_reply(enter):
    alice = enter("alice")
    longest = "é" * 64
    for frame in [
        {"action": "joinRoom", "roomId": "lobby"}, {"action": "sendMessage", "body": "x"}, {"action": "heartbeat"},
        {"action": "online"}, {"action": "history", "roomId": "lobby"}, {"action": "leaveRoom", "roomId": "lobby"},
        {"action": "nope"}, {"action": "joinRoom", "roomId": ""}, {"action": "history", "roomId": "lobby"},
        {"action": "refreshToken", "token": "x"},
    ]:
        assert alice.try_(frame | {"requestId": longest})["requestId"] == longest
        assert "requestId" not in alice.try_(frame)


def test_the_allowed_rooms_of_a_token_bind(enter):
    guest = enter("guest", rooms=["lobby", "team-*"])
    for room in ["lobby", "team-", "team-a"]:
        guest.join(room)
    for room in ["lobby2", "team", "Lobby", "lob"]:
        error = guest.error("forbidden", {"action": "joinRoom", "roomId": room})
        assert (error["status"], error["action"]) == (403, "joinRoom")
    nowhere, anywhere = enter("nowhere", rooms=[]), enter("anywhere", rooms=["*"])
    nowhere.error("forbidden", {"action": "joinRoom", "roomId": "lobby"})
    anywhere.join("whatever")


def test_tenants_are_apart(enter, tenant):
    other = tenant + "-other"
    alice, stranger = enter("alice"), enter("alice", other)
    alice.join("lobby")
    assert stranger.join("lobby")["memberCount"] == 1
    assert alice.say("lobby", "mine", clientMessageId="c")["seq"] == 1
    theirs = stranger.say("lobby", "theirs", clientMessageId="c")
    assert theirs["seq"] == 1 and "duplicate" not in theirs
    assert stranger.bodies(roomId="lobby") == ["theirs"] and alice.bodies(roomId="lobby") == ["mine"]
    bob = enter("bob", other)
    assert alice.whisper("bob", "psst")["delivered"] == 0
    assert [user["userId"] for user in alice.ask("online")["users"]] == ["alice"]
    assert [user["userId"] for user in bob.ask("online")["users"]] == ["alice", "bob"]
    admin = enter("root", roles=["admin"])
    admin.ask("sendMessage", everyone=True, body="to my tenant")
    alice.message(everyone=True, senderId="root")
