"""Sees to it that each record says what became of the provider's prompt cache, before it is accounted for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from headroom.cacheguard import CacheGuard, Held, Scope, Turn, Verdict, terms
from headroom.chain import mended
from headroom.conversation import Usage
from headroom.http.message import Fields, get
from headroom.layers.observe import Account
from headroom.prefix import Prefix, prefix
from headroom.prices import Model, Rates
from headroom.proxy.prepared import Prepared
from headroom.record import PromptCache, Record

CREDENTIALS = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
MILLION = 1_000_000

NOTHING = Verdict("")
"""Of what the provider did not take, or nobody follows."""


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
    # What was left without its reasoning, once the provider had refused it, stays without it.
    bare = prepared.sent.get(mended(keys.opening)) or (str(prepared.bare) if prepared.bare else "")
    return prefix(conversation, keys.opening, keys.parts, prepared.changes, (prepared.offered, bare), woven)


def rewritten(prepared: Prepared) -> bool:
    """What was sent before leaves otherwise now, and is meant to: so that it fits, or because it was refused as it was."""
    return prepared.bare > 0 or (prepared.fitted is not None and prepared.fitted.rewritten)


class Caching:
    """An Account in front of another. Not locked: it lives on one thread, the event loop's."""

    def __init__(self, account: Account, guard: CacheGuard, find: Callable[[str], Model | None]) -> None:
        """`find` gives a model of the price table, by any name."""
        self._account, self.guard, self._find = account, guard, find

    def cold(self, conversation: str) -> bool:
        """The provider has nothing of it cached, and no edit of ours has ever cost it its cache."""
        return self.guard.cold(conversation) and not self.guard.append_only(conversation)

    def held(self, conversation: str, parts: int) -> Held | None:
        """What the provider has cached of a conversation whose last request had so many texts; None where that is not known, or
        where an edit of ours has cost it its cache before."""
        return None if self.guard.append_only(conversation) else self.guard.held(conversation, parts)

    def begin(self) -> None:
        self._account.begin()

    def end(self, record: Record) -> None:
        self._account.end(self.judged(record))

    def judged(self, record: Record) -> Record:
        """The record with what became of the cache. Each exchange once, in the order in which they end."""
        read = record.usage.cache_read_tokens or 0
        if record.prefix is None and not read:
            return record
        model = self._find(record.model)
        verdict = NOTHING
        if record.prefix is not None and record.status == 200:
            verdict = self.guard.observe(_turn(record, record.prefix), terms(record.provider, None if model is None else model.cache_min))
        if model is None:
            return replace(record, prompt_cache=PromptCache(verdict.cause, verdict.lost, unpriced=read))
        rates = model.at(_input(record.usage))
        lost, saved = verdict.lost * (_again(record.usage, rates) - rates.read), read * (rates.input - rates.read)
        return replace(record, prompt_cache=PromptCache(verdict.cause, verdict.lost, lost / MILLION, saved / MILLION))


def _turn(record: Record, begins: Prefix) -> Turn:
    waited = record.total_ms if record.ttfb_ms is None else record.ttfb_ms
    scope = Scope(record.model, record.credential)
    return Turn(scope, begins, record.usage, record.ts, record.ts + waited / 1000, record.rewritten)


def _again(usage: Usage, rates: Rates) -> float:
    """What a token is paid at that was not found: it is written, where writing has a price."""
    if usage.cache_write_long_tokens:
        return rates.write_long
    return rates.write_short if usage.cache_write_tokens else rates.input


def _input(usage: Usage) -> int:
    return (usage.input_tokens or 0) + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
