"""Environments that are made ahead of need: functions start from them, and cannot tell."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.clients import Clients, new_account
from support.functions import NODE, PYTHON, Functions
from support.traca import Traca, eventually, run

PYTHON_LOOK = r"""
import json, os, random, sys, time
shown = lambda name: not name.startswith("traca_runtime") and name not in sys.builtin_module_names
loaded = sorted(filter(shown, sys.modules))
def handler(event, context):
    return {
        "variables": {k: v for k, v in os.environ.items() if "TRACA" in k or k in ("COLOUR", "TZ", "PYTHONPATH")},
        "cwd": os.getcwd(), "loaded": loaded, "path": sys.path, "arguments": sys.argv,
        "descriptors": len(os.listdir("/proc/self/fd")), "name": context.function_name,
        "random": random.random(), "hash": hash("seed"), "address": id(handler), "hour": time.localtime(0)[3],
        "memory": context.memory_limit_in_mb, "threads": len(os.listdir("/proc/self/task")),
    }
"""

NODE_LOOK = r"""
exports.handler = async (event, context) => ({
  variables: Object.fromEntries(Object.entries(process.env).filter(([k]) => /TRACA|^COLOUR$|^TZ$|^NODE_PATH$/.test(k))),
  cwd: process.cwd(), arguments: process.argv, name: context.functionName, random: Math.random(),
  hour: new Date(0).getHours(), memory: context.memoryLimitInMB, listeners: process.eventNames().map(String).sort(),
  heap: require('v8').getHeapStatistics().heap_size_limit, warnings: process.listenerCount('warning'),
});
"""

LOOKS = [(PYTHON, PYTHON_LOOK), (NODE, NODE_LOOK)]

# What no two environments share.
OWN = {"random", "hash", "address", "name"}


def figure(traca, name, **labels):
    """A figure of the metrics page: the sum over all series with these labels."""
    page = traca.page("metrics").decode()
    lines = re.findall(rf"^traca_{name}\{{(.*)\}} (\d+)$", page, re.MULTILINE)
    return sum(int(value) for found, value in lines if all(f'{k}="{v}"' in found for k, v in labels.items()))


def stocked(traca, kind):
    """Waits until every environment of a kind that is to be ready is."""

    def is_stocked():
        wanted = figure(traca, "lambda_stock_wanted", kind=kind)
        return wanted and figure(traca, "lambda_stock", kind=kind) >= wanted

    eventually(is_stocked, f"{kind} in stock")


@pytest.fixture(scope="module")
def pooled():
    with Traca("--memory") as traca:
        yield traca


@pytest.fixture(scope="module")
def unpooled():
    with Traca("--memory", "--pools", "off") as traca:
        yield traca


def make(traca, *arguments, **settings):
    return Functions(Clients(traca.endpoint, new_account())).create(*arguments, **settings)


@pytest.mark.parametrize("runtime, code", LOOKS)
def test_a_function_cannot_tell_that_its_environment_was_made_ahead(pooled, unpooled, runtime, code):
    kind = {PYTHON: "Python", NODE: "Node"}[runtime]
    settings = {"Environment": {"Variables": {"COLOUR": "blue", "TZ": "Asia/Tokyo"}}, "MemorySize": 512, "Timeout": 60}
    found = []
    for traca, ahead in [(unpooled, "miss"), (pooled, "hit"), (pooled, "hit")]:
        function = make(traca, code, runtime, **settings)
        if ahead == "hit":
            stocked(traca, kind)
        before = figure(traca, "lambda_starts_total", kind=kind, ahead=ahead)
        found.append(function.answer())
        assert figure(traca, "lambda_starts_total", kind=kind, ahead=ahead) == before + 1
    loaded = [set(look.pop("loaded", ())) for look in found]
    # Besides what both need, modules of the standard library that most functions load.
    assert loaded[0] <= loaded[1] == loaded[2] and "boto3" not in loaded[1], loaded[1] - loaded[0]
    shared = [{name: value for name, value in look.items() if name not in OWN} for look in found]
    assert shared[1] == shared[0] and shared[2] == shared[0]
    assert shared[0]["hour"] == 9 and shared[0]["variables"]["COLOUR"] == "blue"
    for name in OWN & set(found[0]):
        assert len({look[name] for look in found}) == 3 or name == "address", name


def test_each_environment_serves_one_deployment_only(pooled):
    code = "import os\nos.environ.setdefault('MARK', 'none')\ndef handler(event, context):\n" \
           "    seen, os.environ['MARK'] = os.environ['MARK'], context.function_name\n    return seen\n"
    functions = [make(pooled, code) for _ in range(4)]
    assert [function.answer() for function in functions] == ["none"] * 4
    assert [function.answer() for function in functions] == [function.name for function in functions]


def test_a_vendored_sdk_is_the_one_a_function_sees(pooled):
    python = make(pooled, {"app.py": "import boto3\ndef handler(event, context):\n    return boto3.__version__\n",
                           "boto3/__init__.py": "__version__ = 'its own'\n"}, Timeout=60)
    node = make(pooled, {
        "index.js": "exports.handler = async () => require('@aws-sdk/client-sts').version;\n",
        "node_modules/@aws-sdk/client-sts/index.js": "exports.version = 'its own';\n",
    }, NODE, Timeout=60)
    for function in (python, node):
        assert function.answer() == "its own"


def test_variables_that_an_interpreter_reads_at_its_start_take_effect(pooled):
    code = "exports.handler = async () => process.execArgv.concat(process.env.NODE_OPTIONS, process.title)\n"
    function = make(pooled, code, NODE, Environment={"Variables": {"NODE_OPTIONS": "--title=mine"}}, Timeout=60)
    assert function.answer()[-1] == "mine"
    python = "import sys\ndef handler(event, context):\n    return sys.flags.optimize\n"
    assert make(pooled, python, Environment={"Variables": {"PYTHONOPTIMIZE": "2"}}, Timeout=60).answer() == 2


def test_what_is_used_up_is_made_again_and_a_burst_fails_nobody(pooled):
    function = make(pooled, "import time\ndef handler(event, context):\n    time.sleep(0.2)\n    return event\n", Timeout=60)
    stocked(pooled, "Python")
    made = figure(pooled, "lambda_stock_made", kind="Python")
    with ThreadPoolExecutor(8) as together:
        assert sorted(together.map(function.answer, range(16))) == list(range(16))
    stocked(pooled, "Python")
    assert figure(pooled, "lambda_stock_made", kind="Python") > made


def test_the_memory_for_them_is_checked_on_the_command_line():
    answer = run("up", "--memory", "--pools", "many")
    assert answer.returncode == 2 and "megabytes" in answer.stderr
