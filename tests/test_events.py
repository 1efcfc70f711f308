"""EventBridge with real clients."""

import json

import pytest
from botocore.exceptions import ClientError

from support.clients import refused
from support.traca import eventually


@pytest.fixture
def events(aws):
    return aws("events")


def queue(aws, name):
    """A queue that rules may send to: its URL and its ARN."""
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return aws("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn


def bodies(aws, url, count=1):
    """So many messages' bodies."""
    found = []

    def look():
        answer = aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        found.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return len(found) >= count

    eventually(look, "messages")
    assert len(found) == count
    return found


def entry(source, detail, **more):
    return {"Source": source, "DetailType": "made", "Detail": json.dumps(detail), **more}


def test_an_event_reaches_queue_topic_and_log(aws, events):
    url, arn = queue(aws, "direct")
    behind, behind_arn = queue(aws, "behind")
    sns = aws("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    allowed = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic,
            }
        ]
    }
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(allowed))
    policy = json.dumps(
        {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": behind_arn,
                }
            ]
        }
    )
    aws("sqs").set_queue_attributes(QueueUrl=behind, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=behind_arn, Attributes={"RawMessageDelivery": "true"})
    logs = aws("logs")
    logs.create_log_group(logGroupName="/aws/events/all")
    group = f"arn:aws:logs:{aws.region}:{aws.account}:log-group:/aws/events/all"

    rule = events.put_rule(Name="all", EventPattern=json.dumps({"source": [{"prefix": "shop"}]}))["RuleArn"]
    assert rule == f"arn:aws:events:{aws.region}:{aws.account}:rule/all"
    put = events.put_targets(
        Rule="all",
        Targets=[{"Id": "q", "Arn": arn}, {"Id": "t", "Arn": topic}, {"Id": "l", "Arn": group}],
    )
    assert put["FailedEntryCount"] == 0
    answer = events.put_events(Entries=[entry("shop.orders", {"n": 1}, Resources=["r"]), entry("else", {})])
    assert answer["FailedEntryCount"] == 0
    [event] = bodies(aws, url)
    assert event["id"] == answer["Entries"][0]["EventId"]
    assert (event["detail"], event["resources"], event["account"]) == ({"n": 1}, ["r"], aws.account)
    assert bodies(aws, behind) == [event]

    def lines():
        return logs.filter_log_events(logGroupName="/aws/events/all")["events"]

    eventually(lines, "a line in the log")
    assert [json.loads(line["message"]) for line in lines()] == [event]


def test_partial_failures_and_limits(events):
    answer = events.put_events(Entries=[entry("shop", {}), {"Source": "shop", "DetailType": "x", "Detail": "no"}])
    assert answer["FailedEntryCount"] == 1
    assert "EventId" in answer["Entries"][0]
    assert answer["Entries"][1] == {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    assert refused(events.put_events, Entries=[entry("shop", {})] * 11).code == "ValidationException"


def test_a_queue_without_a_policy_gets_nothing_and_the_dead_letters_tell_why(aws, events):
    sqs = aws("sqs")
    sqs.create_queue(QueueName="closed")
    closed = f"arn:aws:sqs:{aws.region}:{aws.account}:closed"
    dead, dead_arn = queue(aws, "dead")
    events.put_rule(Name="one", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(
        Rule="one", Targets=[{"Id": "q", "Arn": closed, "DeadLetterConfig": {"Arn": dead_arn}}]
    )
    events.put_events(Entries=[entry("shop", {})])
    found = []

    def look():
        answer = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1, MessageAttributeNames=["All"])
        found.extend(answer.get("Messages", []))
        return found

    eventually(look, "a dead letter")
    attributes = {name: value["StringValue"] for name, value in found[0]["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert attributes["TARGET_ARN"] == closed


def test_rules_are_listed_and_described(events):
    events.create_event_bus(Name="own", Tags=[{"Key": "team", "Value": "blue"}])
    for number in range(3):
        events.put_rule(Name=f"rule-{number}", EventBusName="own", EventPattern='{"source":["a"]}', State="DISABLED")
    pages = events.get_paginator("list_rules").paginate(EventBusName="own", PaginationConfig={"PageSize": 2})
    assert [rule["Name"] for page in pages for rule in page["Rules"]] == ["rule-0", "rule-1", "rule-2"]
    events.enable_rule(Name="rule-1", EventBusName="own")
    described = events.describe_rule(Name="rule-1", EventBusName="own")
    assert described["State"] == "ENABLED"
    assert "ScheduleExpression" not in described
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name="missing")
    with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid."):
        events.put_rule(Name="tick", ScheduleExpression="cron(* * * * * *)")
