"""Sums of entries by time and by what they have in common: sums over sums, so order and splits do not matter.

Hours and days are summed as entries come; weeks and months are sums of days. All begin in UTC, weeks on Monday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from operator import add
from typing import Literal, TypeVar

from headroom.ledger.entry import Entry

Series = Literal["hourly", "daily", "weekly", "monthly"]
SERIES: tuple[Series, ...] = ("hourly", "daily", "weekly", "monthly")

HOUR, DAY, WEEK = 3600, 86400, 7 * 86400
"""Seconds."""

MONDAY = 4 * DAY
"""The first one since the epoch, which was a Thursday."""

K = TypeVar("K")

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
    """What these entries add to each sum. Most of a group share their hour and their names, so those are summed first."""
    alike: dict[tuple[int, str, str, str, str], Row] = {}
    tools: dict[tuple[int, str], Row] = {}
    for entry in entries:
        hour = entry.ts // 1_000_000 // HOUR * HOUR
        _add(alike, (hour, entry.model, entry.provider, entry.project, entry.client), figures(entry))
        for tool in entry.tools:
            _add(tools, (hour, tool.tool), (1, tool.before, tool.after, tool.saved))
    sums: dict[Key, Row] = {}
    for (hour, *names), row in alike.items():
        # By tool, under no name: all that is no output of a tool, or was sent before, or nobody can attribute.
        for dimension, name in (("all", ""), ("tool", ""), *zip(("model", "provider", "project", "client"), names, strict=True)):
            _spread(sums, hour, dimension, name, row)
    for (hour, tool_), (requests, before, after, saved) in tools.items():
        own = {"requests": requests, "before": before, "after": after, "saved": saved}
        _spread(sums, hour, "tool", tool_, tuple(own.get(figure, 0) for figure in FIGURES))
        _spread(sums, hour, "tool", "", tuple(0 if figure == "requests" else -own.get(figure, 0) for figure in FIGURES))
    return sums


def added(one: Row, other: Row) -> Row:
    return tuple(map(add, one, other))


def _add(sums: dict[K, Row], key: K, row: Row) -> None:
    held = sums.get(key)
    sums[key] = row if held is None else added(held, row)


def _spread(sums: dict[Key, Row], hour: int, dimension: str, name: str, row: Row) -> None:
    _add(sums, ("hourly", hour, dimension, name), row)
    _add(sums, ("daily", hour // DAY * DAY, dimension, name), row)
