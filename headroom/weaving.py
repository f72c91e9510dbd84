"""Put in what the client knows nothing of: our tool behind its own, and hidden rounds where the provider saw them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from headroom import ccr
from headroom.chain import Chain
from headroom.conversation import Conversation, Json, Reply
from headroom.dialects.document import Document, Rewrite
from headroom.dialects.hidden.base import NAME, Exchange, Hidden
from headroom.dialects.strict import parsed

LONGEST_OWNER = 100
"""Characters in which the owner of a row must have its end; tenants are 32 hex digits."""


@dataclass(frozen=True, slots=True)
class Addition:
    """Something of ours in a body."""

    key: str
    """Under which the journal has it; "" for the tool."""
    text: str
    """What it comes to, for counting."""
    rewrite: Rewrite


@dataclass(frozen=True, slots=True)
class Seams:
    """Where in a body something of ours may stand."""

    hidden: Hidden
    document: Document
    turns: str
    """The member that holds the conversation."""
    conversation: Conversation

    def may_offer(self, target: str) -> bool:
        """Whether a conversation that begins with this request (path and query) can be offered our tool: the client has none
        like it, and sends all that was said each time."""
        if self.conversation.kept_by_provider or not self.conversation.parts or not self.hidden.fits(self.document.get, target):
            return False
        return not self.declares() and self.tool() is not None

    def declares(self) -> bool:
        """The client itself offers the model our tool, by whatever name it gives tools of MCP servers."""
        sources = [source for _, source in self.conversation.definitions]
        if self.conversation.tools_in is not None:
            sources.append(self._bringing(self.conversation.tools_in))
        return any(ccr.DECLARED.search(source) for source in sources)

    def tool(self) -> Addition | None:
        """Our tool, last in the list of tools, or in the element of the conversation that brings them. None where it cannot stand."""
        # What is no list has no address within.
        sources = [source for (member, *within), source in self.conversation.definitions if member == "tools" and within]
        found = Rewrite("tools", 0, len(sources), _offering(self.hidden))
        if not sources and self.conversation.tools_in is not None:
            at = self.conversation.tools_in
            sources, found = [self._bringing(at)], Rewrite(self.turns, at, at + 1, _offering(self.hidden))
        return Addition("", self.hidden.tool, found) if self.hidden.offer(sources) is not None else None

    def leaves_room(self, target: str) -> bool:
        """Whether our tool may stand in this request of a conversation that it was offered in. What the client has changed since,
        a tool of that very name or an answer that cannot be made of several, would make it see our calls, or us take its own."""
        sources = [source for _, source in self.conversation.definitions]
        taken = any(NAME in source for source in sources) and NAME in self.hidden.declared(sources)
        return not taken and self.hidden.fits(self.document.get, target)

    def rounds(self, keys: Chain, sent: Mapping[str, str | None], unlike: Callable[[str], None]) -> list[Addition]:
        """The hidden rounds of each answer that has some on record. `unlike` hears of an answer that is not the one recorded:
        it stays as the client sent it."""
        found: list[Addition] = []
        elements = self.document.count(self.turns)
        for reply, key in zip(self.conversation.replies, keys.replies, strict=True):
            row = sent.get(key)
            exchange = read(row) if row else None
            if row and exchange is not None:
                make = _weaving(self.hidden, reply, exchange, partial(unlike, key))
                found.append(Addition(key, row, Rewrite(self.turns, reply.start, min(reply.stop + 1, elements), make)))
        return found

    def _bringing(self, at: int) -> str:
        return self.document.sources(self.turns)[at][1]


def appended(body: bytes, turns: str, elements: Sequence[str]) -> bytes:
    """A body with elements behind all of the conversation. ValueError if that is not a list, or empty."""
    document = Document.parse(body)
    end = document.count(turns)
    return document.splice({}, [Rewrite(turns, end, end, lambda _: elements)])


def without_reasoning(body: bytes, turns: str, bare: Callable[[str], str | None], most: int | None = None) -> tuple[bytes, int]:
    """A body whose first `most` elements (None: all) have lost what a provider binds to all before it, and how many those are.
    `bare` as Dialect.bare. Providers take a run that is
    left out from the start, but no hole (platform.claude.com/docs, extended thinking)."""
    document = Document.parse(body)
    end = document.count(turns) if most is None else min(most, document.count(turns))
    if not end:
        return body, 0
    found = [source for _, source in document.sources(turns)[:end]]
    left = [row for row in map(bare, found) if row is not None]
    return (body if left == found else document.splice({}, [Rewrite(turns, 0, end, lambda _: left)])), end


def _offering(hidden: Hidden) -> Callable[[Sequence[str]], Sequence[str]]:
    def make(sources: Sequence[str]) -> Sequence[str]:
        return hidden.offer(sources) or sources

    return make


def _weaving(
    hidden: Hidden, reply: Reply, exchange: Exchange, unlike: Callable[[], None]
) -> Callable[[Sequence[str]], Sequence[str]]:
    length = reply.stop - reply.start

    def make(sources: Sequence[str]) -> Sequence[str]:
        woven = hidden.woven(sources[:length], sources[length:], exchange)
        if woven is None:
            unlike()
        return sources if woven is None else woven

    return make


def write(exchange: Exchange, owner: str = "") -> str:
    """A row of the journal. `owner`: the tenant to which it belongs (a name without spaces), because it holds more than is said
    in the conversation, which is all that one must know to ask for it."""
    row = json.dumps([exchange.rounds, exchange.last, exchange.late], ensure_ascii=False, separators=(",", ":"))
    return f"{owner} {row}" if owner else row


def owner(row: str) -> str:
    """"" for everybody's, and for what is no row of ours."""
    name, _, rest = row[:LONGEST_OWNER].partition(" ")
    return name if rest.startswith("[") and not name.startswith("[") else ""


def read(row: str) -> Exchange | None:
    """None for a row that is not one of ours, or damaged."""
    name = owner(row)
    match parsed(row[len(name):]):
        case [list(rounds_), list(last), list(late)] if all(_is_round(each) for each in rounds_) and _are_texts(last) and _are_texts(late):
            return Exchange(tuple((tuple(said), tuple(results)) for said, results in rounds_), tuple(last), tuple(late))
    return None


def _is_round(value: Json) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_are_texts, value))


def _are_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
