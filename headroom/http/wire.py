"""Bytes to and from one peer, without a buffer of its own.

anyio's socket streams read ahead into a queue that cannot be looked into, so that bytes behind the end of an answer
would be taken for the beginning of the next one. Here whatever was not asked for stays in the kernel, where `dead`
sees it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import anyio

RECEIVE = 64 * 1024
"""Bytes asked for at a time: what a socket's receive buffer holds in a busy moment."""

PIECE = 256 * 1024
"""Bytes encrypted at a time, so that a large request is not in memory twice."""


class Wire(Protocol):
    """A connection's bytes. Whatever fails is an OSError (TLS errors are)."""

    async def receive(self) -> bytes:
        """What there is, at least one byte; b"" when the peer has closed."""
        ...

    async def send(self, data: bytes | memoryview) -> None: ...

    def dead(self) -> bool:
        """Whether an idle connection is of no more use: the peer has closed, or said something unasked."""
        ...

    def close(self) -> None:
        """At once, from wherever; whoever waits on it wakes up."""
        ...


class SocketWire:
    """A non-blocking socket."""

    __slots__ = ("_closed", "_socket", "_waiting")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._waiting = 0
        self._closed = False

    async def receive(self) -> bytes:
        while True:
            # Waiting first, even where bytes are there already, gives other tasks their turn and lets small packets
            # gather; it costs one round of the event loop.
            await self._wait(anyio.wait_readable)
            try:
                return self._socket.recv(RECEIVE)
            except BlockingIOError:
                continue

    async def send(self, data: bytes | memoryview) -> None:
        rest = data
        while True:
            self._refuse_if_closed()
            try:
                sent = self._socket.send(rest)
            except BlockingIOError:
                sent = 0
            if sent == len(rest):
                return
            rest = memoryview(rest)[sent:]
            await self._wait(anyio.wait_writable)

    def dead(self) -> bool:
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._waiting:
            # A descriptor that an event loop watches must not be closed under it: wake the waiter, who closes it.
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                self._socket.close()
        else:
            self._socket.close()

    async def _wait(self, ready: Callable[[socket.socket], Awaitable[None]]) -> None:
        self._refuse_if_closed()
        self._waiting += 1
        try:
            await ready(self._socket)
        finally:
            self._waiting -= 1
            if self._closed and not self._waiting:
                self._socket.close()
        self._refuse_if_closed()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ConnectionAbortedError("closed on our side")


class TlsWire:
    """TLS over another wire. `start` makes one."""

    __slots__ = ("_incoming", "_outgoing", "_sending", "_tls", "_wire")

    def __init__(self, wire: Wire, context: ssl.SSLContext, host: str) -> None:
        self._wire = wire
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._sending = anyio.Lock()

    async def handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                with suppress(OSError):
                    await self._flush()  # the alert that tells the peer why
                raise
            else:
                return await self._flush()

    async def receive(self) -> bytes:
        while True:
            plain, ended = self._drain()
            if plain or ended:
                return plain
            if self._outgoing.pending:
                await self._flush()
            await self._fill()

    async def send(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest[:PIECE]) :]
            await self._flush()

    def dead(self) -> bool:
        return bool(self._incoming.pending or self._tls.pending()) or self._wire.dead()

    def close(self) -> None:
        # No close_notify: an answer's end is known from its framing, and leaving must not wait for anything.
        self._wire.close()

    def _drain(self) -> tuple[bytes, bool]:
        """Every record that is complete, in one piece; and whether the peer has said that it ends here."""
        pieces: list[bytes] = []
        while True:
            try:
                piece = self._tls.read(RECEIVE)
            except ssl.SSLWantReadError:
                return b"".join(pieces), False
            except ssl.SSLError:
                if pieces:
                    return b"".join(pieces), False  # it is raised again when asked for more
                raise
            if not piece:
                return b"".join(pieces), True
            pieces.append(piece)

    async def _fill(self) -> None:
        data = await self._wire.receive()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()  # reading on then fails as SSLEOFError: cut off, not ended

    async def _flush(self) -> None:
        # Records must leave in order, and a reader may have to answer (key update) while a writer writes.
        async with self._sending:
            while self._outgoing.pending:
                await self._wire.send(self._outgoing.read())
