"""How connections end on AWS when $disconnect is lost, on the emulator.

TTL writes no stream record there, so the function gets one as AWS makes it. A test does not wait until a connection is older:
its item says so.
"""

import time

import pytest

from waiting import wait_for

pytestmark = pytest.mark.timeout(240)
SCHEDULE_SECONDS = 75


@pytest.fixture
def enter(deployment, tenant, clients):
    return lambda user, tenant=tenant, **claims: clients(deployment, user, tenant, **claims)


def pair(enter):
    """Alice in a room, and Bob in it, whose id is returned too."""
    alice, bob = enter("alice"), enter("bob")
    alice.join("lobby"), bob.join("lobby")
    alice.event("presence", event="join", userId="bob")
    return alice, bob, bob.id


@pytest.fixture
def losing(deployment):
    """No $disconnect arrives as long as the test runs: it is invoked some time after the socket has gone."""
    with deployment.without("Disconnect"):
        yield


@pytest.fixture
def losing_soon(impatient):
    with impatient.without("Disconnect"):
        yield


def lose(deployment, client):
    """The socket breaks."""
    identifier = client.id
    client.vanish()
    wait_for(lambda: is_gone(deployment, identifier), what="the end of the socket")


def is_gone(deployment, identifier: str) -> bool:
    management = deployment.management()
    try:
        management.get_connection(ConnectionId=identifier)
    except management.exceptions.GoneException:
        return True
    return False


def test_a_post_that_finds_a_socket_gone_ends_the_connection(enter, deployment, losing):
    alice, bob, identifier = pair(enter)
    lose(deployment, bob)
    alice.say("lobby", "too early")
    assert deployment.item(f"CONN#{identifier}"), "a connection so young may still be inside $connect"
    deployment.set(f"CONN#{identifier}", "connectedAt", int(time.time() * 1000) - 31_000)
    alice.say("lobby", "anyone?")
    alice.event("presence", event="leave", userId="bob", reason="stale")
    assert [user["userId"] for user in alice.ask("online")["users"]] == ["alice"]
    wait_for(lambda: deployment.item(f"CONN#{identifier}") is None, what="the item's end")


def test_what_ttl_deleted_leaves_and_a_repeated_record_is_silent(enter, deployment, losing):
    alice, bob, identifier = pair(enter)
    lose(deployment, bob)
    image = deployment.item(f"CONN#{identifier}")
    deployment.aws("dynamodb").delete_item(TableName=deployment.table, Key={name: image[name] for name in ("PK", "SK")})
    record = {
        "eventID": "1", "eventName": "REMOVE", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "dynamodb": {"Keys": {name: image[name] for name in ("PK", "SK")}, "OldImage": image, "SequenceNumber": "100",
                     "StreamViewType": "NEW_AND_OLD_IMAGES"}}
    by_somebody = {name: value for name, value in record.items() if name != "userIdentity"}
    assert deployment.invoke("Cleanup", {"Records": [by_somebody]}) == {"batchItemFailures": []}
    assert "bob" in [member["userId"] for member in alice.join("lobby")["members"]]
    for _ in range(2):
        assert deployment.invoke("Cleanup", {"Records": [record, record]}) == {"batchItemFailures": []}
    alice.event("presence", event="leave", userId="bob", reason="expired")
    assert [member["userId"] for member in alice.join("lobby")["members"]] == ["alice"]


def test_a_deleted_connection_is_closed_and_leaves(enter, deployment):
    alice, bob, identifier = pair(enter)
    deployment.management().delete_connection(ConnectionId=identifier)
    assert bob.closed() in (1000, 1001)
    alice.event("presence", event="leave", userId="bob", reason="disconnected")


def test_the_schedule_ends_what_has_expired(impatient, clients, tenant, losing_soon):
    alice, bob = clients(impatient, "alice", tenant), clients(impatient, "bob", tenant)
    alice.join("lobby"), bob.join("lobby")
    alice.event("presence", event="join", userId="bob")
    lose(impatient, bob)
    until = time.monotonic() + SCHEDULE_SECONDS
    while not alice.events:
        assert time.monotonic() < until, "no leave came"
        alice.replies.append(alice.ask("heartbeat"))
        alice.replies.clear()
        time.sleep(1)
    alice.event("presence", event="leave", userId="bob", reason="expired")
