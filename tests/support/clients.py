"""AWS's own Python client, set up for a platform under test."""

import configparser
import itertools
import random

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"

# One session, so that service models are loaded once.
_session = botocore.session.Session()

_numbers = itertools.count(random.randrange(100_000_000_000, 900_000_000_000))


def new_account():
    """An account nobody has used: tests do not see each other's resources."""
    return f"{next(_numbers):012}"


def client(service, endpoint, account, region=REGION, token=None, secret="secret", validate=True, **settings):
    """A client whose errors are not retried. In open mode an access key of 12 digits is the root of that account."""
    config = Config(
        parameter_validation=validate,
        inject_host_prefix=False,
        retries={"total_max_attempts": 1, "mode": "standard"},
        read_timeout=120,
        **settings,
    )
    return _session.create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        config=config,
        aws_access_key_id=account,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )


def root_key(path):
    """The root's key as AWS's own tools read it."""
    file = configparser.ConfigParser()
    file.read(path)
    return {"AccessKeyId": file["default"]["aws_access_key_id"],
            "SecretAccessKey": file["default"]["aws_secret_access_key"]}


class Clients:
    """The clients of one account in one region."""

    def __init__(self, endpoint, account, region=REGION):
        self.endpoint, self.account, self.region = endpoint, account, region
        self._clients = {}

    def __call__(self, service):
        if service not in self._clients:
            self._clients[service] = client(service, self.endpoint, self.account, self.region)
        return self._clients[service]


class Refusal:
    """What a refused call was told."""

    def __init__(self, response):
        self.code = response["Error"]["Code"]
        self.message = response["Error"]["Message"]
        self.status = response["ResponseMetadata"]["HTTPStatusCode"]
        self.response = response

    def __repr__(self):
        return f"{self.status} {self.code}: {self.message}"


def refused(operation, *arguments, **parameters):
    """Calls an operation that must be refused."""
    with pytest.raises(ClientError) as caught:
        operation(*arguments, **parameters)
    return Refusal(caught.value.response)
