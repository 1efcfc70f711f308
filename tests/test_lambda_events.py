"""What brings events to functions: aliases, resource policies, asynchronous invocations and queues."""

import json
import time

import pytest

from support.clients import refused

ECHO = "def handler(event, context):\n    return [event, context.function_version, context.invoked_function_arn]\n"
FAIL = "def handler(event, context):\n    raise ValueError('no')\n"
PARTIAL = """
def handler(event, context):
    failed = [r["messageId"] for r in event["Records"] if r["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in failed]}
"""


def queue(aws, name, **attributes):
    url = aws("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def receive(aws, url):
    """The next message of a queue; a failure if none comes."""
    for _ in range(6):
        messages = aws("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=10, MessageAttributeNames=["All"])
        for message in messages.get("Messages", []):
            aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return message
    raise AssertionError("no message came")


def until(state):
    """Waits until a condition holds."""
    end = time.monotonic() + 60
    while not state():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_an_alias_runs_the_versions_it_stands_for(aws, functions):
    function = functions.create(ECHO)
    client = aws("lambda")
    first = client.publish_version(FunctionName=function.name)["Version"]
    function.set(Description="second")
    second = client.publish_version(FunctionName=function.name)["Version"]
    made = client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=first)
    arn = f"arn:aws:lambda:us-east-1:{aws.account}:function:{function.name}:live"
    assert (made["AliasArn"], made["FunctionVersion"], made["Description"]) == (arn, first, "")
    assert "RoutingConfig" not in made and made["ResponseMetadata"]["HTTPStatusCode"] == 201
    _, version, invoked = function.invoke({}, Qualifier="live").payload
    assert (version, invoked) == (first, arn)

    refusal = refused(client.create_alias, FunctionName=function.name, Name="live", FunctionVersion=first)
    assert (refusal.code, refusal.message) == ("ResourceConflictException", f"Alias already exists: {arn}")
    refusal = refused(client.delete_function, FunctionName=function.name, Qualifier=first)
    assert "following aliases reference it: [live]" in refusal.message
    refusal = refused(client.update_alias, FunctionName=function.name, Name="live", RevisionId="other")
    assert refusal.code == "PreconditionFailedException"

    weights = {"AdditionalVersionWeights": {second: 0.5}}
    client.update_alias(FunctionName=function.name, Name="live", RoutingConfig=weights)
    seen = {function.invoke({}, Qualifier="live").version for _ in range(60)}
    assert seen == {first, second}
    listed = client.list_aliases(FunctionName=function.name, FunctionVersion=second)["Aliases"]
    assert [(alias["Name"], alias["RoutingConfig"]) for alias in listed] == [("live", weights)]

    client.delete_alias(FunctionName=function.name, Name="live")
    refusal = refused(client.get_alias, FunctionName=function.name, Name="live")
    assert (refusal.code, refusal.message) == ("ResourceNotFoundException", f"Cannot find alias arn: {arn}")


def test_a_resource_policy_is_written_as_on_aws(aws, functions):
    function = functions.create(ECHO)
    client = aws("lambda")
    statement = {
        "FunctionName": function.name,
        "StatementId": "bucket",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::pictures",
        "SourceAccount": aws.account,
    }
    added = json.loads(client.add_permission(**statement)["Statement"])
    assert added == {
        "Sid": "bucket",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"arn:aws:lambda:us-east-1:{aws.account}:function:{function.name}",
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": aws.account},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::pictures"},
        },
    }
    assert refused(client.add_permission, **statement).code == "ResourceConflictException"
    policy = client.get_policy(FunctionName=function.name)
    assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [added]}
    stale = {"FunctionName": function.name, "StatementId": "bucket", "RevisionId": "other"}
    assert refused(client.remove_permission, **stale).code == "PreconditionFailedException"
    client.remove_permission(FunctionName=function.name, StatementId="bucket", RevisionId=policy["RevisionId"])
    assert refused(client.get_policy, FunctionName=function.name).code == "ResourceNotFoundException"


def test_a_reservation_is_the_most_a_function_gets(aws, functions):
    function = functions.create(ECHO)
    client = aws("lambda")
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    refusal = refused(client.invoke, FunctionName=function.name)
    assert (refusal.status, refusal.code) == (429, "TooManyRequestsException")
    got = client.get_function(FunctionName=function.name)
    assert got["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    too_much = {"FunctionName": function.name, "ReservedConcurrentExecutions": 901}
    assert "below its minimum value of [100]" in refused(client.put_function_concurrency, **too_much).message
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=900)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    client.delete_function_concurrency(FunctionName=function.name)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=function.name)
    assert function.answer({})[0] == {}


def test_an_asynchronous_invocation_runs_and_its_record_goes_to_its_destination(aws, functions):
    function = functions.create(ECHO)
    url, arn = queue(aws, "successes")
    config = aws("lambda").put_function_event_invoke_config(
        FunctionName=function.name, MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    assert config["DestinationConfig"] == {"OnSuccess": {"Destination": arn}, "OnFailure": {}}
    accepted = function.invoke({"a": 1}, tail=False, InvocationType="Event")
    assert (accepted.status, accepted.body, accepted.version) == (202, b"", None)
    record = json.loads(receive(aws, url)["Body"])
    assert record["requestContext"] == {
        "requestId": accepted.request_id,
        "functionArn": f"arn:aws:lambda:us-east-1:{aws.account}:function:{function.name}:$LATEST",
        "condition": "Success",
        "approximateInvokeCount": 1,
    }
    assert record["requestPayload"] == {"a": 1} and record["responsePayload"][0] == {"a": 1}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}


def test_an_event_whose_function_fails_becomes_a_dead_letter(aws, functions):
    url, arn = queue(aws, "letters")
    function = functions.create(FAIL, DeadLetterConfig={"TargetArn": arn})
    aws("lambda").put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=0)
    accepted = function.invoke({"a": 1}, tail=False, InvocationType="Event")
    letter = receive(aws, url)
    assert json.loads(letter["Body"]) == {"a": 1}
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes == {"RequestID": accepted.request_id, "ErrorCode": "200", "ErrorMessage": "no"}


def test_events_that_are_too_large_are_refused(aws, functions):
    function = functions.create(ECHO)
    payload = json.dumps("x" * 1_048_576).encode()
    refusal = refused(aws("lambda").invoke, FunctionName=function.name, InvocationType="Event", Payload=payload)
    assert (refusal.status, refusal.code) == (413, "RequestTooLargeException")


@pytest.mark.parametrize("suffix, attributes", [("", {}), (".fifo", {"FifoQueue": "true"})])
def test_a_queues_messages_are_handled_and_failures_come_back(aws, functions, suffix, attributes):
    function = functions.create(PARTIAL)
    letters, letters_arn = queue(aws, "letters" + suffix, **attributes)
    redrive = json.dumps({"deadLetterTargetArn": letters_arn, "maxReceiveCount": 1})
    url, arn = queue(aws, "work" + suffix, VisibilityTimeout="3", RedrivePolicy=redrive, **attributes)
    client = aws("lambda")
    mapping = client.create_event_source_mapping(
        FunctionName=function.name, EventSourceArn=arn, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    assert (mapping["State"], mapping["BatchSize"]) == ("Creating", 10)
    state = lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["State"]
    until(lambda: state() == "Enabled")
    for body in ["good", "bad"]:
        ordered = {"MessageGroupId": body, "MessageDeduplicationId": body} if suffix else {}
        aws("sqs").send_message(QueueUrl=url, MessageBody=body, **ordered)
    assert receive(aws, letters)["Body"] == "bad"
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert set(left.values()) == {"0"}

    again = {"FunctionName": function.name, "EventSourceArn": arn}
    assert refused(client.create_event_source_mapping, **again).code == "ResourceConflictException"
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    until(lambda: state() == "Disabled")
    assert client.delete_event_source_mapping(UUID=mapping["UUID"])["State"] == "Deleting"
    until(lambda: client.list_event_source_mappings(FunctionName=function.name)["EventSourceMappings"] == [])


def test_messages_that_no_filter_lets_pass_are_deleted(aws, functions):
    successes, destination = queue(aws, "seen")
    code = (
        "import boto3, os\n"
        "def handler(event, context):\n"
        f"    boto3.client('sqs').send_message(QueueUrl={successes!r}.replace({successes!r}.split('/')[2], "
        "os.environ['AWS_ENDPOINT_URL'].split('/')[2]), MessageBody=event['Records'][0]['body'])\n"
    )
    function = functions.create(code, Timeout=30)
    url, arn = queue(aws, "filtered")
    pattern = {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["wanted"]}})}]}
    aws("lambda").create_event_source_mapping(FunctionName=function.name, EventSourceArn=arn, FilterCriteria=pattern)
    for kind in ["other", "wanted"]:
        aws("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"kind": kind}))
    assert json.loads(receive(aws, successes)["Body"]) == {"kind": "wanted"}


def test_sources_and_settings_that_cannot_be_are_refused(aws, functions):
    function = functions.create(ECHO)
    client = aws("lambda")
    _, arn = queue(aws, "hasty", VisibilityTimeout="1")
    names = {"FunctionName": function.name, "EventSourceArn": arn}
    refusal = refused(client.create_event_source_mapping, **names)
    assert refusal.message == "Queue visibility timeout: 1 seconds is less than Function timeout: 3 seconds"
    refusal = refused(client.create_event_source_mapping, **{**names, "EventSourceArn": arn + "x"})
    assert "AWS.SimpleQueueService.NonExistentQueue" in refusal.message
    refusal = refused(client.get_event_source_mapping, UUID="5a1b2c3d-0000-4000-8000-000000000000")
    assert (refusal.code, refusal.message) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
