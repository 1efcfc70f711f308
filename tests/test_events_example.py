"""The example of orders: rule, queue, function, events and dead letters."""

import json
from pathlib import Path

import pytest

from support.functions import Functions
from support.traca import eventually

EXAMPLE = Path(__file__).parents[1] / "examples" / "orders" / "app.py"

# Turns an event of the bus into the message that the function takes.
TRANSFORMER = {"InputPathsMap": {"detail": "$.detail"}, "InputTemplate": "<detail>"}


def queue(aws, name, **attributes):
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allowed]}), **attributes}
    return aws("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], arn


def rule(aws, name, pattern, arn, **target):
    aws("events").put_rule(Name=name, EventBusName="shop", EventPattern=json.dumps(pattern))
    aws("events").put_targets(Rule=name, EventBusName="shop", Targets=[{"Id": name, "Arn": arn, **target}])


@pytest.fixture
def shop(aws):
    """The bus, its queues, the table and the function. Answers the URLs of what comes out."""
    aws("events").create_event_bus(Name="shop")
    work, work_arn = queue(aws, "work", VisibilityTimeout="60")
    out, out_arn = queue(aws, "out")
    dead, _ = queue(aws, "dead")
    rule(aws, "work", {"source": ["web"]}, work_arn, InputTransformer=TRANSFORMER)
    rule(aws, "out", {"source": [{"anything-but": ["web"]}]}, out_arn)
    aws("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    variables = {"EVENT_BUS_NAME": "shop", "DLQ_URL": dead, "ORDERS_TABLE": "orders"}
    function = Functions(aws).create(EXAMPLE.read_text(), Timeout=30, Environment={"Variables": variables})
    aws("lambda").create_event_source_mapping(
        EventSourceArn=work_arn, FunctionName=function.name, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    return out, dead


def happens(aws, kind, data):
    detail = {"event_type": kind, "correlation_id": "one", "data": data}
    entry = {"Source": "web", "DetailType": kind, "Detail": json.dumps(detail), "EventBusName": "shop"}
    assert aws("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def bodies(aws, url, count):
    found = []

    def look():
        answer = aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        found.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return len(found) >= count

    eventually(look, f"{count} messages")
    assert len(found) == count
    return found


def test_an_order_goes_its_way_and_what_nobody_knows_lies_with_the_dead_letters(aws, shop):
    out, dead = shop
    happens(aws, "order.created", {"order_id": "o-1", "customer_id": "c-1", "items": [{"sku": "s"}], "total": 12})
    published = bodies(aws, out, 2)
    assert sorted(event["detail-type"] for event in published) == ["inventory.check_requested", "payment.requested"]
    assert {event["detail"]["correlation_id"] for event in published} == {"one"}
    stored = aws("dynamodb").get_item(TableName="orders", Key={"order_id": {"S": "o-1"}})["Item"]
    assert (stored["status"], stored["total"]) == ({"S": "processing"}, {"N": "12"})
    happens(aws, "payment.processed", {"order_id": "o-1", "status": "failed"})
    [failed] = bodies(aws, out, 1)
    assert failed["detail-type"] == "order.payment_failed"
    happens(aws, "order.lost", {"order_id": "o-1"})
    [problem] = bodies(aws, out, 1)
    assert problem["detail-type"] == "processing.error"
    [letter] = bodies(aws, dead, 1)
    assert letter["event"]["event_type"] == "order.lost"
