"""Streams of DynamoDB and Kinesis as event sources."""

import json
import os
import time

import pytest

from support.clients import Clients, new_account, refused
from support.functions import Functions
from support.tables import Tables
from support.traca import Traca, eventually

# Records that a function which fails at random gets; the full measure is 10,000.
RECORDS = int(os.environ.get("TRACA_SOURCE_RECORDS", "300"))

ECHO = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps(event))
"""

# Fails until its environment variable says otherwise.
FAIL = "def handler(event, context):\n    raise ValueError('no')\n"

ADD = """
import boto3, json, os
def handler(event, context):
    state = dict(event["state"])
    for record in event["Records"]:
        state["count"] = state.get("count", 0) + 1
    told = {k: v for k, v in event.items() if k != "Records"} | {"records": len(event["Records"])}
    boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps(told))
    return {"state": state}
"""

# Tells what it has handled, by the items' keys, and fails on a quarter of them.
CHANCE = """
import boto3, json, os, random
table = boto3.resource("dynamodb").Table("handled")
def handler(event, context):
    failed = []
    with table.batch_writer() as batch:
        for record in event["Records"]:
            if random.random() < 0.02:
                failed.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
                break
            batch.put_item(Item={"pk": record["dynamodb"]["Keys"]["pk"]["S"]})
    return {"batchItemFailures": failed}
"""


def queue(aws, name):
    url = aws("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def receive(aws, url):
    """The next message of a queue, read as JSON."""

    def message():
        answer = aws("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)
        for found in answer.get("Messages", []):
            aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
            return json.loads(found["Body"])
        return None

    return eventually(message, f"a message in {url}")


def enabled(client, mapping):
    state = lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled"
    return eventually(state, "the mapping to be at work")


@pytest.fixture
def table(aws):
    """A table with a stream."""
    tables = Tables(aws)
    return tables, tables.create("orders", "pk", stream="NEW_AND_OLD_IMAGES")["LatestStreamArn"]


def put(tables, *names):
    for name in names:
        tables.client.put_item(TableName="orders", Item={"pk": {"S": name}})


def test_a_tables_changes_reach_a_function_in_awss_form(aws, functions, table):
    tables, stream = table
    seen, _ = queue(aws, "seen")
    function = functions.create(ECHO, Timeout=30, Environment={"Variables": {"SEEN": seen}})
    client = aws("lambda")
    put(tables, "before")
    pattern = json.dumps({"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": ["before", "after"]}}}})
    mapping = client.create_event_source_mapping(
        FunctionName=function.name,
        EventSourceArn=stream,
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": pattern}]},
    )
    metadata = mapping.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == 202
    assert mapping == {
        "UUID": mapping["UUID"],
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": stream,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:{aws.account}:event-source-mapping:{mapping['UUID']}",
        "FilterCriteria": {"Filters": [{"Pattern": pattern}]},
        "FunctionArn": f"arn:aws:lambda:us-east-1:{aws.account}:function:{function.name}",
        "FunctionResponseTypes": [],
        "LastModified": mapping["LastModified"],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "TRIM_HORIZON",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }
    put(tables, "other", "after")
    records = []
    while len(records) < 2:
        records += receive(aws, seen)["Records"]
    first = records[0]
    change = first["dynamodb"]
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in records] == ["before", "after"]
    assert first == {
        "eventID": first["eventID"],
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": change["ApproximateCreationDateTime"],
            "Keys": {"pk": {"S": "before"}},
            "NewImage": {"pk": {"S": "before"}},
            "SequenceNumber": change["SequenceNumber"],
            "SizeBytes": change["SizeBytes"],
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": stream,
    }
    result = lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"] == "OK"
    eventually(result, "the last result")

    again = {"FunctionName": function.name, "EventSourceArn": stream, "StartingPosition": "LATEST"}
    refusal = refused(client.create_event_source_mapping, **again)
    assert (refusal.code, refusal.message) == (
        "ResourceConflictException",
        f'The event source arn (" {stream} ") and function (" {function.name} ") provided mapping already exists. '
        f"Please update or delete the existing mapping with UUID {mapping['UUID']}",
    )
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    state = lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Disabled"
    eventually(state, "the mapping to rest")
    # What comes meanwhile is handled once it is at work again.
    tables.client.delete_item(TableName="orders", Key={"pk": {"S": "after"}})
    put(tables, "after")
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in receive(aws, seen)["Records"]] == ["after"]


def test_a_poison_record_is_isolated_and_reported(aws, functions, table):
    tables, stream = table
    code = (
        "def handler(event, context):\n"
        "    if any(r['dynamodb']['Keys']['pk']['S'] == 'bad' for r in event['Records']):\n"
        "        raise ValueError('no')\n"
    )
    function = functions.create(code)
    letters, arn = queue(aws, "letters")
    put(tables, "a", "b", "bad", "c", "d")
    client = aws("lambda")
    mapping = client.create_event_source_mapping(
        FunctionName=function.name,
        EventSourceArn=stream,
        StartingPosition="TRIM_HORIZON",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    letter = receive(aws, letters)
    batch = letter["DDBStreamBatchInfo"]
    assert letter["requestContext"] == {
        "requestId": letter["requestContext"]["requestId"],
        "functionArn": mapping["FunctionArn"],
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 2,
    }
    assert letter["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    bad = tables.records(stream)[2]["dynamodb"]
    assert (batch["batchSize"], batch["startSequenceNumber"]) == (1, bad["SequenceNumber"])
    assert batch["endSequenceNumber"] == batch["startSequenceNumber"] and batch["streamArn"] == stream
    assert batch["approximateArrivalOfFirstRecord"] == time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", bad["ApproximateCreationDateTime"].utctimetuple()
    )
    assert "payload" not in letter
    result = lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"] == "OK"
    eventually(result, "the rest of the batch")


def test_a_bucket_gets_the_records_that_were_given_up(aws, functions, table):
    tables, stream = table
    function = functions.create(FAIL)
    aws("s3").create_bucket(Bucket=f"given-up-{aws.account}")
    put(tables, "a")
    client = aws("lambda")
    mapping = client.create_event_source_mapping(
        FunctionName=function.name,
        EventSourceArn=stream,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::given-up-{aws.account}"}},
    )
    objects = lambda: aws("s3").list_objects_v2(Bucket=f"given-up-{aws.account}").get("Contents")
    key = eventually(objects, "an object")[0]["Key"]
    shard = tables.streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    assert key.startswith(f"aws/lambda/{mapping['UUID']}/{shard}/{time.strftime('%Y/', time.gmtime())}")
    record = json.loads(aws("s3").get_object(Bucket=f"given-up-{aws.account}", Key=key)["Body"].read())
    assert json.loads(record["payload"])["Records"][0]["dynamodb"]["Keys"] == {"pk": {"S": "a"}}
    problem = "PROBLEM: Function call failed"
    result = lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"] == problem
    eventually(result, "the last result")


def test_a_window_carries_its_state_and_is_finished(aws, functions, table):
    tables, stream = table
    seen, _ = queue(aws, "windows")
    function = functions.create(ADD, Timeout=30, Environment={"Variables": {"SEEN": seen}})
    put(tables, "a", "b", "c")
    aws("lambda").create_event_source_mapping(
        FunctionName=function.name,
        EventSourceArn=stream,
        StartingPosition="TRIM_HORIZON",
        BatchSize=1,
        TumblingWindowInSeconds=2,
    )
    told = []
    while sum(each["isFinalInvokeForWindow"] and each["state"]["count"] for each in told) < 3:
        told.append(receive(aws, seen))
    first = next(each for each in told if each["state"] == {})
    assert set(first) == {
        "window", "state", "shardId", "eventSourceARN", "isFinalInvokeForWindow", "isWindowTerminatedEarly", "records"
    }
    assert first["eventSourceARN"] == stream and not first["isWindowTerminatedEarly"] and first["records"] == 1
    assert set(first["window"]) == {"start", "end"} and first["window"]["start"].endswith("Z")
    assert all(each["records"] == 0 for each in told if each["isFinalInvokeForWindow"])


def test_settings_of_streams_that_cannot_be_are_refused(aws, functions, table):
    _, stream = table
    function = functions.create(FAIL)
    client = aws("lambda")
    names = {"FunctionName": function.name, "EventSourceArn": stream}

    def said(**parameters):
        return refused(client.create_event_source_mapping, **{**names, **parameters}).message

    assert said() == (
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
    )
    assert said(StartingPosition="AT_TIMESTAMP") == f"Unsupported starting position for arn type: {stream}"
    assert said(StartingPosition="LATEST", StartingPositionTimestamp=1) == (
        "Timestamp only valid with StartingPosition AT_TIMESTAMP"
    )
    assert said(StartingPosition="LATEST", EventSourceArn=stream[:-3] + "999") == f"Stream not found: {stream[:-3]}999"
    _, arn = queue(aws, "plain", )
    assert said(EventSourceArn=arn, StartingPosition="LATEST") == "StartingPosition is not valid for SQS event sources."
    assert said(EventSourceArn=arn, ParallelizationFactor=2) == (
        "Unsupported ParallelizationFactor parameter for given event source mapping type."
    )


def test_no_record_is_lost_when_a_function_fails_at_random_and_the_platform_is_killed(data, tell):
    account = new_account()

    def start():
        traca = Traca("--data", data)
        return traca, Clients(traca.endpoint, account)

    traca, aws = start()
    try:
        tables = Tables(aws)
        stream = tables.create("orders", "pk", stream="KEYS_ONLY")["LatestStreamArn"]
        tables.create("handled", "pk")
        function = Functions(aws).create(CHANCE, Timeout=60, MemorySize=256)
        aws("lambda").create_event_source_mapping(
            FunctionName=function.name,
            EventSourceArn=stream,
            StartingPosition="LATEST",
            BatchSize=50,
            ParallelizationFactor=2,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        enabled(aws("lambda"), aws("lambda").list_event_source_mappings()["EventSourceMappings"][0])
        with tables.boto("orders").batch_writer() as batch:
            for number in range(RECORDS):
                batch.put_item(Item={"pk": f"{number:06}"})
        count = lambda: sum(page["Count"] for page in aws("dynamodb").get_paginator("scan").paginate(TableName="handled"))
        eventually(lambda: count() > RECORDS // 4, "a part of the records")
        traca.kill()
        traca, aws = start()
        started = time.monotonic()
        eventually(lambda: count() == RECORDS, "all records")
        tell(f"a stream's {RECORDS} records: the rest {time.monotonic() - started:.1f} s after a kill")
    finally:
        traca.kill()
