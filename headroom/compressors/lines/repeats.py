"""What a text shares with texts that the reader has seen: whole runs of lines, named instead of repeated.

Lines are compared without their numbers, so a file that was edited in between, or printed with `cat`, still counts
as seen. New lines stand as they came:

    [lines seen before: "= A-B of X" is lines A-B of the earlier result X]
    = 1-40 of Read src/app.py
        41\\t    a line that is new
    = 42-303, were 41-302, of the same
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from headroom.compressors.base import TooCostly, read_back
from headroom.compressors.lines import numbers
from headroom.compressors.lines.numbering import Lines, lines_of

MIN_LINES, MIN_CHARACTERS = 4, 160
"""What a repeat must have: naming it costs 15 to 25 tokens and a look back."""

MAX_REPEATS = 30
"""In one text; a reader has to put more together than it saves. The longest are named."""

STEPS = 40
"""Lines that may be compared per line of the text: real texts need about two."""

MAX_HIDDEN = 1_000_000
"""Lines that one of our own forms may stand for; what claims more was not written by us."""

ANCHOR = 40
"""Characters of a first line that is quoted where the reader would have to count lines to find it."""

HEADER = re.compile(r'\[lines seen before: "= A-B of X" is lines A-B of the earlier result X\]\n')
_HEADER = '[lines seen before: "= A-B of X" is lines A-B of the earlier result X]'

_SAME = "the same"

_NAMED = re.compile(
    r"= (?:(?P<all>all)|(?P<first>[0-9]{1,9})-(?P<last>[0-9]{1,9}))"
    r'(?: \("[^"\n]*"\))?'
    r'(?:(?P<bare>, unnumbered)|, numbered "(?P<style>[^"\n]*)")?'
    r"(?:, were (?P<start>[0-9]{1,9})-(?P<end>[0-9]{1,9}),)?"
    r",? of (?P<name>[^\n]+)"
)


@dataclass(frozen=True, slots=True)
class Repeat:
    """Lines `start` to `end` (exclusive) of a text, which stand in `seen` from line `at` on."""

    start: int
    end: int
    seen: Lines
    at: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """A text that the reader has seen."""

    text: str
    lines: Lines


def shown(text: str) -> Lines:
    """The lines of a text; of one of our own forms those that stand in it themselves."""
    if not HEADER.match(text):
        return lines_of(rows_of(text))
    rows: list[str | None] = []
    for row in rows_of(text)[1:]:
        named = _reference(row)
        if not named:
            rows.append(row)
            continue
        count = int(named["last"] or MAX_HIDDEN) - int(named["first"] or 0) + 1
        if len(rows) + count > MAX_HIDDEN:
            return lines_of([])
        rows += [None] * count
    return lines_of(rows)


def _reference(row: str) -> re.Match[str] | None:
    return _NAMED.fullmatch(row) if row.startswith("= ") else None


def rows_of(text: str) -> list[str]:
    """The lines of a text as they came. The final newline ends the last one and starts none."""
    return (text[:-1] if text.endswith("\n") else text).split("\n")


def repeats(here: Lines, known: Mapping[str, Lines]) -> list[Repeat]:
    """Runs of lines that stand elsewhere. `known`: by the content of a line, where it was seen last.

    Linear: one place is tried for each line, and what is compared is counted. Raises TooCostly.
    """
    found: list[Repeat] = []
    steps = STEPS * len(here.contents) + 1000
    at = 0
    while at < len(here.contents):
        line = here.contents[at]
        seen = known.get(line) if line else None
        if line is None or seen is None:
            at += 1
            continue
        repeat = _around(here, at, seen, seen.first[line])
        steps -= repeat.end - repeat.start
        if steps < 0:
            raise TooCostly("too many lines to compare")
        at = max(at + 1, repeat.end if _add(found, repeat, here) else 0)
    if len(found) > MAX_REPEATS:
        longest = sorted(found, key=lambda repeat: repeat.start - repeat.end)[:MAX_REPEATS]
        found = sorted(longest, key=lambda repeat: repeat.start)
    return found


def _around(here: Lines, at: int, seen: Lines, place: int) -> Repeat:
    """The longest run of equal lines around one that is equal, within a block of numbers on both sides."""
    ours, theirs = here.run(at), seen.run(place)
    before = _equal_before(here.contents, at, seen.contents, place, min(at - ours.start, place - theirs.start))
    after = _equal_after(here.contents, at, seen.contents, place, min(ours.end - at, theirs.end - place))
    return Repeat(at - before, at + after, seen, place - before)


def _equal_before(a: Sequence[str | None], i: int, b: Sequence[str | None], j: int, limit: int) -> int:
    count = 0
    while count < limit and a[i - count - 1] == b[j - count - 1]:
        count += 1
    return count


def _equal_after(a: Sequence[str | None], i: int, b: Sequence[str | None], j: int, limit: int) -> int:
    """In strides that double: slices are compared at the speed of C."""
    count, stride = 0, 8
    while count < limit:
        stride = min(stride, limit - count)
        if a[i + count : i + count + stride] != b[j + count : j + count + stride]:
            return count + next(k for k in range(stride) if a[i + count + k] != b[j + count + k])
        count += stride
        stride *= 2
    return count


def _add(found: list[Repeat], repeat: Repeat, here: Lines) -> bool:
    """Whether the run is long enough. It takes the place of earlier ones that it holds whole, and else starts behind them."""
    while found and found[-1].start >= repeat.start:
        found.pop()
    skip = max(0, found[-1].end - repeat.start) if found else 0
    start = repeat.start + skip
    if repeat.end - start < MIN_LINES:
        return False
    if repeat.end - start < MIN_CHARACTERS and sum(1 + len(line or "") for line in here.contents[start : repeat.end]) < MIN_CHARACTERS:
        return False
    found.append(Repeat(start, repeat.end, repeat.seen, repeat.at + skip))
    return True


def written(text: str, here: Lines, found: Sequence[Repeat], names: Callable[[Lines], str]) -> str | None:
    """The text with its repeats named; None if one of its own lines could be taken for a name."""
    rows = rows_of(text)
    short = [_HEADER]
    done = 0
    last = ""
    for repeat in found:
        name = names(repeat.seen)
        short += rows[done : repeat.start]
        short.append(_named(repeat, here, _SAME if name == last else name))
        done, last = repeat.end, name
    short += rows[done:]
    if sum(1 for row in short if _reference(row)) != len(found):
        return None
    return "\n".join(short) + ("\n" if text.endswith("\n") else "")


def _named(repeat: Repeat, here: Lines, name: str) -> str:
    seen, count = repeat.seen, repeat.end - repeat.start
    ours, theirs = here.run(repeat.start), seen.run(repeat.at)
    there = first = repeat.at + 1 if theirs.first is None else theirs.first + repeat.at - theirs.start
    how = ""
    if ours.first is not None and here.style is not None:
        first = ours.first + repeat.start - ours.start
        if seen.style != here.style:
            how = f', numbered "{here.style}"'
        if seen.style is None or first != there:
            how += f", were {there}-{there + count - 1}"
    elif seen.style is not None:
        how = ", unnumbered"
    anchor = _anchor(seen.contents[repeat.at] or "") if seen.style is None else ""
    return f"= {first}-{first + count - 1}{anchor}{how}{',' if how else ''} of {name}"


def _anchor(line: str) -> str:
    """The line's first words."""
    words = line.strip()
    if len(words) > ANCHOR:
        words = words[: words.rfind(" ", 0, ANCHOR) + 1].strip()
    return f' ("{words}")' if words and '"' not in words else ""


def whole(name: str, text: str) -> str:
    """The form of a text that is an earlier one, all of it."""
    return f"{_HEADER}\n= all of {name}" + ("\n" if text.endswith("\n") else "")


def expand(short: str, find: Callable[[str], Earlier | None]) -> str | None:
    """The text behind the form; None if it is none of ours, or refers to what `find` does not know."""
    return read_back(short, HEADER, lambda rows, _: _expanded(rows, find))


def _expanded(rows: Iterable[str], find: Callable[[str], Earlier | None]) -> Iterator[str]:
    earlier: Earlier | None = None
    for row in rows:
        named = _reference(row)
        if not named:
            yield row
            continue
        if named["name"] != _SAME:
            earlier = find(named["name"])
        if earlier is None:
            raise ValueError("refers to a text that is not known")
        yield from rows_of(earlier.text) if named["all"] else _spelled(named, earlier.lines)


def _spelled(named: re.Match[str], seen: Lines) -> list[str]:
    """The lines that a row names, with the numbers it gives them."""
    first, last = int(named["first"]), int(named["last"])
    at = seen.at(int(named["start"] or first))
    style = None if named["bare"] else seen.style
    if named["style"]:
        style = numbers.read(named["style"])
    return seen.spelled(at, at + last - first + 1, style, first)
