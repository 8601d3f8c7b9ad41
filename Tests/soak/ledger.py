"""What the clients of a soak know: what the server owes them, and how many rows its table may hold and must."""

import time
from collections import deque

# The contract's and the server's: how long a clientMessageId is remembered, and how much later a row that expired goes.
REMEMBERED, DELETION = 601, 60
# An item's time is in whole seconds; deletion is a matter of rounds, and a busy machine takes its time.
ROUNDING, LATE = 2, 15
FAULTS = 20


class Ages:
    """When things happened."""

    def __init__(self):
        self.times: deque[float] = deque()

    def note(self):
        self.times.append(time.monotonic())

    def between(self, first: float, last: float) -> int:
        while self.times and self.times[0] < last - 2 * (REMEMBERED + DELETION):
            self.times.popleft()
        return sum(first <= moment <= last for moment in self.times)


class Named:
    """Things that once made stay: rooms, conversations, presence. What was asked for may be there, what was answered must."""

    def __init__(self):
        self.asked: set = set()
        self.answered: set = set()


class Ledger:
    def __init__(self, history: int):
        self.history = history
        self.faults: list[str] = []
        self.asked, self.stored = Ages(), Ages()
        self.rooms, self.presence, self.conversations = Named(), Named(), Named()
        self.direct_owed: dict[str, float] = {}
        self.direct_seen: dict[str, float] = {}
        self.lags: list[float] = []
        self.replies: dict[str, int] = {}

    def fault(self, text: str):
        if len(self.faults) < FAULTS:
            self.faults.append(text)

    def expect(self, is_so: bool, text: str):
        if not is_so:
            self.fault(text)

    def count(self, kind: str):
        self.replies[kind] = self.replies.get(kind, 0) + 1

    # Direct messages: the ack may come before the message or after it.

    def owe(self, message: str):
        self.direct_owed[message] = time.monotonic()

    def direct_came(self, frame: dict):
        self.expect(frame["messageId"] not in self.direct_seen, f"a direct message came twice: {frame}")
        self.direct_seen[frame["messageId"]] = time.monotonic()

    def check_direct(self, patience: float):
        late = time.monotonic() - patience
        for message, since in list(self.direct_owed.items()):
            if message in self.direct_seen:
                del self.direct_owed[message]
            elif since < late:
                del self.direct_owed[message]
                self.fault(f"a direct message was acknowledged and never came: {message}")
        self.direct_seen = {message: moment for message, moment in self.direct_seen.items() if moment > late - 600}

    # Rows

    def answered(self) -> dict[str, int]:
        """Of what stays, how much there must be by now."""
        return {"room": len(self.rooms.answered), "presence": len(self.presence.answered), "conversation": len(self.conversations.answered)}

    def check_rows(self, rows: dict[str, int], counting: tuple[float, float], answered: dict[str, int], connections: int):
        """`rows` were counted at some time between two, at the first of which so much was `answered`; `connections` is how many may be open."""
        begin, end = counting

        def kept(seconds: int) -> tuple[int, int]:
            return (
                self.stored.between(end - seconds - DELETION + ROUNDING, begin),
                self.asked.between(begin - seconds - DELETION - LATE, end))

        bounds = {
            "message": kept(self.history), "sent": kept(REMEMBERED),
            "room": (answered["room"], len(self.rooms.asked)), "presence": (answered["presence"], len(self.presence.asked)),
            "conversation": (answered["conversation"], len(self.conversations.asked)),
            "connection": (0, connections), "user": (0, connections),
            # A guest is in its own rooms, three at most. A lease that is moved has its new row first.
            "membership": (0, 3 * connections), "lease": (0, 2 * connections),
            "due": (0, 0), "sweep": (0, 1), "other": (0, 0)}
        for kind, (least, most) in bounds.items():
            self.expect(least <= rows.get(kind, 0) <= most, f"{rows.get(kind, 0)} rows of {kind}: not {least} to {most}")
