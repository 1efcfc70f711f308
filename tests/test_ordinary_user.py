"""An ordinary user has a platform, too: functions run in isolation without root."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from support.clients import Clients, new_account
from support.functions import Functions
from support.traca import BINARY, Traca

NOBODY = 65_534

WHOAMI = """
import os
def handler(event, context):
    open("/tmp/written", "w").write("x")
    status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
    processes = [entry for entry in os.listdir("/proc") if entry.isdigit()]
    return {"capabilities": status["CapEff"], "seccomp": status["Seccomp"], "processes": len(processes),
            "homes": [path for path in ["/root", "/home"] if os.path.isdir(path) and os.listdir(path)],
            "read_only": not os.access("/var/task", os.W_OK)}
"""


@pytest.fixture
def ordinary():
    """A platform of an ordinary user: another one if we are root, else ourselves."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program, home = Path(folder) / "traca", Path(folder) / "home"
        shutil.copy(BINARY, program)
        home.mkdir()
        user = None
        if os.getuid() == 0:
            user = NOBODY
            os.chown(home, user, user)
        variables = {"HOME": str(home), "XDG_DATA_HOME": str(home), "TMPDIR": str(home)}
        with Traca("--memory", program=program, user=user, **variables) as traca:
            yield traca


def test_functions_run_and_are_isolated(ordinary):
    functions = Functions(Clients(ordinary.endpoint, new_account()))
    python = functions.create(WHOAMI)
    assert python.answer() == {
        "capabilities": "0000000000000000",
        "seccomp": "2",
        "processes": 2,
        "homes": [],
        "read_only": True,
    }
    assert python.invoke().report["Memory Size"] == "128 MB"
    node = functions.create("exports.handler = async (event) => event;", "nodejs20.x")
    assert node.answer({"a": 1}) == {"a": 1}


def test_a_loop_still_times_out(ordinary):
    functions = Functions(Clients(ordinary.endpoint, new_account()))
    function = functions.create("def handler(event, context):\n    while event: pass\n    return 'well'\n", Timeout=1)
    assert function.invoke(True).payload["errorType"] == "Sandbox.Timedout"
    assert function.answer(False) == "well"
