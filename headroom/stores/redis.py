"""A store in Redis, for proxies on many machines: any of them may serve any turn of a conversation.

One Redis (a primary with replicas, or what a provider calls so), version 6.2 or later, not a Cluster: a script spans all
rows of a space. The budgets of the spaces are kept as in a file; Redis's own maxmemory should leave room for them and
be on `noeviction` or `volatile-lru`, since what Redis evicts by itself is lost to us like what expired. After an
outage or a restart rows are as Redis kept them, so persistence (appendonly) is worth having.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from headroom.stores.base import Size, Space
from headroom.stores.packing import packed, unpacked
from headroom.stores.redislink import Argument, Link
from headroom.stores.redisscripts import READ, SIZE, WRITE
from headroom.stores.redisurl import RedisURL

FORMAT = "1"
"""Part of every key: versions that keep rows in another way do not see each other's."""

ROOM = 8
"""When the budget is full, one part in so many is freed at once, so that most writes have nothing to evict."""

TOUCH = 16
"""A row's last use is written anew when one part in so many of its life is over: most reads then write nothing.
In exchange a row lives longer than promised by as much."""

GRACE_SECONDS = 3600.0
"""After this Redis deletes an expired row by itself, whatever our clocks say."""

KEYS_A_CALL = 500
"""Read in one step, during which Redis serves nobody else; some milliseconds."""


class Redis:
    """`now` in seconds since the epoch; the machines' clocks should agree to within minutes."""

    def __init__(self, url: RedisURL, link: Link, now: Callable[[], float]) -> None:
        self.prefix, self.link, self._now = url.prefix, link, now

    async def put(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> None:
        if rows:
            await self._write(space, tenant, rows, replace=True)

    async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
        if not rows:
            return {}
        stood = await self._write(space, tenant, rows, replace=False)
        return {key: rows[key] if value is None else unpacked(value) for key, value in zip(rows, stood, strict=True)}

    async def get(self, space: Space, tenant: str | None, keys: Sequence[str]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        owner = ("1", "") if tenant is None else ("0", tenant)
        for start in range(0, len(keys), KEYS_A_CALL):
            some = keys[start : start + KEYS_A_CALL]
            values = await self.link.run(READ, self._keys(space), [*self._times(space), *owner, *some])
            found.update((key, unpacked(value)) for key, value in zip(some, values, strict=True) if value is not None)
        return found

    async def size(self, space: Space) -> Size:
        entries, held = await self.link.run(SIZE, self._keys(space), self._times(space))
        return Size(int(entries), int(held))

    async def aclose(self) -> None:
        await self.link.aclose()

    async def _write(self, space: Space, tenant: str, rows: Mapping[str, bytes], *, replace: bool) -> Sequence[bytes | None]:
        arguments: list[Argument] = [
            *self._times(space), tenant, "1" if replace else "0", space.max_bytes, space.max_bytes - space.max_bytes // ROOM,
        ]
        for key, value in zip(rows, await packed(list(rows.values())), strict=True):
            arguments += (key, value)
        stood: Sequence[bytes | None] = await self.link.run(WRITE, self._keys(space), arguments)
        return stood

    def _keys(self, space: Space) -> Sequence[str]:
        """In braces what must stay on one node, should anybody put a proxy for Clusters in between."""
        base = f"{{{self.prefix}:{FORMAT}:{space.name}}}"
        return (f"{base}:used", f"{base}:bytes", f"{base}:row:")

    def _times(self, space: Space) -> Sequence[Argument]:
        """Now, the oldest use that still counts, the use from which it is written anew, and Redis's own expiry in ms."""
        now, share = self._now(), space.ttl / TOUCH
        life = 0 if math.isinf(space.ttl) else math.ceil((space.ttl + share + GRACE_SECONDS) * 1000)
        return (now, now - space.ttl - share, now - share, life)
