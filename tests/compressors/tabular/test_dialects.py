"""Tables of texts are told by their first lines, and each line gives its cells and comes back from them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.tabular.dialects import (
    HEAD,
    LEAST,
    MOST,
    beginning,
    cells_of,
    dialect,
    line_of,
    names_of,
    table_of,
)


@pytest.mark.parametrize(("lines", "expected"), [
    (["id,town,n", *["1,Graz,2"] * 9], (",", 3, True)),
    (["id\ttown", *["1\tGraz"] * 9], ("\t", 2, True)),
    (["id;town;n", *["1;Graz;2,5"] * 9], (";", 3, True)),
    (["id|town|n", *["1|Graz|2"] * 9], ("|", 3, True)),
    (["1,Graz,2"] * 9, (",", 3, False)),
    (["| a | b |", "|---|---|", *["| 1 | 2 |"] * 9], ("|", 4, True)),
    (["orders:", " id | town ", "----+------", *["  1 | Graz "] * 9], None),  # two columns between blanks may be a sentence
    (["def f(a, b, c):", "    return a, b, c"] * 9, None),
    (["Well, as one says, so be it.", "Then, however, it was not, or was."] * 9, None),
    (["2026-11-21 10:00:00,123 INFO a, b"] * 9, None),
    (['{"a": 1, "b": 2, "c": 3}'] * 9, None),
    ([], None),
])
def test_kinds(lines: list[str], expected: tuple[str, int, bool] | None) -> None:
    assert dialect(lines) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("a,b\n" * LEAST, ["a,b"] * LEAST + [""]),
    ("a,b\n" * 99, ["a,b"] * MOST),
    ("a,b\n" * LEAST + "x" * HEAD, []),  # the last line is cut, the others are too few
    ("a,b\n1,2", []),
])
def test_a_table_is_told_by_the_whole_lines_at_its_beginning(text: str, expected: list[str]) -> None:
    assert beginning(text) == expected


@pytest.mark.parametrize(("line", "cells"), [
    ("a,b", ["a", "b"]), ('"a,b",c', ["a,b", "c"]), ('"a ""b""",c', ['a "b"', "c"]), ('"a",b', None), ('"open,b', None), ("", [""]),
])
def test_cells(line: str, cells: list[str] | None) -> None:
    assert cells_of(line, ",") == cells
    assert cells is None or line_of(cells, ",") == line


def test_a_table_has_names_and_rows_by_their_lines() -> None:
    lines = ["# all", "| a | b |", "|---|---|", *["| 1 | 2 |"] * 6, "6 rows"]
    found = table_of(lines)
    assert found is not None
    assert (found.delimiter, found.names, found.heading) == ("|", ["1", "a", "b", "4"], ["", " a ", " b ", ""])
    assert found.rows == {i: ["", " 1 ", " 2 ", ""] for i in range(3, 9)}
    assert table_of(lines, fitting=0.9) is None
    unnamed = table_of(["1,Graz,2"] * 9)
    assert unnamed is not None
    assert (unnamed.names, unnamed.heading, len(unnamed.rows)) == (["1", "2", "3"], None, 9)


def test_names_that_do_not_serve_are_numbers() -> None:
    assert names_of(["id", "id", "", "a=b", " town ", "7"]) == ["1", "2", "3", "4", "town", "6"]


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from('a",\t x'), max_size=20), st.sampled_from(",\t;|"))
def test_what_is_split_is_joined(line: str, delimiter: str) -> None:
    cells = cells_of(line, delimiter)
    assert cells is None or line_of(cells, delimiter) == line
