"""A platform that is killed again and again while clients send, and what they sent has to arrive.

Small in every test run. `TRACA_KILL_MESSAGES`, `TRACA_KILL_CLIENTS` and `TRACA_KILLS` make it as large as one likes: a million
messages from 64 clients with 20 kills, spread evenly over what is sent and received."""

import base64
import collections
import http.client
import json
import os
import threading
import time

from .clients import Clients
from .functions import Functions
from .traca import Traca

MESSAGES = int(os.environ.get("TRACA_KILL_MESSAGES", "1600"))
CLIENTS = int(os.environ.get("TRACA_KILL_CLIENTS", "8"))
KILLS = int(os.environ.get("TRACA_KILLS", "3"))

# Messages of one batch, AWS's limit.
BATCH = 10

# Longest time without any progress, in seconds.
STALLED_SECONDS = 180

# Without any progress for so long, everybody waits for a later time, in seconds.
IDLE_SECONDS = 1

# A receiver whose answer was lost in a kill blocks its group for so long, in seconds.
VISIBILITY_SECONDS = 5


# A function that passes what it gets on to a queue, whichever source it comes from; what it failed at comes again.
PASSING_ON = """
import base64
import os
import boto3

def text(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    if "dynamodb" in record:
        return record["dynamodb"]["Keys"]["text"]["S"]
    return record["Sns"]["Message"] if "Sns" in record else record["body"]

def handler(event, context):
    sqs = boto3.client("sqs")
    texts = [text(record) for record in event["Records"]] if "Records" in event else [event["detail"]["text"]]
    entries = [{"Id": str(number), "MessageBody": text} for number, text in enumerate(texts)]
    url = sqs.get_queue_url(QueueName=os.environ["QUEUE"])["QueueUrl"]
    assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")
"""

# A function is slower than a queue: it gets one of so many messages, and one of many more when it gets them one by
# one: each may start an environment of its own.
FUNCTIONS_PART = 8
SINGLE_PART = 80


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
            if status < 500 and b"ProvisionedThroughputExceededException" not in text:
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

    def to_table(self, table, texts):
        requests = [{"PutRequest": {"Item": {"text": {"S": text}}}} for text in texts]
        body = json.dumps({"RequestItems": {table: requests}})
        answer = self.call("dynamodb", "DynamoDB_20120810.BatchWriteItem", "application/x-amz-json-1.0", body)
        assert not json.loads(answer)["UnprocessedItems"]

    def to_bus(self, _, texts):
        entries = [{"Source": "proof", "DetailType": "t", "Detail": json.dumps({"text": text})} for text in texts]
        body = json.dumps({"Entries": entries})
        answer = self.call("events", "AWSEvents.PutEvents", "application/x-amz-json-1.1", body)
        assert json.loads(answer)["FailedEntryCount"] == 0


class Run:
    """Senders, receivers and kills until everything has arrived."""

    def __init__(self, platform):
        self.platform, self.lock = platform, threading.Lock()
        self.sent, self.received, self.failures = 0, 0, []
        self.acknowledged, self.arrived = set(), collections.defaultdict(set)
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

    def send(self, kind, aim, count):
        """Clients that send so many messages all in all; what was acknowledged is kept."""

        clients = min(CLIENTS, max(count // BATCH, 1))

        def send(number, client):
            for start in range(0, count // clients, BATCH):
                texts = [f"{number}-{place}" for place in range(start, start + BATCH)]
                getattr(client, f"to_{kind}")(aim, texts)
                with self.lock:
                    self.acknowledged.update(texts)
                    self.sent += BATCH

        return self.threads(clients, send)

    def arrive(self, where, texts):
        """Notes what was received there."""
        with self.lock:
            before = len(self.arrived[where])
            self.arrived[where].update(texts)
            self.received += len(self.arrived[where]) - before

    def drain(self, queue, url, readers=1):
        """Clients that receive and delete for ever."""

        def receive(_, client):
            while True:
                answer = client.sqs("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=2)
                messages = answer.get("Messages", [])
                self.arrive(queue, [message["Body"].strip('"') for message in messages])
                if messages:
                    handles = [message["ReceiptHandle"] for message in messages]
                    entries = [{"Id": str(place), "ReceiptHandle": handle} for place, handle in enumerate(handles)]
                    client.sqs("DeleteMessageBatch", QueueUrl=url, Entries=entries)

        return self.threads(readers, receive)

    def is_over(self, senders, places):
        """Whether everything is sent, and has arrived at each of the places."""
        if any(sender.is_alive() for sender in senders):
            return False
        with self.lock:
            return all(self.acknowledged <= self.arrived[place] for place in places)

    def until(self, done, messages):
        """Kills after each further part of `messages` sent and received, and what is left of the kills when all is done; a
        failure when nothing moves any more."""
        last, moved = None, time.monotonic()
        while self.kills_left or not done():
            assert not self.failures, self.failures
            now = time.monotonic()
            if (self.sent, self.received) != last:
                last, moved = (self.sent, self.received), now
            assert now - moved < STALLED_SECONDS, f"stalled at {last}"
            # The first kill is due at once, while everything is being sent.
            due = 2 * messages * (KILLS - self.kills_left) // KILLS
            if not self.kills_left and now - moved > IDLE_SECONDS:
                # What failed in a kill is tried again a minute later, which is made to be now.
                self.platform.traca.page("clock?advance=1m", "POST")
                time.sleep(IDLE_SECONDS)
            if self.kills_left and (self.sent + self.received > due or done()):
                self.platform.kill()
                self.kills_left -= 1
            time.sleep(0.01)

    def told(self, what):
        seconds = time.monotonic() - self.started
        kills, rate = self.platform.kills, self.sent / seconds
        return f"{what}: {self.sent} messages from {CLIENTS} clients, {kills} kills, {seconds:.0f} s, {rate:.0f}/s"


def open_queue(platform, name, **attributes):
    arn = f"arn:aws:sqs:us-east-1:{platform.account}:{name}"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS), "Policy": json.dumps({"Statement": [allowed]}), **attributes}
    url = Clients(platform.traca.endpoint, platform.account)("sqs").create_queue(QueueName=name, Attributes=attributes)
    return url["QueueUrl"], arn


def passing_function(aws, queue):
    """A function that passes what it gets on to a queue."""
    return Functions(aws).create(PASSING_ON, Timeout=6, MemorySize=256, Environment={"Variables": {"QUEUE": queue}})


def allow_all(aws, function, service):
    """Lets a service call a function."""
    principal = {"Action": "lambda:InvokeFunction", "Principal": f"{service}.amazonaws.com"}
    aws("lambda").add_permission(FunctionName=function.name, StatementId=service, **principal)
