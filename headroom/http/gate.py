"""Let only unambiguous HTTP/1.1 requests through to the parser.

h11 alone keeps a connection alive after Content-Length met Transfer-Encoding, takes a bare LF for a line
end, joins folded lines, and checks neither Host nor target nor the size of chunk lines and trailers: all
of them ways to make two parsers in a row see different requests. This gate stands in front of it, reads
the raw bytes by the strict reading of RFC 9112, and hands the same bytes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from headroom.http.limits import Limits


class Phase(Enum):
    """What the next byte will belong to."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why nothing more is read from this client, and the status that tells it so."""

    status: int
    reason: str


class _Refused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        self.rejection = Rejection(status, reason)


_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE = rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([01])\r\n"
# A value is everything but control characters; it cannot hold the CR that ends it, so a match is linear.
_FIELD = _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\r\n"
_HEAD = re.compile(_LINE + rb"(?:" + _FIELD + rb")*\r\n")
_REQUEST_LINE = re.compile(_LINE)
_OTHER_VERSION = re.compile(_TOKEN + rb" [\x21-\x7e]+ HTTP/[0-9]\.[0-9]\r\n")
_TRAILER = re.compile(_FIELD)
_FRAMING = re.compile(rb"\r\n(host|content-length|transfer-encoding|connection):([^\r]*)", re.IGNORECASE)
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+;=]*)(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"https?://[^/?#@\s]+", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,18}")  # 19 digits may not fit 64 bits
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_EXTENSION = rb"[ \t]*;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?"
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})((?:" + _EXTENSION + rb")*)\r\n")
_TORN = re.compile(rb"\r(?!\n)|(?<!\r)\n|\x00")
_STARTS = re.compile(_TOKEN)
_EMPTY_LINES = 8  # RFC 9112 §2.2: ignore at least one before a request line; old clients sent one after a body


class Gate:
    """One connection's worth of requests. Sans-io: bytes in, bytes out."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._step: Callable[[bytes, int, list[bytes]], int] = self._head
        self._rest = b""
        self._scanned = 0
        self._left = 0
        self._total = 0
        self._last = False
        self.defect: Rejection | None = None
        """Set at the first defect; what came before it has been handed on and deserves its answer."""
        self.closed = False
        """The client announced that nothing follows; whatever does is ignored."""

    @property
    def phase(self) -> Phase:
        if self._step != self._head:
            return Phase.BODY
        return Phase.HEAD if self._rest else Phase.IDLE

    def feed(self, data: bytes) -> list[bytes]:
        """The bytes that may go on to the parser; no piece holds parts of two requests."""
        out: list[bytes] = []
        if self.defect is not None:
            return out
        if self._rest:
            data, self._rest = self._rest + data, b""
        at = 0
        try:
            while at < len(data) and not self.closed:
                at = self._step(data, at, out)
        except _Refused as refused:
            self.defect = refused.rejection
        return out

    def _keep(self, data: bytes, at: int) -> int:
        """Wait for the rest of what begins at `at`, if anything does."""
        self._rest = data[at:]
        return len(data)

    def _end(self) -> None:
        self._step, self._total, self._scanned = self._head, 0, 0
        self.closed = self._last

    def _head(self, data: bytes, at: int, out: list[bytes]) -> int:
        if not self._scanned:
            for _ in range(_EMPTY_LINES):
                if not data.startswith(b"\r\n", at):
                    break
                at += 2
        end = data.find(b"\r\n\r\n", at + max(self._scanned - 3, 0)) + 4
        if end < 4:
            return self._partial(data, at)
        if end - at > self._limits.max_head:
            raise _Refused(431, "the request head is too large")
        if data.count(b"\r\n", at, end) > self._limits.max_fields + 2:
            raise _Refused(431, "too many header fields")
        match = _HEAD.fullmatch(data, at, end)
        if match is None:
            raise _Refused(*_flaw(data[at:end]))
        _check_line(match[1], match[2], self._limits)
        self._frame(data[at:end], match[3] == b"1")
        if self._step == self._length:
            # A body that came with its head travels with it: no copy where the segment is one request.
            return self._length(data, at, out, end)
        out.append(data[at:end])
        return end

    def _partial(self, data: bytes, at: int) -> int:
        """Judge an incomplete head by what is there: a client that waits for an answer to it must get one."""
        torn = _TORN.search(data, at + max(self._scanned - 1, 0))
        if torn and not (torn[0] == b"\r" and torn.end() == len(data)):
            raise _Refused(400, "a bare CR, a bare LF or a NUL")
        if len(data) - at > self._limits.max_head:
            line_ended = data.find(b"\r\n", at) >= 0
            raise _Refused(*((431, "the request head is too large") if line_ended else (414, "the request line is too long")))
        if at < len(data) and data[at:] != b"\r" and not _STARTS.match(data, at):
            raise _Refused(400, "this is not HTTP")
        if data[at:] != b"\r":  # which may still turn out to be an empty line to ignore
            self._scanned = len(data) - at
        return self._keep(data, at)

    def _frame(self, head: bytes, persistent: bool) -> None:
        """Find where the body ends; refuse whatever two readers could understand in two ways."""
        found: dict[bytes, bytes] = {}
        for match in _FRAMING.finditer(head):
            name, value = match[1].lower(), match[2].strip(b" \t")
            if name == b"connection":
                value = found.get(name, b"") + b"," + value.lower()
            elif name in found:
                raise _Refused(400, f"two {name.decode()} fields")
            found[name] = value
        host, length, coding = found.get(b"host"), found.get(b"content-length"), found.get(b"transfer-encoding")
        if host is None and persistent:
            raise _Refused(400, "no Host field")
        if host is not None and not _HOST.fullmatch(host):
            raise _Refused(400, "the Host field is invalid")
        self._last = _closes(found.get(b"connection", b""), persistent)
        self._scanned = 0
        if coding is not None:
            if length is not None or not persistent:
                raise _Refused(400, "Transfer-Encoding beside Content-Length, or in HTTP/1.0")
            if coding.lower() != b"chunked":
                raise _Refused(501, "the only transfer coding is chunked")
            self._step = self._chunks
        elif length is not None:
            if not _LENGTH.fullmatch(length):
                raise _Refused(400, "the Content-Length field is invalid")
            self._left = self._counted(int(length))
            self._step = self._length
        else:
            self._end()

    def _counted(self, size: int) -> int:
        self._total += size
        if self._total > self._limits.max_body:
            raise _Refused(413, "the body is too large")
        return size

    def _length(self, data: bytes, at: int, out: list[bytes], begin: int | None = None) -> int:
        """A body of known length, from `begin` on; what stands before it goes along."""
        begin = at if begin is None else begin
        end = min(begin + self._left, len(data))
        self._left -= end - begin
        out.append(data[at:end])
        if not self._left:
            self._end()
        return end

    def _chunks(self, data: bytes, at: int, out: list[bytes]) -> int:
        """Chunks pass as they are, but for their extensions; `_left` counts the CR LF after the data too."""
        start = at
        while at < len(data):
            if self._left > 2:
                step = min(self._left - 2, len(data) - at)
                self._left -= step
                at += step
            elif self._left:
                if data[at] != b"\n\r"[self._left - 1]:
                    raise _Refused(400, "a chunk is longer than its size")
                self._left -= 1
                at += 1
            else:
                end = self._line(data, at, self._limits.max_chunk_line)
                if not end:
                    break
                match = _CHUNK.fullmatch(data, at, end)
                if match is None:
                    raise _Refused(400, "the size of a chunk is invalid")
                size = self._counted(int(match[1], 16))
                if match[2] or not size:
                    out.append(data[start:at] + match[1] + b"\r\n")
                    start = end
                at = end
                if not size:
                    self._step = self._trailer
                    return at
                self._left = size + 2
        if at > start:
            out.append(data[start:at])
        return self._keep(data, at)

    def _trailer(self, data: bytes, at: int, out: list[bytes]) -> int:
        """Trailers are checked and dropped: merged into the fields they could forge a Host or a credential."""
        end = self._line(data, at, self._limits.max_trailers - self._scanned)
        if not end:
            return self._keep(data, at)
        if data[at:end] == b"\r\n":
            out.append(b"\r\n")
            self._end()
        elif _TRAILER.fullmatch(data, at, end):
            self._scanned += end - at
        else:
            raise _Refused(400, "a trailer field is invalid")
        return end

    def _line(self, data: bytes, at: int, limit: int) -> int:
        """Where the line that begins at `at` ends, 0 if that is not known yet."""
        end = data.find(b"\n", at, at + limit + 2) + 1
        line = data[at:end] if end else data[at : at + limit + 2]
        torn = _TORN.search(line)
        if torn and not (torn[0] == b"\r" and torn.end() == len(line)):
            raise _Refused(400, "a bare CR, a bare LF or a NUL")
        if not end and len(line) > limit:
            raise _Refused(400, "a line of the body's framing is too long")
        return end


def _flaw(head: bytes) -> tuple[int, str]:
    line = _REQUEST_LINE.match(head)
    if line is None:
        if _OTHER_VERSION.match(head):
            return 505, "only HTTP/1.0 and HTTP/1.1 are spoken here"
        return 400, "the request line is invalid"
    return 400, "a header field is invalid"


def _check_line(method: bytes, target: bytes, limits: Limits) -> None:
    if len(method) > limits.max_method:
        raise _Refused(501, "the method is unknown")
    if method in (b"CONNECT", b"TRACE"):
        raise _Refused(501, f"{method.decode()} is not served here")
    if len(target) > limits.max_target:
        raise _Refused(414, "the request target is too long")
    if not (target.startswith(b"/") or _ABSOLUTE.match(target) or (target == b"*" and method == b"OPTIONS")):
        raise _Refused(400, "the request target is invalid")


def _closes(connection: bytes, persistent: bool) -> bool:
    """HTTP/1.0 always ends with its answer: keep-alive there was never specified well enough to be safe."""
    return not persistent or b"close" in [token.strip() for token in connection.split(b",")]
