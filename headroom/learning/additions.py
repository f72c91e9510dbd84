"""A log of additions that several workers write and all read in the same order, so that they hold the same sums.

A store knows no counters, and reading, adding and writing back would lose what another worker adds in between. So each
addition is a row of its own under the next free number: the store's `add` lets one writer have it, the others read that
row and try the one behind it. Now and then whoever writes also puts down a snapshot, and older rows are never read
again; the space's budget takes them, the oldest first.
"""

from __future__ import annotations

import anyio.to_thread

from headroom.errors import StoreError
from headroom.learning.rows import Entry, decode_entry, decode_snapshot, encode_entry, encode_snapshot
from headroom.patterns import Patterns
from headroom.stores.base import Space, Store

TOIN = Space("toin", ttl=float("inf"), max_bytes=16 << 20)
"""A snapshot of at most 0.5 MB, and ten times the longest run of rows between two of them."""

SNAPSHOT, UPTO = "snapshot", "upto"

EVERY = 64
"""Rows between two snapshots: a worker that starts reads at most about so many."""

BATCH = 32
"""Rows asked for at a time."""

ATTEMPTS = 100
"""Numbers tried for one addition. Each failure is another worker's success, and they write every few seconds."""


class Additions:
    """`writer`: a name no other process uses. All methods raise StoreError; one call at a time."""

    def __init__(self, store: Store, writer: str) -> None:
        self._store, self._writer = store, writer
        self._entries = 0
        self._written = ""
        self.patterns = Patterns()
        self.read = 0
        """Rows that `patterns` is made of."""

    def entry(self) -> str:
        """The id of a new entry."""
        self._entries += 1
        return f"{self._writer}-{self._entries}"

    async def follow(self) -> None:
        """Read what was added since."""
        while True:
            numbers = range(self.read + 1, self.read + 1 + BATCH)
            rows = await self._store.get(TOIN, "", [UPTO, *map(str, numbers)])
            behind = int(rows.get(UPTO, b"0")) > self.read and (self.read == 0 or str(numbers[0]) not in rows)
            if behind and await self._leap():
                continue
            for number in numbers:
                if str(number) not in rows:
                    return
                self._learn(number, decode_entry(rows[str(number)]))

    async def write(self, entry: Entry) -> None:
        """Add it once: if an earlier attempt failed but did write it, it is found while reading."""
        row = encode_entry(entry)
        await self.follow()
        for _ in range(ATTEMPTS):
            if self._written == entry.id:
                return
            number = str(self.read + 1)
            stands = (await self._store.add(TOIN, "", {number: row}))[number]
            self._learn(int(number), decode_entry(stands))
            if stands == row and self.read % EVERY == 0:
                await self._snapshot()
        if self._written != entry.id:
            raise StoreError("what was learned could not be added: others keep writing first")

    def _learn(self, number: int, entry: Entry) -> None:
        if entry.reset:
            self.patterns = Patterns()
        self.patterns.learn(entry.news)
        self.read = number
        if entry.id.startswith(self._writer + "-"):
            self._written = entry.id

    async def _snapshot(self) -> None:
        upto, patterns = self.read, self.patterns
        row = await anyio.to_thread.run_sync(encode_snapshot, upto, patterns)
        await self._store.put(TOIN, "", {SNAPSHOT: row, UPTO: b"%d" % upto})

    async def _leap(self) -> bool:
        """Go on from the snapshot, where one stands that is ahead of us."""
        row = (await self._store.get(TOIN, "", [SNAPSHOT])).get(SNAPSHOT)
        if row is None:
            return False
        upto, patterns = await anyio.to_thread.run_sync(decode_snapshot, row)
        if upto <= self.read:
            return False
        self.patterns, self.read = patterns, upto
        return True
