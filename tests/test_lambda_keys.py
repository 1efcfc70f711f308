"""Environment variables under a key that the function's owner names."""

import json

import pytest

from support.clients import refused

SECRET = "import os\ndef handler(event, context):\n    return os.environ['SECRET']\n"


@pytest.fixture
def key(aws):
    return aws("kms").create_key()["KeyMetadata"]["Arn"]


def role(aws):
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    made = aws("iam").create_role(RoleName="keyless", AssumeRolePolicyDocument=json.dumps(trust))
    return made["Role"]["Arn"]


def test_variables_are_the_keys_while_it_lasts(aws, functions, key):
    function = functions.create(
        SECRET, Timeout=60, Role=role(aws), KMSKeyArn=key, Environment={"Variables": {"SECRET": "first"}}
    )
    described = function.client.get_function_configuration(FunctionName=function.name)
    assert (described["KMSKeyArn"], described["Environment"]) == (key, {"Variables": {"SECRET": "first"}})
    # The role has no rights of its own: Lambda's grant lets it decrypt, and nothing else.
    assert function.answer() == "first"
    grants = aws("kms").list_grants(KeyId=key)["Grants"]
    assert [grant["Operations"] for grant in grants] == [["Decrypt"]]
    arn = described["FunctionArn"]
    assert grants[0]["Constraints"] == {"EncryptionContextEquals": {"aws:lambda:FunctionArn": arn}}

    function.set(Environment={"Variables": {"SECRET": "second"}})
    aws("kms").disable_key(KeyId=key)
    refusal = refused(function.client.invoke, FunctionName=function.name)
    assert (refusal.code, refusal.status) == ("KMSDisabledException", 502)
    assert refusal.message.startswith(
        "Lambda was unable to decrypt the environment variables because the KMS key used is disabled. Please check the "
        "function's KMS key settings. KMS Exception: DisabledException"
    )
    hidden = function.client.get_function_configuration(FunctionName=function.name)["Environment"]
    assert "Variables" not in hidden and hidden["Error"]["ErrorCode"] == "DisabledException"
    listed = function.client.list_functions()["Functions"]
    assert listed[0]["Environment"]["Error"]["ErrorCode"] == "DisabledException"
    change = {"FunctionName": function.name, "Environment": {"Variables": {"SECRET": "third"}}}
    refusal = refused(function.client.update_function_configuration, **change)
    assert refusal.code == "InvalidParameterValueException" and "DisabledException" in refusal.message

    aws("kms").enable_key(KeyId=key)
    assert function.answer() == "second"
    aws("kms").revoke_grant(KeyId=key, GrantId=grants[0]["GrantId"])
    function.client.publish_version(FunctionName=function.name)
    refusal = refused(function.client.invoke, FunctionName=function.name, Qualifier="1")
    assert (refusal.code, refusal.status) == ("KMSAccessDeniedException", 502)


def test_variables_change_keys(aws, functions, key):
    function = functions.create(SECRET, Timeout=60, Environment={"Variables": {"SECRET": "kept"}})
    function.set(KMSKeyArn=key)
    assert function.answer() == "kept"
    assert function.client.get_function_configuration(FunctionName=function.name)["KMSKeyArn"] == key
    function.set(KMSKeyArn="")
    aws("kms").disable_key(KeyId=key)
    described = function.client.get_function_configuration(FunctionName=function.name)
    assert "KMSKeyArn" not in described and described["Environment"] == {"Variables": {"SECRET": "kept"}}
    assert function.answer() == "kept"


def test_keys_that_cannot_be_used_are_refused(aws, functions, key):
    def told(arn):
        settings = functions.settings(SECRET, KMSKeyArn=arn, Environment={"Variables": {"SECRET": "x"}})
        refusal = refused(functions.client.create_function, **settings)
        assert refusal.code == "InvalidParameterValueException"
        return refusal.message

    start = "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
    aws("kms").create_alias(AliasName="alias/mine", TargetKeyId=key)
    assert told(f"arn:aws:kms:us-east-1:{aws.account}:alias/mine") == (
        f"{start}CreateGrant. Please check your KMS key settings. KMS Exception: InvalidArnException KMS Message: Key "
        "Aliases are not supported for this operation."
    )
    missing = told(f"arn:aws:kms:us-east-1:{aws.account}:key/00000000-0000-0000-0000-000000000000")
    assert missing.startswith(start) and "KMS Exception: NotFoundException" in missing
    assert functions.client.list_functions()["Functions"] == []
