"""The server dies at any moment: an `ack` survives `kill -9`, nothing is there twice, a client that comes back gets the whole gap or is
told, and nobody is online who has not come back. Contract sections 1, 3 and 4. `make crashes ROUNDS=100` for a hundred rounds."""

import asyncio
import contextlib
import json
import os
import random
import sqlite3
import time

import pytest

from server import muster
from survivors import Broken, Company

ROUNDS = int(os.environ.get("MUSTER_CRASH_ROUNDS", "12"))
SEED = int(os.environ.get("MUSTER_CRASH_SEED", random.randrange(1 << 32)))
SETTLE_SECONDS = 10
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


async def until_dead(company: Company, chance: random.Random, seconds: float):
    """Everyone lives until the server is killed, which may be before all are back."""
    async def live(survivor):
        with contextlib.suppress(Broken):
            await survivor.live()

    if chance.random() < 0.2:
        living = [asyncio.create_task(absent(survivor)) for survivor in company.survivors]
        await asyncio.sleep(chance.uniform(0, 0.05))
    else:
        await company.come_back()
        await company.settle(SETTLE_SECONDS)
        assert {user["userId"]: user["connections"] for user in company.server.online(company.tenant)["users"]} == company.online
        living = [asyncio.create_task(live(survivor)) for survivor in company.survivors]
        await asyncio.sleep(chance.uniform(0, seconds))
    company.server.process.kill()
    await asyncio.gather(*living)
    await asyncio.gather(*(survivor.line.closed for survivor in company.survivors if survivor.line))
    company.judge_now()


async def absent(survivor):
    with contextlib.suppress(Broken):
        await survivor.come_back()


@pytest.mark.timeout(60 + 4 * ROUNDS)
def test_killed_again_and_again_it_loses_nothing_doubles_nothing_and_leaves_no_ghost(servers, mode, tenant, capsys):
    rounds = ROUNDS if mode == "in-process" else max(3, ROUNDS // 4)
    print(f"MUSTER_CRASH_SEED={SEED}")
    chance = random.Random(f"{SEED} {mode}")
    server = servers(mode, "--rate-limit", "0", "--log-level", "info", start=False)
    company = Company(server, tenant, SEED, users=9, rooms=3)
    began, starts = time.monotonic(), []
    for _ in range(rounds):
        starts.append(restart(company, chance))
        asyncio.run(until_dead(company, chance, 0.8))
        server.kill()
    starts.append(restart(company, chance))

    async def at_last():
        await company.come_back()
        await company.settle(SETTLE_SECONDS)
        await asyncio.gather(*(survivor.line.end(politely=True) for survivor in company.survivors))

    asyncio.run(at_last())
    promises = company.promises
    assert promises.acks > 20 * rounds and promises.repeated > 0 and not any(survivor.unacked for survivor in company.survivors)
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
