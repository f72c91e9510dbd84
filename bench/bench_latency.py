"""What the proxy adds to a request, and how many it carries: beside direct calls, alternated in the same run."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.proxy import proxy
from bench.wire import alternated, load, median, provider

WORDS = ["request", "worker", "cache", "item", "status", "queue", "retry", "user", "order", "shard", "token", "batch", "index", "commit", "table"]
KIND = b"bench:json:0"


def priced(folder: str) -> tuple[str, ...]:
    """The options of a proxy for which the bench's model is one as others are, with a window of a million tokens: what it costs
    to make a conversation fit is `bench_fit`'s question."""
    prices = Path(folder) / "prices.json"
    prices.write_text(json.dumps({"models": {KIND.decode(): {"input": 1, "output": 10, "window": 1_000_000}}}), "utf-8")
    return "--prices", str(prices)


def conversation(size: int, rng: random.Random) -> list[Any]:
    """Tool calls and results in the shape of a coding agent's history, about `size` bytes of JSON."""
    messages: list[Any] = [{"role": "user", "content": "Look around."}]
    while sum(len(json.dumps(m)) for m in messages[-2:]) and len(json.dumps(messages)) < size:
        n = len(messages)
        text = "\n".join(" ".join(rng.choices(WORDS, k=9)) for _ in range(min(60, max(2, (size - 400) // 70))))
        messages += [
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{n}", "name": "Bash", "input": {"command": f"step {n}"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": text}]},
        ]
    return messages


def body(messages: list[Any]) -> bytes:
    return json.dumps({"model": KIND.decode(), "max_tokens": 9, "messages": messages}).encode()


def grown(size: int, rng: random.Random) -> Iterator[bytes]:
    """The same conversation, seen before, each time with one new message at its end."""
    base = conversation(size, rng)
    for i in range(10**6):
        answer = {"role": "assistant", "content": "Done."}
        yield body([*base, answer, {"role": "user", "content": f"And now number {i}?"}])


MESSAGES = (
    "INFO [worker-{w}] request id={id:09x} path=/api/v1/items/{n} status=200 dur={ms}ms",
    "INFO [worker-{w}] request id={id:09x} path=/api/v1/orders/{n}/lines status=200 dur={ms}ms",
    "DEBUG [cache] hit key=item:{n} age={ms}s",
    "DEBUG [cache] miss key=order:{n}",
    "INFO [queue] job {id:09x} started by worker-{w}",
    "INFO [queue] job {id:09x} finished in {ms}ms",
    "WARN [worker-{w}] slow query took {ms}ms: select * from items where id = {n}",
    "ERROR [worker-{w}] request id={id:09x} path=/api/v1/items/{n} status=500 dur={ms}ms: ValueError: bad item",
)
"""What a small service says, most of it often and some of it seldom."""


def log(rng: random.Random, size: int = 56_000) -> str:
    lines: list[str] = []
    length = 0
    while length < size:
        i = len(lines)
        said = rng.choices(MESSAGES, (30, 12, 10, 6, 8, 8, 2, 1))[0]
        text = said.format(w=rng.randrange(8), id=rng.randrange(10**9), n=rng.randrange(900), ms=rng.randrange(300))
        lines.append(f"2026-11-20T12:{i // 60 % 60:02d}:{i % 60:02d}.{rng.randrange(1000):03d}Z {text}")
        length += len(lines[-1]) + 1
    return "\n".join(lines)


def new_logs(rng: random.Random) -> Iterator[bytes]:
    while True:
        call = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "tail service.log"}}]}
        result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": log(rng)}]}
        yield body([{"role": "user", "content": "What happened?"}, call, result])


def added(direct: int, through: int, bodies: Iterator[bytes], count: int) -> tuple[float, float, float]:
    """Milliseconds: p50 direct, p50 through the proxy, and p99 through it; one connection each, turn by turn."""
    times = alternated({"direct": direct, "through": through}, bodies, count)
    proxied = times["through"]
    return median(times["direct"]), median(proxied), proxied[int(len(proxied) * 0.99)]


CASES: tuple[tuple[str, Callable[[random.Random], Iterator[bytes]], int, float], ...] = (
    ("1 KB", lambda rng: grown(900, rng), 600, 0.6),
    ("100 KB, one new message", lambda rng: grown(100_000, rng), 200, 1.5),
    ("1 MB, one new message", lambda rng: grown(1_000_000, rng), 60, 6.0),
    ("a new 56 KB log", new_logs, 60, 10.0),
)
"""Name, bodies, how many, and the added p50 in milliseconds that we aim at."""


def main() -> None:
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder, provider() as upstream, proxy(upstream, "--no-rate-limit", "--no-cache", *priced(folder)) as running:
        print(f"{'added latency, ms':<28}{'direct p50':>12}{'proxy p50':>12}{'p99':>8}{'added p50':>12}{'aim':>8}")
        for name, make, count, aim in CASES:
            direct, through, p99 = added(upstream, running.port, make(rng), count)
            mark = "" if through - direct <= aim else "  missed"
            print(f"{name:<28}{direct:>12.2f}{through:>12.2f}{p99:>8.2f}{through - direct:>12.2f}{aim:>8.1f}{mark}")
        small = next(grown(900, rng))
        direct_rate = load(upstream, small, 32, 20_000)
        rate = load(running.port, small, 32, 12_000)
        print(f"\nrequests/s, 1 KB, 32 connections: {rate:,.0f} through the proxy, {direct_rate:,.0f} direct (aim 2,000){'' if rate >= 2000 else '  missed'}")
        print(f"memory after load: {running.rss() / 2**20:.0f} MB (aim 90){'' if running.rss() <= 90 * 2**20 else '  missed'}")


if __name__ == "__main__":
    main()
