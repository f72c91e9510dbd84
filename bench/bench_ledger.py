"""What the ledger costs: a record on the request path, rows a second on disk, and the proxy with and without it in one run."""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import anyio

from bench.bench_latency import KIND, grown
from bench.proxy import proxy
from bench.wire import alternated, load, median, provider
from headroom.conversation import Edit, Report, Usage
from headroom.cost import cost
from headroom.ledger.book import Book
from headroom.ledger.entry import entry
from headroom.ledger.ledger import Ledger
from headroom.ledger.queries import Window, history, savings, total
from headroom.prices import load as load_prices
from headroom.proxy.booking import Booking
from headroom.record import PromptCache, Record

WITHOUT = ("-c", "from headroom.ledger.ledger import Ledger\nLedger.write = lambda self, record: None\nfrom headroom.cli import main\nmain()")
"""The same proxy, but that nothing gets into its ledger."""

AIM_US = 20.0
"""Microseconds a record, on the request path: entry and queue."""

RECORDS, PAUSE_EVERY = 20_000, 2_000
COUNT, LOADED, LOADS, CONNECTIONS = 400, 3_000, 3, 32
"""The best of several loads counts: whatever else runs here only slows them."""

EDITS = tuple(Edit("logs", tool, "", "", "lossy", 900, 300) for tool in ("Bash", "Read", "Grep"))
RECORD = Record(
    ts=1_795_392_000.0, request_id="", provider="anthropic", dialect="anthropic", model="claude-opus-4-6", path="/v1/messages", stream=True,
    status=200, report=Report(40_000, 30_000, EDITS), tokens_before=40_000, tokens_after=30_000, usage=Usage(3, 400, 28_000, 2_000),
    prompt_cache=PromptCache("hit"), project="shop", client="claude-cli/2.1.0 (external, cli)",
)
ALL = Window("all_time")


class _Nobody:
    """Keeps no account."""

    def begin(self) -> None:
        pass

    def end(self, record: Record) -> None:
        pass


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _writing(Path(folder) / "ledger.db")
    _proxies()


def _writing(path: Path) -> None:
    model = load_prices().find(RECORD.model)
    records = [replace(RECORD, request_id=f"{i:036}", ts=RECORD.ts + i) for i in range(RECORDS)]
    print(f"price an exchange        {_micros(lambda record: cost(record, model), records[:5000]):>9.1f} µs")
    print(f"make an entry            {_micros(entry, records[:5000]):>9.1f} µs")
    booking = Booking(_Nobody(), Ledger(Book(None, lambda: RECORD.ts)), lambda name: model)
    print(f"book it, all in all      {_micros(booking.end, records[:250]):>9.1f} µs")
    anyio.run(booking.ledger.aclose)
    ledger, spent, began = Ledger(Book(path, lambda: RECORD.ts)), 0.0, time.perf_counter()
    for start in range(0, RECORDS, PAUSE_EVERY):
        spent += _micros(ledger.write, records[start : start + PAUSE_EVERY]) * PAUSE_EVERY
        anyio.run(ledger.ask, lambda db: total(db, ALL))
    took = time.perf_counter() - began
    write = spent / RECORDS
    print(f"write, the thread at work{write:>9.1f} µs a record (aim {AIM_US:.0f}){'' if write <= AIM_US else '  missed'}")
    print(f"rows a second            {RECORDS / took:>9,.0f}, {path.stat().st_size / RECORDS:,.0f} bytes a row; lost {ledger.lost}")
    for name, question in (("savings, all time", lambda db: savings(db, ALL)), ("history, hourly", lambda db: history(db, "hourly", ALL))):
        began = time.perf_counter()
        anyio.run(ledger.ask, question)
        print(f"{name:<25}{(time.perf_counter() - began) * 1000:>9.2f} ms")
    ledger.close()


def _micros(work: Callable[[Record], object], records: list[Record]) -> float:
    """For each, in the mean, of this thread's own time: the writer's shows in the rows a second."""
    began = time.thread_time()
    for record in records:
        work(record)
    return (time.thread_time() - began) / len(records) * 1_000_000


def _proxies() -> None:
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.json"
        prices.write_text(json.dumps({"models": {KIND.decode(): {"input": 1, "output": 10}}}), "utf-8")
        upstream, options = stack.enter_context(provider()), ("--no-rate-limit", "--no-cache", "--prices", str(prices))
        running = {
            "without": stack.enter_context(proxy(upstream, *options, program=WITHOUT)), "with": stack.enter_context(proxy(upstream, *options)),
        }
        ports = {"direct": upstream} | {name: one.port for name, one in running.items()}
        times = {name: median(found) for name, found in alternated(ports, grown(900, random.Random(7)), COUNT).items()}
        body, before = next(grown(900, random.Random(7))), {name: _cpu(one.pid) for name, one in running.items()}
        loads = [{name: load(one.port, body, CONNECTIONS, LOADED) for name, one in running.items()} for _ in range(LOADS)]
        rates = {name: max(each[name] for each in loads) for name in running}
        cpu = {name: (_cpu(one.pid) - before[name]) / (LOADS * LOADED) * 1000 for name, one in running.items()}
    print(f"{'1 KB':<12}{'p50, ms':>10}{'added':>10}{'requests/s':>13}{'CPU, ms':>10}")
    for name, p50 in times.items():
        print(f"{name:<12}{p50:>10.3f}" + ("" if name == "direct" else f"{p50 - times['direct']:>10.3f}{rates[name]:>13,.0f}{cpu[name]:>10.3f}"))
    print(f"the ledger adds {times['with'] - times['without']:.3f} ms to p50 and {cpu['with'] - cpu['without']:.3f} ms of CPU to a request, its thread's included")


def _cpu(pid: int) -> float:
    """Seconds that a process has run so far, which other load on the machine hardly changes."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
