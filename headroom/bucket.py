"""A token bucket: how much may pass a minute, and how much at once; the time is an argument.

All in whole numbers, so that refilling a bucket in many small steps gives what one step would. They stay below 2⁵³ for
up to 150 million a minute, so a store that counts in doubles (Lua in Redis) comes to the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass

MICROS = 1_000_000
"""In a second: times are kept in microseconds."""

UNIT = 60 * MICROS
"""Parts of one token. At n tokens a minute, n parts flow in each microsecond."""


@dataclass(frozen=True, slots=True)
class Rate:
    per_minute: int
    burst: int
    """Tokens in a full bucket."""


@dataclass(frozen=True, slots=True)
class Bucket:
    level: int
    """In parts of a token; below zero where more was used than had been asked for."""
    at: int
    """Microseconds: when `level` was right."""


@dataclass(frozen=True, slots=True)
class Taken:
    granted: bool
    wait: float
    """Seconds until the same could be taken; 0 where it was."""
    left: int
    """Whole tokens in the bucket now."""
    full_in: float
    """Seconds until the bucket is full."""


def micros(seconds: float) -> int:
    return int(seconds * MICROS)


def full(rate: Rate, now: int) -> Bucket:
    return Bucket(rate.burst * UNIT, now)


def refilled(bucket: Bucket, rate: Rate, now: int) -> Bucket:
    """A clock that went back grants nothing, and flow goes on from there: to wait until it has caught up could take days."""
    elapsed = max(now - bucket.at, 0)
    return Bucket(min(bucket.level + elapsed * rate.per_minute, rate.burst * UNIT), now)


def take(bucket: Bucket, rate: Rate, amount: int, now: int, *, owe: bool = False) -> tuple[Bucket, Taken]:
    """Take `amount` tokens, or nothing. `owe`: take them in any case, below zero too; a negative amount gives back.

    What is more than a full bucket takes a full one: it could never pass otherwise. The rest may be owed afterwards.
    """
    held = refilled(bucket, rate, now)
    wanted = amount * UNIT if owe else min(amount, rate.burst) * UNIT
    if owe or held.level >= wanted:
        held = Bucket(min(held.level - wanted, rate.burst * UNIT), held.at)
        return held, Taken(True, 0.0, *_told(held, rate))
    return held, Taken(False, _seconds(wanted - held.level, rate), *_told(held, rate))


def _told(bucket: Bucket, rate: Rate) -> tuple[int, float]:
    return max(bucket.level // UNIT, 0), _seconds(rate.burst * UNIT - bucket.level, rate)


def _seconds(parts: int, rate: Rate) -> float:
    """Until so many parts have flowed in, rounded up to the microsecond."""
    return -(-parts // rate.per_minute) / MICROS
