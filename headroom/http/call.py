"""One request as an ASGI application sees it: its scope, its `receive` and its `send`."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

import anyio
import h11

from headroom.http.asgi import CANCELS, OVERLOADED, Message, Scope
from headroom.http.reply import Reply

ASGI = {"version": "3.0", "spec_version": "2.4"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
JOINED = 64 << 10
"""Bytes of a body that still leave in one write with its head; copying more costs more than a second write."""


class Wire(Protocol):
    """What a call needs of its connection."""

    async def piece(self) -> bytes | None:
        """The next bytes from the client, None when no more will come."""

    def piece_at_hand(self) -> bytes | None:
        """The same without waiting, None when there is none yet."""

    async def write(self, data: bytes) -> None:
        """Returns when the kernel has it; does not return, or does nothing, when the client has left."""

    @property
    def parting(self) -> bool:
        """Whether this answer is to be the connection's last."""


class Call:
    __slots__ = ("_asked", "_data", "_ended", "_head", "_left", "_over", "_parser", "_told", "_whole", "_wire", "reply", "request")

    def __init__(self, wire: Wire, parser: h11.Connection, request: h11.Request, begun: bytes) -> None:
        """`parser` has read the head; `begun` is what came of the body together with it."""
        self._wire = wire
        self._parser = parser
        self.request = request
        self.reply = Reply(request.method.decode(), request.http_version == b"1.0")
        self._data: list[bytes] = []
        self._whole = False
        """The request's last byte has been parsed."""
        self._told = False
        """The application knows that it has the whole body."""
        self._ended = False
        self._head = b""
        self._over: anyio.Event | None = None
        self._left = _length(request)
        self._asked = not parser.they_are_waiting_for_100_continue
        """The client does not wait to be asked for its body."""
        if begun:
            self._take(begun)
        self._whole = self._whole or self._left == 0

    def scope(self, peer: tuple[str, int] | None, server: tuple[str, int] | None, overloaded: bool) -> Scope:
        path, query = _split(self.request.target)
        extensions: dict[str, Any] = {CANCELS: {}}
        if overloaded:
            extensions[OVERLOADED] = {}
        return {
            "type": "http", "asgi": ASGI, "http_version": self.request.http_version.decode(),
            "method": self.request.method.decode(), "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"), "raw_path": path, "query_string": query,
            "root_path": "", "headers": list(self.request.headers), "client": peer, "server": server,
            "extensions": extensions,
        }  # fmt: skip

    @property
    def keeps(self) -> bool:
        """Whether another request may follow on this connection."""
        return self.reply.complete and self._whole and not self.reply.closes

    async def receive(self) -> Message:
        if self._told or self.reply.complete:
            return await self._disconnect()
        while not self._data and not self._whole:
            piece = self._wire.piece_at_hand()
            if piece is None:
                if not self._asked and not self.reply.started:
                    self._asked = True
                    await self._wire.write(CONTINUE)
                piece = await self._wire.piece()
            if piece is None:
                self._ended = self._told = True
                return {"type": "http.disconnect"}
            self._take(piece)
        body, self._data = b"".join(self._data), []
        self._told = self._whole
        return {"type": "http.request", "body": body, "more_body": not self._whole}

    async def _disconnect(self) -> Message:
        if not self._ended and not self.reply.complete:
            self._over = anyio.Event()
            await self._over.wait()
        return {"type": "http.disconnect"}

    def _take(self, piece: bytes) -> None:
        """More of the body. One of known length, which the gate has measured, need not be copied by a parser."""
        self._asked = True
        if self._left is not None:
            self._data.append(piece)
            self._left -= len(piece)
            self._whole = self._left == 0
            return
        self._parser.receive_data(piece)
        while isinstance(event := self._parser.next_event(), h11.Data):
            self._data.append(bytes(event.data))
        self._whole = isinstance(event, h11.EndOfMessage)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body":
            data = self.reply.body(message.get("body", b""), message.get("more_body", False))
            head, self._head = self._head, b""
            if head and len(data) > JOINED:
                await self._wire.write(head)
                head = b""
            if head or data:
                await self._wire.write(head + data if head else data)
            if self.reply.complete:
                self.finish()

    async def _start(self, message: Message) -> None:
        while not self._whole and not self._data and (piece := self._wire.piece_at_hand()) is not None:
            self._take(piece)
        # Where the request is not whole yet nobody knows whether the rest will come (RFC 9110 §10.1.1).
        close = not self._whole or self._wire.parting
        head = self.reply.start(message["status"], message.get("headers", ()), close)
        if self.reply.expects_body or self.reply.silent:
            self._head = head  # its body follows at once, and both fit one write
        else:
            await self._wire.write(head)

    def finish(self) -> None:
        """Nothing more happens to this request: wake who waits for the client to leave."""
        if self._over is not None:
            self._over.set()


def _length(request: h11.Request) -> int | None:
    """Bytes of the body, None where it comes in chunks."""
    for name, value in request.headers:
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding":
            return None
    return 0


def _split(target: bytes) -> tuple[bytes, bytes]:
    """Path and query. Of an absolute form only these count: where we connect to is not the client's to say."""
    if not target.startswith(b"/") and target != b"*":
        _, _, rest = target.partition(b"://")
        at = min((i for i in (rest.find(b"/"), rest.find(b"?")) if i >= 0), default=len(rest))
        target = rest[at:] if rest[at:].startswith(b"/") else b"/" + rest[at:]
    path, _, query = target.partition(b"?")
    return path, query
