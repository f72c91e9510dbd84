"""Whether it pays to rewrite what was already sent: the one place where the prompt cache is weighed against tokens.

An edit makes all that stands behind it be written to the cache again instead of being read from it; in return the tokens
it removes are not paid for on any later turn.

    30,000 of 100,000 tokens removed, 70,000 behind the edit, writes at 1.25, reads at 0.1 of the price: 27 turns to pay
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

MARGIN = 1.0
"""Share of what a rewrite costs that must be gained beyond it, as how many turns will follow is a guess. With 0.25, sessions
that end anywhere between their first and hundredth turn lost 1 to 2 % on average where little had had its day; with 1 most gain,
and the worst end costs half (bench/bench_fit.py)."""

FIRST_TURN = 8
"""Turns before which no edit is thought of: fewer are expected than any edit of a cached conversation takes to pay."""

MOST_TURNS = 50
"""Turns expected at most, however long the conversation has been."""


class Rates(Protocol):
    """Prices of a token of input, all in one unit; see prices.Rates."""

    @property
    def input(self) -> float: ...
    @property
    def read(self) -> float: ...
    @property
    def write_short(self) -> float: ...
    @property
    def write_long(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Rewrite:
    """An edit of the past, in tokens."""

    removed: int
    after: int
    """What stays behind the place of the edit, and has to be written again."""
    before: int = 0
    cached: int | None = None
    """How much of the last request the provider reported as read from its cache; None: unknown, so all of it may be."""
    turns: int = 1
    """Requests still to be expected, with this one."""
    bound: bool = False
    """Reasoning that is bound to the prefix follows the edit, and would be lost or refused."""
    long: bool = False
    """The client has its cache written for the long lifetime, which costs more."""


def worth_it(rewrite: Rewrite, rates: Rates | None, without: Rates | None = None) -> bool:
    """Whether the gain is larger than the cost, with a margin. Never on unknown prices or where reasoning would be lost.

    `without`: the prices without the edit, where those are others: a conversation that crosses a tier.
    """
    if rates is None or rewrite.bound or rewrite.removed <= 0:
        return False
    return gain(rewrite, rates, without) > MARGIN * cost(rewrite, rates)


def gain(rewrite: Rewrite, rates: Rates, without: Rates | None = None) -> float:
    """What all the turns to come cost less with the edit."""
    old = without or rates
    whole = rewrite.before + rewrite.removed + rewrite.after
    warm = whole if rewrite.cached is None else min(rewrite.cached, whole)
    kept = min(warm, rewrite.before)
    first = warm * old.read + (whole - warm) * write_of(old, long=rewrite.long)
    first -= kept * rates.read + (rewrite.before - kept + rewrite.after) * write_of(rates, long=rewrite.long)
    later = whole * old.read - (whole - rewrite.removed) * rates.read
    return first + (rewrite.turns - 1) * later


def cost(rewrite: Rewrite, rates: Rates) -> float:
    """What is written again although it was cached."""
    return _warm(rewrite) * (write_of(rates, long=rewrite.long) - rates.read)


def best(rewrites: Mapping[int, Rewrite], rates: Rates | None) -> int | None:
    """Which of several edits gains most, the margin paid; None if none is worth it. Of equal ones the later, which rewrites less."""
    worthy = {at: each for at, each in rewrites.items() if worth_it(each, rates)}
    if rates is None or not worthy:
        return None
    return max(worthy, key=lambda at: (gain(worthy[at], rates) - MARGIN * cost(worthy[at], rates), at))


def considered(turns: int) -> bool:
    """Whether an edit of a cached conversation is thought of after so many turns: seldom, and ever more so, as each makes
    much be written anew, and the next one would make it be written again. 8, 12, 18, 27, 40, …"""
    at = FIRST_TURN
    while at < turns:
        at += at // 2
    return at == turns


def break_even(rewrite: Rewrite, rates: Rates) -> float:
    """Turns after which an edit of a cached conversation has paid."""
    per_turn = rewrite.removed * rates.read
    now = gain(replace(rewrite, turns=1), rates)
    return max(1.0, 1 - now / per_turn) if per_turn else float("inf")


def expected(turns: int) -> int:
    """Turns still to come after so many: as many again, which is how long things last of which only the age is known."""
    return max(1, min(turns, MOST_TURNS))


def write_of(rates: Rates, *, long: bool = False) -> float:
    """Where writing to the cache has no price of its own, it costs what input costs."""
    return (rates.write_long if long else rates.write_short) or rates.input


def _warm(rewrite: Rewrite) -> float:
    """Of what stays behind the edit, how much is cached; what is cached ends somewhere between it and what is removed."""
    behind = rewrite.removed + rewrite.after
    if rewrite.cached is None or not behind:
        return rewrite.after
    return rewrite.after * min(1.0, max(0, rewrite.cached - rewrite.before) / behind)
