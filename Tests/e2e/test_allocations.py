"""What a message costs the server in allocations: counted in the real program, and compared with allocations.json.

Messages go one after the other, so that none shares its work with another; a delivery's cost is what a hundred more members add, divided
by a hundred, and a message's what is left of the whole.
"""

import asyncio
import json
import mmap
import statistics
import struct
from pathlib import Path

import pytest

import crowd
from preload import HERE, compiled

FILE = HERE / "allocations.json"
COMMITTED = json.loads(FILE.read_text())
FEW, MANY = 100, 200
WARM_UP, MESSAGES = 30, 60
# Runs differ by a few: whether a loop slept when it was handed an answer, and how far buffers had grown. What is looked for is more: one
# allocation for each delivery, or a share of a message's.
TOLERANCES = {"perDelivery": 0.05, "perMessage": 5, "perHeartbeat": 2}


class Counter:
    """The number of allocations of a server that was started with `environment`."""

    def __init__(self, folder: Path):
        library, path = compiled("allocations", folder), folder / "count"
        path.write_bytes(bytes(8))
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "ALLOCATION_COUNT": str(path)}

    def now(self) -> int:
        return struct.unpack("=Q", self.shared[:8])[0]

    async def at_rest(self) -> int:
        """The number once the server has done what it does after the last delivery."""
        before = -1
        while (after := self.now()) != before:
            before = after
            await asyncio.sleep(0.002)
        return after


async def cost(counter: Counter, act, done) -> int:
    """How many allocations one act is, one after the other: the median, so that what happens now and then does not count."""
    costs = []
    for number in range(WARM_UP + MESSAGES):
        before = await counter.at_rest()
        act(number)
        while not done(number):
            await asyncio.sleep(0)
        costs.append(await counter.at_rest() - before)
    return statistics.median_low(costs[WARM_UP:])


@pytest.mark.timeout(60)
def test_a_delivery_a_message_and_a_heartbeat_allocate_what_is_committed(servers, tmp_path):
    counter = Counter(tmp_path)
    server = servers("in-process", "--log-level", "warning", "--rate-limit", "0", "--threads", "1", **counter.environment)

    async def said(members: list[crowd.Member]) -> int:
        sender, others = members[0], members[1:]
        return await cost(
            counter, lambda number: sender.say("x" * 64, f"{number:06}"),
            lambda number: len(sender.acks) > number and all(len(member.seqs) > number for member in others))

    async def run():
        # Names of one length: a longer one costs allocations of its own.
        few, = await crowd.gather(server, "less", 1, FEW, validate=False)
        many, = await crowd.gather(server, "many", 1, MANY, validate=False)
        costs = await said(few), await said(many)
        answered = len(few[0].errors)
        beat = await cost(
            counter, lambda number: few[0].send({"action": "heartbeat"}),
            lambda number: len(few[0].errors) - answered > number)
        await crowd.leave([few, many])
        return *costs, beat

    few, many, beat = asyncio.run(run())
    delivery = round((many - few) / (MANY - FEW), 2)
    measured = {"perDelivery": delivery, "perMessage": round(few - delivery * (FEW - 1)), "perHeartbeat": beat}
    for name, tolerance in TOLERANCES.items():
        assert measured[name] == pytest.approx(COMMITTED[name], abs=tolerance), \
            f"{measured} is not what {FILE.name} says: commit the new numbers if they are meant"
