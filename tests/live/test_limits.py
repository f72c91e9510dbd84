"""Rate limit and budget as a client meets them: the real proxy in a process of its own, real sockets, streams that break."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.live.test_proxy import Running, proxy

pytestmark = pytest.mark.live

START = {"type": "message_start", "message": {"usage": {"input_tokens": 100_000, "output_tokens": 1}}}
DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word "}}
END = {"type": "message_delta", "usage": {"output_tokens": 5000}}
USAGE = {"input_tokens": 100_000, "output_tokens": 5_000}
PRICES = {"models": {"priced": {"input": 1, "output": 10}}}
"""In millions: an answer with this usage costs $0.15."""


class Provider(BaseHTTPRequestHandler):
    """Answers with the same usage each time; system "stream" streams, "break" stops in the middle, "fail" fails."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        if b'"fail"' in data:
            self._answer(529, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
        elif b'"stream"' in data or b'"break"' in data:
            self._stream(whole=b'"stream"' in data)
        elif self.path.startswith("/v1beta/"):
            self._answer(200, {"usageMetadata": {"promptTokenCount": 100_000, "candidatesTokenCount": 5_000}})
        elif self.path.endswith("/completions"):
            self._answer(200, {"usage": {"prompt_tokens": 100_000, "completion_tokens": 5_000}})
        else:
            self._answer(200, {"type": "message", "content": [], "usage": USAGE})

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("anthropic-ratelimit-requests-remaining", "41")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, *, whole: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in [START, *[DELTA] * 999, *([END] if whole else [])]:
            data = b"data: %s\n\n" % json.dumps(event).encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def provider() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def prices(tmp_path: Path) -> str:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(PRICES), "utf-8")
    return f"--prices={path}"


def request(model: str = "priced", system: str = "plain", max_tokens: int = 5000) -> dict[str, Any]:
    return {"model": model, "system": system, "max_tokens": max_tokens, "messages": [{"role": "user", "content": "hello"}]}


def stats(running: Running) -> Any:
    return json.loads(running.ask("GET", "/stats")[2])


def spent(running: Running) -> tuple[float, float]:
    budget = stats(running)["cost"]["budget"]
    return round(budget["spent"], 9), round(budget["reserved"], 9)


CHAT = {"model": "priced", "max_tokens": 5000, "messages": [{"role": "user", "content": "hello"}]}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
DIALECTS: Mapping[str, Any] = {"/v1/messages": request(), "/v1/chat/completions": CHAT, "/v1beta/models/priced:generateContent": GEMINI}


def test_each_credential_has_its_requests_a_minute(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path, "--rpm", "3") as running:
        for path, body in DIALECTS.items():
            status, headers, _ = running.ask("POST", path, body)
            assert (status, headers["ratelimit-policy"]) == (200, '"requests";q=3;w=60')
            assert headers["anthropic-ratelimit-requests-remaining"] == "41", "the provider's own"
        told = {}
        for path, body in DIALECTS.items():
            status, headers, data = running.ask("POST", path, body)
            assert status == 429
            assert 1 <= int(headers["retry-after"]) <= 20
            assert headers["ratelimit"].startswith('"requests";r=0;t=')
            assert headers["x-should-retry"] is None
            told[path] = json.loads(data)
        assert told["/v1/messages"]["error"]["type"] == "rate_limit_error"
        assert told["/v1/chat/completions"]["error"]["code"] == "rate_limit_exceeded"
        assert told["/v1beta/models/priced:generateContent"]["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert running.ask("POST", "/v1/messages/count_tokens", request())[0] == 200
        assert running.ask("POST", "/v1/messages", request(), **{"x-api-key": "sk-another"})[0] == 200
        seen = stats(running)
        assert seen["requests"]["rate_limited"] == 3
        assert seen["rate_limit"] == {"rpm": 3, "tpm": 0, "active_keys": 2}
        assert seen["cost"]["budget"] is None
        metrics = running.ask("GET", "/metrics")[2].decode()
        assert 'headroom_refused_total{limit="rate"} 3' in metrics
        assert "headroom_rate_limit_active_keys 2" in metrics
        assert "sk-planted-secret" not in metrics + json.dumps(seen)


def test_many_at_once_pass_no_more_than_the_limit(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path, "--rpm", "40") as running, ThreadPoolExecutor(16) as clients:
        statuses = list(clients.map(lambda _: running.ask("POST", "/v1/messages", request())[0], range(120)))
        passed = statuses.count(200)
        assert 40 <= passed < 60, "and what flows in meanwhile, one in 1.5 s"
        assert passed + statuses.count(429) == 120


def test_tokens_are_those_that_the_provider_counted(provider: int, tmp_path: Path) -> None:
    """Some four thousand are estimated, and a hundred thousand are owed at the end."""
    with proxy(provider, tmp_path, "--tpm", "20000", "--rpm", "0") as running:
        status, headers, _ = running.ask("POST", "/v1/messages", request())
        assert (status, headers["ratelimit-policy"]) == (200, '"tokens";q=20000;w=60')
        breaks_off(running, "sk-another")
        for key in ("sk-planted-secret", "sk-another"):
            status, headers, data = running.ask("POST", "/v1/messages", request(), **{"x-api-key": key})
            assert status == 429
            assert 200 < int(headers["retry-after"]) < 300
            assert "20,000 tokens a minute (--tpm)" in json.loads(data)["error"]["message"]


def breaks_off(running: Running, key: str) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)) as connection:
        connection.request("POST", "/v1/messages", json.dumps(request(system="break")), {"x-api-key": key})
        with closing(connection.getresponse()) as answer, pytest.raises(http.client.IncompleteRead):
            answer.read()


def test_a_budget_holds_over_a_restart_and_whatever_breaks(provider: int, tmp_path: Path, prices: str) -> None:
    options = (prices, "--budget", "0.5")
    with proxy(provider, tmp_path, *options) as running:
        assert running.ask("POST", "/v1/messages", request())[0] == 200
        assert spent(running) == (0.15, 0.0)
        assert running.ask("POST", "/v1/messages", request(system="fail"))[0] == 529
        assert spent(running) == (0.15, 0.0), "providers charge nothing for errors"
        assert running.ask("POST", "/v1/messages", request(system="stream"))[0] == 200
        assert spent(running) == (0.3, 0.0)
        breaks_off(running, "sk")
        broken = spent(running)
        assert broken in ((0.41, 0.0), (0.41001, 0.0)), "it told of its input only, and had a thousand events, perhaps one that says so"
    with proxy(provider, tmp_path, *options) as running:
        assert spent(running) == broken
        assert running.ask("POST", "/v1/chat/completions", CHAT | {"max_tokens": 100})[0] == 200
        for path, body in DIALECTS.items():
            status, headers, data = running.ask("POST", path, body)
            assert (status, headers["x-should-retry"], headers["retry-after"]) == (429, "false", None)
            error = json.loads(data)["error"]
            assert "budget_exceeded" in (error.get("type"), error.get("code"), error.get("status"))
            assert "the budget of $0.50 a day" in error["message"]
            assert "begins anew at 00:00" in error["message"]
        assert stats(running)["requests"]["over_budget"] == 3
        metrics = running.ask("GET", "/metrics")[2].decode()
        assert 'headroom_refused_total{limit="budget"} 3' in metrics
        assert "headroom_budget_limit_usd 0.5" in metrics
        assert f"headroom_budget_spent_usd {round(broken[0] + 0.15, 5)}\n" in metrics
        shown = headroom_budget(tmp_path)
        assert shown.startswith("daily: $0.5600 of $0.50 a day spent, $0.0000 left; begins anew at 00:00 ")
        headroom_budget(tmp_path, "reset")
        assert running.ask("POST", "/v1/messages", request())[0] == 200
        assert spent(running) == (0.15, 0.0)


def headroom_budget(home: Path, *argv: str) -> str:
    command = [sys.executable, "-m", "headroom", "budget", *argv]
    return subprocess.run(command, env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, check=True).stdout


def test_what_is_in_flight_is_all_that_a_budget_can_be_short_of(provider: int, tmp_path: Path, prices: str) -> None:
    """The input of a request that says `hello` is estimated at a few tokens, and 4,096 of output are reserved: $0.041."""
    with proxy(provider, tmp_path, prices, "--budget", "1", "--rpm", "0") as running, ThreadPoolExecutor(8) as clients:
        statuses = list(clients.map(lambda _: running.ask("POST", "/v1/messages", request())[0], range(40)))
        passed = statuses.count(200)
        assert passed + statuses.count(429) == 40
        used, reserved = spent(running)
        assert (used, reserved) == (round(passed * 0.15, 9), 0.0)
        assert used <= 1 + 8 * 0.15


@pytest.mark.parametrize("state", ["file", "memory"])
def test_workers_pass_and_spend_what_one_would(provider: int, tmp_path: Path, prices: str, state: str) -> None:
    """In memory each has its share, so that how much passes depends on who is asked."""
    options = (prices, "--workers", "4", "--rpm", "40", "--budget", "4", *(["--state", "memory:"] if state == "memory" else []))
    with proxy(provider, tmp_path, *options) as running, ThreadPoolExecutor(16) as clients:
        statuses = list(clients.map(lambda _: running.ask("POST", "/v1/messages", request())[0], range(120)))
        passed = statuses.count(200)
        assert passed + statuses.count(429) == 120
        assert passed < 60
        assert passed * 0.15 <= 4 + 16 * 0.15
        if state == "file":
            # Sixteen in flight reserve $0.66, so none is refused before $3.30 are spent, which is twenty-two answers.
            assert passed >= 22


def test_what_has_no_price_passes_and_strict_does_not_let_it(provider: int, tmp_path: Path, prices: str) -> None:
    with proxy(provider, tmp_path, prices, "--budget", "1") as running:
        status, headers, _ = running.ask("POST", "/v1/messages", request(model="unheard-of"))
        assert (status, headers["x-headroom-budget"]) == (200, "unpriced")
        assert stats(running)["cost"]["budget"]["unpriced_requests"] == 1
    with proxy(provider, tmp_path, prices, "--budget", "1", "--budget-strict") as running:
        status, _, data = running.ask("POST", "/v1/messages", request(model="unheard-of"))
        assert status == 403
        assert "unheard-of" in json.loads(data)["error"]["message"]
