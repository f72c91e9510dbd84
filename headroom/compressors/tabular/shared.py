"""What the values of one column share with each other or with another column, so that it is said once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headroom.compressors.lines.letters import LETTER
from headroom.compressors.lines.prefix import common_prefix
from headroom.compressors.lines.templates import CODES
from headroom.compressors.tabular.cells import KEY, MISSING, Missing, Path, cells, rests
from headroom.compressors.tabular.columns import Column
from headroom.compressors.tabular.layout import NUMBER
from headroom.compressors.tabular.phrases import GAP, Phrases, phrases_of
from headroom.compressors.tabular.rules import Rule, around, items_of, items_sign, listed
from headroom.conversation import Json

MAX_COMPARED = 60
"""Full columns that are compared with each other: the cost is the square of this."""

MIN_PREFIX = 4
"""Characters a prefix must have to be worth its place in the name."""

MAX_SUFFIX = 40
"""Characters of a suffix: a bound for the work of finding one, which shortens it by one at a time."""

MIN_CODED, MIN_CODED_GAIN, CHARS = 12, 20, 4
"""Characters of a cell, on average, that is worth a code; tokens that codes must save; characters of a token."""

_BOUNDARIES = "/.: -_@#=?&T"
"""A prefix ends behind one of these, so that what stays in the cells is whole words."""

_SUFFIX = re.compile(rf"[/.:_@ -](?=.*[{LETTER}]).*\Z|(?<=[0-9])[A-Za-z%]{{1,3}}\Z", re.DOTALL)
"""A suffix starts with one of these and has a letter, so that numbers and versions stay whole, or is a unit behind a number."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A column as it is printed."""

    cells: Sequence[str]
    sign: str = ""
    """What stands behind the name."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """Code to cell, where codes stand in the cells."""
    gap: str = ""
    """What stands for values in what codes stand for, if there are any."""


def shared_of(values: Sequence[Json], messages: bool = True) -> Shared:
    """The cells of a column, and what is said once for all of them; with `messages`, also their templates."""
    kinds = set(map(type, values))
    sign = ""
    if kinds == {str} or kinds == {str, Missing}:
        texts = [v for v in values if v is not MISSING] if Missing in kinds else values
        before, behind = _around(texts)
        phrases = phrases_of(texts, len(before) + len(behind)) if messages else None
        if phrases:
            return _phrased(values, phrases)
        if before or behind:
            return _coded(rests(values, len(before), len(behind)), str(around(before, behind)))
    elif list in kinds:
        members = items_of(values)
        if members and not any(type(v) is str for v in values):
            values, sign = listed(values), items_sign(members)
    found = cells(values, kinds)
    if not sign and Missing not in kinds and found.count(found[0]) == len(found):
        return Shared(found, f"={found[0]}")
    return _coded(found, sign)


def _phrased(values: Sequence[Json], phrases: Phrases) -> Shared:
    found = iter(rests(phrases.cells, 0))
    cells = [next(found) if value is not MISSING else "" for value in values]
    return Shared(cells, "", dict(zip(phrases.templates, rests([*phrases.templates.values()], 0), strict=True)), GAP)


def _around(texts: Sequence[str]) -> tuple[str, str]:
    """What starts and what ends all texts; empty where it is not worth it."""
    low, high = min(texts), max(texts)
    if low == high or low[:1] == NUMBER or high[:1] == NUMBER:
        return "", ""
    before = _prefix(low, high)
    return before, _suffix(texts, len(before))


def _prefix(low: str, high: str) -> str:
    """What starts every text from `low` to `high`, up to a boundary; empty if it is not worth it."""
    if low[:MIN_PREFIX] != high[:MIN_PREFIX]:
        return ""
    shared = common_prefix(low, high)
    size = max(shared.rfind(mark) + 1 for mark in _BOUNDARIES)
    return low[:size] if size >= MIN_PREFIX else ""


def _suffix(texts: Sequence[str], before: int) -> str:
    """What ends every text and leaves the first `before` characters alone."""
    found = texts[0][before:][-MAX_SUFFIX:]
    for text in texts:
        while not text.endswith(found, before):
            found = found[1:]
        if not found:
            return ""
    suffix = _SUFFIX.search(texts[0], len(texts[0]) - len(found))
    return suffix[0] if suffix else ""


def _coded(found: list[str], sign: str) -> Shared:
    """Codes for long cells of a few kinds."""
    if sum(map(len, found)) < MIN_CODED * len(found):
        return Shared(found, sign)
    counts = Counter(found)
    counts.pop("", None)
    if 3 * len(counts) > len(found) or len(counts) > len(CODES):
        return Shared(found, sign)
    codes = dict(zip(counts, CODES, strict=False))
    gain = sum((len(cell) / CHARS - 1) * times - len(cell) / CHARS - 3 for cell, times in counts.items())
    if gain < MIN_CODED_GAIN:
        return Shared(found, sign)
    codes[""] = ""
    return Shared([codes[cell] for cell in found], sign, {code: cell for cell, code in codes.items() if cell})


def derived_of(columns: list[Column]) -> dict[Path, Rule]:
    """Columns that are others with fixed text around them."""
    full = [c for c in columns if not c.rare and {str, int}.issuperset(map(type, c.values))]
    varied = [c for c in full if c.values.count(c.values[0]) < len(c.values)]
    texts = {c.path: c.values for c in varied[:MAX_COMPARED]}
    written = {path for path, values in texts.items() if set(map(type, values)) == {str} and values[0][:1] != NUMBER}
    found: dict[Path, Rule] = {}
    bases: set[Path] = {KEY}
    order = list(texts)
    for place, (path, values) in enumerate(texts.items()):
        if path in bases or path not in written:
            continue
        inside = [p for p in texts if p != path and p not in found and _holds(values, texts[p])]
        inside.sort(key=lambda p: -len(str(texts[p][0])))
        for rule in _rules(values[0], inside, texts):
            equal_and_later = rule.texts == ("", "") and rule.columns[0] in order[place:]
            if not equal_and_later and _fits(rule, values, texts):
                bases.update(column for column in rule.columns if column is not None)
                found[path] = rule
                break
    return found


def _holds(values: Sequence[Json], base: Sequence[Json]) -> bool:
    """Whether values hold those of a base, as the first, a middle and the last row have it."""
    return all(base[i] != "" and str(base[i]) in values[i] for i in (0, len(values) // 2, -1))


def _rules(text: str, inside: Sequence[Path], texts: Mapping[Path, Sequence[Json]]) -> Iterator[Rule]:
    """Rules that may give the text: each base once, then the longest of all wherever they stand."""
    for base in inside:
        before, _, behind = text.partition(str(texts[base][0]))
        yield Rule((before, behind), (base,))
    pieces: list[str | Path] = [text]
    for base in inside:
        pieces = [part for piece in pieces for part in (_split(piece, base, str(texts[base][0])) if type(piece) is str else [piece])]
    columns = tuple(piece for piece in pieces if type(piece) is not str)
    if len(columns) > 1:
        yield Rule(tuple(str(piece) for piece in pieces if type(piece) is str), columns)  # type: ignore[arg-type]  # texts are out


def _split(text: str, base: Path, value: str) -> Iterator[str | Path]:
    for i, piece in enumerate(text.split(value)):
        if i:
            yield base
        yield piece


def _fits(rule: Rule, values: Sequence[Json], texts: Mapping[Path, Sequence[Json]]) -> bool:
    """Whether a rule gives all values."""
    return rule.values([texts[column] for column in rule.columns if column is not None]) == list(values)
