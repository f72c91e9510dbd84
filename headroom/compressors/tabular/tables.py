"""Lists of like objects as a table: names once, then one row per object, and back.

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

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from headroom.compressors.tabular.cells import (
    KEY,
    MISSING,
    NAME,
    Path,
    cell,
    name,
    read_cell,
    read_name,
    read_rest,
)
from headroom.compressors.tabular.columns import MAX_COLUMNS, Column, Shape, columns_of, odd_of, order_of
from headroom.compressors.tabular.phrases import GAP, read_phrase
from headroom.compressors.tabular.rules import CELL, Rule, read_items, read_rule
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


_SIGN = re.compile(r",(>[0-9]+)\Z")


@dataclass(frozen=True, slots=True)
class _Head:
    """One item of the line of names."""

    path: Path
    rare: bool = False
    value: Json = MISSING
    """What every row holds; MISSING if the rows differ."""
    rule: Rule = CELL
    items: Callable[[Json], Json] | None = None

    @property
    def dense(self) -> bool:
        return not self.rare and self.value is MISSING and self.rule.has_cell


@dataclass(frozen=True, slots=True)
class _Codes:
    """What the cells of a column stand for."""

    found: Mapping[Json, Json]
    gaps: bool

    def read(self, cell: Json) -> Json:
        return read_phrase(cell, self.found) if self.gaps else self.found[cell]


def decode(lines: Sequence[str], rows: int, keyed: bool, start: int = 0) -> tuple[Json, int]:
    """The list of objects, or with `keyed` the map of them, and the number of the line behind it.

    ValueError, KeyError or IndexError if the lines are not `encode`'s.
    """
    heads = _heads(lines[start])
    dense = [head for head in heads if head.dense]
    fixed = {head.path: head.value for head in heads if head.value is not MISSING}
    kinds: dict[str, str] = {}
    codes: dict[Path, _Codes] = {}
    at = start + 1
    while lines[at].startswith(">"):
        if lines[at].startswith(">>"):
            codes.update([_codes(lines[at], dense)])
        else:
            sign, _, kinds[sign] = lines[at].partition(": ")
        at += 1
    order = list(dict.fromkeys(str(head.path[0]) for head in heads if head.path != KEY))
    found: list[tuple[Json, Json]] = []
    for line in lines[at : at + rows]:
        end = _SIGN.search(line)
        listed, numbers = _described(kinds[end[1]]) if end else ([], [])
        values = _row(line[: end.start()] if end else line, dense, listed, codes) | fixed
        for head in heads:
            if not head.rule.has_cell:
                values[head.path] = head.rule.value(MISSING, values)
        row = _object(heads, values)
        found.append((values.get(KEY), {order[n - 1]: row[order[n - 1]] for n in numbers} if numbers else row))
    if len(found) < rows:
        raise ValueError("a table is cut short")
    return (dict(found) if keyed else [row for _, row in found]), at + rows


def _codes(line: str, dense: Sequence[_Head]) -> tuple[Path, _Codes]:
    """The column whose cells are codes, and what they stand for."""
    title = NAME.match(line, 2)
    if not title or line[title.end() : title.end() + 1] != " ":
        raise ValueError("not a line of codes")
    path = read_name(title[0])
    gaps = line.startswith(f" {GAP} ", title.end())
    plain = not gaps and any(head.path == path and head.rule is CELL for head in dense)
    read = read_cell if plain else read_rest
    found: dict[Json, Json] = {}
    at = title.end() + gaps * (len(GAP) + 1)
    while at < len(line):
        equals = line.index("=", at)
        found[line[at + 1 : equals]], at = read(line, equals + 1)
    return path, _Codes(found, gaps)


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
            rule, at = read_rule(line, at + 1)
            heads.append(_Head(path, rule=rule))
        elif sign == "[":
            items, at = read_items(line, at + 2)
            heads.append(_Head(path, items=items))
        else:
            heads.append(_Head(path))
    if at != len(line):
        raise ValueError("not a line of names")
    return heads


def _row(line: str, dense: Sequence[_Head], listed: Sequence[Path], codes: Mapping[Path, _Codes]) -> dict[Path, Json]:
    """The cells of one row: dense ones by place, then those its kind lists, then rare ones by name."""
    values: dict[Path, Json] = {}
    at = 0 if dense else len(line) - len(line.removeprefix(","))
    for head in [*dense, *(_Head(path) for path in listed)]:
        if at > len(line):
            break
        coded = codes.get(head.path)
        plain = head.rule is CELL and not (coded and coded.gaps)
        value, at = read_cell(line, at) if plain else read_rest(line, at)
        if value is not MISSING:
            values[head.path] = _value(head, coded.read(value) if coded else value)
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


def _value(head: _Head, cell: Json) -> Json:
    if head.items is not None:
        return head.items(cell)
    return cell if head.rule is CELL else head.rule.value(cell, {})


def _object(heads: Sequence[_Head], values: Mapping[Path, Json]) -> dict[str, Json]:
    """The object whose members stand at these paths, in the order of the names."""
    row: dict[str, Json] = {}
    for head in heads:
        if head.path == KEY or head.path not in values:
            continue
        inner: Json = row
        for key, next_key in pairwise(head.path):
            inner = _inside(inner, key, list if type(next_key) is int else dict)
        key = head.path[-1]
        if type(key) is not int:
            inner[key] = values[head.path]
        elif key == len(inner):
            inner.append(values[head.path])
        else:
            raise ValueError("a place in a list left out")
    return row


def _inside(outer: Json, key: str | int, kind: type) -> Json:
    """The list or object at a key or place, made if it is the next one."""
    if type(key) is not int:
        inner = outer.setdefault(key, kind())
    else:
        if key == len(outer):
            outer.append(kind())
        inner = outer[key]
    if type(inner) is not kind:
        raise ValueError("a value inside a value that is neither object nor list")
    return inner
