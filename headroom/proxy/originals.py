"""Originals of shortened texts: kept under the caller's tenant, given back to it alone."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping

from headroom.errors import StoreError
from headroom.http.message import Request
from headroom.layers.guard import Door
from headroom.proxy.tenants import identity, tenant
from headroom.stores.base import Size, Space, Store

SECRETS = Space("secrets", ttl=float("inf"), max_bytes=1 << 20)
NAME = "tenant-key"


class Originals:
    """`open_to_local`: the proxy is bound to loopback, so its owner may read all rows without a credential."""

    def __init__(self, store: Store, space: Space, door: Door, random: Callable[[int], bytes], *, open_to_local: bool) -> None:
        self._store, self._space, self._door = store, space, door
        self._random, self._open_to_local = random, open_to_local
        self._secret: bytes | None = None
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
