"""Diffs, summarised: what people wrote in full with a line around it, what programs wrote by its size.

    diff --git a/package-lock.json b/package-lock.json
    … 2-812 (+402 -391; lodash 4.17.20→4.17.21, +left-pad 1.3.0)
    diff --git a/src/a.py b/src/a.py
    … 814-816
    @@ -30,8 +30,9 @@ def f():
    … 818-819
     the line above
    +the change
     the line below

Every file, every header of a hunk and every changed line of source stays. Lockfiles, generated files and minified lines
are summarised, unless the question names the file or little of it changed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.diffs import HUNK, body_end, has_hunk, kinds_of
from headroom.compressors.formats import lockfiles
from headroom.compressors.lines import salience, view
from headroom.compressors.lines.sample import sample

MAX_CHARS = 16_000_000
"""Below a second of work; large bodies are shortened in a thread."""

MINIFIED = 2000
"""Characters of a line that nobody wrote by hand."""

FEW = 10
"""Changed lines of a generated file that are shown all the same: a bump of one package is read at a glance."""

SHARE, LEAST, MAX_PACKAGES = 150, 3, 30
"""A lockfile names one package per 150 lines, at least 3 and at most 30: a hundredth of its tokens, those asked for first."""

OPENING = 15
"""Lines of a file in which generators say so."""

_GENERATED = re.compile(
    r"(?:^|/)(?:dist|node_modules|vendor|__snapshots__|\.yarn)/|\.min\.(?:js|mjs|css)\Z|\.(?:map|snap|pb\.go|pb\.cc|pb\.h|g\.dart|freezed\.dart|designer\.cs)\Z"
    r"|_pb2(?:_grpc)?\.pyi?\Z|[._]generated\.\w+\Z"
)
_SAYS_GENERATED = re.compile(r"@generated\b|[Cc]ode generated .{0,200}DO NOT EDIT|[Aa]uto(?:matically)?[ -]?generated.{0,120}(?:[Dd]o not|DO NOT) (?:edit|modify|EDIT|MODIFY)")
_WANTED_WHOLE = re.compile(r"\bapply\b|\bcherry-?pick\b", re.IGNORECASE)
_HEAD = re.compile(r"diff |index |commit |Author: |Date: |(?:new|deleted) file mode |old mode|new mode|similarity |rename |copy |Binary |Merge: ")
_NOISE = ("index ", "--- ", "+++ ")


@dataclass(frozen=True, slots=True)
class Change:
    """One file of a diff: the lines from `start`, its hunks (header to end)."""

    path: str
    start: int
    hunks: Sequence[tuple[int, int]]

    @property
    def head(self) -> range:
        """The lines above the hunks."""
        return range(self.start, self.hunks[0][0] if self.hunks else self.start)


@dataclass(frozen=True, slots=True)
class DiffSummary:
    """Diffs of lockfiles, generated and minified files. Kept for certain: every file's header, every changed line of other files, and of
    lockfiles the packages that changed, as many as fit."""

    name: str = "diff-summary"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        if not has_hunk(text):
            return 0.0
        lines = sample(text).rstrip("\n").split("\n")
        known = sum(1 for line in lines if line[:1] in " +-@\\" or _HEAD.match(line))
        return 0.95 if known >= 0.9 * len(lines) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too long a diff")
        if "@@ -" not in text or _WANTED_WHOLE.search(goal.query[-salience.MAX_QUERY :]):
            return None
        lines = text.split("\n")
        kinds = kinds_of(lines)
        words = salience.terms(goal.query)
        named = salience.pattern(words)
        hidden: set[int] = set()
        said: dict[int, str] = {}
        for change in _changes(lines, kinds):
            hidden.update(i for i in change.head if lines[change.start].startswith("diff ") and lines[i].startswith(_NOISE))
            note = None if change.path.rpartition("/")[2].lower() in words else _note(change, lines, kinds, words)
            if note is None:
                for hunk in change.hunks:
                    _hide(hunk, lines, kinds, named, hidden, said)
            else:
                said[change.hunks[0][0]] = note
                for start, end in change.hunks:
                    hidden.update(range(start, end))
        kept = [i for i in range(len(lines)) if i not in hidden]
        made = view.show(lines, kept, _notes(kept, said))
        return Compressed(made.text, "lossy", made.omitted, made.lines) if made else None

    def expand(self, short: str) -> str | None:
        return None


def _changes(lines: Sequence[str], kinds: str) -> Iterator[Change]:
    """The files in order; hunks without a file above them belong to one without a name."""
    path, start = "", 0
    hunks: list[tuple[int, int]] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if kinds[at] == "@" and HUNK.match(line):
            end = _end(lines, kinds, at + 1)
            hunks.append((at, end))
            at = end
            continue
        opens = line.startswith("diff ")
        if opens or (line.startswith("--- ") and hunks):
            if hunks:
                yield Change(path, start, hunks)
            path, start, hunks = line.rpartition(" b/")[2] if opens else "", at, []
        elif line.startswith("+++ ") and not hunks and line != "+++ /dev/null":
            path = line[4:].partition("\t")[0].removeprefix("b/")
        at += 1
    if hunks:
        yield Change(path, start, hunks)


def _end(lines: Sequence[str], kinds: str, start: int) -> int:
    """Where a hunk ends: at a line that cannot be its own, or where the next file of a plain diff begins."""
    end = body_end(kinds, start)
    pair = kinds.find("-+@", start, end + 1)
    while pair >= 0 and not (lines[pair].startswith("--- ") and lines[pair + 1].startswith("+++ ")):
        pair = kinds.find("-+@", pair + 1, end + 1)
    return pair if pair >= 0 else end


def _note(change: Change, lines: Sequence[str], kinds: str, words: Sequence[str]) -> str | None:
    """What is said of a file instead of showing it; None if it is to be shown."""
    added, removed = (sum(kinds.count(sign, start, end) for start, end in change.hunks) for sign in "+-")
    lock = lockfiles.LOCKFILE.search(change.path)
    if added + removed <= FEW or not (lock or _GENERATED.search(change.path) or _says_so(change, lines)):
        return None
    sizes = f"+{added} -{removed}"
    if not lock:
        return sizes
    packages = lockfiles.changed(lines[i] for start, end in change.hunks for i in range(start, end))
    if words:
        packages.sort(key=lambda package: next((i for i, word in enumerate(words) if word in package.lower()), len(words)))
    most = min(MAX_PACKAGES, max(LEAST, sum(end - start for start, end in change.hunks) // SHARE))
    more = f" and {len(packages) - most} more" if len(packages) > most else ""
    return f"{sizes}; {', '.join(packages[:most])}{more}" if packages else sizes


def _says_so(change: Change, lines: Sequence[str]) -> bool:
    start, end = change.hunks[0]
    first = HUNK.match(lines[start])
    if not first or int(first[3]) > OPENING:
        return False
    return any(_SAYS_GENERATED.search(line[:300]) for line in lines[start + 1 : min(end, start + 1 + OPENING)] if line[:1] != "-" or int(first[3]) == 0)


def _hide(
    hunk: tuple[int, int], lines: Sequence[str], kinds: str, named: re.Pattern[str] | None, hidden: set[int], said: dict[int, str]
) -> None:
    """Context that is not next to a change, unless the question names it, and minified lines."""
    start, end = hunk
    for i in range(start + 1, end):
        line = lines[i]
        if len(line) > MINIFIED:
            hidden.add(i)
            said[i] = f"{kinds[i].replace('-', 'removed').replace('+', 'added').strip() or 'unchanged'}: {len(line) - 1} characters"
        elif kinds[i] in " \n":
            near = (i > start + 1 and kinds[i - 1] in "+-") or (i + 1 < end and kinds[i + 1] in "+-")
            if not near and not (named and named.search(line)):
                hidden.add(i)


def _notes(kept: Sequence[int], said: dict[int, str]) -> dict[int, str]:
    """What is said of hidden lines, by the first line of their gap."""
    notes: dict[int, str] = {}
    for i, note in said.items():
        before = bisect_left(kept, i)
        first = kept[before - 1] + 1 if before else 0
        notes[first] = f"{notes[first]}, {note}" if first in notes else note
    return notes
