"""EventBridge Scheduler with real clients."""

import datetime
import json

import pytest

from support.clients import Clients, new_account, refused
from support.identities import Identities, policy, trust
from support.traca import Traca, eventually

OFF = {"Mode": "OFF"}
TRUST = trust({"Service": "scheduler.amazonaws.com"})


@pytest.fixture
def scheduler(aws):
    return aws("scheduler")


def queue(aws, name="queue"):
    """A queue's URL and ARN."""
    url = aws("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"


def role(aws, *statements, name="scheduler"):
    aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    if statements:
        aws("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
    return f"arn:aws:iam::{aws.account}:role/{name}"


def receive(aws, url):
    """The next message of a queue."""

    def look():
        return aws("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=1).get("Messages")

    return eventually(look, "a message")[0]


def soon():
    """A time that comes in a few seconds: one that was over when its schedule is made would never come."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)).strftime("%Y-%m-%dT%H:%M:%S")


def test_a_schedule_calls_its_target_under_its_role_and_goes(aws, scheduler):
    url, arn = queue(aws)
    answer = scheduler.create_schedule(
        Name="once", ScheduleExpression=f"at({soon()})", FlexibleTimeWindow=OFF, ActionAfterCompletion="DELETE",
        Target={"Arn": arn, "RoleArn": role(aws, ("sqs:SendMessage", arn)), "Input": "<aws.scheduler.schedule-arn>"})
    assert receive(aws, url)["Body"] == answer["ScheduleArn"]

    def is_gone():
        return scheduler.list_schedules()["Schedules"] == []

    eventually(is_gone, "the schedule's end")


def test_what_its_role_may_not_do_is_a_dead_letter(aws, scheduler):
    url, dead = queue(aws, "dead")
    _, arn = queue(aws, "target")
    scheduler.create_schedule(
        Name="denied", ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF,
        Target={
            "Arn": arn, "RoleArn": role(aws, ("sqs:SendMessage", dead)), "Input": "text",
            "DeadLetterConfig": {"Arn": dead}})
    message = receive(aws, url)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert message["Body"] == "text" and attributes["ERROR_CODE"].startswith("AccessDenied")
    assert attributes["SCHEDULE_ARN"].endswith(":schedule/default/denied") and attributes["TARGET_ARN"] == arn


def test_a_role_has_to_trust_the_scheduler(aws, scheduler):
    _, arn = queue(aws)
    aws("iam").create_role(
        RoleName="other", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    refusal = refused(
        scheduler.create_schedule, Name="untrusted", ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF,
        Target={"Arn": arn, "RoleArn": f"arn:aws:iam::{aws.account}:role/other"})
    assert refusal.code == "ValidationException"
    assert "must allow AWS EventBridge Scheduler to assume the role" in refusal.message


def test_functions_streams_buses_and_operations_are_called(aws, scheduler, functions):
    kinesis, sqs = aws("kinesis"), aws("sqs")
    kinesis.create_stream(StreamName="stream", ShardCount=1)
    url, queue_arn = queue(aws)
    any_role = role(aws, ("*", "*"))
    aws("events").put_rule(Name="seen", EventPattern=json.dumps({"source": ["own"]}))
    aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(
        {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue_arn})})
    aws("events").put_targets(Rule="seen", Targets=[{"Id": "queue", "Arn": queue_arn, "InputPath": "$.detail.text"}])

    def create(name, target, **parameters):
        scheduler.create_schedule(
            Name=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF,
            Target={"Arn": target, "RoleArn": any_role, **parameters})

    prefix = f"{aws.region}:{aws.account}"
    create("bus", f"arn:aws:events:{prefix}:event-bus/default", Input=json.dumps({"text": "from a bus"}),
           EventBridgeParameters={"DetailType": "type", "Source": "own"})
    assert receive(aws, url)["Body"] == '"from a bus"'
    create("operation", "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
           Input=json.dumps({"QueueUrl": url, "MessageBody": "from an operation"}))
    bodies = set()

    def look():
        found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        bodies.update(message["Body"] for message in found)
        return "from an operation" in bodies

    eventually(look, "the operation's message")
    create("stream", f"arn:aws:kinesis:{prefix}:stream/stream", Input="from a stream",
           KinesisParameters={"PartitionKey": "a"})
    start = kinesis.get_shard_iterator(
        StreamName="stream", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]

    def read():
        try:
            return kinesis.get_records(ShardIterator=start)["Records"]
        except kinesis.exceptions.ProvisionedThroughputExceededException:
            return None

    assert eventually(read, "the record")[0]["Data"] == b"from a stream"
    code = ("import boto3, json\ndef handler(event, context):\n"
            f"    boto3.client('sqs').send_message(QueueUrl='{url}', MessageBody=event['source'])\n")
    functions.create(code, name="called")
    create("function", f"arn:aws:lambda:{prefix}:function:called")

    def called():
        found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        return any(message["Body"] == "aws.scheduler" for message in found)

    eventually(called, "the function's message")


def test_groups_and_their_tags(aws, scheduler):
    arn = scheduler.create_schedule_group(Name="team", Tags=[{"Key": "colour", "Value": "red"}])["ScheduleGroupArn"]
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "size", "Value": "small"}])
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["colour"])
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "size", "Value": "small"}]
    names = [group["Name"] for group in scheduler.list_schedule_groups()["ScheduleGroups"]]
    assert names == ["default", "team"]
    reader = Identities(aws).user({
        "Effect": "Allow", "Action": "scheduler:GetScheduleGroup", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/size": "small"}}})("scheduler")
    assert reader.get_schedule_group(Name="team")["State"] == "ACTIVE"
    assert refused(reader.get_schedule_group, Name="default").code == "AccessDeniedException"


def test_what_fell_due_while_nothing_ran_comes_once(data):
    account = new_account()
    with Traca("--data", data) as traca:
        clients = Clients(traca.endpoint, account)
        url, arn = queue(clients)
        clients("scheduler").create_schedule(
            Name="late", ScheduleExpression=f"at({soon()})", FlexibleTimeWindow=OFF,
            Target={"Arn": arn, "RoleArn": role(clients, ("sqs:SendMessage", arn)), "Input": "late"})
        traca.kill()
    for _ in range(2):
        with Traca("--data", data) as traca:
            clients = Clients(traca.endpoint, account)
            url = clients("sqs").get_queue_url(QueueName="queue")["QueueUrl"]

            def has_one(sqs=clients("sqs"), url=url):
                name = "ApproximateNumberOfMessages"
                return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name] == "1"

            # Stopped in order, so that it is known to have come: after a kill it might come again.
            eventually(has_one, "the message")
    with Traca("--data", data) as traca:
        clients = Clients(traca.endpoint, account)
        url = clients("sqs").get_queue_url(QueueName="queue")["QueueUrl"]
        assert receive(clients, url)["Body"] == "late"
        assert "Messages" not in clients("sqs").receive_message(QueueUrl=url)
