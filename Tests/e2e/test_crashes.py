"""The server dies at any moment: an `ack` survives `kill -9`, nothing is there twice, a client that comes back gets the whole gap or is
told, and nobody is online who has not come back. Contract sections 1, 3 and 4. `make crashes ROUNDS=100` for a hundred rounds."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import crowd
from company import Company
from server import Server, muster
from survivors import Broken, Failed, every

ROUNDS = int(os.environ.get("MUSTER_CRASH_ROUNDS", "12"))
SEED = int(os.environ.get("MUSTER_CRASH_SEED", random.randrange(1 << 32)))
SETTLE_SECONDS = 10
# The lease of those whose handlers are killed, and the ghost bound after it.
LEASE = 15
BOUND = LEASE + 60
ROWS_OF_THE_LIVING = "pk LIKE 'CONN#%' OR pk LIKE 'LEASE#%' OR pk LIKE 'DUE#%' OR sk LIKE 'CONN#%'"


def restart(company: Company, chance: random.Random) -> float:
    """Starts the server, now and then killed while it starts; nobody is online then. How long the start took."""
    server = company.server
    while chance.random() < 0.3:
        server.launch()
        time.sleep(chance.uniform(0, 0.08))
        server.kill()
    server.start()
    assert server.online(company.tenant) == {"tenantId": company.tenant, "count": 0, "users": []}
    told = muster("online", company.tenant, "--json", "--data", str(server.data))
    assert json.loads(told.stdout)["users"] == [], told
    return server.started


async def until_dead(company: Company, chance: random.Random, most: int):
    """Everyone lives until the server is killed: after up to so many acks, or before all are back."""
    async def live(survivor):
        with contextlib.suppress(Broken):
            await survivor.live()

    if chance.random() < 0.2:
        living = [asyncio.create_task(absent(survivor)) for survivor in company.survivors]
        await asyncio.sleep(chance.uniform(0, 0.05))
    else:
        await company.come_back()
        await company.settle(SETTLE_SECONDS)
        assert company.everyone_is_online()
        living = [asyncio.create_task(live(survivor)) for survivor in company.survivors]
        acks = company.promises.acks + chance.randrange(most)
        await crowd.until(lambda: company.promises.acks >= acks or company.wrong, SETTLE_SECONDS)
        await asyncio.sleep(chance.uniform(0, 0.02))
    company.server.process.kill()
    await asyncio.gather(*living)
    await asyncio.gather(*(survivor.line.closed for survivor in company.survivors if survivor.line))
    company.judge_now()


async def absent(survivor):
    with contextlib.suppress(Broken):
        await survivor.come_back()


@pytest.mark.timeout(60 + 15 * ROUNDS)
def test_killed_again_and_again_it_loses_nothing_doubles_nothing_and_leaves_no_ghost(servers, mode, tenant, capsys):
    rounds = ROUNDS if mode == "in-process" else max(3, ROUNDS // 4)
    print(f"MUSTER_CRASH_SEED={SEED}")
    chance = random.Random(f"{SEED} {mode}")
    server = servers(mode, "--rate-limit", "0", "--log-level", "info", start=False)
    company = Company(server, tenant, SEED, users=9, rooms=3)
    began, starts = time.monotonic(), []
    for _ in range(rounds):
        starts.append(restart(company, chance))
        asyncio.run(until_dead(company, chance, 400 if mode == "in-process" else 150))
        server.kill()
    starts.append(restart(company, chance))

    async def at_last():
        await company.come_back()
        await company.settle(SETTLE_SECONDS)
        await company.judge_whole()
        await asyncio.gather(*(survivor.line.end(politely=True) for survivor in company.survivors))

    asyncio.run(at_last())
    promises = company.promises
    assert not any(survivor.unacked for survivor in company.survivors)
    server.kill()
    restart(company, chance)
    assert server.stop() == 0
    judge_file(server.data / "chat.sqlite")
    with capsys.disabled():
        print(
            f"\n{rounds} kills in {time.monotonic() - began:.0f} s ({mode}, seed {SEED}): {promises.acks} acked and kept, "
            f"{promises.repeated} told as duplicates, {promises.kept_unacked} kept whose ack was cut off and had no id, "
            f"{company.recovered} recoveries, ready after {max(starts) * 1000:.0f} ms at most")


def judge_file(path):
    """The file is whole, and holds nothing of connections, memberships and leases."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute(f"SELECT pk, sk FROM items WHERE {ROWS_OF_THE_LIVING}").fetchall() == []


class KilledChildren:
    """A company whose handlers die under it. The sweep takes up what they left after 45 s, so this runs beside the other tests."""

    def __init__(self, server, tenant: str):
        self.server, self.chance = server, random.Random(f"{SEED} kills")
        self.company = Company(server, tenant, SEED, users=6, rooms=3, handlers_die=True)
        self.killed: Counter[str] = Counter()

    def kill(self, victim: str):
        """All children of one handler: those that work are among them."""
        for pid, name in children(self.server):
            if name == victim:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.killed[name] += 1

    async def run(self) -> str:
        company, chance = self.company, self.chance
        await company.come_back()
        await company.settle(SETTLE_SECONDS)
        living = [asyncio.create_task(survivor.live()) for survivor in company.survivors]
        for _ in range(8 * ROUNDS):
            await asyncio.sleep(chance.uniform(0, 0.1))
            company.judge_now()
            assert self.server.process.poll() is None, "the server is gone with its child"
            for task in living:
                assert not task.done() or task.result()
            # Of children that end just now the kernel lists fewer than there are, or none.
            if names := sorted({name for _, name in children(self.server)}):
                self.kill(chance.choice(names))
        company.rests = True
        await every(living)
        for survivor in company.survivors[::2]:
            await self.leave(survivor)
        began = time.monotonic()
        await company.settle(BOUND)
        settled = time.monotonic() - began
        while not company.everyone_is_online():
            await every(survivor.refresh() for survivor in company.survivors)
            assert time.monotonic() - began < BOUND, self.server.online(company.tenant)
            await asyncio.sleep(0.1)
        await asyncio.gather(*(survivor.line.end(politely=True) for survivor in company.survivors))
        return (
            f"{self.killed.total()} children killed (seed {SEED}): {company.promises.acks} acked and kept, {company.promises.repeated} "
            f"told as duplicates; everyone saw everyone after {settled:.0f} s; {dict(self.killed)}")

    async def leave(self, survivor):
        """Leaves a room for good, and whoever handles that may die before the others were told."""
        room = survivor.rooms.pop()
        survivor.line.views.pop(room)
        left = asyncio.create_task(survivor.line.ask("leaveRoom", roomId=room))
        await asyncio.sleep(self.chance.uniform(0, 0.004))
        self.kill("LeaveRoom")
        with contextlib.suppress(Failed, Broken):
            await left
        await survivor.surely(lambda: survivor.line.ask("leaveRoom", roomId=room))


@pytest.fixture(scope="module", autouse=True)
def killing_children(tmp_path_factory):
    server = Server(
        tmp_path_factory.mktemp("killed"), "children", "--rate-limit", "0", "--log-level", "info", MUSTER_PRESENCE_TTL=f"{LEASE}")
    # Whoever does not wait for the result ends it with the server.
    with ThreadPoolExecutor(1) as pool, server:
        yield pool.submit(asyncio.run, KilledChildren(server, "acme").run())


@pytest.mark.timeout(60 + 15 * ROUNDS + BOUND)
def test_children_killed_again_and_again_lose_nothing_and_what_they_left_unpublished_is_published(killing_children, capsys):
    print(f"MUSTER_CRASH_SEED={SEED}")
    told = killing_children.result()
    with capsys.disabled():
        print("\n" + told)


def children(server) -> list[tuple[int, str]]:
    """The handlers that run, with their names; one may end while they are listed."""
    found = []
    for pid in server.children():
        with contextlib.suppress(FileNotFoundError):
            found.append((pid, Path(os.readlink(f"/proc/{pid}/exe")).parent.name))
    return found
