"""Connections that come and go by the thousand, each in one of the ways that clients end: as fast as one process can."""

import itertools
import json
import random
import socket
import struct
from urllib.parse import quote

UPGRADE = (
    "GET /?token={token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
RESET = struct.pack("ii", 1, 0)
AT_ONCE = 50


def frame(opcode: int, payload: bytes) -> bytes:
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0xFE, len(payload))
    return bytes([0x80 | opcode]) + size + bytes(4) + payload


def say(**fields) -> bytes:
    return frame(1, json.dumps(fields).encode())


CLOSE = frame(8, b"\x03\xe8")
JOIN = say(action="joinRoom", roomId="lobby")
TALK = say(action="sendMessage", roomId="lobby", body="x" * 100) * 3

# How it begins, what is sent after the answer's first bytes (None: they are not waited for), and how it ends.
# "upgrade" is the handshake of the connection's own user; "end" reads to the end, "reset" and "close" do not.
WAYS = {
    "a request": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"", "close"),
    "a request that is the last": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"", "end"),
    "nothing": (b"", None, "close"),
    "nothing, reset": (b"", None, "reset"),
    "half a head": (b"GET /?token=x HTTP/1.1\r\nHost: x\r\nA:", None, "close"),
    "half a head, reset": (b"GET /?token=x HTTP/1.1\r\nHost: x\r\nA:", None, "reset"),
    "a malformed head": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"", "end"),
    "half a body": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + b"x" * 20_000, None, "close"),
    "a refused token": (UPGRADE.format(token="no.such.token").encode(), b"", "end"),
    "reset during the handshake": ("upgrade", None, "reset"),
    "closed during the handshake": ("upgrade", None, "close"),
    "a clean close": ("upgrade", CLOSE, "end"),
    "closed after the handshake": ("upgrade", b"", "close"),
    "reset after the handshake": ("upgrade", b"", "reset"),
    "a protocol fault": ("upgrade", b"\xff\xff", "end"),
    "half a frame": ("upgrade", b"\x81\xfe\x10\x00\0\0\0\0abc", "close"),
    "half a message, reset": ("upgrade", b"\x01\x82\0\0\0\0ab", "reset"),
    "joined, clean": ("upgrade", JOIN + CLOSE, "end"),
    "closed during a handler": ("upgrade", JOIN + TALK, "close"),
    "reset during a handler": ("upgrade", JOIN + TALK, "reset"),
    "a frame before the answer": ("early", None, "end"),
}
# What an echo server knows: no token is refused there, and what is joined is only an echo.
ECHO_WAYS = [name for name in WAYS if "token" not in name]


class Connects:
    """Connections to one port. Their users are taken in turn, so that none has many at once."""

    def __init__(self, port: int, tokens: list[str], ways=tuple(WAYS), seed: int = 1):
        self.port, self.ways, self.chance = port, list(ways), random.Random(seed)
        self.heads = itertools.cycle([UPGRADE.format(token=quote(token)).encode() for token in tokens])
        # Closed ports rest for a minute, 28,000 for each source address.
        self.sources = itertools.cycle([f"127.{a}.{b}.1" for a in range(1, 5) for b in range(16)])
        self.count = 0

    def make(self, count: int):
        for start in range(0, count, AT_ONCE):
            self._batch(min(AT_ONCE, count - start))

    def _batch(self, size: int):
        source, opened = next(self.sources), []
        for _ in range(size):
            begin, after, end = WAYS[self.chance.choice(self.ways)]
            connection = socket.socket()
            connection.settimeout(20)
            connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            connection.bind((source, 0))
            connection.connect(("127.0.0.1", self.port))
            if after:
                # Rooms of a few, or most of the work would be telling everyone of everyone.
                after = after.replace(b"lobby", b"lob%02d" % self.chance.randrange(50))
            if begin == "upgrade":
                begin = next(self.heads)
            elif begin == "early":
                begin = next(self.heads) + CLOSE
            if begin:
                connection.sendall(begin)
            opened.append((connection, after, end))
        self.count += size
        for connection, after, _ in opened:
            if after is not None:
                assert connection.recv(65536).startswith(b"HTTP/1.1 ")
                if after:
                    connection.sendall(after)
        for connection, _, end in opened:
            if end == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            elif end == "end":
                while connection.recv(65536):
                    pass
            connection.close()
