"""One worker of `headroom proxy --workers N`: a program of its own that serves on the sockets it was started with.

Only the supervisor starts it, with descriptors before the options of `headroom proxy`.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace

import anyio
import anyio.abc

from headroom.cli.proxy import SWITCH_SECONDS, backend
from headroom.errors import OurError, SettingsError
from headroom.http.limits import TURN, Limits
from headroom.http.server import serve
from headroom.options import load
from headroom.proxy.server import App
from headroom.proxy.workers import READY
from headroom.settings import Settings


def main(argv: Sequence[str]) -> None:
    """Listening sockets, our end of the socket pair, the board of figures; then options."""
    listening, control, board, *options = argv
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="headroom: %(message)s")
    # A terminal sends SIGINT to all of us; what it means is for the supervisor to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_SECONDS)
    environ = os.environ  # noqa: TID251  # an entry of its own, from the supervisor
    settings = load(Settings, options, environ).settings
    app = App(share_of(settings), environ, board=int(board))
    sockets = [socket.socket(fileno=int(descriptor)) for descriptor in listening.split(",")]
    try:
        anyio.run(_main, app, sockets, socket.socket(fileno=int(control)), backend_options=backend())
    except OurError as error:
        print(f"headroom: {error.message}", file=sys.stderr)
        sys.exit(2 if isinstance(error, SettingsError) else 1)


def share_of(settings: Settings) -> Settings:
    """Upstream connections are so many in all; to wait for one is better than to share the limit unevenly."""
    return replace(settings, max_connections=-(-settings.max_connections // settings.workers))


async def _main(app: App, listeners: Sequence[socket.socket], control: socket.socket) -> None:
    drain = anyio.Event()
    failure: OurError | None = None
    proxy = app.proxy
    gc.freeze()  # as in a single process
    async with anyio.create_task_group() as tasks:
        await tasks.start(_obey, app, drain, tasks.cancel_scope)
        tasks.start_soon(_notice_the_end, control, drain)
        limits = Limits(connections=proxy.settings.limit_concurrency, turn=TURN)
        try:
            await serve(app, listeners, limits, drain, task_status=_Ready(control))
        except OurError as error:
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


class _Ready:
    """Hears that the server serves, and tells the supervisor."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    def started(self, value: None = None) -> None:
        self._control.send(READY)


async def _obey(
    app: App, drain: anyio.Event, scope: anyio.CancelScope, *, task_status: anyio.abc.TaskStatus[None]
) -> None:
    """The first SIGTERM drains, the second ends it; SIGHUP reopens the log."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as received:
        task_status.started()
        async for number in received:
            if number == signal.SIGHUP:
                if app.proxy.log is not None:
                    app.proxy.log.reopen()
            elif drain.is_set():
                scope.cancel()
            else:
                app.proxy.draining = True
                drain.set()


async def _notice_the_end(control: socket.socket, drain: anyio.Event) -> None:
    """Of the supervisor, which never says anything: what can be read is the end of the pair."""
    control.setblocking(False)
    await anyio.wait_readable(control)
    drain.set()
