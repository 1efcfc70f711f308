"""Functions have exactly the rights of their role."""

import configparser
import json
from pathlib import Path

import pytest
from support.clients import new_account, refused
from support.functions import Functions
from support.identities import LAMBDA, Identities, Signer, trust
from support.traca import Traca, eventually

EXAMPLE = Path(__file__).parents[1] / "examples" / "secrets"
UNTRUSTING = "The role defined for the function cannot be assumed by Lambda."

# Calls what the event names, and tells who it was.
CALLER = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    arn = boto3.client("sts").get_caller_identity()["Arn"]
    try:
        answer = getattr(boto3.client(event["service"]), event["operation"])(**event.get("parameters", {}))
        answer.pop("ResponseMetadata")
        return {"arn": arn, "answer": str(answer)}
    except ClientError as error:
        return {"arn": arn, "code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
"""
LIST_FUNCTIONS = {"service": "lambda", "operation": "list_functions"}
LIST_USERS = {"service": "iam", "operation": "list_users"}


@pytest.fixture
def identities(aws):
    return Identities(aws)


def test_a_function_does_what_its_role_may_and_nothing_else(aws, functions, identities):
    arn = identities.role(LAMBDA, ("lambda:ListFunctions", "*"), name="limited", Path="/service-role/")
    function = functions.create(CALLER, Timeout=60, Role=arn)
    answered = function.answer(LIST_FUNCTIONS)
    assert answered["arn"] == f"arn:aws:sts::{aws.account}:assumed-role/limited/{function.name}"
    assert function.name in answered["answer"]
    refusal = function.answer(LIST_USERS)
    assert refusal["code"] == "AccessDenied"
    assert refusal["message"].startswith(f"User: {answered['arn']} is not authorized to perform: iam:ListUsers"), refusal
    # The very same environment may do it as soon as the role may.
    identities.iam.put_role_policy(RoleName="limited", PolicyName="more", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}}))
    assert "answer" in function.answer(LIST_USERS)
    identities.iam.delete_role_policy(RoleName="limited", PolicyName="more")
    assert function.answer(LIST_USERS)["code"] == "AccessDenied"


def test_a_role_that_does_not_trust_lambda_is_refused(functions, identities):
    other = identities.role(trust({"Service": "ec2.amazonaws.com"}))
    refusal = refused(functions.create, CALLER, Role=other)
    assert (refusal.status, refusal.code, refusal.message) == (400, "InvalidParameterValueException", UNTRUSTING)
    function = functions.create(CALLER, Timeout=60, Role=identities.role(LAMBDA))
    refusal = refused(functions.client.update_function_configuration, FunctionName=function.name, Role=other)
    assert (refusal.code, refusal.message) == ("InvalidParameterValueException", UNTRUSTING)


def test_another_role_means_another_environment(aws, functions, identities):
    first = identities.role(LAMBDA, name="first")
    second = identities.role(LAMBDA, ("iam:ListUsers", "*"), name="second")
    function = functions.create(CALLER, Timeout=60, Role=first)
    assert function.answer(LIST_USERS)["code"] == "AccessDenied"
    function.set(Role=second)
    answered = function.answer(LIST_USERS)
    assert answered["arn"] == f"arn:aws:sts::{aws.account}:assumed-role/second/{function.name}"
    assert "answer" in answered


def test_without_its_role_a_function_cannot_be_invoked(functions, identities):
    arn = identities.role(LAMBDA, name="passing")
    function = functions.create(CALLER, Timeout=60, Role=arn)
    function.answer(LIST_USERS)
    identities.iam.delete_role(RoleName="passing")
    refusal = refused(function.invoke, LIST_USERS)
    assert (refusal.status, refusal.code, refusal.message) == (403, "AccessDeniedException", UNTRUSTING)
    identities.role(LAMBDA, ("iam:ListUsers", "*"), name="passing")
    assert "answer" in function.answer(LIST_USERS)


def test_an_invented_role_acts_as_the_root_until_it_is_created(aws, functions, identities):
    function = functions.create(CALLER, Timeout=60, Role=f"arn:aws:iam::{aws.account}:role/invented")
    answered = function.answer(LIST_USERS)
    assert answered["arn"] == f"arn:aws:sts::{aws.account}:assumed-role/invented/{function.name}"
    assert "answer" in answered
    identities.role(LAMBDA, name="invented")
    assert function.answer(LIST_USERS)["code"] == "AccessDenied"


def test_only_the_root_may_invent_roles(aws, functions, identities):
    user = identities.user((["lambda:*", "iam:PassRole"], "*"))
    by_user = Functions(user)
    by_user.account = aws.account
    refusal = refused(by_user.create, CALLER, Role=f"arn:aws:iam::{aws.account}:role/invented")
    assert (refusal.code, refusal.message) == ("InvalidParameterValueException", UNTRUSTING)
    by_user.create(CALLER, Timeout=60, Role=identities.role(LAMBDA))


def test_a_function_hands_its_rights_to_nobody_it_does_not_trust(functions, identities):
    """What a function assumes is decided by the other role, as for anybody else."""
    target = identities.role(identities.own_account(), ("iam:ListUsers", "*"))
    code = """
import boto3

def handler(event, context):
    credentials = boto3.client("sts").assume_role(RoleArn=event, RoleSessionName="next")["Credentials"]
    iam = boto3.client("iam", aws_access_key_id=credentials["AccessKeyId"],
                       aws_secret_access_key=credentials["SecretAccessKey"],
                       aws_session_token=credentials["SessionToken"])
    return len(iam.list_users()["Users"])
"""
    allowed = functions.create(code, Timeout=60, Role=identities.role(LAMBDA, ("sts:AssumeRole", target)))
    assert allowed.answer(target) == 0
    denied = functions.create(code, Timeout=60, Role=identities.role(LAMBDA)).invoke(target)
    assert denied.error and "is not authorized to perform: sts:AssumeRole" in denied.payload["errorMessage"]


def test_where_all_is_verified_no_role_is_invented(data):
    with Traca("--verify", "--data", data) as traca:
        kept = configparser.ConfigParser()
        kept.read(data / "root.credentials")
        section = kept[kept.sections()[0]]
        key = {"AccessKeyId": section["aws_access_key_id"], "SecretAccessKey": section["aws_secret_access_key"]}
        root = Signer(traca.endpoint, None, key)
        root.account = root("sts").get_caller_identity()["Account"]
        functions, identities = Functions(root), Identities(root)
        refusal = refused(functions.create, CALLER, Role=f"arn:aws:iam::{root.account}:role/invented")
        assert (refusal.code, refusal.message) == ("InvalidParameterValueException", UNTRUSTING)
        function = functions.create(CALLER, Timeout=60, Role=identities.role(LAMBDA, ("lambda:ListFunctions", "*")))
        assert function.name in function.answer(LIST_FUNCTIONS)["answer"]
        assert function.answer(LIST_USERS)["code"] == "AccessDenied"
        target = identities.role(identities.own_account())
        refusal = refused(root("sts").assume_role, RoleArn=target, RoleSessionName="root")
        assert (refusal.code, refusal.message) == ("AccessDenied", "Roles may not be assumed by root accounts.")


@pytest.fixture
def settings(aws):
    """What the example reads: its values must show up nowhere."""
    values = {"password": f"pass-{new_account()}", "token": f"token-{new_account()}"}
    aws("secretsmanager").create_secret(Name="test/database", SecretString=json.dumps(
        {"host": "db.internal", "username": "app", "password": values["password"]}))
    aws("ssm").put_parameter(Name="/test/retries", Type="String", Value="3")
    aws("ssm").put_parameter(Name="/test/token", Type="SecureString", Value=values["token"])
    return values


def example(functions, identities, policy):
    trusted = (EXAMPLE / "trust.json").read_text()
    name = identities.role(trusted).split("/")[-1]
    if policy:
        identities.iam.put_role_policy(RoleName=name, PolicyName="example", PolicyDocument=json.dumps(policy))
    arn = identities.iam.get_role(RoleName=name)["Role"]["Arn"]
    return functions.create((EXAMPLE / "app.py").read_text(), Role=arn, Timeout=30)


def test_the_example_reads_its_secrets_under_the_least_privilege(aws, functions, identities, settings):
    policy = json.loads((EXAMPLE / "policy.json").read_text())
    function = example(functions, identities, policy)
    invocation = function.invoke({})
    expected = {"host": "db.internal", "retries": 3, "token_characters": len(settings["token"])}
    assert invocation.payload == expected, invocation
    group = f"/aws/lambda/{function.name}"

    def logged():
        try:
            events = aws("logs").filter_log_events(logGroupName=group)["events"]
        except aws("logs").exceptions.ResourceNotFoundException:
            return None
        text = "\n".join(event["message"] for event in events)
        return text if "REPORT" in text else None

    text = eventually(logged, "the function's log")
    assert "connecting to db.internal as app" in text
    assert not any(value in text or value in invocation.log for value in settings.values())


@pytest.mark.parametrize("missing, action", [
    ("Database", "secretsmanager:GetSecretValue"), ("Settings", "ssm:GetParameter"),
])
def test_the_example_is_denied_without_a_statement(functions, identities, settings, missing, action):
    policy = json.loads((EXAMPLE / "policy.json").read_text())
    policy["Statement"] = [statement for statement in policy["Statement"] if statement["Sid"] != missing]
    denied = example(functions, identities, policy).invoke({})
    assert denied.error, denied
    message = denied.payload["errorMessage"]
    assert "AccessDeniedException" in message and f"is not authorized to perform: {action}" in message, denied
    assert not any(value in denied.log or value in message for value in settings.values())
