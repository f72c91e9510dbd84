"""Hears answers of Anthropic Messages: keeps back the blocks of our tool, and makes one answer of several.

A stream numbers its blocks, and says at its close why it stops and what it cost.
"""

from __future__ import annotations

from collections.abc import Sequence

from headroom.dialects.anthropic import Anthropic
from headroom.dialects.hidden.anthropic_answer import (
    INPUT,
    OUTPUT,
    Object,
    composed,
    content_of,
    heard,
    merged,
    message_of,
    ours,
    told,
    visible,
)
from headroom.dialects.hidden.base import NAME, Round, Told
from headroom.dialects.hidden.events import RawEvents, Recording, data_of, event_of
from headroom.dialects.hidden.json_text import value_of, written
from headroom.dialects.shapes import mapping, text_of

HELD_MOST = 8 << 20
"""Bytes of one answer remembered at most: the longest answers (128 k tokens) are about 5 MB, events included."""

_NAMED = NAME.encode()


class StreamEar:
    """For server-sent events. Until something of ours is heard no event is parsed."""

    def __init__(self) -> None:
        self._past: list[Object] = []
        self._shown = 0
        """Blocks of earlier rounds that the client was shown."""
        self._gone = self._moved = False
        self._begin()

    def _begin(self) -> None:
        self._raw = RawEvents()
        self._heard = Recording()
        """All events of this round, as they came."""
        self._answer: Object | None = None
        """What they come to, once it was asked for."""
        self._hidden: set[int] = set()
        self._held: list[bytes] = []
        """Those that are not the client's, or not yet."""
        self._close: Object = {}
        self._behind: list[bytes] = []
        self._ended = False
        self._tail = b""

    def feed(self, data: bytes) -> bytes:
        if self._gone or not data:
            return b"" if self._moved else data
        if self._ended:
            self._next()
        out = b"".join(map(self._event, self._raw.feed(data)))
        if self._heard.size + self._raw.size <= HELD_MOST:
            return out
        spilt = b"".join((*self._held, self._raw.rest))
        self._gone, self._raw = True, RawEvents()
        self._past, self._heard, self._held, self._behind = [], Recording(), [], []
        # Where blocks have other numbers than they came with, what comes now cannot go on as it does.
        return out + (Anthropic().broken("the answer is too long to be put together") if self._moved else spilt)

    def end(self) -> Round:
        if self._gone or self._ended:  # a second end is that of an answer without a byte
            return Round()
        self._ended = True
        last, rest = self._raw.close()
        self._tail = self._event(last) if last else b"" if self._past or self._hidden else rest
        # Its close is held only if it closes something of ours; without one the answer broke off.
        return heard(self._message()) if self._close else Round()

    def finish(self) -> bytes:
        if self._gone or not self._close:
            return self._tail
        return b"".join((self._closed(self._close), *self._behind))

    def told(self) -> Told:
        return Told() if self._gone else told([*self._past, self._message()])

    def _next(self) -> None:
        """The round before was answered, and its close is not the client's."""
        message = self._message()
        self._past.append(message)
        self._moved = True
        self._shown += len(visible(content_of(message)))
        self._begin()

    def _event(self, event: bytes) -> bytes:
        self._heard.append(event)
        self._answer = None
        if not self._hidden and not self._past and _NAMED not in event:
            return event
        return self._sifted(event, mapping(value_of(data_of(event))))

    def _sifted(self, event: bytes, message: Object) -> bytes:
        kind, index = message.get("type"), message.get("index")
        if kind == "content_block_start" and isinstance(index, int) and ours(message.get("content_block")):
            self._hidden.add(index)
        if isinstance(index, int) and index in self._hidden:
            return self._hold(event)
        if self._close:
            self._behind.append(self._renumbered(event, message))
            return self._hold(event)
        if kind == "message_start" and self._past:
            return b""
        if kind == "message_delta" and mapping(message.get("delta")).get("stop_reason"):
            if self._hidden:
                self._close = message
                return self._hold(event)
            if self._past:
                return self._closed(message)
        return self._renumbered(event, message)

    def _hold(self, event: bytes) -> bytes:
        self._held.append(event)
        return b""

    def _closed(self, event: Object) -> bytes:
        whole = composed(self._message(), self._past)
        close = {**event, "delta": {**mapping(event.get("delta")), "stop_reason": whole.get("stop_reason")}}
        if self._past:
            # Clients know only the input of the first round, which they were told at its start.
            usage = mapping(whole.get("usage"))
            said = {name: usage[name] for name in (*INPUT, *OUTPUT, *mapping(event.get("usage"))) if name in usage}
            close["usage"] = merged(event.get("usage"), said)
        return event_of(b"message_delta", close)

    def _renumbered(self, event: bytes, message: Object) -> bytes:
        """With the block's number in the client's stream: as many less as are hidden before it."""
        index = message.get("index")
        if not isinstance(index, int):
            return event
        number = self._shown + index - sum(hidden < index for hidden in self._hidden)
        if number == index:
            return event
        self._moved = True
        return event_of(text_of(message.get("type")).encode(), {**message, "index": number})

    def _message(self) -> Object:
        if self._answer is None:
            self._answer = message_of(mapping(value_of(data_of(event))) for event in self._heard)
        return self._answer


class Whole:
    """Answers that are one JSON value; see whole.Answers."""

    def heard(self, answer: Object) -> Round:
        return heard(answer)

    def shown(self, answer: Object, past: Sequence[Object]) -> str | None:
        if isinstance(answer.get("content"), list) and (past or any(map(ours, content_of(answer)))):
            return written(composed(answer, past))
        return None

    def told(self, answers: Sequence[Object]) -> Told:
        return told(answers)
