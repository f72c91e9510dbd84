"""All kinds of traffic at once: a provider that plays whatever is asked of it, and a client that asks for all there is.

What must hold of every request (that nothing is written, that no secret shows) is tested on this.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from headroom import ccr

LOG = "\n".join(f"2026-11-20T12:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 4}] request id={i * 7919:09d} path=/api/items/{i % 9} status=200" for i in range(900))
MODEL = "claude-opus-4-8"
USAGE = {"input_tokens": 9000, "output_tokens": 20}
ASKED = re.compile(rb'headroom_retrieve\(key=\\?"([0-9a-f]{24})')
EVENTS = (
    {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": [], "usage": USAGE}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "There."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": USAGE},
    {"type": "message_stop"},
)


class Provider(ThreadingHTTPServer):
    """Does what the `system` names of a request that brings tool output: "fail", "break" (in mid-stream), "retrieve KEY", where
    "own" is the key that stands in it; else it answers. It keeps what it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Playing)
        self.got: list[tuple[str, str, bytes]] = []
        """Path, fields and body of each request."""


class _Playing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, str(self.headers), data))
        try:
            body = dict(json.loads(data))
        except (ValueError, TypeError, RecursionError):
            self._answer(400, {"type": "error", "error": {"type": "invalid_request_error", "message": "that is no request"}})
            return
        told = str(body.get("system", "")) if b'"tool_result"' in data else ""
        wanted = told.removeprefix("retrieve ") if "retrieve " in told else ""
        if told == "fail":
            self._answer(529, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
        elif wanted and b'"tool_use_id":"hidden"' not in data.replace(b" ", b""):
            found = ASKED.search(data)
            self._answer(200, called(found[1].decode() if wanted == "own" and found else wanted))
        elif body.get("stream"):
            self._stream(whole=told != "break")
        else:
            self._answer(200, {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "There."}],
                               "stop_reason": "end_turn", "usage": USAGE})

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, *, whole: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in EVENTS if whole else EVENTS[:3]:
            data = b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), json.dumps(event).encode())
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


def called(key: str) -> Any:
    """An answer in which the model asks for an original."""
    call = {"type": "tool_use", "id": "hidden", "name": "headroom_retrieve", "input": {"key": key}}
    return {"id": "m", "type": "message", "role": "assistant", "content": [call], "stop_reason": "tool_use", "usage": USAGE}


@contextmanager
def providing() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def request(text: str, system: str = "", **more: Any) -> dict[str, Any]:
    """One tool call with its output; with our tool offered or not, as the proxy decides."""
    messages: list[Any] = [
        {"role": "user", "content": "What happened?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "journalctl"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": text}]},
    ]
    return {"model": MODEL, "max_tokens": 50, "system": system, "messages": messages, "tools": [{"name": "Bash", "input_schema": {"type": "object"}}], **more}


def opening(system: str = "", **more: Any) -> dict[str, Any]:
    """How that conversation began: one that does not begin with us is none of which we may leave something out."""
    whole = request("", system, **more)
    return {**whole, "messages": whole["messages"][:1]}


def chat(text: str) -> dict[str, Any]:
    call = {"id": "t1", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}
    return {"model": "gpt-5.5", "messages": [
        {"role": "user", "content": "What happened?"}, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "t1", "content": text},
    ]}


def responses(text: str) -> dict[str, Any]:
    return {"model": "gpt-5.5", "store": False, "input": [
        {"role": "user", "content": "What happened?"}, {"type": "function_call", "call_id": "t1", "name": "Bash", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "t1", "output": text},
    ]}


def gemini(text: str) -> dict[str, Any]:
    return {"contents": [
        {"role": "user", "parts": [{"text": "What happened?"}]}, {"role": "model", "parts": [{"functionCall": {"name": "Bash", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "Bash", "response": {"output": text}}}]},
    ]}


@dataclass
class Client:
    """Asks with these fields, and remembers all answers."""

    port: int
    fields: Mapping[str, str]
    query: str = ""
    """As in "?key=…": goes with every data request."""
    heard: list[tuple[str, int, str, bytes]] = field(default_factory=list)
    """Path, status, fields and body of each answer."""

    def send(self, method: str, path: str, raw: bytes | None, **fields: str) -> tuple[int, bytes]:
        """A body that ends too early is what came of it."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, raw, {"content-type": "application/json", **self.fields, **fields})
            with closing(connection.getresponse()) as answer:
                try:
                    data = answer.read()
                except http.client.IncompleteRead as cut:
                    data = cut.partial
                self.heard.append((path, answer.status, str(answer.headers), data))
                return answer.status, data

    def ask(self, path: str, body: Any, **fields: str) -> int:
        return self.send("POST", path + self.query, json.dumps(body).encode(), **fields)[0]

    def converse(self, text: str, system: str = "", **more: Any) -> int:
        """A conversation of two turns; the status of the second."""
        self.ask("/v1/messages", opening(system, **more))
        return self.ask("/v1/messages", request(text, system, **more))

    def look(self, path: str) -> Any:
        """A control route; JSON where it is."""
        status, data = self.send("GET", path, None)
        assert status == 200, (path, data)
        return json.loads(data) if data.startswith((b"{", b"[")) else data.decode()


def everything(client: Client, text: str = LOG) -> None:
    """Requests, streams, hidden retrieval, errors, cache: each is seen to have happened."""
    assert [client.converse(text) for _ in range(2)] == [200, 200]
    assert "x-headroom-cache: hit" in client.heard[-1][2].lower()
    assert client.converse(text, "stream", stream=True) == 200
    assert client.heard[-1][3].endswith(b"\n\n")
    assert client.converse(text, "retrieve own") == 200
    assert b"There." in client.heard[-1][3]
    assert b"headroom_retrieve" not in client.heard[-1][3]
    assert client.converse(text, "break", stream=True) == 200
    assert client.converse(text, "fail") == 529
    assert client.ask("/v1/messages/count_tokens", request(text)) == 200
    assert client.ask("/v1/chat/completions", chat(text)) == 200
    assert client.ask("/v1/responses", responses(text)) == 200
    assert client.ask("/v1beta/models/gemini-3-pro:generateContent", gemini(text)) == 200
    faults(client, text)
    looks(client, text)


def faults(client: Client, text: str) -> None:
    """What is no request, or none to us; the provider gets some of it as it is."""
    quoted = json.dumps(text).encode()
    deep = b'{"messages":' + b"[" * 50_000 + quoted + b"]" * 50_000 + b"}"
    for raw in (b"{", b'{"model": ' + quoted, b"", b"\xff\xfe", b"[1]", b'{"messages": 7}', b'{"messages": [%b, 1e999]}' % quoted, deep):
        client.send("POST", "/v1/messages" + client.query, raw)
    client.send("POST", "/v1/messages" + client.query, b"not gzip", **{"content-encoding": "gzip"})
    client.send("POST", "/no/such/route" + client.query, b"{}")
    client.send("DELETE", "/stats" + client.query, None)
    client.send("POST", "/v1/retrieve" + client.query, b"{")
    assert client.send("GET", "/v1/retrieve/" + "f" * 24 + client.query, None)[0] == 404


def looks(client: Client, text: str) -> None:
    """Everything that can be asked of ourselves."""
    key = ccr.key_of(text)
    assert client.look("/v1/retrieve/" + key + client.query)["text"] == text
    assert client.look(f"/v1/retrieve/{key}?lines=2-3{client.query.replace('?', '&')}")["text"] == "\n".join(text.split("\n")[1:3])
    for path in ("/livez", "/readyz", "/health", "/stats", "/metrics", "/stats-history", "/stats-history?format=csv", "/v1/toin/patterns"):
        client.look(path)
    assert client.send("POST", "/cache/clear", b"")[0] == 200
    assert client.send("POST", "/stats/reset", b"")[0] == 200
