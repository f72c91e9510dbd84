from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import StoreError
from headroom.ledger import parts
from headroom.ledger.book import Book
from headroom.ledger.entry import entry
from headroom.ledger.mirror import Mirror
from headroom.ledger.queries import BREAKDOWNS, Window, by, history, persistent, total
from headroom.ledger.rollup import SERIES
from headroom.record import Record
from tests.ledger.records import MONDAY, RECORDS, record

DAY, HOUR = 86400, 3600
ALL = Window("all_time")


def clock() -> float:
    return float(MONDAY)


def test_hours_and_days_each_with_how_many_exchanges_are_in_it() -> None:
    book = Book(None, clock)
    book.append([entry(record(f"{i}", MONDAY - age)) for i, age in enumerate((0, 1, 2, 40 * DAY))], 3)
    assert book.run(lambda db: parts.versions(db, MONDAY)) == {
        f"hourly/{MONDAY}": 1, f"hourly/{MONDAY - HOUR}": 2, f"daily/{MONDAY}": 1, f"daily/{MONDAY - DAY}": 2, f"daily/{MONDAY - 40 * DAY}": 1,
        "lost/0": 3,
    }, "old hours are not told, old days are"
    assert next(iter(book.run(lambda db: parts.versions(db, MONDAY)))).startswith("hourly")
    assert [parts.lasting(part) for part in ("hourly/0", "daily/0", parts.LOST)] == [False, True, True]
    assert book.run(lambda db: parts.read(db, [parts.LOST, "daily/0"])) == {parts.LOST: (3, b"[]"), "daily/0": (0, b"[]")}
    book.close()


def test_a_day_goes_with_its_hours() -> None:
    versions = {"hourly/0": 1, "hourly/3600": 2, f"hourly/{DAY}": 3, "daily/0": 3, f"daily/{DAY}": 3, "lost/0": 1}
    assert list(parts.with_hours(versions, {"daily/0", "hourly/0"})) == ["hourly/0", "hourly/3600", "daily/0"]
    assert parts.with_hours(versions, set()) == {}
    assert list(parts.with_hours(versions, {"lost/0", f"hourly/{DAY}"})) == [f"hourly/{DAY}", "lost/0"]


def test_a_ledger_has_one_name_for_good(tmp_path: Path) -> None:
    one, again, other = (Book(path, clock) for path in (tmp_path / "a.db", tmp_path / "a.db", tmp_path / "b.db"))
    names = [book.run(lambda db: parts.identity(db, 5)) for book in (one,)] + [book.run(lambda db: parts.identity(db, 6)) for book in (again, other)]
    assert names == [f"{5:016x}", f"{5:016x}", f"{6:016x}"]
    for book in (one, again, other):
        book.close()


@pytest.mark.parametrize("data", [b"", b"{}x", b"[1]", b'[["all","",1]]', b'[["all",""' + b',"1"' * 15 + b"]]"])
def test_what_is_no_part_is_said_to_be_damaged(data: bytes) -> None:
    with pytest.raises(StoreError):
        parts.lines(data)
    for part in ("", "daily", "daily/x"):
        with pytest.raises(StoreError):
            parts.split(part)


@settings(deadline=None, max_examples=30)
@given(st.lists(RECORDS, max_size=15), st.integers(0, 15), st.integers(0, 9))
def test_a_mirror_of_all_parts_tells_what_the_ledger_tells(records: list[Record], first: int, lost: int) -> None:
    """However often and in whatever order it is told."""
    book, mirror = Book(None, clock), Mirror()
    entries = [entry(record) for record in records]
    book.append(entries[:first], 0)
    early = book.run(lambda db: parts.read(db, list(parts.versions(db, MONDAY))))
    book.append(entries[first:], lost)
    late = book.run(lambda db: parts.read(db, list(parts.versions(db, MONDAY))))
    for told in (late, early, late):
        for part, (version, data) in told.items():
            mirror.put("a", part, version, parts.lines(data))
    assert mirror.run(lambda db: total(db, ALL)) == book.run(lambda db: total(db, ALL))
    assert mirror.run(persistent) == book.run(persistent)
    for series in SERIES:
        assert mirror.run(lambda db, s=series: history(db, s, ALL)) == book.run(lambda db, s=series: history(db, s, ALL))  # type: ignore[misc]  # mypy infers no lambda with a default
    for dimension in BREAKDOWNS:
        assert mirror.run(lambda db, d=dimension: by(db, ALL, d)) == book.run(lambda db, d=dimension: by(db, ALL, d))  # type: ignore[misc]  # as above
    assert mirror.known("a") == book.run(lambda db: parts.versions(db, MONDAY))
    mirror.close()
    book.close()
