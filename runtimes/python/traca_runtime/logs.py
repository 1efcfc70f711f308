"""Lambda's logging set-up: the function's log is standard output or, when the platform offers one, the framed telemetry
descriptor. The `logging` module gets its root handler when it is loaded, because loading it takes as long as all else
that a start does, and many functions do without.
"""

import os
import sys
import time

JSON_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

# Indentation is shown with these, because the log viewer trims ordinary spaces.
NO_BREAK_SPACE = "\u00a0"

FRAME_TYPE_JSON = 0xA55A0002
FRAME_TYPE_TEXT = 0xA55A0003

# The bits a frame's type gains by the level of `logging`; a level between two counts as the lower.
_FRAME_LEVEL_BITS = {0: 0, 10: 0x08, 20: 0x0C, 30: 0x10, 40: 0x14, 50: 0x18}
_ERROR = 40


class Current:
    """Which invocation is under way, for the formatters, and the trace the environment names."""

    request_id = None
    tenant_id = None
    trace = os.environ.get("_X_AMZN_TRACE_ID")


class StandardSink:
    """Writes to standard output, where a record ends at a line feed: inside one, lines end with a carriage return."""

    def log(self, message, _level=0):
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
        self.log("\n".join(lines), _ERROR)


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
    """Has the root handler installed when there is `logging`, and returns the runtime's own log."""
    is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level
    descriptor = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    sink = StandardSink() if descriptor is None else FramedSink(int(descriptor), is_json)

    def install():
        from . import records

        records.install(sink, is_json, level)

    if "logging" in sys.modules:
        install()
    else:
        sys.meta_path.insert(0, _WhenLoaded("logging", install))
    return Log(sink, is_json)


class _WhenLoaded:
    """Does something as soon as a module is loaded; finds and loads it as it would have been."""

    def __init__(self, name, then):
        self._name = name
        self._then = then
        self._loader = None

    def find_spec(self, name, path=None, target=None):
        """Finds the one module, with this in place of its loader."""
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                self._loader = spec.loader
                spec.loader = self
                return spec
        return None

    def create_module(self, spec):
        """Creates the module."""
        return self._loader.create_module(spec)

    def exec_module(self, module):
        """Loads the module; nothing of this is left in it."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._then()
