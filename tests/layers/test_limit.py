from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.bucket import Rate, Taken
from headroom.budget import OUTPUT
from headroom.conversation import Report, Usage
from headroom.errors import Garbled, HeadroomError, StoreError, TimedOut, TooMany, Unreachable
from headroom.http.message import Body, Fields, Request, Response, once
from headroom.layers.admission import admission
from headroom.layers.limit import Limit
from headroom.stores.counters_memory import MemoryCounters
from tests.clock import Clock

pytestmark = pytest.mark.anyio


async def who(request: Request) -> str:
    return (request.get(b"x-api-key") or b"").decode()


@dataclass
class Upstream:
    """Answers as told, after it was admitted; reads requests as an exchange would."""

    answer: Callable[[], Response] = lambda: Response(200)
    fault: HeadroomError | None = None
    usage: Usage = field(default_factory=Usage)
    input_tokens: int = 0
    asked: int = 0

    async def __call__(self, request: Request) -> Response:
        request.draft.dialect, request.draft.report = "anthropic", Report(after=self.input_tokens)
        request.draft.usage = lambda: self.usage
        return await admission(self._ask)(request)

    async def _ask(self, request: Request) -> Response:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return self.answer()


@dataclass
class Bench:
    """A limit, its clock and what it counted as mishaps."""

    limit: Limit
    clock: Clock
    counters: MemoryCounters
    mishaps: list[str]

    async def ask(self, upstream: Upstream, key: bytes = b"a", method: str = "POST", path: str = "/v1/messages", body: bytes = b"{}") -> Response:
        response = await self.limit(upstream)(Request(method, path, [(b"x-api-key", key)], once(body)))
        try:
            async for _ in response.body:
                pass
        finally:
            await response.body.aclose()
        return response

    async def tokens(self, key: str = "a") -> int:
        """Left in the bucket; below zero is owed."""
        taken = await self.counters.take(f"tokens:{key}", Rate(self.limit.tpm, self.limit.tpm), 0, owe=True)
        return self.limit.tpm - round(taken.full_in * self.limit.tpm / 60)


def bench(rpm: int = 0, tpm: int = 0, shared: Broken | None = None) -> Bench:
    clock, mishaps = Clock(1000.0), list[str]()
    counters = MemoryCounters(clock)
    return Bench(Limit(rpm, tpm, who, counters, shared, mishaps.append), clock, counters, mishaps)


class Broken(MemoryCounters):
    """State that cannot be used."""

    async def take(self, key: str, rate: Rate, amount: int, *, owe: bool = False) -> Taken:
        raise StoreError("away")

    async def active(self, prefix: str) -> int:
        raise StoreError("away")


def found(response: Response, name: bytes) -> bytes:
    return response.get(name) or b""


# Requests -------------------------------------------------------------------------------------------------

async def test_requests_are_counted_by_credential() -> None:
    table, upstream = bench(rpm=2), Upstream()
    for left in (1, 0):
        response = await table.ask(upstream)
        assert found(response, b"ratelimit-policy") == b'"requests";q=2;w=60'
        assert found(response, b"ratelimit") == b'"requests";r=%d;t=%d' % (left, 60 - 30 * left)
    with pytest.raises(TooMany) as refused:
        await table.ask(upstream)
    assert refused.value.retry_after == 30
    assert refused.value.message == "this credential's 2 requests a minute (--rpm) are used up for now; retry in 30 s"
    assert refused.value.fields == ((b"ratelimit-policy", b'"requests";q=2;w=60'), (b"ratelimit", b'"requests";r=0;t=60'))
    assert (await table.ask(upstream, b"b")).status == 200
    table.clock.now += 29.5
    with pytest.raises(TooMany) as refused:
        await table.ask(upstream)
    assert refused.value.retry_after == 1, "rounded up"
    table.clock.now += 0.5
    await table.ask(upstream)
    assert upstream.asked == 4
    assert await table.limit.stats() == {"rpm": 2, "tpm": 0, "active_keys": 1}, "the other bucket is full again"


@pytest.mark.parametrize(("method", "path", "passes"), [
    ("POST", "/v1/messages", 1), ("POST", "/v1/responses", 1), ("POST", "/v1/messages/count_tokens", 3), ("GET", "/v1/models", 3), ("POST", "/v1/unheard-of", 1),
])
async def test_what_counts(method: str, path: str, passes: int) -> None:
    table, upstream = bench(rpm=1), Upstream()
    for _ in range(3):
        with suppress(TooMany):
            await table.ask(upstream, method=method, path=path)
    assert upstream.asked == passes


@pytest.mark.parametrize("theirs", [[(b"ratelimit", b'"day";r=3')], [(b"ratelimit-policy", b'"day";q=9')], [(b"ratelimit", b"x"), (b"x-ratelimit-limit", b"y")]])
async def test_what_the_provider_says_of_its_limits_stays(theirs: Fields) -> None:
    response = await bench(rpm=9).ask(Upstream(lambda: Response(200, theirs)))
    assert response.fields == theirs


async def test_off_means_off() -> None:
    table, upstream = bench(), Upstream()
    for _ in range(1000):
        assert (await table.ask(upstream)).fields == []


# Tokens ---------------------------------------------------------------------------------------------------

def stream(events: int, fault: HeadroomError | None = None) -> Callable[[], Response]:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(events):
            yield b"data: {}\n\n"
        if fault is not None:
            raise fault

    return lambda: Response(200, [(b"content-type", b"text/event-stream")], Body(chunks()))


@pytest.mark.parametrize(("upstream", "spent"), [
    (Upstream(usage=Usage(700, 50, 200, 40)), 990),
    (Upstream(stream(3), usage=Usage(700, 50)), 750),
    (Upstream(stream(3), input_tokens=600), 603),                              # it never said
    (Upstream(input_tokens=600), 600 + 10),
    (Upstream(lambda: Response(529), input_tokens=600), 0),
])
async def test_what_was_estimated_is_settled_at_the_end(upstream: Upstream, spent: int) -> None:
    table = bench(tpm=10_000)
    await table.ask(upstream, body=b'{"max_tokens":10}')
    assert 10_000 - await table.tokens() == spent


@pytest.mark.parametrize(("fault", "spent"), [(Unreachable("no"), 0), (TimedOut("late"), 600), (Garbled("what"), 600), (TooMany("more"), 0)])
async def test_without_an_answer_the_input_counts_if_it_was_sent(fault: HeadroomError, spent: int) -> None:
    table = bench(tpm=10_000)
    with pytest.raises(type(fault)):
        await table.ask(Upstream(fault=fault, input_tokens=600))
    assert 10_000 - await table.tokens() == spent


async def test_a_stream_that_breaks_is_settled() -> None:
    table = bench(tpm=10_000)
    with pytest.raises(Garbled):
        await table.ask(Upstream(stream(40, Garbled("broke")), usage=Usage(500, 1)))
    assert 10_000 - await table.tokens() == 540


async def test_a_client_that_gives_up_waiting_is_settled() -> None:
    table = bench(tpm=10_000)
    hold = anyio.Event()

    class Slow(Upstream):
        async def _ask(self, request: Request) -> Response:
            hold.set()
            await anyio.sleep_forever()
            raise AssertionError

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(table.ask, Slow(input_tokens=600))
        await hold.wait()
        tasks.cancel_scope.cancel()
    assert 10_000 - await table.tokens() == 600


async def test_tokens_beyond_the_limit_wait() -> None:
    table, upstream = bench(rpm=60, tpm=6000), Upstream(input_tokens=4000, usage=Usage(4000, 500))
    response = await table.ask(upstream, body=b'{"max_tokens":1000}')
    assert found(response, b"ratelimit-policy") == b'"requests";q=60;w=60, "tokens";q=6000;w=60'
    assert found(response, b"ratelimit") == b'"requests";r=59;t=1, "tokens";r=1000;t=50'
    with pytest.raises(TooMany) as refused:
        await table.ask(upstream, body=b'{"max_tokens":1000}')
    assert refused.value.retry_after == 35
    assert refused.value.message == (
        "this credential's 6,000 tokens a minute (--tpm) are used up for now; this request takes about 5,000 of them; retry in 35 s"
    )
    table.clock.now += 35
    await table.ask(upstream, body=b'{"max_tokens":1000}')
    assert upstream.asked == 2


async def test_a_request_larger_than_the_limit_passes_alone_and_is_owed() -> None:
    table, upstream = bench(tpm=1000), Upstream(input_tokens=5000, usage=Usage(5000, 100))
    await table.ask(upstream)
    assert await table.tokens() == 1000 - 5100
    with pytest.raises(TooMany) as refused:
        await table.ask(Upstream(input_tokens=1), body=b'{"max_tokens":1}')
    assert refused.value.retry_after == 247


async def test_a_hidden_round_is_counted_and_not_refused() -> None:
    table = bench(tpm=6000)

    class Twice(Upstream):
        async def __call__(self, request: Request) -> Response:
            await super().__call__(request)
            assert await table.tokens() == 6000 - 1000 - OUTPUT
            response = await super().__call__(request)
            assert await table.tokens() == 6000 - 2 * (1000 + OUTPUT)
            return response

    response = await table.ask(Twice(input_tokens=1000, usage=Usage(2200, 30)))
    assert found(response, b"ratelimit") == b'"tokens";r=%d;t=51' % (6000 - 1000 - OUTPUT)
    assert 6000 - await table.tokens() == 2230


async def test_what_nobody_reads_has_no_tokens() -> None:
    table = bench(tpm=10)

    async def passing(request: Request) -> Response:
        return await admission(Upstream()._ask)(request)

    for _ in range(3):
        assert (await table.limit(passing)(Request("POST", "/v1/files", [], once(b"x" * 999)))).status == 200


# Shared ---------------------------------------------------------------------------------------------------

async def test_while_shared_buckets_are_away_the_process_has_its_own() -> None:
    table = bench(rpm=1, shared=Broken(Clock(1000.0)))
    await table.ask(Upstream())
    with pytest.raises(TooMany):
        await table.ask(Upstream())
    assert table.mishaps == ["rate_limit", "rate_limit"]
    assert await table.limit.stats() == {"rpm": 1, "tpm": 0, "active_keys": 1}


async def test_shared_buckets_are_used_by_all() -> None:
    shared, clock = MemoryCounters(Clock(1000.0)), Clock(1000.0)
    limits = [Limit(3, 0, who, MemoryCounters(clock), shared, lambda name: None) for _ in range(2)]
    passed = 0
    for i in range(10):
        with suppress(TooMany):
            await limits[i % 2](Upstream())(Request("POST", "/v1/messages", [], once(b"")))
            passed += 1
    assert passed == 3


# Law ------------------------------------------------------------------------------------------------------

@settings(deadline=None, max_examples=50)
@given(st.integers(1, 50), st.lists(st.floats(0, 5), max_size=60))
def test_no_more_than_the_limit_and_what_flows_in_ever_passes(rpm: int, pauses: list[float]) -> None:
    async def law() -> None:
        table, upstream = bench(rpm=rpm), Upstream()
        for pause in pauses:
            table.clock.now += pause
            with suppress(TooMany):
                await table.ask(upstream)
            assert upstream.asked <= rpm + rpm * (table.clock.now - 1000) / 60 + 1e-6

    anyio.run(law)
