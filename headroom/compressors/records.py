"""CSV, TSV and the like: what a column shares said once, in its name; numbers that only count are counted.

    id,day,city,price                 [CSV of 3 rows; id: 501 502 … by 1]
    501,2026-10-01,Graz,9.50          day(2026-10-~),city=Graz,price
    502,2026-10-01,Graz,7.00          01,9.50
    503,2026-10-02,Graz,7.25          01,7.00
                                      02,7.25

A line that does not fit stands as it is behind a tab.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.lines.sample import sample
from headroom.compressors.tabular.layout import NUMBER
from headroom.compressors.tabular.reading import decode
from headroom.compressors.tabular.tables import encode
from headroom.conversation import Json

MAX_CHARS = 8_000_000
"""About a second of work."""

MIN_ROWS, MIN_COLUMNS, MAX_COLUMNS = 5, 2, 200
HALF = 1000
"""Characters of each half of the sample."""

FITTING = 0.8
"""Share of the lines that must have as many cells as the first."""

DELIMITERS: Mapping[str, str] = {",": "CSV", "\t": "TSV", ";": "CSV by ;", "|": "CSV by |"}
"""Also how the form calls them."""

_DELIMITERS = {kind: sign for sign, kind in DELIMITERS.items()}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?\Z")
_WHOLE = re.compile(r"(?:0|[1-9][0-9]{0,14})\Z")
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([ T])(\S{4,35})\Z")
_NAME = re.compile(r"[A-Za-z_][\w .%()/-]{0,60}\Z")
_HEADER = re.compile(
    r"\[(CSV|TSV|CSV by [;|]) of ([0-9]{1,7}) rows(; CRLF)?((?:; \w[^\];]*: [0-9]+ [0-9]+ … by -?[0-9]+)*)((?:; [^\];]+ parted at [ T])*); a tab: as it was\]\n"
)
_COUNTED = re.compile(r"; ([^\];]+): ([0-9]+) [0-9]+ … by (-?[0-9]+)")
_PARTED = re.compile(r"; ([^\];]+) parted at ([ T])")


@dataclass(frozen=True, slots=True)
class _Plan:
    """How columns are written otherwise than cell by cell."""

    names: Sequence[str]
    counted: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Name → first number and step."""
    parted: Mapping[str, str] = field(default_factory=dict)
    """Name → what stands between date and time."""

    def row(self, cells: Sequence[str]) -> dict[str, Json]:
        """The cells of a row that are written, by name."""
        found: dict[str, Json] = {}
        for name, cell in zip(self.names, cells, strict=True):
            if name in self.parted:
                found[f"{name}.date"], found[f"{name}.time"] = cell.split(self.parted[name], 1)
            elif name not in self.counted and cell:
                found[name] = NUMBER + cell if _NUMBER.match(cell) else cell
        return found

    def cells(self, row: Mapping[str, Json], number: int) -> Iterator[str]:
        for name in self.names:
            if name in self.counted:
                start, step = self.counted[name]
                yield str(start + number * step)
            elif name in self.parted:
                yield f"{row[f'{name}.date']}{self.parted[name]}{row[f'{name}.time']}"
            else:
                yield str(row.get(name, "")).removeprefix(NUMBER)


class Records:
    """CSV and TSV with a line of names. Kept for certain: every byte. What a column shares stands in its name; numbers that go up
    by one step are not shown at all."""

    name = "records"
    lossy = False

    def sniff(self, text: str, goal: Goal) -> float:
        lines = [line for line in sample(text, HALF).split("\n") if line]
        delimiter = _delimiter(lines)
        return 0.85 if delimiter and len(lines) > MIN_ROWS else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many rows")
        if NUMBER in text or _HEADER.match(text):
            return None
        lines = text.split("\n")
        crlf = all(line.endswith("\r") for line in lines[:-1]) and lines[-1] == ""
        if crlf:
            lines = [line[:-1] for line in lines[:-1]] + [""]
        delimiter = _delimiter(lines)
        if delimiter is None:
            return None
        names = lines[0].split(delimiter)
        split = ((i, _cells(line, delimiter)) for i, line in enumerate(lines[1:], 1))
        rows = {i: cells for i, cells in split if cells is not None and len(cells) == len(names)}
        if len(rows) < max(MIN_ROWS, FITTING * (len(lines) - 2)):
            return None
        plan = _plan(names, list(rows.values()))
        if any(not cell for cell in next(iter(rows.values()))):
            return None  # the names are read back from the first row
        table = encode([plan.row(row) for row in rows.values()], None)
        if table is None:
            return None
        short = "\n".join(_shown(lines, rows, table, _opening(DELIMITERS[delimiter], len(rows), plan, crlf=crlf)))
        return Compressed(short, "exact") if len(short) < len(text) else None

    def expand(self, short: str) -> str | None:
        header = _HEADER.match(short)
        if not header:
            return None
        try:
            return ("\r\n" if header[3] else "\n").join(_read(short[header.end() :].split("\n"), header))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return None


def _delimiter(lines: Sequence[str]) -> str | None:
    """What parts the cells, if the first line is one of names and most lines have as many cells."""
    if not lines:
        return None
    for delimiter in DELIMITERS:
        names = lines[0].rstrip("\r").split(delimiter)
        if not MIN_COLUMNS <= len(names) <= MAX_COLUMNS or len(set(names)) < len(names) or not all(map(_NAME.match, names)):
            continue
        fitting = sum((cells := _cells(line.rstrip("\r"), delimiter)) is not None and len(cells) == len(names) for line in lines)
        if fitting >= FITTING * (len(lines) - 1) and (len(names) > 2 or delimiter == "\t"):
            return delimiter
    return None


def _cells(line: str, delimiter: str) -> list[str] | None:
    """The cells of a line; None if they are quoted otherwise than they have to be."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        (cells,) = csv.reader([line], delimiter=delimiter)
    except (csv.Error, ValueError):
        return None
    return cells if _line(cells, delimiter) == line else None


def _line(cells: Iterable[str], delimiter: str) -> str:
    """The cells as a line, quoted where they have to be (RFC 4180)."""
    line = delimiter.join(kept := list(cells))
    if '"' not in line and line.count(delimiter) == len(kept) - 1:
        return line
    return delimiter.join(['"' + cell.replace('"', '""') + '"' if '"' in cell or delimiter in cell else cell for cell in kept])


def _plan(names: Sequence[str], rows: Sequence[Sequence[str]]) -> _Plan:
    counted: dict[str, tuple[int, int]] = {}
    parted: dict[str, str] = {}
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        if all(map(_WHOLE.match, column)):
            numbers = list(map(int, column))
            steps = {b - a for a, b in pairwise(numbers)}
            if len(steps) == 1 and steps != {0}:
                counted[name] = numbers[0], steps.pop()
            continue
        first = _TIME.match(column[0])
        if first and f"{name}.date" not in names and all((found := _TIME.match(cell)) and found[2] == first[2] for cell in column):
            parted[name] = first[2]
    if len(counted) == len(names):
        counted.popitem()
    return _Plan(names, counted, parted)


def _opening(kind: str, rows: int, plan: _Plan, *, crlf: bool) -> str:
    counted = "".join(f"; {name}: {start} {start + step} … by {step}" for name, (start, step) in plan.counted.items())
    parted = "".join(f"; {name} parted at {sign}" for name, sign in plan.parted.items())
    return f"[{kind} of {rows} rows{'; CRLF' if crlf else ''}{counted}{parted}; a tab: as it was]"


def _shown(lines: Sequence[str], rows: Mapping[int, Sequence[str]], table: Sequence[str], opening: str) -> Iterator[str]:
    heads = len(table) - len(rows)
    yield opening
    yield "\t" + lines[0]
    yield from table[:heads]
    printed = iter(table[heads:])
    for i, line in enumerate(lines[1:], 1):
        yield next(printed) if i in rows else "\t" + line


def _read(lines: list[str], header: re.Match[str]) -> Iterator[str]:
    delimiter = _DELIMITERS[header[1]]
    names = lines[0][1:].split(delimiter)
    counted = {name: (int(start), int(step)) for name, start, step in _COUNTED.findall(header[4])}
    plan = _Plan(names, counted, dict(_PARTED.findall(header[5])))
    table = [line for line in lines if not line.startswith("\t")]
    values, _ = decode(table, int(header[2]), False)
    yield lines[0][1:]
    left = len(table) - len(values)
    found = iter(_line(plan.cells(row, i), delimiter) for i, row in enumerate(values))
    for line in lines[1:]:
        if line.startswith("\t"):
            yield line[1:]
        elif left:
            left -= 1
        else:
            yield next(found)
