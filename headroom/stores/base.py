"""Where originals and records of what was sent wait to be asked for.

One small protocol for memory, SQLite and Redis. Rows live in a `space` ("ccr", "sent"), belong to
a `tenant` and have a time to live that slides each time they are read. Values are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Space:
    """A kind of rows and how long and how many of them are kept."""

    name: str
    ttl: float
    """Seconds since the last read or write."""
    max_bytes: int
    """Keys and values together; the rows unused for longest go first."""


@dataclass(frozen=True, slots=True)
class Size:
    entries: int
    bytes: int


class Store(Protocol):
    """Every method raises errors.StoreError, and nothing else, when the state cannot be read or written."""

    async def put(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> None:
        """Write rows, replacing what stood there."""
        ...

    async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Write rows that do not exist yet, in one atomic step; answer what stands there now, for every key."""
        ...

    async def get(self, space: Space, tenant: str | None, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The rows that exist, and their lives begin anew. `tenant` None reads every tenant's rows."""
        ...

    async def size(self, space: Space) -> Size: ...

    async def aclose(self) -> None: ...
