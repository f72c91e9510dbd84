"""A gunicorn worker class that serves with our own server, so that our parser stands before the application.

    gunicorn headroom.proxy.server:app --worker-class headroom.http.gunicorn_worker.Worker

Only gunicorn imports this module; it is no dependency of ours.
"""

from __future__ import annotations

import os
import signal
import sys

import anyio
import anyio.abc
from gunicorn.workers import base

from headroom.errors import OurError
from headroom.http.asgi import ASGIApp, Receive, Scope, Send
from headroom.http.limits import TURN, Limits
from headroom.http.server import serve

BOOT_ERROR = 3
"""gunicorn.arbiter.Arbiter.WORKER_BOOT_ERROR: the master stops instead of trying for ever."""
HEARTBEAT = 1.0
"""Seconds; gunicorn's time-out is 30 s, and may be set as low as 2."""
DRAIN_SHARE = 0.9
"""Of the graceful time-out, after which the master kills: what is left is for writing state down."""


class Worker(base.Worker):  # type: ignore[misc]  # gunicorn has no types; its workers are made by inheritance
    def run(self) -> None:
        try:
            anyio.run(self._main)
        except OurError as error:
            self.log.error("%s", error.message)
            sys.exit(BOOT_ERROR)

    async def _main(self) -> None:
        drain = anyio.Event()
        turn = TURN if self.cfg.workers > 1 else 0.0
        limits = Limits(connections=self.cfg.worker_connections, drain=self.cfg.graceful_timeout * DRAIN_SHARE, turn=turn)
        app = self._counted(self.wsgi, drain)
        failure: OurError | None = None
        async with anyio.create_task_group() as tasks:
            await tasks.start(self._obey, drain, tasks.cancel_scope)
            if not self.alive:  # told to end while we started, when gunicorn's own handlers were in place
                drain.set()
            tasks.start_soon(self._report, drain)
            try:
                await serve(app, [listener.sock for listener in self.sockets], limits, drain)
            except OurError as error:
                failure = error  # raised inside the group it would arrive wrapped in an ExceptionGroup
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _obey(
        self, drain: anyio.Event, stop: anyio.CancelScope, *, task_status: anyio.abc.TaskStatus[None]
    ) -> None:
        """TERM lets answers end, QUIT and INT do not. During a reload the master repeats TERM while it waits."""
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGQUIT, signal.SIGINT, signal.SIGUSR1) as signals:
            task_status.started()
            async for number in signals:
                if number == signal.SIGUSR1:
                    self.log.reopen_files()
                elif number == signal.SIGTERM:
                    self.alive = False
                    drain.set()
                else:
                    stop.cancel()

    async def _report(self, drain: anyio.Event) -> None:
        """Tell the master that we live, and notice when it does not."""
        while True:
            self.notify()
            if os.getppid() != self.ppid:
                drain.set()
            await anyio.sleep(HEARTBEAT)

    def _counted(self, app: ASGIApp, drain: anyio.Event) -> ASGIApp:
        """The same application, which ends this worker after --max-requests."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.nr += 1
                if self.nr >= self.max_requests:
                    drain.set()
            await app(scope, receive, send)

        return counted
