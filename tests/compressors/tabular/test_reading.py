"""Rows come back from their cells, or the table is refused."""

from __future__ import annotations

import pytest

from headroom.compressors.tabular.reading import decode
from headroom.conversation import Json


@pytest.mark.parametrize(("lines", "rows"), [
    (["a,b", "1,x", "2"], [{"a": 1, "b": "x"}, {"a": 2}]),
    (["a,b", '1,"x,y"', ',"q"'], [{"a": 1, "b": "x,y"}, {"b": "q"}]),
    (["a=1", "", ""], [{"a": 1}, {"a": 1}]),
    (["a.b,a.c,d", "1,2,3", ",,4"], [{"a": {"b": 1, "c": 2}, "d": 3}, {"d": 4}]),
    (["a[0],a[1].x,b", "1,2,3", ",,4"], [{"a": [1, {"x": 2}], "b": 3}, {"b": 4}]),
    (["a,u(x/~a~/y)", "1", "2"], [{"a": 1, "u": "x/1/y"}, {"a": 2, "u": "x/2/y"}]),
    (["a,z?,b", "1,2,z=3", "4,5"], [{"a": 1, "z": 3, "b": 2}, {"a": 4, "b": 5}]),
    (["z?", ",z=1", ""], [{"z": 1}, {}]),
    (["a,z?,b", ">1: z", ">2: order 3 1", "1,2,3,>1", "4,5,>2"], [{"a": 1, "z": 3, "b": 2}, {"b": 5, "a": 4}]),
    (["a,b", ">>b A=long,B=longer", "1,A", "2,B"], [{"a": 1, "b": "long"}, {"a": 2, "b": "longer"}]),
    (["a[{b,c}]", "[[1,2],[3,4]]", "[]"], [{"a": [{"b": 1, "c": 2}, {"b": 3, "c": 4}]}, {"a": []}]),
])
def test_rows(lines: list[str], rows: list[Json]) -> None:
    found, end = decode(["before", *lines, "behind"], 2, keyed=False, start=1)
    assert (found, end) == (rows, len(lines) + 1)
    assert [list(row) for row in found] == [list(row) for row in rows]


def test_a_map() -> None:
    assert decode(["(key),a", "x,1", '"1",2'], 2, keyed=True) == ({"x": {"a": 1}, "1": {"a": 2}}, 3)


@pytest.mark.parametrize("lines", [
    ["a", "1"], ["a", "1,2", "3"], ["a", '"x"y', "2"], ["a=1", "", "2"], ["a,a.b", "1,2", "3,4"], ["a[1]", "1", "2"], ["a[0],a[1]", "1,2", "3"],
    ["a,u(x~a)", "1", ""], ["u(x~a)", "1", "2"], ["a,z?", "1,z:2", "1"], ["a,z?", "1,>7", "1"], ["a,z?", ">1: z", '1,"2"3,>1', "1"], ["a", ">>a A=1", "A", "B"],
])
def test_what_is_no_table_is_refused(lines: list[str]) -> None:
    with pytest.raises((ValueError, KeyError, IndexError)):
        decode(lines, 2, keyed=False)
