"""Peers that begin and never end, all of them at once so that the test takes as long as the longest limit."""

import asyncio
import json
import struct
from urllib.parse import quote

import pytest

from server import Echo
from tokens import token

HEAD, MESSAGE, BODY = 10, 20, 30  # seconds
UPGRADE = (
    "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
# Bytes that come at once, bytes that come again and again, what is read at the end, and after how many seconds.
HTTP = {
    "nothing": (b"", b"", b"", HEAD),
    "half a line": (b"GET / HT", b"", b"HTTP/1.1 408 ", HEAD),
    "an empty line": (b"\r\n", b"", b"", HEAD),
    "a target that drips": (b"GET /", b"a", b"HTTP/1.1 408 ", HEAD),
    "fields that drip": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"A: b\r\n", b"HTTP/1.1 408 ", HEAD),
    "a second request that drips": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"G", b"HTTP/1.1 200 ", HEAD),
    "a body that drips": (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"a", b"HTTP/1.1 408 ", BODY),
    "chunks that drip": (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", b"HTTP/1.1 408 ", BODY),
}
PING = b"\x89\x80\0\0\0\0"
FRAMES = {
    "one byte": (b"\x81", b""),
    "a header": (b"\x81\xfe\x10\x00\0\0\0\0", b""),
    "a payload that drips": (b"\x81\xfe\x10\x00\0\0\0\0", b"a"),
    "fragments that drip": (b"\x01\x81\0\0\0\0a", b"\x00\x81\0\0\0\0a"),
    "empty fragments": (b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0"),
    "pings between fragments": (b"\x01\x81\0\0\0\0a", PING),
    "a ping that drips": (b"\x89\xfd\0\0\0\0", b"a"),
    "a message behind a whole one": (b"\x81\x82\0\0\0\0{}\x81\x85\0\0\0\0a", b""),
}


async def outlast(port: int, first: bytes, again: bytes, handshake: bytes = b"") -> tuple[bytes, float]:
    """Sends, then drips until the server ends the connection: what it answered, and how long after the first byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if handshake:
        writer.write(handshake)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    writer.write(first)
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def drip():
        while True:
            await asyncio.sleep(0.5)
            writer.write(again)

    dripping = asyncio.create_task(drip())
    answer, took = b"", None
    try:
        while chunk := await reader.read(65536):
            took = loop.time() - start
            answer += chunk
        took = took if answer else loop.time() - start
    except ConnectionResetError:
        pass
    finally:
        dripping.cancel()
        writer.close()
    return answer, took


def pongless(frames: bytes) -> bytes:
    """Without the pongs of this test's pings and the replies to its messages: what is left of the server's last frame."""
    while frames and frames[0] != 0x88:
        frames = frames[2 + frames[1]:] if frames[1] < 126 else frames[4 + int.from_bytes(frames[2:4], "big"):]
    return frames


def judge_frames(name: str, answer: bytes, took: float):
    close = pongless(answer)
    assert (struct.unpack("!H", close[2:4])[0], close[4:]) == (1001, b"Message not finished in time"), (name, answer)
    assert MESSAGE - 0.5 <= took < MESSAGE + 3, (name, took)


async def upload(port: int, handshake: bytes, opcode: int, size: int, seconds: float) -> bytes:
    """One message in four frames, evenly over so many seconds; the header of what comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(handshake)
    await reader.readuntil(b"\r\n\r\n")
    text = (b'{"action":"heartbeat","pad":"' + b"x" * size)[:size - 2] + b'"}'
    stream = b"".join(
        struct.pack("!BBH", (opcode if part == 0 else 0) | (0x80 if part == 3 else 0), 0xFE, size // 4) + bytes(4)
        + text[part * size // 4:(part + 1) * size // 4] for part in range(4))
    pieces = int(seconds * 4)
    for number in range(pieces):
        writer.write(stream[number * len(stream) // pieces:(number + 1) * len(stream) // pieces])
        await asyncio.sleep(seconds / pieces)
    head = await asyncio.wait_for(reader.readexactly(2), 5)
    writer.close()
    return head


async def stay(port: int, handshake: bytes, message: bytes, seconds: float) -> bytes:
    """A client that sends nothing for a while, and then is answered as ever."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(handshake)
    await reader.readuntil(b"\r\n\r\n")
    for _ in range(2):
        writer.write(b"\x81" + bytes([0x80 | len(message)]) + bytes(4) + message)
        head = await asyncio.wait_for(reader.readexactly(2), 5)
        await reader.readexactly(head[1] if head[1] < 126 else int.from_bytes(await reader.readexactly(2), "big"))
        await asyncio.sleep(seconds / 2)
    writer.close()
    return head


@pytest.mark.timeout(90)
def test_what_is_begun_and_never_ended_is_given_up_and_what_is_merely_slow_is_not(servers, tmp_path):
    server = servers("in-process", "--rate-limit", "0")
    management = int(server.management.rpartition(":")[2])

    def handshake(user: str) -> bytes:
        return UPGRADE.format(target=f"/?token={quote(token(user, 'acme'))}").encode()

    async def run(echo: int):
        names, work = [], []
        for name, (first, again, _, _) in HTTP.items():
            for port in (server.port, management):
                names.append(("http", name))
                work.append(outlast(port, first, again))
        for name, (first, again) in FRAMES.items():
            names.append(("frames", name))
            work.append(outlast(server.port, first, again, handshake(name)))
            names.append(("frames", f"{name}, echo"))
            work.append(outlast(echo, first, again, UPGRADE.format(target="/").encode()))
        # 128 KB at 4 KB/s, longer than the limit without what its bytes earn.
        names += [("slow", "upload"), ("slow", "upload, echo"), ("idle", "silence"), ("idle", "silence, echo")]
        work += [
            upload(server.port, handshake("slow"), 1, 128 * 1024, 32), upload(echo, UPGRADE.format(target="/").encode(), 2, 128 * 1024, 32),
            stay(server.port, handshake("idle"), b'{"action":"heartbeat"}', 32), stay(echo, UPGRADE.format(target="/").encode(), b"hello", 32)]
        return list(zip(names, await asyncio.gather(*work, return_exceptions=True)))

    with Echo() as echo:
        results = asyncio.run(run(echo.port))
    for (kind, name), result in results:
        assert not isinstance(result, BaseException), (kind, name, result)
        if kind == "http":
            _, _, expected, seconds = HTTP[name]
            answer, took = result
            assert answer.startswith(expected) and bool(answer) == bool(expected), (name, answer)
            if name == "a second request that drips":
                assert answer.count(b"HTTP/1.1 408 ") == 1, answer
            # One may be allowed its empty line twice.
            assert seconds - 0.5 <= took < seconds + 3, (name, took)
        elif kind == "frames":
            judge_frames(name, *result)
        else:
            assert result[0] in (0x81, 0x82), (name, result)
    # What was whole before the slow one has been handled.
    whole = dict(results)["frames", "a message behind a whole one"][0]
    assert json.loads(whole[2 + 2 * (whole[1] == 126):][:int.from_bytes(whole[2:4], "big") if whole[1] == 126 else whole[1]])["type"] == "error"
