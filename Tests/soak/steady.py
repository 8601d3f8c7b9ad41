"""Rooms whose members stay for the whole soak, spoken in at a steady rate: every delivery is checked when it comes."""

import asyncio
import json
import random
import time
import zlib

import crowd
from ledger import Ledger

# Seconds after which what has not come is lost.
PATIENCE = 10
# Frames between two that are held against the schemas.
VALIDATED = 20


def words(name: str) -> str:
    """The body of a message is its name, and then what can only follow this name."""
    return f"{name} {random.Random(name).randbytes(zlib.crc32(name.encode()) % 150).hex()}"


class Room:
    """What is known of one room's messages, by seq."""

    def __init__(self, name: str):
        self.name = name
        self.members: list[Listener] = []
        self.scheduled: dict[str, float] = {}
        self.ids: dict[int, str] = {}
        self.acked: dict[int, float] = {}
        # Every seq up to here is known to be acknowledged.
        self.whole = 0

    def forget(self, below: int):
        for known in (self.ids, self.acked):
            for seq in [seq for seq in known if seq < below]:
                del known[seq]


class Listener(crowd.Member):
    """A member that holds every frame against what the room's ledger says."""

    def __init__(self, user: str, room: Room, steady: "Steady"):
        super().__init__(user, room.name, False)
        self.book, self.steady, self.ledger = room, steady, steady.ledger
        self.last = 0
        self.holes: set[int] = set()
        self.own: set[int] = set()
        self.frames = 0
        self.spoke = time.monotonic()
        self.waits: dict[str, asyncio.Future] = {}

    def connection_lost(self, error):
        super().connection_lost(error)
        self.ledger.expect(self.steady.is_over, f"{self.user} was cut off: {self.close_code} {error}")

    def received(self, payload: bytes):
        self.frames += 1
        frame = json.loads(payload)
        if self.frames % VALIDATED == 1:
            crowd.check(payload)
        match frame["type"]:
            case "message" if "roomId" in frame: self.delivered(frame)
            case "message": self.ledger.direct_came(frame)
            case "ack": self.acknowledged(frame)
            case "joined":
                self.first = self.last = frame["seq"]
                self.joined.set_result(frame)
            case "presence" if frame["roomId"] == self.room: pass
            case "heartbeat" | "history" if frame["requestId"] in self.waits:
                self.waits.pop(frame["requestId"]).set_result(frame)
            case _: self.ledger.fault(f"{self.user} got {frame}")

    def delivered(self, frame: dict):
        seq, name = frame["seq"], frame["body"].split(" ", 1)[0]
        self.steady.deliveries += 1
        if seq > self.last:
            self.holes.update(range(self.last + 1, seq))
            self.holes -= self.own
            self.last = seq
        else:
            self.ledger.fault(f"{self.user} got seq {seq} {'out of order' if seq in self.holes else 'twice'}, after {self.last}")
            self.holes.discard(seq)
        self.ledger.expect(frame["body"] == words(name), f"{self.user} got other words than were sent: {frame}")
        self.ledger.expect(frame["roomId"] == self.room, f"{self.user} got a message of another room: {frame}")
        self.identified(seq, frame["messageId"])
        if name in self.book.scheduled:
            self.steady.delays.append(time.monotonic() - self.book.scheduled[name])
        else:
            self.ledger.fault(f"{self.user} got what nobody sent: {frame}")

    def acknowledged(self, frame: dict):
        now, seq = time.monotonic(), frame["seq"]
        self.ledger.stored.note()
        self.steady.waiting.discard(frame["requestId"])
        self.steady.latencies.append(now - self.book.scheduled[frame["requestId"]])
        self.ledger.expect("duplicate" not in frame and seq not in self.book.acked, f"a seq was given twice: {frame}")
        self.book.acked[seq] = now
        self.identified(seq, frame["messageId"])
        self.own.add(seq)
        self.holes.discard(seq)

    def identified(self, seq: int, message: str):
        known = self.book.ids.setdefault(seq, message)
        self.ledger.expect(known == message, f"seq {seq} of {self.room} is {known} for one and {message} for another")

    def speak(self, name: str):
        self.spoke = time.monotonic()
        self.ledger.asked.note()
        self.send({"action": "sendMessage", "roomId": self.room, "body": words(name), "clientMessageId": name, "requestId": name})

    async def ask(self, name: str, action: str, **fields) -> dict:
        self.spoke = time.monotonic()
        self.waits[name] = asyncio.get_running_loop().create_future()
        answer = self.waits[name]
        self.send({"action": action, "requestId": name, **fields})
        return await asyncio.wait_for(answer, PATIENCE)


class Steady:
    def __init__(self, server, tenant: str, rooms: int, members: int, rate: float, lease: int, ledger: Ledger):
        self.server, self.tenant, self.rate, self.lease, self.ledger = server, tenant, rate, lease, ledger
        self.rooms = [Room(f"steady-{number}") for number in range(rooms)]
        self.size = members
        self.is_over = False
        self.sent = self.deliveries = 0
        self.waiting: set[str] = set()
        # Of the present window, in seconds from the scheduled time.
        self.latencies: list[float] = []
        self.delays: list[float] = []

    @property
    def everyone(self) -> list[Listener]:
        return [member for room in self.rooms for member in room.members]

    async def enter(self):
        for room in self.rooms:
            for number in range(self.size):
                member = Listener(f"{room.name}-member-{number}", room, self)
                for named, what in ((self.ledger.rooms, room.name), (self.ledger.presence, (room.name, member.user))):
                    named.asked.add(what), named.answered.add(what)
                room.members.append(await crowd.enter(self.server, self.tenant, member, expires=86_400))

    async def talk(self):
        start = time.monotonic()
        while not self.is_over:
            scheduled = start + self.sent / self.rate
            await asyncio.sleep(max(0, scheduled - time.monotonic()))
            room = self.rooms[self.sent % len(self.rooms)]
            name = f"s{self.sent}"
            room.scheduled[name] = scheduled
            self.waiting.add(name)
            room.members[self.sent // len(self.rooms) % self.size].speak(name)
            self.sent += 1

    async def beat(self):
        """Nobody's lease ends who is here to stay."""
        number = 0
        while not self.is_over:
            await asyncio.sleep(self.lease / 20)
            silent = [member for member in self.everyone if member.spoke < time.monotonic() - self.lease / 4]
            await asyncio.gather(*(member.ask(f"h{number}-{place}", "heartbeat") for place, member in enumerate(silent)))
            number += 1

    async def check(self):
        self.check_arrivals()
        room = random.choice(self.rooms)
        await self.check_history(room, random.choice(room.members))

    def check_arrivals(self):
        """Whatever was acknowledged some time ago has come to everyone."""
        late = time.monotonic() - PATIENCE
        for room in self.rooms:
            while room.acked.get(room.whole + 1, late) < late:
                room.whole += 1
            newest = max((seq for seq, moment in room.acked.items() if moment < late), default=0)
            self.ledger.expect(newest == room.whole, f"seq {room.whole + 1} of {room.name} was given to nobody, and {newest} was")
            for member in room.members:
                missing = {seq for seq in member.holes if seq <= room.whole}
                missing |= {seq for seq in range(member.last + 1, room.whole + 1) if seq not in member.own}
                self.ledger.expect(not missing, f"{member.user} lost {sorted(missing)[:10]} of {room.name}")
                member.own = {seq for seq in member.own if seq > room.whole - 1000}
            room.forget(room.whole - 1000)
            for name in [name for name, moment in room.scheduled.items() if moment < late]:
                self.ledger.expect(name not in self.waiting, f"{name} in {room.name} was never answered")
                if room.scheduled[name] < late - 60:
                    del room.scheduled[name]

    async def check_history(self, room: Room, member: Listener):
        """A page of what was said last, as far as it has not aged out."""
        newest = max(room.acked, default=0)
        page = (await member.ask(f"p{time.monotonic_ns()}", "history", roomId=room.name, limit=50))["messages"]
        seqs = [message["seq"] for message in page]
        self.ledger.expect(
            not newest or seqs and seqs[-1] >= newest and seqs == list(range(seqs[0], seqs[-1] + 1)), f"history of {room.name}: {seqs}")
        for message in page:
            known = room.ids.get(message["seq"], message["messageId"])
            self.ledger.expect(known == message["messageId"], f"history has another message at seq {message['seq']} of {room.name}")
        if seqs and len(seqs) < 50 and seqs[0] > 1:
            age = time.monotonic() - room.acked.get(seqs[0] - 1, 0)
            self.ledger.expect(age > self.ledger.history - 2, f"seq {seqs[0] - 1} of {room.name} is gone after {age:.0f} s")

    async def leave(self):
        self.is_over = True
        await crowd.leave([room.members for room in self.rooms])
