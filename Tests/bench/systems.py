"""The servers that are compared: each is started on a free port with one core, and says which processes to measure."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECRET = "a secret of the bench, of enough bytes"


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(user: str) -> str:
    claims = {"sub": user, "tenantId": "bench", "exp": int(time.time()) + 3600}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class System:
    """One server while it runs. `processes` are those whose CPU and memory count."""

    name = ""
    program = ""

    @classmethod
    def is_there(cls) -> bool:
        return shutil.which(cls.program) is not None

    def __init__(self, folder: Path, cores: set[int], threads: int = 1):
        self.folder, self.cores, self.threads = folder, cores, threads
        self.port = free_port()

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def __enter__(self) -> "System":
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=clean | self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, self.cores))
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(f"{self.name} did not start: {error}\n{self.log()}") from error
                time.sleep(0.02)
        self.processes = self.measured()
        return self

    def measured(self) -> list[int]:
        return [self.process.pid]

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def cpu_seconds(self) -> float:
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self.processes)

    def settle(self):
        """Returns when the server has nothing left to do, such as ending the connections of the last case."""
        deadline, before = time.monotonic() + 20, self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.15)
            after = self.cpu_seconds()
            if after - before < 0.003:
                return
            before = after

    def log(self) -> str:
        return (self.folder / f"{self.name}.log").read_text("utf-8", "replace")[-2000:]


class Muster(System):
    name = "muster"
    program = str(HERE.parents[1] / ".build/release/muster")

    def command(self):
        return [
            self.program, "serve", "--port", str(self.port), "--management", "127.0.0.1:0", "--data", str(self.folder / "data"),
            "--threads", str(self.threads), "--rate-limit", "0", "--log-level", "warning"]

    def environment(self):
        return {"MUSTER_JWT_SECRET": SECRET}

    def tokens(self, count: int) -> Path:
        """A file with the tokens of so many users."""
        path = self.folder / "tokens"
        path.write_text("".join(f"{token(f'user-{number}')}\n" for number in range(count)))
        return path


class Nats(System):
    name = "nats"
    program = "nats-server"

    def command(self):
        settings = self.folder / "nats.conf"
        settings.write_text(
            f"host: 127.0.0.1\nport: {free_port()}\nping_interval: \"10m\"\nmax_connections: 100000\n"
            f"websocket {{ host: 127.0.0.1, port: {self.port}, no_tls: true }}\n")
        return ["nats-server", "-c", str(settings)]


class Nchan(System):
    name = "nchan"
    program = "nginx"

    def command(self):
        settings = self.folder / "nginx.conf"
        settings.write_text(f"""
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off;
{'user root;' if os.getuid() == 0 else ''}
worker_processes 1;
worker_rlimit_nofile 65536;
pid {self.folder}/nginx.pid;
error_log {self.folder}/nginx-error.log error;
events {{ worker_connections 40000; }}
http {{
  access_log off;
  client_body_temp_path {self.folder}/body;
  proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi;
  uwsgi_temp_path {self.folder}/uwsgi;
  scgi_temp_path {self.folder}/scgi;
  nchan_shared_memory_size 256M;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    location /sub {{ nchan_subscriber websocket; nchan_channel_id $arg_id; nchan_subscriber_first_message newest; }}
    location /pub {{ nchan_publisher websocket; nchan_channel_id $arg_id; nchan_message_buffer_length 64; }}
  }}
}}
""")
        return ["nginx", "-p", str(self.folder), "-e", str(self.folder / "nginx-error.log"), "-c", str(settings)]


    def measured(self):
        """The worker too; the master listens before it starts one."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        deadline = time.monotonic() + 10
        while not (workers := children.read_text().split()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"nginx started no worker\n{self.log()}")
            time.sleep(0.02)
        return [self.process.pid, *map(int, workers)]


class Ws(System):
    name = "ws"
    program = "node"

    def command(self):
        return ["node", str(HERE / "rooms.js"), str(self.port)]

    def environment(self):
        return {"NODE_PATH": "/usr/share/nodejs"}


class Raw(System):
    name = "raw"
    program = str(HERE.parents[1] / ".build/bench/raw")

    def command(self):
        return [self.program, str(self.port)]


ALL = {system.name: system for system in (Muster, Raw, Nchan, Nats, Ws)}
