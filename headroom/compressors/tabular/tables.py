"""Lists of like objects as a table: names once, then one row per object, and back.

What a whole column shares stands in its name, in the order of the objects' keys:

    name                 a cell in every row; empty if the key is not there
    name=cell            the same value in every row, no cell
    name(p~)             p starts every value, cells hold the rest
    name(p~other)        p, then the value of column `other` (`~s`: then s), no cell
    name?                rare: stands as name=cell at the end of the rows that have it

A row that ends in `>2` is of the kind that line `>2:` above the rows describes: it names the rare keys, whose
cells stand without names at the row's end, and the order of all keys, if it is not that of the names above, by number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from headroom.compressors.tabular.cells import (
    KEY,
    MISSING,
    NAME,
    PREFIX,
    Path,
    cell,
    name,
    read_cell,
    read_name,
    read_prefix,
    read_rest,
)
from headroom.compressors.tabular.columns import (
    MAX_COLUMNS,
    Column,
    Shape,
    cells_of,
    columns_of,
    derived_of,
    odd_of,
    order_of,
)
from headroom.conversation import Json


def encode(rows: Sequence[dict[str, Json]], keys: Sequence[str] | None) -> list[str] | None:
    """The line of names, one line per row, and orders; None if the objects are too unlike. `keys` names the rows."""
    shapes = Counter(map(tuple, rows))
    order = order_of(list(shapes))
    if order is None:
        return None
    columns = columns_of(rows, (), order, shapes)
    if keys is not None:
        columns.insert(0, Column(KEY, keys))
    if not columns or len(columns) > MAX_COLUMNS:
        return None
    derived = derived_of(columns)
    heads: list[str] = []
    dense: list[list[str]] = []
    for column in columns:
        shared = derived.get(column.path) or "?"
        if column.path not in derived and not column.rare:
            cells, shared = cells_of(column.values)
            if not shared.startswith("="):
                dense.append(cells)
        heads.append(name(column.path) + shared)
    lines = map(",".join, zip(*dense, strict=True)) if dense else iter([""] * len(rows))
    kinds = _kinds(shapes, order, {column.path[0] for column in columns if column.rare})
    ends = map(_end, rows, map(kinds.__getitem__, map(tuple, rows)))
    body = (line + end if end else line.rstrip(",") for line, end in zip(lines, ends, strict=True))
    return [",".join(heads), *(kind.line for kind in kinds.values() if kind.line), *body]


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


_SIGN = re.compile(r",(>[0-9]+)\Z")


@dataclass(frozen=True, slots=True)
class _Head:
    """One item of the line of names."""

    path: Path
    rare: bool = False
    value: Json = MISSING
    """What every row holds; MISSING if the rows differ."""
    before: str | None = None
    base: Path | None = None
    behind: str = ""


def decode(lines: Sequence[str], rows: int, keyed: bool, start: int = 0) -> tuple[Json, int]:
    """The list of objects, or with `keyed` the map of them, and the number of the line behind it.

    ValueError, KeyError or IndexError if the lines are not `encode`'s.
    """
    heads = _heads(lines[start])
    dense = [h for h in heads if not h.rare and h.value is MISSING and h.base is None]
    fixed = {h.path: h.value for h in heads if h.value is not MISSING}
    kinds: dict[str, str] = {}
    at = start + 1
    while lines[at].startswith(">"):
        sign, _, kinds[sign] = lines[at].partition(": ")
        at += 1
    order = list(dict.fromkeys(head.path[0] for head in heads if head.path != KEY))
    found: list[tuple[Json, Json]] = []
    for line in lines[at : at + rows]:
        end = _SIGN.search(line)
        listed, numbers = _described(kinds[end[1]]) if end else ([], [])
        values = _row(line[: end.start()] if end else line, dense, listed) | fixed
        for head in heads:
            if head.base is not None:
                values[head.path] = f"{head.before}{values[head.base]}{head.behind}"
        row = _object(heads, values)
        found.append((values.get(KEY), {order[n - 1]: row[order[n - 1]] for n in numbers} if numbers else row))
    if len(found) < rows:
        raise ValueError("a table is cut short")
    return (dict(found) if keyed else [row for _, row in found]), at + rows


def _described(kind: str) -> tuple[list[Path], list[int]]:
    """What the line of a kind says: the rare keys, and the order of all keys by number."""
    listed: list[Path] = []
    at = 0
    while title := NAME.match(kind, at) if not kind.startswith("order ", at) else None:
        listed.append(read_name(title[0]))
        at = title.end() + 1
    _, _, numbers = kind[max(at - 1, 0) :].partition("order ")
    return listed, [int(n) for n in numbers.split(" ")] if numbers else []


def _heads(line: str) -> list[_Head]:
    heads: list[_Head] = []
    at = 0
    while not heads or line[at : at + 1] == ",":
        title = NAME.match(line, at + bool(heads))
        if not title:
            raise ValueError("not a column's name")
        path, at = read_name(title[0]), title.end()
        sign = line[at : at + 1]
        if sign == "?":
            heads.append(_Head(path, rare=True))
            at += 1
        elif sign == "=":
            value, at = read_cell(line, at + 1)
            heads.append(_Head(path, value=value))
        elif sign == "(":
            head, at = _shared(path, line, at + 1)
            heads.append(head)
        else:
            heads.append(_Head(path))
    if at != len(line):
        raise ValueError("not a line of names")
    return heads


def _shared(path: Path, line: str, at: int) -> tuple[_Head, int]:
    """What stands in brackets behind a name, and where it ends."""
    before, at = _text(line, at)
    if line[at : at + 1] != "~":
        raise ValueError("no ~ behind a prefix")
    base = NAME.match(line, at + 1)
    at = base.end() if base else at + 1
    behind = ""
    if base and line[at : at + 1] == "~":
        behind, at = _text(line, at + 1)
    if line[at : at + 1] != ")":
        raise ValueError("brackets left open")
    return _Head(path, before=before, base=read_name(base[0]) if base else None, behind=behind), at + 1


def _text(line: str, at: int) -> tuple[str, int]:
    found = PREFIX.match(line, at)
    if not found:
        raise ValueError("not a prefix")
    return read_prefix(found[0]), found.end()


def _row(line: str, dense: list[_Head], listed: list[Path]) -> dict[Path, Json]:
    """The cells of one row: dense ones by place, then those its kind lists, then rare ones by name."""
    values: dict[Path, Json] = {}
    at = 0 if dense else len(line) - len(line.removeprefix(","))
    for head in [*dense, *(_Head(path) for path in listed)]:
        if at > len(line):
            break
        value, at = read_cell(line, at) if head.before is None else read_rest(line, at)
        if value is not MISSING:
            values[head.path] = value if head.before is None else f"{head.before}{value}"
        if line[at : at + 1] not in ("", ","):
            raise ValueError("a cell goes on behind its end")
        at += 1
    while at < len(line):
        title = NAME.match(line, at)
        if not title or line[title.end() : title.end() + 1] != "=":
            raise ValueError("not a rare cell")
        values[read_name(title[0])], at = read_cell(line, title.end() + 1)
        at += 1
    return values


def _object(heads: list[_Head], values: dict[Path, Json]) -> dict[str, Json]:
    """The object whose members stand at these paths, in the order of the names."""
    row: dict[str, Json] = {}
    for head in heads:
        if head.path == KEY or head.path not in values:
            continue
        inner = row
        for key in head.path[:-1]:
            inner = inner.setdefault(key, {})
            if type(inner) is not dict:
                raise ValueError("a value inside a value that is no object")
        inner[head.path[-1]] = values[head.path]
    return row
