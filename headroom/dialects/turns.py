"""What all dialects share in reading: each message is read once, and results are tied to the calls before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom.conversation import Address, Json, Part, Reply
from headroom.dialects.document import Document
from headroom.dialects.shapes import opaque
from headroom.traces import Traces, shared


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


_AHEAD = "parts ahead"

Calls = Mapping[str, Call]

Derive = Callable[[Address, Json, Calls], Turn]
"""Reads the value at an address, given the calls before it by id. It must depend on nothing else."""


class Turns:
    """Reads a run of values in order; see document.Reader."""

    def __init__(self, name: str, derive: Derive, calls: Calls | None = None) -> None:
        """`calls`: those made before."""
        self.name, self._derive = name, derive
        self._calls: dict[str, Call] = dict(calls or {})

    def behind(self, calls: Calls) -> Turns:
        """The same, where these calls were made before."""
        return Turns(self.name, self._derive, calls)

    def read(self, at: Address, value: Json) -> Turn:
        turn, blocks = self._derive(at, value, self._calls), opaque(value)
        return replace(turn, opaque=blocks) if blocks else turn

    def absorb(self, turn: Turn) -> None:
        _absorb(self._calls, turn)


def _absorb(calls: dict[str, Call], turn: Turn) -> None:
    for call in turn.calls:
        calls[call.id] = call
    for answered in turn.answered:
        calls.pop(answered, None)


@dataclass(frozen=True, slots=True)
class Reading:
    """Several members of a body, in the order in which the model reads them; see Conversation."""

    parts: tuple[Part, ...] = ()
    fresh: int = 0
    others: tuple[str, ...] = ()
    elsewhere: bool = False
    definitions: tuple[tuple[Address, str], ...] = ()
    opaque: int = 0
    replies: tuple[Reply, ...] = ()
    tools_in: int | None = None
    traces: Traces | None = None


@dataclass(frozen=True, slots=True)
class _Stand:
    """What the first elements of a member came to."""

    turns: list[Turn]
    ahead: int
    """Parts of the members before."""
    calls: Calls
    reading: Reading
    """Of these elements alone."""


def read(document: Document, dialect: str, members: Sequence[tuple[str, Derive]], tools: Sequence[str]) -> Reading:
    """`members` hold turns, the last of them those of the model; `tools` are members with tool definitions."""
    definitions = tuple(found for name in tools for found in document.sources(name))
    whole = Reading(others=tuple(source for _, source in definitions))
    for name, derive in members:
        ahead = _same(document.traces(name), whole.parts)
        found = _member(document, name, Turns(dialect, derive), len(ahead))
        whole = Reading(
            ahead + found.parts, found.fresh or whole.fresh, whole.others + found.others, whole.elsewhere or found.elsewhere,
            definitions, whole.opaque + found.opaque, whole.replies + found.replies,
            found.tools_in if whole.tools_in is None else whole.tools_in, document.traces(name),
        )
    # All later steps leave what they made of the conversation with the elements of its last member.
    document.charge(name, [*(part.text for part in ahead), *(source for _, source in definitions)])
    return whole


def _same(traces: Traces | None, ahead: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts of the members before, as the very objects they were last time: short members are read anew each time."""
    old = traces.find(_AHEAD) if traces is not None else None
    if old is not None and old == ahead and all(part.call is None for part in ahead):  # calls may be equal and yet differ: 1 and 1.0
        return tuple(old)
    if traces is not None:
        traces.leave(_AHEAD, ahead)
    return ahead


def _member(document: Document, name: str, reader: Turns, ahead: int) -> Reading:
    """`ahead`: parts of the members before. What it comes to is left where old elements end, which is where the next request may
    go on if the client edits its last ones again, and at the end."""
    known: list[Turn] = document.remembered(name, reader.name)
    traces, trace = document.traces(name), f"turns of {reader.name}"
    stand = _found(traces.find(trace) if traces is not None else None, known, ahead)
    turns = document.facts(name, reader.behind(stand.calls), absorbed=len(stand.turns))
    if len(turns) == len(stand.turns):
        return stand.reading
    stands = [_grown(stand, turns[: len(known)])] if len(stand.turns) < len(known) < len(turns) else [stand]
    stands.append(_grown(stands[0], turns))
    if traces is not None:
        traces.leave(trace, stands)
    return stands[-1].reading


def _found(stands: Sequence[_Stand] | None, known: Sequence[Turn], ahead: int) -> _Stand:
    """The longest that is of what is known."""
    for stand in reversed(stands or ()):
        if stand.ahead == ahead and shared(stand.turns, known) == len(stand.turns):
            return stand
    return _Stand([], ahead, {}, Reading())


def _grown(stand: _Stand, turns: list[Turn]) -> _Stand:
    """With the turns behind."""
    old, calls = stand.reading, dict(stand.calls)
    parts, others, replies = list(old.parts), list(old.others), list(old.replies)
    fresh, elsewhere, blocks, tools_in = old.fresh, old.elsewhere, old.opaque, old.tools_in
    for i, turn in enumerate(turns[len(stand.turns) :], len(stand.turns)):
        _absorb(calls, turn)
        first = stand.ahead + len(parts)
        parts += turn.parts
        others += turn.others
        blocks += turn.opaque
        elsewhere = elsewhere or turn.elsewhere
        if turn.tools and tools_in is None:
            tools_in = i
        if turn.assistant:
            fresh = stand.ahead + len(parts)
            begun = replies.pop() if replies and replies[-1].stop == i else Reply(i, i, first, first)
            replies.append(Reply(begun.start, i + 1, begun.first, fresh))
    found = Reading(tuple(parts), fresh, tuple(others), elsewhere, (), blocks, tuple(replies), tools_in)
    return _Stand(turns, stand.ahead, calls, found)
