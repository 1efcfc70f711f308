"""SQS with real clients: boto3, the AWS CLI, and the older query protocol as hand-made requests."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import botocore.exceptions
import pytest

from support.clients import Clients, new_account, refused
from support.traca import PATIENCE_SECONDS, Traca, eventually

NAMESPACE = {"sqs": "http://queue.amazonaws.com/doc/2012-11-05/"}


@pytest.fixture
def sqs(aws):
    return aws("sqs")


@pytest.fixture
def url(sqs):
    return sqs.create_queue(QueueName="jobs")["QueueUrl"]


def receive(sqs, url, **parameters):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **parameters).get("Messages", [])


def test_a_message_goes_its_way(sqs, url):
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="héllo",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "x"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )
    [message] = receive(sqs, url, AttributeNames=["All"], MessageAttributeNames=["All"])
    assert (message["Body"], message["MessageId"]) == ("héllo", sent["MessageId"])
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"]["bytes"] == {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert counts["Attributes"] == {"ApproximateNumberOfMessagesNotVisible": "1"}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_waiting_call_is_woken_by_a_message(sqs, url, aws):
    other = Clients(aws.endpoint, aws.account)("sqs")
    threading.Timer(0.2, lambda: other.send_message(QueueUrl=url, MessageBody="late")).start()
    started = time.monotonic()
    [message] = receive(sqs, url, WaitTimeSeconds=20)
    assert message["Body"] == "late"
    assert time.monotonic() - started < 20


def test_fifo_queues_keep_order_and_drop_duplicates(sqs):
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="jobs.fifo", Attributes=attributes)["QueueUrl"]
    first = sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="g")
    assert sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="g")["MessageId"] == first["MessageId"]
    entries = [{"Id": str(n), "MessageBody": str(n), "MessageGroupId": "g"} for n in (2, 3)]
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in sent["Successful"]] == ["2", "3"] and not sent.get("Failed")
    received = receive(sqs, url)
    assert [message["Body"] for message in received] == ["1", "2", "3"]
    assert receive(sqs, url) == []
    entries = [{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"]} for m in received]
    assert len(sqs.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 3


def test_dead_letters_are_moved_and_brought_back(sqs, aws):
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert len(receive(sqs, url)) == 1
    assert receive(sqs, url) == []
    [message] = receive(sqs, dead, AttributeNames=["All"], VisibilityTimeout=0)
    assert message["Attributes"]["DeadLetterQueueSourceArn"].endswith(":jobs")
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.start_message_move_task(SourceArn=arn)
    eventually(
        lambda: sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]["Status"] == "COMPLETED", "the move task"
    )
    assert [message["Body"] for message in receive(sqs, url)] == ["poison"]


def test_refusals_have_awss_codes(sqs, url):
    missing = refused(sqs.send_message, QueueUrl=url + "-none", MessageBody="x")
    assert missing.code == "AWS.SimpleQueueService.NonExistentQueue"
    assert missing.message == "The specified queue does not exist."
    assert isinstance(_caught(sqs.get_queue_url, QueueName="none"), sqs.exceptions.QueueDoesNotExist)
    many = refused(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)
    assert (many.code, many.status) == ("InvalidParameterValue", 400)
    junk = refused(sqs.delete_message, QueueUrl=url, ReceiptHandle="junk")
    assert junk.code == "ReceiptHandleIsInvalid"
    sqs.purge_queue(QueueUrl=url)
    again = refused(sqs.purge_queue, QueueUrl=url)
    assert (again.code, again.status) == ("AWS.SimpleQueueService.PurgeQueueInProgress", 403)


def _caught(operation, **parameters):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        operation(**parameters)
    return caught.value


def query(endpoint, account, path="/", **fields):
    """A request of the older protocol, signed by name only."""
    scope = f"{account}/20260101/us-east-1/sqs/aws4_request"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}",
        "X-Amz-Date": "20260101T000000Z",
    }
    data = urllib.parse.urlencode({"Version": "2012-11-05", **fields}).encode()
    request = urllib.request.Request(endpoint + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, ElementTree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, ElementTree.fromstring(error.read())


def texts(document, path):
    return [element.text for element in document.iterfind(path, NAMESPACE)]


def test_the_query_protocol_still_works(aws):
    ask = lambda **fields: query(aws.endpoint, aws.account, **fields)
    status, made = ask(
        Action="CreateQueue", QueueName="old", **{"Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "0"}
    )
    assert status == 200
    [url] = texts(made, ".//sqs:QueueUrl")
    status, sent = ask(Action="SendMessage", QueueUrl=url, MessageBody='say "hi" & <bye>')
    assert status == 200 and len(texts(sent, ".//sqs:MD5OfMessageBody")[0]) == 32
    status, received = ask(Action="ReceiveMessage", QueueUrl=url, **{"AttributeName.1": "All"})
    assert texts(received, ".//sqs:Message/sqs:Body") == ['say "hi" & <bye>']
    assert "SentTimestamp" in texts(received, ".//sqs:Message/sqs:Attribute/sqs:Name")
    [handle] = texts(received, ".//sqs:ReceiptHandle")
    assert ask(Action="DeleteMessage", QueueUrl=url, ReceiptHandle=handle)[0] == 200
    status, missing = ask(Action="SendMessage", QueueUrl=url + "-none", MessageBody="x")
    assert status == 400
    assert texts(missing, ".//sqs:Code") == ["AWS.SimpleQueueService.NonExistentQueue"]
    assert texts(missing, ".//sqs:Message") == ["The specified queue does not exist for this wsdl version."]


def test_a_request_may_name_its_queue_by_its_path_alone(aws):
    [url] = texts(query(aws.endpoint, aws.account, Action="CreateQueue", QueueName="old")[1], ".//sqs:QueueUrl")
    path = urllib.parse.urlsplit(url).path
    status, _ = query(aws.endpoint, aws.account, path, Action="SendMessage", MessageBody="x")
    assert status == 200
    _, received = query(aws.endpoint, aws.account, path, Action="ReceiveMessage")
    assert texts(received, ".//sqs:Body") == ["x"]


def test_the_command_line_walks_the_service(aws):
    program = Path(sys.executable).with_name("aws")
    if not program.exists():
        pytest.skip("the AWS CLI is not installed beside this Python")
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": aws.account,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": aws.region,
    }

    def run(*arguments):
        command = [program, "--endpoint-url", aws.endpoint, "--output", "json", "sqs", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE_SECONDS)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    url = run("create-queue", "--queue-name", "cli", "--attributes", "VisibilityTimeout=5")["QueueUrl"]
    run("send-message", "--queue-url", url, "--message-body", "hello")
    [message] = run("receive-message", "--queue-url", url)["Messages"]
    assert message["Body"] == "hello"
    run("delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    assert run("list-queues")["QueueUrls"] == [url]
    run("delete-queue", "--queue-url", url)


def test_no_acknowledged_message_is_lost_when_the_process_is_killed(data):
    account = new_account()
    acknowledged, received = set(), set()
    for number in range(4):
        with Traca("--data", data) as traca:
            sqs = Clients(traca.endpoint, account)("sqs")
            url = sqs.create_queue(QueueName="kept", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
            stop = threading.Event()
            threads = [
                threading.Thread(target=_send, args=(traca.endpoint, account, url, f"{number}-{n}", acknowledged, stop))
                for n in range(4)
            ]
            goal = len(acknowledged) + 60
            for thread in threads:
                thread.start()
            eventually(lambda: len(acknowledged) >= goal, "messages")
            traca.kill()
            stop.set()
            for thread in threads:
                thread.join()
    with Traca("--data", data) as traca:
        sqs = Clients(traca.endpoint, account)("sqs")
        url = sqs.get_queue_url(QueueName="kept")["QueueUrl"]
        while messages := receive(sqs, url, VisibilityTimeout=600):
            received.update(message["Body"] for message in messages)
    assert acknowledged <= received


def _send(endpoint, account, url, name, acknowledged, stop):
    sqs = Clients(endpoint, account)("sqs")
    url = f"{endpoint}/{url.split('/', 3)[3]}"
    for number in range(100_000):
        if stop.is_set():
            return
        body = f"{name}-{number}"
        try:
            sqs.send_message(QueueUrl=url, MessageBody=body)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return
        acknowledged.add(body)
