"""Clients that come, do everything a client can, and end in every way in which one can end."""

import asyncio
import json
import random
import socket
import time
import zlib

import crowd
from connects import CLOSE, RESET, WAYS, Connects
from ledger import Ledger
from tokens import token

USERS, ROOMS, VISITED = 60, 40, 3
PATIENCE = 10
# How long the server's end of a socket waits for the client's, and what a busy machine takes.
CLOSING, SLACK = 5, 10
# Whoever comes and never gets into a room: as many connections at once as one batch has.
STRANGERS = 10


class Ended(Exception):
    """The server ended the connection before it answered."""


class Guest(crowd.Member):
    transport = None

    def __init__(self, user: str, room: str, ledger: Ledger):
        super().__init__(user, room, False)
        self.ledger = ledger
        # What was said before it left may come after `left`.
        self.rooms, self.visited = {room}, {room}
        self.waits: dict[str, asyncio.Future] = {}
        self.spoke = time.monotonic()

    def connection_lost(self, error):
        super().connection_lost(error)
        for wait in self.waits.values():
            if not wait.done():
                wait.set_exception(Ended())

    def received(self, payload: bytes):
        frame = json.loads(payload)
        if frame["type"] in ("message", "presence"):
            self.ledger.expect("destinationUserId" in frame or frame["roomId"] in self.visited, f"{self.user} was never in the room of {frame}")
            return
        crowd.check(payload)
        if frame["type"] == "joined" and not self.joined.done():
            self.joined.set_result(frame)
        elif wait := self.waits.pop(frame.get("requestId"), None):
            wait.set_result(frame)
        else:
            self.ledger.fault(f"{self.user} got {frame}")

    def post(self, action: str, **fields) -> asyncio.Future:
        name = f"g{time.monotonic_ns()}"
        self.spoke = time.monotonic()
        self.waits[name] = asyncio.get_running_loop().create_future()
        self.send({"action": action, "requestId": name, **fields})
        return self.waits[name]

    async def ask(self, kind: str, action: str, **fields) -> dict:
        """Sends a frame; the reply must be of this kind, or an error of this code."""
        reply = await asyncio.wait_for(self.post(action, **fields), PATIENCE)
        self.ledger.count(kind)
        self.ledger.expect(kind in (reply["type"], reply.get("code")), f"{self.user} sent {action} {fields} and got {reply}")
        return reply


class Guests:
    """One visit after another. `seed` decides what each does."""

    def __init__(self, server, tenant: str, steady: list[str], rate: float, lease: int, sweep: float, ledger: Ledger, seed: int):
        self.server, self.tenant, self.steady, self.rate = server, tenant, steady, rate
        self.lease, self.sweep, self.ledger, self.seed = lease, sweep, ledger, seed
        self.visits: set[asyncio.Task] = set()
        self.count = 0
        self.is_paused = self.is_over = False
        ways = [way for way, (_, after, _) in WAYS.items() if not after or b"lobby" not in after]
        self.strangers = Connects(server.port, [token(f"stranger-{number}", "strangers", expires=86_400) for number in range(100)], ways, seed)

    async def come(self):
        ends = [self.close, self.reset, self.abandon, self.reset_while_speaking, self.fall_silent, self.go_deaf, self.outstay, self.refresh]
        while not self.is_over:
            await asyncio.sleep(1 / self.rate)
            if not self.is_paused:
                visit = asyncio.create_task(self.visit(self.count, ends[self.count % len(ends)]))
                self.visits.add(visit)
                visit.add_done_callback(self.visits.discard)
                self.count += 1

    async def come_and_go(self):
        """Those who never get as far as a room."""
        while not self.is_over:
            if not self.is_paused:
                await asyncio.to_thread(self.strangers.make, STRANGERS)
            await asyncio.sleep(STRANGERS / self.rate)

    async def visit(self, number: int, end):
        chance = random.Random(f"{self.seed}-{number}")
        user = f"guest-{number % USERS}"
        guest = Guest(user, self.room(user, chance), self.ledger)
        self.enters(guest, guest.room)
        claims = {"expires": chance.uniform(2, 4)} if end == self.outstay else {}
        try:
            await crowd.enter(self.server, self.tenant, guest, **claims)
            self.entered(guest, guest.room)
            if end != self.outstay:
                for _ in range(chance.randrange(1, 7)):
                    await self.act(guest, chance)
                    await asyncio.sleep(chance.uniform(0, 0.3))
            await end(guest)
        except Exception as error:
            self.ledger.fault(f"{user}, who was to {end.__name__}: {type(error).__name__} {error}")
        finally:
            if guest.transport:
                guest.transport.abort()
                await guest.closed

    def room(self, user: str, chance: random.Random) -> str:
        """Of the rooms that this user goes to: everybody leaves them again and again, and comes back."""
        return f"guests-{(zlib.crc32(user.encode()) + chance.randrange(VISITED)) % ROOMS}"

    def enters(self, guest: Guest, room: str):
        self.ledger.rooms.asked.add(room), self.ledger.presence.asked.add((room, guest.user))

    def entered(self, guest: Guest, room: str):
        self.ledger.rooms.answered.add(room), self.ledger.presence.answered.add((room, guest.user))

    async def act(self, guest: Guest, chance: random.Random):
        room = self.room(guest.user, chance)
        match chance.choice(["join", "leave", "say", "say", "repeat", "whisper", "beat", "history", "online", "wrong"]):
            case "join":
                self.enters(guest, room)
                guest.rooms.add(room), guest.visited.add(room)
                await guest.ask("joined", "joinRoom", roomId=room, since=0)
                self.entered(guest, room)
            case "leave":
                await guest.ask("left", "leaveRoom", roomId=room)
                guest.rooms.discard(room)
            case "say" if guest.rooms: await self.say(guest, chance)
            case "repeat" if guest.rooms:
                first = await self.say(guest, chance, name := f"{chance.random()}")
                again = await guest.ask("ack", "sendMessage", roomId=first["roomId"], body="x", clientMessageId=name)
                self.ledger.expect(again.get("duplicate") is True and again["seq"] == first["seq"], f"{first} again is {again}")
            case "whisper":
                friend = self.steady[zlib.crc32(guest.user.encode()) % len(self.steady)]
                self.ledger.conversations.asked.add((guest.user, friend))
                self.ledger.asked.note()
                ack = await guest.ask("ack", "sendMessage", destinationUserId=friend, body="psst", clientMessageId=f"{chance.random()}")
                self.ledger.stored.note()
                self.ledger.conversations.answered.add((guest.user, friend))
                self.ledger.expect(ack["delivered"] == 1, f"{friend} is here with one connection: {ack}")
                self.ledger.owe(ack["messageId"])
            case "beat": await guest.ask("heartbeat", "heartbeat", rooms=True)
            case "history" if guest.rooms: await guest.ask("history", "history", roomId=min(guest.rooms), limit=20)
            case "online":
                page = await guest.ask("online", "online", limit=1000)
                absent = {*self.steady, guest.user} - {user["userId"] for user in page["users"]}
                self.ledger.expect(not absent, f"{len(absent)} users are here and not online, {min(absent, default='')} for one: {page}")
            case "wrong": await guest.ask("not_joined", "sendMessage", roomId="elsewhere", body="x")

    async def say(self, guest: Guest, chance: random.Random, name: str | None = None) -> dict:
        self.ledger.asked.note()
        ack = await guest.ask(
            "ack", "sendMessage", roomId=min(guest.rooms), body="x" * chance.randrange(1, 2000), clientMessageId=name or f"{chance.random()}")
        self.ledger.stored.note()
        return ack

    # How it ends.

    async def close(self, guest: Guest):
        guest.transport.write(CLOSE)
        await asyncio.wait_for(guest.closed, PATIENCE)
        self.ledger.expect(guest.close_code == 1000, f"1000 was answered with {guest.close_code}")

    async def reset(self, guest: Guest):
        guest.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    async def abandon(self, guest: Guest):
        """TCP ends without a close frame."""

    async def reset_while_speaking(self, guest: Guest):
        if guest.rooms:
            self.ledger.asked.note()
            guest.post("sendMessage", roomId=min(guest.rooms), body="unheard", clientMessageId=f"last-{time.monotonic_ns()}").cancel()
            await asyncio.sleep(0)
        await self.reset(guest)

    async def fall_silent(self, guest: Guest):
        """Its lease ends, which the sweep sees in time."""
        await guest.ask("heartbeat", "heartbeat")
        await asyncio.wait_for(guest.closed, self.lease + self.sweep + SLACK)
        # A lease is written again once a quarter of it is spent.
        lag = time.monotonic() - guest.spoke - self.lease
        self.ledger.lags.append(lag)
        self.ledger.expect(guest.close_code == 1001 and lag >= -self.lease / 4 - 1, f"ended with {guest.close_code}, {lag:.1f} s after its lease")

    async def go_deaf(self, guest: Guest):
        """Neither sends nor reads, nor answers the close: half open, as far as the server can tell."""
        guest.transport.pause_reading()
        await asyncio.sleep(self.lease + self.sweep + CLOSING)
        guest.transport.resume_reading()
        await asyncio.wait_for(guest.closed, SLACK)

    async def outstay(self, guest: Guest):
        """Its token ends: whoever sees it first, the next frame or the sweep, ends the connection."""
        while not guest.closed.done():
            try:
                reply = await asyncio.wait_for(guest.post("heartbeat"), PATIENCE)
            except Ended:
                break
            self.ledger.count(reply.get("code", reply["type"]))
            self.ledger.expect(reply["type"] == "heartbeat" or reply["code"] in ("token_expired", "gone"), f"with an old token: {reply}")
            await asyncio.sleep(0.2)
        await asyncio.wait_for(guest.closed, PATIENCE)
        self.ledger.expect(guest.close_code in (4401, 1001), f"an old token was closed with {guest.close_code}")

    async def refresh(self, guest: Guest):
        await guest.ask("refreshed", "refreshToken", token=token(guest.user, self.tenant, expires=60))
        await guest.ask("unauthorized", "refreshToken", token=token("somebody else", self.tenant))
        await self.close(guest)
