"""Long lists in JSON: the rows that stand out and a few others as a table, and what all rows are like in a line.

    [{"id": 1, "state": "ok", "ms": 12}, … 900 rows …]

    [JSON, a sample of its rows; # or {7: value} is a row's number]
    all 900 rows: id 1..900; state ok×899 failed×1; ms 9..7120 median 13
    <21 rows>
    #,id,state,ms
    1,1,ok,12

Everything else in the document stays as the form without loss has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.json import MAX_CHARS, JsonTables, Tables
from headroom.compressors.tabular.cells import KEY, MISSING
from headroom.compressors.tabular.choice import choose
from headroom.compressors.tabular.columns import Column, columns_of, order_of
from headroom.compressors.tabular.layout import COMPACT, encode, read
from headroom.compressors.tabular.profile import profile, summaries
from headroom.conversation import Json

MIN_ROWS = 16
"""Rows of a list of objects that is worth a sample; shorter ones are looked into for longer ones."""

MIN_SCALARS = 60
"""The same for a list of plain values, of which a row costs more than its place in the list."""

MAX_DEPTH = 6
"""Levels at which lists are looked for."""

MAX_SHARE = 0.7
"""Share of its rows that a sample may show: one that shows more hides too little to pay for what it says."""

_OMITTED = 200
"""Characters that the marker quotes of what is left out."""

_SUMMARY = 1200
"""Characters of what is said about all rows of one list."""

_NUMBER, _VALUE = "#", "value"
_OPENING = "JSON, a sample of its rows; # or {7: value} is a row's number"
_PLAIN = re.compile(r"[^\]\n]*\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_KIND = JsonTables()


@dataclass(frozen=True, slots=True)
class JsonSample:
    """Long lists in JSON. Kept for certain: the first and last rows, rows that tell of trouble, stand out by their numbers or hold what is
    rare, and rows that the question names; of all rows their number and each column's range."""

    name: str = "json-sample"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        return _KIND.sniff(text, goal)

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("JSON too large to be parsed in one go")
        document = read(text)
        if document is None:
            return None
        sampler = _Sampler(goal.query)
        value = sampler.take(document.value, ())
        if not sampler.notes:
            return None
        found = Tables([], [])
        skeleton = encode(found.take(value, 0), COMPACT)
        legend = "; ".join(filter(None, [_OPENING, found.legend.replace("all rows", "all rows shown")]))
        short = "\n".join([f"[{legend}]", *sampler.notes, skeleton, *found.lines])
        if len(short) >= len(text) or ("\\u" in text and _SURROGATE.search(short)):
            return None
        return Compressed(short, "lossy", omitted=_listed(sampler.omitted))

    def expand(self, short: str) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class _Sampler:
    """Puts a sample in place of each long list of a value."""

    query: str
    notes: list[str] = field(default_factory=list)
    """What all rows of each list are like."""
    omitted: list[str] = field(default_factory=list)

    def take(self, value: Json, path: tuple[str, ...]) -> Json:
        if type(value) not in (list, dict) or not value or len(path) > MAX_DEPTH:
            return value
        keyed = type(value) is dict
        items: list[Json] = list(value.values()) if keyed else value
        columns = _columns(items)
        if columns:
            kept = self._kept(items, [Column(KEY, list(value)), *columns] if keyed else columns, path)
            if kept:
                return _shown(items, list(value) if keyed else None, kept)
        if keyed:
            return {key: self.take(v, (*path, key)) for key, v in value.items()}
        return [self.take(v, path) for v in value] if {dict, list} & set(map(type, value)) else value

    def _kept(self, items: Sequence[Json], columns: Sequence[Column], path: tuple[str, ...]) -> Sequence[int]:
        """The indexes of the rows to show; none if too few would be left out."""
        profiles = [profile(column.path, column.values) for column in columns]
        kept = choose(items, profiles, self.query)
        if len(kept) > MAX_SHARE * len(items):
            return ()
        where = ".".join(path)
        where = f" of {where}" if where and len(where) <= _OMITTED // 4 and _PLAIN.match(where) else ""
        self.notes.append(f"all {len(items)} rows{where}: {summaries(profiles, _SUMMARY)}")
        self.omitted.append(f"{len(items) - len(kept)} of {len(items)} rows{where}")
        return kept


def _columns(items: Sequence[Json]) -> list[Column] | None:
    """The columns of like things: members of objects, places of lists of one length, plain values. None if they are too few or unlike."""
    kinds = set(map(type, items))
    if kinds == {dict}:
        return _members(items) if len(items) >= MIN_ROWS else None
    if len(items) < MIN_SCALARS or dict in kinds:
        return None
    if kinds == {list}:
        alike = len(items[0]) > 0 and len(set(map(len, items))) == 1
        return [Column((str(place),), values) for place, values in enumerate(zip(*items, strict=True), 1)] if alike else None
    return [Column((_VALUE,), items)] if list not in kinds else None


def _members(rows: Sequence[dict[str, Json]]) -> list[Column] | None:
    shapes = Counter(map(tuple, rows))
    order = order_of(shapes)
    if not order or any(_NUMBER in shape for shape in shapes):
        return None
    return [
        Column(column.path, [row.get(str(column.path[0]), MISSING) for row in rows]) if column.rare else column
        for column in columns_of(rows, (), order, shapes)
    ]


def _shown(items: Sequence[Json], keys: Sequence[str] | None, kept: Sequence[int]) -> Json:
    """The rows to show: objects with their numbers before them, anything else as members named by their numbers."""
    if type(items[0]) is not dict:
        return {keys[i] if keys is not None else str(i + 1): items[i] for i in kept}
    rows = [{_NUMBER: i + 1} | items[i] for i in kept]
    return rows if keys is None else dict(zip([keys[i] for i in kept], rows, strict=True))


def _listed(omitted: Sequence[str]) -> str:
    """What is left out of each list, of as many as there is room for."""
    text = ", ".join(omitted)
    while len(text) > _OMITTED:
        omitted = omitted[:-1]
        text = ", ".join(omitted) + ", more in other lists"
    return text
