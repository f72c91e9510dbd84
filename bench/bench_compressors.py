"""What each kind of text comes to, without loss and with a way back; how long that takes; how long the event loop waits meanwhile."""

from __future__ import annotations

import argparse
import functools
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio
import anyio.to_thread

from bench.kinds import KINDS, Kind, corpus
from bench.tokens import exact_or_estimate
from headroom.cli.proxy import SWITCH_SECONDS
from headroom.compressors import COMPRESSORS
from headroom.compressors.base import Goal
from headroom.compressors.code import indentation, python_ast, syntax
from headroom.compressors.code.outline import outline, suffix_of
from headroom.conversation import Part
from headroom.pipeline import Pipeline, standard
from headroom.transforms.base import Short
from headroom.transforms.outline import Outline

ROUNDS = 5
"""The best of so many runs counts: others measure the machine."""
QUICK = 3
METHODS = (python_ast.bodies, *((syntax.method(),) if syntax.available() else ()), indentation.bodies)
DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Measured:
    """One text."""

    name: str
    before: int
    lossless: int
    lossy: int
    by: str
    view: str
    form: float
    """µs a KB of making the form that was chosen, alone."""
    micros: float
    """µs a KB of the whole way: detection, race, form, proof."""
    baseline: float
    """µs a KB of `json.loads`, or of one `re` pass over the same text."""


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def shortened(part: Part, *, lossy: bool, outlines: bool) -> Short | None:
    """As the proxy would, in a pipeline that remembers nothing yet."""
    answer = pipeline(outlines=outlines).shorten(part, (), lossy, Counter())
    return answer if isinstance(answer, Short) else None


def pipeline(*, outlines: bool) -> Pipeline:
    return standard(outline=Outline(METHODS, whole_reads=True, code=True) if outlines else None)


def measure(kind: Kind, name: str, text: str, count: Callable[[str], int]) -> Measured:
    part = kind.part(text)
    exact = shortened(part, lossy=False, outlines=False)
    view = shortened(part, lossy=True, outlines=kind.outline)
    lossy = kind.lossless is None and kind.lossy is not None
    chosen = view if lossy else exact
    makers = [c for c in COMPRESSORS if chosen and c.name == chosen.by.split("+")[-1]]
    goal = Goal(part.tool, part.call)
    if makers:
        form = best(lambda: makers[0].compress(text, goal))
    else:
        form = best(lambda: outline(text, suffix_of(kind.file), "", METHODS)) if kind.outline else 0.0
    kilobytes = len(text.encode()) / 1024
    fresh = [pipeline(outlines=kind.outline) for _ in range(QUICK)]
    took = best(lambda: fresh.pop().shorten(part, (), lossy, Counter()), QUICK)
    before = count(text)
    return Measured(
        name, before, count(exact.text) if exact else before, count(view.text) if view else before,
        exact.by if exact else "-", view.by if view else "-", 1e6 * form / kilobytes, 1e6 * took / kilobytes, 1e6 * best(functools.partial(_baseline, text)) / kilobytes,
    )


def _baseline(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        DIGITS.sub("", text)


def percent(saved: float, aim: float | None) -> str:
    missed = "  " if aim is None or saved >= aim else " !"
    return f"{100 * saved:5.1f}{missed}" + (f"({100 * aim:.0f})" if aim is not None else "    ")


def share(rows: Sequence[Measured], side: str) -> float:
    """Saved of all tokens of the texts: each weighs what it holds."""
    left: int = sum(getattr(row, side) for row in rows)
    return 1 - left / sum(row.before for row in rows)


def show(kind: Kind, rows: Sequence[Measured], *, every: bool) -> None:
    worst = min(rows, key=lambda row: row.before - row.lossless if row.before == 0 else 1 - row.lossless / row.before)
    micros = sum(row.micros * row.before for row in rows) / sum(row.before for row in rows)
    form = sum(row.form * row.before for row in rows) / sum(row.before for row in rows)
    base = sum(row.baseline * row.before for row in rows) / sum(row.before for row in rows)
    speed = f"{form:5.0f}" + ("  " if kind.speed is None or form <= kind.speed else " !") + (f"({kind.speed:.0f})" if kind.speed else "")
    names = "/".join(dict.fromkeys([*(row.by for row in rows), *(row.view for row in rows if row.view != row.by)]))
    print(
        f"{kind.name:<20}{len(rows):>3}  {percent(share(rows, 'lossless'), kind.lossless):<13}{100 * (1 - worst.lossless / worst.before):5.1f} {worst.name:<16}"
        f"{percent(share(rows, 'lossy'), kind.lossy):<13}{speed:<12}{form / base:5.1f}x{micros:>7.0f}  {names}"
    )
    if every:
        for row in rows:
            print(f"    {row.name:<24}{row.before:>8}  {100 * (1 - row.lossless / row.before):5.1f} {row.by:<22}{100 * (1 - row.lossy / row.before):5.1f} {row.view:<22}{row.form:5.0f}{row.micros:6.0f}")


def detection() -> None:
    """How long it takes to say what a text may be: all compressors, whatever the text's size."""
    goal = Goal("Bash", {"command": "make"})
    log = corpus("nginx_access")
    print("\ndetection, all compressors, ms (aim 1.0 at any size):")
    for name, text in (("log", log), ("JSON", corpus("issues_json")), ("prose", corpus("news")), ("code", corpus("py_asyncio"))):
        row = []
        for size in (10_000, 1_000_000, 10_000_000):
            sized = (text * (size // len(text) + 1))[:size]
            took = best(lambda sized=sized: [c.sniff(sized, goal) for c in COMPRESSORS])  # type: ignore[misc]  # a default binds the loop's value
            row.append(f"{1e3 * took:.2f} at {size // 1000} kB")
        print(f"    {name:<8}{', '.join(row)}")


async def lag() -> None:
    """How late a timer of the event loop fires while a thread shortens a megabyte."""
    sys.setswitchinterval(SWITCH_SECONDS)  # as `headroom proxy` does
    text = "".join(corpus("nginx_access").replace("10.", f"{i}.") for i in range(40))[:1_000_000]
    late: list[float] = []
    done = anyio.Event()

    async def tick() -> None:
        while not done.is_set():
            asked = time.perf_counter()
            await anyio.sleep(0.001)
            late.append(1e3 * (time.perf_counter() - asked - 0.001))

    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        for _ in range(3):
            await anyio.to_thread.run_sync(lambda: shortened(Part("tool", text, ("text",), "Bash", {"command": "make"}), lossy=True, outlines=False))
        done.set()
    late.sort()
    p99 = late[int(len(late) * 0.99)]
    print(f"\nevent loop's lag while a thread shortens 1 MB of log: p50 {late[len(late) // 2]:.1f} ms, p99 {p99:.1f} ms{' !' if p99 > 10 else ''} (aim 10)")


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the texts made at run time")
    parser.add_argument("--files", action="store_true", help="every text, not only every kind")
    parser.add_argument("kinds", nargs="*", help="only kinds whose names hold one of these")
    given = parser.parse_args(argv)
    count, name = exact_or_estimate()
    print(f"tokens: {name}; seed {given.seed}; share of tokens saved, % (aim), ! where missed; speed in µs/KB of making the form (beside it the ratio to json.loads or one re pass), and in all with detection, race and proof")
    print(f"{'kind':<20}{'n':>3}  {'lossless':<13}{'worst':<22}{'with a view':<13}{'µs/KB':<12}{'ratio':>6}{'in all':>7}  by")
    for kind in KINDS:
        if given.kinds and not any(word.lower() in kind.name.lower() for word in given.kinds):
            continue
        dice = random.Random(given.seed)
        rows = [measure(kind, file, corpus(file), count) for file in kind.files]
        rows += [measure(kind, f"{make.__name__}*", text, count) for make in kind.fresh for _ in range(3) if len(text := make(dice)) > 1000]
        if rows:
            show(kind, rows, every=given.files)
    detection()
    anyio.run(lag)


if __name__ == "__main__":
    main(sys.argv[1:])
