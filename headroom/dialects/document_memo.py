"""What earlier bodies taught: which value followed a known run of values, and what was made of it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from headroom.memo import Memo

MEMO_BYTES = 16 << 20
"""A body of an agent's long session has 1 MB, and weighs about three times that here."""

FORKS = 4
"""Continuations remembered behind one run: retries, moved cache marks and sub-agents branch a little."""

OVERHEAD = 400
"""What an entry costs beside its texts, in bytes: dict slots, tuples, a Link, as sys.getsizeof sees them."""


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A value behind a known run of values. Its identity stands for the whole run."""

    raw: bytes
    chars: int
    """Length of its text, which is less than that of `raw` where it is not all ASCII."""


class DocumentMemo:
    """What earlier bodies taught; safe to share between threads."""

    def __init__(self, max_bytes: int = MEMO_BYTES) -> None:
        self._next: Memo[Hashable, tuple[Link, ...]] = Memo(max_bytes // 2)
        self._facts: Memo[tuple[Link, str], Any] = Memo(max_bytes // 2)

    def follow(self, key: Hashable, raw: bytes, at: int) -> Link | None:
        """The link that stands at `at` behind `key`, if it stood there before."""
        for link in self._next.get(key) or ():
            if raw.startswith(link.raw, at):
                return link
        return None

    def learn(self, key: Hashable, link: Link) -> None:
        links = (link, *(self._next.get(key) or ())[: FORKS - 1])
        self._next.put(key, links, sum(len(each.raw) + OVERHEAD for each in links))

    def recall(self, link: Link, name: str) -> Any:
        return self._facts.get((link, name))

    def remember(self, link: Link, name: str, fact: object, size: int) -> None:
        self._facts.put((link, name), fact, size + OVERHEAD)
