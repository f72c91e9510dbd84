"""Cut the output of several commands into stretches of one kind each: at separators, at JSON, where lines change their shape.

    === disk ===                      a separator
    /dev/sda1  20G  13G               a stretch: its lines begin alike
    /dev/sdb1  80G  60G
    {                                 a stretch: a JSON document, whatever follows it on its last line
      "status": "ok"
    }HTTP 200
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

AHEAD = 6
"""Lines in which no shape seen so far may come back where a new stretch begins."""

FEW = 4
"""Lines that can be said to be alike."""

SHAPE = 8
"""Classes of characters that make the shape of a line: enough to tell a date, a path, a file's mode and words apart."""

ALIKE = 0.3
"""Share of a stretch's lines whose shapes the one before has too: such two are one."""

HEADING = 300
"""Characters between two stretches that are alike, up to which it is a heading inside one: a folder's name in a listing."""

DOCUMENT = 100
"""Characters of a line that is looked at as a JSON document of its own."""

LONGEST = 500
"""Characters of a line that can be a separator; a bound for the work of matching one."""

TAIL = 40
"""Characters behind a JSON document on its last line: "HTTP 200", the next prompt."""

_SEPARATOR = re.compile(
    r"(?:={2,}>? .{1,200} <?={2,}|-{3,} .{1,200} -{3,}|#{3,} .{1,200} #{3,}|[$❯%] \S.{0,400}|\+{1,2} \S.{0,400}|[`~]{3,}.{0,40}|[=-]{3,})\s*"
)
"""What people and tools print between outputs: headers, echoed commands, fences, rules."""

_MARKS = tuple("=-#$❯%+`~")
_CLASSES = bytes(
    ord("a") if code >= 128 or chr(code).isalpha() else ord("0") if chr(code).isdigit() else 32 if code == 13 else code for code in range(256)
)
_REPEATED = tuple((sign * n, sign) for sign in (b"a", b"0", b" ") for n in (9, 5, 3, 2, 2))
_OPENS = re.compile(r"\{\s{0,80}[\"}]|\[\s{0,80}(?:[{\[\"\]]|-?[0-9]|true|false|null)")
_OPENS_LINE = re.compile(r"\{\s?\"|\[\s?\{\s?\"")
_ALONE = re.compile(r"(?:[{\[]\s*){1,3}")
_GOES_ON = (",", ";", ")", "'", '"', "`")
"""What stands behind a bracket that is not the end of a document but of something in code."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the text, without the newline it ends with."""

    start: int
    end: int
    document: bool = False
    """It is JSON."""


@dataclass(slots=True)
class _Run:
    """Lines that begin alike, or a JSON document."""

    start: int
    end: int
    shapes: set[bytes] = field(default_factory=set)
    lines: int = 0
    document: bool = False
    parted: bool = False
    """A separator or a document stands before it."""

    def uniform(self) -> bool:
        return self.lines >= FEW and 2 * len(self.shapes) <= self.lines

    def extend(self, other: _Run) -> None:
        self.end = other.end
        self.shapes |= other.shapes
        self.lines += other.lines


def sections(text: str) -> list[list[Segment]]:
    """The stretches, in order, those between two separators together; separators and blank lines are in none."""
    found: list[list[_Run]] = []
    for run, lines in _runs(text):
        last = found[-1][-1] if found else None
        if last is None or (run.parted and not (run.document and last.document and run.start == last.end + 1 and len(found[-1]) == 1)):
            found.append([run])
        elif run.document or _alike(last, lines) or not (last.uniform() or run.uniform()):
            last.extend(run)
        elif len(found[-1]) > 1 and last.end - last.start <= HEADING and _alike(found[-1][-2], lines):
            heading = found[-1].pop()
            found[-1][-1].extend(heading)
            found[-1][-1].extend(run)
        else:
            found[-1].append(run)
    return [[Segment(run.start, run.end, run.document) for run in runs] for runs in found]


def _alike(run: _Run, lines: Sequence[bytes]) -> bool:
    return sum(shape in run.shapes for shape in lines) >= ALIKE * len(lines)


def shapes(text: str) -> list[bytes]:
    """Of each line, how it begins: letters, digits and blanks in a row as one, all else as it stands; up to a tab, if one is near."""
    classes = text.encode("utf-8", "surrogatepass").translate(_CLASSES)
    for many, one in _REPEATED:
        classes = classes.replace(many, one)
    return [line[: line.find(b"\t", 0, SHAPE) + 1 or SHAPE] for line in classes.split(b"\n")]


def _runs(text: str) -> Iterator[tuple[_Run, Sequence[bytes]]]:
    """Each run with the shapes of its lines."""
    lines = text.split("\n")
    every = shapes(text)
    closers = _Closers(text)
    at = i = 0
    run: _Run | None = None
    first = 0
    parted = True
    while i < len(lines):
        line = lines[i]
        found = closers.document(at, line) if line[:1] in ("{", "[") else None
        separates = line.startswith(_MARKS) and len(line) <= LONGEST and _SEPARATOR.fullmatch(line) is not None
        if run and (found is not None or separates or not line.strip() or _changes(run, every[i : i + AHEAD])):
            yield run, every[first:i]
            run = None
        if found is not None:
            yield _Run(at, found, document=True, parted=True), ()
            parted = True
            while i < len(lines) and at < found:
                at += len(lines[i]) + 1
                i += 1
            continue
        if separates:
            parted = True
        elif line.strip():
            if run is None:
                run, first, parted = _Run(at, at, parted=parted), i, False
            run.end = at + len(line)
            run.shapes.add(every[i])
            run.lines += 1
        at += len(line) + 1
        i += 1
    if run:
        yield run, every[first:]


def _changes(run: _Run, ahead: Sequence[bytes]) -> bool:
    """Whether lines of another kind begin: nothing of the run's comes back, and the lines of one of the two are all alike.

    Where neither are, as in code and prose, new shapes are no news.
    """
    if ahead[0] in run.shapes or not run.shapes.isdisjoint(ahead):
        return False
    return run.uniform() or (len(ahead) >= FEW and 2 * len(set(ahead)) <= len(ahead))


@dataclass(slots=True)
class _Closers:
    """Where JSON documents end; looks for each closing bracket once, so that a text of opening ones costs no more than others."""

    text: str
    none: set[str] = field(default_factory=set)
    """Brackets of which there is no more."""

    def document(self, start: int, line: str) -> int | None:
        """End of the document that begins with `line`, or None."""
        if not _OPENS.match(self.text, start):
            return None
        closer = "}" if line[0] == "{" else "]"
        if not _ALONE.fullmatch(line):
            end = line.rfind(closer) + 1
            whole = len(line) >= DOCUMENT and _OPENS_LINE.match(line) and end > len(line) - TAIL and not line[end:].startswith(_GOES_ON)
            return start + end if whole else None
        if closer in self.none:
            return None
        end = self.text.find("\n" + closer, start) + 2
        if end < 2:
            self.none.add(closer)
            return None
        return None if self.text.startswith(_GOES_ON, end) else end
