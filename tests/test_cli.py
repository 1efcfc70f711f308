"""The command line: what it prints, how it fails, how it ends."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import HTTPClientError

from support.clients import Clients, new_account
from support.functions import Functions
from support.logs import wait_for
from support.traca import BINARY, PATIENCE_SECONDS, Traca, environment, eventually, run

# Exit codes, those of sysexits.h.
USAGE, UNAVAILABLE, LOCKED, NO_PERMISSION, CONFIGURATION = 2, 69, 75, 77, 78

NOBODY = 65_534

SLEEP = """
import time
def handler(event, context):
    print("asleep", flush=True)
    time.sleep(event)
    return "rested"
"""


def fails(ended, code, *words):
    """One line that says what is wrong, an exit code, and nothing where results stand."""
    assert ended.returncode == code, ended
    lines = [line for line in ended.stderr.splitlines() if line.startswith("traca: ")]
    assert len(lines) == 1, ended.stderr
    for word in words:
        assert str(word) in lines[0]
    assert ended.stdout == ""


# --- Failures ---


def test_a_taken_port(platform):
    port = platform.address[1]
    fails(run("up", "--memory", "--port", port), UNAVAILABLE, port, "--port")


def test_a_data_directory_in_use(data):
    with Traca("--data", data):
        fails(run("up", "--data", data, "--port", 0), LOCKED, data, "--data")


def test_a_data_directory_that_is_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("precious")
    ended = run("up", "--data", path, "--port", 0)
    fails(ended, 73, path)
    assert path.read_text() == "precious"


def test_no_permission():
    """A user who may not write there: another one if we are root, whom nothing stops."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = Path(folder) / "traca"
        shutil.copy(BINARY, program)
        locked = Path(folder) / "locked"
        locked.mkdir(mode=0o500)
        user = NOBODY if os.getuid() == 0 else None
        ended = run("up", "--data", locked / "data", "--port", 0, program=program, user=user)
    fails(ended, NO_PERMISSION, "locked", "--data")


@pytest.mark.parametrize("arguments", [["--listen", "0.0.0.0"], ["--listen", "0.0.0.0", "--verify"]])
def test_an_open_platform_is_not_put_on_the_network(arguments):
    fails(run("up", "--memory", "--port", 0, *arguments), CONFIGURATION, "0.0.0.0")


@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "--memory", "--data", "x"],
        ["up", "--account", "12"],
        ["up", "--region", "nowhere"],
        ["up", "--port", "70000"],
        ["up", "--tls-key", "x"],
        ["fly"],
        [],
    ],
)
def test_what_makes_no_sense_is_explained(arguments):
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (USAGE, "")
    assert "--help" in ended.stderr or "Usage: traca" in ended.stderr


def test_help_has_examples():
    for arguments in [["--help"], ["up", "--help"], ["demo", "--help"]]:
        ended = run(*arguments)
        assert ended.returncode == 0
        assert "Examples:" in ended.stdout and "traca " in ended.stdout
    assert run("--version").stdout.startswith("traca ")


# --- Commands ---


def test_doctor_tells_what_the_machine_gives(data):
    ended = run("doctor", "--json", "--data", data)
    assert ended.returncode == 0, ended
    findings = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {finding["event"] for finding in findings} == {"finding"}
    named = {finding["name"]: finding for finding in findings}
    assert {"isolation", "disk", "SDKs", "python3.12", "nodejs20.x", "provided.al2023"} <= named.keys()
    assert named["disk"]["facts"]["microseconds"] > 0
    for finding in findings:
        assert finding["ok"] or finding["advice"], finding
    assert not data.exists(), "looking changes nothing"
    people = run("doctor", "--data", data)
    assert people.returncode == 0 and "isolation" in people.stdout


def test_doctor_names_functions_whose_role_was_never_created(data):
    with Traca("--data", data) as traca:
        functions = Functions(Clients(traca.endpoint, new_account()))
        role = f"arn:aws:iam::{functions.account}:role/nobody"
        function = functions.create("def handler(event, context): pass", Role=role)
        busy = run("doctor", "--json", "--data", data)
    rested = run("doctor", "--json", "--data", data)
    roles = [{finding["name"]: finding for finding in map(json.loads, ended.stdout.splitlines())}["roles"]
             for ended in (busy, rested)]
    assert "a platform uses the state" in roles[0]["text"]
    assert roles[1]["text"] == "functions that were given a role that did not exist: 1"
    assert f"function:{function.name}" in roles[1]["advice"] and role in roles[1]["advice"]


def test_the_demo_deploys_and_invokes_two_functions():
    ended = run("demo", "--once", "--json", "--memory", "--port", 0)
    assert ended.returncode == 0, ended
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["event"] for event in events] == ["up", "ready", *["deployed", "invoked", "invoked"] * 2]
    answers = [event for event in events if event["event"] == "invoked"]
    assert [(event["function"], event["round"], event["answer"]["greeting"]) for event in answers] == [
        ("hello-node", "cold", "Hello, Ada!"),
        ("hello-node", "warm", "Hello, Grace!"),
        ("hello-python", "cold", "Hello, Ada!"),
        ("hello-python", "warm", "Hello, Grace!"),
    ]
    for event in answers:
        assert event["log"].startswith("START RequestId: ") and "REPORT RequestId: " in event["log"]
        assert event["milliseconds"] > 0


def test_the_demo_works_where_everything_is_verified():
    ended = run("demo", "--once", "--json", "--memory", "--verify", "--port", 0)
    assert ended.returncode == 0, ended.stderr


def test_the_demo_can_be_repeated_on_the_same_data_and_stays_up(data):
    assert run("demo", "--once", "--data", data, "--port", 0).returncode == 0
    with Traca("--data", data, command="demo") as traca:
        invoked = [traca.event("invoked")["round"] for _ in range(4)]
        assert invoked == ["cold", "warm"] * 2
        assert json.loads(traca.page("health"))["status"] == "ok"


def test_people_are_told_where_it_is():
    process = subprocess.Popen(
        [BINARY, "up", "--memory", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    try:
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines[0].startswith("Traca ") and "http://127.0.0.1:" in lines[0]
        assert "in memory" in lines[1]
        assert "000000000000" in lines[2] and "us-east-1" in lines[2]
        assert "aws --endpoint-url http://127.0.0.1:" in lines[3]
    finally:
        process.terminate()
        assert process.wait(timeout=PATIENCE_SECONDS) == 0
        process.stdout.close()


def test_strict_runtimes_refuses_what_the_machine_lacks(data):
    findings = [json.loads(line) for line in run("doctor", "--json", "--data", data).stdout.splitlines()]
    lacking = [
        finding["name"]
        for finding in findings
        if "because" in (finding["advice"] or "") and "runs on" in finding["advice"]
    ]
    if not lacking:
        pytest.skip("this machine has every interpreter")
    runtime = lacking[0]
    with Traca("--memory", "--strict-runtimes") as traca:
        functions = Functions(Clients(traca.endpoint, new_account()))
        code = (
            "exports.handler = async () => 1;"
            if runtime.startswith("nodejs")
            else "def handler(event, context): return 1\n"
        )
        made = functions.settings(code, runtime, name="strict")
        functions.client.create_function(**made)

        def deployed():
            described = functions.client.get_function_configuration(FunctionName="strict")
            return described if described["State"] != "Pending" else None

        failed = eventually(deployed, "the end of the deployment")
        assert failed["State"] == "Failed"
        assert failed["StateReason"].startswith(f"{runtime} needs ")
        exact = functions.create("x = 1\n", "provided.al2023", name="exact")
        assert exact.client.get_function_configuration(FunctionName="exact")["State"] == "Active"


# --- The end ---


def test_memory_mode_leaves_nothing_behind(tmp_path):
    with Traca("--memory", TMPDIR=str(tmp_path)) as traca:
        functions = Functions(Clients(traca.endpoint, new_account()))
        assert functions.create("def handler(event, context):\n    return event\n").answer(1) == 1
        assert list(tmp_path.iterdir())
        assert traca.stop() == 0
        assert traca.cgroups() == []
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_is_its_owners_alone(data):
    with Traca("--data", data):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert stat.S_IMODE((data / "installation.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_invocation_under_way_is_finished(number):
    with Traca("--memory") as traca:
        function, answers, caller = asleep(traca, 2)
        traca.signal(number)
        assert traca.wait() == 0, traca.log()
        caller.join()
        assert [answer.payload for answer in answers] == ["rested"]
        traca.assert_nothing_is_left()
        with pytest.raises(OSError):
            socket.create_connection(traca.address, timeout=PATIENCE_SECONDS)


def test_a_second_signal_ends_at_once():
    with Traca("--memory") as traca:
        _, answers, caller = asleep(traca, 600)
        traca.signal(signal.SIGTERM)
        eventually(lambda: "stopping" in traca.log(), "the word that it stops")
        traca.signal(signal.SIGTERM)
        assert traca.wait() == 1
        caller.join()
        assert answers == []
        traca.assert_nothing_is_left()


def asleep(traca, seconds):
    """A function that is at work for some time, what its caller will be answered, and the caller."""
    clients = Clients(traca.endpoint, new_account())
    function, answers = Functions(clients).create(SLEEP, Timeout=900), []

    def call():
        # The platform may end without an answer.
        with suppress(HTTPClientError):
            answers.append(function.invoke(seconds))

    caller = threading.Thread(target=call)
    caller.start()
    wait_for(clients, function, "asleep")
    return function, answers, caller
