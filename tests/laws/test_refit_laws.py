"""Whole agent sessions that outgrow their model's window, or whose cache is cold: the past changes where that was decided, and seldom."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.demo.base import objects
from headroom.dialects.document import Document
from headroom.fitting.choice import most_cuts
from headroom.fitting.subject import budget
from headroom.prices import load
from headroom.tokens import estimate
from tests.fitting.conversations import NAMED, breaches
from tests.laws.clients import CLIENTS
from tests.laws.process import model
from tests.laws.sessions import Session, draw, outgrowing
from tests.laws.stage import Pair, Played, Stage, retrieved

SEEDS = st.integers(0, 2**32 - 1)
DIALECTS = pytest.mark.parametrize("dialect", CLIENTS)
LAW = settings(deadline=None, max_examples=3)
"""Of sessions with twenty requests each; bench/bench_sessions.py plays them by the hundred."""

PASSES_OVER = {"openai-responses"}
"""There the provider leaves out itself what does not fit any more, and refuses what it led to if that is done for it."""

SEALS = ("signature", "encrypted_content", "thoughtSignature")
"""Members that bind reasoning to what it was said behind."""


def play(session: Session, *, alone: bool = False) -> Played:
    return anyio.run(Stage(session, alone=alone).play)


def drawn(seed: int, dialect: str, *, options_change: bool = True, cold: bool = True) -> Session:
    dice = Random(f"outgrown {dialect} {seed}")
    session = outgrowing(draw(dice, dialect, options_change=options_change, most=14), dice)
    return session if cold else replace(session, turns=tuple(replace(turn, cold=False, held=None) for turn in session.turns))


def most_rewrites(session: Session, played: Played) -> int:
    """As often as the window may be outgrown, and once for each time the cache was cold or its state known. What is ours in the
    last request counts."""
    last = played.pairs[-1]
    dialect = NAMED[session.dialect]
    document = Document.parse(last.came)
    conversation = dialect.read(document, last.target.partition("?")[0])
    room = budget(document, conversation, model(load(), conversation.model, session.window, binds=session.thinks), 0)
    ours = sum(estimate(ask.expected) + 100 for ask in played.asked)
    fits = most_cuts(estimate(last.came.decode()) + ours, room)
    return fits + sum(turn.cold or turn.held is not None for turn in session.turns)


def seals(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (str(value[name]) for name in SEALS if value.get(name))
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from seals(inner)


def answers(name: str, values: Sequence[Json]) -> list[list[Json]]:
    """What the model said, without a word or a result between."""
    found: list[list[Json]] = [[]]
    for value in values:
        if NAMED[name].ties(value).side == "assistant":
            found[-1].append(value)
        elif found[-1]:
            found.append([])
    return found


def bound(session: Session, pair: Pair) -> None:
    """Of each answer all reasoning stays, or none."""
    items = CLIENTS[session.dialect].items
    left = set(seals(json.loads(pair.left)[items]))
    for answer in answers(session.dialect, json.loads(pair.came)[items]):
        assert {seal in left for seal in seals(answer)} in (set(), {True}, {False})


def live(session: Session, pair: Pair) -> None:
    """What the model has not seen yet, the first words of the user's, and the system text are there."""
    name, items = session.dialect, CLIENTS[session.dialect].items
    came, left = json.loads(pair.came), json.loads(pair.left)
    assert [came.get(member) for member in ("system", "instructions", "systemInstruction")] == [left.get(member) for member in ("system", "instructions", "systemInstruction")]
    ties = NAMED[name].ties
    end = next((n for n, value in enumerate(reversed(came[items])) if ties(value).side == "assistant"), len(came[items]))
    new, kept = came[items][len(came[items]) - end :], left[items][len(left[items]) - end :]
    for was, now in zip(new, kept, strict=True):
        assert set(ties(was).answered) <= set(ties(now).answered)  # results of ours may stand beside
    for was, now in ((one, two) for one, two in zip(new, kept, strict=True) if ties(one).words):
        assert words(was) in words(now)
    first = [next(value for value in each if ties(value).side == "user") for each in (came[items], left[items])]
    assert words(first[0]) in words(first[1])


def words(value: Json) -> str:
    content = value.get("content", value.get("parts"))
    return content if isinstance(content, str) else "".join(str(block.get("text", "")) for block in objects(content))


@DIALECTS
@LAW
@given(SEEDS)
def test_what_was_sent_stays_sent_but_where_it_was_decided_otherwise(dialect: str, seed: int) -> None:
    session = drawn(seed, dialect)
    played = play(session)
    assert set(played.breaks(CLIENTS[dialect].items)) <= set(played.rewritten)
    assert len(played.rewritten) <= most_rewrites(session, played)
    assert (played.died, played.refused, played.mishaps) == ("", [], {})
    assert played.dropped == 0 or (dialect in PASSES_OVER and played.rewritten)
    assert played.shown == play(session, alone=True).shown
    given = {text for body in played.sent for text in retrieved(session, body)}
    assert {ask.expected for ask in played.asked} <= given


@DIALECTS
@LAW
@given(SEEDS)
def test_what_is_left_is_a_conversation_that_the_provider_takes(dialect: str, seed: int) -> None:
    session = drawn(seed, dialect)
    played = play(session)
    for body in played.sent[session.foreign :]:
        # Two turns of the user's in a row are one to a provider, and stand there where an answer ended with a call of ours.
        assert [each for each in breaches(dialect, json.loads(body)[CLIENTS[dialect].items]) if not each.endswith("two turns of user")] == []
    for pair in played.pairs:
        live(session, pair)
        bound(session, pair)


@DIALECTS
@LAW
@given(SEEDS)
def test_any_number_of_workers_sends_the_same_bytes_as_one(dialect: str, seed: int) -> None:
    session = drawn(seed, dialect, options_change=False, cold=False)
    assert play(session).sent == play(session.undisturbed()).sent


@DIALECTS
def test_the_generated_sessions_are_rewritten(dialect: str) -> None:
    """Many of them, and some more than once."""
    times = [len(play(drawn(seed, dialect)).rewritten) for seed in range(8)]
    assert sum(map(bool, times)) >= 2
    assert max(times) >= 2
