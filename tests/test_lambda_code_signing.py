"""Code signing configurations. Nothing is signed here, so that a configuration either warns or refuses every package."""

import re

from support.clients import refused
from support.functions import WAIT
from support.packages import package

PROFILE = "arn:aws:signer:us-east-1:{account}:/signing-profiles/test/abcdefghij"
ECHO = "def handler(event, context):\n    return event\n"
ABSENT = "csc-00000000000000000"


def configuration(aws, policy="Enforce", **more):
    publishers = {"SigningProfileVersionArns": [PROFILE.format(account=aws.account)]}
    policies = {"UntrustedArtifactOnDeployment": policy}
    made = aws("lambda").create_code_signing_config(
        AllowedPublishers=publishers, CodeSigningPolicies=policies, **more
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    return made["CodeSigningConfig"]


def test_a_configuration_is_made_changed_listed_and_deleted(aws):
    client = aws("lambda")
    made = configuration(aws, Description="ours", Tags={"team": "red"})
    arn, changed = made.pop("CodeSigningConfigArn"), made.pop("LastModified")
    assert re.fullmatch(rf"arn:aws:lambda:us-east-1:{aws.account}:code-signing-config:csc-[a-z0-9]{{17}}", arn)
    assert made == {
        "CodeSigningConfigId": arn.rsplit(":", 1)[1],
        "Description": "ours",
        "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE.format(account=aws.account)]},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"},
    }
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "red"}
    client.tag_resource(Resource=arn, Tags={"stage": "test"})
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "red", "stage": "test"}

    same = client.update_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    assert {**same, "LastModified": changed} == {**made, "CodeSigningConfigArn": arn, "LastModified": changed}
    warns = {"UntrustedArtifactOnDeployment": "Warn"}
    client.update_code_signing_config(CodeSigningConfigArn=arn, CodeSigningPolicies=warns)
    found = client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    assert (found["CodeSigningPolicies"], found["Description"]) == (warns, "ours")
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == [found]

    assert client.delete_code_signing_config(CodeSigningConfigArn=arn)["ResponseMetadata"]["HTTPStatusCode"] == 204
    refusal = refused(client.get_code_signing_config, CodeSigningConfigArn=arn)
    assert refusal.code == "ResourceNotFoundException"
    assert refusal.message == f"The Lambda code signing configuration {arn} can not be found."
    assert "Type" not in refusal.response


def test_a_function_whose_configuration_enforces_signatures_takes_no_package(aws, functions):
    client = aws("lambda")
    arn = configuration(aws)["CodeSigningConfigArn"]
    refusal = refused(client.create_function, **functions.settings(ECHO, CodeSigningConfigArn=arn))
    assert refusal.code == "CodeVerificationFailedException"
    assert refusal.message.startswith("Lambda cannot deploy the function.")

    function = functions.create(ECHO)
    given = client.put_function_code_signing_config(CodeSigningConfigArn=arn, FunctionName=function.name)
    assert (given["CodeSigningConfigArn"], given["FunctionName"]) == (arn, function.name)
    new = {"FunctionName": function.name, "ZipFile": package({"app.py": ECHO + "\n"})}
    assert refused(client.update_function_code, **new).code == "CodeVerificationFailedException"
    assert function.answer({"still": "there"}) == {"still": "there"}

    client.update_code_signing_config(
        CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"}
    )
    client.update_function_code(**new)
    client.get_waiter("function_updated_v2").wait(FunctionName=function.name, WaiterConfig=WAIT)

    made = functions.create(ECHO, CodeSigningConfigArn=arn)
    users = client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"]
    assert sorted(users) == sorted(
        f"arn:aws:lambda:us-east-1:{aws.account}:function:{name}" for name in (function.name, made.name)
    )
    assert refused(client.delete_code_signing_config, CodeSigningConfigArn=arn).code == "ResourceConflictException"
    client.delete_function_code_signing_config(FunctionName=function.name)
    client.delete_function(FunctionName=made.name)
    nothing = client.get_function_code_signing_config(FunctionName=function.name)
    assert set(nothing) == {"ResponseMetadata"}
    client.delete_code_signing_config(CodeSigningConfigArn=arn)


def test_what_is_not_there_is_said_in_the_words_of_aws(aws, functions):
    client, arn = aws("lambda"), f"arn:aws:lambda:us-east-1:{aws.account}:code-signing-config:{ABSENT}"
    missing = refused(client.put_function_code_signing_config, CodeSigningConfigArn=arn, FunctionName="nobody")
    assert missing.code == "CodeSigningConfigNotFoundException"
    assert missing.message == (
        "The code signing configuration cannot be found. "
        f"Check that the provided configuration is not deleted: {arn}."
    )
    created = refused(client.create_function, **functions.settings(ECHO, CodeSigningConfigArn=arn))
    assert created.code == "CodeSigningConfigNotFoundException"
    for operation in (client.get_function_code_signing_config, client.delete_function_code_signing_config):
        refusal = refused(operation, FunctionName="nobody")
        name = f"arn:aws:lambda:us-east-1:{aws.account}:function:nobody"
        assert (refusal.code, refusal.message) == ("ResourceNotFoundException", f"Function not found: {name}")
    for operation in (client.delete_code_signing_config, client.list_functions_by_code_signing_config):
        assert refused(operation, CodeSigningConfigArn=arn).code == "ResourceNotFoundException"
