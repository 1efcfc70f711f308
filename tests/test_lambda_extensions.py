"""Extensions: programs of layers beside the runtime, and threads inside it."""

import json
import subprocess

import pytest

from support.extensions import WATCHER, extension
from support.functions import NODE, PYTHON
from support.logs import events, wait_for
from support.packages import package, program
from support.traca import eventually

HANDLERS = {
    PYTHON: "def handler(event, context):\n    print('handled', context.aws_request_id)\n    return 'done'\n",
    NODE: "exports.handler = async (event, context) => { console.log('handled', context.awsRequestId); return 'done' }\n",
    "provided.al2023": program(
        '#!/bin/sh\nwhile true; do\n'
        '  id=$(curl -sS -D - -o /tmp/event "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" '
        '| tr -d "\\r" | sed -n "s/^Lambda-Runtime-Aws-Request-Id: //p")\n'
        '  echo "handled $id"\n'
        '  curl -sS -d \'"done"\' "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response" >/dev/null\n'
        'done\n'),
}


def layer(aws, name, files):
    client = aws("lambda")
    return client.publish_layer_version(LayerName=name, Content={"ZipFile": package(files)})["LayerVersionArn"]


def log(aws, function):
    return [event["message"].rstrip("\n") for event in events(aws, f"/aws/lambda/{function.name}")]


@pytest.mark.parametrize("runtime", HANDLERS)
def test_an_extension_is_told_of_everything_in_order(aws, functions, runtime):
    watcher = layer(aws, "watcher", {"extensions/watcher": extension(WATCHER)})
    code = HANDLERS[runtime]
    function = functions.create({"bootstrap": code} if isinstance(code, tuple) else code, runtime, Layers=[watcher], Timeout=60)
    first, second = function.invoke(), function.invoke()
    assert (first.payload, second.payload) == ("done", "done")
    function.set(Description="changed")
    wait_for(aws, function, "watcher SHUTDOWN spindown")
    lines = log(aws, function)
    registered = next(line for line in lines if line.startswith("watcher registered"))
    assert json.loads(registered.split(" ", 2)[2]) == {
        "accountId": aws.account, "functionName": function.name, "functionVersion": "$LATEST",
        "handler": function.client.get_function_configuration(FunctionName=function.name)["Handler"]}
    ready = "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"
    start = next(at for at, line in enumerate(lines) if line.startswith("START"))
    assert lines.index(registered) < lines.index(ready) < start, lines
    told = [line for line in lines if line.startswith("watcher ") and line != registered]
    assert told == [
        f"watcher INVOKE {first.request_id}", f"watcher INVOKE {second.request_id}", "watcher SHUTDOWN spindown"]
    assert lines.index(told[1]) > next(at for at, line in enumerate(lines) if line.startswith("REPORT"))


def test_an_extension_shares_the_environment_but_not_the_runtimes_variables(aws, functions):
    curious = layer(aws, "curious", {"extensions/curious": extension("""
register(["INVOKE"])
with open("/tmp/left-by-extension", "w") as file:
    json.dump({name: os.environ.get(name) for name in ("_HANDLER", "LAMBDA_TASK_ROOT", "COLOUR", "AWS_REGION")}, file)
while True:
    next_event()
""")})
    function = functions.create(
        "import json, os\ndef handler(event, context):\n"
        "    return json.load(open('/tmp/left-by-extension')), os.getuid(), os.environ['COLOUR']\n",
        Layers=[curious], Timeout=60, Environment={"Variables": {"COLOUR": "blue"}})
    seen, _, colour = function.answer()
    assert colour == "blue"
    assert seen == {
        "_HANDLER": None, "LAMBDA_TASK_ROOT": None, "COLOUR": "blue", "AWS_REGION": aws("lambda").meta.region_name}


def test_the_caller_has_the_answer_before_the_extension_is_done_and_the_timeout_covers_both(aws, functions):
    slow = layer(aws, "slow", {"extensions/slow": extension("""
register(["INVOKE", "SHUTDOWN"])
next_event()
connection.timeout = None
time.sleep(3600)
""")})
    function = functions.create(HANDLERS[PYTHON], Layers=[slow], Timeout=5)
    invocation = function.invoke(tail=False)
    assert (invocation.error, invocation.payload) == (None, "done")
    wait_for(aws, function, "Task timed out after 5.00 seconds")
    report = wait_for(aws, function, "REPORT RequestId")[0]
    assert f"RequestId: {invocation.request_id}\tDuration: 5" in report and "Status: timeout" in report
    assert function.invoke(tail=False).payload == "done", "another environment takes the next event"


def test_extensions_are_told_why_an_environment_ends(aws, functions):
    watcher = layer(aws, "watcher", {"extensions/watcher": extension(WATCHER)})
    function = functions.create(
        "import os, time\ndef handler(event, context):\n    os._exit(3) if event == 'exit' else time.sleep(60)\n",
        Layers=[watcher], Timeout=3)
    late = function.invoke("wait", tail=False)
    assert late.payload["errorType"] == "Sandbox.Timedout"
    wait_for(aws, function, "watcher SHUTDOWN timeout")
    function.set(Timeout=60)
    gone = function.invoke("exit", tail=False)
    assert gone.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {gone.request_id} Error: Runtime exited with error: exit status 3"}
    wait_for(aws, function, "watcher SHUTDOWN failure")


@pytest.mark.parametrize("program_file, error_type, reason, status", [
    (extension("register(['INVOKE'])\nnext_event()\nsys.exit(7)"), "Extension.Crash", "exit status 7", None),
    (extension("register(['INVOKE'])\nnext_event()\nassert report('exit', 'Extension.Tired')[0] == 202\nsys.exit(1)"),
     "Extension.ExitError", "exit status 1", None),
    (extension("register([])\nassert report('init', 'Extension.NoConfig')[0] == 202\nsys.exit(1)"),
     "Extension.InitError", "exit status 1", "State: InitError\tEvents: []\tError Type: Extension.NoConfig"),
    (program("#!/bin/sh\nexit 0\n"), "Extension.Crash", "exit code 0", "State: Exited\tEvents: []"),
    ("no program", "Extension.LaunchError", "fork/exec /opt/extensions/broken: permission denied",
     "State: LaunchError\tEvents: []\tError Type: PermissionDenied"),
])
def test_a_broken_extension_fails_the_invocation(aws, functions, program_file, error_type, reason, status):
    broken = layer(aws, "broken", {"extensions/broken": program_file})
    function = functions.create(
        "import time\ndef handler(event, context):\n    time.sleep(60)\n", Layers=[broken], Timeout=30)
    invocation = function.invoke(tail=False)
    assert invocation.error == "Unhandled"
    assert invocation.payload == {
        "errorType": error_type, "errorMessage": f"RequestId: {invocation.request_id} Error: {reason}"}
    wait_for(aws, function, "REPORT RequestId")
    lines = log(aws, function)
    assert any(f"Status: error\tError Type: {error_type}" in line for line in lines), lines
    if status:
        assert f"EXTENSION\tName: broken\t{status}" in lines, lines


INTERNAL = """
import http.client, json, os, threading
connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/2020-01-01/extension/" + path, body, headers)
    response = connection.getresponse()
    return response.status, dict(response.getheaders()), json.loads(response.read())

ASKED = [
    # More than sockets hold: who refuses it has to read it, or else it cannot be sent.
    call("POST", "register", "{}" + " " * 8_000_000)[::2],
    call("POST", "register", "", Lambda_Extension_Name="x")[::2],
    call("POST", "register", '{"events": ["SHUTDOWN"]}', Lambda_Extension_Name="x")[::2],
    call("GET", "event/next")[::2],
    call("GET", "event/next", Lambda_Extension_Identifier="x")[::2],
    call("GET", "event/next", Lambda_Extension_Identifier="01234567-89ab-cdef-0123-456789abcdef")[::2],
]
_, headers, registered = call("POST", "register", '{"events": ["INVOKE"]}', Lambda_Extension_Name="inner")
ID = headers["Lambda-Extension-Identifier"]
ASKED.append(call("POST", "init/error", "", Lambda_Extension_Identifier=ID)[::2])

connection.request("PUT", "/2022-07-01/telemetry", "{}", {"Lambda-Extension-Identifier": ID})
response = connection.getresponse()
TELEMETRY = [response.status, json.loads(response.read())]

def listen():
    while True:
        print("inner told", call("GET", "event/next", Lambda_Extension_Identifier=ID)[2]["requestId"], flush=True)

threading.Thread(target=listen, daemon=True).start()


def handler(event, context):
    late = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    late.request("POST", "/2020-01-01/extension/register", "{}", {"Lambda-Extension-Name": "late"})
    return ASKED + [TELEMETRY, json.loads(late.getresponse().read())]
"""


def test_a_part_of_the_runtime_can_be_an_extension_and_errors_are_awss(aws, functions):
    function = functions.create(INTERNAL, Timeout=60)
    invocation = function.invoke()
    assert invocation.error is None, invocation
    *asked, telemetry, late = invocation.payload
    def refused(kind, text):
        return {"errorMessage": text, "errorType": kind}
    assert [status for status, _ in asked] == [403] * 7
    assert [body for _, body in asked] == [
        refused("Extension.InvalidExtensionName", "Empty extension name"),
        refused("InvalidRequestFormat", "unexpected end of JSON input"),
        refused("Extension.InvalidEventType", "SHUTDOWN: ErrorInvalidEventType"),
        refused("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"),
        refused("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"),
        refused("Extension.UnknownExtensionIdentifier", "Unknown extension 01234567-89ab-cdef-0123-456789abcdef"),
        refused("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found"),
    ]
    assert telemetry == [202, refused("Telemetry.NotSupported", "Telemetry API is not supported")]
    assert late == refused("Extension.RegistrationClosed", "Extension registration closed already")
    assert f"inner told {invocation.request_id}" in invocation.log
    wait_for(aws, function, "State: Ready")
    assert "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]" in log(aws, function)


# A module of the C library's own kind, made by the compiler of the machine that runs the tests.
NATIVE = "int answer(void) { return 42; }\n"


@pytest.fixture(scope="module")
def shared_object(tmp_path_factory):
    directory = tmp_path_factory.mktemp("native")
    (directory / "answer.c").write_text(NATIVE)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "libanswer.so", "answer.c"], cwd=directory, check=True)
    return (directory / "libanswer.so").read_bytes()


@pytest.mark.parametrize("runtime, folder, main", [
    (PYTHON, "python", "import ctypes, shared\ndef handler(event, context):\n"
                       "    return [ctypes.CDLL('libanswer.so').answer(), shared.WHO, shared.OTHER]\n"),
    (NODE, "nodejs/node_modules/shared",
     "const shared = require('shared')\nexports.handler = async () => ["
     "require('fs').readFileSync('/opt/lib/libanswer.so').length > 0 ? 42 : 0, shared.WHO, shared.OTHER]\n"),
])
def test_three_layers_with_a_native_part_an_override_and_an_extension(aws, functions, shared_object, runtime, folder, main):
    name, text = {
        PYTHON: ("shared.py", "WHO = '{}'\nfrom other import OTHER\n"),
        NODE: ("index.js", "exports.WHO = '{}'\nexports.OTHER = require('./other')\n"),
    }[runtime]
    other = {PYTHON: ("other.py", "OTHER = 'kept'\n"), NODE: ("other.js", "module.exports = 'kept'\n")}[runtime]
    layers = [
        layer(aws, "native", {
            "lib/libanswer.so": (shared_object, 0o100755), f"{folder}/{name}": text.format("first"),
            f"{folder}/{other[0]}": other[1]}),
        layer(aws, "override", {f"{folder}/{name}": text.format("second")}),
        layer(aws, "watcher", {"extensions/watcher": extension(WATCHER)}),
    ]
    function = functions.create(main, runtime, Layers=layers, Timeout=60)
    invocation = function.invoke()
    assert invocation.payload == [42, "second", "kept"], invocation
    assert eventually(lambda: f"watcher INVOKE {invocation.request_id}" in log(aws, function), "the extension is told")


def test_a_wrapper_starts_the_runtime_beside_an_extension(aws, functions):
    layers = [layer(aws, "both", {
        "extensions/watcher": extension(WATCHER),
        "wrap": program("#!/bin/sh\nexport WRAPPED=\"$(basename \"$1\")\"\nexec \"$@\"\n")})]
    function = functions.create(
        "import os\ndef handler(event, context):\n    return os.environ['WRAPPED']\n", Layers=layers, Timeout=60,
        Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}})
    assert function.answer().startswith("python")
