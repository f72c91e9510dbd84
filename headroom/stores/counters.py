"""Numbers that several processes count together: buckets of a rate limit, and what was spent of a budget.

Each method is one atomic step, with the clock of the store (a server's own, where there is one). A bucket need not
survive; what was spent must.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from headroom.bucket import Rate, Taken
from headroom.budget import Window

KEPT = 86_400.0
"""Seconds for which a reservation that was counted as spent can still be settled with what it really took."""

UNRESERVED = ""
"""An id for what was spent without a reservation. It counts each time."""

NOTHING: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Cap:
    """What an account may hold. Amounts are whole billionths of a dollar: sums of them are exact."""

    window: Window
    limit: int
    lives: float
    """Seconds after which a reservation that nobody settled counts as spent."""


@dataclass(frozen=True, slots=True)
class Balance:
    spent: int = 0
    """In the window."""
    reserved: int = 0
    """By what is in flight."""
    slot: int = 0
    """The current slot: the window's, or the latest that was ever spent in, if the clock has gone back since."""
    oldest: int | None = None
    """The first slot of the window in which anything was spent."""
    limit: int | None = None
    """Of the last reservation; None for an account that nobody has used."""


@dataclass(frozen=True, slots=True)
class Reserved:
    granted: bool
    balance: Balance
    """Afterwards."""


class Counters(Protocol):
    """Every method raises errors.StoreError, and nothing else, when the state cannot be read or written."""

    async def take(self, key: str, rate: Rate, amount: int, *, owe: bool = False) -> Taken:
        """See bucket.take. A bucket that nobody has used is full."""
        ...

    async def active(self, prefix: str) -> int:
        """How many buckets whose keys begin so are not full, give or take those that have filled since they were last used."""
        ...

    async def reserve(self, account: str, id: str, amount: int, cap: Cap, paid: Mapping[str, int] = NOTHING) -> Reserved:
        """Granted if what was spent, what is reserved and `amount` are at most the limit together.

        Does nothing for an `id` that has been granted before. `paid` is settled first, and what is due by now counted as
        spent; also if nothing is granted then.
        """
        ...

    async def settle(self, account: str, paid: Mapping[str, int], window: Window) -> None:
        """These amounts were really spent, by id, in place of what was reserved; also where that was counted as spent
        already. Does nothing for an id that is not there: it was settled before.
        """
        ...

    async def balance(self, account: str, window: Window) -> Balance: ...

    async def reset(self, account: str) -> None:
        """Forget what was spent, not what is in flight."""
        ...
