"""Functions that bring their own runtime."""

import shutil

import pytest

from support.packages import program
from support.programs import native_program

PROVIDED = "provided.al2023"

# The runtime of AWS's own tutorial: a shell that asks for the next event, hands it to a function and posts the answer.
SHELL = """#!/bin/sh
set -euo pipefail
source $LAMBDA_TASK_ROOT/"$(echo $_HANDLER | cut -d. -f1).sh"
while true
do
  HEADERS="$(mktemp)"
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")
  curl "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response" -d "$RESPONSE"
done
"""
HANDLER = """function handler () {
  echo "$1" 1>&2;
  echo "Echoing request: '$1'"
}
"""


@pytest.fixture(scope="session")
def native():
    return native_program()


@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_a_static_program_is_a_function(functions, native, runtime):
    function = functions.create({"bootstrap": program(native)}, runtime, Handler="anything")
    first, second = function.invoke({"a": 1}), function.invoke([2])
    assert first.payload == {"event": {"a": 1}, "served": 1, "handler": "anything"}
    assert second.payload == {"event": [2], "served": 2, "handler": "anything"}
    assert "event number 2\n" in second.log


@pytest.mark.skipif(
    not shutil.which("curl") or not shutil.which("bash"), reason="the tutorial's runtime needs curl and bash"
)
def test_the_runtime_of_the_tutorial_works(functions):
    bootstrap = SHELL.replace("#!/bin/sh", "#!/bin/bash")
    files = {"bootstrap": program(bootstrap), "function.sh": HANDLER}
    function = functions.create(files, PROVIDED, Handler="function.handler", Timeout=60, MemorySize=512)
    invocation = function.invoke({"text": "Hello"})
    assert invocation.error is None, invocation
    assert invocation.body == b'Echoing request: \'{"text": "Hello"}\''
    assert '{"text": "Hello"}' in invocation.log


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"other": "x"}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        ({"bootstrap": "#!/bin/sh\n"}, "fork/exec /var/task/bootstrap: permission denied"),
        ({"bootstrap": program("no program")}, "fork/exec /var/task/bootstrap: exec format error"),
    ],
)
def test_a_bootstrap_that_cannot_be_run_is_named(functions, files, reason):
    invocation = functions.create(files, PROVIDED).invoke()
    text = f"RequestId: {invocation.request_id} Error: {reason}"
    assert invocation.error == "Unhandled"
    assert invocation.payload == {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": text}
    assert (invocation.report["Status"], invocation.report["Error Type"]) == ("error", "Runtime.InvalidEntrypoint")


def test_a_bootstrap_that_ends_at_once_is_an_error(functions):
    invocation = functions.create({"bootstrap": program("#!/bin/sh\nexit 7\n")}, PROVIDED).invoke()
    text = f"RequestId: {invocation.request_id} Error: Runtime exited with error: exit status 7"
    assert invocation.payload == {"errorType": "Runtime.ExitError", "errorMessage": text}
