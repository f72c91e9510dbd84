"""The response cache as clients meet it: the real proxy in a process of its own, real sockets, a provider that counts."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.live.test_proxy import proxy

pytestmark = pytest.mark.live

ON = {"HEADROOM_NO_CACHE": "0"}
EVENTS = [b'data: {"type":"message_start"}\n\n', b'data: {"type":"ping"}\n\n', b'data: {"type":"message_stop"}\n\n']


class Counting(ThreadingHTTPServer):
    """Streams one event, then waits for `go`; "fail" in the body is answered with an error."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.bodies: list[bytes] = []
        self.go, self.whole = threading.Event(), True


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Counting

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append(data)
        if b'"fail"' in data:
            self.send_response(529)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        whole = self.server.whole
        self._chunk(EVENTS[0])
        assert self.server.go.wait(20)
        if not whole:
            self.close_connection = True
            return
        for event in EVENTS[1:]:
            self._chunk(event)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Counting]:
    server = Counting()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.go.set()
        server.shutdown()
        thread.join()
        server.server_close()


def asked(system: str = "x") -> Any:
    return {"model": "m", "max_tokens": 5, "stream": True, "system": system, "messages": [{"role": "user", "content": "hi"}]}


def test_a_stream_is_given_again_byte_for_byte_until_it_is_cleared(tmp_path: Path) -> None:
    with serving() as server, proxy(server.server_port, tmp_path, environ=ON) as running:
        server.go.set()
        states = []
        for fields in ({}, {}, {"x-api-key": "sk-another"}, {"x-headroom-cache": "no-store"}):
            _, headers, data = running.ask("POST", "/v1/messages", asked(), **fields)
            assert data == b"".join(EVENTS)
            states.append(headers["x-headroom-cache"])
        assert states == ["miss", "hit", "miss", "bypass"]
        assert [running.ask("POST", "/v1/messages", asked("fail"))[0] for _ in range(2)] == [529, 529]
        assert len(server.bodies) == 5
        stats = json.loads(running.ask("GET", "/stats")[2])
        assert stats["cache"] == {"entries": 2, "bytes": stats["cache"]["bytes"], "hits": 1, "misses": 4}
        assert stats["requests"]["cached"] == 1
        assert "headroom_cache_hits_total 1" in running.ask("GET", "/metrics")[2].decode()
        assert running.ask("POST", "/cache/clear")[0] == 200
        assert json.loads(running.ask("GET", "/stats")[2])["cache"]["entries"] == 0
        assert running.ask("POST", "/v1/messages", asked())[1]["x-headroom-cache"] == "miss"


@pytest.mark.parametrize("first", ["stays", "leaves", "breaks"])
def test_twenty_clients_and_one_call_upstream(tmp_path: Path, first: str) -> None:
    """One more where the first one leaves or its stream breaks; nobody else notices."""
    with serving() as server, proxy(server.server_port, tmp_path, environ=ON) as running, ThreadPoolExecutor(20) as pool:
        server.whole = first != "breaks"
        leader = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        leader.request("POST", "/v1/messages", json.dumps(asked()), {"x-api-key": "sk-planted-secret"})
        answer = leader.getresponse()
        assert answer.headers["x-headroom-cache"] == "miss"
        assert answer.readline() == EVENTS[0][:-1]
        others = [pool.submit(running.ask, "POST", "/v1/messages", asked()) for _ in range(19)]
        assert any(_active(running) == 20 for _ in range(5000))
        server.whole = True
        if first == "leaves":
            answer.close()
            leader.close()
            assert any(_active(running) and len(server.bodies) == 2 for _ in range(5000)), "without waiting for anybody"
        server.go.set()
        states = sorted(other.result()[1]["x-headroom-cache"] for other in others)
        assert {other.result()[2] for other in others} == {b"".join(EVENTS)}
        assert states == (["hit"] * 19 if first == "stays" else ["hit"] * 18 + ["miss"])
        assert len(server.bodies) == (1 if first == "stays" else 2)
        leader.close()


def _active(running: Any) -> int:
    for line in running.ask("GET", "/metrics")[2].decode().splitlines():
        if line.startswith("headroom_active_requests "):
            return int(float(line.rpartition(" ")[2]))
    return 0
