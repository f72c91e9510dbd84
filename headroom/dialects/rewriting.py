"""Put a text behind the words of one element, or take blocks out of it; all else in it stays as it came."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence

from headroom.conversation import Json
from headroom.dialects.document import Document, Rewrite, Unreadable
from headroom.dialects.shapes import compact, mapping, text_of

Block = Callable[[str], Json]
"""A text → the block in which an API wants it."""


def appended(source: str, member: str, text: str, block: Block) -> str:
    """JSON of an element, `text` as a block of its own behind those in `member`. Words that stand there as a string become a
    block too: clients write a message now this way, now that, and to the provider's cache both must be the same."""
    document = Document.parse(source.encode())
    count = document.count(member)
    if count:
        return document.splice({}, [Rewrite(member, count, count, lambda _: [compact(block(text))])]).decode()
    value = json.loads(source)
    return compact({**value, member: [*(block(said) for said in [text_of(value.get(member))] if said), block(text)]})


def without(source: str, member: str, kinds: Collection[str]) -> str | None:
    """JSON of an element without the blocks in `member` that have one of these types; None if none would be left. What is no object, or too
    long to be read, stays as it is: that is for the provider to refuse."""
    try:
        document = Document.parse(source.encode())
    except Unreadable:
        return source
    blocks = document.elements(member)
    out = [i for i, each in enumerate(blocks) if text_of(mapping(each).get("type")) in kinds]
    if not out:
        return source
    if len(out) == len(blocks):
        return None
    gone = frozenset(out)

    def left(sources: Sequence[str]) -> Sequence[str]:
        return [each for i, each in enumerate(sources) if i not in gone]

    return document.splice({}, [Rewrite(member, 0, len(blocks), left)]).decode()
