from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import StoreError
from headroom.stores import open_figures, open_store
from headroom.stores.figures_redis import A_CALL, Figure, RedisFigures
from headroom.stores.memory import Memory
from tests.redisserver import RedisServer

pytestmark = pytest.mark.anyio

ROWS, CHANGED, SUMS = (f"{{headroom:1:figures}}:{name}" for name in ("rows", "changed", "sums"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # redis-py runs on nothing else


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisFigures]:
    store = open_store(f"{url}?timeout=10&connect_timeout=10", lambda: 0.0)
    found = open_figures(store)
    assert found is not None
    try:
        yield found
    finally:
        await store.aclose()


@pytest.fixture
async def figures(redis: RedisServer) -> AsyncIterator[RedisFigures]:
    redis.ask("FLUSHALL")
    async with opened(redis.url) as found:
        yield found


async def told(figures: RedisFigures, epoch: str = "", until: str = "") -> tuple[dict[tuple[str, str], tuple[int, bytes]], str, str]:
    """All that a reader hears who has come so far, and how far that is."""
    found, more = dict[tuple[str, str], tuple[int, bytes]](), True
    while more:
        news = await figures.news(epoch, until)
        found |= {(node, figure.name): (figure.version, figure.data) for node, figure in news.figures}
        epoch, until, more = news.epoch, news.until, news.more
    return found, epoch, until


async def test_what_nodes_publish_is_heard_once(figures: RedisFigures) -> None:
    assert await figures.publish("a", [Figure("x", 3, b"ax"), Figure("y", 4, b"ay", lasting=False)]) == 3
    assert await figures.publish("b", [Figure("x", 5, b"bx" * 2000)]) == 5
    found, *far = await told(figures)
    assert found == {("a", "x"): (3, b"ax"), ("a", "y"): (4, b"ay"), ("b", "x"): (5, b"bx" * 2000)}
    assert (await told(figures, *far))[0] == {}
    assert await figures.publish("a", [Figure("x", 9, b"new")]) == 9
    assert (await told(figures, *far))[0] == {("a", "x"): (9, b"new")}


async def test_an_older_version_changes_nothing(figures: RedisFigures) -> None:
    for version in (3, 3, 2):
        assert await figures.publish("a", [Figure("x", version, b"%d" % version)]) == 3
    assert (await told(figures))[0] == {("a", "x"): (3, b"3")}
    assert await figures.lacks("a", {"x": 3, "y": 0}) == {"y"}
    assert await figures.lacks("a", {"x": 4}) == await figures.lacks("b", {"x": 0}) == {"x"}


async def test_any_number_of_them(figures: RedisFigures) -> None:
    many = [Figure(f"{i}", 1, b"%d" % i) for i in range(2 * A_CALL)]
    assert await figures.publish("a", many) == 2 * A_CALL
    assert len((await told(figures))[0]) == 2 * A_CALL
    assert await figures.lacks("a", {f"{i}": 1 for i in range(3 * A_CALL)}) == {f"{i}" for i in range(2 * A_CALL, 3 * A_CALL)}


@pytest.mark.parametrize("words", [("FLUSHALL",), ("DEL", ROWS), ("DEL", CHANGED), ("ZREM", CHANGED, "a x"), ("DEL", SUMS)])
async def test_a_loss_is_noticed_by_who_wrote_and_by_who_reads(figures: RedisFigures, redis: RedisServer, words: tuple[str, ...]) -> None:
    await figures.publish("a", [Figure("x", 3), Figure("y", 4)])
    _, *far = await told(figures)
    redis.ask(*words)
    assert await figures.publish("a", []) < 7
    assert await figures.publish("a", [Figure("x", 3), Figure("y", 4)]) == 7
    assert len((await told(figures, *far))[0]) == 2, "read anew, since it is of another epoch"


async def test_what_has_passed_is_gone(figures: RedisFigures, redis: RedisServer) -> None:
    await figures.publish("a", [Figure("hour", 3, lasting=False), Figure("day", 3)])
    for key in (CHANGED, CHANGED.replace("changed", "passing")):
        redis.ask("ZADD", key, "XX", "1000", "a hour")
    await figures.publish("a", [])
    assert set((await told(figures))[0]) == {("a", "day")}


async def test_what_is_damaged_has_no_data_and_hides_no_other(figures: RedisFigures, redis: RedisServer) -> None:
    await figures.publish("a", [Figure("x", 3, b"[1]"), Figure("y", 4, b"[2]")])
    redis.ask("HSET", ROWS, "a x", "nonsense")
    heard = {figure.name: figure.data for _, figure in (await figures.news("", "")).figures}
    assert heard == {"x": b"", "y": b"[2]"}


async def test_away_it_is_a_store_error() -> None:
    async with opened("redis://127.0.0.1:1/0") as away:
        for call in (away.publish("a", []), away.news("", ""), away.lacks("a", {"x": 1})):
            with pytest.raises(StoreError):
                await call


def test_only_a_redis_has_other_nodes() -> None:
    assert open_figures(Memory(lambda: 0.0)) is None


WRITES = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 5), st.booleans()), max_size=15)


@settings(deadline=None, max_examples=25)
@given(WRITES)
def test_readers_who_come_now_and_then_and_those_who_come_last_know_the_same(redis: RedisServer, writes: list[tuple[str, str, int, bool]]) -> None:
    redis.ask("FLUSHALL")

    async def run() -> None:
        async with opened(redis.url) as figures:
            heard, far, wanted = dict[tuple[str, str], tuple[int, bytes]](), ("", ""), dict[tuple[str, str], tuple[int, bytes]]()
            for node, name, version, reads in writes:
                await figures.publish(node, [Figure(name, version, b"%d" % version)])
                if wanted.get((node, name), (-1, b""))[0] < version:
                    wanted[node, name] = version, b"%d" % version
                if reads:
                    found, *more = await told(figures, *far)
                    heard, far = heard | found, (more[0], more[1])
            assert heard | (await told(figures, *far))[0] == (await told(figures))[0] == wanted

    anyio.run(run)
