"""`headroom proxy` as a user runs it: a process of its own, real sockets, signals."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import pytest

from headroom.ccr import MARKER

pytestmark = pytest.mark.live

LOG = "\n".join(f"2026-11-20T12:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 4}] request id={i * 7919:09d} path=/api/items/{i % 9} status=200" for i in range(200))


class Provider(BaseHTTPRequestHandler):
    """Says what it was sent; for model "wait" it streams one event and then waits to be let go."""

    protocol_version = "HTTP/1.1"
    release = threading.Event()
    started = threading.Event()

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        if b'"wait"' in data:
            self._stream()
            return
        body = json.dumps({"got": data.decode(), "usage": {"input_tokens": 5, "output_tokens": 2}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in (b"data: first\n\n", b"data: last\n\n"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.started.set()
            assert self.release.wait(20)
        self.wfile.write(b"0\r\n\r\n")

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


@dataclass
class Running:
    process: subprocess.Popen[str]
    port: int
    banner: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, None if body is None else json.dumps(body), {"x-api-key": "sk-planted-secret", **headers})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, answer.headers, data


@contextmanager
def proxy(provider: int, home: Path, *options: str, environ: dict[str, str] | None = None) -> Iterator[Running]:
    command = [sys.executable, "-m", "headroom", "proxy", "--port", "0"]
    for name in ("anthropic", "openai", "gemini"):
        command += [f"--{name}-api-url", f"http://127.0.0.1:{provider}"]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "HOME": str(home), "PYTHONUNBUFFERED": "1", "HEADROOM_NO_CACHE": "1", **(environ or {})},
    )
    try:
        assert process.stdout is not None
        lines = banner_of(process.stdout)
        yield Running(process, int(lines[0].rpartition(":")[2]), "".join(lines))
    finally:
        process.kill()
        process.communicate()


def banner_of(stdout: IO[str]) -> list[str]:
    lines = []
    for line in stdout:
        lines.append(line)
        if "figures" in line:
            return lines
    raise AssertionError(f"no banner: {lines}")


def result(text: str) -> Any:
    return {"model": "m", "max_tokens": 5, "messages": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "journalctl"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": text}]},
    ]}


def test_a_tool_result_gets_shorter_and_its_original_comes_back(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path) as running:
        status, headers, data = running.ask("POST", "/v1/messages", result(LOG))
        assert status == 200
        sent = json.loads(json.loads(data)["got"])["messages"][1]["content"][0]["content"]
        assert len(sent) < 0.7 * len(LOG)
        assert int(headers["x-headroom-tokens-saved"]) > 0
        stats = json.loads(running.ask("GET", "/stats")[2])
        assert stats["requests"]["total"] == 1
        assert stats["tokens"]["saved"] == int(headers["x-headroom-tokens-saved"])
        metrics = running.ask("GET", "/metrics")[2].decode()
        assert "headroom_requests_total{" in metrics
        environ = {**os.environ, "HEADROOM_PORT": str(running.port), "HOME": str(tmp_path)}
        from headroom.ccr import key_of  # noqa: PLC0415  # beside its use

        done = subprocess.run([sys.executable, "-m", "headroom", "retrieve", key_of(LOG)], env=environ, capture_output=True, text=True, check=True)
        assert done.stdout == LOG
    state = tmp_path / ".headroom" / "state.db"
    assert state.stat().st_mode & 0o777 == 0o600
    for path in (tmp_path / ".headroom").iterdir():
        assert b"sk-planted-secret" not in path.read_bytes()


def test_a_view_leaves_lines_out_and_its_key_gives_them_back(provider: int, tmp_path: Path) -> None:
    log = "\n".join(LOG.replace("12:", f"{hour}:") for hour in range(10, 20))
    for options in (("--no-ccr-inject-tool",), ("--no-ccr-inject-tool", "--lossless"), ("--no-ccr-inject-tool", "--protect-tool-results", "b*sh"), ()):
        with proxy(provider, tmp_path / "-".join(options), *options) as running:
            data = running.ask("POST", "/v1/messages", result(log))[2]
            sent = json.loads(json.loads(data)["got"])["messages"][1]["content"][0]["content"]
            marker = MARKER.match(sent)
            if options != ("--no-ccr-inject-tool",):
                assert marker is None
                continue
            assert marker is not None
            assert len(sent) < 0.2 * len(log)
            assert json.loads(running.ask("GET", f"/v1/retrieve/{marker['key']}")[2])["text"] == log
            some = json.loads(running.ask("GET", f"/v1/retrieve/{marker['key']}?lines=41-43")[2])["text"]
            assert some == "\n".join(log.split("\n")[40:43])
            again = running.ask("POST", "/v1/messages", result(log))[2]
            assert json.loads(again)["got"] == json.loads(data)["got"]


def test_a_restart_repeats_what_was_sent(provider: int, tmp_path: Path) -> None:
    first = result(LOG)
    second = {**first, "messages": [*first["messages"], {"role": "assistant", "content": "ok"}, {"role": "user", "content": "more"}]}
    sent = []
    for body, options in ((first, []), (second, []), (second, ["--no-optimize"]), (second, [])):
        with proxy(provider, tmp_path, *options) as running:
            sent.append(json.loads(json.loads(running.ask("POST", "/v1/messages", body)[2])["got"])["messages"][1]["content"][0]["content"])
    assert sent[0] == sent[1] == sent[3] != LOG
    assert sent[2] == LOG


def test_stateless_writes_nothing(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path, "--stateless") as running:
        assert running.ask("POST", "/v1/messages", result(LOG))[0] == 200
    assert not list(tmp_path.iterdir())


def test_the_log_has_a_line_a_request_and_no_secret(provider: int, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with proxy(provider, tmp_path, "--log-file", str(log)) as running:
        for _ in range(3):
            running.ask("POST", "/v1/messages?key=planted-key", result(LOG))
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["status"] for line in lines] == [200, 200, 200]
    assert "planted" not in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_stream_in_flight_is_finished_before_we_go(provider: int, tmp_path: Path, number: int, code: int) -> None:
    Provider.release.clear()
    Provider.started.clear()
    with proxy(provider, tmp_path) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        connection.request("POST", "/v1/messages", json.dumps({"model": "wait", "stream": True, "messages": []}), {"x-api-key": "k"})
        answer = connection.getresponse()
        assert answer.readline() == b"data: first\n"
        running.process.send_signal(number)
        Provider.release.set()
        assert answer.read() == b"\ndata: last\n\n"
        connection.close()
        assert running.process.wait(10) == code
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", running.port), timeout=2)


def test_a_port_in_use_is_one_line_that_names_who_answers_there(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path) as running:
        again = [sys.executable, "-m", "headroom", "proxy", "--port", str(running.port), "--stateless"]
        done = subprocess.run(again, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 1
        assert done.stderr == f"headroom: port {running.port} is in use: another Headroom answers there; choose another with --port\n"


@pytest.mark.parametrize(("options", "environ", "words"), [
    (["--port", "70000"], {}, "from 0 to 65535"),
    ([], {"HEADROOM_MAX_BODY": "huge"}, "HEADROOM_MAX_BODY='huge'"),
    (["--state", "nonsense:"], {}, "nonsense"),
    (["--stateless", "--log-file", "x.jsonl"], {}, "--stateless"),
    (["--log-file", "/nonexistent/folder/x.jsonl"], {}, "/nonexistent/folder/x.jsonl"),
])
def test_wrong_settings_are_two_and_no_traceback(options: list[str], environ: dict[str, str], words: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headroom", "proxy", "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env={**os.environ, "HOME": str(tmp_path), **environ})
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("options", "words"), [(["--host", "no.such.host.invalid"], "cannot listen"), (["--host", "192.0.2.1"], "--host an address of this machine"), (["--ca-bundle", "/nonexistent.pem"], "/nonexistent.pem")])
def test_what_cannot_be_had_at_the_start_is_one_line(options: list[str], words: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headroom", "proxy", "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env={**os.environ, "HOME": str(tmp_path)})
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_state_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    command = [sys.executable, "-m", "headroom", "proxy", "--port", "0", "--state", f"sqlite:{tmp_path / 'file' / 'state.db'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "--stateless" in done.stderr
    assert "Traceback" not in done.stderr


def test_messages_are_logged_only_on_request_and_without_secrets(provider: int, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with proxy(provider, tmp_path, "--log-file", str(log), "--log-messages") as running:
        running.ask("POST", "/v1/messages", result("my key is sk-ant-api03-0123456789abcdefghij, keep it"))
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0
    line = json.loads(log.read_text(encoding="utf-8"))
    assert "keep it" in line["request"]
    assert "output_tokens" in line["response"]
    assert "0123456789abcdefghij" not in json.dumps(line)


def test_an_upstream_that_is_down_is_502_in_the_callers_dialect(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        nobody = s.getsockname()[1]
    with proxy(nobody, tmp_path, "--retry-max-attempts", "1") as running:
        status, headers, data = running.ask("POST", "/v1/messages", result("x"))
        assert (status, headers["x-should-retry"]) == (502, "true")
        assert json.loads(data)["error"]["type"] == "api_error"
        status, _, data = running.ask("POST", "/v1/chat/completions", {"model": "m", "messages": []})
        assert status == 502
        assert "message" in json.loads(data)["error"]
        assert json.loads(running.ask("GET", "/health")[2])["status"] == "healthy"


def test_a_warning_beyond_loopback(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path, "--host", "0.0.0.0") as running:
        assert running.process.stdout is not None
        warning = running.process.stdout.readline() + running.process.stdout.readline()
        assert "HEADROOM_PROXY_TOKEN" in warning
    with proxy(provider, tmp_path, "--host", "0.0.0.0", environ={"HEADROOM_PROXY_TOKEN": "t"}) as running:
        assert "WARNING" not in running.banner
