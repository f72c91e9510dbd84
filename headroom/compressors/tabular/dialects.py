"""Tables of texts as files and clients have them: CSV and its like, and tables with bars (Markdown, psql, MySQL).

Each line splits into cells and comes back from them exactly, or it is no row.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from headroom.compressors.lines.letters import LETTER, WORD

DELIMITERS = {",": "CSV", "\t": "TSV", ";": "CSV by ;", "|": "table by |"}
"""Also how a form calls them."""

MIN_ROWS, MAX_CELLS = 5, 200
"""Rows that make a table, and cells of one; wider ones are no tables that people read."""

FITTING = 0.6
"""Share of the lines that must have as many cells as most: tables come with titles, rules and counts of rows."""

LOOK = 40
"""Lines from which the kind of a table is told."""

HEAD, MOST, LEAST = 4000, 12, 3
"""Characters at the start of a text in which its kind is told, lines of them that are enough, and the fewest that do not tell it."""

_NAME = re.compile(rf"[_{LETTER}][{WORD} .%()/#-]{{0,60}}\Z")
_PLAIN = re.compile(rf"[{WORD}:./+-]+(?: [{WORD}:./+-]+)?\Z")
_BAD = frozenset("=<>{}@\t\n~×")


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a text, and what their columns are called."""

    delimiter: str
    names: Sequence[str]
    rows: Mapping[int, Sequence[str]]
    """Number of the line, from 0 → its cells; without the line of names and the rule below it."""
    heading: Sequence[str] | None
    """The cells of the line of names, if there is one."""


def table_of(lines: Sequence[str], fitting: float = FITTING) -> Table | None:
    """The table that lines are, if so large a share of them are its rows."""
    found = dialect(lines)
    if found is None:
        return None
    delimiter, size, named = found
    split = [cells_of(line, delimiter) for line in lines]
    rows = {i: cells for i, cells in enumerate(split) if cells is not None and len(cells) == size}
    if len(rows) < max(MIN_ROWS + 1, fitting * len(lines)):
        return None
    if not named:
        return Table(delimiter, [str(i) for i in range(1, size + 1)], rows, None)
    first, *below = _heading(rows, delimiter)
    heading = rows.pop(first)
    for i in below:
        del rows[i]
    return Table(delimiter, names_of(heading), rows, heading)


def _heading(rows: Mapping[int, Sequence[str]], delimiter: str) -> list[int]:
    """The line of names, and the rule below it."""
    first, *others = list(rows)[:3]
    if delimiter == "|" and others and not "".join(rows[others[0]]).strip("-: "):
        return [first, others[0]]
    return [first]


def cells_of(line: str, delimiter: str) -> list[str] | None:
    """The cells of a line; None if they are quoted otherwise than they have to be."""
    if '"' not in line or delimiter == "|":
        return line.split(delimiter)
    try:
        (cells,) = csv.reader([line], delimiter=delimiter)
    except (csv.Error, ValueError):
        return None
    return cells if line_of(cells, delimiter) == line else None


def line_of(cells: Iterable[str], delimiter: str) -> str:
    """The cells as a line, quoted where they have to be (RFC 4180)."""
    kept = list(cells)
    line = delimiter.join(kept)
    if delimiter == "|" or ('"' not in line and line.count(delimiter) == len(kept) - 1):
        return line
    return delimiter.join(['"' + cell.replace('"', '""') + '"' if '"' in cell or delimiter in cell else cell for cell in kept])


def beginning(text: str) -> list[str]:
    """The whole lines at a text's start by which a table is told; none if they are too few."""
    lines = text[:HEAD].split("\n", MOST)
    if len(text) > HEAD or len(lines) > MOST:
        lines.pop()
    return lines if len(lines) > LEAST else []


def dialect(lines: Sequence[str]) -> tuple[str, int, bool] | None:
    """What parts the cells, how many there are, and whether the first line that has as many names them."""
    found = list(islice((line for line in lines if line), LOOK))
    for delimiter in DELIMITERS:
        if sum(delimiter in line for line in found) < FITTING * len(found):
            continue
        rows = [cells for line in found if (cells := cells_of(line.removesuffix("\r"), delimiter)) and len(cells) > 1]
        sizes = Counter(map(len, rows))
        size = max(sizes, key=lambda size: sizes[size], default=0)
        if not 2 <= size <= MAX_CELLS or sizes[size] < FITTING * len(found):
            continue
        rows = [row for row in rows if len(row) == size]
        if delimiter == "|":
            if size > 2 and _is_ruled(rows):
                return delimiter, size, True
            if any(cell[:1] == " " or cell[-1:] == " " for row in rows for cell in row):
                continue
        if _is_named(rows, delimiter):
            return delimiter, size, True
        if size > 2 and all(map(_is_plain, rows)):
            return delimiter, size, False
    return None


def _is_ruled(rows: Sequence[Sequence[str]]) -> bool:
    """Whether each cell has a blank before it, as tables with bars have."""
    return all(cell[:1] in ("", " ", "-", ":") for row in rows for cell in row[1:])


def _is_named(rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    names, *others = rows
    return len(set(names)) == len(names) and all(map(_NAME.match, names)) and (len(names) > 2 or delimiter == "\t") and len(others) > 0


def _is_plain(row: Sequence[str]) -> bool:
    """Whether cells look like data and not like pieces of a sentence or of a program."""
    return all(not cell or _PLAIN.match(cell) for cell in row) and any("0" <= cell[:1] <= "9" for cell in row)


def names_of(heading: Iterable[str]) -> list[str]:
    """What columns are called: by the line of names, else by number."""
    cells = [cell.strip() for cell in heading]
    counts = Counter(cells)
    return [cell if cell and counts[cell] == 1 and not _BAD & set(cell) and not (cell.isascii() and cell.isdigit()) else str(i) for i, cell in enumerate(cells, 1)]
