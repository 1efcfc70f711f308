"""Being started ahead of need: the runtime loads and rehearses what every function needs, then waits to be told whose it
is. Nothing of what happens before may be seen by the function.
"""

import _socket
import gc
import json
import logging
import os
import sys
import time

from . import context, handler, loop, marshal, records, sdk
from .client import RuntimeClient

# Bytes of the longest message that tells a process what it becomes; the platform sends no longer one.
CALLING_BYTES_MAX = 128 * 1024

# Invocations rehearsed: caches and specialised code settle after a few.
REHEARSALS = 4

_EVENT = b'{"key": "value", "number": 1, "list": [1, 2, 3]}'
_EVENT_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
    b"Lambda-Runtime-Deadline-Ms: 1542409706888\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:rehearsal\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_EVENT), _EVENT)
)
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"

_PRELOAD_VARIABLE = "_TRACA_PRELOAD"

# Compiled in the rehearsal, as a function's code will be: packages rarely bring bytecode.
_SOURCE = b'''
import json

class Answer(dict):
    "Some of everything."
    def __init__(self, *values, **named):
        super().__init__(**named)
        self.values = [value for value in values if value is not None]

def handler(event, context):
    try:
        return {"statusCode": 200, "body": json.dumps({**event, "id": f"{context.aws_request_id!s}"})}
    except (KeyError, ValueError) as error:
        raise RuntimeError("message") from error
'''

# What nearly every function loads, besides what the loop needs.
_LOADED = (logging, loop, records)


def park(descriptor):
    """Returns once this process has been told what it becomes, and is that."""
    sdk.rehearse([name for name in os.environ.pop(_PRELOAD_VARIABLE, "").split(",") if name])
    _rehearse()
    gc.collect()
    gc.freeze()
    _become(_wait(descriptor))


def _rehearse():
    """Goes through the invocations of a function that answers its event, against an API in this process."""
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    client = RuntimeClient("127.0.0.1:%d" % listener.getsockname()[1])
    connection, _ = listener._accept()
    connection = _socket.socket(fileno=connection)
    function = handler.load("%s.rehearsal.handler" % __package__)
    connection.send(_EVENT_ANSWER)
    for _ in range(REHEARSALS):
        invocation = client.next_invocation()
        rehearsed = context.LambdaContext(invocation)
        repr(rehearsed)
        body, content_type = marshal.to_response(function(marshal.from_json(invocation.body), rehearsed))
        connection.send(_ACCEPTED + _EVENT_ANSWER)
        client.post_response(rehearsed.aws_request_id, body, content_type)
    compile(_SOURCE, "rehearsal", "exec", dont_inherit=True)
    for each in (client, connection, listener):
        each.close()
    context.forget()
    del sys.modules["%s.rehearsal" % __package__]


def _wait(descriptor):
    os.write(descriptor, b'"Parked"')
    message = os.read(descriptor, CALLING_BYTES_MAX)
    if not message:
        # Not needed any more.
        os._exit(0)
    os.close(descriptor)
    return json.loads(message)


def _become(told):
    variables = dict(told["env"])
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    zone = os.environ.get("TZ")
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    if os.environ.get("TZ") != zone:
        time.tzset()
    sdk.leave(told["env"])
    os.chdir(os.environ.get("LAMBDA_TASK_ROOT", "/var/task"))
