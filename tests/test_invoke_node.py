"""Node.js functions, as their authors see them."""

import json
import re

import pytest

from support.functions import NODE, ROLE

CONTEXT = """
exports.handler = async (event, context) => ({
  functionName: context.functionName, functionVersion: context.functionVersion,
  invokedFunctionArn: context.invokedFunctionArn, memoryLimitInMB: context.memoryLimitInMB,
  awsRequestId: context.awsRequestId, logGroupName: context.logGroupName, logStreamName: context.logStreamName,
  callbackWaitsForEmptyEventLoop: context.callbackWaitsForEmptyEventLoop,
  remaining: context.getRemainingTimeInMillis(),
});
"""


def test_the_context_is_complete(functions):
    function = functions.create(CONTEXT, NODE, Timeout=30, MemorySize=192)
    invocation = function.invoke()
    context = invocation.payload
    assert 0 < context.pop("remaining") <= 30_000
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", context.pop("logStreamName"))
    assert context == {
        "functionName": function.name,
        "functionVersion": "$LATEST",
        "invokedFunctionArn": f"arn:aws:lambda:us-east-1:{functions.account}:function:{function.name}",
        "memoryLimitInMB": "192",
        "awsRequestId": invocation.request_id,
        "logGroupName": f"/aws/lambda/{function.name}",
        "callbackWaitsForEmptyEventLoop": True,
    }


@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"index.js": "exports.handler = async (event) => event;"}, "index.handler"),
        ({"index.cjs": "exports.handler = async (event) => event;"}, "index.handler"),
        ({"index.mjs": "export const handler = async (event) => event;"}, "index.handler"),
        (
            {"index.js": "export const handler = async (event) => event;", "package.json": '{"type": "module"}'},
            "index.handler",
        ),
        (
            {"index.mjs": "const value = await Promise.resolve('top'); export const handler = async () => value;"},
            "index.handler",
        ),
        ({"src/deep/app.js": "exports.run = async (event) => event;"}, "src/deep/app.run"),
        ({"index.js": "exports.api = {users: {get: async (event) => event}};"}, "index.api.users.get"),
        (
            {"index.js": "exports.handler = (event, context, callback) => setTimeout(() => callback(null, event), 5);"},
            "index.handler",
        ),
        (
            {
                "index.js": "exports.handler = async (event) => require('own').name + event;",
                "node_modules/own/index.js": "exports.name = '';",
            },
            "index.handler",
        ),
    ],
)
def test_every_form_of_module_and_handler(functions, files, handler):
    function = functions.create(files, NODE, Handler=handler)
    assert function.answer("top") == "top"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (
            "exports.handler = async () => { throw new RangeError('far'); };",
            {"errorType": "RangeError", "errorMessage": "far"},
        ),
        (
            "exports.handler = (event, context, callback) => callback(new TypeError('back'));",
            {"errorType": "TypeError", "errorMessage": "back"},
        ),
        (
            "exports.handler = (event, context, callback) => callback('text');",
            {"errorType": "string", "errorMessage": "text"},
        ),
        (
            "exports.handler = async () => { const a = {}; a.a = a; return a; };",
            {"errorType": "Error", "errorMessage": "Unable to stringify response body"},
        ),
    ],
)
def test_errors_of_a_handler(functions, code, error):
    invocation = functions.create(code, NODE).invoke()
    assert (invocation.status, invocation.error) == (200, "Unhandled")
    assert {name: invocation.payload[name] for name in error} == error
    assert isinstance(invocation.payload["trace"], list)
    assert f"\t{invocation.request_id}\tERROR\tInvoke Error \t" in invocation.log


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("require('nowhere');", "Runtime.ImportModuleError", "Error: Cannot find module 'nowhere'"),
        ("exports.handler = (", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input"),
        ("exports.other = 1;", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        ("throw new RangeError('at once');", "RangeError", "at once"),
    ],
)
def test_errors_of_an_initialisation(functions, code, kind, message):
    function = functions.create(code, NODE)
    for _ in range(2):
        invocation = function.invoke()
        assert (invocation.status, invocation.error) == (200, "Unhandled")
        assert invocation.payload["errorType"] == kind
        assert invocation.payload["errorMessage"].startswith(message)
        assert message in invocation.log
        assert (invocation.report["Status"], invocation.report["Error Type"]) == ("error", kind)


def test_a_process_that_ends_is_replaced(functions):
    function = functions.create(
        "exports.handler = async (event) => { if (event) process.exit(event); return 'well'; };", NODE
    )
    assert function.answer() == "well"
    invocation = function.invoke(4)
    text = f"RequestId: {invocation.request_id} Error: Runtime exited with error: exit status 4"
    assert (invocation.error, invocation.payload) == (
        "Unhandled",
        {"errorType": "Runtime.ExitError", "errorMessage": text},
    )
    assert function.answer() == "well"


def test_a_callback_waits_for_the_event_loop_unless_told_not_to(functions):
    code = """
    let ticks = 0;
    exports.handler = (event, context, callback) => {
      context.callbackWaitsForEmptyEventLoop = event.wait;
      setTimeout(() => { ticks += 1; console.log("tick"); }, 50);
      callback(null, ticks);
    };
    """
    function = functions.create(code, NODE)
    assert "tick" in function.invoke({"wait": True}).log
    assert function.invoke({"wait": False}).payload == 1


def test_logs_in_text(functions):
    function = functions.create(
        "exports.handler = async (event) => {\n"
        "  console.log('about', {event}); console.error('bad\\nlines'); process.stdout.write('raw\\n');\n};",
        NODE,
    )
    invocation = function.invoke(1)
    stamp = rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\t{invocation.request_id}"
    assert re.search(rf"^{stamp}\tINFO\tabout {{ event: 1 }}$", invocation.log, re.MULTILINE)
    assert re.search(rf"^{stamp}\tERROR\tbad\nlines$", invocation.log, re.MULTILINE)
    assert "\nraw\n" in invocation.log


def test_logs_in_json(functions):
    function = functions.create(
        "exports.handler = async () => {\n"
        "  console.log('about', {b: 1}); console.debug('hidden'); console.error(new Error('bad'));\n};",
        NODE,
        LoggingConfig={"LogFormat": "JSON"},
    )
    invocation = function.invoke()
    records = [json.loads(line) for line in invocation.log.splitlines()]
    assert [record.get("type") for record in records if "type" in record] == ["platform.start", "platform.report"]
    own = [record for record in records if "level" in record]
    assert [(record["level"], record["requestId"]) for record in own] == [
        ("INFO", invocation.request_id),
        ("ERROR", invocation.request_id),
    ]
    assert own[0]["message"] == "about { b: 1 }"
    assert own[1]["message"]["errorMessage"] == "bad"


@pytest.mark.parametrize(
    "files",
    [
        {
            "index.js": """
        const { STSClient, GetCallerIdentityCommand } = require("@aws-sdk/client-sts");
        exports.handler = async () => (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn;
    """
        },
        {
            "index.mjs": """
        import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
        const client = new STSClient({});
        export const handler = async () => (await client.send(new GetCallerIdentityCommand({}))).Arn;
    """
        },
    ],
)
def test_the_sdk_is_there_and_acts_as_the_functions_role(functions, files):
    function = functions.create(files, NODE, Timeout=60, MemorySize=512)
    role = ROLE.format(account=functions.account).rpartition("/")[2]
    assert function.answer() == f"arn:aws:sts::{functions.account}:assumed-role/{role}/{function.name}"
