from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines import view
from headroom.compressors.lines.folds import MIN_CHARS, Routine, fold, lines_named

DOWN, DONE = Routine("downloaded"), Routine("compiled")


def folded(lines: list[str], routine: dict[int, Routine], query: str = "") -> str | None:
    made = fold("\n".join(lines), lines, routine, query)
    return made.text if made else None


@pytest.mark.parametrize(("units", "note"), [
    ([DOWN] * 3, "3 downloaded"),
    ([DOWN, DONE, DOWN], "2 downloaded, 1 compiled"),
    ([DOWN, Routine("passed", 40), DOWN], "2 downloaded, 40 passed"),
    ([Routine("passed", 0)] * 3, "routine"),
    ([Routine(unit) for unit in "aabcdef"], "2 a, 1 b, 1 c, 3 others"),
], ids=["one unit", "two", "numbers", "none", "many"])
def test_a_gap_says_what_it_hides(units: list[Routine], note: str) -> None:
    lines = ["first", *(f"a routine line that is long enough {i}" for i in range(len(units))), "last"]
    assert folded(lines, dict(enumerate(units, 1))) == f"first\n… 2-{len(units) + 1} ({note})\nlast"


def test_blank_lines_between_routine_ones_go_with_them_and_others_stay() -> None:
    lines = ["", "routine " * 4, "", "routine " * 4, "", "news", "routine " * 9]
    assert folded(lines, {1: DOWN, 3: DOWN, 6: DONE}) == "\n… 2-4 (2 downloaded)\n\nnews\n… 7 (1 compiled)"


def test_short_runs_stay() -> None:
    assert folded(["news", "x" * (MIN_CHARS - 1), "news"], {1: DOWN}) is None


def test_what_the_question_names_stays() -> None:
    lines = [f"Downloading part-{i} of the archive" for i in range(30)]
    shown = folded(lines, dict.fromkeys(range(30), DOWN), "why did downloading PART-17 fail?")
    assert shown == "… 1-17 (17 downloaded)\nDownloading part-17 of the archive\n… 19-30 (12 downloaded)"


@pytest.mark.parametrize(("query", "found"), [
    ("", set()), ("about kettle prices", {1}), ("ettle", set()), ("line", set()), ("LINE 120", {20}),
], ids=["no question", "a word", "no start of a word", "everywhere", "a number"])
def test_rare_words_of_a_question_name_lines(query: str, found: set[int]) -> None:
    lines = [f"line {100 + i}" + (" Kettle" if i == 1 else "") for i in range(25)]
    assert lines_named("\n".join(lines), query) == found


@settings(deadline=None, max_examples=150)
@given(st.lists(st.text("ab …1-()", max_size=30), min_size=1, max_size=20), st.data())
def test_what_is_not_routine_stands_verbatim_at_its_number(lines: list[str], data: st.DataObject) -> None:
    routine = data.draw(st.dictionaries(st.integers(0, len(lines) - 1), st.sampled_from([DOWN, DONE])))
    text = "\n".join(lines)
    made = fold(text, lines, routine, "")
    if made is None:
        return
    assert len(made.text) < len(text)
    shown = view.numbered(made.text, lines)
    assert shown is not None
    assert {i for i, line in enumerate(lines) if i not in routine and line.strip()} <= shown.keys()
