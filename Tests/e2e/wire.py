"""WebSocket bytes as they are, right or wrong, and a socket that takes all of them (RFC 6455 section 5)."""

import socket
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = bytes.fromhex("a1b2c3d4")
HANDSHAKE = (
    b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n")
SECONDS = 10


def length_bytes(length: int, mask_bit: int = 0) -> bytes:
    if length < 126:
        return bytes([mask_bit | length])
    return struct.pack(">BH", mask_bit | 126, length) if length < 1 << 16 else struct.pack(">BQ", mask_bit | 127, length)


def masked(payload: bytes) -> bytes:
    pattern = (KEY * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(pattern, "little")).to_bytes(len(payload), "little")


def frame(opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0, length: bytes | None = None) -> bytes:
    """A client's frame; `length` replaces the true one, with its mask bit."""
    first = fin << 7 | rsv << 4 | opcode
    return bytes([first]) + (length_bytes(len(payload), 0x80) if length is None else length) + KEY + masked(payload)


def answer(opcode: int, payload: bytes = b"") -> bytes:
    """The one form in which a server may send this."""
    return bytes([0x80 | opcode]) + length_bytes(len(payload)) + payload


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def fragments(opcode: int, parts: list[bytes]) -> list[bytes]:
    """One message as a frame for each part."""
    return [frame(opcode if index == 0 else CONTINUATION, part, fin=index == len(parts) - 1) for index, part in enumerate(parts)]


class Wire:
    """A connection whose handshake is done."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(HANDSHAKE)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read(1)
        assert head.startswith(b"HTTP/1.1 101 ") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head, head
        assert b"extensions" not in head.lower(), head

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, pieces):
        for piece in pieces:
            self.socket.sendall(piece)

    def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, f"ended after {data[:200]!r}"
            data += more
        return data

    def rest(self) -> bytes:
        """Everything up to the server's end of TCP."""
        pieces = []
        while more := self.socket.recv(1 << 18):
            pieces.append(more)
        return b"".join(pieces)
