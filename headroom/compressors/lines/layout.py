"""How the cells of a table stand in its lines: a printf pattern, found from the lines themselves.

    root          17  0.0 nginx: worker        %-8s %7s %4s %s
    postgres     411  0.6 postgres -D pg

Tools pad cells so that columns line up. The pattern says their padding once: a line is the pattern filled with its
cells. There are two ways to find it: by words, where all cells but the last are one word, and by stops, where cells
hold blanks and columns stand two blanks apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

MAX_COLUMNS = 40
"""More are no table that people read."""

MAX_LINE = 999
"""Characters of a line in which columns are looked for: a pattern says widths in three digits."""

MOST = 0.8
"""Share of the lines that must have a word in a column; the others stand as they are."""

SOME = 0.3
"""Share of the lines that have a cell at a stop: columns may be sparse."""

CLEAN = 0.97
"""Share of the lines that have a blank before a stop."""

_WORD = re.compile(r"\S+")
_CELL = re.compile(r"(?:^|(?<=[ ]{2}))\S")
_CONVERSION = re.compile(r"%(?:(-?)([0-9]{0,3})([sS])|(%))")


@dataclass(frozen=True, slots=True)
class Column:
    """The fixed text before a column, and how its cells are padded; a width of 0 is that of the cell."""

    before: str = ""
    width: int = 0
    left: bool = True
    words: bool = True
    """Whether each cell is one word. Others hold single blanks or nothing at all."""

    def padded(self, cell: str) -> str:
        return cell.ljust(self.width) if self.left else cell.rjust(self.width)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table, and the fixed text behind the last, whose cells may hold anything."""

    columns: tuple[Column, ...]
    after: str = ""

    def __str__(self) -> str:
        """As printf has it, but that %S is a cell of several words."""
        shown = [
            f"{column.before.replace('%', '%%')}%{'-' if column.left and column.width else ''}{column.width or ''}{'s' if column.words else 'S'}"
            for column in self.columns
        ]
        return "".join(shown) + self.after.replace("%", "%%")

    @property
    def words(self) -> list[bool]:
        """For each column whether its cells are words."""
        return [column.words for column in self.columns]

    @property
    def wordy(self) -> bool:
        return all(column.words for column in self.columns[:-1])

    def split(self, lines: Sequence[str]) -> list[list[str] | None]:
        """The cells of each line as its words are; None where they are too few."""
        count, last = len(self.columns), self.columns[-1]
        rows = [line.split(None, count - 1) for line in lines]
        if last.width:  # the last cell may be empty
            rows = [[*row, *[""] * (len(row) == count - 1)] for row in rows]
            rows = [[*row[:-1], row[-1].rstrip(" ")] if row else row for row in rows]
        return [row if len(row) == count else None for row in rows]

    def cut(self, lines: Sequence[str]) -> list[list[str] | None]:
        """The cells of each line as the columns begin."""
        stops: list[int] = []
        at = 0
        for column in self.columns:
            stops.append(at + len(column.before))
            at = stops[-1] + column.width
        spans = [slice(start, end) for start, end in zip(stops, [*stops[1:], None], strict=True)]
        return [[line[span].strip(" ") for span in spans] for line in lines]

    def fill(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """The lines of these rows of cells."""
        template = _CONVERSION.sub(lambda found: found[0].replace("S", "s"), str(self))
        lines = [template % tuple(row) for row in rows]
        for column, cells in zip(self.columns, zip(*rows, strict=True), strict=bool(rows)):
            if column.width and max(map(len, cells)) > column.width:
                for at in [i for i, cell in enumerate(cells) if len(cell) > column.width]:
                    lines[at] = self._fitted(rows[at])
        return lines

    def _fitted(self, row: Sequence[str]) -> str:
        """A row with a cell that is wider than its column, and takes from the padding that follows."""
        line = ""
        due = 0
        for column, cell in zip(self.columns, row, strict=True):
            line += column.before
            due = due + len(column.before) + column.width if column.width else len(line) + len(cell)
            line += cell.ljust(due - len(line)) if column.left else cell.rjust(due - len(line))
        return line + self.after


def read(pattern: str) -> Layout:
    """The layout that `str` spelled. ValueError if it is none."""
    columns: list[Column] = []
    literal = ""
    at = 0
    for found in _CONVERSION.finditer(pattern):
        literal += pattern[at : found.start()]
        at = found.end()
        if found[4]:
            literal += "%"
        else:
            columns.append(Column(literal, int(found[2] or 0), bool(found[1]) or not found[2], found[3] == "s"))
            literal = ""
    layout = Layout(tuple(columns), literal + pattern[at:])
    if not 0 < len(columns) <= MAX_COLUMNS or str(layout) != pattern:
        raise ValueError("not a pattern")
    return layout


@dataclass(frozen=True, slots=True)
class _Places:
    """Where one column's words stand, as far as most lines agree."""

    start: int | None
    end: int | None
    gap: str | None
    """What stands before them."""
    widest: int

    @property
    def fixed(self) -> bool:
        return self.start is not None and self.end is not None


def by_words(lines: Sequence[str], agreeing: float) -> Layout | None:
    """The layout of lines whose columns are words, as far as they line up or what separates them tells."""
    words = [[found.span() for found in islice(_WORD.finditer(line, 0, MAX_LINE), MAX_COLUMNS)] for line in lines]
    columns: list[Column] = []
    places: list[_Places] = []
    for i in range(MAX_COLUMNS):
        here = _places(lines, words, i, agreeing * len(lines))
        made = here and _next(columns[-1] if columns else None, places[-1] if places else None, here)
        if not here or not made:
            break
        columns[-1:] = made
        places.append(here)
    while len(columns) > 1 and columns[-1].before == " " and columns[-2].before in ("", " ") and not columns[-1].width + columns[-2].width and not places[-2].fixed:
        columns.pop()  # words of a text
        places.pop()
    if len(columns) < 2:
        return None
    columns[-1] = replace(columns[-1], width=_rest(places[-1].start, lines))
    return Layout(tuple(columns))


def _rest(start: int | None, lines: Sequence[str]) -> int:
    """The width of a last column that begins at `start`, if it is padded too."""
    padded = Counter([len(line) for line in lines if line[-1:] == " "])
    if start is None or not padded:
        return 0
    size, count = padded.most_common(1)[0]
    return max(0, size - start) if size <= MAX_LINE and count >= MOST * len(lines) else 0


def _places(lines: Sequence[str], words: Sequence[Sequence[tuple[int, int]]], i: int, quorum: float) -> _Places | None:
    having = [(line, row[i - 1][1] if i else 0, *row[i]) for line, row in zip(lines, words, strict=True) if len(row) > i]
    if not having or len(having) < MOST * len(lines):
        return None
    start, begun = Counter([row[2] for row in having]).most_common(1)[0]
    end, ended = Counter([row[3] for row in having]).most_common(1)[0]
    gap, parted = Counter([line[after:first] for line, after, first, _ in having]).most_common(1)[0]
    return _Places(
        start if begun >= max(quorum, ended) else None, end if ended >= max(quorum, begun) else None, gap if parted >= CLEAN * len(having) else None,
        max(last - first for _, _, first, last in having),
    )


def _next(last: Column | None, before: _Places | None, here: _Places) -> list[Column] | None:
    """The last column, now that it is known what follows it, and the next; None if that is part of the last one."""
    if last is None or before is None:
        return [Column(here.gap)] if here.gap is not None else [Column("", here.end, left=False)] if here.end else None
    if here.gap is not None:
        return [last, Column(here.gap)]
    if before.end is not None and (last.width or before.start is None):
        if here.start is not None:
            return [last, Column(" " * (here.start - before.end))]
        return [last, Column(" ", here.end - before.end - 1, left=False)] if here.end and here.end - before.end > 1 else None
    if before.start is None:
        return None
    if here.start is not None:
        return [replace(last, width=here.start - before.start - 1), Column(" ")]
    room = (here.end or 0) - before.start - before.widest - 1
    return [replace(last, width=before.widest), Column(" ", room, left=False)] if room > 0 else None


def by_stops(lines: Sequence[str]) -> Layout | None:
    """The layout of lines whose cells may hold blanks or be empty, and begin where those of other lines do."""
    stops = Counter(found.start() for line in lines for found in _CELL.finditer(line, 0, MAX_LINE))
    blank = [stop for stop, count in stops.items() if count >= SOME * len(lines) and _clean(lines, stop)]
    if not 1 < len(blank) <= MAX_COLUMNS:
        return None
    blank.sort()
    columns: list[Column] = []
    for stop, following in zip(blank, [*blank[1:], 0], strict=True):
        words = all(_WORD.fullmatch(line[stop : following or None].strip(" ")) for line in lines)
        width = following - stop - 1 if following else 0
        columns.append(Column(" " if columns else " " * stop, width, words=words))
    return Layout(tuple(columns))


def _clean(lines: Sequence[str], stop: int) -> bool:
    return stop == 0 or sum(1 for line in lines if line[stop - 1 : stop] in ("", " ")) >= CLEAN * len(lines)
