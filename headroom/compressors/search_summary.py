"""Very long search results, when something may be left out: every file, its definitions, and hits spread over the rest.

    src/a.py:3:import queue            src/a.py:3:import queue
    src/a.py:18:    q = queue.Queue()  … 2-40 (39 hits)
    …                                  src/a.py:201:def queue_of(name):
    src/b.py:7:import queue            src/b.py:7:import queue

A gap lies in the file of the line above it, unless its note names another. Numbers of gaps are lines of the output.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.lines import view
from headroom.compressors.lines.folds import lines_named
from headroom.compressors.lines.sample import sample

MAX_CHARS = 10_000_000
"""Somewhat less than a second of work."""

MIN_HITS = 150
"""Hits up to which a result is read whole."""

MIN_SHARE = 0.6
"""Of the lines that are not blank; below it the text is about something else."""

SHARE, MOST = 0.3, 400
"""Hits that are shown, and their number beyond which a reader asks again more narrowly; one of each file comes first."""

RUN = 3
"""Neighbours that are shown together: a gap costs a third of a hit, so single hits with gaps around them cost a third more."""

CONTEXT = 5
"""Lines of context that are shown on either side of a hit."""

TROUBLE = "error exception failed fatal panic crash corrupt deprecated invalid denied timeout fixme"
"""Words that stand out where they are rare; where many hits have them, that is what was searched for. Fewer than those of
logs, because in sources they are seldom news, and because a search for all of those takes longer than everything else."""

SHORT = 40
"""Characters; a gap and its note cost about ten tokens, as much as so many characters."""

DIAGNOSTICS = 0.3
"""Share of the lines "file:3: words" from which they are a compiler's or a log's, where each counts."""

SOLE = "the file"
"""Stands for the file where only one was searched, whose name is not printed."""

DENSE = 0.5
"""Share of numbered lines right below one another from which they are a file that is read: of those that are found few touch."""

_HALF, _LINES = 900, 12
"""Characters and lines of each half of the sample, for detection has to be fast."""

_LEAST = 4000
"""Characters; so many hits are never shorter."""

_HIT = re.compile(r"((?:[A-Za-z]:(?=[\\/]))?[^\x00-\x20:\"'<>|*?,;]{2,400}):(?!:)(?:[0-9]{1,9}([:-]))?")
_SHAPE = re.compile(r"(?=.*[./\\])[^/\\]*(?:[/\\].*|[A-Za-z_].*)")
_FOLDER = re.compile(r"[/\\]")
_NUMBER = re.compile(r"[0-9]{1,9}([:-])(?![0-9]{2}:)")
_CONTEXT = re.compile(r"-[0-9]{1,9}-")
_HEADING = re.compile(r"(?=[^\n]*[./\\])[^\x00-\x1f:\"'<>|*?]{2,400}\r?")
_WORDS = re.compile(r"(?:[0-9]{1,9}:)? [\w'\"\[`]")
_COUNT = re.compile(r"[0-9]+\r?")
_DEFINITION = re.compile(
    r"\s*(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async|pub(?:\([^)\s]*\))?|unsafe|extern"
    r"|virtual|inline|override|open|sealed|data|const)\s+){0,5}"
    r"(?:(?:def|class|func|function|fn|struct|interface|type|enum|union|trait|impl|module|namespace|record|object|protocol|macro)\b[\s*]+\(?\w"
    r"|(?:const|let|var|val|static|final)\s+\w+\s*[:=])"
    r"|#\s*define\s|[A-Z][A-Z0-9_]{2,}\s*(?::[^=\n]{0,60})?=(?!=)"
)
_DEFINED = 200
"""Characters at the start of a hit in which a definition is looked for."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What the lines of a result are."""

    files: list[str]
    """Line → the file it tells of, "" if of none."""
    starts: dict[int, int]
    """Line of a hit → where the text that was found begins."""


@dataclass(frozen=True, slots=True)
class SearchSummary:
    """Kept for certain: every file with its first hit, hits that the question names, lines that are no hits; definitions before
    other hits."""

    name: str = "search-summary"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        if len(text) < _LEAST:
            return 0.0
        lines = [line for line in sample(text, _HALF).split("\n") if line and line != "--"]
        lines = lines[:_LINES] + lines[max(_LINES, len(lines) - _LINES) :]
        if not lines:
            return 0.0
        inline = _inline(lines)
        hits = inline if len(inline.starts) > 1 else _headed(lines, middle=True)
        hits = hits if hits.starts else _sole(lines)
        if _is_report(lines, hits):
            return 0.0
        share = sum(map(bool, hits.files)) / len(lines)
        return 0.9 * share if share >= MIN_SHARE else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many hits for a summary")
        if text.count("\n") < MIN_HITS:
            return None
        lines = text.split("\n")
        hits = _inline(lines)
        if len(hits.starts) < MIN_HITS:
            hits = _headed(lines)
        if not hits.starts:
            hits = _sole(lines)
        told = sum(1 for line in lines if line and line != "--")
        if len(hits.starts) <= MIN_HITS or sum(map(bool, hits.files)) < MIN_SHARE * told or _is_report(lines, hits):
            return None
        kept = _closed(lines, _shown(lines, hits, lines_named(text, goal.query), lines_named(text, TROUBLE)))
        made = view.show(lines, kept, dict(_notes(hits, kept)))
        if made is None or len(made.text) >= len(text):
            return None
        return Compressed(made.text, "lossy", made.omitted, made.lines)

    def expand(self, short: str) -> str | None:
        return None


def _inline(lines: Sequence[str]) -> Hits:
    """Hits that stand behind their file's name; lines of context belong to the hit before or behind them."""
    files = [""] * len(lines)
    starts: dict[int, int] = {}
    known: dict[str, bool] = {}
    above, open_ = "", 0
    for i, line in enumerate(lines):
        found = _HIT.match(line)
        if not found:
            continue
        path = found[1]
        if path not in known:
            known[path] = bool(_SHAPE.fullmatch(path))
        if not known[path] or not (found[2] or _FOLDER.search(path)):
            continue
        _claim(lines, files, range(open_, i), (above, path))
        files[i], starts[i] = path, found.end()
        above, open_ = path, i + 1
    _claim(lines, files, range(open_, len(lines)), (above,))
    return Hits(files, starts)


def _claim(lines: Sequence[str], files: list[str], between: Iterable[int], owners: Iterable[str]) -> None:
    """Tell the lines of context between two hits by the files of these."""
    for i in between:
        for path in owners:
            if path and lines[i].startswith(path) and _CONTEXT.match(lines[i], len(path)):
                files[i] = path
                break


def _headed(lines: Sequence[str], *, middle: bool = False) -> Hits:
    """Hits below the name of their file, a blank line after each; in the middle of a result a name may be missing."""
    files = [""] * len(lines)
    starts: dict[int, int] = {}
    path = ""
    for i, line in enumerate(lines):
        number = _NUMBER.match(line)
        if number and path:
            files[i] = path
            if number[1] == ":":
                starts[i] = number.end()
        elif not number and line != "--":
            below = i + 1 < len(lines) and _NUMBER.match(lines[i + 1]) and _HEADING.fullmatch(line)
            first = middle or i == 0 or not lines[i - 1].strip()
            path = line if below and first else ""
            files[i] = path
    return Hits(files, starts)


def _sole(lines: Sequence[str]) -> Hits:
    """Hits in a single file, which have only numbers before them; those rise, and seldom by one."""
    files = [""] * len(lines)
    starts: dict[int, int] = {}
    last, dense, hit = 0, 0, False
    for i, line in enumerate(lines):
        found = _NUMBER.match(line)
        if not found:
            continue
        number = int(line[: found.start(1)])
        if number <= last:
            return Hits([""] * len(lines), {})
        files[i] = SOLE
        if found[1] == ":":
            starts[i] = found.end()
            dense += hit and number == last + 1
        last, hit = number, found[1] == ":"
    return Hits(files, starts) if dense < DENSE * len(starts) else Hits([""] * len(lines), {})


def _is_report(lines: Sequence[str], hits: Hits) -> bool:
    """Whether the lines say something of each file, as compilers and counters do, and are not found in it."""
    words = sum(1 for i, start in hits.starts.items() if _WORDS.match(lines[i], start) or _COUNT.fullmatch(lines[i], start))
    return words > DIAGNOSTICS * len(hits.starts)


def _shown(lines: Sequence[str], hits: Hits, named: Collection[int], trouble: Collection[int]) -> set[int]:
    """The lines that are shown."""
    groups: dict[str, list[int]] = {}
    for i in hits.starts:
        groups.setdefault(hits.files[i], []).append(i)
    chosen = {group[0] for group in groups.values()}
    chosen.update(i for i in named if i in hits.starts)
    budget = min(MOST, int(SHARE * len(hits.starts)))
    definitions = {i for i, start in hits.starts.items() if _DEFINITION.match(lines[i], start, start + _DEFINED)}
    for pool in (definitions, trouble, hits.starts):
        rest = [[i for i in group if i in pool and i not in chosen] for group in groups.values()]
        chosen.update(_spread(rest, budget - len(chosen)))
    kept = {i for i, path in enumerate(hits.files) if lines[i].strip() and lines[i] != "--" and (not path or lines[i] == path)}
    kept.update(named)
    for i in chosen:
        kept.update(_context(hits, i))
    return kept


def _spread(groups: Sequence[Sequence[int]], number: int) -> Iterator[int]:
    """So many of all groups: small ones whole, of each of the others as many, in runs from its start to its end."""
    left = number
    waiting = len(groups)
    for group in sorted(groups, key=len):
        size = min(len(group), max(0, left) // waiting)
        left -= size
        waiting -= 1
        runs = -(-size // RUN)
        for run in range(runs):
            start = run * len(group) // runs
            yield from group[start : start + min(RUN, size - run * RUN)]


def _context(hits: Hits, at: int) -> Iterator[int]:
    """A hit, and the lines of context around it up to the next ones."""
    yield at
    for step in (-1, 1):
        for i in range(at + step, at + step * (CONTEXT + 1), step):
            if not 0 <= i < len(hits.files) or hits.files[i] != hits.files[at] or i in hits.starts:
                break
            yield i


def _closed(lines: Sequence[str], kept: set[int]) -> set[int]:
    """With the lines of gaps that cost more than they hide."""
    short = {i for gap in _gaps(kept, len(lines)) if len(gap) <= RUN and sum(len(lines[i]) for i in gap) <= SHORT for i in gap}
    return kept | short


def _gaps(kept: Collection[int], size: int) -> Iterator[range]:
    at = 0
    for i in [*sorted(kept), size]:
        if i > at:
            yield range(at, i)
        at = i + 1


def _notes(hits: Hits, kept: Collection[int]) -> Iterator[tuple[int, str]]:
    """The first line of each gap that hides hits, and how many it hides; of which file if it is not that of the line above."""
    for gap in _gaps(kept, len(hits.files)):
        paths = [hits.files[i] for i in gap if i in hits.starts]
        if not paths:
            continue
        number = f"{len(paths)} hit{'s' if len(paths) > 1 else ''}"
        files = [path for path, _ in groupby(sorted(paths))]
        if len(files) > 1:
            number += f" in {len(files)} files"
        elif gap.start == 0 or hits.files[gap.start - 1] != files[0]:
            number += f" in {files[0]}"
        yield gap.start, number
