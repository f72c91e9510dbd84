"""Write one answer as HTTP/1.1 bytes; sans-io, and the only place that frames what the server sends.

h11 could do it, at three times the price: the server's budget is a few microseconds for each chunk of a
stream. What leaves here is checked by the same rules and read back by h11 in the tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from http import HTTPStatus

from headroom.errors import OurError
from headroom.http.gate import Rejection

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus if status >= 200
}
# Of the control characters only those that end a line for some reader are refused: a provider's field is
# relayed as it came.
_FIELDS = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [^\x00\n\v\f\r]*\r\n)*")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_OURS = frozenset((b"connection", b"transfer-encoding", b"keep-alive", b"upgrade"))
"""Fields of the connection, which is ours to manage and not the application's."""


class Reply:
    """The answer to one request, in the order: start, then body until `more` is false."""

    __slots__ = ("_chunked", "_http10", "_left", "closes", "complete", "silent", "started")

    def __init__(self, method: str, http10: bool) -> None:
        self.silent = method == "HEAD"
        """No body is sent, whatever the application has to say."""
        self._http10 = http10
        self._chunked = False
        self._left: int | None = None
        self.started = False
        self.complete = False
        self.closes = http10
        """No other answer can follow on this connection."""

    @property
    def looks_whole(self) -> bool:
        """Whether this answer, left unfinished, would pass for a finished one when the connection is closed."""
        return self.started and not self.complete and not self._chunked and self._left is None

    @property
    def expects_body(self) -> bool:
        """Whether a known length is still to come, so that the head may wait a moment and leave with it."""
        return self._left is not None and self._left > 0

    def start(self, status: int, fields: Iterable[tuple[bytes, bytes]], close: bool) -> bytes:
        """The head. Raises OurError if it could be read in another way than it was meant."""
        if self.started:
            raise OurError("the answer was started twice")
        kept, length = [], None
        for name, value in fields:
            lower = name.lower()
            if lower == b"content-length":
                if not _LENGTH.fullmatch(value) or length not in (None, value):
                    raise OurError("the length of the answer is invalid")
                if length is not None:
                    continue
                length = value
            elif lower in _OURS:
                if lower == b"upgrade":
                    kept.append((name, value))
                close = close or (lower == b"connection" and b"close" in value.lower())
                continue
            kept.append((name, value))
        self.closes = self.closes or close
        kept += self._framing(status, length)
        block = b"".join([b"%b: %b\r\n" % (name, value.strip(b" \t")) for name, value in kept])
        if not _FIELDS.fullmatch(block) or block.count(b"\r\n") != len(kept):
            raise OurError("a header field of the answer is invalid")
        self.started = True
        return _status_line(status) + block + b"\r\n"

    def _framing(self, status: int, length: bytes | None) -> list[tuple[bytes, bytes]]:
        added = []
        if self.silent or status in (204, 304):
            self.silent = True
        elif length is not None:
            self._left = int(length)
        elif self._http10:
            pass  # its end is the end of the connection
        else:
            self._chunked = True
            added.append((b"transfer-encoding", b"chunked"))
        if self.closes:
            added.append((b"connection", b"close"))
        return added

    def body(self, data: bytes, more: bool) -> bytes:
        """What to send for the next part of the body. Raises OurError where it contradicts the head."""
        if not self.started or self.complete:
            raise OurError("a body outside its answer")
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0 or (self._left and not more):
                raise OurError("the body of the answer is not as long as announced")
        self.complete = not more
        if self.silent:
            return b""
        if not self._chunked:
            return data
        framed = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return framed if more else framed + b"0\r\n\r\n"


def _status_line(status: int) -> bytes:
    line = _STATUS_LINES.get(status)
    if line is None:
        if not 200 <= status <= 999:
            raise OurError(f"{status} is not the status of an answer")
        line = b"HTTP/1.1 %d \r\n" % status
    return line


def refusal(why: Rejection) -> bytes:
    """The whole answer to what is not a request; its body is an error in the shapes of all providers at once."""
    kind = "invalid_request_error" if why.status < 500 else "api_error"
    error = {"message": f"headroom: {why.reason}", "type": kind, "param": None, "code": why.status}
    body = json.dumps({"type": "error", "error": error}).encode()
    head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    return _status_line(why.status) + head + body
