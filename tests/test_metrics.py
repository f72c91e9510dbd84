from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from headroom.conversation import Edit, Report, Skipped, Usage
from headroom.metrics import METRICS, OPENMETRICS, TEXT, Metric, Metrics, wants_openmetrics
from headroom.record import Cost, PromptCache, Record

RECORD = Record(
    ts=1.0, request_id="r", provider="anthropic", dialect="anthropic", model="claude", path="/v1/messages", stream=True,
    status=200, report=Report(), tokens_before=100, tokens_after=75, overhead_ms=0.5, ttfb_ms=80.0, total_ms=2000.0,
)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def families(metrics: Metrics, openmetrics: bool) -> list[Family]:
    text = metrics.render(openmetrics).decode()
    return list((parse_openmetrics if openmetrics else parse_text)(text))


def samples(metrics: Metrics, openmetrics: bool = False) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families(metrics, openmetrics) for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, tuple(sorted(labels.items()))))


# The table --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_line_of_the_table_is_in_good_order(metric: Metric) -> None:
    assert re.fullmatch(r"headroom_[a-z_]+[a-z]", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.help.endswith(".")
    assert "\n" not in metric.help
    assert "\\" not in metric.help
    assert all(re.fullmatch(r"[a-z]+", label) for label in metric.labels)
    assert (metric.kind == "histogram") == bool(metric.buckets)
    assert list(metric.buckets) == sorted(set(metric.buckets))


def test_names_are_unique() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize("openmetrics", [False, True])
def test_every_metric_is_there_from_the_start_with_help_and_type(openmetrics: bool) -> None:
    shown = {family.name: family for family in families(Metrics("1.2.3"), openmetrics)}
    for metric in METRICS:
        family = shown[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        assert bool(family.samples) == (not metric.labels or metric.name == "headroom_build_info")


# What is counted --------------------------------------------------------------------------------------------

WHO = {"provider": "anthropic", "model": "claude"}


@pytest.mark.parametrize(
    ("record", "name", "labels", "expected"),
    [
        (RECORD, "headroom_requests_total", {**WHO, "status": "200"}, 1),
        (replace(RECORD, status=0), "headroom_requests_total", {**WHO, "status": "0"}, 1),
        (replace(RECORD, model=""), "headroom_requests_total", {"provider": "anthropic", "model": "none", "status": "200"}, 1),
        (RECORD, "headroom_tokens_before_total", WHO, 100),
        (RECORD, "headroom_tokens_after_total", WHO, 75),
        (RECORD, "headroom_tokens_saved_total", WHO, 25),
        (replace(RECORD, tokens_after=120), "headroom_tokens_saved_total", WHO, 0),
        (replace(RECORD, tokens_after=120), "headroom_tokens_lost_total", WHO, 20),
        (RECORD, "headroom_tokens_lost_total", WHO, 0),
        (RECORD, "headroom_loss_usd_total", WHO, 0),
        (RECORD, "headroom_tokens_in_total", WHO, None),
        (replace(RECORD, usage=Usage(1, 2, 3, 4)), "headroom_tokens_in_total", WHO, 1),
        (replace(RECORD, usage=Usage(1, 2, 3, 4)), "headroom_tokens_out_total", WHO, 2),
        (replace(RECORD, usage=Usage(1, 2, 3, 4)), "headroom_prefix_cache_read_tokens_total", WHO, 3),
        (replace(RECORD, usage=Usage(1, 2, 3, 4)), "headroom_prefix_cache_write_tokens_total", WHO, 4),
        (replace(RECORD, usage=Usage(-5)), "headroom_tokens_in_total", WHO, None),
        (replace(RECORD, prompt_cache=PromptCache("bust", 500)), "headroom_cache_busts_total", WHO, 1),
        (replace(RECORD, prompt_cache=PromptCache("bust", 500)), "headroom_cache_bust_tokens_total", WHO, 500),
        (replace(RECORD, prompt_cache=PromptCache("rewritten", 500)), "headroom_cache_busts_total", WHO, None),
        (replace(RECORD, prompt_cache=PromptCache("client")), "headroom_prefix_cache_answers_total", {"cause": "client"}, 1),
        (RECORD, "headroom_prefix_cache_answers_total", {"cause": ""}, None),
        (RECORD, "headroom_latency_ms_count", {"provider": "anthropic"}, 1),
        (RECORD, "headroom_latency_ms_sum", {"provider": "anthropic"}, 2000),
        (RECORD, "headroom_latency_ms_bucket", {"provider": "anthropic", "le": "1000.0"}, 0),
        (RECORD, "headroom_latency_ms_bucket", {"provider": "anthropic", "le": "2500.0"}, 1),
        (RECORD, "headroom_latency_ms_bucket", {"provider": "anthropic", "le": "+Inf"}, 1),
        (RECORD, "headroom_overhead_ms_bucket", {"provider": "anthropic", "le": "0.5"}, 1),
        (RECORD, "headroom_overhead_ms_bucket", {"provider": "anthropic", "le": "0.25"}, 0),
        (RECORD, "headroom_ttfb_ms_sum", {"provider": "anthropic"}, 80),
        (replace(RECORD, ttfb_ms=None), "headroom_ttfb_ms_count", {"provider": "anthropic"}, None),
        (replace(RECORD, error="client left", status=0), "headroom_client_disconnects_total", {"phase": "request"}, 1),
        (replace(RECORD, error="client left"), "headroom_client_disconnects_total", {"phase": "answer"}, 1),
        (replace(RECORD, error="Garbled"), "headroom_upstream_errors_total", {"provider": "anthropic", "reason": "Garbled"}, 1),
        (replace(RECORD, error="TooMany"), "headroom_refused_total", {"limit": "rate"}, 1),
        (replace(RECORD, error="OverBudget"), "headroom_refused_total", {"limit": "budget"}, 1),
        (replace(RECORD, error="TooMany"), "headroom_upstream_errors_total", {"provider": "anthropic", "reason": "TooMany"}, None),
        (replace(RECORD, report=Report(edits=(Edit("logs", "Bash", "x", "y", "equal", 10, 4),))),
         "headroom_compressor_saved_tokens_total", {"compressor": "logs"}, 6),
        (replace(RECORD, report=Report(skipped=(Skipped("short", 5), Skipped("short", 6)))),
         "headroom_skipped_tokens_total", {"reason": "short"}, 11),
        (replace(RECORD, report=Report(failed={"shorten: KeyError": 2})),
         "headroom_failures_total", {"reason": "shorten: KeyError"}, 2),
    ],
)
def test_an_exchange_is_counted(record: Record, name: str, labels: dict[str, str], expected: float | None) -> None:
    metrics = Metrics("1.2.3")
    metrics.observe(record)
    assert value(metrics, name, **labels) == expected


def test_counters_add_up_and_gauges_are_set() -> None:
    metrics = Metrics("1.2.3")
    metrics.inc("headroom_store_errors_total", {"operation": "journal"})
    metrics.inc("headroom_store_errors_total", {"operation": "journal"}, 2)
    metrics.inc("headroom_ccr_stored_total", n=5)
    metrics.set("headroom_active_requests", 7)
    metrics.set("headroom_active_requests", 3)
    metrics.set("headroom_log_dropped_total", 12)
    assert value(metrics, "headroom_store_errors_total", operation="journal") == 3
    assert value(metrics, "headroom_ccr_stored_total") == 5
    assert value(metrics, "headroom_active_requests") == 3
    assert value(metrics, "headroom_log_dropped_total") == 12
    assert value(metrics, "headroom_build_info", version="1.2.3") == 1


@pytest.mark.parametrize(
    ("name", "labels"),
    [("headroom_no_such_total", {}), ("headroom_store_errors_total", {}), ("headroom_store_errors_total", {"reason": "x"}),
     ("headroom_active_requests", {"x": "y"}), ("headroom_latency_ms", {"provider": "x"})],
)
def test_what_is_not_in_the_table_is_a_mistake_of_ours(name: str, labels: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        Metrics("1.2.3").inc(name, labels)


# Bounds -----------------------------------------------------------------------------------------------------


def test_after_a_hundred_models_the_rest_is_other() -> None:
    metrics = Metrics("1.2.3")
    for number in range(1000):
        metrics.observe(replace(RECORD, model=f"model-{number}"))
    models = {dict(labels)["model"] for name, labels in samples(metrics) if name == "headroom_tokens_saved_total"}
    assert len(models) == 101
    assert value(metrics, "headroom_tokens_saved_total", provider="anthropic", model="other") == 900 * 25
    metrics.observe(replace(RECORD, model="model-1"))
    assert value(metrics, "headroom_tokens_saved_total", provider="anthropic", model="model-1") == 2 * 25


def test_a_very_long_model_is_other() -> None:
    metrics = Metrics("1.2.3")
    metrics.observe(replace(RECORD, model="x" * 10_000))
    assert value(metrics, "headroom_tokens_saved_total", provider="anthropic", model="other") == 25


@pytest.mark.parametrize("openmetrics", [False, True])
@given(models=st.lists(st.text(max_size=30) | st.sampled_from(['a"} 1\n# EOF\nx{y="', "\\", "\\n", '"', "\u2028", "\ud800", "é"])))
@settings(max_examples=60, deadline=None)
def test_whatever_models_are_called_the_text_can_be_parsed(openmetrics: bool, models: list[str]) -> None:
    metrics = Metrics("1.2.3")
    for model in models:
        metrics.observe(replace(RECORD, model=model))
    told = samples(metrics, openmetrics)
    counted = sum(n for (name, _), n in told.items() if name == "headroom_requests_total")
    assert counted == len(models)


@given(st.lists(st.floats(0, 1e6), max_size=40))
@settings(deadline=None)
def test_buckets_are_cumulative_and_end_with_all(times: list[float]) -> None:
    metrics = Metrics("1.2.3")
    for ms in times:
        metrics.observe(replace(RECORD, total_ms=ms))
    told = samples(metrics)
    bounds = [*next(m for m in METRICS if m.name == "headroom_latency_ms").buckets, float("inf")]
    for bound in bounds if times else []:
        le = "+Inf" if bound == float("inf") else repr(bound)
        assert told["headroom_latency_ms_bucket", (("le", le), ("provider", "anthropic"))] == sum(ms <= bound for ms in times)


# Which format -----------------------------------------------------------------------------------------------

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("", False), ("*/*", False), ("text/plain", False), ("text/html,*/*;q=0.8", False),
        ("application/openmetrics-text", True), ("APPLICATION/OpenMetrics-Text; version=1.0.0", True), (PROMETHEUS, True),
        ("application/openmetrics-text;q=0", False), ("application/openmetrics-text;q=0.1,text/plain;q=0.9", False),
        ("application/openmetrics-text;q=nonsense", False), (",;,q=", False),
    ],
)
def test_the_client_chooses_the_format(accept: str, openmetrics: bool) -> None:
    assert wants_openmetrics(accept) == openmetrics
    metrics = Metrics("1.2.3")
    assert metrics.answer(accept) == (OPENMETRICS if openmetrics else TEXT, metrics.render(openmetrics))
    assert metrics.render(openmetrics).endswith(b"# EOF\n") == openmetrics


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", 'b"c', "d"]), st.floats(0, 1e6)), max_size=30))
@settings(deadline=None, max_examples=40)
def test_two_processes_add_up_to_what_one_would_have_counted(exchanges: list[tuple[bool, str, float]]) -> None:
    one, halves = Metrics("1"), (Metrics("1"), Metrics("1"))
    for which, model, ms in exchanges:
        record = replace(RECORD, model=model, total_ms=float(int(ms)))
        one.observe(record)
        halves[which].observe(record)
    sums = halves[0].copy()
    sums.absorb(json.loads(json.dumps(halves[1].dump())))
    assert sorted(sums.render(False).splitlines()) == sorted(one.render(False).splitlines())


@pytest.mark.parametrize(("live", "active"), [(True, 5), (False, 2)])
def test_of_gauges_only_those_of_running_processes_that_add_up_count(live: bool, active: int) -> None:
    ours, theirs = Metrics("1"), Metrics("1")
    for metrics, number in ((ours, 2), (theirs, 3)):
        metrics.set("headroom_active_requests", number)
        metrics.set("headroom_ccr_entries", 10)
    ours.absorb(json.loads(json.dumps(theirs.dump())), live=live)
    assert value(ours, "headroom_active_requests") == active
    assert value(ours, "headroom_ccr_entries") == 10


def test_labels_of_several_processes_are_bounded_together() -> None:
    ours, theirs = Metrics("1"), Metrics("1")
    for number in range(100):
        ours.observe(replace(RECORD, model=f"ours {number}"))
        theirs.observe(replace(RECORD, model=f"theirs {number}"))
    ours.absorb(theirs.dump())
    assert len({dict(labels)["model"] for name, labels in samples(ours) if name == "headroom_requests_total"}) == 101


def test_what_a_later_version_counts_is_left_out() -> None:
    ours = Metrics("1")
    before = ours.render(False)
    ours.absorb({"values": {"headroom_new_total": [[["x"], 1]]}, "histograms": {"headroom_new_ms": [[[], [[1], 2]]]}})
    assert ours.render(False) == before


def test_dollars_are_counted_and_a_loss_is_no_negative_saving() -> None:
    metrics = Metrics("1")
    for cost in (Cost(2_000_000_000, 500_000_000), Cost(1, -250_000_000, estimated=True), Cost(unpriced=True)):
        metrics.observe(replace(RECORD, cost=cost))
    text = metrics.render(False).decode()
    found = {line.split("{")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if ("{provider" in line and "usd" in line) or "requests_total{" in line}
    assert found["headroom_cost_usd_total"] == 2.000000001
    assert found["headroom_saved_usd_total"] == 0.5
    assert found["headroom_loss_usd_total"] == 0.25
    assert found["headroom_unpriced_requests_total"] == found["headroom_estimated_requests_total"] == 1
