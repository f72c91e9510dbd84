"""Counters in this process alone; what was spent is forgotten when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from headroom.bucket import Bucket, Rate, Taken, full, micros, refilled, take
from headroom.budget import Window
from headroom.lru import LRU
from headroom.stores.counters import KEPT, NOTHING, UNRESERVED, Balance, Cap, Reserved

BUCKETS = 10_000
"""Most buckets, some 3 MB; the one unused for longest goes first. After a minute or so it would be full again anyway."""


@dataclass(frozen=True, slots=True)
class _Reservation:
    amount: int
    until: float
    due: bool = False
    """Nobody settled it in time, so its amount counts as spent, in the slot."""
    slot: int = 0


@dataclass(slots=True)
class _Account:
    slot: int = 0
    limit: int | None = None
    spent: dict[int, int] = field(default_factory=dict)
    reservations: dict[str, _Reservation] = field(default_factory=dict)

    def advance(self, window: Window) -> int:
        """The current slot; never one before."""
        self.slot = max(self.slot, window.slot)
        for slot in [slot for slot in self.spent if slot <= self.slot - window.span]:
            del self.spent[slot]
        return self.slot

    def spend(self, slot: int, amount: int) -> None:
        self.spent[slot] = self.spent.get(slot, 0) + amount

    def settle(self, paid: Mapping[str, int], slot: int) -> None:
        for id, amount in paid.items():
            known = self.reservations.pop(id, None)
            if known is not None and known.due:
                self.spend(known.slot, amount - known.amount)
            elif known is not None or id == UNRESERVED:
                self.spend(slot, amount)

    def expire(self, now: float) -> None:
        for id, held in [(id, held) for id, held in self.reservations.items() if held.until < now]:
            if held.due:
                del self.reservations[id]
            else:
                self.spend(self.slot, held.amount)
                self.reservations[id] = replace(held, due=True, until=now + KEPT, slot=self.slot)

    def balance(self, window: Window) -> Balance:
        slot = max(self.slot, window.slot)
        counted = {at: amount for at, amount in self.spent.items() if at > slot - window.span}
        reserved = sum(held.amount for held in self.reservations.values() if not held.due)
        return Balance(sum(counted.values()), reserved, slot, min((at for at, n in counted.items() if n > 0), default=None), self.limit)


class MemoryCounters:
    """Every method is done before it gives way, so the event loop makes each of them atomic. `now` in seconds."""

    def __init__(self, now: Callable[[], float], most: int = BUCKETS) -> None:
        self._now = now
        self._buckets: LRU[str, tuple[Bucket, Rate]] = LRU(most, lambda key, value: 1)
        self._accounts: dict[str, _Account] = {}

    async def take(self, key: str, rate: Rate, amount: int, *, owe: bool = False) -> Taken:
        now = micros(self._now())
        found = self._buckets.get(key)
        bucket, taken = take(full(rate, now) if found is None else found[0], rate, amount, now, owe=owe)
        if taken.granted:  # a refusal changes nothing: the same comes of the same bucket later
            self._buckets.put(key, (bucket, rate))
        return taken

    async def active(self, prefix: str) -> int:
        now = micros(self._now())
        # Each is read and so moved to the end, which leaves their order as it was but for those of other prefixes.
        held = [found for key in list(self._buckets) if key.startswith(prefix) and (found := self._buckets.get(key)) is not None]
        return sum(refilled(bucket, rate, now).level < full(rate, now).level for bucket, rate in held)

    async def reserve(self, account: str, id: str, amount: int, cap: Cap, paid: Mapping[str, int] = NOTHING) -> Reserved:
        held, now = self._accounts.setdefault(account, _Account()), self._now()
        held.limit = cap.limit
        held.settle(paid, held.advance(cap.window))
        held.expire(now)
        balance = held.balance(cap.window)
        if id in held.reservations:
            return Reserved(True, balance)
        if balance.spent + balance.reserved + amount > cap.limit:
            return Reserved(False, balance)
        held.reservations[id] = _Reservation(amount, now + cap.lives)
        return Reserved(True, replace(balance, reserved=balance.reserved + amount))

    async def settle(self, account: str, paid: Mapping[str, int], window: Window) -> None:
        held = self._accounts.setdefault(account, _Account())
        held.settle(paid, held.advance(window))

    async def balance(self, account: str, window: Window) -> Balance:
        return self._accounts.get(account, _Account()).balance(window)

    async def reset(self, account: str) -> None:
        held = self._accounts.get(account, _Account())
        held.slot = 0
        held.spent.clear()
        held.reservations = {id: one for id, one in held.reservations.items() if not one.due}
