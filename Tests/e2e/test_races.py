"""What must hold when things happen at once: contract section 3 in both modes."""

import asyncio
import contextlib
import random
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import crowd
from client import Client
from waiting import wait_for


@pytest.fixture
def unlimited(servers, mode):
    return servers(mode, "--rate-limit", "0", "--log-level", "info")


def test_who_joins_amid_talk_misses_nothing_after_joined(unlimited, clients):
    talker = clients(unlimited, "talker", "acme")
    talker.join("lobby")
    stop = threading.Event()

    def talk() -> int:
        seq = 0
        while not stop.is_set():
            seq += 1
            assert talker.say("lobby", f"{seq}")["seq"] == seq
        return seq

    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(talk)
        try:
            for number in range(25):
                joiner = Client(unlimited, f"joiner{number}", "acme")
                # Presence comes between messages; what counts is that none of these is missing.
                joined = joiner.join("lobby")
                seen = [frame["seq"] for frame in joiner.collect(12) if frame["type"] == "message"]
                later = [seq for seq in seen if seq > joined["seq"]]
                assert seen == list(range(seen[0], seen[0] + len(seen))) and seen[0] <= joined["seq"] + 1
                assert later and later[0] == joined["seq"] + 1
                joiner.close()
        finally:
            stop.set()
        last = talking.result(10)
    assert last > 25
    talker.left_over()
    assert {frame["type"] for frame in talker.events} == {"presence"}
    talker.events.clear()


def to_be_told(server) -> list:
    """Presence events that a handler has decided and not posted yet; in process none is ever noted."""
    with contextlib.closing(sqlite3.connect(f"file:{server.data / 'chat.sqlite'}?mode=ro", uri=True)) as database:
        return database.execute("SELECT pk, sk FROM items WHERE pk >= 'DUE#' AND pk < 'DUE$'").fetchall()


def test_presence_alternates_however_devices_come_and_go(unlimited, mode, clients):
    watcher = clients(unlimited, "watcher", "acme")
    watcher.join("lobby")
    seed = random.randrange(1 << 32)

    def device(number: int):
        chance = random.Random(seed + number)
        client = Client(unlimited, "alice", "acme")
        for _ in range(25):
            client.ask(*chance.choice([("joinRoom",), ("leaveRoom",)]), roomId="lobby")
            if chance.random() < 0.1:
                client.close()
                client = Client(unlimited, "alice", "acme")
        client.close()

    with ThreadPoolExecutor(4) as pool:
        for result in [pool.submit(device, number) for number in range(4)]:
            result.result(30)
    last = Client(unlimited, "end", "acme")
    wait_for(lambda: [user["userId"] for user in watcher.ask("online", roomId="lobby")["users"]] == ["watcher"])
    wait_for(lambda: not to_be_told(unlimited))
    last.join("lobby")
    events = []
    while not events or events[-1]["userId"] != "end":
        events.append(watcher.event("presence"))
    alices = [event for event in events if event["userId"] == "alice"]
    if mode == "children":
        # They may cross there, and a client goes by the version.
        alices.sort(key=lambda event: event["version"])
    assert alices and [event["event"] for event in alices] == ["join", "leave"] * (len(alices) // 2), f"seed {seed}"
    versions = [event["version"] for event in alices]
    assert versions == sorted(set(versions)), f"seed {seed}"
    last.close()
    watcher.event("presence", event="leave", userId="end")


def test_one_client_message_id_sent_by_many_devices_at_once_is_one_message(unlimited, clients):
    devices = [clients(unlimited, "alice", "acme") for _ in range(8)]
    for device in devices:
        device.join("lobby")
    for round in range(1, 11):
        for device in devices:
            device.send({"action": "sendMessage", "roomId": "lobby", "body": "once", "clientMessageId": f"c{round}"})
        acks = [device.reply() for device in devices]
        assert {(ack["type"], ack["seq"]) for ack in acks} == {("ack", round)} and len({ack["messageId"] for ack in acks}) == 1
        assert sum("duplicate" not in ack for ack in acks) == 1
        original = next(index for index, ack in enumerate(acks) if "duplicate" not in ack)
        for index, device in enumerate(devices):
            if index != original:
                device.message(seq=round)


def test_a_conversation_of_two_who_write_at_once_is_gapless_and_in_order_for_both(unlimited, clients):
    alice, bob = clients(unlimited, "alice", "acme"), clients(unlimited, "bob", "acme")
    for number in range(30):
        for client, other in ((alice, "bob"), (bob, "alice")):
            client.send({"action": "sendMessage", "destinationUserId": other, "body": f"{number}"})
    acked = {client.user: [client.reply()["seq"] for _ in range(30)] for client in (alice, bob)}
    assert sorted(acked["alice"] + acked["bob"]) == list(range(1, 61))
    assert [alice.message()["seq"] for _ in range(30)] == acked["bob"] == sorted(acked["bob"])
    assert [bob.message()["seq"] for _ in range(30)] == acked["alice"] == sorted(acked["alice"])


def test_a_sender_who_goes_at_once_has_said_it(unlimited, clients):
    watcher = clients(unlimited, "watcher", "acme")
    watcher.join("lobby")
    for number in range(1, 11):
        hasty = Client(unlimited, "hasty", "acme")
        hasty.join("lobby")
        hasty.send({"action": "sendMessage", "roomId": "lobby", "body": f"{number}"})
        hasty.close()
        watcher.event("presence", event="join"), watcher.message(seq=number, body=f"{number}")
        watcher.event("presence", event="leave", reason="disconnected")


def test_above_1000_users_a_room_sends_no_presence(servers, tenant, clients):
    server = servers("in-process", "--rate-limit", "0", "--log-level", "info")

    async def run():
        rooms = await crowd.gather(server, tenant, 1, 998, validate=False)
        await asyncio.to_thread(watch)
        await crowd.leave(rooms)

    def watch():
        watcher = clients(server, "zz-watcher", tenant)
        joined = watcher.join("room-0")
        assert (joined["memberCount"], len(joined["members"])) == (999, 200) and "presence" not in joined
        names = [member["userId"] for member in joined["members"]]
        assert names == sorted(names)
        thousandth, first_above = clients(server, "zz-1000", tenant), clients(server, "zz-1001", tenant)
        assert thousandth.join("room-0")["memberCount"] == 1000
        watcher.event("presence", userId="zz-1000")
        above = first_above.join("room-0")
        assert (above["memberCount"], above["presence"]) == (1001, False)
        first_above.say("room-0", "hello, a thousand")
        watcher.message(senderId="zz-1001"), thousandth.message(senderId="zz-1001")
        page = watcher.ask("online", roomId="room-0", limit=1000)
        rest = watcher.ask("online", roomId="room-0", limit=1000, next=page["next"])
        assert page["count"] + rest["count"] == 1001
        assert len({user["userId"] for user in page["users"] + rest["users"]}) == 1001
        # Before the others: a room that is small again says who leaves.
        for client in (watcher, thousandth, first_above):
            client.close()

    asyncio.run(run())
