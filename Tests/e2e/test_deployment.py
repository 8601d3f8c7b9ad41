"""make deploy and make destroy against the emulator: what is there afterwards, and what is refused before."""

import re

import pytest

from deployment import client, deploy, script
from emulator import REGION
from server import ROOT, SECRET

pytestmark = pytest.mark.timeout(180)

FAILURES = {
    "no key": ({"MUSTER_JWT_SECRET": ""}, "deploy: no key to verify tokens with. A new secret, which your backend then signs with:\n\n  export MUSTER_JWT_SECRET="),
    "a short secret": ({"MUSTER_JWT_SECRET": "x" * 31}, "deploy: the secret is too short: it needs 32 bytes."),
    "two keys": ({"PARAMETERS": "JwtSecretArn=arn:aws:secretsmanager:eu-west-1:000000000000:secret:x JwtSecret=" + "x" * 40}, "deploy: both JwtSecret (MUSTER_JWT_SECRET) and JwtSecretArn are given: give one"),
    "a key set that is no URL": ({"MUSTER_JWKS": "keys.json"}, "deploy: JwksUrl (MUSTER_JWKS) is 'keys.json': functions fetch keys from a URL with https://"),
    "another machine": ({"PARAMETERS": "Architecture=riscv"}, "deploy: the packages are for "),
    "no parameter": ({"PARAMETERS": "live"}, "deploy: PARAMETERS has 'live': give Name=value"),
    "no region": ({"AWS_REGION": ""}, "deploy: no region: set AWS_REGION, or run aws configure"),
    "no credentials": ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}, "deploy: no credentials that work"),
}


def test_every_resource_is_there(deployment):
    assert deployment.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    states = {name: each["ResourceStatus"] for name, each in deployment.resources().items()}
    assert {name: state for name, state in states.items() if state not in ("CREATE_COMPLETE", "UPDATE_COMPLETE")} == {}
    # Route responses are AWS's alone; the emulator replies without.
    functions = set(re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function\n", (ROOT / "deploy/template.yaml").read_text(), re.M))
    assert functions - set(states) == {"Authorizer"} and not any(name.endswith("Response") for name in states)


def test_what_was_deployed_is_said_with_how_to_chat(deployment):
    printed = dict(re.findall(r"^(\w+) +(\S+)$", deployment.printed, re.M))
    assert printed == deployment.outputs
    assert f'wscat -c "{deployment.url}?token=$(' in deployment.printed
    assert SECRET not in deployment.printed


def test_the_table_is_protected_and_streams(deployment):
    """The emulator's CloudFormation leaves the TTL out; test_template.py looks at it."""
    table = deployment.aws("dynamodb").describe_table(TableName=deployment.table)["Table"]
    assert table["TableStatus"] == "ACTIVE" and table["DeletionProtectionEnabled"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"GSI1", "GSI2"}


def test_a_parameter_that_is_not_given_again_keeps_its_value(emulator, deployment):
    def variables(handler):
        configuration = client(emulator, "lambda").get_function_configuration(FunctionName=deployment.function(handler))
        return configuration["Environment"]["Variables"]

    done = script(emulator, "deploy", STACK=deployment.stack, MUSTER_MAX_CONNECTIONS_PER_USER="19")
    assert done.returncode == 0, done.stderr
    assert variables("Connect")["MUSTER_MAX_CONNECTIONS_PER_USER"] == "19"
    assert variables("Connect")["MUSTER_JWT_SECRET"] == SECRET
    assert variables("Online")["MUSTER_LOG_LEVEL"] == "debug"


@pytest.mark.parametrize("case", FAILURES)
def test_a_deployment_that_cannot_work_is_refused(emulator, case):
    variables, said = FAILURES[case]
    done = script(emulator, "deploy", **{"STACK": "refused", "MUSTER_JWT_SECRET": SECRET} | variables)
    assert done.returncode == 1 and said in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr and "x" * 31 not in done.stdout + done.stderr


def test_destroying_asks_and_leaves_nothing(emulator):
    gone = deploy(emulator, "gone", UseAuthorizer="true", StageName="dev", ReserveConcurrency="true")
    assert gone.url.endswith("/dev") and "Authorizer" in gone.resources()
    refused = script(emulator, "destroy", STACK="gone")
    assert refused.returncode == 1 and f"its table {gone.table} with every message" in refused.stderr
    assert script(emulator, "destroy", STACK="gone", CONFIRM="muster").returncode == 1
    assert gone.table in client(emulator, "dynamodb").list_tables()["TableNames"]

    done = script(emulator, "destroy", STACK="gone", CONFIRM="gone")
    assert done.returncode == 0 and "Kept: the packages in s3://" in done.stdout, done.stderr
    assert gone.table not in client(emulator, "dynamodb").list_tables()["TableNames"]
    functions = client(emulator, "lambda").list_functions()["Functions"]
    assert [each["FunctionName"] for each in functions if each["FunctionName"].startswith("gone-")] == []
    groups = client(emulator, "logs").describe_log_groups()["logGroups"]
    assert [each["logGroupName"] for each in groups if "/gone-" in each["logGroupName"]] == []
    again = script(emulator, "destroy", STACK="gone", CONFIRM="gone")
    assert (again.returncode, again.stderr) == (1, f"destroy: there is no stack gone in {REGION}\n")
