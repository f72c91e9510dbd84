"""The sums of several ledgers as one database in memory, of which the same is asked as of a ledger."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from headroom.errors import StoreError
from headroom.ledger.parts import ANY, LOST, Line, split
from headroom.ledger.rollup import FIGURES
from headroom.stores.sqlitefile import transaction

T = TypeVar("T")

TABLES = f"""
CREATE TABLE rollups (
  node TEXT NOT NULL, series TEXT NOT NULL, start INTEGER NOT NULL, dimension TEXT NOT NULL, name TEXT NOT NULL,
  {', '.join(f'{name} INTEGER NOT NULL' for name in FIGURES)}, PRIMARY KEY (series, dimension, start, name, node)) WITHOUT ROWID;
CREATE TABLE parts (node TEXT NOT NULL, part TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (node, part)) WITHOUT ROWID;
CREATE VIEW facts AS SELECT '{LOST.partition("/")[0]}' AS name, coalesce(sum(version), 0) AS n FROM parts WHERE part = '{LOST}';
"""

_DROP = f"DELETE FROM rollups WHERE series = ? AND {ANY} AND start {{}} ?"
_ADD = f"INSERT INTO rollups VALUES ({', '.join('?' * (5 + len(FIGURES)))})"


class Mirror:
    """For any thread, one at a time; opened at first use. Every method blocks."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._closed = False

    def put(self, node: str, part: str, version: int, lines: Sequence[Line]) -> None:
        """In place of an older version. Raises StoreError."""
        series, start = split(part)

        def work(db: sqlite3.Connection) -> None:
            known = db.execute("SELECT version FROM parts WHERE node = ? AND part = ?", (node, part)).fetchone()
            if known is not None and known[0] >= version:
                return
            with transaction(db):
                db.execute(f"{_DROP.format('=')} AND node = ?", (series, start, node))
                db.executemany(_ADD, [(node, series, start, dimension, name, *row) for dimension, name, row in lines])
                db.execute("INSERT INTO parts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version", (node, part, version))

        self.run(work)

    def forget_hours(self, before: int) -> None:
        """Those that begin before a moment."""

        def work(db: sqlite3.Connection) -> None:
            with transaction(db):
                db.execute(_DROP.format("<"), ("hourly", before))
                db.execute("DELETE FROM parts WHERE part LIKE 'hourly/%' AND CAST(substr(part, 8) AS INTEGER) < ?", (before,))

        self.run(work)

    def known(self, node: str) -> dict[str, int]:
        """The versions of a node's parts."""
        return self.run(lambda db: dict(db.execute("SELECT part, version FROM parts WHERE node = ?", (node,)).fetchall()))

    def nodes(self) -> int:
        return self.run(lambda db: int(db.execute("SELECT count(DISTINCT node) FROM parts").fetchone()[0]))

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._turn:
            try:
                return work(self._opened())
            except sqlite3.Error as error:
                raise StoreError(f"the sums of all ledgers cannot be read: {error}") from error

    def close(self) -> None:
        with self._turn:
            self._closed = True
            if self._db is not None:
                self._db.close()

    def _opened(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError("the sums of all ledgers are closed")
        if self._db is None:
            self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA temp_store = MEMORY")  # not one byte is written, of sorting neither
            self._db.executescript(TABLES)
        return self._db
