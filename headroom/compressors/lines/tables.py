"""Find the tables among the lines of a text: where each begins and ends, how its cells stand, and what they are.

What a layout does not give back letter for letter is no row; so whoever writes rows in another way may rely on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from headroom.compressors.lines.layout import Layout, by_stops, by_words
from headroom.compressors.lines.marks import MARK, Row, is_readable

MIN_ROWS = 5
"""Rows of a table: fewer line up by chance, and hardly pay for the line that says how."""

MIN_SHARE = 0.6
"""Of the lines of a table that must be rows of it."""

MOST, HALF = 0.8, 0.6
"""Shares of the lines that must agree where a column begins or ends: in the others a cell may be too wide. Both are tried."""

LOOK = 48
"""Lines of a table that are looked at for its columns."""

WINDOW = 10
"""Lines that are tried as the beginning of a table where the whole is none."""

MISFITS = 3
"""Lines in a row that are no rows, behind which a table ends."""

MAX_TRIES = 200
"""Beginnings of tables that are tried in one text."""


@dataclass(frozen=True, slots=True)
class Table:
    """Lines `start` to `end` (exclusive) of a text: the cells of those that are rows."""

    start: int
    end: int
    layout: Layout
    rows: Sequence[Row | None]

    def share(self, lines: Sequence[str]) -> float:
        """The share of its lines that would be written, about."""
        here = lines[self.start : self.end]
        return _left(here, self.rows) / sum(map(len, here))


def tables(lines: Sequence[str]) -> Iterator[Table]:
    """Each stretch between blank lines is one table, or is searched for where one begins."""
    tries = MAX_TRIES
    blank = [i for i, line in enumerate(lines) if not line or line.isspace()]
    for start, end in zip([0, *(i + 1 for i in blank)], [*blank, len(lines)], strict=True):
        at, whole = start, True
        while end - at >= MIN_ROWS and tries:
            tries -= 1
            table = _found(lines, at, end, end) if whole else None
            if not table or _has_more(table.rows):
                table = min(filter(None, (table, _found(lines, at, at + WINDOW, end))), key=lambda found: found.share(lines), default=None)
            whole = table is not None
            if table:
                yield table
            at = table.end if table else at + WINDOW // 2


def _found(lines: Sequence[str], start: int, seen: int, end: int) -> Table | None:
    """The table that begins at `start`, as the lines up to `seen` have it."""
    layout = _layout(lines[start:seen])
    if not layout:
        return None
    rows = _extent(lines, start, end, layout)
    better = _layout(lines[start : start + len(rows)]) if len(rows) > seen - start else layout
    if better and better != layout:
        layout, rows = better, _rows(lines[start : start + len(rows)], better)
    return Table(start, start + len(rows), layout, rows) if len(rows) >= MIN_ROWS else None


def _layout(lines: Sequence[str]) -> Layout | None:
    """The layout that leaves least of lines most of which are rows of it."""
    chosen = lines[:: max(1, len(lines) // LOOK)][:LOOK]
    best: Layout | None = None
    least = 2 * sum(map(len, chosen))
    for layout in _layouts(chosen):
        rows = _rows(chosen, layout)
        count, left = sum(1 for row in rows if row), _left(chosen, rows)
        if left < least and count >= MIN_SHARE * len(chosen):
            best, least = layout, left
        if len(chosen) <= WINDOW or (count >= MOST * len(chosen) and not _has_more(rows)):
            break
    return best


def _layouts(lines: Sequence[str]) -> Iterator[Layout]:
    """Layouts to be tried, the likeliest first."""
    for agreeing in (MOST, 0.0, HALF):
        layout = by_words(lines, agreeing) if agreeing else by_stops(lines)
        if layout and '"' not in str(layout):
            yield layout


def _has_more(rows: Sequence[Row | None]) -> bool:
    """Whether there may be columns in what the layout takes for the last one."""
    return 2 * sum(1 for row in rows if row and ("  " in row[-1] or "\t" in row[-1])) > len(rows)


def _left(lines: Sequence[str], rows: Sequence[Row | None]) -> int:
    """Characters that would be written, about: cells that differ from those above, and lines that are no rows."""
    columns = zip(*[row for row in rows if row], strict=True)
    cells = sum(sum([1 + len(b) for a, b in pairwise(("", *cells)) if a != b]) for cells in columns)
    return cells + sum(len(line) for line, row in zip(lines, rows, strict=True) if not row)


def _extent(lines: Sequence[str], start: int, end: int, layout: Layout) -> list[Row | None]:
    """The rows from `start` on, up to where several lines are none."""
    rows: list[Row | None] = []
    misses = 0
    for at in range(start, end, LOOK):
        for row in _rows(lines[at : min(end, at + LOOK)], layout):
            misses = 0 if row else misses + 1
            if misses == MISFITS and len(rows) >= MIN_ROWS:
                return rows[: 1 - MISFITS]
            rows.append(row)
    return rows[: len(rows) - misses]


def _rows(lines: Sequence[str], layout: Layout) -> list[Row | None]:
    """The cells of each line that is a row; what the layout does not give back is none."""
    words = layout.words
    if layout.wordy:
        cut = [row if row and (MARK not in line or is_readable(row, words)) else None for row, line in zip(layout.split(lines), lines, strict=True)]
    else:
        cut = [row if row and is_readable(row, words) else None for row in layout.cut(lines)]
    filled = iter(layout.fill([row for row in cut if row]))
    return [row if row and next(filled) == line else None for row, line in zip(cut, lines, strict=True)]
