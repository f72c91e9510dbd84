"""A tool of ours in Anthropic Messages, which the client never sees.

A call is a block of the model's message and its result one of the user's next, so a hidden round cuts the client's message
in two. Clients send blocks back as they came, with marks for the cache, without thinking, or a single text as a string.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from headroom.conversation import Json
from headroom.dialects.anthropic import SIGNED
from headroom.dialects.hidden.anthropic_answer import Object, blank, content_of, visible
from headroom.dialects.hidden.anthropic_ear import StreamEar, Whole
from headroom.dialects.hidden.base import DESCRIPTION, NAME, PARAMETERS, Asked, Ear, Elements, Exchange
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.whole import WholeEar
from headroom.dialects.shapes import mapping, text_of
from headroom.dialects.strict import parsed, skip, value_at

TOOL = written({"name": NAME, "description": DESCRIPTION, "input_schema": PARAMETERS})

OPTIONAL = frozenset(("cache_control", "caller", "citations"))
"""Members of a block that clients add, or leave out."""


class Anthropic:
    name = "anthropic"
    tool = TOOL

    def fits(self, get: Callable[[str], Json], target: str) -> bool:
        return True

    def declared(self, sources: Sequence[str]) -> frozenset[str]:
        """Of tools, and of those of a server that the provider itself asks, as far as they are named."""
        found = [mapping(parsed(source)) for source in sources]
        named = (text_of(tool.get("name")) for tool in found)
        return frozenset((*filter(None, named), *(name for tool in found for name in mapping(tool.get("configs")))))

    def offer(self, sources: Sequence[str]) -> Elements | None:
        return (*sources, TOOL) if sources else None

    def ear(self, *, stream: bool) -> Ear:
        return StreamEar() if stream else WholeEar(Whole())

    def results(self, answers: Sequence[tuple[Asked, str]]) -> Elements:
        """As one message: what the model called for at once is answered at once."""
        blocks = [{"type": "tool_result", "tool_use_id": asked.id, "content": text} for asked, text in answers]
        return (written({"role": "user", "content": blocks}),) if blocks else ()

    def woven(self, reply: Sequence[str], after: Sequence[str], exchange: Exchange) -> Elements | None:
        if not exchange.rounds and not exchange.last:
            return (*reply, *after)
        given = [_message(source) for source in reply]
        theirs = [message for message in given if message is not None and message.role == "assistant"]
        if len(theirs) < len(given):
            return None
        rounds, last = exchange.rounds, exchange.last
        if not any(block.signed for message in theirs for block in message.blocks):
            rounds = tuple((tuple(map(_without_thinking, said)), results) for said, results in rounds)
            last = tuple(map(_without_thinking, last))
        sources = [source for said in (*(said for said, _ in rounds), last) for source in said]
        rest = _behind(theirs, visible(block for source in sources for block in content_of(mapping(parsed(source)))))
        if rest is None or (last and any(message.blocks for message in rest)):
            return None
        before = [element for said, results in rounds for element in (*said, *results)]
        return (*before, *(last or [message.source for message in rest]), *_answered(after, exchange.late))


@dataclass(frozen=True, slots=True)
class Block:
    source: str
    value: Object

    @property
    def signed(self) -> bool:
        return text_of(self.value.get("type")) in SIGNED


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the client's that can be cut."""

    source: str
    role: str
    start: int
    """Where the content stands in the source."""
    end: int
    blocks: tuple[Block, ...]
    plain: bool
    """Its content is a string, in which all that was said is joined."""

    def having(self, blocks: Iterable[Block]) -> Message:
        """With other content, as a list."""
        kept = tuple(blocks)
        if kept == self.blocks:
            return self
        content = "[" + ",".join(block.source for block in kept) + "]"
        source = self.source[: self.start] + content + self.source[self.end :]
        return Message(source, self.role, self.start, self.start + len(content), kept, False)


def _message(source: str) -> Message | None:
    """None if it is of no shape that we know."""
    value = mapping(parsed(source))
    content = value.get("content")
    if not isinstance(content, (str, list)):
        return None
    start, end = _content(source)
    if isinstance(content, str):
        text = f'{{"type":"text","text":{source[start:end]}}}'
        blocks = [Block(text, {"type": "text", "text": content})]
    else:
        blocks = [Block(text, mapping(block)) for text, block in _elements(source, start)]
    return Message(source, text_of(value.get("role")), start, end, tuple(blocks), isinstance(content, str))


def _content(source: str) -> tuple[int, int]:
    """Where the content of a message that has one stands."""
    name, at = "", skip(source, 0)
    while name != "content":
        name, at = value_at(source, skip(source, at + 1))
        start = skip(source, skip(source, at) + 1)
        _, end = value_at(source, start)
        at = skip(source, end)
    return start, end


def _elements(source: str, at: int) -> Iterator[tuple[str, Json]]:
    """Of the list that begins there."""
    at = skip(source, at + 1)
    while source[at] != "]":
        value, end = value_at(source, at)
        yield source[at:end], value
        at = skip(source, end)
        at = skip(source, at + 1) if source[at] == "," else at


def _without_thinking(source: str) -> str:
    message = _message(source)
    return source if message is None else message.having(block for block in message.blocks if not block.signed).source


def _behind(theirs: Iterable[Message], shown: Sequence[Object]) -> list[Message] | None:
    """What is left of the client's messages behind what it saw of the hidden rounds. None if it saw something else."""
    expected, rest = list(shown), list[Message]()
    for message in theirs:
        left = list(message.blocks)
        while left and (expected or blank(left[0].value)):
            beyond = [] if blank(left[0].value) else _beyond(left[0], expected.pop(0), joined=message.plain)
            if beyond is None:
                return None
            left[:1] = beyond
        if left or not message.blocks:
            rest.append(message.having(left))
    return None if expected else rest


def _beyond(found: Block, shown: Object, *, joined: bool) -> list[Block] | None:
    """What a block says beyond what was shown, which only a text can that is several joined. None if it is another."""
    if _bare(found.value) == _bare(shown):
        return []
    if not joined or shown.get("type") != "text":
        return None
    before, said, beyond = text_of(found.value.get("text")).partition(text_of(shown.get("text")))
    if not said or before.strip():
        return None
    value = {"type": "text", "text": beyond}
    return [Block(written(value), value)]


def _bare(block: Object) -> Object:
    return {name: value for name, value in block.items() if name not in OPTIONAL and value is not None}


def _answered(after: Sequence[str], late: Sequence[str]) -> Elements:
    """The client's results with ours before them: all in the one message that follows the calls, which the API wants."""
    theirs = _message(after[0]) if after else None
    if not late or theirs is None or theirs.role != "user":
        return (*late, *after)
    mine = [block for message in map(_message, late) if message is not None for block in message.blocks]
    return (theirs.having((*mine, *theirs.blocks)).source, *after[1:])
