"""What a request begins with, as fingerprints: as it came, as it left, and how far a later one begins the same.

Providers find a prompt in their cache by its exact beginning: tools, then system text, then turns. Marks for the cache
are no part of it (platform.claude.com/docs/en/build-with-claude/prompt-caching), and none is seen here.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from headroom.conversation import Address, Conversation, Part

WIDE = "q"
"""Signed 64 bits: what hash() gives. Python's hash of a text is keyed anew in each process and remembered by the text, so
it costs nothing where the text was looked up before; it must not leave the process."""

TEXT = attrgetter("text")

OVERHEAD = 1500
"""Bytes of a Prefix, and of what stands with it, beyond its numbers; tracemalloc sees 1400."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """One request. Fingerprints stand in the order in which the model reads."""

    conversation: str
    """Its name: the hash of all that was said before the model's first turn."""
    head: int
    """Of tool definitions as the client sent them."""
    head_sent: int
    """And of what we did to them."""
    came: array[int]
    """Of the texts as the client sent them."""
    left: array[int]
    """As they were sent on."""
    inputs: array[int]
    """Of tool inputs."""
    sizes: array[int]
    """Characters of the definitions, then of each text as it left."""

    @property
    def bytes(self) -> int:
        numbers = len(self.came) + len(self.inputs) + len(self.sizes) + (0 if self.left is self.came else len(self.left))
        return OVERHEAD + 8 * numbers


@dataclass(frozen=True, slots=True)
class Common:
    """Shares of an earlier request, 0 to 1 by characters, with which a later one begins too."""

    came: float
    """As the client sends it."""
    left: float
    """As it is sent on. Smaller: something of ours has changed. Never larger, as what came decides what leaves."""


def prefix(
    conversation: Conversation, name: str, tools: Iterable[int], changes: Mapping[Address, str],
    added: Hashable = None, woven: Mapping[int, str] | None = None,
) -> Prefix:
    """`tools`: indexes of parts that are likely to leave as others; `changes`: those that do, and definitions; `added`: what
    stands for all we add to the definitions; `woven`: what we put in before the part of that index."""
    parts, definitions = conversation.parts, conversation.definitions
    texts = list(map(TEXT, parts))
    came = left = array(WIDE, list(map(hash, texts)))  # from a list: twice as fast as from an iterator
    forms = [changes.get(at) for at, _ in definitions] if changes else []
    edited = len(changes) - len(forms) + forms.count(None)
    if edited or woven:
        found = _changed(parts, tools, changes)
        if len(found) < edited:
            found = _changed(parts, range(len(parts)), changes)
        left = came[:]
        for i, form in found.items():
            texts[i], left[i] = form, hash(form)
        for i, text in (woven or {}).items():
            if i < len(left):
                left[i] = hash((left[i], text))
    sources = [source for _, source in definitions]
    return Prefix(
        name, hash(tuple(sources)), hash((added, *(forms if any(forms) else ()))), came, left,
        array(WIDE, list(map(hash, conversation.others[len(sources) :]))),
        array(WIDE, [sum(map(len, sources)), *map(len, texts)]),
    )


def _changed(parts: Sequence[Part], which: Iterable[int], changes: Mapping[Address, str]) -> dict[int, str]:
    return {i: form for i in which if (form := changes.get(parts[i].at)) is not None}


def common(earlier: Prefix, later: Prefix) -> Common:
    """How much of what the earlier one held the later one begins with."""
    if earlier.head != later.head:
        return Common(0.0, 0.0)
    came = _share(earlier, _run(earlier.came, later.came))
    inputs = _run(earlier.inputs, later.inputs)
    if inputs < min(len(earlier.inputs), len(later.inputs)):
        # Where an input stands among the texts is not kept; about so far into them.
        came = min(came, inputs / len(earlier.inputs))
    if earlier.head_sent != later.head_sent:
        return Common(came, 0.0)
    return Common(came, min(came, _share(earlier, _run(earlier.left, later.left))))


def _run(earlier: array[int], later: array[int]) -> int:
    """How many first elements are the same."""
    if later[: len(earlier)] == earlier:
        return len(earlier)
    return next((i for i, (one, other) in enumerate(zip(earlier, later, strict=False)) if one != other), len(later))


def _share(of: Prefix, texts: int) -> float:
    if texts == len(of.came):
        return 1.0
    whole = sum(of.sizes)
    return sum(of.sizes[: texts + 1]) / whole if whole else 0.0
