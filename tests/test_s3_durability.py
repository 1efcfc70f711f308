"""What S3 acknowledged survives the process's being killed in the middle of everything, and nothing else is left."""

import contextlib
import hashlib
import os
import random
import threading
import time
import urllib.request

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support.clients import Clients, new_account
from support.traca import Traca, eventually

ROUNDS = int(os.environ.get("TRACA_S3_KILL_ROUNDS", "3"))
CLIENTS = 8
BUCKET = "lasting"
MEBIBYTE = 1024 * 1024

# Seconds until the kill, chosen anew in each round.
LIFE_SECONDS = (0.3, 2.5)

# Small ones lie in the store, large ones in blobs.
SIZES = (0, 100, 16 * 1024, 16 * 1024 + 1, 300 * 1024, 2 * MEBIBYTE)


def content(seed, size):
    block = hashlib.sha256(str(seed).encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def digest(body):
    return hashlib.sha256(body).hexdigest()


class Writer(threading.Thread):
    """Changes keys of its own until the platform is gone. `known` has what each must hold: the digest of what was
    acknowledged last, and where a change was under way, that of what it may hold instead."""

    def __init__(self, s3, number, round_number, known):
        super().__init__(daemon=True)
        self.s3, self.number, self.random = s3, number, random.Random(f"{round_number}/{number}")
        self.known = known
        self.acknowledged = 0

    def run(self):
        try:
            # Ends when the platform is killed.
            while True:
                self.change()
        except (BotoCoreError, ClientError, OSError):
            pass

    def change(self):
        key = f"{self.number}/{self.random.randrange(12)}"
        body = content(self.random.random(), self.random.choice(SIZES))
        kind = self.random.choice(("put", "put", "put", "parts", "copy", "delete"))
        if kind == "copy":
            held = [other for other, states in self.known.items() if len(states) == 1 and states != [None]]
            if not held:
                return
            source = self.random.choice(held)
            self.begin(key, self.known[source][0])
            self.s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": source})
        elif kind == "delete":
            self.begin(key, None)
            self.s3.delete_object(Bucket=BUCKET, Key=key)
        elif kind == "parts":
            self.begin(key, digest(body + body))
            named = {"Bucket": BUCKET, "Key": key}
            body = body.ljust(5 * MEBIBYTE, b"-")
            self.known[key][-1] = digest(body + body)
            named["UploadId"] = self.s3.create_multipart_upload(**named)["UploadId"]
            tags = [self.s3.upload_part(**named, PartNumber=number, Body=body)["ETag"] for number in (1, 2)]
            parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
            self.s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
        else:
            self.begin(key, digest(body))
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        self.known[key] = self.known[key][-1:]
        self.acknowledged += 1

    def begin(self, key, state):
        self.known[key] = self.known.get(key, [None])[:1] + [state]


def held(s3):
    """The digest of every object that is listed, all of it read."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    listed = {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", [])}
    bodies = {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in listed}
    assert {key: len(body) for key, body in bodies.items()} == listed
    return {key: digest(body) for key, body in bodies.items()}


def blobs(data):
    return [path for path in (data / "blobs" / "objects").rglob("*") if path.is_file()]


def sweep(traca, data):
    """Has the platform remove what nothing names: files look older than its grace period, and an hour goes by."""
    for path in blobs(data):
        # One that an earlier sweep has just removed is no more.
        with contextlib.suppress(FileNotFoundError):
            os.utime(path, (time.time() - 7200, time.time() - 7200))
    request = urllib.request.Request(f"{traca.endpoint}/_traca/clock?advance=2h", method="POST")
    assert urllib.request.urlopen(request, timeout=60).status == 200


@pytest.mark.parametrize("versioned", [False, True])
def test_acknowledged_objects_are_whole_after_each_kill_and_no_blob_is_left_over(data, tell, versioned):
    account, acknowledged = new_account(), 0
    known_to = [{} for _ in range(CLIENTS)]
    with Traca("--data", data) as traca:
        s3 = Clients(traca.endpoint, account)("s3")
        s3.create_bucket(Bucket=BUCKET)
        if versioned:
            s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for round_number in range(ROUNDS):
        with Traca("--data", data) as traca:
            aws = [Clients(traca.endpoint, account)("s3") for _ in range(CLIENTS)]
            writers = [Writer(s3, number, round_number, known_to[number]) for number, s3 in enumerate(aws)]
            for writer in writers:
                writer.start()
            time.sleep(random.uniform(*LIFE_SECONDS))
            traca.kill()
            for writer in writers:
                writer.join(60)
            acknowledged += sum(writer.acknowledged for writer in writers)
        with Traca("--data", data) as traca:
            found = held(Clients(traca.endpoint, account)("s3"))
            expected = set()
            for known in known_to:
                for key, states in known.items():
                    assert found.get(key) in states, (round_number, key)
                    known[key] = [found.get(key)]
                expected.update(key for key, states in known.items() if states != [None])
            assert set(found) == expected
    tell(f"S3: {acknowledged} acknowledged changes and {ROUNDS} kills")
    with Traca("--data", data) as traca:
        s3 = Clients(traca.endpoint, account)("s3")
        count = len(blobs(data))
        sweep(traca, data)
        assert set(held(s3)) == expected
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=BUCKET):
            for upload in page.get("Uploads", []):
                s3.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
            named = page.get("Versions", []) + page.get("DeleteMarkers", [])
            objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in named]
            if objects:
                assert "Errors" not in s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
        s3.delete_bucket(Bucket=BUCKET)
        sweep(traca, data)
        eventually(lambda: not blobs(data), f"the sweep of {count} blobs")
