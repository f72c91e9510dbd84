"""Cut prose into what is shown or left out as a whole: sentences, list items, table rows, blocks of code, headings.

    # Title            a heading
    One. Two           two sentences of one block, the second
    goes on.           over two lines
    - item             an item
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from headroom.compressors.base import SLICE, TooCostly

TABLE_HEAD = 90
"""Level of a table's head: below all headings, so that it stands above its own rows alone."""

MAX_PASSAGES = 250_000
"""Some 25 MB of prose; what has more is no prose."""

MAX_RULE = 200
"""Characters of a line that can underline a heading."""

_FENCE = re.compile(r"\s{0,8}(`{3,}|~{3,})")
_HEADING = re.compile(r"(#{1,6})\s")
_RULE = re.compile(r"([=\-~^\"'*+#`:._])\1{2,}\s*\Z")
_ITEM = re.compile(r"\s{0,40}(?:[-*+•–]|\(?[0-9]{1,4}[.)]|\(?[a-zA-Z]\))\s")
_TABLE_RULE = re.compile(r"[\s|:+=-]+\Z")
_END = re.compile(
    r"[.!?…؟।。！？](?:(?<=[。！？])[」』”’）]{0,4}()\s*"
    r"|(?<![\s(.\"'][A-Za-z]\.)(?<!\b(?:Mr|Dr|St|Jr|Sr|Lt|No|no|vs|pp|Mt|Ft|al|cf|ca)\.)"
    r"(?<!\b(?:Mrs|Col|Gen|Sgt|Fig|fig|Vol|vol|Rev|Hon|Nos|e\.g|i\.e)\.)[\"'”’»)\]*_`]{0,4}()\s+(?=[^\sa-zа-яё]))"
)
"""The end of a sentence: its mark, but behind no abbreviation or initial, and no small letter follows."""


class Passage(NamedTuple):
    """A stretch of the text. A tuple, because one is made per sentence."""

    start: int
    end: int
    block: int
    """Passages of one block stand in one paragraph, list or table."""
    level: int = 0
    """Of a heading, 1 for the highest; else 0."""


def passages(text: str) -> list[Passage]:
    """All of the text but the blanks between, in order."""
    found: list[Passage] = []
    ranks: dict[str, int] = {}
    after_item = False
    for number, (start, lines) in enumerate(_blocks(text)):
        head, skip = _heading(lines, ranks)
        if head:
            end = start + sum(map(len, lines[:skip])) + skip - 1
            found.append(Passage(start, end, number, head))
            start, lines = end + 1, lines[skip:]
        if lines:
            found += islice(_passages(text, start, lines, number, after_item), MAX_PASSAGES)
            if len(found) > MAX_PASSAGES:
                raise TooCostly("too many sentences")
            after_item = bool(_ITEM.match(lines[0])) or (after_item and lines[0][:1].isspace())
    return found


def above(found: Sequence[Passage]) -> list[int]:
    """Index of the nearest higher heading above each passage, or -1."""
    chain: list[int] = []
    nearest: list[int] = []
    for i, passage in enumerate(found):
        while chain and (
            0 < passage.level <= found[chain[-1]].level
            or (found[chain[-1]].level == TABLE_HEAD and found[chain[-1]].block != passage.block)
        ):
            chain.pop()
        nearest.append(chain[-1] if chain else -1)
        if passage.level:
            chain.append(i)
    return nearest


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Where each block starts, and its lines: up to a blank line or the next heading, a fenced one up to its fence."""
    at = start = 0
    block: list[str] = []
    fence = ""
    for line in text.split("\n"):
        head = line.lstrip()[:1]
        mark = _FENCE.match(line) if head in ("`", "~") else None
        opens = mark is not None and not fence
        if block and not fence and (not head or opens or head == "#" or block[-1][:1] == "#"):
            yield start, block
            block = []
        if head or fence:
            if not block:
                start = at
            block.append(line)
        at += len(line) + 1
        if opens and mark:
            fence = mark[1]
        elif mark and fence and mark[1].startswith(fence):
            yield start, block
            block, fence = [], ""
    if block:
        yield start, block


def _heading(lines: Sequence[str], ranks: dict[str, int]) -> tuple[int, int]:
    """Level of the heading that a block starts with, and its number of lines; (0, 0) if it is none."""
    mark = _HEADING.match(lines[0])
    if mark:
        return len(mark[1]), 1
    if len(lines) >= 3 and _rules(lines[0]) and _rules(lines[2]) and lines[0][:1] == lines[2][:1]:
        return ranks.setdefault(lines[0][0] * 2, len(ranks) + 1), 3
    if len(lines) >= 2 and _rules(lines[1]) and not _rules(lines[0]):
        return ranks.setdefault(lines[1][0], len(ranks) + 1), 2
    if len(lines) >= 3 and lines[0].lstrip()[:1] == "|" and _TABLE_RULE.match(lines[1]):
        return TABLE_HEAD, 2
    return 0, 0


def _rules(line: str) -> bool:
    return len(line) <= MAX_RULE and _RULE.match(line) is not None


def _passages(text: str, start: int, lines: Sequence[str], number: int, after_item: bool) -> Iterator[Passage]:
    """Those of a block below its heading."""
    first = lines[0].lstrip()
    if _FENCE.match(lines[0]) or (lines[0].startswith(("    ", "\t")) and not after_item and not _reads(lines)):
        yield _whole(text, start, start + sum(map(len, lines)) + len(lines) - 1, number)
        return
    rows = first[:1] in ("|", "+")
    began = at = start
    whole = rows or _ITEM.match(lines[0]) is not None
    for line in lines:
        item = (rows and line.strip() != "") or _ITEM.match(line) is not None  # blanks stand in a block only where a fence does
        if item and at > start:
            yield from [_whole(text, began, at - 1, number)] if whole else _sentences(text, began, at - 1, number)
            began, whole = at, True
        at += len(line) + 1
    yield from [_whole(text, began, at - 1, number)] if whole else _sentences(text, began, at - 1, number)


def _reads(lines: Sequence[str]) -> bool:
    """Whether indented lines are a paragraph and no code: words, and a full stop at the end."""
    last = lines[-1].rstrip()
    return last.endswith((".", ":", "!", "?")) and all(line.count(" ") >= 3 for line in lines[:-1])


def _sentences(text: str, start: int, end: int, number: int) -> Iterator[Passage]:
    """Those of a paragraph; in slices, so that no one call of `re` is long."""
    began = start
    for left in range(start, end, SLICE):
        for match in _END.finditer(text, max(left, began), min(left + SLICE, end)):
            stop = match.end(match.lastindex or 0)
            if text[began:stop].strip():
                yield Passage(began, stop, number)
            began = match.end()
    if text[began:end].strip():
        yield _whole(text, began, end, number)


def _whole(text: str, start: int, end: int, number: int) -> Passage:
    return Passage(start, start + len(text[start:end].rstrip()), number)
