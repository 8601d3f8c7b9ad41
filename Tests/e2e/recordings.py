"""A recording of all that a server writes and syncs, and of the acks it sends, while clients talk and it stops, dies and starts again."""

import asyncio
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import crowd
from client import Client
from preload import compiled
from server import HANDLERS_FOLDER, Server, is_running
from waiting import wait_for
from writelog import Kind, Record, read_log

TENANT = "acme"
# Messages a second, fewer where each commit is a child's, and for how many seconds in each of the server's runs.
RATE = {"in-process": 600, "children": 120}
SECONDS = [1.0, 0.5, 0.25]
BODY = "x" * 2000


@dataclass
class Recording:
    records: list[Record]
    # By the record from which on it holds: what was sent as an ack, and the epochs that were sent.
    acks: list[tuple[int, dict]]
    epochs: list[tuple[int, str, str]]


def wrapped(folder: Path, preload: dict[str, str]) -> Path:
    """The handlers, started with the library: a server gives its children no environment but its own."""
    for handler in Path(HANDLERS_FOLDER).iterdir():
        if (handler / "bootstrap").exists():
            (folder / handler.name).mkdir(parents=True)
            script = folder / handler.name / "bootstrap"
            settings = " ".join(f"{name}={value}" for name, value in preload.items())
            script.write_text(f"#!/bin/sh\nexec env {settings} {handler.resolve()}/bootstrap\n")
            script.chmod(0o755)
    return folder


def log_was_used_again(server: Server) -> bool:
    """Whether the log has been moved into the database and begun anew: its header counts (https://www.sqlite.org/fileformat.html#walformat)."""
    with open(server.data / "chat.sqlite-wal", "rb") as log:
        return int.from_bytes(log.read(16)[12:], "big") > 0


async def converse(server: Server, prefix: str, rate: int, seconds: float, is_enough=lambda server: True) -> list[dict]:
    """Talk in three rooms while others come and go, until it is enough; every ack that came."""
    rooms = await crowd.gather(server, TENANT, 3, 4)
    visitors = asyncio.create_task(come_and_go(server))
    sent = await crowd.talk(rooms, rate, seconds, prefix, BODY)
    while not is_enough(server):
        sent += await crowd.talk(rooms, rate, 0.5, f"{prefix}-{sent}", BODY)
    everyone = [member for room in rooms for member in room]
    await crowd.until(lambda: sum(len(member.acks) for member in everyone) == sent, 20)
    await visitors
    assert not any(member.errors for member in everyone)
    await crowd.leave(rooms)
    return [ack for member in everyone for ack in member.acks]


async def come_and_go(server: Server):
    for _ in range(3):
        await crowd.leave(await crowd.gather(server, TENANT, 2, 5, validate=False))


def record(folder: Path, mode: str) -> Recording:
    log = folder / "log"
    log.touch()
    (folder / "root").mkdir()
    preload = {"LD_PRELOAD": str(compiled("writelog", folder)), "WRITE_LOG": str(log), "WRITE_LOG_ROOT": str(folder / "root")}
    flags = ["--handlers", str(wrapped(folder / "handlers", preload))] if mode == "children" else []
    server = Server(folder / "root", "in-process", "--log-level", "warning", "--rate-limit", "0", *flags, **preload)
    acked: list[dict] = []
    with server:
        for run, seconds in enumerate(SECONDS):
            if run > 0:
                server.start()
            acked += asyncio.run(converse(server, f"run{run}", RATE[mode], seconds, *[log_was_used_again] * (run == 0)))
            alice, bob = Client(server, "alice", TENANT), Client(server, "bob", TENANT)
            acked += [alice.whisper("bob", f"whisper {run}-{number}", clientMessageId=f"{run}-{number}") for number in range(10)]
            for number in range(5):
                status, ack = server.publish(TENANT, roomId="room-0", senderId="robot", body=f"published {run}-{number}")
                assert status == 200, ack
                acked.append(ack)
            # The second run is killed while they are there.
            if run == 1:
                children = server.children()
                server.kill()
                wait_for(lambda: not any(is_running(child) for child in children), 5, "the end of the children")
                os.truncate(log, read_log(log)[1])
            else:
                assert server.stop() == 0
            alice.close(), bob.close()
    records = [record for record in read_log(log)[0] if record.name != "server.log"]
    recording = understood(records)
    # What came to the clients is what was seen to be sent.
    assert Counter(ack["messageId"] for ack in acked) == Counter(ack["messageId"] for _, ack in recording.acks)
    kinds = Counter(record.kind for record in records)
    assert kinds[Kind.UNLINKED] >= 2 and checkpoints(records) >= 4, kinds
    return recording


def checkpoints(records: list[Record]) -> int:
    """How often the database itself was written to and synced."""
    return sum(record.kind is Kind.SYNC_ENDED and record.name.endswith("/chat.sqlite") for record in records)


def understood(records: list[Record]) -> Recording:
    recording, seen = Recording(records, [], []), set()
    for place, record in enumerate(records):
        if record.kind is not Kind.SENDS:
            continue
        # What is sent again, because a socket was full, was sent for the first time before.
        for text in re.findall(rb'\{"type":"(?:ack|joined)",[^\0-\x1f]*?\}(?=[^,\]}]|$)', record.data):
            frame = json.JSONDecoder().raw_decode(text.decode("utf-8", "replace"))[0]
            if frame["type"] == "joined":
                recording.epochs.append((place, frame["roomId"], frame["epoch"]))
            elif frame["messageId"] not in seen:
                seen.add(frame["messageId"])
                recording.acks.append((place, frame))
    return recording
