"""Drawn trees (tree, cargo tree, eza --tree): one blank a level stands for the lines that were drawn.

    [tree; one blank of indent per level]
    .
     src
      main.py
     README.md

Which branch is the last of its folder shows in what follows it, so the drawing can be made again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.lines.glance import glance

MAX_CHARS = 8_000_000
"""Four seconds of work; large bodies are shortened in a thread."""

MIN_ENTRIES, MIN_SHARE = 5, 0.5
"""Entries that are worth a header, and their share of the lines: below it the text is about something else."""

MAX_DEPTH = 100
"""Levels; nobody draws more, and a drawing grows with the square of its depth."""

HARD = "\u00a0"
"""The no-break space, which tree draws with where cargo has a blank."""

_ENTRY = re.compile(rf"((?:│[ {HARD}][ {HARD}] |    ){{0,{MAX_DEPTH}}})[├└]── (.*)")
_HEADER = re.compile(r"\[tree(?P<hard>, drawn with no-break spaces)?; one blank of indent per level\]\n")


@dataclass(frozen=True, slots=True)
class Trees:
    """What `tree` prints. Kept for certain: every byte. Indentation stands for the lines that were drawn."""

    name: str = "trees"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        if "── " not in text:
            return 0.0
        lines = glance(text)
        return 0.95 * sum(1 for line in lines if _ENTRY.match(line)) / len(lines)

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too large a tree")
        if "── " not in text:
            return None
        lines = text.split("\n")
        found = [_ENTRY.fullmatch(line) for line in lines]
        count = sum(1 for match in found if match)
        if count < max(MIN_ENTRIES, MIN_SHARE * len(lines)):
            return None
        header = f"[tree{', drawn with no-break spaces' if HARD in text else ''}; one blank of indent per level]"
        form = [" " * (len(match[1]) // 4 + 1) + match[2] if match else line for line, match in zip(lines, found, strict=True)]
        short = "\n".join([header, *form])
        # Drawings differ in more ways than are worth a rule each: what does not come back is left as it is.
        return Compressed(short, "exact") if len(short) < len(text) and self.expand(short) == text else None

    def expand(self, short: str) -> str | None:
        header = _HEADER.match(short)
        if not header:
            return None
        lines = short[header.end() :].split("\n")
        return "\n".join(reversed(list(_drawn(lines, HARD if header["hard"] else " "))))


def _drawn(lines: Sequence[str], blank: str) -> Iterator[str]:
    """The drawing, from its last line to its first: only what follows tells which branch is the last."""
    bar = f"│{blank}{blank} "
    follows: list[bool] = []
    for line in reversed(lines):
        name = line.lstrip(" ")
        depth = len(line) - len(name)
        if not 0 < depth <= MAX_DEPTH:
            follows = []
            yield line
            continue
        follows = [*follows[:depth], *[False] * (depth - len(follows))]
        drawn = "".join([bar if more else "    " for more in follows[:-1]])
        yield f"{drawn}{'├' if follows[-1] else '└'}── {name}"
        follows[-1] = True
