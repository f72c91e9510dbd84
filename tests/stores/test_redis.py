"""The Redis store and its server: dead, slow, restarted, full, guarded, shared."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest
import trustme

from headroom.budget import Window
from headroom.errors import StoreError
from headroom.sent import Journal, Unread
from headroom.stores import open_counters, open_store
from headroom.stores.base import Size, Space, Store
from headroom.stores.counters import UNRESERVED
from tests.redisserver import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

SPACE = Space("ccr", ttl=1600.0, max_bytes=64 << 20)
NOW = 1_000_000.0
PATIENT = "?timeout=10&connect_timeout=10"
"""For tests in which nothing is to time out."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # redis-py runs on nothing else


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    yield server
    server.stop()


@pytest.fixture
async def store(redis: RedisServer) -> AsyncIterator[Store]:
    opened = open_store(redis.url + PATIENT, lambda: NOW)
    yield opened
    await opened.aclose()


async def answers(store: Store) -> None:
    """Returns once the store can be used again, which it finds out by itself."""
    with anyio.fail_after(30):
        while True:
            try:
                await store.size(SPACE)
            except StoreError:
                await anyio.sleep(0.02)
            else:
                return


async def test_a_restart_loses_nothing_and_nobody_notices(store: Store, redis: RedisServer) -> None:
    """Idle connections are dead and the scripts forgotten."""
    async with anyio.create_task_group() as group:
        for i in range(8):
            group.start_soon(store.put, SPACE, "t", {f"{i}": b"v"})
    redis.kill()
    redis.start()
    assert len(await store.get(SPACE, "t", [f"{i}" for i in range(8)])) == 8


async def test_dead_it_fails_at_once_and_recovers_by_itself(
    store: Store, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    redis.kill()
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            with pytest.raises(StoreError, match=re.escape(f"redis://127.0.0.1:{redis.port}/0")):
                await store.get(SPACE, "t", ["k"])
        redis.start()
        await answers(store)
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}
    assert len(caplog.records) == 2, "one line when it went, one when it came back"


async def test_frozen_it_costs_one_time_out_and_not_one_a_request(redis: RedisServer) -> None:
    store = open_store(f"{redis.url}?timeout=0.3&connect_timeout=5", lambda: NOW)
    await answers(store)
    redis.freeze()
    began = anyio.current_time()
    for _ in range(10):
        with pytest.raises(StoreError):
            await store.get(SPACE, "t", ["k"])
    assert anyio.current_time() - began < 3 * 0.3, "ten time-outs would take 3 s"
    redis.thaw()
    await answers(store)
    await store.aclose()


async def test_frozen_from_the_start(redis: RedisServer) -> None:
    """The kernel accepts for it, so that connecting works and the first answer never comes."""
    redis.freeze()
    store = open_store(f"{redis.url}?timeout=0.2", lambda: NOW)
    with pytest.raises(StoreError):
        await store.size(SPACE)
    redis.thaw()
    await answers(store)
    await store.aclose()


async def test_a_client_that_leaves_in_the_middle_leaves_a_store_that_works(store: Store, redis: RedisServer) -> None:
    await store.put(SPACE, "t", {"k": b"v", "l": b"w"})
    redis.freeze()
    with anyio.move_on_after(0.05) as scope:
        await store.get(SPACE, "t", ["k"])
    assert scope.cancelled_caught
    redis.thaw()
    assert await store.get(SPACE, "t", ["l"]) == {"l": b"w"}, "and not the answer to the other question"


async def test_large_values(store: Store) -> None:
    text = os.urandom(16 << 20)
    await store.put(SPACE, "t", {"k": text, "l": b"line\n" * 1_000_000})
    assert await store.get(SPACE, "t", ["k", "l"]) == {"k": text, "l": b"line\n" * 1_000_000}
    assert (await store.size(SPACE)).bytes < (16 << 20) + 100_000, "what can be packed is"


async def test_two_nodes_agree_on_who_was_first(store: Store, redis: RedisServer) -> None:
    second = open_store(redis.url + PATIENT, lambda: NOW)
    assert await store.add(SPACE, "", {"k": b"first"}) == {"k": b"first"}
    assert await second.add(SPACE, "", {"k": b"second", "l": b"mine"}) == {"k": b"first", "l": b"mine"}
    assert await store.get(SPACE, "", ["k", "l"]) == {"k": b"first", "l": b"mine"}
    await second.aclose()


async def test_prefixes_do_not_see_each_other(store: Store, redis: RedisServer) -> None:
    other = open_store(f"{redis.url}{PATIENT}&prefix=other", lambda: NOW)
    await store.put(SPACE, "t", {"k": b"v"})
    assert await other.get(SPACE, "t", ["k"]) == {}
    assert await other.size(SPACE) == Size(0, 0)
    await other.aclose()


async def test_what_redis_evicts_is_gone_and_no_more(store: Store, redis: RedisServer) -> None:
    await store.put(SPACE, "t", {"k": b"v", "l": b"w"})
    redis.ask("DEL", "{headroom:1:ccr}:row:k")
    assert await store.get(SPACE, "t", ["k", "l"]) == {"l": b"w"}
    assert await store.add(SPACE, "t", {"k": b"longer"}) == {"k": b"longer"}
    assert await store.get(SPACE, "t", ["k", "l"]) == {"k": b"longer", "l": b"w"}


async def test_without_its_index_a_row_is_still_found(store: Store, redis: RedisServer) -> None:
    await store.put(SPACE, "t", {"k": b"v", "l": b"w"})
    redis.ask("DEL", "{headroom:1:ccr}:used", "{headroom:1:ccr}:bytes")
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}
    assert await store.add(SPACE, "t", {"l": b"x"}) == {"l": b"w"}
    assert await store.size(SPACE) == Size(2, 4)


async def test_a_value_that_does_not_unpack_is_an_error(store: Store, redis: RedisServer) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    redis.ask("HSET", "{headroom:1:ccr}:row:k", "t", b"\1xx")
    with pytest.raises(StoreError):
        await store.get(SPACE, "t", ["k"])


async def test_redis_itself_deletes_what_nobody_comes_back_for(store: Store, redis: RedisServer) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    await store.put(Space("secrets", ttl=float("inf"), max_bytes=1000), "t", {"k": b"v"})
    assert 1600 < int(redis.ask("TTL", "{headroom:1:ccr}:row:k")[1:]) < 2 * 3600
    assert redis.ask("TTL", "{headroom:1:secrets}:row:k") == b":-1\r\n"


async def test_a_full_redis_fails_writes_and_nothing_else(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis", "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
    store = open_store(server.url + PATIENT, lambda: NOW)
    await store.put(SPACE, "t", {"k": b"v"})
    failed = 0
    for i in range(50):
        try:
            await store.put(SPACE, "t", {f"{i}": os.urandom(200_000)})
        except StoreError as error:
            failed += "maxmemory" in error.message
    assert failed > 0
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}
    await store.aclose()
    server.stop()


async def test_short_of_memory_rows_go_and_budgets_stay(tmp_path: Path) -> None:
    """And the index does not grow with what is no longer there."""
    server = RedisServer(tmp_path / "redis", "--maxmemory", "6mb", "--maxmemory-policy", "volatile-lru")
    store = open_store(server.url + PATIENT, lambda: NOW)
    counters = open_counters(store, lambda: NOW)
    await counters.settle("budget", {UNRESERVED: 700}, Window(1, 1))
    for i in range(1500):
        await store.put(SPACE, "t", {f"{i}": os.urandom(10_000)})
    assert await store.get(SPACE, "t", ["1499"]) != {}
    size = await store.size(SPACE)
    assert size.bytes < 10 << 20, "15 MB were written"
    assert (await counters.balance("budget", Window(1, 1))).spent == 700
    await store.aclose()
    server.stop()


async def test_a_password(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis", "--requirepass", "correct horse")
    place = f"127.0.0.1:{server.port}/0{PATIENT}"
    for url in (f"redis://{place}", f"redis://:wrong-horse@{place}"):
        refused = open_store(url, lambda: NOW)
        with pytest.raises(StoreError) as raised:
            await refused.size(SPACE)
        assert "wrong-horse" not in raised.value.message
        await refused.aclose()
    store = open_store(f"redis://:correct%20horse@{place}", lambda: NOW)
    assert await store.size(SPACE) == Size(0, 0)
    await store.aclose()
    server.stop()


async def test_tls(tmp_path: Path) -> None:
    ca = trustme.CA()
    certificate = ca.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = RedisServer(tmp_path / "redis")
    server.stop()
    secure = RedisServer(  # its plain port only says that it is up
        tmp_path / "redis", "--tls-port", str(server.port), "--tls-cert-file", f"{tmp_path}/cert.pem", "--tls-key-file",
        f"{tmp_path}/key.pem", "--tls-ca-cert-file", f"{tmp_path}/ca.pem", "--tls-auth-clients", "no",
    )
    url = f"rediss://127.0.0.1:{server.port}{PATIENT}"
    store = open_store(f"{url}&ca={tmp_path}/ca.pem", lambda: NOW)
    await store.put(SPACE, "t", {"k": b"v"})
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}
    await store.aclose()
    stranger = open_store(url, lambda: NOW)
    with pytest.raises(StoreError, match="certificate"):
        await stranger.size(SPACE)
    await stranger.aclose()
    secure.stop()


async def test_the_journal_remembers_while_redis_is_away(store: Store, redis: RedisServer) -> None:
    """What this process sent it sends again, and what it sent meanwhile the others learn later."""
    journal = Journal(store, lambda: NOW)
    await journal.record({"one": "short"})
    redis.kill()
    assert await journal.read(["one"]) == {"one": "short"}
    with pytest.raises(StoreError):
        await journal.record({"two": None})
    with pytest.raises(Unread) as raised:
        await journal.read(["one", "two", "three"])
    assert raised.value.known == {"one": "short", "two": None}
    redis.start()
    await answers(store)
    await journal.record({"three": "new"})
    second = open_store(redis.url + PATIENT, lambda: NOW)
    assert await Journal(second, lambda: NOW).read(["one", "two", "three"]) == {"one": "short", "two": None, "three": "new"}
    await second.aclose()


RACE = """
import anyio, sys
from headroom.stores import open_counters, open_store
from headroom.stores.base import Space
SPACE = Space("ccr", ttl=1600.0, max_bytes=1 << 24)
async def main():
    store = open_store(sys.argv[1], lambda: 1_000_000.0)
    stands = {}
    for i in range(0, 200, 10):
        stands |= await store.add(SPACE, "", {f"{k}": sys.argv[2].encode() for k in range(i, i + 10)})
    print(" ".join(stands[f"{i}"].decode() for i in range(200)))
    await store.aclose()
anyio.run(main)
"""


def test_processes_that_race_agree_on_every_row(redis: RedisServer) -> None:
    command = [sys.executable, "-c", RACE, redis.url + PATIENT]
    racers = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in "abc"]
    told = [racer.communicate(timeout=60)[0] for racer in racers]
    assert len(set(told)) == 1
    assert len(told[0].split()) == 200


def test_on_trio_it_says_why_not(redis: RedisServer) -> None:
    async def ask() -> str:
        store = open_store(redis.url, lambda: NOW)
        with pytest.raises(StoreError) as raised:
            await store.size(SPACE)
        await store.aclose()
        return raised.value.message

    assert "asyncio" in anyio.run(ask, backend="trio")
