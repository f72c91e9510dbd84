"""Lines that carry consecutive numbers, as `cat -n` and the read tools of agents print them, told from their numbers.

"    41\\tdef f():" is line 41, "def f():": what was seen under one number is recognised under another, or under none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from headroom.compressors.lines.numbers import Run, Style, bare, runs_of

MIN_RUN = 4
"""Consecutive numbers that make a block: as many as the shortest repeat that is referred to has lines."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A text, line by line."""

    contents: list[str | None] = field(repr=False)
    """Each line without its number; None where a line is not shown."""
    style: Style | None
    """How the numbers are written, None if there are none."""
    runs: list[Run]
    """The whole text as blocks of consecutive numbers and what lies between them."""
    starts: list[int] = field(repr=False)
    """Where each run starts."""
    first: dict[str, int] = field(repr=False)
    """Where the content of a line stands first; without lines that say little."""

    def run(self, at: int) -> Run:
        """The run that line `at` is in."""
        return self.runs[bisect_right(self.starts, at) - 1]

    def at(self, number: int) -> int:
        """The line that carries `number`; without numbers, the line counted from 1. ValueError if there is none."""
        if self.style is None:
            return number - 1
        for run in self.runs:
            if run.first is not None and run.first <= number < run.first + run.end - run.start:
                return run.start + number - run.first
        raise ValueError("no such line")

    def spelled(self, start: int, end: int, style: Style | None, first: int) -> list[str]:
        """Lines `start` to `end` (exclusive), numbered from `first` on in `style` if it is one. ValueError if they are not all shown."""
        if not 0 <= start < end <= len(self.contents):
            raise ValueError("no such lines")
        shown = [line for line in self.contents[start:end] if line is not None]
        if len(shown) < end - start:
            raise ValueError("a line is not shown")
        if style is None:
            return shown
        template = style.long
        return [template % number + line for number, line in enumerate(shown, first)]


LEAST = 4
"""Characters of a line by which a repeat is looked for: blank lines and brackets stand everywhere."""


def lines_of(rows: Sequence[str | None]) -> Lines:
    """Rows, with their numbers taken off where most are numbered and each number names one line. None: not shown."""
    style, runs = runs_of(rows, MIN_RUN)
    numbered = [run for run in runs if run.first is not None]
    most = 2 * sum(run.end - run.start for run in numbered) >= len(rows) - rows.count(None)
    if style is None or not most or not _rising(numbered):
        return unnumbered(rows)
    contents: list[str | None] = []
    for run in runs:
        piece = rows[run.start : run.end]
        contents += piece if run.first is None else bare(piece, run.first, style)
    return Lines(contents, style, runs, [run.start for run in runs], _first(contents, numbered))


def unnumbered(rows: Sequence[str | None]) -> Lines:
    """Rows as they are."""
    runs = [Run(0, len(rows), None)]
    return Lines(list(rows), None, runs, [0], _first(rows, runs))


def _first(contents: Sequence[str | None], runs: Sequence[Run]) -> dict[str, int]:
    """Where the content of each line stands first, in some runs of the text."""
    first: dict[str, int] = {}
    for run in reversed(runs):
        last_to_first = enumerate(reversed(contents[run.start : run.end]), 1 - run.end)
        first.update({line: -at for at, line in last_to_first if line and len(line) >= LEAST})
    return first


def _rising(runs: Sequence[Run]) -> bool:
    return all(b.first is not None and a.first is not None and b.first >= a.first + a.end - a.start for a, b in pairwise(runs))
