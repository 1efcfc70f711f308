"""Functions under test."""

import base64
import itertools
import json
import re

from .packages import package

ROLE = "arn:aws:iam::{account}:role/function"

# Polls by clients' own waiters: often, and long enough for any machine.
WAIT = {"Delay": 0.02, "MaxAttempts": 6_000}

PYTHON = "python3.12"
NODE = "nodejs20.x"

# How each runtime's only file is named unless a test says so, and the handler in it.
_FILES = {
    "python": ("app.py", "app.handler"),
    "nodejs": ("index.js", "index.handler"),
    "provided": ("bootstrap", "any"),
}

_names = itertools.count(1)


class Invocation:
    """What an invocation answered."""

    def __init__(self, response):
        self.status = response["StatusCode"]
        self.error = response.get("FunctionError")
        self.version = response.get("ExecutedVersion")
        self.request_id = response["ResponseMetadata"]["RequestId"]
        self.headers = response["ResponseMetadata"]["HTTPHeaders"]
        self.body = response["Payload"].read()
        self.log = base64.b64decode(response.get("LogResult", "")).decode(errors="replace")

    @property
    def payload(self):
        return json.loads(self.body)

    @property
    def report(self):
        """The REPORT line's fields by name."""
        line = re.search(r"^REPORT (.*)$", self.log, re.MULTILINE)
        assert line, f"no REPORT line in:\n{self.log}"
        return dict(field.split(": ", 1) for field in line[1].strip().split("\t") if field)

    def __repr__(self):
        return f"{self.status} {self.error} {self.body[:2_000]!r}\n{self.log}"


class Function:
    """A function that is active."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    def invoke(self, event=None, tail=True, **parameters):
        """Invokes it with an event, which becomes JSON unless it is bytes."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        if tail:
            parameters["LogType"] = "Tail"
        return Invocation(self.client.invoke(FunctionName=self.name, Payload=payload, **parameters))

    def answer(self, event=None):
        """What it answers; a failure when it fails."""
        invocation = self.invoke(event)
        assert invocation.error is None, invocation
        return invocation.payload

    def set(self, **settings):
        """Changes its configuration and waits until that has taken effect."""
        self.client.update_function_configuration(FunctionName=self.name, **settings)
        self.client.get_waiter("function_updated_v2").wait(FunctionName=self.name, WaiterConfig=WAIT)


class Functions:
    """Makes functions in one account."""

    def __init__(self, clients):
        self.client, self.account = clients("lambda"), clients.account

    def settings(self, code, runtime=PYTHON, name=None, **settings):
        """The parameters of a creation. The code is a package's files, or the text of its only file."""
        file, handler = next(names for start, names in _FILES.items() if runtime.startswith(start))
        files = code if isinstance(code, dict) else {file: code}
        return {
            "FunctionName": name or f"function-{next(_names)}",
            "Runtime": runtime,
            "Handler": handler,
            "Role": ROLE.format(account=self.account),
            "Code": {"ZipFile": package(files)},
            **settings,
        }

    def create(self, code, runtime=PYTHON, name=None, **settings):
        """A new function, once it is active."""
        parameters = self.settings(code, runtime, name, **settings)
        self.client.create_function(**parameters)
        name = parameters["FunctionName"]
        self.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=WAIT)
        return Function(self.client, name)
