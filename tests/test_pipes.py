"""EventBridge Pipes with real clients."""

import json
import time

import pytest

from support.clients import Clients, new_account, refused
from support.identities import policy, trust
from support.traca import Traca, eventually

TRUST = trust({"Service": "pipes.amazonaws.com"})


@pytest.fixture
def pipes(aws):
    return aws("pipes")


def queue(aws, name, **attributes):
    """A queue's URL and ARN."""
    url = aws("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"


def role(aws, *statements, name="pipe"):
    aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    aws("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
    return f"arn:aws:iam::{aws.account}:role/{name}"


def running(pipes, name):
    def look():
        return pipes.describe_pipe(Name=name)["CurrentState"] == "RUNNING"

    eventually(look, f"pipe {name}")


def receive(aws, url, count=1):
    """The bodies of so many messages, which are deleted."""
    bodies = []

    def look():
        for message in aws("sqs").receive_message(
                QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", []):
            aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(message["Body"])
        return len(bodies) >= count

    eventually(look, "messages")
    return bodies


def test_messages_go_through_filter_function_and_template(aws, pipes, functions):
    source, source_arn = queue(aws, "source")
    target, target_arn = queue(aws, "target")
    code = ("import json\ndef handler(events, context):\n"
            "    return [{'doubled': 2 * json.loads(event['body'])['n']} for event in events]\n")
    functions.create(code, name="enrich")
    function = f"arn:aws:lambda:{aws.region}:{aws.account}:function:enrich"
    pipes.create_pipe(
        Name="whole", Source=source_arn, Target=target_arn, Enrichment=function,
        RoleArn=role(aws, ("sqs:*", [source_arn, target_arn]), ("lambda:InvokeFunction", function)),
        SourceParameters={"FilterCriteria": {"Filters": [{"Pattern": json.dumps({"body": {"n": [{"numeric": [">", 1]}]}})}]}},
        TargetParameters={"InputTemplate": '{"value": <$.doubled>}'})
    running(pipes, "whole")
    for number in (1, 2, 3):
        aws("sqs").send_message(QueueUrl=source, MessageBody=json.dumps({"n": number}))
    assert sorted(json.loads(body)["value"] for body in receive(aws, target, 2)) == [4, 6]

    def is_empty():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = aws("sqs").get_queue_attributes(QueueUrl=source, AttributeNames=names)["Attributes"]
        return set(counts.values()) == {"0"}

    eventually(is_empty, "the source to be empty")


def test_streams_of_kinesis_and_tables_are_sources(aws, pipes):
    target, target_arn = queue(aws, "target")
    aws("kinesis").create_stream(StreamName="stream", ShardCount=1)
    stream = f"arn:aws:kinesis:{aws.region}:{aws.account}:stream/stream"
    table = aws("dynamodb").create_table(
        TableName="table", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})["TableDescription"]
    own = role(aws, ("*", "*"))
    parameters = {"StartingPosition": "TRIM_HORIZON"}
    pipes.create_pipe(
        Name="records", Source=stream, Target=target_arn, RoleArn=own,
        SourceParameters={"KinesisStreamParameters": parameters}, TargetParameters={"InputTemplate": "<$.data>"})
    pipes.create_pipe(
        Name="changes", Source=table["LatestStreamArn"], Target=target_arn, RoleArn=own,
        SourceParameters={"DynamoDBStreamParameters": parameters},
        TargetParameters={"InputTemplate": "<$.eventName> <$.dynamodb.NewImage.id.S>"})
    aws("kinesis").put_record(StreamName="stream", PartitionKey="a", Data=b"a record")
    aws("dynamodb").put_item(TableName="table", Item={"id": {"S": "one"}})
    assert sorted(receive(aws, target, 2)) == ["INSERT one", "a record"]


def test_a_role_is_needed_and_enforced(aws, pipes):
    source, source_arn = queue(aws, "source")
    target, target_arn = queue(aws, "target")
    aws("iam").create_role(RoleName="other", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    refusal = refused(
        pipes.create_pipe, Name="untrusted", Source=source_arn, Target=target_arn,
        RoleArn=f"arn:aws:iam::{aws.account}:role/other")
    assert refusal.code == "ValidationException"
    own = role(aws, ("sqs:*", source_arn))
    pipes.create_pipe(
        Name="denied", Source=source_arn, Target=target_arn, RoleArn=own,
        TargetParameters={"InputTemplate": "<$.body>"})
    running(pipes, "denied")
    aws("sqs").send_message(QueueUrl=source, MessageBody="text")

    def is_taken():
        name = "ApproximateNumberOfMessagesNotVisible"
        counts = aws("sqs").get_queue_attributes(QueueUrl=source, AttributeNames=[name])["Attributes"]
        return counts[name] == "1"

    eventually(is_taken, "the message to be taken")
    assert "Messages" not in aws("sqs").receive_message(QueueUrl=target)


def test_what_was_sent_comes_through_a_kill(data):
    account = new_account()
    expected = {str(number) for number in range(20)}
    with Traca("--data", data) as traca:
        clients = Clients(traca.endpoint, account)
        source, source_arn = queue(clients, "source", VisibilityTimeout="5")
        _, target_arn = queue(clients, "target")
        clients("pipes").create_pipe(
            Name="kept", Source=source_arn, Target=target_arn, RoleArn=role(clients, ("sqs:*", "*")),
            TargetParameters={"InputTemplate": "<$.body>"})
        for body in sorted(expected):
            clients("sqs").send_message(QueueUrl=source, MessageBody=body)
        traca.kill()
    with Traca("--data", data) as traca:
        clients = Clients(traca.endpoint, account)
        url = clients("sqs").get_queue_url(QueueName="target")["QueueUrl"]
        seen = set()

        def look():
            seen.update(receive(clients, url))
            time.sleep(0)
            return seen == expected

        eventually(look, "all messages")


def test_a_poison_record_is_found_by_halving_and_told_of(aws, pipes, functions):
    target, target_arn = queue(aws, "target")
    dead, dead_arn = queue(aws, "dead")
    aws("kinesis").create_stream(StreamName="stream", ShardCount=1)
    stream = f"arn:aws:kinesis:{aws.region}:{aws.account}:stream/stream"
    code = ("import base64\ndef handler(events, context):\n"
            "    texts = [base64.b64decode(event['data']).decode() for event in events]\n"
            "    assert 'poison' not in texts\n    return texts\n")
    functions.create(code, name="decode")
    put = aws("kinesis").put_records(StreamName="stream", Records=[
        {"PartitionKey": "a", "Data": text} for text in (b"poison", b"one", b"two", b"three")])
    number = put["Records"][0]["SequenceNumber"]
    pipes.create_pipe(
        Name="halved", Source=stream, Target=target_arn, RoleArn=role(aws, ("*", "*")),
        Enrichment=f"arn:aws:lambda:{aws.region}:{aws.account}:function:decode",
        SourceParameters={"KinesisStreamParameters": {
            "StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 1,
            "OnPartialBatchItemFailure": "AUTOMATIC_BISECT", "DeadLetterConfig": {"Arn": dead_arn}}})
    assert receive(aws, target, 3) == ["one", "two", "three"]
    [letter] = [json.loads(body) for body in receive(aws, dead)]
    batch = letter["KinesisBatchInfo"]
    assert letter["context"]["condition"] == "RetryAttemptsExhausted"
    assert (batch["batchSize"], batch["startSequenceNumber"], batch["endSequenceNumber"]) == (1, number, number)


def test_what_a_function_says_it_failed_at_comes_back(aws, pipes, functions):
    _, dead_arn = queue(aws, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    source, source_arn = queue(aws, "source", VisibilityTimeout="1", RedrivePolicy=redrive)
    code = ("def handler(events, context):\n"
            "    failed = [{'itemIdentifier': event['messageId']} for event in events if event['body'] == 'poison']\n"
            "    return {'batchItemFailures': failed}\n")
    functions.create(code, name="choosy")
    arn = f"arn:aws:lambda:{aws.region}:{aws.account}:function:choosy"
    entries = [{"Id": text, "MessageBody": text} for text in ("good", "poison", "better")]
    aws("sqs").send_message_batch(QueueUrl=source, Entries=entries)
    pipes.create_pipe(Name="partly", Source=source_arn, Target=arn, RoleArn=role(aws, ("*", "*")),
                      SourceParameters={"SqsQueueParameters": {"BatchSize": 10}})
    dead = aws("sqs").get_queue_url(QueueName="dead")["QueueUrl"]
    assert receive(aws, dead) == ["poison"]

    def is_empty():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = aws("sqs").get_queue_attributes(QueueUrl=source, AttributeNames=names)["Attributes"]
        return set(counts.values()) == {"0"}

    eventually(is_empty, "the source to be empty")
