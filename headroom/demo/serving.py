"""An application, or a bare Handler, on a free port of this machine, for as long as somebody needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from headroom.http.asgi import ASGIApp, Receive, Scope, Send, asgi
from headroom.http.limits import Limits
from headroom.http.message import Handler
from headroom.http.server import listen, port_of, serve

LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Its base URL. It is entered and left by one task, so a task group may span the yield."""
    drain = anyio.Event()
    sockets = listen(LOOPBACK, 0)
    async with anyio.create_task_group() as tasks:
        await tasks.start(serve, app, sockets, Limits(), drain)
        yield f"http://{LOOPBACK}:{port_of(sockets)}"
        drain.set()


def application(handler: Handler) -> ASGIApp:
    """A Handler as an application that has nothing to prepare and nothing to clean up."""
    answer = asgi(handler)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
        else:
            await answer(scope, receive, send)

    return app
