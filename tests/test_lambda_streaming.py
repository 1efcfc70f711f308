"""Answers that are read while the function still writes them."""

import json
import subprocess
import time

import pytest

from support.clients import refused
from support.functions import NODE
from support.packages import program

# Writes "first", waits until the test has read it and put a file into S3, then writes the rest.
WAITS = """
const { S3Client, HeadObjectCommand } = require('@aws-sdk/client-s3');
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType('text/plain');
  stream.write('first');
  const s3 = new S3Client({ forcePathStyle: true });
  for (;;) {
    try {
      await s3.send(new HeadObjectCommand({ Bucket: event.bucket, Key: event.key }));
      break;
    } catch { await new Promise((resolve) => setTimeout(resolve, 20)); }
  }
  stream.write('second');
  stream.end();
});
"""


def stream(client, name, event=None, **settings):
    response = client.invoke_with_response_stream(
        FunctionName=name, Payload=json.dumps(event).encode(), **settings)
    return response, iter(response["EventStream"])


def collect(events):
    data, end = b"", None
    for event in events:
        if "PayloadChunk" in event:
            data += event["PayloadChunk"]["Payload"]
        else:
            end = event["InvokeComplete"]
    return data, end


def test_the_first_bytes_arrive_while_the_function_runs(aws, functions):
    function = functions.create(WAITS, NODE, Timeout=120, MemorySize=512)
    s3, bucket = aws("s3"), f"signals-{aws.account}"
    s3.create_bucket(Bucket=bucket)
    response, events = stream(aws("lambda"), function.name, {"bucket": bucket, "key": "go"}, LogType="Tail")
    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    assert next(events) == {"PayloadChunk": {"Payload": b"first"}}
    # The function is still waiting for this.
    s3.put_object(Bucket=bucket, Key="go", Body=b"")
    data, end = collect(events)
    assert data == b"second" and set(end) == {"LogResult"}


def test_an_invocation_outlives_a_reader_that_goes_away(aws, functions):
    code = WAITS.replace("stream.end();", """
      const { PutObjectCommand } = require('@aws-sdk/client-s3');
      await s3.send(new PutObjectCommand({ Bucket: event.bucket, Key: 'done', Body: '' }));
      stream.end();""")
    function = functions.create(code, NODE, Timeout=120, MemorySize=512)
    s3, bucket = aws("s3"), f"signals-{aws.account}"
    s3.create_bucket(Bucket=bucket)
    response, events = stream(aws("lambda"), function.name, {"bucket": bucket, "key": "go"})
    assert next(events) == {"PayloadChunk": {"Payload": b"first"}}
    response["EventStream"].close()
    s3.put_object(Bucket=bucket, Key="go", Body=b"")
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key="done", WaiterConfig={"Delay": 1, "MaxAttempts": 120})


FORMS = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event.fail === 'before') throw new TypeError('too early');
  if (event.http) {
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-own': 'yes' } });
  }
  if (event.empty) { stream.end(); return; }
  stream.write('one');
  stream.write({ two: 2 });
  stream.write(Buffer.from([0, 255]));
  if (event.fail === 'within') throw new RangeError('too late');
  stream.end();
});
"""


def test_what_streaming_handlers_write(aws, functions):
    client, function = aws("lambda"), functions.create(FORMS, NODE)
    response, events = stream(client, function.name, {})
    # The media type of the event stream itself, as on AWS: clients read it from the header that says so.
    assert response["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert collect(events) == (b'one{"two":2}\x00\xff', {})
    data, _ = collect(stream(client, function.name, {"http": True})[1])
    head, body = data.split(bytes(8), 1)
    assert json.loads(head) == {"statusCode": 201, "headers": {"x-own": "yes"}} and body == b'one{"two":2}\x00\xff'
    assert collect(stream(client, function.name, {"empty": True})[1]) == (b"", {})
    # The plain operation gets it in one piece.
    assert function.invoke({}).body == b'one{"two":2}\x00\xff'


def test_failures_are_told_at_the_end_of_the_stream(aws, functions):
    client, function = aws("lambda"), functions.create(FORMS, NODE)
    data, end = collect(stream(client, function.name, {"fail": "before"})[1])
    assert data == b"" and end["ErrorCode"] == "Unhandled"
    assert json.loads(end["ErrorDetails"])["errorMessage"] == "too early"
    data, end = collect(stream(client, function.name, {"fail": "within"})[1])
    assert data == b'one{"two":2}\x00\xff' and end["ErrorCode"] == "Unhandled"
    details = json.loads(end["ErrorDetails"])
    assert (details["errorType"], details["errorMessage"]) == ("RangeError", "too late")
    # The environment goes on.
    assert collect(stream(client, function.name, {})[1])[1] == {}

    slow = functions.create("""
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('begun');
  await new Promise((resolve) => setTimeout(resolve, 60000));
});
""", NODE, Timeout=2)
    data, end = collect(stream(client, slow.name)[1])
    assert data == b"begun" and "Task timed out after 2.00 seconds" in end["ErrorDetails"]


def test_functions_that_do_not_stream_answer_in_one_piece(aws, functions):
    client, function = aws("lambda"), functions.create("def handler(event, context):\n    return event['x']\n")
    data, end = collect(stream(client, function.name, {"x": [1]}, LogType="Tail")[1])
    assert data == b"[1]" and "LogResult" in end
    data, end = collect(stream(client, function.name, {})[1])
    assert data == b"" and json.loads(end["ErrorDetails"])["errorType"] == "KeyError"
    refusal = refused(client.invoke_with_response_stream, FunctionName="none")
    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")
    assert client.invoke_with_response_stream(
        FunctionName=function.name, InvocationType="DryRun")["StatusCode"] == 204


def test_custom_runtimes_stream_with_trailers(aws, functions):
    bootstrap = r"""#!/usr/bin/env python3
import http.client, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = api.getresponse()
    event, request_id = answer.read(), answer.headers["Lambda-Runtime-Aws-Request-Id"]
    api.putrequest("POST", f"/2018-06-01/runtime/invocation/{request_id}/response")
    api.putheader("Content-Type", "text/event-stream")
    api.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    api.putheader("Transfer-Encoding", "chunked")
    api.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    api.endheaders()
    for _ in range(3):
        api.send(b"4\r\ntick\r\n")
    trailers = b""
    if b"fail" in event:
        # {"errorMessage":"broken"}
        trailers = (b"Lambda-Runtime-Function-Error-Type: Own.Error\r\n"
                    b"Lambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJicm9rZW4ifQ==\r\n")
    api.send(b"0\r\n" + trailers + b"\r\n")
    assert api.getresponse().read()
"""
    function = functions.create({"bootstrap": program(bootstrap)}, "provided.al2023")
    assert collect(stream(aws("lambda"), function.name, "fine")[1]) == (b"tick" * 3, {})
    data, end = collect(stream(aws("lambda"), function.name, "fail")[1])
    assert data == b"tick" * 3 and json.loads(end["ErrorDetails"]) == {"errorMessage": "broken"}


def test_large_answers_pass_and_what_is_beyond_6_mb_takes_its_time(aws, functions):
    function = functions.create("""
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const piece = Buffer.alloc(1024 * 1024, 'x');
  for (let count = 0; count < event.megabytes; count++) {
    if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end();
});
""", NODE, Timeout=60)
    started = time.monotonic()
    data, end = collect(stream(aws("lambda"), function.name, {"megabytes": 10})[1])
    assert len(data) == 10 * 1024 * 1024 and end == {}
    # 4 MB beyond the first 6 at 2 MB a second: never faster, whatever the machine.
    assert time.monotonic() - started >= 1.9


def test_the_javascript_sdk_reads_streams(platform, aws, functions):
    function = functions.create(FORMS, NODE)
    script = """
const { LambdaClient, InvokeWithResponseStreamCommand } = require('@aws-sdk/client-lambda');
(async () => {
  const [endpoint, key, name] = process.argv.slice(1);
  const client = new LambdaClient({ endpoint, region: 'us-east-1',
    credentials: { accessKeyId: key, secretAccessKey: 'x' } });
  const answer = await client.send(new InvokeWithResponseStreamCommand({ FunctionName: name, Payload: '{}' }));
  let text = '';
  for await (const event of answer.EventStream) {
    if (event.PayloadChunk) text += Buffer.from(event.PayloadChunk.Payload).toString('latin1');
    if (event.InvokeComplete) text += ' complete';
  }
  console.log(JSON.stringify(text));
})();
"""
    run = subprocess.run(
        ["node", "-e", script, platform.endpoint, aws.account, function.name],
        capture_output=True, text=True, timeout=120)
    if "Cannot find module" in run.stderr:
        pytest.fail(run.stderr)
    assert json.loads(run.stdout) == 'one{"two":2}\x00\xff complete', run.stderr
