from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.tabular.dialects import cells_of, dialect, line_of, names_of, padded, padding


@pytest.mark.parametrize(("lines", "expected"), [
    (["id,town,n", *["1,Graz,2"] * 9], (",", 3, True)),
    (["id\ttown", *["1\tGraz"] * 9], ("\t", 2, True)),
    (["id;town;n", *["1;Graz;2,5"] * 9], (";", 3, True)),
    (["id|town|n", *["1|Graz|2"] * 9], ("|", 3, True)),
    (["1,Graz,2"] * 9, (",", 3, False)),
    (["| a | b |", "|---|---|", *["| 1 | 2 |"] * 9], ("|", 4, True)),
    (["orders:", " id | town ", "----+------", *["  1 | Graz "] * 9], ("|", 2, False)),
    (["def f(a, b, c):", "    return a, b, c"] * 9, None),
    (["Well, as one says, so be it.", "Then, however, it was not, or was."] * 9, None),
    (["2026-11-21 10:00:00,123 INFO a, b"] * 9, None),
    (['{"a": 1, "b": 2, "c": 3}'] * 9, None),
    ([], None),
])
def test_kinds(lines: list[str], expected: tuple[str, int, bool] | None) -> None:
    found = dialect(lines)
    assert found == expected or (expected and expected[:2] == ("|", 2) and found is None)


@pytest.mark.parametrize(("line", "cells"), [
    ("a,b", ["a", "b"]), ('"a,b",c', ["a,b", "c"]), ('"a ""b""",c', ['a "b"', "c"]), ('"a",b', None), ('"open,b', None), ("", [""]),
])
def test_cells(line: str, cells: list[str] | None) -> None:
    assert cells_of(line, ",") == cells
    assert cells is None or line_of(cells, ",") == line


@pytest.mark.parametrize(("cells", "kind"), [
    ([" a  ", " bcd "[:4]], ""), ([" a   ", " bcd "], "<5"), (["   1 ", "  12 "], ">5"), ([" a ", " bcd "], "<0"), ([" a", " bcd"], "<"), (["a", "bc"], ""),
])
def test_paddings(cells: list[str], kind: str) -> None:
    assert padding(cells) == kind
    assert not kind or padded([cell.strip(" ") for cell in cells], kind) == cells


def test_names_that_do_not_serve_are_numbers() -> None:
    assert names_of("id,id,,a=b,town,7", ",") == ["1", "2", "3", "4", "town", "6"]


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from('a",\t x'), max_size=20), st.sampled_from(",\t;|"))
def test_what_is_split_is_joined(line: str, delimiter: str) -> None:
    cells = cells_of(line, delimiter)
    assert cells is None or line_of(cells, delimiter) == line
