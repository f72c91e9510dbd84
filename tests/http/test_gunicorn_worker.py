"""Our worker class under the real gunicorn."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from headroom.http.server import listen, port_of
from tests.http.serving import answers

pytestmark = pytest.mark.skipif(os.name != "posix", reason="gunicorn runs on Unix only")

ROOT = Path(__file__).parent.parent.parent
GET = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SLOW = b"POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Master:
    port: int
    process: subprocess.Popen[bytes]

    def ask(self, data: bytes) -> bytes:
        with self.connect(data) as sock:
            return read_all(sock)

    def connect(self, data: bytes) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        sock.sendall(data)
        return sock


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def read_until(sock: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data


@contextmanager
def gunicorn(app: str, home: Path, *options: str) -> Iterator[Master]:
    (sock,) = listen("127.0.0.1", 0)  # handed over by its descriptor: no port can be taken in between
    command = [
        sys.executable, "-m", "gunicorn", f"tests.http.gunicorn_app:{app}", "--bind", f"fd://{sock.fileno()}",
        "--worker-class", "headroom.http.gunicorn_worker.Worker", *options,
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "HOME": str(home)}, pass_fds=[sock.fileno()], stderr=subprocess.PIPE)
    port = port_of([sock])
    sock.close()
    try:
        yield Master(port, process)
    finally:
        process.kill()
        process.communicate()


def test_it_serves_with_our_parser_in_the_path(tmp_path: Path) -> None:
    with gunicorn("app", tmp_path) as master:
        (answer,) = answers(master.ask(GET))
        assert (answer.status, answer.body) == (200, b"begun /x ")
        both = GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert [a.status for a in answers(master.ask(both + GET))] == [400]


def test_terminating_lets_answers_end(tmp_path: Path) -> None:
    with gunicorn("app", tmp_path) as master:
        with master.connect(SLOW) as sock:
            begun = read_until(sock, b"begun ")
            master.process.send_signal(signal.SIGTERM)
            sock.sendall(b"4\r\ndone\r\n0\r\n\r\n")
            (answer,) = answers(begun + read_all(sock))
        assert (answer.body, answer.whole) == (b"begun /slow done", True)
        assert master.process.wait(PATIENCE) == 0


def test_reloading_loses_no_request(tmp_path: Path) -> None:
    with gunicorn("app", tmp_path) as master:
        with master.connect(SLOW) as sock:
            begun = read_until(sock, b"begun ")
            master.process.send_signal(signal.SIGHUP)
            for _ in range(8):
                assert answers(master.ask(GET))[0].whole
            sock.sendall(b"0\r\n\r\n")
            assert answers(begun + read_all(sock))[0].whole
        assert master.process.poll() is None


def test_workers_are_replaced_after_max_requests(tmp_path: Path) -> None:
    with gunicorn("app", tmp_path, "--max-requests", "3") as master:
        for _ in range(8):
            assert answers(master.ask(GET))[0].whole
        assert master.process.poll() is None


def test_an_application_that_cannot_start_stops_gunicorn(tmp_path: Path) -> None:
    with gunicorn("cannot_start", tmp_path) as master:
        _, errors = master.process.communicate(timeout=PATIENCE)
        assert b"the state cannot be opened" in errors
        assert master.process.returncode == 3
