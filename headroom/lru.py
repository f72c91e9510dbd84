"""A least-recently-used map with a byte budget and a time to live; the time is an argument.

Not locked: it lives on one thread, the event loop's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LRU(Generic[K, V]):
    """`size` weighs an entry in bytes; `ttl` (seconds) slides with each read, or counts from the writing."""

    def __init__(
        self, max_bytes: int, size: Callable[[K, V], int], ttl: float = float("inf"), max_entries: int | None = None, *, slides: bool = True
    ) -> None:
        self._rows: OrderedDict[K, tuple[V, int, float]] = OrderedDict()
        self._max_bytes, self._size, self._ttl, self._max_entries, self._slides = max_bytes, size, ttl, max_entries, slides
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def get(self, key: K, now: float = 0.0) -> V | None:
        row = self._rows.get(key)
        if row is None:
            return None
        value, size, used = row
        if now - used > self._ttl:
            self.drop(key)
            return None
        if self._slides:
            self._rows[key] = (value, size, now)
        self._rows.move_to_end(key)
        return value

    def put(self, key: K, value: V, now: float = 0.0) -> None:
        """An entry larger than the whole budget is not kept."""
        self.drop(key)
        size = self._size(key, value)
        if size > self._max_bytes:
            return
        self._rows[key] = (value, size, now)
        self.bytes += size
        while self.bytes > self._max_bytes or (self._max_entries is not None and len(self._rows) > self._max_entries):
            self.drop(next(iter(self._rows)))

    def drop(self, key: K) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            self.bytes -= row[1]

    def expire(self, now: float) -> None:
        """Drop what is older than `ttl`. Where it slides, the oldest come first, and this stops at the first young one."""
        old: list[K] = []
        for key, (_, _, used) in self._rows.items():
            if now - used > self._ttl:
                old.append(key)
            elif self._slides:
                break
        for key in old:
            self.drop(key)

    def clear(self) -> None:
        self._rows.clear()
        self.bytes = 0
