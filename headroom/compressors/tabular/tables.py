"""Lists of like objects as a table: names once, then one row per object. reading.py is the way back.

What a whole column shares stands in its name, in the order of the objects' keys:

    name                 a cell in every row; empty if the key is not there
    name=cell            the same value in every row, no cell
    name(…)              texts around cells or other columns' values: see rules.py
    name[{a,b}]          lists of objects with the members a and b, their values listed
    name?                rare: stands as name=cell at the end of the rows that have it

A line `>>name A=cell,B=cell` above the rows says that the cells of this column are codes.
A row that ends in `>2` is of the kind that line `>2:` above the rows describes: it names the rare keys, whose
cells stand without names at the row's end, and the order of all keys, if it is not that of the names above, by number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from headroom.compressors.tabular.cells import KEY, cell, name
from headroom.compressors.tabular.columns import MAX_COLUMNS, Column, Shape, columns_of, odd_of, order_of
from headroom.compressors.tabular.shared import derived_of, shared_of
from headroom.conversation import Json


def encode(rows: Sequence[dict[str, Json]], keys: Sequence[str] | None, messages: bool = True) -> list[str] | None:
    """The line of names, codes, orders, and one line per row; None if the objects are too unlike.

    `keys` names the rows; with `messages`, columns of them are written by their templates.
    """
    shapes = Counter(map(tuple, rows))
    order = order_of(shapes)
    if order is None:
        return None
    columns = columns_of(rows, (), order, shapes)
    if keys is not None:
        columns.insert(0, Column(KEY, keys))
    if not columns or len(columns) > MAX_COLUMNS:
        return None
    derived = derived_of(columns)
    heads: list[str] = []
    codes: list[str] = []
    dense: list[Sequence[str]] = []
    for column in columns:
        title = name(column.path)
        if column.path in derived or column.rare:
            heads.append(f"{title}{derived.get(column.path, '?')}")
            continue
        shared = shared_of(column.values, messages)
        heads.append(title + shared.sign)
        if shared.codes:
            codes.append(f">>{title} {shared.gap}{' ' if shared.gap else ''}{','.join(f'{code}={text}' for code, text in shared.codes.items())}")
        if not shared.sign.startswith("="):
            dense.append(shared.cells)
    lines = map(",".join, zip(*dense, strict=True)) if dense else iter([""] * len(rows))
    kinds = _kinds(shapes, order, {str(column.path[0]) for column in columns if column.rare})
    above = [",".join(heads), *codes, *(kind.line for kind in kinds.values() if kind.line)]
    if len(kinds) == 1 and not any(column.rare for column in columns):
        return above + [line.rstrip(",") if line[-1:] == "," else line for line in lines]
    ends = map(_end, rows, map(kinds.__getitem__, map(tuple, rows)))
    return above + [line + end if end else line.rstrip(",") for line, end in zip(lines, ends, strict=True)]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What rows of one shape have in common."""

    named: Shape = ()
    """Rare keys whose cells carry their names."""
    listed: Shape = ()
    """Rare keys that the kind's line names."""
    sign: str = ""
    line: str = ""


def _kinds(shapes: Counter[Shape], order: list[str], rare: set[str]) -> dict[Shape, _Kind]:
    """The kind of each shape: rare keys are listed once where several rows share them."""
    place = {key: i for i, key in enumerate(order, 1)}
    odd = odd_of(shapes, order)
    kinds: dict[Shape, _Kind] = {}
    for shape, times in shapes.items():
        keys = tuple(key for key in shape if key in rare)
        if shape not in odd and (times == 1 or not keys):
            kinds[shape] = _Kind(named=keys)
            continue
        listed = keys if times > 1 else ()
        sign = f">{len(kinds) + 1}"
        parts = [",".join(name((key,)) for key in listed)] if listed else []
        parts += ["order " + " ".join(str(place[key]) for key in shape)] if shape in odd else []
        kinds[shape] = _Kind(() if listed else keys, listed, sign, f"{sign}: {'; '.join(parts)}")
    return kinds


def _end(row: dict[str, Json], kind: _Kind) -> str:
    """The end of a row: its rare cells, and the sign of its kind."""
    ends = [f",{name((key,))}={cell(row[key])}" for key in kind.named]
    ends += [f",{cell(row[key])}" for key in kind.listed]
    return "".join(ends) + ("," + kind.sign if kind.sign else "")
