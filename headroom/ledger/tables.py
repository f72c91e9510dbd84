"""The ledger's tables, how entries get into them, and how long they stay. One connection, inside of a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from headroom.ledger.entry import OTHER, Entry
from headroom.ledger.rollup import FIGURES, Key, Row, rolled
from headroom.stores.sqlitefile import Schema

COLUMNS = Entry._fields[:-1]
"""All but the tools, which have a table."""
TEXTS = frozenset(("request_id", "provider", "model", "project", "client", "cache", "cause"))

_COLUMNS = ", ".join(f"{name} {'TEXT' if name in TEXTS else 'INTEGER'} NOT NULL" for name in COLUMNS)
_FIGURES = ", ".join(f"{name} INTEGER NOT NULL" for name in FIGURES)

TABLES = f"""
CREATE TABLE exchanges ({_COLUMNS}, PRIMARY KEY (ts, request_id)) WITHOUT ROWID;
CREATE TABLE tools (
  ts INTEGER NOT NULL, request_id TEXT NOT NULL, tool TEXT NOT NULL, before INTEGER NOT NULL, after INTEGER NOT NULL,
  saved INTEGER NOT NULL, PRIMARY KEY (ts, request_id, tool)) WITHOUT ROWID;
CREATE TABLE rollups (
  series TEXT NOT NULL, start INTEGER NOT NULL, dimension TEXT NOT NULL, name TEXT NOT NULL, {_FIGURES},
  PRIMARY KEY (series, dimension, start, name)) WITHOUT ROWID;
CREATE TABLE names (dimension TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (dimension, name)) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
"""

SCHEMA = Schema("the ledger", 0x4844524C, 1, TABLES, frozenset(("exchanges", "tools", "rollups", "names", "facts")))
""""HDRL" in the file's header."""

NAMES = 500
"""Distinct models, projects and so on that are told apart, the first come; clients can send any number of them."""

EXCHANGES_DAYS, HOURS_DAYS = 30, 400
"""Days for which single exchanges and hours are kept, the latter so that a year can be compared with the last. Days are
kept for good: some kilobytes each."""

MOST = 2_000_000
"""Exchanges kept at most, some 400 MB."""

PRUNED = 10_000
"""Rows deleted at a time, so that no transaction takes long."""

_INSERT = f"INSERT INTO exchanges VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT DO NOTHING"
_ADD = (
    f"INSERT INTO rollups VALUES (?, ?, ?, ?, {', '.join('?' * len(FIGURES))}) "
    f"ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in FIGURES)}"
)


def append(db: sqlite3.Connection, entries: Sequence[Entry]) -> int:
    """Add those that are not there yet, to rows and sums alike; answers how many."""
    new = [entry for entry in entries if db.execute(_INSERT, entry[:-1]).rowcount == 1]
    bounded = _bounded(db, new)
    db.executemany(
        "INSERT INTO tools VALUES (?, ?, ?, ?, ?, ?)",
        [(e.ts, e.request_id, t.tool, t.before, t.after, t.saved) for e in new for t in e.tools],
    )
    db.executemany(_ADD, [(*key, *row) for key, row in bounded.items()])
    count(db, "exchanges", len(new))
    return len(new)


def count(db: sqlite3.Connection, name: str, n: int) -> None:
    if n:
        db.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n", (name, n))


def fact(db: sqlite3.Connection, name: str) -> int:
    found = db.execute("SELECT n FROM facts WHERE name = ?", (name,)).fetchone()
    return int(found[0]) if found else 0


def prune(db: sqlite3.Connection, now: float, most: int) -> bool:
    """Drop some of what is older than it is kept; whether there may be more. Sums by day stay."""
    over = max(0, fact(db, "exchanges") - most)
    oldest = db.execute("SELECT ts FROM exchanges ORDER BY ts LIMIT 1 OFFSET ?", (PRUNED,)).fetchone()
    before = int((now - EXCHANGES_DAYS * 86400) * 1_000_000)
    if over:
        last = db.execute("SELECT ts FROM exchanges ORDER BY ts LIMIT 1 OFFSET ?", (min(over, PRUNED),)).fetchone()
        before = max(before, before if last is None else last[0])
    bound = before if oldest is None else min(before, oldest[0])
    gone = db.execute("DELETE FROM exchanges WHERE ts < ?", (bound,)).rowcount
    db.execute("DELETE FROM tools WHERE ts < ?", (bound,))
    count(db, "exchanges", -gone)
    db.execute("DELETE FROM rollups WHERE series = 'hourly' AND start < ?", (int(now) - HOURS_DAYS * 86400,))
    return gone >= PRUNED


def _bounded(db: sqlite3.Connection, entries: Sequence[Entry]) -> Mapping[Key, Row]:
    """The sums, with names beyond the bound as one."""
    shown = {(dimension, name): _shown(db, dimension, name) for dimension, name in sorted(_labels(entries))}
    if all(name == known for (_, name), known in shown.items()):
        return rolled(entries)
    return rolled(
        e._replace(
            model=shown["model", e.model], provider=shown["provider", e.provider], project=shown["project", e.project],
            client=shown["client", e.client], tools=tuple(t._replace(tool=shown["tool", t.tool]) for t in e.tools),
        )
        for e in entries
    )


def _labels(entries: Sequence[Entry]) -> set[tuple[str, str]]:
    alike = {(e.model, e.provider, e.project, e.client) for e in entries}
    found = {(dimension, name) for names in alike for dimension, name in zip(("model", "provider", "project", "client"), names, strict=True)}
    return found | {("tool", tool.tool) for e in entries for tool in e.tools}


def _shown(db: sqlite3.Connection, dimension: str, name: str) -> str:
    if not name or db.execute("SELECT 1 FROM names WHERE dimension = ? AND name = ?", (dimension, name)).fetchone():
        return name
    (known,) = db.execute("SELECT count(*) FROM names WHERE dimension = ?", (dimension,)).fetchone()
    if known >= NAMES:
        return OTHER
    db.execute("INSERT INTO names VALUES (?, ?)", (dimension, name))
    return name
