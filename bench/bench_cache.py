"""What an answer from the response cache takes, beside the same request that is asked of the provider, in the same run."""

from __future__ import annotations

import json
import os
import random
from typing import Any

from bench.bench_latency import conversation
from bench.proxy import proxy
from bench.wire import Connection, load, median, provider, request

AIM = 3000
"""Hits a second, with 32 connections."""

KINDS = (("1 KB, JSON answer", 900, "bench:json:0"), ("1 KB, stream of 200 events", 900, "bench:events:200"), ("1 MB, JSON answer", 1_000_000, "bench:json:0"))


def body(messages: list[Any], model: str, **more: Any) -> bytes:
    return json.dumps({"model": model, "max_tokens": 9, "messages": messages, **more}).encode()


def times(port: int, messages: list[Any], model: str, count: int) -> tuple[float, float]:
    """Median milliseconds of a hit and of a miss, turn by turn. Where the provider answers at once, as here, a miss is all ours."""
    connection, hits, misses = Connection(port), list[float](), list[float]()
    connection.ask(request(port, body(messages, model)))
    for i in range(count):
        hits.append(connection.ask(request(port, body(messages, model))).seconds * 1000)
        misses.append(connection.ask(request(port, body(messages, model, metadata={"user_id": str(i)}))).seconds * 1000)
    connection.close()
    return median(hits), median(misses)


def main() -> None:
    os.environ["HEADROOM_NO_CACHE"] = "0"  # bench.proxy turns it off for all others
    rng = random.Random(5)
    with provider() as upstream, proxy(upstream, "--no-rate-limit") as running:
        print(f"{'p50, ms':<28}{'hit':>8}{'miss':>8}")
        for name, size, model in KINDS:
            hit, miss = times(running.port, conversation(size, rng), model, 40 if size > 100_000 else 200)
            print(f"{name:<28}{hit:>8.2f}{miss:>8.2f}")
        small = conversation(900, rng)
        hits = load(running.port, body(small, "bench:json:0"), 32, 12_000)
        misses = load(running.port, body(small, "bench:json:0", temperature=1), 32, 4_000)
        print(f"\nrequests/s, 1 KB, 32 connections: {hits:,.0f} hits (aim {AIM:,}){'' if hits >= AIM else '  missed'}, {misses:,.0f} asked of the provider")


if __name__ == "__main__":
    main()
