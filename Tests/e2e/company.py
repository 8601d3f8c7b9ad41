"""A company of survivors in the rooms of one tenant, and the judgement of what they see."""

import asyncio
import random

from promises import Promises, Stream
from survivors import Survivor, every


class Company:
    """Users with their devices in rooms of one tenant, and everything that they were promised."""

    def __init__(self, server, tenant: str, seed: int, users: int, rooms: int, handlers_die: bool = False):
        self.server, self.tenant, self.handlers_die = server, tenant, handlers_die
        self.in_order = server.mode == "in-process"
        self.rests = False
        self.promises = Promises()
        self.recovered = 0
        self.wrong: list[AssertionError] = []
        self.rooms = [f"room-{number}" for number in range(rooms)]
        self.users = [f"user-{number}" for number in range(users)]
        # A third of the users have a second device, and each device is in most rooms.
        chance = random.Random(seed)
        self.survivors = [
            Survivor(self, user, sorted(chance.sample(self.rooms, max(1, rooms - 1))), f"{seed} {user} {device}")
            for number, user in enumerate(self.users) for device in range(2 if number % 3 == 0 else 1)]
        # Of each user in each room: the newest that anybody saw, and that of the server's last life.
        self.versions: dict[tuple[str, str], int] = {}
        self.last_life: dict[tuple[str, str], int] = {}

    @property
    def online(self) -> dict[str, int]:
        return {user: sum(survivor.user == user for survivor in self.survivors) for user in self.users}

    def members(self, room: str) -> set[str]:
        return {survivor.user for survivor in self.survivors if room in survivor.rooms}

    async def come_back(self):
        self.last_life = dict(self.versions)
        await every(survivor.come_back() for survivor in self.survivors)

    def everyone_is_online(self) -> bool:
        users = self.server.online(self.tenant)["users"]
        return {user["userId"]: user["connections"] for user in users} == self.online

    def judge_now(self):
        if self.wrong:
            raise self.wrong[0]

    async def settle(self, seconds: float):
        """Waits until everyone knows everything, and sees everyone, which is what they must."""
        for stream, reader in self.streams():
            self.promises.judge(stream, await reader.surely(
                lambda: reader.history(stream, len(self.promises.kept.get(stream, [])))))
        deadline = asyncio.get_running_loop().time() + seconds
        while self.unsettled():
            self.judge_now()
            assert asyncio.get_running_loop().time() < deadline, self.unsettled()
            if self.handlers_die:
                # A post that died with its handler leaves a gap, which the newest number shows; and leases end.
                await every(survivor.refresh() for survivor in self.survivors)
            await asyncio.sleep(0.05)
        self.judge_views()
        self.judge_now()

    async def judge_whole(self):
        """Reads everything once more, from its beginning."""
        for stream, reader in self.streams():
            self.promises.judge_whole(stream, await reader.history(stream, 0))

    def streams(self) -> list[tuple[Stream, Survivor]]:
        """Every room and every conversation, each with one who may read it."""
        talks = [stream for stream in self.promises.sent if stream[0] == "direct"]
        return [
            (stream, next(survivor for survivor in self.survivors if survivor.user in stream[1:] or stream[1] in survivor.rooms))
            for stream in [("room", room) for room in self.rooms] + talks]

    def unsettled(self) -> list[str]:
        """What somebody does not know yet of rooms and their members."""
        missing = []
        for survivor in self.survivors:
            for room in survivor.rooms:
                top, newest = survivor.tops.get(("room", room), 0), len(self.promises.kept[("room", room)])
                users = survivor.line.views[room].users
                if top != newest:
                    missing.append(f"{survivor.user} knows {top} of {newest} messages of {room}")
                if users != self.members(room):
                    missing.append(f"{survivor.user} sees {sorted(users)} in {room} and not {sorted(self.members(room))}")
        return missing

    def judge_views(self):
        """Members alternate in each view, and versions go on rising from one life of the server to the next."""
        newest: dict[tuple[str, str], int] = {}
        for survivor in self.survivors:
            for view in survivor.line.views.values():
                for user, version in view.versions.items():
                    view.judge(user)
                    newest[view.room, user] = max(version, newest.get((view.room, user), 0))
        for place, version in newest.items():
            assert version > self.last_life.get(place, 0), f"{place} is at version {version} after {self.last_life[place]}"
        self.versions |= newest
