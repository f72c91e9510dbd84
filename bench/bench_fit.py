"""What it costs to send a long conversation that was cut before: milliseconds that a turn more takes, with and without a cut.

    python -m bench.bench_fit
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from statistics import median

import anyio

from headroom.conversation import Json
from headroom.dialects import find
from headroom.dialects.document_memo import DocumentMemo
from headroom.fitting.refit import Means
from headroom.pipeline import standard
from headroom.prices import load
from headroom.proxy.compression import Compression
from headroom.proxy.prepared import Prepared
from headroom.proxy.refitting import Refitting
from headroom.sent import Journal
from headroom.stores.memory import Memory

RESULT, RUNS = 4000, 20
"""Characters of a tool's result: a screen or two. Turns measured at each size."""

MODEL = "claude-sonnet-4-5"


def words(seed: int, size: int) -> str:
    return "\n".join(f"def f{seed}_{n}(a{n * seed % 97}, b): return a{n * seed % 97} * {seed + n} + b" for n in range(size // 50))


def turn(n: int) -> list[Json]:
    return [
        {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"file_path": f"src/f{n}.py"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": words(n, RESULT)}]},
    ]


class Proxy:
    def __init__(self, *, fitting: bool) -> None:
        prices = load()
        self._compression = Compression(
            standard(), Journal(Memory(time.time), time.time), DocumentMemo(64 << 20), durable=True, views="always",
        )
        if fitting:
            self._compression.fitting(Refitting(prices.find, Means()))
        self._dialect = find("POST", "/v1/messages")

    async def send(self, messages: list[Json]) -> tuple[float, Prepared]:
        body = json.dumps({"model": MODEL, "max_tokens": 8000, "messages": messages}).encode()
        assert self._dialect is not None
        started = time.perf_counter()
        prepared = await self._compression.prepare(self._dialect, "/v1/messages", body, keep=_keep)
        return (time.perf_counter() - started) * 1000, prepared


async def _keep(originals: Mapping[str, str]) -> None:
    """To nowhere."""


async def measure(size: int, *, fitting: bool) -> tuple[float, float, int]:
    """Median and worst milliseconds of a turn, and bytes that leave, at so many bytes of conversation."""
    proxy, messages = Proxy(fitting=fitting), [{"role": "user", "content": "Tidy up."}]
    n = 0
    while len(json.dumps(messages)) < size:
        for _ in range(20):
            messages += turn(n)
            n += 1
        await proxy.send(messages)
    times, sent = [], 0
    for _ in range(RUNS):
        messages += turn(n)
        n += 1
        took, prepared = await proxy.send(messages)
        times.append(took)
        sent = len(prepared.body)
    return median(times), max(times), sent


def main() -> None:
    anyio.run(tell)


async def tell() -> None:
    print(f"{'conversation':>12}  {'fit':>4}  {'median ms':>9}  {'worst ms':>8}  {'sent':>10}")
    for size in (250_000, 1_000_000, 2_000_000):
        for fitting in (False, True):
            middle, worst, sent = await measure(size, fitting=fitting)
            print(f"{size:>12,}  {'on' if fitting else 'off':>4}  {middle:>9.1f}  {worst:>8.1f}  {sent:>10,}")


if __name__ == "__main__":
    main()
