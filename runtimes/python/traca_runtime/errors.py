"""The forms in which an error leaves the function: the document posted to the Runtime API and the cause for tracing."""

import os

_PACKAGE_DIRECTORY = os.path.dirname(os.path.abspath(__file__))


class Fault(Exception):
    """An error the runtime itself raises; `error_type` is what callers see as `errorType`."""

    def __init__(self, error_type, message, trace=None):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace or []


def document(message, error_type, trace, request_id=None):
    """The error document; field order as on Lambda."""
    return {
        "errorMessage": message or "",
        "errorType": error_type or "",
        "requestId": request_id if request_id is not None else "",
        "stackTrace": trace or [],
    }


def of_fault(fault, request_id=None):
    """The document and trace cause of an error the runtime raised."""
    error = document(fault.message, fault.error_type, fault.trace, request_id)
    return error, _trace_cause("LambdaValidationError", fault.message, [])


def of_exception(exception, request_id=None):
    """The document and trace cause of an error user code raised. The runtime's own frames are left out."""
    import traceback

    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in
              traceback.extract_tb(exception.__traceback__)]
    first = 0
    while first < len(frames) and _is_runtime_frame(frames[first]):
        first += 1
    frames = frames[first if first < len(frames) else 0:]
    name = type(exception).__name__
    error = document(str(exception), name, traceback.format_list(frames), request_id)
    return error, _trace_cause(name, str(exception), frames)


def _is_runtime_frame(frame):
    return os.path.dirname(frame[0]) == _PACKAGE_DIRECTORY or frame[0].endswith("/bootstrap.py")


def _trace_cause(error_type, message, frames):
    return {
        "working_directory": os.getcwd(),
        "exceptions": [
            {
                "message": message,
                "type": error_type,
                "stack": [{"label": label, "path": path, "line": line} for path, line, label, _ in frames],
            }
        ],
        "paths": list({frame[0] for frame in frames}),
    }
