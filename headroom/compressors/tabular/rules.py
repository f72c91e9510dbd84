"""How the values of a column come about: what stands behind its name, written and read back.

    name(p~)          the cell with p before it
    name(p~~s)        the cell with p before and s behind it
    name(p~b~s)       the value of column b between them, no cell; further columns and texts may follow
    name[{a,b}]       a list of objects with the members a and b; the cell lists their values
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headroom.compressors.tabular.cells import (
    NAME,
    PREFIX,
    Path,
    name,
    prefix,
    read_name,
    read_prefix,
)
from headroom.conversation import Json


@dataclass(frozen=True, slots=True)
class Rule:
    """Texts, and between them the values of other columns, or the cell."""

    texts: tuple[str, ...]
    columns: tuple[Path | None, ...]
    """One less than texts; None is the cell."""

    @property
    def has_cell(self) -> bool:
        return None in self.columns

    def value(self, cell: Json) -> str:
        """The value that a cell stands for."""
        return str(cell).join(self.texts)

    def values(self, columns: Sequence[Sequence[Json]]) -> list[str]:
        """The values of all rows, from the values of the columns in their order."""
        if len(columns) == 1:
            before, behind = self.texts
            return [f"{before}{value}{behind}" for value in columns[0]]
        form = "{}".join(text.replace("{", "{{").replace("}", "}}") for text in self.texts)
        return [form.format(*row) for row in zip(*columns, strict=True)]

    def __str__(self) -> str:
        found = [prefix(self.texts[0])]
        for column, text in zip(self.columns, self.texts[1:], strict=True):
            found += ["" if column is None else name(column), prefix(text)]
        return f"({'~'.join(found if found[-1] else found[:-1])})"


CELL = Rule(("", ""), (None,))
"""The cell as it is."""


def around(before: str, behind: str = "") -> Rule:
    return Rule((before, behind), (None,))


def read_rule(line: str, at: int) -> tuple[Rule, int]:
    """The rule whose opening bracket stands before `at`, and where it ends. ValueError if there is none."""
    text, at = _text(line, at)
    texts: list[str] = [text]
    columns: list[Path | None] = []
    while line[at : at + 1] == "~":
        column = NAME.match(line, at + 1)
        columns.append(read_name(column[0]) if column else None)
        at = column.end() if column else at + 1
        text, at = _text(line, at + 1) if line[at : at + 1] == "~" else ("", at)
        texts.append(text)
    if line[at : at + 1] != ")" or not columns:
        raise ValueError("no rule in brackets")
    return Rule(tuple(texts), tuple(columns)), at + 1


def _text(line: str, at: int) -> tuple[str, int]:
    found = PREFIX.match(line, at)
    if not found:
        raise ValueError("not a text")
    return read_prefix(found[0]), found.end()


def items_of(values: Sequence[Json]) -> tuple[str, ...] | None:
    """The members that all objects in lists have, in their order; None if they differ, or something else is listed."""
    shapes: set[tuple[str, ...]] = set()
    for value in values:
        for item in value if type(value) is list else ():
            if type(item) is not dict:
                return None
            shapes.add(tuple(item))
            if len(shapes) > 1:
                return None
    return next(iter(shapes), None) or None


def listed(values: Sequence[Json]) -> list[Json]:
    """Lists of objects as lists of their members' values."""
    return [[list(item.values()) for item in value] if type(value) is list else value for value in values]


def items_sign(members: Sequence[str]) -> str:
    return f"[{{{','.join(name((member,)) for member in members)}}}]"


def read_items(line: str, at: int) -> tuple[Callable[[Json], Json], int]:
    """What makes objects of listed values again, for a sign whose `[{` stands before `at`, and where it ends."""
    members: list[str] = []
    while not members or line[at : at + 1] == ",":
        title = NAME.match(line, at + bool(members))
        path = read_name(title[0]) if title else ()
        if not title or len(path) != 1 or type(path[0]) is not str:
            raise ValueError("not a member's name")
        members.append(path[0])
        at = title.end()
    if line[at : at + 2] != "}]":
        raise ValueError("brackets left open")

    def unlisted(value: Json) -> Json:
        if type(value) is not list:
            return value
        return [dict(zip(members, item, strict=True)) for item in value]

    return unlisted, at + 2
