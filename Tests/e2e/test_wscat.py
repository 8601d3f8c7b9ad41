"""Two people with wscat in two terminals, a third who looks who is online: what the server prints is enough. In both modes."""

import os
import re
import shlex
import subprocess

import pytest

from server import BINARY
from waiting import wait_for


class Terminals:
    """A tmux server of the test's own."""

    def __init__(self, folder):
        self.socket = str(folder / "tmux")
        # Debian's wscat finds its modules beside Debian's node only; another node on the PATH is told where they are.
        self.environment = {**os.environ, "NODE_PATH": "/usr/share/nodejs", "LANG": "C.UTF-8", "TERM": "xterm"}

    def tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", self.socket, *arguments], env=self.environment, check=True, capture_output=True, text=True).stdout

    def open(self, name: str):
        self.tmux("new-session", "-d", "-s", name, "-x", "400", "-y", "50", "env PS1='$ ' bash --norc --noprofile")
        self.sees(name, r"\$")

    def type(self, name: str, line: str):
        self.tmux("send-keys", "-t", name, "-l", line)
        self.tmux("send-keys", "-t", name, "Enter")

    def text(self, name: str) -> str:
        return self.tmux("capture-pane", "-p", "-J", "-t", name)

    def sees(self, name: str, pattern: str):
        return wait_for(lambda: re.search(pattern, self.text(name)), 10, f"{pattern!r} in {name}'s terminal")

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], env=self.environment, capture_output=True)


@pytest.fixture
def terminals(tmp_path):
    terminals = Terminals(tmp_path)
    yield terminals
    terminals.close()


def printed(server) -> str:
    """What the server says after the ready line."""
    os.set_blocking(server.process.stdout.fileno(), False)
    text = ""

    def more():
        nonlocal text
        text += (server.process.stdout.read() or b"").decode()
        return "Who is online" in text and text.endswith("\n")

    wait_for(more)
    return text


def test_two_people_chat_by_pasting_what_the_server_prints(servers, mode, terminals):
    server = servers(mode, secret=None)
    text = printed(server)
    lines = re.findall(r"^\s*(wscat -c '.*')\s+# (\w+)$", text, re.MULTILINE)
    join, say = re.findall(r'^\s*(\{"action":.*\})$', text, re.MULTILINE)
    (alice_line, alice), (bob_line, bob) = lines
    assert (alice, bob) == ("alice", "bob")
    for name, line in [("alice", alice_line), ("bob", bob_line)]:
        terminals.open(name)
        terminals.type(name, line)
        terminals.sees(name, r"Connected")
    terminals.type("alice", join)
    terminals.sees("alice", r'"type":"joined".*"memberCount":1')
    terminals.type("bob", join)
    terminals.sees("bob", r'"type":"joined".*"memberCount":2')
    terminals.sees("alice", r'"type":"presence","event":"join","roomId":"lobby","userId":"bob"')
    terminals.type("bob", say)
    terminals.sees("bob", r'"type":"ack"[^\n]*"seq":1')
    terminals.sees("alice", r'"type":"message"[^\n]*"senderId":"bob"[^\n]*"body":"hello"')
    terminals.type("alice", say.replace("hello", "hi yourself"))
    terminals.sees("bob", r'"type":"message"[^\n]*"seq":2[^\n]*"senderId":"alice"[^\n]*"body":"hi yourself"')
    who = re.search(r"Who is online: muster (online .*)$", text, re.MULTILINE)[1]
    terminals.open("third")
    terminals.type("third", f"{shlex.quote(BINARY)} {who}")
    terminals.sees("third", r"alice\s+1\s+20\d\d-.*\n\s*bob\s+1\s+20\d\d-")
    terminals.tmux("send-keys", "-t", "bob", "C-c")
    terminals.sees("alice", r'"event":"leave","roomId":"lobby","userId":"bob"[^\n]*"reason":"disconnected"')
    terminals.type("third", f"clear; {shlex.quote(BINARY)} {who}")
    terminals.sees("third", r"USER.*\n\s*alice\s+1\s+\S+\n\$")
