"""The rules of RFC 6455 against `muster echo`, in the order of Autobahn|Testsuite's groups (`make conformance` runs the suite).

A row is what a client sends, what must come back, and the code of the close frame after it; then TCP ends and nothing else
came. A row of a fault ends at the byte that shows it: a server that waited for more would never answer.
"""

import itertools
import signal
import struct
import subprocess

import pytest

from server import BINARY, environment
from wire import BINARY as DATA
from wire import CLOSE, CONTINUATION, PING, PONG, TEXT, Wire, answer, close, fragments, frame

LIMIT = 16 << 20
HELLO = "Hello-µ@ßöäüàá-UTF-8!!".encode()
END = [close()]


def sized(count: int) -> bytes:
    """Text of so many bytes, some of them of four."""
    text = ("0123456789é😀" * (count // 16 + 1)).encode()[:count]
    return text.decode(errors="ignore").encode().ljust(count, b".")


# what is sent, frame for frame; what comes back; the code of the close frame
Row = tuple[list[bytes], bytes, int | None]
ROWS: dict[str, Row] = {}


def fine(name: str, frames: list[bytes], *answers: bytes):
    ROWS[name] = (frames + END, b"".join(answers), 1000)


def fault(name: str, frames: list[bytes], *answers: bytes, code: int = 1002):
    ROWS[name] = (frames, b"".join(answers), code)


# 1: framing
for size in [0, 1, 125, 126, 127, 128, 65535, 65536]:
    fine(f"1 text of {size}", [frame(TEXT, sized(size))], answer(TEXT, sized(size)))
    fine(f"1 binary of {size}", [frame(DATA, b"\xfe" * size)], answer(DATA, b"\xfe" * size))
for size, longer in [(125, 126), (0, 126), (125, 127), (65535, 127)]:
    length = struct.pack(">BH" if longer == 126 else ">BQ", 0x80 | longer, size)
    fault(f"1 length {size} in {longer}'s form", [frame(TEXT, length=length)[: 1 + len(length)]])
fault("1 length with its top bit set", [bytes([0x82, 0xFF, 0x80])])
for opcode in (TEXT, PING, CLOSE):
    fault(f"1 opcode {opcode} without a mask", [bytes([0x80 | opcode, 0x05])])

# 2: pings and pongs
for name, payload in {"empty": b"", "text": HELLO, "not UTF-8": b"\x00\xff\xfe\xfd", "125 bytes": b"\xfe" * 125}.items():
    fine(f"2 ping, {name}", [frame(PING, payload)], answer(PONG, payload))
    fine(f"2 pong that nobody asked for, {name}", [frame(PONG, payload)])
fine("2 pong, then ping", [frame(PONG, b"unasked"), frame(PING, b"asked")], answer(PONG, b"asked"))
fine("2 ten pings", [frame(PING, b"%d" % n) for n in range(10)], *[answer(PONG, b"%d" % n) for n in range(10)])
for opcode, long in itertools.product((PING, PONG), (126, 127)):
    fault(f"2 opcode {opcode} over 125 bytes in {long}'s form", [bytes([0x80 | opcode, 0x80 | long])])

# 3: reserved bits, 4: reserved opcodes; alone, after a message, and with a ping after them that gets no answer
HELLO_FIRST = (frame(TEXT, b"hello"), answer(TEXT, b"hello"))
WRONG = {f"3 reserved bits {rsv:03b} on opcode {opcode}": (opcode, rsv) for rsv in range(1, 8) for opcode in (TEXT, DATA, PING, PONG, CLOSE)}
WRONG |= {f"4 opcode {opcode}": (opcode, 0) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)}
for name, (opcode, rsv) in WRONG.items():
    fault(name, [frame(opcode, rsv=rsv)[:1]])
    fault(f"{name}, with more after it", [HELLO_FIRST[0], frame(opcode, b"x", rsv=rsv), frame(PING)], HELLO_FIRST[1])
fault("3 reserved bits on a continuation", [frame(TEXT, b"a", fin=False), frame(CONTINUATION, rsv=4)[:1]])

# 5: fragmentation
for opcode in (PING, PONG, CLOSE):
    fault(f"5 opcode {opcode} in fragments", [frame(opcode, fin=False)[:1]])
for opcode, fin in itertools.product((TEXT, DATA), (True, False)):
    whole = fragments(opcode, [b"frag", b"ment"])
    fine(f"5 opcode {opcode} in two fragments, {fin}", whole * (1 + fin), answer(opcode, b"fragment") * (1 + fin))
    fine(
        f"5 opcode {opcode} with pings between fragments, {fin}", [whole[0], frame(PING, b"1"), frame(PONG), frame(PING, b"2"), whole[1]],
        answer(PONG, b"1"), answer(PONG, b"2"), answer(opcode, b"fragment"))
    fault(f"5 continuation of nothing, {opcode}, {fin}", [frame(CONTINUATION, b"x", fin=fin), frame(opcode, b"y")])
    fault(f"5 continuation after the end, {opcode}, {fin}", [*whole, frame(CONTINUATION, fin=fin)[:1]], answer(opcode, b"fragment"))
    fault(f"5 opcode {opcode} inside a message, {fin}", [frame(TEXT, b"a", fin=False), frame(opcode, fin=fin)[:1]])

# 6: UTF-8
for name, parts in {"three empty": [b""] * 3, "the middle one filled": [b"", HELLO, b""]}.items():
    fine(f"6 fragments, {name}", fragments(TEXT, parts), answer(TEXT, b"".join(parts)))
PLANES = [chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF)]
for name, text in {
    "words": HELLO.decode() + "κόσμε", "noncharacters": "".join(PLANES), "specials": "".join(map(chr, range(0xFFF9, 0x10000))),
    "bounds": "\0\x7f\x80\u07ff\u0800\ud7ff\ue000\U00010000\U0010ffff",
}.items():
    fine(f"6 {name}", [frame(TEXT, text.encode())], answer(TEXT, text.encode()))
    fine(f"6 {name} in fragments of a byte", fragments(TEXT, [bytes([byte]) for byte in text.encode()]), answer(TEXT, text.encode()))


def completion(text: bytes) -> bytes | None:
    """What makes it a valid text; None when nothing can."""
    for rest in [b"", b"\x80", b"\x80\x80", b"\xa0\x80", b"\x80\x80\x80", b"\x90\x80\x80"]:
        try:
            (text + rest).decode()
            return rest
        except UnicodeDecodeError:
            pass
    return None


def judged() -> tuple[list[bytes], list[bytes]]:
    """Every sequence at the bounds of Unicode's table 3-7: those that their last byte makes invalid, and those unfinished."""
    invalid, unfinished, open_ = [], [], [b""]
    leads = [0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, *range(0xF4, 0x100)]
    for choices in [leads, *[[0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]] * 3]:
        completions = {before + bytes([byte]): completion(before + bytes([byte])) for before in open_ for byte in choices}
        invalid += [sequence for sequence, rest in completions.items() if rest is None]
        open_ = [sequence for sequence, rest in completions.items() if rest]
        unfinished += open_
    return invalid, unfinished


INVALID, UNFINISHED = judged()

# 7: closing
PAYLOAD_LATE = [frame(PING, b"late"), frame(TEXT, b"late"), close(1001)]
for name, late in {"nothing": [], "ping": PAYLOAD_LATE[:1], "text": PAYLOAD_LATE[1:2], "close": PAYLOAD_LATE[2:], "noise": [b"\xff" * 9]}.items():
    ROWS[f"7 {name} after the close frame"] = ([HELLO_FIRST[0], close(), *late], HELLO_FIRST[1], 1000)
ROWS["7 close inside a message"] = ([frame(TEXT, b"a", fin=False), close(), frame(CONTINUATION, b"b")], b"", 1000)
ROWS["7 close right after 256 KB"] = ([frame(TEXT, sized(1 << 18)), close(), frame(PING)], answer(TEXT, sized(1 << 18)), 1000)
ROWS["7 close without a code"] = ([close(None)], b"", None)
fault("7 close of one byte", [frame(CLOSE, b"\x03")[:2]])
fault("7 close over 125 bytes", [frame(CLOSE, b"x" * 126)[:2]])
for name, reason in {"a reason": b"Hello World!", "the longest reason": b"*" * 123, "a reason in UTF-8": HELLO}.items():
    ROWS[f"7 close with {name}"] = ([close(1000, reason)], b"", 1000)
for name, reason in {"is not UTF-8": b"\xce\xba\xed\xa0\x80", "ends inside a scalar": b"a\xf0\x9f\x98"}.items():
    fault(f"7 reason that {name}", [close(1000, reason)], code=1007)
for code in [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]:
    ROWS[f"7 code {code}"] = ([close(code)], b"", code)
for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]:
    fault(f"7 code {code}, which nobody may send", [close(code)])

# 10: the sender's own fragmentation
fine("10 64 KB in frames of 1300", fragments(TEXT, [sized(65536)[at : at + 1300] for at in range(0, 65536, 1300)]), answer(TEXT, sized(65536)))


@pytest.fixture(scope="module")
def port():
    process = subprocess.Popen([BINARY, "echo", "--port", "0"], env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline().rpartition(":")[2])
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def check(port: int, pieces, answers: bytes, code: int | None, what: str):
    with Wire(port) as wire:
        wire.send(pieces)
        got = wire.rest()
    assert got.startswith(answers), f"{what}: {got[:200]!r}"
    last = got[len(answers) :]
    assert last[:1] == bytes([0x80 | CLOSE]) and len(last) == 2 + last[1] and len(last) < 128, f"{what}: {last[:200]!r}"
    assert (struct.unpack(">H", last[2:4])[0] if last[1] else None) == code, f"{what}: {last!r}"
    last[4:].decode()


@pytest.mark.parametrize("name", ROWS)
def test_rule(port, name):
    frames, answers, code = ROWS[name]
    stream = b"".join(frames)
    check(port, frames, answers, code, "frame by frame")
    if len(frames) > 1 or len(stream) > 1 << 16:
        check(port, [stream], answers, code, "at once")
    step = 1 if len(stream) <= 2048 else 997
    if len(stream) <= 1 << 18:
        check(port, [stream[at : at + step] for at in range(0, len(stream), step)], answers, code, f"cut every {step} bytes")


def test_invalid_text_is_refused_at_the_byte_that_shows_it(port):
    """6.3, 6.4 and 6.6 to 6.21: inside a frame that never ends, and in fragments of a byte."""
    for sequence in INVALID:
        text = "κόσμε".encode() + sequence
        check(port, [frame(TEXT, text + b"rest")[:-4]], b"", 1007, f"{sequence.hex()} in a frame")
        check(port, fragments(TEXT, [bytes([byte]) for byte in text] + [b"rest"])[:-1], b"", 1007, f"{sequence.hex()} in fragments")


def test_text_that_ends_inside_a_scalar_is_refused_at_its_end_and_not_before(port):
    """6.4's first halves: what comes after them decides."""
    for sequence in UNFINISHED:
        first, second = fragments(TEXT, [sequence, completion(sequence)])
        for unfinished in [frame(TEXT, sequence)], [first, frame(CONTINUATION)]:
            check(port, unfinished, b"", 1007, sequence.hex())
        echo = answer(TEXT, sequence + completion(sequence))
        with Wire(port) as wire:
            wire.send([first, frame(PING)])
            assert wire.read(2) == answer(PONG), sequence.hex()
            wire.send([second])
            assert wire.read(len(echo)) == echo


def test_a_ping_inside_a_message_is_answered_before_the_message_ends(port):
    """5.19 and 5.20."""
    first, second, third = fragments(TEXT, [b"frag", b"men", b"t"])
    with Wire(port) as wire:
        for index, piece in enumerate([first, second]):
            wire.send([piece, frame(PING, b"%d" % index)])
            assert wire.read(3) == answer(PONG, b"%d" % index)
        wire.send([third])
        assert wire.read(10) == answer(TEXT, b"fragment")


@pytest.mark.parametrize("opcode", [TEXT, DATA])
def test_messages_of_up_to_16_mb_come_back(port, opcode):
    """9, and what is one byte over it."""
    payload = sized(LIMIT) if opcode == TEXT else b"\xfe" * LIMIT
    large = [payload[at : at + (1 << 18)] for at in range(0, LIMIT, 1 << 18)]
    tiny = [payload[at : at + 64] for at in range(0, 1 << 20, 64)]
    check(port, [frame(opcode, payload), *END], answer(opcode, payload), 1000, "one frame")
    check(port, fragments(opcode, large) + END, answer(opcode, payload), 1000, "frames of 256 KB")
    check(port, [b"".join(fragments(opcode, tiny)), *END], answer(opcode, payload[: 1 << 20]), 1000, "1 MB in frames of 64 bytes")
    check(port, [frame(opcode, payload[:1024]) * 1000, *END], answer(opcode, payload[:1024]) * 1000, 1000, "1000 messages")
    check(port, [frame(opcode, length=struct.pack(">BQ", 0xFF, LIMIT + 1))[:10]], b"", 1009, "a frame too large")
    check(port, [frame(opcode, payload[:-1], fin=False), frame(CONTINUATION, b"12")[:2]], b"", 1009, "fragments too large together")
