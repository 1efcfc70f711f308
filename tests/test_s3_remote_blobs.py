"""Bodies that are kept on another server of S3's API: `--blobs s3://…`."""

import hashlib

import pytest

from support.clients import Clients, new_account
from support.seaweed import ACCESS_KEY, SECRET, Seaweed
from support.traca import Traca, run

MEBIBYTE = 1024 * 1024
CREDENTIALS = {"TRACA_BLOBS_ACCESS_KEY_ID": ACCESS_KEY, "TRACA_BLOBS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory):
    server = Seaweed(tmp_path_factory.mktemp("seaweed"))
    yield server
    server.end()


def arguments(seaweed, data, prefix):
    return ["--data", data, "--blobs", f"s3://bodies/{prefix}", "--blobs-endpoint", seaweed.endpoint]


def started(seaweed, data, prefix):
    return Traca(*arguments(seaweed, data, prefix), **CREDENTIALS)


def body(size):
    block = hashlib.sha256(str(size).encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def read(s3, key, **parameters):
    return s3.get_object(Bucket="kept", Key=key, **parameters)["Body"].read()


def test_bodies_lie_on_the_server_and_outlive_kills(seaweed, data):
    account = new_account()
    # One that lies in the store, one that is sent at once, one in parts.
    sizes = {"inline": 1000, "blob": 100_000, "parts": 20 * MEBIBYTE + 7}
    with started(seaweed, data, "own") as traca:
        s3 = Clients(traca.endpoint, account)("s3")
        s3.create_bucket(Bucket="kept")
        for key, size in sizes.items():
            s3.put_object(Bucket="kept", Key=key, Body=body(size))
        s3.copy_object(Bucket="kept", Key="copy", CopySource="kept/blob")
        assert len([key for key in seaweed.keys("own/objects/")]) == 2
        traca.kill()
    assert not any(path.is_file() for path in (data / "blobs" / "objects").rglob("*"))
    with started(seaweed, data, "own") as traca:
        s3 = Clients(traca.endpoint, account)("s3")
        for key, size in {**sizes, "copy": sizes["blob"]}.items():
            assert read(s3, key) == body(size), key
            assert read(s3, key, Range=f"bytes={size // 3}-{size // 2}") == body(size)[size // 3 : size // 2 + 1], key
        assert list((data / "blobs" / "temporary").iterdir()) == []
        assert seaweed.s3.list_multipart_uploads(Bucket="bodies").get("Uploads", []) == []
        traca.reset()
        assert seaweed.keys("own/objects/") == []


def test_a_server_that_is_gone_is_told_and_costs_nothing_that_was_acknowledged(tmp_path, data):
    server = Seaweed(tmp_path / "seaweed")
    account = new_account()
    with started(server, data, "p") as traca:
        s3 = Clients(traca.endpoint, account)("s3")
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="k", Body=body(50_000))
        server.end()
        for call in (
            lambda: s3.put_object(Bucket="kept", Key="k", Body=body(60_000)),
            lambda: s3.get_object(Bucket="kept", Key="k"),
        ):
            with pytest.raises(s3.exceptions.ClientError) as refused:
                call()
            assert refused.value.response["Error"]["Code"] == "ServiceUnavailable"
        # What lies in the store needs no server.
        s3.put_object(Bucket="kept", Key="small", Body=b"x")
        assert read(s3, "small") == b"x"
    refused = run("up", "--port", "0", *arguments(server, data, "p"), **CREDENTIALS)
    assert refused.returncode == 69 and "the host cannot be reached" in refused.stderr
    server.start()
    try:
        with started(server, data, "p") as traca:
            s3 = Clients(traca.endpoint, account)("s3")
            assert read(s3, "k") == body(50_000)
            s3.put_object(Bucket="kept", Key="k", Body=body(60_000))
            assert read(s3, "k") == body(60_000)
    finally:
        server.end()


def test_settings_that_cannot_work_are_refused_at_the_start(seaweed, tmp_path):
    def refused(code, text, *more, **credentials):
        told = run("up", "--port", "0", "--data", tmp_path / "second", *more, **credentials)
        assert told.returncode == code and text in told.stderr, told

    with started(seaweed, tmp_path / "first", "taken"):
        pass
    address = ("--blobs", "s3://bodies/taken", "--blobs-endpoint", seaweed.endpoint)
    refused(69, "the blobs of another installation", *address, **CREDENTIALS)
    wrong = {**CREDENTIALS, "TRACA_BLOBS_SECRET_ACCESS_KEY": "wrong"}
    refused(69, "answered 403", *address, **wrong)
    refused(78, "needs credentials", *address)
    refused(78, "not of the form", "--blobs", "gs://bodies", **CREDENTIALS)
    credentials = tmp_path / "credentials"
    credentials.write_text(f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET}\n")
    with Traca("--data", tmp_path / "third", "--blobs", "s3://bodies/third", "--blobs-endpoint", seaweed.endpoint,
               "--blobs-credentials", credentials):
        assert seaweed.keys("third/") == ["third/installation"]
