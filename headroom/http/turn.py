"""One request on one connection: written, beside waiting for the head of its answer.

An upstream may answer before it has read everything (413, 401): its answer must not be lost to a pipe that it then
breaks. So a failed write decides nothing; what can be read does.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

import anyio

from headroom.errors import BadRequest, Garbled, HeadroomError, Stale, TimedOut, UpstreamError
from headroom.http.answer import AnswerReader, Head
from headroom.http.framing import FIELD, TOKEN
from headroom.http.message import Body, Fields, Request, once
from headroom.http.origin import Base
from headroom.http.tunnel import TO_THE_PROXY, Proxy
from headroom.http.wire import PIECE, Wire

AT_ONCE = 16 * 1024
"""Bytes of a request that any system's send buffer takes whole, so that writing cannot wait for a peer that has
stopped reading; larger ones are written by a task of their own."""

OURS = frozenset((b"host", b"content-length", b"transfer-encoding", TO_THE_PROXY))
"""Written here, from what is really sent."""

WITH_BODY = frozenset(("POST", "PUT", "PATCH"))
"""Methods whose requests say so when their body is empty (RFC 9110 §8.6)."""


_HEAD = re.compile(TOKEN + rb" [\x21-\x7e]+ HTTP/1\.1\r\n(?:" + FIELD + rb"\r\n)+\r\n")
_LENGTH = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    first_byte: float
    """Until the first byte of the answer; again after each piece of a request and each informational answer."""
    head: float
    """From the first byte of a head to its end."""


def opening(request: Request, to: Base, proxy: Proxy | None) -> bytes:
    """The head of a request. Raises BadRequest for what would end a line before its time."""
    target = to.prefix + request.target
    fields: Fields = [(b"host", to.origin.host_field.encode()), *(f for f in request.fields if f[0] not in OURS)]
    if proxy is not None and not to.origin.tls:
        target = f"http://{to.origin.host_field}{target}"
        fields += proxy.fields
    return written(request.method, target, fields + _length(request))


def written(method: str, target: str, fields: Fields) -> bytes:
    """A request head, checked as a whole: h11 checks every field by itself, which costs more than all the rest."""
    lines = [b"%b: %b\r\n" % field for field in fields]
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode(), target.encode(), b"".join(lines))
    if not _HEAD.fullmatch(head) or head.count(b"\n") != len(fields) + 2:
        raise BadRequest("the request's target or one of its fields has characters that cannot be sent")
    return head


def _length(request: Request) -> Fields:
    given = request.get(b"content-length")
    if (data := request.body.data) is not None:
        said = data or given is not None or request.method in WITH_BODY
        return [(b"content-length", b"%d" % len(data))] if said else []
    if given is not None:
        if not _LENGTH.fullmatch(given):
            raise BadRequest("the request has a malformed Content-Length")
        return [(b"content-length", given)]
    return [(b"transfer-encoding", b"chunked")]


async def settled(request: Request) -> Request:
    """The same request; if its method rarely has a body, and only reading can tell, it is known whether it has."""
    body = request.body
    if body.data is not None or request.method in WITH_BODY or request.get(b"content-length") is not None:
        return request
    chunks = aiter(body)
    async for first in chunks:
        if first:
            return replace(request, body=Body(_Behind(first, chunks)))
    return replace(request, body=once(b""))


class _Behind:
    """A chunk, and then the rest. Not a generator: one that is left half-way waits for the collector."""

    __slots__ = ("_chunks", "_first")

    def __init__(self, first: bytes, chunks: AsyncIterator[bytes]) -> None:
        self._first, self._chunks = first, chunks

    def __aiter__(self) -> _Behind:
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, b""
        return first or await anext(self._chunks)


async def whole(data: bytes) -> AsyncGenerator[memoryview, None]:
    """A body from memory, without copying it; in pieces, so that progress shows."""
    view = memoryview(data)
    for at in range(0, len(view), PIECE):
        yield view[at : at + PIECE]


async def counted(body: AsyncIterator[bytes], length: int) -> AsyncGenerator[bytes, None]:
    """A streamed body that must come out as long as its Content-Length says."""
    async for chunk in body:
        length -= len(chunk)
        if length < 0:
            break
        yield chunk
    if length:
        raise BadRequest("the request body is not as long as its Content-Length")


async def chunked(body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    async for chunk in body:
        if chunk:  # an empty chunk would be the last one
            yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


def pieces(body: Body, length: bytes | None) -> AsyncGenerator[bytes, None] | AsyncGenerator[memoryview, None]:
    if body.data is not None:
        return whole(body.data)
    return chunked(aiter(body)) if length is None else counted(aiter(body), int(length))


class Turn:
    """Use it once."""

    def __init__(self, wire: Wire, reader: AnswerReader, patience: Patience) -> None:
        self._wire, self._reader, self._patience = wire, reader, patience
        self._scope = anyio.CancelScope()
        self._written: anyio.Event | None = None
        self._unsendable: HeadroomError | None = None
        self.complete = False
        """The whole request was written."""

    async def ask(self, head: bytes, request: Request, *, reused: bool) -> Head:
        """Raises Stale for a reused connection that ends without a byte, TimedOut, Garbled."""
        self._wait(self._patience.first_byte)
        with self._scope:
            data = request.body.data
            if data is not None and len(head) + len(data) <= AT_ONCE:
                with suppress(OSError):
                    await self._wire.send(head + data)
                    self.complete = True
                return await self._read(reused)
            return await self._both(head, request, reused)
        what = "no answer" if self._reader.silent else "no complete answer"
        raise TimedOut(f"{what} from the upstream within the time-out")

    async def _both(self, head: bytes, request: Request, reused: bool) -> Head:
        answer: Head | HeadroomError | None = None
        self._written = anyio.Event()
        async with anyio.create_task_group() as both:
            both.start_soon(self._write, head, request, both.cancel_scope)
            answer = await self._read_caught(reused)
            if isinstance(answer, Head) and answer.status < 300:
                # Meant well, and perhaps of use only if the rest of the request arrives.
                await self._written.wait()
            both.cancel_scope.cancel()
        if self._unsendable is not None:
            raise self._unsendable
        if isinstance(answer, Head):
            return answer
        raise answer or Garbled("the answer was given up")

    async def _write(self, head: bytes, request: Request, both: anyio.CancelScope) -> None:
        assert self._written is not None
        try:
            await self._wire.send(head)
            async with aclosing(pieces(request.body, request.get(b"content-length"))) as parts:
                async for part in parts:
                    await self._wire.send(part)
                    self._wait(self._patience.first_byte)
            self.complete = True
        except OSError:
            return  # the upstream does not want more; see the top
        except HeadroomError as error:
            self._unsendable = error
            both.cancel()
        finally:
            self._written.set()

    async def _read_caught(self, reused: bool) -> Head | HeadroomError:
        """As a value, because a task group would wrap it in a group."""
        try:
            return await self._read(reused)
        except UpstreamError as error:
            return error

    async def _read(self, reused: bool) -> Head:
        reader = self._reader
        while True:
            try:
                data = await self._wire.receive()
            except OSError:
                data = b""
            if not data:
                raise self._ended(reused)
            started = reader.started
            if (head := reader.feed(data)) is not None:
                return head
            if reader.started != started:
                self._wait(self._patience.head if reader.started else self._patience.first_byte)

    def _ended(self, reused: bool) -> UpstreamError:
        if not self._reader.silent:
            return Garbled("the upstream closed the connection in the middle of its answer's head")
        if reused:
            return Stale("the upstream closed an idle connection as the request was sent")
        return Garbled("the upstream closed the connection without an answer")

    def _wait(self, seconds: float) -> None:
        self._scope.deadline = anyio.current_time() + seconds
