"""The response cache as this process has it: how much room it has, and what it tells of itself."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from headroom.conversation import Json
from headroom.http.message import Handler
from headroom.layers.cache import Around, Cache, bypassed
from headroom.proxy.account import Account
from headroom.proxy.intake import Intake
from headroom.stores.answers import MemoryAnswers, Room
from headroom.stores.base import Size

HITS, MISSES, ENTRIES, BYTES = (f"headroom_cache_{name}" for name in ("hits_total", "misses_total", "entries", "bytes"))


@dataclass(frozen=True, slots=True)
class Told:
    """How those who share our clients hear that all answers are to be forgotten."""

    clear: Callable[[], None]
    cleared: Callable[[], Hashable]
    """Another value each time after that was said."""


class Answering:
    """A Layer around the data routes. Without room it keeps nothing and says so."""

    def __init__(self, room: Room | None, max_body: int, account: Account, told: Told) -> None:
        self._account, self._told = account, told
        self._cache: Cache | None = None
        if room is not None:
            around = Around(Intake(max_body).read, time.monotonic, secrets.token_bytes(32), account.mishap, told.cleared)
            self._cache = Cache(MemoryAnswers(room, time.monotonic, self._changed), room.max_bytes, around)

    def __call__(self, inner: Handler) -> Handler:
        return bypassed(inner) if self._cache is None else self._cache(inner)

    def _changed(self, size: Size) -> None:
        self._account.metrics.set(ENTRIES, size.entries)
        self._account.metrics.set(BYTES, size.bytes)

    def counted(self) -> Mapping[str, int]:
        """By the metric that shows it."""
        hits, misses = (0, 0) if self._cache is None else (self._cache.hits, self._cache.misses)
        return {HITS: hits, MISSES: misses}

    async def clear(self) -> None:
        """Here at once; elsewhere before the next request is answered."""
        self._told.clear()
        if self._cache is not None:
            await self._cache.clear()


def cache_stats(counted: Mapping[str, int], gauge: Callable[[str], float]) -> Json:
    """For /stats, of all processes."""
    return {"entries": int(gauge(ENTRIES)), "bytes": int(gauge(BYTES)), "hits": counted[HITS], "misses": counted[MISSES]}


def share(room: Room, processes: int) -> Room:
    """What each of so many processes may keep, so that all of them keep to what was asked for."""
    return Room(max(room.max_entries // processes, 1), room.max_bytes // processes, room.ttl)
