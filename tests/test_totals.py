from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Edit, Report, Skipped, Usage
from headroom.record import Cost, PromptCache, Record
from headroom.totals import NAMES, RECENT, Durations, Totals

RECORD = Record(
    ts=5.0, request_id="r", provider="anthropic", dialect="anthropic", model="claude", path="/v1/messages", stream=True,
    status=200, report=Report(), tokens_before=100, tokens_after=75, overhead_ms=0.5, ttfb_ms=80.0, total_ms=2000.0,
)
LOGS = Edit("logs", "Bash", "secret original", "secret form", "equal", 10, 4)
TABLE = Edit("tables", "Bash", "secret original", "secret form", "equal", 30, 10)


def stats(*records: Record) -> Any:
    totals = Totals()
    totals.stats(now=1.0)
    for record in records:
        totals.observe(record, now=6.0)
    return totals.stats(now=11.0)


PREFIX_CACHE: dict[str, Any] = {
    "read_tokens": 0, "write_tokens": 0, "hit_rate": None, "busts": 0, "bust_tokens": 0, "bust_usd": 0.0,
    "rewrites": 0, "rewritten_tokens": 0, "saved_usd": 0.0, "unpriced_read_tokens": 0, "answers": {},
}


def test_the_shape_before_anything_happened() -> None:
    nothing = {"p50": None, "p95": None, "p99": None}
    tokens = {"input_before": 0, "input_after": 0, "saved": 0, "savings_percent": 0.0}
    assert stats() == {
        "requests": {
            "total": 0, "cached": 0, "rate_limited": 0, "over_budget": 0, "failed": 0, "by_provider": {}, "by_model": {},
        },
        "tokens": {**tokens, "output": 0, "counter": "estimate"},
        "cost": {"spent_usd": 0.0, "saved_usd": 0.0, "unpriced_requests": 0, "estimated_requests": 0, "by_model": {}},
        "prefix_cache": PREFIX_CACHE,
        "compression": {"by_compressor": {}, "by_tool": {}, "skipped": {}, "failed": {}},
        "latency": {"overhead": nothing, "ttfb": nothing, "total": nothing},
        "recent": [],
        "session": {"since": 1.0, "last": None, "seconds": 10.0, "requests": 0, **tokens, "output": 0},
    }


@pytest.mark.parametrize(
    ("records", "where", "expected"),
    [
        ([RECORD, RECORD], "requests.total", 2),
        ([RECORD, replace(RECORD, cache="hit")], "requests.cached", 1),
        ([RECORD, replace(RECORD, status=502, error="Garbled")], "requests.failed", 1),
        ([replace(RECORD, status=429, error="TooMany")], "requests.rate_limited", 1),
        ([replace(RECORD, status=429)], "requests.rate_limited", 0),
        ([replace(RECORD, status=429, error="OverBudget")], "requests.over_budget", 1),
        ([RECORD, replace(RECORD, provider="openai")], "requests.by_provider", {"anthropic": 1, "openai": 1}),
        ([RECORD, replace(RECORD, model="")], "requests.by_model", {"claude": 1}),
        ([replace(RECORD, cost=Cost(10**9, -5 * 10**8)), replace(RECORD, cost=Cost(1)), replace(RECORD, model="new", cost=Cost(unpriced=True))], "cost",
         {"spent_usd": 1.000000001, "saved_usd": -0.5, "unpriced_requests": 1, "estimated_requests": 0,
          "by_model": {"claude": {"spent_usd": 1.000000001, "saved_usd": -0.5}}}),
        ([RECORD, replace(RECORD, tokens_before=300, tokens_after=125)], "tokens.saved", 200),
        ([RECORD, replace(RECORD, tokens_before=300, tokens_after=125)], "tokens.savings_percent", 50.0),
        ([replace(RECORD, usage=Usage(1, 2, 3, 4))] * 2, "tokens.output", 4),
        ([replace(RECORD, usage=Usage(2, 9, 6, 4))] * 2, "prefix_cache",
         {**PREFIX_CACHE, "read_tokens": 12, "write_tokens": 8, "hit_rate": 0.5}),
        ([replace(RECORD, prompt_cache=PromptCache("hit", saved_usd=0.25)), replace(RECORD, prompt_cache=PromptCache("hit", unpriced=7))],
         "prefix_cache", {**PREFIX_CACHE, "saved_usd": 0.25, "unpriced_read_tokens": 7, "answers": {"hit": 2}}),
        ([replace(RECORD, prompt_cache=PromptCache(cause, 100, 0.5)) for cause in ("bust", "client", "bust")],
         "prefix_cache", {**PREFIX_CACHE, "busts": 2, "bust_tokens": 200, "bust_usd": 1.0, "answers": {"bust": 2, "client": 1}}),
        ([replace(RECORD, prompt_cache=PromptCache("rewritten", 100, 0.5))],
         "prefix_cache", {**PREFIX_CACHE, "rewrites": 1, "rewritten_tokens": 100, "answers": {"rewritten": 1}}),
        ([replace(RECORD, report=Report(edits=(LOGS, TABLE)))] * 2, "compression.by_compressor",
         {"logs": {"parts": 2, "before": 20, "after": 8, "saved": 12}, "tables": {"parts": 2, "before": 60, "after": 20, "saved": 40}}),
        ([replace(RECORD, report=Report(edits=(LOGS, TABLE)))], "compression.by_tool",
         {"Bash": {"parts": 2, "before": 40, "after": 14, "saved": 26}}),
        ([replace(RECORD, report=Report(skipped=(Skipped("short", 5, 2), Skipped("short", 1), Skipped("error", 7))))],
         "compression.skipped", {"short": {"parts": 3, "tokens": 6}, "error": {"parts": 1, "tokens": 7}}),
        ([replace(RECORD, report=Report(failed={"shorten: KeyError": 2}))] * 2, "compression.failed", {"shorten: KeyError": 4}),
        ([RECORD], "latency.overhead", {"p50": 0.5, "p95": 0.5, "p99": 0.5}),
        ([RECORD], "latency.ttfb.p50", 80.0),
        ([RECORD], "latency.total.p99", 2000.0),
        ([RECORD], "session.last", 6.0),
    ],
)
def test_what_is_added_up(records: list[Record], where: str, expected: object) -> None:
    found = stats(*records)
    for name in where.split("."):
        found = found[name]
    assert found == expected


def test_the_counter_is_named() -> None:
    assert Totals().stats(1.0, "o200k_base")["tokens"]["counter"] == "o200k_base"


def test_the_newest_exchanges_come_first_and_few() -> None:
    recent = stats(*(replace(RECORD, request_id=f"{n}") for n in range(100)))["recent"]
    assert [row["request_id"] for row in recent] == [f"{n}" for n in range(99, 99 - RECENT, -1)]


def test_no_content_is_shown() -> None:
    report = Report(edits=(LOGS,), originals={"k": "secret original"}, forms={"c": "secret form"})
    assert "secret" not in json.dumps(stats(replace(RECORD, report=report, request="secret body", response="secret answer")))


def test_reset_begins_anew() -> None:
    totals = Totals()
    totals.observe(RECORD, now=2.0)
    totals.reset()
    assert totals.stats(now=3.0) == Totals().stats(now=3.0)


def test_names_are_bounded_in_number_and_length() -> None:
    records = [
        replace(RECORD, model=f"{n}" + "x" * 1000, provider=f"p{n}", report=Report(edits=(replace(LOGS, tool=f"mcp__{n}"),)))
        for n in range(1000)
    ]
    told = stats(*records)
    for names in (told["requests"]["by_model"], told["requests"]["by_provider"], told["compression"]["by_tool"]):
        assert len(names) == NAMES + 1
        assert max(map(len, names)) <= 100
    assert told["requests"]["by_model"]["other"] == 1000 - NAMES
    assert len(json.dumps(told)) < 60_000


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60), st.sampled_from([50, 95, 99]))
@settings(deadline=None)
def test_percentiles_are_near_the_true_ones(times: list[float], percent: int) -> None:
    durations = Durations()
    for ms in times:
        durations.observe(ms)
    true = sorted(times)[-(-len(times) * percent // 100) - 1]
    found = durations.percentile(percent)
    assert found is not None
    assert min(times) <= found <= max(times)
    if 0.01 < true < 1e7:
        assert found == pytest.approx(true, rel=0.05)


@given(st.lists(st.builds(
    lambda model, before, saved: replace(RECORD, model=model, tokens_before=before + saved, tokens_after=before),
    st.text(max_size=3), st.integers(0, 1000), st.integers(0, 1000),
), max_size=40))
@settings(max_examples=40, deadline=None)
def test_the_sums_are_the_sums(records: list[Record]) -> None:
    told = stats(*records)
    assert told["tokens"]["saved"] == sum(r.tokens_saved for r in records)
    assert told["tokens"]["input_before"] - told["tokens"]["input_after"] == told["tokens"]["saved"]
    assert sum(told["requests"]["by_model"].values()) == sum(bool(r.model) for r in records)
    json.dumps(told, allow_nan=False)


@given(st.lists(st.tuples(st.booleans(), st.builds(
    lambda model, status, ms: replace(RECORD, model=model, status=status, total_ms=ms, ts=ms),
    st.sampled_from(["a", "b", ""]), st.sampled_from([200, 429, 500]), st.floats(0, 1e6),
)), max_size=40))
@settings(deadline=None, max_examples=40)
def test_two_processes_add_up_to_what_one_would_have_counted(records: list[tuple[bool, Record]]) -> None:
    one, halves = Totals(), (Totals(), Totals())
    for number, (which, record) in enumerate(records):
        record = replace(record, ts=float(number))
        one.observe(record, number)
        halves[which].observe(record, number)
    sums = Totals()
    for half in halves:
        sums.absorb(json.loads(json.dumps(half.dump())))
    assert sums.stats(100.0) == one.stats(100.0)
