"""Leases: who falls silent is gone in time, and once. Contract section 4 in both modes."""

import time
from concurrent.futures import ThreadPoolExecutor

from client import open_socket
from tokens import token
from waiting import wait_for


def test_a_silent_connection_expires_and_the_others_are_told(servers, mode, clients):
    server = servers(mode, "--rate-limit", "0", MUSTER_PRESENCE_TTL="2")
    watcher, silent = clients(server, "watcher", "acme"), clients(server, "silent", "acme")
    watcher.join("lobby"), silent.join("lobby")
    watcher.event("presence", event="join", userId="silent")
    last_frame = time.monotonic()

    def gone():
        # Its own frames keep the watcher's lease; a ping would not.
        users = [user["userId"] for user in watcher.ask("online")["users"]]
        assert "watcher" in users and time.monotonic() - last_frame < 4
        return users == ["watcher"]

    wait_for(gone, 4, "the end of the silent connection's lease")
    assert time.monotonic() - last_frame >= 1.4
    assert [user["userId"] for user in server.online("acme")["users"]] == ["watcher"]
    while not watcher.events:
        watcher.ask("heartbeat")
        assert time.monotonic() - last_frame < 2 + 60
        time.sleep(0.05)
    leave = watcher.event("presence", event="leave", userId="silent")
    assert leave["reason"] == "expired"
    assert silent.closed() == 1001
    assert watcher.join("lobby")["memberCount"] == 1


def test_pings_do_not_keep_a_lease_and_frames_of_any_kind_do(servers, mode, clients):
    server = servers(mode, MUSTER_PRESENCE_TTL="2")
    pinging, talking, wrong = (clients(server, name, "acme") for name in ("pinging", "talking", "wrong"))
    start = time.monotonic()
    while time.monotonic() - start < 3.5:
        if time.monotonic() - start < 1.2:
            pinging.socket.ping()
        talking.ask("heartbeat")
        wrong.error("unknown_action", {"action": "nope"})
        time.sleep(0.1)
    wait_for(lambda: [user["userId"] for user in server.online("acme")["users"]] == ["talking", "wrong"], 2)
    assert pinging.closed() == 1001


def test_a_frame_on_an_expired_connection_gets_gone_and_revives_nothing(servers, mode, clients):
    server = servers(mode, MUSTER_PRESENCE_TTL="1")
    raced = 0
    opened = [clients(server, f"user{number}", "acme") for number in range(6)]
    for client in opened:
        client.join(f"room-{client.user}")
    wait_for(lambda: server.online("acme")["count"] == 0, 4)
    for client in opened:
        try:
            client.send({"action": "sendMessage", "roomId": f"room-{client.user}", "body": "ghost"})
            reply = client.reply()
            assert (reply["code"], reply["status"]) == ("gone", 410)
            raced += 1
        except Exception as error:
            assert type(error).__name__.startswith("ConnectionClosed"), error
        assert client.closed() == 1001
    assert server.online("acme")["count"] == 0
    back = clients(server, "user0", "acme")
    joined = back.join("room-user0")
    assert (joined["seq"], joined["memberCount"]) == (0, 1)


def test_idle_and_old_connections_are_closed_with_1001(servers, mode, clients):
    idle_server, age_server = servers(mode, "--idle-timeout", "1"), servers(mode, "--max-age", "2")
    idle, old = clients(idle_server, "idle", "acme"), clients(age_server, "old", "acme")
    start = time.monotonic()
    beat = old.ask("heartbeat")
    assert beat["reconnectBy"] > beat["at"]

    def keep_talking():
        try:
            while True:
                old.ask("heartbeat")
                time.sleep(0.1)
        except Exception:
            return old.closed(), time.monotonic() - start

    with ThreadPoolExecutor(2) as pool:
        code, after = pool.submit(keep_talking).result(10)
    assert code == 1001 and 1.5 <= after < 4
    assert idle.closed() == 1001
    wait_for(lambda: idle_server.online("acme")["count"] == age_server.online("acme")["count"] == 0)


def test_history_ages_out_and_the_numbers_go_on(servers, mode, clients):
    server = servers(mode, MUSTER_HISTORY_TTL="1")
    alice = clients(server, "alice", "acme")
    alice.join("lobby")
    assert alice.say("lobby", "old")["seq"] == 1
    assert alice.bodies(roomId="lobby") == ["old"]
    wait_for(lambda: alice.bodies(roomId="lobby") == [], 4)
    assert alice.say("lobby", "new")["seq"] == 2
    assert alice.bodies(roomId="lobby") == ["new"]
    joined = alice.join("lobby", since=0)
    assert not joined["recovered"] and [message["seq"] for message in joined["missed"]] in ([2], [])


def test_a_slow_reader_is_closed_with_1013_and_the_others_are_served(servers, mode, clients):
    server = servers(mode, "--rate-limit", "0", "--send-queue", "65536")
    slow = open_socket(server, token("slow", "acme"), max_queue=1)
    slow.send('{"action":"joinRoom","roomId":"lobby"}')
    assert '"joined"' in slow.recv(5)
    fast, talker = clients(server, "fast", "acme"), clients(server, "talker", "acme")
    fast.join("lobby"), talker.join("lobby")
    fast.event("presence", userId="talker")
    talker.left_over()
    sent = 0
    while len(server.online("acme")["users"]) == 3:
        for _ in range(20):
            sent += 1
            assert talker.say("lobby", "x" * 16000)["seq"] == sent
            frame = fast.collect(1)[0]
            if frame["type"] == "presence":
                break
            assert frame["seq"] == sent
        assert sent < 2000
    codes = []
    try:
        while True:
            slow.recv(5)
    except Exception as error:
        codes.append(error.rcvd.code)
    assert codes == [1013]
    for client in (fast, talker):
        rest = [frame for frame in client.left_over() if frame["type"] == "presence"]
        client.events.clear()
        assert len(rest) <= 1
    assert talker.bodies(roomId="lobby", limit=1) == ["x" * 16000]
