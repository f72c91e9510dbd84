"""Splits a stream of server-sent events into events, byte for byte, and writes one.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

import json
import re
import zlib
from array import array
from collections.abc import Iterator
from itertools import accumulate

from headroom.conversation import Json
from headroom.dialects.hidden.json_text import value_of

_LINE_END = rb"(?:\r\n|\n|\r(?=[^\n]))"
"""A CR at the end of what has come so far may be half of a CRLF."""

_BLANK = re.compile(_LINE_END + _LINE_END)
_LINES = re.compile(rb"\r\n|\n|\r")

PACKED = 64 * 1024
"""Bytes that are packed at a time, to about a fifteenth; less packs worse, more is held open by each stream."""

PACKS = 8
"""Times that events are taken to become smaller at most: they are unpacked again where a call of ours is among them."""

DONE = b"[DONE]"
"""What OpenAI's last event carries, and is no JSON."""

_OVERLAP = 4
"""Bytes of a blank line at most, which may have begun in what came before."""


class RawEvents:
    """The events of a stream that comes in pieces."""

    def __init__(self) -> None:
        self.size = 0
        """Of `rest`, in bytes."""
        self._pieces: list[bytes] = []
        self._tail = b""
        """The last bytes of the pieces, in which a blank line may have begun."""

    @property
    def rest(self) -> bytes:
        """What stands behind the last whole event."""
        return b"".join(self._pieces)

    def close(self) -> tuple[bytes, bytes]:
        """The last event, which some readers take without its blank line, or what is none: cut off in the middle it is nobody's."""
        rest = self.rest
        data = data_of(rest)
        return (rest, b"") if data.strip() == DONE or value_of(data) is not None else (b"", rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The events that are whole now, each with the blank line behind it."""
        seam = self._tail + data
        plain = b"\r" not in seam  # as nearly all streams are; to split them so takes half the time
        if not (b"\n\n" in seam if plain else _BLANK.search(seam)):
            self._pieces.append(data)  # so that an event of many pieces is joined once
            self.size += len(data)
            self._tail = seam[-_OVERLAP:]
            return []
        text = self.rest + data
        *events, rest = text.split(b"\n\n") if plain else _split(text, max(0, len(text) - len(seam)))
        self._pieces, self._tail, self.size = [rest], rest[-_OVERLAP:], len(rest)
        return [event + b"\n\n" for event in events] if plain else events


class Recording:
    """Events in order, packed: those of a stream are all alike, and an answer may have tens of thousands while a thousand others run."""

    def __init__(self) -> None:
        self._packed: list[tuple[bytes, array[int]]] = []
        """Events, and how long each is."""
        self._open: list[bytes] = []
        self._loose = self._held = self._all = 0

    @property
    def size(self) -> int:
        """Bytes that it takes, about; at least a part of what unpacking it takes."""
        return max(self._held + self._loose, self._all // PACKS)

    def append(self, event: bytes) -> None:
        self._open.append(event)
        self._loose += len(event)
        self._all += len(event)
        if self._loose >= PACKED:
            packed, lengths = zlib.compress(b"".join(self._open), 1), array("I", map(len, self._open))
            self._packed.append((packed, lengths))
            self._held += len(packed) + lengths.itemsize * len(lengths)
            self._open, self._loose = [], 0

    def __iter__(self) -> Iterator[bytes]:
        for packed, lengths in self._packed:
            text, ends = zlib.decompress(packed), accumulate(lengths)
            yield from (text[end - length : end] for length, end in zip(lengths, ends, strict=True))
        yield from self._open


def _split(text: bytes, at: int) -> list[bytes]:
    """The events with the blank lines behind them, of which none is before this place, and the rest."""
    ends = [match.end() for match in _BLANK.finditer(text, at)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def data_of(event: bytes) -> bytes:
    """What an event carries: its data lines, joined."""
    return b"\n".join(line[5:].removeprefix(b" ") for line in _LINES.split(event) if line.startswith(b"data:"))


def event_of(name: bytes, data: Json) -> bytes:
    """An event as providers write them; without a name only its data."""
    try:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        text = json.dumps(data, separators=(",", ":")).encode()
    return (b"event: %s\n" % name if name else b"") + b"data: %s\n\n" % text
