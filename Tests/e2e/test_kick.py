"""`muster kick`: every connection of a user ends, and tokens issued before let nobody in. Contract sections 1, 2 and 5."""

import json
import re
import threading
import time
from contextlib import closing, suppress
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from client import open_socket
from server import muster
from tokens import token
from validate import check

LINE = re.compile(r"kicked (.+) of (\S+): (\d+) connections? closed; tokens issued until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.999Z) are refused\n")


def kick(server, user: str, tenant: str = "acme", *arguments: str, **variables: str) -> int:
    """Runs the command beside a server, or its folder; how many connections it closed."""
    done = muster("kick", user, "--tenant", tenant, "--data", str(server.data), *arguments, **variables)
    assert (done.returncode, done.stderr) == (0, ""), done
    said = LINE.fullmatch(done.stdout)
    assert said and said[1] == user and said[2] == tenant, done.stdout
    return int(said[3])


def fresh(user: str, tenant: str = "acme", **claims) -> str:
    return token(user, tenant, **{"iat": int(time.time())} | claims)


def status(server, jwt: str) -> int:
    try:
        with open_socket(server, jwt):
            return 200
    except InvalidStatus as refusal:
        return refusal.response.status_code


def test_a_kicked_user_is_out_and_comes_back_with_a_new_token_only(servers, mode, clients):
    server = servers(mode)
    old = fresh("alice")
    ageless = token("alice", "acme")
    bob = clients(server, "bob", "acme")
    bob.join("lobby")
    devices = [clients(server, "alice", "acme", jwt=jwt) for jwt in (old, old, ageless)]
    for device in devices[:2]:
        device.join("lobby")
    bob.event("presence", event="join", userId="alice")
    assert kick(server, "alice") == 3
    assert [device.closed() for device in devices] == [4403, 4403, 4403]
    bob.event("presence", event="leave", userId="alice", reason="disconnected")
    assert [status(server, jwt) for jwt in (old, ageless)] == [401, 401]
    assert status(server, fresh("alice", "globex")) == 200
    alice = clients(server, "alice", "acme", jwt=fresh("alice"))
    alice.error("unauthorized", {"action": "refreshToken", "token": old})
    assert alice.ask("refreshToken", token=fresh("alice"))["type"] == "refreshed"
    assert alice.join("lobby")["memberCount"] == 2
    bob.event("presence", event="join", userId="alice")
    assert kick(server, "nobody") == 0
    assert bob.say("lobby", "still here")["seq"] == 1
    alice.message(body="still here")


def test_a_refusal_survives_the_server_and_its_death(servers, mode):
    server = servers(mode)
    old = fresh("alice")
    assert status(server, old) == 200
    kick(server, "alice")
    server.kill()
    server.start()
    assert status(server, old) == 401
    server.stop()
    server.start()
    assert [status(server, jwt) for jwt in (old, fresh("alice"))] == [401, 200]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_without_a_server_the_file_is_written(servers, clients, end):
    server = servers()
    old = {user: fresh(user) for user in ("alice", "nobody")}
    alice = clients(server, "alice", "acme", jwt=old["alice"])
    alice.join("lobby")
    getattr(server, end)()
    # One that was killed leaves where it was managed: nobody listens there any more.
    assert (server.data / "management").exists() == (end == "kill")
    assert kick(server, "alice") == (end == "kill"), "the last run's connection, if it was left"
    assert kick(server, "nobody") == 0
    assert json.loads(muster("online", "acme", "--json", "--data", str(server.data)).stdout)["count"] == 0
    server.start()
    assert [status(server, old[user]) for user in old] == [401, 401]
    assert [status(server, fresh(user)) for user in old] == [200, 200]


def test_no_connect_slips_past_a_kick(servers, mode):
    server = servers(mode, MUSTER_MAX_CONNECTIONS_PER_USER="1000")
    old = fresh("alice")
    done, opened = threading.Event(), []

    def come_in():
        while not done.is_set():
            with suppress(InvalidStatus):
                opened.append(open_socket(server, old))

    threads = [threading.Thread(target=come_in) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        while len(opened) < 20:
            time.sleep(0.01)
        kick(server, "alice")
        assert server.online("acme")["count"] == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert status(server, old) == 401
    for socket in opened:
        with closing(socket), pytest.raises(ConnectionClosed) as end:
            socket.recv(5)
        assert end.value.rcvd.code == 4403
    assert status(server, fresh("alice")) == 200


def test_the_management_listener_kicks(server, tenant, enter):
    for user in ("alice", "bo#b/../ü %41", "..", "x" * 256):
        client = enter(user)
        path = f"/tenants/{tenant}/users/{quote(user, safe='')}/kick"
        code, _, body = server.http(path, "POST")
        report = check("kick-report.json", json.loads(body))
        assert code == 200 and (report["userId"], report["tenantId"], report["connections"]) == (user, tenant, 1)
        assert client.closed() == 4403
        assert server.http(path)[0] == 405
    for path in (f"/tenants/a%20b/users/alice/kick", f"/tenants/{tenant}/users/%00/kick", f"/tenants/{tenant}/users//kick",
                 f"/tenants/{tenant}/users/%ff/kick", f"/tenants/{tenant}/users/{'x' * 257}/kick"):
        assert server.http(path, "POST")[0] == 400, path
    assert server.http(f"/tenants/{tenant}/users/alice", "POST")[0] == 404
    assert server.http(f"/tenants/{tenant}/users/alice/kick", "POST", public=True)[0] in (404, 405)


def test_a_listener_that_wants_a_token_gets_it_from_the_environment(servers, clients):
    server = servers(MUSTER_MANAGEMENT_TOKEN="a-management-token")
    alice = clients(server, "alice", "acme")
    words = ["kick", "alice", "--tenant", "acme"]
    address = server.management.removeprefix("http://")
    for where in (["--data", str(server.data)], ["--management", address]):
        for variables in ({}, {"MUSTER_MANAGEMENT_TOKEN": "another token"}):
            refused = muster(*words, *where, **variables)
            assert (refused.returncode, refused.stdout) == (1, "") and "MUSTER_MANAGEMENT_TOKEN" in refused.stderr
    assert alice.ask("heartbeat")["type"] == "heartbeat"
    done = muster(*words, "--management", address, "--json", MUSTER_MANAGEMENT_TOKEN="a-management-token")
    assert check("kick-report.json", json.loads(done.stdout))["connections"] == 1
    assert alice.closed() == 4403
    assert kick(server, "alice", MUSTER_MANAGEMENT_TOKEN="a-management-token", MUSTER_MANAGEMENT="127.0.0.1:9") == 0
    assert "a-management-token" not in server.log() + (server.data / "management").read_text()


def test_where_a_server_is_managed_is_its_owners_business_while_it_runs(servers):
    server = servers("in-process", "--management-token", "x", "--management", "0.0.0.0:0")
    file = server.data / "management"
    assert file.read_text() == f"127.0.0.1 {server.management.rpartition(':')[2]}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    server.stop()
    assert not file.exists()


def test_who_cannot_be_asked_is_named(servers, tmp_path):
    def failed(*arguments: str) -> str:
        done = muster("kick", "alice", "--tenant", "acme", *arguments, timeout=30)
        assert (done.returncode, done.stdout) == (1, "") and done.stderr.count("\n") == 1, done
        return done.stderr

    assert "--data" in failed("--data", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
    assert "nobody listens" in failed("--management", "127.0.0.1:9")
    server = servers()
    (server.data / "management").write_text("127.0.0.1 9\n")
    assert "--management" in failed("--data", str(server.data))
