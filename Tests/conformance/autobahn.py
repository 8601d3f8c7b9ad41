"""Holds `muster echo` against Autobahn|Testsuite: every case must be OK, none merely non-strict.

Usage: autobahn.py MUSTER FOLDER. The suite runs on Python 2.7 only, and is installed into FOLDER once. Prints one line of
summary and one for each case that is not OK; exit 1 then.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
GROUPS = ["1", "2", "3", "4", "5", "6", "7", "9", "10"]  # 12 and 13 are compression, which is never negotiated.
CASES = 301
# The suite judges nothing here: what a peer may do is up to it.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}
STOP_SECONDS = 5


def python27() -> str:
    """Any Python 2.7 that runs: the variable PYTHON27, the PATH, pyenv."""
    candidates = [os.environ["PYTHON27"]] if os.environ.get("PYTHON27") else ["python2.7"]
    if not os.environ.get("PYTHON27") and shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True).stdout.strip()
        candidates += sorted(map(str, Path(root).glob("versions/2.7*/bin/python2.7")))
    for candidate in candidates:
        try:
            # pyenv's own python2.7 on the PATH fails where that version is not the chosen one.
            question = [candidate, "-c", "import sys, pip; sys.exit(sys.version_info[:2] != (2, 7))"]
            if subprocess.run(question, stderr=subprocess.DEVNULL).returncode == 0:
                return candidate
        except OSError:
            pass
    sys.exit(
        f"no Python 2.7 with pip among: {', '.join(candidates)}. Autobahn|Testsuite needs one, with its headers: "
        "`pyenv install 2.7.18`, or name it with PYTHON27=/path/to/python2.7")


def install(python: str, folder: Path):
    """Installs the suite, unless it is there. A user base serves as virtual environment: Python 2.7 has none of its own."""
    stamp = folder / "requirements.txt"
    if stamp.exists() and stamp.read_bytes() == REQUIREMENTS.read_bytes():
        return
    print("conformance: installing Autobahn|Testsuite, some minutes", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    options = ["--user", "--ignore-installed", "--no-deps", "--quiet", "--no-warn-script-location"]
    with open(folder / "install.log", "wb") as log:
        done = subprocess.run(
            [python, "-m", "pip", "install", *options, "-r", REQUIREMENTS],
            env=os.environ | {"PYTHONUSERBASE": str(folder)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    if done.returncode:
        sys.exit(f"Autobahn|Testsuite could not be installed:\n{(folder / 'install.log').read_text('utf-8', 'replace')[-2000:]}")
    shutil.copy(REQUIREMENTS, stamp)


def run(muster: str, python: str, folder: Path) -> dict:
    """Runs the suite against a fresh server; the report, by case."""
    reports = folder / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    server = subprocess.Popen([muster, "echo", "--port", "0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        ready = re.fullmatch(r"muster: echo on (ws://\S+)\n", server.stdout.readline())
        if not ready:
            sys.exit(f"{muster} echo did not start")
        specification = folder / "fuzzingclient.json"
        specification.write_text(json.dumps({
            "outdir": str(reports), "servers": [{"agent": "muster", "url": ready[1]}],
            "cases": [f"{group}.*" for group in GROUPS], "exclude-cases": [], "exclude-agent-cases": {}}))
        with open(folder / "run.log", "wb") as log:
            subprocess.run(
                [python, "-W", "ignore", folder / "bin/wstest", "-m", "fuzzingclient", "-s", specification],
                cwd=folder, env=os.environ | {"PYTHONUSERBASE": str(folder)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if server.poll() is not None:
            sys.exit(f"{muster} echo ended by itself with {server.returncode}")
        server.send_signal(signal.SIGTERM)
        if server.wait(STOP_SECONDS) != 0:
            sys.exit(f"{muster} echo ended with {server.returncode}")
    finally:
        if server.poll() is None:
            server.kill()
        server.wait()
    index = reports / "index.json"
    if not index.exists():
        sys.exit(f"the suite left no report:\n{(folder / 'run.log').read_text('utf-8', 'replace')[-2000:]}")
    return json.loads(index.read_text())["muster"]


def is_fine(case: str, result: dict) -> bool:
    allowed = {"OK", "INFORMATIONAL"} if case in INFORMATIONAL else {"OK"}
    return {result["behavior"], result["behaviorClose"]} <= allowed


def main():
    muster, folder = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
    python = python27()
    install(python, folder)
    started = time.monotonic()
    cases = run(muster, python, folder)
    seconds = time.monotonic() - started
    bad = {case: result for case, result in cases.items() if not is_fine(case, result)}
    slow = sum(result["duration"] for case, result in cases.items() if case.startswith("9.")) / 1000
    print(
        f"conformance: {len(cases) - len(bad)} of {CASES} cases OK in {seconds:.0f} s (group 9: {slow:.1f} s); "
        f"report in {folder / 'reports/index.html'}")
    for case, result in sorted(bad.items(), key=lambda item: [int(part) for part in item[0].split(".")]):
        print(f"  {case}: {result['behavior']}, close {result['behaviorClose']}, remote code {result['remoteCloseCode']}")
    sys.exit(bool(bad) or len(cases) != CASES)


main()
