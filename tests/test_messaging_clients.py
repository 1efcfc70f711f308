"""Queues, topics and buses with other clients than boto3: both AWS SDKs for JavaScript, the AWS CLI, and requests as the
old clients of SQS made them (forms, with signatures of version 4 or of version 2's parameters left out)."""

import hashlib
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree
from pathlib import Path

import pytest

from support.clients import new_account
from support.traca import PATIENCE_SECONDS

SCRIPT = Path(__file__).parent / "node" / "messaging.cjs"


@pytest.mark.parametrize("version", ["2", "3"])
def test_the_sdk_for_javascript(platform, version):
    command = ["node", SCRIPT, version, platform.endpoint, new_account(), f"sdk-{version}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["sent"] == ["a"]
    assert answer["failed"] == ["MissingParameter" if version == "2" else answer["failed"][0]]
    assert answer["put"] == 0
    assert answer["bodies"] == ["directly", "from the topic", '{"from":"the bus"}']
    assert answer["refusal"] in ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


class QueryClient:
    """Posts or gets forms at a queue's address, as boto 2 did; the signature names the account and is not checked in open
    mode."""

    def __init__(self, endpoint, account):
        self.endpoint = endpoint
        scope = f"{account}/20260101/us-east-1/sqs/aws4_request"
        self.headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
            "X-Amz-Date": "20260101T000000Z",
        }

    def call(self, url=None, method="POST", **parameters):
        form = urllib.parse.urlencode({"Version": "2012-11-05", **parameters})
        url = url or f"{self.endpoint}/"
        if method == "GET":
            request = urllib.request.Request(f"{url}?{form}", headers=self.headers)
        else:
            request = urllib.request.Request(url, data=form.encode(), headers=self.headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        root = xml.etree.ElementTree.fromstring(body)
        return status, root, root.tag.split("}")[0].strip("{")

    def text(self, root, name):
        return next(element.text for element in root.iter() if element.tag.rpartition("}")[2] == name)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_old_clients_of_queues(platform, method):
    old = QueryClient(platform.endpoint, new_account())
    status, created, namespace = old.call(
        method=method, Action="CreateQueue", QueueName="old", **{"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "45"}
    )
    assert (status, namespace) == (200, "http://queue.amazonaws.com/doc/2012-11-05/")
    url = old.text(created, "QueueUrl")
    _, sent, _ = old.call(url, method, Action="SendMessage", MessageBody="hello & <welcome>")
    digest = hashlib.md5(b"hello & <welcome>", usedforsecurity=False).hexdigest()
    assert old.text(sent, "MD5OfMessageBody") == digest
    _, received, _ = old.call(url, method, Action="ReceiveMessage", MaxNumberOfMessages="10", WaitTimeSeconds="5")
    assert old.text(received, "Body") == "hello & <welcome>"
    handle = old.text(received, "ReceiptHandle")
    assert old.call(url, method, Action="DeleteMessage", ReceiptHandle=handle)[0] == 200
    batch = {"Action": "SendMessageBatch"}
    for number in (1, 2):
        prefix = f"SendMessageBatchRequestEntry.{number}"
        batch |= {f"{prefix}.Id": f"m{number}", f"{prefix}.MessageBody": f"body {number}"}
    _, answer, _ = old.call(url, method, **batch)
    assert [entry.text for entry in answer.iter() if entry.tag.endswith("}Id")] == ["m1", "m2"]
    _, attributes, _ = old.call(url, method, Action="GetQueueAttributes", **{"AttributeName.1": "VisibilityTimeout"})
    assert old.text(attributes, "Value") == "45"
    status, missing, _ = old.call(method=method, Action="GetQueueUrl", QueueName="nowhere")
    assert (status, old.text(missing, "Code")) == (400, "AWS.SimpleQueueService.NonExistentQueue")
    assert old.text(missing, "Message") == "The specified queue does not exist for this wsdl version."
    status, unknown, _ = old.call(url, method, Action="Frobnicate")
    assert (status, old.text(unknown, "Code")) == (400, "InvalidAction")
    assert old.call(url, method, Action="DeleteQueue")[0] == 200
