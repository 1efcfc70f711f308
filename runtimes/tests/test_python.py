"""What a function sees of the Python runtime, and what the platform sees of the function."""

import json
import os
import re
import struct
import unittest

from harness import DEADLINE_MS, FUNCTION_ARN, REQUEST_ID, RUNTIMES, TRACE_ID, Event, python_interpreters, run_client

INTERPRETERS = python_interpreters()


def setUpModule():
    if not INTERPRETERS:
        raise unittest.SkipTest("no Python of a supported version on this machine")


class PythonRuntime(unittest.TestCase):
    def run_function(self, source, events=None, handler="app.handler", env=None, minor=None, files=None, **options):
        minor = minor or max(INTERPRETERS)
        command = [INTERPRETERS[minor], "-S", "-u", os.path.join(RUNTIMES, "python", "bootstrap.py")]
        files = {"app.py": source, **(files or {})}
        return run_client(
            command, files, handler, events, env, execution_environment="AWS_Lambda_python3.%d" % minor, **options)

    def test_every_interpreter_serves_invocations_one_after_another(self):
        source = "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return [count, event]\n"
        for minor in INTERPRETERS:
            with self.subTest(minor=minor):
                run = self.run_function(source, [Event({"a": 1}, "r-1"), Event("é", "r-2")], minor=minor)
                self.assertEqual([post.path for post in run.posts],
                                 ["/invocation/r-1/response", "/invocation/r-2/response"])
                self.assertEqual([post.json for post in run.posts], [[1, {"a": 1}], [2, "é"]])
                self.assertEqual(run.posts[0].headers["Content-Type"], "application/json")

    def test_context_is_complete(self):
        source = """
import os
def handler(event, context):
    return {
        "fields": [context.aws_request_id, context.log_group_name, context.log_stream_name, context.function_name,
                   context.memory_limit_in_mb, context.function_version, context.invoked_function_arn],
        "remaining": context.get_remaining_time_in_millis(),
        "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        "client": [context.client_context.client.app_title, context.client_context.client.app_version_name,
                   context.client_context.custom, context.client_context.env],
        "w3c": context.w3c(),
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
    }
"""
        client_context = {"client": {"app_title": "Shop"}, "custom": {"k": "é"}, "env": {"e": "1"},
                          "w3c": {"traceparent": "00-1", "other": "x"}}
        identity = {"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}
        response = self.run_function(source, [Event({}, headers={
            "Lambda-Runtime-Client-Context": json.dumps(client_context),
            "Lambda-Runtime-Cognito-Identity": json.dumps(identity),
        })]).response
        self.assertEqual(response["fields"], [
            REQUEST_ID, "/aws/lambda/sample", "2026/01/02/[$LATEST]abc", "sample", "128", "$LATEST", FUNCTION_ARN])
        self.assertEqual(response["identity"], ["id", "pool"])
        self.assertEqual(response["client"], ["Shop", None, {"k": "é"}, {"e": "1"}])
        self.assertEqual(response["w3c"], {"traceparent": "00-1"})
        self.assertEqual(response["trace"], TRACE_ID)
        self.assertTrue(0 < response["remaining"] < DEADLINE_MS)

    def test_context_without_mobile_headers_and_trace(self):
        source = """
import os
def handler(event, context):
    return [context.client_context, context.identity.cognito_identity_id, os.environ.get("_X_AMZN_TRACE_ID")]
"""
        self.assertEqual(
            self.run_function(source, [Event({}, headers={"Lambda-Runtime-Trace-Id": None})]).response,
            [None, None, None])

    def test_remaining_time_is_never_negative(self):
        source = "def handler(event, context):\n    return context.get_remaining_time_in_millis()\n"
        run = self.run_function(source, [Event({}, headers={"Lambda-Runtime-Deadline-Ms": "1"})])
        self.assertEqual(run.response, 0)

    def test_handler_paths(self):
        files = {"pkg/__init__.py": "", "pkg/deep/mod.py": "def run(event, context):\n    return 'deep'\n"}
        for handler in ("pkg.deep.mod.run", "pkg/deep/mod.run"):
            with self.subTest(handler=handler):
                self.assertEqual(self.run_function("", handler=handler, files=files).response, "deep")

    def test_search_path_prefers_the_function_and_hides_the_machine(self):
        source = """
import sys
import client
def handler(event, context):
    return {"client": client.MARK, "path": sys.path, "builtins": [callable(exit), callable(quit)]}
"""
        run = self.run_function(source, files={"client.py": "MARK = 'mine'\n"})
        self.assertEqual(run.response["client"], "mine")
        version = "python3.%d" % max(INTERPRETERS)
        self.assertEqual(run.response["path"][:4], [
            run.task, "/opt/python/lib/%s/site-packages" % version, "/opt/python", os.path.join(RUNTIMES, "python")])
        self.assertFalse([entry for entry in run.response["path"][4:] if entry.endswith("-packages")])
        self.assertEqual(run.response["builtins"], [True, True])

    def test_error_document_and_log(self):
        source = "class Odd(Exception):\n    pass\n\ndef handler(event, context):\n    raise Odd('bad é')\n"
        run = self.run_function(source)
        self.assertEqual(list(run.error), ["errorMessage", "errorType", "requestId", "stackTrace"])
        self.assertEqual(run.error, {
            "errorMessage": "bad é", "errorType": "Odd", "requestId": REQUEST_ID,
            "stackTrace": ['  File "%s/app.py", line 5, in handler\n    raise Odd(\'bad é\')\n' % run.task]})
        self.assertEqual(run.posts[0].headers["Lambda-Runtime-Function-Error-Type"], "Odd")
        cause = json.loads(run.posts[0].headers["Lambda-Runtime-Function-XRay-Error-Cause"])
        self.assertEqual(cause["exceptions"], [{"message": "bad é", "type": "Odd", "stack": [
            {"label": "handler", "path": "%s/app.py" % run.task, "line": 5}]}])
        self.assertEqual(run.stdout, "[ERROR] Odd: bad é\rTraceback (most recent call last):\r"
                         "\u00a0\u00a0File \"%s/app.py\", line 5, in handler\r"
                         "\u00a0\u00a0\u00a0\u00a0raise Odd('bad é')\n" % run.task)
        self.assertIsNone(run.exit_code)

    def test_an_error_leaves_the_next_invocation_alone(self):
        source = "def handler(event, context):\n    return 1 // event\n"
        run = self.run_function(source, [Event(0, "r-1"), Event(1, "r-2")])
        self.assertEqual([post.path for post in run.posts], ["/invocation/r-1/error", "/invocation/r-2/response"])

    def test_init_errors(self):
        cases = {
            "missing.handler": ("Runtime.ImportModuleError",
                                "Unable to import module 'missing': No module named 'missing'"),
            "app.other": ("Runtime.HandlerNotFound", "Handler 'other' missing on module 'app'"),
            "handler": ("Runtime.MalformedHandlerName",
                        "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
            "sys.handler": ("Runtime.BuiltInModuleConflict",
                            "Cannot use built-in module sys as a handler module"),
            "broken.handler": ("Runtime.UserCodeSyntaxError", None),
            "raising.handler": ("ValueError", "no"),
        }
        files = {"broken.py": "def handler(:\n", "raising.py": "raise ValueError('no')\n"}
        for handler, (error_type, message) in cases.items():
            with self.subTest(handler=handler):
                run = self.run_function("", handler=handler, files=files)
                self.assertEqual(run.init_error["errorType"], error_type)
                self.assertEqual(run.init_error["requestId"], "")
                if message:
                    self.assertEqual(run.init_error["errorMessage"], message)
                self.assertEqual(run.posts[0].headers["Lambda-Runtime-Function-Error-Type"], error_type)
                self.assertEqual(run.exit_code, 1)
                self.assertRegex(run.stdout, r"^\[WARNING\]\t[-0-9T:.]+Z\t\tLAMBDA_WARNING: Unhandled exception\. ")
                self.assertIn("[ERROR] %s: " % error_type, run.stdout)

    def test_syntax_error_names_file_line_and_text(self):
        run = self.run_function("def handler(:\n")
        self.assertEqual(run.init_error["stackTrace"],
                         ['  File "%s/app.py" Line 1\n    def handler(:\n' % run.task])
        self.assertTrue(run.init_error["errorMessage"].startswith("Syntax error in module 'app': "))

    def test_leaving_the_process_is_not_an_error_document(self):
        run = self.run_function("import sys\ndef handler(event, context):\n    sys.exit(3)\n")
        self.assertEqual((run.posts, run.exit_code), ([], 3))

    def test_results(self):
        source = """
from collections import namedtuple, OrderedDict
from decimal import Decimal
from enum import IntEnum
class Level(IntEnum):
    HIGH = 3
Point = namedtuple("Point", "x y")
circular = []
circular.append(circular)
VALUES = {
    "nothing": None, "decimal": {"v": [Decimal("1.10"), Decimal("NaN")]}, "point": Point(1, [Point(2, 3)]),
    "bytes": {"b": b"x"}, "unicode": "\u00e9", "keys": {1: "a", None: "b", True: "c", 1.5: "d"},
    "ordered": OrderedDict(a=1), "enum": [Level.HIGH], "big": 2 ** 70, "raw": b"\\x00\\xff",
    "set": {"s": {1}}, "key": {(1, 2): 3}, "circular": circular,
}
def handler(event, context):
    return VALUES[event]
"""
        expected = {
            "nothing": "null", "decimal": '{"v": [1.10, NaN]}', "point": '{"x": 1, "y": [{"x": 2, "y": 3}]}',
            "bytes": '{"b": "x"}', "keys": '{"1": "c", "null": "b", "1.5": "d"}', "ordered": '{"a": 1}',
            "enum": "[3]", "big": str(2 ** 70),
        }
        for minor in {min(INTERPRETERS), max(INTERPRETERS)}:
            names = [*expected, "unicode", "raw", "set", "key", "circular"]
            run = self.run_function(source, [Event(name, name) for name in names], minor=minor)
            bodies = {name: post.body for name, post in zip(names, run.posts)}
            for name, text in expected.items():
                self.assertEqual(bodies[name].decode(), text)
            self.assertEqual(bodies["unicode"].decode(),
                             '"é"' if minor >= 12 else '"\\u00e9"')
            self.assertEqual(bodies["raw"], b"\x00\xff")
            self.assertEqual(run.posts[names.index("raw")].headers["Content-Type"], "application/unknown")
            for name, message in {
                "set": "Object of type set is not JSON serializable",
                "key": "keys must be str, int, float, bool or None, not tuple",
                "circular": "Circular reference detected",
            }.items():
                document = json.loads(bodies[name])
                self.assertEqual((document["errorType"], document["errorMessage"], document["stackTrace"]),
                                 ("Runtime.MarshalError", "Unable to marshal response: " + message, []))

    def test_large_payloads_pass_both_ways(self):
        source = "def handler(event, context):\n    return event\n"
        payload = "x" * (6 * 1024 * 1024 - 2)
        self.assertEqual(self.run_function(source, [Event(payload)]).response, payload)

    def test_text_logging(self):
        source = """
import logging
logging.warning("at import")
logger = logging.getLogger("mine")
def handler(event, context):
    print("printed", end="")
    logging.getLogger().setLevel("INFO")
    logger.info("hello %s", "you")
    context.log("plain\\n")
"""
        run = self.run_function(source)
        self.assertRegex(run.stdout, "^\\[WARNING\\]\t[-0-9]+T[:0-9]+\\.\\d{3}Z\t\tat import\n"
                         "printed\\[INFO\\]\t[-0-9]+T[:0-9]+\\.\\d{3}Z\t%s\thello you\nplain\n$" % REQUEST_ID)

    def test_json_logging_filters_by_level(self):
        source = """
import logging
logger = logging.getLogger("mine")
def handler(event, context):
    logger.debug("hidden")
    logger.info({"k": 1}, extra={"order": "é", "odd": {1}})
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("caught")
    raise KeyError("out")
"""
        run = self.run_function(source, env={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"})
        info, caught, failed = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual(list(info)[:5], ["timestamp", "level", "message", "logger", "requestId"])
        self.assertEqual((info["level"], info["message"], info["logger"], info["requestId"], info["order"], info["odd"]),
                         ("INFO", {"k": 1}, "mine", REQUEST_ID, "é", "{1}"))
        self.assertRegex(info["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(list(caught)[:9], ["timestamp", "level", "message", "logger", "stackTrace", "errorType",
                                            "errorMessage", "requestId", "location"])
        self.assertEqual((caught["errorType"], caught["errorMessage"], caught["location"]),
                         ("ZeroDivisionError", "division by zero", "%s/app.py:handler:10" % run.task))
        self.assertEqual(list(failed), ["timestamp", "level", "errorMessage", "errorType", "requestId", "stackTrace"])
        self.assertEqual((failed["level"], failed["errorType"]), ("ERROR", "KeyError"))

    def test_framed_logging_keeps_records_whole(self):
        source = "import logging\ndef handler(event, context):\n    logging.error('two\\nlines')\n    raise ValueError('v')\n"
        run = self.run_function(source, telemetry=True)
        frames, rest = [], run.frames
        while rest:
            kind, length, _time = struct.unpack(">IIQ", rest[:16])
            frames.append((kind, rest[16:16 + length].decode()))
            rest = rest[16 + length:]
        self.assertEqual([kind for kind, _ in frames], [0xA55A0003, 0xA55A0017])
        self.assertTrue(frames[0][1].endswith("\ttwo\nlines\n"))
        self.assertTrue(frames[1][1].startswith("[ERROR] ValueError: v\nTraceback (most recent call last):\n"))
        self.assertEqual(run.stdout, "")

    def test_malformed_client_context_fails_the_invocation(self):
        run = self.run_function("def handler(event, context):\n    return 1\n",
                                [Event({}, headers={"Lambda-Runtime-Client-Context": "{"})])
        self.assertEqual(run.error["errorType"], "Runtime.LambdaContextUnmarshalError")
        self.assertTrue(run.error["errorMessage"].startswith("Unable to parse Client Context JSON: "))

    def test_compiles_without_warnings_in_every_version(self):
        for minor in INTERPRETERS:
            with self.subTest(minor=minor):
                run = self.run_function("def handler(event, context):\n    return 1\n", minor=minor,
                                        env={"PYTHONWARNINGS": "error"})
                self.assertEqual((run.response, re.sub(r"\s", "", run.stderr)), (1, ""))

    def test_logging_is_loaded_only_by_who_asks_for_it_and_then_as_ever(self):
        source = """
import sys
before = "logging" in sys.modules
def handler(event, context):
    import logging
    logging.warning("w")
    plain = type(logging.__spec__.loader).__name__ == type(logging.__loader__).__name__ == "SourceFileLoader"
    return [before, plain, [type(finder).__name__ for finder in sys.meta_path if "traca" in str(type(finder))]]
"""
        for minor in INTERPRETERS:
            with self.subTest(minor=minor):
                run = self.run_function(source, minor=minor)
                self.assertEqual(run.response, [False, True, []])
                self.assertRegex(run.stdout, r"^\[WARNING\]\t\d{4}-\d\d-\d\dT[\d:.]+Z\t%s\tw\n$" % REQUEST_ID)


class SdkAhead(unittest.TestCase):
    """What is made of the SDK ahead of need, with a stand-in for it that has its loaders' form."""

    SDK = {
        "boto3/__init__.py": """
from botocore.loaders import Loader
class session:
    class Session:
        def __init__(self, *_, **__): self.loader = Loader([])
        def client(self, name, **_): return self.loader.load(name)
DEFAULT_SESSION = None
def setup_default_session():
    global DEFAULT_SESSION
    DEFAULT_SESSION = session.Session()
""",
        "botocore/__init__.py": "",
        "botocore/loaders.py": """
reads = []
class Loader:
    def __init__(self, paths):
        self._cache, self.search_paths, self.file_loader, self._extras_types = {}, paths, object(), ["sdk"]
    def load(self, name):
        if name not in self._cache:
            reads.append(name)
            self._cache[name] = name
        return self._cache[name]
""",
    }

    def after_rehearsal(self, expression, *variables):
        source = """
import sys
from traca_runtime import sdk
sdk.rehearse(["boto3", "s3"])
sdk.leave([(name, "x") for name in %r])
import boto3
from botocore import loaders
def handler(event, context):
    return %s
""" % (variables, expression)
        command = [INTERPRETERS[max(INTERPRETERS)], "-S", "-u", os.path.join(RUNTIMES, "python", "bootstrap.py")]
        run = run_client(command, {"app.py": source, **self.SDK}, "app.handler", None, None,
                         execution_environment="AWS_Lambda_python3.%d" % max(INTERPRETERS))
        return run.response

    def test_sessions_share_what_was_read_and_other_search_paths_read_for_themselves(self):
        look = "[boto3.session.Session().client('s3'), list(loaders.reads), loaders.Loader(['/opt']).load('s3'), loaders.reads]"
        self.assertEqual(self.after_rehearsal(look), ["s3", ["s3"], "s3", ["s3", "s3"]])

    def test_the_first_session_is_there_unless_variables_of_the_function_concern_it(self):
        look = "boto3.DEFAULT_SESSION is not None"
        self.assertTrue(self.after_rehearsal(look, "AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "TABLE"))
        for name in ("AWS_PROFILE", "AWS_DATA_PATH", "AWS_CONFIG_FILE", "HOME"):
            self.assertFalse(self.after_rehearsal(look, name), name)


if __name__ == "__main__":
    unittest.main()
