"""Names, what stands behind them, and codes."""

from __future__ import annotations

import pytest

from headroom.compressors.tabular.cells import MISSING
from headroom.compressors.tabular.heads import read_heads, with_codes
from headroom.conversation import Json


def test_names_and_what_stands_behind_them() -> None:
    heads = read_heads('(key),a.b[0],c?,d=[1,2],"e f"(p~),g(x~a.b[0]),h[{i,j}]')
    assert [head.path for head in heads] == [(), ("a", "b", 0), ("c",), ("d",), ("e f",), ("g",), ("h",)]
    assert [head.dense for head in heads] == [True, True, False, False, True, False, True]
    assert heads[3].value == [1, 2]


@pytest.mark.parametrize(("line", "codes", "cell", "value"), [
    ("a", "", "1", 1), ("a", "", "", MISSING), ("a", "", '"1"', "1"), ("a(p~)", "", "1", "p1"), ("a(p~~s)", "", "", MISSING), ("a(p~)", "", '""', "p"),
    ("a[{b}]", "", "[[1]]", [{"b": 1}]), ("a[{b}]", "", "null", None),
    ("a", ">>a A=1,B=x", "A", 1), ("a", ">>a A=1,B=x", "B", "x"), ("a(p~)", ">>a A=1", "A", "p1"), ("a[{b}]", ">>a A=[[2]]", "A", [{"b": 2}]),
    ("a", ">>a {} A=x {} y", "A 7", "x 7 y"), ("a", ">>a {} A=x {} y", "~A 7", "A 7"), ("a", ">>a {} A=x {} y", "B", "B"), ("a", ">>b A=1", "A", "A"),
])
def test_cells(line: str, codes: str, cell: str, value: Json) -> None:
    heads = read_heads(line)
    assert (with_codes(heads, codes) if codes else heads)[0].read(cell) == value


@pytest.mark.parametrize("line", ["", "a(", "a,", "a b", "a(p~~s~b)", "a[", "a]"])
def test_what_is_no_line_of_names_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"not a|no rule|among"):
        read_heads(line)


@pytest.mark.parametrize("line", [">>", ">> A=1", ">>a", ">>a A", ">>a A=1,B"])
def test_what_is_no_line_of_codes_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"not a line|not found"):
        with_codes(read_heads("a"), line)


@pytest.mark.parametrize(("line", "cell"), [("a", '"x"y'), ("a", "1,2"), ("a[{b}]", "[[1,2]]")])
def test_what_is_no_cell_is_refused(line: str, cell: str) -> None:
    with pytest.raises(ValueError, match=r"behind its end|argument"):
        read_heads(line)[0].read(cell)
