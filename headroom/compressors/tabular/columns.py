"""What the columns of like objects are, in which order, and what the rows of one column share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import chain, pairwise

from headroom.compressors.tabular.cells import KEY, MISSING, Missing, Path, cells, name, prefix, rests
from headroom.compressors.tabular.layout import NUMBER
from headroom.conversation import Json

Shape = tuple[str, ...]
"""The keys of an object, in its order."""

MAX_COLUMNS = 400
"""Names in one table. Wider objects are records of their own."""

MAX_COMPARED = 40
"""Full columns that are compared with each other: the cost is the square of this."""

MIN_FILL = 0.3
"""Least share of filled cells of a column; rarer ones go to the row's end. 0.3 did better than 0.5 and 0.7 on
a price list: 51 % saved against 45 and 40."""

MIN_PREFIX = 4
"""Characters a prefix must have to be worth its place in the name."""

MIN_ALIKE = 0.5
"""Least share of filled cells of all columns that an object inside the rows would become."""

MAX_NESTING = 3
"""Levels of objects inside a row that become columns of their own."""

_BOUNDARIES = "/.: -_@#=?&T"
"""A prefix ends behind one of these, so that what stays in the cells is whole words."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the way down to it, and its values (MISSING where absent; none at all if it is rare)."""

    path: Path
    values: Sequence[Json]
    rare: bool = False


def columns_of(rows: Sequence[Json], path: Path, order: list[str], shapes: Counter[Shape]) -> list[Column]:
    """The columns of like objects, nested ones spread out."""
    if len(shapes) == 1:
        full: Iterator[Sequence[Json]] = zip(*(row.values() for row in rows), strict=True)
        return list(chain.from_iterable(_spread(values, (*path, key)) for key, values in zip(order, full, strict=True)))
    count: Counter[str] = Counter()
    for shape, times in shapes.items():
        count.update(dict.fromkeys(shape, times))
    columns: list[Column] = []
    for key in order:
        if count[key] < MIN_FILL * len(rows) and not path:
            columns.append(Column((key,), (), rare=True))
        else:
            columns += _spread([row.get(key, MISSING) for row in rows], (*path, key))
    return columns


def _spread(values: Sequence[Json], path: Path) -> list[Column]:
    """The columns inside a column, if it holds objects that are not empty and much alike; else itself."""
    whole = [Column(path, values)]
    if len(path) > MAX_NESTING or not {dict, Missing}.issuperset(map(type, values)):
        return whole
    present = [v for v in values if v is not MISSING]
    shapes = Counter(map(tuple, present))
    order = order_of(list(shapes))
    if not all(present) or order is None or sum(map(len, present)) < MIN_ALIKE * len(present) * len(order):
        return whole
    if odd_of(shapes, order):
        return whole
    if len(present) < len(values):
        shapes[()] = len(values) - len(present)
    return columns_of([v if v is not MISSING else {} for v in values], path, order, shapes)


def order_of(shapes: list[Shape]) -> list[str] | None:
    """An order of all keys that fits every shape if there is one, else the alphabet's; None if they are too many."""
    if len(shapes) == 1:
        return list(shapes[0])
    first_seen = dict.fromkeys(chain.from_iterable(shapes))
    if len(first_seen) > MAX_COLUMNS:
        return None
    graph: dict[str, list[str]] = {key: [] for key in first_seen}
    for before, after in dict.fromkeys(chain.from_iterable(map(pairwise, shapes))):
        graph[after].append(before)
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError:
        return sorted(first_seen)


def odd_of(shapes: Iterable[Shape], order: list[str]) -> set[Shape]:
    """The shapes whose keys stand in another order."""
    place = {key: i for i, key in enumerate(order)}
    return {s for s in shapes if any(place[a] > place[b] for a, b in pairwise(s))}


def cells_of(values: Sequence[Json]) -> tuple[list[str], str]:
    """A column's cells, and what stands behind its name."""
    kinds = set(map(type, values))
    if kinds == {str} or kinds == {str, Missing}:
        texts = [v for v in values if v is not MISSING] if Missing in kinds else values
        low, high = min(texts), max(texts)
        shared = _prefix(low, high)
        if shared:
            return rests(values, len(shared)), f"({prefix(shared)}~)"
    found = cells(values, kinds)
    if Missing not in kinds and found.count(found[0]) == len(found):
        return found, f"={found[0]}"
    return found, ""


def _prefix(low: str, high: str) -> str:
    """What starts every text from `low` to `high`, up to a boundary; empty if it is not worth it."""
    if low == high or low[:MIN_PREFIX] != high[:MIN_PREFIX] or low[:1] == NUMBER:
        return ""
    size = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    size = max(low.rfind(mark, 0, size) + 1 for mark in _BOUNDARIES)
    return low[:size] if size >= MIN_PREFIX else ""


def derived_of(columns: list[Column]) -> dict[Path, str]:
    """Columns that are another one with fixed text around it, and how their names say so."""
    full = [c for c in columns if not c.rare and {str, int}.issuperset(map(type, c.values))]
    varied = [c for c in full if c.values.count(c.values[0]) < len(c.values)]
    texts = {c.path: c.values for c in varied[:MAX_COMPARED]}
    found: dict[Path, str] = {}
    bases: set[Path] = {KEY}
    order = list(texts)
    for place, (path, values) in enumerate(texts.items()):
        if path in bases or type(values[0]) is not str or values[0][:1] == NUMBER:
            continue
        inside = [p for p in texts if p != path and p not in found and texts[p][0] != "" and str(texts[p][0]) in values[0]]
        for base in sorted(inside, key=lambda p: -len(str(texts[p][0]))):
            around = _around(values, texts[base])
            equal_and_later = around == ("", "") and base in order[place:]
            if around is not None and not equal_and_later:
                bases.add(base)
                found[path] = f"({prefix(around[0])}~{name(base)}{'~' + prefix(around[1]) if around[1] else ''})"
                break
    return found


def _around(values: Sequence[Json], base: Sequence[Json]) -> tuple[str, str] | None:
    """The fixed text before and behind `base` in `values`, if there is one."""
    before, _, behind = values[0].partition(str(base[0]))
    fits = all(v == f"{before}{b}{behind}" for v, b in zip(values, base, strict=True))
    return (before, behind) if fits else None
