"""Clients that live through crashes by the contract's own rules: they reconnect, resume with `since` and `epoch`, and send again."""

import asyncio
import itertools
import json
import random
from urllib.parse import quote

import crowd
from promises import Send, Stream, stream_of
from tokens import token
from watching import View

ANSWER_SECONDS = 20
PAGE = 300
CLOSE = b"\x88\x82" + bytes(4) + b"\x03\xe8"


class Broken(Exception):
    """The connection ended before what was awaited came."""


class Failed(Exception):
    """The handler died before it answered."""


async def every(acts):
    """Waits for the end of all of them, and then raises what the first that failed raised."""
    for result in await asyncio.gather(*acts, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


class Line(crowd.Member):
    """One connection of a survivor: gives each reply to whoever asked, and everything else to the survivor."""

    def __init__(self, survivor: "Survivor"):
        super().__init__(survivor.user, "", validate=True)
        self.survivor = survivor
        self.numbers = itertools.count(1)
        self.asked: dict[str, asyncio.Future] = {}
        # A room from `joined` on, and the frames that came before it. After `left` the last of a room's may still come.
        self.views: dict[str, View] = {}
        self.entering: dict[str, list[dict]] = {}
        self.newest: dict[Stream, int] = {}

    def opened(self):
        self.joined.set_result({})

    def refused(self, answer: bytes):
        assert answer.startswith(b"HTTP/1.1 502 ") and self.survivor.company.handlers_die, answer
        self.transport.close()

    def connection_lost(self, error):
        super().connection_lost(error)
        for future in self.asked.values():
            if not future.done():
                future.set_exception(Broken(error))

    def received(self, payload: bytes):
        try:
            self.take(payload)
        except AssertionError as wrong:
            # What is raised here, the event loop would only log.
            self.survivor.company.wrong.append(wrong)
            raise

    def take(self, payload: bytes):
        crowd.check(payload)
        frame = json.loads(payload)
        kind = frame.get("type")
        if kind == "message":
            self.heard(frame)
        elif kind == "presence":
            room = frame["roomId"]
            if room in self.views:
                self.views[room].hear(frame)
            elif room in self.entering:
                # Of what happened while `joined` was on its way.
                self.entering[room].append(frame)
        elif kind is None:
            assert self.survivor.company.handlers_die and len(self.asked) == 1, frame
            self.asked.popitem()[1].set_exception(Failed())
        else:
            reply = self.asked.pop(frame["requestId"])
            if self.survivor.company.handlers_die and frame.get("code") == "gone":
                # A handler that keeps dying is started again after seconds only, and a lease may end over that.
                return reply.set_exception(Broken(frame))
            assert kind != "error", frame
            if kind == "joined":
                # Here and not where it is awaited: the next frame may follow at once.
                company, room = self.survivor.company, frame["roomId"]
                self.views[room] = View(room, frame, company.in_order, company.handlers_die)
                for early in self.entering.pop(room):
                    self.views[room].hear(early)
            reply.set_result(frame)

    def heard(self, message: dict):
        stream, seq = stream_of(message), message["seq"]
        if self.survivor.company.in_order:
            assert seq > self.newest.get(stream, 0), f"{self.user} got {message} after {self.newest[stream]}"
        self.newest[stream] = seq
        self.survivor.learn(message)

    async def ask(self, action: str, **fields) -> dict:
        name = f"r{next(self.numbers)}"
        if self.closed.done():
            raise Broken
        answer = self.asked[name] = asyncio.get_running_loop().create_future()
        self.send({"action": action, **fields, "requestId": name})
        return await asyncio.wait_for(answer, ANSWER_SECONDS)

    async def end(self, politely: bool):
        if politely:
            self.transport.write(CLOSE)
        else:
            self.transport.abort()
        await asyncio.wait_for(self.closed, ANSWER_SECONDS)


class Survivor:
    """One device of a user, and what it knows from one connection to the next."""

    def __init__(self, company, user: str, rooms: list[str], seed: str):
        self.company, self.user, self.rooms = company, user, rooms
        self.chance = random.Random(seed)
        self.epochs: dict[str, str] = {}
        self.known: dict[Stream, set[int]] = {}
        self.tops: dict[Stream, int] = {}
        self.unacked: list[Send] = []
        self.line: Line | None = None

    def learn(self, message: dict):
        self.company.promises.saw(message)
        self.note(stream_of(message), message["seq"])

    def note(self, stream: Stream, seq: int):
        known, top = self.known.setdefault(stream, set()), self.tops.get(stream, 0)
        known.add(seq)
        while top + 1 in known:
            top += 1
            known.discard(top)
        self.tops[stream] = top

    async def come_back(self):
        """Connects, resumes every room and sends again what was not acked."""
        if self.line:
            self.line.transport.abort()
        while True:
            loop = asyncio.get_running_loop()
            try:
                _, self.line = await loop.create_connection(lambda: Line(self), "127.0.0.1", self.company.server.port)
            except OSError:
                raise Broken from None
            self.line.transport.write(crowd.UPGRADE.format(token=quote(token(self.user, self.company.tenant))).encode())
            if await asyncio.wait_for(self.line.joined, ANSWER_SECONDS) is not None:
                break
            if not self.company.handlers_die:
                raise Broken
        for room in self.rooms:
            await self.surely(lambda: self.resume(room))
        for send in list(self.unacked):
            await self.surely(lambda: self.say(send))

    async def surely(self, act):
        """Tries again for as long as handlers die."""
        while True:
            try:
                return await act()
            except Failed:
                pass
            except Broken:
                if not self.company.handlers_die:
                    raise
                await self.come_back()

    async def resume(self, room: str):
        stream, line = ("room", room), self.line
        since = self.tops.get(stream, 0)
        epoch = {"epoch": self.epochs[room]} if room in self.epochs else {}
        line.entering[room] = []
        joined = await line.ask("joinRoom", roomId=room, since=since, **epoch)
        assert self.epochs.setdefault(room, joined["epoch"]) == joined["epoch"], f"{room} has lost its history"
        missed = [message["seq"] for message in joined["missed"]]
        assert missed == list(range(since + 1, since + 1 + len(missed))), f"{self.user} asked since {since} and got {missed}"
        assert joined["recovered"] == (since + len(missed) >= joined["seq"]), joined
        # What was said while it was answered may be in it too.
        assert joined["recovered"] or len(missed) == PAGE, joined
        self.company.recovered += joined["recovered"]
        for message in joined["missed"]:
            self.learn(message)
        await self.catch_up(stream, joined["seq"])

    async def catch_up(self, stream: Stream, newest: int):
        """Reads what no frame brought, up to a number that is known to be there."""
        while self.tops.get(stream, 0) < newest:
            page = await self.page(stream, self.tops.get(stream, 0))
            assert page["messages"], f"{stream} ends before {newest}"
            for message in page["messages"]:
                self.learn(message)

    async def page(self, stream: Stream, after: int) -> dict:
        place = {"roomId": stream[1]} if stream[0] == "room" else \
            {"destinationUserId": next(user for user in stream[1:] if user != self.user)}
        return await self.line.ask("history", **place, after=after, limit=PAGE)

    async def history(self, stream: Stream, after: int) -> list[dict]:
        """Everything that was said in a stream after a number, oldest first."""
        messages, more = [], True
        while more:
            page = await self.page(stream, messages[-1]["seq"] if messages else after)
            messages, more = messages + page["messages"], page["more"]
        return messages

    async def say(self, send: Send):
        send.times += 1
        if send.name and send not in self.unacked and not send.ack:
            self.unacked.append(send)
        ack = await self.line.ask("sendMessage", **send.fields)
        self.company.promises.acked(send, ack)
        self.note(send.stream, ack["seq"])
        if send in self.unacked:
            self.unacked.remove(send)

    async def refresh(self):
        """Renews the lease, and reads what the newest numbers say is missing."""
        heartbeat = await self.surely(lambda: self.line.ask("heartbeat", rooms=True))
        for room, newest in heartbeat["rooms"].items():
            await self.surely(lambda: self.catch_up(("room", room), newest))

    async def live(self):
        """Does one thing after another, until the server is dead or the company is at rest."""
        while not self.company.rests:
            try:
                await self.act()
            except Failed:
                for send in list(self.unacked):
                    await self.surely(lambda: self.say(send))
            except Broken:
                if not self.company.handlers_die:
                    raise
                await self.come_back()

    async def act(self):
        chance, promises = self.chance, self.company.promises
        roll = chance.random()
        room = chance.choice(self.rooms)
        if roll < 0.7:
            many = 1 if self.company.handlers_die else chance.randrange(1, 4)
            sends = [self.new_send(("room", room), named=chance.random() < 0.8) for _ in range(many)]
            await every(self.say(send) for send in sends)
        elif roll < 0.82:
            other = chance.choice([user for user in self.company.users if user != self.user])
            await self.say(self.new_send(("direct", *sorted((self.user, other))), named=chance.random() < 0.8))
        elif roll < 0.87:
            # For ten minutes an id is remembered: the newest are not that old.
            newest = itertools.islice(reversed(promises.sends.values()), 300)
            acked = [send for send in newest if send.ack and send.name and self.may_repeat(send)]
            if acked:
                await self.say(chance.choice(acked))
        elif roll < 0.94:
            self.line.views.pop(room, None)
            await self.surely(lambda: self.line.ask("leaveRoom", roomId=room))
            self.line.views.pop(room, None)
            await self.surely(lambda: self.resume(room))
        elif roll < 0.97:
            await self.line.end(politely=chance.random() < 0.5)
            await self.come_back()
        else:
            heartbeat = await self.line.ask("heartbeat", rooms=True)
            assert heartbeat["rooms"].keys() == set(self.rooms), heartbeat

    def may_repeat(self, send: Send) -> bool:
        return send.sender == self.user and (send.stream[0] == "direct" or send.stream[1] in self.rooms)

    def new_send(self, stream: Stream, named: bool) -> Send:
        number = len(self.company.promises.sends)
        return self.company.promises.send(self.user, stream, f"{self.user}-{number}" if named else None)
