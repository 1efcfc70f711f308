"""Every operation of Lambda's control plane with boto3, the AWS CLI and the SDK for JavaScript v3: answers have AWS's fields,
no more and no fewer, lists have pages, and what is refused has AWS's code and words."""

import contextlib
import io
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from awscli.clidriver import create_clidriver
from botocore import xform_name
from botocore.exceptions import ClientError

from support.clients import client
from support.functions import ROLE, WAIT
from support.packages import package
from support.traca import PATIENCE_SECONDS

REPOSITORY = Path(__file__).parents[1]
SCRIPT = REPOSITORY / "tests" / "node" / "lambda.cjs"
ECHO = package({"app.py": "def handler(event, context):\n    return event\n"})

# Operations that tests of their own walk: streams of events, and what only runtimes and executions call.
ELSEWHERE = re.compile("DurableExecution|WithResponseStream|InvokeAsync")

CONFIGURATION = {
    "FunctionName", "FunctionArn", "Runtime", "Role", "Handler", "CodeSize", "Description", "Timeout", "MemorySize",
    "LastModified", "CodeSha256", "Version", "TracingConfig", "RevisionId", "State", "PackageType", "Architectures",
    "EphemeralStorage", "SnapStart", "RuntimeVersionConfig", "LoggingConfig",
}  # fmt: skip
PENDING = CONFIGURATION | {"StateReason", "StateReasonCode"}
UPDATING = CONFIGURATION | {"LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"}
SETTLED = CONFIGURATION | {"LastUpdateStatus"}
ALIAS = {"AliasArn", "Name", "FunctionVersion", "Description", "RevisionId"}
EVENTS = {"LastModified", "FunctionArn", "MaximumRetryAttempts", "DestinationConfig"}
URL = {"FunctionUrl", "FunctionArn", "AuthType", "CreationTime"}
MAPPING = {
    "UUID", "BatchSize", "MaximumBatchingWindowInSeconds", "EventSourceArn", "FunctionArn", "LastModified", "State",
    "StateTransitionReason", "FunctionResponseTypes", "EventSourceMappingArn",
}  # fmt: skip
LAYER = {"Content", "LayerArn", "LayerVersionArn", "Description", "CreatedDate", "Version"}


class Refused(Exception):
    def __init__(self, code, message, reason=None):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.reason = code, message, reason


class Boto3:
    def __init__(self, aws, _folder):
        self.client = client("lambda", aws.endpoint, aws.account, validate=False)

    def __call__(self, operation, parameters):
        try:
            answer = getattr(self.client, xform_name(operation))(**parameters)
        except ClientError as error:
            told = error.response
            raise Refused(told["Error"]["Code"], told["Error"]["Message"], told.get("Reason")) from error
        answer.pop("ResponseMetadata")
        if "Payload" in answer:
            answer["Payload"] = answer["Payload"].read().decode()
        return answer


class CommandLine:
    """The AWS CLI, within this process."""

    def __init__(self, aws, folder):
        self.endpoint, self.output = aws.endpoint, folder / "payload"
        settings = folder / "config"
        settings.write_text("[default]\nparameter_validation = false\nmax_attempts = 1\n")
        os.environ.update(AWS_ACCESS_KEY_ID=aws.account, AWS_SECRET_ACCESS_KEY="secret", AWS_CONFIG_FILE=str(settings))
        self.driver = create_clidriver()

    def __call__(self, operation, parameters):
        parameters = dict(parameters)
        words = ["lambda", xform_name(operation, "-"), "--endpoint-url", self.endpoint, "--region", "us-east-1"]
        if "MaxItems" in parameters:
            # It has words of its own for pages.
            count = str(parameters.pop("MaxItems"))
            words += ["--page-size", count, "--max-items", count]
            words += ["--starting-token", parameters.pop("Marker")] if "Marker" in parameters else []
        if operation == "Invoke":
            words += [word for name, text in parameters.items() for word in (f"--{xform_name(name, '-')}", text)]
            words += [str(self.output)]
        else:
            words += ["--cli-input-json", json.dumps(parameters)]
        printed, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
            code = self.driver.main(words + ["--output", "json"])
        if code:
            told = re.search(r"An error occurred \((\w+)\) when calling the \w+ operation[^:]*: (.*)", errors.getvalue(), re.DOTALL)
            raise Refused(told[1], told[2].strip().split("\n")[0]) if told else AssertionError(errors.getvalue())
        answer = json.loads(printed.getvalue() or "{}")
        if "NextToken" in answer:
            answer["NextMarker"] = answer.pop("NextToken")
        return {**answer, "Payload": self.output.read_text()} if operation == "Invoke" else answer


class JavaScript:
    def __init__(self, aws, _folder):
        command = ["node", SCRIPT, aws.endpoint, aws.account]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, operation, parameters):
        print(json.dumps({"operation": operation, "parameters": parameters}), file=self.process.stdin, flush=True)
        told = json.loads(self.process.stdout.readline())
        if "answer" in told:
            return told["answer"]
        raise Refused(told["code"], told["message"], told.get("reason"))


class Walk:
    """Calls operations by one client, and looks at the fields of their answers."""

    def __init__(self, client):
        self.client, self.called = client, set()

    def __call__(self, operation, fields=frozenset(), **parameters):
        self.called.add(operation)
        answer = self.client(operation, parameters)
        assert set(answer) == set(fields), operation
        return answer

    def refused(self, operation, code, words, **parameters):
        """The reason of a refusal with this code, whose message has these words."""
        with pytest.raises(Refused) as caught:
            self.client(operation, parameters)
        assert caught.value.code == code and words in caught.value.message, caught.value
        return caught.value.reason

    def pages(self, operation, field, count, **parameters):
        """The items of a list, read one by one."""
        self.called.add(operation)
        items, marker = [], {}
        while True:
            answer = self.client(operation, {**parameters, "MaxItems": 1, **marker})
            assert set(answer) <= {field, "NextMarker"} and len(answer[field]) <= 1, operation
            items += answer[field]
            if not answer.get("NextMarker"):
                assert len(items) == count, operation
                return items
            marker = {"Marker": answer["NextMarker"]}


@pytest.fixture(params=[Boto3, CommandLine, JavaScript])
def walk(request, aws, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "")
    chosen = request.param(aws, tmp_path)
    yield Walk(chosen)
    if request.param is JavaScript:
        chosen.process.stdin.close()
        assert chosen.process.wait(timeout=PATIENCE_SECONDS) == 0


@pytest.fixture
def code(aws):
    """A package in a bucket, as every client can name it."""
    bucket = f"code-{aws.account}"
    aws("s3").create_bucket(Bucket=bucket)
    aws("s3").put_object(Bucket=bucket, Key="echo.zip", Body=ECHO)
    aws("s3").put_object(Bucket=bucket, Key="text.zip", Body=b"no archive")
    return {"S3Bucket": bucket, "S3Key": "echo.zip"}


def settled(aws, name="walker"):
    aws("lambda").get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=WAIT)
    aws("lambda").get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=WAIT)


def functions_and_versions(walk, aws, code):
    arn = f"arn:aws:lambda:us-east-1:{aws.account}:function:walker"
    settings = {"Runtime": "python3.12", "Role": ROLE.format(account=aws.account), "Handler": "app.handler"}
    new = {**settings, "FunctionName": "walker", "Code": code}
    invalid, generic = "InvalidParameterValueException", "ValidationException"
    walk.refused("CreateFunction", generic, "Value '127' at 'memorySize' failed", **new, MemorySize=127)
    walk.refused("CreateFunction", generic, "less than or equal to 10240", **new, MemorySize=10_241)
    walk.refused("CreateFunction", generic, "Value '901' at 'timeout'", **new, Timeout=901)
    walk.refused("CreateFunction", invalid, "less than or equal to 64", **{**new, "FunctionName": "w" * 65})
    walk.refused("CreateFunction", generic, "at 'functionName' failed", **{**new, "FunctionName": "no name"})
    walk.refused("CreateFunction", generic, "at 'role' failed", **{**new, "Role": "nobody"})
    walk.refused("CreateFunction", invalid, "Value python2 at 'runtime' failed", **{**new, "Runtime": "python2"})
    text = {**code, "S3Key": "text.zip"}
    walk.refused("CreateFunction", invalid, "Could not unzip uploaded file.", **{**new, "Code": text})
    walk("CreateFunction", PENDING, **new)
    walk.refused("CreateFunction", "ResourceConflictException", "Function already exist: walker", **new)
    settled(aws)
    walk("CreateFunction", PENDING, **{**new, "FunctionName": "wanderer"})
    settled(aws, "wanderer")
    assert walk("GetFunction", {"Configuration", "Code"}, FunctionName=arn)["Code"]["RepositoryType"] == "S3"
    described = walk("GetFunctionConfiguration", SETTLED, FunctionName=f"{aws.account}:walker")
    missing = f"Function not found: {arn}:7"
    walk.refused("GetFunction", "ResourceNotFoundException", missing, FunctionName="walker", Qualifier="7")
    walk.pages("ListFunctions", "Functions", 2)

    stale = {"FunctionName": "walker", "RevisionId": "stale"}
    for operation, change in [("UpdateFunctionConfiguration", {"Timeout": 4}), ("UpdateFunctionCode", code)]:
        walk.refused(operation, "PreconditionFailedException", "does not match the latest Revision Id", **stale, **change)
    walk.refused("PublishVersion", "PreconditionFailedException", "does not match the latest Revision Id", **stale)
    walk("UpdateFunctionConfiguration", UPDATING, FunctionName="walker", Timeout=30, RevisionId=described["RevisionId"])
    settled(aws)
    walk("UpdateFunctionCode", UPDATING, FunctionName="walker", **code)
    settled(aws)
    walk.refused("PublishVersion", invalid, "is different from current CodeSHA256", FunctionName="walker", CodeSha256="x")
    assert walk("PublishVersion", SETTLED, FunctionName="walker")["Version"] == "1"
    walk("UpdateFunctionConfiguration", UPDATING, FunctionName="walker", Description="second")
    settled(aws)
    assert walk("PublishVersion", SETTLED, FunctionName="walker")["Version"] == "2"
    walk.pages("ListVersionsByFunction", "Versions", 3, FunctionName="walker")
    payload = walk("Invoke", {"StatusCode", "ExecutedVersion", "Payload"}, FunctionName="walker", Payload='{"a": 1}')
    assert json.loads(payload["Payload"]) == {"a": 1}
    walk("GetAccountSettings", {"AccountLimit", "AccountUsage"})


def aliases_and_permissions(walk, aws):
    walker = {"FunctionName": "walker"}
    alias = walk("CreateAlias", ALIAS, **walker, Name="live", FunctionVersion="1")
    walk("CreateAlias", ALIAS | {"RoutingConfig"}, **walker, Name="next", FunctionVersion="1",
         RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})  # fmt: skip
    walk.refused("CreateAlias", "ResourceConflictException", "Alias already exists", **walker, Name="live", FunctionVersion="1")
    walk("GetAlias", ALIAS, **walker, Name="live")
    update = {**walker, "Name": "live", "FunctionVersion": "2"}
    walk.refused("UpdateAlias", "PreconditionFailedException", "does not match", **update, RevisionId="stale")
    walk("UpdateAlias", ALIAS, **update, RevisionId=alias["RevisionId"])
    walk.pages("ListAliases", "Aliases", 2, **walker)
    walk.refused("DeleteFunction", "ResourceConflictException", "aliases reference it: [live, next]", **walker, Qualifier="2")
    walk("DeleteAlias", **walker, Name="next")

    statement = {**walker, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    walk("AddPermission", {"Statement"}, **statement, StatementId="s3")
    walk.refused("AddPermission", "ResourceConflictException", "(s3) provided already exists", **statement, StatementId="s3")
    large = {**statement, "SourceArn": "arn:aws:s3:::" + "b" * 100}
    with pytest.raises(Refused) as caught:
        for number in range(100):
            walk.client("AddPermission", {**large, "StatementId": f"{number:0100}"})
    assert caught.value.code == "PolicyLengthExceededException" and "is bigger than the limit (20480)." in caught.value.message
    policy = walk("GetPolicy", {"Policy", "RevisionId"}, **walker)
    assert len(policy["Policy"]) <= 20_480
    walk.refused("RemovePermission", "PreconditionFailedException", "does not match", **walker, StatementId="s3", RevisionId="x")
    walk("RemovePermission", **walker, StatementId="s3", RevisionId=policy["RevisionId"])

    live = {"ResourceArn": f"arn:aws:lambda:us-east-1:{aws.account}:function:walker:live"}
    allowed = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction"}
    whole = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": live["ResourceArn"]}]}
    walk.refused("GetResourcePolicy", "ResourceNotFoundException", "The resource you requested does not exist.", **live)
    written = walk("PutResourcePolicy", {"Policy", "RevisionId"}, **live, Policy=json.dumps(whole))
    assert json.loads(written["Policy"]) == whole
    assert walk("GetResourcePolicy", {"Policy", "RevisionId"}, **live) == written
    walk.refused("PutResourcePolicy", "InvalidParameterValueException", "invalid Json", **live, Policy="none")
    walk("DeleteResourcePolicy", **live, RevisionId=written["RevisionId"])


def concurrency_and_events(walk, aws):
    walker, missing = {"FunctionName": "walker"}, "ResourceNotFoundException"
    below = "decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
    reserve = {"operation": "PutFunctionConcurrency", **walker}
    walk.refused(code="InvalidParameterValueException", words=below, **reserve, ReservedConcurrentExecutions=901)
    walk(fields={"ReservedConcurrentExecutions"}, **reserve, ReservedConcurrentExecutions=0)
    walk("GetFunctionConcurrency", {"ReservedConcurrentExecutions"}, **walker)
    reason = walk.refused("Invoke", "TooManyRequestsException", "Rate Exceeded.", **walker)
    assert reason in (None, "ReservedFunctionConcurrentInvocationLimitExceeded")
    assert reason or isinstance(walk.client, CommandLine)
    walk("DeleteFunctionConcurrency", **walker)
    walk("GetFunctionConcurrency", **walker)

    live = {**walker, "Qualifier": "live"}
    nothing = "ProvisionedConcurrencyConfigNotFoundException"
    walk.refused("GetProvisionedConcurrencyConfig", nothing, "No Provisioned Concurrency Config found", **live)
    counts = {f"{word}ProvisionedConcurrentExecutions" for word in ("Requested", "Allocated", "Available")}
    provisioned = counts | {"Status", "LastModified"}
    walk("PutProvisionedConcurrencyConfig", provisioned, **live, ProvisionedConcurrentExecutions=1)
    walk("GetProvisionedConcurrencyConfig", provisioned, **live)
    walk.pages("ListProvisionedConcurrencyConfigs", "ProvisionedConcurrencyConfigs", 1, **walker)
    walk("DeleteProvisionedConcurrencyConfig", **live)

    walk.refused("GetFunctionEventInvokeConfig", missing, "doesn't have an EventInvokeConfig", **walker)
    for qualifier in ({}, {"Qualifier": "live"}):
        walk("PutFunctionEventInvokeConfig", EVENTS, **walker, **qualifier, MaximumRetryAttempts=1)
    walk("UpdateFunctionEventInvokeConfig", EVENTS | {"MaximumEventAgeInSeconds"}, **walker, MaximumEventAgeInSeconds=60)
    walk("GetFunctionEventInvokeConfig", EVENTS, **live)
    walk.pages("ListFunctionEventInvokeConfigs", "FunctionEventInvokeConfigs", 2, **walker)
    walk("DeleteFunctionEventInvokeConfig", **live)

    walk("PutFunctionRecursionConfig", {"RecursiveLoop"}, **walker, RecursiveLoop="Allow")
    walk("GetFunctionRecursionConfig", {"RecursiveLoop"}, **walker)
    walk("PutRuntimeManagementConfig", {"UpdateRuntimeOn", "FunctionArn"}, **walker, UpdateRuntimeOn="FunctionUpdate")
    walk("GetRuntimeManagementConfig", {"UpdateRuntimeOn", "FunctionArn"}, **walker)


def addresses_and_mappings(walk, aws):
    walker, missing = {"FunctionName": "walker"}, "ResourceNotFoundException"
    walk.refused("GetFunctionUrlConfig", missing, "The resource you requested does not exist.", **walker)
    walk("CreateFunctionUrlConfig", URL, **walker, AuthType="NONE")
    conflict = "FunctionUrlConfig exists for this Lambda function"
    walk.refused("CreateFunctionUrlConfig", "ResourceConflictException", conflict, **walker, AuthType="NONE")
    walk("CreateFunctionUrlConfig", URL, **walker, AuthType="AWS_IAM", Qualifier="live")
    walk("UpdateFunctionUrlConfig", URL | {"LastModifiedTime", "InvokeMode"}, **walker, AuthType="AWS_IAM")
    walk("GetFunctionUrlConfig", URL | {"LastModifiedTime", "InvokeMode"}, **walker)
    walk.pages("ListFunctionUrlConfigs", "FunctionUrlConfigs", 2, **walker)
    walk("DeleteFunctionUrlConfig", **walker)

    queues = [f"arn:aws:sqs:us-east-1:{aws.account}:{name}" for name in ("one", "two")]
    made = []
    for queue in queues:
        aws("sqs").create_queue(QueueName=queue.rpartition(":")[2])
        made.append(walk("CreateEventSourceMapping", MAPPING, **walker, EventSourceArn=queue, Enabled=False))
    again = {**walker, "EventSourceArn": queues[0]}
    walk.refused("CreateEventSourceMapping", "ResourceConflictException", "An event source mapping with SQS arn", **again)
    stream = {**walker, "EventSourceArn": f"arn:aws:kinesis:us-east-1:{aws.account}:stream/none", "StartingPosition": "LATEST"}
    walk.refused("CreateEventSourceMapping", "InvalidParameterValueException", "Stream not found", **stream)
    mapping = {"UUID": made[0]["UUID"]}
    walk("UpdateEventSourceMapping", MAPPING, **mapping, BatchSize=5)
    walk("GetEventSourceMapping", MAPPING, **mapping)
    walk.pages("ListEventSourceMappings", "EventSourceMappings", 2, **walker)
    walk("DeleteEventSourceMapping", MAPPING, **mapping)


def layers_tags_and_signing(walk, aws, code):
    layer, walker = {"LayerName": "tools"}, {"FunctionName": "walker"}
    for _ in range(2):
        walk("PublishLayerVersion", LAYER, **layer, Content=code)
    version = {**layer, "VersionNumber": 1}
    walk("GetLayerVersion", LAYER, **version)
    walk.refused("GetLayerVersion", "ResourceNotFoundException", "does not exist.", **layer, VersionNumber=9)
    arn = f"arn:aws:lambda:us-east-1:{aws.account}:layer:tools:1"
    walk("GetLayerVersionByArn", LAYER, Arn=arn)
    walk.pages("ListLayers", "Layers", 1)
    walk.pages("ListLayerVersions", "LayerVersions", 2, **layer)
    everybody = {**version, "StatementId": "all", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    walk("AddLayerVersionPermission", {"Statement", "RevisionId"}, **everybody)
    walk.refused("AddLayerVersionPermission", "ResourceConflictException", "(all) provided already exists", **everybody)
    walk("GetLayerVersionPolicy", {"Policy", "RevisionId"}, **version)
    walk("RemoveLayerVersionPermission", **version, StatementId="all")
    walk("DeleteLayerVersion", **version)

    resource = {"Resource": f"arn:aws:lambda:us-east-1:{aws.account}:function:walker"}
    walk("TagResource", **resource, Tags={"a": "b", "c": "d"})
    walk("UntagResource", **resource, TagKeys=["a"])
    assert walk("ListTags", {"Tags"}, **resource)["Tags"] == {"c": "d"}
    many = {str(number): "x" for number in range(50)}
    walk.refused("TagResource", "InvalidParameterValueException", "exceeds resource tag limit", **resource, Tags=many)

    profile = f"arn:aws:signer:us-east-1:{aws.account}:/signing-profiles/walker/abcdefghij"
    publishers = {"AllowedPublishers": {"SigningProfileVersionArns": [profile]}}
    made = [walk("CreateCodeSigningConfig", {"CodeSigningConfig"}, **publishers) for _ in range(2)]
    config = {"CodeSigningConfigArn": made[0]["CodeSigningConfig"]["CodeSigningConfigArn"]}
    walk("UpdateCodeSigningConfig", {"CodeSigningConfig"}, **config, Description="walked")
    walk("GetCodeSigningConfig", {"CodeSigningConfig"}, **config)
    walk.pages("ListCodeSigningConfigs", "CodeSigningConfigs", 2)
    walk("PutFunctionCodeSigningConfig", {"CodeSigningConfigArn", "FunctionName"}, **walker, **config)
    walk("GetFunctionCodeSigningConfig", {"CodeSigningConfigArn", "FunctionName"}, **walker)
    walk.pages("ListFunctionsByCodeSigningConfig", "FunctionArns", 1, **config)
    walk.refused("DeleteCodeSigningConfig", "ResourceConflictException", "", **config)
    walk("DeleteFunctionCodeSigningConfig", **walker)
    walk("DeleteCodeSigningConfig", **config)


def test_every_operation(walk, aws, code):
    functions_and_versions(walk, aws, code)
    aliases_and_permissions(walk, aws)
    concurrency_and_events(walk, aws)
    addresses_and_mappings(walk, aws)
    layers_tags_and_signing(walk, aws, code)
    walk.client("DeleteFunction", {"FunctionName": "walker"})
    walk.called.add("DeleteFunction")
    walk.refused("GetFunction", "ResourceNotFoundException", "Function not found: arn:aws:lambda", FunctionName="walker")
    built = (REPOSITORY / "models" / "built" / "lambda.txt").read_text().split()
    assert [name for name in built if name not in walk.called and not ELSEWHERE.search(name)] == []
