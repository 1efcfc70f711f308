"""Kinesis Data Streams with real clients."""

import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import cbor2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from support.clients import Clients, new_account, refused
from support.identities import Identities, policy
from support.traca import PATIENCE_SECONDS, Traca, eventually

NODE_CLIENT = Path(__file__).parent / "node" / "kinesis.cjs"

# How often the platform is killed in the middle of writing.
KILLS = 2


@pytest.fixture
def kinesis(aws):
    return aws("kinesis")


def active(kinesis, name):
    """Waits until a stream is in use; its description."""

    def look():
        description = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        return description if description["StreamStatus"] == "ACTIVE" else None

    return eventually(look, f"stream {name}")


def create(kinesis, name, shards=1, **settings):
    kinesis.create_stream(StreamName=name, ShardCount=shards, **settings)
    return active(kinesis, name)["StreamARN"]


def read(kinesis, name, shard="shardId-000000000000"):
    """All records of a shard, from its beginning to where there are no more."""
    start = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records, iterator = [], start["ShardIterator"]
    while iterator:
        answer = kinesis.get_records(ShardIterator=iterator)
        records += answer["Records"]
        if answer["MillisBehindLatest"] == 0:
            break
        iterator = answer.get("NextShardIterator")
        # As often as a shard may be read.
        time.sleep(0.2)
    return records


def test_records_are_written_and_read_in_order(kinesis):
    arn = create(kinesis, "orders")
    one = kinesis.put_record(StreamName="orders", PartitionKey="a", Data=b"0")
    assert one["ShardId"] == "shardId-000000000000" and "EncryptionType" not in one
    many = kinesis.put_records(
        StreamARN=arn, Records=[{"PartitionKey": f"k{number}", "Data": b"%d" % number} for number in range(1, 20)]
    )
    assert many["FailedRecordCount"] == 0
    records = read(kinesis, "orders")
    assert [record["Data"] for record in records] == [b"%d" % number for number in range(20)]
    numbers = [int(record["SequenceNumber"]) for record in records]
    assert numbers == sorted(set(numbers)) and str(numbers[0]) == one["SequenceNumber"]
    assert records[3]["PartitionKey"] == "k3" and "ApproximateArrivalTimestamp" in records[3]
    assert refused(kinesis.put_record, StreamName="none", PartitionKey="a", Data=b"").code == "ResourceNotFoundException"


def test_shards_are_split_merged_and_counted(kinesis):
    create(kinesis, "wide", 2)
    kinesis.update_shard_count(StreamName="wide", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    assert active(kinesis, "wide")["OpenShardCount"] == 4
    shards = kinesis.list_shards(StreamName="wide", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    assert [shard["ParentShardId"][-1] for shard in shards] == ["0", "0", "1", "1"]
    kinesis.merge_shards(
        StreamName="wide", ShardToMerge=shards[0]["ShardId"], AdjacentShardToMerge=shards[1]["ShardId"])
    active(kinesis, "wide")
    kinesis.split_shard(StreamName="wide", ShardToSplit="shardId-000000000006", NewStartingHashKey="1000")
    active(kinesis, "wide")
    page = kinesis.list_shards(StreamName="wide", MaxResults=6)
    listed = page["Shards"] + kinesis.list_shards(NextToken=page["NextToken"])["Shards"]
    assert [shard["ShardId"][-1] for shard in listed] == [str(number) for number in range(9)]
    description = kinesis.describe_stream(StreamName="wide", Limit=5)["StreamDescription"]
    assert len(description["Shards"]) == 5 and description["HasMoreShards"]


def test_too_much_for_a_shard_is_refused(kinesis):
    create(kinesis, "narrow")
    entries = [{"PartitionKey": "a", "Data": b"x" * 400_000} for _ in range(4)]
    answer = kinesis.put_records(StreamName="narrow", Records=entries)
    assert answer["FailedRecordCount"] == 2
    assert answer["Records"][3]["ErrorCode"] == "ProvisionedThroughputExceededException"
    assert "SequenceNumber" not in answer["Records"][3]


def test_an_enhanced_consumer_is_told_of_records_as_they_come(kinesis):
    arn = create(kinesis, "fanned")
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="reader")["Consumer"]["ConsumerARN"]

    def is_active():
        return kinesis.describe_stream_consumer(ConsumerARN=consumer)["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE"

    eventually(is_active, "the consumer")
    kinesis.put_record(StreamName="fanned", PartitionKey="a", Data=b"before")
    subscription = {
        "ConsumerARN": consumer,
        "ShardId": "shardId-000000000000",
        "StartingPosition": {"Type": "TRIM_HORIZON"},
    }
    events = kinesis.subscribe_to_shard(**subscription)["EventStream"]
    received = []
    for event in events:
        found = event["SubscribeToShardEvent"]
        received += [record["Data"] for record in found["Records"]]
        if received == [b"before"] and found["Records"]:
            kinesis.put_record(StreamName="fanned", PartitionKey="a", Data=b"after")
            assert refused(kinesis.subscribe_to_shard, **subscription).code == "ResourceInUseException"
        if b"after" in received:
            assert found["ContinuationSequenceNumber"] == found["Records"][-1]["SequenceNumber"]
            kinesis.split_shard(
                StreamName="fanned", ShardToSplit="shardId-000000000000", NewStartingHashKey="1000")
            break
    last = [event["SubscribeToShardEvent"] for event in events][-1]
    assert received == [b"before", b"after"]
    assert [child["ShardId"] for child in last["ChildShards"]] == ["shardId-000000000001", "shardId-000000000002"]
    events.close()


def test_the_javascript_sdk_writes_reads_and_subscribes(platform, aws):
    create(aws("kinesis"), "scripted")
    done = subprocess.run(
        ["node", NODE_CLIENT, platform.endpoint, aws.account], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["read:from-node", "event:from-node"]


def test_cbor_is_spoken_too(aws, kinesis):
    create(kinesis, "binary")

    def call(operation, body):
        request = AWSRequest("POST", aws.endpoint, data=cbor2.dumps(body), headers={
            "Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": f"Kinesis_20131202.{operation}"})
        SigV4Auth(Credentials(aws.account, "secret"), "kinesis", aws.region).add_auth(request)
        sent = urllib.request.Request(aws.endpoint, data=request.data, headers=dict(request.headers))
        with urllib.request.urlopen(sent, timeout=PATIENCE_SECONDS) as answer:
            assert answer.headers["Content-Type"] == "application/x-amz-cbor-1.1"
            return cbor2.loads(answer.read())

    put = call("PutRecord", {"StreamName": "binary", "PartitionKey": "a", "Data": b"\x00\xff"})
    start = call("GetShardIterator", {
        "StreamName": "binary", "ShardId": put["ShardId"], "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "StartingSequenceNumber": put["SequenceNumber"]})
    records = call("GetRecords", {"ShardIterator": start["ShardIterator"]})["Records"]
    assert [record["Data"] for record in records] == [b"\x00\xff"]


def test_a_reader_of_an_encrypted_stream_needs_the_key(aws, kinesis):
    arn = create(kinesis, "secret")
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    kinesis.start_stream_encryption(StreamName="secret", EncryptionType="KMS", KeyId=key)
    assert active(kinesis, "secret")["KeyId"] == key
    assert kinesis.put_record(StreamName="secret", PartitionKey="a", Data=b"text")["EncryptionType"] == "KMS"
    allowed = Identities(aws).user(("kinesis:*", arn), ("kms:Decrypt", key))("kinesis")
    assert [(record["Data"], record["EncryptionType"]) for record in read(allowed, "secret")] == [(b"text", "KMS")]
    stranger = Identities(aws).user(("kinesis:*", arn))("kinesis")
    start = stranger.get_shard_iterator(
        StreamName="secret", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
    assert refused(stranger.get_records, ShardIterator=start["ShardIterator"]).code == "KMSAccessDeniedException"


def test_a_policy_lets_another_account_write_and_no_more(platform, aws, kinesis):
    arn = create(kinesis, "shared")
    other = Clients(platform.endpoint, new_account())
    assert refused(other("kinesis").put_record, StreamARN=arn, PartitionKey="a", Data=b"x").code == "AccessDeniedException"
    statement = {
        "Effect": "Allow", "Principal": {"AWS": other.account}, "Action": "kinesis:PutRecord", "Resource": arn}
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy(statement))
    other("kinesis").put_record(StreamARN=arn, PartitionKey="a", Data=b"x")
    assert refused(other("kinesis").describe_stream, StreamARN=arn).code == "AccessDeniedException"
    iterator = kinesis.get_shard_iterator(
        StreamARN=arn, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert refused(other("kinesis").get_records, ShardIterator=iterator).code == "AccessDeniedException"
    assert [record["Data"] for record in read(kinesis, "shared")] == [b"x"]


def test_what_was_acknowledged_is_there_after_a_kill_and_iterators_go_on(data):
    account, acknowledged = new_account(), []
    iterator = None
    for round_ in range(KILLS):
        with Traca("--data", data) as traca:
            kinesis = Clients(traca.endpoint, account)("kinesis")
            if round_ == 0:
                create(kinesis, "kept")
                iterator = kinesis.get_shard_iterator(
                    StreamName="kept", ShardId="shardId-000000000000", ShardIteratorType="LATEST")["ShardIterator"]
            enough, before = threading.Event(), len(acknowledged)

            def write(worker, client=kinesis, ring=enough, start=before, number=round_):
                count = 0
                while True:
                    name = b"%d-%d-%d" % (number, worker, count)
                    try:
                        answer = client.put_record(StreamName="kept", PartitionKey="a", Data=name)
                    except client.exceptions.ProvisionedThroughputExceededException:
                        continue
                    except BotoCoreError:
                        return
                    acknowledged.append((int(answer["SequenceNumber"]), name))
                    count += 1
                    if len(acknowledged) > start + 50:
                        ring.set()

            workers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
            for worker in workers:
                worker.start()
            assert enough.wait(PATIENCE_SECONDS)
            traca.kill()
            for worker in workers:
                worker.join(PATIENCE_SECONDS)
    with Traca("--data", data) as traca:
        kinesis = Clients(traca.endpoint, account)("kinesis")
        assert kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"]
        records = [(int(record["SequenceNumber"]), record["Data"]) for record in read(kinesis, "kept")]
    assert records == sorted(records, key=lambda record: record[0])
    assert len({number for number, _ in records}) == len(records)
    assert set(acknowledged) <= set(records)
