"""The deployed service on the emulator of AWS: chats that hold on the local server hold there, through the same tests.

What the emulator does as AWS does: routes and their selection, replies, @connections, functions in environments of their own that
are used again, the queue's partial failures, the schedule. What it does not, and how it is shown instead:

- A refused $connect is 403 whatever the function answered; which status it answered is shown by invoking the function.
- TTL deletes without a stream record: the record is handed to the function as AWS would.
- Stream batches are retried as a whole. That failures are reported one by one is a test of the handler's.
"""

import json
import time
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from deployment import deploy
from emulator import REGION
from server import ROOT, muster
from test_direct import (  # noqa: F401
    test_a_direct_message_reaches_every_device_of_both, test_a_direct_message_to_nobody_online_is_stored,
    test_a_user_may_write_to_themselves, test_an_addressee_is_one_of_three, test_direct_duplicates_are_judged_by_sender_and_destination,
    test_only_an_admin_speaks_to_everyone_and_nothing_of_it_is_stored, test_two_users_share_one_conversation_and_its_numbers,
    test_user_ids_of_any_sign_hold_a_conversation)
from test_queries import (  # noqa: F401
    test_a_heartbeat_lists_the_rooms_and_their_newest_seq_if_asked, test_a_heartbeat_tells_when_the_next_is_due,
    test_a_lease_does_not_outlive_the_token, test_an_empty_room_is_recovered_from_0, test_history_needs_membership,
    test_online_counts_the_connections_of_each_user, test_what_was_missed_is_recovered)
from test_rooms import (  # noqa: F401
    test_a_clients_own_id_makes_a_message_once_per_user_and_room, test_a_closed_and_a_broken_connection_leave_as_disconnected,
    test_a_join_describes_the_room_and_is_told_to_the_others,
    test_a_message_is_numbered_from_1_and_reaches_everyone_but_its_own_connection, test_a_numeric_request_id_is_echoed_as_the_text_received,
    test_a_request_id_is_echoed_in_every_reply, test_a_user_who_comes_back_has_a_higher_version,
    test_joining_twice_is_one_membership_and_one_presence_event, test_leaving_a_room_not_joined_is_left_without_an_event,
    test_presence_is_per_user_across_devices, test_rooms_and_their_sequences_are_apart, test_tenants_are_apart,
    test_text_of_every_script_arrives_as_it_was_sent, test_the_allowed_rooms_of_a_token_bind,
    test_the_room_may_be_left_out_in_exactly_one_room, test_unknown_fields_are_ignored_and_null_is_absent)
from tokens import token
from validate import validate_server_frame
from waiting import wait_for

pytestmark = pytest.mark.timeout(180)
EVENTS = ROOT / "schema/events"


@pytest.fixture
def enter(deployment, tenant, clients):
    """A client of the deployed service, in the test's own tenant."""
    return lambda user, tenant=tenant, **claims: clients(deployment, user, tenant, **claims)


def refused(deployment, jwt: str) -> int:
    """The status of a handshake that is refused, body and all."""
    url = urlsplit(deployment.url)
    gateway = HTTPConnection(url.hostname, url.port, timeout=10)
    with closing(gateway):
        gateway.request("GET", f"{url.path}?token={quote(jwt)}", headers={
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        answer = gateway.getresponse()
        assert not jwt or jwt not in answer.read().decode()
        return answer.status


@pytest.mark.parametrize("jwt, status", [(None, 401), ("no token", 401), ("good", 200)])
def test_what_connect_answers_the_gateway(deployment, tenant, jwt, status):
    """The emulator makes 403 of every refusal: so the function itself is asked."""
    assert jwt == "good" or refused(deployment, jwt or "") == 403
    assert connect_status(deployment, token("alice", tenant) if jwt == "good" else jwt) == status


def connect_status(deployment, jwt: str | None) -> int:
    """What the function answers."""
    event = json.loads((EVENTS / "connect.json").read_text())
    event["queryStringParameters"] = {"token": jwt} if jwt else None
    event["multiValueQueryStringParameters"] = None
    event["headers"] = {"Host": "x"}
    event["multiValueHeaders"] = {"Host": ["x"]}
    return deployment.invoke("Connect", event)["statusCode"]


@pytest.fixture(scope="module")
def strict(emulator):
    """A stack that lets few pages in, and little be said."""
    return deploy(emulator, "strict", AllowedOrigins="https://*.example.com", RateLimit="1")


@pytest.mark.parametrize("origin, status", [(None, 403), ("https://example.com", 403), ("https://evil-example.com", 403), ("https://a.example.com", 200)])
def test_connect_lets_in_pages_of_allowed_origins(strict, tenant, origin, status):
    event = json.loads((EVENTS / "connect.json").read_text())
    headers = {"Host": "x"} | ({"Origin": origin} if origin else {})
    event |= {
        "queryStringParameters": {"token": token("alice", tenant)}, "multiValueQueryStringParameters": None, "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()}}
    event["requestContext"]["connectionId"] = f"{origin}"[-16:]
    assert strict.invoke("Connect", event)["statusCode"] == status


def test_an_instance_holds_a_connection_to_its_rate(strict):
    event = json.loads((EVENTS / "heartbeat.json").read_text())
    event["requestContext"]["connectionId"] = "flood"
    event["body"] = '{"action":"heartbeat","requestId":7}'
    answers = []
    while len(answers) < 60 and "rate_limited" not in answers:
        answer = strict.invoke("Heartbeat", event)
        frame = validate_server_frame(answer["body"])
        assert (answer["statusCode"], frame["requestId"]) == (200, 7)
        answers.append(frame["code"])
    assert answers[:2] == ["gone", "gone"] and answers[-1] == "rate_limited"
    event["requestContext"]["connectionId"] = "another"
    assert validate_server_frame(strict.invoke("Heartbeat", event)["body"])["code"] == "gone"


def test_a_backend_speaks_by_invoking_publish(enter, deployment, tenant):
    alice, bob = enter("alice"), enter("bob")
    alice.join("lobby"), bob.join("lobby")
    alice.event("presence", event="join", userId="bob")
    ack = deployment.invoke("Publish", {"tenantId": tenant, "roomId": "lobby", "senderId": "robot", "body": "deployed"})
    assert (ack["type"], ack["seq"]) == ("ack", 1)
    for client in (alice, bob):
        client.message(senderId="robot", body="deployed", seq=1)
    assert deployment.invoke("Publish", {"tenantId": tenant, "senderId": "robot", "body": "to whom?"})["code"] == "bad_request"


def test_a_large_room_is_told_through_the_queue(impatient, clients, tenant):
    opened = [clients(impatient, f"user{number}", tenant) for number in range(4)]
    for index, each in enumerate(opened):
        each.join("lobby")
        for earlier in opened[:index]:
            earlier.event("presence", event="join", userId=each.user)
    opened[0].say("lobby", "everybody")
    for each in opened[1:]:
        each.message(body="everybody", seq=1)
    # Presence of the second, the third and the fourth, and the message.
    wait_for(lambda: sum(each.get("PostsSent", 0) for each in impatient.metrics("Fanout")) == 9, what="the posts of Fanout")
    sent = impatient.metrics("SendMessage")
    assert not any("PostsSent" in each for each in sent)
    assert [each["FanoutQueued"] for each in sent if "FanoutQueued" in each] == [3]
    wait_for(lambda: waiting(impatient) == (0, 0), what="an empty queue")


def waiting(deployment) -> tuple[int, int]:
    """How many shards are in the queue, and how many of them are with a function."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    queue = deployment.aws("sqs").get_queue_attributes(QueueUrl=deployment.outputs["FanoutQueueUrl"], AttributeNames=names)
    return tuple(int(queue["Attributes"][name]) for name in names)


def test_functions_that_write_to_one_room_at_once_share_one_gapless_sequence(enter):
    """Each in an environment of its own, so that every message but one of a round has to be tried again."""
    senders = [enter(f"user{number}") for number in range(6)]
    for index, sender in enumerate(senders):
        sender.join("lobby")
        for earlier in senders[:index]:
            earlier.event("presence", event="join", userId=sender.user)
    for number in range(10):
        for sender in senders:
            sender.send({"action": "sendMessage", "roomId": "lobby", "body": f"{sender.user} {number}"})
    acked = {sender.user: [sender.reply()["seq"] for _ in range(10)] for sender in senders}
    assert sorted(seq for seqs in acked.values() for seq in seqs) == list(range(1, 61))
    for sender in senders:
        others = [seq for seq in range(1, 61) if seq not in acked[sender.user]]
        # Fan-outs may cross: clients order by seq.
        assert sorted(sender.message()["seq"] for _ in others) == others


def test_metrics_and_ids_are_in_the_log_and_no_token_or_body(enter, deployment, tenant):
    alice, bob = enter("alice"), enter("bob")
    alice.join("lobby"), bob.join("lobby")
    alice.event("presence", event="join", userId="bob")
    before = len(deployment.metrics("SendMessage"))
    for _ in range(2):
        alice.say("lobby", "nobody's business")
        bob.message(body="nobody's business")
    metrics = wait_for(lambda: deployment.metrics("SendMessage")[before + 1:], what="metrics")
    assert metrics[-1]["Function"] == deployment.function("SendMessage")
    assert metrics[-1]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Muster"
    assert metrics[-1]["invocationId"] and metrics[-1]["traceId"]
    # The sender, whom the function knows by now, with the head; the transaction; the members. Posts are no calls of the table.
    assert metrics[-1]["TableCalls"] == 3 and metrics[-1]["PostsSent"] == 1
    logged = "".join(line for handler in ("Connect", "JoinRoom", "SendMessage") for line in deployment.log(handler))
    assert "connected" in logged and "nobody's business" not in logged and "eyJ" not in logged


def test_muster_online_reads_the_table(enter, deployment, tenant):
    alice, _, bob = enter("alice"), enter("alice"), enter("bob")
    alice.join("lobby")
    there = {"AWS_ENDPOINT_URL": deployment.emulator.endpoint, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for arguments, expected in [([], [("alice", 2), ("bob", 1)]), (["--room", "lobby"], [("alice", 1)])]:
        done = muster("online", tenant, "--table", deployment.table, "--json", *arguments, **there)
        assert done.returncode == 0, done.stderr
        assert [(user["userId"], user["connections"]) for user in json.loads(done.stdout)["users"]] == expected


def test_a_token_that_ran_out_ends_the_connection(enter, tenant):
    end = int(time.time()) + 6
    bob, alice = enter("bob"), enter("alice", exp=end)
    bob.join("lobby"), alice.join("lobby")
    bob.event("presence", event="join", userId="alice")
    wait_for(lambda: time.time() > end + 0.05, seconds=10)
    alice.error("token_expired", {"action": "heartbeat"})
    with pytest.raises(ConnectionClosed):
        alice.socket.recv(10)
    bob.event("presence", event="leave", userId="alice", reason="expired")


def test_muster_kick_removes_a_user(enter, deployment, tenant):
    now = int(time.time())
    old, ageless = token("alice", tenant, iat=now), token("alice", tenant)
    bob, devices = enter("bob"), [enter("alice", jwt=old), enter("alice", jwt=ageless)]
    bob.join("lobby")
    for device in devices:
        device.join("lobby")
    bob.event("presence", event="join", userId="alice")
    there = {"AWS_ENDPOINT_URL": deployment.emulator.endpoint, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    words = ["kick", "alice", "--tenant", tenant, "--table", deployment.table, "--json"]
    done = muster(*words, WEBSOCKET_ENDPOINT=deployment.outputs["ConnectionsEndpoint"], **there)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert json.loads(done.stdout)["connections"] == 2
    for device in devices:
        with pytest.raises(ConnectionClosed):
            device.socket.recv(10)
    bob.event("presence", event="leave", userId="alice", reason="disconnected")
    for jwt in (old, ageless):
        assert refused(deployment, jwt) == 403
    assert connect_status(deployment, ageless) == 401
    alice = enter("alice", jwt=token("alice", tenant, iat=int(time.time())))
    alice.error("unauthorized", {"action": "refreshToken", "token": old})
    assert alice.join("lobby")["memberCount"] == 2
    bob.event("presence", event="join", userId="alice")
    # Where no socket can be closed that is said; what is in the table counts all the same.
    failed = muster(*words, "--endpoint", "ws://127.0.0.1:9/live", timeout=30, **there)
    assert failed.returncode == 1 and "run it again" in failed.stderr, failed
    alice.error("gone", {"action": "heartbeat"})
    right = deployment.outputs["ConnectionsEndpoint"].replace("http", "ws", 1)
    assert json.loads(muster(*words, "--endpoint", right, **there).stdout)["connections"] == 1
    with pytest.raises(ConnectionClosed):
        while True:
            alice.socket.recv(10)
    # Bob was tried, and could not be reached either: the next roster tells him.
    assert bob.join("lobby")["memberCount"] == 1


def test_an_authorizer_lets_in_who_has_a_token(impatient, clients, tenant):
    alice = clients(impatient, "alice", tenant)
    assert alice.join("lobby")["memberCount"] == 1
    # AWS makes 401 of the failure with this very message; the emulator makes 500 of every failure.
    assert refused(impatient, "no token") == 500
    event = json.loads((EVENTS / "authorizer.json").read_text())
    answer = impatient.aws("lambda").invoke(FunctionName=impatient.function("Authorizer"), Payload=json.dumps(event).encode())
    assert answer["FunctionError"] and json.loads(answer["Payload"].read())["errorMessage"] == "Unauthorized"


@pytest.fixture
def online_with(impatient):
    """Changes settings of the Online function, until the test is over."""
    service, name = impatient.aws("lambda"), impatient.function("Online")
    right = service.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    yield lambda **changes: service.update_function_configuration(FunctionName=name, Environment={"Variables": right | changes})
    service.update_function_configuration(FunctionName=name, Environment={"Variables": right})


def test_a_table_that_is_not_there_is_named_in_the_log(impatient, online_with, clients, tenant):
    alice = clients(impatient, "alice", tenant)
    online_with(MUSTER_TABLE="not-there")
    alice.error("internal", {"action": "online"})
    wait_for(lambda: any(f"not-there in {REGION} does not exist" in line for line in impatient.log("Online")), what="the reason")


@pytest.mark.parametrize("changes, named", [
    ({"MUSTER_TABLE": ""}, "MUSTER_TABLE is missing"), ({"MUSTER_PRESENCE_TTL": "soon"}, "MUSTER_PRESENCE_TTL is 'soon'"),
], ids=["no table", "no number"])
def test_a_setting_that_cannot_be_used_is_named_by_whoever_invokes(impatient, online_with, changes, named):
    """The function cannot start: AWS logs what it reports then, the emulator only hands it back."""
    online_with(**changes)
    answer = impatient.aws("lambda").invoke(FunctionName=impatient.function("Online"), Payload=b"{}")
    assert answer["FunctionError"] and named in answer["Payload"].read().decode()
