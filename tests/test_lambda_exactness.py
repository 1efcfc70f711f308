"""Answers compared with recordings of AWS's own, where they are easily got wrong."""

import pytest

from support.clients import Clients, client, new_account, refused
from support.functions import Functions
from support.identities import LAMBDA, Identities, policy
from support.traca import Traca

ECHO = "def handler(event, context):\n    return event\n"

WHERE = """
import os
def handler(event, context):
    return [context.function_version, os.environ["AWS_LAMBDA_FUNCTION_VERSION"], context.log_stream_name]
"""


@pytest.fixture
def function(functions):
    return functions.create(ECHO)


def told(operation, **parameters):
    refusal = refused(operation, **parameters)
    return refusal.code, refusal.message


def test_a_published_version_has_environments_of_its_own(functions):
    function = functions.create(WHERE)
    assert function.answer()[:2] == ["$LATEST", "$LATEST"]
    function.client.publish_version(FunctionName=function.name)
    version, variable, stream = function.invoke(Qualifier="1").payload
    assert (version, variable) == ("1", "1") and "[1]" in stream


def test_a_policy_has_the_revision_of_what_it_belongs_to(function):
    aws, name = function.client, function.name
    statement = {"FunctionName": name, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    before = aws.get_function_configuration(FunctionName=name)["RevisionId"]
    stale = (
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
    )
    assert told(aws.add_permission, **statement, StatementId="s3", RevisionId="wrong") == stale
    aws.add_permission(**statement, StatementId="s3", RevisionId=before)
    after = aws.get_policy(FunctionName=name)["RevisionId"]
    assert after != before and after == aws.get_function_configuration(FunctionName=name)["RevisionId"]
    assert told(aws.remove_permission, FunctionName=name, StatementId="s3", RevisionId=before) == stale
    aws.remove_permission(FunctionName=name, StatementId="s3", RevisionId=after)
    assert aws.get_function_configuration(FunctionName=name)["RevisionId"] != after


def test_policies_of_nothing(aws, function):
    arn, calls = f"arn:aws:lambda:us-east-1:{aws.account}:function:nobody", function.client
    missing = "ResourceNotFoundException"
    assert told(calls.get_policy, FunctionName="nobody") == (missing, f"Function not found: {arn}")
    nobody = {"FunctionName": "nobody", "StatementId": "s3"}
    assert told(calls.remove_permission, **nobody) == (missing, f"No policy found for: {arn}")
    own = {"FunctionName": function.name, "StatementId": "s3"}
    assert told(calls.remove_permission, **own) == (missing, "No policy is associated with the given resource.")


def test_destinations_are_checked_as_on_aws(aws, function):
    def put(**destinations):
        config = {name: {"Destination": arn} for name, arn in destinations.items()}
        return told(
            function.client.put_function_event_invoke_config,
            FunctionName=function.name,
            DestinationConfig=config,
        )

    prefix, invalid = f"arn:aws:lambda:us-east-1:{aws.account}:function", "InvalidParameterValueException"
    itself = "You can't specify the function as a destination for itself."
    assert put(OnSuccess=f"{prefix}:{function.name}") == (invalid, itself)
    nobody = f"{prefix}:nobody"
    assert put(OnFailure=nobody) == (invalid, f"The destination ARN {nobody} is invalid.")
    role = f"arn:aws:iam::{aws.account}:role/x"
    assert put(OnFailure=role) == (
        invalid,
        "The provided destination config DestinationConfig(onSuccess=null, "
        f"onFailure=OnFailure(destination={role})) is invalid.",
    )
    assert put(OnSuccess="arn:aws:s3:::bucket")[1].startswith("The provided destination config DestinationConfig(")
    unknown = {"FunctionName": function.name, "Qualifier": "nobody", "MaximumRetryAttempts": 1}
    put_config = function.client.put_function_event_invoke_config
    assert told(put_config, **unknown) == ("ResourceNotFoundException", "The function doesn't exist.")


def test_a_role_needs_rights_to_queues_before_they_are_used(aws, functions):
    client, invalid = aws("lambda"), "InvalidParameterValueException"
    identities = Identities(aws)
    url = aws("sqs").create_queue(QueueName="source")["QueueUrl"]
    queue = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    reads = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    name = functions.create(ECHO, Role=identities.role(LAMBDA, name="worker")).name
    mapping = {"FunctionName": name, "EventSourceArn": queue}
    lacks = "The provided execution role does not have permissions to call"
    for number, action in enumerate(reads):
        told_of = (invalid, f"{lacks} {action.removeprefix('sqs:')} on SQS")
        assert told(client.create_event_source_mapping, **mapping) == told_of
        granted = policy((reads[: number + 1], queue))
        aws("iam").put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=granted)
    client.create_event_source_mapping(**mapping)

    letters = {"FunctionName": name, "DeadLetterConfig": {"TargetArn": queue}}
    assert told(client.update_function_configuration, **letters) == (invalid, f"{lacks} SendMessage on SQS")
    aws("iam").put_role_policy(RoleName="worker", PolicyName="send", PolicyDocument=policy(("sqs:SendMessage", queue)))
    assert client.update_function_configuration(**letters)["DeadLetterConfig"] == {"TargetArn": queue}


def test_layers_name_all_that_is_wrong(platform, aws):
    loose = client("lambda", platform.endpoint, aws.account, validate=False)
    content = {"ZipFile": b"PK"}
    code, message = told(
        loose.publish_layer_version,
        LayerName="layer",
        Content=content,
        CompatibleRuntimes=["invalidruntime", "nodejs20.x"],
        CompatibleArchitectures=["invalidarch"],
    )
    start, end = message.split("[nodejs20.x, provided.al2023", 1)
    assert code == "ValidationException"
    assert start == (
        "2 validation errors detected: Value '[invalidruntime, nodejs20.x]' at 'compatibleRuntimes' failed to satisfy "
        "constraint: Member must satisfy enum value set: "
    )
    assert end.endswith(
        "]; Value '[invalidarch]' at 'compatibleArchitectures' failed to satisfy constraint: Member must satisfy "
        "constraint: [Member must satisfy enum value set: [x86_64, arm64]]"
    )


def test_lists_and_keys_must_not_hold_null(functions, function):
    wrong = functions.settings(ECHO, Architectures=["X86_64"])
    assert told(function.client.create_function, **wrong)[1] == (
        "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must "
        "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
    )
    routing = {"AdditionalVersionWeights": {"$LATEST": 0.5}}
    alias = {"FunctionName": function.name, "Name": "live", "FunctionVersion": "1", "RoutingConfig": routing}
    assert told(function.client.create_alias, **alias)[1].endswith(
        "Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"
    )


def test_addresses_and_mappings_of_nothing(aws, function):
    calls, missing = function.client, "ResourceNotFoundException"
    made = calls.create_function_url_config(FunctionName=function.name, AuthType="NONE")
    assert "InvokeMode" not in made
    assert calls.get_function_url_config(FunctionName=function.name)["InvokeMode"] == "BUFFERED"
    update = calls.update_function_url_config
    assert told(update, FunctionName="nobody", AuthType="NONE") == (missing, "Function does not exist")
    other = {"FunctionName": function.name, "Qualifier": "nobody", "AuthType": "NONE"}
    assert told(update, **other) == (missing, "Function does not exist")
    calls.delete_function_url_config(FunctionName=function.name)
    absent = (missing, "The resource you requested does not exist.")
    assert told(update, FunctionName=function.name, AuthType="NONE") == absent

    invalid, queue = "InvalidParameterValueException", f"arn:aws:sqs:us-east-1:{aws.account}:queue"
    create = calls.create_event_source_mapping
    assert told(create, FunctionName=function.name) == (invalid, "Unrecognized event source.")
    assert told(create, FunctionName="nobody", EventSourceArn=queue) == (invalid, "Function does not exist")
    metrics = {"FunctionName": function.name, "EventSourceArn": queue, "MetricsConfig": {"Metrics": ["EventCount"]}}
    assert "MetricsConfig" in told(create, **metrics)[1]


def test_variables_are_kept_sealed_and_come_back(data):
    secret, code = "variable-that-nobody-may-find", "import os\ndef handler(event, context):\n    return os.environ['KEY']\n"
    account = new_account()
    with Traca("--data", data) as platform:
        function = Functions(Clients(platform.endpoint, account)).create(code, Environment={"Variables": {"KEY": secret}})
        assert function.answer() == secret
    files = [path for path in data.rglob("*") if path.is_file()]
    assert files and not any(secret.encode() in path.read_bytes() for path in files)
    with Traca("--data", data) as platform:
        function.client = Clients(platform.endpoint, account)("lambda")
        described = function.client.get_function_configuration(FunctionName=function.name)
        assert described["Environment"] == {"Variables": {"KEY": secret}}
        assert function.answer() == secret
        function.client.publish_version(FunctionName=function.name)
        function.set(Environment={"Variables": {"KEY": secret}})
        again = function.client.publish_version(FunctionName=function.name)
        assert again["Version"] == "1"
