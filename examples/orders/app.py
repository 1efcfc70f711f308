"""Orders, driven by events: what happens to an order is an event on a bus; rules bring the events that matter into a queue,
from which this function takes them. It keeps the order, publishes what follows, and hands what it cannot process to a
queue for dead letters."""

import json
import os
from datetime import datetime, timezone

import boto3

events = boto3.client("events")
sqs = boto3.client("sqs")
orders = boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE"])


def publish(kind, correlation, data):
    """Puts an event on the bus. What is not accepted is a failure like any other."""
    detail = {"event_type": kind, "correlation_id": correlation, "data": data}
    entry = {
        "Source": "orders",
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "EventBusName": os.environ["EVENT_BUS_NAME"],
    }
    answer = events.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise RuntimeError(answer["Entries"][0]["ErrorMessage"])


def order_created(correlation, data):
    now = datetime.now(timezone.utc).isoformat()
    orders.put_item(Item={**data, "status": "processing", "created_at": now})
    publish("inventory.check_requested", correlation, {"order_id": data["order_id"], "items": data["items"]})
    publish("payment.requested", correlation, {"order_id": data["order_id"], "amount": data["total"]})


def payment_processed(correlation, data):
    kind = "order.payment_confirmed" if data["status"] == "success" else "order.payment_failed"
    publish(kind, correlation, {"order_id": data["order_id"]})


HANDLERS = {"order.created": order_created, "payment.processed": payment_processed}


def process(event):
    kind, correlation = event.get("event_type"), event.get("correlation_id")
    try:
        HANDLERS[kind](correlation, event["data"])
    except KeyError as missing:
        problem = {"event": event, "error": f"unknown or missing: {missing}"}
        publish("processing.error", correlation, problem)
        sqs.send_message(QueueUrl=os.environ["DLQ_URL"], MessageBody=json.dumps(problem))


def handler(event, context):
    """Takes a batch from the queue. A message that fails for another reason comes again, alone."""
    failures = []
    for record in event["Records"]:
        try:
            process(json.loads(record["body"]))
        except Exception as error:
            print(f"{record['messageId']} is put off: {error!r}")
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
