"""The supervisor of `--workers N`: starts worker processes on one listening socket, replaces and reloads them, and drains all.

Each worker is a program of its own, so nothing is shared across a fork. A socket pair ties it to us: one byte says that
it is ready, its end says that it has gone, and our end tells it that we have.
"""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio
import anyio.abc
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from headroom.proxy.crew import Action, Crew

log = logging.getLogger(__name__)

READY = b"r"

ABORT_SECONDS = 1.0
"""A worker that is told to end at once takes half of it; then it is killed."""


@dataclass(frozen=True, slots=True)
class Happened:
    """To a worker, or, with the number 0, to us."""

    what: int | str
    """ "ready", a worker's exit code, or the number of a signal that we got."""
    worker: int = 0


Spawn = Callable[[socket.socket], "subprocess.Popen[bytes]"]
"""Starts a worker that holds the given end of its socket pair."""


async def supervise(size: int, spawn: Spawn, check: Callable[[], str]) -> int:
    """See Supervisor.run."""
    return await Supervisor(size, spawn, check).run()


class Supervisor:
    """Lives on one event loop. `check` says what is wrong with the settings as they are now; "" when nothing is."""

    def __init__(self, size: int, spawn: Spawn, check: Callable[[], str]) -> None:
        self._crew, self._spawn, self._check = Crew(size), spawn, check
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._told, self._news = _stream()
        self._code = 0
        self._stopping = False
        self._scope = anyio.CancelScope()

    async def run(self) -> int:
        """The exit code: 0 when told to stop, 130 when interrupted, that of a worker where none can start."""
        async with self._told, self._news, anyio.create_task_group() as tasks:
            self._scope = tasks.cancel_scope
            await tasks.start(self._signals)
            try:
                while not self._crew.ended:
                    for action in self._crew.due(anyio.current_time()):
                        self._act(action, tasks)
                    with anyio.move_on_after(self._crew.next(anyio.current_time())):
                        self._hear(await self._news.receive())
            finally:
                self._kill_all()
            tasks.cancel_scope.cancel()
        return self._code if self._crew.failure is None else self._crew.failure

    def _act(self, action: Action, tasks: anyio.abc.TaskGroup) -> None:
        if action.do == "start":
            self._start(action.worker, tasks)
        else:
            number = signal.SIGTERM if action.do == "drain" else signal.SIGKILL
            self._processes[action.worker].send_signal(number)

    def _start(self, number: int, tasks: anyio.abc.TaskGroup) -> None:
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    self._processes[number] = self._spawn(theirs)
                except OSError:
                    ours.close()
                    raise
        except OSError as error:  # no process or no descriptor to be had now
            log.warning("no worker can be started: %s", error)
            self._crew.exited(number, 1, anyio.current_time())
        else:
            tasks.start_soon(self._watch, number, ours)

    def _hear(self, happened: Happened) -> None:
        now, number = anyio.current_time(), happened.worker
        if happened.what == "ready":
            self._crew.became_ready(number, now)
        elif isinstance(happened.what, int) and number:
            pid = self._processes.pop(number).pid
            wait = self._crew.exited(number, happened.what, now)
            if wait is not None:
                log.warning("worker %s ended with %s; another one is started in %.1f s", pid, _said(happened.what), wait)
        elif happened.what == signal.SIGHUP:
            self._reload()
        else:
            self._stop(int(happened.what))

    def _reload(self) -> None:
        wrong = self._check()
        if wrong:
            log.warning("nothing is reloaded: %s", wrong)
        else:
            self._crew.reload()

    def _stop(self, number: int) -> None:
        """The first signal drains, the second ends at once."""
        if self._stopping:
            for process in self._processes.values():
                process.send_signal(signal.SIGTERM)
            self._scope.deadline = anyio.current_time() + ABORT_SECONDS
            return
        self._stopping = True
        self._code = 130 if number == signal.SIGINT else 0
        self._crew.stop()

    async def _watch(self, number: int, ours: socket.socket) -> None:
        """Until the worker has gone; it holds its end for as long as it lives."""
        process = self._processes[number]
        ours.setblocking(False)
        with ours:
            while True:
                await anyio.wait_readable(ours)
                if not _received(ours):
                    break
                await self._told.send(Happened("ready", number))
            code = await anyio.to_thread.run_sync(process.wait, abandon_on_cancel=True)
        await self._told.send(Happened(code, number))

    async def _signals(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
            task_status.started()
            async for number in received:
                await self._told.send(Happened(int(number)))

    def _kill_all(self) -> None:
        """Nobody is left when this ends otherwise than by draining."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()


def _stream() -> tuple[MemoryObjectSendStream[Happened], MemoryObjectReceiveStream[Happened]]:
    return anyio.create_memory_object_stream[Happened](1000)


def _received(ours: socket.socket) -> bytes:
    try:
        return ours.recv(16)
    except ConnectionResetError:
        return b""


def _said(code: int) -> str:
    """An exit code in words: killed processes have the signal's number below zero."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def worker_command(told: Sequence[str], options: Sequence[str]) -> list[str]:
    """What starts a worker. It looks for modules where we do, not in the folder that it happens to be started in."""
    start = f"import sys; sys.path[:] = {sys.path!r}; from headroom.cli.worker import main; main(sys.argv[1:])"
    return [sys.executable, *(["-B"] if sys.dont_write_bytecode else []), "-c", start, *told, *options]


def descriptors(sockets: Sequence[socket.socket]) -> str:
    return ",".join(str(sock.fileno()) for sock in sockets)
