"""How many tokens each element of a conversation has as the client sent it, whatever is in it.

Nobody outside the provider knows what pictures and encrypted blocks come to, so they are guessed, and rather too high:
too early a cut costs a little, too late a one a refused request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from headroom.conversation import Address, Json
from headroom.dialects.document import Document
from headroom.dialects.shapes import DATA, OPAQUE, text_of

FRAME = 4
"""Tokens for what surrounds an element: its role, its delimiters."""

PICTURE = 1600
"""Tokens of a block that is not text: Anthropic's most for one picture; OpenAI and Gemini count less for most."""

PER_TOKEN = 6
"""Characters of what is signed or encrypted that come to a token: base64 is a third longer than what it holds."""

SEALED = frozenset(("signature", "encrypted_content", "thoughtSignature", "thought_signature", "data"))
"""Members that hold such."""
SAID_ONCE = frozenset(("type", "role", "id", "call_id", "tool_use_id", "tool_call_id", "cache_control", "status"))
"""Members that the model does not read, or that FRAME stands for."""

LONG = 200
"""Characters from which a text is worth remembering what it weighs."""

Weigh = Callable[[str], int]


class Sizes:
    """Tokens of each element; see document.Reader."""

    name = "size"

    def __init__(self, long: Weigh, short: Weigh) -> None:
        """`long` remembers what it weighed, `short` need not."""
        self._long, self._short = long, short

    def read(self, at: Address, value: Json) -> int:
        return FRAME + sum(self._leaf(name, leaf) for name, leaf in _leaves("", value))

    def absorb(self, size: int) -> None:
        """Each element is weighed by itself."""

    def _leaf(self, name: str, leaf: str | None) -> int:
        if leaf is None:
            return PICTURE
        if name in SEALED:
            return len(leaf) // PER_TOKEN
        return self._long(leaf) if len(leaf) >= LONG else self._short(leaf)


def sizes(document: Document, turns: str, long: Weigh, short: Weigh) -> list[int]:
    """Of each element of the conversation; they are remembered with the document, and weigh nothing there."""
    return document.facts(turns, Sizes(long, short), weight=0, absorbed=document.count(turns))


def _is_picture(value: Mapping[str, Json]) -> bool:
    return (text_of(value.get("type")) in OPAQUE and SEALED.isdisjoint(value)) or not DATA.isdisjoint(value)


def _leaves(name: str, value: Json) -> Iterator[tuple[str, str | None]]:
    """Texts with the name of the member they stand in; None for what is not text."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    elif isinstance(value, dict):
        if _is_picture(value):
            yield name, None
        else:
            for inner_name, inner in value.items():
                if inner_name not in SAID_ONCE:
                    yield from _leaves(inner_name, inner)
