"""An upstream that says exactly the bytes a test wants, over plain TCP or TLS."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import AnyByteStream, ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

from headroom.http.client import Client, ClientLimits
from headroom.http.message import Body, Fields, Handler, Request, Response, once
from headroom.http.tls import Trust
from headroom.http.tunnel import Proxies
from tests.clock import Clock

PATIENCE = 20.0
"""Seconds after which a test that hangs fails; no test waits for it."""


@dataclass
class Line:
    """One accepted connection."""

    stream: AnyByteStream
    number: int
    """Counts from 1."""
    held: bytes = b""

    async def request(self) -> bytes:
        """One whole request with Content-Length, chunked or no body; b"" when the client has closed."""
        while b"\r\n\r\n" not in self.held:
            if not await self.more():
                return b""
        head, _, _ = self.held.partition(b"\r\n\r\n")
        need = len(head) + 4
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if b"transfer-encoding" in fields:
            while b"0\r\n\r\n" not in self.held[need:]:
                assert await self.more()
            need = self.held.index(b"0\r\n\r\n", need) + 5
        need += int(fields.get(b"content-length", b"0"))
        while len(self.held) < need:
            if not await self.more():
                return b""
        request, self.held = self.held[:need], self.held[need:]
        return request

    async def more(self) -> bool:
        try:
            self.held += await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return False
        return True

    async def say(self, data: bytes) -> None:
        await self.stream.send(data)

    async def gone(self) -> None:
        """Until the client has closed."""
        while await self.more():
            pass

    async def close(self) -> None:
        await self.stream.aclose()


Script = Callable[[Line], Awaitable[None]]


@dataclass
class Upstream:
    port: int
    scheme: str = "http"
    lines: list[Line] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    """Numbers of the connections whose script is through."""

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}"


@asynccontextmanager
async def upstream(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """Runs `script` for each connection, and closes it when the script ends."""
    plain = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    running = Upstream(plain.extra(SocketAttribute.local_port), "http" if tls is None else "https")

    async def serve(stream: ByteStream) -> None:
        line = Line(stream, len(running.lines) + 1)
        running.lines.append(line)
        try:
            await script(line)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
            running.ended.append(line.number)

    async with plain if tls is None else TLSListener(plain, tls, standard_compatible=False) as listener:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listener.serve, serve)
                yield running
                tasks.cancel_scope.cancel()


def always(answer: bytes) -> Script:
    """Answers every request alike, on connections that stay."""

    async def script(line: Line) -> None:
        while await line.request():
            await line.say(answer)

    return script


def then_close(answer: bytes) -> Script:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(answer)

    return script


@asynccontextmanager
async def client(
    limits: ClientLimits | None = None, *, ca: str = "", environ: Mapping[str, str] | None = None, clock: Clock | None = None
) -> AsyncIterator[Client]:
    made = Client(limits or ClientLimits(), Trust(ca), Proxies.of(environ or {}), clock or Clock())
    try:
        yield made
    finally:
        await made.aclose()
        assert made.open == 0, "a connection was neither given back nor closed"


def post(data: bytes | Body = b"{}", fields: Fields | None = None) -> Request:
    return Request("POST", "/v1/messages?beta=true", fields or [], once(data) if isinstance(data, bytes) else data)


async def text(handler: Handler, request: Request | None = None) -> bytes:
    """Ask, read to the end, let go."""
    return await drained(await handler(request or post()))


async def drained(response: Response) -> bytes:
    try:
        return b"".join([chunk async for chunk in response.body])
    finally:
        await response.body.aclose()
