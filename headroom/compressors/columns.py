"""Tables whose columns line up (ps, docker ps, kubectl get, dpkg -l, wc, du): cells without padding, and each said once.

    [table of 4 lines, "%-8s %7s  0.0 %4s %s" unpadded; "=" is the cell of "= = 0.1 =", or if that is "=" above; "> " before other lines]
    > USER         PID %CPU %MEM COMMAND
    root 17 0.4 nginx: master process
    nobody 18 = nginx: worker process
    = 412 = postgres: walwriter

The pattern is that of printf; where a cell is the same in nearly all rows it stands in the pattern. Marks of neighbours
are written together: "==". Paths in the last column stand below their folders.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.lines.layout import Column, Layout, read
from headroom.compressors.lines.marks import MARK, Row, affixes, cells_of, unmarked, usual_cells, written
from headroom.compressors.lines.tables import MIN_ROWS, MIN_SHARE, tables
from headroom.compressors.paths import common_folder

MAX_CHARS = 8_000_000
"""Two seconds of work; large bodies are shortened in a thread."""

HEAD, LEAD, LOOKED, MAX_STOPS = 4000, 3, 8, 12
"""Characters at the start of a text, lines of them that are skipped as a preamble and that are looked at to tell a table, and stops a line."""

STRAY = 0.03
"""Share of the rows that may differ in a cell which all others have alike, or one: the names of the columns."""

MIN_NAMES = 1.5
"""Paths for each heading on average: below it headings cost what they save."""

WHOLE, HEADING, HEADER = "> ", "## ", "[table of "

_STOP = re.compile(r"(?<=[ \t])\S(?<!^.)|\b(?=[ ]{2}|[ ]*\t)")
"""Where a cell may begin or end."""

_COUNTED = re.compile(r"[ ]{1,20}[0-9.]{1,20}[KMGT]?[ ]+\S")
"""What wc -l and uniq -c print."""

_HEADER = re.compile(
    r'\[table of (?P<count>[0-9]+) lines, "(?P<pattern>[^"\n]*)" unpadded'
    r'(?:; "=" is the cell (?:of "(?P<usual>[^"\n]*)", or if that is "=" )?above)?'
    r'(?P<folders>; "## " before the folder of paths)?(?:; "> " before other lines)?\]'
)


@dataclass(frozen=True, slots=True)
class Columns:
    """Tables of aligned columns. Kept for certain: every byte. Padding, and cells that all rows or neighbours share, are said once."""

    name: str = "columns"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        lines = [line for line in text[:HEAD].split("\n") if line][LEAD : LEAD + LOOKED]
        if len(lines) == LOOKED and sum(1 for line in lines if _COUNTED.match(line)) >= MIN_SHARE * len(lines):
            return 0.7
        padded = sum(1 for line in lines if "  " in line.lstrip() or "\t" in line)
        if len(lines) < LOOKED - LEAD or padded < MIN_SHARE * len(lines):
            return 0.0
        places = Counter([place for line in lines for place in {found.start() for found in islice(_STOP.finditer(line), MAX_STOPS)}])
        return 0.7 if max(places.values(), default=0) >= MIN_SHARE * len(lines) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many rows")
        lines = text.split("\n")
        if text.startswith(HEADER) or f"\n{HEADER}" in text:
            return None
        form: list[str] = []
        done = 0
        for table in tables(lines):
            first = table.start if form else 0  # what stands before the first table is counted to it: forms open with their header
            form += lines[done:first]
            form += _form(lines[first : table.end], table.layout, [*[None] * (table.start - first), *table.rows])
            done = table.end
        short = "\n".join([*form, *lines[done:]])
        return Compressed(short, "exact") if form and len(short) < len(text) else None

    def expand(self, short: str) -> str | None:
        if not short.startswith(HEADER):
            return None
        try:
            return "\n".join(_lines(short.split("\n")))
        except ValueError:
            return None


def _form(lines: Sequence[str], layout: Layout, rows: Sequence[Row | None]) -> list[str]:
    """The header, then a line for each, and the headings."""
    layout, rows = _affixed(*_fixed(layout, rows))
    folders = not layout.columns[-1].width and _has_folders([row for row in rows if row])
    if folders:
        layout, rows = _rooted(layout, rows)
    parts = [_parts(row, folders) if row else None for row in rows]
    found = [row for part in parts if part for row in (part[1],)]
    usual = usual_cells(found) if found else [""] * len(layout.columns)
    if folders:
        usual[-1] = ""
    shown = iter(written(found, usual, layout.words) if found else [])
    folder = ""
    form: list[str] = []
    for part, line in zip(parts, lines, strict=True):
        if part and part[0] != folder:
            folder = part[0]
            form.append(HEADING + folder)
        form.append(next(shown) if part else WHOLE + line)
    return [_header(form, layout, usual, folders), *form]


def _fixed(layout: Layout, rows: Sequence[Row | None]) -> tuple[Layout, list[Row | None]]:
    """The layout with those cells in it that all rows but a few have alike, and the rows without them."""
    found = [row for row in rows if row]
    common = [Counter(cells).most_common(1)[0] for cells in zip(*found, strict=True)]
    enough = len(found) - max(1, STRAY * len(found))
    fixed = {i: cell for i, (cell, count) in enumerate(common) if count >= enough and '"' not in cell}
    if len(fixed) == len(common):
        fixed.popitem()
    columns: list[Column] = []
    literal = ""
    for i, column in enumerate(layout.columns):
        if i in fixed:
            literal += column.before + column.padded(fixed[i])
        else:
            columns.append(replace(column, before=literal + column.before))
            literal = ""
    same = list(fixed.items())
    left = [[cell for i, cell in enumerate(row) if i not in fixed] if row and all(row[i] == cell for i, cell in same) else None for row in rows]
    return Layout(tuple(columns), literal + layout.after), left


def _affixed(layout: Layout, rows: Sequence[Row | None]) -> tuple[Layout, list[Row | None]]:
    """The layout with what all cells of a column begin or end with in it, and the rows without that."""
    found = [row for row in rows if row]
    columns = list(layout.columns)
    after = layout.after
    cuts: list[tuple[int, int]] = []
    ends: list[str] = []
    for i, (column, cells) in enumerate(zip(columns, zip(*found, strict=True), strict=True)):
        start, end = affixes(cells) if column.words and len(found) >= MIN_ROWS else ("", "")
        start = start if column.left else ""
        end = end if not (column.width and column.left) else ""
        width = column.width - len(start) - len(end)
        if '"' in start + end or (column.width and width < 1) or any(cell[len(start) :][:1] == MARK for cell in cells):
            start = end = ""
            width = column.width
        columns[i] = replace(column, before=(ends[-1] if ends else "") + column.before + start, width=width if column.width else 0)
        ends.append(end)
        cuts.append((len(start), len(end)))
    if not any(start + end for start, end in cuts):
        return layout, list(rows)
    after = (ends[-1] if ends else "") + after
    left = [[cell[start : len(cell) - end] for cell, (start, end) in zip(row, cuts, strict=True)] if row else None for row in rows]
    return Layout(tuple(columns), after), left


def _has_folders(rows: Sequence[Row]) -> bool:
    paths = [row[-1] for row in rows if "/" in row[-1]]
    return len(paths) >= MIN_SHARE * len(rows) and MIN_NAMES * sum(1 for _ in groupby(_folder(path) for path in paths)) < len(rows)


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]


def _rooted(layout: Layout, rows: Sequence[Row | None]) -> tuple[Layout, list[Row | None]]:
    """The layout with the folder of all paths in it. The last line may be the folder itself, as du has it."""
    paths = [row[-1] for row in rows if row]
    root = common_folder(paths[:-1])
    if '"' in root:
        return layout, list(rows)
    *others, last = layout.columns
    cut = [[*row[:-1], row[-1][len(root) :]] if row and row[-1].startswith(root) else None for row in rows]
    return replace(layout, columns=(*others, replace(last, before=last.before + root))), cut


def _parts(row: Row, folders: bool) -> tuple[str, Row] | None:
    """Folder and cells; None if the row could be taken for something else."""
    folder = _folder(row[-1]) if folders else ""
    name = row[-1][len(folder) :]
    if name[:1] == MARK or (row[0] if len(row) > 1 else name).startswith((WHOLE.strip(), HEADING.strip(), HEADER)):
        return None
    return folder, [*row[:-1], name]


def _header(form: Sequence[str], layout: Layout, usual: Row, folders: bool) -> str:
    marks = ""
    if any(usual):
        row = written([[mark or MARK for mark in usual]], [""] * len(usual), layout.words)[0] if set(usual) - {"", MARK} else ""
        marks = f'; "=" is the cell {f"""of "{row}", or if that is "=" """ if row else ""}above'
    headings = '; "## " before the folder of paths' if folders else ""
    others = '; "> " before other lines' if any(line.startswith(WHOLE) for line in form) else ""
    return f'{HEADER}{len(form)} lines, "{layout}" unpadded{marks}{headings}{others}]'


def _lines(form: Sequence[str]) -> Iterator[str]:
    """The inverse of all forms in a text, and what lies between them."""
    at = 0
    while at < len(form):
        header = _HEADER.fullmatch(form[at]) if form[at].startswith(HEADER) else None
        at += 1
        if not header:
            yield form[at - 1]
            continue
        count = int(header["count"])
        if count > len(form) - at:
            raise ValueError("lines are missing")
        yield from _whole(form[at : at + count], header)
        at += count


def _whole(form: Sequence[str], header: re.Match[str]) -> list[str]:
    """The lines of one table."""
    layout = read(header["pattern"])
    words = layout.words
    usual = cells_of(header["usual"], words) if header["usual"] else [MARK] * len(words)
    rows: list[Row] = []
    lines: list[str | None] = []
    folders: list[str] = []
    folder = ""
    for line in form:
        if line.startswith(WHOLE):
            lines.append(line[len(WHOLE) :])
        elif header["folders"] and line.startswith(HEADING):
            folder = line[len(HEADING) :]
        else:
            rows.append(cells_of(line, words))
            folders.append(folder)
            lines.append(None)
    rows = unmarked(rows, usual)
    if header["folders"]:
        rows = [[*row[:-1], folder + row[-1]] for row, folder in zip(rows, folders, strict=True)]
    filled = iter(layout.fill(rows))
    return [next(filled) if line is None else line for line in lines]
