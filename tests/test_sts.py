"""Temporary credentials: who gets them, whom they name, what they may do."""

import base64
import hashlib
import hmac
import json
import struct
import subprocess
import sys
import time

import pytest
from support.clients import Clients, client, new_account, refused
from support.identities import Identities, Signer, policy
from support.traca import environment

FUNCTIONS = "lambda:ListFunctions"
GROUPS = "logs:DescribeLogGroups"


@pytest.fixture
def identities(aws):
    return Identities(aws)


def assume(caller, arn, session="work", **parameters):
    return caller("sts").assume_role(RoleArn=arn, RoleSessionName=session, **parameters)


def test_a_user_becomes_a_roles_session_and_does_what_the_role_may(aws, identities):
    arn = identities.role(identities.own_account(), (FUNCTIONS, "*"), name="reader", Path="/teams/")
    user = identities.user(("sts:AssumeRole", arn))
    assert user.arn.startswith(f"arn:aws:iam::{aws.account}:user/")
    refusal = refused(user("lambda").list_functions)
    assert refusal.code == "AccessDeniedException"
    answer = assume(user, arn)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{aws.account}:assumed-role/reader/work"
    role_id = identities.iam.get_role(RoleName="reader")["Role"]["RoleId"]
    assert answer["AssumedRoleUser"]["AssumedRoleId"] == f"{role_id}:work"
    assert "PackedPolicySize" not in answer and "SourceIdentity" not in answer
    session = identities.session(answer)
    identity = session("sts").get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (answer["AssumedRoleUser"]["Arn"], f"{role_id}:work")
    assert session("lambda").list_functions()["Functions"] == []
    refused(session("logs").describe_log_groups)


def test_both_the_role_and_the_users_policies_have_to_agree(identities):
    trusting = identities.role(identities.own_account())
    untrusting = identities.role(json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}}))
    unprivileged, privileged = identities.user(), identities.user(("sts:AssumeRole", "*"))
    assume(privileged, trusting)
    absent = trusting + "-absent"
    for caller, arn in [(unprivileged, trusting), (privileged, untrusting), (privileged, absent)]:
        refusal = refused(assume, caller, arn)
        assert (refusal.status, refusal.code) == (403, "AccessDenied")
        start = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        assert refusal.message.startswith(start), refusal


def test_another_account_is_let_in_by_the_roles_own_word(platform, aws, identities):
    elsewhere = Identities(Clients(platform.endpoint, new_account()))
    guest = elsewhere.user(("sts:AssumeRole", "*"))
    stranger = elsewhere.user(("sts:AssumeRole", "*"))
    only = {"StringEquals": {"sts:ExternalId": "agreed"}}
    arn = identities.role(json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": guest.arn}, "Condition": only}}))
    answer = assume(guest, arn, ExternalId="agreed")
    assert identities.session(answer).arn == answer["AssumedRoleUser"]["Arn"]
    for caller, parameters in [(guest, {}), (guest, {"ExternalId": "guessed"}), (stranger, {"ExternalId": "agreed"})]:
        assert refused(assume, caller, arn, **parameters).code == "AccessDenied"


def test_chains_hand_on_transitive_tags_and_last_an_hour(identities):
    tagging = identities.own_account(["sts:AssumeRole", "sts:TagSession"])
    second = identities.role(tagging, (FUNCTIONS, "*"), MaxSessionDuration=43_200)
    may_list = {"Effect": "Allow", "Action": FUNCTIONS, "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}
    third = identities.role(tagging, may_list)
    may_assume = (["sts:AssumeRole", "sts:TagSession"], "*")
    first = identities.role(tagging, may_assume)
    user = identities.user(may_assume)
    tags = [{"Key": "team", "Value": "blue"}, {"Key": "stage", "Value": "test"}]
    answer = assume(user, first, Tags=tags, TransitiveTagKeys=["team"])
    assert 0 < answer["PackedPolicySize"] < 100
    session = identities.session(answer)
    identities.session(assume(session, third))("lambda").list_functions()
    refused(identities.session(assume(user, third))("lambda").list_functions)
    assume(session, second, DurationSeconds=3_600)
    refusal = refused(assume, session, second, DurationSeconds=3_601)
    assert refusal.code == "ValidationError"
    assert refusal.message == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )
    refusal = refused(assume, user, first, DurationSeconds=3_601)
    assert refusal.message == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    refusal = refused(assume, session, third, Tags=[{"Key": "Team", "Value": "red"}])
    assert refusal.code == "InvalidParameterValue"
    # Tags need a permission of their own, on both sides.
    plain = identities.role(identities.own_account())
    assert "sts:TagSession" in refused(assume, user, plain, Tags=tags).message


def test_a_session_policy_only_takes_away(identities):
    arn = identities.role(identities.own_account(), ([FUNCTIONS, "logs:*"], "*"))
    user = identities.user(("sts:AssumeRole", arn))
    answer = assume(user, arn, Policy=policy((["lambda:*", "iam:*"], "*")))
    assert answer["PackedPolicySize"] > 0
    session = identities.session(answer)
    session("lambda").list_functions()
    refused(session("logs").describe_log_groups)
    refused(session("iam").list_users)
    managed = [{"arn": "arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"}]
    session = identities.session(assume(user, arn, PolicyArns=managed))
    session("logs").describe_log_groups()
    refused(session("lambda").list_functions)
    refusal = refused(assume, user, arn, Policy="{}")
    assert (refusal.status, refusal.code) == (400, "MalformedPolicyDocument")


def test_sessions_end_with_their_role(identities):
    arn = identities.role(identities.own_account(), (FUNCTIONS, "*"), name="passing")
    user = identities.user(("sts:AssumeRole", arn))
    session = identities.session(assume(user, arn))
    session("lambda").list_functions()
    identities.iam.delete_role_policy(RoleName="passing", PolicyName="own")
    refused(session("lambda").list_functions)
    identities.iam.delete_role(RoleName="passing")
    # One of the same name is another role.
    identities.role(identities.own_account(), (FUNCTIONS, "*"), name="passing")
    refused(session("lambda").list_functions)


def test_tokens_that_were_touched_are_refused(platform, identities):
    arn = identities.role(identities.own_account())
    user = identities.user(("sts:AssumeRole", arn))
    credentials = assume(user, arn)["Credentials"]
    key, secret, token = (credentials[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    other = assume(user, arn)["Credentials"]
    assert len(token) <= 4_096 and key.startswith("ASIA")
    for changed in [{"token": token[:-8] + "AAAAAAA="}, {"token": None}, {"token": other["SessionToken"]}]:
        sts = client("sts", platform.endpoint, key, secret=secret, **changed)
        refusal = refused(sts.get_caller_identity)
        assert (refusal.status, refusal.code) == (403, "InvalidClientTokenId"), refusal
    wrong = client("sts", platform.endpoint, key, secret=other["SecretAccessKey"], token=token)
    assert refused(wrong.get_caller_identity).code == "SignatureDoesNotMatch"


def test_a_federated_user_may_do_what_both_its_creator_and_its_policy_allow(aws, identities):
    user = identities.user(([FUNCTIONS, "sts:GetFederationToken"], "*"))
    answer = user("sts").get_federation_token(Name="guest", Policy=policy((["lambda:*", "logs:*"], "*")))
    assert answer["FederatedUser"] == {
        "Arn": f"arn:aws:sts::{aws.account}:federated-user/guest", "FederatedUserId": f"{aws.account}:guest",
    }
    guest = identities.session(answer)
    assert guest.arn == answer["FederatedUser"]["Arn"]
    guest("lambda").list_functions()
    refused(guest("logs").describe_log_groups)
    # Without a policy nothing is left.
    bare = user("sts").get_federation_token(Name="guest")
    assert bare["PackedPolicySize"] == 0
    refused(identities.session(bare)("lambda").list_functions)
    refusal = refused(guest("sts").get_federation_token, Name="another")
    assert refusal.code == "AccessDenied"
    refusal = refused(user("sts").get_federation_token, Name="g" * 33)
    assert refusal.code == "ValidationError"


def code(seed, offset=0):
    """The code of a device that is that many steps ahead (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(seed), struct.pack(">Q", int(time.time()) // 30 + offset), hashlib.sha1)
    start = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[start:start + 4])[0] & 0x7FFF_FFFF) % 1_000_000:06}"


def test_a_device_of_multi_factor_authentication_opens_what_asks_for_it(identities):
    protected = {"Effect": "Allow", "Action": FUNCTIONS, "Resource": "*",
                 "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    user = identities.user(protected, name="careful")
    device = identities.iam.create_virtual_mfa_device(VirtualMFADeviceName="careful")["VirtualMFADevice"]
    serial, seed = device["SerialNumber"], device["Base32StringSeed"]
    identities.iam.enable_mfa_device(
        UserName="careful", SerialNumber=serial,
        AuthenticationCode1=code(seed, -1), AuthenticationCode2=code(seed),
    )
    sts = user("sts")
    refused(identities.session(sts.get_session_token())("lambda").list_functions)
    refusal = refused(sts.get_session_token, SerialNumber=serial, TokenCode="000000")
    assert refusal.code == "AccessDenied"
    assert refusal.message.startswith("MultiFactorAuthentication failed with invalid MFA one time pass code")
    fresh = code(seed, 1)
    session = identities.session(sts.get_session_token(SerialNumber=serial, TokenCode=fresh))
    session("lambda").list_functions()
    refused(sts.get_session_token, SerialNumber=serial, TokenCode=fresh)
    assert refused(session("sts").get_session_token).message == "Cannot call GetSessionToken with session credentials"


def test_parameters_are_refused_in_awss_words(identities):
    arn = identities.role(identities.own_account())
    user = identities.user(("sts:*", "*"))
    refusal = refused(assume, user, arn, session="Session1:2")
    assert refusal.message == (
        "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    )
    for malformed in ["nothing-valid-in-here", "arn::b:::something/test-role", "arn:a:a::aaaaaaaaaa:"]:
        refusal = refused(assume, user, malformed)
        assert (refusal.code, refusal.message) == ("ValidationError", f"{malformed} is invalid")
    refusal = refused(user("sts").decode_authorization_message, EncodedMessage="nonsense")
    assert (refusal.status, refusal.code) == (400, "InvalidAuthorizationMessageException")
    for operation in ("assume_root",):
        parameters = {
            "assume_root": {"TargetPrincipal": "111122223333",
                            "TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}},
        }[operation]
        assert refused(getattr(user("sts"), operation), **parameters).status == 501


def test_the_command_line_assumes_roles_and_uses_their_credentials(aws, identities):
    arn = identities.role(identities.own_account(), (FUNCTIONS, "*"))
    user = identities.user(("sts:AssumeRole", arn))

    def cli(credentials, *arguments):
        variables = {
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": credentials.get("SessionToken", ""),
            "AWS_ENDPOINT_URL": aws.endpoint, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_CONFIG_FILE": "/dev/null",
        }
        command = [sys.executable, "-m", "awscli", *arguments, "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(**variables), check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    answer = cli(user.credentials, "sts", "assume-role", "--role-arn", arn, "--role-session-name", "shell")
    assert cli(answer["Credentials"], "sts", "get-caller-identity")["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert cli(answer["Credentials"], "lambda", "list-functions")["Functions"] == []


def test_regions_sign_for_themselves(identities):
    arn = identities.role(identities.own_account())
    user = identities.user(("sts:AssumeRole", arn))
    abroad = Signer(user.endpoint, user.account, user.credentials, region="ap-southeast-2")
    assert assume(abroad, arn)["AssumedRoleUser"]["Arn"].endswith("/work")
