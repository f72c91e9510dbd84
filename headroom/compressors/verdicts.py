"""Verdicts on single tests (pytest -v, unittest -v, cargo test): one heading per file or class, below it the names.

    tests/test_a.py::test_one PASSED     [ 33%]        [pytest -v of 3 in 43 columns: "## file", then its tests: …]
    tests/test_a.py::test_two FAILED     [ 66%]        ## tests/test_a.py
    tests/test_b.py::test_one PASSED     [100%]        test_one
                                                       FAILED: test_two
                                                       ## tests/test_b.py
                                                       test_one

A name alone passed. The percentages and the blanks before them follow from the number of tests and the width. A line
that the rule would not give back to the letter stands behind "= "; what follows the last verdict stands below "==".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from headroom.compressors.base import Compressed, Goal, read_back
from headroom.compressors.lines.sample import sample

MIN_VERDICTS = 5
"""A list of fewer is short anyway."""

MAX_LINE = 1000
"""Characters of a verdict."""

HALF = 1500
"""Characters of each half of the sample."""

OTHER, HEADING, REST = "= ", "## ", "=="


@dataclass(frozen=True, slots=True)
class Notation:
    """How one runner writes a verdict."""

    tool: str
    line: re.Pattern[str]
    """Groups: `group` (a file, a class, a module), `name`, `verdict`."""
    usual: str
    write: Callable[[str, str, str], str]
    """The line for a group, a name and a verdict, without percentage."""
    percent: bool = False


PYTEST = Notation(
    "pytest -v", re.compile(r"(?P<group>[^\s:]+)::(?P<name>\S.*?) (?P<verdict>[A-Z]{4,7}) +\[ *\d+%\]"), "PASSED",
    lambda group, name, verdict: f"{group}::{name} {verdict}", percent=True,
)
UNITTEST = Notation(
    "unittest -v", re.compile(r"(?P<name>\w+) \((?P<group>[\w.]+)\.(?P=name)\) \.\.\. (?P<verdict>ok|FAIL|ERROR)"), "ok",
    lambda group, name, verdict: f"{name} ({group}.{name}) ... {verdict}",
)
CARGO = Notation(
    "cargo test", re.compile(r"test (?P<group>[^\s:]+(?:::[^\s:]+)*)::(?P<name>[^\s:]+) \.\.\. (?P<verdict>ok|FAILED|ignored)"), "ok",
    lambda group, name, verdict: f"test {group}::{name} ... {verdict}",
)
NOTATIONS = {notation.tool: notation for notation in (PYTEST, UNITTEST, CARGO)}

_MARKS = ("%]\n", " ... ok\n")
_COLLECTED = re.compile(r"^(?:collecting \.\.\. )?collected (\d+) items?(?:.* (\d+) selected)?", re.MULTILINE)
_NAMED = re.compile(r"(?P<verdict>[A-Za-z]{2,7}): (?P<name>\S.*)")
_HEADER = re.compile(
    r'\[(?P<tool>pytest -v|unittest -v|cargo test)(?: of (?P<total>\d{1,9}) in (?P<width>\d{1,4}) columns)?: "## group", then its tests: those named alone are (?:PASSED|ok); "= " before other lines, "==" before the rest\]\n'
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A notation, and what the percentages follow from."""

    notation: Notation
    total: int = 0
    width: int = 0

    def line(self, group: str, name: str, verdict: str, number: int) -> str:
        left = self.notation.write(group, name, verdict)
        if not self.notation.percent:
            return left
        return left + f" [{100 * number // self.total:3}%]".rjust(max(7, self.width - len(left)))

    def header(self) -> str:
        size = f" of {self.total} in {self.width} columns" if self.notation.percent else ""
        return f'[{self.notation.tool}{size}: "## group", then its tests: those named alone are {self.notation.usual}; "= " before other lines, "==" before the rest]'


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts on single tests. Kept for certain: every byte. Tests stand below their file or class; the usual verdict is said once."""

    name: str = "verdicts"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        piece = sample(text, HALF)
        if not any(mark in piece for mark in _MARKS):
            return 0.0
        lines = piece.split("\n")
        found = max(sum(1 for line in lines if len(line) <= MAX_LINE and notation.line.fullmatch(line)) for notation in NOTATIONS.values())
        return 0.9 if found >= MIN_VERDICTS else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if _HEADER.match(text):
            return None
        body = text[:-1] if text.endswith("\n") else text
        lines = body.split("\n")
        rule = _rule(text, lines)
        if rule is None:
            return None
        short = "\n".join([rule.header(), *_form(lines, rule)]) + text[len(body) :]
        return Compressed(short, "exact") if len(short) < len(text) else None

    def expand(self, short: str) -> str | None:
        return read_back(short, _HEADER, _lines)


def _rule(text: str, lines: Sequence[str]) -> _Rule | None:
    """The notation of the first verdict, if the text has enough of them; for percentages their total must be known."""
    for notation in NOTATIONS.values():
        verdicts = [line for line in lines if len(line) <= MAX_LINE and notation.line.fullmatch(line)]
        if len(verdicts) < MIN_VERDICTS:
            continue
        if not notation.percent:
            return _Rule(notation)
        collected = _COLLECTED.search(text[: 64 * 1024])
        total = int(collected[2] or collected[1]) if collected else 0
        return _Rule(notation, total, min(map(len, verdicts))) if total else None
    return None


def _form(lines: Sequence[str], rule: _Rule) -> Iterator[str]:
    found = [rule.notation.line.fullmatch(line) if len(line) <= MAX_LINE else None for line in lines]
    end = max(i for i, match in enumerate(found) if match) + 1
    group = None
    number = 0
    for line, match in zip(lines[:end], found, strict=False):
        number += match is not None
        told = _told(match, rule) if match and line == rule.line(match["group"], match["name"], match["verdict"], number) else ""
        if not match or not told:
            yield OTHER + line
            continue
        if match["group"] != group:
            group = match["group"]
            yield HEADING + group
        yield told
    if end < len(lines):
        yield REST
        yield from lines[end:]


def _told(found: re.Match[str], rule: _Rule) -> str:
    """What stands below the heading; "" if it would be taken for something else."""
    if found["verdict"] != rule.notation.usual:
        return f"{found['verdict']}: {found['name']}"
    name = found["name"]
    return "" if name == REST or name.startswith((OTHER, HEADING)) or _NAMED.fullmatch(name) else name


def _lines(form: Sequence[str], header: re.Match[str]) -> Iterator[str]:
    """The inverse of `_form`."""
    rule = _Rule(NOTATIONS[header["tool"]], int(header["total"] or 0), int(header["width"] or 0))
    if rule.notation.percent and not rule.total:
        raise ValueError("percentages of nothing")
    group = ""
    number = 0
    for i, line in enumerate(form):
        if line == REST:
            yield from form[i + 1 :]
            return
        if line.startswith(HEADING):
            group = line[len(HEADING) :]
            continue
        if line.startswith(OTHER):
            number += len(line) - len(OTHER) <= MAX_LINE and rule.notation.line.fullmatch(line, len(OTHER)) is not None
            yield line[len(OTHER) :]
            continue
        number += 1
        named = _NAMED.fullmatch(line)
        yield rule.line(group, named["name"] if named else line, named["verdict"] if named else rule.notation.usual, number)
