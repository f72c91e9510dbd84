"""Long CSV, TSV and tables with bars: the rows that stand out and a few others as they are, and what all rows are like.

    id,town,price                          id,town,price
    1,Graz,9.50                            1,Graz,9.50
    2,Graz,7.00                            2,Graz,7.00
    … 900 rows …                      →    3,Lisbon,7.25
    900,Lisbon,8.10                        … 5-411 (all 900 rows: id 1..900; town Graz×610 Lisbon×290; price 1.1..9000.0 median 9.9)
                                           411,Lisbon,9000.00
                                           … 413-899
                                           899,Graz,8.25
                                           900,Lisbon,8.10
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.lines import view
from headroom.compressors.records import MAX_CHARS
from headroom.compressors.tabular.cells import MISSING
from headroom.compressors.tabular.choice import choose, severe
from headroom.compressors.tabular.dialects import beginning, dialect, table_of
from headroom.compressors.tabular.profile import Profile, profile, summaries
from headroom.conversation import Json

MIN_ROWS = 16
"""Rows of a table that is worth a sample."""

MAX_SHARE = 0.7
"""Share of its rows that a sample may show: one that shows more hides too little to pay for what it says."""

FITTING = 0.9
"""Share of the lines that must be rows: what is between rows has no columns by which it could stand out."""

MAX_ODD = 20
"""Lines between rows that are all shown: titles, rules, counts of rows. Of more, the first and those of trouble."""

MAX_SAID = 1200
"""Characters of what is said about all rows."""

SURE, UNSURE = 0.9, 0.5
"""Above what a summary of logs is sure of, for tables with names; logs with bars or commas have none."""

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\Z")
_NUMBER = re.compile(r"[-+]?[0-9]{1,17}(?:\.[0-9]{1,17})?(?:[eE][-+]?[0-9]{1,2})?\Z")
_PADDED = re.compile(r"[-+]?0[0-9]")
_RULE = re.compile(r"^[ |+:-]*--[ |+:-]*\r?$", re.MULTILINE)
_NOTHING = frozenset(("NULL", "null", "NaN", "nan", "None", "NA", "N/A", "\\N"))


@dataclass(frozen=True, slots=True)
class RecordsSample:
    """Long CSV, TSV, Markdown and database tables. Kept for certain: the line of names, the first and last rows, rows that tell of trouble,
    stand out by their numbers or hold what is rare, and rows that the question names, all as they are; of all rows each column's range."""

    name: str = "records-sample"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        lines = beginning(text)
        found = dialect(lines)
        if found is None:
            return 0.0
        delimiter, _, named = found
        return SURE if named and (delimiter != "|" or _RULE.search("\n".join(lines))) else UNSURE

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many rows")
        lines = text.split("\n")
        table = table_of([line.removesuffix("\r") for line in lines], FITTING) if len(lines) > MIN_ROWS else None
        if table is None or len(table.rows) < MIN_ROWS or ("\n… " in text and any(map(view.GAP.fullmatch, lines))):
            return None
        places = list(table.rows)
        profiles = [profile((name,), _typed(values)) for name, values in zip(table.names, zip(*table.rows.values(), strict=True), strict=True)]
        chosen = choose([lines[i].replace("\t", " ") for i in places], profiles, goal.query)
        if len(chosen) > MAX_SHARE * len(places):
            return None
        kept = {places[i] for i in chosen} | _odd(lines, table.rows)
        shown = view.show(lines, kept, _said(len(places), profiles, kept, len(lines)))
        return None if shown is None or len(shown.text) >= len(text) else Compressed(shown.text, "lossy", shown.omitted, shown.lines)

    def expand(self, short: str) -> str | None:
        return None


def _typed(cells: Sequence[str]) -> Sequence[Json]:
    """The values that cells stand for: numbers if all that is there are numbers, else texts."""
    values: dict[str, Json] = {cell: _value(cell.strip(" ")) for cell in set(cells)}
    found = [value for value in values.values() if value is not None and value is not MISSING]
    if not found or str in set(map(type, found)):
        values |= {cell: cell.strip(" ") for cell, value in values.items() if value is not None and value is not MISSING}
    return [values[cell] for cell in cells]


def _value(text: str) -> Json:
    if not text:
        return MISSING
    if text in _NOTHING:
        return None
    if _WHOLE.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) and not _PADDED.match(text) else text


def _odd(lines: Sequence[str], rows: Collection[int]) -> set[int]:
    """The lines to show of those that are no rows: the names, the ends, and all if they are few."""
    odd = [i for i in range(len(lines)) if i not in rows]
    if len(odd) <= MAX_ODD:
        return set(odd)
    told = severe([lines[i] for i in odd])
    return {*odd[: MAX_ODD // 2], odd[-1], *(odd[i] for i in islice(told, MAX_ODD))}


def _said(count: int, profiles: Sequence[Profile], kept: Collection[int], size: int) -> dict[int, str]:
    """What all rows are like, said at the first gap that is worth words."""
    words = summaries(profiles, MAX_SAID)
    first = next((i for i in range(size) if i not in kept), size)
    return {first: f"all {count} rows: {words}"} if words else {}
