"""What all counters promise, asked of each of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.bucket import Rate
from headroom.budget import Window
from headroom.errors import StoreError
from headroom.stores.counters import KEPT, UNRESERVED, Balance, Cap, Counters, Reserved
from headroom.stores.counters_memory import MemoryCounters
from headroom.stores.counters_redis import RedisCounters
from headroom.stores.counters_sqlite import SQLiteCounters
from headroom.stores.redis import Redis
from headroom.stores.redislink import Link
from headroom.stores.redisurl import parse
from headroom.stores.sqlite import SQLite
from tests.clock import Clock
from tests.redisserver import RedisServer

pytestmark = pytest.mark.anyio

RATE = Rate(60, 60)
DAY = Window(100, 1)
CAP = Cap(DAY, 1000, lives=600.0)


def in_redis(server: RedisServer, clock: Clock) -> Redis:
    where = parse(f"{server.url}?timeout=10&connect_timeout=10")
    return Redis(where, Link(where), clock)


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def counters(request: pytest.FixtureRequest, anyio_backend: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Counters]:
    if request.param == "memory":
        yield MemoryCounters(clock)
        return
    if request.param == "sqlite":
        file = SQLite(tmp_path / "db", clock)
        try:
            yield SQLiteCounters(file)
        finally:
            await file.aclose()
        return
    if anyio_backend != "asyncio":
        pytest.skip("redis-py runs on asyncio only")
    server: RedisServer = request.getfixturevalue("redis")
    server.ask("FLUSHALL")
    store = in_redis(server, clock)
    try:
        yield RedisCounters(store, clock)
    finally:
        await store.aclose()


# Buckets --------------------------------------------------------------------------------------------------

async def test_a_bucket_is_full_at_first_and_each_key_has_its_own(counters: Counters, clock: Clock) -> None:
    assert (await counters.take("a", RATE, 60)).granted
    refused = await counters.take("a", RATE, 1)
    assert (refused.granted, refused.wait, refused.left) == (False, 1.0, 0)
    assert (await counters.take("b", RATE, 60)).granted
    clock.now += 1
    assert (await counters.take("a", RATE, 1)).granted


async def test_what_is_owed_is_waited_for(counters: Counters) -> None:
    await counters.take("a", RATE, 60)
    assert (await counters.take("a", RATE, 30, owe=True)).granted
    assert (await counters.take("a", RATE, 1)).wait == 31.0
    assert (await counters.take("a", RATE, -40, owe=True)).left == 10


async def test_buckets_in_use_are_counted(counters: Counters, clock: Clock) -> None:
    assert await counters.active("a") == 0
    for key in ("a:1", "a:2", "b:1"):
        await counters.take(key, RATE, 60)
    assert await counters.active("a:") == 2
    assert await counters.active("") == 3
    clock.now += 61
    assert await counters.active("a:") == 0


async def test_memory_holds_no_more_buckets_than_it_should(clock: Clock) -> None:
    counters = MemoryCounters(clock, most=3)
    for key in "abcd":
        await counters.take(key, RATE, 60)
    assert await counters.active("") == 3
    assert (await counters.take("a", RATE, 60)).granted, "the one unused for longest was dropped"
    assert not (await counters.take("d", RATE, 60)).granted


# Budgets --------------------------------------------------------------------------------------------------

async def test_reserve_then_settle(counters: Counters) -> None:
    assert await counters.reserve("b", "1", 700, CAP) == Reserved(True, Balance(0, 700, 100, None, 1000))
    assert await counters.reserve("b", "2", 301, CAP) == Reserved(False, Balance(0, 700, 100, None, 1000))
    await counters.settle("b", {"1": 100}, DAY)
    assert await counters.balance("b", DAY) == Balance(100, 0, 100, 100, 1000)
    assert (await counters.reserve("b", "3", 900, CAP)).granted
    assert not (await counters.reserve("b", "4", 1, CAP)).granted
    assert (await counters.reserve("other", "4", 1, CAP)).granted


async def test_nothing_counts_twice(counters: Counters) -> None:
    for _ in range(2):
        assert (await counters.reserve("b", "1", 700, CAP)).granted
    for amount in (300, 300, 5):
        await counters.settle("b", {"1": amount}, DAY)
    assert await counters.balance("b", DAY) == Balance(300, 0, 100, 100, 1000)


async def test_what_was_spent_without_a_reservation_counts_each_time(counters: Counters) -> None:
    for _ in range(2):
        await counters.settle("b", {UNRESERVED: 2000, "unknown": 5}, DAY)
    assert (await counters.balance("b", DAY)).spent == 4000
    assert not (await counters.reserve("b", "2", 0, CAP)).granted


async def test_a_reservation_can_settle_others_in_the_same_step(counters: Counters) -> None:
    await counters.reserve("b", "1", 900, CAP)
    assert await counters.reserve("b", "2", 800, CAP, {"1": 100}) == Reserved(True, Balance(100, 800, 100, 100, 1000))
    assert await counters.reserve("b", "3", 800, CAP, {"2": 200}) == Reserved(False, Balance(300, 0, 100, 100, 1000))


async def test_a_reservation_that_nobody_settles_counts_as_spent_until_somebody_does(counters: Counters, clock: Clock) -> None:
    await counters.reserve("b", "1", 700, CAP)
    clock.now += 601
    assert not (await counters.reserve("b", "2", 301, CAP)).granted
    assert await counters.balance("b", DAY) == Balance(700, 0, 100, 100, 1000)
    await counters.settle("b", {"1": 50}, DAY)
    await counters.settle("b", {"1": 50}, DAY)
    assert await counters.balance("b", DAY) == Balance(50, 0, 100, 100, 1000)


async def test_it_can_be_settled_for_a_day(counters: Counters, clock: Clock) -> None:
    await counters.reserve("b", "1", 10, CAP)
    for seconds in (601, KEPT + 1):
        clock.now += seconds
        await counters.reserve("b", "2", 2000, CAP)
    await counters.settle("b", {"1": 0}, DAY)
    assert await counters.balance("b", DAY) == Balance(10, 0, 100, 100, 1000)


async def test_the_next_period_begins_with_nothing_spent_and_what_is_in_flight(counters: Counters) -> None:
    await counters.settle("b", {UNRESERVED: 600}, DAY)
    await counters.reserve("b", "2", 400, CAP)
    tomorrow = Window(101, 1)
    assert await counters.balance("b", tomorrow) == Balance(0, 400, 101, None, 1000)
    await counters.settle("b", {"2": 300}, tomorrow)
    assert await counters.balance("b", tomorrow) == Balance(300, 0, 101, 101, 1000)


async def test_a_clock_that_goes_back_gives_no_new_budget(counters: Counters) -> None:
    await counters.settle("b", {UNRESERVED: 900}, DAY)
    yesterday = Window(99, 1)
    assert not (await counters.reserve("b", "2", 200, Cap(yesterday, 1000, 600.0))).granted
    assert (await counters.reserve("b", "3", 100, Cap(yesterday, 1000, 600.0))).granted
    await counters.settle("b", {"3": 100}, yesterday)
    for window in (yesterday, DAY):
        assert await counters.balance("b", window) == Balance(1000, 0, 100, 100, 1000)


async def test_an_hour_rolls_minute_by_minute(counters: Counters) -> None:
    for minute, amount in ((40, 10), (99, 20), (100, 30)):
        await counters.settle("b", {UNRESERVED: amount}, Window(minute, 60))
    assert await counters.balance("b", Window(99, 60)) == Balance(50, 0, 100, 99, None)  # the clock went back a minute
    assert (await counters.balance("b", Window(158, 60))).spent == 50
    assert await counters.balance("b", Window(159, 60)) == Balance(30, 0, 159, 100, None)
    assert (await counters.balance("b", Window(160, 60))).spent == 0


async def test_reset_forgets_what_was_spent_and_not_what_is_in_flight(counters: Counters, clock: Clock) -> None:
    await counters.settle("b", {UNRESERVED: 900}, Window(500, 1))
    await counters.reserve("b", "due", 70, Cap(DAY, 1000, lives=5.0))
    await counters.reserve("b", "open", 30, CAP)
    clock.now += 10
    await counters.reserve("b", "late", 1000, CAP)
    await counters.reset("b")
    assert await counters.balance("b", DAY) == Balance(0, 30, 100, None, 1000)
    await counters.settle("b", {"due": 20}, DAY)
    assert await counters.balance("b", DAY) == Balance(0, 30, 100, None, 1000)


# Laws -----------------------------------------------------------------------------------------------------

IDS = st.sampled_from([str(i) for i in range(6)])
AMOUNTS = st.integers(0, 600)
STEPS = st.one_of(
    st.tuples(st.just("take"), st.sampled_from("ab"), st.integers(0, 80), st.just(False)),
    st.tuples(st.just("take"), st.sampled_from("ab"), st.integers(-80, 80), st.just(True)),
    st.tuples(st.just("reserve"), IDS, AMOUNTS, st.integers(95, 105)),
    st.tuples(st.just("settle"), IDS | st.just(UNRESERVED), AMOUNTS, st.integers(95, 105)),
    st.tuples(st.just("wait"), st.just(""), st.integers(-50, 800), st.just(0)),
    st.tuples(st.just("reset"), st.just(""), st.just(0), st.just(0)),
)


async def run(counters: Counters, clock: Clock, steps: list[tuple[str, str, int, int]], span: int) -> list[object]:
    seen: list[object] = []
    for name, key, amount, more in steps:
        if name == "take":
            seen.append(await counters.take(key, RATE, amount, owe=bool(more)))
        elif name == "reserve":
            seen.append(await counters.reserve("b", key, amount, Cap(Window(more, span), 1000, 600.0)))
        elif name == "settle":
            await counters.settle("b", {key: amount}, Window(more, span))
        elif name == "reset":
            await counters.reset("b")
        else:
            clock.now += amount
        seen.append(await counters.balance("b", Window(100, span)))
    return seen


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEPS, max_size=25), span=st.sampled_from([1, 4]))
def test_all_count_alike(redis: RedisServer, steps: list[tuple[str, str, int, int]], span: int) -> None:
    async def all_of_them() -> None:
        clocks = Clock(), Clock(), Clock()
        redis.ask("FLUSHALL")
        with TemporaryDirectory() as folder:
            file, server = SQLite(Path(folder) / "db", clocks[1]), in_redis(redis, clocks[2])
            try:
                told = await run(MemoryCounters(clocks[0]), clocks[0], steps, span)
                assert told == await run(SQLiteCounters(file), clocks[1], steps, span)
                assert told == await run(RedisCounters(server, clocks[2]), clocks[2], steps, span)
            finally:
                await file.aclose()
                await server.aclose()

    anyio.run(all_of_them)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(IDS, AMOUNTS, st.integers(95, 105)), max_size=40))
def test_no_slot_ever_holds_more_than_the_limit(steps: list[tuple[str, int, int]]) -> None:
    """If nothing costs more than was reserved for it: whatever the clock does, and each slot is granted once."""

    async def law() -> None:
        counters, spent, held, granted = MemoryCounters(Clock()), 0, 0, set[str]()
        for id, amount, slot in steps:
            before = held
            held = max(held, slot)
            if held > before:
                spent = 0
            if (await counters.reserve("b", f"{id}{len(granted)}", amount, Cap(Window(slot, 1), 1000, 1e9))).granted:
                granted.add(f"{id}{len(granted)}")
                await counters.settle("b", {f"{id}{len(granted) - 1}": amount}, Window(slot, 1))
                spent += amount
            assert spent <= 1000
            assert (await counters.balance("b", Window(slot, 1))).spent == spent

    anyio.run(law)


async def test_what_is_asked_for_at_once_is_done_together_and_each_hears_of_its_own(tmp_path: Path, clock: Clock) -> None:
    store = SQLite(tmp_path / "db", clock)
    counters, granted = SQLiteCounters(store), list[int]()

    async def one(i: int) -> None:
        if (await counters.reserve("b", str(i), 100 + i, CAP)).granted:
            granted.append(i)

    async with anyio.create_task_group() as tasks:
        for i in range(20):
            tasks.start_soon(one, i)
    assert len(granted) in (8, 9)
    assert (await counters.balance("b", DAY)).reserved == sum(100 + i for i in granted) <= 1000
    await store.aclose()


async def test_who_is_cancelled_while_waiting_stops_nobody_else(tmp_path: Path, clock: Clock) -> None:
    store = SQLite(tmp_path / "db", clock)
    counters, done = SQLiteCounters(store), list[int]()
    scopes = [anyio.CancelScope() for _ in range(12)]

    async def one(i: int) -> None:
        with scopes[i]:
            await counters.settle("b", {UNRESERVED: 1}, DAY)
            done.append(i)

    async with anyio.create_task_group() as tasks:
        for i in range(12):
            tasks.start_soon(one, i)
        await anyio.lowlevel.checkpoint()
        for scope in scopes[::3]:
            scope.cancel()
    assert {i for i in range(12) if i % 3} <= set(done)
    assert len(done) <= (await counters.balance("b", DAY)).spent <= 12
    await store.aclose()


async def test_one_that_cannot_be_done_fails_all_that_were_to_be_done_with_it(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "db").mkdir()
    counters, failed = SQLiteCounters(SQLite(tmp_path / "db", clock)), list[int]()

    async def one(i: int) -> None:
        with pytest.raises(StoreError):
            await counters.settle("b", {UNRESERVED: 1}, DAY)
        failed.append(i)

    async with anyio.create_task_group() as tasks:
        for i in range(5):
            tasks.start_soon(one, i)
    assert len(failed) == 5


# Redis ----------------------------------------------------------------------------------------------------

RACE_IN_REDIS = """
import anyio, sys
from headroom.budget import Window
from headroom.bucket import Rate
from headroom.stores import open_counters, open_store
from headroom.stores.counters import Cap
async def main():
    store = open_store(sys.argv[1], lambda: 0.0)
    counters = open_counters(store, lambda: 0.0)
    granted = taken = 0
    for i in range(200):
        granted += (await counters.reserve("b", f"{sys.argv[2]}{i}", 10, Cap(Window(1, 1), 1000, 60.0))).granted
        taken += (await counters.take("k", Rate(1, 100), 1)).granted
    print(granted, taken)
    await store.aclose()
anyio.run(main)
"""


def test_processes_that_race_in_redis_never_overdraw(redis: RedisServer) -> None:
    redis.ask("FLUSHALL")
    command = [sys.executable, "-c", RACE_IN_REDIS, f"{redis.url}?timeout=10&connect_timeout=10"]
    racers = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in "abc"]
    told = [racer.communicate(timeout=60)[0].split() for racer in racers]
    assert [sum(int(one[i]) for one in told) for i in (0, 1)] == [100, 100]


def test_large_amounts_stay_exact_in_redis(redis: RedisServer) -> None:
    """Lua counts in doubles, and would show fourteen digits of them."""

    async def story() -> None:
        redis.ask("FLUSHALL")
        clock = Clock(1_790_000_000.123456)
        store = in_redis(redis, clock)
        counters, day, most = RedisCounters(store, clock), Window(739_000, 1), 5_000_000_000_000_001
        assert (await counters.reserve("b", "1", most, Cap(day, most, 600.0))).granted
        assert not (await counters.reserve("b", "2", 1, Cap(day, most, 600.0))).granted
        await counters.settle("b", {"1": most - 1}, day)
        assert (await counters.balance("b", day)).spent == most - 1
        rate = Rate(100_000_000, 100_000_000)
        assert (await counters.take("k", rate, rate.burst - 1)).left == 1
        assert (await counters.take("k", rate, 1)).granted
        assert not (await counters.take("k", rate, 1)).granted
        await store.aclose()

    anyio.run(story)


# SQLite ---------------------------------------------------------------------------------------------------

async def test_a_restart_forgets_nothing(tmp_path: Path, clock: Clock) -> None:
    for turn in (1, 2):
        store = SQLite(tmp_path / "db", clock)
        counters = SQLiteCounters(store)
        assert (await counters.balance("b", DAY)).spent == 300 * (turn - 1)
        await counters.settle("b", {UNRESERVED: 300}, DAY)
        await store.aclose()


async def test_a_file_that_was_deleted_gets_its_tables_again(tmp_path: Path, clock: Clock) -> None:
    store = SQLite(tmp_path / "db", clock)
    counters = SQLiteCounters(store)
    await counters.settle("b", {UNRESERVED: 300}, DAY)
    (tmp_path / "db").unlink()
    await counters.settle("b", {UNRESERVED: 200}, DAY)
    assert (await counters.balance("b", DAY)).spent == 200
    await store.aclose()


async def test_state_that_cannot_be_used_is_a_store_error(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "db").mkdir()
    counters = SQLiteCounters(SQLite(tmp_path / "db", clock))
    with pytest.raises(StoreError):
        await counters.take("a", RATE, 1)


RACE = """
import sys, time
from pathlib import Path
import anyio
from headroom.bucket import Rate
from headroom.budget import Window
from headroom.stores.counters import Cap
from headroom.stores.counters_redis import RedisCounters
from headroom.stores.counters_sqlite import SQLiteCounters
from headroom.stores.redis import Redis
from headroom.stores.redislink import Link
from headroom.stores.redisurl import parse
from headroom.stores.sqlite import SQLite
from tests.redisserver import RedisServer

async def main(path, name):
    store = SQLite(Path(path), lambda: 1_000_000.0)
    counters, passed, spent = SQLiteCounters(store), 0, 0
    for i in range(60):
        passed += (await counters.take("a", Rate(60, 100), 1)).granted
        if (await counters.reserve("b", f"{name}-{i}", 40, Cap(Window(1, 1), 2000, 600.0))).granted:
            await counters.settle("b", {f"{name}-{i}": 30 + i % 11}, Window(1, 1))
            spent += 30 + i % 11
    await store.aclose()
    print(passed, spent)

anyio.run(main, *sys.argv[1:])
"""


def test_processes_that_race_pass_and_spend_no_more_than_one_would(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACE, str(tmp_path / "db")]
    racing = [subprocess.Popen([*command, str(i)], stdout=subprocess.PIPE, text=True) for i in range(4)]
    told = [[int(n) for n in process.communicate(timeout=60)[0].split()] for process in racing]
    passed, spent = (sum(column) for column in zip(*told, strict=True))
    assert passed == 100
    assert 2000 - 40 < spent <= 2000

    async def account() -> Balance:
        store = SQLite(tmp_path / "db", lambda: 1_000_000.0)
        try:
            return await SQLiteCounters(store).balance("b", Window(1, 1))
        finally:
            await store.aclose()

    assert anyio.run(account) == Balance(spent, 0, 1, 1, 2000)
