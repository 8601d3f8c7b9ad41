"""Peers that are gone without a word: no FIN, no RST, nothing that ever comes back."""

import contextlib
import ctypes
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from client import Client
from crowd import UPGRADE
from tokens import token
from waiting import wait_for

PIDFD_GETFD = 438  # the number on every architecture
# TCP's own numbers of what the server asks of the kernel, and the README's two minutes in them.
OPTIONS = {
    "SO_KEEPALIVE": (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), "TCP_KEEPIDLE": (6, socket.TCP_KEEPIDLE, 60),
    "TCP_KEEPINTVL": (6, socket.TCP_KEEPINTVL, 15), "TCP_KEEPCNT": (6, socket.TCP_KEEPCNT, 4),
    "TCP_USER_TIMEOUT": (6, socket.TCP_USER_TIMEOUT, 120_000), "TCP_NODELAY": (6, socket.TCP_NODELAY, 1)}
# The same in a time that a test has. Set for a whole run by MUSTER_REAL_TIMEOUTS=1: the server's own.
SHORT = {"TCP_KEEPIDLE": 2, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 2, "TCP_USER_TIMEOUT": 4000}
IS_REAL = bool(os.environ.get("MUSTER_REAL_TIMEOUTS"))


@contextlib.contextmanager
def servers_sockets(server):
    """The server's connected sockets, as this process's own."""
    libc = ctypes.CDLL(None, use_errno=True)
    taken: list[socket.socket] = []
    process = os.pidfd_open(server.process.pid)
    try:
        for name in os.listdir(f"/proc/{server.process.pid}/fd"):
            if not os.readlink(f"/proc/{server.process.pid}/fd/{name}").startswith("socket:"):
                continue
            descriptor = libc.syscall(PIDFD_GETFD, process, int(name), 0)
            if descriptor < 0:
                pytest.skip(f"the kernel gives out no descriptors of a child: {os.strerror(ctypes.get_errno())}")
            taken.append(socket.socket(fileno=descriptor))
        yield [each for each in taken if not each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
    finally:
        for each in taken:
            each.close()
        os.close(process)


def test_both_listeners_have_the_kernel_look_for_dead_peers(servers, clients):
    server = servers()
    clients(server, "alice", "acme")
    with socket.create_connection(("127.0.0.1", int(server.management.rpartition(":")[2]))) as management:
        management.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert management.recv(100)
        with servers_sockets(server) as sockets:
            assert len(sockets) == 2
            for each in sockets:
                assert {name: each.getsockopt(level, number) for name, (level, number, _) in OPTIONS.items()} == {
                    name: value for name, (_, _, value) in OPTIONS.items()}


CLIENT = textwrap.dedent("""
    import socket, sys, time
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
    connection.sendall(sys.argv[3].encode().decode("unicode_escape").encode())
    frame = b'{"action":"joinRoom","roomId":"' + sys.argv[4].encode() + b'"}'
    connection.sendall(b"\\x81" + bytes([0x80 | len(frame)]) + bytes(4) + frame)
    answer = b""
    while b'"joined"' not in answer: answer += connection.recv(4096)
    print("joined", flush=True)
    connection.settimeout(None)
    while True: connection.recv(65536) or sys.exit(1)
""")


class Elsewhere:
    """Another machine, as far as TCP can tell: a network namespace at the end of a cable."""

    def __init__(self):
        # The last run's cable may still be on its way out.
        network = f"10.213.{os.getpid() % 256}"
        self.here, self.there = f"{network}.1", f"{network}.2"
        self.name, self.near, self.far = f"muster-{os.getpid()}", f"mn{os.getpid()}", f"mf{os.getpid()}"
        self.processes: list[subprocess.Popen] = []

    def ip(self, *words: str):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def __enter__(self) -> "Elsewhere":
        try:
            self.ip("netns", "add", self.name)
            self.ip("link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.name)
        except (OSError, subprocess.CalledProcessError):
            self.__exit__()
            pytest.skip("no network namespaces here")
        self.ip("addr", "add", f"{self.here}/30", "dev", self.near)
        self.ip("link", "set", self.near, "up")
        self.ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", self.far)
        self.ip("-n", self.name, "link", "set", self.far, "up")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdout.close()
        for words in (["link", "del", self.near], ["netns", "del", self.name]):
            subprocess.run(["ip", *words], capture_output=True)

    def join(self, server, tenant: str, user: str, room: str):
        handshake = UPGRADE.format(token=quote(token(user, tenant))).replace("\r", "\\r").replace("\n", "\\n")
        self.processes.append(subprocess.Popen(
            ["ip", "netns", "exec", self.name, sys.executable, "-c", CLIENT, self.here, str(server.port), handshake, room],
            stdout=subprocess.PIPE, text=True))
        assert self.processes[-1].stdout.readline() == "joined\n"

    def vanish(self):
        """From now on nothing comes back, and whoever sends is not told."""
        link = Path(f"/sys/class/net/{self.near}/address")
        assert link.exists()
        far = subprocess.run(["ip", "-n", self.name, "link", "show", self.far], check=True, capture_output=True, text=True).stdout
        self.ip("neigh", "replace", self.there, "lladdr", far.split("link/ether ")[1].split()[0], "dev", self.near, "nud", "permanent")
        self.ip("-n", self.name, "addr", "flush", "dev", self.far)


@pytest.mark.timeout(200)
def test_a_member_whose_machine_is_gone_leaves_in_bounded_time_idle_or_spoken_to(servers, tenant):
    with Elsewhere() as elsewhere:
        server = servers("in-process", "--host", "0.0.0.0", "--rate-limit", "0")
        quiet, busy = Client(server, "quiet", tenant), Client(server, "busy", tenant)
        quiet.join("quiet"), busy.join("busy")
        elsewhere.join(server, tenant, "dead-1", "quiet"), elsewhere.join(server, tenant, "dead-2", "busy")
        quiet.event("presence", event="join", userId="dead-1"), busy.event("presence", event="join", userId="dead-2")
        limit = 150.0
        if not IS_REAL:
            limit = 12.0
            with servers_sockets(server) as sockets:
                for each in sockets:
                    for name, value in SHORT.items():
                        each.setsockopt(6, OPTIONS[name][1], value)
        elsewhere.vanish()
        began, took = time.monotonic(), {}
        while len(took) < 2:
            assert time.monotonic() - began < limit, took
            # Data in flight to one of them, none to the other.
            busy.say("busy", "anyone there?")
            for client, user in ((quiet, "dead-1"), (busy, "dead-2")):
                if user not in took and client.left_over():
                    client.event("presence", event="leave", userId=user, reason="disconnected")
                    took[user] = time.monotonic() - began
            time.sleep(0.2)
        print(took)
        wait_for(lambda: server.online(tenant)["count"] == 2)
        quiet.close(), busy.close()
