"""Counters in the SQLite file of a store, for all processes that use it; what was spent survives them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from headroom.bucket import Bucket, Rate, Taken, full, micros, take
from headroom.budget import Window
from headroom.stores.counters import KEPT, Balance, Cap, Reserved
from headroom.stores.sqlite import SQLite
from headroom.stores.sqlitefile import transaction

T = TypeVar("T")

TABLES = (
    "CREATE TABLE IF NOT EXISTS buckets (key TEXT PRIMARY KEY, level INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, slot INTEGER NOT NULL, cap INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS spending (account TEXT NOT NULL, slot INTEGER NOT NULL, amount INTEGER NOT NULL, "
    "PRIMARY KEY (account, slot)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS reservations (account TEXT NOT NULL, id TEXT NOT NULL, amount INTEGER NOT NULL, "
    "state TEXT NOT NULL, until REAL NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY (account, id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS reservations_by_age ON reservations (account, state, until, amount)",
)
"""Beside those of the store, which knows a file as ours with or without them."""

IDLE = 3600
"""Seconds after which a bucket that nobody used is dropped: full long since, unless more than an hour's worth is owed."""


class SQLiteCounters:
    """Uses the store's connection and its thread, so that the two never wait for each other's locks."""

    def __init__(self, store: SQLite) -> None:
        self._store = store
        self._known: sqlite3.Connection | None = None
        """The connection whose file is known to have our tables."""
        self._swept = 0

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

    async def reserve(self, account: str, id: str, amount: int, cap: Cap) -> Reserved:
        def work(db: sqlite3.Connection, now: float) -> Reserved:
            slot = _advance(db, account, cap.window)
            db.execute("UPDATE accounts SET cap = ? WHERE account = ? AND cap IS NOT ?", (cap.limit, account, cap.limit))
            _expire(db, account, slot, now)
            balance = _balance(db, account, cap.window)
            if _reservation(db, account, id) is not None:
                return Reserved(True, balance)
            if balance.spent + balance.reserved + amount > cap.limit:
                return Reserved(False, balance)
            db.execute("INSERT INTO reservations VALUES (?, ?, ?, 'open', ?, 0)", (account, id, amount, now + cap.lives))
            return Reserved(True, replace(balance, reserved=balance.reserved + amount))

        return await self._run(work)

    async def settle(self, account: str, id: str, amount: int, window: Window) -> None:
        def work(db: sqlite3.Connection, now: float) -> None:
            slot, known = _advance(db, account, window), _reservation(db, account, id)
            state, booked, where = ("open", 0, 0) if known is None else known
            if state == "done":
                return
            if state == "due":
                _spend(db, account, where, amount - booked)
            else:
                _spend(db, account, slot, amount)
            db.execute("INSERT OR REPLACE INTO reservations VALUES (?, ?, ?, 'done', ?, 0)", (account, id, amount, now + KEPT))

        await self._run(work)

    async def balance(self, account: str, window: Window) -> Balance:
        return await self._run(lambda db, now: _balance(db, account, window))

    async def reset(self, account: str) -> None:
        def work(db: sqlite3.Connection, now: float) -> None:
            db.execute("UPDATE accounts SET slot = 0 WHERE account = ?", (account,))
            db.execute("DELETE FROM spending WHERE account = ?", (account,))
            db.execute("UPDATE reservations SET state = 'done' WHERE account = ? AND state = 'due'", (account,))

        await self._run(work)

    async def _run(self, work: Callable[[sqlite3.Connection, float], T]) -> T:
        def step(db: sqlite3.Connection, now: float) -> T:
            with transaction(db):
                if db is not self._known:
                    for statement in TABLES:
                        db.execute(statement)
                result = work(db, now)
            self._known = db
            return result

        return await self._store.run(step)

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


def _expire(db: sqlite3.Connection, account: str, slot: int, now: float) -> None:
    """Count as spent what nobody settled in time, and forget ids that were settled long ago."""
    old = (account, now)
    (due,) = db.execute("SELECT sum(amount) FROM reservations WHERE account = ? AND state = 'open' AND until < ?", old).fetchone()
    db.execute("DELETE FROM reservations WHERE account = ? AND state IN ('due', 'done') AND until < ?", old)
    if due is None:
        return
    _spend(db, account, slot, due)
    db.execute(
        "UPDATE reservations SET state = 'due', until = ?, slot = ? WHERE account = ? AND state = 'open' AND until < ?", (now + KEPT, slot, *old),
    )


def _spend(db: sqlite3.Connection, account: str, slot: int, amount: int) -> None:
    db.execute(
        "INSERT INTO spending VALUES (?, ?, ?) ON CONFLICT (account, slot) DO UPDATE SET amount = amount + excluded.amount",
        (account, slot, amount),
    )


def _reservation(db: sqlite3.Connection, account: str, id: str) -> tuple[str, int, int] | None:
    row = db.execute("SELECT state, amount, slot FROM reservations WHERE account = ? AND id = ?", (account, id)).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def _balance(db: sqlite3.Connection, account: str, window: Window) -> Balance:
    held = db.execute("SELECT slot, cap FROM accounts WHERE account = ?", (account,)).fetchone() or (0, None)
    slot = max(held[0], window.slot)
    spent, oldest = db.execute(
        "SELECT coalesce(sum(amount), 0), min(CASE WHEN amount > 0 THEN slot END) FROM spending WHERE account = ? AND slot > ?",
        (account, slot - window.span),
    ).fetchone()
    (reserved,) = db.execute(
        "SELECT coalesce(sum(amount), 0) FROM reservations WHERE account = ? AND state = 'open'", (account,),
    ).fetchone()
    return Balance(spent, reserved, slot, oldest, held[1])
