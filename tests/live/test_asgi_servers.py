"""The real application under other people's ASGI servers, as their own command lines start it, and under our gunicorn worker."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from headroom.demo.serving import application, serving
from headroom.errors import Garbled
from headroom.http.message import Body, Request, Response, once
from headroom.http.server import listen, port_of

pytestmark = [pytest.mark.live, pytest.mark.skipif(os.name != "posix", reason="sockets are handed over by descriptor")]

APP = "headroom.proxy.server:app"
PATIENCE = 20.0
"""Seconds after which what never comes fails a test; no test waits for it."""
LOG = "\n".join(f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 4}] request id={i * 7919:09d} path=/api/items/{i % 9} status=200" for i in range(200))
EVENTS = (b"data: first\n\n", b"data: last\n\n")
UPGRADE = (
    b"GET /v1/responses HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Server:
    """How one is started on a listening socket, and how it ends."""

    package: str
    command: tuple[str, ...]
    """`{fd}` stands for the socket's descriptor."""
    code: int = 0
    refusal: int = 426
    """What a WebSocket upgrade is answered."""


SERVERS = {
    "gunicorn with our worker": Server("gunicorn", ("gunicorn", APP, "--bind=fd://{fd}", "--worker-class=headroom.http.gunicorn_worker.Worker")),
    "gunicorn with uvicorn's worker": Server("uvicorn", ("gunicorn", APP, "--bind=fd://{fd}", "--worker-class=uvicorn.workers.UvicornWorker")),
    # uvicorn ends itself by the signal it was sent, once it has drained (Server.capture_signals).
    "uvicorn": Server("uvicorn", ("uvicorn", APP, "--fd={fd}"), code=-signal.SIGTERM),
    "hypercorn": Server("hypercorn", ("hypercorn", APP, "--bind=fd://{fd}")),
}


@dataclass
class Provider:
    """Says what it was sent; a stream holds its second event back until it is let go, or breaks off there."""

    go: anyio.Event = field(default_factory=anyio.Event)
    left: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, request: Request) -> Response:
        sent = b"".join([chunk async for chunk in request.body])
        if b'"stream"' in sent:
            return Response(200, [(b"content-type", b"text/event-stream")], Body(self._stream(broken=b'"break"' in sent)))
        return Response(200, [(b"content-type", b"application/json")], once(json.dumps({"got": sent.decode()}).encode()))

    async def _stream(self, *, broken: bool) -> AsyncIterator[bytes]:
        yield EVENTS[0]
        if broken:
            raise Garbled("the provider breaks off")
        try:
            await self.go.wait()
        except anyio.get_cancelled_exc_class():
            self.left.set()
            raise
        yield EVENTS[1]


@dataclass(frozen=True, slots=True)
class Running:
    port: int
    process: subprocess.Popen[bytes]
    server: Server
    provider: Provider
    portal: BlockingPortal
    errors: Path

    def begin(self, method: str, path: str, body: Any = None) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, None if body is None else json.dumps(body), {"x-api-key": "k"})
        return connection

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = self.begin(method, path, body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, answer.headers, data

    def stop(self) -> None:
        """By SIGTERM: it ends as it should, and says nothing untoward."""
        self.process.send_signal(signal.SIGTERM)
        self.ended()

    def ended(self) -> None:
        assert self.process.wait(PATIENCE) == self.server.code
        assert "Traceback" not in self.errors.read_text("utf-8")


@pytest.fixture(params=SERVERS)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    server = SERVERS[request.param]
    for package in {server.package, server.command[0]}:
        pytest.importorskip(package, reason=f"{package} is not installed")
    with start_blocking_portal() as portal:
        provider = portal.call(_provider)
        address = portal.wrap_async_context_manager(serving(application(provider)))
        with address as upstream, started(server, upstream, tmp_path) as (port, process):
            yield Running(port, process, server, provider, portal, tmp_path / "errors")


async def _provider() -> Provider:
    return Provider()


@contextmanager
def started(server: Server, upstream: str, home: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The socket listens before the server is there: a client's connection waits for it, and nobody takes the port."""
    (sock,) = listen("127.0.0.1", 0)
    port, descriptor = port_of([sock]), sock.fileno()
    urls = {f"{provider}_TARGET_API_URL": upstream for provider in ("ANTHROPIC", "OPENAI", "GEMINI")}
    environ = {**os.environ, **urls, "HOME": str(home), "HEADROOM_STATE": f"sqlite:{home}/state.db"}
    command = [sys.executable, "-m", *(word.format(fd=descriptor) for word in server.command)]
    with (home / "errors").open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, pass_fds=[descriptor], stdout=subprocess.DEVNULL, stderr=errors, env=environ, start_new_session=True
        )
    sock.close()
    try:
        yield port, process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its workers with it; the group is its own
        process.wait()


def asked(text: str) -> Any:
    return {"model": "m", "max_tokens": 5, "messages": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "journalctl"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": text}]},
    ]}


STREAM: Any = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "go on"}]}


def test_it_serves_with_settings_from_the_environment_and_ends_cleanly(running: Running, tmp_path: Path) -> None:
    status, _, data = running.ask("GET", "/readyz")
    assert (status, json.loads(data)["status"]) == (200, "ready")
    status, headers, data = running.ask("POST", "/v1/messages", asked(LOG))
    assert status == 200
    assert len(json.loads(json.loads(data)["got"])["messages"][1]["content"][0]["content"]) < 0.7 * len(LOG)
    assert int(headers["x-headroom-tokens-saved"]) > 0
    assert (tmp_path / "state.db").exists()
    running.stop()


def test_a_stream_in_flight_is_finished_before_it_ends(running: Running) -> None:
    connection = running.begin("POST", "/v1/messages", STREAM)
    answer = connection.getresponse()
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.readline() == b"data: first\n"  # before the provider has said the rest: nothing is held back
    running.process.send_signal(signal.SIGTERM)
    running.portal.call(running.provider.go.set)
    assert answer.read() == b"\n" + EVENTS[1]
    connection.close()
    running.ended()


def test_a_client_that_leaves_ends_the_stream_upstream(running: Running) -> None:
    connection = running.begin("POST", "/v1/messages", STREAM)
    answer = connection.getresponse()
    assert answer.readline() == b"data: first\n"
    answer.close()
    connection.close()
    running.portal.call(_within_patience, running.provider.left)


async def _within_patience(event: anyio.Event) -> None:
    with anyio.fail_after(PATIENCE):
        await event.wait()


def test_a_stream_that_breaks_off_says_so_and_never_ends_as_if_it_were_whole(running: Running) -> None:
    connection = running.begin("POST", "/v1/messages", {**STREAM, "model": "break"})
    answer = connection.getresponse()
    assert answer.status == 200
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    connection.close()
    first, said = cut.value.partial.split(b"event: error\n", 1)
    assert first.rstrip(b"\n") + b"\n\n" == EVENTS[0]  # blank lines, which mean nothing, end an event that broke off
    assert json.loads(said.removeprefix(b"data: "))["error"]["type"] == "api_error"
    assert running.ask("GET", "/livez")[0] == 200
    assert "Traceback" not in running.errors.read_text(encoding="utf-8")


def test_a_websocket_is_refused(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as sock:
        sock.sendall(UPGRADE)
        answer = sock.makefile("rb").readline()
    assert int(answer.split()[1]) == running.server.refusal
    running.stop()
