"""Messages while the platform is killed again and again: what was acknowledged arrives, groups keep their order, and what
was sent twice under one deduplication id is there once."""

import pytest

from support.clients import Clients, new_account
from support.kills import BATCH, CLIENTS, FUNCTIONS_PART, MESSAGES, SINGLE_PART, Platform, Run
from support.kills import allow_all, open_queue, passing_function

# Ways that a message takes into the queue at its end.
WAYS = ["queue", "topic", "bus"] + [f"{source} to a function" for source in ("queue", "topic", "stream", "table")]


@pytest.fixture
def platform(data):
    platform = Platform(data, new_account())
    yield platform
    platform.traca.kill()


def listen(aws, function, arn, **more):
    """Puts a function behind a source."""
    mapping = {"FunctionName": function.name, "EventSourceArn": arn, "BatchSize": BATCH, **more}
    aws("lambda").create_event_source_mapping(**mapping)


def lead_to_a_function(aws, platform, source):
    """A function that passes on, behind a source: what messages are sent to."""
    function = passing_function(aws, "inbox")
    if source == "queue":
        # A message whose function was killed comes again when its time is over, which is no less than the function's.
        aim, arn = open_queue(platform, "source", VisibilityTimeout="6")
        listen(aws, function, arn)
        return aim
    if source == "topic":
        aim = aws("sns").create_topic(Name="source")["TopicArn"]
        allow_all(aws, function, "sns")
        arn = aws("lambda").get_function(FunctionName=function.name)["Configuration"]["FunctionArn"]
        aws("sns").subscribe(TopicArn=aim, Protocol="lambda", Endpoint=arn)
        return aim
    if source == "stream":
        aws("kinesis").create_stream(StreamName="source", ShardCount=4)
        arn = f"arn:aws:kinesis:us-east-1:{platform.account}:stream/source"
    else:
        table = aws("dynamodb").create_table(
            TableName="source",
            KeySchema=[{"AttributeName": "text", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "text", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        arn = table["TableDescription"]["LatestStreamArn"]
        aws("dynamodb").get_waiter("table_exists").wait(TableName="source", WaiterConfig={"Delay": 1})
    listen(aws, function, arn, StartingPosition="TRIM_HORIZON")
    return "source"


def lead_to_the_queue(aws, source, url, arn):
    """The queue itself behind a source: what messages are sent to."""
    if source == "topic":
        aim = aws("sns").create_topic(Name="proof")["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        aws("sns").subscribe(TopicArn=aim, Protocol="sqs", Endpoint=arn, Attributes=raw)
        return aim
    if source == "bus":
        aws("events").put_rule(Name="proof", EventPattern='{"source": ["proof"]}')
        transformer = {"InputPathsMap": {"t": "$.detail.text"}, "InputTemplate": "<t>"}
        aws("events").put_targets(Rule="proof", Targets=[{"Id": "q", "Arn": arn, "InputTransformer": transformer}])
    return url


@pytest.mark.parametrize("way", WAYS)
def test_what_was_acknowledged_arrives(platform, tell, way):
    url, arn = open_queue(platform, "inbox")
    aws, source = Clients(platform.traca.endpoint, platform.account), way.split()[0]
    if way.endswith("function"):
        part = SINGLE_PART if source == "topic" else FUNCTIONS_PART
        aim, count = lead_to_a_function(aws, platform, source), MESSAGES // part
    else:
        aim, count = lead_to_the_queue(aws, source, url, arn), MESSAGES
    run = Run(platform)
    senders = run.send(source, aim, count)
    run.drain("inbox", url, readers=max(CLIENTS // 2, 1))
    run.until(lambda: run.is_over(senders, ["inbox"]), count)
    assert not run.failures and run.sent == len(run.acknowledged) >= count - CLIENTS * BATCH
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
