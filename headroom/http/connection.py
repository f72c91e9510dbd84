"""One client's connection: requests in, answers out in their order, from accept to the last byte.

Two tasks for its whole life. One reads, whatever the other does, and so notices at once when the client
leaves; the other runs the application. A client that leaves cancels both: one cancel scope reaches from
accept to the last byte, and a task group for each request would cost more than parsing it.
"""

from __future__ import annotations

import logging
import math
from collections import deque

import anyio
import anyio.lowlevel
import h11

from headroom.errors import HeadroomError
from headroom.http.asgi import ASGIApp
from headroom.http.call import Call
from headroom.http.gate import Gate, Phase, Rejection
from headroom.http.limits import Limits
from headroom.http.link import Link
from headroom.http.reply import refusal

log = logging.getLogger(__name__)

Address = tuple[str, int] | None
SILENT_SECONDS = 1.0
"""After which an idle connection may be closed in favour of a new client."""


class House:
    """What the connections of one server share."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self.draining = False
        self.open = 0
        self.idle: dict[Connection, float] = {}
        """Those between two requests, since when; the one that waited longest first."""

    def drain(self) -> None:
        """Part with every client after the answer it is waiting for."""
        self.draining = True
        for connection in list(self.idle):
            connection.retire()

    def make_room(self, now: float) -> bool:
        """Part with the client that has been silent for longest; a request of a newer one may be on its way."""
        for connection, since in self.idle.items():
            if now - since < SILENT_SECONDS:
                break
            if connection.retire():
                return True
        return False


class Connection:
    def __init__(self, house: House, link: Link, peer: Address, server: Address, *, overloaded: bool = False) -> None:
        self._house = house
        self._limits = house.limits
        self._link = link
        self._addresses = peer, server
        self._overloaded = overloaded
        self._gate = Gate(house.limits)
        self._tasks = anyio.create_task_group()
        self._patience = anyio.CancelScope()
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._since, self._got = 0.0, 0
        self._arrived: anyio.Event | None = None
        self._room: anyio.Event | None = None
        self._call: Call | None = None
        self._verdict: Rejection | None = None
        self._ended = False
        self._left = False
        house.open += 1

    async def run(self) -> None:
        polite = False
        try:
            async with self._tasks:
                self._tasks.start_soon(self._read)
                polite = await self._converse()
                self._tasks.cancel_scope.cancel()
            if polite and not self._left:
                await self._link.linger()
        finally:
            if self._call is not None and self._call.reply.looks_whole:
                self._link.reset()
            self._house.idle.pop(self, None)
            self._house.open -= 1
            self._link.close()

    # What the application's side needs: a call's Wire.

    async def piece(self) -> bytes | None:
        while not self._pieces:
            if self._ended:
                return None
            self._arrived = anyio.Event()
            await self._arrived.wait()
        return self.piece_at_hand()

    def piece_at_hand(self) -> bytes | None:
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._room is not None and self._held <= self._limits.buffer:
            self._room.set()
        return piece

    async def write(self, data: bytes) -> None:
        if not self._left:
            try:
                await self._link.send(data)
            except OSError:
                self._abandon()
        if self._left:
            await anyio.lowlevel.checkpoint()  # which ends the application, unless it shields itself

    @property
    def parting(self) -> bool:
        asked = self._gate.closed and not self._pieces
        return asked or self._house.draining or self._overloaded

    def retire(self) -> bool:
        """Close, if the client is between two requests and has not begun to send one."""
        if self._call is None and not self._pieces and self._gate.phase is Phase.IDLE and self._link.silent:
            self._house.idle.pop(self, None)
            self._patience.cancel()
            return True
        return False

    def _abandon(self) -> None:
        self._left = True
        self._tasks.cancel_scope.cancel()

    # The reading task.

    async def _read(self) -> None:
        try:
            with self._patience:
                self._arm()
                while data := await self._link.receive():
                    self._take(data)
                    if self._held > self._limits.buffer:
                        await self._wait_for_room()
        except OSError:
            self._abandon()
            return
        if not self._ended:
            self._finish(self._judge(timed_out=self._patience.cancelled_caught))
        await self._grant()

    def _take(self, data: bytes) -> None:
        before = self._gate.phase
        pieces = self._gate.feed(data)
        if pieces:
            self._pieces.extend(pieces)
            self._held += sum(map(len, pieces))
        if self._gate.phase is not before or len(pieces) > 1:
            self._since, self._got = anyio.current_time(), 0
        else:
            self._got += len(data)
        if self._gate.defect is not None and not self._ended:
            # What came before it is answered first; we read on, deaf, only to notice when the client leaves.
            self._finish(self._gate.defect)
        self._arm()
        if pieces:
            self._wake()

    def _finish(self, verdict: Rejection | None) -> None:
        self._verdict, self._ended = verdict, True
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None:
            self._arrived.set()

    def _arm(self) -> None:
        """Set until when we wait for the client's next byte, by what that byte will belong to."""
        limits, phase = self._limits, self._gate.phase
        if self._ended:
            due = math.inf
        elif phase is Phase.BODY:
            due = self._since + limits.body + self._got / limits.body_rate
        elif self._call is not None or self._pieces:
            due = math.inf
        elif phase is Phase.HEAD:
            due = self._since + limits.head
        else:
            due = anyio.current_time() + limits.idle
        if due != self._patience.deadline:
            self._patience.deadline = due

    async def _wait_for_room(self) -> None:
        """Read no further until the application has; its time does not count against the client."""
        paused = anyio.current_time()
        self._patience.deadline = math.inf
        self._room = anyio.Event()
        await self._room.wait()
        self._room = None
        self._since += anyio.current_time() - paused
        self._arm()

    def _judge(self, timed_out: bool) -> Rejection | None:
        phase = self._gate.phase
        if phase is Phase.IDLE:
            return None
        if timed_out:
            return Rejection(408, "the request took too long to arrive")
        return Rejection(400, "the request ended before it was complete")

    async def _grant(self) -> None:
        """After its end of input, give an answer that is ready the time to leave; anything later is for nobody."""
        while True:
            await anyio.sleep(self._limits.half_close)
            if self._call is not None and not self._call.reply.complete:
                self._abandon()

    # The answering task.

    async def _converse(self) -> bool:
        """Serve until one side is done. True if the client should be given time to read the last answer."""
        while True:
            if not self._pieces:
                self._house.idle[self] = anyio.current_time()
                if self._house.draining:
                    self.retire()
            call = await self._next()
            if call is None:
                break
            await self._answer(call)
            if not call.keeps:
                return not call.reply.looks_whole
            self._call = None
            if not self._pieces:
                self._since = anyio.current_time()
                self._arm()
        if self._verdict is not None:
            await self.write(refusal(self._verdict))
        return self._verdict is not None

    async def _next(self) -> Call | None:
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.max_head)
        piece = await self.piece()
        if piece is None:
            return None
        end = piece.find(b"\r\n\r\n") + 4  # the gate hands a head on in one piece
        parser.receive_data(piece[:end])
        try:
            event = parser.next_event()
            assert isinstance(event, h11.Request)
            return Call(self, parser, event, piece[end:])
        except h11.RemoteProtocolError as error:
            self._verdict = Rejection(error.error_status_hint, "the request is not valid HTTP/1.1")
            return None

    async def _answer(self, call: Call) -> None:
        self._call = call
        self._house.idle.pop(self, None)
        scope = call.scope(*self._addresses, self._overloaded)
        why = Rejection(500, "internal error in the proxy")
        try:
            await self._house.app(scope, call.receive, call.send)
        except HeadroomError as error:
            why = Rejection(error.status, error.message)
        except Exception as error:
            # An application's fault ends its own connection and nobody else's. Its message may hold content.
            log.error("%s in the application, its answer is cut short", type(error).__name__)
        finally:
            call.finish()
        if not call.reply.started:
            await self.write(refusal(self._verdict or why))
