"""Many clients that change things at once, and remember what they were promised."""

import base64
import http.client
import json
import threading

from .packages import package

# In open mode the signature of a key that Traca has not issued is not verified, so one text serves all requests.
_AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential={key}/20240101/us-east-1/{service}/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)

# Tags of one function (AWS allows 50).
TAGS_PER_FUNCTION = 20

# The code of every function, as a request carries it.
CODE = base64.b64encode(package({"app.py": "def handler(event, context):\n    return event\n"})).decode()


class Promises:
    """What has been acknowledged: functions with their tags, and log groups."""

    def __init__(self):
        self.functions, self.groups, self.count = {}, set(), 0
        self.changed = threading.Condition()

    def function(self, name):
        with self.changed:
            self.functions[name] = set()
            self._more()

    def tag(self, name, key):
        with self.changed:
            self.functions[name].add(key)
            self._more()

    def group(self, name):
        with self.changed:
            self.groups.add(name)
            self._more()

    def _more(self):
        self.count += 1
        self.changed.notify_all()

    def wait_for(self, count, seconds):
        with self.changed:
            assert self.changed.wait_for(lambda: self.count >= count, seconds), f"only {self.count} changes"


class Client:
    """One client on a connection of its own, until the platform is gone."""

    def __init__(self, address, account, prefix, promises):
        self.connection = http.client.HTTPConnection(*address, timeout=60)
        self.account, self.prefix, self.promises = account, prefix, promises
        self.failures = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        number = 0
        try:
            while True:
                number += 1
                self._round(f"{self.prefix}-{number}")
        except (OSError, http.client.HTTPException):
            # The platform is gone: what was under way was not acknowledged.
            pass
        finally:
            self.connection.close()

    def _round(self, name):
        body = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Handler": "app.handler",
            "Role": f"arn:aws:iam::{self.account}:role/function",
            "Code": {"ZipFile": CODE},
        }
        self._send("lambda", "POST", "/2015-03-31/functions", body)
        self.promises.function(name)
        arn = f"arn:aws:lambda:us-east-1:{self.account}:function:{name}"
        for tag in range(TAGS_PER_FUNCTION):
            self._send("lambda", "POST", f"/2017-03-31/tags/{arn.replace(':', '%3A')}", {"Tags": {f"tag-{tag}": name}})
            self.promises.tag(name, f"tag-{tag}")
            group = f"{name}-{tag}"
            self._send("logs", "POST", "/", {"logGroupName": group}, "Logs_20140328.CreateLogGroup")
            self.promises.group(group)

    def _send(self, service, method, path, body, target=None):
        headers = {
            "Authorization": _AUTHORIZATION.format(key=self.account, service=service),
            "X-Amz-Date": "20240101T000000Z",
            "Content-Type": "application/x-amz-json-1.1",
        }
        if target:
            headers["X-Amz-Target"] = target
        self.connection.request(method, path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            self.failures.append((path, answer.status, text))
            raise http.client.HTTPException(text)
