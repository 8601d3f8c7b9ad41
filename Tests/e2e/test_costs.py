"""The naive design in schema/cost.md is what is counted here on the emulator; ours is counted by Tests/CostTests."""

import pathlib
import uuid

import pytest
from deployment import client
from naive import NaiveChat

DOCUMENT = pathlib.Path(__file__).parents[2] / "schema" / "cost.md"


def stated(action, column):
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    start = next(place for place, row in enumerate(rows) if row[0] == "naive action")
    return next(row for row in rows[start:] if row[0] == action)[rows[start].index(column)]


@pytest.mark.parametrize("size, column", [(10, "room of 10"), (100, "room of 100"), (1000, "room of 1,000")])
def test_the_naive_design_costs_what_is_stated(emulator, size, column):
    chat = NaiveChat(client(emulator, "dynamodb"), f"naive-{uuid.uuid4().hex}")
    chat.create()
    connections = [chat.connect(number, f"lobby{size:011}") for number in range(size)]
    chat.send(connections[0])
    assert chat.take() == stated("send", column)
    chat.heartbeat(connections[0])
    assert chat.take() == stated("heartbeat", column)
