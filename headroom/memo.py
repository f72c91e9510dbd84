"""A bounded memory of pure results, safe to share between threads without a lock.

Two generations of plain dicts: reads promote an entry from the old one to the young one; when the young one
has used half the budget it becomes the old one and the old one is forgotten. Every step is a single dict operation,
atomic in CPython; a lost race costs a recomputation, never a wrong answer.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ABSENT_BYTES, ABSENT_ROW = 4 << 20, 200
"""Room for names under which nothing stands, and what one takes: a key of 40 digits, a tuple, a dict entry."""


class Memo(Generic[K, V]):
    """Holds at most about `max_bytes`, by the sizes its callers state."""

    def __init__(self, max_bytes: int) -> None:
        self._half = max_bytes // 2
        self._young: dict[K, tuple[V, int]] = {}
        self._old: dict[K, tuple[V, int]] = {}
        self._used = 0

    def get(self, key: K) -> V | None:
        row = self._young.get(key)
        if row is not None:
            return row[0]
        row = self._old.get(key)
        if row is None:
            return None
        self.put(key, *row)
        return row[0]

    def put(self, key: K, value: V, size: int) -> None:
        """`size` in bytes; what is larger than half the budget is not kept."""
        if size > self._half:
            return
        before = self._young.get(key)
        more = size - before[1] if before is not None else size
        if self._used + more > self._half:
            self._old, self._young, self._used = self._young, {}, 0
            more = size
        self._young[key] = (value, size)
        self._used += more

    def items(self) -> list[tuple[K, V]]:
        """All there is at this moment, those put last at the end."""
        young = dict(self._young)
        rows = [*((key, row) for key, row in dict(self._old).items() if key not in young), *young.items()]
        return [(key, value) for key, (value, _) in rows]

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())


class Absent:
    """Names under which nothing stands, as far as this process knows; what it forgets is looked for again."""

    def __init__(self) -> None:
        self._names: Memo[str, bool] = Memo(ABSENT_BYTES)  # a value, not an option: a name that stands again is not forgotten

    def add(self, name: str) -> None:
        self._names.put(name, True, ABSENT_ROW)

    def discard(self, name: str) -> None:
        self._names.put(name, False, ABSENT_ROW)

    def __contains__(self, name: str) -> bool:
        return bool(self._names.get(name))
