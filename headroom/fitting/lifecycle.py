"""Which tool outputs have had their day: reads of files that were edited since or read again, and old outputs.

    0 Read a.py     superseded by 3
    1 Read b.py     stale: 2 changed it
    2 Edit b.py
    3 Read a.py

They may be folded deeper, but only where the past is rewritten anyway: what was sent stays sent. It is read from what
stands before that point, so every later turn finds the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from headroom.conversation import Part
from headroom.dialects.shapes import compact
from headroom.fitting.paths import Touch, touch

Reason = Literal["superseded", "stale", "old"]
"""superseded: the same stands again further down. stale: the file is not like that any more. old: far behind the live end."""

SHORT = 500
"""Characters; below it a marker is hardly shorter."""

LONG = 2000
"""Characters from which an output is folded for its age alone: what is cut out of a shorter one is soon asked for again."""


def folded(parts: Sequence[Part], live: int, keep: Collection[int] = (), *, old: bool = True) -> dict[int, Reason]:
    """Part → why it may be folded deeper. Parts from `live` on stay, and tell of those before; those in `keep`, to which
    forms that stay refer, are left alone."""
    found: dict[int, Reason] = {}
    written, whole, calls = _Paths(), _Paths(), set[tuple[str, str]]()
    for i in range(len(parts) - 1, -1, -1):
        part = parts[i]
        if part.role != "tool":
            continue
        own, call = touch(part), (part.tool, compact(part.call))
        if i < live and i not in keep and not part.error:
            reason = _reason(part, own, written, whole, again=part.call is not None and call in calls)
            if reason and (old or reason != "old"):
                found[i] = reason
        for path in own.writes:
            written.add(path)
        if own.reads:
            calls.add(call)
        if own.whole and len(own.reads) == 1:
            whole.add(own.reads[0])
    return dict(sorted(found.items()))


def _reason(part: Part, own: Touch, written: _Paths, whole: _Paths, *, again: bool) -> Reason | None:
    if len(part.text) < SHORT:
        return None
    if own.reads and (again or all(path in whole for path in own.reads)):
        return "superseded"
    if any(path in written for path in own.reads):
        return "stale"
    return "old" if len(part.text) >= LONG else None


class _Paths:
    """Paths, of which the same file may have a longer and a shorter one."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[str]] = {}

    def add(self, path: str) -> None:
        path = _plain(path)
        known = self._by_name.setdefault(path.rpartition("/")[2], [])
        if path not in known:
            known.append(path)

    def __contains__(self, path: str) -> bool:
        path = _plain(path)
        return any(
            path == each or path.endswith("/" + each) or each.endswith("/" + path)
            for each in self._by_name.get(path.rpartition("/")[2], ())
        )


def _plain(path: str) -> str:
    return path.replace("\\", "/").removeprefix("file://").removeprefix("./").rstrip("/")
