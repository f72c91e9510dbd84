"""Statistics of git (--stat): files, lines changed and bars, without the padding that their columns need.

     src/reader.py | 12 ++++++------        src/reader.py 12 ++++++------
     src/long.py   |  3 +--                 /long.py 3 +--
     2 files changed, 7 insertions(+), 8 deletions(-)        +7 -8

The widths of the columns are those of their widest cells, so the lines can be made again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_FILE = re.compile(r" ([^/\s][^\n]*?) +\| +([0-9]+|Bin)((?: [0-9]+ -> [0-9]+ bytes| [+-]+)?)")
_SHORT = re.compile(r"([^\n]*) ([0-9]+|Bin)((?: [0-9]+ -> [0-9]+ bytes| [+-]+)?)")
_SUM = re.compile(r" ([0-9]+) files? changed(?:, ([0-9]+) insertions?\(\+\))?(?:, ([0-9]+) deletions?\(-\))?")
_SHORT_SUM = re.compile(r"(?:\+([0-9]+))?(?: ?-([0-9]+))?")

File = tuple[str, str, str]
"""Path, number of lines, and the bar with the blank before it."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The form of one block, and the line behind it."""

    form: list[str]
    end: int


def statistics(lines: Sequence[str], start: int) -> Statistics | None:
    """The block that begins at `start`, to its sum; None if it cannot be made again from its form."""
    files: list[File] = []
    at = start
    while at < len(lines) and (found := _FILE.fullmatch(lines[at])):
        files.append((found[1], found[2], found[3]))
        at += 1
    found = _SUM.fullmatch(lines[at]) if files and at < len(lines) else None
    if not found or not (found[2] or found[3]) or int(found[1]) != len(files):
        return None
    plus, minus = found[2], found[3]
    if _written(files, plus, minus) != list(lines[start : at + 1]):
        return None
    form: list[str] = []
    folder = ""
    for path, count, bar in files:
        above, folder = folder, path[: path.rfind("/") + 1]
        form.append(f"{path[len(folder) - 1 :] if folder and folder == above else path} {count}{bar}")
    form.append(" ".join([*([f"+{plus}"] if plus else []), *([f"-{minus}"] if minus else [])]))
    return Statistics(form, at + 1)


def read_statistics(form: Sequence[str], start: int) -> tuple[list[str], int]:
    """The lines of the block whose form begins at `start`, and the line behind it. ValueError if there is none."""
    files: list[File] = []
    folder = ""
    for at in range(start, len(form)):
        total = _SHORT_SUM.fullmatch(form[at])
        if total and files and form[at]:
            return _written(files, total[1], total[2]), at + 1
        found = _SHORT.fullmatch(form[at])
        if not found:
            break
        path = folder + found[1][1:] if found[1].startswith("/") else found[1]
        folder = path[: path.rfind("/") + 1]
        files.append((path, found[2], found[3]))
    raise ValueError("statistics without a sum")


def _written(files: Sequence[File], plus: str | None, minus: str | None) -> list[str]:
    width, digits = max(len(path) for path, _, _ in files), max(len(count) for _, count, _ in files)
    lines = [f" {path:<{width}} | {count:>{digits}}{bar}" for path, count, bar in files]
    total = f" {len(files)} file{'s' * (len(files) != 1)} changed"
    if plus:
        total += f", {plus} insertion{'s' * (plus != '1')}(+)"
    if minus:
        total += f", {minus} deletion{'s' * (minus != '1')}(-)"
    return [*lines, total]
