"""What the functions do with a deployment that is wrong, an AWS that refuses, and events that nobody should send them."""

import email.utils
import json
import signal
import threading
import time

import pytest

from functions import FakeAWS, Function, refusal
from proxies import certificate
from server import ROOT, SECRET
from tokens import token

pytestmark = pytest.mark.timeout(60)
EVENTS = ROOT / "schema/events"


def event(name: str):
    return json.loads((EVENTS / f"{name}.json").read_text())


def attribute(value):
    return {"SS": value} if isinstance(value, list) else {"N": str(value)} if isinstance(value, int) else {"S": value}


def connection() -> dict:
    """The connection of schema/events, live, as DynamoDB has it."""
    now = int(time.time())
    return {name: attribute(value) for name, value in {
        "PK": "CONN#L0SM9cOFvHcCIhw=", "SK": "META", "v": 1, "connectionId": "L0SM9cOFvHcCIhw=", "tenantId": "acme", "userId": "alice",
        "connectedAt": now * 1000, "lastSeen": now * 1000, "expiresAt": now + 600, "tokenExpiresAt": now + 3600,
        "wheelMinute": now // 60 + 10}.items()}


def found(operation: str):
    return 200, {"Responses": {"muster": [connection()]}, "UnprocessedKeys": {}} if operation == "BatchGetItem" else {}, {}


REFUSALS = {
    "a missing table": (refusal("ResourceNotFoundException", "Requested resource not found"), 1, "the table muster in eu-west-1 does not exist (ResourceNotFoundException)"),
    "another region's key": (refusal("UnrecognizedClientException", "The security token included in the request is invalid."), 1, "UnrecognizedClientException"),
    "an expired token": (refusal("ExpiredTokenException", "The security token included in the request is expired"), 1, "ExpiredTokenException"),
    "no permission": (refusal("AccessDeniedException", "User is not authorized to perform: dynamodb:BatchGetItem"), 1, "AccessDeniedException"),
    "a wrong secret": (refusal("InvalidSignatureException", "The request signature we calculated does not match"), 1, "InvalidSignatureException"),
    "throttling": (refusal("ProvisionedThroughputExceededException", "slow down"), 4, "throttled"),
    "a service that fails": (refusal("InternalServerError", "oops", 500), 4, "InternalServerError"),
    "an answer that is none": ((200, ["what?"], {}), 1, "BatchGetItem"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_frame_is_answered_and_the_log_names_why(case):
    answer, calls, logged = REFUSALS[case]
    with FakeAWS(lambda operation, _: answer) as aws, Function("Heartbeat", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint) as function:
        kind, said = function.invoke(event("heartbeat"))
        assert (kind, said["statusCode"]) == ("response", 200)
        frame = json.loads(said["body"])
        assert (frame["type"], frame["code"], frame["status"]) == ("error", "internal", 500)
        assert "muster" not in said["body"] and len(aws.calls) == calls
        failed = [line for line in function.lines() if line.get("event") == "frame failed"]
        assert len(failed) == 1 and logged in failed[0]["error"]
        assert failed[0]["traceId"] == "1-5759e988-bd862e3fe1be46a994272793" and failed[0]["connectionId"] == "L0SM9cOFvHcCIhw="
        assert "test" not in failed[0]["error"]


def test_throttling_is_tried_again_and_counted():
    slow = refusal("ThrottlingException", "slow down")
    with FakeAWS(lambda operation, number: slow if number < 3 else found(operation)) as aws, \
            Function("Heartbeat", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint) as function:
        assert json.loads(function.invoke(event("heartbeat"))[1]["body"])["type"] == "heartbeat"
        # The next event is asked for when the metrics of this one are written.
        function.invoke(event("heartbeat"))
        metrics = next(line for line in function.lines() if "_aws" in line)
        assert (metrics["TableCalls"], metrics["TableRetries"], metrics["TableThrottles"]) == (1, 2, 2)


def test_a_clock_that_differs_is_corrected_by_what_aws_says():
    ahead = 3600
    wrong = refusal("InvalidSignatureException", "Signature expired", Date=email.utils.formatdate(time.time() + ahead, usegmt=True))
    with FakeAWS(lambda operation, number: wrong if number == 1 else found(operation)) as aws, \
            Function("Heartbeat", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint) as function:
        assert json.loads(function.invoke(event("heartbeat"))[1]["body"])["type"] == "heartbeat"
        first, second = (time.mktime(time.strptime(fields["X-Amz-Date"], "%Y%m%dT%H%M%SZ")) for _, fields, _ in aws.calls)
        assert abs(second - first - ahead) < 10
        assert [line["seconds"] for line in function.lines() if line.get("event") == "clock differs from AWS's"][0] == pytest.approx(ahead, abs=10)


def test_no_call_outlasts_the_function():
    """Nothing is answered for longer than the function may take; what it says by then is not lost."""
    held = threading.Event()
    with FakeAWS(lambda operation, _: (held.wait(30), found(operation))[1]) as aws, \
            Function("Heartbeat", seconds=2, AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint) as function:
        began = time.monotonic()
        kind, said = function.invoke(event("heartbeat"))
        held.set()
        assert time.monotonic() - began < 2 and kind == "response" and json.loads(said["body"])["code"] == "internal"


@pytest.mark.parametrize("closes", [False, True])
def test_calls_go_over_tls_to_whom_an_authority_vouches_for(tmp_path, closes):
    authority, tls = certificate(tmp_path)
    with FakeAWS(lambda operation, _: found(operation), tls) as aws:
        aws.closes = closes
        with Function("Heartbeat", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint, AWS_CA_BUNDLE=str(authority)) as function:
            for _ in range(20):
                assert json.loads(function.invoke(event("heartbeat"))[1]["body"])["type"] == "heartbeat"
            assert len(aws.calls) == 20
        with Function("Heartbeat", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint) as function:
            assert json.loads(function.invoke(event("heartbeat"))[1]["body"])["code"] == "internal"
            failed = [line for line in function.lines() if line.get("event") == "frame failed"]
            assert "certificate" in failed[0]["error"] and len(aws.calls) == 20


def test_a_peer_that_goes_away_does_not_end_the_function():
    with FakeAWS(lambda operation, _: found(operation)) as aws, Function("Heartbeat", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint) as function:
        function.invoke(event("heartbeat"))
        with open(f"/proc/{function.process.pid}/status") as status:
            ignored = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn:"))
        assert ignored & 1 << signal.SIGPIPE - 1


SETTINGS = {
    "no table": ({"MUSTER_TABLE": ""}, "MUSTER_TABLE is missing"),
    "no region": ({"AWS_REGION": ""}, "AWS_REGION is missing"),
    "a region that is none": ({"AWS_REGION": "Frankfurt!"}, "AWS_REGION is 'Frankfurt!'"),
    "an endpoint that is none": ({"WEBSOCKET_ENDPOINT": "wss://x"}, "WEBSOCKET_ENDPOINT"),
    "a threshold that is none": ({"FANOUT_QUEUE_URL": "http://127.0.0.1:9/q", "FANOUT_THRESHOLD": "many"}, "FANOUT_THRESHOLD is 'many'"),
    "a short secret": ({"MUSTER_JWT_SECRET": "short"}, "MUSTER_JWT_SECRET is too short"),
    "a key set that anybody could send": ({"MUSTER_JWKS": "http://example.com"}, "MUSTER_JWKS is no URL of a key set"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_a_function_that_cannot_work_says_so_before_its_first_event(case):
    settings, said = SETTINGS[case]
    with Function("SendMessage", **settings) as function:
        kind, failure = function.answers.get(timeout=20)
        assert (kind, failure["errorType"]) == ("error", "InvalidConfiguration") and said in failure["errorMessage"]
        assert function.process.wait(5) == 1
        assert any(line["event"] == "init failed" and said in line["message"] for line in function.lines())


def test_a_half_applied_deployment_loses_no_connection_silently():
    """A table without the item that the code expects: $connect is refused with 500, and says why in the log."""
    cancelled = (400, {
        "__type": "com.amazonaws.dynamodb.v20120810#ValidationException",
        "message": "One or more parameter values were invalid: Type mismatch for Index Key GSI2PK"}, {})
    connect = event("connect")
    connect["queryStringParameters"] = {"token": token("alice", "acme")}
    connect["multiValueQueryStringParameters"] = None
    connect["multiValueHeaders"] = connect["headers"] = None
    with FakeAWS(lambda *_: cancelled) as aws, \
            Function("Connect", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint, MUSTER_JWT_SECRET=SECRET) as function:
        assert function.invoke(connect)[1]["statusCode"] == 500
        failed = [line for line in function.lines() if line.get("event") == "connect failed"]
        assert len(failed) == 1 and "GSI2PK" in failed[0]["error"]


@pytest.mark.parametrize("record", [
    {"eventID": "1"}, {"eventName": "REMOVE", "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}, "dynamodb": {"SequenceNumber": "7"}},
])
def test_a_stream_record_that_nobody_can_read_is_reported(record):
    with FakeAWS(lambda operation, _: found(operation)) as aws, \
            Function("Cleanup", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint) as function:
        kind, said = function.invoke({"Records": [record]})
        number = record.get("dynamodb", {}).get("SequenceNumber")
        # What has no number cannot be named alone: the batch fails, is halved, and ends in the dead letters.
        assert (kind, said) == ("response", {"batchItemFailures": [{"itemIdentifier": number}]}) if number else kind == "error"
        assert any(line["level"] == "error" for line in function.lines() if "level" in line)


def test_a_shard_that_nobody_can_read_is_reported_and_its_neighbours_posted():
    with FakeAWS(lambda *_: (200, {}, {})) as aws, \
            Function("Fanout", AWS_ENDPOINT_URL_DYNAMODB=aws.endpoint, WEBSOCKET_ENDPOINT=f"{aws.endpoint}/live") as function:
        batch = event("fanout")
        assert function.invoke(batch) == ("response", {"batchItemFailures": [{"itemIdentifier": batch["Records"][1]["messageId"]}]})
        assert sorted(path for path, _, _ in aws.calls) == ["/live/@connections/L0SM9cOFvHcCIhw%3D", "/live/@connections/M1TN8dPGwIdDJix%3D"]
        kind, failure = function.invoke({"what": "is this?"})
        assert kind == "error" and failure["errorMessage"]
