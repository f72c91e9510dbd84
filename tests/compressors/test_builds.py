from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.builds import BuildSummary
from headroom.compressors.lines import view

SUMMARY = BuildSummary()
GOAL = Goal()

OBJECTS = [f"[ {i:2}%] Building CXX object src/part_{i}.cc.o" for i in range(60)]
ERROR = ["src/z.cc:7:12: error: expected ';' before 'return'", "    7 |   int a = 3", "      |            ^", "compilation terminated."]


def shown(text: str, query: str = "") -> str:
    made = SUMMARY.compress(text, Goal(query=query))
    assert made is not None
    assert made.grade == "lossy"
    assert view.numbered(made.text, text.split("\n")) is not None
    return made.text


@pytest.mark.parametrize(("lines", "short"), [
    (["-- go", *OBJECTS, "done"], ["-- go", "… 2-61 (60 compiled)", "done"]),
    ([*OBJECTS, *ERROR], ["… 1-58 (58 compiled)", *OBJECTS[-2:], *ERROR]),
    ([*OBJECTS, "make: *** [Makefile:9: src/part_7.cc.o] Error 1"], ["… 1-7 (7 compiled)", OBJECTS[7], "… 9-58 (50 compiled)", *OBJECTS[-2:], "make: *** [Makefile:9: src/part_7.cc.o] Error 1"]),
    (OBJECTS, ["… 1-59 (59 compiled)", OBJECTS[-1]]),
], ids=["all went well", "an error", "a failed target", "cut off"])
def test_progress_is_counted_and_the_rest_stands(lines: list[str], short: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    assert shown(text) == "\n".join(short) + "\n"
    assert SUMMARY.sniff(text, GOAL) > 0.5
    assert SUMMARY.compress("\n".join(short) + "\n", GOAL) is None


def test_a_step_that_the_question_names_stays() -> None:
    assert OBJECTS[17] in shown("\n".join([*OBJECTS, "end"]), "was part_17 built?")


@pytest.mark.parametrize("text", ["", "no build at all\n" * 40, "\n".join(ERROR * 10)], ids=["empty", "prose", "diagnostics"])
def test_other_texts_are_left_alone(text: str) -> None:
    assert SUMMARY.sniff(text, GOAL) == 0
    assert SUMMARY.compress(text, GOAL) is None
    assert SUMMARY.expand(text) is None


TROUBLE = st.sampled_from([*ERROR, "warning: unused variable", "npm warn deprecated a@1", "E: Unable to fetch", "fatal: early EOF", "Successfully installed a-1", "", "any other line"])


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(st.sampled_from(OBJECTS), st.builds("Collecting part-{}".format, st.integers(0, 99)), TROUBLE), max_size=60), st.sampled_from(["\n", "\r\n"]))
def test_all_that_is_no_progress_survives(lines: list[str], end: str) -> None:
    text = end.join(lines)
    made = SUMMARY.compress(text, GOAL)
    if made is None:
        return
    kept = view.numbered(made.text, text.split("\n"))
    assert kept is not None
    assert {i for i, line in enumerate(lines) if line and not line.startswith(("[ ", "Collecting"))} <= kept.keys()
    assert SUMMARY.compress(made.text, GOAL) is None


@pytest.mark.parametrize("text", ["x" * 300_000, "a\n" * 100_000, (" " * 590 + " 100%\n") * 500, ("-- Looking for - " * 400 + "\n") * 50, "\x00" * 100_000, "make: *** [" * 30_000])
def test_hostile_texts_are_survived(text: str) -> None:
    SUMMARY.sniff(text, GOAL)
    assert SUMMARY.compress(text, GOAL) is None
