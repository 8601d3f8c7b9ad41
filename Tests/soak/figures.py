"""What is looked at in a window of the soak, and when a run of windows is flat."""

import os
import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import dataclass, field

KINDS = """
    SELECT CASE
        WHEN sk = 'META' THEN CASE substr(pk, 1, instr(pk || '#', '#') - 1)
            WHEN 'CONN' THEN 'connection' WHEN 'ROOM' THEN 'room' WHEN 'DM' THEN 'conversation' WHEN 'USER' THEN 'user'
            WHEN 'SWEEP' THEN 'sweep' ELSE 'other' END
        WHEN pk GLOB 'LEASE#*' THEN 'lease' WHEN pk GLOB 'DUE#*' THEN 'due' WHEN pk GLOB 'SENT#*' THEN 'sent'
        WHEN sk GLOB 'MSG#*' THEN 'message' WHEN sk GLOB 'CONN#*' THEN 'membership' WHEN sk GLOB 'USER#*' THEN 'presence'
        ELSE 'other' END AS kind, count(*) FROM items GROUP BY kind"""
MB = 1 << 20
# Seconds that a sweep may be late on a busy machine; a leave has a minute.
LATE = 10
# The log is moved into the file at 16 MB; a reader may hold it up for a moment.
WAL = 24 * MB
# Until rows that are remembered for ten minutes go as fast as they come, and their deletion is a minute late.
PLATEAU = 12 * 60
# Of all cores, what others may use in a window by which times are judged, and how many such windows that takes.
QUIET, ENOUGH = 0.2, 4
# Bytes that memory may differ by between the two middles that are compared: SQLite's caches and malloc's arenas.
SLACK, COLD_SLACK = 3 * MB, 16 * MB


@dataclass
class Window:
    """One line of figures. Times in seconds, sizes in bytes, processor time as a part of one core."""

    elapsed: float
    connections: int
    messages: int
    deliveries: int
    acks: list[float]
    delays: list[float]
    disk: list[float]
    lag: float
    descriptors: int
    memory: int
    wal: int
    file: int
    cpu: float
    own_cpu: float
    # What everybody else on the machine used of all its cores.
    others: float
    cpu_per_delivery: float
    rows: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        minutes, seconds = divmod(int(self.elapsed), 60)
        counted = " ".join(f"{kind} {self.rows[kind]:,}" for kind in sorted(self.rows, key=self.rows.get, reverse=True))
        return (
            f"{minutes:3}:{seconds:02}  {self.connections} connections  {self.messages:,} messages  {self.deliveries:,} deliveries  "
            f"ack {ms(self.acks)}  delivery {ms(self.delays)}  disk {ms(self.disk)}  lag {self.lag:.1f} s  {self.descriptors} descriptors  "
            f"{self.memory / MB:.1f} MB  file {self.file / MB:.1f} MB  log {self.wal / MB:.1f} MB  "
            f"CPU {100 * self.cpu:.0f} % + {100 * self.own_cpu:.0f} %, others {100 * self.others:.0f} % of all  {sum(self.rows.values()):,} rows: {counted}")


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)] if values else 0


def ms(values: list[float]) -> str:
    return f"{1000 * percentile(values, 0.5):.1f}/{1000 * percentile(values, 0.99):.1f} ms"


def rows(server) -> dict[str, int]:
    """How many rows of every kind there are, by a reader beside the server's own."""
    with closing(sqlite3.connect(f"file:{server.data}/chat.sqlite?mode=ro", uri=True, timeout=5)) as database:
        return dict(database.execute(KINDS).fetchall())


def syncs(folder) -> list[float]:
    """How long the disk takes now for a page, whoever else is using it: what every ack waits for."""
    took = []
    with open(folder / "probe", "wb", buffering=0) as file:
        for _ in range(5):
            before = time.monotonic()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            took.append(time.monotonic() - before)
    return took


def machine_seconds() -> float:
    """Processor time of everybody since the machine was started: all but what was idle."""
    with open("/proc/stat") as table:
        ticks = [int(word) for word in table.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def size(server, name: str) -> int:
    return os.stat(server.data / name).st_size


def judge(windows: list[Window], sweep: float) -> list[str]:
    """Compares the second quarter of a run, when it is warm, with the last; each fault names its figure.

    Memory and rows by their middle. Times by the lowest quarter of the windows in which the machine had little else to do, less what the
    disk by itself takes longer: a server that gets slower is so in its best windows too. Without such windows times are not judged.
    """
    faults: list[str] = []

    def grew(name: str, parts, value, summary, factor: float, slack: float, unit: str, scale: float = 1):
        before, after = (summary([value(window) for window in part]) for part in parts)
        if after > before * factor + slack:
            faults.append(f"{name} went from {before / scale:.2f} to {after / scale:.2f} {unit}")

    parts = compared(windows)
    is_long = is_warm(windows)
    grew("memory", parts, lambda window: window.memory, statistics.median, 1, SLACK if is_long else COLD_SLACK, "MB", MB)
    if is_long:
        grew("the number of rows", parts, lambda window: sum(window.rows.values()), statistics.median, 1.05, 100, "rows")
        grew("the file", parts, lambda window: window.file, statistics.median, 1.05, MB, "MB", MB)
    quiet = quiet_ones(parts)
    if is_long and all(quiet):
        grew("CPU per delivery", quiet, lambda window: window.cpu_per_delivery, lowest, 1.3, 20e-6, "µs", 1e-6)
        for part, slack in ((0.5, 0.005), (0.99, 0.05)):
            disk = [lowest([percentile(window.disk, part) for window in windows]) for windows in quiet]
            for name, value in (("acks", lambda window: window.acks), ("deliveries", lambda window: window.delays)):
                grew(
                    f"p{100 * part:.0f} of {name}", quiet, lambda window: percentile(value(window), part), lowest,
                    1.5, slack + 2 * max(0, disk[1] - disk[0]), "ms", 0.001)
    for window in windows:
        if window.wal > WAL:
            faults.append(f"the log had {window.wal / MB:.1f} MB at {window.elapsed:.0f} s")
        if window.lag > sweep + LATE:
            faults.append(f"a lease was over for {window.lag:.1f} s before anyone saw it, at {window.elapsed:.0f} s")
    return faults


def is_warm(windows: list[Window]) -> bool:
    """Whether a run was long enough for rows and times to be compared."""
    return compared(windows)[0][0].elapsed >= PLATEAU


def compared(windows: list[Window]) -> list[list[Window]]:
    return [windows[len(windows) // 4:len(windows) // 2], windows[len(windows) * 3 // 4:]]


def quiet_ones(parts: list[list[Window]]) -> list[list[Window]]:
    """Of each part the windows with a quiet machine; none if there are too few to tell."""
    quiet = [[window for window in part if window.others < QUIET] for part in parts]
    return [part if len(part) >= ENOUGH else [] for part in quiet]


def lowest(values: list[float]) -> float:
    return percentile(values, 0.25)
