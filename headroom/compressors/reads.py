"""Numbered file reads: the number stays on the first and on every tenth line, what stands behind it is untouched.

Tools that show files number each line (`cat -n`, the Read and view tools of agents). The numbers are consecutive, so
nine in ten can be counted; a line without its number is the file's own line, indentation and all, which is what an
edit has to quote. The form is one line that lists what follows, then as many lines as before:

    [numbered lines 400-412, 3 other: number ("%6d\\t") shown on the first and every 10th line only]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from headroom.compressors.base import Compressed, Goal
from headroom.compressors.lines.glance import glance
from headroom.compressors.lines.numbers import NUMBERED, Run, Style, bare, read, runs_of

EVERY = 10
"""Numbers kept: with every tenth a line is found by counting to nine, and a denser grid costs what it would save."""

MIN_RUN = 10
"""Consecutive numbers that make a block; fewer are as likely a list that happens to be numbered."""

MAX_PIECES = 20
"""Blocks and gaps the first line may list; a text with more is no file that was read."""

_HEADER = re.compile(
    r"\[numbered lines (?P<plan>[0-9][^:\]\n]*): "
    r'number \("(?P<style>[^"\n]*)"\) shown on the first and every 10th line only\]\n'
)
_PIECE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})|([0-9]{1,9}) other")


@dataclass(frozen=True, slots=True)
class NumberedReads:
    """File reads with line numbers. Kept for certain: every byte. Only every tenth number is shown, and wherever counting starts anew."""

    name: str = "reads"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        found = [NUMBERED.match(line) for line in glance(text)]
        numbers = [int(match[3]) if match else None for match in found]
        counted = sum(1 for a, b in pairwise(numbers) if a is not None and b == a + 1)
        return 0.95 * min(1.0, counted / max(1, len(numbers) - 2))  # one pair is the seam between the two pieces of the glance

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if _HEADER.match(text):
            return None
        body = text[:-1] if text.endswith("\n") else text
        lines = body.split("\n")
        style, runs = runs_of(lines, MIN_RUN)
        if style is None or len(runs) > MAX_PIECES:
            return None
        header = f'[numbered lines {", ".join(map(str, runs))}: number ("{style}") shown on the first and every 10th line only]'
        short = "\n".join([header, *_thinned(lines, runs, style)]) + text[len(body) :]
        return Compressed(short, "exact") if len(short) < len(text) else None

    def expand(self, short: str) -> str | None:
        header = _HEADER.match(short)
        if not header:
            return None
        try:
            return "\n".join(_numbered(short[header.end() :].split("\n"), header["plan"], read(header["style"])))
        except ValueError:
            return None


def _thinned(lines: list[str], runs: list[Run], style: Style) -> Iterator[str]:
    for run in runs:
        if run.first is None:
            yield from lines[run.start : run.end]
            continue
        texts = bare(lines[run.start : run.end], run.first, style)
        shown = dict.fromkeys((0, *range(-run.first % EVERY, len(texts), EVERY)))
        for at in shown:
            texts[at] = style.bare % (run.first + at) + texts[at]
        yield from texts


def _numbered(lines: list[str], plan: str, style: Style) -> Iterator[str]:
    """The inverse of `_thinned`. ValueError if the lines are not what the plan says."""
    at = 0
    for piece in plan.split(", "):
        found = _PIECE.fullmatch(piece)
        if not found:
            raise ValueError("not a piece of a plan")
        if found[3]:
            count = int(found[3])
            yield from lines[at : at + count]
        else:
            first, count = int(found[1]), int(found[2]) - int(found[1]) + 1
            for number, line in enumerate(lines[at : at + count], first):
                yield style.long % number + _without(line, number, first, style)
        at += count
    if at == len(lines) - 1 and not lines[at]:
        yield ""  # the final newline is no line of the plan
    elif at != len(lines):
        raise ValueError("more or fewer lines than the plan says")


def _without(line: str, number: int, first: int, style: Style) -> str:
    if number != first and number % EVERY:
        return line
    shown = style.bare % number
    if not line.startswith(shown):
        raise ValueError("a number is missing")
    return line[len(shown) :]
