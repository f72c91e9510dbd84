"""Rows of cells written one blank apart, with a mark for a cell that the reader knows.

    root 17 0.0 0.0 11280 ?        root 17 == 11280 =
    root 18 0.0 0.0 12676 ?        = 18 == 12676 =

A mark stands for the column's usual cell, or else for the cell above; marks of neighbours are written together, since a
run of them is one token. Which it is in each column is told by a row of usual cells, with marks in the columns that have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from headroom.compressors.lines.letters import is_alnum
from headroom.compressors.lines.prefix import common_prefix
from headroom.tokens import estimate

MARK = "="
"""Models write and read runs of it in one token; cells that begin with it cannot be told from it."""

MIN_MARKS = 0.2
"""Tokens a row that the marks of a column must save on average, else the reader's effort is not paid for."""

USUAL = 0.35
"""Share of a column that its usual cell fills."""

Row = list[str]


def usual_cells(rows: Sequence[Row]) -> Row:
    """For each column the cell that its mark stands for, "=" for the one above, "" if it is not marked: whatever saves most."""
    found: Row = []
    for cells in zip(*rows, strict=True):
        cell, count = Counter(cells).most_common(1)[0]
        again = [b for a, b in pairwise(cells) if a == b]
        by_cell = (count - 1) * (estimate(" " + cell) - 1) if cell and count >= USUAL * len(cells) and '"' not in cell else 0
        by_above = estimate(" " + " ".join(again)) - len(again) if again else 0
        least = MIN_MARKS * len(cells)
        found.append(cell if by_cell >= max(by_above, least) else MARK if by_above >= least else "")
    return found


def affixes(cells: Sequence[str]) -> tuple[str, str]:
    """What all cells begin with, up to a sign, and end with, from a sign on; something is left of each cell."""
    start = _shared(cells) if len({cell[:1] for cell in cells}) == 1 else ""
    while start and is_alnum(start[-1]):
        start = start[:-1]
    end = _shared([cell[::-1] for cell in cells]) if len({cell[-1:] for cell in cells}) == 1 else ""
    while end and is_alnum(end[-1]):
        end = end[:-1]
    if min(map(len, cells)) <= len(start) + len(end):
        return "", ""
    return start, end[::-1]


def _shared(cells: Sequence[str]) -> str:
    return common_prefix(min(cells), max(cells))


def written(rows: Sequence[Row], usual: Row, words: Sequence[bool]) -> list[str]:
    """A line for each row. `words`: for each column whether its cells are one word; others end with two blanks."""
    lines: list[str] = []
    before: list[str] = []
    behind = ""
    for mark, wordy, cells in zip(usual, words, zip(*rows, strict=True), strict=True):
        if mark == MARK:
            shown = [MARK if same == cell else cell for same, cell in zip(("", *cells), cells, strict=False)]
        else:
            shown = [MARK if cell == mark else cell for cell in cells] if mark else list(cells)
        lines = [
            f"{line}{cell}" if last == cell == MARK else f"{line}{' ' if last == MARK else behind}{cell}"
            for line, last, cell in zip(lines, before, shown, strict=True)
        ] if behind else shown
        before, behind = shown, " " if wordy else "  "
    return lines


def is_readable(row: Sequence[str], words: Sequence[bool]) -> bool:
    """Whether the cells can be told apart again when they are written with blanks between them."""
    if any(cell[:1] == MARK for cell in row):
        return False
    return all(bool(cell) and " " not in cell if wordy else "  " not in cell for cell, wordy in zip(row[:-1], words, strict=False))


def cells_of(line: str, words: Sequence[bool]) -> Row:
    """The cells of a line, a mark for each one that is marked. ValueError if they are too few or too many."""
    cells: Row = []
    last = len(words) - 1
    at = 0
    while len(cells) <= last:
        if line[at : at + 1] == MARK:
            end = at
            while line[end : end + 1] == MARK:
                end += 1
            cells += MARK * (end - at)
            at = end + 1
        elif len(cells) == last:
            cells.append(line[at:])
            at = len(line)
        else:
            behind = " " if words[len(cells)] else "  "
            end = line.index(behind, at)
            cells.append(line[at:end])
            at = end + len(behind)
    if len(cells) > last + 1 or at < len(line):
        raise ValueError("more cells than columns")
    return cells


def unmarked(rows: Sequence[Row], usual: Row) -> list[Row]:
    """The rows with the cells that marks stand for. `usual`: a mark where a column has no usual cell."""
    columns: list[list[str]] = []
    for mark, cells in zip(usual, zip(*rows, strict=True), strict=True):
        if mark != MARK:
            columns.append([mark if cell == MARK else cell for cell in cells])
            continue
        above = ""
        column: list[str] = []
        for cell in cells:
            above = above if cell == MARK else cell
            column.append(above)
        columns.append(column)
    return [list(row) for row in zip(*columns, strict=True)]
