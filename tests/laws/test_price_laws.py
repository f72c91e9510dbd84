"""Conversations that are rewritten because it pays, turn by turn, on several workers, through restarts and at price tiers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from headroom.cacheguard import Held
from headroom.conversation import Json
from headroom.dialects.document_memo import DocumentMemo
from headroom.fitting.choice import Budget, most_cuts
from headroom.fitting.refit import Means
from headroom.fitting.worth import considered
from headroom.pipeline import standard
from headroom.prices import Model, Rates, load
from headroom.proxy.compression import Compression
from headroom.proxy.prepared import Caller, Prepared
from headroom.proxy.refitting import Refitting
from headroom.sent import Journal
from headroom.stores.memory import Memory
from tests.fitting.conversations import NAMED, PATHS, WRITERS, Exchange, Round, breaches
from tests.laws.test_fit_laws import turns

(KNOWN,) = [model for model in load().models() if model.name == "claude-sonnet-4-6"]
TENTH = replace(KNOWN, window=1_000_000, max_output=1000, binds=False)
TIERED = replace(TENTH, tier_from=30_000, tier=Rates(6.0, 30.0, 0.6, 7.5, 12.0))
STANDARD = standard()

ROUNDS = st.builds(Round, st.lists(st.sampled_from([80, 2000, 4000, 8000]), min_size=1, max_size=2).map(tuple), st.booleans())
EXCHANGES = st.builds(Exchange, st.lists(ROUNDS, min_size=2, max_size=12).map(tuple), st.just(True), st.sampled_from([20, 400]))
PLANS = st.lists(EXCHANGES, min_size=2, max_size=4)
LONG = [Exchange(tuple(Round((2000,)) for _ in range(40)))]
HELD = st.sampled_from([0.0, 0.2, 0.7, 1.0])


class Worker:
    """One process."""

    def __init__(self, store: Memory, model: Model) -> None:
        self.refitting = Refitting(lambda name: model, Means())
        made = Compression(STANDARD, Journal(store, lambda: 0.0), DocumentMemo(), durable=True, views="always")
        self._compression = made.fitting(self.refitting)

    def send(self, name: str, values: Sequence[Json], held: float | None = None) -> Prepared:
        dialect = NAMED[name]
        body = json.dumps({"model": "m", "max_tokens": 500, dialect.turns: values}).encode()
        caller = Caller(held=lambda conversation, parts: None if held is None else Held(held))
        return anyio.run(lambda: self._compression.prepare(dialect, PATHS[name], body, keep=_keep, caller=caller))


async def _keep(originals: Mapping[str, str]) -> None:
    """To nowhere."""


def again(name: str, plan: Sequence[Exchange]) -> list[Json]:
    """The same few files are read over and over."""
    said = json.dumps(WRITERS[name](plan))
    return list(json.loads(re.sub(r"src/t?(\d+)\.(\d+)\.(\d+)\.py", lambda found: f"src/{(int(found[2]) + int(found[3])) % 3}.py", said)))


def elements(name: str, prepared: Prepared) -> list[Json]:
    found: list[Json] = json.loads(prepared.body)[NAMED[name].turns]
    return found


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=3, phases=[Phase.explicit, Phase.generate])
@example(plan=LONG, held=1.0)
@given(plan=PLANS, held=HELD)
def test_the_past_is_rewritten_at_few_turns_and_every_worker_sends_the_same(name: str, plan: list[Exchange], held: float) -> None:
    """One worker decides, another knows nothing of the cache, and now and then a new one begins."""
    store = Memory(lambda: 0.0)
    first, second = Worker(store, TENTH), Worker(store, TENTH)
    before: list[Json] = []
    rewritten = 0
    for n, sent in enumerate(turns(name, again(name, plan))):
        prepared = first.send(name, sent, held)
        now = elements(name, prepared)
        assert not breaches(name, now)
        assert prepared.reading is not None
        if now[: len(before)] != before:
            rewritten += 1
            assert considered(len(prepared.reading.conversation.replies))
            assert prepared.fitted is not None
            assert prepared.fitted.rewritten
        assert len(now) == len(sent)  # folded, and nothing taken away
        assert second.send(name, sent).body == prepared.body
        if n % 4 == 0:
            assert Worker(store, TENTH).send(name, sent).body == prepared.body
        before = now
    assert first.refitting.cuts == rewritten
    assert rewritten or plan != LONG
    assert second.refitting.cuts == 0


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=2, phases=[Phase.explicit, Phase.generate])
@example(plan=LONG, wide=True)
@given(plan=PLANS, wide=st.booleans())
def test_a_price_tier_is_crossed_seldom_and_by_all_workers_alike(name: str, plan: list[Exchange], wide: bool) -> None:
    store, model = Memory(lambda: 0.0), TIERED if wide else replace(TIERED, window=45_000)
    first, second = Worker(store, model), Worker(store, model)
    before: list[Json] = []
    rewritten = 0
    for sent in turns(name, WRITERS[name](plan)):
        prepared = first.send(name, sent)
        now = elements(name, prepared)
        assert not breaches(name, now)
        rewritten += now[: len(before)] != before
        assert second.send(name, sent).body == prepared.body
        before = now
    assert rewritten or plan != LONG
    standing = prepared.reading.standing if prepared.reading is not None else None
    if rewritten:
        assert standing is not None
        raw = sum(standing.base)
        assert rewritten <= most_cuts(raw, Budget(int(30_000 * 0.95), 0)) + most_cuts(raw, Budget(int(45_000 * 0.95), 500))
