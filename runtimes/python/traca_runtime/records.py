"""The root handler of `logging`: records in the text or JSON format."""

import json
import logging
import time

from .logs import JSON_TIME_FORMAT, Current

TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
TEXT_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"

# Attributes of every log record; what else a record carries came from `extra` and is part of the JSON format.
_RECORD_ATTRIBUTES = frozenset(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created "
    "msecs relativeCreated thread threadName processName process aws_request_id tenant_id".split()
)

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


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


def install(sink, is_json, level):
    """Gives the root logger its handler, which writes to a sink, and its level, if that is one."""
    logging.Formatter.converter = time.gmtime
    handler = _Handler(sink, levelled=is_json or bool(level))
    handler.setFormatter(JsonFormatter() if is_json else logging.Formatter(TEXT_FORMAT, TEXT_TIME_FORMAT))
    handler.addFilter(_InvocationFilter())
    root = logging.getLogger()
    if level in logging._nameToLevel:
        root.setLevel(level)
    root.addHandler(handler)
