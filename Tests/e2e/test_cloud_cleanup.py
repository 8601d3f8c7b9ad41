"""How connections end on AWS when $disconnect is lost, and what only AWS has: the queue, the authorizer, backends. On the emulator.

TTL writes no stream record there, so the function gets one as AWS makes it. Time does not wait for a test: where a lease
or a connection has to be older, its item says so.
"""

import json
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from client import open_socket
from deployment import deploy
from server import ROOT
from tokens import token
from waiting import wait_for

pytestmark = pytest.mark.timeout(240)
EVENTS = ROOT / "schema/events"
SCHEDULE_SECONDS = 75


@pytest.fixture
def enter(deployment, tenant, clients):
    return lambda user, tenant=tenant, **claims: clients(deployment, user, tenant, **claims)


@pytest.fixture(scope="module")
def other(emulator):
    """Another stack: short leases, every room of more than one connection goes through the queue, an authorizer before $connect."""
    return deploy(emulator, "other", PresenceTtl="8", FanoutThreshold="1", UseAuthorizer="true", StageName="dev")


def pair(enter):
    """Alice in a room, and Bob in it, whose id is returned too."""
    alice, bob = enter("alice"), enter("bob")
    alice.join("lobby"), bob.join("lobby")
    alice.event("presence", event="join", userId="bob")
    return alice, bob, bob.id


def lose(deployment, client):
    """The socket breaks and $disconnect is lost."""
    identifier = client.id
    with deployment.without("Disconnect"):
        client.vanish()
        wait_for(lambda: is_gone(deployment, identifier), what="the end of the socket")
        # The route is invoked after the socket has gone from the gateway's list.
        time.sleep(0.5)


def is_gone(deployment, identifier: str) -> bool:
    management = deployment.management()
    try:
        management.get_connection(ConnectionId=identifier)
    except management.exceptions.GoneException:
        return True
    return False


def test_a_post_that_finds_a_socket_gone_ends_the_connection(enter, deployment):
    alice, bob, identifier = pair(enter)
    lose(deployment, bob)
    alice.say("lobby", "too early")
    assert deployment.item(f"CONN#{identifier}"), "a connection so young may still be inside $connect"
    deployment.set(f"CONN#{identifier}", "connectedAt", int(time.time() * 1000) - 31_000)
    alice.say("lobby", "anyone?")
    alice.event("presence", event="leave", userId="bob", reason="stale")
    assert [user["userId"] for user in alice.ask("online")["users"]] == ["alice"]
    wait_for(lambda: deployment.item(f"CONN#{identifier}") is None, what="the item's end")


def test_what_ttl_deleted_leaves_and_a_repeated_record_is_silent(enter, deployment):
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


def test_a_backend_speaks_by_invoking_publish(enter, deployment, tenant):
    alice, bob, _ = pair(enter)
    ack = deployment.invoke("Publish", {"tenantId": tenant, "roomId": "lobby", "senderId": "robot", "body": "deployed"})
    assert (ack["type"], ack["seq"]) == ("ack", 1)
    for client in (alice, bob):
        client.message(senderId="robot", body="deployed", seq=1)
    assert deployment.invoke("Publish", {"tenantId": tenant, "senderId": "robot", "body": "to whom?"})["code"] == "bad_request"


@pytest.mark.parametrize("jwt, status", [(None, 401), ("no token", 401), ("good", 200)])
def test_what_connect_answers_the_gateway(deployment, tenant, jwt, status):
    """The emulator makes 403 of every refusal: so the function itself is asked."""
    event = json.loads((EVENTS / "connect.json").read_text())
    event["queryStringParameters"] = {"token": token("alice", tenant) if jwt == "good" else jwt} if jwt else None
    event["multiValueQueryStringParameters"] = None
    event["headers"] = {"Host": "x"}
    event["multiValueHeaders"] = {"Host": ["x"]}
    assert deployment.invoke("Connect", event)["statusCode"] == status


def test_the_schedule_ends_what_has_expired(other, clients, tenant):
    alice, bob = clients(other, "alice", tenant), clients(other, "bob", tenant)
    alice.join("lobby"), bob.join("lobby")
    alice.event("presence", event="join", userId="bob")
    lose(other, bob)
    until = time.monotonic() + SCHEDULE_SECONDS
    while not alice.events:
        assert time.monotonic() < until, "no leave came"
        alice.replies.append(alice.ask("heartbeat"))
        alice.replies.clear()
        time.sleep(1)
    alice.event("presence", event="leave", userId="bob", reason="expired")


def test_a_large_room_is_told_through_the_queue(other, clients, tenant):
    opened = [clients(other, f"user{number}", tenant) for number in range(4)]
    for index, each in enumerate(opened):
        each.join("lobby")
        for earlier in opened[:index]:
            earlier.event("presence", event="join", userId=each.user)
    opened[0].say("lobby", "everybody")
    for each in opened[1:]:
        each.message(body="everybody", seq=1)
    queue = other.aws("sqs")
    left = queue.get_queue_attributes(QueueUrl=other.outputs["FanoutQueueUrl"], AttributeNames=["All"])["Attributes"]
    assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")


def test_an_authorizer_lets_in_who_has_a_token(other, clients, tenant):
    alice = clients(other, "alice", tenant)
    assert alice.join("lobby")["memberCount"] == 1
    with pytest.raises(InvalidStatus):
        open_socket(other, "no token")
