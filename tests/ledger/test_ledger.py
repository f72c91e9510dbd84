from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Usage
from headroom.errors import StoreError
from headroom.ledger import tables
from headroom.ledger.book import Book
from headroom.ledger.entry import MOST, OTHER, entry
from headroom.ledger.ledger import Ledger
from headroom.ledger.queries import NONE, Window, by, history, persistent, savings, total, windows
from headroom.ledger.rollup import DIMENSIONS, added, figures
from headroom.record import Record
from tests.ledger.records import MONDAY, RECORDS, record

ALL = Window("all_time")
DAY = 86400


def clock() -> float:
    return float(MONDAY)


def rows_of(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM exchanges").fetchone()[0])


@pytest.fixture(params=["memory", "file"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Book:
    return Book(None if request.param == "memory" else tmp_path / "ledger.db", clock)


def test_a_record_is_one_row_however_often_it_is_told(book: Book) -> None:
    one = entry(record("a", spent=5))
    book.append([one, one], 0)
    book.append([one], 0)
    assert book.run(rows_of) == 1
    assert book.run(lambda db: total(db, ALL))[11] == 5
    book.append([entry(record("a", MONDAY + 1, spent=5))], 0)  # a client may send an id again
    assert book.run(rows_of) == 2
    book.close()


@settings(deadline=None, max_examples=40)
@given(st.lists(RECORDS, max_size=20), st.lists(st.integers(1, 6), min_size=1))
def test_sums_are_those_of_the_rows_in_any_order_and_by_any_worker(records: list[Record], sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        books = [Book(Path(folder) / "ledger.db", clock) for _ in range(3)]
        entries = [entry(record) for record in records]
        rest, turn = list(entries), 0
        while rest:
            size = sizes[turn % len(sizes)]
            books[turn % 3].append(rest[:size], 0)
            rest, turn = rest[size:], turn + 1
        whole = NONE
        for one in {(e.ts, e.request_id): e for e in reversed(entries)}.values():
            whole = added(whole, figures(one))
        assert books[0].run(lambda db: total(db, ALL)) == whole
        for dimension in DIMENSIONS:
            sums = NONE
            for _, row in books[1].run(lambda db, d=dimension: by(db, ALL, d)):  # type: ignore[misc]  # mypy infers no lambda with a default
                sums = added(sums, row)
            assert sums[1:] == whole[1:]
        for series in ("hourly", "daily", "weekly", "monthly"):
            periods = books[2].run(lambda db, s=series: history(db, s, ALL))  # type: ignore[misc]  # as above
            assert sum(row["requests"] for row in periods) == whole[0]
            assert round(sum(row["saved_usd"] for row in periods) * 10**9 - whole[12]) == 0
        for each in books:
            each.close()


def test_windows_and_series(book: Book) -> None:
    now = MONDAY + 3600.0
    days = {"a": 0, "b": 0, "c": -1, "d": -6, "e": -7, "f": -40}
    book.append([entry(record(id, MONDAY + 60 + day * DAY, spent=10**9, saved=-(10**9), tools=("Bash",))) for id, day in days.items()], 0)
    found = [book.run(lambda db, w=window: savings(db, w)) for window in windows(now)]  # type: ignore[misc]  # as above
    assert [(one["window"], one["requests"], one["spent_usd"], one["saved_usd"]) for one in found] == [
        ("today", 2, 2.0, -2.0), ("7_days", 4, 4.0, -4.0), ("all_time", 6, 6.0, -6.0),
    ]
    assert [(row["name"], row["tokens_saved"]) for row in found[0]["by_tool"]] == [("Bash", 120), ("", 0)]
    assert found[0]["by_client"][0]["name"] == "claude-cli"
    weeks = book.run(lambda db: history(db, "weekly", ALL))
    assert [(row["start"], row["requests"]) for row in weeks] == [
        ("2026-10-12T00:00:00Z", 1), ("2026-11-16T00:00:00Z", 3), ("2026-11-23T00:00:00Z", 2),
    ]
    assert weeks[0]["by_model"]["m"]["requests"] == 1
    assert [row["start"] for row in book.run(lambda db: history(db, "weekly", Window("", MONDAY - 5 * DAY, MONDAY)))] == ["2026-11-16T00:00:00Z"]
    assert [row["requests"] for row in book.run(lambda db: history(db, "hourly", Window("", MONDAY)))] == [2]
    assert book.run(persistent)["since"] == "2026-10-14T00:00:00Z"
    book.close()


def test_names_are_bounded_and_nothing_is_lost_of_the_sums(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "NAMES", 3)
    book.append([entry(record(f"{i}", project=f"p{i}")) for i in range(10)], 0)
    found = dict(book.run(lambda db: by(db, ALL, "project")))
    assert set(found) == {"p0", "p1", "p2", OTHER}
    assert found[OTHER][0] == 7
    book.close()


def test_old_rows_go_and_their_days_stay(tmp_path: Path) -> None:
    now = [float(MONDAY)]
    book = Book(tmp_path / "ledger.db", lambda: now[0])
    book.append([entry(record(f"{i}", MONDAY + i)) for i in range(5)], 0)
    now[0] += (tables.EXCHANGES_DAYS + 1) * DAY
    book.append([entry(record("new", now[0]))], 0)
    assert book.run(rows_of) == 1
    assert book.run(lambda db: len(history(db, "hourly", ALL))) == 2
    now[0] += (tables.HOURS_DAYS + 1) * DAY
    book.append([entry(record("newer", now[0]))], 0)
    assert book.run(lambda db: len(history(db, "hourly", ALL))) == 1
    assert book.run(lambda db: total(db, ALL))[0] == 7
    assert book.run(lambda db: tables.fact(db, "exchanges")) == book.run(rows_of) == 1
    book.close()


def test_there_are_never_many_more_rows_than_the_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST", 20)
    monkeypatch.setattr(tables, "PRUNED", 10)
    book = Book(tmp_path / "ledger.db", clock)
    for i in range(20):
        book.append([entry(record(f"{i}-{j}", MONDAY + i)) for j in range(5)], 0)
        assert book.run(rows_of) <= 20 + 10 + 5
    assert book.run(lambda db: total(db, ALL))[0] == 100
    book.close()


@pytest.mark.anyio
async def test_what_is_asked_has_all_that_was_told(book: Book) -> None:
    ledger = Ledger(book)
    for i in range(1000):
        ledger.write(record(f"{i}", spent=1))
    assert (await ledger.ask(lambda db: total(db, ALL)))[0] == 1000
    assert (ledger.waiting, ledger.lost, ledger.committed) == (0, 0, 1000)
    await ledger.aclose()


@pytest.mark.anyio
async def test_a_locked_file_delays_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(Book(path, clock, busy=0.01))
    ledger.write(record("a"))
    assert (await ledger.ask(lambda db: total(db, ALL)))[0] == 1
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.write(record("b"))
    assert (await ledger.ask(lambda db: total(db, ALL)))[0] == 1  # readers do not wait for the lock
    assert ledger.waiting == 1
    other.execute("ROLLBACK")
    other.close()
    await ledger.aclose()
    assert (ledger.lost, ledger.committed) == (0, 2)


@pytest.mark.anyio
async def test_beyond_the_queue_records_are_lost_and_counted_in_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    first = Book(path, clock)
    first.append([entry(record("first"))], 0)
    first.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger = Ledger(Book(path, clock, busy=0.01), most=10)
    for i in range(25):
        ledger.write(record(f"{i}"))
    assert ledger.lost == 15
    other.execute("ROLLBACK")
    other.close()
    await ledger.aclose()
    book = Book(path, clock)
    assert (book.run(rows_of), book.run(persistent)["lost"]) == (11, 15)
    book.close()


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(b"no database" * 1000),
    lambda path: path.write_bytes(path.read_bytes()[:5000]),
    lambda path: path.write_bytes(b""),
    lambda path: path.unlink(),
])
def test_a_broken_file_is_set_aside(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    path = tmp_path / "ledger.db"
    book = Book(path, clock)
    book.append([entry(record("a"))], 0)
    book.close()
    spoil(path)
    again = Book(path, clock)
    again.append([entry(record("b"))], 0)
    assert again.run(rows_of) == 1
    again.close()


@pytest.mark.parametrize("spoil", [
    lambda path: path.unlink(),
    lambda path: os.replace(path, path.with_name("elsewhere")),
])
def test_a_file_that_is_taken_away_while_it_is_open_has_a_successor(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(Book(path, clock))
    ledger.write(record("a"))
    anyio.run(ledger.ask, rows_of)
    spoil(path)
    for i in range(3):
        ledger.write(record(f"b{i}"))
    ledger.close()
    assert (ledger.lost, ledger.waiting) == (0, 0)
    book = Book(path, clock)
    assert book.run(rows_of) >= 3
    book.close()


def test_absurd_counts_of_a_provider_are_cut(book: Book) -> None:
    absurd = replace(record("a", spent=10**40, saved=-(10**40)), usage=Usage(10**30, 10**30, 10**30, 10**30))
    book.append([entry(replace(absurd, request_id=f"{i}")) for i in range(300)], 0)
    whole = book.run(lambda db: total(db, ALL))
    assert whole[0] == 300
    assert whole[5] == 300 * MOST
    assert all(isinstance(figure, int) for figure in whole)
    book.close()


def test_the_file_of_another_program_is_left_alone_and_aside(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    book = Book(path, clock)
    book.append([entry(record("b"))], 0)
    book.close()
    assert len(list(tmp_path.glob("ledger.db.corrupt-*"))) == 1


def test_what_cannot_be_opened_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(StoreError):
        Book(tmp_path / "file" / "ledger.db", clock).append([entry(record("b"))], 0)


def test_nothing_is_written_to_disk_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(Book(None, clock))
    for i in range(300):
        ledger.write(record(f"{i}", project=f"p{i}"))
    assert anyio.run(ledger.ask, lambda db: savings(db, ALL))["requests"] == 300
    ledger.close()
    assert list(tmp_path.iterdir()) == []


WRITER = """
import sys
from pathlib import Path
import anyio
from headroom.ledger.book import Book
from headroom.ledger.ledger import Ledger
from tests.ledger.records import MONDAY, record
ledger = Ledger(Book(Path(sys.argv[1]), lambda: float(MONDAY)))
for i in range(10**9):
    ledger.write(record(f"{i}", MONDAY + i * 1e-3, spent=1, tools=("Bash",)))
    if i % 50 == 0:
        print(ledger.committed, flush=True)
    if ledger.waiting > 1000:
        anyio.run(ledger.ask, lambda db: None)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("lines", [1, 20, 60, 100])
def test_who_is_killed_loses_nothing_that_was_committed(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "ledger.db"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = 0
    for _ in range(lines):
        told = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    rest = process.communicate()[0].split("\n")[:-1]
    told = int(rest[-1]) if rest else told
    book = Book(path, clock)
    rows = book.run(rows_of)
    assert rows >= told
    assert told > 0 or lines < 60
    assert book.run(lambda db: db.execute("PRAGMA integrity_check").fetchone()) == ("ok",)
    assert book.run(lambda db: total(db, ALL))[11] == rows == book.run(lambda db: tables.fact(db, "exchanges"))
    book.close()


FULL = """
import resource, sys
from pathlib import Path
import anyio
from headroom.ledger.book import Book
from headroom.ledger.ledger import Ledger
from headroom.ledger.queries import Window, total
from tests.ledger.records import MONDAY, record
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
async def main():
    ledger = Ledger(Book(Path(sys.argv[1]), lambda: float(MONDAY)), most=500)
    n = 0
    while not ledger.lost:
        ledger.write(record(f"{n}", MONDAY + n * 1e-3, project=f"p{n}"))
        n += 1
        if n % 100 == 0 and not ledger.failing:
            await ledger.ask(lambda db: total(db, Window("all")))
    assert ledger.failing
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await ledger.aclose()
    print(n, ledger.committed, ledger.lost)
anyio.run(main)
"""


@pytest.mark.skipif(os.name != "posix", reason="RLIMIT_FSIZE")
def test_a_full_disk_stops_nobody_and_what_it_cost_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    told, committed, lost = map(int, done.stdout.split())
    assert lost > 0
    assert committed + lost == told
    book = Book(path, clock)
    assert book.run(rows_of) == committed
    assert book.run(persistent)["lost"] == lost
    assert book.run(lambda db: db.execute("PRAGMA integrity_check").fetchone()) == ("ok",)
    book.close()


def test_four_threads_of_one_process_may_tell_it(tmp_path: Path) -> None:
    ledger = Ledger(Book(tmp_path / "ledger.db", clock))

    def tell(name: str) -> None:
        for i in range(500):
            ledger.write(record(f"{name}{i}"))

    threads = [threading.Thread(target=tell, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert anyio.run(ledger.ask, rows_of) == 2000
    ledger.close()


def test_after_the_end_a_record_is_lost_and_counted() -> None:
    ledger = Ledger(Book(None, clock))
    ledger.close()
    ledger.write(replace(record(), request_id="late"))
    assert (ledger.lost, ledger.waiting) == (1, 0)
