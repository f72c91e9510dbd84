"""A store in one SQLite file that several processes may use at once and that survives all of them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from headroom.errors import StoreError
from headroom.stores.base import Size, Space
from headroom.stores.sqlitefile import Opened, broken, open_database, quarantine, transaction

T = TypeVar("T")

BUSY_SECONDS = 5.0
"""How long a write waits for another process's. Ours take about a millisecond, so past this something is stuck."""

PACK_ABOVE = 4096
"""Bytes, SQLite's page size: below it packing saves no page."""

ROOM = 8
"""When the budget is full, one part in so many is freed at once, so that most writes have nothing to evict."""

TOUCH = 16
"""A row's last use is written anew when one part in so many of its life is over: most reads then write nothing.
In exchange a row lives longer than promised by as much."""

PURGE_SECONDS = 600.0
"""Expired rows are invisible at once, and deleted at most this often."""

BATCH = 4096
"""Rows evicted in one step; bounds the memory it takes."""

VARIABLES = 500
"""Keys in one statement: old builds of SQLite take 999 variables."""

Names = tuple[str, str, str]
"""Space, key, tenant."""


class SQLite:
    """One connection, used by one thread at a time, opened at first use and anew after an error or a fork."""

    def __init__(self, path: Path, now: Callable[[], float], busy: float = BUSY_SECONDS) -> None:
        self._path, self._now, self._busy = path.absolute(), now, busy
        self._opened: Opened | None = None
        self._inherited: list[Opened] = []
        self._pid = os.getpid()
        self._turn = anyio.CapacityLimiter(1)
        self._purged = float("-inf")

    async def put(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> None:
        def work(db: sqlite3.Connection, now: float) -> None:
            packed = [_packed(value) for value in rows.values()]
            with transaction(db):
                _insert(db, space, [(space.name, key, tenant) for key in rows], packed, now)
                self._tidy(db, space, now)

        await self.run(work)

    async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
        def work(db: sqlite3.Connection, now: float) -> Mapping[str, bytes]:
            packed = {key: _packed(value) for key, value in rows.items()}
            with transaction(db):
                stands = _select(db, space, tenant, list(rows), now)
                missing = [key for key in rows if key not in stands]
                _insert(db, space, [(space.name, key, tenant) for key in missing], [packed[key] for key in missing], now)
                if missing:
                    self._tidy(db, space, now)
            return {**rows, **stands}

        return await self.run(work)

    async def get(self, space: Space, tenant: str | None, keys: Sequence[str]) -> Mapping[str, bytes]:
        return await self.run(lambda db, now: _select(db, space, tenant, keys, now))

    async def size(self, space: Space) -> Size:
        def work(db: sqlite3.Connection, now: float) -> Size:
            held = db.execute("SELECT entries, bytes FROM sizes WHERE space = ?", (space.name,)).fetchone() or (0, 0)
            gone = db.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM entries WHERE space = ? AND used < ?",
                (space.name, _expiry(space, now)),
            ).fetchone()
            return Size(held[0] - gone[0], held[1] - gone[1])

        return await self.run(work)

    async def aclose(self) -> None:
        # Also when we are being cancelled: what closes cleanly leaves one file instead of three.
        self._notice_fork()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._close, limiter=self._turn)

    async def run(self, work: Callable[[sqlite3.Connection, float], T]) -> T:
        """`work` in a thread, with the connection and the time. Raises StoreError."""
        self._notice_fork()
        return await anyio.to_thread.run_sync(self._work, work, limiter=self._turn)

    def _notice_fork(self) -> None:
        """A connection must not cross a fork, not even to be closed (sqlite.org/howtocorrupt, 2.6): it is kept unused."""
        if os.getpid() == self._pid:
            return
        if self._opened is not None:
            self._inherited.append(self._opened)
        self._opened, self._pid, self._turn = None, os.getpid(), anyio.CapacityLimiter(1)

    def _work(self, work: Callable[[sqlite3.Connection, float], T]) -> T:
        now = self._now()
        try:
            return work(self._connection(now), now)
        except (sqlite3.Error, OSError, zlib.error) as error:
            self._recover(error, now)
            raise StoreError(f"the state in {self._path} cannot be used: {error}") from error

    def _connection(self, now: float) -> sqlite3.Connection:
        if self._opened is not None and not self._is_current(self._opened):
            self._close()
        if self._opened is None:
            self._opened = open_database(self._path, self._busy, now)
        return self._opened.connection

    def _is_current(self, opened: Opened) -> bool:
        """False when the file was deleted, or set aside by another process: what we wrote there, nobody would read."""
        try:
            return os.stat(self._path).st_ino == opened.inode
        except FileNotFoundError:
            return False

    def _recover(self, error: Exception, now: float) -> None:
        """After an error the next call starts with a new connection; a broken file is out of its way by then."""
        opened = self._opened
        self._close()
        if opened is not None and broken(error):
            with contextlib.suppress(OSError):
                quarantine(self._path, opened.inode, now, error)

    def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is None:
            return
        with contextlib.suppress(sqlite3.Error):
            opened.connection.execute("PRAGMA busy_timeout = 0")  # whoever still reads will checkpoint later
            opened.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with contextlib.suppress(sqlite3.Error):
            opened.connection.close()

    def _tidy(self, db: sqlite3.Connection, space: Space, now: float) -> None:
        """Within a write: drop what expired, now and then, and what is over budget."""
        due = abs(now - self._purged) > PURGE_SECONDS  # abs: a clock may be set back
        held = _held(db, space)
        if due or held > space.max_bytes:
            db.execute("DELETE FROM entries WHERE space = ? AND used < ?", (space.name, _expiry(space, now)))
            self._purged = now
            held = _held(db, space)
        freed = 1
        while held > space.max_bytes and freed:
            freed = _evict(db, space, held - space.max_bytes + space.max_bytes // ROOM)
            held -= freed


def _packed(value: bytes) -> tuple[bool, bytes]:
    if len(value) > PACK_ABOVE:
        small = zlib.compress(value, 1)
        if len(small) < len(value):
            return True, small
    return False, value


def _expiry(space: Space, now: float) -> float:
    return now - space.ttl - space.ttl / TOUCH


def _insert(
    db: sqlite3.Connection, space: Space, names: Sequence[Names], packed: Sequence[tuple[bool, bytes]], now: float
) -> None:
    sized = [
        (*name, now, flag, len(name[1]) + len(value), value) for name, (flag, value) in zip(names, packed, strict=True)
    ]
    # As in memory, a row larger than the whole budget is not kept, nor what it would have replaced.
    db.executemany(
        "DELETE FROM entries WHERE space = ? AND key = ? AND tenant = ?",
        [row[:3] for row in sized if row[5] > space.max_bytes],
    )
    db.executemany(
        "INSERT INTO entries (space, key, tenant, used, packed, size, value) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (space, key, tenant) DO UPDATE "
        "SET used = excluded.used, packed = excluded.packed, size = excluded.size, value = excluded.value",
        [row for row in sized if row[5] <= space.max_bytes],
    )


def _select(db: sqlite3.Connection, space: Space, tenant: str | None, keys: Sequence[str], now: float) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    stale: list[int] = []
    whose = "" if tenant is None else "AND tenant = ?"
    owner = () if tenant is None else (tenant,)
    for start in range(0, len(keys), VARIABLES):
        # "+used" keeps the planner from taking the index by age, which would walk through the whole space.
        some = keys[start : start + VARIABLES]
        statement = (
            "SELECT rowid, key, used, packed, value FROM entries "
            f"WHERE space = ? AND key IN ({','.join('?' * len(some))}) {whose} AND +used >= ?"
        )
        for rowid, key, used, flag, value in db.execute(statement, (space.name, *some, *owner, _expiry(space, now))).fetchall():
            found[key] = zlib.decompress(value) if flag else value
            if used < now - space.ttl / TOUCH:
                stale.append(rowid)
    if stale:
        _touch(db, stale, now)
    return found


def _touch(db: sqlite3.Connection, rowids: Iterable[int], now: float) -> None:
    statement, rows = "UPDATE entries SET used = ? WHERE rowid = ?", [(now, rowid) for rowid in rowids]
    if db.in_transaction:
        db.executemany(statement, rows)
        return
    (patience,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute("PRAGMA busy_timeout = 0")
    try:
        with transaction(db):
            db.executemany(statement, rows)
    except sqlite3.OperationalError:
        pass  # locked, full or read-only: the rows were read, and their lives can begin anew at the next reading
    finally:
        db.execute(f"PRAGMA busy_timeout = {patience}")


def _held(db: sqlite3.Connection, space: Space) -> int:
    row = db.execute("SELECT bytes FROM sizes WHERE space = ?", (space.name,)).fetchone()
    return int(row[0]) if row else 0


def _evict(db: sqlite3.Connection, space: Space, wanted: int) -> int:
    """Delete the rows unused for longest until `wanted` bytes are free, or a batch is done; answers bytes freed."""
    rows = db.execute(
        "SELECT rowid, size FROM entries WHERE space = ? ORDER BY used, rowid LIMIT ?", (space.name, BATCH)
    ).fetchall()
    freed, gone = 0, []
    for rowid, size in rows:
        if freed >= wanted:
            break
        freed += size
        gone.append((rowid,))
    db.executemany("DELETE FROM entries WHERE rowid = ?", gone)
    return freed
