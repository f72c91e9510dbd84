"""Logs, when something may be left out: the first line of every kind of event with how often it came, and all kinds of trouble.

    06:06:20 host sshd[1071]: session opened        06:06:20 host sshd[1071]: session opened [×40]
    06:06:23 host sshd[1074]: session opened        … 2-57
    …                                               06:07:01 host kernel: I/O error on sda1
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom.compressors.base import Compressed, Goal, TooCostly, slices
from headroom.compressors.lines import view
from headroom.compressors.lines.folds import lines_named
from headroom.compressors.lines.salience import SEVERE, troubles
from headroom.compressors.lines.stamps import share_stamped

MAX_CHARS = 10_000_000
"""Somewhat less than a second of work."""

MIN_LINES = 60
"""Lines up to which a log is read whole."""

STAMPED = 0.5
"""Share of the lines that must start with a time for a text to be a log."""

HEAD, TAIL = 2, 3
"""Lines that stand at either end, whatever they say: how it began and how it ended."""

FRAMES = 12
"""Lines of a stack trace that are shown below the line that it belongs to."""

WORDS = 20
"""Words by which lines that are unlike are compared."""

LEAST, SHARE = 4, 40
"""A word is part of the kind if it stands at its place in so many lines of one length, and in one of so many of them."""

FEW, FIXED = 4, 0.8
"""So many lines that have this share of their words in common are one kind, though names and words vary in them;"""

MANY, SOME = 20, 0.5
"""so many more may have less in common. What is alone of its kind is always shown."""

_VALUE = re.compile(r"\d[^\s=,;()\[\]{}\"'<>|]*|\b[0-9a-f]{8,}\b")
_FRAME = re.compile(r"\s+(?:at |File |\.\.\. |in |from )|\s*Caused by:|\t")

_Kind = str | tuple[object, ...]


@dataclass(frozen=True, slots=True)
class LogSummary:
    """Kept for certain: the first line of every kind of event and how often it came, the first and the last line of each kind
    that tells of trouble, with its stack trace, how the log begins and ends, and lines that the question names."""

    name: str = "log-summary"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        share = share_stamped(text)
        return 0.85 * share if share > STAMPED else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too long for a summary")
        lines = text.split("\n")
        masked = "".join([_VALUE.sub("\x00", piece) for piece in slices(text)]).split("\n")
        if len(lines) < MIN_LINES or len(masked) != len(lines):
            return None
        kinds = _kinds(masked)
        for i, words in troubles(text).items():
            kinds[i] = (kinds[i], words)  # a level may stand within a value ("12:00:01,5:ERROR:db") or among words that vary
        last = {kind: i for i, kind in enumerate(kinds)}
        first = {kind: len(kinds) - 1 - i for i, kind in enumerate(reversed(kinds))}
        kept = {*first.values(), *range(HEAD), *range(len(lines) - TAIL, len(lines))}
        kept.update(i for i in last.values() if SEVERE.search(lines[i]))
        for i in list(kept):
            if SEVERE.search(lines[i]):
                kept.update(_frames(lines, i))
        kept.update(lines_named(text, goal.query))
        count = Counter(kinds)
        shown = view.show(lines, kept, times={i: count[kind] for kind, i in first.items() if lines[i]})
        return None if shown is None else Compressed(shown.text, "lossy", shown.omitted, shown.lines)

    def expand(self, short: str) -> str | None:
        return None


def _kinds(masked: Sequence[str]) -> list[_Kind]:
    """What each line is a case of: lines that differ in numbers alone, and of those that are rare, lines with many words in common."""
    count = Counter(masked)
    split = {line: line.split() for line, times in count.items() if times < LEAST}
    sizes = Counter(map(len, split.values()))
    words = Counter((len(row), i, word) for row in split.values() for i, word in enumerate(row[:WORDS]))
    shapes: dict[str, tuple[object, ...]] = {}
    for line, row in split.items():
        size = len(row)
        least = max(LEAST, sizes[size] // SHARE)
        shapes[line] = (size, *(word if words[size, i, word] >= least else None for i, word in enumerate(row[:WORDS])))
    wide = {shape for shape, times in Counter(shapes.values()).items() if _is_one_kind(shape, times)}
    return [shapes[line] if shapes.get(line) in wide else line for line in masked]


def _is_one_kind(shape: Sequence[object], times: int) -> bool:
    """Whether so many lines of one shape are cases of one thing. Its first item is a length; masked words say nothing."""
    said = [word for word in shape[1:] if not (isinstance(word, str) and "\x00" in word)]
    fixed = sum(word is not None for word in said) / max(1, len(said))
    return (times >= FEW and fixed >= FIXED) or (times >= MANY and fixed >= SOME)


def _frames(lines: Sequence[str], at: int) -> Iterator[int]:
    """The stack trace below a line."""
    for i in range(at + 1, min(at + 1 + FRAMES, len(lines))):
        if not _FRAME.match(lines[i]):
            return
        yield i
