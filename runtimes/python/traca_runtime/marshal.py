"""JSON in and out of a handler, with the extras Lambda allows in a result: decimals, named tuples and byte strings."""

import json
import math
import os
import sys

from .errors import Fault

# Since Python 3.12 the runtime writes characters as they are, before it escaped all but ASCII.
_PLAIN_UNICODE_SINCE = (3, 12)

_PLAIN_SCALARS = (str, int, float, bool, type(None))

# Levels of containers looked through before a value counts as unusual; a circular one would have no end.
_PLAIN_DEPTH_MAX = 64


def _writes_plain_unicode():
    """The function's runtime decides, even when another version of Python stands in for it."""
    declared = os.environ.get("AWS_EXECUTION_ENV", "").partition("AWS_Lambda_python")[2]
    major, _, minor = declared.partition(".")
    if major.isdigit() and minor.isdigit():
        return (int(major), int(minor)) >= _PLAIN_UNICODE_SINCE
    return sys.version_info >= _PLAIN_UNICODE_SINCE


_encode_plain = json.JSONEncoder(ensure_ascii=not _writes_plain_unicode()).encode


def from_json(body):
    """Parses an event."""
    try:
        return json.loads(body)
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from None


def to_json(value):
    """Writes a value as JSON text. Raises TypeError or ValueError when it has no JSON form."""
    return _encode_plain(value) if _is_plain(value, 0) else _encode_any(value, set())


def to_ascii_json(value):
    """Writes a plain value as JSON text that fits a header."""
    return json.dumps(value)


def to_response(value):
    """The body and content type of a handler's result: bytes are answered as they are."""
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        return to_json(value).encode("utf-8"), "application/json"
    except Exception as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from None


def _is_plain(value, depth):
    """Whether the standard encoder writes this value as Lambda would. It is by far the fastest."""
    kind = type(value)
    if kind in _PLAIN_SCALARS:
        return True
    if depth > _PLAIN_DEPTH_MAX:
        return False
    if kind is dict:
        for key in value:
            if type(key) is not str:
                return False
        items = value.values()
    elif kind is list or kind is tuple:
        items = value
    else:
        return False
    for item in items:
        if type(item) not in _PLAIN_SCALARS and not _is_plain(item, depth + 1):
            return False
    return True


def _encode_any(value, enclosing):
    """Writes any value; `enclosing` holds the identities of the containers around it."""
    if isinstance(value, _PLAIN_SCALARS):
        return _encode_plain(value)
    if isinstance(value, bytes):
        return _encode_plain(value.decode("utf-8"))
    if callable(getattr(value, "_asdict", None)):
        value = value._asdict()
    if not isinstance(value, (dict, list, tuple)):
        return _encode_decimal(value)
    if id(value) in enclosing:
        raise ValueError("Circular reference detected")
    enclosing.add(id(value))
    if isinstance(value, dict):
        members = ["%s: %s" % (_encode_key(key), _encode_any(item, enclosing)) for key, item in value.items()]
        text = "{%s}" % ", ".join(members)
    else:
        text = "[%s]" % ", ".join([_encode_any(item, enclosing) for item in value])
    enclosing.discard(id(value))
    return text


def _encode_decimal(value):
    from decimal import Decimal

    if not isinstance(value, Decimal):
        raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)
    return _encode_plain(math.nan) if value.is_nan() else str(value)


def _encode_key(key):
    if isinstance(key, bytes):
        key = key.decode("utf-8")
    if isinstance(key, str):
        return _encode_plain(key)
    if not isinstance(key, _PLAIN_SCALARS):
        raise TypeError("keys must be str, int, float, bool or None, not %s" % type(key).__name__)
    return '"%s"' % _encode_plain(key)
