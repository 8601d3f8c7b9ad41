"""A disk for a server's data folder, which a test fills and empties, or makes read-only, while the server runs: see disk.c."""

import mmap
import struct
from pathlib import Path

from preload import compiled
from server import HANDLERS_FOLDER

PATH_MAX = 4096
ENOUGH = 1 << 40


class Disk:
    """The disk of one folder, with space enough at first."""

    def __init__(self, folder: Path, data: Path):
        control = folder / "disk"
        control.write_bytes(bytes(16 + PATH_MAX))
        with open(control, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 16 + PATH_MAX)
        name = str(data).encode()
        self.shared[16:16 + len(name)] = name
        self.environment = {"LD_PRELOAD": str(compiled("disk", folder)), "DISK": str(control)}
        self.folder = folder
        self.has(ENOUGH)

    def has(self, room: int):
        """So many bytes are free."""
        self.shared[:16] = struct.pack("=qq", 0, room)

    def is_read_only(self):
        self.shared[:16] = struct.pack("=qq", 1, ENOUGH)

    def handlers(self) -> Path:
        """The handlers on this disk: a child is given no environment but its own."""
        folder = self.folder / "handlers"
        for bootstrap in Path(HANDLERS_FOLDER).glob("*/bootstrap"):
            own = folder / bootstrap.parent.name / "bootstrap"
            own.parent.mkdir(parents=True)
            variables = " ".join(f"{name}='{value}'" for name, value in self.environment.items())
            own.write_text(f"#!/bin/sh\n{variables} exec '{bootstrap}'\n")
            own.chmod(0o755)
        return folder
