"""Conversations that outgrow their window, turn by turn, on several workers, through restarts and without a store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.document_memo import DocumentMemo
from headroom.fitting.choice import most_cuts
from headroom.fitting.refit import Means
from headroom.fitting.scores import Order
from headroom.fitting.subject import budget
from headroom.pipeline import Pipeline, Scale, standard
from headroom.prices import Model, load
from headroom.proxy.compression import Compression
from headroom.proxy.prepared import Prepared
from headroom.proxy.refitting import Refitting
from headroom.sent import Journal
from headroom.stores.base import Store
from headroom.stores.memory import Memory
from headroom.tokens import estimate
from tests.fitting.conversations import NAMED, PATHS, WRITERS, Exchange, Round, breaches

ROUNDS = st.builds(Round, st.lists(st.sampled_from([80, 800, 4000, 12000]), min_size=1, max_size=3).map(tuple), st.booleans())
EXCHANGES = st.builds(Exchange, st.lists(ROUNDS, max_size=6).map(tuple), st.just(True), st.sampled_from([20, 400, 3000]))
PLANS = st.lists(EXCHANGES, min_size=2, max_size=5)
WINDOWS = st.sampled_from([6000, 9000, 14000])
MEANS = st.builds(Means, st.sampled_from(["scores", "position", "oldest"]), st.booleans(), st.booleans())
LONG = [Exchange(tuple(Round((4000, 800)) for _ in range(14))), Exchange(tuple(Round((6000,), thought=True) for _ in range(12)), True, 400)]


STANDARD = standard()
"""What it remembers are results."""


def model(window: int) -> Model:
    (sonnet,) = [each for each in load().models() if each.name == "claude-sonnet-5-5"]
    return replace(sonnet, window=window, max_output=1000, binds=True)


def nothing() -> Pipeline:
    return Pipeline([], Scale(estimate))


class Worker:
    """One process."""

    def __init__(self, store: Store, window: int, means: Means, pipeline: Pipeline, *, durable: bool = True) -> None:
        self.refitting = Refitting(lambda name: model(window), means)
        made = Compression(pipeline, Journal(store, lambda: 0.0), DocumentMemo(), durable=durable, views="always")
        self.compression = made.fitting(self.refitting)
        self.kept: dict[str, str] = {}

    def send(self, name: str, values: Sequence[Json]) -> Prepared:
        dialect = NAMED[name]
        body = json.dumps({"model": "m", "max_tokens": 500, dialect.turns: values}).encode()
        return anyio.run(lambda: self.compression.prepare(dialect, PATHS[name], body, keep=self._keep))

    async def _keep(self, originals: Mapping[str, str]) -> None:
        self.kept |= originals


def memory() -> Memory:
    return Memory(lambda: 0.0)


def turns(name: str, values: Sequence[Json]) -> list[Sequence[Json]]:
    """The conversation as it is sent each time: the model is to speak next."""
    sides = [NAMED[name].ties(value).side for value in values]
    ends = [i + 1 for i in range(len(values)) if sides[i] != "assistant" and (i + 1 == len(values) or sides[i + 1] == "assistant")]
    return [values[:end] for end in ends]


def elements(name: str, prepared: Prepared) -> list[Json]:
    found: list[Json] = json.loads(prepared.body)[NAMED[name].turns]
    return found


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=4, phases=[Phase.generate])
@given(plan=PLANS, window=WINDOWS, means=MEANS)
def test_what_was_sent_stays_sent_but_at_few_crossings(name: str, plan: list[Exchange], window: int, means: Means) -> None:
    values = WRITERS[name](plan)
    worker = Worker(memory(), window, means, nothing())
    before: list[Json] = []
    crossings = 0
    for sent in turns(name, values):
        prepared = worker.send(name, sent)
        now = elements(name, prepared)
        assert not breaches(name, now)
        if now[: len(before)] != before:
            crossings += 1
            assert prepared.fitted is not None
            assert prepared.fitted.rewritten
        assert now[-1] == sent[-1]
        first = next(i for i, value in enumerate(sent) if NAMED[name].ties(value).side == "user")
        assert json.dumps(_words(sent[first]))[1:-1] in json.dumps(now[first])
        before = now
    assert prepared.reading is not None
    standing = prepared.reading.standing
    if crossings:
        assert standing is not None
        room = budget(prepared.reading.document, prepared.reading.conversation, model(window), 0)
        assert crossings <= worker.refitting.cuts <= most_cuts(sum(standing.base), room)


def _words(value: Json) -> str:
    content = value.get("content", value.get("parts"))
    return str(content if isinstance(content, str) else content[0]["text"])


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=1, phases=[Phase.generate])
@given(plan=PLANS, window=WINDOWS, means=MEANS)
def test_every_worker_comes_to_the_same_bytes(name: str, plan: list[Exchange], window: int, means: Means) -> None:
    """Alone; two in turn; a new one each turn; a new one each turn that knows nothing of what was sent."""
    values = WRITERS[name](plan)
    alone = Worker(memory(), window, means, STANDARD)
    shared = memory()
    pair = [Worker(shared, window, means, STANDARD) for _ in range(2)]
    kept = memory()
    for n, sent in enumerate(turns(name, values)):
        body = alone.send(name, sent).body
        assert pair[n % 2].send(name, sent).body == body
        assert Worker(kept, window, means, STANDARD).send(name, sent).body == body
        if n % 4 == 0:
            assert Worker(memory(), window, means, STANDARD, durable=False).send(name, sent).body == body


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("order", ["scores", "position", "oldest"])
def test_a_long_session_fits(name: str, order: Order) -> None:
    values = WRITERS[name](LONG)
    worker = Worker(memory(), 16000, Means(order, fold=False), nothing())
    for sent in turns(name, values):
        prepared = worker.send(name, sent)
        assert prepared.fitted is None or prepared.fitted.found is None or prepared.fitted.found.fits
        assert estimate(prepared.body.decode()) < 16000 * 1.2
    assert 2 <= worker.refitting.cuts <= 12


@pytest.mark.parametrize("name", WRITERS)
def test_a_cut_stands_whatever_the_settings_are_by_then(name: str) -> None:
    values = WRITERS[name](LONG)
    store = memory()
    sent = turns(name, values)
    before = elements(name, Worker(store, 16000, Means(), nothing()).send(name, sent[12]))
    assert len(before) < len(sent[12])
    after = elements(name, Worker(store, 90000, Means("oldest", fold=False), STANDARD).send(name, sent[13]))
    assert after[: len(before)] == before


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_gone_is_kept_under_the_key_in_the_note(name: str) -> None:
    values = WRITERS[name](LONG)
    worker = Worker(memory(), 16000, Means(fold=False), nothing())
    prepared = worker.send(name, turns(name, values)[12])
    assert prepared.fitted is not None
    assert prepared.fitted.found is not None
    assert prepared.fitted.found.notes
    for note in prepared.fitted.found.notes:
        assert json.loads(worker.kept[note.text.split('"')[1]]) == [values[i] for i in note.dropped]
