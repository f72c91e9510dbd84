"""A provider's prompt cache, simulated, so that the usage a scripted model reports is believable."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

BYTES_PER_TOKEN = 4
"""The usual rule of thumb; the sums matter here, not the exact counts."""

MINIMUM = 1024
"""Tokens below which providers cache nothing; most models' figure."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Input tokens of one request, by what the cache knew of them."""

    fresh: int
    read: int
    written: int

    @property
    def total(self) -> int:
        return self.fresh + self.read + self.written


class PromptCache:
    """Remembers every prefix it was shown, block by block."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def count(self, blocks: Sequence[bytes], cacheable: int) -> Counts:
        """`cacheable`: how many of the blocks, from the first, may be written to the cache."""
        running = hashlib.sha256()
        read = written = fresh = so_far = 0
        for position, block in enumerate(blocks):
            running.update(b"%d:" % len(block) + block)
            size = len(block) // BYTES_PER_TOKEN + 1
            so_far += size
            digest = running.digest()
            if position < cacheable and digest in self._known:
                read += size
            elif position < cacheable:
                written += size
                self._known.add(digest)
            else:
                fresh += size
        return Counts(fresh, read, written) if so_far >= MINIMUM else Counts(so_far, 0, 0)
