"""The same functions under our clients and under AWS's own: what reaches the platform must be the same.

AWS's clients are installed from their package registries into TRACA_TEST_CACHE (default: runtimes under the workspace's
target directory). Where that is impossible, as without a network or, for Node.js, a C++ toolchain, the tests are
skipped and say so.
"""

import glob
import json
import os
import re
import unittest

from harness import RUNTIMES, Event, install, node_interpreters, python_interpreters, run_client, text_records

PYTHON_CASES = {
    "plain": "def handler(event, context):\n    return event\n",
    "raise": "def inner():\n    raise KeyError('é')\n\ndef handler(event, context):\n    inner()\n",
    "import": "import absent_module\n",
    "syntax": "def handler(:\n",
    "at_import": "raise RuntimeError('no')\n",
    "no_handler": "x = 1\n",
    "exit": "import sys\ndef handler(event, context):\n    print('bye')\n    sys.exit(7)\n",
    "unserialisable": "def handler(event, context):\n    return {'a': {1}}\n",
    "circular": "def handler(event, context):\n    a = []\n    a.append(a)\n    return a\n",
    "marshal": """
import collections, decimal, enum
class Number(enum.IntEnum):
    ONE = 1
class Text(str):
    pass
P = collections.namedtuple("P", "x y")
def handler(event, context):
    return [decimal.Decimal("1.50"), decimal.Decimal("NaN"), decimal.Decimal("1E+5"), P(1, (2, P(3, None))),
            {"b": b"bytes", 1: 2, None: 3, False: 4, 2.5: 5}, Number.ONE, Text("t"), "\\u00e9\\u2028\\U0001f600\\x00</",
            1e400, -1e400, float("nan"), 1e22, 0.1, 2 ** 80, collections.OrderedDict(z=1, a=2),
            collections.defaultdict(list, k=[1]), ()]
""",
    "bytes": "def handler(event, context):\n    return b'\\x00raw'\n",
    "date": "import datetime\ndef handler(event, context):\n    return datetime.date(2020, 1, 1)\n",
    "logging": """
import logging
logging.warning("import time")
log = logging.getLogger("a.b")
log.setLevel(logging.DEBUG)
def handler(event, context):
    print("printed")
    log.info("two\\nlines %s", 1, extra={"custom": [1]})
    log.debug({"a": 1})
    log.critical("c")
    log.log(35, "odd level")
    try:
        raise ValueError("inner")
    except ValueError:
        log.exception("caught")
    context.log("direct\\n")
    print(context)
    raise Exception("multi\\nline")
""",
}

NODE_CASES = {
    "plain": "exports.handler = async (event) => event;",
    "throw": "class Odd extends Error {}\nexports.handler = async function () { throw new Odd('é\\nx'); };",
    "sync_throw": "exports.handler = function () { null.x; };",
    "named": "exports.handler = async () => { const e = new Error('m'); e.name = 'Custom'; e.extra = [1]; throw e; };",
    "text": "exports.handler = async () => { throw 'text'; };",
    "nothing": "exports.handler = async () => { throw undefined; };",
    "aggregate": "exports.handler = async () => { throw new Error('outer', { cause: new Error('inner') }); };",
    "circular": "exports.handler = async () => { const a = {}; a.a = a; return a; };",
    "bigint": "exports.handler = async () => 1n;",
    "syntax": "exports.handler = {;",
    "import": "require('absent-package');",
    "no_handler": "exports.other = 1;",
    "at_load": "throw new TypeError('load');",
    "exit": "exports.handler = async () => { console.log('bye'); process.exit(5); };",
    "logging": """
console.log('load %d', 1);
exports.handler = async (event, context) => {
  console.log('a', { b: [1, { c: 2 }] }, new Error('shown').message);
  console.info({ k: 'v' }); console.warn('two\\nlines'); console.error(new RangeError('r').message);
  console.debug(undefined); console.trace('t', 1); console.fatal('f');
  return { remaining: typeof context.getRemainingTimeInMillis(), name: context.functionName, arn: context.invokedFunctionArn };
};
""",
    "uncaught": "exports.handler = async () => { setTimeout(() => { throw new Error('late'); }, 1); "
                "await new Promise((r) => setTimeout(r, 5000)); };",
    "rejection": "exports.handler = async () => { Promise.reject(new Error('gone')); "
                 "await new Promise((r) => setTimeout(r, 5000)); };",
}

CLASSIC_CASES = {
    **NODE_CASES,
    "callback": "exports.handler = (e, c, cb) => { setTimeout(() => console.log('timer'), 10); cb(null, 'x'); };",
    "callback_error": "exports.handler = (e, c, cb) => cb(new Error('cb'));",
    "callback_text": "exports.handler = (e, c, cb) => cb('cb');",
    "no_wait": "exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; "
               "setTimeout(() => {}, 3000); cb(null, 1); };",
    "neither": "exports.handler = () => 5;",
    "twice": "exports.handler = (e, c, cb) => { cb(null, 1); cb(null, 2); };",
    "context": "exports.handler = (e, c) => { console.log(Object.keys(c).join()); c.done(null, 9); };",
    "never": "exports.handler = async () => new Promise(() => {});",
}

MODERN_CASES = {
    **NODE_CASES,
    "callback": "exports.handler = (event, context, callback) => callback(null, 1);",
    "returned": "exports.handler = () => 5;",
}


def normalised_json(value, task):
    """A document with the frames of runtimes and interpreters left out and the task's directory replaced."""
    if isinstance(value, dict):
        return {key: normalised_json(item, task) for key, item in value.items()}
    if isinstance(value, list):
        value = ["- RUNTIME" if isinstance(item, str) and re.match(r"- \S+/index\.mjs$", item) else item
                 for item in value]
        frames = [item for item in value if not (isinstance(item, str) and re.match(r"\s+(at|File) ", item)
                                                 and task not in item)]
        return [normalised_json(item, task) for item in frames]
    if isinstance(value, str):
        value = re.sub(r"\n- \S+/index\.mjs", "\n- RUNTIME", value.replace(task, "TASK"))
        return re.sub(r"\d{4}-\d\d-\d\dT[0-9:]+(\.\d{3})?Z", "TIME", value)
    return value


def normalised_line(line, task):
    """A log line; a JSON document in it is normalised as one."""
    start = line.find("{\"")
    try:
        return line[:start] + json.dumps(normalised_json(json.loads(line[start:]), task))
    except ValueError:
        frames = [part for part in line.split("\r") if not re.match("\u00a0+File ", part) or task in part]
        return "\r".join(frames).replace(task, "TASK")


def observed(run):
    """What the platform sees of a run, without what differs between any two runs."""
    posts = [(post.path, post.headers.get("Lambda-Runtime-Function-Error-Type") if "init" in post.path
              else post.headers["Content-Type"], normalised_json(post.json, run.task)
              if post.body[:1] in (b"{", b"[") and b"errorType" in post.body else post.body)
             for post in run.posts]
    lines = [line for line in text_records(run.stdout) if not line.startswith("Executing ")]
    return {"posts": posts, "log": [normalised_line(line, run.task) for line in lines], "exit": run.exit_code}


class Differential(unittest.TestCase):
    maxDiff = None

    def compare(self, cases, source_name, handler, ours, theirs, **options):
        for name, source in cases.items():
            for log_format in ("Text", "JSON"):
                with self.subTest(case=name, log_format=log_format):
                    env = {"AWS_LAMBDA_LOG_FORMAT": log_format, "AWS_LAMBDA_LOG_LEVEL": "INFO" if log_format == "JSON"
                           else None}
                    events = [Event({"a": "é"})]
                    runs = [observed(run_client(command, {source_name: source}, handler, list(events), env, **options))
                            for command in (ours, theirs)]
                    self.assertEqual(runs[0], runs[1])

    def test_python(self):
        interpreters = python_interpreters()
        if not interpreters:
            self.skipTest("no Python of a supported version on this machine")
        for minor in {min(interpreters), max(interpreters)}:
            python = interpreters[minor]
            package = "awslambdaric==%s" % ("4.0.4" if minor == 9 else "4.2.2")
            venv = install("awslambdaric-3.%d" % minor, [
                [python, "-m", "venv", "venv"], ["venv/bin/pip", "install", "-q", package]])
            ours = [python, "-S", "-u", os.path.join(RUNTIMES, "python", "bootstrap.py")]
            theirs = [os.path.join(venv, "venv/bin/python"), "-m", "awslambdaric", "app.handler"]
            with self.subTest(minor=minor):
                self.compare(PYTHON_CASES, "app.py", "app.handler", ours, theirs,
                             execution_environment="AWS_Lambda_python3.%d" % minor)

    def node(self, name, version, majors, cases, arguments):
        interpreters = {major: node for major, node in node_interpreters().items() if major in majors}
        if not interpreters:
            self.skipTest("no Node.js of versions %s on this machine" % majors)
        directory = install(name, [
            ["npm", "init", "-y"],
            ["npm", "install", "--no-audit", "--no-fund", "--foreground-scripts", "aws-lambda-ric@%s" % version]])
        package = os.path.join(directory, "node_modules", "aws-lambda-ric")
        if not glob.glob(os.path.join(package, "**", "rapid-client.node"), recursive=True):
            self.skipTest("%s is installed without its native part, which npm was not allowed to build" % name)
        for major, node in interpreters.items():
            ours = [node, os.path.join(RUNTIMES, "node", "index.js")]
            theirs = [node, os.path.join(package, arguments[0]), *arguments[1:]]
            with self.subTest(major=major):
                self.compare(cases, "index.js", "index.handler", ours, theirs,
                             execution_environment="AWS_Lambda_nodejs%d.x" % major)

    def test_node_with_callbacks(self):
        self.node("aws-lambda-ric-3", "3.3.0", (18, 20), CLASSIC_CASES, ["bin/index.mjs", "index.handler"])

    def test_node_without_callbacks(self):
        self.node("aws-lambda-ric-4", "4.0.2", (24,), MODERN_CASES, ["index.mjs"])


if __name__ == "__main__":
    unittest.main()
