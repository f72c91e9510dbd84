"""Search results (grep, rg, git grep, compilers): one heading per file, below a folder that is named once.

    [matches in /srv/app/: "## file", then its lines as number:text]
    ## src/a.py
    12:def f():
    13-    return 1
    src/b.py:7:a file with a single match has it on its own line

A line below a heading is what stood behind the file's name and one separator, which is the one behind the number; any
other line is only cut by the common folder. Where the tool printed no numbers, all lines stand below headings. Lines
that are no matches follow "= ", but for the "--" between groups of matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from headroom.compressors.base import Compressed, Goal, TooCostly, read_back
from headroom.compressors.lines.sample import sample
from headroom.compressors.paths import common_folder

MAX_CHARS = 8_000_000
"""Four seconds of work if each line is the only match of its file; large bodies are shortened in a thread."""

MIN_MATCHES = 5
MIN_SHARE = 0.5
"""Of the lines; below it the text is about something else."""

MIN_RUN = 2.0
"""Matches per heading on average, without numbers: below it headings cost what they save."""

MAX_DASHES = 20
"""Numbers between dashes that are tried as the end of a file's name in a line of context."""

WHOLE, HEADING, BREAK = "= ", "## ", "--"

_MATCH = re.compile(r"((?:[A-Za-z]:(?=[\\/]))?[^\x00-\x20:\"'<>|*?,;]{2,400}):(?:[0-9]{1,9}:)?")
_SHAPE = re.compile(r"(?=.*[./\\])[^/\\]*(?:[/\\].*|[A-Za-z_].*)")
_CONTEXT = re.compile(r"-[0-9]{1,9}-")
_LIKE_CONTEXT = re.compile(r"[^\x00-\x20:,;./\\]{0,400}[./\\][^\x00-\x20:,;]{0,400}?-[0-9]{1,9}-")
_NUMBER = re.compile(r"[0-9]{1,9}([:-])")
_HEADER = re.compile(
    r'\[matches(?: in (?P<root>[^\x00-\x20]+?))?(?P<rule>: "## file", then its lines(?P<numbers> as number:text)?)?(?:; "= " before other lines)?\]\n'
)


class Row(NamedTuple):
    """A line of the output: its file ("" if it is no match), where the text behind that begins, and if a number does.

    A tuple, because one is made per line and a frozen dataclass takes three times as long.
    """

    line: str
    path: str = ""
    start: int = 0
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class SearchResults:
    """Hits of grep and ripgrep, with context or without. Kept for certain: every byte. The root is said once for all, a file once for its hits."""

    name: str = "search"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        lines = sample(text).rstrip("\n").split("\n")
        found = sum(1 for line in lines if line == BREAK or _LIKE_CONTEXT.match(line) or _path(line))
        return 0.9 * found / len(lines)

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many matches")
        if _HEADER.match(text):
            return None
        body = text[:-1] if text.endswith("\n") else text
        rows = _rows(body.split("\n"))
        paths = [row.path for row in rows if row.path]
        if len(paths) < max(MIN_MATCHES, MIN_SHARE * len(rows)):
            return None
        numbers = sum(row.numbered for row in rows) * 2 >= len(paths)
        root = common_folder(paths)
        if not numbers and len(paths) < MIN_RUN * sum(1 for _ in groupby(paths)):
            numbers = True  # a form without headings, which only takes the folder off
        form = list(_form(rows, len(root)) if numbers else _plain(rows, len(root)))
        if not form[-1]:  # an empty text at the very end would look like a final newline
            form[-1] = WHOLE + rows[-1].line
        kept = '; "= " before other lines' if any(line.startswith(WHOLE) for line in form) else ""
        headings = any(line.startswith(HEADING) for line in form)
        rule = f': "## file", then its lines{" as number:text" if numbers else ""}' if headings else ""
        header = f"[matches{f' in {root}' if root else ''}{rule}{kept}]"
        short = "\n".join([header, *form]) + text[len(body) :]
        return Compressed(short, "exact") if len(short) < len(text) else None

    def expand(self, short: str) -> str | None:
        return read_back(short, _HEADER, lambda form, header: _lines(form, header["root"] or "", not header["rule"] or bool(header["numbers"])))


def _path(line: str) -> str:
    """The file a match names: it has a folder or an extension, and letters ("10.0.0.1:80:" is none, nor is "INFO:3:")."""
    found = _MATCH.match(line)
    return found[1] if found and _SHAPE.fullmatch(found[1]) else ""


def _rows(lines: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    known: dict[str, bool] = {}
    for line in lines:
        found = _MATCH.match(line)
        path = found[1] if found else ""
        if path not in known:
            known[path] = bool(_SHAPE.fullmatch(path))
        if found and known[path]:
            rows.append(Row(line, path, len(path) + 1, found.end() > len(path) + 1))
        else:
            rows.append(Row(line))
    if sum(known.values()) == 0:
        return rows
    return [row if row.path or row.line == BREAK else _context(row.line, known) for row in rows]


def _context(line: str, known: dict[str, bool]) -> Row:
    """A line of context is told by a file that has a match elsewhere."""
    for _, found in zip(range(MAX_DASHES), _CONTEXT.finditer(line), strict=False):
        if known.get(line[: found.start()]):
            return Row(line, line[: found.start()], found.start() + 1, numbered=True)
    return Row(line)


def _stretches(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Neighbours of one file; what is no match is counted to the file before it."""
    path = ""
    stretch: list[Row] = []
    for row in rows:
        if row.path and row.path != path:
            if stretch:
                yield path, stretch
            path, stretch = row.path, []
        stretch.append(row)
    yield path, stretch


def _form(rows: Sequence[Row], root: int) -> Iterator[str]:
    """Headings over files with several numbered lines, all others below the common folder."""
    for path, stretch in _stretches(rows):
        several = sum(row.numbered for row in stretch) > 1 and sum(bool(row.path) for row in stretch) == sum(row.numbered for row in stretch)
        heads = several or bool(_NUMBER.match(path, root)) or path.startswith((WHOLE, HEADING, BREAK), root)
        if path and heads:
            yield HEADING + path[root:]
        for row in stretch:
            if row.line == BREAK:
                yield BREAK
            elif not row.path or (heads and not row.numbered):
                yield WHOLE + row.line
            else:
                yield row.line[row.start if heads else root :]


def _plain(rows: Sequence[Row], root: int) -> Iterator[str]:
    """Headings over all files; the text of a line that could be taken for something else is kept whole."""
    for path, stretch in _stretches(rows):
        if path:
            yield HEADING + path[root:]
        for row in stretch:
            text = row.line[row.start :]
            if row.line == BREAK:
                yield BREAK
            elif not row.path or row.line[row.start - 1] != ":" or text == BREAK or text.startswith((WHOLE, HEADING)):
                yield WHOLE + row.line
            else:
                yield text


def _lines(form: Sequence[str], root: str, numbers: bool) -> Iterator[str]:
    """The inverse of `_form` and `_plain`."""
    path = ""
    for line in form:
        number = _NUMBER.match(line) if numbers else None
        if line == BREAK:
            yield line
        elif line.startswith(WHOLE):
            yield line[len(WHOLE) :]
        elif line.startswith(HEADING):
            path = root + line[len(HEADING) :]
        elif numbers and not number:
            yield root + line
        elif path:
            yield f"{path}{number[1] if number else ':'}{line}"
        else:
            raise ValueError("a match without a file")
