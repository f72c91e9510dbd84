"""How much a conversation would lose with each of its units, judged from what stands before the crossing.

Every factor is between 0 and 1; WEIGHTS says what each counts. All of them read the conversation up to the message at
which it outgrew its window and nothing behind it, so that every later turn comes to the same scores.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain, islice
from math import fsum, log, sqrt
from typing import Literal

from headroom.compressors.lines.salience import SEVERE, terms
from headroom.fitting.elements import Element
from headroom.fitting.units import Unit

Order = Literal["scores", "position", "oldest"]
"""What goes first: what scores lowest; the oldest rounds, then the oldest words; the oldest, whatever it is."""

SATURATION, LENGTH = 1.2, 0.75
"""BM25's k1 and b, at their usual values for documents of very different lengths."""

MAX_READ = 64 * 1024
"""Characters of a unit that are read for its words; clients cut single results at half of it."""

MAX_NAMES = 400
"""Names of a unit that are looked for later: a listing of a thousand files is not a thousand references."""

HALF_REFERENCES = 3.0
"""Names used later that make half of the factor: one may be chance, ten are a source the work rests on."""

DIGITS = 6
"""Decimals of a score: below them, sums could differ between machines."""

_TOKEN = re.compile(r"""[^\s"'`(),;:<>\[\]{}=|]{4,200}""")
_NAME = re.compile(r"[/_#]|\w\.\w|[a-z][A-Z]|[A-Za-z]-?[0-9]|[0-9][a-f]")
"""Paths, file names, hashes, numbers of tickets, and names of code: what one message takes from another."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Factors:
    """One number a factor: of a unit what was found, of WEIGHTS what it counts."""

    recency: float = 0.0
    """Its place, the last being 1."""
    similarity: float = 0.0
    """BM25 of its text for the words of the live end, the best of those that may go being 1."""
    importance: float = 0.0
    """What was learned of its tools: how often their results are asked for again."""
    errors: float = 0.0
    """Results marked as failures, or words of trouble: what has been tried and does not work."""
    references: float = 0.0
    """Names it was the first to mention that are used later."""
    density: float = 0.0
    """Share of its words that are not repetitions."""
    words: float = 0.0
    """It is what the user said, not what a tool printed."""


WEIGHTS = Factors(recency=0.25, similarity=0.2, importance=0.15, errors=0.1, references=0.2, density=0.1, words=0.5)
"""Sum to 1 but for `words`, which puts what the user said behind almost every round."""

ROUGHLY_HALF = 0.5
"""What words of trouble alone count: source code is full of them."""


def scores(units: Sequence[Unit], elements: Sequence[Element], importance: Mapping[str, float], order: Order) -> tuple[float, ...]:
    """One number a unit; the lowest goes first. `importance`: tool → 0 … 1, as pinned for this conversation."""
    if order == "oldest":
        return tuple(float(unit.elements[-1]) for unit in units)
    if order == "position":
        return tuple(float(unit.elements[-1] + len(elements) * unit.exchange) for unit in units)
    return tuple(_weighed(found) / sqrt(_tokens(unit, elements)) for unit, found in zip(units, factors(units, elements, importance), strict=True))


def factors(units: Sequence[Unit], elements: Sequence[Element], importance: Mapping[str, float]) -> tuple[Factors, ...]:
    texts = ["\n".join(elements[i].text for i in unit.elements)[:MAX_READ] for unit in units]
    words = ["\n".join(f"{elements[i].called}\n{_said(elements[i])}" for i in unit.elements)[:MAX_READ] for unit in units]
    lower = [f"{own}\n{text}".lower() for own, text in zip(words, texts, strict=True)]
    similar = _similarity(lower, _question(units, elements), [not unit.safe for unit in units])
    used = _references(texts, words)
    return tuple(
        Factors(
            round((n + 1) / len(units), DIGITS), similar[n], _learned(unit, elements, importance),
            _trouble(unit, elements, texts[n]), used[n], _density(texts[n]), float(unit.exchange),
        )
        for n, unit in enumerate(units)
    )


def _weighed(found: Factors) -> float:
    return round(fsum(getattr(found, each.name) * getattr(WEIGHTS, each.name) for each in fields(Factors)), DIGITS)


def _tokens(unit: Unit, elements: Sequence[Element]) -> int:
    """A score is divided by the root of the size: by the size itself, the longest result would always go first; by nothing,
    many small ones would go for little."""
    return max(1, sum(elements[i].tokens for i in unit.elements))


def _question(units: Sequence[Unit], elements: Sequence[Element]) -> str:
    """What the live end is about: the user's last words, and what the model says and calls since; not what tools print."""
    rounds = [i for unit in units[:-1] if unit.safe and not unit.exchange for i in unit.elements]
    last = units[-1].elements if units else ()
    return "\n".join(f"{elements[i].called}\n{_said(elements[i])}" for i in (*rounds, *last))


def _said(element: Element) -> str:
    return "" if element.ties.side == "tool" else element.text


def _similarity(lower: Sequence[str], question: str, free: Sequence[bool]) -> list[float]:
    mean = max(1.0, sum(map(len, lower)) / max(1, len(lower)))
    sums: list[list[float]] = [[] for _ in lower]
    for term in terms(question):
        met = {n: count for n, text in enumerate(lower) if (count := text.count(term))}
        weight = log(1 + (len(lower) - len(met) + 0.5) / (len(met) + 0.5))
        for n, count in met.items():
            damp = SATURATION * (1 - LENGTH + LENGTH * len(lower[n]) / mean)
            sums[n].append(weight * count * (SATURATION + 1) / (count + damp))
    found = [fsum(each) for each in sums]
    best = max((each for each, may_go in zip(found, free, strict=True) if may_go), default=0.0) or 1.0
    return [round(min(1.0, each / best), DIGITS) for each in found]


def _learned(unit: Unit, elements: Sequence[Element], importance: Mapping[str, float]) -> float:
    """The highest of its tools'."""
    return max((importance.get(call.tool, 0.0) for i in unit.elements for call in elements[i].ties.calls), default=0.0)


def _trouble(unit: Unit, elements: Sequence[Element], text: str) -> float:
    if any(elements[i].error for i in unit.elements):
        return 1.0
    return ROUGHLY_HALF if SEVERE.search(text) else 0.0


def _references(texts: Sequence[str], words: Sequence[str]) -> list[float]:
    """For each unit, how many names that it mentions first are taken up by calls and words behind it."""
    firsts: dict[str, int] = {}
    for n, (text, own) in enumerate(zip(texts, words, strict=True)):
        for name in chain(_names(own), _names(text)):
            firsts.setdefault(name, n)
    lasts = {name: n for n, own in enumerate(words) for name in _names(own)}
    used = Counter(first for name, first in firsts.items() if lasts.get(name, -1) > first)
    return [round(used[n] / (used[n] + HALF_REFERENCES), DIGITS) for n in range(len(texts))]


def _names(text: str) -> list[str]:
    found = dict.fromkeys(token.strip(".") for token in _TOKEN.findall(text))
    return list(islice(filter(_NAME.search, found), MAX_NAMES))


def _density(text: str) -> float:
    words = _WORD.findall(text)
    return round(len(set(words)) / len(words), DIGITS) if words else 0.0
