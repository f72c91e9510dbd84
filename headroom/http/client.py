"""The client side of HTTP/1.1: Handlers that answer by asking the server a URL names.

One request has one connection of the pool, and gives it back with the last byte of its answer; or the connection is
closed at once, which is how an upstream learns that nobody wants its answer any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from headroom.errors import Busy, Garbled, TimedOut, UpstreamError
from headroom.http.answer import AnswerReader, Head
from headroom.http.dial import dial
from headroom.http.framing import Framing
from headroom.http.message import Body, Handler, Request, Response, once
from headroom.http.origin import Base, Origin, base
from headroom.http.pool import Pool, PoolFull, Ticket
from headroom.http.tls import Trust
from headroom.http.tunnel import Proxies, Proxy, wants_credentials
from headroom.http.turn import Patience, Turn, opening, settled
from headroom.http.wire import Wire

KEEPALIVE_EXPIRY = 45.0
"""Seconds an idle connection is kept: below the 60 s after which common load balancers close theirs (AWS ALB's
default), so that they rarely close one in the moment we use it."""

MAX_WAITING = 1000
"""Requests that wait for a connection at once; more would only time out together."""

HEAD_TIME = 30.0
"""Seconds from the first byte of a head to its last; they are one packet, or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """Times in seconds."""

    max_connections: int = 500
    max_keepalive: int = 100
    connect_timeout: float = 10.0
    """For a turn in the queue, and again for a connection, TLS included."""
    first_byte_timeout: float = 600.0
    idle_timeout: float = 300.0
    """Between two receives of an answer's body."""
    keepalive_expiry: float = KEEPALIVE_EXPIRY


class Client:
    """All origins share one pool. Belongs to the event loop that first uses it."""

    def __init__(self, limits: ClientLimits, trust: Trust, proxies: Proxies, clock: Callable[[], float]) -> None:
        self._limits, self._trust, self._proxies, self._clock = limits, trust, proxies, clock
        self._patience = Patience(limits.first_byte_timeout, min(HEAD_TIME, limits.idle_timeout))
        self._pool: Pool[Wire] = Pool(
            limits.max_connections, limits.max_keepalive, limits.keepalive_expiry, MAX_WAITING
        )

    def to(self, base_url: str) -> Handler:
        """A Handler for one origin; the URL's path stands before each request's. Raises SettingsError."""
        where = base(base_url)
        proxy = self._proxies.route(where.origin)

        async def handle(request: Request) -> Response:
            return await self._ask(request, where, proxy)

        return handle

    async def aclose(self) -> None:
        """Close what is idle; answers that are being read go on to their end."""
        _close(self._pool.clear())

    @property
    def idle(self) -> int:
        """Connections kept for reuse."""
        return self._pool.idle

    @property
    def open(self) -> int:
        """Connections in all, idle or in use."""
        return self._pool.open

    async def _ask(self, request: Request, to: Base, proxy: Proxy | None) -> Response:
        request = await settled(request)
        head = opening(request, to, proxy)
        ticket: Ticket[Wire] = Ticket(to.origin, request.fresh)
        await self._queue(ticket)
        reused = ticket.connection is not None
        lease = Lease(self._pool, ticket, ticket.connection or await self._open(to.origin, proxy), self._clock)
        try:
            turn = Turn(lease.wire, AnswerReader(request.method), self._patience)
            answer = await turn.ask(head, request, reused=reused)
            if answer.status == 407 and proxy is not None and not to.origin.tls:
                raise UpstreamError(wants_credentials(proxy))
            return _respond(answer, lease, self._limits.idle_timeout, keep=turn.complete and answer.keep)
        except BaseException:
            lease.end(keep=False)
            raise

    async def _queue(self, ticket: Ticket[Wire]) -> None:
        """Until it is granted. Raises Busy."""
        try:
            _close(self._pool.ask(ticket, self._clock()))
        except PoolFull:
            raise Busy("too many requests wait for a connection to the upstream", retry_after=1) from None
        if ticket.granted:
            return
        granted = anyio.Event()
        ticket.wake = granted.set
        try:
            with anyio.move_on_after(self._limits.connect_timeout):
                await granted.wait()
        except BaseException:
            _close(self._pool.withdraw(ticket, self._clock()))
            raise
        if not ticket.granted:
            _close(self._pool.withdraw(ticket, self._clock()))
            raise Busy("every connection to the upstream is in use", retry_after=1)

    async def _open(self, origin: Origin, proxy: Proxy | None) -> Wire:
        try:
            with anyio.move_on_after(self._limits.connect_timeout):
                return await dial(origin, proxy, self._trust)
            raise TimedOut(f"{origin.authority}: no connection within {self._limits.connect_timeout:g} s")
        except BaseException:
            _close(self._pool.release(self._clock()))
            raise


class Lease:
    """A connection for one exchange. `end` it."""

    __slots__ = ("_clock", "_ended", "_pool", "_ticket", "wire")

    def __init__(self, pool: Pool[Wire], ticket: Ticket[Wire], wire: Wire, clock: Callable[[], float]) -> None:
        self._pool, self._ticket, self._clock = pool, ticket, clock
        self.wire = wire
        self._ended = False

    def end(self, *, keep: bool) -> None:
        """Only the first call counts."""
        if self._ended:
            return
        self._ended = True
        if keep:
            _close(self._pool.give_back(self._ticket, self.wire, self._clock()))
        else:
            self.wire.close()
            _close(self._pool.release(self._clock()))


def _respond(head: Head, lease: Lease, idle_timeout: float, *, keep: bool) -> Response:
    """The answer; if all of it came with its head, the connection is free already."""
    first = head.body.feed(head.rest) if head.rest or head.body.done else b""
    if head.body.done:
        lease.end(keep=keep and not head.body.surplus)
        return Response(head.status, head.fields, once(first))
    answer = _Answer(first, head.body, lease, idle_timeout, keep)
    return Response(head.status, head.fields, Body(answer, answer.aclose))


class _Answer:
    """The body of an answer: what each receive brings, in one piece. An iterator by hand, because it runs for every
    packet of every stream and an async generator costs more."""

    __slots__ = ("_first", "_framing", "_idle", "_keep", "_lease")

    def __init__(self, first: bytes, framing: Framing, lease: Lease, idle: float, keep: bool) -> None:
        self._first, self._framing, self._lease = first, framing, lease
        self._idle, self._keep = idle, keep

    def __aiter__(self) -> _Answer:
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            while not self._framing.done:
                if piece := await self._receive():
                    return piece
        except BaseException:
            self._lease.end(keep=False)
            raise
        raise StopAsyncIteration

    async def _receive(self) -> bytes:
        framing = self._framing
        with anyio.CancelScope(deadline=anyio.current_time() + self._idle) as scope:
            try:
                data = await self._lease.wire.receive()
            except OSError:
                raise Garbled("the connection to the upstream broke in the middle of its answer") from None
        if scope.cancelled_caught:
            raise TimedOut(f"the upstream said nothing for {self._idle:g} s in the middle of its answer")
        if not data:
            framing.eof()
        piece = framing.feed(data)
        if framing.done:
            self._lease.end(keep=self._keep and bool(data) and not framing.surplus)
        return piece

    async def aclose(self) -> None:
        self._lease.end(keep=False)


def _close(wires: list[Wire]) -> None:
    for wire in wires:
        wire.close()
