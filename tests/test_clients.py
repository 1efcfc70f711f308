"""The AWS CLI and the SDKs for JavaScript and Rust do a function's whole life, each unmodified."""

import base64
import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

from support.clients import new_account
from support.functions import ROLE
from support.packages import package
from support.traca import PATIENCE_SECONDS, TARGET, eventually

TESTS = Path(__file__).parent

GREETING = "def handler(event, context):\n    print('greeting', event['name'])\n    return 'Hello, ' + event['name']\n"
UPDATE = "def handler(event, context):\n    print('updated')\n    return 'Goodbye, ' + event['name']\n"

# Building the SDK from source takes minutes, once per target directory.
BUILD_SECONDS = 1_800


class Shell:
    """A shell in which the AWS CLI is set up for one account of the platform."""

    def __init__(self, endpoint, account, folder):
        self.account, self.folder = account, folder
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = {
            **inherited,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_PAGER": "",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def run(self, command):
        return subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    def __call__(self, command):
        """The JSON a command prints; a failure when it fails."""
        ended = self.run(command)
        assert ended.returncode == 0, f"{command}\n{ended.stderr}"
        return json.loads(ended.stdout) if ended.stdout.strip() else None


@pytest.fixture
def shell(platform, tmp_path):
    return Shell(platform.endpoint, new_account(), tmp_path)


@pytest.fixture
def packages(tmp_path):
    """Two packages as files: the first and its update."""
    paths = [tmp_path / "function.zip", tmp_path / "update.zip"]
    for path, code in zip(paths, [GREETING, UPDATE], strict=True):
        path.write_bytes(package({"app.py": code}))
    return paths


def download(location):
    with urllib.request.urlopen(location, timeout=PATIENCE_SECONDS) as answer:
        return answer.read()


def test_the_aws_cli(shell, packages):
    account = shell.account
    identity = shell("aws sts get-caller-identity")
    assert identity == {"UserId": account, "Account": account, "Arn": f"arn:aws:iam::{account}:root"}
    created = shell(
        f"aws lambda create-function --function-name hello --runtime python3.12 --handler app.handler"
        f" --role {ROLE.format(account=account)} --zip-file fileb://function.zip --tags team=red"
    )
    assert created["FunctionArn"] == f"arn:aws:lambda:us-east-1:{account}:function:hello"
    shell("aws lambda wait function-active-v2 --function-name hello")

    invoked = shell('aws lambda invoke --function-name hello --log-type Tail --payload \'{"name": "Ada"}\' answer.json')
    assert (invoked["StatusCode"], invoked["ExecutedVersion"]) == (200, "$LATEST")
    assert "greeting Ada\n" in base64.b64decode(invoked["LogResult"]).decode()
    assert json.loads((shell.folder / "answer.json").read_text()) == "Hello, Ada"

    events = eventually(lambda: logged(shell, "greeting"), "the function's log")
    assert [event["message"] for event in events] == ["greeting Ada\n"]

    described = shell("aws lambda get-function --function-name hello")
    assert described["Configuration"]["State"] == "Active"
    assert download(described["Code"]["Location"]) == packages[0].read_bytes()

    updated = shell("aws lambda update-function-code --function-name hello --zip-file fileb://update.zip")
    assert updated["CodeSha256"] != created["CodeSha256"]
    shell("aws lambda wait function-updated-v2 --function-name hello")
    shell('aws lambda invoke --function-name hello --payload \'{"name": "Ada"}\' answer.json')
    assert json.loads((shell.folder / "answer.json").read_text()) == "Goodbye, Ada"

    shell("aws lambda delete-function --function-name hello")
    gone = shell.run("aws lambda get-function --function-name hello")
    assert gone.returncode != 0
    assert "(ResourceNotFoundException) when calling the GetFunction operation" in gone.stderr
    assert f"Function not found: arn:aws:lambda:us-east-1:{account}:function:hello" in gone.stderr


def logged(shell, pattern):
    """The events of the function's log that match, none while the group does not exist."""
    ended = shell.run(f"aws logs filter-log-events --log-group-name /aws/lambda/hello --filter-pattern {pattern}")
    if ended.returncode:
        assert "ResourceNotFoundException" in ended.stderr, ended.stderr
        return []
    return json.loads(ended.stdout)["events"]


def whole_life(command, endpoint, packages, name):
    """Runs an SDK's program and judges what it prints."""
    account = new_account()
    ended = subprocess.run(
        [*command, endpoint, account, *packages], capture_output=True, text=True, timeout=4 * PATIENCE_SECONDS
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    arn = f"arn:aws:lambda:us-east-1:{account}:function:{name}"
    assert (told["account"], told["arn"]) == (account, arn)
    assert [(told[key]["status"], told[key]["payload"]) for key in ["first", "second"]] == [
        (200, "Hello, Ada"),
        (200, "Goodbye, Ada"),
    ]
    assert "greeting Ada\n" in base64.b64decode(told["first"]["log"]).decode()
    assert told["events"] == ["greeting Ada\n"]
    assert told["refusal"] == ["ResourceNotFoundException", f"Function not found: {arn}"]
    assert told["location"].startswith(endpoint)


def test_the_sdk_for_javascript(platform, packages):
    whole_life(["node", TESTS / "node" / "client.cjs"], platform.endpoint, packages, "from-node")


def test_the_sdk_for_rust(platform, packages):
    folder = TARGET / "xtask" / "rust"
    build = [
        "cargo",
        "build",
        "--quiet",
        "--locked",
        "--manifest-path",
        TESTS / "rust" / "Cargo.toml",
        "--target-dir",
        folder,
    ]
    subprocess.run(build, check=True, timeout=BUILD_SECONDS)
    whole_life([folder / "debug" / "traca-rust-client"], platform.endpoint, packages, "from-rust")
