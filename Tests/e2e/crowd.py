"""Many connections in one process: the least that a WebSocket client must do, so that the server is what is measured."""

import asyncio
import json
import struct
from urllib.parse import quote

from tokens import token
from validate import validate_server_frame

UPGRADE = (
    "GET /?token={token} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")

_valid: set[bytes] = set()


def check(payload: bytes):
    """Validates a frame against the schemas; a fan-out's many equal copies once."""
    if payload not in _valid:
        validate_server_frame(payload)
        if len(_valid) > 20_000:
            _valid.clear()
        _valid.add(payload)


class Member(asyncio.Protocol):
    """One connection in one room. Records the seq of every message it gets and every ack of what it sent."""

    def __init__(self, user: str, room: str, validate: bool):
        self.user, self.room, self.validate = user, room, validate
        self.buffer = b""
        self.upgraded = False
        loop = asyncio.get_running_loop()
        self.joined, self.closed = loop.create_future(), loop.create_future()
        self.close_code: int | None = None
        self.first = 0
        self.seqs: list[int] = []
        self.acks: list[dict] = []
        self.sent: dict[str, float] = {}
        self.latencies: list[float] = []
        self.errors: list[dict] = []

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        for future in (self.joined, self.closed):
            if not future.done():
                future.set_result(None)

    def data_received(self, data: bytes):
        buffer = self.buffer + data if self.buffer else data
        if not self.upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = buffer
                return
            if not buffer.startswith(b"HTTP/1.1 101 "):
                return self.refused(buffer)
            self.upgraded, buffer = True, buffer[end + 4:]
            self.opened()
        place = 0
        while len(buffer) - place >= 2:
            start, length = place + 2, buffer[place + 1]
            if length == 126:
                if len(buffer) < start + 2:
                    break
                start, length = start + 2, int.from_bytes(buffer[start:start + 2], "big")
            elif length == 127:
                if len(buffer) < start + 8:
                    break
                start, length = start + 8, int.from_bytes(buffer[start:start + 8], "big")
            if len(buffer) < start + length:
                break
            if buffer[place] == 0x81:
                self.received(buffer[start:start + length])
            elif buffer[place] == 0x88:
                self.close_code = int.from_bytes(buffer[start:start + 2], "big")
                self.transport.close()
            place = start + length
        self.buffer = buffer[place:]

    def opened(self):
        self.send({"action": "joinRoom", "roomId": self.room})

    def refused(self, answer: bytes):
        raise AssertionError(answer[:100])

    def received(self, payload: bytes):
        if self.validate:
            check(payload)
        if payload.startswith(b'{"type":"message"'):
            # Only the number matters of the many messages.
            at = payload.index(b'"seq":') + 6
            self.seqs.append(int(payload[at:payload.index(b",", at)]))
        elif payload.startswith(b'{"type":"presence"'):
            pass
        else:
            frame = json.loads(payload)
            if frame["type"] == "ack":
                self.acks.append(frame)
                self.latencies.append(asyncio.get_running_loop().time() - self.sent.pop(frame["requestId"]))
            elif frame["type"] == "joined" and not self.joined.done():
                self.first = frame["seq"]
                self.joined.set_result(frame)
            else:
                self.errors.append(frame)

    def send(self, frame: dict):
        payload = json.dumps(frame).encode()
        size = struct.pack("!BB", 0x81, 0x80 | len(payload)) if len(payload) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(payload))
        # A mask of zeros is a mask.
        self.transport.write(size + bytes(4) + payload)

    def say(self, body: str, name: str):
        self.sent[name] = asyncio.get_running_loop().time()
        self.send({"action": "sendMessage", "roomId": self.room, "body": body, "clientMessageId": name, "requestId": name})


async def enter(server, tenant: str, member: Member, **claims) -> Member:
    """Connects a member with a token of its user, and waits until it is in its room."""
    await asyncio.get_running_loop().create_connection(lambda: member, "127.0.0.1", server.port)
    member.transport.write(UPGRADE.format(token=quote(token(member.user, tenant, **claims))).encode())
    assert await asyncio.wait_for(member.joined, 20), f"{member.user} was not let in"
    return member


async def gather(server, tenant: str, rooms: int, members: int, validate: bool = True, at_once: int = 64) -> list[list[Member]]:
    """Opens `members` connections in each of `rooms` rooms, all of different users."""
    gate = asyncio.Semaphore(at_once)

    async def one(room: int, number: int) -> Member:
        async with gate:
            return await enter(server, tenant, Member(f"user-{room}-{number}", f"room-{room}", validate))

    everyone = await asyncio.gather(*(one(room, number) for room in range(rooms) for number in range(members)))
    return [everyone[room * members:(room + 1) * members] for room in range(rooms)]


async def talk(crowd: list[list[Member]], rate: float, seconds: float, prefix: str, body: str = "x" * 100):
    """Sends `rate` messages per second in total, from one member after another of one room after another."""
    loop = asyncio.get_running_loop()
    start, number = loop.time(), 0
    while number < rate * seconds:
        await asyncio.sleep(max(0, start + number / rate - loop.time()))
        room = crowd[number % len(crowd)]
        room[number // len(crowd) % len(room)].say(f"{prefix}-{number} {body}", f"{prefix}-{number}")
        number += 1
    return number


async def leave(crowd: list[list[Member]]):
    """Breaks every connection, and returns when each socket is closed."""
    everyone = [member for room in crowd for member in room]
    for member in everyone:
        member.transport.abort()
    await asyncio.gather(*(member.closed for member in everyone))


async def until(condition, seconds: float):
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "what was awaited did not come"
        await asyncio.sleep(0.02)
