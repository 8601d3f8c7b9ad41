"""The simulator over seeds that are always the same, and over some that nobody tried before: every invariant of Tests/Simulator holds."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from server import BINARY, environment

SIMULATE = Path(BINARY).with_name("simulate")
SECONDS = int(os.environ.get("MUSTER_SIMULATOR_SECONDS", "60"))


def simulate(*arguments: str, timeout: float = 30) -> subprocess.CompletedProcess:
    return subprocess.run([SIMULATE, *arguments], env=environment(), capture_output=True, text=True, timeout=timeout)


def judge(run: subprocess.CompletedProcess, capsys):
    with capsys.disabled():
        print(f"\n{run.stdout.strip()}")
    assert run.returncode == 0, f"{run.stdout}{run.stderr}"
    fewest = re.search(r"\((\d+) at least\)", run.stdout)
    assert fewest and int(fewest[1]) >= 100


@pytest.mark.timeout(600)
def test_two_thousand_seeds_break_no_invariant(capsys):
    judge(simulate("--seeds", "1-2000", "--quiet", timeout=590), capsys)


@pytest.mark.timeout(SECONDS + 60)
def test_seeds_that_nobody_tried_break_no_invariant(capsys):
    judge(simulate("--seconds", str(SECONDS), timeout=SECONDS + 50), capsys)


def test_one_seed_is_told_line_by_line_and_the_same_again():
    first, second = simulate("--seed", "7"), simulate("--seed", "7")
    assert first.returncode == 0 and first.stdout == second.stdout
    lines = first.stdout.splitlines()
    assert "seed 7" in lines[0] and "every invariant held" in lines[-1] and len(lines) > 200
    assert any(re.search(r"^ +\d+\.\d{3}  JoinRoom#\d+ transact ", line) for line in lines)


@pytest.mark.parametrize(
    "arguments, word",
    [(["--seeds", "5"], "--seeds"), (["--seeds", "9-2"], "--seeds"), (["--seed"], "--seed"), (["--jobs", "0"], "--jobs"), (["--fast"], "--fast")])
def test_wrong_usage_is_told_in_a_line(arguments, word):
    run = simulate(*arguments)
    assert run.returncode == 64 and run.stdout == "" and len(run.stderr.splitlines()) == 1 and word in run.stderr


def test_help():
    run = simulate("--help")
    assert run.returncode == 0 and "usage: simulate" in run.stdout
