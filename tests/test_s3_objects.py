"""Attributes, archives and the odd corners of objects in S3."""

import base64
import hashlib

import pytest

from support.clients import refused as refusal
from support.traca import eventually

MEBIBYTE = 1024 * 1024


def refused(code, operation, **parameters):
    """Calls an operation that must be refused with this code."""
    told = refusal(operation, **parameters)
    assert told.code == code, told
    return told


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(aws, s3):
    name = f"objects-{aws.account}"
    s3.create_bucket(Bucket=name)
    return name


def upload(s3, bucket, key, sizes, **settings):
    """An object in parts."""
    named = {"Bucket": bucket, "Key": key}
    named["UploadId"] = s3.create_multipart_upload(**named, **settings)["UploadId"]
    parts = []
    for number, size in enumerate(sizes, 1):
        part = s3.upload_part(
            **named, PartNumber=number, Body=bytes([number]) * size, **{
                name: value for name, value in settings.items() if name == "ChecksumAlgorithm"
            },
        )
        sums = {name: value for name, value in part.items() if name.startswith("Checksum") and settings}
        parts.append({"PartNumber": number, "ETag": part["ETag"], **sums})
    return s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})


ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def attributes(s3, bucket, key, names=ALL, **further):
    answer = s3.get_object_attributes(Bucket=bucket, Key=key, ObjectAttributes=names, **further)
    assert answer.pop("LastModified") and answer.pop("ResponseMetadata")
    return answer


def test_attributes_are_those_asked_for(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm="SHA256", StorageClass="STANDARD_IA")
    digest = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
    assert attributes(s3, bucket, "k") == {
        "ETag": "5d41402abc4b2a76b9719d911017c592",
        "Checksum": {"ChecksumSHA256": digest, "ChecksumType": "FULL_OBJECT"},
        "StorageClass": "STANDARD_IA",
        "ObjectSize": 5,
    }
    assert attributes(s3, bucket, "k", ["ObjectSize"]) == {"ObjectSize": 5}
    refused("InvalidArgument", s3.get_object_attributes, Bucket=bucket, Key="k", ObjectAttributes=["Colour"])
    refused("NoSuchKey", s3.get_object_attributes, Bucket=bucket, Key="none", ObjectAttributes=["ETag"])


def test_parts_are_told_where_they_have_checksums_of_their_own(s3, bucket):
    done = upload(s3, bucket, "own", [5 * MEBIBYTE, 7], ChecksumAlgorithm="SHA256")
    told = attributes(s3, bucket, "own", ["Checksum", "ObjectParts"])
    assert told["Checksum"] == {"ChecksumSHA256": done["ChecksumSHA256"].split("-")[0], "ChecksumType": "COMPOSITE"}
    parts = told["ObjectParts"]
    assert (parts["TotalPartsCount"], parts["IsTruncated"], parts["MaxParts"]) == (2, False, 1000)
    assert [(part["PartNumber"], part["Size"]) for part in parts["Parts"]] == [(1, 5 * MEBIBYTE), (2, 7)]
    assert all(len(part["ChecksumSHA256"]) == 44 for part in parts["Parts"])
    page = attributes(s3, bucket, "own", ["ObjectParts"], MaxParts=1)["ObjectParts"]
    assert (page["IsTruncated"], page["NextPartNumberMarker"], len(page["Parts"])) == (True, 1, 1)
    page = attributes(s3, bucket, "own", ["ObjectParts"], PartNumberMarker=1)["ObjectParts"]
    assert [part["PartNumber"] for part in page["Parts"]] == [2]
    upload(s3, bucket, "plain", [5 * MEBIBYTE, 7])
    assert attributes(s3, bucket, "plain", ["ObjectParts"])["ObjectParts"] == {"TotalPartsCount": 2}


def test_an_archived_object_is_read_once_it_is_restored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old", StorageClass="GLACIER")
    error = refused("InvalidObjectState", s3.get_object, Bucket=bucket, Key="k")
    assert error.status == 403 and error.response["Error"]["StorageClass"] == "GLACIER"
    refused("InvalidObjectState", s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    assert s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "GLACIER"
    s3.put_object(Bucket=bucket, Key="warm", Body=b"new")
    refused("InvalidObjectState", s3.restore_object, Bucket=bucket, Key="warm", RestoreRequest={"Days": 1})
    refused("MalformedXML", s3.restore_object, Bucket=bucket, Key="k", RestoreRequest={})
    asked = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 2})
    assert asked["ResponseMetadata"]["HTTPStatusCode"] == 202

    def restored():
        header = s3.head_object(Bucket=bucket, Key="k")["Restore"]
        assert header.startswith('ongoing-request="')
        return header if "false" in header else None

    header = eventually(restored, "the restored copy")
    assert header.startswith('ongoing-request="false", expiry-date="') and header.endswith(' 00:00:00 GMT"')
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"
    again = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 5})
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 200
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"old"
