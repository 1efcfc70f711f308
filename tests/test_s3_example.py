"""The example of invoices: from an upload to the report that a function writes."""

import json
from pathlib import Path

from support.functions import Functions
from support.traca import eventually

EXAMPLE = Path(__file__).parents[1] / "examples" / "invoices" / "app.py"


def test_an_invoice_becomes_a_report(aws):
    s3 = aws("s3")
    bucket = f"invoices-{aws.account}"
    s3.create_bucket(Bucket=bucket)
    function = Functions(aws).create(EXAMPLE.read_text(), Timeout=30)
    arn = f"arn:aws:lambda:{aws.region}:{aws.account}:function:{function.name}"
    aws("lambda").add_permission(FunctionName=function.name, StatementId="s3", Action="lambda:InvokeFunction",
                                 Principal="s3.amazonaws.com", SourceAccount=aws.account,
                                 SourceArn=f"arn:aws:s3:::{bucket}")
    rules = [{"Name": "prefix", "Value": "incoming/"}, {"Name": "suffix", "Value": ".csv"}]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [
        {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}]})
    s3.put_object(Bucket=bucket, Key="incoming/not-this.txt", Body=b"x")
    lines = "customer,amount\nada,10.50\ngrace,1\nada,0.25\nada,much\n"
    put = s3.put_object(Bucket=bucket, Key="incoming/march 2024.csv", Body=lines.encode())

    def reports():
        return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix="reports/").get("Contents", [])]

    assert eventually(reports, "the report") == ["reports/march 2024.json"]
    answer = s3.get_object(Bucket=bucket, Key="reports/march 2024.json")
    assert json.loads(answer["Body"].read()) == {
        "source": "incoming/march 2024.csv", "etag": put["ETag"], "lines": 4, "faults": [5],
        "customers": {"ada": "10.75", "grace": "1"}, "total": "11.75"}
    tags = s3.get_object_tagging(Bucket=bucket, Key="reports/march 2024.json")["TagSet"]
    assert tags == [{"Key": "total", "Value": "11.75"}]
