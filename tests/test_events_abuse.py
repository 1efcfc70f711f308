"""Endpoints, rules and messages that would keep the platform busy for ever, or lead it where it must not go."""

import json
import socket
import threading

import pytest

from support.clients import Clients, new_account
from support.identities import policy, trust
from support.traca import Traca, eventually

# What an endless answer may have cost before nobody reads it any more, in bytes: buffers of both sides are part of it.
READ_AT_MOST = 64 * 1024 * 1024

# Most buses that an event passes.
BUSES = 8


class Endpoint:
    """A server on this machine that does with each connection what it is told; it counts them, and what they take."""

    def __init__(self, behaviour):
        self.connections, self.sent, self.ended = 0, 0, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, args=(behaviour,), daemon=True).start()

    def run(self, behaviour):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(behaviour, connection), daemon=True).start()

    def serve(self, behaviour, connection):
        with connection:
            try:
                connection.recv(64 * 1024)
                behaviour(self, connection)
            except OSError:
                pass
        self.ended.set()

    def send(self, connection, data):
        connection.sendall(data)
        self.sent += len(data)


def hang(endpoint, connection):
    """Never answers: waits until the other side goes."""
    connection.recv(1)


def trickle(endpoint, connection):
    """Answers a byte at a time, for as long as anybody listens."""
    connection.settimeout(0.05)
    endpoint.send(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            endpoint.send(connection, b"x")


def flood(endpoint, connection):
    """Answers with more than anybody has room for."""
    endpoint.send(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    block = b"x" * 1_000_000
    while True:
        endpoint.send(connection, block)


def redirect_to(url):
    answer = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {url}/secret\r\nContent-Length: 0\r\n\r\n".encode()
    return lambda endpoint, connection: endpoint.send(connection, answer)


def open_queue(aws, name, **attributes):
    """A queue that every service may send to: its URL and its ARN."""
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return aws("sqs").create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})["QueueUrl"], arn


def bodies(aws, url, count):
    found = []

    def look():
        answer = aws("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message["Body"])
        return len(found) >= count

    eventually(look, "messages")
    return found


@pytest.fixture
def topic(aws):
    return aws("sns").create_topic(Name="news")["TopicArn"]


@pytest.mark.parametrize("behaviour", [hang, trickle, flood])
def test_an_endpoint_that_never_ends_is_left_and_holds_nobody_up(aws, topic, behaviour):
    endpoint = Endpoint(behaviour)
    aws("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    url, arn = open_queue(aws, "inbox")
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    eventually(lambda: endpoint.connections, "the request to confirm")
    for number in range(3):
        aws("sns").publish(TopicArn=topic, Message=str(number))
    assert sorted(bodies(aws, url, 3)) == ["0", "1", "2"]
    eventually(endpoint.ended.is_set, "the platform to hang up")
    assert endpoint.sent < READ_AT_MOST


def test_a_redirect_is_not_followed(aws, topic):
    elsewhere = Endpoint(hang)
    endpoint = Endpoint(redirect_to(elsewhere.url))
    aws("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    eventually(endpoint.ended.is_set, "the answer to be read")
    # What is sent after the answer arrives after whatever the answer could have caused.
    other = Endpoint(hang)
    aws("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=other.url)
    eventually(lambda: other.connections, "the next request")
    assert elsewhere.connections == 0


def test_addresses_that_the_operator_forbids_are_never_called():
    endpoint = Endpoint(hang)
    with Traca("--memory", "--egress-forbid", "127.0.0.0/8") as traca:
        aws = Clients(traca.endpoint, new_account())
        topic = aws("sns").create_topic(Name="news")["TopicArn"]
        dead, dead_arn = open_queue(aws, "dead")
        redrive = json.dumps({"deadLetterTargetArn": dead_arn})
        aws("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes={"RedrivePolicy": redrive})
        function = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": dead_arn}
        aws("sns").subscribe(**function, Attributes={"RawMessageDelivery": "true"})
        aws("sns").publish(TopicArn=topic, Message="after the request to confirm")
        assert bodies(aws, dead, 1) == ["after the request to confirm"]
    assert endpoint.connections == 0


def test_buses_in_a_circle_end(aws):
    events = aws("events")
    dead, dead_arn = open_queue(aws, "dead")
    url, arn = open_queue(aws, "seen")
    arns = [events.create_event_bus(Name=name)["EventBusArn"] for name in ("one", "two")]
    for name, target in (("one", arns[1]), ("two", arns[0])):
        events.put_rule(Name="on", EventBusName=name, EventPattern='{"source": ["circle"]}')
        to_next = {"Id": "next", "Arn": target, "DeadLetterConfig": {"Arn": dead_arn}}
        events.put_targets(Rule="on", EventBusName=name, Targets=[to_next, {"Id": "seen", "Arn": arn}])
    events.put_events(Entries=[{"Source": "circle", "DetailType": "t", "Detail": "{}", "EventBusName": "one"}])
    # The dead letter ends the circle: each bus that had the event has told of it before or tells of it now.
    assert json.loads(bodies(aws, dead, 1)[0])["source"] == "circle"
    assert len(bodies(aws, url, BUSES + 1)) == BUSES + 1


def test_a_circle_of_topic_queue_and_pipe_harms_nobody_and_ends_with_the_pipe(aws, topic):
    """AWS stops no circle without a function in it: a message goes round until the pipe is stopped."""
    url, arn = open_queue(aws, "round")
    seen, seen_arn = open_queue(aws, "seen")
    raw = {"RawMessageDelivery": "true"}
    for endpoint in (arn, seen_arn):
        aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes=raw)
    aws("iam").create_role(RoleName="pipe", AssumeRolePolicyDocument=trust({"Service": "pipes.amazonaws.com"}))
    everything = policy({"Effect": "Allow", "Action": ["sqs:*", "sns:*"], "Resource": "*"})
    aws("iam").put_role_policy(RoleName="pipe", PolicyName="own", PolicyDocument=everything)
    pipe = {"Name": "back", "RoleArn": f"arn:aws:iam::{aws.account}:role/pipe", "Source": arn, "Target": topic}
    template = {"TargetParameters": {"InputTemplate": "<$.body>"}}
    aws("pipes").create_pipe(**pipe, **template)
    aws("sns").publish(TopicArn=topic, Message="again")
    assert bodies(aws, seen, 5)[:5] == ["again"] * 5
    other, other_arn = open_queue(aws, "other")
    aws("sqs").send_message(QueueUrl=other, MessageBody="not held up")
    assert bodies(aws, other, 1) == ["not held up"]
    aws("pipes").stop_pipe(Name="back")
    eventually(lambda: aws("pipes").describe_pipe(Name="back")["CurrentState"] == "STOPPED", "the pipe to stop")
    assert bodies(aws, url, 1) == ["again"]


def test_a_queue_that_feeds_itself_through_a_topic_ends_with_its_dead_letters(aws, topic):
    """A message that a function takes and publishes to where it came from would go round for ever; one that fails each
    time is given up."""
    dead, dead_arn = open_queue(aws, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3})
    url, arn = open_queue(aws, "inbox", RedrivePolicy=redrive, VisibilityTimeout="0")
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    aws("sns").publish(TopicArn=topic, Message="poison")
    received = []

    def given_up():
        received.extend(aws("sqs").receive_message(QueueUrl=url).get("Messages", []))
        counts = aws("sqs").get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
        return counts["Attributes"]["ApproximateNumberOfMessages"] == "1"

    eventually(given_up, "the dead letter")
    assert [message["Body"] for message in received] == ["poison"] * 3
    assert bodies(aws, dead, 1) == ["poison"]


def test_a_clock_that_jumps_makes_an_endless_retry_neither_a_storm_nor_a_loss():
    """Refused connections are tried again for as long as the delivery policy says; a year at once ends them once."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with Traca("--memory") as traca:
        aws = Clients(traca.endpoint, new_account())
        url, arn = open_queue(aws, "inbox")
        rule = {"Name": "daily", "ScheduleExpression": "rate(1 day)"}
        aws("events").put_rule(**rule)
        aws("events").put_targets(Rule="daily", Targets=[{"Id": "q", "Arn": arn}])
        topic = aws("sns").create_topic(Name="news")["TopicArn"]
        aws("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=nobody)
        traca.page("clock?advance=365d", "POST")
        [body] = bodies(aws, url, 1)
        assert json.loads(body)["detail-type"] == "Scheduled Event"
        aws("sqs").send_message(QueueUrl=url, MessageBody="still there")
        assert bodies(aws, url, 1) == ["still there"]
