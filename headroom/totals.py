"""What went through since the start, added up in memory: the figures of /stats. No content, no secrets.

Everything is bounded, whatever clients send. Not locked: it lives on one thread, the event loop's.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from headroom.conversation import Json
from headroom.record import NANO, PromptCache, Record

RECENT = 25
"""Exchanges shown one by one."""

NAMES = 100
"""Distinct models, tools and so on, the first come; the rest are added up as "other"."""

OTHER = "other"

MAX_NAME = 100
"""Characters of a name that a client chose."""

STEPS = 8
"""Buckets per doubling: a percentile is right to within 4.5 %."""

SHORTEST = 0.01
"""Milliseconds; anything faster falls into the first bucket."""

BUCKETS = 31 * STEPS
"""Up to 0.01 ms · 2³¹, about 6 hours."""

PERCENTILES = (50, 95, 99)

Sums = dict[str, list[int]]


class Totals:
    """`now` is in seconds since the epoch. A session begins when it is first spoken of, after the start or a reset."""

    def __init__(self) -> None:
        self._sums = _Sums()

    def reset(self) -> None:
        self._sums = _Sums()

    def observe(self, record: Record, now: float) -> None:
        sums = self._since(now)
        sums.last = now
        _count_request(sums, record)
        _count_report(sums, record)
        sums.overhead.observe(record.overhead_ms)
        sums.total.observe(record.total_ms)
        if record.ttfb_ms is not None:
            sums.ttfb.observe(record.ttfb_ms)
        sums.recent.append(_brief(record))

    def stats(self, now: float, counter: str = "estimate") -> Json:
        """`counter` says how `tokens` were counted. What others know (ccr, cost …) is for the caller to add."""
        sums = self._since(now)
        tokens = _tokens(sums)
        return {
            "requests": {
                "total": sums.requests, "cached": sums.cached, "rate_limited": sums.rate_limited,
                "over_budget": sums.over_budget, "failed": sums.failed,
                "by_provider": {name: n for name, (n,) in sums.providers.items()},
                "by_model": {name: n for name, (n,) in sums.models.items()},
            },
            "tokens": {**tokens, "output": sums.output, "counter": counter},
            "cost": {
                "spent_usd": sums.spent / NANO, "saved_usd": sums.saved / NANO,
                "unpriced_requests": sums.unpriced, "estimated_requests": sums.estimated,
                "by_model": {name: {"spent_usd": spent / NANO, "saved_usd": saved / NANO} for name, (spent, saved) in sums.costs.items()},
            },
            "prefix_cache": {
                "read_tokens": sums.cache_read, "write_tokens": sums.cache_write,
                # Of all input tokens, as the providers count them, how many were read from a cache.
                "hit_rate": _share(sums.cache_read, sums.cache_read + sums.cache_write + sums.uncached),
                "busts": sums.busts, "bust_tokens": sums.bust_tokens, "bust_usd": round(sums.bust_usd, 6),
                "rewrites": sums.rewrites, "rewritten_tokens": sums.rewritten_tokens,
                "saved_usd": round(sums.cache_saved_usd, 6), "unpriced_read_tokens": sums.cache_unpriced,
                "answers": {name: n for name, (n,) in sums.cache_causes.items()},
            },
            "compression": {
                "by_compressor": _named(sums.compressors, ("parts", "before", "after", "saved")),
                "by_tool": _named(sums.tools, ("parts", "before", "after", "saved")),
                "skipped": _named(sums.skipped, ("parts", "tokens")),
                "failed": {name: n for name, (n,) in sums.failures.items()},
            },
            "latency": {"overhead": sums.overhead.show(), "ttfb": sums.ttfb.show(), "total": sums.total.show()},
            "recent": list(reversed(sums.recent)),
            "session": {
                "since": sums.since, "last": sums.last, "seconds": round(now - (sums.since or now), 3),
                "requests": sums.requests, **tokens, "output": sums.output,
            },
        }

    def dump(self) -> Json:
        """Everything, for another process to absorb."""
        sums = self._sums
        return {
            "since": sums.since, "last": sums.last,
            "plain": {name: getattr(sums, name) for name in PLAIN},
            "named": {name: {key: list(row) for key, row in getattr(sums, name).items()} for name in NAMED},
            "durations": {name: getattr(sums, name).dump() for name in TIMED},
            "recent": list(sums.recent),
        }

    def absorb(self, dumped: Json) -> None:
        """Add what another process has counted."""
        sums = self._sums
        for name, pick in (("since", min), ("last", max)):
            seen = [at for at in (getattr(sums, name), dumped[name]) if at is not None]
            setattr(sums, name, pick(seen) if seen else None)
        for name in PLAIN:
            setattr(sums, name, getattr(sums, name) + dumped["plain"][name])
        for name in NAMED:
            for key, row in dumped["named"][name].items():
                _add(getattr(sums, name), key, row)
        for name in TIMED:
            getattr(sums, name).absorb(dumped["durations"][name])
        recent = sorted([*sums.recent, *dumped["recent"]], key=lambda brief: float(brief["ts"]))
        sums.recent = deque(recent, maxlen=RECENT)

    def _since(self, now: float) -> _Sums:
        if self._sums.since is None:
            self._sums.since = now
        return self._sums


class Durations:
    """How long things took, in buckets that grow by a fixed factor: bounded, and the same for the same input."""

    __slots__ = ("_counts", "_longest", "_number", "_shortest")

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self._number = 0
        self._shortest, self._longest = math.inf, 0.0

    def observe(self, ms: float) -> None:
        step = 0 if ms <= SHORTEST else min(int(math.log2(ms / SHORTEST) * STEPS), BUCKETS - 1)
        self._counts[step] += 1
        self._number += 1
        self._shortest, self._longest = min(self._shortest, ms), max(self._longest, ms)

    def percentile(self, percent: int) -> float | None:
        """None while there is nothing. The middle of the bucket, but never beyond what was really seen."""
        rank, seen = math.ceil(self._number * percent / 100), 0
        for step, count in enumerate(self._counts):
            seen += count
            if count and seen >= rank:
                middle = SHORTEST * 2 ** ((step + 0.5) / STEPS)
                return min(max(middle, self._shortest), self._longest)
        return None

    def dump(self) -> Json:
        return {
            "counts": {str(step): count for step, count in enumerate(self._counts) if count}, "number": self._number,
            "shortest": self._shortest if self._number else None, "longest": self._longest,
        }

    def absorb(self, dumped: Json) -> None:
        for step, count in dumped["counts"].items():
            self._counts[int(step)] += count
        if dumped["number"]:
            self._number += dumped["number"]
            self._shortest = min(self._shortest, dumped["shortest"])
            self._longest = max(self._longest, dumped["longest"])

    def show(self) -> Mapping[str, float | None]:
        found = {f"p{percent}": self.percentile(percent) for percent in PERCENTILES}
        return {name: None if ms is None else round(ms, 3) for name, ms in found.items()}


@dataclass(slots=True)
class _Sums:
    since: float | None = None
    last: float | None = None
    requests: int = 0
    cached: int = 0
    rate_limited: int = 0
    over_budget: int = 0
    failed: int = 0
    before: int = 0
    after: int = 0
    output: int = 0
    uncached: int = 0
    cache_read: int = 0
    cache_write: int = 0
    busts: int = 0
    bust_tokens: int = 0
    bust_usd: float = 0.0
    rewrites: int = 0
    rewritten_tokens: int = 0
    cache_saved_usd: float = 0.0
    cache_unpriced: int = 0
    spent: int = 0
    saved: int = 0
    unpriced: int = 0
    estimated: int = 0
    costs: Sums = field(default_factory=dict)
    cache_causes: Sums = field(default_factory=dict)
    providers: Sums = field(default_factory=dict)
    models: Sums = field(default_factory=dict)
    compressors: Sums = field(default_factory=dict)
    tools: Sums = field(default_factory=dict)
    skipped: Sums = field(default_factory=dict)
    failures: Sums = field(default_factory=dict)
    overhead: Durations = field(default_factory=Durations)
    ttfb: Durations = field(default_factory=Durations)
    total: Durations = field(default_factory=Durations)
    recent: deque[Json] = field(default_factory=lambda: deque(maxlen=RECENT))


PLAIN = (
    "requests", "cached", "rate_limited", "over_budget", "failed", "before", "after", "output", "uncached", "cache_read",
    "cache_write", "busts", "bust_tokens", "bust_usd", "rewrites", "rewritten_tokens", "cache_saved_usd", "cache_unpriced",
    "spent", "saved", "unpriced", "estimated",
)
NAMED = ("costs", "cache_causes", "providers", "models", "compressors", "tools", "skipped", "failures")
TIMED = ("overhead", "ttfb", "total")
"""The fields of _Sums, by what they are."""

REFUSED: Mapping[str, Literal["rate_limited", "over_budget"]] = {"TooMany": "rate_limited", "OverBudget": "over_budget"}
"""Our own refusals, by the error of the record. A 429 of the provider is an answer like any other."""


def _count_request(sums: _Sums, record: Record) -> None:
    usage = record.usage
    sums.requests += 1
    sums.cached += record.cache == "hit"
    sums.failed += record.failed
    if record.error in REFUSED:
        refused = REFUSED[record.error]
        setattr(sums, refused, getattr(sums, refused) + 1)
    sums.before += record.tokens_before
    sums.after += record.tokens_after
    sums.output += usage.output_tokens or 0
    sums.uncached += usage.input_tokens or 0
    sums.cache_read += usage.cache_read_tokens or 0
    sums.cache_write += usage.cache_write_tokens or 0
    _count_prompt_cache(sums, record.prompt_cache)
    cost = record.cost
    sums.spent += cost.spent
    sums.saved += cost.saved
    sums.unpriced += cost.unpriced
    sums.estimated += cost.estimated
    _add(sums.providers, record.provider, (1,))
    if record.model:
        _add(sums.models, record.model, (1,))
        if cost.spent or cost.saved:
            _add(sums.costs, record.model, (cost.spent, cost.saved))


def _count_prompt_cache(sums: _Sums, cache: PromptCache) -> None:
    sums.cache_saved_usd += cache.saved_usd
    sums.cache_unpriced += cache.unpriced
    if cache.cause:
        _add(sums.cache_causes, cache.cause, (1,))
    if cache.cause == "bust":
        sums.busts += 1
        sums.bust_tokens += cache.lost
        sums.bust_usd += cache.lost_usd
    elif cache.cause == "rewritten":
        sums.rewrites += 1
        sums.rewritten_tokens += cache.lost


def _count_report(sums: _Sums, record: Record) -> None:
    report = record.report
    for edit in report.edits:
        row = (1, edit.before, edit.after, edit.before - edit.after)
        _add(sums.compressors, edit.by, row)
        _add(sums.tools, edit.tool, row)
    for skip in report.skipped:
        _add(sums.skipped, skip.reason, (skip.parts, skip.tokens))
    for reason, n in report.failed.items():
        _add(sums.failures, reason, (n,))


def _add(sums: Sums, name: str, row: Iterable[int]) -> None:
    held = sums.get(name)
    if held is None:
        name = name[:MAX_NAME] or "none"
        if len(sums) >= NAMES and name not in sums:
            name = OTHER
        held = sums.setdefault(name, [])
    for i, n in enumerate(row):
        if i < len(held):
            held[i] += n
        else:
            held.append(n)


def _brief(record: Record) -> Json:
    return {
        "ts": round(record.ts, 3), "request_id": record.request_id, "provider": record.provider, "model": record.model[:MAX_NAME],
        "path": record.path[:MAX_NAME], "stream": record.stream, "status": record.status,
        "tokens_before": record.tokens_before, "tokens_after": record.tokens_after, "tokens_saved": record.tokens_saved,
        "output_tokens": record.usage.output_tokens, "cache_read_tokens": record.usage.cache_read_tokens,
        "edits": len(record.report.edits), "overhead_ms": round(record.overhead_ms, 3),
        "ttfb_ms": None if record.ttfb_ms is None else round(record.ttfb_ms, 3), "total_ms": round(record.total_ms, 3),
        "cache": record.cache, "error": record.error or None, "project": record.project or None,
    }


def _tokens(sums: _Sums) -> dict[str, Json]:
    saved = sums.before - sums.after
    return {
        "input_before": sums.before, "input_after": sums.after, "saved": saved,
        "savings_percent": round(100 * saved / sums.before, 2) if sums.before else 0.0,
    }


def _named(sums: Sums, names: tuple[str, ...]) -> Json:
    return {name: dict(zip(names, row, strict=True)) for name, row in sums.items()}


def _share(part: int, whole: int) -> float | None:
    """None where the provider reported nothing."""
    return round(part / whole, 4) if whole else None
