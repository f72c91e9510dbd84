"""A provider that answers at once and a client that only asks: as little Python as possible on both sides.

Both run in processes of their own, so that what is measured is the proxy. Loopback only, bounded in count.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

JSON_ANSWER = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"ok"}],'
    b'"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":2}}'
)
EVENT = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n%s\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ASKED = re.compile(rb"bench:(\w+):(\d+)")
"""The model name says what to answer: bench:json:0, bench:events:COUNT, bench:paced:COUNT, bench:hold:0, bench:asks:0."""

OPENS = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m",'
    b'"content":[],"usage":{"input_tokens":9,"output_tokens":1}}}\n\n'
)
CALLS = (
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_bench",'
    b'"name":"headroom_retrieve","input":{}}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"key\\":\\"%s\\"}"}}\n\n'
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
)
CLOSES = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"%s"},"usage":{"output_tokens":9}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
KEY = re.compile(rb'"key" *: *"([0-9a-f]{24})"')
"""Which text bench:asks is to ask for, in the metadata."""


WARM = 20
"""Requests that warm connections and memories before anything is measured."""

ASKING: list[float] = []
"""When the provider's process last called the tool; it serves one client then."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Provider(asyncio.Protocol):
    """Reads requests, answers what their model name asks for."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self._buffer, 0, end)
            total = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < total:
                return
            asked = ASKED.search(self._buffer, end, total)
            kind, count = (asked[1], int(asked[2])) if asked else (b"json", 0)
            body = bytes(self._buffer[end:total]) if kind == b"asks" else b""
            del self._buffer[:total]
            self._answer(kind, count, body)

    def _answer(self, kind: bytes, count: int, body: bytes) -> None:
        write = self._transport.write
        if kind == b"json":
            write(HEAD % (b"application/json", b"content-length: %d" % len(JSON_ANSWER)) + JSON_ANSWER)
            return
        write(HEAD % (b"text/event-stream", b"transfer-encoding: chunked"))
        if kind == b"hold":
            write(chunk(EVENT % b"first"))
            return
        if kind == b"asks":
            write(chunk(OPENS + self._asks(body)) + b"0\r\n\r\n")
            return
        task = asyncio.get_running_loop().create_task(self._stream(count, paced=kind == b"paced"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _asks(self, body: bytes) -> bytes:
        """A call of the proxy's tool; once that is answered, when it ended, when the answer came, and now."""
        if b'"tool_use_id":"toolu_bench"' in body:
            told = b"%.6f %.6f" % (ASKING[-1], time.perf_counter())
            return EVENT % told + CLOSES % b"end_turn"
        key = KEY.search(body)
        assert key is not None
        ASKING.append(time.perf_counter())
        return CALLS % key[1] + CLOSES % b"tool_use"

    async def _stream(self, count: int, *, paced: bool) -> None:
        for i in range(count):
            self._transport.write(chunk(EVENT % (b"%.6f" % time.perf_counter() if paced else b"token %d" % i)))
            # One event a write, as providers send them; the loop turns in between so that they leave one by one.
            await asyncio.sleep(0.002 if paced else 0)
        self._transport.write(b"0\r\n\r\n")


def _provide(ready: Any) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0, backlog=2048)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def provider() -> Iterator[int]:
    """A provider in a process of its own; its port."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_provide, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def request(port: int, body: bytes, path: str = "/v1/messages") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\nx-api-key: sk-bench\r\n"
        f"anthropic-version: 2023-06-01\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and how long its answer took to be complete, in seconds."""

    seconds: float
    answer: bytes


class Connection:
    """A blocking keep-alive connection for one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, data: bytes) -> Asked:
        started = time.perf_counter()
        self._socket.sendall(data)
        answer = bytearray()
        while not complete(answer):
            received = self._socket.recv(1 << 20)
            if not received:
                raise ConnectionError(bytes(answer[:200]))
            answer += received
        return Asked(time.perf_counter() - started, bytes(answer))

    def close(self) -> None:
        self._socket.close()


def alternated(ports: Mapping[str, int], bodies: Iterator[bytes], count: int) -> dict[str, list[float]]:
    """Milliseconds of each request, in order of size: one connection each, turn by turn, in an order that changes."""
    order, names = random.Random(7), list(ports)
    connections = {name: Connection(port) for name, port in ports.items()}
    times: dict[str, list[float]] = {name: [] for name in names}
    for i in range(WARM + count):
        data = next(bodies)
        order.shuffle(names)
        for name in names:
            seconds = connections[name].ask(request(ports[name], data)).seconds
            if i >= WARM:
                times[name].append(seconds * 1000)
    for connection in connections.values():
        connection.close()
    return {name: sorted(found) for name, found in times.items()}


def complete(answer: bytearray) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = LENGTH.search(answer, 0, end)
    return len(answer) >= end + 4 + int(length[1]) if length else answer.endswith(b"0\r\n\r\n")


class Asker(asyncio.Protocol):
    """Sends the same request again and again over one connection, until told to stop."""

    def __init__(self, data: bytes, done: Callable[[], bool]) -> None:
        self._data, self._done = data, done
        self._buffer = bytearray()
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.write(self._data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if complete(self._buffer):
            assert self._buffer.startswith(b"HTTP/1.1 200"), bytes(self._buffer[:300])
            self._buffer.clear()
            if self._done():
                self._transport.close()
            else:
                self._transport.write(self._data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_result(None)


def _load(port: int, body: bytes, connections: int, total: int, out: Any) -> None:
    async def run() -> None:
        left = [total]

        def done() -> bool:
            left[0] -= 1
            return left[0] < connections

        loop, data = asyncio.get_running_loop(), request(port, body)
        started = time.perf_counter()
        askers = [await loop.create_connection(lambda: Asker(data, done), "127.0.0.1", port) for _ in range(connections)]
        await asyncio.gather(*(asker.finished for _, asker in askers))
        out.send((total / (time.perf_counter() - started), time.process_time()))

    asyncio.run(run())


def load(port: int, body: bytes, connections: int, total: int) -> float:
    """Requests a second with `connections` in parallel, from a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_load, args=(port, body, connections, total, theirs))
    process.start()
    rate: float
    rate, _ = ours.recv()
    process.join()
    return rate


def median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
