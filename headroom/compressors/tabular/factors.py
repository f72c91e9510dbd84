"""What a column of texts repeats, said once in a rule; the cells keep what varies.

    2026-10-01 00:36   2026-10-01 01:24        →   rule 2026-10-{@} {}, line @placed=01, cells 00:36 01:24
    SKU-0008           SKU-0044                →   rule SKU-00{}, cells 08 44
    500000             500001                  →   rule 500000, +1 a row, no cells
    EUR                EUR                     →   rule EUR, no cells
    Aix-en-Provence    Graz                    →   rule {A}, lines A=Aix-en-Provence and B=Graz, cells A B

Every rule can be read back from its text, so the reader of a form needs nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import ne

from headroom.compressors.lines.letters import LETTER, WORD, is_alnum, is_alpha
from headroom.compressors.lines.prefix import common_prefix
from headroom.compressors.lines.templates import CODES
from headroom.compressors.tabular.phrases import phrases_of, read_phrase

COUNTED = re.compile(r"([0-9]{1,15}), ([+-][0-9]{1,15}) a row\Z")
MAX_CODES = 60
"""Values that codes may stand for: a reader has to look each one up."""

CODED, GAIN = 2, 12
"""Tokens of a value, on average, that is worth a code, and that a rule with lines of its own must save."""

HEADED = 4
"""Tokens of a line that says a value for the rows below it, the value apart."""

RUN = 5
"""Rows in a row on average that share a date, hour or value which then stands in a line above them."""

AGAIN = 0.3
"""Tokens a row that marks for "as above" must save."""

GROUP = 3
"""Digits that are one token: zeros before fewer cost nothing, so a day or a month stays whole."""

CLOSING = frozenset("`'\")]}>%")
"""Signs that no value ends without, if all end with them."""

USUAL = 0.6
"""Share of the rows from which a value goes without saying."""

PEEK = 60
"""Rows that are compared before all are: most columns differ at once."""

ROOM = 32_000_000
"""Characters that a form may stand for, four times those of the longest text: a forged one must not fill the memory."""

NOTHING = "{nothing}"
"""The rule of a column whose cells are all empty."""

_TIME = re.compile(r"([0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2})(?:([ T])([0-9]{2})(?::([0-9]{2}))?)?")
_TOKEN = re.compile(rf"[{LETTER}]{{1,7}}|[0-9]{{1,3}}|[^{WORD}\s]|_")
_SUFFIX = re.compile(rf"[^{WORD}].*\Z", re.DOTALL)
_CELLS = re.compile(r"\{(@|\"?)\}")


@dataclass(frozen=True, slots=True)
class Factored:
    """A column as it is printed."""

    rule: str = ""
    """Empty if the cells are the values."""
    cells: Sequence[str] | None = None
    """None: rows have no cell for it."""
    above: Sequence[str] | None = None
    """What the last @ line says, for each row."""
    lines: Mapping[str, str] = field(default_factory=dict)
    """What codes stand for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a form says of a column."""

    padding: str = ""
    text: str = ""
    lines: Mapping[str, str] = field(default_factory=dict)


def cost(text: str) -> int:
    """Tokens, about; a blank takes the one that parts cells elsewhere."""
    return len(_TOKEN.findall(text)) + (" " in text)


def factored(values: Sequence[str]) -> Factored:
    """The shortest of what may be said of a column. May raise TooCostly."""
    first = values[0]
    counts = Counter(values)
    if len(counts) == 1:
        plain = "{" in first or "}" in first or COUNTED.match(first)
        return Factored(cells=values) if plain else Factored(first or NOTHING)
    counted = _counted(values)
    if counted:
        return counted
    if len(counts) * 3 <= len(values):
        found = _repeated(values, counts)
        if found:
            return found
    low, high = min(values), max(values)
    timed = _timed(values, low, high)
    if timed:
        return timed
    before, behind = _around(values, low, high)
    phrases = phrases_of(values, len(before) + len(behind))
    if phrases and not any("\n" in text for text in phrases.templates.values()):
        return Factored("{A {}}", phrases.cells, lines=phrases.templates)
    if not before and not behind:
        return _marked("{}", values, counts)
    end = -len(behind) or None
    rests = [value[len(before) : end] for value in values]
    return _marked(f"{before}{{}}{behind}", rests, Counter(rests))


def by_other(values: Sequence[str], base: Sequence[str], name: str) -> Factored | None:
    """A rule that gives each value by that of another column, if there is one and it saves."""
    few = dict(zip(base[:PEEK], values[:PEEK], strict=True))
    if any(few[key] != value for key, value in zip(base[:PEEK], values, strict=False)):
        return None
    pairs = dict(zip(base, values, strict=True))
    if 3 * len(pairs) > len(values) or len(set(values)) < 2 or any("=" in key for key in pairs):
        return None
    if [pairs[key] for key in base] != list(values):
        return None
    total = sum(map(cost, values))
    if len(set(values)) == len(pairs) and sum(map(cost, base)) > total:
        return None  # the other way round says more
    once = sum(cost(key) + cost(value) + 2 for key, value in pairs.items())
    if once + GAIN > total:
        return None
    return Factored(f"{{={name}}}", lines=pairs)


def _counted(values: Sequence[str]) -> Factored | None:
    first, second = values[0], values[1]
    if not (first.isascii() and second.isascii() and first.isdecimal() and second.isdecimal()) or len(first) > 15 or len(second) > 15:
        return None
    start, step = int(first), int(second) - int(first)
    if not step or any(value != str(start + i * step) for i, value in enumerate(values)):
        return None
    return Factored(f"{first}, {step:+} a row")


def _changes(values: Sequence[str]) -> int:
    """Runs of the same value."""
    return 1 + list(map(ne, values, islice(values, 1, None))).count(True)


def _repeated(values: Sequence[str], counts: Mapping[str, int]) -> Factored | None:
    """Few values, each in many rows: in lines above them, by codes, or unsaid where they are usual."""
    before, behind = _around(values, min(counts), max(counts))
    taken = cost(before) + cost(behind)
    average = sum(cost(value) * times for value, times in counts.items()) / len(values)
    changes = _changes(values)
    if RUN * changes <= len(values) and changes * (average + HEADED) + GAIN < average * len(values):
        return Factored("{@}", above=values)
    usual = max(counts, key=lambda value: counts[value])
    unsaid = (cost(usual) - 1) * counts[usual] if counts[usual] >= USUAL * len(values) else 0
    texts = [value for value in counts if value]
    gain = sum((cost(text) - taken - 1) * counts[text] - cost(text) - 3 for text in texts)
    if average - taken >= CODED and len(texts) <= MAX_CODES and gain > max(GAIN, unsaid):
        codes = dict(zip(texts, CODES, strict=False))
        codes[""] = ""
        return Factored("{A}", [codes[value] for value in values], lines={codes[text]: text for text in texts})
    return without_usual(values) if unsaid > GAIN else None


def without_usual(values: Sequence[str]) -> Factored | None:
    """Cells that are empty where a value is the usual one."""
    counts = Counter(values)
    usual = max(counts, key=lambda value: counts[value])
    if counts[usual] < USUAL * len(values) or "" in counts or set("{}") & set(usual):
        return None
    return Factored("{} or " + usual, ["" if value == usual else value for value in values])


def _timed(values: Sequence[str], low: str, high: str) -> Factored | None:
    """Times by the longest part that stays for some rows: date, hour or minute."""
    if not _TIME.match(low) or not _TIME.match(high):
        return None
    found = _TIME.match(values[0])
    if not found or not all(map(_TIME.match, values)):
        return None
    for group in (4, 3, 1):
        end = found.end(group)
        if end < 0 or end >= len(min(values, key=len)) or len({value[end] for value in values}) > 1:
            continue
        heads = [value[:end] for value in values]
        changes = _changes(heads)
        if RUN * changes > len(values):
            continue
        sign = values[0][end]
        before, _ = _around(heads, min(heads), max(heads)) if changes > 1 else (heads[0], "")
        rests = [value[end + 1 :] for value in values]
        _, behind = _around(rests, min(rests), max(rests))
        if set("{}") & set(before + behind + sign):
            return None
        cut = -len(behind) or None
        above = None if changes == 1 else [head[len(before) :] for head in heads]
        return Factored(f"{before}{'{@}' if above else ''}{sign}{{}}{behind}", [rest[:cut] for rest in rests], above)
    return None


def _around(values: Sequence[str], low: str, high: str) -> tuple[str, str]:
    """What starts and what ends all values, without cutting words; numbers are cut only before zeros end."""
    before = common_prefix(low, high)
    size = len(before)
    digits = len(before) - len(before.rstrip("0123456789"))
    if digits and (before[-digits:].strip("0") or _digits(low[size - digits :]) <= GROUP):
        before = before[:-digits]
    if before and is_alpha(before[-1]) and not all("0" <= value[len(before) : len(before) + 1] <= "9" for value in values):
        before = before.rstrip("".join({c for c in before if is_alnum(c)}))
    if len(before) < 2 and not is_alpha(before):
        before = ""
    if before and not before.strip("0123456789"):
        before = ""  # a number of its own
    behind = _suffix(values, len(before))
    return ("" if set(before) & set("{}") else before), ("" if set(behind) & set("{}") or behind.startswith(" or ") else behind)


def _digits(text: str) -> int:
    """Digits at its start."""
    return len(text) - len(text.lstrip("0123456789"))


def _suffix(values: Sequence[str], before: int) -> str:
    found = values[0][before:][-40:]
    for value in values:
        while not value.endswith(found, before):
            found = found[1:]
        if not found:
            return ""
    if is_alpha(found) and all("0" <= value[: -len(found)][-1:] <= "9" for value in values):
        return found
    start = _SUFFIX.search(found)
    return start[0] if start and (len(start[0]) > 1 or start[0] in CLOSING) else ""


def _marked(rule: str, cells: Sequence[str], counts: Mapping[str, int]) -> Factored:
    """Cells with a mark where they are as above, if that is often and saves."""
    if '"' not in counts and len(counts) < 0.8 * len(cells):
        same = [value for value, above in zip(cells[1:], cells, strict=False) if value == above]
        if sum(map(cost, same)) - len(same) > max(GAIN, AGAIN * len(cells)):
            marked = [cells[0], *['"' if value == above else value for value, above in zip(cells[1:], cells, strict=False)]]
            return Factored(rule.replace("{}", '{"}'), marked)
    return Factored("" if rule == "{}" else rule, cells)


def unmarked(cells: Sequence[str]) -> list[str]:
    found: list[str] = []
    above = ""
    for cell in cells:
        above = above if cell == '"' else cell
        found.append(above)
    return found


def values_of(rule: str, cells: Sequence[str], above: Sequence[str], lines: Mapping[str, str]) -> list[str]:
    """The values of a column from what is printed; `cells` may be empty strings where the rule needs none.

    ValueError or KeyError if the rule is none.
    """
    if not rule:
        return list(cells)
    if rule == NOTHING:
        return [""] * len(cells)
    counted = COUNTED.match(rule)
    if counted:
        return [str(int(counted[1]) + i * int(counted[2])) for i in range(len(cells))]
    if rule.startswith("{} or "):
        return [cell or rule[6:] for cell in cells]
    if rule == "{A}":
        return [lines[cell] if cell else "" for cell in cells]
    if rule == "{A {}}":
        return [read_phrase(cell, lines) for cell in cells]
    texts = _CELLS.split(rule)
    if texts[1::2] not in ([], [""], ["@"], ['"'], ["@", ""], ["@", '"']):
        raise ValueError("no rule of ours")
    if '"' in texts[1::2]:
        cells = unmarked(cells)
    sources = [above if sign == "@" else cells for sign in texts[1::2]]
    if not sources:
        return [rule] * len(cells)
    if len(sources) == 1:
        before, _, behind = texts
        return [f"{before}{value}{behind}" for value in sources[0]]
    first, _, middle, _, last = texts
    return [f"{first}{a}{middle}{b}{last}" for a, b in zip(*sources, strict=True)]


def has_cell(rule: str) -> bool:
    """Whether rows have a cell for a column of this rule."""
    return not rule or rule in ("{A}", "{A {}}") or any(sign != "@" for sign in _CELLS.findall(rule))


def all_values(rules: Sequence[tuple[str, Rule]], columns: Mapping[str, Sequence[str]], above: Mapping[str, Sequence[str]], count: int) -> dict[str, list[str]]:
    """The values of each column: those that need no other first. ValueError if they would fill the memory."""
    values: dict[str, list[str]] = {}
    room = ROOM
    for name, rule in sorted(rules, key=lambda pair: pair[1].text.startswith("{=")):
        base = rule.text[2:-1] if rule.text.startswith("{=") else ""
        cells = values[base] if base else columns[name] if has_cell(rule.text) else [""] * count
        room -= _size(rule, cells, above.get(name, ()))
        if room < 0:
            raise ValueError("stands for too much")
        values[name] = [rule.lines[key] for key in cells] if base else values_of(rule.text, cells, above.get(name, ()), rule.lines)
    return values


def _size(rule: Rule, cells: Sequence[str], above: Sequence[str]) -> int:
    """Characters of a column's values, or somewhat more."""
    size = sum(map(len, cells)) + sum(map(len, above)) + (0 if rule.text == NOTHING else len(cells) * len(rule.text))
    if '{"}' in rule.text:
        size += len(cells) * max(map(len, cells), default=0)
    if rule.lines:
        sizes = {code: len(text) for code, text in rule.lines.items()}
        size += sum(sizes.get(cell) or sizes.get(cell.split(" ", 1)[0], 0) for cell in cells)
    return size
