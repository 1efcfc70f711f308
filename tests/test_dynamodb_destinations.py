"""DynamoDB: changes of tables that are told to streams of Kinesis, through boto3."""

import json
import threading

from botocore.exceptions import BotoCoreError, ClientError

from support import clients
from support.identities import Identities
from support.tables import Tables, refused
from support.traca import Traca, eventually

# Writes that are acknowledged before the platform is killed.
WRITES_BEFORE_KILL = 150


def create_stream(aws, name):
    kinesis = aws("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]


def stands(dynamodb, table, status):
    def look():
        described = dynamodb.describe_kinesis_streaming_destination(TableName=table)
        first = described["KinesisDataStreamDestinations"][0]
        return first if first["DestinationStatus"] == status else None

    return eventually(look, f"a destination that is {status}")


def told(aws, stream):
    """The changes in a stream, in order."""
    kinesis = aws("kinesis")
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    changes = []
    while True:
        page = kinesis.get_records(ShardIterator=iterator)
        changes += [json.loads(record["Data"]) for record in page["Records"]]
        if not page["Records"] and page["MillisBehindLatest"] == 0:
            return changes
        iterator = page["NextShardIterator"]


def test_a_stream_is_told_of_changes(aws):
    tables = Tables(aws)
    arn = create_stream(aws, "changes")
    tables.create("told", "pk")
    dynamodb = tables.client
    answer = dynamodb.enable_kinesis_streaming_destination(TableName="told", StreamArn=arn)
    assert (answer["DestinationStatus"], answer["EnableKinesisStreamingConfiguration"]) == ("ENABLING", {})
    assert stands(dynamodb, "told", "ACTIVE") == {"StreamArn": arn, "DestinationStatus": "ACTIVE"}
    role = aws("iam").get_role(RoleName="AWSServiceRoleForDynamoDBKinesisDataStreamsReplication")["Role"]
    assert role["Path"] == "/aws-service-role/kinesisreplication.dynamodb.amazonaws.com/"
    dynamodb.put_item(TableName="told", Item={"pk": {"S": "a"}, "b": {"B": b"\x00\xff"}})
    dynamodb.delete_item(TableName="told", Key={"pk": {"S": "a"}})
    changes = eventually(lambda: (found := told(aws, "changes")) and len(found) == 2 and found, "the changes")
    assert [change["eventName"] for change in changes] == ["INSERT", "REMOVE"]
    first = changes[0]
    assert first["dynamodb"]["NewImage"] == {"pk": {"S": "a"}, "b": {"B": "AP8="}}
    assert (first["tableName"], first["recordFormat"]) == ("told", "application/json")
    assert (first["eventSource"], first["awsRegion"]) == ("aws:dynamodb", aws.region)
    assert first["userIdentity"] is None
    assert dynamodb.disable_kinesis_streaming_destination(TableName="told", StreamArn=arn)["DestinationStatus"] == (
        "DISABLING"
    )
    stands(dynamodb, "told", "DISABLED")
    code, text = refused(lambda: dynamodb.disable_kinesis_streaming_destination(TableName="told", StreamArn=arn))
    assert code == "ValidationException"
    assert text.endswith("KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")


def test_whoever_may_not_write_to_the_stream_does_not_enable_it(aws):
    tables = Tables(aws)
    arn = create_stream(aws, "forbidden")
    tables.create("quiet", "pk")
    user = Identities(aws).user(("dynamodb:*", "*"), ("iam:CreateServiceLinkedRole", "*"))
    user("dynamodb").enable_kinesis_streaming_destination(TableName="quiet", StreamArn=arn)
    failed = stands(tables.client, "quiet", "ENABLE_FAILED")
    assert failed["DestinationStatusDescription"] == "User does not have a permission to use kinesis stream"
    allowed = Identities(aws).user(("dynamodb:*", "*"), ("kinesis:*", "*"))
    allowed("dynamodb").enable_kinesis_streaming_destination(TableName="quiet", StreamArn=arn)
    stands(tables.client, "quiet", "ACTIVE")


def test_every_acknowledged_change_is_told_in_order_across_a_kill(data):
    account = clients.new_account()
    acknowledged = {}

    def write(endpoint, key, enough):
        dynamodb = clients.Clients(endpoint, account)("dynamodb")
        number = max(acknowledged.get(key, [0]))
        while True:
            number += 1
            try:
                dynamodb.put_item(TableName="told", Item={"pk": {"S": key}, "n": {"N": str(number)}})
            except (BotoCoreError, ClientError):
                return
            acknowledged.setdefault(key, []).append(number)
            if sum(map(len, acknowledged.values())) >= WRITES_BEFORE_KILL:
                enough.set()

    with Traca("--data", data) as traca:
        aws = clients.Clients(traca.endpoint, account)
        arn = create_stream(aws, "changes")
        Tables(aws).create("told", "pk")
        aws("dynamodb").enable_kinesis_streaming_destination(TableName="told", StreamArn=arn)
        stands(aws("dynamodb"), "told", "ACTIVE")
        enough = threading.Event()
        writers = [threading.Thread(target=write, args=(traca.endpoint, key, enough)) for key in "abc"]
        for writer in writers:
            writer.start()
        assert enough.wait(timeout=60)
        traca.kill()
        for writer in writers:
            writer.join()
    with Traca("--data", data) as traca:
        aws = clients.Clients(traca.endpoint, account)

        def all_told():
            seen = {}
            for change in told(aws, "changes"):
                number = int(change["dynamodb"]["NewImage"]["n"]["N"])
                seen.setdefault(change["dynamodb"]["Keys"]["pk"]["S"], {})[change["eventID"]] = number
            there = {key: list(numbers.values()) for key, numbers in seen.items()}
            return there if all(set(numbers) <= set(there.get(key, [])) for key, numbers in acknowledged.items()) else None

        there = eventually(all_told, "every change")
        for key, numbers in there.items():
            assert numbers == sorted(numbers), key


