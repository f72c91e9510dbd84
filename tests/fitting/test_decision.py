from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.fitting.choice import Cut
from headroom.fitting.decision import UNCUT, Decision, decode, encode

MOST = 20
PLACES = st.integers(0, MOST - 1)
CUTS = st.builds(Cut, PLACES, st.dictionaries(PLACES, st.integers(0, 9)), st.frozensets(PLACES), st.integers(0, 99), st.integers(0, 99))
DECISIONS = st.builds(
    Decision, st.lists(CUTS, max_size=3).map(tuple), st.dictionaries(PLACES, st.text(max_size=9)),
    st.dictionaries(PLACES, st.none() | st.text(max_size=9)), st.frozensets(PLACES),
)


@settings(deadline=None)
@given(DECISIONS)
def test_what_was_written_is_read(decision: Decision) -> None:
    assert decode(encode(decision), MOST, MOST) == decision
    moved = Decision(decision.cuts, decision.notes, {i + 2: text for i, text in decision.forms.items()}, decision.bare)
    assert decode(encode(decision), MOST, MOST + 2, 2) == moved
    assert encode(moved, 2) == encode(decision)


@pytest.mark.parametrize("row", [
    "", "x", "[]", "[2,[],[],[],[]]", "[1,[],[],[]]", "[1,[],[],[],[-1]]", "[1,[],[],[],[20]]", "[1,[],[],[],[true]]",
    '[1,[],[[1,2]],[],[]]', "[1,[],[],[[1]],[]]", "[1,[[1]],[],[],[]]", "[1,[[1,[],[99],2,1]],[],[],[]]", "[1,[[20,[],[],2,1]],[],[],[]]",
    "[1,[[1,[[1,null]],[],2,1]],[],[],[]]", json.dumps([1, {}, [], [], []]),
])
def test_what_is_none_of_ours_or_does_not_fit_is_not_believed(row: str) -> None:
    assert decode(row, MOST, MOST) is None


def test_elements_that_are_not_as_they_were() -> None:
    assert not UNCUT.touched
    cut = Cut(4, {}, frozenset({1, 2}), 9, 5)
    assert Decision((cut,), {0: "note"}, {}, frozenset({3})).touched == {0, 1, 2, 3}
