"""What buckets tell: queues, topics, functions and the event bus, with records as AWS makes them."""

import json
import re

import pytest

from support.clients import Clients, new_account, refused as refusal
from support.traca import Traca, eventually


def refused(code, operation, **parameters):
    """Calls an operation that must be refused with this code."""
    told = refusal(operation, **parameters)
    assert told.code == code, told
    return told


def policy(action, resource, bucket):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Queue:
    """A queue that a bucket may tell."""

    def __init__(self, aws, bucket, name="told"):
        self.sqs = aws("sqs")
        self.arn = f"arn:aws:sqs:us-east-1:{aws.account}:{name}"
        attributes = {"Policy": policy("sqs:SendMessage", self.arn, bucket)}
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def messages(self, count):
        """The bodies of the next messages; a failure if they do not come."""
        found = []

        def take():
            answer = self.sqs.receive_message(
                QueueUrl=self.url, WaitTimeSeconds=1, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
            )
            for message in answer.get("Messages", []):
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
            return len(found) >= count

        eventually(take, f"{count} messages")
        assert len(found) == count, found
        return found

    def records(self, count):
        """The records of the next messages, in their order, by key."""
        bodies = self.messages(count)
        assert all(len(body["Records"]) == 1 for body in bodies)
        records = [body["Records"][0] for body in bodies]
        return sorted(records, key=lambda record: (record["s3"]["object"].get("sequencer", ""), record["eventTime"]))


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(aws, s3):
    name = f"telling-{aws.account}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def queue(aws, bucket):
    return Queue(aws, bucket)


def told(s3, bucket, queue, *events, **further):
    rule = {"Id": "rule", "QueueArn": queue.arn, "Events": list(events), **further}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]}
    )
    test = queue.messages(1)[0]
    assert sorted(test) == ["Bucket", "Event", "HostId", "RequestId", "Service", "Time"]
    assert (test["Event"], test["Service"], test["Bucket"]) == ("s3:TestEvent", "Amazon S3", bucket)


def test_a_queue_is_told_what_happens_to_an_object(aws, s3, bucket, queue):
    told(s3, bucket, queue, "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*")
    put = s3.put_object(Bucket=bucket, Key="a b/ä@.txt", Body=b"hello")
    [record] = queue.records(1)
    assert list(record) == [
        "eventVersion", "eventSource", "awsRegion", "eventTime", "eventName", "userIdentity", "requestParameters",
        "responseElements", "s3",
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("eventTime"))
    thing = record["s3"]["object"]
    assert re.fullmatch("[0-9A-F]{18}", thing.pop("sequencer"))
    owner = record["s3"]["bucket"].pop("ownerIdentity")["principalId"]
    assert re.fullmatch("A[A-Z2-7]{13}", owner) and record.pop("userIdentity") == {"principalId": owner}
    headers = put["ResponseMetadata"]["HTTPHeaders"]
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": headers["x-amz-request-id"], "x-amz-id-2": headers["x-amz-id-2"]
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "rule",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": "a+b/%C3%A4%40.txt", "size": 5, "eTag": "5d41402abc4b2a76b9719d911017c592"},
        },
    }
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ä@.txt"})
    s3.put_object_tagging(Bucket=bucket, Key="copy", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.delete_object_tagging(Bucket=bucket, Key="copy")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"1234")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "parts"}, {"Key": "there is none of it"}]})
    s3.delete_object(Bucket=bucket, Key="copy")
    by_name = {(record["eventName"], record["s3"]["object"]["key"]): record for record in queue.records(6)}
    assert set(by_name) == {
        ("ObjectCreated:Copy", "copy"),
        ("ObjectTagging:Put", "copy"),
        ("ObjectTagging:Delete", "copy"),
        ("ObjectCreated:CompleteMultipartUpload", "parts"),
        ("ObjectRemoved:Delete", "parts"),
        ("ObjectRemoved:Delete", "copy"),
    }
    tagged = by_name["ObjectTagging:Put", "copy"]
    assert tagged["eventVersion"] == "2.3" and sorted(tagged["s3"]["object"]) == ["eTag", "key"]
    assert sorted(by_name["ObjectRemoved:Delete", "copy"]["s3"]["object"]) == ["key", "sequencer"]
    whole = by_name["ObjectCreated:CompleteMultipartUpload", "parts"]["s3"]["object"]
    assert whole["size"] == 4 and whole["eTag"].endswith("-1")
    assert by_name["ObjectRemoved:Delete", "parts"]["s3"]["object"]["sequencer"] > whole["sequencer"]


def test_versions_and_markers_are_told_with_their_ids(s3, bucket, queue):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    told(s3, bucket, queue, "s3:ObjectCreated:Put", "s3:ObjectRemoved:*")
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=first)
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker)
    seen = {(record["eventName"], record["s3"]["object"]["versionId"]) for record in queue.records(4)}
    assert seen == {
        ("ObjectCreated:Put", first),
        ("ObjectRemoved:DeleteMarkerCreated", marker),
        ("ObjectRemoved:Delete", first),
        ("ObjectRemoved:Delete", marker),
    }


def test_filters_choose_keys(s3, bucket, queue):
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "SUFFIX", "Value": ".txt"}]
    told(s3, bucket, queue, "s3:ObjectCreated:*", Filter={"Key": {"FilterRules": rules}})
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert shown == [
        {
            "Id": "rule",
            "QueueArn": queue.arn,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {
                "Key": {"FilterRules": [{"Name": "Prefix", "Value": "in/"}, {"Name": "Suffix", "Value": ".txt"}]}
            },
        }
    ]
    for key in ("out/a.txt", "in/a.png", "in/a.txt"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    assert [record["s3"]["object"]["key"] for record in queue.records(1)] == ["in/a.txt"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert set(s3.get_bucket_notification_configuration(Bucket=bucket)) == {"ResponseMetadata"}


def test_topics_functions_and_the_bus_are_told(aws, s3, bucket, queue, functions):
    sns, events = aws("sns"), aws("events")
    topic = sns.create_topic(Name="told")["TopicArn"]
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=policy("sns:Publish", topic, bucket)
    )
    heard = Queue(aws, bucket, "heard")
    queue_policy = json.loads(policy("sqs:SendMessage", heard.arn, bucket))
    queue_policy["Statement"][0] = {
        "Effect": "Allow", "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]},
        "Action": "sqs:SendMessage", "Resource": heard.arn,
    }
    heard.sqs.set_queue_attributes(QueueUrl=heard.url, Attributes={"Policy": json.dumps(queue_policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard.arn)
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.s3"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": heard.arn}])
    function = functions.create("def handler(event, context):\n    print('told', event['Records'][0]['eventName'])\n")
    arn = f"arn:aws:lambda:us-east-1:{aws.account}:function:{function.name}"
    configuration = {
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectRemoved:*"]}],
        "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}],
        "EventBridgeConfiguration": {},
    }
    put = dict(Bucket=bucket, NotificationConfiguration=configuration)
    told = refused("InvalidArgument", s3.put_bucket_notification_configuration, **put)
    assert told.message == "Unable to validate the following destination configurations"
    assert told.response["Error"]["ArgumentName1"] == f"{arn}, null"
    assert told.response["Error"]["ArgumentValue1"] == f"Not authorized to invoke function [{arn}]"
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    heard.messages(1)
    aws("lambda").add_permission(
        FunctionName=function.name, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )
    s3.put_bucket_notification_configuration(**put)
    [test] = heard.messages(1)
    assert test["Subject"] == "Amazon S3 Notification" and json.loads(test["Message"])["Event"] == "s3:TestEvent"
    s3.put_object(Bucket=bucket, Key="a b", Body=b"xy")
    [created] = heard.messages(1)
    assert (created["source"], created["detail-type"]) == ("aws.s3", "Object Created")
    assert created["resources"] == [f"arn:aws:s3:::{bucket}"]
    detail = created["detail"]
    assert detail["object"].pop("sequencer") and detail.pop("request-id")
    assert detail == {
        "version": "0",
        "bucket": {"name": bucket},
        "object": {"key": "a b", "size": 2, "etag": "3e44107170a520582ade522fa73c1d15"},
        "requester": aws.account,
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }
    logs, group = aws("logs"), f"/aws/lambda/{function.name}"

    def lines():
        try:
            return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    eventually(lambda: "told ObjectCreated:Put\n" in lines() or "told ObjectCreated:Put" in lines(), "the function")
    s3.delete_object(Bucket=bucket, Key="a b")
    messages = heard.messages(2)
    [deleted] = [message["detail"] for message in messages if "detail" in message]
    assert (deleted["deletion-type"], deleted["reason"]) == ("Permanently Deleted", "DeleteObject")
    [published] = [json.loads(message["Message"]) for message in messages if "Message" in message]
    assert published["Records"][0]["eventName"] == "ObjectRemoved:Delete"


def test_wrong_configurations_are_refused_in_awss_words(aws, s3, bucket, queue):
    arn = queue.arn

    def put(*rules, **further):
        configuration = {"QueueConfigurations": list(rules)}
        return refused(
            "InvalidArgument", s3.put_bucket_notification_configuration, Bucket=bucket,
            NotificationConfiguration=configuration, **further,
        )

    def rule(events=("s3:ObjectCreated:*",), arn=arn, **further):
        return {"QueueArn": arn, "Events": list(events), **further}

    def filtered(**parts):
        return {"Filter": {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in parts.items()]}}}

    error = put(rule(arn="invalid"), SkipDestinationValidation=True).response["Error"]
    assert (error["Message"], error["ArgumentName"], error["ArgumentValue"]) == (
        "The ARN could not be parsed", "Queue", "invalid"
    )
    missing = f"arn:aws:sqs:us-east-1:{aws.account}:there-is-none"
    error = put(rule(arn=missing)).response["Error"]
    assert (error["ArgumentName1"], error["ArgumentValue1"]) == (missing, "The destination queue does not exist")
    closed = aws("sqs").create_queue(QueueName="closed")["QueueUrl"]
    error = put(rule(arn=arn.replace(":told", ":closed"))).response["Error"]
    assert error["ArgumentValue1"] == (
        "Permissions on the destination queue do not allow S3 to publish notifications from this bucket"
    ), closed
    error = put(rule(**filtered(INVALID="x"))).response["Error"]
    assert (error["Message"], error["ArgumentName"], error["ArgumentValue"]) == (
        "filter rule name must be either prefix or suffix", "FilterRule.Name", "INVALID"
    )
    assert "overlap" in put(rule(), rule(["s3:ObjectCreated:Put"])).message
    assert "ambiguously defined" in put(rule(**filtered(prefix="a")), rule(**filtered(prefix="ab"))).message
    assert "Same ID" in put(rule(Id="x"), rule(["s3:ObjectRemoved:*"], Id="x")).message
    put(rule(["s3:Nothing"]))
    assert "region" in put(rule(arn=arn.replace("us-east-1", "eu-west-1"))).message
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule(arn=missing)]},
        SkipDestinationValidation=True,
    )


def test_no_event_of_an_acknowledged_write_is_lost_when_the_process_is_killed(data):
    account = new_account()
    with Traca("--data", data) as traca:
        aws = Clients(traca.endpoint, account)
        s3 = aws("s3")
        s3.create_bucket(Bucket="lasting")
        queue = Queue(aws, "lasting")
        told(s3, "lasting", queue, "s3:ObjectCreated:*")
        for number in range(20):
            s3.put_object(Bucket="lasting", Key=str(number), Body=b"x")
        traca.kill()
    with Traca("--data", data) as traca:
        aws = Clients(traca.endpoint, account)
        queue, seen = Queue(aws, "lasting"), set()

        def all_seen():
            messages = queue.sqs.receive_message(QueueUrl=queue.url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
            for message in messages.get("Messages", []):
                seen.update(record["s3"]["object"]["key"] for record in json.loads(message["Body"])["Records"])
            return seen == {str(number) for number in range(20)}

        eventually(all_seen, "every event")
