"""The log that writelog.c keeps of a server: all that was written and synced, and what was sent meanwhile."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

HEADER = struct.Struct("=IIIIQQQ")


class Kind(IntEnum):
    MADE_FILE, MADE_FOLDER, WROTE, TRUNCATED, SYNC_BEGINS, SYNC_ENDED, UNLINKED, RENAMED, SENDS = range(1, 10)


@dataclass
class Record:
    kind: Kind
    thread: int
    name: str
    inode: int
    offset: int
    data: bytes


def read_log(path: Path) -> tuple[list[Record], int]:
    """Every whole record, and how many bytes those are: a process that is killed may leave half of one, of what it then did not do."""
    log, place, records = memoryview(path.read_bytes()), 0, []
    while place + HEADER.size <= len(log):
        kind, thread, name, _, inode, offset, length = HEADER.unpack_from(log, place)
        start = place + HEADER.size
        if start + name + length > len(log):
            break
        place = start + name + length
        records.append(Record(Kind(kind), thread, bytes(log[start:start + name]).decode(), inode, offset, bytes(log[start + name:place])))
    return records, place
