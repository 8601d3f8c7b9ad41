"""Runs a command with an emulator of AWS beside it: python emulator.py COMMAND [ARGUMENT...]

The command finds it at MUSTER_DYNAMODB_ENDPOINT, and with MUSTER_REQUIRE_EMULATOR=1 it may not do without.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

START_SECONDS = 60
REGION = "us-east-1"


class Emulator:
    """A ministack of one's own on a free port, with nothing in it."""

    def __init__(self, log: Path | None = None):
        self.log_path = log
        self.folder = None
        self.process = None
        self.endpoint = ""

    def __enter__(self) -> "Emulator":
        self.folder = tempfile.TemporaryDirectory(prefix="muster-emulator-")
        folder = Path(self.folder.name)
        self.log_path = self.log_path or folder / "log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MINISTACK_", "MUSTER_"))}
        settings = {
            "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "AWS_ENDPOINT_URL": self.endpoint,
            "HOME": str(folder), "TMPDIR": str(folder)}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("ministack")], env=clean | settings, cwd=folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        deadline = time.monotonic() + START_SECONDS
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            try:
                opener.open(self.endpoint + "/_ministack/health", timeout=1).close()
                return
            except (urllib.error.URLError, OSError) as error:
                log = self.log_path.read_text("utf-8", "replace")[-2000:]
                assert self.process.poll() is None, f"the emulator ended with {self.process.returncode}\n{log}"
                assert time.monotonic() < deadline, f"no answer from the emulator: {error}\n{log}"
                time.sleep(0.05)

    def __exit__(self, *_):
        # Its whole session: what it runs functions in goes with it.
        for by in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, by)
                self.process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        self.folder.cleanup()

    def variables(self) -> dict[str, str]:
        return {"MUSTER_DYNAMODB_ENDPOINT": self.endpoint, "MUSTER_REQUIRE_EMULATOR": "1"}


if __name__ == "__main__":
    with Emulator() as emulator:
        sys.exit(subprocess.run(sys.argv[1:], env=os.environ | emulator.variables()).returncode)
