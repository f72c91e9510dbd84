"""A server of ours on a free port, and a client that sends and reads bytes as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.abc
import h11

from headroom.http.asgi import ASGIApp, Receive, Scope, Send
from headroom.http.limits import Limits
from headroom.http.server import listen, port_of, serve

PATIENCE = 20.0
"""Seconds after which a test that hangs fails; no test waits for it."""


@dataclass(frozen=True, slots=True)
class Served:
    port: int
    drain: anyio.Event
    stop: anyio.CancelScope
    """Cancelling it is the abort."""
    stopped: anyio.Event


@asynccontextmanager
async def serving(app: ASGIApp, limits: Limits | None = None) -> AsyncIterator[Served]:
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            sockets = listen("127.0.0.1", 0)
            served = Served(port_of(sockets), anyio.Event(), anyio.CancelScope(), anyio.Event())

            async def run(*, task_status: anyio.abc.TaskStatus[None]) -> None:
                with served.stop:
                    await serve(app, sockets, limits or Limits(), served.drain, task_status=task_status)
                served.stopped.set()

            await tasks.start(run)
            yield served
            tasks.cancel_scope.cancel()


async def read_all(stream: anyio.abc.ByteStream) -> bytes:
    data = b""
    try:
        while True:
            data += await stream.receive()
    except anyio.EndOfStream:
        return data


async def read_until(stream: anyio.abc.ByteStream, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        data += await stream.receive()
    return data


async def talk(port: int, data: bytes, step: int | None = None, *, half_close: bool = False) -> bytes:
    """Everything the server says until it closes."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        for at in range(0, len(data), step or len(data)):
            await stream.send(data[at : at + (step or len(data))])
        if half_close:
            await stream.send_eof()
        return await read_all(stream)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    fields: dict[bytes, bytes]
    body: bytes
    whole: bool = True


def answers(data: bytes, *methods: str) -> list[Answer]:
    """What a client that follows the RFC reads; the last one may be cut short."""
    found: list[Answer] = []
    for method in methods or ("GET",) * 99:
        if not data:
            break
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
        parser.send(h11.EndOfMessage())
        parser.receive_data(data)
        parser.receive_data(b"")
        head, body, whole = None, b"", False
        try:
            while not isinstance(event := parser.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
                if isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
            whole = isinstance(event, h11.EndOfMessage)
        except h11.RemoteProtocolError:
            whole = False
        assert head is not None, data
        found.append(Answer(head.status_code, dict(head.headers), body, whole))
        data = parser.trailing_data[0] if whole else b""
    return found


async def body_of(receive: Receive) -> bytes | None:
    """The request's body as an application reads it, None if the client left first."""
    body = b""
    while True:
        message: Mapping[str, Any] = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message["body"])
        if not message["more_body"]:
            return body


async def say(send: Send, body: bytes, status: int = 200) -> None:
    fields = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says back method, target and body."""
    if scope["type"] == "lifespan":
        return
    body = await body_of(receive)
    if body is not None:
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        await say(send, b"%b %b%b %b" % (scope["method"].encode(), scope["raw_path"], query, body))
