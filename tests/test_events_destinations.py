"""API destinations and connections, with a real HTTP server behind them."""

import base64
import http.server
import json
import queue as queues
import threading
import time
import urllib.parse

import pytest

from support.clients import Clients, new_account, refused
from support.traca import PATIENCE_SECONDS, Traca, eventually


class Server:
    """An HTTP server on this machine. `answers` holds what it answers next: a status, or a status and headers; 200 when
    there is nothing. Requests for `/token` are answered with tokens."""

    def __init__(self):
        self.requests, self.answers, self.tokens = queues.Queue(), queues.Queue(), 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                parts = urllib.parse.urlsplit(self.path)
                request = {
                    "method": self.command,
                    "path": parts.path,
                    "query": dict(urllib.parse.parse_qsl(parts.query)),
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "body": body.decode(),
                }
                outer.requests.put(request)
                if parts.path == "/token":
                    outer.tokens += 1
                    token = json.dumps({"access_token": f"token-{outer.tokens}", "token_type": "bearer", "expires_in": 60})
                    return self.reply(200, {"Content-Type": "application/json"}, token.encode())
                try:
                    status, headers = outer.answers.get_nowait()
                except queues.Empty:
                    status, headers = 200, {}
                self.reply(status, headers, b"{}")

            def reply(self, status, headers, body):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_GET = do_PATCH = answer

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        return self.requests.get(timeout=PATIENCE_SECONDS)

    def answer(self, status, **headers):
        self.answers.put((status, {name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.fixture
def server():
    server = Server()
    yield server
    server.server.shutdown()


@pytest.fixture
def traca():
    """A platform of the test's own, whose clock is moved."""
    with Traca("--memory") as traca:
        yield traca


@pytest.fixture
def events(aws):
    return aws("events")


def role(aws):
    return f"arn:aws:iam::{aws.account}:role/caller"


def basic():
    return {
        "AuthorizationType": "BASIC",
        "AuthParameters": {"BasicAuthParameters": {"Username": "ada", "Password": "password"}},
    }


def aim(aws, url, connection, method="POST", pattern=None, destination=None, **target):
    """A rule for source `shop` whose target is a destination over a connection."""
    events = aws("events")
    made = events.create_api_destination(
        Name="there", ConnectionArn=connection, InvocationEndpoint=url, HttpMethod=method, **(destination or {})
    )
    events.put_rule(Name="rule", EventPattern=json.dumps(pattern or {"source": ["shop"]}))
    target = {"Id": "there", "Arn": made["ApiDestinationArn"], "RoleArn": role(aws), **target}
    assert events.put_targets(Rule="rule", Targets=[target])["FailedEntryCount"] == 0
    return made["ApiDestinationArn"]


def send(aws, **detail):
    entry = {"Source": "shop", "DetailType": "sold", "Detail": json.dumps(detail)}
    assert aws("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_a_connection_keeps_its_secret_where_secrets_are(aws, events):
    created = events.create_connection(
        Name="partner",
        AuthorizationType="API_KEY",
        AuthParameters={
            "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"},
            "InvocationHttpParameters": {
                "HeaderParameters": [
                    {"Key": "X-Open", "Value": "seen", "IsValueSecret": False},
                    {"Key": "X-Hidden", "Value": "unseen", "IsValueSecret": True},
                ]
            },
        },
    )
    assert created["ConnectionState"] == "AUTHORIZED"
    assert created["ConnectionArn"].startswith(f"arn:aws:events:us-east-1:{aws.account}:connection/partner/")
    described = events.describe_connection(Name="partner")
    assert described["AuthParameters"]["ApiKeyAuthParameters"] == {"ApiKeyName": "X-Key"}
    headers = described["AuthParameters"]["InvocationHttpParameters"]["HeaderParameters"]
    assert [header.get("Value") for header in headers] == ["seen", None]
    assert f":{aws.account}:secret:events!connection/partner/" in described["SecretArn"]
    secret = aws("secretsmanager").get_secret_value(SecretId=described["SecretArn"])
    assert json.loads(secret["SecretString"])["api_key_value"] == "secret"
    taken = refused(events.create_connection, Name="partner", **basic())
    assert taken.code == "ResourceAlreadyExistsException"
    events.update_connection(Name="partner", **basic())
    described = events.describe_connection(Name="partner")
    assert described["AuthorizationType"] == "BASIC"
    assert described["AuthParameters"]["BasicAuthParameters"] == {"Username": "ada"}
    assert events.deauthorize_connection(Name="partner")["ConnectionState"] == "DEAUTHORIZED"
    assert "SecretArn" not in events.describe_connection(Name="partner")
    gone = refused(aws("secretsmanager").describe_secret, SecretId=secret["ARN"])
    assert gone.code == "ResourceNotFoundException"
    (listed,) = events.list_connections(NamePrefix="part")["Connections"]
    assert (listed["Name"], listed["ConnectionState"]) == ("partner", "DEAUTHORIZED")
    assert events.delete_connection(Name="partner")["ConnectionState"] == "DELETING"
    missing = refused(events.describe_connection, Name="partner")
    assert missing.message == "Failed to describe the connection(s). Connection 'partner' does not exist."


def test_refusals_have_awss_words(events):
    wrong = refused(events.create_connection, Name="x", AuthorizationType="NONE", AuthParameters={})
    assert wrong.message == (
        "1 validation error detected: Value 'NONE' at 'authorizationType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY]"
    )
    wrong = refused(events.create_connection, Name="a b!", **basic())
    assert wrong.message == (
        "1 validation error detected: Value 'a b!' at 'name' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"
    )
    missing = refused(events.describe_api_destination, Name="x")
    assert missing.message == "Failed to describe the api-destination(s). An api-destination 'x' does not exist."
    other = {"AuthorizationType": "API_KEY", "AuthParameters": basic()["AuthParameters"]}
    assert refused(events.create_connection, Name="x", **other).code == "ValidationException"


def test_an_event_is_posted_with_all_parameters(aws, events, server):
    connection = events.create_connection(
        Name="partner",
        AuthorizationType="BASIC",
        AuthParameters={
            **basic()["AuthParameters"],
            "InvocationHttpParameters": {
                "HeaderParameters": [{"Key": "X-Both", "Value": "connection"}],
                "QueryStringParameters": [{"Key": "both", "Value": "connection"}],
                "BodyParameters": [{"Key": "team", "Value": "blue", "IsValueSecret": True}],
            },
        },
    )["ConnectionArn"]
    arn = aim(
        aws,
        f"{server.url}/shops/*/items/*",
        connection,
        method="PUT",
        HttpParameters={
            "PathParameterValues": ["north", "$.detail.item"],
            "HeaderParameters": {"X-Both": "target", "X-Own": "$.detail.item"},
            "QueryStringParameters": {"both": "target", "own": "a b"},
        },
    )
    described = events.describe_api_destination(Name="there")
    assert (described["ApiDestinationState"], described["InvocationRateLimitPerSecond"]) == ("ACTIVE", 300)
    send(aws, item="x/y")
    request = server.next()
    assert (request["method"], request["path"]) == ("PUT", "/shops/north/items/x%2Fy")
    assert request["query"] == {"both": "connection", "own": "a b"}
    headers = request["headers"]
    assert headers["authorization"] == "Basic " + base64.b64encode(b"ada:password").decode()
    assert (headers["x-both"], headers["x-own"]) == ("connection", "x/y")
    assert headers["user-agent"] == "Amazon/EventBridge/ApiDestinations"
    body = json.loads(request["body"])
    assert (body["detail"], body["team"]) == ({"item": "x/y"}, "blue")
    unroled = refused(events.put_targets, Rule="rule", Targets=[{"Id": "other", "Arn": arn}])
    assert unroled.message == f"RoleArn is required for target {arn}."


def test_tokens_are_asked_for_kept_and_renewed(traca, server):
    aws = Clients(traca.endpoint, new_account())
    events = aws("events")
    created = events.create_connection(
        Name="partner",
        AuthorizationType="OAUTH_CLIENT_CREDENTIALS",
        AuthParameters={
            "OAuthParameters": {
                "ClientParameters": {"ClientID": "me", "ClientSecret": "hush"},
                "AuthorizationEndpoint": f"{server.url}/token",
                "HttpMethod": "POST",
                "OAuthHttpParameters": {"BodyParameters": [{"Key": "scope", "Value": "all"}]},
            }
        },
    )
    assert created["ConnectionState"] == "AUTHORIZING"
    asked = server.next()
    form = dict(urllib.parse.parse_qsl(asked["body"]))
    assert form == {"scope": "all", "grant_type": "client_credentials", "client_id": "me", "client_secret": "hush"}
    eventually(lambda: events.describe_connection(Name="partner")["ConnectionState"] == "AUTHORIZED", "a token")
    aim(aws, f"{server.url}/in", created["ConnectionArn"])
    for token in ["token-1", "token-1"]:
        send(aws)
        assert server.next()["headers"]["authorization"] == f"Bearer {token}"
    traca.page("clock?advance=2m", "POST")
    send(aws)
    assert server.next()["path"] == "/token"
    server.answer(401)
    assert server.next()["headers"]["authorization"] == "Bearer token-2"
    traca.page("clock?advance=5s", "POST")
    assert server.next()["path"] == "/token", "who is refused gets another token"
    assert server.next()["headers"]["authorization"] == "Bearer token-3"


def test_what_may_pass_is_tried_again_and_what_cannot_lies_with_the_dead_letters(traca, server):
    aws = Clients(traca.endpoint, new_account())
    events, sqs = aws("events"), aws("sqs")
    arn = f"arn:aws:sqs:us-east-1:{aws.account}:dead"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    dead = sqs.create_queue(QueueName="dead", Attributes={"Policy": json.dumps({"Statement": [allowed]})})["QueueUrl"]
    connection = events.create_connection(Name="partner", **basic())["ConnectionArn"]
    aim(aws, f"{server.url}/in", connection, DeadLetterConfig={"Arn": arn})
    server.answer(503, Retry_After="600")
    server.answer(429)
    send(aws, number=1)
    assert json.loads(server.next()["body"])["detail"] == {"number": 1}
    eventually(lambda: server.answers.qsize() == 1, "the first answer")
    traca.page("clock?advance=9m", "POST")
    with pytest.raises(queues.Empty):
        server.requests.get(timeout=0.5)
    # However late the first answer was heard, the time it asked for is over then.
    traca.page("clock?advance=11m", "POST")
    assert server.next()
    traca.page("clock?advance=10m", "POST")
    assert server.next()
    server.answer(307, Location=f"{server.url}/elsewhere")
    send(aws, number=2)
    assert server.next()["path"] == "/in"
    (message,) = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"])["detail"] == {"number": 2}
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "ERROR_FROM_TARGET" and "307" in attributes["ERROR_MESSAGE"]
    assert server.requests.empty(), "a redirect is not followed"


def test_no_second_has_more_calls_than_it_may(aws, events, server):
    connection = events.create_connection(Name="partner", **basic())["ConnectionArn"]
    aim(aws, f"{server.url}/in", connection, destination={"InvocationRateLimitPerSecond": 2})
    for number in range(5):
        send(aws, number=number)
    times = []
    for _ in range(5):
        server.next()
        times.append(time.monotonic())
    assert times[-1] - times[0] > 1.5


def test_the_role_must_be_allowed_to_call(aws, events, server):
    iam = aws("iam")
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName="caller", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))
    connection = events.create_connection(Name="partner", **basic())["ConnectionArn"]
    arn = aim(aws, f"{server.url}/in", connection)
    send(aws, number=1)
    with pytest.raises(queues.Empty):
        server.requests.get(timeout=1)
    allowed = {"Effect": "Allow", "Action": "events:InvokeApiDestination", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="caller", PolicyName="call", PolicyDocument=policy)
    send(aws, number=2)
    assert json.loads(server.next()["body"])["detail"] == {"number": 2}


def test_addresses_out_of_reach_are_not_called(server):
    with Traca("--memory", "--egress-forbid", "127.0.0.0/8") as traca:
        aws = Clients(traca.endpoint, new_account())
        events, sqs = aws("events"), aws("sqs")
        arn = f"arn:aws:sqs:us-east-1:{aws.account}:dead"
        allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Statement": [allowed]})
        dead = sqs.create_queue(QueueName="dead", Attributes={"Policy": policy})["QueueUrl"]
        connection = events.create_connection(Name="partner", **basic())["ConnectionArn"]
        aim(aws, f"{server.url}/in", connection, DeadLetterConfig={"Arn": arn})
        send(aws, number=1)
        (message,) = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"]
        assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "SDK_CLIENT_ERROR"
        assert server.requests.empty()
