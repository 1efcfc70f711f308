"""SeaweedFS: another implementation of S3's API, for what the platform keeps on a server of somebody else's."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .traca import eventually

ACCESS_KEY, SECRET = "seaweed-key", "seaweed-secret"


def program():
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def free_ports(count):
    """Ports that are free now, together with those of gRPC: 10,000 above."""
    found = []
    while len(found) < count:
        with socket.socket() as own:
            own.bind(("127.0.0.1", 0))
            port = own.getsockname()[1]
        if port < 55_000 and port not in found:
            found.append(port)
    return found


class Seaweed:
    """A server with one bucket. It can be ended and started again."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "files").mkdir(parents=True)
        identity = {
            "name": "traca", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        self.identities = directory / "identities.json"
        self.identities.write_text(json.dumps({"identities": [identity]}))
        self.ports = free_ports(4)
        self.start()
        self.s3.create_bucket(Bucket="bodies")

    def start(self):
        master, volume, filer, s3 = self.ports
        self.endpoint = f"http://127.0.0.1:{s3}"
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    program(), "server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.directory / 'files'}",
                    f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}",
                    f"-s3.config={self.identities}", "-master.volumeSizeLimitMB=64", "-volume.max=20",
                    "-s3.port.iceberg=0", "-s3.port.lance=0",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
            )
        self.s3 = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET, config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )
        eventually(self.answers, "SeaweedFS")

    def answers(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()[-3000:]
        try:
            if "probe" not in [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]:
                self.s3.create_bucket(Bucket="probe")
            # There are buckets before there is room for bodies.
            self.s3.put_object(Bucket="probe", Key="k", Body=b"x" * 100_000)
            return True
        except (BotoCoreError, ClientError):
            return False

    def end(self):
        self.process.kill()
        self.process.wait()

    def keys(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="bodies", Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]
