"""Numbers that tools put before lines: how they are written, and which lines they count.

`cat -n` and the read tools of agents number consecutively, each in a style of its own:

        41\\tdef f():        %6d\\t
    L41: def f():           L%d:
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

NUMBERED = re.compile(r"( *)(L?)([0-9]{1,9})(\t|→|: ?| ?[|│] ?)")
"""What stands before a line, in whatever style."""

_STYLE = re.compile(r"(L?)%(0?)([0-9]{0,2})d(\\t|→|: ?| ?[|│] ?)")

Line = TypeVar("Line", str, str | None)
"""A line of a text; None if it is not shown."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a tool writes its numbers."""

    letter: str
    zero: str
    """"0" if numbers are filled up with zeros, "" if with spaces."""
    width: int
    separator: str

    def __str__(self) -> str:
        """As printf has it; a tab as its escape."""
        separator = "\\t" if self.separator == "\t" else self.separator
        return f"{self.letter}%{self.zero}{self.width or ''}d{separator}"

    @property
    def long(self) -> str:
        """A template for the number as the tool wrote it."""
        return f"{self.letter}%{self.zero}{self.width or ''}d{self.separator}"

    @property
    def bare(self) -> str:
        """A template for the number without what fills it up."""
        return f"{self.letter}%d{self.separator}"


@dataclass(frozen=True, slots=True)
class Run:
    """Lines `start` to `end` (exclusive) of a text; numbered from `first` on, or not numbered if that is None."""

    start: int
    end: int
    first: int | None

    def __str__(self) -> str:
        count = self.end - self.start
        return f"{count} other" if self.first is None else f"{self.first}-{self.first + count - 1}"


def read(pattern: str) -> Style:
    """The style that `str` spelled. ValueError if it is none."""
    found = _STYLE.fullmatch(pattern)
    if not found:
        raise ValueError("not a way to write numbers")
    return Style(found[1], found[2], int(found[3] or 0), found[4].replace("\\t", "\t"))


def runs_of(rows: Sequence[str | None], least: int) -> tuple[Style | None, list[Run]]:
    """The style of the first numbered run, and the whole text as runs of that style, of `least` lines, and what lies between."""
    style: Style | None = None
    runs: list[Run] = []
    done = at = 0
    match = NUMBERED.match
    while at < len(rows):
        row = rows[at]
        found = match(row) if row else None
        if not found or not _follows(rows, at + 1, int(found[3]) + 1):
            at += 1
            continue
        number = int(found[3])
        spelled, end = _longest(rows, at, found) if style is None else (style, _end(rows, at, number, style))
        if end - at >= least:
            style = spelled
            if done < at:
                runs.append(Run(done, at, None))
            runs.append(Run(at, end, number))
            done = end
        at = max(end, at + 1)
    if done < len(rows):
        runs.append(Run(done, len(rows), None))
    return style, runs


def _follows(rows: Sequence[str | None], at: int, number: int) -> bool:
    """Whether row `at` may carry `number`: most lists of numbers are told from numbered lines by that."""
    row = rows[at] if at < len(rows) else None
    return row is not None and row.lstrip("L 0").startswith(str(number).lstrip("0"))


def _longest(rows: Sequence[str | None], at: int, found: re.Match[str]) -> tuple[Style, int]:
    """The style that numbers most lines from here on: a space behind the separator may belong to either side."""
    pad, letter, digits, separator = found.groups()
    zero = "0" if not pad and len(digits) > 1 and digits[0] == "0" else ""
    width = len(pad + digits) if pad or zero else 0
    styles = [Style(letter, zero, width, s) for s in dict.fromkeys((separator, separator.rstrip(" ")))]
    ends = [(_end(rows, at, int(digits), style), style) for style in styles]
    end, style = max(ends, key=lambda pair: pair[0])
    return style, end


def _end(rows: Sequence[str | None], at: int, number: int, style: Style) -> int:
    """Where the run of consecutive numbers that starts at row `at` ends."""
    template = style.long
    while at < len(rows) and (row := rows[at]) is not None and row.startswith(template % number):
        at += 1
        number += 1
    return at


def bare(rows: Sequence[Line], first: int, style: Style) -> list[Line]:
    """The lines of a run without their numbers, cut in slices of equally long ones."""
    contents: list[Line] = []
    while len(contents) < len(rows):
        number = first + len(contents)
        size = len(style.long % number)
        same = 10 ** len(str(number)) - number
        contents += [row and row[size:] for row in rows[len(contents) : len(contents) + same]]
    return contents
