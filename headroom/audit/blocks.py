"""A request body as the blocks a provider's cache compares: tools, then system, then each item of the conversation."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from headroom.audit.pieces import Cutter
from headroom.conversation import Json
from headroom.demo.base import dump
from headroom.demo.binding import unmarked
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document, Unreadable
from headroom.tokens import estimate

FIRST = ("tools", "system", "instructions", "systemInstruction")
"""Members that the model reads before the conversation, in the order providers hash them."""


@dataclass(frozen=True, slots=True)
class Block:
    digest: bytes
    tokens: int
    """Estimated; what is opaque to us counts nothing."""
    size: int
    """Bytes as they are sent."""


class Blocks:
    """Reads bodies of one API, each piece once."""

    def __init__(self, dialect: Dialect, target: str, items: str) -> None:
        self._dialect, self._target, self._items = dialect, target, items
        self._cutter = Cutter(items)
        self._known: dict[tuple[str, str], Block] = {}

    def of(self, body: bytes) -> tuple[Block, ...]:
        pieces = self._cutter.cut(body)
        found = pieces.members
        head = [self._block(name, found[name]) for name in (*FIRST, self._items) if name in found]
        return (*head, *(self._block(self._items, item, listed=True) for item in pieces.items))

    def _block(self, member: str, raw: str, *, listed: bool = False) -> Block:
        block = self._known.get((member, raw))
        if block is None:
            block = self._known[member, raw] = self._read(member, raw, listed=listed)
        return block

    def _read(self, member: str, raw: str, *, listed: bool) -> Block:
        data = raw.encode("utf-8", "surrogatepass")
        compared = dump(_settled(json.loads(raw)))
        written = b'{"%b":%b}' % (member.encode(), b"[%b]" % data if listed else data)
        return Block(hashlib.sha256(member.encode() + compared).digest(), self._tokens(written), len(data))

    def _tokens(self, body: bytes) -> int:
        try:
            conversation = self._dialect.read(Document.parse(body), self._target)
        except Unreadable:
            return 0
        return sum(map(estimate, (*(part.text for part in conversation.parts), *conversation.others)))


def _settled(value: Json) -> Json:
    """Without its mark, and a text that stands alone as a string: once the mark has moved on, clients write it so, and to
    providers both are the same."""
    bare = unmarked(value)
    content = bare.get("content") if isinstance(bare, dict) else None
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict) and content[0].keys() == {"type", "text"}:
        return {**bare, "content": content[0]["text"]}
    return bare
