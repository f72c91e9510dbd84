from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headroom.ledger.book import Book
from headroom.ledger.ledger import Ledger
from headroom.prices import Model, load
from headroom.proxy.booking import Booking, ledger
from headroom.record import Record
from tests.ledger.records import MONDAY, record

PRICES = load('{"models": {"m": {"input": 10, "output": 50, "read": 1}}}')


class Books:
    def __init__(self) -> None:
        self.records: list[Record] = []

    def begin(self) -> None:
        self.records.clear()

    def end(self, record: Record) -> None:
        self.records.append(record)


def find(name: str) -> Model | None:
    return PRICES.find(name)


@pytest.mark.anyio
async def test_each_record_is_priced_and_in_the_ledger_when_the_others_hear_of_it() -> None:
    books, ledger = Books(), Ledger(Book(None, lambda: float(MONDAY)))
    booking = Booking(books, ledger, find)
    booking.begin()
    for told in (record("a"), record("b", model="nobody-knows"), replace(record("c"), model="")):
        booking.end(told)
    assert [(one.cost.spent, one.cost.unpriced) for one in books.records] == [(700 * 10_000 + 50 * 50_000 + 200 * 1000 + 40 * 10_000, False), (0, True), (0, False)]
    stats = await booking.stats()
    assert (stats["requests"], stats["unpriced"], stats["lost"], stats["lost_here"], stats["waiting"]) == (3, 1, 0, 0, 0)
    assert stats["spent_usd"] == books.records[0].cost.spent / 1e9
    assert stats["where"] == "memory"
    await ledger.aclose()


@pytest.mark.anyio
async def test_what_a_killed_process_had_booked_is_booked_once(tmp_path: Path) -> None:
    path, books = tmp_path / "x.db", Books()
    killed = Booking(books, Ledger(Book(path, lambda: float(MONDAY))), find)
    for name in ("a", "b"):
        killed.end(record(name))
    await killed.ledger.aclose()
    successor = Booking(Books(), Ledger(Book(path, lambda: float(MONDAY))), find)
    successor.again([*books.records, replace(books.records[0], request_id="c")])
    assert (await successor.stats())["requests"] == 3
    assert (await successor.stats())["spent_usd"] == 3 * books.records[0].cost.spent / 1e9
    await successor.ledger.aclose()


@pytest.mark.anyio
async def test_a_ledger_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    booking = Booking(Books(), Ledger(Book(tmp_path / "file" / "x.db", lambda: 0.0)), find)
    booking.begin()
    booking.end(record("a"))
    assert "error" in await booking.stats()
    await booking.ledger.aclose()
    assert booking.ledger.lost == 1


@pytest.mark.parametrize(("url", "folder", "where"), [
    ("redis://host", "", "state-ledger.db"), ("redis://host", "new/folder", "new/folder/state-ledger.db"), ("redis://host", "file/x", None),
    ("sqlite:{}/file/x.db", "", "file/x-ledger.db"), ("memory:", "", None),
])
def test_a_ledger_whose_sums_are_kept_elsewhere_can_do_without_a_file(tmp_path: Path, url: str, folder: str, where: str | None) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    found = ledger(url.format(tmp_path), tmp_path / folder)
    assert found.where == ("memory" if where is None else str(tmp_path / where))
