"""The sums of one ledger in parts that can be told to others: one for each hour and day, whole, with a version that grows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence, Set

from headroom.errors import StoreError
from headroom.ledger.rollup import DAY, DIMENSIONS, FIGURES, HOUR, Row
from headroom.ledger.tables import fact

HOURS_SECONDS = 35 * DAY
"""Of hours only the last ones are told: a month with the days before it, some hundred kilobytes. Days are all told."""

LOST = "lost/0"
"""A part without rows, whose version says how many exchanges a ledger could not write."""

ANY = f"dimension IN {DIMENSIONS}"
"""In SQL: so that a series and a start are found by the primary key, in which the dimension stands between them."""

Line = tuple[str, str, Row]
"""Dimension, name, sums."""


def identity(db: sqlite3.Connection, random: int) -> str:
    """Of a ledger, made once: a copy of its file would be taken for the same node."""
    if not fact(db, "node"):
        db.execute("INSERT INTO facts VALUES ('node', ?) ON CONFLICT DO NOTHING", (random,))
    return f"{fact(db, 'node'):016x}"


def versions(db: sqlite3.Connection, now: float) -> Mapping[str, int]:
    """By part, how many exchanges are in it. Hours come first, so that where days stand, their hours do."""
    lost = fact(db, "lost")
    rows = db.execute(
        "SELECT series, start, requests FROM rollups WHERE dimension = 'all' AND series = 'hourly' AND start >= ? UNION ALL "
        "SELECT series, start, requests FROM rollups WHERE dimension = 'all' AND series = 'daily'", (oldest_hour(now),),
    )
    return {f"{series}/{start}": int(requests) for series, start, requests in rows} | ({LOST: lost} if lost else {})


def with_hours(versions: Mapping[str, int], some: Set[str]) -> Mapping[str, int]:
    """These parts, and all hours of the days among them: a day that is told anew hides, in sums, that one of its hours was lost."""
    days = {part.removeprefix("daily/") for part in some if part.startswith("daily/")}
    return {part: version for part, version in versions.items() if part in some or (not lasting(part) and _day(part) in days)}


def _day(hour: str) -> str:
    return str(split(hour)[1] // DAY * DAY)


def oldest_hour(now: float) -> int:
    return int(now - HOURS_SECONDS) // HOUR * HOUR


def lasting(part: str) -> bool:
    return not part.startswith("hourly/")


def read(db: sqlite3.Connection, parts: Sequence[str]) -> Mapping[str, tuple[int, bytes]]:
    """Of each its version and its lines."""
    return {part: (fact(db, "lost"), b"[]") if part == LOST else _read(db, part) for part in parts}


def lines(data: bytes) -> list[Line]:
    """Raises StoreError."""
    try:
        return [(str(dimension), str(name), _row(figures)) for dimension, name, *figures in json.loads(data)]
    except (ValueError, TypeError):
        raise StoreError("what a node has published of its ledger is damaged") from None


def split(part: str) -> tuple[str, int]:
    """Series and start. Raises StoreError."""
    series, _, start = part.partition("/")
    if not start.isdecimal():
        raise StoreError("what a node has published of its ledger is damaged")
    return series, int(start)


def _read(db: sqlite3.Connection, part: str) -> tuple[int, bytes]:
    series, start = split(part)
    found = db.execute(
        f"SELECT dimension, name, {', '.join(FIGURES)} FROM rollups WHERE series = ? AND {ANY} AND start = ?", (series, start),
    ).fetchall()
    version = next((int(row[2]) for row in found if row[0] == "all"), 0)
    return version, json.dumps(found, separators=(",", ":")).encode()


def _row(figures: list[int]) -> Row:
    if len(figures) != len(FIGURES) or not all(isinstance(n, int) for n in figures):
        raise ValueError(len(figures))
    return tuple(figures)
