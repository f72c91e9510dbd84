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
    columns_of,
    odd_of,
    order_of,
)
from headroom.conversation import Json


@pytest.mark.parametrize(("shapes", "order", "odd"), [
    ([("a", "b")], ["a", "b"], []),
    ([("a", "c"), ("a", "b", "c")], ["a", "b", "c"], []),
    ([("b", "c"), ("a", "b")], ["a", "b", "c"], []),
    ([("b", "a"), ("a", "b")], ["b", "a"], [("a", "b")]),
    ([()], [], []),
])
def test_orders(shapes: list[Shape], order: list[str], odd: list[Shape]) -> None:
    assert order_of(Counter(shapes)) == order
    assert odd_of(shapes, order) == set(odd)


def test_too_many_names_have_no_order() -> None:
    assert order_of(Counter((f"{i}", "x") for i in range(MAX_COLUMNS + 1))) is None


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True).map(tuple), min_size=1))
def test_an_order_has_every_key_once_and_fits_all_shapes_but_the_odd(shapes: list[Shape]) -> None:
    order = order_of(Counter(shapes))
    assert order is not None
    assert sorted(order) == sorted(set().union(*shapes))
    for shape in set(shapes) - odd_of(shapes, order):
        assert list(shape) == [key for key in order if key in shape]


def test_nested_objects_are_spread_out_and_rare_keys_set_apart() -> None:
    rows: list[Json] = [{"a": {"x": i, "y": {"z": i}}, "b": i} for i in range(9)]
    rows.append({"b": 9, "c": 1})
    shapes = Counter(map(tuple, rows))
    order = order_of(shapes)
    assert order == ["a", "b", "c"]
    assert columns_of(rows, (), order, shapes) == [
        Column(("a", "x"), [*range(9), MISSING]),
        Column(("a", "y", "z"), [*range(9), MISSING]),
        Column(("b",), [*range(10)]),
        Column(("c",), (), rare=True),
    ]


def test_short_lists_of_one_length_are_spread_out() -> None:
    rows: list[Json] = [{"at": [i, -i], "tags": [{"k": "a", "v": i}], "long": [1, 2, 3, 4, 5], "some": [1] * (1 + i % 2)} for i in range(4)]
    found = columns_of(rows, (), ["at", "tags", "long", "some"], Counter(map(tuple, rows)))
    assert [column.path for column in found] == [("at", 0), ("at", 1), ("tags", 0, "k"), ("tags", 0, "v"), ("long",), ("some",)]
    assert list(found[3].values) == [0, 1, 2, 3]


def test_an_order_fits_most_rows_if_it_cannot_fit_all() -> None:
    shapes = Counter({("b", "a", "c"): 1, ("a", "b"): 5, ("b", "c"): 4})
    assert order_of(shapes) == ["a", "b", "c"]
