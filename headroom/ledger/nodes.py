"""The account of all nodes together: each publishes the sums of its own ledger, and asks for those of the others.

A node's ledger stays where it is and is the durable one. What is published is written whole, under the ledger's name and
with a version, so that it may be written again at any time: after a restart of the node, or after Redis has lost it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

import anyio
import anyio.to_thread

from headroom.errors import StoreError
from headroom.ledger import parts
from headroom.ledger.ledger import Ledger
from headroom.ledger.mirror import Mirror
from headroom.stores.figures_redis import A_CALL, Figure, RedisFigures

T = TypeVar("T")

PUBLISH_SECONDS = 1.0
"""Between two looks at whether there is something to publish: so old are the figures of others."""

HEARTBEAT_SECONDS = 10.0
"""So often a node that has nothing new looks whether all is still there."""


class Accounts(Protocol):
    """What is asked of a ledger, or of all."""

    async def ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Raises StoreError."""
        ...


class Nodes:
    """`ledger` None: for one who only reads. `now` in seconds since the epoch; `random` gives the name of a new ledger."""

    def __init__(self, ledger: Ledger | None, figures: RedisFigures, now: Callable[[], float], random: Callable[[], int]) -> None:
        self._ledger, self._figures, self._now, self._random = ledger, figures, now, random
        self._mirror, self._turn = Mirror(), anyio.Lock()
        self._name = self._epoch = self._until = ""
        self._published: dict[str, int] = {}
        self._damaged: set[tuple[str, str]] = set()
        """Figures that cannot be read, by node and part."""
        self._committed, self._looked = -1, float("-inf")
        self.current = False
        """Whether the last answer was that of all, as far as they had published: else that of what is known of them."""

    async def ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` reads from the sums of all. While Redis is away, from what was heard last. Raises StoreError."""
        async with self._turn:
            await self._follow_own()
            try:
                await self._follow_others()
            except StoreError:
                self.current = False
            else:
                self.current = not self._damaged
        return await anyio.to_thread.run_sync(self._mirror.run, work)

    async def nodes(self) -> int:
        """How many are in the last answer."""
        return await anyio.to_thread.run_sync(self._mirror.nodes)

    async def keep_publishing(self, mishap: Callable[[str], None]) -> None:
        """Until cancelled."""
        while True:
            await anyio.sleep(PUBLISH_SECONDS)
            try:
                await self.publish_news()
            except StoreError:
                mishap("ledger")

    async def publish_news(self) -> None:
        """If there are any, or for long there were none. Raises StoreError."""
        if self._ledger is None:
            return
        committed, at = self._ledger.committed, anyio.current_time()
        if committed != self._committed or at - self._looked >= HEARTBEAT_SECONDS:
            await self.publish()
            self._committed, self._looked = committed, at

    async def publish(self) -> None:
        """All that is not there yet. Raises StoreError."""
        if self._ledger is None:
            return
        wanted = await self._versions(self._ledger)
        doubted = parts.with_hours(wanted, {part for part, version in wanted.items() if self._published.get(part) != version})
        lacking = await self._figures.lacks(self._name, doubted)
        self._published |= {part: version for part, version in doubted.items() if part not in lacking}
        held = await self._send(self._ledger, [part for part in doubted if part in lacking])
        self._published = {part: version for part, version in self._published.items() if part in wanted}
        if held < sum(version for part, version in wanted.items() if parts.lasting(part)):
            self._published, self._looked = {}, float("-inf")  # Redis has lost some: all is looked for at the next call

    async def _send(self, ledger: Ledger, late: Sequence[str]) -> int:
        """In the order given. What of the node is there then."""
        held = 0
        for start in range(0, max(len(late), 1), A_CALL):
            found = await ledger.ask(partial(parts.read, parts=late[start : start + A_CALL]))
            figures = [Figure(part, version, data, parts.lasting(part)) for part, (version, data) in found.items()]
            held = await self._figures.publish(self._name, figures)
            self._published |= {figure.name: figure.version for figure in figures}
        return held

    async def _follow_own(self) -> None:
        """From the ledger itself, which knows more than it has published."""
        if self._ledger is None:
            return
        wanted = await self._versions(self._ledger)
        known = await anyio.to_thread.run_sync(self._mirror.known, self._name)
        late = [part for part, version in wanted.items() if known.get(part) != version]
        found = await self._ledger.ask(partial(parts.read, parts=late))
        await self._take([(self._name, part, version, data) for part, (version, data) in found.items()])

    async def _follow_others(self) -> None:
        more = True
        while more:
            news = await self._figures.news(self._epoch, self._until)
            await self._take([(node, figure.name, figure.version, figure.data) for node, figure in news.figures if node != self._name])
            # Only now: who is cut off on the way begins here again.
            self._epoch, self._until, more = news.epoch, news.until, news.more
        await anyio.to_thread.run_sync(self._mirror.forget_hours, parts.oldest_hour(self._now()))

    async def _take(self, told: Sequence[tuple[str, str, int, bytes]]) -> None:
        def work() -> None:
            for node, part, version, data in told:
                try:
                    self._mirror.put(node, part, version, parts.lines(data))
                    self._damaged.discard((node, part))
                except StoreError:
                    self._damaged.add((node, part))

        if told:
            await anyio.to_thread.run_sync(work)

    async def _versions(self, ledger: Ledger) -> Mapping[str, int]:
        """Of our own parts. The ledger may be another one than before, if its file was broken and set aside."""
        now, number = self._now(), self._random()
        name, found = await ledger.ask(lambda db: (parts.identity(db, number), parts.versions(db, now)))
        if name != self._name:
            self._name, self._published = name, {}
        return found

    async def aclose(self) -> None:
        """Publish what there is, if that can be done at once; else it is with the next start."""
        try:
            with contextlib.suppress(StoreError):
                await self.publish()
        finally:
            self.close()

    def close(self) -> None:
        self._mirror.close()
