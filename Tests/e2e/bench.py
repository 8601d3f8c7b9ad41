"""What one delivery costs the server: 10 rooms of 100, CPU of the server divided by what its clients got.

Usage: bench.py MUSTER [SECONDS]. The rate is one at which neither side is busy throughout; the client's share of a core is
printed so that a busy client shows.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["MUSTER_BINARY"] = str(Path(sys.argv[1]).resolve())

import crowd
from server import Server

ROOMS, MEMBERS, RATE = 10, 100, 60
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 15


async def measure(server: Server) -> str:
    rooms = await crowd.gather(server, "bench", ROOMS, MEMBERS, validate=False)
    everyone = [member for room in rooms for member in room]
    before, start, own = server.cpu_seconds(), time.monotonic(), time.process_time()
    sent = await crowd.talk(rooms, RATE, SECONDS, "bench")
    expected = sent * (MEMBERS - 1)
    await crowd.until(lambda: sum(len(member.seqs) for member in everyone) >= expected, 30)
    wall, cpu, own = time.monotonic() - start, server.cpu_seconds() - before, time.process_time() - own
    assert sum(len(member.seqs) for member in everyone) == expected, "a delivery came twice"
    await crowd.leave(rooms)
    return (
        f"fan-out, {ROOMS} rooms of {MEMBERS}, {RATE} messages/s: {expected} deliveries in {wall:.1f} s, "
        f"{1e6 * cpu / expected:.1f} µs of server CPU each ({100 * cpu / wall:.0f} % of a core; the client took {100 * own / wall:.0f} %)")


with tempfile.TemporaryDirectory() as folder, Server(Path(folder), "in-process", "--log-level", "warning") as server:
    print(asyncio.run(measure(server)))
