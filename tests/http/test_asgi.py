"""A Handler as an ASGI application: in memory, and on servers that are not ours."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
import anyio.lowlevel
import hypercorn.asyncio
import hypercorn.config
import pytest
import uvicorn

from headroom.errors import BadRequest, Busy, Garbled
from headroom.http.asgi import CANCELS, OVERLOADED, ASGIApp, Message, Scope, asgi
from headroom.http.message import Body, Request, Response, once
from headroom.http.server import listen, port_of
from tests.http.serving import PATIENCE, answers, read_all, talk

pytestmark = pytest.mark.anyio


def scope_of(method: str = "POST", **more: Any) -> Scope:
    return {
        "type": "http", "method": method, "path": "/p é", "raw_path": b"/p%20%C3%A9", "query_string": b"a=%20b",
        "headers": [(b"host", b"a"), (b"x", b"\xff")], "client": ("10.0.0.9", 4711), "extensions": {CANCELS: {}}, **more,
    }  # fmt: skip


async def play(app: ASGIApp, scope: Scope, *messages: Message) -> list[Message]:
    """The application's messages, to a client that sends these and then waits."""
    sent: list[Message] = []
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await anyio.sleep_forever()
        return left.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    with anyio.fail_after(PATIENCE):
        await app(scope, receive, send)
    return sent


def part(body: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def echo(request: Request) -> Response:
    body = b"".join([chunk async for chunk in request.body])
    text = f"{request.method} {request.target} {request.peer} ".encode() + body
    return Response(200, [(b"content-length", b"%d" % len(text))], once(text))


SCOPES: list[tuple[str, Scope, bytes]] = [
    ("as it came", scope_of(), b"POST /p%20%C3%A9?a=%20b 10.0.0.9 hello"),
    ("no query", scope_of(query_string=b""), b"POST /p%20%C3%A9 10.0.0.9 hello"),
    ("no raw path", scope_of(raw_path=None, path="/p"), b"POST /p?a=%20b 10.0.0.9 hello"),
    ("no peer", scope_of(client=None), b"POST /p%20%C3%A9?a=%20b  hello"),
    ("watched", scope_of(extensions={}), b"POST /p%20%C3%A9?a=%20b 10.0.0.9 hello"),
    ("no extensions", scope_of(extensions=None), b"POST /p%20%C3%A9?a=%20b 10.0.0.9 hello"),
]


@pytest.mark.parametrize(("name", "scope", "expected"), SCOPES, ids=[s[0] for s in SCOPES])
async def test_a_scope_becomes_a_request(name: str, scope: Scope, expected: bytes) -> None:
    start, body = await play(asgi(echo), scope, part(b"hel", True), part(b"lo"))
    assert start["status"] == 200
    assert (body["body"], body["more_body"]) == (expected, False)


@dataclass
class Source:
    """A response body that says when it was let go."""

    chunks: list[bytes | Exception]
    closed: list[bool] = field(default_factory=list)

    async def _iterate(self) -> AsyncGenerator[bytes, None]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def __call__(self, request: Request) -> Response:
        chunks = self._iterate()

        async def close() -> None:
            await anyio.lowlevel.checkpoint()  # letting go may await, also when the call was cancelled
            await chunks.aclose()
            self.closed.append(True)

        return Response(200, [], Body(chunks, close))


async def test_a_stream_is_sent_chunk_by_chunk_and_closed() -> None:
    source = Source([b"a", b"", b"b"])
    sent = await play(asgi(source), scope_of())
    assert [(m.get("body"), m.get("more_body")) for m in sent[1:]] == [(b"a", True), (b"b", True), (b"", False)]
    assert source.closed == [True]


async def test_an_answer_to_head_has_no_body_and_is_closed() -> None:
    source = Source([b"a"])
    sent = await play(asgi(source), scope_of("HEAD"))
    assert [m.get("body") for m in sent[1:]] == [b""]
    assert source.closed == [True]


@pytest.mark.parametrize("extensions", [{CANCELS: {}}, {}], ids=["our server", "others"])
async def test_a_body_that_raises_is_closed_and_never_ended(extensions: Scope) -> None:
    source = Source([b"a", Garbled("broke off")])
    sent: list[Message] = []

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    raised = []
    try:
        await asgi(source)(scope_of(extensions=extensions), receive, send)
    except Garbled as error:
        raised.append(error)
    assert bool(raised) == bool(extensions)  # ours is told; others cut the connection when the call just returns
    assert [m.get("more_body") for m in sent[1:]] == [True]
    assert source.closed == [True]


async def test_a_client_that_leaves_inside_its_body_is_an_error() -> None:
    with pytest.raises(BadRequest):
        await play(asgi(echo), scope_of(), part(b"hel", True), {"type": "http.disconnect"})


@pytest.mark.parametrize("reads", [True, False], ids=["body read", "body let go"])
async def test_leaving_cancels_where_the_server_does_not(reads: bool) -> None:
    cancelled = []

    async def handle(request: Request) -> Response:
        if reads:
            await echo(request)
        else:
            await request.body.aclose()
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append(True)
            raise
        raise AssertionError

    assert await play(asgi(handle), scope_of(extensions={}), part(b""), {"type": "http.disconnect"}) == []
    assert cancelled == [True]


async def test_cancelled_half_way_the_response_is_still_closed() -> None:
    source = Source([b"a"])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await anyio.sleep_forever()

    with anyio.fail_after(PATIENCE):
        await asgi(Reading(source))(scope_of(extensions={}), receive, send)
    assert source.closed == [True]


@dataclass
class Reading:
    """Lets go of the request before it answers."""

    inner: Source

    async def __call__(self, request: Request) -> Response:
        response = await self.inner(request)
        await request.body.aclose()
        return response


async def test_both_framings_in_a_scope_are_refused() -> None:
    headers = [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    start, _ = await play(asgi(echo), scope_of(headers=headers), part(b"hello"))
    assert start["status"] == 400
    assert (b"connection", b"close") in start["headers"]


async def test_an_overloaded_server_is_answered_for_by_its_own_handler() -> None:
    async def busy(request: Request) -> Response:
        return Response(503)

    overloaded = scope_of(extensions={CANCELS: {}, OVERLOADED: {}})
    assert (await play(asgi(echo, busy), overloaded))[0]["status"] == 503
    with pytest.raises(Busy):
        await play(asgi(echo), overloaded)


async def test_websockets_are_refused() -> None:
    connect: Message = {"type": "websocket.connect"}
    answered = await play(asgi(echo), {"type": "websocket", "extensions": {"websocket.http.response": {}}}, connect)
    assert [m["type"] for m in answered] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert answered[0]["status"] == 426
    assert [m["type"] for m in await play(asgi(echo), {"type": "websocket"}, connect)] == ["websocket.close"]


# Servers that are not ours. They live on asyncio.

Start = Callable[[ASGIApp, socket.socket, anyio.Event], Coroutine[Any, Any, None]]


async def on_uvicorn(app: ASGIApp, sock: socket.socket, stop: anyio.Event, http: Literal["h11", "httptools"]) -> None:
    config = uvicorn.Config(app, lifespan="off", log_config=None, http=http, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server._serve, [sock])  # without its signal handlers, which are the test runner's
        await stop.wait()
        server.should_exit = True


async def on_h11(app: ASGIApp, sock: socket.socket, stop: anyio.Event) -> None:
    await on_uvicorn(app, sock, stop, "h11")


async def on_httptools(app: ASGIApp, sock: socket.socket, stop: anyio.Event) -> None:
    await on_uvicorn(app, sock, stop, "httptools")


async def on_hypercorn(app: ASGIApp, sock: socket.socket, stop: anyio.Event) -> None:
    config = hypercorn.config.Config()
    config.bind = [f"fd://{sock.detach()}"]  # which it closes itself
    config.graceful_timeout = 1
    config.errorlog = None
    await hypercorn.asyncio.serve(without_lifespan(app), config, shutdown_trigger=stop.wait)


def without_lifespan(app: ASGIApp) -> Any:
    async def inner(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)

    return inner


@asynccontextmanager
async def foreign(start: Start, app: ASGIApp) -> AsyncIterator[int]:
    (sock,) = listen("127.0.0.1", 0)
    sock.setblocking(False)
    port, stop = port_of([sock]), anyio.Event()
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(start, app, sock, stop)
            yield port
            stop.set()
    sock.close()


SERVERS = [pytest.param("asyncio", s, id=s.__name__) for s in (on_h11, on_httptools, on_hypercorn)]
on_each = pytest.mark.parametrize(("anyio_backend", "start"), SERVERS, indirect=["anyio_backend"])
REQUEST = b"POST /p?q HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"


@on_each
async def test_other_servers_run_it(start: Start) -> None:
    async with foreign(start, asgi(echo)) as port:
        (answer,) = answers(await talk(port, REQUEST))
    assert (answer.status, answer.body, answer.whole) == (200, b"POST /p?q 127.0.0.1 hello", True)


@on_each
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_other_servers_never_end_a_broken_answer_as_if_it_were_whole(start: Start) -> None:
    source = Source([b"a", Garbled("broke off")])
    async with foreign(start, asgi(source)) as port:
        (answer,) = answers(await talk(port, REQUEST))
    assert (answer.body, answer.whole) == (b"a", False)
    assert source.closed == [True]


@on_each
@pytest.mark.parametrize("first", [False, True], ids=["before the first byte", "after it"])
async def test_on_other_servers_leaving_cancels_too(start: Start, first: bool) -> None:
    started, cancelled = anyio.Event(), anyio.Event()

    async def stream() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await wait()

    async def wait() -> None:
        started.set()
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.set()
            raise

    async def handle(request: Request) -> Response:
        await echo(request)
        if not first:
            await wait()
        return Response(200, [], Body(stream()))

    async with foreign(start, asgi(handle)) as port:
        async with await anyio.connect_tcp("127.0.0.1", port) as client:
            await client.send(REQUEST)
            await started.wait()
        await cancelled.wait()


@pytest.mark.parametrize(("anyio_backend", "start"), SERVERS[2:], indirect=["anyio_backend"])
async def test_a_websocket_handshake_is_told_to_use_http(start: Start) -> None:
    shake = (
        b"GET /v1/responses HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    async with foreign(start, asgi(echo)) as port, await anyio.connect_tcp("127.0.0.1", port) as client:
        await client.send(shake)
        (answer,) = answers(await read_all(client))
    assert answer.status == 426
