"""What was acknowledged survives a loss of power at any moment: contract section 3, `ack` means stored.

A server's writes and syncs are recorded (writelog.c) while clients talk, connections come and go, the log is moved into the file, and the
server stops, is killed and starts again. Then every cut of that record is turned into what a disk may hold (power.py), and the file is
opened. MUSTER_POWER_CUTS and MUSTER_POWER_SEED choose how many cuts, and which.
"""

import json
import os
import random
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from power import WAYS, Disk
from recordings import TENANT, Recording, checkpoints, record
from server import MODES, Server
from test_load import history, judge_history
from writelog import Kind

CUTS = int(os.environ.get("MUSTER_POWER_CUTS", "100"))
SEED = int(os.environ.get("MUSTER_POWER_SEED", "1"))
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


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
    remembered = {item["messageId"]: item["seq"] for pk, _, item in items if pk.startswith("SENT#")}
    if any(places.get(message) != [seq] for message, seq in remembered.items()):
        return "what is remembered to have been sent is not there"
    for place, ack in recording.acks:
        if place < cut and "requestId" in ack and ack["messageId"] not in remembered:
            return f"acknowledged at {place}, and not remembered: {ack}"
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
        elif kind == "USER":
            for id in item.get("connections", []):
                if (f"CONN#{id}", "META") not in keys:
                    return f"{pk} has the connection {id}, which is nowhere else"
        elif kind == "ROOM" and sk.startswith("CONN#"):
            if (sk, "META") not in keys:
                return f"{pk} has the member {sk}, which is nowhere else"
            if sk[5:] not in keys.get((pk, f"USER#{item['userId']}"), {}).get("connections", []):
                return f"{item['userId']} is not present in {pk} with its member {sk}"
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


@pytest.mark.parametrize("recording", ["in-process"], indirect=True)
@pytest.mark.parametrize("lie", ["data/chat.sqlite-wal", "data/chat.sqlite", "data", ""])
def test_with_a_disk_that_lies_the_loss_is_seen(recording, lie):
    """Each sync is needed: of the log, of the database before the log is used again, of their folder's names and of its own name."""
    start = recording.acks[0][0] if "/" in lie else 0
    assert faults(recording, 300, SEED, 1, lambda name, number: name != lie or number < start)


@pytest.mark.timeout(60 + CUTS)
def test_the_server_itself_starts_on_what_a_loss_of_power_leaves(recording, tmp_path, clients):
    for number, (cut, way, files) in enumerate(images(recording, CUTS // 20, SEED)):
        folder = tmp_path / str(number)
        folder.mkdir()
        lay_out(files, folder)
        with Server(folder, "in-process", "--log-level", "warning") as server:
            assert server.online(TENANT)["count"] == 0
            for room in ("room-0", "room-1", "room-2"):
                # What a backend published was asked for by no frame.
                acks = [ack for place, ack in recording.acks if place < cut and ack.get("roomId") == room and "requestId" in ack]
                messages = history(server, TENANT, room, clients)
                judge_history(messages, acks)
                status, ack = server.publish(TENANT, roomId=room, senderId="robot", body="on it goes")
                assert (status, ack["seq"]) == (200, len(messages) + 1), f"cut at {cut}, {way}"
            assert not server.log(), server.log()
