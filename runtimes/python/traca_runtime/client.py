"""A client of the Lambda Runtime API over one kept-alive connection.

It speaks HTTP itself, on the interpreter's own socket type, because importing the standard client costs more than a
whole cold start, and the `socket` module, most of which is constants, a tenth of one.
"""

import _socket

API_PREFIX = b"/2018-06-01/runtime"

# Bytes asked of the socket at a time.
RECEIVE_BYTES = 64 * 1024

# Bytes. The platform's answers carry a handful of short headers; anything longer is not the Runtime API.
HEAD_BYTES_MAX = 1024 * 1024

# Bytes. A cause longer than this is not sent: servers bound the size of all headers together.
TRACE_CAUSE_BYTES_MAX = 32 * 1024

# Bytes. Up to this size a body is copied behind its head, so that both leave in one segment.
JOINED_BODY_BYTES_MAX = 64 * 1024


class RuntimeApiError(Exception):
    """The Runtime API did something that is not in its contract."""


class Invocation:
    """One event, with the headers that describe it."""

    __slots__ = ("headers", "body")

    def __init__(self, headers, body):
        self.headers = headers
        self.body = body

    def header(self, name):
        """The value of a header, by its lower-case name, or None."""
        return self.headers.get(name)


class RuntimeClient:
    """The three requests of the Runtime API a runtime makes."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self._socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        self._socket.connect((host, int(port)))
        self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._after_path = b" HTTP/1.1\r\nHost: %b\r\n" % address.encode("ascii")
        self._next_request = b"GET %b/invocation/next%b\r\n" % (API_PREFIX, self._after_path)
        self._received = b""
        self._asked = False

    def next_invocation(self):
        """Waits for the next event."""
        if not self._asked:
            self._socket.sendall(self._next_request)
        self._asked = False
        status, headers, body = self._receive()
        if status != 200:
            raise RuntimeApiError("Failed to get next invocation: the Runtime API answered %d: %r" % (status, body))
        return Invocation(headers, body)

    def post_response(self, request_id, body, content_type):
        """Posts a result. The platform's refusal of it, as of one too large, is the platform's to report."""
        fields = b"Content-Type: %b\r\n" % content_type.encode("ascii")
        self._post(b"/invocation/%b/response" % request_id.encode("utf-8"), fields, body, self._next_request)

    def post_error(self, request_id, error_type, document, trace_cause):
        """Posts the error an invocation ended with; all arguments are text, the documents JSON in ASCII."""
        fields = _error_fields(error_type)
        if trace_cause and len(trace_cause) <= TRACE_CAUSE_BYTES_MAX:
            fields += b"Lambda-Runtime-Function-XRay-Error-Cause: %b\r\n" % trace_cause.encode("ascii")
        path = b"/invocation/%b/error" % request_id.encode("utf-8")
        self._post(path, fields, document.encode("utf-8"), self._next_request)

    def post_init_error(self, error_type, document):
        """Posts the error that kept the function from starting."""
        self._post(b"/init/error", _error_fields(error_type), document.encode("utf-8"))

    def close(self):
        """Hangs up. A function's connection lasts as long as its process; a rehearsal's does not."""
        self._socket.close()

    def _post(self, path, fields, body, follow_up=b""):
        """Posts a body. The request for the next event goes out behind it at once, which saves a system call and the
        platform a wake-up; it is answered after the post is.
        """
        head = b"POST %b%b%b%bContent-Length: %d\r\n\r\n" % (API_PREFIX, path, self._after_path, fields, len(body))
        if len(body) <= JOINED_BODY_BYTES_MAX:
            self._socket.sendall(head + body + follow_up)
        else:
            self._socket.sendall(head)
            self._socket.sendall(body)
            self._socket.sendall(follow_up)
        self._asked = bool(follow_up)
        self._receive()

    def _receive(self):
        data = self._received
        end = data.find(b"\r\n\r\n")
        while end < 0:
            if len(data) > HEAD_BYTES_MAX:
                raise RuntimeApiError("oversized response head")
            data += self._receive_some()
            end = data.find(b"\r\n\r\n")
        status, headers = _parse_head(data[:end])
        body_start = end + 4
        body_end = body_start + _content_length(headers)
        if len(data) < body_end:
            data += self._receive_exactly(body_end - len(data))
        self._received = data[body_end:]
        return status, headers, data[body_start:body_end]

    def _receive_some(self):
        chunk = self._socket.recv(RECEIVE_BYTES)
        if not chunk:
            raise RuntimeApiError("connection closed")
        return chunk

    def _receive_exactly(self, length):
        buffer = bytearray(length)
        view = memoryview(buffer)
        while view:
            count = self._socket.recv_into(view)
            if not count:
                raise RuntimeApiError("connection closed")
            view = view[count:]
        return bytes(buffer)


def _error_fields(error_type):
    safe_type = "".join(char if " " <= char <= "~" else "?" for char in error_type)
    return b"Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: %b\r\n" % safe_type.encode("ascii")


def _parse_head(head):
    lines = head.decode("utf-8", "replace").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(lines[0].split(" ", 2)[1]), headers


def _content_length(headers):
    length = headers.get("content-length", "0")
    if not length.isdigit() or "transfer-encoding" in headers:
        raise RuntimeApiError("unframed response")
    return int(length)
