"""The `context` a handler receives. Class and attribute names are public: functions print and inspect them."""

import functools
import json
import os
import sys
import time

from .errors import Fault

# The trace-context fields a caller may pass on; everything else under `w3c` is dropped.
W3C_FIELDS = ("traceparent", "tracestate", "baggage")


def _describe(instance, fields):
    pairs = ",".join("%s=%s" % (field, getattr(instance, field)) for field in fields)
    return "%s([%s])" % (type(instance).__name__, pairs)


class _Record:
    """An object with the fields named in `__slots__`, each taken from a dictionary or None."""

    __slots__ = ()

    @classmethod
    def from_dictionary(cls, fields):
        """Builds the record; None stays None."""
        if fields is None:
            return None
        record = cls()
        for name in cls.__slots__:
            setattr(record, name, fields.get(name))
        return record

    def __repr__(self):
        return _describe(self, self.__slots__)


class CognitoIdentity(_Record):
    """Who called, when a mobile application did."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(_Record):
    """The mobile application that called."""

    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Record):
    """What a caller passed in the X-Amz-Client-Context header."""

    __slots__ = ("custom", "env", "client")


class LambdaContext:
    """Describes one invocation, the function and its environment."""

    _SHOWN = (
        "aws_request_id",
        "log_group_name",
        "log_stream_name",
        "function_name",
        "memory_limit_in_mb",
        "function_version",
        "invoked_function_arn",
        "client_context",
        "identity",
        "tenant_id",
    )

    def __init__(self, invocation):
        header = invocation.headers.get
        self.aws_request_id = header("lambda-runtime-aws-request-id")
        self.invoked_function_arn = header("lambda-runtime-invoked-function-arn")
        self.tenant_id = header("lambda-runtime-aws-tenant-id")
        self.__dict__.update(_environment_fields())

        client_context = _parse_header(header("lambda-runtime-client-context"), "Client Context")
        self._w3c_fields = _take_w3c_fields(client_context)
        self.client_context = ClientContext.from_dictionary(client_context)
        if self.client_context is not None:
            self.client_context.client = Client.from_dictionary(self.client_context.client)

        identity = _parse_header(header("lambda-runtime-cognito-identity"), "Cognito Identity") or {}
        self.identity = CognitoIdentity()
        self.identity.cognito_identity_id = identity.get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = identity.get("cognitoIdentityPoolId")

        self._epoch_deadline_time_in_ms = int(header("lambda-runtime-deadline-ms") or 0)

    def get_remaining_time_in_millis(self):
        """Milliseconds until the invocation times out; never negative."""
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self):
        """The W3C trace context the caller passed."""
        return dict(self._w3c_fields)

    def log(self, msg):
        """Writes to the function's log, with nothing added."""
        import logging

        for handler in logging.getLogger().handlers:
            if hasattr(handler, "log_sink"):
                handler.log_sink.log(str(msg))
                return
        sys.stdout.write(str(msg))

    def __repr__(self):
        return _describe(self, self._SHOWN)


@functools.lru_cache(maxsize=1)
def _environment_fields():
    """What is the same for every invocation of this environment. Read once: each variable costs a microsecond."""
    return {
        "log_group_name": os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"),
        "log_stream_name": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME"),
        "function_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
        "memory_limit_in_mb": os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        "function_version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
    }


def forget():
    """Has the environment read again, which has changed."""
    _environment_fields.cache_clear()


def _parse_header(text, name):
    if not text:
        return None
    try:
        return json.loads(text)
    except Exception as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (name, error)) from None


def _take_w3c_fields(client_context):
    """Removes the trace context from the client context and returns its known fields."""
    if not isinstance(client_context, dict):
        return {}
    fields = client_context.pop("w3c", None)
    if not isinstance(fields, dict):
        return {}
    return {name: fields[name] for name in W3C_FIELDS if isinstance(fields.get(name), str)}
