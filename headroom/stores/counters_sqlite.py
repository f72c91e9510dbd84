"""Counters in the SQLite file of a store, for all processes that use it; what was spent survives them."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import anyio

from headroom.bucket import Bucket, Rate, Taken, full, micros, take
from headroom.budget import Window
from headroom.errors import StoreError
from headroom.stores.counters import KEPT, NOTHING, UNRESERVED, Balance, Cap, Reserved
from headroom.stores.sqlite import SQLite
from headroom.stores.sqlitefile import transaction

T = TypeVar("T")

TABLES = (
    "CREATE TABLE IF NOT EXISTS buckets (key TEXT PRIMARY KEY, level INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, slot INTEGER NOT NULL, cap INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS spending (account TEXT NOT NULL, slot INTEGER NOT NULL, amount INTEGER NOT NULL, "
    "PRIMARY KEY (account, slot)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS reservations (account TEXT NOT NULL, id TEXT NOT NULL, amount INTEGER NOT NULL, "
    "until REAL NOT NULL, due INTEGER NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY (account, id)) WITHOUT ROWID",
)
"""Reservations have no index by age: there are only as many as requests in flight. Beside those of the store, which knows a file as ours with or without them."""

IDLE = 3600
"""Seconds after which a bucket that nobody used is dropped: full long since, unless more than an hour's worth is owed."""


class _Job:
    def __init__(self, work: Callable[[sqlite3.Connection, float], None]) -> None:
        self.work = work
        self.woken = anyio.Event()
        """Set when it is done, and when it is its turn to do all."""
        self.error: StoreError | None = None


class SQLiteCounters:
    """Uses the store's connection and its thread, so that the two never wait for each other's locks."""

    def __init__(self, store: SQLite) -> None:
        self._store = store
        self._known: sqlite3.Connection | None = None
        """The connection whose file is known to have our tables."""
        self._swept = 0
        self._jobs: list[_Job] = []
        """What waits for the next transaction."""
        self._busy = False

    async def take(self, key: str, rate: Rate, amount: int, *, owe: bool = False) -> Taken:
        def work(db: sqlite3.Connection, seconds: float) -> Taken:
            now = micros(seconds)
            row = db.execute("SELECT level, at FROM buckets WHERE key = ?", (key,)).fetchone()
            bucket, taken = take(full(rate, now) if row is None else Bucket(*row), rate, amount, now, owe=owe)
            if taken.granted:  # a refusal changes nothing: the same comes of the same bucket later
                db.execute("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)", (key, bucket.level, bucket.at))
            self._sweep(db, now)
            return taken

        return await self._run(work)

    async def active(self, prefix: str) -> int:
        def work(db: sqlite3.Connection, seconds: float) -> int:
            rows = db.execute("SELECT count(*) FROM buckets WHERE at > ? AND substr(key, 1, ?) = ?", (micros(seconds - 60), len(prefix), prefix))
            return int(rows.fetchone()[0])

        return await self._run(work)

    async def reserve(self, account: str, id: str, amount: int, cap: Cap, paid: Mapping[str, int] = NOTHING) -> Reserved:
        def work(db: sqlite3.Connection, now: float) -> Reserved:
            slot = _advance(db, account, cap.window)
            db.execute("UPDATE accounts SET cap = ? WHERE account = ? AND cap IS NOT ?", (cap.limit, account, cap.limit))
            _settle(db, account, paid, slot)
            _expire(db, account, slot, now)
            balance = _balance(db, account, cap.window)
            if _reservation(db, account, id) is not None:
                return Reserved(True, balance)
            if balance.spent + balance.reserved + amount > cap.limit:
                return Reserved(False, balance)
            db.execute("INSERT INTO reservations VALUES (?, ?, ?, ?, 0, 0)", (account, id, amount, now + cap.lives))
            return Reserved(True, replace(balance, reserved=balance.reserved + amount))

        return await self._run(work)

    async def settle(self, account: str, paid: Mapping[str, int], window: Window) -> None:
        await self._run(lambda db, now: _settle(db, account, paid, _advance(db, account, window)))

    async def balance(self, account: str, window: Window) -> Balance:
        return await self._run(lambda db, now: _balance(db, account, window))

    async def reset(self, account: str) -> None:
        def work(db: sqlite3.Connection, now: float) -> None:
            db.execute("UPDATE accounts SET slot = 0 WHERE account = ?", (account,))
            db.execute("DELETE FROM spending WHERE account = ?", (account,))
            db.execute("DELETE FROM reservations WHERE account = ? AND due", (account,))

        await self._run(work)

    async def _run(self, work: Callable[[sqlite3.Connection, float], T]) -> T:
        """What is asked for while a transaction runs waits for it, and goes into the next one together: handing over to
        the thread takes longer than the work."""
        results: list[T] = []
        job = _Job(lambda db, now: results.append(work(db, now)))
        self._jobs.append(job)
        try:
            while not (results or job.error):
                if self._busy:
                    await job.woken.wait()
                    job.woken = anyio.Event()
                else:
                    await self._batch()
        finally:
            if job in self._jobs:  # cancelled before its turn
                self._jobs.remove(job)
            if self._jobs and not self._busy:
                self._jobs[0].woken.set()
        if job.error is not None:
            raise StoreError(job.error.message) from job.error
        return results[0]

    async def _batch(self) -> None:
        jobs, self._jobs, self._busy = self._jobs, [], True
        try:
            with anyio.CancelScope(shield=True):  # the others' work must not end with whose turn it is
                await self._store.run(functools.partial(self._together, jobs))
        except StoreError as error:
            for job in jobs:
                job.error = error
        except BaseException as error:
            for job in jobs:
                job.error = StoreError(f"a step of the counters failed: {type(error).__name__}")
            raise
        finally:
            self._busy = False
            for job in jobs:
                job.woken.set()

    def _together(self, jobs: Sequence[_Job], db: sqlite3.Connection, now: float) -> None:
        with transaction(db):
            if db is not self._known:
                for statement in TABLES:
                    db.execute(statement)
            for job in jobs:
                job.work(db, now)
        self._known = db

    def _sweep(self, db: sqlite3.Connection, now: int) -> None:
        if abs(now - self._swept) > micros(IDLE):
            db.execute("DELETE FROM buckets WHERE at < ?", (now - micros(IDLE),))
            self._swept = now


def _advance(db: sqlite3.Connection, account: str, window: Window) -> int:
    """The current slot; never one before."""
    row = db.execute("SELECT slot FROM accounts WHERE account = ?", (account,)).fetchone()
    if row is not None and row[0] >= window.slot:
        return int(row[0])
    db.execute(
        "INSERT INTO accounts VALUES (?, ?, NULL) ON CONFLICT (account) DO UPDATE SET slot = excluded.slot", (account, window.slot),
    )
    db.execute("DELETE FROM spending WHERE account = ? AND slot <= ?", (account, window.slot - window.span))
    return window.slot


def _settle(db: sqlite3.Connection, account: str, paid: Mapping[str, int], slot: int) -> None:
    for id, amount in paid.items():
        known = _reservation(db, account, id)
        if known is not None:
            due, counted, where = known
            db.execute("DELETE FROM reservations WHERE account = ? AND id = ?", (account, id))
            _spend(db, account, where if due else slot, amount - counted if due else amount)
        elif id == UNRESERVED:
            _spend(db, account, slot, amount)


def _expire(db: sqlite3.Connection, account: str, slot: int, now: float) -> None:
    """Count as spent what nobody settled in time, and forget what was so counted long ago."""
    late = db.execute("SELECT id, amount, due FROM reservations WHERE account = ? AND until < ?", (account, now)).fetchall()
    for id, amount, due in late:
        if due:
            db.execute("DELETE FROM reservations WHERE account = ? AND id = ?", (account, id))
        else:
            _spend(db, account, slot, amount)
            db.execute("UPDATE reservations SET due = 1, until = ?, slot = ? WHERE account = ? AND id = ?", (now + KEPT, slot, account, id))


def _spend(db: sqlite3.Connection, account: str, slot: int, amount: int) -> None:
    db.execute(
        "INSERT INTO spending VALUES (?, ?, ?) ON CONFLICT (account, slot) DO UPDATE SET amount = amount + excluded.amount",
        (account, slot, amount),
    )


def _reservation(db: sqlite3.Connection, account: str, id: str) -> tuple[bool, int, int] | None:
    row = db.execute("SELECT due, amount, slot FROM reservations WHERE account = ? AND id = ?", (account, id)).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def _balance(db: sqlite3.Connection, account: str, window: Window) -> Balance:
    held = db.execute("SELECT slot, cap FROM accounts WHERE account = ?", (account,)).fetchone() or (0, None)
    slot = max(held[0], window.slot)
    spent, oldest = db.execute(
        "SELECT coalesce(sum(amount), 0), min(CASE WHEN amount > 0 THEN slot END) FROM spending WHERE account = ? AND slot > ?",
        (account, slot - window.span),
    ).fetchone()
    (reserved,) = db.execute(
        "SELECT coalesce(sum(amount), 0) FROM reservations WHERE account = ? AND NOT due", (account,),
    ).fetchone()
    return Balance(spent, reserved, slot, oldest, held[1])
