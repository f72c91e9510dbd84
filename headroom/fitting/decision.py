"""What was decided about a conversation that outgrew its window, as it is recorded and read again.

It is recorded under what was said up to the crossing, before it is sent, and whole: who reads it needs to choose, write and
weigh nothing anew, so a later version of us leaves what was sent as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headroom.conversation import Json
from headroom.dialects.strict import parsed
from headroom.fitting.choice import Cut

VERSION = 1
"""Of the row's shape."""


@dataclass(frozen=True, slots=True)
class Decision:
    """All cuts of a conversation so far, and what stands there since the last of them. Elements and parts by their index."""

    cuts: tuple[Cut, ...] = ()
    notes: Mapping[int, str] = field(default_factory=dict)
    """Element of the user's words → the text behind them, for what is gone."""
    forms: Mapping[int, str | None] = field(default_factory=dict)
    """Part → how it stands there since: folded deeper; None: as it came, as what it referred to is gone."""
    bare: frozenset[int] = frozenset()
    """Elements that stay without their reasoning."""

    @property
    def dropped(self) -> frozenset[int]:
        return frozenset().union(*(cut.dropped for cut in self.cuts))

    @property
    def touched(self) -> frozenset[int]:
        """Elements that are not as they were, but for the texts in them."""
        return self.dropped | self.bare | self.notes.keys()


UNCUT = Decision()


def encode(decision: Decision, head: int = 0) -> str:
    """A row of the journal. `head`: parts before the conversation's elements, which are not counted: clients change system
    text, and how many blocks it has."""
    cuts = [[cut.at, _pairs(cut.folded), sorted(cut.dropped), cut.before, cut.after] for cut in decision.cuts]
    row = [VERSION, cuts, _pairs(decision.notes), _pairs({i - head: text for i, text in decision.forms.items()}), sorted(decision.bare)]
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def decode(row: str, elements: int, parts: int, head: int = 0) -> Decision | None:
    """None for a row that is not one of ours, is damaged, or does not fit a conversation of that many elements and parts."""
    match parsed(row):
        case [1, list(cuts), list(notes), list(forms), list(bare)]:
            read = [_cut(cut, elements) for cut in cuts]
            told, stand = _mapping(notes, elements, str), _mapping(forms, parts - head, (str, type(None)))
            if None not in read and told is not None and stand is not None and _within(bare, elements):
                return Decision(tuple(cut for cut in read if cut is not None), told, {i + head: text for i, text in stand.items()}, frozenset(bare))
    return None


def _cut(row: Json, elements: int) -> Cut | None:
    match row:
        case [int(at), list(folded), list(dropped), int(before), int(after)] if at < elements and _within(dropped, elements):
            sizes = _mapping(folded, elements, int)
            return None if sizes is None else Cut(at, sizes, frozenset(dropped), before, after)
    return None


def _pairs(found: Mapping[int, Json]) -> list[list[Json]]:
    return [[key, found[key]] for key in sorted(found)]


def _mapping(rows: Sequence[Json], end: int, kind: type | tuple[type, ...]) -> dict[int, Json] | None:
    pairs = all(isinstance(row, list) and len(row) == 2 and _within(row[:1], end) and isinstance(row[1], kind) for row in rows)
    return dict(rows) if pairs else None


def _within(found: Sequence[Json], end: int) -> bool:
    return all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i < end for i in found)
