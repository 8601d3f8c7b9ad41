"""No descriptor and no byte is left by a connection, however it ended. `make leaks CONNECTS=1000000` for a million."""

import os
import time

import pytest

from connects import ECHO_WAYS, Connects
from server import Echo
from tokens import token
from waiting import wait_for

COUNT = int(os.environ.get("MUSTER_CONNECTS", "20000"))
USERS = 500
# Bytes that memory may have grown by over the connects that are measured, of which each may leave next to nothing.
# A server's grows with its file, up to the caches of SQLite.
SLACK, ECHO_SLACK, PER_CONNECT = 3 << 20, 256 << 10, 2


# Descriptors that a runtime opens for itself, some time after the server is ready: an epoll, an eventfd and a timer.
RUNTIME = 4


def settled(process) -> int:
    """How many descriptors there are, once ten looks in a row agree."""
    looks: list[int] = []

    def agreed():
        looks.append(process.descriptors())
        return len(set(looks[-10:])) == 1 and len(looks) >= 10

    wait_for(agreed, 20, "a number of descriptors that stays")
    return looks[-1]


def measure(process, connects: Connects, count: int, at_rest, slack: int, capsys, name: str):
    """Makes the connections in eight parts: memory is warm after the first half."""
    at_start = process.descriptors()
    connects.make(count // 8)
    wait_for(at_rest, 20, "the end of the first connections")
    base, began, memory = settled(process), time.monotonic(), []
    assert base <= at_start + RUNTIME, f"{base} descriptors after {count // 8} connects, {at_start} before"
    for _ in range(8):
        connects.make(count // 8)
        wait_for(lambda: at_rest() and process.descriptors() <= base, 20, f"the end of all but {base} descriptors")
        memory.append(process.memory())
    took, growth = time.monotonic() - began, memory[-1] - memory[3]
    with capsys.disabled():
        print(
            f"\n{name}: {connects.count} connects in {took:.0f} s, {connects.count / took:.0f}/s; descriptors {base} before and "
            f"{process.descriptors()} after; memory {[bytes // 1024 for bytes in memory]} KB")
    assert growth < slack + PER_CONNECT * count // 2, f"{growth} bytes more after {count // 2} connects: {memory}"


@pytest.mark.timeout(60 + COUNT // 300)
def test_connections_leave_nothing_behind(servers, capsys):
    server = servers("in-process", "--log-level", "error")
    connects = Connects(server.port, [token(f"user-{number}", "acme", expires=7200) for number in range(USERS)])
    measure(server, connects, COUNT, lambda: server.online("acme")["count"] == 0, SLACK, capsys, "serve")
    assert not server.log(), server.log()[:2000]


@pytest.mark.timeout(60 + COUNT // 300)
def test_connections_to_the_echo_leave_nothing_behind(capsys):
    with Echo() as echo:
        connects = Connects(echo.port, [""], ECHO_WAYS)
        measure(echo, connects, COUNT // 2, lambda: True, ECHO_SLACK, capsys, "echo")
