"""Hears answers of Gemini: keeps back the calls of our tool, and makes one answer of several.

A stream has no blocks and no numbers: each chunk is an answer of its own whose parts go on those before. The last one
says why it ends; token usage stands in all of them, as totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Round, Told
from headroom.dialects.hidden.events import RawEvents, Recording, data_of, event_of
from headroom.dialects.hidden.gemini_parts import (
    Part,
    asks,
    call_of,
    candidate,
    joined,
    others,
    ours,
    parts_of,
    summed,
    tangled,
    text_shown,
    with_parts,
)
from headroom.dialects.hidden.json_text import value_of, written
from headroom.dialects.shapes import mapping, text_of

HELD_MOST = 8 << 20
"""Bytes of one answer remembered at most: the longest answers (64 k tokens) are under 1 MB."""

KEPT = ("responseId", "modelVersion", "createTime")
"""What names an answer: as the client was told in the first round."""

NOTHING: Part = {"text": ""}
"""The part of an answer that says no more; the provider's own last chunk is often such. SDKs refuse to have none."""

_NAMED = NAME.encode()
_ARRAY = b"["
"""How an answer begins that is streamed without alt=sse: as one array of chunks. None of it is kept waiting."""
_WHOLE = (_ARRAY, b"{")


@dataclass(frozen=True, slots=True)
class Past:
    """A round that has been answered."""

    parts: tuple[Part, ...]
    """Those the client sees."""
    usage: Part
    named: Part
    """What it was called by."""


class StreamEar:
    """For server-sent events. Until something of ours is heard no event is parsed."""

    def __init__(self) -> None:
        self._past: list[Past] = []
        self._begun = self._gone = False
        self._begin()

    def _begin(self) -> None:
        self._raw = RawEvents()
        self._heard = Recording()
        """All events of this round, as they came."""
        self._hidden = self._closing = self._ended = False
        self._held: list[Part] = []
        self._tail = b""

    def feed(self, data: bytes) -> bytes:
        if self._gone or not data:
            return data
        before = self._next() if self._ended else b""
        if not self._begun and data.strip():
            self._begun, self._gone = True, data.lstrip()[:1] in _WHOLE
            if self._gone:
                return before + self._raw.rest + data
        return b"".join((before, *map(self._event, self._raw.feed(data)), self._spilt()))

    def end(self) -> Round:
        if self._gone or self._ended:  # a second end is that of an answer without a byte
            return Round()
        self._ended = True
        last, rest = self._raw.close()
        self._tail = self._event(last) if last else b"" if self._past or self._hidden else rest
        return _heard(self._messages()) if self._hidden and not self._gone else Round()

    def finish(self) -> bytes:
        return self._tail + b"".join(_shown(self._held))

    def told(self) -> Told:
        return Told() if self._gone else _told([*_shown_before(self._past), *others(_said(self._messages()))])

    def _next(self) -> bytes:
        """The round before was answered, and why it ended is not the client's to know."""
        tail = self._tail
        self._past.append(_past(self._messages()))
        self._begin()
        return tail

    def _event(self, event: bytes) -> bytes:
        if self._gone:
            return event
        self._heard.append(event)
        if not self._hidden and not self._past and _NAMED not in event:
            return event
        message = value_of(data_of(event))
        if not isinstance(message, dict):
            return event
        return self._message(event, message)

    def _message(self, event: bytes, message: Part) -> bytes:
        named = renamed(message, self._past)
        parts = parts_of(message)
        if not self._hidden and any(map(ours, parts)):
            self._hidden = not any(tangled(each) for each in self._messages())
            self._gone = not self._hidden
        if not self._hidden:
            return event if named == message else _event_of(named)
        if tangled(message):
            return self._give_up() + event
        return self._sifted(event, named, parts)

    def _sifted(self, event: bytes, message: Part, parts: Sequence[Part]) -> bytes:
        """A chunk with a call of ours, or behind one."""
        seen = others(parts)
        closes = "finishReason" in candidate(message)
        if self._closing:
            return self._hold(message)
        if not closes and len(seen) == len(parts):
            return event if not self._past else _event_of(message)
        now = [part for part in seen if part != NOTHING]
        self._closing = closes
        self._hold(with_parts(message, [part for part in parts if part not in now], ended=True))
        return _event_of(with_parts(message, now, ended=False)) if now else b""

    def _hold(self, message: Part) -> bytes:
        self._held.append(message)
        return b""

    def _spilt(self) -> bytes:
        """Beyond what we remember, all goes on as it came."""
        if not self._gone and self._heard.size + self._raw.size <= HELD_MOST:
            return b""
        return self._give_up() + self._raw.rest

    def _give_up(self) -> bytes:
        held = b"".join(map(_event_of, self._held))
        self._gone = True
        self._held, self._heard = [], Recording()
        return held

    def _messages(self) -> list[Part]:
        return [mapping(value_of(data_of(event))) for event in self._heard]


class Whole:
    """Answers that are one JSON value; see whole.Answers."""

    def heard(self, answer: Part) -> Round:
        return Round() if tangled(answer) else _heard([answer])

    def shown(self, answer: Part, past: Sequence[Part]) -> str | None:
        parts = parts_of(answer)
        if tangled(answer) or not candidate(answer) or (not past and not any(map(ours, parts))):
            return None
        before = [_past([each]) for each in past]
        seen = [*_shown_before(before), *others(parts)]
        return written(with_parts(renamed(answer, before), joined(seen) or [NOTHING], ended=True))

    def told(self, answers: Sequence[Part]) -> Told:
        return _told([part for each in answers for part in others(parts_of(each))])


def renamed(message: Part, past: Sequence[Past]) -> Part:
    """With the names of the first round and the usage of all."""
    if not past:
        return message
    changed = {**message, **{name: past[0].named[name] for name in KEPT if name in past[0].named and name in message}}
    if "usageMetadata" in message:
        changed["usageMetadata"] = summed(message["usageMetadata"], [each.usage for each in past])
    return changed


def _heard(messages: Sequence[Part]) -> Round:
    """An answer that was cut short or failed asks nothing."""
    parts = joined(_said(messages))
    mine = [mapping(call_of(part)) for part in parts if ours(part)]
    if not mine or not any(candidate(message).get("finishReason") == "STOP" for message in messages):
        return Round()
    said = written({"role": "model", "parts": parts})
    return Round((said,), tuple(Asked(text_of(call.get("id")), call.get("args", {})) for call in mine), not asks(others(parts)))


def _told(parts: Sequence[Part]) -> Told:
    """Calls without ids are told apart as in the history: by name and number."""
    named: Counter[str] = Counter()
    ids: list[str] = []
    for call in filter(None, map(call_of, parts)):
        name = text_of(call.get("name"))
        ids.append(text_of(call.get("id")) or f"{name} {named[name]}")
        named[name] += 1
    return Told(text_shown(parts), tuple(ids))


def _past(messages: Sequence[Part]) -> Past:
    usage = next((found for each in reversed(messages) if isinstance(found := each.get("usageMetadata"), dict)), {})
    named: dict[str, Json] = {}
    for message in messages:
        named = {**{name: message[name] for name in KEPT if name in message}, **named}
    return Past(tuple(others(_said(messages))), usage, named)


def _shown(held: Iterable[Part]) -> Iterator[bytes]:
    """What was held back, without ours; a chunk of which nothing is left is dropped."""
    for message in held:
        parts = parts_of(message)
        seen = others(parts)
        if len(seen) == len(parts):
            yield _event_of(message)
        elif seen or "finishReason" in candidate(message):
            yield _event_of(with_parts(message, seen or [NOTHING], ended=True))


def _shown_before(past: Iterable[Past]) -> list[Part]:
    return [part for each in past for part in each.parts]


def _said(messages: Iterable[Part]) -> list[Part]:
    return [part for message in messages for part in parts_of(message)]


def _event_of(message: Part) -> bytes:
    return event_of(b"", dict(message))

