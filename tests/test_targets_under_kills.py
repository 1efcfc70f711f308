"""Events of a bus on their way to a target of every kind while the platform is killed again and again: each target has each
acknowledged event at least once."""

import base64
import collections
import http.server
import json
import threading

import pytest

from support.clients import Clients, new_account
from support.kills import CLIENTS, MESSAGES, SINGLE_PART, Platform, Run, allow_all, open_queue, passing_function

# Kinds of targets that have every event in the end.
PLACES = ["queue", "topic", "function", "bus", "stream", "log", "destination"]

# Most targets of a rule.
TARGETS = 5


@pytest.fixture
def platform(data):
    platform = Platform(data, new_account())
    yield platform
    platform.traca.kill()


@pytest.fixture
def server():
    """An HTTP server that keeps the bodies that it was sent."""
    bodies = collections.deque()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.bodies, server.url = bodies, f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def destination(aws, url):
    """An API destination that is called as often as it can be."""
    parameters = {"BasicAuthParameters": {"Username": "ada", "Password": "password"}}
    connection = aws("events").create_connection(Name="there", AuthorizationType="BASIC", AuthParameters=parameters)
    arn, rate = connection["ConnectionArn"], {"InvocationRateLimitPerSecond": 10_000}
    there = {"Name": "there", "ConnectionArn": arn, "InvocationEndpoint": url, "HttpMethod": "POST", **rate}
    return aws("events").create_api_destination(**there)["ApiDestinationArn"]


def targets(aws, platform, url):
    """A target of every kind, and the queues that some of them lead to: by place, and a queue's URL by place."""
    events, here = aws("events"), f"us-east-1:{platform.account}"
    queues, arns = {}, {}
    for place in ("queue", "topic", "function", "bus"):
        queues[place], arns[place] = open_queue(platform, f"at-{place}")
    topic = aws("sns").create_topic(Name="news")["TopicArn"]
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": topic}
    aws("sns").set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({"Statement": [allowed]})
    )
    raw = {"RawMessageDelivery": "true"}
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns["topic"], Attributes=raw)
    function = passing_function(aws, "at-function")
    allow_all(aws, function, "events")
    bus = events.create_event_bus(Name="other")["EventBusArn"]
    events.put_rule(Name="on", EventBusName="other", EventPattern='{"source": ["proof"]}')
    last = {"Id": "last", "Arn": arns["bus"], "InputPath": "$.detail.text"}
    events.put_targets(Rule="on", EventBusName="other", Targets=[last])
    aws("kinesis").create_stream(StreamName="stream", ShardCount=1)
    aws("logs").create_log_group(logGroupName="/aws/events/all")
    role = f"arn:aws:iam::{platform.account}:role/caller"
    text = {"InputPath": "$.detail.text"}
    return queues, [
        {"Id": "queue", "Arn": arns["queue"], **text},
        {"Id": "topic", "Arn": topic, **text},
        {"Id": "function", "Arn": f"arn:aws:lambda:{here}:function:{function.name}"},
        {"Id": "bus", "Arn": bus, "RoleArn": role},
        {"Id": "stream", "Arn": f"arn:aws:kinesis:{here}:stream/stream", "RoleArn": role, **text},
        {"Id": "log", "Arn": f"arn:aws:logs:{here}:log-group:/aws/events/all"},
        {"Id": "destination", "Arn": destination(aws, url), "RoleArn": role, **text},
    ]


def read_stream(run, client):
    """Notes what comes to the stream, for ever."""
    def call(operation, **parameters):
        body = json.dumps(parameters)
        return json.loads(client.call("kinesis", f"Kinesis_20131202.{operation}", "application/x-amz-json-1.1", body))

    shard = call("ListShards", StreamName="stream")["Shards"][0]["ShardId"]
    first = {"StreamName": "stream", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = call("GetShardIterator", **first)["ShardIterator"]
    while True:
        answer = call("GetRecords", ShardIterator=iterator)
        iterator = answer["NextShardIterator"]
        texts = [json.loads(base64.b64decode(record["Data"])) for record in answer["Records"]]
        run.arrive("stream", texts)


def read_log(run, client):
    """Notes what comes to the log group, for ever."""
    while True:
        token = {}
        while token is not None:
            body = json.dumps({"logGroupName": "/aws/events/all", **token})
            answer = client.call("logs", "Logs_20140328.FilterLogEvents", "application/x-amz-json-1.1", body)
            answer = json.loads(answer)
            run.arrive("log", [json.loads(event["message"])["detail"]["text"] for event in answer["events"]])
            token = {"nextToken": answer["nextToken"]} if "nextToken" in answer else None


def read_server(run, server):
    """Notes what the server was sent, for ever."""
    while True:
        if server.bodies:
            run.arrive("destination", [json.loads(server.bodies.popleft())])
        else:
            threading.Event().wait(0.01)


def test_every_kind_of_target_has_every_event(platform, server, tell):
    aws = Clients(platform.traca.endpoint, platform.account)
    queues, all_targets = targets(aws, platform, server.url)
    for number, start in enumerate(range(0, len(all_targets), TARGETS)):
        rule, part = f"proof-{number}", all_targets[start : start + TARGETS]
        aws("events").put_rule(Name=rule, EventPattern='{"source": ["proof"]}')
        assert aws("events").put_targets(Rule=rule, Targets=part)["FailedEntryCount"] == 0
    run, count = Run(platform), MESSAGES // SINGLE_PART
    senders = run.send("bus", None, count)
    for place, url in queues.items():
        run.drain(place, url)
    run.threads(1, lambda _, client: read_stream(run, client))
    run.threads(1, lambda _, client: read_log(run, client))
    run.threads(1, lambda *_: read_server(run, server))
    try:
        run.until(lambda: run.is_over(senders, PLACES), count * (len(PLACES) + 1) // 2)
    except AssertionError as stalled:
        missing = {place: len(run.acknowledged - run.arrived[place]) for place in PLACES}
        raise AssertionError(f"{stalled}; missing: {missing}") from stalled
    assert len(run.acknowledged) >= count - 10 * CLIENTS
    tell(run.told("to seven kinds of targets"))
