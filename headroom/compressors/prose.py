"""Prose: the sentences that bear on the question, verbatim and in order.

    The valley is old. The dam of Sarn was built in 1931. Sheep grazed on its banks. In 1950 the dam was raised.
    →
    […] The dam of Sarn was built in 1931. […] In 1950 the dam was raised.

Headings stand above what is kept below them. Sentences, list items, table rows and blocks of code are shown whole or
not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headroom.compressors.base import FORM, Compressed, Goal
from headroom.compressors.language.passages import Passage, above, passages
from headroom.compressors.language.relevance import centrality, relevance
from headroom.compressors.language.wording import is_prose

RATIO = 0.35
"""Share of the characters that is kept where a question says what matters."""

BLIND_RATIO = 0.5
"""The least that is kept without a question: what nobody asked for cannot be told from what somebody will."""

MIN_PASSAGES = 8
"""Fewer are read at a glance, and a mark for each gap costs what they save."""

MAX_QUERY = 4000
"""Characters of a question that are read, from its end: longer ones are pasted texts, whose end is what is asked."""

MARK = "[…]"
"""What stands for passages left out: as in a quotation, and as cheap as "…" alone, which texts have of their own."""


@dataclass(frozen=True, slots=True)
class ProseExtract:
    """Prose, where there is a question. Kept for certain: whole sentences, those that bear on it, in their order and below their headings."""

    name: str = "prose-extract"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        return 0.7 if is_prose(text) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        query = goal.query[-MAX_QUERY:].strip()
        if (not query and goal.ratio is None) or FORM.match(text) or MARK in text:
            return None
        found = passages(text)
        if len(found) < MIN_PASSAGES:
            return None
        scores = relevance(text, found, query) if query else None
        if scores is None and goal.ratio is None:
            return None
        ratio = RATIO if goal.ratio is None else goal.ratio if scores else max(goal.ratio, BLIND_RATIO)
        kept = _choose(found, scores or centrality(text, found), int(ratio * len(text)))
        if not kept or len(kept) == len(found):
            return None
        short = _join(text, found, kept)
        missing = f"{len(found) - len(kept)} of {len(found)} sentences, items and blocks"
        return Compressed(short, "lossy", omitted=missing) if len(short) < len(text) else None

    def expand(self, short: str) -> str | None:
        return None


def _choose(found: Sequence[Passage], scores: Sequence[float], budget: int) -> list[int]:
    """The best passages that fit together, each with the headings above it that are not there yet."""
    higher = above(found)
    kept: set[int] = set()
    left = budget - 2 * len(MARK)
    ranked = sorted(range(len(found)), key=lambda i: (-round(scores[i], 6), i))  # rounded: logarithms differ in their last bit
    for i in ranked:
        if found[i].level or not scores[i]:
            continue
        new = [i]
        heading = higher[i]
        while heading >= 0 and heading not in kept:
            new.append(heading)
            heading = higher[heading]
        cost = sum(found[k].end - found[k].start + len(MARK) + 2 for k in new)
        if cost <= left:
            kept.update(new)
            left -= cost
    return sorted(kept)


def _join(text: str, found: Sequence[Passage], kept: Sequence[int]) -> str:
    """The kept passages as they stand, with a mark for each gap, on a line of its own unless inside a paragraph."""
    pieces: list[str] = []
    at = 0
    for i in kept:
        before = text[found[i - 1].end : found[i].start] if i else ""
        if i > at:
            inside = at and found[i].block == found[at - 1].block and "\n" not in before
            pieces.append(f" {MARK} " if inside else f"\n{MARK}\n" if at else f"{MARK}\n")
        else:
            pieces.append(before)
        pieces.append(text[found[i].start : found[i].end])
        at = i + 1
    return "".join(pieces) + ("" if at == len(found) else f"\n{MARK}")
