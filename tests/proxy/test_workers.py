"""The supervisor with small programs for workers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import pytest

from headroom.proxy.workers import supervise, worker_command

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

PATIENCE = 30.0

SERVES = """
import signal, socket, sys, threading
done = threading.Event()
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, lambda *_: done.set())
socket.socket(fileno=int(sys.argv[1])).send(b"r") if len(sys.argv) < 3 else None
while not done.wait(0.02): pass
"""
STUBBORN = SERVES.replace("done.set()", "None")
FAILS = "import sys; sys.exit(2)"


@dataclass
class Workers:
    """Starts what it is told to, and does things when a number of them have been started."""

    programs: list[str]
    then: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def spawn(self, control: socket.socket) -> subprocess.Popen[bytes]:
        program = self.programs[min(len(self.started), len(self.programs) - 1)]
        if not program:
            raise OSError("no more processes")
        fd = control.fileno()
        process = subprocess.Popen([sys.executable, "-c", program, str(fd)], pass_fds=[fd])
        self.started.append(process)
        return process

    async def run(self, size: int, *, check: str = "") -> int:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._act)
                code = await supervise(size, self.spawn, lambda: check)
                tasks.cancel_scope.cancel()
        assert all(process.poll() is not None for process in self.started), "nobody is left"
        return code

    async def _act(self) -> None:
        for number, act in self.then:
            while len(self.started) < number:  # noqa: ASYNC110  # what the supervisor has started can only be counted
                await anyio.sleep(0.02)
            await anyio.sleep(0.3)  # until they are ready: only we could know
            act()


def send(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_it_ends_when_all_have_drained(number: signal.Signals, code: int) -> None:
    assert await Workers([SERVES], [(2, send(number))]).run(2) == code


async def test_who_does_not_drain_is_killed_after_the_second_signal() -> None:
    workers = Workers([STUBBORN], [(2, send(signal.SIGTERM)), (2, send(signal.SIGTERM))])
    assert await workers.run(2) == 0
    assert {process.returncode for process in workers.started} == {-signal.SIGKILL}


async def test_when_none_can_start_it_ends_as_they_did() -> None:
    assert await Workers([FAILS]).run(3) == 2


async def test_when_no_process_can_be_had_it_ends_too() -> None:
    assert await Workers([""]).run(2) == 1


async def test_wrong_settings_are_not_reloaded(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers([SERVES])
    workers.then = [(1, send(signal.SIGHUP)), (1, send(signal.SIGTERM))]
    assert await workers.run(1, check="prices.json is no JSON") == 0
    assert len(workers.started) == 1
    assert "nothing is reloaded: prices.json is no JSON" in caplog.text


async def test_a_reload_whose_workers_cannot_start_keeps_the_old() -> None:
    workers = Workers([SERVES, FAILS, SERVES], [(1, send(signal.SIGHUP))])
    alive: list[bool] = []

    def look() -> None:
        alive.append(workers.started[0].poll() is None)
        send(signal.SIGTERM)()

    workers.then.append((2, look))
    assert await workers.run(1) == 0
    assert alive == [True]
    assert len(workers.started) == 2


def test_workers_look_for_modules_where_we_do() -> None:
    command = worker_command(["1", "2"], ["--port", "0"])
    assert command[0] == sys.executable
    assert command[-4:] == ["1", "2", "--port", "0"]
    assert repr(sys.path) in command[-5]
