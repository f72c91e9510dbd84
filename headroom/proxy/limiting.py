"""What limits the proxy has, one behind the other, and what they have to say of themselves."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from headroom.conversation import Json
from headroom.errors import StoreError
from headroom.http.message import Handler, Request
from headroom.layers.budget import Budget, Outside, Terms
from headroom.layers.guard import Door
from headroom.layers.limit import Limit
from headroom.proxy.tenants import identity, tenant
from headroom.stores import is_remote
from headroom.stores.counters import Counters
from headroom.stores.counters_memory import MemoryCounters

UNPRICED = "headroom_budget_unpriced_requests_total"

Owner = Callable[[Request], Awaitable[str]]
"""The tenant of a request."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator wants; 0 and None are no limit."""

    rpm: int
    tpm: int
    budget: Terms | None

    def share(self, processes: int) -> Allowed:
        """What each of so many processes may that cannot count together."""
        if processes == 1:
            return self
        rpm, tpm = (max(n // processes, 1) if n else 0 for n in (self.rpm, self.tpm))
        return Allowed(rpm, tpm, None if self.budget is None else replace(self.budget, usd=self.budget.usd / processes))


@dataclass(frozen=True, slots=True)
class Company:
    """Who else serves beside this process."""

    shared: bool
    """They all count in the store."""
    processes: int = 1
    """How many there are that count for themselves."""


def company(url: str, workers: int, environ: Mapping[str, str]) -> Company:
    """By where state is. A process that is alone with its file counts requests for itself: no bucket has to outlive it."""
    if url == "memory:":
        return Company(False, workers)
    many = workers > 1 or environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/")
    return Company(is_remote(url) or many)


def limits(allowed: Allowed, who: Owner, counters: Counters, beside: Company, outside: Outside) -> Limits:
    """`counters` are those of the state, where what was spent is counted in any case."""
    allowed, limit, budget = allowed.share(beside.processes), None, None
    if allowed.rpm or allowed.tpm:
        own = MemoryCounters(time.monotonic)
        limit = Limit(allowed.rpm, allowed.tpm, who, own, counters if beside.shared else None, outside.mishap)
    if allowed.budget is not None:
        budget = Budget(allowed.budget, counters, outside)
    return Limits(limit, budget, beside.processes)


class Limits:
    """A Layer. `shares`: into how many the limits are divided, of which this process has one."""

    def __init__(self, limit: Limit | None, budget: Budget | None, shares: int = 1) -> None:
        self._limit, self._budget = limit, budget
        self._told = {"one_of_shares": shares} if shares > 1 else {}

    def __call__(self, inner: Handler) -> Handler:
        if self._budget is not None:
            inner = self._budget(inner)
        return inner if self._limit is None else self._limit(inner)

    async def keep_writing(self) -> None:
        """What was spent; until cancelled, or for nothing if there is no budget."""
        if self._budget is not None:
            await self._budget.keep_writing()

    async def rate_limit(self) -> Json:
        """For /stats."""
        return {"rpm": 0, "tpm": 0, "active_keys": 0} if self._limit is None else {**await self._limit.stats(), **self._told}

    async def budget(self, counted: Mapping[str, int]) -> Json:
        """For /stats, among the costs; None if there is no budget. `counted` by all processes."""
        return None if self._budget is None else {**await self._budget.stats(), "unpriced_requests": counted[UNPRICED], **self._told}

    def counted(self) -> Mapping[str, int]:
        """What this process has counted, by the metric that shows it."""
        return {} if self._budget is None else {UNPRICED: self._budget.unpriced}

    async def gauges(self) -> Mapping[str, float]:
        """For /metrics, by name."""
        values = {"headroom_rate_limit_active_keys": (await self.rate_limit())["active_keys"]}
        if self._budget is not None:
            budget = await self._budget.stats()
            for name in ("limit", "spent", "reserved"):
                if budget[name] is not None:
                    values[f"headroom_budget_{name}_usd"] = budget[name]
        return values

    async def aclose(self) -> None:
        """Write what is still owed; what cannot be written was counted when that first failed."""
        if self._budget is not None:
            with contextlib.suppress(StoreError):
                await self._budget.flush()


def owner(door: Door, stored: Owner) -> Owner:
    """`stored` names tenants by the key in the state; while that cannot be read, they have names in this process alone."""
    own = secrets.token_bytes(32)

    async def who(request: Request) -> str:
        try:
            return await stored(request)
        except StoreError:
            return tenant(identity(request, door.has_token(request)), own)

    return who
