"""The AWS CLI as the deployment's scripts call it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]


class CLIError(Exception):
    """A call that AWS or the CLI refused, with what it said."""


def fail(message: str) -> NoReturn:
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def find() -> str:
    """The CLI on the PATH, else the one of the tests."""
    installed = ROOT / ".venv/bin/aws"
    found = shutil.which("aws") or (str(installed) if installed.exists() else None)
    return found or fail("the AWS CLI is missing: install awscli, or run make test once, which brings one in .venv")


class AWS:
    """Calls of one account and region, whose credentials have been seen to work."""

    def __init__(self):
        self._command = find()
        self.region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or self._configured("region")
        if not self.region:
            fail("no region: set AWS_REGION, or run aws configure")
        os.environ["AWS_DEFAULT_REGION"] = self.region
        try:
            self.account = self("sts", "get-caller-identity")["Account"]
        except CLIError as error:
            fail(f"no credentials that work: set AWS_PROFILE, or run aws configure ({error})")

    def __call__(self, *arguments: str):
        """What a call answers, from its JSON; None if it answers nothing."""
        text = self.run(*arguments, "--output", "json")
        return json.loads(text) if text.strip() else None

    def run(self, *arguments: str) -> str:
        """The text that a command prints."""
        result = subprocess.run(
            [self._command, *arguments], env={**os.environ, "AWS_PAGER": ""}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode != 0:
            said = [line for line in result.stderr.replace("\r", "\n").splitlines() if line.strip() and not line.startswith("Uploading")]
            raise CLIError("\n".join(said[-10:]) or f"aws {arguments[0]} {arguments[1]} failed with {result.returncode}")
        return result.stdout

    def stack(self, name: str) -> dict | None:
        """A stack as it is; None if there is none."""
        try:
            return self("cloudformation", "describe-stacks", "--stack-name", name)["Stacks"][0]
        except CLIError as error:
            if "does not exist" in str(error):
                return None
            raise

    def failures(self, name: str) -> list[str]:
        """Why the stack's last operation failed, oldest first; what was only cancelled with it is left out."""
        reasons: list[str] = []
        for event in self("cloudformation", "describe-stack-events", "--stack-name", name)["StackEvents"]:
            if event["ResourceType"] == "AWS::CloudFormation::Stack" and event.get("ResourceStatusReason") == "User Initiated":
                break
            reason = event.get("ResourceStatusReason", "")
            if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason:
                reasons.append(f"{event['LogicalResourceId']}: {reason}")
        return reasons[::-1]

    def _configured(self, name: str) -> str | None:
        try:
            return self.run("configure", "get", name).strip()
        except CLIError:
            return None


def outputs(stack: dict) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
