"""Originals of shortened texts: kept under the caller's tenant, given back to it alone."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping

from headroom import ccr
from headroom.errors import StoreError
from headroom.http.message import Request
from headroom.layers.guard import Door
from headroom.lru import LRU
from headroom.proxy.tenants import identity, tenant
from headroom.stores.base import Size, Space, Store

SECRETS = Space("secrets", ttl=float("inf"), max_bytes=1 << 20)
NAME = "tenant-key"

KEPT, KEPT_ROW = 4 << 20, 400
"""Room for what is remembered to be stored, and what one takes: two short strings, a tuple, a dict entry."""

REFRESH = 1 / 16
"""Part of an original's life for which it is taken for granted: what is still shown is then stored again, and lives on."""


class Originals:
    """`open_to_local`: the proxy is bound to loopback, so its owner may read all rows without a credential."""

    def __init__(
        self, store: Store, space: Space, door: Door, random: Callable[[int], bytes], now: Callable[[], float], *, open_to_local: bool,
    ) -> None:
        self._store, self._space, self._door, self._now = store, space, door, now
        self._random, self._open_to_local = random, open_to_local
        self._secret: bytes | None = None
        self._kept = LRU[tuple[str, str], bool](KEPT, lambda name, there: KEPT_ROW, space.ttl * REFRESH, slides=False)
        self.stored = self.retrieved = self.missed = 0

    async def prepare(self) -> None:
        """Make the key of the tenants' hashes, or read it. Raises StoreError."""
        await self._key()

    async def owner(self, request: Request) -> str:
        """The tenant under which what a request brings is kept. Raises StoreError."""
        return tenant(identity(request, self._door.has_token(request)), await self._key())

    async def secret(self, purpose: str) -> bytes:
        """A key for other hashes, the same for every process on this state. Raises StoreError."""
        return hmac.digest(await self._key(), purpose.encode(), "sha256")

    async def restore(self) -> None:
        """Write the key down again, in case the store has lost it. Raises StoreError."""
        if self._secret is not None:
            self._secret = (await self._store.add(SECRETS, "", {NAME: self._secret}))[NAME]

    async def keep(self, request: Request, originals: Mapping[str, str]) -> None:
        """CCR key → text. Raises StoreError."""
        owner = request.draft.tenant = await self.owner(request)
        rows = {key: text.encode("utf-8", "surrogatepass") for key, text in originals.items()}
        await self._store.put(self._space, owner, rows)
        self.stored += len(rows)
        for key in rows:
            self._kept.put((owner, key), True, self._now())

    async def unkept(self, request: Request, texts: Mapping[str, str]) -> Mapping[str, str]:
        """Those of `texts`, by the keys in their markers, that this process has not stored for the caller. Whoever says what another
        tenant has said, or comes with a new credential, gets the form on record, and its original may be there for the other only.
        Raises StoreError."""
        owner = await self.owner(request)
        new = {key: text for key, text in texts.items() if self._kept.get((owner, key), self._now()) is None}
        # A marker may stand in a text that was quoted; under its key belongs what has this key.
        return {key: text for key, text in new.items() if ccr.key_of(text) == key}

    async def find(self, request: Request, key: str) -> str | None:
        """The caller's original. Raises StoreError."""
        owner = await self.reader(request)
        row = (await self._store.get(self._space, owner, [key])).get(key)
        if row is None:
            self.missed += 1
            return None
        self.retrieved += 1
        return row.decode("utf-8", "surrogatepass")

    async def reader(self, request: Request) -> str | None:
        """The tenant whose rows the caller may read; None: every tenant's. Raises StoreError."""
        name = identity(request, self._door.has_token(request))
        if not name and self._open_to_local and self._door.is_local(request):
            return None
        return tenant(name, await self._key())

    async def size(self) -> Size | None:
        """None if the store cannot tell."""
        try:
            return await self._store.size(self._space)
        except StoreError:
            return None

    async def _key(self) -> bytes:
        """The key of the tenants' hashes: random, made once, the same for every process on this state."""
        if self._secret is None:
            self._secret = (await self._store.add(SECRETS, "", {NAME: self._random(32)}))[NAME]
        return self._secret
