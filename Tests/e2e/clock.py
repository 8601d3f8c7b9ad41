"""A clock for a server, which a test turns while the server runs: see clock.c."""

import mmap
import struct
from pathlib import Path

from preload import compiled, preloaded_handlers


class Clock:
    def __init__(self, folder: Path):
        control = folder / "clock"
        control.write_bytes(bytes(8))
        with open(control, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(compiled("clock", folder)), "CLOCK": str(control)}
        self.folder = folder

    def advance(self, seconds: int):
        self.shared[:] = struct.pack("=q", struct.unpack("=q", self.shared[:])[0] + seconds)

    def handlers(self) -> Path:
        """The handlers on this clock."""
        return preloaded_handlers(self.folder / "handlers", self.environment)
