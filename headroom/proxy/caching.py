"""What the providers' prompt caches saved, and what it cost where we broke one: the figures of /stats and /metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from headroom.cacheguard import CacheGuard, Cause, Scope, Turn, Verdict, terms
from headroom.conversation import Json, Usage
from headroom.http.message import Fields, get
from headroom.metrics import Metrics
from headroom.prefix import Prefix, prefix
from headroom.prices import Model
from headroom.proxy.compression import Prepared
from headroom.record import Record

CREDENTIALS = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
MILLION = 1_000_000


def credential(fields: Fields) -> int:
    """Tells accounts apart within this process; nothing can be read from it."""
    return hash(tuple(get(fields, name) for name in CREDENTIALS))


def beginning(prepared: Prepared) -> Prefix | None:
    """None for what is no turn of a conversation that the client sends whole, and for a turn that is to leave as it came."""
    reading = prepared.reading
    if reading is None or reading.conversation.only_counted or reading.conversation.kept_by_provider:
        return None
    if any(skipped.reason == "bypass" for skipped in prepared.report.skipped):
        return None
    conversation, keys = reading.conversation, reading.keys
    woven: dict[int, str] = {}
    if prepared.offered:
        rows = ((reply.first, prepared.sent.get(key)) for reply, key in zip(conversation.replies, keys.replies, strict=False))
        woven = {first: row for first, row in rows if row}
    return prefix(conversation, keys.opening, keys.parts, prepared.changes, prepared.offered, woven)


@dataclass(slots=True)
class _Sums:
    causes: Counter[Cause] = field(default_factory=Counter)
    bust_tokens: int = 0
    bust_usd: float = 0.0
    rewritten_tokens: int = 0
    saved_usd: float = 0.0
    unpriced: int = 0
    """Tokens read from a cache of models without a known price."""


class Caching:
    """`find` gives a model of the price table, by name. Not locked: it lives on one thread, the event loop's."""

    def __init__(self, metrics: Metrics, find: Callable[[str], Model | None]) -> None:
        self.guard = CacheGuard()
        self._metrics, self._find = metrics, find
        self._sums = _Sums()

    def reset(self) -> None:
        """The figures; what is known of conversations stays."""
        self._sums = _Sums()

    def observe(self, record: Record) -> None:
        """Hear of an exchange that has ended."""
        model = self._find(record.model) if record.model else None
        self._saved(record.usage, model)
        if record.prefix is None or record.status != 200:
            return
        scope, usage = Scope(record.model, record.credential), record.usage
        waited = record.total_ms if record.ttfb_ms is None else record.ttfb_ms
        turn = Turn(scope, record.prefix, usage, record.ts, record.ts + waited / 1000, record.rewritten)
        verdict = self.guard.observe(turn, terms(record.provider, None if model is None else model.cache_min))
        self._judged(record, verdict, model)

    def stats(self) -> Json:
        """`answers` by what became of the cache (see headroom.cacheguard); `saved_usd`: what reading from it cost less than
        input does; `bust_*`: what was paid for again because a form of ours was not what had been sent."""
        sums = self._sums
        return {
            "busts": sums.causes["bust"], "bust_tokens": sums.bust_tokens, "bust_usd": round(sums.bust_usd, 6),
            "rewrites": sums.causes["rewritten"], "rewritten_tokens": sums.rewritten_tokens,
            "saved_usd": round(sums.saved_usd, 6), "unpriced_read_tokens": sums.unpriced, "answers": dict(sums.causes),
        }

    def _saved(self, usage: Usage, model: Model | None) -> None:
        read = usage.cache_read_tokens or 0
        if model is None:
            self._sums.unpriced += read
        else:
            rates = model.at(_input(usage))
            self._sums.saved_usd += read * (rates.input - rates.read) / MILLION

    def _judged(self, record: Record, verdict: Verdict, model: Model | None) -> None:
        sums = self._sums
        sums.causes[verdict.cause] += 1
        self._metrics.inc("headroom_prefix_cache_answers_total", {"cause": verdict.cause})
        if verdict.cause == "rewritten":
            sums.rewritten_tokens += verdict.lost
        if verdict.cause != "bust":
            return
        sums.bust_tokens += verdict.lost
        who = {"provider": record.provider, "model": record.model}
        self._metrics.inc("headroom_cache_busts_total", who)
        self._metrics.inc("headroom_cache_bust_tokens_total", who, verdict.lost)
        if model is not None:
            rates = model.at(_input(record.usage))
            paid = rates.write_short if record.usage.cache_write_tokens else rates.input
            sums.bust_usd += verdict.lost * (paid - rates.read) / MILLION


def _input(usage: Usage) -> int:
    return (usage.input_tokens or 0) + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
