"""Where whole answers are kept, to be given again to whoever asks exactly the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Protocol

from headroom.conversation import Usage
from headroom.lru import LRU
from headroom.stores.base import Size

PER_CHUNK = 64
"""Bytes that Python needs for a chunk beside what is in it: the object and the place in a tuple."""

PER_ENTRY = 2048
"""Bytes for an answer's fields and the objects around it, about."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the record of an exchange says of the request, where nobody has read it again."""

    provider: str = ""
    dialect: str = ""
    model: str = ""
    stream: bool = False
    tokens_before: int = 0
    tokens_after: int = 0
    usage: Usage = field(default_factory=Usage)
    """What the provider counted when it answered."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole answer."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    chunks: tuple[bytes, ...]
    """As they came."""
    at: float
    """When it was complete; in seconds of the clock of whoever keeps it."""
    facts: Facts = field(default_factory=Facts)

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return PER_ENTRY + sum(map(len, self.chunks)) + PER_CHUNK * len(self.chunks)


class Answers(Protocol):
    """A key is a keyed hash of all that an answer depends on. Every method raises errors.StoreError and nothing else."""

    @property
    def era(self) -> Hashable:
        """Another value each time after all was forgotten, as soon as this process hears of it: with the next get at the latest."""
        ...

    async def get(self, key: str) -> Kept | None: ...
    async def put(self, key: str, kept: Kept) -> None:
        """Does nothing if all was forgotten since `era` was last looked at."""
        ...

    async def clear(self) -> None:
        """Forget all, for everybody who shares it."""
        ...

    async def size(self) -> Size: ...


@dataclass(frozen=True, slots=True)
class Room:
    max_entries: int
    max_bytes: int
    """The answers unused for longest go first."""
    ttl: float
    """Seconds since the provider gave the answer, however often it was given again: answers age."""


@dataclass(frozen=True, slots=True)
class Told:
    """How those who share our clients, but not our memory, hear that all answers are to be forgotten."""

    clear: Callable[[], None]
    cleared: Callable[[], Hashable]
    """Another value each time after that was said."""


ALONE = Told(lambda: None, int)


class MemoryAnswers:
    """Answers, in this process alone."""

    def __init__(
        self, room: Room, now: Callable[[], float], changed: Callable[[Size], None] = lambda size: None, told: Told = ALONE
    ) -> None:
        """`now` in seconds, steady. `changed` hears how much there is, each time that changes."""
        self._now, self._changed, self._told = now, changed, told
        self._heard = told.cleared()
        self._rows: LRU[str, Kept] = LRU(room.max_bytes, lambda key, kept: len(key) + kept.size, room.ttl, room.max_entries, slides=False)

    @property
    def era(self) -> Hashable:
        return self._told.cleared()

    async def get(self, key: str) -> Kept | None:
        self._hear()
        before = len(self._rows)
        kept = self._rows.get(key, self._now())
        if len(self._rows) < before:
            self._tell()  # it was too old
        return kept

    async def put(self, key: str, kept: Kept) -> None:
        self._hear()
        self._rows.put(key, kept, self._now())
        self._tell()

    async def clear(self) -> None:
        """Here at once; elsewhere before the next request is answered."""
        self._told.clear()
        self._heard = self._told.cleared()
        self._rows.clear()
        self._tell()

    async def size(self) -> Size:
        self._hear()
        self._rows.expire(self._now())
        return self._tell()

    def _hear(self) -> None:
        if self._told.cleared() != self._heard:
            self._heard = self._told.cleared()
            self._rows.clear()
            self._tell()

    def _tell(self) -> Size:
        size = Size(len(self._rows), self._rows.bytes)
        self._changed(size)
        return size
