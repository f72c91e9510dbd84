"""A request's conversation as fitting sees it: what it weighs, how much room there is, and under which names decisions stand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from headroom.chain import Chain
from headroom.conversation import Conversation, Part
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document
from headroom.dialects.shapes import mapping, tokens_of
from headroom.fitting.choice import Budget, Cut
from headroom.fitting.elements import places
from headroom.fitting.sizes import sizes
from headroom.fitting.tiers import Bounds
from headroom.prices import WINDOW, Model
from headroom.tokens import starting_factor
from headroom.traces import shared

_NAMES = "names"

LEAST = 4000
"""Tokens of a conversation below which nothing was ever decided about it, so nothing is looked for."""

SLACK = 0.05
"""Share of the window by which our estimate may be too low: its usual error over a whole conversation."""

MOST_ROOM = 4
"""At most this part of the window is kept free for the answer: clients ask for the most there is, models seldom write it."""

ROOM = 16_000
"""Tokens kept free where the client does not say how long the answer may be."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A request's conversation, as it came."""

    dialect: Dialect
    document: Document
    conversation: Conversation
    keys: Chain


Weigh = Callable[[str], int]


def weights(subject: Subject, long: Weigh, short: Weigh) -> list[int]:
    """Tokens of each element as it came; none where nothing can be decided: the provider holds the conversation, or forgets
    parts of it by itself."""
    conversation = subject.conversation
    if conversation.kept_by_provider or conversation.forgets or not subject.document.count(subject.dialect.turns):
        return []
    return sizes(subject.document, subject.dialect.turns, long, short)


def budget(document: Document, conversation: Conversation, model: Model | None, overhead: int) -> Budget:
    """In tokens as we estimate them: those of the bundled estimator, of which each family of models makes more or fewer."""
    factor = starting_factor(conversation.model)
    window = int((WINDOW if model is None else model.window) * (1 - SLACK) / factor)
    wanted = asked(document)
    room = ROOM if wanted is None else wanted
    room = min(room, room if model is None else model.max_output)
    return Budget(window, min(int(room / factor), window // MOST_ROOM), overhead)


def bounds(conversation: Conversation, model: Model | None) -> Bounds | None:
    """Where the model's prices rise, in the same tokens; so much before it that it is not crossed unseen."""
    if model is None or model.tier is None or model.tier_from is None:
        return None
    return Bounds(int(model.tier_from * (1 - SLACK) / starting_factor(conversation.model)), model.rates, model.tier)


def ceiling(document: Document, conversation: Conversation, model: Model | None) -> int:
    """Tokens up to which nothing can have to be left out."""
    limit, rise = budget(document, conversation, model, 0).limit, bounds(conversation, model)
    return limit if rise is None else min(limit, rise.limit)


def asked(document: Document) -> int | None:
    """Tokens the answer may have, by whatever name the client says so."""
    config = mapping(document.get("generationConfig") or document.get("generation_config"))
    found = [document.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")]
    found += [config.get(name) for name in ("maxOutputTokens", "max_output_tokens")]
    return next((tokens for each in found if (tokens := tokens_of(each))), None)


@dataclass(frozen=True, slots=True)
class _Named:
    """What an earlier request of the conversation left."""

    parts: tuple[Part, ...]
    model: str
    base: Sequence[int]
    links: Sequence[tuple[bytes, int]]
    names: Mapping[int, str]


def names(subject: Subject, base: Sequence[int]) -> dict[int, str]:
    """Element → the key under which a decision stands that was made as the conversation came to it. `base`: its weights.

    A short conversation has none, so that nothing is looked up for it. Each model has its own window, so its own names.
    """
    conversation, at = subject.conversation, places(subject.conversation, subject.dialect.turns)
    old, known = _before(subject, base, at)
    links = _links(subject, at, old.links[:known])
    found = {i: name for i, name in old.names.items() if i < known}
    total, model = sum(base[:known]), conversation.model.encode("utf-8", "surrogatepass")
    for i, (size, (link, behind)) in enumerate(zip(base[known:], links[known:], strict=True), known):
        total += size
        if total >= LEAST:
            found[i] = hashlib.sha256(b"fit%d " % behind + link + model).hexdigest()[:40]
    if conversation.traces is not None:
        conversation.traces.leave(_NAMES, _Named(conversation.parts, conversation.model, base, links, found))
    return found


def _before(subject: Subject, base: Sequence[int], at: Sequence[int | None]) -> tuple[_Named, int]:
    """What was left, and of how many elements it holds: of those up to the last that has a part in common."""
    conversation = subject.conversation
    old: _Named | None = conversation.traces.find(_NAMES) if conversation.traces is not None else None
    if old is None or old.model != conversation.model:
        return _Named((), "", (), (), {}), 0
    parts = shared(old.parts, conversation.parts)
    known = next((place + 1 for place in reversed(at[:parts]) if place is not None), 0)
    return old, known if base[:known] == old.base[:known] else 0


def _links(subject: Subject, at: Sequence[int | None], found: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    """For each element what stands for all that was said up to it, and how many elements without a text end there. `at`: the
    elements of the parts; `found`: of the first elements."""
    known: dict[int, bytes] = {}
    for link, place in zip(reversed(subject.keys.links), reversed(at), strict=True):
        if place is not None:
            if place < len(found):
                break
            known.setdefault(place, link)
    found = list(found)
    for i in range(len(found), subject.document.count(subject.dialect.turns)):
        link, behind = found[-1] if found else (b"", 0)
        found.append((known[i], 0) if i in known else (link, behind + 1))
    return found


def hidden(conversation: Conversation, turns: str, cuts: Sequence[Cut]) -> Mapping[int, Sequence[int]]:
    """Index of the first part behind a cut → the parts that went with it, which nothing may refer to from there on."""
    elements = places(conversation, turns)
    found: dict[int, list[int]] = {}
    for cut in cuts:
        first = next((i for i, at in enumerate(elements) if at is not None and at > cut.at), None)
        if first is not None:
            out = cut.dropped | cut.folded.keys()
            found.setdefault(first, []).extend(i for i, at in enumerate(elements) if at in out)
    return found
