"""Sums of entries by time and by what they have in common: sums over sums, so order and splits do not matter.

Hours and days are summed as entries come; weeks and months are sums of days. All begin in UTC, weeks on Monday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Literal

from headroom.ledger.entry import Entry

Series = Literal["hourly", "daily", "weekly", "monthly"]
SERIES: tuple[Series, ...] = ("hourly", "daily", "weekly", "monthly")

HOUR, DAY, WEEK = 3600, 86400, 7 * 86400
"""Seconds."""

MONDAY = 4 * DAY
"""The first one since the epoch, which was a Thursday."""

Dimension = Literal["all", "model", "provider", "tool", "project", "client"]
DIMENSIONS: tuple[Dimension, ...] = ("all", "model", "provider", "tool", "project", "client")
"""Each sums to the same, but for the number of requests by tool: a request can have outputs of several."""

FIGURES = (
    "requests", "failed", "cached", "before", "after", "input", "output", "read", "written", "busts", "lost", "spent", "saved",
    "unpriced", "estimated",
)
"""What is summed up. Tokens; money in billionths of a dollar; the rest are numbers of exchanges."""

Key = tuple[str, int, str, str]
"""Series (hourly or daily), start in seconds since the epoch, dimension, name."""
Row = tuple[int, ...]
"""In the order of FIGURES."""


def start(series: Series, at: float) -> int:
    """Of the period in which a moment lies; both in seconds since the epoch."""
    if series == "monthly":
        when = datetime.fromtimestamp(at, timezone.utc)
        return int(datetime(when.year, when.month, 1, tzinfo=timezone.utc).timestamp())
    length, offset = {"hourly": (HOUR, 0), "daily": (DAY, 0), "weekly": (WEEK, MONDAY)}[series]
    return int((at - offset) // length * length + offset)


def figures(entry: Entry) -> Row:
    """Of one exchange."""
    bust = entry.cause == "bust"
    return (
        1, int(entry.failed), int(entry.cache == "hit"), entry.before, entry.after, entry.input, entry.output, entry.read,
        entry.written, int(bust), entry.lost, entry.spent, entry.saved, int(entry.unpriced), int(entry.estimated),
    )


def rolled(entries: Iterable[Entry]) -> Mapping[Key, Row]:
    """What these entries add to each sum."""
    sums: dict[Key, Row] = {}
    for entry in entries:
        parts = list(_parts(entry))
        seconds = entry.ts // 1_000_000
        for series in ("hourly", "daily"):
            begins = start(series, seconds)
            for dimension, name, row in parts:
                key = (series, begins, dimension, name)
                held = sums.get(key)
                sums[key] = row if held is None else added(held, row)
    return sums


def added(one: Row, other: Row) -> Row:
    return tuple(map(int.__add__, one, other))


def _parts(entry: Entry) -> Iterable[tuple[Dimension, str, Row]]:
    whole = figures(entry)
    yield "all", "", whole
    yield "model", entry.model, whole
    yield "provider", entry.provider, whole
    yield "project", entry.project, whole
    yield "client", entry.client, whole
    rest = dict(zip(FIGURES, whole, strict=True))
    for tool in entry.tools:
        own = {"requests": 1, "before": tool.before, "after": tool.after, "saved": tool.saved}
        yield "tool", tool.tool, tuple(own.get(figure, 0) for figure in FIGURES)
        for figure in ("before", "after", "saved"):
            rest[figure] -= own[figure]
    # Under no name: all that is no output of a tool, or was sent before, or nobody can attribute.
    yield "tool", "", tuple(rest.values())
