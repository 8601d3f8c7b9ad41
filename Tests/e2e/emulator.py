"""An emulator of AWS (ministack) as a child process, and the service deployed to it as `make deploy` would."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

from server import ROOT, SECRET, environment
from waiting import wait_for

BIN = Path(sys.executable).parent
DIST = Path(os.environ.get("MUSTER_DIST", ROOT / "dist"))
REGION = "eu-west-1"
START_SECONDS = 30
DEPLOY_SECONDS = 120


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Emulator:
    """One emulator on a free port of the loopback, with its files in a folder of its own."""

    def __init__(self, folder: Path):
        self.log_path = folder / "emulator.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        scratch = folder / "scratch"
        scratch.mkdir()
        self._environment = environment(
            GATEWAY_PORT=str(self.port), AWS_ENDPOINT_URL=self.url, BIND_HOST="127.0.0.1", MINISTACK_HOST="127.0.0.1",
            MINISTACK_REGION=REGION, S3_DATA_DIR=str(folder / "s3"), TMPDIR=str(scratch), LAMBDA_EXECUTOR="local")
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Emulator":
        with open(self.log_path, "ab") as log:
            # A session of its own, so that the functions it starts end with it.
            self._process = subprocess.Popen(
                [BIN / "ministack"], env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_for(self._is_ready, START_SECONDS, "the emulator")
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, f"the emulator ended\n{self.log()}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/_ministack/health", timeout=1) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def client(self, service: str, **options):
        """A client of boto3 that tries once, so that a test sees every refusal."""
        return boto3.client(
            service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
            **{"endpoint_url": self.url} | options, config=Config(retries={"max_attempts": 0}, proxies={}))

    def script(self, name: str, *, timeout: float = DEPLOY_SECONDS, **variables: str) -> subprocess.CompletedProcess:
        """Runs `deploy/NAME` with this emulator as AWS."""
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [sys.executable, ROOT / "deploy" / name],
            env=environment(**{
                "PATH": path, "AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "DIST": str(DIST)} | variables),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)

    def deploy(self, stack: str = "muster", secret: str = SECRET, **parameters: str) -> "Deployment":
        words = " ".join(f"{name}={value}" for name, value in parameters.items())
        done = self.script("deploy", STACK=stack, MUSTER_JWT_SECRET=secret, PARAMETERS=words)
        assert done.returncode == 0, done.stderr + self.log()[-2000:]
        return Deployment(self, stack, done.stdout)


class Deployment:
    """A deployed stack; `url` is what a client of the tests connects to."""

    def __init__(self, emulator: Emulator, stack: str, printed: str):
        self.emulator, self.stack, self.printed = emulator, stack, printed
        described = emulator.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        self.status = described["StackStatus"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        self.url = self.outputs["WebSocketUrl"]
        self.table = self.outputs["TableName"]

    def function(self, handler: str) -> str:
        return f"{self.stack}-{handler}"

    def resources(self) -> dict[str, dict]:
        """Every resource by its logical id."""
        pages = self.emulator.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack)
        return {each["LogicalResourceId"]: each for page in pages for each in page["StackResourceSummaries"]}
