"""No function sees what is not its own: the machine, the platform, or another function."""

import pytest

from support.clients import Clients, new_account
from support.functions import Functions
from support.traca import Traca

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
    other = shared.create(
        "import time\ndef handler(event, context):\n    return 'neighbour-secret'\n",
        Environment={"Variables": {"SECRET": "neighbour-secret"}},
    )
    assert other.answer() == "neighbour-secret"
    listed = inside("for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done").split("\n")
    commands = [line for line in listed if line.strip()]
    assert commands
    assert not [line for line in commands if "traca up" in line or "pytest" in line or "state_dir" in line]
    assert len(commands) < 12
    assert "neighbour-secret" not in inside("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; env")


def test_only_its_own_files(inside, shared):
    shared.create({"app.py": SHELL, "neighbours-file.txt": "x"}).answer("touch /tmp/neighbours-scratch")
    found = inside("find / -xdev -name 'neighbours-*' 2>/dev/null; ls /tmp /var/task")
    assert "neighbours" not in found
    assert "app.py" in found


def test_nothing_of_the_host_but_programs(inside):
    assert inside("ls -A /home /root /media /mnt /srv 2>/dev/null | grep -v :").strip() == ""
    accounts = inside("cat /etc/passwd")
    assert len(accounts.splitlines()) < 5
    assert "Permission denied" in inside("cat /etc/shadow") or "No such file" in inside("cat /etc/shadow")


def test_not_the_platforms_data_directory(data):
    with Traca("--data", data) as traca:
        made = Functions(Clients(traca.endpoint, new_account()))
        function = made.create(SHELL, Timeout=60, MemorySize=512)
        assert (data / "installation.key").exists()
        assert "No such file" in function.answer(f"ls {data}")
        found = function.answer(
            "find / -xdev \\( -name installation.key -o -name telemetry -o -path '*data/state*' \\) 2>/dev/null"
        )
        assert found.strip() == ""
        assert str(data) not in function.answer("cat /proc/self/mountinfo | cut -d' ' -f5")


def test_its_files_are_read_only_but_for_tmp(inside):
    for folder in ["/", "/var/task", "/var/runtime", "/usr", "/etc", "/opt"]:
        assert (
            inside(f"touch {folder}/x 2>&1; test -e {folder}/x && echo made")
            .strip()
            .endswith(("Read-only file system", "Permission denied"))
        ), folder
    assert inside("touch /tmp/x && echo made").strip() == "made"


def test_no_privileges(inside):
    status = inside("cat /proc/self/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert [fields[name] for name in ["CapEff", "CapPrm", "CapBnd"]] == ["0000000000000000"] * 3
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    assert inside("id -u").strip() != "0"
    for command in ["mount -t tmpfs none /tmp", "unshare -U true", "chroot / true", "dmesg", "mknod /tmp/d b 8 0"]:
        assert inside(f"{command} >/dev/null 2>&1; echo $?").strip() != "0", command


def test_no_way_to_the_host(platform, shared):
    function = shared.create(CONNECT, Timeout=60)
    host, port = platform.address
    results = function.answer([[host, port], ["169.254.169.254", 80], ["192.0.0.8", 80], ["127.0.0.1", 4566]])
    assert results.pop("127.0.0.1:4566") == "connected", "the platform's own endpoint"
    assert "connected" not in results.values(), results


def test_nothing_of_the_platform_is_reset_from_inside(shared):
    function = shared.create(
        "import urllib.request, urllib.error\ndef handler(event, context):\n"
        "    request = urllib.request.Request('http://127.0.0.1:4566/_traca/reset', method='POST')\n"
        "    try:\n        return urllib.request.urlopen(request).status\n"
        "    except urllib.error.HTTPError as error:\n        return error.code\n",
        Timeout=60,
    )
    assert function.answer() == 403
    assert function.answer() == 403
