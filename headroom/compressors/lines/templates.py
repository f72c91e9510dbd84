"""Find the templates behind a text's lines: what is said again and again, and what varies in it.

Lines are grouped twice. First by their text with every word part that starts with a digit masked, which one C-level
pass finds. Then, among what is left, by words that are frequent at their place in the line (as SLCT does, Vaarandi 2003):
a rare word varies too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from headroom.compressors.base import SLICE, TooCostly, slices
from headroom.compressors.lines.prefix import common_prefix

MASK = "\x00"
"""Stands for a value; texts that hold it are refused."""

MAX_VALUES = 500_000
"""Values in one text, which bounds the memory used."""

MIN_LINES = 3
"""Lines that make a template worth printing."""

MIN_GAIN = 20
"""Characters a template must save."""

LINE_COST, GAP_COST = 6, 4
"""Characters of text, blanks aside, that cost as many tokens as a line's letter and as one value set apart."""

MAX_WORDS = 40
"""Words up to which a line is grouped by them."""

FREQUENT = 25
"""A word is frequent at its place if it stands there in one of this many lines that are left."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODES = (*_LETTERS, *map("".join, product(_LETTERS, _LETTERS)))
"""What templates are called in a form, and frequent values. Their number bounds how many there can be."""

_VALUE = r"\d[^\s=,;()\[\]{}\"'<>|]*"
_VALUES = re.compile(f"({_VALUE})")
_VALUES_AND_IDS = re.compile(rf"(\b[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f-]{{22}}\b|\b[0-9a-f]{{32,64}}\b|{_VALUE})")
_IDS = re.compile(r"\b[a-f][0-9a-f]{7}-[0-9a-f]{4}-|\b[a-f][0-9a-f]{31}")
"""Only ids that start with a letter need the slower pattern."""

_BOUNDARIES = " /.:-_@#=?&T+"
"""A prefix of all values ends behind one of these, so that what is left is whole words."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with gaps, and the lines it stands for."""

    parts: tuple[str, ...]
    """The text before, between and behind the gaps."""
    lines: Sequence[int]
    columns: Sequence[Sequence[str]]
    """What fills each gap, line by line."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Lines with one masked text, and their values."""

    lines: list[int]
    rows: Sequence[Sequence[str]]


def mine(text: str, lines: Sequence[str], most: int) -> list[Template]:
    """At most `most` templates that pay, in the order in which they first occur. Raises TooCostly."""
    masked, values = _mask(text)
    if len(masked) != len(lines):
        return []
    groups, left = _repeated(masked, values)
    found: list[Template] = []
    for key, group in groups.items():
        template = _template(key.split(MASK), group)
        if template:
            found.append(template)
        else:
            left += [(i, key, row) for i, row in zip(group.lines, group.rows, strict=True)]
    for parts, group in _alike(lines, left):
        template = _template(parts, group)
        if template:
            found.append(template)
    found.sort(key=lambda t: len(t.lines), reverse=True)
    return sorted(found[:most], key=lambda t: t.lines[0])


def _mask(text: str) -> tuple[list[str], list[str]]:
    """The lines with their values masked, and all values in reading order."""
    # A generator and not `map`: between its steps other threads may run.
    pattern = _VALUES_AND_IDS if any(_IDS.search(piece) for piece in slices(text)) else _VALUES
    masked: list[str] = []
    values: list[str] = []
    for piece in slices(text):
        if len(piece) > 2 * SLICE:
            masked.append(piece)  # a line too long to be one of many
            continue
        found = pattern.split(piece)
        masked.append(MASK.join(found[::2]))
        values += found[1::2]
        if len(values) > MAX_VALUES:
            raise TooCostly("too many values")
    return "".join(masked).split("\n"), values


_Left = tuple[int, str, Sequence[str]]
"""A line that no template covers yet: its number, its masked text, its values."""


def _repeated(masked: list[str], values: list[str]) -> tuple[dict[str, _Group], list[_Left]]:
    """Groups of lines with the same masked text, and the lines in none."""
    count = Counter(masked)
    size = {key: key.count(MASK) for key in count}
    groups: dict[str, tuple[list[int], list[Sequence[str]]]] = {
        key: ([], []) for key, times in count.items() if times >= MIN_LINES and len(key) * (times - 1) > 2 * MIN_GAIN
    }
    left: list[_Left] = []
    at = 0
    for i, key in enumerate(masked):
        end = at + size[key]
        group = groups.get(key)
        if group is not None:
            group[0].append(i)
            group[1].append(values[at:end])
        elif len(key) > LINE_COST:
            left.append((i, key, values[at:end]))
        at = end
    return {key: _Group(*group) for key, group in groups.items()}, left


def _alike(lines: Sequence[str], left: list[_Left]) -> Iterator[tuple[list[str], _Group]]:
    """Groups of the lines left, by their frequent words. A word with values in it may be frequent as masked."""
    sizes: dict[int, list[_Left]] = {}
    for item in left:
        sizes.setdefault(item[1].count(" "), []).append(item)
    for size, items in sizes.items():
        if not 0 < size < MAX_WORDS or len(items) < MIN_LINES:
            continue
        worded = [key.split(" ") for _, key, _ in items]
        patterns = zip(*map(_frequent, zip(*worded, strict=True)), strict=True)
        groups: dict[tuple[str, ...], list[int]] = {}
        for at, pattern in enumerate(patterns):
            groups.setdefault(pattern, []).append(at)
        for pattern, places in groups.items():
            if len(places) >= MIN_LINES:
                rows = [_values(lines[items[at][0]].split(" "), worded[at], pattern, items[at][2]) for at in places]
                yield " ".join(pattern).split(MASK), _Group([items[at][0] for at in places], rows)


def _frequent(words: Sequence[str]) -> list[str]:
    """The words at one place of all lines, rare ones masked."""
    least = max(MIN_LINES, len(words) // FREQUENT)
    known = {word: word if times >= least else MASK for word, times in Counter(words).items()}
    return [known[word] for word in words]


def _values(whole: list[str], words: list[str], pattern: Sequence[str], row: Sequence[str]) -> list[str]:
    """A line's values for a pattern: rare words whole, the masked parts of frequent ones."""
    found: list[str] = []
    at = 0
    for place, word in enumerate(words):
        end = at + word.count(MASK)
        if pattern[place] == MASK:
            found.append(whole[place])
        else:
            found += row[at:end]
        at = end
    return found


def _template(parts: Sequence[str], group: _Group) -> Template | None:
    """The template of a group: values that never change become text, as does what starts all values of a gap."""
    texts = [parts[0]]
    columns: list[Sequence[str]] = []
    for column, part in zip(zip(*group.rows, strict=True), parts[1:], strict=True):
        low, high = min(column), max(column)
        if low == high:
            texts[-1] += low + part
            continue
        shared = _prefix(low, high)
        texts[-1] += shared
        texts.append(part)
        columns.append([value[len(shared) :] for value in column] if shared else column)
    size = sum(len(word) for text in texts for word in text.split())
    gain = (size - LINE_COST - GAP_COST * len(columns)) * len(group.lines) - size - GAP_COST * len(columns)
    return Template(tuple(texts), group.lines, columns) if gain >= MIN_GAIN else None


def _prefix(low: str, high: str) -> str:
    """What starts every text from `low` to `high`, up to a boundary."""
    end = len(common_prefix(low, high))
    while end and low[end - 1] not in _BOUNDARIES:
        end -= 1
    return low[:end]
