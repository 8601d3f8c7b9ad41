"""What a room's history must be, whatever has happened to its server."""


def history(server, tenant: str, room: str, clients) -> list[dict]:
    """Everything that was said in a room, oldest first."""
    reader = clients(server, "reader", tenant)
    reader.join(room)
    messages, more = [], True
    while more:
        page = reader.ask("history", roomId=room, after=messages[-1]["seq"] if messages else 0, limit=300)
        messages, more = messages + page["messages"], page["more"]
    reader.left_over()
    reader.replies.clear(), reader.events.clear()
    reader.close()
    return messages


def judge_history(messages: list[dict], acks: list[dict]):
    """Gapless from 1, nothing twice, and every acked message in its place."""
    assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
    by_seq = {message["seq"]: message for message in messages}
    for ack in acks:
        message = by_seq.get(ack["seq"])
        assert message and message["messageId"] == ack["messageId"], f"acked and not kept: {ack}"
        # What a backend published was asked for by no frame.
        assert message["body"].split()[0] == ack.get("requestId", "published")
    assert len({message["messageId"] for message in messages}) == len(messages)
