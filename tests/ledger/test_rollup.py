from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.ledger.entry import Entry, entry
from headroom.ledger.rollup import DIMENSIONS, FIGURES, Key, Row, Series, added, figures, rolled, start
from headroom.record import Record
from tests.ledger.records import RECORDS


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


@pytest.mark.parametrize(("series", "when", "expected"), [
    ("hourly", "2026-11-21T12:34:56", "2026-11-21T12:00:00"),
    ("daily", "2026-11-21T23:59:59", "2026-11-21T00:00:00"),
    ("weekly", "2026-11-22T23:59:59", "2026-11-16T00:00:00"),  # a Sunday
    ("weekly", "2026-11-23T00:00:00", "2026-11-23T00:00:00"),  # a Monday
    ("weekly", "1970-01-05T00:00:00", "1970-01-05T00:00:00"),
    ("monthly", "2024-02-29T23:00:00", "2024-02-01T00:00:00"),
    ("monthly", "2026-12-31T23:59:59", "2026-12-01T00:00:00"),
])
def test_periods_begin_in_utc(series: Series, when: str, expected: str) -> None:
    assert start(series, at(when)) == at(expected)


def sums(entries: list[Entry]) -> dict[Key, Row]:
    return dict(rolled(entries))


@settings(deadline=None, max_examples=60)
@given(st.lists(RECORDS, max_size=12), st.integers(0, 12), st.randoms())
def test_order_and_splits_do_not_matter(records: list[Record], cut: int, random: object) -> None:
    entries = [entry(record) for record in records]
    left, right = sums(entries[cut:][::-1]), sums(entries[:cut])
    both = {key: added(left.get(key, (0,) * len(FIGURES)), right.get(key, (0,) * len(FIGURES))) for key in {*left, *right}}
    assert both == sums(entries)


@settings(deadline=None, max_examples=60)
@given(st.lists(RECORDS, max_size=12))
def test_every_dimension_sums_to_the_whole(records: list[Record]) -> None:
    entries = [entry(record) for record in records]
    whole = tuple(map(sum, zip(*map(figures, entries), strict=True))) if entries else (0,) * len(FIGURES)
    found = sums(entries)
    for series in ("hourly", "daily"):
        for dimension in DIMENSIONS:
            rows = [row for key, row in found.items() if key[0] == series and key[2] == dimension]
            total = tuple(map(sum, zip(*rows, strict=True))) if rows else (0,) * len(FIGURES)
            assert total[1:] == whole[1:], dimension
            assert total[0] >= whole[0] if dimension == "tool" else total[0] == whole[0]
