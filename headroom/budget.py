"""The periods of a budget and what an exchange takes from it; times, zones and prices are arguments.

An hour is rolling: the last 60 one-minute slots. A day and a month are one slot each, by the calendar of a time zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Literal

from headroom.conversation import Usage
from headroom.prices import Model

Period = Literal["hourly", "daily", "monthly"]
PERIODS: tuple[Period, ...] = ("hourly", "daily", "monthly")

NANO = 1_000_000_000
"""In a dollar: the cheapest token there is costs some tens of them."""

OUTPUT = 4096
"""Tokens of output that are reserved at most: agents ask for 32,000 and get some hundreds, and what is reserved nobody
else can spend. What an answer has beyond them is counted at its end."""

NAMED, TRIED = 8, 100
"""Names that are taken out of a body that nobody has read, and members called "model" that are looked at for them."""

_MODEL = b'"model"'
_NAME = re.compile(rb'"model"\s*:\s*"([^"\\]{1,200})"')
_ASKED = re.compile(rb'"max(?:_tokens|_completion_tokens|_output_tokens|OutputTokens)"\s*:\s*(\d{1,9})(?!\d)')
"""Quotes inside of texts are escaped, so only names of members look like this."""


@dataclass(frozen=True, slots=True)
class Window:
    """The slots that count at a time."""

    slot: int
    """The current one."""
    span: int
    """How many, the current one included."""


def window(period: Period, now: float, zone: tzinfo | None) -> Window:
    """`now` in seconds since the epoch; `zone` None is the machine's."""
    if period == "hourly":
        return Window(int(now // 60), 60)
    day = datetime.fromtimestamp(now, zone).date()
    return Window(day.toordinal() if period == "daily" else day.year * 12 + day.month - 1, 1)


def resets_at(period: Period, slot: int, oldest: int | None, zone: tzinfo | None) -> float:
    """When there is more to spend again: the oldest minute's spending falls out of the hour, or the next slot begins."""
    if period == "hourly":
        return 60.0 * ((slot if oldest is None else oldest) + 60)
    first = date.fromordinal(slot + 1) if period == "daily" else date((slot + 1) // 12, (slot + 1) % 12 + 1, 1)
    # A midnight that a zone skips stands for the moment after the gap (PEP 495), where that day begins.
    return datetime(first.year, first.month, first.day, tzinfo=zone).timestamp()


def moment(at: float, now: float, zone: tzinfo | None) -> str:
    """A time in words: "at 00:00 on Sunday, 22 November (in 3 hours 20 minutes)"."""
    when = datetime.fromtimestamp(at, zone).astimezone(zone)
    minutes = max(-int(-(at - now) // 60), 1)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    pieces = [_count(n, name) for n, name in ((days, "day"), (hours, "hour"), (rest, "minute")) if n]
    name = when.tzname() or ""
    spelled = f"{when:%H:%M}{' ' + name if name else ''} on {DAYS[when.weekday()]}, {when.day} {MONTHS[when.month - 1]}"
    return f"at {spelled} (in {' '.join(pieces[:2])})"


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
"""strftime would give them in the language of the machine."""


def _count(n: int, name: str) -> str:
    return f"{n} {name}{'s' if n != 1 else ''}"


def dollars(usd: float) -> str:
    """An amount in words; cents would hide what is smaller: most requests, and budgets that somebody tries out."""
    return f"${usd:,.2f}" if abs(usd) >= 1 or abs(usd * 100 - round(usd * 100)) < 1e-6 else f"${usd:,.4f}"


def nanos(usd: float) -> int:
    return round(usd * NANO)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request may take, estimated before it is sent."""

    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def asked(body: bytes, input_tokens: int) -> Asked:
    """`input_tokens` as estimated; where nobody has read the body, one for each four bytes of it."""
    limits = [int(found[1]) for found in _ASKED.finditer(body)] if b'"max' in body else []
    return Asked(input_tokens or len(body) // 4, min(max(limits), OUTPUT) if limits else OUTPUT)


def named(body: bytes) -> list[str]:
    """What a body that nobody could read may name as its model: it was too large, or names things twice."""
    names, at = list[str](), -1
    for _ in range(TRIED):
        at = body.find(_MODEL, at + 1)  # some ten times as fast as a regular expression
        if at < 0 or len(names) == NAMED:
            break
        if found := _NAME.match(body, at):
            names.append(found[1].decode("utf-8", "replace"))
    return names


def estimate(model: Model, request: Asked) -> int:
    """Billionths of a dollar, as if nothing of the input were cached. More than a window or the longest output nobody gets."""
    fresh, output = min(request.input_tokens, model.window), min(request.output_tokens, model.max_output)
    return nanos(model.cost(Usage(input_tokens=fresh, output_tokens=output)))


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back of an exchange that was sent."""

    status: int
    """0: nothing did."""
    usage: Usage
    whole: bool
    """The answer came to its end."""
    events: int
    """Of an event stream, as far as it came; 0 for an answer in one piece."""


def used(request: Asked, seen: Seen) -> Usage:
    """What it really took: what the provider says of it, else an estimate on the high side.

    Providers do not charge for errors. Without an answer the input may have been read. Of a stream that says nothing of
    its output, or broke before it did, each event has about one token; an answer in one piece has what was reserved.
    """
    said = seen.usage
    if seen.status >= 400:
        return Usage()
    if seen.status == 0:
        return Usage(input_tokens=request.input_tokens, output_tokens=0)
    read = any(n is not None for n in (said.input_tokens, said.cache_read_tokens, said.cache_write_tokens))
    output = said.output_tokens
    if read and output is not None and seen.whole:
        return said
    if output is None or not seen.whole:
        output = max(seen.events or request.output_tokens, output or 0)
    return replace(said, input_tokens=said.input_tokens if read else request.input_tokens, output_tokens=output)


def charge(model: Model, request: Asked, seen: Seen, *, long: bool) -> int:
    """What an exchange cost in billionths of a dollar, each of its rounds by itself: a tier of prices is one request's.

    `long`: the request wants something cached for the long lifetime. That holds for all that was written to the cache
    where the provider does not say how much of it.
    """
    usage = used(request, seen)
    rounds = usage.rounds or (usage,)
    known = sum(nanos(model.cost(one, long=long and one.cache_write_long_tokens is None)) for one in rounds)
    unsaid = max((usage.output_tokens or 0) - sum(one.output_tokens or 0 for one in rounds), 0)
    return known + nanos(model.cost(Usage(output_tokens=unsaid)))
