"""Functions that misbehave end as on AWS and harm no neighbour; no function sees what is not its own."""

import threading

import pytest

from support.clients import Clients, new_account
from support.functions import Functions
from support.traca import Traca

LOOP = "def handler(event, context):\n    while True: pass\n"

ALLOCATE = """
def handler(event, context):
    kept = []
    while True:
        kept.append(bytearray(1 << 20))
"""

EXIT = "import os\ndef handler(event, context):\n    os._exit(1)\n"

# The children fork on, too. The one that was called goes on for as long as it can fork, then answers how it ended.
FORK = """
import os
def handler(event, context):
    while True:
        try:
            if os.fork() == 0:
                while True:
                    try:
                        os.fork()
                    except OSError:
                        pass
        except OSError as error:
            return type(error).__name__
"""

FILL = """
def handler(event, context):
    written = 0
    try:
        with open("/tmp/full", "wb", buffering=0) as file:
            for _ in range(1024):
                written += file.write(bytes(1 << 20))
    except OSError as error:
        return [error.errno, written >> 20]
"""

PRINT = """
import sys
def handler(event, context):
    line = "x" * 1023 + "\\n"
    for _ in range(100 * 1024):
        sys.stdout.write(line)
    return "printed"
"""

NEIGHBOUR = "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n"


class Neighbour:
    """A function that is invoked again and again, on a connection of its own, while others misbehave."""

    def __init__(self, platform, made):
        self.function = made.create(NEIGHBOUR, Timeout=120)
        self.answers, self.stopped = [], threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stopped.is_set():
            self.answers.append(self.function.invoke(tail=False))

    def __enter__(self):
        self.function.answer()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def assert_unharmed(self):
        """It answered every time, from the one environment it had from the start."""
        assert self.answers
        assert [answer.error for answer in self.answers] == [None] * len(self.answers)
        assert [answer.payload for answer in self.answers] == list(range(2, len(self.answers) + 2))


@pytest.fixture
def beside(platform):
    """Runs a misbehaving function beside a neighbour in another account."""
    def run(code, **settings):
        with Neighbour(platform, Functions(Clients(platform.endpoint, new_account()))) as neighbour:
            function = Functions(Clients(platform.endpoint, new_account())).create(code, **settings)
            invocation = function.invoke()
        neighbour.assert_unharmed()
        return function, invocation
    return run


def failed(invocation, kind, text, status):
    assert (invocation.status, invocation.error) == (200, "Unhandled"), invocation
    message = f"RequestId: {invocation.request_id} Error: {text}"
    assert invocation.payload == {"errorType": kind, "errorMessage": message}
    assert invocation.report["Status"] == status
    assert text in invocation.log


def test_one_that_loops_times_out(beside):
    _, invocation = beside(LOOP, Timeout=2)
    failed(invocation, "Sandbox.Timedout", "Task timed out after 2.00 seconds", "timeout")


def test_one_that_allocates_without_end_is_killed(beside):
    _, invocation = beside(ALLOCATE, Timeout=120)
    failed(invocation, "Runtime.OutOfMemory", "Runtime exited with error: signal: killed", "error")
    assert invocation.report["Max Memory Used"] == "128 MB"
    assert invocation.report["Error Type"] == "Runtime.OutOfMemory"


def test_one_that_exits_is_an_error(beside):
    function, invocation = beside(EXIT)
    failed(invocation, "Runtime.ExitError", "Runtime exited with error: exit status 1", "error")
    failed(function.invoke(), "Runtime.ExitError", "Runtime exited with error: exit status 1", "error")


def test_one_that_forks_without_end_is_bounded(beside):
    function, invocation = beside(FORK, Timeout=20, MemorySize=512)
    ends = {"BlockingIOError", "Runtime.OutOfMemory", "Sandbox.Timedout"}
    end = invocation.payload["errorType"] if invocation.error else invocation.payload
    assert end in ends, invocation
    function.client.delete_function(FunctionName=function.name)


def test_one_that_fills_tmp_runs_out_of_space(beside):
    no_space = 28
    function, invocation = beside(FILL, Timeout=120)
    assert invocation.error is None, invocation
    number, megabytes = invocation.payload
    assert number == no_space
    # The file system's own needs are not taken from what was bought.
    assert 512 <= megabytes <= 544


def test_a_larger_tmp_holds_more(functions):
    code = FILL.replace("range(1024)", "range(600)") + "    return written >> 20\n"
    assert functions.create(code, Timeout=120, EphemeralStorage={"Size": 1024}).answer() == 600


def test_one_that_prints_without_end_is_carried(beside):
    _, invocation = beside(PRINT, Timeout=300, MemorySize=1769)
    assert (invocation.error, invocation.payload) == (None, "printed"), invocation
    assert len(invocation.log.encode()) == 4096


# --- What a function can see ---

SHELL = """
import subprocess
def handler(event, context):
    ended = subprocess.run(event, shell=True, capture_output=True, text=True, errors="replace")
    return ended.stdout + ended.stderr
"""

CONNECT = """
import socket
def handler(event, context):
    results = {}
    for host, port in event:
        try:
            socket.create_connection((host, port), timeout=2).close()
            results[f"{host}:{port}"] = "connected"
        except OSError as error:
            results[f"{host}:{port}"] = type(error).__name__
    return results
"""


@pytest.fixture(scope="module")
def inside(shared):
    """Runs a shell command inside a function."""
    function = shared.create(SHELL, Timeout=60, MemorySize=512)
    return function.answer


def test_only_its_own_processes(inside, shared):
    other = shared.create("import time\ndef handler(event, context):\n    return 'neighbour-secret'\n",
                          Environment={"Variables": {"SECRET": "neighbour-secret"}})
    assert other.answer() == "neighbour-secret"
    listed = inside("for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done").split("\n")
    commands = [line for line in listed if line.strip()]
    assert commands
    assert not [line for line in commands if "traca up" in line or "pytest" in line or "sandbox-launcher" in line]
    assert len(commands) < 12
    assert "neighbour-secret" not in inside("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; env")


def test_only_its_own_files(inside, shared):
    shared.create({"app.py": SHELL, "neighbours-file.txt": "x"}).answer("touch /tmp/neighbours-scratch")
    found = inside("find / -xdev -name 'neighbours-*' 2>/dev/null; ls /tmp /var/task")
    assert "neighbours" not in found
    assert "app.py" in found


def test_nothing_of_the_host_but_programs(inside):
    assert inside("ls -A /home /root /mnt /srv /work 2>/dev/null | grep -v :").strip() == ""
    accounts = inside("cat /etc/passwd")
    assert len(accounts.splitlines()) < 5
    assert "Permission denied" in inside("cat /etc/shadow") or "No such file" in inside("cat /etc/shadow")


def test_not_the_platforms_data_directory(data):
    with Traca("--data", data) as traca:
        made = Functions(Clients(traca.endpoint, new_account()))
        function = made.create(SHELL, Timeout=60, MemorySize=512)
        assert (data / "installation.key").exists()
        assert "No such file" in function.answer(f"ls {data}")
        found = function.answer("find / -xdev \\( -name installation.key -o -name 'state*' -path '*data*' -o -name telemetry \\) 2>/dev/null")
        assert found.strip() == ""
        assert str(data) not in function.answer("cat /proc/self/mountinfo | cut -d' ' -f5")


def test_its_files_are_read_only_but_for_tmp(inside):
    for folder in ["/", "/var/task", "/var/runtime", "/usr", "/etc", "/opt"]:
        assert inside(f"touch {folder}/x 2>&1; test -e {folder}/x && echo made").strip().endswith(
            ("Read-only file system", "Permission denied")), folder
    assert inside("touch /tmp/x && echo made").strip() == "made"


def test_no_privileges(inside):
    status = inside("cat /proc/self/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert [fields[name] for name in ["CapEff", "CapPrm", "CapBnd"]] == ["0000000000000000"] * 3
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    assert inside("id -u").strip() != "0"
    for command in ["mount -t tmpfs none /tmp", "unshare -U true", "chroot / true", "dmesg", "mknod /tmp/d b 8 0"]:
        assert inside(f"{command} >/dev/null 2>&1; echo $?").strip() != "0", command


def test_no_way_to_the_host_or_out(platform, shared):
    function = shared.create(CONNECT, Timeout=60)
    host, port = platform.address
    results = function.answer([[host, port], ["169.254.169.254", 80], ["1.1.1.1", 53], ["127.0.0.1", 4566]])
    assert results.pop("127.0.0.1:4566") == "connected", "the platform's own endpoint"
    assert "connected" not in results.values(), results


def test_nothing_of_the_platform_is_reset_from_inside(shared):
    function = shared.create(
        "import urllib.request, urllib.error\ndef handler(event, context):\n"
        "    request = urllib.request.Request('http://127.0.0.1:4566/_traca/reset', method='POST')\n"
        "    try:\n        return urllib.request.urlopen(request).status\n"
        "    except urllib.error.HTTPError as error:\n        return error.code\n", Timeout=60)
    assert function.answer() == 403
    assert function.answer() == 403
