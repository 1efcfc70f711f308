"""Functions that misbehave end as on AWS and harm no neighbour."""

import threading

import pytest

from support.clients import Clients, new_account
from support.functions import Functions

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
