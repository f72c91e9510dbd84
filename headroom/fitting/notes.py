"""What the model reads in place of what was taken away, and under which key it gets it back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from headroom import ccr
from headroom.conversation import Json
from headroom.dialects.ties import Ties
from headroom.fitting.paths import paths_of
from headroom.fitting.units import is_anchor

MOST_TOOLS, MOST_FILES = 4, 3
"""Names in a note; the rest is a number."""

MAX_WHAT, MAX_FILE = 200, 48
"""Characters of what a marker says (see ccr.MARKER), and of a file's name in it."""


@dataclass(frozen=True, slots=True)
class Note:
    """Stands for elements that are gone, at the end of the user's words before them."""

    at: int
    """The element that carries it."""
    dropped: tuple[int, ...]
    text: str
    original: str = field(repr=False)
    """The elements as JSON, one a line, to be stored under the key in `text`."""


def notes(values: Sequence[Json], ties: Sequence[Ties], dropped: Collection[int]) -> tuple[Note, ...]:
    """One note for all that is gone behind the same words."""
    groups = anchors(ties, dropped, dropped)
    return tuple(_note(at, gone, values, ties) for at, gone in groups.items())


def anchors(ties: Sequence[Ties], dropped: Collection[int], wanted: Collection[int]) -> dict[int, list[int]]:
    """The words that carry a note → which of the `wanted` elements it stands for, when all of the `dropped` are gone."""
    groups: dict[int, list[int]] = {}
    anchor = None
    for i, own in enumerate(ties):
        if i not in dropped:
            anchor = i if is_anchor(own) else anchor
        elif anchor is not None and i in wanted:
            groups.setdefault(anchor, []).append(i)
    return groups


def _note(at: int, gone: Sequence[int], values: Sequence[Json], ties: Sequence[Ties]) -> Note:
    original = "[" + ",\n".join(json.dumps(values[i], ensure_ascii=False, separators=(",", ":")) for i in gone) + "]"
    return Note(at, tuple(gone), ccr.marker(ccr.key_of(original), what([ties[i] for i in gone])), original)


def what(ties: Sequence[Ties]) -> str:
    """What was taken away: "12 tool calls with results (8 Bash, 4 Read; src/a.py, src/b.py)"."""
    calls = [call for own in ties for call in own.calls]
    tools = Counter(call.tool or "tool" for call in calls)
    files = list(dict.fromkeys(path for call in calls for path in paths_of(call.input)))
    said = sum(own.side in ("user", "assistant") and own.words and not own.calls for own in ties)
    heads = [_number(len(calls), "earlier tool call") + " with results"] if calls else []
    heads += [_number(said, "earlier message")] if said else []
    names = [f"{n} {tool}" for tool, n in sorted(tools.items(), key=lambda each: (-each[1], each[0]))]
    for most_files in range(MOST_FILES, -1, -1):
        lists = filter(None, (_some(names, MOST_TOOLS), _some([_end(path) for path in files], most_files) if most_files else ""))
        inside = "; ".join(lists)
        text = (" and ".join(heads) or _number(len(ties), "earlier item")) + (f" ({inside})" if inside else "")
        if len(clean := _clean(text)) <= MAX_WHAT:
            return clean
    return _clean(text)[:MAX_WHAT].rstrip()


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _some(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _end(path: str) -> str:
    """A path that is too long is known by its last folders."""
    return path if len(path) <= MAX_FILE else "…" + path[-MAX_FILE:]


def _clean(text: str) -> str:
    """In one line and without a bracket, which would end the marker."""
    return "".join(c if c.isprintable() and c != "]" else "?" for c in text)
