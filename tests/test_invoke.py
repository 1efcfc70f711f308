"""The Invoke operation: what it answers, and how environments are used again."""

import base64
import json
import re

import pytest

from support.clients import client, refused
from support.functions import WAIT
from support.packages import package

ECHO = "def handler(event, context):\n    return event\n"

# The quota of synchronous payloads, both ways; AWS allows answers 100 bytes more.
PAYLOAD_BYTES_MAX = 6 * 1024 * 1024
RESPONSE_BYTES_MAX = PAYLOAD_BYTES_MAX + 100

COUNTING = """
import os
count = 0
def handler(event, context):
    global count
    count += 1
    path = "/tmp/count"
    written = open(path).read() if os.path.exists(path) else ""
    open(path, "a").write("x")
    return {"count": count, "written": written, "stream": context.log_stream_name}
"""

# Asks the platform to invoke this very function again while it is still at work.
NESTED = """
import json, boto3
def handler(event, context):
    if not event["depth"]:
        return [context.log_stream_name]
    answer = boto3.client("lambda").invoke(
        FunctionName=context.function_name, Payload=json.dumps({"depth": event["depth"] - 1}))
    return [context.log_stream_name, *json.load(answer["Payload"])]
"""


def test_an_invocation_answers_status_version_payload_and_log(functions):
    function = functions.create(
        "def handler(event, context):\n    print('hello', event['name'])\n    return {'é': event}\n"
    )
    invocation = function.invoke({"name": "Ada"})
    assert (invocation.status, invocation.error, invocation.version) == (200, None, "$LATEST")
    assert invocation.payload == {"é": {"name": "Ada"}}
    lines = invocation.log.splitlines()
    assert lines[0] == f"START RequestId: {invocation.request_id} Version: $LATEST"
    assert lines[1] == "hello Ada"
    assert lines[2] == f"END RequestId: {invocation.request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {invocation.request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t",
        lines[3],
    )


def test_figures_of_the_report_are_true(functions):
    function = functions.create("import time\ndef handler(event, context):\n    time.sleep(0.25)\n")
    cold, warm = function.invoke().report, function.invoke().report
    duration = float(cold["Duration"].split()[0])
    initialisation = float(cold["Init Duration"].split()[0])
    billed = int(cold["Billed Duration"].split()[0])
    assert duration >= 250
    assert initialisation > 0
    assert abs(billed - (duration + initialisation)) <= 1
    assert "Init Duration" not in warm
    assert abs(int(warm["Billed Duration"].split()[0]) - float(warm["Duration"].split()[0])) <= 1
    assert 0 < int(cold["Max Memory Used"].split()[0]) <= 128


def test_the_log_is_answered_only_when_asked_for_and_only_its_end(functions):
    function = functions.create(
        "def handler(event, context):\n    for number in range(1000):\n        print('line', number)\n"
    )
    assert "x-amz-log-result" not in function.invoke(tail=False).headers
    log = function.invoke().log
    assert len(log.encode()) == 4096
    assert "line 999" in log and "line 1\n" not in log and "REPORT" in log


def test_a_dry_run_checks_and_runs_nothing(aws, functions):
    function = functions.create(COUNTING)
    invocation = function.invoke(tail=False, InvocationType="DryRun")
    assert (invocation.status, invocation.body) == (204, b"")
    assert function.answer()["count"] == 1
    refusal = refused(aws("lambda").invoke, FunctionName="absent", InvocationType="DryRun")
    assert refusal.code == "ResourceNotFoundException"


def test_a_client_context_reaches_the_function(functions):
    function = functions.create(
        "def handler(event, context):\n"
        "    given = context.client_context\n"
        "    return [given.custom, given.env, given.client.app_title]\n"
    )
    content = {"client": {"app_title": "shop"}, "custom": {"k": "v"}, "env": {"locale": "de"}}
    encoded = base64.b64encode(json.dumps(content).encode()).decode()
    assert function.invoke(ClientContext=encoded).payload == [{"k": "v"}, {"locale": "de"}, "shop"]
    refusal = refused(function.invoke, ClientContext="%%%")
    assert (refusal.status, refusal.code) == (400, "InvalidRequestContentException")


def test_events_must_be_json(functions):
    function = functions.create(ECHO)
    for bad in [b"{", b"nonsense", b"{} {}", b'"\xff"']:
        refusal = refused(function.invoke, bad)
        assert (refusal.status, refusal.code) == (400, "InvalidRequestContentException"), bad
        assert refusal.message.startswith("Could not parse request body into json"), bad
    assert function.invoke(b"").payload == {}
    assert function.answer([1, "two", None]) == [1, "two", None]


def test_events_of_the_largest_size_pass_and_larger_ones_are_refused(functions):
    function = functions.create("def handler(event, context):\n    return len(event)\n", MemorySize=512, Timeout=120)
    largest = b'"' + b"x" * (PAYLOAD_BYTES_MAX - 2) + b'"'
    assert function.invoke(largest).payload == PAYLOAD_BYTES_MAX - 2
    refusal = refused(function.invoke, largest + b" ")
    assert (refusal.status, refusal.code) == (413, "RequestEntityTooLargeException")
    assert refusal.message == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


def test_answers_of_the_largest_size_pass_and_larger_ones_are_errors(functions):
    function = functions.create("def handler(event, context):\n    return 'x' * event\n", MemorySize=512, Timeout=120)
    invocation = function.invoke(RESPONSE_BYTES_MAX - 2)
    assert (invocation.error, len(invocation.body)) == (None, RESPONSE_BYTES_MAX)
    invocation = function.invoke(RESPONSE_BYTES_MAX - 1)
    assert invocation.error == "Unhandled"
    assert invocation.payload == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }
    assert function.invoke(1).payload == "x"


def test_an_environment_is_used_again_with_its_memory_and_its_files(functions):
    function = functions.create(COUNTING)
    answers = [function.answer() for _ in range(3)]
    assert [answer["count"] for answer in answers] == [1, 2, 3]
    assert [answer["written"] for answer in answers] == ["", "x", "xx"]
    assert len({answer["stream"] for answer in answers}) == 1
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", answers[0]["stream"])


def test_a_changed_function_gets_a_new_environment(aws, functions):
    function = functions.create(COUNTING)
    assert [function.answer()["count"] for _ in range(2)] == [1, 2]
    function.set(Description="changed")
    assert function.answer()["count"] == 1
    aws("lambda").update_function_code(FunctionName=function.name, ZipFile=package({"app.py": COUNTING + "\n"}))
    aws("lambda").get_waiter("function_updated_v2").wait(FunctionName=function.name, WaiterConfig=WAIT)
    assert function.answer()["count"] == 1


def test_invocations_at_once_have_environments_of_their_own(functions):
    function = functions.create(NESTED, Timeout=120, MemorySize=512)
    streams = function.answer({"depth": 2})
    assert len(set(streams)) == 3


def test_a_function_that_fails_keeps_its_environment(functions):
    function = functions.create(
        COUNTING + "    \ninner = handler\ndef handler(event, context):\n"
        "    answer = inner(event, context)\n    if event: raise ValueError(answer['count'])\n    return answer\n"
    )
    assert function.answer()["count"] == 1
    failed = function.invoke({"fail": True})
    assert (failed.error, failed.payload["errorMessage"]) == ("Unhandled", "2")
    assert function.answer()["count"] == 3


def test_a_timeout_ends_the_environment_and_says_so(functions):
    function = functions.create(
        COUNTING.replace("    return", "    import time\n    if event: time.sleep(600)\n    return"), Timeout=1
    )
    assert function.answer()["count"] == 1
    invocation = function.invoke("sleep")
    assert (invocation.status, invocation.error) == (200, "Unhandled")
    assert invocation.payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {invocation.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert re.search(
        rf"^\d{{4}}-.*Z {invocation.request_id} Task timed out after 1\.00 seconds$", invocation.log, re.MULTILINE
    )
    assert invocation.report["Status"] == "timeout"
    assert function.answer() == {"count": 1, "written": "", "stream": function.answer()["stream"]}


def test_qualifiers_name_versions(functions):
    function = functions.create(ECHO)
    assert function.invoke(Qualifier="$LATEST").version == "$LATEST"
    assert refused(function.invoke, Qualifier="7").code == "ResourceNotFoundException"
    unchecked = client("lambda", function.client.meta.endpoint_url, "123456789012", validate=False)
    assert refused(unchecked.invoke, FunctionName="x", Qualifier="no!").code == "ValidationException"


@pytest.mark.parametrize(
    "spelling",
    [
        "{name}",
        "{account}:function:{name}",
        "function:{name}",
        "arn:aws:lambda:us-east-1:{account}:function:{name}",
        "arn:aws:lambda:us-east-1:{account}:function:{name}:$LATEST",
    ],
)
def test_functions_are_invoked_under_every_form_of_their_name(aws, shared_echo, spelling):
    name = spelling.format(name=shared_echo.name, account=shared_echo.account)
    answer = shared_echo.client.invoke(FunctionName=name, Payload=b'"named"')
    assert json.load(answer["Payload"]) == "named"


@pytest.fixture(scope="module")
def shared_echo(shared):
    function = shared.create(ECHO)
    function.account = shared.account
    return function
