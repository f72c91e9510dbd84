"""What state in a Redis adds to a request, beside state in SQLite in the same run; with cache, limits, budget and ledger on."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import repeat
from pathlib import Path

from bench.bench_latency import KIND, grown
from bench.proxy import free_port, proxy
from bench.wire import alternated, load, median, provider

AIM_MS = 1.0
"""Of p50, at 1 KB."""

COUNT, LOADED, ROUNDS, CONNECTIONS, START_SECONDS = 200, 2_000, 4, 32, 10.0
"""The best of several rounds counts: whatever else runs here only slows them."""

PATIENT = "?timeout=5&connect_timeout=5"
"""Time-outs are another question."""


@contextmanager
def redis() -> Iterator[int]:
    """The port of a server of its own, as deploy/ starts it: what is written is on disk within a second."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            _until_it_answers(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _until_it_answers(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def main() -> None:
    if shutil.which("redis-server") is None:
        print("redis-server is not installed: nothing measured")
        return
    os.environ["HEADROOM_NO_CACHE"] = "0"  # bench.proxy turns it off for all others
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        prices = folder / "prices.json"
        prices.write_text(json.dumps({"models": {KIND.decode(): {"input": 1, "output": 10}}}), "utf-8")
        options = ("--prices", str(prices), "--rpm", "1000000", "--budget", "1000000")
        upstream, server = stack.enter_context(provider()), stack.enter_context(redis())
        ports = {
            "SQLite": stack.enter_context(proxy(upstream, *options)).port,
            "Redis": stack.enter_context(proxy(upstream, *options, "--state", f"redis://127.0.0.1:{server}/0{PATIENT}")).port,
        }
        _show(upstream, ports)


def _show(upstream: int, ports: dict[str, int]) -> None:
    rng = random.Random(7)
    bodies, same = grown(900, rng), next(grown(900, rng))
    times = _best({"direct": upstream} | ports, bodies)
    hits = _best(ports, repeat(same))
    rates = {name: max(load(port, same, CONNECTIONS, LOADED) for _ in range(ROUNDS)) for name, port in ports.items()}
    print(f"{'1 KB':<10}{'p50, ms':>10}{'added':>10}{'a hit':>10}{'hits/s':>10}")
    for name, p50 in times.items():
        print(f"{name:<10}{p50:>10.3f}" + ("" if name == "direct" else f"{p50 - times['direct']:>10.3f}{hits[name]:>10.3f}{rates[name]:>10,.0f}"))
    more = times["Redis"] - times["SQLite"]
    print(f"Redis adds {more:.3f} ms to p50 beside SQLite (aim {AIM_MS:.1f}){'' if more <= AIM_MS else '  missed'}")


def _best(ports: dict[str, int], bodies: Iterator[bytes]) -> dict[str, float]:
    """Milliseconds, p50 of each."""
    rounds = [alternated(ports, bodies, COUNT) for _ in range(ROUNDS)]
    return {name: min(median(each[name]) for each in rounds) for name in ports}


if __name__ == "__main__":
    main()
