"""The composition root: reads the settings, builds everything, and is the ASGI application.

`headroom.proxy.server:app` takes its settings from the environment, at start-up and not at import,
so any ASGI server can run it; `headroom proxy` builds the same object from its command line.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import time
from collections.abc import Mapping
from datetime import date

import anyio
import anyio.to_thread

from headroom import __version__, dialects
from headroom.cacheguard import CacheGuard
from headroom.conversation import Json
from headroom.dialects.document_memo import DocumentMemo
from headroom.errors import Busy, OurError, SettingsError, StoreError
from headroom.http.asgi import ASGIApp, Receive, Scope, Send, asgi, refuse
from headroom.http.client import Client
from headroom.http.message import Handler, Request, Response
from headroom.http.tls import Trust
from headroom.http.tunnel import Proxies
from headroom.layers.admission import admission
from headroom.layers.budget import Outside
from headroom.layers.guard import door, guard_control, guard_data, is_loopback
from headroom.layers.observe import Clocks, observe
from headroom.layers.rescue import rescue
from headroom.layers.retry import retry
from headroom.learning.pins import Pins
from headroom.learning.toin import FLUSH_SECONDS
from headroom.metrics import Metrics
from headroom.options import load
from headroom.patterns import How
from headroom.pipeline import standard
from headroom.pricefile import Daily, prices
from headroom.proxy import control, routes
from headroom.proxy.account import Account
from headroom.proxy.answering import Answering, Shared
from headroom.proxy.booking import Booking, ledger
from headroom.proxy.caching import Caching
from headroom.proxy.choices import (
    allowed,
    client_limits,
    folder_of,
    learning,
    originals_space,
    outline_of,
    sent_space,
    state_url,
    views,
)
from headroom.proxy.compression import Compression
from headroom.proxy.exchange import Exchange
from headroom.proxy.intake import Intake
from headroom.proxy.limiting import company, limits, owner
from headroom.proxy.originals import Originals
from headroom.proxy.pinning import Pinning
from headroom.proxy.recount import Recount
from headroom.proxy.refitting import Refitting, means, shown
from headroom.proxy.requestid import uuid7
from headroom.proxy.services import Services
from headroom.proxy.siblings import Siblings, board_of
from headroom.proxy.trial import Trial
from headroom.requestlog import RequestLog
from headroom.sent import SETTLE_SECONDS, Journal
from headroom.settings import Settings
from headroom.stores import is_remote, open_counters, open_store
from headroom.stores.answers import Room, Told
from headroom.tokens import Learned
from headroom.totals import Totals

CCR = ("stored", "retrieved", "missed")

log = logging.getLogger(__name__)


MEND_SECONDS = 0.5
"""Between two looks at a store that many share: what could not be written should be there before the model has answered
and the next turn comes by another way."""

class Proxy:
    """Everything one process is made of."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        if settings.stateless and settings.log_file:
            raise SettingsError("--stateless writes nothing to disk, so --log-file cannot go with it")
        self.settings, self._environ = settings, environ
        self.draining = False
        self._started = time.monotonic()
        self._url = url = state_url(settings, environ)
        self.store = open_store(url, time.time)
        self.log = RequestLog(settings.log_file, time.monotonic) if settings.log_file else None
        self.toin = learning(settings, self.store)
        self.account = Account(Totals(), Metrics(__version__), Learned(), self.log, time.time, self.toin)
        self.prices = Daily(prices(settings.prices), date.today)
        self.booking = Booking(self.account, ledger(url, folder_of(url, environ)), lambda name: self.prices().find(name), self.store)
        self.caching = Caching(self.booking, CacheGuard(), lambda name: self.prices().find(name))
        self.recount = Recount()
        self._door = door(settings.proxy_token, settings.allowed_hosts, settings.host)
        self.originals = Originals(
            self.store, originals_space(settings, url), self._door, secrets.token_bytes, time.time, open_to_local=is_loopback(settings.host),
        )
        self.limits = limits(
            allowed(settings, url), owner(self._door, self.originals.owner), open_counters(self.store, time.time), company(url, settings.workers, environ),
            Outside(self.prices, time.time, lambda: secrets.token_hex(12), self.account.mishap),
        )
        self._memo = DocumentMemo()
        trust = Trust(settings.ca_bundle)
        if settings.ca_bundle:
            trust.load()  # to hear of a bad file now; the system's roots are loaded when a request needs them
        self.client = Client(client_limits(settings), trust, Proxies.of(environ, settings.upstream_proxy), time.monotonic)
        self._journal = Journal(self.store, time.time, sent_space(url), settle=SETTLE_SECONDS if is_remote(url) else 0.0)
        self._compression = Compression(
            standard(protect=settings.protect_tool_results, ratio=settings.target_ratio, compact_tools=settings.compact_tools, outline=outline_of(settings)),
            self._journal, self._memo,
            durable=url != "memory:", views=views(settings), offer=views(settings) == "where_offered",
        )
        self.refitting = Refitting(lambda name: self.prices().find(name), means(
            by_age=settings.no_intelligent_context, by_place=settings.no_intelligent_scoring,
            fold=not settings.no_compress_first, lifecycle=not settings.no_read_lifecycle, anew=not settings.lossless,
        ))
        self._compression.fitting(self.refitting)
        self.siblings = Siblings(self.account, __version__, self._elsewhere, lambda: self.booking.ledger.waiting)
        room = None if settings.no_cache else Room(settings.cache_max_entries, settings.cache_max_bytes, settings.cache_ttl)
        told = Told(self.siblings.clear, self.siblings.cleared)
        self.answering = Answering(room, settings.max_body, self.account, Shared(self.store, self.originals.secret, told, settings.workers))
        self._pinning = Pinning(None if self.toin is None else Pins(self.toin, self._journal), self.originals)
        self.control = control.Control(self._inside())
        self.handler = self._assemble()

    def _assemble(self) -> Handler:
        """All layers, outermost first."""
        clocks = Clocks(time.time, time.monotonic, lambda: uuid7(time.time_ns(), random.randbytes(10)))
        data = observe(self.caching, clocks)(rescue(routes.error_shape)(guard_data(self._door)(self.limits(self.answering(self._routes())))))
        about = rescue(control.error_shape)(guard_control(self._door, control.HEALTH)(self.control))

        async def handle(request: Request) -> Response:
            return await (about if self.control.claims(request.path) else data)(request)

        return handle

    def _routes(self) -> Handler:
        again = retry(self.settings.retry_max_attempts, anyio.sleep, random.random)
        urls = {
            "anthropic": self.settings.anthropic_api_url, "openai": self.settings.openai_api_url.removesuffix("/v1"),
            "gemini": self.settings.gemini_api_url,
        }
        upstreams = {provider: admission(again(self.client.to(url))) for provider, url in urls.items()}
        services = Services(
            compression=self._compression, intake=Intake(self.settings.max_body), keep=self.originals.keep, pinned=self._pinning.pin, original=self._asked_for,
            recount=self.recount, exact=self.recount.exact, mishap=self.account.mishap, clock=time.perf_counter, log_messages=self.settings.log_messages, optimize=not self.settings.no_optimize,
            mode=self.settings.mode, owner=self.originals.owner, unkept=self.originals.unkept, cold=self.caching.cold, held=self.caching.held,
        )
        exchanges = {d.name: Exchange(d, services, upstreams[d.provider]) for d in dialects.DIALECTS}
        return routes.Routes(exchanges, upstreams)

    def _inside(self) -> control.Inside:
        return control.Inside(
            version=__version__, optimize=not self.settings.no_optimize, uptime=lambda: time.monotonic() - self._started,
            checks=self._checks, stats=self._stats, metrics=self._metrics, original=self._original,
            reset=self.siblings.reset, patterns=self._patterns, retrieved=self._retrieved, history=self.booking.history, clear=self.answering.clear,
            trial=Trial(self._compression, Intake(self.settings.max_body), self.originals.keep, self.recount, optimize=not self.settings.no_optimize),
        )

    async def _checks(self) -> Mapping[str, str]:
        size = await self.originals.size()
        return {"serving": "draining" if self.draining else "ok", "store": "ok" if size else "cannot be read"}

    async def _stats(self) -> Json:
        size, counted = await self.originals.size(), self.siblings.elsewhere()
        ccr = {"entries": size.entries if size else None, "bytes": size.bytes if size else None}
        stats = self.siblings.totals().stats(time.time(), self.recount.counter.name)
        stats["tokens"]["factors"] = self.siblings.factors()
        toin = {"enabled": False} if self.toin is None else self.toin.stats()
        stats["cost"] = {**stats.get("cost", {}), "budget": await self.limits.budget(counted)}
        return stats | {"rate_limit": await self.limits.rate_limit(), "persistent_savings": await self.booking.stats(), "toin": toin, "fit": shown(counted), "cache": await self.answering.stats(counted, self.siblings.metrics().value), "ccr": ccr | {name: counted[f"headroom_ccr_{name}_total"] for name in CCR}}

    async def _metrics(self, accept: str) -> tuple[bytes, bytes]:
        metrics, size = self.siblings.metrics(), await self.originals.size()
        if size is not None:
            metrics.set("headroom_ccr_entries", size.entries)
            metrics.set("headroom_ccr_bytes", size.bytes)
        for name, gauge in {**await self.limits.gauges(), **await self.answering.gauges()}.items():
            metrics.set(name, gauge)
        return metrics.answer(accept)

    def _elsewhere(self) -> Mapping[str, int]:
        """What is counted where it happens, by the metric that shows it."""
        counted = {f"headroom_ccr_{name}_total": int(getattr(self.originals, name)) for name in CCR}
        return {**counted, **self.answering.counted(), **self.refitting.counted(), **self.limits.counted(), "headroom_ledger_lost_total": self.booking.ledger.lost, "headroom_log_dropped_total": 0 if self.log is None else self.log.dropped}

    async def _original(self, request: Request, key: str) -> str | None:
        try:
            return await self.originals.find(request, key)
        except StoreError as error:
            raise Busy(f"the originals cannot be read now: {error.message}", retry_after=1) from None

    async def _asked_for(self, request: Request, key: str, how: How, own: str | None) -> str | None:
        """By the model, in the stream. Raises StoreError."""
        text = await self.originals.find(request, key) if own is None else own
        self.originals.retrieved += own is not None
        if text is not None:
            await self._retrieved(request, key, how)
        return text

    async def start(self) -> None:
        """Find out now, and not at the first request, whether state can be written. Raises OurError."""
        try:
            await self.originals.prepare()
        except StoreError as error:
            if is_remote(self._url):
                return  # it has been logged; a proxy must come up while its Redis is away, and finds it by itself
            raise OurError(f"{error.message}; state is at {self._url}: choose another place with --state, or --stateless") from None
        await self._flush()

    def join(self, board: int | None) -> None:
        """Share figures with our siblings, where we have any."""
        found = board_of(board, self._environ, None if self.settings.stateless else folder_of(self._url, self._environ))
        if found is not None:
            self.booking.again(self.siblings.join(found))

    async def _patterns(self, request: Request) -> Json:
        """The caller's own and those of the pool; all of them for the owner of the machine."""
        if self.toin is None:
            return {"enabled": False, "patterns": []}
        try:
            await self.toin.flush()
            return {**self.toin.stats(), "patterns": self.toin.patterns.show(await self.originals.reader(request))}
        except StoreError as error:
            raise Busy(f"what was learned cannot be read now: {error.message}", retry_after=1) from None

    async def _retrieved(self, request: Request, key: str, how: How) -> None:
        if self.toin is not None:
            self.toin.retrieved(await self.originals.reader(request), key, how)

    async def _flush(self) -> None:
        if self.toin is not None:
            try:
                await self.toin.flush()
            except StoreError:
                self.account.mishap("toin")

    async def keep_learning(self) -> None:
        """Until cancelled."""
        while True:
            await anyio.sleep(FLUSH_SECONDS)
            await self._flush()

    async def mend(self) -> None:
        """Until cancelled. A file is there whenever we are; what others keep for us is looked after."""
        while is_remote(self._url):
            await anyio.sleep(MEND_SECONDS)
            try:
                if await self._journal.mend():
                    await self.originals.restore()
            except StoreError:
                self.account.mishap("mend")

    async def learn_to_count(self) -> None:
        """A vocabulary takes a quarter of a second and 80 MB: requests are served meanwhile, with estimates."""
        await anyio.to_thread.run_sync(len, self.prices().rest)  # litellm's table, where one is: 3 MB of JSON
        await self.recount.load(self._environ)

    async def aclose(self) -> None:
        await self.client.aclose()
        await self._flush()
        if self.log is not None:
            await self.log.aclose()
        await self.limits.aclose()
        await self.booking.aclose()
        self.siblings.close()
        await self.store.aclose()


class App:
    """ASGI 3. Builds its Proxy at start-up, or at the first request where the server has no lifespan."""

    def __init__(
        self, settings: Settings | None = None, environ: Mapping[str, str] | None = None, *, board: int | None = None
    ) -> None:
        self._settings, self._environ, self._board = settings, environ, board
        self._proxy: Proxy | None = None
        self._http: ASGIApp | None = None

    @property
    def proxy(self) -> Proxy:
        """Raises SettingsError."""
        if self._proxy is None:
            environ = os.environ if self._environ is None else self._environ  # noqa: TID251  # the ASGI server's environment
            settings = self._settings or load(Settings, [], environ).settings
            self._proxy = Proxy(settings, environ)
        return self._proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if self._http is None:
            self._http = asgi(self.proxy.handler, rescue(routes.error_shape)(refuse))
        await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            proxy = self.proxy
            await proxy.start()
            proxy.join(self._board)
        except OurError as error:
            await send({"type": "lifespan.startup.failed", "message": error.message})
            return
        async with anyio.create_task_group() as background:
            background.start_soon(proxy.learn_to_count)
            background.start_soon(proxy.keep_learning)
            background.start_soon(proxy.mend)
            background.start_soon(proxy.siblings.keep_posting)
            background.start_soon(proxy.limits.keep_writing)
            background.start_soon(proxy.booking.keep_publishing, proxy.account.mishap)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            proxy.draining = True
            background.cancel_scope.cancel()
        await proxy.aclose()
        await send({"type": "lifespan.shutdown.complete"})


app = App()
