"""How values lie in a Redis: packed where that makes them smaller, with one byte before them that says so."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import anyio.to_thread

from headroom.errors import StoreError

PACK_ABOVE = 1024
"""Bytes: below it packing saves less than a Redis entry's own overhead."""

OFF_LOOP = 64 * 1024
"""Bytes to pack from which a worker thread pays: zlib's fastest level does about 100 bytes a microsecond."""

RAW, PACKED = b"\0", b"\1"


async def packed(values: Sequence[bytes]) -> list[bytes]:
    """Each of them."""
    if sum(len(value) for value in values if len(value) > PACK_ABOVE) > OFF_LOOP:
        return await anyio.to_thread.run_sync(_all_packed, values)
    return _all_packed(values)


def unpacked(value: bytes) -> bytes:
    """Raises StoreError."""
    if value[:1] == RAW:
        return value[1:]
    try:
        return zlib.decompress(value[1:])
    except zlib.error:
        raise StoreError("a row in Redis is damaged") from None


def _all_packed(values: Sequence[bytes]) -> list[bytes]:
    return [_packed(value) for value in values]


def _packed(value: bytes) -> bytes:
    if len(value) > PACK_ABOVE:
        small = zlib.compress(value, 1)
        if len(small) < len(value):
            return PACKED + small
    return RAW + value
