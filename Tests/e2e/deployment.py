"""The service deployed to an emulator of AWS, as `make deploy` deploys it."""

import os
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.config import Config

from emulator import REGION, Emulator
from server import ROOT, SECRET, environment

DIST = Path(os.environ.get("MUSTER_DIST", ROOT / "dist"))
SECONDS = 120


def client(emulator: Emulator, service: str, **options):
    """A client of boto3 that tries once, so that a test sees every refusal."""
    return boto3.client(
        service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
        **{"endpoint_url": emulator.endpoint} | options, config=Config(retries={"max_attempts": 0}, proxies={}, read_timeout=SECONDS))


def script(emulator: Emulator, name: str, **variables: str) -> subprocess.CompletedProcess:
    """Runs `deploy/NAME` with this emulator as AWS."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, ROOT / "deploy" / name],
        env=environment(**{
            "PATH": path, "AWS_ENDPOINT_URL": emulator.endpoint, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "DIST": str(DIST)} | variables),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)


def deploy(emulator: Emulator, stack: str = "muster", **parameters: str) -> "Deployment":
    words = " ".join(f"{name}={value}" for name, value in parameters.items())
    done = script(emulator, "deploy", STACK=stack, MUSTER_JWT_SECRET=SECRET, PARAMETERS=words)
    assert done.returncode == 0, done.stderr + emulator.log_path.read_text("utf-8", "replace")[-2000:]
    return Deployment(emulator, stack, done.stdout)


class Deployment:
    """A deployed stack; `url` is what a client of the tests connects to."""

    def __init__(self, emulator: Emulator, stack: str, printed: str):
        self.emulator, self.stack, self.printed = emulator, stack, printed
        described = self.aws("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        self.status = described["StackStatus"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        self.url, self.table = self.outputs["WebSocketUrl"], self.outputs["TableName"]

    def aws(self, service: str, **options):
        return client(self.emulator, service, **options)

    def function(self, handler: str) -> str:
        return f"{self.stack}-{handler}"

    def resources(self) -> dict[str, dict]:
        """Every resource by its logical id."""
        pages = self.aws("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack)
        return {each["LogicalResourceId"]: each for page in pages for each in page["StackResourceSummaries"]}
