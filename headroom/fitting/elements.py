"""What fitting knows of each element of a conversation: its ties, its texts, its size.

An element is what a dialect's list holds: a message, an item, a content. Sizes are those of what was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from headroom.conversation import Conversation, Json, Part
from headroom.dialects.base import Dialect
from headroom.dialects.shapes import compact
from headroom.dialects.ties import Ties
from headroom.traces import shared

_PLACES = "places"


@dataclass(frozen=True, slots=True)
class Element:
    """One element."""

    ties: Ties
    tokens: int = 0
    text: str = field(default="", repr=False)
    """What it says, be it words or the output of tools."""
    called: str = field(default="", repr=False)
    """What the tools in it were called with."""
    error: bool = False
    """It holds a result that the client marked as a failure."""


def elements(dialect: Dialect, values: Sequence[Json], parts: Sequence[Part], tokens: Sequence[int]) -> tuple[Element, ...]:
    """`values` are the elements of the body's `dialect.turns`, `parts` those of the conversation, `tokens` one an element."""
    texts: list[list[str]] = [[] for _ in values]
    failed: set[int] = set()
    for part in parts:
        at = place(part, dialect.turns)
        if at is not None and at < len(texts):
            texts[at].append(part.text)
            if part.error:
                failed.add(at)
    return tuple(
        Element(ties := dialect.ties(value), size, "\n".join(said), _called(ties), i in failed)
        for i, (value, size, said) in enumerate(zip(values, tokens, texts, strict=True))
    )


def place(part: Part, turns: str) -> int | None:
    """The element in which a part stands."""
    return part.at[1] if len(part.at) > 1 and part.at[0] == turns and isinstance(part.at[1], int) else None


def places(conversation: Conversation, turns: str) -> list[int | None]:
    """Of each part. Those of earlier requests are at hand."""
    traces = conversation.traces
    parts, found = (traces.find(_PLACES) if traces is not None else None) or ((), [])
    known = shared(parts, conversation.parts)
    found = [*found[:known], *(place(part, turns) for part in conversation.parts[known:])]
    if traces is not None:
        traces.leave(_PLACES, (conversation.parts, found))
    return found


def _called(ties: Ties) -> str:
    return "\n".join(filter(None, (compact(call.input) for call in ties.calls)))
