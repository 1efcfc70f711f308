"""Moving the platform's clock ahead: what is due happens now, once."""

import json
import urllib.error
from datetime import datetime, timedelta, timezone

import pytest

from support.clients import Clients, client, new_account
from support.functions import Functions
from support.traca import Traca, eventually, run

HANDLER = "def handler(event, context):\n    raise RuntimeError('never')\n"


@pytest.fixture
def traca():
    """A platform of the test's own: others would not like their clock to move."""
    with Traca("--memory") as traca:
        yield traca


@pytest.fixture
def aws(traca):
    return Clients(traca.endpoint, new_account())


def advance(traca, by):
    answer = run("clock", "--endpoint", traca.endpoint, "--json", "advance", by)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def open_queue(aws, name, **attributes):
    """A queue that every service may send to: its URL and its ARN."""
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return aws("sqs").create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})["QueueUrl"], arn


def receive(aws, url, seconds=20, **more):
    answer = aws("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=seconds, MaxNumberOfMessages=10, **more)
    return answer.get("Messages", [])


def test_the_clock_is_shown_and_moved_by_the_command(traca):
    shown = run("clock", "--endpoint", traca.endpoint)
    assert shown.returncode == 0 and shown.stdout.rstrip().endswith("as the machine's"), shown
    moved = advance(traca, "1d12h")
    assert moved["ahead_seconds"] == 36 * 3600
    now = datetime.fromisoformat(moved["now"].replace("Z", "+00:00"))
    assert now - datetime.now(timezone.utc) > timedelta(hours=35)
    assert "129600 seconds ahead" in run("clock", "--endpoint", traca.endpoint).stdout
    wrong = run("clock", "--endpoint", traca.endpoint, "advance", "tomorrow")
    assert wrong.returncode == 1 and "1h30m" in wrong.stderr
    far = run("clock", "--endpoint", traca.endpoint, "advance", "9999w")
    assert far.returncode == 1 and "ten years" in far.stderr
    with pytest.raises(urllib.error.HTTPError) as error:
        traca.page("clock?advance=1h", "DELETE")
    assert error.value.code == 405
    traca.reset()
    assert json.loads(traca.page("clock"))["ahead_seconds"] == 0


def test_a_daily_rule_fires_once_for_a_day(traca, aws):
    url, arn = open_queue(aws, "daily")
    events = aws("events")
    events.put_rule(Name="daily", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="daily", Targets=[{"Id": "queue", "Arn": arn}])
    advance(traca, "23h")
    assert receive(aws, url, 1) == []
    advance(traca, "1h")
    (message,) = receive(aws, url)
    event = json.loads(message["Body"])
    assert event["detail-type"] == "Scheduled Event"
    aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert receive(aws, url, 1) == []


def test_a_hidden_message_comes_back_and_an_old_one_goes(traca, aws):
    sqs = aws("sqs")
    url, _ = open_queue(aws, "waiting", VisibilityTimeout="43200", MessageRetentionPeriod="86400")
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=900)
    (first,) = receive(aws, url)
    assert first["Body"] == "hello"
    assert receive(aws, url, 1) == []
    advance(traca, "15m")
    (late,) = receive(aws, url)
    assert late["Body"] == "late"
    advance(traca, "11h45m")
    (again,) = receive(aws, url, AttributeNames=["ApproximateReceiveCount"])
    assert (again["Body"], again["Attributes"]["ApproximateReceiveCount"]) == ("hello", "2")
    advance(traca, "24h")
    assert receive(aws, url, 1) == []
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_waiting_receiver_gets_what_falls_due(traca, aws):
    url, _ = open_queue(aws, "poll")
    aws("sqs").send_message(QueueUrl=url, MessageBody="hello", DelaySeconds=60)
    advance(traca, "59s")
    (message,) = receive(aws, url)
    assert message["Body"] == "hello"


def test_a_function_that_fails_is_tried_again_and_given_up(traca, aws):
    function = Functions(aws).create(HANDLER).name
    url, arn = open_queue(aws, "given-up")
    aws("lambda").put_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    aws("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")
    logs = aws("logs")

    def attempts():
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", filterPattern="REPORT")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return 0
        return len(found)

    for attempt, pause in [(1, "1m"), (2, "2m"), (3, None)]:
        eventually(lambda: attempts() == attempt, f"attempt {attempt}")
        if pause:
            advance(traca, pause)
            advance(traca, "5s")
    (message,) = receive(aws, url)
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3


def test_signatures_are_judged_by_the_machines_clock(traca, aws):
    user = aws("iam").create_user(UserName="ada")["User"]["UserName"]
    key = aws("iam").create_access_key(UserName=user)["AccessKey"]
    ada = client("sts", traca.endpoint, key["AccessKeyId"], secret=key["SecretAccessKey"])
    advance(traca, "30d")
    assert ada.get_caller_identity()["Arn"].endswith("user/ada")
    session = aws("sts").get_session_token(DurationSeconds=900)["Credentials"]
    assert session["Expiration"] > datetime.now(timezone.utc) + timedelta(days=29)


def test_the_clock_stays_ahead_over_a_restart(data):
    with Traca("--data", data) as traca:
        aws = Clients(traca.endpoint, new_account())
        url, arn = open_queue(aws, "daily")
        aws("events").put_rule(Name="daily", ScheduleExpression="rate(1 day)")
        aws("events").put_targets(Rule="daily", Targets=[{"Id": "queue", "Arn": arn}])
        advance(traca, "25h")
        (message,) = receive(aws, url)
        aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        account = aws.account
        traca.kill()
    with Traca("--data", data) as traca:
        aws = Clients(traca.endpoint, account)
        assert json.loads(traca.page("clock"))["ahead_seconds"] == 25 * 3600
        url = aws("sqs").get_queue_url(QueueName="daily")["QueueUrl"]
        assert receive(aws, url, 1) == [], "nothing fires twice"
        advance(traca, "24h")
        assert len(receive(aws, url)) == 1


def test_a_function_cannot_move_the_clock(traca, aws):
    handler = """
import os, urllib.request, urllib.error
def handler(event, context):
    url = os.environ["AWS_ENDPOINT_URL"] + "/_traca/clock?advance=1h"
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="POST"))
    except urllib.error.HTTPError as error:
        return error.code
"""
    function = Functions(aws).create(handler).name
    answer = aws("lambda").invoke(FunctionName=function, Payload=b"{}")
    assert json.loads(answer["Payload"].read()) == 403
    assert json.loads(traca.page("clock"))["ahead_seconds"] == 0
