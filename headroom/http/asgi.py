"""Present a Handler as an ASGI 3 application, so that any ASGI server can run it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

import anyio

from headroom.errors import BadRequest, Busy, UpstreamError
from headroom.http.accesslog import hide_queries
from headroom.http.message import Body, Handler, Request, Response

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

CANCELS = "headroom.cancels"
"""Scope extension: the server cancels the application itself when the client leaves."""
OVERLOADED = "headroom.overloaded"
"""Scope extension: the server serves as many as it may; this one is to be told so, and then closed."""

CLOSE_SECONDS = 5.0
"""For a response to let go of its connection after it was cancelled, when nothing else can stop it any more."""

GOING_AWAY = 1001
UPGRADE = b'{"type":"error","error":{"message":"headroom: WebSocket is not spoken here; use HTTP","type":"invalid_request_error","param":null,"code":426}}'


async def refuse(request: Request) -> Response:
    """What an overloaded server says where nobody gave it better words."""
    raise Busy("too many connections at once", retry_after=1)


def asgi(handler: Handler, busy: Handler = refuse) -> ASGIApp:
    """`busy` answers instead of `handler` when the server is overloaded. Serves scopes of type http and websocket."""
    hide_queries()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _refuse_websocket(scope, receive, send)
            return
        extensions = scope.get("extensions") or {}
        if _ambiguous(scope):
            await _deliver(Response(400, [(b"connection", b"close"), (b"content-length", b"0")]), scope, send)
            return
        incoming = _Incoming(receive)
        answers = busy if OVERLOADED in extensions else handler
        if CANCELS in extensions:
            await _answer(answers, incoming, scope, send)
        else:
            await _watched(answers, incoming, scope, send)

    return app


async def _watched(handler: Handler, incoming: _Incoming, scope: Scope, send: Send) -> None:
    async with anyio.create_task_group() as tasks:

        async def cancel_when_the_client_leaves() -> None:
            await incoming.departure()
            tasks.cancel_scope.cancel()

        tasks.start_soon(cancel_when_the_client_leaves)
        # An answer that breaks off has been said and counted already. An application that returns without a last chunk
        # makes uvicorn, hypercorn and gunicorn cut the connection, as it should be; one that raises, a traceback too.
        with suppress(UpstreamError):
            await _answer(handler, incoming, scope, send)
        tasks.cancel_scope.cancel()


async def _answer(handler: Handler, incoming: _Incoming, scope: Scope, send: Send) -> None:
    body = Body(incoming, incoming.aclose)
    response = await handler(Request(scope["method"], _target(scope), list(scope["headers"]), body, _peer(scope)))
    try:
        await _deliver(response, scope, send)
    except BaseException:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await response.body.aclose()
        raise
    await response.body.aclose()


async def _deliver(response: Response, scope: Scope, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status, "headers": response.fields})
    body = response.body
    if scope["method"] == "HEAD":
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    elif body.data is not None:
        await send({"type": "http.response.body", "body": body.data, "more_body": False})
    else:
        async for chunk in body:
            if chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Incoming:
    """The request's body as it arrives, and after it the client's departure: both come by one `receive`."""

    __slots__ = ("_more", "_read", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True
        self._read: anyio.Event | None = None

    def __aiter__(self) -> _Incoming:
        return self

    async def __anext__(self) -> bytes:
        while self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                await self.aclose()
                raise BadRequest("the request ended before it was complete")
            if not message.get("more_body", False):
                await self.aclose()
            if data := message.get("body", b""):
                return bytes(data)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """No more of it is wanted."""
        self._more = False
        if self._read is not None:
            self._read.set()

    async def departure(self) -> None:
        """Wait for the client to leave, once the body has been read or let go."""
        if self._more:
            self._read = anyio.Event()
            await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _target(scope: Scope) -> str:
    raw = scope.get("raw_path")
    path: bytes = raw if raw is not None else scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    return (path + b"?" + query if query else path).decode("latin-1")


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _ambiguous(scope: Scope) -> bool:
    """Both framings at once: a parser that let this pass has chosen one, and whoever stood before it the other."""
    names = {name for name, _ in scope["headers"]}
    return b"content-length" in names and b"transfer-encoding" in names


async def _refuse_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Codex falls back to HTTP at once on 426; a close before acceptance reaches a client as 403."""
    await receive()
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": GOING_AWAY})
        return
    fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(UPGRADE)), (b"connection", b"close")]
    await send({"type": "websocket.http.response.start", "status": 426, "headers": fields})
    await send({"type": "websocket.http.response.body", "body": UPGRADE, "more_body": False})
