"""SNS with real clients."""

import base64
import http.server
import json
import shutil
import subprocess
import tempfile
import threading
import urllib.request
from pathlib import Path

import pytest

from support.clients import Clients, new_account, refused
from support.traca import PATIENCE_SECONDS, Traca, eventually


@pytest.fixture
def sns(aws):
    return aws("sns")


@pytest.fixture
def topic(sns):
    return sns.create_topic(Name="news")["TopicArn"]


def queue(aws, name, topic, **attributes):
    """A queue that a topic may send to: its URL and its ARN."""
    sqs = aws("sqs")
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})["QueueUrl"]
    return url, arn


def messages(aws, url, count=1):
    """So many messages, with their attributes."""
    found = []

    def look():
        answer = aws("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
        )
        found.extend(answer.get("Messages", []))
        return len(found) >= count

    eventually(look, "messages")
    assert len(found) == count
    return found


def test_a_queue_gets_what_is_published_signed(aws, sns, topic):
    url, arn = queue(aws, "inbox", topic)
    sns.publish(TopicArn=topic, Message="before anybody listens")
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    attributes = {"colour": {"DataType": "String", "StringValue": "red"}}
    published = sns.publish(TopicArn=topic, Message="hello", Subject="greeting", MessageAttributes=attributes)
    [message] = messages(aws, url)
    body = json.loads(message["Body"])
    assert (body["Type"], body["Message"], body["Subject"]) == ("Notification", "hello", "greeting")
    assert (body["MessageId"], body["TopicArn"]) == (published["MessageId"], topic)
    assert body["MessageAttributes"] == {"colour": {"Type": "String", "Value": "red"}}
    assert subscription in body["UnsubscribeURL"]
    check_signature(body)


def check_signature(body):
    """Checks a signature with nothing but the certificate, as clients' validators do."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    with urllib.request.urlopen(body["SigningCertURL"], timeout=PATIENCE_SECONDS) as answer:
        certificate = answer.read()
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    signed = "".join(f"{name}\n{body[name]}\n" for name in names if name in body).encode()
    digest = {"1": "-sha1", "2": "-sha256"}[body["SignatureVersion"]]
    with tempfile.TemporaryDirectory() as directory:
        key, signature = Path(directory, "key"), Path(directory, "signature")
        key.write_bytes(subprocess.run([openssl, "x509", "-pubkey", "-noout"], input=certificate, capture_output=True).stdout)
        signature.write_bytes(base64.b64decode(body["Signature"]))
        command = [openssl, "dgst", digest, "-verify", key, "-signature", signature]
        checked = subprocess.run(command, input=signed, capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_filter_policies_choose_by_attributes_and_by_body(aws, sns, topic):
    url, arn = queue(aws, "by-attributes", topic)
    policy = json.dumps({"kind": ["order"], "price": [{"numeric": [">=", 10]}]})
    attributes = {"FilterPolicy": policy, "RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    other_url, other_arn = queue(aws, "by-body", topic)
    attributes = {
        "FilterPolicy": json.dumps({"detail": {"state": [{"anything-but": "off"}]}}),
        "FilterPolicyScope": "MessageBody",
        "RawMessageDelivery": "true",
    }
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=other_arn, Attributes=attributes)
    for text, price in [('{"detail":{"state":"off"}}', "5"), ('{"detail":{"state":"on"}}', "10.5")]:
        given = {
            "kind": {"DataType": "String", "StringValue": "order"},
            "price": {"DataType": "Number", "StringValue": price},
        }
        sns.publish(TopicArn=topic, Message=text, MessageAttributes=given)
    [message] = messages(aws, url)
    assert (message["Body"], message["MessageAttributes"]["price"]["StringValue"]) == ('{"detail":{"state":"on"}}', "10.5")
    [message] = messages(aws, other_url)
    assert message["Body"] == '{"detail":{"state":"on"}}'
    bad = refused(
        sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=arn + "x", Attributes={"FilterPolicy": '{"key":[["value"]]}'}
    )
    assert bad.message == (
        "Invalid parameter: Attributes Reason: FilterPolicy: Match value must be String, number, true, false, or null\n"
        ' at [Source: (String)"{"key":[["value"]]}"; line: 1, column: 10]'
    )


def test_fifo_topics_keep_order_and_drop_duplicates(aws, sns):
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic = sns.create_topic(Name="news.fifo", Attributes=attributes)["TopicArn"]
    url, arn = queue(aws, "inbox.fifo", topic, FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    for text in ["1", "2", "2", "3"]:
        assert sns.publish(TopicArn=topic, Message=text, MessageGroupId="g")["SequenceNumber"]
    entries = [{"Id": text, "Message": text, "MessageGroupId": "g"} for text in "456"]
    assert len(sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]) == 3
    counts = lambda: aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    eventually(lambda: counts()["Attributes"]["ApproximateNumberOfMessages"] == "6", "six messages")
    assert [message["Body"] for message in messages(aws, url, 6)] == list("123456")


def test_what_cannot_be_delivered_lies_with_the_dead_letters(aws, sns, topic):
    dead_url, dead_arn = queue(aws, "dead", topic)
    _, arn = queue(aws, "gone", topic)
    attributes = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn}), "RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    aws("sqs").delete_queue(QueueUrl=aws("sqs").get_queue_url(QueueName="gone")["QueueUrl"])
    sns.publish(TopicArn=topic, Message="lost?")
    [message] = messages(aws, dead_url)
    assert message["Body"] == "lost?"


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body.decode()))
        self.send_response(200 if self.server.requests else 500)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_an_http_endpoint_confirms_and_then_listens(sns, topic, endpoint):
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    address = f"http://127.0.0.1:{endpoint.server_address[1]}/sns"
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=address)
    assert answer["SubscriptionArn"] == "pending confirmation"
    headers, text = eventually(lambda: endpoint.requests, "the request for confirmation")[0]
    request = json.loads(text)
    assert headers["x-amz-sns-message-type"] == "SubscriptionConfirmation" == request["Type"]
    check_signature(request)
    with urllib.request.urlopen(request["SubscribeURL"], timeout=PATIENCE_SECONDS) as confirmed:
        assert confirmed.status == 200
    sns.publish(TopicArn=topic, Message="hello")
    headers, text = eventually(lambda: endpoint.requests[1:], "the notification")[0]
    body = json.loads(text)
    assert (headers["x-amz-sns-message-type"], body["Message"]) == ("Notification", "hello")
    check_signature(body)
    [subscription] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert subscription["SubscriptionArn"] == headers["x-amz-sns-subscription-arn"]


def test_mails_lie_in_the_outbox(aws, sns, topic, platform):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="somebody@example.com")
    page = f"outbox?account={aws.account}&region={aws.region}"
    [mail] = eventually(lambda: json.loads(platform.page(page))["messages"], "the mail")
    assert (mail["to"], mail["protocol"]) == ("somebody@example.com", "email")
    with urllib.request.urlopen(mail["body"].splitlines()[-1], timeout=PATIENCE_SECONDS):
        pass
    sns.publish(TopicArn=topic, Subject="greeting", Message='{"default":"hi","email":"dear"}', MessageStructure="json")
    mails = eventually(lambda: (found := json.loads(platform.page(page))["messages"])[1:] and found, "the second mail")
    assert {("greeting", "dear")} <= {(mail["subject"], mail["body"]) for mail in mails}


def test_a_function_gets_what_is_published(aws, sns, topic, functions):
    code = "def handler(event, context):\n    print('got', event['Records'][0]['Sns']['Message'])\n"
    function = functions.create(code, name="listener")
    arn = aws("lambda").get_function(FunctionName="listener")["Configuration"]["FunctionArn"]
    aws("lambda").add_permission(
        FunctionName="listener",
        StatementId="sns",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="hello function")
    logs = aws("logs")

    def printed():
        try:
            events = logs.filter_log_events(logGroupName="/aws/lambda/listener")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return False
        return any("got hello function" in event["message"] for event in events)

    eventually(printed, "the function's line")


def test_refusals_have_awss_words(sns, topic):
    for operation, parameters, code, text in [
        (sns.publish, {"TopicArn": topic, "Message": ""}, "InvalidParameter", "Invalid parameter: Empty message"),
        (sns.publish, {"TopicArn": topic + "x", "Message": "x"}, "NotFound", "Topic does not exist"),
        (
            sns.publish,
            {"TopicArn": "x", "Message": "x"},
            "InvalidParameter",
            "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
        ),
        (
            sns.subscribe,
            {"TopicArn": topic, "Protocol": "pigeon", "Endpoint": "x"},
            "InvalidParameter",
            "Invalid parameter: Amazon SNS does not support this protocol string: pigeon",
        ),
        (sns.create_topic, {"Name": "a b"}, "InvalidParameter", "Invalid parameter: Topic Name"),
        (
            sns.publish,
            {"TopicArn": topic, "Message": "{}", "MessageStructure": "json"},
            "InvalidParameter",
            "Invalid parameter: Message Structure - No default entry in JSON message body",
        ),
    ]:
        refusal = refused(operation, **parameters)
        assert (refusal.code, refusal.message) == (code, text)


def test_topics_have_attributes_tags_and_permissions(aws, sns, topic):
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["Owner"] == aws.account and attributes["SubscriptionsConfirmed"] == "0"
    assert json.loads(attributes["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "team", "Value": "red"}])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "team", "Value": "red"}]
    sns.add_permission(TopicArn=topic, Label="other", AWSAccountId=["111122223333"], ActionName=["Publish"])
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["__default_statement_ID", "other"]
    sns.remove_permission(TopicArn=topic, Label="other")
    assert [entry["TopicArn"] for entry in sns.list_topics()["Topics"]] == [topic]
    sns.delete_topic(TopicArn=topic)
    sns.delete_topic(TopicArn=topic)
    assert sns.list_topics()["Topics"] == []


def test_no_acknowledged_message_is_lost_when_the_process_is_killed(data):
    account, acknowledged, received = new_account(), set(), set()
    for number in range(3):
        with Traca("--data", data) as traca:
            clients = Clients(traca.endpoint, account)
            sns = clients("sns")
            topic = sns.create_topic(Name="news")["TopicArn"]
            if number == 0:
                _, arn = queue(clients, "inbox", topic)
                attributes = {"RawMessageDelivery": "true"}
                sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
            for message in range(40):
                sns.publish(TopicArn=topic, Message=f"{number}-{message}")
                acknowledged.add(f"{number}-{message}")
            traca.kill()
    with Traca("--data", data) as traca:
        sqs = Clients(traca.endpoint, account)("sqs")
        url = sqs.get_queue_url(QueueName="inbox")["QueueUrl"]

        def all_received():
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600)
            received.update(message["Body"] for message in answer.get("Messages", []))
            return acknowledged <= received

        eventually(all_received, "every acknowledged message")


def test_a_short_message_to_a_number_lies_in_the_outbox(aws, sns, platform):
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Transactional", "DefaultSenderID": "Traca"})
    assert sns.get_sms_attributes(attributes=["DefaultSMSType"])["attributes"] == {"DefaultSMSType": "Transactional"}
    sender = {"AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Shop"}}
    assert sns.publish(PhoneNumber="+15551234567", Message="your code", MessageAttributes=sender)["MessageId"]
    [sent] = json.loads(platform.page(f"outbox?account={aws.account}&region={aws.region}"))["messages"]
    assert {"protocol": "sms", "to": "+15551234567", "body": "your code"}.items() <= sent.items()
    assert (sent["sender"], sent["kind"]) == ("Shop", "Transactional")
    refusal = refused(sns.publish, PhoneNumber="nobody", Message="x")
    assert refusal.message == "Invalid parameter: PhoneNumber Reason: nobody is not valid to publish to"
    assert refused(sns.set_sms_attributes, attributes={"UsageReportS3Bucket": "b"}).code == "InvalidParameter"


def test_an_encrypted_topic_needs_its_key(aws, sns):
    key = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    topic = sns.create_topic(Name="secret", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == key
    url, arn = queue(aws, "inbox", topic)
    filtered = {"RawMessageDelivery": "true", "FilterPolicy": '{"kind": ["wanted"]}'}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=filtered)
    wanted = {"kind": {"DataType": "String", "StringValue": "wanted"}}
    sns.publish(TopicArn=topic, Message="secret", MessageAttributes=wanted)
    [message] = messages(aws, url)
    assert (message["Body"], message["MessageAttributes"]["kind"]["StringValue"]) == ("secret", "wanted")
    aws("kms").disable_key(KeyId=key)
    assert refused(sns.publish, TopicArn=topic, Message="x").code == "KMSDisabled"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    sns.publish(TopicArn=topic, Message="again", MessageAttributes=wanted)
    assert messages(aws, url)[0]["Body"] == "again"


def test_a_standard_queue_behind_a_fifo_topic_gets_no_group_and_no_signature(aws, sns):
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic = sns.create_topic(Name="news.fifo", Attributes=attributes)["TopicArn"]
    url, arn = queue(aws, "inbox", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    published = sns.publish(TopicArn=topic, Message="hello", MessageGroupId="g")
    answer = aws("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageSystemAttributeNames=["All"])
    [message] = answer["Messages"]
    body = json.loads(message["Body"])
    assert (body["Message"], body["SequenceNumber"]) == ("hello", published["SequenceNumber"])
    assert "Signature" not in body and "MessageGroupId" not in message["Attributes"]


def test_push_messages_to_devices_are_recorded(aws, sns, topic, platform):
    credentials = {"PlatformCredential": "key", "PlatformPrincipal": "certificate"}
    application = sns.create_platform_application(Name="shop", Platform="APNS", Attributes=credentials)
    application = application["PlatformApplicationArn"]
    assert application == f"arn:aws:sns:{aws.region}:{aws.account}:app/APNS/shop"
    listed = sns.list_platform_applications()["PlatformApplications"]
    assert listed == [{"PlatformApplicationArn": application, "Attributes": {"Enabled": "true"}}]

    given = {"PlatformApplicationArn": application, "Token": "t-1", "CustomUserData": "Ada"}
    device = sns.create_platform_endpoint(**given)["EndpointArn"]
    assert device.startswith(application.replace(":app/", ":endpoint/") + "/")
    assert sns.create_platform_endpoint(**given)["EndpointArn"] == device
    refusal = refused(sns.create_platform_endpoint, **{**given, "CustomUserData": "Bob"})
    assert refusal.code == "InvalidParameter"
    assert refusal.message == (
        f"Invalid parameter: Token Reason: Endpoint {device} already exists with the same Token, but different attributes."
    )
    attributes = {"Enabled": "true", "Token": "t-1", "CustomUserData": "Ada"}
    assert sns.get_endpoint_attributes(EndpointArn=device)["Attributes"] == attributes

    texts = {"APNS": '{"aps": {"alert": "hello"}}'}
    sns.publish(TargetArn=device, Message=json.dumps(texts), MessageStructure="json")
    sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=device)
    sns.publish(TopicArn=topic, Message="to all")

    def bodies():
        page = platform.page(f"outbox?account={aws.account}&region={aws.region}")
        sent = json.loads(page)["messages"]
        return [entry["body"] for entry in sent if entry["protocol"] == "application" and entry["to"] == device]

    eventually(lambda: sorted(bodies()) == sorted(["to all", texts["APNS"]]), "both messages to the device")

    sns.set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "false"})
    refusal = refused(sns.publish, TargetArn=device, Message="hello")
    assert (refusal.code, refusal.message) == ("EndpointDisabled", "Endpoint is disabled")
    sns.delete_platform_application(PlatformApplicationArn=application)
    refusal = refused(sns.get_endpoint_attributes, EndpointArn=device)
    assert (refusal.code, refusal.message) == ("NotFound", "Endpoint does not exist")
    refusal = refused(sns.list_endpoints_by_platform_application, PlatformApplicationArn=application)
    assert (refusal.code, refusal.message) == ("NotFound", "PlatformApplication does not exist")


def test_settings_of_short_messages_name_what_is_wrong(sns):
    assert sns.get_sms_attributes()["attributes"] == {"MonthlySpendLimit": "1"}
    assert refused(sns.set_sms_attributes, attributes={"Colour": "red"}).message == "Colour is not a valid attribute"
    assert refused(sns.set_sms_attributes, attributes={"DefaultSMSType": "x"}).message == "DefaultSMSType is invalid"


def test_nobody_opts_out_of_short_messages(sns):
    assert not sns.check_if_phone_number_is_opted_out(phoneNumber="+15551234567")["isOptedOut"]
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == []
    sns.opt_in_phone_number(phoneNumber="+15551234567")
    refusal = refused(sns.opt_in_phone_number, phoneNumber="nobody")
    assert refusal.message == "Invalid parameter: PhoneNumber Reason: input incorrectly formatted"
    assert not sns.get_sms_sandbox_account_status()["IsInSandbox"]
    assert sns.list_origination_numbers()["PhoneNumbers"] == []


def test_push_applications_name_what_is_wrong(sns):
    both = {"PlatformCredential": "x", "PlatformPrincipal": "y"}

    def wrong(name="shop", platform="APNS", **attributes):
        given = {"Name": name, "Platform": platform, "Attributes": attributes or both}
        refusal = refused(sns.create_platform_application, **given)
        assert refusal.code == "InvalidParameter"
        return refusal.message.removeprefix("Invalid parameter: ")

    assert wrong(platform="FAX") == "Platform Reason: FAX is not supported"
    allowed = "'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"
    assert wrong("a b") == f"a b Reason: must contain only characters {allowed}"
    alone = "Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal"
    assert wrong(PlatformCredential="x") == alone
    assert wrong(**both, Colour="red") == "Attributes Reason: Invalid attribute name: Colour"
    refusal = refused(sns.create_platform_application, Name="shop", Platform="APNS", Attributes={})
    assert refusal.code == "ValidationError"
