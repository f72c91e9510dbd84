"""What all dialects share in reading: facts of one message by content alone, then one pass that ties results to calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from headroom.conversation import Address, Json, Part, Role
from headroom.dialects.document import Document


@dataclass(frozen=True, slots=True)
class Text:
    """A text in a message, before it is known whose result it is."""

    role: Role
    text: str
    at: Address
    answers: str = ""
    """Id of the tool call it answers; for Gemini, which has no ids, the tool's name."""
    error: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    id: str
    tool: str
    input: Json


@dataclass(frozen=True, slots=True)
class Turn:
    """The facts of one element of a conversation."""

    texts: tuple[Text, ...] = ()
    calls: tuple[Call, ...] = ()
    assistant: bool = False
    """The model said this: everything before it was sent before."""


@dataclass(slots=True)
class Reading:
    """Parts in the making."""

    parts: list[Part] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    fresh: int = 0
    _calls: dict[str, Call] = field(default_factory=dict)

    def add(self, turn: Turn) -> None:
        for call in turn.calls:
            self._calls[call.id] = call
            self.others.append(call.input if isinstance(call.input, str) else compact(call.input))
        for t in turn.texts:
            call_ = self._calls.get(t.answers) if t.answers else None
            self.parts.append(Part(t.role, t.text, t.at, call_.tool if call_ else "", call_.input if call_ else None, t.error))
        if turn.assistant:
            self.fresh = len(self.parts)


def read(document: Document, name: str, kind: str, derive: Callable[[int, Json], Turn], start: Iterable[Text] = ()) -> Reading:
    """All turns of the array `name`, behind the system texts in `start`."""
    reading = Reading()
    reading.add(Turn(tuple(start)))
    for turn in document.facts(name, kind, derive):
        reading.add(turn)
    return reading


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compact(value: Json) -> str:
    """JSON text of what the model reads beside the parts; for counting only."""
    return "" if value is None else _encode(value)


def objects(value: Json) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """The objects of a list with their positions; nothing if it is no list."""
    if isinstance(value, list):
        yield from ((i, item) for i, item in enumerate(value) if isinstance(item, dict))


def text_of(value: Json) -> str:
    return value if isinstance(value, str) else ""


def parsed(value: Json) -> Json:
    """A tool call's arguments: JSON text as the value it is, if it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
