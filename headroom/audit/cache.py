"""A provider's prompt cache, simulated: what of a request it would have read, written, or charged in full.

Prefixes of whole blocks, a shortest length, a lifetime that each use begins anew. Every block ends a prefix that may be
found again, as implicit caches do it and as a client does that marks each request's end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tokens:
    """Input tokens of one request, by what they cost."""

    fresh: int
    read: int
    written: int

    @property
    def all(self) -> int:
        return self.fresh + self.read + self.written


@dataclass(frozen=True, slots=True)
class Terms:
    minimum: int
    lifetime: float
    """Seconds."""


class PrefixCache:
    """All that one account's requests have left with the provider."""

    def __init__(self) -> None:
        self._until: dict[bytes, float] = {}

    def take(self, model: str, blocks: Iterable[tuple[bytes, float]], at: float, terms: Terms) -> Tokens:
        """`blocks`: digest and tokens of each, in order; `at`: seconds, when the request is sent."""
        running = hashlib.sha256(model.encode())
        so_far, read = 0.0, 0.0
        prefixes: list[bytes] = []
        for digest, tokens in blocks:
            running.update(digest)
            so_far += tokens
            if so_far < terms.minimum:
                continue
            prefix = running.digest()
            prefixes.append(prefix)
            if self._until.get(prefix, at - 1) >= at:
                read = so_far
        whole = round(so_far)
        if not prefixes:
            return Tokens(whole, 0, 0)
        for prefix in prefixes:
            self._until[prefix] = at + terms.lifetime
        return Tokens(0, round(read), whole - round(read))
