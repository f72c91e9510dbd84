from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.dialects.ties import Ties
from headroom.fitting.choice import Budget, Cut, fit
from headroom.fitting.notes import anchors
from headroom.fitting.reasoning import untrue
from tests.fitting.conversations import ROUGH_PLANS, WRITERS, Exchange, read

USER, RESULT, THOUGHT = Ties(words=True), Ties("tool"), Ties("assistant", bound=True)
AGENT = [USER, THOUGHT, RESULT, THOUGHT, RESULT, THOUGHT, USER, THOUGHT, RESULT, THOUGHT]


def cut(at: int, *dropped: int, folded: tuple[int, ...] = ()) -> Cut:
    return Cut(at, dict.fromkeys(folded, 1), frozenset(dropped), 2, 1)


@pytest.mark.parametrize(("cuts", "elements"), [
    pytest.param([], set(), id="no cut"),
    pytest.param([cut(6, 3, 4)], {1, 5}, id="from the note on"),
    pytest.param([cut(4, folded=(2,))], {3}, id="from the fold on"),
    pytest.param([cut(4, folded=(2,)), cut(8, folded=(4,))], {3, 5, 7}, id="two cuts"),
    pytest.param([cut(9, 7, 8)], {9}, id="only behind the words that carry the note"),
])
def test_whose_reasoning_goes(cuts: list[Cut], elements: set[int]) -> None:
    assert untrue(AGENT, cuts) == elements


@pytest.mark.parametrize("name", ["anthropic", "openai-responses", "gemini"])
@settings(deadline=None, max_examples=20)
@given(plan=ROUGH_PLANS, window=st.integers(200, 6000))
def test_what_is_left_of_it_stands_behind_each_cut_or_before_its_first_edit(name: str, plan: list[Exchange], window: int) -> None:
    known = read(name, WRITERS[name](plan))
    found = fit(known, Budget(window, 50))
    ties = [each.ties for each in known]
    gone = untrue(ties, found.cuts)
    assert all(ties[i].bound and i not in found.dropped for i in gone)
    if found.cuts:
        left = [i for i, own in enumerate(ties) if own.bound and i not in gone and i not in found.dropped]
        for cut in found.cuts:
            first = min(anchors(ties, found.dropped, cut.dropped))
            assert all(i > cut.at or i < first for i in left)
