"""What an API must let us do to offer a tool that the client never sees.

    client      → question                      question + our tool          → provider
    client      ← "Let me look. "               "Let me look. " + our call   ← provider
                                                + the call's result          → provider
    client      ← "It says 42."                 "It says 42."                ← provider

The client gets one answer that was made of several; on later turns its history is woven into what the provider saw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from headroom.conversation import Json

Elements = tuple[str, ...]
"""JSON texts of consecutive elements of a conversation (messages, input items, contents)."""

NAME = "headroom_retrieve"
DESCRIPTION = "Expand a shortened view."
"""On record is only that the tool was offered: another wording needs another word in the journal (see headroom.pipeline)."""

PARAMETERS: Json = {
    "type": "object",
    "properties": {"key": {"type": "string"}, "lines": {"type": "string"}, "query": {"type": "string"}},
    "required": ["key"],
}
"""JSON Schema. Short: it is paid for on each request."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of our tool."""

    id: str
    """By which the API ties the result to the call; "" where it has none."""
    arguments: Json
    """As far as they could be parsed; else the text as it came."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one answer of the provider came to."""

    said: Elements = ()
    """The whole answer as elements to be sent back, with our calls in it."""
    asked: tuple[Asked, ...] = ()
    alone: bool = False
    """No call of the client's own stands beside ours, so the exchange can go on at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the client was told in all: by this its next request shows that it got this very answer."""

    text: str = ""
    """All visible text, joined."""
    calls: tuple[str, ...] = ()
    """Ids of the client's own calls."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What happened behind one answer that the client got."""

    rounds: tuple[tuple[Elements, Elements], ...] = ()
    """For each round that was answered at once: what the model said, and the results, both as they were sent."""
    last: Elements = ()
    """The last round as the model said it, where calls of ours in it are answered with the client's own; else empty."""
    late: Elements = ()
    """The results for the calls in `last`."""


class Ear(Protocol):
    """Hears an answer to the client, which may be made of several of the provider's. No input or output of its own.

    feed* → end → (next round: feed* → end →)* finish
    """

    def feed(self, data: bytes) -> bytes:
        """Decoded bytes of the provider's answer, cut anywhere → what goes on to the client now. Everything but our own calls,
        and what would end the answer behind one, goes on at once."""
        ...

    def end(self) -> Round:
        """The provider's answer has ended. Without calls of ours `asked` is empty, and nothing is held back that
        `finish` does not give."""
        ...

    def finish(self) -> bytes:
        """What was held back, so that the client's answer ends as the API wants it: as after its own calls if there are any,
        else as after a plain answer. Token usage: input of the last round, output of all."""
        ...

    def told(self) -> Told:
        """What has gone to the client."""
        ...


class Hidden(Protocol):
    """One API's way."""

    @property
    def name(self) -> str:
        """The dialect's."""
        ...

    @property
    def tool(self) -> str:
        """JSON of our tool as this API wants it."""
        ...

    def fits(self, get: Callable[[str], Json], target: str) -> bool:
        """Whether the answer to a request can be made of several. `get` gives a member of its body, `target` is its path and
        query."""
        ...

    def declared(self, sources: Sequence[str]) -> frozenset[str]:
        """Names of the tools that these elements of `tools` (JSON) declare; unknown shapes declare none."""
        ...

    def offer(self, sources: Sequence[str]) -> Elements | None:
        """The elements of `tools`, or one of the conversation that brings tools, with ours last; None if there are none to stand
        behind."""
        ...

    def ear(self, *, stream: bool) -> Ear:
        ...

    def results(self, answers: Sequence[tuple[Asked, str]]) -> Elements:
        """The elements that answer calls of ours with these texts."""
        ...

    def woven(self, reply: Sequence[str], after: Sequence[str], exchange: Exchange) -> Elements | None:
        """The client's `reply` (consecutive elements of the model's) and the element `after` it (at most one), as the provider
        saw them: with the hidden rounds, and with late results. None if the client's elements are not that answer.

        What stands in `exchange` is put in as it is; of the client's own only what comes after is left.
        """
        ...
