"""What every store promises, asked of each of them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import SettingsError
from headroom.stores import open_store
from headroom.stores.base import Size, Space, Store
from tests.clock import Clock
from tests.redisserver import RedisServer

KINDS = ["memory", "sqlite", "redis"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes a store runs with one of each kind."""
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("url", KINDS, indirect=True)


pytestmark = pytest.mark.anyio

SPACE = Space("ccr", ttl=1600.0, max_bytes=100_000)
OTHER = Space("sent", ttl=1600.0, max_bytes=100_000)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> str:
    """Of a store with nothing in it, of each kind."""
    if request.param != "redis":
        return "memory:" if request.param == "memory" else f"sqlite:{tmp_path}/state/db"
    if anyio_backend != "asyncio":
        pytest.skip("redis-py runs on asyncio only")
    server: RedisServer = request.getfixturevalue("redis")
    server.ask("FLUSHALL")
    return f"{server.url}?timeout=10&connect_timeout=10"  # what a busy machine takes is no fault of the store


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[Store]:
    opened = open_store(url, clock)
    try:
        yield opened
    finally:
        await opened.aclose()


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that cannot be packed."""
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("value", [b"", b"x", "grün\n".encode(), noise(5_000), b"line\n" * 4_000, bytes(range(256)) * 40])
async def test_what_was_put_comes_back(store: Store, value: bytes) -> None:
    await store.put(SPACE, "t", {"k": value})
    assert await store.get(SPACE, "t", ["k", "absent"]) == {"k": value}


async def test_put_replaces_and_add_does_not(store: Store) -> None:
    await store.put(SPACE, "t", {"k": b"one"})
    await store.put(SPACE, "t", {"k": b"two"})
    assert await store.add(SPACE, "t", {"k": b"three", "new": b"four"}) == {"k": b"two", "new": b"four"}
    assert await store.get(SPACE, "t", ["k", "new"]) == {"k": b"two", "new": b"four"}
    assert await store.size(SPACE) == Size(2, len("k" "two" "new" "four"))


async def test_spaces_and_tenants_do_not_see_each_other(store: Store) -> None:
    await store.put(SPACE, "a", {"k": b"a's"})
    assert await store.get(SPACE, "b", ["k"]) == {}
    assert await store.get(OTHER, "a", ["k"]) == {}
    assert await store.add(SPACE, "b", {"k": b"b's"}) == {"k": b"b's"}
    assert await store.get(SPACE, "a", ["k"]) == {"k": b"a's"}
    assert await store.size(OTHER) == Size(0, 0)


async def test_no_tenant_reads_everybodys_rows(store: Store) -> None:
    await store.put(SPACE, "a", {"k": b"text"})
    await store.put(SPACE, "b", {"l": b"more"})
    assert await store.get(SPACE, None, ["k", "l", "m"]) == {"k": b"text", "l": b"more"}


async def test_nothing_asked_nothing_answered(store: Store) -> None:
    await store.put(SPACE, "t", {})
    assert await store.add(SPACE, "t", {}) == {}
    assert await store.get(SPACE, "t", []) == {}


async def test_many_keys_at_once(store: Store) -> None:
    rows = {f"{i:024x}": b"v%d" % i for i in range(1_300)}
    assert await store.add(SPACE, "t", rows) == rows
    assert await store.get(SPACE, "t", list(rows)) == rows


async def test_a_life_begins_anew_with_each_read(store: Store, clock: Clock) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    for _ in range(5):
        clock.now += 1500
        assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}
    clock.now += 2000
    assert await store.get(SPACE, "t", ["k"]) == {}
    assert await store.size(SPACE) == Size(0, 0)


async def test_adding_again_is_a_use_too(store: Store, clock: Clock) -> None:
    await store.add(SPACE, "t", {"k": b"v"})
    clock.now += 1500
    await store.add(SPACE, "t", {"k": b"w"})
    clock.now += 1500
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}


async def test_what_expired_does_not_stand_in_the_way(store: Store, clock: Clock) -> None:
    await store.put(SPACE, "t", {"k": b"old"})
    clock.now += 2000
    assert await store.add(SPACE, "t", {"k": b"new"}) == {"k": b"new"}
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"new"}
    assert await store.size(SPACE) == Size(1, 4)


async def test_some_rows_live_for_ever(store: Store, clock: Clock) -> None:
    ever = Space("secrets", ttl=float("inf"), max_bytes=1000)
    assert await store.add(ever, "", {"k": b"v"}) == {"k": b"v"}
    clock.now += 1e9
    assert await store.add(ever, "", {"k": b"w"}) == {"k": b"v"}
    assert await store.size(ever) == Size(1, 2)


async def test_the_rows_unused_for_longest_go_first(store: Store, clock: Clock) -> None:
    for i in range(9):
        await store.put(SPACE, "t", {f"{i}": noise(10_000, i)})
        clock.now += 101  # more than a sixteenth of a life, so that the read below is remembered
    await store.get(SPACE, "t", ["0"])
    await store.put(OTHER, "t", {"x": noise(50_000)})
    await store.put(SPACE, "t", {"9": noise(10_000, 9)})
    left = set(await store.get(SPACE, "t", [str(i) for i in range(10)]))
    assert {"0", "9"} <= left
    assert "1" not in left
    assert (await store.size(SPACE)).bytes <= SPACE.max_bytes
    assert (await store.size(OTHER)).entries == 1


async def test_a_row_larger_than_the_budget_is_not_kept(store: Store) -> None:
    await store.put(SPACE, "t", {"k": b"small", "l": b"other"})
    await store.put(SPACE, "t", {"k": noise(100_001)})
    assert await store.get(SPACE, "t", ["k", "l"]) == {"l": b"other"}


async def test_readers_and_writers_at_the_same_time(store: Store) -> None:
    async def one(number: int) -> None:
        await store.put(SPACE, "t", {f"{number}": b"%d" % number})
        assert await store.get(SPACE, "t", [str(number)]) == {str(number): b"%d" % number}

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(one, number)
    assert (await store.size(SPACE)).entries == 20


@pytest.mark.parametrize("url", ["", "memory", "memory:x", "sqlite:", "redis://u:secret@host:port", "redis://:secret@h/x", "redis:secret", "rediss://u:secret@h?no=1", "/some/path", "postgres:x"])
def test_other_urls_are_refused_in_one_line(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        open_store(url, Clock())
    assert "secret" not in raised.value.message
    assert "\n" not in raised.value.message


Step = tuple[str, str, bytes]
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "add", "get"]), st.sampled_from("abcd"), st.binary(max_size=6)), max_size=25
)


@given(steps=STEPS)
@settings(max_examples=25, deadline=None)
def test_all_stores_tell_the_same_story(redis: RedisServer, steps: list[Step]) -> None:
    async def story(url: str) -> list[object]:
        store, told = open_store(url, Clock()), list[object]()
        for step, key, value in steps:
            if step == "put":
                await store.put(SPACE, "t", {key: value})
            elif step == "add":
                told.append(await store.add(SPACE, "t", {key: value}))
            told.append(await store.get(SPACE, "t", [key]))
        told.append(await store.size(SPACE))
        await store.aclose()
        return told

    with TemporaryDirectory() as folder:
        redis.ask("FLUSHALL")
        told = [anyio.run(story, url) for url in ("memory:", f"sqlite:{folder}/db", f"{redis.url}?timeout=10&connect_timeout=10")]
        assert told[0] == told[1] == told[2]


@given(writes=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30_000)), max_size=30))
@settings(max_examples=20, deadline=None)
def test_the_budget_holds_after_every_write(redis: RedisServer, writes: list[tuple[int, int]]) -> None:
    async def story(url: str) -> None:
        clock = Clock()
        store = open_store(url, clock)
        for key, size in writes:
            clock.now += 1
            await store.put(SPACE, "t", {f"{key}": noise(size, key)})
            assert (await store.size(SPACE)).bytes <= SPACE.max_bytes
            assert f"{key}" in await store.get(SPACE, "t", [f"{key}"]), "the newest row is the last to go"
        await store.aclose()

    with TemporaryDirectory() as folder:
        anyio.run(story, "memory:")
        anyio.run(story, f"sqlite:{folder}/db")
        redis.ask("FLUSHALL")
        anyio.run(story, f"{redis.url}?timeout=10&connect_timeout=10")
