"""Files that a crash or a disk left cut off or damaged: the history is a gapless prefix of what was acked, with all that came before the
cut, or the start says in one line what is wrong. Contract sections 1 and 3."""

import os
import random
import shutil
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from client import Client
from server import Server
from test_disk import bodies

ROUNDS = int(os.environ.get("MUSTER_CRASH_ROUNDS", "12"))
SEED = int(os.environ.get("MUSTER_CRASH_SEED", random.randrange(1 << 32)))
# The format of the log: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
PAGE, HEAD, FRAME = 4096, 32, 24 + 4096
SAID = [f"{number} " + "x" * 1500 for number in range(16)]


class Killed:
    """The data folder of a server that was killed, and how long its log was at each ack."""

    def __init__(self, folder: Path):
        self.server = Server(folder, "in-process", "--rate-limit", "0").start()
        self.log = self.server.data / "chat.sqlite-wal"
        client = Client(self.server, "alice", "acme")
        self.epoch = client.join("lobby")["epoch"]
        self.sizes = [self.log.stat().st_size]
        for number, body in enumerate(SAID):
            client.say("lobby", body, clientMessageId=f"{number}")
            self.sizes.append(self.log.stat().st_size)
        self.server.kill()
        client.close()
        self.copy = folder / "copy"
        shutil.copytree(self.server.data, self.copy)
        self.whole = self.log.read_bytes()

    def restore(self):
        shutil.rmtree(self.server.data)
        shutil.copytree(self.copy, self.server.data)

    def judge(self, log: bytes | None, whole: int):
        """Starts on this log, of which the first `whole` bytes are as they were."""
        self.restore()
        if log is None:
            self.log.unlink(missing_ok=True)
        else:
            self.log.write_bytes(log)
        least = sum(size <= whole for size in self.sizes[1:])
        client = Client(self.server.start(), "alice", "acme")
        joined = client.join("lobby", since=len(SAID), epoch=self.epoch)
        kept = bodies(client)
        assert kept == SAID[:len(kept)] and joined["seq"] == len(kept), f"{len(kept)} of {len(SAID)}, not the first ones"
        assert len(kept) >= least, f"{len(kept)} messages are left of the {least} before the cut"
        assert joined["epoch"] == self.epoch or whole < self.sizes[0], "the room was whole"
        is_whole = len(kept) == len(SAID)
        assert (joined["recovered"], joined["missed"]) == (is_whole, []), joined
        # What was lost is sent again; what was not is known.
        for number, body in enumerate(SAID):
            ack = client.say("lobby", body, clientMessageId=f"{number}")
            assert (ack["seq"], ack.get("duplicate", False)) == (number + 1, number < len(kept)), ack
        assert bodies(client) == SAID
        client.close()
        self.server.kill()
        return len(kept)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    killed = Killed(tmp_path_factory.mktemp("killed"))
    yield killed
    killed.server.kill()


def cuts(length: int) -> list[int]:
    """The whole, nothing, and in and around each so many frames."""
    frames = range(0, (length - HEAD) // FRAME, max(1, 60 // ROUNDS))
    inside = {HEAD + frame * FRAME + offset for frame in frames for offset in (-1, 0, 1, 24, 2000)}
    return sorted({0, 1, 31, length} | {place for place in inside if 0 <= place <= length})


@pytest.mark.timeout(60 + 15 * ROUNDS)
def test_a_log_that_is_cut_off_anywhere_leaves_what_came_before(killed):
    assert killed.judge(killed.whole, len(killed.whole)) == len(SAID)
    found = {killed.judge(killed.whole[:cut], cut) for cut in cuts(len(killed.whole))}
    assert len(found) > 5, "the cuts do not differ"
    killed.judge(None, 0)


@pytest.mark.timeout(60 + 15 * ROUNDS)
@pytest.mark.parametrize("kind", ["zeros", "junk", "one byte", "junk after it"])
def test_a_log_whose_tail_is_wrong_leaves_what_came_before(killed, kind):
    print(f"MUSTER_CRASH_SEED={SEED}")
    chance = random.Random(f"{SEED} {kind}")
    length = len(killed.whole)
    for _ in range(max(5, ROUNDS // 2)):
        place = chance.randrange(HEAD, length)
        log = bytearray(killed.whole)
        if kind == "zeros":
            log[place:] = bytes(length - place)
        elif kind == "junk":
            log[place:] = chance.randbytes(length - place)
        elif kind == "one byte":
            log[place] ^= chance.randrange(1, 256)
        else:
            log, place = log + chance.randbytes(chance.randrange(1, 3 * FRAME)), length
        killed.judge(bytes(log), place - (place - HEAD) % FRAME)


@pytest.fixture
def stopped(servers):
    """A server that was stopped, so that its database is one file."""
    server = servers("in-process", "--rate-limit", "0")
    client = Client(server, "alice", "acme")
    client.join("lobby")
    for body in SAID:
        client.say("lobby", body)
    client.close()
    assert server.stop() == 0
    return server


def damage(server: Server, change):
    path = server.data / "chat.sqlite"
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data) or data)


def put(start: int, end: int | None, what):
    def change(data: bytearray):
        last = len(data) if end is None else end
        data[start:last] = what(last - start)
    return change


@pytest.mark.parametrize("change, words", [
    (lambda data: b"no database", "is no SQLite database; move it away"),
    (put(0, None, random.randbytes), "is no SQLite database; move it away"),
    (put(0, 100, bytes), "is no SQLite database; move it away"),
    (put(100, PAGE, random.randbytes), "restore it from a copy"),
    (put(PAGE, 2 * PAGE, random.randbytes), "restore it from a copy"),
    (put(PAGE, None, bytes), "restore it from a copy"),
    (lambda data: data[:len(data) // 2], "restore it from a copy"),
    (lambda data: data[:PAGE + 100], "restore it from a copy"),
    (lambda data: data[:100], "restore it from a copy"),
], ids=["text", "junk", "no head", "first page", "root", "zeros", "half", "a page", "a head"])
def test_a_damaged_database_is_one_line_that_says_what_to_do(stopped, change, words):
    damage(stopped, change)
    line = stopped.refused()
    assert words in line and ("chat.sqlite" in line or "data folder" in line), line


def test_an_empty_database_is_a_new_one(stopped, clients):
    """As SQLite has it. It shows: another epoch."""
    (stopped.data / "chat.sqlite").write_bytes(b"")
    alice = clients(stopped.start(), "alice", "acme")
    assert alice.join("lobby", since=1, epoch="2")["recovered"] is False and alice.say("lobby", "first")["seq"] == 1


def test_damage_that_is_found_later_is_an_error_frame_and_a_line_in_the_log(stopped):
    """A start reads what it needs, not every page: it stays quick however much was said."""
    path = stopped.data / "chat.sqlite"
    original = path.read_bytes()
    found = 0
    for page in range(2, len(original) // PAGE):
        path.write_bytes(original)
        damage(stopped, put(page * PAGE, (page + 1) * PAGE, random.randbytes))
        stopped.log_path.write_text("")
        line = stopped.attempt()
        if line:
            # A page that the start reads.
            assert "restore it from a copy" in line, line
            continue
        replies = conversation(stopped)
        assert set(replies) <= {"internal", "not_joined", "joined", "ack", "history", "online"}, replies
        if "internal" in replies:
            assert "the database is damaged: restore it from a copy" in stopped.log(), stopped.log()
            found += 1
        assert stopped.http("/healthz")[0] == 200
        stopped.kill()
        (stopped.data / "chat.sqlite-wal").unlink()
    assert found > 3, f"of {page} damaged pages {found} were found"


def conversation(server: Server) -> list[str]:
    """What kind of answer each of several frames gets."""
    try:
        client = Client(server, "alice", "acme")
    except InvalidStatus as refusal:
        assert refusal.response.status_code == 500
        return ["internal"]
    replies = [
        client.ask("joinRoom", roomId="lobby", since=0), client.ask("sendMessage", roomId="lobby", body="hello"),
        client.ask("history", roomId="lobby", limit=300), client.ask("online")]
    client.close()
    return [reply.get("code") or reply["type"] for reply in replies]
