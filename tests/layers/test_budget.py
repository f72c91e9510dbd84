from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timezone
from itertools import count
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.budget import Period, Window, nanos, window
from headroom.conversation import Report, Usage
from headroom.errors import (
    Busy,
    Forbidden,
    Garbled,
    HeadroomError,
    OverBudget,
    StoreError,
    TimedOut,
    Unreachable,
)
from headroom.http.message import Body, Request, Response, once
from headroom.layers.admission import admission
from headroom.layers.budget import Budget, Outside, Terms
from headroom.prices import load
from headroom.stores.counters import UNRESERVED, Counters, Reserved
from headroom.stores.counters_memory import MemoryCounters
from headroom.stores.counters_sqlite import SQLiteCounters
from headroom.stores.sqlite import SQLite
from tests.clock import Clock

pytestmark = pytest.mark.anyio

PRICES = load('{"models": {"m": {"input": 1, "output": 10, "write_short": 2, "write_long": 3, "read": 0.1, "window": 10000000}, "dear": {"input": 2, "output": 20}}}')
"""A dollar for a million tokens of input, ten for as many of output."""

NOON = 1_795_348_800.0
"""22 November 2026, 12:00 UTC, a Sunday."""

ALL = b'{"max_tokens":1000}'


@dataclass
class Upstream:
    """Answers as told, after it was admitted; reads requests as an exchange would."""

    usage: Usage = field(default_factory=Usage)
    answer: Callable[[], Response] = lambda: Response(200)
    fault: HeadroomError | None = None
    input_tokens: int = 0
    model: str = "m"
    dialect: str = "anthropic"
    rounds: int = 1

    async def __call__(self, request: Request) -> Response:
        request.draft.dialect, request.draft.report, request.draft.model = self.dialect, Report(after=self.input_tokens), self.model
        request.draft.usage = lambda: self.usage
        for _ in range(self.rounds - 1):
            await admission(self._ask)(request)
        return await admission(self._ask)(request)

    async def _ask(self, request: Request) -> Response:
        if self.fault is not None:
            raise self.fault
        return self.answer()


@dataclass
class Bench:
    budget: Budget
    clock: Clock
    mishaps: list[str]

    async def ask(self, upstream: Upstream, body: bytes = ALL, method: str = "POST", path: str = "/v1/messages") -> Response:
        response = await self.budget(upstream)(Request(method, path, [], once(body)))
        try:
            async for _ in response.body:
                pass
        finally:
            await response.body.aclose()
        return response

    async def spent(self) -> tuple[float, float]:
        """And reserved."""
        stats = await self.budget.stats()
        return round(stats["spent"], 9), round(stats["reserved"], 9)


def bench(terms: Terms, counters: Counters | None = None, clock: Clock | None = None) -> Bench:
    clock, mishaps, ids = clock or Clock(NOON), list[str](), count()
    outside = Outside(lambda: PRICES, clock, lambda: f"r{next(ids)}-{id(mishaps)}", mishaps.append)
    return Bench(Budget(replace(terms, zone=timezone.utc), counters or MemoryCounters(clock), outside), clock, mishaps)


DAILY = Terms(1.0, "daily")


def stream(events: int, fault: HeadroomError | None = None) -> Callable[[], Response]:
    async def chunks() -> AsyncGenerator[bytes, None]:
        for _ in range(events):
            yield b"data: {}\n\n"
        if fault is not None:
            raise fault

    def answer() -> Response:
        sent = chunks()
        return Response(200, [(b"content-type", b"text/event-stream")], Body(sent, sent.aclose))

    return answer


@pytest.mark.parametrize(("upstream", "body", "spent"), [
    (Upstream(Usage(100_000, 10_000)), ALL, 0.2),
    (Upstream(Usage(100_000, 10_000, 1_000_000, 100_000)), ALL, 0.5),
    (Upstream(Usage(0, 0, 0, 100_000)), b'{"cache_control":{"ttl":"1h"}}', 0.3),
    (Upstream(Usage(100_000, 10_000), stream(3)), ALL, 0.2),
    (Upstream(Usage(), stream(5000), input_tokens=100_000), ALL, 0.15),   # it never said
    (Upstream(Usage(), input_tokens=100_000), ALL, 0.11),
    (Upstream(Usage(), lambda: Response(500), input_tokens=100_000), ALL, 0.0),
    (Upstream(Usage(200_000, 20_000), rounds=2), ALL, 0.4),
])
async def test_what_an_exchange_cost_is_spent(upstream: Upstream, body: bytes, spent: float) -> None:
    table = bench(DAILY)
    response = await table.ask(upstream, body)
    assert response.get(b"x-headroom-budget") is None
    assert await table.spent() == (spent, 0.0)


@pytest.mark.parametrize(("fault", "spent"), [(Unreachable("no"), 0.0), (TimedOut("late"), 0.1), (Garbled("what"), 0.1)])
async def test_without_an_answer_the_input_was_spent_if_it_was_sent(fault: HeadroomError, spent: float) -> None:
    table = bench(DAILY)
    with pytest.raises(type(fault)):
        await table.ask(Upstream(fault=fault, input_tokens=100_000))
    assert await table.spent() == (spent, 0.0)


async def test_a_stream_that_breaks_is_settled() -> None:
    table = bench(DAILY)
    with pytest.raises(Garbled):
        await table.ask(Upstream(Usage(100_000, 1), stream(4000, Garbled("broke"))))
    assert await table.spent() == (0.14, 0.0)


async def test_a_client_that_leaves_is_settled_before_and_within_the_answer() -> None:
    table, hold = bench(DAILY), anyio.Event()

    class Slow(Upstream):
        async def _ask(self, request: Request) -> Response:
            hold.set()
            await anyio.sleep_forever()
            raise AssertionError

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(table.ask, Slow(input_tokens=100_000))
        await hold.wait()
        assert await table.spent() == (0.0, 0.11)
        tasks.cancel_scope.cancel()
    assert await table.spent() == (0.1, 0.0)
    response = await table.budget(Upstream(Usage(100_000, 1), stream(10)))(Request("POST", "/v1/messages", [], once(ALL)))
    async for _ in response.body:
        break
    await response.body.aclose()
    assert await table.spent() == (0.20001, 0.0)


# Refusals -------------------------------------------------------------------------------------------------

async def test_what_does_not_fit_is_refused_until_the_next_day() -> None:
    table = bench(DAILY)
    await table.ask(Upstream(Usage(900_000, 0), input_tokens=900_000))
    with pytest.raises(OverBudget) as refused:
        await table.ask(Upstream(input_tokens=100_000))
    assert refused.value.message == (
        "the budget of $1.00 a day does not allow this request: $0.90 spent, $0.00 in flight, and it may cost up to $0.11; "
        "it begins anew at 00:00 UTC on Monday, 23 November (in 12 hours)"
    )
    assert await table.budget.stats() == {
        "limit": 1.0, "period": "daily", "spent": 0.9, "reserved": 0.0, "remaining": 0.1, "resets_at": NOON + 43200, "unpriced_requests": 0,
    }
    await table.ask(Upstream(Usage(50_000, 0), input_tokens=50_000))
    await table.budget.flush()  # as happens four times a second
    table.clock.now = NOON + 43200
    await table.ask(Upstream(Usage(900_000, 0), input_tokens=900_000))
    assert await table.spent() == (0.9, 0.0)


@pytest.mark.parametrize(("period", "each", "again", "resets"), [
    ("hourly", "an hour", "there is more to spend at 13:00 UTC on Sunday, 22 November (in 1 hour)", NOON + 3600),
    ("monthly", "a month", "it begins anew at 00:00 UTC on Tuesday, 1 December (in 8 days 12 hours)", NOON + 8.5 * 86400),
])
async def test_other_periods(period: Period, each: str, again: str, resets: float) -> None:
    table = bench(Terms(1.0, period))
    await table.ask(Upstream(Usage(1_000_000, 0)))
    with pytest.raises(OverBudget) as refused:
        await table.ask(Upstream(input_tokens=1))
    assert each in refused.value.message
    assert refused.value.message.endswith(again)
    table.clock.now = resets - 1
    with pytest.raises(OverBudget):
        await table.ask(Upstream(input_tokens=1))
    table.clock.now = resets
    await table.ask(Upstream(Usage(1, 0), input_tokens=1))


async def test_what_is_in_flight_counts() -> None:
    table, go, results = bench(DAILY), anyio.Event(), list[str]()

    class Slow(Upstream):
        async def _ask(self, request: Request) -> Response:
            await go.wait()
            return Response(200)

    async def one() -> None:
        try:
            await table.ask(Slow(Usage(300_000, 0), input_tokens=300_000), b'{"max_tokens":0}')
            results.append("passed")
        except OverBudget:
            results.append("refused")
            if len(results) == 2:
                go.set()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(one)
    assert sorted(results) == ["passed"] * 3 + ["refused"] * 2
    assert await table.spent() == (0.9, 0.0)


async def test_a_hidden_round_is_not_refused() -> None:
    table = bench(DAILY)
    await table.ask(Upstream(Usage(1_200_000, 0), input_tokens=600_000, rounds=2))
    assert await table.spent() == (1.2, 0.0)
    with pytest.raises(OverBudget):
        await table.ask(Upstream(input_tokens=1))


async def test_a_hidden_round_that_is_never_sent_leaves_the_first_one_spent() -> None:
    table = bench(DAILY)

    class Gone(Upstream):
        turns = 0

        async def _ask(self, request: Request) -> Response:
            self.turns += 1
            if self.turns > 1:
                raise Unreachable("no")
            return Response(200)

    with pytest.raises(Unreachable):
        await table.ask(Gone(input_tokens=600_000, rounds=2))
    assert await table.spent() == (0.6, 0.0), "its input, since it was not heard to its end"


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/models"), ("POST", "/v1/messages/count_tokens")])
async def test_what_costs_nothing_always_passes(method: str, path: str) -> None:
    table = bench(Terms(0.0000001, "daily"))
    for _ in range(3):
        await table.ask(Upstream(Usage(1_000_000, 0), input_tokens=1_000_000), method=method, path=path)


# What has no price ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("upstream", [Upstream(Usage(1_000_000, 5), model="unheard-of"), Upstream(dialect="")])
async def test_what_has_no_price_passes_and_is_said_to(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    table = bench(DAILY)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert (await table.ask(upstream)).get(b"x-headroom-budget") == b"unpriced"
    assert [*caplog.messages] == [
        "no price is known for the model 'unheard-of': its requests do not count against the budget; --prices FILE can name one",
    ][: bool(upstream.dialect)]
    assert (await table.budget.stats())["unpriced_requests"] == 3
    assert await table.spent() == (0.0, 0.0)


@pytest.mark.parametrize(("body", "spent"), [
    (b'{"model":"m","max_tokens":1}', 0.1), (b'{"model":"unheard-of","model":"m"}', 0.1), (b'{"model":"m","model":"dear"}', 0.2), (b"\x1f\x8b", 0.0),
])
async def test_a_body_that_nobody_could_read_costs_what_the_dearest_does_that_it_names(body: bytes, spent: float) -> None:
    table = bench(DAILY)
    await table.ask(Upstream(Usage(100_000, 0), model=""), body)
    assert await table.spent() == (spent, 0.0)


async def test_strict_refuses_a_model_without_a_price() -> None:
    with pytest.raises(Forbidden, match="unheard-of"):
        await bench(replace(DAILY, strict=True)).ask(Upstream(model="unheard-of"))


async def test_an_answer_from_a_cache_within_is_not_unpriced() -> None:
    table = bench(DAILY)

    async def cached(request: Request) -> Response:
        return Response(200)

    response = await table.budget(cached)(Request("POST", "/v1/messages", [], once(ALL)))
    assert response.fields == []


# State that is away ---------------------------------------------------------------------------------------

@dataclass
class Away:
    """Counters that can be away; the rest is as in memory."""

    under: MemoryCounters
    away: bool = True

    def __getattr__(self, name: str) -> object:
        if self.away:
            raise StoreError("away")
        return getattr(self.under, name)


async def test_while_the_account_is_away_requests_go_on_and_what_they_cost_is_written_later() -> None:
    clock = Clock(NOON)
    away = Away(MemoryCounters(clock), False)
    table = bench(DAILY, away, clock)  # type: ignore[arg-type]  # it is, through __getattr__
    await table.ask(Upstream(Usage(300_000, 0), input_tokens=1))
    away.away = True
    for _ in range(2):
        await table.ask(Upstream(Usage(300_000, 0), input_tokens=1))
    with pytest.raises(OverBudget):
        await table.ask(Upstream(input_tokens=200_000))
    assert set(table.mishaps) == {"budget"}
    assert (await table.budget.stats())["spent"] is None
    away.away = False
    with pytest.raises(OverBudget):
        await table.ask(Upstream(input_tokens=200_000))
    assert await table.spent() == (0.9, 0.0)


async def test_what_is_owed_survives_a_client_that_leaves_while_it_is_written() -> None:
    hold = anyio.Event()

    @dataclass
    class Held:
        """Counters that take their time."""

        under: MemoryCounters

        async def reserve(self, *given: object) -> Reserved:
            hold.set()
            await anyio.sleep_forever()
            raise AssertionError

        def __getattr__(self, name: str) -> object:
            return getattr(self.under, name)

    table = bench(DAILY, Held(MemoryCounters(Clock(NOON))))  # type: ignore[arg-type]  # it is, through __getattr__
    table.budget.settle(UNRESERVED, nanos(0.2))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(table.ask, Upstream())
        await hold.wait()
        tasks.cancel_scope.cancel()
    assert await table.spent() == (0.2, 0.0)


async def test_what_is_spent_is_written_by_itself() -> None:
    written = anyio.Event()

    @dataclass
    class Telling:
        """Counters that say when they were written."""

        under: MemoryCounters

        async def settle(self, account: str, paid: dict[str, int], now: Window) -> None:
            await self.under.settle(account, paid, now)
            written.set()

    counters = Telling(MemoryCounters(Clock(NOON)))
    table = bench(DAILY, counters)  # type: ignore[arg-type]  # all of it that is used
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(table.budget.keep_writing)
        table.budget.settle(UNRESERVED, 5)
        await written.wait()
        tasks.cancel_scope.cancel()
    assert (await counters.under.balance("budget:daily", window("daily", NOON, timezone.utc))).spent == 5


async def test_strict_refuses_while_the_account_is_away() -> None:
    with pytest.raises(Busy, match="--budget-strict"):
        await bench(replace(DAILY, strict=True), Away(MemoryCounters(Clock(NOON)))).ask(Upstream())  # type: ignore[arg-type]  # it is, through __getattr__


async def test_what_is_owed_is_bounded() -> None:
    away = Away(MemoryCounters(Clock(NOON)))
    table = bench(DAILY, away)  # type: ignore[arg-type]  # it is, through __getattr__
    for i in range(10_010):
        table.budget.settle(UNRESERVED if i % 2 else str(i), 5)
    for i in range(10_010):
        table.budget.settle(str(-i), 5)
    away.away = False
    await table.budget.flush()
    assert (await table.spent())[0] == 5005 * 5 / 1e9


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    for turn in range(3):
        clock = Clock(NOON)
        store = SQLite(tmp_path / "db", clock)
        table = bench(DAILY, SQLiteCounters(store), clock)
        if turn < 2:
            await table.ask(Upstream(Usage(450_000, 0), input_tokens=450_000))
        else:
            with pytest.raises(OverBudget):
                await table.ask(Upstream(input_tokens=200_000))
        await store.aclose()


# Law ------------------------------------------------------------------------------------------------------

REQUESTS = st.tuples(st.integers(0, 400_000), st.integers(0, 100), st.sampled_from([Unreachable("no"), TimedOut("late"), None]), st.integers(-90_000, 90_000))


@settings(deadline=None, max_examples=80)
@given(st.lists(REQUESTS, max_size=25), st.sampled_from(["hourly", "daily", "monthly"]))
def test_if_nothing_costs_more_than_was_estimated_the_limit_holds(requests: list[tuple[int, int, HeadroomError | None, int]], period: Period) -> None:
    """Whatever fails, and however the clock jumps."""

    async def law() -> None:
        table = bench(Terms(1.0, period))
        for tokens, output, fault, jump in requests:
            table.clock.now += jump
            with suppress(HeadroomError):
                await table.ask(Upstream(Usage(tokens, output), fault=fault, input_tokens=tokens), b'{"max_tokens":100}')
            spent, reserved = await table.spent()
            assert nanos(spent) <= nanos(1.0)
            assert reserved == 0

    anyio.run(law)
