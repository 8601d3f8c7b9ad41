"""The service's verifier as a program: keys and tokens in, claims or the reason of a refusal out."""

import json
import subprocess
from pathlib import Path

from server import BINARY, environment

VERIFY = Path(BINARY).with_name("verify-tokens")


def exchange(requests: list[dict]) -> list[dict]:
    text = "".join(json.dumps(request) + "\n" for request in requests)
    run = subprocess.run([VERIFY], input=text, env=environment(), capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, f"{VERIFY} ended with {run.returncode}: {run.stderr}"
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(requests)
    return answers


def outcomes(keys: dict, tokens: list[str], now: float, **more) -> list[dict]:
    """What is said of each token under one set or secret, at a time in seconds."""
    given = [{"token": token, "now": int(now * 1000)} | more for token in tokens]
    return exchange([keys, *given])[1:]


def outcome(keys: dict, token: str, now: float) -> str | None:
    """The reason of a refusal, or None."""
    return outcomes(keys, [token], now)[0].get("refused")
