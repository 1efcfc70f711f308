"""The invocation loop."""

import os
import sys

from . import errors, handler, logs, marshal
from .client import RuntimeClient
from .context import LambdaContext

# What Lambda writes before the report of an error that kept a function from starting.
INIT_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. However, in rare "
    "cases, a Lambda runtime update can cause unexpected function behavior. For functions using managed runtimes, "
    "runtime updates can be triggered by a function change, or can be applied automatically. To determine if the "
    "runtime has been updated, check the runtime version in the INIT_START log entry. If this error correlates with a "
    "change in the runtime version, you may be able to mitigate this error by temporarily rolling back to the previous "
    "runtime version. For more information, see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r"
)


def run(handler_name, api_address):
    """Loads the handler, then serves invocations for ever. Ends the process when the handler cannot be loaded."""
    client = RuntimeClient(api_address)
    log = logs.set_up()
    function = _initialise(client, log, handler_name)
    while True:
        invocation = client.next_invocation()
        _export(invocation)
        _handle(client, log, function, invocation)


def _initialise(client, log, handler_name):
    try:
        return handler.load(handler_name)
    except errors.Fault as fault:
        document, _ = errors.of_fault(fault)
    except Exception as exception:
        document, _ = errors.of_exception(exception)
    import logging

    logging.warning(INIT_WARNING)
    log.error(document)
    client.post_init_error(document["errorType"], marshal.to_json(document))
    sys.exit(1)


def _export(invocation):
    """Makes the invocation known to the log formatters and to tracing libraries."""
    logs.Current.request_id = invocation.header("lambda-runtime-aws-request-id")
    logs.Current.tenant_id = invocation.header("lambda-runtime-aws-tenant-id")
    trace = invocation.header("lambda-runtime-trace-id")
    if trace != logs.Current.trace:
        logs.Current.trace = trace
        if trace is None:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        else:
            os.environ["_X_AMZN_TRACE_ID"] = trace


def _handle(client, log, function, invocation):
    request_id = invocation.header("lambda-runtime-aws-request-id")
    try:
        context = LambdaContext(invocation)
        event = marshal.from_json(invocation.body)
        body, content_type = marshal.to_response(function(event, context))
    except errors.Fault as fault:
        document, cause = errors.of_fault(fault, request_id)
    except Exception as exception:
        document, cause = errors.of_exception(exception, request_id)
    else:
        client.post_response(request_id, body, content_type)
        return
    log.error(document)
    client.post_error(request_id, document["errorType"], marshal.to_json(document), marshal.to_ascii_json(cause))
