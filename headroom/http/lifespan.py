"""Run an ASGI application's lifespan: started before the first connection, ended after the last."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.abc

from headroom.errors import OurError
from headroom.http.asgi import ASGIApp, Message
from headroom.http.call import ASGI

SHUTDOWN_SECONDS = 10.0
"""For the application to write down what it holds."""
ABORT_SECONDS = 0.5
"""The same when the server is stopped by force, which should take a second in all."""


class Lifespan:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._asked = False
        self._closing = anyio.Event()
        self._closed = anyio.Event()
        self._started: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
        self._answered = False
        self._scope = anyio.CancelScope()
        self.failure: BaseException | None = None
        """Why the application could not start, as it said it, or what it raised."""

    async def run(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Reports started when the application has started, or does not know lifespans and returned."""
        self._started = task_status
        scope: dict[str, Any] = {"type": "lifespan", "asgi": ASGI, "state": {}}
        try:
            with self._scope:
                await self._app(scope, self._receive, self._send)
        except BaseException as error:
            self.failure = self.failure or error
            raise
        finally:
            self._closed.set()
        self._start()

    async def stop(self, seconds: float) -> None:
        """Let the application end; it has `seconds` for that whatever else is being cancelled."""
        self._closing.set()
        with anyio.move_on_after(seconds, shield=True):
            await self._closed.wait()
        self._scope.cancel()

    def _start(self) -> None:
        if not self._answered:
            self._answered = True
            self._scope.shield = True  # from here on it ends by `stop`, also when the server is cancelled
            self._started.started()

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await self._closing.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self._start()
        elif kind == "lifespan.startup.failed":
            self.failure = OurError(message.get("message") or "the application could not start")
            raise self.failure
        elif kind in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            self._closed.set()
