"""What several workers on one state hold in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import StoreError
from headroom.learning.additions import EVERY, TOIN, Additions
from headroom.learning.rows import Entry
from headroom.patterns import Counts, News
from headroom.stores import open_store
from headroom.stores.base import Size, Space, Store
from headroom.stores.memory import Memory

pytestmark = pytest.mark.anyio

KIND = "json-0123456789abcdef"


def one(**counts: int) -> News:
    return {("", KIND): ("T", Counts(**counts or {"compressed": 1}))}


def total(additions: Additions) -> int:
    pattern = additions.patterns.rows.get(("", KIND))
    return 0 if pattern is None else pattern.counts.compressed


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store("memory:" if request.param == "memory" else f"sqlite:{tmp_path}/state.db", lambda: 0.0)
    try:
        yield opened
    finally:
        await opened.aclose()


async def test_nothing_is_lost_between_workers_that_write_at_once(store: Store) -> None:
    workers = [Additions(store, f"w{i}") for i in range(4)]

    async def write(worker: Additions) -> None:
        for _ in range(EVERY // 2):
            await worker.write(Entry(worker.entry(), one()))

    async with anyio.create_task_group() as tasks:
        for worker in workers:
            tasks.start_soon(write, worker)
    late = Additions(store, "late")
    for worker in (late, *workers):
        await worker.follow()
        assert worker.read == 2 * EVERY
        assert total(worker) == 2 * EVERY
        assert worker.patterns.rows == late.patterns.rows


async def test_who_slept_while_rows_were_evicted_goes_on_from_the_snapshot() -> None:
    store = Memory(lambda: 0.0)
    sleeper, writer = Additions(store, "s"), Additions(store, "w")
    await sleeper.write(Entry(sleeper.entry(), one()))
    for _ in range(2 * EVERY):
        await writer.write(Entry(writer.entry(), one()))
    small = Space(TOIN.name, TOIN.ttl, TOIN.max_bytes)
    gone = {str(n): b"x" * (TOIN.max_bytes + 1) for n in range(1, 2 * EVERY + 1)}
    await store.put(small, "", gone)  # too large to be kept, nor is what they replace
    assert (await store.size(TOIN)).entries == 3
    await sleeper.write(Entry(sleeper.entry(), one()))
    assert total(sleeper) == 2 * EVERY + 2


async def test_a_reset_holds_for_all(store: Store) -> None:
    a, b = Additions(store, "a"), Additions(store, "b")
    await a.write(Entry(a.entry(), one()))
    await b.write(Entry(b.entry(), one(), reset=True))
    await b.write(Entry(b.entry(), one()))
    await a.follow()
    assert total(a) == total(b) == 2


@dataclass
class Shaky:
    """A store whose `add` fails when it is told to, before or behind the deed."""

    inner: Memory
    fail: str = ""

    async def put(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> None:
        await self.inner.put(space, tenant, rows)

    async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
        if self.fail == "before":
            raise StoreError("down")
        stands = await self.inner.add(space, tenant, rows)
        if self.fail == "behind":
            raise StoreError("lost")
        return stands

    async def get(self, space: Space, tenant: str | None, keys: Sequence[str]) -> Mapping[str, bytes]:
        return await self.inner.get(space, tenant, keys)

    async def size(self, space: Space) -> Size:
        return await self.inner.size(space)

    async def aclose(self) -> None:
        await self.inner.aclose()


@pytest.mark.parametrize("fail", ["before", "behind"])
async def test_an_addition_that_failed_is_made_once(fail: str) -> None:
    store = Shaky(Memory(lambda: 0.0), fail)
    worker, other = Additions(store, "w"), Additions(store, "o")
    entry = Entry(worker.entry(), one())
    with pytest.raises(StoreError):
        await worker.write(entry)
    store.fail = ""
    await other.write(Entry(other.entry(), one()))
    await worker.write(entry)
    assert total(worker) == 2


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=60))
@settings(deadline=None, max_examples=40)
def test_whoever_has_read_as_far_holds_the_same(steps: list[tuple[int, bool]]) -> None:
    async def story() -> None:
        store = Memory(lambda: 0.0)
        workers = [Additions(store, f"w{i}") for i in range(3)]
        seen: dict[int, object] = {}
        for i, writes in steps:
            worker = workers[i]
            if writes:
                await worker.write(Entry(worker.entry(), one(compressed=1, lossy=1, whole=i % 2)))
            else:
                await worker.follow()
            assert seen.setdefault(worker.read, worker.patterns.rows.copy()) == worker.patterns.rows
        for worker in workers:
            await worker.follow()
            assert total(worker) == sum(writes for _, writes in steps)

    anyio.run(story)
