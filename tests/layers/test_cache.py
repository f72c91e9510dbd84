from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from headroom.conversation import Usage
from headroom.errors import Garbled, StoreError
from headroom.http.message import Body, Fields, Handler, Request, Response, once
from headroom.layers import cache as module
from headroom.layers.cache import Around, Cache, bypassed
from headroom.stores.answers import Kept, MemoryAnswers, Room, Told

pytestmark = pytest.mark.anyio

STREAM: Fields = [(b"content-type", b"text/event-stream")]
EVENTS = (b'data: {"type":"message_start"}\n\n', b"data: {}\n\n" * 3, b'data: {"type":"message_stop"}\n\n')
MIB = 1 << 20


@asynccontextmanager
async def read(request: Request) -> AsyncIterator[bytes]:
    yield request.body.data or b""


@dataclass
class Provider:
    """Answers as told; each of its streams waits for `go` after the first piece."""

    answer: Callable[[], Response] = lambda: Response(200, [(b"content-type", b"application/json")], once(b"{}"))
    go: anyio.Event = field(default_factory=anyio.Event)
    asked: int = 0
    closed: int = 0
    fault: Exception | None = None
    """How its streams end."""
    partial: bool = False

    async def __call__(self, request: Request) -> Response:
        self.asked += 1
        draft = request.draft
        draft.provider, draft.dialect, draft.model, draft.partial = "anthropic", "anthropic", "m", self.partial
        draft.usage = lambda: Usage(10, 5)
        draft.tokens_before, draft.tokens_after = 9, 7
        return self.answer()

    def stream(self) -> Response:
        async def pieces() -> AsyncGenerator[bytes, None]:
            yield EVENTS[0]
            await self.go.wait()
            for event in EVENTS[1:]:
                yield event
            if self.fault is not None:
                raise self.fault

        chunks = pieces()

        async def close() -> None:
            self.closed += 1
            await chunks.aclose()

        return Response(200, STREAM, Body(chunks, close))


class Away(MemoryAnswers):
    """State that cannot be used."""

    async def get(self, key: str) -> Kept | None:
        raise StoreError("away")

    async def put(self, key: str, kept: Kept) -> None:
        raise StoreError("away")


async def secret() -> bytes:
    return b"s" * 32


@dataclass
class Bench:
    provider: Provider
    now: float = 100.0
    said: int = 0
    mishaps: list[str] = field(default_factory=list)
    room: int = 10 * MIB
    away: bool = False
    late: bool = False

    def __post_init__(self) -> None:
        room = Room(100, self.room, 60.0)
        told = Told(lambda: None, lambda: self.said)
        answers = (Away if self.away else MemoryAnswers)(room, lambda: self.now, told=told)
        self.cache = Cache(answers, room.max_bytes, Around(read, lambda: self.now, secret, self.mishaps.append, late=self.late), patience=5.0)
        self.handler: Handler = self.cache(self.provider)

    async def open(self, fields: Fields | None = None, body: bytes = b"{}", path: str = "/v1/messages") -> tuple[Request, Response]:
        request = Request("POST", path, fields or [(b"x-api-key", b"a")], once(body))
        return request, await self.handler(request)

    async def ask(self, fields: Fields | None = None, body: bytes = b"{}", path: str = "/v1/messages") -> tuple[bytes, bytes]:
        """What x-headroom-cache says, and the answer."""
        request, response = await self.open(fields, body, path)
        data = await taken(response)
        state = response.get(b"x-headroom-cache") or b""
        assert request.draft.cache == state.decode()
        return state, data


async def taken(response: Response) -> bytes:
    try:
        return b"".join([chunk async for chunk in response.body])
    finally:
        await response.body.aclose()


# What is kept ---------------------------------------------------------------------------------------------

async def test_the_same_again_costs_nothing() -> None:
    table = Bench(Provider(lambda: Response(201, [(b"request-id", b"r"), (b"set-cookie", b"c"), (b"anthropic-ratelimit-requests-remaining", b"1")], once(b"{1}"))))
    assert await table.ask() == (b"miss", b"{1}")
    table.now += 7.5
    request, response = await table.open()
    assert (response.status, response.fields) == (201, [(b"request-id", b"r"), (b"age", b"7"), (b"x-headroom-cache", b"hit")])
    draft = request.draft
    assert (draft.model, draft.dialect, draft.tokens_before, draft.tokens_after) == ("m", "anthropic", 9, 7)
    assert (draft.usage(), draft.spared) == (Usage(), Usage(10, 5)), "counted once, when it was paid"
    assert (table.provider.asked, table.cache.hits, table.cache.misses) == (1, 1, 1)
    table.now += 53
    assert (await table.ask())[0] == b"miss", "however often it was given again"


def status(status: int, data: bytes = b"{}") -> Callable[[], Response]:
    return lambda: Response(status, [], once(data))


@pytest.mark.parametrize(("answer", "fields", "body", "path", "state"), [
    (status(200), [(b"x-headroom-cache", b"no-store")], b"{}", "/v1/messages", b"bypass"),
    (status(200), [], b'{"temperature":1}', "/v1/messages", b"bypass"),
    (status(200), [], b"{}", "/v1/messages/count_tokens", b"bypass"),
    (status(200), [], b"{}", "/v1/files", b"bypass"),
    (status(400), [], b"{}", "/v1/messages", b"miss"),
    (status(429), [], b"{}", "/v1/messages", b"miss"),
    (status(529), [], b"{}", "/v1/messages", b"miss"),
    (status(200, b'{"error":{}}'), [], b"{}", "/v1/messages", b"miss"),
    (status(200, b"x" * (module.LARGEST + 1)), [], b"{}", "/v1/messages", b"miss"),
    (None, [], b"{}", "/v1/messages", b"miss"),
])
async def test_what_is_never_kept(answer: Callable[[], Response] | None, fields: Fields, body: bytes, path: str, state: bytes) -> None:
    """None: an answer to what the request does not show whole."""
    provider = Provider(partial=True) if answer is None else Provider(answer)
    table = Bench(provider, room=100 * MIB)
    for _ in range(2):
        assert (await table.ask(fields, body, path))[0] == state
    assert provider.asked == 2


async def test_two_credentials_never_share() -> None:
    table = Bench(Provider())
    for key in (b"a", b"b"):
        assert (await table.ask([(b"x-api-key", key)]))[0] == b"miss"
        assert (await table.ask([(b"authorization", b"Bearer " + key)]))[0] == b"miss"


async def test_a_stream_is_a_stream_again() -> None:
    table = Bench(provider := Provider())
    provider.answer = provider.stream
    provider.go.set()
    await table.ask()
    _, response = await table.open()
    assert [chunk async for chunk in response.body] == list(EVENTS)
    assert provider.asked == provider.closed == 1


@pytest.mark.parametrize("fault", [Garbled("broke"), None])
async def test_a_stream_that_breaks_or_is_left_is_not_kept(fault: Exception | None) -> None:
    table = Bench(provider := Provider(fault=fault))
    provider.answer = provider.stream
    _, response = await table.open()
    if fault is not None:
        provider.go.set()
        with pytest.raises(Garbled):
            await taken(response)
    else:
        await anext(response.body.__aiter__())
        await response.body.aclose()
    provider.answer = Provider().answer
    assert (await table.ask())[0] == b"miss"
    assert (await table.ask())[0] == b"hit"


async def test_clearing_forgets_what_is_under_way_too() -> None:
    table = Bench(provider := Provider())
    provider.answer = provider.stream
    _, response = await table.open()
    table.said += 1  # by another process
    provider.go.set()
    await taken(response)
    assert (await table.ask())[0] == b"miss"
    assert (await table.ask())[0] == b"hit"
    await table.cache.clear()
    assert (await table.ask())[0] == b"miss"


@pytest.mark.parametrize(("late", "states"), [(False, [b"hit", b"hit"]), (True, [b"miss", b"hit"])])
async def test_who_writes_slowly_writes_when_the_last_byte_has_left(late: bool, states: list[bytes]) -> None:
    """Until then nothing is kept, and who does not wait for the end leaves nothing behind."""
    table = Bench(Provider(lambda: Response(200, [(b"content-length", b"2")], once(b"{}"))), late=late)
    _, response = await table.open()
    assert await anext(response.body.__aiter__()) == b"{}"
    await response.body.aclose()
    assert [(await table.ask())[0] for _ in states] == states


async def test_without_state_it_asks_each_time() -> None:
    table = Bench(Provider(), away=True)
    assert [await table.ask(), await table.ask()] == [(b"miss", b"{}")] * 2
    assert set(table.mishaps) == {"cache"}


async def test_without_a_cache_it_says_so() -> None:
    response = await bypassed(Provider())(Request("POST", "/v1/messages", [], once(b"{}")))
    assert response.get(b"x-headroom-cache") == b"bypass"


# Together -------------------------------------------------------------------------------------------------

@dataclass
class Crowd:
    """Clients that ask the same while the first one's answer is on its way."""

    table: Bench
    got: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def ask(self) -> None:
        self.got.append(await self.table.ask())

    def states(self) -> Sequence[bytes]:
        return sorted(state for state, _ in self.got)


async def test_twenty_ask_once() -> None:
    table = Bench(provider := Provider())
    provider.answer = provider.stream
    crowd = Crowd(table)
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(crowd.ask)
        await anyio.wait_all_tasks_blocked()
        assert provider.asked == 1
        provider.go.set()
    assert crowd.states() == [b"hit"] * 19 + [b"miss"]
    assert {data for _, data in crowd.got} == {b"".join(EVENTS)}


@pytest.mark.parametrize("how", ["leaves", "breaks"])
async def test_who_waited_in_vain_asks_anew_one_for_all(how: str) -> None:
    table = Bench(provider := Provider())
    provider.answer = provider.stream
    crowd = Crowd(table)
    _, first = await table.open()
    pieces = first.body.__aiter__()
    await anext(pieces)
    async with anyio.create_task_group() as tasks:
        for _ in range(19):
            tasks.start_soon(crowd.ask)
        await anyio.wait_all_tasks_blocked()
        if how == "breaks":
            provider.fault = Garbled("broke")
            provider.go.set()
            with pytest.raises(Garbled):
                async for _ in pieces:
                    pass
            provider.fault = None
        await first.body.aclose()
        provider.go.set()
    assert provider.asked == provider.closed == 2
    assert crowd.states() == [b"hit"] * 18 + [b"miss"]
    assert {data for _, data in crowd.got} == {b"".join(EVENTS)}


async def test_what_cannot_be_shared_is_asked_one_by_one_at_once() -> None:
    table = Bench(provider := Provider(status(500)))
    crowd, entered = Crowd(table), anyio.Event()

    async def slow(request: Request) -> Response:
        response = await provider(request)
        await entered.wait()
        return response

    table.handler = table.cache(slow)
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(crowd.ask)
        await anyio.wait_all_tasks_blocked()
        assert provider.asked == 1
        entered.set()
    assert crowd.states() == [b"miss"] * 20
    assert provider.asked == 20, "each gets an answer of its own, and waits for two others at most"


async def test_who_takes_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headroom.layers.flight.LOOK_SECONDS", 0.01)
    table = Bench(provider := Provider())
    provider.answer = provider.stream
    provider.go.set()
    _, first = await table.open()
    await anext(first.body.__aiter__())
    table.now += 6
    assert (await table.ask())[0] == b"miss"
    await first.body.aclose()
