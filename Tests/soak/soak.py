"""Runs a real server with clients that come and go and rooms that are spoken in, and looks whether anything grows.

`make soak MINUTES=60`. Prints a line of figures for every window. Exit code 1, with the figures' names, if a message was lost, came
twice, late or changed, if a row is there that should not be or the other way round, or if anything was not flat.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import figures  # noqa: E402
from figures import Window  # noqa: E402
from guests import Guests  # noqa: E402
from ledger import Ledger  # noqa: E402
from server import Server  # noqa: E402
from steady import PATIENCE, Steady  # noqa: E402

TENANT = "soak"
# Descriptors that a runtime opens for itself, some time after the server is ready.
RUNTIME = 4
# Windows of a run, and the least seconds of one, for the system counts processor time in hundredths.
WINDOWS, SHORTEST = 60, 1.5


class Soak:
    def __init__(self, server: Server, arguments, lease: int, history: int):
        self.server, self.arguments, self.lease = server, arguments, lease
        self.seconds = arguments.minutes * 60
        self.sweep = min(5, lease / 4)
        self.ledger = Ledger(history)
        self.steady = Steady(server, TENANT, arguments.rooms, arguments.members, arguments.rate, lease, self.ledger)
        self.windows: list[Window] = []
        self.before = (0.0, 0.0, 0.0, 0, 0.0)

    async def run(self) -> list[str]:
        base = self.server.descriptors()
        self.start = time.monotonic()
        await self.steady.enter()
        users = [member.user for member in self.steady.everyone]
        self.guests = Guests(self.server, TENANT, users, self.arguments.churn, self.lease, self.sweep, self.ledger, self.arguments.seed)
        work = [asyncio.create_task(each) for each in (
            self.steady.talk(), self.steady.beat(), self.guests.come(), self.guests.come_and_go())]
        self.look_at_the_clock()
        # Warm, and when it is over: nobody is there but who is there to stay.
        rests = []
        for part in (self.seconds / 4, self.seconds * 3 / 4):
            self.guests.is_paused, end = False, time.monotonic() + part
            while not self.ledger.faults and (left := end - time.monotonic()) > 0:
                await asyncio.sleep(min(left, max(SHORTEST, self.seconds / WINDOWS)))
                await self.window()
                for task in work:
                    if task.done():
                        task.result()
            if not self.ledger.faults:
                rests.append(await self.rest())
        if len(rests) == 2 and not self.ledger.faults:
            self.ledger.expect(rests[0] == rests[1], f"{rests[1]} descriptors at rest, {rests[0]} before")
        # What happens while a soak that found something is broken off is no finding.
        found = list(self.ledger.faults)
        self.guests.is_over = True
        await self.steady.leave()
        await asyncio.gather(*work, *self.guests.visits, return_exceptions=True)
        if not found:
            await self.until(lambda: self.counts(0) and self.server.descriptors() <= base + RUNTIME, lambda: (
                f"everyone has left, and there are {figures.rows(self.server)} and {self.server.descriptors()} descriptors, {base} at the start"))
            found = self.ledger.faults + figures.judge(self.windows, self.sweep)
        if log := self.server.log():
            found.append(f"the server logged {log[:2000]}")
        return found

    def look_at_the_clock(self):
        self.before = (
            self.server.cpu_seconds(), time.process_time(), time.monotonic(), self.steady.deliveries, figures.machine_seconds())

    async def window(self):
        cpu, own, wall, deliveries, machine = self.before
        self.look_at_the_clock()
        cpu, own, wall, ledger = self.before[0] - cpu, self.before[1] - own, self.before[2] - wall, self.ledger
        others = max(0, self.before[4] - machine - cpu - own) / wall / os.cpu_count()
        connections = len(self.steady.everyone) + len(self.guests.visits)
        # Those that come as a batch, and those that left a moment ago.
        most = connections + 50 + int(2 * PATIENCE * self.guests.rate)
        begin, answered = time.monotonic(), ledger.answered()
        rows = await asyncio.to_thread(figures.rows, self.server)
        ledger.check_rows(rows, (begin, time.monotonic()), answered, most)
        disk = await asyncio.to_thread(figures.syncs, self.server.data.parent)
        ledger.check_direct(PATIENCE)
        descriptors = self.server.descriptors()
        ledger.expect(descriptors <= most + 32, f"{descriptors} descriptors for {connections} connections")
        self.windows.append(Window(
            time.monotonic() - self.start, connections, self.steady.sent, self.steady.deliveries, self.steady.latencies, self.steady.delays,
            disk, max(ledger.lags, default=0), descriptors, self.server.memory(), figures.size(self.server, "chat.sqlite-wal"),
            figures.size(self.server, "chat.sqlite"), cpu / wall, own / wall, others,
            cpu / max(1, self.steady.deliveries - deliveries), rows))
        print(self.windows[-1].line(), flush=True)
        self.steady.latencies, self.steady.delays, ledger.lags = [], [], []
        await self.steady.check()

    def counts(self, here: int) -> bool:
        """Whether the table knows of so many connections, each of its own user in one room, and of nothing more of them."""
        found = figures.rows(self.server)
        return all(found.get(kind, 0) == here for kind in ("connection", "membership", "user", "lease"))

    async def rest(self) -> int:
        """How many descriptors there are once all guests are gone, and their rows."""
        self.guests.is_paused = True
        here = len(self.steady.everyone)
        await self.until(
            lambda: not self.guests.visits and self.counts(here),
            lambda: f"{here} connections are left, {len(self.guests.visits)} guests, and rows {figures.rows(self.server)}")
        online = await asyncio.to_thread(self.server.online, TENANT)
        users = sorted(user["userId"] for user in online["users"])
        self.ledger.expect(users == sorted(member.user for member in self.steady.everyone), f"online at rest: {users}")
        looks = [0]
        await self.until(
            lambda: looks.append(self.server.descriptors()) or len(looks) > 10 and len(set(looks[-10:])) == 1,
            lambda: f"the number of descriptors does not come to rest: {looks[-20:]}")
        return looks[-1]

    async def until(self, condition, words):
        deadline = time.monotonic() + self.lease + self.sweep + 2 * PATIENCE
        while not condition():
            if time.monotonic() > deadline or self.ledger.faults:
                return self.ledger.fault(words())
            await asyncio.sleep(0.05)


def main(arguments) -> int:
    is_long = arguments.minutes >= 10
    lease, history = (20, 60) if is_long else (4, 5)
    print(f"seed {arguments.seed}; a lease of {lease} s, history of {history} s; CPU is the server's and the client's", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(
            Path(folder), "in-process", "--log-level", "warning", MUSTER_PRESENCE_TTL=str(lease), MUSTER_HISTORY_TTL=str(history))
        with server:
            soak = Soak(server, arguments, lease, history)
            faults = asyncio.run(soak.run())
    replies = " ".join(f"{kind} {count:,}" for kind, count in sorted(soak.ledger.replies.items()))
    print(
        f"{soak.steady.sent:,} messages, {soak.steady.deliveries:,} deliveries, {soak.guests.count:,} guests, "
        f"{soak.guests.strangers.count:,} strangers; their replies: {replies}")
    if not faults and figures.is_warm(soak.windows) and not all(figures.quiet_ones(figures.compared(soak.windows))):
        print("the machine had other work, so that times were not compared")
    for fault in faults:
        print(f"not flat: {fault}" if " went from " in fault else f"wrong: {fault}", file=sys.stderr)
    print("flat" if not faults else "not flat")
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rooms", type=int, default=4, help="rooms whose members stay")
    parser.add_argument("--members", type=int, default=10, help="members of each")
    parser.add_argument("--rate", type=float, default=20, help="messages a second in all of them")
    parser.add_argument("--churn", type=float, default=3, help="guests a second, and as many who never get into a room")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    sys.exit(main(parser.parse_args()))
