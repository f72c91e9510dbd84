"""The response cache as this process has it: how much room it has, and what it tells of itself."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from headroom.conversation import Json
from headroom.errors import Busy, StoreError
from headroom.http.message import Handler
from headroom.layers.cache import Around, Cache, bypassed
from headroom.proxy.account import Account
from headroom.proxy.intake import Intake
from headroom.stores import open_answers
from headroom.stores.answers import MemoryAnswers, Room, Told
from headroom.stores.base import Size, Store

HITS, MISSES, ENTRIES, BYTES = (f"headroom_cache_{name}" for name in ("hits_total", "misses_total", "entries", "bytes"))

PURPOSE = "answers"
"""Of the key of the hashes under which answers lie."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What those have together who answer the same clients."""

    store: Store
    secret: Callable[[str], Awaitable[bytes]]
    """One of the state, for a purpose. Raises StoreError."""
    told: Told
    processes: int = 1


class Answering:
    """A Layer around the data routes. Without room it keeps nothing and says so."""

    def __init__(self, room: Room | None, max_body: int, account: Account, shared: Shared) -> None:
        self._account, self._shared, self._own = account, shared, secrets.token_bytes(32)
        self._common = None if room is None else open_answers(shared.store, room, time.monotonic)
        self._cache: Cache | None = None
        if room is not None:
            alone = MemoryAnswers(share(room, shared.processes), time.monotonic, self._changed, shared.told)
            around = Around(Intake(max_body).read, time.monotonic, self._secret, account.mishap, late=self._common is not None)
            self._cache = Cache(self._common or alone, room.max_bytes // shared.processes, around)

    def __call__(self, inner: Handler) -> Handler:
        return bypassed(inner) if self._cache is None else self._cache(inner)

    def _changed(self, size: Size) -> None:
        self._account.metrics.set(ENTRIES, size.entries)
        self._account.metrics.set(BYTES, size.bytes)

    async def _secret(self) -> bytes:
        """Of this process alone as long as that of all cannot be read: answers are not found elsewhere then."""
        if self._common is None:
            return self._own
        try:
            return await self._shared.secret(PURPOSE)
        except StoreError:
            return self._own

    def counted(self) -> Mapping[str, int]:
        """By the metric that shows it."""
        hits, misses = (0, 0) if self._cache is None else (self._cache.hits, self._cache.misses)
        return {HITS: hits, MISSES: misses}

    async def gauges(self) -> Mapping[str, float]:
        """By the metric that shows it, where no process has its own; nothing while they cannot be read."""
        if self._common is None:
            return {}
        try:
            size = await self._common.size()
        except StoreError:
            return {}
        return {ENTRIES: size.entries, BYTES: size.bytes}

    async def stats(self, counted: Mapping[str, int], gauge: Callable[[str], float]) -> Json:
        """For /stats, of all processes; of all nodes, what they keep together: null while that cannot be read."""
        held = {name: gauge(name) for name in (ENTRIES, BYTES)} if self._common is None else await self.gauges()
        entries, size = (int(held[name]) if name in held else None for name in (ENTRIES, BYTES))
        return {"entries": entries, "bytes": size, "hits": counted[HITS], "misses": counted[MISSES]}

    async def clear(self) -> None:
        """For all who share them, before the next request is answered."""
        if self._cache is None:
            return
        try:
            await self._cache.clear()
        except StoreError as error:
            raise Busy(f"the answers cannot be reached now, and none was forgotten: {error.message}", retry_after=1) from None


def share(room: Room, processes: int) -> Room:
    """What each of so many processes may keep, so that all of them keep to what was asked for."""
    return Room(max(room.max_entries // processes, 1), room.max_bytes // processes, room.ttl)
