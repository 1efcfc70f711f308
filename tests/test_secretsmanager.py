"""Secrets Manager through boto3 and AWS's command line."""

import json
import uuid
from pathlib import Path

import pytest
from support.clients import Clients, client, new_account, refused
from support.commands import aws_cli
from support.functions import Functions
from support.identities import LAMBDA, Identities
from support.traca import Traca, eventually

EXAMPLE = Path(__file__).parents[1] / "examples" / "secrets"
NOT_FOUND = "Secrets Manager can't find the specified secret."


@pytest.fixture
def secrets(aws):
    return aws("secretsmanager")


def plain(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_the_life_of_a_secret(aws, secrets):
    created = secrets.create_secret(Name="app/db", SecretString="one", Tags=[{"Key": "team", "Value": "red"}])
    arn = created["ARN"]
    assert arn.startswith(f"arn:aws:secretsmanager:{aws.region}:{aws.account}:secret:app/db-")
    assert set(plain(created)) == {"ARN", "Name", "VersionId"}
    for name in ("app/db", arn, arn[:-7]):
        read = secrets.get_secret_value(SecretId=name)
        assert (read["SecretString"], read["VersionStages"]) == ("one", ["AWSCURRENT"])
        assert "SecretBinary" not in read
    put = secrets.put_secret_value(SecretId=arn, SecretBinary=b"\0two")
    assert secrets.get_secret_value(SecretId=arn)["SecretBinary"] == b"\0two"
    assert secrets.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    described = secrets.describe_secret(SecretId=arn)
    assert described["VersionIdsToStages"] == {
        created["VersionId"]: ["AWSPREVIOUS"], put["VersionId"]: ["AWSCURRENT"]}
    assert described["Tags"] == [{"Key": "team", "Value": "red"}]
    assert "RotationEnabled" not in described and "KmsKeyId" not in described and "DeletedDate" not in described
    secrets.update_secret(SecretId=arn, Description="about", SecretString="three")
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "three"
    versions = secrets.list_secret_version_ids(SecretId=arn)["Versions"]
    assert [version["VersionStages"] for version in versions] == [["AWSPREVIOUS"], ["AWSCURRENT"]]
    deleted = secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    assert set(plain(deleted)) == {"ARN", "Name", "DeletionDate"}
    marked = refused(secrets.get_secret_value, SecretId=arn)
    assert (marked.status, marked.code) == (400, "InvalidRequestException")
    assert marked.message.endswith("because it was marked for deletion.")
    secrets.restore_secret(SecretId=arn)
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "three"
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    gone = refused(secrets.describe_secret, SecretId=arn)
    assert (gone.status, gone.code, gone.message) == (400, "ResourceNotFoundException", NOT_FOUND)
    assert gone.response["Message"] == NOT_FOUND


def test_refusals_are_worded_as_awss(secrets):
    secrets.create_secret(Name="s", SecretString="x")
    for operation, parameters, code, message in [
        (secrets.create_secret, {"Name": "s", "SecretString": "y"}, "ResourceExistsException",
         "The operation failed because the secret s already exists."),
        (secrets.create_secret, {"Name": "Inv Name", "SecretString": "y"}, "ValidationException",
         "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"),
        (secrets.get_secret_value, {"SecretId": "s", "VersionStage": "AWSPREVIOUS"}, "ResourceNotFoundException",
         "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS"),
        (secrets.get_random_password, {"PasswordLength": 3}, "InvalidParameterException",
         "Password length is too short based on the required types."),
        (secrets.rotate_secret, {"SecretId": "s"}, "InvalidRequestException",
         "No Lambda rotation function ARN is associated with this secret."),
        (secrets.batch_get_secret_value, {}, "InvalidParameterException",
         "Either 'SecretIdList' or 'Filters' must be provided, but not both."),
        (secrets.put_resource_policy, {"SecretId": "s", "ResourcePolicy": "{}"}, "MalformedPolicyDocumentException",
         "This resource policy contains a syntax error."),
        (secrets.list_secrets, {"NextToken": "junk"}, "InvalidNextTokenException", "Invalid NextToken."),
    ]:
        refusal = refused(operation, **parameters)
        assert (refusal.status, refusal.code, refusal.message) == (400, code, message)


def test_secrets_are_listed_page_by_page(secrets):
    for number in range(7):
        secrets.create_secret(Name=f"s{number}", SecretString=str(number), Description="even" if number % 2 == 0 else "odd")
    pages = list(secrets.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 3}))
    assert [[entry["Name"] for entry in page["SecretList"]] for page in pages] == [
        ["s0", "s1", "s2"], ["s3", "s4", "s5"], ["s6"]]
    odd = secrets.list_secrets(Filters=[{"Key": "description", "Values": ["odd"]}], SortBy="name", SortOrder="desc")
    assert [entry["Name"] for entry in odd["SecretList"]] == ["s5", "s3", "s1"]
    batch = secrets.batch_get_secret_value(SecretIdList=["s1", "none"])
    assert [entry["SecretString"] for entry in batch["SecretValues"]] == ["1"]
    assert batch["Errors"] == [
        {"SecretId": "none", "ErrorCode": "ResourceNotFoundException", "Message": NOT_FOUND}]


def test_the_command_line_does_the_same(aws):
    def run(*arguments):
        return aws_cli(aws, "secretsmanager", *arguments)

    arn = run("create-secret", "--name", "cli", "--secret-string", '{"a": 1}')["ARN"]
    run("put-secret-value", "--secret-id", "cli", "--secret-string", '{"a": 2}')
    assert json.loads(run("get-secret-value", "--secret-id", arn)["SecretString"]) == {"a": 2}
    run("tag-resource", "--secret-id", "cli", "--tags", "Key=k,Value=v")
    assert run("describe-secret", "--secret-id", "cli")["Tags"] == [{"Key": "k", "Value": "v"}]
    assert len(run("get-random-password", "--password-length", "20")["RandomPassword"]) == 20
    assert len(run("list-secret-version-ids", "--secret-id", "cli")["Versions"]) == 2
    run("delete-secret", "--secret-id", "cli", "--force-delete-without-recovery")
    assert run("list-secrets")["SecretList"] == []


def test_a_key_of_ones_own_encrypts_and_its_state_counts(aws, secrets):
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    secrets.create_secret(Name="s", SecretString="x", KmsKeyId=key)
    assert secrets.describe_secret(SecretId="s")["KmsKeyId"] == key
    aws("kms").disable_key(KeyId=key)
    refusal = refused(secrets.get_secret_value, SecretId="s")
    assert refusal.code == "DecryptionFailure", refusal
    aws("kms").enable_key(KeyId=key)
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "x"
    aliases = {alias["AliasName"] for alias in aws("kms").list_aliases()["Aliases"]}
    assert "alias/aws/secretsmanager" not in aliases
    secrets.create_secret(Name="t", SecretString="x")
    aliases = {alias["AliasName"] for alias in aws("kms").list_aliases()["Aliases"]}
    assert "alias/aws/secretsmanager" in aliases, "it appears on first use"


def test_replicas_are_readable_in_their_region(aws, secrets):
    there = client("secretsmanager", aws.endpoint, aws.account, "eu-central-1")
    created = secrets.create_secret(Name="s", SecretString="one", AddReplicaRegions=[{"Region": "eu-central-1"}])
    assert created["ReplicationStatus"] == [{"Region": "eu-central-1", "Status": "InSync"}]
    arn = created["ARN"].replace(aws.region, "eu-central-1")
    secrets.put_secret_value(SecretId="s", SecretString="two")
    assert there.get_secret_value(SecretId=arn)["SecretString"] == "two"
    assert there.describe_secret(SecretId="s")["PrimaryRegion"] == aws.region
    refusal = refused(there.update_secret, SecretId="s", SecretString="x")
    assert refusal.message.startswith("Operation not permitted on a replica secret.")
    there.stop_replication_to_replica(SecretId=arn)
    there.update_secret(SecretId="s", SecretString="own")
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "two"


def test_rights_to_a_secret(aws, secrets):
    identities = Identities(aws)
    arn = secrets.create_secret(Name="app/db", SecretString="x", Tags=[{"Key": "team", "Value": "red"}])["ARN"]
    nobody = identities.user()("secretsmanager")
    refusal = refused(nobody.get_secret_value, SecretId="app/db")
    assert refusal.code == "AccessDeniedException"
    assert f"is not authorized to perform: secretsmanager:GetSecretValue on resource: {arn}" in refusal.message
    for resource in (arn, f"{arn[:-6]}??????", f"{arn[:-6]}*"):
        reader = identities.user(("secretsmanager:GetSecretValue", resource))("secretsmanager")
        assert reader.get_secret_value(SecretId="app/db")["SecretString"] == "x", resource
        assert reader.get_secret_value(SecretId=arn)["SecretString"] == "x"
        assert refused(reader.describe_secret, SecretId=arn).code == "AccessDeniedException"
        batch = identities.user(("secretsmanager:BatchGetSecretValue", "*"))("secretsmanager")
        denied = batch.batch_get_secret_value(SecretIdList=[arn])
        assert denied["SecretValues"] == [] and denied["Errors"][0]["ErrorCode"] == "AccessDeniedException"
    for condition, allowed in [
        ({"StringEquals": {"secretsmanager:ResourceTag/team": "red"}}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "blue"}}, False),
        ({"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}, True),
        ({"StringEquals": {"secretsmanager:VersionStage": "AWSPREVIOUS"}}, False),
    ]:
        statement = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*", "Condition": condition}
        reader = identities.user(statement)("secretsmanager")
        if allowed:
            reader.get_secret_value(SecretId=arn)
        else:
            assert refused(reader.get_secret_value, SecretId=arn).code == "AccessDeniedException", condition
    user = identities.user()
    secrets.put_resource_policy(SecretId=arn, ResourcePolicy=json.dumps({
        "Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"AWS": user.arn}, "Action": "secretsmanager:GetSecretValue",
            "Resource": "*"}}))
    assert user("secretsmanager").get_secret_value(SecretId=arn)["SecretString"] == "x"


def test_a_key_that_the_caller_may_not_use_keeps_the_secret(aws, secrets):
    identities = Identities(aws)
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    secrets.create_secret(Name="s", SecretString="x", KmsKeyId=key)
    reader = identities.user(("secretsmanager:GetSecretValue", "*"))("secretsmanager")
    refusal = refused(reader.get_secret_value, SecretId="s")
    assert (refusal.code, refusal.message) == ("AccessDeniedException", "Access to KMS is not allowed")
    reader = identities.user(("secretsmanager:GetSecretValue", "*"), ("kms:Decrypt", key))("secretsmanager")
    assert reader.get_secret_value(SecretId="s")["SecretString"] == "x"


def rotation_function(aws, code=None):
    """The example's function, under its least-privilege role, which Secrets Manager may invoke."""
    policy = json.loads((EXAMPLE / "rotation-policy.json").read_text())
    role = Identities(aws).role(LAMBDA, *policy["Statement"])
    function = Functions(aws).create(code or (EXAMPLE / "rotation.py").read_text(), Role=role, Timeout=60)
    aws("lambda").add_permission(FunctionName=function.name, StatementId="rotation", Action="lambda:InvokeFunction",
                                 Principal="secretsmanager.amazonaws.com", SourceAccount=aws.account)
    return aws("lambda").get_function_configuration(FunctionName=function.name)["FunctionArn"]


def test_a_function_that_there_is_not_is_refused(aws, secrets):
    secrets.create_secret(Name="s", SecretString="x")
    before = plain(secrets.describe_secret(SecretId="s"))
    refusal = refused(secrets.rotate_secret, SecretId="s", RotationRules={"AutomaticallyAfterDays": 30},
                      RotationLambdaARN=f"arn:aws:lambda:{aws.region}:{aws.account}:function:none")
    assert (refusal.code, refusal.message) == (
        "AccessDeniedException",
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to "
        "the principal secretsmanager.amazonaws.com.")
    assert plain(secrets.describe_secret(SecretId="s")) == before


def test_a_function_rotates_a_secret(aws, secrets):
    secrets.create_secret(Name="test/database", SecretString=json.dumps({"username": "app", "password": "first"}))
    rotated = secrets.rotate_secret(SecretId="test/database", RotationLambdaARN=rotation_function(aws),
                                    RotationRules={"AutomaticallyAfterDays": 30})
    eventually(lambda: "LastRotatedDate" in secrets.describe_secret(SecretId="test/database"), "the rotation")
    described = secrets.describe_secret(SecretId="test/database")
    assert described["RotationEnabled"] and described["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert described["VersionIdsToStages"][rotated["VersionId"]] == ["AWSCURRENT", "AWSPENDING"]
    value = json.loads(secrets.get_secret_value(SecretId="test/database")["SecretString"])
    assert value["username"] == "app" and len(value["password"]) == 32
    secrets.cancel_rotate_secret(SecretId="test/database")
    assert secrets.describe_secret(SecretId="test/database")["RotationEnabled"] is False


def test_a_rotation_goes_on_after_the_platform_was_killed(data):
    account = new_account()
    slow = (EXAMPLE / "rotation.py").read_text().replace(
        "def set_in_database(secret, version):", "def set_in_database(secret, version):\n    import time; time.sleep(5)\n")
    with Traca("--data", data) as traca:
        aws = Clients(traca.endpoint, account)
        secrets = aws("secretsmanager")
        secrets.create_secret(Name="test/database", SecretString=json.dumps({"password": "first"}))
        rotated = secrets.rotate_secret(SecretId="test/database", RotationLambdaARN=rotation_function(aws, code=slow),
                                        RotationRules={"ScheduleExpression": "rate(10 days)"})

        def created():
            try:
                return secrets.get_secret_value(SecretId="test/database", VersionStage="AWSPENDING")
            except secrets.exceptions.ResourceNotFoundException:
                return None

        eventually(created, "the first step")
        traca.kill()
    with Traca("--data", data) as traca:
        secrets = Clients(traca.endpoint, account)("secretsmanager")
        eventually(lambda: "LastRotatedDate" in secrets.describe_secret(SecretId="test/database"), "the rotation")
        read = secrets.get_secret_value(SecretId="test/database")
        assert read["VersionId"] == rotated["VersionId"]


def test_nothing_acknowledged_is_lost_and_nothing_is_in_the_clear(data):
    account = new_account()
    told, marks = {}, []
    for round_number in range(4):
        with Traca("--data", data) as traca:
            aws = Clients(traca.endpoint, account)
            secrets, parameters = aws("secretsmanager"), aws("ssm")
            for name, value in told.items():
                assert secrets.get_secret_value(SecretId=name)["SecretString"] == value
                assert parameters.get_parameter(Name=f"/{name}", WithDecryption=True)["Parameter"]["Value"] == value
            for number in range(5):
                name, mark = f"s{round_number}-{number}", f"mark{uuid.uuid4().hex}"
                marks.append(mark)
                secrets.create_secret(Name=name, SecretString=mark)
                parameters.put_parameter(Name=f"/{name}", Type="SecureString", Value=mark)
                told[name] = mark
                refused(secrets.create_secret, Name=name, SecretString=mark + "!")
                refused(parameters.put_parameter, Name=f"/{name}", Type="SecureString", Value=mark + "!")
                refused(parameters.put_parameter, Name="/x", Type="SecureString", Value=mark, AllowedPattern="y")
            pages = traca.page("metrics") + traca.page("denials")
            traca.kill()
            assert traca.log() is not None
            shown = pages + traca.log().encode()
        kept = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
        for mark in marks:
            assert mark.encode() not in shown and mark.encode() not in kept
