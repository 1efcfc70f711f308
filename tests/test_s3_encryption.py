"""Encryption of objects at rest: by S3, by keys of KMS, by keys that the customer brings along."""

import base64
import hashlib
import json

import pytest

from support.clients import Clients, client, new_account, refused as refusal
from support.traca import Traca

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
SIZES = [0, 11, 16 * KIBIBYTE + 1, 300 * KIBIBYTE + 7]


def refused(code, operation, **parameters):
    """Calls an operation that must be refused with this code."""
    told = refusal(operation, **parameters)
    assert told.code == code, told
    return told


def body_of(size):
    return (b"the quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:size]


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(aws, s3):
    name = f"secret-{aws.account}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def key(aws):
    return aws("kms").create_key()["KeyMetadata"]["Arn"]


def customer(byte):
    secret = bytes([byte]) * 32
    return {
        "SSECustomerAlgorithm": "AES256",
        "SSECustomerKey": base64.b64encode(secret).decode(),
        "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(secret).digest()).decode(),
    }


def as_source(parameters):
    return {f"CopySource{name}": value for name, value in parameters.items()}


def test_no_body_lies_in_the_clear_on_the_disk(data):
    account = new_account()
    with Traca("--data", data) as traca:
        s3 = Clients(traca.endpoint, account)("s3")
        s3.create_bucket(Bucket="clear")
        for size in SIZES:
            s3.put_object(Bucket="clear", Key=str(size), Body=body_of(size))
        upload = s3.create_multipart_upload(Bucket="clear", Key="parts")["UploadId"]
        s3.upload_part(Bucket="clear", Key="parts", UploadId=upload, PartNumber=1, Body=body_of(MEBIBYTE))
    files = [path for path in data.rglob("*") if path.is_file()]
    assert files and not [path for path in files if b"the quick brown fox" in path.read_bytes()]
    with Traca("--data", data) as traca:
        s3 = Clients(traca.endpoint, account)("s3")
        for size in SIZES:
            assert s3.get_object(Bucket="clear", Key=str(size))["Body"].read() == body_of(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("method", ["aws:kms", "aws:kms:dsse"])
def test_objects_under_a_key_of_kms_say_so_and_come_back(s3, bucket, key, method, size):
    put = s3.put_object(
        Bucket=bucket, Key="k", Body=body_of(size), ServerSideEncryption=method, SSEKMSKeyId=key.split("/")[1]
    )
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"]) == (method, key)
    assert put["ETag"] != f'"{hashlib.md5(body_of(size)).hexdigest()}"'
    for read in (s3.get_object, s3.head_object):
        answer = read(Bucket=bucket, Key="k")
        assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == (method, key)
        assert answer["ETag"] == put["ETag"] and "BucketKeyEnabled" not in answer
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body_of(size)
    if size > 70_000:
        part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=65530-65545")["Body"].read()
        assert part == body_of(size)[65530:65546]
        assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=-9")["Body"].read() == body_of(size)[-9:]


def test_the_managed_key_is_used_where_none_is_named(aws, s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", BucketKeyEnabled=True)
    assert put["BucketKeyEnabled"] is True
    managed = aws("kms").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (managed["Arn"], managed["KeyManager"]) == (put["SSEKMSKeyId"], "AWS")
    assert s3.get_object(Bucket=bucket, Key="k")["BucketKeyEnabled"] is True


def test_what_kms_refuses_is_told_under_its_code(aws, s3, bucket, key):
    kms = aws("kms")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    kms.disable_key(KeyId=key)
    for call in (
        lambda: s3.get_object(Bucket=bucket, Key="k"),
        lambda: s3.put_object(Bucket=bucket, Key="l", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key),
        lambda: s3.copy_object(Bucket=bucket, Key="l", CopySource=f"{bucket}/k"),
    ):
        error = refused("KMS.DisabledException", call)
        assert error.message == f"{key} is disabled."
    assert s3.head_object(Bucket=bucket, Key="k")["SSEKMSKeyId"] == key
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    error = refused("KMS.KMSInvalidStateException", s3.get_object, Bucket=bucket, Key="k")
    assert error.message == f"{key} is pending deletion."
    missing = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "00000000-0000-0000-0000-000000000000"}
    refused("KMS.NotFoundException", s3.put_object, Bucket=bucket, Key="l", Body=b"x", **missing)
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_a_key_of_kms_needs_the_callers_own_rights(aws, s3, bucket, key):
    iam = aws("iam")
    iam.create_user(UserName="reader")
    rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}
    iam.put_user_policy(
        UserName="reader", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    )
    made = iam.create_access_key(UserName="reader")["AccessKey"]
    reader = client("s3", aws.endpoint, made["AccessKeyId"], secret=made["SecretAccessKey"])
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret", **encrypted)
    denied = refused("AccessDenied", reader.get_object, Bucket=bucket, Key="k")
    assert "kms:Decrypt" in denied.message
    denied = refused("AccessDenied", reader.put_object, Bucket=bucket, Key="l", Body=b"x", **encrypted)
    assert "kms:GenerateDataKey" in denied.message
    condition = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/k"}}
    rights = [rights, {"Effect": "Allow", "Action": "kms:*", "Resource": key, "Condition": condition}]
    iam.put_user_policy(
        UserName="reader", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": rights})
    )
    assert reader.get_object(Bucket=bucket, Key="k")["Body"].read() == b"secret"
    refused("AccessDenied", reader.put_object, Bucket=bucket, Key="l", Body=b"x", **encrypted)


def test_a_bucket_encrypts_by_default_as_it_is_told(s3, bucket, key):
    default = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert default == [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    ]
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": True,
    }
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"], put["BucketKeyEnabled"]) == ("aws:kms", key, True)
    assert s3.put_object(Bucket=bucket, Key="s", Body=b"x", ServerSideEncryption="AES256")[
        "ServerSideEncryption"
    ] == "AES256"
    s3.delete_bucket_encryption(Bucket=bucket)
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"] == default
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    assert copied["ServerSideEncryption"] == "AES256" and "SSEKMSKeyId" not in copied


@pytest.mark.parametrize(
    "rules, code",
    [
        ([], "MalformedXML"),
        ([{}], "MalformedXML"),
        ([{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES128"}}], "MalformedXML"),
        ([{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}}], "InvalidArgument"),
    ],
)
def test_a_wrong_default_is_refused(s3, bucket, rules, code):
    refused(code, s3.put_bucket_encryption, Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def test_a_bucket_may_block_customers_keys(s3, bucket):
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    read = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert read == [{**rule, "BucketKeyEnabled": False}]
    refused("AccessDenied", s3.put_object, Bucket=bucket, Key="k", Body=b"x", **customer(1))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")


@pytest.mark.parametrize("size", SIZES)
def test_a_customers_key_is_needed_for_every_read(s3, bucket, size):
    put = s3.put_object(Bucket=bucket, Key="k", Body=body_of(size), **customer(1))
    assert put["SSECustomerAlgorithm"] == "AES256" and put["SSECustomerKeyMD5"] == customer(1)["SSECustomerKeyMD5"]
    assert "ServerSideEncryption" not in put
    error = refused("InvalidRequest", s3.get_object, Bucket=bucket, Key="k")
    assert error.message == (
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
        "retrieve the object."
    )
    refused("AccessDenied", s3.get_object, Bucket=bucket, Key="k", **customer(2))
    refused("400", s3.head_object, Bucket=bucket, Key="k")
    refused("403", s3.head_object, Bucket=bucket, Key="k", **customer(2))
    assert s3.head_object(Bucket=bucket, Key="k", **customer(1))["ETag"] == put["ETag"]
    got = s3.get_object(Bucket=bucket, Key="k", **customer(1))
    assert got["Body"].read() == body_of(size) and got["SSECustomerKeyMD5"] == put["SSECustomerKeyMD5"]
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    error = refused("InvalidRequest", s3.get_object, Bucket=bucket, Key="plain", **customer(1))
    assert error.message == "The encryption parameters are not applicable to this object."


def test_headers_of_a_customers_key_must_agree(s3, bucket):
    wrong = {**customer(1), "SSECustomerKeyMD5": customer(2)["SSECustomerKeyMD5"]}
    error = refused("InvalidArgument", s3.put_object, Bucket=bucket, Key="k", Body=b"x", **wrong)
    assert error.message == "The calculated MD5 hash of the key did not match the hash that was provided."
    short = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "short"}
    refused("InvalidArgument", s3.put_object, Bucket=bucket, Key="k", Body=b"x", **short)
    other = {**customer(1), "SSECustomerAlgorithm": "AES512"}
    refused("InvalidEncryptionAlgorithmError", s3.put_object, Bucket=bucket, Key="k", Body=b"x", **other)
    both = {**customer(1), "ServerSideEncryption": "AES256"}
    refused("InvalidArgument", s3.put_object, Bucket=bucket, Key="k", Body=b"x", **both)
    refused("InvalidArgument", s3.put_object, Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES512")
    refused("InvalidArgument", s3.put_object, Bucket=bucket, Key="k", Body=b"x", SSEKMSKeyId="k")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize("size", SIZES)
def test_copies_go_from_any_encryption_to_any_other(s3, bucket, key, size):
    kinds = {
        "s3": {"ServerSideEncryption": "AES256"},
        "kms": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key},
        "dual": {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": key},
        "customer": customer(1),
    }
    for source, kind in kinds.items():
        s3.put_object(Bucket=bucket, Key=source, Body=body_of(size), **kind)
        opened = as_source(customer(1)) if source == "customer" else {}
        for target, wanted in kinds.items():
            copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/{source}", **opened, **wanted)
            assert copied.get("ServerSideEncryption") == wanted.get("ServerSideEncryption")
            got = s3.get_object(Bucket=bucket, Key="copy", **(wanted if target == "customer" else {}))
            assert got["Body"].read() == body_of(size), (source, target)
            if target == "s3":
                assert got["ETag"] == f'"{hashlib.md5(body_of(size)).hexdigest()}"'
    refused("InvalidRequest", s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/customer")


@pytest.mark.parametrize("kind", ["s3", "kms", "dual", "customer"])
def test_parts_are_encrypted_as_their_upload_says(s3, bucket, key, kind):
    wanted = {
        "s3": {},
        "kms": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key},
        "dual": {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": key},
        "customer": customer(1),
    }[kind]
    with_key = wanted if kind == "customer" else {}
    s3.put_object(Bucket=bucket, Key="source", Body=body_of(5 * MEBIBYTE), **customer(3))
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **wanted)
    assert upload.get("ServerSideEncryption") == (wanted.get("ServerSideEncryption") or (None if with_key else "AES256"))
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    first = s3.upload_part_copy(
        **named, PartNumber=1, CopySource=f"{bucket}/source", **as_source(customer(3)), **with_key
    )
    second = s3.upload_part(**named, PartNumber=2, Body=body_of(100_000), **with_key)
    if with_key:
        refused("InvalidRequest", s3.upload_part, **named, PartNumber=3, Body=b"x")
        refused("InvalidRequest", s3.upload_part, **named, PartNumber=3, Body=b"x", **customer(2))
    else:
        refused("InvalidRequest", s3.upload_part, **named, PartNumber=3, Body=b"x", **customer(2))
    parts = [{"PartNumber": 1, "ETag": first["CopyPartResult"]["ETag"]}, {"PartNumber": 2, "ETag": second["ETag"]}]
    done = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    assert done.get("SSEKMSKeyId") == wanted.get("SSEKMSKeyId")
    whole = body_of(5 * MEBIBYTE) + body_of(100_000)
    got = s3.get_object(Bucket=bucket, Key="k", **with_key)
    assert got["Body"].read() == whole
    middle = s3.get_object(Bucket=bucket, Key="k", Range="bytes=5242870-5242890", **with_key)["Body"].read()
    assert middle == whole[5242870:5242891]
    assert s3.get_object(Bucket=bucket, Key="k", PartNumber=2, **with_key)["Body"].read() == body_of(100_000)
