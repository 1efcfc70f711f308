"""SSM Parameter Store through boto3 and AWS's command line."""

import pytest
from support.clients import refused
from support.commands import aws_cli
from support.identities import Identities


@pytest.fixture
def ssm(aws):
    return aws("ssm")


def names(answer):
    return [parameter["Name"] for parameter in answer["Parameters"]]


def test_the_life_of_a_parameter(aws, ssm):
    answer = ssm.put_parameter(Name="/app/host", Type="String", Value="one", Description="about")
    assert (answer["Version"], answer["Tier"]) == (1, "Standard")
    assert ssm.put_parameter(Name="/app/host", Value="two", Overwrite=True)["Version"] == 2
    arn = f"arn:aws:ssm:{aws.region}:{aws.account}:parameter/app/host"
    read = ssm.get_parameter(Name="/app/host")["Parameter"]
    assert read.pop("LastModifiedDate")
    assert read == {"Name": "/app/host", "Type": "String", "Value": "two", "Version": 2, "ARN": arn, "DataType": "text"}
    assert ssm.get_parameter(Name=f"{arn}:1")["Parameter"]["Value"] == "one"
    ssm.label_parameter_version(Name="/app/host", ParameterVersion=1, Labels=["old"])
    assert ssm.get_parameter(Name="/app/host:old")["Parameter"]["Selector"] == ":old"
    history = ssm.get_parameter_history(Name="/app/host")["Parameters"]
    assert [(entry["Version"], entry["Value"], entry["Labels"]) for entry in history] == [(1, "one", ["old"]), (2, "two", [])]
    [described] = ssm.describe_parameters()["Parameters"]
    assert (described["Description"], described["Policies"], described["Tier"]) == ("about", [], "Standard")
    assert described["LastModifiedUser"] == f"arn:aws:iam::{aws.account}:root"
    assert "Value" not in described and "KeyId" not in described
    ssm.delete_parameter(Name="/app/host")
    gone = refused(ssm.get_parameter, Name="/app/host")
    assert (gone.status, gone.code) == (400, "ParameterNotFound")


def test_secure_strings_are_decrypted_for_who_asks_and_may(aws, ssm):
    ssm.put_parameter(Name="/s", Type="SecureString", Value="correct horse")
    assert "horse" not in ssm.get_parameter(Name="/s")["Parameter"]["Value"]
    assert ssm.get_parameter(Name="/s", WithDecryption=True)["Parameter"]["Value"] == "correct horse"
    aliases = {alias["AliasName"] for alias in aws("kms").list_aliases()["Aliases"]}
    assert "alias/aws/ssm" in aliases
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    ssm.put_parameter(Name="/own", Type="SecureString", Value="x" * 5000, KeyId=key, Tier="Advanced")
    identities = Identities(aws)
    reader = identities.user(("ssm:GetParameter", "*"))("ssm")
    assert reader.get_parameter(Name="/own")["Parameter"]["Value"]
    refusal = refused(reader.get_parameter, Name="/own", WithDecryption=True)
    assert refusal.code == "AccessDeniedException" and "kms:Decrypt" in refusal.message
    reader = identities.user(("ssm:GetParameter", "*"), ("kms:Decrypt", key))("ssm")
    assert reader.get_parameter(Name="/own", WithDecryption=True)["Parameter"]["Value"] == "x" * 5000


def test_hierarchies_are_read_page_by_page(ssm):
    for number in range(23):
        ssm.put_parameter(Name=f"/many/{number:02}", Type="String", Value=str(number))
    ssm.put_parameter(Name="/many/deep/er", Type="String", Value="x")
    pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path="/many"))
    assert [len(page["Parameters"]) for page in pages] == [10, 10, 3]
    everything = [name for page in ssm.get_paginator("get_parameters_by_path").paginate(Path="/many", Recursive=True)
                  for name in names(page)]
    assert len(everything) == 24 and "/many/deep/er" in everything
    found = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/many/1"]}])
    assert len(found["Parameters"]) == 10
    listed = list(ssm.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 20}))
    assert [len(page["Parameters"]) for page in listed] == [20, 4]
    some = ssm.get_parameters(Names=["/many/01", "/none"])
    assert (names(some), some["InvalidParameters"]) == (["/many/01"], ["/none"])
    deleted = ssm.delete_parameters(Names=["/many/01", "/none"])
    assert (deleted["DeletedParameters"], deleted["InvalidParameters"]) == (["/many/01"], ["/none"])


def test_refusals_are_worded_as_awss(ssm):
    ssm.put_parameter(Name="/p", Type="String", Value="x")
    for operation, parameters, code, message in [
        (ssm.put_parameter, {"Name": "/p", "Type": "String", "Value": "y"}, "ParameterAlreadyExists",
         "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."),
        (ssm.put_parameter, {"Name": "/q", "Value": "y"}, "ValidationException",
         "A parameter type is required when you create a parameter."),
        (ssm.put_parameter, {"Name": "/q", "Type": "Text", "Value": "y"}, "ValidationException",
         "1 validation error detected: Value 'Text' at 'type' failed to satisfy constraint: Member must satisfy enum "
         "value set: [SecureString, StringList, String]"),
        (ssm.put_parameter, {"Name": "/aws/q", "Type": "String", "Value": "y"}, "AccessDeniedException",
         "No access to reserved parameter name: /aws/q."),
        (ssm.get_parameter, {"Name": "/p:7"}, "ParameterVersionNotFound",
         "Systems Manager could not find version 7 of /p. Verify the version and try again."),
    ]:
        refusal = refused(operation, **parameters)
        assert (refusal.status, refusal.code, refusal.message) == (400, code, message)
    assert refused(ssm.get_parameter, Name="/aws/service/ami-amazon-linux-latest/x").code == "ParameterNotFound"
    assert refused(ssm.list_documents).status == 501


def test_secrets_are_read_through_parameters(aws, ssm):
    aws("secretsmanager").create_secret(Name="app/db", SecretString="hidden")
    read = ssm.get_parameter(Name="/aws/reference/secretsmanager/app/db", WithDecryption=True)["Parameter"]
    assert (read["Value"], read["Type"]) == ("hidden", "SecureString")
    plain = refused(ssm.get_parameter, Name="/aws/reference/secretsmanager/app/db")
    assert plain.message == "WithDecryption flag must be True for retrieving a Secret Manager secret."
    gone = refused(ssm.get_parameter, Name="/aws/reference/secretsmanager/none", WithDecryption=True)
    assert gone.code == "ParameterNotFound"
    reader = Identities(aws).user(("ssm:GetParameter", "*"))("ssm")
    denied = refused(reader.get_parameter, Name="/aws/reference/secretsmanager/app/db", WithDecryption=True)
    assert denied.code == "AccessDeniedException" and "secretsmanager:GetSecretValue" in denied.message


def test_rights_to_parameters(aws, ssm):
    ssm.put_parameter(Name="/app/a", Type="String", Value="1", Tags=[{"Key": "team", "Value": "red"}])
    ssm.put_parameter(Name="plain", Type="String", Value="2")
    arn = f"arn:aws:ssm:{aws.region}:{aws.account}:parameter"
    identities = Identities(aws)
    for resource, readable in [(f"{arn}/app/*", "/app/a"), (f"{arn}/app/a", "/app/a"), (f"{arn}/plain", "plain")]:
        reader = identities.user((["ssm:GetParameter", "ssm:GetParameters"], resource))("ssm")
        assert reader.get_parameter(Name=readable)["Parameter"]["Name"] == readable
        refusal = refused(reader.get_parameters, Names=["/app/a", "plain"])
        assert refusal.code == "AccessDeniedException", resource
    for statement, allowed in [
        ({"Action": "ssm:GetParametersByPath", "Resource": f"{arn}/app"}, True),
        ({"Action": "ssm:GetParametersByPath", "Resource": f"{arn}/app",
          "Condition": {"StringEquals": {"ssm:Recursive": "false"}}}, False),
        ({"Action": "ssm:GetParametersByPath", "Resource": f"{arn}/app/*"}, False),
    ]:
        reader = identities.user({"Effect": "Allow", **statement})("ssm")
        if allowed:
            assert names(reader.get_parameters_by_path(Path="/app", Recursive=True)) == ["/app/a"]
        else:
            refused(reader.get_parameters_by_path, Path="/app", Recursive=True)
    tagged = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*",
              "Condition": {"StringEquals": {"ssm:resourceTag/team": "red"}}}
    reader = identities.user(tagged)("ssm")
    assert reader.get_parameter(Name="/app/a")["Parameter"]["Value"] == "1"
    assert refused(reader.get_parameter, Name="plain").code == "AccessDeniedException"
    writer = identities.user({"Effect": "Allow", "Action": "ssm:PutParameter", "Resource": "*",
                              "Condition": {"StringEquals": {"ssm:Overwrite": "false"}}})("ssm")
    writer.put_parameter(Name="/new", Type="String", Value="x")
    assert refused(writer.put_parameter, Name="/new", Value="y", Overwrite=True).code == "AccessDeniedException"


def test_the_command_line_does_the_same(aws):
    def run(*arguments):
        return aws_cli(aws, "ssm", *arguments)

    assert run("put-parameter", "--name", "/cli/a", "--type", "StringList", "--value", "x,y")["Version"] == 1
    assert run("get-parameter", "--name", "/cli/a")["Parameter"]["Value"] == "x,y"
    tags = ("--resource-type", "Parameter", "--resource-id", "/cli/a")
    run("add-tags-to-resource", *tags, "--tags", "Key=k,Value=v")
    assert run("list-tags-for-resource", *tags)["TagList"] == [{"Key": "k", "Value": "v"}]
    assert names(run("get-parameters-by-path", "--path", "/cli")) == ["/cli/a"]
    assert names(run("describe-parameters", "--parameter-filters", "Key=tag:k,Values=v")) == ["/cli/a"]
    run("delete-parameter", "--name", "/cli/a")
    assert run("describe-parameters")["Parameters"] == []
