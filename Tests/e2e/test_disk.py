"""A disk that is full or takes no writes: what is refused was never acked, what was acked stays, and the server needs no restart when
there is space again. Contract sections 1 (one line that says what to do) and 3 (`ack` means stored)."""

import os
import shutil

import pytest

from client import Client, open_socket
from disk import ENOUGH, Disk
from server import Server, muster
from tokens import token
from waiting import wait_for

FULL = "the disk or the database is full: free some space"
UNWRITABLE = "the disk failed: check its health, its free space and that it is not mounted read-only"
# Nobody's lease ends while the disk is full, but that of one whose token does; and the sweep comes every two seconds.
LEASE, TOKEN = 8, 4


def on_disk(servers, mode: str = "in-process", **settings) -> tuple[Server, Disk]:
    """A server that is not started yet, and the disk of its data folder."""
    server = servers("in-process", "--rate-limit", "0", start=False, **settings)
    disk = Disk(server.data.parent, server.data)
    server.environment |= disk.environment
    if mode == "children":
        server.command += ["--handlers", str(disk.handlers())]
    return server, disk


def bodies(client: Client) -> list[str]:
    """Everything that was said in the room, whose numbers must have no gaps."""
    messages = client.everything("lobby")
    assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
    return [message["body"] for message in messages]


@pytest.mark.parametrize("mode, kind", [("in-process", "full"), ("children", "full"), ("in-process", "read-only")])
def test_while_the_disk_takes_nothing_nothing_is_acked_and_the_rest_goes_on(servers, mode, kind, clients):
    server, disk = on_disk(servers, mode, MUSTER_PRESENCE_TTL=f"{LEASE}")
    server.start()
    alice, bob = clients(server, "alice", "acme"), Client(server, "bob", "acme", expires=TOKEN)
    bob.join("lobby"), alice.join("lobby"), bob.event("presence", userId="alice")
    said = [f"{number}" for number in range(5)]
    for body in said:
        alice.say("lobby", body), bob.message(body=body)
    spare = {"action": "sendMessage", "roomId": "lobby", "body": "again", "clientMessageId": "spare"}

    disk.has(0) if kind == "full" else disk.is_read_only()
    for _ in range(3):
        alice.error("internal", spare)
        alice.error("internal", {"action": "sendMessage", "roomId": "lobby", "body": "never"})
        alice.error("internal", {"action": "sendMessage", "destinationUserId": "bob", "body": "never"})
        alice.error("internal", {"action": "joinRoom", "roomId": "elsewhere"})
        alice.error("internal", {"action": "leaveRoom", "roomId": "lobby"})
        assert server.publish("acme", roomId="lobby", senderId="robot", body="never")[0] == 500
        with pytest.raises(Exception, match="500"):
            open_socket(server, token("carol", "acme"))
    assert (FULL if kind == "full" else UNWRITABLE) in server.log()
    # Whoever reads is served.
    assert bodies(alice) == said and alice.ask("online")["count"] == alice.ask("online", roomId="lobby")["count"] == 2
    assert alice.ask("heartbeat", rooms=True)["rooms"] == {"lobby": 5}
    assert server.http("/healthz")[0] == server.http("/healthz", public=True)[0] == 200
    assert server.online("acme")["count"] == 2 and "alice" in muster("online", "acme", "--data", str(server.data)).stdout
    assert bob.left_over() == []
    bob.vanish()
    wait_for(lambda: "disconnect failed" in server.log(), 5, "the end of bob's connection")

    disk.has(ENOUGH)
    ack = alice.ask(**spare)
    assert (ack["type"], ack["seq"], ack.get("duplicate")) == ("ack", 6, None)
    assert alice.ask(**spare) == ack | {"duplicate": True}
    assert alice.whisper("dora", "at last")["seq"] == 1
    alice.join("elsewhere")
    carol = clients(server, "carol", "acme")
    assert carol.join("lobby", since=0)["recovered"]
    assert alice.event("presence", event="join")["userId"] == "carol"
    # His $disconnect came to nothing, and his lease ends.
    while not alice.events:
        alice.ask("heartbeat"), carol.ask("heartbeat")
    for member in (alice, carol):
        member.event("presence", event="leave", userId="bob", reason="expired")
    assert carol.say("lobby", "more")["seq"] == 7
    alice.message(body="more")
    server.kill()
    server.start()
    again = clients(server, "alice", "acme")
    again.join("lobby")
    assert bodies(again) == [*said, "again", "more"]


# Where a commit of some frames of 24 and 4,096 bytes after a head of 32 is cut.
ROOMS = [0, 1, 23, 24, 31, 32, 33, 56, 4095, 4096, 4119, 4120, 4121, 8240, 12_000, 12_360, 30_000, 60_000]


def test_wherever_the_space_ends_what_was_acked_is_there_once_and_nothing_else_unless_it_is_sent_again(servers):
    server, disk = on_disk(servers)
    server.start()
    client, said = joined(server), []
    for number, room in enumerate(ROOMS):
        disk.has(room)
        reply = {"type": "ack"}
        while reply["type"] == "ack":
            body = f"{len(said)} " + "x" * 700
            reply = client.ask("sendMessage", roomId="lobby", body=body, clientMessageId=body[:8])
            said += [body] if reply["type"] == "ack" else []
            assert len(said) < 1000
        assert reply["code"] == "internal"
        if number % 2:
            server.kill()
        disk.has(ENOUGH)
        if number % 2:
            server.start()
            client.close()
            client = joined(server)
            # What was cut off may be there or not, as after any call that did not say.
            assert bodies(client) in (said, [*said, body])
        client.say("lobby", body, clientMessageId=body[:8])
        said.append(body)
        assert bodies(client) == said
    client.close()
    server.kill()
    client = joined(server.start())
    assert bodies(client) == said
    client.close()


def joined(server: Server) -> Client:
    client = Client(server, "alice", "acme")
    client.join("lobby")
    return client


def test_a_log_that_cannot_be_moved_into_the_database_grows_until_the_disk_is_full_and_is_moved_later(servers):
    """16 MB of log and not as much space beside it: a checkpoint is begun again and again, and comes to nothing."""
    server, disk = on_disk(servers)
    client, said = joined(server.start()), 0
    disk.has(22 << 20)
    while client.ask("sendMessage", roomId="lobby", body=f"{said} " + "x" * 16_000)["type"] == "ack":
        said += 1
        assert said < 5000
    assert said > 300 and FULL in server.log()
    disk.has(ENOUGH)
    for number in range(50):
        assert client.say("lobby", f"{said + number} " + "x" * 16_000)["seq"] == said + number + 1
    assert [body.split()[0] for body in bodies(client)] == [f"{number}" for number in range(said + 50)]
    client.close()
    assert server.stop() == 0
    assert not (server.data / "chat.sqlite-wal").exists()


def test_it_stops_within_moments_on_a_full_disk_and_has_everything_at_the_next_start(servers, clients):
    server, disk = on_disk(servers)
    alice = clients(server.start(), "alice", "acme")
    alice.join("lobby"), alice.say("lobby", "kept")
    disk.has(0)
    assert server.stop() == 0 and alice.closed() == 1001
    disk.has(ENOUGH)
    assert server.start().online("acme")["count"] == 0
    again = clients(server, "alice", "acme")
    assert [message["body"] for message in again.join("lobby", since=0)["missed"]] == ["kept"]


def left_behind(server: Server, state: str):
    """The data folder as a start finds it."""
    shutil.rmtree(server.data, ignore_errors=True)
    if state == "an empty folder":
        server.data.mkdir()
    elif state != "no folder":
        client = joined(server.start())
        client.say("lobby", "kept")
        if state == "stopped":
            server.stop()
        server.kill()
        client.close()


def judge_start(server: Server, state: str):
    """It starts as if nothing had happened."""
    client = joined(server.start())
    assert bodies(client) == ([] if "folder" in state else ["kept"])
    client.close()
    server.kill()


STATES = ["no folder", "an empty folder", "stopped", "killed"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("room", [0, 1, 2000, 5000, 20_000])
def test_a_start_on_a_full_disk_is_one_line_that_says_so_and_spoils_nothing(servers, state, room):
    server, disk = on_disk(servers)
    left_behind(server, state)
    disk.has(room)
    line = server.refused()
    assert "free some" in line or "free space" in line or "No space left" in line, line
    disk.has(ENOUGH)
    judge_start(server, state)


@pytest.mark.parametrize("room", [0, 1, 20, 43])
def test_a_secret_for_which_there_is_no_space_is_made_by_the_next_start(servers, room):
    server, disk = on_disk(servers, secret=None)
    server.data.mkdir()
    disk.has(room)
    line = server.refused()
    assert "dev-secret" in line and "No space left" in line, line
    assert not (server.data / "dev-secret").exists()
    disk.has(ENOUGH)
    server.start()
    # As `muster token` takes it from there.
    assert len((server.data / "dev-secret").read_text()) == 44


@pytest.mark.parametrize("state", STATES)
def test_a_start_on_a_read_only_disk_is_one_line_that_says_so(servers, state):
    server, disk = on_disk(servers)
    left_behind(server, state)
    disk.is_read_only()
    line = server.refused()
    assert "data folder" in line and "Read-only file system" in line and "choose another with --data" in line, line
    disk.has(ENOUGH)
    judge_start(server, state)


# Root without capabilities is bound by modes as others are.
BOUND_BY_MODES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []


@pytest.mark.parametrize("name, mode, word", [
    ("", 0o500, "cannot write to the data folder"), ("", 0o000, "cannot open the data folder"),
    ("chat.sqlite", 0o400, "it may not be written"), ("chat.sqlite", 0o000, "check the path, its permissions"),
    ("chat.sqlite-wal", 0o400, "check the path, its permissions"), ("chat.sqlite-shm", 0o400, "check the path, its permissions"),
    ("dev-secret", 0o000, "cannot read"),
])
def test_a_start_on_what_may_not_be_written_or_read_is_one_line_that_says_so(servers, name, mode, word):
    server = servers(start=False, prefix=BOUND_BY_MODES, secret=None)
    server.start()
    server.kill()
    place = server.data / name
    was = place.stat().st_mode
    place.chmod(mode)
    line = server.refused()
    place.chmod(was)
    assert word in line and str(server.data) in line, line
    server.start()
