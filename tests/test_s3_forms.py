"""Uploads of browsers' forms to S3: signed by their policies, which say what a form may do."""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import urllib.parse
import xml.etree.ElementTree as xml

import pytest

from support.clients import client

BOUNDARY = "----a boundary of a form".replace(" ", "-")


@pytest.fixture
def s3(aws):
    return client("s3", aws.endpoint, aws.account, signature_version="s3v4")


@pytest.fixture
def bucket(aws, s3):
    name = f"forms-{aws.account}"
    s3.create_bucket(Bucket=name)
    return name


class Answer:
    """An answer to a form."""

    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def text(self, name):
        return xml.fromstring(self.body).findtext(name)

    def __repr__(self):
        return f"{self.status} {self.body.decode()}"


def encode(fields, file=b"hello", name="a file.txt", kind="text/plain", field="file"):
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    if file is not None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        parts.append(f"{head}Content-Type: {kind}\r\n\r\n".encode() + file + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(aws, bucket, fields, host=None, body=None, **file):
    where = urllib.parse.urlsplit(aws.endpoint)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    path = f"/{bucket}"
    if host:
        headers["Host"], path = host, "/"
    try:
        connection.request("POST", path, encode(fields, **file) if body is None else body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def signed(s3, bucket, key="k", fields=None, conditions=None, seconds=60):
    return s3.generate_presigned_post(bucket, key, fields, conditions, seconds)["fields"]


def test_a_form_becomes_an_object(aws, s3, bucket):
    tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>"
    extra = {"Content-Type": "text/html", "x-amz-meta-colour": "blue", "x-amz-storage-class": "STANDARD_IA",
             "tagging": tags, "Cache-Control": "no-cache"}
    conditions = [{name: value} for name, value in extra.items()]
    answer = post(aws, bucket, signed(s3, bucket, "in/${filename}", extra, conditions), name="C:\\dir\\a file.txt")
    assert answer.status == 204 and answer.body == b"", answer
    assert answer.headers["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert answer.headers["Location"].endswith(f"/{bucket}/in/a%20file.txt")
    assert answer.headers["x-amz-server-side-encryption"] == "AES256"
    got = s3.get_object(Bucket=bucket, Key="in/a file.txt")
    assert got["Body"].read() == b"hello" and got["Metadata"] == {"colour": "blue"}
    assert (got["ContentType"], got["StorageClass"], got["CacheControl"]) == ("text/html", "STANDARD_IA", "no-cache")
    assert s3.get_object_tagging(Bucket=bucket, Key="in/a file.txt")["TagSet"] == [{"Key": "a", "Value": "b c"}]


@pytest.mark.parametrize("size", [0, 1, 16 * 1024 + 1, 3 * 1024 * 1024 + 5])
def test_files_of_any_size_come_whole(aws, s3, bucket, size):
    body = (f"\r\n--{BOUNDARY[:-1]}".encode() * (size // 20 + 1))[:size]
    assert post(aws, bucket, signed(s3, bucket), file=body).status == 204
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_the_form_says_how_success_is_told(aws, s3, bucket):
    def with_field(name, value):
        return post(aws, bucket, signed(s3, bucket, "a&b", {name: value}, [{name: value}]))

    made = with_field("success_action_status", "201")
    assert made.status == 201 and made.headers["Content-Type"] == "application/xml", made
    assert (made.text("Bucket"), made.text("Key")) == (bucket, "a&b")
    assert made.text("ETag") == '"5d41402abc4b2a76b9719d911017c592"' and made.text("Location").endswith("/a%26b")
    assert with_field("success_action_status", "200").status == 200
    assert with_field("success_action_status", "404").status == 204
    sent_on = with_field("success_action_redirect", "http://localhost/done?x=1")
    assert sent_on.status == 303
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sent_on.headers["Location"]).query))
    assert query == {"x": "1", "bucket": bucket, "key": "a&b", "etag": '"5d41402abc4b2a76b9719d911017c592"'}


def test_a_policy_is_kept_to(aws, s3, bucket):
    denied = post(aws, bucket, {**signed(s3, bucket), "key": "other"})
    assert (denied.status, denied.text("Code")) == (403, "AccessDenied")
    assert denied.text("Message") == 'Invalid according to Policy: Policy Condition failed: ["eq", "$key", "k"]'
    denied = post(aws, bucket, {**signed(s3, bucket), "x-amz-meta-a": "b"})
    assert denied.text("Message") == "Invalid according to Policy: Extra input fields: x-amz-meta-a"
    assert post(aws, bucket, {**signed(s3, bucket), "x-ignore-a": "b"}).status == 204
    denied = post(aws, bucket, signed(s3, bucket, seconds=-5))
    assert denied.text("Message") == "Invalid according to Policy: Policy expired."
    range_of = [["content-length-range", 3, 5]]
    assert post(aws, bucket, signed(s3, bucket, conditions=range_of), file=b"12345").status == 204
    for file, code, proposed in ((b"123456", "EntityTooLarge", "6"), (b"12", "EntityTooSmall", "2")):
        refused = post(aws, bucket, signed(s3, bucket, "never", conditions=range_of), file=file)
        assert (refused.status, refused.text("Code"), refused.text("ProposedSize")) == (400, code, proposed)
    starts = signed(s3, bucket, "user/${filename}", conditions=[["starts-with", "$key", "user/"]])
    assert post(aws, bucket, starts).status == 204
    other = post(aws, f"{bucket}", {**signed(s3, "another-bucket")})
    assert 'Policy Condition failed: ["eq", "$bucket", "another-bucket"]' in other.text("Message")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["k", "user/a file.txt"]


def test_forms_that_are_none_are_refused(aws, s3, bucket):
    fields = signed(s3, bucket)
    keyless = {name: value for name, value in fields.items() if name != "key"}
    refused = post(aws, bucket, keyless)
    assert (refused.status, refused.text("Code"), refused.text("ArgumentName")) == (400, "InvalidArgument", "key")
    refused = post(aws, bucket, fields, file=None)
    assert (refused.text("Code"), refused.text("ArgumentName")) == ("InvalidArgument", "file")
    assert post(aws, bucket, fields, body=b"no form").text("Code") == "MalformedPOSTRequest"
    cut = encode(fields)[:-20]
    assert post(aws, bucket, fields, body=cut).text("Code") in ("MalformedPOSTRequest", "IncompleteBody")
    assert post(aws, bucket, {**fields, "x-amz-meta-a": "x" * 21_000}).text("Code") == "MaxPostPreDataLengthExceeded"
    wrong = {**fields, "policy": base64.b64encode(b"{").decode()}
    assert post(aws, bucket, wrong).text("Code") == "InvalidPolicyDocument"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def version_2(key, secret, bucket, name):
    expiration = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    policy = json.dumps({"expiration": expiration, "conditions": [{"bucket": bucket}, {"key": name}]})
    policy = base64.b64encode(policy.encode()).decode()
    signature = base64.b64encode(hmac.new(secret.encode(), policy.encode(), hashlib.sha1).digest()).decode()
    return {"key": name, "AWSAccessKeyId": key, "policy": policy, "signature": signature}


def test_a_form_has_the_rights_of_who_signed_its_policy(aws, s3, bucket):
    iam = aws("iam")
    iam.create_user(UserName="uploader")
    made = iam.create_access_key(UserName="uploader")["AccessKey"]
    key, secret = made["AccessKeyId"], made["SecretAccessKey"]
    theirs = client("s3", aws.endpoint, key, secret=secret, signature_version="s3v4")
    assert post(aws, bucket, signed(theirs, bucket)).text("Code") == "AccessDenied"
    statement = {
        "Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"s3:authType": "POST"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="uploader", PolicyName="p", PolicyDocument=document)
    assert post(aws, bucket, signed(theirs, bucket)).status == 204
    forged = {**signed(theirs, bucket), "x-amz-signature": "0" * 64}
    assert post(aws, bucket, forged).text("Code") == "SignatureDoesNotMatch"
    assert post(aws, bucket, version_2(key, secret, bucket, "old")).status == 204
    assert post(aws, bucket, version_2(key, "wrong", bucket, "old")).text("Code") == "SignatureDoesNotMatch"
    assert post(aws, bucket, {"key": "anonymous"}).text("Code") == "AccessDenied"
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["k", "old"]


def test_a_bucket_may_be_named_by_the_host(aws, s3, bucket):
    port = urllib.parse.urlsplit(aws.endpoint).port
    for host in (f"{bucket}.s3.localhost:{port}", f"{bucket}.s3.us-east-1.amazonaws.com"):
        assert post(aws, bucket, signed(s3, bucket, host[:20]), host=host).status == 204
        assert s3.get_object(Bucket=bucket, Key=host[:20])["Body"].read() == b"hello"
