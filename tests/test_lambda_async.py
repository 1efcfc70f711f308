"""Events that are accepted now and handled later: that none is lost, and where their records go."""

import http.client
import json
import os
import threading
import time

from support.clients import Clients, new_account, refused
from support.functions import Functions
from support.traca import Traca, eventually

# Events handed over at full speed before the platform is killed, and how often; the full measure is 100,000 and 3.
EVENTS = int(os.environ.get("TRACA_ASYNC_EVENTS", "200"))
ROUNDS = int(os.environ.get("TRACA_ASYNC_ROUNDS", "1"))

ECHO = "def handler(event, context):\n    return event\n"
FAIL = "def handler(event, context):\n    raise ValueError('no')\n"

# Notes each event that it has handled where it outlives the platform.
NOTE = """
import boto3, os
table = boto3.resource("dynamodb").Table("handled")
def handler(event, context):
    table.put_item(Item={"pk": event["id"]})
"""

# In open mode the signature of a key that Traca has not issued is not verified.
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential={key}/20240101/us-east-1/lambda/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


def queue(aws, name, **attributes):
    url = aws("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def receive(aws, url):
    """The next message of a queue."""

    def message():
        answer = aws("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])
        for found in answer.get("Messages", []):
            aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
            return found
        return None

    return eventually(message, f"a message in {url}")


class Sender:
    """Hands events over as fast as one connection takes them, and remembers which were accepted."""

    def __init__(self, traca, account, function, ids):
        self.address, self.account, self.function, self.ids = traca.address, account, function, ids
        self.accepted = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        headers = {
            "Authorization": AUTHORIZATION.format(key=self.account),
            "X-Amz-Date": "20240101T000000Z",
            "X-Amz-Invocation-Type": "Event",
        }
        path = f"/2015-03-31/functions/{self.function}/invocations"
        try:
            for identity in self.ids:
                connection.request("POST", path, json.dumps({"id": identity}), headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 202:
                    self.accepted.append(identity)
        except (OSError, http.client.HTTPException):
            # The platform is gone: what was under way was not acknowledged.
            pass
        finally:
            connection.close()


def handled(aws):
    """The events that were handled."""
    pages = aws("dynamodb").get_paginator("scan").paginate(TableName="handled", ConsistentRead=True)
    return {item["pk"]["S"] for page in pages for item in page["Items"]}


def letters(aws, url):
    """The events in the dead-letter queue, taken out."""
    found = set()
    while messages := aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found |= {json.loads(message["Body"])["id"] for message in messages}
    return found


def test_every_accepted_event_runs_or_becomes_a_dead_letter_though_the_platform_is_killed(data, tell):
    account = new_account()
    traca = Traca("--data", data)
    try:
        aws = Clients(traca.endpoint, account)
        table = {
            "TableName": "handled",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        }
        aws("dynamodb").create_table(BillingMode="PAY_PER_REQUEST", **table)
        url, arn = queue(aws, "letters", VisibilityTimeout="600")
        function = Functions(aws).create(NOTE, Timeout=60, DeadLetterConfig={"TargetArn": arn})
        aws("lambda").put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=0)
        accepted, dead = set(), set()
        for turn in range(ROUNDS):
            names = [f"{turn}-{number}" for number in range(EVENTS)]
            senders = [Sender(traca, account, function.name, names[start::4]) for start in range(4)]
            count = lambda: sum(len(sender.accepted) for sender in senders)
            eventually(lambda: count() > EVENTS // 2, "half of the events")
            traca.kill()
            for sender in senders:
                sender.thread.join()
            accepted |= {name for sender in senders for name in sender.accepted}
            started = time.monotonic()
            traca = Traca("--data", data)
            aws = Clients(traca.endpoint, account)
            missing = accepted

            def all_are_accounted_for():
                nonlocal missing
                dead.update(letters(aws, url))
                missing = accepted - handled(aws) - dead
                return not missing

            eventually(all_are_accounted_for, "every accepted event")
            seconds = time.monotonic() - started
            tell(f"asynchronous: {count()} of {EVENTS} accepted before the kill, all handled {seconds:.1f} s after it")
    finally:
        traca.kill()


def test_a_bucket_gets_the_record_of_a_failure(aws, functions):
    function = functions.create(FAIL)
    bucket = f"failures-{aws.account}"
    aws("s3").create_bucket(Bucket=bucket)
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    client = aws("lambda")
    client.put_function_event_invoke_config(
        FunctionName=function.name, MaximumRetryAttempts=0, DestinationConfig=destination
    )
    accepted = function.invoke({"a": 1}, tail=False, InvocationType="Event")
    objects = eventually(lambda: aws("s3").list_objects_v2(Bucket=bucket).get("Contents"), "an object")
    folder, _, name = objects[0]["Key"].rpartition("/")
    assert folder == f"aws/lambda/async/{function.name}/{name[:10].replace('-', '/')}"
    assert name[10] == "T" and name[13] == "." and len(name) == 19 + 37
    record = json.loads(aws("s3").get_object(Bucket=bucket, Key=objects[0]["Key"])["Body"].read())
    assert record["requestContext"]["requestId"] == accepted.request_id
    assert (record["requestContext"]["condition"], record["requestPayload"]) == ("RetriesExhausted", {"a": 1})
    refusal = refused(
        client.put_function_event_invoke_config,
        FunctionName=function.name,
        DestinationConfig={"OnSuccess": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )
    assert refusal.code == "InvalidParameterValueException"


def test_an_event_bus_gets_records_as_events(aws, functions):
    function = functions.create(ECHO)
    url, arn = queue(aws, "records")
    bus = aws("events").create_event_bus(Name="records")["EventBusArn"]
    aws("events").put_rule(Name="all", EventBusName="records", EventPattern=json.dumps({"source": ["lambda"]}))
    aws("events").put_targets(Rule="all", EventBusName="records", Targets=[{"Id": "queue", "Arn": arn}])
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    aws("lambda").put_function_event_invoke_config(
        FunctionName=function.name, DestinationConfig={"OnSuccess": {"Destination": bus}}
    )
    function.invoke({"a": 1}, tail=False, InvocationType="Event")
    event = json.loads(receive(aws, url)["Body"])
    function_arn = f"arn:aws:lambda:us-east-1:{aws.account}:function:{function.name}:$LATEST"
    assert (event["source"], event["detail-type"]) == ("lambda", "Lambda Function Invocation Result - Success")
    assert event["resources"] == [bus, function_arn]
    assert (event["detail"]["responsePayload"], event["detail"]["requestContext"]["condition"]) == ({"a": 1}, "Success")


LOOP = """
import boto3, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["NEXT"], MessageBody=os.environ["_X_AMZN_TRACE_ID"])
"""


def test_a_loop_through_a_queue_is_stopped(aws, functions):
    url, arn = queue(aws, "loop", VisibilityTimeout="30")
    letters_url, letters_arn = queue(aws, "loop-letters")
    redrive = json.dumps({"deadLetterTargetArn": letters_arn, "maxReceiveCount": 1})
    aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "20"})
    function = functions.create(LOOP, Timeout=20, Environment={"Variables": {"NEXT": url}})
    client = aws("lambda")
    assert client.get_function_recursion_config(FunctionName=function.name)["RecursiveLoop"] == "Terminate"
    client.create_event_source_mapping(FunctionName=function.name, EventSourceArn=arn)
    aws("sqs").send_message(QueueUrl=url, MessageBody="go")
    letter = receive(aws, letters_url)["Body"]
    assert letter.partition("Lineage=1:")[2].endswith(":15"), letter

    put = client.put_function_recursion_config(FunctionName=function.name, RecursiveLoop="Allow")
    assert put["RecursiveLoop"] == "Allow"
    assert client.get_function_recursion_config(FunctionName=function.name)["RecursiveLoop"] == "Allow"
    refusal = refused(client.put_function_recursion_config, FunctionName=function.name, RecursiveLoop="Never")
    assert refusal.code == "ValidationException"
    refusal = refused(client.get_function_recursion_config, FunctionName="absent")
    assert refusal.code == "ResourceNotFoundException"


SELF = """
import boto3, json
from botocore.config import Config
client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
def handler(event, context):
    try:
        answer = client.invoke(FunctionName=context.function_name, Payload=b"{}")
        return json.loads(answer["Payload"].read())
    except client.exceptions.RecursiveInvocationException as error:
        return error.response["Error"]
"""


def test_a_function_that_invokes_itself_is_stopped(aws, functions):
    function = functions.create(SELF, Timeout=60, MemorySize=128)
    answer = function.answer({})
    assert answer["Code"] == "RecursiveInvocationException"
    assert answer["Message"].startswith("Lambda has detected your function being invoked in a recursive loop")


def test_mappings_have_tags(aws, functions):
    function = functions.create(ECHO)
    _, arn = queue(aws, "tagged")
    client = aws("lambda")
    mapping = client.create_event_source_mapping(FunctionName=function.name, EventSourceArn=arn, Tags={"a": "1"})
    resource = mapping["EventSourceMappingArn"]
    assert client.list_tags(Resource=resource)["Tags"] == {"a": "1"}
    client.tag_resource(Resource=resource, Tags={"b": "2"})
    client.untag_resource(Resource=resource, TagKeys=["a"])
    assert client.list_tags(Resource=resource)["Tags"] == {"b": "2"}
    refusal = refused(client.list_tags, Resource=resource[:-36] + "5a1b2c3d-0000-4000-8000-000000000000")
    assert refusal.code == "ResourceNotFoundException"
