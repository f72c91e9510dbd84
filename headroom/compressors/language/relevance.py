"""How much each passage of a text bears on a question.

    question "When was the dam built?"
    0.0  Sheep graze in the valley.
    1.9  The dam of Sarn was built in 1931.      the question's words, and a date, which it asks for
    0.9  Nobody was hurt.                        beside it, in the same paragraph

A passage counts for the question's words in it and in its better neighbour (BM25, rare words more), for how much of the
question its paragraph and the headings above cover, and for holding what is asked for: a date, a number, a name.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from math import fsum, log

from headroom.compressors.language.passages import Passage, above
from headroom.compressors.language.wording import FUNCTION, is_term, split, terms

MAX_READ = 8000
"""Characters of one passage whose words count: a bound for the work of one `re` call."""

SATURATION, LENGTH = 1.2, 0.6
"""BM25's k1 and b, at values usual for short texts."""

NEIGHBOUR, COVERAGE, ANSWER, LEAD, HEADED = 0.35, 1.0, 0.3, 0.1, 0.5
"""Weights beside the passage's own score, of which the best is 1; bench/quality_prose.py measures what they do."""

LEAST_TERMS = 2
"""Words of a longer question that the text must hold: one alone is chance, such as the name of the command that printed it."""

COMMON = 0.3
"""Share of the passages: where even the rarest word of a question is in more, it tells none from the other."""

BARELY = 0.3
"""Of what the best paragraph covers of the question: in one that covers less, a date or a name is no answer."""

MAX_TERMS = 64
"""Terms of a question that are looked for, the last ones: each costs a pass over the text."""

TOO_OFTEN = 16
"""A term that stands more often than every so many characters tells nothing, and finding it takes long."""

_DATE = re.compile(r"\b(?:1[0-9]{3}|20[0-9]{2})\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b")
_NUMBER = re.compile(r"[0-9]|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million|billion)\b")
_NAME = re.compile(r"(?<=[a-z,;)] )[A-Z][a-z]+")
_PLACE = re.compile(r"\b(?:in|at|near|on|from|of|to) (?:the )?[A-Z]")
_ASKED: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = (
    (frozenset(("when", "year", "date")), _DATE),
    (frozenset(("who", "whom", "whose")), _NAME),
    (frozenset(("many", "much", "long", "old", "number")), _NUMBER),
    (frozenset(("where",)), _PLACE),
)
"""Words of a question, and how its answer looks."""


def relevance(text: str, found: Sequence[Passage], query: str) -> list[float] | None:
    """One score a passage; None if the text says nothing of the question, or nearly every passage the same of it."""
    asked = split(query)
    wanted = tuple(dict.fromkeys(term for word in asked for term in terms(word)))[-MAX_TERMS:]
    hits = _hits(text, found, wanted)
    number = Counter(chain.from_iterable(hits))
    if len(number) < min(LEAST_TERMS, len(wanted)) or not number or min(number.values()) > max(1, COMMON * len(found)):
        return None
    weights = {term: log(1 + (len(found) - n + 0.5) / (n + 0.5)) for term, n in number.items()}
    own, covered = _own(found, hits, weights), _covered(found, hits, weights)
    look = next((look for cues, look in _ASKED if not cues.isdisjoint(asked)), None)
    scores: list[float] = []
    for i, passage in enumerate(found):
        first = not i or found[i - 1].block != passage.block
        last = i + 1 == len(found) or found[i + 1].block != passage.block
        beside = max(0.0 if first else own[i - 1], 0.0 if last else own[i + 1])
        score = own[i] + NEIGHBOUR * beside + COVERAGE * covered[passage.block] + (LEAD if first else 0.0)
        if look and covered[passage.block] > BARELY and _holds(look, _read(text, passage), wanted):
            score += ANSWER * covered[passage.block]
        scores.append(score)
    return scores


def centrality(text: str, found: Sequence[Passage]) -> list[float]:
    """Without a question: how much of what a passage speaks of the others speak of too."""
    inside = [{word for word in split(_read(text, passage)) if word not in FUNCTION} for passage in found]
    number = Counter(chain.from_iterable(inside))
    weights = {word: log(n) * log((len(found) + 1) / n) for word, n in number.items()}
    scores = [fsum(weights[word] for word in words) / (len(words) + 5) for words in inside]
    best = max(scores) or 1.0
    return [
        score / best + (0.0 if i and found[i - 1].block == passage.block else LEAD)
        for i, (score, passage) in enumerate(zip(scores, found, strict=True))
    ]


def _read(text: str, passage: Passage) -> str:
    return text[passage.start : min(passage.end, passage.start + MAX_READ)]


def _hits(text: str, found: Sequence[Passage], wanted: Sequence[str]) -> list[dict[str, int]]:
    """Of each passage, how often each wanted term is in it. Terms are looked for one by one: faster than to read all words."""
    low = text.replace("İ", "I").lower()  # the one character whose lower case is two
    starts = [passage.start for passage in found]
    hits: list[dict[str, int]] = [{} for _ in found]
    for term in wanted:
        needle = term[:-1] if term.endswith("y") else term
        if (len(needle) < 2 and needle.isalpha()) or low.count(needle) * TOO_OFTEN > len(low):
            continue
        at = low.find(needle)
        while at >= 0:
            if is_term(low, at, term):
                met = hits[bisect_right(starts, at) - 1]
                met[term] = met.get(term, 0) + 1
            at = low.find(needle, at + len(needle))
    return hits


def _own(found: Sequence[Passage], hits: Sequence[Mapping[str, int]], weights: Mapping[str, float]) -> list[float]:
    """BM25 of each passage, the best as 1; lengths in characters."""
    mean = sum(passage.end - passage.start for passage in found) / len(found)
    scores: list[float] = []
    for passage, met in zip(found, hits, strict=True):
        damp = SATURATION * (1 - LENGTH + LENGTH * (passage.end - passage.start) / mean)
        scores.append(fsum(weights[term] * n * (SATURATION + 1) / (n + damp) for term, n in met.items()) if met else 0.0)
    best = max(scores)
    return [score / best for score in scores]


def _covered(found: Sequence[Passage], hits: Sequence[Mapping[str, int]], weights: Mapping[str, float]) -> dict[int, float]:
    """Block → how much of the question is in it and in the headings above it, the best as 1."""
    met: dict[int, set[str]] = {}
    over: dict[int, set[str]] = {}
    higher = above(found)
    for i, (passage, mine) in enumerate(zip(found, hits, strict=True)):
        if passage.block not in met:
            met[passage.block], over[passage.block] = set(), set()
            heading = higher[i]
            while heading >= 0:
                over[passage.block].update(hits[heading])
                heading = higher[heading]
        met[passage.block].update(mine)
    raw = {
        block: fsum(weights[term] for term in mine) + HEADED * fsum(weights[term] for term in over[block] - mine)
        for block, mine in met.items()
    }
    best = max(raw.values())
    return {block: score / best for block, score in raw.items()}


def _holds(look: re.Pattern[str], piece: str, wanted: Collection[str]) -> bool:
    """Whether what is asked for may be in a piece; a name that the question itself has is no answer."""
    if look is not _NAME:
        return look.search(piece) is not None
    return any(term not in wanted for name in look.findall(piece) for term in terms(name.lower()))
