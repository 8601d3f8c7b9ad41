"""Nothing of a running server grows, and nothing is lost meanwhile: a few seconds of what `make soak` does for an hour, and that it would see.

Contract sections 3 and 4: every delivery once and in order, and of a connection nothing is left, however it ended.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOAK = Path(__file__).resolve().parents[1] / "soak"
sys.path.append(str(SOAK))

import figures  # noqa: E402
import steady  # noqa: E402
from ledger import Ledger  # noqa: E402


@pytest.mark.timeout(120)
def test_a_few_seconds_of_the_soak_find_nothing():
    run = subprocess.run([sys.executable, SOAK / "soak.py", "--minutes", "0.12"], capture_output=True, text=True, timeout=110)
    assert run.returncode == 0 and run.stdout.endswith("\nflat\n"), run.stdout + run.stderr
    # Each line has its figures, and there was something to look at.
    lines = [line for line in run.stdout.splitlines() if "connections" in line]
    assert len(lines) >= 4 and all(f" {word} " in line for line in lines for word in ("ack", "lag", "MB", "CPU", "rows:")), run.stdout


def window(number: int, **changed) -> figures.Window:
    usual = dict(
        elapsed=60.0 * number, connections=50, messages=1000, deliveries=9000, acks=[0.004] * 99, delays=[0.005] * 99, disk=[0.001] * 5,
        lag=3, descriptors=70, memory=20 << 20, wal=16 << 20, file=5 << 20, cpu=0.1, own_cpu=0.1, others=0.05, cpu_per_delivery=100e-6,
        rows={"message": 1200, "sent": 6000})
    return figures.Window(**usual | changed)


GROWTH = {
    "memory": lambda number: {"memory": (20 << 20) + number * 200_000},
    "the number of rows": lambda number: {"rows": {"message": 1200 + 20 * number, "sent": 6000}},
    "the file": lambda number: {"file": (5 + number // 10) << 20},
    "CPU per delivery": lambda number: {"cpu_per_delivery": (100 + 3 * number) * 1e-6},
    "p50 of acks": lambda number: {"acks": [0.004 + 0.0005 * number] * 99},
    "p99 of deliveries": lambda number: {"delays": [0.005] * 98 + [0.1 + 0.01 * number]},
    "the log": lambda number: {"wal": (25 if number == 50 else 16) << 20},
    "a lease": lambda number: {"lag": 16 if number == 50 else 3},
}


@pytest.mark.parametrize("figure", GROWTH)
def test_a_figure_that_grows_is_named(figure):
    assert figures.judge([window(number) for number in range(60)], 5) == []
    faults = figures.judge([window(number, **GROWTH[figure](number)) for number in range(60)], 5)
    assert faults and all(fault.startswith(figure.split(" of ")[0]) for fault in faults), faults
    assert any(fault.startswith(figure) for fault in faults), faults


def test_a_disk_that_others_make_slow_is_not_the_servers_fault():
    assert figures.judge([window(number, acks=[0.004 + number * 0.0005] * 99, disk=[0.001 + number * 0.0005] * 5) for number in range(60)], 5) == []


def test_what_others_make_slow_is_not_judged():
    slow = [window(number, acks=[0.004 + (number % 15 > 5) * 0.01 * number] * 99, others=0.5 * (number % 15 > 5)) for number in range(60)]
    assert figures.judge(slow, 5) == []


def message(seq: int, name: str | None = None, **changed) -> dict:
    words = steady.words(name or f"s{seq}")
    return {"type": "message", "roomId": "steady-0", "messageId": f"id-{seq}", "seq": seq, "body": words} | changed


DELIVERIES = {
    "nothing": ([message(1), message(2), message(4), message(5)], None),
    "lost": ([message(1), message(4), message(5)], "lost [2]"),
    "lost at the end": ([message(1), message(2), message(4)], "lost [5]"),
    "twice": ([message(1), message(2), message(2), message(4), message(5)], "seq 2 twice"),
    "out of order": ([message(2), message(1), message(4), message(5)], "seq 1 out of order"),
    "other words": ([message(1), message(2, body="s2 of another kind"), message(4), message(5)], "other words"),
    "another's words": ([message(1), message(2, "unsaid"), message(4), message(5)], "what nobody sent"),
    "another message": ([message(1), message(2, messageId="id-7"), message(4), message(5)], "seq 2 of steady-0 is"),
    "another room": ([message(1), message(2, roomId="steady-1"), message(4), message(5)], "another room"),
}


@pytest.mark.parametrize("fault", DELIVERIES)
def test_a_delivery_that_is_not_as_it_was_sent_is_named(fault):
    """Of five messages that were all acknowledged long ago the third is the listener's own."""
    deliveries, words = DELIVERIES[fault]

    async def run() -> list[str]:
        ledger = Ledger(history=60)
        crowd = steady.Steady(None, "soak", 1, 1, 1, 20, ledger)
        room = crowd.rooms[0]
        listener = steady.Listener("alice", room, crowd)
        room.members.append(listener)
        for seq in range(1, 6):
            room.scheduled[f"s{seq}"], room.acked[seq], room.ids[seq] = 0.0, 0.0, f"id-{seq}"
        listener.own.add(3)
        for frame in deliveries:
            listener.delivered(frame)
        crowd.check_arrivals()
        return ledger.faults

    faults = asyncio.run(run())
    assert bool(faults) == (words is not None) and (words is None or any(words in each for each in faults)), faults


@pytest.mark.parametrize("kind, count", [("message", 3), ("sent", 1), ("room", 2), ("connection", 6), ("due", 1), ("other", 1)])
def test_a_row_too_many_or_too_few_is_named(kind, count):
    ledger = Ledger(history=60)
    for _ in range(2):
        ledger.asked.note(), ledger.stored.note()
    ledger.rooms.asked.add("r"), ledger.rooms.answered.add("r")
    right = {"message": 2, "sent": 2, "room": 1, "connection": 5}
    for rows, faults in ((right, 0), (right | {kind: count}, 1)):
        ledger.check_rows(rows, (time.monotonic(), time.monotonic()), ledger.answered(), 5)
        assert len(ledger.faults) == faults, ledger.faults
