"""The line of names above a table, and the lines of codes below it, read back: how each column's cells become values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom.compressors.tabular.cells import MISSING, NAME, Path, read_cell, read_name, read_rest
from headroom.compressors.tabular.phrases import GAP, read_phrase
from headroom.compressors.tabular.rules import CELL, Rule, read_items, read_rule
from headroom.conversation import Json


@dataclass(frozen=True, slots=True)
class Head:
    """One column's name, and what stands behind it."""

    path: Path
    rare: bool = False
    value: Json = MISSING
    """What every row holds; MISSING if the rows differ."""
    rule: Rule = CELL
    items: Callable[[Json], Json] | None = None
    """What makes objects of listed values."""
    codes: Mapping[Json, Json] | None = None
    gaps: bool = False
    """Whether the codes stand for templates."""

    @property
    def dense(self) -> bool:
        """Whether each row has a cell for it."""
        return not self.rare and self.value is MISSING and self.rule.has_cell

    def read(self, text: str) -> Json:
        """The value of a cell. ValueError if it is none."""
        plain = self.rule is CELL and not self.gaps
        cell, end = read_cell(text, 0) if plain else read_rest(text, 0)
        if end != len(text):
            raise ValueError("a cell goes on behind its end")
        if cell is MISSING:
            return MISSING
        if self.codes is not None:
            cell = read_phrase(cell, self.codes) if self.gaps else self.codes[cell]
        if self.items is not None:
            return self.items(cell)
        return cell if self.rule is CELL else self.rule.value(cell)


def read_heads(line: str) -> list[Head]:
    """The columns. ValueError if it is no line of names."""
    heads: list[Head] = []
    at = 0
    while not heads or line[at : at + 1] == ",":
        title = NAME.match(line, at + bool(heads))
        if not title:
            raise ValueError("not a column's name")
        path, at = read_name(title[0]), title.end()
        sign = line[at : at + 1]
        if sign == "?":
            heads.append(Head(path, rare=True))
            at += 1
        elif sign == "=":
            value, at = read_cell(line, at + 1)
            heads.append(Head(path, value=value))
        elif sign == "(":
            rule, at = read_rule(line, at + 1)
            if rule.has_cell and len(rule.columns) > 1:
                raise ValueError("a cell among columns")
            heads.append(Head(path, rule=rule))
        elif sign == "[":
            items, at = read_items(line, at + 2)
            heads.append(Head(path, items=items))
        else:
            heads.append(Head(path))
    if at != len(line):
        raise ValueError("not a line of names")
    return heads


def with_codes(heads: Sequence[Head], line: str) -> list[Head]:
    """The columns, one of them with the codes that a line tells. ValueError if it tells none."""
    title = NAME.match(line, 2)
    if not title or line[title.end() : title.end() + 1] != " ":
        raise ValueError("not a line of codes")
    path = read_name(title[0])
    gaps = line.startswith(f" {GAP} ", title.end())
    plain = not gaps and any(head.path == path and head.rule is CELL for head in heads)
    found: dict[Json, Json] = {}
    at = title.end() + gaps * (len(GAP) + 1)
    while at < len(line):
        equals = line.index("=", at)
        code = line[at + 1 : equals]
        found[code], at = read_cell(line, equals + 1) if plain else read_rest(line, equals + 1)
    return [replace(head, codes=found, gaps=gaps) if head.path == path else head for head in heads]
