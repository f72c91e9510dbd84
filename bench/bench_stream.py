"""Streams: events relayed a second, what each is delayed, and what a thousand open ones cost."""

from __future__ import annotations

import multiprocessing
import re
import socket
import time
from typing import Any

from bench.proxy import proxy
from bench.wire import Connection, median, provider, request

FRAME = re.compile(rb"\r\n[0-9a-f]+\r\n")
"""Between two chunks of a body, in the middle of an event or not."""

STAMP = re.compile(rb'"text":"(\d+\.\d+)"')


def body(model: str, more: bytes = b"") -> bytes:
    """`more` members, each with a comma behind it."""
    return b'{"model":"%s","max_tokens":9,"stream":true,%s"messages":[{"role":"user","content":"go"}]}' % (model.encode(), more)


def _read_all(port: int, count: int, more: bytes, out: Any) -> None:
    connection = Connection(port)
    connection.ask(request(port, body("bench:json:0")))
    started = time.perf_counter()
    answer = connection.ask(request(port, body(f"bench:events:{count}", more))).answer
    got = FRAME.sub(b"", answer).count(b'"text_delta"')
    assert got == count, got
    out.send(time.perf_counter() - started)


def events_per_second(port: int, streams: int, count: int, more: bytes = b"") -> float:
    context = multiprocessing.get_context("spawn")
    pipes = [multiprocessing.Pipe() for _ in range(streams)]
    processes = [context.Process(target=_read_all, args=(port, count, more, theirs)) for _, theirs in pipes]
    for process in processes:
        process.start()
    slowest: float = max(ours.recv() for ours, _ in pipes)
    for process in processes:
        process.join()
    return streams * count / slowest


def delay_ms(port: int, count: int, more: bytes = b"") -> float:
    """Median milliseconds from an event's writing to its reading, both clocks being this machine's."""
    delays: list[float] = []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        s.sendall(request(port, body(f"bench:paced:{count}", more)))
        received = b""
        while b"\r\n0\r\n\r\n" not in received[-64:]:
            data = s.recv(65536)
            now = time.perf_counter()
            delays += [(now - float(stamp)) * 1000 for stamp in STAMP.findall(data)]
            received = (received + data)[-128:]
    return median(delays)


def open_streams(port: int, count: int) -> list[socket.socket]:
    sockets = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", port), timeout=60)
        s.sendall(request(port, body("bench:hold:0")))
        sockets.append(s)
    for s in sockets:
        received = b""
        while b"first" not in received:
            received += s.recv(65536)
    return sockets


def main() -> None:
    with provider() as upstream, proxy(upstream, "--no-rate-limit", "--no-cache", "--max-connections", "2000", "--limit-concurrency", "2000") as running:
        direct, rate = events_per_second(upstream, 8, 8000), events_per_second(running.port, 8, 8000)
        print(f"SSE events/s over 8 streams: {rate:,.0f} through the proxy, {direct:,.0f} direct (aim 25,000){'' if rate >= 25000 else '  missed'}")
        plain, proxied = delay_ms(upstream, 500), delay_ms(running.port, 500)
        print(f"delay of an event, p50: {plain:.3f} ms direct, {proxied:.3f} ms proxied, added {proxied - plain:.3f} (aim 0.150){'' if proxied - plain <= 0.15 else '  missed'}")
        sockets = open_streams(running.port, 1000)
        memory = running.rss() / 2**20
        print(f"memory with {len(sockets)} open streams: {memory:.0f} MB (aim 150){'' if memory <= 150 else '  missed'}")
        for s in sockets:
            s.close()


if __name__ == "__main__":
    main()
