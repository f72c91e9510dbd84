"""`headroom proxy --workers N` as an operator runs it: load, kills, reloads, signals; and the same under gunicorn."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from headroom.http.server import listen, port_of
from tests.live.test_proxy import Provider, Running, proxy

pytestmark = [pytest.mark.live, pytest.mark.skipif(os.name != "posix", reason="processes that share a socket")]

PATIENCE = 30.0
"""Seconds after which what never comes fails a test."""

BODY = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}
STREAM = {"model": "wait", "stream": True, "messages": []}
WITHOUT_LIMIT = "--no-rate-limit"


class Counting(Provider):
    """The scripted provider, which also counts what it is asked."""

    asked: list[int]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.asked.append(1)
        super().do_POST()


class Server(ThreadingHTTPServer):
    request_queue_size = 200


@pytest.fixture
def provider() -> Iterator[Server]:
    Counting.asked = []
    Provider.release.clear()
    Provider.started.clear()
    server = Server(("127.0.0.1", 0), Counting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    Provider.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def workers(running: Running) -> list[int]:
    """Their process ids."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(running.process.pid)], capture_output=True, text=True, check=False)
    return sorted(int(pid) for pid in listed.stdout.split())


def until(true: Callable[[], object]) -> None:
    """What other processes do can only be looked for."""
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


def ready(running: Running, number: int) -> None:
    until(lambda: len(workers(running)) == number)
    until(lambda: running.ask("GET", "/readyz")[0] == 200)


def total(running: Running) -> int:
    return int(json.loads(running.ask("GET", "/stats")[2])["requests"]["total"])


def counter(running: Running, name: str) -> int:
    text = running.ask("GET", "/metrics")[2].decode()
    return sum(int(float(line.rpartition(" ")[2])) for line in text.splitlines() if line.startswith(name + "{"))


class Load:
    """Clients that ask until they are told to stop."""

    def __init__(self, port: int, clients: int) -> None:
        self._port, self._stop = port, threading.Event()
        self.answered = 0
        self.failed: list[str] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def more(self, number: int) -> None:
        """Returns when so many more have been answered."""
        goal = self.answered + number
        until(lambda: self.answered >= goal)

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
                connection.request("POST", "/v1/messages", json.dumps(BODY), {"x-api-key": "k"})
                answer = connection.getresponse()
                answer.read()
                problem = "" if answer.status == 200 else str(answer.status)
                connection.close()
            except (OSError, http.client.HTTPException) as error:
                problem = repr(error)
            with self._lock:
                self.answered += not problem
                if problem:
                    self.failed.append(problem)


def test_the_figures_are_those_of_all_workers(provider: Server, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with proxy(provider.server_port, tmp_path, "--workers", "3", "--log-file", str(log), WITHOUT_LIMIT) as running:
        ready(running, 3)
        with Load(running.port, 12) as load:
            load.more(300)
        sent = load.answered
        assert load.failed == []
        for _ in range(6):  # whichever answers
            assert total(running) == counter(running, "headroom_requests_total") == sent
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE) == 0
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == sent == len(Counting.asked)
    assert len({line["request_id"] for line in lines}) == sent


def test_workers_count_together_against_a_limit(provider: Server, tmp_path: Path) -> None:
    with proxy(provider.server_port, tmp_path, "--workers", "3", "--rpm", "20") as running:
        ready(running, 3)
        began = time.monotonic()
        with Load(running.port, 12) as load:
            until(lambda: len(load.failed) > 60)
        refilled = (time.monotonic() - began) / 3
        assert set(load.failed) == {"429"}
        assert 20 <= load.answered <= 20 + refilled + 3, "one more for each worker at most"
        assert load.answered == len(Counting.asked)


def test_a_killed_worker_is_replaced_and_its_figures_stay(provider: Server, tmp_path: Path) -> None:
    with proxy(provider.server_port, tmp_path, "--workers", "2", WITHOUT_LIMIT) as running:
        ready(running, 2)
        with Load(running.port, 6) as load:
            load.more(60)
        for _ in range(2):
            before = workers(running)
            os.kill(before[0], signal.SIGKILL)
            until(lambda: len(workers(running)) == 2 and before[0] not in workers(running))  # noqa: B023  # used at once
        with Load(running.port, 2) as more:
            more.more(20)
        assert more.failed == []
        until(lambda: all(total(running) == load.answered + more.answered for _ in range(6)))


def reloaded(running: Running, number: int) -> int:
    """All workers are replaced under load and drop nobody; how many were answered."""
    ready(running, number)
    old = workers(running)
    with Load(running.port, 4) as load:
        load.more(20)
        running.process.send_signal(signal.SIGHUP)
        until(lambda: not set(old) & set(workers(running)) and len(workers(running)) == number)
        load.more(20)
    assert load.failed == []
    return load.answered


def test_a_reload_replaces_all_and_drops_nobody(provider: Server, tmp_path: Path) -> None:
    with proxy(provider.server_port, tmp_path, "--workers", "2", WITHOUT_LIMIT) as running:
        answered = reloaded(running, 2)
        until(lambda: total(running) == answered)


def test_a_reload_with_wrong_settings_changes_nothing(provider: Server, tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"models": {}}))
    with proxy(provider.server_port, tmp_path, "--workers", "2", "--prices", str(prices)) as running:
        ready(running, 2)
        old = workers(running)
        prices.write_text("{")
        running.process.send_signal(signal.SIGHUP)
        assert running.process.stderr is not None
        assert "nothing is reloaded" in running.process.stderr.readline()
        assert workers(running) == old
        assert running.ask("GET", "/readyz")[0] == 200


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_stream_in_flight_is_finished_before_we_go(provider: Server, tmp_path: Path, number: int, code: int) -> None:
    with proxy(provider.server_port, tmp_path, "--workers", "2") as running:
        ready(running, 2)
        answer, connection = stream(running)
        running.process.send_signal(number)
        until(lambda: len(workers(running)) == 1)
        Provider.release.set()
        assert answer.read() == b"\ndata: last\n\n"
        connection.close()
        assert running.process.wait(PATIENCE) == code
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", running.port), timeout=2)


def test_the_second_signal_ends_it_at_once(provider: Server, tmp_path: Path) -> None:
    with proxy(provider.server_port, tmp_path, "--workers", "2") as running:
        ready(running, 2)
        _, connection = stream(running)
        running.process.send_signal(signal.SIGTERM)
        until(lambda: len(workers(running)) == 1)
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 5, "draining would take 30 s"
        connection.close()


def stream(running: Running) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)
    connection.request("POST", "/v1/messages", json.dumps(STREAM), {"x-api-key": "k"})
    answer = connection.getresponse()
    assert answer.readline() == b"data: first\n"
    return answer, connection


def test_without_their_supervisor_workers_end_too(provider: Server, tmp_path: Path) -> None:
    with proxy(provider.server_port, tmp_path, "--workers", "2") as running:
        ready(running, 2)
        running.process.kill()
        running.process.wait()

        def refused() -> bool:
            try:
                socket.create_connection(("127.0.0.1", running.port), timeout=2).close()
            except OSError:
                return True
            return False

        until(refused)


def test_what_no_worker_can_start_with_is_said_once_for_all(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    command = [sys.executable, "-m", "headroom", "proxy", "--port", "0", "--workers", "2", "--state", f"sqlite:{tmp_path}/file/state.db"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "--stateless" in done.stderr
    assert "Traceback" not in done.stderr


def test_stateless_workers_write_nothing(provider: Server, tmp_path: Path) -> None:
    with proxy(provider.server_port, tmp_path, "--workers", "2", "--stateless") as running:
        ready(running, 2)
        with Load(running.port, 2) as load:
            load.more(10)
        until(lambda: all(total(running) == load.answered for _ in range(4)))
    assert not list(tmp_path.iterdir())


@contextmanager
def gunicorn(provider: int, home: Path, worker: str, number: int) -> Iterator[Running]:
    sockets = listen("127.0.0.1", 0)
    port = port_of(sockets)
    environ: dict[str, Any] = {
        **os.environ, "HOME": str(home), "HEADROOM_NO_RATE_LIMIT": "1", "ANTHROPIC_TARGET_API_URL": f"http://127.0.0.1:{provider}",
    }
    command = [
        sys.executable, "-m", "gunicorn", "headroom.proxy.server:app", f"--bind=fd://{sockets[0].fileno()}", f"--workers={number}",
        f"--worker-class={worker}", "--log-level=error",
    ]
    process = subprocess.Popen(
        command, env=environ, pass_fds=[sockets[0].fileno()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    sockets[0].close()
    try:
        yield Running(process, port, "")
    finally:
        Provider.release.set()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


OURS, UVICORNS = "headroom.http.gunicorn_worker.Worker", "uvicorn.workers.UvicornWorker"


@pytest.mark.parametrize("worker", [OURS, UVICORNS])
def test_four_workers_under_gunicorn_are_one_proxy_too(provider: Server, tmp_path: Path, worker: str) -> None:
    pytest.importorskip("gunicorn")
    pytest.importorskip("uvicorn")
    with gunicorn(provider.server_port, tmp_path, worker, 4) as running:
        ready(running, 4)
        with Load(running.port, 8) as load:
            load.more(80)
        assert load.failed == []
        for _ in range(8):
            assert total(running) == counter(running, "headroom_requests_total") == load.answered
        killed = workers(running)[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: killed not in workers(running) and len(workers(running)) == 4)
        until(lambda: running.ask("GET", "/readyz")[0] == 200)
        for _ in range(8):
            assert total(running) == counter(running, "headroom_requests_total") == load.answered
        answer, connection = stream(running)
        running.process.send_signal(signal.SIGTERM)
        until(lambda: len(workers(running)) == 1)
        Provider.release.set()
        assert answer.read() == b"\ndata: last\n\n"
        connection.close()
        assert running.process.wait(PATIENCE) == 0


def test_a_reload_of_gunicorn_with_our_workers_drops_nobody(provider: Server, tmp_path: Path) -> None:
    pytest.importorskip("gunicorn")
    with gunicorn(provider.server_port, tmp_path, OURS, 4) as running:
        answered = reloaded(running, 4)
        assert total(running) == answered


def test_what_has_no_price_and_what_was_learned_is_told_for_all_workers(provider: Server, tmp_path: Path) -> None:
    """With each request the provider counts fewer tokens than we, as far as that may be believed: half of them."""
    body = {**BODY, "model": "gpt-unheard-of", "messages": [{"role": "user", "content": "one word after the other " * 300}]}
    with proxy(provider.server_port, tmp_path, "--workers", "4", "--budget", "5", WITHOUT_LIMIT) as running:
        ready(running, 4)
        for _ in range(12):
            status, headers, _ = running.ask("POST", "/v1/messages", body)
            assert (status, headers["x-headroom-budget"]) == (200, "unpriced")
        unpriced = "headroom_budget_unpriced_requests_total"
        until(lambda: all(json.loads(running.ask("GET", "/stats")[2])["cost"]["budget"]["unpriced_requests"] == 12 for _ in range(6)))
        until(lambda: all(f"\n{unpriced} 12\n" in running.ask("GET", "/metrics")[2].decode() for _ in range(6)))
        factors: list[float] = []

        def agreed() -> bool:
            factors[:] = [json.loads(running.ask("GET", "/stats")[2])["tokens"]["factors"]["gpt-unheard-of"] for _ in range(12)]
            return max(factors) - min(factors) < 1e-9

        until(agreed)
        assert 0.5 <= min(factors) < 1
