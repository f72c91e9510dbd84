"""What all values of a column are like, in a few words: the part of a table that a sample of its rows cannot show.

    total 3.1..9876.5 median 201.4; status paid×430 shipped×469 chargeback×1; note null×899; id 900 different
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headroom.compressors.tabular.cells import MISSING, Path, cell, name
from headroom.compressors.tabular.layout import NUMBER, encode_all
from headroom.conversation import Json

CATEGORIES = 24
"""Different values up to which a column says of each row which of a few kinds it is."""

FEW = 0.02
"""The same as a share of the rows, for long tables."""

_TOP = 6
"""Categories that a summary counts one by one."""

_LONGEST = 40
"""Characters up to which a value is quoted in a summary; it is quoted whole or not at all."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)?\Z")
_NOTHING = (None, MISSING)

Number = int | float


@dataclass(frozen=True, slots=True)
class Profile:
    """A column, its different values counted."""

    path: Path
    values: Sequence[Json]
    """Lists and objects as literals, as `cell` takes them: NUMBER and their text."""
    counts: Mapping[Json, int]
    numbers: Sequence[Number]
    """The numbers in order of size, if all values that are there are numbers; else none."""

    mixed: bool = False
    """Whether the values are of several types."""

    @property
    def categorical(self) -> bool:
        return len(self.counts) <= max(CATEGORIES, FEW * len(self.values))


def profile(path: Path, values: Sequence[Json]) -> Profile:
    """The profile of a column; MISSING stands where a row has no value."""
    kinds = set(map(type, values))
    mixed = len(kinds) > 1
    if not kinds.isdisjoint((list, dict)):
        encoded = iter(encode_all([v for v in values if type(v) in (list, dict)]))
        values = [NUMBER + next(encoded) if type(v) in (list, dict) else v for v in values]
        return Profile(path, values, Counter(values), (), mixed)
    numbers: list[Number] = []
    if kinds & {int, float} and bool not in kinds and (str not in kinds or _literals(values)):
        numbers = sorted(v for v in map(number, values) if v is not None)
    return Profile(path, values, Counter(values), numbers, mixed)


def _literals(values: Sequence[Json]) -> bool:
    """Whether all texts are unusual literals of numbers."""
    return all(v[:1] == NUMBER for v in values if type(v) is str)


def number(value: Json) -> Number | None:
    """The number that a value is, if it is one."""
    if type(value) is int or type(value) is float:
        return value
    if type(value) is not str or value[:1] != NUMBER:
        return None
    try:
        return float(value[1:])
    except ValueError:  # a text that begins as those literals are marked
        return None


def summary(found: Profile) -> str:
    """The column in a few words; empty if there is nothing to say that a few rows do not show."""
    if len(found.counts) == 1:
        return ""
    title = name(found.path)
    nothing = "".join(f" {cell(v) or 'absent'}×{found.counts[v]}" for v in _NOTHING if v in found.counts)
    if found.numbers and not (found.categorical and len(found.counts) <= _TOP):
        return f"{title} {_range(found.numbers)}{nothing}"
    if found.categorical:
        return f"{title} {_categories(found.counts)}"
    texts = [v for v in found.counts if type(v) is str]
    low, high = (min(texts), max(texts)) if texts else ("", "")
    if _DATE.match(low) and _DATE.match(high):
        return f"{title} {cell(low)}..{cell(high)}{nothing}"
    return f"{title} {len(texts)} different{nothing}"


def summaries(profiles: Sequence[Profile], room: int) -> str:
    """All columns for which there are words, up to so many characters."""
    said: list[str] = []
    for words in filter(None, map(summary, profiles)):
        room -= len(words) + 2
        if room < 0:
            break
        said.append(words)
    return "; ".join(said)


def _range(numbers: Sequence[Number]) -> str:
    middle = "" if _even(numbers) else f" median {numbers[(len(numbers) - 1) // 2]!r}"
    return f"{numbers[0]!r}..{numbers[-1]!r}{middle}"


def _even(numbers: Sequence[Number]) -> bool:
    """Whether they count up, whose middle is no news."""
    return type(numbers[0]) is int and type(numbers[-1]) is int and numbers[-1] - numbers[0] == len(numbers) - 1


def _categories(counts: Mapping[Json, int]) -> str:
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    quoted = [f"{text}×{times}" for text, times in ((cell(v) or "absent", times) for v, times in ranked) if len(text) <= _LONGEST][:_TOP]
    more = len(counts) - len(quoted)
    return " ".join(quoted + ([f"+{more} more" if quoted else f"{more} different"] if more else []))
