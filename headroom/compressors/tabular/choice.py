"""Which rows of a long table to show: its ends, whatever stands out, whatever the question names, and some in between.

A row stands out if it speaks of trouble, holds a number far from all others, or a kind of value that hardly any row has.
What most rows have is the norm and stands for itself.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from headroom.compressors.lines.salience import SEVERE
from headroom.compressors.tabular.asked import named
from headroom.compressors.tabular.cells import KEY
from headroom.compressors.tabular.layout import NUMBER
from headroom.compressors.tabular.profile import Number, Profile, number
from headroom.conversation import Json

FIRST, LAST = 3, 2
"""Rows shown of the ends: what the rows are, in which order, and whether the text is whole."""

USUAL = 20
"""Rows that a sample has if nothing stands out. Twenty rows of a thousand show what a column holds; sixty do not show more."""

BETWEEN = 5
"""Rows spread over the whole that a sample has in any case."""

NORM = 0.5
"""Share of rows that makes trouble the norm."""

RARE, ALL_RARE = 0.01, 0.03
"""Share of rows up to which one value of a few kinds is rare, and all rare ones and all outliers together are few."""

FAR = 8
"""Median absolute deviations from the median: one in ten million of a normal distribution, 2 % of an exponential one."""

_EXTREMES, _OF_EACH, _MOST_KINDS = 6, 2, 20
"""Rows shown for their numbers in one column, and for one rare value; kinds of trouble that are told apart in one column."""

_MANY, _MANY_SHARE = 20, 0.05
"""Rows of trouble that are all shown; of more, the first and the last of each kind."""

_SPREAD = 1001
"""Values that tell how far numbers usually are from their median."""

_SERVER_ERROR = 500
_CODED = re.compile(r"status|code\Z", re.IGNORECASE)
_DIGITS = re.compile("[0-9]+")
_PHRASES = ("time out", "timed out", "core dumped", "out of memory", "unable to", "could not", "not found", "no such")
"""All of SEVERE that is more than one word."""


def choose(rows: Sequence[Json], columns: Sequence[Profile], query: str) -> list[int]:
    """The indexes of the rows to show, in order."""
    size = len(rows)
    kept = {*range(min(FIRST, size)), *range(max(size - LAST, 0), size)}
    for column in columns:
        kept.update(_standing_out(column))
    kept.update(_odd_shapes(rows))
    keys = next((column.values for column in columns if column.path == KEY), ())
    kept.update(named(rows, query, keys))
    usual = min(USUAL, max(size // 3, FIRST + LAST))
    more = max(BETWEEN, usual - len(kept))
    kept.update((2 * i + 1) * size // (2 * more) for i in range(more))
    return sorted(kept)


def _standing_out(column: Profile) -> Iterator[int]:
    """Rows that stand out by their value in one column."""
    if len(column.counts) == 1:
        return
    yield from _first_of_each(troubled(column), column.values)
    if column.categorical:
        yield from _rare(column.values, column.counts)
    if column.mixed:
        kinds: list[Json] = list(map(type, column.values))
        yield from _rare(kinds, Counter(kinds))
    if column.numbers:
        yield from outliers(column.values, column.numbers)


def _first_of_each(rows: Sequence[int], values: Sequence[Json]) -> Iterable[int]:
    """All of these rows if they are few; of many the first and the last of each kind; none if they are most."""
    if len(rows) > NORM * len(values):
        return ()
    if len(rows) <= max(min(_MANY, len(values) // 6), _MANY_SHARE * len(values)):
        return rows
    kinds: dict[str, list[int]] = {}
    for i in rows:
        kinds.setdefault(_DIGITS.sub("0", str(values[i])), []).append(i)
    return [i for kind in islice(kinds.values(), _MOST_KINDS) for i in (kind[0], kind[-1])]


def troubled(column: Profile) -> list[int]:
    """Rows whose value in a column is one of trouble."""
    if column.numbers:
        if column.path and _CODED.search(str(column.path[-1])):
            return [i for i, v in enumerate(column.values) if type(v) is int and v // 100 == _SERVER_ERROR // 100]
        return []
    if column.categorical:
        bad: set[Json] = {v for v in column.counts if type(v) is str and SEVERE.search(v)}
        return [i for i, v in enumerate(column.values) if v in bad] if bad else []
    texts = [v if type(v) is str and (" " in v or v[:1] == NUMBER) else "" for v in column.values]
    return list(severe(texts))


def severe(texts: Sequence[str]) -> Iterator[int]:
    """Indexes of the texts in which SEVERE is found. Words are looked at once each: the pattern is slow, and texts repeat words."""
    words = set().union(*map(str.split, texts)) if texts else set()
    bad = frozenset(word for word in words if SEVERE.search(word))
    whole = "\n".join(texts).lower()
    phrases = [phrase for phrase in _PHRASES if phrase in whole]
    if not bad and not phrases:
        return
    for i, text in enumerate(texts):
        if not bad.isdisjoint(text.split()) or (phrases and any(map(text.lower().__contains__, phrases))):
            yield i


def _rare(values: Sequence[Json], counts: Mapping[Json, int]) -> Iterator[int]:
    """Rows with a value that hardly any row has, in a column of a few kinds of values."""
    size = len(values)
    rare = {v: times for v, times in counts.items() if times <= max(1, RARE * size)}
    if not rare or sum(rare.values()) > max(1, ALL_RARE * size):
        return
    seen: Counter[Json] = Counter()
    for i, value in enumerate(values):
        if value in rare and seen[value] < _OF_EACH:
            seen[value] += 1
            yield i


def _odd_shapes(rows: Sequence[Json]) -> Iterable[int]:
    """Rows with keys that hardly any row has."""
    if type(rows[0]) is not dict:
        return ()
    shapes: list[Json] = [tuple(row) for row in rows]
    return _rare(shapes, Counter(shapes))


def outliers(values: Sequence[Json], numbers: Sequence[Number]) -> list[int]:
    """Rows whose number is far from all others, if they are few. `numbers` are the same in order of size."""
    middle = numbers[len(numbers) // 2]
    step = max(1, len(numbers) // _SPREAD)
    usual = sorted(abs(v - middle) for v in numbers[::step])
    far = FAR * usual[len(usual) // 2]
    below, above = bisect_left(numbers, middle - far), len(numbers) - bisect_right(numbers, middle + far)
    if not 0 < below + above <= max(1, ALL_RARE * len(values)):
        return []
    found = [(abs(v - middle), i) for i, v in enumerate(map(number, values)) if v is not None and abs(v - middle) > far]
    return [i for _, i in sorted(found, key=lambda pair: -pair[0])[:_EXTREMES]]
