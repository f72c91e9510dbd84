"""What all dialects share in reading: each message is read once, and results are tied to the calls before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom.conversation import Address, Json, Part, Reply
from headroom.dialects.document import Document
from headroom.dialects.shapes import opaque


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of the model."""

    id: str
    tool: str
    input: Json


@dataclass(frozen=True, slots=True)
class Turn:
    """What one element of a conversation comes to."""

    parts: tuple[Part, ...] = ()
    calls: tuple[Call, ...] = ()
    answered: tuple[str, ...] = ()
    """Ids of calls that are answered here, where an id means something new afterwards."""
    others: tuple[str, ...] = ()
    """See Conversation.others."""
    assistant: bool = False
    """The model said this: everything before it was sent before."""
    elsewhere: bool = False
    """Stands for something that the provider holds."""
    opaque: int = 0
    """See Conversation.opaque."""
    tools: bool = False
    """Brings tool definitions."""


Calls = Mapping[str, Call]

Derive = Callable[[Address, Json, Calls], Turn]
"""Reads the value at an address, given the calls before it by id. It must depend on nothing else."""


class Turns:
    """Reads a run of values in order; see document.Reader."""

    def __init__(self, name: str, derive: Derive) -> None:
        self.name, self._derive = name, derive
        self._calls: dict[str, Call] = {}

    def read(self, at: Address, value: Json) -> Turn:
        turn, blocks = self._derive(at, value, self._calls), opaque(value)
        return replace(turn, opaque=blocks) if blocks else turn

    def absorb(self, turn: Turn) -> None:
        for call in turn.calls:
            self._calls[call.id] = call
        for answered in turn.answered:
            self._calls.pop(answered, None)


@dataclass(frozen=True, slots=True)
class Reading:
    """Several members of a body, in the order in which the model reads them; see Conversation."""

    parts: tuple[Part, ...]
    fresh: int
    others: tuple[str, ...]
    elsewhere: bool
    definitions: tuple[tuple[Address, str], ...]
    opaque: int
    replies: tuple[Reply, ...]
    tools_in: int | None


def read(document: Document, dialect: str, members: Sequence[tuple[str, Derive]], tools: Sequence[str]) -> Reading:
    """`members` hold turns, the last of them those of the model; `tools` are members with tool definitions."""
    parts: list[Part] = []
    replies: list[Reply] = []
    definitions = tuple(found for name in tools for found in document.sources(name))
    others = [source for _, source in definitions]
    fresh, elsewhere, blocks, tools_in = 0, False, 0, None
    for name, derive in members:
        for i, turn in enumerate(document.facts(name, Turns(dialect, derive))):
            first = len(parts)
            parts += turn.parts
            others += turn.others
            blocks += turn.opaque
            elsewhere = elsewhere or turn.elsewhere
            if turn.tools and tools_in is None:
                tools_in = i
            if turn.assistant:
                fresh = len(parts)
                begun = replies.pop() if replies and replies[-1].stop == i else Reply(i, i, first, first)
                replies.append(Reply(begun.start, i + 1, begun.first, fresh))
    return Reading(tuple(parts), fresh, tuple(others), elsewhere, definitions, blocks, tuple(replies), tools_in)
