"""Rows are written with marks for the cells that a reader knows, and read back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.marks import (
    MARK,
    Row,
    affixes,
    cells_of,
    is_readable,
    unmarked,
    usual_cells,
    written,
)

ROWS = [["root", "17", "0.0", "2026-11-21"], ["root", "18", "0.0", "2026-11-21"], ["ann", "19", "1.5", "2026-11-22"], ["root", "20", "0.0", "2026-11-22"]]
WORDS = [True] * 4


def test_marks_of_neighbours_stand_together() -> None:
    assert written(ROWS, ["", "", "0.0", MARK], WORDS) == ["root 17 = 2026-11-21", "root 18 ==", "ann 19 1.5 2026-11-22", "root 20 =="]
    assert cells_of("root 18 ==", WORDS) == ["root", "18", MARK, MARK]
    assert unmarked([["a", MARK], [MARK, "y"], [MARK, MARK]], [MARK, "x"]) == [["a", "x"], ["a", "y"], ["a", "x"]]


def test_what_repeats_is_marked_if_that_pays() -> None:
    assert usual_cells(ROWS * 5) == ["", "", "0.0", MARK]
    assert usual_cells([["a", "b"]]) == ["", ""]


@pytest.mark.parametrize(("row", "words", "readable"), [
    (["a", "b c"], [True, True], True),
    (["a b", "c"], [True, True], False),
    (["a b", "c"], [False, True], True),
    (["a  b", "c"], [False, True], False),
    (["", "c"], [True, True], False),
    (["", "c"], [False, True], True),
    (["=a", "c"], [True, True], False),
    (["a=", "c"], [True, True], True),
], ids=str)
def test_cells_that_could_not_be_told_apart_are_known(row: Row, words: list[bool], readable: bool) -> None:
    assert is_readable(row, words) is readable


@pytest.mark.parametrize(("cells", "expected"), [
    (["127.0.0.1:80", "127.0.0.1:5432"], ("127.0.0.1:", "")), (["cart.service", "mail.service"], ("", ".service")), (["(1)", "(22)"], ("(", ")")),
    (["cart", "care"], ("", "")), (["", "-a"], ("", "")), (["--", "--x"], ("", "")), (["-a-", "-a-"], ("", "")), (["a-b", "a-c"], ("a-", "")),
], ids=str)
def test_what_cells_share_is_cut_at_signs_only(cells: list[str], expected: tuple[str, str]) -> None:
    assert affixes(cells) == expected


@pytest.mark.parametrize("line", ["a", "a ====", "= = = = =", ""])
def test_too_few_or_too_many_cells_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"columns|substring"):
        cells_of(line, [True, True, True])


CELL = st.text("ab1=. ", max_size=4).map(str.strip)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.booleans(), min_size=1, max_size=4), st.data())
def test_rows_come_back(words: list[bool], data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.lists(CELL, min_size=len(words), max_size=len(words)), min_size=1, max_size=8))
    rows = [row for row in drawn if is_readable(row, words)]
    if not rows:
        return
    usual = usual_cells(rows)
    lines = written(rows, usual, words)
    assert unmarked([cells_of(line, words) for line in lines], [mark or MARK for mark in usual]) == rows
