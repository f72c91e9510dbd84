"""The rows of a table, read back: cells to columns, columns to objects. Whole columns at a time, since that is fastest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from headroom.compressors.tabular.cells import KEY, MISSING, NAME, Path, read_cell, read_name
from headroom.compressors.tabular.heads import Head, read_heads, with_codes
from headroom.compressors.tabular.layout import decode_at
from headroom.conversation import Json

_Values = Sequence[Json]
_Row = dict[str, Json]
_QUOTED = frozenset(('"', "[", "{"))


def decode(lines: Sequence[str], rows: int, keyed: bool, start: int = 0) -> tuple[Json, int]:
    """The list of objects, or with `keyed` the map of them, and the number of the line behind it.

    ValueError, KeyError or IndexError if the lines are not those of a table.
    """
    heads = read_heads(lines[start])
    kinds: dict[str, str] = {}
    at = start + 1
    while lines[at].startswith(">"):
        if lines[at].startswith(">>"):
            heads = with_codes(heads, lines[at])
        else:
            sign, _, kinds[sign] = lines[at].partition(": ")
        at += 1
    body = lines[at : at + rows]
    if len(body) < rows or not rows:
        raise ValueError("a table is cut short")
    dense = [head for head in heads if head.dense]
    ends: dict[int, _End] = {}
    if kinds or any(head.rare for head in heads):
        described = {sign: _described(kind) for sign, kind in kinds.items()}
        texts = [_split_ended(line, len(dense), described, ends, i) for i, line in enumerate(body)]
    else:
        texts = [_split(line, len(dense)) for line in body]
    columns = _columns(heads, dense, texts)
    found = _objects([(path, values) for path, values in columns.items() if path != KEY], rows)
    order = list(dict.fromkeys(str(head.path[0]) for head in heads if head.path != KEY))
    for i, end in ends.items():
        row = found[i] | end.cells
        found[i] = {order[n - 1]: row[order[n - 1]] for n in end.order} if end.order else {key: row[key] for key in order if key in row}
    if not keyed:
        return found, at + rows
    return dict(zip(columns[KEY], found, strict=True)), at + rows


@dataclass(frozen=True, slots=True)
class _End:
    """What a row has behind its dense cells."""

    cells: _Row
    order: Sequence[int] = ()
    """The numbers of the row's keys among all, if they stand in another order."""


def _described(kind: str) -> tuple[list[Path], list[int]]:
    """What the line of a kind says: the rare keys, and the order of all keys by number."""
    listed: list[Path] = []
    at = 0
    while title := NAME.match(kind, at) if not kind.startswith("order ", at) else None:
        listed.append(read_name(title[0]))
        at = title.end() + 1
    _, _, numbers = kind[max(at - 1, 0) :].partition("order ")
    return listed, [int(n) for n in numbers.split(" ")] if numbers else []


def _split(line: str, count: int) -> list[str]:
    """The texts of a row's dense cells, empty ones at its end added. ValueError if it holds more."""
    if '"' not in line and "[" not in line and "{" not in line:
        texts = line.split(",") if line else []
    else:
        texts, at = _cut(line, count)
        if at < len(line):
            raise ValueError("more cells than columns")
    if len(texts) > count:
        raise ValueError("more cells than columns")
    return texts + [""] * (count - len(texts))


def _cut(line: str, count: int) -> tuple[list[str], int]:
    """The texts of up to `count` cells, and where the next one starts."""
    texts: list[str] = []
    at = 0
    while len(texts) < count and at <= len(line):
        if line[at : at + 1] in _QUOTED:
            _, end = decode_at(line, at)
            if line[end : end + 1] not in ("", ","):
                raise ValueError("a cell goes on behind its end")
        else:
            end = line.find(",", at)
            end = len(line) if end < 0 else end
        texts.append(line[at:end])
        at = end + 1
    return texts, at


def _split_ended(line: str, count: int, kinds: Mapping[str, tuple[list[Path], list[int]]], ends: dict[int, _End], row: int) -> list[str]:
    """The same of a row that may have an end, which is added to `ends`: cells its kind lists, then rare ones by name."""
    comma = line.rfind(",>")
    sign = line[comma + 1 :] if comma >= 0 and line[comma + 2 :].isdecimal() else ""
    listed, order = kinds[sign] if sign else ([], [])
    if sign:
        line = line[:comma]
    texts, at = _cut(line, count) if count else ([], len(line) - len(line.removeprefix(",")))
    cells: _Row = {}
    for path in listed:
        if at > len(line):
            break
        value, at = read_cell(line, at)
        if value is not MISSING:
            cells[str(path[0])] = value
        at = _behind(line, at)
    while at < len(line):
        title = NAME.match(line, at)
        if not title or line[title.end() : title.end() + 1] != "=":
            raise ValueError("not a rare cell")
        cells[str(read_name(title[0])[0])], at = read_cell(line, title.end() + 1)
        at = _behind(line, at)
    if cells or order:
        ends[row] = _End(cells, order)
    return texts + [""] * (count - len(texts))


def _behind(line: str, at: int) -> int:
    """Where the next cell starts, if one ends at `at`."""
    if line[at : at + 1] not in ("", ","):
        raise ValueError("a cell goes on behind its end")
    return at + 1


def _columns(heads: Sequence[Head], dense: Sequence[Head], texts: Sequence[Sequence[str]]) -> dict[Path, _Values]:
    """The values of all columns but the rare ones, in the order of the names."""
    found: dict[Path, _Values] = {head.path: () for head in heads if not head.rare}
    for head, column in zip(dense, zip(*texts, strict=True), strict=True):
        known = {text: head.read(text) for text in set(column)}
        found[head.path] = [known[text] for text in column]
    for head in heads:
        if head.value is not MISSING:
            found[head.path] = [head.value] * len(texts)
    for head in heads:
        if not head.rule.has_cell:
            bases = [found[path] for path in head.rule.columns if path is not None]
            if any(MISSING in base for base in bases):
                raise ValueError("made of a value that is not there")
            found[head.path] = head.rule.values(bases)
    return found


def _objects(columns: Sequence[tuple[Path, _Values]], rows: int) -> list[_Row]:
    """Objects of members at these paths, in their order."""
    members = _members(columns)
    names = [str(name) for name, _ in members]
    if not names:
        return [{} for _ in range(rows)]
    found = zip(*(values for _, values in members), strict=True)
    if not any(MISSING in values for _, values in members):
        return [dict(zip(names, row, strict=True)) for row in found]
    return [{name: value for name, value in zip(names, row, strict=True) if value is not MISSING} for row in found]


def _members(columns: Sequence[tuple[Path, _Values]]) -> list[tuple[str | int, _Values]]:
    """The members of objects, or the values of lists, with what is nested in them put together."""
    found: list[tuple[str | int, _Values]] = []
    for key, group in groupby(columns, key=lambda column: column[0][0]):
        inside = [(path[1:], values) for path, values in group]
        found.append((key, inside[0][1] if inside == [((), inside[0][1])] else _nested(inside)))
    return found


def _nested(columns: Sequence[tuple[Path, _Values]]) -> _Values:
    """Objects or lists of what is at these paths; MISSING where all of it is."""
    if not all(path for path, _ in columns):
        raise ValueError("a value inside a value that is neither object nor list")
    kinds = {type(path[0]) for path, _ in columns}
    if kinds == {str}:
        return [row or MISSING for row in _objects(columns, len(columns[0][1]))]
    members = _members(columns)
    if [place for place, _ in members] != list(range(len(members))):
        raise ValueError("a place in a list left out")
    return list(_lists([values for _, values in members]))


def _lists(places: Sequence[_Values]) -> Iterator[Json]:
    for row in zip(*places, strict=True):
        if MISSING not in row:
            yield list(row)
        elif any(value is not MISSING for value in row):
            raise ValueError("a place in a list left out")
        else:
            yield MISSING
