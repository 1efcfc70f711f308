"""Input that means harm, or no sense: S3's error for it, and nothing changed by it."""

import http.client
import os
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import pytest

from support.clients import client, new_account, root_key
from support.traca import PATIENCE_SECONDS, Traca, eventually

BODY = b"0123456789"
MALFORMED = b"<Code>MalformedXML</Code>"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A platform with its data in a directory, so that it can be seen what is written where."""
    directory = tmp_path_factory.mktemp("hostile")
    with Traca("--data", directory / "data") as platform:
        yield platform, directory


@pytest.fixture(scope="module")
def s3(kept):
    return client("s3", kept[0].endpoint, new_account())


@pytest.fixture(scope="module")
def bucket(s3):
    name = f"bucket-{uuid.uuid4().hex[:16]}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=BODY)
    return name


def raw(kept, head, body=b"", shut=False):
    """Sends bytes as they are, and answers the status and all that comes back."""
    address = urlsplit(kept[0].endpoint)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + body)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return (int(received.split(b" ", 2)[1]) if received else None), received


def send(kept, s3, method, path, body=b"", **headers):
    """A request whose keys nobody checks, as the account of the tests."""
    credential = f"{s3._request_signer._credentials.access_key}/20260101/us-east-1/s3/aws4_request"
    address = urlsplit(kept[0].endpoint)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    connection.request(method, path, body=body, headers={
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={'0' * 64}",
        "X-Amz-Date": now, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
        **{name.replace("_", "-"): value for name, value in headers.items()}})
    answer = connection.getresponse()
    found = answer.status, answer.read(), dict(answer.getheaders())
    connection.close()
    return found


def files(directory):
    return {os.path.join(folder, name) for folder, _, names in os.walk(directory) for name in names}


PATHS = ["../../../etc/passwd", "..", ".", "/", "//", "a/../../b", "a//b", "\\..\\x", "%2e%2e/%2e%2e/x", "C:\\x", "a\tb", "a\nb",
         "data/../../outside", "~/x", "-rf", "$(id)", "a?b#c", "\u202ex", "nul\x01", "k" * 1024]


@pytest.mark.parametrize("key", PATHS, ids=range(len(PATHS)))
def test_keys_are_only_names(kept, s3, bucket, key):
    outside = files(kept[1]) - files(kept[1] / "data")
    body = key.encode() * 3000
    path = f"/{bucket}/{quote(key, safe='')}"
    assert send(kept, s3, "PUT", path, body)[0] == 200
    assert send(kept, s3, "GET", path)[:2] == (200, body)
    assert files(kept[1]) - files(kept[1] / "data") == outside
    assert send(kept, s3, "DELETE", path)[0] == 204
    assert send(kept, s3, "GET", path)[0] == 404


def entities(count):
    lines = "".join(f'<!ENTITY e{number} "&e{number - 1};&e{number - 1};">' for number in range(1, count))
    tag = f"<Tag><Key>&e{count - 1};</Key><Value>v</Value></Tag>"
    return f'<!DOCTYPE d [<!ENTITY e0 "x">{lines}]><Tagging><TagSet>{tag}</TagSet></Tagging>'.encode()


DOCUMENTS = [
    entities(40),
    b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Tagging><TagSet><Tag><Key>&x;</Key><Value>v</Value></Tag></TagSet>'
    b"</Tagging>",
    b"<a>" * 100_000,
    b"<Tagging>" + b"<TagSet>" * 5_000 + b"</TagSet>" * 5_000 + b"</Tagging>",
    b"<Tagging><TagSet><Tag><Key>a</Key>",
    b"<Tagging></Other>",
    b"\xff\xfe\x00\x00",
    b"{}",
    b"<Tagging/><Tagging/>",
    b"<Tagging><TagSet><Tag><Key>&undefined;</Key><Value>v</Value></Tag></TagSet></Tagging>",
    b"<?xml version='1.0'?>",
    b"<Tagging " + b" ".join(b'a%d="b"' % number for number in range(5_000)) + b"/>",
]


@pytest.mark.parametrize("number", range(len(DOCUMENTS)))
def test_documents_that_mean_harm(kept, s3, bucket, number):
    status, body, _ = send(kept, s3, "PUT", f"/{bucket}/k?tagging", DOCUMENTS[number])
    assert status == 400 and MALFORMED in body, body[:300]
    assert b"root:" not in body
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


@pytest.mark.parametrize("path, root, entry, count", [
    ("/{}?delete", "Delete", "<Object><Key>k</Key></Object>", 1_001),
    ("/{}/k?uploadId=x", "CompleteMultipartUpload", "<Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>", 10_001),
])
def test_lists_that_are_too_long(kept, s3, bucket, path, root, entry, count):
    document = f"<{root}>{entry * count}</{root}>".encode()
    status, body, _ = send(kept, s3, "POST", path.format(bucket), document)
    assert status == 400 and MALFORMED in body, body[:300]
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY


def test_a_document_without_end_is_refused(kept, s3, bucket):
    try:
        status, _, _ = send(kept, s3, "PUT", f"/{bucket}/k?tagging", b"<Tagging>" + b" " * (40 * 1024 * 1024))
    except (BrokenPipeError, ConnectionResetError):
        # The connection is closed before all of it was sent.
        status = 400
    assert status in (400, 413), status
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_headers_cannot_be_smuggled_into_answers(kept, s3, bucket):
    """What a parameter says of an answer's headers stays inside its header, or is refused."""
    path = f"/{bucket}/k?response-content-disposition={quote(chr(13) + chr(10))}Set-Cookie:%20a=b"
    status, _, headers = send(kept, s3, "GET", path)
    assert "Set-Cookie" not in headers and status < 500
    status, _, _ = send(kept, s3, "PUT", f"/{bucket}/meta", BODY, **{"x-amz-meta-a": "b\tc"})
    assert status == 200
    status, received = raw(kept, f"PUT /{bucket}/bad HTTP/1.1\nHost: x\nx-amz-meta-a: b\x00c\nContent-Length: 1\n\n", b"x")
    assert status == 400
    assert send(kept, s3, "HEAD", f"/{bucket}/bad")[0] == 404


@pytest.mark.parametrize("length, body", [("11", BODY), ("1000000000000000000000", BODY), ("-1", BODY), ("abc", BODY),
                                          ("5368709121", BODY)])
def test_lengths_that_are_wrong(kept, s3, bucket, length, body):
    """A body that ends early, and lengths that are none or too great: nothing is kept."""
    status, received = raw(kept, f"PUT /{bucket}/short HTTP/1.1\nHost: x\nContent-Length: {length}\n"
                           f"Authorization: AWS4-HMAC-SHA256 Credential={s3._request_signer._credentials.access_key}"
                           "/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00\n"
                           f"X-Amz-Date: {time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}\n"
                           "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\nConnection: close\n\n", body, shut=True)
    assert status is None or 400 <= status < 500, received[:300]
    assert send(kept, s3, "HEAD", f"/{bucket}/short")[0] == 404


def test_bodies_that_stop_are_given_up(kept, s3, bucket):
    """Clients that send the beginning of a body and then nothing: all are told, and nothing of them is kept."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    chunked = "Content-Encoding: aws-chunked\nX-Amz-Decoded-Content-Length: 100000\nX-Amz-Trailer: x-amz-checksum-crc32\n"
    slow = {
        "slow": ("UNSIGNED-PAYLOAD", "", BODY),
        # Beyond what lies in the store: a blob has been begun.
        "slow-large": ("UNSIGNED-PAYLOAD", "", BODY * 5000),
        "slow-chunks": ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", chunked, b"a\r\n" + BODY + b"\r\n"),
        f"parts?partNumber=1&uploadId={upload}": ("UNSIGNED-PAYLOAD", "", BODY * 5000),
    }
    credential = f"{s3._request_signer._credentials.access_key}/20260101/us-east-1/s3/aws4_request"

    def put(path):
        kind, more, body = slow[path]
        return raw(kept, f"PUT /{bucket}/{path} HTTP/1.1\nHost: x\nContent-Length: 100000\nConnection: close\n"
                   f"Authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00\n"
                   f"X-Amz-Date: {time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}\n{more}"
                   f"X-Amz-Content-Sha256: {kind}\n\n", body)

    before = files(kept[1] / "data" / "blobs")
    with ThreadPoolExecutor(len(slow)) as clients:
        for status, received in clients.map(put, slow):
            assert status == 400 and b"<Code>RequestTimeout</Code>" in received, received
            assert b"Your socket connection to the server was not read from or written to" in received
    for key in ("slow", "slow-large", "slow-chunks"):
        assert send(kept, s3, "HEAD", f"/{bucket}/{key}")[0] == 404
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="parts", UploadId=upload)
    eventually(lambda: files(kept[1] / "data" / "blobs") <= before, "the end of what was begun")
    s3.abort_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload)


@pytest.mark.parametrize("body", [
    b"zz\r\n0123456789\r\n0\r\n\r\n",
    b"ffffffffffffffffff;chunk-signature=00\r\n",
    b"a;chunk-signature=00\r\n01234",
    b"-1;chunk-signature=00\r\n\r\n",
    b"a\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
])
def test_chunks_that_are_none(kept, s3, bucket, body):
    status, answer, _ = send(kept, s3, "PUT", f"/{bucket}/chunks", body, x_amz_decoded_content_length="10",
                             content_encoding="aws-chunked", x_amz_trailer="x-amz-checksum-crc32",
                             X_Amz_Content_Sha256="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    assert 400 <= status < 500, answer
    assert send(kept, s3, "HEAD", f"/{bucket}/chunks")[0] == 404


RANGES = ["bytes=-9223372036854775809", "bytes=18446744073709551616-", "bytes=0-18446744073709551616",
          "bytes=-18446744073709551616", "bytes=--1", "bytes=1--1", "bytes=" + "9" * 4000 + "-", "bytes=0-1," * 500 + "0-1"]


@pytest.mark.parametrize("asked", RANGES, ids=range(len(RANGES)))
def test_ranges_that_overflow(kept, s3, bucket, asked):
    status, body, _ = send(kept, s3, "GET", f"/{bucket}/k", Range=asked)
    assert (status == 416 and b"InvalidRange" in body) or (status in (200, 206) and body == BODY), (status, body)


@pytest.mark.parametrize("query", ["max-keys=99999999999999999999", "max-keys=a", "max-keys=-1", "list-type=2&max-keys=1e3",
                                   "uploads&max-uploads=-5", "versions&max-keys=2147483648"])
def test_numbers_that_are_none(kept, s3, bucket, query):
    status, body, _ = send(kept, s3, "GET", f"/{bucket}?{query}")
    assert status == 400 and b"<Code>InvalidArgument</Code>" in body, body


def test_a_forged_presigned_url_opens_nothing(tmp_path):
    """With signatures checked: another key, method, host, time or signature than was signed."""
    with Traca("--memory", "--verify") as platform:
        keys = root_key(platform.up["root_credentials"])
        s3 = client("s3", platform.endpoint, keys["AccessKeyId"], secret=keys["SecretAccessKey"], signature_version="s3v4")
        s3.create_bucket(Bucket="forged-bucket")
        s3.put_object(Bucket="forged-bucket", Key="k", Body=BODY)
        s3.put_object(Bucket="forged-bucket", Key="other", Body=BODY)
        url = urlsplit(s3.generate_presigned_url("get_object", {"Bucket": "forged-bucket", "Key": "k"}, ExpiresIn=60))
        path = f"{url.path}?{url.query}"

        def status(method, target):
            connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
            connection.request(method, target)
            answer = connection.getresponse()
            found = answer.status, answer.read()
            connection.close()
            return found

        assert status("GET", path) == (200, BODY)
        forged = [("DELETE", path), ("PUT", path), ("GET", path.replace("/k?", "/other?")), ("GET", f"{path}&versionId=x"),
                  ("GET", path.replace("X-Amz-Expires=60", "X-Amz-Expires=604800")),
                  ("GET", path[:-1] + ("0" if path[-1] != "0" else "1")),
                  ("GET", f"{path}&response-content-type=text/html"), ("GET", f"{path}&x-amz-acl=public-read")]
        for method, target in forged:
            found, body = status(method, target)
            assert found == 403 and BODY not in body, (method, target, body)
        assert status("GET", path) == (200, BODY)
