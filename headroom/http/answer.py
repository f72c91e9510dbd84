"""Reads the head of one answer, strictly, and decides where its body ends.

One grammar for the whole head, because laxity is how two programs on one connection come to disagree about where an
answer ends. h11 would not do here: it joins obs-fold, takes bare LF and `HTTP/5.6`, makes one Content-Length of
`5, 5`, prefers Transfer-Encoding to a Content-Length beside it, and costs more than the rest of an exchange. The tests
hold its reading against ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from headroom.errors import Garbled
from headroom.http.framing import FIELD, Chunked, Counted, Framing, UntilClose
from headroom.http.message import Fields

MAX_HEAD = 128 * 1024
"""Bytes of status line and fields, more than any provider sends (real ones have 1 to 4 KB)."""

MAX_INFORMATIONAL = 32
"""Answers with status 1xx before the real one; real servers send one or two."""

_HEAD = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:" + FIELD + rb"\r\n)*\r\n")
_FIELD = re.compile(rb"([^:\r\n]+):([^\r\n]*)\r\n")
_BARE = re.compile(rb"\r(?!\n|\Z)|(?<!\r)\n")
_LENGTH = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    fields: Fields
    body: Framing
    keep: bool
    """The peer is willing to answer another request on this connection."""
    rest: bytes
    """What was received behind the head."""


class AnswerReader:
    """Feed it what was received until it gives a Head."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._buffer = bytearray()
        self._seen = 0
        self._informational = 0
        self._at_start = True

    @property
    def started(self) -> bool:
        """Bytes have come that are not yet a whole head."""
        return bool(self._buffer)

    @property
    def silent(self) -> bool:
        """Not one byte has come."""
        return self._at_start and not self._buffer

    def feed(self, data: bytes) -> Head | None:
        buffer = self._buffer
        buffer += data
        if self._at_start and not self._skip_empty_line():
            return None  # half of one
        while (end := buffer.find(b"\r\n\r\n", max(0, self._seen - 3), MAX_HEAD)) >= 0:
            head = bytes(buffer[: end + 4])
            del buffer[: end + 4]
            self._seen = 0
            if (read := self._read(head)) is not None:
                return read
        self._judge_beginning()
        return None

    def _skip_empty_line(self) -> bool:
        """One is allowed before the first status line: old CGI scripts send it, and on an idle connection, where it
        could be the tail of something else, it would have been noticed. False: not enough has come to tell."""
        if not self._buffer or self._buffer == b"\r":
            return False
        self._at_start = False
        if self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        return True

    def _read(self, head: bytes) -> Head | None:
        match = _HEAD.fullmatch(head)
        if match is None:
            raise Garbled("the upstream's answer has a malformed head")
        status = int(match[1])
        if status >= 200:
            return self._final(status, head)
        self._informational += 1
        if status == 101:
            raise Garbled("the upstream switched protocols without being asked")
        if self._informational > MAX_INFORMATIONAL:
            raise Garbled(f"the upstream sent more than {MAX_INFORMATIONAL} informational answers")
        return None

    def _final(self, status: int, head: bytes) -> Head:
        found = _FIELD.findall(head, head.index(b"\r\n") + 2)
        fields: Fields = [(name.lower(), value.strip(b" \t")) for name, value in found]
        modern = head.startswith(b"HTTP/1.1")
        body = framing(fields, modern=modern)
        if _bodiless(self._method, status):
            body = Counted(0)
        return Head(status, fields, body, modern and not _closes(fields), bytes(self._buffer))

    def _judge_beginning(self) -> None:
        """Refuse at once what cannot become a head, rather than wait for an end that may never come."""
        buffer = self._buffer
        if len(buffer) > MAX_HEAD:
            raise Garbled(f"the head of the upstream's answer is larger than {MAX_HEAD // 1024} KB")
        if buffer[:7] != b"HTTP/1."[: len(buffer)]:
            raise Garbled("the upstream does not speak HTTP/1.1")
        if _BARE.search(buffer, max(0, self._seen - 1)):
            raise Garbled("the upstream's answer has a malformed head")
        self._seen = len(buffer)


def _bodiless(method: str, status: int) -> bool:
    return method == "HEAD" or status in (204, 304) or (method == "CONNECT" and status < 300)


def framing(fields: Fields, *, modern: bool) -> Framing:
    """RFC 9112 §6.3, with everything ambiguous refused. `modern`: the answer came as HTTP/1.1."""
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    lengths = [value for name, value in fields if name == b"content-length"]
    if codings:
        if lengths or not modern or len(codings) > 1 or codings[0].lower() != b"chunked":
            raise Garbled("the upstream's answer leaves open where its body ends")
        return Chunked()
    if lengths:
        if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
            raise Garbled("the upstream's answer has a malformed Content-Length")
        return Counted(int(lengths[0]))
    return UntilClose()


def _closes(fields: Fields) -> bool:
    """The peer says that it closes. Proxy-Connection is how some old proxies spell it."""
    return any(
        b"close" in [token.strip().lower() for token in value.split(b",")]
        for name, value in fields
        if name in (b"connection", b"proxy-connection")
    )
