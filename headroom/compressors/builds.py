"""Builds and installations: warnings, errors and summaries stand whole, lines of mere progress are counted.

    [  1%] Building CXX object a.o        … 1-211 (211 compiled)
    [  2%] Building CXX object b.o        [ 93%] Building CXX object z.o
    …                                     z.cc:7:12: error: expected ';'
    z.cc:7:12: error: expected ';'        make: *** [Makefile:9: z.o] Error 1

What is not known to be progress stays, so diagnostics of compilers are never cut. Before a line of trouble stay the
steps that led to it, and so do the steps that name a target that failed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headroom.compressors.base import Compressed, Goal
from headroom.compressors.formats.progress import ROUTINE
from headroom.compressors.lines.folds import Routine, fold
from headroom.compressors.lines.salience import SEVERE
from headroom.compressors.lines.sample import sample

MAX_LINE = 8000
"""Characters of a line of progress; a command that links hundreds of objects has some thousands."""

MIN_LINES = 5
"""Lines of progress worth folding."""

SHARE = 0.4
"""Of a sample's lines: with less progress than that the text is about something else."""

HALF, LOOKED_AT, SEEN = 1500, 16, 400
"""Characters of each half of the sample, lines of it that are matched, and characters such a line may have."""

BEFORE = 2
"""Lines of progress that stay before a line of trouble: the step and what it was part of."""

MAX_TARGETS = 20
"""Failed targets whose steps are looked for."""

_TARGET = re.compile(r"(?:make(?:\[\d+\])?: \*\*\* \[(?:[^\]\s]+: )?([^\]\s]+)\] |FAILED: (?:\[code=\d+\] )?)(\S*)")
_UNSURE = frozenset(["npm_details"])
"""Units whose lines hold free text, so that they may speak of trouble as well."""


@dataclass(frozen=True, slots=True)
class BuildSummary:
    """Builds and installations. Kept for certain: every warning, error and diagnostic with its lines, and what is not known to be progress."""

    name: str = "build-summary"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        lines = [line for line in sample(text, HALF).split("\n") if line.strip()]
        looked = lines[:: max(1, len(lines) // LOOKED_AT)]
        needed = max(MIN_LINES, SHARE * len(looked))
        if not any(len(line) <= SEEN and _unit(line) for line in looked[::3]):
            return 0.0  # a third of them tells what is no build at all
        found = sum(1 for line in looked if len(line) <= SEEN and _unit(line))
        return 0.9 if found >= needed else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        lines = text.split("\n")
        units = [_unit(line) for line in lines]
        if sum(map(bool, units)) < MIN_LINES:
            return None
        kept = _telling(lines, units)
        routine = {i: Routine(unit.replace("_", " ")) for i, unit in enumerate(units) if unit and i not in kept}
        return fold(text, lines, routine, goal.query)

    def expand(self, short: str) -> str | None:
        return None


def _unit(line: str) -> str:
    """What a line of progress counts as, "" if it is none."""
    found = ROUTINE.match(line.rstrip()) if line and len(line) <= MAX_LINE else None
    unit = (found and found.lastgroup) or ""
    return "" if unit in _UNSURE and SEVERE.search(line) else unit


def _telling(lines: Sequence[str], units: Sequence[str]) -> set[int]:
    """The lines of progress that stay: what led to trouble, what failed, and the last if the text breaks off there."""
    kept: set[int] = set()
    targets: dict[str, None] = {}
    last = -1
    for i, line in enumerate(lines):
        if units[i]:
            last = i
        elif line.strip():
            if i and units[i - 1] and SEVERE.search(line[:MAX_LINE]):
                kept.update(range(max(0, i - BEFORE), i))
            if ("*** [" in line or "FAILED: " in line) and len(targets) < MAX_TARGETS:
                targets.update(dict.fromkeys(_target(line)))
    if last >= 0 and not any(line.strip() for line in lines[last + 1 :]):
        kept.add(last)
    if targets:
        named = re.compile("|".join(rf"(?<!\S){re.escape(target)}(?!\S)" for target in targets))
        kept.update(i for i, unit in enumerate(units) if unit and named.search(lines[i]))
    return kept


def _target(line: str) -> list[str]:
    found = _TARGET.search(line[:MAX_LINE])
    return [name for name in found.groups() if name and name != "Error"] if found else []
