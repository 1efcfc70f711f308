"""What policies allow and deny, in AWS's words, and what the operator is told."""

import json
import urllib.error
import urllib.request

import pytest

from support.clients import Clients, client, new_account, refused
from support.functions import Functions
from support.identities import LAMBDA, Identities, Signer, policy
from support.traca import Traca, eventually

ECHO = "def handler(event, context):\n    print('seen')\n    return event\n"
ANY = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture
def identities(aws):
    return Identities(aws)


def denials(traca, **wanted):
    """The last denials that have these fields."""
    listed = json.loads(traca.page("denials"))["denials"]
    return [denial for denial in listed if all(denial[name] == value for name, value in wanted.items())]


def test_a_denial_is_said_in_each_services_own_form(aws, identities):
    user = identities.user()
    for service, operation, parameters, status, code, action, resource in [
        ("lambda", "list_functions", {}, 403, "AccessDeniedException", "lambda:ListFunctions", "*"),
        ("lambda", "invoke", {"FunctionName": "f"}, 403, "AccessDeniedException", "lambda:InvokeFunction",
         f"arn:aws:lambda:us-east-1:{aws.account}:function:f"),
        ("lambda", "invoke", {"FunctionName": "f", "Qualifier": "1"}, 403, "AccessDeniedException",
         "lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{aws.account}:function:f:1"),
        ("logs", "create_log_group", {"logGroupName": "g"}, 400, "AccessDeniedException", "logs:CreateLogGroup",
         f"arn:aws:logs:us-east-1:{aws.account}:log-group:g:log-stream:"),
        ("logs", "describe_log_groups", {}, 400, "AccessDeniedException", "logs:DescribeLogGroups",
         f"arn:aws:logs:us-east-1:{aws.account}:log-group::log-stream:"),
        ("iam", "create_user", {"UserName": "u"}, 403, "AccessDenied", "iam:CreateUser",
         f"arn:aws:iam::{aws.account}:user/u"),
    ]:
        refusal = refused(getattr(user(service), operation), **parameters)
        assert (refusal.status, refusal.code) == (status, code), refusal
        assert refusal.message == (
            f"User: {user.arn} is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action"
        )


def test_explicit_denials_boundaries_and_session_policies_are_named(aws, identities):
    may_all, may_not = ANY, {"Effect": "Deny", "Action": "lambda:List*", "Resource": "*"}
    user = identities.user(may_all, may_not, name="denied")
    assert refused(user("lambda").list_functions).message.endswith("with an explicit deny in an identity-based policy")
    iam = aws("iam")
    boundary = iam.create_policy(PolicyName="edge", PolicyDocument=policy(("logs:*", "*")))["Policy"]["Arn"]
    bounded = identities.user(may_all, name="bounded")
    iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=boundary)
    bounded("logs").describe_log_groups()
    text = "because no permissions boundary allows the lambda:ListFunctions action"
    assert refused(bounded("lambda").list_functions).message.endswith(text)
    role = identities.role(identities.own_account(), may_all)
    caller = identities.user(("sts:AssumeRole", "*"))
    narrow = caller("sts").assume_role(RoleArn=role, RoleSessionName="session", Policy=policy(("logs:*", "*")))
    session = identities.session(narrow)
    session("logs").describe_log_groups()
    text = "because no session policy allows the lambda:ListFunctions action"
    assert refused(session("lambda").list_functions).message.endswith(text)


def test_conditions_tags_and_variables_decide(aws, identities, functions):
    by_tag = {"Effect": "Allow", "Action": "lambda:GetFunction", "Resource": "*",
              "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}}
    own_group = ("logs:CreateLogGroup", f"arn:aws:logs:*:{aws.account}:log-group:${{aws:username}}/*")
    only_here = {"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": "*", "Condition": {
        "StringEquals": {"aws:RequestedRegion": "us-east-1"}, "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}
    from_afar = {"Effect": "Allow", "Action": "lambda:GetAccountSettings", "Resource": "*",
                 "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    user = identities.user(by_tag, own_group, only_here, from_afar, name="ann")
    aws("iam").tag_user(UserName="ann", Tags=[{"Key": "team", "Value": "blue"}])
    blue = functions.create(ECHO, Tags={"team": "blue"})
    red = functions.create(ECHO, Tags={"team": "red"})
    user("lambda").get_function(FunctionName=blue.name)
    refused(user("lambda").get_function, FunctionName=red.name)
    functions.client.tag_resource(Resource=red.client.get_function(FunctionName=red.name)["Configuration"][
        "FunctionArn"], Tags={"team": "blue"})
    user("lambda").get_function(FunctionName=red.name)
    user("logs").create_log_group(logGroupName="ann/own")
    refused(user("logs").create_log_group, logGroupName="bob/own")
    user("lambda").list_functions()
    refused(user("lambda").get_account_settings)
    elsewhere = Signer(aws.endpoint, aws.account, user.credentials, "eu-west-1")
    refused(elsewhere("lambda").list_functions)


def test_a_role_can_only_be_passed_by_those_who_may(aws, identities, functions):
    role = identities.role(LAMBDA)
    to_lambda = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role,
                 "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}
    to_others = json.loads(json.dumps(to_lambda).replace("lambda.amazonaws.com", "ec2.amazonaws.com"))
    settings = functions.settings(ECHO, Role=role)
    refusal = refused(identities.user(("lambda:*", "*"))("lambda").create_function, **settings)
    assert f"perform: iam:PassRole on resource: {role} because" in refusal.message, refusal
    refused(identities.user(("lambda:*", "*"), to_others)("lambda").create_function, **settings)
    identities.user(("lambda:*", "*"), to_lambda)("lambda").create_function(**settings)


def test_rights_change_with_the_policies_at_once(aws, identities):
    user = identities.user(name="changing")
    iam = aws("iam")
    arn = iam.create_policy(PolicyName="list", PolicyDocument=policy(("lambda:ListFunctions", "*")))["Policy"]["Arn"]
    iam.create_group(GroupName="team")
    refused(user("lambda").list_functions)
    iam.attach_group_policy(GroupName="team", PolicyArn=arn)
    iam.add_user_to_group(GroupName="team", UserName="changing")
    user("lambda").list_functions()
    iam.remove_user_from_group(GroupName="team", UserName="changing")
    refused(user("lambda").list_functions)


def test_keys_that_are_inactive_or_deleted_are_unknown(platform, aws, identities):
    user = identities.user(ANY, name="leaving")
    iam, key = aws("iam"), user.credentials["AccessKeyId"]
    user("sts").get_caller_identity()
    wrong = client("sts", platform.endpoint, key, secret="wrong")
    assert refused(wrong.get_caller_identity).code == "SignatureDoesNotMatch"
    iam.update_access_key(UserName="leaving", AccessKeyId=key, Status="Inactive")
    assert refused(user("sts").get_caller_identity).code == "InvalidClientTokenId"
    iam.update_access_key(UserName="leaving", AccessKeyId=key, Status="Active")
    user("sts").get_caller_identity()
    iam.delete_access_key(UserName="leaving", AccessKeyId=key)
    assert refused(user("sts").get_caller_identity).code == "InvalidClientTokenId"


def test_a_functions_log_is_written_with_its_roles_rights(aws, identities, functions):
    silent = functions.create(ECHO, Role=identities.role(LAMBDA, name="silent"))
    assert silent.answer("heard") == "heard"
    basic = aws("iam")
    loud_role = identities.role(LAMBDA, name="loud")
    basic.attach_role_policy(
        RoleName="loud", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    loud = functions.create(ECHO, Role=loud_role)
    assert loud.answer("heard") == "heard"
    groups = lambda: {group["logGroupName"] for group in aws("logs").describe_log_groups()["logGroups"]}
    eventually(lambda: f"/aws/lambda/{loud.name}" in groups(), "the log of the function that may")
    denied = eventually(
        lambda: denials(Page(aws.endpoint), action="logs:PutLogEvents", account=aws.account), "the other's denial")
    assert denied[0]["principal"] == f"arn:aws:sts::{aws.account}:assumed-role/silent/{silent.name}"
    assert f"/aws/lambda/{silent.name}" not in groups()


class Page:
    """Traca's own pages at an endpoint."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def page(self, path):
        with urllib.request.urlopen(f"{self.endpoint}/_traca/{path}") as answer:
            return answer.read()


# Tries to be the root by a key of its own making.
IMPOSTOR = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    try:
        client = boto3.client("sts", aws_access_key_id=event, aws_secret_access_key="x", aws_session_token=None)
        client._request_signer._credentials.token = None
        return client.get_caller_identity()["Arn"]
    except ClientError as error:
        return error.response["Error"]["Code"]
"""


def test_a_function_cannot_make_itself_root(aws, functions):
    function = functions.create(IMPOSTOR, Timeout=60)
    for key in [aws.account, "AKIAIOSFODNN7EXAMPLE", "any"]:
        assert function.answer(key) == "InvalidClientTokenId", key


def test_denials_are_explained_to_the_operator(platform, aws, identities):
    user = identities.user({**ANY, "Sid": "Most"}, {"Sid": "NotThese", "Effect": "Deny", "Action": "lambda:*",
                                                    "Resource": "*"}, name="asking")
    refusal = refused(user("lambda").list_functions)
    [denial] = denials(platform, account=aws.account)
    assert denial["request_id"] == refusal.response["ResponseMetadata"]["RequestId"]
    assert (denial["principal"], denial["action"], denial["resource"]) == (user.arn, "lambda:ListFunctions", "*")
    reason = denial["reason"]
    assert (reason["kind"], reason["layer"], reason["sid"]) == ("explicit", "identity", "NotThese")
    assert denial["context"]["aws:username"] == ["asking"] and denial["context"]["aws:SourceIp"] == ["127.0.0.1"]
    assert user.credentials["SecretAccessKey"] not in platform.page("denials").decode()


def test_the_least_policy_of_a_role_is_what_it_called(platform, aws, identities):
    role = identities.role(identities.own_account(), ANY, name="observed")
    caller = identities.user(("sts:AssumeRole", role))
    session = identities.session(caller("sts").assume_role(RoleArn=role, RoleSessionName="session"))
    session("logs").create_log_group(logGroupName="made")
    session("lambda").list_functions()
    learnt = platform.page(f"access?role={role}").decode()
    again = identities.role(identities.own_account(), name="least")
    aws("iam").put_role_policy(RoleName="least", PolicyName="learnt", PolicyDocument=learnt)
    caller = identities.user(("sts:AssumeRole", again))
    session = identities.session(caller("sts").assume_role(RoleArn=again, RoleSessionName="session"))
    aws("logs").delete_log_group(logGroupName="made")
    session("logs").create_log_group(logGroupName="made")
    session("lambda").list_functions()
    refused(session("logs").describe_log_groups)
    refused(session("logs").create_log_group, logGroupName="other")
    with pytest.raises(urllib.error.HTTPError) as caught:
        platform.page("access?role=nobody")
    assert caught.value.code == 404


def test_audit_records_and_lets_pass():
    with Traca("--memory", "--iam", "audit") as traca:
        aws = Clients(traca.endpoint, new_account())
        user = Identities(aws).user(name="audited")
        user("logs").create_log_group(logGroupName="passes")
        [denial] = denials(traca, account=aws.account)
        assert (denial["passed"], denial["reason"]["missing"]) == (True, "logs:CreateLogGroup")
        learnt = json.loads(traca.page(f"access?role={user.arn}"))
        assert learnt["Statement"][0]["Action"] == ["logs:CreateLogGroup"]
        wrong = client("sts", traca.endpoint, user.credentials["AccessKeyId"], secret="wrong")
        assert refused(wrong.get_caller_identity).code == "SignatureDoesNotMatch"


def test_an_open_platforms_functions_with_invented_roles_work(aws, functions):
    invented = Functions(aws)
    settings = invented.settings(ECHO, Role="arn:aws:iam::123456789012:role/invented")
    aws("lambda").create_function(**settings)
