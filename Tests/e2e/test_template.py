"""deploy/template.yaml: cfn-lint and the SAM translator take it, and what they make of it is what the service needs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from awscli.customizations.cloudformation.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from server import ROOT

TEMPLATE = ROOT / "deploy/template.yaml"
MESSAGES = {"$default", "joinRoom", "leaveRoom", "sendMessage", "heartbeat", "online", "history"}
ROUTES = MESSAGES | {"$connect", "$disconnect"}
FUNCTIONS = {
    "Connect", "Disconnect", "Default", "JoinRoom", "LeaveRoom", "SendMessage", "Heartbeat", "Online", "History", "Publish",
    "Fanout", "Cleanup", "Authorizer",
}
TABLE = {f"dynamodb:{action}" for action in ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")}
METRICS = {
    "PostsSent", "PostsGone", "PostsFailed", "FanoutQueued", "TableCalls", "TableRetries", "TableThrottles", "ConnectionsOpened",
    "ConnectionsEnded", "MessagesStored", "PresencePublished", "SweepLag", "FramesRefused",
}


@pytest.fixture(scope="module")
def template() -> dict:
    return yaml_parse(TEMPLATE.read_text())


@pytest.fixture(scope="module")
def translated() -> dict:
    """What CloudFormation makes of it, its zips uploaded."""
    source = yaml_parse(TEMPLATE.read_text())
    for resource in source["Resources"].values():
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = f"s3://packages/{Path(resource['Properties']['CodeUri']).name}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        return Translator({}, Parser()).translate(source, {}, {})


@pytest.fixture(scope="module")
def of_type(translated):
    """Resources of a type: their properties by logical id."""
    return lambda kind: {
        name: resource["Properties"] for name, resource in translated["Resources"].items() if resource["Type"] == f"AWS::{kind}"}


@pytest.fixture(scope="module")
def statements(of_type):
    """The statements that the template writes for each function's role."""
    roles = of_type("IAM::Role")
    return {
        name: [each for policy in roles[f"{name}Role"].get("Policies", []) for each in policy["PolicyDocument"]["Statement"]]
        for name in FUNCTIONS}


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def test_cfn_lint_has_nothing_to_say():
    done = subprocess.run([Path(sys.executable).parent / "cfn-lint", TEMPLATE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_parameters_and_outputs_are_those_of_the_contract(template):
    parameters = template["Parameters"]
    assert {"Architecture", "JwtSecret", "JwtSecretArn", "JwksUrl", "AllowedOrigins", "StageName"} <= set(parameters)
    assert parameters["Architecture"]["Default"] == "x86_64" and parameters["JwtSecret"]["NoEcho"] is True
    assert [name for name, each in parameters.items() if "Default" not in each] == []
    assert {"WebSocketUrl", "TableName"} <= set(template["Outputs"])


def test_every_parameter_is_used():
    text = TEMPLATE.read_text()
    names = yaml_parse(text)["Parameters"]
    assert [name for name in names if not re.search(rf"!Ref {name}\b|\$\{{{name}\}}", text)] == []


def test_every_route_has_an_integration_and_every_message_an_answer(of_type):
    routes, integrations = of_type("ApiGatewayV2::Route"), of_type("ApiGatewayV2::Integration")
    by_key = {route["RouteKey"]: (name, route) for name, route in routes.items()}
    assert set(by_key) == ROUTES and len(routes) == len(ROUTES)
    answered = {each["RouteId"]["Ref"]: each["RouteResponseKey"] for each in of_type("ApiGatewayV2::RouteResponse").values()}
    for key, (name, route) in by_key.items():
        (integration,) = re.findall(r"\w+Integration", json.dumps(route["Target"]))
        handler = {"$connect": "Connect", "$disconnect": "Disconnect", "$default": "Default"}.get(key, key[0].upper() + key[1:])
        assert integrations[integration]["IntegrationType"] == "AWS_PROXY"
        assert integrations[integration]["TimeoutInMillis"] == 29_000
        assert re.search(rf"\b{handler}\b", json.dumps(integrations[integration]["IntegrationUri"])), key
        assert answered.get(name) == route.get("RouteResponseSelectionExpression") == ("$default" if key in MESSAGES else None), key


def test_the_gateway_may_invoke_every_route_and_nobody_else(of_type):
    sources = [json.dumps(each["SourceArn"]) for each in of_type("Lambda::Permission").values() if each["Principal"] == "apigateway.amazonaws.com"]
    assert {key for key in ROUTES for source in sources if f"/{key}\"" in source} == ROUTES
    assert len(sources) == len(ROUTES) + 1 and sum("/authorizers/" in source for source in sources) == 1


def test_functions_are_those_of_the_house(of_type):
    functions = of_type("Lambda::Function")
    assert set(functions) == FUNCTIONS
    assert {name: each["Timeout"] for name, each in functions.items() if each["Timeout"] > 29} == {"Fanout": 60, "Cleanup": 120}
    for name, each in functions.items():
        assert (each["Runtime"], each["Handler"]) == ("provided.al2023", "bootstrap")
        assert each["Architectures"] == [{"Ref": "Architecture"}] and each["TracingConfig"] == {"Mode": "Active"}
        assert each["Code"]["S3Key"] == f"{name}.zip" and each["MemorySize"] >= 256
        assert each["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Logs"}}
    groups = of_type("Logs::LogGroup")
    assert set(groups) == {f"{name}Logs" for name in FUNCTIONS}
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


def test_an_account_of_a_thousand_keeps_a_hundred_for_others(of_type):
    reserved = [each["ReservedConcurrentExecutions"]["Fn::If"] for each in of_type("Lambda::Function").values()]
    assert {each[0] for each in reserved} == {"Reserved"} and sum(each[1] for each in reserved) <= 900
    assert all(each[2] == {"Ref": "AWS::NoValue"} for each in reserved)


def test_a_function_gets_the_settings_it_reads_and_the_secret_only_to_verify(of_type):
    variables = {name: set(each["Environment"]["Variables"]) for name, each in of_type("Lambda::Function").items()}
    assert {name for name, each in variables.items() if "MUSTER_JWT_SECRET" in each} == {"Connect", "Default", "Authorizer"}
    assert {name for name, each in variables.items() if "MUSTER_JWKS" in each} == {"Connect", "Default", "Authorizer"}
    assert {name for name, each in variables.items() if "MUSTER_TABLE" in each} == FUNCTIONS - {"Authorizer"}
    assert {name for name, each in variables.items() if "WEBSOCKET_ENDPOINT" in each} == FUNCTIONS - {"Authorizer"}
    assert {name for name, each in variables.items() if "FANOUT_QUEUE_URL" in each} == FUNCTIONS - {"Authorizer", "Fanout"}
    assert {name for name, each in variables.items() if "MUSTER_ALLOWED_ORIGINS" in each} == {"Connect", "Authorizer"}
    assert {name for name, each in variables.items() if "MUSTER_RATE_LIMIT" in each} == {"Default"} | {key[0].upper() + key[1:] for key in MESSAGES - {"$default"}}
    assert {name for name, each in variables.items() if "MUSTER_HISTORY_TTL" in each} == {"SendMessage", "Publish"}


def test_a_function_may_do_what_it_does(statements):
    def resources_of(name, action):
        return [json.dumps(resource) for each in statements[name] if action in listed(each["Action"]) for resource in listed(each["Resource"])]

    assert statements["Authorizer"] == []
    for name in FUNCTIONS - {"Authorizer"}:
        table = {action for each in statements[name] if each["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]} for action in each["Action"]}
        assert table == TABLE, name
        posts = resources_of(name, "execute-api:ManageConnections")
        assert [re.search(r"\$\{StageName\}(.*)\"", each)[1] for each in posts] == ["/POST/@connections/*", "/DELETE/@connections/*"], name
    indexed = {name: re.findall(r"index/(\w+)", "".join(resources_of(name, "dynamodb:Query"))) for name in FUNCTIONS}
    assert {name: each for name, each in indexed.items() if each} == {
        "Connect": ["GSI1"], "Cleanup": ["GSI1"], "SendMessage": ["GSI2"], "Publish": ["GSI2"], "Online": ["GSI2"]}
    queued = {name for name in FUNCTIONS if any("FanoutQueue" in each for each in resources_of(name, "sqs:SendMessage"))}
    assert queued == FUNCTIONS - {"Authorizer", "Fanout"}


def test_no_statement_is_about_everything(statements):
    """But for the one action that cannot be about less."""
    wide = [(name, each["Action"]) for name in FUNCTIONS for each in statements[name] if "*" in listed(each["Resource"])]
    assert wide == [("Cleanup", "dynamodb:ListStreams")]
    assert not any(action.endswith("*") for each in statements.values() for one in each for action in listed(one["Action"]))


def test_aws_policies_are_those_of_logs_and_traces(of_type):
    attached = {arn.rpartition("/")[2] for role in of_type("IAM::Role").values() for arn in role["ManagedPolicyArns"]}
    assert attached == {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}


def test_the_table_is_that_of_the_schema(translated):
    table = translated["Resources"]["Table"]
    properties = table["Properties"]
    heads = re.search(r"^\| item \| (PK.*) \|$", (ROOT / "schema/README.md").read_text(), re.M)[1].split(" | ")
    assert [each["AttributeName"] for each in properties["AttributeDefinitions"]] == heads
    assert {each["AttributeType"] for each in properties["AttributeDefinitions"]} == {"S"}
    assert properties["KeySchema"] == [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]
    for index in properties["GlobalSecondaryIndexes"]:
        name = index["IndexName"]
        assert [each["AttributeName"] for each in index["KeySchema"]] == [f"{name}PK", f"{name}SK"]
        assert index["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v", "tenantId", "userId", "connectedAt"]}
    assert [index["IndexName"] for index in properties["GlobalSecondaryIndexes"]] == ["GSI1", "GSI2"]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}
    assert properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert properties["BillingMode"] == "PAY_PER_REQUEST" and properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Delete", "Retain")


def test_sources_give_up_into_a_dead_letter_queue(translated, of_type):
    mappings, queues = of_type("Lambda::EventSourceMapping"), of_type("SQS::Queue")
    assert all(each["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for each in mappings.values())
    stream = mappings["CleanupExpired"]
    assert stream["BisectBatchOnFunctionError"] and stream["MaximumRetryAttempts"] > 0
    assert stream["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["CleanupDeadLetters", "Arn"]}
    (wanted,) = [json.loads(each["Pattern"]) for each in stream["FilterCriteria"]["Filters"]]
    assert wanted["eventName"] == ["REMOVE"] and wanted["userIdentity"]["principalId"] == ["dynamodb.amazonaws.com"]
    fanout = of_type("Lambda::Function")["Fanout"]
    assert queues["FanoutQueue"]["VisibilityTimeout"] >= 6 * fanout["Timeout"]
    assert queues["FanoutQueue"]["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["FanoutDeadLetters", "Arn"]}
    assert mappings["FanoutShards"]["ScalingConfig"]["MaximumConcurrency"] <= fanout["ReservedConcurrentExecutions"]["Fn::If"][1]
    (rule,) = of_type("Events::Rule").values()
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["Targets"][0]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["CleanupDeadLetters", "Arn"]}}
    asynchronous = {each["FunctionName"]["Ref"]: each["DestinationConfig"]["OnFailure"] for each in of_type("Lambda::EventInvokeConfig").values()}
    assert set(asynchronous) == {"Cleanup", "Publish"}


def test_alarms_and_dashboard_look_at_what_there_is(translated, of_type):
    alarms = of_type("CloudWatch::Alarm")
    for kind in ("Errors", "Throttles"):
        watched = {each["Dimensions"][0]["Value"]["Ref"] for each in alarms.values() if each["MetricName"] == kind}
        assert watched == FUNCTIONS, kind
    full = [each["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for each in alarms.values() if each["MetricName"] == "ApproximateNumberOfMessagesVisible"]
    assert set(full) == {"FanoutDeadLetters", "CleanupDeadLetters", "PublishDeadLetters"}
    assert {each["MetricName"] for each in alarms.values() if each["Namespace"] == "Muster"} <= METRICS
    body = translated["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = json.loads(body)["widgets"]
    metrics = [metric for widget in shown for metric in widget["properties"]["metrics"]]
    assert {metric[1] for metric in metrics if metric[0] == "Muster"} == METRICS
    assert set(re.findall(r"\$\{(\w+)", body)) - {"AWS"} <= set(translated["Resources"])
