"""What clients were promised, and the judgement of a history by it: contract section 3, `ack` means stored."""

from dataclasses import dataclass

# A room by its name, a direct conversation by its two users.
Stream = tuple[str, ...]


@dataclass(eq=False)
class Send:
    """One message that somebody sent; sent again as it is for as long as it has an id and no ack."""

    sender: str
    stream: Stream
    body: str
    name: str | None
    times: int = 0
    ack: dict | None = None

    @property
    def fields(self) -> dict:
        place = {"roomId": self.stream[1]} if self.stream[0] == "room" else \
            {"destinationUserId": next(user for user in self.stream[1:] if user != self.sender)}
        return place | {"body": self.body} | ({"clientMessageId": self.name} if self.name else {})


class Promises:
    """Every send of a test with its ack, and every message that anybody saw."""

    def __init__(self):
        self.sends: dict[str, Send] = {}
        self.sent: dict[Stream, list[Send]] = {}
        self.seen: dict[Stream, dict[int, dict]] = {}
        # Histories as far as they were read and judged.
        self.kept: dict[Stream, list[dict]] = {}
        self.acks = 0
        # Acks that came to a send that was sent before.
        self.repeated = 0

    def send(self, sender: str, stream: Stream, name: str | None) -> Send:
        body = f"{sender} says {len(self.sends)}"
        self.sends[body] = Send(sender, stream, body, name)
        self.sent.setdefault(stream, []).append(self.sends[body])
        return self.sends[body]

    def acked(self, send: Send, ack: dict):
        assert ack["type"] == "ack", ack
        if send.ack:
            assert ack.get("duplicate") is True and all(ack[field] == send.ack[field] for field in ("seq", "messageId", "sentAt")), \
                f"sent again it is another message: {send} got {ack}"
            return
        assert send.times > 1 or "duplicate" not in ack, f"a duplicate of nothing: {send} got {ack}"
        self.acks += 1
        self.repeated += "duplicate" in ack
        send.ack = ack

    def saw(self, message: dict):
        """Whoever sees a message may rely on it as its sender may on an ack."""
        known = self.seen.setdefault(stream_of(message), {}).setdefault(message["seq"], message)
        assert content(known) == content(message), f"two messages with one number: {known} and {message}"

    def judge(self, stream: Stream, tail: list[dict]):
        """Compares a stream with what was promised of it; `tail` is its history from where it was judged last."""
        history = self.kept[stream] = self.kept.get(stream, []) + tail
        assert [message["seq"] for message in history] == list(range(1, len(history) + 1)), f"{stream} has gaps or repeats"
        by_body = {message["body"]: message for message in history}
        assert len(by_body) == len({message["messageId"] for message in history}) == len(history), f"{stream} has something twice"
        for body, message in by_body.items():
            send = self.sends.get(body)
            assert send and (send.stream, send.sender) == (stream, message["senderId"]), f"nobody sent {message} to {stream}"
        for send in self.sent.get(stream, []):
            if send.ack:
                message = by_body.get(send.body)
                assert message and all(message[field] == send.ack[field] for field in ("seq", "messageId", "sentAt")), \
                    f"acked and not kept: {send}, but {message}"
        for seq, message in self.seen.get(stream, {}).items():
            assert seq <= len(history) and content(history[seq - 1]) == content(message), f"seen and not kept: {message}"

    def judge_whole(self, stream: Stream, history: list[dict]):
        """Compares a stream as it is now with what it was each time that some of it was read."""
        kept = self.kept.pop(stream)
        self.judge(stream, history)
        assert [content(message) for message in history] == [content(message) for message in kept], f"{stream} has changed"

    @property
    def kept_unacked(self) -> int:
        """Messages without an id whose ack was cut off, and that are there nevertheless."""
        return sum(len(history) for history in self.kept.values()) - self.acks


def stream_of(message: dict) -> Stream:
    if "roomId" in message:
        return ("room", message["roomId"])
    return ("direct", *sorted((message["senderId"], message["destinationUserId"])))


def content(message: dict) -> tuple:
    return message["seq"], message["messageId"], message["senderId"], message["body"], message["sentAt"]
