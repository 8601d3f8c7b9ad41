"""A chat client for tests: every frame it gets is checked against the schemas, and none may be left over."""

import itertools
import json
import time
from collections import deque
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tokens import token
from validate import validate_client_frame, validate_server_frame

SECONDS = 5
EVENTS = ("message", "presence")


class Client:
    """One connection. Fan-out frames wait in `events`, replies are matched by their requestId.

    As the contract asks of clients, a presence frame that is no newer than what `joined` said of the user is dropped: the
    join of one who was there before may still be on its way. One that repeats another frame is not.
    """

    def __init__(self, server, user: str, tenant: str, **claims):
        self.user, self.tenant = user, tenant
        self.events: deque[dict] = deque()
        self.replies: deque[dict] = deque()
        self.raw = ""
        self.versions: dict[tuple[str, str], int] = {}
        self._numbers = itertools.count(1)
        self.socket = open_socket(server, claims.pop("jwt", None) or token(user, tenant, **claims))

    @property
    def id(self) -> str:
        return self.ask("heartbeat")["connectionId"]

    def send(self, frame):
        """Sends a frame as it is: text, bytes, or anything that becomes JSON."""
        self.socket.send(frame if isinstance(frame, (str, bytes)) else json.dumps(frame, ensure_ascii=False))

    def ask(self, action: str, **fields) -> dict:
        """Sends a good frame and returns the reply to it."""
        text = json.dumps({"action": action, **fields, "requestId": f"r{next(self._numbers)}"}, ensure_ascii=False)
        request = validate_client_frame(text)
        self.send(text)
        reply = self.reply()
        assert reply.pop("requestId", None) == request["requestId"], (reply, self.events)
        return reply

    def try_(self, frame) -> dict:
        """Sends any frame and returns the reply to it."""
        self.send(frame)
        return self.reply()

    def reply(self) -> dict:
        while not self.replies:
            self._receive(SECONDS)
        return self.replies.popleft()

    def error(self, code: str, frame) -> dict:
        """Sends a frame that must be refused with this code."""
        reply = self.try_(frame)
        assert (reply["type"], reply.get("code")) == ("error", code), reply
        return reply

    def event(self, kind: str, **fields) -> dict:
        """The next fan-out frame, which must be this one."""
        while not self.events:
            self._receive(SECONDS)
        frame = self.events.popleft()
        assert frame["type"] == kind and {name: frame.get(name) for name in fields} == fields, f"{self.user} got {frame}"
        return frame

    def collect(self, count: int) -> list[dict]:
        """The next so many fan-out frames, whatever they are."""
        while len(self.events) < count:
            self._receive(SECONDS)
        return [self.events.popleft() for _ in range(count)]

    def message(self, **fields) -> dict:
        return self.event("message", **fields)

    def join(self, room: str, **fields) -> dict:
        joined = self.ask("joinRoom", roomId=room, **fields)
        assert joined["type"] == "joined" and joined["roomId"] == room, joined
        return joined

    def say(self, room: str, body: str, **fields) -> dict:
        ack = self.ask("sendMessage", roomId=room, body=body, **fields)
        assert ack["type"] == "ack" and ack["roomId"] == room, ack
        return ack

    def whisper(self, user: str, body: str, **fields) -> dict:
        ack = self.ask("sendMessage", destinationUserId=user, body=body, **fields)
        assert ack["type"] == "ack" and ack["destinationUserId"] == user, ack
        return ack

    def everything(self, room: str) -> list[dict]:
        """All that was said in a room, oldest first."""
        messages, more = [], True
        while more:
            page = self.ask("history", roomId=room, after=messages[-1]["seq"] if messages else 0, limit=300)
            messages, more = messages + page["messages"], page["more"]
        return messages

    def bodies(self, **fields) -> list[str]:
        return [message["body"] for message in self.ask("history", **fields)["messages"]]

    def closed(self, seconds: float = SECONDS) -> int:
        """Waits for the server to close the connection; the code of its close frame."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self._receive(max(0.01, deadline - time.monotonic()))
        except ConnectionClosed as end:
            assert end.rcvd is not None, "no close frame came"
            return end.rcvd.code

    def close(self):
        self.socket.close()

    def vanish(self):
        """Ends TCP without a close frame."""
        self.socket.socket.shutdown(2)

    def left_over(self) -> list[dict]:
        """What came and no test asked for: all that the server had sent before it answered a ping."""
        try:
            self.socket.ping().wait(SECONDS)
            while True:
                self._receive(0.005)
        except (ConnectionClosed, TimeoutError):
            return [*self.replies, *self.events]

    def _receive(self, seconds: float):
        self.raw = self.socket.recv(seconds)
        assert isinstance(self.raw, str)
        frame = validate_server_frame(self.raw)
        if frame.get("type") == "joined":
            self.versions |= {(frame["roomId"], member["userId"]): member["version"] for member in frame["members"]}
        elif frame.get("type") == "presence" and frame["version"] <= self.versions.get((frame["roomId"], frame["userId"]), 0):
            return
        (self.events if frame.get("type") in EVENTS else self.replies).append(frame)


def open_socket(server, jwt: str | None = None, path: str = "/", **options):
    """Opens a WebSocket; the token goes into the query."""
    options = {"compression": None, "max_size": 1 << 20, "max_queue": None, "close_timeout": 5, "proxy": None} | options
    if "proxy" not in connect.__kwdefaults__:
        del options["proxy"]
    return connect(server.url + path + ("" if jwt is None else f"?token={quote(jwt)}"), **options)
