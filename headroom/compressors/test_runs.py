"""Test runs: what failed, warned and was counted stands whole; tests that are proven to have passed are counted.

    tests/a.py::test_one PASSED   [ 25%]        … 1-2 (2 passed)
    tests/a.py::test_two PASSED   [ 50%]        tests/a.py::test_three FAILED [ 75%]
    tests/a.py::test_three FAILED [ 75%]        === FAILURES ===
    === FAILURES ===                            …

A line is folded only if a runner's strict pattern of a passing test matches it, outside the parts where failures and
their output are shown, and no line says that a test of this name failed. If a runner states how many passed and we
found more, none of its lines are folded: some of them were something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from headroom.compressors.base import Compressed, Goal, slices
from headroom.compressors.formats.runners import RUNNERS, Runner
from headroom.compressors.lines.folds import Routine, fold
from headroom.compressors.lines.salience import SEVERE
from headroom.compressors.lines.sample import sample

MAX_LINE = 600
"""Characters of a line that can be a verdict; a bound for the work of matching one."""

MIN_LINES = 3
"""Passing tests that a sample must show."""

MAX_DIAGNOSTIC = 20
"""Lines of the block that TAP may print below a verdict."""

HALF = 1500
"""Characters of each half of the sample: each of some thirty marks is looked for in it."""

ENDS = 4000
"""Characters at either end of the text in which the name of the runner or its totals stand."""

_FILE = Routine("passing files")

_BROKEN = re.compile(r"\s*(?:FAILED|FAIL|ERROR)(?: +\[ *\d+%\])?\s*")
"""Alone on its line: the end of a line that the test itself broke with its output."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Test runs. Kept for certain: every line but those proven to say that a test passed; these are counted."""

    name: str = "test-summary"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        piece = sample(text, HALF)
        marks = {mark for mark in (_ASCII_MARKS if piece.isascii() else _MARKS) if mark in piece}
        found = [runner for runner in RUNNERS if not marks.isdisjoint(runner.marks)] if marks else []
        if not found:
            return 0.0
        heads, ends = _heads(piece.split("\n")), text[:ENDS] + text[-ENDS:]
        return 0.95 if any(_shows(runner, ends, heads) for runner in found) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        lines = text.split("\n")
        heads = _heads(lines)
        routine: dict[int, Routine] = {}
        for runner in RUNNERS:
            if _present(runner, text):
                for i, what in _passed(runner, text, heads).items():
                    routine.setdefault(i, what)
        return fold(text, lines, routine, goal.query) if sum(what.number for what in routine.values()) >= MIN_LINES else None

    def expand(self, short: str) -> str | None:
        return None


_MARKS = tuple(dict.fromkeys(mark for runner in RUNNERS for mark in runner.marks))
_ASCII_MARKS = tuple(mark for mark in _MARKS if mark.isascii())


def _heads(lines: Sequence[str]) -> list[str]:
    """The lines as the patterns want them: without what stands at their ends, and empty where too long to be matched."""
    return [line.rstrip() if len(line) <= MAX_LINE else "" for line in lines]


def _present(runner: Runner, text: str) -> bool:
    return any(mark in text for mark in runner.marks) and (not runner.signs or any(sign in text for sign in runner.signs))


def _shows(runner: Runner, ends: str, lines: Sequence[str]) -> bool:
    """Whether a sample's lines are of the runner; its signs may stand at either end of the text."""
    if runner.signs and not any(sign in ends for sign in runner.signs):
        return False
    verdicts = (i for i, line in enumerate(lines) if any(mark in line for mark in runner.marks) and _verdict(runner, lines, i))
    return len(list(islice(verdicts, MIN_LINES))) == MIN_LINES


def _verdict(runner: Runner, heads: Sequence[str], i: int) -> re.Match[str] | None:
    """What line i is, maybe together with the line before; None if nothing that the runner prints."""
    found = runner.line.match(heads[i])
    if found is None and runner.pairs and i and runner.marks[0] in heads[i]:
        found = runner.line.match(f"{heads[i - 1]}\n{heads[i]}")
    return found


@dataclass(slots=True)
class _Seen:
    """What the lines of one text say of one runner's tests."""

    passed: dict[int, tuple[str, Routine, bool]] = field(default_factory=dict)
    """Line → the test's name, what it counts for, and whether the line before belongs to it."""
    started: dict[int, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)


def _passed(runner: Runner, text: str, heads: Sequence[str]) -> dict[int, Routine]:
    """The lines that say nothing but that tests passed."""
    seen = _read(runner, heads)
    announced = set(seen.started.values()) if runner.announced else set()
    silent = Routine(runner.unit, 0)
    found: dict[int, Routine] = {}
    names: set[str] = {""}
    for i, (name, what, pair) in seen.passed.items():
        following = heads[i + 1] if i + 1 < len(heads) else ""
        if (runner.distinct and name in seen.failed) or (announced and name not in announced) or _BROKEN.fullmatch(following):
            continue
        names.add(name)
        found[i] = what
        if pair:
            found[i - 1] = silent
        if following.endswith("---"):
            found.update(dict.fromkeys(_diagnostic(heads, i + 1), silent))
    if _too_many(runner, text, found):
        return {}
    for i, name in seen.started.items():
        if name in names and name not in seen.failed:
            found.setdefault(i, silent)
    if runner.indented:
        found.update(dict.fromkeys(list(_titles(heads, found)), silent))
    return found


def _read(runner: Runner, heads: Sequence[str]) -> _Seen:
    seen = _Seen()
    counts, opens = runner.opened, runner.opens
    groups = {kind: [name for name in runner.line.groupindex if name.rstrip("2") == kind] for kind in ("name", "failing", "starting")}
    for i, head in enumerate(heads):
        if not counts and opens and opens.match(head):
            counts = True
        match = _verdict(runner, heads, i)
        if match is None:
            continue
        kind = match.lastgroup
        if kind in ("failed", "closes"):
            seen.failed.add(_first(match, groups["failing"]))
            counts = counts and kind == "failed"
        elif counts and kind == "passed":
            seen.passed[i] = (_first(match, groups["name"]), _routine(runner, match), "\n" in match[0])
        elif counts:
            seen.started[i] = _first(match, groups["starting"])
    seen.failed.discard("")
    return seen


def _first(match: re.Match[str], groups: Sequence[str]) -> str:
    """What the first of the groups that matched holds, "" if none did."""
    for group in groups:
        if found := match[group]:
            return found
    return ""


def _routine(runner: Runner, match: re.Match[str]) -> Routine:
    for group in runner.sizes:
        if size := match[group]:
            return Routine(runner.unit, int(size) if group == "n" else len(size)) if group != "file" else _FILE
    return Routine(runner.unit)


def _diagnostic(heads: Sequence[str], start: int) -> range:
    """The block of YAML below a verdict of TAP."""
    if start < len(heads) and heads[start].strip() == "---":
        for end in range(start + 1, min(start + MAX_DIAGNOSTIC, len(heads))):
            if heads[end].strip() == "...":
                return range(start, end + 1)
    return range(0)


def _too_many(runner: Runner, text: str, found: dict[int, Routine]) -> bool:
    """Whether more lines look like passing tests than the runner says have passed."""
    if not runner.totals:
        return False
    stated = [int(next(filter(None, match.groups()), "0")) for piece in slices(text) for match in runner.totals.finditer(piece)]
    return bool(stated) and sum(what.number for what in found.values() if what.unit == runner.unit) > sum(stated)


def _titles(heads: Sequence[str], found: dict[int, Routine]) -> Iterator[int]:
    """Titles of groups of tests that have all passed; a title that speaks of trouble stays, it may be none."""
    groups: list[tuple[int, int, list[int]]] = []  # indent, line, and of its members: how many, how many not folded
    for i, line in enumerate([*heads, "end"]):
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        while groups and groups[-1][0] >= indent:
            _, title, (members, others) = groups.pop()
            clean = members > 0 and not others and not SEVERE.search(heads[title])
            if clean:
                yield title
            if groups:
                groups[-1][2][0] += clean
                groups[-1][2][1] += not clean
        if i in found:
            if groups:
                groups[-1][2][0] += 1
        else:
            groups.append((indent, i, [0, 0]))
