"""Attempts to cross the walls of an execution environment, one for each. All are made by a function's own code, in an
environment that was made ahead of need and in one that was not, and all must fail without harm to anybody else.
"""

import socket
import threading

import pytest

from support.clients import Clients, new_account
from support.functions import Functions
from support.traca import Traca, eventually

# Evaluates expressions and answers each one's value, or the name of the error.
EVALUATOR = r"""
import ctypes, errno, os, socket, stat, subprocess, sys, time, urllib.error, urllib.request
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    '''A system call by its number on x86-64 or aarch64.'''
    number = number[os.uname().machine == "aarch64"] if isinstance(number, tuple) else number
    if number is None:
        return "EPERM"
    libc.syscall.restype = ctypes.c_long
    if libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]) < 0:
        return errno.errorcode[ctypes.get_errno()]
    return "done"

def connect(family, address):
    with socket.socket(family) as connection:
        connection.settimeout(3)
        connection.connect(address)
    return "done"

def page(path, method="GET", at="http://127.0.0.1:4566"):
    try:
        with urllib.request.urlopen(urllib.request.Request(at + path, method=method)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code

def change_shared_page():
    '''Writes into the interpreter's own pages, which other functions map too.'''
    for line in open("/proc/self/maps"):
        fields = line.split()
        if len(fields) > 5 and fields[1] == "r--p" and "/bin/python" in fields[5]:
            start = int(fields[0].split("-")[0], 16)
            with open("/proc/self/mem", "r+b", 0) as memory:
                memory.seek(start + 8)
                memory.write(b"escaped!")
                memory.seek(start + 8)
                assert memory.read(8) == b"escaped!"
            return open(fields[5], "rb").read(16)[8:].hex()

def until_refused(act):
    made = []
    try:
        while len(made) < 5000:
            made.append(act())
        return "no end"
    except OSError as error:
        return [errno.errorcode[error.errno], len(made)]
    finally:
        for each in made:
            if isinstance(each, subprocess.Popen):
                each.kill()
                each.wait()
            else:
                os.close(each)

def fill():
    with open("/tmp/full", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 600 << 20)
    return "done"

def evaluate(expression):
    try:
        return eval(expression)
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    except Exception as error:
        return type(error).__name__

def handler(event, context):
    return {name: evaluate(expression) for name, expression in event.items()}
"""

# Expressions whose value must be this error's name. Numbers of system calls: x86-64, aarch64.
REFUSED = {
    "attach to the init process": ("call((101, 117), 16, 1, 0, 0)", {"EPERM"}),
    "be traced": ("call((101, 117), 0, 0, 0, 0)", {"EPERM"}),
    "read the init process's memory": ("call((310, 270), 1, 0, 0, 0, 0, 0)", {"EPERM"}),
    "write the init process's memory": ("call((311, 271), 1, 0, 0, 0, 0, 0)", {"EPERM"}),
    "open the init process's memory": ("open('/proc/1/mem', 'rb')", {"EACCES", "EPERM"}),
    "read the init process's variables": ("open('/proc/1/environ').read()", {"EACCES", "EPERM"}),
    "read the init process's descriptors": ("os.listdir('/proc/1/fd')", {"EACCES", "EPERM"}),
    "enter the init process's root": ("os.listdir('/proc/1/root/')", {"EACCES", "EPERM"}),
    "take a descriptor of the init process": ("call((438, 438), os.pidfd_open(1), 0, 0)", {"EPERM"}),
    "mount": ("call((165, 40), b'none', b'/tmp', b'tmpfs', 0, 0)", {"EPERM"}),
    "unmount": ("call((166, 39), b'/tmp', 2)", {"EPERM"}),
    "mount the new way": ("call((430, 430), b'tmpfs', 0)", {"EPERM"}),
    "take a tree of mounts": ("call((428, 428), -100, b'/', 1)", {"EPERM"}),
    "change the root": ("os.chroot('/tmp')", {"EPERM"}),
    "pivot the root": ("call((155, 41), b'/tmp', b'/tmp')", {"EPERM"}),
    "enter a namespace": ("call((308, 268), os.open('/proc/self/ns/net', 0), 0)", {"EPERM"}),
    "leave namespaces": ("call((272, 97), 0x10000000)", {"EPERM"}),
    "nest a user namespace": ("call((56, 220), 0x10000011, 0, 0, 0, 0)", {"EPERM"}),
    "clone with flags nobody can see": ("call((435, 435), 0, 0)", {"ENOSYS"}),
    "send raw packets": ("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", {"EPERM", "EACCES"}),
    "see packets": ("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", {"EPERM"}),
    "speak to the hypervisor": ("socket.socket(40, socket.SOCK_STREAM)", {"EPERM"}),
    "use the kernel's cryptography": ("socket.socket(38, 5)", {"EPERM"}),
    "add a key": ("call((248, 217), b'user', b'x', b'y', 1, -3)", {"EPERM"}),
    "read a keyring": ("call((250, 219), 11, -3, 0, 0, 0)", {"EPERM"}),
    "load a program into the kernel": ("call((321, 280), 0, 0, 0)", {"EPERM"}),
    "count the processor's events": ("call((298, 241), 0, 0, -1, -1, 0)", {"EPERM"}),
    "handle page faults": ("call((323, 282), 0)", {"EPERM"}),
    "set up io_uring": ("call((425, 425), 8, 0)", {"EPERM"}),
    "load a module": ("call((175, 105), 0, 0, b'')", {"EPERM"}),
    "load a module from a file": ("call((313, 273), 0, b'', 0)", {"EPERM"}),
    "load a kernel": ("call((246, 104), 0, 0, 0, 0)", {"EPERM"}),
    "reboot": ("call((169, 142), 0, 0, 0, 0)", {"EPERM"}),
    "set the clock": ("time.clock_settime(0, 0)", {"EPERM"}),
    "name the machine": ("socket.sethostname('x')", {"EPERM"}),
    "read the kernel's log": ("call((103, 116), 3, 0, 0)", {"EPERM"}),
    "open a file by its handle": ("call((304, 265), -100, 0, 0)", {"EPERM"}),
    "make a device": ("os.mknod('/tmp/disk', stat.S_IFBLK | 0o666, os.makedev(8, 0))", {"EPERM"}),
    "open the machine's memory": ("open('/dev/mem', 'rb')", {"ENOENT"}),
    "open the machine's loop devices": ("open('/dev/loop-control', 'rb')", {"ENOENT"}),
    "open the machine's cgroups": ("os.listdir('/sys/fs/cgroup')", {"ENOENT"}),
    "change a setting of the kernel": ("open('/proc/sys/kernel/core_pattern', 'w')", {"EACCES", "EPERM", "EROFS"}),
    "press the emergency key": ("open('/proc/sysrq-trigger', 'w')", {"EACCES", "ENOENT", "EPERM", "EROFS"}),
    "kill the init process": ("os.kill(1, 9)", {"EPERM"}),
    "become root": ("os.setuid(0)", {"EPERM", "EINVAL"}),
    "get capabilities": ("call((126, 91), b'\\x22\\x05\\x08\\x20\\0\\0\\0\\0', b'\\xff' * 24)", {"EPERM"}),
    "come before everybody else": ("os.setpriority(0, 0, -20)", {"EACCES", "EPERM"}),
    "become a real-time process": ("os.sched_setscheduler(0, 1, os.sched_param(1))", {"EPERM"}),
    "write the code": ("open('/var/task/app.py', 'a')", {"EROFS", "EACCES"}),
    "write the runtime": ("open('/var/runtime/bootstrap.py', 'a')", {"EROFS", "EACCES"}),
    "write the system": ("open('/usr/bin/escaped', 'w')", {"EROFS", "EACCES"}),
    "link a file of the system": ("os.link('/usr/bin/env', '/tmp/env')", {"EXDEV", "EPERM", "EACCES"}),
    "more storage than there is": ("fill()", {"ENOSPC"}),
}

# Expressions with a value of their own.
HARMLESS = {
    "reset": ("page('/_traca/reset', 'POST')", 403),
    "denials": ("page('/_traca/denials')", 403),
    "access": ("page('/_traca/access')", 403),
    "pages by other doors": (
        "[page('/_traca/' + name, method, scheme + '://sts.amazonaws.com') for scheme in ('http', 'https')"
        " for name, method in (('denials', 'GET'), ('access', 'GET'), ('reset', 'POST'), ('clock', 'POST'))]",
        [403] * 8,
    ),
    "capabilities": ("[line.split()[1] for line in open('/proc/self/status') if line.startswith('Cap')]", ["0" * 16] * 5),
    "confined": ("[line.split()[1] for line in open('/proc/self/status') if line[:4] in ('NoNe', 'Secc')][:2]", ["1", "2"]),
    "interfaces": ("[name for _, name in socket.if_nameindex()]", ["lo"]),
}


@pytest.fixture(scope="module", params=["ahead", "at-once"])
def inside(request):
    """A platform, and a function in an environment of either kind. Calls it with named expressions."""
    ahead = request.param == "ahead"
    with Traca("--memory", "--pools", "256" if ahead else "off") as traca:
        functions = Functions(Clients(traca.endpoint, new_account()))
        function = functions.create(EVALUATOR, Timeout=120, MemorySize=1769)
        if ahead:
            eventually(lambda: b'lambda_stock{kind="Python"} 2' in traca.page("metrics"), "environments in stock")
        function.answer({})
        starts = traca.page("metrics")
        assert (b'kind="Python",ahead="hit"} 1' in starts) == ahead, starts
        function.traca, function.functions = traca, functions
        yield function


def test_what_leads_out_is_refused(inside):
    found = inside.answer({name: expression for name, (expression, _) in REFUSED.items()})
    crossed = {name: value for name, value in found.items() if value not in REFUSED[name][1]}
    assert crossed == {}


def test_what_is_allowed_does_no_harm(inside):
    found = inside.answer({name: expression for name, (expression, _) in HARMLESS.items()})
    assert found == {name: value for name, (_, value) in HARMLESS.items()}


def test_no_descriptor_is_inherited(inside):
    names = "[os.readlink(f'/proc/self/fd/{n}').split(':')[0] for n in os.listdir('/proc/self/fd') if exists(n)]"
    code = EVALUATOR + "\ndef exists(number):\n    return os.path.exists(f'/proc/self/fd/{number}')\n"
    held = inside.functions.create(code, Timeout=120, MemorySize=1769).answer({"held": names})["held"]
    # Standard streams and the Runtime API's connection; the directory that was listed is closed again.
    assert sorted(held) == ["/dev/null", "pipe", "pipe", "socket"]


def test_listeners_of_the_machine_are_out_of_reach(inside):
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0traca-escape-test")
        abstract.listen()
        attempts = {
            "platform": f"connect(socket.AF_INET, {inside.traca.address})",
            "listener": f"connect(socket.AF_INET, {listener.getsockname()})",
            "abstract": "connect(socket.AF_UNIX, '\\0traca-escape-test')",
            "metadata": "connect(socket.AF_INET, ('169.254.169.254', 80))",
            "relay": "connect(socket.AF_INET, ('192.0.0.8', 1))",
            "broadcast": "connect(socket.AF_INET, ('239.1.1.1', 80))",
        }
        found = inside.answer(attempts)
    assert set(found.values()) <= {"ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EPERM"}, found


def test_pages_shared_with_other_functions_cannot_be_changed(inside):
    other = inside.functions.create(EVALUATOR, Timeout=120, MemorySize=1769)
    untouched = "open(sys.executable, 'rb').read(16)[8:].hex()"
    before = other.answer({"bytes": untouched})["bytes"]
    assert inside.answer({"written": "change_shared_page()"})["written"] == before
    assert other.answer({"bytes": untouched})["bytes"] == before
    mapped = "ctypes.string_at(int(open('/proc/self/maps').readline().split('-')[0], 16) + 8, 8).hex()"
    assert other.answer({"mapped": mapped})["mapped"] == before


def test_processes_and_descriptors_have_an_end(inside):
    found = inside.answer({
        "processes": "until_refused(lambda: subprocess.Popen(['/bin/sleep', '60']))",
        "descriptors": "until_refused(lambda: os.open('/dev/null', 0))",
    })
    assert found["processes"][0] == "EAGAIN" and 500 < found["processes"][1] < 1024, found
    assert found["descriptors"][0] == "EMFILE" and 900 < found["descriptors"][1] < 1024, found


def test_a_function_that_takes_all_memory_harms_only_itself(inside):
    greedy = inside.functions.create(
        "def handler(event, context):\n    hoard = []\n    while True:\n        hoard.append(b'x' * (8 << 20))\n",
        Timeout=60,
        MemorySize=128,
    )
    outcomes = []
    runs = [threading.Thread(target=lambda: outcomes.append(greedy.invoke({}))) for _ in range(2)]
    [run.start() for run in runs]
    assert inside.answer({"sum": "1 + 1"}) == {"sum": 2}
    [run.join() for run in runs]
    assert [outcome.payload["errorType"] for outcome in outcomes] == ["Runtime.OutOfMemory"] * 2, outcomes
    assert inside.answer({"sum": "1 + 1"}) == {"sum": 2}
