"""The account of several nodes, on a real Redis that is away, empty or restarted now and then."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.errors import StoreError
from headroom.ledger import nodes as module
from headroom.ledger.book import Book
from headroom.ledger.ledger import Ledger
from headroom.ledger.nodes import Nodes
from headroom.ledger.queries import Window, history, total
from headroom.ledger.rollup import Row
from headroom.ledger.tables import fact
from headroom.stores import open_figures, open_store
from headroom.stores.packing import RAW
from tests.ledger.records import MONDAY, record
from tests.redisserver import RedisServer
from tests.stores.test_figures_redis import ROWS

pytestmark = pytest.mark.anyio

DAY = 86400
ALL = Window("all_time")
NAMES = itertools.count(1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # redis-py runs on nothing else


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"), "--appendonly", "no")
    yield server
    server.stop()


@pytest.fixture
def redis(server: RedisServer) -> RedisServer:
    server.ask("FLUSHALL")
    return server


@asynccontextmanager
async def node(url: str, path: Path | None, *, reads: bool = False) -> AsyncIterator[tuple[Ledger, Nodes]]:
    """One that is killed at the end: it publishes nothing any more. Without a path its ledger is in memory. `reads`: it has none."""
    store = open_store(f"{url}?timeout=10&connect_timeout=10", lambda: MONDAY)
    figures, ledger = open_figures(store), Ledger(Book(path, lambda: MONDAY))
    assert figures is not None
    nodes = Nodes(None if reads else ledger, figures, lambda: MONDAY, lambda: next(NAMES))
    try:
        yield ledger, nodes
    finally:
        nodes.close()
        await ledger.aclose()
        await store.aclose()


def _both(db: sqlite3.Connection) -> tuple[Row, list[Json]]:
    return total(db, ALL), history(db, "hourly", ALL)


async def sums(nodes: Nodes) -> tuple[int, int]:
    """Exchanges and dollars; the same in all series."""
    row, hours = await nodes.ask(_both)
    assert sum(hour["requests"] for hour in hours) == row[0]
    return row[0], row[11]


async def test_any_node_tells_the_sum_of_all(redis: RedisServer, tmp_path: Path) -> None:
    async with node(redis.url, tmp_path / "a") as (a, all_of_a), node(redis.url, tmp_path / "b") as (b, all_of_b), node(redis.url, None, reads=True) as (_, reader):
        a.write(record("1", spent=1))
        assert await sums(all_of_a) == (1, 1), "its own at once"
        assert await sums(all_of_b) == (0, 0)
        await all_of_a.publish()
        assert await sums(all_of_b) == (1, 1)
        b.write(record("1", spent=10))
        b.write(record("2", MONDAY - 9 * DAY, spent=100))
        await all_of_b.publish_news()
        assert await sums(all_of_a) == await sums(all_of_b) == await sums(reader) == (3, 111)
        assert [await each.nodes() for each in (all_of_a, all_of_b, reader)] == [2, 2, 2]


@pytest.mark.parametrize("row", [b"nonsense", b"1 nonsense", b"1 " + RAW + b"[[1]]", b"1 " + RAW + b"{"])
async def test_one_figure_that_cannot_be_read_hides_no_other_until_it_is_published_anew(redis: RedisServer, tmp_path: Path, row: bytes) -> None:
    async with node(redis.url, tmp_path / "a") as (a, all_of_a), node(redis.url, None, reads=True) as (_, reader):
        a.write(record("1", MONDAY - 9 * DAY, spent=1))
        a.write(record("2", spent=10))
        await all_of_a.publish()
        (member,) = (name for name in redis.ask("HKEYS", ROWS).split(b"\r\n") if name.endswith(b"daily/%d" % (MONDAY - 9 * DAY)))
        redis.ask("HSET", ROWS, member, row)
        found, _ = await reader.ask(_both)
        assert (found[0], found[11], reader.current) == (1, 10, False)
        a.write(record("3", MONDAY - 9 * DAY, spent=100))
        await all_of_a.publish()
        found, _ = await reader.ask(_both)
        assert (found[0], found[11], reader.current) == (3, 111, True)


async def test_who_is_killed_publishes_after_its_restart_what_it_had_not(redis: RedisServer, tmp_path: Path) -> None:
    async with node(redis.url, None, reads=True) as (_, reader):
        for spent in (1, 10):
            async with node(redis.url, tmp_path / "a") as (a, all_of_a):
                await all_of_a.publish()
                assert await sums(reader) == ((0, 0) if spent == 1 else (1, 1))
                a.write(record(f"{spent}", spent=spent))
        async with node(redis.url, tmp_path / "a") as (_, all_of_a):
            await all_of_a.publish()
            assert await sums(all_of_a) == await sums(reader) == (2, 11)
            await all_of_a.aclose()


async def test_what_a_ledger_in_memory_has_published_outlives_it(redis: RedisServer) -> None:
    async with node(redis.url, None, reads=True) as (_, reader):
        for spent in (1, 10):
            async with node(redis.url, None) as (a, all_of_a):
                a.write(record("1", spent=spent))
                await all_of_a.publish()
        assert await sums(reader) == (2, 11)
        assert await reader.nodes() == 2


async def test_while_redis_is_away_each_tells_what_it_knows(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path / "redis")
    async with node(redis.url, tmp_path / "a") as (a, all_of_a), node(redis.url, tmp_path / "b") as (b, all_of_b):
        b.write(record("1", spent=1))
        await all_of_b.publish()
        assert await sums(all_of_a) == (1, 1)
        current = [all_of_a.current]
        redis.kill()
        a.write(record("2", spent=10))
        b.write(record("3", spent=100))
        assert await sums(all_of_a) == (2, 11)
        assert await sums(all_of_b) == (2, 101)
        assert [*current, all_of_a.current] == [True, False]
        with pytest.raises(StoreError):
            await all_of_a.publish()
        await all_of_a.aclose()
    redis.stop()


async def test_what_redis_lost_is_published_again(redis: RedisServer, tmp_path: Path) -> None:
    async with node(redis.url, tmp_path / "a") as (a, all_of_a), node(redis.url, None, reads=True) as (_, reader):
        for day in range(20):
            a.write(record(f"{day}", MONDAY - day * DAY, spent=1))
        await all_of_a.publish()
        redis.ask("FLUSHALL")
        await all_of_a.publish()
        await all_of_a.publish()
        assert await sums(reader) == (20, 20)


async def test_in_the_background(redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PUBLISH_SECONDS", 0.001)
    mishaps: list[str] = []
    async with node(redis.url, tmp_path / "a") as (a, all_of_a), node(redis.url, None, reads=True) as (_, reader), anyio.create_task_group() as tasks:
        tasks.start_soon(all_of_a.keep_publishing, mishaps.append)
        a.write(record("1", spent=1))
        with anyio.fail_after(30):
            while await sums(reader) != (1, 1):
                pass
        tasks.cancel_scope.cancel()
    assert mishaps == []


async def test_what_a_ledger_could_not_write_is_told_too(redis: RedisServer, tmp_path: Path) -> None:
    book = Book(tmp_path / "a", lambda: MONDAY)
    book.append([], 7)
    book.close()
    async with node(redis.url, tmp_path / "a") as (_, all_of_a), node(redis.url, None, reads=True) as (_, reader):
        await all_of_a.publish()
        assert await reader.ask(lambda db: fact(db, "lost")) == 7


async def test_a_ledger_that_was_set_aside_counts_on(redis: RedisServer, tmp_path: Path) -> None:
    async with node(redis.url, tmp_path / "a") as (a, all_of_a), node(redis.url, None, reads=True) as (_, reader):
        a.write(record("1", spent=1))
        await all_of_a.publish()
        for name in os.listdir(tmp_path):
            os.unlink(tmp_path / name)
        a.write(record("2", spent=10))
        await all_of_a.publish()
        assert await sums(all_of_a) == await sums(reader) == (2, 11)


STEPS = st.lists(st.tuples(st.sampled_from(["write", "publish", "ask", "restart", "flush"]), st.integers(0, 2)), max_size=15)


@settings(deadline=None, max_examples=25)
@given(STEPS)
@example([("write", 0), ("publish", 0), ("write", 0), ("flush", 0)])
def test_nothing_is_lost_or_counted_twice(server: RedisServer, steps: list[tuple[str, int]]) -> None:
    """Whatever happens to three nodes and to Redis: in the end all of them tell the sum of all that was written."""
    server.ask("FLUSHALL")

    async def run(folder: Path) -> None:
        async with AsyncExitStack() as stack:
            stacks = [await stack.enter_async_context(AsyncExitStack()) for _ in range(3)]
            alive = [await stacks[i].enter_async_context(node(server.url, folder / f"{i}")) for i in range(3)]
            written = 0
            for step, i in steps:
                ledger, nodes = alive[i]
                if step == "write":
                    written += 1
                    ledger.write(record(f"{written}", MONDAY - written * DAY // 2, spent=1))
                elif step == "publish":
                    await nodes.publish()
                elif step == "ask":
                    assert (await sums(nodes))[0] <= written
                elif step == "flush":
                    server.ask("FLUSHALL")
                else:
                    await stacks[i].aclose()
                    alive[i] = await stacks[i].enter_async_context(node(server.url, folder / f"{i}"))
            for _ in range(2):
                for _, nodes in alive:
                    await nodes.publish()
            assert [await sums(nodes) for _, nodes in alive] == [(written, written)] * 3

    with TemporaryDirectory() as folder:
        anyio.run(run, Path(folder))
