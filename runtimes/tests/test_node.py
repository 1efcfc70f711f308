"""What a function sees of the Node.js runtime, and what the platform sees of the function."""

import base64
import json
import os
import struct
import unittest

from harness import FUNCTION_ARN, REQUEST_ID, RUNTIMES, TRACE_ID, Event, node_interpreters, run_client, text_records

INTERPRETERS = node_interpreters()


def setUpModule():
    if not INTERPRETERS:
        raise unittest.SkipTest("no Node.js of a supported version on this machine")


def run_output(run):
    return "".join(text_records(run.stdout))


class NodeRuntime(unittest.TestCase):
    """Tests name a runtime's major version; any Node.js of the machine may stand in for it, as in the product."""

    def run_function(self, source, events=None, handler="index.handler", major=20, files=None, node=None, **options):
        node = node or INTERPRETERS.get(major) or max(INTERPRETERS.items())[1]
        files = {"index.js": source, **(files or {})} if source is not None else files
        return run_client([node, os.path.join(RUNTIMES, "node", "index.js")], files, handler, events,
                          execution_environment="AWS_Lambda_nodejs%d.x" % major, **options)

    def test_every_interpreter_serves_invocations_one_after_another(self):
        source = "let count = 0;\nexports.handler = async (event) => [++count, event];\n"
        for major, node in INTERPRETERS.items():
            with self.subTest(major=major):
                run = self.run_function(source, [Event({"a": 1}, "r-1"), Event("é", "r-2")], major=major, node=node)
                self.assertEqual([post.path for post in run.posts],
                                 ["/invocation/r-1/response", "/invocation/r-2/response"])
                self.assertEqual([post.json for post in run.posts], [[1, {"a": 1}], [2, "é"]])
                self.assertEqual((run.exit_code, run.stderr), (None, ""))

    def test_context_is_complete(self):
        source = """
exports.handler = async (event, context) => {
  const { getRemainingTimeInMillis } = context;
  return { keys: Object.keys(context), context, remaining: getRemainingTimeInMillis() > 1000,
           trace: process.env._X_AMZN_TRACE_ID };
};
"""
        client_context = {"client": {"app_title": "Shöp"}}
        events = [Event({}, headers={"Lambda-Runtime-Client-Context": json.dumps(client_context),
                                     "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"id"}'})]
        response = self.run_function(source, events).response
        self.assertEqual(response["keys"], [
            "callbackWaitsForEmptyEventLoop", "succeed", "fail", "done", "functionVersion", "functionName",
            "memoryLimitInMB", "logGroupName", "logStreamName", "clientContext", "identity", "invokedFunctionArn",
            "awsRequestId", "tenantId", "getRemainingTimeInMillis"])
        self.assertEqual(response["context"], {
            "callbackWaitsForEmptyEventLoop": True, "functionVersion": "$LATEST", "functionName": "sample",
            "memoryLimitInMB": "128", "logGroupName": "/aws/lambda/sample",
            "logStreamName": "2026/01/02/[$LATEST]abc", "clientContext": client_context,
            "identity": {"cognitoIdentityId": "id"}, "invokedFunctionArn": FUNCTION_ARN, "awsRequestId": REQUEST_ID})
        self.assertEqual((response["remaining"], response["trace"]), (True, TRACE_ID))

    def test_module_forms(self):
        esm = "import { readFileSync } from 'fs';\nawait null;\nexport const handler = async () => typeof readFileSync;\n"
        cjs = "exports.handler = async () => typeof require('fs').readFileSync;\n"
        cases = [
            ({"index.mjs": esm}, "index.handler"),
            ({"index.js": esm, "package.json": '{"type":"module"}'}, "index.handler"),
            ({"src/index.js": esm, "package.json": '{"type":"module"}'}, "src/index.handler"),
            ({"index.js": cjs}, "index.handler"),
            ({"index.cjs": cjs, "package.json": '{"type":"module"}'}, "index.handler"),
            ({"a/b/c.js": "exports.x = { y: { handler: async () => 'function' } };\n"}, "a/b/c.x.y.handler"),
            ({"node_modules/lib/index.js": cjs}, "lib.handler"),
        ]
        for major in (20, 24):
            for files, handler in cases:
                with self.subTest(major=major, files=list(files)):
                    self.assertEqual(
                        self.run_function(None, files=files, handler=handler, major=major).response, "function")

    def test_es_modules_find_packages_on_the_search_path(self):
        files = {
            "layer/node_modules/lib/package.json": '{"name":"lib","exports":{"import":"./m.mjs","require":"./c.js"}}',
            "layer/node_modules/lib/m.mjs": "export const form = 'module';\n",
            "layer/node_modules/lib/c.js": "exports.form = 'commonjs';\n",
            "code/index.mjs": "import { form } from 'lib';\nexport const handler = async () => form;\n",
            "code/plain.js": "exports.handler = async () => require('lib').form;\n",
            "code/missing.mjs": "import 'absent-package';\nexport const handler = async () => 1;\n",
        }
        for major, node in INTERPRETERS.items():
            for handler, expected in {"code/index.handler": "module", "code/plain.handler": "commonjs"}.items():
                with self.subTest(major=major, handler=handler):
                    # The directory is not known before the run, so a relative link leads the search path to it.
                    script = ("process.env.NODE_PATH = process.env.LAMBDA_TASK_ROOT + '/layer/node_modules';"
                              "require('module').Module._initPaths();")
                    files["preload.js"] = script
                    run = run_client(
                        [node, "-r", "./preload.js", os.path.join(RUNTIMES, "node", "index.js")], files, handler,
                        execution_environment="AWS_Lambda_nodejs%d.x" % major)
                    self.assertEqual(run.response, expected)
            run = run_client([node, "-r", "./preload.js", os.path.join(RUNTIMES, "node", "index.js")], files,
                             "code/missing.handler", execution_environment="AWS_Lambda_nodejs%d.x" % major)
            self.assertIn("Cannot find package 'absent-package'", run.init_error["errorMessage"])

    def test_answers(self):
        cases = {
            "async () => ({ ok: true })": {"ok": True},
            "async () => undefined": None,
            "async () => { await new Promise((r) => setTimeout(r, 5)); return 'late'; }": "late",
            "(event, context, callback) => callback(null, 'called back')": "called back",
            "(event, context, callback) => { setTimeout(() => callback(null, 'later'), 5); }": "later",
            "(event, context, callback) => { callback(null, 1); callback(null, 2); }": 1,
            "() => 'returned but not promised'": None,
            "async () => new Promise(() => {})": None,
            "(event, context) => { context.succeed('s'); }": "s",
            "(event, context) => { context.done(null, 'd'); }": "d",
        }
        for source, expected in cases.items():
            with self.subTest(source=source):
                self.assertEqual(self.run_function("exports.handler = %s;" % source).response, expected)

    def test_a_response_by_callback_waits_for_the_event_loop_unless_told_not_to(self):
        source = """
exports.handler = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = event.wait;
  setTimeout(() => console.log('timer'), 20);
  callback(null, context.callbackWaitsForEmptyEventLoop);
  console.log('called');
};
"""
        waited = self.run_function(source, [Event({"wait": True})])
        self.assertEqual(waited.response, True)
        self.assertEqual([line.split("\t")[3] for line in waited.stdout.splitlines()], ["called", "timer"])
        # The timer outlives the first invocation and runs in the next, which waits for it.
        events = [Event({"wait": False}, "r-1"), Event({"wait": True}, "r-2")]
        left = self.run_function(source, events)
        self.assertEqual([post.json for post in left.posts], [False, True])

    def test_error_documents(self):
        cases = {
            "async () => { throw new RangeError('far') }": ("RangeError", "far"),
            "() => { throw new Error('now') }": ("Error", "now"),
            "(e, c, callback) => callback(new TypeError('cb'))": ("TypeError", "cb"),
            "(e, c, callback) => callback('text')": ("string", "text"),
            "async () => { throw 'text' }": ("string", "text"),
            "async () => { throw { a: 1 } }": ("object", "[object Object]"),
            "async () => Promise.reject()": ("string", "handled"),
            "(e, c) => c.fail()": ("string", "handled"),
            "async () => { const a = {}; a.a = a; return a; }": ("Error", "Unable to stringify response body"),
            "async () => { throw Object.assign(new Error('x\\x7f'), { name: 'N' }) }": ("N", "x%7F"),
        }
        for source, (error_type, message) in cases.items():
            with self.subTest(source=source):
                run = self.run_function("exports.handler = %s;" % source)
                self.assertEqual(list(run.error), ["errorType", "errorMessage", "trace"])
                self.assertEqual((run.error["errorType"], run.error["errorMessage"]), (error_type, message))
                self.assertEqual(run.posts[0].headers["Lambda-Runtime-Function-Error-Type"], error_type)
                self.assertIn("\tERROR\tInvoke Error \t{\"errorType\":", run.stdout)
                self.assertIsNone(run.exit_code)

    def test_trace_and_log_of_an_error(self):
        run = self.run_function("exports.handler = async function () {\n  throw new Error('boom');\n};\n")
        self.assertEqual(run.error["trace"][:2],
                         ["Error: boom", "    at exports.handler (%s/index.js:2:9)" % run.task])
        (record,) = text_records(run.stdout)
        prefix = "TIME\t%s\tERROR\tInvoke Error \t" % REQUEST_ID
        self.assertTrue(record.startswith(prefix))
        logged = json.loads(record[len(prefix):])
        self.assertEqual(list(logged), ["errorType", "errorMessage", "stack"])
        cause = json.loads(run.posts[0].headers["Lambda-Runtime-Function-XRay-Error-Cause"])
        self.assertEqual(cause["exceptions"][0]["stack"][0]["line"], 2)

    def test_init_errors(self):
        cases = {
            "absent.handler": ("Runtime.ImportModuleError", "Error: Cannot find module 'absent'\nRequire stack:\n- "),
            "index.other": ("Runtime.HandlerNotFound", "index.other is undefined or not exported"),
            "index.value": ("Runtime.HandlerNotFound", "index.value is not a function"),
            "index": ("Runtime.MalformedHandlerName", "Bad handler"),
            "../index.handler": ("Runtime.MalformedHandlerName", "'../index.handler' is not a valid handler name. Use "
                                 "absolute paths when specifying root directories in handler names."),
            "broken.handler": ("Runtime.UserCodeSyntaxError", "SyntaxError: "),
            "raising.handler": ("TypeError", "at load"),
            "missing.handler": ("Runtime.ImportModuleError", "Error: Cannot find module 'absent-package'"),
        }
        files = {"broken.js": "exports.handler = {;\n", "raising.js": "throw new TypeError('at load');\n",
                 "missing.js": "require('absent-package');\n"}
        for major, title, exit_code in ((20, "undefined\tERROR\tUncaught Exception", 129), (24, "-\tERROR\tInit Error", 1)):
            for handler, (error_type, message) in cases.items():
                with self.subTest(major=major, handler=handler):
                    run = self.run_function("exports.value = 1;", handler=handler, files=files, major=major)
                    self.assertEqual(run.init_error["errorType"], error_type)
                    self.assertTrue(run.init_error["errorMessage"].startswith(message), run.init_error)
                    self.assertEqual(run.exit_code, exit_code)
                    self.assertTrue(text_records(run.stdout)[0].startswith("TIME\t%s \t{" % title), run.stdout)

    def test_errors_nobody_catches(self):
        cases = {
            "() => { setTimeout(() => { throw new Error('late') }, 1); }": ("Uncaught Exception", "Error", "late", 129),
            "() => { Promise.reject(new Error('gone')); }":
                ("Unhandled Promise Rejection", "Runtime.UnhandledPromiseRejection", "Error: gone", 128),
        }
        for source, (title, error_type, message, exit_code) in cases.items():
            with self.subTest(source=source):
                run = self.run_function("exports.handler = %s;" % source)
                self.assertEqual((run.error["errorType"], run.error["errorMessage"]), (error_type, message))
                self.assertEqual(run.exit_code, exit_code)
                self.assertIn("\t%s\tERROR\t%s \t{" % (REQUEST_ID, title), run.stdout)

    def test_an_error_between_invocations_ends_the_process_without_a_post(self):
        source = """
exports.handler = async () => { setTimeout(() => { throw new Error('afterwards') }, 1); return 1; };
"""
        run = self.run_function(source, [Event({}, REQUEST_ID)])
        self.assertEqual(run.posts[0].path, "/invocation/%s/response" % REQUEST_ID)

    def test_leaving_the_process_is_not_an_error_document(self):
        run = self.run_function("exports.handler = async () => process.exit(3);")
        self.assertEqual((run.posts, run.exit_code), ([], 3))

    def test_an_initialisation_that_never_settles_ends_the_process(self):
        for major in (20, 24):
            run = self.run_function(None, files={"index.mjs": "await new Promise(() => {});\n"}, major=major)
            self.assertEqual((run.posts, run.exit_code), ([], 13))

    def test_runtime_24_has_no_callbacks(self):
        run = self.run_function("exports.handler = (event, context, callback) => callback(null, 1);", major=24)
        self.assertEqual(run.init_error["errorType"], "Runtime.CallbackHandlerDeprecated")
        self.assertTrue(run.init_error["errorMessage"].startswith(
            "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24."))
        self.assertEqual(run.exit_code, 1)

    def test_runtime_24_answers_what_is_returned(self):
        source = """
exports.handler = (event, context) => {
  switch (event) {
    case 'keys': return Object.keys(context);
    case 'circular': { const a = {}; a.a = a; return a; }
    case 'null': throw null;
    default: return 'plain';
  }
};
"""
        run = self.run_function(source, [Event(name, name) for name in ("plain", "keys", "circular", "null")], major=24)
        plain, keys, circular, thrown = [post.json for post in run.posts]
        self.assertEqual(plain, "plain")
        self.assertNotIn("done", keys)
        self.assertEqual((circular["errorType"], circular["errorMessage"]),
                         ("Runtime.JSONStringifyError", "Unable to stringify response body"))
        self.assertEqual(thrown, {"errorType": "object", "errorMessage": "null", "trace": []})

    def test_runtime_24_ends_on_a_promise_that_never_settles(self):
        run = self.run_function("exports.handler = async () => new Promise(() => {});", major=24)
        self.assertEqual((run.posts, run.exit_code), ([], 13))

    def test_runtime_22_warns_of_callbacks(self):
        source = "exports.handler = (event, context, callback) => callback(null, 1);"
        run = self.run_function(source, major=22)
        self.assertIn("WARN\tAWS Lambda plans to remove support for callback-based function handlers", run.stdout)
        quiet = self.run_function(source, major=22, env={"AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING": "1"})
        self.assertEqual(quiet.stdout, "")

    def test_text_logging(self):
        source = """
console.log('at import');
exports.handler = async () => {
  console.log('a %s', 'b', { c: 1 });
  console.error('two\\nlines');
  console.debug('d'); console.warn('w'); console.trace('t'); console.fatal('f');
  process.stdout.write('raw\\n');
};
"""
        def line(request_id, level, text):
            return "TIME\t%s\t%s\t%s\n" % (request_id, level, text)

        output = run_output(self.run_function(source))
        self.assertEqual(output, "".join([
            line("undefined", "INFO", "at import"), line(REQUEST_ID, "INFO", "a b { c: 1 }"),
            line(REQUEST_ID, "ERROR", "two\rlines"), line(REQUEST_ID, "DEBUG", "d"), line(REQUEST_ID, "WARN", "w"),
            line(REQUEST_ID, "TRACE", "t"), line(REQUEST_ID, "FATAL", "f"), "raw\n"]))

    def test_json_logging_filters_by_level(self):
        source = """
exports.handler = async () => {
  console.debug('hidden');
  console.log({ a: [1] });
  console.warn('x %s', 1, new TypeError('inner'));
  const loop = {}; loop.loop = loop; console.error(loop);
  throw new Error('out');
};
"""
        run = self.run_function(source, env={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"})
        info, warn, loop, failed = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual(list(info), ["timestamp", "level", "requestId", "message"])
        self.assertEqual((info["level"], info["requestId"], info["message"]), ("INFO", REQUEST_ID, {"a": [1]}))
        self.assertEqual(list(warn), ["timestamp", "level", "requestId", "message", "errorType", "errorMessage",
                                      "stackTrace"])
        self.assertEqual((warn["errorType"], warn["errorMessage"]), ("TypeError", "inner"))
        self.assertIn("[Circular", loop["message"])
        self.assertEqual(failed["message"]["errorMessage"], "out")

    def test_framed_logging_keeps_records_whole(self):
        run = self.run_function("exports.handler = async () => console.warn('two\\nlines');", telemetry=True)
        kind, length, _time = struct.unpack(">IIQ", run.frames[:16])
        self.assertEqual((kind, length), (0xA55A0013, len(run.frames) - 16))
        self.assertTrue(run.frames.endswith(b"\tWARN\ttwo\nlines\n"))
        self.assertEqual(run.stdout, "")

    def test_large_payloads_pass_both_ways(self):
        payload = "x" * (6 * 1024 * 1024 - 2)
        self.assertEqual(self.run_function("exports.handler = async (e) => e;", [Event(payload)]).response, payload)

    def test_streaming_handlers_answer_all_they_wrote(self):
        source = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const response = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
  response.write('a'); response.write({ b: 1 }); response.end();
});
exports.failing = awslambda.streamifyResponse(async () => { throw new Error('mid') });
exports.plain = awslambda.streamifyResponse(() => {});
exports.unfinished = awslambda.streamifyResponse(async (event, stream) => { stream.write('x') });
"""
        for major in (20, 24):
            run = self.run_function(source, major=major)
            self.assertEqual(run.posts[0].body, b'{"statusCode":201}' + bytes(8) + b'a{"b":1}')
            self.assertEqual(run.posts[0].headers["Content-Type"],
                             "application/vnd.awslambda.http-integration-response")
            self.assertEqual(self.run_function(source, handler="index.failing", major=major).error["errorMessage"], "mid")
            self.assertEqual(self.run_function(source, handler="index.plain", major=major).error["errorMessage"],
                             "Streaming does not support non-async handlers.")
        (post,) = self.run_function(source, handler="index.unfinished").posts
        self.assertEqual(post.body, b"x")
        error = json.loads(base64.b64decode(post.headers["Lambda-Runtime-Function-Error-Body"]))
        self.assertEqual(error["errorMessage"], "Response stream is not finished.")


if __name__ == "__main__":
    unittest.main()
