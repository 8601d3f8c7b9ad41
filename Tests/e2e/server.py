"""A real `muster serve` as a child process, on free ports and a folder of its own."""

import json
import os
import re
import select
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MUSTER_BINARY", str(ROOT / ".build/release/muster"))
HANDLERS_FOLDER = os.environ.get("MUSTER_HANDLERS_FOLDER", str(ROOT / "dist"))
SECRET = "an end-to-end secret of enough bytes"
MODES = ["in-process", "children"]
READY = re.compile(r"muster: listening on (ws://(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)) \(management http://(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)\)\n")
START_SECONDS = 10
STOP_SECONDS = 5


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without any setting of muster's, and then these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MUSTER_", "AWS_"))}
    return clean | variables


def muster(*arguments: str, timeout: float = 10, **variables: str) -> subprocess.CompletedProcess:
    """Runs one command of muster to its end."""
    return subprocess.run(
        [BINARY, *arguments], env=environment(**variables), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Server:
    """One server. `settings` are environment variables; a secret of None lets the server generate its own."""

    def __init__(self, folder: Path, mode: str = "in-process", *flags: str, secret: str | None = SECRET, prefix=(), **settings: str):
        self.mode = mode
        self.data = folder / "data"
        self.log_path = folder / "server.log"
        self.command = [
            *prefix, BINARY, "serve", "--port", "0", "--management", "127.0.0.1:0", "--data", str(self.data),
            "--log-level", "debug", *(["--handlers", HANDLERS_FOLDER] if mode == "children" else []), *flags]
        self.environment = environment(**({"MUSTER_JWT_SECRET": secret} if secret else {}), **settings)
        self.process = None
        self.started = 0.0

    def launch(self):
        """Starts it and waits for nothing."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)

    def start(self) -> "Server":
        """Starts it and waits until it is ready; `started` is then how many seconds that took."""
        line = self.attempt()
        assert line is None, f"it does not start: {line}"
        return self

    def refused(self) -> str:
        """Starts it and waits until it gives up; the one line that says why."""
        line = self.attempt()
        assert line is not None, "it starts"
        return line

    def attempt(self) -> str | None:
        """Starts it and waits until it is ready, or has given up: then the one line that says why."""
        before, place = time.monotonic(), len(self.log())
        self.launch()
        line = self._first_line(before + START_SECONDS)
        self.started = time.monotonic() - before
        if line:
            ready = READY.fullmatch(line)
            assert ready, f"no ready line but {line!r}\n{self.log()}"
            self.url, self.port, self.management = ready[1], int(ready[2]), f"http://127.0.0.1:{ready[3]}"
            return None
        code = self.process.wait(START_SECONDS)
        self.process.stdout.close()
        lines = [line for line in self.log()[place:].splitlines() if line.startswith("muster: ")]
        assert (code, len(lines)) == (1, 1), f"exit {code}\n{self.log()[place:]}"
        return lines[0]

    def _first_line(self, deadline: float) -> str:
        text = b""
        while not text.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                break
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                break
            text += byte
        return text.decode()

    def __enter__(self) -> "Server":
        return self if self.process else self.start()

    def __exit__(self, *_):
        self.kill()

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to stop; returns the exit code, or fails after five seconds."""
        self.process.send_signal(by)
        code = self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        return code

    def kill(self):
        """SIGKILL, unless it has ended."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def cpu_seconds(self) -> float:
        """User and system time of the server and its children so far."""
        ticks = os.sysconf("SC_CLK_TCK")
        pids = [self.process.pid, *self.children()]
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
        return sum(int(field[11]) + int(field[12]) for field in fields) / ticks

    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task")
        return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]

    def http(self, path: str, method: str = "GET", body=None, public: bool = False, headers: dict | None = None):
        """One request to the management listener, or the public one: its status, headers and body."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            (f"http://127.0.0.1:{self.port}" if public else self.management) + path, data, headers or {}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def memory(self) -> int:
        """Bytes of memory of its own that the process has, but for what files hold."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Anonymous:\s+(\d+) kB$", rollup, re.M)[1]) * 1024

    def descriptors(self) -> int:
        """All but the database's files, of which readers open more when many read at once."""
        folder, count = f"/proc/{self.process.pid}/fd", 0
        for name in os.listdir(folder):
            try:
                count += "/chat.sqlite" not in os.readlink(f"{folder}/{name}")
            except FileNotFoundError:
                pass  # It was closed meanwhile.
        return count

    def online(self, tenant: str, room: str | None = None) -> dict:
        status, _, body = self.http(f"/tenants/{tenant}/online" + (f"?room={room}" if room else ""))
        assert status == 200, body
        return json.loads(body)

    def publish(self, tenant: str, **event) -> tuple[int, dict]:
        status, _, body = self.http(f"/tenants/{tenant}/messages", "POST", event)
        return status, json.loads(body)


class Echo:
    """A real `muster echo` on a free port."""

    memory, descriptors = Server.memory, Server.descriptors

    def __enter__(self) -> "Echo":
        self.process = subprocess.Popen(
            [BINARY, "echo", "--port", "0"], env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        ready = re.fullmatch(rb"muster: echo on ws://127\.0\.0\.1:(\d+)\n", self.process.stdout.readline())
        assert ready
        self.port = int(ready[1])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
