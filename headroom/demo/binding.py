"""Reasoning bound to the exact prefix it was generated with, as current models bind it.

A seal covers everything the model had read. Normalised the way providers say they do: cache marks are
ignored, a string equals a single text block, tool order does not matter, neither do tools whose definition
is deferred, nor any other parameter. Reasoning itself is outside the seal, so that a leading run of
it may be left out, but each seal names its predecessor, so that no hole passes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import NamedTuple

from headroom.conversation import Json

MARK = 16
"""Bytes of a predecessor's mark inside a seal."""

FILLING = 160
"""Bytes of filling that bring a seal to about the size of real signatures (some 300 characters)."""


def canonical(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def unmarked(value: Json) -> Json:
    """The value without any cache mark."""
    if isinstance(value, Mapping):
        return {key: unmarked(inner) for key, inner in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [unmarked(inner) for inner in value]
    return value


class Opened(NamedTuple):
    """What a seal says of itself."""

    genuine: bool
    """Made by us for this very prefix."""
    previous: bytes


class Seals:
    """Makes and checks seals with one secret key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, prefix: bytes, previous: str = "") -> str:
        """`prefix` is a digest; `previous` the seal of the reasoning before this, "" for the first."""
        before = self.mark(previous) if previous else bytes(MARK)
        tag = self._mac(prefix + before)
        filling = hashlib.shake_256(tag).digest(FILLING)
        return base64.b64encode(before + tag + filling).decode()

    def open(self, seal: str, prefix: bytes) -> Opened:
        try:
            raw = base64.b64decode(seal, validate=True)
        except ValueError:
            return Opened(False, b"")
        before, tag = raw[:MARK], raw[MARK : len(raw) - FILLING]
        return Opened(hmac.compare_digest(tag, self._mac(prefix + before)), before)

    def mark(self, seal: str) -> bytes:
        """How a later seal refers to this one."""
        return self._mac(seal.encode("utf-8", "surrogatepass"))[:MARK]

    def _mac(self, data: bytes) -> bytes:
        return hmac.new(self._key, data, hashlib.sha256).digest()


class Prefix:
    """A running digest of everything a model has read."""

    def __init__(self, *head: Json) -> None:
        self._hash = hashlib.sha256()
        for value in head:
            self.add(value)

    def add(self, value: Json) -> None:
        data = canonical(unmarked(value))
        self._hash.update(b"%d:" % len(data) + data)

    def digest(self) -> bytes:
        return self._hash.copy().digest()
