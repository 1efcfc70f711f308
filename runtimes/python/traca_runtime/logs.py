"""Lambda's logging set-up: a root handler that writes the text or JSON format to standard output or, when the platform
offers one, to the framed telemetry descriptor."""

import json
import logging
import os
import sys
import time

TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
TEXT_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"
JSON_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

# Indentation is shown with these, because the log viewer trims ordinary spaces.
NO_BREAK_SPACE = "\u00a0"

FRAME_TYPE_JSON = 0xA55A0002
FRAME_TYPE_TEXT = 0xA55A0003

# The bits a frame's type gains by level; a level between two counts as the lower.
_FRAME_LEVEL_BITS = {
    logging.NOTSET: 0,
    logging.DEBUG: 0x08,
    logging.INFO: 0x0C,
    logging.WARNING: 0x10,
    logging.ERROR: 0x14,
    logging.CRITICAL: 0x18,
}

# Attributes of every log record; what else a record carries came from `extra` and is part of the JSON format.
_RECORD_ATTRIBUTES = frozenset(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created "
    "msecs relativeCreated thread threadName processName process aws_request_id tenant_id".split()
)

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


class Current:
    """Which invocation is under way, for the formatters, and the trace the environment names."""

    request_id = None
    tenant_id = None
    trace = os.environ.get("_X_AMZN_TRACE_ID")


class StandardSink:
    """Writes to standard output, where a record ends at a line feed: inside one, lines end with a carriage return."""

    def log(self, message, _level=logging.NOTSET):
        """Writes a formatted record."""
        sys.stdout.write(message)

    def log_error(self, lines):
        """Writes the lines of an error report as one record."""
        sys.stdout.write("\r".join(lines) + "\n")


class FramedSink:
    """Writes frames of type, length, time in microseconds and message, all big-endian."""

    def __init__(self, descriptor, is_json):
        self._file = os.fdopen(descriptor, "wb", 0)
        self._type = FRAME_TYPE_JSON if is_json else FRAME_TYPE_TEXT

    def log(self, message, level=None):
        """Writes a formatted record; without a level, as a text record of none."""
        kind = FRAME_TYPE_TEXT if level is None else self._type | _FRAME_LEVEL_BITS[level]
        data = message.encode("utf-8")
        head = kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + (time.time_ns() // 1000).to_bytes(8, "big")
        self._file.write(head + data)

    def log_error(self, lines):
        """Writes the lines of an error report as one record."""
        self.log("\n".join(lines), logging.ERROR)


class _Handler(logging.Handler):
    def __init__(self, log_sink, levelled):
        super().__init__()
        self.log_sink = log_sink
        self._levelled = levelled

    def emit(self, record):
        message = self.format(record)
        if self._levelled:
            self.log_sink.log(message, _level_of(record))
        else:
            self.log_sink.log(message)


class _InvocationFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = Current.request_id or ""
        record.tenant_id = Current.tenant_id
        return True


class JsonFormatter(logging.Formatter):
    """One JSON document a record; members without a value are left out."""

    def __init__(self):
        super().__init__(datefmt=JSON_TIME_FORMAT)

    def format(self, record):
        """Formats a record."""
        record.levelno = _level_of(record)
        record.levelname = logging.getLevelName(record.levelno)
        fields = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage(),
            "logger": record.name,
        }
        fields.update(_exception_fields(record))
        fields["requestId"] = getattr(record, "aws_request_id", None)
        if record.exc_info:
            fields["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
        if getattr(record, "tenant_id", None) is not None:
            fields["tenantId"] = record.tenant_id
        for name, value in record.__dict__.items():
            if name not in _RECORD_ATTRIBUTES:
                fields.setdefault(name, value)
        return _encode({name: value for name, value in fields.items() if value is not None}) + "\n"


def _exception_fields(record):
    if not record.exc_info:
        return {}
    import traceback

    error_type, error, trace = record.exc_info
    return {
        "stackTrace": traceback.format_tb(trace),
        "errorType": error_type.__name__ if error_type else None,
        "errorMessage": str(error),
    }


def _level_of(record):
    return min(logging.CRITICAL, max(logging.NOTSET, record.levelno)) // 10 * 10


class Log:
    """Where the runtime reports errors: the function's log, in the function's format."""

    def __init__(self, sink, is_json):
        self._sink = sink
        self._is_json = is_json

    def error(self, document):
        """Writes an error document."""
        if self._is_json:
            from .marshal import to_json

            timestamp = time.strftime(JSON_TIME_FORMAT, time.gmtime())
            self._sink.log_error([to_json({"timestamp": timestamp, "level": "ERROR", **document})])
        else:
            self._sink.log_error(_report_lines(document))


def _report_lines(document):
    title = "[ERROR]"
    if document["errorType"]:
        title += " " + document["errorType"]
    if document["errorMessage"]:
        title += (": " if document["errorType"] else " ") + document["errorMessage"]
    lines = [title, "Traceback (most recent call last):"]
    for element in document["stackTrace"]:
        for line in element.splitlines() or [""]:
            text = line.lstrip(" ")
            lines.append(NO_BREAK_SPACE * (len(line) - len(text)) + text)
    return lines


def set_up():
    """Installs the root handler and returns the runtime's own log."""
    is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level
    descriptor = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    sink = StandardSink() if descriptor is None else FramedSink(int(descriptor), is_json)

    logging.Formatter.converter = time.gmtime
    handler = _Handler(sink, levelled=is_json or bool(level))
    handler.setFormatter(JsonFormatter() if is_json else logging.Formatter(TEXT_FORMAT, TEXT_TIME_FORMAT))
    handler.addFilter(_InvocationFilter())
    root = logging.getLogger()
    if level in logging._nameToLevel:
        root.setLevel(level)
    root.addHandler(handler)
    return Log(sink, is_json)
