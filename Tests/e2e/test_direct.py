"""Direct messages and messages to everyone: contract section 3 in both modes."""


def test_a_direct_message_reaches_every_device_of_both(enter):
    phone, laptop = enter("alice"), enter("alice")
    bobs = [enter("bob"), enter("bob"), enter("bob")]
    ack = phone.whisper("bob", "psst")
    assert (ack["seq"], ack["delivered"]) == (1, 3) and "roomId" not in ack and "duplicate" not in ack
    expected = {
        "type": "message", "destinationUserId": "bob", "senderId": "alice", "body": "psst",
        **{name: ack[name] for name in ("messageId", "seq", "sentAt")}}
    for client in [laptop, *bobs]:
        assert client.message() == expected


def test_two_users_share_one_conversation_and_its_numbers(enter):
    alice, bob, carol = enter("alice"), enter("bob"), enter("carol")
    assert alice.whisper("bob", "one")["seq"] == 1
    assert bob.whisper("alice", "two")["seq"] == 2
    assert carol.whisper("bob", "one")["seq"] == 1
    bob.message(senderId="alice", body="one", destinationUserId="bob")
    bob.message(senderId="carol", body="one", destinationUserId="bob")
    alice.message(senderId="bob", body="two", destinationUserId="alice")
    alices, bobs = alice.ask("history", destinationUserId="bob"), bob.ask("history", destinationUserId="alice")
    assert [(message["seq"], message["senderId"], message["destinationUserId"]) for message in alices["messages"]] == [
        (1, "alice", "bob"), (2, "bob", "alice")]
    assert alices["messages"] == bobs["messages"]
    assert (alices["destinationUserId"], bobs["destinationUserId"], alices["more"]) == ("bob", "alice", False)
    assert carol.bodies(destinationUserId="alice") == []


def test_a_direct_message_to_nobody_online_is_stored(enter):
    alice = enter("alice")
    assert alice.whisper("nobody", "later")["delivered"] == 0
    nobody = enter("nobody")
    assert nobody.bodies(destinationUserId="alice") == ["later"]


def test_direct_duplicates_are_judged_by_sender_and_destination(enter):
    alice, bob, carol = enter("alice"), enter("bob"), enter("carol")
    first = alice.whisper("bob", "once", clientMessageId="c")
    again = alice.whisper("bob", "once", clientMessageId="c")
    assert (again["messageId"], again["seq"], again["duplicate"]) == (first["messageId"], 1, True)
    assert "duplicate" not in alice.whisper("carol", "to another", clientMessageId="c")
    assert "duplicate" not in bob.whisper("alice", "the other way", clientMessageId="c")
    bob.message(body="once"), carol.message(body="to another"), alice.message(body="the other way", seq=2)


def test_a_user_may_write_to_themselves(enter):
    phone, laptop = enter("alice"), enter("alice")
    assert phone.whisper("alice", "note")["delivered"] == 1
    laptop.message(body="note", senderId="alice", destinationUserId="alice")
    assert laptop.bodies(destinationUserId="alice") == ["note"]


def test_user_ids_of_any_sign_hold_a_conversation(enter):
    strange = "a#b%c/d é\u2028😀"
    alice, other = enter("alice"), enter(strange)
    assert alice.whisper(strange, "hi")["delivered"] == 1
    other.message(destinationUserId=strange)
    assert other.bodies(destinationUserId="alice") == ["hi"]


def test_only_an_admin_speaks_to_everyone_and_nothing_of_it_is_stored(enter):
    admin, second, guest = enter("root", roles=["admin", "x"]), enter("root", roles=["admin"]), enter("guest")
    admin.join("lobby")
    ack = admin.ask("sendMessage", everyone=True, body="hear")
    assert set(ack) == {"type", "messageId", "sentAt"}
    for client in (second, guest):
        assert client.message() == {
            "type": "message", "everyone": True, "messageId": ack["messageId"], "senderId": "root", "body": "hear", "sentAt": ack["sentAt"]}
    assert admin.bodies(roomId="lobby") == []
    for frame in [{"everyone": True}, {"everyone": True, "clientMessageId": "c"}]:
        guest.error("forbidden", {"action": "sendMessage", "body": "me too", **frame})


def test_an_addressee_is_one_of_three(enter):
    admin = enter("root", roles=["admin"])
    admin.join("lobby")
    for several in [
        {"roomId": "lobby", "destinationUserId": "bob"}, {"roomId": "lobby", "everyone": True},
        {"destinationUserId": "bob", "everyone": True}, {"roomId": "lobby", "destinationUserId": "bob", "everyone": True},
    ]:
        admin.error("bad_request", {"action": "sendMessage", "body": "x", **several})
    assert admin.ask("sendMessage", everyone=False, body="the only room")["roomId"] == "lobby"
