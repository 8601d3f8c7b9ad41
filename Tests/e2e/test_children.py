"""`--handlers DIR`: the deployable executables as children, also when they fail. Contract sections 1 and 5."""

import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from client import open_socket
from server import HANDLERS_FOLDER
from tokens import token
from waiting import wait_for


@pytest.fixture
def handlers(tmp_path):
    """A copy of the handlers to break."""
    folder = tmp_path / "handlers"
    shutil.copytree(HANDLERS_FOLDER, folder)
    return folder


def broken(folder: Path, name: str, script: str = "exit 1"):
    bootstrap = folder / name / "bootstrap"
    bootstrap.unlink()
    bootstrap.write_text(f"#!/bin/sh\n{script}\n")
    bootstrap.chmod(0o755)


def names(server) -> Counter:
    """The handlers that run as children, by name."""
    return Counter(Path(os.readlink(f"/proc/{pid}/exe")).parent.name for pid in server.children())


def test_a_handler_that_fails_is_an_error_frame_and_the_connection_stays(servers, handlers, clients):
    broken(handlers, "History")
    server = servers("in-process", "--handlers", str(handlers))
    alice = clients(server, "alice", "acme")
    alice.join("lobby")
    for _ in range(3):
        error = alice.try_({"action": "history", "roomId": "lobby", "requestId": "mine"})
        assert error["message"] == "Internal server error" and error["connectionId"] == alice.id and error["requestId"] != "mine"
    assert alice.say("lobby", "still here")["seq"] == 1


def test_a_connect_handler_that_fails_is_502(servers, handlers):
    broken(handlers, "Connect")
    server = servers("in-process", "--handlers", str(handlers))
    with pytest.raises(Exception, match="502"):
        open_socket(server, token("alice", "acme"))
    assert server.online("acme")["count"] == 0


def test_a_child_that_was_killed_is_replaced(servers, clients):
    server = servers("children")
    alice = clients(server, "alice", "acme")
    alice.join("lobby")
    assert alice.say("lobby", "1")["seq"] == 1
    for expected in (2, 3):
        victims = [pid for pid in server.children() if os.readlink(f"/proc/{pid}/exe").endswith("/SendMessage/bootstrap")]
        assert victims
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not set(victims) & set(server.children()))
        assert alice.say("lobby", f"{expected}")["seq"] == expected


def test_busy_handlers_get_more_children_up_to_the_limit(servers, clients):
    server = servers("children", "--handler-concurrency", "2", "--rate-limit", "0")
    opened = [clients(server, f"user{number}", "acme") for number in range(8)]
    for client in opened:
        for _ in range(20):
            client.send({"action": "online"})
    most = Counter()
    for client in opened:
        for _ in range(20):
            assert client.reply()["count"] == 8
        most |= names(server)
    assert most["Online"] == 2 and max(most.values()) <= 2


def test_children_never_see_more_than_they_need(servers, clients):
    server = servers("children", AWS_SECRET_ACCESS_KEY="keep this from them")
    clients(server, "alice", "acme").join("lobby")
    assert len(names(server)) == 11
    for pid in server.children():
        assert b"keep this" not in Path(f"/proc/{pid}/environ").read_bytes()
