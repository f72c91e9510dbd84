"""Hears answers of OpenAI Responses: keeps back the items of our tool, and makes one answer of several.

A stream names each item when it begins, gives it whole when it is done, and gives all of them again at its close. So the
items that are done are all that must be remembered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Round, Told
from headroom.dialects.hidden.events import RawEvents, data_of, event_of
from headroom.dialects.hidden.json_text import value_of, written
from headroom.dialects.hidden.openai_responses_answer import (
    Past,
    composed,
    heard,
    offers_ours,
    ours,
    output_of,
    told,
    visible,
)
from headroom.dialects.shapes import mapping, text_of, tokens_of

HELD_MOST = 8 << 20
"""Bytes of one answer remembered at most: the longest answers (128 k tokens) are under 1 MB."""

OPENING = frozenset(("response.created", "response.queued", "response.in_progress"))
CLOSING = frozenset(("response.completed", "response.incomplete", "response.failed"))
ITEMS = frozenset(("response.output_item.added", "response.output_item.done"))

_NAMED = NAME.encode()
_DONE = b"response.output_item.done"


class StreamEar:
    """For server-sent events. Until something of ours is heard no event is parsed."""

    def __init__(self) -> None:
        self._raw = RawEvents()
        self._past: list[Past] = []
        self._sequence = 0
        self._gone = self._ended = False
        self._tail = b""
        self._size = 0
        self._begin()

    def _begin(self) -> None:
        self._done: list[bytes] = []
        self._hidden: set[int] = set()
        self._held: list[bytes] = []
        self._behind: list[bytes] = []
        self._dropped = 0
        self._close: Mapping[str, Json] = {}

    def feed(self, data: bytes) -> bytes:
        if self._gone or not data:
            return data
        if self._ended:
            self._next()
        out = b"".join(map(self._event, self._raw.feed(data)))
        if self._size + self._raw.size <= HELD_MOST:
            return out
        self._gone = True
        return b"".join((out, *self._held, *self._behind, self._raw.rest))

    def end(self) -> Round:
        if self._gone or self._ended:  # a second end is that of an answer without a byte
            return Round()
        self._ended = True
        last, rest = self._raw.close()
        self._tail = self._event(last) if last else b"" if self._past or self._hidden else rest
        # Its close is held only if it closes something of ours; without one the answer broke off.
        return heard(self._items(), mapping(self._close.get("response"))) if self._close else Round()

    def finish(self) -> bytes:
        if self._gone or not self._close:
            return self._tail
        return b"".join((self._tail, self._closed(self._close), *self._behind))

    def told(self) -> Told:
        return Told() if self._gone else told([*self._shown(), *visible(self._items())])

    def _next(self) -> None:
        """The round before was answered, and its close is not the client's."""
        items, response = self._items(), mapping(self._close.get("response"))
        self._past.append(Past(visible(items), response))
        self._sequence += (tokens_of(self._close.get("sequence_number")) or 0) - self._dropped
        self._raw, self._ended, self._tail = RawEvents(), False, b""
        self._begin()

    def _event(self, event: bytes) -> bytes:
        if _DONE in event:
            self._done.append(event)
            self._size += len(event)
        if not self._hidden and not self._past and _NAMED not in event:
            return event
        return self._heard(event, mapping(value_of(data_of(event))))

    def _heard(self, event: bytes, message: Mapping[str, Json]) -> bytes:
        kind, index = text_of(message.get("type")), message.get("output_index")
        if kind in ITEMS and ours(message.get("item")) and isinstance(index, int):
            self._hidden.add(index)
        if self._close:
            return self._keep(self._behind, event)
        if isinstance(index, int) and index in self._hidden:
            self._dropped += "sequence_number" in message
            return self._keep(self._held, event)
        if kind in OPENING and self._past:
            self._dropped += "sequence_number" in message
            return b""
        if kind in CLOSING and self._hidden:
            self._close = message
            return self._keep([], event)
        if kind in CLOSING and self._past:
            return self._closed(message)
        return self._renumbered(event, message)

    def _keep(self, where: list[bytes], event: bytes) -> bytes:
        where.append(event)
        self._size += len(event)
        return b""

    def _closed(self, message: Mapping[str, Json]) -> bytes:
        response = composed(mapping(message.get("response")), self._past)
        return event_of(text_of(message.get("type")).encode(), {**self._moved(message), "response": response})

    def _renumbered(self, event: bytes, message: Mapping[str, Json]) -> bytes:
        moved = self._moved(message)
        if offers_ours(moved.get("response")):
            moved["response"] = composed(mapping(moved["response"]), ())
        return event if moved == message else event_of(text_of(message.get("type")).encode(), moved)

    def _moved(self, message: Mapping[str, Json]) -> dict[str, Json]:
        """With the numbers it has in the client's stream: as many items less as are hidden before it."""
        moved = dict(message)
        index, sequence = message.get("output_index"), message.get("sequence_number")
        if isinstance(index, int):
            moved["output_index"] = len(self._shown()) + index - sum(hidden < index for hidden in self._hidden)
        if isinstance(sequence, int):
            moved["sequence_number"] = self._sequence + sequence - self._dropped
        return moved

    def _shown(self) -> list[Json]:
        return [item for past in self._past for item in past.items]

    def _items(self) -> list[Json]:
        """This round's, in their order. Some providers close without them, none ends an item without it."""
        found: dict[int, Json] = {}
        for event in self._done:
            message = mapping(value_of(data_of(event)))
            index = message.get("output_index")
            if message.get("type") == "response.output_item.done" and isinstance(index, int):
                found[index] = message.get("item")
        return [found[index] for index in sorted(found)]


class Whole:
    """Answers that are one JSON value; see whole.Answers."""

    def heard(self, answer: Mapping[str, Json]) -> Round:
        items = output_of(answer)
        return heard(items, answer) if any(map(ours, items)) else Round()

    def shown(self, answer: Mapping[str, Json], past: Sequence[Mapping[str, Json]]) -> str | None:
        if isinstance(answer.get("output"), list) and (past or offers_ours(answer) or any(map(ours, output_of(answer)))):
            return written(composed(answer, [Past(visible(output_of(each)), each) for each in past]))
        return None

    def told(self, answers: Sequence[Mapping[str, Json]]) -> Told:
        return told([item for answer in answers for item in visible(output_of(answer))])
