"""Python functions, as their authors see them."""

import json
import re

import pytest

from support.functions import ROLE

CONTEXT = """
def handler(event, context):
    return {
        "function_name": context.function_name, "function_version": context.function_version,
        "invoked_function_arn": context.invoked_function_arn, "memory_limit_in_mb": context.memory_limit_in_mb,
        "aws_request_id": context.aws_request_id, "log_group_name": context.log_group_name,
        "log_stream_name": context.log_stream_name, "client_context": context.client_context,
        "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        "remaining": context.get_remaining_time_in_millis(),
    }
"""

LOGGING = """
import logging, sys
logging.getLogger().setLevel("INFO")
def handler(event, context):
    print("printed")
    print("to stderr", file=sys.stderr)
    logging.debug("not shown")
    logging.info("about %s", event)
    logging.warning("two\\nlines")
"""


def test_the_context_is_complete(functions):
    function = functions.create(CONTEXT, Timeout=30, MemorySize=192)
    invocation = function.invoke()
    context = invocation.payload
    assert 0 < context.pop("remaining") <= 30_000
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", context.pop("log_stream_name"))
    assert context == {
        "function_name": function.name,
        "function_version": "$LATEST",
        "invoked_function_arn": f"arn:aws:lambda:us-east-1:{functions.account}:function:{function.name}",
        "memory_limit_in_mb": "192",
        "aws_request_id": invocation.request_id,
        "log_group_name": f"/aws/lambda/{function.name}",
        "client_context": None,
        "identity": [None, None],
    }


def test_the_environment_is_lambdas_and_the_users(functions):
    function = functions.create(
        "import os\ndef handler(event, context):\n    return dict(os.environ)\n",
        Environment={"Variables": {"COLOUR": "blue", "QUOTED": 'a "b" $c\nd'}},
        MemorySize=256,
    )
    variables = function.answer()
    expected = {
        "COLOUR": "blue",
        "QUOTED": 'a "b" $c\nd',
        "_HANDLER": "app.handler",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
    }
    assert {name: variables.get(name) for name in expected} == expected
    assert variables["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert variables["AWS_SECRET_ACCESS_KEY"] and variables["AWS_SESSION_TOKEN"]


def test_handlers_are_found_in_folders_and_packages(functions):
    files = {
        "src/deep/app.py": "from . import other\ndef run(event, context):\n    return other.VALUE\n",
        "src/deep/other.py": "VALUE = 'found'\n",
        "src/__init__.py": "",
        "src/deep/__init__.py": "",
    }
    assert functions.create(files, Handler="src.deep.app.run").answer() == "found"
    assert functions.create(files, Handler="src/deep/app.run").answer() == "found"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (
            "def handler(event, context):\n    raise KeyError('lost')\n",
            {
                "errorType": "KeyError",
                "errorMessage": "'lost'",
                "stackTrace": ["  File \"/var/task/app.py\", line 2, in handler\n    raise KeyError('lost')\n"],
            },
        ),
        (
            "class Special(Exception): pass\ndef handler(event, context):\n    raise Special('x')\n",
            {"errorType": "Special", "errorMessage": "x"},
        ),
        (
            "def handler(event, context):\n    return {1, 2}\n",
            {
                "errorType": "Runtime.MarshalError",
                "errorMessage": "Unable to marshal response: Object of type set is not JSON serializable",
            },
        ),
    ],
)
def test_errors_of_a_handler(functions, code, error):
    invocation = functions.create(code).invoke()
    assert (invocation.status, invocation.error) == (200, "Unhandled")
    payload = invocation.payload
    assert {name: payload[name] for name in error} == error
    assert payload["requestId"] == invocation.request_id
    assert f"[ERROR] {error['errorType']}: {error['errorMessage']}" in invocation.log
    assert "Status" not in invocation.report, "an error that the runtime reported is no failure of it"


@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        (
            "import nowhere\n",
            "app.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nowhere'",
        ),
        ("", "other.handler", "Runtime.ImportModuleError", "Unable to import module 'other': No module named 'other'"),
        (
            "def handler(:\n",
            "app.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app': invalid syntax (app.py, line 1)",
        ),
        ("value = 1\n", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        (
            "",
            "app",
            "Runtime.MalformedHandlerName",
            "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        ),
        ("1 / 0\n", "app.handler", "ZeroDivisionError", "division by zero"),
    ],
)
def test_errors_of_an_initialisation(functions, code, handler, kind, message):
    function = functions.create(code, Handler=handler)
    for _ in range(2):
        invocation = function.invoke()
        assert (invocation.status, invocation.error) == (200, "Unhandled")
        assert (invocation.payload["errorType"], invocation.payload["errorMessage"]) == (kind, message)
        assert message in invocation.log
        assert (invocation.report["Status"], invocation.report["Error Type"]) == ("error", kind)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "import sys\ndef handler(event, context):\n    print('last words')\n    sys.exit(3)\n",
            "Runtime exited with error: exit status 3",
        ),
        (
            "import os\ndef handler(event, context):\n    print('last words', flush=True)\n    os._exit(0)\n",
            "Runtime exited without providing a reason",
        ),
        (
            "import os, signal\ndef handler(event, context):\n    print('last words', flush=True)\n"
            "    os.kill(os.getpid(), signal.SIGSEGV)\n",
            "Runtime exited with error: signal: segmentation fault",
        ),
    ],
)
def test_a_process_that_ends_is_replaced(functions, code, text):
    function = functions.create(code)
    for _ in range(2):
        invocation = function.invoke()
        assert invocation.error == "Unhandled"
        assert invocation.payload == {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {invocation.request_id} Error: {text}",
        }
        assert "last words" in invocation.log
        assert f"RequestId: {invocation.request_id} Error: {text}\nRuntime.ExitError\n" in invocation.log
        assert (invocation.report["Status"], invocation.report["Error Type"]) == ("error", "Runtime.ExitError")


def test_logs_in_text(functions):
    invocation = functions.create(LOGGING).invoke("this")
    lines = invocation.log.splitlines()
    stamp = rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\t{invocation.request_id}"
    assert "printed" in lines and "to stderr" in lines
    assert any(re.fullmatch(rf"\[INFO\]\t{stamp}\tabout this", line) for line in lines)
    assert re.search(rf"\[WARNING\]\t{stamp}\ttwo\nlines\n", invocation.log)
    assert "not shown" not in invocation.log


def test_logs_in_json(functions):
    code = LOGGING.replace('logging.getLogger().setLevel("INFO")\n', "")
    function = functions.create(code, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"})
    invocation = function.invoke("this")
    records = [json.loads(line) for line in invocation.log.splitlines() if line.startswith("{")]
    platform = {record["type"]: record["record"] for record in records if "type" in record}
    assert platform["platform.start"]["requestId"] == invocation.request_id
    assert platform["platform.report"]["status"] == "success"
    assert platform["platform.report"]["metrics"]["billedDurationMs"] >= 1
    own = [record for record in records if "level" in record]
    assert [(record["level"], record["message"]) for record in own] == [("WARNING", "two\nlines")]
    assert own[0]["requestId"] == invocation.request_id


def test_boto3_is_there_and_acts_as_the_functions_role(functions):
    function = functions.create(
        "import boto3\ndef handler(event, context):\n"
        "    identity = boto3.client('sts').get_caller_identity()\n"
        "    return [boto3.__version__, identity['Account'], identity['Arn']]\n",
        Timeout=60,
        MemorySize=512,
    )
    version, account, arn = function.answer()
    assert re.fullmatch(r"1\.\d+\.\d+", version)
    assert account == functions.account
    role = ROLE.format(account=account).rpartition("/")[2]
    assert arn == f"arn:aws:sts::{account}:assumed-role/{role}/{function.name}"


def test_a_package_of_the_functions_own_wins(functions):
    files = {
        "app.py": "import boto3\ndef handler(event, context):\n    return boto3.OWN\n",
        "boto3.py": "OWN = 'vendored'\n",
    }
    assert functions.create(files).answer() == "vendored"
