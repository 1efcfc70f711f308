"""Queues and streams as event sources of a function that fails at random, through a kill: no record is lost, and none that
was handled is reported as failed."""

import os
import time

import pytest

from support.clients import Clients, new_account
from support.functions import Functions
from support.tables import Tables
from support.traca import Traca, eventually

# Records that the function gets; the full measure is 10,000.
RECORDS = int(os.environ.get("TRACA_SOURCE_RECORDS", "300"))

# Notes what it has handled, and says of every fiftieth record or so, before it handles it, that it has failed. A record
# that it has handled before is counted, which tells how often something came again.
CHANCE = """
import base64, boto3, random
table = boto3.resource("dynamodb").Table("handled")
def name(record):
    return base64.b64decode(record["kinesis"]["data"]).decode() if "kinesis" in record else record["body"]
def handler(event, context):
    failed, done = [], {}
    for record in event["Records"]:
        if random.random() < 0.02:
            identifier = record["kinesis"]["sequenceNumber"] if "kinesis" in record else record["messageId"]
            failed.append({"itemIdentifier": identifier})
            if "kinesis" in record:
                break
        else:
            done[name(record)] = True
    with table.batch_writer() as batch:
        for key in done:
            batch.put_item(Item={"pk": key})
    return {"batchItemFailures": failed}
"""


class Queue:
    """Records are messages."""

    settings = {"BatchSize": 10}

    def __init__(self, aws):
        # Nothing that is received when the platform is killed comes back before this time.
        made = aws("sqs").create_queue(QueueName="source", Attributes={"VisibilityTimeout": "10"})
        self.url = made["QueueUrl"].rpartition("/")[2]
        attributes = aws("sqs").get_queue_attributes(QueueUrl=made["QueueUrl"], AttributeNames=["QueueArn"])
        self.arn = attributes["Attributes"]["QueueArn"]

    def put(self, aws, names):
        url = aws("sqs").get_queue_url(QueueName=self.url)["QueueUrl"]
        for start in range(0, len(names), 10):
            entries = [{"Id": name, "MessageBody": name} for name in names[start : start + 10]]
            assert not aws("sqs").send_message_batch(QueueUrl=url, Entries=entries).get("Failed")

    def is_empty(self, aws):
        """Whether all that was handled is deleted: what is reported as failed stays."""
        url = aws("sqs").get_queue_url(QueueName=self.url)["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(count == "0" for count in found.values())


class Stream:
    """Records are those of Kinesis."""

    settings = {"BatchSize": 50, "ParallelizationFactor": 2, "StartingPosition": "TRIM_HORIZON"}

    def __init__(self, aws):
        client = aws("kinesis")
        client.create_stream(StreamName="source", ShardCount=2)
        describe = lambda: client.describe_stream_summary(StreamName="source")["StreamDescriptionSummary"]
        eventually(lambda: describe()["StreamStatus"] == "ACTIVE", "the stream")
        self.arn = describe()["StreamARN"]

    def put(self, aws, names):
        while names:
            some, names = names[:400], names[400:]
            records = [{"Data": name.encode(), "PartitionKey": name} for name in some]
            answer = aws("kinesis").put_records(StreamName="source", Records=records)["Records"]
            # A shard takes a thousand records a second.
            names = names + [name for name, told in zip(some, answer) if "ErrorCode" in told]

    def is_empty(self, aws):
        return True


@pytest.mark.parametrize("source", [Queue, Stream])
def test_no_record_is_lost_when_a_function_fails_at_random_and_the_platform_is_killed(data, tell, source):
    account = new_account()

    def start():
        traca = Traca("--data", data)
        return traca, Clients(traca.endpoint, account)

    traca, aws = start()
    try:
        Tables(aws).create("handled", "pk")
        made = source(aws)
        function = Functions(aws).create(CHANCE, Timeout=5, MemorySize=256)
        mapping = aws("lambda").create_event_source_mapping(
            FunctionName=function.name,
            EventSourceArn=made.arn,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            **source.settings,
        )
        names = [f"{number:06}" for number in range(RECORDS)]
        made.put(aws, names[: RECORDS // 2])

        def handled():
            pages = aws("dynamodb").get_paginator("scan").paginate(TableName="handled", ConsistentRead=True)
            return {item["pk"]["S"] for page in pages for item in page["Items"]}

        eventually(lambda: len(handled()) > RECORDS // 8, "a part of the records")
        traca.kill()
        traca, aws = start()
        started = time.monotonic()
        made.put(aws, names[RECORDS // 2 :])
        eventually(lambda: len(handled()) == RECORDS, "all records")
        eventually(lambda: made.is_empty(aws), "an empty source")
        tell(f"{source.__name__.lower()} of {RECORDS} records: the rest {time.monotonic() - started:.1f} s after a kill")
        assert handled() == set(names)
        state = aws("lambda").get_event_source_mapping(UUID=mapping["UUID"])["State"]
        assert state == "Enabled"
    finally:
        traca.kill()
