"""A `traca` process under test."""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from .processes import descendants, living

BINARY = Path(os.environ.get("TRACA_BIN", Path(__file__).parents[2] / "target" / "debug" / "traca")).absolute()

# Cargo's target directory, where what is expensive to make outlives a test run.
TARGET = BINARY.parents[1]

# Longer than anything takes on the slowest machine; only failures wait for it.
PATIENCE_SECONDS = 120

# Between two looks at something that is about to happen.
LOOK_SECONDS = 0.01


def eventually(condition, what):
    """The first true value of the condition; a failure when there is none for a long time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"still waiting for {what}")


def environment(**changes):
    """Variables for `traca`: SDKs are kept in the target directory, and no credentials of the user's are seen."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TRACA_"))}
    return {**variables, "XDG_DATA_HOME": str(TARGET / "xtask" / "home"), **changes}


def as_user(user):
    """How a process is started as another user; `None` is this one."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def run(*arguments, program=BINARY, user=None, **changes):
    """Runs a command of `traca` to its end."""
    return subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        env=environment(**changes),
        **as_user(user),
    )


class Traca:
    """A platform that is up. `first_event_seconds` is the time from the process's start to its word that it is up."""

    def __init__(self, *arguments, command="up", program=BINARY, user=None, **changes):
        self.errors = tempfile.TemporaryFile()
        started = time.monotonic()
        self.process = subprocess.Popen(
            [program, command, "--json", "--port", "0", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            stdin=subprocess.DEVNULL,
            env=environment(**changes),
            start_new_session=True,
            **as_user(user),
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.up = self.event("up")
        self.first_event_seconds = time.monotonic() - started
        self.endpoint = self.up["endpoint"]
        self.family = set()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def event(self, name):
        """The next event of this name among what the command prints."""
        while True:
            line = self.lines.get(timeout=PATIENCE_SECONDS)
            assert line is not None, f"ended with {self.process.wait()} before {name}:\n{self.log()}"
            event = json.loads(line)
            if event["event"] == name:
                return event

    @property
    def pid(self):
        return self.process.pid

    @property
    def address(self):
        host, port = self.endpoint.rpartition("/")[2].split(":")
        return host, int(port)

    def log(self):
        """What it has written to standard error."""
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def page(self, path, method="GET"):
        """One of Traca's own pages, as bytes."""
        request = urllib.request.Request(f"{self.endpoint}/_traca/{path}", method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.read()

    def reset(self):
        self.page("reset", "POST")

    def signal(self, number):
        """Sends a signal, having looked which processes belong to the platform."""
        self.family |= descendants(self.pid)
        self.process.send_signal(number)

    def wait(self):
        """Its exit code."""
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def stop(self):
        """Asks it to end and waits until it and everything it started are gone. Its exit code."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        self.assert_nothing_is_left()
        return code

    def kill(self):
        """Ends it with no chance to tidy up."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait(timeout=PATIENCE_SECONDS)

    def assert_nothing_is_left(self):
        """Nothing that it started runs any more, and no cgroup of it is left that holds a process."""
        eventually(lambda: not living(self.family), f"the end of {living(self.family)}")

    def cgroups(self):
        """Its directories in every cgroup hierarchy."""
        return [path for pattern in ("*", "*/*") for path in Path("/sys/fs/cgroup").glob(f"{pattern}/traca.{self.pid}.*")]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            if kind is None:
                assert self.stop() == 0, self.log()
            else:
                self.kill()
        self.process.stdout.close()
