"""Counters, gauges and histograms for Prometheus: one table declares them all, one method counts an exchange.

Not locked: they live on one thread, the event loop's. Numbers kept elsewhere are set just before they are shown.
"""

from __future__ import annotations

import copy
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from headroom.conversation import Json
from headroom.errors import Garbled, Stale, TimedOut, Unreachable, UpstreamError
from headroom.record import NANO, Cost, Record

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


OURS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0)
"""Milliseconds: what we add is meant to stay around one."""

THEIRS = (10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0, 30000.0, 60000.0, 120000.0, 300000.0, 600000.0)
"""Milliseconds: what models take, up to the default --request-timeout."""

WHO = ("provider", "model")

METRICS = (
    Metric("headroom_requests_total", "counter", "Exchanges that ended. Status 0: the client left before there was one.", (*WHO, "status")),
    Metric("headroom_active_requests", "gauge", "Exchanges in progress, streams included."),
    Metric("headroom_client_disconnects_total", "counter", "Exchanges that the client left, before or in the middle of the answer.", ("phase",)),
    Metric("headroom_upstream_errors_total", "counter", "Exchanges in which the provider could not be asked or did not answer properly.", ("provider", "reason")),
    Metric("headroom_tokens_before_total", "counter", "Input tokens as the clients sent them.", WHO),
    Metric("headroom_tokens_after_total", "counter", "Input tokens as they were sent on.", WHO),
    Metric("headroom_tokens_saved_total", "counter", "Input tokens by which requests were sent on shorter; losses are counted apart.", WHO),
    Metric("headroom_tokens_lost_total", "counter", "Input tokens by which requests were sent on longer: what we put in was more than what they were shortened by.", WHO),
    Metric("headroom_tokens_in_total", "counter", "Uncached input tokens, as the provider counts them.", WHO),
    Metric("headroom_tokens_out_total", "counter", "Output tokens, as the provider counts them.", WHO),
    Metric("headroom_prefix_cache_read_tokens_total", "counter", "Input tokens that the provider read from its prompt cache.", WHO),
    Metric("headroom_prefix_cache_write_tokens_total", "counter", "Input tokens that the provider wrote to its prompt cache.", WHO),
    Metric("headroom_prefix_cache_answers_total", "counter", "Answers by what became of the conversation's prompt cache: read (hit), or why not.", ("cause",)),
    Metric("headroom_cache_busts_total", "counter", "Answers for which a prompt cache was missed because of a change of ours.", WHO),
    Metric("headroom_cache_bust_tokens_total", "counter", "Input tokens that were paid for again because of it.", WHO),
    Metric("headroom_cost_usd_total", "counter", "US dollars that exchanges cost, by the provider's own counts and the price table.", WHO),
    Metric("headroom_saved_usd_total", "counter", "US dollars, estimated, that exchanges would have cost more without us; losses are counted apart.", WHO),
    Metric("headroom_loss_usd_total", "counter", "US dollars, estimated, that exchanges would have cost less without us.", WHO),
    Metric("headroom_unpriced_requests_total", "counter", "Exchanges in no sum of dollars, since no price is known for their model.", WHO),
    Metric("headroom_estimated_requests_total", "counter", "Exchanges whose cost is an estimate, since the provider did not say, or not to the end, what it counted.", WHO),
    Metric("headroom_ledger_lost_total", "counter", "Exchanges that the ledger lost, since it could not be written."),
    Metric("headroom_compressor_saved_tokens_total", "counter", "Estimated tokens saved in parts sent for the first time, by what shortened them.", ("compressor",)),
    Metric("headroom_skipped_tokens_total", "counter", "Estimated tokens that were left as they came, by reason.", ("reason",)),
    Metric("headroom_failures_total", "counter", "Texts that went out unchanged because a transform failed.", ("reason",)),
    Metric("headroom_latency_ms", "histogram", "From the request to the end of the answer.", ("provider",), THEIRS),
    Metric("headroom_ttfb_ms", "histogram", "From the request to the beginning of the answer.", ("provider",), THEIRS),
    Metric("headroom_overhead_ms", "histogram", "What we added before the provider was asked.", ("provider",), OURS),
    Metric("headroom_fit_cuts_total", "counter", "Times a conversation was cut because it outgrew its model's window."),
    Metric("headroom_fit_elements_total", "counter", "Elements of conversations left out at that."),
    Metric("headroom_fit_folds_total", "counter", "Tool outputs folded into markers at that."),
    Metric("headroom_fit_tokens_total", "counter", "Tokens that requests had less for it."),
    Metric("headroom_fit_misfits_total", "counter", "Requests of which too much has to stay, so that they do not fit."),
    Metric("headroom_ccr_stored_total", "counter", "Originals that were stored."),
    Metric("headroom_ccr_retrieved_total", "counter", "Originals that were asked for and found."),
    Metric("headroom_ccr_missed_total", "counter", "Originals that were asked for and not found."),
    Metric("headroom_ccr_entries", "gauge", "Originals in the store."),
    Metric("headroom_ccr_bytes", "gauge", "Bytes that originals take in the store."),
    Metric("headroom_cache_hits_total", "counter", "Requests that were answered from memory, since exactly the same was asked before."),
    Metric("headroom_cache_misses_total", "counter", "Requests that could have been, but were asked of the provider."),
    Metric("headroom_cache_entries", "gauge", "Answers kept to be given again."),
    Metric("headroom_cache_bytes", "gauge", "Bytes that such answers take in memory."),
    Metric("headroom_refused_total", "counter", "Requests that our own limits refused: requests and tokens a minute, or the budget.", ("limit",)),
    Metric("headroom_rate_limit_active_keys", "gauge", "Credentials with less than their full limit left."),
    Metric("headroom_budget_limit_usd", "gauge", "US dollars that may be spent in a period; 0 without a budget."),
    Metric("headroom_budget_spent_usd", "gauge", "US dollars of the budget that were spent in the current period."),
    Metric("headroom_budget_reserved_usd", "gauge", "US dollars of the budget that requests in flight may cost."),
    Metric("headroom_budget_unpriced_requests_total", "counter", "Answered requests that did not count against the budget, since no price is known for them."),
    Metric("headroom_store_errors_total", "counter", "Times that state could not be read or written.", ("operation",)),
    Metric("headroom_log_dropped_total", "counter", "Lines that the request log lost."),
    Metric("headroom_build_info", "gauge", "Always 1; the labels say what is running.", ("version",)),
)
"""Documentation of the metrics is generated from this table."""

SERIES = {"model": 100}
"""Distinct values of a label, the first come; clients choose the model, so it could be anything."""

OTHER_LABELS = 200
"""The same for all other labels: those are our words, or statuses; this is a safety net."""

OTHER = "other"

MAX_LABEL = 100
"""Characters."""

ADDED_UP = frozenset(("headroom_active_requests", "headroom_cache_entries", "headroom_cache_bytes"))
"""Gauges that say something of one process, so that those of several add up; others are the same in each."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

UPSTREAM = frozenset(kind.__name__ for kind in (UpstreamError, Unreachable, Stale, Garbled, TimedOut))

REFUSALS = {"TooMany": "rate", "OverBudget": "budget"}
"""Our own refusals, by the error of the record."""

TEXT = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = b"application/openmetrics-text; version=1.0.0; charset=utf-8"

Labels = Mapping[str, str]
NONE: Labels = {}


class Metrics:
    """`inc` and `set` take names and labels of the table, and raise KeyError for others."""

    def __init__(self, version: str) -> None:
        self._metrics = {metric.name: metric for metric in METRICS}
        self._values: dict[str, dict[tuple[str, ...], float]] = {
            metric.name: {} if metric.labels else {(): 0} for metric in METRICS if metric.kind != "histogram"
        }
        self._histograms: dict[str, dict[tuple[str, ...], _Histogram]] = {
            metric.name: {} for metric in METRICS if metric.kind == "histogram"
        }
        self._known: dict[str, dict[str, str]] = {label: {} for metric in METRICS for label in metric.labels}
        self.set("headroom_build_info", 1, {"version": version})

    def inc(self, name: str, labels: Labels = NONE, n: float = 1) -> None:
        self._add(name, self._series(name, labels), n)

    def set(self, name: str, value: float, labels: Labels = NONE) -> None:
        """For gauges, and for counters that are kept elsewhere."""
        self._values[name][self._series(name, labels)] = value

    def value(self, name: str) -> float:
        """Of what has no labels."""
        return self._values[name].get((), 0)

    def observe(self, record: Record) -> None:
        """Count one exchange."""
        provider = self._bounded("provider", record.provider)
        who = (provider, self._bounded("model", record.model))
        self._add("headroom_requests_total", (*who, self._bounded("status", str(record.status))), 1)
        self._mishaps(record, provider)
        self._refusals(record)
        self._tokens(record, who)
        self._prompt_cache(record, who)
        self._cost(record.cost, who)
        self._report(record)
        self._time("headroom_latency_ms", provider, record.total_ms)
        self._time("headroom_overhead_ms", provider, record.overhead_ms)
        if record.ttfb_ms is not None:
            self._time("headroom_ttfb_ms", provider, record.ttfb_ms)

    def render(self, openmetrics: bool) -> bytes:
        lines: list[str] = []
        for metric in self._metrics.values():
            family = metric.name.removesuffix("_total") if openmetrics else metric.name
            lines += (f"# HELP {family} {metric.help}", f"# TYPE {family} {metric.kind}")
            if metric.kind == "histogram":
                for labels, histogram in self._histograms[metric.name].items():
                    lines += histogram.lines(metric, labels)
            else:
                values = self._values[metric.name].items()
                lines += (f"{metric.name}{_braces(metric.labels, labels)} {_number(n)}" for labels, n in values)
        if openmetrics:
            lines.append("# EOF")
        return "\n".join([*lines, ""]).encode()

    def answer(self, accept: str) -> tuple[bytes, bytes]:
        """Content type and text, for the value of an Accept field."""
        openmetrics = wants_openmetrics(accept)
        return OPENMETRICS if openmetrics else TEXT, self.render(openmetrics)

    def dump(self) -> Json:
        """All counters and histograms, and the gauges that can be added up, for another process to absorb."""
        values = {
            name: [[list(labels), n] for labels, n in rows.items()]
            for name, rows in self._values.items() if self._metrics[name].kind == "counter" or name in ADDED_UP
        }
        times = {
            name: [[list(labels), histogram.dump()] for labels, histogram in rows.items()] for name, rows in self._histograms.items()
        }
        return {"values": values, "histograms": times}

    def copy(self) -> Metrics:
        return copy.deepcopy(self)

    def absorb(self, dumped: Json, *, live: bool = True) -> None:
        """Add what another process has counted. `live`: it still runs, so its gauges count too. What a later version
        counts and we do not know is left out."""
        for name, rows in dumped["values"].items():
            metric = self._metrics.get(name)
            if metric is not None and (live or metric.kind == "counter"):
                for labels, n in rows:
                    self._add(name, self._absorbed(metric, labels), n)
        for name, rows in dumped["histograms"].items():
            metric = self._metrics.get(name)
            if metric is not None and metric.kind == "histogram":
                for labels, counts in rows:
                    key = self._absorbed(metric, labels)
                    self._histograms[name].setdefault(key, _Histogram(metric.buckets)).absorb(counts)

    def _absorbed(self, metric: Metric, labels: Sequence[str]) -> tuple[str, ...]:
        """Labels that another process has bounded and escaped; together they may be too many once more."""
        shown = []
        for name, value in zip(metric.labels, labels, strict=True):
            known = self._known[name]
            if value not in known and value != OTHER and len(known) >= SERIES.get(name, OTHER_LABELS):
                value = OTHER
            shown.append(known.setdefault(value, value) if value != OTHER else OTHER)
        return tuple(shown)

    def _add(self, name: str, labels: tuple[str, ...], n: float) -> None:
        values = self._values[name]
        values[labels] = values.get(labels, 0) + n

    def _time(self, name: str, provider: str, ms: float) -> None:
        histogram = self._histograms[name].get((provider,))
        if histogram is None:
            histogram = self._histograms[name][(provider,)] = _Histogram(self._metrics[name].buckets)
        histogram.observe(ms)

    def _series(self, name: str, labels: Labels) -> tuple[str, ...]:
        wanted = self._metrics[name].labels
        if len(labels) != len(wanted):
            raise KeyError(f"{name} has the labels {wanted}, not {tuple(labels)}")
        return tuple(self._bounded(label, labels[label]) for label in wanted)

    def _bounded(self, label: str, value: str) -> str:
        """The value to show; after too many distinct ones, "other"."""
        known = self._known[label]
        shown = known.get(value)
        if shown is None:
            if len(known) >= SERIES.get(label, OTHER_LABELS) or len(value) > MAX_LABEL:
                return OTHER
            shown = known[value] = _escaped(CONTROL.sub("?", value)) or "none"
        return shown

    def _refusals(self, record: Record) -> None:
        if record.error in REFUSALS:
            self._add("headroom_refused_total", (REFUSALS[record.error],), 1)

    def _mishaps(self, record: Record, provider: str) -> None:
        if record.error == "client left":
            self.inc("headroom_client_disconnects_total", {"phase": "answer" if record.status else "request"})
        elif record.error in UPSTREAM:
            self._add("headroom_upstream_errors_total", (provider, record.error), 1)

    def _tokens(self, record: Record, who: tuple[str, str]) -> None:
        self._add("headroom_tokens_before_total", who, record.tokens_before)
        self._add("headroom_tokens_after_total", who, record.tokens_after)
        # Both, also when 0: in PromQL a difference with a series that is not there is nothing.
        self._add("headroom_tokens_saved_total", who, max(0, record.tokens_saved))
        self._add("headroom_tokens_lost_total", who, max(0, -record.tokens_saved))
        usage = record.usage
        for name, tokens in (
            ("headroom_tokens_in_total", usage.input_tokens),
            ("headroom_tokens_out_total", usage.output_tokens),
            ("headroom_prefix_cache_read_tokens_total", usage.cache_read_tokens),
            ("headroom_prefix_cache_write_tokens_total", usage.cache_write_tokens),
        ):
            if tokens is not None and tokens >= 0:
                self._add(name, who, tokens)

    def _prompt_cache(self, record: Record, who: tuple[str, str]) -> None:
        cache = record.prompt_cache
        if cache.cause:
            self.inc("headroom_prefix_cache_answers_total", {"cause": cache.cause})
        if cache.cause == "bust":
            self._add("headroom_cache_busts_total", who, 1)
            self._add("headroom_cache_bust_tokens_total", who, cache.lost)

    def _cost(self, cost: Cost, who: tuple[str, str]) -> None:
        if cost.unpriced:
            self._add("headroom_unpriced_requests_total", who, 1)
        else:
            self._add("headroom_cost_usd_total", who, cost.spent / NANO)
            self._add("headroom_saved_usd_total", who, max(0, cost.saved) / NANO)
            self._add("headroom_loss_usd_total", who, max(0, -cost.saved) / NANO)
        if cost.estimated:
            self._add("headroom_estimated_requests_total", who, 1)

    def _report(self, record: Record) -> None:
        for edit in record.report.edits:
            self.inc("headroom_compressor_saved_tokens_total", {"compressor": edit.by}, max(0, edit.before - edit.after))
        for skip in record.report.skipped:
            self._add("headroom_skipped_tokens_total", (skip.reason,), skip.tokens)
        for reason, n in record.report.failed.items():
            self.inc("headroom_failures_total", {"reason": reason}, n)


class _Histogram:
    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds, self._counts, self._sum = bounds, [0] * (len(bounds) + 1), 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def dump(self) -> Json:
        return [self._counts, self._sum]

    def absorb(self, dumped: Json) -> None:
        counts, total = dumped
        if len(counts) == len(self._counts):
            self._counts = [ours + theirs for ours, theirs in zip(self._counts, counts, strict=True)]
            self._sum += total

    def lines(self, metric: Metric, labels: tuple[str, ...]) -> list[str]:
        lines, below = [], 0
        for bound, count in zip((*map(repr, self._bounds), "+Inf"), self._counts, strict=True):
            below += count
            lines.append(f"{metric.name}_bucket{_braces((*metric.labels, 'le'), (*labels, bound))} {below}")
        braces = _braces(metric.labels, labels)
        return [*lines, f"{metric.name}_sum{braces} {self._sum!r}", f"{metric.name}_count{braces} {below}"]


def wants_openmetrics(accept: str) -> bool:
    """Whether OpenMetrics is asked for, and nothing we speak more so (RFC 9110 §12.5.1; Prometheus asks for both)."""
    asked: dict[str, float] = {}
    for item in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        asked[kind] = max(asked.get(kind, 0.0), float(weight) if re.fullmatch(r"[01](\.\d{0,3})?", weight) else 0.0)
    wanted = asked.get("application/openmetrics-text", 0.0)
    return wanted > 0 and wanted >= asked.get("text/plain", 0.0)


def _braces(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """Values are escaped already."""
    return "{" + ",".join(f'{n}="{v}"' for n, v in zip(names, values, strict=True)) + "}" if names else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
