"""Who is in a room as one member sees it: contract section 3, presence per user, `join` and `leave` in turn."""

from itertools import groupby


class View:
    """A room from one `joined` on.

    `ordered` is for a server whose presence frames arrive in the order of their versions, `repeats` for one some of whose handlers
    died: nobody knows who was told by then, so that all may be told again.
    """

    def __init__(self, room: str, joined: dict, ordered: bool, repeats: bool):
        self.room, self.ordered, self.repeats = room, ordered, repeats
        assert joined["memberCount"] == len(joined["members"]), joined
        self.said = {member["userId"]: member["version"] for member in joined["members"]}
        self.heard: dict[str, dict[int, str]] = {}

    def hear(self, frame: dict):
        user, version, event = frame["userId"], frame["version"], frame["event"]
        heard = self.heard.setdefault(user, {})
        if self.repeats and heard.get(version) == event:
            return
        assert version not in heard, f"{self.room}: {event} of {user} came twice"
        assert not self.ordered or version > max(heard, default=0), f"{self.room}: {event} of {user} came late: {heard}"
        heard[version] = event
        if self.ordered:
            self.judge(user)

    def judge(self, user: str):
        """Join and leave alternate in the order of their versions, beginning with what `joined` said."""
        said = self.said.get(user)
        events = [self.heard[user][version] for version in sorted(self.heard.get(user, {})) if version > (said or 0)]
        if self.repeats:
            events = [event for event, _ in groupby(events)]
            events = events[events[:1] == (["leave"] if said is None else ["join"]):]
        # The leave of one who was gone before may still be on its way.
        if said is None and events[:1] == ["leave"]:
            events = events[1:]
        turns = ["leave", "join"] if said is not None else ["join", "leave"]
        assert events == [turns[index % 2] for index in range(len(events))], f"{self.room}: {user} {said}, then {self.heard[user]}"

    @property
    def users(self) -> set[str]:
        """Who is in the room, going by the newest version of each."""
        here = set()
        for user in self.said.keys() | self.heard.keys():
            newest = max(self.heard.get(user, {}), default=0)
            if self.said.get(user, 0) >= newest or self.heard[user][newest] == "join":
                here.add(user)
        return here

    @property
    def versions(self) -> dict[str, int]:
        return {user: max(self.said.get(user, 0), *self.heard.get(user, {}), 0) for user in self.said.keys() | self.heard.keys()}
