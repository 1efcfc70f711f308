"""A way through each service of messages and events, for any client: what is called, and what has to be answered.

A text in an input may name what an earlier step kept, as `{name}`; a dictionary with the only key `bytes` stands for bytes."""

from dataclasses import dataclass, field


@dataclass
class Step:
    """A call. `expected` are values at paths of the answer (`Messages.0.Body`); `kept` are names for such values;
    `refused` is how the code of the refusal has to begin or end; `until` repeats the call until it is as expected."""

    service: str
    operation: str
    input: dict
    expected: dict = field(default_factory=dict)
    kept: dict = field(default_factory=dict)
    refused: str | None = None
    until: bool = False


def at(answer, path):
    """The value at a path; `None` when there is none."""
    for name in path.split("."):
        if isinstance(answer, list):
            answer = answer[int(name)] if int(name) < len(answer) else None
        elif isinstance(answer, dict):
            answer = answer.get(name)
        else:
            return None
    return answer


def filled(value, kept):
    """An input with what was kept."""
    if isinstance(value, dict):
        return {name: filled(inner, kept) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, kept) for inner in value]
    if isinstance(value, str) and not value.startswith("{\""):
        for name, text in kept.items():
            value = value.replace(f"{{{name}}}", text)
    return value


ROLE = "arn:aws:iam::{account}:role/walker"
QUEUE = "arn:aws:sqs:us-east-1:{account}:walk-a"
SOURCE = "arn:aws:sqs:us-east-1:{account}:walk-b"

SQS = [
    Step("sqs", "CreateQueue", {"QueueName": "walk-a", "Attributes": {"VisibilityTimeout": "45"}}, kept={"url": "QueueUrl"}),
    Step("sqs", "CreateQueue", {"QueueName": "walk-b"}, kept={"other": "QueueUrl"}),
    Step("sqs", "ListQueues", {"QueueNamePrefix": "walk", "MaxResults": 1}, {"QueueUrls": ["{url}"]}, {"token": "NextToken"}),
    Step("sqs", "ListQueues", {"QueueNamePrefix": "walk", "MaxResults": 1, "NextToken": "{token}"},
         {"QueueUrls": ["{other}"], "NextToken": None}),
    Step("sqs", "SendMessageBatch", {"QueueUrl": "{url}", "Entries": [
        {"Id": "good", "MessageBody": "one", "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "1"}}},
        {"Id": "bad", "MessageBody": "two", "DelaySeconds": 901},
    ]}, {"Successful.0.Id": "good", "Failed.0.Id": "bad", "Failed.0.Code": "InvalidParameterValue"}),
    Step("sqs", "ReceiveMessage",
         {"QueueUrl": "{url}", "WaitTimeSeconds": 20, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]},
         {"Messages.0.Body": "one", "Messages.0.MessageAttributes.n.StringValue": "1",
          "Messages.0.Attributes.ApproximateReceiveCount": "1"}, {"handle": "Messages.0.ReceiptHandle"}),
    Step("sqs", "ChangeMessageVisibility", {"QueueUrl": "{url}", "ReceiptHandle": "{handle}", "VisibilityTimeout": 60}),
    Step("sqs", "DeleteMessage", {"QueueUrl": "{url}", "ReceiptHandle": "{handle}"}),
    Step("sqs", "GetQueueAttributes", {"QueueUrl": "{url}", "AttributeNames": ["All"]},
         {"Attributes.VisibilityTimeout": "45", "Attributes.ApproximateNumberOfMessages": "0"}),
    Step("sqs", "TagQueue", {"QueueUrl": "{url}", "Tags": {"team": "blue"}}),
    Step("sqs", "ListQueueTags", {"QueueUrl": "{url}"}, {"Tags": {"team": "blue"}}),
    Step("sqs", "ReceiveMessage", {"QueueUrl": "{url}", "MaxNumberOfMessages": 11}, refused="InvalidParameterValue"),
    Step("sqs", "DeleteMessage", {"QueueUrl": "{url}", "ReceiptHandle": "none"}, refused="ReceiptHandleIsInvalid"),
    Step("sqs", "GetQueueUrl", {"QueueName": "nowhere"}, refused="NonExistentQueue|QueueDoesNotExist"),
]

SNS = [
    Step("sns", "CreateTopic", {"Name": "walk"}, kept={"topic": "TopicArn"}),
    Step("sns", "SetTopicAttributes", {"TopicArn": "{topic}", "AttributeName": "DisplayName", "AttributeValue": "News"}),
    Step("sns", "GetTopicAttributes", {"TopicArn": "{topic}"}, {"Attributes.DisplayName": "News"}),
    Step("sns", "Subscribe", {"TopicArn": "{topic}", "Protocol": "sqs", "Endpoint": QUEUE}, kept={"subscription": "SubscriptionArn"}),
    Step("sns", "SetSubscriptionAttributes",
         {"SubscriptionArn": "{subscription}", "AttributeName": "RawMessageDelivery", "AttributeValue": "true"}),
    Step("sns", "ListSubscriptionsByTopic", {"TopicArn": "{topic}"},
         {"Subscriptions.0.SubscriptionArn": "{subscription}", "Subscriptions.0.Protocol": "sqs"}),
    Step("sns", "PublishBatch", {"TopicArn": "{topic}", "PublishBatchRequestEntries": [
        {"Id": "good", "Message": "hello"}, {"Id": "bad", "Message": ""}]},
         {"Successful.0.Id": "good", "Failed.0.Id": "bad", "Failed.0.SenderFault": True}),
    Step("sns", "TagResource", {"ResourceArn": "{topic}", "Tags": [{"Key": "team", "Value": "blue"}]}),
    Step("sns", "ListTagsForResource", {"ResourceArn": "{topic}"}, {"Tags": [{"Key": "team", "Value": "blue"}]}),
    Step("sns", "Publish", {"TopicArn": "{topic}x", "Message": "m"}, refused="NotFound"),
    Step("sns", "Subscribe", {"TopicArn": "{topic}", "Protocol": "pigeon", "Endpoint": "x"}, refused="InvalidParameter"),
    Step("sns", "Unsubscribe", {"SubscriptionArn": "{subscription}"}),
    Step("sns", "DeleteTopic", {"TopicArn": "{topic}"}),
    Step("sns", "GetTopicAttributes", {"TopicArn": "{topic}"}, refused="NotFound"),
]

RULE = {"EventBusName": "walk", "EventPattern": '{"source": ["shop"]}'}
EVENT = (
    '{"id": "1", "account": "1", "source": "shop", "time": "2026-01-01T00:00:00Z", "region": "r", "resources": [], '
    '"detail-type": "t", "detail": {}}'
)

EVENTS = [
    Step("events", "CreateEventBus", {"Name": "walk"}, {"EventBusArn": "arn:aws:events:us-east-1:{account}:event-bus/walk"}),
    Step("events", "PutRule", {"Name": "a", **RULE}, {"RuleArn": "arn:aws:events:us-east-1:{account}:rule/walk/a"}),
    Step("events", "PutRule", {"Name": "b", **RULE}),
    Step("events", "ListRules", {"EventBusName": "walk", "Limit": 1}, {"Rules.0.Name": "a", "Rules.1": None}, {"token": "NextToken"}),
    Step("events", "ListRules", {"EventBusName": "walk", "Limit": 1, "NextToken": "{token}"},
         {"Rules.0.Name": "b", "NextToken": None}),
    Step("events", "PutTargets", {"Rule": "a", "EventBusName": "walk", "Targets": [{"Id": "q", "Arn": QUEUE}]},
         {"FailedEntryCount": 0}),
    Step("events", "ListTargetsByRule", {"Rule": "a", "EventBusName": "walk"}, {"Targets": [{"Id": "q", "Arn": QUEUE}]}),
    Step("events", "PutEvents", {"Entries": [
        {"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": "walk"},
        {"Source": "shop", "DetailType": "t", "Detail": "none", "EventBusName": "walk"}]},
         {"FailedEntryCount": 1, "Entries.1.ErrorCode": "MalformedDetail"}),
    Step("events", "TestEventPattern", {"EventPattern": '{"source": ["shop"]}', "Event": EVENT}, {"Result": True}),
    Step("events", "DescribeRule", {"Name": "none"}, refused="ResourceNotFoundException"),
    Step("events", "PutRule", {"Name": "c", "EventPattern": "none"}, refused="InvalidEventPatternException"),
    Step("events", "RemoveTargets", {"Rule": "a", "EventBusName": "walk", "Ids": ["q"]}, {"FailedEntryCount": 0}),
    Step("events", "DeleteRule", {"Name": "a", "EventBusName": "walk"}),
    Step("events", "DescribeRule", {"Name": "a", "EventBusName": "walk"}, refused="ResourceNotFoundException"),
]

SCHEDULE = {
    "ScheduleExpression": "rate(5 days)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": QUEUE, "RoleArn": ROLE},
    "GroupName": "walk",
}

SCHEDULER = [
    Step("scheduler", "CreateScheduleGroup", {"Name": "walk"},
         {"ScheduleGroupArn": "arn:aws:scheduler:us-east-1:{account}:schedule-group/walk"}),
    Step("scheduler", "CreateSchedule", {"Name": "a", **SCHEDULE},
         {"ScheduleArn": "arn:aws:scheduler:us-east-1:{account}:schedule/walk/a"}),
    Step("scheduler", "CreateSchedule", {"Name": "b", **SCHEDULE}),
    Step("scheduler", "CreateSchedule", {"Name": "b", **SCHEDULE}, refused="ConflictException"),
    Step("scheduler", "ListSchedules", {"GroupName": "walk", "MaxResults": 1},
         {"Schedules.0.Name": "a", "Schedules.1": None}, {"token": "NextToken"}),
    Step("scheduler", "ListSchedules", {"GroupName": "walk", "MaxResults": 1, "NextToken": "{token}"},
         {"Schedules.0.Name": "b", "NextToken": None}),
    Step("scheduler", "GetSchedule", {"Name": "a", "GroupName": "walk"},
         {"State": "ENABLED", "ScheduleExpressionTimezone": "UTC", "Target.Arn": QUEUE}),
    Step("scheduler", "UpdateSchedule", {"Name": "a", **SCHEDULE, "State": "DISABLED"}),
    Step("scheduler", "GetSchedule", {"Name": "a", "GroupName": "walk"}, {"State": "DISABLED"}),
    Step("scheduler", "CreateSchedule", {"Name": "c", **SCHEDULE, "ScheduleExpression": "rate(0)"}, refused="ValidationException"),
    Step("scheduler", "DeleteSchedule", {"Name": "a", "GroupName": "walk"}),
    Step("scheduler", "GetSchedule", {"Name": "a", "GroupName": "walk"}, refused="ResourceNotFoundException"),
]

SHARD = {"StreamName": "walk", "ShardId": "shardId-000000000000"}

KINESIS = [
    Step("kinesis", "CreateStream", {"StreamName": "walk", "ShardCount": 2}),
    Step("kinesis", "DescribeStreamSummary", {"StreamName": "walk"},
         {"StreamDescriptionSummary.StreamStatus": "ACTIVE", "StreamDescriptionSummary.OpenShardCount": 2}, until=True),
    Step("kinesis", "ListShards", {"StreamName": "walk", "MaxResults": 1},
         {"Shards.0.ShardId": "shardId-000000000000", "Shards.1": None}, {"token": "NextToken"}),
    Step("kinesis", "ListShards", {"NextToken": "{token}"}, {"Shards.0.ShardId": "shardId-000000000001", "NextToken": None}),
    Step("kinesis", "PutRecord", {"StreamName": "walk", "PartitionKey": "k", "ExplicitHashKey": "0", "Data": {"bytes": "one"}},
         {"ShardId": "shardId-000000000000"}),
    Step("kinesis", "PutRecords",
         {"StreamName": "walk", "Records": [{"PartitionKey": "k", "ExplicitHashKey": "0", "Data": {"bytes": "two"}}]},
         {"FailedRecordCount": 0}),
    Step("kinesis", "GetShardIterator", {**SHARD, "ShardIteratorType": "TRIM_HORIZON"}, kept={"iterator": "ShardIterator"}),
    Step("kinesis", "GetRecords", {"ShardIterator": "{iterator}", "Limit": 1},
         {"Records.0.PartitionKey": "k", "Records.1": None}, {"iterator": "NextShardIterator"}),
    Step("kinesis", "GetRecords", {"ShardIterator": "{iterator}"}, {"Records.0.PartitionKey": "k", "Records.1": None}),
    Step("kinesis", "AddTagsToStream", {"StreamName": "walk", "Tags": {"team": "blue"}}),
    Step("kinesis", "ListTagsForStream", {"StreamName": "walk"}, {"Tags": [{"Key": "team", "Value": "blue"}]}),
    Step("kinesis", "GetRecords", {"ShardIterator": "none"}, refused="InvalidArgumentException"),
    Step("kinesis", "CreateStream", {"StreamName": "walk", "ShardCount": 1}, refused="ResourceInUseException"),
    Step("kinesis", "DescribeStream", {"StreamName": "none"}, refused="ResourceNotFoundException"),
    Step("kinesis", "DeleteStream", {"StreamName": "walk"}),
]

PIPE = {"RoleArn": ROLE, "Source": SOURCE, "Target": QUEUE, "DesiredState": "STOPPED"}

PIPES = [
    Step("pipes", "CreatePipe", {"Name": "a", **PIPE},
         {"Arn": "arn:aws:pipes:us-east-1:{account}:pipe/a", "DesiredState": "STOPPED"}),
    Step("pipes", "CreatePipe", {"Name": "b", **PIPE}),
    Step("pipes", "CreatePipe", {"Name": "b", **PIPE}, refused="ConflictException"),
    Step("pipes", "ListPipes", {"Limit": 1}, {"Pipes.0.Name": "a", "Pipes.1": None}, {"token": "NextToken"}),
    Step("pipes", "ListPipes", {"Limit": 1, "NextToken": "{token}"}, {"Pipes.0.Name": "b", "NextToken": None}),
    Step("pipes", "DescribePipe", {"Name": "a"}, {"CurrentState": "STOPPED", "Source": SOURCE}, until=True),
    Step("pipes", "UpdatePipe", {"Name": "a", "RoleArn": ROLE, "Description": "on", "DesiredState": "STOPPED"}, {"Name": "a"}),
    Step("pipes", "DescribePipe", {"Name": "a"}, {"CurrentState": "STOPPED", "Description": "on"}, until=True),
    Step("pipes", "DescribePipe", {"Name": "none"}, refused="NotFoundException"),
    Step("pipes", "DeletePipe", {"Name": "b"}, {"DesiredState": "DELETED"}),
]

WALKS = {"sqs": SQS, "sns": SNS, "events": EVENTS, "scheduler": SCHEDULER, "kinesis": KINESIS, "pipes": PIPES}
