"""Functions come, crash, run out of time, are changed and go: what the platform holds of the machine is as before."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

from support.clients import Clients, new_account
from support.functions import NODE, WAIT, Functions
from support.holdings import holdings, private_memory_mb
from support.packages import package
from support.traca import Traca, eventually

# How long the load lasts. Ten minutes is what a release is measured with.
SECONDS = float(os.environ.get("TRACA_TEST_LEAK_SECONDS", 8))

WORKERS = 4

# Memory for two Python environments ahead of need, whatever the demand was: as many before the load as after it.
POOLS_MB = 16

# Descriptors that may be there or not: connections of clients that are kept alive, a page being read.
SLACK_DESCRIPTORS = 4 * WORKERS

# Memory that may have grown, in MB: caches that fill once, and what an allocator keeps.
GROWTH_MB = 64

PYTHON_CODE = """
import os, time
def handler(event, context):
    if event == "exit": os._exit(3)
    if event == "sleep": time.sleep(60)
    if event == "fork":
        for _ in range(8):
            if os.fork() == 0: time.sleep(60)
    if event == "fill":
        with open("/tmp/full", "wb") as file: file.write(b"x" * (8 << 20))
    if event == "raise": raise ValueError(event)
    return event
"""

NODE_CODE = "exports.handler = async (event) => { if (event === 'exit') process.exit(3); return event; };\n"


def live(functions):
    """The life of one function of each language; how many invocations that was."""
    count = 0
    python = functions.create(PYTHON_CODE, Timeout=60)
    for event in ("hello", "fill", "exit", "raise", "fork", "hello"):
        answered = python.invoke(event)
        assert (answered.error is None) == (event in ("hello", "fill", "fork")), (event, answered)
        count += 1
    python.client.update_function_code(FunctionName=python.name, ZipFile=package({"app.py": PYTHON_CODE + "# again\n"}))
    python.client.get_waiter("function_updated_v2").wait(FunctionName=python.name, WaiterConfig=WAIT)
    assert python.invoke("hello").error is None
    python.set(Timeout=1)
    assert "Timedout" in python.invoke("sleep").payload["errorType"]
    node = functions.create(NODE_CODE, NODE, Timeout=60)
    for event in ("hello", "exit", "hello"):
        assert (node.invoke(event).error is None) == (event == "hello")
    for function in (python, node):
        function.client.delete_function(FunctionName=function.name)
    return count + 5


def load(traca, seconds):
    """Workers that do so until the time is over."""
    end = time.monotonic() + seconds

    def work(_):
        functions, count = Functions(Clients(traca.endpoint, new_account())), 0
        while True:
            count += live(functions)
            if time.monotonic() >= end:
                return count

    with ThreadPoolExecutor(WORKERS) as workers:
        return sum(workers.map(work, range(WORKERS)))


def test_nothing_is_left_of_functions_that_are_gone(data, tell):
    with Traca("--data", data, "--pools", POOLS_MB) as traca:
        load(traca, 0)
        before = settled(traca, data)
        memory = private_memory_mb(traca)
        count = load(traca, SECONDS)
        found = {}

        def is_as_before():
            found.update(holdings(traca, data))
            slack = {"descriptors": SLACK_DESCRIPTORS}
            return all(found[name] <= before[name] + slack.get(name, 0) for name in before)

        try:
            eventually(is_as_before, "what is left to go")
        except AssertionError as error:
            raise AssertionError(f"before {before}, after {found}") from error
        grown = private_memory_mb(traca) - memory
        tell(f"{count} invocations with crashes, timeouts and deploys: {before} before, {found} after, memory {grown:+d} MB")
        assert grown < GROWTH_MB


def settled(traca, data):
    """What is held once that does not change any more."""
    seen = []

    def is_stable():
        seen.append(holdings(traca, data))
        time.sleep(0.2)
        return len(seen) >= 10 and all(one == seen[-1] for one in seen[-10:])

    eventually(is_stable, "a platform at rest")
    return seen[-1]
