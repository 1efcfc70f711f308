"""Messages while the platform is killed again and again: what was acknowledged arrives, groups keep their order, and what
was sent twice under one deduplication id is there once.

Small in every test run. `TRACA_KILL_MESSAGES`, `TRACA_KILL_CLIENTS` and `TRACA_KILLS` make it as large as one likes: a million
messages from 64 clients with 20 kills, spread evenly over what is sent and received."""

import base64
import http.client
import json
import os
import threading
import time

import pytest

from support.clients import Clients, new_account
from support.functions import Functions
from support.traca import Traca

MESSAGES = int(os.environ.get("TRACA_KILL_MESSAGES", "1600"))
CLIENTS = int(os.environ.get("TRACA_KILL_CLIENTS", "8"))
KILLS = int(os.environ.get("TRACA_KILLS", "3"))

# Messages of one batch, AWS's limit.
BATCH = 10

# Longest time without any progress, in seconds.
STALLED_SECONDS = 180

# A receiver whose answer was lost in a kill blocks its group for so long, in seconds.
VISIBILITY_SECONDS = 5


# A function that passes what it gets on to a queue; a message that it failed at comes again.
PASSING_ON = """
import base64
import boto3

def handler(event, context):
    sqs = boto3.client("sqs")
    texts = [r["body"] if "body" in r else base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    entries = [{"Id": str(number), "MessageBody": text} for number, text in enumerate(texts)]
    url = sqs.get_queue_url(QueueName="inbox")["QueueUrl"]
    assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")
"""

# A function is slower than a queue: it gets one of so many messages.
FUNCTIONS_PART = 8


class Platform:
    """A platform that is killed and started again on its data."""

    def __init__(self, data, account):
        self.data, self.account, self.kills = data, account, 0
        self.address = None
        self.start()

    def start(self):
        self.traca = Traca("--data", self.data)
        self.address = self.traca.address

    def kill(self):
        self.address = None
        self.traca.kill()
        self.kills += 1
        self.start()


class Client:
    """Calls operations until they are answered, wherever the platform is by then."""

    def __init__(self, platform):
        self.platform, self.connection, self.address = platform, None, None

    def call(self, service, target, content, body, form=False):
        headers = {
            "Content-Type": content,
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self.platform.account}/20260101/us-east-1/{service}/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
            **({} if form else {"X-Amz-Target": target}),
        }
        while True:
            try:
                address = self.platform.address
                if address is None or address != self.address:
                    self.connection, self.address = None, address
                    if address is None:
                        time.sleep(0.05)
                        continue
                    self.connection = http.client.HTTPConnection(*address, timeout=60)
                self.connection.request("POST", "/", body, headers)
                answer = self.connection.getresponse()
                status, text = answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self.address = None
                time.sleep(0.05)
                continue
            if status == 200:
                return text
            if status < 500:
                raise AssertionError(f"{status} {text}")
            time.sleep(0.05)

    def sqs(self, operation, **parameters):
        body = json.dumps(parameters)
        return json.loads(self.call("sqs", f"AmazonSQS.{operation}", "application/x-amz-json-1.0", body) or b"{}")

    def to_queue(self, queue, texts):
        entries = [{"Id": str(number), "MessageBody": text} for number, text in enumerate(texts)]
        assert not self.sqs("SendMessageBatch", QueueUrl=queue, Entries=entries).get("Failed")

    def to_topic(self, topic, texts):
        parts = {"Action": "PublishBatch", "Version": "2010-03-31", "TopicArn": topic}
        for number, text in enumerate(texts, 1):
            prefix = f"PublishBatchRequestEntries.member.{number}"
            parts |= {f"{prefix}.Id": str(number), f"{prefix}.Message": text}
        body = "&".join(f"{name}={value}" for name, value in parts.items())
        assert b"<Code>" not in self.call("sns", None, "application/x-www-form-urlencoded", body, form=True)

    def to_stream(self, stream, texts):
        records = [{"Data": base64.b64encode(text.encode()).decode(), "PartitionKey": text} for text in texts]
        while records:
            body = json.dumps({"StreamName": stream, "Records": records})
            answer = self.call("kinesis", "Kinesis_20131202.PutRecords", "application/x-amz-json-1.1", body)
            # What was too much for its shard is put again.
            results = zip(records, json.loads(answer)["Records"])
            records = [record for record, result in results if "ErrorCode" in result]

    def to_bus(self, _, texts):
        entries = [{"Source": "proof", "DetailType": "t", "Detail": json.dumps({"text": text})} for text in texts]
        body = json.dumps({"Entries": entries})
        answer = self.call("events", "AWSEvents.PutEvents", "application/x-amz-json-1.1", body)
        assert json.loads(answer)["FailedEntryCount"] == 0


class Run:
    """Senders, receivers and kills until everything has arrived."""

    def __init__(self, platform):
        self.platform, self.lock = platform, threading.Lock()
        self.sent, self.received = 0, 0
        self.failures, self.sending = [], CLIENTS
        self.started, self.kills_left = time.monotonic(), KILLS

    def threads(self, count, work):
        def guarded(number):
            try:
                work(number, Client(self.platform))
            except BaseException as error:  # noqa: BLE001 - told by the test
                self.failures.append(error)

        threads = [threading.Thread(target=guarded, args=(number,), daemon=True) for number in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def until(self, done, messages):
        """Kills after each further part of `messages` sent and received; a failure when nothing moves any more."""
        last, moved = None, time.monotonic()
        while self.kills_left or not done():
            assert not self.failures, self.failures
            now = time.monotonic()
            if (self.sent, self.received) != last:
                last, moved = (self.sent, self.received), now
            assert now - moved < STALLED_SECONDS, f"stalled at {last}"
            # The first kill is due at once, while everything is being sent.
            due = 2 * messages * (KILLS - self.kills_left) // KILLS
            if self.kills_left and self.sent + self.received > due:
                self.platform.kill()
                self.kills_left -= 1
            time.sleep(0.01)

    def told(self, what):
        seconds = time.monotonic() - self.started
        kills, rate = self.platform.kills, self.sent / seconds
        return f"{what}: {self.sent} messages from {CLIENTS} clients, {kills} kills, {seconds:.0f} s, {rate:.0f}/s"


@pytest.fixture
def platform(data):
    platform = Platform(data, new_account())
    yield platform
    platform.traca.kill()


def open_queue(platform, name, **attributes):
    arn = f"arn:aws:sqs:us-east-1:{platform.account}:{name}"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS), "Policy": json.dumps({"Statement": [allowed]}), **attributes}
    url = Clients(platform.traca.endpoint, platform.account)("sqs").create_queue(QueueName=name, Attributes=attributes)
    return url["QueueUrl"], arn


def listen(aws, arn, **more):
    """Puts a function that passes on behind a source."""
    function = Functions(aws).create(PASSING_ON, Timeout=6, MemorySize=256)
    mapping = {"FunctionName": function.name, "EventSourceArn": arn, "BatchSize": BATCH, **more}
    aws("lambda").create_event_source_mapping(**mapping)


@pytest.mark.parametrize("way", ["queue", "topic", "bus", "queue to a function", "stream to a function"])
def test_what_was_acknowledged_arrives(platform, tell, way):
    url, arn = open_queue(platform, "inbox")
    aws, aim = Clients(platform.traca.endpoint, platform.account), url
    count = MESSAGES
    if way.endswith("function"):
        count //= FUNCTIONS_PART
    if way == "queue to a function":
        # A message whose function was killed comes again when its time is over, which is no less than the function's.
        aim, source = open_queue(platform, "source", VisibilityTimeout="6")
        listen(aws, source)
    elif way == "stream to a function":
        aim = "source"
        aws("kinesis").create_stream(StreamName=aim, ShardCount=4)
        listen(aws, f"arn:aws:kinesis:us-east-1:{platform.account}:stream/source", StartingPosition="TRIM_HORIZON")
    if way == "topic":
        aim = aws("sns").create_topic(Name="proof")["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        aws("sns").subscribe(TopicArn=aim, Protocol="sqs", Endpoint=arn, Attributes=raw)
    elif way == "bus":
        aws("events").put_rule(Name="proof", EventPattern='{"source": ["proof"]}')
        transformer = {"InputPathsMap": {"t": "$.detail.text"}, "InputTemplate": "<t>"}
        aws("events").put_targets(Rule="proof", Targets=[{"Id": "q", "Arn": arn, "InputTransformer": transformer}])
    run, acknowledged, received = Run(platform), set(), set()

    def send(number, client):
        for start in range(0, count // CLIENTS, BATCH):
            texts = [f"{number}-{place}" for place in range(start, start + BATCH)]
            getattr(client, f"to_{way.split()[0]}")(aim, texts)
            with run.lock:
                acknowledged.update(texts)
                run.sent += BATCH

    def receive(_, client):
        while True:
            answer = client.sqs("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=2)
            messages = answer.get("Messages", [])
            with run.lock:
                received.update(message["Body"].strip('"') for message in messages)
                run.received = len(received)
            if messages:
                entries = [
                    {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(messages)
                ]
                client.sqs("DeleteMessageBatch", QueueUrl=url, Entries=entries)

    senders = run.threads(CLIENTS, send)
    run.threads(max(CLIENTS // 2, 1), receive)
    run.until(lambda: not any(sender.is_alive() for sender in senders) and acknowledged <= received, count)
    assert not run.failures and run.sent == len(acknowledged) >= count - CLIENTS * BATCH
    tell(run.told(f"by {way}"))


def test_groups_keep_their_order_and_nothing_is_there_twice(platform, tell):
    url, _ = open_queue(platform, "inbox.fifo", FifoQueue="true")
    run, last, ids, wrong = Run(platform), {}, {}, []
    each = max(MESSAGES // CLIENTS // 4, BATCH)

    def send(group, client):
        # What got no answer is sent again, under the same ids.
        for start in range(0, each, BATCH):
            entries = [
                {
                    "Id": str(number),
                    "MessageBody": f"{group}-{number}",
                    "MessageGroupId": str(group),
                    "MessageDeduplicationId": f"{group}-{number}",
                }
                for number in range(start, start + BATCH)
            ]
            assert not client.sqs("SendMessageBatch", QueueUrl=url, Entries=entries).get("Failed")
            run.sent += BATCH

    def receive(_, client):
        while True:
            answer = client.sqs("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=2)
            messages = answer.get("Messages", [])
            with run.lock:
                for message in messages:
                    group, number = map(int, message["Body"].split("-"))
                    known = ids.setdefault(message["Body"], message["MessageId"])
                    expected = last.get(group, -1) + 1
                    if known != message["MessageId"] or number > expected:
                        wrong.append((message["Body"], expected))
                    last[group] = max(last.get(group, -1), number)
                run.received = len(ids)
            if messages:
                entries = [
                    {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(messages)
                ]
                client.sqs("DeleteMessageBatch", QueueUrl=url, Entries=entries)

    senders = run.threads(CLIENTS, send)
    run.threads(max(CLIENTS // 2, 1), receive)
    run.until(lambda: not any(sender.is_alive() for sender in senders) and run.received == run.sent, each * CLIENTS)
    assert not wrong and not run.failures
    tell(run.told("in groups"))
