"""Columns hold every value of their rows, in an order that fits the rows."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.compressors.tabular.cells import MISSING
from headroom.compressors.tabular.columns import (
    MAX_COLUMNS,
    Column,
    Shape,
    cells_of,
    columns_of,
    derived_of,
    odd_of,
    order_of,
)
from headroom.conversation import Json


@pytest.mark.parametrize(("shapes", "order", "odd"), [
    ([("a", "b")], ["a", "b"], []),
    ([("a", "c"), ("a", "b", "c")], ["a", "b", "c"], []),
    ([("b", "c"), ("a", "b")], ["a", "b", "c"], []),
    ([("b", "a"), ("a", "b")], ["a", "b"], [("b", "a")]),
    ([()], [], []),
])
def test_orders(shapes: list[Shape], order: list[str], odd: list[Shape]) -> None:
    assert order_of(shapes) == order
    assert odd_of(shapes, order) == set(odd)


def test_too_many_names_have_no_order() -> None:
    assert order_of([(f"{i}", "x") for i in range(MAX_COLUMNS + 1)]) is None


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True).map(tuple), min_size=1))
def test_an_order_has_every_key_once_and_fits_all_shapes_but_the_odd(shapes: list[Shape]) -> None:
    order = order_of(shapes)
    assert order is not None
    assert sorted(order) == sorted(set().union(*shapes))
    for shape in set(shapes) - odd_of(shapes, order):
        assert list(shape) == [key for key in order if key in shape]


def test_nested_objects_are_spread_out_and_rare_keys_set_apart() -> None:
    rows: list[Json] = [{"a": {"x": i, "y": {"z": i}}, "b": i} for i in range(9)]
    rows.append({"b": 9, "c": 1})
    shapes = Counter(map(tuple, rows))
    order = order_of(list(shapes))
    assert order == ["a", "b", "c"]
    assert columns_of(rows, (), order, shapes) == [
        Column(("a", "x"), [*range(9), MISSING]),
        Column(("a", "y", "z"), [*range(9), MISSING]),
        Column(("b",), [*range(10)]),
        Column(("c",), (), rare=True),
    ]


@pytest.mark.parametrize(("values", "cells", "shared"), [
    ([1, 1, 1], ["1", "1", "1"], "=1"),
    ([1, 1.0, True], ["1", "1.0", "true"], ""),
    (["a/b/c", "a/b/d"], ["c", "d"], "(a/b/~)"),
    (["abcde", "abcdf"], ["abcde", "abcdf"], ""),
    (["src/x", MISSING, "src/"], ["x", "", '""'], "(src/~)"),
    (["src/x", None], ["src/x", "null"], ""),
    (["x", "x", MISSING], ["x", "x", ""], ""),
])
def test_what_a_column_shares(values: list[Json], cells: list[str], shared: str) -> None:
    assert cells_of(values) == (cells, shared)


def test_derived_columns() -> None:
    columns = [
        Column(("id",), [7, 8]), Column(("url",), ["/x/7", "/x/8"]), Column(("same",), ["/x/7", "/x/8"]),
        Column(("other",), ["/x/7", "/x/9"]), Column(("fixed",), ["/x/7", "/x/7"]), Column(("mixed",), ["/x/7", None]),
    ]
    assert derived_of(columns) == {("url",): "(/x/~id)", ("same",): "(/x/~id)"}
