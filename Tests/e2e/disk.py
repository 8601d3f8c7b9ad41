"""A disk for a server's data folder, which a test fills and empties, or makes read-only, while the server runs: see disk.c."""

import mmap
import struct
from pathlib import Path

from preload import compiled, preloaded_handlers

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
        """The handlers on this disk."""
        return preloaded_handlers(self.folder / "handlers", self.environment)
