"""Watches answers as they pass: what the provider says of tokens, and whether the answer ended as it should.

The tap is passive. It sees a copy, never holds anything back, and gives up silently on what it cannot read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from headroom.conversation import Json, Usage

WHOLE = 4 << 20
"""Bytes of a JSON answer that are kept to be parsed at its end; of a larger one nothing is read."""

LONGEST = 1 << 20
"""Bytes of one event that may be looked into. Events with usage have a few KB; larger ones carry images."""

_TELLS = re.compile(rb'"usage(?:Metadata)?"\s*:(?:\s|data:)*\{|"error"\s*[:,}]')
"""What an event that is worth parsing has: usage that is not null, an error, or the type "error". Inside the texts of
an answer quotes are escaped, so what a model writes never looks like this. A value may begin on a data line of its own."""

_EOL = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream (WHATWG HTML, server-sent events)."""

    data: bytes
    """The lines of data, joined by LF."""
    name: bytes = b""
    id: bytes = b""


class Events:
    """Splits a stream into events, however it is cut. Comments and unknown fields are dropped."""

    __slots__ = ("_after_cr", "_begun", "_data", "_held", "_id", "_name")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        """Pieces of a line whose end has not come."""
        self._after_cr = self._begun = False
        self._data: list[bytes] = []
        self._name = self._id = b""

    def feed(self, data: bytes) -> list[Event]:
        if self._after_cr and data[:1] == b"\n":  # the second half of a CRLF
            data = data[1:]
            self._after_cr = False
        if not data:
            return []
        self._after_cr = data[-1:] == b"\r"
        *lines, rest = _EOL.split(data)
        if lines:
            lines[0] = b"".join((*self._held, lines[0]))
            self._held.clear()
        if rest:
            self._held.append(rest)
        return [event for line in lines if (event := self._line(line)) is not None]

    def close(self) -> list[Event]:
        """What stands at the end without the blank line that it should have."""
        return self.feed(b"\n") + self.feed(b"\n")

    def _line(self, line: bytes) -> Event | None:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
        elif field == b"id":
            self._id = value
        return None

    def _dispatch(self) -> Event | None:
        event = Event(b"\n".join(self._data), self._name, self._id) if self._data else None
        self._data.clear()
        self._name = b""
        return event


def merge(earlier: Usage, later: Usage) -> Usage:
    """Later figures of a stream are totals, not increments: each replaces the one before."""
    return Usage(
        earlier.input_tokens if later.input_tokens is None else later.input_tokens,
        earlier.output_tokens if later.output_tokens is None else later.output_tokens,
        earlier.cache_read_tokens if later.cache_read_tokens is None else later.cache_read_tokens,
        earlier.cache_write_tokens if later.cache_write_tokens is None else later.cache_write_tokens,
        cache_write_long_tokens=earlier.cache_write_long_tokens if later.cache_write_long_tokens is None else later.cache_write_long_tokens,
    )


class Tap:
    """Feed it an answer's decoded bytes, an event stream or one JSON text; `usage` is the dialect's."""

    __slots__ = ("_lost", "_pending", "_seam", "_size", "_stream", "_usage", "error", "usage")

    def __init__(self, usage: Callable[[Json], Usage | None]) -> None:
        self._usage = usage
        self._stream: bool | None = None
        """None until the first byte that is not white space."""
        self._pending: list[bytes] = []
        """Pieces of an event that is not complete, or of the whole JSON text."""
        self._size = 0
        """Bytes of `_pending`, also of those dropped."""
        self._lost = False
        """`_pending` became too large; its pieces were dropped."""
        self._seam = b""
        """The last three bytes of `_pending`, in which a boundary may have begun."""
        self.usage = Usage()
        self.error = ""
        """The provider's own word for what went wrong, as in "overloaded_error"."""

    @property
    def ended(self) -> bool:
        """Whether the answer so far ends where an answer may end: a stream behind an event."""
        return not self._stream or not self._size

    def feed(self, chunk: bytes) -> None:
        if self._stream:
            # Almost every chunk of a stream is whole events with nothing for us in them.
            if self._size or not chunk.endswith(b"\n\n") or b'"usage' in chunk or b'"error"' in chunk:
                self._event_bytes(chunk)
        elif self._stream is None:
            self._begin(chunk)
        else:
            self._keep(chunk, WHOLE)

    def close(self) -> Usage:
        """All that was said of tokens. May be called more than once."""
        pending, self._pending = self._pending, []
        if pending and self._stream:
            self._read_events(b"".join(pending))
        elif pending:
            self._read_json(b"".join(pending))
        return self.usage

    def _begin(self, chunk: bytes) -> None:
        text = chunk.lstrip()
        if text:
            self._stream = text[:1] not in b"{["
            self.feed(chunk)

    def _keep(self, chunk: bytes, limit: int) -> None:
        self._size += len(chunk)
        if self._size > limit:
            self._lost = True
            self._pending.clear()
        elif chunk:
            self._pending.append(chunk)

    def _event_bytes(self, chunk: bytes) -> None:
        end = _boundary(self._seam + chunk) - len(self._seam)
        if end <= 0:
            self._seam = (self._seam + chunk)[-3:]
            self._keep(chunk, LONGEST)
            return
        self._keep(chunk[:end], LONGEST + len(chunk))
        text, lost = b"".join(self._pending), self._lost
        rest = chunk[end:]
        self._pending.clear()
        self._size, self._lost, self._seam = 0, False, rest[-3:]
        if not lost:
            self._read_events(text)
        self._keep(rest, LONGEST)

    def _read_events(self, text: bytes) -> None:
        if not _TELLS.search(text):
            return
        events = Events()
        for event in events.feed(text) + events.close():
            if _TELLS.search(event.data):
                self._read_json(event.data)

    def _read_json(self, text: bytes) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return
        # Gemini's other form of a stream is one array of messages.
        for item in message if isinstance(message, list) else [message]:
            self.usage = merge(self.usage, self._usage(item) or Usage())
            self.error = self.error or _error(item)


def _boundary(text: bytes) -> int:
    """Where the last complete event ends; 0 if there is none."""
    return max((at + len(mark) for mark in (b"\n\n", b"\n\r\n", b"\r\r") if (at := text.rfind(mark)) >= 0), default=0)


def _error(message: Json) -> str:
    if not isinstance(message, dict):
        return ""
    response = message.get("response")
    for holder in (message, response if isinstance(response, dict) else {}):
        found = holder.get("error")
        if isinstance(found, dict):
            return next((str(found[key]) for key in ("type", "status", "code") if found.get(key)), "error")
        if found:
            return "error"
    return str(message.get("code") or "error") if message.get("type") == "error" else ""
