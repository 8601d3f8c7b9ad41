"""The command line: what is wrong exits 64 with one line, what fails exits 1 with one line that says what to do. Contract section 1."""

import json
import os
import re
import resource
import socket
import sqlite3
import stat
import subprocess
from pathlib import Path

import jwt as pyjwt
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from client import open_socket
from server import BINARY, SECRET, environment, muster
from tokens import token
from waiting import wait_for

WRONG = {
    "no command": [],
    "unknown command": ["serv"],
    "flag before the command": ["--port", "1", "serve"],
    "unknown flag": ["serve", "--prot", "1"],
    "single dash": ["serve", "-port", "1"],
    "argument too many": ["serve", "now"],
    "value missing": ["serve", "--port"],
    "value empty": ["serve", "--port="],
    "port no number": ["serve", "--port", "http"],
    "port negative": ["serve", "--port", "-1"],
    "port over": ["serve", "--port", "65536"],
    "port a fraction": ["serve", "--port", "80.5"],
    "management without port": ["serve", "--management", "127.0.0.1"],
    "management without host": ["serve", "--management", ":8081"],
    "management port over": ["serve", "--management", "127.0.0.1:99999"],
    "management off loopback without token": ["serve", "--management", "0.0.0.0:0"],
    "send queue tiny": ["serve", "--send-queue", "1"],
    "send queue a word": ["serve", "--send-queue", "1MB"],
    "stage with a slash": ["serve", "--stage", "a/b"],
    "handler concurrency 0": ["serve", "--handler-concurrency", "0"],
    "threads 0": ["serve", "--threads", "0"],
    "log level": ["serve", "--log-level", "loud"],
    "log format": ["serve", "--log-format", "xml"],
    "lease 0": ["serve", "--presence-ttl", "0"],
    "lease a word": ["serve", "--presence-ttl", "soon"],
    "lease in days": ["serve", "--presence-ttl", "1d"],
    "history TTL negative": ["serve", "--history-ttl", "-5"],
    "rate negative": ["serve", "--rate-limit", "-1"],
    "cap 0": ["serve", "--max-connections-per-user", "0"],
    "address cap negative": ["serve", "--max-connections-per-ip", "-1"],
    "address cap a word": ["serve", "--max-connections-per-ip", "many"],
    "age": ["serve", "--max-age", "2 h"],
    "idle": ["serve", "--idle-timeout", ""],
    "secret of 31 bytes": ["serve", "--jwt-secret", "x" * 31],
    "token without user": ["token", "--tenant", "acme"],
    "token without tenant": ["token", "--user", "alice"],
    "token of a malformed tenant": ["token", "--user", "alice", "--tenant", "a/b"],
    "token of a malformed user": ["token", "--user", "a\nb", "--tenant", "acme"],
    "token for ever": ["token", "--user", "alice", "--tenant", "acme", "--expires", "never"],
    "token by a short secret": ["token", "--user", "alice", "--tenant", "acme", "--jwt-secret", "short"],
    "online without tenant": ["online"],
    "online of two": ["online", "a", "b"],
    "online of a malformed tenant": ["online", "a/b"],
    "online of a malformed room": ["online", "acme", "--room", "a b"],
    "online json with a value": ["online", "acme", "--json=yes"],
    "kick nobody": ["kick", "--tenant", "acme"],
    "kick without tenant": ["kick", "alice"],
    "kick of a malformed tenant": ["kick", "alice", "--tenant", "a/b"],
    "kick of a malformed user": ["kick", "a\nb", "--tenant", "acme"],
    "kick of two": ["kick", "alice", "bob", "--tenant", "acme"],
    "kick in two places": ["kick", "alice", "--tenant", "acme", "--data", "d", "--table", "t"],
    "kick in a table and by a server": ["kick", "alice", "--tenant", "acme", "--management", "127.0.0.1:1", "--table", "t"],
    "kick without an endpoint": ["kick", "alice", "--tenant", "acme", "--table", "t"],
    "kick with no URL": ["kick", "alice", "--tenant", "acme", "--table", "t", "--endpoint", "live"],
    "kick by no address": ["kick", "alice", "--tenant", "acme", "--management", "x"],
    "echo port": ["echo", "--port", "x"],
}

WRONG_SETTINGS = {
    "MUSTER_JWT_SECRET": "too short", "MUSTER_PORT": "x", "MUSTER_PRESENCE_TTL": "-1", "MUSTER_LOG_LEVEL": "LOUD",
    "MUSTER_MAX_CONNECTIONS_PER_USER": "many", "MUSTER_RATE_LIMIT": "1.5", "MUSTER_MANAGEMENT": "x", "MUSTER_HISTORY_TTL": "x",
    "MUSTER_JWKS": "http://issuer.example/keys",
    "MUSTER_MAX_CONNECTIONS_PER_IP": "x", "MUSTER_ALLOWED_ORIGINS": "*", "MUSTER_MANAGEMENT_TOKEN": "with a blank",
}


def one_line(result, code: int) -> str:
    """What the command said on stderr; it must be one line and all it said."""
    assert (result.returncode, result.stdout) == (code, ""), result
    assert result.stderr.startswith("muster: ") and result.stderr.count("\n") == 1 and result.stderr.endswith("\n"), result.stderr
    return result.stderr


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_line_exits_64_with_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one_line(muster(*WRONG[name]), 64)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", WRONG_SETTINGS)
def test_a_wrong_setting_exits_64_and_is_named(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert name in one_line(muster("serve", **{name: WRONG_SETTINGS[name]}), 64)
    assert list(tmp_path.iterdir()) == []


def test_an_error_names_what_the_user_wrote_and_never_the_secret(tmp_path):
    line = one_line(muster("serve", "--jwt-secret", "my-own-short-secret", "--data", str(tmp_path / "d")), 64)
    assert "--jwt-secret" in line and "my-own-short-secret" not in line
    assert "--port" in one_line(muster("serve", "--port", "x"), 64)


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["serve", "--help"], ["token", "-h"], ["online", "--help"], ["kick", "--help"], ["echo", "--help"]])
def test_help_is_on_stdout(words):
    result = muster(*words)
    assert (result.returncode, result.stderr) == (0, "") and "usage: muster" in result.stdout
    assert len(result.stdout.splitlines()) > 4


def test_the_flag_is_before_the_environment_is_before_the_default(servers):
    server = servers("in-process", "--stage", "flagged", MUSTER_STAGE="set", MUSTER_MAX_CONNECTIONS_PER_USER="1")
    with open_socket(server, token("alice", "acme")):
        assert server.http("/set/@connections/x")[0] == 403
        assert server.http("/flagged/@connections/x")[0] != 403
        with pytest.raises(Exception, match="429"):
            open_socket(server, token("alice", "acme"))


def test_a_token_is_what_its_flags_say():
    result = muster(
        "token", "--user", "alice é", "--tenant", "acme", "--rooms", "lobby,team-*", "--role", "admin", "--expires", "90m", MUSTER_JWT_SECRET=SECRET)
    assert result.returncode == 0 and result.stderr == "" and result.stdout.count("\n") == 1
    claims = pyjwt.decode(result.stdout.strip(), SECRET, ["HS256"])
    assert {name: claims[name] for name in ("sub", "tenantId", "rooms", "roles")} == {
        "sub": "alice é", "tenantId": "acme", "rooms": ["lobby", "team-*"], "roles": ["admin"]}
    assert claims["exp"] - claims.get("iat", claims["exp"] - 5400) == 5400


def test_a_generated_secret_signs_tokens_and_is_its_owners_only(servers, clients):
    server = servers(secret=None)
    secret = server.data / "dev-secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    text = muster("token", "--user", "alice", "--tenant", "acme", "--data", str(server.data)).stdout.strip()
    clients(server, "alice", "acme", jwt=text).join("lobby")
    server.stop()
    server.start()
    clients(server, "alice", "acme", jwt=text).join("lobby")


def test_a_token_without_any_secret_says_what_to_do(tmp_path):
    assert "MUSTER_JWT_SECRET" in one_line(muster("token", "--user", "a", "--tenant", "b", "--data", str(tmp_path / "none")), 1)


def serve(folder: Path, *flags: str, prefix=(), **variables: str) -> subprocess.CompletedProcess:
    """A server that must not come up."""
    return subprocess.run(
        [*prefix, BINARY, "serve", "--port", "0", "--management", "127.0.0.1:0", "--data", str(folder), "--log-level", "error", *flags],
        env=environment(MUSTER_JWT_SECRET=SECRET, **variables), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)


def test_a_port_in_use_is_named(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for flags in [["--port", str(port)], ["--management", f"127.0.0.1:{port}"]]:
            assert str(port) in one_line(serve(tmp_path / "data", *flags), 1)


def test_an_address_of_another_machine_is_refused(tmp_path):
    assert "192.0.2.1" in one_line(serve(tmp_path / "data", "--host", "192.0.2.1"), 1)


def test_a_folder_that_cannot_be_made_or_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in [tmp_path / "file", tmp_path / "file" / "data", Path("/proc/nothing")]:
        assert str(folder) in one_line(serve(folder), 1)
    assert (tmp_path / "file").read_text() == "x" and [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_second_server_on_a_folder_is_refused_and_the_first_goes_on(servers, clients):
    server = servers()
    alice = clients(server, "alice", "acme")
    alice.join("lobby")
    assert "another" in one_line(serve(server.data), 1)
    assert alice.say("lobby", "still here")["seq"] == 1
    assert server.online("acme")["count"] == 1


def test_handlers_that_are_not_there_are_named(tmp_path):
    assert "bootstrap" in one_line(serve(tmp_path / "data", "--handlers", str(tmp_path / "none")), 1)


def foreign(path: Path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (x)")
        database.execute("INSERT INTO theirs VALUES ('precious')")
    database.close()


BAD_FILES = {
    "text": lambda path: path.write_text("this is no database, it is a letter\n" * 200),
    "random bytes": lambda path: path.write_bytes(os.urandom(8192)),
    "another program's database": foreign,
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_not_ours_is_refused_and_not_touched(tmp_path, name):
    folder = tmp_path / "data"
    folder.mkdir()
    database = folder / "chat.sqlite"
    BAD_FILES[name](database)
    before = database.read_bytes() if database.is_file() else None
    assert str(database) in one_line(serve(folder), 1)
    assert str(database) in one_line(muster("online", "acme", "--data", str(folder)), 1)
    assert (database.read_bytes() if database.is_file() else None) == before


def filled(servers, clients):
    """A stopped server's folder with 200 messages in it."""
    server = servers("in-process", "--rate-limit", "0")
    alice = clients(server, "alice", "acme")
    alice.join("lobby")
    for number in range(200):
        alice.say("lobby", f"{number} " + "x" * 500)
    assert server.stop() == 0
    alice.closed()
    return server


@pytest.mark.parametrize("damage", ["header", "pages", "cut"])
def test_a_damaged_database_is_refused(servers, clients, damage):
    server = filled(servers, clients)
    database = server.data / "chat.sqlite"
    raw = bytearray(database.read_bytes())
    if damage == "header":
        raw[:100] = os.urandom(100)
    elif damage == "pages":
        for offset in range(4096, len(raw), 4096):
            raw[offset:offset + 2000] = os.urandom(2000)
    else:
        raw = raw[:8192]
    database.write_bytes(raw)
    for suffix in ("-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    assert re.search("restore it from a copy|move it away", one_line(serve(server.data), 1))


def test_a_database_that_cannot_be_written_is_refused(servers, clients, tmp_path):
    server = filled(servers, clients)
    database = server.data / "chat.sqlite"
    database.chmod(0o400)
    # Root may write whatever the mode says, until it gives that right up.
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-dac_override,-dac_read_search,-fowner"]
    if os.getuid() == 0:
        drop += ["--reuid=0", "--no-new-privs"]
    assert str(database) in one_line(serve(server.data, prefix=drop if os.getuid() == 0 else ()), 1)
    before = database.read_bytes()
    assert before == database.read_bytes()


def test_a_full_disk_refuses_by_name_and_loses_nothing_that_was_acked(servers, clients):
    """The kernel's limit on a file's size stands for the disk's end: writes beyond it fail."""
    server = servers("in-process", "--rate-limit", "0")
    alice, bob = clients(server, "alice", "acme"), clients(server, "bob", "acme")
    alice.join("lobby"), bob.join("lobby")
    alice.event("presence")
    sizes = [path.stat().st_size for path in server.data.iterdir()]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (max(sizes) + 400_000, resource.RLIM_INFINITY))
    acked = 0
    for _ in range(200):
        reply = alice.ask("sendMessage", roomId="lobby", body="x" * 16000)
        if reply["type"] == "error":
            break
        acked += 1
        bob.message(seq=acked)
    assert (reply["code"], reply["status"]) == ("internal", 500) and acked > 5
    assert server.process.poll() is None, "a full disk ended the server"
    assert alice.ask("sendMessage", roomId="lobby", body="x" * 16000)["code"] == "internal"
    page = alice.ask("history", roomId="lobby", limit=3)["messages"]
    assert [message["seq"] for message in page] == [acked - 2, acked - 1, acked]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert alice.say("lobby", "room again")["seq"] == acked + 1
    bob.message(seq=acked + 1)
    server.kill()
    server.start()
    again = clients(server, "alice", "acme")
    assert again.join("lobby")["seq"] == acked + 1


def test_online_reads_the_file_beside_the_server_and_without_it(servers, clients):
    server = servers()
    alice, _ = clients(server, "alice", "acme"), clients(server, "bob", "acme")
    alice.join("lobby")
    printed = json.loads(muster("online", "acme", "--json", "--data", str(server.data)).stdout)
    assert printed == server.online("acme") and [user["userId"] for user in printed["users"]] == ["alice", "bob"]
    room = json.loads(muster("online", "acme", "--room", "lobby", "--json", "--data", str(server.data)).stdout)
    assert room == server.online("acme", "lobby") and room["count"] == 1
    table = muster("online", "acme", MUSTER_DATA=str(server.data)).stdout
    assert [line.split()[:2] for line in table.splitlines()[1:]] == [["alice", "1"], ["bob", "1"]]
    assert json.loads(muster("online", "nobody", "--json", "--data", str(server.data)).stdout) == {"tenantId": "nobody", "count": 0, "users": []}
    server.stop()
    alice.closed()
    after = muster("online", "acme", "--json", "--data", str(server.data))
    assert json.loads(after.stdout)["count"] == 0


def test_online_of_a_missing_folder_says_what_to_do_and_makes_nothing(tmp_path):
    assert "--data" in one_line(muster("online", "acme", "--data", str(tmp_path / "none")), 1)
    assert list(tmp_path.iterdir()) == []


def test_two_servers_on_two_folders_live_side_by_side(servers, clients):
    first, second = servers(), servers()
    clients(first, "alice", "acme").join("lobby")
    assert clients(second, "alice", "acme").join("lobby")["memberCount"] == 1


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_echo_returns_text_and_binary_of_any_size_up_to_16_mb():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    process = subprocess.Popen([BINARY, "echo", "--port", str(port)], env=environment(), stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: accepts(port))
        with connect(f"ws://127.0.0.1:{port}", max_size=None) as echo:
            for message in ["", "é", b"", b"\xff\x00", "x" * 65536, os.urandom(1 << 24)]:
                echo.send(message)
                assert echo.recv(20) == message
            assert "Sec-WebSocket-Extensions" not in echo.response.headers
            echo.send(bytes((1 << 24) + 1))
            with pytest.raises(ConnectionClosed) as closed:
                echo.recv(20)
            assert closed.value.rcvd.code == 1009
        process.terminate()
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
