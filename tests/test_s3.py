"""S3 with a real client: buckets, objects, listings, versions, tags and conditions."""

import hashlib
import urllib.request

import botocore.exceptions
import pytest
from boto3.s3.transfer import S3Transfer

MEBIBYTE = 1024 * 1024


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(s3):
    name = "bucket-" + hashlib.md5(repr(s3.meta.config.user_agent + str(id(s3))).encode()).hexdigest()[:12]
    s3.create_bucket(Bucket=name)
    return name


def refused(call, **parameters):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    return caught.value.response


def test_an_object_comes_back_as_it_was_put(s3, bucket):
    put = s3.put_object(
        Bucket=bucket, Key="a b/ä+?.txt", Body=b"hello", ContentType="text/plain", Metadata={"Colour": "blue"},
        CacheControl="no-cache", Tagging="team=red",
    )
    assert put["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert put["ServerSideEncryption"] == "AES256" and "VersionId" not in put
    got = s3.get_object(Bucket=bucket, Key="a b/ä+?.txt")
    assert got["Body"].read() == b"hello"
    assert (got["ContentType"], got["ContentLength"], got["ETag"]) == ("text/plain", 5, put["ETag"])
    assert (got["Metadata"], got["CacheControl"], got["TagCount"]) == ({"colour": "blue"}, "no-cache", 1)
    head = s3.head_object(Bucket=bucket, Key="a b/ä+?.txt", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == "NhCmhg==" and head["ChecksumType"] == "FULL_OBJECT"


def test_what_is_missing_is_told_with_its_name(s3, bucket):
    missing = refused(s3.get_object, Bucket=bucket, Key="nothing")
    assert (missing["Error"]["Code"], missing["Error"]["Key"]) == ("NoSuchKey", "nothing")
    assert refused(s3.head_object, Bucket=bucket, Key="nothing")["ResponseMetadata"]["HTTPStatusCode"] == 404
    missing = refused(s3.list_objects_v2, Bucket="there-is-none-of-it")
    assert (missing["Error"]["Code"], missing["Error"]["BucketName"]) == ("NoSuchBucket", "there-is-none-of-it")


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 3 * MEBIBYTE + 7])
def test_bodies_of_any_size_come_back_whole_and_in_parts(s3, bucket, size):
    body = hashlib.sha256(b"seed").digest() * (size // 32 + 1)
    body = body[:size]
    s3.put_object(Bucket=bucket, Key="body", Body=body)
    assert s3.get_object(Bucket=bucket, Key="body")["Body"].read() == body
    if size > 10:
        got = s3.get_object(Bucket=bucket, Key="body", Range=f"bytes={size // 2}-{size // 2 + 8}")
        assert got["Body"].read() == body[size // 2 : size // 2 + 9]
        assert got["ContentRange"] == f"bytes {size // 2}-{size // 2 + 8}/{size}"
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    error = refused(s3.get_object, Bucket=bucket, Key="body", Range=f"bytes={size}-")
    assert (error["Error"]["Code"], error["Error"]["ActualObjectSize"]) == ("InvalidRange", str(size))


def test_a_body_that_is_not_as_declared_leaves_nothing(s3, bucket):
    wrong = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"hello", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    assert wrong["Error"]["Code"] == "BadDigest"
    wrong = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"hello", ChecksumCRC32="AAAAAA==")
    assert wrong["Error"]["Code"] == "BadDigest"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_kept_and_shown(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]


def test_conditions_are_held(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    error = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert (error["Error"]["Code"], error["Error"]["Condition"]) == ("PreconditionFailed", "If-None-Match")
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"x"')["Error"]["Code"] == "PreconditionFailed"
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag)["ResponseMetadata"]["HTTPStatusCode"] == 304
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfMatch='"x"')["Error"]["Code"] == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_listings_page_and_roll_up(s3, bucket):
    keys = ["a", "d/1", "d/2", "d/3", "e", "ä b"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]] == keys
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2})
    pages = list(pages)
    assert [page["KeyCount"] for page in pages] == [2, 2]
    assert [found["Key"] for page in pages for found in page.get("Contents", [])] == ["a", "e", "ä b"]
    assert [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])] == ["d/"]
    first = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=2)
    assert first["IsTruncated"] and first["NextMarker"] == "d/"
    second = s3.list_objects(Bucket=bucket, Delimiter="/", Marker="d/")
    assert [found["Key"] for found in second["Contents"]] == ["e", "ä b"] and "CommonPrefixes" not in second
    inside = s3.list_objects_v2(Bucket=bucket, Prefix="d/", StartAfter="d/1")
    assert [found["Key"] for found in inside["Contents"]] == ["d/2", "d/3"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["IsTruncated"] is False


def test_versions_are_kept_and_marked(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"null")
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    gone = refused(s3.get_object, Bucket=bucket, Key="k")
    assert gone["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"null"
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"])["Error"]["Code"] == "MethodNotAllowed"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [(v["VersionId"], v["IsLatest"]) for v in listed["Versions"]] == [(first, False), ("null", False)]
    assert [(v["VersionId"], v["IsLatest"]) for v in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == first
    assert refused(s3.delete_bucket, Bucket=bucket)["Error"]["Code"] == "BucketNotEmpty"


def test_many_objects_go_at_once(s3, bucket):
    for key in "abc":
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "none"}]})
    assert sorted(entry["Key"] for entry in gone["Deleted"]) == ["a", "b", "none"] and "Errors" not in gone
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "c"}], "Quiet": True})
    s3.delete_bucket(Bucket=bucket)
    assert refused(s3.head_bucket, Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_copy_has_the_body_and_what_it_is_given(s3, bucket):
    body = b"x" * 50_000
    s3.put_object(Bucket=bucket, Key="from", Body=body, Metadata={"a": "1"}, ContentType="text/plain")
    source = {"Bucket": bucket, "Key": "from"}
    s3.copy_object(Bucket=bucket, Key="same", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="new", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"})
    same, new = s3.get_object(Bucket=bucket, Key="same"), s3.get_object(Bucket=bucket, Key="new")
    assert same["Body"].read() == new["Body"].read() == body
    assert (same["Metadata"], same["ContentType"], new["Metadata"]) == ({"a": "1"}, "text/plain", {"b": "2"})
    assert refused(s3.copy_object, Bucket=bucket, Key="from", CopySource=source)["Error"]["Code"] == "InvalidRequest"


def test_parts_become_an_object(s3, bucket):
    parts = [b"a" * 5 * MEBIBYTE, b"b" * 5 * MEBIBYTE, b"end"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    sent = [
        {"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=n, Body=body)["ETag"]}
        for n, body in enumerate(parts, 1)
    ]
    assert [p["Size"] for p in s3.list_parts(Bucket=bucket, Key="big", UploadId=upload)["Parts"]] == [len(p) for p in parts]
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    complete = {"Bucket": bucket, "Key": "big", "UploadId": upload}
    error = refused(s3.complete_multipart_upload, **complete, MultipartUpload={"Parts": sent[::-1]})
    assert error["Error"]["Code"] == "InvalidPartOrder"
    done = s3.complete_multipart_upload(**complete, MultipartUpload={"Parts": sent})
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert done["ETag"] == f'"{digest}-3"'
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == b"".join(parts)
    second = s3.get_object(Bucket=bucket, Key="big", PartNumber=3)
    assert (second["Body"].read(), second["PartsCount"]) == (b"end", 3)
    across = s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={5 * MEBIBYTE - 1}-{5 * MEBIBYTE}")
    assert across["Body"].read() == b"ab"
    assert refused(s3.list_parts, Bucket=bucket, Key="big", UploadId=upload)["Error"]["Code"] == "NoSuchUpload"


def test_small_parts_are_refused_and_uploads_can_be_given_up(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    name = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    sent = [{"PartNumber": n, "ETag": s3.upload_part(**name, PartNumber=n, Body=b"x")["ETag"]} for n in (1, 2)]
    error = refused(s3.complete_multipart_upload, **name, MultipartUpload={"Parts": sent})["Error"]
    assert (error["Code"], error["MinSizeAllowed"]) == ("EntityTooSmall", "5242880")
    s3.abort_multipart_upload(**name)
    assert refused(s3.abort_multipart_upload, **name)["Error"]["Code"] == "NoSuchUpload"


def test_the_transfer_manager_moves_files(s3, bucket, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"0123456789" * 2 * MEBIBYTE)
    transfer = S3Transfer(s3)
    transfer.upload_file(str(source), bucket, "file")
    transfer.download_file(bucket, "file", str(target))
    assert target.read_bytes() == source.read_bytes()


def test_tags_are_replaced_as_a_whole(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=2")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": "3"}]
    assert refused(s3.get_bucket_tagging, Bucket=bucket)["Error"]["Code"] == "NoSuchTagSet"


def test_a_presigned_link_needs_no_credentials(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert answer.read() == b"hello"


def test_what_is_not_built_is_refused_by_name(s3, bucket):
    error = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"x", WriteOffsetBytes=0)["Error"]
    assert (error["Code"], error["Header"]) == ("NotImplemented", "x-amz-write-offset-bytes")
