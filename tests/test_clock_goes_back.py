"""A machine whose clock is set back a day while the platform runs, as a wrong clock that is put right: nothing is lost, nothing
comes twice, and what the platform is asked to do it does."""

import json
import os
import struct
import subprocess

import pytest

from support.clients import Clients, new_account
from support.traca import Traca, eventually

DAY_SECONDS = 86_400

# Adds seconds, which are read from a file that is mapped, to the time of day of the process that it is loaded into.
SHIFTED = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *shift;

__attribute__((constructor)) static void open_shift(void) {
    const char *path = getenv("SHIFT_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = file < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
    shift = mapped == MAP_FAILED ? 0 : mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME && shift) now->tv_sec += *shift;
    return failed;
}
"""


class Shift:
    """What the time of day is moved by."""

    def __init__(self, folder):
        self.file, source, self.library = folder / "shift", folder / "shift.c", folder / "shift.so"
        self.set(0)
        source.write_text(SHIFTED)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, source], check=True)

    def set(self, seconds):
        # In place: the file is mapped.
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, struct.pack("<q", seconds))
        os.close(descriptor)

    @property
    def variables(self):
        return {"LD_PRELOAD": str(self.library), "SHIFT_FILE": str(self.file)}


@pytest.fixture
def shift(tmp_path):
    return Shift(tmp_path)


def open_queue(aws, name, **attributes):
    """A queue that every service may send to: its URL and its ARN."""
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    return aws("sqs").create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})["QueueUrl"], arn


def take(aws, url, count):
    """So many messages' bodies, in order; they are deleted."""
    found = []

    def look():
        messages = aws("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message["Body"])
        return len(found) >= count

    eventually(look, f"{count} messages in {url}")
    return found


def machine_day(traca):
    return json.loads(traca.page("clock"))["machine"][:10]


def test_a_clock_that_goes_back_loses_nothing_and_repeats_nothing(shift):
    with Traca("--memory", **shift.variables) as traca:
        aws = Clients(traca.endpoint, new_account())
        sqs, today = aws("sqs"), machine_day(traca)
        url, arn = open_queue(aws, "inbox")
        held, _ = open_queue(aws, "held", VisibilityTimeout="60")
        line, _ = open_queue(aws, "line.fifo", FifoQueue="true")
        topic = aws("sns").create_topic(Name="news")["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        aws("events").put_rule(Name="on", EventPattern='{"source": ["shop"]}')
        aws("events").put_targets(Rule="on", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.source"}])
        aws("kinesis").create_stream(StreamName="stream", ShardCount=1)
        eventually(lambda: put(aws, "before"), "the stream")
        sqs.send_message(QueueUrl=held, MessageBody="held")
        assert sqs.receive_message(QueueUrl=held, WaitTimeSeconds=20)["Messages"][0]["Body"] == "held"
        group = {"QueueUrl": line, "MessageGroupId": "g"}
        sqs.send_message(**group, MessageBody="first", MessageDeduplicationId="1")

        shift.set(-DAY_SECONDS)
        assert machine_day(traca) < today

        sqs.send_message(**group, MessageBody="first again", MessageDeduplicationId="1")
        sqs.send_message(**group, MessageBody="second", MessageDeduplicationId="2")
        assert take(aws, line, 2) == ["first", "second"]
        sqs.send_message(QueueUrl=url, MessageBody="sent")
        aws("sns").publish(TopicArn=topic, Message="published")
        event = {"Source": "shop", "DetailType": "t", "Detail": "{}"}
        assert aws("events").put_events(Entries=[event])["FailedEntryCount"] == 0
        assert sorted(take(aws, url, 3)) == ['"shop"', "published", "sent"]
        assert put(aws, "after")
        shard = {"StreamName": "stream", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
        iterator = aws("kinesis").get_shard_iterator(**shard)["ShardIterator"]
        records = aws("kinesis").get_records(ShardIterator=iterator)["Records"]
        assert [record["Data"] for record in records] == [b"before", b"after"]

        # What was hidden before is hidden until the time that was told then, and there once after it.
        assert "Messages" not in sqs.receive_message(QueueUrl=held)
        traca.page("clock?advance=25h", "POST")
        assert take(aws, held, 1) == ["held"]
        assert "Messages" not in sqs.receive_message(QueueUrl=held)


def put(aws, text):
    """Whether a record was put into the stream: one that was just made takes none."""
    stream = aws("kinesis").describe_stream_summary(StreamName="stream")["StreamDescriptionSummary"]
    if stream["StreamStatus"] != "ACTIVE":
        return False
    return aws("kinesis").put_record(StreamName="stream", PartitionKey="k", Data=text.encode())["SequenceNumber"]
