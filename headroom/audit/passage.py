"""Headroom as recorded requests would have met it: set up as the proxy is in one mode, told of a cache that is simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from headroom.audit.cache import Tokens
from headroom.audit.recording import Recording, Request
from headroom.cacheguard import CacheGuard
from headroom.conversation import Usage
from headroom.dialects.base import Dialect
from headroom.dialects.document_memo import DocumentMemo
from headroom.fitting.choice import Cut
from headroom.fitting.refit import Occasion
from headroom.fitting.subject import budget
from headroom.pipeline import Pipeline
from headroom.prices import Model
from headroom.proxy.caching import Caching, beginning, rewritten
from headroom.proxy.compression import Compression
from headroom.proxy.prepared import Caller, Prepared
from headroom.proxy.refitting import Refitting, means
from headroom.record import Record
from headroom.sent import Journal
from headroom.stores.memory import Memory

Mode = Literal["token", "cache", "lossless"]
"""token, cache: the modes of the proxy (see headroom.mode). lossless: the proxy with --lossless, in either."""

MODES: tuple[Mode, ...] = ("token", "cache")
"""Of the proxy as it comes; its default first."""

Reason = Literal["fit", "tier", "cold", "priced"]
"""Why the past was rewritten: it would have outgrown the window, or come to a dearer tier; the rest as in fitting.refit.Occasion."""

Find = Callable[[str], Model | None]


class Passage:
    """One recording's way through Headroom, which was there from its first request on."""

    def __init__(self, recording: Recording, dialect: Dialect, pipeline: Pipeline, find: Find, mode: Mode) -> None:
        self._dialect, self._target, self._find = dialect, recording.target, find
        self._caching = Caching(_Nowhere(), CacheGuard(), find)
        self._caller = Caller(cold=self._caching.cold, held=self._caching.held) if mode == "token" else Caller()
        # A file without tool definitions cannot show whether our tool would have been offered; agents always have tools.
        offer = mode != "lossless" and recording.whole
        views: Literal["never", "where_offered", "always"] = "where_offered" if offer else "never" if mode == "lossless" else "always"
        journal = Journal(Memory(lambda: 0.0), lambda: 0.0)  # never forgets
        self._compression = Compression(pipeline, journal, DocumentMemo(), durable=False, views=views, offer=offer)
        self._hidden = 0

    def fitting(self, hidden: int, *, anew: bool = True) -> Passage:
        """The same, and where what was sent is to be changed, it is.

        `hidden`: tokens of the window that are taken by what the file does not show. `anew`: anything may be decided.
        """
        self._hidden = hidden
        self._compression.fitting(Refitting(self._shown, means(by_age=False, by_place=False, fold=True, lifecycle=True, anew=anew)))
        return self

    def _shown(self, name: str) -> Model | None:
        """With the part of its window that is left for what the file shows."""
        model = self._find(name)
        return model and replace(model, window=max(1, model.window - self._hidden))

    async def send(self, request: Request) -> Prepared:
        return await self._compression.prepare(self._dialect, self._target, request.body, keep=_keep, caller=self._caller)

    async def heard(self, request: Request, prepared: Prepared, tokens: Tokens) -> None:
        """The provider took it; what it would have reported is what the next decision knows."""
        await self._compression.settle(prepared)
        self._caching.judged(Record(
            request.at, "", self._dialect.provider, self._dialect.name, request.model, self._target, False, 200, prepared.report,
            prepared.report.before, prepared.report.after, reported(tokens, self._find(request.model), hour=request.hour),
            prefix=beginning(prepared), rewritten=rewritten(prepared),
        ))

    def reasons(self, prepared: Prepared) -> tuple[Reason, ...]:
        """For each time that the past was changed with this request, why."""
        fitted, reading = prepared.fitted, prepared.reading
        if fitted is None or fitted.found is None or reading is None or not fitted.rewritten:
            return ()
        limit = budget(reading.document, reading.conversation, self._shown(reading.conversation.model), 0).limit
        cuts = fitted.found.decision.cuts[-len(fitted.found.rows) :]
        return tuple(_reason(cut, limit, reading.occasion) for cut in cuts)


def reported(tokens: Tokens, model: Model | None, *, hour: bool = False) -> Usage:
    """As the provider would tell it: one that takes nothing for writing to its cache says nothing of it."""
    if model is None or not model.rates.write_short:
        return Usage(tokens.fresh + tokens.written, None, tokens.read)
    return Usage(tokens.fresh, None, tokens.read, tokens.written, cache_write_long_tokens=tokens.written if hour else None)


class _Nowhere:
    """An account of nothing."""

    def begin(self) -> None: ...
    def end(self, record: Record) -> None: ...


def _reason(cut: Cut, limit: int, occasion: Occasion) -> Reason:
    if cut.low is None:
        return occasion
    return "fit" if cut.before > limit else "tier"


async def _keep(originals: Mapping[str, str]) -> None:
    """Nobody asks for them here; the recording has them."""
