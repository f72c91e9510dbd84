"""Show some lines of a text, and where the others are: the shape of every lossy form that consists of lines.

    first line that is kept
    … 2-40
    a line like many others [×12]
    … 42-57 (15 passed)
    last line

Kept lines stand verbatim, numbers are lines of the original from 1 on. So what is not shown can be asked for by
its numbers, and whoever reads the view can tell each line's own number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

GAP = re.compile(r"… (\d+)(?:-(\d+))?(?: \([^\n]*\))?")
"""The line that stands for those not shown."""

_TIMES = re.compile(r" \[×\d+\]\Z")

BRIDGE = 12
"""Characters: a gap that hides no more costs as many tokens as it saves, so it is closed."""


@dataclass(frozen=True, slots=True)
class View:
    """Some lines of a text."""

    text: str
    omitted: str
    """What is not shown, for the marker: "812 of 1000 lines"."""
    lines: str
    """"41-180" if what is not shown is one range, else ""."""


def show(
    lines: Sequence[str], kept: Collection[int], notes: Mapping[int, str] | None = None, times: Mapping[int, int] | None = None
) -> View | None:
    """The lines with the indexes `kept` (from 0), and gaps; None if nothing is left out or a line looks like a gap.

    `notes`: index of the first line of a gap → what to say of the gap. `times`: index of a kept line → how many lines are like it.
    """
    chosen = sorted(set(kept))
    shown: list[str] = []
    gaps: list[tuple[int, int]] = []
    at = 0
    for i in [*chosen, len(lines)]:
        if i > at:
            note = notes.get(at) if notes else None
            if note is None and sum(map(len, lines[at : min(i, at + BRIDGE)])) + i - at <= BRIDGE:
                shown += lines[at:i]
            else:
                gaps.append((at + 1, i))
                shown.append(_gap(at + 1, i) + (f" ({note})" if note else ""))
        if i < len(lines):
            count = times.get(i, 1) if times else 1
            shown.append(f"{lines[i]} [×{count}]" if count > 1 else lines[i])
        at = i + 1
    if not gaps or any(lines[i].startswith("… ") and GAP.fullmatch(lines[i]) for i in chosen):
        return None
    missing = sum(last - first + 1 for first, last in gaps)
    only = f"{gaps[0][0]}-{gaps[0][1]}" if len(gaps) == 1 else ""
    where = f"lines {only} of {len(lines)}" if only else f"{missing} of {len(lines)} lines (… names them)"
    return View("\n".join(shown), where, only)


def _gap(first: int, last: int) -> str:
    return f"… {first}" if first == last else f"… {first}-{last}"


def numbered(text: str, original: Sequence[str]) -> dict[int, str] | None:
    """Index → line of all that a view shows, read back from its text; None if it shows a line that is not the original's."""
    found: dict[int, str] = {}
    at = 0
    for line in text.split("\n"):
        gap = GAP.fullmatch(line)
        if gap:
            if int(gap[1]) != at + 1:
                return None
            at = int(gap[2] or gap[1])
            continue
        if at >= len(original) or original[at] not in (line, _TIMES.sub("", line)):
            return None
        found[at] = original[at]
        at += 1
    return found if at == len(original) else None
