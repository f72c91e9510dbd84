"""What is asked of the ledger, each question once and with a named window. All of it is read from the sums by hour and day."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from headroom.conversation import Json
from headroom.ledger.rollup import DAY, FIGURES, Dimension, Row, Series, added, start
from headroom.ledger.tables import fact
from headroom.record import NANO

BREAKDOWNS: tuple[Dimension, ...] = ("model", "tool", "project", "client")

NONE: Row = (0,) * len(FIGURES)

COLUMNS = (
    "requests", "tokens_before", "tokens_after", "tokens_saved", "savings_percent", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "spent_usd", "saved_usd", "failed", "cached", "unpriced", "estimated", "busts",
    "bust_tokens",
)
"""Of a sum as it is shown. `estimated`: exchanges whose provider did not say what it counted; `saved_usd` always is one."""

_SUMS = ", ".join(f"coalesce(sum({figure}), 0)" for figure in FIGURES)


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds since the epoch; `until` is not in it."""

    name: str
    since: int = -(1 << 40)
    until: int = 1 << 40


def windows(now: float) -> tuple[Window, Window, Window]:
    """Those of `headroom savings`. Days are UTC's, as the sums are; the seven include today."""
    today = start("daily", now)
    return Window("today", today), Window("7_days", today - 6 * DAY), Window("all_time")


def savings(db: sqlite3.Connection, window: Window) -> Json:
    """Sums of a window, and the same by model, tool, project and client."""
    return {"window": window.name, "since": iso(window.since) if window.since > 0 else first_day(db), **shown(total(db, window))} | {
        f"by_{dimension}": [{"name": name, **shown(row)} for name, row in by(db, window, dimension)] for dimension in BREAKDOWNS
    }


def persistent(db: sqlite3.Connection) -> Json:
    """`persistent_savings` of /stats: all that was ever counted in this ledger."""
    return {"since": first_day(db), **shown(total(db, Window("all_time"))), "lost": fact(db, "lost")}


def total(db: sqlite3.Connection, window: Window) -> Row:
    row = db.execute(
        f"SELECT {_SUMS} FROM rollups WHERE series = 'daily' AND dimension = 'all' AND start >= ? AND start < ?", (window.since, window.until),
    ).fetchone()
    return tuple(row)


def by(db: sqlite3.Connection, window: Window, dimension: Dimension) -> list[tuple[str, Row]]:
    """The largest savings first."""
    rows = db.execute(
        f"SELECT name, {_SUMS} FROM rollups WHERE series = 'daily' AND dimension = ? AND start >= ? AND start < ? GROUP BY name "
        "ORDER BY sum(before) - sum(after) DESC, name", (dimension, window.since, window.until),
    )
    return [(row[0], tuple(row[1:])) for row in rows.fetchall()]


def history(db: sqlite3.Connection, series: Series, window: Window) -> list[Json]:
    """One row for each period in which anything happened, with the sums of each model. Of a week or a month that only
    partly lies in the window, the days that begin in it are summed."""
    all_, models = _periods(db, series, window, "all"), _periods(db, series, window, "model")
    found: dict[int, dict[str, Row]] = {}
    for (begins, name), row in models.items():
        found.setdefault(begins, {})[name] = row
    return [
        {"start": iso(begins), **shown(row), "by_model": {name: shown(one) for name, one in sorted(found.get(begins, {}).items())}}
        for (begins, _), row in sorted(all_.items())
    ]


def first_day(db: sqlite3.Connection) -> str | None:
    """Since when there is anything."""
    (begins,) = db.execute("SELECT min(start) FROM rollups WHERE series = 'daily' AND dimension = 'all'").fetchone()
    return None if begins is None else iso(begins)


def shown(row: Row) -> dict[str, Json]:
    """A sum as people and machines read it, in dollars."""
    sums = dict(zip(FIGURES, row, strict=True))
    before, saved = sums["before"], sums["before"] - sums["after"]
    return dict(zip(COLUMNS, (
        sums["requests"], before, sums["after"], saved, round(100 * saved / before, 2) if before else 0.0, sums["input"], sums["output"],
        sums["read"], sums["written"], sums["spent"] / NANO, sums["saved"] / NANO, sums["failed"], sums["cached"], sums["unpriced"],
        sums["estimated"], sums["busts"], sums["lost"],
    ), strict=True))


def iso(at: int) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _periods(db: sqlite3.Connection, series: Series, window: Window, dimension: Dimension) -> Mapping[tuple[int, str], Row]:
    stored = "hourly" if series == "hourly" else "daily"
    rows: Iterable[tuple[int | str, ...]] = db.execute(
        f"SELECT start, name, {', '.join(FIGURES)} FROM rollups WHERE series = ? AND dimension = ? AND start >= ? AND start < ?",
        (stored, dimension, window.since, window.until),
    )
    sums: dict[tuple[int, str], Row] = {}
    for begins, name, *figures in rows:
        key = (start(series, int(begins)), str(name))
        sums[key] = added(sums.get(key, NONE), tuple(map(int, figures)))
    return sums
