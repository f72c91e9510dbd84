from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import timezone

import pytest

from headroom.errors import OverBudget, StoreError, TooMany
from headroom.http.message import Request, Response, once
from headroom.layers.admission import admission
from headroom.layers.budget import Budget, Outside, Terms
from headroom.layers.guard import door
from headroom.layers.limit import Limit
from headroom.metrics import Metrics
from headroom.prices import load
from headroom.proxy.limiting import Allowed, Company, Limits, company, owner
from headroom.proxy.limiting import limits as limits_of
from headroom.stores.counters_memory import MemoryCounters

pytestmark = pytest.mark.anyio

PRICES = load()
NOW = 1_795_348_800.0


async def who(request: Request) -> str:
    return "t"


def limits(rpm: int, usd: float) -> Limits:
    counters = MemoryCounters(lambda: NOW)
    outside = Outside(lambda: PRICES, lambda: NOW, lambda: "id", lambda name: None)
    return Limits(
        Limit(rpm, 0, who, counters, None, lambda name: None) if rpm else None,
        Budget(Terms(usd, "daily", zone=timezone.utc), counters, outside) if usd else None,
    )


async def answered(request: Request) -> Response:
    async def ask(request: Request) -> Response:
        return Response(200)

    request.draft.dialect, request.draft.model = "anthropic", "unheard-of"
    return await admission(ask)(request)


async def ask(limits: Limits) -> Response:
    return await limits(answered)(Request("POST", "/v1/messages", [], once(b"{}")))


async def test_requests_come_first_and_then_the_budget() -> None:
    both = limits(2, 0.01)
    for _ in range(2):
        assert (await ask(both)).get(b"x-headroom-budget") == b"unpriced"
    with pytest.raises(TooMany):
        await ask(both)
    assert await both.rate_limit() == {"rpm": 2, "tpm": 0, "active_keys": 1}
    budget = await both.budget(both.counted())
    assert (budget["limit"], budget["spent"], budget["unpriced_requests"]) == (0.01, 0.0, 2)
    await both.aclose()


async def test_who_has_a_share_says_that_its_figures_are_of_that() -> None:
    outside = Outside(lambda: PRICES, lambda: NOW, lambda: "id", lambda name: None)
    mine = limits_of(Allowed(9, 0, Terms(6.0, "daily", zone=timezone.utc)), who, MemoryCounters(lambda: NOW), Company(False, 3), outside)
    assert await mine.rate_limit() == {"rpm": 3, "tpm": 0, "active_keys": 0, "one_of_shares": 3}
    budget = await mine.budget(mine.counted())
    assert (budget["limit"], budget["one_of_shares"]) == (2.0, 3)


@pytest.mark.parametrize(("url", "workers", "server", "expected"), [
    ("sqlite:x", 1, "", Company(False)),
    ("sqlite:x", 2, "", Company(True)),
    ("sqlite:x", 1, "gunicorn/25.0", Company(True)),
    ("sqlite:x", 1, "uvicorn", Company(False)),
    ("redis://x", 1, "", Company(True)),
    ("memory:", 1, "", Company(False)),
    ("memory:", 3, "", Company(False, 3)),
])
def test_who_counts_together(url: str, workers: int, server: str, expected: Company) -> None:
    assert company(url, workers, {"SERVER_SOFTWARE": server} if server else {}) == expected


@pytest.mark.parametrize(("wanted", "each"), [
    (Allowed(600, 0, None), Allowed(200, 0, None)),
    (Allowed(0, 100, Terms(9.0, "hourly", strict=True)), Allowed(0, 33, Terms(3.0, "hourly", strict=True))),
    (Allowed(2, 1, None), Allowed(1, 1, None)),
])
def test_who_cannot_count_together_gets_a_share(wanted: Allowed, each: Allowed) -> None:
    assert wanted.share(3) == each
    assert wanted.share(1) is wanted


@pytest.mark.parametrize(("beside", "passes"), [(Company(False), 8), (Company(True), 4), (Company(False, 2), 4)])
async def test_two_processes_pass_what_one_would_if_they_count_together_or_share(beside: Company, passes: int) -> None:
    counters = MemoryCounters(lambda: NOW)
    outside = Outside(lambda: PRICES, lambda: NOW, lambda: "id", lambda name: None)
    both = [limits_of(Allowed(4, 0, None), who, counters, beside, outside) for _ in range(2)]
    passed = 0
    for i in range(20):
        with contextlib.suppress(TooMany):
            await ask(both[i % 2])
            passed += 1
    assert passed == passes


async def test_neither_is_there() -> None:
    none = limits(0, 0)
    assert none(answered) is answered
    assert await none.rate_limit() == {"rpm": 0, "tpm": 0, "active_keys": 0}
    assert await none.budget(none.counted()) is None
    await none.aclose()


@pytest.mark.parametrize(("rpm", "usd", "expected"), [
    (0, 0.0, {"headroom_rate_limit_active_keys": 0}),
    (5, 2.0, {"headroom_rate_limit_active_keys": 0, "headroom_budget_limit_usd": 2.0,
              "headroom_budget_spent_usd": 0.0, "headroom_budget_reserved_usd": 0.0}),
])
async def test_gauges_are_metrics(rpm: int, usd: float, expected: dict[str, float]) -> None:
    made = limits(rpm, usd)
    told = await made.gauges()
    assert told == expected
    metrics = Metrics("1")
    for name, value in {**told, **made.counted()}.items():
        metrics.set(name, value)


def stored(name: str) -> Callable[[Request], Awaitable[str]]:
    async def tenant_of(request: Request) -> str:
        if not name:
            raise StoreError("away")
        return name

    return tenant_of


async def test_tenants_have_names_in_the_process_while_the_state_is_away() -> None:
    guard = door("", (), "127.0.0.1")
    a, b = (Request("POST", "/", [(b"x-api-key", key)], once(b"")) for key in (b"SECRET-A", b"SECRET-B"))
    assert await owner(guard, stored("t"))(a) == "t"
    away = owner(guard, stored(""))
    names = {await away(a), await away(a), await away(b)}
    assert len(names) == 2
    assert not any("SECRET" in name for name in names)


def test_a_refusal_over_budget_says_so() -> None:
    assert (OverBudget("x").status, OverBudget("x").kind) == (429, "budget_exceeded")
