"""`make bench`: the gateway beside other servers, in one run, with the same clients and the same rooms.

Usage: bench.py [--cases '1 3'] [--peers 'muster raw'] [--json FILE] [--runs N] [--seconds S] [--idle-rooms-of N] [--muster PATH]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import report
import systems

CLIENT = systems.HERE.parents[1] / ".build/bench/client"
WARM = 0.5
IDLE, CONNECTS = 10_000, 2_000


@dataclass
class Case:
    """One row of the table: what the client does, and which systems can do it."""

    number: str
    title: str
    mode: str = "messages"
    flags: dict = field(default_factory=dict)
    only_muster: bool = False
    threads: int = 1


def cases(idle_rooms_of: int) -> list[Case]:
    rooms = {"rooms": 10, "members": 100, "outstanding": 4}
    unread = rooms | {"probes": 4, "receive-buffer": 8 << 20}
    return [
        Case("1", "10 rooms x 100, closed loop, 4 outstanding per room", flags=rooms),
        Case("2", "the same, from 10 senders per room", flags=rooms | {"senders": 10}),
        Case("3", "the same, 1 outstanding", flags=rooms | {"outstanding": 1}),
        Case("4", "10 x 100 at 20,000 deliveries/s, open loop", flags=rooms | {"rate": 200}),
        Case("5", "1 room x 1,000, 4 outstanding", flags={"rooms": 1, "members": 1000, "outstanding": 4}),
        Case("6", f"{IDLE:,} idle connections in rooms of {idle_rooms_of}", "idle", {"rooms": IDLE // idle_rooms_of, "members": idle_rooms_of}),
        Case("7", "connect and join, rooms of 1", "connect", {"rooms": CONNECTS, "members": 1}),
        Case("7b", "connect and join, rooms of 10", "connect", {"rooms": CONNECTS // 10, "members": 10}),
        Case("8", "durable acks, 1,000 rooms of 2, closed loop", "acks", {"rooms": 1000, "members": 2, "outstanding": 1}, True),
        Case("8b", "the same at half that rate, open loop", "acks", {"rooms": 1000, "members": 2}, True),
        Case("9", "10 x 100, members read later, one thread on one core", "unread", unread, True),
        Case("9b", "the same, two threads on two cores", "unread", unread, True, threads=2),
    ]


def run_client(system: systems.System, case: Case, cores: set[int], times: int, seconds: float) -> tuple[list[dict], str]:
    """What the client printed, a dictionary for each run; and why there are not more."""
    flags = {"protocol": system.name, "port": system.port, "pids": ",".join(map(str, system.processes)), "mode": case.mode} | case.flags
    if case.mode in ("messages", "acks", "unread"):
        # What nobody reads yet has to fit into the kernel's buffers.
        flags |= {"runs": times, "warm": WARM, "seconds": min(seconds, 1) if case.mode == "unread" else seconds}
    if isinstance(system, systems.Muster):
        flags["tokens"] = system.tokens(case.flags["rooms"] * case.flags["members"])
    runs = []
    for _ in range(times if case.mode == "connect" else 1):
        done = subprocess.run(
            [CLIENT, *(text for name, value in flags.items() for text in (f"--{name}", str(value)))],
            capture_output=True, text=True, timeout=180, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        runs += [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode:
            return runs, f"{done.stderr.strip()}\n{system.log()}".strip()
        if case.mode == "connect":
            system.settle()
    return runs, ""


def measure(kind: type[systems.System], case: Case, folder: Path, times: int, seconds: float) -> tuple[list[dict], str]:
    """Starts the server on the first core (a second thread has the second, which the client then shares), and the client on the other."""
    first, second = sorted(os.sched_getaffinity(0))[:2]
    folder.mkdir(parents=True)
    with kind(folder, {first, second} if case.threads == 2 else {first}, case.threads) as system:
        return run_client(system, case, {first, second} if case.threads == 2 else {second}, times, seconds)


def median(runs: list[dict]) -> dict:
    """The middle of each figure, and what the table shows of it."""
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    counted = middle["deliveries"] if "deliveries" in middle else middle["connections"]
    if "cpu" in middle:
        middle["cpu_micros"] = statistics.median(1e6 * run["cpu"] / max(1, run.get("deliveries") or run.get("connections", 0)) for run in runs)
        middle["server_busy"] = statistics.median(run["cpu"] / run["seconds"] for run in runs)
        middle["client_busy"] = statistics.median(run["client_cpu"] / run["seconds"] for run in runs)
    middle["per_second"] = counted / middle["seconds"]
    middle["wrong"] = sum(run.get("lost", 0) + run.get("duplicated", 0) for run in runs)
    return middle


def measure_row(case: Case, names: list[str], folder: Path, arguments: argparse.Namespace, results: list[dict]):
    """One case on each system that can do it, added to the results."""
    if case.number == "8b":
        full = next((row["systems"].get("muster", {}).get("median") for row in results if row["case"] == "8"), None)
        if not full:
            return
        case.flags["rate"] = round(full["per_second"] / 2)
    row = {"case": case.number, "title": case.title, "mode": case.mode, "systems": {}}
    results.append(row)
    for name in names:
        if case.only_muster and name != "muster":
            continue
        report.progress(f"case {case.number}: {name}")
        runs, error = [], ""
        try:
            runs, error = measure(systems.ALL[name], case, folder / f"{case.number}-{name}", arguments.runs, arguments.seconds)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as fault:
            error = str(fault)
        if error:
            print(f"bench: case {case.number}, {name}: {error}", file=sys.stderr)
        row["systems"][name] = ({"runs": runs, "median": median(runs)} if runs else {}) | ({"error": error} if error else {})


def others_share() -> float:
    """How much of the machine is taken by what is none of this, while this does nothing."""
    def ticks() -> list[int]:
        return [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]

    before = ticks()
    time.sleep(1)
    spent = [after - earlier for after, earlier in zip(ticks(), before)]
    return 1 - (spent[3] + spent[4]) / max(1, sum(spent))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--cases", default="", help="numbers of cases, such as '1 3'; all")
    parser.add_argument("--peers", default="", help=f"names out of {' '.join(systems.ALL)}; all")
    parser.add_argument("--json", help="also write every run to this file")
    parser.add_argument("--idle-rooms-of", type=int, default=100, help="members of a room of the idle case")
    parser.add_argument("--runs", type=int, default=3, help="windows of a case, whose median counts")
    parser.add_argument("--seconds", type=float, default=2, help="a window, after %s s of the same" % WARM)
    parser.add_argument("--muster", help="the program to measure")
    arguments = parser.parse_args()
    if arguments.muster:
        systems.Muster.program = str(Path(arguments.muster).resolve())
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("two cores are needed: one for the server, one for the client")
    names = arguments.peers.split() or list(systems.ALL)
    chosen = [case for case in cases(arguments.idle_rooms_of) if not arguments.cases or case.number.rstrip("b") in arguments.cases.split()]
    if arguments.runs < 1 or not 0 < arguments.seconds <= 60 or not 0 < arguments.idle_rooms_of <= IDLE:
        parser.error("a number is out of its range")
    if not chosen or not set(names) <= set(systems.ALL):
        parser.error("no such case or peer")
    for name in names:
        if not systems.ALL[name].is_there():
            print(f"bench: {name} is left out: no {systems.ALL[name].program}", file=sys.stderr)
    names = [name for name in names if systems.ALL[name].is_there()]
    if (busy := others_share()) > 0.05:
        print(f"bench: other programs take {100 * busy:.0f} % of this machine: figures are higher than they should be, and ratios less sure", file=sys.stderr)
    results, failed = [], False
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for case in chosen:
                measure_row(case, names, Path(folder), arguments, results)
    except KeyboardInterrupt:
        print("bench: interrupted; this is what was measured", file=sys.stderr)
        failed = True
    everything = [figures for row in results for figures in row["systems"].values()]
    failed = failed or any("error" in figures or figures["median"]["wrong"] for figures in everything)
    report.progress("")
    print(report.text(results, names))
    if arguments.json:
        try:
            Path(arguments.json).write_text(json.dumps({"cores": os.cpu_count(), "cases": results}, indent=1) + "\n")
        except OSError as error:
            print(f"bench: {arguments.json} was not written: {error}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
