"""Invoices that arrive in a bucket as CSV are summed up: one JSON report beside each, and its total as a tag."""

import csv
import io
import json
import urllib.parse
from decimal import Decimal, InvalidOperation

import boto3

s3 = boto3.client("s3")


def summed(text):
    """The report of one file: how many lines, the total of each customer, and the lines that make no sense."""
    totals, faults, lines = {}, [], 0
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), 2):
        lines += 1
        try:
            totals[row["customer"]] = totals.get(row["customer"], Decimal(0)) + Decimal(row["amount"])
        except (InvalidOperation, KeyError, TypeError):
            faults.append(number)
    return {"lines": lines, "faults": faults, "customers": {name: str(total) for name, total in sorted(totals.items())},
            "total": str(sum(totals.values(), Decimal(0)))}


def handler(event, context):
    done = []
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        answer = s3.get_object(Bucket=bucket, Key=key)
        report = summed(answer["Body"].read().decode("utf-8-sig"))
        name = f"reports/{key.removeprefix('incoming/').removesuffix('.csv')}.json"
        s3.put_object(Bucket=bucket, Key=name, Body=json.dumps({"source": key, "etag": answer["ETag"], **report}),
                      ContentType="application/json", Tagging=urllib.parse.urlencode({"total": report["total"]}))
        done.append(name)
    return done
