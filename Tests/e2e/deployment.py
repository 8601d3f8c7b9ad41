"""The service deployed to an emulator of AWS, as `make deploy` deploys it."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
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

    def invoke(self, handler: str, event) -> dict:
        """What a function answers to an event; a failure of the function fails the test."""
        answer = self.aws("lambda").invoke(FunctionName=self.function(handler), Payload=json.dumps(event).encode())
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    def log(self, handler: str) -> list[str]:
        """What the function has logged, oldest first."""
        pages = self.aws("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{self.function(handler)}")
        return [event["message"] for page in pages for event in page["events"]]

    def recent(self) -> list[str]:
        """The last lines of every function that has logged something, for whoever looks into a failure."""
        groups = self.aws("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{self.stack}-")["logGroups"]
        names = [group["logGroupName"].rpartition("-")[2] for group in groups]
        return [f"{name}: {line.rstrip()}" for name in names for line in self.log(name)[-15:] if not line.startswith(("START", "END", "REPORT"))]

    def metrics(self, handler: str) -> list[dict]:
        """The metrics that the function wrote, a dictionary for each invocation."""
        lines = [json.loads(line) for line in self.log(handler) if line.startswith("{")]
        return [line for line in lines if "_aws" in line]

    def management(self):
        """boto3's client of @connections, as a backend would make it."""
        return self.aws("apigatewaymanagementapi", endpoint_url=self.outputs["ConnectionsEndpoint"])

    def item(self, pk: str, sk: str = "META") -> dict | None:
        """An item as DynamoDB writes it, read strongly."""
        key = {"PK": {"S": pk}, "SK": {"S": sk}}
        return self.aws("dynamodb").get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")

    def set(self, pk: str, name: str, value: int, sk: str = "META"):
        """Sets one number of an item."""
        self.aws("dynamodb").update_item(
            TableName=self.table, Key={"PK": {"S": pk}, "SK": {"S": sk}}, UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name}, ExpressionAttributeValues={":value": {"N": str(value)}})

    @contextmanager
    def without(self, handler: str):
        """The function is throttled meanwhile: what would invoke it is lost, as an overloaded account loses it."""
        self.aws("lambda").put_function_concurrency(FunctionName=self.function(handler), ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            self.aws("lambda").delete_function_concurrency(FunctionName=self.function(handler))

    def resources(self) -> dict[str, dict]:
        """Every resource by its logical id."""
        pages = self.aws("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack)
        return {each["LogicalResourceId"]: each for page in pages for each in page["StackResourceSummaries"]}
