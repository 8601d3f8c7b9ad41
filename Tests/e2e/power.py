"""What a disk may hold after a loss of power, from the log of all that was written to it and synced (writelog.c).

The model is POSIX's promise and no file system's habits. A write, or a change of a file's size, is safe once an fsync or fdatasync of that
file that began after it has ended; until then any of its 512-byte sectors may be there or not, whatever else is. A name is safe once its
folder has been synced, and until then may be what it was at any moment since; that its file was synced is of no help to it.
A sector that is written in part keeps its other bytes.
"""

import random
from dataclasses import dataclass, field

from writelog import Kind, Record

SECTOR = 512


@dataclass
class Change:
    """Of a file's bytes, or with `data` None of its size."""

    number: int
    offset: int
    data: bytes | None

    def apply(self, content: bytearray, sectors=None):
        """All of it, or those of its sectors that `sectors` lets through."""
        if self.data is None:
            if sectors is None or sectors():
                del content[self.offset:]
                content.extend(bytes(self.offset - len(content)))
            return
        start, end = self.offset, self.offset + len(self.data)
        while start < end:
            stop = end if sectors is None else min(end, (start // SECTOR + 1) * SECTOR)
            if sectors is None or sectors():
                if len(content) < start:
                    content.extend(bytes(start - len(content)))
                content[start:stop] = self.data[start - self.offset:stop - self.offset]
            start = stop


@dataclass
class File:
    safe: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)


FOLDER = "a folder"


class Disk:
    """Follows a log. `honours` tells of which file's or folder's syncs the disk keeps its word, from which record on."""

    def __init__(self, honours=lambda name, number: True):
        self.honours = honours
        self.number = 0
        self.files: dict[int, File] = {}
        # What a name stands for: a file, a folder or nothing.
        self.safe: dict[str, File | str | None] = {"": FOLDER}
        self.pending: list[tuple[int, str, File | str | None]] = []
        self.syncs: dict[int, int] = {}

    def follow(self, record: Record):
        self.number += 1
        match record.kind:
            case Kind.MADE_FILE:
                self.files[record.inode] = File()
                self.rename(record.name, self.files[record.inode])
            case Kind.MADE_FOLDER: self.rename(record.name, FOLDER)
            case Kind.UNLINKED: self.rename(record.name, None)
            case Kind.RENAMED:
                old, new = record.name.split("\0")
                self.rename(new, self.now(old))
                self.rename(old, None)
            case Kind.WROTE: self.files[record.inode].pending.append(Change(self.number, record.offset, record.data))
            case Kind.TRUNCATED: self.files[record.inode].pending.append(Change(self.number, record.offset, None))
            case Kind.SYNC_BEGINS: self.syncs[record.thread] = self.number
            case Kind.SYNC_ENDED if self.honours(record.name, self.number): self.sync(record, self.syncs[record.thread])

    def rename(self, name: str, to: File | str | None):
        self.pending.append((self.number, name, to))

    def now(self, name: str) -> File | str | None:
        """What the name stands for while there is power."""
        return next((to for _, other, to in reversed(self.pending) if other == name), self.safe.get(name))

    def sync(self, record: Record, began: int):
        if file := self.files.get(record.inode) if self.now(record.name) != FOLDER else None:
            while file.pending and file.pending[0].number < began:
                file.pending.pop(0).apply(file.safe)
        else:
            for change in [change for change in self.pending if change[0] < began and parent(change[1]) == record.name]:
                self.safe[change[1]] = change[2]
                self.pending.remove(change)

    def after_power_loss(self, chance: random.Random, way: str) -> dict[str, bytes]:
        """The files that are there when the power comes back."""
        names = dict(self.safe)
        for name in {name for _, name, _ in self.pending}:
            changes = [to for _, other, to in self.pending if other == name]
            if count := {"nothing": 0, "everything": len(changes)}.get(way, chance.randint(0, len(changes))):
                names[name] = changes[count - 1]
        there = {name: to for name, to in names.items() if isinstance(to, File) and names.get(parent(name)) == FOLDER}
        return {name: bytes(content(file, chance, way)) for name, file in there.items()}


def parent(name: str) -> str:
    return name.rpartition("/")[0]


WAYS = ["nothing", "everything", "some", "torn", "up to"]


def content(file: File, chance: random.Random, way: str) -> bytearray:
    """What is safe and, of what was not synced, `nothing`, `everything`, `some` writes, `torn` ones, or all `up to` one torn write."""
    bytes_ = bytearray(file.safe)
    likely = chance.choice([0.1, 0.5, 0.9, 0.99])
    last = chance.randint(0, len(file.pending)) if way == "up to" else len(file.pending)
    for place, change in enumerate(file.pending if way != "nothing" else []):
        if way == "torn" or way == "up to" and place == last:
            change.apply(bytes_, lambda: chance.random() < likely)
        elif place < last and (way != "some" or chance.random() < likely):
            change.apply(bytes_)
    return bytes_
