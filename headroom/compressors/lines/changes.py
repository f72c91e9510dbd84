"""A text that is an earlier one but for a few lines, as a diff against it: what a second run of a command prints.

Unlike a range of lines, a diff can be read against a result that was sent in a form of its own: it quotes what it
replaces, in the notation of `diff -U0`, and nobody has to count:

    [like the earlier result of Bash make test, but for this diff]
    @@ -31 +31 @@
    -test_30 passed in 2 ms
    +test_30 FAILED in 2 ms
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import eq

from headroom.compressors.base import read_back
from headroom.compressors.lines.numbering import Lines, unnumbered
from headroom.compressors.lines.repeats import repeats, rows_of

HEADER = re.compile(r"\[like the earlier result of (?P<name>[^\n]+), but for this diff\]\n")

_HUNK = re.compile(r"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Rows `start` to `end` (exclusive) of the old text, and what stands there in the new one from row `at` on."""

    start: int
    end: int
    at: int
    rows: Sequence[str]

    def __str__(self) -> str:
        return f"@@ -{_range(self.start, self.end - self.start)} +{_range(self.at, len(self.rows))} @@"


def _range(start: int, count: int) -> str:
    """As diff has it: a range of none names the line before it."""
    return str(start + 1) if count == 1 else f"{start + (count > 0)},{count}"


def changed(text: str, old: str, name: str) -> str:
    """The diff that makes `text` of `old`, an earlier text called `name`. Raises TooCostly."""
    before, after = rows_of(old), rows_of(text)
    form = [f"[like the earlier result of {name}, but for this diff]"]
    for hunk in _hunks(before, after):
        form += (str(hunk), *(f"-{row}" for row in before[hunk.start : hunk.end]), *(f"+{row}" for row in hunk.rows))
    return "\n".join(form) + ("\n" if text.endswith("\n") else "")


def _hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[Hunk]:
    head = _alike(before, after)
    tail = min(_alike(before[::-1], after[::-1]), len(before) - head, len(after) - head)
    done, at = head, head
    for old, new, count in [*_kept(before[head : len(before) - tail], after[head : len(after) - tail]), (len(before) - head - tail, len(after) - head - tail, 0)]:
        if (done, at) != (head + old, head + new):
            yield Hunk(done, head + old, at, after[at : head + new])
        done, at = head + old + count, head + new + count


def _alike(a: Sequence[str], b: Sequence[str]) -> int:
    """How many rows at the start are the same."""
    return sum(1 for _ in takewhile(bool, map(eq, a, b)))


def _kept(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Runs of rows that stand in both, in order: where, where, and how many."""
    lines = unnumbered(before)
    known: dict[str, Lines] = dict.fromkeys(lines.first, lines)
    done = 0
    for repeat in repeats(unnumbered(after), known):
        if repeat.at >= done:
            done = repeat.at + repeat.end - repeat.start
            yield repeat.at, repeat.start, repeat.end - repeat.start


def expand(short: str, find: Callable[[str], str | None]) -> str | None:
    """The text behind the form; None if it is none of ours, or `find` does not know the earlier one or not as that."""
    return read_back(short, HEADER, lambda rows, header: _patched(rows, find(header["name"])))


def _patched(rows: Sequence[str], old: str | None) -> Iterator[str]:
    if old is None:
        raise ValueError("differs from a text that is not known")
    before = rows_of(old)
    done = at = 0
    while at < len(rows):
        hunk = _HUNK.fullmatch(rows[at])
        if not hunk:
            raise ValueError("not a hunk of a diff")
        gone, new = int(hunk[2] or 1), int(hunk[4] or 1)
        start = int(hunk[1]) - (gone > 0)
        quoted, added = rows[at + 1 : at + 1 + gone], rows[at + 1 + gone : at + 1 + gone + new]
        if start < done or quoted != [f"-{row}" for row in before[start : start + gone]] or len(added) < new:
            raise ValueError("a hunk that does not fit")
        yield from before[done:start]
        yield from (row[1:] for row in added)
        done, at = start + gone, at + 1 + gone + new
    yield from before[done:]
