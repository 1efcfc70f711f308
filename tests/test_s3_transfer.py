"""Files in and out through the clients that people use: boto3's transfer manager, the AWS CLI, the SDKs for JavaScript and
s3cmd. What comes back has the sums of what went in."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from boto3.s3.inject import copy as managed_copy
from boto3.s3.transfer import S3Transfer, TransferConfig

TESTS = Path(__file__).parent
MEBIBYTE = 1024 * 1024

# Bytes of the large file, and files of the tree; more by hand.
LARGE = int(os.environ.get("TRACA_S3_LARGE_MIB", "64")) * MEBIBYTE
FILES = int(os.environ.get("TRACA_S3_FILES", "120"))


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(aws, s3):
    name = f"files-{aws.account}"
    s3.create_bucket(Bucket=name)
    return name


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sums(tree):
    return {str(path.relative_to(tree)): digest(path) for path in sorted(tree.rglob("*")) if path.is_file()}


@pytest.fixture
def large(tmp_path):
    path, block = tmp_path / "large", random.Random(7).randbytes(MEBIBYTE)
    with open(path, "wb") as file:
        for number in range(LARGE // MEBIBYTE):
            file.write(number.to_bytes(4, "big") + block[4:])
        file.write(b"tail")
    return path


@pytest.fixture
def tree(tmp_path):
    root, chance = tmp_path / "tree", random.Random(7)
    for number in range(FILES):
        path = root / f"dir {number % 7}" / f"ä{number % 3}" / f"file+{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice((0, 10, 1000, 20_000))))
    return root


def command(aws, *arguments, program=None, **settings):
    environment = {
        **os.environ, "AWS_ACCESS_KEY_ID": aws.account, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.endpoint, "AWS_EC2_METADATA_DISABLED": "true",
        # Nothing has to be sent twice.
        "AWS_MAX_ATTEMPTS": "1", **settings,
    }
    words = [sys.executable, "-m", "awscli", *arguments] if program is None else [*program, *arguments]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=environment, timeout=3600)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_a_large_file_goes_up_in_parts_and_comes_back(s3, bucket, large, tmp_path, tell):
    config = TransferConfig(multipart_threshold=8 * MEBIBYTE, multipart_chunksize=8 * MEBIBYTE, max_concurrency=4)
    transfer = S3Transfer(s3, config)
    transfer.upload_file(str(large), bucket, "large", extra_args={"ServerSideEncryption": "aws:kms"})
    head = s3.head_object(Bucket=bucket, Key="large")
    assert head["ContentLength"] == large.stat().st_size
    transfer.download_file(bucket, "large", str(tmp_path / "back"))
    assert digest(tmp_path / "back") == digest(large)
    managed_copy(s3, {"Bucket": bucket, "Key": "large"}, bucket, "copy", Config=config)
    transfer.download_file(bucket, "copy", str(tmp_path / "back"))
    assert digest(tmp_path / "back") == digest(large)
    tell(f"S3: {LARGE // MEBIBYTE} MiB by the transfer manager")


def test_the_command_line_copies_and_syncs_a_tree(aws, s3, bucket, tree, large, tmp_path):
    other = f"{bucket}-made"
    assert "make_bucket" in command(aws, "s3", "mb", f"s3://{other}")
    command(aws, "s3", "sync", tree, f"s3://{other}/tree", "--only-show-errors")
    command(aws, "s3", "sync", f"s3://{other}/tree", f"s3://{bucket}/copied", "--only-show-errors")
    command(aws, "s3", "sync", f"s3://{bucket}/copied", tmp_path / "back", "--only-show-errors")
    assert sums(tmp_path / "back") == sums(tree)
    assert command(aws, "s3", "sync", tree, f"s3://{other}/tree", "--size-only") == ""
    removed = next(iter(sorted(tree.rglob("*.txt"))))
    removed.unlink()
    gone = command(aws, "s3", "sync", tree, f"s3://{other}/tree", "--delete", "--size-only")
    assert gone.strip().startswith("delete:") and removed.name in gone
    command(aws, "s3", "cp", large, f"s3://{other}/large", "--only-show-errors")
    url = command(aws, "s3", "presign", f"s3://{other}/large").strip()
    with urllib.request.urlopen(url, timeout=600) as answer, open(tmp_path / "signed", "wb") as file:
        shutil.copyfileobj(answer, file)
    assert digest(tmp_path / "signed") == digest(large)
    assert "large" in command(aws, "s3", "ls", f"s3://{other}")
    assert "remove_bucket" in command(aws, "s3", "rb", f"s3://{other}", "--force")


def test_the_sdks_for_javascript_upload_and_read(aws, bucket):
    arguments = ["node", TESTS / "node" / "s3.cjs", aws.endpoint, aws.account, bucket, 11 * MEBIBYTE + 3]
    done = subprocess.run([str(word) for word in arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["large"] == seen["oldLarge"] == seen["expected"]
    assert seen["small"] == ["hello", {"colour": "blue"}]
    assert (seen["prefixes"], seen["refusal"]) == (["new/", "old/"], "NoSuchKey")


def test_s3cmd_puts_gets_and_syncs(aws, bucket, tree, large, tmp_path):
    configuration = tmp_path / "s3cfg"
    host = aws.endpoint.removeprefix("http://")
    configuration.write_text(
        f"[default]\naccess_key = {aws.account}\nsecret_key = secret\nhost_base = {host}\nhost_bucket = {host}\n"
        "use_https = False\nbucket_location = US\nmultipart_chunk_size_mb = 15\n"
    )
    s3cmd = [shutil.which("s3cmd", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"),
             "-c", configuration, "--no-progress", "-q"]
    command(aws, "sync", f"{tree}/", f"s3://{bucket}/tree/", program=s3cmd)
    command(aws, "put", large, f"s3://{bucket}/large", program=s3cmd)
    (tmp_path / "back").mkdir()
    command(aws, "sync", f"s3://{bucket}/tree/", f"{tmp_path}/back/", program=s3cmd)
    assert sums(tmp_path / "back") == sums(tree)
    command(aws, "get", f"s3://{bucket}/large", tmp_path / "large-back", program=s3cmd)
    assert digest(tmp_path / "large-back") == digest(large)
