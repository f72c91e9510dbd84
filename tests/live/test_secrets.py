"""Secrets show nowhere: distinct ones are planted wherever a client or an operator may put one, and looked for in all that we write or say."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest

from headroom import ccr
from tests.live.test_proxy import Running, banner_of
from tests.live.traffic import (
    LOG,
    MODEL,
    Client,
    Provider,
    chat,
    everything,
    gemini,
    providing,
    request,
    responses,
)
from tests.redisserver import RedisServer

pytestmark = pytest.mark.live

FIELDS = {
    "authorization": "Bearer {}", "x-api-key": "{}", "x-goog-api-key": "{}", "api-key": "{}", "cookie": "session={}; theme=dark",
    "x-amz-security-token": "{}", "x-headroom-proxy-token": "{}", "x-headroom-user-id": "{}",
}
"""Name of a field → how it carries a credential, or whom it names."""

AWS = "AWS4-HMAC-SHA256 Credential=AKIA{0}/20261101/eu-west-1/bedrock/aws4_request, SignedHeaders=host, Signature={0}"

PATIENCE = 20.0
"""Seconds after which what never comes fails a test."""

CLI = "import logging, sys; logging.basicConfig(level=logging.DEBUG, stream=sys.stderr); from headroom.cli import main; main()"
"""The command, with every library's own log at its most talkative."""


def plant(place: str) -> str:
    """Nothing that looks like a credential of any vendor: what does is redacted besides."""
    return f"{re.sub('[^a-z]', '', place)}PLANTED{secrets.token_hex(8)}".upper()


@pytest.fixture
def planted() -> dict[str, str]:
    return {place: plant(place) for place in (*FIELDS, "query", "aws", "text", "password", "url")}


def fields_of(planted: Mapping[str, str]) -> dict[str, str]:
    return {name: how.format(planted[name]) for name, how in FIELDS.items()}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing() as server:
        yield server


@contextmanager
def proxy(upstreams: Sequence[str], home: Path, *options: str, **environ: str) -> Iterator[tuple[Running, list[str]]]:
    """The proxy at its most talkative, before three upstreams; what it says is in the list when it has ended."""
    names = ("anthropic", "openai", "gemini")
    command = [sys.executable, "-c", CLI, "proxy", "--port", "0", "--log-file", str(home / "log.jsonl"), "--retry-max-attempts", "2", "--budget", "1000"]
    command += [f"--{name}-api-url={url}" for name, url in zip(names, upstreams, strict=True)]
    said: list[str] = []
    with (home / "stderr").open("w") as errors:
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=errors, text=True, env={**clean(home), **environ})
    try:
        assert process.stdout is not None
        lines = banner_of(process.stdout)
        yield Running(process, int(lines[0].rpartition(":")[2]), "".join(lines)), said
        process.terminate()
        assert process.wait(PATIENCE) == 0, "drained, so that all is written"
        said += [*lines, process.stdout.read(), (home / "stderr").read_text("utf-8")]
    finally:
        process.kill()
        process.communicate()


def clean(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADROOM") and not name.lower().endswith("_proxy")}
    return {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1"}


def command(home: Path, *argv: str, **environ: str) -> str:
    """All that a command of ours prints."""
    done = subprocess.run([sys.executable, "-m", "headroom", *argv], env={**clean(home), **environ}, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def forms(secret: str) -> tuple[bytes, ...]:
    """A secret as it is, in either case, and in Base64 at any offset."""
    raw = secret.encode()
    shifted = [base64.b64encode(b"x" * n + raw)[4 if n else 0 : -4] for n in range(3)]
    return (raw, raw.lower(), *shifted)


def shows(secret: str, data: bytes | str) -> bool:
    data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return any(form in data for form in forms(secret))


def inflated(data: bytes) -> bytes:
    """What lies in all zlib streams of it."""
    found = []
    for start in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            found.append(zlib.decompressobj().decompress(data[start.start() :]))
        except zlib.error:
            continue
    return b"".join(found)


def rows(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each row of a SQLite file, unpacked, with its table and, where it has one, its space."""
    with closing(sqlite3.connect(path)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f'SELECT * FROM "{table}"'):
                data = b"\0".join(value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass") for value in row)
                yield f"{table} {row[0]}" if table == "entries" else table, data + inflated(data)


def places(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything on disk: files as they are and unpacked, databases by row besides."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # SQLite's journals come and go
            continue
        yield path.name, data + inflated(data)
        if data.startswith(b"SQLite format 3\0"):
            yield from ((f"{path.name} {where}", row) for where, row in rows(path))


@pytest.mark.parametrize(("data", "found"), [
    (b"x-api-key: KEYPLANTED00112233", True), (b"keyplanted00112233", True), (b"KEYPLANTED0011", False), (b"", False),
    *((base64.b64encode(b"u" * n + b":KEYPLANTED00112233"), True) for n in range(4)),
])
def test_what_counts_as_shown(data: bytes, found: bool) -> None:
    assert shows("KEYPLANTED00112233", data) is found
    assert shows("KEYPLANTED00112233", inflated(b"..." + zlib.compress(data, 1) + b"...")) is found


# What a client sends --------------------------------------------------------------------------------------


def test_credentials_are_in_nothing_that_is_kept_or_shown(provider: Provider, planted: dict[str, str], tmp_path: Path) -> None:
    text = LOG.replace("id=000007919", planted["text"])
    clients = []
    with proxy([f"http://127.0.0.1:{provider.server_port}"] * 3, tmp_path, HEADROOM_PROXY_TOKEN=planted["x-headroom-proxy-token"]) as (running, said):
        for fields in (fields_of(planted), {"authorization": AWS.format(planted["aws"])}):
            clients.append(Client(running.port, fields, f"?key={planted['query']}"))
            everything(clients[-1], f"{text}\n{len(clients)}")
        live = list(places(tmp_path / ".headroom"))
    sound = [answer for client in clients for answer in client.heard]
    known = {place: secret for place, secret in planted.items() if place not in ("password", "url", "text")}
    assert len((tmp_path / "log.jsonl").read_text("utf-8").splitlines()) > 20
    assert {name for name, _ in live} >= {"state.db", "state.db-wal", "state-ledger.db", "state.db entries ccr", "state-ledger.db exchanges"}
    for place, secret in known.items():
        assert [where for where, data in (*live, *places(tmp_path)) if shows(secret, data)] == [], place
        assert [path for path, _, fields, data in sound if shows(secret, data) or shows(secret, fields)] == [], place
        assert not shows(secret, "".join(said)), place
    assert "Traceback" not in "".join(said)
    shown = {where for where, data in (*live, *places(tmp_path)) if shows(planted["text"], data) and " " in where}
    assert shown == {"state.db entries ccr"} or shown == {"state.db entries ccr", "state.db entries sent"}, "originals, and what was sent for them"
    assert not shows(planted["text"], "".join(said) + (tmp_path / "log.jsonl").read_text("utf-8"))
    told = [(path, data) for path, status, _, data in sound if status >= 400 or path.startswith(("/stats", "/metrics", "/health", "/v1/toin"))]
    assert [path for path, data in told if shows(planted["text"], data)] == []
    for place in ("authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "x-amz-security-token", "query"):
        assert any(shows(planted[place], path + fields) for path, fields, _ in provider.got), f"{place} is the provider's to see"
    assert not any(shows(planted["x-headroom-proxy-token"], path + fields) or shows(planted["x-headroom-proxy-token"], body) for path, fields, body in provider.got)


def test_commands_show_no_credentials(provider: Provider, planted: dict[str, str], tmp_path: Path) -> None:
    environ = {
        "HEADROOM_PROXY_TOKEN": planted["x-headroom-proxy-token"], "HTTPS_PROXY": f"http://ann:{planted['password']}@127.0.0.1:9",
        "HEADROOM_STATE": f"redis://ann:{planted['url']}@127.0.0.1:9/0",
    }
    argv: list[Sequence[str]] = [
        ("settings",), ("settings", "--json"), ("savings",), ("savings", "--json"), ("budget",), ("toin", "show"), ("retrieve", "f" * 24), ("tokenizer",),
        ("proxy", "--port", "no"), ("proxy", "--upstream-proxy", f"ftp://ann:{planted['password']}@h"), ("proxy", "--state", f"postgres://ann:{planted['password']}@h"),
        ("proxy", "--state", f"redis://ann:{planted['password']}@h/x"), ("proxy", "--anthropic-api-url", f"https://ann:{planted['password']}@h"),
        ("proxy", "--openai-api-url", f"https://h/v1?key={planted['password']}"), ("proxy", "--help"),
    ]
    for one in argv:
        told = command(tmp_path, *one, **environ)
        assert told, one
        assert [place for place, secret in planted.items() if shows(secret, told)] == [], one
    for name in ("ANTHROPIC_TARGET_API_URL", "OPENAI_TARGET_API_URL"):
        told = command(tmp_path, "settings", **environ, **{name: f"https://ann:{planted['password']}@h"})
        assert name in told
        assert not shows(planted["password"], told)


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_the_access_log_of_another_server_has_no_query(server: str, provider: Provider, planted: dict[str, str], tmp_path: Path) -> None:
    """On unless it is told otherwise, in uvicorn; told to, with its worker, in gunicorn."""
    pytest.importorskip(server, reason=f"{server} is not installed")
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    application = "headroom.proxy.server:app"
    argv = {
        "uvicorn": ("uvicorn", application, "--port", "0"),
        "gunicorn": ("gunicorn", application, "--bind", "127.0.0.1:0", "--worker-class", "uvicorn.workers.UvicornWorker", "--access-logfile", "-"),
    }[server]
    environ = {f"{name}_TARGET_API_URL": f"http://127.0.0.1:{provider.server_port}" for name in ("ANTHROPIC", "OPENAI", "GEMINI")}
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen([sys.executable, "-m", *argv], stdout=said, stderr=said, text=True, env={**clean(tmp_path), **environ})
        try:
            client = Client(address_in(tmp_path / "said", process), fields_of(planted), f"?key={planted['query']}")
            assert client.ask("/v1/messages", request(LOG)) == 200
            assert client.ask("/v1beta/models/gemini-3-pro:generateContent", gemini(LOG)) == 200
            kept = list(places(tmp_path / ".headroom"))
            process.terminate()
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()
        told = (tmp_path / "said").read_text("utf-8")
    assert "/v1beta/models/gemini-3-pro" in told
    assert [place for place, secret in planted.items() if shows(secret, told)] == []
    assert {name.partition("-")[0] for name, _ in kept} >= {"state.db", *(["board"] if server == "gunicorn" else [])}, "with the figures that workers share"
    assert [(place, where) for place, secret in planted.items() for where, data in kept if shows(secret, data)] == []


def address_in(said: Path, process: subprocess.Popen[str]) -> int:
    """The port that a server says it has, once it says so."""
    limit = time.monotonic() + PATIENCE
    while (found := re.search(r"http://127\.0\.0\.1:(\d+)", said.read_text("utf-8"))) is None or "startup complete" not in said.read_text("utf-8"):
        assert process.poll() is None, said.read_text("utf-8")
        assert time.monotonic() < limit
        time.sleep(0.02)
    return int(found[1])


# What goes wrong ------------------------------------------------------------------------------------------


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A server that reads what comes at once, says what `answer` makes of it, and closes."""

    class Talking(BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(PATIENCE)
            with suppress(OSError):  # whoever asked may have gone
                self.request.sendall(answer(self.request.recv(1 << 20)))

    with ThreadingTCPServer(("127.0.0.1", 0), Talking) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


BROKEN: Mapping[str, Callable[[bytes], bytes]] = {
    "echoes without being HTTP": lambda got: got,
    "echoes in its status line": lambda got: b"HTTP/1.1 200 " + got.replace(b"\r\n", b"\x01") + b"\r\n\r\n",
    "echoes in a broken field": lambda got: b"HTTP/1.1 200 OK\r\n" + got.replace(b"\r\n", b"\n") + b"\r\n\r\n",
    "echoes as a broken chunk": lambda got: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + got,
    "says nothing": lambda got: b"",
    "breaks off an answer that echoes": lambda got: b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n" + got[:5],
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_breaks_repeats_no_secret(how: str, planted: dict[str, str], tmp_path: Path) -> None:
    """One upstream answers nonsense, one does not speak TLS, and the way to one leads through a proxy that wants other credentials."""
    text = f"{planted['text']} something that failed"
    asks_again = b"HTTP/1.1 407 no\r\nproxy-authenticate: Basic realm=x\r\ncontent-length: 0\r\n\r\n"
    with answering(BROKEN[how]) as broken, answering(lambda got: b"HTTP/1.1 400 no\r\n\r\n") as plain, answering(lambda got: asks_again) as company:
        environ = {"HEADROOM_PROXY_TOKEN": planted["x-headroom-proxy-token"], "HTTPS_PROXY": f"http://ann:{planted['password']}@127.0.0.1:{company}"}
        upstreams = [f"http://127.0.0.1:{broken}", f"https://127.0.0.1:{plain}", "https://provider.invalid"]
        with proxy(upstreams, tmp_path, **environ) as (running, said):
            client = Client(running.port, fields_of(planted), f"?key={planted['query']}")
            for path, body in (
                ("/v1/messages", request(text)), ("/v1/chat/completions", chat(text)), ("/v1/responses", responses(text)),
                (f"/v1beta/models/{MODEL}:generateContent", gemini(text)),
            ):
                assert client.ask(path, body) in (200, 502)
            assert [status for _, status, _, _ in client.heard[1:]] == [502, 502, 502]
            beginnings = [b"\x00" + planted["text"].encode(), b"POST /v1/messages?" + planted["query"].encode() + b" HTTP/9\r\n\r\n",
                          b"GET /stats HTTP/1.1\r\nx-api-key: " + planted["x-api-key"].encode() + b"\x00\r\n\r\n"]
            refused = [nonsense(running.port, beginning) for beginning in beginnings]
            for path in ("/stats", "/metrics", "/stats-history"):
                client.look(path)
    said += refused
    for place, secret in planted.items():
        ours = [data for path, status, _, data in client.heard if status != 200 or path.startswith(("/stats", "/metrics"))]
        assert not any(shows(secret, data) for data in ours), place
        kept = [where for where, data in places(tmp_path) if shows(secret, data)]
        assert [where for where in kept if place != "text" or where in ("log.jsonl", "stderr") or "ledger" in where] == [], place
        assert not shows(secret, "".join(said)), place


def nonsense(port: int, beginning: bytes) -> str:
    with closing(socket.create_connection(("127.0.0.1", port), PATIENCE)) as connection:
        connection.sendall(beginning)
        connection.shutdown(socket.SHUT_WR)
        found = b"".join(iter(lambda: connection.recv(65536), b""))
    return found.decode("latin-1")


# Redis ----------------------------------------------------------------------------------------------------


def test_a_redis_holds_no_credentials_and_its_own_password_shows_nowhere(provider: Provider, planted: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("redis", reason="the extra redis is not installed")
    text = LOG.replace("id=000007919", planted["text"])
    server = RedisServer(tmp_path / "redis", "--requirepass", planted["url"])
    state = f"redis://:{planted['url']}@127.0.0.1:{server.port}/0?timeout=10&connect_timeout=10"
    home = tmp_path / "home"
    home.mkdir()
    try:
        with proxy([f"http://127.0.0.1:{provider.server_port}"] * 3, home, "--state", state) as (running, said):
            client = Client(running.port, fields_of(planted), f"?key={planted['query']}")
            everything(client, text)
            stored = b"".join(path.read_bytes() for path in server.folder.rglob("*") if path.is_file())
            server.kill()
            assert client.ask("/v1/messages", request("another text")) == 200
            assert client.look("/health")["status"] in ("healthy", "degraded")
            client.look("/metrics")
    finally:
        server.stop()
    stored += inflated(stored)
    assert ccr.key_of(text).encode() in stored
    assert shows(planted["text"], stored)
    shown = "".join(said).encode() + b"".join(data for where, data in places(home)) + b"".join(data for _, _, _, data in client.heard)
    for place, secret in planted.items():
        if place != "text":
            assert not shows(secret, stored), place
            assert not shows(secret, shown), place


def test_a_redis_with_another_password_is_reported_without_ours(provider: Provider, planted: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("redis", reason="the extra redis is not installed")
    server = RedisServer(tmp_path / "redis", "--requirepass", "another")
    home = tmp_path / "home"
    home.mkdir()
    try:
        with proxy([f"http://127.0.0.1:{provider.server_port}"] * 3, home, "--state", f"redis://ann:{planted['url']}@127.0.0.1:{server.port}/0") as (running, said):
            client = Client(running.port, {"x-api-key": "sk-one"})
            assert client.ask("/v1/messages", request(LOG)) == 200
            told = json.dumps(client.look("/health"))
    finally:
        server.stop()
    assert "redis://127.0.0.1" in "".join(said)
    assert not shows(planted["url"], "".join(said) + told)
