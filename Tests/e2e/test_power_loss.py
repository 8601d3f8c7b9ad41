"""What was acknowledged survives a loss of power at any moment: contract section 3, `ack` means stored.

A server's writes and syncs are recorded (writelog.c) while clients talk, connections come and go, the log is moved into the file, and the
server stops, is killed and starts again. Then every cut of that record is turned into what a disk may hold (disk.py), and the file is
opened. MUSTER_POWER_CUTS and MUSTER_POWER_SEED choose how many cuts, and which.
"""

import asyncio
import json
import os
import random
import re
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import crowd
from client import Client
from disk import WAYS, Disk, Kind, Record, read_log
from histories import history, judge_history
from server import HANDLERS_FOLDER, MODES, Server, preloaded

HERE = Path(__file__).resolve().parent
CUTS = int(os.environ.get("MUSTER_POWER_CUTS", "150"))
SEED = int(os.environ.get("MUSTER_POWER_SEED", "1"))
TENANT = "acme"
# Messages a second, fewer where each commit is a child's, and for how many seconds in each of the server's runs.
RATE = {"in-process": 600, "children": 120}
SECONDS = [1.0, 0.5, 0.25]
BODY = "x" * 2000
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


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
    preload = {"LD_PRELOAD": preloaded(HERE / "writelog.c", folder), "WRITE_LOG": str(log), "WRITE_LOG_ROOT": str(folder / "root")}
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
            # The second run is killed while everybody is there.
            if run == 1:
                server.kill()
            else:
                assert server.stop() == 0
            alice.close(), bob.close()
    records = [record for record in read_log(log) if record.name != "server.log"]
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


def cuts(recording: Recording, count: int, chance: random.Random) -> list[int]:
    """How many records there were when the power went: around every name that came or went, behind acks, and anywhere."""
    names = (Kind.MADE_FILE, Kind.MADE_FOLDER, Kind.UNLINKED)
    near = [place + by for place, record in enumerate(recording.records) if record.kind in names for by in range(-1, 6)]
    acks = [place + 1 for place, _ in recording.acks]
    end = len(recording.records)
    chosen = chance.sample(near, min(len(near), count // 4)) + [chance.choice(acks) for _ in range(count // 2)]
    return sorted(min(end, max(0, cut)) for cut in chosen + [chance.randint(0, end) for _ in range(count - len(chosen))])


def images(recording: Recording, count: int, seed: int, honours=lambda name, number: True):
    """For each cut, and for each way in which a disk may have kept what was not synced: the cut and the files."""
    chance, disk, done = random.Random(seed), Disk(honours), 0
    for number, cut in enumerate(cuts(recording, count, chance)):
        while done < cut:
            disk.follow(recording.records[done])
            done += 1
        way = WAYS[number % len(WAYS)]
        yield cut, way, {name: data for name, data in disk.after_power_loss(chance, way).items() if not name.endswith("-shm")}


def lay_out(files: dict[str, bytes], folder: Path):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def rows(folder: Path, checks: bool) -> list[tuple[str, str, dict]]:
    """Every item of the file; none if there is no table yet."""
    path = folder / "data" / "chat.sqlite"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as database:
        if checks:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return []
        return [(pk, sk, json.loads(attributes)) for pk, sk, attributes in database.execute("SELECT pk, sk, attributes FROM items")]


def judge(items: list[tuple[str, str, dict]], recording: Recording, cut: int) -> str | None:
    """What is wrong with a file that was found after the cut; None if it is right."""
    streams: dict[str, dict[int, dict]] = {}
    heads: dict[str, dict] = {}
    for pk, sk, item in items:
        if sk.startswith("MSG#"):
            streams.setdefault(pk, {})[int(sk[4:])] = item
        elif sk == "META" and pk.startswith(("ROOM#", "DM#")):
            heads[pk] = item
    places: dict[str, list[int]] = {}
    for pk, messages in streams.items():
        if sorted(messages) != list(range(1, len(messages) + 1)):
            return f"{pk} has the seqs {sorted(messages)}"
        if heads.get(pk, {}).get("seq") != len(messages):
            return f"the head of {pk} is {heads.get(pk)}, and there are {len(messages)} messages"
        for seq, item in messages.items():
            places.setdefault(item["messageId"], []).append(seq)
        if len({item["body"].split(" x")[0] for item in messages.values()}) != len(messages):
            return f"{pk} has a message twice"
    for place, ack in recording.acks:
        if place < cut and places.get(ack["messageId"]) != [ack["seq"]]:
            return f"acknowledged at {place}, and kept as {places.get(ack['messageId'])}: {ack}"
    for place, room, epoch in recording.epochs:
        if place < cut and heads.get(f"ROOM#{TENANT}#{room}", {}).get("epoch") != epoch:
            return f"the epoch of {room} was {epoch}, and its head is {heads.get(f'ROOM#{TENANT}#{room}')}"
    return judge_connections(items)


def judge_connections(items: list[tuple[str, str, dict]]) -> str | None:
    """Whatever was lost of what dies with the server, was lost from its end: nothing is there without what it builds on."""
    keys = {(pk, sk): item for pk, sk, item in items}
    for (pk, sk), item in keys.items():
        kind, name = pk.partition("#")[::2]
        if kind == "CONN":
            user = keys.get((f"USER#{TENANT}#{item['userId']}", "META"), {})
            if name not in user.get("connections", []):
                return f"{item['userId']} does not know of its connection {name}: {user}"
            if not any((f"LEASE#{item['wheelMinute']}#{shard}", f"CONN#{name}") in keys for shard in range(16)):
                return f"the wheel does not know of {name}"
            for room in item.get("rooms", []):
                if "ended" not in item and (f"ROOM#{TENANT}#{room}", f"CONN#{name}") not in keys:
                    return f"{name} is in {room}, which does not know of it"
        elif kind == "ROOM" and sk.startswith("CONN#") and (sk, "META") not in keys:
            return f"{pk} has the member {sk}, which is nowhere else"
        elif kind == "ROOM" and sk.startswith("USER#"):
            for id in item.get("connections", []):
                if (pk, f"CONN#{id}") not in keys:
                    return f"{sk} is present in {pk} with {id}, which is no member"
    return None


def faults(recording: Recording, count: int, seed: int, stop_at: int = 5, honours=lambda name, number: True) -> list[str]:
    found: list[str] = []
    for number, (cut, way, files) in enumerate(images(recording, count, seed, honours)):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            lay_out(files, Path(folder))
            try:
                fault = judge(rows(Path(folder), number % 20 == 0), recording, cut)
            except (sqlite3.Error, ValueError, AssertionError) as error:
                fault = f"{type(error).__name__}: {error}"
        if fault:
            found.append(f"seed {seed}, {number}: cut at {cut} of {len(recording.records)}, {way}: {fault[:1000]}")
            if len(found) == stop_at:
                break
    return found


@pytest.fixture(scope="module", params=MODES)
def recording(request, tmp_path_factory) -> Recording:
    return record(tmp_path_factory.mktemp("power"), request.param)


@pytest.mark.timeout(60 + CUTS)
def test_every_message_that_was_acknowledged_is_there_after_a_loss_of_power(recording, capsys):
    found = faults(recording, CUTS, SEED)
    with capsys.disabled():
        writes = sum(len(record.data) for record in recording.records if record.kind is Kind.WROTE)
        print(
            f"\n{CUTS} cuts of {len(recording.records)} records: {writes >> 20} MB written, {checkpoints(recording.records)} syncs of the database, "
            f"{len(recording.acks)} acks; {len(found)} faults")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("lie", ["data/chat.sqlite-wal", "data/chat.sqlite", "data", ""])
def test_with_a_disk_that_lies_the_loss_is_seen(recording, lie):
    """Each sync is needed: of the log, of the database before the log is used again, of their folder's names and of its own name."""
    start = recording.acks[0][0] if "/" in lie else 0
    assert faults(recording, 300, SEED, 1, lambda name, number: name != lie or number < start)


def test_the_server_itself_starts_on_what_a_loss_of_power_leaves(recording, tmp_path, clients):
    for number, (cut, way, files) in enumerate(images(recording, 5, SEED)):
        folder = tmp_path / str(number)
        folder.mkdir()
        lay_out(files, folder)
        with Server(folder, "in-process", "--log-level", "warning") as server:
            assert server.online(TENANT)["count"] == 0
            for room in ("room-0", "room-1", "room-2"):
                acks = [ack for place, ack in recording.acks if place < cut and ack.get("roomId") == room]
                messages = history(server, TENANT, room, clients)
                judge_history(messages, acks)
                status, ack = server.publish(TENANT, roomId=room, senderId="robot", body="on it goes")
                assert (status, ack["seq"]) == (200, len(messages) + 1), f"cut at {cut}, {way}"
            assert not server.log(), server.log()
