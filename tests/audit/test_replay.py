from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headroom import prices
from headroom.audit import claude_code
from headroom.audit.passage import MODES, Mode
from headroom.audit.recording import Recording, once, requests
from headroom.audit.replay import Outcome, replay
from headroom.audit.tally import PAST
from headroom.pipeline import standard
from headroom.prices import Model
from tests.audit.transcripts import LOG, claude, lines, result, session, text, use, used

ALL: tuple[Mode, ...] = (*MODES, "lossless")


def played(*values: object, modes: tuple[Mode, ...] = ALL, window: int | None = None) -> Outcome:
    """`window`: of all models."""
    def find(name: str) -> Model | None:
        model = prices.load().find(name)
        return model if model is None or window is None else replace(model, window=window)

    threads, broken = claude_code.read(lines(*values))
    recording = Recording(
        "made up", "Claude Code", claude_code.TARGET, claude_code.ITEMS, False, lambda: requests(threads, claude_code.ITEMS), broken
    )

    async def story() -> Outcome:
        return await replay(recording, standard(), find, modes)

    return anyio.run(story)


def test_a_session_of_logs_costs_less_and_keeps_its_prefix() -> None:
    outcome = played(*session(6))
    lossless, lossy = outcome.ways["lossless"], outcome.ways["token"]
    assert outcome.direct.requests == lossless.bill.requests == 6
    assert outcome.direct.usd > lossless.bill.usd > lossy.bill.usd
    assert (lossless.views, lossless.fetching.requests) == (0, 0)
    assert lossy.views == 5
    assert lossy.fetching.usd > lossless.bill.usd - lossy.bill.usd > 0  # each fetched once costs more than it saved
    assert outcome.direct.output_usd == lossy.bill.output_usd > 0
    assert (lossless.kept, lossy.kept) == (lossless.owed, lossy.owed)
    assert lossless.owed > lossy.owed > 0
    row = lossless.tally.tools["Bash"]
    assert (row.parts, row.after < row.before) == (5, True)
    assert lossless.tally.kinds["logs"].parts >= 1
    for rows in (lossy.tally.tools, lossy.tally.kinds):
        assert sum(row.usd for row in rows.values()) == pytest.approx(outcome.direct.usd - lossy.bill.usd)


def test_what_the_provider_reported_is_what_direct_comes_to() -> None:
    """The factor and what is hidden come from the usage, so that the sums agree."""
    outcome = played(*session(6))
    assert outcome.scale.measured
    assert outcome.scale.hidden > 10_000
    assert outcome.direct.input == pytest.approx(outcome.reported.input, rel=0.01)


def test_a_pause_makes_the_provider_write_again() -> None:
    rows = [dict(row) for row in session(3)]
    rows[-1]["timestamp"] = rows[-2]["timestamp"] = "2026-11-21T10:30:00Z"
    rows += [claude("z", rows[-1]["uuid"], text("Done."), id="mz", usage=used(0, 0, 40_000))]
    late, soon = played(*rows), played(*session(3), claude("z", "r2", text("Done."), minute=3, id="mz", usage=used(0, 0, 40_000)))
    assert late.direct.input == soon.direct.input
    assert late.direct.written > soon.direct.written
    assert late.direct.usd > soon.direct.usd


def test_short_outputs_cost_what_they_cost() -> None:
    outcome = played(*session(3, "ok\n"))
    lossless, lossy = outcome.ways["lossless"], outcome.ways["token"]
    assert lossless.bill == outcome.direct
    assert outcome.direct.usd < lossy.bill.usd < 1.03 * outcome.direct.usd  # the tool that gives originals back is not free
    assert lossless.tally.left["short"].parts == 2
    assert lossless.tally.tools["Bash"].before == lossless.tally.tools["Bash"].after > 0


def test_a_model_without_a_price_is_counted_in_tokens() -> None:
    rows = session(2)
    for row in rows:
        if row["type"] == "assistant":
            row["message"]["model"] = "nobody-knows-1"
    outcome = played(*rows, modes=("lossless",))
    assert outcome.models == {"nobody-knows-1": None}
    assert (outcome.direct.usd, outcome.direct.unpriced) == (0, 2)
    assert outcome.direct.input > outcome.ways["lossless"].bill.input > 0


def test_a_request_that_was_counted_elsewhere_costs_nothing_and_is_remembered() -> None:
    threads, _ = claude_code.read(lines(*session(4)))
    seen = {"m0", "m1"}
    marked = once(threads, seen)
    assert seen == {"m0", "m1", "m2", "m3"}
    recording = Recording("resumed", "Claude Code", claude_code.TARGET, claude_code.ITEMS, False, lambda: requests(marked, claude_code.ITEMS))
    outcome = anyio.run(replay, recording, standard(), prices.load().find, ("lossless",))
    whole = played(*session(4), modes=("lossless",))
    assert outcome.direct.requests == outcome.ways["lossless"].bill.requests == outcome.reported.requests == 2
    assert 0 < outcome.direct.written < whole.direct.written
    assert outcome.ways["lossless"].tally.tools["Bash"].parts == 2


def test_a_session_that_outgrows_its_window_is_made_to_fit_and_what_that_brought_is_told() -> None:
    rows = [claude("u", None, "Look.")]
    for n in range(16):
        noise = "\n".join(hashlib.sha256(f"{n} {line}".encode()).hexdigest() for line in range(80))
        rows.append(claude(f"a{n}", rows[-1]["uuid"], use(f"t{n}", command=f"cat {n}"), minute=n, id=f"m{n}", usage=used(0, 0, 20_000 + 4_000 * n)))
        rows.append(claude(f"r{n}", f"a{n}", result(f"t{n}", noise), minute=n))
    outcome = played(*rows, window=60_000)
    assert outcome.outgrown > 0
    for mode in MODES:
        way = outcome.ways[mode]
        assert way.outgrown == 0
        assert set(way.rewrites) == {"fit"}
        assert way.rewritten > 0
        assert way.kept == way.owed > 0
        assert way.unrewritten is not None
        assert way.unrewritten.input > way.bill.input
        past = way.tally.tools[PAST]
        assert past.before > past.after
        assert past.usd > 0
        assert way.tally.tools["Bash"].parts == 15
    lossless = outcome.ways["lossless"]
    assert lossless.outgrown > 0
    assert (lossless.rewrites, lossless.unrewritten) == ({}, None)
    assert {way.outgrown for way in played(*rows).ways.values()} == {0}


printed = st.sampled_from(["ok\n", LOG, LOG[:2000], json.dumps([{"id": n, "state": "open"} for n in range(60)], indent=1)])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(printed, st.integers(0, 59)), min_size=1, max_size=6), st.sampled_from([None, 60_000, 45_000]))
def test_no_session_loses_its_prefix_or_costs_more_without_loss(rounds: list[tuple[str, int]], window: int | None) -> None:
    rows = [claude("u", None, "Look.")]
    minutes = sorted(minute for _, minute in rounds)
    for n, ((output, _), minute) in enumerate(zip(rounds, minutes, strict=True)):
        rows.append(claude(f"a{n}", rows[-1]["uuid"], use(f"t{n}", command="cat x"), minute=minute, id=f"m{n}", usage=used(30_000 + n)))
        rows.append(claude(f"r{n}", f"a{n}", result(f"t{n}", output), minute=minute))
    outcome = played(*rows, window=window)
    lossless = outcome.ways["lossless"]
    assert lossless.bill.usd <= outcome.direct.usd
    assert all(way.kept == way.owed for way in outcome.ways.values())
    assert set(outcome.ways["cache"].rewrites) <= {"fit"}
    assert all((way.unrewritten is None) is (not way.rewrites) for way in outcome.ways.values())
