"""The ledger's database: one connection for one thread at a time, opened at first use and anew after an error or a fork."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from headroom.errors import StoreError
from headroom.ledger import tables
from headroom.ledger.entry import Entry
from headroom.stores.sqlitefile import Opened, broken, create_tables, open_database, quarantine, transaction

T = TypeVar("T")

BUSY_SECONDS = 1.0
"""How long a write waits for another process's, which takes some milliseconds. Who reads meanwhile waits as long."""

IN_MEMORY = 20_000
"""Exchanges kept where there is no file; some 8 MB."""

PRUNE_SECONDS = 600.0
"""How often old rows are looked for."""


class Book:
    """`path` None: in memory, and gone with the process; not one byte is written. `now` in seconds since the epoch.

    Every method blocks, and raises StoreError and nothing else when the ledger cannot be read or written.
    """

    def __init__(self, path: Path | None, now: Callable[[], float], busy: float = BUSY_SECONDS) -> None:
        self._path, self._now, self._busy = None if path is None else path.absolute(), now, busy
        self._most = IN_MEMORY if path is None else tables.MOST
        self._pid, self._turn = os.getpid(), threading.Lock()
        self._opened: Opened | None = None
        self._inherited: list[Opened] = []
        self._pruned = float("-inf")

    @property
    def where(self) -> str:
        return "memory" if self._path is None else str(self._path)

    def append(self, entries: Sequence[Entry], lost: int) -> None:
        """All or nothing; with how many were lost since the last time that this worked."""

        def work(db: sqlite3.Connection) -> None:
            with transaction(db):
                tables.append(db, entries)
                tables.count(db, "lost", lost)
            self._prune(db)

        self.run(work)

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._notice_fork()
        with self._turn:
            now = self._now()
            try:
                return work(self._connection(now))
            except (sqlite3.Error, OSError) as error:
                self._recover(error, now)
                raise StoreError(f"the ledger in {self.where} cannot be used: {error}") from error

    def close(self) -> None:
        self._notice_fork()
        with self._turn:
            self._close()

    def _notice_fork(self) -> None:
        """A connection must not cross a fork, not even to be closed (sqlite.org/howtocorrupt, 2.6): it is kept unused."""
        if os.getpid() != self._pid:
            if self._opened is not None:
                self._inherited.append(self._opened)
            self._opened, self._pid, self._turn = None, os.getpid(), threading.Lock()

    def _connection(self, now: float) -> sqlite3.Connection:
        if self._path is not None and self._opened is not None and not _is_current(self._path, self._opened):
            self._close()
        if self._opened is None:
            self._opened = _in_memory() if self._path is None else open_database(self._path, self._busy, now, tables.SCHEMA)
        return self._opened.connection

    def _prune(self, db: sqlite3.Connection) -> None:
        """What was appended stands, whether this works or not."""
        now = self._now()
        if abs(now - self._pruned) < PRUNE_SECONDS and tables.fact(db, "exchanges") <= self._most + tables.PRUNED:
            return  # abs: a clock may be set back
        with contextlib.suppress(sqlite3.OperationalError), transaction(db):
            if not tables.prune(db, now, self._most):
                self._pruned = now

    def _recover(self, error: Exception, now: float) -> None:
        """After an error the next call starts with a new connection; a broken file is out of its way by then."""
        opened = self._opened
        if self._path is None or opened is None:
            return  # what is in memory stays as it was before the transaction
        self._close()
        if broken(error):
            with contextlib.suppress(OSError):
                quarantine(self._path, opened.inode, now, error, tables.SCHEMA.what)

    def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            with contextlib.suppress(sqlite3.Error):
                opened.connection.execute("PRAGMA busy_timeout = 0")  # whoever still reads will checkpoint later
                opened.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with contextlib.suppress(sqlite3.Error):
                opened.connection.close()


def _is_current(path: Path, opened: Opened) -> bool:
    """False when the file was deleted, or set aside by another process: what we wrote there, nobody would read."""
    try:
        return os.stat(path).st_ino == opened.inode
    except FileNotFoundError:
        return False


def _in_memory() -> Opened:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA temp_store = MEMORY")  # sorting must not spill to a file either
    with transaction(connection):
        create_tables(connection, tables.SCHEMA)
    return Opened(connection, 0)
