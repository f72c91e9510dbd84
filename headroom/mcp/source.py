"""Originals and statistics for the MCP tools: from the running proxy, and originals also from the state beside it."""

from __future__ import annotations

from collections.abc import Mapping

import anyio.to_thread

from headroom.conversation import Json
from headroom.errors import OurError
from headroom.patterns import How
from headroom.proxy.ask import Running
from headroom.stores.base import Space, Store

TENANT = "mcp"
"""Owner of what an agent had us shorten. Tenants of the proxy are 32 hex digits, so none is called so."""


class LocalSource:
    """`store` is the state that the proxy writes too, or memory, which then keeps our own originals only."""

    def __init__(self, proxy: Running, store: Store, space: Space) -> None:
        self._proxy, self._store, self._space = proxy, store, space

    async def original(self, key: str, how: How) -> str | None:
        """A proxy that cannot say is passed over, and named if the state has no answer either. Raises OurError."""
        failure = None
        try:
            text = await anyio.to_thread.run_sync(self._proxy.original, key, how)
        except OurError as error:
            text, failure = None, error
        if text is not None:
            return text
        row = (await self._store.get(self._space, None, [key])).get(key)
        if row is None and failure is not None:
            raise OurError(f"no original under this key in the state on this machine, and {failure.message}")
        return None if row is None else row.decode("utf-8", "surrogatepass")

    async def keep(self, originals: Mapping[str, str]) -> None:
        """Raises StoreError."""
        await self._store.put(self._space, TENANT, {key: text.encode("utf-8", "surrogatepass") for key, text in originals.items()})

    async def stats(self) -> Mapping[str, Json]:
        """Raises OurError."""
        return await anyio.to_thread.run_sync(self._proxy.stats)
