from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom import ccr
from headroom.conversation import Json
from headroom.dialects.ties import Ties
from headroom.dialects.turns import Call
from headroom.fitting.choice import Budget, fit
from headroom.fitting.notes import notes, what
from tests.fitting.conversations import ROUGH_PLANS, WRITERS, Exchange, read

USER, MODEL, RESULT = Ties(words=True), Ties("assistant", words=True), Ties("tool")


def call(tool: str, input: Json = None) -> Ties:
    return Ties("assistant", (Call("1", tool, input),))


@pytest.mark.parametrize(("ties", "text"), [
    ([call("Bash"), RESULT], "1 earlier tool call with results (1 Bash)"),
    ([call("Bash"), RESULT, call("Read", {"file_path": "src/a.py"}), call("Bash")],
     "3 earlier tool calls with results (2 Bash, 1 Read; src/a.py)"),
    ([USER, MODEL], "2 earlier messages"),
    ([USER, call(""), RESULT, MODEL], "1 earlier tool call with results and 2 earlier messages (1 tool)"),
    ([Ties("assistant", bound=True)], "1 earlier item"),
    ([call(name) for name in "abcdef"], "6 earlier tool calls with results (1 a, 1 b, 1 c, 1 d and 2 more)"),
    ([call("Read", {"path": f"f{n}"}) for n in range(5)], "5 earlier tool calls with results (5 Read; f0, f1, f2 and 2 more)"),
    ([call("Read", {"path": "x" * 90 + "/[a].py"})], "1 earlier tool call with results (1 Read; …" + "x" * 41 + "/[a?.py)"),
])
def test_what_was_taken_away(ties: list[Ties], text: str) -> None:
    assert what(ties) == text


def test_one_note_for_all_behind_the_same_words() -> None:
    ties = [USER, call("a"), RESULT, call("b"), RESULT, MODEL, USER, MODEL, USER]
    values = [{"n": n} for n in range(len(ties))]
    found = notes(values, ties, {1, 2, 6, 7})
    assert [(note.at, note.dropped) for note in found] == [(0, (1, 2, 6, 7))]
    assert [note.at for note in notes(values, ties, {1, 2, 7})] == [0, 6]
    assert json.loads(found[0].original) == [values[i] for i in (1, 2, 6, 7)]
    assert notes(values, ties, ()) == ()


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=80), st.dictionaries(st.sampled_from(["path", "file"]), st.text(max_size=200))), max_size=8))
def test_a_note_is_a_marker_whatever_names_are_in_it(calls: list[tuple[str, dict[str, str]]]) -> None:
    (note,) = notes([{}, {}], [USER, Ties("assistant", tuple(Call("", *each) for each in calls))], {1})
    match = ccr.MARKER.fullmatch(note.text)
    assert match
    assert match["key"] == ccr.key_of(note.original)


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=25)
@given(plan=ROUGH_PLANS, window=st.integers(200, 6000))
def test_a_story_every_element_that_is_gone_can_be_had_again(name: str, plan: list[Exchange], window: int) -> None:
    values = WRITERS[name](plan)
    known = read(name, values)
    gone = fit(known, Budget(window, 50)).dropped
    found = notes(values, [each.ties for each in known], gone)
    assert sorted(i for note in found for i in note.dropped) == sorted(gone)
    for note in found:
        assert note.at not in gone
        assert json.loads(note.original) == [values[i] for i in note.dropped]
