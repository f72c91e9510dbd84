"""Which step of which script a conversation has reached."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.demo.script import FINISHED, UNSCRIPTED, Call, Place, Step, from_json, place, step_at, to_json


@pytest.mark.parametrize(("turns", "expected"), [
    ([], None),
    (["hello"], None),
    ([None, "hello", None], None),
    (["go [[script:a]]"], Place("a", 0)),
    (["go [[script:a]]", None], Place("a", 1)),
    (["go [[script:a]]", None, "result", None], Place("a", 2)),
    (["[[script:a]]", None, "now [[script:b]]", None], Place("b", 1)),
    (["[[script:a]]", None, "again [[script:a]]"], Place("a", 0)),
    (["[[script:a]] then [[script:b]]"], Place("b", 0)),
    (["[[script:a]]", None, "<system-reminder>as in [[script:b]]</system-reminder>"], Place("a", 1)),
    (["<system-reminder>x</system-reminder>[[script:a]]"], Place("a", 0)),
])
def test_place(turns: list[str | None], expected: Place | None) -> None:
    assert place(turns) == expected


def test_steps_run_out() -> None:
    scripts = {"a": (Step(text="one"),)}
    assert step_at(scripts, Place("a", 0)).text == "one"
    assert step_at(scripts, Place("a", 1)) == FINISHED
    assert step_at(scripts, Place("unknown", 0)) == UNSCRIPTED
    assert step_at(scripts, None) == UNSCRIPTED


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a result", None])))
def test_the_index_counts_assistant_turns(turns: list[str | None]) -> None:
    assert place(["[[script:a]]", *turns]) == Place("a", turns.count(None))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 50), st.integers(0, 50))
def test_ids_differ_by_place_and_not_by_run(one: int, other: int) -> None:
    assert (Place("a", one).tag("call") == Place("a", other).tag("call")) == (one == other)


def test_scripts_survive_json() -> None:
    scripts = {"a": (Step("t", "th", True, (Call("Bash", {"command": "ls"}), Call("patch", "free text"))), Step())}
    assert from_json(to_json(scripts)) == scripts
