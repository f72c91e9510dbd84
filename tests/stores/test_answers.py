"""What all places for kept answers promise, asked of each of them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Usage
from headroom.errors import StoreError
from headroom.stores import open_answers, open_store
from headroom.stores.answers import PER_CHUNK, PER_ENTRY, Answers, Facts, Kept, MemoryAnswers, Room, Told
from headroom.stores.answers_redis import LARGEST, PER_ROW, RedisAnswers
from headroom.stores.base import Size
from headroom.stores.memory import Memory
from headroom.stores.redis import Redis
from tests.redisserver import RedisServer

pytestmark = pytest.mark.anyio

PATIENT = "?timeout=10&connect_timeout=10"
"""What a busy machine takes is no fault of the store."""

STEPS = st.lists(st.one_of(
    st.tuples(st.just("put"), st.sampled_from("abcde"), st.integers(0, 3000)), st.tuples(st.just("get"), st.sampled_from("abcde"), st.just(0)),
    st.tuples(st.just("wait"), st.just(""), st.integers(1, 9)), st.tuples(st.just("clear"), st.just(""), st.just(0)),
), max_size=30)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # redis-py runs on nothing else


@dataclass
class Place:
    """Answers that two nodes, or two processes of one, share. Time passes when it is told to."""

    room: Room
    now: float = 1000.0
    said: list[int] = field(default_factory=list)
    per_row: int = 0

    def clock(self) -> float:
        return self.now

    def memory(self) -> Answers:
        self.per_row = 1 + PER_ENTRY + PER_CHUNK
        return MemoryAnswers(self.room, self.clock, told=Told(lambda: self.said.append(0), lambda: len(self.said)))

    @asynccontextmanager
    async def redis(self, url: str) -> AsyncIterator[tuple[Redis, Answers]]:
        self.per_row = PER_ROW + 1  # and the line about it, which grows with the number of digits in it
        store = open_store(url + PATIENT, self.clock)
        assert isinstance(store, Redis)
        try:
            yield store, RedisAnswers(store, self.room, self.clock, self.clock)
        finally:
            await store.aclose()


def kept(size: int, at: float) -> Kept:
    return Kept(200, (), (b"x" * size,), at)


async def follows(answers: Answers, place: Place, steps: list[tuple[str, str, int]], exact: bool) -> None:
    """At most three answers, none older than ten seconds; the ones unused for longest go first. `exact`: at most so many bytes."""
    rows: dict[str, tuple[float, int]] = {}
    await answers.get("")
    for what, key, n in steps:
        place.now += 0.001  # which of two was used later does not hang on their names
        if what == "put":
            await answers.put(key, kept(n, place.now))
            rows.pop(key, None)
            rows[key] = (place.now, n + place.per_row)
            while len(rows) > 3 or (exact and sum(size for _, size in rows.values()) > place.room.max_bytes):
                del rows[next(iter(rows))]
        elif what == "get":
            found, row = await answers.get(key), rows.pop(key, None)
            fresh = row is not None and place.now - row[0] <= 10
            assert (found is not None) == fresh
            if row is not None and fresh:
                rows[key] = row
        elif what == "wait":
            place.now += n
        else:
            await answers.clear()
            rows.clear()
    for key in [key for key, row in rows.items() if place.now - row[0] > 10]:
        del rows[key]
    size = await answers.size()
    assert size.entries == len(rows)
    assert not exact or size.bytes == sum(size for _, size in rows.values())


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_memory_does_what_a_simple_model_does(steps: list[tuple[str, str, int]]) -> None:
    place = Place(Room(3, 9000, 10.0))
    anyio.run(follows, place.memory(), place, steps, True)


@settings(deadline=None, max_examples=25)
@given(STEPS)
def test_redis_does_what_a_simple_model_does(redis: RedisServer, steps: list[tuple[str, str, int]]) -> None:
    redis.ask("FLUSHALL")

    async def run() -> None:
        place = Place(Room(3, 1 << 20, 10.0))
        async with place.redis(redis.url) as (_, answers):
            await follows(answers, place, steps, False)

    anyio.run(run)


async def pair(place: Place, kind: str, redis: RedisServer) -> AsyncIterator[tuple[Answers, Answers]]:
    if kind == "memory":
        yield place.memory(), place.memory()
        return
    redis.ask("FLUSHALL")
    async with place.redis(redis.url) as (_, one), place.redis(redis.url) as (_, other):
        yield one, other


@pytest.fixture
def place() -> Place:
    return Place(Room(100, 1 << 20, 10.0))


@pytest.fixture(params=["memory", "redis"])
async def both(request: pytest.FixtureRequest, place: Place, redis: RedisServer) -> AsyncIterator[tuple[Answers, Answers]]:
    async for found in pair(place, request.param, redis):
        yield found


async def test_what_was_put_comes_back_with_its_age(both: tuple[Answers, Answers], place: Place) -> None:
    answers = both[0]
    facts = Facts("anthropic", "anthropic", "m", True, 9, 7, Usage(1, 2, rounds=(Usage(1),)))
    whole = Kept(201, ((b"a", b"\xff"),), (b"one", b"", b"two" * 50_000), place.now, facts)
    assert await answers.get("k") is None
    await answers.put("k", whole)
    place.now += 4
    assert await answers.get("k") == whole
    place.now += 6.5
    assert await answers.get("k") is None


async def test_all_is_forgotten_everywhere(both: tuple[Answers, Answers], place: Place) -> None:
    """Also what was asked for before and comes after."""
    one, other = both
    for node in both:
        await node.get("k")
        await node.put("k", kept(5, place.now))
    before = other.era
    await one.clear()
    assert await one.get("k") is None
    assert await one.size() == Size(0, 0)
    assert await other.get("k") is None
    assert other.era != before, "as soon as it has heard"
    await other.put("k", kept(5, place.now))
    assert await other.get("k") is not None


# Redis ----------------------------------------------------------------------------------------------------

async def test_any_node_gives_what_another_kept(place: Place, redis: RedisServer) -> None:
    async for one, other in pair(place, "redis", redis):
        await one.get("k")
        await one.put("k", kept(5, place.now))
        found = await other.get("k")
        assert found is not None
        assert found.chunks == (b"xxxxx",)
        assert await one.size() == await other.size()


async def test_who_has_not_heard_keeps_nothing_of_before(place: Place, redis: RedisServer) -> None:
    async for one, other in pair(place, "redis", redis):
        await other.get("k")
        await one.clear()
        await other.put("k", kept(5, place.now))
        assert (await one.size()).entries == 0


async def test_bytes_are_bounded_in_all_and_for_each(redis: RedisServer) -> None:
    redis.ask("FLUSHALL")
    place = Place(Room(100, 20_000, 10.0))
    async with place.redis(redis.url) as (_, answers):
        await answers.get("")
        for i in range(30):
            place.now += 0.001
            await answers.put(f"{i}", kept(500, place.now))
            assert (await answers.size()).bytes <= 20_000
        assert await answers.get("29") is not None
        assert await answers.get("0") is None
        await answers.put("29", Kept(200, (), (b"\n".join(b"%d" % (i * 7919 % 104_729) for i in range(9000)),), 0.0))
        assert await answers.get("29") is None, "larger than all may be"
    async with Place(Room(100, 1 << 30, 10.0)).redis(redis.url) as (_, answers):
        await answers.get("")
        await answers.put("k", Kept(200, (), (random.Random(1).randbytes(LARGEST),), 0.0))
        assert await answers.get("k") is None, "larger than one may be"


async def test_clearing_leaves_nothing_behind(place: Place, redis: RedisServer) -> None:
    redis.ask("FLUSHALL")
    async with Place(Room(2000, 1 << 30, 10.0)).redis(redis.url) as (_, answers):
        await answers.get("")
        for i in range(1200):
            await answers.put(f"{i}", kept(5, 0.0))
        await answers.clear()
        assert redis.ask("DBSIZE").startswith(b":1\r"), "the era alone"


async def test_what_redis_evicts_is_a_miss(place: Place, redis: RedisServer) -> None:
    async for answers, _ in pair(place, "redis", redis):
        await answers.get("k")
        await answers.put("k", kept(5, place.now))
        redis.ask("DEL", *(f"{{headroom:1:answers}}:0:{name}" for name in ("row:k", "used")))
        assert await answers.get("k") is None
        await answers.put("k", kept(5, place.now))
        assert await answers.get("k") is not None


@pytest.mark.parametrize("name", ["used", "due", "sizes", "bytes"])
async def test_what_redis_evicts_of_the_account_neither_stops_it_nor_lets_it_grow(name: str, redis: RedisServer) -> None:
    redis.ask("FLUSHALL")
    place = Place(Room(3, 1 << 20, 10.0))
    async with place.redis(redis.url) as (_, answers):
        await answers.get("")
        for i in range(3):
            await answers.put(f"{i}", kept(5, place.now))
        redis.ask("DEL", f"{{headroom:1:answers}}:0:{name}")
        for i in range(3, 9):
            place.now += 0.001
            await answers.put(f"{i}", kept(5, place.now))
        assert (await answers.size()).entries == 3
        assert await answers.get("8") is not None


async def test_away_it_is_a_store_error(place: Place, redis: RedisServer) -> None:
    async with place.redis("redis://127.0.0.1:1/0") as (_, answers):
        await answers.put("k", kept(5, place.now))  # nothing is known of whether all was forgotten
        for call in (answers.get("k"), answers.size(), answers.clear()):
            with pytest.raises(StoreError):
                await call


def test_only_a_redis_is_shared() -> None:
    assert open_answers(Memory(lambda: 0.0), Room(1, 1, 1.0), lambda: 0.0) is None
