"""Each service of messages and events, walked with pages and refusals by boto3, the AWS CLI and both AWS SDKs for
JavaScript: one table of calls for all of them."""

import contextlib
import io
import json
import re
import subprocess
from pathlib import Path

import awscli.clidriver
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from support.clients import REGION, Clients, new_account
from support.traca import eventually
from support.walks import WALKS, at, filled

SCRIPT = Path(__file__).parent / "node" / "walk.cjs"


class Boto3:
    """AWS's SDK for Python."""

    def __init__(self, endpoint, account):
        self.clients = Clients(endpoint, account)

    def call(self, service, operation, given):
        try:
            return {"answer": getattr(self.clients(service), xform_name(operation))(**self.with_bytes(given))}
        except ClientError as error:
            return {"code": error.response["Error"]["Code"]}

    def with_bytes(self, value):
        if isinstance(value, list):
            return [self.with_bytes(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if list(value) == ["bytes"]:
            return value["bytes"].encode()
        return {name: self.with_bytes(inner) for name, inner in value.items()}

    def close(self):
        pass


class CommandLine(Boto3):
    """The AWS CLI, within this process: starting it costs more than what it is asked to do."""

    def __init__(self, endpoint, account):
        super().__init__(endpoint, account)
        self.general = ["--endpoint-url", endpoint, "--region", REGION, "--output", "json", "--no-paginate"]
        self.driver = awscli.clidriver.create_clidriver()
        self.driver.session.set_credentials(account, "secret")

    def call(self, service, operation, given):
        words = [service, xform_name(operation, "-"), "--cli-input-json", json.dumps(self.with_bytes(given))]
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = self.driver.main([*self.general, *words])
        if status == 0:
            return {"answer": json.loads(output.getvalue() or "{}")}
        return {"code": re.search(r"An error occurred \((.*?)\)", errors.getvalue())[1]}

    def with_bytes(self, value):
        found = super().with_bytes(value)
        return found.decode() if isinstance(found, bytes) else found


class JavaScript:
    """AWS's SDK for JavaScript, of one of its versions."""

    version = None

    def __init__(self, endpoint, account):
        command = ["node", SCRIPT, self.version, endpoint, account]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self, service, operation, given):
        self.process.stdin.write(json.dumps({"service": service, "operation": operation, "input": given}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


class JavaScript2(JavaScript):
    version = "2"


class JavaScript3(JavaScript):
    version = "3"


def take(driver, step, kept):
    """Makes a step; what it keeps is added to `kept`."""

    def call():
        found = driver.call(step.service, step.operation, filled(step.input, kept))
        values = {path: at(found.get("answer"), path) for path in step.expected}
        return found, values

    expected = filled(step.expected, kept)
    if step.until:
        found, values = eventually(lambda: (lambda last: last[1] == expected and last)(call()), step.operation)
    else:
        found, values = call()
    told = f"{step.operation}: {json.dumps(found, default=str)}"
    if step.refused:
        code = found.get("code", "")
        assert any(code.startswith(text) or code.endswith(text) for text in step.refused.split("|")), told
        return
    assert "answer" in found and values == expected, told
    for name, path in step.kept.items():
        kept[name] = at(found["answer"], path)
        assert kept[name], told


@pytest.mark.parametrize("client", [Boto3, CommandLine, JavaScript2, JavaScript3])
def test_a_client_walks_each_service(platform, client):
    account = new_account()
    driver, kept = client(platform.endpoint, account), {"account": account}
    try:
        for steps in WALKS.values():
            for step in steps:
                take(driver, step, kept)
    finally:
        driver.close()
