"""Where the body of an answer ends: three readers, one for each way RFC 9112 §6.3 knows.

Pure: bytes as they were received go in, the body's bytes come out, whole buffers at a time. They are written by hand
because h11 makes an event of every chunk, which costs more than relaying it, and because its chunk lines are lax.
"""

from __future__ import annotations

import re
from typing import Protocol

from headroom.errors import Garbled

MAX_CHUNK_LINE = 4096
"""Bytes of one chunk-size line with its extensions. Real ones have under 20; FAULTS of other proxies began at 70 KB."""

MAX_TRAILERS = 16 * 1024
"""Bytes of all trailer fields; they are checked and dropped."""

MAX_CHUNK = 2**63 - 1
"""Larger sizes overflow in most other implementations, so two of them would disagree where the body ends."""

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
FIELD = TOKEN + rb":[\t\x20-\x7e\x80-\xff]*"
"""RFC 9112 §5 without obs-fold and RFC 9110 §5.5 without the control characters h11 lets through."""

_SIZE = re.compile(
    rb"([0-9A-Fa-f]{1,16})((?:[ \t]*;[ \t]*" + TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + TOKEN + rb"|" + QUOTED + rb"))?)*)"
)
_TRAILER = re.compile(FIELD)


class Framing(Protocol):
    done: bool
    """The body is complete."""
    surplus: bool
    """Bytes came behind its end: whatever they are, the connection cannot be used again."""

    def feed(self, data: bytes) -> bytes:
        """The body's share of what was received. Raises Garbled."""
        ...

    def eof(self) -> None:
        """The peer has closed. Raises Garbled unless that is how this body ends."""
        ...


class Counted:
    """A body of so many bytes. Zero: no body at all."""

    __slots__ = ("_left", "done", "surplus")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.surplus = False

    def feed(self, data: bytes) -> bytes:
        if len(data) < self._left:
            self._left -= len(data)
            return data
        body = data[: self._left]
        self.surplus = self.surplus or len(data) > self._left
        self._left, self.done = 0, True
        return body

    def eof(self) -> None:
        raise Garbled(f"the upstream closed the connection {self._left} bytes before the end of its answer")


class UntilClose:
    """A body that ends with the connection."""

    __slots__ = ("done", "surplus")

    def __init__(self) -> None:
        self.done = self.surplus = False

    def feed(self, data: bytes) -> bytes:
        return data

    def eof(self) -> None:
        self.done = True


class Chunked:
    """The chunked coding. Extensions and trailers are checked and dropped."""

    __slots__ = ("_between", "_held", "_left", "_trailers", "done", "surplus")

    def __init__(self) -> None:
        self.done = self.surplus = False
        self._left = 0
        """Bytes still to come of the current chunk."""
        self._between = False
        """A chunk's data has ended, its CRLF is due."""
        self._trailers = -1
        """Bytes of trailers seen, -1 before the last chunk."""
        self._held = b""
        """The beginning of a line that is not complete; at most MAX_CHUNK_LINE bytes."""

    def feed(self, data: bytes) -> bytes:
        if self._held:
            data, self._held = self._held + data, b""
        pieces: list[bytes] = []
        at, end = 0, len(data)
        while at < end and not self.done:
            if self._left:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._between = not self._left
                continue
            stop = data.find(b"\r\n", at)
            if stop < 0:
                self._hold(data[at:])
                break
            self._line(data[at:stop])
            at = stop + 2
        self.surplus = self.surplus or (self.done and at < end)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def eof(self) -> None:
        raise Garbled("the upstream closed the connection before the last chunk of its answer")

    def _line(self, line: bytes) -> None:
        if self._between:
            if line:
                raise Garbled("a chunk of the answer is longer than it says")
            self._between = False
        elif self._trailers < 0:
            self._left = _size(line)
            if not self._left:
                self._trailers = 0
        elif line:
            self._trailers += len(line) + 2
            if self._trailers > MAX_TRAILERS or not _TRAILER.fullmatch(line):
                raise Garbled("the answer has malformed trailers")
        else:
            self.done = True

    def _hold(self, line: bytes) -> None:
        """Keep the beginning of a line, unless it can be seen already that no good end will make it right."""
        if b"\n" in line or b"\r" in line[:-1] or len(line) > MAX_CHUNK_LINE or (self._between and line != b"\r"):
            raise Garbled("the answer has a malformed chunk")
        self._held = line


def _size(line: bytes) -> int:
    match = _SIZE.fullmatch(line)
    if match is None or len(line) > MAX_CHUNK_LINE:
        raise Garbled("the answer has a malformed chunk size")
    size = int(match[1], 16)
    if size > MAX_CHUNK:
        raise Garbled("the answer has an impossible chunk size")
    return size
