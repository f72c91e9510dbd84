"""Fold runs of lines that a tool prints while all goes well, and say how many of what they were.

    Collecting idna                       Collecting idna
      Downloading idna-3.20.whl           … 2-41 (20 collected, 20 downloaded)
    …                                     ERROR: no matching distribution
    ERROR: no matching distribution

Which lines are routine is the business of those who know the tool; here it is decided which of them the question
names and must stay, and which runs are too short to fold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from headroom.compressors.base import Compressed
from headroom.compressors.lines.salience import terms
from headroom.compressors.lines.view import show

MIN_CHARS = 40
"""Characters of a run: a gap and its note cost about ten tokens, as much as so many characters."""

RARE = 10
"""Places at which a word of the question may stand: one that stands at more ("tests", "npm") names none of them."""

MAX_UNITS = 4
"""Kinds of lines that a note counts; the others are counted together."""


class Routine(NamedTuple):
    """What a line that may be folded stands for: "412 passed" is the sum of 412 such lines of the unit "passed"."""

    unit: str
    number: int = 1


def fold(text: str, lines: Sequence[str], routine: Mapping[int, Routine], query: str) -> Compressed | None:
    """The view of `lines`, those of `text`, without the runs of routine ones; None if that leaves nothing out."""
    named = lines_named(text, query) if routine else frozenset()
    kept: set[int] = set(range(len(lines)))
    notes: dict[int, str] = {}
    for run in _runs(lines, routine, named):
        if sum(len(lines[i]) for i in run) >= MIN_CHARS:
            kept.difference_update(run)
            notes[run.start] = _note(routine[i] for i in run if i in routine)
    made = show(lines, kept, notes)
    if made is None or len(made.text) >= len(text):
        return None
    return Compressed(made.text, "lossy", omitted=made.omitted, lines=made.lines)


def lines_named(text: str, query: str) -> frozenset[int]:
    """The indexes of the lines that the question names: they hold one of its words that is rare in the text."""
    low = text.lower()
    places: set[int] = set()
    for term in terms(query):
        if 0 < low.count(term) <= RARE:
            places.update(_starts(low, term))
    found: set[int] = set()
    line = at = 0
    for place in sorted(places):
        line += low.count("\n", at, place)
        at = place
        found.add(line)
    return frozenset(found)


def _starts(low: str, term: str) -> Iterator[int]:
    """Where `term` stands at the start of a word."""
    at = low.find(term)
    while at >= 0:
        if at == 0 or not low[at - 1].isalnum():
            yield at
        at = low.find(term, at + len(term))


def _runs(lines: Sequence[str], routine: Mapping[int, Routine], named: frozenset[int]) -> Iterator[range]:
    """Neighbours that are routine and not named, with the blank lines between them."""
    start = end = -1
    for i in sorted(routine):
        if i in named:
            continue
        if start >= 0 and (i == end or not any(lines[j].strip() or j in named for j in range(end, i))):
            end = i + 1
            continue
        if start >= 0:
            yield range(start, end)
        start, end = i, i + 1
    if start >= 0:
        yield range(start, end)


def _note(units: Iterator[Routine]) -> str:
    """What a gap says: "96 downloaded, 40 compiled"; the units in the order of their first lines."""
    counts: Counter[str] = Counter()
    for unit, number in units:
        counts[unit] += number
    shown = [(unit, count) for unit, count in counts.items() if count][: MAX_UNITS + 1]
    if len(shown) > MAX_UNITS:
        shown = [*shown[: MAX_UNITS - 1], ("others", sum(counts.values()) - sum(count for _, count in shown[: MAX_UNITS - 1]))]
    return ", ".join(f"{count} {unit}" for unit, count in shown) or "routine"
