"""Whole agent sessions, turn by turn, in every dialect: what was sent stays sent, and the client never learns of the hidden tool."""

from __future__ import annotations

from random import Random
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.dialects.hidden.base import NAME
from tests.laws.clients import CLIENTS
from tests.laws.outputs import Output
from tests.laws.sessions import Options, Round, Session, Turn, draw
from tests.laws.stage import Played, Stage, retrieved

SEEDS = st.integers(0, 2**32 - 1)
DIALECTS = pytest.mark.parametrize("dialect", CLIENTS)
LAW = settings(deadline=None, max_examples=6)
"""Of sessions with ten requests each; bench/bench_sessions.py plays them by the thousand."""


def play(session: Session, *, alone: bool = False) -> Played:
    return anyio.run(Stage(session, alone=alone).play)


def dice(seed: int, dialect: str) -> Random:
    return Random(f"{dialect} {seed}")


def unseen(session: Session, played: Played) -> None:
    """The client gets what it would have got of the provider itself."""
    assert played.died == ""
    assert not any(NAME.encode() in raw for raw in played.raw)
    assert played.shown == play(session, alone=True).shown


def given_back(session: Session, played: Played) -> None:
    """Each call of our tool was answered once, with what it asked for, byte for byte."""
    assert retrieved(session, played.sent[-1]) == [ask.expected for ask in played.asked]


@DIALECTS
@LAW
@given(SEEDS)
def test_what_was_sent_stays_sent_whatever_happens_between_turns(dialect: str, seed: int) -> None:
    session = draw(dice(seed, dialect), dialect)
    played = play(session)
    assert played.breaks(CLIENTS[dialect].items) == []
    assert (played.refused, played.dropped, played.mishaps) == ([], 0, {})
    unseen(session, played)
    given_back(session, played)


@DIALECTS
@LAW
@given(SEEDS)
def test_any_number_of_workers_sends_the_same_bytes_as_one(dialect: str, seed: int) -> None:
    session = draw(dice(seed, dialect), dialect, options_change=False)
    assert play(session).sent == play(session.undisturbed()).sent


@DIALECTS
@LAW
@given(SEEDS)
def test_a_session_outlives_its_store(dialect: str, seed: int) -> None:
    session = draw(dice(seed, dialect), dialect, loss=True)
    played = play(session)
    unseen(session, played)
    assert set(retrieved(session, played.sent[-1])) <= {ask.expected for ask in played.asked}
    if session.durable and session.loses == {"lost"}:
        # One refusal for each reading of the past; then that is settled, and what is sent stays sent again.
        assert len(played.refused) <= 2
        assert set(played.breaks(CLIENTS[dialect].items)) <= {played.lost_at}


LOG = Output("Bash", {"command": "cat app.log"}, "\n".join(f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z INFO [app-{i % 3}] GET /order/{i * 7919 % 9973} took={i % 40}ms" for i in range(200)))
"""Long enough for a view."""


@DIALECTS
def test_the_generated_sessions_do_what_the_laws_are_about(dialect: str) -> None:
    """Outputs are shortened with and without loss, the tool is called in all its ways, and sessions lose what is to be lost."""
    sessions = [draw(dice(seed, dialect), dialect, loss=seed % 2 == 0) for seed in range(60)]
    asks = [(len(turn.rounds), bool(turn.calls), ask) for session in sessions for turn in session.turns for each in turn.rounds for ask in each.asks]
    assert {bool(calls) for _, calls, _ in asks} == {True, False}
    assert {length for length, _, _ in asks} == {1, 2, 3, 4}
    assert {tuple(ask.given) for _, _, ask in asks} == {("key",), ("key", "lines"), ("key", "query"), ("line",)}
    assert set().union(*(session.loses for session in sessions)) == {"emptied", "lost"}
    assert {bool(session.foreign) for session in sessions} == {True, False}
    assert {session.earlier is None for session in sessions} == {True, False}


@DIALECTS
@pytest.mark.parametrize(("changed", "view"), [({}, True), ({"lossless": True}, False), ({"protect": ("ba*",)}, False)])
def test_outputs_are_really_shortened(dialect: str, changed: dict[str, Any], view: bool) -> None:
    session = Session(dialect, (Turn("Look.", (Round("", "", (), (LOG,)),)), Turn("", (Round("", "There."),))), Options(**changed))
    through, direct = play(session), play(session, alone=True)
    assert len(through.sent[-1]) < len(direct.sent[-1])
    assert (b"source unchanged" in through.sent[-1]) == view
    assert through.shown == direct.shown
