"""`make bench` works: a short run of it beside the raw send() loop, with nothing lost and everything written."""

import json
import os
import subprocess
import sys

import pytest

from server import BINARY, ROOT, environment

BENCH = [sys.executable, str(ROOT / "Tests/bench/bench.py"), "--muster", BINARY, "--runs", "1", "--seconds", "0.2", "--peers", "muster raw"]

needs_two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="the server has one core, the client another")


@pytest.fixture(scope="module", autouse=True)
def programs():
    subprocess.run(["make", "-s", "-C", ROOT, ".build/bench/client", ".build/bench/raw"], check=True, capture_output=True)


def bench(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([*BENCH, *arguments], env=environment(), capture_output=True, text=True, timeout=50)


@needs_two_cores
def test_a_case_is_measured_on_each_system_and_written_as_json(tmp_path):
    report = tmp_path / "bench.json"
    done = bench("--cases", "2", "--json", str(report))
    assert done.returncode == 0, done.stderr
    assert "10 senders" in done.stdout and "x raw" in done.stdout
    rows = {row["case"]: row["systems"] for row in json.loads(report.read_text())["cases"]}
    for system in ("muster", "raw"):
        run, = rows["2"][system]["runs"]
        assert run["deliveries"] > 0 and run["lost"] == run["duplicated"] == 0
        assert rows["2"][system]["median"]["cpu_micros"] > 0


@needs_two_cores
def test_a_server_that_does_not_start_and_a_report_that_cannot_be_written_are_said_and_the_rest_is_measured(tmp_path):
    done = bench("--cases", "3", "--muster", "/bin/false", "--json", str(tmp_path / "no" / "folder.json"))
    assert done.returncode == 1
    assert "muster did not start" in done.stderr and "was not written" in done.stderr
    assert " failed " in done.stdout and "raw" in done.stdout


@needs_two_cores
@pytest.mark.parametrize("wrong", [("--cases", "99"), ("--peers", "nobody"), ("--runs", "0"), ("--seconds", "x")])
def test_a_wrong_choice_is_refused(wrong):
    done = bench(*wrong)
    assert done.returncode == 2 and "error" in done.stderr
