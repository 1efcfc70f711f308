"""What S3 answers about objects, case by case. Where the answers are known from is said at each group: recordings of AWS
(LocalStack's snapshots, moto's tests that were run against AWS), the user guide, the API reference."""

import base64
import datetime
import hashlib
import itertools
import json
import urllib.error
import urllib.request
import uuid
import zlib
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError

from support.clients import client, new_account

PART = 5 * 1024 * 1024
BODY = b"0123456789"
ETAG = hashlib.md5(BODY).hexdigest()
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
FUTURE = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)
UNMET = "At least one of the pre-conditions you specified did not hold"


@pytest.fixture(scope="module")
def s3(platform):
    return client("s3", platform.endpoint, new_account(), validate=False)


def new_bucket(s3, *keys):
    name = f"bucket-{uuid.uuid4().hex[:16]}"
    s3.create_bucket(Bucket=name)
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=BODY)
    return name


@pytest.fixture(scope="module")
def bucket(s3):
    return new_bucket(s3, "k", "empty-source")


def refused(call, **parameters):
    """The status and the error of a call; 200 and nothing where it was taken."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]
    return answer["ResponseMetadata"]["HTTPStatusCode"], {}


# API reference, GetObject: `If-Match` goes before `If-Unmodified-Since`, `If-None-Match` before `If-Modified-Since`.
TAGS = {"none": {}, "same": {"": ETAG}, "other": {"": "0" * 32}}
TIMES = {"none": {}, "past": {"": PAST}, "future": {"": FUTURE}}
COMBINATIONS = list(itertools.product(TAGS, TAGS, TIMES, TIMES))


def outcome(match, none_match, modified, unmodified):
    """The header that is not met, and whether that means that the client has the object."""
    if match == "other":
        return "If-Match", False
    if match == "none" and unmodified == "past":
        return "If-Unmodified-Since", False
    if none_match == "same":
        return "If-None-Match", True
    # A time in the future is passed over (RFC 9110, section 13.1.3).
    return None, False


def conditions(combination, prefix="If"):
    names = ("Match", "NoneMatch", "ModifiedSince", "UnmodifiedSince")
    values = (TAGS[combination[0]], TAGS[combination[1]], TIMES[combination[2]], TIMES[combination[3]])
    return {f"{prefix}{name}": value[""] for name, value in zip(names, values) if value}


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_conditions_of_reads(s3, bucket, combination):
    header, has_it = outcome(*combination)
    for call in (s3.get_object, s3.head_object):
        status, error = refused(call, Bucket=bucket, Key="k", **conditions(combination))
        assert status == (200 if header is None else 304 if has_it else 412), error
    status, error = refused(s3.get_object, Bucket=bucket, Key="k", **conditions(combination))
    if status == 412:
        assert (error["Code"], error["Message"], error["Condition"]) == ("PreconditionFailed", UNMET, header)


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_conditions_on_the_source_of_a_copy(s3, bucket, combination):
    header, _ = outcome(*combination)
    status, error = refused(s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/k",
                            **conditions(combination, "CopySourceIf"))
    assert status == (200 if header is None else 412), error
    if header:
        assert (error["Code"], error["Condition"]) == ("PreconditionFailed", f"x-amz-copy-source-{header}")


# User guide, "Conditional writes" and "Conditional deletes"; moto's test_s3_conditionals, run against AWS.
WRITES = [
    ("new", {"IfNoneMatch": "*"}, 200, None),
    ("k", {"IfNoneMatch": "*"}, 412, "PreconditionFailed"),
    ("k", {"IfMatch": ETAG}, 200, None),
    ("k", {"IfMatch": f'"{ETAG}"'}, 200, None),
    ("k", {"IfMatch": "0" * 32}, 412, "PreconditionFailed"),
    ("absent", {"IfMatch": ETAG}, 404, "NoSuchKey"),
    ("k", {"IfNoneMatch": ETAG}, 501, "NotImplemented"),
    ("k", {"IfMatch": "*"}, 501, "NotImplemented"),
    ("k", {"IfMatch": ETAG, "IfNoneMatch": "*"}, 501, "NotImplemented"),
]


@pytest.mark.parametrize("key, asked, status, code", WRITES)
@pytest.mark.parametrize("how", ["put", "copy", "complete"])
def test_conditions_of_writes(s3, how, key, asked, status, code):
    bucket = new_bucket(s3, "k", "source")
    if how == "put":
        found = refused(s3.put_object, Bucket=bucket, Key=key, Body=BODY, **asked)
    elif how == "copy":
        found = refused(s3.copy_object, Bucket=bucket, Key=key, CopySource=f"{bucket}/source", MetadataDirective="REPLACE",
                        **asked)
    else:
        named = started(s3, bucket, key)
        part = s3.upload_part(**named, PartNumber=1, Body=BODY)
        found = refused(s3.complete_multipart_upload, **named, **asked,
                        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert (found[0], found[1].get("Code")) == (status, code), found


DELETIONS = [
    ("k", {"IfMatch": ETAG}, 204, None),
    ("k", {"IfMatch": "*"}, 204, None),
    ("k", {"IfMatch": "0" * 32}, 412, "PreconditionFailed"),
    ("absent", {"IfMatch": ETAG}, 404, "NoSuchKey"),
    ("absent", {"IfMatch": "*"}, 404, "NoSuchKey"),
    ("absent", {}, 204, None),
]


@pytest.mark.parametrize("key, asked, status, code", DELETIONS)
@pytest.mark.parametrize("versioned", [False, True])
def test_conditions_of_deletions(s3, versioned, key, asked, status, code):
    bucket = new_bucket(s3, "k")
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    found = refused(s3.delete_object, Bucket=bucket, Key=key, **asked)
    assert (found[0], found[1].get("Code")) == (status, code), found


# API reference, GetObject; RFC 9110, section 14. What is no range of bytes is passed over.
RANGES = [
    ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
    ("bytes=3-", 206, b"3456789", "bytes 3-9/10"),
    ("bytes=-3", 206, b"789", "bytes 7-9/10"),
    ("bytes=-100", 206, BODY, "bytes 0-9/10"),
    ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
    ("bytes=9-9", 206, b"9", "bytes 9-9/10"),
    ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
    ("bytes=10-", 416, None, None),
    ("bytes=10-20", 416, None, None),
    ("bytes=-0", 416, None, None),
    ("bytes=99999999999999999999-", 416, None, None),
    ("bytes=5-3", 200, BODY, None),
    ("bytes=0-3,5-6", 200, BODY, None),
    ("bytes=", 200, BODY, None),
    ("bytes=-", 200, BODY, None),
    ("bytes=a-b", 200, BODY, None),
    ("0-3", 200, BODY, None),
    ("items=0-3", 200, BODY, None),
    ("bytes=-5-3", 200, BODY, None),
]


@pytest.mark.parametrize("asked, status, body, shown", RANGES, ids=[case[0] for case in RANGES])
def test_ranges(s3, bucket, asked, status, body, shown):
    try:
        answer = s3.get_object(Bucket=bucket, Key="k", Range=asked)
    except ClientError as error:
        found = error.response["Error"]
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert (found["Code"], found["Message"]) == ("InvalidRange", "The requested range is not satisfiable")
        assert (found["RangeRequested"], found["ActualObjectSize"]) == (asked, "10")
        return
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read()) == (status, body)
    assert (answer.get("ContentRange"), answer["ContentLength"]) == (shown, len(body))


KEYS = ["a", "b/1", "b/2", "b/c/3", "d", "e f", "é", "z&<>'\""]


@pytest.fixture(scope="module")
def listed(s3):
    return new_bucket(s3, *KEYS)


IN_ORDER = sorted(KEYS, key=str.encode)

# User guide, "Organizing objects using prefixes" and the references of both listings.
LISTINGS = [
    ({}, IN_ORDER, [], False),
    ({"Prefix": "b"}, ["b/1", "b/2", "b/c/3"], [], False),
    ({"Prefix": "b/"}, ["b/1", "b/2", "b/c/3"], [], False),
    ({"Prefix": "none"}, [], [], False),
    ({"Delimiter": "/"}, ["a", "d", "e f", "z&<>'\"", "é"], ["b/"], False),
    ({"Delimiter": "/", "Prefix": "b/"}, ["b/1", "b/2"], ["b/c/"], False),
    ({"Delimiter": "/", "Prefix": "b"}, [], ["b/"], False),
    ({"Delimiter": "c/"}, ["a", "b/1", "b/2", "d", "e f", "z&<>'\"", "é"], ["b/c/"], False),
    ({"Delimiter": " "}, ["a", "b/1", "b/2", "b/c/3", "d", "z&<>'\"", "é"], ["e "], False),
    ({"Delimiter": "none"}, IN_ORDER, [], False),
    ({"Delimiter": ""}, IN_ORDER, [], False),
    ({"MaxKeys": 0}, [], [], False),
    ({"MaxKeys": 1}, ["a"], [], True),
    ({"MaxKeys": 2, "Delimiter": "/"}, ["a"], ["b/"], True),
    ({"MaxKeys": 5000}, IN_ORDER, [], False),
    ({"MaxKeys": 8}, IN_ORDER, [], False),
    ({"MaxKeys": 7}, IN_ORDER[:7], [], True),
    ({"Prefix": "é"}, ["é"], [], False),
    ({"Prefix": "z&<>"}, ["z&<>'\""], [], False),
]


@pytest.mark.parametrize("asked, keys, prefixes, more", LISTINGS, ids=[json.dumps(case[0]) for case in LISTINGS])
def test_listings(s3, listed, asked, keys, prefixes, more):
    for call in (s3.list_objects, s3.list_objects_v2):
        answer = call(Bucket=listed, **asked)
        assert [entry["Key"] for entry in answer.get("Contents", [])] == keys
        assert [entry["Prefix"] for entry in answer.get("CommonPrefixes", [])] == prefixes
        assert (answer["IsTruncated"], answer["MaxKeys"]) == (more, min(asked.get("MaxKeys", 1000), 1000))
        assert answer["Name"] == listed and unquote(answer["Prefix"]) == asked.get("Prefix", "")
        assert answer.get("Delimiter") == (asked.get("Delimiter") or None)
        if call == s3.list_objects_v2:
            assert answer["KeyCount"] == len(keys) + len(prefixes)
            assert ("NextContinuationToken" in answer) == more
        else:
            assert ("NextMarker" in answer) == (more and bool(asked.get("Delimiter")))


# Where a page begins: behind a key, whether it exists or not.
BEGINNINGS = [
    ("a", IN_ORDER[1:]),
    ("aa", IN_ORDER[1:]),
    ("b/2", IN_ORDER[3:]),
    ("zz", ["é"]),
    ("é", []),
    ("\U0010ffff", []),
]


@pytest.mark.parametrize("after, keys", BEGINNINGS, ids=[json.dumps(case[0]) for case in BEGINNINGS])
def test_pages_begin_behind_a_key(s3, listed, after, keys):
    def names(answer):
        return [entry["Key"] for entry in answer.get("Contents", [])]

    assert names(s3.list_objects(Bucket=listed, Marker=after)) == keys
    assert names(s3.list_objects_v2(Bucket=listed, StartAfter=after)) == keys
    versions = s3.list_object_versions(Bucket=listed, KeyMarker=after).get("Versions", [])
    assert [version["Key"] for version in versions] == keys


def test_a_token_goes_before_a_key_to_begin_after(s3, listed):
    """moto's test_list_objects_v2_truncated_response_start_after."""
    asked = {"Bucket": listed, "MaxKeys": 1, "StartAfter": IN_ORDER[0]}
    first = s3.list_objects_v2(**asked)
    assert (first["StartAfter"], first["Contents"][0]["Key"]) == (IN_ORDER[0], IN_ORDER[1])
    second = s3.list_objects_v2(**asked, ContinuationToken=first["NextContinuationToken"])
    assert ("StartAfter" in second, second["Contents"][0]["Key"]) == (False, IN_ORDER[2])


def test_answers_without_a_document_name_its_media_type_for_buckets_only(s3, bucket):
    """moto's test_header_content_type, run against AWS."""
    for answer, shown in ((s3.head_bucket(Bucket=bucket), "application/xml"),
                          (s3.put_object(Bucket=bucket, Key="typed", Body=BODY), None),
                          (s3.head_object(Bucket=bucket, Key="typed"), "binary/octet-stream")):
        assert answer["ResponseMetadata"]["HTTPHeaders"].get("content-type") == shown


@pytest.mark.parametrize("delimiter", [None, "/"])
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
def test_pages_come_to_everything_once(s3, listed, operation, size, delimiter):
    asked = {"Delimiter": delimiter} if delimiter else {}
    pages = s3.get_paginator(operation).paginate(Bucket=listed, PaginationConfig={"PageSize": size}, **asked)
    seen = []
    for page in pages:
        entries = [entry["Key"] for entry in page.get("Contents", page.get("Versions", []))]
        entries += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
        assert len(entries) <= size
        seen += sorted(entries, key=str.encode)
    assert seen == (["a", "b/", "d", "e f", "z&<>'\"", "é"] if delimiter else IN_ORDER)


REFUSED_LISTINGS = [
    ("list_objects", {"MaxKeys": -1}, "Argument maxKeys must be an integer between 0 and 2147483647"),
    ("list_objects_v2", {"MaxKeys": -1}, "Argument maxKeys must be an integer between 0 and 2147483647"),
    ("list_objects_v2", {"ContinuationToken": ""}, "The continuation token provided is incorrect"),
    ("list_objects_v2", {"ContinuationToken": "!"}, "The continuation token provided is incorrect"),
    ("list_object_versions", {"VersionIdMarker": "x"},
     "A version-id marker cannot be specified without a key marker."),
    ("list_objects", {"EncodingType": "other"}, "Invalid Encoding Method specified in Request"),
    ("list_objects_v2", {"EncodingType": "other"}, "Invalid Encoding Method specified in Request"),
    ("list_objects_v2", {"OptionalObjectAttributes": ["Other"]}, "Invalid attribute name specified."),
]


@pytest.mark.parametrize("operation, asked, text", REFUSED_LISTINGS)
def test_listings_that_make_no_sense(s3, listed, operation, asked, text):
    status, error = refused(getattr(s3, operation), Bucket=listed, **asked)
    assert (status, error["Code"], error["Message"]) == (400, "InvalidArgument", text)


def crc32c(data):
    table = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    value = 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return (value ^ 0xFFFFFFFF).to_bytes(4, "big")


SUMS = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": crc32c,
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
    "SHA512": lambda data: hashlib.sha512(data).digest(),
    "MD5": lambda data: hashlib.md5(data).digest(),
}


def shown(digest):
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize("algorithm", SUMS)
def test_a_checksum_is_verified_and_answered(s3, bucket, algorithm):
    """User guide, "Checking object integrity"; the texts are recorded."""
    member, right = f"Checksum{algorithm}", shown(SUMS[algorithm](BODY))
    put = s3.put_object(Bucket=bucket, Key="sum", Body=BODY, **{member: right})
    assert (put[member], put["ChecksumType"]) == (right, "FULL_OBJECT")
    head = s3.head_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")
    assert (head[member], head["ChecksumType"]) == (right, "FULL_OBJECT")
    assert member not in s3.head_object(Bucket=bucket, Key="sum")
    attributes = s3.get_object_attributes(Bucket=bucket, Key="sum", ObjectAttributes=["Checksum"])
    assert attributes["Checksum"] == {member: right, "ChecksumType": "FULL_OBJECT"}
    wrong = shown(SUMS[algorithm](b"other"))
    status, error = refused(s3.put_object, Bucket=bucket, Key="bad", Body=BODY, **{member: wrong})
    text = f"The {algorithm} you specified did not match the calculated checksum."
    assert (status, error["Code"], error["Message"]) == (400, "BadDigest", text)
    status, error = refused(s3.put_object, Bucket=bucket, Key="bad", Body=BODY, **{member: "short"})
    text = f"Value for x-amz-checksum-{algorithm.lower()} header is invalid."
    assert (status, error["Code"], error["Message"]) == (400, "InvalidRequest", text)
    assert refused(s3.head_object, Bucket=bucket, Key="bad")[0] == 404


# botocore computes no MD5 for the client.
@pytest.mark.parametrize("algorithm", [*(name for name in SUMS if name != "MD5"), "CRC64NVME"])
def test_the_client_may_choose_an_algorithm(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="chosen", Body=BODY, ChecksumAlgorithm=algorithm)
    assert put[f"Checksum{algorithm}"]
    entries = s3.list_objects_v2(Bucket=bucket, Prefix="chosen")["Contents"]
    assert entries[0]["ChecksumAlgorithm"] == [algorithm]


@pytest.mark.parametrize("algorithm, scope", [
    ("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE"),
    ("SHA512", "COMPOSITE"), ("MD5", "COMPOSITE"), ("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT"),
    ("SHA512", "FULL_OBJECT"), ("MD5", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")])
def test_checksums_of_parts(s3, bucket, algorithm, scope):
    """User guide, "Checking object integrity": which algorithms go with which type."""
    refusals = {(name, "FULL_OBJECT") for name in ("SHA1", "SHA256", "SHA512", "MD5")} | {("CRC64NVME", "COMPOSITE")}
    asked = {"Bucket": bucket, "Key": "parts", "ChecksumAlgorithm": algorithm, "ChecksumType": scope}
    if (algorithm, scope) in refusals:
        status, error = refused(s3.create_multipart_upload, **asked)
        text = f"The {scope} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        assert (status, error["Code"], error["Message"]) == (400, "InvalidRequest", text)
        return
    named = {"Bucket": bucket, "Key": "parts", "UploadId": s3.create_multipart_upload(**asked)["UploadId"]}
    first, second, member = b"x" * PART, b"y", f"Checksum{algorithm}"
    sums = [SUMS[algorithm](first), SUMS[algorithm](second)]
    parts = []
    for number, (body, digest) in enumerate(zip((first, second), sums), 1):
        part = s3.upload_part(**named, PartNumber=number, Body=body, **{member: shown(digest)})
        parts.append({"PartNumber": number, "ETag": part["ETag"], member: shown(digest)})
    done = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    of_parts = shown(SUMS[algorithm](b"".join(sums))) + "-2"
    expected = of_parts if scope == "COMPOSITE" else shown(SUMS[algorithm](first + second))
    assert (done[member], done["ChecksumType"]) == (expected, scope)
    head = s3.head_object(Bucket=bucket, Key="parts", ChecksumMode="ENABLED")
    assert (head[member], head["ChecksumType"]) == (expected, scope)


def started(s3, bucket, key="upload"):
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)
    return {"Bucket": bucket, "Key": key, "UploadId": upload["UploadId"]}


NO_UPLOAD = ("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
             "been aborted or completed.")
NUMBER = ("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
MALFORMED = ("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
NO_PART = ("InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, "
           "or the specified entity tag may not match the part's entity tag.")
ORDER = ("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")

# API reference, "Error responses"; recordings of AWS.
UPLOADS = [
    ("upload_part", {"UploadId": "none", "PartNumber": 1, "Body": b""}, NO_UPLOAD),
    ("upload_part", {"PartNumber": 0, "Body": b""}, NUMBER),
    ("upload_part", {"PartNumber": 10001, "Body": b""}, NUMBER),
    ("upload_part", {"PartNumber": -1, "Body": b""}, NUMBER),
    ("list_parts", {"UploadId": "none"}, NO_UPLOAD),
    ("list_parts", {"MaxParts": -1},
     ("InvalidArgument", "Argument max-parts must be an integer between 0 and 2147483647")),
    ("list_parts", {"PartNumberMarker": -1},
     ("InvalidArgument", "Argument part-number-marker must be an integer between 0 and 2147483647")),
    ("abort_multipart_upload", {"UploadId": "none"}, NO_UPLOAD),
    ("complete_multipart_upload", {"UploadId": "none", "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "x"}]}},
     NO_UPLOAD),
    ("complete_multipart_upload", {"MultipartUpload": {"Parts": []}}, MALFORMED),
    ("complete_multipart_upload", {"MultipartUpload": {"Parts": [{"PartNumber": 9, "ETag": "x"}]}}, NO_PART),
    ("complete_multipart_upload", {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "x"}]}}, NO_PART),
    ("complete_multipart_upload",
     {"MultipartUpload": {"Parts": [{"PartNumber": 2, "ETag": "x"}, {"PartNumber": 1, "ETag": "x"}]}}, ORDER),
    ("complete_multipart_upload",
     {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "x"}, {"PartNumber": 1, "ETag": "x"}]}}, ORDER),
    ("upload_part_copy", {"PartNumber": 1, "CopySource": "BUCKET/absent"},
     ("NoSuchKey", "The specified key does not exist.")),
    ("upload_part_copy", {"PartNumber": 1, "CopySource": "BUCKET/k", "CopySourceRange": "bytes=0-10"},
     ("InvalidArgument", "Range specified is not valid for source object of size: 10")),
    ("upload_part_copy", {"PartNumber": 1, "CopySource": "BUCKET/k", "CopySourceRange": "0-8"},
     ("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
      "the zero-based offsets of the first and last bytes to copy")),
    ("upload_part_copy", {"PartNumber": 1, "CopySource": "BUCKET/k", "CopySourceRange": "bytes=5-"},
     ("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
      "the zero-based offsets of the first and last bytes to copy")),
]


@pytest.mark.parametrize("operation, asked, expected", UPLOADS)
def test_uploads_that_make_no_sense(s3, operation, asked, expected):
    bucket = new_bucket(s3, "k")
    named = started(s3, bucket)
    s3.upload_part(**named, PartNumber=1, Body=BODY)
    asked = {name: value.replace("BUCKET", bucket) if isinstance(value, str) else value for name, value in asked.items()}
    _, error = refused(getattr(s3, operation), **{**named, **asked})
    assert (error["Code"], error["Message"]) == expected
    assert [part["PartNumber"] for part in s3.list_parts(**named)["Parts"]] == [1]


def test_an_upload_may_be_completed_again(s3):
    """moto's test_idempotent_multipart_upload, run against AWS: also with a condition that would not be met."""
    bucket = new_bucket(s3)
    named = started(s3, bucket)
    part = s3.upload_part(**named, PartNumber=1, Body=BODY)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    first = s3.complete_multipart_upload(**named, MultipartUpload=parts)
    again = s3.complete_multipart_upload(**named, MultipartUpload=parts, IfNoneMatch="*")
    assert (first["ETag"], first["Location"]) == (again["ETag"], again["Location"])
    s3.put_object(Bucket=bucket, Key="upload", Body=b"other")
    assert refused(s3.complete_multipart_upload, **named, MultipartUpload=parts)[1]["Code"] == "NoSuchUpload"


COPIES = [
    ({"CopySource": "BUCKET/absent"}, "NoSuchKey"),
    ({"CopySource": "no-such-bucket-of-anybody/k"}, "NoSuchBucket"),
    ({"CopySource": "BUCKET/k"}, "InvalidRequest"),
    ({"CopySource": "BUCKET/k", "MetadataDirective": "OTHER"}, "InvalidArgument"),
    ({"CopySource": "BUCKET/k", "TaggingDirective": "OTHER"}, "InvalidArgument"),
    ({"CopySource": "BUCKET/k?versionId=no-version"}, "InvalidArgument"),
    ({"CopySource": "BUCKET/k", "StorageClass": "STANDARD"}, None),
    ({"CopySource": "BUCKET/k", "MetadataDirective": "REPLACE", "Metadata": {"a": "b"}}, None),
    ({"CopySource": "BUCKET/k", "ServerSideEncryption": "AES256"}, None),
    ({"CopySource": "BUCKET/k", "WebsiteRedirectLocation": "/other"}, None),
]


@pytest.mark.parametrize("asked, code", COPIES)
def test_copies_of_an_object_onto_itself(s3, asked, code):
    """Recordings of AWS; moto's test_copy_object_in_place_with_versioning, run against AWS."""
    bucket = new_bucket(s3, "k")
    asked = {**asked, "CopySource": asked["CopySource"].replace("BUCKET", bucket)}
    _, error = refused(s3.copy_object, Bucket=bucket, Key="k", **asked)
    assert error.get("Code") == code, error
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY


def test_a_bucket_is_emptied_page_by_page(s3):
    """Each page's marker is a version that was deleted before the next page is asked for."""
    bucket = new_bucket(s3)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "a", "a", "b", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=BODY)
    seen = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}):
        for version in page["Versions"]:
            seen.append((version["Key"], version["IsLatest"]))
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    assert seen == [("a", True), ("a", False), ("a", True), ("b", True), ("b", True)]
    s3.delete_bucket(Bucket=bucket)


# What cannot be put: names, classes, tags, metadata, grants.
PUTS = [
    ({"Key": "k" * 1025}, "KeyTooLongError", "Your key is too long"),
    ({"StorageClass": "OTHER"}, "InvalidStorageClass", "The storage class you specified is not valid"),
    ({"Tagging": "aws:a=b"}, "InvalidTag", "Your TagKey cannot be prefixed with aws:"),
    ({"Tagging": "a=1&a=2"}, "InvalidArgument", None),
    ({"Tagging": "&".join(f"k{number}=v" for number in range(11))}, "BadRequest", "Object tags cannot be greater than 10"),
    ({"Tagging": "k" * 129 + "=v"}, "InvalidTag", "The TagKey you have provided is invalid"),
    ({"Tagging": "k=" + "v" * 257}, "InvalidTag", "The TagValue you have provided is invalid"),
    ({"Metadata": {"a": "b" * 2048}}, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"),
    ({"ACL": "public-read"}, "AccessControlListNotSupported", "The bucket does not allow ACLs"),
    ({"ACL": "other"}, "InvalidArgument", None),
    ({"ACL": "bucket-owner-full-control", "GrantFullControl": "id=\"" + "0" * 64 + "\""}, "InvalidRequest",
     "Specifying both Canned ACLs and Header Grants is not allowed"),
    ({"WebsiteRedirectLocation": "ftp://x"}, "InvalidArgument",
     "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."),
    ({"ContentMD5": "x"}, "InvalidDigest", "The Content-MD5 you specified was invalid."),
    ({"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, "BadDigest",
     "The Content-MD5 you specified did not match what we received."),
    ({"ServerSideEncryption": "other"}, "InvalidArgument", None),
    ({"ServerSideEncryption": "AES256", "SSEKMSKeyId": "x"}, "InvalidArgument", None),
    ({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": FUTURE}, "InvalidRequest", None),
    ({"ObjectLockLegalHoldStatus": "ON"}, "InvalidRequest", None),
]


@pytest.mark.parametrize("asked, code, text", PUTS, ids=[f"{case[1]}-{number}" for number, case in enumerate(PUTS)])
def test_objects_that_cannot_be_put(s3, bucket, asked, code, text):
    _, error = refused(s3.put_object, **{"Bucket": bucket, "Key": "refused", "Body": BODY, **asked})
    assert error["Code"] == code and text in (None, error["Message"]), error
    assert refused(s3.head_object, Bucket=bucket, Key="refused")[0] == 404


def test_delete_markers_refuse_what_is_done_to_them(s3):
    """moto's test_put_object_tagging_on_deleted_version, run against AWS."""
    bucket = new_bucket(s3)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="k", Body=BODY)
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    named = {"Bucket": bucket, "Key": "k", "VersionId": marker}
    for call, method in ((s3.get_object, "GET"), (s3.get_object_tagging, "GET")):
        status, error = refused(call, **named)
        assert (status, error["Code"], error["Method"]) == (405, "MethodNotAllowed", method)
        assert error["ResourceType"] == "DeleteMarker"
    status, error = refused(s3.put_object_tagging, **named, Tagging={"TagSet": []})
    assert (status, error["Code"], error["Method"]) == (405, "MethodNotAllowed", "PUT")
    assert refused(s3.head_object, **named)[0] == 405
    assert refused(s3.head_object, Bucket=bucket, Key="k")[0] == 404


# User guide, "Cross-origin resource sharing": a rule fits with its origin, method and all the headers asked for.
RULES = [{"AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-amz-*"],
          "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 30}]
PREFLIGHTS = [
    ("https://a.example.com", "GET", None, True),
    ("https://a.example.com", "PUT", None, True),
    ("https://a.example.com", "DELETE", None, False),
    ("https://example.com", "GET", None, False),
    ("http://a.example.com", "GET", None, False),
    ("https://a.example.com.evil", "GET", None, False),
    ("https://a.example.com", "PUT", "x-amz-acl", True),
    ("https://a.example.com", "PUT", "X-Amz-Acl", True),
    ("https://a.example.com", "PUT", "x-amz-acl, x-amz-date", True),
    ("https://a.example.com", "PUT", "x-amz-acl, other", False),
]


@pytest.mark.parametrize("origin, method, headers, is_allowed", PREFLIGHTS)
def test_preflights(s3, platform, bucket, origin, method, headers, is_allowed):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    request = urllib.request.Request(f"{platform.endpoint}/{bucket}/k", method="OPTIONS", headers=asked)
    try:
        with urllib.request.urlopen(request) as answer:
            status, found, body = answer.status, answer.headers, b""
    except urllib.error.HTTPError as error:
        status, found, body = error.code, error.headers, error.read()
    if not is_allowed:
        assert status == 403 and b"This CORS request is not allowed." in body
        assert "Access-Control-Allow-Origin" not in found
        return
    assert (status, found["Access-Control-Allow-Origin"], found["Access-Control-Max-Age"]) == (200, origin, "30")
    assert found["Access-Control-Allow-Methods"] == "GET, PUT" and found["Access-Control-Expose-Headers"] == "ETag"


def test_headers_in_a_presigned_url_are_the_requests(s3, platform, bucket):
    """Signers move headers into the URL; recorded for both versions of the signature (LocalStack's presigned tests)."""
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "hoisted"})
    assert "Signature" in url
    request = urllib.request.Request(f"{url}&x-amz-meta-venue=a%20b&x-amz-storage-class=STANDARD_IA", BODY, method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    head = s3.head_object(Bucket=bucket, Key="hoisted")
    assert (head["Metadata"], head["StorageClass"]) == ({"venue": "a b"}, "STANDARD_IA")
