#!/usr/bin/env python3
"""`make mutants`: switches every seeded bug of the catalogue on, one at a time, and lets the simulator find it.

Usage: run.py [--only NAME]... [--seeds N] [--jobs N] [--check] [--simulate PATH]

Writes the table MUTANTS.md; with --check, or for some of the mutants only, it writes nothing. It fails by name when a mutant is
not found within its seeds, and before anything else when the simulator finds fault with the sources as they are.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import catalogue
from mutant import Mutant
from weave import VARIABLE, WeaveError, weave

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TABLE = HERE.parent / "MUTANTS.md"
TREE, BUILD = ROOT / ".build/mutants/tree", ROOT / ".build/mutants/build"

# Seeds that must be without fault while no mutant is on.
CLEAN = 200
# Seconds that the search for one mutant may take: one that makes the service turn in circles would keep it for ever.
PATIENCE = 600

VIOLATION = re.compile(r"^violation: (\w+) seed (\d+): (.*)$", re.MULTILINE)
# What catches a mutant that makes the simulated code stop the process.
TRAP = "trap"


class Failure(Exception):
    """What ends the run, in a line."""


@dataclass(frozen=True)
class Catch:
    invariant: str
    seed: int
    text: str


class Simulator:
    """The woven simulator, or what stands in for it."""

    def __init__(self, program: Path):
        self.program = program

    def search(self, mutant: str, first: int, last: int) -> Catch | None:
        """What is found first among the seeds; they run one after the other, so that it is the lowest."""
        run = self.run(mutant, first, last)
        if run.returncode == 0:
            return None
        if run.returncode < 0:
            return Catch(TRAP, self.trapped(mutant, first, last), signal.Signals(-run.returncode).name)
        found = VIOLATION.search(run.stdout)
        if run.returncode != 1 or not found:
            raise Failure(f"{mutant or 'no mutant'}: simulate ended with {run.returncode}: {last_line(run.stdout + run.stderr)}")
        return Catch(found[1], int(found[2]), found[3])

    def trapped(self, mutant: str, first: int, last: int) -> int:
        """The seed that ends the process, which nobody was left to tell: by halves."""
        while first < last:
            middle = (first + last) // 2
            if self.run(mutant, first, middle).returncode == 0:
                first = middle + 1
            else:
                last = middle
        return first

    def run(self, mutant: str, first: int, last: int) -> subprocess.CompletedProcess:
        # Sets and dictionaries have an order of their own in each process, unless it is told not to.
        environment = os.environ | {VARIABLE: mutant, "SWIFT_DETERMINISTIC_HASHING": "1", "SWIFT_BACKTRACE": "enable=no"}
        try:
            return subprocess.run(
                [self.program, "--seeds", f"{first}-{last}", "--jobs", "1", "--quiet"], env=environment, capture_output=True, text=True,
                errors="replace", timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"{mutant or 'no mutant'}: seeds {first} to {last} took more than {PATIENCE} s") from None


def last_line(output: str) -> str:
    return (output.strip().splitlines() or ["it said nothing"])[-1]


def build() -> Path:
    """Weaves and builds the simulator.
    - Returns: its path."""
    weave(ROOT, catalogue.MUTANTS, catalogue.SUPPORT, TREE)
    command = ["swift", "build", "-c", "release", "--product", "simulate", "--package-path", TREE, "--scratch-path", BUILD]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode != 0:
        sys.stderr.write("\n".join(line for line in run.stdout.splitlines() if "warning:" not in line) + "\n")
        raise Failure("the woven sources do not build")
    return BUILD / "release/simulate"


def check_clean(simulator: Simulator) -> None:
    found = simulator.search("", 1, CLEAN)
    if found:
        raise Failure(f"without any mutant: {found.invariant} at seed {found.seed}: {found.text}")


def search(simulator: Simulator, mutant: Mutant, seeds: int | None) -> tuple[Catch | None, str | None]:
    """What caught a mutant, or why that is not known."""
    began = time.monotonic()
    last = seeds or mutant.within
    try:
        found = simulator.search(mutant.name, 1, last)
    except Failure as failure:
        print(failure, flush=True)
        return None, str(failure)
    took = f"{time.monotonic() - began:.1f} s"
    if not found:
        print(f"{mutant.name}: NOT CAUGHT by {last} seeds, {took}", flush=True)
        return None, f"{mutant.name}: not caught by {last} seeds"
    expected = "" if found.invariant in mutant.caught_by else f" (expected of {', '.join(mutant.caught_by)})"
    print(f"{mutant.name}: {found.invariant}{expected} at seed {found.seed}, {took}", flush=True)
    return found, None


def table(caught: dict[str, Catch]) -> str:
    """MUTANTS.md."""
    lines = [
        "# Mutants",
        "",
        f"{len(caught)} bugs that somebody could make, each switched on alone in a build of its own (`make mutants`), and what the simulator",
        "needed to find it: the invariant that was broken, and how many seeds it took, counted from 1. The bugs themselves are in",
        "[mutants/catalogue](mutants/catalogue). This file is written by `make mutants`.",
    ]
    for subject, mutants in catalogue.SUBJECTS.items():
        lines += ["", f"## {subject}", "", "| mutant | what is wrong | caught by | seeds |", "| --- | --- | --- | ---: |"]
        for mutant in mutants:
            found = caught[mutant.name]
            lines.append(f"| `{mutant.name}` | {mutant.wrong} | `{found.invariant}` | {found.seed} |")
    return "\n".join(lines) + "\n"


def listed(text: str) -> list[str]:
    """The mutants that a table names."""
    return re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)


def check_table() -> None:
    names = [mutant.name for mutant in catalogue.MUTANTS]
    listing = listed(TABLE.read_text()) if TABLE.exists() else []
    if listing != names:
        differing = sorted(set(names) ^ set(listing))
        raise Failure(f"MUTANTS.md is not of this catalogue ({', '.join(differing) or 'another order'}): run make mutants")


def chosen(names: list[str]) -> list[Mutant]:
    of_name = {mutant.name: mutant for mutant in catalogue.MUTANTS}
    for name in names:
        if name not in of_name:
            raise Failure(f"there is no mutant {name}")
    return [of_name[name] for name in names] or catalogue.MUTANTS


def main() -> None:
    parser = argparse.ArgumentParser(description="Lets the simulator find every seeded bug.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this mutant; may be given again")
    parser.add_argument("--seeds", type=int, help="seeds for each; by default the mutant's own bound")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants searched for at once")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail when MUTANTS.md names other mutants")
    parser.add_argument("--simulate", type=Path, help="a simulator that is built already")
    options = parser.parse_args()

    mutants = chosen(options.only)
    if options.check:
        check_table()
    simulator = Simulator(options.simulate or build())
    check_clean(simulator)
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda mutant: search(simulator, mutant, options.seeds), mutants))
    failures = [failure for _, failure in results if failure]
    if failures:
        raise Failure("\n".join(failures))
    if not options.check and not options.only:
        TABLE.write_text(table({mutant.name: found for mutant, (found, _) in zip(mutants, results)}))
    print(f"{len(mutants)} mutants, all caught")


if __name__ == "__main__":
    try:
        main()
    except (Failure, WeaveError) as failure:
        sys.exit(f"mutants: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
