"""Two proxies on one Redis: any of them serves any turn, also while Redis is killed and started again."""

# ruff: noqa: ASYNC110 - what happens in another process can only be looked for

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

from headroom.ccr import MARKER
from headroom.demo.serving import application, serving
from headroom.http.client import Client, ClientLimits
from headroom.http.message import Request, Response, once
from headroom.http.tls import Trust
from headroom.http.tunnel import Proxies
from headroom.options import load
from headroom.proxy.server import App
from headroom.settings import Settings
from tests.bodies import drain
from tests.redisserver import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.anyio, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

PATIENT = "?timeout=10&connect_timeout=10"
"""For where nothing should time out: a killed Redis refuses at once, and a busy machine may take its time."""

KEY = (b"x-api-key", b"sk-planted-secret")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # redis-py runs on nothing else


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    yield server
    server.stop()


@dataclass
class World:
    """A provider that keeps what it is sent, by conversation, and proxies before it."""

    client: Client
    stack: AsyncExitStack
    home: str
    """For the ledgers: each machine has its own."""
    upstream: str = ""
    sent: dict[str, list[Any]] = field(default_factory=dict)
    nodes: list[str] = field(default_factory=list)

    async def provider(self, request: Request) -> Response:
        body = json.loads(b"".join([chunk async for chunk in request.body]))
        self.sent.setdefault(body["metadata"]["user_id"], []).append(body["messages"])
        answer = json.dumps({"content": [], "usage": {"input_tokens": 5, "output_tokens": 1}}).encode()
        return Response(200, [(b"content-type", b"application/json")], once(answer))

    async def start(self, state: str, *more: str, stack: AsyncExitStack | None = None) -> None:
        """`stack`: ends it, before the others."""
        arguments = ["--quiet", f"--state={state}", f"--anthropic-api-url={self.upstream}", *more]
        app = App(load(Settings, arguments, {}).settings, {"HOME": f"{self.home}/{len(self.nodes)}"})
        self.nodes.append(await (stack or self.stack).enter_async_context(serving(app)))

    async def ask(self, node: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        raw = b"" if body is None else json.dumps(body).encode()
        request = Request(method, path, [KEY, (b"content-type", b"application/json")], once(raw))
        response = await self.client.to(self.nodes[node])(request)
        return response.status, json.loads(await drain(response))

    async def say(self, node: int, turns: int, name: str = "c") -> None:
        body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "metadata": {"user_id": name}, "messages": conversation(name, turns)}
        assert (await self.ask(node, "POST", "/v1/messages", body))[0] == 200


@pytest.fixture
async def world(redis: RedisServer, tmp_path: Path) -> AsyncIterator[World]:
    limits = ClientLimits(max_connections=64, max_keepalive=64, connect_timeout=10, first_byte_timeout=60, idle_timeout=60)
    client = Client(limits, Trust(""), Proxies.of({}, ""), anyio.current_time)
    async with AsyncExitStack() as stack:
        world = World(client, stack, str(tmp_path))
        world.upstream = await stack.enter_async_context(serving(application(world.provider)))
        yield world
        await client.aclose()


def output(name: str, turn: int) -> str:
    return "\n".join(
        f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 4}] {name} request id={i * 7919 + turn:09d} path=/api/items/{i % 9} status=200"
        for i in range(120)
    )


def conversation(name: str, turns: int) -> list[Any]:
    messages: list[Any] = [{"role": "user", "content": "look at the log"}]
    for turn in range(turns):
        call = {"type": "tool_use", "id": f"toolu_{turn}", "name": "Bash", "input": {"command": f"cat {turn}.log"}}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": output(name, turn)}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    return messages


def unbroken(bodies: list[Any]) -> bool:
    """Whether each request begins with the one before, form for form."""
    return all(later[: len(earlier)] == earlier for earlier, later in pairwise(bodies))


async def test_any_node_serves_any_turn_and_gives_back_any_original(world: World, redis: RedisServer) -> None:
    """The second node would leave nothing out by itself: it sends what the first one recorded."""
    await world.start(redis.url + PATIENT, "--no-ccr-inject-tool")
    await world.start(redis.url + PATIENT, "--lossless")
    await world.say(0, 1)
    await world.say(1, 2)
    await world.say(0, 3)
    assert unbroken(world.sent["c"])
    marker = MARKER.search(world.sent["c"][0][2]["content"][0]["content"])
    assert marker is not None
    for node in (0, 1):
        status, found = await world.ask(node, "GET", f"/v1/retrieve/{marker['key']}")
        assert (status, found["text"]) == (200, output("c", 0))


async def health(world: World, node: int, wanted: str) -> None:
    """Returns when it says so."""
    with anyio.fail_after(30):
        while (await world.ask(node, "GET", "/health"))[1]["status"] != wanted:
            await anyio.sleep(0.05)


async def test_redis_dies_and_comes_back_under_load(world: World, redis: RedisServer) -> None:
    """No request fails, no byte that was sent before is sent otherwise, whichever node serves a turn, and each is accounted for once."""
    names, turns = [f"c{i}" for i in range(4)], 12
    for _ in range(2):
        await world.start(redis.url + PATIENT)

    async def talk(name: str) -> None:
        for turn in range(turns):
            await world.say((turn + len(name)) % 2, turn + 1, name)

    async with anyio.create_task_group() as load:
        for name in names:
            load.start_soon(talk, name)
        while sum(map(len, world.sent.values())) < 8:
            await anyio.sleep(0.01)
        redis.kill()
        for node in (0, 1):
            await health(world, node, "degraded")
            assert (await world.ask(node, "GET", "/readyz"))[0] == 200
        while sum(map(len, world.sent.values())) < 24:
            await anyio.sleep(0.01)
        redis.start()
    for node in (0, 1):
        await health(world, node, "healthy")
    assert {name: len(world.sent[name]) for name in names} == dict.fromkeys(names, turns)
    assert all(unbroken(world.sent[name]) for name in names)
    await agreed(world, len(names) * turns)
    short = sum(len(json.dumps(bodies[-1])) for bodies in world.sent.values())
    assert short < sum(len(json.dumps(conversation(name, turns))) for name in names) * 0.9, "it was all shortened"


async def test_a_node_starts_while_redis_is_away(world: World, redis: RedisServer) -> None:
    redis.kill()
    await world.start(redis.url)
    await world.say(0, 1)
    assert (await world.ask(0, "GET", "/readyz"))[0] == 200
    assert (await world.ask(0, "GET", "/health"))[1]["status"] == "degraded"
    redis.start()
    await health(world, 0, "healthy")
    await world.say(0, 2)
    assert unbroken(world.sent["c"])


async def test_a_frozen_redis_holds_up_few_requests(world: World, redis: RedisServer) -> None:
    await world.start(redis.url)
    await world.say(0, 1)
    redis.freeze()
    for turn in range(2, 8):
        await world.say(0, turn)
    redis.thaw()
    await health(world, 0, "healthy")
    await world.say(0, 8)
    assert unbroken(world.sent["c"])


async def test_limits_are_everybodys_and_each_ones_own_while_redis_is_away(world: World, redis: RedisServer) -> None:
    for _ in range(2):
        await world.start(redis.url + PATIENT, "--rpm=1")

    async def admitted() -> list[int]:
        """What each node answers, asked in turn; none gets a second one within a minute."""
        body = {"model": "m", "max_tokens": 9, "metadata": {"user_id": "c"}, "messages": [{"role": "user", "content": "hello"}]}
        return [(await world.ask(node, "POST", "/v1/messages", body))[0] for node in (0, 1, 0, 1)]

    assert await admitted() == [200, 429, 429, 429]
    redis.kill()
    for node in (0, 1):
        await health(world, node, "degraded")
    assert await admitted() == [200, 200, 429, 429]
    redis.start()
    for node in (0, 1):
        await health(world, node, "healthy")
    assert await admitted() == [429, 429, 429, 429]


async def test_what_one_node_asked_another_gives_again_until_any_is_told_to_forget(world: World, redis: RedisServer) -> None:
    for _ in range(2):
        await world.start(redis.url + PATIENT)
    await world.say(0, 1)
    with anyio.fail_after(30):
        while not (await world.ask(1, "GET", "/stats"))[1]["cache"]["entries"]:  # it is kept when the last byte has left
            await anyio.sleep(0.01)
    await world.say(1, 1)
    assert len(world.sent["c"]) == 1
    assert (await world.ask(1, "GET", "/stats"))[1]["cache"] | {"bytes": 0} == {"entries": 1, "bytes": 0, "hits": 1, "misses": 0}
    assert (await world.ask(0, "POST", "/cache/clear"))[0] == 200
    assert (await world.ask(1, "GET", "/stats"))[1]["cache"]["entries"] == 0
    await world.say(1, 1)
    assert len(world.sent["c"]) == 2
    log = b"".join(file.read_bytes() for file in redis.folder.rglob("*.aof"))
    assert re.search(rb"\{headroom:1:answers\}:\d+:row:[0-9a-f]{64}\r", log)
    assert KEY[1] not in log
    redis.kill()
    for node in (0, 1):
        await world.say(node, 1)
    assert len(world.sent["c"]) == 4, "without it, each request is asked for itself"
    assert (await world.ask(0, "GET", "/stats"))[1]["cache"]["entries"] is None
    assert (await world.ask(0, "POST", "/cache/clear"))[0] == 503


async def savings(world: World, node: int) -> tuple[Any, Any, Any]:
    """What a node says of all: exchanges, tokens saved, and exchanges in the hours."""
    found = (await world.ask(node, "GET", "/stats"))[1]["persistent_savings"]
    rows = (await world.ask(node, "GET", "/stats-history?series=hourly"))[1]["rows"]
    return found["requests"], found["tokens_saved"], sum(row["requests"] for row in rows)


async def test_savings_of_a_node_stay_when_it_ends_and_count_once_when_it_is_back(world: World, redis: RedisServer, tmp_path: Path) -> None:
    await world.start(redis.url + PATIENT, "--no-cache")
    for turn in (1, 2):
        async with AsyncExitStack() as stack:
            await world.start(redis.url + PATIENT, "--no-cache", stack=stack)
            await world.say(1, turn)
        world.nodes.pop()
        assert (await savings(world, 0))[::2] == (turn, turn), "it has published all when it ends"
        await world.start(redis.url + PATIENT, "--no-cache")
        assert await savings(world, 0) == await savings(world, 1)
        world.nodes.pop()


async def agreed(world: World, requests: int) -> None:
    """Returns when both nodes say that there were so many."""
    with anyio.fail_after(60):
        while True:
            told = [await savings(world, node) for node in (0, 1)]
            assert all(n <= requests for n, _, _ in told), "nothing is counted twice"
            if told[0] == told[1] and told[0][0] == told[0][2] == requests:
                return
            await anyio.sleep(0.05)


@pytest.mark.parametrize("kept", [True, False])
async def test_savings_are_the_sum_of_all_nodes(world: World, redis: RedisServer, tmp_path: Path, kept: bool) -> None:
    """Also after Redis died under load, and came back with all it had or with nothing."""
    for _ in range(2):
        await world.start(redis.url + PATIENT, "--no-cache")
    await world.say(0, 1)
    for turn in (2, 3):
        await world.say(1, turn)
    await agreed(world, 3)
    redis.kill()
    for turn in (4, 5, 6):
        await world.say(turn % 2, turn)
    assert (await savings(world, 0))[0] in (4, 5), "its own, and what it had heard of the other"
    if not kept:
        for file in redis.folder.rglob("*.aof"):
            file.unlink()
        for file in redis.folder.rglob("*.manifest"):
            file.unlink()
    redis.start()
    await agreed(world, 6)
    environ = {"HEADROOM_STATE": redis.url + PATIENT, "HOME": str(tmp_path / "elsewhere")}
    command = [sys.executable, "-m", "headroom", "savings", "--json"]
    said = await anyio.run_process(command, env={**os.environ, **environ})
    assert json.loads(said.stdout)["windows"][2]["requests"] == 6
