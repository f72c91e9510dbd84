"""What it costs to send a long conversation that was cut before, in milliseconds a turn, and what it saves to cut one that
gets dearer with its length, or that is worth writing to the cache anew, in dollars.

    python -m bench.bench_fit

Dollars are of input only, for a session of one user's wish and many reads of files, at the prices of the table, by a cache
that finds every prefix it has seen: with all that is shortened anyway, and then with what is decided about the conversation. A session may end at any turn: what
is saved then, on average and at worst, as a rewrite costs at once and gains later.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

import anyio

from headroom.cacheguard import Held
from headroom.conversation import Json, Usage
from headroom.dialects import find
from headroom.dialects.document_memo import DocumentMemo
from headroom.fitting.refit import Means
from headroom.pipeline import standard
from headroom.prices import Model, load
from headroom.proxy.compression import Compression
from headroom.proxy.prepared import Caller, Prepared
from headroom.proxy.refitting import Refitting
from headroom.sent import Journal
from headroom.stores.memory import Memory
from headroom.tokens import estimate, starting_factor

RESULT, RUNS = 4000, 20
"""Characters of a tool's result: a screen or two. Turns measured at each size."""

MODEL = "claude-sonnet-4-5"


@dataclass(frozen=True, slots=True)
class Session:
    """An agent that reads a file a turn."""

    model: str
    turns: int
    files: int
    """Read in turn; what is in them is another each time."""


SESSIONS = (
    Session("gemini-2.5-pro", 200, 1000), Session("gemini-3.1-pro-preview", 200, 1000), Session("gpt-6-sol", 250, 1000),
    Session("gpt-6.1-terra", 250, 1000), Session("gpt-5.5", 250, 1000),
    Session("claude-sonnet-4-6", 100, 6), Session("claude-sonnet-4-6", 100, 30), Session("gpt-6.1-sol", 100, 6), Session("gpt-6.1-sol", 100, 30),
)
"""Those of many files cross a price tier; in those of few, much is read again."""


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


class Provider:
    """Its prompt cache, by messages, and its bill."""

    def __init__(self, model: Model) -> None:
        self._model, self._factor = model, starting_factor(model.name)
        self._known: set[bytes] = set()
        self._before: Sequence[Json] = ()
        self.dollars, self.rewrites, self.held = 0.0, 0, Held(0.0)
        self.bills: list[float] = []
        """After each request, as if the session ended there."""

    def ask(self, messages: Sequence[Json]) -> None:
        read = written = 0
        running = hashlib.sha256()
        for message in messages:
            source = json.dumps(message).encode()
            running.update(b"%d:" % len(source) + source)
            tokens = int(estimate(source.decode()) * self._factor)
            if running.digest() in self._known:
                read += tokens
            else:
                written += tokens
                self._known.add(running.digest())
        self.rewrites += messages[: len(self._before)] != self._before
        self._before, self.held = messages, Held(1.0)
        self.dollars += self._model.cost(Usage(0, 0, read, written))
        self.bills.append(self.dollars)


async def bill(session: Session, *, fitting: bool) -> Provider:
    """`fitting`: with all that may be decided about a conversation, in token mode."""
    prices = load()
    model = prices.find(session.model)
    assert model is not None
    made = Compression(standard(), Journal(Memory(time.time), time.time), DocumentMemo(64 << 20), durable=True, views="always")
    if fitting:
        made.fitting(Refitting(prices.find, Means()))
    dialect, path, provider = find("POST", "/v1/chat/completions"), "/v1/chat/completions", Provider(model)
    assert dialect is not None
    messages: list[Json] = [{"role": "user", "content": "Tidy up."}]
    for n in range(session.turns):
        body = json.dumps({"model": session.model, "max_tokens": 8000, "messages": messages}).encode()
        prepared = await made.prepare(dialect, path, body, keep=_keep, caller=Caller(held=lambda conversation, parts: provider.held))
        provider.ask(json.loads(prepared.body)["messages"])
        call = {"name": "Read", "arguments": json.dumps({"file_path": f"src/f{n % session.files}.py"})}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [{"id": f"t{n}", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": f"t{n}", "content": words(n, RESULT)},
        ]
    return provider


def main() -> None:
    anyio.run(tell)
    anyio.run(tell_bills)


async def tell_bills() -> None:
    print(f"\n{'model':>24}  {'turns':>5}  {'files':>5}  {'as it is':>9}  {'decided':>9}  {'saved':>6}  {'rewrites':>8}  {'mean end':>8}  {'worst end':>9}")
    for session in SESSIONS:
        plain, fitted = [await bill(session, fitting=fitting) for fitting in (False, True)]
        saved = 1 - fitted.dollars / plain.dollars
        ends = [1 - now / before for now, before in zip(fitted.bills, plain.bills, strict=True)]
        files = str(session.files) if session.files < session.turns else "new"
        print(f"{session.model:>24}  {session.turns:>5}  {files:>5}  {plain.dollars:>8.2f}$  {fitted.dollars:>8.2f}$  {saved:>6.1%}  {fitted.rewrites:>8}  {mean(ends):>8.1%}  {min(ends):>9.1%}")


async def tell() -> None:
    print(f"{'conversation':>12}  {'fit':>4}  {'median ms':>9}  {'worst ms':>8}  {'sent':>10}")
    for size in (250_000, 1_000_000, 2_000_000):
        for fitting in (False, True):
            middle, worst, sent = await measure(size, fitting=fitting)
            print(f"{size:>12,}  {'on' if fitting else 'off':>4}  {middle:>9.1f}  {worst:>8.1f}  {sent:>10,}")


if __name__ == "__main__":
    main()
