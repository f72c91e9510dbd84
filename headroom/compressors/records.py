"""CSV, TSV and tables with bars: a rule for what a column repeats, then rows of what varies.

    id,day,city,price            [CSV, 3 rows of 4 columns; column=rule; {@} = as in the last @ line; > = cells of a row; tab = line as it was]
    501,2026-10-01,Graz,9.50     id=501, +1 a row
    502,2026-10-01,Graz,7.00     day={@}
    503,2026-10-02,Graz,7.25     city=Graz
                                 > {price}
                                     id,day,city,price
                                 @day=2026-10-01
                                 9.50
                                 7.00
                                 @day=2026-10-02
                                 7.25

Rows have the cells of the columns that the line `>` names, between the separators that it shows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, repeat
from operator import eq

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.tabular.dialects import (
    DELIMITERS,
    Table,
    beginning,
    cells_of,
    dialect,
    line_of,
    names_of,
    table_of,
)
from headroom.compressors.tabular.factors import (
    ROOM,
    Factored,
    Rule,
    all_values,
    by_other,
    factored,
    without_usual,
)
from headroom.compressors.tabular.paddings import meant, padded, said

MAX_CHARS = 8_000_000
"""About a second of work."""

MAX_COMPARED = 30
"""Columns that are compared with each other: the cost is the square of this."""

SHORT = 3
"""Characters of rows that a count of them would not shorten."""

RAW, HEAD, AGAIN, ESCAPE, BODY = "\t", "@", "×", "~", "> "
FRAMED = "table in |"
"""A table of which each row begins and ends with a bar."""
_SIGNS = frozenset((RAW, HEAD, AGAIN, ESCAPE))
_KINDS = {FRAMED: "|"} | {kind: sign for sign, kind in DELIMITERS.items()}
_HEADER = re.compile(r"\[(CSV|TSV|CSV by ;|table by \||table in \|), ([0-9]{1,7}) rows of ([0-9]{1,3}) columns( by number)?(?:, (spaced|padded)(?:, ([0-9 ]{1,500}) right)?)?(, CRLF)?[^\]\n]*\]\n")
_TITLE = re.compile(r"([^=<>{}@\t ][^=<>{}@\t]*)([<>][0-9]{0,4})?\Z")
_FIELD = re.compile(r"\{([^{}]+)\}([ ,;|\t~/]?)")
_LEGEND = (
    ("=", "column=rule"), ("{}", "{} = cell"), ("{@}", "{@} = as in the last @ line"), ('{"}', '" = as above'), ("{} or ", "or = where empty"),
    ("{A}", "A, B … = as listed"), ("{A {}}", "A x y = A as listed, x y for its {}"), ("{=", "{=x} = by x as listed"),
    ("<8", "<8 >8 = padded to 8 right, left"), (BODY, "> = cells of a row"), (AGAIN, "×2 = row again, 2 times"), (ESCAPE, "~ = row as it stands"),
    (RAW, "tab = line as it was"),
)
"""What a form has to explain: a sign of its rules, or of its lines' beginnings."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A column, its padding and what was found to say of it."""

    name: str
    padding: str
    found: Factored
    separator: str = ""


@dataclass(slots=True)
class _Rows:
    """What the lines of a form say of its rows, as far as they are read."""

    cells: list[Sequence[str]] = field(default_factory=list)
    above: dict[str, list[str]] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)

    def add(self, cells: Sequence[str], times: int) -> None:
        self.cells += [cells] * times
        for name, values in self.above.items():
            values += [self.last[name]] * times


@dataclass(frozen=True, slots=True)
class Records:
    """CSV, TSV, Markdown and database tables. Kept for certain: every byte. What the values of a column repeat is said in a rule;
    numbers that go up by one step are not shown at all."""

    name: str = "records"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        found = dialect(beginning(text))
        return 0.0 if found is None else 0.85 if found[2] else 0.5

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many rows")
        if text.startswith("[") and _HEADER.match(text):
            return None
        crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
        lines = text.split("\r\n" if crlf else "\n")
        table = table_of(lines)
        if table is None:
            return None
        form = _form(lines, table, ", CRLF" if crlf else "")
        return Compressed(form, "exact") if form is not None and len(form) < len(text) else None

    def expand(self, short: str) -> str | None:
        header = _HEADER.match(short)
        if not header:
            return None
        try:
            return ("\r\n" if header[7] else "\n").join(_read(short[header.end() :].split("\n"), header))
        except (ValueError, KeyError, IndexError):
            return None


def _form(lines: Sequence[str], table: Table, ending: str) -> str | None:
    kind, names, columns = DELIMITERS[table.delimiter], table.names, list(zip(*table.rows.values(), strict=True))
    if table.delimiter == "|" and len(columns) > 2 and not any(columns[0]) and not any(columns[-1]):
        kind, names, columns = FRAMED, names[1:-1], columns[1:-1]
    word, signs = said(columns, _titles(table.heading, kind, len(columns))) if table.delimiter == "|" else ("", [""] * len(columns))
    fields = _fields(names, columns, ["" if sign == ">" else sign for sign in signs], word)
    right = " ".join(str(i) for i, sign in enumerate(signs, 1) if sign == ">")
    how = ["by number" if table.heading is None else "", f", {word}" if word else "", f", {right} right" if right else "", ending]
    opening = f"{kind}, {len(table.rows)} rows of {len(columns)} columns{' ' if table.heading is None else ''}{''.join(how)}"
    shown = _separated(fields, table.delimiter)
    if shown is None:
        return None
    if shown:
        fields = [shown[-1] if f.name == shown[-1].name else f for f in fields]
    rules = list(_rules(fields))
    pattern = BODY + "".join(f"{{{f.name}}}{f.separator}" for f in shown)
    body = _body(lines, table.rows, shown, [f for f in fields if f.found.above is not None])
    return "\n".join([f"[{opening}; {_legend(rules, fields, body)}]", *rules, pattern, *body])


def _titles(heading: Sequence[str] | None, kind: str, size: int) -> list[str]:
    """What stands above the columns."""
    if heading is None:
        return [""] * size
    return [cell.strip() for cell in (heading[1:-1] if kind == FRAMED else heading)]


def _legend(rules: Sequence[str], fields: Sequence[_Field], body: Sequence[str]) -> str:
    """Words for what the form uses, and for nothing else."""
    firsts = {line[:1] for line in body} & {AGAIN, ESCAPE, RAW}
    signs = "\n".join([rule.partition("=")[2] for rule in rules if rule[:1] != " "] + [BODY, *firsts] + ["="] * bool(rules) + ["<8"] * any(f.padding for f in fields))
    return "; ".join(words for sign, words in _LEGEND if sign in signs)


def _fields(names: Sequence[str], columns: Sequence[Sequence[str]], paddings: Sequence[str], word: str) -> list[_Field]:
    values = [[cell.strip(" ") for cell in column] if kind or word else column for column, kind in zip(columns, paddings, strict=True)]
    found = [factored(column) for column in values]
    few = [i for i, column in enumerate(values) if found[i].cells is not None or found[i].lines][:MAX_COMPARED]
    few = [i for i in few if 3 * len(set(values[i])) <= len(values[i])]
    bases: set[int] = set()
    for i in few:
        for base in few:
            if base == i or i in bases or found[base].rule.startswith("{="):
                continue
            ruled = by_other(values[i], values[base], names[base])
            if ruled:
                found[i] = ruled
                bases.add(base)
                break
    return [_Field(*one) for one in zip(names, paddings, found, strict=True)]


def _separated(fields: Sequence[_Field], delimiter: str) -> list[_Field] | None:
    """The columns that have cells, in an order and with separators that none of their cells holds."""
    signs = f" {delimiter},;|\t~/"
    shown: list[_Field] = []
    last: list[_Field] = []
    for f in (f for f in fields if f.found.cells is not None):
        text = "\n".join(f.found.cells or ())
        sign = next((sign for sign in signs if sign not in text), "")
        if sign != " " and not last:
            last.append(_Field(f.name, f.padding, f.found))
        elif not sign:
            return None
        else:
            shown.append(_Field(f.name, f.padding, f.found, sign))
    if not last and shown:
        place = next((i for i, f in enumerate(shown) if f.found.rule.startswith("{} or ")), None)
        found = None
        for i, f in enumerate(shown if place is None else ()):
            found = found or (without_usual(f.found.cells or ()) if not f.found.rule else None)
            place = i if found and place is None else place
        f = shown.pop(-1 if place is None else place)
        last.append(_Field(f.name, f.padding, found or f.found))
    return shown + last


def _rules(fields: Sequence[_Field]) -> Iterator[str]:
    for f in fields:
        if f.found.rule or f.padding:
            yield f"{f.name}{f.padding}={f.found.rule}"
            yield from (f" {code}={text}" for code, text in f.found.lines.items())


def _body(lines: Sequence[str], rows: Mapping[int, Sequence[str]], shown: Sequence[_Field], headed: Sequence[_Field]) -> list[str]:
    """The lines below the rules."""
    printed = _printed(shown, len(rows))
    if not headed and not any(map(eq, printed, islice(printed, 1, None))):
        row_by_row = iter(printed)
        return [next(row_by_row) if i in rows else RAW + line for i, line in enumerate(lines)]
    return _shared(lines, rows, printed, headed)


def _shared(lines: Sequence[str], rows: Collection[int], printed: Iterable[str], headed: Sequence[_Field]) -> list[str]:
    """The same with what rows share said once."""
    found: list[str] = []
    texts = iter(printed)
    heads = iter(zip(*(f.found.above or () for f in headed), strict=True)) if headed else repeat(())
    said: Sequence[str] = (RAW,) * len(headed)
    above: str | None = None
    again = 0
    for i, line in enumerate(lines):
        in_table = i in rows
        row = next(texts) if in_table else RAW + line
        head = next(heads) if in_table else said
        if in_table and row == above and head == said:
            again += 1
            continue
        if again:
            found += _repeated(above or "", again)
            again = 0
        if head != said:
            found += [f"{HEAD}{f.name}={value}" for f, value, before in zip(headed, head, said, strict=True) if value != before]
        above, said = row, head
        found.append(row)
    return found + _repeated(above or "", again)


def _repeated(row: str, times: int) -> list[str]:
    """A row that comes again, by a count or, if that is no longer, in full."""
    return [f"{AGAIN}{times}"] if times * (len(row) + 1) > SHORT else [row] * times


def _printed(shown: Sequence[_Field], count: int) -> list[str]:
    """Rows without what stands empty at their ends."""
    if not shown:
        return [""] * count
    columns = [f.found.cells or () for f in shown]
    separators = [f.separator for f in shown]
    if len(set(separators[:-1])) <= 1:
        rows = list(map(separators[0].join, zip(*columns, strict=True)))
    else:
        pattern = "%s".join(["", *separators])
        rows = [pattern % cells for cells in zip(*columns, strict=True)]
    for i, last in enumerate(columns[-1]):
        if not last:
            rows[i] = _stripped([column[i] for column in columns], separators)
    if {row[:1] for row in rows}.isdisjoint(_SIGNS):
        return rows
    return [ESCAPE + row if row[:1] in _SIGNS else row for row in rows]


def _stripped(cells: list[str], separators: Sequence[str]) -> str:
    """A row without the empty cells at its end."""
    while cells and not cells[-1]:
        cells.pop()
    return "".join([cell + sign for cell, sign in zip(cells[:-1], separators, strict=False)] + cells[-1:])


def _read(lines: list[str], header: re.Match[str]) -> list[str]:
    rules, at = _told(lines)
    shown = _FIELD.findall(lines[at][len(BODY) :])
    delimiter, size, count = _KINDS[header[1]], int(header[3]), int(header[2])
    if count * size > MAX_CHARS + size:
        raise ValueError("stands for too much")
    kinds, rows = _taken(lines[at + 1 :], [sign for _, sign in shown], [name for name, rule in rules.items() if "{@}" in rule.text], count)
    edge = [""] if header[1] == FRAMED else []
    heading = None
    if not header[4]:
        heading = next(cells for line in kinds if line is not None and (cells := cells_of(line, delimiter)) and len(cells) == size + 2 * len(edge))
    names = [str(i) for i in range(1, size + 1)] if heading is None else names_of(heading)[len(edge) : len(edge) + size]
    columns = dict(zip((name for name, _ in shown), zip(*rows.cells, strict=True), strict=True)) if rows.cells else {}
    values = all_values([(name, rules.get(name, Rule())) for name in names], columns, rows.above, count)
    signs = [rules[name].padding if name in rules else "" for name in names]
    for i in map(int, (header[6] or "").split()):
        signs[i - 1] = ">"
    titles = _titles(heading, header[1], size)
    paddings = [meant(header[5] or "", sign, values[name], title) for name, sign, title in zip(names, signs, titles, strict=True)]
    if count * sum(int(kind[1:] or 0) for kind in paddings if kind) > ROOM:
        raise ValueError("stands for too much")
    texts = [padded(values[name], kind) for name, kind in zip(names, paddings, strict=True)]
    table = iter([line_of([*edge, *cells, *edge], delimiter) for cells in zip(*texts, strict=True)])
    return [next(table) if line is None else line for line in kinds]


def _told(lines: Sequence[str]) -> tuple[dict[str, Rule], int]:
    """The rules by their columns, and the index of the line below them."""
    rules: dict[str, Rule] = {}
    codes: dict[str, str] = {}
    at = 0
    while not lines[at].startswith(BODY):
        title, _, text = lines[at].partition("=")
        at += 1
        if title.startswith(" "):
            codes[title[1:]] = text
            continue
        match = _TITLE.match(title)
        if not match:
            raise ValueError("no name")
        codes = {}
        rules[match[1]] = Rule(match[2] or "", text, codes)
    return rules, at


def _taken(lines: Sequence[str], signs: Sequence[str], headed: Sequence[str], count: int) -> tuple[list[str | None], _Rows]:
    """Lines as they were, None for rows; and the rows' cells."""
    found: list[str | None] = []
    rows = _Rows(above={name: [] for name in headed})
    for line in lines:
        first = line[:1]
        times = 1
        if first == RAW:
            found.append(line[1:])
            continue
        if first == HEAD:
            name, _, value = line[1:].partition("=")
            rows.last[name] = value
            continue
        if first == AGAIN:
            times = int(line[1:])
            if not rows.cells or times + len(rows.cells) > count:
                raise ValueError("more rows than told")
            cells = rows.cells[-1]
        else:
            cells = _cells(line[1:] if first == ESCAPE else line, signs)
        rows.add(cells, times)
        found += [None] * times
    if len(rows.cells) != count:
        raise ValueError("another number of rows than told")
    return found, rows


def _cells(line: str, signs: Sequence[str]) -> list[str]:
    if not signs:
        return []
    same = signs[0]
    if all(sign == same for sign in signs[:-1]) and same:
        cells = line.split(same, len(signs) - 1)
        return cells + [""] * (len(signs) - len(cells))
    cells = []
    for sign in signs[:-1]:
        cell, _, line = line.partition(sign)
        cells.append(cell)
    return [*cells, line]
