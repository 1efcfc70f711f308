"""Extensions under test: programs of layers, in Python and shell."""

from .packages import program

# A client of the Extensions API in a few lines; what an extension does follows it.
_CLIENT = """#!/usr/bin/python3 -IS
import http.client, json, os, sys, time
NAME = os.path.basename(sys.argv[0])
connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, dict(response.getheaders()), response.read()
def register(events, **headers):
    global ID
    status, headers, body = call(
        "POST", "/2020-01-01/extension/register", json.dumps({"events": events}), Lambda_Extension_Name=NAME, **headers)
    assert status == 200, body
    ID = headers["Lambda-Extension-Identifier"]
    return json.loads(body)
def next_event():
    status, headers, body = call("GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier=ID)
    assert status == 200, body
    return json.loads(body)
def report(phase, error_type):
    return call("POST", f"/2020-01-01/extension/{phase}/error", "{}", Lambda_Extension_Identifier=ID,
                Lambda_Extension_Function_Error_Type=error_type)
def say(*words):
    print(NAME, *words, flush=True)
"""

# Prints what it is told, until the end.
WATCHER = """
say("registered", json.dumps(register(["INVOKE", "SHUTDOWN"], Lambda_Extension_Accept_Feature="accountId"), sort_keys=True))
while True:
    event = next_event()
    say(event["eventType"], event.get("requestId") or event["shutdownReason"])
    if event["eventType"] == "SHUTDOWN":
        break
"""


def extension(main):
    """An executable that is an extension."""
    return program(_CLIENT + main)
