"""What an agent's work costs direct and through Headroom, in dollars: sessions whose tasks and pauses are drawn from a seed at run time.

Each session works on a scratch repository made for this run (see bench_savings); its tools are run for real and their output is
wrapped as Claude Code or as Codex wraps it. It is then replayed by `headroom audit`'s own code: the proxy's pipeline and journal, a
simulated provider cache. Reads are priced at three shares of the input price, since vendors differ by that most, and what is
decided by price is decided anew at each. Sessions with little tool output are listed apart: they show what Headroom costs where
it cannot help; so are the demo's, of real clients, and those in which the past may be rewritten: users who stay away for longer
than a cache lives, and conversations that outgrow the window.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import anyio

from bench.bench_savings import LIMIT, STEPS, SYSTEM, TOOLS, Tool, Workplace, words, workplace
from headroom import prices
from headroom.audit import claude_code, codex
from headroom.audit.account import reasons
from headroom.audit.bill import MILLION, Bill
from headroom.audit.passage import MODES, Mode
from headroom.audit.recording import Recording, Request, Step, Thread, requests
from headroom.audit.replay import Outcome, replay
from headroom.audit.way import Way
from headroom.conversation import Usage
from headroom.demo import session as demo
from headroom.pipeline import standard
from headroom.prices import Model
from headroom.tokens import estimate

ALL: tuple[Mode, ...] = ("lossless", *MODES)
FACTORS = (0.1, 0.05, 0.025)
"""Price of a cached token as a share of the input's: the usual one, and those of the newest models."""
AIM = 30.0
"""Percent of the input's cost, median of sessions with much tool output at the first factor."""
DEARER = 0.5
"""Percent by which no session may cost more."""
PAUSE, OFTEN = (400.0, 3000.0), 0.08
"""Seconds that a user stays away, longer than a cache of five minutes lives, and the share of turns before which one does."""
QUIET = 4
"""One session in so many has little tool output."""
OTHERS = 6
"""For so many sessions there is one more with long pauses, and one that outgrows the window."""


DESK = 6
"""Files that a session edits and reads again."""


@dataclass(frozen=True, slots=True)
class Played:
    """One session, by the price of a cached token as a share of the input's."""

    at: Mapping[float, Outcome]

    @property
    def first(self) -> Outcome:
        return self.at[FACTORS[0]]


def small(at: Workplace) -> Tool:
    """What says little: the state of things, a count, an edit."""
    path = at.rng.choice(at.files)
    if at.rng.random() < 0.4:
        return "Edit", {"file_path": str(path), "old_string": "a", "new_string": "b"}, f"The file {path} has been updated successfully."
    return at.bash(at.rng.choice(["git status --short", f"wc -l {path}", "git branch", "echo done", "git log --oneline -n 3"]))


def revising(at: Workplace) -> Tool:
    """An edit of one of a few files, or one of them as it is now."""
    path = at.files[at.rng.randrange(DESK)]
    text = path.read_text(encoding="utf-8", errors="replace")
    if at.rng.random() < 0.4:
        path.write_text(f"{text}# {words(at.rng, 60)}\n", encoding="utf-8")
        return "Edit", {"file_path": str(path), "old_string": "a", "new_string": "b"}, f"The file {path} has been updated successfully."
    return "Read", {"file_path": str(path)}, "\n".join(f"{n:>6}\t{line}" for n, line in enumerate(text.split("\n")[:1000], 1))[: LIMIT * 2]


Steps = Sequence[tuple[Callable[[Workplace], Tool], int]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What sessions are drawn."""

    turns: tuple[int, int] = (8, 30)
    pause: tuple[float, float] = PAUSE
    often: float = OFTEN
    steps: Steps = STEPS


LOUD, SILENT = Kind(), Kind(steps=((small, 1),))
REVISED: Steps = (*STEPS, (revising, 12))
PAUSED = Kind((15, 30), (2000.0, 9000.0), 0.3, REVISED)
"""Every third turn or so comes later than any of the simulated caches lives."""
LONG, WINDOW = Kind((40, 50), steps=REVISED), 100_000
"""As many turns as it takes to outgrow a window that current models have ten times as large, so that minutes do."""


def rounds(at: Workplace, count: int, kind: Kind) -> list[tuple[str, list[Tool]]]:
    """What the model says and calls, turn by turn."""
    steps, weights = zip(*kind.steps, strict=True)
    return [
        (words(at.rng, at.rng.randrange(60, 500)), [at.rng.choices(steps, weights)[0](at) for _ in range(at.rng.choice([1, 1, 1, 2]))])
        for _ in range(count)
    ]


def claude_items(said: str, tools: Sequence[Tool], n: int) -> list[Any]:
    calls = [{"type": "tool_use", "id": f"toolu_{n:03}{i}", "name": name, "input": given} for i, (name, given, _) in enumerate(tools)]
    results = [{"type": "tool_result", "tool_use_id": f"toolu_{n:03}{i}", "content": printed} for i, (_, _, printed) in enumerate(tools)]
    return [{"role": "assistant", "content": [{"type": "text", "text": said}, *calls]}, {"role": "user", "content": results}]


def codex_items(said: str, tools: Sequence[Tool], n: int) -> list[Any]:
    def command(given: dict[str, Any]) -> str:
        if "old_string" in given:
            return f"sed -i s/{given['old_string']}/{given['new_string']}/ {given['file_path']}"
        return str(given.get("command") or f"cat {given.get('file_path', given.get('pattern'))}")

    head = "Chunk ID: {:06x}\nWall time: 0.0000 seconds\nProcess exited with code 0\nOriginal token count: {}\nOutput:\n{}"
    return [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said}]},
        *({"type": "function_call", "name": "exec_command", "arguments": json.dumps({"cmd": command(given)}), "call_id": f"call_{n:03}{i}"}
          for i, (_, given, _) in enumerate(tools)),
        *({"type": "function_call_output", "call_id": f"call_{n:03}{i}", "output": head.format(hash_of(printed), len(printed) // 4, printed)}
          for i, (_, _, printed) in enumerate(tools)),
    ]


def hash_of(text: str) -> int:
    return sum(text.encode("utf-8", "surrogatepass")) % 0xFFFFFF


def session(at: Workplace, model: Model, name: str, kind: Kind) -> Recording:
    """Claude Code's shape or Codex's, whichever the dice say; the same work in both."""
    rng = at.rng
    client, reader, items_of = rng.choice([("Claude Code", claude_code, claude_items), ("Codex", codex, codex_items)])
    asked, system, described = words(rng, 2500), words(rng, SYSTEM), [words(rng, TOOLS // 12) for _ in range(12)]
    head: dict[str, Any]
    if client == "Codex":
        head = {"store": False, "instructions": system, "tools": [{"type": "function", "name": f"tool_{i}", "description": text, "parameters": {}} for i, text in enumerate(described)]}
        items: list[Any] = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": asked}]}]
    else:
        head = {"system": [{"type": "text", "text": system}], "tools": [{"name": f"Tool{i}", "description": text, "input_schema": {"type": "object"}} for i, text in enumerate(described)]}
        items = [{"role": "user", "content": asked}]
    now, steps = 0.0, []
    for n, (said, tools) in enumerate(rounds(at, rng.randrange(*kind.turns), kind)):
        now += rng.uniform(*kind.pause) if rng.random() < kind.often else rng.uniform(2, 40)
        output = estimate(said) + sum(estimate(str(given)) for _, given, _ in tools)
        steps.append(Step(now, model.name, len(items), Usage(output_tokens=output)))
        items += items_of(said, tools, n)
    steps.append(Step(now + 10, model.name, len(items), Usage(output_tokens=100)))
    thread = Thread(head, items, steps)
    return Recording(name, client, reader.TARGET, reader.ITEMS, True, lambda: requests((thread,), reader.ITEMS))


def of_a_client(session: demo.Session, model: Model) -> Recording:
    """A session that a real client had with the demo's scripted model, every body as it was sent, ten seconds apart."""
    def found() -> Iterator[Request]:
        held: dict[int, list[Any]] = {}
        for n, turn in enumerate(session.turns):
            items = held[turn.thread] = [*held.get(turn.thread, [])[: turn.keep], *turn.add]
            yield Request(turn.thread, 10.0 * n, model.name, demo.body(session, turn.thread, items))

    return Recording(session.name, session.client, session.target, session.items, True, found)


def input_usd(bill: Bill, model: Model, factor: float) -> float:
    """At another price of cached tokens."""
    rates = model.rates
    return (bill.fresh * rates.input + bill.written * (rates.write_short or rates.input) + bill.read * rates.input * factor) / MILLION


@dataclass(frozen=True, slots=True)
class Figure:
    """One session's saving at one factor."""

    name: str
    direct: float
    through: float
    output: float

    @property
    def saved(self) -> float:
        return 100 * (1 - self.through / self.direct)


def figures(played: Sequence[Played], model: Model, mode: Mode, factor: float) -> list[Figure]:
    rows = [
        Figure(f"{o.name}, {o.client}, {o.direct.requests} requests", input_usd(o.direct, model, factor), input_usd(o.ways[mode].bill, model, factor), o.direct.output_usd)
        for o in (one.at[factor] for one in played)
    ]
    return sorted(rows, key=lambda row: row.saved)


def report(title: str, played: Sequence[Played], model: Model, *, aim: float | None) -> None:
    first = [one.first for one in played]
    print(f"\n{title}: {len(first)} sessions, {sum(o.direct.requests for o in first)} requests")
    print(f"  {'mode':<9} {'read at':>8} {'direct $':>9} {'Headroom $':>11} {'saved':>8} {'of all $':>9} {'median':>8} {'worst':>8} {'best':>8}  worst session")
    for mode in ALL:
        for factor in FACTORS:
            rows = figures(played, model, mode, factor)
            direct, through, output = (sum(getattr(row, name) for row in rows) for name in ("direct", "through", "output"))
            middle = median(row.saved for row in rows)
            missed = "  MISSED: the aim" if aim is not None and factor == FACTORS[0] and middle < aim else ""
            dearer = "  MISSED: dearer" if rows[0].saved < -DEARER else ""
            print(f"  {mode:<9} {factor:>7}x {direct:>9.3f} {through:>11.3f} {100 * (1 - through / direct):>6.1f} % {100 * (1 - (through + output) / (direct + output)):>7.1f} % "
                  f"{middle:>6.1f} % {rows[0].saved:>6.2f} % {rows[-1].saved:>6.1f} %  {rows[0].name}{dearer}{missed}")
    asking(first, model)
    for mode in ALL:
        kept, owed = (sum(getattr(o.ways[mode], name) for o in first) for name in ("kept", "owed"))
        print(f"  prefix kept, {mode}: {100 * kept / owed:.2f} % of {owed:,} bytes{'' if kept == owed else '  MISSED'}")
    rewriting(played, model)


def asking(outcomes: Sequence[Outcome], model: Model) -> None:
    """How many originals the model may ask for."""
    for factor in FACTORS:
        lossless, lossy, fetching = (
            sum(input_usd(found, model, factor) + found.output_usd for found in bills) for bills in (
                [o.ways["lossless"].bill for o in outcomes], [o.ways["cache"].bill for o in outcomes], [o.ways["cache"].fetching for o in outcomes],
            )
        )
        share = f"up to {100 * min(1.0, (lossless - lossy) / fetching):.0f} %" if fetching else "none were made"
        print(f"  views at {factor}x are cheaper than lossless if the model asks again for the originals of: {share}")


def rewriting(played: Sequence[Played], model: Model) -> None:
    """How often the past was rewritten, why, and what came of it."""
    for mode in MODES:
        if not any(one.first.ways[mode].rewrites for one in played):
            print(f"  past rewritten, {mode}: never")
            continue
        for factor in FACTORS:
            ways = [one.at[factor].ways[mode] for one in played]
            why = reasons(ways)
            if not why:
                print(f"  past rewritten, {mode} at {factor}x: never")
            else:
                gains = [gain(way, model, factor) for way in ways if way.unrewritten is not None]
                told = ", ".join(f"{count} {reason}" for reason, count in sorted(why.items()))
                print(f"  past rewritten, {mode} at {factor}x: {sum(why.values())} times in {len(gains)} sessions ({told}), {sum(way.rewritten for way in ways):,} bytes sent anew; "
                      f"beside none at all it saved ${sum(gains):.3f}, by session {min(gains):.3f} to {max(gains):.3f}")
    outgrown = sum(one.first.outgrown for one in played)
    if outgrown:
        left = ", ".join(f"{mode} {sum(one.first.ways[mode].outgrown for one in played)}" for mode in ALL)
        print(f"  requests that no longer fit the window, which a provider refuses; priced as if it did not: direct {outgrown}, {left}")


def gain(way: Way, model: Model, factor: float) -> float:
    """Dollars that rewriting the past saved."""
    return 0.0 if way.unrewritten is None else input_usd(way.unrewritten, model, factor) - input_usd(way.bill, model, factor)


async def replayed(recording: Recording, model: Model) -> Played:
    pipeline, found = standard(), dict[float, Outcome]()
    for factor in FACTORS:
        # Only what is rewritten for its price depends on it; the cheaper reads are, the less of that there is.
        if not found or set(found[FACTORS[0]].ways["token"].rewrites) - {"fit"}:
            at = replace(model, rates=replace(model.rates, read=factor * model.rates.input))
            found[factor] = await replay(recording, pipeline, {model.name: at}.get, ALL)
        else:
            found[factor] = found[FACTORS[0]]
    return Played(found)


def drawn(number: int, model: Model, kind: Kind) -> Played:
    """The session of that number."""
    rng = random.Random(number)
    with tempfile.TemporaryDirectory() as folder:
        one = session(workplace(Path(folder), rng), model, f"session {number % 1000}", kind)
    return anyio.run(replayed, one, model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="default: drawn now, and printed")
    parser.add_argument("--sessions", type=int, default=12)
    parser.add_argument("--model", default="claude-opus-5-5", help="whose input, output and write prices count [default: claude-opus-5-5]")
    given = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    table = prices.load()
    found = table.find(given.model)
    if found is None:
        parser.error(f"no price is known of {given.model}")
    model = replace(found, tier=None, tier_from=None)
    small = replace(model, window=WINDOW, binds=False)
    loud: list[Played] = []
    quiet: list[Played] = []
    for i in range(given.sessions):
        is_quiet = i % QUIET == QUIET - 1
        (quiet if is_quiet else loud).append(drawn(seed * 1000 + i, model, SILENT if is_quiet else LOUD))
    more = range(given.sessions // OTHERS)
    rates = model.rates
    print(f"seed {seed}; {model.name} as of {table.as_of}: input {rates.input:g}, output {rates.output:g}, cache write {rates.write_short:g} $/M; tokens estimated, "
          "cache simulated (5 min for Claude Code, 30 min for Codex)")
    print("Saved: of the input's dollars, of all with output; median and worst by session, of the input's. token, cache: with the tool that gives originals back, as if none was asked for.")
    tables = (
        ("much tool output", loud, model, AIM), ("little tool output", quiet, model, None),
        ("recorded from real clients for the demo, the same each time, output not counted", [anyio.run(replayed, of_a_client(one, model), model) for one in demo.recorded()], model, None),
        ("long pauses, reasoning not bound", [drawn(seed * 1000 + 900 + i, replace(model, binds=False), PAUSED) for i in more], model, AIM),
        (f"outgrows a window of {WINDOW:,} tokens, reasoning not bound", [drawn(seed * 1000 + 950 + i, small, LONG) for i in more], small, AIM),
    )
    for title, played, one, aim in tables:
        if played:
            report(title, played, one, aim=aim)


if __name__ == "__main__":
    main()
