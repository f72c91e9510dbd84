from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.compressors.lines import view

LINES = [f"this is line number {i}" for i in range(1, 11)]


def test_kept_lines_stand_verbatim_and_gaps_name_their_lines() -> None:
    made = view.show(LINES, {0, 5, 9}, notes={1: "4 passed"}, times={5: 3})
    assert made is not None
    assert made.text == (
        "this is line number 1\n… 2-5 (4 passed)\nthis is line number 6 [×3]\n… 7-9\nthis is line number 10"
    )
    assert (made.omitted, made.lines) == ("7 of 10 lines (… names them)", "")


def test_one_gap_is_named_in_the_marker() -> None:
    made = view.show(LINES, [0, 1, 9])
    assert made is not None
    assert (made.omitted, made.lines) == ("lines 3-9 of 10", "3-9")


@pytest.mark.parametrize(("lines", "kept"), [
    (LINES, range(10)),
    (["a", "b", "c" * 40], [0, 2]),
    (["… 3-4", *LINES], [0, 1]),
], ids=["nothing left out", "a gap shorter than its sign", "a line that looks like a gap"])
def test_no_view_where_it_would_hide_nothing_or_lie(lines: list[str], kept: list[int]) -> None:
    assert view.show(lines, kept) is None


lines_of = st.lists(st.text("ab 0…-[]×", max_size=20), min_size=1, max_size=15)


@given(lines_of, st.data())
def test_every_line_of_a_view_is_the_originals_at_the_number_the_gaps_imply(lines: list[str], data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.integers(0, len(lines) - 1)))
    times = data.draw(st.dictionaries(st.integers(0, len(lines) - 1), st.integers(1, 3)))
    made = view.show(lines, kept, times=times)
    if made is None:
        return
    found = view.numbered(made.text, lines)
    assert found is not None
    assert kept <= found.keys()
    assert all(lines[i] == line for i, line in found.items())


def test_a_view_of_another_text_is_told() -> None:
    made = view.show(LINES, {0, 9})
    assert made is not None
    assert view.numbered(made.text, ["other", *LINES[1:]]) is None
    assert view.numbered(made.text, LINES[:-1]) is None
